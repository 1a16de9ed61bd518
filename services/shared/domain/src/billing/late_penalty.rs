//! The late penalty: 0.1 % of an invoice's unpaid sum for each calendar day of delay.
//!
//! Rule: billing.md §6; offer [003 §7.4].
//!
//! ```text
//! for an invoice due on d and every day x > d up to and including the day on which it is fully paid:
//! penalty(x) = 0.001 × (sum unpaid at the start of day x)
//! ```
//!
//! The days are summed exactly and rounded half-up to tiyin once, where the penalty is claimed. Not on penalties. The
//! operator may set a cap in percent of the overdue sum (the sum unpaid when the delay began).
//!
//! Invariants, each a property test of the same name:
//! - `accruing_day_by_day_is_accruing_at_once`: the daily job may stop and go on anywhere.
//! - `paying_earlier_never_costs_more`
//!
//! Not here: the claim, the waiver and their postings: both are acts of the accountant.

use crate::calendar::plus_days;
use crate::money::{Exact, Money, MoneyError};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The daily share [003 §7.4]: 0.001.
pub const DAILY_RATE: Decimal = Decimal::from_parts(1, 0, 0, false, 3);

/// A part of an invoice that was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidPart {
    /// The day from whose end on it counts.
    pub on: NaiveDate,
    /// How much.
    pub amount: Money,
}

/// An invoice as the penalty sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverdueInvoice {
    /// Its whole sum, gross.
    pub gross: Money,
    /// Its due date.
    pub due_on: NaiveDate,
    /// What was paid when, in any order.
    pub paid: Vec<PaidPart>,
}

/// The penalty of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PenaltyDay {
    /// The day of delay.
    pub day: NaiveDate,
    /// The sum unpaid at its start.
    pub base: Money,
    /// 0.001 of it, not rounded.
    pub amount: Exact,
}

impl OverdueInvoice {
    /// What is unpaid when `day` begins: payments of earlier days count, those of the day itself don't.
    pub fn unpaid_at_start_of(&self, day: NaiveDate) -> Result<Money, MoneyError> {
        let earlier = self
            .paid
            .iter()
            .filter(|part| part.on < day)
            .map(|part| part.amount);
        self.gross.checked_sub(Money::sum(earlier)?)
    }

    /// The day on which it was fully paid, if it was.
    pub fn paid_on(&self) -> Result<Option<NaiveDate>, MoneyError> {
        let mut parts = self.paid.clone();
        parts.sort_by_key(|part| part.on);
        let mut unpaid = self.gross;
        for part in parts {
            unpaid = unpaid.checked_sub(part.amount)?;
            if !unpaid.is_positive() {
                return Ok(Some(part.on));
            }
        }
        Ok(None)
    }
}

/// The penalty of every day of delay after `after` (exclusive; earlier days are accrued already) through `through`
/// (inclusive). Empty when the invoice was paid in time. A delay of more than 36,525 days is cut there.
pub fn accrue(
    invoice: &OverdueInvoice,
    after: Option<NaiveDate>,
    through: NaiveDate,
) -> Result<Vec<PenaltyDay>, MoneyError> {
    let mut day = plus_days(after.map_or(invoice.due_on, |after| after.max(invoice.due_on)), 1);
    let mut days = Vec::new();
    while day <= through && days.len() < DAYS_MAX {
        let base = invoice.unpaid_at_start_of(day)?;
        if !base.is_positive() {
            break;
        }
        days.push(PenaltyDay {
            day,
            base,
            amount: base.exact().checked_mul(DAILY_RATE)?,
        });
        day = plus_days(day, 1);
    }
    Ok(days)
}

/// As [`accrue`], held to the operator's cap in percent of the overdue sum, which is the sum unpaid when the delay began.
/// Days beyond the cap are told with nothing, so that the accrual is shown for every day. Like the days themselves it
/// depends on the invoice alone: accruing in steps is accruing at once.
pub fn accrue_capped(
    invoice: &OverdueInvoice,
    cap_percent: Option<Decimal>,
    after: Option<NaiveDate>,
    through: NaiveDate,
) -> Result<Vec<PenaltyDay>, MoneyError> {
    let Some(percent) = cap_percent else {
        return accrue(invoice, after, through);
    };
    let mut days = accrue(invoice, None, through)?;
    let overdue = days.first().map_or(Money::ZERO, |day| day.base);
    let mut left = overdue
        .exact()
        .checked_mul(percent)?
        .checked_div(Decimal::ONE_HUNDRED)?;
    for day in &mut days {
        day.amount = day.amount.min(left);
        left = left.checked_sub(day.amount)?;
    }
    days.retain(|day| after.is_none_or(|after| day.day > after));
    Ok(days)
}

/// A hundred years of delay: the bound of the loop above.
const DAYS_MAX: usize = 36_525;

/// What may be claimed for these days: their exact sum, not above the cap, rounded half-up once.
/// `cap_percent` is in percent of the overdue sum, which is the base of the first day.
pub fn claimable(days: &[PenaltyDay], cap_percent: Option<Decimal>) -> Result<Money, MoneyError> {
    let sum = days
        .iter()
        .try_fold(Exact::ZERO, |sum, day| sum.checked_add(day.amount))?;
    let overdue = days
        .iter()
        .min_by_key(|day| day.day)
        .map_or(Money::ZERO, |day| day.base);
    capped(sum, overdue, cap_percent)
}

/// An exact sum of penalty days, held to the cap and rounded half-up: for callers that keep the days in the database.
pub fn capped(sum: Exact, overdue: Money, cap_percent: Option<Decimal>) -> Result<Money, MoneyError> {
    match cap_percent {
        None => sum.round_half_up(),
        Some(percent) => {
            let cap = overdue
                .exact()
                .checked_mul(percent)?
                .checked_div(Decimal::ONE_HUNDRED)?;
            sum.min(cap).round_half_up()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    /// Reads a case as the book tells it and compares the penalty claimed at the end of the year.
    fn check(case: &str) {
        let mut invoice = OverdueInvoice {
            gross: Money::ZERO,
            due_on: day("2026-01-01"),
            paid: vec![],
        };
        let mut cap = None;
        for line in case.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["invoice", gross, "due", due] => (invoice.gross, invoice.due_on) = (sum(gross), day(due)),
                ["pay", on, amount] => invoice.paid.push(PaidPart {
                    on: day(on),
                    amount: sum(amount),
                }),
                ["cap", percent, "%"] => cap = Some(Decimal::from_str_exact(percent).unwrap()),
                ["penalty", "->", due, ..] => {
                    let days = accrue(&invoice, None, day("2026-12-31")).unwrap();
                    assert_eq!(claimable(&days, cap).unwrap(), sum(due), "{case}\n{days:#?}");
                }
                _ => panic!("not understood: {line}"),
            }
        }
    }

    #[test]
    fn ten_days_late() {
        // billing.md §6: 1,000,000 due 2026-01-25, paid 2026-02-04: 10 days → 10,000.00.
        check(
            "
            invoice 1000000.00 due 2026-01-25
            pay     2026-02-04 1000000.00
            penalty -> 10000.00
        ",
        );
    }

    #[test]
    fn a_partial_payment_lowers_the_base_from_the_next_day() {
        // billing.md §6: 5 × 1,120 + 10 × 620 = 11,800.00.
        check(
            "
            invoice 1120000.00 due 2026-01-25
            pay     2026-01-30 500000.00
            pay     2026-02-09 620000.00
            penalty -> 11800.00
        ",
        );
    }

    #[test]
    fn the_sum_is_rounded_once_where_it_is_claimed() {
        // billing.md §6: 333.33 paid 1 day late → 0.33333 → 0.33.
        check(
            "
            invoice 333.33 due 2026-01-25
            pay     2026-01-26 333.33
            penalty -> 0.33
        ",
        );
        // Two days: 0.66666 → 0.67, where rounding each day would give 0.66.
        check(
            "
            invoice 333.33 due 2026-01-25
            pay     2026-01-27 333.33
            penalty -> 0.67
        ",
        );
    }

    #[test]
    fn paid_on_the_due_date_or_before_costs_nothing() {
        for paid in ["2026-01-25", "2026-01-10"] {
            check(&format!(
                "invoice 1000.00 due 2026-01-25\npay {paid} 1000.00\npenalty -> 0.00"
            ));
        }
    }

    #[test]
    fn the_cap_is_in_percent_of_the_overdue_sum() {
        check(
            "
            invoice 1000000.00 due 2026-01-25
            pay     2026-01-20 600000.00
            cap 5 %
            penalty -> 20000.00    5 % of the 400,000 that were overdue
        ",
        );
        check(
            "
            invoice 1000000.00 due 2026-01-25
            pay     2026-02-04 1000000.00
            cap 5 %
            penalty -> 10000.00    below the cap
        ",
        );
    }

    #[test]
    fn days_beyond_the_cap_accrue_nothing_and_are_told() {
        let invoice = OverdueInvoice {
            gross: sum("1000.00"),
            due_on: day("2026-01-25"),
            paid: vec![],
        };
        let cap = Some(Decimal::new(25, 2));
        let amounts = |after, through| -> Vec<String> {
            accrue_capped(&invoice, cap, after, day(through))
                .unwrap()
                .iter()
                .map(|day| day.amount.decimal().normalize().to_string())
                .collect()
        };
        // A quarter of a percent of 1,000.00 is 2.50.
        assert_eq!(amounts(None, "2026-01-29"), ["1", "1", "0.5", "0"]);
        assert_eq!(amounts(Some(day("2026-01-27")), "2026-01-29"), ["0.5", "0"]);
        let free = accrue_capped(&invoice, None, None, day("2026-01-29")).unwrap();
        assert_eq!(free, accrue(&invoice, None, day("2026-01-29")).unwrap());
    }

    #[test]
    fn the_daily_rate_is_a_thousandth() {
        assert_eq!(DAILY_RATE.to_string(), "0.001");
    }

    #[test]
    fn the_day_of_full_payment_is_told() {
        let mut invoice = OverdueInvoice {
            gross: sum("100.00"),
            due_on: day("2026-01-25"),
            paid: vec![],
        };
        assert_eq!(invoice.paid_on().unwrap(), None);
        invoice.paid.push(PaidPart {
            on: day("2026-02-09"),
            amount: sum("60.00"),
        });
        invoice.paid.push(PaidPart {
            on: day("2026-01-30"),
            amount: sum("40.00"),
        });
        assert_eq!(invoice.paid_on().unwrap(), Some(day("2026-02-09")));
    }

    fn any_invoice() -> impl Strategy<Value = OverdueInvoice> {
        (
            1i64..500_000_000,
            prop::collection::vec((0u64..120, 1i64..200_000_000), 0..5),
        )
            .prop_map(|(gross, payments)| {
                let mut left = gross;
                let mut paid = vec![];
                for (offset, tiyin) in payments {
                    let tiyin = tiyin.min(left);
                    if tiyin > 0 {
                        left -= tiyin;
                        paid.push(PaidPart {
                            on: plus_days(day("2026-01-01"), offset),
                            amount: Money::from_tiyin(tiyin).unwrap(),
                        });
                    }
                }
                OverdueInvoice {
                    gross: Money::from_tiyin(gross).unwrap(),
                    due_on: day("2026-01-25"),
                    paid,
                }
            })
    }

    proptest! {
        #[test]
        fn accruing_day_by_day_is_accruing_at_once(invoice in any_invoice(), stops in prop::collection::vec(0u64..160, 0..6)) {
            let last = plus_days(day("2026-01-01"), 160);
            let at_once = accrue(&invoice, None, last).unwrap();
            let mut stops: Vec<NaiveDate> = stops.into_iter().map(|offset| plus_days(day("2026-01-01"), offset)).collect();
            stops.push(last);
            stops.sort();
            let mut in_steps: Vec<PenaltyDay> = vec![];
            for stop in stops {
                let after = in_steps.last().map(|day| day.day);
                in_steps.extend(accrue(&invoice, after, stop).unwrap());
            }
            prop_assert_eq!(in_steps, at_once);
        }

        #[test]
        fn paying_earlier_never_costs_more(invoice in any_invoice(), sooner in 1u64..30) {
            let last = plus_days(day("2026-01-01"), 160);
            let mut earlier = invoice.clone();
            for part in &mut earlier.paid {
                part.on = crate::calendar::minus_days(part.on, sooner);
            }
            let cost = |invoice: &OverdueInvoice| claimable(&accrue(invoice, None, last).unwrap(), None).unwrap();
            prop_assert!(cost(&earlier) <= cost(&invoice));
        }
    }
}

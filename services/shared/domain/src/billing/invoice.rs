//! Which invoices an order blank makes at signing, and when each is due.
//!
//! Rule: billing.md §2; offer [003 §5.11].
//!
//! ```text
//! other lines:  due = min(signing + 5 calendar days, 25th of the month before the first month covered)
//!               a monthly invoice for a later month: the 25th of the month before it
//! media:        due = 3 business days before the first day of service
//! own term:     wins
//! VAT = net × rate of the blank, rounded half-up per invoice line; gross = net + VAT
//! ```
//!
//! A blank makes one invoice for each due date, over all its lines. A due date before the signing date refuses the signing
//! unless the blank states its own term.
//!
//! **Choices** where the offer is silent: a monthly invoice of a media line for a later month is due 3 business days
//! before that month's first day; a total media budget paid monthly is split over the months by their days, so that the
//! parts add up; the own term of a blank paid monthly is the first invoice's, and a later one is due by its rule but never
//! before the own term.
//!
//! Invariants, each a property test of the same name:
//! - `monthly_parts_add_up_to_the_full_invoice`
//! - `no_invoice_is_due_before_the_signing`
//!
//! Not here: numbers (`document`), who has paid (`allocation`), invoices of budget increases.

use super::rendered::{DaysServed, additional_amount, one_off_amount, period_amount};
use crate::calendar::{BusinessCalendar, ReportingPeriod, days_inclusive, plus_days};
use crate::ids::LineId;
use crate::money::{Money, MoneyError, Rate, UnitPrice};
use crate::orders::order_blank::{Budget, BudgetMode, Prepayment, Term};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Calendar days after the signing within which other lines are paid [003 §5.11.1].
pub const DAYS_TO_PAY: u64 = 5;
/// The day of the month before by which other lines are paid at the latest [003 §5.11.1].
pub const LATEST_DAY_OF_MONTH_BEFORE: u32 = 25;
/// Business days before the first day of service by which media is paid [003 §5.11.2].
pub const MEDIA_BUSINESS_DAYS: u32 = 3;

/// What a line costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineCharge {
    /// A media line: its budget.
    Media(Budget),
    /// A period line: a price per month.
    Period(UnitPrice),
    /// An additional service with a monthly tariff.
    Monthly {
        /// Per month and piece.
        price: UnitPrice,
        /// Pieces.
        quantity: Decimal,
    },
    /// An additional service that is paid once.
    OneOff {
        /// Per piece.
        price: UnitPrice,
        /// Pieces.
        quantity: Decimal,
    },
}

/// A line of the blank that is being signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineToInvoice {
    /// The line.
    pub line: LineId,
    /// Its ordered term.
    pub term: Term,
    /// What it costs, net.
    pub charge: LineCharge,
}

/// What the blank says about payment.
#[derive(Debug, Clone, Copy)]
pub struct InvoiceTerms<'a> {
    /// Date of signing, Tashkent.
    pub signed_on: NaiveDate,
    /// One invoice for all, or one per reporting period.
    pub prepayment: Prepayment,
    /// The blank's own payment term, if it states one.
    pub own_due_on: Option<NaiveDate>,
    /// The blank's VAT rate; [`Rate::ZERO`] when the operator is no VAT payer.
    pub vat_rate: Rate,
    /// Business days.
    pub calendar: &'a BusinessCalendar,
}

/// A line of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceLine {
    /// The line of the order blank.
    pub line: LineId,
    /// First reporting period covered.
    pub first_period: ReportingPeriod,
    /// Last reporting period covered.
    pub last_period: ReportingPeriod,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
}

/// An invoice to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceDraft {
    /// Due date.
    pub due_on: NaiveDate,
    /// Its lines, in the order of the blank and by period.
    pub lines: Vec<InvoiceLine>,
    /// VAT rate.
    pub vat_rate: Rate,
    /// Sum of the lines' net.
    pub net: Money,
    /// Sum of the lines' VAT.
    pub vat: Money,
    /// Net and VAT.
    pub gross: Money,
}

/// Why no invoices can be drawn up, so that the blank can't be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawUpRefused {
    /// A due date lies before the signing date, and the blank states no term of its own [003 §5.11.1].
    #[error(
        "the invoice for {period} would be due on {due_on}, before the signing on {signed_on}: state an own payment term"
    )]
    DueBeforeSigning {
        /// First period of the line.
        period: ReportingPeriod,
        /// The due date by rule.
        due_on: NaiveDate,
        /// The signing date.
        signed_on: NaiveDate,
    },
    /// The own term lies before the signing.
    #[error("the blank's own payment term {own_due_on} lies before the signing on {signed_on}")]
    OwnTermBeforeSigning {
        /// The own term.
        own_due_on: NaiveDate,
        /// The signing date.
        signed_on: NaiveDate,
    },
    /// A sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl DrawUpRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            DrawUpRefused::DueBeforeSigning { .. } => "due_before_signing",
            DrawUpRefused::OwnTermBeforeSigning { .. } => "own_term_before_signing",
            DrawUpRefused::Money(_) => "sum_too_large",
        }
    }
}

/// The invoices of a blank, oldest due date first. A line that costs nothing makes none.
pub fn draw_up(terms: InvoiceTerms<'_>, lines: &[LineToInvoice]) -> Result<Vec<InvoiceDraft>, DrawUpRefused> {
    if let Some(own_due_on) = terms.own_due_on.filter(|due| *due < terms.signed_on) {
        return Err(DrawUpRefused::OwnTermBeforeSigning {
            own_due_on,
            signed_on: terms.signed_on,
        });
    }
    let mut by_due_date: BTreeMap<NaiveDate, Vec<InvoiceLine>> = BTreeMap::new();
    for line in lines {
        for part in parts_of(line, terms.prepayment)? {
            if part.net.is_zero() {
                continue;
            }
            let due_on = due_date(&terms, line, part.first_period)?;
            let invoice_line = InvoiceLine {
                vat: terms.vat_rate.of(part.net)?,
                ..part
            };
            by_due_date.entry(due_on).or_default().push(invoice_line);
        }
    }
    by_due_date
        .into_iter()
        .map(|(due_on, lines)| {
            let net = Money::sum(lines.iter().map(|line| line.net))?;
            let vat = Money::sum(lines.iter().map(|line| line.vat))?;
            let gross = net.checked_add(vat)?;
            Ok(InvoiceDraft {
                due_on,
                lines,
                vat_rate: terms.vat_rate,
                net,
                vat,
                gross,
            })
        })
        .collect()
}

/// The due date of the invoice that covers `line` from `first_period` on.
fn due_date(
    terms: &InvoiceTerms<'_>,
    line: &LineToInvoice,
    first_period: ReportingPeriod,
) -> Result<NaiveDate, DrawUpRefused> {
    let is_first = first_period == ReportingPeriod::of(line.term.first_day());
    let by_rule = match line.charge {
        LineCharge::Media(_) => {
            let first_day = line.term.first_day().max(first_period.first_day());
            terms
                .calendar
                .business_days_before(first_day, MEDIA_BUSINESS_DAYS)
        }
        _ => {
            let before = first_period.previous();
            let latest = before
                .day(LATEST_DAY_OF_MONTH_BEFORE)
                .unwrap_or_else(|| before.last_day());
            if is_first {
                latest.min(plus_days(terms.signed_on, DAYS_TO_PAY))
            } else {
                latest
            }
        }
    };
    match terms.own_due_on {
        Some(own) if is_first => Ok(own),
        Some(own) => Ok(by_rule.max(own)),
        None if by_rule < terms.signed_on => Err(DrawUpRefused::DueBeforeSigning {
            period: first_period,
            due_on: by_rule,
            signed_on: terms.signed_on,
        }),
        None => Ok(by_rule),
    }
}

/// The sums of a line, net, one for each invoice that it is on (VAT is put in by the caller).
fn parts_of(line: &LineToInvoice, prepayment: Prepayment) -> Result<Vec<InvoiceLine>, MoneyError> {
    let part = |first_period, last_period, net| InvoiceLine {
        line: line.line,
        first_period,
        last_period,
        net,
        vat: Money::ZERO,
    };
    let months = net_by_month(line)?;
    let (Some((first, _)), Some((last, _))) = (months.first(), months.last()) else {
        return Ok(vec![]);
    };
    Ok(match prepayment {
        Prepayment::Full => vec![part(
            *first,
            *last,
            Money::sum(months.iter().map(|(_, net)| *net))?,
        )],
        Prepayment::Monthly => months
            .iter()
            .map(|(period, net)| part(*period, *period, *net))
            .collect(),
    })
}

/// What a line costs in each month of its term, net.
pub fn net_by_month(line: &LineToInvoice) -> Result<Vec<(ReportingPeriod, Money)>, MoneyError> {
    let term = line.term;
    match line.charge {
        LineCharge::OneOff { price, quantity } => {
            let period = ReportingPeriod::of(term.first_day());
            Ok(vec![(period, one_off_amount(price, quantity)?)])
        }
        LineCharge::Media(Budget {
            mode: BudgetMode::Total,
            amount,
        }) => split_by_days(term, amount),
        LineCharge::Media(Budget {
            mode: BudgetMode::Monthly,
            amount,
        }) => Ok(term.periods().map(|period| (period, amount)).collect()),
        LineCharge::Period(price) => term
            .periods()
            .map(|period| Ok((period, period_amount(price, DaysServed::of(term, period))?)))
            .collect(),
        LineCharge::Monthly { price, quantity } => term
            .periods()
            .map(|period| {
                Ok((
                    period,
                    additional_amount(price, quantity, DaysServed::of(term, period))?,
                ))
            })
            .collect(),
    }
}

/// Splits a sum over the months of a term by their days. Each month gets the difference of rounded shares up to its end,
/// so that the parts add up to the sum.
fn split_by_days(term: Term, amount: Money) -> Result<Vec<(ReportingPeriod, Money)>, MoneyError> {
    let all_days = Decimal::from(days_inclusive(term.first_day(), term.last_day()));
    let mut given = Money::ZERO;
    term.periods()
        .map(|period| {
            let last = term.last_day().min(period.last_day());
            let days_so_far = Decimal::from(days_inclusive(term.first_day(), last));
            let so_far = amount
                .exact()
                .checked_mul(days_so_far)?
                .checked_div(all_days)?
                .round_half_up()?;
            let net = so_far.checked_sub(given)?;
            given = so_far;
            Ok((period, net))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn sum(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn line(n: u128, first: &str, last: &str, charge: LineCharge) -> LineToInvoice {
        LineToInvoice {
            line: LineId::from_uuid(Uuid::from_u128(n)),
            term: Term::new(day(first), day(last)).unwrap(),
            charge,
        }
    }

    fn period_line(n: u128, first: &str, last: &str) -> LineToInvoice {
        line(
            n,
            first,
            last,
            LineCharge::Period(UnitPrice::parse("1000000.00").unwrap()),
        )
    }

    fn media_line(n: u128, first: &str, last: &str, budget: &str, mode: BudgetMode) -> LineToInvoice {
        line(
            n,
            first,
            last,
            LineCharge::Media(Budget {
                mode,
                amount: sum(budget),
            }),
        )
    }

    struct Signing<'a> {
        on: &'a str,
        prepayment: Prepayment,
        own: Option<&'a str>,
        vat: &'a str,
    }

    fn signing(on: &str) -> Signing<'_> {
        Signing {
            on,
            prepayment: Prepayment::Full,
            own: None,
            vat: "0.12",
        }
    }

    impl Signing<'_> {
        fn draw_up(&self, lines: &[LineToInvoice]) -> Result<Vec<InvoiceDraft>, DrawUpRefused> {
            let calendar = BusinessCalendar::shipped();
            let terms = InvoiceTerms {
                signed_on: day(self.on),
                prepayment: self.prepayment,
                own_due_on: self.own.map(day),
                vat_rate: Rate::parse(self.vat).unwrap(),
                calendar: &calendar,
            };
            draw_up(terms, lines)
        }

        fn told(&self, lines: &[LineToInvoice]) -> Vec<(String, String)> {
            self.draw_up(lines)
                .unwrap()
                .iter()
                .map(|draft| (draft.due_on.to_string(), draft.gross.to_string()))
                .collect()
        }
    }

    fn told(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(due, gross)| ((*due).to_owned(), (*gross).to_owned()))
            .collect()
    }

    #[test]
    fn other_lines_are_due_five_days_after_signing_but_by_the_25th_of_the_month_before() {
        // billing.md §2: signed 2026-01-10 for Feb: min(01-15, 01-25); signed 2026-01-23 for Feb: min(01-28, 01-25).
        let february = [period_line(1, "2026-02-01", "2026-02-28")];
        assert_eq!(
            signing("2026-01-10").told(&february),
            told(&[("2026-01-15", "1120000.00")])
        );
        assert_eq!(
            signing("2026-01-23").told(&february),
            told(&[("2026-01-25", "1120000.00")])
        );
    }

    #[test]
    fn media_is_due_three_business_days_before_its_first_day() {
        // billing.md §2: Mon 2026-03-09 is a day off, moved from Sunday 8 March: 6, 5, 4 March count back.
        let media = [media_line(
            1,
            "2026-03-09",
            "2026-03-31",
            "300000.00",
            BudgetMode::Total,
        )];
        assert_eq!(
            signing("2026-02-10").told(&media),
            told(&[("2026-03-04", "336000.00")])
        );
    }

    #[test]
    fn a_monthly_blank_makes_an_invoice_per_period_and_later_ones_are_due_on_the_25th_before() {
        let monthly = Signing {
            prepayment: Prepayment::Monthly,
            ..signing("2026-01-10")
        };
        let lines = [period_line(1, "2026-02-01", "2026-04-30")];
        let due = told(&[
            ("2026-01-15", "1120000.00"),
            ("2026-02-25", "1120000.00"),
            ("2026-03-25", "1120000.00"),
        ]);
        assert_eq!(monthly.told(&lines), due);
    }

    #[test]
    fn a_full_blank_is_one_invoice_over_all_months() {
        let lines = [period_line(1, "2026-03-01", "2026-05-31")];
        assert_eq!(
            signing("2026-02-02").told(&lines),
            told(&[("2026-02-07", "3360000.00")])
        );
    }

    #[test]
    fn full_prepayment_of_a_monthly_budget_is_the_budget_times_the_months() {
        let lines = [media_line(
            1,
            "2026-03-15",
            "2026-05-10",
            "100000.00",
            BudgetMode::Monthly,
        )];
        let drafts = signing("2026-02-02").draw_up(&lines).unwrap();
        assert_eq!(drafts.len(), 1);
        assert_eq!(
            (drafts[0].net, drafts[0].vat),
            (sum("300000.00"), sum("36000.00"))
        );
    }

    #[test]
    fn one_invoice_for_each_due_date_over_all_lines() {
        let lines = [
            period_line(1, "2026-02-01", "2026-02-28"),
            media_line(2, "2026-02-16", "2026-02-28", "300000.00", BudgetMode::Total),
            period_line(3, "2026-02-01", "2026-03-31"),
        ];
        let drafts = signing("2026-01-10").draw_up(&lines).unwrap();
        let parts: Vec<(String, usize, Money)> = drafts
            .iter()
            .map(|draft| (draft.due_on.to_string(), draft.lines.len(), draft.net))
            .collect();
        assert_eq!(
            parts,
            [
                ("2026-01-15".to_owned(), 2, sum("3000000.00")),
                ("2026-02-11".to_owned(), 1, sum("300000.00"))
            ]
        );
    }

    #[test]
    fn vat_is_rounded_per_invoice_line() {
        let price = UnitPrice::parse("0.04").unwrap();
        let lines = [1, 2].map(|n| line(n, "2026-02-01", "2026-02-28", LineCharge::Period(price)));
        let drafts = signing("2026-01-10").draw_up(&lines).unwrap();
        // 0.0048 twice is nothing twice, not 0.01 of the total.
        assert_eq!((drafts[0].net, drafts[0].vat), (sum("0.08"), Money::ZERO));
    }

    #[test]
    fn an_operator_that_is_no_vat_payer_invoices_the_list_price() {
        let no_payer = Signing {
            vat: "0",
            ..signing("2026-01-10")
        };
        assert_eq!(
            no_payer.told(&[period_line(1, "2026-02-01", "2026-02-28")]),
            told(&[("2026-01-15", "1000000.00")])
        );
    }

    #[test]
    fn a_due_date_before_the_signing_refuses_unless_the_blank_states_its_own_term() {
        let lines = [period_line(1, "2026-02-01", "2026-02-28")];
        let late = signing("2026-01-26");
        let refused = late.draw_up(&lines).unwrap_err();
        assert_eq!(refused.code(), "due_before_signing");
        assert_eq!(
            refused,
            DrawUpRefused::DueBeforeSigning {
                period: ReportingPeriod::parse("2026-02").unwrap(),
                due_on: day("2026-01-25"),
                signed_on: day("2026-01-26"),
            }
        );
        let with_own_term = Signing {
            own: Some("2026-02-10"),
            ..late
        };
        assert_eq!(with_own_term.told(&lines), told(&[("2026-02-10", "1120000.00")]));
        let media = [media_line(
            1,
            "2026-02-02",
            "2026-02-28",
            "1.00",
            BudgetMode::Total,
        )];
        assert_eq!(
            signing("2026-01-29").draw_up(&media).unwrap_err().code(),
            "due_before_signing"
        );
    }

    #[test]
    fn an_own_term_before_the_signing_is_refused() {
        let early = Signing {
            own: Some("2026-01-09"),
            ..signing("2026-01-10")
        };
        let refused = early
            .draw_up(&[period_line(1, "2026-02-01", "2026-02-28")])
            .unwrap_err();
        assert_eq!(refused.code(), "own_term_before_signing");
    }

    #[test]
    fn an_own_term_wins_for_the_first_invoice_and_no_later_one_is_due_before_it() {
        let monthly = Signing {
            prepayment: Prepayment::Monthly,
            own: Some("2026-03-05"),
            ..signing("2026-01-10")
        };
        let due = told(&[("2026-03-05", "2240000.00"), ("2026-03-25", "1120000.00")]);
        assert_eq!(monthly.told(&[period_line(1, "2026-02-01", "2026-04-30")]), due);
    }

    #[test]
    fn additional_services_are_invoiced_as_other_lines() {
        let price = UnitPrice::parse("200000.00").unwrap();
        let quantity = Decimal::from(2);
        let lines = [
            line(
                1,
                "2026-02-05",
                "2026-02-05",
                LineCharge::OneOff { price, quantity },
            ),
            line(
                2,
                "2026-02-15",
                "2026-03-31",
                LineCharge::Monthly { price, quantity },
            ),
        ];
        // 400,000 once; half of February's 28 days and the whole of March: 600,000.
        assert_eq!(
            signing("2026-01-10").told(&lines),
            told(&[("2026-01-15", "1120000.00")])
        );
    }

    #[test]
    fn a_blank_that_costs_nothing_makes_no_invoice() {
        let free = line(
            1,
            "2026-02-01",
            "2026-02-28",
            LineCharge::Period(UnitPrice::parse("0").unwrap()),
        );
        assert_eq!(signing("2026-01-10").draw_up(&[free]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn monthly_parts_add_up_to_the_full_invoice(
            tiyin in 1i64..1_000_000_000, start in 0u64..60, days in 0u64..500, is_media in any::<bool>(), total in any::<bool>(),
        ) {
            let first = plus_days(day("2026-06-01"), start);
            let term = Term::new(first, plus_days(first, days)).unwrap();
            let amount = Money::from_tiyin(tiyin).unwrap();
            let charge = if is_media {
                LineCharge::Media(Budget { mode: if total { BudgetMode::Total } else { BudgetMode::Monthly }, amount })
            } else {
                LineCharge::Period(UnitPrice::new(amount.decimal()).unwrap())
            };
            let line = LineToInvoice { line: LineId::from_uuid(Uuid::from_u128(1)), term, charge };
            let net = |prepayment| {
                let drafts = Signing { prepayment, ..signing("2026-01-10") }.draw_up(&[line]).unwrap();
                Money::sum(drafts.iter().map(|draft| draft.net)).unwrap()
            };
            prop_assert_eq!(net(Prepayment::Full), net(Prepayment::Monthly));
            if is_media && total {
                prop_assert_eq!(net(Prepayment::Full), amount);
            }
        }

        #[test]
        fn no_invoice_is_due_before_the_signing(
            signed in 0u64..120, start in 0u64..120, own in prop::option::of(0u64..120), monthly in any::<bool>(), is_media in any::<bool>(),
        ) {
            let at = |offset| plus_days(day("2026-01-01"), offset).to_string();
            let first = at(start);
            let line = if is_media {
                media_line(1, &first, "2026-07-31", "1000.00", BudgetMode::Total)
            } else {
                period_line(1, &first, "2026-07-31")
            };
            let (on, own) = (at(signed), own.map(at));
            let prepayment = if monthly { Prepayment::Monthly } else { Prepayment::Full };
            let case = Signing { prepayment, own: own.as_deref(), ..signing(&on) };
            if let Ok(drafts) = case.draw_up(&[line]) {
                prop_assert!(drafts.iter().all(|draft| draft.due_on >= day(&on)));
                prop_assert!(drafts.windows(2).all(|pair| pair[0].due_on < pair[1].due_on));
            }
        }
    }
}

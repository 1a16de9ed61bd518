//! What the services rendered in a reporting period cost, net of VAT.
//!
//! Rule: billing.md §4; offer [003 §5.1, §7.6].
//!
//! ```text
//! media:       round(price × counted_to_end / 1000) − round(price × counted_to_previous_end / 1000)
//! period line: price × days_served / days_in_month, rounded once
//! additional:  price × quantity [× days_served / days_in_month unless one-off], rounded once
//! interrupted: round(price × months_used_to_end) − round(price × months_used_to_previous_end)
//! ```
//!
//! **Choice:** a period line's place is held for its customer from the first day of its term on which it has an approved
//! material. Days on which it doesn't run for the customer's own reason (an unpaid invoice, a pause) are charged; the
//! cuts of §4 (termination, a moved start) are not.
//!
//! Invariants, each a property test of the same name:
//! - `media_months_add_up_to_the_whole_life`: rounding never drifts, however the life is cut into periods.
//! - `a_month_cut_in_parts_is_never_dearer_than_its_price_by_more_than_the_rounding`
//!
//! Not here: the counts (`storage::counting`), VAT and documents (`primary_document`), outages.

use crate::calendar::{ReportingPeriod, days_inclusive, minus_days};
use crate::money::{Exact, Money, MoneyError, UnitPrice};
use crate::orders::order_blank::Term;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Charged impressions over a media line's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaCounts {
    /// From the line's first day to the end of the period.
    pub to_end: u64,
    /// From the line's first day to the end of the period before.
    pub to_previous_end: u64,
}

impl MediaCounts {
    /// Impressions of the period itself.
    pub fn in_period(self) -> u64 {
        self.to_end.saturating_sub(self.to_previous_end)
    }
}

/// What the impressions of a period cost.
pub fn media_amount(price: UnitPrice, counts: MediaCounts) -> Result<Money, MoneyError> {
    let to_end = price.of_impressions(counts.to_end)?.round_half_up()?;
    let to_previous_end = price.of_impressions(counts.to_previous_end)?.round_half_up()?;
    to_end.checked_sub(to_previous_end)
}

/// Days served of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaysServed {
    /// Days with service.
    pub served: u32,
    /// Days that the month has; at least 1.
    pub in_month: u32,
}

impl DaysServed {
    /// The days of a period that a term covers.
    pub fn of(term: Term, period: ReportingPeriod) -> DaysServed {
        let first = term.first_day().max(period.first_day());
        let last = term.last_day().min(period.last_day());
        DaysServed {
            served: days_inclusive(first, last),
            in_month: period.days(),
        }
    }

    /// The month's share as a quantity with six places, for the document's column.
    pub fn quantity(self) -> Result<Decimal, MoneyError> {
        Ok(self.share_of(Decimal::ONE)?.decimal().round_dp(6).normalize())
    }

    fn share_of(self, price: Decimal) -> Result<Exact, MoneyError> {
        Exact::new(price)
            .checked_mul(Decimal::from(self.served))?
            .checked_div(Decimal::from(self.in_month))
    }
}

/// What a month of a period line costs.
pub fn period_amount(price: UnitPrice, days: DaysServed) -> Result<Money, MoneyError> {
    days.share_of(price.decimal())?.round_half_up()
}

/// What a month of an additional service with a monthly tariff costs.
pub fn additional_amount(price: UnitPrice, quantity: Decimal, days: DaysServed) -> Result<Money, MoneyError> {
    let full = Exact::new(price.decimal()).checked_mul(quantity)?;
    days.share_of(full.decimal())?.round_half_up()
}

/// What a month of a line that was interrupted costs: the ordered months that it used up (`orders::interruption`).
pub fn months_amount(
    price: UnitPrice,
    to_end: Decimal,
    to_previous_end: Decimal,
) -> Result<Money, MoneyError> {
    let through = |months| Exact::new(price.decimal()).checked_mul(months)?.round_half_up();
    through(to_end)?.checked_sub(through(to_previous_end)?)
}

/// What a one-off additional service costs.
pub fn one_off_amount(price: UnitPrice, quantity: Decimal) -> Result<Money, MoneyError> {
    Exact::new(price.decimal()).checked_mul(quantity)?.round_half_up()
}

/// The facts that bound the days on which a line is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceBounds {
    /// The term in force: moved by late material.
    pub term: Term,
    /// The first day without service, where the line was ended.
    pub ended_on: Option<NaiveDate>,
    /// The first day on which it could be served: the day its first material was both approved and live. A line that
    /// needs no material has the first day of its term here; one that needs one and has none has `None`.
    pub ready_on: Option<NaiveDate>,
}

impl ServiceBounds {
    /// The days of the period on which the line was served, or `None` when there are none.
    pub fn served_in(self, period: ReportingPeriod) -> Option<Term> {
        let first = self.term.first_day().max(self.ready_on?).max(period.first_day());
        let last = self.term.last_day().min(period.last_day());
        let last = self
            .ended_on
            .map_or(last, |ended_on| last.min(minus_days(ended_on, 1)));
        Term::new(first, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn price(text: &str) -> UnitPrice {
        UnitPrice::parse(text).unwrap()
    }

    fn period(text: &str) -> ReportingPeriod {
        ReportingPeriod::parse(text).unwrap()
    }

    fn bounds(first: &str, last: &str) -> ServiceBounds {
        ServiceBounds {
            term: Term::new(day(first), day(last)).unwrap(),
            ended_on: None,
            ready_on: Some(day(first)),
        }
    }

    #[test]
    fn media_is_charged_by_the_difference_of_rounded_lives() {
        // 0.335 + 0.335: rounding each month alone would charge 0.34 twice, 0.68 for 0.67.
        let odd = price("0.67");
        for (to_end, to_previous_end, due) in [(500, 0, "0.34"), (1000, 500, "0.33"), (1000, 1000, "0.00")] {
            let counts = MediaCounts {
                to_end,
                to_previous_end,
            };
            assert_eq!(media_amount(odd, counts).unwrap().to_string(), due);
        }
        let whole = MediaCounts {
            to_end: 25_000,
            to_previous_end: 0,
        };
        assert_eq!(
            media_amount(price("12000.00"), whole).unwrap().to_string(),
            "300000.00"
        );
    }

    #[test]
    fn a_period_line_is_charged_by_its_days() {
        for (served, in_month, due) in [
            (28, 28, "1000000.00"),
            (17, 31, "548387.10"),
            (1, 30, "33333.33"),
            (0, 30, "0.00"),
        ] {
            let days = DaysServed { served, in_month };
            assert_eq!(
                period_amount(price("1000000.00"), days).unwrap().to_string(),
                due,
                "{served}/{in_month}"
            );
        }
    }

    #[test]
    fn an_additional_service_is_its_tariff_and_is_cut_by_days_unless_it_is_one_off() {
        let days = DaysServed {
            served: 15,
            in_month: 30,
        };
        assert_eq!(
            additional_amount(price("200000"), Decimal::from(3), days)
                .unwrap()
                .to_string(),
            "300000.00"
        );
        assert_eq!(
            one_off_amount(price("200000"), Decimal::from(3))
                .unwrap()
                .to_string(),
            "600000.00"
        );
    }

    #[test]
    fn a_termination_a_moved_start_and_a_late_approval_cut_the_days() {
        let march = period("2026-03");
        let full = bounds("2026-03-01", "2026-05-31");
        assert_eq!(
            full.served_in(march).map(|term| DaysServed::of(term, march)),
            Some(DaysServed {
                served: 31,
                in_month: 31
            })
        );
        let ended = ServiceBounds {
            ended_on: Some(day("2026-03-11")),
            ..full
        };
        assert_eq!(
            ended.served_in(march),
            Term::new(day("2026-03-01"), day("2026-03-10"))
        );
        let ended_before = ServiceBounds {
            ended_on: Some(day("2026-03-01")),
            ..full
        };
        assert_eq!(ended_before.served_in(march), None);
        let late = ServiceBounds {
            ready_on: Some(day("2026-03-20")),
            ..full
        };
        assert_eq!(
            late.served_in(march),
            Term::new(day("2026-03-20"), day("2026-03-31"))
        );
        let never = ServiceBounds {
            ready_on: None,
            ..full
        };
        assert_eq!(never.served_in(march), None);
        assert_eq!(full.served_in(period("2026-02")), None);
        assert_eq!(full.served_in(period("2026-06")), None);
    }

    #[test]
    fn the_quantity_of_a_month_has_six_places() {
        let share = |served, in_month| DaysServed { served, in_month }.quantity().unwrap().to_string();
        assert_eq!(share(28, 28), "1");
        assert_eq!(share(17, 31), "0.548387");
    }

    proptest! {
        #[test]
        fn media_months_add_up_to_the_whole_life(
            price_micro in 0i64..50_000_000_000, months in prop::collection::vec(0u64..3_000_000, 1..24),
        ) {
            let price = UnitPrice::new(Decimal::new(price_micro, 6)).unwrap();
            let mut counted = 0;
            let mut charged = Money::ZERO;
            for impressions in months {
                let counts = MediaCounts { to_end: counted + impressions, to_previous_end: counted };
                prop_assert_eq!(counts.in_period(), impressions);
                charged = charged.checked_add(media_amount(price, counts).unwrap()).unwrap();
                counted += impressions;
            }
            prop_assert_eq!(charged, price.of_impressions(counted).unwrap().round_half_up().unwrap());
        }

        #[test]
        fn a_month_cut_in_parts_is_never_dearer_than_its_price_by_more_than_the_rounding(
            price_tiyin in 0i64..10_000_000_000, in_month in 28u32..=31, cut in 0u32..=31,
        ) {
            let price = UnitPrice::new(Decimal::new(price_tiyin, 2)).unwrap();
            let cut = cut.min(in_month);
            let part = |served| period_amount(price, DaysServed { served, in_month }).unwrap().tiyin();
            prop_assert!((part(cut) + part(in_month - cut) - price_tiyin).abs() <= 1);
            prop_assert_eq!(part(in_month), price_tiyin);
        }
    }
}

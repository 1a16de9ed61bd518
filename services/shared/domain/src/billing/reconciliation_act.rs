//! Reconciliation acts: what two parties' books say of each other over an interval.
//!
//! Rule: billing.md §7; offer [003 §5.14–5.15].
//!
//! ```text
//! after a quarter:      1 January – its last day (first quarter, half-year, nine months, year)
//! after a contract's end E: 1 January of the year of E − 1 – the day before E
//! closing = opening + debits − credits          more than nothing: the customer owes, less: the operator
//! sent within 7 business days, returned signed within 5 business days
//! ```
//!
//! Debit is what makes the customer owe more (services, penalties claimed, refunds paid out), credit what it paid. Every
//! posting that changes the balance between the parties is one row; one that moves money between a customer's own
//! accounts is none. Services of an ended line that no document has yet are a row of their own.
//!
//! Invariants, each a property test of the same name:
//! - `the_closing_balance_is_the_sum_of_all_movements`
//!
//! Not here: numbers and the form (`documents::content`), the rows' source (`storage::settlements`).

use crate::calendar::{BusinessCalendar, ReportingPeriod, minus_days};
use crate::money::{Money, MoneyError};
use chrono::{Datelike, NaiveDate};

/// Business days within which an act is sent [003 §5.14–5.15].
pub const BUSINESS_DAYS_TO_SEND: u32 = 7;
/// Business days within which the customer returns it signed [003 §5.14–5.15].
pub const BUSINESS_DAYS_TO_RETURN: u32 = 5;

/// Why an act is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Occasion {
    /// The first quarter is over.
    Quarter,
    /// The first half-year is over.
    HalfYear,
    /// Nine months are over.
    NineMonths,
    /// The year is over.
    Year,
    /// A contract has ended, by its term or early.
    ContractEnd,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Occasion; 5] = [
        Occasion::Quarter,
        Occasion::HalfYear,
        Occasion::NineMonths,
        Occasion::Year,
        Occasion::ContractEnd,
    ];

    /// The name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Occasion::Quarter => "quarter",
            Occasion::HalfYear => "half_year",
            Occasion::NineMonths => "nine_months",
            Occasion::Year => "year",
            Occasion::ContractEnd => "contract_end",
        }
    }

    /// The occasion of a name; `None` for any other text.
    pub fn parse(name: &str) -> Option<Occasion> {
        Occasion::ALL.into_iter().find(|occasion| occasion.name() == name)
    }

    /// The occasion that the end of a period is, where it ends a quarter.
    pub fn at_end_of(period: ReportingPeriod) -> Option<Occasion> {
        match period.month() {
            3 => Some(Occasion::Quarter),
            6 => Some(Occasion::HalfYear),
            9 => Some(Occasion::NineMonths),
            12 => Some(Occasion::Year),
            _ => None,
        }
    }
}

/// What an act covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// First day.
    pub first_day: NaiveDate,
    /// Last day.
    pub last_day: NaiveDate,
}

impl Interval {
    /// From 1 January to the end of a period.
    pub fn through(last: ReportingPeriod) -> Interval {
        Interval::of_year_through(last.last_day())
    }

    /// From 1 January to the day before a contract's end.
    pub fn before_end(ended_on: NaiveDate) -> Interval {
        Interval::of_year_through(minus_days(ended_on, 1))
    }

    fn of_year_through(last_day: NaiveDate) -> Interval {
        Interval {
            first_day: NaiveDate::from_ymd_opt(last_day.year(), 1, 1).unwrap_or(last_day),
            last_day,
        }
    }
}

/// The last day for sending an act about something that ended on `day`.
pub fn send_by(calendar: &BusinessCalendar, day: NaiveDate) -> NaiveDate {
    calendar.business_days_after(day, BUSINESS_DAYS_TO_SEND)
}

/// The last day for returning an act that was sent on `day`.
pub fn return_by(calendar: &BusinessCalendar, day: NaiveDate) -> NaiveDate {
    calendar.business_days_after(day, BUSINESS_DAYS_TO_RETURN)
}

/// A balance as the two columns of an act show it; one of them is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// The customer owes.
    pub debit: Money,
    /// The operator owes.
    pub credit: Money,
}

impl Columns {
    /// Of a signed sum.
    pub fn of(sum: Money) -> Result<Columns, MoneyError> {
        Ok(if sum.is_negative() {
            Columns {
                debit: Money::ZERO,
                credit: Money::ZERO.checked_sub(sum)?,
            }
        } else {
            Columns {
                debit: sum,
                credit: Money::ZERO,
            }
        })
    }
}

/// The sums of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turnover {
    /// Balance at the start of the first day.
    pub opening: Money,
    /// Sum of the debits.
    pub debit: Money,
    /// Sum of the credits.
    pub credit: Money,
    /// Balance at the end of the last day.
    pub closing: Money,
}

/// Adds up the movements, each more than nothing for a debit and less for a credit.
pub fn turnover(opening: Money, movements: impl IntoIterator<Item = Money>) -> Result<Turnover, MoneyError> {
    let mut sums = Turnover {
        opening,
        debit: Money::ZERO,
        credit: Money::ZERO,
        closing: opening,
    };
    for movement in movements {
        let columns = Columns::of(movement)?;
        sums.debit = sums.debit.checked_add(columns.debit)?;
        sums.credit = sums.credit.checked_add(columns.credit)?;
        sums.closing = sums.closing.checked_add(movement)?;
    }
    Ok(sums)
}

/// What a customer's figure says against the act's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Both books say the same.
    Agreed,
    /// They differ by so much: the customer's figure less the operator's.
    Discrepancy(Money),
}

/// Compares the closing balance by the customer's books with the act's.
pub fn compare(own: Money, customers: Money) -> Result<Comparison, MoneyError> {
    let difference = customers.checked_sub(own)?;
    Ok(if difference.is_zero() {
        Comparison::Agreed
    } else {
        Comparison::Discrepancy(difference)
    })
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

    // billing.md §7: first quarter, half-year, nine months, and after the year.
    #[test]
    fn quarters_are_reconciled_from_the_first_of_january_on() {
        for (period, occasion, last_day) in [
            ("2026-03", Some(Occasion::Quarter), "2026-03-31"),
            ("2026-06", Some(Occasion::HalfYear), "2026-06-30"),
            ("2026-09", Some(Occasion::NineMonths), "2026-09-30"),
            ("2026-12", Some(Occasion::Year), "2026-12-31"),
            ("2026-11", None, "2026-11-30"),
        ] {
            let period = ReportingPeriod::parse(period).unwrap();
            assert_eq!(Occasion::at_end_of(period), occasion);
            let interval = Interval::through(period);
            assert_eq!(interval.first_day, day("2026-01-01"));
            assert_eq!(interval.last_day, day(last_day));
        }
        for occasion in Occasion::ALL {
            assert_eq!(Occasion::parse(occasion.name()), Some(occasion));
        }
    }

    #[test]
    fn a_contracts_end_is_reconciled_through_the_day_before() {
        let interval = Interval::before_end(day("2026-04-01"));
        assert_eq!(
            (interval.first_day, interval.last_day),
            (day("2026-01-01"), day("2026-03-31"))
        );
        let new_year = Interval::before_end(day("2027-01-01"));
        assert_eq!(
            (new_year.first_day, new_year.last_day),
            (day("2026-01-01"), day("2026-12-31"))
        );
    }

    // billing.md §7: sent within 7 business days, returned within 5.
    #[test]
    fn deadlines_are_counted_in_business_days() {
        let calendar = BusinessCalendar::shipped();
        // 2026-03-31 is a Tuesday; 1 to 9 April are Wednesday to Thursday of the next week.
        assert_eq!(send_by(&calendar, day("2026-03-31")), day("2026-04-09"));
        assert_eq!(return_by(&calendar, day("2026-04-01")), day("2026-04-08"));
    }

    #[test]
    fn a_payment_in_advance_closes_in_the_customers_favour() {
        let sums = turnover(Money::ZERO, [sum("-3024000.00"), sum("1008000.00")]).unwrap();
        assert_eq!(
            (sums.debit, sums.credit, sums.closing),
            (sum("1008000.00"), sum("3024000.00"), sum("-2016000.00"))
        );
        let columns = Columns::of(sums.closing).unwrap();
        assert_eq!((columns.debit, columns.credit), (Money::ZERO, sum("2016000.00")));
    }

    #[test]
    fn a_differing_figure_is_a_discrepancy_of_the_difference() {
        assert_eq!(compare(sum("100.00"), sum("100.00")), Ok(Comparison::Agreed));
        assert_eq!(
            compare(sum("100.00"), sum("90.00")),
            Ok(Comparison::Discrepancy(sum("-10.00")))
        );
    }

    proptest! {
        #[test]
        fn the_closing_balance_is_the_sum_of_all_movements(opening in -1_000_000i64..1_000_000, tiyin in prop::collection::vec(-1_000_000i64..1_000_000, 0..20)) {
            let money = |tiyin| Money::from_tiyin(tiyin).unwrap();
            let sums = turnover(money(opening), tiyin.iter().map(|tiyin| money(*tiyin))).unwrap();
            prop_assert_eq!(sums.closing.tiyin(), opening + tiyin.iter().sum::<i64>());
            prop_assert_eq!(sums.opening.tiyin() + sums.debit.tiyin() - sums.credit.tiyin(), sums.closing.tiyin());
        }
    }
}

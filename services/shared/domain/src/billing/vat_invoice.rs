//! The VAT invoice (hisob-faktura) of a primary document.
//!
//! Rule: billing.md §5; offer [003 §5.10]; uzbekistan.md §3.2.
//!
//! ```text
//! one for each primary document, when the operator is a VAT payer on the period's last day
//! dated:     the last day of the period
//! exported:  from the export day (9) of the next month on; an additional one (of a correction) from its own date on
//! ```
//!
//! It has the lines and sums of its document and goes through the same states with it. An upheld objection makes an
//! additional VAT invoice over the difference, which refers to the first one.
//!
//! Not here: its text and its e-invoice form (`documents::content`), its posting: the document that it belongs to posts.

use crate::calendar::ReportingPeriod;
use crate::orders::order_blank::VatTerms;
use chrono::NaiveDate;

/// Day of the month on which VAT invoices go out unless the operator sets another one: sent then, one that accepts itself
/// after ten days does so when the objections end.
pub const EXPORT_DAY: u32 = 9;

/// Whether a period's documents have VAT invoices. `on_last_day`: the operator's terms on the period's last day; nothing
/// is known of an operator that never told its status, and nothing is issued.
pub fn is_due(on_last_day: Option<VatTerms>) -> bool {
    matches!(on_last_day, Some(VatTerms::Payer(_)))
}

/// The date that a period's VAT invoices carry.
pub fn dated(period: ReportingPeriod) -> NaiveDate {
    period.last_day()
}

/// The first day on which a period's VAT invoices are exported. A day that the next month doesn't have is its last one.
pub fn exported_from(period: ReportingPeriod, export_day: u32) -> NaiveDate {
    let next = period.next();
    next.day(export_day.max(1)).unwrap_or_else(|| next.last_day())
}

/// The newest period whose VAT invoices are to be exported on a day.
pub fn exported_through(today: NaiveDate, export_day: u32) -> ReportingPeriod {
    let before = ReportingPeriod::of(today).previous();
    if exported_from(before, export_day) <= today {
        before
    } else {
        before.previous()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Rate;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn period(text: &str) -> ReportingPeriod {
        ReportingPeriod::parse(text).unwrap()
    }

    #[test]
    fn only_a_vat_payer_issues_them() {
        assert!(is_due(Some(VatTerms::Payer(Rate::parse("0.12").unwrap()))));
        assert!(!is_due(Some(VatTerms::NotAPayer)));
        assert!(!is_due(None));
    }

    #[test]
    fn one_is_dated_the_last_day_of_its_period_also_in_a_leap_february() {
        assert_eq!(dated(period("2028-02")), day("2028-02-29"));
        assert_eq!(dated(period("2027-02")), day("2027-02-28"));
        assert_eq!(dated(period("2026-12")), day("2026-12-31"));
    }

    #[test]
    fn the_9th_is_the_day_of_the_export() {
        for (today, due) in [
            ("2027-01-08", "2026-11"),
            ("2027-01-09", "2026-12"),
            ("2027-01-31", "2026-12"),
        ] {
            assert_eq!(exported_through(day(today), EXPORT_DAY), period(due), "{today}");
        }
        assert_eq!(exported_from(period("2027-01"), 31), day("2027-02-28"));
        assert_eq!(exported_through(day("2027-02-27"), 31), period("2026-12"));
    }
}

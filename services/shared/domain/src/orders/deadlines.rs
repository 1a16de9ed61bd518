//! When an ad material must be in, from which day it runs, and how a late one moves the term.
//!
//! Rules: orders.md §4; offer [003 §3.3–3.4].
//!
//! ```text
//! period line   in by the 18th of the month before the month of placement
//! media line    in at least 3 business days before the first day
//! ```
//!
//! A late **first** material moves the whole term: a period line by months, a media line (**choice** of the book) by
//! calendar days. A late **change** moves nothing: the old material runs on until the new one may begin.
//!
//! Both deadlines are inclusive. The day of submission is a Tashkent day that the caller passes.
//!
//! Invariant `a_moved_term_keeps_its_length` (months of a period line, days of a media line).

use crate::calendar::{BusinessCalendar, ReportingPeriod, days_inclusive, minus_days, plus_days};
use crate::orders::order_blank::{LineKind, Term};
use chrono::NaiveDate;

/// Day of the month by which a material for the next month must be in.
pub const PERIOD_DEADLINE_DAY: u32 = 18;
/// Business days between the submission and the first day of a media line.
pub const MEDIA_BUSINESS_DAYS: u32 = 3;

/// The last day on which a material for `first_day` of a line may come in. `None` for a line that takes none.
pub fn last_day_to_submit(
    kind: LineKind,
    first_day: NaiveDate,
    calendar: &BusinessCalendar,
) -> Option<NaiveDate> {
    match kind {
        LineKind::Media => Some(calendar.business_days_before(first_day, MEDIA_BUSINESS_DAYS)),
        LineKind::Period => Some(period_deadline(ReportingPeriod::of(first_day))),
        LineKind::Additional => None,
    }
}

fn period_deadline(month: ReportingPeriod) -> NaiveDate {
    month
        .previous()
        .day(PERIOD_DEADLINE_DAY)
        .unwrap_or(NaiveDate::MIN)
}

/// What a first material does to its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstMaterial {
    /// First day on which it runs: the first day of the term.
    pub live_from: NaiveDate,
    /// The term in force from now on.
    pub term: Term,
    /// Whether the term has moved.
    pub is_late: bool,
}

/// The term after the first material came in on `submitted_on`.
pub fn first_material(
    kind: LineKind,
    term: Term,
    submitted_on: NaiveDate,
    calendar: &BusinessCalendar,
) -> Option<FirstMaterial> {
    let first_day = earliest_start(kind, term.first_day(), submitted_on, calendar)?;
    let moved = if first_day == term.first_day() {
        term
    } else if kind == LineKind::Period {
        moved_by_months(term, ReportingPeriod::of(first_day))?
    } else {
        let days = days_inclusive(term.first_day(), term.last_day());
        Term::new(first_day, plus_days(first_day, u64::from(days.saturating_sub(1))))?
    };
    Some(FirstMaterial {
        live_from: first_day,
        term: moved,
        is_late: moved != term,
    })
}

fn moved_by_months(term: Term, first: ReportingPeriod) -> Option<Term> {
    let later_months = u32::try_from(term.periods().count().saturating_sub(1)).ok()?;
    Term::new(first.first_day(), first.plus_months(later_months).last_day())
}

/// The first day on which a changed material runs; the old one runs until then, and the term stays.
///
/// May lie beyond the term: then the change came too late to be seen.
pub fn changed_material(
    kind: LineKind,
    term: Term,
    submitted_on: NaiveDate,
    calendar: &BusinessCalendar,
) -> Option<NaiveDate> {
    earliest_start(kind, term.first_day(), submitted_on, calendar)
}

/// The first day not before `not_before` whose deadline `submitted_on` meets.
fn earliest_start(
    kind: LineKind,
    not_before: NaiveDate,
    submitted_on: NaiveDate,
    calendar: &BusinessCalendar,
) -> Option<NaiveDate> {
    match kind {
        LineKind::Additional => None,
        LineKind::Period => {
            let wanted = ReportingPeriod::of(not_before);
            let met = first_month_met(submitted_on);
            Some(if met > wanted { met.first_day() } else { not_before })
        }
        LineKind::Media => {
            if submitted_on <= calendar.business_days_before(not_before, MEDIA_BUSINESS_DAYS) {
                return Some(not_before);
            }
            Some(first_media_day_met(submitted_on, calendar))
        }
    }
}

/// The first month whose deadline a submission meets.
fn first_month_met(submitted_on: NaiveDate) -> ReportingPeriod {
    let next = ReportingPeriod::of(submitted_on).next();
    if submitted_on <= period_deadline(next) {
        next
    } else {
        next.next()
    }
}

/// The first day that has three business days between the submission and itself, the day of submission being one of
/// them when it is a business day.
fn first_media_day_met(submitted_on: NaiveDate, calendar: &BusinessCalendar) -> NaiveDate {
    let mut day = plus_days(submitted_on, 1);
    // A calendar in which nobody ever works would never end; BusinessCalendar gives up after 400 idle days as well.
    for _ in 0..1_300 {
        if submitted_on <= calendar.business_days_before(day, MEDIA_BUSINESS_DAYS) {
            return day;
        }
        day = plus_days(day, 1);
    }
    minus_days(day, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn term(first: &str, last: &str) -> Term {
        Term::new(day(first), day(last)).unwrap()
    }

    fn first(kind: LineKind, ordered: Term, submitted: &str) -> FirstMaterial {
        first_material(kind, ordered, day(submitted), &BusinessCalendar::shipped()).unwrap()
    }

    #[test]
    fn late_first_material_of_a_period_line_moves_it_by_months() {
        // orders.md §4: line Jan–Mar 2026.
        let ordered = term("2026-01-01", "2026-03-31");
        for (submitted, due) in [
            ("2025-12-18", term("2026-01-01", "2026-03-31")),
            ("2025-12-19", term("2026-02-01", "2026-04-30")),
            ("2025-12-20", term("2026-02-01", "2026-04-30")),
            ("2026-01-18", term("2026-02-01", "2026-04-30")),
            ("2026-01-20", term("2026-03-01", "2026-05-31")),
        ] {
            let moved = first(LineKind::Period, ordered, submitted);
            assert_eq!(
                (moved.term, moved.live_from),
                (due, due.first_day()),
                "{submitted}"
            );
            assert_eq!(moved.is_late, due != ordered);
        }
    }

    #[test]
    fn a_period_line_moves_over_the_years_end() {
        let moved = first(LineKind::Period, term("2026-11-01", "2026-12-31"), "2026-10-19");
        assert_eq!(moved.term, term("2026-12-01", "2027-01-31"));
        let far = first(LineKind::Period, term("2026-12-01", "2026-12-31"), "2026-12-19");
        assert_eq!(far.term, term("2027-02-01", "2027-02-28"));
    }

    #[test]
    fn late_first_material_of_a_media_line_moves_it_by_days() {
        let ordered = term("2026-11-02", "2026-11-30");
        // Three business days before Monday 2 November: 30, 29, 28 October.
        assert!(!first(LineKind::Media, ordered, "2026-10-28").is_late);
        let moved = first(LineKind::Media, ordered, "2026-10-29");
        // 29, 30 October and 2 November are the three; the line starts on the 3rd.
        assert_eq!(moved.term, term("2026-11-03", "2026-12-01"));
        assert_eq!(moved.live_from, day("2026-11-03"));
    }

    #[test]
    fn holidays_and_the_years_end_count_in_the_calendar() {
        // 30 December 2026 is a Wednesday; 31 December and 1 January are days off, 2 and 3 January a weekend.
        let moved = first(LineKind::Media, term("2026-12-31", "2027-01-10"), "2026-12-30");
        // Business days from the submission on: 30 December, 4 and 5 January; the line starts on the 6th.
        assert_eq!(moved.term, term("2027-01-06", "2027-01-16"));
        // Submitted on a day off: the three business days after it count.
        let off = first(LineKind::Media, term("2027-01-01", "2027-01-01"), "2027-01-02");
        assert_eq!(off.live_from, day("2027-01-07"));
    }

    #[test]
    fn a_material_in_time_moves_nothing() {
        let early = first(LineKind::Period, term("2026-07-01", "2026-07-31"), "2026-01-01");
        assert_eq!(
            (early.term, early.is_late),
            (term("2026-07-01", "2026-07-31"), false)
        );
        assert_eq!(
            last_day_to_submit(LineKind::Period, day("2026-01-01"), &BusinessCalendar::shipped()),
            Some(day("2025-12-18"))
        );
        assert_eq!(
            last_day_to_submit(LineKind::Media, day("2026-03-09"), &BusinessCalendar::shipped()),
            Some(day("2026-03-04"))
        );
    }

    #[test]
    fn a_late_change_waits_and_the_term_stays() {
        let calendar = BusinessCalendar::shipped();
        let months = term("2026-01-01", "2026-03-31");
        let changed = |kind, term, on| changed_material(kind, term, day(on), &calendar).unwrap();
        assert_eq!(changed(LineKind::Period, months, "2026-01-18"), day("2026-02-01"));
        assert_eq!(changed(LineKind::Period, months, "2026-01-19"), day("2026-03-01"));
        assert_eq!(changed(LineKind::Period, months, "2025-11-01"), day("2026-01-01"));
        let days = term("2026-11-02", "2026-11-30");
        assert_eq!(changed(LineKind::Media, days, "2026-11-10"), day("2026-11-13"));
        // Thursday: Thursday, Friday and Monday are the three.
        assert_eq!(changed(LineKind::Media, days, "2026-11-12"), day("2026-11-17"));
        // Too late to be seen at all.
        assert!(changed(LineKind::Media, days, "2026-11-29") > days.last_day());
    }

    #[test]
    fn an_additional_service_takes_no_material() {
        let calendar = BusinessCalendar::shipped();
        assert_eq!(
            first_material(
                LineKind::Additional,
                term("2026-01-01", "2026-01-31"),
                day("2026-01-01"),
                &calendar
            ),
            None
        );
        assert_eq!(
            last_day_to_submit(LineKind::Additional, day("2026-01-01"), &calendar),
            None
        );
    }

    proptest! {
        #[test]
        fn a_moved_term_keeps_its_length(start in 0u64..900, length in 0u64..90, submitted in 0u64..1000, months in 1u32..5) {
            let calendar = BusinessCalendar::shipped();
            let origin = day("2024-06-01");
            let submitted_on = plus_days(origin, submitted);
            let first_day = plus_days(origin, start);
            let media = Term::new(first_day, plus_days(first_day, length)).unwrap();
            let moved = first_material(LineKind::Media, media, submitted_on, &calendar).unwrap();
            prop_assert_eq!(
                days_inclusive(moved.term.first_day(), moved.term.last_day()),
                days_inclusive(media.first_day(), media.last_day())
            );
            prop_assert!(moved.term.first_day() >= media.first_day());
            prop_assert!(submitted_on <= calendar.business_days_before(moved.live_from, MEDIA_BUSINESS_DAYS));
            if moved.is_late {
                // The day before would not have met the deadline.
                let day_before = minus_days(moved.live_from, 1);
                prop_assert!(
                    day_before < media.first_day()
                        || submitted_on > calendar.business_days_before(day_before, MEDIA_BUSINESS_DAYS)
                );
            }

            let month = ReportingPeriod::of(first_day);
            let period = Term::new(month.first_day(), month.plus_months(months - 1).last_day()).unwrap();
            let moved = first_material(LineKind::Period, period, submitted_on, &calendar).unwrap();
            prop_assert_eq!(moved.term.periods().count(), period.periods().count());
            prop_assert!(submitted_on <= period_deadline(ReportingPeriod::of(moved.live_from)));
        }
    }
}

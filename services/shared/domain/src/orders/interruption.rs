//! Force majeure and outages: how many days they move a line's end, and which days are charged then.
//!
//! Rules: orders.md §8; billing.md §4; offer [003 §7.2–7.3, §8.4].
//!
//! ```text
//! force majeure   the line stands still; its last day moves by  until − max(first day of it, first day of the line)
//! outage          a period line's last day moves by the outage's days inside its service, a part of a day being a day
//! lost access     an additional service's last day moves by the days of the justified claims
//! ```
//!
//! **Choice:** what was ordered is what is charged. Days of an outage are charged where they fall and the days added for
//! them are not; days of force majeure are charged to nobody, and each day after them is charged as the ordered day whose
//! place it took. So a line that is served to its end costs exactly its ordered months, whatever interrupted it. Where it
//! is ended before the days added for an outage were served, those days are taken off its last month.
//!
//! Overlapping outages and claims count once. Media lines need no days for an outage: their money spreads by itself.
//!
//! Invariants, each a property test of the same name:
//! - `a_line_interrupted_and_served_to_its_end_costs_its_ordered_months`
//! - `overlapping_outages_count_once`

use crate::calendar::{ReportingPeriod, Timestamp, day_start, days_inclusive, minus_days, plus_days};
use crate::money::{Exact, MoneyError};
use crate::orders::order_blank::Term;
use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;

/// The most days of an interruption that are looked at.
pub const DAYS_MAX: u32 = 1_827;
/// A written notice of force majeure is due within so many days of its beginning [003 §8.2].
pub const NOTICE_DAYS: u64 = 3;

/// A stretch on which a line stands still: its first day, and the first day without it once that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standstill {
    /// First day.
    pub first_day: NaiveDate,
    /// First day on which it is over.
    pub until: Option<NaiveDate>,
}

impl Standstill {
    /// Whether a day lies in it.
    pub fn holds(self, day: NaiveDate) -> bool {
        self.first_day <= day && self.until.is_none_or(|until| day < until)
    }

    /// By how many days it has moved, or will move, the end of a line that was to be served in `term` (as it stood before
    /// this standstill). One that isn't over moves it day by day.
    pub fn days_moved(self, term: Term, ended_on: Option<NaiveDate>, today: NaiveDate) -> u32 {
        let until = self.until.unwrap_or_else(|| plus_days(today, 1));
        let from = self.first_day.max(term.first_day());
        let last_day = last_served(term, ended_on);
        // A line that was over, or ended, before it began isn't held up; nor one that begins after it.
        if from > last_day || until <= term.first_day() {
            return 0;
        }
        days_inclusive(from, minus_days(until, 1)).min(DAYS_MAX)
    }
}

fn last_served(term: Term, ended_on: Option<NaiveDate>) -> NaiveDate {
    match ended_on {
        Some(ended_on) => term.last_day().min(minus_days(ended_on, 1)),
        None => term.last_day(),
    }
}

/// Days by which outages move the end of a period line that is served in `served`: joined where they overlap or touch, cut
/// to the days served, each rounded up to whole days.
pub fn outage_days(outages: &[(Timestamp, Timestamp)], served: Term) -> u32 {
    let (first, end) = (
        day_start(served.first_day()),
        day_start(plus_days(served.last_day(), 1)),
    );
    let mut inside: Vec<(Timestamp, Timestamp)> = outages
        .iter()
        .map(|(from, until)| ((*from).max(first), (*until).min(end)))
        .filter(|(from, until)| from < until)
        .collect();
    inside.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(inside.len());
    for (from, until) in inside {
        match joined.last_mut() {
            Some((_, last)) if from <= *last => *last = until.max(*last),
            _ => joined.push((from, until)),
        }
    }
    let days: i64 = joined
        .iter()
        .map(|(from, until)| whole_days(*until - *from))
        .sum();
    u32::try_from(days).unwrap_or(DAYS_MAX).min(DAYS_MAX)
}

fn whole_days(length: TimeDelta) -> i64 {
    let day = TimeDelta::days(1).num_milliseconds();
    let length = length.num_milliseconds();
    length / day + i64::from(length % day > 0)
}

/// Days of the claims inside the days served, each counted once.
pub fn claimed_days(claims: &[Term], served: Term) -> u32 {
    let days = days_inclusive(served.first_day(), served.last_day()).min(DAYS_MAX);
    let lost = (0..days)
        .map(|n| plus_days(served.first_day(), u64::from(n)))
        .filter(|day| claims.iter().any(|claim| claim.contains(*day)))
        .count();
    u32::try_from(lost).unwrap_or(DAYS_MAX)
}

/// What interrupted a line that is paid by the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// The term in force, with all days that were added.
    pub term: Term,
    /// The first day without service, where it was ended.
    pub ended_on: Option<NaiveDate>,
    /// The first day on which it could be served.
    pub ready_on: NaiveDate,
    /// Days added for force majeure.
    pub days_stood_still: u32,
    /// Days added for outages or lost access.
    pub days_made_good: u32,
    /// The stretches of force majeure.
    pub standstills: Vec<Standstill>,
}

impl Interrupted {
    /// The months as ordered, where late material has put them.
    fn ordered(&self) -> Term {
        let added = u64::from(self.days_stood_still) + u64::from(self.days_made_good);
        let last_day = minus_days(self.term.last_day(), added);
        Term::new(self.term.first_day(), last_day).unwrap_or(self.term)
    }

    /// Months of the ordered ones that are used up by the services through a day, exactly.
    pub fn months_used(&self, through: NaiveDate) -> Result<Decimal, MoneyError> {
        let ordered = self.ordered();
        let last = last_served(self.term, self.ended_on);
        let mut used = Exact::ZERO;
        let mut stood_still = 0;
        let mut day = self.term.first_day();
        while day <= through.min(last) {
            if self.standstills.iter().any(|standstill| standstill.holds(day)) {
                stood_still += 1;
            } else {
                let place = minus_days(day, stood_still);
                if place > ordered.last_day() {
                    break;
                }
                if day >= self.ready_on {
                    used = used.checked_add(day_of(place)?)?;
                }
            }
            day = plus_days(day, 1);
        }
        if through >= last {
            let owed = self.days_not_made_good(last);
            for n in 0..owed {
                let rate = day_of(minus_days(last, u64::from(n)))?;
                used = used.checked_sub(rate)?;
            }
        }
        Ok(used.decimal())
    }

    /// Days of outages that were to be made good after a line was ended.
    fn days_not_made_good(&self, last: NaiveDate) -> u32 {
        if self
            .ended_on
            .is_none_or(|ended_on| ended_on > self.term.last_day())
        {
            return 0;
        }
        let first_made_good = minus_days(self.term.last_day(), u64::from(self.days_made_good));
        let made_good = days_inclusive(plus_days(first_made_good, 1), last);
        self.days_made_good.saturating_sub(made_good)
    }
}

/// One day's share of its month.
fn day_of(day: NaiveDate) -> Result<Exact, MoneyError> {
    Exact::new(Decimal::ONE).checked_div(Decimal::from(ReportingPeriod::of(day).days()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::at_tashkent;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn term(first: &str, last: &str) -> Term {
        Term::new(day(first), day(last)).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        at_tashkent(text.parse().unwrap())
    }

    #[test]
    fn force_majeure_moves_a_line_by_the_days_it_stood_still() {
        // [003 §8.4]
        let line = term("2026-03-10", "2026-04-10");
        let moved = |first: &str, until: Option<&str>, ended: Option<&str>, today: &str| {
            Standstill {
                first_day: day(first),
                until: until.map(day),
            }
            .days_moved(line, ended.map(day), day(today))
        };
        for (first, until, due) in [
            ("2026-03-15", "2026-03-25", 10),
            // It begins before the line: only the line's own days are lost.
            ("2026-03-01", "2026-03-20", 10),
            // It goes on over the line's last day: its whole length is still owed.
            ("2026-04-05", "2026-04-20", 15),
            ("2026-04-10", "2026-04-11", 1),
            ("2026-04-11", "2026-04-20", 0),
            ("2026-02-01", "2026-03-10", 0),
            ("2026-02-01", "2026-03-11", 1),
        ] {
            assert_eq!(
                moved(first, Some(until), None, "2026-03-01"),
                due,
                "{first}..{until}"
            );
        }
        // One that isn't over moves the line day by day.
        assert_eq!(moved("2026-03-15", None, None, "2026-03-15"), 1);
        assert_eq!(moved("2026-03-15", None, None, "2026-03-24"), 10);
        // A line that was ended before isn't moved.
        assert_eq!(moved("2026-03-15", None, Some("2026-03-15"), "2026-03-24"), 0);
    }

    #[test]
    fn an_outage_counts_in_whole_days_inside_the_service() {
        // [003 §7.2]
        let served = term("2026-03-01", "2026-03-31");
        for (outages, due) in [
            (vec![("2026-03-10T00:00:00", "2026-03-12T00:00:00")], 2),
            (vec![("2026-03-10T00:00:00", "2026-03-12T00:00:01")], 3),
            (vec![("2026-03-10T10:00:00", "2026-03-10T10:05:00")], 1),
            (vec![("2026-02-20T00:00:00", "2026-03-03T00:00:00")], 2),
            (vec![("2026-03-31T12:00:00", "2026-04-20T00:00:00")], 1),
            (vec![("2026-02-20T00:00:00", "2026-03-01T00:00:00")], 0),
            (vec![("2026-04-01T00:00:00", "2026-04-02T00:00:00")], 0),
            // Overlapping and touching outages are one.
            (
                vec![
                    ("2026-03-10T00:00:00", "2026-03-12T00:00:00"),
                    ("2026-03-11T00:00:00", "2026-03-13T00:00:00"),
                    ("2026-03-13T00:00:00", "2026-03-14T00:00:00"),
                ],
                4,
            ),
            // Two parts of days, each by itself.
            (
                vec![
                    ("2026-03-10T10:00:00", "2026-03-10T12:00:00"),
                    ("2026-03-20T10:00:00", "2026-03-20T12:00:00"),
                ],
                2,
            ),
        ] {
            let outages: Vec<_> = outages
                .iter()
                .map(|(from, until)| (at(from), at(until)))
                .collect();
            assert_eq!(outage_days(&outages, served), due, "{outages:?}");
        }
    }

    #[test]
    fn claims_of_lost_access_count_each_day_once() {
        // [003 §7.3]
        let served = term("2026-03-01", "2026-03-31");
        let claims = [
            term("2026-03-10", "2026-03-12"),
            term("2026-03-12", "2026-03-13"),
            term("2026-03-30", "2026-04-05"),
        ];
        assert_eq!(claimed_days(&claims, served), 6);
    }

    fn line(last_day: &str, still: &[(&str, &str)], made_good: u32) -> Interrupted {
        let standstills: Vec<Standstill> = still
            .iter()
            .map(|(first, until)| Standstill {
                first_day: day(first),
                until: Some(day(until)),
            })
            .collect();
        let days_stood_still = standstills
            .iter()
            .filter_map(|still| Some(days_inclusive(still.first_day, minus_days(still.until?, 1))))
            .sum();
        let ordered = term("2026-03-01", last_day);
        let added = u64::from(days_stood_still) + u64::from(made_good);
        Interrupted {
            term: Term::new(ordered.first_day(), plus_days(ordered.last_day(), added)).unwrap(),
            ended_on: None,
            ready_on: ordered.first_day(),
            days_stood_still,
            days_made_good: made_good,
            standstills,
        }
    }

    fn used(line: &Interrupted, through: &str) -> String {
        line.months_used(day(through))
            .unwrap()
            .round_dp(6)
            .normalize()
            .to_string()
    }

    #[test]
    fn days_of_force_majeure_are_charged_when_they_are_served() {
        // March to May, 10 days of March lost: April serves March's last ten days and 20 of its own.
        let line = line("2026-05-31", &[("2026-03-11", "2026-03-21")], 0);
        assert_eq!(used(&line, "2026-02-28"), "0");
        assert_eq!(used(&line, "2026-03-31"), "0.677419"); // 21/31
        assert_eq!(used(&line, "2026-04-30"), "1.666667"); // 1 + 20/30
        assert_eq!(used(&line, "2026-06-10"), "3");
        assert_eq!(used(&line, "2026-07-31"), "3");
    }

    #[test]
    fn days_added_for_an_outage_are_not_charged_again() {
        let line = line("2026-05-31", &[], 4);
        assert_eq!(used(&line, "2026-03-31"), "1");
        assert_eq!(used(&line, "2026-05-31"), "3");
        assert_eq!(used(&line, "2026-06-04"), "3");
    }

    #[test]
    fn an_outage_that_was_never_made_good_is_taken_off_the_last_month() {
        // billing.md §4: cut by an outage not compensated by extension.
        let ended = |on: &str| Interrupted {
            ended_on: Some(day(on)),
            ..line("2026-05-31", &[], 4)
        };
        assert_eq!(used(&ended("2026-05-01"), "2026-03-31"), "1");
        assert_eq!(used(&ended("2026-05-01"), "2026-04-30"), "1.866667"); // 2 − 4/30
        // Two of the four days were served.
        assert_eq!(used(&ended("2026-06-03"), "2026-06-02"), "2.933333"); // 3 − 2/30
        assert_eq!(used(&ended("2026-07-01"), "2026-06-30"), "3");
    }

    proptest! {
        #[test]
        fn a_line_interrupted_and_served_to_its_end_costs_its_ordered_months(
            months in 1u32..13, stretches in prop::collection::vec((0u64..200, 1u64..40), 0..4), made_good in 0u32..30,
        ) {
            let ordered = Term::new(day("2026-03-01"), ReportingPeriod::of(day("2026-03-01")).plus_months(months - 1).last_day()).unwrap();
            let mut standstills = Vec::new();
            let mut last = minus_days(ordered.first_day(), 1);
            let mut term = ordered;
            let mut days_stood_still = 0;
            for (gap, length) in stretches {
                let first_day = plus_days(last, gap + 1);
                let still = Standstill { first_day, until: Some(plus_days(first_day, length)) };
                let moved = still.days_moved(term, None, first_day);
                last = plus_days(first_day, length);
                if moved > 0 {
                    standstills.push(still);
                    days_stood_still += moved;
                    term = Term::new(term.first_day(), plus_days(term.last_day(), moved.into())).unwrap();
                }
            }
            let line = Interrupted {
                term: Term::new(term.first_day(), plus_days(term.last_day(), made_good.into())).unwrap(),
                ended_on: None, ready_on: ordered.first_day(), days_stood_still, days_made_good: made_good, standstills,
            };
            let through = plus_days(line.term.last_day(), 40);
            prop_assert_eq!(line.months_used(through).unwrap().round_dp(12), Decimal::from(months));
            // It never goes back.
            let mut before = Decimal::ZERO;
            for period in line.term.periods() {
                let used = line.months_used(period.last_day()).unwrap();
                prop_assert!(used >= before);
                before = used;
            }
        }

        #[test]
        fn overlapping_outages_count_once(from in 0i64..20, length in 1i64..10, again in 0i64..10) {
            let served = term("2026-03-01", "2026-04-30");
            let start = at("2026-03-01T00:00:00");
            let first = (start + TimeDelta::days(from), start + TimeDelta::days(from + length));
            let inside = (first.0 + TimeDelta::days(again.min(length - 1)), first.1);
            prop_assert_eq!(outage_days(&[first, inside], served), outage_days(&[first], served));
        }
    }
}

//! Legal dates: days in Tashkent, reporting periods, business days.
//!
//! Rules: spec README rules 1, 3, 4, 5; holidays: uzbekistan.md §5. Tashkent is UTC+5 without daylight saving, so
//! the zone is a fixed offset and no time-zone data is needed.
//!
//! Invariant `the_nth_business_day_back_and_forth_returns`: counting n business days back from a business day and
//! n forward again ends where it began.

use chrono::{
    DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday,
};
use std::collections::BTreeMap;
use std::fmt;

/// An instant, always UTC; milliseconds are what tokens and journals keep.
pub type Timestamp = DateTime<Utc>;

const TASHKENT_OFFSET_SECONDS: i32 = 5 * 3600;

fn tashkent() -> FixedOffset {
    // A constant within ±24 h always makes an offset; UTC would be the harmless answer if it did not.
    FixedOffset::east_opt(TASHKENT_OFFSET_SECONDS).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

/// The calendar day in Tashkent at an instant.
pub fn tashkent_day(at: Timestamp) -> NaiveDate {
    at.with_timezone(&tashkent()).date_naive()
}

/// The wall clock in Tashkent at an instant.
pub fn tashkent_time(at: Timestamp) -> NaiveDateTime {
    at.with_timezone(&tashkent()).naive_local()
}

/// The instant at which a Tashkent day begins.
pub fn day_start(day: NaiveDate) -> Timestamp {
    at_tashkent(day.and_time(NaiveTime::MIN))
}

/// The instant at which a Tashkent wall clock shows this time.
pub fn at_tashkent(local: NaiveDateTime) -> Timestamp {
    DateTime::from_naive_utc_and_offset(
        local - TimeDelta::seconds(i64::from(TASHKENT_OFFSET_SECONDS)),
        Utc,
    )
}

/// `day` plus `n` calendar days (saturating at the calendar's end, some 260,000 years off).
pub fn plus_days(day: NaiveDate, n: u64) -> NaiveDate {
    day.checked_add_days(Days::new(n)).unwrap_or(NaiveDate::MAX)
}

/// `day` minus `n` calendar days.
pub fn minus_days(day: NaiveDate, n: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(n)).unwrap_or(NaiveDate::MIN)
}

/// Days of `[first, last]`, both counted; 0 when `last` lies before `first`.
pub fn days_inclusive(first: NaiveDate, last: NaiveDate) -> u32 {
    u32::try_from((last - first).num_days() + 1).unwrap_or(0)
}

/// A reporting period: one calendar month [003 §1.1 "Hisobot davri"].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportingPeriod {
    year: i32,
    month: u32,
}

/// The text isn't a month of the form "2026-11".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reporting period of the form YYYY-MM")]
pub struct PeriodError(pub String);

impl ReportingPeriod {
    /// The period that a day lies in.
    pub fn of(day: NaiveDate) -> ReportingPeriod {
        ReportingPeriod {
            year: day.year(),
            month: day.month(),
        }
    }

    /// Parses "2026-11".
    pub fn parse(text: &str) -> Result<ReportingPeriod, PeriodError> {
        let refuse = || PeriodError(text.chars().take(32).collect());
        if text.len() != 7 {
            return Err(refuse());
        }
        NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
            .map(ReportingPeriod::of)
            .map_err(|_| refuse())
    }

    /// First day.
    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or(NaiveDate::MIN)
    }

    /// Last day.
    pub fn last_day(self) -> NaiveDate {
        minus_days(self.next().first_day(), 1)
    }

    /// Number of days.
    pub fn days(self) -> u32 {
        days_inclusive(self.first_day(), self.last_day())
    }

    /// The day of this period with the given number (1..=28 always exists).
    pub fn day(self, number: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month, number)
    }

    /// The following period.
    pub fn next(self) -> ReportingPeriod {
        if self.month == 12 {
            ReportingPeriod {
                year: self.year + 1,
                month: 1,
            }
        } else {
            ReportingPeriod {
                year: self.year,
                month: self.month + 1,
            }
        }
    }

    /// The preceding period.
    pub fn previous(self) -> ReportingPeriod {
        if self.month == 1 {
            ReportingPeriod {
                year: self.year - 1,
                month: 12,
            }
        } else {
            ReportingPeriod {
                year: self.year,
                month: self.month - 1,
            }
        }
    }

    /// This period moved by `n` months.
    pub fn plus_months(self, n: u32) -> ReportingPeriod {
        (0..n).fold(self, |period, _| period.next())
    }

    /// All periods from this one to `last`, both counted; empty when `last` lies before.
    pub fn through(self, last: ReportingPeriod) -> impl Iterator<Item = ReportingPeriod> {
        std::iter::successors(Some(self), |period| Some(period.next()))
            .take_while(move |period| *period <= last)
    }

    /// Calendar year.
    pub fn year(self) -> i32 {
        self.year
    }

    /// Month, 1..=12.
    pub fn month(self) -> u32 {
        self.month
    }

    /// A number such as 202611, for keys and sort orders.
    pub fn number(self) -> u32 {
        u32::try_from(self.year).unwrap_or(0) * 100 + self.month
    }
}

/// "2026-11".
impl fmt::Display for ReportingPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// Which days are business days: Monday–Friday less days off, plus working Saturdays (spec README rule 3).
///
/// Holds only the exceptions; the operator edits them, and scenarios add to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BusinessCalendar {
    exceptions: BTreeMap<NaiveDate, DayKind>,
}

/// What an exception makes of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// A weekday on which nobody works.
    DayOff,
    /// A Saturday (or other weekend day) that is worked.
    Working,
}

impl BusinessCalendar {
    /// The days that ship with the program, 2024–2027 (uzbekistan.md §5; 2027 is an estimate until its decree).
    pub fn shipped() -> BusinessCalendar {
        let mut calendar = BusinessCalendar::default();
        for (year, days) in SHIPPED_DAYS_OFF {
            calendar.add_all(*year, days, DayKind::DayOff);
        }
        for (year, days) in SHIPPED_WORKING_SATURDAYS {
            calendar.add_all(*year, days, DayKind::Working);
        }
        calendar
    }

    fn add_all(&mut self, year: i32, days: &[(u32, u32)], kind: DayKind) {
        for (month, day) in days {
            if let Some(date) = NaiveDate::from_ymd_opt(year, *month, *day) {
                self.set(date, kind);
            }
        }
    }

    /// Sets an exception; the last one for a day counts.
    pub fn set(&mut self, day: NaiveDate, kind: DayKind) {
        self.exceptions.insert(day, kind);
    }

    /// All exceptions in date order.
    pub fn exceptions(&self) -> impl Iterator<Item = (NaiveDate, DayKind)> + '_ {
        self.exceptions.iter().map(|(day, kind)| (*day, *kind))
    }

    /// How many business days a calendar year has.
    pub fn business_days_of_year(&self, year: i32) -> u32 {
        let first = NaiveDate::from_ymd_opt(year, 1, 1);
        let days = first.into_iter().flat_map(|first| first.iter_days());
        let working = days
            .take_while(|day| day.year() == year)
            .filter(|day| self.is_business_day(*day));
        u32::try_from(working.count()).unwrap_or(u32::MAX)
    }

    /// Whether people work on this day.
    pub fn is_business_day(&self, day: NaiveDate) -> bool {
        match self.exceptions.get(&day) {
            Some(DayKind::DayOff) => false,
            Some(DayKind::Working) => true,
            None => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
        }
    }

    /// The n-th business day before `day`, `day` itself not counted (rule 3). For n = 0 the day itself.
    pub fn business_days_before(&self, day: NaiveDate, n: u32) -> NaiveDate {
        self.walk(day, n, |date| minus_days(date, 1))
    }

    /// The n-th business day after `day`, `day` itself not counted: the last day "within n business days" (rule 3).
    pub fn business_days_after(&self, day: NaiveDate, n: u32) -> NaiveDate {
        self.walk(day, n, |date| plus_days(date, 1))
    }

    fn walk(&self, from: NaiveDate, n: u32, step: impl Fn(NaiveDate) -> NaiveDate) -> NaiveDate {
        let mut day = from;
        let mut left = n;
        // A calendar in which nobody ever works would never end: a year without a business day is the bound.
        let mut idle_days = 0u32;
        while left > 0 && idle_days < 400 {
            day = step(day);
            if self.is_business_day(day) {
                left -= 1;
                idle_days = 0;
            } else {
                idle_days += 1;
            }
        }
        day
    }
}

type DaysOfYear = (i32, &'static [(u32, u32)]);

const SHIPPED_DAYS_OFF: &[DaysOfYear] = &[
    (
        2024,
        &[
            (1, 1),
            (1, 2),
            (3, 8),
            (3, 21),
            (3, 22),
            (4, 10),
            (4, 11),
            (4, 12),
            (5, 9),
            (6, 17),
            (6, 18),
            (9, 2),
            (9, 3),
            (10, 1),
            (12, 9),
            (12, 30),
            (12, 31),
        ],
    ),
    (
        2025,
        &[
            (1, 1),
            (1, 2),
            (3, 10),
            (3, 21),
            (3, 31),
            (5, 9),
            (6, 6),
            (9, 1),
            (10, 1),
            (12, 8),
            (12, 31),
        ],
    ),
    (
        2026,
        &[
            (1, 1),
            (1, 2),
            (3, 9),
            (3, 20),
            (3, 23),
            (5, 11),
            (5, 27),
            (5, 28),
            (5, 29),
            (8, 31),
            (9, 1),
            (10, 1),
            (12, 8),
            (12, 31),
        ],
    ),
    (
        2027,
        &[
            (1, 1),
            (3, 8),
            (3, 9),
            (3, 22),
            (5, 10),
            (5, 17),
            (9, 1),
            (10, 1),
            (12, 8),
        ],
    ),
];

const SHIPPED_WORKING_SATURDAYS: &[DaysOfYear] = &[
    (2024, &[(1, 6), (4, 13), (12, 14)]),
    (2025, &[(1, 4)]),
    (2026, &[(12, 12)]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn shipped_calendar_has_the_working_days_of_the_reference_table() {
        let calendar = BusinessCalendar::shipped();
        for (year, due) in [(2024, 248), (2025, 251), (2026, 248), (2027, 252)] {
            assert_eq!(calendar.business_days_of_year(year), due, "{year}");
        }
    }

    #[test]
    fn business_days_are_counted_without_the_day_itself() {
        let calendar = BusinessCalendar::shipped();
        // billing.md §2: media from Mon 2026-03-09 is a transferred day off; the three days back end on Wed 4 March.
        assert_eq!(
            calendar.business_days_before(day("2026-03-09"), 3),
            day("2026-03-04")
        );
        assert_eq!(
            calendar.business_days_before(day("2026-11-01"), 3),
            day("2026-10-28")
        );
        // 12 December 2026 is a working Saturday, 8 December a holiday.
        assert_eq!(
            calendar.business_days_after(day("2026-12-10"), 2),
            day("2026-12-12")
        );
        assert_eq!(
            calendar.business_days_before(day("2026-12-09"), 1),
            day("2026-12-07")
        );
    }

    #[test]
    fn a_tashkent_day_begins_five_hours_before_utc() {
        let midnight = day_start(day("2026-11-01"));
        assert_eq!(midnight.to_rfc3339(), "2026-10-31T19:00:00+00:00");
        assert_eq!(tashkent_day(midnight), day("2026-11-01"));
        assert_eq!(
            tashkent_day(midnight - TimeDelta::milliseconds(1)),
            day("2026-10-31")
        );
    }

    #[test]
    fn periods_cross_the_years_end() {
        let december = ReportingPeriod::parse("2026-12").unwrap();
        assert_eq!(december.next().to_string(), "2027-01");
        assert_eq!(december.next().previous(), december);
        assert_eq!(
            ReportingPeriod::parse("2028-02").unwrap().last_day(),
            day("2028-02-29")
        );
        assert_eq!(december.plus_months(14).to_string(), "2028-02");
        assert_eq!(
            december
                .through(ReportingPeriod::parse("2027-02").unwrap())
                .count(),
            3
        );
        for text in ["2026-13", "2026-1", "26-01", "2026-011", "", "noyabr"] {
            assert!(ReportingPeriod::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_nth_business_day_back_and_forth_returns(offset in 0u64..1400, n in 0u32..60) {
            let calendar = BusinessCalendar::shipped();
            let mut date = plus_days(day("2024-01-03"), offset);
            while !calendar.is_business_day(date) {
                date = plus_days(date, 1);
            }
            prop_assert_eq!(calendar.business_days_before(calendar.business_days_after(date, n), n), date);
        }
    }
}

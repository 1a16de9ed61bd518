//! What time it is: the one place that reads the system's clock.
//!
//! Rule: spec README rule 1 (time zone; nothing reads the clock but the `Clock` that is passed in).
//!
//! Instants have whole milliseconds, which is what tokens, journals and ids keep, so an instant that went through
//! PostgreSQL compares equal to the one that was written. `virtual_time_never_goes_back` holds for virtual clocks;
//! the system's clock may step, and nothing here hides that.
//!
//! Not here: what a day or a period is (`namoyish_domain::calendar`), and durations of timeouts (`tokio::time`).

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use namoyish_domain::calendar::{Timestamp, tashkent_day};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A source of time; clones of a virtual clock show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Milliseconds since 1970.
    Virtual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that shows `at` until it is advanced.
    pub fn virtual_at(at: Timestamp) -> Clock {
        Clock(Source::Virtual(Arc::new(AtomicI64::new(at.timestamp_millis()))))
    }

    /// The instant now, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => system_now(),
            // Only instants of valid timestamps are ever stored, so the conversion always has a value.
            Source::Virtual(milliseconds) => {
                DateTime::from_timestamp_millis(milliseconds.load(Ordering::Acquire)).unwrap_or_default()
            }
        }
    }

    /// The calendar day in Tashkent now.
    pub fn today(&self) -> NaiveDate {
        tashkent_day(self.now())
    }

    /// Moves a virtual clock to `at`; an earlier instant changes nothing, and so does any call on the system's clock.
    pub fn advance_to(&self, at: Timestamp) {
        if let Source::Virtual(milliseconds) = &self.0 {
            milliseconds.fetch_max(at.timestamp_millis(), Ordering::AcqRel);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock (spec README rule 1)"
)]
fn system_now() -> Timestamp {
    Utc::now().trunc_subsecs(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn virtual_time_never_goes_back() {
        let start: Timestamp = "2026-11-01T06:00:00Z".parse().unwrap();
        let clock = Clock::virtual_at(start);
        let same = clock.clone();
        clock.advance_to(start + TimeDelta::seconds(5));
        assert_eq!(same.now(), start + TimeDelta::seconds(5));
        clock.advance_to(start);
        assert_eq!(same.now(), start + TimeDelta::seconds(5));
    }

    #[test]
    fn the_day_is_tashkents() {
        let clock = Clock::virtual_at("2026-10-31T18:59:59.999Z".parse().unwrap());
        assert_eq!(clock.today().to_string(), "2026-10-31");
        clock.advance_to("2026-10-31T19:00:00Z".parse().unwrap());
        assert_eq!(clock.today().to_string(), "2026-11-01");
    }

    #[test]
    fn the_systems_clock_has_whole_milliseconds_and_is_not_moved() {
        let clock = Clock::system();
        clock.advance_to(DateTime::<Utc>::MAX_UTC);
        let now = clock.now();
        assert_eq!(now, now.trunc_subsecs(3));
        assert!(now < DateTime::<Utc>::MAX_UTC);
    }
}

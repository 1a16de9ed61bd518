//! A bar on standard error that says how far a run is. Looks only; nothing depends on it.

use chrono::NaiveDate;
use namoyish_domain::calendar::days_inclusive;
use std::io::{IsTerminal, Write};

const WIDTH: u32 = 30;

/// The bar of one run.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
    first: NaiveDate,
    days: u32,
    shown_day: Option<NaiveDate>,
}

impl Progress {
    /// A bar from `first` to `end`, drawn only when asked for.
    pub(crate) fn new(is_shown: bool, first: NaiveDate, end: NaiveDate) -> Progress {
        Progress {
            is_shown,
            first,
            days: days_inclusive(first, end).max(1),
            shown_day: None,
        }
    }

    /// Draws the bar when the day is a new one. On a terminal the line is overwritten; elsewhere every tenth day is told.
    pub(crate) fn show(&mut self, day: NaiveDate, requests: u64) {
        if !self.is_shown || self.shown_day == Some(day) {
            return;
        }
        self.shown_day = Some(day);
        let done = days_inclusive(self.first, day).min(self.days);
        let mut stderr = std::io::stderr();
        // A closed standard error is no reason to stop a run.
        let _ = if stderr.is_terminal() {
            let filled = WIDTH * done / self.days;
            let bar: String = (0..WIDTH)
                .map(|place| if place < filled { '█' } else { '░' })
                .collect();
            write!(
                stderr,
                "\r{bar} {day}  {done} of {} days, {requests} requests ",
                self.days
            )
            .and_then(|()| stderr.flush())
        } else if done.is_multiple_of(10) || done == self.days {
            writeln!(stderr, "{day}: {done} of {} days, {requests} requests", self.days)
        } else {
            Ok(())
        };
    }

    /// Ends the line.
    pub(crate) fn finish(&self) {
        if self.is_shown && std::io::stderr().is_terminal() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

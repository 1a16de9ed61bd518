//! The `Date` header, written once a second.

use namoyish_runtime::clock::Clock;
use std::sync::{Mutex, PoisonError};

/// The date as it was last written.
#[derive(Debug, Default)]
pub(super) struct Date(Mutex<Written>);

#[derive(Debug, Default)]
struct Written {
    second: i64,
    text: String,
}

impl Date {
    /// Appends the date of now, "Sun, 22 Nov 2026 02:40:00 GMT".
    pub(super) fn put(&self, clock: &Clock, out: &mut Vec<u8>) {
        let now = clock.now();
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.second != now.timestamp() || written.text.is_empty() {
            *written = Written {
                second: now.timestamp(),
                text: now.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            };
        }
        out.extend_from_slice(written.text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_that_of_the_clock() {
        let (date, mut out) = (Date::default(), Vec::new());
        for (at, text) in [
            ("2026-11-22T02:40:00Z", "Sun, 22 Nov 2026 02:40:00 GMT"),
            ("2026-11-22T02:40:00.9Z", "Sun, 22 Nov 2026 02:40:00 GMT"),
            ("2026-12-01T23:59:59Z", "Tue, 01 Dec 2026 23:59:59 GMT"),
        ] {
            out.clear();
            date.put(&Clock::virtual_at(at.parse().unwrap()), &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }
}

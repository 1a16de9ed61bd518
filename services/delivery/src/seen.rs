//! How often each viewer saw a line today: what a frequency cap is kept by (orders.md §3).
//!
//! **Choice:** a showing counts when the ad is handed out. Whether it was rendered is known later and by another URL, and
//! a cap that is passed can't be mended. Each node counts what it handed out itself, in memory: nobody is asked on the
//! path of a request. Viewers who are spread over several nodes may so see a line up to its cap on each; a balancer that
//! keeps a viewer on one node keeps the cap exactly. A restart forgets.
//!
//! Bounded: when the table is full, lines with a cap are not shown to viewers it doesn't know. Rather too seldom than too
//! often.

use chrono::NaiveDate;
use namoyish_domain::delivery::hash::QuickMap;
use namoyish_domain::ids::LineId;

/// Most pairs of a viewer and a line, some 32 bytes each.
const PAIRS_MAX: usize = 2_000_000;

/// A viewer by the hash of what the app calls it, or of its address.
pub type ViewerHash = u64;

/// What viewers saw of lines with a cap on one day.
#[derive(Debug)]
pub(crate) struct Seen {
    day: NaiveDate,
    times: QuickMap<(ViewerHash, LineId), u16>,
    pairs_max: usize,
}

impl Seen {
    pub(crate) fn new(day: NaiveDate) -> Seen {
        Seen {
            day,
            times: QuickMap::default(),
            pairs_max: PAIRS_MAX,
        }
    }

    /// Begins anew on another day.
    pub(crate) fn turn_day(&mut self, day: NaiveDate) {
        if self.day != day {
            self.day = day;
            // The memory is given back too: tomorrow may be quieter.
            self.times = QuickMap::default();
        }
    }

    /// Whether the viewer may see a line with this cap once more. One who isn't told apart may not.
    pub(crate) fn admits(&self, viewer: Option<ViewerHash>, line: LineId, cap: u16) -> bool {
        let Some(viewer) = viewer else {
            return false;
        };
        match self.times.get(&(viewer, line)) {
            Some(times) => *times < cap,
            None => self.times.len() < self.pairs_max,
        }
    }

    /// The viewer was handed the line.
    pub(crate) fn add(&mut self, viewer: Option<ViewerHash>, line: LineId) {
        if let Some(viewer) = viewer {
            let times = self.times.entry((viewer, line)).or_default();
            *times = times.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn line(n: u128) -> LineId {
        LineId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn a_viewer_sees_a_line_as_often_as_its_cap_allows_on_a_day() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let mut seen = Seen::new(day);
        for _ in 0..3 {
            assert!(seen.admits(Some(1), line(1), 3));
            seen.add(Some(1), line(1));
        }
        assert!(!seen.admits(Some(1), line(1), 3));
        assert!(seen.admits(Some(1), line(2), 3), "another line");
        assert!(seen.admits(Some(2), line(1), 3), "another viewer");
        assert!(!seen.admits(None, line(1), 3), "nobody can count for it");
        seen.turn_day(day);
        assert!(!seen.admits(Some(1), line(1), 3));
        seen.turn_day(day.succ_opt().unwrap());
        assert!(seen.admits(Some(1), line(1), 3));
    }

    #[test]
    fn a_full_table_shows_capped_lines_to_no_newcomer() {
        let mut seen = Seen {
            pairs_max: 2,
            ..Seen::new(NaiveDate::default())
        };
        seen.add(Some(1), line(1));
        seen.add(Some(2), line(1));
        assert!(seen.admits(Some(1), line(1), 3));
        assert!(!seen.admits(Some(3), line(1), 3));
        assert_eq!(seen.times.len(), 2);
    }
}

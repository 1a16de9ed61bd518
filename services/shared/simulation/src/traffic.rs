//! Generated requests for ads, in order of time over all `[[traffic]]` entries, and what the viewers do next.
//!
//! Rule: simulation.md "Scenario file". Integer arithmetic and ChaCha streams only, so that a seed gives the same
//! requests on every platform; each entry draws from its own stream, so that adding one leaves the others as they were.
//!
//! An hour's share of the day is cut from the cumulative curve, so that a day has exactly `per_day` requests; inside
//! the hour each request lies at a random place of its own equal slot: even, but not regular.
//!
//! A rendered impression is called within seconds, a few minutes later for some viewers, and for one in two thousand only
//! after its token has expired (which counts nothing).

use crate::scenario::TrafficRow;
use chrono::NaiveDate;
use namoyish_domain::calendar::{day_start, plus_days};
use namoyish_domain::money::Rate;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const HOUR_MILLISECONDS: u64 = 3_600_000;
/// Rates have four decimal places.
const RATE_UNIT: u64 = 10_000;

/// A request for an ad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeneratedRequest {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Index of its `[[traffic]]` entry.
    pub entry: usize,
}

/// What a viewer does with an ad that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewing {
    /// Milliseconds until the impression URL is called; `None`: never.
    pub rendered_after_ms: Option<i64>,
    /// Milliseconds from the first call until the second one; `None`: it is called once.
    pub again_after_ms: Option<i64>,
    /// Whether the second call goes to another node, when there is one.
    pub again_elsewhere: bool,
}

/// An integer of `0..bound`, from 32 random bits (the bias is below `bound / 2^32`).
pub(crate) fn draw_below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    (u64::from(rng.next_u32()) * bound) >> 32
}

/// Requests of one entry, in order of time.
#[derive(Debug)]
struct EntryStream {
    rng: ChaCha8Rng,
    per_day: u128,
    /// `cumulative[h]` is the weight of the hours before `h`.
    cumulative: [u128; 25],
    day: NaiveDate,
    until: NaiveDate,
    hour: usize,
    hour_start_ms: i64,
    in_hour: u64,
    next_in_hour: u64,
}

impl EntryStream {
    fn new(row: &TrafficRow, seed: u64, stream: u64) -> EntryStream {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let mut cumulative = [0u128; 25];
        let mut sum = 0u128;
        for (place, weight) in cumulative.iter_mut().skip(1).zip(row.curve) {
            sum += u128::from(weight);
            *place = sum;
        }
        let mut entry = EntryStream {
            rng,
            per_day: u128::from(row.per_day),
            cumulative,
            day: row.from,
            until: row.until,
            hour: 0,
            hour_start_ms: day_start(row.from).timestamp_millis(),
            in_hour: 0,
            next_in_hour: 0,
        };
        entry.in_hour = entry.requests_of(0);
        entry
    }

    /// Requests of the day before the end of an hour, less those before its beginning.
    fn requests_of(&self, hour: usize) -> u64 {
        let total = self.cumulative.last().copied().unwrap_or(0).max(1);
        let before = |hour: usize| self.per_day * self.cumulative.get(hour).copied().unwrap_or(total) / total;
        u64::try_from(before(hour + 1).saturating_sub(before(hour))).unwrap_or(u64::MAX)
    }

    fn next(&mut self) -> Option<i64> {
        if self.per_day == 0 {
            return None;
        }
        while self.next_in_hour >= self.in_hour {
            self.hour += 1;
            if self.hour == 24 {
                self.hour = 0;
                self.day = plus_days(self.day, 1);
            }
            if self.day >= self.until {
                return None;
            }
            self.hour_start_ms += 3_600_000;
            self.in_hour = self.requests_of(self.hour);
            self.next_in_hour = 0;
        }
        if self.day >= self.until {
            return None;
        }
        // in_hour <= 50,000,000 and the slot number is below it: the product stays far below 2^64.
        let jitter = draw_below(&mut self.rng, HOUR_MILLISECONDS);
        let offset = (self.next_in_hour * HOUR_MILLISECONDS + jitter) / self.in_hour;
        self.next_in_hour += 1;
        Some(self.hour_start_ms + i64::try_from(offset).unwrap_or(0))
    }
}

/// All requests of a scenario in order of time, and the draws for what follows them.
#[derive(Debug)]
pub struct Traffic {
    streams: Vec<EntryStream>,
    next: BinaryHeap<Reverse<(i64, usize)>>,
    viewers: Vec<Viewers>,
    nodes: ChaCha8Rng,
}

#[derive(Debug)]
struct Viewers {
    rng: ChaCha8Rng,
    render: u64,
    duplicate: u64,
}

impl Traffic {
    /// Requests of these entries under a seed.
    pub fn new(rows: &[TrafficRow], seed: u64) -> Traffic {
        let stream = |index: usize, kind: u64| u64::try_from(index).unwrap_or(0) * 4 + kind;
        let mut streams: Vec<EntryStream> = rows
            .iter()
            .enumerate()
            .map(|(index, row)| EntryStream::new(row, seed, stream(index, 1)))
            .collect();
        let viewers = rows
            .iter()
            .enumerate()
            .map(|(index, row)| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(stream(index, 2));
                Viewers {
                    rng,
                    render: ten_thousandths(row.render_rate),
                    duplicate: ten_thousandths(row.duplicate_rate),
                }
            })
            .collect();
        let next = streams
            .iter_mut()
            .enumerate()
            .filter_map(|(entry, stream)| stream.next().map(|at| Reverse((at, entry))))
            .collect();
        let mut nodes = ChaCha8Rng::seed_from_u64(seed);
        nodes.set_stream(3);
        Traffic {
            streams,
            next,
            viewers,
            nodes,
        }
    }

    /// When the next request comes, unix milliseconds.
    pub fn next_at_ms(&self) -> Option<i64> {
        self.next.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next request.
    pub fn take(&mut self) -> Option<GeneratedRequest> {
        let Reverse((at_ms, entry)) = self.next.pop()?;
        if let Some(following) = self.streams.get_mut(entry).and_then(EntryStream::next) {
            self.next.push(Reverse((following, entry)));
        }
        Some(GeneratedRequest { at_ms, entry })
    }

    /// A node's index below `count`, as a load balancer picks it.
    pub fn pick_node(&mut self, count: usize) -> usize {
        if count <= 1 {
            return 0;
        }
        usize::try_from(draw_below(&mut self.nodes, u64::try_from(count).unwrap_or(1))).unwrap_or(0)
    }

    /// What the viewer of an answered ad does.
    pub fn view(&mut self, entry: usize) -> Viewing {
        let nothing = Viewing {
            rendered_after_ms: None,
            again_after_ms: None,
            again_elsewhere: false,
        };
        let Some(viewers) = self.viewers.get_mut(entry) else {
            return nothing;
        };
        let rng = &mut viewers.rng;
        if draw_below(rng, RATE_UNIT) >= viewers.render {
            return nothing;
        }
        let rendered_after_ms = match draw_below(rng, 2_000) {
            0 => 601_000 + draw_below(rng, 120_000),
            1..=20 => 8_000 + draw_below(rng, 560_000),
            _ => 800 + draw_below(rng, 7_200),
        };
        let again = draw_below(rng, RATE_UNIT) < viewers.duplicate;
        Viewing {
            rendered_after_ms: i64::try_from(rendered_after_ms).ok(),
            again_after_ms: if again {
                i64::try_from(500 + draw_below(rng, 60_000)).ok()
            } else {
                None
            },
            again_elsewhere: again && draw_below(rng, 2) == 0,
        }
    }
}

fn ten_thousandths(rate: Rate) -> u64 {
    (rate.decimal() * Decimal::from(RATE_UNIT)).to_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{EVENING, FLAT};

    fn row(per_day: u64, curve: [u64; 24], from: &str, until: &str) -> TrafficRow {
        TrafficRow {
            placement: "top".into(),
            region: None,
            per_day,
            curve,
            render_rate: Rate::parse("0.95").unwrap(),
            duplicate_rate: Rate::parse("0.02").unwrap(),
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
        }
    }

    fn all(mut traffic: Traffic) -> Vec<GeneratedRequest> {
        std::iter::from_fn(|| traffic.take()).collect()
    }

    #[test]
    fn every_day_has_exactly_its_requests_whatever_the_curve() {
        let mut odd = [0u64; 24];
        odd[3] = 7;
        odd[23] = 1;
        for curve in [FLAT, EVENING, odd] {
            let requests = all(Traffic::new(&[row(1_001, curve, "2026-11-01", "2026-11-04")], 5));
            assert_eq!(requests.len(), 3 * 1_001);
            let first = day_start("2026-11-01".parse().unwrap()).timestamp_millis();
            for day in 0..3 {
                let range = first + day * 86_400_000..first + (day + 1) * 86_400_000;
                assert_eq!(
                    requests
                        .iter()
                        .filter(|request| range.contains(&request.at_ms))
                        .count(),
                    1_001
                );
            }
        }
    }

    #[test]
    fn hours_follow_the_curve() {
        let mut curve = [0u64; 24];
        curve[8] = 3;
        curve[20] = 1;
        let requests = all(Traffic::new(&[row(400, curve, "2026-11-01", "2026-11-02")], 1));
        let start = day_start("2026-11-01".parse().unwrap()).timestamp_millis();
        let in_hour = |hour: i64| {
            requests
                .iter()
                .filter(|request| (request.at_ms - start) / 3_600_000 == hour)
                .count()
        };
        assert_eq!((in_hour(8), in_hour(20)), (300, 100));
    }

    #[test]
    fn entries_are_merged_in_order_of_time_and_repeat_under_a_seed() {
        let rows = [
            row(500, FLAT, "2026-11-01", "2026-11-03"),
            row(0, FLAT, "2026-11-01", "2026-11-03"),
            row(300, EVENING, "2026-11-02", "2026-11-03"),
        ];
        let requests = all(Traffic::new(&rows, 9));
        assert_eq!(requests.len(), 1_300);
        assert!(requests.windows(2).all(|pair| pair[0].at_ms <= pair[1].at_ms));
        assert_eq!(requests, all(Traffic::new(&rows, 9)));
        assert_ne!(requests, all(Traffic::new(&rows, 10)));
    }

    #[test]
    fn another_entry_leaves_the_first_as_it_was() {
        let alone = all(Traffic::new(&[row(500, FLAT, "2026-11-01", "2026-11-02")], 9));
        let rows = [
            row(500, FLAT, "2026-11-01", "2026-11-02"),
            row(70, FLAT, "2026-11-01", "2026-11-02"),
        ];
        let both = all(Traffic::new(&rows, 9));
        let first: Vec<_> = both.into_iter().filter(|request| request.entry == 0).collect();
        assert_eq!(alone, first);
    }

    #[test]
    fn viewers_render_and_repeat_at_their_rates() {
        let mut traffic = Traffic::new(&[row(1, FLAT, "2026-11-01", "2026-11-02")], 4);
        let views: Vec<Viewing> = (0..100_000).map(|_| traffic.view(0)).collect();
        let rendered = views
            .iter()
            .filter(|view| view.rendered_after_ms.is_some())
            .count();
        let repeated = views.iter().filter(|view| view.again_after_ms.is_some()).count();
        assert!((94_500..95_500).contains(&rendered), "{rendered}");
        assert!((1_700..2_100).contains(&repeated), "{repeated}");
        let late = views
            .iter()
            .filter(|view| view.rendered_after_ms > Some(600_000))
            .count();
        assert!((20..100).contains(&late), "{late}");
    }

    #[test]
    fn the_draws_are_those_of_every_platform() {
        let requests = all(Traffic::new(&[row(4, FLAT, "2026-11-01", "2026-11-02")], 1));
        let start = day_start("2026-11-01".parse().unwrap()).timestamp_millis();
        let offsets: Vec<i64> = requests.iter().map(|request| request.at_ms - start).collect();
        // Recorded once; a change here changes every report.
        assert_eq!(offsets, [21_205_683, 42_666_883, 64_468_761, 82_983_288]);
    }
}

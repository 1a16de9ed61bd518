//! What was measured, and the floors of delivery.md §8 that it is held against.

use crate::RunArgs;
use crate::servers::Size;
use std::time::Duration;

/// Bytes of a body that says that there is no ad.
const NO_AD_BODY: f64 = 70.0;

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Requests answered.
    pub requests: usize,
    /// Requests a second.
    pub rate: f64,
    /// Milliseconds.
    pub p50: f64,
    /// Milliseconds.
    pub p99: f64,
    /// Server CPU time a request, microseconds.
    pub cpu: f64,
    /// Bytes of an answer, headers included.
    pub bytes: f64,
}

/// The four measurements of a round.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// `POST /v1/ads` at the node.
    pub ads: Measured,
    /// The bare handler with an answer of that size.
    pub bare_ads: Measured,
    /// The impression URL at the node.
    pub impressions: Measured,
    /// The bare handler with an empty answer.
    pub bare_impressions: Measured,
}

impl Round {
    /// The rounds as they go by.
    pub fn line(&self) -> String {
        format!(
            "ads {:.0}/s against {:.0}/s, impressions {:.0}/s against {:.0}/s",
            self.ads.rate, self.bare_ads.rate, self.impressions.rate, self.bare_impressions.rate
        )
    }
}

/// Everything of a run.
#[derive(Debug)]
pub struct Figures {
    pub lines: u32,
    pub seconds: u32,
    pub connections: u32,
    pub counters: &'static str,
    pub node_start: Duration,
    /// Of an answer with an ad.
    pub size: Size,
    pub rounds: Vec<Round>,
}

/// A figure against its floor.
#[derive(Debug)]
pub struct Verdict {
    pub what: &'static str,
    pub got: f64,
    pub floor: f64,
    /// Whether more is better.
    pub at_least: bool,
}

impl Verdict {
    pub fn holds(&self) -> bool {
        if self.at_least {
            self.got >= self.floor
        } else {
            self.got <= self.floor
        }
    }
}

impl Figures {
    pub fn new(args: &RunArgs, node_start: Duration, size: Size) -> Figures {
        Figures {
            lines: args.lines,
            seconds: args.seconds,
            connections: args.connections,
            counters: if args.memory { "in process" } else { "Redis" },
            node_start,
            size,
            rounds: Vec::new(),
        }
    }

    /// The rows of the table: name and medians.
    pub fn rows(&self) -> [(&'static str, Measured); 4] {
        [
            ("POST /v1/ads", self.median(|round| round.ads)),
            ("bare, same size", self.median(|round| round.bare_ads)),
            (
                "GET /v1/i/{token}, journalled",
                self.median(|round| round.impressions),
            ),
            ("bare, 204", self.median(|round| round.bare_impressions)),
        ]
    }

    fn median(&self, of: impl Fn(&Round) -> Measured) -> Measured {
        let by = |figure: fn(&Measured) -> f64| {
            median(self.rounds.iter().map(|round| figure(&of(round))).collect())
        };
        Measured {
            requests: self.rounds.iter().map(|round| of(round).requests).sum(),
            rate: by(|measured| measured.rate),
            p50: by(|measured| measured.p50),
            p99: by(|measured| measured.p99),
            cpu: by(|measured| measured.cpu),
            bytes: by(|measured| measured.bytes),
        }
    }

    /// How many of the node's answers had an ad.
    pub fn ad_share(&self) -> f64 {
        ad_share(&self.median(|round| round.ads), self.size)
    }

    /// The floors. Ratios are medians of each round's ratio, so that a slow minute of the machine meets both sides.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let ratio = |of: fn(&Round) -> f64| median(self.rounds.iter().map(of).collect());
        let rate_floor = if self.lines > 10_000 { 0.6 } else { 0.7 };
        let at_least = |what, got, floor| Verdict {
            what,
            got,
            floor,
            at_least: true,
        };
        let at_most = |what, got, floor| Verdict {
            what,
            got,
            floor,
            at_least: false,
        };
        let mut verdicts = vec![
            at_least(
                "POST /v1/ads: requests/s of the bare handler's",
                ratio(|r| r.ads.rate / r.bare_ads.rate),
                rate_floor,
            ),
            at_most(
                "POST /v1/ads: p99 of the bare handler's",
                ratio(|r| r.ads.p99 / r.bare_ads.p99),
                2.0,
            ),
            at_least(
                "impression URL: requests/s of the bare handler's",
                ratio(|r| r.impressions.rate / r.bare_impressions.rate),
                0.5,
            ),
        ];
        if self.lines >= 100_000 {
            verdicts.push(at_most(
                "start of the node, seconds",
                self.node_start.as_secs_f64(),
                5.0,
            ));
        }
        verdicts
    }

    /// Server CPU: bare over node, for both pairs. No floor is set for it.
    pub fn cpu_ratios(&self) -> [(&'static str, f64); 2] {
        let ratio = |of: fn(&Round) -> f64| median(self.rounds.iter().map(of).collect());
        [
            ("POST /v1/ads", ratio(|r| r.bare_ads.cpu / r.ads.cpu)),
            (
                "impression URL",
                ratio(|r| r.bare_impressions.cpu / r.impressions.cpu),
            ),
        ]
    }
}

/// How many of the answers had an ad, from their mean length; lengths differ by a few bytes, so it is good to a percent.
pub fn ad_share(measured: &Measured, size: Size) -> f64 {
    let bytes = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let empty = bytes(size.whole - size.body) + NO_AD_BODY;
    ((measured.bytes - empty) / (bytes(size.whole) - empty)).clamp(0.0, 1.0)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.get(middle.wrapping_sub(1))) {
        (Some(high), Some(low)) if values.len().is_multiple_of(2) => f64::midpoint(*high, *low),
        (Some(middle), _) => *middle,
        (None, _) => f64::NAN,
    }
}

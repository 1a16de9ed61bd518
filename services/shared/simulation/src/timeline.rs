//! When the platform does what on its own, and when the scenario's events happen: one list in order of virtual time.
//!
//! What production does by timers and notices happens here at fixed instants, so that a run can be repeated:
//!
//! | Tashkent time | what |
//! |---|---|
//! | 00:00, 00:05:30, 00:11:05, 00:16:05, 00:20 | journals are shipped, then the billing worker's round: day plans, closing, … |
//! | every hour of a run's day | journals are shipped |
//! | each event | shipped before, the worker's round after; again 5, 11 and 16 minutes later, when its epoch's last tokens are in |
//!
//! At one instant they come in the order of the table. Days before `start` have no traffic and no hourly shipping. The run
//! itself ends at `end` 00:00; an epilogue of twenty minutes lets the last tokens expire and closes a month that ended
//! with the run.

use crate::scenario::Scenario;
use chrono::{NaiveDate, TimeDelta};
use namoyish_domain::calendar::{Timestamp, at_tashkent, day_start, plus_days};

/// Something to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Ships every node's journal; then a round of the billing worker.
    Settle,
    /// Ships every node's journal.
    Ship,
    /// The scenario's event with this index.
    Event(usize),
}

/// A step and its instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timed {
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: Step,
}

/// Offsets from 00:00, in seconds: by the last but one yesterday's tokens have expired, by the last a month may be closed.
const SETTLE_AFTER_MIDNIGHT_SECONDS: [i64; 5] = [0, 330, 665, 965, 1_200];
/// Offsets from an event, in seconds, at which what was under way when it happened has come in.
const SETTLE_AFTER_EVENT_SECONDS: [i64; 3] = [330, 665, 965];

/// The first day on which anything happens.
pub fn first_day(scenario: &Scenario) -> NaiveDate {
    let first_event = scenario.events.first().map(|event| event.at.date());
    first_event.map_or(scenario.start, |day| day.min(scenario.start))
}

/// All steps of a scenario in order.
pub fn steps(scenario: &Scenario) -> Vec<Timed> {
    let mut steps = Vec::new();
    let mut day = first_day(scenario);
    while day <= scenario.end {
        let start = day_start(day);
        for seconds in SETTLE_AFTER_MIDNIGHT_SECONDS {
            steps.push(Timed {
                at: start + TimeDelta::seconds(seconds),
                step: Step::Settle,
            });
        }
        if scenario.start <= day && day < scenario.end {
            for hour in 1..24 {
                steps.push(Timed {
                    at: start + TimeDelta::hours(hour),
                    step: Step::Ship,
                });
            }
        }
        day = plus_days(day, 1);
    }
    for (index, event) in scenario.events.iter().enumerate() {
        let at = at_tashkent(event.at);
        steps.push(Timed {
            at,
            step: Step::Event(index),
        });
        for seconds in SETTLE_AFTER_EVENT_SECONDS {
            steps.push(Timed {
                at: at + TimeDelta::seconds(seconds),
                step: Step::Settle,
            });
        }
    }
    steps.sort();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use namoyish_domain::calendar::tashkent_time;

    fn scenario() -> Scenario {
        let text = "version = 1\nname = \"x\"\nstart = \"2026-11-01\"\nend = \"2026-11-02\"\n\
            [[customer]]\nid = \"c\"\nkind = \"person\"\n\
            [[event]]\nat = \"2026-10-31T00:00:00\"\ndo = \"pay\"\ncustomer = \"c\"\namount = \"1.00\"\n\
            [[event]]\nat = \"2026-11-01T05:00:00\"\ndo = \"pay\"\ncustomer = \"c\"\namount = \"1.00\"\n";
        Scenario::parse(text).unwrap()
    }

    #[test]
    fn steps_of_one_instant_come_in_the_order_of_the_table() {
        let steps = steps(&scenario());
        let at = |text: &str| -> Vec<Step> {
            let local = text.parse().unwrap();
            steps
                .iter()
                .filter(|timed| tashkent_time(timed.at) == local)
                .map(|timed| timed.step)
                .collect()
        };
        assert_eq!(at("2026-10-31T00:00:00"), [Step::Settle, Step::Event(0)]);
        assert_eq!(at("2026-11-01T05:00:00"), [Step::Ship, Step::Event(1)]);
        assert_eq!(at("2026-11-01T00:20:00"), [Step::Settle]);
        assert_eq!(at("2026-11-01T05:16:05"), [Step::Settle], "after an event");
        assert_eq!(at("2026-10-31T05:00:00"), [], "no shipping before the run");
    }

    #[test]
    fn the_epilogue_closes_the_last_day_and_ends_with_the_worker() {
        let last = steps(&scenario()).pop().unwrap();
        assert_eq!(last.step, Step::Settle);
        assert_eq!(tashkent_time(last.at), "2026-11-02T00:20:00".parse().unwrap());
    }
}

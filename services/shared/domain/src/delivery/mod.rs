//! From a request for an ad to a counted impression: pacing, extra periods, targeting, the choice, the counter.
//!
//! Rules: delivery.md; offer [003 §1.1, §5.1–5.2].

pub mod counters;
pub mod decision;
pub mod extra_period;
pub mod geo;
pub mod hash;
pub mod pacing;
pub mod token;

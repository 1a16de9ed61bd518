//! Scenarios through the whole platform: each runs from its file, its report is checked by the auditor and by what the
//! scenario is about, and the same seed gives the same bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails should panic"
)]

mod budgets;
mod disputes;
mod public_offer;
mod scenarios;
mod settlement;
mod support;

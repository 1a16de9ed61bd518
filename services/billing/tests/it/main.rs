//! The billing worker against a real PostgreSQL, under a virtual clock.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

mod calendar;
mod closing;
mod fixture;
mod increases;
mod interruptions;
mod kills;
mod licences;
mod mail;
mod months;
mod replan_day;
mod settlement;
mod vat_invoices;
mod worker;

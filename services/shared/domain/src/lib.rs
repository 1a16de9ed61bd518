//! The rules of the platform, and nothing else.
//!
//! **Architecture invariant:** no I/O, no async, no clock, no randomness, no SQL, no HTTP, no floating point, no
//! serde on entities. Time, chance and the business calendar are arguments. The modules are ordered; each may use
//! only those before it: `money`, `calendar`, `ids`, `orders`, `delivery`, `billing`.
#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![deny(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

pub mod money;

pub mod calendar;

pub mod ids;

pub mod orders;

pub mod delivery;

pub mod billing;

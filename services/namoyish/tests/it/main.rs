//! The executable as it is run: a whole platform on empty folders, nodes that are killed, viewers behind proxies.
//!
//! Every test starts the built program with ports and folders of its own, on 127.0.0.1. Waiting is always for a
//! condition, with a bound.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

mod command_line;
mod geo;
mod http;
mod kills;
mod market;
mod program;
mod start;

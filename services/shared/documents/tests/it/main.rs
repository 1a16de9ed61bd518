//! Whole documents: bytes that stay the same, texts that say what the content says, hostile texts that stay texts.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

mod content;
mod forms;
mod pdf;
mod sample;
mod settlement;
mod xlsx;

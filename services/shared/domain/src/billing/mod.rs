//! From rendered services to settled accounts.
//!
//! Rules: billing.md; offer [003 §5, §7].

pub mod allocation;
pub mod document;
pub mod invoice;
pub mod late_penalty;
pub mod ledger;
pub mod primary_document;
pub mod rendered;

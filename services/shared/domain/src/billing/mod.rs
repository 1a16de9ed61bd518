//! From rendered services to settled accounts.
//!
//! Rules: billing.md; offer [003 §5, §7].

pub mod allocation;
pub mod correction;
pub mod document;
pub mod invoice;
pub mod late_penalty;
pub mod ledger;
pub mod objection;
pub mod penalty_claim;
pub mod primary_document;
pub mod reconciliation_act;
pub mod refund;
pub mod rendered;
pub mod settlement;
pub mod vat_invoice;

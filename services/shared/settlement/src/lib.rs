//! What payments pay, and what follows from it: free advance, reduced invoices, budget increases; and correcting documents.
//!
//! Rules: billing.md §3, §5, §6; orders.md §6. The order service and the billing worker both move money between payments and
//! invoices, and neither may use the other: what they share is here. Every function works inside the caller's transaction
//! and takes the customer's lock itself, or says that the caller must hold it.
//!
//! Which invoice a payment lies on doesn't touch the ledger; the money is the customer's advance until a service is
//! rendered. A correction posts the difference to a closed month.
#![forbid(unsafe_code)]

mod allocations;
pub mod corrections;
pub mod ended;
pub mod increases;
pub mod mail_text;

pub use allocations::{allocate_free, pay, reduce_invoice};

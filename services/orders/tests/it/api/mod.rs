//! The REST API: the router in process over a real database (orders.md §9).

mod client;
mod idempotency;
mod lists;
mod materials;
mod orders;
mod refusals;
mod routes;
pub mod world;

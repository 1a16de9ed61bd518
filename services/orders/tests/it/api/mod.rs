//! The REST API: the router in process over a real database (orders.md §9).

mod budget_increases;
pub mod client;
mod idempotency;
mod lists;
mod material_documents;
mod materials;
mod offers;
mod orders;
mod parties;
mod price_lists;
mod refusals;
mod routes;
pub mod world;

//! What a contract is made of: parties, price lists, order blanks, ad materials, and when a line may run.
//!
//! Rules: orders.md; offer [003 §1–4, §6].

pub mod amendment;
pub mod budget_change;
pub mod checklist;
pub mod customer;
pub mod deadlines;
pub mod image_bytes;
pub mod interruption;
pub mod licence;
pub mod line;
pub mod material;
pub mod moderation;
pub mod order_blank;
pub mod party;
pub mod placement;
pub mod price_group;
pub mod price_list;
pub mod runnable;
pub mod targeting;
pub mod termination;
pub mod text;

//! Offering an order blank to its customer: from now on it can be signed (orders.md §3).

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use namoyish_domain::ids::OrderBlankId;
use namoyish_domain::orders::order_blank::MoveRefused;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to offer.
#[derive(Debug, Clone, Copy)]
pub struct OfferOrderBlank {
    /// A draft.
    pub blank: OrderBlankId,
}

/// Why it isn't offered.
#[derive(Debug, thiserror::Error)]
pub enum OfferOrderBlankError {
    /// Not sales.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such blank.
    #[error("there is no order blank {blank}")]
    NoSuchBlank {
        /// The id.
        blank: OrderBlankId,
    },
    /// Not a draft.
    #[error(transparent)]
    State(#[from] MoveRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for OfferOrderBlankError {
    fn told(&self) -> Told {
        match self {
            OfferOrderBlankError::NotAllowed(_) => Told::not_allowed(),
            OfferOrderBlankError::NoSuchBlank { .. } => Told::not_found("no_such_order_blank"),
            OfferOrderBlankError::State(refused) => Told::conflict(refused.code()),
            OfferOrderBlankError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(OfferOrderBlankError);

/// Offers a draft.
pub async fn offer_order_blank(
    ctx: &Context,
    actor: &Actor,
    cmd: OfferOrderBlank,
) -> Result<OrderBlank, OfferOrderBlankError> {
    let mut tx = ctx.store.begin().await?;
    let blank = offer_order_blank_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(blank)
}

/// The same inside the caller's transaction.
pub async fn offer_order_blank_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: OfferOrderBlank,
) -> Result<OrderBlank, OfferOrderBlankError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "offer order blanks")?;
    let mut blank = tx
        .order_blanks()
        .lock(cmd.blank)
        .await?
        .ok_or(OfferOrderBlankError::NoSuchBlank { blank: cmd.blank })?;
    blank.state = blank.state.offer()?;
    blank.offered_at = Some(ctx.now());
    tx.order_blanks().set_offered(blank.id, ctx.now()).await?;
    let details = json!({"number": blank.number});
    tx.audit(
        ctx.now(),
        &actor.name,
        "offer_order_blank",
        &blank.id.to_string(),
        details,
    )
    .await?;
    Ok(blank)
}

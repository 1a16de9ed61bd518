//! Giving an order blank up before it is signed (orders.md §3). Its number stays used.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use namoyish_domain::ids::OrderBlankId;
use namoyish_domain::orders::order_blank::{BlankState, MoveRefused};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to give up.
#[derive(Debug, Clone)]
pub struct CancelOrderBlank {
    /// A draft or an offered blank.
    pub blank: OrderBlankId,
    /// Why.
    pub reason: String,
}

/// Why it isn't given up.
#[derive(Debug, thiserror::Error)]
pub enum CancelOrderBlankError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such blank.
    #[error("there is no order blank {blank}")]
    NoSuchBlank {
        /// The id.
        blank: OrderBlankId,
    },
    /// The reason's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// Signed already: then it is ended by termination.
    #[error(transparent)]
    State(#[from] MoveRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for CancelOrderBlankError {
    fn told(&self) -> Told {
        match self {
            CancelOrderBlankError::NotAllowed(_) => Told::not_allowed(),
            CancelOrderBlankError::NoSuchBlank { .. } => Told::not_found("no_such_order_blank"),
            CancelOrderBlankError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            CancelOrderBlankError::State(refused) => Told::conflict(refused.code()),
            CancelOrderBlankError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(CancelOrderBlankError);

/// Gives a blank up.
pub async fn cancel_order_blank(
    ctx: &Context,
    actor: &Actor,
    cmd: CancelOrderBlank,
) -> Result<OrderBlank, CancelOrderBlankError> {
    let mut tx = ctx.store.begin().await?;
    let blank = cancel_order_blank_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(blank)
}

/// The same inside the caller's transaction.
pub async fn cancel_order_blank_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: CancelOrderBlank,
) -> Result<OrderBlank, CancelOrderBlankError> {
    let no_such_blank = CancelOrderBlankError::NoSuchBlank { blank: cmd.blank };
    let Some(mut blank) = tx.order_blanks().lock(cmd.blank).await? else {
        return Err(no_such_blank);
    };
    let own = [Role::Owner, Role::Manager];
    let staff = [Role::Sales, Role::Admin];
    let is_own = require_own_or_staff(actor, blank.customer, &own, &staff, "cancel order blanks")?;
    // A customer doesn't see drafts, so there is none for it to give up.
    if !is_own || (!actor.is_operator() && blank.state == BlankState::Draft) {
        return Err(no_such_blank);
    }
    let reason = text::optional("reason", &cmd.reason, 500)?;
    let from = blank.state;
    blank.state = from.cancel()?;
    tx.order_blanks().set_state(blank.id, from, blank.state).await?;
    let details = json!({"number": blank.number, "reason": reason});
    tx.audit(
        ctx.now(),
        &actor.name,
        "cancel_order_blank",
        &blank.id.to_string(),
        details,
    )
    .await?;
    Ok(blank)
}

//! Making a draft out anew (orders.md §3): everything but its number and its customer, by what is in force today.
//!
//! The whole blank is given again, so a change is checked as a new one is. What was offered isn't changed under the
//! customer's eyes: it is given up, and another one drawn up.

use crate::app::draw_up_order_blank::{DrawUpOrderBlank, DrawUpOrderBlankError, DrawnUp, make_out};
use crate::app::require_staff;
use namoyish_domain::ids::OrderBlankId;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::Tx;

/// What to change.
#[derive(Debug, Clone)]
pub struct ChangeDraft {
    /// A draft.
    pub blank: OrderBlankId,
    /// The whole blank as it is to be; its customer stays.
    pub anew: DrawUpOrderBlank,
}

/// Makes a draft out anew.
pub async fn change_draft(
    ctx: &Context,
    actor: &Actor,
    cmd: ChangeDraft,
) -> Result<DrawnUp, DrawUpOrderBlankError> {
    let mut tx = ctx.store.begin().await?;
    let drawn_up = change_draft_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(drawn_up)
}

/// The same inside the caller's transaction.
pub async fn change_draft_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ChangeDraft,
) -> Result<DrawnUp, DrawUpOrderBlankError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "change drafts")?;
    let before = tx
        .order_blanks()
        .lock(cmd.blank)
        .await?
        .ok_or(DrawUpOrderBlankError::NoSuchBlank { blank: cmd.blank })?;
    before.state.change()?;
    if cmd.anew.customer != before.customer {
        return Err(DrawUpOrderBlankError::AnotherCustomer);
    }
    make_out(tx, ctx, actor, cmd.anew, Some(&before)).await
}

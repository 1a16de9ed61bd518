//! Waives the late penalty of an invoice, with a reason: an act of the accountant (billing.md §6) [003 §7.4]. Nothing is
//! posted; what was accrued so far and isn't claimed can't be claimed any more. Later days accrue as before.

use crate::app::claim_penalty::{ROLES, locked_standing, told_of_refused};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use namoyish_domain::billing::penalty_claim::{ClaimRefused, Claimable, claimable};
use namoyish_domain::ids::InvoiceId;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest reason, characters.
pub const REASON_CHARS_MAX: usize = 1_000;

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaivePenalty {
    /// Of which invoice.
    pub invoice: InvoiceId,
    /// Why.
    pub reason: String,
}

/// Why nothing is waived.
#[derive(Debug, thiserror::Error)]
pub enum WaivePenaltyError {
    /// The role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No such invoice.
    #[error("there is no invoice {0}")]
    NoSuchInvoice(InvoiceId),
    /// The reason's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] ClaimRefused),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for WaivePenaltyError {
    fn told(&self) -> Told {
        match self {
            WaivePenaltyError::NotAllowed(_) => Told::not_allowed(),
            WaivePenaltyError::NoSuchInvoice(_) => Told::not_found("no_such_invoice"),
            WaivePenaltyError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            WaivePenaltyError::Refused(refused) => told_of_refused(refused),
            WaivePenaltyError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(WaivePenaltyError);

/// Waives.
pub async fn waive_penalty(
    ctx: &Context,
    actor: &Actor,
    cmd: WaivePenalty,
) -> Result<Claimable, WaivePenaltyError> {
    let mut tx = ctx.store.begin().await?;
    let waived = waive_penalty_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(waived)
}

/// The same inside the caller's transaction.
pub async fn waive_penalty_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: WaivePenalty,
) -> Result<Claimable, WaivePenaltyError> {
    let now = ctx.now();
    require_staff(actor, ROLES, "waive penalties")?;
    let reason = text::long("reason", &cmd.reason, REASON_CHARS_MAX)?;
    if reason.is_empty() {
        return Err(TextRefused::Missing { field: "reason" }.into());
    }
    let (invoice, standing) = locked_standing(tx, cmd.invoice)
        .await?
        .ok_or(WaivePenaltyError::NoSuchInvoice(cmd.invoice))?;
    let waived = claimable(&standing, ctx.today())?;
    tx.penalty_claims()
        .waive(cmd.invoice, waived, &reason, &actor.name, now)
        .await?;
    let details = json!({
        "invoice": invoice.number,
        "amount": waived.amount.to_string(),
        "through": waived.through.to_string(),
        "reason": reason,
    });
    tx.audit(
        now,
        &actor.name,
        "waive_penalty",
        &cmd.invoice.to_string(),
        details,
    )
    .await?;
    tracing::info!(invoice.id = %cmd.invoice, sum_tiyin = waived.amount.tiyin(), "waived a penalty");
    Ok(waived)
}

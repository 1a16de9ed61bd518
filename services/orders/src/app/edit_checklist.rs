//! Changing the moderation checklist: an item is added from a day on, or given its last day (orders.md §4; uzbekistan.md §8).

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::orders::checklist::{ChecklistItem, ChecklistRefused, NewItem};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Why it isn't changed.
#[derive(Debug, thiserror::Error)]
pub enum EditChecklistError {
    /// Not an administrator.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such item.
    #[error("there is no item {item} of the checklist")]
    NoSuchItem {
        /// Its number.
        item: i64,
    },
    /// The item itself.
    #[error(transparent)]
    Refused(#[from] ChecklistRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for EditChecklistError {
    fn told(&self) -> Told {
        match self {
            EditChecklistError::NotAllowed(_) => Told::not_allowed(),
            EditChecklistError::NoSuchItem { .. } => Told::not_found("no_such_checklist_item"),
            EditChecklistError::Refused(
                refused @ (ChecklistRefused::CodeTaken { .. } | ChecklistRefused::AlreadyEnded { .. }),
            ) => Told::conflict(refused.code()).field(refused.field()),
            EditChecklistError::Refused(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            EditChecklistError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(EditChecklistError);

/// Adds an item inside the caller's transaction.
pub async fn add_checklist_item_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    item: NewItem,
) -> Result<ChecklistItem, EditChecklistError> {
    require_staff(actor, &[Role::Admin], "change the checklist")?;
    let checklist = tx.checklist().lock().await?;
    let (reason, item) = item.check(&checklist, ctx.today())?;
    let id = tx.checklist().insert(&item, &actor.name, ctx.now()).await?;
    let details = json!({"item": id, "code": item.code, "valid_from": item.valid_from.to_string()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "add_checklist_item",
        reason.code(),
        details,
    )
    .await?;
    Ok(ChecklistItem {
        id,
        reason,
        valid_from: item.valid_from,
        valid_to: None,
        texts: item.texts,
        basis: item.basis,
        verdicts: item.verdicts,
    })
}

/// Gives an item its last day inside the caller's transaction.
pub async fn end_checklist_item_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: i64,
    valid_to: NaiveDate,
) -> Result<ChecklistItem, EditChecklistError> {
    require_staff(actor, &[Role::Admin], "change the checklist")?;
    let checklist = tx.checklist().lock().await?;
    let item = checklist
        .0
        .into_iter()
        .find(|item| item.id == id)
        .ok_or(EditChecklistError::NoSuchItem { item: id })?;
    item.check_end(valid_to, ctx.today())?;
    tx.checklist().end(id, valid_to, &actor.name, ctx.now()).await?;
    let details = json!({"item": id, "valid_to": valid_to.to_string()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "end_checklist_item",
        item.reason.code(),
        details,
    )
    .await?;
    Ok(ChecklistItem {
        valid_to: Some(valid_to),
        ..item
    })
}

//! Withdrawing a price list, or an annex of it, before its first day (orders.md §2): one in force or past stays as it is.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use namoyish_domain::ids::{PriceAnnexId, PriceListId};
use namoyish_domain::orders::price_list::{PriceListRefused, check_withdrawal};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::price_groups::PriceAnnex;
use namoyish_storage::price_lists::PriceList;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Why it isn't withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawPriceListError {
    /// Not sales.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such list or annex.
    #[error("there is no such {what}")]
    NotFound {
        /// "price list" or "price annex".
        what: &'static str,
    },
    /// It was withdrawn before.
    #[error("it is withdrawn already")]
    Withdrawn,
    /// It has begun.
    #[error(transparent)]
    Refused(#[from] PriceListRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for WithdrawPriceListError {
    fn told(&self) -> Told {
        match self {
            WithdrawPriceListError::NotAllowed(_) => Told::not_allowed(),
            WithdrawPriceListError::NotFound { what } => Told::not_found(match *what {
                "price annex" => "no_such_price_annex",
                _ => "no_such_price_list",
            }),
            WithdrawPriceListError::Withdrawn => Told::conflict("price_list_withdrawn"),
            WithdrawPriceListError::Refused(refused) => Told::conflict(refused.code()).field("valid_from"),
            WithdrawPriceListError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(WithdrawPriceListError);

/// Withdraws a list that hasn't begun.
pub async fn withdraw_price_list_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: PriceListId,
) -> Result<PriceList, WithdrawPriceListError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "withdraw price lists")?;
    let not_found = WithdrawPriceListError::NotFound { what: "price list" };
    let mut list = tx.price_lists().lock(id).await?.ok_or(not_found)?;
    if list.withdrawn_at.is_some() {
        return Err(WithdrawPriceListError::Withdrawn);
    }
    check_withdrawal(list.valid_from, ctx.today())?;
    tx.price_lists().withdraw(id, ctx.now()).await?;
    list.withdrawn_at = Some(ctx.now());
    let details = json!({"valid_from": list.valid_from.to_string()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "withdraw_price_list",
        &id.to_string(),
        details,
    )
    .await?;
    Ok(list)
}

/// Withdraws an annex that hasn't begun.
pub async fn withdraw_price_annex_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: PriceAnnexId,
) -> Result<PriceAnnex, WithdrawPriceListError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "withdraw price annexes")?;
    let not_found = WithdrawPriceListError::NotFound { what: "price annex" };
    let mut annex = tx.price_groups().lock(id).await?.ok_or(not_found)?;
    if annex.withdrawn_at.is_some() {
        return Err(WithdrawPriceListError::Withdrawn);
    }
    check_withdrawal(annex.valid_from, ctx.today())?;
    tx.price_groups().withdraw(id, ctx.now()).await?;
    annex.withdrawn_at = Some(ctx.now());
    let details = json!({"valid_from": annex.valid_from.to_string()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "withdraw_price_annex",
        &id.to_string(),
        details,
    )
    .await?;
    Ok(annex)
}

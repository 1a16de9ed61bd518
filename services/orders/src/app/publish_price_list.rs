//! Publishing a price list (orders.md §2). A list in force or past never changes.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::ids::{PriceListId, PriceListItemId};
use namoyish_domain::orders::price_list::{NewItem, PriceListRefused, check_new_list};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::price_lists::{PriceList, PriceListItem};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to publish.
#[derive(Debug, Clone)]
pub struct PublishPriceList {
    /// First day in force.
    pub valid_from: NaiveDate,
    /// At least one item.
    pub items: Vec<NewItem>,
}

/// A list with its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPriceList {
    /// The list.
    pub list: PriceList,
    /// Its items.
    pub items: Vec<PriceListItem>,
}

/// Why it isn't published.
#[derive(Debug, thiserror::Error)]
pub enum PublishPriceListError {
    /// Not sales.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A rule of price lists.
    #[error(transparent)]
    Refused(#[from] PriceListRefused),
    /// An item buys an app or a placement that isn't there.
    #[error("an item buys {what} that is not there")]
    NoSuchPlace {
        /// "an app" or "a placement".
        what: &'static str,
    },
    /// Another list begins on this day.
    #[error("a price list that begins on {valid_from} is published already")]
    DayTaken {
        /// The day.
        valid_from: NaiveDate,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for PublishPriceListError {
    fn told(&self) -> Told {
        match self {
            PublishPriceListError::NotAllowed(_) => Told::not_allowed(),
            PublishPriceListError::Refused(refused) => Told::refused(refused.code()).field(match refused {
                PriceListRefused::AlreadyInForce { .. } => "valid_from",
                _ => "items",
            }),
            PublishPriceListError::NoSuchPlace { what } => Told::refused(match *what {
                "an app" => "no_such_app",
                _ => "no_such_placement",
            })
            .field("items"),
            PublishPriceListError::DayTaken { .. } => {
                Told::conflict("price_list_day_taken").field("valid_from")
            }
            PublishPriceListError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(PublishPriceListError);

/// Publishes a list.
pub async fn publish_price_list(
    ctx: &Context,
    actor: &Actor,
    cmd: PublishPriceList,
) -> Result<PublishedPriceList, PublishPriceListError> {
    let mut tx = ctx.store.begin().await?;
    let published = publish_price_list_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(published)
}

/// The same inside the caller's transaction.
pub async fn publish_price_list_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: PublishPriceList,
) -> Result<PublishedPriceList, PublishPriceListError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "publish price lists")?;
    // The first list changes no older price; neither does an archive that the platform itself enters at set-up.
    let may_be_past = !tx.price_lists().any().await? || actor.role == Role::System;
    check_new_list(&cmd.items, cmd.valid_from, ctx.today(), may_be_past)?;
    let list = PriceList {
        id: PriceListId::from_uuid(ctx.uuid()),
        valid_from: cmd.valid_from,
        published_at: ctx.now(),
        withdrawn_at: None,
    };
    let items: Vec<(PriceListItemId, NewItem)> = cmd
        .items
        .into_iter()
        .map(|item| (PriceListItemId::from_uuid(ctx.uuid()), item))
        .collect();
    match tx.price_lists().insert(&list, &items).await {
        Err(error) if error.is_constraint("price_list_day_is_unique") => {
            return Err(PublishPriceListError::DayTaken {
                valid_from: list.valid_from,
            });
        }
        Err(error) if error.is_constraint("price_list_items_app_id_fkey") => {
            return Err(PublishPriceListError::NoSuchPlace { what: "an app" });
        }
        Err(error) if error.is_constraint("price_list_items_placement_id_fkey") => {
            return Err(PublishPriceListError::NoSuchPlace { what: "a placement" });
        }
        other => other?,
    }
    let details = json!({"valid_from": list.valid_from.to_string(), "items": items.len()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "publish_price_list",
        &list.id.to_string(),
        details,
    )
    .await?;
    let items = items
        .into_iter()
        .map(|(id, item)| PriceListItem {
            id,
            price_list: list.id,
            item,
        })
        .collect();
    Ok(PublishedPriceList { list, items })
}

//! Publishing the annex of the price list: price groups (orders.md §2) [003 §3.1.2].

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::ids::PriceAnnexId;
use namoyish_domain::orders::price_group::{PriceGroup, PriceGroupRefused, check_annex};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::price_groups::PriceAnnex;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to publish.
#[derive(Debug, Clone)]
pub struct PublishPriceAnnex {
    /// First day in force.
    pub valid_from: NaiveDate,
    /// The groups; none ends all groups.
    pub groups: Vec<PriceGroup>,
}

/// Why it isn't published.
#[derive(Debug, thiserror::Error)]
pub enum PublishPriceAnnexError {
    /// Not sales.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A rule of price groups.
    #[error(transparent)]
    Refused(#[from] PriceGroupRefused),
    /// Another annex begins on this day.
    #[error("a price annex that begins on {valid_from} is published already")]
    DayTaken {
        /// The day.
        valid_from: NaiveDate,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for PublishPriceAnnexError {
    fn told(&self) -> Told {
        match self {
            PublishPriceAnnexError::NotAllowed(_) => Told::not_allowed(),
            PublishPriceAnnexError::Refused(refused) => Told::refused(refused.code()).field(refused.field()),
            PublishPriceAnnexError::DayTaken { .. } => {
                Told::conflict("price_annex_day_taken").field("valid_from")
            }
            PublishPriceAnnexError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(PublishPriceAnnexError);

/// Publishes an annex.
pub async fn publish_price_annex_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: PublishPriceAnnex,
) -> Result<(PriceAnnex, Vec<PriceGroup>), PublishPriceAnnexError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "publish price annexes")?;
    check_annex(
        &cmd.groups,
        cmd.valid_from,
        ctx.today(),
        actor.role == Role::System,
    )?;
    let annex = PriceAnnex {
        id: PriceAnnexId::from_uuid(ctx.uuid()),
        valid_from: cmd.valid_from,
        published_at: ctx.now(),
        withdrawn_at: None,
    };
    match tx.price_groups().insert(&annex, &cmd.groups).await {
        Err(error) if error.is_constraint("price_annex_day_is_unique") => {
            return Err(PublishPriceAnnexError::DayTaken {
                valid_from: annex.valid_from,
            });
        }
        other => other?,
    }
    let details = json!({"valid_from": annex.valid_from.to_string(), "groups": cmd.groups.len()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "publish_price_annex",
        &annex.id.to_string(),
        details,
    )
    .await?;
    Ok((annex, cmd.groups))
}

//! Publishing an edition of the public rules (orders.md §1) [003 §2.2, §11.2–11.3].
//!
//! An edition never changes; the one in force on the day a blank is made out becomes part of its contract. The notice to
//! the customers is sent by the billing worker's mail, not here.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_documents::sha256_hex;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::operator::RulesEdition;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest text, characters.
pub const TEXT_CHARS_MAX: usize = 500_000;

/// What to publish.
#[derive(Debug, Clone)]
pub struct PublishRulesEdition {
    /// The whole text.
    pub text: String,
    /// First day on which it applies.
    pub in_force_from: NaiveDate,
}

/// Why it isn't published.
#[derive(Debug, thiserror::Error)]
pub enum PublishRulesEditionError {
    /// Not an administrator.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No text, or too long.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// Rules can't apply before they are published; the first edition may, for nothing older is changed by it.
    #[error(
        "an edition applies from the day after its publication at the earliest: {in_force_from} is not after {today}"
    )]
    InThePast {
        /// First day asked for.
        in_force_from: NaiveDate,
        /// The day of publication.
        today: NaiveDate,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for PublishRulesEditionError {
    fn told(&self) -> Told {
        match self {
            PublishRulesEditionError::NotAllowed(_) => Told::not_allowed(),
            PublishRulesEditionError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            PublishRulesEditionError::InThePast { .. } => {
                Told::refused("edition_in_the_past").field("in_force_from")
            }
            PublishRulesEditionError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(PublishRulesEditionError);

/// Publishes an edition.
pub async fn publish_rules_edition(
    ctx: &Context,
    actor: &Actor,
    cmd: PublishRulesEdition,
) -> Result<RulesEdition, PublishRulesEditionError> {
    let mut tx = ctx.store.begin().await?;
    let edition = publish_rules_edition_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(edition)
}

/// The same inside the caller's transaction.
pub async fn publish_rules_edition_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: PublishRulesEdition,
) -> Result<RulesEdition, PublishRulesEditionError> {
    require_staff(actor, &[Role::Admin], "publish rules")?;
    let text = text::long("text", &cmd.text, TEXT_CHARS_MAX)?;
    if text.is_empty() {
        return Err(TextRefused::Missing { field: "text" }.into());
    }
    let today = ctx.today();
    let is_first = tx.operator().editions(i32::MAX, 1).await?.is_empty();
    if cmd.in_force_from <= today && !is_first {
        return Err(PublishRulesEditionError::InThePast {
            in_force_from: cmd.in_force_from,
            today,
        });
    }
    let sha256 = sha256_hex(&text);
    let number = tx
        .operator()
        .insert_edition(&text, &sha256, today, cmd.in_force_from)
        .await?;
    let details = json!({"number": number, "sha256": sha256, "in_force_from": cmd.in_force_from.to_string()});
    tx.audit(
        ctx.now(),
        &actor.name,
        "publish_rules_edition",
        &format!("rules_edition {number}"),
        details,
    )
    .await?;
    Ok(RulesEdition {
        number,
        text,
        sha256,
        published_on: today,
        in_force_from: cmd.in_force_from,
    })
}

//! Publishing an edition of the public rules (orders.md §1) [003 §2.2, §11.2–11.3].
//!
//! An edition never changes; the one in force on the day a blank is signed becomes part of its contract. Every customer
//! that has a contract in force is told of it in the same transaction.
//!
//! Editions come into force in the order of their numbers, so that a later one never applies before an older one.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_documents::sha256_hex;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::notices::{Notice, announce};
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
        "an edition applies from the day of its publication at the earliest: {in_force_from} is before {today}"
    )]
    InThePast {
        /// First day asked for.
        in_force_from: NaiveDate,
        /// The day of publication.
        today: NaiveDate,
    },
    /// An older edition would come into force after it.
    #[error(
        "edition {number} comes into force on {latest}: a later edition can't be in force from {in_force_from}"
    )]
    BeforeAnOlder {
        /// Number of the older edition.
        number: i32,
        /// Its first day.
        latest: NaiveDate,
        /// First day asked for.
        in_force_from: NaiveDate,
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
            PublishRulesEditionError::InThePast { today, .. } => Told::refused("edition_in_the_past")
                .field("in_force_from")
                .limit(Some(today.to_string())),
            PublishRulesEditionError::BeforeAnOlder { latest, .. } => {
                Told::refused("edition_before_an_older")
                    .field("in_force_from")
                    .limit(Some(latest.to_string()))
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
    let newest = tx.operator().editions(i32::MAX, 1).await?.pop();
    if let Some(newest) = newest {
        if cmd.in_force_from < today {
            return Err(PublishRulesEditionError::InThePast {
                in_force_from: cmd.in_force_from,
                today,
            });
        }
        if cmd.in_force_from < newest.in_force_from {
            return Err(PublishRulesEditionError::BeforeAnOlder {
                number: newest.number,
                latest: newest.in_force_from,
                in_force_from: cmd.in_force_from,
            });
        }
    }
    let sha256 = sha256_hex(&text);
    let number = tx
        .operator()
        .insert_edition(&text, &sha256, today, cmd.in_force_from)
        .await?;
    let notice = Notice::RulesEditionPublished {
        number,
        in_force_from: cmd.in_force_from,
    };
    let told = announce(tx, ctx, notice).await?;
    let details = json!({
        "number": number,
        "sha256": sha256,
        "in_force_from": cmd.in_force_from.to_string(),
        "customers_told": told,
    });
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

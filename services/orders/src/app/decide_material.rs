//! A moderator's decision on an ad material (orders.md §4) [003 §3.5–3.6]. Approval and its withdrawal reach every node
//! within seconds through the snapshot's version.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use namoyish_domain::ids::AdMaterialId;
use namoyish_domain::orders::moderation::{ModerationState, Verdict, VerdictRefused};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::materials::{AdMaterial, Decision};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest comment, characters.
pub const COMMENT_CHARS_MAX: usize = 2_000;

/// What to decide.
#[derive(Debug, Clone)]
pub struct DecideMaterial {
    /// On which version.
    pub material: AdMaterialId,
    /// What.
    pub verdict: Verdict,
    /// In the moderator's words; may be empty.
    pub comment: String,
}

/// Why it isn't decided.
#[derive(Debug, thiserror::Error)]
pub enum DecideMaterialError {
    /// Not a moderator.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such material.
    #[error("there is no ad material {material}")]
    NoSuchMaterial {
        /// The id.
        material: AdMaterialId,
    },
    /// The comment's text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// The state doesn't lead there, or a reason is missing.
    #[error(transparent)]
    Refused(#[from] VerdictRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for DecideMaterialError {
    fn told(&self) -> Told {
        match self {
            DecideMaterialError::NotAllowed(_) => Told::not_allowed(),
            DecideMaterialError::NoSuchMaterial { .. } => Told::not_found("no_such_material"),
            DecideMaterialError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            DecideMaterialError::Refused(refused @ VerdictRefused::Move { .. }) => {
                Told::conflict(refused.code())
            }
            DecideMaterialError::Refused(refused @ VerdictRefused::NoReason { .. }) => {
                Told::refused(refused.code()).field("reasons")
            }
            DecideMaterialError::Refused(refused @ VerdictRefused::NoComment) => {
                Told::refused(refused.code()).field("comment")
            }
            DecideMaterialError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(DecideMaterialError);

/// Decides.
pub async fn decide_material(
    ctx: &Context,
    actor: &Actor,
    cmd: DecideMaterial,
) -> Result<AdMaterial, DecideMaterialError> {
    let mut tx = ctx.store.begin().await?;
    let material = decide_material_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(material)
}

/// The same inside the caller's transaction.
pub async fn decide_material_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: DecideMaterial,
) -> Result<AdMaterial, DecideMaterialError> {
    require_staff(actor, &[Role::Moderator, Role::Admin], "decide on ad materials")?;
    let mut material =
        tx.materials()
            .lock(cmd.material)
            .await?
            .ok_or(DecideMaterialError::NoSuchMaterial {
                material: cmd.material,
            })?;
    let comment = text::long("comment", &cmd.comment, COMMENT_CHARS_MAX)?;
    let from = material.decision.state;
    let state = from.decide(&cmd.verdict, &comment)?;
    let decision = Decision {
        state,
        reasons: cmd.verdict.reasons().to_vec(),
        comment,
        decided_at: ctx.now(),
        decided_by: actor.name.clone(),
    };
    tx.materials().insert_decision(cmd.material, &decision).await?;
    if state == ModerationState::Approved || from == ModerationState::Approved {
        tx.bump_snapshot().await?;
    }
    let details = json!({
        "material": cmd.material.to_string(),
        "version": material.material.version,
        "state": state.code(),
        "reasons": decision.reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>(),
    });
    let line = material.material.line;
    tx.order_lines()
        .insert_change(line, ctx.now(), &actor.name, "material_decided", details.clone())
        .await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        "decide_material",
        &cmd.material.to_string(),
        details,
    )
    .await?;
    material.decision = decision;
    Ok(material)
}

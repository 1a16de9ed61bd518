//! A moderator's decision on an ad material (orders.md §4) [003 §3.5–3.6]. Approval and its withdrawal reach every node
//! within seconds through the snapshot's version. The reasons are items of the checklist that are in force today.
//!
//! Approval never shifts responsibility: [`RESPONSIBILITY`] goes with every approval that is told.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use namoyish_domain::ids::AdMaterialId;
use namoyish_domain::orders::checklist::{Checklist, ReasonRefused};
use namoyish_domain::orders::licence::hand_in_by;
use namoyish_domain::orders::moderation::{ModerationState, Verdict, VerdictRefused};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::notices::{Notice, tell};
use namoyish_storage::materials::{AdMaterial, Decision};
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest comment, characters.
pub const COMMENT_CHARS_MAX: usize = 2_000;

/// What an approval doesn't do [003 §3.6].
pub const RESPONSIBILITY: &str = "Approval means that the material may be shown. The customer stays responsible for its \
                                  content, its lawfulness and the rights of third parties [003 §3.6].";

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
    /// A reason that isn't in force, or serves another verdict.
    #[error(transparent)]
    Reason(#[from] ReasonRefused),
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
            DecideMaterialError::Reason(refused) => Told::refused(refused.code())
                .field("reasons")
                .limit(refused.limit()),
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
    let from = material.moderation();
    let to = from.decide(&cmd.verdict, &comment)?;
    let checklist = tx.checklist().all().await?;
    checklist.check(&cmd.verdict, ctx.today())?;
    let state = to.state;
    let decision = Decision {
        state,
        runs_on: to.runs_on,
        reasons: cmd.verdict.reasons().to_vec(),
        comment,
        decided_at: ctx.now(),
        decided_by: actor.name.clone(),
    };
    tx.materials().insert_decision(cmd.material, &decision).await?;
    let was_shown = from.state == ModerationState::Approved || from.runs_on;
    if state == ModerationState::Approved || was_shown {
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
    material.ever_approved |= state == ModerationState::Approved;
    tell_customer(tx, ctx, &material, &checklist).await?;
    Ok(material)
}

/// Tells the customer what was decided, with the reasons in the customer's language [003 §3.8].
async fn tell_customer(
    tx: &mut Tx,
    ctx: &Context,
    material: &AdMaterial,
    checklist: &Checklist,
) -> Result<(), DbError> {
    let language = match tx.customers().find(material.customer).await? {
        Some(customer) => customer.language,
        None => return Ok(()),
    };
    let line = tx.order_lines().find(material.material.line).await?;
    let line = line.map_or_else(String::new, |line| line.code);
    let title = material.material.title.clone();
    let decision = &material.decision;
    let words: Vec<&str> = decision
        .reasons
        .iter()
        .map(|reason| checklist.text(reason.code(), ctx.today(), &language))
        .chain([decision.comment.as_str()])
        .filter(|words| !words.is_empty())
        .collect();
    let comment = words.join(" ");
    let notice = match decision.state {
        ModerationState::Approved => Notice::MaterialApproved {
            material: title,
            line,
        },
        ModerationState::Rejected => Notice::MaterialRejected {
            material: title,
            line,
            comment,
        },
        ModerationState::Withdrawn => Notice::ApprovalWithdrawn {
            material: title,
            line,
            comment,
        },
        ModerationState::DocumentsRequired => Notice::DocumentsRequired {
            material: title,
            due_on: hand_in_by(ctx.today()),
            comment,
        },
        ModerationState::Submitted | ModerationState::InReview | ModerationState::DocumentsOverdue => {
            return Ok(());
        }
    };
    tell(tx, ctx, material.customer, Some(material.blank), notice).await
}

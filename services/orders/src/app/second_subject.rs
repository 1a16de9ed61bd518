//! A second advertised subject in one material (orders.md §4) [003 §6.5].
//!
//! A moderator flags it, and the material isn't shown until the operator's prior written consent and the amendment that
//! revises the price are recorded. Not here: the amendment itself.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use namoyish_domain::ids::AdMaterialId;
use namoyish_domain::orders::moderation::ModerationState;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::materials::AdMaterial;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The longest description of a subject or consent, characters.
pub const NOTE_CHARS_MAX: usize = 500;
/// The longest reference of an amendment, characters.
pub const AMENDMENT_CHARS_MAX: usize = 64;

/// What to flag.
#[derive(Debug, Clone)]
pub struct FlagSecondSubject {
    /// In which material.
    pub material: AdMaterialId,
    /// What else is advertised.
    pub subject: String,
}

/// What to consent to.
#[derive(Debug, Clone)]
pub struct ConsentToSecondSubject {
    /// In which material.
    pub material: AdMaterialId,
    /// The operator's written consent: its number and date, or its words.
    pub consent: String,
    /// The amendment with the revised price.
    pub amendment: String,
}

/// Why it isn't done.
#[derive(Debug, thiserror::Error)]
pub enum SecondSubjectError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such material.
    #[error("there is no ad material {material}")]
    NoSuchMaterial {
        /// The id.
        material: AdMaterialId,
    },
    /// A text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// Nothing waits for a material that is out.
    #[error("the material is {}", .state.code())]
    MaterialClosed {
        /// Its state.
        state: ModerationState,
    },
    /// It is flagged already.
    #[error("the material waits for the amendment for its second subject already")]
    AlreadyFlagged,
    /// There is nothing to consent to.
    #[error("no second subject of the material waits for a consent")]
    NotFlagged,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for SecondSubjectError {
    fn told(&self) -> Told {
        match self {
            SecondSubjectError::NotAllowed(_) => Told::not_allowed(),
            SecondSubjectError::NoSuchMaterial { .. } => Told::not_found("no_such_material"),
            SecondSubjectError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            SecondSubjectError::MaterialClosed { .. } => Told::conflict("material_closed"),
            SecondSubjectError::AlreadyFlagged => Told::conflict("second_subject_flagged"),
            SecondSubjectError::NotFlagged => Told::conflict("no_second_subject"),
            SecondSubjectError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(SecondSubjectError);

/// Flags a second subject.
pub async fn flag_second_subject(
    ctx: &Context,
    actor: &Actor,
    cmd: FlagSecondSubject,
) -> Result<AdMaterial, SecondSubjectError> {
    let mut tx = ctx.store.begin().await?;
    let material = flag_second_subject_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(material)
}

/// The same inside the caller's transaction.
pub async fn flag_second_subject_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: FlagSecondSubject,
) -> Result<AdMaterial, SecondSubjectError> {
    require_staff(actor, &[Role::Moderator, Role::Admin], "decide on ad materials")?;
    let material = lock(tx, cmd.material).await?;
    let subject = text::required("subject", &cmd.subject, NOTE_CHARS_MAX)?;
    let state = material.decision.state;
    if matches!(state, ModerationState::Rejected | ModerationState::Withdrawn) {
        return Err(SecondSubjectError::MaterialClosed { state });
    }
    if material.awaiting_amendment {
        return Err(SecondSubjectError::AlreadyFlagged);
    }
    tx.materials()
        .flag_second_subject(cmd.material, &subject, &actor.name, ctx.now())
        .await?;
    let details = json!({"material": cmd.material.to_string(), "subject": subject});
    finish(tx, ctx, actor, &material, "second_subject_flagged", details).await?;
    Ok(AdMaterial {
        awaiting_amendment: true,
        ..material
    })
}

/// Records consent and amendment.
pub async fn consent_to_second_subject(
    ctx: &Context,
    actor: &Actor,
    cmd: ConsentToSecondSubject,
) -> Result<AdMaterial, SecondSubjectError> {
    let mut tx = ctx.store.begin().await?;
    let material = consent_to_second_subject_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(material)
}

/// The same inside the caller's transaction.
pub async fn consent_to_second_subject_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ConsentToSecondSubject,
) -> Result<AdMaterial, SecondSubjectError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "consent to a second subject")?;
    let material = lock(tx, cmd.material).await?;
    let consent = text::required("consent", &cmd.consent, NOTE_CHARS_MAX)?;
    let amendment = text::required("amendment", &cmd.amendment, AMENDMENT_CHARS_MAX)?;
    if !material.awaiting_amendment {
        return Err(SecondSubjectError::NotFlagged);
    }
    tx.materials()
        .clear_second_subject(cmd.material, &consent, &amendment, &actor.name, ctx.now())
        .await?;
    let details = json!({"material": cmd.material.to_string(), "consent": consent, "amendment": amendment});
    finish(tx, ctx, actor, &material, "second_subject_cleared", details).await?;
    Ok(AdMaterial {
        awaiting_amendment: false,
        ..material
    })
}

async fn lock(tx: &mut Tx, id: AdMaterialId) -> Result<AdMaterial, SecondSubjectError> {
    tx.materials()
        .lock(id)
        .await?
        .ok_or(SecondSubjectError::NoSuchMaterial { material: id })
}

async fn finish(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    material: &AdMaterial,
    what: &str,
    details: serde_json::Value,
) -> Result<(), DbError> {
    tx.bump_snapshot().await?;
    tx.order_lines()
        .insert_change(
            material.material.line,
            ctx.now(),
            &actor.name,
            what,
            details.clone(),
        )
        .await?;
    tx.audit(
        ctx.now(),
        &actor.name,
        what,
        &material.material.id.to_string(),
        details,
    )
    .await
}

//! The operator's decision on an objection (billing.md §5) [003 §5.8–5.9]: upheld with what the month should have cost, which
//! issues a correcting document over the difference; or rejected with reasons, and the document stands.

use crate::app::object_to_document::{REASONS_CHARS_MAX, enter_both};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use namoyish_documents::content::CorrectionReason;
use namoyish_domain::billing::correction::{ChargedLine, Correction, CorrectionRefused, ShouldBe};
use namoyish_domain::billing::document::{DocumentState, MoveRefused};
use namoyish_domain::billing::objection::decide;
use namoyish_domain::ids::DocumentId;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_settlement::corrections::{CorrectionFailed, NewCorrection, issue_correction};
use namoyish_storage::objections::NewDecision;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;
use serde_json::json;

const ROLES: &[Role] = &[Role::Accountant, Role::Admin];

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectionVerdict {
    /// The month should have cost this, net of VAT.
    Uphold(ShouldBe),
    /// The document stands.
    Reject,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideObjection {
    /// On the objection to which document.
    pub document: DocumentId,
    /// What.
    pub verdict: ObjectionVerdict,
    /// Why, in the operator's words.
    pub reasons: String,
}

/// A decided objection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectionDecided {
    /// The state of the document.
    pub state: DocumentState,
    /// The correcting document, when the objection was upheld.
    pub correction: Option<(DocumentId, String)>,
}

/// Why it isn't decided.
#[derive(Debug, thiserror::Error)]
pub enum DecideObjectionError {
    /// The role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No such document.
    #[error("there is no document {0}")]
    NoSuchDocument(DocumentId),
    /// The reasons' text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// It isn't disputed.
    #[error("the document is {}: nobody objects to it", .0.from)]
    NotDisputed(MoveRefused),
    /// The sum that it should be.
    #[error(transparent)]
    Sum(#[from] CorrectionRefused),
    /// The correction can't be issued.
    #[error(transparent)]
    Correction(#[from] CorrectionFailed),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for DecideObjectionError {
    fn told(&self) -> Told {
        match self {
            DecideObjectionError::NotAllowed(_) => Told::not_allowed(),
            DecideObjectionError::NoSuchDocument(_) => Told::not_found("no_such_document"),
            DecideObjectionError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            DecideObjectionError::NotDisputed(_) => Told::conflict("document_not_disputed"),
            DecideObjectionError::Sum(refused) => match refused {
                CorrectionRefused::Negative { .. } => Told::refused(refused.code())
                    .field("net")
                    .limit(Some("0.00".to_owned())),
                CorrectionRefused::NotLess { charged, .. } => Told::refused(refused.code())
                    .field("net")
                    .limit(Some(charged.to_string())),
                _ => Told::refused(refused.code()).field("lines"),
            },
            DecideObjectionError::Correction(CorrectionFailed::Db(error))
            | DecideObjectionError::Db(error) => Told::of_database(error),
            DecideObjectionError::Correction(_) => Told::internal(),
        }
    }
}

code_of!(DecideObjectionError);

/// Decides.
pub async fn decide_objection(
    ctx: &Context,
    actor: &Actor,
    cmd: DecideObjection,
) -> Result<ObjectionDecided, DecideObjectionError> {
    let mut tx = ctx.store.begin().await?;
    let decided = decide_objection_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(decided)
}

/// The same inside the caller's transaction.
pub async fn decide_objection_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: DecideObjection,
) -> Result<ObjectionDecided, DecideObjectionError> {
    let now = ctx.now();
    require_staff(actor, ROLES, "decide on objections")?;
    let reasons = text::long("reasons", &cmd.reasons, REASONS_CHARS_MAX)?;
    if reasons.is_empty() {
        return Err(TextRefused::Missing { field: "reasons" }.into());
    }
    let missing = || DecideObjectionError::NoSuchDocument(cmd.document);
    let document = tx.documents().find(cmd.document).await?.ok_or_else(missing)?;
    // The customer's money first, then the document, as everywhere.
    tx.ledger().lock_customer(document.customer).await?;
    let from = tx
        .documents()
        .lock_state(cmd.document)
        .await?
        .ok_or_else(missing)?;
    let upheld = matches!(cmd.verdict, ObjectionVerdict::Uphold(_));
    let state = decide(from, upheld).map_err(DecideObjectionError::NotDisputed)?;

    let correction = match &cmd.verdict {
        ObjectionVerdict::Reject => None,
        ObjectionVerdict::Uphold(should_be) => {
            let charged = tx.objections().charged_lines(cmd.document).await?;
            let lines: Vec<ChargedLine> = charged.iter().map(|line| line.charged).collect();
            let correction = Correction::of_objection(&lines, should_be)?;
            // What was counted stays as it is: only the sum is corrected.
            let quantities = vec![Decimal::ZERO; correction.lines().len()];
            let new = NewCorrection {
                primary: &document,
                charged: &charged,
                correction: &correction,
                quantities: &quantities,
                reason: CorrectionReason::Objection,
                explanation: &reasons,
                actor: &actor.name,
            };
            Some(issue_correction(tx, ctx, &new).await?)
        }
    };
    let decision = NewDecision {
        document: cmd.document,
        by: &actor.name,
        reasons: &reasons,
        correction: correction.as_ref().map(|(id, _)| *id),
    };
    tx.objections().decide(&decision, now).await?;
    enter_both(tx, ctx, cmd.document, state, actor).await?;
    let details = json!({
        "document": document.number,
        "upheld": upheld,
        "correction": correction.as_ref().map(|(_, number)| number.clone()),
    });
    tx.audit(
        now,
        &actor.name,
        "decide_objection",
        &cmd.document.to_string(),
        details,
    )
    .await?;
    tracing::info!(document.id = %cmd.document, upheld, "an objection is decided");
    Ok(ObjectionDecided { state, correction })
}

//! What follows a document: objections and their decisions, paper copies, claims and waivers of late penalty
//! (billing.md §5–§6).

use crate::api::caller::{Caller, Writer};
use crate::api::fields::{id_in_path, json_body, money, no_such};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::claim_penalty::{ClaimPenalty, claim_penalty_in};
use crate::app::decide_objection::{DecideObjection, ObjectionVerdict, decide_objection_in};
use crate::app::hand_over_paper::{HandOverPaper, hand_over_paper_in};
use crate::app::object_to_document::{ObjectToDocument, object_to_document_in};
use crate::app::waive_penalty::{WaivePenalty, waive_penalty_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::NaiveDate;
use namoyish_domain::billing::correction::ShouldBe;
use namoyish_domain::billing::objection::last_day;
use namoyish_domain::ids::{DocumentId, InvoiceId, LineId};
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::objections::ObjectionRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An objection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectionRequest {
    /// In writing; at most 4,000 characters.
    reasons: String,
}

/// A document that is objected to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DisputedView {
    document: String,
    number: String,
    /// disputed.
    state: String,
    /// The last day on which it could be objected to.
    last_day: Option<NaiveDate>,
}

/// Objects to a month's primary document, through the end of the 20th of the next month. A key of the operator records what
/// the customer handed in on paper.
#[utoipa::path(
    post, path = "/api/v1/documents/{document}/objection", tag = "documents", request_body = ObjectionRequest,
    params(("document" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = DisputedView), Refusals)
)]
pub(crate) async fn object_to_document(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let document = id_in_path("document", DocumentId::parse(&id))?;
    let request: ObjectionRequest = json_body(&body)?;
    let operation = format!("object_to_document {document}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = ObjectToDocument {
        document,
        reasons: request.reasons,
    };
    let disputed = object_to_document_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = DisputedView {
        document: disputed.id.to_string(),
        number: disputed.number,
        state: disputed.state.name().to_owned(),
        last_day: disputed.period.map(last_day),
    };
    write.finish(StatusCode::CREATED, &view).await
}

/// An objection with its decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObjectionView {
    objected_on: NaiveDate,
    objected_by: String,
    /// Whether the operator recorded a paper.
    on_paper: bool,
    reasons: String,
    decided_on: Option<NaiveDate>,
    upheld: Option<bool>,
    /// The operator's reasons.
    decision: Option<String>,
    /// The correcting document.
    correction: Option<String>,
}

impl From<ObjectionRecord> for ObjectionView {
    fn from(record: ObjectionRecord) -> ObjectionView {
        let (decided_on, upheld, decision, correction) = match record.decision {
            Some(decided) => (
                Some(decided.on),
                Some(decided.upheld),
                Some(decided.reasons),
                decided.correction.map(|id| id.to_string()),
            ),
            None => (None, None, None, None),
        };
        ObjectionView {
            objected_on: record.on,
            objected_by: record.by,
            on_paper: record.on_paper,
            reasons: record.reasons,
            decided_on,
            upheld,
            decision,
            correction,
        }
    }
}

/// The objection to a document, with its decision.
#[utoipa::path(
    get, path = "/api/v1/documents/{document}/objection", tag = "documents", params(("document" = String, Path)),
    responses((status = 200, body = ObjectionView), Refusals)
)]
pub(crate) async fn get_objection(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<ObjectionView>, Problem> {
    let id = id_in_path("document", DocumentId::parse(&id))?;
    let mut tx = api.ctx.store.begin().await?;
    let document = tx.documents().find(id).await?;
    document
        .filter(|document| actor.may_see(document.customer))
        .ok_or_else(|| no_such("document"))?;
    let objection = tx.objections().find(id).await?;
    objection
        .map(|objection| Json(objection.into()))
        .ok_or_else(|| no_such("objection"))
}

/// What a line should have cost.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineShouldBe {
    line: String,
    /// Net of VAT; 0.00 or more, less than what was charged.
    #[schema(example = "90000.00")]
    net: String,
}

/// A decision on an objection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionRequest {
    /// true: a correcting document is issued over the difference; false: the document stands.
    upheld: bool,
    /// At most 4,000 characters.
    reasons: String,
    /// What the whole document should have cost, net of VAT. Either this or `lines`, and only when upheld.
    net: Option<String>,
    /// What these lines should have cost; the others stay.
    lines: Option<Vec<LineShouldBe>>,
}

impl DecisionRequest {
    fn verdict(&self) -> Result<ObjectionVerdict, Problem> {
        match (self.upheld, &self.net, &self.lines) {
            (false, None, None) => Ok(ObjectionVerdict::Reject),
            (true, Some(net), None) => Ok(ObjectionVerdict::Uphold(ShouldBe::Total(money("net", net)?))),
            (true, None, Some(lines)) => {
                let mut should_be = Vec::new();
                for line in lines {
                    let id = LineId::parse(&line.line).map_err(|_| {
                        Problem::refused("invalid_id", format!("`{}` is no id of a line", line.line))
                            .field("lines")
                    })?;
                    should_be.push((id, money("lines", &line.net)?));
                }
                Ok(ObjectionVerdict::Uphold(ShouldBe::Lines(should_be)))
            }
            _ => Err(Problem::refused(
                "corrected_sum_unclear",
                "an upheld objection has either `net` or `lines`, a rejected one neither",
            )
            .field("net")),
        }
    }
}

/// A decided objection.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecidedView {
    document: String,
    /// corrected or upheld (the document stands).
    state: String,
    /// The correcting document.
    correction: Option<String>,
    correction_number: Option<String>,
}

/// Decides on an objection.
#[utoipa::path(
    post, path = "/api/v1/documents/{document}/objection/decision", tag = "documents", request_body = DecisionRequest,
    params(("document" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = DecidedView), Refusals)
)]
pub(crate) async fn decide_objection(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let document = id_in_path("document", DocumentId::parse(&id))?;
    let request: DecisionRequest = json_body(&body)?;
    let verdict = request.verdict()?;
    let operation = format!("decide_objection {document}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = DecideObjection {
        document,
        verdict,
        reasons: request.reasons,
    };
    let decided = decide_objection_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let (correction, correction_number) = match decided.correction {
        Some((id, number)) => (Some(id.to_string()), Some(number)),
        None => (None, None),
    };
    let view = DecidedView {
        document: document.to_string(),
        state: decided.state.name().to_owned(),
        correction,
        correction_number,
    };
    write.finish(StatusCode::OK, &view).await
}

/// A paper copy that was collected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaperCopyRequest {
    /// To whom: surname, initials, power of attorney; at most 200 characters.
    to: String,
}

/// When it was collected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaperCopyView {
    document: String,
    handed_over_on: NaiveDate,
}

/// Marks the paper copy of a document as handed over.
#[utoipa::path(
    post, path = "/api/v1/documents/{document}/paper-copy", tag = "documents", request_body = PaperCopyRequest,
    params(("document" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PaperCopyView), Refusals)
)]
pub(crate) async fn hand_over_paper(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let document = id_in_path("document", DocumentId::parse(&id))?;
    let request: PaperCopyRequest = json_body(&body)?;
    let operation = format!("hand_over_paper {document}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = HandOverPaper {
        document,
        to: request.to,
    };
    let handed_over_on = hand_over_paper_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = PaperCopyView {
        document: document.to_string(),
        handed_over_on,
    };
    write.finish(StatusCode::CREATED, &view).await
}

/// A claim to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PenaltyClaimRequest {
    /// Calendar days to pay it, 1 to 365, where agreed; 10 when left out.
    days_to_pay: Option<u32>,
}

/// A claim.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PenaltyClaimView {
    /// Its document.
    document: String,
    number: String,
    #[schema(example = "10000.00")]
    amount: String,
    first_day: NaiveDate,
    through: NaiveDate,
    due_on: NaiveDate,
}

/// Claims the late penalty that has accrued on an invoice and isn't claimed yet.
#[utoipa::path(
    post, path = "/api/v1/invoices/{invoice}/penalty-claim", tag = "documents", request_body = PenaltyClaimRequest,
    params(("invoice" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PenaltyClaimView), Refusals)
)]
pub(crate) async fn claim_penalty(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let invoice = id_in_path("invoice", InvoiceId::parse(&id))?;
    let request: PenaltyClaimRequest = json_body(&body)?;
    let operation = format!("claim_penalty {invoice}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = ClaimPenalty {
        invoice,
        days_to_pay: request.days_to_pay,
    };
    let claimed = claim_penalty_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = PenaltyClaimView {
        document: claimed.document.to_string(),
        number: claimed.number,
        amount: claimed.claim.amount.to_string(),
        first_day: claimed.claim.first_day,
        through: claimed.claim.through,
        due_on: claimed.due_on,
    };
    write.finish(StatusCode::CREATED, &view).await
}

/// A waiver.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PenaltyWaiverRequest {
    /// At most 1,000 characters.
    reason: String,
}

/// What was waived.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PenaltyWaiverView {
    invoice: String,
    amount: String,
    /// Days of delay up to this one are claimed no more.
    through: NaiveDate,
}

/// Waives the late penalty that has accrued on an invoice and isn't claimed yet.
#[utoipa::path(
    post, path = "/api/v1/invoices/{invoice}/penalty-waiver", tag = "documents", request_body = PenaltyWaiverRequest,
    params(("invoice" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PenaltyWaiverView), Refusals)
)]
pub(crate) async fn waive_penalty(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let invoice = id_in_path("invoice", InvoiceId::parse(&id))?;
    let request: PenaltyWaiverRequest = json_body(&body)?;
    let operation = format!("waive_penalty {invoice}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = WaivePenalty {
        invoice,
        reason: request.reason,
    };
    let waived = waive_penalty_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = PenaltyWaiverView {
        invoice: invoice.to_string(),
        amount: waived.amount.to_string(),
        through: waived.through,
    };
    write.finish(StatusCode::CREATED, &view).await
}

//! Ad materials: uploaded as multipart forms, listed, seen, decided on.

use crate::api::caller::{Caller, Writer, staff_only};
use crate::api::fields::{id_in_path, json_body, no_such, one_of};
use crate::api::material_documents::{DocumentView, SubjectEventView};
use crate::api::order_blanks::may_see;
use crate::api::page::{Page, PageQuery};
use crate::api::upload::Upload;
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::decide_material::{DecideMaterial, RESPONSIBILITY, decide_material_in};
use crate::app::submit_material::{SubmitMaterial, submit_material_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::calendar::{minus_days, tashkent_day};
use namoyish_domain::ids::{AdMaterialId, LineId};
use namoyish_domain::orders::licence::hand_in_by;
use namoyish_domain::orders::moderation::{ModerationReason, ModerationState, Verdict};
use namoyish_domain::orders::placement::PlacementKind;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::materials::{AdMaterial, Decision};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A decision on a material.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionView {
    /// submitted, in_review, approved, rejected, documents_required, documents_overdue or withdrawn.
    state: String,
    /// It was approved before, and runs while it is looked at again.
    runs_on: bool,
    /// Codes of the checklist.
    reasons: Vec<String>,
    comment: String,
    decided_at: DateTime<Utc>,
    decided_by: String,
    /// What an approval doesn't do [003 §3.6]; told with approvals only.
    responsibility: Option<&'static str>,
}

impl From<&Decision> for DecisionView {
    fn from(decision: &Decision) -> DecisionView {
        DecisionView {
            state: decision.state.code().to_owned(),
            runs_on: decision.runs_on,
            reasons: decision
                .reasons
                .iter()
                .map(|reason| reason.code().to_owned())
                .collect(),
            comment: decision.comment.clone(),
            decided_at: decision.decided_at,
            decided_by: decision.decided_by.clone(),
            responsibility: (decision.state == ModerationState::Approved).then_some(RESPONSIBILITY),
        }
    }
}

/// A version of an ad material.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MaterialView {
    id: String,
    line: String,
    order_blank: String,
    customer: String,
    version: i32,
    /// banner, text_image, article, comment or text.
    kind: String,
    title: String,
    body: String,
    target_url: String,
    /// SHA-256 of the file, hexadecimal; the bytes are at `…/file`.
    file: Option<String>,
    width: u32,
    height: u32,
    submitted_at: DateTime<Utc>,
    submitted_by: String,
    /// First day on which this version runs, if it is approved.
    live_from: NaiveDate,
    /// The last day on which a decision lets it run from its first day; for moderators.
    decide_by: NaiveDate,
    /// The last day on which copies asked for are in time; none when none are waited for.
    documents_due_on: Option<NaiveDate>,
    /// The last day on which all its documents are valid; none when it has none.
    documents_until: Option<NaiveDate>,
    /// One of its documents was reported revoked: it isn't shown.
    document_revoked: bool,
    /// A second advertised subject waits for its amendment: it isn't shown.
    awaiting_amendment: bool,
    decision: DecisionView,
}

impl From<AdMaterial> for MaterialView {
    fn from(material: AdMaterial) -> MaterialView {
        let decision = DecisionView::from(&material.decision);
        let asked_on = tashkent_day(material.decision.decided_at);
        let is_asked = material.decision.state == ModerationState::DocumentsRequired;
        let own = material.material;
        MaterialView {
            id: own.id.to_string(),
            line: own.line.to_string(),
            order_blank: material.blank.to_string(),
            customer: material.customer.to_string(),
            version: own.version,
            kind: own.kind.code().to_owned(),
            title: own.title,
            body: own.body,
            target_url: own.target_url,
            file: own.file_sha256,
            width: own.width,
            height: own.height,
            submitted_at: own.submitted_at,
            submitted_by: own.submitted_by,
            live_from: own.live_from,
            decide_by: minus_days(own.live_from, 1),
            documents_due_on: is_asked.then(|| hand_in_by(asked_on)),
            documents_until: material.documents_until,
            document_revoked: material.document_revoked,
            awaiting_amendment: material.awaiting_amendment,
            decision,
        }
    }
}

/// A material that was submitted, and what it did to the line.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedView {
    #[serde(flatten)]
    material: MaterialView,
    /// The line's new term, when its first material came late.
    term_moved_to: Option<[NaiveDate; 2]>,
}

/// The parts of the form.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only the OpenAPI description is made from it")]
pub(crate) struct MaterialForm {
    /// banner, text_image, article, comment or text.
    kind: String,
    title: String,
    /// The text; none for a banner.
    body: Option<String>,
    /// https.
    target_url: String,
    /// PNG, JPEG, GIF or WebP; what it is is told by its bytes.
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<Vec<u8>>,
}

/// Submits a material for a line, or a new version of it.
#[utoipa::path(
    post, path = "/api/v1/lines/{line}/materials", tag = "materials",
    request_body(content = MaterialForm, content_type = "multipart/form-data"),
    params(("line" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = SubmittedView), Refusals)
)]
pub(crate) async fn submit_material(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Answer, Problem> {
    let line = id_in_path("line", LineId::parse(&id))?;
    let parts = Upload::read(form, &["kind", "title", "body", "target_url"]).await?;
    let known = "banner, text_image, article, comment, text";
    let kind = one_of("kind", parts.text("kind"), known, PlacementKind::parse)?;
    let operation = format!("submit_material {line}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &parts.digest()).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = SubmitMaterial {
        line,
        kind,
        title: parts.text("title").to_owned(),
        body: parts.text("body").to_owned(),
        target_url: parts.text("target_url").to_owned(),
        file: parts.file,
    };
    let submitted = submit_material_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = SubmittedView {
        material: submitted.material.into(),
        term_moved_to: submitted.moved.map(|term| [term.first_day(), term.last_day()]),
    };
    write.finish(StatusCode::CREATED, &view).await
}

/// The versions of a line's material, oldest first.
#[utoipa::path(
    get, path = "/api/v1/lines/{line}/materials", tag = "materials", params(("line" = String, Path), PageQuery),
    responses((status = 200, body = Page<MaterialView>), Refusals)
)]
pub(crate) async fn list_line_materials(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<MaterialView>>, Problem> {
    let asked = query.asked(|text| text.parse::<i32>().ok())?;
    let id = id_in_path("line", LineId::parse(&id))?;
    let mut tx = api.ctx.store.begin().await?;
    let line = tx.order_lines().find(id).await?.ok_or_else(|| no_such("line"))?;
    let blank = tx
        .order_blanks()
        .find(line.blank)
        .await?
        .filter(|blank| may_see(&actor, blank));
    blank.ok_or_else(|| no_such("line"))?;
    let versions = tx
        .materials()
        .of_line(id, asked.after.unwrap_or(0), asked.to_read())
        .await?;
    Ok(Json(asked.page(
        versions,
        |version| version.material.version.to_string(),
        MaterialView::from,
    )))
}

/// Which materials to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StateQuery {
    /// A state; all that wait for a decision when left out.
    state: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 200; 50 when left out.
    limit: Option<u32>,
}

/// The moderation queue, oldest first, each with the day by which it is to be decided. A customer's key sees its own materials.
#[utoipa::path(
    get, path = "/api/v1/materials", tag = "materials", params(StateQuery),
    responses((status = 200, body = Page<MaterialView>), Refusals)
)]
pub(crate) async fn list_materials(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<StateQuery>,
) -> Result<Json<Page<MaterialView>>, Problem> {
    let known = "submitted, in_review, approved, rejected, documents_required, documents_overdue, withdrawn";
    let state = query
        .state
        .as_deref()
        .map(|code| one_of("state", code, known, ModerationState::parse))
        .transpose()?;
    let asked = PageQuery::new(query.cursor, query.limit).asked(|text| AdMaterialId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let materials = tx
        .materials()
        .queue(asked.after, asked.to_read(), state, actor.customer)
        .await?;
    Ok(Json(asked.page(
        materials,
        |material| material.material.id.to_string(),
        MaterialView::from,
    )))
}

/// A material with the history of its moderation, its documents and what became of a second subject.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeMaterialView {
    #[serde(flatten)]
    material: MaterialView,
    history: Vec<DecisionView>,
    documents: Vec<DocumentView>,
    second_subject: Vec<SubjectEventView>,
}

/// A material with the history of its moderation.
#[utoipa::path(
    get, path = "/api/v1/materials/{material}", tag = "materials", params(("material" = String, Path)),
    responses((status = 200, body = WholeMaterialView), Refusals)
)]
pub(crate) async fn get_material(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<WholeMaterialView>, Problem> {
    let id = id_in_path("material", AdMaterialId::parse(&id))?;
    let mut tx = api.ctx.store.begin().await?;
    let material = tx
        .materials()
        .find(id)
        .await?
        .filter(|material| actor.may_see(material.customer));
    let material = material.ok_or_else(|| no_such("material"))?;
    let history = tx.materials().history(id).await?;
    let documents = tx.material_documents().of_material(id).await?;
    let subject_events = tx.materials().subject_events(id).await?;
    Ok(Json(WholeMaterialView {
        material: material.into(),
        history: history.iter().map(DecisionView::from).collect(),
        documents: documents.into_iter().map(DocumentView::from).collect(),
        second_subject: subject_events.into_iter().map(SubjectEventView::from).collect(),
    }))
}

/// The file of a material. It is served so that no browser takes it for anything but an image.
#[utoipa::path(
    get, path = "/api/v1/materials/{material}/file", tag = "materials", params(("material" = String, Path)),
    responses((status = 200, content_type = "image/*", body = [u8]), Refusals)
)]
pub(crate) async fn get_material_file(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id_in_path("material", AdMaterialId::parse(&id))?;
    let mut tx = api.ctx.store.begin().await?;
    let material = tx
        .materials()
        .find(id)
        .await?
        .filter(|material| actor.may_see(material.customer));
    let sha256 = material
        .and_then(|material| material.material.file_sha256)
        .ok_or_else(|| no_such("file"))?;
    let file = tx
        .materials()
        .file(&sha256)
        .await?
        .ok_or_else(|| no_such("file"))?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(file.media_type.code()),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, max-age=31536000, immutable"),
        ),
    ];
    Ok((headers, file.content).into_response())
}

/// What to decide.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionRequest {
    /// take_up, approve, reject, require_documents or withdraw.
    verdict: String,
    /// At least one for reject, require_documents and withdraw: codes of the checklist that are in force today.
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    comment: String,
}

impl DecisionRequest {
    fn verdict(&self) -> Result<Verdict, Problem> {
        let reasons = self
            .reasons
            .iter()
            .map(|code| {
                ModerationReason::parse(code).ok_or_else(|| {
                    Problem::refused(
                        "reason_not_in_force",
                        "a reason is the code of an item of the checklist",
                    )
                    .field("reasons")
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let verdicts = "take_up, approve, reject, require_documents, withdraw";
        one_of("verdict", &self.verdict, verdicts, |verdict| match verdict {
            "take_up" => Some(Verdict::TakeUp),
            "approve" => Some(Verdict::Approve),
            "reject" => Some(Verdict::Reject {
                reasons: reasons.clone(),
            }),
            "require_documents" => Some(Verdict::RequireDocuments {
                reasons: reasons.clone(),
            }),
            "withdraw" => Some(Verdict::Withdraw {
                reasons: reasons.clone(),
            }),
            _ => None,
        })
    }
}

/// Decides on a material. Approval and its withdrawal are in every serving node within 5 s.
#[utoipa::path(
    post, path = "/api/v1/materials/{material}/decide", tag = "materials", request_body = DecisionRequest,
    params(("material" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = MaterialView), Refusals)
)]
pub(crate) async fn decide_material(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    staff_only(&actor)?;
    let material = id_in_path("material", AdMaterialId::parse(&id))?;
    let request: DecisionRequest = json_body(&body)?;
    let verdict = request.verdict()?;
    let operation = format!("decide_material {material}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = DecideMaterial {
        material,
        verdict,
        comment: request.comment,
    };
    let decided = decide_material_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &MaterialView::from(decided)).await
}

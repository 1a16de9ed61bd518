//! Copies of licences and certificates of a material, and a second advertised subject.

use crate::api::caller::{Caller, Writer, staff_only};
use crate::api::fields::{field, id_in_path, json_body, no_such, one_of};
use crate::api::materials::MaterialView;
use crate::api::upload::Upload;
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::attach_document::{AttachDocument, attach_document_in};
use crate::app::report_document_revoked::{ReportDocumentRevoked, report_document_revoked_in};
use crate::app::second_subject::{
    ConsentToSecondSubject, FlagSecondSubject, consent_to_second_subject_in, flag_second_subject_in,
};
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use namoyish_domain::ids::{AdMaterialId, MaterialDocumentId};
use namoyish_domain::orders::licence::{DocumentKind, NewCopy};
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::material_documents::MaterialDocument;
use namoyish_storage::materials::SubjectEvent;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A copy of a licence or certificate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentView {
    id: String,
    material: String,
    /// licence, certificate, permit, declaration, consent or other.
    kind: String,
    number: String,
    issuer: String,
    issued_on: Option<NaiveDate>,
    /// Last day on which it is valid: the material runs through it.
    expires_on: NaiveDate,
    /// SHA-256 of the file, hexadecimal; the bytes are at `…/file`.
    file: String,
    /// The document whose place it took.
    replaces: Option<String>,
    /// The document that has taken its place: it counts no longer.
    replaced_by: Option<String>,
    /// When it was reported revoked.
    revoked_at: Option<DateTime<Utc>>,
    revocation_note: Option<String>,
    attached_at: DateTime<Utc>,
    attached_by: String,
}

impl From<MaterialDocument> for DocumentView {
    fn from(document: MaterialDocument) -> DocumentView {
        let own = document.document;
        let (revoked_at, revocation_note) = match document.revoked {
            Some((at, _, note)) => (Some(at), Some(note)),
            None => (None, None),
        };
        DocumentView {
            id: own.id.to_string(),
            material: own.material.to_string(),
            kind: own.copy.kind.code().to_owned(),
            number: own.copy.number,
            issuer: own.copy.issuer,
            issued_on: own.copy.issued_on,
            expires_on: own.copy.expires_on,
            file: own.file_sha256,
            replaces: own.replaces.map(|id| id.to_string()),
            replaced_by: document.replaced_by.map(|id| id.to_string()),
            revoked_at,
            revocation_note,
            attached_at: own.attached_at,
            attached_by: own.attached_by,
        }
    }
}

/// What became of a second advertised subject.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubjectEventView {
    /// flagged or consented.
    event: &'static str,
    /// What else is advertised, or the written consent.
    note: String,
    /// The amendment with the revised price; none for a flag.
    amendment: Option<String>,
    at: DateTime<Utc>,
    actor: String,
}

impl From<SubjectEvent> for SubjectEventView {
    fn from(event: SubjectEvent) -> SubjectEventView {
        SubjectEventView {
            event: if event.consented { "consented" } else { "flagged" },
            note: event.note,
            amendment: event.consented.then_some(event.amendment),
            at: event.at,
            actor: event.actor,
        }
    }
}

/// The parts of the form.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only the OpenAPI description is made from it")]
pub(crate) struct DocumentForm {
    /// licence, certificate, permit, declaration, consent or other.
    kind: String,
    number: String,
    issuer: String,
    issued_on: Option<NaiveDate>,
    expires_on: NaiveDate,
    /// The document whose place it takes. Left out: the one with its kind and number, else the only one of its kind that
    /// has expired or was revoked.
    replaces: Option<String>,
    /// PDF, JPEG or PNG; what it is is told by its bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A copy that was attached, and what it did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttachedView {
    #[serde(flatten)]
    document: DocumentView,
    /// The material's state after it.
    material_state: String,
    /// First day of the material after it.
    live_from: NaiveDate,
    /// The line's new term, when its first material became late by its papers.
    term_moved_to: Option<[NaiveDate; 2]>,
}

fn day(name: &'static str, text: &str) -> Result<NaiveDate, Problem> {
    field(name, "bad_day", text.trim().parse::<NaiveDate>())
}

/// Attaches a copy of a licence or certificate. A material that waits for papers goes back into review.
#[utoipa::path(
    post, path = "/api/v1/materials/{material}/documents", tag = "materials",
    request_body(content = DocumentForm, content_type = "multipart/form-data"),
    params(("material" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = AttachedView), Refusals)
)]
pub(crate) async fn attach_document(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Answer, Problem> {
    let material = id_in_path("material", AdMaterialId::parse(&id))?;
    let names = ["kind", "number", "issuer", "issued_on", "expires_on", "replaces"];
    let parts = Upload::read(form, &names).await?;
    let known = "licence, certificate, permit, declaration, consent, other";
    let kind = one_of("kind", parts.text("kind"), known, DocumentKind::parse)?;
    let issued_on = match parts.text("issued_on") {
        "" => None,
        text => Some(day("issued_on", text)?),
    };
    let expires_on = day("expires_on", parts.text("expires_on"))?;
    let replaces = match parts.text("replaces") {
        "" => None,
        text => Some(field(
            "replaces",
            "no_document_to_replace",
            MaterialDocumentId::parse(text),
        )?),
    };
    let file = parts
        .file
        .clone()
        .ok_or_else(|| Problem::refused("file_missing", "the copy's file is missing").field("file"))?;
    let operation = format!("attach_document {material}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &parts.digest()).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = AttachDocument {
        material,
        copy: NewCopy {
            kind,
            number: parts.text("number").to_owned(),
            issuer: parts.text("issuer").to_owned(),
            issued_on,
            expires_on,
        },
        replaces,
        file,
    };
    let attached = attach_document_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    let view = AttachedView {
        document: attached.document.into(),
        material_state: attached.material.decision.state.code().to_owned(),
        live_from: attached.material.material.live_from,
        term_moved_to: attached.moved.map(|term| [term.first_day(), term.last_day()]),
    };
    write.finish(StatusCode::CREATED, &view).await
}

/// A document of a material that the caller may see.
async fn own_document(
    api: &Api,
    actor: &namoyish_runtime::context::Actor,
    material: &str,
    document: &str,
) -> Result<MaterialDocument, Problem> {
    let material = id_in_path("document", AdMaterialId::parse(material))?;
    let document = id_in_path("document", MaterialDocumentId::parse(document))?;
    let mut tx = api.ctx.store.begin().await?;
    tx.materials()
        .find(material)
        .await?
        .filter(|material| actor.may_see(material.customer))
        .ok_or_else(|| no_such("document"))?;
    tx.material_documents()
        .find(document)
        .await?
        .filter(|found| found.document.material == material)
        .ok_or_else(|| no_such("document"))
}

/// A copy of a licence or certificate.
#[utoipa::path(
    get, path = "/api/v1/materials/{material}/documents/{document}", tag = "materials",
    params(("material" = String, Path), ("document" = String, Path)),
    responses((status = 200, body = DocumentView), Refusals)
)]
pub(crate) async fn get_document(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path((material, document)): Path<(String, String)>,
) -> Result<Json<DocumentView>, Problem> {
    let found = own_document(&api, &actor, &material, &document).await?;
    Ok(Json(found.into()))
}

/// The file of a copy. It is to be saved, and served so that no browser takes it for a page.
#[utoipa::path(
    get, path = "/api/v1/materials/{material}/documents/{document}/file", tag = "materials",
    params(("material" = String, Path), ("document" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), Refusals)
)]
pub(crate) async fn get_document_file(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path((material, document)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let found = own_document(&api, &actor, &material, &document).await?;
    let id = found.document.id;
    let mut tx = api.ctx.store.begin().await?;
    let file = tx.material_documents().file(id).await?;
    let (format, content) = file.ok_or_else(|| no_such("file"))?;
    let name = format!("attachment; filename=\"{id}.{}\"", format.extension());
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(format.code())),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment")),
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
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    Ok((headers, content).into_response())
}

/// A licence that is no longer valid.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokedRequest {
    /// What happened, in the reporter's words.
    #[serde(default)]
    note: String,
}

/// Reports that a licence or certificate was revoked or suspended [003 §4.3.4]: its material stops within 5 s.
#[utoipa::path(
    post, path = "/api/v1/materials/{material}/documents/{document}/revoked", tag = "materials",
    request_body = RevokedRequest,
    params(("material" = String, Path), ("document" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = DocumentView), Refusals)
)]
pub(crate) async fn report_document_revoked(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path((material, document)): Path<(String, String)>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let material = id_in_path("document", AdMaterialId::parse(&material))?;
    let document = id_in_path("document", MaterialDocumentId::parse(&document))?;
    let request: RevokedRequest = json_body(&body)?;
    let operation = format!("report_document_revoked {document}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = ReportDocumentRevoked {
        material,
        document,
        note: request.note,
    };
    let revoked = report_document_revoked_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &DocumentView::from(revoked)).await
}

/// What else a material advertises.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondSubjectRequest {
    subject: String,
}

/// Flags a second advertised subject [003 §6.5]: the material isn't shown until the operator's written consent and a
/// re-priced amendment are recorded.
#[utoipa::path(
    post, path = "/api/v1/materials/{material}/second-subject", tag = "materials", request_body = SecondSubjectRequest,
    params(("material" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = MaterialView), Refusals)
)]
pub(crate) async fn flag_second_subject(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    staff_only(&actor)?;
    let material = id_in_path("material", AdMaterialId::parse(&id))?;
    let request: SecondSubjectRequest = json_body(&body)?;
    let operation = format!("flag_second_subject {material}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = FlagSecondSubject {
        material,
        subject: request.subject,
    };
    let flagged = flag_second_subject_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &MaterialView::from(flagged)).await
}

/// The operator's prior written consent, and the amendment with the revised price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentRequest {
    /// Number and date of the consent, or its words.
    consent: String,
    /// Reference of the amendment.
    amendment: String,
}

/// Records the consent to a second subject with its amendment: the material may be shown again.
#[utoipa::path(
    post, path = "/api/v1/materials/{material}/second-subject/consent", tag = "materials", request_body = ConsentRequest,
    params(("material" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = MaterialView), Refusals)
)]
pub(crate) async fn consent_to_second_subject(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    staff_only(&actor)?;
    let material = id_in_path("material", AdMaterialId::parse(&id))?;
    let request: ConsentRequest = json_body(&body)?;
    let operation = format!("consent_to_second_subject {material}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = ConsentToSecondSubject {
        material,
        consent: request.consent,
        amendment: request.amendment,
    };
    let cleared = consent_to_second_subject_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::OK, &MaterialView::from(cleared)).await
}

//! Paper signatures with their scan, and what was signed: the frozen text, the printed blank, the printed invoice.

use crate::api::caller::{Caller, Writer};
use crate::api::documents::{FileQuery, attachment, file_name, render};
use crate::api::fields::{field, id_in_path, no_such};
use crate::api::order_blanks::{OrderBlankView, may_see};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::invoice_document::invoice_content;
use crate::app::scan::{ScanRefused, check_scan};
use crate::app::sign_order_blank::sign_scanned_paper_in;
use crate::app::terms::printed_blank;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use namoyish_documents::{render_invoice_pdf, render_order_blank_pdf};
use namoyish_domain::ids::{InvoiceId, OrderBlankId};
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::Tx;
use namoyish_storage::order_blanks::{OrderBlank, Scan};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use utoipa::ToSchema;

/// A paper signature.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only the OpenAPI description is made from it")]
pub(crate) struct PaperSignatureForm {
    /// Date on the paper; today when left out.
    signed_on: Option<NaiveDate>,
    /// The scan: PDF, JPEG or PNG by its bytes, at most 10 MiB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The parts of a paper signature as they came.
#[derive(Default)]
pub(super) struct PaperSignature {
    pub(super) signed_on: Option<NaiveDate>,
    pub(super) file: Option<Bytes>,
}

impl PaperSignature {
    /// Reads the form.
    pub(super) async fn read(form: Result<Multipart, MultipartRejection>) -> Result<PaperSignature, Problem> {
        let mut form =
            form.map_err(|error| Problem::bad_request("bad_form", error.body_text()).field("body"))?;
        let mut paper = PaperSignature::default();
        while let Some(part) = form.next_field().await.map_err(bad_form)? {
            match part.name().unwrap_or_default() {
                "signed_on" if paper.signed_on.is_none() => {
                    let text = part.text().await.map_err(bad_form)?;
                    paper.signed_on = Some(field("signed_on", "bad_date", text.trim().parse::<NaiveDate>())?);
                }
                "file" if paper.file.is_none() => paper.file = Some(part.bytes().await.map_err(bad_form)?),
                name => {
                    let name: String = name.chars().take(40).collect();
                    let detail = format!("the part `{name}` is unknown or is there twice");
                    return Err(Problem::bad_request("bad_form", detail).field(name));
                }
            }
        }
        Ok(paper)
    }

    /// What an idempotency key is bound to: the content, not the boundary that each client draws anew.
    pub(super) fn digest(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(self.signed_on.map(|day| day.to_string()).unwrap_or_default());
        hash.update([0]);
        hash.update(self.file.as_deref().unwrap_or_default());
        hash.finalize().to_vec()
    }

    /// The checked scan.
    pub(super) async fn scan(&self) -> Result<Scan, ScanRefused> {
        check_scan(Arc::from(self.file.as_deref().unwrap_or_default())).await
    }
}

fn bad_form(error: MultipartError) -> Problem {
    let code = if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        "body_too_large"
    } else {
        "bad_form"
    };
    Problem::new(error.status(), code, error.body_text()).field("body")
}

/// A contract with the invoices it made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedView {
    #[serde(flatten)]
    blank: OrderBlankView,
    /// Ids of the invoices, by due date.
    invoices: Vec<String>,
}

/// Records a paper signature with its scan: the terms are frozen and the invoices issued. The customer's own signature is
/// given in the cabinet.
#[utoipa::path(
    post, path = "/api/v1/order-blanks/{order_blank}/sign-paper", tag = "order blanks",
    request_body(content = PaperSignatureForm, content_type = "multipart/form-data"),
    params(("order_blank" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = SignedView), Refusals)
)]
pub(crate) async fn sign_order_blank_on_paper(
    State(api): State<Api>,
    Writer(actor): Writer,
    Path(id): Path<String>,
    key: IdempotencyKey,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Answer, Problem> {
    let blank = id_in_path("order blank", OrderBlankId::parse(&id))?;
    let paper = PaperSignature::read(form).await?;
    let scan = paper.scan().await;
    let operation = format!("sign_order_blank {blank}");
    let mut write = match Write::begin(&api, &actor, &operation, &key, &paper.digest()).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let signed = sign_scanned_paper_in(&mut write.tx, &api.ctx, &actor, blank, paper.signed_on, scan)
        .await
        .map_err(problem)?;
    let invoices = signed.invoices.iter().map(ToString::to_string).collect();
    write
        .finish(
            StatusCode::OK,
            &SignedView {
                blank: signed.blank.into(),
                invoices,
            },
        )
        .await
}

pub(super) async fn own_blank(tx: &mut Tx, actor: &Actor, id: &str) -> Result<OrderBlank, Problem> {
    let id = id_in_path("order blank", OrderBlankId::parse(id))?;
    let found = tx
        .order_blanks()
        .find(id)
        .await?
        .filter(|blank| may_see(actor, blank));
    found.ok_or_else(|| no_such("order blank"))
}

/// The frozen terms of a signed blank: the very bytes whose SHA-256 it carries.
#[utoipa::path(
    get, path = "/api/v1/order-blanks/{order_blank}/terms", tag = "order blanks", params(("order_blank" = String, Path)),
    responses((status = 200, content_type = "application/json", body = serde_json::Value), Refusals)
)]
pub(crate) async fn get_terms(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mut tx = api.ctx.store.begin().await?;
    let blank = own_blank(&mut tx, &actor, &id).await?;
    let signature = blank
        .signature
        .ok_or_else(|| no_such("file: the order blank isn't signed"))?;
    Ok(json_text(signature.canonical_json))
}

/// A JSON text as it is kept, byte by byte.
pub(super) fn json_text(text: String) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], text.into_bytes()).into_response()
}

/// The scan of the signed paper. It is sent as a file to be saved, never to be shown inside a page.
#[utoipa::path(
    get, path = "/api/v1/order-blanks/{order_blank}/scan", tag = "order blanks", params(("order_blank" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), Refusals)
)]
pub(crate) async fn get_scan(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mut tx = api.ctx.store.begin().await?;
    let blank = own_blank(&mut tx, &actor, &id).await?;
    let sha256 = blank.signature.and_then(|signature| signature.scan);
    scan_file(&mut tx, sha256, &file_name(&blank.number)).await
}

pub(super) async fn scan_file(tx: &mut Tx, sha256: Option<String>, name: &str) -> Result<Response, Problem> {
    let sha256 = sha256.ok_or_else(|| no_such("scan"))?;
    let scan = tx
        .order_blanks()
        .scan(&sha256)
        .await?
        .ok_or_else(|| no_such("scan"))?;
    Ok(saved_scan(scan, name))
}

/// A scan as a file to be saved.
pub(crate) fn saved_scan(scan: Scan, name: &str) -> Response {
    let (media_type, ending) = match scan.media_type.as_str() {
        "application/pdf" => ("application/pdf", "pdf"),
        "image/jpeg" => ("image/jpeg", "jpg"),
        _ => ("image/png", "png"),
    };
    let mut response = attachment(media_type, &format!("{name}-scan.{ending}"), scan.content);
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// The printed blank. Signed, it is made from the frozen terms and has the same bytes whenever it is made; before, it says
/// across the page that it isn't signed.
#[utoipa::path(
    get, path = "/api/v1/order-blanks/{order_blank}/pdf", tag = "order blanks",
    params(("order_blank" = String, Path), FileQuery),
    responses((status = 200, content_type = "application/pdf", body = [u8]), Refusals)
)]
pub(crate) async fn get_order_blank_pdf(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<FileQuery>,
) -> Result<Response, Problem> {
    let language = query.language()?;
    let mut tx = api.ctx.store.begin().await?;
    let blank = own_blank(&mut tx, &actor, &id).await?;
    let printed = printed_blank(&mut tx, &blank, api.ctx.today())
        .await
        .map_err(problem)?;
    let content = printed.ok_or_else(|| no_such("file"))?;
    drop(tx);
    let name = file_name(&blank.number);
    let sha256 = blank
        .signature
        .map(|signature| signature.sha256)
        .unwrap_or_default();
    let verify_url = format!("{}/verify?number={name}&hash={sha256}", api.public_url);
    let bytes = render(&api, move || {
        render_order_blank_pdf(&content, language, &verify_url)
    })
    .await?;
    Ok(attachment(
        "application/pdf",
        &format!("{name}-{}.pdf", language.code()),
        bytes,
    ))
}

/// The printed invoice.
#[utoipa::path(
    get, path = "/api/v1/invoices/{invoice}/pdf", tag = "documents", params(("invoice" = String, Path), FileQuery),
    responses((status = 200, content_type = "application/pdf", body = [u8]), Refusals)
)]
pub(crate) async fn get_invoice_pdf(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Query(query): Query<FileQuery>,
) -> Result<Response, Problem> {
    let language = query.language()?;
    let id = id_in_path("invoice", InvoiceId::parse(&id))?;
    let found = api.ctx.store.invoice(id).await?;
    let record = found
        .filter(|invoice| actor.may_see(invoice.customer))
        .ok_or_else(|| no_such("invoice"))?;
    let sheet = api.ctx.store.cabinet(record.customer).invoice(id).await?;
    let (invoice, sheet) = sheet.ok_or_else(|| no_such("invoice"))?;
    let content = invoice_content(language, &invoice, sheet)?;
    let name = format!("{}-{}.pdf", file_name(&record.number), language.code());
    let bytes = render(&api, move || render_invoice_pdf(&content, language)).await?;
    Ok(attachment("application/pdf", &name, bytes))
}

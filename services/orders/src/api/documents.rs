//! Invoices and issued documents: registers, contents, files (billing.md §2, §5).
//!
//! A document's JSON is the very text whose hash it carries; PDF and XLSX are made from that text and nothing else, away
//! from the threads that serve requests.

use crate::api::caller::Caller;
use crate::api::fields::{id_in_path, no_such, plain};
use crate::api::page::{Page, PageQuery};
use crate::api::{Api, Refusals};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use namoyish_documents::Language;
use namoyish_documents::files::{FileError, einvoice_of, pdf_of, xlsx_of};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{DocumentId, InvoiceId};
use namoyish_runtime::problem::Problem;
use namoyish_storage::invoices::InvoiceRecord;
use namoyish_storage::registers::DocumentEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An invoice: a request for payment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvoiceView {
    id: String,
    number: String,
    customer: String,
    order_blank: Option<String>,
    /// prepayment or budget_increase.
    kind: String,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    net: String,
    vat_rate: String,
    vat: String,
    #[schema(example = "336000.00")]
    gross: String,
    /// What it still asks for, paid or not: gross less what is no longer owed.
    due_gross: String,
    paid: String,
    /// Whether it is void: its request of more budget lapsed.
    voided: bool,
    /// The day on which it was fully paid.
    paid_on: Option<NaiveDate>,
}

impl From<InvoiceRecord> for InvoiceView {
    fn from(invoice: InvoiceRecord) -> InvoiceView {
        InvoiceView {
            id: invoice.id.to_string(),
            customer: invoice.customer.to_string(),
            order_blank: invoice.order_blank.map(|blank| blank.to_string()),
            kind: invoice.kind.name().to_owned(),
            issued_on: invoice.issued_on,
            due_on: invoice.due_on,
            net: invoice.net.to_string(),
            vat_rate: plain(invoice.vat_rate.decimal()),
            vat: invoice.vat.to_string(),
            gross: invoice.gross.to_string(),
            due_gross: invoice.due_gross.to_string(),
            paid: invoice.paid.to_string(),
            voided: invoice.voided,
            paid_on: invoice.paid_on,
            number: invoice.number,
        }
    }
}

/// A line of an invoice.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvoiceLineView {
    line: String,
    first_period: String,
    last_period: String,
    net: String,
    vat: String,
}

/// An invoice with its lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeInvoiceView {
    #[serde(flatten)]
    invoice: InvoiceView,
    lines: Vec<InvoiceLineView>,
}

/// Invoices by number. A customer's key sees its own.
#[utoipa::path(
    get, path = "/api/v1/invoices", tag = "documents", params(PageQuery),
    responses((status = 200, body = Page<InvoiceView>), Refusals)
)]
pub(crate) async fn list_invoices(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<InvoiceView>>, Problem> {
    let asked = query.asked(|text| (text.len() <= 64).then(|| text.to_owned()))?;
    let after = asked.after.clone().unwrap_or_default();
    let invoices = match actor.customer {
        Some(customer) => {
            api.ctx
                .store
                .invoices_of(customer, &after, asked.to_read())
                .await?
        }
        None => api.ctx.store.invoices(&after, asked.to_read()).await?,
    };
    Ok(Json(asked.page(
        invoices,
        |invoice| invoice.number.clone(),
        InvoiceView::from,
    )))
}

/// An invoice with its lines.
#[utoipa::path(
    get, path = "/api/v1/invoices/{invoice}", tag = "documents", params(("invoice" = String, Path)),
    responses((status = 200, body = WholeInvoiceView), Refusals)
)]
pub(crate) async fn get_invoice(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<WholeInvoiceView>, Problem> {
    let id = id_in_path("invoice", InvoiceId::parse(&id))?;
    let invoice = api
        .ctx
        .store
        .invoice(id)
        .await?
        .filter(|invoice| actor.may_see(invoice.customer));
    let invoice = invoice.ok_or_else(|| no_such("invoice"))?;
    let lines = api.ctx.store.invoice_lines(id).await?;
    let lines = lines.into_iter().map(|line| InvoiceLineView {
        line: line.line.to_string(),
        first_period: line.first_period.to_string(),
        last_period: line.last_period.to_string(),
        net: line.net.to_string(),
        vat: line.vat.to_string(),
    });
    Ok(Json(WholeInvoiceView {
        invoice: invoice.into(),
        lines: lines.collect(),
    }))
}

/// An issued document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentView {
    id: String,
    /// primary_document, vat_invoice, correction, …
    kind: String,
    number: String,
    customer: String,
    /// "2026-11".
    period: Option<String>,
    issued_on: NaiveDate,
    net: String,
    vat: String,
    gross: String,
    /// SHA-256 of the content, hexadecimal.
    sha256: String,
    /// issued, sent, accepted, disputed, corrected or upheld.
    state: String,
}

impl From<DocumentEntry> for DocumentView {
    fn from(document: DocumentEntry) -> DocumentView {
        DocumentView {
            id: document.id.to_string(),
            kind: document.kind,
            number: document.number,
            customer: document.customer.to_string(),
            period: document.period.map(|day| ReportingPeriod::of(day).to_string()),
            issued_on: document.issued_on,
            net: document.net.to_string(),
            vat: document.vat.to_string(),
            gross: document.gross.to_string(),
            sha256: document.sha256,
            state: document.state,
        }
    }
}

/// Issued documents, newest first. A customer's key sees its own.
#[utoipa::path(
    get, path = "/api/v1/documents", tag = "documents", params(PageQuery),
    responses((status = 200, body = Page<DocumentView>), Refusals)
)]
pub(crate) async fn list_documents(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<DocumentView>>, Problem> {
    let asked = query.asked(|text| DocumentId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let documents = tx
        .registers()
        .documents(actor.customer, asked.after, asked.to_read())
        .await?;
    Ok(Json(asked.page(
        documents,
        |document| document.id.to_string(),
        DocumentView::from,
    )))
}

/// An issued document.
#[utoipa::path(
    get, path = "/api/v1/documents/{document}", tag = "documents", params(("document" = String, Path)),
    responses((status = 200, body = DocumentView), Refusals)
)]
pub(crate) async fn get_document(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Json<DocumentView>, Problem> {
    let id = id_in_path("document", DocumentId::parse(&id))?;
    let mut tx = api.ctx.store.begin().await?;
    let found = tx
        .registers()
        .document(id)
        .await?
        .filter(|(document, _)| actor.may_see(document.customer));
    found
        .map(|(document, _)| Json(document.into()))
        .ok_or_else(|| no_such("document"))
}

/// Language of a file.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileQuery {
    /// uz-Latn (when left out), uz-Cyrl, ru or en; JSON has none.
    language: Option<String>,
}

impl FileQuery {
    /// The language asked for.
    pub(super) fn language(&self) -> Result<Language, Problem> {
        match &self.language {
            None => Ok(Language::UzLatn),
            Some(code) => Language::parse(code)
                .map_err(|error| Problem::refused("unknown_value", error.to_string()).field("language")),
        }
    }
}

/// A document's file: `json`, `pdf` or `xlsx`, of a VAT invoice also `einvoice` (the JSON of e-invoice operators). Made again it
/// has the same bytes.
#[utoipa::path(
    get, path = "/api/v1/documents/{document}/{file}", tag = "documents",
    params(("document" = String, Path), ("file" = String, Path), FileQuery),
    responses((status = 200, content_type = "application/pdf", body = [u8]), Refusals)
)]
pub(crate) async fn download_document(
    State(api): State<Api>,
    Caller(actor): Caller,
    Path((id, file)): Path<(String, String)>,
    Query(query): Query<FileQuery>,
) -> Result<Response, Problem> {
    let id = id_in_path("document", DocumentId::parse(&id))?;
    let language = query.language()?;
    let mut tx = api.ctx.store.begin().await?;
    let found = tx
        .registers()
        .document(id)
        .await?
        .filter(|(document, _)| actor.may_see(document.customer));
    let (document, content) = found.ok_or_else(|| no_such("document"))?;
    // The connection isn't held while a file is made.
    drop(tx);
    let name = file_name(&document.number);
    if file == "json" {
        return Ok(attachment(
            "application/json",
            &format!("{name}.json"),
            content.into_bytes(),
        ));
    }
    let kind = document.kind.clone();
    if file == "einvoice" {
        let payload = einvoice_of(&kind, &content).map_err(|error| file_problem(&error))?;
        return Ok(attachment(
            "application/json",
            &format!("{name}-einvoice.json"),
            payload.into_bytes(),
        ));
    }
    match file.as_str() {
        "pdf" => {
            let verify_url = format!("{}/verify?number={name}&hash={}", api.public_url, document.sha256);
            let bytes = render(&api, move || pdf_of(&kind, &content, language, &verify_url)).await?;
            Ok(attachment(
                "application/pdf",
                &format!("{name}-{}.pdf", language.code()),
                bytes,
            ))
        }
        "xlsx" => {
            let bytes = render(&api, move || xlsx_of(&kind, &content, language)).await?;
            let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            Ok(attachment(
                media_type,
                &format!("{name}-{}.xlsx", language.code()),
                bytes,
            ))
        }
        _ => Err(no_such("file")),
    }
}

/// A kind of document without such a file has none; anything else is the platform's fault.
fn file_problem(error: &FileError) -> Problem {
    match error {
        FileError::NoSuchKind(_) => no_such("file"),
        other => Problem::internal(other),
    }
}

pub(crate) async fn render<E: Into<FileError> + Send + 'static>(
    api: &Api,
    work: impl FnOnce() -> Result<Vec<u8>, E> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    let turn = api
        .renders
        .clone()
        .acquire_owned()
        .await
        .map_err(|error| Problem::internal(&error))?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await
        .map_err(|error| Problem::internal(&error))?
        .map_err(|error| file_problem(&error.into()))
}

/// Numbers are ASCII by their series; anything else would not get into a header or a URL.
pub(super) fn file_name(number: &str) -> String {
    number
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '-' {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

pub(super) fn attachment(media_type: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_breaks_no_header() {
        assert_eq!(file_name("BH-2026-000001"), "BH-2026-000001");
        assert_eq!(file_name("a\"\r\nb/../c"), "a___b____c");
    }
}

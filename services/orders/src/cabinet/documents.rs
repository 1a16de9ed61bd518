//! Issued documents: the register, and their files made from the stored content (billing.md §5).

use super::Cabinet;
use super::objection;
use super::page::{self, Answer, Layout, Refusal};
use super::visitor::SignedIn;
use super::words::say;
use crate::i18n::{self, Translator};
use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use namoyish_documents::Language;
use namoyish_documents::files::{FileError, einvoice_of, has_files, pdf_of, xlsx_of};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::DocumentId;
use namoyish_storage::cabinet::DocumentRow;
use serde::Deserialize;

/// A language in which a file can be had.
#[derive(Debug)]
pub(super) struct FileLanguage {
    pub code: &'static str,
    pub name: &'static str,
    pub short: &'static str,
}

/// All languages of documents, the reader's own first.
pub(super) fn file_languages(t: Translator) -> Vec<FileLanguage> {
    let mut languages: Vec<Language> = Language::ALL.to_vec();
    languages.sort_by_key(|language| *language != t.language());
    languages
        .into_iter()
        .map(|language| FileLanguage {
            code: language.code(),
            name: i18n::own_name(language),
            short: match language {
                Language::UzLatn => "UZ",
                Language::UzCyrl => "ЎЗ",
                Language::Ru => "RU",
                Language::En => "EN",
            },
        })
        .collect()
}

#[derive(Debug)]
struct DocumentView {
    path: String,
    kind: String,
    number: String,
    period: String,
    issued_on: String,
    gross: String,
    state: String,
    verify_path: String,
    /// Whether this program renders files of its kind.
    renders: bool,
    /// Whether it has an e-invoice form.
    einvoice: bool,
    /// Where to object to it, or see the objection; empty where nobody can or did.
    objection_path: String,
}

impl DocumentView {
    fn of(t: Translator, row: &DocumentRow, today: NaiveDate) -> DocumentView {
        DocumentView {
            path: format!("/cabinet/documents/{}", row.id),
            kind: say(t, "document-kind", &row.kind),
            number: row.number.clone(),
            period: row
                .period
                .map_or_else(|| "—".to_owned(), |day| t.period(ReportingPeriod::of(day))),
            issued_on: t.date(row.issued_on),
            gross: t.money(row.gross),
            state: say(t, "document-state", &row.state),
            verify_path: verify_path(&row.number, &row.sha256),
            renders: has_files(&row.kind),
            einvoice: row.kind == "vat_invoice",
            objection_path: objection::path_of(row, today),
        }
    }
}

/// Path and query of the public page that says whether a document is genuine.
fn verify_path(number: &str, sha256: &str) -> String {
    format!(
        "/verify?number={}&hash={}",
        page::query_value(number),
        page::query_value(sha256)
    )
}

#[derive(Template)]
#[template(path = "documents.html")]
struct DocumentsPage {
    t: Translator,
    layout: Layout,
    documents: Vec<DocumentView>,
    languages: Vec<FileLanguage>,
}

/// `GET /cabinet/documents`
pub(super) async fn list(State(cabinet): State<Cabinet>, who: SignedIn) -> Answer {
    let t = who.visitor.t;
    let today = cabinet.ctx.today();
    let documents = cabinet.ctx.store.cabinet(who.customer).documents().await?;
    let page = DocumentsPage {
        t,
        layout: Layout::new(&cabinet, &who.visitor, "documents", t.get("documents-title")),
        documents: documents
            .iter()
            .map(|row| DocumentView::of(t, row, today))
            .collect(),
        languages: file_languages(t),
    };
    page::html(StatusCode::OK, &page)
}

/// The language of a file: the one asked for, else the reader's.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FileQuery {
    #[serde(default)]
    language: String,
}

impl FileQuery {
    /// Any language of documents, also one that pages aren't offered in.
    pub fn language(&self, t: Translator) -> Language {
        Language::parse(&self.language).unwrap_or(t.language())
    }
}

/// `GET /cabinet/documents/{document}/{pdf|xlsx|json}`
pub(super) async fn download(
    State(cabinet): State<Cabinet>,
    who: SignedIn,
    Path((id, file)): Path<(String, String)>,
    Query(query): Query<FileQuery>,
) -> Answer {
    let id = DocumentId::parse(&id).map_err(|_| Refusal::NotFound)?;
    let row = cabinet
        .ctx
        .store
        .cabinet(who.customer)
        .document(id)
        .await?
        .ok_or(Refusal::NotFound)?;
    let language = query.language(who.visitor.t);
    let number = row.number.clone();
    if file == "json" {
        // The very bytes whose hash the document carries.
        let name = format!("{}.json", file_stem(&row.kind, &number, None));
        return Ok(attachment("application/json", &name, row.content.into_bytes()));
    }
    if file == "einvoice" {
        let payload = einvoice_of(&row.kind, &row.content).map_err(|error| file_refusal(&error))?;
        let name = format!("{}-einvoice.json", file_stem(&row.kind, &number, None));
        return Ok(attachment("application/json", &name, payload.into_bytes()));
    }
    let verify_url = format!(
        "{}{}",
        cabinet.settings.public_url,
        verify_path(&number, &row.sha256)
    );
    let name = file_stem(&row.kind, &number, Some(language));
    let (kind, content) = (row.kind, row.content);
    match file.as_str() {
        "pdf" => {
            let bytes = render(&cabinet, move || pdf_of(&kind, &content, language, &verify_url)).await?;
            Ok(attachment("application/pdf", &format!("{name}.pdf"), bytes))
        }
        "xlsx" => {
            let bytes = render(&cabinet, move || xlsx_of(&kind, &content, language)).await?;
            let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            Ok(attachment(media_type, &format!("{name}.xlsx"), bytes))
        }
        _ => Err(Refusal::NotFound),
    }
}

/// A kind of document without such a file has none; anything else is the platform's fault.
fn file_refusal(error: &FileError) -> Refusal {
    match error {
        FileError::NoSuchKind(_) => Refusal::NotFound,
        other => Refusal::failed(other),
    }
}

/// Renders away from the threads that serve requests, few at a time.
pub(super) async fn render<E: Into<FileError> + Send + 'static>(
    cabinet: &Cabinet,
    work: impl FnOnce() -> Result<Vec<u8>, E> + Send + 'static,
) -> Result<Vec<u8>, Refusal> {
    let turn = cabinet
        .renders
        .clone()
        .acquire_owned()
        .await
        .map_err(|error| Refusal::failed(&error))?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await
        .map_err(|error| Refusal::failed(&error))?
        .map_err(|error| file_refusal(&error.into()))
}

/// A file's name without its extension: ASCII letters, digits and dashes only, so that no header can be broken by it.
pub(super) fn file_stem(kind: &str, number: &str, language: Option<Language>) -> String {
    let plain = |text: &str| -> String {
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect()
    };
    match language {
        Some(language) => format!("{}-{}-{}", plain(kind), plain(number), language.code()),
        None => format!("{}-{}", plain(kind), plain(number)),
    }
}

/// A file to be saved.
pub(super) fn attachment(media_type: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let mut response = Body::from(bytes).into_response();
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
        let stem = file_stem("primary_document", "PD 2026/11\"\r\nx", Some(Language::Ru));
        assert_eq!(stem, "primary-document-PD-2026-11---x-ru");
        assert_eq!(verify_path("PD 1&2", "ab"), "/verify?number=PD%201%262&hash=ab");
    }
}

//! A POST with a file: the multipart form of a page, checked as [`super::form::Posted`] checks the others.
//!
//! The form token stands before the file, so that a file that is too heavy is told at its field and not as a broken page.

use super::Cabinet;
use super::form::{Form, TOKEN_FIELD, from_this_site, is_token_right};
use super::page::Refusal;
use super::visitor::Visitor;
use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use namoyish_domain::orders::placement::FILE_BYTES_MAX;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The most bytes of a form with a file: the heaviest file, and room for the texts beside it.
pub(super) fn limit() -> usize {
    usize::try_from(FILE_BYTES_MAX)
        .unwrap_or(usize::MAX)
        .saturating_add(256 * 1024)
}

/// The most parts of a form.
const PARTS_MAX: usize = 16;
/// The name of the file's field.
pub(super) const FILE_FIELD: &str = "file";

/// What came with the file's field.
#[derive(Debug, Clone)]
pub(super) enum Sent {
    /// No file was chosen.
    Nothing,
    /// More than the page takes: it was not read to its end.
    TooHeavy,
    /// Its bytes.
    File(Arc<[u8]>),
}

/// A POST with a file whose origin and form token are right. The form also holds the file's SHA-256, so that a form sent
/// twice with another file isn't the same form.
#[derive(Debug)]
pub(super) struct PostedFile {
    pub visitor: Visitor,
    pub form: Form,
    pub file: Sent,
}

impl FromRequest<Cabinet> for PostedFile {
    type Rejection = Refusal;

    async fn from_request(request: Request, cabinet: &Cabinet) -> Result<PostedFile, Refusal> {
        let visitor = request
            .extensions()
            .get::<Visitor>()
            .cloned()
            .ok_or(Refusal::Stale)?;
        if !from_this_site(request.headers(), &cabinet.settings.public_url) {
            return Err(Refusal::Stale);
        }
        let mut parts = Multipart::from_request(request, cabinet)
            .await
            .map_err(|rejection| Refusal::BadForm(rejection.status()))?;
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut file = Sent::Nothing;
        for _ in 0..=PARTS_MAX {
            let part = match parts.next_part().await? {
                Some(part) => part,
                None => return checked(visitor, fields, file),
            };
            match part {
                Part::Text(name, text) => fields.push((name, text)),
                Part::File(Sent::TooHeavy) => return checked(visitor, fields, Sent::TooHeavy),
                Part::File(sent) => file = sent,
            }
        }
        Err(Refusal::BadForm(StatusCode::BAD_REQUEST))
    }
}

enum Part {
    Text(String, String),
    File(Sent),
}

trait NextPart {
    async fn next_part(&mut self) -> Result<Option<Part>, Refusal>;
}

impl NextPart for Multipart {
    async fn next_part(&mut self) -> Result<Option<Part>, Refusal> {
        let bad = |error: axum::extract::multipart::MultipartError| Refusal::BadForm(error.status());
        let Some(field) = self.next_field().await.map_err(bad)? else {
            return Ok(None);
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name != FILE_FIELD {
            return Ok(Some(Part::Text(name, field.text().await.map_err(bad)?)));
        }
        Ok(Some(Part::File(match field.bytes().await {
            Ok(bytes) => sent(&bytes),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Sent::TooHeavy,
            Err(error) => return Err(bad(error)),
        })))
    }
}

fn sent(bytes: &Bytes) -> Sent {
    if bytes.is_empty() {
        Sent::Nothing
    } else {
        Sent::File(Arc::from(&bytes[..]))
    }
}

fn checked(visitor: Visitor, mut fields: Vec<(String, String)>, file: Sent) -> Result<PostedFile, Refusal> {
    // The name of the hash can't be sent: what comes first counts.
    let sha256 = match &file {
        Sent::File(bytes) => hex::encode(Sha256::digest(bytes)),
        Sent::Nothing | Sent::TooHeavy => String::new(),
    };
    fields.insert(0, ("file_sha256".to_owned(), sha256));
    let form = Form::of(fields);
    if !is_token_right(&visitor, form.value(TOKEN_FIELD)) {
        return Err(Refusal::Stale);
    }
    Ok(PostedFile { visitor, form, file })
}

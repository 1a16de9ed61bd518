//! A multipart form of the API: named text parts and at most one file.

use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::http::StatusCode;
use namoyish_runtime::problem::Problem;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of the file's part.
const FILE: &str = "file";

/// What a form held.
pub(crate) struct Upload {
    texts: BTreeMap<String, String>,
    /// The file's bytes.
    pub(crate) file: Option<Arc<[u8]>>,
}

impl Upload {
    /// Reads a form whose text parts have these names. Another part, or one that is there twice, is refused by its name.
    pub(crate) async fn read(
        form: Result<Multipart, MultipartRejection>,
        names: &[&str],
    ) -> Result<Upload, Problem> {
        let mut form =
            form.map_err(|error| Problem::bad_request("bad_form", error.body_text()).field("body"))?;
        let mut texts = BTreeMap::new();
        let mut file: Option<Bytes> = None;
        while let Some(part) = form.next_field().await.map_err(bad_form)? {
            let name = part.name().unwrap_or_default().to_owned();
            if texts.contains_key(&name) || (name == FILE && file.is_some()) {
                return Err(bad_part(&name, "is there twice"));
            }
            if name == FILE {
                file = Some(part.bytes().await.map_err(bad_form)?);
            } else if names.contains(&name.as_str()) {
                texts.insert(name, part.text().await.map_err(bad_form)?);
            } else {
                return Err(bad_part(&name, "is not a part of this form"));
            }
        }
        Ok(Upload {
            texts,
            file: file.map(|bytes| Arc::from(&bytes[..])),
        })
    }

    /// The text of a part; nothing when it wasn't sent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// What an idempotency key is bound to: the content, not the boundary that each client draws anew.
    pub(crate) fn digest(&self) -> Vec<u8> {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        };
        for (name, text) in &self.texts {
            add(name.as_bytes());
            add(text.as_bytes());
        }
        if let Some(file) = &self.file {
            add(FILE.as_bytes());
            add(file);
        }
        hash.finalize().to_vec()
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

fn bad_part(name: &str, what: &str) -> Problem {
    let name: String = name.chars().take(40).collect();
    Problem::bad_request("bad_form", format!("the part `{name}` {what}")).field(name)
}

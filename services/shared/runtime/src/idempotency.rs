//! Idempotency keys over HTTP: the header, the hash of the body, and the kept answer (spec README rule 7).
//!
//! ```text
//! let repeatable = Repeatable::new("record_payment", &actor, &key, &body);
//! match idempotency::begin(&mut tx, &repeatable).await? {
//!     Begun::Replay(answer) => return Ok(answer),          // nothing is done a second time
//!     Begun::Fresh => {}
//! }
//! …the command's own steps, in the same transaction…
//! let answer = idempotency::finish(&mut tx, &repeatable, now, StatusCode::CREATED, &payment).await?;
//! tx.save().await?;
//! ```
//!
//! Only answers of commands that changed something are kept: a refusal wrote nothing, and asked again it is decided
//! again.

use crate::context::Actor;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use namoyish_domain::calendar::Timestamp;
use namoyish_storage::idempotency::Known;
use namoyish_storage::{DbError, Tx};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Longest key that is taken.
pub const KEY_LENGTH_MAX: usize = 128;

/// A client's key, from the header `Idempotency-Key`: 1 to 128 visible ASCII characters. As an extractor it refuses a
/// request without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text can't be an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an idempotency key has 1 to {KEY_LENGTH_MAX} visible ASCII characters; this one has {length} characters"
)]
pub struct IdempotencyKeyError {
    /// Its length.
    pub length: usize,
}

impl IdempotencyKey {
    /// Checks a key.
    pub fn parse(text: &str) -> Result<IdempotencyKey, IdempotencyKeyError> {
        if (1..=KEY_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(IdempotencyKey(text.to_owned()))
        } else {
            Err(IdempotencyKeyError {
                length: text.chars().count(),
            })
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<IdempotencyKey, Problem> {
        const HEADER: &str = "Idempotency-Key";
        let header = parts.headers.get(HEADER).ok_or_else(|| {
            Problem::bad_request(
                "idempotency_key_missing",
                "this command needs the header Idempotency-Key",
            )
            .field(HEADER)
        })?;
        IdempotencyKey::parse(header.to_str().unwrap_or_default()).map_err(|refusal| {
            Problem::bad_request("idempotency_key_malformed", refusal.to_string())
                .field(HEADER)
                .limit(KEY_LENGTH_MAX.to_string())
        })
    }
}

/// A command that may come again: whose, which, with which body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable {
    scope: String,
    key: String,
    body_sha256: String,
}

impl Repeatable {
    /// A command of an actor. Keys of different operations or actors never meet.
    pub fn new(operation: &str, actor: &Actor, key: &IdempotencyKey, body: &[u8]) -> Repeatable {
        let owner = actor
            .customer
            .map_or_else(|| "operator".to_owned(), |customer| customer.to_string());
        Repeatable {
            scope: format!("{operation} {owner} {}", actor.name),
            key: key.0.clone(),
            body_sha256: hex::encode(Sha256::digest(body)),
        }
    }
}

/// An answer as it was, or is now, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: String,
    /// Whether it is the answer to an earlier request.
    pub replayed: bool,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, self.body).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.replayed {
            response
                .headers_mut()
                .insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

/// How a command goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is to be carried out.
    Fresh,
    /// It was carried out before: this is the answer.
    Replay(Answer),
}

/// A key can't be used, or its answer not kept.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The key was used with another body.
    #[error("the idempotency key was used with another body")]
    OtherBody,
    /// The answer doesn't serialise.
    #[error("the answer can't be written as JSON")]
    Answer(#[source] serde_json::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl IdempotencyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            IdempotencyError::OtherBody => "idempotency_key_reused",
            IdempotencyError::Answer(_) | IdempotencyError::Database(_) => "internal_error",
        }
    }
}

impl From<IdempotencyError> for Problem {
    fn from(error: IdempotencyError) -> Problem {
        match error {
            IdempotencyError::OtherBody => {
                Problem::conflict("idempotency_key_reused", error.to_string()).field("Idempotency-Key")
            }
            IdempotencyError::Database(database) => database.into(),
            IdempotencyError::Answer(_) => Problem::internal(&error),
        }
    }
}

/// Takes the key for this transaction. A second request with the same key waits here for the first.
pub async fn begin(tx: &mut Tx, repeatable: &Repeatable) -> Result<Begun, IdempotencyError> {
    match tx
        .idempotency()
        .begin(&repeatable.scope, &repeatable.key, &repeatable.body_sha256)
        .await?
    {
        Known::Fresh => Ok(Begun::Fresh),
        Known::Replay { status, answer } => Ok(Begun::Replay(Answer {
            status,
            body: answer,
            replayed: true,
        })),
        Known::Conflict => Err(IdempotencyError::OtherBody),
    }
}

/// Keeps the answer in this transaction and returns it.
pub async fn finish(
    tx: &mut Tx,
    repeatable: &Repeatable,
    now: Timestamp,
    status: StatusCode,
    answer: &impl Serialize,
) -> Result<Answer, IdempotencyError> {
    let body = serde_json::to_string(answer).map_err(IdempotencyError::Answer)?;
    let Repeatable {
        scope,
        key,
        body_sha256,
    } = repeatable;
    tx.idempotency()
        .finish(scope, key, body_sha256, status.as_u16(), &body, now)
        .await?;
    Ok(Answer {
        status: status.as_u16(),
        body,
        replayed: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_empty_long_or_invisible_are_refused() {
        assert!(IdempotencyKey::parse("0f8c-1").is_ok());
        for text in ["", "a b", "ключ", "a\n", &"k".repeat(129)] {
            assert!(IdempotencyKey::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn keys_of_different_actors_and_operations_never_meet() {
        let key = IdempotencyKey::parse("k").unwrap();
        let staff = Actor::system("import");
        let other = Actor::system("desk");
        let repeatable = Repeatable::new("pay", &staff, &key, b"{}");
        assert_ne!(
            repeatable.scope,
            Repeatable::new("pay", &other, &key, b"{}").scope
        );
        assert_ne!(
            repeatable.scope,
            Repeatable::new("sign", &staff, &key, b"{}").scope
        );
        assert_ne!(
            repeatable.body_sha256,
            Repeatable::new("pay", &staff, &key, b"{ }").body_sha256
        );
    }
}

//! A write with its idempotency key: the command and the answer to its repetition are one transaction.

use crate::api::Api;
use crate::app::{Nature, Refusal};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use namoyish_runtime::context::Actor;
use namoyish_runtime::idempotency::{self, Answer, Begun, IdempotencyKey, Repeatable};
use namoyish_runtime::problem::Problem;
use namoyish_storage::Tx;
use serde::Serialize;

/// A write under way.
pub(crate) struct Write<'a> {
    api: &'a Api,
    repeatable: Repeatable,
    /// Where the command does its work.
    pub(crate) tx: Tx,
}

/// Fresh, or done before.
pub(crate) enum Begin<'a> {
    /// To be carried out.
    Fresh(Write<'a>),
    /// Carried out before: the answer of that time.
    Replay(Answer),
}

impl<'a> Write<'a> {
    /// Takes the key. `operation` names the command and what it is applied to, so that one key can't answer for two.
    pub(crate) async fn begin(
        api: &'a Api,
        actor: &Actor,
        operation: &str,
        key: &IdempotencyKey,
        body: &[u8],
    ) -> Result<Begin<'a>, Problem> {
        let repeatable = Repeatable::new(operation, actor, key, body);
        let mut tx = api.ctx.store.begin().await?;
        match idempotency::begin(&mut tx, &repeatable).await? {
            Begun::Fresh => Ok(Begin::Fresh(Write { api, repeatable, tx })),
            Begun::Replay(answer) => Ok(Begin::Replay(answer)),
        }
    }

    /// Keeps `kept` for the repetition and commits, but answers `shown` this once: a secret is never kept nor shown again.
    pub(crate) async fn finish_once(
        self,
        status: StatusCode,
        kept: &impl Serialize,
        shown: &impl Serialize,
    ) -> Result<Response, Problem> {
        self.finish(status, kept).await?;
        let mut answer = (status, Json(shown)).into_response();
        let no_store = HeaderValue::from_static("no-store");
        answer.headers_mut().insert(header::CACHE_CONTROL, no_store);
        Ok(answer)
    }

    /// Keeps the answer and commits.
    pub(crate) async fn finish(
        mut self,
        status: StatusCode,
        answer: &impl Serialize,
    ) -> Result<Answer, Problem> {
        let answer =
            idempotency::finish(&mut self.tx, &self.repeatable, self.api.ctx.now(), status, answer).await?;
        self.tx.save().await?;
        Ok(answer)
    }
}

/// A command's refusal as a problem document.
pub(crate) fn problem(refusal: impl Refusal) -> Problem {
    let told = refusal.told();
    let status = match told.nature {
        Nature::NotAllowed => StatusCode::FORBIDDEN,
        Nature::NotFound => StatusCode::NOT_FOUND,
        Nature::Conflict => StatusCode::CONFLICT,
        Nature::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Nature::TryAgain => {
            return Problem::unavailable("try_again", "another request changed the same thing; try again");
        }
        Nature::Internal => return Problem::internal(&refusal),
    };
    let mut problem = Problem::new(status, told.code, refusal.to_string());
    if let Some(field) = told.field {
        problem = problem.field(field);
    }
    if let Some(limit) = told.limit {
        problem = problem.limit(limit);
    }
    problem
}

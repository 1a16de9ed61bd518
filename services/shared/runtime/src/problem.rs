//! Refusals over HTTP: RFC 9457 problem details with a stable code.
//!
//! `code` is the snake_case code of the domain's or the application's error; the API, the translations and the
//! scenario report share it. `field` and `limit` say what to change. What went wrong inside the platform is logged
//! once, here, and the client is told nothing but that it did ([`Problem::internal`]).

use axum::extract::rejection::{
    BytesRejection, FormRejection, JsonRejection, PathRejection, QueryRejection, StringRejection,
};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use namoyish_storage::DbError;
use serde::Serialize;
use std::borrow::Cow;
use std::error::Error;

/// An answer of the media type `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code says which problem it is.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(value_type = String, example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "status_number")]
    #[schema(value_type = u16, example = 422)]
    status: StatusCode,
    /// What was refused, with its numbers, in English.
    detail: String,
    /// The stable code.
    #[schema(value_type = String, example = "over_budget")]
    code: &'static str,
    /// The field of the request that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    field: Option<Cow<'static, str>>,
    /// The limit that the field passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
}

fn status_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with its stable code and a sentence with the numbers.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code,
            field: None,
            limit: None,
        }
    }

    /// Names the field of the request at fault.
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Problem {
        self.field = Some(field.into());
        self
    }

    /// Names the limit that was passed.
    pub fn limit(mut self, limit: impl Into<String>) -> Problem {
        self.limit = Some(limit.into());
        self
    }

    /// 400: the request can't be read.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: nobody is signed in, or the key is unknown.
    pub fn unauthorized() -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
            "a valid sign-in or API key is needed",
        )
    }

    /// 403: the actor's role doesn't allow this.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "not_allowed", detail)
    }

    /// 404: no such thing, or one of another customer (the two are not told apart).
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 409: the state doesn't allow it now.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: readable, and refused by a rule.
    pub fn refused(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 503: try again later.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// 500: logs the error with all its causes, once, and hides them from the client.
    pub fn internal(error: &dyn Error) -> Problem {
        tracing::error!(error = %chain(error), "a request failed inside the platform");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "the platform failed; the operator has been told",
        )
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence with the numbers.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// An error with all its causes in one line, outermost first.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of strings and a number always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A lost race may be tried again by the client; all else is ours.
impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        match error {
            DbError::Retry(_) => {
                Problem::unavailable("try_again", "another request changed the same thing; try again")
            }
            other => Problem::internal(&other),
        }
    }
}

macro_rules! from_rejection {
    ($($rejection:ty => $code:literal;)*) => {$(
        impl From<$rejection> for Problem {
            fn from(rejection: $rejection) -> Problem {
                let status = rejection.status();
                let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "body_too_large" } else { $code };
                Problem::new(status, code, rejection.body_text())
            }
        }
    )*};
}

from_rejection! {
    JsonRejection => "bad_json";
    QueryRejection => "bad_query";
    PathRejection => "bad_path";
    FormRejection => "bad_form";
    BytesRejection => "bad_body";
    StringRejection => "bad_body";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_field_and_limit() {
        let problem = Problem::refused("over_budget", "asked 20.00, left 10.00")
            .field("extra_budget")
            .limit("10.00");
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({
                "type": "about:blank",
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "asked 20.00, left 10.00",
                "code": "over_budget",
                "field": "extra_budget",
                "limit": "10.00",
            })
        );
        let response = problem.into_response();
        assert_eq!(response.status(), 422);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
    }

    #[test]
    fn what_failed_inside_is_not_told() {
        let error = std::io::Error::other("password of the database is hunter2");
        let problem = Problem::internal(&error);
        assert!(!serde_json::to_string(&problem).unwrap().contains("hunter2"));
        assert_eq!(problem.status(), 500);
    }

    #[test]
    fn a_lost_race_may_be_tried_again() {
        let problem = Problem::from(DbError::Retry(sqlx_error()));
        assert_eq!((problem.status().as_u16(), problem.code()), (503, "try_again"));
        let response = problem.into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(Problem::from(DbError::Inconsistent("x".into())).status(), 500);
    }

    fn sqlx_error() -> sqlx::Error {
        sqlx::Error::PoolClosed
    }
}

//! The API's outermost layer: what never reaches a handler is told like a handler's refusal (RFC 9457).
//!
//! Extractors and the router refuse in plain text (a query that doesn't parse, an unknown method, a body over its bound):
//! their sentence becomes the detail of a problem document with a stable code. An address with a NUL is refused before
//! anything looks at it: no text of the database may hold one.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use namoyish_runtime::problem::Problem;

/// The longest plain sentence that is passed on.
const SENTENCE_BYTES_MAX: usize = 4_096;

/// See the module.
pub(super) async fn tell_refusals(request: Request, next: Next) -> Response {
    let has_nul = request
        .uri()
        .path_and_query()
        .is_some_and(|asked| asked.as_str().contains("%00"));
    if has_nul {
        return Problem::bad_request("bad_text", "the address has a NUL character").into_response();
    }
    let response = next.run(request).await;
    let status = response.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || is_told(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let sentence = to_bytes(body, SENTENCE_BYTES_MAX).await.unwrap_or_default();
    let sentence = String::from_utf8_lossy(&sentence);
    let detail = match sentence.trim() {
        "" => status.canonical_reason().unwrap_or("refused"),
        sentence => sentence,
    };
    let mut told = Problem::new(status, code_of(status), detail).into_response();
    // A refused method names the allowed ones.
    if let Some(allowed) = parts.headers.get(header::ALLOW) {
        told.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    told
}

fn is_told(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/"))
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        status if status.is_server_error() => "internal_error",
        _ => "bad_request",
    }
}

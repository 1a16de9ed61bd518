//! Material files and the browser tag.

use super::Serving;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use namoyish_runtime::problem::Problem;

/// The browser tag, as it is served.
pub(super) const TAG: &str = include_str!("../../../../web/tag/tag.js");

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A material's file by the SHA-256 of its bytes: never changes under its name, so it may be kept for ever.
pub(super) async fn file(
    State(serving): State<Serving>,
    Path(sha256): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let is_sha256 = sha256.len() == 64
        && sha256
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_sha256 {
        return Err(Problem::not_found(
            "a file's name is the SHA-256 of its bytes in lower-case hex",
        ));
    }
    let delivery = &serving.delivery;
    let found = delivery
        .files
        .get(&delivery.node, &sha256)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let file = found.ok_or_else(|| Problem::not_found("no material that may be shown has this file"))?;
    let tag = format!("\"{sha256}\"");
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return Ok((StatusCode::NOT_MODIFIED, [(header::CACHE_CONTROL, FOREVER)]).into_response());
    }
    let media_type = HeaderValue::try_from(file.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let tag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""));
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, FOREVER),
        (header::ETAG, tag),
        // Whatever the bytes are, a browser that opens them alone runs nothing.
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ),
    ];
    Ok((headers, file.content).into_response())
}

/// The browser tag.
pub(super) async fn tag() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, TAG).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn the_tag_is_under_four_kilobytes_compressed() {
        // The system's gzip, as a proxy in front of the node compresses.
        let mut gzip = Command::new("gzip")
            .args(["-6", "-c"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        gzip.stdin.take().unwrap().write_all(TAG.as_bytes()).unwrap();
        let compressed = gzip.wait_with_output().unwrap().stdout.len();
        assert!(compressed > 500 && compressed < 4096, "{compressed} bytes");
        assert!(TAG.len() < 8192, "{} bytes plain", TAG.len());
    }

    #[test]
    fn the_tag_depends_on_nothing_and_keeps_nothing() {
        for word in [
            "import ",
            "require(",
            "document.cookie",
            "localStorage",
            "sessionStorage",
            "eval(",
            "innerHTML",
        ] {
            assert!(!TAG.contains(word), "{word}");
        }
        for word in ["doNotTrack", "IntersectionObserver", "0.5", "1000", "noopener"] {
            assert!(TAG.contains(word), "{word}");
        }
    }
}

//! Impression, viewable and click URLs (delivery.md §4). The answer is sent only when the event is in the journal.

use super::Serving;
use crate::journal::EventKind;
use crate::node::CountError;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use namoyish_domain::delivery::token::TokenRefused;
use namoyish_runtime::problem::Problem;

pub(super) async fn impression(state: State<Serving>, token: Path<String>) -> Result<Response, Problem> {
    counted(state, token, EventKind::Impression).await
}

pub(super) async fn viewable(state: State<Serving>, token: Path<String>) -> Result<Response, Problem> {
    counted(state, token, EventKind::Viewable).await
}

async fn counted(
    State(serving): State<Serving>,
    Path(token): Path<String>,
    kind: EventKind,
) -> Result<Response, Problem> {
    let delivery = &serving.delivery;
    delivery
        .node
        .count_durably(&token, kind, delivery.clock.now())
        .await
        .map_err(|error| refusal(&error))?;
    Ok((StatusCode::NO_CONTENT, no_store()).into_response())
}

/// Redirects to the target that is signed in the token. A viewer who clicks after the token's life still gets there;
/// nothing is counted then.
pub(super) async fn click(
    State(serving): State<Serving>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let delivery = &serving.delivery;
    let now = delivery.clock.now();
    let target = match delivery.node.count_durably(&token, EventKind::Click, now).await {
        Ok(target) => target,
        Err(CountError::Refused(TokenRefused::Expired { .. })) => delivery
            .node
            .target_of_expired(&token, now)
            .map_err(|refused| refusal(&refused.into()))?,
        Err(error) => return Err(refusal(&error)),
    };
    let location = HeaderValue::try_from(target.as_str())
        .map_err(|_| Problem::bad_request("token_malformed", "the token's target is not a URL"))?;
    Ok((StatusCode::FOUND, [(header::LOCATION, location)], no_store()).into_response())
}

pub(super) async fn counts_nothing() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "HEAD counts nothing; call it with GET",
    )
}

fn no_store() -> [(header::HeaderName, HeaderValue); 1] {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}

fn refusal(error: &CountError) -> Problem {
    match error {
        CountError::Refused(refused) => {
            metrics::counter!("tokens_refused_total", "reason" => refused.code()).increment(1);
            let status = match refused {
                TokenRefused::Expired { .. } => StatusCode::GONE,
                _ => StatusCode::BAD_REQUEST,
            };
            Problem::new(status, refused.code(), refused.to_string())
        }
        CountError::NotWritten(error) => {
            metrics::counter!("impressions_not_written_total", "reason" => error.code()).increment(1);
            Problem::unavailable(error.code(), "the call could not be recorded; it may be repeated")
        }
    }
}

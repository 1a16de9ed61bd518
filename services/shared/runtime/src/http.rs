//! What every HTTP service of the platform has around its handlers, and how it is served and ended.
//!
//! From the outside in: request id and log line, metrics, body limit, time limit, panics turned into problems,
//! security headers. Nothing here knows a route. The ad server may leave [`around`] away where microseconds count and
//! keep [`serve`].

use crate::ids::Generator;
use crate::problem::Problem;
use crate::shutdown::Shutdown;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use futures_util::FutureExt;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long requests under way may take to end once the program ends.
const DRAIN_PATIENCE: Duration = Duration::from_secs(10);
/// How long a readiness check may take.
const READY_PATIENCE: Duration = Duration::from_secs(3);

/// The policy for pages of our own: scripts, styles and pictures from this server alone, never in a frame.
pub const OWN_PAGES_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                                    form-action 'self'; frame-ancestors 'none'";

/// What is around the handlers of one service.
#[derive(Debug, Clone)]
pub struct AroundOptions {
    /// "orders", "delivery": a field of logs and metrics.
    pub service: &'static str,
    /// How long a request may take; then 503 `timeout`.
    pub timeout: Duration,
    /// Most bytes of a body; then 413 `body_too_large`. A route may set a `DefaultBodyLimit` of its own below it.
    pub body_bytes_max: usize,
    /// The Content-Security-Policy of answers that have none, [`OWN_PAGES_POLICY`]; `None` for what others embed.
    pub content_security_policy: Option<&'static str>,
    /// Where request ids come from.
    pub ids: Generator,
}

/// Puts the layers around a router.
pub fn around(router: Router, options: AroundOptions) -> Router {
    let body_bytes_max = options.body_bytes_max;
    router
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(middleware::from_fn_with_state(Arc::new(options), handle))
}

async fn handle(State(options): State<Arc<AroundOptions>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = format!("{:016x}", options.ids.draw());
    let method = request.method().clone();
    // The route's pattern, not the path: a path may hold ids and has no bound as a metric's label.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let span =
        tracing::info_span!("request", service = options.service, request.id = %id, %method, route = %route);
    let mut response = answer(&options, request, next).instrument(span.clone()).await;
    let duration = begun.elapsed();
    let status = response.status();
    span.in_scope(|| {
        let (status, duration_ms) = (
            status.as_u16(),
            u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        );
        if status >= 500 {
            tracing::warn!(status, duration_ms, "request failed");
        } else {
            tracing::debug!(status, duration_ms, "request answered");
        }
    });
    let labels = [
        ("service", options.service.to_owned()),
        ("method", known_method(&method).to_owned()),
        ("route", route),
        ("status", status.as_str().to_owned()),
    ];
    metrics::histogram!("http_request_duration_seconds", &labels).record(duration);
    protect(response.headers_mut(), options.content_security_policy);
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

async fn answer(options: &AroundOptions, request: Request, next: Next) -> Response {
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|bytes: usize| bytes > options.body_bytes_max) {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "the body of the request is too large",
        )
        .limit(options.body_bytes_max.to_string())
        .into_response();
    }
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(options.timeout, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let what = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Problem::internal(&Panicked(what)).into_response()
        }
        Err(_) => Problem::unavailable("timeout", "the request took too long")
            .limit(format!("{} s", options.timeout.as_secs()))
            .into_response(),
    }
}

/// A method of a client's own invention must not become a new time series.
fn known_method(method: &axum::http::Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "other",
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

/// Sets what the handler did not set itself.
fn protect(headers: &mut HeaderMap, content_security_policy: Option<&'static str>) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "strict-origin-when-cross-origin");
    if let Some(policy) = content_security_policy {
        set(header::CONTENT_SECURITY_POLICY, policy);
        set(header::X_FRAME_OPTIONS, "DENY");
    }
}

/// The answer to a path that is none: for `Router::fallback`.
pub async fn no_such_path() -> Problem {
    Problem::not_found("there is nothing at this path")
}

/// Whether a service can do its work now; the error says what is missing and is shown to whoever may ask.
pub type ReadyCheck = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Wraps an async function as a [`ReadyCheck`].
pub fn ready_check<F, R>(check: F) -> ReadyCheck
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), String>> + Send + 'static,
{
    Arc::new(move || Box::pin(check()))
}

/// `GET /healthz` (the process answers) and `GET /readyz` (it can do its work: 200, or 503 while it can't or ends).
pub fn health(ready: ReadyCheck, shutdown: Shutdown) -> Router {
    let readyz = move || {
        let (ready, shutdown) = (ready.clone(), shutdown.clone());
        async move {
            if shutdown.is_begun() {
                return Err(Problem::unavailable("ending", "this program is ending"));
            }
            match tokio::time::timeout(READY_PATIENCE, ready()).await {
                Ok(Ok(())) => Ok(Json(serde_json::json!({ "status": "ready" }))),
                Ok(Err(missing)) => Err(Problem::unavailable("not_ready", missing)),
                Err(_) => Err(Problem::unavailable("not_ready", "the check took too long")),
            }
        }
    };
    Router::new()
        .route(
            "/healthz",
            get(|| async { Json(serde_json::json!({ "status": "alive" })) }),
        )
        .route("/readyz", get(readyz))
}

/// Serves until `shutdown` begins; then accepts nothing more and gives requests under way ten seconds. Handlers can
/// extract `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let ended = shutdown.clone();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move { ended.wait().await });
    let patience = async {
        shutdown.wait().await;
        tokio::time::sleep(DRAIN_PATIENCE).await;
    };
    tokio::select! {
        served = serving => served,
        () = patience => {
            tracing::warn!("requests were still under way after {} s and are cut off", DRAIN_PATIENCE.as_secs());
            Ok(())
        }
    }
}

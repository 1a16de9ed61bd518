//! The ad server's HTTP interface (delivery.md §1, §4).
//!
//! ```text
//! POST, GET /v1/ads          ads for placements, with the app's publishable key
//! GET, POST /v1/i/{token}    an impression: 204 once it is in the journal
//! GET, POST /v1/v/{token}    seen by the MRC rule: 204
//! GET       /v1/c/{token}    a click: 302 to the target signed in the token
//! GET       /m/{sha256}      a material's file
//! GET       /tag.js          the browser tag
//! GET       /healthz, /readyz
//! ```
//!
//! Everything is answered from memory. Every route has a limit on its body and its time; errors are RFC 9457 problems
//! with stable codes. Any page may call it (CORS `*`): the publishable key is public by its nature, and no cookie is
//! read or set.
//!
//! Two ways lead to the same answers: [`AdServer`] answers plain requests on the hot path by itself (`connection`,
//! `head`), and everything else, refusals included, goes through the [`router`].

mod ads;
mod connection;
mod date;
mod events;
mod head;
mod limit;
mod materials;
mod server;

use crate::run::Delivery;
use crate::snapshot::put_text;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, header};
use axum::routing::{MethodFilter, get, on};
use limit::RequestLimit;
use namoyish_runtime::http::{AroundOptions, around, health, no_such_path, ready_check};
use namoyish_runtime::ids::Generator;
use namoyish_runtime::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};
use tower_http::timeout::TimeoutLayer;

pub use ads::{AdAnswer, AdsAnswer, AdsQuestion, ViewerFacts};
pub use server::{AdServer, Listeners};

/// Most bytes of a request's body.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// The longest that a request may take, its body included.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the handlers work with.
#[derive(Clone)]
struct Serving(Arc<ServingParts>);

struct ServingParts {
    delivery: Delivery,
    limit: RequestLimit,
    /// An ad's JSON between its tokens.
    before_impression: Box<[u8]>,
    before_viewable: Box<[u8]>,
}

impl Serving {
    fn new(delivery: Delivery) -> Serving {
        let settings = delivery.node.settings();
        let between = |name: &str, path: &str| -> Box<[u8]> {
            let mut json = format!("\",\"{name}\":").into_bytes();
            put_text(&format!("{}{path}", settings.public_url), &mut json);
            json.pop();
            json.into()
        };
        Serving(Arc::new(ServingParts {
            limit: RequestLimit::new(settings.requests_per_minute_max),
            before_impression: between("impression_url", "/v1/i/"),
            before_viewable: between("viewable_url", "/v1/v/"),
            delivery,
        }))
    }
}

impl std::ops::Deref for Serving {
    type Target = ServingParts;

    fn deref(&self) -> &ServingParts {
        &self.0
    }
}

/// The routes of a node. To be served with `ConnectInfo<SocketAddr>` ([`AdServer`] and `runtime::http::serve` do).
pub fn router(delivery: Delivery, ids: Generator, shutdown: Shutdown) -> Router {
    router_of(Serving::new(delivery), ids, shutdown)
}

fn router_of(serving: Serving, ids: Generator, shutdown: Shutdown) -> Router {
    let node = Arc::clone(&serving.delivery.node);
    let ready = ready_check(move || {
        let node = Arc::clone(&node);
        async move { ready(&node).await }
    });

    // The path of a request has layers of its own: no span and no histogram of labels per request.
    let counted = MethodFilter::GET.or(MethodFilter::POST);
    let hot = Router::new()
        .route("/v1/ads", get(ads::get_ads).post(ads::post_ads))
        // HEAD must count nothing: link checkers send it.
        .route(
            "/v1/i/{token}",
            on(counted, events::impression).head(events::counts_nothing),
        )
        .route(
            "/v1/v/{token}",
            on(counted, events::viewable).head(events::counts_nothing),
        )
        .route("/v1/c/{token}", get(events::click).head(events::counts_nothing))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ))
        .layer(cors())
        .with_state(serving.clone());

    let files = Router::new()
        .route("/m/{sha256}", get(materials::file))
        .route("/tag.js", get(materials::tag))
        .with_state(serving)
        .layer(cors());
    let cold = files.merge(health(ready, shutdown)).fallback(no_such_path);
    let cold = around(
        cold,
        AroundOptions {
            service: "delivery",
            timeout: TIMEOUT,
            body_bytes_max: BODY_BYTES_MAX,
            content_security_policy: None,
            ids,
        },
    );
    hot.merge(cold)
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
        .max_age(Duration::from_secs(86_400))
}

/// A node is ready when it has a snapshot; a lost database doesn't make it unready, for it goes on serving.
async fn ready(node: &crate::node::Node) -> Result<(), String> {
    let snapshot = node.snapshot();
    tracing::trace!(
        snapshot.version = snapshot.version(),
        lines = snapshot.lines_running(),
        "ready"
    );
    Ok(())
}

//! The personal cabinet: pages rendered on the server, working without JavaScript (cabinet.md) [003 §1.1 "Shaxsiy kabinet"].
//!
//! Each page is one module with its handler, its view (ready strings) and its template in `web/templates`. What every
//! page shares: who visits and in which language ([`visitor`]), forms and their refusals ([`form`]), layout, error pages
//! and security headers ([`page`]), static files ([`assets`]).
//!
//! Invariants, each with its test:
//! - every page below `/cabinet` needs a session, and reads through `Store::cabinet(customer)`, which filters by the
//!   customer: another customer's line, invoice or document is "not found";
//! - every POST is checked for its origin and its form token before its handler runs ([`form::Posted`]);
//! - no inline script or style: the content security policy forbids them.
//!
//! Not here: the rules (`domain`), the commands (`crate::app`), the REST API (`crate::api`), the back office.

mod amendments;
mod assets;
mod budget_increase;
mod demo;
mod documents;
mod extra_period;
mod form;
mod home;
mod language;
mod line;
mod materials;
mod money;
mod notices;
mod objection;
mod offer;
mod orders;
mod page;
pub mod password;
mod pause;
mod plot;
mod refund;
mod sign;
mod sign_in;
mod sign_in_limit;
mod termination;
mod upload;
mod verify;
mod visitor;
pub mod words;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use namoyish_runtime::context::Context;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The most bytes of a form's body.
pub const FORM_BYTES_MAX: usize = 64 * 1024;

/// The most bytes of a form that is sent to this path: one with a file may be heavier.
fn bytes_max_of(path: &str) -> usize {
    if path.ends_with("/materials") || path.ends_with("/documents") {
        upload::limit()
    } else {
        FORM_BYTES_MAX
    }
}

/// How many files are rendered at once; the others wait their turn.
const RENDERS_MAX: usize = 2;

/// What the cabinet needs to know beside the context.
#[derive(Debug, Clone)]
pub struct CabinetSettings {
    /// The address under which people reach the cabinet, without a slash at the end ("https://cabinet.example.uz").
    /// With https, cookies are `Secure`.
    pub public_url: String,
    /// The address of the delivery service, where the demo page takes its tag from.
    pub delivery_url: String,
    /// Whether `/demo` is there.
    pub demo: bool,
    /// How long a session lasts after its last use, in seconds.
    pub session_seconds: i64,
}

/// Twelve hours.
const SESSION_SECONDS: i64 = 12 * 3600;

impl Default for CabinetSettings {
    fn default() -> CabinetSettings {
        CabinetSettings {
            public_url: "http://127.0.0.1:8080".to_owned(),
            delivery_url: "http://127.0.0.1:8081".to_owned(),
            demo: false,
            session_seconds: SESSION_SECONDS,
        }
    }
}

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Cabinet {
    pub(crate) ctx: Context,
    pub(crate) settings: Arc<CabinetSettings>,
    pub(crate) passwords: password::Passwords,
    pub(crate) limit: Arc<sign_in_limit::SignInLimit>,
    pub(crate) renders: Arc<Semaphore>,
}

/// The cabinet's pages, with a "not found" page for every other path: merge it with routers that have no fallback.
pub fn router(ctx: Context, settings: CabinetSettings) -> Router {
    let cabinet = Cabinet {
        ctx,
        settings: Arc::new(settings),
        passwords: password::Passwords::default(),
        limit: Arc::new(sign_in_limit::SignInLimit::default()),
        renders: Arc::new(Semaphore::new(RENDERS_MAX)),
    };
    let mut pages = Router::new()
        .route("/", get(home::front))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/language", post(language::choose))
        .route("/verify", get(verify::show))
        .route("/rules", get(offer::rules))
        .route("/rules/{number}", get(offer::edition))
        .route("/prices", get(offer::prices))
        .route("/cabinet/notices", get(notices::list))
        .route("/cabinet/notices/{notice}/read", post(notices::read))
        .route("/cabinet", get(home::show))
        .route("/cabinet/orders", get(orders::list))
        .route("/cabinet/orders/{order_blank}", get(orders::show))
        .route(
            "/cabinet/orders/{order_blank}/sign",
            get(sign::show).post(sign::sign),
        )
        .route("/cabinet/orders/{order_blank}/sign/code", post(sign::send_code))
        .route("/cabinet/orders/{order_blank}/decline", post(sign::decline))
        .route("/cabinet/orders/{order_blank}/{file}", get(sign::download))
        .route("/cabinet/amendments/{amendment}", get(amendments::show))
        .route(
            "/cabinet/amendments/{amendment}/code",
            post(amendments::send_code),
        )
        .route("/cabinet/amendments/{amendment}/sign", post(amendments::sign))
        .route(
            "/cabinet/amendments/{amendment}/decline",
            post(amendments::decline),
        )
        .route("/cabinet/lines/{line}", get(line::show))
        .route("/cabinet/lines/{line}/pause", post(pause::pause))
        .route("/cabinet/lines/{line}/resume", post(pause::resume))
        .route(
            "/cabinet/orders/{order_blank}/termination",
            get(termination::show).post(termination::end),
        )
        .route("/cabinet/lines/{line}/today", get(line::today))
        .route(
            "/cabinet/lines/{line}/materials",
            get(materials::show).merge(post(materials::submit).layer(DefaultBodyLimit::max(upload::limit()))),
        )
        .route("/cabinet/materials/{material}/file", get(materials::image))
        .route(
            "/cabinet/materials/{material}/documents",
            post(materials::attach).layer(DefaultBodyLimit::max(upload::limit())),
        )
        .route(
            "/cabinet/materials/{material}/documents/{document}",
            get(materials::document),
        )
        .route(
            "/cabinet/materials/{material}/documents/{document}/revoked",
            post(materials::revoke),
        )
        .route(
            "/cabinet/lines/{line}/extra-period",
            get(extra_period::show).post(extra_period::set),
        )
        .route(
            "/cabinet/lines/{line}/budget",
            get(budget_increase::show).post(budget_increase::increase),
        )
        .route("/cabinet/lines/{line}/extra-period/end", post(extra_period::end))
        .route("/cabinet/documents", get(documents::list))
        .route(
            "/cabinet/documents/{document}/objection",
            get(objection::show).post(objection::object),
        )
        .route("/cabinet/documents/{document}/{file}", get(documents::download))
        .route("/cabinet/invoices", get(money::invoices))
        .route("/cabinet/invoices/{invoice}/pdf", get(money::invoice_pdf))
        .route("/cabinet/refunds", get(refund::show).post(refund::request))
        .route("/cabinet/refunds/{refund}/cancel", post(refund::cancel))
        .route("/cabinet/payments", get(money::payments));
    if cabinet.settings.demo {
        pages = pages.route("/demo", get(demo::show));
    }
    pages
        .fallback(page::not_found)
        .layer(axum::middleware::from_fn_with_state(
            cabinet.clone(),
            page::around,
        ))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .with_state(cabinet)
        .merge(assets::router())
}

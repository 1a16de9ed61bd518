//! The REST API (orders.md §9): JSON below `/api/v1`, its OpenAPI 3.1 description at `/api/openapi.json` and a page to
//! browse it at `/api/docs`.
//!
//! What every route keeps to, each with its test:
//! - a key (`Authorization: Bearer nk_…`) is needed, and a viewer's key writes nothing ([`caller`]);
//! - a write needs `Idempotency-Key`; the answer is kept in the transaction of its effect ([`write`]);
//! - a list has a cursor and at most 200 items ([`page`]);
//! - an error is an RFC 9457 problem with a stable code, field and limit;
//! - money, prices and quantities are strings, dates ISO 8601, unknown fields are refused.
//!
//! Handlers parse and answer; the commands in `crate::app` authorise and decide.
#![expect(
    clippy::result_large_err,
    reason = "a problem document is made once for a refused request, never in a loop"
)]

pub mod caller;
mod customers;
mod documents;
mod fields;
mod inventory;
mod lines;
mod materials;
mod operator;
mod order_blanks;
mod page;
mod payments;
mod price_lists;
mod write;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router};
use namoyish_runtime::context::Context;
use namoyish_runtime::http::no_such_path;
use namoyish_runtime::problem::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

/// How many files are rendered at once; the others wait their turn.
const RENDERS_MAX: usize = 2;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) ctx: Context,
    pub(crate) public_url: Arc<str>,
    pub(crate) renders: Arc<Semaphore>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Namoyish order blanks",
        description = "Customers, price lists, order blanks, ad materials, payments and documents. Money is a string \
                       (\"1234567.89\", so'm), dates are ISO 8601 in Asia/Tashkent, ids carry a prefix. Every write takes \
                       the header Idempotency-Key: the same key and body again answers as the first time, the same key \
                       with another body is refused with 409.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&BearerKey),
    security(("api_key" = []))
)]
struct ApiDocument;

struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key: nk_…"))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

/// The refusals that every route may answer with.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only the OpenAPI description is made from it")]
pub(crate) enum Refusals {
    /// The request can't be read, or a header is missing.
    #[response(status = 400)]
    BadRequest(Problem),
    /// No key, or a key that is unknown or revoked.
    #[response(status = 401)]
    Unauthorized(Problem),
    /// The key's role may not.
    #[response(status = 403)]
    Forbidden(Problem),
    /// No such thing, or another customer's.
    #[response(status = 404)]
    NotFound(Problem),
    /// The state doesn't allow it now, or the idempotency key was used with another body.
    #[response(status = 409)]
    Conflict(Problem),
    /// A rule refuses what was given; `code`, `field` and `limit` say which.
    #[response(status = 422)]
    Refused(Problem),
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(ApiDocument::openapi())
        .routes(routes!(operator::get_operator, operator::put_operator))
        .routes(routes!(
            operator::list_rules_editions,
            operator::publish_rules_edition
        ))
        .routes(routes!(customers::list_customers, customers::register_customer))
        .routes(routes!(customers::get_customer))
        .routes(routes!(
            price_lists::list_price_lists,
            price_lists::publish_price_list
        ))
        .routes(routes!(price_lists::get_price_list))
        .routes(routes!(inventory::list_apps, inventory::add_app))
        .routes(routes!(inventory::list_placements, inventory::add_placement))
        .routes(routes!(inventory::list_regions))
        .routes(routes!(
            order_blanks::list_order_blanks,
            order_blanks::draw_up_order_blank
        ))
        .routes(routes!(order_blanks::get_order_blank))
        .routes(routes!(order_blanks::offer_order_blank))
        .routes(routes!(order_blanks::sign_order_blank_on_paper))
        .routes(routes!(order_blanks::cancel_order_blank))
        .routes(routes!(lines::get_line))
        .routes(routes!(lines::list_line_changes))
        .routes(routes!(lines::set_extra_period))
        .routes(routes!(lines::end_extra_period))
        .routes(routes!(
            materials::list_line_materials,
            materials::submit_material
        ))
        .routes(routes!(materials::list_materials))
        .routes(routes!(materials::get_material))
        .routes(routes!(materials::get_material_file))
        .routes(routes!(materials::decide_material))
        .routes(routes!(payments::list_payments, payments::record_payment))
        .routes(routes!(documents::list_invoices))
        .routes(routes!(documents::get_invoice))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::get_document))
        .routes(routes!(documents::download_document))
}

/// The OpenAPI description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, description) = routes().split_for_parts();
    description
}

/// The API's router. It has no fallback outside `/api`.
pub(crate) fn router(ctx: Context, public_url: String, body_bytes_max: usize) -> Router {
    let api = Api {
        ctx,
        public_url: public_url.into(),
        renders: Arc::new(Semaphore::new(RENDERS_MAX)),
    };
    let (routes, description) = routes().split_for_parts();
    let described = description.clone();
    // SwaggerUi serves the description itself, at the address that its page asks for.
    Router::new()
        .merge(SwaggerUi::new("/api/docs").url("/api/docs/openapi.json", description))
        .route("/api/openapi.json", get(move || async move { Json(described) }))
        .merge(
            routes
                .layer(DefaultBodyLimit::max(body_bytes_max))
                .with_state(api),
        )
        .route("/api", get(no_such_path))
        .route("/api/{*rest}", axum::routing::any(no_such_path))
}

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

mod amendments;
mod budget_increases;
mod calendar;
pub mod caller;
mod checklist;
mod customers;
mod disputes;
mod documents;
mod edge;
mod fields;
mod interruptions;
mod inventory;
mod lines;
mod material_documents;
mod materials;
mod notices;
mod offers;
mod operator;
mod order_blanks;
mod page;
mod payments;
mod price_groups;
mod price_lists;
mod refunds;
mod signing;
mod standing;
mod terminations;
mod upload;
mod users;
mod write;

pub(crate) use signing::saved_scan;

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
    components(schemas(Problem)),
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
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(Problem),
    /// No key, or a key that is unknown or revoked.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(Problem),
    /// The key's role may not.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// No such thing, or another customer's.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The state doesn't allow it now, or the idempotency key was used with another body.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// A rule refuses what was given; `code`, `field` and `limit` say which.
    #[response(status = 422, content_type = "application/problem+json")]
    Refused(Problem),
    /// The body is larger than the service takes.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// Another request changed the same thing at the same time; the same may be tried again.
    #[response(status = 503, content_type = "application/problem+json")]
    TryAgain(Problem),
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(ApiDocument::openapi())
        .routes(routes!(operator::get_operator, operator::put_operator))
        .routes(routes!(
            operator::list_rules_editions,
            operator::publish_rules_edition
        ))
        .routes(routes!(customers::list_customers, customers::register_customer))
        .routes(routes!(operator::get_rules_edition))
        .routes(routes!(operator::list_operator_changes))
        .routes(routes!(operator::list_vat_statuses, operator::set_vat_status))
        .routes(routes!(calendar::get_calendar))
        .routes(routes!(calendar::put_calendar_day, calendar::delete_calendar_day))
        .routes(routes!(calendar::list_calendar_changes))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::change_role))
        .routes(routes!(users::lock_user_out))
        .routes(routes!(users::list_api_keys, users::make_api_key))
        .routes(routes!(users::revoke_api_key))
        .routes(routes!(notices::list_notices))
        .routes(routes!(notices::read_notice))
        .routes(routes!(offers::accept_public_offer))
        .routes(routes!(offers::use_service))
        .routes(routes!(offers::get_acceptance))
        .routes(routes!(customers::get_customer, customers::change_customer))
        .routes(routes!(customers::list_customer_changes))
        .routes(routes!(
            price_lists::list_price_lists,
            price_lists::publish_price_list
        ))
        .routes(routes!(
            price_lists::get_price_list,
            price_lists::withdraw_price_list
        ))
        .routes(routes!(
            price_groups::list_price_annexes,
            price_groups::publish_price_annex
        ))
        .routes(routes!(
            price_groups::get_price_annex,
            price_groups::withdraw_price_annex
        ))
        .routes(routes!(
            price_groups::list_category_services,
            price_groups::give_service
        ))
        .routes(routes!(inventory::list_apps, inventory::add_app))
        .routes(routes!(inventory::list_placements, inventory::add_placement))
        .routes(routes!(inventory::list_regions))
        .routes(routes!(
            order_blanks::list_order_blanks,
            order_blanks::draw_up_order_blank
        ))
        .routes(routes!(order_blanks::get_order_blank, order_blanks::change_draft))
        .routes(routes!(order_blanks::offer_order_blank))
        .routes(routes!(signing::sign_order_blank_on_paper))
        .routes(routes!(signing::get_terms))
        .routes(routes!(signing::get_scan))
        .routes(routes!(signing::get_order_blank_pdf))
        .routes(routes!(signing::get_invoice_pdf))
        .routes(routes!(
            amendments::list_amendments,
            amendments::propose_amendment
        ))
        .routes(routes!(amendments::get_amendment))
        .routes(routes!(amendments::get_amendment_terms))
        .routes(routes!(amendments::get_amendment_scan))
        .routes(routes!(amendments::offer_amendment))
        .routes(routes!(amendments::sign_amendment_on_paper))
        .routes(routes!(amendments::cancel_amendment))
        .routes(routes!(order_blanks::cancel_order_blank))
        .routes(routes!(lines::get_line))
        .routes(routes!(lines::list_line_changes))
        .routes(routes!(lines::set_extra_period))
        .routes(routes!(lines::end_extra_period))
        .routes(routes!(interruptions::pause_line))
        .routes(routes!(interruptions::resume_line))
        .routes(routes!(
            interruptions::list_lost_access_claims,
            interruptions::claim_lost_access
        ))
        .routes(routes!(interruptions::decide_lost_access))
        .routes(routes!(
            interruptions::list_force_majeure,
            interruptions::record_force_majeure
        ))
        .routes(routes!(interruptions::end_force_majeure))
        .routes(routes!(interruptions::list_outages, interruptions::record_outage))
        .routes(routes!(
            terminations::list_terminations,
            terminations::give_notice_of_termination
        ))
        .routes(routes!(
            terminations::list_termination_proposals,
            terminations::propose_termination
        ))
        .routes(routes!(terminations::confirm_termination))
        .routes(routes!(standing::suspend_customer))
        .routes(routes!(standing::reinstate_customer))
        .routes(routes!(standing::withdraw_consent))
        .routes(routes!(standing::restore_consent))
        .routes(routes!(
            budget_increases::increase_budget,
            budget_increases::list_budget_increases
        ))
        .routes(routes!(
            materials::list_line_materials,
            materials::submit_material
        ))
        .routes(routes!(materials::list_materials))
        .routes(routes!(materials::get_material))
        .routes(routes!(materials::get_material_file))
        .routes(routes!(materials::decide_material))
        .routes(routes!(material_documents::attach_document))
        .routes(routes!(material_documents::get_document))
        .routes(routes!(material_documents::get_document_file))
        .routes(routes!(material_documents::report_document_revoked))
        .routes(routes!(material_documents::flag_second_subject))
        .routes(routes!(material_documents::consent_to_second_subject))
        .routes(routes!(checklist::list_checklist, checklist::add_checklist_item))
        .routes(routes!(checklist::end_checklist_item))
        .routes(routes!(payments::list_payments, payments::record_payment))
        .routes(routes!(documents::list_invoices))
        .routes(routes!(documents::get_invoice))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::get_document))
        .routes(routes!(documents::download_document))
        .routes(routes!(refunds::list_settlements))
        .routes(routes!(refunds::get_refundable))
        .routes(routes!(refunds::request_refund))
        .routes(routes!(refunds::list_refunds))
        .routes(routes!(refunds::cancel_refund))
        .routes(routes!(refunds::pay_refund))
        .routes(routes!(refunds::list_acts))
        .routes(routes!(refunds::record_act_return))
        .routes(routes!(disputes::object_to_document, disputes::get_objection))
        .routes(routes!(disputes::decide_objection))
        .routes(routes!(disputes::hand_over_paper))
        .routes(routes!(disputes::claim_penalty))
        .routes(routes!(disputes::waive_penalty))
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
                .layer(axum::middleware::from_fn(edge::tell_refusals))
                .with_state(api),
        )
        .route("/api", get(no_such_path))
        .route("/api/{*rest}", axum::routing::any(no_such_path))
}

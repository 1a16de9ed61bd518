//! The whole service as one router: the REST API below `/api`, the pages below `/`.

use crate::api;
use crate::cabinet;
use crate::settings::OrdersSettings;
use axum::Router;
use namoyish_runtime::context::Context;

/// The API and the cabinet. Put `namoyish_runtime::http::around` about it before serving.
pub fn router(ctx: Context, settings: OrdersSettings) -> Router {
    let public_url = settings.cabinet.public_url.clone();
    api::router(ctx.clone(), public_url, settings.api_body_bytes_max)
        .merge(cabinet::router(ctx, settings.cabinet))
}

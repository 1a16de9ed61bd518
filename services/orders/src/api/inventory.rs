//! Apps, placements and regions: where ads are shown and to whom.

use crate::api::caller::{Caller, Writer, staff_only};
use crate::api::fields::{field, json_body, one_of, text};
use crate::api::page::{Page, PageQuery};
use crate::api::write::{Begin, Write, problem};
use crate::api::{Api, Refusals};
use crate::app::add_app::{AddApp, add_app_in};
use crate::app::add_placement::{AddPlacement, add_placement_in};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use namoyish_domain::ids::{AppId, PlacementId};
use namoyish_domain::orders::placement::{PlacementFormat, PlacementKind, RegionCode};
use namoyish_domain::orders::price_list::Names;
use namoyish_runtime::idempotency::{Answer, IdempotencyKey};
use namoyish_runtime::problem::Problem;
use namoyish_storage::placements::{App, Placement, Region};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An app.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppView {
    id: String,
    code: String,
    name: String,
    /// Whether it is partner inventory.
    partner: bool,
    /// What the app authenticates with; it is in every page that shows ads.
    publishable_key: String,
}

impl From<App> for AppView {
    fn from(app: App) -> AppView {
        AppView {
            id: app.id.to_string(),
            code: app.code,
            name: app.name,
            partner: app.partner,
            publishable_key: app.publishable_key,
        }
    }
}

/// An app to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppRequest {
    code: String,
    name: String,
    #[serde(default)]
    partner: bool,
}

/// A placement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlacementView {
    id: String,
    code: String,
    app: String,
    name_uz: String,
    name_ru: String,
    name_en: String,
    /// banner, text_image, article, comment or text.
    kind: String,
    /// Pixels; 0: any.
    width: u32,
    /// Pixels; 0: any.
    height: u32,
    bytes_max: u64,
    /// Characters; 0: 20,000.
    text_max: u32,
}

impl From<Placement> for PlacementView {
    fn from(placement: Placement) -> PlacementView {
        PlacementView {
            id: placement.id.to_string(),
            code: placement.code,
            app: placement.app.to_string(),
            name_uz: placement.names.uz,
            name_ru: placement.names.ru,
            name_en: placement.names.en,
            kind: placement.format.kind.code().to_owned(),
            width: placement.format.width,
            height: placement.format.height,
            bytes_max: placement.format.bytes_max,
            text_max: placement.format.text_max,
        }
    }
}

/// A placement to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlacementRequest {
    code: String,
    app: String,
    name_uz: String,
    name_ru: String,
    name_en: String,
    /// banner, text_image, article, comment or text.
    kind: String,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    /// 307,200 when left out.
    bytes_max: Option<u64>,
    #[serde(default)]
    text_max: u32,
}

impl PlacementRequest {
    fn command(self) -> Result<AddPlacement, Problem> {
        let known = "banner, text_image, article, comment, text";
        Ok(AddPlacement {
            code: self.code,
            app: field("app", "bad_id", AppId::parse(&self.app))?,
            names: text("", Names::check(&self.name_uz, &self.name_ru, &self.name_en))?,
            format: PlacementFormat {
                kind: one_of("kind", &self.kind, known, PlacementKind::parse)?,
                width: self.width,
                height: self.height,
                bytes_max: self.bytes_max.unwrap_or(307_200),
                text_max: self.text_max,
            },
        })
    }
}

/// A region.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegionView {
    #[schema(example = "UZ-TK")]
    code: String,
    parent: Option<String>,
    name_uz: String,
    name_ru: String,
    name_en: String,
}

impl From<Region> for RegionView {
    fn from(region: Region) -> RegionView {
        RegionView {
            code: region.code.to_string(),
            parent: region.code.parent().map(|parent| parent.to_string()),
            name_uz: region.names.uz,
            name_ru: region.names.ru,
            name_en: region.names.en,
        }
    }
}

/// Apps; the operator's keys only.
#[utoipa::path(
    get, path = "/api/v1/apps", tag = "inventory", params(PageQuery),
    responses((status = 200, body = Page<AppView>), Refusals)
)]
pub(crate) async fn list_apps(
    State(api): State<Api>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AppView>>, Problem> {
    staff_only(&actor)?;
    let asked = query.asked(|text| AppId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let apps = tx.placements().apps(asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(apps, |app| app.id.to_string(), AppView::from)))
}

/// Adds an app with a publishable key of its own.
#[utoipa::path(
    post, path = "/api/v1/apps", tag = "inventory", request_body = AppRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = AppView), Refusals)
)]
pub(crate) async fn add_app(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let request: AppRequest = json_body(&body)?;
    let mut write = match Write::begin(&api, &actor, "add_app", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let command = AddApp {
        code: request.code,
        name: request.name,
        partner: request.partner,
    };
    let app = add_app_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write.finish(StatusCode::CREATED, &AppView::from(app)).await
}

/// Placements.
#[utoipa::path(
    get, path = "/api/v1/placements", tag = "inventory", params(PageQuery),
    responses((status = 200, body = Page<PlacementView>), Refusals)
)]
pub(crate) async fn list_placements(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<PlacementView>>, Problem> {
    let asked = query.asked(|text| PlacementId::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let placements = tx.placements().list(asked.after, asked.to_read()).await?;
    Ok(Json(asked.page(
        placements,
        |placement| placement.id.to_string(),
        PlacementView::from,
    )))
}

/// Adds a placement to an app.
#[utoipa::path(
    post, path = "/api/v1/placements", tag = "inventory", request_body = PlacementRequest,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = PlacementView), Refusals)
)]
pub(crate) async fn add_placement(
    State(api): State<Api>,
    Writer(actor): Writer,
    key: IdempotencyKey,
    body: Bytes,
) -> Result<Answer, Problem> {
    let command = json_body::<PlacementRequest>(&body)?.command()?;
    let mut write = match Write::begin(&api, &actor, "add_placement", &key, &body).await? {
        Begin::Replay(answer) => return Ok(answer),
        Begin::Fresh(write) => write,
    };
    let placement = add_placement_in(&mut write.tx, &api.ctx, &actor, command)
        .await
        .map_err(problem)?;
    write
        .finish(StatusCode::CREATED, &PlacementView::from(placement))
        .await
}

/// Regions that lines may be targeted to, by code.
#[utoipa::path(
    get, path = "/api/v1/regions", tag = "inventory", params(PageQuery),
    responses((status = 200, body = Page<RegionView>), Refusals)
)]
pub(crate) async fn list_regions(
    State(api): State<Api>,
    Caller(_): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RegionView>>, Problem> {
    let asked = query.asked(|text| RegionCode::parse(text).ok())?;
    let mut tx = api.ctx.store.begin().await?;
    let after = asked.after.as_ref().map_or("", RegionCode::as_str).to_owned();
    let regions = tx.placements().regions(&after, asked.to_read()).await?;
    Ok(Json(asked.page(
        regions,
        |region| region.code.to_string(),
        RegionView::from,
    )))
}

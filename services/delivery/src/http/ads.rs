//! `POST /v1/ads` and `GET /v1/ads`: ads for placements (delivery.md §1).

use super::Serving;
use crate::geo::viewer_address;
use crate::journal::EventKind;
use crate::node::{AdRequest, Offer, PlacementAnswer};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use namoyish_domain::delivery::decision::{NoAdReason, PLACEMENTS_MAX};
use namoyish_runtime::problem::Problem;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;

/// Longest code of a placement.
const CODE_CHARS_MAX: usize = 100;

/// What a client asks for. Fields that this version doesn't know are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AdsQuestion {
    /// Codes of the placements to fill, 1 to 16.
    pub placements: Vec<String>,
}

/// The answers, in the order of the question.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdsAnswer {
    /// One for each placement.
    pub ads: Vec<AdAnswer>,
}

/// The answer for one placement: an ad, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdAnswer {
    /// The placement's code.
    pub placement: String,
    /// Pixels to reserve; 0: any.
    pub width: u32,
    /// Pixels to reserve; 0: any.
    pub height: u32,
    /// The ad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ad: Option<Ad>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_ad: Option<&'static str>,
}

/// An ad to be shown. Nothing is counted until `impression_url` is called.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ad {
    /// The material.
    pub material: String,
    /// `banner`, `text_image`, `article`, `comment` or `text`.
    pub kind: &'static str,
    /// Title.
    pub title: String,
    /// Text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The image, when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Pixels of the image.
    pub width: u32,
    /// Pixels of the image.
    pub height: u32,
    /// Where a click goes: counts it and redirects to the advertiser.
    pub click_url: String,
    /// To be called when the material is displayed.
    pub impression_url: String,
    /// To be called when half of it was in view for a second.
    pub viewable_url: String,
}

/// `GET /v1/ads?placement=…&placement=…&key=…`, for the simplest clients and the tag.
pub(super) async fn get_ads(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(pairs) = query.map_err(|error| Problem::bad_request("bad_query", error.body_text()))?;
    let mut placements = Vec::new();
    let mut key = None;
    for (name, value) in pairs {
        match name.as_str() {
            "placement" => placements.push(value),
            "key" => key = Some(value),
            _ => {}
        }
    }
    answer(
        &serving,
        peer,
        &headers,
        key.as_deref(),
        AdsQuestion { placements },
    )
    .map_err(|problem| *problem)
}

/// `POST /v1/ads`.
pub(super) async fn post_ads(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|error| {
        Problem::new(error.status(), "body_refused", error.body_text())
            .limit(super::BODY_BYTES_MAX.to_string())
    })?;
    let question = serde_json::from_slice(&body).map_err(|error| {
        Problem::bad_request("bad_json", format!("the body is not a question for ads: {error}"))
    })?;
    answer(&serving, peer, &headers, None, question).map_err(|problem| *problem)
}

fn answer(
    serving: &Serving,
    peer: SocketAddr,
    headers: &HeaderMap,
    key: Option<&str>,
    question: AdsQuestion,
) -> Result<Response, Box<Problem>> {
    let delivery = &serving.delivery;
    let now = delivery.clock.now();
    let viewer = viewer_address(peer.ip(), headers, &delivery.node.settings().trusted_proxies);
    if !serving.limit.admits(viewer, now) {
        return Err(Box::new(too_many_requests(serving.limit.per_minute_max())));
    }
    if let Some(problem) = fault_of(&question) {
        return Err(Box::new(problem));
    }

    let snapshot = delivery.node.snapshot();
    let key = bearer(headers).or(key).ok_or_else(unauthorized)?;
    let app = snapshot.app_of_key(key).ok_or_else(unauthorized)?;
    // Codes that don't exist are answered as such; the others are decided in one go, so that none gets a line twice.
    let found: Vec<_> = question
        .placements
        .iter()
        .map(|code| snapshot.placement_of(code))
        .collect();
    let request = AdRequest {
        // A partner's key serves only its placements.
        app: app.partner.then_some(app.id),
        placements: found.iter().flatten().copied().collect(),
        region: delivery.geo.region_of(viewer),
    };
    let mut answers = delivery.node.serve(&request, now).into_iter();
    let ads = question
        .placements
        .into_iter()
        .zip(found)
        .map(|(code, id)| {
            let placement = id.and_then(|id| snapshot.placement(id));
            let (width, height) = placement.map_or((0, 0), |placement| (placement.width, placement.height));
            let answer = id.and_then(|_| answers.next());
            let (ad, no_ad) = match answer.unwrap_or(PlacementAnswer::NoAd(NoAdReason::UnknownPlacement)) {
                PlacementAnswer::Ad(offer) => (Some(ad(serving, &offer)), None),
                PlacementAnswer::NoAd(reason) => (None, Some(reason.code())),
            };
            AdAnswer {
                placement: code,
                width,
                height,
                ad,
                no_ad,
            }
        })
        .collect();
    let body = serde_json::to_vec(&AdsAnswer { ads }).map_err(|error| Box::new(Problem::internal(&error)))?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

fn ad(serving: &Serving, offer: &Offer) -> Ad {
    let node = &serving.delivery.node;
    let base = &node.settings().public_url;
    let material = &offer.material;
    Ad {
        material: material.id.to_string(),
        kind: material.kind.code(),
        title: material.title.clone(),
        body: material.body.clone(),
        image_url: material
            .file_sha256
            .as_ref()
            .map(|sha256| format!("{base}/m/{sha256}")),
        width: material.width,
        height: material.height,
        click_url: format!("{base}/v1/c/{}", node.token(offer, EventKind::Click)),
        impression_url: format!("{base}/v1/i/{}", node.token(offer, EventKind::Impression)),
        viewable_url: format!("{base}/v1/v/{}", node.token(offer, EventKind::Viewable)),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
        .map(str::trim)
}

/// What is wrong with a question.
fn fault_of(question: &AdsQuestion) -> Option<Problem> {
    let asked = question.placements.len();
    if asked == 0 || asked > PLACEMENTS_MAX {
        let detail = format!("{asked} placements were asked for");
        let problem = Problem::bad_request("placements_out_of_range", detail);
        return Some(problem.field("placements").limit(format!("1..{PLACEMENTS_MAX}")));
    }
    let is_wrong = |code: &String| code.is_empty() || code.chars().count() > CODE_CHARS_MAX;
    question.placements.iter().any(is_wrong).then(|| {
        Problem::bad_request("placement_code_wrong", "a placement's code is empty or too long")
            .field("placements")
            .limit(format!("1..{CODE_CHARS_MAX} characters"))
    })
}

fn too_many_requests(per_minute_max: u32) -> Problem {
    let detail = "too many requests for ads from one address";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
        .limit(format!("{per_minute_max} a minute"))
}

fn unauthorized() -> Box<Problem> {
    let detail = "the publishable key of the app is missing or unknown";
    Box::new(Problem::new(StatusCode::UNAUTHORIZED, "publishable_key_wrong", detail).field("key"))
}

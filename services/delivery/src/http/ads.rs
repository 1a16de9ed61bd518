//! `POST /v1/ads` and `GET /v1/ads`: ads for placements (delivery.md §1).

use super::Serving;
use crate::geo::viewer_address;
use crate::node::{Answer, Offer, PageContext, Question, UnknownKey};
use crate::snapshot::placement_json;
use crate::token_keys::put_token;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use namoyish_domain::delivery::decision::PLACEMENTS_MAX;
use namoyish_domain::delivery::hash::QuickState;
use namoyish_domain::delivery::token::{SealedTokens, TokenKeys, seal_all};
use namoyish_domain::orders::targeting::context_hash;
use namoyish_runtime::problem::Problem;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use utoipa::ToSchema;

/// Longest code of a placement.
const CODE_CHARS_MAX: usize = 100;
/// Longest facts of a viewer.
const ID_CHARS_MAX: usize = 128;
const RUBRIC_CHARS_MAX: usize = 80;
const SEARCH_CHARS_MAX: usize = 200;
/// Words of a search that count.
const WORDS_MAX: usize = 16;

/// What a client asks for. Fields that this version doesn't know are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AdsQuestion<'a> {
    /// Codes of the placements to fill, 1 to 16.
    #[serde(borrow)]
    #[schema(value_type = Vec<String>)]
    pub placements: Vec<Cow<'a, str>>,
    /// What the app knows of the viewer and the page. All of it may be left out.
    #[serde(borrow, default)]
    pub viewer: ViewerFacts<'a>,
}

/// What the app may tell: nothing of it is stored.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ViewerFacts<'a> {
    /// An opaque name of the viewer, the same on each visit: lines with a frequency cap are counted by it. Without it
    /// the viewer's address stands for the viewer. At most 128 characters.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub id: Option<Cow<'a, str>>,
    /// The rubric of the page. At most 80 characters.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub rubric: Option<Cow<'a, str>>,
    /// What the viewer searched for. At most 200 characters; the first sixteen words count.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    pub search: Option<Cow<'a, str>>,
}

impl ViewerFacts<'_> {
    /// What is wrong with them.
    fn fault(&self) -> Option<Problem> {
        let facts = [
            ("viewer.id", &self.id, ID_CHARS_MAX),
            ("viewer.rubric", &self.rubric, RUBRIC_CHARS_MAX),
            ("viewer.search", &self.search, SEARCH_CHARS_MAX),
        ];
        facts.into_iter().find_map(|(field, text, most)| {
            let length = text.as_ref().map_or(0, |text| text.chars().count());
            (length > most).then(|| {
                Problem::bad_request("viewer_fact_too_long", format!("{field} has {length} characters"))
                    .field(field)
                    .limit(format!("{most} characters"))
            })
        })
    }

    fn context(&self, viewer: IpAddr) -> PageContext {
        let name = match &self.id {
            Some(id) if !id.is_empty() => QuickState::default().hash_one((1_u8, id.as_bytes())),
            _ => QuickState::default().hash_one((2_u8, viewer)),
        };
        let words = self.search.as_deref().unwrap_or_default().split_whitespace();
        let rubric = self.rubric.as_deref().filter(|rubric| !rubric.trim().is_empty());
        PageContext {
            viewer: Some(name),
            rubric: rubric.map(context_hash),
            words: words.take(WORDS_MAX).map(context_hash).collect(),
        }
    }
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

/// `GET /v1/ads?placement=…&placement=…&key=…&viewer=…&rubric=…&search=…`, for the simplest clients and the tag.
pub(super) async fn get_ads(
    State(serving): State<Serving>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(pairs) = query.map_err(|error| Problem::bad_request("bad_query", error.body_text()))?;
    let mut placements = Vec::new();
    let mut key = None;
    let mut facts = ViewerFacts::default();
    for (name, value) in pairs {
        match name.as_str() {
            "placement" => placements.push(Cow::Owned(value)),
            "key" => key = Some(value),
            "viewer" => facts.id = Some(Cow::Owned(value)),
            "rubric" => facts.rubric = Some(Cow::Owned(value)),
            "search" => facts.search = Some(Cow::Owned(value)),
            _ => {}
        }
    }
    answer(
        &serving,
        peer,
        &headers,
        key.as_deref(),
        &AdsQuestion {
            placements,
            viewer: facts,
        },
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
    answer(&serving, peer, &headers, None, &question).map_err(|problem| *problem)
}

fn answer(
    serving: &Serving,
    peer: SocketAddr,
    headers: &HeaderMap,
    key: Option<&str>,
    question: &AdsQuestion<'_>,
) -> Result<Response, Box<Problem>> {
    let delivery = &serving.delivery;
    let viewer = viewer_address(peer.ip(), headers, &delivery.node.settings().trusted_proxies);
    let mut body = Vec::with_capacity(1024);
    let asked = Asked {
        viewer,
        key: bearer(headers).or(key),
        question,
    };
    write_answer(serving, &asked, &mut Scratch::default(), &mut body)?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

/// A question with what its request says of the viewer.
pub(super) struct Asked<'a> {
    pub(super) viewer: IpAddr,
    pub(super) key: Option<&'a str>,
    pub(super) question: &'a AdsQuestion<'a>,
}

/// Memory that a connection keeps from one answer to the next.
#[derive(Default)]
pub(super) struct Scratch {
    answers: Vec<Answer>,
    tokens: Vec<u8>,
}

/// Decides, and appends the answer's JSON to `body`: an [`AdsAnswer`], written by hand from parts that the snapshot has
/// ready.
pub(super) fn write_answer(
    serving: &Serving,
    asked: &Asked<'_>,
    scratch: &mut Scratch,
    body: &mut Vec<u8>,
) -> Result<(), Box<Problem>> {
    let delivery = &serving.delivery;
    let now = delivery.clock.now();
    if !serving.limit.admits(asked.viewer, now) {
        return Err(Box::new(too_many_requests(serving.limit.per_minute_max())));
    }
    let AdsQuestion {
        placements: codes,
        viewer: facts,
    } = asked.question;
    if let Some(problem) = fault_of(codes).or_else(|| facts.fault()) {
        return Err(Box::new(problem));
    }
    let question = Question {
        key: asked.key.ok_or_else(unauthorized)?,
        codes,
        viewer: delivery.geo.whereabouts(asked.viewer),
        context: facts.context(asked.viewer),
    };
    scratch.answers.clear();
    delivery
        .node
        .answer(&question, now, &mut scratch.answers)
        .map_err(|UnknownKey| unauthorized())?;
    let keys = delivery.node.keys();
    body.extend_from_slice(b"{\"ads\":[");
    for (n, (answer, code)) in scratch.answers.drain(..).zip(codes).enumerate() {
        if n > 0 {
            body.push(b',');
        }
        match &answer.placement {
            Some(placement) => body.extend_from_slice(&placement.json),
            None => body.extend_from_slice(&placement_json(code, 0, 0)),
        }
        match &answer.ad {
            Ok(offer) => write_ad(serving, offer, &keys, &mut scratch.tokens, body),
            Err(reason) => {
                body.extend_from_slice(b"\"no_ad\":\"");
                body.extend_from_slice(reason.code().as_bytes());
                body.extend_from_slice(b"\"}");
            }
        }
    }
    body.extend_from_slice(b"]}");
    Ok(())
}

fn write_ad(serving: &Serving, offer: &Offer, keys: &TokenKeys, tokens: &mut Vec<u8>, body: &mut Vec<u8>) {
    body.extend_from_slice(&offer.material.json);
    // A target longer than a token takes was refused when the material was submitted. Its click would lead nowhere.
    let sealed = seal_all(&offer.claims, &offer.material.target_url, keys, tokens);
    let sealed = sealed.unwrap_or(SealedTokens {
        impression: &[],
        viewable: &[],
        click: &[],
    });
    put_token(sealed.click, body);
    body.extend_from_slice(&serving.before_impression);
    put_token(sealed.impression, body);
    body.extend_from_slice(&serving.before_viewable);
    put_token(sealed.viewable, body);
    body.extend_from_slice(b"\"}}");
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    key_of_bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The key in an `Authorization` header.
pub(super) fn key_of_bearer(authorization: &str) -> Option<&str> {
    authorization.strip_prefix("Bearer ").map(str::trim)
}

/// What is wrong with a question.
fn fault_of(codes: &[Cow<'_, str>]) -> Option<Problem> {
    let asked = codes.len();
    if asked == 0 || asked > PLACEMENTS_MAX {
        let detail = format!("{asked} placements were asked for");
        let problem = Problem::bad_request("placements_out_of_range", detail);
        return Some(problem.field("placements").limit(format!("1..{PLACEMENTS_MAX}")));
    }
    let is_wrong = |code: &Cow<'_, str>| {
        code.is_empty() || (code.len() > CODE_CHARS_MAX && code.chars().count() > CODE_CHARS_MAX)
    };
    codes.iter().any(is_wrong).then(|| {
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

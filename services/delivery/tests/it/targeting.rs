//! To whom and when a line is shown, beside its region (orders.md §3; delivery.md §3).

use crate::world::{OWN_KEY, Wanted, World, tashkent, top};
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Request, header};
use http_body_util::BodyExt;
use namoyish_delivery::geo::Geo;
use namoyish_delivery::http::router;
use namoyish_delivery::node::{AdRequest, Node, PageContext, PlacementAnswer};
use namoyish_delivery::run::Delivery;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::LineId;
use namoyish_domain::orders::targeting::context_hash;
use namoyish_runtime::shutdown::Shutdown;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tower::ServiceExt;

/// The only line with this targeting.
struct Targeted<'a> {
    rubrics: &'a [&'a str],
    phrases: &'a [&'a str],
    schedule: &'a [&'a str],
    cap: Option<i16>,
}

const NONE: Targeted<'static> = Targeted {
    rubrics: &[],
    phrases: &[],
    schedule: &[],
    cap: None,
};

async fn line(world: &mut World, targeted: Targeted<'_>) -> LineId {
    let line = world.line(Wanted::default()).await;
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    // Signed as it is; what is tested is what the node makes of it.
    sqlx::query("alter table order_lines disable trigger user")
        .execute(&world.pool)
        .await
        .unwrap();
    sqlx::query(
        "update order_lines set rubrics = $2, search_phrases = $3, schedule = $4, frequency_cap = $5 where id = $1",
    )
    .bind(line.uuid())
    .bind(texts(targeted.rubrics))
    .bind(texts(targeted.phrases))
    .bind(texts(targeted.schedule))
    .bind(targeted.cap)
    .execute(&world.pool)
    .await
    .unwrap();
    line
}

async fn ask(node: &Node, now: Timestamp, context: PageContext) -> Result<LineId, &'static str> {
    node.refill(now).await.unwrap();
    let asked = AdRequest {
        app: None,
        placements: vec![top()],
        region: None,
        context,
    };
    match node.serve(&asked, now).pop().unwrap() {
        PlacementAnswer::Ad(offer) => Ok(offer.claims.line),
        PlacementAnswer::NoAd(reason) => Err(reason.code()),
    }
}

fn page(viewer: u64, rubric: &str, search: &str) -> PageContext {
    PageContext {
        viewer: Some(viewer),
        rubric: (!rubric.is_empty()).then(|| context_hash(rubric)),
        words: search.split_whitespace().map(context_hash).collect(),
    }
}

// orders.md §3: days of week and hours, Tashkent. 1 November 2026 is a Sunday.
#[tokio::test]
async fn a_line_is_shown_in_its_hours_alone() {
    let mut world = World::new(71).await;
    let schedule = ["sun 09-12", "mon 00-24"];
    let line = line(
        &mut world,
        Targeted {
            schedule: &schedule,
            ..NONE
        },
    )
    .await;
    let node = world.node("node-1").await;
    for (at, outcome) in [
        ("2026-11-01T06:00:00", Err("pace")),
        ("2026-11-01T08:59:59", Err("pace")),
        ("2026-11-01T09:00:00", Ok(line)),
        ("2026-11-01T11:59:59", Ok(line)),
        ("2026-11-01T12:00:00", Err("pace")),
        ("2026-11-01T23:59:59", Err("pace")),
    ] {
        let told = ask(&node, tashkent(at), PageContext::default()).await;
        assert_eq!(told, outcome, "{at}");
    }
}

// orders.md §3: rubrics and search context.
#[tokio::test]
async fn a_line_with_a_context_is_shown_on_its_pages_alone() {
    let mut world = World::new(72).await;
    let line = line(
        &mut world,
        Targeted {
            rubrics: &["Kafe va restoranlar"],
            phrases: &["osh markazi", "palov"],
            ..NONE
        },
    )
    .await;
    let node = world.node("node-1").await;
    for (rubric, search, is_shown) in [
        ("", "", false),
        ("Dorixonalar", "", false),
        ("KAFE VA RESTORANLAR", "", true),
        ("Dorixonalar", "eng yaxshi palov", true),
        ("", "Markazi shahar osh", true),
        ("", "osh", false),
        ("", "markazi", false),
    ] {
        let told = ask(&node, tashkent("2026-11-01T12:00:00"), page(1, rubric, search)).await;
        // Pages without it are not among the line's placements at all.
        assert_eq!(told.ok(), is_shown.then_some(line), "{rubric} | {search}");
    }
    // Opportunities of the line are those three pages.
    node.report_traffic(&world.ctx.store).await.unwrap();
    let told: i64 = sqlx::query_scalar("select opportunities from line_demand where line_id = $1")
        .bind(line.uuid())
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(told, 3);
}

// orders.md §3: so many impressions for one viewer and day.
#[tokio::test]
async fn a_viewer_sees_a_line_no_more_often_than_its_cap() {
    let mut world = World::new(73).await;
    let line = line(&mut world, Targeted { cap: Some(2), ..NONE }).await;
    let node = world.node("node-1").await;
    let noon = tashkent("2026-11-01T12:00:00");
    for (viewer, outcome) in [
        (1, Ok(line)),
        (2, Ok(line)),
        (1, Ok(line)),
        (1, Err("viewer")),
        (2, Ok(line)),
        (2, Err("viewer")),
        (3, Ok(line)),
    ] {
        assert_eq!(ask(&node, noon, page(viewer, "", "")).await, outcome, "{viewer}");
    }
    assert_eq!(
        ask(&node, noon, PageContext::default()).await,
        Err("viewer"),
        "nobody could count"
    );
}

// delivery.md §1: viewer facts the app may pass.
#[tokio::test]
async fn an_app_tells_of_the_viewer_and_the_page() {
    let mut world = World::new(74).await;
    line(
        &mut world,
        Targeted {
            phrases: &["palov"],
            cap: Some(1),
            ..NONE
        },
    )
    .await;
    world.ctx.clock.advance_to(tashkent("2026-11-01T12:00:00"));
    let node = world.node("node-1").await;
    let delivery = Delivery::new(node, Geo::built_in().unwrap(), world.ctx.clock.clone());
    let peer: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    let router =
        router(delivery.clone(), world.ctx.ids.clone(), Shutdown::new()).layer(MockConnectInfo(peer));
    let ask = async |viewer: Value| {
        delivery.node.refill(world.ctx.now()).await.unwrap();
        let body = json!({ "placements": ["site-top"], "viewer": viewer }).to_string();
        let request = Request::post("/v1/ads")
            .header(header::AUTHORIZATION, format!("Bearer {OWN_KEY}"))
            .body(Body::from(body))
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let told: Value = serde_json::from_slice(&bytes).unwrap();
        told["code"]
            .as_str()
            .or(told["ads"][0]["no_ad"].as_str())
            .unwrap_or("ad")
            .to_owned()
    };
    assert_ne!(ask(json!({ "id": "a" })).await, "ad");
    assert_eq!(
        ask(json!({ "id": "a", "search": "PALOV", "language": "uz" })).await,
        "ad"
    );
    assert_eq!(ask(json!({ "id": "a", "search": "palov" })).await, "viewer");
    assert_eq!(ask(json!({ "id": "b", "search": "palov" })).await, "ad");
    // Without a name the address stands for the viewer.
    assert_eq!(ask(json!({ "search": "palov" })).await, "ad");
    assert_eq!(ask(json!({ "search": "palov", "rubric": "x" })).await, "viewer");
    for (field, most) in [("id", 128), ("rubric", 80), ("search", 200)] {
        let long = json!({ field: "\u{e9}".repeat(most + 1) });
        assert_eq!(ask(long).await, "viewer_fact_too_long", "{field}");
    }
}

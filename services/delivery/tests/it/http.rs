//! The ad server's routes in process: what they answer, and everything they refuse (delivery.md §1, §4).

use crate::world::{OWN_KEY, PARTNER_KEY, Wanted, World, region, top};
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Method, Request, Response, StatusCode, header};
use chrono::TimeDelta;
use http_body_util::BodyExt;
use namoyish_delivery::geo::Geo;
use namoyish_delivery::http::router;
use namoyish_delivery::node::Node;
use namoyish_delivery::run::Delivery;
use namoyish_domain::ids::LineId;
use namoyish_runtime::shutdown::Shutdown;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tower::ServiceExt;
use uuid::Uuid;

struct Site {
    world: World,
    delivery: Delivery,
    router: Router,
}

impl Site {
    /// A node behind a trusted proxy at 10.0.0.1, with an overlay: 192.0.2.0/24 is Tashkent, 198.51.100.0/24 Samarkand.
    async fn new(seed: u64, wanted: Wanted<'_>) -> (Site, LineId) {
        let mut world = World::new(seed).await;
        let line = world.line(wanted).await;
        let overlay = world.journals.path().join("overlay.csv");
        std::fs::write(
            &overlay,
            "192.0.2.0/24,UZ-TK\n198.51.100.0/24,UZ-SA\n2001:db8::/32,UZ-TK\n",
        )
        .unwrap();
        let geo = Geo::open(None, Some(overlay)).unwrap();
        let mut parts = world.parts("node-1", world.counters.clone());
        parts.settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        parts.settings.requests_per_minute_max = 50;
        let node = Node::start(parts, world.ctx.now()).await.unwrap();
        node.refill(world.ctx.now()).await.unwrap();
        let delivery = Delivery::new(node, geo, world.ctx.clock.clone());
        let peer: SocketAddr = "10.0.0.1:4711".parse().unwrap();
        let router =
            router(delivery.clone(), world.ctx.ids.clone(), Shutdown::new()).layer(MockConnectInfo(peer));
        (
            Site {
                world,
                delivery,
                router,
            },
            line,
        )
    }

    async fn call(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response<Body> {
        self.call(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn ask(&self, key: &str, viewer: &str, placements: &[&str]) -> (StatusCode, Value) {
        let body = json!({ "placements": placements, "viewer": { "id": "v1" } }).to_string();
        let request = Request::post("/v1/ads")
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-forwarded-for", viewer)
            .body(Body::from(body))
            .unwrap();
        let response = self.call(request).await;
        (response.status(), json_of(response).await)
    }

    /// The ad of site-top for a viewer in Tashkent.
    async fn ad(&self) -> Value {
        let (status, answer) = self.ask(OWN_KEY, "192.0.2.7", &["site-top"]).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert!(answer["ads"][0]["ad"].is_object(), "{answer}");
        answer["ads"][0]["ad"].clone()
    }
}

async fn json_of(response: Response<Body>) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

async fn refusal(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|t| t == "application/problem+json");
    assert!(is_problem, "{status} is no problem document");
    (
        status,
        json_of(response).await["code"].as_str().unwrap().to_owned(),
    )
}

fn path_of(url: &Value) -> String {
    url.as_str()
        .unwrap()
        .strip_prefix("http://127.0.0.1:8081")
        .unwrap()
        .to_owned()
}

fn tashkent_only() -> Wanted<'static> {
    Wanted {
        regions: &["UZ-TK"],
        ..Wanted::default()
    }
}

#[tokio::test]
async fn an_ad_is_given_by_the_viewers_region_behind_the_proxy() {
    let (site, _) = Site::new(21, tashkent_only()).await;
    let (_, inside) = site
        .ask(OWN_KEY, "192.0.2.7", &["site-top", "site-side", "nowhere"])
        .await;
    assert_eq!(inside["ads"][0]["ad"]["title"], "Sinov");
    assert_eq!(inside["ads"][1]["no_ad"], "no_line");
    assert_eq!(inside["ads"][2]["no_ad"], "unknown_placement");
    for (viewer, outcome) in [
        ("198.51.100.7", Some("region")),
        ("203.0.113.7", Some("region")),
        ("192.0.2.7, 198.51.100.7", Some("region")),
        ("198.51.100.7, 192.0.2.7", None),
        ("198.51.100.7, 192.0.2.7, 10.0.0.9", None),
        ("2001:db8::7", None),
        ("192.0.2.7, nonsense", Some("region")),
    ] {
        site.world
            .ctx
            .clock
            .advance_to(site.world.ctx.now() + TimeDelta::minutes(6));
        site.delivery.node.refill(site.world.ctx.now()).await.unwrap();
        let (_, answer) = site.ask(OWN_KEY, viewer, &["site-top"]).await;
        assert_eq!(answer["ads"][0]["no_ad"].as_str(), outcome, "{viewer}");
    }
    let by_get = site
        .call(
            Request::get(format!("/v1/ads?placement=site-top&key={OWN_KEY}"))
                .header("x-forwarded-for", "198.51.100.7")
                .header(header::ORIGIN, "https://page.example")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(by_get.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(by_get.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(json_of(by_get).await["ads"][0]["no_ad"], "region");
    assert_eq!(
        site.delivery.geo.region_of("192.0.2.1".parse().unwrap()),
        Some(region("UZ-TK"))
    );
}

#[tokio::test]
async fn without_the_key_of_an_app_there_is_no_ad() {
    let (site, _) = Site::new(22, Wanted::default()).await;
    for path in [
        "/v1/ads?placement=site-top",
        "/v1/ads?placement=site-top&key=guess",
    ] {
        assert_eq!(
            refusal(site.get(path).await).await,
            (401, "publishable_key_wrong".to_owned())
        );
    }
    let (status, answer) = site.ask("", "192.0.2.7", &["site-top"]).await;
    assert_eq!(
        (status.as_u16(), answer["code"].as_str()),
        (401, Some("publishable_key_wrong"))
    );
    let (_, answer) = site.ask(PARTNER_KEY, "192.0.2.7", &["site-top"]).await;
    assert_eq!(answer["ads"][0]["no_ad"], "placement_of_another_app");
}

#[tokio::test]
async fn a_bad_question_is_refused_by_its_limit() {
    let (site, _) = Site::new(23, Wanted::default()).await;
    let post = |body: String| {
        Request::post("/v1/ads")
            .header(header::AUTHORIZATION, format!("Bearer {OWN_KEY}"))
            .body(Body::from(body))
            .unwrap()
    };
    let many = vec!["site-top"; 17];
    for (body, status, code) in [
        ("{".to_owned(), 400, "bad_json"),
        ("[]".to_owned(), 400, "bad_json"),
        (r#"{"placements":"site-top"}"#.to_owned(), 400, "bad_json"),
        (r#"{"placements":[]}"#.to_owned(), 400, "placements_out_of_range"),
        (
            json!({ "placements": many }).to_string(),
            400,
            "placements_out_of_range",
        ),
        (r#"{"placements":[""]}"#.to_owned(), 400, "placement_code_wrong"),
        (
            json!({ "placements": ["x".repeat(101)] }).to_string(),
            400,
            "placement_code_wrong",
        ),
        (
            json!({ "placements": ["x"], "more": "y".repeat(20_000) }).to_string(),
            413,
            "body_refused",
        ),
    ] {
        let cut: String = body.chars().take(60).collect();
        assert_eq!(
            refusal(site.call(post(body)).await).await,
            (status, code.to_owned()),
            "{cut}"
        );
    }
    assert_eq!(refusal(site.get("/v1/nothing").await).await.0, 404);
    let status = site
        .call(Request::delete("/v1/ads").body(Body::empty()).unwrap())
        .await
        .status();
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn one_address_asks_no_more_than_its_limit_in_a_minute() {
    let (site, _) = Site::new(24, Wanted::default()).await;
    for _ in 0..50 {
        assert_eq!(
            site.ask(OWN_KEY, "192.0.2.7", &["site-top"]).await.0,
            StatusCode::OK
        );
    }
    let (status, answer) = site.ask(OWN_KEY, "192.0.2.7", &["site-top"]).await;
    assert_eq!(
        (status.as_u16(), answer["code"].as_str()),
        (429, Some("too_many_requests"))
    );
    assert_eq!(
        site.ask(OWN_KEY, "192.0.2.8", &["site-top"]).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_impression_counts_once_however_often_it_is_called() {
    let (site, line) = Site::new(25, Wanted::default()).await;
    let ad = site.ad().await;
    let (impression, viewable) = (path_of(&ad["impression_url"]), path_of(&ad["viewable_url"]));
    for method in [Method::GET, Method::POST, Method::GET] {
        let request = Request::builder()
            .method(method)
            .uri(&impression)
            .body(Body::empty())
            .unwrap();
        let response = site.call(request).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
    assert_eq!(site.get(&viewable).await.status(), StatusCode::NO_CONTENT);
    site.delivery
        .node
        .ship(&site.world.ctx.store, site.world.ctx.now())
        .await
        .unwrap();
    assert_eq!(site.world.counted(line).await, 1);
}

#[tokio::test]
async fn link_checkers_and_forgers_count_nothing() {
    let (site, line) = Site::new(26, Wanted::default()).await;
    let ad = site.ad().await;
    let impression = path_of(&ad["impression_url"]);
    let head = Request::head(&impression).body(Body::empty()).unwrap();
    assert_eq!(site.call(head).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let forged = format!("{}AAAA", &impression[..impression.len() - 4]);
    assert_eq!(
        refusal(site.get(&forged).await).await,
        (400, "token_signature_wrong".to_owned())
    );
    assert_eq!(
        refusal(site.get("/v1/i/abc").await).await,
        (400, "token_malformed".to_owned())
    );
    assert_eq!(
        refusal(site.get("/v1/i/***").await).await,
        (400, "token_malformed".to_owned())
    );
    let as_click = impression.replace("/v1/i/", "/v1/c/");
    assert_eq!(
        refusal(site.get(&as_click).await).await,
        (400, "token_of_another_kind".to_owned())
    );
    site.world
        .ctx
        .clock
        .advance_to(site.world.ctx.now() + TimeDelta::seconds(601));
    assert_eq!(
        refusal(site.get(&impression).await).await,
        (410, "token_expired".to_owned())
    );
    site.delivery
        .node
        .ship(&site.world.ctx.store, site.world.ctx.now())
        .await
        .unwrap();
    assert_eq!(site.world.counted(line).await, 0);
}

#[tokio::test]
async fn a_click_goes_to_the_signed_target_and_nowhere_else() {
    let (site, line) = Site::new(27, Wanted::default()).await;
    let ad = site.ad().await;
    let click = path_of(&ad["click_url"]);
    for extra in ["", "?url=https://evil.example", "?target=https://evil.example"] {
        let response = site.get(&format!("{click}{extra}")).await;
        assert_eq!(response.status(), StatusCode::FOUND);
        assert_eq!(response.headers()[header::LOCATION], "https://example.uz/");
    }
    site.delivery
        .node
        .ship(&site.world.ctx.store, site.world.ctx.now())
        .await
        .unwrap();
    let clicks: i64 = sqlx::query_scalar("select sum(clicks)::bigint from line_hours where line_id = $1")
        .bind(line.uuid())
        .fetch_one(&site.world.pool)
        .await
        .unwrap();
    assert_eq!(clicks, 1);
    // A viewer who clicks late still gets there; nothing is counted.
    site.world
        .ctx
        .clock
        .advance_to(site.world.ctx.now() + TimeDelta::hours(1));
    assert_eq!(site.get(&click).await.status(), StatusCode::FOUND);
}

#[tokio::test]
async fn files_are_those_of_materials_that_may_be_shown() {
    let (site, line) = Site::new(28, Wanted::default()).await;
    let (known, secret) = ("a".repeat(64), "b".repeat(64));
    for sha256 in [&known, &secret] {
        sqlx::query("insert into files values ($1, 'image/png', $2, now())")
            .bind(sha256)
            .bind(b"\x89PNG".as_slice())
            .execute(&site.world.pool)
            .await
            .unwrap();
    }
    // The line's material was written without a file; a submitted one is frozen.
    sqlx::query("alter table ad_materials disable trigger user")
        .execute(&site.world.pool)
        .await
        .unwrap();
    // A material never changes: another version brings the file.
    sqlx::query(
        "with second as (insert into ad_materials (id, line_id, version, kind, title, target_url, submitted_at, submitted_by,
             live_from, file_sha256)
           select gen_random_uuid(), line_id, 2, kind, title, target_url, submitted_at, submitted_by, live_from, $2
           from ad_materials where line_id = $1 returning id, submitted_at)
         insert into moderation_decisions (material_id, state, decided_at, decided_by)
           select id, 'approved', submitted_at, 'sinov' from second
           union all
           select id, 'withdrawn', submitted_at, 'sinov' from ad_materials where line_id = $1 and version = 1",
    )
        .bind(line.uuid())
        .bind(&known)
        .execute(&site.world.pool)
        .await
        .unwrap();
    site.world.plan(site.world.ctx.today()).await;
    assert!(
        site.delivery
            .node
            .refresh_snapshot(site.world.ctx.now())
            .await
            .unwrap()
    );
    site.delivery
        .files
        .fill(&site.delivery.node, &site.delivery.node.snapshot())
        .await
        .unwrap();

    let file = site.get(&format!("/m/{known}")).await;
    assert_eq!(file.headers()[header::CONTENT_TYPE], "image/png");
    assert_eq!(
        file.headers()[header::CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(file.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let tag = file.headers()[header::ETAG].clone();
    assert_eq!(
        file.into_body().collect().await.unwrap().to_bytes().as_ref(),
        b"\x89PNG"
    );
    let again = Request::get(format!("/m/{known}"))
        .header(header::IF_NONE_MATCH, tag)
        .body(Body::empty())
        .unwrap();
    assert_eq!(site.call(again).await.status(), StatusCode::NOT_MODIFIED);
    for path in [
        format!("/m/{secret}"),
        "/m/..%2f..%2fetc".to_owned(),
        format!("/m/{}", "A".repeat(64)),
    ] {
        assert_eq!(refusal(site.get(&path).await).await.0, 404, "{path}");
    }
    let ad = site.ad().await;
    assert_eq!(ad["image_url"], format!("http://127.0.0.1:8081/m/{known}"));
    // A lost database doesn't take the pictures away.
    site.world.ctx.store.close().await;
    assert_eq!(site.get(&format!("/m/{known}")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_tag_is_served_to_any_page() {
    let (site, _) = Site::new(29, Wanted::default()).await;
    let request = Request::get("/tag.js")
        .header(header::ORIGIN, "https://page.example")
        .body(Body::empty())
        .unwrap();
    let response = site.call(request).await;
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert!(bytes.starts_with(b"/* Namoyish browser tag"));
    assert_eq!(site.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(site.get("/readyz").await.status(), StatusCode::OK);
}

/// spec delivery.md §3: a change is in force in every serving node within 5 s. The loops run in real time here.
#[tokio::test]
async fn a_change_is_in_force_within_five_seconds() {
    let (site, line) = Site::new(30, Wanted::default()).await;
    let shutdown = Shutdown::new();
    let running = tokio::spawn({
        let (delivery, shutdown) = (site.delivery.clone(), shutdown.clone());
        async move { delivery.run(shutdown).await }
    });
    assert_eq!(site.delivery.node.snapshot().lines_running(), 1);
    site.world
        .sql(
            "update customers set suspended_at = now() where id = $1",
            &[site.world.customer.uuid()],
        )
        .await;
    let mut tx = site.world.ctx.store.begin().await.unwrap();
    tx.bump_snapshot().await.unwrap();
    tx.save().await.unwrap();
    let begun = Instant::now();
    while site.delivery.node.snapshot().lines_running() > 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "still served after {:?}",
            begun.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (_, answer) = site.ask(OWN_KEY, "192.0.2.7", &["site-top"]).await;
    assert_eq!(answer["ads"][0]["no_ad"], "no_line");
    shutdown.begin();
    tokio::time::timeout(Duration::from_secs(5), running)
        .await
        .unwrap()
        .unwrap();
    site.delivery.node.finish(site.world.ctx.now()).await.unwrap();
    let seen: Option<Uuid> = sqlx::query_scalar("select placement_id from traffic_hours limit 1")
        .fetch_optional(&site.world.pool)
        .await
        .unwrap();
    assert_eq!(seen, Some(top().uuid()), "line {line}");
}

//! Every route of the OpenAPI description: needs a key, keeps viewers from writing, needs an idempotency key to write.

use super::client::Client;
use super::world::World;
use axum::body::Body;
use http::{Request, header};
use namoyish_runtime::context::Role;
use serde_json::Value;

/// Method, path with its parameters filled in, and the operation's description.
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let filled = path
            .split('/')
            .map(|segment| if segment.starts_with('{') { "x" } else { segment })
            .collect::<Vec<_>>()
            .join("/");
        for (method, operation) in item.as_object().unwrap() {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                found.push((method.to_uppercase(), filled.clone(), operation.clone()));
            }
        }
    }
    assert!(found.len() >= 30, "only {} operations are described", found.len());
    found
}

fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("Idempotency-Key", "k")
        .body(Body::from("{}"))
        .unwrap()
}

async fn described(world: &World) -> Value {
    let anybody = Client::without_key(world.router.clone());
    let answer = anybody.get("/api/openapi.json").await.ok(200);
    assert!(
        answer.text("/openapi").starts_with("3.1"),
        "{}",
        answer.text("/openapi")
    );
    answer.json
}

#[tokio::test]
async fn every_route_refuses_who_has_no_key() {
    let world = World::make(1).await;
    let anybody = Client::without_key(world.router.clone());
    let stranger = Client::new(world.router.clone(), &format!("nk_{}", "0".repeat(64)));
    let garbage = Client::new(world.router.clone(), &"x".repeat(300));
    for (method, path, _) in operations(&described(&world).await) {
        for client in [&anybody, &stranger, &garbage] {
            let answer = client.send(request(&method, &path)).await;
            assert_eq!(
                answer.refusal(),
                (401, "not_signed_in".to_owned()),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_viewers_key_reads_every_route_and_writes_none() {
    let world = World::make(2).await;
    let description = described(&world).await;
    let viewers = [
        world.client(Role::Viewer, None).await,
        world.client(Role::Viewer, Some(world.customer)).await,
    ];
    for (method, path, _) in operations(&description) {
        for viewer in &viewers {
            let answer = viewer.send(request(&method, &path)).await;
            if method == "GET" {
                let allowed = [200, 404].contains(&answer.status.as_u16()) || path == "/api/v1/apps";
                assert!(allowed, "{method} {path}: {} {}", answer.status, answer.json);
            } else {
                assert_eq!(
                    answer.refusal(),
                    (403, "not_allowed".to_owned()),
                    "{method} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_write_needs_an_idempotency_key_and_says_so() {
    let world = World::make(3).await;
    let admin = world.admin().await;
    for (method, path, operation) in operations(&described(&world).await) {
        if method == "GET" {
            continue;
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let told = parameters.iter().any(|parameter| {
            parameter["name"] == "Idempotency-Key"
                && parameter["in"] == "header"
                && parameter["required"] == true
        });
        assert!(
            told,
            "{method} {path} does not describe its header Idempotency-Key"
        );
        let mut bare = request(&method, &path);
        bare.headers_mut().remove("Idempotency-Key");
        let answer = admin.send(bare).await;
        assert_eq!(
            answer.refusal(),
            (400, "idempotency_key_missing".to_owned()),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn the_description_is_browsable_and_unknown_paths_are_problems() {
    let world = World::make(4).await;
    let anybody = Client::without_key(world.router.clone());
    let page = anybody.get("/api/docs/").await.ok(200);
    assert!(page.media_type.starts_with("text/html"), "{}", page.media_type);
    let admin = world.admin().await;
    assert_eq!(
        admin.get("/api/v1/nothing").await.refusal(),
        (404, "not_found".to_owned())
    );
    assert_eq!(admin.get("/api").await.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_revoked_key_opens_nothing() {
    use super::world::system;
    use namoyish_orders::app::api_key::{MakeApiKey, make_api_key, revoke_api_key};
    let world = World::make(5).await;
    let command = MakeApiKey {
        name: "import".into(),
        role: Role::Sales,
        customer: None,
    };
    let made = make_api_key(&world.test, &system(), command).await.unwrap();
    let client = Client::new(world.router.clone(), &made.secret);
    client.get("/api/v1/operator").await.ok(200);
    revoke_api_key(&world.test, &system(), made.key.id).await.unwrap();
    assert_eq!(client.get("/api/v1/operator").await.refusal().0, 401);
    assert_eq!(
        revoke_api_key(&world.test, &system(), made.key.id)
            .await
            .unwrap_err()
            .code(),
        "not_found"
    );
}

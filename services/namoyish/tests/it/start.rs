//! `namoyish up` on an empty folder, ended by Ctrl-C and started again.

use crate::http::Client;
use crate::market;
use crate::program::{Start, folder, free_port, is_alive, pids, until};
use namoyish_domain::ids::AppId;
use namoyish_orders::app::add_app::{AddApp, add_app};
use namoyish_orders::app::api_key::{MakeApiKey, make_api_key};
use namoyish_orders::app::set_up_operator::{SetUpOperator, set_up_operator};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_runtime::embedded::{Postgres, PostgresOptions};
use namoyish_storage::Store;
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn the_platform_starts_on_an_empty_folder_and_goes_on_after_a_restart() {
    let folder = folder();
    let data = folder.path().join("data");
    let (orders, delivery) = (free_port(), free_port());
    let start = Start::new(folder.path(), &["up", "--no-demo"])
        .with_orders_port(orders)
        .with_delivery_port(delivery);

    let mut platform = start.run();
    platform.ready_at(orders).await;
    platform.ready_at(delivery).await;
    assert!(
        platform.log().contains("PostgreSQL"),
        "it says what it stands on:\n{}",
        platform.log()
    );
    let servers = servers_of(&data);
    assert_eq!(servers.len(), 2, "a private PostgreSQL and a private Redis run");
    assert!(servers.iter().all(|pid| is_alive(*pid)));
    assert!(platform.interrupt().await.success(), "Ctrl-C ends it well");
    gone(&servers).await;

    let (secret, app, key) = fill(&data).await;

    let mut platform = start.run();
    platform.ready_at(orders).await;
    platform.ready_at(delivery).await;
    let bearer = format!("Bearer {secret}");
    let told = Client::of_port(orders)
        .get("/api/v1/operator", &[("authorization", &bearer)])
        .await
        .unwrap();
    assert_eq!(told.status, 200, "{}", told.body);
    assert!(told.body.contains("Sinov Reklama"), "{}", told.body);
    let nobody = Client::of_port(orders)
        .get("/api/v1/operator", &[])
        .await
        .unwrap();
    assert_eq!(nobody.status, 401, "{}", nobody.body);
    let ask = format!("/v1/ads?placement=hech-qayer&key={key}");
    let asked = Client::of_port(delivery).get(&ask, &[]).await.unwrap();
    assert_eq!(
        asked.status, 200,
        "the app {app} is known to the node: {}",
        asked.body
    );
    assert_eq!(asked.json()["ads"][0]["no_ad"], "unknown_placement");
    let servers = servers_of(&data);
    assert!(platform.interrupt().await.success());
    gone(&servers).await;
}

#[tokio::test]
async fn a_second_platform_on_the_same_folder_is_refused_and_harms_nothing() {
    let folder = folder();
    let (orders, delivery) = (free_port(), free_port());
    let start = Start::new(folder.path(), &["up", "--no-demo"])
        .with_orders_port(orders)
        .with_delivery_port(delivery);
    let mut platform = start.run();
    platform.ready_at(orders).await;
    let second = start
        .clone()
        .with_orders_port(free_port())
        .with_delivery_port(free_port())
        .output()
        .await;
    assert_eq!(
        second.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&second.stdout)
    );
    assert!(!second.stderr.is_empty(), "it says why");
    platform.ready_at(orders).await;
    assert!(platform.interrupt().await.success());
}

fn servers_of(data: &Path) -> Vec<u32> {
    let mut found = pids(data, "postmaster.pid");
    found.extend(pids(data, "redis.pid"));
    found
}

async fn gone(servers: &[u32]) {
    until("the private servers end", Duration::from_secs(10), async || {
        servers.iter().all(|pid| !is_alive(*pid)).then_some(())
    })
    .await;
}

/// Writes into the database that the first start made, while nothing runs.
async fn fill(data: &Path) -> (String, AppId, String) {
    let folder = data.to_owned();
    let postgres =
        tokio::task::spawn_blocking(move || Postgres::start(&folder, PostgresOptions { fsync: true }))
            .await
            .unwrap()
            .unwrap();
    let store = Store::connect(&postgres.url("namoyish"), 2).await.unwrap();
    let ctx = Context::new(store.clone());
    let by = Actor::system("sinov");
    let set_up = SetUpOperator {
        form: market::operator(),
        vat_payer: true,
        vat_payer_from: ctx.today(),
        penalty_cap_percent: None,
        only_vat_rate: None,
    };
    set_up_operator(&ctx, &by, set_up).await.unwrap();
    let app = AddApp {
        code: "sinov".to_owned(),
        name: "Sinov".to_owned(),
        partner: false,
    };
    let app = add_app(&ctx, &by, app).await.unwrap();
    let make = MakeApiKey {
        name: "sinov".to_owned(),
        role: Role::Admin,
        customer: None,
    };
    let made = make_api_key(&ctx, &by, make).await.unwrap();
    store.close().await;
    tokio::task::spawn_blocking(move || postgres.stop())
        .await
        .unwrap();
    (made.secret, app.id, app.publishable_key)
}

//! Lists by cursor, and what a customer's key sees of them.

use super::world::World;
use namoyish_runtime::context::Role;
use serde_json::json;

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_double() {
    let world = World::make(20).await;
    let admin = world.admin().await;
    for number in 0..5 {
        let app = json!({"code": format!("app-{number}"), "name": "Ilova"});
        admin.post("/api/v1/apps", app).await.ok(201);
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/apps?limit=2".to_owned();
    loop {
        let page = admin.get(&path).await.ok(200);
        seen.extend(
            page.json["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|app| app["code"].as_str().unwrap().to_owned()),
        );
        match page.json["next"].as_str() {
            Some(next) => path = format!("/api/v1/apps?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["web", "app-0", "app-1", "app-2", "app-3", "app-4"]);
}

#[tokio::test]
async fn limits_and_cursors_out_of_bounds_are_refused() {
    let world = World::make(21).await;
    let admin = world.admin().await;
    for list in [
        "customers",
        "price-lists",
        "apps",
        "placements",
        "regions",
        "order-blanks",
        "materials",
        "payments",
        "invoices",
        "documents",
        "rules-editions",
    ] {
        let path = format!("/api/v1/{list}");
        admin.get(&format!("{path}?limit=200")).await.ok(200);
        admin
            .get(&format!("{path}?limit=201"))
            .await
            .refused_field(422, "limit_out_of_range", "limit");
        admin
            .get(&format!("{path}?limit=0"))
            .await
            .refused_field(422, "limit_out_of_range", "limit");
        let long = "x".repeat(70);
        admin
            .get(&format!("{path}?cursor={long}"))
            .await
            .refused_field(400, "bad_cursor", "cursor");
        assert_eq!(
            admin.get(&format!("{path}?limit=many")).await.status,
            400,
            "{list}"
        );
    }
}

#[tokio::test]
async fn a_customers_key_sees_its_own_and_no_drafts() {
    let world = World::make(22).await;
    let admin = world.admin().await;
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    let line = world.media_line("300000.00", "2026-12-01", "2026-12-31");
    let drawn_up = admin
        .post("/api/v1/order-blanks", world.blank(vec![line.clone()]))
        .await
        .ok(201);
    let blank_path = format!("/api/v1/order-blanks/{}", drawn_up.text("/id"));
    let line_path = format!("/api/v1/lines/{}", drawn_up.text("/lines/0/id"));

    // A draft is the operator's own paper until it is offered.
    for path in [&blank_path, &line_path] {
        assert_eq!(owner.get(path).await.refusal().0, 404, "{path}");
    }
    assert_eq!(
        owner.get("/api/v1/order-blanks").await.ok(200).json["items"],
        json!([])
    );
    assert_eq!(
        owner
            .post(&format!("{blank_path}/cancel"), json!({}))
            .await
            .refusal()
            .0,
        404
    );
    admin
        .post(&format!("{blank_path}/offer"), json!({}))
        .await
        .ok(200);
    owner.get(&blank_path).await.ok(200);
    owner.get(&line_path).await.ok(200);

    // Another customer's things are not there at all.
    for path in [
        blank_path.clone(),
        line_path.clone(),
        format!("{line_path}/changes"),
        format!("{line_path}/materials"),
        format!("/api/v1/customers/{}", world.customer),
    ] {
        assert_eq!(stranger.get(&path).await.refusal().0, 404, "{path}");
    }
    assert_eq!(
        stranger
            .post(&format!("{blank_path}/cancel"), json!({}))
            .await
            .refusal()
            .0,
        404
    );
    let own_making = owner.post("/api/v1/order-blanks", world.blank(vec![line])).await;
    assert_eq!(own_making.refusal(), (403, "not_allowed".to_owned()));
    // The customer may decline what it was offered.
    assert_eq!(
        owner
            .post(&format!("{blank_path}/cancel"), json!({}))
            .await
            .ok(200)
            .text("/state"),
        "cancelled"
    );
    let customers = stranger.get("/api/v1/customers").await.ok(200);
    assert_eq!(customers.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(stranger.get("/api/v1/apps").await.refusal().0, 403);
}

#[tokio::test]
async fn regions_and_price_lists_are_read_as_they_are() {
    let world = World::make(23).await;
    let admin = world.admin().await;
    let regions = admin.get("/api/v1/regions").await.ok(200);
    let codes: Vec<&str> = regions.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["UZ", "UZ-SA", "UZ-TK", "UZ-TK/tashkent"]);
    assert_eq!(regions.text("/items/3/parent"), "UZ-TK");
    let list = admin.get("/api/v1/price-lists/in-force").await.ok(200);
    assert_eq!(list.text("/items/1/unit_price"), "12000.00");
    let same = admin
        .get(&format!("/api/v1/price-lists/{}", list.text("/id")))
        .await
        .ok(200);
    assert_eq!(list.json, same.json);
}

//! orders.md §2: price lists with their archive, price groups, services given to a category, prices frozen at signing.

use super::world::{World, system};
use namoyish_domain::ids::OrderBlankId;
use namoyish_orders::app::sign_order_blank::{HowSigned, SignOrderBlank, sign_order_blank};
use namoyish_runtime::context::Role;
use serde_json::{Value, json};

fn item(code: &str, kind: &str, unit: &str, price: &str) -> Value {
    json!({
        "code": code, "kind": kind, "unit": unit, "unit_price": price,
        "name_uz": code, "name_ru": code, "name_en": code,
    })
}

fn list(valid_from: &str, banner: &str) -> Value {
    json!({"valid_from": valid_from, "items": [
        item("MEDIA-BANNER", "impressions", "thousand_impressions", banner),
        item("TEXT-LINE", "period", "month", "1000000.00"),
        item("DESIGN", "additional", "piece", "250000.00"),
    ]})
}

#[tokio::test]
async fn a_list_that_has_not_begun_is_replaced_and_one_in_force_never() {
    // orders.md §2: lists in force or past are immutable and stay readable.
    let world = World::make(700).await;
    let admin = world.admin().await;
    let december = admin
        .post("/api/v1/price-lists", list("2026-12-01", "13000.00"))
        .await
        .ok(201);
    assert_eq!(december.text("/price_base"), "net");
    let again = admin
        .post("/api/v1/price-lists", list("2026-12-01", "14000.00"))
        .await;
    again.refused_field(409, "price_list_day_taken", "valid_from");
    let mut replacing = list("2026-12-01", "14000.00");
    replacing["replaces"] = december.json["id"].clone();
    let new = admin.post("/api/v1/price-lists", replacing).await.ok(201);
    let old = admin
        .get(&format!("/api/v1/price-lists/{}", december.text("/id")))
        .await
        .ok(200);
    assert!(old.json["withdrawn_at"].is_string(), "{}", old.json);

    // By its day: what was in force, and what is.
    let on = |day: &str| format!("/api/v1/price-lists/{day}");
    let november = admin.get(&on("2026-11-30")).await.ok(200);
    assert_eq!(november.text("/valid_from"), "2026-01-01");
    assert_eq!(admin.get(&on("2025-12-31")).await.refusal().0, 404);
    world.advance_to("2026-12-01T00:00:00");
    assert_eq!(
        admin.get(&on("in-force")).await.ok(200).text("/id"),
        new.text("/id")
    );

    let path = on(&new.text("/id"));
    let begun = admin.write("DELETE", &path, "w1", json!({})).await;
    begun.refused_field(409, "price_list_begun", "valid_from");
    let past = admin
        .write("DELETE", &on(&november.text("/id")), "w2", json!({}))
        .await;
    past.refused_field(409, "price_list_begun", "valid_from");
    let gone = admin
        .write("DELETE", &on(&december.text("/id")), "w3", json!({}))
        .await;
    assert_eq!(gone.refusal(), (409, "price_list_withdrawn".to_owned()));
    let today = admin
        .post("/api/v1/price-lists", list("2026-12-01", "9.00"))
        .await;
    today.refused_field(422, "price_list_already_in_force", "valid_from");
    let traffic = world.client(Role::Traffic, None).await;
    let refused = traffic.write("DELETE", &path, "w4", json!({})).await;
    assert_eq!(refused.refusal(), (403, "not_allowed".to_owned()));

    // The database itself refuses what the commands never do (README rule 6).
    let pool = world.test.database.pool();
    for sql in [
        "update price_lists set valid_from = valid_from + 1",
        "update price_lists set withdrawn_at = now() at time zone 'UTC' where valid_from = '2026-01-01'",
        "delete from price_lists",
        "update price_list_items set unit_price = 1",
    ] {
        assert!(sqlx::query(sql).execute(&pool).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn an_item_buys_its_app_or_placement_only() {
    let world = World::make(701).await;
    let admin = world.admin().await;
    let mut prices = list("2026-12-01", "13000.00");
    prices["items"][0]["placement"] = json!(world.text_placement.to_string());
    prices["items"][0]["material_requirements"] = json!("PNG yoki JPEG, 300 KB gacha");
    let made = admin.post("/api/v1/price-lists", prices.clone()).await.ok(201);
    assert_eq!(
        made.text("/items/0/material_requirements"),
        "PNG yoki JPEG, 300 KB gacha"
    );
    world.advance_to("2026-12-01T09:00:00");
    let line = world.media_line("300000.00", "2026-12-20", "2026-12-31");
    let elsewhere = admin.post("/api/v1/order-blanks", world.blank(vec![line])).await;
    elsewhere.refused_field(422, "item_sold_elsewhere", "lines[1].placements");

    prices["valid_from"] = json!("2027-01-01");
    let check = |change: fn(&mut Value)| {
        let mut prices = prices.clone();
        change(&mut prices["items"][0]);
        prices
    };
    let unknown = check(|item| item["placement"] = json!(format!("pl_{}", "0".repeat(32))));
    let answer = admin.post("/api/v1/price-lists", unknown).await;
    answer.refused_field(422, "no_such_placement", "items");
    let both = check(|item| item["app"] = json!(format!("app_{}", "0".repeat(32))));
    let answer = admin.post("/api/v1/price-lists", both).await;
    answer.refused_field(422, "two_places", "items[1].placement");
    let long = check(|item| item["material_requirements"] = json!("x".repeat(2001)));
    let answer = admin.post("/api/v1/price-lists", long).await;
    answer.refused_field(422, "too_long", "items[1].material_requirements");
    let dear = check(|item| item["unit_price"] = json!("100000000000.01"));
    assert_eq!(
        admin.post("/api/v1/price-lists", dear).await.refusal(),
        (422, "price_too_large".to_owned())
    );
}

fn annex(valid_from: &str) -> Value {
    json!({"valid_from": valid_from, "groups": [
        {"name": "Hamkorlar", "category": "partner", "coefficient": "0.9"},
        {"name": "Samarqand", "city": "Samarqand", "coefficient": "0.85"},
    ]})
}

#[tokio::test]
async fn a_price_group_makes_the_line_price_and_is_shown_in_the_line() {
    // orders.md §2 "Price groups" [003 §3.1.2].
    let world = World::make(702).await;
    let admin = world.admin().await;
    let today = admin.post("/api/v1/price-annexes", annex("2026-11-02")).await;
    today.refused_field(422, "price_annex_already_in_force", "valid_from");
    let mut bad = annex("2026-11-10");
    bad["groups"][1]["coefficient"] = json!("0");
    let answer = admin.post("/api/v1/price-annexes", bad).await;
    answer.refused_field(422, "coefficient_out_of_range", "groups[2].coefficient");
    let made = admin
        .post("/api/v1/price-annexes", annex("2026-11-10"))
        .await
        .ok(201);
    let taken = admin.post("/api/v1/price-annexes", annex("2026-11-10")).await;
    taken.refused_field(409, "price_annex_day_taken", "valid_from");

    let mut blank = world.blank(vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")]);
    blank["city"] = json!("Samarqand");
    let before = admin.post("/api/v1/order-blanks", blank.clone()).await.ok(201);
    assert_eq!(before.text("/lines/0/unit_price"), "12000.00");
    assert!(before.json["lines"][0]["price_group"].is_null());
    world.advance_to("2026-11-10T09:00:00");
    let after = admin.post("/api/v1/order-blanks", blank).await.ok(201);
    assert_eq!(
        (
            after.text("/lines/0/unit_price"),
            after.text("/lines/0/list_price"),
            after.text("/lines/0/price_group")
        ),
        (
            "10200.00".to_owned(),
            "12000.00".to_owned(),
            "Samarqand".to_owned()
        )
    );
    let path = format!("/api/v1/price-annexes/{}", made.text("/id"));
    let begun = admin.write("DELETE", &path, "w1", json!({})).await;
    begun.refused_field(409, "price_list_begun", "valid_from");
    let later = admin
        .post("/api/v1/price-annexes", annex("2026-12-10"))
        .await
        .ok(201);
    let path = format!("/api/v1/price-annexes/{}", later.text("/id"));
    admin.write("DELETE", &path, "w2", json!({})).await.ok(200);
    let in_force = admin.get("/api/v1/price-annexes/in-force").await.ok(200);
    assert_eq!(in_force.text("/id"), made.text("/id"));
}

#[tokio::test]
async fn a_blank_at_yesterdays_price_is_not_signed_but_drawn_up_again() {
    // orders.md §2: the unit price is frozen at signing, by the list in force then [003 §5.2].
    let world = World::make(703).await;
    let admin = world.admin().await;
    admin
        .post("/api/v1/price-lists", list("2026-11-10", "13000.00"))
        .await
        .ok(201);
    let draw_up = async |lines: Vec<Value>| -> OrderBlankId {
        let blank = admin
            .post("/api/v1/order-blanks", world.blank(lines))
            .await
            .ok(201);
        let path = format!("/api/v1/order-blanks/{}/offer", blank.text("/id"));
        admin.post(&path, json!({})).await.ok(200);
        OrderBlankId::parse(&blank.text("/id")).unwrap()
    };
    let media = draw_up(vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")]).await;
    let period = draw_up(vec![world.period_line("2026-12", "2026-12")]).await;
    let sign = async |blank| {
        let how = HowSigned::Paper { signed_on: None };
        sign_order_blank(&world.test, &system(), SignOrderBlank { blank, how }).await
    };
    world.advance_to("2026-11-10T09:00:00");
    let refused = sign(media).await.unwrap_err();
    assert_eq!(refused.code(), "price_list_changed");
    assert!(refused.to_string().contains("13000.00"), "{refused}");
    // A new list that leaves the price alone stops nobody.
    let signed = sign(period).await.unwrap();
    assert!(signed.blank.signature.is_some());
    // Drawn up again, it is signed at the price in force.
    let again = draw_up(vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")]).await;
    let signed = sign(again).await.unwrap();
    let terms = signed.blank.signature.unwrap().canonical_json;
    assert!(terms.contains("\"13000.00\""), "{terms}");
}

#[tokio::test]
async fn a_category_is_given_its_services_when_a_blank_is_drawn_up() {
    // orders.md §1: a category can be given additional services [003 §2.5].
    let world = World::make(704).await;
    let admin = world.admin().await;
    let give = |price: Value, from: &str| json!({"category": "regular", "item": "DESIGN", "valid_from": from, "unit_price": price});
    let path = "/api/v1/category-services";
    let past = admin.post(path, give(json!("0.00"), "2026-11-02")).await;
    past.refused_field(422, "service_in_the_past", "valid_from");
    let mut other = give(json!("0.00"), "2026-11-10");
    other["item"] = json!("TEXT-LINE");
    admin
        .post(path, other)
        .await
        .refused_field(422, "no_such_service", "item");
    admin.post(path, give(json!("0.00"), "2026-11-10")).await.ok(201);
    let taken = admin.post(path, give(json!("1.00"), "2026-11-10")).await;
    taken.refused_field(409, "service_day_taken", "valid_from");
    admin.post(path, give(Value::Null, "2026-12-01")).await.ok(201);

    let lines = || vec![world.period_line("2027-01", "2027-02")];
    let count = |answer: &super::client::Answer| answer.json["lines"].as_array().unwrap().len();
    let before = admin
        .post("/api/v1/order-blanks", world.blank(lines()))
        .await
        .ok(201);
    assert_eq!(count(&before), 1);
    world.advance_to("2026-11-10T09:00:00");
    let given = world.signed(&admin, lines()).await;
    assert_eq!(count(&given), 2);
    assert_eq!(
        (
            given.text("/lines/1/unit_price"),
            given.text("/lines/1/list_price"),
            given.text("/lines/1/first_day")
        ),
        ("0.00".to_owned(), "250000.00".to_owned(), "2027-01-01".to_owned())
    );
    // What is ordered anyway isn't given twice.
    let mut ordered = lines();
    ordered.push(json!({"kind": "additional", "item": "DESIGN", "quantity": "2", "once": "2027-01-10"}));
    let answer = admin
        .post("/api/v1/order-blanks", world.blank(ordered))
        .await
        .ok(201);
    assert_eq!(count(&answer), 2);
    assert_eq!(answer.text("/lines/1/unit_price"), "250000.00");
    world.advance_to("2026-12-01T09:00:00");
    let ended = admin
        .post("/api/v1/order-blanks", world.blank(lines()))
        .await
        .ok(201);
    assert_eq!(count(&ended), 1);
}

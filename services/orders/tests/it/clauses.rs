//! Clauses of the order book that no other test shows (docs/clauses.md lists all of them).

use crate::api::client::Client;
use crate::api::world::{BANNER, World, png};
use namoyish_domain::ids::CustomerId;
use namoyish_domain::money::Rate;
use namoyish_runtime::context::Role;
use serde_json::{Value, json};

const BLANKS: &str = "/api/v1/order-blanks";

fn december(world: &World) -> Value {
    world.media_line("300000.00", "2026-12-01", "2026-12-31")
}

async fn drawn_up_and_offered(client: &Client, blank: Value) -> String {
    let drawn_up = client.post(BLANKS, blank).await.ok(201);
    let path = format!("{BLANKS}/{}", drawn_up.text("/id"));
    client.post(&format!("{path}/offer"), json!({})).await.ok(200);
    path
}

// orders.md §3 [003 §5.3]: the VAT rate is the one in force on the date the blank is made out, not on that of its signing.
#[tokio::test]
async fn the_vat_rate_is_that_of_the_day_on_which_the_blank_is_made_out() {
    let world = World::make(900).await;
    let admin = world.admin().await;
    let path = drawn_up_and_offered(&admin, world.blank(vec![december(&world)])).await;
    let mut tx = world.test.store.begin().await.unwrap();
    tx.operator()
        .replace_vat_rates(Rate::parse("0.15").unwrap())
        .await
        .unwrap();
    tx.save().await.unwrap();
    world.advance_to("2026-11-10T09:00:00");
    world.sign_paper(&admin, &path, &[]).await.ok(200);
    assert_eq!(admin.get(&path).await.ok(200).text("/vat_rate"), "0.12");
    let invoices = admin.get("/api/v1/invoices").await.ok(200);
    assert_eq!(invoices.text("/items/0/gross"), "336000.00");
    let later = world.signed(&admin, vec![december(&world)]).await;
    assert_eq!(later.text("/vat_rate"), "0.15");
}

// orders.md §3: gapless per year; a year begins at Tashkent's midnight.
#[tokio::test]
async fn numbers_of_order_blanks_begin_anew_with_each_year_in_tashkent() {
    let world = World::make(901).await;
    let admin = world.admin().await;
    let line = || world.media_line("300000.00", "2027-02-01", "2027-02-28");
    let number = async || {
        let blank = admin.post(BLANKS, world.blank(vec![line()])).await.ok(201);
        blank.text("/number")
    };
    assert_eq!(number().await, "OB-2026-000001");
    world.advance_to("2026-12-31T23:59:59");
    assert_eq!(number().await, "OB-2026-000002");
    world.advance_to("2027-01-01T00:00:00");
    assert_eq!(number().await, "OB-2027-000001");
    assert_eq!(number().await, "OB-2027-000002");
}

// orders.md §3 [003 §2.4]: any number of order blanks, overlapping in part or in whole.
#[tokio::test]
async fn blanks_of_a_customer_overlap_in_part_or_in_whole_and_each_is_a_contract() {
    let world = World::make(902).await;
    let admin = world.admin().await;
    for (first_day, last_day) in [
        ("2026-12-01", "2026-12-31"),
        ("2026-12-01", "2026-12-31"),
        ("2026-12-15", "2027-01-15"),
        ("2026-12-10", "2026-12-12"),
    ] {
        let blank = world
            .signed(&admin, vec![world.media_line("300000.00", first_day, last_day)])
            .await;
        assert_eq!(
            (blank.text("/state"), blank.text("/lines/0/first_day")),
            ("signed".to_owned(), first_day.to_owned())
        );
    }
    let invoices = admin.get("/api/v1/invoices").await.ok(200);
    assert_eq!(invoices.json["items"].as_array().unwrap().len(), 4);
}

// orders.md §3: city, notice e-mails and statistics source are part of what is signed.
#[tokio::test]
async fn city_notice_addresses_and_statistics_source_are_signed_with_the_blank() {
    let world = World::make(903).await;
    let admin = world.admin().await;
    let with = |field: &str, value: Value| {
        let mut blank = world.blank(vec![december(&world)]);
        blank[field] = value;
        blank
    };
    for (field, value, code) in [
        ("city", json!(" "), "missing"),
        ("city", json!("x".repeat(101)), "too_long"),
        ("statistics_source", json!("nobody"), "unknown_value"),
        ("prepayment", json!("never"), "unknown_value"),
        ("notice_emails", json!(["a@b.uz", "a b"]), "not_an_email"),
    ] {
        let refused = admin.post(BLANKS, with(field, value)).await;
        refused.refused_field(422, code, field);
    }
    let addresses = json!(["bosh@osh.example.uz", "hisob@osh.example.uz"]);
    let mut blank = with("city", json!("Samarqand"));
    blank["notice_emails"] = addresses.clone();
    blank["statistics_source"] = json!("gam");
    let path = drawn_up_and_offered(&admin, blank).await;
    world.sign_paper(&admin, &path, &[]).await.ok(200);
    let signed = admin.get(&path).await.ok(200);
    let terms: Value = serde_json::from_str(&signed.text("/terms")).unwrap();
    assert_eq!(
        (
            &terms["place"],
            &terms["notice_emails"],
            &terms["statistics_source"]
        ),
        (&json!("Samarqand"), &addresses, &json!("gam"))
    );
}

// orders.md §4 [003 §3.6]: approval never shifts responsibility; an approval says so, and nothing else does.
#[tokio::test]
async fn an_approval_says_that_the_customer_stays_responsible() {
    let world = World::make(904).await;
    let admin = world.admin().await;
    let blank = world.signed(&admin, vec![december(&world)]).await;
    let path = format!("/api/v1/lines/{}/materials", blank.text("/lines/0/id"));
    let submitted = admin
        .post_form(&path, &admin.fresh_key(), BANNER, Some(&png(240, 400)))
        .await
        .ok(201);
    assert_eq!(submitted.json["decision"]["responsibility"], Value::Null);
    let decide = format!("/api/v1/materials/{}/decide", submitted.text("/id"));
    let approved = admin.post(&decide, json!({"verdict": "approve"})).await.ok(200);
    assert!(
        approved
            .text("/decision/responsibility")
            .contains("stays responsible")
    );
    let withdraw = json!({"verdict": "withdraw", "reasons": ["untrue_content"]});
    let withdrawn = admin.post(&decide, withdraw).await.ok(200);
    assert_eq!(withdrawn.json["decision"]["responsibility"], Value::Null);
}

// orders.md §4 [003 §4.3.4]: a licence that is reported revoked stops the line at once, with a notice.
#[tokio::test]
async fn a_revoked_licence_is_told_in_a_notice() {
    let world = World::make(909).await;
    let admin = world.admin().await;
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let blank = world.signed(&admin, vec![december(&world)]).await;
    let path = format!("/api/v1/lines/{}/materials", blank.text("/lines/0/id"));
    let submitted = owner
        .post_form(&path, &owner.fresh_key(), BANNER, Some(&png(240, 400)))
        .await
        .ok(201);
    let path = format!("/api/v1/materials/{}/documents", submitted.text("/id"));
    let copy = [
        ("kind", "licence"),
        ("number", "L-1"),
        ("issuer", "Vazirlik"),
        ("issued_on", "2025-01-10"),
        ("expires_on", "2027-01-10"),
    ];
    let licence = owner
        .post_form(&path, &owner.fresh_key(), &copy, Some(&png(40, 60)))
        .await
        .ok(201);
    let told = async |client: &Client| {
        let notices = client.get("/api/v1/notices").await.ok(200);
        let notices = notices.json["items"].as_array().unwrap().clone();
        notices
            .iter()
            .filter(|notice| notice["kind"] == "document_revoked")
            .count()
    };
    assert_eq!(told(&owner).await, 0);
    let revoked = format!("{path}/{}/revoked", licence.text("/id"));
    owner.post(&revoked, json!({})).await.ok(200);
    assert_eq!(told(&owner).await, 1);
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    assert_eq!(told(&stranger).await, 0);
}

// orders.md §5 [003 §4.2.1]: no line of a person that has withdrawn its consent runs.
#[tokio::test]
async fn no_line_of_a_person_runs_without_its_consent() {
    let world = World::make(905).await;
    let admin = world.admin().await;
    let person = json!({
        "kind": "person", "name": "G. Orolov", "pinfl": "62902040000025", "address": "Buxoro", "email": "g@example.uz",
        "phone": "+998 90 123-45-67", "signatory": "G. Orolov", "authority": "o'z nomidan",
    });
    let id = admin.post("/api/v1/customers", person).await.ok(201).text("/id");
    let mut blank = world.blank(vec![december(&world)]);
    blank["customer"] = json!(id);
    let path = drawn_up_and_offered(&admin, blank).await;
    world.sign_paper(&admin, &path, &[]).await.ok(200);
    let line = admin.get(&path).await.ok(200).text("/lines/0/id");
    let owner = world
        .client(Role::Owner, Some(CustomerId::parse(&id).unwrap()))
        .await;
    let stands = async || {
        let line = owner.get(&format!("/api/v1/lines/{line}")).await.ok(200);
        let reasons = line.json["not_running"].as_array().unwrap().clone();
        reasons.contains(&json!("consent_withdrawn"))
    };
    assert!(!stands().await);
    let version = world.test.store.snapshot_version().await.unwrap();
    let customer = format!("/api/v1/customers/{id}");
    owner
        .post(&format!("{customer}/withdraw-consent"), json!({}))
        .await
        .ok(200);
    assert!(stands().await);
    let after = world.test.store.snapshot_version().await.unwrap();
    assert!(after > version, "serving nodes are told");
    owner
        .post(&format!("{customer}/restore-consent"), json!({}))
        .await
        .ok(200);
    assert!(!stands().await);
}

// orders.md §8 [003 §10.5]: late material is a ground like an overdue payment: on the day the operator decides, no notice.
#[tokio::test]
async fn late_material_lets_the_operator_end_the_line_on_the_day_it_decides() {
    let world = World::make(908).await;
    let admin = world.admin().await;
    let mut blank = world.blank(vec![
        world.period_line("2026-12", "2027-02"),
        december(&world),
        december(&world),
    ]);
    // Not due before December: no payment is overdue here.
    blank["own_due_on"] = json!("2026-11-30");
    let path = drawn_up_and_offered(&admin, blank).await;
    world.sign_paper(&admin, &path, &[]).await.ok(200);
    let signed = admin.get(&path).await.ok(200);
    let line = |position: usize| signed.text(&format!("/lines/{position}/id"));
    admin
        .post_form(
            &format!("/api/v1/lines/{}/materials", line(2)),
            &admin.fresh_key(),
            BANNER,
            Some(&png(240, 400)),
        )
        .await
        .ok(201);
    let end = async |position: usize| {
        let request = json!({"ground": "overdue", "scope": "lines", "lines": [line(position)]});
        admin.post(&format!("{path}/terminations"), request).await
    };
    let in_time = (409, "termination_nothing_in_delay".to_owned());
    // The period line's text was due by the 18th of November.
    world.advance_to("2026-11-18T23:59:59");
    assert_eq!(end(0).await.refusal(), in_time);
    world.advance_to("2026-11-19T00:00:00");
    let ended = end(0).await.ok(201);
    assert_eq!(ended.text("/lines/0/effective_on"), "2026-11-19");
    // A banner three business days before Tuesday, 1 December.
    world.advance_to("2026-11-26T23:59:59");
    assert_eq!(end(1).await.refusal(), in_time);
    world.advance_to("2026-11-27T00:00:00");
    let ended = end(1).await.ok(201);
    assert_eq!(ended.text("/lines/0/effective_on"), "2026-11-27");
    assert_eq!(end(2).await.refusal(), in_time, "its banner came in time");
}

// orders.md §9: money is a string, dates are ISO 8601.
#[tokio::test]
async fn money_is_a_string_and_a_day_is_iso_8601() {
    let world = World::make(906).await;
    let admin = world.admin().await;
    for (field, value) in [
        ("budget", json!(300_000)),
        ("budget", json!(300_000.5)),
        ("first_day", json!("01.12.2026")),
        ("first_day", json!("2026-02-30")),
        ("last_day", json!(20_261_231)),
    ] {
        let mut line = december(&world);
        line[field] = value.clone();
        let refused = admin.post(BLANKS, world.blank(vec![line])).await;
        assert_eq!(
            refused.refusal(),
            (422, "bad_field".to_owned()),
            "{field} {value}"
        );
    }
    for budget in ["300 000.00", "300000,00", "1e5", "0x10", "300000.001"] {
        let line = world.media_line(budget, "2026-12-01", "2026-12-31");
        let refused = admin.post(BLANKS, world.blank(vec![line])).await;
        refused.refused_field(422, "bad_sum", "lines[1].budget");
    }
    let blank = world.signed(&admin, vec![december(&world)]).await;
    assert_eq!(blank.json["lines"][0]["budget"], json!("300000.00"));
    assert_eq!(blank.json["signed_on"], json!("2026-11-02"));
}

/// What the description says of an operation's good answer, references followed.
fn answer_of<'a>(description: &'a Value, operation: &'a Value) -> Option<&'a Value> {
    let schema = operation.pointer("/responses/200/content/application~1json/schema")?;
    match schema["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')),
        None => Some(schema),
    }
}

// orders.md §9: lists are paged by cursor.
#[tokio::test]
async fn every_list_that_has_a_next_page_takes_a_cursor_and_a_limit() {
    let world = World::make(907).await;
    let anybody = Client::without_key(world.router.clone());
    let description = anybody.get("/api/openapi.json").await.ok(200).json;
    let (mut paged, mut whole) = (0, Vec::new());
    for (path, item) in description["paths"].as_object().unwrap() {
        let operation = &item["get"];
        let Some(answer) = answer_of(&description, operation) else {
            continue;
        };
        if answer.pointer("/properties/items").is_none() {
            continue;
        }
        let parameters: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        if parameters.contains(&"cursor") && parameters.contains(&"limit") {
            assert!(answer.pointer("/properties/next").is_some(), "{path}");
            paged += 1;
        } else {
            whole.push(path.as_str());
        }
    }
    assert!(paged >= 20, "{paged} lists are paged, {whole:?} are not");
    assert!(whole.is_empty(), "lists without a cursor: {whole:?}");
}

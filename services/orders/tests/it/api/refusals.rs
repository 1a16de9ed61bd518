//! Refusals by code and field: requisites, price lists, lines, the operator.

use super::world::World;
use namoyish_runtime::context::Role;
use serde_json::{Value, json};

fn with(mut value: Value, changes: Value) -> Value {
    for (field, change) in changes.as_object().unwrap() {
        value[field] = change.clone();
    }
    value
}

fn person() -> Value {
    json!({
        "kind": "person", "name": "G‘ayrat O'rolov", "pinfl": "62902040000025", "address": "Buxoro", "email": "g@example.uz",
        "phone": "+998 90 123-45-67", "signatory": "G. Orolov", "authority": "o'z nomidan",
    })
}

#[tokio::test]
async fn requisites_are_refused_by_field_and_limit() {
    let world = World::make(40).await;
    let sales = world.client(Role::Sales, None).await;
    for (changes, code, field) in [
        (json!({"pinfl": "62902040000026"}), "wrong_check_digit", "pinfl"),
        (json!({"pinfl": ""}), "required_of_kind", "pinfl"),
        (
            json!({"kind": "sole_trader", "pinfl": ""}),
            "required_of_kind",
            "stir",
        ),
        (
            json!({"kind": "legal_entity", "stir": "305999001"}),
            "required_of_kind",
            "settlement_account",
        ),
        (json!({"kind": "ngo"}), "unknown_value", "kind"),
        (
            json!({"mfo": "440", "bank_name": "B", "settlement_account": "20208000900123456003"}),
            "wrong_digits",
            "mfo",
        ),
        (
            json!({"mfo": "00440", "bank_name": "B", "settlement_account": "20208840900123456003"}),
            "wrong_currency",
            "settlement_account",
        ),
        (json!({"email": "nobody"}), "not_an_email", "email"),
        (json!({"phone": "12"}), "not_a_phone", "phone"),
        (json!({"name": ""}), "missing", "name"),
        (json!({"name": "a".repeat(301)}), "too_long", "name"),
        (json!({"code": "a b"}), "bad_code", "code"),
        (json!({"language": "kaa"}), "unknown_value", "language"),
        (json!({"category": " "}), "missing", "category"),
    ] {
        let answer = sales.post("/api/v1/customers", with(person(), changes)).await;
        answer.refused_field(422, code, field);
    }
    sales
        .post("/api/v1/customers", with(person(), json!({"more": 1})))
        .await
        .refused_field(422, "bad_field", "body");
    let made = sales.post("/api/v1/customers", person()).await.ok(201);
    assert_eq!(
        (made.text("/name"), made.text("/phone")),
        ("Gʻayrat Oʻrolov".to_owned(), "998901234567".to_owned())
    );
    let again = sales
        .post("/api/v1/customers", with(person(), json!({"code": "g"})))
        .await;
    again.refused_field(409, "customer_already_registered", "pinfl");
    let taken = sales
        .post(
            "/api/v1/customers",
            with(person(), json!({"code": "osh", "pinfl": "30101900000011"})),
        )
        .await;
    taken.refused_field(409, "code_taken", "code");
}

#[tokio::test]
async fn the_operator_is_set_up_by_an_admin_alone() {
    let world = World::make(41).await;
    let admin = world.admin().await;
    let current = admin.get("/api/v1/operator").await.ok(200);
    assert_eq!(current.text("/mfo"), "00440");
    let form = json!({
        "legal_name": "Yangi nom", "city": "Toshkent", "address": "Toshkent", "stir": "301234567", "bank_name": "Bank",
        "mfo": "00440", "settlement_account": "20208000900123456001", "director": "A. Karimov", "email": "a@b.uz",
        "phone": "998712000000", "vat_payer": true, "vat_payer_from": "2020-01-01", "penalty_cap_percent": "50",
    });
    let sales = world.client(Role::Sales, None).await;
    assert_eq!(
        sales
            .write("PUT", "/api/v1/operator", "a", form.clone())
            .await
            .refusal()
            .0,
        403
    );
    let changed = admin
        .write("PUT", "/api/v1/operator", "a", form.clone())
        .await
        .ok(200);
    assert_eq!(
        (changed.text("/legal_name"), changed.text("/penalty_cap_percent")),
        ("Yangi nom".to_owned(), "50".to_owned())
    );
    let bad = with(form.clone(), json!({"penalty_cap_percent": "0"}));
    admin
        .write("PUT", "/api/v1/operator", "b", bad)
        .await
        .refused_field(422, "penalty_cap_out_of_range", "penalty_cap_percent");
    let bad = with(form, json!({"stir": "12"}));
    admin
        .write("PUT", "/api/v1/operator", "c", bad)
        .await
        .refused_field(422, "wrong_digits", "stir");
}

#[tokio::test]
async fn prices_and_rules_of_days_that_have_begun_never_change() {
    let world = World::make(42).await;
    let admin = world.admin().await;
    let list = |valid_from: &str, item: Value| json!({"valid_from": valid_from, "items": [item]});
    let item = json!({"code": "A", "kind": "impressions", "name_uz": "A", "name_ru": "А", "name_en": "A", "unit_price": "1.00"});
    let path = "/api/v1/price-lists";
    admin
        .post(path, list("2026-11-02", item.clone()))
        .await
        .refused_field(422, "price_list_already_in_force", "valid_from");
    admin.post(path, list("2026-12-01", item.clone())).await.ok(201);
    admin
        .post(path, list("2026-12-01", item.clone()))
        .await
        .refused_field(409, "price_list_day_taken", "valid_from");
    for (changes, code, field) in [
        (json!({"unit": "month"}), "unit_of_another_kind", "items"),
        (json!({"kind": "media"}), "unknown_value", "items[1].kind"),
        (json!({"unit_price": "-1"}), "bad_price", "items[1].unit_price"),
        (
            json!({"unit_price": "1.0000001"}),
            "bad_price",
            "items[1].unit_price",
        ),
        (json!({"name_ru": ""}), "missing", "items[1].name_ru"),
        (json!({"code": "a b"}), "bad_item_code", "items"),
    ] {
        admin
            .post(path, list("2027-01-01", with(item.clone(), changes)))
            .await
            .refused_field(422, code, field);
    }
    let rules = |day: &str| json!({"text": "Yangi qoidalar", "in_force_from": day});
    let path = "/api/v1/rules-editions";
    admin
        .post(path, rules("2026-11-01"))
        .await
        .refused_field(422, "edition_in_the_past", "in_force_from");
    let second = admin.post(path, rules("2026-12-01")).await.ok(201);
    assert_eq!(second.json["number"], 2);
    // The edition in force on the day of the blank is the contract's.
    let line = world.media_line("300000.00", "2026-12-10", "2026-12-31");
    let blank = admin
        .post("/api/v1/order-blanks", world.blank(vec![line]))
        .await
        .ok(201);
    assert_eq!(blank.json["rules_edition"], 1);
}

#[tokio::test]
async fn lines_are_refused_with_position_and_field() {
    let world = World::make(43).await;
    let admin = world.admin().await;
    let media = || world.media_line("300000.00", "2026-12-01", "2026-12-31");
    let foreign = "pl_00000000000000000000000000000001";
    for (line, code, field) in [
        (
            with(media(), json!({"item": "TEXT-LINE"})),
            "item_of_another_kind",
            "lines[1].item",
        ),
        (
            with(media(), json!({"item": "NOTHING"})),
            "no_such_item",
            "lines[1].item",
        ),
        (
            with(media(), json!({"placements": []})),
            "no_placements",
            "lines[1].placements",
        ),
        (
            with(media(), json!({"placements": [foreign]})),
            "no_such_placement",
            "lines[1].placements",
        ),
        (
            with(media(), json!({"placements": ["x"]})),
            "bad_id",
            "lines[1].placements",
        ),
        (
            with(media(), json!({"regions": ["UZ-XX"]})),
            "no_such_region",
            "lines[1].regions",
        ),
        (
            with(media(), json!({"regions": ["uz"]})),
            "not_a_region",
            "lines[1].regions",
        ),
        (
            with(media(), json!({"regions": ["UZ", "UZ"]})),
            "duplicate",
            "lines[1].regions",
        ),
        (
            with(media(), json!({"last_day": "2026-11-30"})),
            "empty_term",
            "lines[1].last_day",
        ),
        (
            world.media_line("300000.00", "2026-10-01", "2026-11-01"),
            "term_is_over",
            "lines[1].last_day",
        ),
        (
            with(media(), json!({"budget": "1.005"})),
            "bad_sum",
            "lines[1].budget",
        ),
        (
            with(media(), json!({"budget": null})),
            "missing",
            "lines[1].budget",
        ),
        (
            with(media(), json!({"first_period": "2026-12"})),
            "field_of_another_kind",
            "lines[1].first_period",
        ),
        (
            with(media(), json!({"kind": "banner"})),
            "unknown_value",
            "lines[1].kind",
        ),
        (
            world.period_line("2026-13", "2027-01"),
            "bad_period",
            "lines[1].first_period",
        ),
        (
            json!({"kind": "additional", "item": "DESIGN", "once": "2026-12-05", "quantity": "0"}),
            "quantity_out_of_range",
            "lines[1].quantity",
        ),
    ] {
        let answer = admin
            .post("/api/v1/order-blanks", world.blank(vec![line.clone()]))
            .await;
        answer.refused_field(422, code, field);
    }
    let path = "/api/v1/order-blanks";
    admin
        .post(path, world.blank(vec![]))
        .await
        .refused_field(422, "line_count", "lines");
    let mixed = with(
        media(),
        json!({"placements": [world.placement.to_string(), world.text_placement.to_string()]}),
    );
    admin.post(path, world.blank(vec![mixed])).await.refused_field(
        422,
        "mixed_placement_formats",
        "lines[1].placements",
    );
    let past = with(world.blank(vec![media()]), json!({"own_due_on": "2026-11-01"}));
    admin
        .post(path, past)
        .await
        .refused_field(422, "own_term_past", "own_due_on");
    let emails = with(world.blank(vec![media()]), json!({"notice_emails": ["x"]}));
    admin
        .post(path, emails)
        .await
        .refused_field(422, "not_an_email", "notice_emails");
}

#[tokio::test]
async fn a_blank_whose_due_date_is_over_cannot_be_signed_without_its_own_term() {
    let world = World::make(44).await;
    let admin = world.admin().await;
    // billing.md §2: November's invoice would have been due on 25 October.
    let own_term = |day: Value| {
        with(
            world.blank(vec![world.period_line("2026-11", "2026-12")]),
            json!({"own_due_on": day}),
        )
    };
    let drawn_up = admin
        .post("/api/v1/order-blanks", own_term(Value::Null))
        .await
        .ok(201);
    let path = format!("/api/v1/order-blanks/{}", drawn_up.text("/id"));
    admin.post(&format!("{path}/offer"), json!({})).await.ok(200);
    let refused = world.sign_paper(&admin, &path, &[]).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    assert_eq!(refused.text("/field"), "own_due_on");
    let unsigned = admin.get(&path).await.ok(200);
    assert_eq!(
        (unsigned.text("/state"), unsigned.json["sha256"].clone()),
        ("offered".to_owned(), Value::Null)
    );
    assert_eq!(
        admin.get("/api/v1/invoices").await.ok(200).json["items"],
        json!([])
    );

    let drawn_up = admin
        .post("/api/v1/order-blanks", own_term(json!("2026-11-10")))
        .await
        .ok(201);
    let path = format!("/api/v1/order-blanks/{}", drawn_up.text("/id"));
    admin.post(&format!("{path}/offer"), json!({})).await.ok(200);
    world.sign_paper(&admin, &path, &[]).await.ok(200);
}

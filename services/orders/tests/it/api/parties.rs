//! orders.md §1: parties, their requisites and history, rules editions and their notices; the calendar; users and keys.

use super::world::{World, company};
use namoyish_documents::sha256_hex;
use namoyish_runtime::context::Role;
use serde_json::{Value, json};

fn customer_body(change: &[(&str, &str)]) -> Value {
    let own = company("305123456");
    let mut body = json!({
        "kind": own.kind, "name": own.name, "stir": own.stir, "address": own.address, "bank_name": own.bank_name,
        "mfo": own.mfo, "settlement_account": own.settlement_account, "email": own.email, "phone": own.phone,
        "signatory": own.signatory, "authority": own.authority,
    });
    for (field, value) in change {
        body[*field] = json!(value);
    }
    body
}

#[tokio::test]
async fn every_requisite_is_validated_and_the_refusal_names_field_and_limit() {
    // orders.md §1 and uzbekistan.md §3.1.
    let world = World::make(720).await;
    let admin = world.admin().await;
    let long = "x".repeat(301);
    let table: &[(&str, &str, &str, Option<&str>)] = &[
        (
            "kind",
            "ngo",
            "unknown_value",
            Some("legal_entity, sole_trader, person"),
        ),
        ("name", " ", "missing", None),
        ("name", &long, "too_long", Some("300 characters")),
        ("name", "a\tb", "control_character", None),
        ("stir", "30512345", "wrong_digits", Some("9 digits")),
        ("stir", "3051234567", "wrong_digits", Some("9 digits")),
        ("stir", "30512345a", "wrong_digits", Some("9 digits")),
        ("pinfl", "3010190000001", "wrong_digits", Some("14 digits")),
        (
            "pinfl",
            "30101900000012",
            "wrong_check_digit",
            Some("check digit 1"),
        ),
        ("address", "", "missing", None),
        ("bank_name", "", "missing", None),
        ("mfo", "0440", "wrong_digits", Some("5 digits")),
        (
            "settlement_account",
            "2020800090012345600",
            "wrong_digits",
            Some("20 digits"),
        ),
        (
            "settlement_account",
            "20208840900123456001",
            "wrong_currency",
            Some("currency 000"),
        ),
        ("oked", "7311", "wrong_digits", Some("5 digits")),
        ("vat_code", "32606000", "wrong_digits", Some("12 digits")),
        ("email", "info@", "not_an_email", Some("254 characters")),
        ("email", "a b@misol.uz", "not_an_email", Some("254 characters")),
        ("phone", "901234567", "not_a_phone", Some("998 and 9 digits")),
        ("phone", "99890123456x", "not_a_phone", Some("998 and 9 digits")),
        ("signatory", "", "missing", None),
        ("authority", "", "missing", None),
    ];
    for (field, value, code, limit) in table {
        let answer = admin
            .post("/api/v1/customers", customer_body(&[(field, value)]))
            .await;
        answer.refused_field(422, code, field);
        assert_eq!(
            answer.json["limit"].as_str(),
            *limit,
            "{field} {value}: {}",
            answer.json
        );
    }
    let no_stir = customer_body(&[("stir", "")]);
    let answer = admin.post("/api/v1/customers", no_stir).await;
    answer.refused_field(422, "required_of_kind", "stir");
    let person = customer_body(&[("kind", "person"), ("stir", "")]);
    let answer = admin.post("/api/v1/customers", person).await;
    answer.refused_field(422, "required_of_kind", "pinfl");
}

#[tokio::test]
async fn changed_requisites_keep_their_history_and_what_was_signed_keeps_its_own() {
    let world = World::make(721).await;
    let admin = world.admin().await;
    let blank = world
        .signed(&admin, vec![world.period_line("2026-12", "2026-12")])
        .await;
    let path = format!("/api/v1/customers/{}", world.customer);
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    world.advance_to("2026-11-03T09:00:00");
    let moved = customer_body(&[("address", "Samarqand, Registon 1"), ("signatory", "D. Karimova")]);
    let changed = owner.write("PUT", &path, "c1", moved).await.ok(200);
    assert_eq!(changed.text("/signatory"), "D. Karimova");
    let history = owner.get(&format!("{path}/changes")).await.ok(200);
    assert_eq!(history.text("/items/0/before/signatory"), "B. Valiyev");
    assert_eq!(history.text("/items/0/after/signatory"), "D. Karimova");
    let signed = owner
        .get(&format!("/api/v1/order-blanks/{}", blank.text("/id")))
        .await
        .ok(200);
    assert!(signed.text("/terms").contains("B. Valiyev"));
    // The invoice is printed with the requisites of its day, also after the operator's director has changed.
    let mut tx = world.test.store.begin().await.unwrap();
    let before = tx.operator().find().await.unwrap().unwrap().requisites.director;
    let sheet = world.test.store.cabinet(world.customer);
    let id = sheet.invoices().await.unwrap()[0].id;
    let was = json!({"director": before});
    tx.operator()
        .insert_change(
            world.test.now(),
            "admin",
            was,
            json!({"director": "Yangi direktor"}),
        )
        .await
        .unwrap();
    tx.save().await.unwrap();
    sqlx::query("update operator set director = 'Yangi direktor'")
        .execute(&world.test.database.pool())
        .await
        .unwrap();
    let (_, printed) = sheet.invoice(id).await.unwrap().unwrap();
    assert_eq!(printed.customer.director, "B. Valiyev");
    assert_eq!(printed.operator.director, before);

    for (field, value) in [
        ("name", "Boshqa MCHJ"),
        ("stir", "305123499"),
        ("category", "partner"),
        ("kind", "sole_trader"),
    ] {
        let answer = owner
            .write("PUT", &path, field, customer_body(&[(field, value)]))
            .await;
        answer.refused_field(422, "changed_by_the_operator", field);
    }
    let taken = admin
        .write("PUT", &path, "c2", customer_body(&[("stir", "305123457")]))
        .await;
    taken.refused_field(409, "customer_already_registered", "stir");
    let bad = admin
        .write("PUT", &path, "c3", customer_body(&[("mfo", "1")]))
        .await;
    bad.refused_field(422, "wrong_digits", "mfo");
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    let answer = stranger.write("PUT", &path, "c4", customer_body(&[])).await;
    assert_eq!(answer.refusal(), (404, "no_such_customer".to_owned()));
    assert_eq!(stranger.get(&format!("{path}/changes")).await.refusal().0, 404);
    for sql in [
        "update customer_changes set changed_by = 'x'",
        "delete from operator_changes",
    ] {
        let done = sqlx::query(sql).execute(&world.test.database.pool()).await;
        assert!(done.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn the_operators_vat_status_has_its_dates() {
    let world = World::make(722).await;
    let admin = world.admin().await;
    let path = "/api/v1/operator/vat-statuses";
    let status = json!({"valid_from": "2026-12-01", "vat_payer": false});
    admin.post(path, status).await.ok(200);
    let all = admin.get(path).await.ok(200);
    assert_eq!(
        all.json["items"],
        json!([
            {"valid_from": "2026-12-01", "vat_payer": false}, {"valid_from": "2020-01-01", "vat_payer": true}
        ])
    );
    let far = json!({"valid_from": "9999-01-01", "vat_payer": false});
    admin
        .post(path, far)
        .await
        .refused_field(422, "day_out_of_range", "valid_from");
    let sales = world.client(Role::Sales, None).await;
    let refused = sales
        .post(path, json!({"valid_from": "2026-12-01", "vat_payer": true}))
        .await;
    assert_eq!(refused.refusal(), (403, "not_allowed".to_owned()));
}

#[tokio::test]
async fn a_new_edition_is_announced_and_the_one_in_force_at_signing_is_frozen() {
    // orders.md §1 [003 §2.2, §11.2–11.3].
    let world = World::make(723).await;
    let admin = world.admin().await;
    world
        .signed(&admin, vec![world.period_line("2026-12", "2026-12")])
        .await;
    // Drawn up under edition 1, signed under edition 2.
    let draft = admin
        .post(
            "/api/v1/order-blanks",
            world.blank(vec![world.period_line("2027-01", "2027-01")]),
        )
        .await
        .ok(201);
    let path = "/api/v1/rules-editions";
    let edition = |text: &str, from: &str| json!({"text": text, "in_force_from": from});
    let past = admin.post(path, edition("Yangi", "2026-11-01")).await;
    past.refused_field(422, "edition_in_the_past", "in_force_from");
    admin.post(path, edition("Yangi", "2026-11-10")).await.ok(201);
    let before = admin.post(path, edition("Boshqa", "2026-11-09")).await;
    before.refused_field(422, "edition_before_an_older", "in_force_from");

    // The customer with a contract is told, the other one isn't; the mail goes to the notice address.
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    let notices = owner.get("/api/v1/notices?language=en").await.ok(200);
    assert_eq!(notices.text("/items/0/kind"), "rules_edition_published");
    assert_eq!(notices.text("/items/0/subject"), "Edition 2 of the rules");
    assert_eq!(
        stranger.get("/api/v1/notices").await.ok(200).json["items"],
        json!([])
    );
    assert_eq!(world.test.store.mails_waiting().await.unwrap(), 1);

    // Read once, by its own customer.
    let read = format!("/api/v1/notices/{}/read", notices.text("/items/0/id"));
    assert_eq!(
        stranger.write("POST", &read, "r", json!({})).await.refusal(),
        (404, "no_such_notice".to_owned())
    );
    assert_eq!(
        admin.write("POST", &read, "r", json!({})).await.refusal(),
        (403, "not_allowed".to_owned())
    );
    let first = owner.write("POST", &read, "r1", json!({})).await.ok(200);
    world.advance_to("2026-11-10T09:00:00");
    let second = owner.write("POST", &read, "r2", json!({})).await.ok(200);
    assert_eq!(first.text("/read_at"), second.text("/read_at"));
    assert_eq!(
        owner.get("/api/v1/notices?unread=true").await.ok(200).json["items"],
        json!([])
    );

    let id = draft.text("/id");
    admin
        .post(&format!("/api/v1/order-blanks/{id}/offer"), json!({}))
        .await
        .ok(200);
    let blank = namoyish_domain::ids::OrderBlankId::parse(&id).unwrap();
    let how = namoyish_orders::app::sign_order_blank::HowSigned::Paper { signed_on: None };
    let command = namoyish_orders::app::sign_order_blank::SignOrderBlank { blank, how };
    namoyish_orders::app::sign_order_blank::sign_order_blank(&world.test, &super::world::system(), command)
        .await
        .unwrap();
    let signed = admin.get(&format!("/api/v1/order-blanks/{id}")).await.ok(200);
    assert_eq!(signed.json["rules_edition"], 2);
    assert!(signed.text("/terms").contains(&sha256_hex("Yangi")));
    let in_force = admin.get(&format!("{path}/in-force")).await.ok(200);
    assert_eq!(in_force.json["number"], 2);
    assert_eq!(admin.get(&format!("{path}/3")).await.refusal().0, 404);
}

#[tokio::test]
async fn the_calendar_is_edited_with_a_reason_and_keeps_who_changed_it() {
    // spec README rule 3; shipped days by uzbekistan.md §5.
    let world = World::make(724).await;
    let admin = world.admin().await;
    for (year, days) in [(2024, 248), (2025, 251), (2026, 248), (2027, 252)] {
        let shipped = admin.get(&format!("/api/v1/calendar?year={year}")).await.ok(200);
        assert_eq!(shipped.json["business_days"], days, "{year}");
    }
    let blank = world
        .signed(
            &admin,
            vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")],
        )
        .await;
    let due = async || {
        admin
            .get("/api/v1/invoices")
            .await
            .ok(200)
            .text("/items/0/due_on")
    };
    let before = due().await;
    let path = "/api/v1/calendar/2026-11-27";
    let edit = |reason: &str| json!({"working": false, "reason": reason});
    let none = admin.write("PUT", path, "k1", edit(" ")).await;
    none.refused_field(422, "missing", "reason");
    let edited = admin.write("PUT", path, "k2", edit("PF-300")).await.ok(200);
    assert_eq!(edited.json["business_days"], 247);
    // A due date that is fixed already stays; the next one is counted by the new day.
    assert_eq!(due().await, before);
    assert_eq!(blank.text("/state"), "signed");
    world
        .signed(
            &admin,
            vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")],
        )
        .await;
    let invoices = admin.get("/api/v1/invoices").await.ok(200);
    let dues: Vec<&str> = invoices.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| invoice["due_on"].as_str().unwrap())
        .collect();
    assert!(
        dues.contains(&"2026-11-25") && dues.contains(&"2026-11-26"),
        "{dues:?}"
    );

    let back = json!({"reason": "xato"});
    admin.write("DELETE", path, "k3", back.clone()).await.ok(200);
    let again = admin.write("DELETE", path, "k4", back).await;
    again.refused_field(404, "day_not_edited", "day");
    let history = admin.get("/api/v1/calendar-changes").await.ok(200);
    assert!(history.json["items"][0]["working"].is_null());
    assert_eq!(history.text("/items/1/reason"), "PF-300");
    let sales = world.client(Role::Sales, None).await;
    let refused = sales.write("PUT", path, "k5", edit("x")).await;
    assert_eq!(refused.refusal(), (403, "not_allowed".to_owned()));
    assert_eq!(
        admin
            .write("PUT", "/api/v1/calendar/2026-02-30", "k6", edit("x"))
            .await
            .refusal()
            .0,
        404
    );
    assert_eq!(
        admin.get("/api/v1/calendar?year=1").await.refusal(),
        (422, "year_out_of_range".to_owned())
    );
}

#[tokio::test]
async fn users_and_keys_are_managed_by_the_owner_and_secrets_are_shown_once() {
    // cabinet.md "Users of the customer with roles", "API keys".
    let world = World::make(725).await;
    let admin = world.admin().await;
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let manager = world.client(Role::Manager, Some(world.customer)).await;
    let user = |login: &str, role: &str| json!({"login": login, "role": role});
    let made = owner
        .write("POST", "/api/v1/users", "u1", user("aziza", "owner"))
        .await
        .ok(201);
    assert_eq!(made.text("/password").len(), 20);
    let again = owner
        .write("POST", "/api/v1/users", "u1", user("aziza", "owner"))
        .await
        .ok(201);
    assert!(
        again.replayed && again.json["password"].is_null(),
        "{}",
        again.json
    );
    let refused = async |login: &str, role: &str| owner.post("/api/v1/users", user(login, role)).await;
    refused("aziza", "viewer")
        .await
        .refused_field(409, "login_taken", "login");
    refused("x", "viewer")
        .await
        .refused_field(422, "bad_login", "login");
    refused("bek", "admin")
        .await
        .refused_field(422, "role_mismatch", "role");
    refused("bek", "king")
        .await
        .refused_field(422, "unknown_value", "role");
    assert_eq!(
        manager
            .post("/api/v1/users", user("bek", "viewer"))
            .await
            .refusal(),
        (403, "not_allowed".to_owned())
    );
    let mut other = user("bek", "viewer");
    other["customer"] = json!(world.other_customer.to_string());
    assert_eq!(
        owner.post("/api/v1/users", other).await.refusal(),
        (404, "not_found".to_owned())
    );

    // The last owner stays one.
    let path = format!("/api/v1/users/{}", made.text("/id"));
    let role = format!("{path}/role");
    let last = owner.write("PUT", &role, "p1", json!({"role": "viewer"})).await;
    last.refused_field(409, "last_of_role", "role");
    assert_eq!(
        owner.write("DELETE", &path, "d1", json!({})).await.refusal(),
        (409, "last_of_role".to_owned())
    );
    owner.post("/api/v1/users", user("bobur", "owner")).await.ok(201);
    let changed = owner
        .write("PUT", &role, "p2", json!({"role": "viewer"}))
        .await
        .ok(200);
    assert_eq!(changed.text("/role"), "viewer");
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    assert_eq!(
        stranger.write("DELETE", &path, "d2", json!({})).await.refusal(),
        (404, "no_such_user".to_owned())
    );
    let locked = admin.write("DELETE", &path, "d3", json!({})).await.ok(200);
    assert!(locked.json["locked_at"].is_string());
    assert_eq!(
        owner.write("DELETE", &path, "d4", json!({})).await.refusal(),
        (409, "user_locked_out".to_owned())
    );
    let listed = owner.get("/api/v1/users").await.ok(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 2);
    assert!(!String::from_utf8_lossy(&listed.bytes).contains("password"));

    // Keys.
    let key = json!({"name": "hisobotlar", "role": "viewer"});
    let made = owner
        .write("POST", "/api/v1/api-keys", "k1", key.clone())
        .await
        .ok(201);
    let secret = made.text("/secret");
    let again = owner
        .write("POST", "/api/v1/api-keys", "k1", key.clone())
        .await
        .ok(201);
    assert!(again.json["secret"].is_null());
    let kept: i64 =
        sqlx::query_scalar("select count(*) from idempotency_keys where answer like '%' || $1 || '%'")
            .bind(&secret)
            .fetch_one(&world.test.database.pool())
            .await
            .unwrap();
    assert_eq!(kept, 0, "a secret is kept nowhere");
    let new = super::client::Client::new(world.router.clone(), &secret);
    new.get("/api/v1/notices").await.ok(200);
    assert_eq!(
        manager.post("/api/v1/api-keys", key).await.refusal(),
        (403, "not_allowed".to_owned())
    );
    let staff_key = json!({"name": "x", "role": "admin"});
    let refused = owner.post("/api/v1/api-keys", staff_key).await;
    refused.refused_field(422, "role_mismatch", "role");
    let path = format!("/api/v1/api-keys/{}", made.text("/id"));
    assert_eq!(
        stranger.write("DELETE", &path, "e1", json!({})).await.refusal().0,
        404
    );
    owner.write("DELETE", &path, "e2", json!({})).await.ok(200);
    assert_eq!(
        new.get("/api/v1/notices").await.refusal(),
        (401, "not_signed_in".to_owned())
    );
}

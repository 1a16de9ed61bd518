//! Order blanks up to their signature: drafts made out anew, both ways of signing, what was signed (orders.md §3).

use crate::api::client::Client;
use crate::api::world::{World, system};
use crate::cabinet::browser::{Browser, settings};
use http::StatusCode;
use namoyish_documents::{Language, canonical_json, sha256_hex};
use namoyish_orders::app::create_user::{CreateUser, create_user};
use namoyish_orders::cabinet::router;
use namoyish_runtime::context::Role;
use serde_json::{Value, json};

const BLANKS: &str = "/api/v1/order-blanks";
const PASSWORD: &str = "tilla-baliq-7";

fn with(mut value: Value, more: Value) -> Value {
    for (key, item) in more.as_object().unwrap() {
        value[key] = item.clone();
    }
    value
}

fn media(world: &World) -> Value {
    world.media_line("300000.00", "2026-12-01", "2026-12-31")
}

async fn offered(admin: &Client, blank: Value) -> String {
    let drawn_up = admin.post(BLANKS, blank).await.ok(201);
    let path = format!("{BLANKS}/{}", drawn_up.text("/id"));
    admin.post(&format!("{path}/offer"), json!({})).await.ok(200);
    path
}

// orders.md §3: rubrics / search context, days of week and hours, frequency cap.
#[tokio::test]
async fn a_media_lines_targeting_is_kept_signed_and_loaded_for_serving() {
    let world = World::make(80).await;
    let admin = world.admin().await;
    let line = with(
        media(&world),
        json!({
            "rubrics": ["Restoranlar"], "search_phrases": ["milliy taom"], "schedule": ["tue 9-18", "mon 09-18"],
            "frequency_cap": 3,
        }),
    );
    let signed = world.signed(&admin, vec![line]).await;
    let line = &signed.json["lines"][0];
    assert_eq!(
        (&line["rubrics"], &line["schedule"], &line["frequency_cap"]),
        (&json!(["Restoranlar"]), &json!(["mon-tue 09-18"]), &json!(3))
    );
    let terms: Value = serde_json::from_str(&signed.text("/terms")).unwrap();
    assert_eq!(
        (
            &terms["lines"][0]["schedule"],
            &terms["lines"][0]["search_phrases"],
            &terms["lines"][0]["frequency_cap"]
        ),
        (&json!(["mon-tue 09-18"]), &json!(["milliy taom"]), &json!(3))
    );
    let mut tx = world.test.store.begin().await.unwrap();
    let id = namoyish_domain::ids::LineId::parse(line["id"].as_str().unwrap()).unwrap();
    let kept = tx.order_lines().find(id).await.unwrap().unwrap();
    let monday =
        |clock: &str| namoyish_domain::calendar::at_tashkent(format!("2026-12-07T{clock}").parse().unwrap());
    assert!(kept.targeting.allows(monday("09:00:00"), Some("restoranlar"), ""));
    assert!(!kept.targeting.allows(monday("18:00:00"), Some("restoranlar"), ""));
    assert!(!kept.targeting.allows(monday("09:00:00"), Some("Avto"), "taom"));
}

#[tokio::test]
async fn targeting_out_of_its_bounds_is_refused_by_field() {
    let world = World::make(81).await;
    let admin = world.admin().await;
    for (more, code, field) in [
        (
            json!({"frequency_cap": 0}),
            "frequency_cap_out_of_range",
            "frequency_cap",
        ),
        (
            json!({"frequency_cap": 1001}),
            "frequency_cap_out_of_range",
            "frequency_cap",
        ),
        (json!({"schedule": ["mon 18-9"]}), "not_a_window", "schedule"),
        (json!({"rubrics": ["a", "A"]}), "duplicate", "rubrics"),
        (json!({"search_phrases": [" "]}), "not_a_text", "search_phrases"),
    ] {
        let blank = world.blank(vec![with(media(&world), more)]);
        admin
            .post(BLANKS, blank)
            .await
            .refused_field(422, code, &format!("lines[1].{field}"));
    }
    let period = with(
        world.period_line("2026-12", "2027-01"),
        json!({"schedule": ["mon"]}),
    );
    admin.post(BLANKS, world.blank(vec![period])).await.refused_field(
        422,
        "field_of_another_kind",
        "lines[1].schedule",
    );
}

// orders.md §3: own payment term [003 §5.11.1], as a date or as days after the signing.
#[tokio::test]
async fn an_own_payment_term_is_a_date_or_days_and_not_both() {
    let world = World::make(82).await;
    let admin = world.admin().await;
    let blank = |more| with(world.blank(vec![world.period_line("2026-11", "2026-12")]), more);
    let both = blank(json!({"own_due_on": "2026-11-20", "own_due_days": 10}));
    admin
        .post(BLANKS, both)
        .await
        .refused_field(422, "two_own_terms", "own_due_days");
    admin
        .post(BLANKS, blank(json!({"own_due_days": 366})))
        .await
        .refused_field(422, "own_term_too_long", "own_due_days");
    let path = offered(&admin, blank(json!({"own_due_days": 10}))).await;
    world.advance_to("2026-11-04T09:00:00");
    let signed = world.sign_paper(&admin, &path, &[]).await.ok(200);
    let invoice = signed.json["invoices"][0].as_str().unwrap().to_owned();
    let invoice = admin.get(&format!("/api/v1/invoices/{invoice}")).await.ok(200);
    assert_eq!(invoice.text("/due_on"), "2026-11-14");
}

// orders.md §3: a draft can be changed; what was offered can't.
#[tokio::test]
async fn a_draft_is_made_out_anew_under_its_number_and_an_offer_is_not() {
    let world = World::make(83).await;
    let admin = world.admin().await;
    let drawn_up = admin
        .post(
            BLANKS,
            world.blank(vec![media(&world), world.period_line("2026-12", "2027-01")]),
        )
        .await
        .ok(201);
    let path = format!("{BLANKS}/{}", drawn_up.text("/id"));
    let anew = world.blank(vec![world.media_line("450000.00", "2026-12-01", "2026-12-31")]);
    let changed = admin
        .write("PUT", &path, &admin.fresh_key(), anew.clone())
        .await
        .ok(200);
    assert_eq!(changed.text("/number"), drawn_up.text("/number"));
    assert_eq!(changed.json["lines"].as_array().unwrap().len(), 1);
    assert_eq!(changed.text("/lines/0/budget"), "450000.00");
    assert_eq!(
        admin.get(&path).await.ok(200).text("/lines/0/budget"),
        "450000.00"
    );

    let other = with(
        anew.clone(),
        json!({"customer": world.other_customer.to_string()}),
    );
    admin
        .write("PUT", &path, &admin.fresh_key(), other)
        .await
        .refused_field(422, "another_customer", "customer");
    let bad = world.blank(vec![world.media_line("11.99", "2026-12-01", "2026-12-31")]);
    admin
        .write("PUT", &path, &admin.fresh_key(), bad)
        .await
        .refused_field(422, "budget_below_one_impression", "lines[1].budget");
    assert_eq!(
        admin.get(&path).await.ok(200).text("/lines/0/budget"),
        "450000.00"
    );
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let refused = owner.write("PUT", &path, &owner.fresh_key(), anew.clone()).await;
    assert_eq!(refused.refusal().0, 403);

    admin.post(&format!("{path}/offer"), json!({})).await.ok(200);
    let refused = admin.write("PUT", &path, &admin.fresh_key(), anew).await;
    assert_eq!(refused.refusal(), (409, "order_blank_not_draft".to_owned()));
    // The customer declines what was offered.
    let declined = owner
        .post(&format!("{path}/cancel"), json!({"reason": "qimmat"}))
        .await
        .ok(200);
    assert_eq!(declined.text("/state"), "cancelled");
    let again = owner.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!(again.refusal(), (409, "order_blank_already_cancelled".to_owned()));
}

// orders.md §3: the operator records a paper signature with the scan.
#[tokio::test]
async fn a_paper_signature_needs_its_scan_and_keeps_it_for_its_parties() {
    let world = World::make(84).await;
    let admin = world.admin().await;
    let path = offered(&admin, world.blank(vec![media(&world)])).await;
    let sign = format!("{path}/sign-paper");
    let huge = vec![b'%'; 10 * 1024 * 1024 + 1];
    for (file, code) in [
        (None, "scan_missing"),
        (Some(&b""[..]), "scan_missing"),
        (Some(&b"<svg/>"[..]), "scan_of_another_type"),
        (Some(&b"%PDF-1.7 cut"[..]), "scan_is_broken"),
        (Some(&b"%PDF-1.7 /JavaScript %%EOF"[..]), "scan_is_active"),
        (Some(&huge[..]), "scan_too_heavy"),
    ] {
        let refused = admin.post_form(&sign, &admin.fresh_key(), &[], file).await;
        refused.refused_field(422, code, "file");
    }
    assert_eq!(admin.get(&path).await.ok(200).text("/state"), "offered");
    let pdf = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n%%EOF\n";
    let signed = admin
        .post_form(
            &sign,
            &admin.fresh_key(),
            &[("signed_on", "2026-11-02")],
            Some(pdf),
        )
        .await
        .ok(200);
    assert_eq!(signed.text("/signature_kind"), "paper");
    let scan = admin.get(&format!("{path}/scan")).await.ok(200);
    assert_eq!(
        (scan.media_type.as_str(), &scan.bytes[..]),
        ("application/pdf", &pdf[..])
    );
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    owner.get(&format!("{path}/scan")).await.ok(200);
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    for file in ["scan", "terms", "pdf"] {
        assert_eq!(
            stranger.get(&format!("{path}/{file}")).await.status,
            404,
            "{file}"
        );
    }
}

// orders.md §3: what was signed is frozen as canonical JSON with its SHA-256, and the signed PDF shows that hash.
#[tokio::test]
async fn the_frozen_terms_hash_to_what_the_blank_its_pdf_and_the_verify_page_say() {
    let world = World::make(85).await;
    let admin = world.admin().await;
    let draft = offered(&admin, world.blank(vec![media(&world)])).await;
    assert_eq!(admin.get(&format!("{draft}/terms")).await.status, 404);
    let unsigned = admin.get(&format!("{draft}/pdf?language=en")).await.ok(200);
    assert!(unsigned.bytes.starts_with(b"%PDF-"));

    let blank = world
        .signed(
            &admin,
            vec![media(&world), world.period_line("2026-12", "2027-01")],
        )
        .await;
    let path = format!("{BLANKS}/{}", blank.text("/id"));
    let terms = admin.get(&format!("{path}/terms")).await.ok(200);
    let sha256 = blank.text("/sha256");
    let text = String::from_utf8(terms.bytes.clone()).unwrap();
    assert_eq!(sha256_hex(&text), sha256);
    // Read and written again by whoever checks it, it is the same text.
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(canonical_json(&value).unwrap(), text);
    assert_eq!(value["gross"], "2576000.00");

    // The parties' requisites may change afterwards: the paper stays the same, byte by byte.
    let mut first = Vec::new();
    for language in Language::ALL {
        let file = format!("{path}/pdf?language={}", language.code());
        first.push(admin.get(&file).await.ok(200).bytes);
    }
    sqlx::query("update customers set name = 'Boshqa nom', address = 'Samarqand'")
        .execute(&world.test.database.pool())
        .await
        .unwrap();
    for (language, before) in Language::ALL.into_iter().zip(&first) {
        let file = format!("{path}/pdf?language={}", language.code());
        assert_eq!(&admin.get(&file).await.ok(200).bytes, before, "{language}");
    }
    assert_eq!(
        admin.get(&format!("{path}/pdf?language=de")).await.refusal(),
        (422, "unknown_value".to_owned())
    );
    let invoice = admin.get("/api/v1/invoices").await.ok(200).text("/items/0/id");
    let pdf = admin
        .get(&format!("/api/v1/invoices/{invoice}/pdf?language=ru"))
        .await
        .ok(200);
    assert!(pdf.bytes.starts_with(b"%PDF-"));

    let mut browser = Browser::new(router(world.test.context.clone(), settings()));
    let number = blank.text("/number");
    let page = browser
        .get(&format!("/verify?number={number}&hash={sha256}"))
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains(&number));
    let wrong = "0".repeat(64);
    let page = browser
        .get(&format!("/verify?number={number}&hash={wrong}"))
        .await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

// README rule 6, orders.md §3: what was signed is never changed.
#[tokio::test]
async fn the_database_refuses_to_change_what_was_signed() {
    let world = World::make(86).await;
    let admin = world.admin().await;
    world.signed(&admin, vec![media(&world)]).await;
    let pool = world.test.database.pool();
    for (statement, constraint) in [
        ("update order_blanks set canonical_json = '{}'", "append_only"),
        ("update order_blanks set sha256 = repeat('0', 64)", "append_only"),
        ("update order_blanks set own_due_on = '2027-01-01'", "append_only"),
        ("delete from order_lines", "append_only"),
        (
            "update order_lines set ordered_last_day = '2027-01-31'",
            "append_only",
        ),
        ("update order_lines set code = 'x'", "append_only"),
        ("update order_lines set unit_price = 1", "amendment_needed"),
        ("update order_lines set budget = budget - 1", "amendment_needed"),
        ("update order_lines set frequency_cap = 5", "amendment_needed"),
        ("delete from line_placements", "amendment_needed"),
        ("delete from line_regions", "amendment_needed"),
        ("update scans set media_type = 'image/jpeg'", "append_only"),
        ("delete from scans", "append_only"),
    ] {
        let error = sqlx::query(statement).execute(&pool).await.unwrap_err();
        let refused = error
            .as_database_error()
            .and_then(|error| error.constraint())
            .map(str::to_owned);
        assert_eq!(refused.as_deref(), Some(constraint), "{statement}: {error}");
    }
    // Free: a pause, the end, a higher budget.
    sqlx::query("update order_lines set budget = budget + 1, paused_at = now(), ended_on = '2026-12-20'")
        .execute(&pool)
        .await
        .unwrap();
}

async fn code_in_mail(world: &World) -> String {
    let mut tx = world.test.store.begin().await.unwrap();
    let mut code = String::new();
    while let Some(mail) = tx.outbox().claim(world.test.now()).await.unwrap() {
        let digits = mail
            .mail
            .body
            .split_whitespace()
            .find(|word| word.len() == 6 && word.parse::<u32>().is_ok());
        code = digits.unwrap_or(&code).to_owned();
        tx.outbox()
            .mark_sent(mail.mail.id, world.test.now())
            .await
            .unwrap();
    }
    tx.save().await.unwrap();
    code
}

async fn cabinet_of(world: &World, login: &str, role: Role) -> Browser {
    let cmd = CreateUser {
        login: login.to_owned(),
        password: PASSWORD.to_owned(),
        customer: Some(world.customer),
        role,
        language: Language::UzLatn,
    };
    create_user(&world.test, &system(), cmd).await.unwrap();
    let mut browser = Browser::new(router(world.test.context.clone(), settings()));
    let answer = browser.sign_in(login, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    browser
}

// orders.md §3: the customer accepts in the cabinet, re-entering the password and a one-time code sent to the notice e-mail.
#[tokio::test]
async fn the_owner_reads_the_whole_blank_and_signs_it_in_the_cabinet() {
    let world = World::make(87).await;
    let admin = world.admin().await;
    let api_path = offered(&admin, world.blank(vec![media(&world)])).await;
    let id = api_path.rsplit('/').next().unwrap().to_owned();
    let order = format!("/cabinet/orders/{id}");
    let mut owner = cabinet_of(&world, "aziza", Role::Owner).await;
    let mut manager = cabinet_of(&world, "bobur", Role::Manager).await;

    let page = owner.get(&order).await;
    assert!(page.body.contains(&format!("{order}/sign")), "{}", page.body);
    let page = owner.get(&format!("{order}/sign")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in [
        "336\u{a0}000,00",
        "300\u{a0}000,00",
        "MEDIA-BANNER",
        "osh@example.uz",
        "1-tahrir",
    ] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    let sha256 = page.hidden("sha256");
    let page = manager.get(&format!("{order}/sign")).await;
    assert!(!page.body.contains("name=\"password\""));
    let fields = [
        ("password", PASSWORD),
        ("code", "123456"),
        ("sha256", sha256.as_str()),
    ];
    let refused = manager.post(&format!("{order}/sign"), &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for language in ["ru", "en", "uz-Latn"] {
        owner.post("/language", &[("language", language)]).await;
        let page = owner.get(&format!("{order}/sign")).await;
        assert!(!page.body.contains('⟦'), "{language}: {}", page.body);
    }

    // No code was sent yet.
    let refused = owner.post(&format!("{order}/sign"), &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sent = owner.post(&format!("{order}/sign/code"), &[]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let again = owner.post(&format!("{order}/sign/code"), &[]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = code_in_mail(&world).await;
    for fields in [
        [
            ("password", ""),
            ("code", code.as_str()),
            ("sha256", sha256.as_str()),
        ],
        [("password", "boshqa"), ("code", &code), ("sha256", &sha256)],
        [("password", PASSWORD), ("code", ""), ("sha256", &sha256)],
        [("password", PASSWORD), ("code", &code), ("sha256", "0")],
    ] {
        let refused = owner.post(&format!("{order}/sign"), &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(!refused.body.contains(PASSWORD), "a password never comes back");
    }
    let fields = [
        ("password", PASSWORD),
        ("code", code.as_str()),
        ("sha256", sha256.as_str()),
    ];
    let signed = owner.post(&format!("{order}/sign"), &fields).await;
    assert_eq!(
        (signed.status, signed.location()),
        (StatusCode::SEE_OTHER, order.as_str()),
        "{}",
        signed.body
    );
    let page = owner.get(&order).await;
    for part in [sha256.as_str(), "336\u{a0}000,00", "/terms", "/pdf?language=ru"] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    let terms = owner.get(&format!("{order}/terms")).await;
    assert_eq!(sha256_hex(&terms.body), sha256);
    let pdf = owner.get(&format!("{order}/pdf?language=en")).await;
    assert_eq!(pdf.header("content-type"), "application/pdf");
    // The form sent twice signs once.
    let twice = owner.post(&format!("{order}/sign"), &fields).await;
    assert_eq!(
        (twice.status, twice.location()),
        (StatusCode::SEE_OTHER, order.as_str())
    );
    assert_eq!(
        admin.get("/api/v1/invoices").await.ok(200).json["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_offer_is_declined_in_the_cabinet_and_a_strangers_blank_is_not_there() {
    let world = World::make(88).await;
    let admin = world.admin().await;
    let api_path = offered(&admin, world.blank(vec![media(&world)])).await;
    let order = format!("/cabinet/orders/{}", api_path.rsplit('/').next().unwrap());
    let foreign = with(
        world.blank(vec![media(&world)]),
        json!({"customer": world.other_customer.to_string()}),
    );
    let foreign = offered(&admin, foreign).await;
    let foreign = format!("/cabinet/orders/{}", foreign.rsplit('/').next().unwrap());
    let mut manager = cabinet_of(&world, "bobur", Role::Manager).await;
    for page in ["/sign", "/pdf", "/terms", "/scan"] {
        let answer = manager.get(&format!("{foreign}{page}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}");
    }
    for form in ["/sign", "/sign/code", "/decline"] {
        let answer = manager.post(&format!("{foreign}{form}"), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{form}");
    }
    let declined = manager
        .post(&format!("{order}/decline"), &[("reason", "qimmat")])
        .await;
    assert_eq!(declined.status, StatusCode::SEE_OTHER, "{}", declined.body);
    assert_eq!(admin.get(&api_path).await.ok(200).text("/state"), "cancelled");
    let again = manager.post(&format!("{order}/decline"), &[]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
}

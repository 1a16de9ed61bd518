//! Amendments of signed blanks (orders.md §6) [003 §5.2, §10.1]: the chain, its refusals, and the money that follows.

use crate::api::client::{Answer, Client};
use crate::api::world::{World, png};
use namoyish_documents::sha256_hex;
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::ids::{CustomerId, LineId};
use namoyish_domain::money::Money;
use namoyish_orders::app::record_payment::{RecordPayment, record_payment};
use namoyish_orders::app::sign_amendment::{SignAmendment, send_amendment_code, sign_amendment};
use namoyish_orders::app::sign_order_blank::HowSigned;
use namoyish_runtime::context::{Actor, Role};
use serde_json::{Value, json};

/// A signed blank with a media line of December (300,000.00) and a period line of December and January.
async fn signed(world: &World, admin: &Client) -> (String, String, String) {
    let lines = vec![
        world.media_line("300000.00", "2026-12-01", "2026-12-31"),
        world.period_line("2026-12", "2027-01"),
    ];
    let blank = world.signed(admin, lines).await;
    (
        format!("/api/v1/order-blanks/{}", blank.text("/id")),
        blank.text("/lines/0/id"),
        blank.text("/lines/1/id"),
    )
}

async fn propose(admin: &Client, blank: &str, lines: Value) -> Answer {
    admin
        .post(
            &format!("{blank}/amendments"),
            json!({"lines": lines, "note": "kelishuv"}),
        )
        .await
}

async fn offer(admin: &Client, amendment: &str) -> String {
    let path = format!("/api/v1/amendments/{amendment}");
    admin.post(&format!("{path}/offer"), json!({})).await.ok(200);
    path
}

async fn sign(admin: &Client, path: &str) -> Answer {
    admin
        .post_form(
            &format!("{path}/sign-paper"),
            &admin.fresh_key(),
            &[],
            Some(&png(30, 40)),
        )
        .await
}

async fn agreed(admin: &Client, blank: &str, lines: Value) -> Answer {
    let amendment = propose(admin, blank, lines).await.ok(201).text("/id");
    let path = offer(admin, &amendment).await;
    sign(admin, &path).await.ok(200)
}

async fn count(world: &World, line: &str, impressions: i64) {
    let line = LineId::parse(line).unwrap();
    sqlx::query("insert into line_totals (line_id, scope, counted, cap) values ($1, 0, $2, 25000)")
        .bind(line.uuid())
        .bind(impressions)
        .execute(&world.test.database.pool())
        .await
        .unwrap();
}

async fn pay(world: &World, customer: CustomerId, amount: &str) {
    let cmd = RecordPayment {
        customer,
        amount: Money::parse(amount).unwrap(),
        received_on: world.test.today(),
        method: PaymentMethod::Bank,
        named_invoice: None,
        reference: "TT 1".into(),
        idempotency_key: format!("pay {amount}"),
    };
    record_payment(&world.test, &Actor::system("bank"), cmd)
        .await
        .unwrap();
}

async fn invoices(admin: &Client) -> Vec<(String, String, String)> {
    let list = admin.get("/api/v1/invoices").await.ok(200);
    list.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invoice| {
            let text = |name: &str| invoice[name].as_str().unwrap().to_owned();
            (text("due_on"), text("gross"), text("paid"))
        })
        .collect()
}

// orders.md §6: the order blank keeps its whole chain of amendments.
#[tokio::test]
async fn each_amendment_names_the_hash_of_the_one_before_and_the_first_that_of_the_blank() {
    let world = World::make(100).await;
    let admin = world.admin().await;
    let (blank, media, _) = signed(&world, &admin).await;
    let first = agreed(&admin, &blank, json!([{"line": media, "regions": []}])).await;
    let second = agreed(
        &admin,
        &blank,
        json!([{"line": media, "targeting": {"schedule": ["mon-fri 09-18"]}}]),
    )
    .await;
    let of_blank = admin.get(&blank).await.ok(200);
    assert_eq!(first.text("/previous_sha256"), of_blank.text("/sha256"));
    assert_eq!(second.text("/previous_sha256"), first.text("/sha256"));
    assert_eq!(
        (&first.json["number"], &second.json["number"]),
        (&json!(1), &json!(2))
    );
    for signed in [&first, &second] {
        let path = format!("/api/v1/amendments/{}", signed.text("/id"));
        let terms = admin.get(&format!("{path}/terms")).await.ok(200);
        assert_eq!(
            sha256_hex(std::str::from_utf8(&terms.bytes).unwrap()),
            signed.text("/sha256")
        );
        admin.get(&format!("{path}/scan")).await.ok(200);
    }
    let line = admin.get(&format!("/api/v1/lines/{media}")).await.ok(200);
    assert_eq!(
        (&line.json["regions"], &line.json["schedule"]),
        (&json!([]), &json!(["mon-fri 09-18"]))
    );
    let changes = admin.get(&format!("/api/v1/lines/{media}/changes")).await.ok(200);
    assert_eq!(changes.text("/items/0/kind"), "amended");
    let chain = admin.get(&format!("{blank}/amendments")).await.ok(200);
    assert_eq!(chain.json["items"].as_array().unwrap().len(), 2);
    // The blank's own text stays.
    assert_eq!(
        admin.get(&blank).await.ok(200).text("/terms"),
        of_blank.text("/terms")
    );
    let error = sqlx::query("update amendments set note = 'x'")
        .execute(&world.test.database.pool())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("frozen"), "{error}");
}

// orders.md §6: a budget is never decreased below what is spent; a decrease is an amendment signed by both parties.
#[tokio::test]
async fn a_budget_is_lowered_down_to_what_is_spent_and_the_rest_is_free_again() {
    let world = World::make(101).await;
    let admin = world.admin().await;
    let (blank, media, _) = signed(&world, &admin).await;
    pay(&world, world.customer, "2576000.00").await;
    world.advance_to("2026-12-10T12:00:00");
    count(&world, &media, 10_000).await;
    let refused = propose(&admin, &blank, json!([{"line": media, "budget": "119999.99"}])).await;
    refused.refused_field(422, "budget_below_spent", "lines[1].budget");
    assert_eq!(refused.text("/limit"), "120000");
    agreed(&admin, &blank, json!([{"line": media, "budget": "120000.00"}])).await;
    let line = admin.get(&format!("/api/v1/lines/{media}")).await.ok(200);
    assert_eq!(line.text("/budget"), "120000.00");
    let kinds: Vec<String> = admin
        .get(&format!("/api/v1/lines/{media}/changes"))
        .await
        .ok(200)
        .json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["amended", "budget_decreased"]);
    // 180,000.00 and its VAT are taken off the invoice of the line, and are free again.
    let mut tx = world.test.store.begin().await.unwrap();
    let free = tx.payments().free_of(world.customer).await.unwrap();
    let free: Vec<String> = free.iter().map(|free| free.free.to_string()).collect();
    assert_eq!(free, ["201600.00"]);
}

// orders.md §6: prices and terms change only by an amendment; a price, before the first service only (decision 0012).
#[tokio::test]
async fn what_an_amendment_may_not_change_is_refused_by_its_code() {
    let world = World::make(102).await;
    let admin = world.admin().await;
    let (blank, media, period) = signed(&world, &admin).await;
    let other = signed(&world, &admin).await;
    for (lines, code, field) in [
        (json!([]), "line_count", "lines"),
        (
            json!([{"line": media}]),
            "amendment_changes_nothing",
            "lines[1].line",
        ),
        (
            json!([{"line": other.1, "budget": "1.00"}]),
            "no_such_line",
            "lines[1].line",
        ),
        (
            json!([{"line": media, "regions": []}, {"line": media, "regions": []}]),
            "duplicate",
            "lines[2].line",
        ),
        (
            json!([{"line": period, "budget": "1.00"}]),
            "field_of_another_kind",
            "lines[1].budget",
        ),
        (
            json!([{"line": media, "regions": ["UZ-XX"]}]),
            "no_such_region",
            "lines[1].regions",
        ),
        (
            json!([{"line": media, "last_day": "2026-11-01"}]),
            "term_in_the_past",
            "lines[1].last_day",
        ),
        (
            json!([{"line": period, "last_day": "2027-01-30"}]),
            "not_a_whole_month",
            "lines[1].last_day",
        ),
        (
            json!([{"line": media, "placements": [world.text_placement.to_string()]}]),
            "another_placement_format",
            "lines[1].placements",
        ),
        (
            json!([{"line": media, "budget": "0.01"}]),
            "budget_below_one_impression",
            "lines[1].budget",
        ),
        (
            json!([{"line": media, "targeting": {"schedule": ["x"]}}]),
            "not_a_window",
            "lines[1].targeting.schedule",
        ),
    ] {
        propose(&admin, &blank, lines)
            .await
            .refused_field(422, code, field);
    }
    world.advance_to("2026-12-10T12:00:00");
    count(&world, &media, 1).await;
    let price = json!([{"line": media, "unit_price": "15000.00"}]);
    propose(&admin, &blank, price).await.refused_field(
        422,
        "price_after_first_impression",
        "lines[1].unit_price",
    );
    let price = json!([{"line": period, "unit_price": "900000.00"}]);
    propose(&admin, &blank, price)
        .await
        .refused_field(422, "price_after_begin", "lines[1].unit_price");
    let first_day = json!([{"line": media, "first_day": "2026-12-20"}]);
    propose(&admin, &blank, first_day)
        .await
        .refused_field(422, "line_has_begun", "lines[1].first_day");
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let refused = propose(&owner, &blank, json!([{"line": media, "regions": []}])).await;
    assert_eq!(refused.refusal().0, 403);
}

#[tokio::test]
async fn only_a_contract_in_force_is_amended() {
    let world = World::make(103).await;
    let admin = world.admin().await;
    let drawn_up = admin
        .post(
            "/api/v1/order-blanks",
            world.blank(vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")]),
        )
        .await
        .ok(201);
    let path = format!("/api/v1/order-blanks/{}", drawn_up.text("/id"));
    let change = json!([{"line": drawn_up.text("/lines/0/id"), "regions": []}]);
    assert_eq!(
        propose(&admin, &path, change).await.refusal(),
        (409, "order_blank_not_signed".to_owned())
    );
    let (blank, media, _) = signed(&world, &admin).await;
    for (state, code) in [
        ("terminated", "order_blank_terminated"),
        ("completed", "order_blank_completed"),
    ] {
        sqlx::query("update order_blanks set state = $1 where signed_at is not null")
            .bind(state)
            .execute(&world.test.database.pool())
            .await
            .unwrap();
        let refused = propose(&admin, &blank, json!([{"line": media, "regions": []}])).await;
        assert_eq!(refused.refusal(), (409, code.to_owned()));
    }
}

// orders.md §6; billing.md §2: what is added is invoiced as at signing.
#[tokio::test]
async fn what_is_added_is_invoiced_as_at_signing() {
    let world = World::make(104).await;
    let admin = world.admin().await;
    let (blank, media, period) = signed(&world, &admin).await;
    let lines = json!([
        {"line": media, "budget": "400000.00"},
        {"line": period, "last_day": "2027-03-31"},
    ]);
    let signed = agreed(&admin, &blank, lines).await;
    assert_eq!(signed.json["invoices"].as_array().unwrap().len(), 2);
    let all = invoices(&admin).await;
    // Media: 3 business days before 1 December; February and March: 5 days after the signature.
    assert!(
        all.contains(&("2026-11-26".into(), "112000.00".into(), "0.00".into())),
        "{all:?}"
    );
    assert!(
        all.contains(&("2026-11-07".into(), "2240000.00".into(), "0.00".into())),
        "{all:?}"
    );

    // In mid-term the rule's day is over: the amendment states its own.
    world.advance_to("2026-12-10T12:00:00");
    let more = json!([{"line": media, "budget": "500000.00"}]);
    propose(&admin, &blank, more.clone())
        .await
        .refused_field(422, "due_before_signing", "own_due_on");
    let own = admin
        .post(
            &format!("{blank}/amendments"),
            json!({"lines": more, "own_due_on": "2026-12-15"}),
        )
        .await
        .ok(201);
    let path = offer(&admin, &own.text("/id")).await;
    sign(&admin, &path).await.ok(200);
    let all = invoices(&admin).await;
    assert!(
        all.contains(&("2026-12-15".into(), "112000.00".into(), "0.00".into())),
        "{all:?}"
    );
}

#[tokio::test]
async fn one_amendment_is_open_at_a_time_and_a_declined_one_leaves_its_number() {
    let world = World::make(105).await;
    let admin = world.admin().await;
    let (blank, media, _) = signed(&world, &admin).await;
    let change = || json!([{"line": media, "regions": []}]);
    let first = propose(&admin, &blank, change()).await.ok(201);
    assert_eq!(
        propose(&admin, &blank, change()).await.refusal(),
        (409, "amendment_already_open".to_owned())
    );
    let path = format!("/api/v1/amendments/{}", first.text("/id"));
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    assert_eq!(
        owner.get(&path).await.status,
        404,
        "a draft is the operator's own paper"
    );
    assert_eq!(
        sign(&admin, &path).await.refusal(),
        (409, "amendment_not_offered".to_owned())
    );
    offer(&admin, &first.text("/id")).await;
    owner.get(&path).await.ok(200);
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    assert_eq!(stranger.get(&path).await.status, 404);
    assert_eq!(
        stranger.post(&format!("{path}/cancel"), json!({})).await.status,
        404
    );
    let declined = owner
        .post(&format!("{path}/cancel"), json!({"reason": "yoʻq"}))
        .await
        .ok(200);
    assert_eq!(declined.text("/state"), "cancelled");
    assert_eq!(
        sign(&admin, &path).await.refusal(),
        (409, "amendment_cancelled".to_owned())
    );
    let second = agreed(&admin, &blank, change()).await;
    assert_eq!(second.json["number"], 1);
    let path = format!("/api/v1/amendments/{}", second.text("/id"));
    assert_eq!(
        sign(&admin, &path).await.refusal(),
        (409, "amendment_already_signed".to_owned())
    );
    let cancel = admin.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!(cancel.refusal(), (409, "amendment_already_signed".to_owned()));
}

#[tokio::test]
async fn the_customer_agrees_in_the_cabinet_with_a_code_of_this_amendment_and_the_text_that_was_shown() {
    let world = World::make(106).await;
    let admin = world.admin().await;
    let (blank, media, _) = signed(&world, &admin).await;
    let amendment = propose(&admin, &blank, json!([{"line": media, "regions": []}]))
        .await
        .ok(201);
    offer(&admin, &amendment.text("/id")).await;
    let id = namoyish_domain::ids::AmendmentId::parse(&amendment.text("/id")).unwrap();
    let owner = Actor::customer("aziza", Role::Owner, world.customer);
    let manager = Actor::customer("bobur", Role::Manager, world.customer);
    let stranger = Actor::customer("x", Role::Owner, world.other_customer);
    let code_of = |result: Result<(), namoyish_orders::app::sign_amendment::SignAmendmentError>| {
        result.map_err(|error| error.code())
    };
    assert_eq!(
        code_of(send_amendment_code(&world.test, &manager, id).await),
        Err("not_allowed")
    );
    assert_eq!(
        code_of(send_amendment_code(&world.test, &stranger, id).await),
        Err("no_such_amendment")
    );
    send_amendment_code(&world.test, &owner, id).await.unwrap();
    let mut tx = world.test.store.begin().await.unwrap();
    let mut code = String::new();
    while let Some(mail) = tx.outbox().claim(world.test.now()).await.unwrap() {
        let word = mail
            .mail
            .body
            .split_whitespace()
            .find(|word| word.len() == 6 && word.parse::<u32>().is_ok());
        code = word.unwrap_or(&code).to_owned();
        tx.outbox()
            .mark_sent(mail.mail.id, world.test.now())
            .await
            .unwrap();
    }
    tx.save().await.unwrap();
    let ask = |actor: Actor, code: String, shown: Option<String>| {
        let world = &world;
        async move {
            let cmd = SignAmendment {
                amendment: id,
                how: HowSigned::CabinetCode { code },
                shown_sha256: shown,
            };
            sign_amendment(&world.test, &actor, cmd)
                .await
                .map(|signed| signed.amendment.number)
                .map_err(|error| error.code())
        }
    };
    assert_eq!(ask(manager, code.clone(), None).await, Err("not_allowed"));
    assert_eq!(
        ask(owner.clone(), "000000".into(), None).await,
        Err("signing_code_wrong")
    );
    assert_eq!(
        ask(owner.clone(), code.clone(), Some("0".repeat(64))).await,
        Err("terms_changed")
    );
    assert_eq!(ask(owner, code, None).await, Ok(1));
}

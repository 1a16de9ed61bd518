//! orders.md §8 [003 §7.2–7.3, §8, §10, §13.4]: notices, agreements, interruptions, through the API and against a real
//! PostgreSQL. The table itself, row by row, is tested in `domain::orders::termination`.

use crate::api::client::{Answer, Client};
use crate::api::world::World;
use namoyish_domain::ids::{LineId, OrderBlankId};
use namoyish_domain::orders::termination::{Ground, Party, Scope};
use namoyish_orders::app::give_notice_of_termination::{GiveNoticeOfTermination, give_notice_of_termination};
use namoyish_runtime::context::{Actor, Role};
use serde_json::{Value, json};

/// A contract: a media line and a period line of December to February, an additional service with a term, a one-off one.
struct Contract {
    world: World,
    sales: Client,
    owner: Client,
    path: String,
    lines: Vec<String>,
}

fn service(first: &str, last: &str) -> Value {
    json!({"kind": "additional", "item": "DESIGN", "first_day": first, "last_day": last, "quantity": "1"})
}

async fn contract(seed: u64) -> Contract {
    let world = World::make(seed).await;
    let sales = world.client(Role::Sales, None).await;
    let owner = world.client(Role::Owner, Some(world.customer)).await;
    let lines = vec![
        world.media_line("300000.00", "2026-12-01", "2027-02-28"),
        world.period_line("2026-12", "2027-02"),
        service("2026-11-10", "2027-02-28"),
    ];
    let mut request = world.blank(lines);
    request["own_due_on"] = json!("2026-11-07");
    let drawn_up = sales.post("/api/v1/order-blanks", request).await.ok(201);
    let path = format!("/api/v1/order-blanks/{}", drawn_up.text("/id"));
    sales.post(&format!("{path}/offer"), json!({})).await.ok(200);
    world.sign_paper(&sales, &path, &[]).await.ok(200);
    let blank = sales.get(&path).await.ok(200);
    let lines = (0..3).map(|n| blank.text(&format!("/lines/{n}/id"))).collect();
    Contract {
        world,
        sales,
        owner,
        path,
        lines,
    }
}

impl Contract {
    async fn notice(&self, who: &Client, request: Value) -> Answer {
        who.post(&format!("{}/terminations", self.path), request).await
    }

    async fn ended_on(&self, line: usize) -> Value {
        let path = format!("/api/v1/lines/{}", self.lines[line]);
        self.sales.get(&path).await.ok(200).json["ended_on"].clone()
    }
}

fn ends(answer: &Answer) -> Vec<String> {
    let lines = answer.json["lines"].as_array().unwrap();
    let mut ends: Vec<String> = lines
        .iter()
        .map(|line| line["effective_on"].as_str().unwrap().to_owned())
        .collect();
    ends.sort();
    ends
}

#[tokio::test]
async fn an_ordinary_notice_ends_the_whole_contract_on_the_first_of_a_month() {
    // orders.md §8, §10.2.3: 2 November is more than 14 days before 1 December.
    let contract = contract(200).await;
    let given = contract
        .notice(&contract.owner, json!({"ground": "ordinary"}))
        .await
        .ok(201);
    assert_eq!(ends(&given), ["2026-12-01", "2026-12-01", "2026-12-01"]);
    assert_eq!(
        (given.text("/by"), given.text("/noticed_on"), given.text("/scope")),
        ("customer".into(), "2026-11-02".into(), "contract".into())
    );
    for line in 0..3 {
        assert_eq!(contract.ended_on(line).await, "2026-12-01");
    }
    let listed = contract
        .owner
        .get(&format!("{}/terminations", contract.path))
        .await
        .ok(200);
    assert_eq!(listed.text("/items/0/id"), given.text("/id"));
    let changes = contract
        .owner
        .get(&format!("/api/v1/lines/{}/changes", contract.lines[0]))
        .await
        .ok(200);
    let kinds: Vec<&str> = changes.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"termination_notice"), "{kinds:?}");
    // The notice went to the blank's notice address [003 §12.3].
    let mut tx = contract.world.test.store.begin().await.unwrap();
    let mut told = 0;
    while let Some(mail) = tx.outbox().claim(contract.world.test.now()).await.unwrap() {
        told += usize::from(
            mail.mail.dedupe_key.starts_with("notice ") && mail.mail.recipient == "osh@example.uz",
        );
        tx.outbox()
            .mark_sent(mail.mail.id, contract.world.test.now())
            .await
            .unwrap();
    }
    assert!(told >= 1);
}

#[tokio::test]
async fn a_later_notice_brings_an_end_forward_and_never_puts_it_off() {
    let contract = contract(201).await;
    contract
        .notice(&contract.owner, json!({"ground": "ordinary"}))
        .await
        .ok(201);
    let again = contract
        .notice(&contract.owner, json!({"ground": "ordinary"}))
        .await;
    assert_eq!(again.refusal(), (409, "termination_ends_already".to_owned()));
    assert_eq!(again.text("/limit"), "2026-12-01");
    // The operator may end earlier: three business days after Monday the 2nd for media, three days for the rest.
    let breach = json!({"ground": "breach", "comment": "Qoidalar buzilgan"});
    let given = contract.notice(&contract.sales, breach).await.ok(201);
    assert_eq!(ends(&given), ["2026-11-05", "2026-11-05", "2026-11-06"]);
    assert_eq!(contract.ended_on(0).await, "2026-11-06");
    assert_eq!(contract.ended_on(1).await, "2026-11-05");
}

#[tokio::test]
async fn chosen_lines_and_the_additional_services_alone_end_without_the_rest() {
    // orders.md §8, §10.4.
    let contract = contract(202).await;
    let chosen = json!({"ground": "ordinary", "scope": "lines", "lines": [contract.lines[1]]});
    let given = contract.notice(&contract.owner, chosen).await.ok(201);
    assert_eq!(ends(&given), ["2026-12-01"]);
    assert_eq!(contract.ended_on(0).await, Value::Null);
    // §10.2.4: the day after the third business day after Monday, 2 November.
    let alone = json!({"ground": "ordinary", "scope": "additional"});
    let given = contract.notice(&contract.owner, alone).await.ok(201);
    assert_eq!(ends(&given), ["2026-11-06"]);
    assert_eq!(contract.ended_on(2).await, "2026-11-06");
    assert_eq!(contract.ended_on(0).await, Value::Null);
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let contract = contract(203).await;
    let unknown = "ln_00000000000000000000000000000000";
    for (who, request, status, code, field) in [
        (
            &contract.owner,
            json!({"ground": "breach", "comment": "x"}),
            422,
            "termination_ground_not_open",
            "ground",
        ),
        (
            &contract.owner,
            json!({"ground": "overdue"}),
            422,
            "termination_ground_not_open",
            "ground",
        ),
        (
            &contract.owner,
            json!({"ground": "agreement", "effective_on": "2026-12-01"}),
            422,
            "termination_not_agreed",
            "ground",
        ),
        (
            &contract.owner,
            json!({"ground": "ordinary", "by": "operator"}),
            422,
            "termination_not_your_notice",
            "by",
        ),
        (
            &contract.owner,
            json!({"ground": "ordinary", "sent_on": "2026-11-02"}),
            422,
            "termination_not_your_notice",
            "by",
        ),
        (
            &contract.owner,
            json!({"ground": "ordinary", "effective_on": "2026-11-30"}),
            422,
            "termination_too_early",
            "effective_on",
        ),
        (
            &contract.owner,
            json!({"ground": "ordinary", "effective_on": "2026-12-02"}),
            422,
            "termination_day_is_fixed",
            "effective_on",
        ),
        (
            &contract.owner,
            json!({"ground": "corruption"}),
            422,
            "missing",
            "comment",
        ),
        (
            &contract.owner,
            json!({"ground": "whim"}),
            422,
            "unknown_value",
            "ground",
        ),
        (
            &contract.owner,
            json!({"ground": "ordinary", "scope": "lines"}),
            422,
            "termination_no_lines",
            "lines",
        ),
        (
            &contract.owner,
            json!({"ground": "ordinary", "lines": [contract.lines[0]]}),
            422,
            "unknown_value",
            "lines",
        ),
        (
            &contract.owner,
            json!({"ground": "ordinary", "scope": "lines", "lines": [unknown]}),
            422,
            "no_such_line",
            "lines",
        ),
        (
            &contract.sales,
            json!({"ground": "breach", "comment": " "}),
            422,
            "missing",
            "comment",
        ),
        (
            &contract.sales,
            json!({"ground": "breach", "comment": "x", "effective_on": "2026-11-04"}),
            422,
            "termination_too_early",
            "effective_on",
        ),
        (
            &contract.sales,
            json!({"ground": "agreement", "agreed_on_paper": true, "comment": "x"}),
            422,
            "termination_agreed_day_missing",
            "effective_on",
        ),
        (
            &contract.sales,
            json!({"ground": "ordinary", "by": "customer", "sent_on": "2026-11-03"}),
            422,
            "termination_sent_on_out_of_range",
            "sent_on",
        ),
        (
            &contract.sales,
            json!({"ground": "ordinary", "by": "customer", "sent_on": "2026-11-01"}),
            422,
            "termination_sent_on_out_of_range",
            "sent_on",
        ),
    ] {
        let told = contract.notice(who, request.clone()).await;
        assert_eq!(told.refusal(), (status, code.to_owned()), "{request}");
        assert_eq!(told.text("/field"), field, "{request}");
    }
    for (who, request, status, code) in [
        (
            &contract.sales,
            json!({"ground": "overdue"}),
            409,
            "termination_nothing_in_delay",
        ),
        (
            &contract.sales,
            json!({"ground": "force_majeure"}),
            409,
            "termination_no_force_majeure",
        ),
    ] {
        let told = contract.notice(who, request.clone()).await;
        assert_eq!(told.refusal(), (status, code.to_owned()), "{request}");
    }
    for line in 0..3 {
        assert_eq!(
            contract.ended_on(line).await,
            Value::Null,
            "a refusal writes nothing"
        );
    }
}

#[tokio::test]
async fn only_the_owner_and_the_sales_staff_end_a_contract() {
    let contract = contract(204).await;
    let world = &contract.world;
    let ordinary = json!({"ground": "ordinary"});
    for (role, customer) in [
        (Role::Manager, Some(world.customer)),
        (Role::Accountant, Some(world.customer)),
        (Role::Traffic, None),
        (Role::Moderator, None),
    ] {
        let client = world.client(role, customer).await;
        let told = contract.notice(&client, ordinary.clone()).await;
        assert_eq!(told.refusal(), (403, "not_allowed".to_owned()), "{role}");
    }
    let stranger = world.client(Role::Owner, Some(world.other_customer)).await;
    assert_eq!(contract.notice(&stranger, ordinary).await.refusal().0, 404);
    let listed = stranger.get(&format!("{}/terminations", contract.path)).await;
    assert_eq!(listed.refusal().0, 404);
}

#[tokio::test]
async fn a_blank_that_is_no_contract_is_not_ended() {
    let contract = contract(205).await;
    let world = &contract.world;
    let draft = world.blank(vec![world.media_line("300000.00", "2026-12-01", "2026-12-31")]);
    let draft = contract.sales.post("/api/v1/order-blanks", draft).await.ok(201);
    let path = format!("/api/v1/order-blanks/{}/terminations", draft.text("/id"));
    let ordinary = json!({"ground": "ordinary"});
    let told = contract.sales.post(&path, ordinary.clone()).await;
    assert_eq!(told.refusal(), (409, "order_blank_not_in_force".to_owned()));
    // A customer doesn't see drafts.
    assert_eq!(contract.owner.post(&path, ordinary).await.refusal().0, 404);
}

#[tokio::test]
async fn an_agreement_needs_both_parties() {
    // orders.md §8, §10.2.1.
    let contract = contract(206).await;
    let path = format!("{}/termination-proposals", contract.path);
    let early = json!({"effective_on": "2026-11-01"});
    let told = contract.owner.post(&path, early).await;
    assert_eq!(told.refusal(), (422, "termination_too_early".to_owned()));
    let proposal = contract
        .owner
        .post(
            &path,
            json!({"effective_on": "2026-11-20", "comment": "Kelishaylik"}),
        )
        .await
        .ok(201);
    assert_eq!(contract.ended_on(0).await, Value::Null);
    let confirm = format!("/api/v1/termination-proposals/{}/confirm", proposal.text("/id"));
    let told = contract.owner.post(&confirm, json!({})).await;
    assert_eq!(told.refusal(), (409, "termination_own_proposal".to_owned()));
    let stranger = contract
        .world
        .client(Role::Owner, Some(contract.world.other_customer))
        .await;
    assert_eq!(stranger.post(&confirm, json!({})).await.refusal().0, 404);
    let notice = contract.sales.post(&confirm, json!({})).await.ok(201);
    assert_eq!(ends(&notice), ["2026-11-20", "2026-11-20", "2026-11-20"]);
    assert_eq!(notice.text("/ground"), "agreement");
    assert_eq!(notice.text("/proposal"), proposal.text("/id"));
    let told = contract.sales.post(&confirm, json!({})).await;
    assert_eq!(told.refusal(), (409, "termination_proposal_confirmed".to_owned()));
    let listed = contract.owner.get(&path).await.ok(200);
    assert_eq!(listed.text("/items/0/confirmed_by_notice"), notice.text("/id"));
}

#[tokio::test]
async fn the_operators_proposal_is_confirmed_by_the_customer_and_not_after_its_day() {
    let contract = contract(207).await;
    let path = format!("{}/termination-proposals", contract.path);
    let request = json!({"scope": "lines", "lines": [contract.lines[0]], "effective_on": "2026-11-04"});
    let late = contract.sales.post(&path, request.clone()).await.ok(201);
    let good = contract.sales.post(&path, request).await.ok(201);
    let confirm = |id: String| format!("/api/v1/termination-proposals/{id}/confirm");
    let told = contract.sales.post(&confirm(good.text("/id")), json!({})).await;
    assert_eq!(told.refusal(), (409, "termination_own_proposal".to_owned()));
    contract.world.advance_to("2026-11-04T12:00:00");
    // E = today stops at once.
    let notice = contract
        .owner
        .post(&confirm(good.text("/id")), json!({}))
        .await
        .ok(201);
    assert_eq!(ends(&notice), ["2026-11-04"]);
    let line = contract
        .owner
        .get(&format!("/api/v1/lines/{}", contract.lines[0]))
        .await
        .ok(200);
    assert_eq!(line.text("/state"), "terminated");
    assert!(
        line.json["not_running"]
            .as_array()
            .unwrap()
            .contains(&json!("terminated"))
    );
    contract.world.advance_to("2026-11-05T12:00:00");
    let told = contract.owner.post(&confirm(late.text("/id")), json!({})).await;
    assert_eq!(told.refusal(), (422, "termination_too_early".to_owned()));
}

#[tokio::test]
async fn a_paper_and_a_customers_letter_are_recorded_by_the_staff() {
    let contract = contract(208).await;
    contract.world.advance_to("2026-11-20T12:00:00");
    // The letter of 17 November keeps 14 days to 1 December, though it is recorded on the 20th.
    let letter = json!({"ground": "ordinary", "by": "customer", "sent_on": "2026-11-17",
        "scope": "lines", "lines": [contract.lines[0]]});
    let given = contract
        .sales
        .post(&format!("{}/terminations", contract.path), letter)
        .await
        .ok(201);
    assert_eq!(
        (ends(&given), given.text("/noticed_on")),
        (vec!["2026-12-01".to_owned()], "2026-11-17".to_owned())
    );
    // One whose day has passed ends nothing that was served already.
    let late =
        json!({"ground": "ordinary", "by": "customer", "sent_on": "2026-11-09", "scope": "additional"});
    let told = contract.notice(&contract.sales, late).await;
    assert_eq!(told.refusal(), (422, "termination_too_early".to_owned()));
    assert_eq!(told.text("/limit"), "2026-11-20");
    let paper = json!({"ground": "agreement", "agreed_on_paper": true, "effective_on": "2026-11-20",
        "comment": "12-sonli kelishuv", "scope": "additional"});
    let given = contract.notice(&contract.sales, paper).await.ok(201);
    assert_eq!(ends(&given), ["2026-11-20"]);
}

#[tokio::test]
async fn a_delay_lets_the_operator_end_on_the_day_it_decides() {
    // orders.md §8, §10.5: the invoice is due on 7 November.
    let contract = contract(209).await;
    contract.world.advance_to("2026-11-07T23:00:00");
    let told = contract
        .notice(&contract.sales, json!({"ground": "overdue"}))
        .await;
    assert_eq!(told.refusal(), (409, "termination_nothing_in_delay".to_owned()));
    contract.world.advance_to("2026-11-08T00:00:00");
    let given = contract
        .notice(&contract.sales, json!({"ground": "overdue"}))
        .await
        .ok(201);
    assert_eq!(ends(&given), ["2026-11-08", "2026-11-08", "2026-11-08"]);
}

#[tokio::test]
async fn an_ended_line_takes_no_material_no_extra_period_and_no_pause() {
    let contract = contract(210).await;
    let paper = json!({"ground": "agreement", "agreed_on_paper": true, "effective_on": "2026-11-02", "comment": "1-kelishuv"});
    contract.notice(&contract.sales, paper).await.ok(201);
    let line = format!("/api/v1/lines/{}", contract.lines[0]);
    let extra = json!({"last_day": "2026-12-10", "extra_budget": "1000.00"});
    let told = contract.owner.post(&format!("{line}/extra-period"), extra).await;
    assert_eq!(told.refusal(), (409, "extra_period_line_ended".to_owned()));
    let told = contract.owner.post(&format!("{line}/pause"), json!({})).await;
    assert_eq!(told.refusal(), (409, "line_over".to_owned()));
    let banner = crate::api::world::png(240, 400);
    let told = contract
        .owner
        .post_form(
            &format!("{line}/materials"),
            "m",
            crate::api::world::BANNER,
            Some(&banner),
        )
        .await;
    assert_eq!(told.refusal(), (409, "line_over".to_owned()));
    let more = contract
        .owner
        .post(&format!("{line}/budget-increases"), json!({"amount": "1000.00"}))
        .await;
    assert_eq!(more.refusal().0, 409, "{}", more.json);
}

#[tokio::test]
async fn two_notices_at_once_end_a_line_once_on_the_earlier_day() {
    let contract = contract(211).await;
    let blank = contract.path.rsplit('/').next().unwrap();
    let blank = OrderBlankId::parse(blank).unwrap();
    let notice = |by, ground| GiveNoticeOfTermination {
        blank,
        by,
        ground,
        scope: Scope::Contract,
        lines: vec![],
        sent_on: None,
        effective_on: None,
        agreed_on_paper: false,
        comment: "bir vaqtda".into(),
    };
    let ctx = &contract.world.test;
    let owner = Actor::customer("aziza", Role::Owner, contract.world.customer);
    let sales = Actor::staff("sardor", Role::Sales);
    let ordinary = || give_notice_of_termination(ctx, &owner, notice(Party::Customer, Ground::Ordinary));
    let breach = || give_notice_of_termination(ctx, &sales, notice(Party::Operator, Ground::Breach));
    let (first, second, third, fourth) = tokio::join!(ordinary(), breach(), ordinary(), breach());
    // Whoever came first: one breach went through, and of the ordinary ones at most the first before it.
    let codes: Vec<&str> = [&first, &second, &third, &fourth]
        .iter()
        .filter_map(|result| result.as_ref().err().map(|refused| refused.code()))
        .collect();
    assert!((2..=3).contains(&codes.len()), "{codes:?}");
    assert!(
        codes.iter().all(|code| *code == "termination_ends_already"),
        "{codes:?}"
    );
    assert_eq!(contract.ended_on(0).await, "2026-11-06");
    assert_eq!(contract.ended_on(1).await, "2026-11-05");
}

#[tokio::test]
async fn the_database_keeps_an_end_from_being_put_off() {
    let contract = contract(212).await;
    contract
        .notice(&contract.owner, json!({"ground": "ordinary"}))
        .await
        .ok(201);
    let line = LineId::parse(&contract.lines[0]).unwrap();
    let later = namoyish_domain::orders::termination::LineEnd {
        line,
        effective_on: "2026-12-02".parse().unwrap(),
        cuts_the_term: true,
    };
    let mut tx = contract.world.test.store.begin().await.unwrap();
    let refused = tx.terminations().set_ended_on(&later).await.unwrap_err();
    assert!(refused.is_constraint("end_is_never_put_off"), "{refused:?}");
}

#[tokio::test]
async fn a_line_is_paused_and_goes_on() {
    let contract = contract(213).await;
    let line = format!("/api/v1/lines/{}", contract.lines[0]);
    let told = contract.owner.post(&format!("{line}/resume"), json!({})).await;
    assert_eq!(told.refusal(), (409, "line_not_paused".to_owned()));
    let paused = contract
        .owner
        .post(&format!("{line}/pause"), json!({}))
        .await
        .ok(200);
    assert!(paused.json["paused_at"].is_string());
    let told = contract.owner.post(&format!("{line}/pause"), json!({})).await;
    assert_eq!(told.refusal(), (409, "line_already_paused".to_owned()));
    let standing = contract.sales.get(&line).await.ok(200);
    assert!(
        standing.json["not_running"]
            .as_array()
            .unwrap()
            .contains(&json!("paused"))
    );
    // Its term doesn't move.
    assert_eq!(standing.text("/last_day"), "2027-02-28");
    let accountant = contract
        .world
        .client(Role::Accountant, Some(contract.world.customer))
        .await;
    assert_eq!(
        accountant
            .post(&format!("{line}/resume"), json!({}))
            .await
            .refusal()
            .0,
        403
    );
    let resumed = contract
        .sales
        .post(&format!("{line}/resume"), json!({}))
        .await
        .ok(200);
    assert_eq!(resumed.json["paused_at"], Value::Null);
    let service = format!("/api/v1/lines/{}/pause", contract.lines[2]);
    let told = contract.owner.post(&service, json!({})).await;
    assert_eq!(told.refusal(), (409, "line_not_shown".to_owned()));
}

#[tokio::test]
async fn a_suspended_customers_lines_do_not_run() {
    // orders.md §5.
    let contract = contract(214).await;
    let customer = format!("/api/v1/customers/{}", contract.world.customer);
    let told = contract
        .sales
        .post(&format!("{customer}/suspend"), json!({}))
        .await;
    assert_eq!(told.refusal(), (422, "missing".to_owned()));
    let reason = json!({"reason": "Shikoyat tekshirilmoqda"});
    let told = contract
        .owner
        .post(&format!("{customer}/suspend"), reason.clone())
        .await;
    assert_eq!(told.refusal(), (403, "not_allowed".to_owned()));
    let suspended = contract
        .sales
        .post(&format!("{customer}/suspend"), reason.clone())
        .await
        .ok(200);
    assert!(suspended.json["suspended_at"].is_string());
    let told = contract.sales.post(&format!("{customer}/suspend"), reason).await;
    assert_eq!(told.refusal(), (409, "customer_already_suspended".to_owned()));
    let line = contract
        .owner
        .get(&format!("/api/v1/lines/{}", contract.lines[0]))
        .await
        .ok(200);
    assert!(
        line.json["not_running"]
            .as_array()
            .unwrap()
            .contains(&json!("customer_suspended"))
    );
    contract
        .sales
        .post(&format!("{customer}/reinstate"), json!({}))
        .await
        .ok(200);
    let told = contract
        .sales
        .post(&format!("{customer}/reinstate"), json!({}))
        .await;
    assert_eq!(told.refusal(), (409, "customer_not_suspended".to_owned()));
}

#[tokio::test]
async fn a_person_withdraws_its_consent_and_a_company_has_none() {
    // orders.md §5 [003 §4.2.1].
    let contract = contract(215).await;
    let company = format!("/api/v1/customers/{}/withdraw-consent", contract.world.customer);
    let told = contract.owner.post(&company, json!({})).await;
    assert_eq!(told.refusal(), (422, "consent_of_a_person_only".to_owned()));
    let person = json!({
        "kind": "person", "name": "G. Orolov", "pinfl": "62902040000025", "address": "Buxoro", "email": "g@example.uz",
        "phone": "+998 90 123-45-67", "signatory": "G. Orolov", "authority": "o'z nomidan",
    });
    let made = contract.sales.post("/api/v1/customers", person).await.ok(201);
    let id = namoyish_domain::ids::CustomerId::parse(&made.text("/id")).unwrap();
    let owner = contract.world.client(Role::Owner, Some(id)).await;
    let path = format!("/api/v1/customers/{id}");
    let told = owner.post(&format!("{path}/restore-consent"), json!({})).await;
    assert_eq!(told.refusal(), (409, "consent_not_withdrawn".to_owned()));
    let withdrawn = owner
        .post(&format!("{path}/withdraw-consent"), json!({}))
        .await
        .ok(200);
    assert!(withdrawn.json["consent_withdrawn_at"].is_string());
    let told = owner.post(&format!("{path}/withdraw-consent"), json!({})).await;
    assert_eq!(told.refusal(), (409, "consent_already_withdrawn".to_owned()));
    // Another customer's is nothing there.
    let told = contract
        .owner
        .post(&format!("{path}/restore-consent"), json!({}))
        .await;
    assert_eq!(told.refusal(), (404, "no_such_customer".to_owned()));
    owner
        .post(&format!("{path}/restore-consent"), json!({}))
        .await
        .ok(200);
}

#[tokio::test]
async fn force_majeure_is_recorded_with_its_certificate_and_a_notice_in_time() {
    // orders.md §8 [003 §8.2–8.3].
    let contract = contract(216).await;
    let record = |first: &str, noticed: Option<&str>| json!({"first_day": first, "noticed_on": noticed, "certificate": "SSP-77"});
    let path = "/api/v1/force-majeure";
    for (request, code, field) in [
        (
            record("2026-10-29", None),
            "force_majeure_notice_too_late",
            "noticed_on",
        ),
        (
            record("2026-10-31", Some("2026-11-04")),
            "force_majeure_notice_to_come",
            "noticed_on",
        ),
        (
            json!({"first_day": "2026-11-01", "certificate": " "}),
            "missing",
            "certificate",
        ),
        (
            json!({"first_day": "2026-11-01", "until": "2026-11-01", "certificate": "x"}),
            "force_majeure_without_days",
            "until",
        ),
        (
            json!({"first_day": "2026-11-01", "certificate": "x", "customers": ["cus_0"]}),
            "no_such_customer",
            "customers",
        ),
        (
            json!({"first_day": "2026-11-01", "certificate": "x", "placements": ["pl_00000000000000000000000000000000"]}),
            "no_such_placement",
            "placements",
        ),
        (
            json!({"first_day": "2026-11-01", "certificate": "x", "affected": "both"}),
            "unknown_value",
            "affected",
        ),
    ] {
        contract
            .sales
            .post(path, request)
            .await
            .refused_field(422, code, field);
    }
    let told = contract.owner.post(path, record("2026-11-02", None)).await;
    assert_eq!(told.refusal(), (403, "not_allowed".to_owned()));
    // The third day after the first is in time.
    let made = contract
        .sales
        .post(path, record("2026-10-30", None))
        .await
        .ok(201);
    let end = format!("{path}/{}/end", made.text("/id"));
    let told = contract.sales.post(&end, json!({"until": "2026-10-30"})).await;
    assert_eq!(told.refusal(), (422, "force_majeure_without_days".to_owned()));
    let ended = contract
        .sales
        .post(&end, json!({"until": "2026-11-10"}))
        .await
        .ok(200);
    assert_eq!(ended.text("/until"), "2026-11-10");
    let told = contract.sales.post(&end, json!({"until": "2026-11-12"})).await;
    assert_eq!(told.refusal(), (409, "force_majeure_end_known".to_owned()));
    let none = format!("{path}/fm_00000000000000000000000000000000/end");
    let told = contract.sales.post(&none, json!({"until": "2026-11-12"})).await;
    assert_eq!(told.refusal(), (404, "no_such_force_majeure".to_owned()));
}

#[tokio::test]
async fn a_line_under_force_majeure_does_not_run_and_lets_the_affected_party_go_after_three_months() {
    // orders.md §8 [003 §8.1, §8.5]: from 2 November longer than three months from 3 February on.
    let contract = contract(217).await;
    let others = json!({"first_day": "2026-11-02", "certificate": "SSP-78",
        "customers": [contract.world.other_customer.to_string()]});
    contract.sales.post("/api/v1/force-majeure", others).await.ok(201);
    let line = format!("/api/v1/lines/{}", contract.lines[0]);
    let reasons = |answer: Answer| answer.json["not_running"].as_array().unwrap().clone();
    assert!(!reasons(contract.owner.get(&line).await).contains(&json!("force_majeure")));
    // What is recorded for another customer isn't told to this one.
    let listed = contract.owner.get("/api/v1/force-majeure").await.ok(200);
    assert_eq!(listed.json["items"], json!([]));
    let made = json!({"first_day": "2026-11-02", "certificate": "SSP-79"});
    contract.sales.post("/api/v1/force-majeure", made).await.ok(201);
    assert!(reasons(contract.owner.get(&line).await).contains(&json!("force_majeure")));
    contract.world.advance_to("2027-02-02T12:00:00");
    let ground = json!({"ground": "force_majeure"});
    let told = contract.notice(&contract.sales, ground.clone()).await;
    assert_eq!(
        told.refusal(),
        (409, "termination_force_majeure_too_short".to_owned())
    );
    assert_eq!(told.text("/limit"), "2027-02-03");
    contract.world.advance_to("2027-02-03T00:00:00");
    let told = contract.notice(&contract.owner, ground.clone()).await;
    assert_eq!(
        told.refusal(),
        (422, "termination_not_the_affected_party".to_owned())
    );
    let given = contract.notice(&contract.sales, ground).await.ok(201);
    assert!(ends(&given).iter().all(|day| day == "2027-02-03"));
}

#[tokio::test]
async fn an_outage_is_recorded_by_the_staff_with_a_length() {
    let contract = contract(218).await;
    let placement = contract.world.text_placement.to_string();
    let outage =
        |began: &str, ended: &str| json!({"placement": placement, "began_at": began, "ended_at": ended});
    let path = "/api/v1/outages";
    for (began, ended) in [
        ("2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z"),
        ("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-11-02T00:00:00Z", "2028-11-01T00:00:00Z"),
    ] {
        contract
            .sales
            .post(path, outage(began, ended))
            .await
            .refused_field(422, "outage_length_out_of_range", "ended_at");
    }
    let good = outage("2026-11-02T00:00:00Z", "2026-11-02T03:00:00Z");
    assert_eq!(contract.owner.post(path, good.clone()).await.refusal().0, 403);
    // Nothing is served yet, so nothing is moved.
    let made = contract.sales.post(path, good).await.ok(201);
    assert_eq!(made.json["moved"], json!([]));
    let nowhere = json!({"placement": "pl_00000000000000000000000000000000",
        "began_at": "2026-11-02T00:00:00Z", "ended_at": "2026-11-03T00:00:00Z"});
    contract
        .sales
        .post(path, nowhere)
        .await
        .refused_field(422, "no_such_placement", "placement");
    let listed = contract.owner.get(path).await.ok(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lost_access_is_claimed_and_moves_the_service_when_it_is_justified() {
    // orders.md §8 [003 §7.3]: more than one business day.
    let contract = contract(219).await;
    contract.world.advance_to("2026-11-20T12:00:00");
    let path = format!("/api/v1/lines/{}/lost-access-claims", contract.lines[2]);
    let claim =
        |first: &str, last: &str| json!({"first_day": first, "last_day": last, "comment": "Kirib boʻlmadi"});
    for (request, code, field) in [
        // Friday to Sunday: one business day.
        (
            claim("2026-11-13", "2026-11-15"),
            "lost_access_too_short",
            "last_day",
        ),
        (
            claim("2026-11-09", "2026-11-12"),
            "lost_access_outside_service",
            "first_day",
        ),
        (
            claim("2026-11-19", "2026-11-21"),
            "lost_access_outside_service",
            "first_day",
        ),
        (
            claim("2026-11-12", "2026-11-11"),
            "lost_access_outside_service",
            "first_day",
        ),
        (
            json!({"first_day": "2026-11-12", "last_day": "2026-11-13", "comment": " "}),
            "missing",
            "comment",
        ),
    ] {
        contract
            .owner
            .post(&path, request)
            .await
            .refused_field(422, code, field);
    }
    let media = format!("/api/v1/lines/{}/lost-access-claims", contract.lines[0]);
    let told = contract
        .owner
        .post(&media, claim("2026-11-12", "2026-11-13"))
        .await;
    assert_eq!(told.refusal(), (409, "lost_access_not_a_service".to_owned()));
    let first = contract
        .owner
        .post(&path, claim("2026-11-12", "2026-11-13"))
        .await
        .ok(201);
    let second = contract
        .owner
        .post(&path, claim("2026-11-13", "2026-11-16"))
        .await
        .ok(201);
    let third = contract
        .owner
        .post(&path, claim("2026-11-17", "2026-11-18"))
        .await
        .ok(201);
    let decide = |id: String| format!("/api/v1/lost-access-claims/{id}/decision");
    let justified = json!({"justified": true});
    let told = contract
        .owner
        .post(&decide(first.text("/id")), justified.clone())
        .await;
    assert_eq!(told.refusal().0, 403);
    let moved = contract
        .sales
        .post(&decide(first.text("/id")), justified.clone())
        .await
        .ok(200);
    assert_eq!(
        (moved.json["moved"]["days"].clone(), moved.text("/moved/last_day")),
        (json!(2), "2027-03-02".to_owned())
    );
    let told = contract
        .sales
        .post(&decide(first.text("/id")), justified.clone())
        .await;
    assert_eq!(told.refusal(), (409, "lost_access_decided".to_owned()));
    // The 13th was counted already.
    let moved = contract
        .sales
        .post(&decide(second.text("/id")), justified)
        .await
        .ok(200);
    assert_eq!(moved.text("/moved/last_day"), "2027-03-05");
    contract
        .sales
        .post(&decide(third.text("/id")), json!({"justified": false}))
        .await
        .refused_field(422, "missing", "comment");
    let rejected = json!({"justified": false, "comment": "Kirish jurnali boshqacha koʻrsatadi"});
    let rejected = contract
        .sales
        .post(&decide(third.text("/id")), rejected)
        .await
        .ok(200);
    assert_eq!(rejected.json["moved"], Value::Null);
}

//! Commands that the API doesn't show: signing in the cabinet; and extra periods with counted impressions behind them.

use crate::api::world::World;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{LineId, OrderBlankId};
use namoyish_domain::money::Money;
use namoyish_domain::orders::line::Service;
use namoyish_domain::orders::order_blank::{
    BlankState, Budget, BudgetMode, Prepayment, StatisticsSource, Term,
};
use namoyish_domain::orders::targeting::Targeting;
use namoyish_orders::app::draw_up_order_blank::{DrawUpLine, DrawUpOrderBlank, DrawnUp, draw_up_order_blank};
use namoyish_orders::app::end_extra_period::{EndExtraPeriod, end_extra_period};
use namoyish_orders::app::offer_order_blank::{OfferOrderBlank, offer_order_blank};
use namoyish_orders::app::set_extra_period::{SetExtraPeriod, set_extra_period};
use namoyish_orders::app::sign_order_blank::{HowSigned, SignOrderBlank, sign_order_blank};
use namoyish_orders::app::signing_code::{SendSigningCode, send_signing_code};
use namoyish_runtime::context::{Actor, Role};

fn term(first: &str, last: &str) -> Term {
    Term::new(first.parse().unwrap(), last.parse().unwrap()).unwrap()
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

async fn offered(world: &World, service: Service) -> DrawnUp {
    let placements = match service {
        Service::Media { .. } => vec![world.placement],
        Service::Period { .. } => vec![world.text_placement],
        _ => vec![],
    };
    let item = if matches!(service, Service::Media { .. }) {
        "MEDIA-BANNER"
    } else {
        "TEXT-LINE"
    };
    let command = DrawUpOrderBlank {
        code: None,
        customer: world.customer,
        city: None,
        prepayment: Prepayment::Full,
        own_due_on: None,
        own_due_days: None,
        statistics_source: StatisticsSource::Own,
        notice_emails: vec!["osh@example.uz".into(), "hisob@example.uz".into()],
        lines: vec![DrawUpLine {
            code: None,
            item: item.into(),
            service,
            placements,
            regions: vec![],
            targeting: Targeting::default(),
        }],
    };
    let sales = Actor::staff("sales", Role::Sales);
    let drawn_up = draw_up_order_blank(&world.test, &sales, command).await.unwrap();
    offer_order_blank(
        &world.test,
        &sales,
        OfferOrderBlank {
            blank: drawn_up.blank.id,
        },
    )
    .await
    .unwrap();
    drawn_up
}

fn media(budget: &str, mode: BudgetMode, first: &str, last: &str) -> Service {
    Service::Media {
        term: term(first, last),
        budget: Budget {
            mode,
            amount: money(budget),
        },
    }
}

fn owner(world: &World) -> Actor {
    Actor::customer("aziza", Role::Owner, world.customer)
}

async fn sign_with(world: &World, actor: &Actor, blank: OrderBlankId, code: &str) -> &'static str {
    let how = HowSigned::CabinetCode {
        code: code.to_owned(),
    };
    match sign_order_blank(&world.test, actor, SignOrderBlank { blank, how }).await {
        Ok(signed) => signed.blank.state.code(),
        Err(error) => error.code(),
    }
}

/// The code out of the newest letter, as the customer reads it.
async fn code_in_mail(world: &World) -> String {
    let mut tx = world.test.store.begin().await.unwrap();
    let mut code = None;
    while let Some(mail) = tx.outbox().claim(world.test.now()).await.unwrap() {
        assert!(mail.mail.recipient.ends_with("@example.uz"));
        assert!(
            !mail.mail.subject.chars().any(|letter| letter.is_ascii_digit())
                || mail.mail.subject.contains("OB-2026")
        );
        let digits = mail
            .mail
            .body
            .split_whitespace()
            .find(|word| word.len() == 6 && word.parse::<u32>().is_ok());
        code = digits.map(str::to_owned);
        tx.outbox()
            .mark_sent(mail.mail.id, world.test.now())
            .await
            .unwrap();
    }
    tx.save().await.unwrap();
    code.expect("a letter with a code")
}

#[tokio::test]
async fn the_customer_signs_with_the_code_from_the_mail() {
    let world = World::make(60).await;
    let blank = offered(
        &world,
        media("300000.00", BudgetMode::Total, "2026-12-01", "2026-12-31"),
    )
    .await
    .blank
    .id;
    let owner = owner(&world);
    assert_eq!(
        sign_with(&world, &owner, blank, "000000").await,
        "signing_code_expired"
    );
    send_signing_code(&world.test, &owner, SendSigningCode { blank })
        .await
        .unwrap();
    let code = code_in_mail(&world).await;
    assert_eq!(sign_with(&world, &owner, blank, &code).await, "signed");
    // The code is used up with the signature.
    assert_eq!(
        sign_with(&world, &owner, blank, &code).await,
        "order_blank_not_offered"
    );
    let mut tx = world.test.store.begin().await.unwrap();
    let signed = tx.order_blanks().find(blank).await.unwrap().unwrap();
    let signature = signed.signature.unwrap();
    assert_eq!(
        (signed.state, signature.kind.code(), signature.signed_by.as_str()),
        (BlankState::Signed, "cabinet_code", "aziza")
    );
}

#[tokio::test]
async fn a_code_can_be_tried_five_times_within_ten_minutes() {
    let world = World::make(61).await;
    let blank = offered(
        &world,
        media("300000.00", BudgetMode::Total, "2026-12-01", "2026-12-31"),
    )
    .await
    .blank
    .id;
    let owner = owner(&world);
    send_signing_code(&world.test, &owner, SendSigningCode { blank })
        .await
        .unwrap();
    let code = code_in_mail(&world).await;
    let wrong = if code == "111111" { "222222" } else { "111111" };
    for _ in 0..5 {
        assert_eq!(
            sign_with(&world, &owner, blank, wrong).await,
            "signing_code_wrong"
        );
    }
    assert_eq!(
        sign_with(&world, &owner, blank, &code).await,
        "signing_code_attempts"
    );
    // A new code would give five more attempts: it is sent once a minute and five times an hour.
    let again = send_signing_code(&world.test, &owner, SendSigningCode { blank }).await;
    assert_eq!(again.unwrap_err().code(), "signing_code_too_often");
    world.advance_to("2026-11-02T09:01:00");

    send_signing_code(&world.test, &owner, SendSigningCode { blank })
        .await
        .unwrap();
    let code = code_in_mail(&world).await;
    world.advance_to("2026-11-02T09:11:00");
    assert_eq!(
        sign_with(&world, &owner, blank, &code).await,
        "signing_code_expired"
    );
    for minute in ["12", "13", "14"] {
        world.advance_to(&format!("2026-11-02T09:{minute}:00"));
        send_signing_code(&world.test, &owner, SendSigningCode { blank })
            .await
            .unwrap();
    }
    world.advance_to("2026-11-02T09:59:59");
    let sixth = send_signing_code(&world.test, &owner, SendSigningCode { blank }).await;
    assert_eq!(sixth.unwrap_err().code(), "signing_code_too_often");
    world.advance_to("2026-11-02T10:00:00");
    send_signing_code(&world.test, &owner, SendSigningCode { blank })
        .await
        .unwrap();
}

#[tokio::test]
async fn only_the_customers_owner_signs_in_the_cabinet() {
    let world = World::make(62).await;
    let blank = offered(
        &world,
        media("300000.00", BudgetMode::Total, "2026-12-01", "2026-12-31"),
    )
    .await
    .blank
    .id;
    send_signing_code(&world.test, &owner(&world), SendSigningCode { blank })
        .await
        .unwrap();
    let code = code_in_mail(&world).await;
    for (actor, due) in [
        (Actor::customer("m", Role::Manager, world.customer), "not_allowed"),
        (Actor::customer("v", Role::Viewer, world.customer), "not_allowed"),
        (
            Actor::customer("o", Role::Owner, world.other_customer),
            "no_such_order_blank",
        ),
        (Actor::staff("s", Role::Admin), "not_allowed"),
    ] {
        assert_eq!(
            sign_with(&world, &actor, blank, &code).await,
            due,
            "{} as {}",
            actor.name,
            actor.role
        );
    }
    // None of them used up an attempt.
    assert_eq!(sign_with(&world, &owner(&world), blank, &code).await, "signed");
}

async fn signed_line(world: &World, service: Service) -> LineId {
    let drawn_up = offered(world, service).await;
    let how = HowSigned::Paper { signed_on: None };
    let sales = Actor::staff("sales", Role::Sales);
    sign_order_blank(
        &world.test,
        &sales,
        SignOrderBlank {
            blank: drawn_up.blank.id,
            how,
        },
    )
    .await
    .unwrap();
    drawn_up.lines[0].id
}

/// Counted impressions, as the journal's segments leave them.
async fn count(world: &World, line: LineId, scope: i32, impressions: i64) {
    sqlx::query("insert into line_totals (line_id, scope, counted, cap) values ($1, $2, $3, 1000000)")
        .bind(line.uuid())
        .bind(scope)
        .bind(impressions)
        .execute(&world.test.database.pool())
        .await
        .unwrap();
}

async fn set(world: &World, line: LineId, last_day: &str, budget: &str) -> &'static str {
    let command = SetExtraPeriod {
        line,
        first_day: None,
        last_day: last_day.parse().unwrap(),
        extra_budget: money(budget),
    };
    match set_extra_period(&world.test, &owner(world), command).await {
        Ok(_) => "set",
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn an_extra_budget_is_bounded_by_the_budget_and_by_what_is_unspent() {
    let world = World::make(63).await;
    let line = signed_line(
        &world,
        media("300000.00", BudgetMode::Total, "2026-11-06", "2026-11-30"),
    )
    .await;
    assert_eq!(
        set(&world, line, "2026-11-15", "150000.00").await,
        "extra_period_outside_term"
    );
    world.advance_to("2026-11-11T00:00:00");
    // 8,333 impressions at 12,000 per 1,000: 99,996.00 is spent, 200,004.00 left.
    count(&world, line, 0, 8_333).await;
    assert_eq!(
        set(&world, line, "2026-11-15", "300000.01").await,
        "extra_budget_over_budget"
    );
    assert_eq!(
        set(&world, line, "2026-11-15", "200004.01").await,
        "extra_budget_over_unspent"
    );
    assert_eq!(
        set(&world, line, "2026-12-01", "150000.00").await,
        "extra_period_beyond_term"
    );
    assert_eq!(
        set(&world, line, "2026-11-10", "150000.00").await,
        "extra_period_last_day_before_first"
    );
    assert_eq!(
        set(&world, line, "2026-11-15", "0.00").await,
        "extra_budget_not_positive"
    );
    let version = world.test.store.snapshot_version().await.unwrap();
    assert_eq!(set(&world, line, "2026-11-15", "200004.00").await, "set");
    assert!(world.test.store.snapshot_version().await.unwrap() > version);
    assert_eq!(
        set(&world, line, "2026-11-20", "10000.00").await,
        "extra_period_already_set"
    );
}

#[tokio::test]
async fn an_extra_period_is_switched_off_at_once_and_another_may_follow() {
    let world = World::make(64).await;
    let line = signed_line(
        &world,
        media("300000.00", BudgetMode::Total, "2026-11-06", "2026-11-30"),
    )
    .await;
    world.advance_to("2026-11-11T12:00:00");
    let end = |actor: Actor| {
        let world = &world;
        async move {
            end_extra_period(&world.test, &actor, EndExtraPeriod { line })
                .await
                .map_err(|error| error.code())
        }
    };
    assert_eq!(end(owner(&world)).await, Err("extra_period_not_set"));
    assert_eq!(set(&world, line, "2026-11-15", "150000.00").await, "set");
    assert_eq!(
        end(Actor::customer("v", Role::Viewer, world.customer)).await,
        Err("not_allowed")
    );
    assert_eq!(
        end(Actor::customer("o", Role::Owner, world.other_customer)).await,
        Err("no_such_line")
    );
    let ended = end(owner(&world)).await.unwrap();
    assert_eq!(ended.ended_on, Some("2026-11-11".parse().unwrap()));
    assert_eq!(set(&world, line, "2026-11-20", "10000.00").await, "set");
    // One whose last day has passed is over, also when no worker has written that yet.
    world.advance_to("2026-11-21T00:00:00");
    assert_eq!(end(owner(&world)).await, Err("extra_period_not_set"));
    assert_eq!(set(&world, line, "2026-11-25", "10000.00").await, "set");
    let mut tx = world.test.store.begin().await.unwrap();
    let history = tx.extra_periods().of_line(line).await.unwrap();
    let ends: Vec<Option<&str>> = history
        .iter()
        .map(|record| record.ended.map(|(end, _, _)| end.code()))
        .collect();
    assert_eq!(ends, [Some("switched_off"), Some("expired"), None]);
    let changes = tx.order_lines().changes(line, 0, 50).await.unwrap();
    let kinds: Vec<&str> = changes.iter().map(|change| change.kind.as_str()).collect();
    let (set, ended) = ("extra_period_set", "extra_period_ended");
    assert_eq!(kinds, [set, ended, set, ended, set]);
}

#[tokio::test]
async fn a_monthly_budget_is_judged_by_the_months_touched() {
    let world = World::make(65).await;
    let line = signed_line(
        &world,
        media("120000.00", BudgetMode::Monthly, "2026-11-06", "2027-01-31"),
    )
    .await;
    world.advance_to("2026-11-20T09:00:00");
    // November: 60,000 of 120,000 is spent. The extra period touches November and December: 180,000 is left.
    count(&world, line, 202_611, 5_000).await;
    assert_eq!(
        set(&world, line, "2026-11-30", "60000.01").await,
        "extra_budget_over_unspent"
    );
    assert_eq!(
        set(&world, line, "2026-12-05", "180000.01").await,
        "extra_budget_over_unspent"
    );
    assert_eq!(
        set(&world, line, "2026-12-05", "360000.01").await,
        "extra_budget_over_budget"
    );
    assert_eq!(set(&world, line, "2026-12-05", "180000.00").await, "set");
}

#[tokio::test]
async fn only_a_media_line_has_an_extra_period() {
    let world = World::make(66).await;
    let december = ReportingPeriod::parse("2026-12").unwrap();
    let line = signed_line(
        &world,
        Service::Period {
            first: december,
            last: december,
        },
    )
    .await;
    assert_eq!(
        set(&world, line, "2026-12-05", "1.00").await,
        "extra_period_not_a_media_line"
    );
}

#[tokio::test]
async fn two_extra_periods_at_once_leave_one() {
    let world = World::make(67).await;
    let line = signed_line(
        &world,
        media("300000.00", BudgetMode::Total, "2026-11-06", "2026-11-30"),
    )
    .await;
    world.advance_to("2026-11-11T12:00:00");
    let (first, second) = tokio::join!(
        set(&world, line, "2026-11-15", "150000.00"),
        set(&world, line, "2026-11-16", "150000.00")
    );
    let mut outcomes = [first, second];
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["extra_period_already_set", "set"]);
}

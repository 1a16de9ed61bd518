//! orders.md §8, billing.md §4 [003 §7.2, §8.4, §10]: what ends and what interrupts service, day by day, and what it costs.

use crate::fixture::{Worker, media_line, operator_at, period_line, sign, sum, vat};
use namoyish_domain::delivery::extra_period::ExtraPeriod;
use namoyish_domain::ids::{
    CustomerId, ExtraPeriodId, ForceMajeureId, LineId, NoticeOfTerminationId, OrderBlankId,
};
use namoyish_domain::orders::interruption::Standstill;
use namoyish_domain::orders::order_blank::BlankState;
use namoyish_domain::orders::runnable::why_not_running;
use namoyish_domain::orders::termination::{Ground, LineEnd, Party, Scope};
use namoyish_storage::interruptions::{ForceMajeureRecord, MoveCause};
use namoyish_storage::terminations::NoticeRecord;
use namoyish_testkit::{TestContext, contracts};

fn day(text: &str) -> chrono::NaiveDate {
    text.parse().unwrap()
}

async fn state(ctx: &TestContext, blank: OrderBlankId) -> BlankState {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.order_blanks().find(blank).await.unwrap().unwrap().state
}

async fn last_day(ctx: &TestContext, line: LineId) -> String {
    let mut tx = ctx.store.begin().await.unwrap();
    let line = tx.order_lines().find(line).await.unwrap().unwrap();
    line.term.last_day().to_string()
}

async fn end(ctx: &TestContext, blank: OrderBlankId, line: LineId, on: &str) {
    let mut tx = ctx.store.begin().await.unwrap();
    let notice = NoticeRecord {
        id: NoticeOfTerminationId::from_uuid(ctx.uuid()),
        blank,
        by: Party::Customer,
        ground: Ground::Ordinary,
        scope: Scope::Lines,
        noticed_on: ctx.today(),
        proposal: None,
        comment: String::new(),
        given_at: ctx.now(),
        given_by: "sinov".into(),
        ends: vec![(line, day(on))],
    };
    tx.terminations().insert(&notice).await.unwrap();
    let end = LineEnd {
        line,
        effective_on: day(on),
        cuts_the_term: true,
    };
    tx.terminations().set_ended_on(&end).await.unwrap();
    tx.save().await.unwrap();
}

async fn force_majeure(
    ctx: &TestContext,
    affected: Party,
    first: &str,
    until: Option<&str>,
) -> ForceMajeureId {
    let id = ForceMajeureId::from_uuid(ctx.uuid());
    let record = ForceMajeureRecord {
        id,
        affected,
        standstill: Standstill {
            first_day: day(first),
            until: until.map(day),
        },
        noticed_on: day(first),
        certificate: "SSP-1".into(),
        comment: String::new(),
        recorded_at: ctx.now(),
        recorded_by: "sinov".into(),
        customers: vec![],
        placements: vec![],
    };
    let mut tx = ctx.store.begin().await.unwrap();
    tx.interruptions().insert_force_majeure(&record).await.unwrap();
    tx.save().await.unwrap();
    id
}

/// Net of each primary document, oldest first: "2026-11 1000000.00".
async fn documents(ctx: &TestContext, customer: CustomerId) -> Vec<String> {
    let mut tx = ctx.store.begin().await.unwrap();
    let mut documents: Vec<String> = tx
        .registers()
        .documents(Some(customer), None, 100)
        .await
        .unwrap()
        .into_iter()
        .filter(|document| document.kind == "primary_document")
        .map(|document| format!("{} {}", &document.period.unwrap().to_string()[..7], document.net))
        .collect();
    documents.sort();
    documents
}

#[tokio::test]
async fn a_blank_is_terminated_when_no_line_goes_on() {
    // orders.md §8: per line, then whole.
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let line = |code| period_line(code, "2026-11-01", "2027-01-31", Some("2026-10-20"));
    let (blank, lines) = sign(
        &ctx,
        customer,
        "OB-1",
        vat(),
        vec![line("OB-1/1"), line("OB-1/2")],
    )
    .await;
    let (before, never) = sign(&ctx, customer, "OB-2", vat(), vec![line("OB-2/1")]).await;
    end(&ctx, before, never[0], "2026-11-01").await;
    end(&ctx, blank, lines[0], "2026-12-01").await;
    end(&ctx, blank, lines[1], "2027-01-01").await;
    for (until, due) in [
        ("2026-11-30T23:59:00", BlankState::InService),
        ("2026-12-01T00:00:00", BlankState::InService),
        ("2026-12-31T23:59:00", BlankState::InService),
        ("2027-01-01T00:00:00", BlankState::Terminated),
    ] {
        worker.advance(&ctx, until).await;
        assert_eq!(state(&ctx, blank).await, due, "{until}");
    }
    // Ended before its first day: it never enters service.
    assert_eq!(state(&ctx, before).await, BlankState::Terminated);
}

#[tokio::test]
async fn an_extra_period_ends_with_its_line() {
    let ctx = operator_at("2026-11-05T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let line = media_line("OB-1/1", "2026-11-01", "2026-11-30", "12000.00", "300000.00");
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    let set = ExtraPeriod {
        id: ExtraPeriodId::from_uuid(ctx.uuid()),
        first_day: day("2026-11-08"),
        last_day: day("2026-11-20"),
        extra_budget: sum("150000.00"),
    };
    let mut tx = ctx.store.begin().await.unwrap();
    tx.extra_periods()
        .insert(lines[0], &set, ctx.now(), "sinov")
        .await
        .unwrap();
    tx.save().await.unwrap();
    end(&ctx, blank, lines[0], "2026-11-11").await;
    worker.advance(&ctx, "2026-11-10T23:00:00").await;
    let mut tx = ctx.store.begin().await.unwrap();
    assert!(tx.extra_periods().current(lines[0]).await.unwrap().is_some());
    drop(tx);
    worker.advance(&ctx, "2026-11-11T00:00:00").await;
    let mut tx = ctx.store.begin().await.unwrap();
    let ended = tx
        .extra_periods()
        .of_line(lines[0])
        .await
        .unwrap()
        .remove(0)
        .ended
        .unwrap();
    assert_eq!(
        (ended.0.code(), ended.2),
        ("switched_off", Some(day("2026-11-10")))
    );
}

#[tokio::test]
async fn a_notice_to_come_does_not_speed_the_line_up() {
    // delivery.md §5: what is left is spread over the term's days, whether it will be cut or not.
    let ctx = operator_at("2026-11-05T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let line = media_line("OB-1/1", "2026-11-01", "2026-11-30", "12000.00", "300000.00");
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    end(&ctx, blank, lines[0], "2026-11-11").await;
    let mut view = ctx.store.begin_view().await.unwrap();
    let planned = view.plans().lines_to_plan(day("2026-11-10"), &[]).await.unwrap();
    assert_eq!(planned[0].term.last_day(), day("2026-11-30"));
    assert!(
        view.plans()
            .lines_to_plan(day("2026-11-11"), &[])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_period_line_is_charged_to_its_end_by_days() {
    // billing.md §4: price × days served / days in month.
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let line = period_line("OB-1/1", "2026-11-01", "2027-01-31", Some("2026-10-20"));
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    end(&ctx, blank, lines[0], "2026-12-11").await;
    worker.advance(&ctx, "2027-02-02T01:00:00").await;
    // 1,000,000 × 10 / 31
    assert_eq!(
        documents(&ctx, customer).await,
        ["2026-11 1000000.00", "2026-12 322580.65"]
    );
}

#[tokio::test]
async fn force_majeure_moves_terms_once_and_day_by_day_while_it_lasts() {
    // orders.md §8 [003 §8.4]
    let ctx = operator_at("2026-11-10T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let lines = vec![
        period_line("OB-1/1", "2026-11-01", "2026-11-30", Some("2026-10-20")),
        media_line("OB-1/2", "2026-11-15", "2026-12-15", "12000.00", "300000.00"),
    ];
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), lines).await;
    let id = force_majeure(&ctx, Party::Operator, "2026-11-11", None).await;
    worker.advance(&ctx, "2026-11-11T09:00:00").await;
    assert_eq!(last_day(&ctx, lines[0]).await, "2026-12-01");
    assert_eq!(
        last_day(&ctx, lines[1]).await,
        "2026-12-15",
        "its term hasn't begun"
    );
    let mut tx = ctx.store.begin().await.unwrap();
    let facts = tx.line_facts(&lines, ctx.today()).await.unwrap();
    let reasons = why_not_running(&facts[0].facts, ctx.today());
    assert!(
        reasons.iter().any(|reason| reason.code() == "force_majeure"),
        "{reasons:?}"
    );
    drop(tx);
    // Beyond the ordered last day: the blank isn't completed by days that it lost.
    worker.advance(&ctx, "2026-12-05T00:00:00").await;
    assert_eq!(state(&ctx, blank).await, BlankState::InService);
    assert_eq!(last_day(&ctx, lines[0]).await, "2026-12-25");
    let mut tx = ctx.store.begin().await.unwrap();
    assert!(
        tx.interruptions()
            .end_force_majeure(id, day("2026-12-06"), ctx.now(), "sinov")
            .await
            .unwrap()
    );
    tx.save().await.unwrap();
    worker.advance(&ctx, "2026-12-10T12:00:00").await;
    worker.tick(&ctx).await;
    // 25 days, 11 November to 5 December; the media line lost those from its own first day on.
    assert_eq!(last_day(&ctx, lines[0]).await, "2026-12-25");
    assert_eq!(last_day(&ctx, lines[1]).await, "2027-01-05");
}

#[tokio::test]
async fn days_of_force_majeure_are_charged_when_they_are_made_up_for() {
    // orders.md §8, billing.md §4: two ordered months cost two months, whatever interrupted them.
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let line = period_line("OB-1/1", "2026-11-01", "2026-12-31", Some("2026-10-20"));
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    worker.advance(&ctx, "2026-11-11T00:00:00").await;
    force_majeure(&ctx, Party::Operator, "2026-11-11", Some("2026-11-21")).await;
    worker.advance(&ctx, "2027-02-02T01:00:00").await;
    assert_eq!(last_day(&ctx, lines[0]).await, "2027-01-10");
    // November 20/30; December the ten days left of November and 21/31 of its own; January the rest.
    assert_eq!(
        documents(&ctx, customer).await,
        ["2026-11 666666.67", "2026-12 1010752.68", "2027-01 322580.65"]
    );
}

#[tokio::test]
async fn days_added_for_an_outage_are_not_charged_again() {
    // orders.md §8 [003 §7.2]
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let line = |code| period_line(code, "2026-11-01", "2026-11-30", Some("2026-10-20"));
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line("OB-1/1")]).await;
    worker.advance(&ctx, "2026-11-12T00:00:00").await;
    let mut tx = ctx.store.begin().await.unwrap();
    let term = tx
        .interruptions()
        .move_line(lines[0], MoveCause::Outage, 4, ctx.now(), "sinov")
        .await
        .unwrap();
    tx.save().await.unwrap();
    assert_eq!(term.last_day(), day("2026-12-04"));
    worker.advance(&ctx, "2027-01-02T01:00:00").await;
    assert_eq!(documents(&ctx, customer).await, ["2026-11 1000000.00"]);
}

#[tokio::test]
async fn an_outage_that_is_never_made_good_is_taken_off_the_last_month() {
    // billing.md §4: cut by "an outage not compensated by extension".
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let line = period_line("OB-1/1", "2026-11-01", "2027-01-31", Some("2026-10-20"));
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    worker.advance(&ctx, "2026-11-12T00:00:00").await;
    let mut tx = ctx.store.begin().await.unwrap();
    tx.interruptions()
        .move_line(lines[0], MoveCause::Outage, 4, ctx.now(), "sinov")
        .await
        .unwrap();
    tx.save().await.unwrap();
    end(&ctx, blank, lines[0], "2027-01-01").await;
    worker.advance(&ctx, "2027-02-02T01:00:00").await;
    // December: 27 of 31 days.
    assert_eq!(
        documents(&ctx, customer).await,
        ["2026-11 1000000.00", "2026-12 870967.74"]
    );
}

#[tokio::test]
async fn a_customers_force_majeure_puts_its_due_dates_off() {
    // orders.md §8 [003 §8.4]: due on 25 October, moved by ten days.
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let line = period_line("OB-1/1", "2026-11-01", "2026-11-30", Some("2026-10-20"));
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    crate::fixture::issue_invoices(&ctx, customer, blank, &lines).await;
    force_majeure(&ctx, Party::Customer, "2026-10-20", Some("2026-10-30")).await;
    let overdue = async |on: &str| {
        let mut tx = ctx.store.begin().await.unwrap();
        let facts = tx.line_facts(&lines, day(on)).await.unwrap();
        facts[0].facts.invoice_overdue
    };
    assert!(overdue("2026-10-26").await, "before the worker has looked at it");
    worker.tick(&ctx).await;
    assert!(!overdue("2026-11-04").await);
    assert!(overdue("2026-11-05").await);
    worker.advance(&ctx, "2026-11-04T12:00:00").await;
    let accrued = async || {
        let mut tx = ctx.store.begin().await.unwrap();
        tx.reporting().accruals().await.unwrap().len()
    };
    assert_eq!(accrued().await, 0);
    worker.advance(&ctx, "2026-11-05T12:00:00").await;
    assert_eq!(accrued().await, 1);
}

#[tokio::test]
async fn contracts_signed_later_are_not_held_up() {
    // [003 §8.1]: what arises after the contract was concluded.
    let ctx = operator_at("2026-11-10T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    force_majeure(&ctx, Party::Operator, "2026-11-09", Some("2026-11-20")).await;
    let line = period_line("OB-1/1", "2026-11-01", "2026-11-30", Some("2026-10-20"));
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    worker.tick(&ctx).await;
    assert_eq!(last_day(&ctx, lines[0]).await, "2026-11-30");
}

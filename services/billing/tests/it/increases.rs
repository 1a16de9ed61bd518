//! orders.md §6 on the worker's side: requests lapse or come into force, the day is planned again; and what invoices that
//! are no longer owed whole cost late (billing.md §6).

use crate::fixture::{
    Worker, count, issue_invoices, media_line, operator_at, pay, period_line, sign, sum, tashkent, vat,
};
use namoyish_billing::jobs::accrue_penalties;
use namoyish_domain::calendar::{ReportingPeriod, plus_days};
use namoyish_domain::ids::{BudgetIncreaseId, CustomerId, InvoiceId, LineId, OrderBlankId};
use namoyish_domain::money::Money;
use namoyish_domain::orders::budget_change::TaxedSum;
use namoyish_domain::orders::runnable::{NotRunning, why_not_running};
use namoyish_runtime::context::Context;
use namoyish_settlement::increases::{ToIssue, issue};
use namoyish_settlement::{allocate_free, reduce_invoice};
use namoyish_storage::budget_increases::{BudgetIncrease, IncreaseState, InvoicePart};
use namoyish_storage::invoices::{InvoiceKind, InvoiceReduction, ReductionReason};
use namoyish_testkit::{TestContext, contracts};

/// 300,000 in June at 12,000 per thousand, signed on 20 May.
async fn june() -> (TestContext, CustomerId, OrderBlankId, LineId) {
    let ctx = operator_at("2026-05-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let line = media_line("OB-1/1", "2026-06-01", "2026-06-30", "12000.00", "300000.00");
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    (ctx, customer, blank, lines[0])
}

/// A request of more budget that waits for all of its sum, as the command writes it.
async fn request(ctx: &Context, customer: CustomerId, blank: OrderBlankId, line: LineId, amount: &str) {
    let added = TaxedSum::of_net(sum(amount), vat().rate()).unwrap();
    let request = BudgetIncrease {
        id: BudgetIncreaseId::from_uuid(ctx.uuid()),
        line,
        customer,
        amount: added.net,
        gross: added.gross,
        covered: Money::ZERO,
        borrowed: Money::ZERO,
        missing: added.gross,
        requested_at: ctx.now(),
        requested_on: ctx.today(),
        requested_by: "osh".to_owned(),
        due_on: plus_days(ctx.today(), 30),
        state: IncreaseState::Pending,
        decided_at: None,
        period: None,
        budgets: None,
    };
    let mut tx = ctx.store.begin().await.unwrap();
    let line = tx.order_lines().lock(line).await.unwrap().unwrap();
    let blank = tx.order_blanks().find(blank).await.unwrap().unwrap();
    tx.budget_increases().insert(&request, &[]).await.unwrap();
    let missing = ToIssue {
        kind: InvoiceKind::BudgetIncrease,
        part: InvoicePart::Missing,
        sum: added,
        due_on: request.due_on,
        periods: (
            ReportingPeriod::of(ctx.today()),
            ReportingPeriod::of(line.term.last_day()),
        ),
    };
    issue(&mut tx, ctx, &line, &blank, request.id, &missing)
        .await
        .unwrap();
    tx.save().await.unwrap();
}

async fn state(ctx: &Context, line: LineId) -> IncreaseState {
    ctx.store.budget_increases_of(line, None, 10).await.unwrap()[0].state
}

async fn why_not(ctx: &Context, line: LineId) -> Vec<NotRunning> {
    let mut tx = ctx.store.begin().await.unwrap();
    let facts = tx.line_facts(&[line], ctx.today()).await.unwrap();
    let mut reasons = why_not_running(&facts[0].facts, ctx.today());
    reasons.retain(|reason| *reason == NotRunning::BudgetExhausted);
    reasons
}

#[tokio::test]
async fn the_worker_lapses_a_request_when_its_30th_day_is_over_and_tells_the_customer_once() {
    let (ctx, customer, blank, line) = june().await;
    let worker = Worker::new();
    ctx.clock.advance_to(tashkent("2026-05-25T10:00:00"));
    request(&ctx, customer, blank, line, "100000.00").await;
    worker.advance(&ctx, "2026-06-24T23:59:00").await;
    assert_eq!(state(&ctx, line).await, IncreaseState::Pending);
    worker.advance(&ctx, "2026-06-25T00:00:00").await;
    assert_eq!(state(&ctx, line).await, IncreaseState::Lapsed);
    worker.advance(&ctx, "2026-06-26T00:00:00").await;
    let mails: i64 = sqlx::query_scalar("select count(*) from mail_outbox where dedupe_key like 'notice %'")
        .fetch_one(&ctx.database.pool())
        .await
        .unwrap();
    assert_eq!(mails, 1);
    let days: i64 = sqlx::query_scalar("select count(*) from penalty_accruals")
        .fetch_one(&ctx.database.pool())
        .await
        .unwrap();
    assert_eq!(days, 0, "a request that isn't paid costs nothing");
}

#[tokio::test]
async fn a_raised_budget_wakes_a_line_that_was_spent_and_plans_the_rest_of_the_day() {
    let (ctx, customer, blank, line) = june().await;
    let worker = Worker::new();
    worker.advance(&ctx, "2026-06-20T10:00:00").await;
    count(&ctx, line, "2026-06-10", 25_000).await;
    worker.advance(&ctx, "2026-06-21T00:00:00").await;
    assert_eq!(why_not(&ctx, line).await, [NotRunning::BudgetExhausted]);
    worker.advance(&ctx, "2026-06-21T12:00:00").await;
    request(&ctx, customer, blank, line, "114000.00").await;
    pay(&ctx, customer, "127680.00").await;
    // The money is there: the next tick puts the budget in force, and plans the second half of the day.
    worker.tick(&ctx).await;
    assert_eq!(state(&ctx, line).await, IncreaseState::InForce);
    assert_eq!(why_not(&ctx, line).await, []);
    let mut tx = ctx.store.begin().await.unwrap();
    let plans = tx.plans().latest(ctx.today(), &[line]).await.unwrap();
    let plan = &plans[&line].plan;
    assert_eq!(plan.base_at, tashkent("2026-06-21T12:00:00"));
    // 114,000 over half a day and nine more: 6,000 are left for today, and 9,500 impressions in all.
    assert_eq!(plan.target.round_half_up().unwrap(), sum("6000.00"));
    assert_eq!(plan.cap, 34_500);
}

/// A period line of 1,000,000.00 a month for February, its invoice of 1,120,000.00 due on 2026-01-15 and unpaid.
async fn overdue() -> (TestContext, CustomerId, InvoiceId) {
    let ctx = operator_at("2026-01-10T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    let line = period_line("OB-1/1", "2026-02-01", "2026-02-28", Some("2026-01-10"));
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    issue_invoices(&ctx, customer, blank, &lines).await;
    let invoice = ctx.store.invoices_of(customer, "", 1).await.unwrap()[0].id;
    (ctx, customer, invoice)
}

async fn penalty(ctx: &Context, invoice: InvoiceId) -> String {
    let record = ctx.store.invoice(invoice).await.unwrap().unwrap();
    record.penalty_accrued.round_half_up().unwrap().to_string()
}

async fn reduce(ctx: &Context, customer: CustomerId, invoice: InvoiceId, on: &str, net: &str, vat: &str) {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.ledger().lock_customer(customer).await.unwrap();
    let reduction = InvoiceReduction {
        invoice,
        reduced_on: on.parse().unwrap(),
        net: sum(net),
        vat: sum(vat),
        reason: ReductionReason::Terminated,
    };
    reduce_invoice(&mut tx, &reduction, "sinov", ctx.now())
        .await
        .unwrap();
    allocate_free(&mut tx, customer).await.unwrap();
    tx.save().await.unwrap();
}

#[tokio::test]
async fn the_penalty_accrues_on_the_reduced_sum_from_the_day_of_the_reduction_on() {
    let (ctx, customer, invoice) = overdue().await;
    // 16 to 25 January: 10 × 1,120.00. The reduction is written two days late: days accrued since are counted again.
    ctx.clock.advance_to(tashkent("2026-01-27T00:05:00"));
    accrue_penalties::run(&ctx).await.unwrap();
    assert_eq!(penalty(&ctx, invoice).await, "13440.00");
    reduce(&ctx, customer, invoice, "2026-01-26", "500000.00", "60000.00").await;
    assert_eq!(
        penalty(&ctx, invoice).await,
        "12320.00",
        "10 × 1,120.00 + 2 × 560.00"
    );
    ctx.clock.advance_to(tashkent("2026-01-28T00:05:00"));
    accrue_penalties::run(&ctx).await.unwrap();
    assert_eq!(penalty(&ctx, invoice).await, "12880.00");
    // Nothing is owed from the 29th on: the 28th is the last day.
    ctx.clock.advance_to(tashkent("2026-01-29T00:00:00"));
    reduce(&ctx, customer, invoice, "2026-01-29", "500000.00", "60000.00").await;
    ctx.clock.advance_to(tashkent("2026-02-10T00:05:00"));
    assert_eq!(accrue_penalties::run(&ctx).await.unwrap().done, 0);
    assert_eq!(penalty(&ctx, invoice).await, "12880.00");
    let mut tx = ctx.store.begin().await.unwrap();
    assert!(
        tx.penalties()
            .behind(ctx.today(), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_a_payment_held_too_much_of_pays_what_else_is_open() {
    let ctx = operator_at("2026-01-10T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    let line = period_line("OB-1/1", "2026-02-01", "2026-03-31", Some("2026-01-10"));
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    issue_invoices(&ctx, customer, blank, &lines).await;
    pay(&ctx, customer, "1120000.00").await;
    let first = ctx.store.invoices_of(customer, "", 1).await.unwrap()[0].id;
    ctx.clock.advance_to(tashkent("2026-02-15T00:00:00"));
    reduce(&ctx, customer, first, "2026-02-15", "500000.00", "60000.00").await;
    let invoices = ctx.store.invoices_of(customer, "", 2).await.unwrap();
    let told: Vec<_> = invoices
        .iter()
        .map(|invoice| (invoice.due_gross, invoice.paid))
        .collect();
    assert_eq!(
        told,
        [
            (sum("560000.00"), sum("560000.00")),
            (sum("1120000.00"), sum("560000.00"))
        ]
    );
    // It was paid on the day on which it was, and nothing of it was ever late.
    assert_eq!(invoices[0].paid_on, Some("2026-01-10".parse().unwrap()));
    assert_eq!(invoices[0].open_through, Some("2026-01-10".parse().unwrap()));
}

//! After a contract's end: settlements, reduced invoices, refunds and reconciliation acts (orders.md §8 "On E"; billing.md
//! §7–§8), tick by tick.

use crate::fixture::{
    Worker, count, issue_invoices, media_line, operator_at, pay, period_line, sign, sum, tashkent, vat,
};
use chrono::NaiveDate;
use namoyish_documents::content::{ActDocument, ReconciliationActContent, RefundContent};
use namoyish_domain::billing::reconciliation_act::Occasion;
use namoyish_domain::billing::refund::{RefundState, due_on};
use namoyish_domain::ids::{CustomerId, LineId, OrderBlankId, RefundId};
use namoyish_domain::money::Money;
use namoyish_storage::documents::DocumentRecord;
use namoyish_storage::refunds::{NewRefund, RefundRecord};
use namoyish_testkit::{TestContext, contracts};
use serde::de::DeserializeOwned;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A termination notice as its command writes it: the first day without service.
async fn end(ctx: &TestContext, line: LineId, on: &str) {
    sqlx::query("update order_lines set ended_on = $2 where id = $1")
        .bind(line.uuid())
        .bind(day(on))
        .execute(&ctx.database.pool())
        .await
        .unwrap();
}

/// A signed contract with a period line from February to April at 1,000,000 a month, invoiced by month.
async fn three_months(ctx: &TestContext, paid: Option<&str>) -> (CustomerId, OrderBlankId, Vec<LineId>) {
    let customer = contracts::customer(ctx, "non", 1).await;
    let line = period_line("OB-1/1", "2026-02-01", "2026-04-30", Some("2026-01-12"));
    let (blank, lines) = sign(ctx, customer, "OB-1", vat(), vec![line]).await;
    issue_invoices(ctx, customer, blank, &lines).await;
    if let Some(amount) = paid {
        pay(ctx, customer, amount).await;
    }
    (customer, blank, lines)
}

/// A request as its command writes it.
async fn request(ctx: &TestContext, customer: CustomerId) -> RefundId {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.ledger().lock_customer(customer).await.unwrap();
    let waits_until = tx.settlements().unsettled_end(customer, None).await.unwrap();
    let id = RefundId::from_uuid(ctx.uuid());
    let refund = NewRefund {
        id,
        customer,
        requested_at: ctx.now(),
        requested_on: ctx.today(),
        requested_by: "sinov",
        waits_until,
        due_on: due_on(ctx.today(), waits_until),
    };
    tx.refunds().insert(&refund).await.unwrap();
    tx.save().await.unwrap();
    id
}

async fn refund(ctx: &TestContext, id: RefundId) -> RefundRecord {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.refunds().find(id).await.unwrap().unwrap()
}

async fn documents(ctx: &TestContext, customer: CustomerId, kind: &str) -> Vec<DocumentRecord> {
    let mut all = ctx.store.documents_of(customer, 100).await.unwrap();
    all.retain(|document| document.kind == kind);
    all.sort_by(|left, right| left.number.cmp(&right.number));
    all
}

async fn content<T: DeserializeOwned>(ctx: &TestContext, document: &DocumentRecord) -> T {
    let (json, _) = ctx.store.document_content(document.id).await.unwrap().unwrap();
    serde_json::from_str(&json).unwrap()
}

async fn sound(ctx: &TestContext) {
    assert!(ctx.store.check_ledger().await.unwrap().is_sound());
    assert_eq!(ctx.store.number_gaps().await.unwrap(), []);
}

// orders.md §8 "On E"; issue: an unpaid invoice is reduced to what was rendered before E, one only for later periods to
// nothing, and the penalty accrues on the rest.
#[tokio::test]
async fn unpaid_invoices_of_an_ended_line_ask_only_for_what_was_rendered() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let (customer, _, lines) = three_months(&ctx, Some("1120000.00")).await;
    worker.advance(&ctx, "2026-03-10T12:00:00").await;
    end(&ctx, lines[0], "2026-03-16").await;
    worker.advance(&ctx, "2026-03-20T00:00:00").await;
    let told: Vec<[String; 3]> = ctx
        .store
        .invoices_of(customer, "", 10)
        .await
        .unwrap()
        .iter()
        .map(|invoice| [invoice.gross, invoice.due_gross, invoice.paid].map(|sum| sum.to_string()))
        .collect();
    // 15 of 31 days: 1,000,000 × 15 / 31 = 483,870.97 and 58,064.52 of VAT.
    assert_eq!(
        told,
        [
            ["1120000.00", "1120000.00", "1120000.00"],
            ["1120000.00", "541935.49", "0.00"],
            ["1120000.00", "0.00", "0.00"]
        ]
        .map(|row| row.map(str::to_owned))
    );
    // March was due on 25 February: 18 days of 1,120.00 before the end, then five of 541.93549 (16 to 20 March).
    let march = &ctx.store.invoices_of(customer, "", 10).await.unwrap()[1];
    assert_eq!(march.penalty_accrued.round_half_up().unwrap(), sum("22869.68"));
    let settlements = ctx.store.settlements_of(customer, 10).await.unwrap();
    assert_eq!(settlements.len(), 1);
    let settlement = &settlements[0];
    assert_eq!(
        (settlement.ended_on, settlement.due_on, settlement.early),
        (day("2026-03-16"), day("2026-04-15"), true)
    );
    assert_eq!(
        [
            settlement.paid,
            settlement.rendered,
            settlement.surplus,
            settlement.debt
        ],
        ["1120000.00", "1661935.49", "0.00", "541935.49"].map(sum)
    );
    // The rest is paid like any other invoice, and nothing is open any more.
    pay(&ctx, customer, "541935.49").await;
    worker.advance(&ctx, "2026-04-02T00:00:00").await;
    let balances = ctx.store.balances_of(customer).await.unwrap();
    assert_eq!(
        (balances.advance, balances.receivable),
        (Money::ZERO, Money::ZERO)
    );
    assert_eq!(ctx.store.settlements_of(customer, 10).await.unwrap().len(), 1);
    sound(&ctx).await;
}

// billing.md §8: a request before the end waits for it; the sum is fixed when the services to the day E are valued.
#[tokio::test]
async fn a_refund_waits_for_the_end_and_leaves_what_was_rendered() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let (customer, _, lines) = three_months(&ctx, Some("3360000.00")).await;
    worker.advance(&ctx, "2026-02-10T12:00:00").await;
    end(&ctx, lines[0], "2026-02-15").await;
    let id = request(&ctx, customer).await;
    worker.advance(&ctx, "2026-02-14T23:00:00").await;
    assert_eq!(refund(&ctx, id).await.state, RefundState::Requested);
    worker.advance(&ctx, "2026-02-15T00:30:00").await;
    let fixed = refund(&ctx, id).await;
    // 14 of 28 days: 500,000 and 60,000 of VAT stay.
    assert_eq!(
        (fixed.state, fixed.amount),
        (RefundState::Fixed, Some(sum("2800000.00")))
    );
    assert_eq!(
        (fixed.waits_until, fixed.due_on),
        (Some(day("2026-02-15")), day("2026-03-17"))
    );
    let balances = ctx.store.balances_of(customer).await.unwrap();
    assert_eq!(
        (balances.advance, balances.refund_payable),
        (sum("560000.00"), sum("2800000.00"))
    );
    let document = documents(&ctx, customer, "refund").await.remove(0);
    assert_eq!(
        (document.number.as_str(), document.gross),
        ("QT-2026-000001", sum("2800000.00"))
    );
    let told: RefundContent = content(&ctx, &document).await;
    assert_eq!(
        (told.advance, told.held, told.customer.settlement_account.len()),
        (sum("3360000.00"), sum("560000.00"), 20)
    );
    // The month's own document takes the rest of the advance.
    worker.advance(&ctx, "2026-03-02T00:00:00").await;
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap().advance,
        Money::ZERO
    );
    sound(&ctx).await;
}

// billing.md §7: after a contract's end an act within 7 business days, with the services that no document has yet.
#[tokio::test]
async fn the_act_of_an_end_shows_services_that_no_document_has() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let (customer, _, lines) = three_months(&ctx, Some("3360000.00")).await;
    worker.advance(&ctx, "2026-03-05T12:00:00").await;
    end(&ctx, lines[0], "2026-03-16").await;
    worker.advance(&ctx, "2026-03-16T12:00:00").await;
    let acts = documents(&ctx, customer, "reconciliation_act").await;
    assert_eq!(acts.len(), 1);
    assert_eq!(acts[0].number, "SD-2026-000001");
    let act: ReconciliationActContent = content(&ctx, &acts[0]).await;
    assert_eq!(
        (act.first_day, act.last_day),
        (day("2026-01-01"), day("2026-03-15"))
    );
    let rows: Vec<(ActDocument, String, String)> = act
        .rows
        .iter()
        .map(|row| (row.document, row.debit.to_string(), row.credit.to_string()))
        .collect();
    assert_eq!(
        rows,
        [
            (ActDocument::Payment, "0.00".into(), "3360000.00".into()),
            (ActDocument::PrimaryDocument, "1120000.00".into(), "0.00".into()),
            (ActDocument::ServicesToDocument, "541935.49".into(), "0.00".into()),
        ]
    );
    assert_eq!(
        (act.closing_debit, act.closing_credit),
        (Money::ZERO, sum("1698064.51"))
    );
    let mut tx = ctx.store.begin().await.unwrap();
    let record = tx.reconciliation_acts().find(acts[0].id).await.unwrap().unwrap();
    drop(tx);
    assert_eq!(record.act.occasion, Occasion::ContractEnd);
    assert_eq!(record.sent_on, Some(day("2026-03-16")));
    // Seven business days after Monday the 16th: 20 and 23 March are no business days.
    assert_eq!(record.act.send_by, day("2026-03-27"));
    // The quarter's act follows the close of March: its document is a row now, and there is no second act of the end.
    worker.advance(&ctx, "2026-04-03T00:00:00").await;
    let acts = documents(&ctx, customer, "reconciliation_act").await;
    assert_eq!(acts.len(), 2);
    let quarter: ReconciliationActContent = content(&ctx, &acts[1]).await;
    assert_eq!(quarter.last_day, day("2026-03-31"));
    assert_eq!(quarter.closing_credit, act.closing_credit);
    assert!(
        quarter
            .rows
            .iter()
            .all(|row| row.document != ActDocument::ServicesToDocument)
    );
    sound(&ctx).await;
}

// billing.md §7: after each quarter together with the primary document, after the year; only for customers with movements.
#[tokio::test]
async fn quarters_are_reconciled_once_and_only_where_something_moved() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let (customer, ..) = three_months(&ctx, Some("3360000.00")).await;
    let still = contracts::customer(&ctx, "jim", 2).await;
    worker.advance(&ctx, "2026-07-05T00:00:00").await;
    let acts = documents(&ctx, customer, "reconciliation_act").await;
    let told: Vec<(String, String, Option<String>)> = acts
        .iter()
        .map(|act| {
            (
                act.issued_on.to_string(),
                act.gross.to_string(),
                act.period.map(|period| period.to_string()),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("2026-04-01".into(), "1120000.00".into(), Some("2026-03".into())),
            // The contract's end, and the half-year.
            ("2026-05-01".into(), "0.00".into(), None),
            ("2026-07-01".into(), "0.00".into(), Some("2026-06".into())),
        ]
    );
    assert!(documents(&ctx, still, "reconciliation_act").await.is_empty());
    let again = worker.tick(&ctx).await;
    assert!(again.first_failure().is_none());
    assert_eq!(documents(&ctx, customer, "reconciliation_act").await.len(), 3);
    sound(&ctx).await;
}

// billing.md §7: returned signed within 5 business days, and reminded of once.
#[tokio::test]
async fn an_act_that_does_not_come_back_is_reminded_of_once() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let (customer, ..) = three_months(&ctx, Some("3360000.00")).await;
    worker.advance(&ctx, "2026-04-08T12:00:00").await;
    let act = documents(&ctx, customer, "reconciliation_act").await.remove(0);
    let reminder = format!("act-reminder:{}", act.id.uuid());
    assert!(ctx.store.mail(&reminder).await.unwrap().is_none());
    // Sent on Wednesday 1 April, due back by Wednesday the 8th.
    worker.advance(&ctx, "2026-04-09T00:30:00").await;
    let mail = ctx.store.mail(&reminder).await.unwrap().unwrap();
    assert!(mail.mail.subject.contains(&act.number), "{}", mail.mail.subject);
    worker.advance(&ctx, "2026-04-15T00:30:00").await;
    let still = ctx.store.mail(&reminder).await.unwrap().unwrap();
    assert_eq!(still.created_at, mail.created_at);
}

// billing.md §8: only when the customer has no debt under any contract — also when the sum is to be fixed.
#[tokio::test]
async fn a_debt_that_arose_meanwhile_refuses_the_refund_and_says_so() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let (customer, _, lines) = three_months(&ctx, Some("3360000.00")).await;
    worker.advance(&ctx, "2026-02-10T12:00:00").await;
    end(&ctx, lines[0], "2026-03-01").await;
    let id = request(&ctx, customer).await;
    let other = period_line("OB-2/1", "2026-03-01", "2026-03-31", Some("2026-02-10"));
    let (blank, lines) = sign(&ctx, customer, "OB-2", vat(), vec![other]).await;
    issue_invoices(&ctx, customer, blank, &lines).await;
    worker.advance(&ctx, "2026-03-02T00:00:00").await;
    let refused = refund(&ctx, id).await;
    assert_eq!(
        (refused.state, refused.reason.as_str(), refused.amount),
        (RefundState::Refused, "customer_has_debt", None)
    );
    let mail = ctx
        .store
        .mail(&format!("refund-refused:{id}"))
        .await
        .unwrap()
        .unwrap();
    assert!(
        mail.mail.body.contains("1\u{a0}120\u{a0}000,00"),
        "{}",
        mail.mail.body
    );
    assert!(documents(&ctx, customer, "refund").await.is_empty());
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap().refund_payable,
        Money::ZERO
    );
    sound(&ctx).await;
}

// [003 §7.6]: what a media contract didn't deliver by its end is refundable; its impressions are charged.
#[tokio::test]
async fn under_delivered_media_of_a_completed_contract_is_refundable() {
    let ctx = operator_at("2026-02-20T10:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let line = media_line("OB-1/1", "2026-03-01", "2026-03-31", "12000.00", "300000.00");
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    issue_invoices(&ctx, customer, blank, &lines).await;
    pay(&ctx, customer, "336000.00").await;
    count(&ctx, lines[0], "2026-03-10", 1_000).await;
    worker.advance(&ctx, "2026-04-02T12:00:00").await;
    let settlement = ctx.store.settlements_of(customer, 10).await.unwrap().remove(0);
    assert_eq!(
        (settlement.early, settlement.whole, settlement.surplus),
        (false, true, sum("322560.00"))
    );
    let id = request(&ctx, customer).await;
    worker.tick(&ctx).await;
    assert_eq!(refund(&ctx, id).await.amount, Some(sum("322560.00")));
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap().advance,
        Money::ZERO
    );
    sound(&ctx).await;
}

// orders.md §8: termination of chosen lines; the rest of the contract keeps its money.
#[tokio::test]
async fn a_partial_termination_frees_only_the_ended_lines_money() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "non", 1).await;
    let line = |code| period_line(code, "2026-02-01", "2026-04-30", Some("2026-01-12"));
    let (blank, lines) = sign(
        &ctx,
        customer,
        "OB-1",
        vat(),
        vec![line("OB-1/1"), line("OB-1/2")],
    )
    .await;
    issue_invoices(&ctx, customer, blank, &lines).await;
    pay(&ctx, customer, "6720000.00").await;
    end(&ctx, lines[0], "2026-03-01").await;
    worker.advance(&ctx, "2026-03-02T00:00:00").await;
    let id = request(&ctx, customer).await;
    worker.tick(&ctx).await;
    assert_eq!(refund(&ctx, id).await.amount, Some(sum("2240000.00")));
    // The other line's two months are still paid for.
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap().advance,
        sum("2240000.00")
    );
    worker.advance(&ctx, "2026-05-02T00:00:00").await;
    let balances = ctx.store.balances_of(customer).await.unwrap();
    assert_eq!(
        (balances.advance, balances.receivable),
        (Money::ZERO, Money::ZERO)
    );
    // Two ends, two settlements: the first line's and the whole blank's.
    assert_eq!(ctx.store.settlements_of(customer, 10).await.unwrap().len(), 2);
    sound(&ctx).await;
}

// billing.md §8, a choice: money of an ended contract pays no new invoice by itself; refunded money pays none at all.
#[tokio::test]
async fn unallocated_money_that_was_refunded_pays_no_new_invoice() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "non", 1).await;
    pay(&ctx, customer, "500000.00").await;
    let id = request(&ctx, customer).await;
    worker.tick(&ctx).await;
    assert_eq!(refund(&ctx, id).await.amount, Some(sum("500000.00")));
    let mut tx = ctx.store.begin().await.unwrap();
    assert!(tx.payments().free_of(customer).await.unwrap().is_empty());
    let register = tx.registers().payments(Some(customer), None, 1).await.unwrap();
    assert_eq!(
        register[0].allocated,
        sum("500000.00"),
        "the register tells it as used"
    );
    drop(tx);
    // One open request a customer, said by the database too.
    let mut tx = ctx.store.begin().await.unwrap();
    let second = NewRefund {
        id: RefundId::from_uuid(ctx.uuid()),
        customer,
        requested_at: ctx.now(),
        requested_on: ctx.today(),
        requested_by: "sinov",
        waits_until: None,
        due_on: ctx.today(),
    };
    let refused = tx.refunds().insert(&second).await.unwrap_err();
    assert!(refused.is_constraint("one_open_refund_at_a_time"), "{refused}");
    drop(tx);
    // Past its deadline the alarm job finds it every day.
    worker.advance(&ctx, "2026-02-09T00:30:00").await;
    assert!(
        ctx.store
            .refunds_overdue(ctx.today(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    worker.advance(&ctx, "2026-02-10T00:30:00").await;
    assert_eq!(ctx.store.refunds_overdue(ctx.today(), 10).await.unwrap().len(), 1);
    sound(&ctx).await;
}

// billing.md §9: killed at any point and run again, it ends with the same documents and numbers.
#[tokio::test]
async fn settling_twice_at_once_settles_once() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let worker = Worker::new();
    let (customer, _, lines) = three_months(&ctx, Some("1120000.00")).await;
    worker.advance(&ctx, "2026-02-14T12:00:00").await;
    end(&ctx, lines[0], "2026-02-15").await;
    ctx.clock.advance_to(tashkent("2026-02-15T00:20:00"));
    let (one, two) = tokio::join!(worker.tick(&ctx), worker.tick(&ctx));
    for report in [one, two] {
        assert!(report.first_failure().is_none(), "{:?}", report.first_failure());
    }
    assert_eq!(ctx.store.settlements_of(customer, 10).await.unwrap().len(), 1);
    assert_eq!(documents(&ctx, customer, "reconciliation_act").await.len(), 1);
    let due: Vec<Money> = ctx
        .store
        .invoices_of(customer, "", 10)
        .await
        .unwrap()
        .iter()
        .map(|invoice| invoice.due_gross)
        .collect();
    assert_eq!(due, ["1120000.00", "0.00", "0.00"].map(sum));
    sound(&ctx).await;
}

//! Months of a customer under the virtual clock, tick by tick.

use crate::fixture::{
    Worker, cost, count, issue_invoices, issue_invoices_signed_on, media_line, operator_at, pay, period_line,
    primaries, sign, sum, tashkent, vat,
};
use namoyish_domain::billing::allocation::allocate_free;
use namoyish_domain::billing::document::DocumentState;
use namoyish_domain::billing::late_penalty::capped;
use namoyish_domain::billing::ledger::Account;
use namoyish_domain::money::Money;
use namoyish_storage::ledger::{CustomerBalances, LedgerInstant};
use namoyish_testkit::contracts;

/// A period line for February and March paid per month; February's invoice of 1,120,000.00 is due on 2026-01-15 and paid
/// in two parts: 5 days × 1,120.00 + 10 days × 620.00 = 11,800.00 (billing.md §6).
#[tokio::test]
async fn a_line_paid_late_in_two_parts() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    let worker = Worker::new();
    let (blank, lines) = sign(
        &ctx,
        customer,
        "OB-1",
        vat(),
        vec![period_line(
            "OB-1/1",
            "2026-02-01",
            "2026-03-31",
            Some("2026-01-12"),
        )],
    )
    .await;
    issue_invoices(&ctx, customer, blank, &lines).await;
    worker.advance(&ctx, "2026-01-20T15:00:00").await;
    pay(&ctx, customer, "500000.00").await;
    worker.advance(&ctx, "2026-01-30T15:00:00").await;
    pay(&ctx, customer, "620000.00").await;
    worker.advance(&ctx, "2026-02-24T15:00:00").await;
    pay(&ctx, customer, "1120000.00").await;
    worker.advance(&ctx, "2026-04-22T00:00:00").await;

    let invoices = ctx.store.invoices_of(customer, "", 10).await.unwrap();
    let told: Vec<[String; 4]> = invoices
        .iter()
        .map(|invoice| {
            let penalty = capped(invoice.penalty_accrued, invoice.overdue, None).unwrap();
            let paid_on = invoice.paid_on.map(|day| day.to_string()).unwrap_or_default();
            [
                invoice.due_on.to_string(),
                invoice.gross.to_string(),
                paid_on,
                penalty.to_string(),
            ]
        })
        .collect();
    let due = [
        ["2026-01-15", "1120000.00", "2026-01-30", "11800.00"],
        ["2026-02-25", "1120000.00", "2026-02-24", "0.00"],
    ];
    assert_eq!(told, due.map(|row| row.map(str::to_owned)));

    let mut documents = primaries(&ctx, customer).await;
    documents.reverse();
    let told: Vec<[String; 5]> = documents
        .iter()
        .map(|document| {
            let period = document
                .period
                .map(|period| period.to_string())
                .unwrap_or_default();
            [
                document.number.clone(),
                period,
                document.issued_on.to_string(),
                document.gross.to_string(),
                document.state_on.to_string(),
            ]
        })
        .collect();
    let due = [
        [
            "BH-2026-000001",
            "2026-02",
            "2026-03-01",
            "1120000.00",
            "2026-03-21",
        ],
        [
            "BH-2026-000002",
            "2026-03",
            "2026-04-01",
            "1120000.00",
            "2026-04-21",
        ],
    ];
    assert_eq!(told, due.map(|row| row.map(str::to_owned)));
    for document in &documents {
        let events = ctx.store.document_events(document.id).await.unwrap();
        let states: Vec<DocumentState> = events.iter().map(|event| event.state).collect();
        assert_eq!(
            states,
            [
                DocumentState::Issued,
                DocumentState::Sent,
                DocumentState::Accepted
            ]
        );
        assert_eq!(
            events[1].happened_on, document.issued_on,
            "sent on the day of issue"
        );
        assert_eq!(
            events[2].happened_at,
            tashkent(&format!("{}T00:00:00", document.state_on))
        );
    }
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap(),
        CustomerBalances::default()
    );
    let end_of_march = LedgerInstant::business_day("2026-03-31".parse().unwrap());
    assert_eq!(
        ctx.store
            .balance_at(Account::Revenue, end_of_march)
            .await
            .unwrap(),
        sum("2000000.00")
    );
    assert_eq!(
        ctx.store.balance(Account::VatPayable).await.unwrap(),
        sum("240000.00")
    );
    assert!(ctx.store.check_ledger().await.unwrap().is_sound());
    assert_eq!(ctx.store.number_gaps().await.unwrap(), []);
}

#[tokio::test]
async fn the_months_of_a_media_line_add_up_to_its_counted_impressions() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let lines = vec![media_line(
        "OB-1/1",
        "2026-11-01",
        "2027-01-31",
        "0.67",
        "1000.00",
    )];
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), lines).await;
    let mut all = 0;
    for (day, n) in [("2026-11-10", 500), ("2026-12-10", 500), ("2027-01-10", 500)] {
        count(&ctx, lines[0], day, n).await;
        all += u64::from(n);
    }
    worker.advance(&ctx, "2027-02-02T00:00:00").await;
    let mut nets: Vec<Money> = primaries(&ctx, customer)
        .await
        .iter()
        .map(|document| document.net)
        .collect();
    nets.reverse();
    // 0.335 so'm a month: 0.34, 0.33, 0.34 and never 1.02 for 1.005.
    assert_eq!(nets, [sum("0.34"), sum("0.33"), sum("0.34")]);
    assert_eq!(Money::sum(nets).unwrap(), cost("0.67", all));
}

#[tokio::test]
async fn services_beyond_the_advance_become_a_debt_that_the_next_payment_settles_first() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    let worker = Worker::new();
    sign(
        &ctx,
        customer,
        "OB-1",
        vat(),
        vec![period_line(
            "OB-1/1",
            "2026-02-01",
            "2026-02-28",
            Some("2026-01-12"),
        )],
    )
    .await;
    pay(&ctx, customer, "120000.00").await;
    worker.advance(&ctx, "2026-03-02T00:00:00").await;
    let owed = ctx.store.balances_of(customer).await.unwrap();
    assert_eq!((owed.advance, owed.receivable), (Money::ZERO, sum("1000000.00")));
    pay(&ctx, customer, "1100000.00").await;
    let settled = ctx.store.balances_of(customer).await.unwrap();
    assert_eq!(
        (settled.advance, settled.receivable),
        (sum("100000.00"), Money::ZERO)
    );
}

#[tokio::test]
async fn a_worker_that_stood_still_for_months_catches_up_in_one_tick() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    let worker = Worker::new();
    let (blank, lines) = sign(
        &ctx,
        customer,
        "OB-1",
        vat(),
        vec![period_line(
            "OB-1/1",
            "2026-02-01",
            "2026-03-31",
            Some("2026-01-12"),
        )],
    )
    .await;
    issue_invoices(&ctx, customer, blank, &lines).await;
    ctx.clock.advance_to(tashkent("2026-04-10T09:00:00"));
    let report = worker.tick(&ctx).await;
    assert!(report.first_failure().is_none(), "{:?}", report.first_failure());
    let documents = primaries(&ctx, customer).await;
    assert_eq!(documents.len(), 2);
    assert_eq!(
        ctx.store.last_closed_period().await.unwrap(),
        Some(crate::fixture::period("2026-03"))
    );
    let invoices = ctx.store.invoices_of(customer, "", 10).await.unwrap();
    // 15 January to 10 April: 85 days of 1,120.00.
    assert_eq!(
        capped(invoices[0].penalty_accrued, invoices[0].overdue, None).unwrap(),
        sum("95200.00")
    );
    let again = worker.tick(&ctx).await;
    assert!(again.runs.is_empty(), "{:?}", again.runs);
}

#[tokio::test]
async fn money_paid_in_before_a_signature_that_is_recorded_late_costs_no_penalty() {
    let ctx = operator_at("2026-01-10T11:00:00", true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    let worker = Worker::new();
    let line = || {
        vec![period_line(
            "OB-1/1",
            "2026-02-01",
            "2026-02-28",
            Some("2026-01-12"),
        )]
    };
    let (blank, lines) = sign(&ctx, customer, "OB-1", vat(), line()).await;
    pay(&ctx, customer, "1120000.00").await;
    // Signed on the 10th, recorded on the 30th: due on the 15th, before it is issued.
    worker.advance(&ctx, "2026-01-30T15:00:00").await;
    let signed_on = "2026-01-10".parse().unwrap();
    issue_invoices_signed_on(&ctx, customer, blank, &lines, signed_on).await;
    let invoice = ctx.store.invoices_of(customer, "", 10).await.unwrap().remove(0);
    assert!(invoice.due_on < invoice.issued_on, "{invoice:?}");
    let mut tx = ctx.store.begin().await.unwrap();
    let free = tx.payments().free_of(customer).await.unwrap();
    let open = tx.invoices().open_of(customer).await.unwrap();
    for (payment, part) in allocate_free(&free, &open).unwrap() {
        tx.payments().allocate(payment, &part).await.unwrap();
    }
    tx.save().await.unwrap();
    worker.advance(&ctx, "2026-02-05T00:00:00").await;
    let invoice = ctx.store.invoices_of(customer, "", 10).await.unwrap().remove(0);
    let penalty = capped(invoice.penalty_accrued, invoice.overdue, None).unwrap();
    assert_eq!((invoice.paid_on.is_some(), penalty), (true, Money::ZERO));
}

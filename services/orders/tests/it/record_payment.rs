//! billing.md §1, §3: recording money that came in.

use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::invoice::{InvoiceTerms, LineCharge, LineToInvoice, draw_up};
use namoyish_domain::billing::late_penalty::{OverdueInvoice, accrue, capped};
use namoyish_domain::billing::ledger::{Account, PaymentMethod};
use namoyish_domain::calendar::{BusinessCalendar, ReportingPeriod, at_tashkent};
use namoyish_domain::ids::{CustomerId, InvoiceId};
use namoyish_domain::money::{Money, Rate};
use namoyish_domain::orders::order_blank::{LineKind, Prepayment, VatTerms};
use namoyish_orders::app::record_payment::{
    KEY_CHARACTERS_MAX, REFERENCE_CHARACTERS_MAX, RecordPayment, record_payment,
};
use namoyish_runtime::context::{Actor, Role};
use namoyish_settlement::allocate_free;
use namoyish_storage::invoices::{InvoiceKind, IssueInvoice};
use namoyish_testkit::contracts::{self, BlankSpec, LineSpec};
use namoyish_testkit::{TestContext, context_at};

fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn accountant() -> Actor {
    Actor::staff("dilnoza", Role::Accountant)
}

fn payment(customer: CustomerId, amount: &str, on: &str, key: &str) -> RecordPayment {
    RecordPayment {
        customer,
        amount: sum(amount),
        received_on: on.parse().unwrap(),
        method: PaymentMethod::Bank,
        named_invoice: None,
        reference: "17".to_owned(),
        idempotency_key: key.to_owned(),
    }
}

/// Signed on 2026-01-10 for February to April, paid per month: 1,120,000.00 each, due 01-15, 02-25 and 03-25.
async fn signed() -> (TestContext, CustomerId) {
    let ctx = context_at(1, at_tashkent("2026-01-10T11:00:00".parse().unwrap())).await;
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    (ctx, customer)
}

async fn issue(ctx: &TestContext, customer: CustomerId) -> Vec<InvoiceId> {
    let spec = BlankSpec {
        customer,
        code: "OB-1",
        prepayment: Prepayment::Monthly,
        vat: VatTerms::Payer(Rate::parse("0.12").unwrap()),
        lines: vec![LineSpec {
            code: "OB-1/1",
            kind: LineKind::Period,
            unit_price: "1000000.00",
            term: ("2026-02-01", "2026-04-30"),
            budget: None,
            ready_from: Some("2026-01-12"),
        }],
    };
    let (blank, lines) = contracts::signed_blank(ctx, &spec).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let line = tx.order_lines().find(lines[0]).await.unwrap().unwrap();
    let calendar = BusinessCalendar::shipped();
    let terms = InvoiceTerms {
        signed_on: ctx.today(),
        prepayment: Prepayment::Monthly,
        own_due_on: None,
        vat_rate: Rate::parse("0.12").unwrap(),
        calendar: &calendar,
    };
    let to_invoice = LineToInvoice {
        line: line.id,
        term: line.term,
        charge: LineCharge::Period(line.unit_price),
    };
    let mut ids = vec![];
    for draft in draw_up(terms, &[to_invoice]).unwrap() {
        let ordinal = tx.take_number(Series::Invoice.name(), 2026).await.unwrap();
        let id = InvoiceId::from_uuid(ctx.uuid());
        let invoice = IssueInvoice {
            id,
            number: &Series::Invoice.number(2026, ordinal),
            customer,
            order_blank: Some(blank),
            kind: InvoiceKind::Prepayment,
            issued_at: ctx.now(),
            draft: &draft,
        };
        tx.invoices().issue(&invoice).await.unwrap();
        ids.push(id);
    }
    allocate_free(&mut tx, customer).await.unwrap();
    tx.save().await.unwrap();
    ids
}

fn advance_to(ctx: &TestContext, local: &str) {
    ctx.clock.advance_to(at_tashkent(local.parse().unwrap()));
}

#[tokio::test]
async fn a_payment_is_advance_and_pays_the_oldest_invoice_first() {
    let (ctx, customer) = signed().await;
    let invoices = issue(&ctx, customer).await;
    advance_to(&ctx, "2026-01-20T15:00:00");
    let version = ctx.store.snapshot_version().await.unwrap();
    let recorded = record_payment(
        &ctx,
        &accountant(),
        payment(customer, "1500000.00", "2026-01-20", "k1"),
    )
    .await
    .unwrap();
    let parts: Vec<_> = recorded
        .parts
        .iter()
        .map(|part| (part.invoice, part.amount))
        .collect();
    assert_eq!(
        parts,
        [(invoices[0], sum("1120000.00")), (invoices[1], sum("380000.00"))]
    );
    assert_eq!((recorded.free, recorded.replayed), (Money::ZERO, false));
    let paid = ctx.store.invoice(invoices[0]).await.unwrap().unwrap();
    assert_eq!(paid.paid_on, Some("2026-01-20".parse().unwrap()));
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap().advance,
        sum("1500000.00")
    );
    assert_eq!(ctx.store.balance(Account::Bank).await.unwrap(), sum("1500000.00"));
    assert!(
        ctx.store.snapshot_version().await.unwrap() > version,
        "a paid line may run now"
    );
}

#[tokio::test]
async fn a_named_invoice_is_paid_before_an_older_one() {
    let (ctx, customer) = signed().await;
    let invoices = issue(&ctx, customer).await;
    let named = RecordPayment {
        named_invoice: Some("HS-2026-000003".to_owned()),
        ..payment(customer, "1120000.00", "2026-01-10", "k1")
    };
    let recorded = record_payment(&ctx, &accountant(), named).await.unwrap();
    assert_eq!(
        recorded.parts.iter().map(|part| part.invoice).collect::<Vec<_>>(),
        [invoices[2]]
    );
}

#[tokio::test]
async fn an_overpayment_stays_free_and_pays_the_next_invoices_on_their_day_of_issue() {
    let (ctx, customer) = signed().await;
    let recorded = record_payment(
        &ctx,
        &accountant(),
        payment(customer, "2000000.00", "2026-01-08", "k1"),
    )
    .await
    .unwrap();
    assert_eq!((recorded.parts.len(), recorded.free), (0, sum("2000000.00")));
    let invoices = issue(&ctx, customer).await;
    let first = ctx.store.invoice(invoices[0]).await.unwrap().unwrap();
    assert_eq!(
        (first.paid, first.paid_on),
        (sum("1120000.00"), Some("2026-01-10".parse().unwrap()))
    );
    let second = ctx.store.invoice(invoices[1]).await.unwrap().unwrap();
    assert_eq!(second.paid, sum("880000.00"));
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap().advance,
        sum("2000000.00"),
        "nothing is posted by it"
    );
}

#[tokio::test]
async fn the_same_key_and_body_answers_again_and_another_body_is_refused() {
    let (ctx, customer) = signed().await;
    issue(&ctx, customer).await;
    let cmd = payment(customer, "500000.00", "2026-01-10", "k1");
    let first = record_payment(&ctx, &accountant(), cmd.clone()).await.unwrap();
    let again = record_payment(&ctx, &accountant(), cmd.clone()).await.unwrap();
    assert_eq!(
        (again.payment, &again.parts, again.free, again.replayed),
        (first.payment, &first.parts, first.free, true)
    );
    assert_eq!(ctx.store.balance(Account::Bank).await.unwrap(), sum("500000.00"));
    let other_customer = contracts::customer(&ctx, "osh", 2).await;
    for other in [
        RecordPayment {
            amount: sum("500000.01"),
            ..cmd.clone()
        },
        RecordPayment {
            received_on: "2026-01-09".parse().unwrap(),
            ..cmd.clone()
        },
        RecordPayment {
            method: PaymentMethod::Cash,
            ..cmd.clone()
        },
        RecordPayment {
            named_invoice: Some("HS-2026-000001".to_owned()),
            ..cmd.clone()
        },
        RecordPayment {
            reference: "18".to_owned(),
            ..cmd.clone()
        },
        RecordPayment {
            customer: other_customer,
            ..cmd.clone()
        },
    ] {
        let refused = record_payment(&ctx, &accountant(), other.clone())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "idempotency_key_reused", "{other:?}");
    }
    assert_eq!(ctx.store.balance(Account::Bank).await.unwrap(), sum("500000.00"));
}

#[tokio::test]
async fn only_the_operators_accountant_or_administrator_records_payments() {
    let (ctx, customer) = signed().await;
    let cmd = payment(customer, "1.00", "2026-01-10", "k1");
    let mut refused = vec![
        Actor::customer("egasi", Role::Owner, customer),
        Actor::customer("hisobchi", Role::Accountant, customer),
    ];
    refused.extend(
        [Role::Viewer, Role::Sales, Role::Moderator, Role::Traffic].map(|role| Actor::staff("kimdir", role)),
    );
    for actor in refused {
        let error = record_payment(&ctx, &actor, cmd.clone()).await.unwrap_err();
        assert_eq!(error.code(), "not_allowed", "{actor:?}");
    }
    for (n, actor) in [
        accountant(),
        Actor::staff("admin", Role::Admin),
        Actor::system("click"),
    ]
    .into_iter()
    .enumerate()
    {
        let cmd = RecordPayment {
            idempotency_key: format!("k{n}"),
            ..cmd.clone()
        };
        record_payment(&ctx, &actor, cmd).await.unwrap();
    }
}

#[tokio::test]
async fn what_can_not_have_been_paid_is_refused_by_code() {
    let (ctx, customer) = signed().await;
    let good = payment(customer, "1.00", "2026-01-10", "k1");
    let nobody = CustomerId::from_uuid(ctx.uuid());
    for (code, wrong) in [
        (
            "amount_not_positive",
            RecordPayment {
                amount: Money::ZERO,
                ..good.clone()
            },
        ),
        (
            "amount_not_positive",
            RecordPayment {
                amount: sum("-5.00"),
                ..good.clone()
            },
        ),
        (
            "received_in_future",
            RecordPayment {
                received_on: "2026-01-11".parse().unwrap(),
                ..good.clone()
            },
        ),
        (
            "no_such_customer",
            RecordPayment {
                customer: nobody,
                ..good.clone()
            },
        ),
        (
            "no_such_invoice",
            RecordPayment {
                named_invoice: Some("HS-2026-000009".to_owned()),
                ..good.clone()
            },
        ),
        (
            "text_length",
            RecordPayment {
                idempotency_key: String::new(),
                ..good.clone()
            },
        ),
        (
            "text_length",
            RecordPayment {
                idempotency_key: "k".repeat(KEY_CHARACTERS_MAX + 1),
                ..good.clone()
            },
        ),
        (
            "text_length",
            RecordPayment {
                reference: "ў".repeat(REFERENCE_CHARACTERS_MAX + 1),
                ..good.clone()
            },
        ),
    ] {
        let refused = record_payment(&ctx, &accountant(), wrong.clone())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), code, "{wrong:?}");
    }
    assert_eq!(ctx.store.payments_of(customer, 10).await.unwrap(), []);
    assert_eq!(ctx.store.balance(Account::Bank).await.unwrap(), Money::ZERO);
}

#[tokio::test]
async fn another_customers_invoice_is_no_invoice_of_this_one() {
    let (ctx, customer) = signed().await;
    issue(&ctx, customer).await;
    let other = contracts::customer(&ctx, "osh", 2).await;
    let named = RecordPayment {
        named_invoice: Some("HS-2026-000001".to_owned()),
        ..payment(other, "1.00", "2026-01-10", "k1")
    };
    assert_eq!(
        record_payment(&ctx, &accountant(), named)
            .await
            .unwrap_err()
            .code(),
        "no_such_invoice"
    );
}

#[tokio::test]
async fn money_received_in_a_closed_period_is_posted_in_the_next_and_still_counts_from_its_day() {
    let (ctx, customer) = signed().await;
    let invoices = issue(&ctx, customer).await;
    advance_to(&ctx, "2026-02-02T10:00:00");
    let mut tx = ctx.store.begin().await.unwrap();
    tx.periods()
        .close(ReportingPeriod::parse("2026-01").unwrap(), ctx.now())
        .await
        .unwrap();
    tx.save().await.unwrap();
    record_payment(
        &ctx,
        &accountant(),
        payment(customer, "1120000.00", "2026-01-30", "k1"),
    )
    .await
    .unwrap();
    assert_eq!(
        ctx.store.first_posted_on().await.unwrap(),
        Some("2026-02-01".parse().unwrap())
    );
    let paid = ctx.store.invoice(invoices[0]).await.unwrap().unwrap();
    assert_eq!(paid.paid_on, Some("2026-01-30".parse().unwrap()));
}

#[tokio::test]
async fn a_payment_that_becomes_known_late_takes_back_the_penalty_of_the_days_after_it() {
    let (ctx, customer) = signed().await;
    let invoices = issue(&ctx, customer).await;
    advance_to(&ctx, "2026-02-09T10:00:00");
    // The daily job has accrued 25 days through 9 February.
    let mut tx = ctx.store.begin().await.unwrap();
    let invoice = tx.invoices().lookup(invoices[0]).await.unwrap().unwrap();
    let unpaid = OverdueInvoice {
        gross: invoice.gross,
        due_on: invoice.due_on,
        paid: vec![],
    };
    tx.penalties()
        .add(invoice.id, &accrue(&unpaid, None, ctx.today()).unwrap())
        .await
        .unwrap();
    tx.save().await.unwrap();
    let penalty = async || {
        let invoice = ctx.store.invoice(invoices[0]).await.unwrap().unwrap();
        capped(invoice.penalty_accrued, invoice.overdue, None).unwrap()
    };
    assert_eq!(penalty().await, sum("28000.00"));
    record_payment(
        &ctx,
        &accountant(),
        payment(customer, "500000.00", "2026-01-20", "k1"),
    )
    .await
    .unwrap();
    // 5 days of 1,120.00 and 20 of 620.00.
    assert_eq!(penalty().await, sum("18000.00"));
    record_payment(
        &ctx,
        &accountant(),
        payment(customer, "620000.00", "2026-01-30", "k2"),
    )
    .await
    .unwrap();
    // billing.md §6: 5 × 1,120 + 10 × 620.
    assert_eq!(penalty().await, sum("11800.00"));
}

#[tokio::test]
async fn payments_at_once_never_pay_an_invoice_twice() {
    let (ctx, customer) = signed().await;
    issue(&ctx, customer).await;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (context, cmd) = (
            ctx.context.clone(),
            payment(customer, "560000.00", "2026-01-10", &format!("k{n}")),
        );
        running.spawn(async move { record_payment(&context, &accountant(), cmd).await.unwrap() });
    }
    let mut free = Money::ZERO;
    while let Some(recorded) = running.join_next().await {
        free = free.checked_add(recorded.unwrap().free).unwrap();
    }
    // 8 × 560,000 for 3 × 1,120,000.
    assert_eq!(free, sum("1120000.00"));
    let open = ctx
        .store
        .begin()
        .await
        .unwrap()
        .invoices()
        .open_of(customer)
        .await
        .unwrap();
    assert_eq!(open, []);
    assert!(ctx.store.check_ledger().await.unwrap().is_sound());
}

#[tokio::test]
async fn eight_commands_with_one_key_record_one_payment() {
    let (ctx, customer) = signed().await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (context, cmd) = (ctx.context.clone(), payment(customer, "5.00", "2026-01-10", "k1"));
        running.spawn(async move { record_payment(&context, &accountant(), cmd).await.unwrap() });
    }
    let mut new = 0;
    while let Some(recorded) = running.join_next().await {
        new += u32::from(!recorded.unwrap().replayed);
    }
    assert_eq!(new, 1);
    assert_eq!(ctx.store.balance(Account::Bank).await.unwrap(), sum("5.00"));
}

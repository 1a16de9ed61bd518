//! billing.md §7–§8: asking for a refund, paying it, calling it off; acts that come back. The sum itself is fixed by the
//! billing worker and written here as it writes it.

use namoyish_domain::billing::document::{DocumentState, Series};
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::billing::reconciliation_act::{Comparison, Interval, Occasion};
use namoyish_domain::billing::refund::{RefundState, RefundToPost, takes};
use namoyish_domain::calendar::{ReportingPeriod, at_tashkent};
use namoyish_domain::ids::{CustomerId, DocumentId, PostingId, RefundId};
use namoyish_domain::money::Money;
use namoyish_orders::app::pay_refund::{PayRefund, REFERENCE_CHARACTERS_MAX, pay_refund};
use namoyish_orders::app::record_act_return::{NOTE_CHARACTERS_MAX, RecordActReturn, record_act_return};
use namoyish_orders::app::record_payment::{RecordPayment, record_payment};
use namoyish_orders::app::request_refund::{
    CancelRefund, RefundRequested, RequestRefund, RequestRefundError, cancel_refund, request_refund,
};
use namoyish_runtime::context::{Actor, Role};
use namoyish_storage::documents::NewDocument;
use namoyish_storage::reconciliation_acts::NewAct;
use namoyish_storage::refunds::{FixedRefund, RefundRecord};
use namoyish_testkit::{TestContext, context_at, contracts};

fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn accountant() -> Actor {
    Actor::staff("dilnoza", Role::Accountant)
}

fn owner(customer: CustomerId) -> Actor {
    Actor::customer("egasi", Role::Owner, customer)
}

/// A customer with 500,000.00 of free advance.
async fn with_advance() -> (TestContext, CustomerId) {
    let ctx = context_at(1, at_tashkent("2026-03-10T11:00:00".parse().unwrap())).await;
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    let payment = RecordPayment {
        customer,
        amount: sum("500000.00"),
        received_on: ctx.today(),
        method: PaymentMethod::Bank,
        named_invoice: None,
        reference: "17".to_owned(),
        idempotency_key: "k".to_owned(),
    };
    record_payment(&ctx, &accountant(), payment).await.unwrap();
    (ctx, customer)
}

async fn ask(ctx: &TestContext, customer: CustomerId) -> Result<RefundRequested, RequestRefundError> {
    request_refund(ctx, &owner(customer), RequestRefund { customer }).await
}

async fn document(ctx: &TestContext, customer: CustomerId, kind: Series) -> (DocumentId, String) {
    let mut tx = ctx.store.begin().await.unwrap();
    let ordinal = tx.take_number(kind.name(), 2026).await.unwrap();
    let number = kind.number(2026, ordinal);
    let id = DocumentId::from_uuid(ctx.uuid());
    let new = NewDocument {
        id,
        kind,
        number: &number,
        customer,
        period: None,
        net: Money::ZERO,
        vat: Money::ZERO,
        gross: Money::ZERO,
        content: "{}",
        sha256: "0",
        issued_at: ctx.now(),
    };
    tx.documents().issue(&new, &[], "billing").await.unwrap();
    tx.save().await.unwrap();
    (id, number)
}

/// The worker fixes the sum of a request.
async fn fix(ctx: &TestContext, customer: CustomerId, id: RefundId, amount: &str) {
    let (document, number) = document(ctx, customer, Series::Refund).await;
    let mut tx = ctx.store.begin().await.unwrap();
    tx.ledger().lock_customer(customer).await.unwrap();
    let free = tx.payments().free_of(customer).await.unwrap();
    let fixed = FixedRefund {
        id,
        amount: sum(amount),
        fixed_at: ctx.now(),
        document,
        bank_name: "Sinov banki",
        mfo: "00401",
        settlement_account: "20208000900000000001",
    };
    let taken = takes(fixed.amount, &free).unwrap();
    assert!(tx.refunds().fix(&fixed, &taken).await.unwrap());
    let posting = RefundToPost {
        refund: id,
        customer,
        amount: fixed.amount,
        posted_on: ctx.today(),
        number,
    };
    tx.ledger()
        .append(
            PostingId::from_uuid(ctx.uuid()),
            &posting.fixed().unwrap(),
            ctx.now(),
        )
        .await
        .unwrap();
    tx.save().await.unwrap();
}

async fn refund(ctx: &TestContext, id: RefundId) -> RefundRecord {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.refunds().find(id).await.unwrap().unwrap()
}

fn paying(ctx: &TestContext, refund: RefundId) -> PayRefund {
    PayRefund {
        refund,
        paid_on: ctx.today(),
        bank_reference: "PT-118".to_owned(),
    }
}

// billing.md §8: only on the customer's request, and only its own.
#[tokio::test]
async fn a_refund_is_asked_for_by_the_customers_own_people() {
    let (ctx, customer) = with_advance().await;
    let other = contracts::customer(&ctx, "jim", 2).await;
    let by = async |actor: Actor| {
        request_refund(&ctx, &actor, RequestRefund { customer })
            .await
            .map(|_| "taken")
            .unwrap_or_else(|error| error.code())
    };
    assert_eq!(by(owner(other)).await, "no_such_customer");
    assert_eq!(
        by(Actor::customer("kuzatuvchi", Role::Viewer, customer)).await,
        "not_allowed"
    );
    assert_eq!(by(Actor::staff("sotuv", Role::Sales)).await, "not_allowed");
    assert_eq!(by(owner(customer)).await, "taken");
    let nobody = RequestRefund {
        customer: CustomerId::from_uuid(ctx.uuid()),
    };
    let refused = request_refund(&ctx, &accountant(), nobody).await.unwrap_err();
    assert_eq!(refused.code(), "no_such_customer");
}

// billing.md §8: nothing to refund, a debt, no own account, one at a time.
#[tokio::test]
async fn every_hindrance_has_its_code() {
    let (ctx, customer) = with_advance().await;
    let empty = contracts::customer(&ctx, "jim", 2).await;
    assert_eq!(ask(&ctx, empty).await.unwrap_err().code(), "nothing_to_refund");
    let pool = ctx.database.pool();
    // Only a person may have none.
    sqlx::query(
        "update customers set kind = 'person', stir = null, pinfl = '62902040000025', settlement_account = null, mfo = null, bank_name = ''
            where id = $1",
    )
        .bind(customer.uuid())
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        ask(&ctx, customer).await.unwrap_err().code(),
        "no_settlement_account"
    );
    sqlx::query("update customers set settlement_account = '20208000900000000001', mfo = '00401', bank_name = 'Sinov banki' where id = $1")
        .bind(customer.uuid())
        .execute(&pool)
        .await
        .unwrap();
    let requested = ask(&ctx, customer).await.unwrap();
    assert_eq!(requested.due_on.to_string(), "2026-04-09");
    assert_eq!(
        ask(&ctx, customer).await.unwrap_err().code(),
        "refund_already_requested"
    );
    // Taken back, it may be asked for again.
    let cmd = CancelRefund {
        refund: requested.refund,
    };
    cancel_refund(&ctx, &owner(customer), cmd).await.unwrap();
    let again = cancel_refund(&ctx, &owner(customer), cmd).await.unwrap_err();
    assert_eq!(again.code(), "refund_closed");
    ask(&ctx, customer).await.unwrap();
}

#[tokio::test]
async fn fifty_requests_at_once_make_one() {
    let (ctx, customer) = with_advance().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let ctx = ctx.context.clone();
        tasks.spawn(async move {
            request_refund(&ctx, &owner(customer), RequestRefund { customer })
                .await
                .map(|_| "taken")
                .unwrap_or_else(|error| error.code())
        });
    }
    let told = tasks.join_all().await;
    assert_eq!(
        told.iter().filter(|code| **code == "taken").count(),
        1,
        "{told:?}"
    );
    assert!(
        told.iter()
            .all(|code| ["taken", "refund_already_requested"].contains(code)),
        "{told:?}"
    );
}

// billing.md §8: paid by the accountant, once, after the sum is fixed, with its day and reference.
#[tokio::test]
async fn a_refund_is_paid_once_when_it_is_fixed() {
    let (ctx, customer) = with_advance().await;
    let id = ask(&ctx, customer).await.unwrap().refund;
    let refused =
        async |actor: &Actor, cmd: PayRefund| pay_refund(&ctx, actor, cmd).await.unwrap_err().code();
    assert_eq!(refused(&owner(customer), paying(&ctx, id)).await, "not_allowed");
    assert_eq!(refused(&accountant(), paying(&ctx, id)).await, "refund_not_fixed");
    let unknown = paying(&ctx, RefundId::from_uuid(ctx.uuid()));
    assert_eq!(refused(&accountant(), unknown).await, "no_such_refund");
    fix(&ctx, customer, id, "500000.00").await;
    for paid_on in ["2026-03-09", "2026-03-11"] {
        let cmd = PayRefund {
            paid_on: paid_on.parse().unwrap(),
            ..paying(&ctx, id)
        };
        assert_eq!(refused(&accountant(), cmd).await, "day_out_of_range", "{paid_on}");
    }
    for reference in [String::new(), "x".repeat(REFERENCE_CHARACTERS_MAX + 1)] {
        let cmd = PayRefund {
            bank_reference: reference,
            ..paying(&ctx, id)
        };
        assert_eq!(refused(&accountant(), cmd).await, "text_length");
    }
    let paid = pay_refund(&ctx, &accountant(), paying(&ctx, id)).await.unwrap();
    assert_eq!((paid.customer, paid.amount), (customer, sum("500000.00")));
    assert_eq!(
        refused(&accountant(), paying(&ctx, id)).await,
        "refund_already_paid"
    );
    let balances = ctx.store.balances_of(customer).await.unwrap();
    assert_eq!(
        (balances.advance, balances.refund_payable),
        (Money::ZERO, Money::ZERO)
    );
    assert!(ctx.store.check_ledger().await.unwrap().is_sound());
    let kept = refund(&ctx, id).await;
    assert_eq!(
        (kept.state, kept.bank_reference.as_str()),
        (RefundState::Paid, "PT-118")
    );
    // The database keeps it as it is.
    let changed = sqlx::query("update refunds set amount = 1 where id = $1")
        .bind(id.uuid())
        .execute(&ctx.database.pool())
        .await;
    assert!(changed.is_err());
}

// billing.md §1: a closed period takes no more postings; the refund keeps the true day.
#[tokio::test]
async fn a_payment_told_after_the_month_was_closed_is_posted_on_the_first_open_day() {
    let (ctx, customer) = with_advance().await;
    let id = ask(&ctx, customer).await.unwrap().refund;
    fix(&ctx, customer, id, "500000.00").await;
    ctx.clock
        .advance_to(at_tashkent("2026-04-03T10:00:00".parse().unwrap()));
    let mut tx = ctx.store.begin().await.unwrap();
    let march = ReportingPeriod::parse("2026-03").unwrap();
    tx.periods().close(march, ctx.now()).await.unwrap();
    tx.save().await.unwrap();
    let cmd = PayRefund {
        paid_on: "2026-03-30".parse().unwrap(),
        ..paying(&ctx, id)
    };
    pay_refund(&ctx, &accountant(), cmd).await.unwrap();
    assert_eq!(
        refund(&ctx, id).await.paid_on.map(|day| day.to_string()),
        Some("2026-03-30".into())
    );
    let posted: chrono::NaiveDate =
        sqlx::query_scalar("select posted_on from postings where reason = 'refund_paid'")
            .fetch_one(&ctx.database.pool())
            .await
            .unwrap();
    assert_eq!(posted.to_string(), "2026-04-01");
}

// A fixed sum is the operator's debt: only its accountant calls it off, and the money is free advance again.
#[tokio::test]
async fn a_fixed_refund_is_called_off_by_the_accountant_alone() {
    let (ctx, customer) = with_advance().await;
    let id = ask(&ctx, customer).await.unwrap().refund;
    fix(&ctx, customer, id, "500000.00").await;
    let cmd = CancelRefund { refund: id };
    let refused = cancel_refund(&ctx, &owner(customer), cmd).await.unwrap_err();
    assert_eq!(refused.code(), "refund_already_fixed");
    let other = contracts::customer(&ctx, "jim", 2).await;
    let refused = cancel_refund(&ctx, &owner(other), cmd).await.unwrap_err();
    assert_eq!(refused.code(), "no_such_refund");
    cancel_refund(&ctx, &accountant(), cmd).await.unwrap();
    let balances = ctx.store.balances_of(customer).await.unwrap();
    assert_eq!(
        (balances.advance, balances.refund_payable),
        (sum("500000.00"), Money::ZERO)
    );
    let mut tx = ctx.store.begin().await.unwrap();
    let free = tx.payments().free_of(customer).await.unwrap();
    drop(tx);
    assert_eq!(free[0].free, sum("500000.00"));
    let refused = pay_refund(&ctx, &accountant(), paying(&ctx, id))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "refund_closed");
}

/// An act that says the operator owes 500,000.00.
async fn act(ctx: &TestContext, customer: CustomerId) -> DocumentId {
    let (document, _) = document(ctx, customer, Series::ReconciliationAct).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let new = NewAct {
        document,
        customer,
        occasion: Occasion::Quarter,
        interval: Interval::through(ReportingPeriod::parse("2026-03").unwrap()),
        opening: Money::ZERO,
        debit: Money::ZERO,
        credit: sum("500000.00"),
        undocumented: Money::ZERO,
        closing: sum("-500000.00"),
        send_by: "2026-04-09".parse().unwrap(),
    };
    tx.reconciliation_acts().insert(&new).await.unwrap();
    tx.save().await.unwrap();
    document
}

// billing.md §7: the returned act is tracked, with a discrepancy when the customer's figures differ.
#[tokio::test]
async fn an_act_comes_back_once_and_a_discrepancy_is_kept() {
    let (ctx, customer) = with_advance().await;
    let document = act(&ctx, customer).await;
    let returned = |balance: Option<&str>| RecordActReturn {
        document,
        returned_on: ctx.today(),
        customer_balance: balance.map(sum),
        note: "imzolangan".to_owned(),
    };
    let refused = async |actor: &Actor, cmd: RecordActReturn| {
        record_act_return(&ctx, actor, cmd).await.unwrap_err().code()
    };
    assert_eq!(refused(&owner(customer), returned(None)).await, "not_allowed");
    let unknown = RecordActReturn {
        document: DocumentId::from_uuid(ctx.uuid()),
        ..returned(None)
    };
    assert_eq!(refused(&accountant(), unknown).await, "no_such_act");
    let early = RecordActReturn {
        returned_on: "2026-03-09".parse().unwrap(),
        ..returned(None)
    };
    assert_eq!(refused(&accountant(), early).await, "day_out_of_range");
    let long = RecordActReturn {
        note: "x".repeat(NOTE_CHARACTERS_MAX + 1),
        ..returned(None)
    };
    assert_eq!(refused(&accountant(), long).await, "text_length");
    let compared = record_act_return(&ctx, &accountant(), returned(Some("-490000.00")))
        .await
        .unwrap();
    assert_eq!(compared, Comparison::Discrepancy(sum("10000.00")));
    assert_eq!(
        refused(&accountant(), returned(None)).await,
        "act_already_returned"
    );
    let kept = ctx.store.document(document).await.unwrap().unwrap();
    assert_eq!(kept.state, DocumentState::Disputed);
    let mut tx = ctx.store.begin().await.unwrap();
    let record = tx.reconciliation_acts().find(document).await.unwrap().unwrap();
    let back = record.returned.unwrap();
    assert_eq!((back.agreed, back.customer_balance), (false, sum("-490000.00")));
}

#[tokio::test]
async fn an_act_on_which_both_agree_is_accepted() {
    let (ctx, customer) = with_advance().await;
    let document = act(&ctx, customer).await;
    let cmd = RecordActReturn {
        document,
        returned_on: ctx.today(),
        customer_balance: None,
        note: String::new(),
    };
    let compared = record_act_return(&ctx, &accountant(), cmd).await.unwrap();
    assert_eq!(compared, Comparison::Agreed);
    let kept = ctx.store.document(document).await.unwrap().unwrap();
    assert_eq!(kept.state, DocumentState::Accepted);
}

//! Invoices, payments, documents, the outbox and the jobs' locks against a real PostgreSQL.

use namoyish_domain::billing::allocation::Allocation;
use namoyish_domain::billing::document::{DocumentState, Series};
use namoyish_domain::billing::invoice::{InvoiceTerms, LineCharge, LineToInvoice, draw_up};
use namoyish_domain::billing::ledger::PaymentMethod;
use namoyish_domain::calendar::{BusinessCalendar, ReportingPeriod, tashkent_day};
use namoyish_domain::ids::{CustomerId, DocumentId, InvoiceId, LineId, MailId, OrderBlankId, PaymentId};
use namoyish_domain::money::{Money, Rate, UnitPrice};
use namoyish_domain::orders::order_blank::{LineKind, Prepayment, Term, VatTerms};
use namoyish_storage::documents::NewDocument;
use namoyish_storage::invoices::{InvoiceKind, InvoiceReduction, IssueInvoice, ReductionReason};
use namoyish_storage::outbox::NewMail;
use namoyish_storage::payments::{PaymentRecord, Release};
use namoyish_testkit::contracts::{self, BlankSpec, LineSpec};
use namoyish_testkit::{TestContext, context_at};

struct Contract {
    ctx: TestContext,
    customer: CustomerId,
    blank: OrderBlankId,
    line: LineId,
}

fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A period line for February and March, signed on 2026-01-10.
async fn contract() -> Contract {
    let ctx = context_at(1, "2026-01-10T06:00:00Z".parse().unwrap()).await;
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "bek", 1).await;
    let spec = BlankSpec {
        customer,
        code: "OB-1",
        prepayment: Prepayment::Monthly,
        vat: VatTerms::Payer(Rate::parse("0.12").unwrap()),
        lines: vec![LineSpec {
            code: "OB-1/1",
            kind: LineKind::Period,
            unit_price: "1000000.00",
            term: ("2026-02-01", "2026-03-31"),
            budget: None,
            ready_from: Some("2026-01-12"),
        }],
    };
    let (blank, lines) = contracts::signed_blank(&ctx, &spec).await;
    Contract {
        ctx,
        customer,
        blank,
        line: lines[0],
    }
}

impl Contract {
    /// Issues the blank's invoices; gives their ids, oldest due date first.
    async fn issue_invoices(&self) -> Vec<InvoiceId> {
        let calendar = BusinessCalendar::shipped();
        let terms = InvoiceTerms {
            signed_on: tashkent_day(self.ctx.now()),
            prepayment: Prepayment::Monthly,
            own_due_on: None,
            vat_rate: Rate::parse("0.12").unwrap(),
            calendar: &calendar,
        };
        let line = LineToInvoice {
            line: self.line,
            term: Term::new("2026-02-01".parse().unwrap(), "2026-03-31".parse().unwrap()).unwrap(),
            charge: LineCharge::Period(UnitPrice::parse("1000000.00").unwrap()),
        };
        let mut tx = self.ctx.store.begin().await.unwrap();
        let mut ids = vec![];
        for draft in draw_up(terms, &[line]).unwrap() {
            let ordinal = tx.take_number(Series::Invoice.name(), 2026).await.unwrap();
            let id = InvoiceId::from_uuid(self.ctx.uuid());
            let invoice = IssueInvoice {
                id,
                number: &Series::Invoice.number(2026, ordinal),
                customer: self.customer,
                order_blank: Some(self.blank),
                kind: InvoiceKind::Prepayment,
                issued_at: self.ctx.now(),
                draft: &draft,
            };
            tx.invoices().issue(&invoice).await.unwrap();
            ids.push(id);
        }
        tx.save().await.unwrap();
        ids
    }

    async fn pay(&self, key: &str, on: &str, amount: &str, parts: &[(InvoiceId, &str)]) -> PaymentId {
        let id = PaymentId::from_uuid(self.ctx.uuid());
        let payment = PaymentRecord {
            id,
            customer: self.customer,
            received_on: on.parse().unwrap(),
            amount: sum(amount),
            method: PaymentMethod::Bank,
            named_invoice: None,
            reference: "17".to_owned(),
            recorded_at: self.ctx.now(),
            recorded_by: "sinov".to_owned(),
            idempotency_key: key.to_owned(),
        };
        let mut tx = self.ctx.store.begin().await.unwrap();
        tx.payments().insert(&payment).await.unwrap();
        for (invoice, amount) in parts {
            let part = Allocation {
                invoice: *invoice,
                amount: sum(amount),
                allocated_on: payment.received_on,
            };
            tx.payments().allocate(id, &part).await.unwrap();
        }
        tx.save().await.unwrap();
        id
    }
}

#[tokio::test]
async fn an_invoice_is_paid_when_its_allocations_reach_its_sum_and_on_the_day_of_the_last_one() {
    let contract = contract().await;
    let store = &contract.ctx.store;
    let invoices = contract.issue_invoices().await;
    contract
        .pay("k1", "2026-01-20", "500000.00", &[(invoices[0], "500000.00")])
        .await;
    let partly = store.invoice(invoices[0]).await.unwrap().unwrap();
    assert_eq!(
        (partly.number.as_str(), partly.paid, partly.paid_on),
        ("HS-2026-000001", sum("500000.00"), None)
    );
    assert_eq!(
        (partly.due_on.to_string(), partly.gross),
        ("2026-01-15".to_owned(), sum("1120000.00"))
    );
    contract
        .pay("k2", "2026-01-30", "700000.00", &[(invoices[0], "620000.00")])
        .await;
    let paid = store.invoice(invoices[0]).await.unwrap().unwrap();
    assert_eq!(
        (paid.paid, paid.paid_on),
        (sum("1120000.00"), Some("2026-01-30".parse().unwrap()))
    );
    let mut tx = store.begin().await.unwrap();
    let open = tx.invoices().open_of(contract.customer).await.unwrap();
    assert_eq!(
        open.iter().map(|item| item.invoice).collect::<Vec<_>>(),
        [invoices[1]]
    );
    let free = tx.payments().free_of(contract.customer).await.unwrap();
    assert_eq!(
        free.iter().map(|money| money.free).collect::<Vec<_>>(),
        [sum("80000.00")]
    );
    let lines = store.invoice_lines(invoices[1]).await.unwrap();
    assert_eq!(lines[0].first_period, ReportingPeriod::parse("2026-03").unwrap());
    assert_eq!(
        store.invoices_of(contract.customer, "", 10).await.unwrap().len(),
        2
    );
    assert_eq!(store.invoices("HS-2026-000001", 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn invoices_and_payments_are_never_changed() {
    let contract = contract().await;
    let invoices = contract.issue_invoices().await;
    contract
        .pay("k1", "2026-01-20", "1.00", &[(invoices[0], "1.00")])
        .await;
    for statement in [
        "update invoices set due_on = due_on + 30",
        "delete from invoice_lines",
        "update payments set amount = 2",
        "delete from payment_allocations",
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&contract.ctx.database.pool())
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("append-only"),
            "{statement}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_second_payment_with_the_same_key_is_refused() {
    let contract = contract().await;
    let id = contract.pay("k1", "2026-01-20", "1.00", &[]).await;
    let mut tx = contract.ctx.store.begin().await.unwrap();
    let known = tx.payments().by_key("k1").await.unwrap().unwrap();
    assert_eq!((known.id, known.amount), (id, sum("1.00")));
    let again = PaymentRecord {
        id: PaymentId::from_uuid(contract.ctx.uuid()),
        ..known
    };
    let refused = tx.payments().insert(&again).await.unwrap_err();
    assert!(refused.is_constraint("payment_key_is_unique"), "{refused:?}");
}

async fn issue_document(contract: &Contract, number: &str) -> Result<DocumentId, namoyish_storage::DbError> {
    let id = DocumentId::from_uuid(contract.ctx.uuid());
    let mut tx = contract.ctx.store.begin().await?;
    let document = NewDocument {
        id,
        kind: Series::PrimaryDocument,
        number,
        customer: contract.customer,
        period: Some(ReportingPeriod::parse("2026-02").unwrap()),
        net: sum("1.00"),
        vat: sum("0.12"),
        gross: sum("1.12"),
        content: "{}",
        sha256: "0",
        issued_at: contract.ctx.now(),
    };
    tx.documents().issue(&document, &[], "sinov").await?;
    tx.save().await?;
    Ok(id)
}

#[tokio::test]
async fn a_customer_has_one_primary_document_of_a_period_and_a_number_is_used_once() {
    let contract = contract().await;
    issue_document(&contract, "BH-2026-000001").await.unwrap();
    let second = issue_document(&contract, "BH-2026-000002").await.unwrap_err();
    assert!(
        second.is_constraint("one_primary_document_per_period"),
        "{second:?}"
    );
    let same_number = issue_document(&contract, "BH-2026-000001").await.unwrap_err();
    assert!(
        matches!(same_number, namoyish_storage::DbError::Constraint { .. }),
        "{same_number:?}"
    );
}

#[tokio::test]
async fn a_document_enters_each_state_once_and_stands_in_the_last() {
    let contract = contract().await;
    let store = &contract.ctx.store;
    let id = issue_document(&contract, "BH-2026-000001").await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(
        tx.documents().lock_state(id).await.unwrap(),
        Some(DocumentState::Issued)
    );
    tx.documents()
        .enter(id, DocumentState::Sent, contract.ctx.now(), "sinov", "")
        .await
        .unwrap();
    tx.save().await.unwrap();
    let record = store
        .document_by_number(Series::PrimaryDocument, "BH-2026-000001")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((record.id, record.state), (id, DocumentState::Sent));
    assert_eq!(store.document_events(id).await.unwrap().len(), 2);
    let mut tx = store.begin().await.unwrap();
    let again = tx
        .documents()
        .enter(id, DocumentState::Sent, contract.ctx.now(), "sinov", "")
        .await
        .unwrap_err();
    assert!(again.is_constraint("document_state_is_entered_once"), "{again:?}");
    for statement in [
        "update documents set content = ''",
        "delete from documents",
        "delete from document_events",
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&contract.ctx.database.pool())
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("append-only"),
            "{statement}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_rolled_back_number_is_given_out_again_and_a_gap_is_found() {
    let contract = contract().await;
    let store = &contract.ctx.store;
    let mut dropped = store.begin().await.unwrap();
    assert_eq!(
        dropped
            .take_number(Series::PrimaryDocument.name(), 2026)
            .await
            .unwrap(),
        1
    );
    drop(dropped);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(
        tx.take_number(Series::PrimaryDocument.name(), 2026)
            .await
            .unwrap(),
        1
    );
    tx.save().await.unwrap();
    let gaps = store.number_gaps().await.unwrap();
    assert_eq!((gaps.len(), gaps[0].last_number, gaps[0].used), (1, 1, 0));
    issue_document(&contract, "BH-2026-000001").await.unwrap();
    assert_eq!(store.number_gaps().await.unwrap(), []);
}

fn mail(ctx: &TestContext, key: &str) -> NewMail {
    NewMail {
        id: MailId::from_uuid(ctx.uuid()),
        dedupe_key: key.to_owned(),
        recipient: "bek@example.uz".to_owned(),
        subject: "Sinov".to_owned(),
        body: "Sinov".to_owned(),
        document: None,
        language: "ru".to_owned(),
    }
}

#[tokio::test]
async fn a_mail_is_written_once_and_claimed_by_one_worker_at_a_time() {
    let contract = contract().await;
    let ctx = &contract.ctx;
    let mut tx = ctx.store.begin().await.unwrap();
    assert!(tx.outbox().push(&mail(ctx, "a"), ctx.now()).await.unwrap());
    assert!(
        !tx.outbox().push(&mail(ctx, "a"), ctx.now()).await.unwrap(),
        "the same mail twice"
    );
    assert!(tx.outbox().push(&mail(ctx, "b"), ctx.now()).await.unwrap());
    tx.save().await.unwrap();
    let (mut first, mut second, mut third) = (
        ctx.store.begin().await.unwrap(),
        ctx.store.begin().await.unwrap(),
        ctx.store.begin().await.unwrap(),
    );
    let a = first.outbox().claim(ctx.now()).await.unwrap().unwrap();
    let b = second.outbox().claim(ctx.now()).await.unwrap().unwrap();
    assert_ne!(a.mail.dedupe_key, b.mail.dedupe_key);
    assert_eq!(third.outbox().claim(ctx.now()).await.unwrap(), None);
    first.outbox().mark_sent(a.mail.id, ctx.now()).await.unwrap();
    first.save().await.unwrap();
    let later = ctx.now() + chrono::TimeDelta::minutes(1);
    second
        .outbox()
        .mark_failed(b.mail.id, "no server", later)
        .await
        .unwrap();
    second.save().await.unwrap();
    assert_eq!(
        third.outbox().claim(ctx.now()).await.unwrap(),
        None,
        "claimed before its time"
    );
    let again = third.outbox().claim(later).await.unwrap().unwrap();
    assert_eq!(
        (again.mail.id, again.attempts, again.last_error.as_deref()),
        (b.mail.id, 1, Some("no server"))
    );
    assert_eq!(ctx.store.mails_waiting().await.unwrap(), 1);
}

#[tokio::test]
async fn a_jobs_lock_is_held_by_one_and_let_go_when_dropped() {
    let contract = contract().await;
    let store = &contract.ctx.store;
    let lock = store.lock_job("close_period").await.unwrap();
    assert!(lock.is_some());
    assert!(store.lock_job("close_period").await.unwrap().is_none());
    assert!(
        store.lock_job("send_mail").await.unwrap().is_some(),
        "another job's lock is another one"
    );
    drop(lock);
    // The connection is given back to the pool, and with it the lock, soon after the drop.
    while store.lock_job("close_period").await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_jobs_attempts_and_its_last_error_are_kept() {
    let contract = contract().await;
    let (store, now) = (&contract.ctx.store, contract.ctx.now());
    store.start_job("close_period", "2026-02", now).await.unwrap();
    store
        .fail_job("close_period", "2026-02", "no operator")
        .await
        .unwrap();
    store.start_job("close_period", "2026-02", now).await.unwrap();
    let run = store.job_run("close_period", "2026-02").await.unwrap().unwrap();
    assert_eq!(
        (run.attempts, run.error.as_deref(), run.finished_at),
        (2, Some("no operator"), None)
    );
    store.finish_job("close_period", "2026-02", now).await.unwrap();
    let run = store.job_run("close_period", "2026-02").await.unwrap().unwrap();
    assert_eq!((run.error, run.finished_at), (None, Some(now)));
    assert_eq!(store.newest_job_runs(10).await.unwrap().len(), 1);
}

fn reduction(
    invoice: InvoiceId,
    on: &str,
    net: &str,
    vat: &str,
    reason: ReductionReason,
) -> InvoiceReduction {
    InvoiceReduction {
        invoice,
        reduced_on: on.parse().unwrap(),
        net: sum(net),
        vat: sum(vat),
        reason,
    }
}

#[tokio::test]
async fn what_is_no_longer_owed_of_an_invoice_is_neither_open_nor_kept_from_its_payer() {
    // 1,120,000.00, of which 620,000.00 are paid; from 1 February on only 336,000.00 are owed.
    let contract = contract().await;
    let store = &contract.ctx.store;
    let invoices = contract.issue_invoices().await;
    contract
        .pay("k1", "2026-01-20", "500000.00", &[(invoices[0], "500000.00")])
        .await;
    let newest = contract
        .pay("k2", "2026-01-30", "120000.00", &[(invoices[0], "120000.00")])
        .await;
    let mut tx = store.begin().await.unwrap();
    let terminated = reduction(
        invoices[0],
        "2026-02-01",
        "700000.00",
        "84000.00",
        ReductionReason::Terminated,
    );
    tx.invoices()
        .reduce(&terminated, "sinov", contract.ctx.now())
        .await
        .unwrap();
    let before = tx.invoices().lookup(invoices[0]).await.unwrap().unwrap();
    assert_eq!(
        (before.due_gross, before.paid),
        (sum("336000.00"), sum("620000.00"))
    );
    // The newest payment gives back first: all of its 120,000.00, and 164,000.00 of the other.
    let released = tx
        .payments()
        .release_surplus(
            invoices[0],
            "2026-02-01".parse().unwrap(),
            "sinov",
            contract.ctx.now(),
        )
        .await
        .unwrap();
    assert_eq!(
        released.iter().map(|release| release.amount).collect::<Vec<_>>(),
        [sum("120000.00"), sum("164000.00")]
    );
    assert_eq!(released[0].payment, newest);
    let free = tx.payments().free_of(contract.customer).await.unwrap();
    assert_eq!(
        Money::sum(free.iter().map(|money| money.free)).unwrap(),
        sum("284000.00")
    );
    let open = tx.invoices().open_of(contract.customer).await.unwrap();
    assert_eq!(open.len(), 1, "only the second month is open");
    assert!(tx.payments().allocations_of(newest).await.unwrap().is_empty());
    tx.save().await.unwrap();
    let after = store.invoice(invoices[0]).await.unwrap().unwrap();
    assert_eq!(
        (after.gross, after.due_gross, after.paid),
        (sum("1120000.00"), sum("336000.00"), sum("336000.00"))
    );
    assert_eq!(
        (after.due_net, after.due_vat, after.voided),
        (sum("300000.00"), sum("36000.00"), false)
    );
    // Money settled it on the day of the reduction; it was open, and cost its penalty, through the day before.
    assert_eq!(after.paid_on, Some("2026-02-01".parse().unwrap()));
    assert_eq!(after.open_through, Some("2026-01-31".parse().unwrap()));
}

#[tokio::test]
async fn a_void_invoice_that_was_never_paid_is_settled_and_has_no_day_of_payment() {
    let contract = contract().await;
    let store = &contract.ctx.store;
    let invoices = contract.issue_invoices().await;
    contract
        .pay("k1", "2026-01-20", "1.00", &[(invoices[0], "1.00")])
        .await;
    let mut tx = store.begin().await.unwrap();
    for invoice in &invoices {
        let whole = reduction(
            *invoice,
            "2026-02-10",
            "1000000.00",
            "120000.00",
            ReductionReason::Lapsed,
        );
        tx.invoices()
            .reduce(&whole, "sinov", contract.ctx.now())
            .await
            .unwrap();
        tx.payments()
            .release_surplus(
                *invoice,
                "2026-02-10".parse().unwrap(),
                "sinov",
                contract.ctx.now(),
            )
            .await
            .unwrap();
    }
    assert!(tx.invoices().open_of(contract.customer).await.unwrap().is_empty());
    tx.save().await.unwrap();
    for invoice in invoices {
        let void = store.invoice(invoice).await.unwrap().unwrap();
        assert_eq!(
            (void.voided, void.due_gross, void.paid),
            (true, Money::ZERO, Money::ZERO)
        );
        assert_eq!(
            (void.paid_on, void.open_through),
            (None, Some("2026-02-09".parse().unwrap()))
        );
    }
}

#[tokio::test]
async fn nothing_is_reduced_or_released_beyond_what_there_is_nor_changed_afterwards() {
    let contract = contract().await;
    let invoices = contract.issue_invoices().await;
    let payment = contract
        .pay("k1", "2026-01-20", "10.00", &[(invoices[0], "10.00")])
        .await;
    let at = contract.ctx.now();
    let mut tx = contract.ctx.store.begin().await.unwrap();
    let most = reduction(
        invoices[0],
        "2026-02-01",
        "1000000.00",
        "119999.99",
        ReductionReason::Terminated,
    );
    tx.invoices().reduce(&most, "sinov", at).await.unwrap();
    let release = Release {
        payment,
        invoice: invoices[0],
        released_on: "2026-02-01".parse().unwrap(),
        amount: sum("9.99"),
    };
    tx.payments().release(&release, "sinov", at).await.unwrap();
    tx.save().await.unwrap();

    let mut tx = contract.ctx.store.begin().await.unwrap();
    let more = reduction(
        invoices[0],
        "2026-02-01",
        "0.00",
        "0.02",
        ReductionReason::Terminated,
    );
    let refused = tx.invoices().reduce(&more, "sinov", at).await.unwrap_err();
    assert!(refused.is_constraint("reduction_within_invoice"), "{refused:?}");
    let mut tx = contract.ctx.store.begin().await.unwrap();
    let more = Release {
        amount: sum("0.02"),
        ..release
    };
    let refused = tx.payments().release(&more, "sinov", at).await.unwrap_err();
    assert!(refused.is_constraint("release_within_allocation"), "{refused:?}");
    for statement in [
        "update invoice_reductions set net = 0",
        "delete from allocation_releases",
        "truncate allocation_releases",
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&contract.ctx.database.pool())
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("append-only"),
            "{statement}: {refused}"
        );
    }
}

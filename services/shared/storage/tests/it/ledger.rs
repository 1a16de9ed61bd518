//! billing.md §1: the database itself refuses what must never be in the ledger, and balances are what their entries say.

use namoyish_domain::billing::ledger::{Account, Entry, Posting, PostingHead, PostingReason};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{CustomerId, PostingId};
use namoyish_domain::money::Money;
use namoyish_storage::DbError;
use namoyish_storage::ledger::LedgerInstant;
use namoyish_testkit::{TestContext, contracts};
use sqlx::Executor;

fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

async fn seeded() -> (TestContext, CustomerId) {
    let ctx = namoyish_testkit::context(1).await;
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    (ctx, customer)
}

fn payment(customer: CustomerId, posted_on: &str, amount: &str, key: &str) -> Posting {
    let head = PostingHead {
        posted_on: posted_on.parse().unwrap(),
        reason: PostingReason::Payment,
        document_ref: key.to_owned(),
        idempotency_key: key.to_owned(),
    };
    let entries = vec![
        Entry::debit(Account::Bank, sum(amount)),
        Entry::credit(Account::Advance(customer), sum(amount)),
    ];
    Posting::new(head, entries).unwrap()
}

async fn append(ctx: &TestContext, posting: &Posting) -> Result<(), DbError> {
    let mut tx = ctx.store.begin().await?;
    tx.ledger()
        .append(PostingId::from_uuid(ctx.uuid()), posting, ctx.now())
        .await?;
    tx.save().await
}

/// Runs statements in one transaction and tells the constraint that refused one of them or the commit.
async fn refusal_of(ctx: &TestContext, statements: &[&str]) -> String {
    let mut tx = ctx.database.pool().begin().await.unwrap();
    for sql in statements {
        if let Err(error) = tx.execute(sqlx::AssertSqlSafe((*sql).to_owned())).await {
            return constraint_of(error);
        }
    }
    match tx.commit().await {
        Ok(()) => "nothing".to_owned(),
        Err(error) => constraint_of(error),
    }
}

fn constraint_of(error: sqlx::Error) -> String {
    match DbError::from(error) {
        DbError::Constraint { constraint, .. } => constraint,
        other => other.to_string(),
    }
}

const POSTING: &str =
    "insert into postings (id, posted_on, recorded_at, reason, document_ref, idempotency_key)
    values ('00000000-0000-0000-0000-000000000001', '2026-11-01', now(), 'payment', 'x', 'x')";

fn entry(position: u32, account: &str, customer: &str, debit: &str, credit: &str) -> String {
    format!(
        "insert into entries (posting_id, position, account, customer_id, debit, credit)
         values ('00000000-0000-0000-0000-000000000001', {position}, '{account}', {customer}, {debit}, {credit})"
    )
}

#[tokio::test]
async fn postgresql_itself_refuses_an_unbalanced_posting() {
    let (ctx, _) = seeded().await;
    let bank = entry(1, "bank", "null", "100.00", "0");
    for (what, statements) in [
        (
            "sides differ",
            vec![POSTING, &bank, &entry(2, "revenue", "null", "0", "99.99")],
        ),
        ("one entry", vec![POSTING, &bank]),
        ("no entry", vec![POSTING]),
    ] {
        assert_eq!(refusal_of(&ctx, &statements).await, "posting_balances", "{what}");
    }
    let balanced = [POSTING, &bank, &entry(2, "revenue", "null", "0", "100.00")];
    assert_eq!(refusal_of(&ctx, &balanced).await, "nothing");
}

#[tokio::test]
async fn postgresql_itself_refuses_entries_that_are_none() {
    let (ctx, customer) = seeded().await;
    let customer = format!("'{}'", customer.uuid());
    for (constraint, wrong) in [
        ("one_side_only", entry(1, "bank", "null", "5.00", "5.00")),
        ("one_side_only", entry(1, "bank", "null", "0", "0")),
        ("entries_debit_check", entry(1, "bank", "null", "-5.00", "0")),
        (
            "entries_account_check",
            entry(1, "petty_cash", "null", "5.00", "0"),
        ),
        (
            "customer_accounts_name_their_customer",
            entry(1, "advance", "null", "5.00", "0"),
        ),
        (
            "customer_accounts_name_their_customer",
            entry(1, "bank", &customer, "5.00", "0"),
        ),
    ] {
        assert_eq!(refusal_of(&ctx, &[POSTING, &wrong]).await, constraint, "{wrong}");
    }
}

#[tokio::test]
async fn a_posting_takes_no_entries_after_its_commit() {
    let (ctx, customer) = seeded().await;
    append(&ctx, &payment(customer, "2026-11-01", "100.00", "p1"))
        .await
        .unwrap();
    let late = "insert into entries (posting_id, position, account, debit, credit)
        select id, 3, 'bank', 1.00, 0 from postings";
    assert_eq!(refusal_of(&ctx, &[late]).await, "posting_is_complete");
}

#[tokio::test]
async fn nothing_posted_or_issued_is_ever_changed_deleted_or_truncated() {
    let (ctx, customer) = seeded().await;
    append(&ctx, &payment(customer, "2026-11-01", "100.00", "p1"))
        .await
        .unwrap();
    for statement in [
        "update postings set reason = 'rendering'",
        "delete from postings",
        "truncate postings cascade",
        "update entries set debit = debit + 1 where debit > 0",
        "delete from entries",
        "truncate entries",
        "truncate documents cascade",
        "truncate document_lines",
        "truncate document_events",
        "truncate closed_periods",
    ] {
        assert_eq!(refusal_of(&ctx, &[statement]).await, "append_only", "{statement}");
    }
}

#[tokio::test]
async fn a_second_posting_with_the_same_key_is_refused() {
    let (ctx, customer) = seeded().await;
    let posting = payment(customer, "2026-11-01", "100.00", "p1");
    append(&ctx, &posting).await.unwrap();
    let refused = append(&ctx, &posting).await.unwrap_err();
    assert!(refused.is_constraint("posting_key_is_unique"), "{refused:?}");
    assert_eq!(ctx.store.balance(Account::Bank).await.unwrap(), sum("100.00"));
}

#[tokio::test]
async fn a_closed_period_takes_no_more_postings_and_is_never_opened_again() {
    let (ctx, customer) = seeded().await;
    let mut tx = ctx.store.begin().await.unwrap();
    let october = ReportingPeriod::parse("2026-10").unwrap();
    assert!(tx.periods().close(october, ctx.now()).await.unwrap());
    assert!(
        !tx.periods().close(october, ctx.now()).await.unwrap(),
        "closed twice"
    );
    tx.save().await.unwrap();
    let refused = append(&ctx, &payment(customer, "2026-10-31", "1.00", "p1"))
        .await
        .unwrap_err();
    assert!(refused.is_constraint("period_is_closed"), "{refused:?}");
    append(&ctx, &payment(customer, "2026-11-01", "1.00", "p2"))
        .await
        .unwrap();
    assert_eq!(
        refusal_of(&ctx, &["delete from closed_periods"]).await,
        "append_only"
    );
    assert_eq!(
        refusal_of(&ctx, &["update closed_periods set period = '2026-09-01'"]).await,
        "append_only"
    );
}

#[tokio::test]
async fn closing_waits_for_a_posting_that_is_under_way() {
    let (ctx, customer) = seeded().await;
    let october = ReportingPeriod::parse("2026-10").unwrap();
    let mut posting = ctx.store.begin().await.unwrap();
    let new = payment(customer, "2026-10-31", "1.00", "p1");
    posting
        .ledger()
        .append(PostingId::from_uuid(ctx.uuid()), &new, ctx.now())
        .await
        .unwrap();
    let closing = {
        let (store, now) = (ctx.store.clone(), ctx.now());
        tokio::spawn(async move {
            let mut tx = store.begin().await.unwrap();
            tx.periods().close(october, now).await.unwrap();
            tx.save().await.unwrap();
        })
    };
    let waits = "select exists (select 1 from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and l.locktype = 'advisory' and not l.granted)";
    loop {
        let waiting: bool = sqlx::query_scalar(waits)
            .fetch_one(&ctx.database.pool())
            .await
            .unwrap();
        assert!(
            !closing.is_finished(),
            "the period was closed over a posting that is under way"
        );
        if waiting {
            break;
        }
        tokio::task::yield_now().await;
    }
    posting.save().await.unwrap();
    closing.await.unwrap();
    let mut tx = ctx.store.begin().await.unwrap();
    assert!(tx.periods().is_closed(october).await.unwrap());
}

#[tokio::test]
async fn balances_are_told_now_and_at_any_past_instant() {
    let (ctx, customer) = seeded().await;
    let advance = Account::Advance(customer);
    append(&ctx, &payment(customer, "2026-10-20", "100.00", "p1"))
        .await
        .unwrap();
    let recorded_first = ctx.now();
    ctx.clock.advance_to(recorded_first + chrono::TimeDelta::hours(1));
    // Recorded later, with an earlier business date.
    append(&ctx, &payment(customer, "2026-10-10", "30.00", "p2"))
        .await
        .unwrap();
    let store = &ctx.store;
    assert_eq!(store.balance(advance).await.unwrap(), sum("130.00"));
    for (day, due) in [
        ("2026-10-09", "0.00"),
        ("2026-10-10", "30.00"),
        ("2026-10-19", "30.00"),
        ("2026-10-20", "130.00"),
    ] {
        let instant = LedgerInstant::business_day(day.parse().unwrap());
        assert_eq!(
            store.balance_at(advance, instant).await.unwrap(),
            sum(due),
            "{day}"
        );
        assert_eq!(
            store.balance_at(Account::Bank, instant).await.unwrap(),
            sum(due),
            "{day}"
        );
    }
    let as_it_was_known = LedgerInstant::recorded(recorded_first);
    assert_eq!(
        store.balance_at(advance, as_it_was_known).await.unwrap(),
        sum("100.00")
    );
    let trial = store
        .trial_balance(LedgerInstant::business_day("2026-12-31".parse().unwrap()))
        .await
        .unwrap();
    let told: Vec<(String, Money, Money)> = trial
        .into_iter()
        .map(|row| (row.account, row.debit, row.credit))
        .collect();
    let due = [
        ("advance".to_owned(), Money::ZERO, sum("130.00")),
        ("bank".to_owned(), sum("130.00"), Money::ZERO),
    ];
    assert_eq!(told, due);
}

#[tokio::test]
async fn a_reversal_brings_every_balance_back() {
    let (ctx, customer) = seeded().await;
    let posting = payment(customer, "2026-11-01", "100.00", "p1");
    append(&ctx, &posting).await.unwrap();
    append(&ctx, &posting.reversal("2026-11-02".parse().unwrap(), "pst_1"))
        .await
        .unwrap();
    assert_eq!(ctx.store.balance(Account::Bank).await.unwrap(), Money::ZERO);
    assert_eq!(
        ctx.store.balances_of(customer).await.unwrap().advance,
        Money::ZERO
    );
}

#[tokio::test]
async fn a_kept_balance_that_isnt_the_sum_of_its_entries_is_found() {
    let (ctx, customer) = seeded().await;
    append(&ctx, &payment(customer, "2026-11-01", "100.00", "p1"))
        .await
        .unwrap();
    assert!(ctx.store.check_ledger().await.unwrap().is_sound());
    let tampered = "update account_balances set balance = balance + 0.01 where account = 'bank'";
    assert_eq!(refusal_of(&ctx, &[tampered]).await, "nothing");
    let check = ctx.store.check_ledger().await.unwrap();
    assert!(check.imbalance.is_zero());
    assert_eq!(check.differences.len(), 1);
    assert_eq!(
        (check.differences[0].kept, check.differences[0].summed),
        (sum("100.01"), sum("100.00"))
    );
}

#[tokio::test]
async fn postings_of_many_at_once_lose_no_tiyin() {
    let (ctx, customer) = seeded().await;
    let other = contracts::customer(&ctx, "bek", 2).await;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..24u32 {
        let (store, id, now) = (ctx.store.clone(), PostingId::from_uuid(ctx.uuid()), ctx.now());
        let posting = payment(
            if n % 2 == 0 { customer } else { other },
            "2026-11-01",
            "0.01",
            &format!("p{n}"),
        );
        running.spawn(async move {
            let mut tx = store.begin().await.unwrap();
            tx.ledger().append(id, &posting, now).await.unwrap();
            tx.save().await.unwrap();
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    assert_eq!(ctx.store.balance(Account::Bank).await.unwrap(), sum("0.24"));
    assert!(ctx.store.check_ledger().await.unwrap().is_sound());
}

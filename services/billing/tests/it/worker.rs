//! The worker itself: what is due, when it is tried again, how it ends.

use crate::fixture::{Worker, operator_at, period, period_line, sign, tashkent, vat};
use namoyish_billing::BillingSettings;
use namoyish_billing::worker::{periods_to_close, run};
use namoyish_domain::orders::order_blank::BlankState;
use namoyish_runtime::shutdown::Shutdown;
use namoyish_testkit::contracts;
use std::time::Duration;

#[tokio::test]
async fn periods_are_due_from_the_first_posting_or_service_up_to_the_last_one_that_is_over() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let settings = BillingSettings::default();
    let due = async || {
        let periods = periods_to_close(&ctx, &settings).await.unwrap();
        periods.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        due().await,
        Vec::<String>::new(),
        "nothing was ever signed or posted"
    );
    let customer = contracts::customer(&ctx, "osh", 1).await;
    sign(
        &ctx,
        customer,
        "OB-1",
        vat(),
        vec![period_line("OB-1/1", "2026-11-01", "2026-11-30", None)],
    )
    .await;
    ctx.clock.advance_to(tashkent("2027-01-01T00:19:00"));
    assert_eq!(due().await, ["2026-11"], "December's close time hasn't come");
    ctx.clock.advance_to(tashkent("2027-01-01T00:20:00"));
    assert_eq!(due().await, ["2026-11", "2026-12"]);
    Worker::new().tick(&ctx).await;
    assert_eq!(due().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_failed_close_is_told_and_tried_again_after_a_while() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let worker = Worker::new();
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let lines = vec![period_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        Some("2026-10-20"),
    )];
    sign(&ctx, customer, "OB-1", vat(), lines).await;
    let pool = ctx.database.pool();
    sqlx::query("update customers set email = 'broken'")
        .execute(&pool)
        .await
        .unwrap();
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:00"));
    let report = worker.tick(&ctx).await;
    assert_eq!(
        report.first_failure().map(|(job, error)| (job, error.code())),
        Some(("close_period", "customers_failed"))
    );
    let run = ctx
        .store
        .job_run("close_period", "2026-11")
        .await
        .unwrap()
        .unwrap();
    assert!(run.finished_at.is_none() && run.error.is_some_and(|error| error.contains("1 customers")));

    sqlx::query("update customers set email = 'osh@example.uz'")
        .execute(&pool)
        .await
        .unwrap();
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:29"));
    worker.tick(&ctx).await;
    assert_eq!(
        ctx.store.last_closed_period().await.unwrap(),
        None,
        "tried again too early"
    );
    ctx.clock.advance_to(tashkent("2026-12-01T00:20:30"));
    worker.tick(&ctx).await;
    assert_eq!(
        ctx.store.last_closed_period().await.unwrap(),
        Some(period("2026-11"))
    );
    let run = ctx
        .store
        .job_run("close_period", "2026-11")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (run.attempts, run.error, run.finished_at),
        (2, None, Some(ctx.now()))
    );
}

#[tokio::test]
async fn the_worker_follows_a_change_without_waiting_for_its_timer_and_ends_when_told() {
    let ctx = operator_at("2026-11-02T10:00:00", true).await;
    let worker = Worker::new();
    let settings = BillingSettings {
        tick_every: Duration::from_secs(3600),
        ..worker.settings.clone()
    };
    let shutdown = Shutdown::new();
    let working = tokio::spawn({
        let (context, mailer, shutdown) = (ctx.context.clone(), worker.mailer.clone(), shutdown.clone());
        async move { run(&context, &settings, &mailer, &shutdown).await }
    });
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let lines = vec![period_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        Some("2026-10-20"),
    )];
    let (blank, _) = sign(&ctx, customer, "OB-1", vat(), lines).await;
    let patience = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            // As every command does that changes what may run; the worker may not listen yet at the first one.
            let mut tx = ctx.store.begin().await.unwrap();
            tx.bump_snapshot().await.unwrap();
            let state = tx.order_blanks().find(blank).await.unwrap().unwrap().state;
            tx.save().await.unwrap();
            if state == BlankState::InService {
                break;
            }
            tokio::task::yield_now().await;
        }
    });
    patience.await.expect("the worker moves the blank into service");
    shutdown.begin();
    working.await.unwrap();
}

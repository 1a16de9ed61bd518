//! What the calendar moves: states of order blanks, ends of extra periods.

use crate::fixture::{Worker, count, media_line, operator_at, period_line, sign, sum, tashkent, vat};
use namoyish_billing::jobs::move_by_calendar;
use namoyish_domain::delivery::extra_period::{ExtraPeriod, ExtraPeriodEnd};
use namoyish_domain::ids::{ExtraPeriodId, LineId, OrderBlankId};
use namoyish_domain::orders::order_blank::BlankState;
use namoyish_testkit::{TestContext, contracts};

async fn state(ctx: &TestContext, blank: OrderBlankId) -> BlankState {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.order_blanks().find(blank).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_blank_enters_service_on_its_first_day_and_completes_after_its_last() {
    let ctx = operator_at("2026-10-20T10:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let worker = Worker::new();
    let lines = vec![period_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        Some("2026-10-20"),
    )];
    let (blank, _) = sign(&ctx, customer, "OB-1", vat(), lines).await;
    let waiting = vec![period_line("OB-2/1", "2026-11-01", "2026-11-30", None)];
    let (waiting, _) = sign(&ctx, customer, "OB-2", vat(), waiting).await;
    for (until, due) in [
        ("2026-10-31T23:59:00", BlankState::Signed),
        ("2026-11-01T00:00:00", BlankState::InService),
        ("2026-11-30T23:59:00", BlankState::InService),
        ("2026-12-01T00:00:00", BlankState::Completed),
    ] {
        worker.advance(&ctx, until).await;
        assert_eq!(state(&ctx, blank).await, due, "{until}");
    }
    assert_eq!(
        state(&ctx, waiting).await,
        BlankState::InService,
        "its material is still to come"
    );
}

async fn extra_period(ctx: &TestContext, line: LineId) {
    let set = ExtraPeriod {
        id: ExtraPeriodId::from_uuid(ctx.uuid()),
        first_day: "2026-11-11".parse().unwrap(),
        last_day: "2026-11-15".parse().unwrap(),
        extra_budget: sum("150.00"),
    };
    let mut tx = ctx.store.begin().await.unwrap();
    tx.extra_periods()
        .insert(line, &set, ctx.now(), "sinov")
        .await
        .unwrap();
    tx.save().await.unwrap();
}

async fn end_of(ctx: &TestContext, line: LineId) -> Option<(ExtraPeriodEnd, String)> {
    let mut tx = ctx.store.begin().await.unwrap();
    let records = tx.extra_periods().of_line(line).await.unwrap();
    records[0]
        .ended
        .map(|(end, _, on)| (end, on.map(|day| day.to_string()).unwrap_or_default()))
}

#[tokio::test]
async fn an_extra_period_expires_after_its_last_day() {
    let ctx = operator_at("2026-11-11T09:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let lines = vec![media_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        "12000.00",
        "300.00",
    )];
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), lines).await;
    extra_period(&ctx, lines[0]).await;
    ctx.clock.advance_to(tashkent("2026-11-15T23:59:59"));
    move_by_calendar::run(&ctx).await.unwrap();
    assert_eq!(end_of(&ctx, lines[0]).await, None);
    let version = ctx.store.snapshot_version().await.unwrap();
    ctx.clock.advance_to(tashkent("2026-11-16T00:00:00"));
    move_by_calendar::run(&ctx).await.unwrap();
    assert_eq!(
        end_of(&ctx, lines[0]).await,
        Some((ExtraPeriodEnd::Expired, "2026-11-15".to_owned()))
    );
    assert!(
        ctx.store.snapshot_version().await.unwrap() > version,
        "the ad servers are told"
    );
    let mut tx = ctx.store.begin().await.unwrap();
    let changes = tx.order_lines().changes(lines[0], 0, 10).await.unwrap();
    assert_eq!(
        changes
            .iter()
            .map(|change| change.kind.as_str())
            .collect::<Vec<_>>(),
        ["extra_period_ended"]
    );
}

#[tokio::test]
async fn an_extra_period_is_exhausted_when_the_whole_budget_is_spent() {
    let ctx = operator_at("2026-11-11T09:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    // 300.00 pays for 25 impressions.
    let lines = vec![media_line(
        "OB-1/1",
        "2026-11-01",
        "2026-11-30",
        "12000.00",
        "300.00",
    )];
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), lines).await;
    extra_period(&ctx, lines[0]).await;
    count(&ctx, lines[0], "2026-11-11", 24).await;
    ctx.clock.advance_to(tashkent("2026-11-12T10:00:00"));
    move_by_calendar::run(&ctx).await.unwrap();
    assert_eq!(end_of(&ctx, lines[0]).await, None);
    count(&ctx, lines[0], "2026-11-12", 1).await;
    move_by_calendar::run(&ctx).await.unwrap();
    assert_eq!(
        end_of(&ctx, lines[0]).await,
        Some((ExtraPeriodEnd::Exhausted, "2026-11-12".to_owned()))
    );
}

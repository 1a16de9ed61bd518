//! Day plans from the state alone (delivery.md §5).

use crate::fixture::{count, media_line, operator_at, sign, tashkent, vat};
use namoyish_billing::jobs::replan_day;
use namoyish_domain::delivery::extra_period::{ExtraPeriod, switch_off};
use namoyish_domain::delivery::pacing::TrafficCurve;
use namoyish_domain::ids::{ExtraPeriodId, LineId, PlacementId};
use namoyish_domain::money::Money;
use namoyish_runtime::context::Context;
use namoyish_storage::plans::StoredPlan;
use namoyish_storage::runnable::TrafficSeen;
use namoyish_testkit::{TestContext, contracts};
use uuid::Uuid;

/// The book's example: 300,000 in June at 12,000 per thousand.
async fn june() -> (TestContext, LineId) {
    let ctx = operator_at("2026-06-01T00:00:00", true).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let line = media_line("OB-1/1", "2026-06-01", "2026-06-30", "12000.00", "300000.00");
    let (_, lines) = sign(&ctx, customer, "OB-1", vat(), vec![line]).await;
    (ctx, lines[0])
}

async fn replan(ctx: &Context, at: &str) -> (u64, u64) {
    ctx.clock.advance_to(tashkent(at));
    let summary = replan_day::run(ctx).await.unwrap();
    (summary.done, summary.skipped)
}

async fn plan(ctx: &Context, line: LineId, day: &str) -> StoredPlan {
    let mut tx = ctx.store.begin().await.unwrap();
    tx.plans()
        .latest(day.parse().unwrap(), &[line])
        .await
        .unwrap()
        .remove(&line)
        .unwrap()
}

async fn target(ctx: &Context, line: LineId, day: &str) -> String {
    plan(ctx, line, day)
        .await
        .plan
        .target
        .round_half_up()
        .unwrap()
        .to_string()
}

async fn set_extra(ctx: &Context, line: LineId, first: &str, last: &str, sum: &str) -> ExtraPeriod {
    let period = ExtraPeriod {
        id: ExtraPeriodId::from_uuid(ctx.uuid()),
        first_day: first.parse().unwrap(),
        last_day: last.parse().unwrap(),
        extra_budget: Money::parse(sum).unwrap(),
    };
    let mut tx = ctx.store.begin().await.unwrap();
    tx.extra_periods()
        .insert(line, &period, ctx.now(), "osh")
        .await
        .unwrap();
    tx.save().await.unwrap();
    period
}

#[tokio::test]
async fn a_run_that_changes_nothing_writes_nothing() {
    let (ctx, line) = june().await;
    assert_eq!(replan(&ctx, "2026-06-01T00:00:00").await, (1, 0));
    let version = ctx.store.snapshot_version().await.unwrap();
    assert_eq!(replan(&ctx, "2026-06-01T00:05:00").await, (0, 1));
    assert_eq!(ctx.store.snapshot_version().await.unwrap(), version);
    let first = plan(&ctx, line, "2026-06-01").await;
    assert_eq!(
        (first.version, first.plan.quota, first.plan.cap),
        (1, 833, 25_000)
    );
}

#[tokio::test]
async fn late_impressions_of_yesterday_plan_today_again_from_its_start() {
    let (ctx, line) = june().await;
    replan(&ctx, "2026-06-01T00:00:00").await;
    count(&ctx, line, "2026-06-01", 500).await;
    replan(&ctx, "2026-06-02T00:00:00").await;
    assert_eq!(target(&ctx, line, "2026-06-02").await, "10137.93"); // 294,000 / 29
    count(&ctx, line, "2026-06-01", 250).await;
    assert_eq!(replan(&ctx, "2026-06-02T00:10:00").await, (1, 0));
    let second = plan(&ctx, line, "2026-06-02").await;
    assert_eq!(second.version, 2);
    assert_eq!(second.plan.base_at, tashkent("2026-06-02T00:00:00"));
    assert_eq!(target(&ctx, line, "2026-06-02").await, "10034.48"); // 291,000 / 29
    // What is counted today changes no plan of today.
    count(&ctx, line, "2026-06-02", 100).await;
    assert_eq!(replan(&ctx, "2026-06-02T15:00:00").await, (0, 1));
}

#[tokio::test]
async fn an_extra_period_plans_from_its_instant_and_back_again() {
    let (ctx, line) = june().await;
    count(&ctx, line, "2026-06-01", 8_000).await; // 96,000
    replan(&ctx, "2026-06-11T00:00:00").await;
    assert_eq!(target(&ctx, line, "2026-06-11").await, "10200.00");
    count(&ctx, line, "2026-06-11", 500).await; // 6,000 at noon
    ctx.clock.advance_to(tashkent("2026-06-11T18:02:00"));
    let period = set_extra(&ctx, line, "2026-06-11", "2026-06-15", "150000.00").await;
    assert_eq!(replan(&ctx, "2026-06-11T18:02:01").await, (1, 0));
    let inside = plan(&ctx, line, "2026-06-11").await;
    assert_eq!(inside.plan.base_at, tashkent("2026-06-11T18:00:00"));
    assert_eq!(inside.plan.extra_period, Some(period.id));
    // 6,000 + (150,000 − 6,000) × 0.25 / 4.25: the extra period has the whole of its first day.
    assert_eq!(target(&ctx, line, "2026-06-11").await, "14470.59");
    replan(&ctx, "2026-06-12T00:00:00").await;
    assert_eq!(target(&ctx, line, "2026-06-12").await, "36000.00"); // 144,000 / 4
    let mut tx = ctx.store.begin().await.unwrap();
    ctx.clock.advance_to(tashkent("2026-06-12T12:00:00"));
    tx.extra_periods()
        .end(&switch_off(Some(period), ctx.now()).unwrap())
        .await
        .unwrap();
    tx.save().await.unwrap();
    assert_eq!(replan(&ctx, "2026-06-12T12:00:00").await, (1, 0));
    let off = plan(&ctx, line, "2026-06-12").await;
    assert_eq!(
        (off.plan.extra_period, off.plan.base_at),
        (None, tashkent("2026-06-12T12:00:00"))
    );
    assert_eq!(target(&ctx, line, "2026-06-12").await, "5351.35"); // 198,000 × 0.5 / 18.5
    replan(&ctx, "2026-06-13T00:00:00").await;
    assert_eq!(target(&ctx, line, "2026-06-13").await, "11000.00"); // 198,000 / 18
}

#[tokio::test]
async fn an_extra_period_set_for_a_later_day_changes_nothing_before_it() {
    let (ctx, line) = june().await;
    replan(&ctx, "2026-06-11T00:00:00").await;
    ctx.clock.advance_to(tashkent("2026-06-11T10:00:00"));
    set_extra(&ctx, line, "2026-06-20", "2026-06-21", "150000.00").await;
    assert_eq!(replan(&ctx, "2026-06-11T10:00:00").await, (0, 1));
    replan(&ctx, "2026-06-20T00:00:00").await;
    assert_eq!(target(&ctx, line, "2026-06-20").await, "75000.00");
}

#[tokio::test]
async fn in_its_last_hour_a_day_plans_the_next_one_as_if_it_will_be_met() {
    let (ctx, line) = june().await;
    replan(&ctx, "2026-06-01T00:00:00").await;
    count(&ctx, line, "2026-06-01", 800).await;
    assert_eq!(replan(&ctx, "2026-06-01T23:00:00").await, (1, 1));
    assert_eq!(target(&ctx, line, "2026-06-02").await, "10000.14"); // (300,000 − 833 × 12) / 29
    // It was not met: the day's own plan knows better.
    assert_eq!(replan(&ctx, "2026-06-02T00:00:00").await, (1, 0));
    assert_eq!(target(&ctx, line, "2026-06-02").await, "10013.79"); // 290,400 / 29
}

#[tokio::test]
async fn the_curve_is_learned_from_two_weeks_of_the_lines_own_traffic() {
    let (ctx, line) = june().await;
    let (here, elsewhere) = (Uuid::from_u128(101), Uuid::from_u128(102));
    let pool = ctx.database.pool();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "insert into apps values ('{here}', 'web', 'Web', false, 'k');
         insert into placements (id, code, app_id, name_uz, name_ru, name_en, kind)
           values ('{here}', 'a', '{here}', 'u', 'r', 'e', 'text'), ('{elsewhere}', 'b', '{here}', 'u', 'r', 'e', 'text');
         -- The fixture's line is signed and has no placement yet: it is given one behind the amendment's back.
         alter table line_placements disable trigger user;
         insert into line_placements values ('{line}', '{here}');
         alter table line_placements enable trigger user",
        line = line.uuid(),
    )))
    .execute(&pool)
    .await
    .unwrap();
    replan(&ctx, "2026-06-01T00:00:00").await;
    assert_eq!(
        plan(&ctx, line, "2026-06-01").await.plan.curve,
        TrafficCurve::FLAT
    );
    let mut seen = Vec::new();
    for hour in 0..20 * 24 {
        let at = tashkent("2026-06-01T00:00:00") + chrono::TimeDelta::hours(hour);
        // The line's placement lives in the evening; another one, at night.
        let (evening, night) = if hour % 24 >= 18 { (1_000, 1) } else { (10, 5_000) };
        for (placement, requests) in [(here, evening), (elsewhere, night)] {
            let placement = PlacementId::from_uuid(placement);
            seen.push(TrafficSeen {
                placement,
                region: None,
                hour: at,
                requests,
            });
        }
    }
    let mut tx = ctx.store.begin().await.unwrap();
    tx.node_reports().add_traffic(&seen).await.unwrap();
    tx.save().await.unwrap();
    replan(&ctx, "2026-06-21T00:00:00").await;
    let curve = plan(&ctx, line, "2026-06-21").await.plan.curve;
    assert!(curve.weights()[20] > 90 * curve.weights()[3], "{curve:?}");
    // A day's own traffic doesn't change its curve.
    let mut tx = ctx.store.begin().await.unwrap();
    let placement = PlacementId::from_uuid(here);
    let today = TrafficSeen {
        placement,
        region: None,
        hour: ctx.now(),
        requests: 1_000_000,
    };
    tx.node_reports().add_traffic(&[today]).await.unwrap();
    tx.save().await.unwrap();
    assert_eq!(replan(&ctx, "2026-06-21T12:00:00").await, (0, 1));
}

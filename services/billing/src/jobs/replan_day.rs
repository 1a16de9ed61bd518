//! Day plans: what each media line may spend today, planned again whenever what it is made from has changed.
//!
//! Rule: delivery.md §5 (`domain::delivery::pacing`). Runs at 00:00, 00:05 … 00:20 Tashkent, when the last impressions of
//! yesterday come in, and after every change; more often does no harm. The plan is recomputed from the state alone and a
//! new version is written only where it differs, so a run that changes nothing writes nothing.
//!
//! A change during the day re-plans from its own instant on: a budget change, an extra period set or switched off.
//! **Choice:** a payment that lets a line run that was not paid is no such change: its money and its days are the same,
//! and what the morning missed is due the same day.
//!
//! In the last hour of a day the next day is planned as well, as if today's plan will be met: nodes then go over midnight
//! without a gap, also when this worker or the database is away at that moment.
//!
//! Not here: extra periods that run out (`move_by_calendar`), what runs at all (`orders::runnable`): a line that is not
//! paid has a plan too, and no impressions.

use super::{JobError, Summary};
use chrono::{NaiveDate, Timelike};
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, plus_days, tashkent_time};
use namoyish_domain::delivery::pacing::{ActiveExtraPeriod, PlanInputs, TrafficCurve, base_of, plan_day};
use namoyish_domain::ids::LineId;
use namoyish_domain::orders::order_blank::BudgetMode;
use namoyish_domain::orders::placement::RegionCode;
use namoyish_runtime::context::Context;
use namoyish_storage::plans::{LineToPlan, StoredPlan};
use std::collections::HashMap;

/// The job's name in `job_runs`.
pub const NAME: &str = "replan_day";
/// Changes of a line that re-plan its day at once; extra periods are read from their own table.
const REPLANNING_CHANGES: &[&str] = &["budget_increased", "budget_decreased"];
/// From this hour on the next day is planned too.
const NEXT_DAY_FROM_HOUR: u32 = 23;
/// Plans in a transaction.
const BATCH: usize = 1000;

/// Plans today, and in its last hour tomorrow. `done` counts new versions, `skipped` plans that are as they were.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let now = ctx.now();
    let today = ctx.today();
    let mut summary = Summary::default();
    let planned = plan_lines(ctx, today, None, &mut summary).await?;
    if tashkent_time(now).hour() >= NEXT_DAY_FROM_HOUR {
        plan_lines(ctx, plus_days(today, 1), Some(&planned), &mut summary).await?;
    }
    Ok(summary)
}

/// What a plan expects of its day, for the plan of the next one.
struct Planned {
    quota: u64,
    counted_before_day: u64,
}

async fn plan_lines(
    ctx: &Context,
    day: NaiveDate,
    today: Option<&HashMap<LineId, Planned>>,
    summary: &mut Summary,
) -> Result<HashMap<LineId, Planned>, JobError> {
    let now = ctx.now();
    // Load, in one view.
    let mut view = ctx.store.begin_view().await?;
    let lines = view.plans().lines_to_plan(day, REPLANNING_CHANGES).await?;
    let bases: Vec<(LineId, Timestamp)> = lines
        .iter()
        .map(|line| (line.line, base_of(day, line.last_change)))
        .collect();
    let counted = view.plans().counted_before_base(day, &bases).await?;
    let ids: Vec<LineId> = lines.iter().map(|line| line.line).collect();
    let latest = view.plans().latest(day, &ids).await?;
    let mut placements: Vec<_> = lines
        .iter()
        .flat_map(|line| line.placements.iter().copied())
        .collect();
    placements.sort_unstable();
    placements.dedup();
    let traffic = view.plans().traffic(day, &placements).await?;
    drop(view);

    // Decide.
    let mut curves: HashMap<(&[_], &[RegionCode]), TrafficCurve> = HashMap::new();
    let mut planned = HashMap::new();
    let mut new = Vec::new();
    for (line, (_, base_at)) in lines.iter().zip(&bases) {
        let curve = *curves
            .entry((&line.placements, &line.regions))
            .or_insert_with(|| traffic.of(&line.placements, &line.regions).curve_of(day));
        let inputs = PlanInputs {
            day,
            base_at: *base_at,
            term: line.term,
            budget: line.budget,
            price: line.price,
            counted_before_day: line.counted_before_day,
            counted_before_base: counted.get(&line.line).copied().unwrap_or(0),
            extra_period: line
                .extra_period
                .map(|(period, counted_before_day)| ActiveExtraPeriod {
                    id: period.id,
                    last_day: period.last_day,
                    extra_budget: period.extra_budget.exact(),
                    counted_before_day,
                }),
            curve,
        };
        let inputs = match today.and_then(|today| today.get(&line.line)) {
            Some(today) => as_if_met(inputs, line, today),
            None => inputs,
        };
        let plan =
            plan_day(&inputs).map_err(|refused| JobError::Plans(format!("line {}: {refused}", line.line)))?;
        planned.insert(
            line.line,
            Planned {
                quota: plan.quota,
                counted_before_day: inputs.counted_before_day,
            },
        );
        let before = latest.get(&line.line);
        if before.is_some_and(|before| before.plan == plan) {
            summary.skipped += 1;
        } else {
            let version = before.map_or(1, |before| before.version + 1);
            new.push(StoredPlan {
                line: line.line,
                version,
                plan,
            });
        }
    }

    // Commit.
    for batch in new.chunks(BATCH) {
        let mut tx = ctx.store.begin().await?;
        let written = tx.plans().insert_all(day, batch, now).await?;
        if written > 0 {
            tx.bump_snapshot().await?;
        }
        tx.save().await?;
        summary.done += written;
    }
    Ok(planned)
}

/// The next day's inputs as if today's plan will be met: what is still to be counted today counts already.
fn as_if_met(inputs: PlanInputs, line: &LineToPlan, today: &Planned) -> PlanInputs {
    let is_new_month =
        line.budget.mode == BudgetMode::Monthly && ReportingPeriod::of(inputs.day).first_day() == inputs.day;
    let counted_today = line.counted_before_day.saturating_sub(today.counted_before_day);
    let to_come = today.quota.saturating_sub(counted_today);
    PlanInputs {
        counted_before_day: if is_new_month {
            inputs.counted_before_day
        } else {
            inputs.counted_before_day + to_come
        },
        // One that begins on the day has nothing counted before it.
        extra_period: inputs.extra_period.map(|extra| match line.extra_period {
            Some((period, _)) if period.first_day < inputs.day => ActiveExtraPeriod {
                counted_before_day: extra.counted_before_day + to_come,
                ..extra
            },
            _ => extra,
        }),
        ..inputs
    }
}

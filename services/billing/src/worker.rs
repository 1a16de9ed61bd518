//! What is due, and doing it.
//!
//! [`tick`] does everything that is due now, in this order: what the calendar moves and the day plans; penalties (once a
//! day), closing of every period that is over, settlements, refunds and reconciliation acts, acceptance, the export of VAT invoices, the checks of the ledger and of the counts (once a day); mail. A failed job doesn't
//! hold up the next one: it is tried again after a time that doubles with each attempt, and its failure is in `job_runs`,
//! the log and a metric.
//!
//! [`run`] does the same in three loops side by side, because they may not wait for each other: plans must follow a change
//! within seconds while ten thousand customers are closed, and a mail server that doesn't answer must hold up neither.
//!
//! Within a day the instants that matter are those of [`instants_of`]; between them a tick finds nothing new but changes of
//! plans, spent budgets and mail to try again.

use crate::jobs::{
    JobError, Summary, accept_documents, accrue_penalties, check_ledger, close_period, compare_counts,
    documents_overdue, export_vat_invoices, fix_refunds, lapse_increases, licence_expiry, move_by_calendar,
    reconciliation_acts, replan_day, send_mail, settle_contracts, watch_refunds,
};
use crate::settings::BillingSettings;
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, day_start};
use namoyish_runtime::context::Context;
use namoyish_runtime::mail::Mailer;
use namoyish_runtime::shutdown::Shutdown;
use namoyish_storage::{ChangeListener, DbError};
use std::future::Future;
use std::time::{Duration, Instant};

const FIRST_RETRY: TimeDelta = TimeDelta::seconds(30);
const LONGEST_RETRY: TimeDelta = TimeDelta::hours(1);
/// Periods that one tick may close: ten years of standstill.
const PERIODS_MAX: usize = 120;
/// Time between a change and the tick for it, so that a burst of changes makes few ticks.
const QUIET: Duration = Duration::from_millis(200);

/// A job's run in a tick.
#[derive(Debug)]
pub struct JobReport {
    /// Name of the job.
    pub name: &'static str,
    /// A day, a period, or empty for jobs that look at the state at each tick.
    pub key: String,
    /// What came of it.
    pub result: Result<Summary, JobError>,
}

/// The runs of a tick, in their order. Jobs that aren't due aren't in it.
#[derive(Debug, Default)]
pub struct TickReport {
    /// The runs.
    pub runs: Vec<JobReport>,
}

impl TickReport {
    /// The first failure, if a job failed.
    pub fn first_failure(&self) -> Option<(&'static str, &JobError)> {
        self.runs
            .iter()
            .find_map(|run| run.result.as_ref().err().map(|error| (run.name, error)))
    }
}

/// Does whatever is due now. Fails only when not even the list of what is due can be read.
pub async fn tick(ctx: &Context, settings: &BillingSettings, mailer: &Mailer) -> Result<TickReport, DbError> {
    let mut report = TickReport::default();
    plans(ctx, &mut report).await;
    books(ctx, settings, &mut report).await?;
    mail(ctx, settings, mailer, &mut report).await;
    Ok(report)
}

async fn plans(ctx: &Context, report: &mut TickReport) {
    every_time(report, move_by_calendar::NAME, move_by_calendar::run(ctx)).await;
    every_time(report, lapse_increases::NAME, lapse_increases::run(ctx)).await;
    every_time(report, documents_overdue::NAME, documents_overdue::run(ctx)).await;
    every_time(report, licence_expiry::NAME, licence_expiry::run(ctx)).await;
    every_time(report, replan_day::NAME, replan_day::run(ctx)).await;
}

async fn books(ctx: &Context, settings: &BillingSettings, report: &mut TickReport) -> Result<(), DbError> {
    let today = ctx.today().to_string();
    once(
        ctx,
        report,
        accrue_penalties::NAME,
        &today,
        accrue_penalties::run(ctx),
    )
    .await?;
    for period in periods_to_close(ctx, settings).await? {
        let run = close_period::run(ctx, settings, period);
        // Periods are closed in their order: a later one waits for the earlier.
        if !once(ctx, report, close_period::NAME, &period.to_string(), run).await? {
            break;
        }
    }
    settle(ctx, settings, report, &today).await?;
    every_time(report, accept_documents::NAME, accept_documents::run(ctx)).await;
    let export = export_vat_invoices::run(ctx, settings);
    once(ctx, report, export_vat_invoices::NAME, &today, export).await?;
    once(ctx, report, check_ledger::NAME, &today, check_ledger::run(ctx)).await?;
    // At the close time the last impressions of yesterday have come in.
    if ctx.now() >= day_start(ctx.today()) + (settings.close_time - NaiveTime::MIN) {
        once(
            ctx,
            report,
            compare_counts::NAME,
            &today,
            compare_counts::run(ctx),
        )
        .await?;
    }
    Ok(())
}

/// What follows a contract's end and a quarter's: settlements before the refunds that wait for them, and acts of both.
async fn settle(
    ctx: &Context,
    settings: &BillingSettings,
    report: &mut TickReport,
    today: &str,
) -> Result<(), DbError> {
    every_time(
        report,
        settle_contracts::NAME,
        settle_contracts::run(ctx, settings),
    )
    .await;
    every_time(report, fix_refunds::NAME, fix_refunds::run(ctx)).await;
    for quarter in reconciliation_acts::quarters_due(ctx).await? {
        let key = quarter.to_string();
        let run = reconciliation_acts::run_quarter(ctx, quarter);
        once(ctx, report, reconciliation_acts::NAME, &key, run).await?;
    }
    every_time(
        report,
        reconciliation_acts::NAME,
        reconciliation_acts::run_ends(ctx),
    )
    .await;
    let remind = reconciliation_acts::remind(ctx);
    once(ctx, report, reconciliation_acts::REMIND_NAME, today, remind).await?;
    once(ctx, report, watch_refunds::NAME, today, watch_refunds::run(ctx)).await?;
    Ok(())
}

async fn mail(ctx: &Context, settings: &BillingSettings, mailer: &Mailer, report: &mut TickReport) {
    every_time(report, send_mail::NAME, send_mail::run(ctx, settings, mailer)).await;
}

/// The instants of a Tashkent day at which something may become due: its start, every five minutes of its first twenty (the
/// last impressions of the day before), and the close time.
pub fn instants_of(settings: &BillingSettings, day: NaiveDate) -> Vec<Timestamp> {
    let start = day_start(day);
    let close = start + (settings.close_time - NaiveTime::MIN);
    let mut instants: Vec<Timestamp> = (0..=4)
        .map(|n| start + TimeDelta::minutes(5 * n))
        .chain([close])
        .collect();
    instants.sort();
    instants.dedup();
    instants
}

/// Periods that are over, may be closed by now and aren't, oldest first.
pub async fn periods_to_close(
    ctx: &Context,
    settings: &BillingSettings,
) -> Result<Vec<ReportingPeriod>, DbError> {
    let first = match ctx.store.last_closed_period().await? {
        Some(closed) => Some(closed.next()),
        None => {
            let posted = ctx.store.first_posted_on().await?;
            let served = ctx.store.first_service_day().await?;
            posted.into_iter().chain(served).min().map(ReportingPeriod::of)
        }
    };
    let now = ctx.now();
    let last = ReportingPeriod::of(ctx.today()).previous();
    let due = first.into_iter().flat_map(|first| first.through(last));
    Ok(due
        .take_while(|period| settings.closes_from(*period) <= now)
        .take(PERIODS_MAX)
        .collect())
}

/// A job that looks at the state at each tick; it is told of only when it did something or failed.
async fn every_time(
    report: &mut TickReport,
    name: &'static str,
    job: impl Future<Output = Result<Summary, JobError>>,
) {
    let result = measured(name, "", job).await;
    if !matches!(&result, Ok(summary) if summary.is_idle()) {
        report.runs.push(JobReport {
            name,
            key: String::new(),
            result,
        });
    }
}

/// A job that is through with a key for good. `false` when it isn't through yet.
async fn once(
    ctx: &Context,
    report: &mut TickReport,
    name: &'static str,
    key: &str,
    job: impl Future<Output = Result<Summary, JobError>>,
) -> Result<bool, DbError> {
    if let Some(run) = ctx.store.job_run(name, key).await? {
        if run.finished_at.is_some() {
            return Ok(true);
        }
        if run.error.is_some() && ctx.now() < run.started_at + wait_after(run.attempts) {
            return Ok(false);
        }
    }
    ctx.store.start_job(name, key, ctx.now()).await?;
    let result = measured(name, key, job).await;
    let through = match &result {
        Ok(summary) if summary.waiting.is_some() => false,
        Ok(_) => {
            ctx.store.finish_job(name, key, ctx.now()).await?;
            true
        }
        Err(error) => {
            ctx.store.fail_job(name, key, &error.to_string()).await?;
            false
        }
    };
    report.runs.push(JobReport {
        name,
        key: key.to_owned(),
        result,
    });
    Ok(through)
}

/// 30 s, doubled with each attempt, at most an hour.
fn wait_after(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
    (FIRST_RETRY * 2i32.saturating_pow(doublings)).min(LONGEST_RETRY)
}

async fn measured(
    name: &'static str,
    key: &str,
    job: impl Future<Output = Result<Summary, JobError>>,
) -> Result<Summary, JobError> {
    let begun = Instant::now();
    let result = job.await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let label = match &result {
        Ok(summary) if summary.is_idle() => "idle",
        Ok(_) => "done",
        Err(_) => "failed",
    };
    metrics::counter!("job_runs_total", "job" => name, "result" => label).increment(1);
    match &result {
        Ok(summary) if summary.is_idle() => {}
        Ok(summary) => tracing::info!(job = name, key, duration_ms, "{summary}"),
        Err(error) => {
            tracing::error!(job = name, key, duration_ms, code = error.code(), error = %error, "a job failed")
        }
    }
    result
}

/// The worker, until the program ends. What is under way then is dropped at its next `await`: its transaction is rolled
/// back, and the next start goes on from there.
pub async fn run(ctx: &Context, settings: &BillingSettings, mailer: &Mailer, shutdown: &Shutdown) {
    tokio::select! {
        () = shutdown.wait() => {}
        () = plans_for_ever(ctx, settings) => {}
        () = books_for_ever(ctx, settings) => {}
        () = mail_for_ever(ctx, settings, mailer) => {}
    }
    tracing::info!("the billing worker has ended");
}

/// Plans by timer, and soon after a change of what may run.
async fn plans_for_ever(ctx: &Context, settings: &BillingSettings) {
    let mut listener = None;
    loop {
        plans(ctx, &mut TickReport::default()).await;
        change(ctx, &mut listener, settings.tick_every).await;
    }
}

async fn books_for_ever(ctx: &Context, settings: &BillingSettings) {
    loop {
        if let Err(error) = books(ctx, settings, &mut TickReport::default()).await {
            tracing::error!(error = %error, "the billing worker can't read what is due");
        }
        tokio::time::sleep(settings.tick_every).await;
    }
}

async fn mail_for_ever(ctx: &Context, settings: &BillingSettings, mailer: &Mailer) {
    loop {
        mail(ctx, settings, mailer, &mut TickReport::default()).await;
        report_queue(ctx).await;
        tokio::time::sleep(settings.tick_every).await;
    }
}

/// Waits for a change of what may run, at most for `longest`. The listener is kept between calls, so that a change during
/// a tick isn't missed; without one the worker goes by the timer alone.
async fn change(ctx: &Context, listener: &mut Option<ChangeListener>, longest: Duration) {
    let notified = async {
        if listener.is_none() {
            match ctx.store.snapshot_listener().await {
                Ok(new) => *listener = Some(new),
                Err(error) => tracing::warn!(error = %error, "the billing worker has no listener"),
            }
        }
        let Some(listening) = listener else {
            return std::future::pending::<()>().await;
        };
        if let Err(error) = listening.recv().await {
            tracing::warn!(error = %error, "the billing worker lost its listener");
            *listener = None;
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = tokio::time::sleep(longest) => {}
        () = notified => tokio::time::sleep(QUIET.min(longest)).await,
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a gauge is a float"
)]
async fn report_queue(ctx: &Context) {
    if let Ok(waiting) = ctx.store.mails_waiting().await {
        metrics::gauge!("mail_outbox_waiting").set(waiting as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_start_its_first_twenty_minutes_and_the_close_time() {
        let settings = BillingSettings::default();
        let told: Vec<String> = instants_of(&settings, "2026-12-01".parse().unwrap())
            .into_iter()
            .map(|at| {
                namoyish_domain::calendar::tashkent_time(at)
                    .format("%H:%M")
                    .to_string()
            })
            .collect();
        assert_eq!(told, ["00:00", "00:05", "00:10", "00:15", "00:20"]);
    }

    #[test]
    fn a_failed_job_is_tried_again_ever_later_up_to_an_hour() {
        let seconds: Vec<i64> = [1, 2, 3, 8, 30]
            .into_iter()
            .map(|attempts| wait_after(attempts).num_seconds())
            .collect();
        assert_eq!(seconds, [30, 60, 120, 3600, 3600]);
    }
}

//! The run: steps of the timeline, and between them the traffic.

use crate::auditor::audit;
use crate::commands::{Commands, NotDone, chain};
use crate::facts::Facts;
use crate::fleet::Fleet;
use crate::progress::Progress;
use crate::report::{Refused, Report};
use crate::scenario::{Event, EventKind, Scenario};
use crate::servers::Servers;
use crate::set_up::{day_of_set_up, set_up};
use crate::timeline::{Step, first_day, steps};
use crate::{SimulateError, SimulateOptions};
use namoyish_billing::settings::BillingSettings;
use namoyish_billing::worker;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, day_start, plus_days, tashkent_day};
use namoyish_runtime::clock::Clock;
use namoyish_runtime::context::{Actor, Context};
use namoyish_runtime::ids::Generator;
use namoyish_runtime::mail::Mailer;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// After how many of its steps (awaits that had to wait) a killed worker's rounds end.
const KILLED_AFTER_STEPS: &[u32] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];

/// A run under way.
struct Run<'a> {
    scenario: &'a Scenario,
    ctx: Context,
    servers: Servers,
    /// Until when the billing worker is killed in each of its rounds.
    worker_dies_until: Option<Timestamp>,
    commands: Commands,
    fleet: Fleet,
    billing: BillingSettings,
    mailer: Mailer,
    refused: Vec<Refused>,
}

/// Runs a scenario from its set-up to its epilogue and answers the report.
pub(crate) async fn run(scenario: &Scenario, options: &SimulateOptions) -> Result<Report, SimulateError> {
    let seed = options.seed.unwrap_or(scenario.seed);
    let servers = Servers::start(
        &options.servers,
        options.binaries.as_deref(),
        scenario.delivery.store,
    )
    .await?;
    let first = first_day(scenario);
    let ctx = Context {
        store: servers.store.clone(),
        clock: Clock::virtual_at(day_start(day_of_set_up(scenario, first))),
        ids: Generator::seeded(seed),
    };
    let actor = Actor::system("scenario");
    let known = set_up(&ctx, &actor, scenario).await?;
    let kinds = scenario
        .placements
        .iter()
        .map(|row| (row.id.clone(), row.kind))
        .collect();
    ctx.clock.advance_to(day_start(first));
    let fleet = Fleet::start(&ctx, &servers, scenario, &known, seed).await?;
    let mailer = Mailer::folder(&servers.folder("mail"), "hisob@namoyish.example.uz")
        .map_err(|error| SimulateError::Billing(chain(&error)))?;
    let mut run = Run {
        scenario,
        commands: Commands::new(ctx.clone(), actor, known, kinds),
        fleet,
        billing: BillingSettings::default(),
        mailer,
        refused: Vec::new(),
        worker_dies_until: None,
        servers,
        ctx,
    };
    let mut progress = Progress::new(options.progress, first, scenario.end);
    for timed in steps(scenario) {
        run.fleet.run_until(timed.at).await?;
        run.ctx.clock.advance_to(timed.at);
        progress.show(tashkent_day(timed.at), run.fleet.tally.requests);
        run.step(timed.step).await?;
    }
    progress.finish();
    run.report(seed).await
}

impl Run<'_> {
    async fn step(&mut self, step: Step) -> Result<(), SimulateError> {
        self.fleet.ship().await?;
        match step {
            Step::Ship => return Ok(()),
            Step::Settle => self.fleet.report_totals().await?,
            Step::Event(index) => {
                if let Some(event) = self.scenario.events.get(index) {
                    self.event(index, event).await?;
                }
            }
        }
        self.bill().await?;
        self.fleet.refresh().await
    }

    /// A round of the billing worker. A job that fails ends the run: production would raise an alarm and try again.
    async fn bill(&self) -> Result<(), SimulateError> {
        if self.worker_dies_until.is_some_and(|until| self.ctx.now() < until) {
            self.bill_and_die().await?;
        }
        let ticked = worker::tick(&self.ctx, &self.billing, &self.mailer).await?;
        match ticked.first_failure() {
            None => Ok(()),
            Some((job, error)) => Err(SimulateError::Billing(format!("{job}: {}", chain(error)))),
        }
    }

    /// Rounds of the worker that are dropped ever later, as a kill would drop them: what was under way is rolled back.
    async fn bill_and_die(&self) -> Result<(), SimulateError> {
        for steps in KILLED_AFTER_STEPS {
            let mut left = *steps;
            let mut tick = pin!(worker::tick(&self.ctx, &self.billing, &self.mailer));
            poll_fn(|task| {
                if left == 0 {
                    return Poll::Ready(None);
                }
                left -= 1;
                tick.as_mut().poll(task).map(Some)
            })
            .await
            .transpose()?;
        }
        Ok(())
    }

    async fn event(&mut self, index: usize, event: &Event) -> Result<(), SimulateError> {
        let commands = &mut self.commands;
        let done = match &event.what {
            EventKind::SignOrder(order) => commands.sign_order(order).await,
            EventKind::SubmitMaterial {
                line,
                verdict,
                licence_expires,
            } => commands.submit_material(line, *verdict, *licence_expires).await,
            EventKind::Pay {
                customer,
                amount,
                invoice,
            } => {
                let key = format!("scenario-event-{index}");
                commands.pay(customer, *amount, invoice.as_deref(), key).await
            }
            EventKind::SetExtraPeriod {
                line,
                start,
                until,
                extra_budget,
            } => {
                commands
                    .set_extra_period(line, *start, *until, *extra_budget)
                    .await
            }
            EventKind::EndExtraPeriod { line } => commands.end_extra_period(line).await,
            EventKind::IncreaseBudget { line, amount } => commands.increase_budget(line, *amount).await,
            EventKind::ChangeMaterial {
                line,
                verdict,
                licence_expires,
            } => commands.change_material(line, *verdict, *licence_expires).await,
            EventKind::PauseLine { line } => commands.pause_line(line).await,
            EventKind::ResumeLine { line } => commands.resume_line(line).await,
            EventKind::NoticeOfTermination(notice) => commands.notice_of_termination(notice).await,
            EventKind::Object { customer, period } => commands.object(customer, *period).await,
            EventKind::DecideObjection {
                customer,
                period,
                uphold,
                net,
            } => commands.decide_objection(customer, *period, *uphold, *net).await,
            EventKind::ClaimPenalty { customer, invoice } => {
                commands.claim_penalty(customer, invoice.as_deref()).await
            }
            EventKind::WaivePenalty { customer, invoice } => {
                commands.waive_penalty(customer, invoice.as_deref()).await
            }
            EventKind::RequestRefund { customer } => commands.request_refund(customer).await,
            EventKind::PayRefund { customer } => commands.pay_refund(customer).await,
            EventKind::Outage {
                placement,
                from,
                until,
            } => commands.outage(placement, *from, *until).await,
            EventKind::ForceMajeure { from, until } => commands.force_majeure(*from, *until).await,
            EventKind::KillNode { node } => match self.fleet.kill_node(*node) {
                true => Ok(()),
                false => Err(NotDone::Refused("node_not_running".to_owned())),
            },
            EventKind::StartNode { node } => match self.fleet.start_node(*node).await? {
                true => Ok(()),
                false => Err(NotDone::Refused("node_running".to_owned())),
            },
            EventKind::LoseRedis => match self.servers.restart_redis().await? {
                true => Ok(()),
                false => Err(NotDone::Refused("no_redis".to_owned())),
            },
            EventKind::RestartDatabase => match self.servers.restart_postgres().await? {
                true => Ok(()),
                false => Err(NotDone::Refused("database_is_not_the_runs_own".to_owned())),
            },
            EventKind::KillBilling => {
                self.worker_dies_until = Some(day_start(plus_days(tashkent_day(self.ctx.now()), 1)));
                Ok(())
            }
        };
        match done {
            Ok(()) => Ok(()),
            Err(NotDone::Refused(code)) => {
                self.refused.push(Refused {
                    at: event.at,
                    r#do: event.what.name(),
                    code,
                });
                Ok(())
            }
            Err(NotDone::Failed(reason)) => Err(SimulateError::Event {
                line: event.line,
                name: event.what.name(),
                reason,
            }),
        }
    }

    async fn report(self, seed: u64) -> Result<Report, SimulateError> {
        let facts = Facts::load(&self.ctx.store).await?;
        let first_open_day = ReportingPeriod::of(self.scenario.end).first_day();
        let audit = audit(&facts, first_open_day);
        tracing::debug!(tally = ?self.fleet.tally, "the run is over");
        Ok(Report::build(self.scenario, seed, &facts, self.refused, audit)?)
    }
}

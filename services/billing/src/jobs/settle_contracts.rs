//! Settles contracts that ended: values what was rendered before the end, and asks for no more than that.
//!
//! Rule: orders.md §8 "On E"; billing.md §8; offer [003 §10.3]. Once for a blank and an end, when the last impressions of
//! the day before have come in: unpaid invoices of terminated lines are reduced to what their services are worth
//! (`domain::billing::settlement`), and the settlement is kept: what was paid and rendered, who owes the rest, and until
//! when. A term that ran out is settled as well, without a reduction: its surplus is what a refund may give back [003 §7.6].
//!
//! A line that an operator ended in the middle of its last day is settled when that day's impressions are in.

use super::{JobError, Summary, Waiting};
use crate::settings::BillingSettings;
use chrono::NaiveTime;
use namoyish_domain::billing::reconciliation_act::Interval;
use namoyish_domain::billing::refund::BlankMoney;
use namoyish_domain::billing::settlement::{due_on, reductions};
use namoyish_domain::calendar::{Timestamp, day_start, minus_days, plus_days};
use namoyish_domain::money::Money;
use namoyish_runtime::context::Context;
use namoyish_settlement::ended::{gross_by_line, unposted};
use namoyish_settlement::reduce_invoice;
use namoyish_storage::invoices::{InvoiceReduction, ReductionReason};
use namoyish_storage::settlements::{EndToSettle, Settlement};
use serde_json::json;

/// The job's name in `job_runs`.
pub const NAME: &str = "settle_contracts";
/// Ends looked at in a run.
const BATCH: u32 = 1_000;
const ACTOR: &str = "billing";

/// Settles what has ended by now. `done` counts settlements.
pub async fn run(ctx: &Context, settings: &BillingSettings) -> Result<Summary, JobError> {
    let mut summary = Summary::default();
    // One that fails doesn't hold up the others: it is tried again at the next tick.
    let mut first_failure = None;
    for end in ctx.store.ends_to_settle(ctx.today(), BATCH).await? {
        let ready_at = counts_due_at(settings, &end);
        if ctx.now() < ready_at {
            summary.skipped += 1;
            continue;
        }
        let behind = ctx
            .store
            .blank_counts_behind(end.blank, minus_days(end.ended_on, 1))
            .await?;
        if behind > 0 && ctx.now() < ready_at + settings.counts_patience {
            summary.waiting = Some(Waiting::Counts { epochs: behind });
            continue;
        }
        match settle(ctx, &end).await {
            Ok(true) => summary.done += 1,
            Ok(false) => summary.skipped += 1,
            Err(error) => {
                tracing::error!(order_blank.id = %end.blank, error = %error, "an ended contract can't be settled");
                first_failure.get_or_insert(error);
            }
        }
    }
    first_failure.map_or(Ok(summary), Err)
}

/// The close time of the first day without impressions.
fn counts_due_at(settings: &BillingSettings, end: &EndToSettle) -> Timestamp {
    let day = end
        .counted_through
        .map_or(end.ended_on, |day| plus_days(day, 1).max(end.ended_on));
    day_start(day) + (settings.close_time - NaiveTime::MIN)
}

/// Settles one end. `false`: it is settled already.
pub async fn settle(ctx: &Context, end: &EndToSettle) -> Result<bool, JobError> {
    let now = ctx.now();
    // Load: the lock comes first, so that no payment comes in between.
    let mut tx = ctx.store.begin().await?;
    tx.ledger().lock_customer(end.customer).await?;
    if tx.settlements().is_settled(end.blank, end.ended_on).await? {
        return Ok(false);
    }
    let open = unposted(&mut tx, end.customer, ctx.today()).await?;
    let open_by_line = gross_by_line(&open)?;
    let mut rendered = tx.settlements().documented(end.blank).await?;
    let invoices = tx.settlements().invoices(end.blank, end.ended_on).await?;
    let ended_lines = tx.settlements().ended_lines(end.blank, end.ended_on).await?;
    let money = tx
        .settlements()
        .customer_money(end.customer, ctx.today(), &open_by_line)
        .await?;

    // Decide.
    rendered.extend(open);
    let reduced = if end.early {
        reductions(&invoices, &rendered)?
    } else {
        vec![]
    };
    let own = money
        .blanks
        .iter()
        .find(|blank| blank.blank == end.blank)
        .map_or_else(BlankMoney::default, |blank| blank.money);
    let undocumented = Money::sum(
        ended_lines
            .iter()
            .filter_map(|line| open_by_line.get(line))
            .copied(),
    )?;
    let rendered_gross = own.posted.checked_add(own.unposted)?.max(Money::ZERO);
    let interval = Interval::before_end(end.ended_on);
    let moved = tx
        .settlements()
        .has_movements(end.customer, interval.first_day, interval.last_day)
        .await?;
    let settlement = Settlement {
        blank: end.blank,
        contract_number: String::new(),
        ended_on: end.ended_on,
        customer: end.customer,
        early: end.early,
        whole: end.whole,
        due_on: due_on(end.ended_on),
        paid: own.allocated,
        rendered: rendered_gross,
        surplus: own.surplus()?,
        debt: rendered_gross.checked_sub(own.allocated)?.max(Money::ZERO),
        undocumented,
        act_due: moved || undocumented.is_positive(),
        made_at: now,
    };

    // Commit.
    for reduction in &reduced {
        let reduction = InvoiceReduction {
            invoice: reduction.invoice,
            reduced_on: end.ended_on,
            net: reduction.net,
            vat: reduction.vat,
            reason: ReductionReason::Terminated,
        };
        reduce_invoice(&mut tx, &reduction, ACTOR, now).await?;
    }
    tx.settlements().insert(&settlement).await?;
    let details = json!({
        "ended_on": end.ended_on.to_string(),
        "paid": settlement.paid.to_string(),
        "rendered": settlement.rendered.to_string(),
        "surplus": settlement.surplus.to_string(),
        "debt": settlement.debt.to_string(),
        "reduced_invoices": reduced.len(),
    });
    tx.audit(now, ACTOR, "settle_contract", &end.blank.to_string(), details)
        .await?;
    tx.save().await?;
    tracing::info!(
        order_blank.id = %end.blank, ended_on = %end.ended_on,
        surplus_tiyin = settlement.surplus.tiyin(), debt_tiyin = settlement.debt.tiyin(), "settled an ended contract"
    );
    Ok(true)
}

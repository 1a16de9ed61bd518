//! The money of a customer when contracts end: what is rendered and in no document yet, and what a refund could give back.
//!
//! Rules: billing.md §4, §8. The order service shows and refuses, the billing worker values and fixes: both by the same
//! reads. Nothing is written here.

use chrono::NaiveDate;
use namoyish_domain::billing::primary_document::{Tariff, render};
use namoyish_domain::billing::settlement::RenderedPart;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{CustomerId, LineId};
use namoyish_domain::money::Money;
use namoyish_storage::settlements::MoneyOfCustomer;
use namoyish_storage::{DbError, Tx};
use std::collections::BTreeMap;

/// Open periods that are valued at once: ten years of standstill.
const PERIODS_MAX: usize = 120;

/// What a customer's lines rendered through the period of `day` and no primary document has, by line and period. A line
/// that runs on is valued as if it ran to the month's end, as far as it is charged by days.
pub async fn unposted(
    tx: &mut Tx,
    customer: CustomerId,
    day: NaiveDate,
) -> Result<Vec<RenderedPart>, DbError> {
    let last = ReportingPeriod::of(day);
    let first = match tx.periods().last_closed().await? {
        Some(closed) => Some(closed.next()),
        None => tx
            .settlements()
            .first_service_day(customer)
            .await?
            .map(ReportingPeriod::of),
    };
    let Some(first) = first else { return Ok(vec![]) };
    let mut parts = Vec::new();
    let mut counted: BTreeMap<LineId, u64> = BTreeMap::new();
    for period in first.through(last).take(PERIODS_MAX) {
        if tx.documents().has_primary(customer, period).await? {
            continue;
        }
        for facts in tx.periods().lines_to_render(customer, period).await? {
            let mut line = facts.line;
            // Documents of the open months before this one are still to be made.
            if let Tariff::Impressions(counts) = &mut line.tariff {
                let before = counted.entry(line.line).or_default();
                counts.to_previous_end = counts.to_previous_end.max(*before);
                *before = counts.to_end.max(*before);
            }
            if let Some(rendered) = render(&line, period)? {
                parts.push(RenderedPart {
                    line: rendered.line,
                    period,
                    net: rendered.net,
                    vat: rendered.vat,
                });
            }
        }
    }
    Ok(parts)
}

/// Gross by line.
pub fn gross_by_line(parts: &[RenderedPart]) -> Result<BTreeMap<LineId, Money>, DbError> {
    let mut sums: BTreeMap<LineId, Money> = BTreeMap::new();
    for part in parts {
        let sum = sums.entry(part.line).or_default();
        *sum = sum.checked_add(part.net)?.checked_add(part.vat)?;
    }
    Ok(sums)
}

/// The money of a customer as a refund sees it today. The caller holds the customer's lock, or only shows it.
pub async fn customer_money(
    tx: &mut Tx,
    customer: CustomerId,
    today: NaiveDate,
) -> Result<MoneyOfCustomer, DbError> {
    let open = gross_by_line(&unposted(tx, customer, today).await?)?;
    tx.settlements().customer_money(customer, today, &open).await
}

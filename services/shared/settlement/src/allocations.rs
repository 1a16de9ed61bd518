//! Payments on invoices: laying them there, taking them back, and the late penalty that follows.

use chrono::NaiveDate;
use namoyish_domain::billing::allocation::{self, Allocation};
use namoyish_domain::billing::late_penalty::{self, OverdueInvoice};
use namoyish_domain::calendar::{Timestamp, minus_days};
use namoyish_domain::ids::{CustomerId, InvoiceId, PaymentId};
use namoyish_storage::invoices::InvoiceReduction;
use namoyish_storage::payments::Release;
use namoyish_storage::{DbError, Tx};

/// Gives the free rest of a customer's payments to its open invoices, oldest due first: after invoices were issued, or
/// money was released (billing.md §3: money paid in early stays free until used). Locks the customer.
///
/// A pending budget increase may be paid by it: the worker's next tick puts it in force.
pub async fn allocate_free(
    tx: &mut Tx,
    customer: CustomerId,
) -> Result<Vec<(PaymentId, Allocation)>, DbError> {
    tx.ledger().lock_customer(customer).await?;
    let free = tx.payments().free_of(customer).await?;
    if free.is_empty() {
        return Ok(vec![]);
    }
    let open = tx.invoices().open_of(customer).await?;
    let parts = allocation::allocate_free(&free, &open)?;
    for (payment, part) in &parts {
        pay(tx, *payment, part).await?;
    }
    if !parts.is_empty() {
        tx.bump_snapshot().await?;
    }
    Ok(parts)
}

/// Lays a part of a payment on an invoice. Penalty that was accrued for days after it is counted again: the payment may
/// have become known later than it came in. The caller holds the customer's lock.
pub async fn pay(tx: &mut Tx, payment: PaymentId, part: &Allocation) -> Result<(), DbError> {
    tx.payments().allocate(payment, part).await?;
    recount_penalty(tx, part.invoice, part.allocated_on).await
}

/// Writes that a part of an invoice is no longer owed, from the start of `reduced_on` on; frees what payments hold on it
/// beyond what it still asks for, the newest payment first; and counts the penalty from that day on again. The caller holds
/// the customer's lock, and calls [`allocate_free`] when all its reductions are written.
pub async fn reduce_invoice(
    tx: &mut Tx,
    reduction: &InvoiceReduction,
    recorded_by: &str,
    at: Timestamp,
) -> Result<Vec<Release>, DbError> {
    tx.invoices().reduce(reduction, recorded_by, at).await?;
    let released = tx
        .payments()
        .release_surplus(reduction.invoice, reduction.reduced_on, recorded_by, at)
        .await?;
    recount_penalty(tx, reduction.invoice, minus_days(reduction.reduced_on, 1)).await?;
    tx.bump_snapshot().await?;
    Ok(released)
}

/// Counts the penalty of the days after `day` again, as far as it was accrued.
async fn recount_penalty(tx: &mut Tx, invoice: InvoiceId, day: NaiveDate) -> Result<(), DbError> {
    let Some(last_accrued) = tx.penalties().last_accrued(invoice).await? else {
        return Ok(());
    };
    if last_accrued <= day {
        return Ok(());
    }
    let Some(record) = tx.invoices().lookup(invoice).await? else {
        return Err(DbError::Inconsistent(format!("{invoice} has gone")));
    };
    let overdue = OverdueInvoice {
        gross: record.gross,
        // A signature that was recorded late makes invoices that are due before they exist.
        due_on: record.due_on.max(record.issued_on),
        paid: tx.invoices().paid_parts(invoice).await?,
    };
    let cap = tx.penalty_claims().cap_percent().await?;
    let days = late_penalty::accrue_capped(&overdue, cap, Some(day), last_accrued)?;
    tx.penalties().forget_after(invoice, day).await?;
    tx.penalties().add(invoice, &days).await
}

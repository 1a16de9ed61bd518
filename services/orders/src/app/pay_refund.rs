//! Records that a refund was paid by bank to the customer's own account.
//!
//! Rule: billing.md §8. The accountant gives the day and the bank's reference. Refused before the sum is fixed, twice, and
//! after the refund was cancelled or refused; refused as well while the customer owes something by now. The posting Dr
//! refund_payable / Cr bank carries the day of the payment; where that month is closed, the first day after it.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::billing::ledger::Unbalanced;
use namoyish_domain::billing::refund::{RefundMoveRefused, RefundRefused, RefundToPost};
use namoyish_domain::calendar::tashkent_day;
use namoyish_domain::ids::{CustomerId, PostingId, RefundId};
use namoyish_domain::money::Money;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_settlement::ended::customer_money;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Most characters of the bank's reference.
pub const REFERENCE_CHARACTERS_MAX: usize = 200;
const STAFF: &[Role] = &[Role::Accountant, Role::Admin];

/// A refund that was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayRefund {
    /// The refund.
    pub refund: RefundId,
    /// The day on which the bank paid; from the day of fixing to today.
    pub paid_on: NaiveDate,
    /// The bank's reference, such as the number of the payment order.
    pub bank_reference: String,
}

/// A refund as it was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPaid {
    /// Whose.
    pub customer: CustomerId,
    /// How much.
    pub amount: Money,
}

/// Why no payment is recorded.
#[derive(Debug, thiserror::Error)]
pub enum PayRefundError {
    /// The actor's role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No refund with this id.
    #[error("there is no refund {0}")]
    NoSuchRefund(RefundId),
    /// Its state refuses.
    #[error(transparent)]
    Move(#[from] RefundMoveRefused),
    /// The customer owes something by now.
    #[error(transparent)]
    Refused(#[from] RefundRefused),
    /// Paid before it was fixed, or tomorrow.
    #[error("paid_on: {paid_on} doesn't lie between {first_day}, when the sum was fixed, and today, {today}")]
    DayOutOfRange {
        /// What was given.
        paid_on: NaiveDate,
        /// The day of fixing.
        first_day: NaiveDate,
        /// Today in Tashkent.
        today: NaiveDate,
    },
    /// The reference is empty or too long.
    #[error("bank_reference: {characters} characters where 1 to {REFERENCE_CHARACTERS_MAX} are allowed")]
    ReferenceLength {
        /// What was given.
        characters: usize,
    },
    /// The posting wouldn't balance.
    #[error(transparent)]
    Posting(#[from] Unbalanced),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for PayRefundError {
    fn told(&self) -> Told {
        match self {
            PayRefundError::NotAllowed(_) => Told::not_allowed(),
            PayRefundError::NoSuchRefund(_) => Told::not_found("no_such_refund"),
            PayRefundError::Move(refused) => Told::conflict(refused.code()),
            PayRefundError::Refused(refused @ RefundRefused::CustomerHasDebt { debt }) => {
                Told::conflict(refused.code()).limit(Some(debt.to_string()))
            }
            PayRefundError::Refused(refused) => Told::conflict(refused.code()),
            PayRefundError::DayOutOfRange {
                paid_on,
                first_day,
                today,
            } => {
                let limit = if paid_on > today { today } else { first_day };
                Told::refused("day_out_of_range")
                    .field("paid_on")
                    .limit(Some(limit.to_string()))
            }
            PayRefundError::ReferenceLength { .. } => Told::refused("text_length")
                .field("bank_reference")
                .limit(Some(REFERENCE_CHARACTERS_MAX.to_string())),
            PayRefundError::Posting(_) => Told::internal(),
            PayRefundError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(PayRefundError);

/// Records the payment of a refund; see the module.
pub async fn pay_refund(ctx: &Context, actor: &Actor, cmd: PayRefund) -> Result<RefundPaid, PayRefundError> {
    let mut tx = ctx.store.begin().await?;
    let paid = pay_refund_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(paid)
}

/// The same inside the caller's transaction.
pub async fn pay_refund_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: PayRefund,
) -> Result<RefundPaid, PayRefundError> {
    require_staff(actor, STAFF, "record the payment of a refund")?;
    let (now, today) = (ctx.now(), ctx.today());
    let characters = cmd.bank_reference.chars().count();
    if !(1..=REFERENCE_CHARACTERS_MAX).contains(&characters) {
        return Err(PayRefundError::ReferenceLength { characters });
    }

    // Load: the customer's lock comes first, so that it is paid once.
    let no_such_refund = PayRefundError::NoSuchRefund(cmd.refund);
    let Some(customer) = tx.refunds().customer_of(cmd.refund).await? else {
        return Err(no_such_refund);
    };
    tx.ledger().lock_customer(customer).await?;
    let Some(refund) = tx.refunds().find(cmd.refund).await? else {
        return Err(no_such_refund);
    };

    // Decide.
    refund.state.pay()?;
    let (Some(amount), Some(number), Some(fixed_at)) =
        (refund.amount, refund.document_number.clone(), refund.fixed_at)
    else {
        return Err(DbError::Inconsistent(format!("{} is fixed without a sum", refund.id)).into());
    };
    let first_day = tashkent_day(fixed_at);
    if cmd.paid_on < first_day || cmd.paid_on > today {
        return Err(PayRefundError::DayOutOfRange {
            paid_on: cmd.paid_on,
            first_day,
            today,
        });
    }
    let debt = customer_money(tx, customer, today)
        .await?
        .money
        .debt
        .sum()
        .map_err(RefundRefused::from)?;
    if debt.is_positive() {
        return Err(RefundRefused::CustomerHasDebt { debt }.into());
    }
    let first_open_day = tx
        .periods()
        .last_closed()
        .await?
        .map(|period| period.next().first_day());
    let posting = RefundToPost {
        refund: refund.id,
        customer,
        amount,
        posted_on: first_open_day.map_or(cmd.paid_on, |day| day.max(cmd.paid_on)),
        number,
    }
    .paid()?;

    // Commit.
    tx.refunds()
        .pay(refund.id, cmd.paid_on, &cmd.bank_reference, now, &actor.name)
        .await?;
    tx.ledger()
        .append(PostingId::from_uuid(ctx.uuid()), &posting, now)
        .await?;
    let details = json!({
        "amount": amount.to_string(),
        "paid_on": cmd.paid_on.to_string(),
        "bank_reference": cmd.bank_reference,
    });
    tx.audit(now, &actor.name, "pay_refund", &refund.id.to_string(), details)
        .await?;
    tracing::info!(refund.id = %refund.id, sum_tiyin = amount.tiyin(), "a refund was paid");
    Ok(RefundPaid { customer, amount })
}

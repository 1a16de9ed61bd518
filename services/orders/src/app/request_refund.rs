//! A customer asks for its unused advance back, and takes such a request back.
//!
//! Rule: billing.md §8; offer [003 §10.2.3, §10.3]. Refused with a debt under any contract, with nothing to refund, without
//! a settlement account of the customer's own, and while an earlier request is open. Asked for before the end of a contract
//! that is ending, it is taken and waits for that end. The sum is fixed by the billing worker, due 30 calendar days from
//! the later of request and end.
//!
//! Not here: the sum's document and posting (`namoyish_billing::jobs::fix_refunds`), the payment (`pay_refund`).

use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::NaiveDate;
use namoyish_domain::billing::ledger::Unbalanced;
use namoyish_domain::billing::refund::{RefundMoveRefused, RefundRefused, RefundState, RefundToPost, due_on};
use namoyish_domain::ids::{CustomerId, PostingId, RefundId};
use namoyish_domain::money::Money;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_settlement::ended::customer_money;
use namoyish_storage::refunds::NewRefund;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Who asks for the customer.
pub const OWN_ROLES: &[Role] = &[Role::Owner, Role::Manager, Role::Accountant];
const STAFF: &[Role] = &[Role::Accountant, Role::Admin];

/// Whose advance to give back.
#[derive(Debug, Clone, Copy)]
pub struct RequestRefund {
    /// The customer.
    pub customer: CustomerId,
}

/// A request that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequested {
    /// The refund.
    pub refund: RefundId,
    /// The end of the contract that it waits for.
    pub waits_until: Option<NaiveDate>,
    /// The last day for paying it.
    pub due_on: NaiveDate,
}

/// What could be given back now, for the cabinet and the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refundable {
    /// How much, if nothing speaks against it.
    pub amount: Money,
    /// What the customer owes under all its contracts.
    pub debt: Money,
    /// The end of a contract that is ending and isn't settled yet: what it leaves is known then.
    pub ends_on: Option<NaiveDate>,
    /// Whether the customer has an account to pay to.
    pub has_account: bool,
}

/// Why no refund is requested or taken back.
#[derive(Debug, thiserror::Error)]
pub enum RequestRefundError {
    /// The actor's role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No customer with this id, or another's.
    #[error("there is no customer {0}")]
    NoSuchCustomer(CustomerId),
    /// No refund with this id, or another customer's.
    #[error("there is no refund {0}")]
    NoSuchRefund(RefundId),
    /// The rules refuse.
    #[error(transparent)]
    Refused(#[from] RefundRefused),
    /// The refund's state refuses.
    #[error(transparent)]
    Move(#[from] RefundMoveRefused),
    /// The posting wouldn't balance.
    #[error(transparent)]
    Posting(#[from] Unbalanced),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for RequestRefundError {
    fn told(&self) -> Told {
        match self {
            RequestRefundError::NotAllowed(_) => Told::not_allowed(),
            RequestRefundError::NoSuchCustomer(_) => Told::not_found("no_such_customer"),
            RequestRefundError::NoSuchRefund(_) => Told::not_found("no_such_refund"),
            RequestRefundError::Refused(refused @ RefundRefused::CustomerHasDebt { debt }) => {
                Told::conflict(refused.code()).limit(Some(debt.to_string()))
            }
            RequestRefundError::Refused(refused) => Told::conflict(refused.code()),
            RequestRefundError::Move(refused) => Told::conflict(refused.code()),
            RequestRefundError::Posting(_) => Told::internal(),
            RequestRefundError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(RequestRefundError);

/// Tells what could be given back now. Nothing is written; the caller checks who asks.
pub async fn refundable_in(
    tx: &mut Tx,
    ctx: &Context,
    customer: CustomerId,
) -> Result<Refundable, RequestRefundError> {
    let record = tx
        .customers()
        .find(customer)
        .await?
        .ok_or(RequestRefundError::NoSuchCustomer(customer))?;
    let money = customer_money(tx, customer, ctx.today()).await?.money;
    Ok(Refundable {
        amount: money.refundable().map_err(RefundRefused::from)?,
        debt: money.debt.sum().map_err(RefundRefused::from)?,
        ends_on: tx.settlements().unsettled_end(customer, None).await?,
        has_account: record.requisites.bank.is_some(),
    })
}

/// Asks for a refund; see the module.
pub async fn request_refund(
    ctx: &Context,
    actor: &Actor,
    cmd: RequestRefund,
) -> Result<RefundRequested, RequestRefundError> {
    let mut tx = ctx.store.begin().await?;
    let requested = request_refund_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(requested)
}

/// The same inside the caller's transaction.
pub async fn request_refund_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: RequestRefund,
) -> Result<RefundRequested, RequestRefundError> {
    let customer = cmd.customer;
    if !require_own_or_staff(actor, customer, OWN_ROLES, STAFF, "ask for a refund")? {
        return Err(RequestRefundError::NoSuchCustomer(customer));
    }
    let (now, today) = (ctx.now(), ctx.today());

    // Load: the customer's lock comes first, so that two requests never see the same advance.
    if !tx.ledger().lock_customer(customer).await? {
        return Err(RequestRefundError::NoSuchCustomer(customer));
    }
    if let Some(open) = tx.refunds().open_of(customer).await? {
        return Err(RefundRefused::AlreadyRequested {
            requested_on: open.requested_on,
        }
        .into());
    }
    let now_refundable = refundable_in(tx, ctx, customer).await?;
    let last_end = tx.settlements().last_end(customer).await?;

    // Decide.
    if now_refundable.debt.is_positive() {
        return Err(RefundRefused::CustomerHasDebt {
            debt: now_refundable.debt,
        }
        .into());
    }
    if !now_refundable.has_account {
        return Err(RefundRefused::NoSettlementAccount.into());
    }
    let waits_until = now_refundable.ends_on;
    if waits_until.is_none() && !now_refundable.amount.is_positive() {
        return Err(RefundRefused::NothingToRefund.into());
    }
    let requested = RefundRequested {
        refund: RefundId::from_uuid(ctx.uuid()),
        waits_until,
        due_on: due_on(today, waits_until.or(last_end)),
    };

    // Commit.
    let refund = NewRefund {
        id: requested.refund,
        customer,
        requested_at: now,
        requested_on: today,
        requested_by: &actor.name,
        waits_until,
        due_on: requested.due_on,
    };
    tx.refunds().insert(&refund).await?;
    let details = json!({
        "customer": customer.to_string(),
        "waits_until": waits_until.map(|day| day.to_string()),
        "due_on": requested.due_on.to_string(),
    });
    tx.audit(
        now,
        &actor.name,
        "request_refund",
        &requested.refund.to_string(),
        details,
    )
    .await?;
    tracing::info!(refund.id = %requested.refund, "a refund was asked for");
    Ok(requested)
}

/// A request to take back, or a fixed refund to call off.
#[derive(Debug, Clone, Copy)]
pub struct CancelRefund {
    /// The refund.
    pub refund: RefundId,
}

/// Takes a request back. What is fixed only the operator's accountant calls off: the posting is undone, and the money is
/// free advance again.
pub async fn cancel_refund(
    ctx: &Context,
    actor: &Actor,
    cmd: CancelRefund,
) -> Result<(), RequestRefundError> {
    let mut tx = ctx.store.begin().await?;
    cancel_refund_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(())
}

/// The same inside the caller's transaction.
pub async fn cancel_refund_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: CancelRefund,
) -> Result<(), RequestRefundError> {
    let no_such_refund = RequestRefundError::NoSuchRefund(cmd.refund);
    let Some(customer) = tx.refunds().customer_of(cmd.refund).await? else {
        // Who may not cancel any refund learns nothing of this one.
        return Err(may_at_all(actor).map_or_else(RequestRefundError::from, |()| no_such_refund));
    };
    if !require_own_or_staff(actor, customer, OWN_ROLES, STAFF, "cancel a refund")? {
        return Err(no_such_refund);
    }
    let now = ctx.now();
    tx.ledger().lock_customer(customer).await?;
    let Some(refund) = tx.refunds().find(cmd.refund).await? else {
        return Err(no_such_refund);
    };
    let was = refund.state;
    let state = was.cancel(actor.is_operator())?;
    tx.refunds().close(refund.id, state, now, &actor.name, "").await?;
    if let (RefundState::Fixed, Some(amount), Some(number)) = (was, refund.amount, refund.document_number) {
        let posting = RefundToPost {
            refund: refund.id,
            customer,
            amount,
            posted_on: ctx.today(),
            number,
        };
        tx.ledger()
            .append(PostingId::from_uuid(ctx.uuid()), &posting.called_off()?, now)
            .await?;
    }
    let details = json!({ "was": was.name() });
    tx.audit(now, &actor.name, "cancel_refund", &refund.id.to_string(), details)
        .await?;
    Ok(())
}

/// Whether the actor's role may cancel the refund of some customer.
fn may_at_all(actor: &Actor) -> Result<(), NotAllowed> {
    let roles = if actor.is_operator() { STAFF } else { OWN_ROLES };
    if actor.has_role(roles) {
        Ok(())
    } else {
        Err(NotAllowed {
            role: actor.role,
            action: "cancel a refund",
        })
    }
}

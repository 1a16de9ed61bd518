//! Records money that came in: by bank, at the cash desk, or as a provider tells it.
//!
//! Rule: billing.md §1, §3; offer [003 §5.12–5.13]. In one transaction: the payment, its posting (Dr where the money lies,
//! Cr what is owed and then the advance), its allocation to invoices (the named one first, then the oldest due), and the
//! notice to the ad servers, because a line whose invoice is paid may run now. A budget increase whose missing sum it pays
//! is in force in the same transaction (orders.md §6).
//!
//! The date that counts is the one on which the money reached the operator. When that date lies in a closed period, the
//! posting is dated the first day after it, and the allocation keeps the true date: the customer's delay ends with it.
//!
//! What no invoice takes pays claimed penalties (`claim_penalty`); the rest stays free.
//!
//! Not here: refunds, statement import.

use crate::app::claim_penalty::{PaidBeyondInvoices, PenaltyNotPaid, allocate_to_penalties};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::billing::allocation::{self, Allocation, MoneyReceived};
use namoyish_domain::billing::ledger::{PaymentMethod, PaymentToPost, Unbalanced, posting_of_payment};
use namoyish_domain::ids::{CustomerId, InvoiceId, PaymentId, PostingId};
use namoyish_domain::money::{Money, MoneyError};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_settlement::{increases, pay};
use namoyish_storage::payments::PaymentRecord;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Most characters of a reference.
pub const REFERENCE_CHARACTERS_MAX: usize = 200;
/// Most characters of an idempotency key.
pub const KEY_CHARACTERS_MAX: usize = 200;
/// Who may record a payment.
const ROLES: &[Role] = &[Role::Accountant, Role::Admin];

/// Money that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPayment {
    /// Who paid.
    pub customer: CustomerId,
    /// So'm; more than nothing.
    pub amount: Money,
    /// The day on which it reached the operator's account or desk; not in the future.
    pub received_on: NaiveDate,
    /// How.
    pub method: PaymentMethod,
    /// Number of the invoice that the payer named.
    pub named_invoice: Option<String>,
    /// The payer's reference, such as the number of the payment order.
    pub reference: String,
    /// The same key and body again answers as the first time; the same key with another body is refused.
    pub idempotency_key: String,
}

/// A recorded payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRecorded {
    /// The payment.
    pub payment: PaymentId,
    /// What it paid when it was recorded (and, told again, has paid by now).
    pub parts: Vec<Allocation>,
    /// What is free of it.
    pub free: Money,
    /// Whether it had been recorded already by a command with the same key.
    pub replayed: bool,
}

/// Why a payment isn't recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordPaymentError {
    /// The actor's role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Nothing or less was paid.
    #[error("amount: {amount} is not more than 0.00")]
    AmountNotPositive {
        /// What was given.
        amount: Money,
    },
    /// Money can't be received tomorrow.
    #[error("received_on: {received_on} lies after today, {today}")]
    ReceivedInFuture {
        /// What was given.
        received_on: NaiveDate,
        /// Today in Tashkent.
        today: NaiveDate,
    },
    /// A text is empty or too long.
    #[error("{field}: {characters} characters where 1 to {characters_max} are allowed")]
    TextLength {
        /// The field.
        field: &'static str,
        /// What was given.
        characters: usize,
        /// The limit.
        characters_max: usize,
    },
    /// No customer with this id.
    #[error("there is no customer {0}")]
    NoSuchCustomer(CustomerId),
    /// The customer has no invoice with this number.
    #[error("named_invoice: the customer has no invoice {number}")]
    NoSuchInvoice {
        /// What was given.
        number: String,
    },
    /// The key was used for another payment.
    #[error("the idempotency key was used for another payment")]
    KeyReused,
    /// A sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The posting wouldn't balance.
    #[error(transparent)]
    Posting(#[from] Unbalanced),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<PenaltyNotPaid> for RecordPaymentError {
    fn from(error: PenaltyNotPaid) -> RecordPaymentError {
        match error {
            PenaltyNotPaid::Money(error) => RecordPaymentError::Money(error),
            PenaltyNotPaid::Posting(error) => RecordPaymentError::Posting(error),
            PenaltyNotPaid::Db(error) => RecordPaymentError::Db(error),
        }
    }
}

impl Refusal for RecordPaymentError {
    fn told(&self) -> Told {
        match self {
            RecordPaymentError::NotAllowed(_) => Told::not_allowed(),
            RecordPaymentError::AmountNotPositive { .. } => Told::refused("amount_not_positive")
                .field("amount")
                .limit(Some("0.01".to_owned())),
            RecordPaymentError::ReceivedInFuture { today, .. } => Told::refused("received_in_future")
                .field("received_on")
                .limit(Some(today.to_string())),
            RecordPaymentError::TextLength {
                field,
                characters_max,
                ..
            } => Told::refused("text_length")
                .field(*field)
                .limit(Some(characters_max.to_string())),
            RecordPaymentError::NoSuchCustomer(_) => Told::not_found("no_such_customer").field("customer"),
            RecordPaymentError::NoSuchInvoice { .. } => {
                Told::refused("no_such_invoice").field("named_invoice")
            }
            RecordPaymentError::KeyReused => {
                Told::conflict("idempotency_key_reused").field("idempotency_key")
            }
            RecordPaymentError::Money(_) | RecordPaymentError::Posting(_) => {
                Told::refused("sum_too_large").field("amount")
            }
            RecordPaymentError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(RecordPaymentError);

/// Records a payment; see the module.
pub async fn record_payment(
    ctx: &Context,
    actor: &Actor,
    cmd: RecordPayment,
) -> Result<PaymentRecorded, RecordPaymentError> {
    let mut tx = ctx.store.begin().await?;
    let recorded = record_payment_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(recorded)
}

/// The same inside the caller's transaction.
pub async fn record_payment_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: RecordPayment,
) -> Result<PaymentRecorded, RecordPaymentError> {
    let now = ctx.now();
    require_staff(actor, ROLES, "record a payment")?;
    check(&cmd, ctx.today())?;

    // Load. A budget that this may raise is locked before its customer; one that is asked for in between is raised by the
    // worker. The customer's lock keeps two payments from seeing the same debts.
    let pending = tx.budget_increases().pending_of_customer(cmd.customer).await?;
    for (_, line) in &pending {
        tx.order_lines().lock(*line).await?;
    }
    if !tx.ledger().lock_customer(cmd.customer).await? {
        return Err(RecordPaymentError::NoSuchCustomer(cmd.customer));
    }
    let named = match &cmd.named_invoice {
        None => None,
        Some(number) => Some(
            tx.invoices()
                .id_of_number(cmd.customer, number)
                .await?
                .ok_or_else(|| RecordPaymentError::NoSuchInvoice {
                    number: number.clone(),
                })?,
        ),
    };
    if let Some(known) = tx.payments().by_key(&cmd.idempotency_key).await? {
        return answer_again(tx, &cmd, named, known).await;
    }
    let open = tx.invoices().open_of(cmd.customer).await?;
    let receivable = tx.ledger().balances_of(cmd.customer).await?.receivable;
    let first_open_day = tx
        .periods()
        .last_closed()
        .await?
        .map(|period| period.next().first_day());

    // Decide.
    let money = MoneyReceived {
        amount: cmd.amount,
        received_on: cmd.received_on,
        named,
    };
    let allocated = allocation::allocate(money, &open)?;
    let payment = PaymentRecord {
        id: PaymentId::from_uuid(ctx.uuid()),
        customer: cmd.customer,
        received_on: cmd.received_on,
        amount: cmd.amount,
        method: cmd.method,
        named_invoice: named,
        reference: cmd.reference,
        recorded_at: now,
        recorded_by: actor.name.clone(),
        idempotency_key: cmd.idempotency_key,
    };
    let posting = posting_of_payment(&PaymentToPost {
        customer: payment.customer,
        amount: payment.amount,
        method: payment.method,
        receivable,
        posted_on: first_open_day.map_or(payment.received_on, |day| day.max(payment.received_on)),
        document_ref: payment.id.to_string(),
    })?;

    // Commit.
    insert_once(tx, &payment).await?;
    tx.ledger()
        .append(PostingId::from_uuid(ctx.uuid()), &posting, now)
        .await?;
    for part in &allocated.parts {
        pay(tx, payment.id, part).await?;
    }
    if !allocated.parts.is_empty() {
        tx.bump_snapshot().await?;
    }
    for (increase, line) in pending {
        increases::decide(tx, ctx, &actor.name, increase, line).await?;
    }
    // Principal before penalty (billing.md §3).
    let free = allocate_to_penalties(
        tx,
        ctx,
        PaidBeyondInvoices {
            payment: payment.id,
            customer: payment.customer,
            received_on: payment.received_on,
            posted_on: posting.head().posted_on,
            free: allocated.free,
            to_advance: payment
                .amount
                .checked_sub(receivable.max(Money::ZERO).min(payment.amount))?,
        },
    )
    .await?;
    let details = json!({
        "customer": payment.customer.to_string(),
        "amount": payment.amount.to_string(),
        "received_on": payment.received_on.to_string(),
        "method": payment.method.name(),
    });
    tx.audit(
        now,
        &actor.name,
        "record_payment",
        &payment.id.to_string(),
        details,
    )
    .await?;
    tracing::info!(payment.id = %payment.id, sum_tiyin = payment.amount.tiyin(), "recorded a payment");
    Ok(PaymentRecorded {
        payment: payment.id,
        parts: allocated.parts,
        free,
        replayed: false,
    })
}

fn check(cmd: &RecordPayment, today: NaiveDate) -> Result<(), RecordPaymentError> {
    if !cmd.amount.is_positive() {
        return Err(RecordPaymentError::AmountNotPositive { amount: cmd.amount });
    }
    if cmd.received_on > today {
        return Err(RecordPaymentError::ReceivedInFuture {
            received_on: cmd.received_on,
            today,
        });
    }
    let lengths = [
        (
            "reference",
            cmd.reference.chars().count(),
            0,
            REFERENCE_CHARACTERS_MAX,
        ),
        (
            "idempotency_key",
            cmd.idempotency_key.chars().count(),
            1,
            KEY_CHARACTERS_MAX,
        ),
    ];
    for (field, characters, characters_min, characters_max) in lengths {
        if characters < characters_min || characters > characters_max {
            return Err(RecordPaymentError::TextLength {
                field,
                characters,
                characters_max,
            });
        }
    }
    Ok(())
}

/// The answer to a command whose key is known: the payment as it was recorded, or a refusal when it was another one.
async fn answer_again(
    tx: &mut Tx,
    cmd: &RecordPayment,
    named: Option<InvoiceId>,
    known: PaymentRecord,
) -> Result<PaymentRecorded, RecordPaymentError> {
    let same = known.customer == cmd.customer
        && known.amount == cmd.amount
        && known.received_on == cmd.received_on
        && known.method == cmd.method
        && known.named_invoice == named
        && known.reference == cmd.reference;
    if !same {
        return Err(RecordPaymentError::KeyReused);
    }
    let parts = tx.payments().allocations_of(known.id).await?;
    let allocated = Money::sum(parts.iter().map(|part| part.amount))?
        .checked_add(tx.penalty_claims().paid_by(known.id).await?)?;
    Ok(PaymentRecorded {
        payment: known.id,
        parts,
        free: known.amount.checked_sub(allocated)?,
        replayed: true,
    })
}

/// Two commands with one key for two customers race past the look-up; the database lets only one of them through.
async fn insert_once(tx: &mut Tx, payment: &PaymentRecord) -> Result<(), RecordPaymentError> {
    match tx.payments().insert(payment).await {
        Err(error) if error.is_constraint("payment_key_is_unique") => Err(RecordPaymentError::KeyReused),
        other => Ok(other?),
    }
}

//! Claims the late penalty of an invoice: an act of the accountant (billing.md §6) [003 §7.4]. Sum, document with its
//! calculation, posting, mail. And what payments pay of claims.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_documents::content::{
    CONTENT_VERSION, ContentError, ContentKind, DocumentRef, PenaltyClaimContent, PenaltySpan,
};
use namoyish_documents::{CanonicalError, Language, Party, canonical_json, sha256_hex};
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::late_penalty::{DAILY_RATE, PenaltyDay};
use namoyish_domain::billing::ledger::Unbalanced;
use namoyish_domain::billing::penalty_claim::{
    self, ClaimRefused, Claimable, DAYS_TO_PAY, PenaltyStanding, claimable, due_on, posting_of_claim,
    posting_of_paid_claims,
};
use namoyish_domain::ids::{CustomerId, DocumentId, InvoiceId, MailId, PaymentId, PostingId};
use namoyish_domain::money::{Money, MoneyError, Rate};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_settlement::mail_text;
use namoyish_storage::documents::NewDocument;
use namoyish_storage::invoices::InvoiceRecord;
use namoyish_storage::outbox::NewMail;
use namoyish_storage::penalty_claims::NewClaim;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// Who may claim and waive.
pub(crate) const ROLES: &[Role] = &[Role::Accountant, Role::Admin];

/// A claim to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPenalty {
    /// Of which invoice.
    pub invoice: InvoiceId,
    /// Calendar days to pay it, where agreed; ten otherwise.
    pub days_to_pay: Option<u32>,
}

/// A claim that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PenaltyClaimed {
    /// Its document.
    pub document: DocumentId,
    /// Its number.
    pub number: String,
    /// Sum and days.
    pub claim: Claimable,
    /// Last day to pay it.
    pub due_on: NaiveDate,
}

/// Why nothing is claimed, or waived.
#[derive(Debug, thiserror::Error)]
pub enum ClaimPenaltyError {
    /// The role may not.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No such invoice.
    #[error("there is no invoice {0}")]
    NoSuchInvoice(InvoiceId),
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] ClaimRefused),
    /// A sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The posting wouldn't balance.
    #[error(transparent)]
    Posting(#[from] Unbalanced),
    /// The content contradicts itself.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The content can't be written down.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ClaimPenaltyError {
    fn told(&self) -> Told {
        match self {
            ClaimPenaltyError::NotAllowed(_) => Told::not_allowed(),
            ClaimPenaltyError::NoSuchInvoice(_) => Told::not_found("no_such_invoice"),
            ClaimPenaltyError::Refused(refused) => told_of_refused(refused),
            ClaimPenaltyError::Db(error) => Told::of_database(error),
            ClaimPenaltyError::Money(_)
            | ClaimPenaltyError::Posting(_)
            | ClaimPenaltyError::Content(_)
            | ClaimPenaltyError::Canonical(_) => Told::internal(),
        }
    }
}

code_of!(ClaimPenaltyError);

pub(crate) fn told_of_refused(refused: &ClaimRefused) -> Told {
    match refused {
        ClaimRefused::DaysToPay { days_max, .. } => Told::refused(refused.code())
            .field("days_to_pay")
            .limit(Some(days_max.to_string())),
        ClaimRefused::Waived { through } => Told::conflict(refused.code()).limit(Some(through.to_string())),
        ClaimRefused::NotOverdue { begins_after } => {
            Told::conflict(refused.code()).limit(Some(begins_after.to_string()))
        }
        _ => Told::conflict(refused.code()),
    }
}

/// Claims.
pub async fn claim_penalty(
    ctx: &Context,
    actor: &Actor,
    cmd: ClaimPenalty,
) -> Result<PenaltyClaimed, ClaimPenaltyError> {
    let mut tx = ctx.store.begin().await?;
    let claimed = claim_penalty_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(claimed)
}

/// The invoice and its penalty, with the customer's money locked.
pub(crate) async fn locked_standing(
    tx: &mut Tx,
    invoice: InvoiceId,
) -> Result<Option<(InvoiceRecord, PenaltyStanding)>, DbError> {
    let Some(record) = tx.invoices().lookup(invoice).await? else {
        return Ok(None);
    };
    tx.ledger().lock_customer(record.customer).await?;
    let standing = tx.penalty_claims().standing(invoice).await?;
    Ok(standing.map(|standing| (record, standing)))
}

/// The same inside the caller's transaction.
pub async fn claim_penalty_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: ClaimPenalty,
) -> Result<PenaltyClaimed, ClaimPenaltyError> {
    let (now, today) = (ctx.now(), ctx.today());
    require_staff(actor, ROLES, "claim penalties")?;
    let (invoice, standing) = locked_standing(tx, cmd.invoice)
        .await?
        .ok_or(ClaimPenaltyError::NoSuchInvoice(cmd.invoice))?;
    let claim = claimable(&standing, today)?;
    let due_on = due_on(today, cmd.days_to_pay.unwrap_or(DAYS_TO_PAY))?;

    let year = chrono::Datelike::year(&today);
    let ordinal = tx.take_number(Series::PenaltyClaim.name(), year).await?;
    let number = Series::PenaltyClaim.number(year, ordinal);
    let days = tx
        .penalty_claims()
        .days_after(cmd.invoice, standing.waived_through)
        .await?;
    let document = DocumentId::from_uuid(ctx.uuid());
    let claimed = PenaltyClaimed {
        document,
        number,
        claim,
        due_on,
    };
    issue(tx, ctx, actor, &invoice, &standing, &days, &claimed).await?;
    let posting = posting_of_claim(invoice.customer, claim.amount, &claimed.number, today)?;
    tx.ledger()
        .append(PostingId::from_uuid(ctx.uuid()), &posting, now)
        .await?;
    let details = json!({
        "invoice": invoice.number,
        "claim": claimed.number,
        "amount": claim.amount.to_string(),
        "through": claim.through.to_string(),
        "due_on": due_on.to_string(),
    });
    tx.audit(
        now,
        &actor.name,
        "claim_penalty",
        &cmd.invoice.to_string(),
        details,
    )
    .await?;
    tracing::info!(invoice.id = %cmd.invoice, sum_tiyin = claim.amount.tiyin(), "claimed a penalty");
    Ok(claimed)
}

/// Days on which one sum was unpaid, together.
fn spans(days: &[PenaltyDay]) -> Result<Vec<PenaltySpan>, MoneyError> {
    let mut spans: Vec<PenaltySpan> = Vec::new();
    for day in days {
        let amount = day.amount.decimal();
        match spans.last_mut() {
            // The days that reach the cap, or lie beyond it, stand by themselves.
            Some(span)
                if span.base == day.base
                    && span.through.succ_opt() == Some(day.day)
                    && day.base.exact().checked_mul(DAILY_RATE)?.decimal() == amount =>
            {
                span.through = day.day;
                span.days = span.days.saturating_add(1);
                span.amount = span.amount.checked_add(amount).ok_or(MoneyError::Overflow)?;
            }
            _ => spans.push(PenaltySpan {
                from: day.day,
                through: day.day,
                days: 1,
                base: day.base,
                amount,
            }),
        }
    }
    Ok(spans)
}

async fn issue(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    invoice: &InvoiceRecord,
    standing: &PenaltyStanding,
    days: &[PenaltyDay],
    claimed: &PenaltyClaimed,
) -> Result<(), ClaimPenaltyError> {
    let now = ctx.now();
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or_else(|| DbError::Inconsistent("the operator has gone".to_owned()))?
        .requisites;
    let customer = tx
        .customers()
        .find(invoice.customer)
        .await?
        .ok_or_else(|| DbError::Inconsistent(format!("{} has gone", invoice.customer)))?;
    let content = PenaltyClaimContent {
        version: CONTENT_VERSION,
        kind: ContentKind::PenaltyClaim,
        number: claimed.number.clone(),
        place: operator.city.clone(),
        issued_on: ctx.today(),
        due_on: claimed.due_on,
        operator: Party::of_operator(&operator),
        customer: Party::of_customer(&customer.requisites),
        invoice: DocumentRef {
            number: invoice.number.clone(),
            date: invoice.issued_on,
        },
        invoice_due_on: standing.begins_after,
        invoice_gross: invoice.gross,
        order_number: invoice.order_number.clone().unwrap_or_default(),
        daily_rate: Rate::new(DAILY_RATE)?,
        spans: spans(days)?,
        claimed_before: standing.claimed,
        amount: claimed.claim.amount,
        purpose: format!(
            "{}-sonli talabnoma bo\u{2bb}yicha jarima ({}-sonli hisob)",
            claimed.number, invoice.number
        ),
    };
    content.check()?;
    let json = canonical_json(&content)?;
    let new = NewDocument {
        id: claimed.document,
        kind: Series::PenaltyClaim,
        number: &claimed.number,
        customer: invoice.customer,
        period: None,
        // A penalty is no price of a service: no VAT.
        net: claimed.claim.amount,
        vat: Money::ZERO,
        gross: claimed.claim.amount,
        content: &json,
        sha256: &sha256_hex(&json),
        issued_at: now,
    };
    tx.documents()
        .issue_dated(&new, ctx.today(), &[], &actor.name)
        .await?;
    let row = NewClaim {
        document: claimed.document,
        invoice: invoice.id,
        customer: invoice.customer,
        claim: claimed.claim,
        due_on: claimed.due_on,
        by: &actor.name,
    };
    tx.penalty_claims().insert(&row, now).await?;
    let language = Language::parse(&customer.language).unwrap_or(Language::UzLatn);
    let text = mail_text::penalty_claim(
        language,
        &claimed.number,
        &invoice.number,
        claimed.due_on,
        &operator.legal_name,
    );
    let mail = NewMail {
        id: MailId::from_uuid(ctx.uuid()),
        dedupe_key: format!("document:{}", claimed.document),
        recipient: customer.requisites.email.as_str().to_owned(),
        subject: text.subject,
        body: text.body,
        document: Some(claimed.document),
        language: customer.language,
    };
    tx.outbox().push(&mail, now).await?;
    Ok(())
}

/// A payment that was recorded and laid on invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidBeyondInvoices {
    /// The payment.
    pub payment: PaymentId,
    /// Who paid.
    pub customer: CustomerId,
    /// The day on which it came in.
    pub received_on: NaiveDate,
    /// Business date of its posting.
    pub posted_on: NaiveDate,
    /// What no invoice took.
    pub free: Money,
    /// What its posting credited to the advance: a debt for rendered services comes first.
    pub to_advance: Money,
}

/// Why what is left of a payment pays no claim.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PenaltyNotPaid {
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

/// Gives what no invoice took of a payment to claimed penalties, oldest due first, and posts it (billing.md §3: principal
/// before penalty). The caller holds the customer's lock and has posted the payment. Gives what is still free.
pub(crate) async fn allocate_to_penalties(
    tx: &mut Tx,
    ctx: &Context,
    paid: PaidBeyondInvoices,
) -> Result<Money, PenaltyNotPaid> {
    let usable = paid.free.min(paid.to_advance);
    if !usable.is_positive() {
        return Ok(paid.free);
    }
    let open = tx.penalty_claims().open_of(paid.customer).await?;
    let parts = penalty_claim::allocate(usable, &open)?;
    if parts.is_empty() {
        return Ok(paid.free);
    }
    let whole = Money::sum(parts.iter().map(|(_, amount)| *amount))?;
    for (claim, amount) in parts {
        tx.penalty_claims()
            .allocate(paid.payment, claim, paid.received_on, amount)
            .await?;
    }
    let posting = posting_of_paid_claims(paid.customer, whole, &paid.payment.to_string(), paid.posted_on)?;
    tx.ledger()
        .append(PostingId::from_uuid(ctx.uuid()), &posting, ctx.now())
        .await?;
    Ok(paid.free.checked_sub(whole)?)
}

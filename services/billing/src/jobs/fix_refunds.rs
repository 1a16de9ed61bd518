//! Fixes the sums of refunds that were asked for, when the contract that they wait for has ended and is settled.
//!
//! Rule: billing.md §8. In one transaction: the sum (`domain::billing::refund`), its document, the posting Dr advance / Cr
//! refund_payable of today, the unallocated money that goes into it, and the mail. Where there is a debt by then, or
//! nothing to refund, the request is refused and the customer told why.

use super::{JobError, Summary};
use crate::{content, mail_text};
use chrono::Datelike;
use namoyish_documents::content::{CONTENT_VERSION, ContentKind, RefundContent, RefundContract};
use namoyish_documents::{Language, canonical_json, sha256_hex};
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::refund::{RefundRefused, RefundState, RefundToPost, takes};
use namoyish_domain::ids::{CustomerId, DocumentId, MailId, PostingId, RefundId};
use namoyish_domain::money::Money;
use namoyish_runtime::context::Context;
use namoyish_settlement::ended::customer_money;
use namoyish_storage::customers::Customer;
use namoyish_storage::documents::NewDocument;
use namoyish_storage::outbox::NewMail;
use namoyish_storage::refunds::{FixedRefund, RefundRecord};
use namoyish_storage::settlements::MoneyOfCustomer;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The job's name in `job_runs`.
pub const NAME: &str = "fix_refunds";
/// Requests looked up at once.
const BATCH: u32 = 200;
const ACTOR: &str = "billing";

/// Fixes what can be fixed by now. `done` counts refunds fixed or refused.
pub async fn run(ctx: &Context) -> Result<Summary, JobError> {
    let mut summary = Summary::default();
    let mut first_failure = None;
    let mut after = None;
    loop {
        let due = ctx.store.refunds_to_fix(ctx.today(), after, BATCH).await?;
        let Some((last, _)) = due.last() else {
            return first_failure.map_or(Ok(summary), Err);
        };
        after = Some(*last);
        for (refund, customer) in due {
            match fix(ctx, refund, customer).await {
                Ok(true) => summary.done += 1,
                Ok(false) => summary.skipped += 1,
                Err(error) => {
                    tracing::error!(refund.id = %refund, error = %error, "a refund can't be fixed");
                    first_failure.get_or_insert(error);
                }
            }
        }
    }
}

/// Fixes or refuses one request. `false`: it waits for a settlement, or is no request any more.
pub async fn fix(ctx: &Context, id: RefundId, customer: CustomerId) -> Result<bool, JobError> {
    // Load.
    let mut tx = ctx.store.begin().await?;
    tx.ledger().lock_customer(customer).await?;
    let Some(refund) = tx.refunds().find(id).await? else {
        return Ok(false);
    };
    if refund.state != RefundState::Requested {
        return Ok(false);
    }
    if let Some(end) = refund.waits_until
        && tx
            .settlements()
            .unsettled_end(customer, Some(end))
            .await?
            .is_some()
    {
        return Ok(false);
    }
    let money = customer_money(&mut tx, customer, ctx.today()).await?;
    let record = tx
        .customers()
        .find(customer)
        .await?
        .ok_or_else(|| DbError::Inconsistent(format!("{customer} has gone")))?;

    // Decide.
    let decided = money
        .money
        .refund()
        .and_then(|amount| match record.requisites.bank {
            Some(_) => Ok(amount),
            None => Err(RefundRefused::NoSettlementAccount),
        });

    // Commit.
    match decided {
        Ok(amount) => issue(ctx, &mut tx, &refund, &record, &money, amount).await?,
        Err(RefundRefused::Money(error)) => return Err(error.into()),
        Err(refused) => refuse(ctx, &mut tx, &refund, &record, &refused).await?,
    }
    tx.save().await?;
    Ok(true)
}

async fn issue(
    ctx: &Context,
    tx: &mut Tx,
    refund: &RefundRecord,
    customer: &Customer,
    money: &MoneyOfCustomer,
    amount: Money,
) -> Result<(), JobError> {
    let (now, today) = (ctx.now(), ctx.today());
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or(JobError::NoOperator)?
        .requisites;
    let Some(bank) = &customer.requisites.bank else {
        return Err(DbError::Inconsistent(format!("{} has no account", customer.id)).into());
    };
    let ordinal = tx.take_number(Series::Refund.name(), today.year()).await?;
    let number = Series::Refund.number(today.year(), ordinal);
    let mut held = Money::ZERO;
    let mut contracts = Vec::new();
    for blank in &money.blanks {
        held = held.checked_add(blank.money.held()?)?;
        contracts.push(RefundContract {
            number: blank.number.clone(),
            date: blank.signed_on.unwrap_or(today),
            paid: blank.money.allocated,
            rendered: blank.money.posted.checked_add(blank.money.unposted)?,
            held: blank.money.held()?,
        });
    }
    let content = RefundContent {
        version: CONTENT_VERSION,
        kind: ContentKind::Refund,
        number: number.clone(),
        place: operator.city.clone(),
        issued_on: today,
        requested_on: refund.requested_on,
        due_on: refund.due_on,
        operator: content::operator(&operator),
        customer: content::customer(&customer.requisites),
        contracts,
        advance: money.money.advance,
        held,
        amount,
    };
    content.check()?;
    let json = canonical_json(&content)?;
    let sha256 = sha256_hex(&json);
    let document = DocumentId::from_uuid(ctx.uuid());
    let new = NewDocument {
        id: document,
        kind: Series::Refund,
        number: &number,
        customer: customer.id,
        period: None,
        net: amount,
        vat: Money::ZERO,
        gross: amount,
        content: &json,
        sha256: &sha256,
        issued_at: now,
    };
    tx.documents().issue(&new, &[], ACTOR).await?;
    let free = tx.payments().free_of(customer.id).await?;
    let fixed = FixedRefund {
        id: refund.id,
        amount,
        fixed_at: now,
        document,
        bank_name: &bank.bank_name,
        mfo: bank.mfo.as_str(),
        settlement_account: bank.account.as_str(),
    };
    tx.refunds().fix(&fixed, &takes(amount, &free)?).await?;
    let posting = RefundToPost {
        refund: refund.id,
        customer: customer.id,
        amount,
        posted_on: today,
        number: number.clone(),
    };
    tx.ledger()
        .append(PostingId::from_uuid(ctx.uuid()), &posting.fixed()?, now)
        .await?;
    let language = Language::parse(&customer.language).unwrap_or(Language::UzLatn);
    let text = mail_text::refund(language, &number, amount, refund.due_on, &operator.legal_name);
    let mail = NewMail {
        id: MailId::from_uuid(ctx.uuid()),
        dedupe_key: format!("document:{document}"),
        recipient: customer.requisites.email.as_str().to_owned(),
        subject: text.subject,
        body: text.body,
        document: Some(document),
        language: customer.language.clone(),
    };
    tx.outbox().push(&mail, now).await?;
    let details =
        json!({ "amount": amount.to_string(), "document": number, "due_on": refund.due_on.to_string() });
    tx.audit(now, ACTOR, "fix_refund", &refund.id.to_string(), details)
        .await?;
    metrics::counter!("documents_issued_total", "kind" => Series::Refund.name()).increment(1);
    Ok(())
}

async fn refuse(
    ctx: &Context,
    tx: &mut Tx,
    refund: &RefundRecord,
    customer: &Customer,
    refused: &RefundRefused,
) -> Result<(), JobError> {
    let now = ctx.now();
    tx.refunds()
        .close(refund.id, RefundState::Refused, now, ACTOR, refused.code())
        .await?;
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or(JobError::NoOperator)?
        .requisites;
    let language = Language::parse(&customer.language).unwrap_or(Language::UzLatn);
    let text = mail_text::refund_refused(language, refund.requested_on, refused, &operator.legal_name);
    let mail = NewMail {
        id: MailId::from_uuid(ctx.uuid()),
        dedupe_key: format!("refund-refused:{}", refund.id),
        recipient: customer.requisites.email.as_str().to_owned(),
        subject: text.subject,
        body: text.body,
        document: None,
        language: customer.language.clone(),
    };
    tx.outbox().push(&mail, now).await?;
    let details = json!({ "code": refused.code(), "reason": refused.to_string() });
    tx.audit(now, ACTOR, "refuse_refund", &refund.id.to_string(), details)
        .await?;
    Ok(())
}

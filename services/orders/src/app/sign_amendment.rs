//! Signing an amendment: its text is frozen, the lines take their new values, and the money follows (orders.md §6)
//! [003 §5.2, §10.1.1].
//!
//! One transaction, under the locks of the blank and its lines: what is added is invoiced as at signing, what is taken off
//! lowers the invoices that cover the line, the latest due first, and what was paid of it is free advance again.

use crate::app::amendment_terms::{
    AmendmentRefused, AmendmentTerms, Judged, amendment_terms, changed_values,
};
use crate::app::propose_amendment::lock;
use crate::app::scan::ScanRefused;
use crate::app::sign_order_blank::HowSigned;
use crate::app::signing_code::{SigningCodeError, check_signing_code, send_code_in};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff, require_staff};
use chrono::{Datelike, NaiveDate};
use namoyish_domain::billing::document::Series;
use namoyish_domain::ids::{AmendmentId, InvoiceId};
use namoyish_domain::money::{Money, Rate};
use namoyish_domain::orders::amendment::AmendmentMoveRefused;
use namoyish_domain::orders::order_blank::SignatureKind;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_settlement::{allocate_free, reduce_invoice};
use namoyish_storage::amendments::{Amendment, AmendmentSignature};
use namoyish_storage::invoices::{InvoiceKind, InvoiceReduction, IssueInvoice, ReductionReason};
use namoyish_storage::order_blanks::{OrderBlank, Scan};
use namoyish_storage::{DbError, Tx};
use serde_json::{Map, Value, json};

/// What to sign.
#[derive(Debug, Clone)]
pub struct SignAmendment {
    /// An offered amendment.
    pub amendment: AmendmentId,
    /// How.
    pub how: HowSigned,
    /// SHA-256 of the text that the customer was shown; a signature under another text is refused.
    pub shown_sha256: Option<String>,
}

/// An amendment in force, with the invoices that it made.
#[derive(Debug, Clone)]
pub struct SignedAmendment {
    /// The amendment.
    pub amendment: Amendment,
    /// The invoices by due date.
    pub invoices: Vec<InvoiceId>,
}

/// Why it isn't signed.
#[derive(Debug, thiserror::Error)]
pub enum SignAmendmentError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such amendment.
    #[error("there is no amendment {amendment}")]
    NoSuchAmendment {
        /// The id.
        amendment: AmendmentId,
    },
    /// Not offered, or signed already.
    #[error(transparent)]
    State(#[from] AmendmentMoveRefused),
    /// The one-time code.
    #[error(transparent)]
    Code(#[from] SigningCodeError),
    /// The scan.
    #[error(transparent)]
    Scan(#[from] ScanRefused),
    /// The text isn't the one that the customer was shown.
    #[error("the terms have changed since they were shown: read them again")]
    TermsChanged,
    /// A paper can't be signed tomorrow, nor before the amendment was made out.
    #[error("the date of signature {signed_on} lies outside {earliest}..{today}")]
    SignedOn {
        /// The date given.
        signed_on: NaiveDate,
        /// The day on which it was made out.
        earliest: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// A rule.
    #[error(transparent)]
    Refused(#[from] AmendmentRefused),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for SignAmendmentError {
    fn told(&self) -> Told {
        use SignAmendmentError as Error;
        match self {
            Error::NotAllowed(_) => Told::not_allowed(),
            Error::NoSuchAmendment { .. } => Told::not_found("no_such_amendment"),
            Error::State(refused) => Told::conflict(refused.code()),
            Error::Code(refused) => refused.told(),
            Error::Scan(refused) => Told::refused(refused.code()).field("file").limit(refused.limit()),
            Error::TermsChanged => Told::conflict("terms_changed"),
            Error::SignedOn { .. } => Told::refused("signature_date_out_of_range").field("signed_on"),
            Error::Refused(refused) => refused.told(),
            Error::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(SignAmendmentError);

/// Sends a one-time code that signs this amendment and nothing else.
pub async fn send_amendment_code(
    ctx: &Context,
    actor: &Actor,
    id: AmendmentId,
) -> Result<(), SignAmendmentError> {
    let mut tx = ctx.store.begin().await?;
    let no_such_amendment = SignAmendmentError::NoSuchAmendment { amendment: id };
    let Some((blank, amendment)) = lock(&mut tx, id).await? else {
        return Err(no_such_amendment);
    };
    if !may_sign(actor, &blank, &amendment)? {
        return Err(no_such_amendment);
    }
    amendment.state.sign()?;
    let name = format!("{}/{}", blank.number, amendment.number);
    send_code_in(&mut tx, ctx, actor, &blank, id.uuid(), &name).await?;
    tx.save().await?;
    Ok(())
}

/// Signs an offered amendment.
pub async fn sign_amendment(
    ctx: &Context,
    actor: &Actor,
    cmd: SignAmendment,
) -> Result<SignedAmendment, SignAmendmentError> {
    if let HowSigned::CabinetCode { code } = &cmd.how {
        // Whose it is comes first: nobody tries codes on another customer's amendment.
        let no_such_amendment = SignAmendmentError::NoSuchAmendment {
            amendment: cmd.amendment,
        };
        let mut tx = ctx.store.begin().await?;
        let found = lock(&mut tx, cmd.amendment).await?;
        drop(tx);
        let Some((blank, amendment)) = found else {
            return Err(no_such_amendment);
        };
        if !may_sign(actor, &blank, &amendment)? {
            return Err(no_such_amendment);
        }
        amendment.state.sign()?;
        check_signing_code(ctx, blank.id, amendment.id.uuid(), code).await?;
    }
    let mut tx = ctx.store.begin().await?;
    let signed = commit(&mut tx, ctx, actor, &cmd, None).await?;
    tx.save().await?;
    Ok(signed)
}

/// Records a paper signature with its scan inside the caller's transaction.
pub async fn sign_amendment_on_paper_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    amendment: AmendmentId,
    signed_on: Option<NaiveDate>,
    scan: Result<Scan, ScanRefused>,
) -> Result<SignedAmendment, SignAmendmentError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "record paper signatures")?;
    let scan = scan?;
    let cmd = SignAmendment {
        amendment,
        how: HowSigned::Paper { signed_on },
        shown_sha256: None,
    };
    commit(tx, ctx, actor, &cmd, Some(&scan)).await
}

fn may_sign(actor: &Actor, blank: &OrderBlank, amendment: &Amendment) -> Result<bool, NotAllowed> {
    let is_own = require_own_or_staff(actor, blank.customer, &[Role::Owner], &[], "sign amendments")?;
    Ok(is_own && amendment.offered_at.is_some())
}

async fn commit(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: &SignAmendment,
    scan: Option<&Scan>,
) -> Result<SignedAmendment, SignAmendmentError> {
    // Load: the blank, its lines, the customer, in that order.
    let id = cmd.amendment;
    let no_such_amendment = SignAmendmentError::NoSuchAmendment { amendment: id };
    let Some((blank, mut amendment)) = lock(tx, id).await? else {
        return Err(no_such_amendment);
    };
    let today = ctx.today();
    let (kind, signed_on) = match &cmd.how {
        HowSigned::CabinetCode { .. } => {
            if !may_sign(actor, &blank, &amendment)? {
                return Err(no_such_amendment);
            }
            (SignatureKind::CabinetCode, today)
        }
        HowSigned::Paper { signed_on } => {
            require_staff(actor, &[Role::Sales, Role::Admin], "record paper signatures")?;
            (SignatureKind::Paper, signed_on.unwrap_or(today))
        }
        // Standing terms are accepted as they are; what the parties agree on beside them is signed.
        HowSigned::PublicOffer { .. } => {
            return Err(SignAmendmentError::NotAllowed(NotAllowed {
                role: actor.role,
                action: "agree on an amendment by accepting the public offer",
            }));
        }
    };
    tx.order_lines().lock_of_blank(blank.id).await?;
    tx.ledger().lock_customer(blank.customer).await?;
    let changes = tx.amendments().lines(id).await?;

    // Decide.
    amendment.state = amendment.state.sign()?;
    if signed_on < amendment.made_out_on || signed_on > today {
        return Err(SignAmendmentError::SignedOn {
            signed_on,
            earliest: amendment.made_out_on,
            today,
        });
    }
    let terms = amendment_terms(tx, &blank, &amendment, &changes, today).await?;
    if cmd
        .shown_sha256
        .as_ref()
        .is_some_and(|shown| *shown != terms.sha256)
    {
        return Err(SignAmendmentError::TermsChanged);
    }

    // Commit: the amendment's row first, which lets its lines change.
    if let Some(scan) = scan {
        tx.order_blanks().put_scan(scan, ctx.now()).await?;
    }
    let signature = AmendmentSignature {
        signed_at: ctx.now(),
        signed_on,
        kind,
        signed_by: actor.name.clone(),
        canonical_json: terms.canonical_json.clone(),
        sha256: terms.sha256.clone(),
        previous_sha256: terms.previous_sha256.clone(),
        scan: scan.map(|scan| scan.sha256.clone()),
    };
    tx.amendments().sign(id, &signature).await?;
    tx.order_blanks().delete_code(blank.id).await?;
    let reference = format!("{}/{}", blank.number, amendment.number);
    for judged in &terms.judged {
        change_line(tx, ctx, actor, &reference, judged).await?;
    }
    let invoices = settle(tx, ctx, actor, &blank, &terms, today).await?;
    tx.bump_snapshot().await?;
    let details = json!({
        "order_blank": blank.number,
        "number": amendment.number,
        "how": kind.code(),
        "signed_on": signed_on.to_string(),
        "sha256": signature.sha256,
        "previous_sha256": signature.previous_sha256,
        "invoices": invoices.len(),
    });
    tx.audit(ctx.now(), &actor.name, "sign_amendment", &id.to_string(), details)
        .await?;
    amendment.signature = Some(signature);
    Ok(SignedAmendment { amendment, invoices })
}

/// Writes the new values with their history. A budget's change has its own kind: it re-plans the day from this instant on.
async fn change_line(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    reference: &str,
    judged: &Judged,
) -> Result<(), DbError> {
    tx.order_lines().amend(&judged.after).await?;
    let mut details: Map<String, Value> = changed_values(judged)
        .into_iter()
        .map(|(name, from, to)| (name.to_owned(), json!({"from": from, "to": to})))
        .collect();
    details.insert("amendment".to_owned(), json!(reference));
    let line = judged.after.id;
    let budgets = judged.before.budget.zip(judged.after.budget);
    tx.order_lines()
        .insert_change(line, ctx.now(), &actor.name, "amended", Value::Object(details))
        .await?;
    if let Some((before, after)) = budgets.filter(|(before, after)| before.amount != after.amount) {
        let kind = if after.amount > before.amount {
            "budget_increased"
        } else {
            "budget_decreased"
        };
        let details = json!({
            "amendment": reference,
            "from": before.amount.to_string(),
            "to": after.amount.to_string(),
        });
        tx.order_lines()
            .insert_change(line, ctx.now(), &actor.name, kind, details)
            .await?;
    }
    if let Some(material) = judged.change.material {
        let consent = format!("amendment {reference}");
        tx.materials()
            .clear_second_subject(material, &consent, reference, &actor.name, ctx.now())
            .await?;
    }
    Ok(())
}

/// Invoices of what is added, reductions of what is taken off; then free money pays what is open.
async fn settle(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    blank: &OrderBlank,
    terms: &AmendmentTerms,
    today: NaiveDate,
) -> Result<Vec<InvoiceId>, DbError> {
    let mut invoices = Vec::with_capacity(terms.invoices.len());
    for draft in &terms.invoices {
        let year = today.year();
        let number = Series::Invoice.number(year, tx.take_number(Series::Invoice.name(), year).await?);
        let invoice = IssueInvoice {
            id: InvoiceId::from_uuid(ctx.uuid()),
            number: &number,
            customer: blank.customer,
            order_blank: Some(blank.id),
            kind: InvoiceKind::Prepayment,
            issued_at: ctx.now(),
            draft,
        };
        tx.invoices().issue(&invoice).await?;
        invoices.push(invoice.id);
    }
    for (line, net) in &terms.taken_off {
        let mut left = *net;
        for covering in tx.amendments().covering(*line).await? {
            let part = left.min(covering.line_net).min(covering.due_net);
            if !part.is_positive() {
                continue;
            }
            left = left.checked_sub(part)?;
            let reduction = InvoiceReduction {
                invoice: covering.invoice,
                reduced_on: today,
                net: part,
                vat: vat_off(part, covering.due_net, covering.due_vat, blank.vat.rate())?,
                reason: ReductionReason::Amended,
            };
            reduce_invoice(tx, &reduction, &actor.name, ctx.now()).await?;
        }
    }
    allocate_free(tx, blank.customer).await?;
    Ok(invoices)
}

/// VAT that falls with a part of the net: all that is left with the last of it, never more than there is.
fn vat_off(part: Money, due_net: Money, due_vat: Money, rate: Rate) -> Result<Money, DbError> {
    if part == due_net {
        return Ok(due_vat);
    }
    Ok(rate.of(part)?.min(due_vat))
}

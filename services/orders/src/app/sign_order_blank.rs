//! Signing an order blank: the terms are frozen, the invoices are issued, and free advance pays them at once
//! (orders.md §3; billing.md §2–3) [003 §2, §5.11].
//!
//! One transaction: a contract without its invoices can't exist, nor can an invoice without its contract.

use crate::app::record_payment::allocate_free;
use crate::app::signing_code::{SigningCodeError, check_signing_code};
use crate::app::terms::terms_of;
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff, require_staff};
use chrono::{Datelike, NaiveDate};
use namoyish_documents::canonical::CanonicalError;
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::invoice::{DrawUpRefused, InvoiceTerms, LineCharge, LineToInvoice, draw_up};
use namoyish_domain::ids::{InvoiceId, OrderBlankId};
use namoyish_domain::orders::order_blank::{LineKind, MoveRefused, SignatureKind};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::invoices::{InvoiceKind, IssueInvoice};
use namoyish_storage::order_blanks::{OrderBlank, Signature};
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;
use serde_json::json;

/// What to sign.
#[derive(Debug, Clone)]
pub struct SignOrderBlank {
    /// An offered blank.
    pub blank: OrderBlankId,
    /// How.
    pub how: HowSigned,
}

/// How the customer signed.
#[derive(Clone)]
pub enum HowSigned {
    /// In the cabinet: the password was asked for again by the page, this is the one-time code.
    CabinetCode {
        /// Six digits.
        code: String,
    },
    /// On paper, recorded by the operator's staff.
    Paper {
        /// Date of the signature; `None`: today.
        signed_on: Option<NaiveDate>,
    },
}

/// Never shows the code.
impl std::fmt::Debug for HowSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HowSigned::CabinetCode { .. } => f.write_str("CabinetCode"),
            HowSigned::Paper { signed_on } => f.debug_struct("Paper").field("signed_on", signed_on).finish(),
        }
    }
}

/// A contract with the invoices it made.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The blank.
    pub blank: OrderBlank,
    /// The invoices by due date.
    pub invoices: Vec<InvoiceId>,
}

/// Why it isn't signed.
#[derive(Debug, thiserror::Error)]
pub enum SignOrderBlankError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such blank.
    #[error("there is no order blank {blank}")]
    NoSuchBlank {
        /// The id.
        blank: OrderBlankId,
    },
    /// Not offered.
    #[error(transparent)]
    State(#[from] MoveRefused),
    /// The one-time code.
    #[error(transparent)]
    Code(#[from] SigningCodeError),
    /// A paper can't be signed tomorrow, nor before the blank was made out.
    #[error("the date of signature {signed_on} lies outside {earliest}..{today}")]
    SignedOn {
        /// The date given.
        signed_on: NaiveDate,
        /// The day on which the blank was made out.
        earliest: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// No invoice can be drawn up.
    #[error(transparent)]
    Invoice(#[from] DrawUpRefused),
    /// The terms have no canonical form.
    #[error(transparent)]
    Terms(#[from] CanonicalError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for SignOrderBlankError {
    fn told(&self) -> Told {
        match self {
            SignOrderBlankError::NotAllowed(_) => Told::not_allowed(),
            SignOrderBlankError::NoSuchBlank { .. } => Told::not_found("no_such_order_blank"),
            SignOrderBlankError::State(refused) => Told::conflict(refused.code()),
            SignOrderBlankError::Code(refused) => refused.told(),
            SignOrderBlankError::SignedOn { .. } => {
                Told::refused("signature_date_out_of_range").field("signed_on")
            }
            SignOrderBlankError::Invoice(refused) => Told::refused(refused.code()).field("own_due_on"),
            SignOrderBlankError::Terms(_) => Told::internal(),
            SignOrderBlankError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(SignOrderBlankError);

/// Signs an offered blank.
pub async fn sign_order_blank(
    ctx: &Context,
    actor: &Actor,
    cmd: SignOrderBlank,
) -> Result<Signed, SignOrderBlankError> {
    if let HowSigned::CabinetCode { code } = &cmd.how {
        // Whose blank it is comes first: nobody tries codes on another customer's blank.
        let mut tx = ctx.store.begin().await?;
        let found = tx.order_blanks().find(cmd.blank).await?;
        drop(tx);
        let blank = found.filter(|blank| actor.may_see(blank.customer));
        let blank = blank.ok_or(SignOrderBlankError::NoSuchBlank { blank: cmd.blank })?;
        authorise(actor, &blank, &cmd.how)?;
        blank.state.sign()?;
        check_signing_code(ctx, cmd.blank, code).await?;
    }
    let mut tx = ctx.store.begin().await?;
    let signed = commit_signature(&mut tx, ctx, actor, &cmd).await?;
    tx.save().await?;
    Ok(signed)
}

/// Records a paper signature inside the caller's transaction.
pub async fn sign_on_paper_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    blank: OrderBlankId,
    signed_on: Option<NaiveDate>,
) -> Result<Signed, SignOrderBlankError> {
    let cmd = SignOrderBlank {
        blank,
        how: HowSigned::Paper { signed_on },
    };
    commit_signature(tx, ctx, actor, &cmd).await
}

fn authorise(actor: &Actor, blank: &OrderBlank, how: &HowSigned) -> Result<(), SignOrderBlankError> {
    match how {
        HowSigned::CabinetCode { .. } => {
            if !require_own_or_staff(actor, blank.customer, &[Role::Owner], &[], "sign order blanks")? {
                return Err(SignOrderBlankError::NoSuchBlank { blank: blank.id });
            }
        }
        HowSigned::Paper { .. } => {
            require_staff(actor, &[Role::Sales, Role::Admin], "record paper signatures")?
        }
    }
    Ok(())
}

async fn commit_signature(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: &SignOrderBlank,
) -> Result<Signed, SignOrderBlankError> {
    // Load.
    let no_such_blank = SignOrderBlankError::NoSuchBlank { blank: cmd.blank };
    let Some(mut blank) = tx.order_blanks().lock(cmd.blank).await? else {
        return Err(no_such_blank);
    };
    authorise(actor, &blank, &cmd.how)?;
    // The customer's lock comes before the numbers', as everywhere where both are taken.
    tx.customers().lock(blank.customer).await?;
    let lines = tx.order_lines().of_blank(blank.id).await?;
    let calendar = tx.calendar_days().calendar().await?;

    // Decide.
    let today = ctx.today();
    let (kind, signed_on) = match &cmd.how {
        HowSigned::CabinetCode { .. } => (SignatureKind::CabinetCode, today),
        HowSigned::Paper { signed_on } => (SignatureKind::Paper, signed_on.unwrap_or(today)),
    };
    blank.state = blank.state.sign()?;
    if signed_on < blank.made_out_on || signed_on > today {
        return Err(SignOrderBlankError::SignedOn {
            signed_on,
            earliest: blank.made_out_on,
            today,
        });
    }
    let to_invoice = lines.iter().map(charge_of).collect::<Result<Vec<_>, _>>()?;
    let terms = InvoiceTerms {
        signed_on,
        prepayment: blank.prepayment,
        own_due_on: blank.own_due_on,
        vat_rate: blank.vat.rate(),
        calendar: &calendar,
    };
    let drafts = draw_up(terms, &to_invoice)?;

    // Commit.
    let frozen = terms_of(tx, &blank, &lines).await?;
    let signature = Signature {
        signed_at: ctx.now(),
        signed_on,
        kind,
        signed_by: actor.name.clone(),
        canonical_json: frozen.canonical_json,
        sha256: frozen.sha256,
    };
    tx.order_blanks().sign(blank.id, &signature).await?;
    tx.order_blanks().delete_code(blank.id).await?;
    let mut invoices = Vec::with_capacity(drafts.len());
    for draft in &drafts {
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
    allocate_free(tx, blank.customer).await?;
    tx.bump_snapshot().await?;
    let details = json!({
        "number": blank.number,
        "signed_on": signed_on.to_string(),
        "how": kind.code(),
        "sha256": signature.sha256,
        "invoices": invoices.len(),
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        "sign_order_blank",
        &blank.id.to_string(),
        details,
    )
    .await?;
    blank.signature = Some(signature);
    Ok(Signed { blank, invoices })
}

/// What a line costs, as the invoice rules see it.
fn charge_of(line: &OrderLine) -> Result<LineToInvoice, DbError> {
    let quantity = line.quantity.unwrap_or(Decimal::ONE);
    let charge = match (line.kind, line.budget) {
        (LineKind::Media, Some(budget)) => LineCharge::Media(budget),
        (LineKind::Media, None) => {
            return Err(DbError::Inconsistent(format!(
                "order line {}: media without a budget",
                line.id
            )));
        }
        (LineKind::Period, _) => LineCharge::Period(line.unit_price),
        (LineKind::Additional, _) if line.one_off => LineCharge::OneOff {
            price: line.unit_price,
            quantity,
        },
        (LineKind::Additional, _) => LineCharge::Monthly {
            price: line.unit_price,
            quantity,
        },
    };
    Ok(LineToInvoice {
        line: line.id,
        term: line.ordered_term,
        charge,
    })
}

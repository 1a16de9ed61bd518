//! Signing an order blank: the terms are frozen, the invoices are issued, and free advance pays them at once
//! (orders.md §3; billing.md §2–3) [003 §2, §5.11].
//!
//! One transaction: a contract without its invoices can't exist, nor can an invoice without its contract.

use crate::app::line_price::{PriceChanged, changed_price};
use crate::app::scan::ScanRefused;
use crate::app::signing_code::{SigningCodeError, check_signing_code};
use crate::app::terms::{charge_of, edition_at_signing, terms_of};
use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff, require_staff};
use chrono::{Datelike, NaiveDate};
use namoyish_documents::canonical::CanonicalError;
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::invoice::{DrawUpRefused, InvoiceTerms, draw_up};
use namoyish_domain::calendar::plus_days;
use namoyish_domain::ids::{InvoiceId, OrderBlankId};
use namoyish_domain::orders::order_blank::{MoveRefused, SignatureKind};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_settlement::allocate_free;
use namoyish_storage::invoices::{InvoiceKind, IssueInvoice};
use namoyish_storage::order_blanks::{OrderBlank, Scan, Signature};
use namoyish_storage::{DbError, Tx};
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
    /// Not at all: by accepting the public offer [003 §5.2].
    PublicOffer {
        /// The day on which a service was used, whose price it is; `None`: today.
        used_on: Option<NaiveDate>,
    },
}

/// Never shows the code.
impl std::fmt::Debug for HowSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            HowSigned::CabinetCode { .. } => f.write_str("CabinetCode"),
            HowSigned::Paper { signed_on } => f.debug_struct("Paper").field("signed_on", signed_on).finish(),
            HowSigned::PublicOffer { used_on } => {
                f.debug_struct("PublicOffer").field("used_on", used_on).finish()
            }
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
    /// The terms are not those that the customer was shown.
    #[error("the terms have changed since they were shown: read them again")]
    TermsChanged,
    /// The price of a line isn't that of the list in force.
    #[error(transparent)]
    PriceChanged(PriceChanged),
    /// The scan.
    #[error(transparent)]
    Scan(#[from] ScanRefused),
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
            SignOrderBlankError::TermsChanged => Told::conflict("terms_changed"),
            SignOrderBlankError::PriceChanged(changed) => Told::conflict("price_list_changed")
                .field(format!("lines[{}].unit_price", changed.position))
                .limit(changed.now.map(|price| price.to_string())),
            SignOrderBlankError::Scan(refused) => {
                Told::refused(refused.code()).field("file").limit(refused.limit())
            }
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
    sign_shown_terms(ctx, actor, cmd, None).await
}

/// The same; refused when the terms aren't those whose SHA-256 the customer was shown.
pub async fn sign_shown_terms(
    ctx: &Context,
    actor: &Actor,
    cmd: SignOrderBlank,
    shown_sha256: Option<&str>,
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
        check_signing_code(ctx, cmd.blank, cmd.blank.uuid(), code).await?;
    }
    let mut tx = ctx.store.begin().await?;
    let with = Evidence {
        shown_sha256,
        scan: None,
    };
    let signed = commit_signature(&mut tx, ctx, actor, &cmd, with).await?;
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
    commit_signature(tx, ctx, actor, &cmd, Evidence::default()).await
}

/// Records a paper signature with its scan, which [`crate::app::scan::check_scan`] made, inside the caller's transaction.
pub async fn sign_scanned_paper_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    blank: OrderBlankId,
    signed_on: Option<NaiveDate>,
    scan: Result<Scan, ScanRefused>,
) -> Result<Signed, SignOrderBlankError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "record paper signatures")?;
    let cmd = SignOrderBlank {
        blank,
        how: HowSigned::Paper { signed_on },
    };
    let scan = scan?;
    let with = Evidence {
        scan: Some(&scan),
        shown_sha256: None,
    };
    commit_signature(tx, ctx, actor, &cmd, with).await
}

/// Makes a contract of a blank that the platform offered, because the customer accepted the public offer or used a
/// service of it. The caller has authorised the actor.
pub(super) async fn sign_by_acceptance_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    blank: OrderBlankId,
    used_on: Option<NaiveDate>,
) -> Result<Signed, SignOrderBlankError> {
    let cmd = SignOrderBlank {
        blank,
        how: HowSigned::PublicOffer { used_on },
    };
    commit_signature(tx, ctx, actor, &cmd, Evidence::default()).await
}

/// What a signature rests on beside the code.
#[derive(Default, Clone, Copy)]
struct Evidence<'a> {
    shown_sha256: Option<&'a str>,
    scan: Option<&'a Scan>,
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
        HowSigned::PublicOffer { .. } => {
            let (own, staff) = ([Role::Owner, Role::Manager], [Role::Sales, Role::Admin]);
            if !require_own_or_staff(actor, blank.customer, &own, &staff, "accept the public offer")? {
                return Err(SignOrderBlankError::NoSuchBlank { blank: blank.id });
            }
        }
    }
    Ok(())
}

async fn commit_signature(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: &SignOrderBlank,
    with: Evidence<'_>,
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
    let (kind, signed_on, priced_on) = match &cmd.how {
        HowSigned::CabinetCode { .. } => (SignatureKind::CabinetCode, today, today),
        HowSigned::Paper { signed_on } => {
            let signed_on = signed_on.unwrap_or(today);
            (SignatureKind::Paper, signed_on, signed_on)
        }
        HowSigned::PublicOffer { used_on } => (SignatureKind::PublicOffer, today, used_on.unwrap_or(today)),
    };
    blank.state = blank.state.sign()?;
    if signed_on < blank.made_out_on || signed_on > today {
        return Err(SignOrderBlankError::SignedOn {
            signed_on,
            earliest: blank.made_out_on,
            today,
        });
    }
    // The price is that of the list in force at signing; another one was shown: it is drawn up again [003 §5.2].
    if let Some(changed) = changed_price(tx, &blank, &lines, priced_on).await? {
        return Err(SignOrderBlankError::PriceChanged(changed));
    }
    let edition_before = blank.rules_edition;
    blank.rules_edition = edition_at_signing(tx, &blank, signed_on).await?;
    let to_invoice = lines
        .iter()
        .map(|line| charge_of(line, line.ordered_term))
        .collect::<Result<Vec<_>, _>>()?;
    let terms = InvoiceTerms {
        signed_on,
        prepayment: blank.prepayment,
        own_due_on: blank
            .own_due_on
            .or(blank.own_due_days.map(|days| plus_days(signed_on, days.into()))),
        vat_rate: blank.vat.rate(),
        calendar: &calendar,
    };
    let drafts = draw_up(terms, &to_invoice)?;

    // Commit.
    let frozen = terms_of(tx, &blank, &lines).await?;
    if with.shown_sha256.is_some_and(|shown| shown != frozen.sha256) {
        return Err(SignOrderBlankError::TermsChanged);
    }
    if blank.rules_edition != edition_before {
        tx.order_blanks()
            .set_edition(blank.id, blank.rules_edition)
            .await?;
    }
    if let Some(scan) = with.scan {
        tx.order_blanks().put_scan(scan, ctx.now()).await?;
    }
    let signature = Signature {
        signed_at: ctx.now(),
        signed_on,
        kind,
        signed_by: actor.name.clone(),
        canonical_json: frozen.canonical_json,
        sha256: frozen.sha256,
        scan: with.scan.map(|scan| scan.sha256.clone()),
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
        "scan": signature.scan,
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

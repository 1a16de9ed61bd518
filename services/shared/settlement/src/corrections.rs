//! Issuing a correcting document: content, number, posting, additional VAT invoice, mail.
//!
//! Rule: billing.md §5; uzbekistan.md §3.2 (corrections of a VAT invoice are additional ones with differences). An upheld
//! objection (order service) and late statistics (billing worker) both end here. The posting is dated today, in the open
//! period; the corrected month stays closed and its document as it was issued.

use namoyish_documents::content::{
    CONTENT_VERSION, ContentError, ContentKind, CorrectionContent, CorrectionLine, CorrectionReason,
    DocumentRef, LocalizedName, Sums, Unit, VatInvoiceContent, VatInvoiceLine, VatInvoiceType,
};
use namoyish_documents::{CanonicalError, Language, Party, canonical_json, sha256_hex};
use namoyish_domain::billing::correction::{CorrectedLine, Correction};
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::ledger::Unbalanced;
use namoyish_domain::billing::primary_document::AdvanceAndDebt;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{CustomerId, DocumentId, MailId, PostingId};
use namoyish_domain::money::{Money, MoneyError};
use namoyish_domain::orders::order_blank::LineKind;
use namoyish_runtime::context::Context;
use namoyish_storage::documents::{DocumentRecord, NewDocument, NewLine};
use namoyish_storage::objections::{ChargedLineRecord, Relation};
use namoyish_storage::outbox::NewMail;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;

use crate::mail_text;

/// A correction to issue.
#[derive(Debug, Clone, Copy)]
pub struct NewCorrection<'a> {
    /// The primary document that it corrects.
    pub primary: &'a DocumentRecord,
    /// That document's lines as they are charged now.
    pub charged: &'a [ChargedLineRecord],
    /// What changes.
    pub correction: &'a Correction,
    /// By how much the quantity of each of its lines changes, in the same order.
    pub quantities: &'a [Decimal],
    /// Why.
    pub reason: CorrectionReason,
    /// The decision in the operator's words.
    pub explanation: &'a str,
    /// Who issues it.
    pub actor: &'a str,
}

/// Why none was issued: all of these are faults of the platform's own data.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionFailed {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
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
    /// The first VAT invoice can't be read.
    #[error("the first VAT invoice can't be read: {0}")]
    VatInvoice(String),
    /// Nothing can be issued before the operator is set up.
    #[error("the operator's requisites are not set up")]
    NoOperator,
}

impl CorrectionFailed {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CorrectionFailed::Db(_) => "database",
            CorrectionFailed::Money(_) => "sum_too_large",
            CorrectionFailed::Posting(refused) => refused.code(),
            CorrectionFailed::Content(refused) => refused.code(),
            CorrectionFailed::Canonical(refused) => refused.code(),
            CorrectionFailed::VatInvoice(_) => "internal_error",
            CorrectionFailed::NoOperator => "operator_not_set_up",
        }
    }
}

/// Both parties as they are printed today.
struct Parties {
    operator: Party,
    customer: Party,
    city: String,
    operator_name: String,
    email: String,
    language: String,
}

async fn parties(tx: &mut Tx, customer: CustomerId) -> Result<Parties, CorrectionFailed> {
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or(CorrectionFailed::NoOperator)?
        .requisites;
    let customer = tx
        .customers()
        .find(customer)
        .await?
        .ok_or_else(|| DbError::Inconsistent(format!("{customer} has gone")))?;
    Ok(Parties {
        operator: Party::of_operator(&operator),
        customer: Party::of_customer(&customer.requisites),
        city: operator.city.clone(),
        operator_name: operator.legal_name.clone(),
        email: customer.requisites.email.as_str().to_owned(),
        language: customer.language,
    })
}

/// The unit that a line's quantity counts.
pub fn unit_of(kind: LineKind, one_off: bool) -> Unit {
    match (kind, one_off) {
        (LineKind::Media, _) => Unit::Impressions,
        (LineKind::Additional, true) => Unit::Piece,
        (LineKind::Period | LineKind::Additional, _) => Unit::Month,
    }
}

fn name_of(names: &[String; 3]) -> LocalizedName {
    let [uz, ru, en] = names.clone();
    LocalizedName { uz, ru, en }
}

/// Issues a correction, and the additional VAT invoice where the month has a first one. The caller holds the customer's
/// lock. Gives the correction's document and number.
pub async fn issue_correction(
    tx: &mut Tx,
    ctx: &Context,
    new: &NewCorrection<'_>,
) -> Result<(DocumentId, String), CorrectionFailed> {
    let (now, today) = (ctx.now(), ctx.today());
    let customer = new.primary.customer;
    let period = new
        .primary
        .period
        .ok_or_else(|| DbError::Inconsistent(format!("{} has no period", new.primary.number)))?;
    let parties = parties(tx, customer).await?;
    let balances = tx.ledger().balances_of(customer).await?;
    let held = AdvanceAndDebt {
        advance: balances.advance,
        receivable: balances.receivable,
    };
    let year = chrono::Datelike::year(&today);
    let ordinal = tx.take_number(Series::Correction.name(), year).await?;
    let number = Series::Correction.number(year, ordinal);
    let content = content_of(new, period, held, &number, today, &parties)?;
    content.check()?;
    let json = canonical_json(&content)?;
    let id = DocumentId::from_uuid(ctx.uuid());
    let document = NewDocument {
        id,
        kind: Series::Correction,
        number: &number,
        customer,
        period: Some(period),
        net: new.correction.net(),
        vat: new.correction.vat(),
        gross: new.correction.gross(),
        content: &json,
        sha256: &sha256_hex(&json),
        issued_at: now,
    };
    let lines = lines_of(new)?;
    tx.documents()
        .issue_dated(&document, today, &lines, new.actor)
        .await?;
    tx.objections()
        .refer(id, new.primary.id, Relation::Corrects)
        .await?;
    if let Some(posting) = new.correction.posting(customer, held, &number, today)? {
        tx.ledger()
            .append(PostingId::from_uuid(ctx.uuid()), &posting, now)
            .await?;
    }
    let first = tx
        .objections()
        .referring(new.primary.id, Relation::VatInvoiceOf)
        .await?;
    if let Some(first) = first {
        issue_additional(tx, ctx, &content, first, (id, new), &lines).await?;
    }
    let language = Language::parse(&parties.language).unwrap_or(Language::UzLatn);
    let text = mail_text::correction(
        language,
        &number,
        &new.primary.number,
        period,
        &parties.operator_name,
    );
    let mail = NewMail {
        id: MailId::from_uuid(ctx.uuid()),
        dedupe_key: format!("document:{id}"),
        recipient: parties.email,
        subject: text.subject,
        body: text.body,
        document: Some(id),
        language: parties.language,
    };
    tx.outbox().push(&mail, now).await?;
    Ok((id, number))
}

fn known<'a>(
    new: &NewCorrection<'a>,
    line: &CorrectedLine,
) -> Result<&'a ChargedLineRecord, CorrectionFailed> {
    let found = new
        .charged
        .iter()
        .find(|charged| charged.charged.line == line.before.line);
    Ok(found
        .ok_or_else(|| DbError::Inconsistent(format!("{} is corrected and not charged", line.before.line)))?)
}

fn quantity_of(new: &NewCorrection<'_>, index: usize) -> Decimal {
    new.quantities.get(index).copied().unwrap_or(Decimal::ZERO)
}

fn lines_of(new: &NewCorrection<'_>) -> Result<Vec<NewLine>, MoneyError> {
    let mut lines = Vec::new();
    for (index, line) in new.correction.lines().iter().enumerate() {
        let (net, vat) = (line.net_difference()?, line.vat_difference()?);
        lines.push(NewLine {
            line: line.before.line,
            quantity: quantity_of(new, index),
            net,
            vat,
            gross: net.checked_add(vat)?,
        });
    }
    Ok(lines)
}

fn sums(net: Money, vat: Money) -> Result<Sums, MoneyError> {
    Ok(Sums {
        net,
        vat,
        gross: net.checked_add(vat)?,
    })
}

fn content_of(
    new: &NewCorrection<'_>,
    period: ReportingPeriod,
    held: AdvanceAndDebt,
    number: &str,
    today: chrono::NaiveDate,
    parties: &Parties,
) -> Result<CorrectionContent, CorrectionFailed> {
    let mut lines = Vec::new();
    for (index, line) in new.correction.lines().iter().enumerate() {
        let charged = known(new, line)?;
        lines.push(CorrectionLine {
            position: u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX),
            contract_number: charged.contract_number.clone(),
            contract_date: charged.contract_date,
            service: name_of(&charged.names),
            line_code: charged.code.clone(),
            unit: unit_of(charged.kind, charged.one_off),
            quantity_before: charged.quantity,
            quantity: charged
                .quantity
                .checked_add(quantity_of(new, index))
                .ok_or(MoneyError::Overflow)?,
            vat_rate: line.before.vat_rate,
            before: sums(line.before.net, line.before.vat)?,
            after: sums(line.net, line.vat)?,
            difference: sums(line.net_difference()?, line.vat_difference()?)?,
        });
    }
    let after = new.correction.settled(held)?;
    Ok(CorrectionContent {
        version: CONTENT_VERSION,
        kind: ContentKind::Correction,
        number: number.to_owned(),
        place: parties.city.clone(),
        issued_on: today,
        period,
        corrects: DocumentRef {
            number: new.primary.number.clone(),
            date: new.primary.issued_on,
        },
        reason: new.reason,
        explanation: new.explanation.to_owned(),
        operator: parties.operator.clone(),
        customer: parties.customer.clone(),
        vat_payer: lines.iter().any(|line| !line.vat_rate.decimal().is_zero()),
        lines,
        net: new.correction.net(),
        vat: new.correction.vat(),
        gross: new.correction.gross(),
        receivable_left: after.receivable,
        advance_left: after.advance,
    })
}

/// The additional VAT invoice: the correction's differences, dated like it, referring to the first one.
async fn issue_additional(
    tx: &mut Tx,
    ctx: &Context,
    correction: &CorrectionContent,
    first: DocumentId,
    (correction_id, new): (DocumentId, &NewCorrection<'_>),
    lines: &[NewLine],
) -> Result<(), CorrectionFailed> {
    let (stored, _) = tx
        .documents()
        .content(first)
        .await?
        .ok_or_else(|| DbError::Inconsistent(format!("{first} has gone")))?;
    let first_content =
        VatInvoiceContent::read(&stored).map_err(|error| CorrectionFailed::VatInvoice(error.to_string()))?;
    let year = chrono::Datelike::year(&correction.issued_on);
    let ordinal = tx.take_number(Series::VatInvoice.name(), year).await?;
    let number = Series::VatInvoice.number(year, ordinal);
    let told = correction.lines.iter().map(|line| {
        let moved = line.quantity.saturating_sub(line.quantity_before);
        let (unit, quantity) = if moved.is_zero() {
            (Unit::Piece, Decimal::ONE)
        } else {
            (line.unit, moved)
        };
        VatInvoiceLine {
            position: line.position,
            contract_number: line.contract_number.clone(),
            contract_date: line.contract_date,
            service: line.service.clone(),
            line_code: line.line_code.clone(),
            unit,
            quantity,
            unit_price: None,
            vat_rate: line.vat_rate,
            net: line.difference.net,
            vat: line.difference.vat,
            gross: line.difference.gross,
        }
    });
    let content = VatInvoiceContent {
        version: CONTENT_VERSION,
        kind: ContentKind::VatInvoice,
        number: number.clone(),
        invoice_type: VatInvoiceType::Additional,
        issued_on: correction.issued_on,
        period: correction.period,
        place: correction.place.clone(),
        document: DocumentRef {
            number: correction.number.clone(),
            date: correction.issued_on,
        },
        corrects: Some(DocumentRef {
            number: first_content.number,
            date: first_content.issued_on,
        }),
        operator: correction.operator.clone(),
        customer: correction.customer.clone(),
        catalog_code: first_content.catalog_code,
        package_code: first_content.package_code,
        lines: told.collect(),
        net: correction.net,
        vat: correction.vat,
        gross: correction.gross,
    };
    content.check()?;
    let json = canonical_json(&content)?;
    let id = DocumentId::from_uuid(ctx.uuid());
    let document = NewDocument {
        id,
        kind: Series::VatInvoice,
        number: &number,
        customer: new.primary.customer,
        period: Some(correction.period),
        net: content.net,
        vat: content.vat,
        gross: content.gross,
        content: &json,
        sha256: &sha256_hex(&json),
        issued_at: ctx.now(),
    };
    tx.documents()
        .issue_dated(&document, content.issued_on, lines, new.actor)
        .await?;
    Ok(tx
        .objections()
        .refer(id, correction_id, Relation::VatInvoiceOf)
        .await?)
}

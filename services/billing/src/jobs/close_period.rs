//! Closes a reporting period: values what was rendered, makes one primary document per customer, and closes the ledger.
//!
//! Rule: billing.md §4–5; offer [003 §5.4–5.6].
//!
//! One transaction per customer: number, document with its lines, its VAT invoice where the operator is a payer on the
//! period's last day, rendering posting dated that day, mail. A
//! customer that has its document is passed over, so that a worker killed anywhere goes on where the first one stopped, and
//! a rolled back transaction gives its number back: no gap and no double. When every customer is through, the period is
//! closed and takes no more postings. A customer whose document can't be made doesn't hold up the others, but the period.

use super::{JobError, Summary, Waiting};
use crate::content::{self, CatalogCodes, Frame};
use crate::fingerprint::Fingerprint;
use crate::mail_text;
use crate::settings::BillingSettings;
use namoyish_documents::{Language, PrimaryDocumentContent, canonical_json, sha256_hex};
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::primary_document::{AdvanceAndDebt, LineToRender, PrimaryDocument, Unit};
use namoyish_domain::billing::vat_invoice;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::{CustomerId, DocumentId, MailId, PostingId};
use namoyish_runtime::context::Context;
use namoyish_storage::documents::{NewDocument, NewLine};
use namoyish_storage::objections::Relation;
use namoyish_storage::outbox::NewMail;
use namoyish_storage::periods::PeriodLineFacts;
use namoyish_storage::{DbError, Tx};
use rust_decimal::prelude::ToPrimitive;

/// The job's name in `job_runs`; its key is the period.
pub const NAME: &str = "close_period";
/// Customers looked up at once.
const BATCH: u32 = 200;
/// Progress is told after so many customers.
const PROGRESS_EVERY: u64 = 1_000;
const ACTOR: &str = "billing";

/// Closes `period`, or goes on with closing it. `done` counts documents. Does nothing before the period's close time.
pub async fn run(
    ctx: &Context,
    settings: &BillingSettings,
    period: ReportingPeriod,
) -> Result<Summary, JobError> {
    let now = ctx.now();
    if now < settings.closes_from(period) || ctx.store.last_closed_period().await? >= Some(period) {
        return Ok(Summary::default());
    }
    let Some(_lock) = ctx.store.lock_job(NAME).await? else {
        return Ok(Summary::other_worker());
    };
    let epochs = ctx.store.counts_behind(period).await?;
    if epochs > 0 {
        if now < settings.closes_from(period) + settings.counts_patience {
            return Ok(Summary {
                waiting: Some(Waiting::Counts { epochs }),
                ..Summary::default()
            });
        }
        tracing::error!(%period, epochs, "closing by PostgreSQL's counts: the counter stores saw more impressions than have arrived");
        metrics::counter!("closed_with_counts_behind_total").increment(1);
    }
    let summary = close_customers(ctx, settings, period).await?;
    let mut tx = ctx.store.begin().await?;
    tx.periods().close(period, ctx.now()).await?;
    tx.save().await?;
    tracing::info!(%period, documents = summary.done, "closed the period");
    Ok(summary)
}

async fn close_customers(
    ctx: &Context,
    settings: &BillingSettings,
    period: ReportingPeriod,
) -> Result<Summary, JobError> {
    let mut summary = Summary::default();
    let mut failures: u64 = 0;
    let mut first_failure: Option<(CustomerId, JobError)> = None;
    let mut after = None;
    loop {
        let customers = ctx.store.customers_to_close(period, after, BATCH).await?;
        let Some(last) = customers.last() else { break };
        after = Some(*last);
        for customer in customers {
            match close_customer(ctx, &settings.catalog, period, customer).await {
                Ok(true) => summary.done += 1,
                Ok(false) => summary.skipped += 1,
                Err(error) => {
                    tracing::error!(%period, customer.id = %customer, error = %error, "can't make a primary document");
                    failures += 1;
                    first_failure.get_or_insert((customer, error));
                }
            }
            if (summary.done + summary.skipped).is_multiple_of(PROGRESS_EVERY) {
                tracing::info!(%period, documents = summary.done, "closing");
            }
        }
    }
    match first_failure {
        None => Ok(summary),
        Some((customer, error)) => Err(JobError::CustomersFailed {
            failed: failures,
            customer,
            error: Box::new(error),
        }),
    }
}

/// Makes a customer's primary document, and its VAT invoice. `false`: it is there already, or the month is empty.
pub async fn close_customer(
    ctx: &Context,
    catalog: &CatalogCodes,
    period: ReportingPeriod,
    customer: CustomerId,
) -> Result<bool, JobError> {
    // Load: the lock comes first, so that no payment changes the advance in between.
    let mut tx = ctx.store.begin().await?;
    tx.ledger().lock_customer(customer).await?;
    if tx.documents().has_primary(customer, period).await? {
        return Ok(false);
    }
    let facts = tx.periods().lines_to_render(customer, period).await?;
    let balances = tx.ledger().balances_of(customer).await?;

    // Decide.
    let lines: Vec<LineToRender> = facts.iter().map(|facts| facts.line).collect();
    let held = AdvanceAndDebt {
        advance: balances.advance,
        receivable: balances.receivable,
    };
    let Some(document) = PrimaryDocument::draw_up(customer, period, &lines, held)? else {
        return Ok(false);
    };

    // Commit.
    issue(ctx, catalog, &mut tx, &document, &facts).await?;
    tx.save().await?;
    metrics::counter!("documents_issued_total", "kind" => Series::PrimaryDocument.name()).increment(1);
    Ok(true)
}

async fn issue(
    ctx: &Context,
    catalog: &CatalogCodes,
    tx: &mut Tx,
    document: &PrimaryDocument,
    facts: &[PeriodLineFacts],
) -> Result<(), JobError> {
    let now = ctx.now();
    let today = ctx.today();
    let period = document.period();
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or(JobError::NoOperator)?
        .requisites;
    let customer = tx
        .customers()
        .find(document.customer())
        .await?
        .ok_or_else(|| DbError::Inconsistent(format!("{} has gone", document.customer())))?;
    let rules_edition = tx
        .operator()
        .edition_on(period.last_day())
        .await?
        .ok_or(JobError::NoOperator)?;
    let fingerprint = fingerprint_of(tx, document).await?;

    let year = chrono::Datelike::year(&today);
    let ordinal = tx.take_number(Series::PrimaryDocument.name(), year).await?;
    let number = Series::PrimaryDocument.number(year, ordinal);
    let frame = Frame {
        number: &number,
        issued_on: today,
        operator: &operator,
        customer: &customer.requisites,
        rules_edition: u32::try_from(rules_edition).unwrap_or_default(),
        fingerprint: &fingerprint,
    };
    let content = content::primary_document(document, facts, frame)?;
    content.check()?;
    let json = canonical_json(&content)?;
    let sha256 = sha256_hex(&json);
    let id = DocumentId::from_uuid(ctx.uuid());
    let new = NewDocument {
        id,
        kind: Series::PrimaryDocument,
        number: &number,
        customer: document.customer(),
        period: Some(period),
        net: document.net(),
        vat: document.vat(),
        gross: document.gross(),
        content: &json,
        sha256: &sha256,
        issued_at: now,
    };
    tx.documents().issue(&new, document.lines(), ACTOR).await?;
    let vat_terms = tx.operator().vat_terms_on(period.last_day()).await?;
    if vat_invoice::is_due(vat_terms) {
        issue_vat_invoice(ctx, catalog, tx, (id, document), &content).await?;
    }
    if let Some(posting) = document.posting(&number)? {
        tx.ledger()
            .append(PostingId::from_uuid(ctx.uuid()), &posting, now)
            .await?;
    }
    let language = Language::parse(&customer.language).unwrap_or(Language::UzLatn);
    let text = mail_text::primary_document(language, &number, period, &operator.legal_name);
    let mail = NewMail {
        id: MailId::from_uuid(ctx.uuid()),
        dedupe_key: format!("document:{id}"),
        recipient: customer.requisites.email.as_str().to_owned(),
        subject: text.subject,
        body: text.body,
        document: Some(id),
        language: customer.language,
    };
    tx.outbox().push(&mail, now).await?;
    Ok(())
}

/// The VAT invoice of a primary document, dated the last day of the period: its number is of that day's year.
async fn issue_vat_invoice(
    ctx: &Context,
    catalog: &CatalogCodes,
    tx: &mut Tx,
    (primary, document): (DocumentId, &PrimaryDocument),
    primary_content: &PrimaryDocumentContent,
) -> Result<(), JobError> {
    let dated = vat_invoice::dated(document.period());
    let year = chrono::Datelike::year(&dated);
    let ordinal = tx.take_number(Series::VatInvoice.name(), year).await?;
    let number = Series::VatInvoice.number(year, ordinal);
    let content = content::vat_invoice(primary_content, &number, dated, catalog);
    content.check()?;
    let json = canonical_json(&content)?;
    let id = DocumentId::from_uuid(ctx.uuid());
    let new = NewDocument {
        id,
        kind: Series::VatInvoice,
        number: &number,
        customer: document.customer(),
        period: Some(document.period()),
        net: content.net,
        vat: content.vat,
        gross: content.gross,
        content: &json,
        sha256: &sha256_hex(&json),
        issued_at: ctx.now(),
    };
    let lines: Vec<NewLine> = document.lines().iter().map(NewLine::from).collect();
    tx.documents().issue_dated(&new, dated, &lines, ACTOR).await?;
    tx.objections().refer(id, primary, Relation::VatInvoiceOf).await?;
    metrics::counter!("documents_issued_total", "kind" => Series::VatInvoice.name()).increment(1);
    Ok(())
}

async fn fingerprint_of(tx: &mut Tx, document: &PrimaryDocument) -> Result<String, JobError> {
    let mut fingerprint = Fingerprint::default();
    for line in document
        .lines()
        .iter()
        .filter(|line| line.unit == Unit::Impressions)
    {
        fingerprint.line(line.line, line.quantity.to_u64().unwrap_or_default());
        tx.periods()
            .impression_bits(line.line, document.period(), |counted| fingerprint.epoch(counted))
            .await?;
    }
    Ok(fingerprint.finish())
}

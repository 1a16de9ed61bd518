//! Hands VAT invoices out to the e-invoice operator: on the 9th of the next month, a day that the operator sets.
//!
//! Rule: billing.md §5; uzbekistan.md §3.2. An e-invoice accepts itself after ten days, and objections run to the 20th, so it
//! goes out later than the document it belongs to. One whose document is disputed goes out all the same: the law wants it by
//! the 10th, and an upheld objection makes an additional one, which goes out on the day after it was issued at the latest.
//!
//! Each goes out once: its text is kept in the database in the transaction that says so. The file comes first, under a name
//! of its own and moved into place: a worker killed in between writes the same bytes again.

use super::{JobError, Summary};
use crate::settings::BillingSettings;
use namoyish_documents::files::einvoice_of;
use namoyish_documents::sha256_hex;
use namoyish_domain::billing::document::Series;
use namoyish_domain::billing::vat_invoice::exported_through;
use namoyish_runtime::context::Context;
use namoyish_storage::vat_invoices::{NewExport, VatInvoiceToExport};
use std::path::Path;

/// The job's name in `job_runs`; its key is the day.
pub const NAME: &str = "export_vat_invoices";
/// VAT invoices looked up at once.
const BATCH: u32 = 200;

/// Hands out what is due today. `done` counts VAT invoices.
pub async fn run(ctx: &Context, settings: &BillingSettings) -> Result<Summary, JobError> {
    let Some(_lock) = ctx.store.lock_job(NAME).await? else {
        return Ok(Summary::other_worker());
    };
    let today = ctx.today();
    let last_period = exported_through(today, settings.vat_invoice_export_day);
    let mut summary = Summary::default();
    let mut after = None;
    loop {
        let due = ctx
            .store
            .vat_invoices_to_export(last_period, today, after, BATCH)
            .await?;
        let Some(last) = due.last() else {
            return Ok(summary);
        };
        after = Some(last.document);
        for invoice in &due {
            if export(ctx, settings, invoice).await? {
                summary.done += 1;
            } else {
                summary.skipped += 1;
            }
        }
    }
}

async fn export(
    ctx: &Context,
    settings: &BillingSettings,
    invoice: &VatInvoiceToExport,
) -> Result<bool, JobError> {
    let payload =
        einvoice_of(Series::VatInvoice.name(), &invoice.content).map_err(|error| JobError::EInvoice {
            number: invoice.number.clone(),
            error,
        })?;
    let file_name = format!("{}.json", invoice.number);
    if let Some(folder) = &settings.vat_invoice_folder {
        write(folder, &file_name, &payload)
            .await
            .map_err(|error| JobError::Folder {
                folder: folder.display().to_string(),
                error,
            })?;
    }
    let new = NewExport {
        document: invoice.document,
        file_name: &file_name,
        payload: &payload,
        sha256: &sha256_hex(&payload),
    };
    let mut tx = ctx.store.begin().await?;
    let first = tx.vat_invoices().insert_export(&new, ctx.now()).await?;
    tx.save().await?;
    Ok(first)
}

/// The whole file or none under its name.
async fn write(folder: &Path, file_name: &str, payload: &str) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let part = folder.join(format!(".{file_name}.part"));
    tokio::fs::write(&part, payload).await?;
    tokio::fs::rename(&part, folder.join(file_name)).await
}

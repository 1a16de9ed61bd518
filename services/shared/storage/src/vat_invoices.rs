//! VAT invoices on their way to the e-invoice operator.
//!
//! Rule: billing.md §5; uzbekistan.md §3.2. What was handed out is kept as it was.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, tashkent_day};
use namoyish_domain::ids::DocumentId;
use uuid::Uuid;

statements! {
    /// An additional one (of a correction) doesn't wait for the export day.
    TO_EXPORT = "select d.id, d.number, d.content
        from documents d
        where d.kind = 'vat_invoice' and ($3::uuid is null or d.id > $3)
            and not exists (select 1 from vat_invoice_exports e where e.document_id = d.id)
            and (d.period <= $1 or exists (
                select 1 from document_references r join documents c on c.id = r.refers_to
                where r.document_id = d.id and c.kind = 'correction' and d.issued_on <= $2))
        order by d.id limit $4";
    INSERT_EXPORT = "insert into vat_invoice_exports (document_id, exported_on, exported_at, file_name, payload, sha256)
        values ($1, $2, $3, $4, $5, $6) on conflict (document_id) do nothing";
    EXPORT_OF = "select exported_on, file_name, payload from vat_invoice_exports where document_id = $1";
}

/// A VAT invoice that is to go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VatInvoiceToExport {
    /// Its document.
    pub document: DocumentId,
    /// Its number.
    pub number: String,
    /// Its content, canonical JSON.
    pub content: String,
}

/// A VAT invoice that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedVatInvoice {
    /// When.
    pub exported_on: NaiveDate,
    /// Name of the file.
    pub file_name: String,
    /// What stood in it.
    pub payload: String,
}

/// An export to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewExport<'a> {
    /// Of which VAT invoice.
    pub document: DocumentId,
    /// Name of the file.
    pub file_name: &'a str,
    /// What stands in it.
    pub payload: &'a str,
    /// SHA-256 of the payload, hex.
    pub sha256: &'a str,
}

/// See [`Tx::vat_invoices`].
#[derive(Debug)]
pub struct VatInvoices<'a>(&'a mut Tx);

impl Tx {
    /// VAT invoices on their way out.
    pub fn vat_invoices(&mut self) -> VatInvoices<'_> {
        VatInvoices(self)
    }
}

impl VatInvoices<'_> {
    /// Writes that a VAT invoice went out. `false`: another worker was quicker, with the same text.
    pub async fn insert_export(&mut self, export: &NewExport<'_>, at: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query(INSERT_EXPORT)
            .bind(export.document.uuid())
            .bind(tashkent_day(at))
            .bind(at)
            .bind(export.file_name)
            .bind(export.payload)
            .bind(export.sha256)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Store {
    /// VAT invoices that didn't go out yet: those of periods up to `last_period`, and additional ones dated up to `today`.
    pub async fn vat_invoices_to_export(
        &self,
        last_period: ReportingPeriod,
        today: NaiveDate,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<VatInvoiceToExport>, DbError> {
        let rows: Vec<(Uuid, String, String)> = sqlx::query_as(TO_EXPORT)
            .bind(last_period.first_day())
            .bind(today)
            .bind(after.map(DocumentId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        let invoices = rows.into_iter().map(|(id, number, content)| VatInvoiceToExport {
            document: DocumentId::from_uuid(id),
            number,
            content,
        });
        Ok(invoices.collect())
    }

    /// How a VAT invoice went out.
    pub async fn vat_invoice_export(
        &self,
        document: DocumentId,
    ) -> Result<Option<ExportedVatInvoice>, DbError> {
        let row: Option<(NaiveDate, String, String)> = sqlx::query_as(EXPORT_OF)
            .bind(document.uuid())
            .fetch_optional(self.pool())
            .await?;
        Ok(row.map(|(exported_on, file_name, payload)| ExportedVatInvoice {
            exported_on,
            file_name,
            payload,
        }))
    }
}

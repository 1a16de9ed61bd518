//! A document's files by the name of its kind, from its stored content: what the cabinet, the API and the mail offer.
//!
//! A kind that has no files here is refused by [`FileError::NoSuchKind`]; its canonical JSON is always there.

use crate::content::{
    CorrectionContent, PenaltyClaimContent, PrimaryDocumentContent, ReconciliationActContent, RefundContent,
    VatInvoiceContent,
};
use crate::einvoice::{EInvoiceError, einvoice_json};
use crate::error::RenderError;
use crate::language::Language;
use crate::pdf::{qr_of, render_primary_pdf, render_reconciliation_act_pdf, render_refund_pdf};
use crate::xlsx::{render_primary_xlsx, render_reconciliation_act_xlsx, render_refund_xlsx};
use serde::de::DeserializeOwned;

/// Why a file can't be made.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file of this kind of document.
    #[error("a document of kind {0} has no such file")]
    NoSuchKind(String),
    /// The stored content isn't what its kind says.
    #[error("the stored content can't be read: {0}")]
    Content(#[from] serde_json::Error),
    /// It can't be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// It has no e-invoice form.
    #[error(transparent)]
    EInvoice(#[from] EInvoiceError),
}

/// Whether documents of a kind have PDF and XLSX files.
pub fn has_files(kind: &str) -> bool {
    matches!(
        kind,
        "primary_document" | "vat_invoice" | "correction" | "penalty_claim" | "reconciliation_act" | "refund"
    )
}

fn read<T: DeserializeOwned>(content: &str) -> Result<T, FileError> {
    Ok(serde_json::from_str(content)?)
}

/// The PDF of a document.
pub fn pdf_of(kind: &str, content: &str, language: Language, verify_url: &str) -> Result<Vec<u8>, FileError> {
    let form = match kind {
        "primary_document" => {
            let content: PrimaryDocumentContent = read(content)?;
            return Ok(render_primary_pdf(&content, language, verify_url)?);
        }
        "reconciliation_act" => {
            let content: ReconciliationActContent = read(content)?;
            return Ok(render_reconciliation_act_pdf(&content, language, verify_url)?);
        }
        "refund" => {
            let content: RefundContent = read(content)?;
            return Ok(render_refund_pdf(&content, language, verify_url)?);
        }
        "vat_invoice" => read::<VatInvoiceContent>(content)?.form(language)?,
        "correction" => read::<CorrectionContent>(content)?.form(language)?,
        "penalty_claim" => read::<PenaltyClaimContent>(content)?.form(language)?,
        other => return Err(FileError::NoSuchKind(other.to_owned())),
    };
    Ok(form.pdf(language, verify_url, qr_of(verify_url)?)?)
}

/// The workbook of a document.
pub fn xlsx_of(kind: &str, content: &str, language: Language) -> Result<Vec<u8>, FileError> {
    let form = match kind {
        "primary_document" => {
            let content: PrimaryDocumentContent = read(content)?;
            return Ok(render_primary_xlsx(&content, language)?);
        }
        "reconciliation_act" => {
            let content: ReconciliationActContent = read(content)?;
            return Ok(render_reconciliation_act_xlsx(&content, language)?);
        }
        "refund" => {
            let content: RefundContent = read(content)?;
            return Ok(render_refund_xlsx(&content, language)?);
        }
        "vat_invoice" => read::<VatInvoiceContent>(content)?.form(language)?,
        "correction" => read::<CorrectionContent>(content)?.form(language)?,
        "penalty_claim" => read::<PenaltyClaimContent>(content)?.form(language)?,
        other => return Err(FileError::NoSuchKind(other.to_owned())),
    };
    Ok(form.xlsx(language)?)
}

/// The e-invoice of a VAT invoice, as e-invoice operators take it.
pub fn einvoice_of(kind: &str, content: &str) -> Result<String, FileError> {
    match kind {
        "vat_invoice" => Ok(einvoice_json(&read(content)?)?),
        other => Err(FileError::NoSuchKind(other.to_owned())),
    }
}

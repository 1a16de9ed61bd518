//! PDF of the documents with a template of their own: primary document, invoice, order blank, reconciliation act, refund.
//!
//! Same content and language, same bytes; nothing but the content, the language and the verification address matters.

use crate::canonical::{canonical_json, sha256_hex};
use crate::content::{
    InvoiceContent, OrderBlankContent, PrimaryDocumentContent, ReconciliationActContent, RefundContent,
};
use crate::engine::{Template, pdf};
use crate::error::RenderError;
use crate::language::Language;
use crate::qr;
use crate::view::{ActView, InvoiceView, OrderBlankView, PrimaryDocumentView, RefundView};

/// The most bytes of a verification address that fit into the QR code.
const VERIFY_URL_BYTES_MAX: usize = 2331;

pub(crate) fn qr_of(verify_url: &str) -> Result<String, RenderError> {
    qr::svg(verify_url).ok_or(RenderError::VerifyUrlTooLong {
        bytes: verify_url.len(),
        bytes_max: VERIFY_URL_BYTES_MAX,
    })
}

/// The monthly primary document (billing.md §5). `verify_url` is the whole address of its verification page, number and
/// hash included; it is printed and is what the QR code says.
pub fn render_primary_pdf(
    content: &PrimaryDocumentContent,
    language: Language,
    verify_url: &str,
) -> Result<Vec<u8>, RenderError> {
    content.check()?;
    let hash = sha256_hex(&canonical_json(content)?);
    let view = PrimaryDocumentView::new(content, language, &hash, verify_url, qr_of(verify_url)?)?;
    pdf(Template::PrimaryDocument, &canonical_json(&view)?, hash)
}

/// An invoice for payment (billing.md §2) with the purpose line to copy into the payment order.
pub fn render_invoice_pdf(content: &InvoiceContent, language: Language) -> Result<Vec<u8>, RenderError> {
    content.check()?;
    let hash = sha256_hex(&canonical_json(content)?);
    let view = InvoiceView::new(content, language, &hash)?;
    pdf(Template::Invoice, &canonical_json(&view)?, hash)
}

/// An order blank: signed, with the hash of what was signed and a QR code to its verification page, or a draft to sign,
/// which says so and has neither (orders.md §3).
pub fn render_order_blank_pdf(
    content: &OrderBlankContent,
    language: Language,
    verify_url: &str,
) -> Result<Vec<u8>, RenderError> {
    content.check()?;
    let qr_svg = match content.signature {
        Some(_) => qr_of(verify_url)?,
        None => String::new(),
    };
    let hash = sha256_hex(&canonical_json(content)?);
    let view = OrderBlankView::new(content, language, verify_url, qr_svg)?;
    pdf(Template::OrderBlank, &canonical_json(&view)?, hash)
}

/// A reconciliation act (billing.md §7).
pub fn render_reconciliation_act_pdf(
    content: &ReconciliationActContent,
    language: Language,
    verify_url: &str,
) -> Result<Vec<u8>, RenderError> {
    content.check()?;
    let hash = sha256_hex(&canonical_json(content)?);
    let view = ActView::new(content, language, &hash, verify_url, qr_of(verify_url)?)?;
    pdf(Template::ReconciliationAct, &canonical_json(&view)?, hash)
}

/// A refund of unused advance (billing.md §8).
pub fn render_refund_pdf(
    content: &RefundContent,
    language: Language,
    verify_url: &str,
) -> Result<Vec<u8>, RenderError> {
    content.check()?;
    let hash = sha256_hex(&canonical_json(content)?);
    let view = RefundView::new(content, language, &hash, verify_url, qr_of(verify_url)?)?;
    pdf(Template::Refund, &canonical_json(&view)?, hash)
}

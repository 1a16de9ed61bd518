//! PDF of the three documents: a primary document, an invoice, an order blank.
//!
//! Same content and language, same bytes; nothing but the content, the language and the verification address matters.

use crate::canonical::{canonical_json, sha256_hex};
use crate::content::{InvoiceContent, OrderBlankContent, PrimaryDocumentContent};
use crate::engine::{Template, pdf};
use crate::error::RenderError;
use crate::language::Language;
use crate::qr;
use crate::view::{InvoiceView, OrderBlankView, PrimaryDocumentView};

/// The most bytes of a verification address that fit into the QR code.
const VERIFY_URL_BYTES_MAX: usize = 2331;

fn qr_of(verify_url: &str) -> Result<String, RenderError> {
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

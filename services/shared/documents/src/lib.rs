//! Document values to bytes: PDF, XLSX and JSON of primary documents, VAT invoices, corrections, penalty claims, invoices
//! and order blanks (billing.md §2, §5–§6).
//!
//! **Architecture invariant:** a document is rendered from its content and a language and nothing else: no clock, no
//! file, no network, no chance. So the same content gives the same bytes, today and in five years, and what is
//! stored, hashed and signed is the content ([`content`]), not a rendering of it.
//!
//! Everything that is said in words is said here in four languages: [`labels`], [`words`], [`language`]. Templates
//! (`templates/*.typ`) only place finished strings; they get them as data, never as source text, so nothing that a
//! customer typed can be read as markup.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that fails should panic"
    )
)]

pub mod canonical;
pub mod content;
pub mod einvoice;
pub mod files;
pub mod labels;
pub mod language;
pub mod words;

mod engine;
mod error;
mod form;
mod forms;
mod pdf;
mod qr;
mod text;
mod view;
mod xlsx;

pub use canonical::{CanonicalError, canonical_json, sha256_hex};
pub use content::{
    ContentError, DocumentLine, InvoiceContent, InvoiceLine, LocalizedName, OrderBlankContent,
    OrderBlankLine, Party, PrimaryDocumentContent,
};
pub use error::RenderError;
pub use labels::{Labels, window_in_words};
pub use language::{
    Language, LanguageError, format_date, format_date_long, format_instant, format_money, format_period,
    format_quantity, format_unit_price,
};
pub use pdf::{
    render_invoice_pdf, render_order_blank_pdf, render_primary_pdf, render_reconciliation_act_pdf,
    render_refund_pdf,
};
pub use words::{WordsError, sum_in_words};
pub use xlsx::{render_primary_xlsx, render_reconciliation_act_xlsx, render_refund_xlsx};

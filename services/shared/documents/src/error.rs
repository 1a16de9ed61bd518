//! Why a document can't be rendered.

use crate::canonical::CanonicalError;
use crate::content::ContentError;
use crate::words::WordsError;

/// Why a document can't be rendered. Only [`RenderError::Content`] and [`RenderError::VerifyUrlTooLong`] are about what
/// the caller gave; the rest are faults of this crate and are met by its tests.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The content contradicts itself.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The content has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A sum has no words.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The address of the verification page doesn't fit into a QR code.
    #[error("a verification address of {bytes} bytes doesn't fit into a QR code of {bytes_max}")]
    VerifyUrlTooLong {
        /// Length given.
        bytes: usize,
        /// The most that fits.
        bytes_max: usize,
    },
    /// A template refused its data, or the PDF writer its pages.
    #[error("the template failed: {0}")]
    Template(String),
    /// The XLSX writer refused.
    #[error("the workbook failed: {0}")]
    Workbook(String),
}

impl RenderError {
    /// Stable name of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            RenderError::Content(error) => error.code(),
            RenderError::Canonical(error) => error.code(),
            RenderError::Words(error) => error.code(),
            RenderError::VerifyUrlTooLong { .. } => "document_verify_url_too_long",
            RenderError::Template(_) => "document_template_failed",
            RenderError::Workbook(_) => "document_workbook_failed",
        }
    }
}

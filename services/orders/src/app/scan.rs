//! The scan of a paper signature (orders.md §3): a PDF, JPEG or PNG by its bytes, kept by its hash.

use crate::app::image_file::{check_decodes, image_facts};
use namoyish_domain::orders::licence::{CopyFormat, CopyRefused};
use namoyish_storage::order_blanks::Scan;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The heaviest scan, bytes.
pub const SCAN_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Why a file is no scan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanRefused {
    /// Nothing was sent.
    #[error("the scan of the signed paper is missing")]
    Missing,
    /// Too heavy.
    #[error("the scan has {bytes} bytes; at most {SCAN_BYTES_MAX} are taken")]
    TooHeavy {
        /// Bytes given.
        bytes: usize,
    },
    /// None of the three.
    #[error("the scan is neither a PDF nor a JPEG nor a PNG")]
    AnotherType,
    /// Cut off, or not what it begins as.
    #[error("the scan can't be opened: it is cut off or damaged")]
    Broken,
    /// Something in it that a reader would run.
    #[error("the scan holds active content: {what}")]
    Active {
        /// Which.
        what: &'static str,
    },
}

impl ScanRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ScanRefused::Missing => "scan_missing",
            ScanRefused::TooHeavy { .. } => "scan_too_heavy",
            ScanRefused::AnotherType => "scan_of_another_type",
            ScanRefused::Broken => "scan_is_broken",
            ScanRefused::Active { .. } => "scan_is_active",
        }
    }

    /// The limit that was passed.
    pub fn limit(&self) -> Option<String> {
        match self {
            ScanRefused::TooHeavy { .. } => Some(format!("{SCAN_BYTES_MAX} bytes")),
            ScanRefused::AnotherType => Some("PDF, JPEG, PNG".to_owned()),
            _ => None,
        }
    }
}

/// Checks a file by its bytes.
pub async fn check_scan(bytes: Arc<[u8]>) -> Result<Scan, ScanRefused> {
    if bytes.is_empty() {
        return Err(ScanRefused::Missing);
    }
    if bytes.len() > SCAN_BYTES_MAX {
        return Err(ScanRefused::TooHeavy { bytes: bytes.len() });
    }
    let format = CopyFormat::told_by(&bytes)?;
    if format != CopyFormat::Pdf {
        let facts = image_facts(&bytes).map_err(|_| ScanRefused::Broken)?;
        check_decodes(Arc::clone(&bytes), facts.media_type)
            .await
            .map_err(|_| ScanRefused::Broken)?;
    }
    Ok(Scan {
        sha256: hex::encode(Sha256::digest(&bytes)),
        media_type: format.code().to_owned(),
        content: bytes.to_vec(),
    })
}

/// Formats and what a reader would run are told as for copies of licences.
impl From<CopyRefused> for ScanRefused {
    fn from(refused: CopyRefused) -> ScanRefused {
        match refused {
            CopyRefused::Broken => ScanRefused::Broken,
            CopyRefused::ActiveContent { found } => ScanRefused::Active { what: found },
            _ => ScanRefused::AnotherType,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn code(bytes: &[u8]) -> &'static str {
        match check_scan(Arc::from(bytes)).await {
            Ok(scan) => match scan.media_type.as_str() {
                "application/pdf" => "pdf",
                "image/jpeg" => "jpeg",
                _ => "png",
            },
            Err(refused) => refused.code(),
        }
    }

    // orders.md §3: the operator records a paper signature with the scan.
    #[tokio::test]
    async fn a_scan_is_told_by_its_bytes() {
        assert_eq!(code(b"").await, "scan_missing");
        assert_eq!(code(b"%PDF-1.7\n1 0 obj\n%%EOF\n").await, "pdf");
        assert_eq!(code(b"%PDF-1.7\n1 0 obj\n").await, "scan_is_broken");
        assert_eq!(
            code(b"%PDF-1.7\n/OpenAction << /S /JavaScript >>\n%%EOF").await,
            "scan_is_active"
        );
        // A name may be written in escapes, and a reader takes it all the same.
        assert_eq!(
            code(b"%PDF-1.7\n/OpenAction << /S /J#61vaScript >>\n%%EOF").await,
            "scan_is_active"
        );
        assert_eq!(
            code(b"<svg xmlns='http://www.w3.org/2000/svg'/>").await,
            "scan_of_another_type"
        );
        assert_eq!(code(b"PK\x03\x04 a document").await, "scan_of_another_type");
        assert_eq!(code(b"GIF89a\x01\x00\x01\x00").await, "scan_of_another_type");
        assert_eq!(code(&vec![b'%'; SCAN_BYTES_MAX + 1]).await, "scan_too_heavy");
        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbaImage::new(40, 40)
            .write_to(&mut png, image::ImageFormat::Png)
            .unwrap();
        let png = png.into_inner();
        assert_eq!(code(&png).await, "png");
        let cut = png.get(..png.len() / 2).unwrap();
        assert_eq!(code(cut).await, "scan_is_broken");
    }
}

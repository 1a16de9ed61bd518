//! The QR code of a document, as one SVG path: sharp at every size, and the same bytes each time.

use qrcode::types::Color;
use qrcode::{EcLevel, QrCode};
use std::fmt::Write as _;

/// The quiet zone that the standard asks for around the symbol, in modules.
const QUIET: usize = 4;

/// An SVG of `text` at error correction level M (15 % may be torn or stamped over); `None` when the text is longer than
/// a QR code holds (2,331 bytes).
pub(crate) fn svg(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let modules = code.to_colors();
    let size = width + 2 * QUIET;
    let mut path = String::new();
    for (row, colors) in modules.chunks(width).enumerate() {
        let mut column = 0;
        // Each run of dark modules in a row is one rectangle.
        for run in colors.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let length = run.len();
                let _ = write!(path, "M{} {}h{length}v1h-{length}z", column + QUIET, row + QUIET);
            }
            column += run.len();
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\"><path shape-rendering=\"crispEdges\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_gives_the_same_symbol_and_another_text_another() {
        let one = svg("https://example.uz/verify?n=1").unwrap();
        assert_eq!(svg("https://example.uz/verify?n=1").unwrap(), one);
        assert_ne!(svg("https://example.uz/verify?n=2").unwrap(), one);
        // Version 3 (29 modules) and two quiet zones.
        assert!(one.contains("viewBox=\"0 0 37 37\""), "{one}");
    }

    #[test]
    fn a_text_beyond_what_a_code_holds_is_refused() {
        assert!(svg(&"x".repeat(2331)).is_some());
        assert!(svg(&"x".repeat(2332)).is_none());
    }
}

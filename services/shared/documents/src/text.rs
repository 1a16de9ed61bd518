//! What people typed, made safe to print: nothing invisible, nothing that reorders its neighbours, no word too long for its cell.
//!
//! Markup can't reach the templates at all (they get data, not source), so this is only about what a reader sees: a
//! right-to-left override in a name could otherwise turn the figures beside it around.

/// How much of a text may stand without a place to break the line: narrow cells (numbers, codes) …
pub(crate) const NARROW: usize = 26;
/// … the cells of services …
pub(crate) const CELL: usize = 44;
/// … requisites and running text; longer than any account number, which so stays in one piece …
pub(crate) const LINE: usize = 64;
/// … and lines over the whole page (addresses of pages, fingerprints).
pub(crate) const PAGE: usize = 260;

/// Half-widths: a capital takes one and a half times a small letter.
fn width(c: char) -> usize {
    if c.is_uppercase() || c >= '\u{1100}' { 3 } else { 2 }
}

/// No glyph, only leave to break the line.
pub(crate) const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// The text on one line, with invisible and direction-changing characters shown as `<U+202E>`, and a zero-width space
/// (no glyph, only leave to break the line) after each `run` half-widths without a break.
pub(crate) fn printable(text: &str, run: usize) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut unbroken = 0;
    for c in text.chars() {
        if c == '\n' || c == '\r' || c == '\t' {
            out.push(' ');
            unbroken = 0;
        } else if is_invisible(c) {
            out.push_str(&format!("<U+{:04X}>", u32::from(c)));
            unbroken += 16;
        } else {
            if unbroken >= run && c.is_alphanumeric() {
                out.push(ZERO_WIDTH_SPACE);
                unbroken = 0;
            }
            out.push(c);
            unbroken = if c.is_whitespace() || c == '-' {
                0
            } else {
                unbroken + width(c)
            };
        }
    }
    out
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_turns_text_around_is_shown_by_its_number() {
        assert_eq!(printable("Osh\u{202e}001", LINE), "Osh<U+202E>001");
        assert_eq!(
            printable("a\u{0}b\u{feff}c\nd\te", LINE),
            "a<U+0000>b<U+FEFF>c d e"
        );
    }

    #[test]
    fn ordinary_text_is_left_as_it_is() {
        for text in [
            "“Osh” MChJ, Toshkent sh., Amir Temur koʻchasi 5",
            "20208000000000000001",
            "№ 17/2-A — «Ўзбек»",
            "שלום",
        ] {
            assert_eq!(printable(text, LINE), text);
        }
    }

    #[test]
    fn ordinary_uzbek_words_stay_whole_in_a_cell_so_that_they_can_be_found() {
        for word in [
            "joylashtirish",
            "Maʼlumotnomada",
            "xabardorlashtirilgan",
            "муваффақиятсизлик",
        ] {
            assert_eq!(printable(word, CELL), word);
        }
        assert!(printable(&"Ш".repeat(30), CELL).contains(ZERO_WIDTH_SPACE));
    }

    #[test]
    fn a_long_word_may_break_but_not_inside_a_combined_letter() {
        assert_eq!(
            printable("abcdefghijklmnopq", NARROW),
            "abcdefghijklm\u{200b}nopq"
        );
        assert_eq!(
            printable("abcdefghijklme\u{301}", NARROW),
            "abcdefghijklm\u{200b}e\u{301}"
        );
        assert_eq!(printable("OB-2026-000001", NARROW), "OB-2026-000001");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_run_is_too_long(text in "[a-zA-Zʻ0-9#$*_\\[\\]{}<>@ ]{0,200}") {
            let shown = printable(&text, CELL);
            prop_assert_eq!(shown.replace(ZERO_WIDTH_SPACE, ""), text);
        }
    }
}

//! Text that people type: trimmed, bounded, and with Uzbek apostrophes in their one form.
//!
//! Rule: uzbekistan.md §7. `oʻ` and `gʻ` are a letter and U+02BB, the tutuq belgisi between letters is U+02BC; people
//! type any of `' ‘ ’ ` ´ ′` for both.
//!
//! Not here: Unicode composition (what keyboards send is composed already) and transliteration between scripts.

const TYPED_APOSTROPHES: &[char] = &[
    '\'', '\u{2018}', '\u{2019}', '`', '\u{b4}', '\u{2032}', '\u{2bb}', '\u{2bc}',
];

/// The apostrophe of the letters oʻ and gʻ.
pub const TURNED_COMMA: char = '\u{2bb}';
/// The tutuq belgisi.
pub const TUTUQ: char = '\u{2bc}';

/// Why a text can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextRefused {
    /// Nothing but blanks.
    #[error("{field} is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// More characters than the field has.
    #[error("{field} has {chars} characters; at most {chars_max} are taken")]
    TooLong {
        /// The field.
        field: &'static str,
        /// How many were given.
        chars: usize,
        /// How many the field takes.
        chars_max: usize,
    },
    /// A control character, which no form sends by itself.
    #[error("{field} has a control character")]
    ControlCharacter {
        /// The field.
        field: &'static str,
    },
}

impl TextRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            TextRefused::Missing { .. } => "missing",
            TextRefused::TooLong { .. } => "too_long",
            TextRefused::ControlCharacter { .. } => "control_character",
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> &'static str {
        match self {
            TextRefused::Missing { field }
            | TextRefused::TooLong { field, .. }
            | TextRefused::ControlCharacter { field } => field,
        }
    }

    /// The limit that was passed, in words.
    pub fn limit(&self) -> Option<String> {
        match self {
            TextRefused::TooLong { chars_max, .. } => Some(format!("{chars_max} characters")),
            TextRefused::Missing { .. } | TextRefused::ControlCharacter { .. } => None,
        }
    }
}

/// Puts Uzbek apostrophes into their one form and leaves every other character alone.
///
/// After o O g G: U+02BB; otherwise between two letters: U+02BC; a quotation mark elsewhere stays what it is.
pub fn normalise_apostrophes(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut previous: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let next = rest.peek().copied();
        let written = if TYPED_APOSTROPHES.contains(&character) {
            apostrophe_between(previous, character, next)
        } else {
            character
        };
        normal.push(written);
        previous = Some(written);
    }
    normal
}

fn apostrophe_between(previous: Option<char>, typed: char, next: Option<char>) -> char {
    match (previous, next) {
        (Some('o' | 'O' | 'g' | 'G'), _) => TURNED_COMMA,
        (Some(before), Some(after)) if before.is_alphabetic() && after.is_alphabetic() => TUTUQ,
        _ => typed,
    }
}

/// A text of one line that must be there: trimmed, apostrophes normalised, at most `chars_max` characters.
pub fn required(field: &'static str, raw: &str, chars_max: usize) -> Result<String, TextRefused> {
    let text = optional(field, raw, chars_max)?;
    if text.is_empty() {
        return Err(TextRefused::Missing { field });
    }
    Ok(text)
}

/// A text of one line that may be empty.
pub fn optional(field: &'static str, raw: &str, chars_max: usize) -> Result<String, TextRefused> {
    bounded(field, raw, chars_max, |character| character.is_control())
}

/// A text of any number of lines that may be empty: line feeds and tabs are taken.
pub fn long(field: &'static str, raw: &str, chars_max: usize) -> Result<String, TextRefused> {
    let one_form = raw.replace("\r\n", "\n");
    bounded(field, &one_form, chars_max, |character| {
        character.is_control() && !matches!(character, '\n' | '\t')
    })
}

fn bounded(
    field: &'static str,
    raw: &str,
    chars_max: usize,
    is_refused: impl Fn(char) -> bool,
) -> Result<String, TextRefused> {
    let trimmed = raw.trim();
    let chars = trimmed.chars().count();
    if chars > chars_max {
        return Err(TextRefused::TooLong {
            field,
            chars,
            chars_max,
        });
    }
    if trimmed.chars().any(is_refused) {
        return Err(TextRefused::ControlCharacter { field });
    }
    Ok(normalise_apostrophes(trimmed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_typed_apostrophe_becomes_the_letters_own() {
        for typed in [
            "o'zbek", "o‘zbek", "o’zbek", "o`zbek", "o´zbek", "o′zbek", "oʻzbek", "oʼzbek",
        ] {
            assert_eq!(normalise_apostrophes(typed), "o\u{2bb}zbek", "{typed}");
        }
        assert_eq!(normalise_apostrophes("TO'G'RI"), "TO\u{2bb}G\u{2bb}RI");
        assert_eq!(
            normalise_apostrophes("san'at, ma’no"),
            "san\u{2bc}at, ma\u{2bc}no"
        );
    }

    #[test]
    fn a_quotation_mark_outside_a_word_stays() {
        assert_eq!(normalise_apostrophes("'Namuna' MCHJ"), "'Namuna' MCHJ");
        assert_eq!(normalise_apostrophes("5' 7"), "5' 7");
    }

    #[test]
    fn texts_out_of_bounds_are_refused_by_field() {
        assert_eq!(
            required("name", "  ", 10),
            Err(TextRefused::Missing { field: "name" })
        );
        assert_eq!(
            required("name", "abcdef", 5),
            Err(TextRefused::TooLong {
                field: "name",
                chars: 6,
                chars_max: 5
            })
        );
        assert_eq!(
            optional("name", "a\u{0}b", 5),
            Err(TextRefused::ControlCharacter { field: "name" })
        );
        assert_eq!(
            required("name", "a\nb", 5),
            Err(TextRefused::ControlCharacter { field: "name" })
        );
        assert_eq!(long("body", "a\r\nb\tc", 10).unwrap(), "a\nb\tc");
        assert_eq!(
            long("body", "a\u{7}b", 10),
            Err(TextRefused::ControlCharacter { field: "body" })
        );
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in ".{0,60}") {
            let once = normalise_apostrophes(&text);
            prop_assert_eq!(normalise_apostrophes(&once), once);
        }

        #[test]
        fn only_apostrophes_change(text in "[a-zA-Z'’ʻ .]{0,60}") {
            let normal = normalise_apostrophes(&text);
            prop_assert_eq!(normal.chars().count(), text.chars().count());
            for (before, after) in text.chars().zip(normal.chars()) {
                prop_assert!(before == after || TYPED_APOSTROPHES.contains(&before));
            }
        }
    }
}

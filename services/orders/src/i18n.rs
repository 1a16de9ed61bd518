//! The words of the pages in the reader's language.
//!
//! Rule: cabinet.md ("no untranslated string; numbers, dates and money in the reader's convention"). Messages are Fluent
//! files in `web/translations/<language>/`, built into the program. A language is offered when its folder is there and
//! only then; adding a folder is all that a further language needs.
//!
//! There is no silent fallback: a key that a language lacks is shown as `⟦key⟧` and logged. Tests make that impossible:
//! every key is in every language (`every_language_has_every_key`), every key that templates and code ask for exists
//! (`every_key_asked_for_exists`), and no page that a test opens may hold the mark.
//!
//! Numbers, dates and sums are written as on documents (`namoyish_documents::language`), so that a sum looks the same on a
//! page and on the paper. Not here: the words of documents (`namoyish_documents::labels`), which stay as they were issued.

use chrono::{NaiveDate, Timelike};
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader};
use namoyish_documents::{Language, language};
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, tashkent_time};
use namoyish_domain::money::{Exact, Money, UnitPrice};
use namoyish_storage::cabinet::Names;
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::sync::LazyLock;

fluent_templates::static_loader! {
    static MESSAGES = {
        locales: "../../web/translations",
        fallback_language: "uz-Latn",
        // Isolation marks around values would be copied along with sums and numbers.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// The language of a visitor who says nothing: the office language.
pub const DEFAULT: Language = Language::UzLatn;

static OFFERED: LazyLock<Vec<Language>> = LazyLock::new(|| {
    Language::ALL
        .into_iter()
        .filter(|language| MESSAGES.locales().any(|locale| *locale == language.code()))
        .collect()
});

/// The languages that pages can be read in, in the order in which they are offered.
pub fn offered() -> &'static [Language] {
    &OFFERED
}

/// The language's own name.
pub fn own_name(language: Language) -> &'static str {
    match language {
        Language::UzLatn => "Oʻzbekcha",
        Language::UzCyrl => "Ўзбекча",
        Language::Ru => "Русский",
        Language::En => "English",
    }
}

/// An offered language by its code.
pub fn parse(code: &str) -> Option<Language> {
    Language::parse(code)
        .ok()
        .filter(|language| OFFERED.contains(language))
}

/// The best offered language of an `Accept-Language` header; the first of equally wanted ones wins.
pub fn negotiate(accept_language: &str) -> Option<Language> {
    let mut best: Option<(u32, Language)> = None;
    // A browser sends a handful; a longer list is cut, not walked.
    for range in accept_language.split(',').take(16) {
        let mut parts = range.split(';').map(str::trim);
        let Some(language) = parts.next().and_then(language_of_tag) else {
            continue;
        };
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1000, thousandths);
        if weight > 0 && OFFERED.contains(&language) && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

fn language_of_tag(tag: &str) -> Option<Language> {
    let tag = tag.to_ascii_lowercase();
    let mut subtags = tag.split('-');
    match subtags.next()? {
        "uz" if subtags.any(|subtag| subtag == "cyrl") => Some(Language::UzCyrl),
        "uz" => Some(Language::UzLatn),
        "ru" => Some(Language::Ru),
        "en" => Some(Language::En),
        _ => None,
    }
}

/// "0.8" as 800; what isn't a weight counts as 0.
fn thousandths(weight: &str) -> u32 {
    let (whole, part) = weight.split_once('.').unwrap_or((weight, ""));
    let Ok(whole) = whole.parse::<u32>() else { return 0 };
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    digits
        .parse::<u32>()
        .map_or(0, |part| whole.min(1) * 1000 + if whole == 0 { part } else { 0 })
}

/// Says things in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translator {
    language: Language,
}

impl Translator {
    /// Speaks an offered language; another one is spoken in [`DEFAULT`], which is what its readers are offered.
    pub fn new(language: Language) -> Translator {
        Translator {
            language: if OFFERED.contains(&language) {
                language
            } else {
                DEFAULT
            },
        }
    }

    /// The language spoken.
    pub fn language(self) -> Language {
        self.language
    }

    /// The language's code, for `lang` attributes.
    pub fn code(self) -> &'static str {
        self.language.code()
    }

    /// The message with this key.
    pub fn get(self, key: &str) -> String {
        self.lookup(key, None)
    }

    /// The message with this key and these values. A value that selects a plural form is given with [`number`].
    pub fn with(self, key: &str, values: &[(&'static str, FluentValue<'static>)]) -> String {
        let values: HashMap<&'static str, FluentValue<'static>> = values.iter().cloned().collect();
        self.lookup(key, Some(&values))
    }

    /// Whether a message with this key exists.
    pub fn has(self, key: &str) -> bool {
        let identifier: LanguageIdentifier = self.language.code().parse().unwrap_or_default();
        MESSAGES
            .lookup_single_language::<&str>(&identifier, key, None)
            .is_ok()
    }

    fn lookup(self, key: &str, values: Option<&HashMap<&'static str, FluentValue<'static>>>) -> String {
        let identifier: LanguageIdentifier = self.language.code().parse().unwrap_or_default();
        MESSAGES
            .lookup_single_language(&identifier, key, values)
            .unwrap_or_else(|error| {
                tracing::error!(key, language = self.language.code(), %error, "a translation is missing");
                format!("⟦{key}⟧")
            })
    }

    /// The name in the reader's language. Uzbek Cyrillic reads the Latin one: names are never transliterated silently.
    pub fn name(self, names: &Names) -> String {
        match self.language {
            Language::UzLatn | Language::UzCyrl => names.uz.clone(),
            Language::Ru => names.ru.clone(),
            Language::En => names.en.clone(),
        }
    }

    /// "1 234 567,89 soʻm", parted by U+00A0.
    pub fn money(self, sum: Money) -> String {
        self.with("money-sum", &[("sum", text(self.sum(sum)))])
    }

    /// The bare sum: "1 234 567,89".
    pub fn sum(self, sum: Money) -> String {
        language::format_money(sum, self.language)
    }

    /// An amount that nobody has rounded yet, shown to the tiyin.
    pub fn exact(self, amount: Exact) -> String {
        amount
            .round_half_up()
            .map_or_else(|_| "—".to_owned(), |sum| self.money(sum))
    }

    /// "12 000,00", with up to six places.
    pub fn unit_price(self, price: UnitPrice) -> String {
        self.with(
            "money-sum",
            &[("sum", text(language::format_unit_price(price, self.language)))],
        )
    }

    /// "1 234 567".
    pub fn count(self, count: u64) -> String {
        self.quantity(Decimal::from(count))
    }

    /// "25 000", "0,5".
    pub fn quantity(self, quantity: Decimal) -> String {
        language::format_quantity(quantity, self.language)
    }

    /// Tenths of a percent as "12,5 %".
    pub fn percent(self, tenths: u64) -> String {
        format!("{}\u{a0}%", self.quantity(Decimal::from(tenths) / Decimal::TEN))
    }

    /// "07.03.2026".
    pub fn date(self, day: NaiveDate) -> String {
        language::format_date(day, self.language)
    }

    /// "07.03", for the axis of a plot.
    pub fn short_date(self, day: NaiveDate) -> String {
        day.format("%d.%m").to_string()
    }

    /// "2026-yil 7-mart", "7 марта 2026 г.", "7 March 2026".
    pub fn long_date(self, day: NaiveDate) -> String {
        language::format_date_long(day, self.language)
    }

    /// "2026-yil noyabr", "ноябрь 2026 г.", "November 2026".
    pub fn period(self, period: ReportingPeriod) -> String {
        language::format_period(period, self.language)
    }

    /// "07.03.2026 14:05" by the wall clock of Tashkent.
    pub fn instant(self, at: Timestamp) -> String {
        language::format_instant(at, self.language)
    }

    /// "14:05" by the wall clock of Tashkent.
    pub fn clock(self, at: Timestamp) -> String {
        let local = tashkent_time(at);
        format!("{:02}:{:02}", local.hour(), local.minute())
    }
}

/// A text as a message's value.
pub fn text(value: impl Into<String>) -> FluentValue<'static> {
    FluentValue::from(value.into())
}

/// A number that selects a plural form. Show it with [`Translator::count`] in a value of its own.
pub fn number(value: u64) -> FluentValue<'static> {
    FluentValue::from(value)
}

#[cfg(test)]
mod tests;

//! The four languages of documents, and how each writes numbers and dates (uzbekistan.md §6).
//!
//! Groups of three digits are parted by U+00A0 and tiyin by a comma in every language, so that a sum looks the same on
//! each rendering of one document.

use chrono::{Datelike, NaiveDate, Timelike};
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, tashkent_time};
use namoyish_domain::money::{Money, UnitPrice};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A language and script of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Language {
    /// Uzbek in Latin script: the office language since 2023.
    #[serde(rename = "uz-Latn")]
    UzLatn,
    /// Uzbek in Cyrillic script.
    #[serde(rename = "uz-Cyrl")]
    UzCyrl,
    /// Russian.
    #[serde(rename = "ru")]
    Ru,
    /// English.
    #[serde(rename = "en")]
    En,
}

/// Why a text names no language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of uz-Latn, uz-Cyrl, ru, en")]
pub struct LanguageError(pub String);

impl Language {
    /// All four, in the order in which they are offered.
    pub const ALL: [Language; 4] = [Language::UzLatn, Language::UzCyrl, Language::Ru, Language::En];

    /// Parses the code as the database and the API write it.
    pub fn parse(code: &str) -> Result<Language, LanguageError> {
        Language::ALL
            .into_iter()
            .find(|language| language.code() == code)
            .ok_or_else(|| LanguageError(code.chars().take(32).collect()))
    }

    /// "uz-Latn", "uz-Cyrl", "ru", "en".
    pub fn code(self) -> &'static str {
        match self {
            Language::UzLatn => "uz-Latn",
            Language::UzCyrl => "uz-Cyrl",
            Language::Ru => "ru",
            Language::En => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

const NBSP: char = '\u{a0}';
/// The minus sign of printed figures.
const MINUS: char = '\u{2212}';

/// "1 234 567,89" with U+00A0 between groups; a negative sum has U+2212 before it. The same in every language, see
/// the module's header; the language is asked for so that a fifth may differ.
pub fn format_money(sum: Money, _language: Language) -> String {
    let tiyin = sum.tiyin().unsigned_abs();
    let sign = if sum.is_negative() {
        MINUS.to_string()
    } else {
        String::new()
    };
    format!("{sign}{},{:02}", grouped(&(tiyin / 100).to_string()), tiyin % 100)
}

/// "25 000", "0,5": as many decimal places as the number has.
pub fn format_quantity(quantity: Decimal, _language: Language) -> String {
    decimal_text(quantity.normalize())
}

/// "12 000,00", "0,125": at least two decimal places, at most the six that a price has.
pub fn format_unit_price(price: UnitPrice, _language: Language) -> String {
    let mut value = price.decimal().normalize();
    if value.scale() < 2 {
        value.rescale(2);
    }
    decimal_text(value)
}

fn decimal_text(value: Decimal) -> String {
    let text = value.abs().to_string();
    let sign = if value.is_sign_negative() && !value.is_zero() {
        MINUS.to_string()
    } else {
        String::new()
    };
    match text.split_once('.') {
        Some((whole, part)) => format!("{sign}{},{part}", grouped(whole)),
        None => format!("{sign}{}", grouped(&text)),
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(NBSP);
        }
        out.push(digit);
    }
    out
}

/// "07.03.2026", the same in every language.
pub fn format_date(day: NaiveDate, _language: Language) -> String {
    format!("{:02}.{:02}.{:04}", day.day(), day.month(), day.year())
}

/// A date in running text: "2026-yil 7-mart", "2026 йил 7 март", "7 марта 2026 г.", "7 March 2026".
pub fn format_date_long(day: NaiveDate, language: Language) -> String {
    let (year, number) = (day.year(), day.day());
    match language {
        Language::UzLatn => format!("{year}-yil {number}-{}", month_name(day.month(), language)),
        Language::UzCyrl => format!("{year} йил {number} {}", month_name(day.month(), language)),
        Language::Ru => format!(
            "{number} {} {year} г.",
            month_of(&MONTHS_RU_GENITIVE, day.month())
        ),
        Language::En => format!("{number} {} {year}", month_name(day.month(), language)),
    }
}

/// A reporting period in running text: "2026-yil noyabr", "2026 йил ноябр", "ноябрь 2026 г.", "November 2026".
pub fn format_period(period: ReportingPeriod, language: Language) -> String {
    let (year, month) = (period.year(), month_name(period.month(), language));
    match language {
        Language::UzLatn => format!("{year}-yil {month}"),
        Language::UzCyrl => format!("{year} йил {month}"),
        Language::Ru => format!("{month} {year} г."),
        Language::En => format!("{month} {year}"),
    }
}

/// A Tashkent instant to the minute: "07.03.2026 14:05".
pub fn format_instant(at: Timestamp, language: Language) -> String {
    let local = tashkent_time(at);
    format!(
        "{} {:02}:{:02}",
        format_date(local.date(), language),
        local.hour(),
        local.minute()
    )
}

/// The month's name in the nominative; months are counted from 1. Another number gives the empty text.
pub fn month_name(month: u32, language: Language) -> &'static str {
    let names = match language {
        Language::UzLatn => &MONTHS_UZ_LATN,
        Language::UzCyrl => &MONTHS_UZ_CYRL,
        Language::Ru => &MONTHS_RU,
        Language::En => &MONTHS_EN,
    };
    month_of(names, month)
}

fn month_of(names: &'static [&'static str; 12], month: u32) -> &'static str {
    usize::try_from(month)
        .ok()
        .and_then(|month| month.checked_sub(1))
        .and_then(|index| names.get(index))
        .copied()
        .unwrap_or_default()
}

const MONTHS_UZ_LATN: [&str; 12] = [
    "yanvar", "fevral", "mart", "aprel", "may", "iyun", "iyul", "avgust", "sentabr", "oktabr", "noyabr",
    "dekabr",
];
const MONTHS_UZ_CYRL: [&str; 12] = [
    "январ",
    "феврал",
    "март",
    "апрел",
    "май",
    "июн",
    "июл",
    "август",
    "сентябр",
    "октябр",
    "ноябр",
    "декабр",
];
const MONTHS_RU: [&str; 12] = [
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
];
const MONTHS_RU_GENITIVE: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_code_outside_the_four_is_refused() {
        for language in Language::ALL {
            assert_eq!(Language::parse(language.code()), Ok(language));
            assert_eq!(
                serde_json::to_value(language).unwrap(),
                serde_json::Value::from(language.code())
            );
        }
        for text in ["", "uz", "UZ-LATN", "uz-latn", "kaa", "ru-RU", "en "] {
            assert_eq!(Language::parse(text), Err(LanguageError(text.to_owned())));
        }
        assert_eq!(
            Language::parse(&"x".repeat(99)),
            Err(LanguageError("x".repeat(32)))
        );
    }

    #[test]
    fn sums_are_grouped_by_no_break_spaces_with_a_decimal_comma() {
        for (text, shown) in [
            ("0", "0,00"),
            ("0.05", "0,05"),
            ("999.99", "999,99"),
            ("1000", "1\u{a0}000,00"),
            ("1234567.89", "1\u{a0}234\u{a0}567,89"),
            ("-1500.5", "\u{2212}1\u{a0}500,50"),
            (
                "9999999999999999.99",
                "9\u{a0}999\u{a0}999\u{a0}999\u{a0}999\u{a0}999,99",
            ),
        ] {
            for language in Language::ALL {
                assert_eq!(format_money(Money::parse(text).unwrap(), language), shown);
            }
        }
    }

    #[test]
    fn quantities_and_prices_keep_the_places_that_they_have() {
        let quantity = |text| format_quantity(Decimal::from_str_exact(text).unwrap(), Language::Ru);
        assert_eq!(quantity("25000.000"), "25\u{a0}000");
        assert_eq!(quantity("0.5"), "0,5");
        assert_eq!(quantity("-1234.5"), "\u{2212}1\u{a0}234,5");
        assert_eq!(quantity("-0.0"), "0");
        let price = |text| format_unit_price(UnitPrice::parse(text).unwrap(), Language::En);
        assert_eq!(price("12000"), "12\u{a0}000,00");
        assert_eq!(price("0.125"), "0,125");
        assert_eq!(price("1234567.890000"), "1\u{a0}234\u{a0}567,89");
    }

    #[test]
    fn dates_are_written_as_the_book_says() {
        let date = day("2026-03-07");
        let long = Language::ALL.map(|language| format_date_long(date, language));
        assert_eq!(
            long,
            [
                "2026-yil 7-mart",
                "2026 йил 7 март",
                "7 марта 2026 г.",
                "7 March 2026"
            ]
        );
        let period =
            Language::ALL.map(|language| format_period(ReportingPeriod::of(day("2026-11-30")), language));
        assert_eq!(
            period,
            [
                "2026-yil noyabr",
                "2026 йил ноябр",
                "ноябрь 2026 г.",
                "November 2026"
            ]
        );
        assert_eq!(format_date(date, Language::UzLatn), "07.03.2026");
    }

    #[test]
    fn an_instant_is_shown_by_the_wall_clock_of_tashkent() {
        let at = "2026-10-31T19:00:59Z".parse().unwrap();
        assert_eq!(format_instant(at, Language::Ru), "01.11.2026 00:00");
    }

    #[test]
    fn every_month_has_its_own_name_in_every_language_and_no_other_number_has_one() {
        for language in Language::ALL {
            let names: std::collections::BTreeSet<_> =
                (1..=12).map(|month| month_name(month, language)).collect();
            assert_eq!(names.len(), 12);
            assert!(!names.contains(""));
            for month in [0, 13, u32::MAX] {
                assert_eq!(month_name(month, language), "");
            }
        }
    }

    proptest! {
        #[test]
        fn a_shown_sum_reads_back(tiyin in -namoyish_domain::money::TIYIN_MAX..=namoyish_domain::money::TIYIN_MAX) {
            let sum = Money::from_tiyin(tiyin).unwrap();
            let plain = format_money(sum, Language::UzLatn)
                .replace('\u{a0}', "").replace(',', ".").replace('\u{2212}', "-");
            prop_assert_eq!(Money::parse(&plain).unwrap(), sum);
        }
    }
}

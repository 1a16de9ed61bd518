//! Sums in words, as documents state them beside the figures (uzbekistan.md §6).
//!
//! Form: so'm in words with a capital first letter, then tiyin as two digits: "Bir ming besh yuz soʻm 50 tiyin".
//! Uzbek words don't decline, and "bir" is always written before ming and million, which is harder to forge; Russian has genders (тысяча is
//! feminine) and three plural forms, for so'm and for tiyin.
//!
//! Invariants: a text reads back to the one sum that it was made from; there is never a double space.
//! Negative sums are refused: a document names who owes whom instead.

use crate::language::Language;
use namoyish_domain::money::Money;

/// Why a sum isn't put in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Less than nothing.
    #[error("{sum} is negative and has no words")]
    Negative {
        /// The sum that was asked for.
        sum: Money,
    },
}

impl WordsError {
    /// Stable name of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            WordsError::Negative { .. } => "words_negative_sum",
        }
    }
}

/// "Bir million ikki yuz oʻttiz toʻrt ming besh yuz oltmish yetti soʻm 89 tiyin" in the language asked for.
pub fn sum_in_words(sum: Money, language: Language) -> Result<String, WordsError> {
    let tiyin = u64::try_from(sum.tiyin()).map_err(|_| WordsError::Negative { sum })?;
    let (whole, part) = (tiyin / 100, tiyin % 100);
    let mut words = Vec::new();
    match language {
        Language::UzLatn => {
            uzbek(whole, &UZ_LATN, &mut words);
            words.push("soʻm".to_owned());
        }
        Language::UzCyrl => {
            uzbek(whole, &UZ_CYRL, &mut words);
            words.push("сўм".to_owned());
        }
        Language::Ru => {
            russian(whole, &mut words);
            words.push(russian_form(whole, ["сум", "сума", "сумов"]).to_owned());
        }
        Language::En => {
            english(whole, &mut words);
            words.push("soʻm".to_owned());
        }
    }
    let tiyin_word = match language {
        Language::UzLatn | Language::En => "tiyin",
        Language::UzCyrl => "тийин",
        Language::Ru => russian_form(part, ["тийин", "тийина", "тийинов"]),
    };
    Ok(format!(
        "{} {part:02} {tiyin_word}",
        capitalised(&words.join(" "))
    ))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// Groups of three digits, highest first, without empty ones: (power of 1,000, 1..=999).
fn groups(whole: u64) -> impl Iterator<Item = (usize, usize)> {
    (0..SCALES).rev().filter_map(move |power| {
        let group = whole / 1000u64.checked_pow(u32::try_from(power).ok()?)? % 1000;
        (group > 0).then_some((power, usize::try_from(group).ok()?))
    })
}

/// Powers of 1,000 that have a name, 1 included: `Money` ends below 10^16 so'm.
const SCALES: usize = 6;

struct Uzbek {
    zero: &'static str,
    ones: [&'static str; 10],
    tens: [&'static str; 10],
    hundred: &'static str,
    scales: [&'static str; SCALES],
}

const UZ_LATN: Uzbek = Uzbek {
    zero: "nol",
    ones: [
        "", "bir", "ikki", "uch", "toʻrt", "besh", "olti", "yetti", "sakkiz", "toʻqqiz",
    ],
    tens: [
        "", "oʻn", "yigirma", "oʻttiz", "qirq", "ellik", "oltmish", "yetmish", "sakson", "toʻqson",
    ],
    hundred: "yuz",
    scales: ["", "ming", "million", "milliard", "trillion", "kvadrillion"],
};

const UZ_CYRL: Uzbek = Uzbek {
    zero: "нол",
    ones: [
        "",
        "бир",
        "икки",
        "уч",
        "тўрт",
        "беш",
        "олти",
        "етти",
        "саккиз",
        "тўққиз",
    ],
    tens: [
        "",
        "ўн",
        "йигирма",
        "ўттиз",
        "қирқ",
        "эллик",
        "олтмиш",
        "етмиш",
        "саксон",
        "тўқсон",
    ],
    hundred: "юз",
    scales: ["", "минг", "миллион", "миллиард", "триллион", "квадриллион"],
};

fn push(words: &mut Vec<String>, names: &[&'static str], index: usize) {
    if let Some(name) = names.get(index).filter(|name| !name.is_empty()) {
        words.push((*name).to_owned());
    }
}

fn uzbek(whole: u64, names: &Uzbek, words: &mut Vec<String>) {
    if whole == 0 {
        words.push(names.zero.to_owned());
    }
    for (power, group) in groups(whole) {
        push(words, &names.ones, group / 100);
        if group >= 100 {
            words.push(names.hundred.to_owned());
        }
        push(words, &names.tens, group / 10 % 10);
        push(words, &names.ones, group % 10);
        push(words, &names.scales, power);
    }
}

const RU_ONES: [&str; 20] = [
    "",
    "один",
    "два",
    "три",
    "четыре",
    "пять",
    "шесть",
    "семь",
    "восемь",
    "девять",
    "десять",
    "одиннадцать",
    "двенадцать",
    "тринадцать",
    "четырнадцать",
    "пятнадцать",
    "шестнадцать",
    "семнадцать",
    "восемнадцать",
    "девятнадцать",
];
const RU_TENS: [&str; 10] = [
    "",
    "",
    "двадцать",
    "тридцать",
    "сорок",
    "пятьдесят",
    "шестьдесят",
    "семьдесят",
    "восемьдесят",
    "девяносто",
];
const RU_HUNDREDS: [&str; 10] = [
    "",
    "сто",
    "двести",
    "триста",
    "четыреста",
    "пятьсот",
    "шестьсот",
    "семьсот",
    "восемьсот",
    "девятьсот",
];
const RU_SCALES: [[&str; 3]; SCALES] = [
    ["", "", ""],
    ["тысяча", "тысячи", "тысяч"],
    ["миллион", "миллиона", "миллионов"],
    ["миллиард", "миллиарда", "миллиардов"],
    ["триллион", "триллиона", "триллионов"],
    ["квадриллион", "квадриллиона", "квадриллионов"],
];

/// один сум, два сума, пять сумов; 11 to 14 take the last form.
fn russian_form(number: u64, [one, few, many]: [&'static str; 3]) -> &'static str {
    match (number % 100, number % 10) {
        (11..=14, _) => many,
        (_, 1) => one,
        (_, 2..=4) => few,
        _ => many,
    }
}

fn russian(whole: u64, words: &mut Vec<String>) {
    if whole == 0 {
        words.push("ноль".to_owned());
    }
    for (power, group) in groups(whole) {
        push(words, &RU_HUNDREDS, group / 100);
        let below_hundred = group % 100;
        let below_twenty = if below_hundred < 20 {
            below_hundred
        } else {
            push(words, &RU_TENS, below_hundred / 10);
            below_hundred % 10
        };
        match (power, below_twenty) {
            (1, 1) => words.push("одна".to_owned()),
            (1, 2) => words.push("две".to_owned()),
            _ => push(words, &RU_ONES, below_twenty),
        }
        if let Some(forms) = RU_SCALES.get(power).filter(|_| power > 0) {
            words.push(russian_form(u64::try_from(group).unwrap_or(0), *forms).to_owned());
        }
    }
}

const EN_ONES: [&str; 20] = [
    "",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const EN_TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const EN_SCALES: [&str; SCALES] = ["", "thousand", "million", "billion", "trillion", "quadrillion"];

fn english(whole: u64, words: &mut Vec<String>) {
    if whole == 0 {
        words.push("zero".to_owned());
    }
    for (power, group) in groups(whole) {
        push(words, &EN_ONES, group / 100);
        if group >= 100 {
            words.push("hundred".to_owned());
        }
        let below_hundred = group % 100;
        match (EN_TENS.get(below_hundred / 10), EN_ONES.get(below_hundred % 10)) {
            (Some(tens), Some(ones)) if below_hundred >= 20 && !ones.is_empty() => {
                words.push(format!("{tens}-{ones}"));
            }
            _ if below_hundred >= 20 => push(words, &EN_TENS, below_hundred / 10),
            _ => push(words, &EN_ONES, below_hundred),
        }
        push(words, &EN_SCALES, power);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namoyish_domain::money::TIYIN_MAX;
    use proptest::prelude::*;

    fn words(sum: &str, language: Language) -> String {
        sum_in_words(Money::parse(sum).unwrap(), language).unwrap()
    }

    // The table of uzbekistan.md §6, verbatim.
    const BOOK: &str = "\
| 0,00 | Nol soʻm 00 tiyin | Нол сўм 00 тийин | Ноль сумов 00 тийинов |
| 1,00 | Bir soʻm 00 tiyin | Бир сўм 00 тийин | Один сум 00 тийинов |
| 1 500,50 | Bir ming besh yuz soʻm 50 tiyin | Бир минг беш юз сўм 50 тийин | Одна тысяча пятьсот сумов 50 тийинов |
| 21 000,21 | Yigirma bir ming soʻm 21 tiyin | Йигирма бир минг сўм 21 тийин | Двадцать одна тысяча сумов 21 тийин |
| 1 234 567,89 | Bir million ikki yuz oʻttiz toʻrt ming besh yuz oltmish yetti soʻm 89 tiyin | Бир миллион икки юз ўттиз тўрт минг беш юз олтмиш етти сўм 89 тийин | Один миллион двести тридцать четыре тысячи пятьсот шестьдесят семь сумов 89 тийинов |
| 41 000 000,00 | Qirq bir million soʻm 00 tiyin | Қирқ бир миллион сўм 00 тийин | Сорок один миллион сумов 00 тийинов |
| 1 111 111 111,11 | Bir milliard bir yuz oʻn bir million bir yuz oʻn bir ming bir yuz oʻn bir soʻm 11 tiyin | Бир миллиард бир юз ўн бир миллион бир юз ўн бир минг бир юз ўн бир сўм 11 тийин | Один миллиард сто одиннадцать миллионов сто одиннадцать тысяч сто одиннадцать сумов 11 тийинов |";

    #[test]
    fn the_table_of_the_book_holds_to_the_letter() {
        let mut rows = 0;
        for row in BOOK.lines() {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let sum = cells[0].replace(' ', "").replace(',', ".");
            for (cell, language) in cells[1..].iter().zip(Language::ALL) {
                assert_eq!(&words(&sum, language), cell);
            }
            rows += 1;
        }
        assert_eq!(rows, 7);
    }

    #[test]
    fn russian_genders_and_plural_forms() {
        for (sum, text) in [
            ("2.02", "Два сума 02 тийина"),
            ("4.14", "Четыре сума 14 тийинов"),
            ("5.05", "Пять сумов 05 тийинов"),
            ("11.11", "Одиннадцать сумов 11 тийинов"),
            ("12.12", "Двенадцать сумов 12 тийинов"),
            ("21.01", "Двадцать один сум 01 тийин"),
            ("22.22", "Двадцать два сума 22 тийина"),
            ("111.91", "Сто одиннадцать сумов 91 тийин"),
            ("1001.00", "Одна тысяча один сум 00 тийинов"),
            ("2002.00", "Две тысячи два сума 00 тийинов"),
            ("5000.00", "Пять тысяч сумов 00 тийинов"),
            ("12000.00", "Двенадцать тысяч сумов 00 тийинов"),
            ("22000.00", "Двадцать две тысячи сумов 00 тийинов"),
            ("2000000.00", "Два миллиона сумов 00 тийинов"),
            ("1000000001.00", "Один миллиард один сум 00 тийинов"),
        ] {
            assert_eq!(words(sum, Language::Ru), text);
        }
    }

    #[test]
    fn english_follows_the_same_form() {
        for (sum, text) in [
            ("0", "Zero soʻm 00 tiyin"),
            ("1500.50", "One thousand five hundred soʻm 50 tiyin"),
            ("21000.21", "Twenty-one thousand soʻm 21 tiyin"),
            (
                "1234567.89",
                "One million two hundred thirty-four thousand five hundred sixty-seven soʻm 89 tiyin",
            ),
            ("40013.07", "Forty thousand thirteen soʻm 07 tiyin"),
        ] {
            assert_eq!(words(sum, Language::En), text);
        }
    }

    #[test]
    fn a_negative_sum_is_refused_with_its_value() {
        let sum = Money::parse("-0.01").unwrap();
        for language in Language::ALL {
            assert_eq!(sum_in_words(sum, language), Err(WordsError::Negative { sum }));
        }
        assert!(WordsError::Negative { sum }.to_string().contains("-0.01"));
    }

    #[test]
    fn the_largest_sum_has_words() {
        let largest = Money::from_tiyin(TIYIN_MAX).unwrap();
        for (language, scale) in [
            (Language::UzLatn, "kvadrillion"),
            (Language::UzCyrl, "квадриллион"),
            (Language::Ru, "квадриллионов"),
            (Language::En, "quadrillion"),
        ] {
            assert!(sum_in_words(largest, language).unwrap().contains(scale));
        }
    }

    // Reads words back without the code above: a dictionary of values, hundreds multiply, scales close a group.
    fn read_back(text: &str) -> i64 {
        let small: &[(&str, i64)] = &[
            ("nol нол ноль zero", 0),
            ("bir бир один одна one", 1),
            ("ikki икки два две two", 2),
            ("uch уч три three", 3),
            ("toʻrt тўрт четыре four", 4),
            ("besh беш пять five", 5),
            ("olti олти шесть six", 6),
            ("yetti етти семь seven", 7),
            ("sakkiz саккиз восемь eight", 8),
            ("toʻqqiz тўққиз девять nine", 9),
            ("oʻn ўн десять ten", 10),
            ("одиннадцать eleven", 11),
            ("двенадцать twelve", 12),
            ("тринадцать thirteen", 13),
            ("четырнадцать fourteen", 14),
            ("пятнадцать fifteen", 15),
            ("шестнадцать sixteen", 16),
            ("семнадцать seventeen", 17),
            ("восемнадцать eighteen", 18),
            ("девятнадцать nineteen", 19),
            ("yigirma йигирма двадцать twenty", 20),
            ("oʻttiz ўттиз тридцать thirty", 30),
            ("qirq қирқ сорок forty", 40),
            ("ellik эллик пятьдесят fifty", 50),
            ("oltmish олтмиш шестьдесят sixty", 60),
            ("yetmish етмиш семьдесят seventy", 70),
            ("sakson саксон восемьдесят eighty", 80),
            ("toʻqson тўқсон девяносто ninety", 90),
            ("сто", 100),
            ("двести", 200),
            ("триста", 300),
            ("четыреста", 400),
            ("пятьсот", 500),
            ("шестьсот", 600),
            ("семьсот", 700),
            ("восемьсот", 800),
            ("девятьсот", 900),
        ];
        let scales: &[(&str, i64)] = &[
            ("ming минг тысяча тысячи тысяч thousand", 1_000),
            ("million миллион миллиона миллионов", 1_000_000),
            ("milliard миллиард миллиарда миллиардов billion", 1_000_000_000),
            ("trillion триллион триллиона триллионов", 1_000_000_000_000),
            (
                "kvadrillion квадриллион квадриллиона квадриллионов quadrillion",
                1_000_000_000_000_000,
            ),
        ];
        let find = |table: &[(&str, i64)], word: &str| {
            table
                .iter()
                .find(|(names, _)| names.split(' ').any(|name| name == word))
                .map(|(_, value)| *value)
        };
        let (mut total, mut group) = (0, 0);
        let lower = text.to_lowercase().replace('-', " ");
        let mut words = lower.split(' ');
        for word in words.by_ref() {
            if ["soʻm", "сўм", "сум", "сума", "сумов"].contains(&word) {
                break;
            }
            if ["yuz", "юз", "hundred"].contains(&word) {
                group *= 100;
            } else if let Some(scale) = find(scales, word) {
                total += group * scale;
                group = 0;
            } else {
                group += find(small, word).unwrap_or_else(|| panic!("no value for {word}"));
            }
        }
        let tiyin: i64 = words.next().unwrap().parse().unwrap();
        (total + group) * 100 + tiyin
    }

    fn any_tiyin() -> impl Strategy<Value = i64> {
        // Sums of every length alike, and many zeros inside.
        (0u32..18, 0..=TIYIN_MAX, 0u32..18).prop_map(|(length, tiyin, zeros)| {
            let value = tiyin % 10i64.pow(length + 1);
            value - value % 10i64.pow(zeros.min(length))
        })
    }

    proptest! {
        #[test]
        fn words_read_back_to_the_sum_so_distinct_sums_have_distinct_words(tiyin in any_tiyin()) {
            let sum = Money::from_tiyin(tiyin).unwrap();
            for language in Language::ALL {
                let text = sum_in_words(sum, language).unwrap();
                prop_assert_eq!(read_back(&text), tiyin, "{}", text);
            }
        }

        #[test]
        fn words_are_tidy(tiyin in any_tiyin()) {
            for language in Language::ALL {
                let text = sum_in_words(Money::from_tiyin(tiyin).unwrap(), language).unwrap();
                prop_assert!(!text.contains("  ") && text.trim() == text, "{}", text);
                prop_assert!(text.chars().next().unwrap().is_uppercase());
                prop_assert!(text.chars().skip(1).all(|c| !c.is_uppercase()));
                prop_assert!(!text.contains(['\'', '’', '‘', '`']), "{}", text);
            }
        }
    }
}

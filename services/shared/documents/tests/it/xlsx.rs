//! The workbook, reopened as what it is: a zip of XML.

use crate::sample::{money, primary};
use namoyish_documents::{Labels, Language, render_primary_xlsx, sum_in_words};
use std::io::{Cursor, Read};

fn part(workbook: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let document = primary(3, true);
    let one = render_primary_xlsx(&document, Language::UzLatn).unwrap();
    assert_eq!(render_primary_xlsx(&document, Language::UzLatn).unwrap(), one);
    let properties = part(&one, "docProps/core.xml");
    assert!(properties.contains("2026-12-01T00:00:00Z"), "{properties}");
}

#[test]
fn figures_are_numbers_and_words_are_strings_in_every_language() {
    let document = primary(3, true);
    for language in Language::ALL {
        let labels = Labels::of(language);
        let workbook = render_primary_xlsx(&document, language).unwrap();
        let sheet = part(&workbook, "xl/worksheets/sheet1.xml");
        for number in [
            "303804",
            "36456.48",
            "340260.48",
            "12000",
            "25317",
            "2735237",
            "100000.01",
        ] {
            assert!(
                sheet.contains(&format!("<v>{number}</v>")),
                "{number} is not a number in {sheet}"
            );
        }
        let strings = part(&workbook, "xl/sharedStrings.xml");
        for text in [
            labels.primary_title,
            labels.advance_left,
            labels.source_own,
            "OB-2026-000041",
            "20208000900123456002",
            &sum_in_words(document.gross, language).unwrap(),
        ] {
            assert!(strings.contains(text), "`{text}` is not in {strings}");
        }
        assert!(part(&workbook, "xl/styles.xml").contains("#,##0.00"));
    }
}

#[test]
fn an_operator_without_vat_has_one_money_column() {
    let with = part(
        &render_primary_xlsx(&primary(1, true), Language::Ru).unwrap(),
        "xl/sharedStrings.xml",
    );
    let without = part(
        &render_primary_xlsx(&primary(1, false), Language::Ru).unwrap(),
        "xl/sharedStrings.xml",
    );
    assert!(with.contains("Сумма НДС") && !without.contains("Сумма НДС"));
    assert!(without.contains("без НДС"));
}

#[test]
fn a_name_that_looks_like_a_formula_stays_a_name() {
    let mut document = primary(1, true);
    document.customer.name = "=HYPERLINK(\"http://example.org\",\"bosing\")".into();
    document.lines[0].service.uz = "+1&<b>\u{202e}".into();
    let workbook = render_primary_xlsx(&document, Language::UzLatn).unwrap();
    assert!(!part(&workbook, "xl/worksheets/sheet1.xml").contains("<f>"));
    let strings = part(&workbook, "xl/sharedStrings.xml");
    assert!(strings.contains("=HYPERLINK("), "{strings}");
    assert!(strings.contains("+1&amp;&lt;b&gt;&lt;U+202E&gt;"), "{strings}");
}

#[test]
fn a_sum_that_a_spreadsheet_cannot_hold_is_written_out_in_full() {
    let mut document = primary(1, false);
    let sum = money("12345678901234.57");
    document.lines[0].net = sum;
    document.lines[0].gross = sum;
    document.net = sum;
    document.gross = sum;
    let workbook = render_primary_xlsx(&document, Language::En).unwrap();
    assert!(part(&workbook, "xl/sharedStrings.xml").contains("12345678901234.57"));
}

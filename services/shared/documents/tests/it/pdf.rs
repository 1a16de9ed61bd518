//! What a reader of the PDF sees, read back by poppler's pdftotext.

use crate::sample::{VERIFY_URL, invoice, order_blank, primary};
use namoyish_documents::{
    Labels, Language, PrimaryDocumentContent, canonical_json, format_money, render_invoice_pdf,
    render_order_blank_pdf, render_primary_pdf, sha256_hex, sum_in_words,
};
use std::process::Command;

/// The text of a PDF, page by page, in the order in which it was written (each cell on its own).
fn pages(pdf: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("document.pdf");
    std::fs::write(&path, pdf).unwrap();
    let output = Command::new("pdftotext")
        .args(["-raw", "-enc", "UTF-8"])
        .arg(&path)
        .arg("-")
        .output()
        .expect("this test reads PDFs with `pdftotext`: install the package poppler-utils");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim_end_matches('\u{c}')
        .split('\u{c}')
        .map(str::to_owned)
        .collect()
}

/// The text with white space and leave-to-break removed, so that a text can be found wherever its lines break.
fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{200b}')
        .collect()
}

fn text_of(pdf: &[u8]) -> String {
    squeezed(&pages(pdf).concat())
}

#[track_caller]
fn assert_says(text: &str, part: &str) {
    assert!(text.contains(&squeezed(part)), "`{part}` is not in {text}");
}

fn primary_text(document: &PrimaryDocumentContent, language: Language) -> String {
    text_of(&render_primary_pdf(document, language, VERIFY_URL).unwrap())
}

#[test]
fn the_same_content_gives_the_same_bytes_also_after_the_memory_was_cleared() {
    let render = || {
        [
            render_primary_pdf(&primary(3, true), Language::UzLatn, VERIFY_URL).unwrap(),
            render_invoice_pdf(&invoice(true), Language::Ru).unwrap(),
            render_order_blank_pdf(&order_blank(true, true), Language::En, VERIFY_URL).unwrap(),
        ]
    };
    let first = render();
    assert_eq!(render(), first);
    comemo::evict(0);
    assert_eq!(render(), first);
    let in_threads: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(render)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(in_threads.iter().all(|rendered| *rendered == first));
    assert!(first.iter().all(|pdf| pdf.starts_with(b"%PDF-")));
}

#[test]
fn another_content_or_language_gives_other_bytes() {
    let one = render_primary_pdf(&primary(1, true), Language::UzLatn, VERIFY_URL).unwrap();
    assert_ne!(
        render_primary_pdf(&primary(1, true), Language::UzCyrl, VERIFY_URL).unwrap(),
        one
    );
    let mut other = primary(1, true);
    other.number = "D-2026-000124".into();
    assert_ne!(
        render_primary_pdf(&other, Language::UzLatn, VERIFY_URL).unwrap(),
        one
    );
}

#[test]
fn a_primary_document_says_all_that_the_law_asks_for_in_every_language() {
    let document = primary(3, true);
    for language in Language::ALL {
        let labels = Labels::of(language);
        let text = primary_text(&document, language);
        for part in [
            labels.primary_title,
            labels.operator,
            labels.customer,
            labels.advance_used,
            labels.receivable_left,
            labels.advance_left,
            labels.source_own,
            labels.position_director,
            labels.position_accountant,
            labels.unit_impressions,
            labels.unit_month,
            "D-2026-000123",
            "Toshkent",
            "OB-2026-000041",
            "19.10.2026",
            "01.11.2026",
            "30.11.2026",
            "Karimov A. B.",
            "Gʻaniyeva D. Oʻ.",
            "1/1",
            VERIFY_URL,
            &document.impressions_fingerprint,
            &sha256_hex(&canonical_json(&document).unwrap()),
            &sum_in_words(document.gross, language).unwrap(),
        ] {
            assert_says(&text, part);
        }
        for party in [&document.operator, &document.customer] {
            for part in [
                &party.name,
                &party.address,
                &party.stir_or_pinfl,
                &party.settlement_account,
                &party.bank_name,
                &party.mfo,
                &party.oked,
                &party.vat_code,
                &party.email,
                &party.phone,
            ] {
                assert_says(&text, part);
            }
        }
        for sum in [
            document.net,
            document.vat,
            document.gross,
            document.advance_used,
            document.receivable_left,
            document.advance_left,
        ] {
            assert_says(&text, &format_money(sum, language));
        }
        for line in &document.lines {
            assert_says(&text, line.service.in_language(language));
            assert_says(&text, &format_money(line.gross, language));
        }
    }
}

#[test]
fn the_statement_of_acceptance_names_the_20th_of_the_next_month() {
    for (language, date) in Language::ALL.into_iter().zip([
        "2026-yil 20-dekabr",
        "2026 йил 20 декабр",
        "20 декабря 2026 г.",
        "20 December 2026",
    ]) {
        assert_says(&primary_text(&primary(1, true), language), date);
    }
}

#[test]
fn uzbek_letters_come_out_of_the_pdf_as_they_went_in() {
    let pages = pages(&render_primary_pdf(&primary(1, true), Language::UzLatn, VERIFY_URL).unwrap()).concat();
    assert!(pages.contains("koʻrsatilgan"), "U+02BB is lost");
    assert!(pages.contains("Maʼlumotlar"), "U+02BC is lost");
    assert!(pages.contains("soʻm"));
    let cyrillic = primary_text(&primary(1, true), Language::UzCyrl);
    for letter in ['ў', 'қ', 'ғ', 'ҳ', 'Қ', 'Ҳ'] {
        assert!(cyrillic.contains(letter), "{letter} is lost");
    }
}

#[test]
fn an_operator_without_vat_shows_no_vat_column() {
    for language in Language::ALL {
        let labels = Labels::of(language);
        let text = primary_text(&primary(2, false), language);
        assert_says(&text, labels.without_vat);
        for absent in [
            labels.col_vat_rate,
            labels.col_vat,
            labels.col_gross,
            labels.col_net,
        ] {
            assert!(!text.contains(&squeezed(absent)), "{absent} in {text}");
        }
        let bill = text_of(&render_invoice_pdf(&invoice(false), language).unwrap());
        assert_says(&bill, labels.without_vat);
        assert!(!bill.contains(&squeezed(labels.col_vat)), "{bill}");
    }
}

#[test]
fn two_hundred_lines_span_pages_with_the_table_head_on_each() {
    let document = primary(200, true);
    let pages = pages(&render_primary_pdf(&document, Language::UzLatn, VERIFY_URL).unwrap());
    let count = pages.len();
    assert!(count > 8, "{count}");
    for (index, page) in pages.iter().enumerate() {
        let page = squeezed(page);
        assert!(
            page.contains(&format!("{}/{count}", index + 1)),
            "page number {}",
            index + 1
        );
        if index + 1 < count {
            assert_says(&page, Labels::of(Language::UzLatn).col_quantity);
        }
    }
    let all = squeezed(&pages.concat());
    for line in &document.lines {
        assert_says(&all, &format_money(line.net, Language::UzLatn));
    }
}

#[test]
fn hostile_texts_are_shown_literally() {
    let texts = [
        "#panic(\"out\")",
        "#{ while true {} }",
        "#import \"/data.json\": *",
        "#read(\"/etc/passwd\")",
        "*bold* _it_ `raw` $x^2$ <label> @ref = heading",
        "// comment /* block */ \\ backslash ~ -- --- ... 'single' \"double\"",
        "{{7*7}} {\"json\": \"\\u0000\"} </script><b>",
        "[link](https://example.org) https://example.org",
        "=HYPERLINK(\"http://example.org\")",
    ];
    for hostile in texts {
        let mut document = primary(1, true);
        document.operator.name = hostile.into();
        document.customer.address = hostile.into();
        document.place = hostile.into();
        document.lines[0].service.uz = hostile.into();
        document.lines[0].contract_number = hostile.into();
        let text = primary_text(&document, Language::UzLatn);
        assert!(
            text.matches(&squeezed(hostile)).count() >= 4,
            "`{hostile}` is not shown four times in {text}"
        );

        let mut bill = invoice(true);
        bill.purpose = hostile.into();
        assert_says(
            &text_of(&render_invoice_pdf(&bill, Language::UzLatn).unwrap()),
            hostile,
        );
        let mut blank = order_blank(false, true);
        blank.notice_emails = vec![hostile.into()];
        assert_says(
            &text_of(&render_order_blank_pdf(&blank, Language::UzLatn, VERIFY_URL).unwrap()),
            hostile,
        );
    }
}

#[test]
fn invisible_characters_cannot_turn_figures_around() {
    let mut document = primary(1, true);
    document.customer.name = "“Osh\u{202e}000 001” \u{0}MChJ\nikkinchi satr".into();
    let text = primary_text(&document, Language::UzLatn);
    assert_says(&text, "“Osh<U+202E>000 001” <U+0000>MChJ ikkinchi satr");
}

#[test]
fn scripts_that_no_font_draws_are_shown_by_number_and_the_rest_as_they_are() {
    let mut document = primary(1, true);
    document.customer.name = "مرحبا 你好 MChJ".into();
    let text = primary_text(&document, Language::UzLatn);
    // Right-to-left letters are in the text layer, in whatever order the reader's program shows them.
    for letter in "مرحبا".chars() {
        assert!(text.contains(letter), "{letter} is lost");
    }
    assert_says(&text, "<U+4F60><U+597D> MChJ");
    assert_says(&text, &format_money(document.gross, Language::UzLatn));
    assert_says(&text, "305987654");
}

#[test]
fn a_very_long_word_breaks_inside_its_cell() {
    let mut document = primary(1, true);
    let word = "Uzunsoʻz".repeat(40);
    document.lines[0].service.uz = word.clone();
    document.lines[0].line_code = "X".repeat(90);
    document.customer.name = word.clone();
    let pdf = render_primary_pdf(&document, Language::UzLatn, VERIFY_URL).unwrap();
    let text = text_of(&pdf);
    assert!(text.matches("Uzunsoʻz").count() > 30, "{text}");
    assert_says(&text, &format_money(document.lines[0].gross, Language::UzLatn));
}

#[test]
fn an_invoice_says_where_to_pay_how_much_until_when_and_for_what() {
    let bill = invoice(true);
    for language in Language::ALL {
        let labels = Labels::of(language);
        let text = text_of(&render_invoice_pdf(&bill, language).unwrap());
        for part in [
            labels.invoice_title,
            labels.payee,
            labels.payer,
            labels.purpose,
            "INV-2026-000057",
            "24.10.2026",
            "OB-2026-000041",
            &bill.operator.settlement_account,
            &bill.operator.mfo,
            &bill.purpose,
            &format_money(bill.gross, language),
            &sum_in_words(bill.gross, language).unwrap(),
        ] {
            assert_says(&text, part);
        }
    }
}

#[test]
fn a_signed_blank_shows_its_hash_and_a_draft_says_that_it_is_one() {
    for language in Language::ALL {
        let labels = Labels::of(language);
        let blank = order_blank(true, true);
        let text = text_of(&render_order_blank_pdf(&blank, language, VERIFY_URL).unwrap());
        for part in [
            labels.blank_title,
            labels.signed_in_cabinet,
            "19.10.2026 14:14",
            labels.prepayment_monthly,
            labels.budget_total,
            labels.everywhere,
            "reklama@osh-markazi.example",
            &blank.signature.as_ref().unwrap().sha256,
        ] {
            assert_says(&text, part);
        }
        assert!(!text.contains(&squeezed(labels.draft)), "{text}");

        let draft =
            text_of(&render_order_blank_pdf(&order_blank(false, true), language, VERIFY_URL).unwrap());
        assert_says(&draft, labels.draft);
        for absent in [
            "reklama.example.uz/verify",
            labels.signed_in_cabinet,
            labels.data_hash,
        ] {
            assert!(!draft.contains(&squeezed(absent)), "{absent} in {draft}");
        }
    }
}

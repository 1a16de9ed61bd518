//! Content as JSON, and content that contradicts itself.

use crate::sample::{day, invoice, money, order_blank, primary};
use namoyish_documents::content::{CONTENT_VERSION, ContentKind, LINES_MAX};
use namoyish_documents::{
    ContentError, InvoiceContent, Language, OrderBlankContent, PrimaryDocumentContent, RenderError,
    canonical_json, render_invoice_pdf, render_order_blank_pdf, render_primary_pdf, render_primary_xlsx,
    sha256_hex,
};

#[test]
fn content_reads_back_to_what_was_written_and_keeps_its_hash() {
    let document = primary(3, true);
    let text = canonical_json(&document).unwrap();
    let read: PrimaryDocumentContent = serde_json::from_str(&text).unwrap();
    assert_eq!(read, document);
    assert_eq!(canonical_json(&read).unwrap(), text);

    let text = canonical_json(&invoice(true)).unwrap();
    assert_eq!(
        serde_json::from_str::<InvoiceContent>(&text).unwrap(),
        invoice(true)
    );
    for signed in [true, false] {
        let text = canonical_json(&order_blank(signed, true)).unwrap();
        let read: OrderBlankContent = serde_json::from_str(&text).unwrap();
        assert_eq!(read, order_blank(signed, true));
    }
}

#[test]
fn the_stored_form_of_version_1_never_changes() {
    // Stored documents are hashed in this form: a change here breaks every hash that was ever printed.
    let text = canonical_json(&primary(1, true)).unwrap();
    assert!(
        text.starts_with(
            "{\"advance_left\":\"0.00\",\"advance_used\":\"240260.47\",\"customer\":{\"accountant\":\"\","
        ),
        "{text}"
    );
    for part in [
        "\"issued_on\":\"2026-12-01\"",
        "\"kind\":\"primary_document\"",
        "\"period\":\"2026-11\"",
        "\"quantity\":\"25317\"",
        "\"unit\":\"impressions\"",
        "\"unit_price\":\"12000.00\"",
        "\"vat_rate\":\"0.12\"",
        "\"statistics_source\":\"own\"",
        "\"version\":1",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(
        sha256_hex(&text),
        "23b52f5f8da4b81767107f59f9d9dae49346794b0f69b94d9db7781ec18357a9"
    );
}

#[test]
fn unknown_fields_numbers_for_money_and_broken_figures_are_refused_when_read() {
    let text = canonical_json(&primary(1, true)).unwrap();
    for (from, to) in [
        ("\"version\":1", "\"version\":1,\"discount\":\"1.00\""),
        ("\"advance_left\":\"0.00\"", "\"advance_left\":0.00"),
        ("\"advance_left\":\"0.00\"", "\"advance_left\":\"0.001\""),
        ("\"quantity\":\"25317\"", "\"quantity\":\"many\""),
        ("\"period\":\"2026-11\"", "\"period\":\"2026-13\""),
        ("\"vat_rate\":\"0.12\"", "\"vat_rate\":\"12\""),
        ("\"unit_price\":\"12000.00\"", "\"unit_price\":\"-1.00\""),
        ("\"unit\":\"impressions\"", "\"unit\":\"clicks\""),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(
            serde_json::from_str::<PrimaryDocumentContent>(&text.replace(from, to)).is_err(),
            "{to} was accepted"
        );
    }
}

fn refusal(change: impl FnOnce(&mut PrimaryDocumentContent)) -> ContentError {
    let mut document = primary(2, true);
    assert_eq!(document.check(), Ok(()));
    change(&mut document);
    let refused = document.check().unwrap_err();
    // Each renderer refuses with the same reason.
    for rendered in [
        render_primary_pdf(&document, Language::Ru, "https://example.uz"),
        render_primary_xlsx(&document, Language::Ru),
    ] {
        match rendered {
            Err(RenderError::Content(error)) => assert_eq!(error, refused),
            other => panic!("{:?}", other.map(|bytes| bytes.len())),
        }
    }
    refused
}

#[test]
fn a_line_whose_vat_does_not_make_its_gross_is_refused_with_the_figures() {
    let refused = refusal(|document| document.lines[1].vat = money("0.01"));
    assert_eq!(refused.code(), "document_gross_disagrees");
    assert!(
        refused.to_string().contains("line 2") && refused.to_string().contains("0.01"),
        "{refused}"
    );
}

#[test]
fn totals_that_are_not_the_sum_of_the_lines_are_refused() {
    let refused = refusal(|document| {
        document.net = document.net.checked_add(money("0.01")).unwrap();
        document.gross = document.gross.checked_add(money("0.01")).unwrap();
    });
    assert_eq!(refused.code(), "document_total_disagrees");
    let refused = refusal(|document| document.gross = money("1.00"));
    assert_eq!(refused.code(), "document_gross_disagrees");
}

#[test]
fn vat_of_an_operator_without_vat_is_refused() {
    assert_eq!(
        refusal(|document| document.vat_payer = false).code(),
        "document_vat_without_payer"
    );
}

#[test]
fn negative_sums_and_too_much_advance_are_refused() {
    assert_eq!(
        refusal(|document| document.receivable_left = money("-0.01")),
        ContentError::Negative {
            field: "receivable_left",
            sum: money("-0.01")
        }
    );
    let refused =
        refusal(|document| document.advance_used = document.gross.checked_add(money("0.01")).unwrap());
    assert_eq!(refused.code(), "document_advance_beyond_gross");
}

#[test]
fn an_empty_month_makes_no_document_and_too_long_a_one_none_either() {
    assert_eq!(refusal(|document| document.lines.clear()), ContentError::NoLines);
    let refused = refusal(|document| document.lines = vec![document.lines[0].clone(); LINES_MAX + 1]);
    assert_eq!(
        refused,
        ContentError::TooManyLines {
            lines: LINES_MAX + 1,
            lines_max: LINES_MAX
        }
    );
}

#[test]
fn content_of_another_version_or_kind_is_refused() {
    assert_eq!(
        refusal(|document| document.version = CONTENT_VERSION + 1).code(),
        "document_unknown_version"
    );
    assert_eq!(
        refusal(|document| document.kind = ContentKind::Invoice).code(),
        "document_wrong_kind"
    );
    let mut bill = invoice(true);
    bill.gross = money("1.00");
    assert!(render_invoice_pdf(&bill, Language::En).is_err());
    let mut blank = order_blank(true, true);
    blank.lines.clear();
    assert!(render_order_blank_pdf(&blank, Language::En, "https://example.uz").is_err());
}

#[test]
fn a_verification_address_beyond_a_qr_code_is_refused_with_the_limit() {
    let refused = render_primary_pdf(&primary(1, true), Language::En, &"x".repeat(2332)).unwrap_err();
    assert_eq!(refused.code(), "document_verify_url_too_long");
    assert!(refused.to_string().contains("2332") && refused.to_string().contains("2331"));
}

#[test]
fn the_samples_are_of_the_month_that_they_say() {
    let document = primary(1, true);
    assert_eq!(document.period.last_day(), day("2026-11-30"));
}

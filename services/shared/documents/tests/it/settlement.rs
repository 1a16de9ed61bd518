//! Reconciliation acts and refunds: their figures agree, and their files say them (billing.md §7–§8).

use crate::sample;
use namoyish_documents::content::{ActDocument, ContentKind, ReconciliationActContent, RefundContent};
use namoyish_documents::files::{has_files, pdf_of, xlsx_of};
use namoyish_documents::{Language, canonical_json};
use namoyish_domain::money::Money;

#[test]
fn an_act_and_a_refund_are_read_back_as_they_were_written() {
    let act = sample::reconciliation_act();
    let json = canonical_json(&act).unwrap();
    assert_eq!(
        serde_json::from_str::<ReconciliationActContent>(&json).unwrap(),
        act
    );
    let refund = sample::refund();
    let json = canonical_json(&refund).unwrap();
    assert_eq!(serde_json::from_str::<RefundContent>(&json).unwrap(), refund);
    assert!(json.contains("\"amount\":\"1512000.00\""), "{json}");
}

#[test]
fn every_language_has_both_files_and_the_same_content_makes_the_same_bytes() {
    let contents = [
        (
            "reconciliation_act",
            canonical_json(&sample::reconciliation_act()).unwrap(),
        ),
        ("refund", canonical_json(&sample::refund()).unwrap()),
    ];
    for (kind, json) in &contents {
        assert!(has_files(kind));
        for language in Language::ALL {
            let pdf = || pdf_of(kind, json, language, sample::VERIFY_URL).unwrap();
            let xlsx = || xlsx_of(kind, json, language).unwrap();
            assert!(pdf().starts_with(b"%PDF"), "{kind} {language:?}");
            assert!(xlsx().starts_with(b"PK"), "{kind} {language:?}");
            assert!(pdf() == pdf() && xlsx() == xlsx(), "{kind} {language:?}");
        }
    }
}

#[test]
fn an_act_whose_rows_lead_elsewhere_is_refused() {
    let refused = |change: fn(&mut ReconciliationActContent)| {
        let mut act = sample::reconciliation_act();
        change(&mut act);
        act.check().unwrap_err().code()
    };
    assert_eq!(
        refused(|act| act.closing_credit = sample::money("1512000.01")),
        "document_balance_disagrees"
    );
    assert_eq!(refused(|act| act.debit = Money::ZERO), "document_total_disagrees");
    assert_eq!(
        refused(|act| act.rows[0].credit = sample::money("-1.00")),
        "document_negative_sum"
    );
    assert_eq!(
        refused(|act| act.kind = ContentKind::Refund),
        "document_wrong_kind"
    );
    assert_eq!(refused(|act| act.version = 2), "document_unknown_version");
    assert_eq!(
        sample::reconciliation_act().rows[3].document,
        ActDocument::ServicesToDocument
    );
}

#[test]
fn a_refund_of_more_than_is_left_is_refused() {
    let mut refund = sample::refund();
    refund.amount = sample::money("1512000.01");
    assert_eq!(
        refund.check().unwrap_err().code(),
        "document_refund_beyond_advance"
    );
}

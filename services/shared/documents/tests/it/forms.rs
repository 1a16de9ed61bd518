//! billing.md §5–§6: VAT invoice, correction, penalty claim: the same bytes each time, in every language; contradictions are
//! refused; the e-invoice's form is uzbekistan.md §3.2.

use crate::sample;
use namoyish_documents::content::{ContentError, Unit, VatInvoiceType};
use namoyish_documents::einvoice::einvoice_json;
use namoyish_documents::files::{FileError, einvoice_of, has_files, pdf_of, xlsx_of};
use namoyish_documents::{Language, canonical_json};

fn contents() -> [(&'static str, String); 4] {
    [
        (
            "vat_invoice",
            canonical_json(&sample::vat_invoice(false)).unwrap(),
        ),
        ("vat_invoice", canonical_json(&sample::vat_invoice(true)).unwrap()),
        ("correction", canonical_json(&sample::correction()).unwrap()),
        ("penalty_claim", canonical_json(&sample::penalty_claim()).unwrap()),
    ]
}

#[test]
fn each_language_renders_and_the_same_content_gives_the_same_bytes() {
    for (kind, content) in contents() {
        assert!(has_files(kind));
        for language in Language::ALL {
            let pdf = || pdf_of(kind, &content, language, sample::VERIFY_URL).unwrap();
            let once = pdf();
            assert!(once.starts_with(b"%PDF") && once == pdf(), "{kind} {language:?}");
            let xlsx = || xlsx_of(kind, &content, language).unwrap();
            assert_eq!(xlsx(), xlsx(), "{kind} {language:?}");
        }
    }
    let unknown = pdf_of("letter", "{}", Language::En, sample::VERIFY_URL);
    assert!(matches!(unknown, Err(FileError::NoSuchKind(_))));
    assert!(einvoice_of("correction", "{}").is_err());
}

#[test]
fn figures_that_contradict_each_other_are_refused() {
    let mut correction = sample::correction();
    correction.lines[0].difference.net = sample::money("-1.00");
    assert!(correction.check().is_err());
    let mut claim = sample::penalty_claim();
    claim.amount = sample::money("11800.01");
    assert!(matches!(claim.check(), Err(ContentError::TotalDisagrees { .. })));
    let mut invoice = sample::vat_invoice(false);
    invoice.corrects = sample::vat_invoice(true).corrects;
    assert_eq!(invoice.check(), Err(ContentError::ReferenceDisagrees));
    let mut invoice = sample::vat_invoice(true);
    invoice.invoice_type = VatInvoiceType::Standard;
    assert!(invoice.check().is_err(), "only a difference may be negative");
}

#[test]
fn an_e_invoice_has_the_operators_fields_and_figures() {
    let content = sample::vat_invoice(false);
    let json = einvoice_json(&content).unwrap();
    assert_eq!(json, einvoice_json(&content).unwrap());
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["FacturaType"], 0);
    assert_eq!(told["FacturaDoc"]["FacturaDate"], "2026-11-30");
    assert_eq!(told["SellerTin"], "301234567");
    let line = &told["ProductList"]["Products"][0];
    assert_eq!(content.lines[0].unit, Unit::Impressions);
    // 25,000 impressions at 12,000.00 for 1,000: 25 × 12,000.00.
    assert!(
        json.contains(
            "\"Count\":25,\"Summa\":12000.00,\"DeliverySum\":300000.00,\"VatRate\":12.00,\"VatSum\":36000.00"
        ),
        "{json}"
    );
    assert_eq!(line["Origin"], 3);
    let additional = einvoice_json(&sample::vat_invoice(true)).unwrap();
    let told: serde_json::Value = serde_json::from_str(&additional).unwrap();
    assert_eq!(told["FacturaType"], 1);
    assert_eq!(told["OldFacturaDoc"]["OldFacturaNo"], "HF-2026-000001");
    assert!(
        additional.contains("\"Count\":1,\"Summa\":-30000.00,\"DeliverySum\":-30000.00"),
        "{additional}"
    );
}

#[test]
fn to_a_natural_person_the_buyer_is_left_out() {
    let mut content = sample::vat_invoice(false);
    content.customer.kind = namoyish_documents::content::PartyKind::Person;
    let told: serde_json::Value = serde_json::from_str(&einvoice_json(&content).unwrap()).unwrap();
    assert_eq!(
        (&told["SingleSidedType"], &told["BuyerTin"], &told["Buyer"]),
        (&1.into(), &"".into(), &serde_json::Value::Null)
    );
}

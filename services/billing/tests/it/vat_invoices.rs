//! billing.md §5: VAT invoices follow the calendar of their primary documents, and go out on the 9th.

use crate::fixture::{Worker, operator_at, period_line, primaries, sign, vat};
use namoyish_documents::content::{VatInvoiceContent, VatInvoiceType};
use namoyish_domain::billing::document::DocumentState;
use namoyish_domain::ids::{CustomerId, DocumentId};
use namoyish_domain::orders::order_blank::VatTerms;
use namoyish_storage::documents::DocumentRecord;
use namoyish_testkit::{TestContext, contracts};

async fn month(vat_payer: bool) -> (TestContext, Worker, CustomerId) {
    let ctx = operator_at("2026-11-20T10:00:00", vat_payer).await;
    let customer = contracts::customer(&ctx, "osh", 1).await;
    let terms = if vat_payer { vat() } else { VatTerms::NotAPayer };
    let line = period_line("OB-1/1", "2026-12-01", "2026-12-31", Some("2026-11-20"));
    sign(&ctx, customer, "OB-1", terms, vec![line]).await;
    (ctx, Worker::new(), customer)
}

async fn vat_invoices(ctx: &TestContext, customer: CustomerId) -> Vec<DocumentRecord> {
    let mut documents = ctx.store.documents_of(customer, 100).await.unwrap();
    documents.retain(|document| document.kind == "vat_invoice");
    documents
}

async fn states(ctx: &TestContext, document: DocumentId) -> Vec<DocumentState> {
    let events = ctx.store.document_events(document).await.unwrap();
    events.iter().map(|event| event.state).collect()
}

#[tokio::test]
async fn a_payer_issues_one_dated_the_periods_last_day_with_the_documents_own_sums() {
    let (ctx, worker, customer) = month(true).await;
    worker.advance(&ctx, "2027-01-01T10:00:00").await;
    let primary = primaries(&ctx, customer).await.remove(0);
    let invoices = vat_invoices(&ctx, customer).await;
    let [invoice] = invoices.as_slice() else {
        panic!("{invoices:?}");
    };
    // Its number is of the year of its date, the primary document's of the year of its own.
    assert_eq!(
        (invoice.number.as_str(), invoice.issued_on.to_string().as_str()),
        ("HF-2026-000001", "2026-12-31")
    );
    assert_eq!(primary.number, "BH-2027-000001");
    assert_eq!(
        (invoice.net, invoice.vat, invoice.gross),
        (primary.net, primary.vat, primary.gross)
    );
    let (json, _) = ctx.store.document_content(invoice.id).await.unwrap().unwrap();
    let content = VatInvoiceContent::read(&json).unwrap();
    assert_eq!(content.invoice_type, VatInvoiceType::Standard);
    assert_eq!(content.document.number, primary.number);
    assert_eq!(ctx.store.number_gaps().await.unwrap(), []);
}

#[tokio::test]
async fn it_is_sent_and_accepted_with_its_document() {
    let (ctx, worker, customer) = month(true).await;
    worker.advance(&ctx, "2027-01-21T10:00:00").await;
    let invoice = vat_invoices(&ctx, customer).await.remove(0);
    assert_eq!(
        states(&ctx, invoice.id).await,
        [
            DocumentState::Issued,
            DocumentState::Sent,
            DocumentState::Accepted
        ]
    );
    assert_eq!(invoice.state_on.to_string(), "2027-01-21");
}

#[tokio::test]
async fn it_goes_out_on_the_9th_once() {
    let (ctx, worker, customer) = month(true).await;
    let mut worker = worker;
    let folder = tempfile::tempdir().unwrap();
    worker.settings.vat_invoice_folder = Some(folder.path().join("e-invoices"));
    worker.advance(&ctx, "2027-01-08T23:00:00").await;
    let invoice = vat_invoices(&ctx, customer).await.remove(0);
    assert_eq!(ctx.store.vat_invoice_export(invoice.id).await.unwrap(), None);
    worker.advance(&ctx, "2027-01-09T10:00:00").await;
    let exported = ctx.store.vat_invoice_export(invoice.id).await.unwrap().unwrap();
    assert_eq!(exported.exported_on.to_string(), "2027-01-09");
    let file = folder.path().join("e-invoices").join("HF-2026-000001.json");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), exported.payload);
    let told: serde_json::Value = serde_json::from_str(&exported.payload).unwrap();
    assert_eq!(told["FacturaDoc"]["FacturaDate"], "2026-12-31");
    assert_eq!(told["OldFacturaDoc"], serde_json::Value::Null);
    assert_eq!(
        told["ProductList"]["Products"][0]["DeliverySumWithVat"],
        1_120_000.0
    );
    // Once is enough, whatever becomes of the file.
    std::fs::remove_file(&file).unwrap();
    worker.advance(&ctx, "2027-01-11T10:00:00").await;
    assert!(!file.exists());
}

#[tokio::test]
async fn no_payer_issues_none() {
    let (ctx, worker, customer) = month(false).await;
    worker.advance(&ctx, "2027-01-21T10:00:00").await;
    assert_eq!(primaries(&ctx, customer).await.len(), 1);
    assert_eq!(vat_invoices(&ctx, customer).await, []);
}

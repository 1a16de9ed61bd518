//! Scenarios 61 to 65: objections, penalties, VAT invoices (billing.md §5–§6).

use crate::support::run;
use namoyish_simulation::report::Report;

/// Number, period, state, gross of the documents of a kind, by number.
fn documents<'a>(report: &'a Report, kind: &str) -> Vec<[&'a str; 4]> {
    report
        .documents
        .iter()
        .filter(|document| document.kind == kind)
        .map(|document| {
            [
                document.number.as_str(),
                document.period.as_str(),
                document.state.as_str(),
                document.gross.as_str(),
            ]
        })
        .collect()
}

fn refused(report: &Report) -> Vec<(&str, &str)> {
    report
        .refused
        .iter()
        .map(|refused| (refused.r#do, refused.code.as_str()))
        .collect()
}

fn balance<'a>(report: &'a Report, customer: &str) -> (&'a str, &'a str, &'a str) {
    let found = report
        .balances
        .iter()
        .find(|balance| balance.customer == customer);
    found
        .map(|balance| {
            (
                balance.advance.as_str(),
                balance.receivable.as_str(),
                balance.penalty_receivable.as_str(),
            )
        })
        .unwrap()
}

#[tokio::test]
async fn objections_are_upheld_rejected_and_too_late() {
    let report = run("61-objections").await;
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(
        refused(&report),
        [
            ("object", "objection_too_late"),
            ("decide_objection", "corrected_sum_not_less"),
            ("decide_objection", "document_not_disputed"),
        ]
    );
    let of = |customer: &str, kind: &str, period: &str| -> Vec<(String, String)> {
        report
            .documents
            .iter()
            .filter(|document| {
                document.customer == customer && document.kind == kind && document.period == period
            })
            .map(|document| (document.state.clone(), document.gross.clone()))
            .collect()
    };
    let one = |state: &str, gross: &str| vec![(state.to_owned(), gross.to_owned())];
    assert_eq!(
        of("osh", "primary_document", "2026-03"),
        one("corrected", "1120000.00")
    );
    assert_eq!(
        of("bek", "primary_document", "2026-03"),
        one("upheld", "1120000.00")
    );
    assert_eq!(
        of("ali", "primary_document", "2026-03"),
        one("accepted", "1120000.00")
    );
    // The correction nets to the difference only: April is charged in full.
    assert_eq!(
        of("osh", "primary_document", "2026-04"),
        one("accepted", "1120000.00")
    );
    assert_eq!(
        documents(&report, "correction"),
        [["TH-2026-000001", "2026-03", "accepted", "-112000.00"]]
    );
    // The first VAT invoice went the way of its document; the additional one belongs to the correction.
    let mut invoices = of("osh", "vat_invoice", "2026-03");
    invoices.sort();
    let due = [("accepted", "-112000.00"), ("corrected", "1120000.00")];
    assert_eq!(
        invoices,
        due.map(|(state, gross)| (state.to_owned(), gross.to_owned()))
    );
    assert_eq!(balance(&report, "osh"), ("112000.00", "0.00", "0.00"));
    assert_eq!(balance(&report, "bek"), ("0.00", "0.00", "0.00"));
    let again = run("61-objections").await;
    assert_eq!(report.to_json().unwrap(), again.to_json().unwrap());
}

#[tokio::test]
async fn penalties_are_claimed_and_waived_with_the_books_figures() {
    let report = run("62-penalty-claimed").await;
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(
        refused(&report),
        [
            ("claim_penalty", "no_penalty_accrued"),
            ("claim_penalty", "penalty_waived"),
            ("claim_penalty", "penalty_claimed"),
            ("waive_penalty", "penalty_claimed"),
        ]
    );
    let claims = documents(&report, "penalty_claim");
    assert_eq!(
        claims,
        [
            ["JT-2026-000001", "", "sent", "0.33"],
            ["JT-2026-000002", "", "sent", "11800.00"],
        ]
    );
    let penalties: Vec<&str> = report
        .invoices
        .iter()
        .map(|invoice| invoice.penalty.as_str())
        .collect();
    assert_eq!(penalties, ["11800.00", "10000.00", "0.33"]);
    // The services are in March, after the end: their price is still advance, and 200.00 with it.
    assert_eq!(balance(&report, "bek"), ("1120200.00", "0.00", "0.00"));
    assert_eq!(balance(&report, "ali"), ("333.33", "0.00", "0.33"));
}

#[tokio::test]
async fn an_operator_without_vat_issues_no_vat_invoice() {
    let report = run("63-no-vat-operator").await;
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(
        documents(&report, "primary_document"),
        [["BH-2026-000001", "2026-03", "accepted", "1000000.00"]]
    );
    assert_eq!(documents(&report, "vat_invoice"), Vec::<[&str; 4]>::new());
}

#[tokio::test]
async fn a_leap_february_is_a_whole_month() {
    let report = run("64-leap-february").await;
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(
        documents(&report, "primary_document"),
        [["BH-2028-000001", "2028-02", "accepted", "1120000.00"]]
    );
    let invoice = report
        .documents
        .iter()
        .find(|document| document.kind == "vat_invoice");
    assert_eq!(invoice.unwrap().issued.to_string(), "2028-02-29");
}

#[tokio::test]
async fn numbers_begin_anew_with_the_year_of_the_documents_date() {
    let report = run("65-year-end").await;
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(
        documents(&report, "primary_document"),
        [
            ["BH-2027-000001", "2026-12", "accepted", "1120000.00"],
            ["BH-2027-000002", "2027-01", "accepted", "1120000.00"],
        ]
    );
    let numbers: Vec<&str> = documents(&report, "vat_invoice")
        .iter()
        .map(|[number, ..]| *number)
        .collect();
    assert_eq!(numbers, ["HF-2026-000001", "HF-2027-000001"]);
}

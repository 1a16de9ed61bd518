//! Ended contracts: refunds and reconciliation acts, a test a scenario (billing.md §7–§8).

use crate::support::run;
use namoyish_simulation::Report;
use namoyish_simulation::report::DocumentReport;

fn of_kind<'a>(report: &'a Report, kind: &str) -> Vec<&'a DocumentReport> {
    report
        .documents
        .iter()
        .filter(|document| document.kind == kind)
        .collect()
}

fn settled(report: &Report) {
    let balance = &report.balances[0];
    assert_eq!(
        [&balance.advance, &balance.receivable, &balance.refund_payable],
        ["0.00", "0.00", "0.00"]
    );
}

// orders.md §8, billing.md §8: a media contract ended in the middle of a month; the request before the end waits for it.
#[tokio::test]
async fn a_media_contract_ended_in_the_middle_is_refunded_what_it_did_not_deliver() {
    let report = run("41-media-ended-and-refunded").await;
    assert!(report.refused.is_empty(), "{:?}", report.refused);
    let refund = of_kind(&report, "refund").remove(0);
    assert_eq!(refund.issued.to_string(), "2026-03-16");
    let charged = of_kind(&report, "primary_document").remove(0);
    let tiyin = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
    assert_eq!(tiyin(&refund.gross) + tiyin(&charged.gross), 34_720_000);
    let acts = of_kind(&report, "reconciliation_act");
    assert_eq!(
        (acts[0].issued.to_string(), acts[0].period.as_str()),
        ("2026-03-16".into(), "")
    );
    settled(&report);
}

// billing.md §8: every refusal by its code.
#[tokio::test]
async fn refunds_are_refused_by_their_codes() {
    let report = run("42-refunds-refused").await;
    let codes: Vec<&str> = report.refused.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "nothing_to_refund",
            "no_such_refund",
            "refund_not_fixed",
            "refund_already_requested",
            "refund_already_paid",
            "customer_has_debt"
        ]
    );
    assert_eq!(of_kind(&report, "refund").remove(0).gross, "2016000.00");
}

// [003 §7.6], billing.md §7: under-delivery is refundable; acts of the quarter and of the end.
#[tokio::test]
async fn under_delivery_is_refunded_and_the_quarter_is_reconciled() {
    let report = run("43-under-delivered-and-reconciled").await;
    let acts = of_kind(&report, "reconciliation_act");
    let periods: Vec<&str> = acts.iter().map(|act| act.period.as_str()).collect();
    assert_eq!(periods, ["2026-03", ""]);
    let refund = of_kind(&report, "refund").remove(0);
    assert_eq!(refund.gross, acts[1].gross);
    assert!(acts.iter().all(|act| act.sent == "2026-04-01"), "{acts:?}");
    settled(&report);
}

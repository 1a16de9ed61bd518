//! Scenarios of budget increases (orders.md §6), in numbers.

use crate::support::{day, line, run};
use namoyish_simulation::report::Report;

/// Due date, gross, day of payment and penalty of a customer's invoices, by number.
fn invoices<'r>(report: &'r Report, customer: &str) -> Vec<(String, &'r str, &'r str, &'r str)> {
    report
        .invoices
        .iter()
        .filter(|invoice| invoice.customer == customer)
        .map(|invoice| {
            (
                invoice.due.to_string(),
                invoice.gross.as_str(),
                invoice.paid_on.as_str(),
                invoice.penalty.as_str(),
            )
        })
        .collect()
}

fn told(
    due: &str,
    gross: &'static str,
    paid_on: &'static str,
    penalty: &'static str,
) -> (String, &'static str, &'static str, &'static str) {
    (due.to_owned(), gross, paid_on, penalty)
}

#[tokio::test]
async fn free_advance_raises_a_budget_at_once_and_wakes_a_line_that_was_spent() {
    let report = run("21-budget-increase").await;
    let raised = line(&report, "OB-1/1");
    assert_eq!(raised.budget, "450000.00");
    // 50,000 more over the twenty days left, from midnight on.
    let (before, after) = (day(raised, "2026-11-10"), day(raised, "2026-11-11"));
    let grown = after.target.parse::<f64>().unwrap() - before.target.parse::<f64>().unwrap();
    assert!((2_490.0..2_510.0).contains(&grown), "{grown}");
    let woken = line(&report, "OB-2/1");
    assert_eq!(day(woken, "2026-11-15").impressions, 0);
    assert!(
        day(woken, "2026-11-16").impressions > 0,
        "it runs again from noon on"
    );
    assert_eq!(
        invoices(&report, "osh"),
        [
            told("2026-10-28", "336000.00", "2026-10-22", "0.00"),
            told("2026-11-11", "56000.00", "2026-11-11", "0.00"),
            told("2026-11-16", "112000.00", "2026-11-16", "0.00"),
        ]
    );
    let codes: Vec<&str> = report
        .refused
        .iter()
        .map(|refused| refused.code.as_str())
        .collect();
    assert_eq!(
        codes,
        [
            "increase_not_positive",
            "increase_over_limit",
            "increase_term_over"
        ]
    );
}

#[tokio::test]
async fn a_request_is_in_force_when_its_invoice_is_paid_and_lapses_when_it_is_not() {
    let report = run("22-budget-increase-pending").await;
    assert_eq!(line(&report, "OB-1/1").budget, "400000.00");
    assert_eq!(
        invoices(&report, "osh")[1..],
        [
            told("2026-11-10", "30000.00", "2026-11-10", "0.00"),
            told("2026-12-10", "82000.00", "2026-11-30", "0.00"),
        ]
    );
    // The void invoice is no invoice; what was paid on it pays the next order.
    assert_eq!(line(&report, "OB-2/1").budget, "300000.00");
    assert_eq!(
        invoices(&report, "bek"),
        [
            told("2026-10-28", "336000.00", "2026-10-22", "0.00"),
            told("2026-12-16", "56000.00", "2026-12-14", "0.00"),
        ]
    );
    assert_eq!(report.refused[0].code, "increase_pending");
}

#[tokio::test]
async fn a_monthly_budget_is_raised_from_money_paid_for_later_periods() {
    let report = run("23-monthly-budget-raised").await;
    assert_eq!(
        invoices(&report, "osh")[3..],
        [
            told("2026-11-26", "67200.00", "2026-11-20", "0.00"),
            told("2026-12-28", "134400.00", "2026-12-20", "0.00"),
        ]
    );
    // 224,000.00, seven days late: the line stands still for the first days of December, and no day of November.
    assert_eq!(
        invoices(&report, "bek")[1..],
        [
            told("2026-11-26", "224000.00", "2026-12-03", "1568.00"),
            told("2026-12-28", "280000.00", "2026-12-20", "0.00"),
        ]
    );
    let stopped = line(&report, "OB-2/1");
    assert_eq!(
        (stopped.budget.as_str(), day(stopped, "2026-12-02").impressions),
        ("250000.00", 0)
    );
    assert!(day(stopped, "2026-11-30").impressions > 0 && day(stopped, "2026-12-03").impressions > 0);
}

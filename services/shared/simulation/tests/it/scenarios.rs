//! One test a scenario file: what it is about, in numbers.

use crate::support::{day, line, run, run_text, text_of, tiyin};

/// Spend within one and a half per cent of the target and two impressions of 12,000 per 1,000, as the book's floor with
/// the coarse grain of small test traffic.
fn is_met(target: &str, spent: &str) -> bool {
    let (target, spent) = (tiyin(target), tiyin(spent));
    spent * 1_000 >= target * 985 - 2_400_000 && spent <= target + 2_400
}

#[tokio::test]
async fn an_extra_period_paces_inside_itself_and_the_rest_of_the_term_gets_what_is_left() {
    // Scenario 01 at a twentieth of its size, so that a build without optimisation is quick.
    let text = text_of("01-media-extra-period")
        .replace("per_day = 20000", "per_day = 6000")
        .replace("per_day = 5000", "per_day = 500");
    let report = run_text(&text, None).await;
    assert_eq!(report.findings, Vec::<String>::new());
    let line = line(&report, "OB-1/1");
    assert_eq!(day(line, "2026-11-01").target, "10000.00");
    assert!(
        line.days.iter().all(|day| is_met(&day.target, &day.spent)),
        "{:#?}",
        line.days
    );
    let target = tiyin(&day(line, "2026-11-11").target);
    assert!(
        (2_999_000..=3_000_000).contains(&target),
        "{target}: the extra budget over five days"
    );
    assert!(tiyin(&day(line, "2026-11-16").target) < 350_000);
    assert_eq!(line.extra_periods.len(), 1);
    assert_eq!(line.extra_periods[0].ended, "expired");
    assert_eq!(line.state, "completed");
    assert!(line.impressions <= 25_000);
    assert_eq!(report.refused.len(), 1);
    assert_eq!(report.refused[0].r#do, "set_extra_period");
    let document = report
        .documents
        .iter()
        .find(|document| document.kind == "primary_document")
        .unwrap();
    assert_eq!(
        (document.state.as_str(), document.decided.as_str()),
        ("accepted", "2026-12-21")
    );
    assert_eq!(document.lines[0].net, line.spent);
}

#[tokio::test]
async fn a_late_payment_in_parts_costs_the_penalty_of_the_books_example() {
    let report = run("02-late-payment").await;
    let february = &report.invoices[0];
    assert_eq!(
        (february.due.to_string(), february.penalty.as_str()),
        ("2026-01-15".into(), "11800.00")
    );
    assert_eq!(february.paid_on, "2026-01-30");
    let march = &report.invoices[1];
    assert_eq!(
        (march.due.to_string(), march.penalty.as_str()),
        ("2026-02-25".into(), "0.00")
    );
    let periods: Vec<(&str, &str)> = report
        .documents
        .iter()
        .filter(|document| document.kind == "primary_document")
        .map(|document| (document.period.as_str(), document.gross.as_str()))
        .collect();
    assert_eq!(periods, [("2026-02", "1120000.00"), ("2026-03", "1120000.00")]);
    assert_eq!(report.balances[0].advance, "0.00");
}

#[tokio::test]
async fn the_same_scenario_and_seed_give_the_same_bytes() {
    let text = text_of("15-extra-period-switched-off");
    let (one, same) = (run_text(&text, Some(7)).await, run_text(&text, Some(7)).await);
    assert_eq!(one.to_json().unwrap(), same.to_json().unwrap());
    let other = run_text(&text, Some(8)).await;
    assert_ne!(one.to_json().unwrap(), other.to_json().unwrap());
    assert_eq!(other.findings, Vec::<String>::new());
}

#[tokio::test]
async fn two_nodes_share_a_budget_in_redis_and_a_token_called_on_both_counts_once() {
    let report = run("11-two-nodes-redis").await;
    let line = line(&report, "OB-1/1");
    assert!(line.impressions <= 7_000);
    assert!(line.impressions >= 6_965, "{}: at least 99.5 %", line.impressions);
    let again = run("11-two-nodes-redis").await;
    assert_eq!(
        report.to_json().unwrap(),
        again.to_json().unwrap(),
        "another life of Redis tells nothing"
    );
}

#[tokio::test]
async fn a_monthly_budget_is_paced_over_the_months_own_days() {
    let report = run("12-monthly-budget").await;
    let line = line(&report, "OB-1/1");
    // October has six days of the term, November twenty-five.
    assert_eq!(day(line, "2026-10-26").target, "16666.67");
    assert_eq!(day(line, "2026-11-01").target, "4000.00");
    let months = report
        .documents
        .iter()
        .filter(|document| document.kind == "primary_document");
    assert_eq!(months.count(), 2);
}

#[tokio::test]
async fn scarce_supply_is_shared_by_need() {
    let report = run("13-competition").await;
    let share = |id: &str| {
        let line = line(&report, id);
        tiyin(&line.spent) * 10_000 / tiyin(&line.budget)
    };
    assert!(
        (share("OB-1/1") - share("OB-2/1")).abs() <= 300,
        "{} {}",
        share("OB-1/1"),
        share("OB-2/1")
    );
    let impressions: i64 = report.lines.iter().map(|line| line.impressions).sum();
    assert!(
        impressions >= 5_900,
        "{impressions} of 6,000 requests: none is left unsold"
    );
}

#[tokio::test]
async fn what_must_not_run_is_not_served() {
    let report = run("14-not-served").await;
    for id in ["OB-FAR/1", "OB-POOR/1", "OB-BAD/1"] {
        assert_eq!(line(&report, id).impressions, 0, "{id}");
    }
    let refused: Vec<&str> = report
        .refused
        .iter()
        .map(|refused| refused.code.as_str())
        .collect();
    assert_eq!(refused, ["extra_period_not_set", "extra_budget_over_budget"]);
    // What was paid for a contract that rendered nothing is reconciled at its end; an empty month makes no document.
    let kinds: Vec<&str> = report
        .documents
        .iter()
        .map(|document| document.kind.as_str())
        .collect();
    assert_eq!(kinds, ["reconciliation_act"]);
}

#[tokio::test]
async fn an_extra_period_switched_off_at_midday_leaves_the_rest_to_even_pacing() {
    let report = run("15-extra-period-switched-off").await;
    let line = line(&report, "OB-1/1");
    assert_eq!(line.extra_periods[0].ended, "switched_off");
    assert!(tiyin(&day(line, "2026-11-05").spent) > tiyin(&day(line, "2026-11-03").spent));
    assert!(tiyin(&day(line, "2026-11-07").spent) < tiyin(&day(line, "2026-11-05").spent));
    assert!(tiyin(&line.spent) >= tiyin("99500.00"), "{}", line.spent);
}

#[tokio::test]
async fn late_materials_move_terms_and_nothing_is_lost() {
    let report = run("16-late-material").await;
    assert_eq!(
        line(&report, "OB-1/1").term.map(|day| day.to_string()),
        ["2026-01-24", "2026-02-02"]
    );
    assert_eq!(
        line(&report, "OB-1/2").term.map(|day| day.to_string()),
        ["2026-03-01", "2026-03-31"]
    );
}

#[tokio::test]
async fn a_node_killed_and_started_again_loses_no_acknowledged_impression() {
    let kills = "\n[[event]]\nat = \"2026-11-04T11:02:03\"\ndo = \"kill_node\"\nnode = 1\n\
        [[event]]\nat = \"2026-11-04T11:09:00\"\ndo = \"kill_node\"\nnode = 1\n\
        [[event]]\nat = \"2026-11-04T11:12:00\"\ndo = \"start_node\"\nnode = 1\n";
    let report = run_text(&(text_of("11-two-nodes-redis") + kills), None).await;
    assert_eq!(report.findings, Vec::<String>::new());
    assert!(
        line(&report, "OB-1/1").impressions >= 6_965,
        "the other node serves on"
    );
    assert_eq!(report.refused[0].code, "node_not_running");
}

#[tokio::test]
async fn a_mistake_in_the_file_runs_nothing() {
    use namoyish_simulation::{SimulateError, SimulateOptions, simulate_text};
    let text = text_of("02-late-payment").replace("2026-02-24T15", "2026-02-30T15");
    let error = simulate_text(&text, &SimulateOptions::default())
        .await
        .unwrap_err();
    let SimulateError::Scenario(mistakes) = &error else {
        panic!("{error}")
    };
    assert!(mistakes.to_string().contains("line "), "{mistakes}");
}

// orders.md §4: both rules for a late first material, across a year's end.
#[tokio::test]
async fn late_materials_move_their_terms_across_a_years_end() {
    let report = run("51-late-material-years-end").await;
    let term = |id: &str| line(&report, id).term.map(|day| day.to_string());
    assert_eq!(term("OB-1/1"), ["2027-01-06", "2027-01-16"]);
    assert_eq!(term("OB-1/2"), ["2027-02-01", "2027-03-31"]);
}

// orders.md §4: the line isn't served after its licence's last day; a change with a new one starts it again.
#[tokio::test]
async fn a_line_stands_still_while_its_licence_has_run_out() {
    let report = run("52-licence-expires").await;
    let line = line(&report, "OB-1/1");
    for still in ["2026-11-10", "2026-11-11", "2026-11-12"] {
        assert_eq!(day(line, still).impressions, 0, "{still}");
    }
    for served in ["2026-11-09", "2026-11-13"] {
        assert!(day(line, served).impressions > 0, "{served}");
    }
    assert!(line.impressions >= 9_950, "{}", line.impressions);
}

// orders.md §4 [003 §3.4.2]: a change never extends the term, and one that comes too late is refused.
#[tokio::test]
async fn a_change_of_material_leaves_the_term_alone() {
    let report = run("53-change-of-material").await;
    assert_eq!(
        line(&report, "OB-1/1").term.map(|day| day.to_string()),
        ["2026-11-01", "2026-11-30"]
    );
    let refused: Vec<&str> = report
        .refused
        .iter()
        .map(|refused| refused.code.as_str())
        .collect();
    assert_eq!(refused, ["material_too_late"]);
}

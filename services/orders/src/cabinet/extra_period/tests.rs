//! The effect of an extra period as it is shown before it is confirmed, on the examples of delivery.md §5.

use super::*;
use namoyish_domain::ids::{LineId, OrderBlankId};
use namoyish_domain::money::UnitPrice;
use namoyish_domain::orders::runnable::LineFacts;
use namoyish_storage::cabinet::Names;
use uuid::Uuid;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A line at 1,000 so'm for 1,000 impressions, so that an impression costs a so'm.
fn planned(mode: BudgetMode, budget: &str, first: &str, last: &str, counted: &[(u32, u64)]) -> Planned {
    let row = LineRow {
        id: LineId::from_uuid(Uuid::from_u128(1)),
        code: "m1".to_owned(),
        kind: "media".to_owned(),
        unit_price: UnitPrice::parse("1000").unwrap(),
        first_day: day(first),
        last_day: day(last),
        ordered_first_day: day(first),
        ordered_last_day: day(last),
        monthly: mode == BudgetMode::Monthly,
        budget: Some(money(budget)),
        quantity: None,
        one_off: false,
        paused: false,
        ended_on: None,
        blank: OrderBlankId::from_uuid(Uuid::from_u128(2)),
        blank_number: "1".to_owned(),
        blank_state: "in_service".to_owned(),
        name: Names::default(),
        unit: "impressions".to_owned(),
        counted: 0,
        counted_in_scope: 0,
        counted_today: 0,
        target_today: None,
        quota_today: None,
        facts: LineFacts {
            blank_state: BlankState::InService,
            kind: LineKind::Media,
            term: Term::new(day(first), day(last)).unwrap(),
            invoice_overdue: false,
            materials: vec![],
            customer_suspended: false,
            consent_withdrawn: false,
            paused: false,
            interrupted: false,
            ended_on: None,
            budget_exhausted: false,
        },
    };
    Planned {
        term: Term::new(day(first), day(last)).unwrap(),
        budget: Budget {
            mode,
            amount: money(budget),
        },
        row,
        counted: counted.iter().copied().collect(),
        current: None,
    }
}

fn effect(
    planned: &Planned,
    today: &str,
    first: &str,
    last: &str,
    budget: &str,
) -> (String, String, Option<String>) {
    let extra = NewExtraPeriod {
        first_day: day(first),
        last_day: day(last),
        extra_budget: money(budget),
    };
    let effect = planned.effect(&extra, day(today)).unwrap();
    let shown = |sum: Exact| sum.round_half_up().unwrap().to_string();
    (shown(effect.now), shown(effect.inside), effect.after.map(shown))
}

#[test]
fn the_books_example_shows_thirty_thousand_a_day_and_a_third_afterwards() {
    let line = planned(
        BudgetMode::Total,
        "300000",
        "2026-06-01",
        "2026-06-30",
        &[(0, 100_000)],
    );
    assert_eq!(
        effect(&line, "2026-06-11", "2026-06-11", "2026-06-15", "150000"),
        ("10000.00".into(), "30000.00".into(), Some("3333.33".into()))
    );
}

#[test]
fn nothing_is_left_after_an_extra_period_with_all_the_money_or_to_the_last_day() {
    let line = planned(
        BudgetMode::Total,
        "300000",
        "2026-06-01",
        "2026-06-30",
        &[(0, 100_000)],
    );
    assert_eq!(
        effect(&line, "2026-06-11", "2026-06-11", "2026-06-15", "200000").2,
        None
    );
    assert_eq!(
        effect(&line, "2026-06-11", "2026-06-11", "2026-06-30", "150000").2,
        None
    );
}

#[test]
fn an_extra_period_that_begins_later_leaves_the_days_before_it_as_they_are() {
    let line = planned(
        BudgetMode::Total,
        "300000",
        "2026-06-01",
        "2026-06-30",
        &[(0, 100_000)],
    );
    // 11 to 15 June at 10,000 a day, then 100,000 in five days, then 50,000 over the ten days left.
    assert_eq!(
        effect(&line, "2026-06-11", "2026-06-16", "2026-06-20", "100000"),
        ("10000.00".into(), "20000.00".into(), Some("5000.00".into()))
    );
}

#[test]
fn a_monthly_budget_begins_untouched_in_the_next_month() {
    let line = planned(
        BudgetMode::Monthly,
        "30000",
        "2026-06-01",
        "2026-07-31",
        &[(202_606, 10_000)],
    );
    // June: 20,000 over 20 days. An extra period to the month's end; July has its own 30,000 over 31 days.
    assert_eq!(
        effect(&line, "2026-06-11", "2026-06-11", "2026-06-30", "20000"),
        ("1000.00".into(), "1000.00".into(), Some("967.74".into()))
    );
    // What two months have unspent together bounds an extra period that touches both.
    assert_eq!(
        line.unspent(day("2026-06-11"), day("2026-07-10")).unwrap(),
        money("50000").exact()
    );
}

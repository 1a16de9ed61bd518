//! Tests of budget changes: the clauses of orders.md §6, and the invariants as properties.

use super::*;
use proptest::prelude::*;

fn sum(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn month(text: &str) -> ReportingPeriod {
    ReportingPeriod::parse(text).unwrap()
}

fn vat() -> Rate {
    Rate::parse("0.12").unwrap()
}

fn line(mode: BudgetMode) -> LineForBudgetChange {
    LineForBudgetChange {
        kind: LineKind::Media,
        blank_in_force: true,
        term: Term::new(day("2026-11-01"), day("2027-01-31")).unwrap(),
        ended_on: None,
        budget: Some(Budget {
            mode,
            amount: sum("300000.00"),
        }),
        pending: false,
    }
}

fn means(free: &str, lendable: &[(&str, &str)]) -> Means {
    Means {
        free: sum(free),
        lendable: lendable
            .iter()
            .map(|(period, amount)| (month(period), sum(amount)))
            .collect(),
    }
}

fn refusal(line: &LineForBudgetChange, amount: &str, today: &str) -> &'static str {
    check_increase(line, sum(amount), day(today)).unwrap_err().code()
}

#[test]
fn an_increase_adds_to_the_budget_in_force() {
    let raised = check_increase(&line(BudgetMode::Total), sum("0.01"), day("2026-11-10")).unwrap();
    assert_eq!(raised.amount, sum("300000.01"));
    // Before the term begins and on its last day.
    for today in ["2026-10-01", "2027-01-31"] {
        assert!(check_increase(&line(BudgetMode::Monthly), sum("1.00"), day(today)).is_ok());
    }
}

#[test]
fn every_refusal_has_its_own_code() {
    let good = line(BudgetMode::Total);
    let period_line = LineForBudgetChange {
        kind: LineKind::Period,
        budget: None,
        ..good
    };
    assert_eq!(
        refusal(&period_line, "1.00", "2026-11-10"),
        "increase_not_a_media_line"
    );
    let unsigned = LineForBudgetChange {
        blank_in_force: false,
        ..good
    };
    assert_eq!(
        refusal(&unsigned, "1.00", "2026-11-10"),
        "increase_order_blank_not_in_force"
    );
    let ended = LineForBudgetChange {
        ended_on: Some(day("2026-11-10")),
        ..good
    };
    assert_eq!(refusal(&ended, "1.00", "2026-11-10"), "increase_line_ended");
    assert!(check_increase(&ended, sum("1.00"), day("2026-11-09")).is_ok());
    assert_eq!(refusal(&good, "1.00", "2027-02-01"), "increase_term_over");
    assert_eq!(refusal(&good, "0.00", "2026-11-10"), "increase_not_positive");
    assert_eq!(refusal(&good, "-5.00", "2026-11-10"), "increase_not_positive");
    assert_eq!(
        refusal(&good, "1000000000000.00", "2026-11-10"),
        "increase_over_limit"
    );
    let pending = LineForBudgetChange {
        pending: true,
        ..good
    };
    assert_eq!(refusal(&pending, "1.00", "2026-11-10"), "increase_pending");
}

#[test]
fn a_budget_is_never_lowered_below_what_is_spent() {
    // orders.md §6: 120,000.004 are spent, exactly.
    let spent = Exact::new(Decimal::from_str_exact("120000.004").unwrap());
    let lower = |new: &str| check_decrease(&line(BudgetMode::Total), sum(new), spent, day("2026-11-10"));
    assert_eq!(lower("120000.01").unwrap().amount, sum("120000.01"));
    let refused = lower("120000.00").unwrap_err();
    assert_eq!(refused.code(), "budget_below_spent");
    assert_eq!(refused.limit().as_deref(), Some("120000.01"));
    assert_eq!(lower("300000.00").unwrap_err().code(), "budget_not_decreased");
    assert_eq!(lower("0.00").unwrap_err().code(), "increase_not_positive");
}

#[test]
fn free_advance_pays_the_added_sum_with_vat() {
    // 100,000.00 + 12 % = 112,000.00.
    let at = day("2026-11-10");
    let whole = fund(
        BudgetMode::Total,
        sum("100000.00"),
        vat(),
        &means("112000.00", &[]),
        at,
    )
    .unwrap();
    assert!(whole.is_whole());
    // One tiyin less, and it waits for that tiyin, due 30 calendar days later.
    let short = fund(
        BudgetMode::Total,
        sum("100000.00"),
        vat(),
        &means("111999.99", &[]),
        at,
    )
    .unwrap();
    assert_eq!(
        (short.covered, short.missing, short.due_on),
        (sum("111999.99"), sum("0.01"), day("2026-12-10"))
    );
    let parts = short.parts().unwrap();
    assert_eq!(
        parts.covered.vat.checked_add(parts.missing.vat).unwrap(),
        sum("12000.00")
    );
    // A total budget borrows from no month.
    let lends = means("0.00", &[("2026-12", "500000.00")]);
    let total = fund(BudgetMode::Total, sum("100000.00"), vat(), &lends, at).unwrap();
    assert_eq!((total.loans.len(), total.missing), (0, sum("112000.00")));
}

#[test]
fn the_latest_month_lends_first() {
    let lends = means("12000.00", &[("2026-12", "336000.00"), ("2027-01", "60000.00")]);
    let funding = fund(
        BudgetMode::Monthly,
        sum("100000.00"),
        vat(),
        &lends,
        day("2026-11-10"),
    )
    .unwrap();
    assert!(funding.is_whole());
    let loans: Vec<_> = funding
        .loans
        .iter()
        .map(|loan| (loan.period, loan.gross))
        .collect();
    assert_eq!(
        loans,
        [
            (month("2027-01"), sum("60000.00")),
            (month("2026-12"), sum("40000.00"))
        ]
    );
    // Each later month is asked for its own added sum and what it lent, 3 business days before it begins.
    let parts = funding.parts().unwrap();
    let calendar = BusinessCalendar::shipped();
    let lacks = later_lacks(
        funding.added,
        &parts.loans,
        month("2026-11"),
        day("2027-01-31"),
        &calendar,
        day("2026-11-10"),
    )
    .unwrap();
    let told: Vec<_> = lacks
        .iter()
        .map(|lack| (lack.period, lack.due_on, lack.sum.gross))
        .collect();
    assert_eq!(
        told,
        [
            (month("2026-12"), day("2026-11-26"), sum("152000.00")),
            (month("2027-01"), day("2026-12-28"), sum("172000.00")),
        ]
    );
}

#[test]
fn a_request_that_stays_open_borrows_only_from_months_after_its_due_date() {
    let lends = means("0.00", &[("2026-12", "50000.00"), ("2027-01", "50000.00")]);
    // Due 2026-12-10: December may begin before the rest is paid, January can't.
    let funding = fund(
        BudgetMode::Monthly,
        sum("100000.00"),
        vat(),
        &lends,
        day("2026-11-10"),
    )
    .unwrap();
    assert_eq!(
        (funding.loans.as_slice(), funding.missing),
        (
            [Loan {
                period: month("2027-01"),
                gross: sum("50000.00")
            }]
            .as_slice(),
            sum("62000.00")
        )
    );
}

#[test]
fn an_invoice_for_several_months_pays_each_alike_and_the_last_ones_last() {
    let invoice = |paid: &str| PaidInvoiceLine {
        first_period: month("2026-11"),
        last_period: month("2027-01"),
        gross: sum("1000.00"),
        invoice_due: sum("1500.00"),
        invoice_paid: sum(paid),
    };
    let lendable = |paid: &str| -> Vec<(String, String)> {
        paid_for_later(&[invoice(paid)], month("2026-11"))
            .unwrap()
            .into_iter()
            .map(|(period, sum)| (period.to_string(), sum.to_string()))
            .collect()
    };
    let told = |items: &[(&str, &str)]| -> Vec<(String, String)> {
        items
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    assert_eq!(
        lendable("1500.00"),
        told(&[("2026-12", "333.34"), ("2027-01", "333.33")])
    );
    // 300 are unpaid: they are taken from what the later months have.
    assert_eq!(
        lendable("1200.00"),
        told(&[("2026-12", "333.34"), ("2027-01", "33.33")])
    );
    assert_eq!(lendable("833.33"), told(&[]));
}

#[test]
fn before_the_term_the_current_period_is_its_first() {
    let term = Term::new(day("2026-11-15"), day("2027-01-31")).unwrap();
    assert_eq!(current_period(term, day("2026-10-03")), month("2026-11"));
    assert_eq!(current_period(term, day("2026-12-31")), month("2026-12"));
    let ended = LineForBudgetChange {
        ended_on: Some(day("2026-12-01")),
        ..line(BudgetMode::Monthly)
    };
    assert_eq!(last_day_of_service(&ended), day("2026-11-30"));
}

fn any_means() -> impl Strategy<Value = Means> {
    (0i64..50_000_000, prop::collection::vec(0i64..30_000_000, 0..6)).prop_map(|(free, later)| Means {
        free: Money::from_tiyin(free).unwrap(),
        lendable: (1u32..)
            .zip(later)
            .map(|(n, tiyin)| (month("2026-11").plus_months(n), Money::from_tiyin(tiyin).unwrap()))
            .collect(),
    })
}

fn any_mode() -> impl Strategy<Value = BudgetMode> {
    prop_oneof![Just(BudgetMode::Total), Just(BudgetMode::Monthly)]
}

proptest! {
    #[test]
    fn the_parts_of_a_sum_add_up_to_it(net in 1i64..1_000_000_000, rate in 0u32..100, cuts in prop::collection::vec(0u64..1_000_000, 0..5)) {
        let whole = TaxedSum::of_net(Money::from_tiyin(net).unwrap(), Rate::new(Decimal::new(i64::from(rate), 2)).unwrap()).unwrap();
        let tiyin = whole.gross.tiyin();
        let mut at: Vec<i64> = cuts.iter().map(|cut| i64::try_from(*cut).unwrap() * tiyin / 1_000_000).collect();
        at.push(tiyin);
        at.sort_unstable();
        let mut before = 0;
        let gross: Vec<Money> = at.iter().map(|cut| {
            let part = Money::from_tiyin(cut - before).unwrap();
            before = *cut;
            part
        }).collect();
        let parts = whole.split(&gross).unwrap();
        prop_assert!(parts.iter().all(|part| !part.net.is_negative() && !part.vat.is_negative()));
        prop_assert_eq!(Money::sum(parts.iter().map(|part| part.net)).unwrap(), whole.net);
        prop_assert_eq!(Money::sum(parts.iter().map(|part| part.vat)).unwrap(), whole.vat);
    }

    #[test]
    fn a_budget_that_is_raised_at_once_is_paid_for(mode in any_mode(), tiyin in 1i64..60_000_000, means in any_means()) {
        let amount = Money::from_tiyin(tiyin).unwrap();
        let funding = fund(mode, amount, vat(), &means, day("2026-11-10")).unwrap();
        prop_assert!(funding.covered <= means.free);
        for loan in &funding.loans {
            prop_assert!(loan.gross <= means.lendable[&loan.period]);
        }
        let paid = funding.covered.checked_add(funding.borrowed().unwrap()).unwrap();
        prop_assert_eq!(paid.checked_add(funding.missing).unwrap(), funding.added.gross);
        prop_assert!(!funding.missing.is_negative());
        if funding.is_whole() {
            prop_assert_eq!(paid, funding.added.gross);
        } else {
            // Nothing free is left over while something is missing.
            prop_assert_eq!(funding.covered, means.free);
        }
    }

    #[test]
    fn what_is_lent_is_asked_for_again(tiyin in 1i64..60_000_000, means in any_means()) {
        let amount = Money::from_tiyin(tiyin).unwrap();
        let funding = fund(BudgetMode::Monthly, amount, vat(), &means, day("2026-11-10")).unwrap();
        let parts = funding.parts().unwrap();
        let last_day = day("2027-05-31");
        let calendar = BusinessCalendar::shipped();
        let lacks = later_lacks(funding.added, &parts.loans, month("2026-11"), last_day, &calendar, day("2026-11-10")).unwrap();
        prop_assert_eq!(lacks.len(), 6);
        // All that is asked for and all that was taken is the added sum of every month.
        let asked = Money::sum(lacks.iter().map(|lack| lack.sum.gross)).unwrap();
        let taken = funding.covered.checked_add(funding.missing).unwrap();
        let months: Vec<Money> = std::iter::repeat_n(funding.added.gross, 7).collect();
        prop_assert_eq!(asked.checked_add(taken).unwrap(), Money::sum(months).unwrap());
        let net = Money::sum(lacks.iter().map(|lack| lack.sum.net)).unwrap()
            .checked_add(parts.covered.net).unwrap().checked_add(parts.missing.net).unwrap();
        prop_assert_eq!(net, Money::sum(std::iter::repeat_n(amount, 7)).unwrap());
    }

    #[test]
    fn a_pending_request_borrows_from_no_month_that_can_begin_before_it_is_paid(tiyin in 1i64..200_000_000, means in any_means(), ahead in 0u64..80) {
        let today = plus_days(day("2026-11-01"), ahead);
        let funding = fund(BudgetMode::Monthly, Money::from_tiyin(tiyin).unwrap(), vat(), &means, today).unwrap();
        prop_assert!(funding.is_whole() || funding.loans.iter().all(|loan| loan.period.first_day() > funding.due_on));
    }
}

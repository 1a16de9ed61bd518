//! Each row of the table of orders.md §8 on both sides of its boundary, and what a notice can't do.

use super::*;
use crate::calendar::{DayKind, minus_days};
use proptest::prelude::*;
use uuid::Uuid;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn notice(by: Party, ground: Ground, noticed_on: &str) -> Notice {
    Notice {
        by,
        ground,
        scope: Scope::Contract,
        noticed_on: day(noticed_on),
        requested: None,
        agreed_by_both: false,
    }
}

fn line(kind: LineKind) -> LineToEnd {
    LineToEnd {
        line: LineId::from_uuid(Uuid::from_u128(1)),
        kind,
        term: Term::new(day("2026-01-01"), day("2027-12-31")).unwrap(),
        term_may_move: false,
        ended_on: None,
        in_delay: false,
        stands_still: None,
    }
}

/// "2026-03-17 media 2026-04-01": N, the service, and E or the refusal's code, by the ground and its party.
#[track_caller]
fn check(by: Party, ground: Ground, table: &str) {
    let calendar = BusinessCalendar::shipped();
    for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let (n, service, rest) = (words[0], words[1], &words[2..]);
        let service = match service {
            "media" => Service::Media,
            "placement" => Service::Placement,
            "alone" => Service::AdditionalAlone,
            other => panic!("no service `{other}`"),
        };
        let mut asked = notice(by, ground, n);
        asked.agreed_by_both = true;
        let due = match rest {
            [due] => due,
            ["asked", requested, due] => {
                asked.requested = Some(day(requested));
                due
            }
            _ => panic!("a row is `N service [asked DAY] E`: {row}"),
        };
        let told = match effective_day(&asked, service, &calendar) {
            Ok(effective_on) => effective_on.to_string(),
            Err(refused) => match refused.limit() {
                Some(limit) => format!("{}:{limit}", refused.code()),
                None => refused.code().to_owned(),
            },
        };
        assert_eq!(&told, due, "{row}");
    }
}

#[test]
fn an_ordinary_end_has_fourteen_days_of_notice() {
    // orders.md §8, the book's own examples first [003 §10.2.3].
    for by in [Party::Customer, Party::Operator] {
        check(
            by,
            Ground::Ordinary,
            "
            2026-03-17 placement 2026-04-01
            2026-03-18 placement 2026-04-01
            2026-03-19 placement 2026-05-01
            2026-03-18 media     2026-04-01
            2026-03-19 media     2026-05-01
            2026-12-18 placement 2027-01-01
            2026-12-19 placement 2027-02-01
            2028-02-16 placement 2028-03-01
            2028-02-17 placement 2028-04-01
            2026-02-15 placement 2026-03-01
            2026-02-16 placement 2026-04-01
            2026-03-01 placement 2026-04-01
            2026-03-18 placement asked 2026-04-01 2026-04-01
            2026-03-18 placement asked 2026-03-31 termination_too_early:2026-04-01
            2026-03-18 placement asked 2026-04-02 termination_day_is_fixed:2026-04-01
            ",
        );
    }
}

#[test]
fn additional_services_alone_end_after_three_business_days() {
    // [003 §10.2.4]: Mon 16 March + 3 business days; 20 and 23 March 2026 are days off, 12 December a working Saturday.
    for by in [Party::Customer, Party::Operator] {
        check(
            by,
            Ground::Ordinary,
            "
            2026-03-16 alone 2026-03-20
            2026-03-17 alone 2026-03-25
            2026-03-18 alone 2026-03-26
            2026-11-05 alone 2026-11-11
            2026-11-07 alone 2026-11-12
            2026-12-09 alone 2026-12-13
            2026-12-29 alone 2027-01-06
            2026-03-16 alone asked 2026-03-19 termination_too_early:2026-03-20
            2026-03-16 alone asked 2026-03-21 termination_day_is_fixed:2026-03-20
            ",
        );
    }
}

#[test]
fn a_breach_ends_after_three_days_and_is_the_operators_ground() {
    // [003 §10.2.2]
    check(
        Party::Operator,
        Ground::Breach,
        "
        2026-03-16 placement 2026-03-19
        2026-03-16 alone     2026-03-19
        2026-03-16 placement asked 2026-03-19 2026-03-19
        2026-03-16 placement asked 2026-03-18 termination_too_early:2026-03-19
        2026-03-16 placement asked 2026-06-01 2026-06-01
        2026-12-30 placement 2027-01-02
        2026-03-16 media 2026-03-20
        2026-03-17 media 2026-03-25
        2026-03-17 media asked 2026-03-24 termination_too_early:2026-03-25
        2026-03-17 media asked 2026-04-01 2026-04-01
        2026-12-29 media 2027-01-06
        ",
    );
    check(
        Party::Customer,
        Ground::Breach,
        "2026-03-16 placement termination_ground_not_open",
    );
}

#[test]
fn a_delay_ends_on_the_day_the_operator_decides() {
    // [003 §10.5]
    check(
        Party::Operator,
        Ground::Overdue,
        "
        2026-03-16 placement 2026-03-16
        2026-03-16 media asked 2026-03-16 2026-03-16
        2026-03-16 media asked 2026-03-15 termination_too_early:2026-03-16
        2026-03-16 alone asked 2026-04-20 2026-04-20
        ",
    );
    check(
        Party::Customer,
        Ground::Overdue,
        "2026-03-16 media termination_ground_not_open",
    );
}

#[test]
fn the_corruption_clause_has_ten_days_and_three_business_days_for_media() {
    // [003 §13.4]
    for by in [Party::Customer, Party::Operator] {
        check(
            by,
            Ground::Corruption,
            "
            2026-03-21 placement 2026-04-01
            2026-03-22 placement 2026-04-01
            2026-03-23 placement 2026-05-01
            2026-12-22 placement 2027-01-01
            2026-12-23 placement 2027-02-01
            2026-03-22 alone     2026-04-01
            2026-03-16 media     2026-03-20
            2026-03-17 media     2026-03-25
            2026-03-17 media asked 2026-03-24 termination_too_early:2026-03-25
            2026-03-17 media asked 2026-03-26 termination_day_is_fixed:2026-03-25
            ",
        );
    }
}

#[test]
fn an_agreement_needs_its_day_and_both_parties() {
    // [003 §10.2.1]
    check(
        Party::Customer,
        Ground::Agreement,
        "
        2026-03-16 media termination_agreed_day_missing
        2026-03-16 media asked 2026-03-16 2026-03-16
        2026-03-16 placement asked 2026-03-15 termination_too_early:2026-03-16
        2026-03-16 alone asked 2026-08-09 2026-08-09
        ",
    );
    let one_sided = Notice {
        requested: Some(day("2026-04-01")),
        ..notice(Party::Operator, Ground::Agreement, "2026-03-16")
    };
    assert_eq!(
        effective_day(&one_sided, Service::Media, &BusinessCalendar::shipped()),
        Err(TerminationRefused::NotAgreed)
    );
}

#[track_caller]
fn judged(notice: &Notice, lines: &[LineToEnd]) -> Result<Vec<String>, String> {
    decide(notice, lines, &BusinessCalendar::shipped())
        .map(|ends| ends.iter().map(|end| end.effective_on.to_string()).collect())
        .map_err(|refused| refused.code().to_owned())
}

#[test]
fn force_majeure_lets_the_affected_party_go_after_three_months() {
    // [003 §8.5]: from 10 January three months end with 10 April, so 11 April is the first day that is longer.
    let still = |first: &str| LineToEnd {
        stands_still: Some((day(first), Party::Operator)),
        ..line(LineKind::Period)
    };
    let by = |by, on| notice(by, Ground::ForceMajeure, on);
    assert_eq!(
        judged(&by(Party::Operator, "2026-04-11"), &[still("2026-01-10")]),
        Ok(vec!["2026-04-11".into()])
    );
    assert_eq!(
        decide(
            &by(Party::Operator, "2026-04-10"),
            &[still("2026-01-10")],
            &BusinessCalendar::shipped()
        ),
        Err(TerminationRefused::ForceMajeureTooShort {
            opens_on: day("2026-04-11")
        })
    );
    assert_eq!(
        judged(&by(Party::Customer, "2026-05-11"), &[still("2026-01-10")]),
        Err("termination_not_the_affected_party".into())
    );
    assert_eq!(
        judged(&by(Party::Operator, "2026-05-11"), &[line(LineKind::Media)]),
        Err("termination_no_force_majeure".into())
    );
    // A month's end is the last day of a shorter month.
    assert_eq!(force_majeure_opens_on(day("2026-11-30")), day("2027-03-01"));
    // Chosen lines must each stand still.
    let chosen = Notice {
        scope: Scope::Lines,
        ..by(Party::Operator, "2026-05-11")
    };
    assert_eq!(
        judged(&chosen, &[still("2026-01-10"), line(LineKind::Media)]),
        Err("termination_no_force_majeure".into())
    );
}

#[test]
fn a_delay_must_be_there() {
    let asked = notice(Party::Operator, Ground::Overdue, "2026-03-16");
    let late = LineToEnd {
        in_delay: true,
        ..line(LineKind::Media)
    };
    assert_eq!(
        judged(&asked, &[line(LineKind::Media)]),
        Err("termination_nothing_in_delay".into())
    );
    // One delay is a breach of the whole contract; a chosen line must be late itself.
    assert_eq!(judged(&asked, &[late, line(LineKind::Media)]).unwrap().len(), 2);
    let chosen = Notice {
        scope: Scope::Lines,
        ..asked
    };
    assert_eq!(
        judged(&chosen, &[late, line(LineKind::Media)]),
        Err("termination_nothing_in_delay".into())
    );
}

#[test]
fn additional_services_follow_the_rest_of_a_contract_unless_they_end_alone() {
    let asked = notice(Party::Customer, Ground::Ordinary, "2026-03-16");
    let both = [line(LineKind::Period), line(LineKind::Additional)];
    assert_eq!(
        judged(&asked, &both),
        Ok(vec!["2026-04-01".into(), "2026-04-01".into()])
    );
    assert_eq!(
        judged(&asked, &[line(LineKind::Additional)]),
        Ok(vec!["2026-03-20".into()])
    );
}

#[test]
fn lines_of_a_contract_end_each_by_their_own_row() {
    let asked = notice(Party::Operator, Ground::Breach, "2026-03-17");
    let lines = [line(LineKind::Media), line(LineKind::Period)];
    assert_eq!(
        judged(&asked, &lines),
        Ok(vec!["2026-03-25".into(), "2026-03-20".into()])
    );
}

#[test]
fn what_is_over_ends_by_itself_or_ends_already_is_refused() {
    let asked = notice(Party::Customer, Ground::Ordinary, "2026-03-18");
    let until = |last: &str| LineToEnd {
        term: Term::new(day("2026-01-01"), day(last)).unwrap(),
        ..line(LineKind::Period)
    };
    assert_eq!(judged(&asked, &[]), Err("termination_no_lines".into()));
    assert_eq!(
        judged(&asked, &[until("2026-02-28"), until("2026-03-17")]),
        Err("termination_already_over".into())
    );
    // Its last day is the day of the notice, or the day before E: nothing is left to end.
    for last in ["2026-03-18", "2026-03-31"] {
        assert_eq!(
            judged(&asked, &[until(last)]),
            Err("termination_ends_by_itself".into())
        );
    }
    assert_eq!(judged(&asked, &[until("2026-04-01")]).unwrap().len(), 1);
    // One that waits for its material may still move past E.
    let waits = LineToEnd {
        term_may_move: true,
        ..until("2026-03-31")
    };
    assert_eq!(judged(&asked, &[waits]), Ok(vec!["2026-04-01".into()]));
    for ended in ["2026-03-25", "2026-04-01"] {
        let ended = LineToEnd {
            ended_on: Some(day(ended)),
            ..line(LineKind::Period)
        };
        assert_eq!(judged(&asked, &[ended]), Err("termination_ends_already".into()));
        // The others go all the same.
        assert_eq!(
            judged(&asked, &[ended, line(LineKind::Media)]),
            Ok(vec!["2026-04-01".into()])
        );
    }
    let later = LineToEnd {
        ended_on: Some(day("2026-04-02")),
        ..line(LineKind::Period)
    };
    assert_eq!(judged(&asked, &[later]), Ok(vec!["2026-04-01".into()]));
}

#[test]
fn the_operator_may_edit_the_days_that_count() {
    let mut calendar = BusinessCalendar::shipped();
    calendar.set(day("2026-03-18"), DayKind::DayOff);
    let asked = notice(Party::Customer, Ground::Ordinary, "2026-03-16");
    assert_eq!(
        effective_day(&asked, Service::AdditionalAlone, &calendar),
        Ok(day("2026-03-25"))
    );
}

#[test]
fn a_lines_state_is_told_by_its_days() {
    let term = Term::new(day("2026-03-01"), day("2026-05-31")).unwrap();
    let state =
        |blank, ended: Option<&str>, on: &str| LineState::of(blank, term, ended.map(day), day(on)).code();
    let signed = BlankState::InService;
    assert_eq!(state(BlankState::Offered, None, "2026-03-02"), "not_signed");
    assert_eq!(state(signed, None, "2026-02-28"), "signed");
    assert_eq!(state(signed, None, "2026-03-01"), "in_service");
    assert_eq!(state(signed, None, "2026-06-01"), "completed");
    assert_eq!(state(signed, Some("2026-04-01"), "2026-03-31"), "in_service");
    assert_eq!(state(signed, Some("2026-04-01"), "2026-04-01"), "terminated");
    // Ended by itself before the notice could.
    assert_eq!(state(signed, Some("2026-07-01"), "2026-08-01"), "completed");
}

proptest! {
    #[test]
    fn an_ordinary_end_begins_a_reporting_period_and_keeps_its_notice(offset in 0u64..1400, corruption in any::<bool>()) {
        let n = plus_days(day("2024-01-01"), offset);
        let (ground, least) = if corruption { (Ground::Corruption, 10) } else { (Ground::Ordinary, 14) };
        let asked = Notice { noticed_on: n, ..notice(Party::Customer, ground, "2024-01-01") };
        let e = effective_day(&asked, Service::Placement, &BusinessCalendar::shipped()).unwrap();
        prop_assert_eq!(ReportingPeriod::of(e).first_day(), e);
        prop_assert!((e - n).num_days() >= least);
        // A period earlier would be too early, or lies before the notice.
        let earlier = ReportingPeriod::of(e).previous().first_day();
        prop_assert!((earlier - n).num_days() < least);
    }

    #[test]
    fn three_whole_business_days_lie_before_the_end(offset in 0u64..1400) {
        let calendar = BusinessCalendar::shipped();
        let n = plus_days(day("2024-01-01"), offset);
        let asked = Notice { noticed_on: n, ..notice(Party::Customer, Ground::Ordinary, "2024-01-01") };
        let e = effective_day(&asked, Service::AdditionalAlone, &calendar).unwrap();
        let mut between = plus_days(n, 1);
        let mut business = 0;
        while between < e {
            business += i32::from(calendar.is_business_day(between));
            between = plus_days(between, 1);
        }
        prop_assert_eq!(business, 3);
        prop_assert!(calendar.is_business_day(minus_days(e, 1)));
    }

    #[test]
    fn a_notice_never_puts_an_end_off(offset in 0u64..600, ended in prop::option::of(0u64..900), ground in 0usize..6) {
        let n = plus_days(day("2026-01-01"), offset);
        let ended_on = ended.map(|ended| plus_days(day("2026-01-01"), ended));
        let asked = Notice {
            noticed_on: n,
            requested: (ground == 4).then_some(plus_days(n, 5)),
            agreed_by_both: true,
            ..notice(Party::Operator, Ground::ALL[ground], "2026-01-01")
        };
        let facts = LineToEnd { ended_on, in_delay: true, stands_still: Some((day("2025-01-01"), Party::Operator)), ..line(LineKind::Media) };
        match decide(&asked, &[facts], &BusinessCalendar::shipped()) {
            Ok(ends) => {
                prop_assert_eq!(ends.len(), 1);
                prop_assert!(ends[0].effective_on >= n);
                prop_assert!(ended_on.is_none_or(|ended_on| ends[0].effective_on < ended_on));
            }
            Err(refused) => prop_assert_eq!(refused.code(), "termination_ends_already"),
        }
    }
}

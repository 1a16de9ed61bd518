//! Each condition of orders.md §5 alone, on both sides of its day, and all of them together.

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn moderation(state: ModerationState) -> Moderation {
    Moderation {
        state,
        runs_on: false,
    }
}

fn material(state: ModerationState) -> MaterialFacts {
    MaterialFacts {
        moderation: moderation(state),
        decided_on: day("2026-10-20"),
        live_from: day("2026-11-01"),
        documents_until: None,
        document_revoked: false,
        awaiting_amendment: false,
    }
}

fn approved() -> MaterialFacts {
    material(ModerationState::Approved)
}

fn running() -> LineFacts {
    LineFacts {
        blank_state: BlankState::Signed,
        kind: LineKind::Media,
        term: Term::new(day("2026-11-01"), day("2026-11-30")).unwrap(),
        invoice_overdue: false,
        materials: vec![approved()],
        customer_suspended: false,
        consent_withdrawn: false,
        paused: false,
        interrupted: false,
        ended_on: None,
        budget_exhausted: false,
    }
}

fn with(materials: &[MaterialFacts]) -> LineFacts {
    LineFacts {
        materials: materials.to_vec(),
        ..running()
    }
}

fn codes(facts: &LineFacts, on: &str) -> Vec<&'static str> {
    why_not_running(facts, day(on))
        .into_iter()
        .map(NotRunning::code)
        .collect()
}

#[test]
fn a_line_runs_when_nothing_stands_in_the_way() {
    for on in ["2026-11-01", "2026-11-15", "2026-11-30"] {
        assert_eq!(codes(&running(), on), [""; 0], "{on}");
    }
    let in_service = LineFacts {
        blank_state: BlankState::InService,
        ..running()
    };
    assert_eq!(codes(&in_service, "2026-11-15"), [""; 0]);
}

// orders.md §5: signed; in the term; paid; not suspended; consent; not terminated.
#[test]
fn each_condition_of_the_book_stops_it_alone() {
    let mut offered = running();
    offered.blank_state = BlankState::Offered;
    let mut unpaid = running();
    unpaid.invoice_overdue = true;
    let mut suspended = running();
    suspended.customer_suspended = true;
    let mut withdrawn = running();
    withdrawn.consent_withdrawn = true;
    let mut paused = running();
    paused.paused = true;
    let mut interrupted = running();
    interrupted.interrupted = true;
    let mut ended = running();
    ended.ended_on = Some(day("2026-11-15"));
    let mut spent = running();
    spent.budget_exhausted = true;
    for (facts, on, due) in [
        (&offered, "2026-11-15", "not_signed"),
        (&running(), "2026-10-31", "term_not_begun"),
        (&running(), "2026-12-01", "term_over"),
        (&unpaid, "2026-11-15", "invoice_unpaid"),
        (&with(&[]), "2026-11-15", "no_material"),
        (&suspended, "2026-11-15", "customer_suspended"),
        (&withdrawn, "2026-11-15", "consent_withdrawn"),
        (&paused, "2026-11-15", "paused"),
        (&interrupted, "2026-11-15", "force_majeure"),
        (&ended, "2026-11-15", "terminated"),
        (&spent, "2026-11-15", "budget_exhausted"),
    ] {
        assert_eq!(codes(facts, on), [due]);
    }
    assert_eq!(codes(&ended, "2026-11-14"), [""; 0], "it runs on the day before");
}

// orders.md §4: only approved materials are served, and the state says what is missing.
#[test]
fn each_state_of_the_material_has_its_own_reason() {
    for (state, due) in [
        (ModerationState::Submitted, "material_in_review"),
        (ModerationState::InReview, "material_in_review"),
        (ModerationState::Rejected, "material_rejected"),
        (ModerationState::Withdrawn, "material_withdrawn"),
        (ModerationState::DocumentsOverdue, "documents_overdue"),
    ] {
        assert_eq!(codes(&with(&[material(state)]), "2026-11-15"), [due], "{state:?}");
    }
    let asked = MaterialFacts {
        decided_on: day("2026-11-10"),
        ..material(ModerationState::DocumentsRequired)
    };
    assert_eq!(codes(&with(&[asked]), "2026-11-13"), ["documents_required"]);
    // orders.md §4: due within 3 days; past that it is overdue, whether the job has said so or not.
    assert_eq!(codes(&with(&[asked]), "2026-11-14"), ["documents_overdue"]);
    let late = MaterialFacts {
        live_from: day("2026-11-17"),
        ..approved()
    };
    assert_eq!(codes(&with(&[late]), "2026-11-16"), ["material_not_live_yet"]);
    assert_eq!(codes(&with(&[late]), "2026-11-17"), [""; 0]);
    assert_eq!(codes(&with(&[late]), "2026-10-30"), ["term_not_begun"]);
}

// orders.md §4: the line stops being served on the day after the expiry, at once when revoked [003 §4.3.4].
#[test]
fn a_licence_lets_it_run_through_its_last_day() {
    let licensed = MaterialFacts {
        documents_until: Some(day("2026-11-20")),
        ..approved()
    };
    assert_eq!(codes(&with(&[licensed]), "2026-11-20"), [""; 0]);
    assert_eq!(codes(&with(&[licensed]), "2026-11-21"), ["licence_expired"]);
    assert_eq!(licensed.last_day(), Some(day("2026-11-20")));
    let revoked = MaterialFacts {
        document_revoked: true,
        ..licensed
    };
    assert_eq!(codes(&with(&[revoked]), "2026-11-10"), ["licence_revoked"]);
    // Another version without expired papers goes on.
    assert_eq!(codes(&with(&[approved(), licensed]), "2026-11-21"), [""; 0]);
}

// orders.md §4, 003 §6.5: a second subject waits for a re-priced amendment.
#[test]
fn a_second_subject_stops_the_material_until_the_amendment() {
    for state in [
        ModerationState::Submitted,
        ModerationState::InReview,
        ModerationState::Approved,
    ] {
        let flagged = MaterialFacts {
            awaiting_amendment: true,
            ..material(state)
        };
        assert_eq!(codes(&with(&[flagged]), "2026-11-15"), ["awaiting_amendment"]);
    }
    let rejected = MaterialFacts {
        awaiting_amendment: true,
        ..material(ModerationState::Rejected)
    };
    assert_eq!(codes(&with(&[rejected]), "2026-11-15"), ["material_rejected"]);
}

// 003 §3.5: papers may be asked for while the material runs; it runs on until they are overdue.
#[test]
fn a_material_looked_at_again_runs_on_until_the_papers_are_overdue() {
    let asked = MaterialFacts {
        moderation: Moderation {
            state: ModerationState::DocumentsRequired,
            runs_on: true,
        },
        decided_on: day("2026-11-10"),
        ..approved()
    };
    assert_eq!(codes(&with(&[asked]), "2026-11-13"), [""; 0]);
    assert_eq!(asked.last_day(), Some(day("2026-11-13")));
    assert_eq!(codes(&with(&[asked]), "2026-11-14"), ["documents_overdue"]);
    let papers_in = MaterialFacts {
        moderation: Moderation {
            state: ModerationState::InReview,
            runs_on: true,
        },
        ..asked
    };
    assert_eq!(codes(&with(&[papers_in]), "2026-11-20"), [""; 0]);
    assert_eq!(papers_in.last_day(), None);
}

#[test]
fn the_newest_version_and_those_that_were_let_run_say_why() {
    let expired = MaterialFacts {
        documents_until: Some(day("2026-11-05")),
        ..approved()
    };
    let rejected = material(ModerationState::Rejected);
    let facts = with(&[rejected, expired, material(ModerationState::Submitted)]);
    assert_eq!(
        codes(&facts, "2026-11-10"),
        ["material_in_review", "licence_expired"]
    );
}

#[test]
fn all_reasons_are_told_at_once() {
    let facts = LineFacts {
        blank_state: BlankState::Draft,
        invoice_overdue: true,
        materials: vec![],
        paused: true,
        ..running()
    };
    assert_eq!(
        codes(&facts, "2026-11-15"),
        ["not_signed", "invoice_unpaid", "no_material", "paused"]
    );
}

#[test]
fn a_service_needs_no_material_and_a_period_line_no_budget() {
    let service = LineFacts {
        kind: LineKind::Additional,
        ..with(&[])
    };
    assert_eq!(codes(&service, "2026-11-15"), [""; 0]);
    let period = LineFacts {
        kind: LineKind::Period,
        budget_exhausted: true,
        ..running()
    };
    assert_eq!(codes(&period, "2026-11-15"), [""; 0]);
}

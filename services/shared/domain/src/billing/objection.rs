//! Objections to a primary document, and the operator's decisions on them.
//!
//! Rule: billing.md §5; offer [003 §5.8–5.9].
//!
//! ```text
//! object:  issued | sent -> disputed      in writing, through the end of the 20th of the month after the period (Tashkent)
//! decide:  disputed -> corrected          upheld: a correcting document posts the difference
//!          disputed -> upheld             rejected with reasons: the document stands
//! ```
//!
//! Only a primary document is objected to; its VAT invoice goes the same way with it. A correction is what the customer
//! asked for, or late statistics: it isn't disputed here.
//!
//! Not here: what a correction posts (`correction`), who may object (the order service).

use super::document::{DocumentState, MoveRefused, Series, acceptance_day};
use crate::calendar::{ReportingPeriod, minus_days};
use chrono::NaiveDate;

/// The last day on which a period's document may be objected to: the 20th of the next month.
pub fn last_day(period: ReportingPeriod) -> NaiveDate {
    minus_days(acceptance_day(period), 1)
}

/// Why there is no objection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectionRefused {
    /// The 20th is over.
    #[error("objections to the document of {period} were taken through the end of {last_day}")]
    TooLate {
        /// The document's period.
        period: ReportingPeriod,
        /// The last day.
        last_day: NaiveDate,
    },
    /// Not a primary document.
    #[error("a {kind} takes no objection")]
    NotObjectionable {
        /// Name of the kind.
        kind: &'static str,
    },
    /// It is disputed already, or decided.
    #[error(transparent)]
    Move(#[from] MoveRefused),
}

impl ObjectionRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ObjectionRefused::TooLate { .. } => "objection_too_late",
            ObjectionRefused::NotObjectionable { .. } => "document_takes_no_objection",
            ObjectionRefused::Move(MoveRefused {
                from: DocumentState::Disputed,
                ..
            }) => "objection_exists",
            ObjectionRefused::Move(refused) => refused.code(),
        }
    }
}

/// The document that is objected to today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectedTo {
    /// Its kind.
    pub kind: Series,
    /// Its reporting period.
    pub period: Option<ReportingPeriod>,
    /// The state it is in.
    pub state: DocumentState,
}

/// The state that an objection of today leads to. The 20th comes first: after it every objection is too late.
pub fn object(document: ObjectedTo, today: NaiveDate) -> Result<DocumentState, ObjectionRefused> {
    let (Series::PrimaryDocument, Some(period)) = (document.kind, document.period) else {
        return Err(ObjectionRefused::NotObjectionable {
            kind: document.kind.name(),
        });
    };
    let last_day = last_day(period);
    if today > last_day {
        return Err(ObjectionRefused::TooLate { period, last_day });
    }
    Ok(document.state.become_next(DocumentState::Disputed)?)
}

/// The state that a decision leads to.
pub fn decide(state: DocumentState, upheld: bool) -> Result<DocumentState, MoveRefused> {
    state.become_next(if upheld {
        DocumentState::Corrected
    } else {
        DocumentState::Upheld
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn primary(state: DocumentState) -> ObjectedTo {
        ObjectedTo {
            kind: Series::PrimaryDocument,
            period: ReportingPeriod::parse("2026-12").ok(),
            state,
        }
    }

    #[test]
    fn the_20th_of_the_next_month_is_the_last_day() {
        let sent = primary(DocumentState::Sent);
        for (today, due) in [
            ("2027-01-01", Ok(DocumentState::Disputed)),
            ("2027-01-20", Ok(DocumentState::Disputed)),
            ("2027-01-21", Err("objection_too_late")),
        ] {
            let told = object(sent, day(today)).map_err(|refused| refused.code());
            assert_eq!(told, due, "{today}");
        }
    }

    #[test]
    fn a_document_is_disputed_once_and_too_late_goes_before_every_other_reason() {
        let code = |state, today| object(primary(state), day(today)).map_err(|refused| refused.code());
        assert_eq!(
            code(DocumentState::Issued, "2027-01-05"),
            Ok(DocumentState::Disputed)
        );
        assert_eq!(
            code(DocumentState::Disputed, "2027-01-05"),
            Err("objection_exists")
        );
        assert_eq!(
            code(DocumentState::Upheld, "2027-01-05"),
            Err("document_state_refused")
        );
        assert_eq!(
            code(DocumentState::Accepted, "2027-01-21"),
            Err("objection_too_late")
        );
    }

    #[test]
    fn only_a_primary_document_is_objected_to() {
        for kind in [Series::VatInvoice, Series::Correction, Series::PenaltyClaim] {
            let document = ObjectedTo {
                kind,
                ..primary(DocumentState::Sent)
            };
            let refused = object(document, day("2027-01-05")).unwrap_err();
            assert_eq!(refused.code(), "document_takes_no_objection");
        }
    }

    #[test]
    fn only_a_disputed_document_is_decided_on() {
        assert_eq!(
            decide(DocumentState::Disputed, true),
            Ok(DocumentState::Corrected)
        );
        assert_eq!(decide(DocumentState::Disputed, false), Ok(DocumentState::Upheld));
        for state in DocumentState::ALL {
            if state != DocumentState::Disputed {
                assert!(
                    decide(state, true).is_err() && decide(state, false).is_err(),
                    "{state}"
                );
            }
        }
    }
}

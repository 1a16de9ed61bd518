//! Kinds, numbers and states of billing documents.
//!
//! Rule: billing.md §5; gapless numbers per kind and year; issued documents never change, only their state moves.
//!
//! ```text
//! issued -> sent -> accepted | disputed -> corrected | upheld
//! ```
//!
//! A document that could not be sent is accepted on the 21st all the same: not receiving it doesn't release from payment
//! [003 §5.9].
//!
//! Not here: taking the next number (`storage::Tx::take_number`), objections (`objection`) and corrections (`correction`).

use crate::calendar::{ReportingPeriod, Timestamp, day_start};
use chrono::NaiveDate;
use std::fmt;

/// What a number is given to. Each has its own gapless series a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Series {
    /// A request for payment (hisob).
    Invoice,
    /// The monthly act (birlamchi hujjat).
    PrimaryDocument,
    /// The VAT invoice (hisob-faktura).
    VatInvoice,
    /// A correcting document (tuzatuvchi hujjat).
    Correction,
    /// A reconciliation act (solishtirish dalolatnomasi).
    ReconciliationAct,
    /// A claim of late penalty (jarima talabnomasi).
    PenaltyClaim,
    /// A refund (qaytarish).
    Refund,
}

impl Series {
    /// All series.
    pub const ALL: [Series; 7] = [
        Series::Invoice,
        Series::PrimaryDocument,
        Series::VatInvoice,
        Series::Correction,
        Series::ReconciliationAct,
        Series::PenaltyClaim,
        Series::Refund,
    ];

    /// The series of a name; `None` for any other text.
    pub fn parse(name: &str) -> Option<Series> {
        Series::ALL.into_iter().find(|series| series.name() == name)
    }

    /// The name in the tables (`number_series.kind`, `documents.kind`).
    pub fn name(self) -> &'static str {
        match self {
            Series::Invoice => "invoice",
            Series::PrimaryDocument => "primary_document",
            Series::VatInvoice => "vat_invoice",
            Series::Correction => "correction",
            Series::ReconciliationAct => "reconciliation_act",
            Series::PenaltyClaim => "penalty_claim",
            Series::Refund => "refund",
        }
    }

    /// The letters before a number of the series: those of the Uzbek term.
    pub fn prefix(self) -> &'static str {
        match self {
            Series::Invoice => "HS",
            Series::PrimaryDocument => "BH",
            Series::VatInvoice => "HF",
            Series::Correction => "TH",
            Series::ReconciliationAct => "SD",
            Series::PenaltyClaim => "JT",
            Series::Refund => "QT",
        }
    }

    /// "BH-2026-000001". More than six digits are written out.
    pub fn number(self, year: i32, ordinal: i64) -> String {
        format!("{}-{year:04}-{ordinal:06}", self.prefix())
    }
}

/// State of an issued document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentState {
    /// Made; in the cabinet.
    Issued,
    /// Sent by e-mail.
    Sent,
    /// Accepted in full: no objection through the 20th.
    Accepted,
    /// The customer objected.
    Disputed,
    /// The objection was upheld: a correcting document refers to this one.
    Corrected,
    /// The objection was rejected with reasons: the document stands.
    Upheld,
}

/// A move that the states don't have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a document that is {from} can't become {to}")]
pub struct MoveRefused {
    /// The state it is in.
    pub from: DocumentState,
    /// The state asked for.
    pub to: DocumentState,
}

impl MoveRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        "document_state_refused"
    }
}

impl DocumentState {
    /// All states.
    pub const ALL: [DocumentState; 6] = [
        DocumentState::Issued,
        DocumentState::Sent,
        DocumentState::Accepted,
        DocumentState::Disputed,
        DocumentState::Corrected,
        DocumentState::Upheld,
    ];

    /// The name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            DocumentState::Issued => "issued",
            DocumentState::Sent => "sent",
            DocumentState::Accepted => "accepted",
            DocumentState::Disputed => "disputed",
            DocumentState::Corrected => "corrected",
            DocumentState::Upheld => "upheld",
        }
    }

    /// The state of a name; `None` for any other text.
    pub fn parse(name: &str) -> Option<DocumentState> {
        DocumentState::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The document moves on, or the move is refused.
    pub fn become_next(self, to: DocumentState) -> Result<DocumentState, MoveRefused> {
        use DocumentState::{Accepted, Corrected, Disputed, Issued, Sent, Upheld};
        match (self, to) {
            (Issued, Sent) | (Issued | Sent, Accepted | Disputed) | (Disputed, Corrected | Upheld) => Ok(to),
            _ => Err(MoveRefused { from: self, to }),
        }
    }
}

impl fmt::Display for DocumentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The last day on which a customer may object to a period's document: the 20th of the next month [003 §5.9].
pub const LAST_DAY_OF_OBJECTIONS: u32 = 20;
/// The last day for sending it: the 7th of the next month [003 §5.7].
pub const LAST_DAY_OF_SENDING: u32 = 7;

/// The instant from which a period's document without an objection is accepted: 00:00 Tashkent of the 21st.
pub fn accepted_from(period: ReportingPeriod) -> Timestamp {
    day_start(acceptance_day(period))
}

/// The day on which a period's document without an objection is accepted: the 21st of the next month.
pub fn acceptance_day(period: ReportingPeriod) -> NaiveDate {
    let next = period.next();
    next.day(LAST_DAY_OF_OBJECTIONS + 1)
        .unwrap_or_else(|| next.last_day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_their_kind_and_year() {
        assert_eq!(Series::Invoice.number(2026, 1), "HS-2026-000001");
        assert_eq!(Series::PrimaryDocument.number(2026, 123_456), "BH-2026-123456");
        assert_eq!(Series::PrimaryDocument.number(2026, 1_234_567), "BH-2026-1234567");
    }

    #[test]
    fn a_document_moves_only_forward() {
        use DocumentState::{Accepted, Corrected, Disputed, Issued, Sent, Upheld};
        let allowed = [
            (Issued, Sent),
            (Issued, Accepted),
            (Issued, Disputed),
            (Sent, Accepted),
            (Sent, Disputed),
            (Disputed, Corrected),
            (Disputed, Upheld),
        ];
        for from in DocumentState::ALL {
            for to in DocumentState::ALL {
                let due = allowed.contains(&(from, to));
                assert_eq!(from.become_next(to).is_ok(), due, "{from} -> {to}");
            }
        }
        let refused = Accepted.become_next(Disputed).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a document that is accepted can't become disputed"
        );
    }

    #[test]
    fn states_are_found_by_their_names() {
        for state in DocumentState::ALL {
            assert_eq!(DocumentState::parse(state.name()), Some(state));
        }
        assert_eq!(DocumentState::parse("lost"), None);
    }

    #[test]
    fn a_document_is_accepted_when_the_21st_begins_in_tashkent() {
        let november = ReportingPeriod::parse("2026-11").unwrap();
        assert_eq!(acceptance_day(november).to_string(), "2026-12-21");
        assert_eq!(accepted_from(november).to_rfc3339(), "2026-12-20T19:00:00+00:00");
    }
}

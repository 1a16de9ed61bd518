//! Moderation of ad materials: the moves between its states (orders.md §4) [003 §3.5–3.8].
//!
//! ```text
//! submitted → in_review → approved → withdrawn
//!      └──────────┴─────→ rejected | documents_required → in_review (papers in) | documents_overdue → in_review (papers in)
//!                         approved → documents_required (looked at again; it runs on until the papers are overdue)
//! ```
//!
//! A moderator who decides at once has reviewed: `submitted` takes every decision too. Approval can be withdrawn at any
//! time. `rejected` and `withdrawn` are final: the next try is a new version of the material. The reasons come from the
//! dated checklist (`checklist`), the deadlines of papers from `licence`.

use std::borrow::Cow;
use std::fmt;

/// Where a material stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModerationState {
    /// Waits for a moderator.
    Submitted,
    /// A moderator has it.
    InReview,
    /// May be shown.
    Approved,
    /// May not be shown; the reasons say why.
    Rejected,
    /// Waits for copies of licences or certificates.
    DocumentsRequired,
    /// The copies didn't come in time.
    DocumentsOverdue,
    /// Was approved, may not be shown any more.
    Withdrawn,
}

impl ModerationState {
    /// All states.
    pub const ALL: [ModerationState; 7] = [
        ModerationState::Submitted,
        ModerationState::InReview,
        ModerationState::Approved,
        ModerationState::Rejected,
        ModerationState::DocumentsRequired,
        ModerationState::DocumentsOverdue,
        ModerationState::Withdrawn,
    ];

    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            ModerationState::Submitted => "submitted",
            ModerationState::InReview => "in_review",
            ModerationState::Approved => "approved",
            ModerationState::Rejected => "rejected",
            ModerationState::DocumentsRequired => "documents_required",
            ModerationState::DocumentsOverdue => "documents_overdue",
            ModerationState::Withdrawn => "withdrawn",
        }
    }

    /// Parses [`ModerationState::code`].
    pub fn parse(code: &str) -> Option<ModerationState> {
        ModerationState::ALL
            .into_iter()
            .find(|state| state.code() == code)
    }

    /// Whether a moderator may still approve or reject it.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            ModerationState::Submitted
                | ModerationState::InReview
                | ModerationState::DocumentsRequired
                | ModerationState::DocumentsOverdue
        )
    }

    /// Whether the next step is the customer's: another version, or the papers. A first material in such a state doesn't
    /// count as submitted.
    pub fn waits_for_customer(self) -> bool {
        matches!(
            self,
            ModerationState::Rejected
                | ModerationState::DocumentsRequired
                | ModerationState::DocumentsOverdue
        )
    }
}

/// The most characters of a reason's code.
pub const REASON_CHARS_MAX: usize = 40;

/// Why a material is refused or papers are asked for: the code of an item of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModerationReason(Cow<'static, str>);

impl ModerationReason {
    /// No text in the state language, or a translation larger than it.
    pub const LANGUAGE: ModerationReason = ModerationReason(Cow::Borrowed("language"));
    /// A price in a foreign currency.
    pub const FOREIGN_CURRENCY: ModerationReason = ModerationReason(Cow::Borrowed("foreign_currency"));
    /// Licence or certificate missing.
    pub const LICENCE_MISSING: ModerationReason = ModerationReason(Cow::Borrowed("licence_missing"));
    /// Blurred, cut off, unreadable.
    pub const QUALITY: ModerationReason = ModerationReason(Cow::Borrowed("quality"));
    /// Something else: the comment says what.
    pub const OTHER: ModerationReason = ModerationReason(Cow::Borrowed("other"));

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.0
    }

    /// A code of 2 to 40 small letters, digits and `_`, beginning with a letter. Whether an item has it, the checklist
    /// knows.
    pub fn parse(code: &str) -> Option<ModerationReason> {
        let fits = (2..=REASON_CHARS_MAX).contains(&code.len())
            && code.starts_with(|first: char| first.is_ascii_lowercase())
            && code
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        fits.then(|| ModerationReason(Cow::Owned(code.to_owned())))
    }
}

impl fmt::Display for ModerationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a moderator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Takes the material up.
    TakeUp,
    /// It may be shown.
    Approve,
    /// It may not.
    Reject {
        /// At least one.
        reasons: Vec<ModerationReason>,
    },
    /// Papers are needed first.
    RequireDocuments {
        /// At least one.
        reasons: Vec<ModerationReason>,
    },
    /// It may not be shown any more.
    Withdraw {
        /// At least one.
        reasons: Vec<ModerationReason>,
    },
}

impl Verdict {
    /// The state that it leads to.
    pub fn to(&self) -> ModerationState {
        match self {
            Verdict::TakeUp => ModerationState::InReview,
            Verdict::Approve => ModerationState::Approved,
            Verdict::Reject { .. } => ModerationState::Rejected,
            Verdict::RequireDocuments { .. } => ModerationState::DocumentsRequired,
            Verdict::Withdraw { .. } => ModerationState::Withdrawn,
        }
    }

    /// The name in the API and in the checklist.
    pub fn code(&self) -> &'static str {
        match self {
            Verdict::TakeUp => "take_up",
            Verdict::Approve => "approve",
            Verdict::Reject { .. } => "reject",
            Verdict::RequireDocuments { .. } => "require_documents",
            Verdict::Withdraw { .. } => "withdraw",
        }
    }

    /// The reasons it names.
    pub fn reasons(&self) -> &[ModerationReason] {
        match self {
            Verdict::TakeUp | Verdict::Approve => &[],
            Verdict::Reject { reasons }
            | Verdict::RequireDocuments { reasons }
            | Verdict::Withdraw { reasons } => reasons,
        }
    }
}

/// Why a verdict can't be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerdictRefused {
    /// The state doesn't lead there.
    #[error("a material that is {} can't become {}", .from.code(), .to.code())]
    Move {
        /// The state it is in.
        from: ModerationState,
        /// The state asked for.
        to: ModerationState,
    },
    /// A refusal without a reason.
    #[error("a material becomes {} for at least one reason", .to.code())]
    NoReason {
        /// The state asked for.
        to: ModerationState,
    },
    /// The reason "other" says nothing by itself.
    #[error("the reason `other` needs a comment")]
    NoComment,
}

impl VerdictRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            VerdictRefused::Move { .. } => "material_already_decided",
            VerdictRefused::NoReason { .. } => "reason_missing",
            VerdictRefused::NoComment => "comment_missing",
        }
    }
}

/// The state with what it lets happen meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moderation {
    /// The state.
    pub state: ModerationState,
    /// It was approved before it was looked at again, and runs until that ends [003 §3.5].
    pub runs_on: bool,
}

impl Moderation {
    /// As a new material begins.
    pub const SUBMITTED: Moderation = Moderation {
        state: ModerationState::Submitted,
        runs_on: false,
    };

    /// The state after a verdict with its comment.
    pub fn decide(self, verdict: &Verdict, comment: &str) -> Result<Moderation, VerdictRefused> {
        let (from, to) = (self.state, verdict.to());
        let allowed = match to {
            ModerationState::Submitted | ModerationState::DocumentsOverdue => false,
            ModerationState::InReview => {
                matches!(
                    from,
                    ModerationState::Submitted | ModerationState::DocumentsRequired
                )
            }
            ModerationState::DocumentsRequired => {
                matches!(
                    from,
                    ModerationState::Submitted
                        | ModerationState::InReview
                        | ModerationState::DocumentsOverdue
                        | ModerationState::Approved
                )
            }
            ModerationState::Approved | ModerationState::Rejected => from.is_open(),
            ModerationState::Withdrawn => from == ModerationState::Approved || self.runs_on,
        };
        if !allowed {
            return Err(VerdictRefused::Move { from, to });
        }
        let needs_reason = !matches!(verdict, Verdict::TakeUp | Verdict::Approve);
        if needs_reason && verdict.reasons().is_empty() {
            return Err(VerdictRefused::NoReason { to });
        }
        if verdict.reasons().contains(&ModerationReason::OTHER) && comment.trim().is_empty() {
            return Err(VerdictRefused::NoComment);
        }
        let ran = from == ModerationState::Approved || self.runs_on;
        Ok(Moderation {
            state: to,
            runs_on: ran && matches!(to, ModerationState::DocumentsRequired | ModerationState::InReview),
        })
    }

    /// After a copy of a licence or certificate has come in: what waited for it goes back into review; anything else stays.
    pub fn papers_in(self) -> Option<Moderation> {
        matches!(
            self.state,
            ModerationState::DocumentsRequired | ModerationState::DocumentsOverdue
        )
        .then_some(Moderation {
            state: ModerationState::InReview,
            runs_on: self.runs_on,
        })
    }

    /// After the last day for the papers has passed.
    pub fn papers_overdue(self) -> Option<Moderation> {
        (self.state == ModerationState::DocumentsRequired).then_some(Moderation {
            state: ModerationState::DocumentsOverdue,
            runs_on: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ModerationState::*;

    fn verdicts() -> [Verdict; 5] {
        let reasons = vec![ModerationReason::QUALITY];
        [
            Verdict::TakeUp,
            Verdict::Approve,
            Verdict::Reject {
                reasons: reasons.clone(),
            },
            Verdict::RequireDocuments {
                reasons: reasons.clone(),
            },
            Verdict::Withdraw { reasons },
        ]
    }

    fn at(state: ModerationState) -> Moderation {
        Moderation {
            state,
            runs_on: false,
        }
    }

    // orders.md §4: submitted → in_review → approved | rejected(reasons) | documents_required.
    #[test]
    fn only_the_moves_of_the_book_are_possible() {
        let table: [(ModerationState, &[ModerationState]); 7] = [
            (Submitted, &[InReview, Approved, Rejected, DocumentsRequired]),
            (InReview, &[Approved, Rejected, DocumentsRequired]),
            (DocumentsRequired, &[InReview, Approved, Rejected]),
            (DocumentsOverdue, &[Approved, Rejected, DocumentsRequired]),
            (Approved, &[Withdrawn, DocumentsRequired]),
            (Rejected, &[]),
            (Withdrawn, &[]),
        ];
        for (from, reachable) in table {
            for verdict in verdicts() {
                let due = reachable.contains(&verdict.to());
                match at(from).decide(&verdict, "") {
                    Ok(to) => assert!(due && to.state == verdict.to(), "{} by {verdict:?}", from.code()),
                    Err(refused) => {
                        assert!(!due, "{} by {verdict:?}", from.code());
                        assert_eq!(refused.code(), "material_already_decided");
                    }
                }
            }
        }
    }

    // orders.md §4: copies that come in put the material back into review, those that don't make it overdue.
    #[test]
    fn papers_lead_back_into_review_and_their_lack_to_overdue() {
        for state in ModerationState::ALL {
            let waits = matches!(state, DocumentsRequired | DocumentsOverdue);
            assert_eq!(
                at(state).papers_in(),
                waits.then_some(at(InReview)),
                "{}",
                state.code()
            );
            let overdue = (state == DocumentsRequired).then_some(at(DocumentsOverdue));
            assert_eq!(at(state).papers_overdue(), overdue, "{}", state.code());
        }
    }

    // 003 §3.5: a material may be looked at again at any time after its placement began.
    #[test]
    fn an_approved_material_runs_on_while_papers_are_waited_for_and_no_longer() {
        let ask = Verdict::RequireDocuments {
            reasons: vec![ModerationReason::LICENCE_MISSING],
        };
        let asked = at(Approved).decide(&ask, "").unwrap();
        assert!(asked.runs_on && asked.state == DocumentsRequired);
        assert!(asked.papers_in().unwrap().runs_on);
        assert!(!asked.papers_overdue().unwrap().runs_on);
        assert!(asked.decide(&Verdict::TakeUp, "").unwrap().runs_on);
        for verdict in verdicts() {
            // Withdrawing is possible "at any time": also now.
            if matches!(verdict, Verdict::Reject { .. } | Verdict::Withdraw { .. }) {
                assert!(!asked.decide(&verdict, "").unwrap().runs_on);
            }
        }
        assert!(!at(Submitted).decide(&ask, "").unwrap().runs_on);
    }

    #[test]
    fn a_refusal_names_a_reason_and_other_needs_a_comment() {
        let reject = |reasons| Verdict::Reject { reasons };
        assert_eq!(
            at(Submitted).decide(&reject(vec![]), "x").unwrap_err().code(),
            "reason_missing"
        );
        let other = reject(vec![ModerationReason::OTHER]);
        assert_eq!(
            at(Submitted).decide(&other, "  ").unwrap_err().code(),
            "comment_missing"
        );
        assert_eq!(at(Submitted).decide(&other, "logo"), Ok(at(Rejected)));
    }

    #[test]
    fn codes_parse_back_and_a_reason_is_a_plain_word() {
        for state in ModerationState::ALL {
            assert_eq!(ModerationState::parse(state.code()), Some(state));
        }
        let long = "a".repeat(REASON_CHARS_MAX + 1);
        for bad in ["", "a", "1a", "_a", "Language", "a-b", "til yoʻq", &long] {
            assert_eq!(ModerationReason::parse(bad), None, "{bad}");
        }
        assert_eq!(
            ModerationReason::parse("language"),
            Some(ModerationReason::LANGUAGE)
        );
    }
}

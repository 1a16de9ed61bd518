//! Moderation of ad materials: the moves between its states and the reasons that a refusal names (orders.md §4).
//!
//! ```text
//! submitted → in_review → approved → withdrawn
//!      └──────────┴─────→ rejected | documents_required → (as in_review)
//! ```
//!
//! A moderator who decides at once has reviewed: `submitted` takes every decision too. Approval can be withdrawn at any
//! time. `rejected` and `withdrawn` are final: the next try is a new version of the material.

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
    /// Was approved, may not be shown any more.
    Withdrawn,
}

impl ModerationState {
    /// All states.
    pub const ALL: [ModerationState; 6] = [
        ModerationState::Submitted,
        ModerationState::InReview,
        ModerationState::Approved,
        ModerationState::Rejected,
        ModerationState::DocumentsRequired,
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
            ModerationState::Withdrawn => "withdrawn",
        }
    }

    /// Parses [`ModerationState::code`].
    pub fn parse(code: &str) -> Option<ModerationState> {
        ModerationState::ALL
            .into_iter()
            .find(|state| state.code() == code)
    }

    /// Whether a moderator still has to decide.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            ModerationState::Submitted | ModerationState::InReview | ModerationState::DocumentsRequired
        )
    }
}

/// Why a material is refused or papers are asked for; texts in the reader's language are in the translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModerationReason {
    /// No text in the state language, or a translation larger than it.
    Language,
    /// A price in a foreign currency.
    ForeignCurrency,
    /// No age class.
    AgeClass,
    /// Goods or services that must not be advertised.
    ForbiddenGoods,
    /// Alcohol where it is not allowed.
    Alcohol,
    /// Against morals, insulting, or harmful to minors.
    Morals,
    /// Content that is not true or can't be proved.
    UntrueContent,
    /// Wrong address or telephone.
    WrongContacts,
    /// The site doesn't open or is about something else.
    SiteMismatch,
    /// Licence or certificate missing.
    LicenceMissing,
    /// No right to a person's image, music, font or photograph.
    RightsMissing,
    /// A second advertised subject [003 §6.5].
    SecondSubject,
    /// Blurred, cut off, unreadable.
    Quality,
    /// Something else: the comment says what.
    Other,
}

impl ModerationReason {
    /// All reasons, in the order in which a moderator sees them.
    pub const ALL: [ModerationReason; 14] = [
        ModerationReason::Language,
        ModerationReason::ForeignCurrency,
        ModerationReason::AgeClass,
        ModerationReason::ForbiddenGoods,
        ModerationReason::Alcohol,
        ModerationReason::Morals,
        ModerationReason::UntrueContent,
        ModerationReason::WrongContacts,
        ModerationReason::SiteMismatch,
        ModerationReason::LicenceMissing,
        ModerationReason::RightsMissing,
        ModerationReason::SecondSubject,
        ModerationReason::Quality,
        ModerationReason::Other,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            ModerationReason::Language => "language",
            ModerationReason::ForeignCurrency => "foreign_currency",
            ModerationReason::AgeClass => "age_class",
            ModerationReason::ForbiddenGoods => "forbidden_goods",
            ModerationReason::Alcohol => "alcohol",
            ModerationReason::Morals => "morals",
            ModerationReason::UntrueContent => "untrue_content",
            ModerationReason::WrongContacts => "wrong_contacts",
            ModerationReason::SiteMismatch => "site_mismatch",
            ModerationReason::LicenceMissing => "licence_missing",
            ModerationReason::RightsMissing => "rights_missing",
            ModerationReason::SecondSubject => "second_subject",
            ModerationReason::Quality => "quality",
            ModerationReason::Other => "other",
        }
    }

    /// Parses [`ModerationReason::code`].
    pub fn parse(code: &str) -> Option<ModerationReason> {
        ModerationReason::ALL
            .into_iter()
            .find(|reason| reason.code() == code)
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

impl ModerationState {
    /// The state after a verdict with its comment.
    pub fn decide(self, verdict: &Verdict, comment: &str) -> Result<ModerationState, VerdictRefused> {
        let to = verdict.to();
        let allowed = match to {
            ModerationState::Submitted => false,
            ModerationState::InReview => {
                matches!(
                    self,
                    ModerationState::Submitted | ModerationState::DocumentsRequired
                )
            }
            ModerationState::DocumentsRequired => {
                matches!(self, ModerationState::Submitted | ModerationState::InReview)
            }
            ModerationState::Approved | ModerationState::Rejected => self.is_open(),
            ModerationState::Withdrawn => self == ModerationState::Approved,
        };
        if !allowed {
            return Err(VerdictRefused::Move { from: self, to });
        }
        let needs_reason = !matches!(verdict, Verdict::TakeUp | Verdict::Approve);
        if needs_reason && verdict.reasons().is_empty() {
            return Err(VerdictRefused::NoReason { to });
        }
        if verdict.reasons().contains(&ModerationReason::Other) && comment.trim().is_empty() {
            return Err(VerdictRefused::NoComment);
        }
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ModerationState::*;

    fn verdicts() -> [Verdict; 5] {
        let reasons = vec![ModerationReason::Quality];
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

    #[test]
    fn only_the_moves_of_the_book_are_possible() {
        let table: [(ModerationState, &[ModerationState]); 6] = [
            (Submitted, &[InReview, Approved, Rejected, DocumentsRequired]),
            (InReview, &[Approved, Rejected, DocumentsRequired]),
            (DocumentsRequired, &[InReview, Approved, Rejected]),
            (Approved, &[Withdrawn]),
            (Rejected, &[]),
            (Withdrawn, &[]),
        ];
        for (from, reachable) in table {
            for verdict in verdicts() {
                let due = reachable.contains(&verdict.to());
                match from.decide(&verdict, "") {
                    Ok(to) => assert!(due && to == verdict.to(), "{} by {verdict:?}", from.code()),
                    Err(refused) => {
                        assert!(!due, "{} by {verdict:?}", from.code());
                        assert_eq!(refused.code(), "material_already_decided");
                    }
                }
            }
        }
    }

    #[test]
    fn a_refusal_names_a_reason_and_other_needs_a_comment() {
        let reject = |reasons| Verdict::Reject { reasons };
        assert_eq!(
            Submitted.decide(&reject(vec![]), "x").unwrap_err().code(),
            "reason_missing"
        );
        let other = reject(vec![ModerationReason::Other]);
        assert_eq!(
            Submitted.decide(&other, "  ").unwrap_err().code(),
            "comment_missing"
        );
        assert_eq!(Submitted.decide(&other, "logo"), Ok(Rejected));
    }

    #[test]
    fn codes_parse_back() {
        for state in ModerationState::ALL {
            assert_eq!(ModerationState::parse(state.code()), Some(state));
        }
        for reason in ModerationReason::ALL {
            assert_eq!(ModerationReason::parse(reason.code()), Some(reason));
        }
        assert_eq!(ModerationReason::parse("bad"), None);
    }
}

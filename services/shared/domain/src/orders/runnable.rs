//! Whether a line may run on a day, and if not, everything that stands in the way (orders.md §5).
//!
//! A line is served on day D when all hold: the contract is signed; D lies in the term in force; no invoice that covers
//! it is overdue; at least one version of its material may be shown on D (approved, its first day come, its documents
//! neither expired nor revoked, no second subject waiting for an amendment); the customer is neither suspended nor has
//! withdrawn the consent to the processing of personal data; the line is not paused, not interrupted by force majeure, not
//! terminated by D, and its budget not spent.
//!
//! **One function.** The snapshot of the serving nodes, the cabinet, the API and the simulation all ask
//! [`why_not_running`], each with the facts that `storage` reads by one statement.
//!
//! Not here: placements, regions, pacing (`delivery::decision`): they decide a request, not a day.

use crate::orders::licence::hand_in_by;
use crate::orders::moderation::{Moderation, ModerationState};
use crate::orders::order_blank::{BlankState, LineKind, Term};
use chrono::NaiveDate;

/// A version of a line's material, as far as it matters for running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaterialFacts {
    /// Its state, and whether it runs on while it is looked at again.
    pub moderation: Moderation,
    /// The Tashkent day of the last decision.
    pub decided_on: NaiveDate,
    /// First day on which it runs, when it is approved.
    pub live_from: NaiveDate,
    /// Last day on which all its documents are valid; `None`: it has none.
    pub documents_until: Option<NaiveDate>,
    /// One of its documents was reported revoked.
    pub document_revoked: bool,
    /// A second subject waits for the re-priced amendment [003 §6.5].
    pub awaiting_amendment: bool,
}

impl MaterialFacts {
    /// Why it isn't shown on a day; `None` when it is.
    pub fn why_not_shown(&self, day: NaiveDate) -> Option<NotRunning> {
        let Moderation { state, runs_on } = self.moderation;
        match state {
            ModerationState::Rejected => return Some(NotRunning::MaterialRejected),
            ModerationState::Withdrawn => return Some(NotRunning::MaterialWithdrawn),
            ModerationState::DocumentsOverdue => return Some(NotRunning::DocumentsOverdue),
            // The day counts, not the job that writes it down.
            ModerationState::DocumentsRequired if day > hand_in_by(self.decided_on) => {
                return Some(NotRunning::DocumentsOverdue);
            }
            ModerationState::DocumentsRequired if !runs_on => return Some(NotRunning::DocumentsRequired),
            ModerationState::DocumentsRequired
            | ModerationState::Approved
            | ModerationState::Submitted
            | ModerationState::InReview => {}
        }
        if self.awaiting_amendment {
            return Some(NotRunning::AwaitingAmendment);
        }
        if matches!(state, ModerationState::Submitted | ModerationState::InReview) && !runs_on {
            return Some(NotRunning::MaterialInReview);
        }
        if self.document_revoked {
            return Some(NotRunning::LicenceRevoked);
        }
        if self.documents_until.is_some_and(|until| day > until) {
            return Some(NotRunning::LicenceExpired);
        }
        (day < self.live_from).then_some(NotRunning::MaterialNotLiveYet)
    }

    /// The last day on which it is shown, when nothing more is decided; `None`: no end is known.
    pub fn last_day(&self) -> Option<NaiveDate> {
        let asked = (self.moderation.state == ModerationState::DocumentsRequired)
            .then(|| hand_in_by(self.decided_on));
        [self.documents_until, asked].into_iter().flatten().min()
    }

    /// Whether it was let run before, so that it matters beside a newer version.
    fn was_let_run(&self) -> bool {
        self.moderation.state == ModerationState::Approved || self.moderation.runs_on
    }
}

/// What is known of a line on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFacts {
    /// State of the order blank.
    pub blank_state: BlankState,
    /// Kind of line.
    pub kind: LineKind,
    /// The term in force.
    pub term: Term,
    /// Some invoice that covers the line was due before the day and is not fully paid.
    pub invoice_overdue: bool,
    /// The versions of its material, oldest first.
    pub materials: Vec<MaterialFacts>,
    /// The customer is suspended.
    pub customer_suspended: bool,
    /// The customer, a person, has withdrawn the consent [003 §4.2.1].
    pub consent_withdrawn: bool,
    /// The line is paused.
    pub paused: bool,
    /// Force majeure has interrupted the service on the day [003 §8].
    pub interrupted: bool,
    /// First day without service, when it was ended early.
    pub ended_on: Option<NaiveDate>,
    /// The budget (of the month, when it is monthly) doesn't pay for one more impression.
    pub budget_exhausted: bool,
}

impl LineFacts {
    /// Whether some version is shown on a day.
    pub fn has_live_material(&self, day: NaiveDate) -> bool {
        self.materials
            .iter()
            .any(|material| material.why_not_shown(day).is_none())
    }

    /// Whether this stands in the way of the line's material on a day. When nothing is shown, what counts is the newest
    /// version and every one that was let run: an older one that was refused is history.
    fn material_fails(&self, reason: NotRunning, day: NaiveDate) -> bool {
        if self.kind == LineKind::Additional || self.has_live_material(day) {
            return false;
        }
        let Some(newest) = self.materials.last() else {
            return reason == NotRunning::NoMaterial;
        };
        self.materials
            .iter()
            .filter(|material| material.was_let_run())
            .chain([newest])
            .any(|material| material.why_not_shown(day) == Some(reason))
    }
}

/// Why a line isn't served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotRunning {
    /// No contract is in force: not signed yet, or over.
    NotSigned,
    /// The first day is still to come.
    TermNotBegun,
    /// The last day has passed.
    TermOver,
    /// An invoice that covers it is overdue.
    InvoiceUnpaid,
    /// No material was submitted.
    NoMaterial,
    /// Its material waits for a moderator.
    MaterialInReview,
    /// Its material was rejected.
    MaterialRejected,
    /// The approval of its material was withdrawn.
    MaterialWithdrawn,
    /// Copies of licences or certificates are waited for.
    DocumentsRequired,
    /// They didn't come in time.
    DocumentsOverdue,
    /// A licence or certificate has expired.
    LicenceExpired,
    /// A licence or certificate was revoked.
    LicenceRevoked,
    /// A second advertised subject waits for its amendment.
    AwaitingAmendment,
    /// Its material came late: its first day is still to come.
    MaterialNotLiveYet,
    /// The customer is suspended.
    CustomerSuspended,
    /// The customer has withdrawn the consent to the processing of personal data.
    ConsentWithdrawn,
    /// Paused by hand.
    Paused,
    /// Force majeure.
    Interrupted,
    /// Ended before its time.
    Terminated,
    /// The budget is spent.
    BudgetExhausted,
}

impl NotRunning {
    /// All reasons, in the order in which they are told.
    pub const ALL: [NotRunning; 20] = [
        NotRunning::NotSigned,
        NotRunning::TermNotBegun,
        NotRunning::TermOver,
        NotRunning::InvoiceUnpaid,
        NotRunning::NoMaterial,
        NotRunning::MaterialInReview,
        NotRunning::MaterialRejected,
        NotRunning::MaterialWithdrawn,
        NotRunning::DocumentsRequired,
        NotRunning::DocumentsOverdue,
        NotRunning::LicenceExpired,
        NotRunning::LicenceRevoked,
        NotRunning::AwaitingAmendment,
        NotRunning::MaterialNotLiveYet,
        NotRunning::CustomerSuspended,
        NotRunning::ConsentWithdrawn,
        NotRunning::Paused,
        NotRunning::Interrupted,
        NotRunning::Terminated,
        NotRunning::BudgetExhausted,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            NotRunning::NotSigned => "not_signed",
            NotRunning::TermNotBegun => "term_not_begun",
            NotRunning::TermOver => "term_over",
            NotRunning::InvoiceUnpaid => "invoice_unpaid",
            NotRunning::NoMaterial => "no_material",
            NotRunning::MaterialInReview => "material_in_review",
            NotRunning::MaterialRejected => "material_rejected",
            NotRunning::MaterialWithdrawn => "material_withdrawn",
            NotRunning::DocumentsRequired => "documents_required",
            NotRunning::DocumentsOverdue => "documents_overdue",
            NotRunning::LicenceExpired => "licence_expired",
            NotRunning::LicenceRevoked => "licence_revoked",
            NotRunning::AwaitingAmendment => "awaiting_amendment",
            NotRunning::MaterialNotLiveYet => "material_not_live_yet",
            NotRunning::CustomerSuspended => "customer_suspended",
            NotRunning::ConsentWithdrawn => "consent_withdrawn",
            NotRunning::Paused => "paused",
            NotRunning::Interrupted => "force_majeure",
            NotRunning::Terminated => "terminated",
            NotRunning::BudgetExhausted => "budget_exhausted",
        }
    }

    fn holds(self, facts: &LineFacts, day: NaiveDate) -> bool {
        match self {
            NotRunning::NotSigned => !facts.blank_state.is_contract(),
            NotRunning::TermNotBegun => day < facts.term.first_day(),
            NotRunning::TermOver => day > facts.term.last_day(),
            NotRunning::InvoiceUnpaid => facts.invoice_overdue,
            NotRunning::NoMaterial
            | NotRunning::MaterialInReview
            | NotRunning::MaterialRejected
            | NotRunning::MaterialWithdrawn
            | NotRunning::DocumentsRequired
            | NotRunning::DocumentsOverdue
            | NotRunning::LicenceExpired
            | NotRunning::LicenceRevoked
            | NotRunning::AwaitingAmendment => facts.material_fails(self, day),
            // Before the term the material's first day is the term's: one reason is enough.
            NotRunning::MaterialNotLiveYet => {
                day >= facts.term.first_day() && facts.material_fails(self, day)
            }
            NotRunning::CustomerSuspended => facts.customer_suspended,
            NotRunning::ConsentWithdrawn => facts.consent_withdrawn,
            NotRunning::Paused => facts.paused,
            NotRunning::Interrupted => facts.interrupted,
            NotRunning::Terminated => facts.ended_on.is_some_and(|ended_on| ended_on <= day),
            NotRunning::BudgetExhausted => facts.kind == LineKind::Media && facts.budget_exhausted,
        }
    }
}

/// Everything that keeps the line from being served on `day`; empty when it runs.
pub fn why_not_running(facts: &LineFacts, day: NaiveDate) -> Vec<NotRunning> {
    NotRunning::ALL
        .into_iter()
        .filter(|reason| reason.holds(facts, day))
        .collect()
}

#[cfg(test)]
mod tests;

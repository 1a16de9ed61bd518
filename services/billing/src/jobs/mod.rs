//! The worker's jobs, one file each: `run` takes its work from the state and may be stopped and run again anywhere.

pub mod accept_documents;
pub mod accrue_penalties;
pub mod check_ledger;
pub mod close_period;
pub mod compare_counts;
pub mod documents_overdue;
pub mod export_vat_invoices;
pub mod fix_refunds;
pub mod lapse_increases;
pub mod licence_expiry;
pub mod move_by_calendar;
pub mod reconciliation_acts;
pub mod replan_day;
pub mod send_mail;
pub mod settle_contracts;
pub mod stand_still;
pub mod watch_refunds;

use crate::content::UnknownLine;
use namoyish_documents::CanonicalError;
use namoyish_documents::content::ContentError;
use namoyish_domain::billing::ledger::Unbalanced;
use namoyish_domain::money::MoneyError;
use namoyish_storage::DbError;
use std::fmt;

/// What a run of a job did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Things done.
    pub done: u64,
    /// Things found done already, or put off to a later try.
    pub skipped: u64,
    /// Why the job isn't through although nothing failed; it is looked at again at the next tick.
    pub waiting: Option<Waiting>,
}

/// Why a job is put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Another worker is at it.
    OtherWorker,
    /// Impressions are still to come from the journals.
    Counts {
        /// Epochs of lines that are behind.
        epochs: i64,
    },
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} done, {} skipped", self.done, self.skipped)?;
        match self.waiting {
            None => Ok(()),
            Some(Waiting::OtherWorker) => write!(f, ", another worker is at it"),
            Some(Waiting::Counts { epochs }) => write!(f, ", waiting for the counts of {epochs} epochs"),
        }
    }
}

impl Summary {
    /// Whether nothing changed and nothing is waited for.
    pub fn is_idle(&self) -> bool {
        self.done == 0 && self.waiting.is_none()
    }

    /// Nothing done because another worker holds the job's lock.
    pub fn other_worker() -> Summary {
        Summary {
            waiting: Some(Waiting::OtherWorker),
            ..Summary::default()
        }
    }
}

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A posting wouldn't balance.
    #[error(transparent)]
    Posting(#[from] Unbalanced),
    /// A document's content contradicts itself.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A document's content can't be written down.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A valued line has no facts.
    #[error(transparent)]
    UnknownLine(#[from] UnknownLine),
    /// Nothing can be issued before the operator is set up.
    #[error("the operator's requisites or rules are not set up")]
    NoOperator,
    /// Some customers' documents could not be made; the others' were.
    #[error("{failed} customers could not be closed; the first, {customer}: {error}")]
    CustomersFailed {
        /// How many.
        failed: u64,
        /// The first of them.
        customer: namoyish_domain::ids::CustomerId,
        /// Its error.
        error: Box<JobError>,
    },
    /// The ledger's kept balances, its sums or its numbers disagree.
    #[error(
        "the ledger is not sound: imbalance {imbalance}, {differences} balances differ, {gaps} number series have gaps"
    )]
    LedgerNotSound {
        /// Debits less credits.
        imbalance: namoyish_domain::money::Money,
        /// Kept balances that differ from their sums.
        differences: usize,
        /// Number series with gaps.
        gaps: usize,
    },
    /// A VAT invoice has no e-invoice form.
    #[error("VAT invoice {number}: {error}")]
    EInvoice {
        /// Its number.
        number: String,
        /// Why.
        error: namoyish_documents::files::FileError,
    },
    /// The folder for e-invoices can't be written.
    #[error("{folder}: {error}")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        error: std::io::Error,
    },
    /// A correction can't be issued.
    #[error(transparent)]
    Correction(#[from] namoyish_settlement::corrections::CorrectionFailed),
    /// A day plan can't be made.
    #[error("{0}")]
    Plans(String),
}

impl JobError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            JobError::Db(_) => "database",
            JobError::Money(_) => "sum_too_large",
            JobError::Posting(refused) => refused.code(),
            JobError::Content(refused) => refused.code(),
            JobError::Canonical(_) => "content_not_canonical",
            JobError::UnknownLine(_) => "unknown_line",
            JobError::NoOperator => "operator_not_set_up",
            JobError::CustomersFailed { .. } => "customers_failed",
            JobError::LedgerNotSound { .. } => "ledger_not_sound",
            JobError::EInvoice { .. } => "e_invoice_refused",
            JobError::Folder { .. } => "folder_not_writable",
            JobError::Correction(refused) => refused.code(),
            JobError::Plans(_) => "plans_failed",
        }
    }
}

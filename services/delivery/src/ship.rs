//! From the journal to PostgreSQL: each sealed segment is applied exactly once (delivery.md §6a).
//!
//! ```text
//! read the segment -> one transaction keyed by its id -> move the file away
//! ```
//! Killed between the last two steps, the segment is applied again and changes nothing. A segment of which the end is
//! missing or a byte is wrong is applied as far as it can be trusted, and put aside with an alarm.

use crate::journal::{Journal, JournalError, SealedSegment};
use namoyish_domain::calendar::Timestamp;
use namoyish_storage::counting::{SegmentCounts, SegmentFacts};
use namoyish_storage::{DbError, Store};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// How often a transaction that lost a race is tried again.
const TRIES: u32 = 5;

/// Why a segment was not applied; it stays sealed and is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// The file can't be read or moved.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// PostgreSQL failed; nothing of the segment is written.
    #[error("the segment can't be applied without the database")]
    Database(#[from] DbError),
    /// A thread that did the disk's work panicked.
    #[error("the journal's work was cut short")]
    CutShort,
}

impl ShipError {
    /// Stable code for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            ShipError::Journal(error) => error.code(),
            ShipError::Database(_) => "ship_database_failed",
            ShipError::CutShort => "ship_cut_short",
        }
    }
}

/// What applying a segment did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedSegment {
    /// What was counted.
    pub counts: SegmentCounts,
    /// Whether nothing of the segment is missing.
    pub is_whole: bool,
}

/// Applies a segment in one transaction. The file stays where it is: [`Journal::archive`] puts it away.
pub async fn apply(
    store: &Store,
    segment: &SealedSegment,
    now: Timestamp,
) -> Result<AppliedSegment, ShipError> {
    let reading = segment.clone();
    let (content, sha256) = tokio::task::spawn_blocking(move || {
        let (content, bytes) = reading.read()?;
        Ok::<_, JournalError>((content, hex::encode(Sha256::digest(&bytes))))
    })
    .await
    .map_err(|_| ShipError::CutShort)??;
    if !content.is_sealed {
        tracing::error!(
            path = %segment.path.display(),
            records = content.events.len(),
            "a sealed segment is damaged: only its beginning is applied"
        );
        metrics::counter!("journal_segments_damaged_total").increment(1);
    }
    let location = segment
        .path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let facts = SegmentFacts {
        id: content.id,
        node: &content.node,
        sha256: &sha256,
        location: &location,
        events: &content.events,
    };
    let counts = apply_facts(store, &facts, now).await?;
    if counts.over_cap > 0 || counts.refused > 0 {
        tracing::warn!(
            segment.id = %content.id,
            over_cap = counts.over_cap,
            refused = counts.refused,
            "impressions were recorded that are not charged"
        );
    }
    Ok(AppliedSegment {
        counts,
        is_whole: content.is_sealed,
    })
}

async fn apply_facts(
    store: &Store,
    facts: &SegmentFacts<'_>,
    now: Timestamp,
) -> Result<SegmentCounts, DbError> {
    let mut tried = 0;
    loop {
        tried += 1;
        match try_apply(store, facts, now).await {
            Err(DbError::Retry(_)) if tried < TRIES => {}
            outcome => return outcome,
        }
    }
}

async fn try_apply(
    store: &Store,
    facts: &SegmentFacts<'_>,
    now: Timestamp,
) -> Result<SegmentCounts, DbError> {
    let mut tx = store.begin().await?;
    let counts = tx.counting().apply_segment(facts, now).await?;
    tx.save().await?;
    Ok(counts)
}

/// Seals what is open, applies every sealed segment and puts it away. Answers the sums over all of them. Stops at the
/// first that can't be applied: the rest stays for the next time. Calls for one journal wait for each other.
pub async fn ship(journal: &Arc<Journal>, store: &Store, now: Timestamp) -> Result<SegmentCounts, ShipError> {
    let _alone = journal.shipping.lock().await;
    blocking(journal, |journal| journal.seal().map(|_| ())).await?;
    let mut sum = SegmentCounts::default();
    for segment in journal.sealed() {
        let applied = match apply(store, &segment, now).await {
            Ok(applied) => applied,
            // Nothing in it can be trusted: put aside, or no later segment would ever be applied.
            Err(ShipError::Journal(JournalError::Damaged(path))) => {
                tracing::error!(path = %path.display(), "a segment is damaged from its first bytes on");
                metrics::counter!("journal_segments_damaged_total").increment(1);
                blocking(journal, move |journal| journal.archive(&segment, false)).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        blocking(journal, move |journal| {
            journal.archive(&segment, applied.is_whole)
        })
        .await?;
        sum.impressions += applied.counts.impressions;
        sum.over_cap += applied.counts.over_cap;
        sum.viewable += applied.counts.viewable;
        sum.clicks += applied.counts.clicks;
        sum.again += applied.counts.again;
        sum.refused += applied.counts.refused;
    }
    Ok(sum)
}

async fn blocking(
    journal: &Arc<Journal>,
    work: impl FnOnce(&Journal) -> Result<(), JournalError> + Send + 'static,
) -> Result<(), ShipError> {
    let journal = Arc::clone(journal);
    let done = tokio::task::spawn_blocking(move || work(&journal)).await;
    Ok(done.map_err(|_| ShipError::CutShort)??)
}

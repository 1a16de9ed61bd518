//! The node's journal: an impression is on disk before its call is answered (delivery.md §4, §6a).
//!
//! ```text
//! append  -> bytes into the buffer, a position          a push under a short lock, no system call
//! thread  -> takes the buffer, writes it, one fdatasync for all that are waiting, wakes them; when many call at once it
//!            waits a moment for more of them first: a sync costs the same for one record and for a hundred
//! durable -> waits for the position; only then the call is answered
//! seal    -> <node>-<start>-<n>.open becomes .sealed: whole, to be applied to PostgreSQL once (`ship`)
//! ```
//!
//! A segment is complete or its tail is cut at the last whole record ([`record`]); files left open by a node that was
//! killed are cut, sealed and listed when the journal is opened again. The buffer is bounded: when the disk can't keep up
//! the append is refused ([`JournalError::Full`]) and the call must not be answered as counted. A write that failed fails
//! all who wait for it; the segment is given up at its last durable byte and a new one is begun.
//!
//! With `sync: false` (the simulation) there is no thread and no sync: records gather in memory and are written when the
//! segment is sealed, full or the journal dropped.
//!
//! Applied segments move to `applied/`, and those that are damaged (their end is missing or a byte is wrong) to
//! `damaged/`, after the part that can be trusted was applied.

pub mod record;
mod segment;

pub use namoyish_domain::delivery::counters::{Event, EventKind};
pub use segment::SealedSegment;

use namoyish_domain::calendar::Timestamp;
use namoyish_runtime::ids::Generator;
use segment::Segments;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Failed stretches of positions that are remembered one by one for those who still wait.
const FAILED_STRETCHES_MAX: usize = 64;
/// How many bytes gather in memory without sync before they are written.
const UNSYNCED_BYTES_MAX: usize = 4 << 20;

/// Records of a commit after which the next one waits for company.
const GATHER_FROM: u64 = 8;
/// How long it waits before it looks how many have come, and how often.
const GATHER_STEP: Duration = Duration::from_micros(100);
const GATHER_STEPS: u32 = 5;

/// How a journal is kept.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// The node's name: letters, digits, `-` and `_`; others are replaced.
    pub node: String,
    /// Whether records are on disk before [`Journal::durable`] returns. Only a simulation may say no.
    pub sync: bool,
    /// A segment that has become larger is sealed by itself.
    pub segment_bytes_max: u64,
    /// The most bytes that wait to be written.
    pub buffer_bytes_max: usize,
    /// Whether applied segments are kept (moved to `applied/`) or deleted.
    pub keep_applied: bool,
    /// Now: part of the segments' names.
    pub opened_at: Timestamp,
    /// Makes the segments' ids.
    pub ids: Generator,
}

impl JournalOptions {
    /// The defaults of a serving node.
    pub fn new(node: impl Into<String>, opened_at: Timestamp, ids: Generator) -> JournalOptions {
        JournalOptions {
            node: node.into(),
            sync: true,
            segment_bytes_max: 64 << 20,
            buffer_bytes_max: 16 << 20,
            keep_applied: true,
            opened_at,
            ids,
        }
    }
}

/// Why the journal refused or lost something. Nothing that it refused may be answered as counted.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk can't keep up.
    #[error("the journal's buffer is full: {waiting} of {limit} bytes wait to be written")]
    Full {
        /// Bytes waiting.
        waiting: usize,
        /// The most that may wait.
        limit: usize,
    },
    /// The record was not written: the disk is full or failed.
    #[error("the journal could not write the record")]
    NotWritten,
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
    /// The disk refused.
    #[error("the journal could not {what} {path}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Another process has this folder's journal open.
    #[error("the journal in {0} is open in another process")]
    InUse(PathBuf),
    /// The file's header is damaged, so nothing in it can be trusted.
    #[error("the segment {0} is damaged from its first bytes on")]
    Damaged(PathBuf),
}

impl JournalError {
    /// Stable code for logs, metrics and problems.
    pub fn code(&self) -> &'static str {
        match self {
            JournalError::Full { .. } => "journal_full",
            JournalError::NotWritten => "journal_not_written",
            JournalError::Closed => "journal_closed",
            JournalError::Disk { .. } => "journal_disk",
            JournalError::InUse(_) => "journal_in_use",
            JournalError::Damaged(_) => "journal_damaged",
        }
    }
}

/// The place of a record in the order of all appends since the journal was opened; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// A node's journal. One process has a folder's journal open at a time.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    /// One at a time applies and puts away segments.
    pub(crate) shipping: tokio::sync::Mutex<()>,
    /// Held while the journal is open: the folder is this process's alone.
    _lock: File,
}

#[derive(Debug)]
struct Shared {
    buffer: Mutex<Buffer>,
    wake: Condvar,
    segments: Mutex<Segments>,
    progress: watch::Sender<Progress>,
    /// [`Progress::through`], to be looked at without a lock.
    through: AtomicU64,
    is_sync: bool,
    buffer_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    records: u64,
    /// The instant of the first record's call: the segment's id is made from it.
    first_at: Option<Timestamp>,
    /// Position of the newest record.
    appended: u64,
    is_closing: bool,
}

/// What became of the positions so far.
#[derive(Debug, Default)]
struct Progress {
    /// Everything up to here is durable or failed.
    through: u64,
    /// The stretches of it that failed, oldest first.
    failed: VecDeque<(u64, u64)>,
    /// Stretches up to here are forgotten: whoever still asks is told that the record was not written.
    forgotten: u64,
}

impl Progress {
    fn of(&self, position: u64) -> Option<Result<(), JournalError>> {
        if position > self.through {
            return None;
        }
        let has_failed = self
            .failed
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&position));
        Some(if has_failed || position <= self.forgotten {
            Err(JournalError::NotWritten)
        } else {
            Ok(())
        })
    }

    fn fail(&mut self, from: u64, to: u64) {
        match self.failed.back_mut() {
            Some((_, end)) if end.saturating_add(1) == from => *end = to,
            _ => self.failed.push_back((from, to)),
        }
        if self.failed.len() > FAILED_STRETCHES_MAX
            && let Some((_, to)) = self.failed.pop_front()
        {
            self.forgotten = to;
        }
    }
}

impl Journal {
    /// Opens the journal in `dir` (made when it isn't there). Segments that were left open are cut at their last whole
    /// record and sealed.
    pub fn open(dir: impl AsRef<Path>, options: JournalOptions) -> Result<Journal, JournalError> {
        let dir = dir.as_ref();
        std::fs::create_dir_all(dir).map_err(|source| disk("make the folder", dir, source))?;
        let lock = lock(dir)?;
        let is_sync = options.sync;
        let buffer_bytes_max = options.buffer_bytes_max;
        let shared = Arc::new(Shared {
            buffer: Mutex::default(),
            wake: Condvar::new(),
            segments: Mutex::new(Segments::recover(dir, options)?),
            progress: watch::Sender::new(Progress::default()),
            through: AtomicU64::new(0),
            is_sync,
            buffer_bytes_max,
        });
        let writer = if is_sync {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("journal".to_owned());
            let spawned = thread.spawn(move || shared.write_until_closed());
            Some(spawned.map_err(|source| disk("start the writer of", dir, source))?)
        } else {
            None
        };
        Ok(Journal {
            shared,
            writer,
            shipping: tokio::sync::Mutex::new(()),
            _lock: lock,
        })
    }

    /// Appends an event; it is not durable yet.
    pub fn append(&self, event: &Event) -> Result<Position, JournalError> {
        let position = {
            let mut buffer = self.shared.buffer();
            if buffer.bytes.len() >= self.shared.buffer_bytes_max {
                return Err(JournalError::Full {
                    waiting: buffer.bytes.len(),
                    limit: self.shared.buffer_bytes_max,
                });
            }
            let was_empty = buffer.bytes.is_empty();
            record::write_event(&mut buffer.bytes, event);
            buffer.records += 1;
            buffer.appended += 1;
            buffer.first_at.get_or_insert(event.counted_at);
            if was_empty && self.shared.is_sync {
                self.shared.wake.notify_one();
            }
            if self.shared.is_sync
                || buffer.bytes.len() < UNSYNCED_BYTES_MAX.min(self.shared.buffer_bytes_max)
            {
                return Ok(Position(buffer.appended));
            }
            Position(buffer.appended)
        };
        // Without sync nobody else writes: whoever fills the buffer does.
        self.shared.commit(&mut self.shared.segments())?;
        Ok(position)
    }

    /// Waits until the record is on disk. Without sync it returns at once.
    pub async fn durable(&self, position: Position) -> Result<(), JournalError> {
        if !self.shared.is_sync {
            return Ok(());
        }
        let mut progress = self.shared.progress.subscribe();
        loop {
            let told = progress.borrow_and_update().of(position.0);
            if let Some(outcome) = told {
                return outcome;
            }
            progress.changed().await.map_err(|_| JournalError::Closed)?;
        }
    }

    /// A place where the tasks of one thread wait together.
    pub fn relay(&self) -> Relay {
        Relay {
            shared: Arc::clone(&self.shared),
            waiting: Mutex::default(),
        }
    }

    /// Writes what waits, and seals the open segment; `None` when it has no record. Blocks for a disk write: async callers
    /// of a journal with sync go through `ship`, which uses a blocking thread.
    pub fn seal(&self) -> Result<Option<SealedSegment>, JournalError> {
        let mut segments = self.shared.segments();
        self.shared.commit(&mut segments)?;
        segments.seal()
    }

    /// Sealed segments that were not archived yet, oldest first.
    pub fn sealed(&self) -> Vec<SealedSegment> {
        self.shared.segments().sealed()
    }

    /// Puts an applied segment away: to `applied/`, to `damaged/` when it was not whole, or deletes it when applied
    /// segments are not kept. Doing it twice is fine.
    pub fn archive(&self, segment: &SealedSegment, is_whole: bool) -> Result<(), JournalError> {
        self.shared.segments().archive(segment, is_whole)
    }

    /// Bytes that wait to be written.
    pub fn waiting_bytes(&self) -> usize {
        self.shared.buffer().bytes.len()
    }
}

/// Where the tasks of one thread wait for the disk: a commit wakes the thread once, by the task that runs [`Relay::run`],
/// and that task wakes the others from inside. Without it every waiting task would be woken from the journal's thread
/// by a system call of its own.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    /// In the order of their positions, nearly.
    waiting: Mutex<VecDeque<(u64, Waker)>>,
}

impl Relay {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<(u64, Waker)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those whose records are on disk or failed, for as long as it is polled. To be run on the thread whose tasks
    /// wait here.
    pub async fn run(&self) {
        let mut progress = self.shared.progress.subscribe();
        // The journal outlives whoever waits; an error would mean that nobody will ever be told anything again.
        while progress.changed().await.is_ok() {
            let through = progress.borrow_and_update().through;
            let mut waiting = self.waiting();
            while waiting.front().is_some_and(|(position, _)| *position <= through) {
                if let Some((_, waker)) = waiting.pop_front() {
                    waker.wake();
                }
            }
        }
    }

    /// Waits until the record is on disk. Without sync it returns at once.
    pub async fn durable(&self, position: Position) -> Result<(), JournalError> {
        if !self.shared.is_sync {
            return Ok(());
        }
        let is_done = || self.shared.through.load(Ordering::Acquire) >= position.0;
        std::future::poll_fn(|cx| {
            if is_done() {
                return Poll::Ready(());
            }
            self.waiting().push_back((position.0, cx.waker().clone()));
            // It may have been done in between, when nobody was here to be woken.
            if is_done() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let told = self.shared.progress.borrow().of(position.0);
        told.unwrap_or(Err(JournalError::Closed))
    }
}

impl Drop for Journal {
    /// Writes what waits; the segment stays open, as after a kill, and is sealed by the next [`Journal::open`].
    fn drop(&mut self) {
        self.shared.buffer().is_closing = true;
        self.shared.wake.notify_all();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the journal's writer panicked");
        }
        if let Err(error) = self.shared.commit(&mut self.shared.segments()) {
            tracing::error!(%error, "the journal's last records could not be written");
        }
    }
}

impl Shared {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        // Encoding a record can't panic half way; a poisoned lock guards whole records.
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn segments(&self) -> MutexGuard<'_, Segments> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_until_closed(&self) {
        let mut busy = false;
        loop {
            {
                let mut buffer = self.buffer();
                while buffer.bytes.is_empty() && !buffer.is_closing {
                    buffer = self.wake.wait(buffer).unwrap_or_else(PoisonError::into_inner);
                }
                if buffer.bytes.is_empty() {
                    return;
                }
            }
            if busy {
                self.gather();
            }
            busy = self.buffer().records >= GATHER_FROM;
            if let Err(error) = self.commit(&mut self.segments()) {
                tracing::error!(%error, "the journal could not write: the calls that waited are not counted");
                metrics::counter!("journal_write_errors_total").increment(1);
            }
        }
    }

    /// Waits while records come in, half a millisecond at the most.
    fn gather(&self) {
        let mut before = self.buffer().records;
        for _ in 0..GATHER_STEPS {
            std::thread::sleep(GATHER_STEP);
            let buffer = self.buffer();
            if buffer.is_closing || buffer.records < before + before / 4 + 1 {
                return;
            }
            before = buffer.records;
        }
    }

    /// Writes everything that waits, makes it durable once for all, and says so.
    fn commit(&self, segments: &mut Segments) -> Result<(), JournalError> {
        let (bytes, records, first_at, through) = {
            let mut buffer = self.buffer();
            if buffer.bytes.is_empty() {
                return Ok(());
            }
            let spare = segments.spare();
            let bytes = std::mem::replace(&mut buffer.bytes, spare);
            let records = std::mem::take(&mut buffer.records);
            (bytes, records, buffer.first_at.take(), buffer.appended)
        };
        let written = segments.write(&bytes, records, first_at);
        self.progress.send_modify(|progress| {
            if written.is_err() {
                progress.fail(through.saturating_sub(records).saturating_add(1), through);
            }
            progress.through = through;
            // Before anybody is woken by the change.
            self.through.store(through, Ordering::Release);
        });
        segments.give_spare(bytes);
        metrics::counter!("journal_commits_total").increment(1);
        metrics::counter!("journal_records_total").increment(records);
        written
    }
}

/// One process at a time: another one's recovery would cut our open segment.
fn lock(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join("journal.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.map_err(|source| disk("open", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(JournalError::InUse(dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(disk("lock", &path, source)),
    }
}

fn disk(what: &'static str, path: &Path, source: io::Error) -> JournalError {
    JournalError::Disk {
        what,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namoyish_domain::delivery::counters::Epoch;
    use namoyish_domain::ids::{AdMaterialId, LineId, PlacementId};
    use uuid::Uuid;

    fn event(number: u32) -> Event {
        let at = "2026-11-01T06:00:00Z".parse().unwrap();
        Event {
            kind: EventKind::Impression,
            line: LineId::from_uuid(Uuid::from_u128(1)),
            scope: 0,
            generation: 1,
            epoch: Epoch::of(at),
            number,
            material: AdMaterialId::from_uuid(Uuid::from_u128(2)),
            placement: PlacementId::from_uuid(Uuid::from_u128(3)),
            region: None,
            decided_at: at,
            counted_at: at,
        }
    }

    #[tokio::test]
    async fn a_disk_that_can_not_keep_up_refuses_appends_and_loses_none_that_it_took() {
        let dir = tempfile::tempdir().unwrap();
        let at = "2026-11-01T06:00:00Z".parse().unwrap();
        let options = JournalOptions {
            buffer_bytes_max: 1000,
            ..JournalOptions::new("node-1", at, Generator::seeded(1))
        };
        let journal = Journal::open(dir.path(), options).unwrap();
        // The disk stands still as long as its lock is held.
        let standing_still = journal.shared.segments();
        let mut taken = Vec::new();
        let refused = loop {
            match journal.append(&event(u32::try_from(taken.len()).unwrap())) {
                Ok(position) => taken.push(position),
                Err(error) => break error,
            }
        };
        assert!(
            matches!(refused, JournalError::Full { waiting, limit: 1000 } if waiting >= 1000),
            "{refused}"
        );
        assert_eq!(refused.code(), "journal_full");
        assert!(taken.len() < 20, "the buffer is bounded");
        drop(standing_still);
        for position in &taken {
            journal.durable(*position).await.unwrap();
        }
        journal
            .durable(journal.append(&event(99)).unwrap())
            .await
            .unwrap();
        let segment = journal.seal().unwrap().unwrap();
        assert_eq!(segment.records, u64::try_from(taken.len()).unwrap() + 1);
    }

    #[test]
    fn a_failed_stretch_is_told_to_those_who_wait_for_it_and_to_no_other() {
        let mut progress = Progress {
            through: 10,
            ..Progress::default()
        };
        progress.fail(4, 6);
        progress.fail(7, 7);
        assert_eq!(progress.failed.len(), 1, "stretches that touch are one");
        assert!(progress.of(11).is_none());
        assert!(progress.of(3).is_some_and(|outcome| outcome.is_ok()));
        assert!(progress.of(4).is_some_and(|outcome| outcome.is_err()));
        assert!(progress.of(7).is_some_and(|outcome| outcome.is_err()));
        assert!(progress.of(8).is_some_and(|outcome| outcome.is_ok()));
    }

    #[test]
    fn forgotten_stretches_are_answered_as_not_written() {
        let mut progress = Progress {
            through: 1000,
            ..Progress::default()
        };
        for n in 0..100 {
            progress.fail(n * 10 + 1, n * 10 + 2);
        }
        assert_eq!(progress.failed.len(), FAILED_STRETCHES_MAX);
        assert!(progress.of(1).is_some_and(|outcome| outcome.is_err()));
        assert!(
            progress.of(5).is_some_and(|outcome| outcome.is_err()),
            "rather refused than lost"
        );
        assert!(progress.of(995).is_some_and(|outcome| outcome.is_ok()));
    }
}

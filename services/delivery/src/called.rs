//! The numbers that were called at this node, and the marks that tell the counter store of them (delivery.md §4).
//!
//! ```text
//! set      -> the bit of the number; a second call finds it
//! waiting  -> until the disk has the record: a second call waits for the same position, and fails with it
//! marks    -> in_flight (one batch, kept until the counter store has answered) -> forgotten
//! ```
//!
//! Invariants: a bit stays set only for a record that is written or whose caller still waits ([`Unwritten`]); a batch of
//! marks leaves only after it was told, so a caller that gives up half way loses none. A bit that was taken back although
//! the record was written does no harm: the segment's bits in PostgreSQL answer "again" when it is applied.
//!
//! Not here: the events themselves (`journal`) and who calls the counter store (`node`).

use crate::counters::{Epoch, Mark};
use crate::journal::{EventKind, Position};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::delivery::hash::QuickMap;
use namoyish_domain::ids::LineId;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whose numbers: line, generation, epoch and kind.
pub(crate) type CalledKey = (LineId, u32, Epoch, EventKind);

/// Numbers called at this node, until their epochs close.
#[derive(Default)]
pub(crate) struct Called {
    bits: QuickMap<CalledKey, Vec<u64>>,
    /// Positions of records that a caller waits for.
    waiting: QuickMap<(CalledKey, u32), Position>,
    /// Not told yet, oldest first.
    marks: VecDeque<Mark>,
    /// Being told, or told without an answer: told again before any other.
    in_flight: Vec<Mark>,
}

impl Called {
    /// Whether the number was not called before.
    pub(crate) fn set(&mut self, key: CalledKey, number: u32) -> bool {
        let (word, bit) = place_of(number);
        let words = self.bits.entry(key).or_default();
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        words.get_mut(word).is_some_and(|bits| {
            let is_new = *bits & bit == 0;
            *bits |= bit;
            is_new
        })
    }

    /// The number may be called again.
    pub(crate) fn unset(&mut self, key: CalledKey, number: u32) {
        let (word, bit) = place_of(number);
        if let Some(bits) = self.bits.get_mut(&key).and_then(|words| words.get_mut(word)) {
            *bits &= !bit;
        }
    }

    /// Tokens of a closed epoch have expired: nobody can call them again.
    pub(crate) fn forget_closed(&mut self, now: Timestamp) {
        self.bits
            .retain(|(_, _, epoch, _), _| epoch.closes_seconds() > now.timestamp());
    }

    /// The position of a number's record that is not known to be on disk yet.
    pub(crate) fn waits_for(&self, key: CalledKey, number: u32) -> Option<Position> {
        self.waiting.get(&(key, number)).copied()
    }

    /// Keeps a mark for the counter store; beyond `max` it is dropped and counted in `marks_dropped_total`.
    pub(crate) fn mark(&mut self, mark: Mark, max: usize) {
        if self.marks_waiting() < max {
            self.marks.push_back(mark);
        } else {
            metrics::counter!("marks_dropped_total").increment(1);
        }
    }

    /// Takes back the mark of a number whose record was not written, unless it was told already.
    pub(crate) fn unmark(&mut self, key: CalledKey, number: u32) {
        let (line, generation, epoch, kind) = key;
        if kind != EventKind::Impression {
            return;
        }
        let is_of = |mark: &Mark| {
            mark.number == number && mark.line == line && mark.generation == generation && mark.epoch == epoch
        };
        // Among the newest, as it was marked by the call that failed.
        if let Some(at) = self.marks.iter().rposition(is_of) {
            self.marks.remove(at);
        }
        self.in_flight.retain(|mark| !is_of(mark));
    }

    /// How many marks wait for the counter store, those being told among them.
    pub(crate) fn marks_waiting(&self) -> usize {
        self.marks.len().saturating_add(self.in_flight.len())
    }

    /// The next marks to tell: those told without an answer, else at most `max` of the oldest. They are kept until
    /// [`Called::batch_told`]; one caller at a time.
    pub(crate) fn batch_to_tell(&mut self, max: usize) -> Vec<Mark> {
        if self.in_flight.is_empty() {
            let n = self.marks.len().min(max);
            self.in_flight.extend(self.marks.drain(..n));
        }
        self.in_flight.clone()
    }

    /// The counter store has answered for the batch.
    pub(crate) fn batch_told(&mut self) {
        self.in_flight.clear();
    }
}

/// A first call that waits for the disk. Dropped before [`Unwritten::written`] (the record was not written, or the caller
/// hung up) it takes the number back, so that the next call writes its own record.
pub(crate) struct Unwritten<'a> {
    called: &'a Mutex<Called>,
    key: CalledKey,
    number: u32,
    is_written: bool,
}

impl<'a> Unwritten<'a> {
    /// Begins to wait. `held` is the lock of `called` under which the number was set: no second call comes in between.
    pub(crate) fn begin(
        called: &'a Mutex<Called>,
        held: &mut Called,
        key: CalledKey,
        number: u32,
        position: Position,
    ) -> Unwritten<'a> {
        held.waiting.insert((key, number), position);
        Unwritten {
            called,
            key,
            number,
            is_written: false,
        }
    }

    /// The record is on disk.
    pub(crate) fn written(mut self) {
        self.is_written = true;
    }

    /// The record is not on disk and never will be.
    pub(crate) fn failed(self) {
        lock(self.called).unmark(self.key, self.number);
    }
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        let mut called = lock(self.called);
        called.waiting.remove(&(self.key, self.number));
        if !self.is_written {
            called.unset(self.key, self.number);
        }
    }
}

/// What is inside is whole after every statement that can panic, so a poisoned lock may go on.
pub(crate) fn lock(called: &Mutex<Called>) -> MutexGuard<'_, Called> {
    called.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place_of(number: u32) -> (usize, u64) {
    (
        usize::try_from(number / 64).unwrap_or(usize::MAX),
        1 << (number % 64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key() -> CalledKey {
        let line = LineId::from_uuid(Uuid::from_u128(1));
        (line, 2, Epoch(3), EventKind::Impression)
    }

    fn mark(number: u32) -> Mark {
        let (line, generation, epoch, _) = key();
        Mark {
            line,
            scope: 0,
            generation,
            epoch,
            number,
        }
    }

    fn numbers(marks: &[Mark]) -> Vec<u32> {
        marks.iter().map(|mark| mark.number).collect()
    }

    #[test]
    fn a_call_that_is_given_up_before_the_disk_answers_takes_its_number_back() {
        let called = Mutex::new(Called::default());
        let mut held = lock(&called);
        assert!(held.set(key(), 70));
        let call = Unwritten::begin(&called, &mut held, key(), 70, Position(5));
        assert!(!held.set(key(), 70));
        assert_eq!(held.waits_for(key(), 70), Some(Position(5)));
        drop(held);
        drop(call);
        let mut held = lock(&called);
        assert_eq!(held.waits_for(key(), 70), None);
        assert!(held.set(key(), 70), "the next call writes its own record");
    }

    #[test]
    fn a_written_call_keeps_its_number_and_a_failed_one_loses_its_mark_too() {
        let called = Mutex::new(Called::default());
        for number in [1, 2] {
            let mut held = lock(&called);
            assert!(held.set(key(), number));
            held.mark(mark(number), 10);
            let call = Unwritten::begin(&called, &mut held, key(), number, Position(1));
            drop(held);
            if number == 1 {
                call.written();
            } else {
                call.failed();
            }
        }
        let mut held = lock(&called);
        assert!(!held.set(key(), 1));
        assert!(held.set(key(), 2));
        assert_eq!(numbers(&held.batch_to_tell(10)), [1]);
    }

    #[test]
    fn marks_leave_only_when_they_were_told() {
        let mut called = Called::default();
        for number in 0..5 {
            called.mark(mark(number), 5);
        }
        assert_eq!(numbers(&called.batch_to_tell(3)), [0, 1, 2]);
        called.mark(mark(5), 5);
        assert_eq!(called.marks_waiting(), 5, "those being told fill the limit too");
        assert_eq!(
            numbers(&called.batch_to_tell(3)),
            [0, 1, 2],
            "nobody answered: told again"
        );
        called.unmark(key(), 1);
        called.batch_told();
        assert_eq!(numbers(&called.batch_to_tell(3)), [3, 4]);
        called.batch_told();
        assert!(called.batch_to_tell(3).is_empty());
    }
}

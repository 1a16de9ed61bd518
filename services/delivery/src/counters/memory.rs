//! Counters in process, for one node: where no Redis can be had, or `store = "memory"` is set (delivery.md §6).
//!
//! Every operation is the pure [`LineCounter`] under one lock that is never held across an `await`. A restart loses
//! everything, which is the case that rebuilding from PostgreSQL is made for. Bounded: a counter that is at rest and was
//! not asked for two days is dropped, and so rebuilt when it is asked for again.

use super::{
    ClosedEpoch, Counters, CountersError, GiveBack, GrantReply, GrantRequest, InForce, InstallBase,
    LineCounter, Mark, Shown,
};
use async_trait::async_trait;
use namoyish_domain::ids::LineId;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long a counter at rest is kept.
const IDLE_SECONDS_MAX: i64 = 2 * 86_400;
/// How often counters at rest are looked for.
const SWEEP_SECONDS: i64 = 3600;

/// The counters of one process.
#[derive(Debug, Default)]
pub struct MemoryCounters {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counters: HashMap<(LineId, u32), Kept>,
    swept_at: i64,
}

#[derive(Debug)]
struct Kept {
    counter: LineCounter,
    asked_at: i64,
}

impl MemoryCounters {
    /// No counters yet.
    pub fn new() -> MemoryCounters {
        MemoryCounters::default()
    }

    /// Loses everything, as a restart does.
    pub fn lose(&self) {
        self.state().counters.clear();
    }

    /// Number of counters kept.
    pub fn len(&self) -> usize {
        self.state().counters.len()
    }

    /// Whether no counter is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A counter is changed by total functions only, so a poisoned lock guards a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn get(&mut self, line: LineId, scope: u32) -> Option<&mut LineCounter> {
        self.counters
            .get_mut(&(line, scope))
            .map(|kept| &mut kept.counter)
    }

    fn sweep(&mut self, now_seconds: i64) {
        if now_seconds.saturating_sub(self.swept_at) < SWEEP_SECONDS {
            return;
        }
        self.swept_at = now_seconds;
        self.counters.retain(|_, kept| {
            kept.counter.close_due(now_seconds);
            now_seconds.saturating_sub(kept.asked_at) < IDLE_SECONDS_MAX || !kept.counter.is_at_rest()
        });
    }
}

#[async_trait]
impl Counters for MemoryCounters {
    async fn grant(&self, requests: &[GrantRequest]) -> Result<Vec<GrantReply>, CountersError> {
        let mut state = self.state();
        if let Some(request) = requests.first() {
            state.sweep(request.now_seconds);
        }
        let replies = requests.iter().map(|request| {
            state
                .counters
                .get_mut(&(request.line, request.scope))
                .map_or(GrantReply::Unknown, |kept| {
                    kept.asked_at = kept.asked_at.max(request.now_seconds);
                    kept.counter.grant(request)
                })
        });
        Ok(replies.collect())
    }

    async fn give_back_all(&self, given: &[GiveBack]) -> Result<(), CountersError> {
        let mut state = self.state();
        for back in given {
            if let Some(counter) = state.get(back.line, back.scope) {
                counter.give_back(back.generation, back.epoch, back.count);
            }
        }
        Ok(())
    }

    async fn mark_shown(&self, marks: &[Mark]) -> Result<Vec<Shown>, CountersError> {
        let mut state = self.state();
        let shown = marks.iter().map(|mark| {
            state.get(mark.line, mark.scope).map_or(Shown::Late, |counter| {
                counter.mark_shown(mark.generation, mark.epoch, mark.number)
            })
        });
        Ok(shown.collect())
    }

    async fn install_all(&self, bases: &[InstallBase], now_seconds: i64) -> Result<Vec<u32>, CountersError> {
        let mut state = self.state();
        let generations = bases.iter().map(|base| {
            let kept = state
                .counters
                .entry((base.line, base.scope))
                .or_insert_with(|| Kept {
                    counter: LineCounter::install(base),
                    asked_at: now_seconds,
                });
            kept.counter.in_force().generation
        });
        Ok(generations.collect())
    }

    async fn settle(&self, bases: &[InstallBase]) -> Result<Vec<bool>, CountersError> {
        let mut state = self.state();
        let settled = bases.iter().map(|base| {
            state
                .get(base.line, base.scope)
                .is_some_and(|counter| counter.settle(base))
        });
        Ok(settled.collect())
    }

    async fn in_force(&self, counters: &[(LineId, u32)]) -> Result<Vec<Option<InForce>>, CountersError> {
        let mut state = self.state();
        Ok(counters
            .iter()
            .map(|(line, scope)| state.get(*line, *scope).map(|counter| counter.in_force()))
            .collect())
    }

    async fn closed_epochs(
        &self,
        line: LineId,
        scope: u32,
        now_seconds: i64,
    ) -> Result<Vec<ClosedEpoch>, CountersError> {
        let mut state = self.state();
        let Some(counter) = state.get(line, scope) else {
            return Ok(Vec::new());
        };
        counter.close_due(now_seconds);
        Ok(counter.unrecorded().copied().collect())
    }

    async fn forget_closed(&self, recorded: &[ClosedEpoch]) -> Result<(), CountersError> {
        let mut state = self.state();
        for closed in recorded {
            if let Some(counter) = state.get(closed.line, closed.scope) {
                counter.forget_closed(std::slice::from_ref(closed));
            }
        }
        Ok(())
    }
}

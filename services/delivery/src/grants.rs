//! The numbers that a node holds: how many of each line, handed out one by one, taken and given back in blocks.
//!
//! Rule: delivery.md §6. A node never asks the counter store per request: it holds a small block of numbers per line,
//! sized to its own recent rate, and decides from memory.
//!
//! ```text
//! rate  = (3 × rate + handed out since the last refill, per second) / 4
//! block = rate × two refill intervals, at least grant_min, at most grant_max
//! asked when less than half a block is in hand and the plan admits more than is known to be used, and once an epoch
//! ```
//!
//! All numbers in hand belong to one epoch. When it ends, those never handed out are given back, and a new block is
//! taken under the new epoch: a token's epoch is that of its decision.
//!
//! Not here: who wins a request (`domain::delivery::decision`), the limits themselves (the counter store keeps them over
//! all nodes).

use crate::counters::{Epoch, GiveBack, GrantReply, GrantRequest, InstallRequest};
use crate::settings::NodeSettings;
use crate::snapshot::Snapshot;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::delivery::decision::{Class, LineSlot, Pace};
use namoyish_domain::delivery::pacing::{UNLIMITED, admitted_by, plan_order};
use namoyish_domain::ids::LineId;
use std::collections::{BTreeSet, HashMap};

/// Seconds after which a line that had all it was due is asked for again: others may have given back.
const ASK_AGAIN_SECONDS: i64 = 30;

/// A number handed out: an impression may be counted under it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) generation: u32,
    pub(crate) epoch: Epoch,
    pub(crate) number: u32,
    /// Which serving of the line in the placement it is: its materials take turns by it.
    pub(crate) turn: u64,
}

/// What a node holds of a line.
#[derive(Debug, Clone)]
struct InHand {
    line: LineId,
    scope: u32,
    generation: u32,
    /// `next..end` may still be handed out.
    next: u32,
    end: u32,
    /// Servings in each of the line's placements.
    turns: Vec<u64>,
    handed_since_refill: u64,
    /// Thousandths of impressions a second.
    rate: u64,
    /// Unix seconds of the last answer; none in this epoch yet.
    asked_at: Option<i64>,
    /// The store has seen a newer plan: nothing is asked until the snapshot changes.
    is_stale: bool,
}

impl InHand {
    fn new(line: LineId, scope: u32) -> InHand {
        InHand {
            line,
            scope,
            generation: 0,
            next: 0,
            end: 0,
            turns: Vec::new(),
            handed_since_refill: 0,
            rate: 0,
            asked_at: None,
            is_stale: false,
        }
    }

    fn left(&self) -> u32 {
        self.end.saturating_sub(self.next)
    }
}

/// The numbers in hand and the pace of every line of a snapshot, by line slot.
#[derive(Debug)]
pub(crate) struct GrantBook {
    pace: Vec<Pace>,
    in_hand: Vec<InHand>,
    epoch: Epoch,
    /// Numbers to be given back at the next refill.
    returns: Vec<GiveBack>,
    /// Lines that were granted numbers, by epoch: their totals are asked for when it has closed.
    granted_in: BTreeSet<(Epoch, LineId, u32)>,
    /// Lines with closed epochs whose totals are not recorded yet.
    closed: BTreeSet<(LineId, u32)>,
    last_refill: Option<Timestamp>,
    refill_due_at: Timestamp,
    period_turn: u64,
}

/// What a refill asks of the counter store.
#[derive(Debug, Default)]
pub(crate) struct RefillPlan {
    pub(crate) slots: Vec<LineSlot>,
    pub(crate) requests: Vec<GrantRequest>,
    pub(crate) returns: Vec<GiveBack>,
}

impl GrantBook {
    /// An empty book for the lines of a snapshot; a refill is due at once.
    pub(crate) fn new(snapshot: &Snapshot, now: Timestamp) -> GrantBook {
        let mut book = GrantBook {
            pace: Vec::new(),
            in_hand: Vec::new(),
            epoch: Epoch::of(now),
            returns: Vec::new(),
            granted_in: BTreeSet::new(),
            closed: BTreeSet::new(),
            last_refill: None,
            refill_due_at: now,
            period_turn: 1,
        };
        book.install(snapshot, now);
        book
    }

    /// Takes over to a new snapshot: lines that stay keep their numbers, rates and turns; numbers of lines that are gone
    /// are given back.
    pub(crate) fn install(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let mut before: HashMap<(LineId, u32), (Pace, InHand)> = self
            .in_hand
            .drain(..)
            .zip(self.pace.drain(..))
            .map(|(in_hand, pace)| ((in_hand.line, in_hand.scope), (pace, in_hand)))
            .collect();
        for line in &snapshot.lines {
            let (mut pace, mut in_hand) = before.remove(&(line.id, line.scope)).unwrap_or_else(|| {
                let pace = Pace {
                    available: 0,
                    class: line.class,
                    used: 0,
                    due: 1,
                    price: line.price,
                };
                (pace, InHand::new(line.id, line.scope))
            });
            pace.class = line.class;
            pace.price = line.price;
            in_hand.is_stale = false;
            in_hand.asked_at = None;
            self.pace.push(pace);
            self.in_hand.push(in_hand);
        }
        let epoch = self.epoch;
        let mut gone: Vec<GiveBack> = before
            .into_values()
            .filter_map(|(_, held)| give_back(&held, epoch))
            .collect();
        gone.sort_by_key(|given| (given.line, given.scope));
        self.returns.extend(gone);
        self.refill_due_at = now;
    }

    /// How the lines stand; what [`namoyish_domain::delivery::decision::decide`] chooses by.
    pub(crate) fn pace(&self) -> &[Pace] {
        &self.pace
    }

    /// When the next refill is worth its while.
    pub(crate) fn refill_due_at(&self) -> Timestamp {
        self.refill_due_at
    }

    /// Ends the epoch when `now` lies in another: what is in hand can't be handed out any more.
    pub(crate) fn turn_epoch(&mut self, now: Timestamp) {
        let epoch = Epoch::of(now);
        if epoch == self.epoch {
            return;
        }
        for (in_hand, pace) in self.in_hand.iter_mut().zip(&mut self.pace) {
            self.returns.extend(give_back(in_hand, self.epoch));
            in_hand.next = in_hand.end;
            in_hand.asked_at = None;
            pace.available = 0;
        }
        self.epoch = epoch;
        self.refill_due_at = now;
    }

    /// Hands out a number of the line that won, in the `place`-th of its placements. `None` when it has none (then it
    /// can't have won).
    pub(crate) fn hand_out(
        &mut self,
        slot: LineSlot,
        place: usize,
        now: Timestamp,
        settings: &NodeSettings,
    ) -> Option<Number> {
        let at = usize::try_from(slot).ok()?;
        let (in_hand, pace) = (self.in_hand.get_mut(at)?, self.pace.get_mut(at)?);
        if in_hand.left() == 0 {
            return None;
        }
        let number = in_hand.next;
        in_hand.next += 1;
        if in_hand.turns.len() <= place {
            in_hand.turns.resize(place + 1, 0);
        }
        let turn = in_hand.turns.get_mut(place).map_or(0, |turns| {
            *turns += 1;
            *turns - 1
        });
        in_hand.handed_since_refill += 1;
        pace.available = in_hand.left();
        match pace.class {
            Class::Media => pace.used += 1,
            Class::Period => {
                pace.used = self.period_turn;
                self.period_turn += 1;
            }
        }
        let may_have_more = pace.class == Class::Period || pace.due > pace.used;
        if pace.available == 0 && may_have_more {
            let soonest = self.last_refill.map_or(now, |last| last + settings.refill_gap);
            self.refill_due_at = self.refill_due_at.min(soonest.max(now));
        }
        Some(Number {
            generation: in_hand.generation,
            epoch: self.epoch,
            number,
            turn,
        })
    }

    /// Begins a refill: says what to give back and what to ask for.
    pub(crate) fn begin_refill(
        &mut self,
        snapshot: &Snapshot,
        now: Timestamp,
        settings: &NodeSettings,
    ) -> RefillPlan {
        self.turn_epoch(now);
        let elapsed_ms = self
            .last_refill
            .map_or(0, |last| (now - last).num_milliseconds())
            .clamp(0, 600_000);
        let elapsed_ms = u64::try_from(elapsed_ms).unwrap_or(0);
        let horizon_ms = u64::try_from((settings.refill_every * 2).num_milliseconds()).unwrap_or(500);
        let mut plan = RefillPlan {
            returns: std::mem::take(&mut self.returns),
            ..RefillPlan::default()
        };
        for (((line, in_hand), pace), slot) in snapshot
            .lines
            .iter()
            .zip(&mut self.in_hand)
            .zip(&mut self.pace)
            .zip(0..)
        {
            if let Some(recent) = in_hand
                .handed_since_refill
                .saturating_mul(1_000_000)
                .checked_div(elapsed_ms)
            {
                in_hand.rate = (in_hand.rate.saturating_mul(3).saturating_add(recent)) / 4;
                in_hand.handed_since_refill = 0;
            }
            let admitted = line
                .plan
                .as_ref()
                .map_or(UNLIMITED, |(_, plan)| admitted_by(plan, now));
            if pace.class == Class::Media {
                pace.due = admitted.max(1);
            }
            let held = in_hand.left();
            let block =
                u32::try_from(in_hand.rate.saturating_mul(horizon_ms) / 1_000_000).unwrap_or(u32::MAX);
            let block = block.clamp(settings.grant_min.max(1), settings.grant_max.max(1));
            let known_full = pace.class == Class::Media && pace.used.saturating_add(held.into()) >= admitted;
            let asked_lately = in_hand
                .asked_at
                .is_some_and(|at| now.timestamp() - at < ASK_AGAIN_SECONDS);
            if in_hand.is_stale || held > block / 2 || (known_full && asked_lately) {
                continue;
            }
            plan.slots.push(slot);
            plan.requests.push(GrantRequest {
                line: line.id,
                scope: line.scope,
                cap: line.cap,
                day: snapshot.day(),
                day_limit: admitted,
                plan_version: line
                    .plan
                    .as_ref()
                    .map_or(0, |(version, plan)| plan_order(plan.day, *version)),
                want: (block - held.min(block)).max(1),
                epoch: self.epoch,
                now_seconds: now.timestamp(),
            });
        }
        self.last_refill = Some(now);
        self.refill_due_at = self.next_refill(now, settings);
        plan
    }

    /// Puts an answer in. Answers whether the line has to be installed first.
    pub(crate) fn put_in(&mut self, slot: LineSlot, request: &GrantRequest, reply: &GrantReply) -> bool {
        let place = usize::try_from(slot)
            .ok()
            .and_then(|at| self.in_hand.get_mut(at).zip(self.pace.get_mut(at)));
        let Some((in_hand, pace)) =
            place.filter(|(in_hand, _)| in_hand.line == request.line && in_hand.scope == request.scope)
        else {
            // The snapshot changed meanwhile and the line moved or went: nobody can hand these out.
            self.returns.extend(unused(request, reply));
            return false;
        };
        match *reply {
            GrantReply::Granted { .. } if request.epoch != self.epoch => {
                self.returns.extend(unused(request, reply));
                false
            }
            GrantReply::Granted {
                generation,
                first,
                count,
                day_used,
                ..
            } => {
                in_hand.asked_at = Some(request.now_seconds);
                if count > 0 {
                    self.granted_in
                        .insert((request.epoch, request.line, request.scope));
                    // A block lies after the one before it or is of a new generation; what is left of the old one goes back.
                    let joins =
                        in_hand.generation == generation && in_hand.end == first && in_hand.left() > 0;
                    if !joins {
                        self.returns.extend(give_back(in_hand, self.epoch));
                        in_hand.next = first;
                    }
                    in_hand.generation = generation;
                    in_hand.end = first.saturating_add(count);
                }
                pace.available = in_hand.left();
                if pace.class == Class::Media {
                    pace.used = day_used.saturating_sub(in_hand.left().into());
                }
                false
            }
            GrantReply::StalePlan => {
                in_hand.is_stale = true;
                false
            }
            GrantReply::Unknown => true,
        }
    }

    /// Lines with epochs that have closed by `now`: their totals may be read. They are answered until
    /// [`GrantBook::totals_recorded`].
    pub(crate) fn closed(&mut self, now: Timestamp) -> Vec<(LineId, u32)> {
        while let Some((epoch, line, scope)) = self.granted_in.first().copied() {
            if epoch.closes_seconds() > now.timestamp() {
                break;
            }
            self.granted_in.pop_first();
            self.closed.insert((line, scope));
        }
        self.closed.iter().copied().collect()
    }

    /// The totals of these lines' closed epochs are recorded.
    pub(crate) fn totals_recorded(&mut self, lines: &[(LineId, u32)]) {
        for line in lines {
            self.closed.remove(line);
        }
    }

    /// Takes what waits to be given back, and empties every hand: the node ends.
    pub(crate) fn give_back_all(&mut self) -> Vec<GiveBack> {
        let mut all = std::mem::take(&mut self.returns);
        for (in_hand, pace) in self.in_hand.iter_mut().zip(&mut self.pace) {
            all.extend(give_back(in_hand, self.epoch));
            in_hand.next = in_hand.end;
            pace.available = 0;
        }
        all
    }

    /// How many numbers are in hand.
    pub(crate) fn numbers_in_hand(&self) -> u64 {
        self.in_hand.iter().map(|in_hand| u64::from(in_hand.left())).sum()
    }

    fn next_refill(&self, now: Timestamp, settings: &NodeSettings) -> Timestamp {
        let tick = now + settings.refill_every;
        let epoch_ends =
            chrono::DateTime::from_timestamp(Epoch(self.epoch.0.saturating_add(1)).start_seconds(), 0);
        epoch_ends.map_or(tick, |ends| tick.min(ends))
    }
}

/// The request to rebuild a counter that the store doesn't know.
pub(crate) fn install_request(request: &GrantRequest, own_life: Option<Timestamp>) -> InstallRequest {
    InstallRequest {
        line: request.line,
        scope: request.scope,
        day: request.day,
        day_limit: request.day_limit,
        own_life,
    }
}

fn give_back(in_hand: &InHand, epoch: Epoch) -> Option<GiveBack> {
    (in_hand.left() > 0).then(|| GiveBack {
        line: in_hand.line,
        scope: in_hand.scope,
        generation: in_hand.generation,
        epoch,
        count: in_hand.left(),
    })
}

fn unused(request: &GrantRequest, reply: &GrantReply) -> Option<GiveBack> {
    match *reply {
        GrantReply::Granted {
            generation, count, ..
        } if count > 0 => Some(GiveBack {
            line: request.line,
            scope: request.scope,
            generation,
            epoch: request.epoch,
            count,
        }),
        _ => None,
    }
}

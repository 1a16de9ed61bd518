//! The numbers that a node holds: how many of each line, handed out one by one, taken and given back in blocks.
//!
//! Rule: delivery.md §6. A node never asks the counter store per request: it holds a small block of numbers per line,
//! sized to its own recent rate, and decides from memory.
//!
//! ```text
//! rate  = (3 × rate + handed out since the last refill, per second) / 4
//! block = rate × two refill intervals, at least what a minute takes of it up to 16, at least grant_min, at most grant_max
//! asked when less than half a block is in hand and the plan admits more than is known to be used, and once an epoch
//! looked at: lines that fall below half a block at the next refill, all others in turn, 40,000 a second
//! ```
//!
//! A refill's work so follows the traffic and not the lines there are; a line that nobody asks for is looked at every few
//! seconds, which is how late its growing share of the day is seen.
//!
//! All numbers in hand belong to one epoch: a token's epoch is that of its decision. When it ends, those never handed out
//! are given back. Half a minute before, each line takes a first block of the next epoch ahead, so that no line is
//! without numbers at the turn however many there are; only at midnight, when another plan begins, they are taken after it.
//!
//! Not here: who wins a request (`domain::delivery::decision`), the limits themselves (the counter store keeps them over
//! all nodes).

use crate::counters::{Epoch, GiveBack, GrantReply, GrantRequest, InstallRequest};
use crate::settings::NodeSettings;
use crate::snapshot::Snapshot;
use chrono::TimeDelta;
use namoyish_domain::calendar::{Timestamp, tashkent_day};
use namoyish_domain::delivery::decision::{Class, LineSlot, Pace, Standings, TargetIndex};
use namoyish_domain::delivery::hash::QuickMap;
use namoyish_domain::delivery::pacing::{UNLIMITED, admitted_by, plan_order};
use namoyish_domain::ids::LineId;
use namoyish_domain::orders::targeting::hour_of_week;
use std::collections::BTreeSet;

/// Seconds after which a line that had all it was due is asked for again: others may have given back.
const ASK_AGAIN_SECONDS: i64 = 30;
/// What a slow line may hold: as much as it needs in a minute, and at most so many.
const SLOW_HORIZON_MS: u64 = 60_000;
const SLOW_BLOCK_MAX: u32 = 16;
/// How long before an epoch's end numbers of the next one are taken.
const AHEAD_SECONDS: i64 = 30;
/// How many lines a second are looked at in turn.
const LOOKS_A_SECOND: u64 = 40_000;
/// The most lines that one refill looks at: the others wait for the next one, which comes at once.
const LOOKS_MAX: usize = 8192;

/// A number handed out: an impression may be counted under it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) generation: u32,
    pub(crate) epoch: Epoch,
    pub(crate) number: u32,
    /// Which serving of the line in the placement it is: its materials take turns by it.
    pub(crate) turn: u64,
}

/// Numbers of another epoch than the present one.
#[derive(Debug, Clone, Copy)]
struct Block {
    generation: u32,
    next: u32,
    end: u32,
}

impl Block {
    fn left(&self) -> u32 {
        self.end.saturating_sub(self.next)
    }
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
    handed_since_look: u64,
    looked_at: Option<Timestamp>,
    /// At how many or fewer in hand the next refill looks at it.
    low: u32,
    /// Whether the next refill does.
    is_wanted: bool,
    /// A block of the next epoch.
    ahead: Option<Block>,
    /// Whether its schedule leaves this hour out: nothing is handed out then.
    is_closed: bool,
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
            handed_since_look: 0,
            looked_at: None,
            low: 0,
            is_wanted: false,
            ahead: None,
            is_closed: false,
            rate: 0,
            asked_at: None,
            is_stale: false,
        }
    }

    fn left(&self) -> u32 {
        self.end.saturating_sub(self.next)
    }

    /// Numbers that may be handed out now.
    fn available(&self) -> u32 {
        if self.is_closed { 0 } else { self.left() }
    }
}

/// The numbers in hand and the pace of every line of a snapshot, by line slot.
#[derive(Debug)]
pub(crate) struct GrantBook {
    pace: Vec<Pace>,
    standings: Standings,
    in_hand: Vec<InHand>,
    /// Lines that the next refill looks at.
    wanted: Vec<LineSlot>,
    /// The line whose turn it is to be looked at, and how many are due a look.
    turn: usize,
    looks_due: usize,
    /// The chance by which ties are decided.
    seed: u64,
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
    pub(crate) fn new(snapshot: &Snapshot, seed: u64, now: Timestamp) -> GrantBook {
        let mut book = GrantBook {
            pace: Vec::new(),
            standings: Standings::new(&snapshot.index, seed),
            in_hand: Vec::new(),
            wanted: Vec::new(),
            turn: 0,
            looks_due: 0,
            seed,
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
        let mut before: QuickMap<(LineId, u32), (Pace, InHand)> = self
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
            in_hand.is_wanted = false;
            self.pace.push(pace);
            self.in_hand.push(in_hand);
        }
        self.standings = Standings::new(&snapshot.index, self.seed);
        for (pace, slot) in self.pace.iter().zip(0..) {
            if pace.available > 0 {
                self.standings.put(&snapshot.index, slot, pace);
            }
        }
        self.look_at_all();
        self.turn_hour(snapshot, now);
        let epoch = self.epoch;
        let mut gone: Vec<GiveBack> = before
            .into_values()
            .flat_map(|(_, held)| all_of(&held, epoch).collect::<Vec<_>>())
            .collect();
        gone.sort_by_key(|given| (given.line, given.scope));
        self.returns.extend(gone);
        self.refill_due_at = now;
    }

    /// Opens and closes lines by their schedules (orders.md §3).
    pub(crate) fn turn_hour(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let hour = hour_of_week(now);
        for (slot, ((line, in_hand), pace)) in
            (0..).zip(snapshot.lines.iter().zip(&mut self.in_hand).zip(&mut self.pace))
        {
            let is_closed = !line.allows_hour(hour);
            if in_hand.is_closed != is_closed {
                in_hand.is_closed = is_closed;
                pace.available = in_hand.available();
                self.standings.put(&snapshot.index, slot, pace);
                if !is_closed && !in_hand.is_wanted {
                    in_hand.is_wanted = true;
                    self.wanted.push(slot);
                    self.refill_due_at = self.refill_due_at.min(now);
                }
            }
        }
    }

    /// How the lines stand; what [`namoyish_domain::delivery::decision::decide`] chooses by.
    pub(crate) fn standings(&self) -> &Standings {
        &self.standings
    }

    /// Every line is due a look, those with the most traffic first.
    fn look_at_all(&mut self) {
        let mut busy: Vec<(u64, LineSlot)> = (0..)
            .zip(&self.in_hand)
            .filter_map(|(slot, in_hand)| {
                let traffic = in_hand.rate.max(in_hand.handed_since_look);
                (traffic > 0).then_some((traffic, slot))
            })
            .collect();
        busy.sort_unstable_by(|a, b| b.cmp(a));
        for in_hand in &mut self.in_hand {
            in_hand.is_wanted = in_hand.rate.max(in_hand.handed_since_look) > 0;
        }
        self.wanted = busy.into_iter().map(|(_, slot)| slot).collect();
        self.looks_due = self.in_hand.len();
    }

    /// When the next refill is worth its while.
    pub(crate) fn refill_due_at(&self) -> Timestamp {
        self.refill_due_at
    }

    /// Ends the epoch when `now` lies in another: what is in hand can't be handed out any more.
    pub(crate) fn turn_epoch(&mut self, index: &TargetIndex, now: Timestamp) {
        let epoch = Epoch::of(now);
        if epoch == self.epoch {
            return;
        }
        self.standings.clear();
        let is_next = epoch.0 == self.epoch.0.saturating_add(1);
        for (slot, (in_hand, pace)) in (0..).zip(self.in_hand.iter_mut().zip(&mut self.pace)) {
            self.returns.extend(give_back(in_hand, self.epoch));
            in_hand.next = in_hand.end;
            in_hand.asked_at = None;
            match in_hand.ahead.take() {
                Some(block) if is_next => {
                    in_hand.generation = block.generation;
                    in_hand.next = block.next;
                    in_hand.end = block.end;
                }
                Some(block) => {
                    let missed = Epoch(self.epoch.0.saturating_add(1));
                    self.returns.extend(give_back_block(in_hand, &block, missed));
                }
                None => {}
            }
            pace.available = in_hand.available();
            if pace.available > 0 {
                self.standings.put(index, slot, pace);
            }
        }
        self.look_at_all();
        self.epoch = epoch;
        self.refill_due_at = now;
    }

    /// Hands out a number of the line that won, in the `place`-th of its placements. `None` when it has none (then it
    /// can't have won).
    pub(crate) fn hand_out(
        &mut self,
        index: &TargetIndex,
        slot: LineSlot,
        place: usize,
        now: Timestamp,
        settings: &NodeSettings,
    ) -> Option<Number> {
        let at = usize::try_from(slot).ok()?;
        let (in_hand, pace) = (self.in_hand.get_mut(at)?, self.pace.get_mut(at)?);
        if in_hand.available() == 0 {
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
        in_hand.handed_since_look += 1;
        pace.available = in_hand.available();
        if pace.available <= in_hand.low && !in_hand.is_wanted {
            in_hand.is_wanted = true;
            self.wanted.push(slot);
        }
        match pace.class {
            Class::Media => pace.used += 1,
            Class::Period => {
                pace.used = self.period_turn;
                self.period_turn += 1;
            }
        }
        self.standings.put(index, slot, pace);
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
        self.turn_epoch(&snapshot.index, now);
        let mut plan = RefillPlan {
            returns: std::mem::take(&mut self.returns),
            ..RefillPlan::default()
        };
        for slot in self.due_a_look(now) {
            for request in self.look_at(slot, snapshot, now, settings).into_iter().flatten() {
                plan.slots.push(slot);
                plan.requests.push(request);
            }
        }
        self.last_refill = Some(now);
        self.refill_due_at = if self.looks_due > 0 || !self.wanted.is_empty() {
            now + settings.refill_gap
        } else {
            self.next_refill(now, settings)
        };
        plan
    }

    /// The lines to be looked at now: those that run low, then as many in turn as have become due.
    fn due_a_look(&mut self, now: Timestamp) -> Vec<LineSlot> {
        let lines = self.in_hand.len();
        let elapsed_ms = self.last_refill.map_or(0, |last| milliseconds(now - last));
        let due = usize::try_from(elapsed_ms.saturating_mul(LOOKS_A_SECOND) / 1000).unwrap_or(usize::MAX);
        self.looks_due = self.looks_due.saturating_add(due).min(lines);
        let low = self.wanted.len().min(LOOKS_MAX);
        let mut looks: Vec<LineSlot> = self.wanted.drain(..low).collect();
        while self.looks_due > 0 && looks.len() < LOOKS_MAX {
            self.looks_due -= 1;
            let at = self.turn;
            self.turn = if at + 1 < lines { at + 1 } else { 0 };
            // One that runs low has its look already, or gets it with the others that wait.
            if self.in_hand.get(at).is_some_and(|in_hand| !in_hand.is_wanted) {
                looks.extend(LineSlot::try_from(at));
            }
        }
        for slot in &looks {
            let at = usize::try_from(*slot).unwrap_or(usize::MAX);
            if let Some(in_hand) = self.in_hand.get_mut(at) {
                in_hand.is_wanted = false;
            }
        }
        looks
    }

    /// Brings a line's rate and due share up to now; answers what to ask for it, in this epoch and ahead.
    fn look_at(
        &mut self,
        slot: LineSlot,
        snapshot: &Snapshot,
        now: Timestamp,
        settings: &NodeSettings,
    ) -> [Option<GrantRequest>; 2] {
        let at = usize::try_from(slot).unwrap_or(usize::MAX);
        let (Some(line), Some(in_hand), Some(pace)) = (
            snapshot.lines.get(at),
            self.in_hand.get_mut(at),
            self.pace.get_mut(at),
        ) else {
            return [None, None];
        };
        let elapsed_ms = in_hand
            .looked_at
            .map_or(0, |looked_at| milliseconds(now - looked_at));
        if let Some(recent) = in_hand
            .handed_since_look
            .saturating_mul(1_000_000)
            .checked_div(elapsed_ms)
        {
            in_hand.rate = (in_hand.rate.saturating_mul(3).saturating_add(recent)) / 4;
            in_hand.handed_since_look = 0;
        }
        in_hand.looked_at = Some(now);
        let admitted = line
            .plan
            .as_ref()
            .map_or(UNLIMITED, |(_, plan)| admitted_by(plan, now));
        if pace.class == Class::Media && pace.due != admitted.max(1) {
            pace.due = admitted.max(1);
            if pace.available > 0 {
                self.standings.put(&snapshot.index, slot, pace);
            }
        }
        let held = in_hand.left();
        let horizon_ms = milliseconds(settings.refill_every * 2);
        let within = |ms: u64| u32::try_from(in_hand.rate.saturating_mul(ms) / 1_000_000).unwrap_or(u32::MAX);
        // A slow line would ask for nearly every impression by itself.
        let block = within(horizon_ms).max(within(SLOW_HORIZON_MS).min(SLOW_BLOCK_MAX));
        let block = block.clamp(settings.grant_min.max(1), settings.grant_max.max(1));
        in_hand.low = block / 2;
        let ahead = in_hand.ahead.map_or(0, |block| block.left());
        let known_used = pace.used.saturating_add(held.into()).saturating_add(ahead.into());
        let known_full = pace.class == Class::Media && known_used >= admitted;
        let asked_lately = in_hand
            .asked_at
            .is_some_and(|at| now.timestamp() - at < ASK_AGAIN_SECONDS);
        let ask = |epoch: Epoch, want: u32| GrantRequest {
            line: line.id,
            scope: line.scope,
            cap: line.cap,
            day: snapshot.day(),
            day_limit: admitted,
            plan_version: line
                .plan
                .as_ref()
                .map_or(0, |(version, plan)| plan_order(plan.day, *version)),
            want,
            epoch,
            now_seconds: now.timestamp(),
        };
        let may_ask = !in_hand.is_stale && !in_hand.is_closed;
        let is_low = held <= block / 2 && !(known_full && asked_lately);
        let next = Epoch(self.epoch.0.saturating_add(1));
        let is_late = next.start_seconds() - now.timestamp() <= AHEAD_SECONDS;
        let is_of_day = chrono::DateTime::from_timestamp(next.start_seconds(), 0)
            .is_some_and(|begins| tashkent_day(begins) == snapshot.day());
        let is_due_ahead = is_late && is_of_day && in_hand.ahead.is_none() && !known_full;
        [
            (is_low && may_ask).then(|| ask(self.epoch, (block - held.min(block)).max(1))),
            (is_due_ahead && may_ask).then(|| ask(next, block)),
        ]
    }

    /// Puts an answer in. Answers whether the line has to be installed first.
    pub(crate) fn put_in(
        &mut self,
        index: &TargetIndex,
        slot: LineSlot,
        request: &GrantRequest,
        reply: &GrantReply,
    ) -> bool {
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
            GrantReply::Granted {
                generation,
                first,
                count,
                ..
            } if request.epoch.0 == self.epoch.0.saturating_add(1) && in_hand.ahead.is_none() => {
                if count > 0 {
                    self.granted_in
                        .insert((request.epoch, request.line, request.scope));
                    in_hand.ahead = Some(Block {
                        generation,
                        next: first,
                        end: first.saturating_add(count),
                    });
                }
                false
            }
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
                pace.available = in_hand.available();
                if pace.class == Class::Media {
                    let ahead = in_hand.ahead.map_or(0, |block| block.left());
                    pace.used = day_used
                        .saturating_sub(in_hand.left().into())
                        .saturating_sub(ahead.into());
                }
                self.standings.put(index, slot, pace);
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
            all.extend(all_of(in_hand, self.epoch));
            in_hand.next = in_hand.end;
            in_hand.ahead = None;
            pace.available = 0;
        }
        self.standings.clear();
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

fn milliseconds(time: TimeDelta) -> u64 {
    u64::try_from(time.num_milliseconds().clamp(0, 600_000)).unwrap_or(0)
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

fn give_back_block(in_hand: &InHand, block: &Block, epoch: Epoch) -> Option<GiveBack> {
    (block.left() > 0).then(|| GiveBack {
        line: in_hand.line,
        scope: in_hand.scope,
        generation: block.generation,
        epoch,
        count: block.left(),
    })
}

/// Everything that is held, of this epoch and of the next.
fn all_of(in_hand: &InHand, epoch: Epoch) -> impl Iterator<Item = GiveBack> {
    let next = Epoch(epoch.0.saturating_add(1));
    let ahead = in_hand
        .ahead
        .and_then(|block| give_back_block(in_hand, &block, next));
    give_back(in_hand, epoch).into_iter().chain(ahead)
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

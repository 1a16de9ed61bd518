//! The counter of a line: numbers are granted in small blocks, shown once each, and come back when their epoch closes.
//! [`LineCounter`] is the contract in its pure form; every counter store behaves as it does.
//!
//! Rule: delivery.md §5 "Hard limit", §6. One counter per line and scope (0: the whole term; 202611: a monthly budget's
//! month).
//!
//! ```text
//! used      = base + reserved + shown in closed epochs + (granted - given back) in open epochs
//! grant(n) <= min(cap - used, day_limit - used of the day)
//! ```
//!
//! An epoch is five minutes of decision time; it never straddles a Tashkent day. It closes by itself when its last token
//! has expired: what was granted and not shown is available again. A node gives numbers back early that it never
//! handed out.
//!
//! A store that lost its state answers [`GrantReply::Unknown`]; the caller rebuilds the counter with [`InstallBase`] from
//! PostgreSQL under a **new generation**, so that no number is given out twice. What the lost generation may still show
//! is reserved until its tokens have expired; then the counter answers `Unknown` once more and is *settled*: the
//! reservation is replaced by what the older generations really showed.
//!
//! Invariants, each a property test of the same name:
//! - `granted_and_shown_never_exceeds_the_cap`, over any number of nodes, crashes and clock steps;
//! - `a_number_is_never_granted_twice`;
//! - `a_number_shown_counts_once`, and a late mark doesn't change a closed epoch;
//! - `what_was_granted_and_not_shown_is_available_again` after its epoch closed.
//!
//! Not here: how much pacing admits (`pacing`), who asks (the node), where the state is kept (the counter stores).

use crate::calendar::{Timestamp, tashkent_day};
use crate::ids::{AdMaterialId, LineId, PlacementId};
use crate::orders::placement::RegionCode;
use chrono::{DateTime, NaiveDate};
use std::collections::{BTreeMap, VecDeque};

/// Length of an epoch.
pub const EPOCH_SECONDS: i64 = 300;
/// Life of a token (delivery.md §4; the setting's default).
pub const TOKEN_LIFE_SECONDS: i64 = 600;
/// How long after the last token's expiry an epoch stays open for marks that are under way.
pub const EPOCH_GRACE_SECONDS: i64 = 60;
/// From an epoch's first instant to its close.
pub const EPOCH_CLOSES_AFTER_SECONDS: i64 = EPOCH_SECONDS + TOKEN_LIFE_SECONDS + EPOCH_GRACE_SECONDS;
/// The most numbers of one line in one epoch: bounds a bitmap to 2 MB (56,000 impressions a second of one line).
pub const NUMBERS_PER_EPOCH_MAX: u32 = 1 << 24;
/// Closed epochs that a counter remembers until somebody has recorded them (three and a half days of one line).
pub const CLOSED_EPOCHS_KEPT_MAX: usize = 1024;

/// Number of a five-minute interval since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The epoch of an instant (before 1970: the first).
    pub fn of(at: Timestamp) -> Epoch {
        Epoch::of_seconds(at.timestamp())
    }

    /// The epoch of an instant in unix seconds (before 1970: the first).
    pub fn of_seconds(seconds: i64) -> Epoch {
        Epoch(u32::try_from(seconds.div_euclid(EPOCH_SECONDS)).unwrap_or(0))
    }

    /// Unix seconds of its first instant.
    pub fn start_seconds(self) -> i64 {
        i64::from(self.0) * EPOCH_SECONDS
    }

    /// Its first instant.
    pub fn starts_at(self) -> Timestamp {
        // Every u32 of five minutes lies within chrono's range.
        DateTime::from_timestamp(self.start_seconds(), 0).unwrap_or_default()
    }

    /// The Tashkent day that the whole epoch lies in.
    pub fn day(self) -> NaiveDate {
        tashkent_day(self.starts_at())
    }

    /// Unix seconds from which it is closed: no token of it can count any more.
    pub fn closes_seconds(self) -> i64 {
        self.start_seconds() + EPOCH_CLOSES_AFTER_SECONDS
    }

    /// The newest epoch that is closed at this instant; `None` before the first one is.
    pub fn closed_through(now_seconds: i64) -> Option<Epoch> {
        u32::try_from((now_seconds - EPOCH_CLOSES_AFTER_SECONDS).div_euclid(EPOCH_SECONDS))
            .ok()
            .map(Epoch)
    }
}

/// A node's request for a block of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantRequest {
    /// The line.
    pub line: LineId,
    /// 0, or a month such as 202611 for a monthly budget.
    pub scope: u32,
    /// The most impressions that the scope's budget pays for.
    pub cap: u64,
    /// The day of the decision, Tashkent; the day that `epoch` lies in.
    pub day: NaiveDate,
    /// The most that pacing admits for this day by now.
    pub day_limit: u64,
    /// Version of the plan that both limits come from; a store that has seen a newer one grants nothing.
    pub plan_version: u64,
    /// Numbers wanted; 0 only asks how much is used.
    pub want: u32,
    /// The current epoch.
    pub epoch: Epoch,
    /// Now, unix seconds: epochs that are due are closed first.
    pub now_seconds: i64,
}

/// What the store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantReply {
    /// A block of numbers `first..first + count` of the epoch. `count` is 0 when a limit is reached.
    Granted {
        /// The life of the counter that the numbers belong to.
        generation: u32,
        /// First number of the block inside the line's epoch.
        first: u32,
        /// How many.
        count: u32,
        /// Used in the day after this grant, over all nodes: what the need is judged by.
        day_used: u64,
        /// Used in the scope after this grant, over all nodes.
        scope_used: u64,
    },
    /// The store knows nothing of the line and scope (never installed, or lost), or what a lost generation had reserved
    /// must be settled: install it from PostgreSQL, then ask again.
    Unknown,
    /// The plan is older than one that the store has seen.
    StalePlan,
}

/// What a counter starts from, read from PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallBase {
    /// The line.
    pub line: LineId,
    /// Scope as in [`GrantRequest`].
    pub scope: u32,
    /// New generation, never used before for this line.
    pub generation: u32,
    /// Impressions counted in the scope before `day`, in older generations.
    pub counted_before_day: u64,
    /// The current day.
    pub day: NaiveDate,
    /// Impressions counted in `day`, in older generations.
    pub counted_in_day: u64,
    /// Numbers of the day that a lost generation may have handed out and that may still be shown; they count as used
    /// until the counter is settled.
    pub reserved: u64,
    /// The same for the days before: they count in the scope only.
    pub reserved_before_day: u64,
    /// Unix seconds from which the reservation is to be settled; 0 when nothing is reserved.
    pub reserved_until_seconds: i64,
}

/// A shown number, told to the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The line.
    pub line: LineId,
    /// Scope as in [`GrantRequest`].
    pub scope: u32,
    /// Generation that the number was granted in.
    pub generation: u32,
    /// Epoch of the number.
    pub epoch: Epoch,
    /// The number.
    pub number: u32,
}

/// What a mark did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The number counts now.
    First,
    /// It counted already.
    Again,
    /// Its epoch is closed, its generation lost, or the number was never granted: the counter did not change.
    Late,
}

/// A closed epoch's totals: what the budget counter tells, to be compared with the journalled events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClosedEpoch {
    /// The line.
    pub line: LineId,
    /// Scope as in [`GrantRequest`].
    pub scope: u32,
    /// Generation.
    pub generation: u32,
    /// Epoch.
    pub epoch: Epoch,
    /// Numbers granted and not given back.
    pub granted: u64,
    /// Numbers shown.
    pub shown: u64,
}

/// The generation in force, and whether a reservation waits to be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// The generation.
    pub generation: u32,
    /// Unix seconds from which its reservation is to be settled; 0 when nothing is reserved.
    pub reserved_until_seconds: i64,
}

/// What happened to an impression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// The material was displayed.
    Impression = 1,
    /// Half of its pixels were in view for a second.
    Viewable = 2,
    /// It was clicked.
    Click = 3,
}

impl EventKind {
    /// Its number in journals and tables.
    pub fn number(self) -> u8 {
        match self {
            EventKind::Impression => 1,
            EventKind::Viewable => 2,
            EventKind::Click => 3,
        }
    }

    /// The kind with this number.
    pub fn of_number(number: u8) -> Option<EventKind> {
        match number {
            1 => Some(EventKind::Impression),
            2 => Some(EventKind::Viewable),
            3 => Some(EventKind::Click),
            _ => None,
        }
    }
}

/// One journalled event: what an impression URL, viewable beacon or click says after its token was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The line.
    pub line: LineId,
    /// Scope as in [`GrantRequest`].
    pub scope: u32,
    /// Generation of the counter that granted the number.
    pub generation: u32,
    /// Epoch of the decision.
    pub epoch: Epoch,
    /// The impression's number in the line's epoch.
    pub number: u32,
    /// The material shown.
    pub material: AdMaterialId,
    /// The placement it was shown in.
    pub placement: PlacementId,
    /// The viewer's region; `None` when the address resolved to nothing.
    pub region: Option<RegionCode>,
    /// The instant of the decision: what day and period it belongs to. Milliseconds are kept.
    pub decided_at: Timestamp,
    /// The instant of the call. Milliseconds are kept.
    pub counted_at: Timestamp,
}

/// The counter of one line and scope.
#[derive(Debug, Clone)]
pub struct LineCounter {
    base: InstallBase,
    plan_version: u64,
    /// Shown in closed epochs of this generation, all days.
    closed: u64,
    /// The same by day, for the newest day seen and the one before.
    closed_by_day: BTreeMap<NaiveDate, u64>,
    /// No number of this epoch or an older one is granted or marked any more.
    closed_through: Option<Epoch>,
    open: BTreeMap<Epoch, OpenEpoch>,
    unrecorded: VecDeque<ClosedEpoch>,
}

#[derive(Debug, Clone, Default)]
struct OpenEpoch {
    /// The next number to grant: numbers are never reused, also not those given back.
    next: u32,
    given_back: u32,
    shown: u32,
    bits: Vec<u64>,
}

impl OpenEpoch {
    fn granted(&self) -> u64 {
        u64::from(self.next.saturating_sub(self.given_back))
    }

    /// Sets the bit; whether it was clear before.
    fn set(&mut self, number: u32) -> bool {
        let Ok(word) = usize::try_from(number / 64) else {
            return false;
        };
        if self.bits.len() <= word {
            self.bits.resize(word.saturating_add(1), 0);
        }
        let mask = 1u64 << (number % 64);
        match self.bits.get_mut(word) {
            Some(bits) if *bits & mask == 0 => {
                *bits |= mask;
                self.shown = self.shown.saturating_add(1);
                true
            }
            _ => false,
        }
    }
}

impl LineCounter {
    /// A new counter under the generation of `base`.
    pub fn install(base: &InstallBase) -> LineCounter {
        LineCounter {
            base: *base,
            plan_version: 0,
            closed: 0,
            closed_by_day: BTreeMap::new(),
            closed_through: None,
            open: BTreeMap::new(),
            unrecorded: VecDeque::new(),
        }
    }

    /// The generation in force and its reservation.
    pub fn in_force(&self) -> InForce {
        InForce {
            generation: self.base.generation,
            reserved_until_seconds: self.base.reserved_until_seconds,
        }
    }

    /// Replaces a reservation by what the older generations really showed. Answers whether it did: only a base of the
    /// generation in force, and only once.
    pub fn settle(&mut self, base: &InstallBase) -> bool {
        if base.generation != self.base.generation || self.base.reserved_until_seconds == 0 {
            return false;
        }
        self.base = InstallBase {
            reserved: 0,
            reserved_before_day: 0,
            reserved_until_seconds: 0,
            ..*base
        };
        true
    }

    /// Grants numbers of the request's epoch, as many as both limits leave and at most `want`.
    pub fn grant(&mut self, request: &GrantRequest) -> GrantReply {
        self.close_due(request.now_seconds);
        let settle_at = self.base.reserved_until_seconds;
        if settle_at != 0 && request.now_seconds >= settle_at {
            return GrantReply::Unknown;
        }
        if request.plan_version < self.plan_version {
            return GrantReply::StalePlan;
        }
        self.plan_version = request.plan_version;

        let day_used = self.day_used(request.day);
        let scope_used = self.scope_used();
        let next = self.open.get(&request.epoch).map_or(0, |epoch| epoch.next);
        let room = request
            .cap
            .saturating_sub(scope_used)
            .min(request.day_limit.saturating_sub(day_used))
            .min(u64::from(NUMBERS_PER_EPOCH_MAX.saturating_sub(next)));
        let count = if self.is_grantable(request.epoch, request.day) {
            u32::try_from(room).unwrap_or(u32::MAX).min(request.want)
        } else {
            0
        };
        if count > 0 {
            let epoch = self.open.entry(request.epoch).or_default();
            epoch.next = next.saturating_add(count);
        }
        GrantReply::Granted {
            generation: self.base.generation,
            first: next,
            count,
            day_used: day_used.saturating_add(u64::from(count)),
            scope_used: scope_used.saturating_add(u64::from(count)),
        }
    }

    /// Takes back numbers of an open epoch that were granted and never handed out; answers how many it took. More than
    /// are granted and not shown is never taken. Not idempotent: the caller doesn't repeat it, the close of the epoch
    /// gives back what a lost call would have.
    pub fn give_back(&mut self, generation: u32, epoch: Epoch, count: u32) -> u32 {
        if generation != self.base.generation {
            return 0;
        }
        let Some(open) = self.open.get_mut(&epoch) else {
            return 0;
        };
        let most = open
            .next
            .saturating_sub(open.given_back)
            .saturating_sub(open.shown);
        let taken = count.min(most);
        open.given_back = open.given_back.saturating_add(taken);
        taken
    }

    /// A number was shown: its bit is set, once.
    pub fn mark_shown(&mut self, generation: u32, epoch: Epoch, number: u32) -> Shown {
        if generation != self.base.generation {
            return Shown::Late;
        }
        match self.open.get_mut(&epoch) {
            Some(open) if number < open.next => {
                if open.set(number) {
                    Shown::First
                } else {
                    Shown::Again
                }
            }
            _ => Shown::Late,
        }
    }

    /// Closes every epoch whose last token has expired: what it granted and did not show is available again.
    pub fn close_due(&mut self, now_seconds: i64) {
        let Some(through) = Epoch::closed_through(now_seconds) else {
            return;
        };
        if self.closed_through.is_some_and(|already| already >= through) {
            return;
        }
        self.closed_through = Some(through);
        while let Some(entry) = self.open.first_entry() {
            if *entry.key() > through {
                break;
            }
            let (epoch, open) = entry.remove_entry();
            let shown = u64::from(open.shown);
            self.closed = self.closed.saturating_add(shown);
            let of_day = self.closed_by_day.entry(epoch.day()).or_default();
            *of_day = of_day.saturating_add(shown);
            while self.closed_by_day.len() > 2 {
                self.closed_by_day.pop_first();
            }
            if self.unrecorded.len() >= CLOSED_EPOCHS_KEPT_MAX {
                self.unrecorded.pop_front();
            }
            self.unrecorded.push_back(ClosedEpoch {
                line: self.base.line,
                scope: self.base.scope,
                generation: self.base.generation,
                epoch,
                granted: open.granted(),
                shown,
            });
        }
    }

    /// Closed epochs whose totals nobody has recorded yet, oldest first.
    pub fn unrecorded(&self) -> impl Iterator<Item = &ClosedEpoch> {
        self.unrecorded.iter()
    }

    /// Forgets closed epochs that are recorded.
    pub fn forget_closed(&mut self, recorded: &[ClosedEpoch]) {
        self.unrecorded.retain(|closed| !recorded.contains(closed));
    }

    /// Whether nothing is outstanding: no open epoch, nothing to record, nothing reserved.
    pub fn is_at_rest(&self) -> bool {
        self.open.is_empty() && self.unrecorded.is_empty() && self.base.reserved_until_seconds == 0
    }

    /// Used in the scope, as grants are judged by.
    pub fn scope_used(&self) -> u64 {
        let base = self
            .base
            .counted_before_day
            .saturating_add(self.base.counted_in_day)
            .saturating_add(self.base.reserved)
            .saturating_add(self.base.reserved_before_day);
        let outstanding = self
            .open
            .values()
            .fold(0, |sum: u64, epoch| sum.saturating_add(epoch.granted()));
        base.saturating_add(self.closed).saturating_add(outstanding)
    }

    /// Used in a day, as grants are judged by.
    pub fn day_used(&self, day: NaiveDate) -> u64 {
        let base = if day == self.base.day {
            self.base.counted_in_day.saturating_add(self.base.reserved)
        } else {
            0
        };
        let closed = self.closed_by_day.get(&day).copied().unwrap_or(0);
        let outstanding = self
            .open
            .iter()
            .filter(|(epoch, _)| epoch.day() == day)
            .fold(0, |sum: u64, (_, epoch)| sum.saturating_add(epoch.granted()));
        base.saturating_add(closed).saturating_add(outstanding)
    }

    /// A number can be granted only in an open epoch of the day asked for, and not before the day of the base or a day
    /// whose count is forgotten.
    fn is_grantable(&self, epoch: Epoch, day: NaiveDate) -> bool {
        epoch.day() == day
            && day >= self.base.day
            && self.closed_through.is_none_or(|through| epoch > through)
            && self
                .closed_by_day
                .last_key_value()
                .is_none_or(|(newest, _)| day >= *newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeSet, HashMap};
    use uuid::Uuid;

    /// 2026-11-01T00:00:00 in Tashkent.
    const MIDNIGHT: i64 = 1_793_473_200;

    fn line() -> LineId {
        LineId::from_uuid(Uuid::from_u128(9))
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn base() -> InstallBase {
        InstallBase {
            line: line(),
            scope: 0,
            generation: 1,
            counted_before_day: 0,
            day: day("2026-11-01"),
            counted_in_day: 0,
            reserved: 0,
            reserved_before_day: 0,
            reserved_until_seconds: 0,
        }
    }

    fn request(now_seconds: i64, want: u32, cap: u64) -> GrantRequest {
        let epoch = Epoch::of_seconds(now_seconds);
        GrantRequest {
            line: line(),
            scope: 0,
            cap,
            day: epoch.day(),
            day_limit: cap,
            plan_version: 1,
            want,
            epoch,
            now_seconds,
        }
    }

    fn granted(reply: GrantReply) -> (u32, u32) {
        match reply {
            GrantReply::Granted { first, count, .. } => (first, count),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_epoch_lies_in_one_tashkent_day() {
        assert_eq!(Epoch::of_seconds(MIDNIGHT).start_seconds(), MIDNIGHT);
        assert_eq!(Epoch::of_seconds(MIDNIGHT).day(), day("2026-11-01"));
        assert_eq!(Epoch::of_seconds(MIDNIGHT - 1).day(), day("2026-10-31"));
        assert_eq!(Epoch::of_seconds(-5), Epoch(0));
        assert_eq!(
            Epoch::closed_through(MIDNIGHT + 960),
            Some(Epoch::of_seconds(MIDNIGHT))
        );
        assert_eq!(
            Epoch::closed_through(MIDNIGHT + 959),
            Some(Epoch::of_seconds(MIDNIGHT - 1))
        );
    }

    #[test]
    fn both_limits_hold() {
        let mut counter = LineCounter::install(&base());
        let within_day = GrantRequest {
            day_limit: 7,
            ..request(MIDNIGHT, 5, 100)
        };
        assert_eq!(granted(counter.grant(&within_day)), (0, 5));
        assert_eq!(granted(counter.grant(&within_day)), (5, 2), "the day's limit");
        assert_eq!(granted(counter.grant(&within_day)), (7, 0));
        assert_eq!(
            granted(counter.grant(&request(MIDNIGHT, 9, 10))),
            (7, 3),
            "the budget"
        );
        // A cap that was lowered below what is used grants nothing and does not underflow.
        assert_eq!(granted(counter.grant(&request(MIDNIGHT, 9, 3))), (10, 0));
        assert_eq!(
            granted(counter.grant(&GrantRequest {
                want: 0,
                ..request(MIDNIGHT, 0, 100)
            })),
            (10, 0)
        );
    }

    #[test]
    fn an_older_plan_is_refused() {
        let mut counter = LineCounter::install(&base());
        let newer = GrantRequest {
            plan_version: 8,
            ..request(MIDNIGHT, 1, 10)
        };
        assert_eq!(granted(counter.grant(&newer)), (0, 1));
        assert_eq!(
            counter.grant(&GrantRequest {
                plan_version: 7,
                ..newer
            }),
            GrantReply::StalePlan
        );
        assert_eq!(granted(counter.grant(&newer)), (1, 1));
    }

    #[test]
    fn a_closed_epoch_grants_nothing_also_to_a_slow_clock() {
        let mut counter = LineCounter::install(&base());
        assert_eq!(granted(counter.grant(&request(MIDNIGHT, 4, 10))), (0, 4));
        counter.close_due(MIDNIGHT + EPOCH_CLOSES_AFTER_SECONDS);
        assert_eq!(granted(counter.grant(&request(MIDNIGHT + 10, 4, 10))), (0, 0));
        assert_eq!(granted(counter.grant(&request(MIDNIGHT + 300, 4, 10))), (0, 4));
    }

    #[test]
    fn a_day_that_does_not_fit_the_epoch_is_refused() {
        let mut counter = LineCounter::install(&base());
        let wrong = GrantRequest {
            day: day("2026-11-02"),
            ..request(MIDNIGHT, 4, 10)
        };
        assert_eq!(granted(counter.grant(&wrong)).1, 0);
        assert_eq!(
            granted(counter.grant(&request(MIDNIGHT - 1, 4, 10))).1,
            0,
            "before the base's day"
        );
    }

    #[test]
    fn the_day_starts_anew_and_the_scope_goes_on() {
        let mut counter = LineCounter::install(&base());
        assert_eq!(granted(counter.grant(&request(MIDNIGHT, 4, 10))), (0, 4));
        for number in 0..3 {
            assert_eq!(
                counter.mark_shown(1, Epoch::of_seconds(MIDNIGHT), number),
                Shown::First
            );
        }
        let reply = counter.grant(&request(MIDNIGHT + 86_400, 99, 10));
        assert_eq!(
            reply,
            GrantReply::Granted {
                generation: 1,
                first: 0,
                count: 7,
                day_used: 7,
                scope_used: 10
            }
        );
    }

    #[test]
    fn numbers_given_back_are_granted_under_new_numbers() {
        let mut counter = LineCounter::install(&base());
        let epoch = Epoch::of_seconds(MIDNIGHT);
        assert_eq!(granted(counter.grant(&request(MIDNIGHT, 10, 10))), (0, 10));
        assert_eq!(counter.mark_shown(1, epoch, 0), Shown::First);
        assert_eq!(counter.give_back(2, epoch, 3), 0, "another generation");
        assert_eq!(counter.give_back(1, Epoch(7), 3), 0, "an epoch that is not open");
        assert_eq!(counter.give_back(1, epoch, 4), 4);
        assert_eq!(granted(counter.grant(&request(MIDNIGHT, 10, 10))), (10, 4));
        assert_eq!(counter.give_back(1, epoch, 99), 9, "never what is shown");
    }

    #[test]
    fn a_mark_of_a_lost_generation_or_a_number_never_granted_changes_nothing() {
        let mut counter = LineCounter::install(&base());
        let epoch = Epoch::of_seconds(MIDNIGHT);
        assert_eq!(granted(counter.grant(&request(MIDNIGHT, 2, 10))), (0, 2));
        assert_eq!(counter.mark_shown(1, epoch, 2), Shown::Late);
        assert_eq!(counter.mark_shown(9, epoch, 0), Shown::Late);
        assert_eq!(counter.mark_shown(1, Epoch(epoch.0 + 1), 0), Shown::Late);
        assert_eq!(counter.mark_shown(1, epoch, 1), Shown::First);
        assert_eq!(counter.mark_shown(1, epoch, 1), Shown::Again);
    }

    #[test]
    fn a_lost_generation_stays_reserved_until_it_is_settled() {
        let lost = InstallBase {
            generation: 5,
            counted_before_day: 100,
            counted_in_day: 20,
            reserved: 30,
            reserved_before_day: 4,
            reserved_until_seconds: MIDNIGHT + 1000,
            ..base()
        };
        let mut counter = LineCounter::install(&lost);
        let ask = GrantRequest {
            day_limit: 52,
            ..request(MIDNIGHT + 600, 10, 1000)
        };
        assert_eq!(
            counter.grant(&ask),
            GrantReply::Granted {
                generation: 5,
                first: 0,
                count: 2,
                day_used: 52,
                scope_used: 156
            }
        );
        let due = GrantRequest {
            day_limit: 60,
            ..request(MIDNIGHT + 1000, 10, 1000)
        };
        assert_eq!(counter.grant(&due), GrantReply::Unknown);
        assert!(
            !counter.settle(&InstallBase {
                generation: 6,
                ..lost
            }),
            "another generation"
        );
        // Seven of the thirty were shown.
        assert!(counter.settle(&InstallBase {
            counted_in_day: 27,
            ..lost
        }));
        assert!(
            !counter.settle(&InstallBase {
                counted_in_day: 99,
                ..lost
            }),
            "only once"
        );
        assert_eq!(
            counter.grant(&due),
            GrantReply::Granted {
                generation: 5,
                first: 0,
                count: 10,
                day_used: 39,
                scope_used: 139
            }
        );
    }

    #[test]
    fn closed_epochs_are_told_until_they_are_recorded_and_bounded() {
        let mut counter = LineCounter::install(&base());
        let mut now = MIDNIGHT;
        for _ in 0..CLOSED_EPOCHS_KEPT_MAX + 10 {
            assert_eq!(granted(counter.grant(&request(now, 1, u64::MAX))).1, 1);
            now += EPOCH_SECONDS;
        }
        counter.close_due(now + 86_400);
        let closed: Vec<ClosedEpoch> = counter.unrecorded().copied().collect();
        assert_eq!(closed.len(), CLOSED_EPOCHS_KEPT_MAX);
        assert!(closed.is_sorted_by_key(|closed| closed.epoch));
        assert!(!counter.is_at_rest());
        counter.forget_closed(&closed);
        assert!(counter.is_at_rest());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Grant { node: usize, want: u32, day_limit: u64 },
        HandOut { node: usize, count: usize },
        Show { which: usize },
        ShowLate { which: usize },
        GiveBack { node: usize },
        Crash { node: usize },
        Wait { seconds: i64 },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0usize..4, 0u32..40, 0u64..300).prop_map(|(node, want, day_limit)| Step::Grant { node, want, day_limit }),
            4 => (0usize..4, 1usize..30).prop_map(|(node, count)| Step::HandOut { node, count }),
            6 => (0usize..200).prop_map(|which| Step::Show { which }),
            1 => (0usize..200).prop_map(|which| Step::ShowLate { which }),
            1 => (0usize..4).prop_map(|node| Step::GiveBack { node }),
            1 => (0usize..4).prop_map(|node| Step::Crash { node }),
            3 => (1i64..500).prop_map(|seconds| Step::Wait { seconds }),
        ];
        proptest::collection::vec(step, 1..120)
    }

    /// Nodes that behave: they hand out each number once, within its epoch, give back only what they never handed out, and
    /// a token that is called counts only while it lives.
    struct World {
        counter: LineCounter,
        now: i64,
        cap: u64,
        held: Vec<Vec<(Epoch, u32)>>,
        handed_out: Vec<(Epoch, u32, i64)>,
        ever_granted: BTreeSet<(Epoch, u32)>,
        shown: BTreeSet<(Epoch, u32)>,
    }

    impl World {
        fn new(cap: u64) -> World {
            World {
                counter: LineCounter::install(&base()),
                now: MIDNIGHT + 80_000,
                cap,
                held: vec![Vec::new(); 4],
                handed_out: Vec::new(),
                ever_granted: BTreeSet::new(),
                shown: BTreeSet::new(),
            }
        }

        fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
            match *step {
                Step::Grant {
                    node,
                    want,
                    day_limit,
                } => {
                    let ask = GrantRequest {
                        day_limit,
                        ..request(self.now, want, self.cap)
                    };
                    let before = self.counter.day_used(ask.day);
                    let (first, count) = granted(self.counter.grant(&ask));
                    prop_assert!(count <= want);
                    if count > 0 {
                        prop_assert!(
                            self.counter.day_used(ask.day) <= day_limit,
                            "the day's limit, {before} before"
                        );
                    }
                    for number in first..first + count {
                        prop_assert!(
                            self.ever_granted.insert((ask.epoch, number)),
                            "{number} granted twice"
                        );
                        self.held[node].push((ask.epoch, number));
                    }
                }
                Step::HandOut { node, count } => {
                    let epoch = Epoch::of_seconds(self.now);
                    self.held[node].retain(|(of, _)| *of == epoch);
                    let n = count.min(self.held[node].len());
                    let now = self.now;
                    self.handed_out
                        .extend(self.held[node].drain(..n).map(|(of, number)| (of, number, now)));
                }
                Step::Show { which } => {
                    if let Some((epoch, number, decided)) = self.handed_out.get(which).copied()
                        && self.now <= decided + TOKEN_LIFE_SECONDS
                    {
                        let first = self.shown.insert((epoch, number));
                        let due = if first { Shown::First } else { Shown::Again };
                        prop_assert_eq!(self.counter.mark_shown(1, epoch, number), due);
                    }
                }
                Step::ShowLate { which } => {
                    if let Some((epoch, number, _)) = self.handed_out.get(which).copied()
                        && self.now >= epoch.closes_seconds()
                    {
                        self.counter.close_due(self.now);
                        let before = self.counter.scope_used();
                        prop_assert_eq!(self.counter.mark_shown(1, epoch, number), Shown::Late);
                        prop_assert_eq!(self.counter.scope_used(), before);
                    }
                }
                Step::GiveBack { node } => {
                    let mut by_epoch: HashMap<Epoch, u32> = HashMap::new();
                    for (epoch, _) in self.held[node].drain(..) {
                        *by_epoch.entry(epoch).or_default() += 1;
                    }
                    for (epoch, count) in by_epoch {
                        let open =
                            epoch.closes_seconds() > self.now && self.counter.open.contains_key(&epoch);
                        let taken = self.counter.give_back(1, epoch, count);
                        if open {
                            prop_assert_eq!(taken, count);
                        }
                    }
                }
                Step::Crash { node } => self.held[node].clear(),
                Step::Wait { seconds } => self.now += seconds,
            }
            prop_assert!(
                self.counter.scope_used() <= self.cap,
                "used {} of {}",
                self.counter.scope_used(),
                self.cap
            );
            prop_assert!(u64::try_from(self.shown.len()).unwrap() <= self.cap, "overspend");
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn granted_and_shown_never_exceeds_the_cap(cap in 0u64..200, steps in steps()) {
            let mut world = World::new(cap);
            for step in &steps {
                world.take(step)?;
            }
        }

        #[test]
        fn what_was_granted_and_not_shown_is_available_again(cap in 0u64..200, steps in steps()) {
            let mut world = World::new(cap);
            for step in &steps {
                world.take(step)?;
            }
            // A day later everything is closed: all that was not shown can be granted, and not one more.
            world.now += 86_400;
            let shown = u64::try_from(world.shown.len()).unwrap();
            let (_, count) = granted(world.counter.grant(&request(world.now, u32::MAX, cap)));
            prop_assert_eq!(u64::from(count), cap - shown);
            let closed: u64 = world.counter.unrecorded().map(|closed| closed.shown).sum();
            prop_assert_eq!(closed, shown, "the closed epochs' totals");
        }

        #[test]
        fn a_number_is_never_granted_twice(wants in proptest::collection::vec((1u32..50, 0i64..400, 0u32..50), 1..80)) {
            let mut counter = LineCounter::install(&base());
            let (mut now, mut seen) = (MIDNIGHT, BTreeSet::new());
            for (want, wait, back) in wants {
                now += wait;
                let ask = request(now, want, 1000);
                let (first, count) = granted(counter.grant(&ask));
                for number in first..first + count {
                    prop_assert!(seen.insert((ask.epoch, number)));
                }
                counter.give_back(1, ask.epoch, back.min(count));
            }
        }

        #[test]
        fn a_number_shown_counts_once(marks in proptest::collection::vec(0u32..130, 0..300)) {
            let mut counter = LineCounter::install(&base());
            granted(counter.grant(&request(MIDNIGHT, 120, 1000)));
            let mut seen = BTreeSet::new();
            for number in marks {
                let due = match (number < 120, seen.contains(&number)) {
                    (false, _) => Shown::Late,
                    (true, true) => Shown::Again,
                    (true, false) => Shown::First,
                };
                if number < 120 {
                    seen.insert(number);
                }
                prop_assert_eq!(counter.mark_shown(1, Epoch::of_seconds(MIDNIGHT), number), due);
            }
            counter.close_due(MIDNIGHT + EPOCH_CLOSES_AFTER_SECONDS);
            prop_assert_eq!(counter.scope_used(), u64::try_from(seen.len()).unwrap());
        }
    }
}

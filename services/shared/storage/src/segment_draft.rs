//! What a journal segment changes, worked out before anything is written: the pure half of [`crate::counting`].
//!
//! ```text
//! Draft::of(events)   groups the events by what they set; no bit is decided yet
//! stored bits         are put into the groups, after their lines are locked
//! decide(totals)      sets the bits in the order of the calls; what is new counts, as far as the budget goes
//! ```

use crate::DbError;
use crate::counting::{SegmentCounts, scope_column, signed};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::delivery::counters::{Epoch, Event, EventKind, NUMBERS_PER_EPOCH_MAX};
use namoyish_domain::ids::{AdMaterialId, LineId, PlacementId};
use namoyish_domain::orders::placement::RegionCode;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// What a scope still takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Total {
    pub(crate) room: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupKey {
    pub(crate) line: LineId,
    pub(crate) generation: u32,
    pub(crate) epoch: Epoch,
    pub(crate) kind: EventKind,
}

impl GroupKey {
    pub(crate) fn of_columns(line: Uuid, generation: i64, epoch: i64, kind: i16) -> Option<GroupKey> {
        Some(GroupKey {
            line: LineId::from_uuid(line),
            generation: u32::try_from(generation).ok()?,
            epoch: Epoch(u32::try_from(epoch).ok()?),
            kind: EventKind::of_number(u8::try_from(kind).ok()?)?,
        })
    }
}

/// The bits of one line, generation, epoch and kind.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) key: GroupKey,
    pub(crate) bits: Bits,
    pub(crate) is_changed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Bits {
    pub(crate) bytes: Vec<u8>,
}

impl Bits {
    /// Sets the bit; whether it was clear.
    fn set(&mut self, number: u32) -> bool {
        let Ok(byte) = usize::try_from(number / 8) else {
            return false;
        };
        if self.bytes.len() <= byte {
            self.bytes.resize(byte + 1, 0);
        }
        let mask = 1u8 << (number % 8);
        match self.bytes.get_mut(byte) {
            Some(bits) if *bits & mask == 0 => {
                *bits |= mask;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn count(&self) -> i32 {
        self.bytes
            .iter()
            .map(|byte| i32::try_from(byte.count_ones()).unwrap_or(0))
            .sum()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HourKey {
    pub(crate) line: LineId,
    pub(crate) hour: Timestamp,
    pub(crate) placement: PlacementId,
    pub(crate) material: AdMaterialId,
    pub(crate) region: Option<RegionCode>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HourDelta {
    pub(crate) impressions: u64,
    pub(crate) viewable: u64,
    pub(crate) clicks: u64,
    pub(crate) over_cap: u64,
}

/// A segment's events, grouped by what they set.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) groups: Vec<Group>,
    pub(crate) index: HashMap<GroupKey, usize>,
    /// Per event in order: its group, number and hour.
    steps: Vec<Step>,
    hours: Vec<HourKey>,
    pub(crate) scopes: BTreeSet<(LineId, u32)>,
    pub(crate) refused: u64,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    group: usize,
    hour: usize,
    number: u32,
    scope: u32,
}

/// What a segment adds.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    pub(crate) hours: BTreeMap<HourKey, HourDelta>,
    pub(crate) epochs: BTreeMap<(LineId, Epoch), (u32, u64)>,
    pub(crate) counted: BTreeMap<(LineId, u32), u64>,
    pub(crate) counts: SegmentCounts,
}

impl Draft {
    pub(crate) fn of(events: &[Event]) -> Draft {
        let mut draft = Draft::default();
        let mut hour_index: HashMap<HourKey, usize> = HashMap::new();
        draft.steps.reserve(events.len());
        for event in events {
            if event.number >= NUMBERS_PER_EPOCH_MAX || i32::try_from(event.scope).is_err() {
                draft.refused += 1;
                continue;
            }
            let key = GroupKey {
                line: event.line,
                generation: event.generation,
                epoch: event.epoch,
                kind: event.kind,
            };
            let groups = &mut draft.groups;
            let group = *draft.index.entry(key).or_insert_with(|| {
                groups.push(Group {
                    key,
                    bits: Bits::default(),
                    is_changed: false,
                });
                groups.len() - 1
            });
            let hour_key = HourKey {
                line: event.line,
                hour: hour_of(event.decided_at),
                placement: event.placement,
                material: event.material,
                region: event.region,
            };
            let hours = &mut draft.hours;
            let hour = *hour_index.entry(hour_key).or_insert_with(|| {
                hours.push(hour_key);
                hours.len() - 1
            });
            draft.scopes.insert((event.line, event.scope));
            draft.steps.push(Step {
                group,
                hour,
                number: event.number,
                scope: event.scope,
            });
        }
        draft
    }

    /// Joins the segment's bits to the stored ones; what is new counts, as far as the budget goes.
    pub(crate) fn decide(&mut self, mut totals: BTreeMap<(LineId, u32), Total>) -> Delta {
        let mut delta = Delta {
            counts: SegmentCounts {
                refused: self.refused,
                ..Default::default()
            },
            ..Default::default()
        };
        let mut hours = vec![HourDelta::default(); self.hours.len()];
        let mut epochs: HashMap<usize, (u32, u64)> = HashMap::new();
        for step in &self.steps {
            let (Some(group), Some(hour)) = (self.groups.get_mut(step.group), hours.get_mut(step.hour))
            else {
                continue;
            };
            let Some(total) = totals.get_mut(&(group.key.line, step.scope)) else {
                // A line that the database doesn't know.
                delta.counts.refused += 1;
                continue;
            };
            if !group.bits.set(step.number) {
                delta.counts.again += 1;
                continue;
            }
            group.is_changed = true;
            match group.key.kind {
                EventKind::Impression => {
                    let epoch = epochs.entry(step.group).or_insert((step.scope, 0));
                    if total.room > 0 {
                        total.room -= 1;
                        epoch.1 += 1;
                        hour.impressions += 1;
                        delta.counts.impressions += 1;
                        *delta.counted.entry((group.key.line, step.scope)).or_default() += 1;
                    } else {
                        hour.over_cap += 1;
                        delta.counts.over_cap += 1;
                    }
                }
                EventKind::Viewable => {
                    hour.viewable += 1;
                    delta.counts.viewable += 1;
                }
                EventKind::Click => {
                    hour.clicks += 1;
                    delta.counts.clicks += 1;
                }
            }
        }
        for (key, hour) in self.hours.iter().zip(hours) {
            if hour.impressions + hour.viewable + hour.clicks + hour.over_cap > 0 {
                delta.hours.insert(*key, hour);
            }
        }
        // Two generations of one epoch share its row.
        for (index, (scope, counted)) in epochs {
            if let Some(group) = self.groups.get(index) {
                let epoch = delta
                    .epochs
                    .entry((group.key.line, group.key.epoch))
                    .or_insert((scope, 0));
                epoch.1 += counted;
            }
        }
        delta
    }
}

/// Keys as columns for `unnest`, in their order: rows are written in one order by all who write.
pub(crate) struct KeyColumns {
    pub(crate) lines: Vec<Uuid>,
    pub(crate) generations: Vec<i64>,
    pub(crate) epochs: Vec<i64>,
    pub(crate) kinds: Vec<i16>,
}

impl KeyColumns {
    pub(crate) fn of<'a>(keys: impl Iterator<Item = &'a GroupKey>) -> KeyColumns {
        let mut columns = KeyColumns {
            lines: Vec::new(),
            generations: Vec::new(),
            epochs: Vec::new(),
            kinds: Vec::new(),
        };
        for key in keys {
            columns.lines.push(key.line.uuid());
            columns.generations.push(i64::from(key.generation));
            columns.epochs.push(i64::from(key.epoch.0));
            columns.kinds.push(i16::from(key.kind.number()));
        }
        columns
    }
}

#[derive(Default)]
pub(crate) struct HourColumns<'a> {
    pub(crate) lines: Vec<Uuid>,
    pub(crate) hours: Vec<Timestamp>,
    pub(crate) placements: Vec<Uuid>,
    pub(crate) materials: Vec<Uuid>,
    pub(crate) regions: Vec<&'a str>,
    pub(crate) impressions: Vec<i64>,
    pub(crate) viewable: Vec<i64>,
    pub(crate) clicks: Vec<i64>,
    pub(crate) over_cap: Vec<i64>,
}

impl HourColumns<'_> {
    pub(crate) fn of(hours: &BTreeMap<HourKey, HourDelta>) -> HourColumns<'_> {
        let mut columns = HourColumns::default();
        for (key, delta) in hours {
            columns.lines.push(key.line.uuid());
            columns.hours.push(key.hour);
            columns.placements.push(key.placement.uuid());
            columns.materials.push(key.material.uuid());
            columns
                .regions
                .push(key.region.as_ref().map_or("", RegionCode::as_str));
            columns.impressions.push(signed(delta.impressions));
            columns.viewable.push(signed(delta.viewable));
            columns.clicks.push(signed(delta.clicks));
            columns.over_cap.push(signed(delta.over_cap));
        }
        columns
    }
}

#[derive(Default)]
pub(crate) struct EpochColumns {
    pub(crate) lines: Vec<Uuid>,
    pub(crate) epochs: Vec<i64>,
    pub(crate) days: Vec<NaiveDate>,
    pub(crate) scopes: Vec<i32>,
    pub(crate) counted: Vec<i64>,
}

impl EpochColumns {
    pub(crate) fn of(epochs: &BTreeMap<(LineId, Epoch), (u32, u64)>) -> Result<EpochColumns, DbError> {
        let mut columns = EpochColumns::default();
        for ((line, epoch), (scope, counted)) in epochs {
            columns.lines.push(line.uuid());
            columns.epochs.push(i64::from(epoch.0));
            columns.days.push(epoch.day());
            columns.scopes.push(scope_column(*scope)?);
            columns.counted.push(signed(*counted));
        }
        Ok(columns)
    }
}

fn hour_of(at: Timestamp) -> Timestamp {
    let seconds = at.timestamp().div_euclid(3600).saturating_mul(3600);
    Timestamp::from_timestamp(seconds, 0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: u128 = 3;
    const ROOM: u64 = 40;

    fn events() -> Vec<Event> {
        let at: Timestamp = "2026-11-02T04:00:00Z".parse().unwrap();
        // 600 calls of at most 3 × 2 × 60 numbers: many are repeated, some go beyond the room.
        let mut draw = 7u64;
        let mut below = |n: u64| {
            draw = draw
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (draw >> 33) % n
        };
        (0..600)
            .map(|_| {
                let decided_at = at + chrono::TimeDelta::seconds(i64::try_from(below(2)).unwrap() * 300);
                Event {
                    kind: EventKind::of_number(u8::try_from(1 + below(3)).unwrap()).unwrap(),
                    line: LineId::from_uuid(Uuid::from_u128(u128::from(below(3)))),
                    scope: 0,
                    generation: 1,
                    epoch: Epoch::of(decided_at),
                    number: u32::try_from(below(60)).unwrap(),
                    material: AdMaterialId::from_uuid(Uuid::nil()),
                    placement: PlacementId::from_uuid(Uuid::nil()),
                    region: None,
                    decided_at,
                    counted_at: decided_at,
                }
            })
            .collect()
    }

    /// Applies the events in segments of `size`, as the database would.
    fn apply(events: &[Event], size: usize) -> (SegmentCounts, BTreeMap<(LineId, u32), u64>) {
        let mut stored: HashMap<GroupKey, Vec<u8>> = HashMap::new();
        let mut counted: BTreeMap<(LineId, u32), u64> = BTreeMap::new();
        let mut sum = SegmentCounts::default();
        for segment in events.chunks(size) {
            let mut draft = Draft::of(segment);
            for group in &mut draft.groups {
                group.bits.bytes = stored.get(&group.key).cloned().unwrap_or_default();
            }
            let totals = (0..LINES).map(|n| {
                let key = (LineId::from_uuid(Uuid::from_u128(n)), 0);
                (
                    key,
                    Total {
                        room: ROOM - counted.get(&key).copied().unwrap_or(0),
                    },
                )
            });
            let delta = draft.decide(totals.collect());
            for group in draft.groups {
                stored.insert(group.key, group.bits.bytes);
            }
            for (key, n) in &delta.counted {
                *counted.entry(*key).or_default() += n;
            }
            let by_epoch: u64 = delta.epochs.values().map(|(_, n)| n).sum();
            let by_hour: u64 = delta.hours.values().map(|hour| hour.impressions).sum();
            assert_eq!(
                (by_epoch, by_hour),
                (delta.counts.impressions, delta.counts.impressions)
            );
            sum.impressions += delta.counts.impressions;
            sum.over_cap += delta.counts.over_cap;
            sum.viewable += delta.counts.viewable;
            sum.clicks += delta.counts.clicks;
            sum.again += delta.counts.again;
        }
        (sum, counted)
    }

    #[test]
    fn however_calls_are_cut_into_segments_the_sums_are_the_same() {
        let events = events();
        let whole = apply(&events, events.len());
        assert!(
            whole.1.values().all(|counted| *counted == ROOM),
            "the budget is used up and not passed: {whole:?}"
        );
        assert!(whole.0.over_cap > 0 && whole.0.again > 0);
        for size in [1, 2, 7, 64, 599] {
            assert_eq!(apply(&events, size), whole, "segments of {size}");
        }
    }
}

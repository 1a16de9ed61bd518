//! Counted impressions: sealed journal segments are applied exactly once, and the sums that plans and bills are made from
//! (delivery.md §5 "Hard limit", §6a).
//!
//! ```text
//! new bits   = bits of the segment and not stored bits        per line, generation, epoch and kind
//! counted   += min(new impressions, cap - counted)            per line and scope; the rest is over_cap
//! ```
//!
//! A segment is one transaction keyed by the segment's id. It locks the line_totals rows of its lines first, in the order
//! of their ids, and reads the stored bits only then: whoever applies another segment of the same line waits, so a number
//! that was called on two nodes counts once (`concurrent_segments_sum_up_exactly`). Applied twice, a segment changes
//! nothing.
//!
//! PostgreSQL's bits are the authority for money; the counter stores' totals are recorded beside them and compared.
//!
//! Not here: who plans ([`crate::Tx`] of the plan job sets the caps through [`Counting::set_cap`]).

use crate::segment_draft::{
    Bits, Delta, Draft, EpochColumns, Group, GroupKey, HourColumns, KeyColumns, Total,
};
use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::{Timestamp, day_start, plus_days};
use namoyish_domain::delivery::counters::{ClosedEpoch, Epoch, Event};
use namoyish_domain::ids::{LineId, SegmentId};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

statements! {
    INSERT_SEGMENT = "insert into applied_segments (segment_id, node, records, sha256, applied_at, location)
        values ($1, $2, $3, $4, $5, $6) on conflict (segment_id) do nothing";
    IS_APPLIED = "select exists (select 1 from applied_segments where segment_id = $1)";
    /// A line paid per period has no budget, so no cap that impressions could reach; a media line without any plan was
    /// never admitted, so nothing of it counts.
    ADD_TOTALS = "insert into line_totals (line_id, scope, counted, cap)
        select l.id, t.scope, 0, case when l.kind = 'media' then coalesce(
                (select p.cap from day_plans p where p.line_id = l.id and p.scope = t.scope
                  order by p.day desc, p.version desc limit 1), 0)
            else 9223372036854775807 end
        from unnest($1::uuid[], $2::integer[]) as t (line_id, scope) join order_lines l on l.id = t.line_id
        order by l.id, t.scope
        on conflict (line_id, scope) do nothing";
    LOCK_TOTALS = "select t.line_id, t.scope, t.counted, t.cap from line_totals t
        join unnest($1::uuid[], $2::integer[]) as k (line_id, scope) on k.line_id = t.line_id and k.scope = t.scope
        order by t.line_id, t.scope for update of t";
    SET_CAP = "insert into line_totals (line_id, scope, counted, cap) values ($1, $2, 0, $3)
        on conflict (line_id, scope) do update set cap = greatest(excluded.cap, line_totals.counted) returning cap";
    LOAD_BITS = "select b.line_id, b.generation, b.epoch, b.kind, b.bits from epoch_bitmaps b
        join unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::smallint[]) as k (line_id, generation, epoch, kind)
        on k.line_id = b.line_id and k.generation = b.generation and k.epoch = b.epoch and k.kind = b.kind";
    /// Everything that a segment changes, in one round trip; the four tables are different ones.
    SAVE_SEGMENT = "with bits as (
            insert into epoch_bitmaps (line_id, generation, epoch, kind, bits, counted)
            select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bytea[], $6::integer[])
            on conflict (line_id, generation, epoch, kind) do update set bits = excluded.bits, counted = excluded.counted),
        hours as (
            insert into line_hours (line_id, hour, placement_id, material_id, region, impressions, viewable, clicks, over_cap)
            select * from unnest($7::uuid[], $8::timestamptz[], $9::uuid[], $10::uuid[], $11::text[],
                $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
            on conflict (line_id, hour, placement_id, material_id, region) do update set
                impressions = line_hours.impressions + excluded.impressions,
                viewable = line_hours.viewable + excluded.viewable,
                clicks = line_hours.clicks + excluded.clicks,
                over_cap = line_hours.over_cap + excluded.over_cap),
        epochs as (
            insert into line_epochs (line_id, epoch, day, scope, impressions)
            select * from unnest($16::uuid[], $17::bigint[], $18::date[], $19::integer[], $20::bigint[])
            on conflict (line_id, epoch) do update set impressions = line_epochs.impressions + excluded.impressions)
        update line_totals t set counted = t.counted + k.counted
        from unnest($21::uuid[], $22::integer[], $23::bigint[]) as k (line_id, scope, counted)
        where t.line_id = k.line_id and t.scope = k.scope";
    COUNTED = "select counted from line_totals where line_id = $1 and scope = $2";
    COUNTED_BY_DAY = "select line_id, day, sum(impressions)::bigint from line_epochs
        where line_id = any($1) and day between $2 and $3 group by line_id, day order by line_id, day";
    COUNTED_IN_EPOCHS = "select coalesce(sum(impressions), 0)::bigint from line_epochs
        where line_id = $1 and epoch >= $2 and epoch < $3";
    COUNTED_BY_HOUR = "select hour, sum(impressions)::bigint, sum(viewable)::bigint, sum(clicks)::bigint, sum(invalid)::bigint,
            sum(over_cap)::bigint
        from line_hours where line_id = $1 and hour >= $2 and hour < $3 group by hour order by hour";
    NEW_GENERATIONS = "insert into counter_generations (line_id, scope, installed_at)
        select t.line_id, t.scope, $3 from unnest($1::uuid[], $2::integer[]) as t (line_id, scope)
        returning id, line_id, scope";
    NEWEST_SIGN_OF_LIFE = "select max(last_seen_at) from nodes where name <> $1";
    LAST_SEEN = "select last_seen_at from nodes where name = $1";
    INSTALL_FACTS = "select c.before_day, c.in_day, c.on_day_before,
            not exists (select 1 from counter_generations g
                where g.line_id = a.line_id and g.scope = a.scope and g.id < a.generation),
            coalesce((select p.quota from day_plans p where p.line_id = a.line_id and p.day = a.day - 1 and p.scope = a.scope
                order by p.version desc limit 1), 0)
        from unnest($1::uuid[], $2::integer[], $3::bigint[], $4::date[]) with ordinality
            as a (line_id, scope, generation, day, position)
        cross join lateral (
            select coalesce(sum(b.counted) filter (where e.day < a.day), 0)::bigint as before_day,
                   coalesce(sum(b.counted) filter (where e.day >= a.day), 0)::bigint as in_day,
                   coalesce(sum(b.counted) filter (where e.day = a.day - 1), 0)::bigint as on_day_before
            from epoch_bitmaps b join line_epochs e on e.line_id = b.line_id and e.epoch = b.epoch
            where b.line_id = a.line_id and b.kind = 1 and b.generation < a.generation and e.scope = a.scope) c
        order by a.position";
    RECORD_TOTALS = "insert into counter_totals (line_id, generation, epoch, granted, shown, closed_at)
        select t.line_id, t.generation, t.epoch, t.granted, t.shown, $6
        from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
            as t (line_id, generation, epoch, granted, shown)
        on conflict (line_id, generation, epoch) do nothing";
    COMPARE_TOTALS = "with counter as (select line_id, generation, epoch, shown from counter_totals where epoch >= $1 and epoch < $2),
            events as (select line_id, generation, epoch, counted from epoch_bitmaps where kind = 1 and epoch >= $1 and epoch < $2)
        select line_id, coalesce(sum(c.shown), 0)::bigint, coalesce(sum(e.counted), 0)::bigint,
            count(*) filter (where c.shown is null)::bigint,
            count(*) filter (where coalesce(c.shown, 0) <> coalesce(e.counted, 0))::bigint
        from counter c full join events e using (line_id, generation, epoch)
        group by line_id order by line_id";
}

/// A sealed segment to be applied.
#[derive(Debug, Clone, Copy)]
pub struct SegmentFacts<'a> {
    /// The segment's id: the key that makes applying it exactly once.
    pub id: SegmentId,
    /// The node that wrote it.
    pub node: &'a str,
    /// SHA-256 of its file, hexadecimal.
    pub sha256: &'a str,
    /// Where the file is kept.
    pub location: &'a str,
    /// Its events, in the order of their calls.
    pub events: &'a [Event],
}

/// What applying a segment changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentCounts {
    /// The segment was applied before; nothing changed.
    pub was_applied: bool,
    /// Impressions counted.
    pub impressions: u64,
    /// Impressions beyond what the budget pays for: recorded, never charged.
    pub over_cap: u64,
    /// Viewable impressions counted.
    pub viewable: u64,
    /// Clicks counted.
    pub clicks: u64,
    /// Events whose number was counted already.
    pub again: u64,
    /// Events of a line that the database does not know, or with a number that no counter grants: an alarm.
    pub refused: u64,
}

/// A counter to be rebuilt: what do the generations before `generation` say?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallAsk {
    /// The line.
    pub line: LineId,
    /// 0, or a month such as 202611.
    pub scope: u32,
    /// The counter's own generation.
    pub generation: i64,
    /// The current day.
    pub day: NaiveDate,
}

/// What a counter is rebuilt from. Shown means: bits, those over the cap included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallFacts {
    /// Shown in the scope before the day, in older generations.
    pub counted_before_day: u64,
    /// Shown in the day (or later), in older generations.
    pub counted_in_day: u64,
    /// Shown on the day before, in older generations.
    pub counted_on_day_before: u64,
    /// No generation of this line and scope came before.
    pub is_first_generation: bool,
    /// What the newest plan of the day before admitted.
    pub quota_of_day_before: u64,
}

/// Counts of one hour (of the decision), UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourCounts {
    /// The hour's first instant.
    pub hour: Timestamp,
    /// Counted impressions.
    pub impressions: u64,
    /// Viewable impressions.
    pub viewable: u64,
    /// Clicks.
    pub clicks: u64,
    /// Invalid traffic: recorded, never charged.
    pub invalid: u64,
    /// Beyond what the budget pays for: recorded, never charged.
    pub over_cap: u64,
}

/// One line's two totals of a day that are not the same (delivery.md §4): an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalsDifference {
    /// The line.
    pub line: LineId,
    /// Shown, as the budget counter told.
    pub counter: u64,
    /// Shown, by the journalled events.
    pub events: u64,
    /// Epochs of which the counter told nothing: its store was lost before it closed them.
    pub epochs_not_told: u64,
    /// Epochs whose totals differ.
    pub epochs_differing: u64,
}

/// The result of comparing a day's totals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TotalsComparison {
    /// Lines that had any impression on the day.
    pub lines: u64,
    /// Those whose totals differ.
    pub differences: Vec<TotalsDifference>,
}

/// Counting, inside a transaction.
#[derive(Debug)]
pub struct Counting<'a> {
    conn: &'a mut PgConnection,
}

impl Tx {
    /// Counted impressions.
    pub fn counting(&mut self) -> Counting<'_> {
        Counting { conn: self.conn() }
    }
}

impl Counting<'_> {
    /// Applies a segment: new bits count, once. [`DbError::Retry`] means that the transaction may be tried again.
    pub async fn apply_segment(
        &mut self,
        segment: &SegmentFacts<'_>,
        now: Timestamp,
    ) -> Result<SegmentCounts, DbError> {
        let mut draft = Draft::of(segment.events);
        let records = i32::try_from(segment.events.len()).unwrap_or(i32::MAX);
        let inserted = sqlx::query(INSERT_SEGMENT)
            .bind(segment.id.uuid())
            .bind(segment.node)
            .bind(records)
            .bind(segment.sha256)
            .bind(now)
            .bind(segment.location)
            .execute(&mut *self.conn)
            .await?;
        if inserted.rows_affected() == 0 {
            return Ok(SegmentCounts {
                was_applied: true,
                ..SegmentCounts::default()
            });
        }
        if draft.groups.is_empty() {
            return Ok(SegmentCounts {
                refused: draft.refused,
                ..SegmentCounts::default()
            });
        }
        let totals = self.lock_totals(&draft.scopes).await?;
        self.load_bits(&mut draft).await?;
        let delta = draft.decide(totals);
        self.save(&draft, &delta).await?;
        Ok(delta.counts)
    }

    /// Whether a segment was applied.
    pub async fn is_applied(&mut self, id: SegmentId) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(IS_APPLIED)
            .bind(id.uuid())
            .fetch_one(&mut *self.conn)
            .await?)
    }

    async fn lock_totals(
        &mut self,
        scopes: &BTreeSet<(LineId, u32)>,
    ) -> Result<BTreeMap<(LineId, u32), Total>, DbError> {
        let lines: Vec<Uuid> = scopes.iter().map(|(line, _)| line.uuid()).collect();
        let numbers: Vec<i32> = scopes
            .iter()
            .map(|(_, scope)| scope_column(*scope))
            .collect::<Result<_, _>>()?;
        let mut totals = BTreeMap::new();
        // Two tries: the rows of most segments exist already.
        for is_first in [true, false] {
            let rows: Vec<(Uuid, i32, i64, i64)> = sqlx::query_as(LOCK_TOTALS)
                .bind(&lines)
                .bind(&numbers)
                .fetch_all(&mut *self.conn)
                .await?;
            for (line, scope, counted, cap) in rows {
                let scope =
                    u32::try_from(scope).map_err(|_| DbError::Inconsistent(format!("scope {scope}")))?;
                totals.insert(
                    (LineId::from_uuid(line), scope),
                    Total {
                        room: unsigned(cap.saturating_sub(counted)),
                    },
                );
            }
            if totals.len() == scopes.len() || !is_first {
                break;
            }
            sqlx::query(ADD_TOTALS)
                .bind(&lines)
                .bind(&numbers)
                .execute(&mut *self.conn)
                .await?;
        }
        Ok(totals)
    }

    async fn load_bits(&mut self, draft: &mut Draft) -> Result<(), DbError> {
        let keys = KeyColumns::of(draft.groups.iter().map(|group| &group.key));
        let rows: Vec<(Uuid, i64, i64, i16, Vec<u8>)> = sqlx::query_as(LOAD_BITS)
            .bind(&keys.lines)
            .bind(&keys.generations)
            .bind(&keys.epochs)
            .bind(&keys.kinds)
            .fetch_all(&mut *self.conn)
            .await?;
        for (line, generation, epoch, kind, bits) in rows {
            let key = GroupKey::of_columns(line, generation, epoch, kind).ok_or_else(|| {
                DbError::Inconsistent(format!("bitmap of line {line}, epoch {epoch}, kind {kind}"))
            })?;
            if let Some(group) = draft
                .index
                .get(&key)
                .and_then(|index| draft.groups.get_mut(*index))
            {
                group.bits = Bits { bytes: bits };
            }
        }
        Ok(())
    }

    async fn save(&mut self, draft: &Draft, delta: &Delta) -> Result<(), DbError> {
        let changed: Vec<&Group> = draft.groups.iter().filter(|group| group.is_changed).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let keys = KeyColumns::of(changed.iter().map(|group| &group.key));
        let bits: Vec<&[u8]> = changed.iter().map(|group| group.bits.bytes.as_slice()).collect();
        let bits_counted: Vec<i32> = changed.iter().map(|group| group.bits.count()).collect();
        let hours = HourColumns::of(&delta.hours);
        let epochs = EpochColumns::of(&delta.epochs)?;
        let lines: Vec<Uuid> = delta.counted.keys().map(|(line, _)| line.uuid()).collect();
        let scopes: Vec<i32> = delta
            .counted
            .keys()
            .map(|(_, scope)| scope_column(*scope))
            .collect::<Result<_, _>>()?;
        let counted: Vec<i64> = delta.counted.values().map(|counted| signed(*counted)).collect();
        sqlx::query(SAVE_SEGMENT)
            .bind(&keys.lines)
            .bind(&keys.generations)
            .bind(&keys.epochs)
            .bind(&keys.kinds)
            .bind(&bits)
            .bind(&bits_counted)
            .bind(&hours.lines)
            .bind(&hours.hours)
            .bind(&hours.placements)
            .bind(&hours.materials)
            .bind(&hours.regions)
            .bind(&hours.impressions)
            .bind(&hours.viewable)
            .bind(&hours.clicks)
            .bind(&hours.over_cap)
            .bind(&epochs.lines)
            .bind(&epochs.epochs)
            .bind(&epochs.days)
            .bind(&epochs.scopes)
            .bind(&epochs.counted)
            .bind(&lines)
            .bind(&scopes)
            .bind(&counted)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// Sets what the scope's budget pays for (the plan job does, with the plan); never below what is counted. Answers the
    /// cap in force.
    pub async fn set_cap(&mut self, line: LineId, scope: u32, cap: u64) -> Result<u64, DbError> {
        let cap: i64 = sqlx::query_scalar(SET_CAP)
            .bind(line.uuid())
            .bind(scope_column(scope)?)
            .bind(signed(cap))
            .fetch_one(&mut *self.conn)
            .await?;
        Ok(unsigned(cap))
    }

    /// Impressions counted in a scope, up to now.
    pub async fn counted(&mut self, line: LineId, scope: u32) -> Result<u64, DbError> {
        let counted: Option<i64> = sqlx::query_scalar(COUNTED)
            .bind(line.uuid())
            .bind(scope_column(scope)?)
            .fetch_optional(&mut *self.conn)
            .await?;
        Ok(counted.map_or(0, unsigned))
    }

    /// Impressions counted by Tashkent day, days of `[from, to]` that have any, in order.
    pub async fn counted_by_day(
        &mut self,
        line: LineId,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<(NaiveDate, u64)>, DbError> {
        let rows = self.counted_by_day_of(&[line], from, to).await?;
        Ok(rows.into_iter().map(|(_, day, counted)| (day, counted)).collect())
    }

    /// [`Counting::counted_by_day`] for many lines, ordered by line and day.
    pub async fn counted_by_day_of(
        &mut self,
        lines: &[LineId],
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<(LineId, NaiveDate, u64)>, DbError> {
        let lines: Vec<Uuid> = lines.iter().map(|line| line.uuid()).collect();
        let rows: Vec<(Uuid, NaiveDate, i64)> = sqlx::query_as(COUNTED_BY_DAY)
            .bind(lines)
            .bind(from)
            .bind(to)
            .fetch_all(&mut *self.conn)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(line, day, counted)| (LineId::from_uuid(line), day, unsigned(counted)))
            .collect())
    }

    /// Impressions counted in the epochs of `[from, until)`.
    pub async fn counted_in_epochs(
        &mut self,
        line: LineId,
        from: Epoch,
        until: Epoch,
    ) -> Result<u64, DbError> {
        let counted: i64 = sqlx::query_scalar(COUNTED_IN_EPOCHS)
            .bind(line.uuid())
            .bind(i64::from(from.0))
            .bind(i64::from(until.0))
            .fetch_one(&mut *self.conn)
            .await?;
        Ok(unsigned(counted))
    }

    /// Counts by hour of `[from, until)`, hours that have any, in order.
    pub async fn counted_by_hour(
        &mut self,
        line: LineId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<HourCounts>, DbError> {
        let rows: Vec<(Timestamp, i64, i64, i64, i64, i64)> = sqlx::query_as(COUNTED_BY_HOUR)
            .bind(line.uuid())
            .bind(from)
            .bind(until)
            .fetch_all(&mut *self.conn)
            .await?;
        let hours =
            rows.into_iter().map(
                |(hour, impressions, viewable, clicks, invalid, over_cap)| HourCounts {
                    hour,
                    impressions: unsigned(impressions),
                    viewable: unsigned(viewable),
                    clicks: unsigned(clicks),
                    invalid: unsigned(invalid),
                    over_cap: unsigned(over_cap),
                },
            );
        Ok(hours.collect())
    }

    /// A new life for a line's counter, never used before.
    pub async fn new_generation(&mut self, line: LineId, scope: u32, now: Timestamp) -> Result<i64, DbError> {
        let made = self.new_generations(&[(line, scope)], now).await?;
        made.first()
            .copied()
            .ok_or_else(|| DbError::Inconsistent(format!("line {line} got no generation")))
    }

    /// [`Counting::new_generation`] for many counters, in their order. A counter named twice gets one.
    pub async fn new_generations(
        &mut self,
        counters: &[(LineId, u32)],
        now: Timestamp,
    ) -> Result<Vec<i64>, DbError> {
        if counters.is_empty() {
            return Ok(Vec::new());
        }
        let distinct: BTreeSet<&(LineId, u32)> = counters.iter().collect();
        let lines: Vec<Uuid> = distinct.iter().map(|(line, _)| line.uuid()).collect();
        let scopes: Vec<i32> = distinct
            .iter()
            .map(|(_, scope)| scope_column(*scope))
            .collect::<Result<_, _>>()?;
        let rows: Vec<(i64, Uuid, i32)> = sqlx::query_as(NEW_GENERATIONS)
            .bind(lines)
            .bind(scopes)
            .bind(now)
            .fetch_all(&mut *self.conn)
            .await?;
        let made: HashMap<(Uuid, i32), i64> = rows
            .into_iter()
            .map(|(id, line, scope)| ((line, scope), id))
            .collect();
        let in_order = counters.iter().map(|(line, scope)| {
            let key = (line.uuid(), scope_column(*scope)?);
            made.get(&key)
                .copied()
                .ok_or_else(|| DbError::Inconsistent(format!("line {line} got no generation")))
        });
        in_order.collect()
    }

    /// When any serving node but `own` was last known to be alive; an empty name leaves none out.
    pub async fn newest_sign_of_life(&mut self, own: &str) -> Result<Option<Timestamp>, DbError> {
        Ok(sqlx::query_scalar(NEWEST_SIGN_OF_LIFE)
            .bind(own)
            .fetch_one(&mut *self.conn)
            .await?)
    }

    /// When the node of this name was last known to be alive, in this life or an earlier one.
    pub async fn last_seen(&mut self, node: &str) -> Result<Option<Timestamp>, DbError> {
        Ok(sqlx::query_scalar(LAST_SEEN)
            .bind(node)
            .fetch_optional(&mut *self.conn)
            .await?)
    }

    /// What counters are rebuilt from, in the order of the asks.
    pub async fn install_facts(&mut self, asks: &[InstallAsk]) -> Result<Vec<InstallFacts>, DbError> {
        let lines: Vec<Uuid> = asks.iter().map(|ask| ask.line.uuid()).collect();
        let scopes: Vec<i32> = asks
            .iter()
            .map(|ask| scope_column(ask.scope))
            .collect::<Result<_, _>>()?;
        let generations: Vec<i64> = asks.iter().map(|ask| ask.generation).collect();
        let days: Vec<NaiveDate> = asks.iter().map(|ask| ask.day).collect();
        let rows: Vec<(i64, i64, i64, bool, i64)> = sqlx::query_as(INSTALL_FACTS)
            .bind(lines)
            .bind(scopes)
            .bind(generations)
            .bind(days)
            .fetch_all(&mut *self.conn)
            .await?;
        let facts = rows.into_iter().map(
            |(before_day, in_day, on_day_before, is_first_generation, quota)| InstallFacts {
                counted_before_day: unsigned(before_day),
                counted_in_day: unsigned(in_day),
                counted_on_day_before: unsigned(on_day_before),
                is_first_generation,
                quota_of_day_before: unsigned(quota),
            },
        );
        Ok(facts.collect())
    }

    /// Records what the budget counter told of closed epochs. Told twice, the first stays.
    pub async fn record_counter_totals(
        &mut self,
        closed: &[ClosedEpoch],
        closed_at: Timestamp,
    ) -> Result<(), DbError> {
        if closed.is_empty() {
            return Ok(());
        }
        let mut in_order: Vec<&ClosedEpoch> = closed.iter().collect();
        in_order.sort_unstable();
        in_order.dedup_by_key(|closed| (closed.line, closed.generation, closed.epoch));
        let column =
            |of: fn(&ClosedEpoch) -> i64| -> Vec<i64> { in_order.iter().map(|closed| of(closed)).collect() };
        let lines: Vec<Uuid> = in_order.iter().map(|closed| closed.line.uuid()).collect();
        sqlx::query(RECORD_TOTALS)
            .bind(lines)
            .bind(column(|closed| i64::from(closed.generation)))
            .bind(column(|closed| i64::from(closed.epoch.0)))
            .bind(column(|closed| signed(closed.granted)))
            .bind(column(|closed| signed(closed.shown)))
            .bind(closed_at)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// Compares the two totals of every line for a Tashkent day, over the epochs that were closed `closed_before`.
    pub async fn compare_totals(
        &mut self,
        day: NaiveDate,
        closed_before: Timestamp,
    ) -> Result<TotalsComparison, DbError> {
        let from = Epoch::of(day_start(day)).0;
        let open =
            Epoch::closed_through(closed_before.timestamp()).map_or(0, |epoch| epoch.0.saturating_add(1));
        let until = Epoch::of(day_start(plus_days(day, 1))).0.min(open);
        let rows: Vec<(Uuid, i64, i64, i64, i64)> = sqlx::query_as(COMPARE_TOTALS)
            .bind(i64::from(from))
            .bind(i64::from(until))
            .fetch_all(&mut *self.conn)
            .await?;
        let lines = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let differences = rows
            .into_iter()
            .map(|(line, counter, events, not_told, differing)| TotalsDifference {
                line: LineId::from_uuid(line),
                counter: unsigned(counter),
                events: unsigned(events),
                epochs_not_told: unsigned(not_told),
                epochs_differing: unsigned(differing),
            })
            .filter(|difference| difference.epochs_differing > 0)
            .collect();
        Ok(TotalsComparison { lines, differences })
    }
}

pub(crate) fn scope_column(scope: u32) -> Result<i32, DbError> {
    i32::try_from(scope).map_err(|_| DbError::Inconsistent(format!("scope {scope} is no month")))
}

/// Counts are never negative in the schema's use; one that is says that nothing is counted.
fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// A count for a bigint column; "unlimited" caps are cut to its largest value.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

//! Day plans of media lines, and what they are made from: what is counted, the extra period, the last change of the day,
//! the traffic of the past weeks.
//!
//! Rule: delivery.md §5. A plan is a row per line, day and version; the newest version is in force and none is changed.
//! Counts come from the authority for money (`line_totals`) less the epochs of the day itself, so that a line's whole
//! history is never summed again.

use crate::{DbError, Store, Tx};
use chrono::{DateTime, NaiveDate, TimeDelta};
use namoyish_domain::calendar::{Timestamp, day_start};
use namoyish_domain::delivery::counters::Epoch;
use namoyish_domain::delivery::extra_period::ExtraPeriod;
use namoyish_domain::delivery::pacing::{DayPlan, TrafficCurve, TrafficHistory};
use namoyish_domain::ids::{ExtraPeriodId, LineId, PlacementId};
use namoyish_domain::money::{Exact, Money, UnitPrice};
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, Term};
use namoyish_domain::orders::placement::RegionCode;
use rust_decimal::Decimal;
use sqlx::FromRow;
use std::collections::HashMap;
use uuid::Uuid;

/// How far back traffic is looked at.
const TRAFFIC_DAYS: i64 = 28;

statements! {
    /// One consistent view for all reads of a planning run.
    ONE_VIEW = "set transaction isolation level repeatable read, read only";
    LINES_TO_PLAN = "select l.id, l.first_day, l.last_day, l.budget_mode, l.budget, l.unit_price,
            coalesce(t.counted, 0) - coalesce((select sum(e.impressions)::bigint from line_epochs e
                where e.line_id = l.id and e.day >= $1
                and e.scope = case l.budget_mode when 'monthly' then $2 else 0 end), 0) as counted_before_day,
            coalesce(t.counted, 0) as counted_in_scope,
            x.id as extra_id, x.first_day as extra_first_day, x.last_day as extra_last_day, x.extra_budget,
            coalesce((select sum(e.impressions)::bigint from line_epochs e
                where e.line_id = l.id and e.day >= x.first_day and e.day < $1), 0) as extra_counted_before_day,
            greatest(
                (select max(c.changed_at) from line_changes c
                    where c.line_id = l.id and c.changed_at >= $3 and c.changed_at < $4 and c.kind = any($5)),
                (select max(s.set_at) from extra_periods s
                    where s.line_id = l.id and s.set_at >= $3 and s.set_at < $4 and s.first_day <= $1),
                (select max(o.ended_at) from extra_periods o
                    where o.line_id = l.id and o.ended = 'switched_off' and o.ended_on = $1)) as last_change,
            array(select p.placement_id from line_placements p where p.line_id = l.id order by 1) as placements,
            array(select r.region from line_regions r where r.line_id = l.id order by 1) as regions
        from order_lines l
        join order_blanks b on b.id = l.order_blank_id
        left join line_totals t on t.line_id = l.id
            and t.scope = case l.budget_mode when 'monthly' then $2 else 0 end
        -- One that the budget ended today has paced today all the same.
        left join lateral (select p.id, p.first_day, p.last_day, p.extra_budget from extra_periods p
            where p.line_id = l.id and (p.ended is null or (p.ended = 'exhausted' and p.ended_on = $1))
                and p.first_day <= $1 and p.last_day >= $1
            order by p.set_at desc, p.id desc limit 1) x on true
        where l.kind = 'media' and l.first_day <= $1 and l.last_day >= $1
            and (l.ended_on is null or l.ended_on > $1) and b.state in ('signed', 'in_service')
        order by l.id";
    COUNTED_BEFORE_BASE = "select a.line_id, coalesce(sum(e.impressions), 0)::bigint
        from unnest($1::uuid[], $2::bigint[]) as a(line_id, epoch)
        join line_epochs e on e.line_id = a.line_id and e.day = $3 and e.epoch < a.epoch group by 1";
    LATEST_PLANS = "select distinct on (line_id) line_id, day, version, base_at, target, quota, counted_before_base,
            scope, cap, curve, extra_period_id
        from day_plans where day = $1 and line_id = any($2) order by line_id, version desc";
    INSERT_PLANS = "insert into day_plans (line_id, day, version, planned_at, base_at, target, quota, counted_before_base,
            scope, cap, curve, extra_period_id)
        select n.line_id, $2, n.version, $3, n.base_at, n.target, n.quota, n.counted_before_base, n.scope, n.cap,
            string_to_array(n.curve, ',')::integer[], n.extra_period_id
        from unnest($1::uuid[], $4::bigint[], $5::timestamptz[], $6::numeric[], $7::bigint[], $8::bigint[], $9::integer[],
            $10::bigint[], $11::text[], $12::uuid[])
            as n(line_id, version, base_at, target, quota, counted_before_base, scope, cap, curve, extra_period_id)
        on conflict (line_id, day, version) do nothing";
    /// A cap never falls below what is counted.
    SET_CAPS = "insert into line_totals as t (line_id, scope, counted, cap)
        select n.line_id, n.scope, 0, n.cap from unnest($1::uuid[], $2::integer[], $3::bigint[]) as n(line_id, scope, cap)
        on conflict (line_id, scope) do update set cap = greatest(excluded.cap, t.counted)
        where t.cap <> greatest(excluded.cap, t.counted)";
    TRAFFIC = "select placement_id, region, mod((extract(epoch from hour)::bigint + 18000) / 3600, 168) as hour_of_week,
            sum(requests)::bigint as requests
        from traffic_hours where hour >= $1 and hour < $2 and placement_id = any($3) group by 1, 2, 3";
    TRAFFIC_DAYS_KNOWN = "select placement_id, count(distinct (hour at time zone 'Asia/Tashkent')::date)::bigint
        from traffic_hours where hour >= $1 and hour < $2 and placement_id = any($3) group by 1";
    OPEN_EXTRA_PERIODS = "select x.id, x.line_id, x.first_day, x.last_day, x.extra_budget,
            l.budget_mode, l.budget, l.unit_price, coalesce(t.counted, 0) as counted
        from extra_periods x join order_lines l on l.id = x.line_id
        left join line_totals t on t.line_id = l.id and t.scope = case l.budget_mode when 'monthly' then $1 else 0 end
        where x.ended is null and x.first_day <= $2 order by x.id";
}

/// A plan in force, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPlan {
    /// The line.
    pub line: LineId,
    /// Counts up with every re-plan of the day.
    pub version: u64,
    /// The plan.
    pub plan: DayPlan,
}

/// A media line in its term, and what its plan of a day is made from.
#[derive(Debug, Clone)]
pub struct LineToPlan {
    /// The line.
    pub line: LineId,
    /// The term in force; a line that was ended is planned over it as well, and not after its end.
    pub term: Term,
    /// Net.
    pub budget: Budget,
    /// Per 1,000 impressions.
    pub price: UnitPrice,
    /// Impressions counted in the budget's scope before the day.
    pub counted_before_day: u64,
    /// The extra period that covers the day, with what was counted on its days before it.
    pub extra_period: Option<(ExtraPeriod, u64)>,
    /// The last change of the day that re-plans it.
    pub last_change: Option<Timestamp>,
    /// Where it runs.
    pub placements: Vec<PlacementId>,
    /// For which viewers; empty: all.
    pub regions: Vec<RegionCode>,
}

/// An extra period that hasn't ended, with what its line has left.
#[derive(Debug, Clone, Copy)]
pub struct OpenExtraPeriod {
    /// The line.
    pub line: LineId,
    /// The period.
    pub period: ExtraPeriod,
    /// The line's budget.
    pub budget: Budget,
    /// Its price.
    pub price: UnitPrice,
    /// Impressions counted in the budget's scope of today.
    pub counted: u64,
}

/// Traffic of the past weeks by placement and region ("" for addresses without one).
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    cells: HashMap<PlacementId, Vec<(Option<RegionCode>, TrafficHistory)>>,
}

impl Traffic {
    /// What is known of a line's placements and regions.
    pub fn of(&self, placements: &[PlacementId], regions: &[RegionCode]) -> TrafficHistory {
        let mut sum = TrafficHistory::EMPTY;
        for (viewer, history) in placements
            .iter()
            .filter_map(|placement| self.cells.get(placement))
            .flatten()
        {
            let inside = regions.is_empty()
                || viewer.is_some_and(|viewer| regions.iter().any(|target| target.covers(&viewer)));
            if inside {
                sum.add(history);
            }
        }
        sum
    }
}

#[derive(FromRow)]
struct LineRow {
    id: Uuid,
    first_day: NaiveDate,
    last_day: NaiveDate,
    budget_mode: String,
    budget: Decimal,
    unit_price: Decimal,
    counted_before_day: i64,
    extra_id: Option<Uuid>,
    extra_first_day: Option<NaiveDate>,
    extra_last_day: Option<NaiveDate>,
    extra_budget: Option<Decimal>,
    extra_counted_before_day: i64,
    last_change: Option<Timestamp>,
    placements: Vec<Uuid>,
    regions: Vec<String>,
}

#[derive(FromRow)]
struct PlanRow {
    line_id: Uuid,
    day: NaiveDate,
    version: i64,
    base_at: Timestamp,
    target: Decimal,
    quota: i64,
    counted_before_base: i64,
    scope: i32,
    cap: i64,
    curve: Vec<i32>,
    extra_period_id: Option<Uuid>,
}

#[derive(FromRow)]
struct OpenExtraRow {
    id: Uuid,
    line_id: Uuid,
    first_day: NaiveDate,
    last_day: NaiveDate,
    extra_budget: Decimal,
    budget_mode: String,
    budget: Decimal,
    unit_price: Decimal,
    counted: i64,
}

/// The plans of a transaction.
pub struct Plans<'a>(&'a mut Tx);

impl Tx {
    /// Day plans and what they are made from.
    pub fn plans(&mut self) -> Plans<'_> {
        Plans(self)
    }
}

impl Store {
    /// A transaction for reading only, in which every read sees the same state.
    pub async fn begin_view(&self) -> Result<Tx, DbError> {
        let mut tx = self.begin().await?;
        sqlx::query(ONE_VIEW).execute(tx.conn()).await?;
        Ok(tx)
    }
}

impl Plans<'_> {
    /// Every media line whose term holds `day` and whose order blank is in force, whether it runs or not.
    /// `change_kinds` are the kinds of `line_changes` that re-plan the day at once.
    pub async fn lines_to_plan(
        &mut self,
        day: NaiveDate,
        change_kinds: &[&str],
    ) -> Result<Vec<LineToPlan>, DbError> {
        let month = scope_number(day)?;
        let rows: Vec<LineRow> = sqlx::query_as(LINES_TO_PLAN)
            .bind(day)
            .bind(month)
            .bind(day_start(day))
            .bind(day_start(day) + TimeDelta::days(1))
            .bind(
                change_kinds
                    .iter()
                    .map(|kind| (*kind).to_owned())
                    .collect::<Vec<String>>(),
            )
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter().map(|row| row.line(day)).collect()
    }

    /// Impressions of `day` counted before each line's instant, by whole epochs.
    pub async fn counted_before_base(
        &mut self,
        day: NaiveDate,
        bases: &[(LineId, Timestamp)],
    ) -> Result<HashMap<LineId, u64>, DbError> {
        let lines: Vec<Uuid> = bases.iter().map(|(line, _)| line.uuid()).collect();
        let epochs: Vec<i64> = bases
            .iter()
            .map(|(_, base)| i64::from(Epoch::of(*base).0))
            .collect();
        let rows: Vec<(Uuid, i64)> = sqlx::query_as(COUNTED_BEFORE_BASE)
            .bind(lines)
            .bind(epochs)
            .bind(day)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|(line, n)| Ok((LineId::from_uuid(line), count(n)?)))
            .collect()
    }

    /// The newest plan of each of these lines for a day.
    pub async fn latest(
        &mut self,
        day: NaiveDate,
        lines: &[LineId],
    ) -> Result<HashMap<LineId, StoredPlan>, DbError> {
        let lines: Vec<Uuid> = lines.iter().map(|line| line.uuid()).collect();
        let rows: Vec<PlanRow> = sqlx::query_as(LATEST_PLANS)
            .bind(day)
            .bind(lines)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|row| row.plan().map(|plan| (plan.line, plan)))
            .collect()
    }

    /// Writes new versions of a day's plans with their caps. Answers how many were written: a version that another run
    /// wrote first stays.
    pub async fn insert_all(
        &mut self,
        day: NaiveDate,
        plans: &[StoredPlan],
        planned_at: Timestamp,
    ) -> Result<u64, DbError> {
        let lines: Vec<Uuid> = plans.iter().map(|plan| plan.line.uuid()).collect();
        let scopes = column(plans, |stored| scope_column(stored.plan.scope))?;
        let caps = column(plans, |stored| bigint(stored.plan.cap))?;
        sqlx::query(SET_CAPS)
            .bind(&lines)
            .bind(&scopes)
            .bind(&caps)
            .execute(self.0.conn())
            .await?;
        let done = sqlx::query(INSERT_PLANS)
            .bind(lines)
            .bind(day)
            .bind(planned_at)
            .bind(column(plans, |stored| bigint(stored.version))?)
            .bind(column(plans, |stored| Ok(stored.plan.base_at))?)
            .bind(column(plans, |stored| Ok(stored.plan.target.decimal()))?)
            .bind(column(plans, |stored| bigint(stored.plan.quota))?)
            .bind(column(plans, |stored| bigint(stored.plan.counted_before_base))?)
            .bind(scopes)
            .bind(caps)
            .bind(column(plans, |stored| Ok(curve_text(&stored.plan.curve)))?)
            .bind(column(plans, |stored| {
                Ok(stored.plan.extra_period.map(ExtraPeriodId::uuid))
            })?)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected())
    }

    /// Requests of the four weeks before `day` in these placements.
    pub async fn traffic(&mut self, day: NaiveDate, placements: &[PlacementId]) -> Result<Traffic, DbError> {
        let until = day_start(day);
        let from = until - TimeDelta::days(TRAFFIC_DAYS);
        let ids: Vec<Uuid> = placements.iter().map(|placement| placement.uuid()).collect();
        let days: HashMap<Uuid, i64> = sqlx::query_as::<_, (Uuid, i64)>(TRAFFIC_DAYS_KNOWN)
            .bind(from)
            .bind(until)
            .bind(&ids)
            .fetch_all(self.0.conn())
            .await?
            .into_iter()
            .collect();
        let rows: Vec<(Uuid, String, i64, i64)> = sqlx::query_as(TRAFFIC)
            .bind(from)
            .bind(until)
            .bind(&ids)
            .fetch_all(self.0.conn())
            .await?;
        let mut traffic = Traffic::default();
        for (placement, region, hour, requests) in rows {
            let viewer = parse_region(&region)?;
            let cells = traffic
                .cells
                .entry(PlacementId::from_uuid(placement))
                .or_default();
            let at = match cells.iter().position(|(known, _)| *known == viewer) {
                Some(at) => at,
                None => {
                    let days = days
                        .get(&placement)
                        .and_then(|days| u32::try_from(*days).ok())
                        .unwrap_or(0);
                    cells.push((
                        viewer,
                        TrafficHistory {
                            days,
                            ..TrafficHistory::EMPTY
                        },
                    ));
                    cells.len() - 1
                }
            };
            let hour = usize::try_from(hour).unwrap_or(0);
            if let Some(sum) = cells
                .get_mut(at)
                .and_then(|(_, history)| history.requests.get_mut(hour))
            {
                *sum = count(requests)?;
            }
        }
        Ok(traffic)
    }

    /// Extra periods that have begun by `today` and were not ended.
    pub async fn open_extra_periods(&mut self, today: NaiveDate) -> Result<Vec<OpenExtraPeriod>, DbError> {
        let rows: Vec<OpenExtraRow> = sqlx::query_as(OPEN_EXTRA_PERIODS)
            .bind(scope_number(today)?)
            .bind(today)
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(OpenExtraPeriod {
                    line: LineId::from_uuid(row.line_id),
                    period: ExtraPeriod {
                        id: ExtraPeriodId::from_uuid(row.id),
                        first_day: row.first_day,
                        last_day: row.last_day,
                        extra_budget: Money::from_decimal(row.extra_budget)?,
                    },
                    budget: budget(&row.budget_mode, row.budget)?,
                    price: UnitPrice::new(row.unit_price)?,
                    counted: count(row.counted)?,
                })
            })
            .collect()
    }
}

impl LineRow {
    fn line(self, day: NaiveDate) -> Result<LineToPlan, DbError> {
        // A notice of termination doesn't speed the line up: what is left is spread over the term as if it went on.
        let term = Term::new(self.first_day, self.last_day)
            .ok_or_else(|| DbError::Inconsistent(format!("line {} has an empty term", self.id)))?;
        let extra_period = match (
            self.extra_id,
            self.extra_first_day,
            self.extra_last_day,
            self.extra_budget,
        ) {
            (Some(id), Some(first_day), Some(last_day), Some(extra_budget))
                if first_day <= day && day <= last_day =>
            {
                let period = ExtraPeriod {
                    id: ExtraPeriodId::from_uuid(id),
                    first_day,
                    last_day,
                    extra_budget: Money::from_decimal(extra_budget)?,
                };
                Some((period, count(self.extra_counted_before_day)?))
            }
            _ => None,
        };
        Ok(LineToPlan {
            line: LineId::from_uuid(self.id),
            term,
            budget: budget(&self.budget_mode, self.budget)?,
            price: UnitPrice::new(self.unit_price)?,
            counted_before_day: count(self.counted_before_day)?,
            extra_period,
            last_change: self.last_change,
            placements: self.placements.into_iter().map(PlacementId::from_uuid).collect(),
            regions: self
                .regions
                .iter()
                .map(|code| region(code))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl PlanRow {
    fn plan(self) -> Result<StoredPlan, DbError> {
        let mut weights = [0_u32; 24];
        for (weight, stored) in weights.iter_mut().zip(&self.curve) {
            *weight = u32::try_from(*stored).unwrap_or(0);
        }
        Ok(StoredPlan {
            line: LineId::from_uuid(self.line_id),
            version: count(self.version)?,
            plan: DayPlan {
                day: self.day,
                base_at: self.base_at,
                target: Exact::new(self.target.normalize()),
                quota: count(self.quota)?,
                counted_before_base: count(self.counted_before_base)?,
                scope: u32::try_from(self.scope)
                    .map_err(|_| DbError::Inconsistent(format!("scope {}", self.scope)))?,
                cap: count(self.cap)?,
                curve: TrafficCurve::new(weights),
                extra_period: self.extra_period_id.map(ExtraPeriodId::from_uuid),
            },
        })
    }
}

fn column<T>(
    plans: &[StoredPlan],
    value: impl Fn(&StoredPlan) -> Result<T, DbError>,
) -> Result<Vec<T>, DbError> {
    plans.iter().map(value).collect()
}

fn curve_text(curve: &TrafficCurve) -> String {
    curve
        .weights()
        .iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

fn scope_column(scope: u32) -> Result<i32, DbError> {
    i32::try_from(scope).map_err(|_| DbError::Inconsistent(format!("scope {scope}")))
}

/// The newest plans of a day, for the snapshot.
pub(crate) async fn plans_of_snapshot(
    conn: &mut sqlx::PgConnection,
    day: NaiveDate,
    lines: &[Uuid],
) -> Result<Vec<StoredPlan>, DbError> {
    let rows: Vec<PlanRow> = sqlx::query_as(LATEST_PLANS)
        .bind(day)
        .bind(lines)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(PlanRow::plan).collect()
}

/// The scope of a monthly budget on a day.
pub(crate) fn scope_number(day: NaiveDate) -> Result<i32, DbError> {
    scope_column(namoyish_domain::delivery::pacing::scope_of(
        BudgetMode::Monthly,
        day,
    ))
}

pub(crate) fn budget(mode: &str, amount: Decimal) -> Result<Budget, DbError> {
    let mode =
        BudgetMode::parse(mode).ok_or_else(|| DbError::Inconsistent(format!("budget mode `{mode}`")))?;
    Ok(Budget {
        mode,
        amount: Money::from_decimal(amount)?,
    })
}

pub(crate) fn region(code: &str) -> Result<RegionCode, DbError> {
    RegionCode::parse(code).map_err(|error| DbError::Inconsistent(error.to_string()))
}

/// A region where "" stands for none.
pub(crate) fn parse_region(code: &str) -> Result<Option<RegionCode>, DbError> {
    if code.is_empty() {
        Ok(None)
    } else {
        region(code).map(Some)
    }
}

pub(crate) fn count(n: i64) -> Result<u64, DbError> {
    u64::try_from(n).map_err(|_| DbError::Inconsistent(format!("a count of {n}")))
}

pub(crate) fn bigint(n: u64) -> Result<i64, DbError> {
    i64::try_from(n).map_err(|_| DbError::Inconsistent(format!("{n} does not fit")))
}

/// An hour's beginning.
pub(crate) fn hour_of(at: Timestamp) -> Timestamp {
    DateTime::from_timestamp(at.timestamp().div_euclid(3600) * 3600, 0).unwrap_or(at)
}

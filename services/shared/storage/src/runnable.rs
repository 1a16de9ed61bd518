//! What the serving nodes know: the lines that may run, where, with which materials and plans; and what the nodes tell
//! back: that they live, how many requests they saw.
//!
//! Rules: orders.md §5 (through [`why_not_running`]), delivery.md §3. The snapshot is read in one view, so that a line
//! never meets another version's plan. It holds the lines of its day and of the next one: a node that loses its database
//! goes on over midnight.
//!
//! **Materials of a day.** Of the materials that may be shown those with the latest first day run, together and in turn: what
//! was submitted for the same first day rotates, a later change replaces it from its own first day on (orders.md §4). One
//! whose licence runs out carries its last day along, so that a node stops by itself at midnight.
//!
//! **One statement of facts.** [`Tx::line_facts`] and the snapshot share it with the cabinet's lists.

use crate::order_lines::targeting_of_columns;
use crate::plans::{StoredPlan, bigint, budget, count, hour_of, plans_of_snapshot, region, scope_number};
use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::{Timestamp, plus_days, tashkent_day};
use namoyish_domain::delivery::geo::GeoTarget;
use namoyish_domain::delivery::pacing::cap_of;
use namoyish_domain::ids::{AdMaterialId, AppId, CustomerId, LineId, PlacementId};
use namoyish_domain::money::UnitPrice;
use namoyish_domain::orders::moderation::{Moderation, ModerationState};
use namoyish_domain::orders::order_blank::{BlankState, LineKind, Term};
use namoyish_domain::orders::placement::{PlacementKind, RegionCode};
use namoyish_domain::orders::runnable::{LineFacts, MaterialFacts, why_not_running};
use namoyish_domain::orders::targeting::Targeting;
use rust_decimal::Decimal;
use sqlx::FromRow;
use std::collections::HashMap;
use uuid::Uuid;

statements! {
    SNAPSHOT_VERSION = "select version from snapshot_version";
    /// Facts of lines on a day; with `$3` null of every line whose term touches `$1..$2`.
    LINE_FACTS = "select l.id, l.code, l.kind, b.customer_id, l.first_day, l.last_day, l.ended_on, l.paused_at, l.budget_mode, l.budget,
            l.unit_price, l.rubrics, l.search_phrases, l.schedule, l.frequency_cap, b.state, c.suspended_at is not null as suspended,
            c.consent_withdrawn_at is not null as consent_withdrawn,
            exists (select 1 from line_standstills x where x.line_id = l.id and x.first_day <= $1 and (x.until is null or x.until > $1)) as interrupted,
            exists (select 1 from line_standstills x where x.line_id = l.id and x.first_day <= $2 and (x.until is null or x.until > $2)) as interrupted_next_day,
            (select min(u.unpaid_since + due_date_moved(u.invoice_id)) from unpaid_stops u where u.line_id = l.id
                and u.unpaid_since + due_date_moved(u.invoice_id) < $2) as unpaid_since,
            coalesce((select t.counted from line_totals t where t.line_id = l.id
                and t.scope = case l.budget_mode when 'monthly' then $4 else 0 end), 0) as counted,
            coalesce((select t.counted from line_totals t where t.line_id = l.id
                and t.scope = case l.budget_mode when 'monthly' then $5 else 0 end), 0) as counted_next_day
        from order_lines l join order_blanks b on b.id = l.order_blank_id join customers c on c.id = b.customer_id
        where l.id = any(coalesce($3, array(select r.id from order_lines r join order_blanks s on s.id = r.order_blank_id
            where r.kind in ('media', 'period') and s.state in ('signed', 'in_service')
                and r.first_day <= $2 and r.last_day >= $1 and (r.ended_on is null or r.ended_on > $1))))
        order by l.id";
    MATERIAL_FACTS = "select s.material_id, s.line_id, s.live_from, s.state, s.runs_on, s.decided_at, s.documents_until, s.document_revoked,
            s.awaiting_amendment
        from material_standings s where s.line_id = any($1) order by s.line_id, s.version";
    MATERIALS = "select m.id, m.kind, m.title, m.body, m.target_url, m.file_sha256, coalesce(f.media_type, '') as media_type, m.width, m.height
        from ad_materials m left join files f on f.sha256 = m.file_sha256 where m.id = any($1)";
    LINE_PLACEMENTS = "select line_id, placement_id from line_placements where line_id = any($1) order by 1, 2";
    LINE_REGIONS = "select line_id, region from line_regions where line_id = any($1) order by 1, 2";
    PLACEMENTS = "select id, code, app_id, kind, width, height from placements order by id";
    APPS = "select id, code, partner, publishable_key from apps order by id";
    FILE = "select media_type, content from files where sha256 = $1";
    ADD_TRAFFIC = "insert into traffic_hours (placement_id, region, hour, requests)
        select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[])
        on conflict (placement_id, region, hour) do update set requests = traffic_hours.requests + excluded.requests";
    ADD_DEMAND = "insert into line_demand (line_id, day, opportunities)
        select * from unnest($1::uuid[], $2::date[], $3::bigint[])
        on conflict (line_id, day) do update set opportunities = line_demand.opportunities + excluded.opportunities";
    HEARTBEAT = "insert into nodes (name, address, started_at, last_seen_at, snapshot_version) values ($1, $2, $3, $4, $5)
        on conflict (name) do update set address = excluded.address, started_at = excluded.started_at,
            last_seen_at = excluded.last_seen_at, snapshot_version = excluded.snapshot_version";
    TOKEN_KEYS = "select id, secret, created_at from token_keys where retired_at is null or retired_at > $1
        order by created_at desc, id desc";
    INSERT_TOKEN_KEY = "insert into token_keys (id, secret, created_at) values ($1, $2, $3) on conflict (id) do nothing";
    RETIRE_TOKEN_KEYS = "update token_keys set retired_at = $2 where id <> $1 and retired_at is null";
    FORGET_TOKEN_KEYS = "delete from token_keys where retired_at < $1";
}

/// Hears of new snapshots: see [`Store::snapshot_listener`].
pub type SnapshotListener = sqlx::postgres::PgListener;

/// Everything that a node serves from.
#[derive(Debug, Clone)]
pub struct SnapshotData {
    /// `snapshot_version` that it shows.
    pub version: i64,
    /// The day that it was read for; it also holds what runs on the next one.
    pub day: NaiveDate,
    /// Lines that run on one of both days.
    pub lines: Vec<SnapshotLine>,
    /// All placements.
    pub placements: Vec<SnapshotPlacement>,
    /// All apps.
    pub apps: Vec<SnapshotApp>,
}

/// A line that may run.
#[derive(Debug, Clone)]
pub struct SnapshotLine {
    /// The line.
    pub id: LineId,
    /// Its code, for logs.
    pub code: String,
    /// Media or period.
    pub kind: LineKind,
    /// Per 1,000 impressions, or per period.
    pub price: UnitPrice,
    /// Where.
    pub placements: Vec<PlacementId>,
    /// For which viewers.
    pub target: GeoTarget,
    /// To whom and when, beside the regions; ready for decisions.
    pub targeting: Targeting,
    /// On which of the snapshot's days it runs.
    pub runs_on: Vec<NaiveDate>,
    /// Materials that may be shown on one of the days; see [`SnapshotLine::materials_of`].
    pub materials: Vec<SnapshotMaterial>,
    /// The newest plans of the snapshot's days; empty for a period line.
    pub plans: Vec<StoredPlan>,
}

impl SnapshotLine {
    /// The materials that run on a day, in turn: of those that may be shown on it the ones with the latest first day.
    pub fn materials_of(&self, day: NaiveDate) -> impl Iterator<Item = &SnapshotMaterial> {
        let shown = move |material: &&SnapshotMaterial| {
            material.live_from <= day && material.last_day.is_none_or(|last_day| day <= last_day)
        };
        let latest = self
            .materials
            .iter()
            .filter(shown)
            .map(|material| material.live_from)
            .max();
        self.materials
            .iter()
            .filter(shown)
            .filter(move |material| Some(material.live_from) == latest)
    }

    /// The plan of a day.
    pub fn plan_of(&self, day: NaiveDate) -> Option<&StoredPlan> {
        self.plans.iter().find(|plan| plan.plan.day == day)
    }
}

/// An approved material.
#[derive(Debug, Clone)]
pub struct SnapshotMaterial {
    /// The material.
    pub id: AdMaterialId,
    /// What it is.
    pub kind: PlacementKind,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Where a click goes.
    pub target_url: String,
    /// Its file, when it has one.
    pub file_sha256: Option<String>,
    /// Media type of the file; empty without one.
    pub media_type: String,
    /// Pixels; 0 without an image.
    pub width: u32,
    /// Pixels; 0 without an image.
    pub height: u32,
    /// First day on which it runs.
    pub live_from: NaiveDate,
    /// Last day on which it runs: its licence's, or the last one on which papers asked for are in time.
    pub last_day: Option<NaiveDate>,
}

/// A placement.
#[derive(Debug, Clone)]
pub struct SnapshotPlacement {
    /// The placement.
    pub id: PlacementId,
    /// Its code, by which pages name it.
    pub code: String,
    /// The app that it is part of.
    pub app: AppId,
    /// What it shows.
    pub kind: PlacementKind,
    /// Pixels; 0: any.
    pub width: u32,
    /// Pixels; 0: any.
    pub height: u32,
}

/// An app with its publishable key.
#[derive(Debug, Clone)]
pub struct SnapshotApp {
    /// The app.
    pub id: AppId,
    /// Its code.
    pub code: String,
    /// Whether it is partner inventory: its key serves only its own placements.
    pub partner: bool,
    /// The key that its requests carry.
    pub publishable_key: String,
}

/// A line with the facts of a day.
#[derive(Debug, Clone)]
pub struct LineOnDay {
    /// The line.
    pub id: LineId,
    /// Its code.
    pub code: String,
    /// Whose it is.
    pub customer: CustomerId,
    /// Per 1,000 impressions, or per period.
    pub price: UnitPrice,
    /// What [`why_not_running`] judges.
    pub facts: LineFacts,
}

/// Requests seen in a placement from a region in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficSeen {
    /// Where.
    pub placement: PlacementId,
    /// From where; `None`: unresolvable.
    pub region: Option<RegionCode>,
    /// Any instant of the hour.
    pub hour: Timestamp,
    /// How many.
    pub requests: u64,
}

/// Requests that a line could have been shown to on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemandSeen {
    /// The line.
    pub line: LineId,
    /// The day, Tashkent.
    pub day: NaiveDate,
    /// How many.
    pub opportunities: u64,
}

/// A key of the tokens.
#[derive(Clone)]
pub struct TokenKeyRecord {
    /// Its number, which tokens carry.
    pub id: u8,
    /// The secret.
    pub secret: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for TokenKeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKeyRecord({})", self.id)
    }
}

/// A stored file.
#[derive(Debug, Clone)]
pub struct StoredFile {
    /// By its bytes.
    pub media_type: String,
    /// The bytes.
    pub content: Vec<u8>,
}

#[derive(FromRow)]
struct FactsRow {
    id: Uuid,
    code: String,
    kind: String,
    customer_id: Uuid,
    first_day: NaiveDate,
    last_day: NaiveDate,
    ended_on: Option<NaiveDate>,
    paused_at: Option<Timestamp>,
    budget_mode: Option<String>,
    budget: Option<Decimal>,
    unit_price: Decimal,
    rubrics: Vec<String>,
    search_phrases: Vec<String>,
    schedule: Vec<String>,
    frequency_cap: Option<i16>,
    state: String,
    suspended: bool,
    consent_withdrawn: bool,
    interrupted: bool,
    interrupted_next_day: bool,
    unpaid_since: Option<NaiveDate>,
    counted: i64,
    counted_next_day: i64,
}

#[derive(FromRow)]
struct MaterialFactsRow {
    material_id: Uuid,
    line_id: Uuid,
    live_from: NaiveDate,
    state: String,
    runs_on: bool,
    decided_at: Timestamp,
    documents_until: Option<NaiveDate>,
    document_revoked: bool,
    awaiting_amendment: bool,
}

impl MaterialFactsRow {
    fn facts(&self) -> Result<MaterialFacts, DbError> {
        Ok(MaterialFacts {
            moderation: Moderation {
                state: ModerationState::parse(&self.state).ok_or_else(|| {
                    DbError::Inconsistent(format!("ad material {}: {}", self.material_id, self.state))
                })?,
                runs_on: self.runs_on,
            },
            decided_on: tashkent_day(self.decided_at),
            live_from: self.live_from,
            documents_until: self.documents_until,
            document_revoked: self.document_revoked,
            awaiting_amendment: self.awaiting_amendment,
        })
    }
}

#[derive(FromRow)]
struct MaterialRow {
    id: Uuid,
    kind: String,
    title: String,
    body: String,
    target_url: String,
    file_sha256: Option<String>,
    media_type: String,
    width: i32,
    height: i32,
}

#[derive(FromRow)]
struct PlacementRow {
    id: Uuid,
    code: String,
    app_id: Uuid,
    kind: String,
    width: i32,
    height: i32,
}

#[derive(FromRow)]
struct AppRow {
    id: Uuid,
    code: String,
    partner: bool,
    publishable_key: String,
}

impl FactsRow {
    /// The facts of the first day (`next` false) or of the day after it.
    fn facts(&self, day: NaiveDate, next: bool, materials: Vec<MaterialFacts>) -> Result<LineFacts, DbError> {
        let bad = |what: &str| DbError::Inconsistent(format!("line {}: {what}", self.code));
        let budget_exhausted = match (&self.budget_mode, self.budget) {
            (Some(mode), Some(amount)) => {
                let cap = cap_of(budget(mode, amount)?, UnitPrice::new(self.unit_price)?)?;
                count(if next { self.counted_next_day } else { self.counted })? >= cap
            }
            _ => false,
        };
        Ok(LineFacts {
            blank_state: BlankState::parse(&self.state).ok_or_else(|| bad("state of its order blank"))?,
            kind: LineKind::parse(&self.kind).ok_or_else(|| bad("kind"))?,
            term: Term::new(self.first_day, self.last_day).ok_or_else(|| bad("empty term"))?,
            invoice_overdue: self.unpaid_since.is_some_and(|due_on| due_on < day),
            materials,
            customer_suspended: self.suspended,
            consent_withdrawn: self.consent_withdrawn,
            paused: self.paused_at.is_some(),
            interrupted: if next {
                self.interrupted_next_day
            } else {
                self.interrupted
            },
            ended_on: self.ended_on,
            budget_exhausted,
        })
    }
}

impl Store {
    /// Reads what nodes serve from on `day` (and, when the database is gone by then, on the next one).
    pub async fn load_snapshot(&self, day: NaiveDate) -> Result<SnapshotData, DbError> {
        let mut tx = self.begin_view().await?;
        let version: i64 = sqlx::query_scalar(SNAPSHOT_VERSION).fetch_one(tx.conn()).await?;
        let next_day = plus_days(day, 1);
        let rows = facts_rows(&mut tx, day, None).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut versions = material_facts_of(&mut tx, &ids).await?;
        let mut contents = materials_of(&mut tx, &versions, [day, next_day]).await?;
        let mut placements: HashMap<Uuid, Vec<PlacementId>> = HashMap::new();
        let line_placements: Vec<(Uuid, Uuid)> = sqlx::query_as(LINE_PLACEMENTS)
            .bind(&ids)
            .fetch_all(tx.conn())
            .await?;
        for (line, placement) in line_placements {
            placements
                .entry(line)
                .or_default()
                .push(PlacementId::from_uuid(placement));
        }
        let mut regions: HashMap<Uuid, Vec<RegionCode>> = HashMap::new();
        let line_regions: Vec<(Uuid, String)> = sqlx::query_as(LINE_REGIONS)
            .bind(&ids)
            .fetch_all(tx.conn())
            .await?;
        for (line, code) in line_regions {
            regions.entry(line).or_default().push(region(&code)?);
        }
        let mut plans: HashMap<LineId, Vec<StoredPlan>> = HashMap::new();
        for plan_day in [day, next_day] {
            for plan in plans_of_snapshot(tx.conn(), plan_day, &ids).await? {
                plans.entry(plan.line).or_default().push(plan);
            }
        }

        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let versions = versions.remove(&row.id).unwrap_or_default();
            let facts: Vec<MaterialFacts> = versions.iter().map(|(_, facts)| *facts).collect();
            let mut runs_on = Vec::new();
            for (on, next) in [(day, false), (next_day, true)] {
                if why_not_running(&row.facts(on, next, facts.clone())?, on).is_empty() {
                    runs_on.push(on);
                }
            }
            if runs_on.is_empty() {
                continue;
            }
            let id = LineId::from_uuid(row.id);
            lines.push(SnapshotLine {
                id,
                kind: LineKind::parse(&row.kind).ok_or_else(|| DbError::Inconsistent(row.kind.clone()))?,
                code: row.code,
                price: UnitPrice::new(row.unit_price)?,
                placements: placements.remove(&row.id).unwrap_or_default(),
                target: GeoTarget::new(regions.remove(&row.id).unwrap_or_default()),
                targeting: targeting_of_columns(
                    &row.rubrics,
                    &row.search_phrases,
                    &row.schedule,
                    row.frequency_cap,
                )?,
                runs_on,
                materials: versions
                    .into_iter()
                    .filter_map(|(id, facts)| Some(contents.remove(&id)?.material(facts)))
                    .collect::<Result<_, _>>()?,
                plans: plans.remove(&id).unwrap_or_default(),
            });
        }

        let placements: Vec<PlacementRow> = sqlx::query_as(PLACEMENTS).fetch_all(tx.conn()).await?;
        let apps: Vec<AppRow> = sqlx::query_as(APPS).fetch_all(tx.conn()).await?;
        Ok(SnapshotData {
            version,
            day,
            lines,
            placements: placements
                .into_iter()
                .map(PlacementRow::placement)
                .collect::<Result<_, _>>()?,
            apps: apps
                .into_iter()
                .map(|app| SnapshotApp {
                    id: AppId::from_uuid(app.id),
                    code: app.code,
                    partner: app.partner,
                    publishable_key: app.publishable_key,
                })
                .collect(),
        })
    }

    /// A stored file by the SHA-256 of its bytes (lower-case hex).
    pub async fn material_file(&self, sha256: &str) -> Result<Option<StoredFile>, DbError> {
        let row: Option<(String, Vec<u8>)> = sqlx::query_as(FILE)
            .bind(sha256)
            .fetch_optional(self.pool())
            .await?;
        Ok(row.map(|(media_type, content)| StoredFile { media_type, content }))
    }

    /// The keys of tokens that are in use, newest first, with those retired after `still_valid_since`.
    pub async fn token_keys(&self, still_valid_since: Timestamp) -> Result<Vec<TokenKeyRecord>, DbError> {
        let rows: Vec<(i16, Vec<u8>, Timestamp)> = sqlx::query_as(TOKEN_KEYS)
            .bind(still_valid_since)
            .fetch_all(self.pool())
            .await?;
        rows.into_iter()
            .map(|(id, secret, created_at)| {
                let id = u8::try_from(id).map_err(|_| DbError::Inconsistent(format!("token key {id}")))?;
                Ok(TokenKeyRecord {
                    id,
                    secret,
                    created_at,
                })
            })
            .collect()
    }
}

/// What serving nodes write.
pub struct NodeReports<'a>(&'a mut Tx);

impl Tx {
    /// What serving nodes tell of themselves and of the traffic they saw.
    pub fn node_reports(&mut self) -> NodeReports<'_> {
        NodeReports(self)
    }

    /// The facts of these lines on a day, for [`why_not_running`].
    pub async fn line_facts(&mut self, lines: &[LineId], day: NaiveDate) -> Result<Vec<LineOnDay>, DbError> {
        let ids: Vec<Uuid> = lines.iter().map(|line| line.uuid()).collect();
        let rows = facts_rows(self, day, Some(&ids)).await?;
        let mut versions = material_facts_of(self, &ids).await?;
        rows.into_iter()
            .map(|row| {
                let versions = versions.remove(&row.id).unwrap_or_default();
                let facts = versions.into_iter().map(|(_, facts)| facts).collect();
                Ok(LineOnDay {
                    id: LineId::from_uuid(row.id),
                    facts: row.facts(day, false, facts)?,
                    customer: CustomerId::from_uuid(row.customer_id),
                    price: UnitPrice::new(row.unit_price)?,
                    code: row.code,
                })
            })
            .collect()
    }
}

impl NodeReports<'_> {
    /// Adds requests by placement, region and hour.
    pub async fn add_traffic(&mut self, seen: &[TrafficSeen]) -> Result<(), DbError> {
        // One row per key: a statement can't touch the same row twice.
        let mut sums: HashMap<(Uuid, String, Timestamp), u64> = HashMap::new();
        for cell in seen {
            let region = cell.region.map(|region| region.to_string()).unwrap_or_default();
            *sums
                .entry((cell.placement.uuid(), region, hour_of(cell.hour)))
                .or_default() += cell.requests;
        }
        let mut rows: Vec<_> = sums.into_iter().collect();
        // In one order in every node, so that two never wait for each other.
        rows.sort();
        let placements: Vec<Uuid> = rows.iter().map(|((placement, _, _), _)| *placement).collect();
        let regions: Vec<String> = rows.iter().map(|((_, region, _), _)| region.clone()).collect();
        let hours: Vec<Timestamp> = rows.iter().map(|((_, _, hour), _)| *hour).collect();
        let requests: Vec<i64> = rows.iter().map(|(_, n)| bigint(*n)).collect::<Result<_, _>>()?;
        sqlx::query(ADD_TRAFFIC)
            .bind(placements)
            .bind(regions)
            .bind(hours)
            .bind(requests)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Adds opportunities by line and day.
    pub async fn add_demand(&mut self, seen: &[DemandSeen]) -> Result<(), DbError> {
        let mut sums: HashMap<(Uuid, NaiveDate), u64> = HashMap::new();
        for demand in seen {
            *sums.entry((demand.line.uuid(), demand.day)).or_default() += demand.opportunities;
        }
        let mut rows: Vec<_> = sums.into_iter().collect();
        rows.sort();
        let lines: Vec<Uuid> = rows.iter().map(|((line, _), _)| *line).collect();
        let days: Vec<NaiveDate> = rows.iter().map(|((_, day), _)| *day).collect();
        let opportunities: Vec<i64> = rows.iter().map(|(_, n)| bigint(*n)).collect::<Result<_, _>>()?;
        sqlx::query(ADD_DEMAND)
            .bind(lines)
            .bind(days)
            .bind(opportunities)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Says that a node lives and which snapshot it serves from.
    pub async fn heartbeat(
        &mut self,
        name: &str,
        address: &str,
        started_at: Timestamp,
        now: Timestamp,
        snapshot_version: i64,
    ) -> Result<(), DbError> {
        sqlx::query(HEARTBEAT)
            .bind(name)
            .bind(address)
            .bind(started_at)
            .bind(now)
            .bind(snapshot_version)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Adds a token key; it signs from then on. `false` when the number is taken.
    pub async fn insert_token_key(&mut self, id: u8, secret: &[u8], now: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query(INSERT_TOKEN_KEY)
            .bind(i16::from(id))
            .bind(secret)
            .bind(now)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Retires every key but one: the others verify until their last token has expired.
    pub async fn retire_token_keys_but(&mut self, id: u8, now: Timestamp) -> Result<(), DbError> {
        sqlx::query(RETIRE_TOKEN_KEYS)
            .bind(i16::from(id))
            .bind(now)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Removes keys that were retired before an instant, so that their numbers can be used again.
    pub async fn forget_token_keys(&mut self, retired_before: Timestamp) -> Result<(), DbError> {
        sqlx::query(FORGET_TOKEN_KEYS)
            .bind(retired_before)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }
}

async fn facts_rows(tx: &mut Tx, day: NaiveDate, lines: Option<&[Uuid]>) -> Result<Vec<FactsRow>, DbError> {
    let next_day = plus_days(day, 1);
    Ok(sqlx::query_as(LINE_FACTS)
        .bind(day)
        .bind(next_day)
        .bind(lines)
        .bind(scope_number(day)?)
        .bind(scope_number(next_day)?)
        .fetch_all(tx.conn())
        .await?)
}

/// The versions of each line's material, oldest first.
type Versions = HashMap<Uuid, Vec<(Uuid, MaterialFacts)>>;

async fn material_facts_of(tx: &mut Tx, lines: &[Uuid]) -> Result<Versions, DbError> {
    let rows: Vec<MaterialFactsRow> = sqlx::query_as(MATERIAL_FACTS)
        .bind(lines)
        .fetch_all(tx.conn())
        .await?;
    let mut by_line = Versions::new();
    for row in rows {
        by_line
            .entry(row.line_id)
            .or_default()
            .push((row.material_id, row.facts()?));
    }
    Ok(by_line)
}

/// What is shown on one of the days, by its id.
async fn materials_of(
    tx: &mut Tx,
    versions: &Versions,
    days: [NaiveDate; 2],
) -> Result<HashMap<Uuid, MaterialRow>, DbError> {
    let shown: Vec<Uuid> = versions
        .values()
        .flatten()
        .filter(|(_, facts)| days.iter().any(|day| facts.why_not_shown(*day).is_none()))
        .map(|(id, _)| *id)
        .collect();
    let rows: Vec<MaterialRow> = sqlx::query_as(MATERIALS).bind(shown).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

fn kind_of(code: &str) -> Result<PlacementKind, DbError> {
    PlacementKind::parse(code).ok_or_else(|| DbError::Inconsistent(format!("kind of placement `{code}`")))
}

fn pixels(n: i32) -> Result<u32, DbError> {
    u32::try_from(n).map_err(|_| DbError::Inconsistent(format!("{n} pixels")))
}

impl MaterialRow {
    fn material(self, facts: MaterialFacts) -> Result<SnapshotMaterial, DbError> {
        Ok(SnapshotMaterial {
            id: AdMaterialId::from_uuid(self.id),
            kind: kind_of(&self.kind)?,
            title: self.title,
            body: self.body,
            target_url: self.target_url,
            file_sha256: self.file_sha256,
            media_type: self.media_type,
            width: pixels(self.width)?,
            height: pixels(self.height)?,
            live_from: facts.live_from,
            last_day: facts.last_day(),
        })
    }
}

impl PlacementRow {
    fn placement(self) -> Result<SnapshotPlacement, DbError> {
        Ok(SnapshotPlacement {
            id: PlacementId::from_uuid(self.id),
            code: self.code,
            app: AppId::from_uuid(self.app_id),
            kind: kind_of(&self.kind)?,
            width: pixels(self.width)?,
            height: pixels(self.height)?,
        })
    }
}

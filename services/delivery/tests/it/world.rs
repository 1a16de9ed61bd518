//! A platform in small for the node's tests: two apps, three placements, signed lines, a clock that is moved by hand.

use chrono::{NaiveDate, TimeDelta};
use namoyish_delivery::counters::Counters;
use namoyish_delivery::counters::memory::MemoryCounters;
use namoyish_delivery::journal::{EventKind, Journal, JournalOptions};
use namoyish_delivery::node::{
    AdRequest, CountOutcome, Node, NodeParts, Offer, PageContext, PlacementAnswer,
};
use namoyish_delivery::settings::NodeSettings;
use namoyish_domain::calendar::{Timestamp, at_tashkent, day_start, tashkent_day};
use namoyish_domain::delivery::pacing::{PlanInputs, TrafficCurve, plan_day};
use namoyish_domain::ids::{CustomerId, LineId, PlacementId};
use namoyish_domain::money::Money;
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, LineKind, Prepayment, VatTerms};
use namoyish_domain::orders::placement::RegionCode;
use namoyish_storage::plans::StoredPlan;
use namoyish_testkit::contracts::{BlankSpec, LineSpec};
use namoyish_testkit::{TestContext, context_at, contracts};
use sqlx::PgPool;
use std::sync::Arc;
use uuid::Uuid;

pub const OWN_KEY: &str = "pk_own";
pub const PARTNER_KEY: &str = "pk_partner";
pub fn top() -> PlacementId {
    PlacementId::from_uuid(Uuid::from_u128(101))
}

pub fn side() -> PlacementId {
    PlacementId::from_uuid(Uuid::from_u128(102))
}

pub fn partner() -> PlacementId {
    PlacementId::from_uuid(Uuid::from_u128(103))
}

pub fn tashkent(text: &str) -> Timestamp {
    at_tashkent(text.parse().unwrap())
}

pub fn region(code: &str) -> RegionCode {
    RegionCode::parse(code).unwrap()
}

pub struct World {
    pub ctx: TestContext,
    pub pool: PgPool,
    pub counters: Arc<MemoryCounters>,
    pub customer: CustomerId,
    pub journals: tempfile::TempDir,
    blanks: u32,
}

/// A line to be signed.
pub struct Wanted<'a> {
    pub kind: LineKind,
    pub budget: &'a str,
    pub price: &'a str,
    pub last_day: &'a str,
    pub placements: Vec<PlacementId>,
    pub regions: &'a [&'a str],
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Wanted {
            kind: LineKind::Media,
            budget: "300000.00",
            price: "12000.00",
            last_day: "2026-11-30",
            placements: vec![top()],
            regions: &[],
        }
    }
}

impl World {
    /// A platform on 1 November 2026 at midnight, without lines.
    pub async fn new(seed: u64) -> World {
        let ctx = context_at(seed, day_start("2026-11-01".parse().unwrap())).await;
        contracts::operator(&ctx, true).await;
        let customer = contracts::customer(&ctx, "osh", 1).await;
        let pool = ctx.database.pool();
        // Lines are given their places after signing here, which only an amendment may do.
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "alter table line_placements disable trigger user;
             alter table line_regions disable trigger user;
             insert into regions values ('UZ', null, 'u', 'u', 'u'), ('UZ-TK', 'UZ', 't', 't', 't'),
                 ('UZ-SA', 'UZ', 's', 's', 's');
             insert into apps values ('{app}', 'web', 'Web', false, '{OWN_KEY}'),
                 ('{partner}', 'ally', 'Ally', true, '{PARTNER_KEY}');
             insert into placements (id, code, app_id, name_uz, name_ru, name_en, kind)
               values ('{top}', 'site-top', '{app}', 'u', 'r', 'e', 'text'),
                      ('{side}', 'site-side', '{app}', 'u', 'r', 'e', 'text'),
                      ('{ally}', 'ally-top', '{partner}', 'u', 'r', 'e', 'text');",
            app = Uuid::from_u128(51),
            partner = Uuid::from_u128(52),
            top = top().uuid(),
            side = side().uuid(),
            ally = partner().uuid(),
        )))
        .execute(&pool)
        .await
        .unwrap();
        World {
            ctx,
            pool,
            counters: Arc::new(MemoryCounters::new()),
            customer,
            journals: tempfile::tempdir().unwrap(),
            blanks: 0,
        }
    }

    /// Signs a line that runs from today, with an approved text; media lines get today's plan.
    pub async fn line(&mut self, wanted: Wanted<'_>) -> LineId {
        self.blanks += 1;
        let code = format!("OB-{}", self.blanks);
        let line_code = format!("{code}/1");
        let today = self.ctx.today().to_string();
        let budget = Budget {
            mode: BudgetMode::Total,
            amount: Money::parse(wanted.budget).unwrap(),
        };
        let spec = BlankSpec {
            customer: self.customer,
            code: &code,
            prepayment: Prepayment::Full,
            vat: VatTerms::of(true, namoyish_domain::money::Rate::parse("0.12").unwrap()),
            lines: vec![LineSpec {
                code: &line_code,
                kind: wanted.kind,
                unit_price: wanted.price,
                term: (&today, wanted.last_day),
                budget: (wanted.kind == LineKind::Media).then_some(budget),
                ready_from: Some(&today),
            }],
        };
        let (_, lines) = contracts::signed_blank(&self.ctx, &spec).await;
        for placement in &wanted.placements {
            self.sql(
                "insert into line_placements values ($1, $2)",
                &[lines[0].uuid(), placement.uuid()],
            )
            .await;
        }
        for code in wanted.regions {
            sqlx::query("insert into line_regions values ($1, $2)")
                .bind(lines[0].uuid())
                .bind(*code)
                .execute(&self.pool)
                .await
                .unwrap();
        }
        self.plan(self.ctx.today()).await;
        lines[0]
    }

    pub async fn sql(&self, statement: &'static str, ids: &[Uuid]) {
        let mut query = sqlx::query(statement);
        for id in ids {
            query = query.bind(*id);
        }
        query.execute(&self.pool).await.unwrap();
    }

    /// Plans a day as the billing worker does, without a curve.
    pub async fn plan(&self, day: NaiveDate) {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let lines = tx.plans().lines_to_plan(day, &[]).await.unwrap();
        let ids: Vec<LineId> = lines.iter().map(|line| line.line).collect();
        let latest = tx.plans().latest(day, &ids).await.unwrap();
        let plans: Vec<StoredPlan> = lines
            .iter()
            .map(|line| StoredPlan {
                line: line.line,
                version: latest.get(&line.line).map_or(1, |plan| plan.version + 1),
                plan: plan_day(&PlanInputs {
                    day,
                    base_at: day_start(day),
                    term: line.term,
                    budget: line.budget,
                    price: line.price,
                    counted_before_day: line.counted_before_day,
                    counted_before_base: 0,
                    extra_period: None,
                    curve: TrafficCurve::FLAT,
                })
                .unwrap(),
            })
            .collect();
        tx.plans().insert_all(day, &plans, self.ctx.now()).await.unwrap();
        tx.bump_snapshot().await.unwrap();
        tx.save().await.unwrap();
    }

    pub fn parts(&self, name: &str, counters: Arc<dyn Counters>) -> NodeParts {
        let ids = self.ctx.ids.fork(name);
        let options = JournalOptions {
            sync: false,
            ..JournalOptions::new(name, self.ctx.now(), ids.clone())
        };
        let journal = Journal::open(self.journals.path().join(name), options).unwrap();
        let settings = NodeSettings {
            refill_every: TimeDelta::seconds(5),
            refill_gap: TimeDelta::zero(),
            ..NodeSettings::new(name, "http://127.0.0.1:8081/")
        };
        NodeParts {
            settings,
            store: self.ctx.store.clone(),
            counters,
            journal: Arc::new(journal),
            ids,
        }
    }

    /// A node that has taken its first numbers.
    pub async fn node(&self, name: &str) -> Node {
        let node = Node::start(self.parts(name, self.counters.clone()), self.ctx.now())
            .await
            .unwrap();
        node.refill(self.ctx.now()).await.unwrap();
        node
    }

    /// Impressions counted in PostgreSQL.
    pub async fn counted(&self, line: LineId) -> u64 {
        let mut tx = self.ctx.store.begin().await.unwrap();
        tx.counting().counted(line, 0).await.unwrap()
    }
}

pub fn request(placements: &[PlacementId], viewer: Option<&str>) -> AdRequest {
    AdRequest {
        context: PageContext::default(),
        app: None,
        placements: placements.to_vec(),
        region: viewer.map(region),
    }
}

/// The only answer's offer.
pub fn offer(node: &Node, placement: PlacementId, viewer: Option<&str>, now: Timestamp) -> Option<Offer> {
    match node.serve(&request(&[placement], viewer), now).pop().unwrap() {
        PlacementAnswer::Ad(offer) => Some(offer),
        PlacementAnswer::NoAd(_) => None,
    }
}

/// Traffic from `from` until `until`: a request each `every`, every ad rendered but each `lost`-th. Nodes take turns.
/// Answers how many were acknowledged.
pub async fn drive(
    nodes: &[&Node],
    world: &World,
    (from, until): (Timestamp, Timestamp),
    every: TimeDelta,
    lost: u64,
    asked: &AdRequest,
) -> u64 {
    let (mut now, mut shown, mut acknowledged) = (from, 0_u64, 0);
    let (mut marks_at, mut ship_at) = (from, from);
    let mut turn = 0;
    while now < until {
        if now >= marks_at {
            for node in nodes {
                node.flush_marks(now).await.unwrap();
            }
            marks_at = now + TimeDelta::seconds(10);
        }
        if now >= ship_at {
            for node in nodes {
                node.ship(&world.ctx.store, now).await.unwrap();
                node.report_totals(&world.ctx.store, now).await.unwrap();
            }
            ship_at = now + TimeDelta::minutes(10);
        }
        let node = nodes[turn % nodes.len()];
        turn += 1;
        if node.refill_due_at() <= now {
            node.refill(now).await.unwrap();
        }
        for answer in node.serve(asked, now) {
            if let PlacementAnswer::Ad(offer) = answer {
                shown += 1;
                if shown % lost != 0 {
                    let token = node.impression_token(&offer);
                    match node.count(&token, EventKind::Impression, now + TimeDelta::seconds(1)) {
                        CountOutcome::Counted(_) => acknowledged += 1,
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
        now += every;
    }
    for node in nodes {
        node.flush_marks(now).await.unwrap();
        node.ship(&world.ctx.store, now).await.unwrap();
    }
    assert_eq!(
        tashkent_day(from),
        tashkent_day(until - TimeDelta::seconds(1)),
        "one day at a time"
    );
    acknowledged
}

//! Lines in memory, and a node that serves them.

use chrono::NaiveDate;
use namoyish_delivery::counters::memory::MemoryCounters;
use namoyish_delivery::counters::{Counters, InstallBase};
use namoyish_delivery::journal::{Journal, JournalOptions};
use namoyish_delivery::node::{AdRequest, Node, NodeParts, PageContext};
use namoyish_delivery::settings::NodeSettings;
use namoyish_domain::calendar::{Timestamp, day_start, minus_days, plus_days};
use namoyish_domain::delivery::geo::GeoTarget;
use namoyish_domain::delivery::pacing::{PlanInputs, TrafficCurve, plan_day};
use namoyish_domain::delivery::token::TokenKeys;
use namoyish_domain::ids::{AdMaterialId, AppId, LineId, PlacementId};
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, LineKind, Term};
use namoyish_domain::orders::placement::{PlacementKind, RegionCode};
use namoyish_domain::orders::targeting::Targeting;
use namoyish_runtime::clock::Clock;
use namoyish_runtime::ids::Generator;
use namoyish_storage::Store;
use namoyish_storage::plans::StoredPlan;
use namoyish_storage::runnable::{
    SnapshotApp, SnapshotData, SnapshotLine, SnapshotMaterial, SnapshotPlacement,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Placements of the spread market.
const PLACEMENTS: u32 = 50;
/// The regions of Uzbekistan; a line in sixteen is for the whole country and one for everybody.
const REGIONS: [&str; 14] = [
    "UZ-TK", "UZ-TO", "UZ-AN", "UZ-BU", "UZ-FA", "UZ-JI", "UZ-NG", "UZ-NW", "UZ-QA", "UZ-QR", "UZ-SA",
    "UZ-SI", "UZ-SU", "UZ-XO",
];
const BUDGET: &str = "9000000000000000.00";

/// A node with so many lines, and the requests that it is asked.
pub struct Market {
    pub node: Node,
    pub requests: Vec<AdRequest>,
    pub lines: u32,
    /// Lines that match a request.
    pub matching: usize,
    /// What building the snapshot and taking the first numbers took.
    pub built_in: Duration,
    clock: Clock,
}

impl Market {
    pub async fn new(store: &Store, lines: u32, crowded: bool) -> anyhow::Result<Market> {
        let clock = Clock::system();
        let ids = Generator::seeded(lines.into());
        let now = clock.now();
        let day = clock.today();
        let uuid = || ids.uuid(now);
        let app = AppId::from_uuid(uuid());
        let placements: Vec<SnapshotPlacement> = (0..if crowded { 1 } else { PLACEMENTS })
            .map(|n| SnapshotPlacement {
                id: PlacementId::from_uuid(uuid()),
                code: format!("joy-{n:02}"),
                app,
                kind: PlacementKind::Banner,
                width: 728,
                height: 90,
            })
            .collect();
        let mut sold = Vec::new();
        for n in 0..lines {
            let place = usize::try_from(n / 16)? % placements.len();
            let placement = placements.get(place).context("a placement")?.id;
            let target = if crowded { GeoTarget::default() } else { target(n)? };
            sold.push(line(&ids, now, day, n, placement, target)?);
        }
        let data = SnapshotData {
            version: 1,
            day,
            lines: sold,
            placements,
            apps: vec![SnapshotApp {
                id: app,
                code: "yuk".to_owned(),
                partner: false,
                publishable_key: "pk_yuk".to_owned(),
            }],
        };
        let requests = requests(&data)?;
        let matching = if crowded {
            usize::try_from(lines)?
        } else {
            usize::try_from(lines)? / data.placements.len() * 3 / 16
        };
        let counters = MemoryCounters::new();
        for line in &data.lines {
            let base = InstallBase {
                line: line.id,
                scope: 0,
                generation: 1,
                counted_before_day: 0,
                day,
                counted_in_day: 0,
                reserved: 0,
                reserved_before_day: 0,
                reserved_until_seconds: 0,
            };
            counters.install(&base, now.timestamp()).await?;
        }
        let folder = std::env::temp_dir().join(format!("namoyish-decision-{}", std::process::id()));
        let options = JournalOptions {
            sync: false,
            ..JournalOptions::new("yuk", now, ids.clone())
        };
        let parts = NodeParts {
            settings: NodeSettings {
                // Enough for a block between two refills, wherever the choice falls.
                grant_min: 200,
                ..NodeSettings::new("yuk", "http://127.0.0.1")
            },
            store: store.clone(),
            counters: Arc::new(counters),
            journal: Arc::new(Journal::open(&folder, options)?),
            ids,
        };
        let keys = TokenKeys::new((1, &[7; 32]), &[]).context("a key of 32 bytes")?;
        let begun = Instant::now();
        let node = Node::new(parts, keys, data, now);
        while node.refill_due_at() <= clock.now() {
            node.refill(clock.now()).await?;
        }
        let built_in = begun.elapsed();
        // Nothing is counted, so nothing is in it.
        std::fs::remove_dir_all(&folder)?;
        Ok(Market {
            node,
            requests,
            lines,
            matching,
            built_in,
            clock,
        })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn target(n: u32) -> anyhow::Result<GeoTarget> {
    let at = usize::try_from(n % 16)?;
    let code = match REGIONS.get(at) {
        Some(code) => code,
        None if at == REGIONS.len() => "UZ",
        None => return Ok(GeoTarget::default()),
    };
    Ok(GeoTarget::new([RegionCode::parse(code)?]))
}

fn line(
    ids: &Generator,
    now: Timestamp,
    day: NaiveDate,
    n: u32,
    placement: PlacementId,
    target: GeoTarget,
) -> anyhow::Result<SnapshotLine> {
    let id = LineId::from_uuid(ids.uuid(now));
    let price = UnitPrice::parse(&format!("{}.50", 10 + n % 90))?;
    let plan = plan_day(&PlanInputs {
        day,
        base_at: day_start(day),
        term: Term::new(minus_days(day, 3), plus_days(day, 30)).context("a term ends after it begins")?,
        budget: Budget {
            mode: BudgetMode::Total,
            amount: Money::parse(BUDGET)?,
        },
        price,
        counted_before_day: 0,
        counted_before_base: 0,
        extra_period: None,
        curve: TrafficCurve::FLAT,
    })?;
    Ok(SnapshotLine {
        id,
        code: format!("YUK/{n}"),
        kind: LineKind::Media,
        price,
        placements: vec![placement],
        target,
        targeting: Targeting::default(),
        runs_on: vec![day],
        materials: vec![SnapshotMaterial {
            id: AdMaterialId::from_uuid(ids.uuid(now)),
            kind: PlacementKind::Banner,
            title: format!("{n}-qator"),
            body: String::new(),
            target_url: format!("https://mijoz.example.uz/aksiya/{n}"),
            file_sha256: None,
            media_type: String::new(),
            width: 728,
            height: 90,
            live_from: minus_days(day, 3),
            last_day: None,
        }],
        plans: vec![StoredPlan {
            line: id,
            version: 1,
            plan,
        }],
    })
}

/// Every placement from every region, in a mixed order.
fn requests(data: &SnapshotData) -> anyhow::Result<Vec<AdRequest>> {
    let mut requests = Vec::new();
    for region in REGIONS {
        for placement in &data.placements {
            requests.push(AdRequest {
                context: PageContext::default(),
                app: None,
                placements: vec![placement.id],
                region: Some(RegionCode::parse(region)?),
            });
        }
    }
    let n = requests.len();
    Ok((0..n)
        .filter_map(|at| requests.get(at * 11 % n).cloned())
        .collect())
}

//! The demo's past: a real node and the real billing worker on a virtual clock, day by day until today's midnight.
//!
//! Viewers come by an evening curve from several regions; 19 of 20 ads are rendered and counted. The node's journal lies in a
//! folder of its own, and its counters are in process: nothing of it is left in Redis when the present begins.

use anyhow::Context as _;
use chrono::{NaiveDate, TimeDelta};
use namoyish_billing::{BillingSettings, worker};
use namoyish_delivery::counters::memory::MemoryCounters;
use namoyish_delivery::journal::{EventKind, Journal, JournalOptions};
use namoyish_delivery::node::{AdRequest, Node, NodeParts, PageContext, PlacementAnswer};
use namoyish_delivery::settings::NodeSettings;
use namoyish_domain::calendar::{Timestamp, day_start, plus_days, tashkent_day};
use namoyish_domain::ids::PlacementId;
use namoyish_domain::orders::placement::RegionCode;
use namoyish_runtime::context::Context;
use namoyish_runtime::mail::Mailer;
use namoyish_runtime::settings::Settings;
use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

/// Requests of a placement and region per weight of an hour.
const REGIONS: [(&str, u32); 3] = [("UZ-TK", 5), ("UZ-SA", 2), ("UZ-FA", 1)];
/// Weight of each hour: quiet nights, a peak in the evening. They sum to 68.
const HOURS: [u32; 24] = [
    1, 1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 4, 4, 3, 3, 3, 3, 4, 4, 5, 6, 5, 3, 1,
];
/// One ad in this many is never rendered.
const UNSEEN_EACH: u64 = 20;
/// From the decision to the rendered banner.
const RENDERED_AFTER: TimeDelta = TimeDelta::seconds(2);
/// Yesterday's last tokens run out in steps until the third of these; then the worker may close.
const SETTLE_AT_SECONDS: [i64; 5] = [0, 330, 665, 965, 1205];
const SHIP_EACH_HOURS: i64 = 3;
/// A counter's epoch closes a minute after its last token: marks that came later would be given out again.
const MARKS_TOLD_EACH: TimeDelta = TimeDelta::seconds(30);

/// Where the past's journal lies while the demo is being made.
pub fn folder(settings: &Settings) -> PathBuf {
    settings.data.dir.join("journal").join("demo-past")
}

/// Lives from the context's virtual day until the midnight before `now`.
pub async fn live(
    settings: &Settings,
    ctx: &Context,
    placements: &[PlacementId],
    now: Timestamp,
) -> anyhow::Result<()> {
    let folder = folder(settings);
    let options = JournalOptions {
        sync: false,
        keep_applied: false,
        ..JournalOptions::new("demo-past", ctx.now(), ctx.ids.fork("demo-past"))
    };
    let parts = NodeParts {
        settings: NodeSettings {
            refill_every: TimeDelta::seconds(20),
            requests_per_minute_max: 0,
            ..NodeSettings::new("demo-past", settings.delivery.public_url.clone())
        },
        store: ctx.store.clone(),
        counters: Arc::new(MemoryCounters::new()),
        journal: Arc::new(Journal::open(&folder, options)?),
        ids: ctx.ids.fork("demo-past-node"),
    };
    let past = Past {
        ctx,
        node: Node::start(parts, ctx.now()).await?,
        requests: requests(placements)?,
        billing: BillingSettings::of(settings),
        mailer: Mailer::from_settings(&settings.mail, &settings.data.dir)?,
        marks_told: Cell::new(ctx.now()),
    };
    let today = tashkent_day(now);
    let mut day = ctx.today();
    let mut counted = 0;
    while day < today {
        counted += past
            .day(day)
            .await
            .with_context(|| format!("{day} can't be lived"))?;
        if std::io::stdout().is_terminal() {
            // A line that is written over: the newcomer sees that it goes on.
            print!("\r  living the demo's past: {day}, {counted} impressions counted");
            std::io::stdout().flush()?;
        }
        day = plus_days(day, 1);
    }
    past.settle(day, now).await?;
    println!("\r  lived the demo's past until {day}: {counted} impressions counted        ");
    Ok(())
}

struct Past<'a> {
    ctx: &'a Context,
    node: Node,
    requests: Vec<(AdRequest, u32)>,
    billing: BillingSettings,
    mailer: Mailer,
    marks_told: Cell<Timestamp>,
}

impl Past<'_> {
    async fn day(&self, day: NaiveDate) -> anyhow::Result<u64> {
        let start = day_start(day);
        self.settle(day, start + TimeDelta::days(1)).await?;
        let mut counted = 0;
        for (hour, weight) in (0i64..).zip(HOURS) {
            counted += self.hour(start + TimeDelta::hours(hour), weight).await?;
            if (hour + 1) % SHIP_EACH_HOURS == 0 {
                self.at(start + TimeDelta::hours(hour + 1));
                self.ship().await?;
            }
        }
        Ok(counted)
    }

    /// The first twenty minutes of a day: what the day before left is counted, the new day is planned, a month is closed.
    async fn settle(&self, day: NaiveDate, until: Timestamp) -> anyhow::Result<()> {
        for seconds in SETTLE_AT_SECONDS {
            let at = day_start(day) + TimeDelta::seconds(seconds);
            if at > until {
                break;
            }
            self.at(at);
            self.ship().await?;
            let ticked = worker::tick(self.ctx, &self.billing, &self.mailer).await?;
            if let Some((job, error)) = ticked.first_failure() {
                anyhow::bail!("the job {job} failed: {error}");
            }
            self.node.refresh_snapshot(at).await?;
        }
        Ok(())
    }

    async fn hour(&self, start: Timestamp, weight: u32) -> anyhow::Result<u64> {
        let total: u32 = self.requests.iter().map(|(_, share)| share * weight).sum();
        let gap = TimeDelta::milliseconds(3_600_000 / i64::from(total.max(1)));
        let mut at = start;
        let mut counted = 0;
        for round in 0..weight {
            for (request, share) in &self.requests {
                for _ in 0..*share {
                    counted += self.view(request, at).await?;
                    at += gap;
                }
            }
            tracing::trace!(round, "an hour's round");
        }
        Ok(counted)
    }

    async fn view(&self, request: &AdRequest, at: Timestamp) -> anyhow::Result<u64> {
        // The first twenty minutes belong to `settle`; the clock never goes back.
        let at = at.max(self.ctx.now());
        self.at(at);
        if self.node.refill_due_at() <= at {
            self.node.refill(at).await?;
        }
        if at - self.marks_told.get() >= MARKS_TOLD_EACH {
            self.node.flush_marks(at).await?;
            self.marks_told.set(at);
        }
        let mut counted = 0;
        for answer in self.node.serve(request, at) {
            let PlacementAnswer::Ad(offer) = answer else {
                continue;
            };
            if self.ctx.ids.draw().is_multiple_of(UNSEEN_EACH) {
                continue;
            }
            self.node.count(
                &self.node.impression_token(&offer),
                EventKind::Impression,
                at + RENDERED_AFTER,
            );
            counted += 1;
        }
        Ok(counted)
    }

    async fn ship(&self) -> anyhow::Result<()> {
        let (store, now) = (&self.ctx.store, self.ctx.now());
        self.node.flush_marks(now).await?;
        self.node.ship(store, now).await?;
        self.node.report_totals(store, now).await?;
        Ok(self.node.report_traffic(store).await?)
    }

    fn at(&self, at: Timestamp) {
        self.ctx.clock.advance_to(at);
    }
}

fn requests(placements: &[PlacementId]) -> anyhow::Result<Vec<(AdRequest, u32)>> {
    REGIONS
        .into_iter()
        .map(|(region, share)| {
            let region = Some(RegionCode::parse(region)?);
            let request = AdRequest {
                context: PageContext::default(),
                app: None,
                placements: placements.to_vec(),
                region,
            };
            Ok((request, share * 8))
        })
        .collect()
}

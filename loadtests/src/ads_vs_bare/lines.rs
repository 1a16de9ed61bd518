//! Lines that may run: signed blanks with placements, regions, an approved banner and a plan of today, many of them.
//!
//! Written through `storage` a thousand at a time; the commands would check each for a millisecond. Budgets are so large
//! that the pace admits whatever wrk asks for: what is measured is serving, not refusing.

use anyhow::Context as _;
use chrono::NaiveDate;
use namoyish_domain::calendar::{day_start, minus_days, plus_days};
use namoyish_domain::delivery::pacing::{PlanInputs, TrafficCurve, plan_day};
use namoyish_domain::ids::{
    AdMaterialId, AppId, CustomerId, LineId, OrderBlankId, PlacementId, PriceListItemId,
};
use namoyish_domain::money::{Money, Rate, UnitPrice};
use namoyish_domain::orders::material::MediaType;
use namoyish_domain::orders::moderation::ModerationState;
use namoyish_domain::orders::order_blank::{
    BlankState, Budget, BudgetMode, LineKind, Prepayment, SignatureKind, StatisticsSource, Term, VatTerms,
};
use namoyish_domain::orders::party::Email;
use namoyish_domain::orders::placement::{PlacementFormat, PlacementKind, RegionCode};
use namoyish_domain::orders::price_list::Names;
use namoyish_domain::orders::targeting::Targeting;
use namoyish_runtime::context::Context;
use namoyish_storage::materials::{Decision, NewAdMaterial};
use namoyish_storage::order_blanks::{OrderBlank, Signature};
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::placements::{App, Placement, Region};
use namoyish_storage::plans::StoredPlan;
use namoyish_storage::{Store, Tx};
use namoyish_testkit::contracts;

/// Placements that the lines are spread over.
const PLACEMENTS: usize = 50;
/// Lines of an order blank, and of a transaction.
const BATCH: u32 = 1000;
/// The regions of Uzbekistan; a line in sixteen is for the whole country and one for everybody.
const REGIONS: [&str; 14] = [
    "UZ-TK", "UZ-TO", "UZ-AN", "UZ-BU", "UZ-FA", "UZ-JI", "UZ-NG", "UZ-NW", "UZ-QA", "UZ-QR", "UZ-SA",
    "UZ-SI", "UZ-SU", "UZ-XO",
];
const FILE: &str = "0f0e0d0c0b0a09080706050403020100ffeeddccbbaa99887766554433221100";
const BUDGET: &str = "9000000000000000.00";

/// What requests are made of.
pub struct Market {
    /// The app's publishable key.
    pub key: String,
    /// Codes of the placements.
    pub placements: Vec<String>,
    /// Addresses of viewers: one in each region, one abroad.
    pub viewers: Vec<String>,
}

/// The operator's overlay: a network for each region.
pub fn overlay() -> String {
    REGIONS
        .iter()
        .enumerate()
        .map(|(n, region)| format!("100.64.{n}.0/24,{region}\n"))
        .collect()
}

/// Sells `n` lines.
pub async fn sell(store: &Store, n: u32) -> anyhow::Result<Market> {
    let ctx = Context::new(store.clone());
    contracts::operator(&ctx, true).await;
    let customer = contracts::customer(&ctx, "YUK", 1).await;
    let (app, placements) = inventory(&ctx).await?;
    let mut first = 0;
    while first < n {
        let size = BATCH.min(n - first);
        blank(&ctx, customer, &placements, first, size)
            .await
            .with_context(|| format!("lines from {first} on"))?;
        first += size;
    }
    let mut viewers: Vec<String> = (0..REGIONS.len()).map(|n| format!("100.64.{n}.7")).collect();
    // Resolved by the database, and by nothing.
    viewers.extend(["81.2.69.160".to_owned(), "192.0.2.1".to_owned()]);
    Ok(Market {
        key: app.publishable_key,
        placements: placement_codes().collect(),
        viewers,
    })
}

/// Codes of the placements.
pub fn placement_codes() -> impl Iterator<Item = String> {
    (0..PLACEMENTS).map(|n| format!("joy-{n:02}"))
}

fn names(name: &str) -> Names {
    Names {
        uz: name.to_owned(),
        ru: name.to_owned(),
        en: name.to_owned(),
    }
}

async fn inventory(ctx: &Context) -> anyhow::Result<(App, Vec<PlacementId>)> {
    let mut tx = ctx.store.begin().await?;
    for code in ["UZ"].into_iter().chain(REGIONS) {
        tx.placements()
            .put_region(&Region {
                code: RegionCode::parse(code)?,
                names: names(code),
            })
            .await?;
    }
    let app = App {
        id: AppId::from_uuid(ctx.uuid()),
        code: "yuk".to_owned(),
        name: "Yuk".to_owned(),
        partner: false,
        publishable_key: format!("pk_{:032x}", ctx.ids.draw()),
    };
    tx.placements().insert_app(&app).await?;
    let format = PlacementFormat {
        kind: PlacementKind::Banner,
        width: 728,
        height: 90,
        bytes_max: 153_600,
        text_max: 0,
    };
    let mut placements = Vec::with_capacity(PLACEMENTS);
    for code in placement_codes() {
        let id = PlacementId::from_uuid(ctx.uuid());
        tx.placements()
            .insert(&Placement {
                id,
                names: names(&code),
                code,
                app: app.id,
                format,
            })
            .await?;
        placements.push(id);
    }
    tx.materials()
        .put_file(FILE, MediaType::Png, b"png", ctx.now())
        .await?;
    tx.save().await?;
    Ok((app, placements))
}

async fn blank(
    ctx: &Context,
    customer: CustomerId,
    placements: &[PlacementId],
    first: u32,
    n: u32,
) -> anyhow::Result<()> {
    let today = ctx.today();
    let now = ctx.now();
    let mut tx = ctx.store.begin().await?;
    let id = OrderBlankId::from_uuid(ctx.uuid());
    let code = format!("YUK-{first}");
    let blank = OrderBlank {
        id,
        number: code.clone(),
        code,
        customer,
        city: "Toshkent".to_owned(),
        state: BlankState::Draft,
        rules_edition: 1,
        prepayment: Prepayment::Full,
        own_due_on: None,
        own_due_days: None,
        statistics_source: StatisticsSource::Own,
        notice_emails: vec![Email::parse("yuk@example.uz")?],
        made_out_on: today,
        vat: VatTerms::Payer(Rate::parse("0.12")?),
        created_at: now,
        offered_at: None,
        signature: None,
    };
    tx.order_blanks().insert(&blank).await?;
    let list = tx
        .price_lists()
        .in_force(today)
        .await?
        .context("the price list is there")?;
    let item = tx
        .price_lists()
        .item_by_code(list.id, "MEDIA-BANNER")
        .await?
        .context("the item is there")?;
    let mut plans = Vec::new();
    for (position, at) in (1..).zip(first..first + n) {
        plans.push(line(ctx, &mut tx, id, item.id, position, at, placements).await?);
    }
    tx.order_blanks().set_offered(id, now).await?;
    let signature = Signature {
        signed_at: now,
        signed_on: today,
        kind: SignatureKind::Paper,
        signed_by: "yuk".to_owned(),
        canonical_json: "{}".to_owned(),
        sha256: "0".repeat(64),
        scan: None,
    };
    tx.order_blanks().sign(id, &signature).await?;
    tx.plans().insert_all(today, &plans, now).await?;
    tx.bump_snapshot().await?;
    Ok(tx.save().await?)
}

fn regions_of(n: u32) -> anyhow::Result<Vec<RegionCode>> {
    let at = usize::try_from(n % 16)?;
    let code = match REGIONS.get(at) {
        Some(code) => code,
        None if at == REGIONS.len() => "UZ",
        None => return Ok(Vec::new()),
    };
    Ok(vec![RegionCode::parse(code)?])
}

async fn line(
    ctx: &Context,
    tx: &mut Tx,
    blank: OrderBlankId,
    item: PriceListItemId,
    position: i32,
    n: u32,
    placements: &[PlacementId],
) -> anyhow::Result<StoredPlan> {
    let today = ctx.today();
    let term =
        Term::new(minus_days(today, 3), plus_days(today, 30)).context("a term ends after it begins")?;
    let id = LineId::from_uuid(ctx.uuid());
    let budget = Budget {
        mode: BudgetMode::Total,
        amount: Money::parse(BUDGET)?,
    };
    // Each placement has lines of every region; prices differ, so that ties are rare.
    let place = usize::try_from(n / 16)? % placements.len();
    let line = OrderLine {
        id,
        blank,
        position,
        code: format!("YUK/{n}"),
        kind: LineKind::Media,
        item,
        unit_price: UnitPrice::parse(&format!("{}.50", 10 + n % 90))?,
        list_price: None,
        price_group: None,
        ordered_term: term,
        term,
        budget: Some(budget),
        quantity: None,
        one_off: false,
        paused_at: None,
        ended_on: None,
        placements: placements.get(place).copied().into_iter().collect(),
        regions: regions_of(n)?,
        targeting: Targeting::default(),
    };
    tx.order_lines().insert(&line).await?;
    material(ctx, tx, &line, today).await?;
    let plan = plan_day(&PlanInputs {
        day: today,
        base_at: day_start(today),
        term,
        budget,
        price: line.unit_price,
        counted_before_day: 0,
        counted_before_base: 0,
        extra_period: None,
        curve: TrafficCurve::FLAT,
    })?;
    Ok(StoredPlan {
        line: id,
        version: 1,
        plan,
    })
}

async fn material(ctx: &Context, tx: &mut Tx, line: &OrderLine, today: NaiveDate) -> anyhow::Result<()> {
    let id = AdMaterialId::from_uuid(ctx.uuid());
    let material = NewAdMaterial {
        id,
        line: line.id,
        version: 1,
        kind: PlacementKind::Banner,
        title: format!("Yuk sinovi, {}-qator", line.code),
        body: String::new(),
        target_url: format!("https://mijoz.example.uz/aksiya/{}", line.position),
        file_sha256: Some(FILE.to_owned()),
        width: 728,
        height: 90,
        submitted_at: ctx.now(),
        submitted_by: "yuk".to_owned(),
        live_from: minus_days(today, 3),
    };
    tx.materials().insert(&material).await?;
    let approved = Decision {
        state: ModerationState::Approved,
        runs_on: false,
        reasons: vec![],
        comment: String::new(),
        decided_at: ctx.now(),
        decided_by: "yuk".to_owned(),
    };
    tx.materials().insert_decision(id, &approved).await?;
    Ok(())
}

//! Two hundred commands at the same time on one blank, on many, on one line: exactly one wins where one may, every refusal
//! is typed, no number is lost and nothing is invoiced twice (orders.md §3, §7).

use crate::api::world::{World, system};
use namoyish_domain::ids::{LineId, OrderBlankId};
use namoyish_domain::money::Money;
use namoyish_domain::orders::line::Service;
use namoyish_domain::orders::order_blank::{Budget, BudgetMode, Prepayment, StatisticsSource, Term};
use namoyish_domain::orders::targeting::Targeting;
use namoyish_orders::app::draw_up_order_blank::{DrawUpLine, DrawUpOrderBlank, DrawnUp, draw_up_order_blank};
use namoyish_orders::app::offer_order_blank::{OfferOrderBlank, offer_order_blank};
use namoyish_orders::app::set_extra_period::{SetExtraPeriod, set_extra_period};
use namoyish_orders::app::sign_order_blank::{HowSigned, SignOrderBlank, sign_order_blank};
use namoyish_runtime::context::{Actor, Role};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

const TIMES: usize = 200;

fn blank_of(world: &World, budget: &str) -> DrawUpOrderBlank {
    let day = |text: &str| text.parse().unwrap();
    DrawUpOrderBlank {
        code: None,
        customer: world.customer,
        city: None,
        prepayment: Prepayment::Full,
        own_due_on: None,
        own_due_days: None,
        statistics_source: StatisticsSource::Own,
        notice_emails: vec![],
        lines: vec![DrawUpLine {
            code: None,
            item: "MEDIA-BANNER".into(),
            service: Service::Media {
                term: Term::new(day("2026-12-01"), day("2026-12-31")).unwrap(),
                budget: Budget {
                    mode: BudgetMode::Total,
                    amount: Money::parse(budget).unwrap(),
                },
            },
            placements: vec![world.placement],
            regions: vec![],
            targeting: Targeting::default(),
        }],
    }
}

async fn offered(world: &World) -> DrawnUp {
    let drawn_up = draw_up_order_blank(&world.test, &system(), blank_of(world, "300000.00"))
        .await
        .unwrap();
    let blank = drawn_up.blank.id;
    offer_order_blank(&world.test, &system(), OfferOrderBlank { blank })
        .await
        .unwrap();
    drawn_up
}

/// Runs a command at once from as many tasks, each until it isn't told to try again; counts the outcomes.
async fn at_once<F, R>(times: usize, command: F) -> BTreeMap<&'static str, usize>
where
    F: Fn(usize) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), &'static str>> + Send,
{
    let command = Arc::new(command);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..times {
        let command = Arc::clone(&command);
        tasks.spawn(async move {
            loop {
                match command(n).await {
                    Err("try_again") => tokio::task::yield_now().await,
                    Ok(()) => return "ok",
                    Err(code) => return code,
                }
            }
        });
    }
    let mut outcomes = BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        *outcomes.entry(done.unwrap()).or_default() += 1;
    }
    outcomes
}

fn sign(
    world: &Arc<World>,
    blank: OrderBlankId,
) -> impl Future<Output = Result<(), &'static str>> + Send + use<> {
    let ctx = world.test.context.clone();
    async move {
        let how = HowSigned::Paper { signed_on: None };
        let sales = Actor::staff("sales", Role::Sales);
        sign_order_blank(&ctx, &sales, SignOrderBlank { blank, how })
            .await
            .map(|_| ())
            .map_err(|error| error.code())
    }
}

async fn one(world: &World, question: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(question.to_owned()))
        .fetch_one(&world.test.database.pool())
        .await
        .unwrap()
}

// orders.md §3: exactly one signature per blank.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_signatures_of_one_blank_one_counts() {
    let world = Arc::new(World::make(110).await);
    let blank = offered(&world).await.blank.id;
    let outcomes = at_once(TIMES, {
        let world = Arc::clone(&world);
        move |_| sign(&world, blank)
    })
    .await;
    assert_eq!(
        outcomes,
        BTreeMap::from([("ok", 1), ("order_blank_not_offered", TIMES - 1)])
    );
    assert_eq!(one(&world, "select count(*) from invoices").await, 1);
}

// orders.md §3: number gapless per year, whatever is refused in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_blanks_drawn_up_and_signed_at_once_have_gapless_numbers() {
    let world = Arc::new(World::make(111).await);
    let outcomes = at_once(TIMES, {
        let world = Arc::clone(&world);
        move |n| {
            let ctx = world.test.context.clone();
            // Each fourth is refused after its number was taken.
            let cmd = blank_of(&world, if n % 4 == 0 { "11.99" } else { "300000.00" });
            async move {
                draw_up_order_blank(&ctx, &system(), cmd)
                    .await
                    .map(|_| ())
                    .map_err(|error| error.code())
            }
        }
    })
    .await;
    let drawn_up = TIMES - TIMES / 4;
    assert_eq!(
        outcomes,
        BTreeMap::from([("ok", drawn_up), ("budget_below_one_impression", TIMES / 4)])
    );
    let numbers: Vec<String> = sqlx::query_scalar("select number from order_blanks order by number")
        .fetch_all(&world.test.database.pool())
        .await
        .unwrap();
    let due: Vec<String> = (1..=drawn_up).map(|n| format!("OB-2026-{n:06}")).collect();
    assert_eq!(numbers, due);

    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select id from order_blanks order by number")
        .fetch_all(&world.test.database.pool())
        .await
        .unwrap();
    let blanks: Vec<OrderBlankId> = ids.into_iter().map(OrderBlankId::from_uuid).collect();
    for blank in &blanks {
        offer_order_blank(&world.test, &system(), OfferOrderBlank { blank: *blank })
            .await
            .unwrap();
    }
    // Each is signed twice at once.
    let outcomes = at_once(drawn_up * 2, {
        let world = Arc::clone(&world);
        move |n| sign(&world, blanks[n % blanks.len()])
    })
    .await;
    assert_eq!(
        outcomes,
        BTreeMap::from([("ok", drawn_up), ("order_blank_not_offered", drawn_up)])
    );
    let invoices: Vec<String> = sqlx::query_scalar("select number from invoices order by number")
        .fetch_all(&world.test.database.pool())
        .await
        .unwrap();
    assert_eq!(invoices.len(), drawn_up);
    let last = format!("{drawn_up:06}");
    assert!(invoices.first().unwrap().ends_with("000001") && invoices.last().unwrap().ends_with(&last));
}

// orders.md §7; delivery.md §5: at most one active or scheduled at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_extra_periods_of_one_line_one_is_set() {
    let world = Arc::new(World::make(112).await);
    let drawn_up = offered(&world).await;
    sign(&world, drawn_up.blank.id).await.unwrap();
    world.advance_to("2026-12-05T12:00:00");
    let line: LineId = drawn_up.lines[0].id;
    let outcomes = at_once(TIMES, {
        let world = Arc::clone(&world);
        move |_| {
            let ctx = world.test.context.clone();
            let owner = Actor::customer("aziza", Role::Owner, world.customer);
            async move {
                let cmd = SetExtraPeriod {
                    line,
                    first_day: None,
                    last_day: "2026-12-15".parse().unwrap(),
                    extra_budget: Money::parse("100000.00").unwrap(),
                };
                set_extra_period(&ctx, &owner, cmd)
                    .await
                    .map(|_| ())
                    .map_err(|error| error.code())
            }
        }
    })
    .await;
    assert_eq!(
        outcomes,
        BTreeMap::from([("extra_period_already_set", TIMES - 1), ("ok", 1)])
    );
    let open = "select count(*) from extra_periods where ended is null";
    assert_eq!(one(&world, open).await, 1);
}

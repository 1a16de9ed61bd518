//! A serving node is killed in the middle of its traffic: every impression that was answered is in the month's document,
//! once (delivery.md §4, §6a; billing.md §4).

use crate::http::Client;
use crate::market::{self, Market, PRICE, Wanted};
use crate::program::{Program, Start, folder, free_port, until};
use namoyish_billing::BillingSettings;
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::ids::LineId;
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_runtime::clock::Clock;
use namoyish_runtime::context::Context;
use namoyish_testkit::TestDatabase;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const LINES: &[Wanted] = &[
    Wanted {
        placement: "tepa",
        title: "birinchi",
        regions: &[],
    },
    Wanted {
        placement: "tepa",
        title: "ikkinchi",
        regions: &[],
    },
    Wanted {
        placement: "yon",
        title: "uchinchi",
        regions: &[],
    },
];
const VIEWERS: usize = 6;
/// Answered impressions before each kill, and after the last restart.
const EACH_LIFE: usize = 250;
const KILLS: usize = 2;
/// The longest that a life or a restart may take.
const WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn every_answered_impression_is_in_the_months_document_once_after_kill_9_with_redis() {
    let redis = namoyish_testkit::redis_url().await;
    kill_and_close(|start| {
        start
            .with("REDIS_URL", &redis)
            .with("NAMOYISH_REDIS__STORE", "redis")
    })
    .await;
}

#[tokio::test]
async fn every_answered_impression_is_in_the_months_document_once_after_kill_9_with_counters_in_process() {
    kill_and_close(|start| start.with("NAMOYISH_REDIS__STORE", "memory")).await;
}

async fn kill_and_close(with_counters: impl Fn(Start) -> Start) {
    let database = TestDatabase::create().await;
    let folder = folder();
    let mail = folder.path().join("mail");
    let market = Arc::new(market::open(&database.store(), &mail, &[], LINES).await);
    let port = free_port();
    // One journal folder through all lives.
    let start = with_counters(Start::new(folder.path(), &["delivery"]))
        .with_delivery_port(port)
        .with("DATABASE_URL", database.url())
        .with("NAMOYISH_DELIVERY__REQUESTS_PER_MINUTE_MAX", "0");

    let seen = Arc::new(Seen::default());
    let mut viewers = JoinSet::new();
    let mut node = started(&start, port).await;
    for n in 0..VIEWERS {
        viewers.spawn(view(n, port, Arc::clone(&market), Arc::clone(&seen)));
    }
    for life in 1..=KILLS {
        seen.reaches(life * EACH_LIFE).await;
        node.kill().await;
        node = started(&start, port).await;
    }
    seen.reaches((KILLS + 1) * EACH_LIFE).await;
    seen.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = viewers.join_next().await {
        ended.unwrap();
    }

    assert!(
        seen.broken.load(Ordering::Relaxed) > 0,
        "no kill met a call under way"
    );

    // Every URL of every life once more: answered, and counts nothing.
    let answered = seen.answered.lock().unwrap().clone();
    let mut client = Client::of_port(port);
    for urls in answered.values() {
        for url in urls {
            assert_eq!(client.get(url, &[]).await.unwrap().status, 204);
        }
    }
    let log = node.log();
    assert!(node.interrupt().await.success(), "{log}");

    let answered = answered
        .into_iter()
        .map(|(line, urls)| (line, urls.len()))
        .collect();
    close_and_compare(&database, &market, &mail, &answered).await;
}

async fn started(start: &Start, port: u16) -> Program {
    let mut node = start.run();
    node.ready_at(port).await;
    node
}

/// What the viewers saw.
#[derive(Default)]
struct Seen {
    /// Impression URLs that were answered with 204, by line.
    answered: Mutex<BTreeMap<LineId, BTreeSet<String>>>,
    /// Calls of impression URLs that a kill left without an answer, and that were repeated.
    broken: AtomicUsize,
    is_over: AtomicBool,
}

impl Seen {
    fn count(&self) -> usize {
        self.answered.lock().unwrap().values().map(BTreeSet::len).sum()
    }

    async fn reaches(&self, n: usize) {
        until("impressions are answered", WITHIN, async || {
            (self.count() >= n).then_some(())
        })
        .await;
    }
}

/// A viewer: asks for ads, calls their impression URLs, some of them twice and some never. A call that got no answer is
/// repeated until it gets one, as browsers and apps do: so at the end each called URL was answered.
async fn view(n: usize, port: u16, market: Arc<Market>, seen: Arc<Seen>) {
    let mut client = Client::of_port(port);
    let bearer = format!("Bearer {}", market.key);
    let public_url = format!("http://127.0.0.1:{port}");
    let question = serde_json::json!({ "placements": ["tepa", "yon"] }).to_string();
    let mut turn = n;
    while !seen.is_over.load(Ordering::Relaxed) {
        let asked = client
            .post("/v1/ads", &[("authorization", &bearer)], question.clone())
            .await;
        let Ok(answer) = asked else {
            rest().await;
            continue;
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut any = false;
        for given in answer.json()["ads"].as_array().unwrap() {
            let Some(url) = given["ad"]["impression_url"].as_str() else {
                continue;
            };
            any = true;
            turn += 1;
            if turn.is_multiple_of(7) {
                continue;
            }
            let path = url.strip_prefix(&public_url).unwrap().to_owned();
            let line = market.lines[given["ad"]["title"].as_str().unwrap()];
            call(&mut client, &path, &seen).await;
            let is_new = seen
                .answered
                .lock()
                .unwrap()
                .entry(line)
                .or_default()
                .insert(path.clone());
            assert!(is_new, "the same token was handed out twice");
            if turn.is_multiple_of(3) {
                call(&mut client, &path, &seen).await;
            }
        }
        if !any {
            // All had what is due by now; the next moment more is.
            rest().await;
        }
    }
}

/// Calls an impression URL until it is answered.
async fn call(client: &mut Client, path: &str, seen: &Seen) {
    let begun = Instant::now();
    loop {
        match client.get(path, &[]).await {
            Ok(answer) => {
                assert_eq!(answer.status, 204, "{}", answer.body);
                return;
            }
            Err(broken) => {
                seen.broken.fetch_add(1, Ordering::Relaxed);
                assert!(
                    begun.elapsed() < WITHIN,
                    "an impression is not answered: {broken}"
                );
            }
        }
        rest().await;
    }
}

async fn rest() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// Closes the month on a virtual clock and compares its document with what was answered.
async fn close_and_compare(
    database: &TestDatabase,
    market: &Market,
    mail: &Path,
    answered: &BTreeMap<LineId, usize>,
) {
    let store = database.store();
    let now = Context::new(store.clone());
    // Should the month change during the test, both are closed and their documents belong together.
    let last = ReportingPeriod::of(now.today());
    let at = BillingSettings::default().closes_from(last);
    let close = Context {
        clock: Clock::virtual_at(at),
        ..now
    };
    market::tick(&close, mail).await;

    let price = UnitPrice::parse(PRICE).unwrap();
    let mut charged: BTreeMap<LineId, usize> = BTreeMap::new();
    for document in store.documents_of(market.customer, 100).await.unwrap() {
        // The VAT invoices of the month repeat the lines of its documents.
        if document.kind != "primary_document" {
            continue;
        }
        let lines = store.document_lines(document.id).await.unwrap();
        for line in &lines {
            let quantity: u64 = line.quantity.try_into().unwrap();
            assert_eq!(
                line.net,
                price.of_impressions(quantity).unwrap().round_half_up().unwrap(),
                "{line:?}"
            );
            assert_eq!(line.gross, Money::sum([line.net, line.vat]).unwrap());
            *charged.entry(line.line).or_default() += usize::try_from(quantity).unwrap();
        }
        assert_eq!(
            document.net,
            Money::sum(lines.iter().map(|line| line.net)).unwrap()
        );
        assert_eq!(
            document.gross,
            Money::sum(lines.iter().map(|line| line.gross)).unwrap()
        );
    }
    assert_eq!(
        &charged, answered,
        "each answered impression is charged once, and nothing else"
    );

    let mut tx = store.begin().await.unwrap();
    for (line, n) in answered {
        let counted = tx.counting().counted(*line, 0).await.unwrap();
        assert_eq!(usize::try_from(counted).unwrap(), *n, "the total of {line}");
    }
}

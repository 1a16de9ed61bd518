//! The servers under test, each a process of its own on core 0: a node as `namoyish delivery` makes it, and bare axum.

use crate::lines::{Market, overlay, placement_codes};
use anyhow::{Context as _, bail, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{StatusCode, header};
use axum::routing::{get, post, put};
use axum::serve::ListenerExt;
use clap::Args;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use namoyish_delivery::counters::Counters;
use namoyish_delivery::counters::memory::MemoryCounters;
use namoyish_delivery::counters::redis::{RedisCounters, RedisCountersOptions};
use namoyish_delivery::geo::Geo;
use namoyish_delivery::http::{AdServer, Listeners};
use namoyish_delivery::journal::{Journal, JournalOptions};
use namoyish_delivery::node::{AdRequest, Node, NodeParts, PageContext, PlacementAnswer};
use namoyish_delivery::run::Delivery;
use namoyish_delivery::settings::NodeSettings;
use namoyish_domain::orders::placement::RegionCode;
use namoyish_runtime::context::Context;
use namoyish_runtime::shutdown::Shutdown;
use namoyish_storage::Store;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// Test data of the MaxMind DB project, beside the delivery service's tests.
const CITIES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../services/delivery/testdata/geo/GeoIP2-City-Test.mmdb"
);
/// The longest that a server may take to start, or the node to make URLs.
const PATIENCE: Duration = Duration::from_secs(120);
/// Requests between two looks at the background work while URLs are made.
const CHUNK: usize = 2000;

/// What a node stands on.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// PostgreSQL.
    #[arg(long)]
    pub database: String,
    /// Redis; none: counters in process.
    #[arg(long)]
    pub redis: Option<String>,
    /// Folder of the journal.
    #[arg(long)]
    pub folder: PathBuf,
    /// Threads that serve; 0: one for each core.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
}

/// A running server.
pub struct Server {
    pub url: String,
    /// From its process's start to its readiness.
    pub started_in: Duration,
    child: Child,
}

impl Server {
    pub async fn start_node(args: &NodeArgs) -> anyhow::Result<Server> {
        std::fs::create_dir_all(&args.folder)?;
        let mut arguments = vec!["node".to_owned(), "--database".to_owned(), args.database.clone()];
        arguments.extend(["--folder".to_owned(), args.folder.display().to_string()]);
        if let Some(url) = &args.redis {
            arguments.extend(["--redis".to_owned(), url.clone()]);
        }
        Server::start(&arguments).await
    }

    pub async fn start_bare() -> anyhow::Result<Server> {
        Server::start(&["bare".to_owned()]).await
    }

    async fn start(arguments: &[String]) -> anyhow::Result<Server> {
        let begun = Instant::now();
        let mut child = Command::new("taskset")
            .args(["-c", "0"])
            .arg(std::env::current_exe()?)
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("a piped output")?;
        let mut lines = BufReader::new(output).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .context("the server doesn't start")??;
        let url = line.context("the server ended before it was ready")?;
        Ok(Server {
            url,
            started_in: begun.elapsed(),
            child,
        })
    }

    /// CPU time of the process so far, user and system, of all its threads.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let id = self.child.id().context("the server has ended")?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|n| n.parse::<u64>().ok())
            .sum();
        // USER_HZ is 100 on every Linux.
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Sets the size of the bare server's answer.
    pub async fn set_body(&self, bytes: usize) -> anyhow::Result<()> {
        let told = ask("PUT", &format!("{}/body/{bytes}", self.url), &[], String::new()).await?;
        ensure!(
            told.status == StatusCode::NO_CONTENT,
            "the bare server answered {}",
            told.status
        );
        Ok(())
    }

    /// Paths of impression URLs that were never called.
    pub async fn fresh_impressions(&self, n: usize) -> anyhow::Result<Vec<String>> {
        let told = ask(
            "GET",
            &format!("{}/loadtest/impressions?n={n}", self.url),
            &[],
            String::new(),
        )
        .await?;
        ensure!(
            told.status == StatusCode::OK,
            "the node makes no URLs: {} {}",
            told.status,
            told.body
        );
        Ok(told.body.lines().map(str::to_owned).collect())
    }
}

/// Sizes of an answer, bytes.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub body: usize,
    /// Status line, headers and body, as wrk counts them.
    pub whole: usize,
}

/// Sizes of the node's answer with an ad.
pub async fn size_of_ad(node: &Server, market: &Market) -> anyhow::Result<Size> {
    let bearer = format!("Bearer {}", market.key);
    let placement = market.placements.first().context("there are placements")?;
    let viewer = market.viewers.first().context("there are viewers")?;
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-forwarded-for", viewer.as_str()),
    ];
    let question = serde_json::json!({ "placements": [placement] }).to_string();
    let answer = ask("POST", &format!("{}/v1/ads", node.url), &headers, question).await?;
    ensure!(
        answer.status == StatusCode::OK && answer.body.contains("impression_url"),
        "no ad: {}",
        answer.body
    );
    Ok(answer.size())
}

/// Makes the bare server's answers as long as `wanted`, headers included.
pub async fn match_size(bare: &Server, wanted: Size) -> anyhow::Result<()> {
    bare.set_body(wanted.body).await?;
    let now = ask("POST", &format!("{}/v1/ads", bare.url), &[], String::new())
        .await?
        .size();
    bare.set_body((wanted.body + wanted.whole).saturating_sub(now.whole))
        .await
}

struct Told {
    status: StatusCode,
    headers: usize,
    body: String,
}

impl Told {
    fn size(&self) -> Size {
        Size {
            body: self.body.len(),
            whole: self.headers + self.body.len(),
        }
    }
}

async fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: String) -> anyhow::Result<Told> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body)))?;
    let answer = tokio::time::timeout(PATIENCE, client.request(request))
        .await
        .with_context(|| url.to_owned())??;
    let status = answer.status();
    let fields: usize = answer
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let body = answer.into_body().collect().await?.to_bytes();
    let headers = "HTTP/1.1 200 OK\r\n\r\n".len() + fields;
    Ok(Told {
        status,
        headers,
        body: String::from_utf8(body.to_vec())?,
    })
}

async fn listener() -> anyhow::Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// The body of the process `node`.
pub async fn run_node(args: NodeArgs) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let listeners = Listeners::open("127.0.0.1:0".parse()?, args.threads)?;
    let url = format!("http://{}", listeners.address());
    let ctx = Context::new(Store::connect(&args.database, 5).await?);
    let counters: Arc<dyn Counters> = match &args.redis {
        Some(url) => Arc::new(RedisCounters::open(url, RedisCountersOptions::default())?),
        None => Arc::new(MemoryCounters::new()),
    };
    let journal = Journal::open(
        &args.folder,
        JournalOptions::new("yuk", ctx.now(), ctx.ids.clone()),
    )?;
    let settings = NodeSettings {
        trusted_proxies: vec!["127.0.0.0/8".parse()?],
        // High enough for one address that asks for everybody, and on: its cost is part of a request.
        requests_per_minute_max: u32::MAX,
        ..NodeSettings::new("yuk", url.clone())
    };
    let parts = NodeParts {
        settings,
        store: ctx.store.clone(),
        counters,
        journal: Arc::new(journal),
        ids: ctx.ids.clone(),
    };
    let node = Node::start(parts, ctx.now()).await?;
    let overlay_path = args.folder.join("overlay.csv");
    std::fs::write(&overlay_path, overlay())?;
    let geo = Geo::open(Some(Path::new(CITIES).to_owned()), Some(overlay_path))?;
    let delivery = Delivery::new(node, geo, ctx.clock.clone());
    let make = Router::new()
        .route("/loadtest/impressions", get(make_impressions))
        .with_state(delivery.clone());
    let server = AdServer::new(delivery.clone(), ctx.ids.clone(), shutdown.clone()).merge(make);
    println!("{url}");
    let working = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { delivery.run(shutdown).await }
    });
    server.serve(listeners).await?;
    Ok(working.await?)
}

#[derive(serde::Deserialize)]
struct HowMany {
    n: usize,
}

/// Paths of fresh impression URLs, a line each: as many answers of the node as are asked for.
async fn make_impressions(
    State(delivery): State<Delivery>,
    Query(asked): Query<HowMany>,
) -> Result<String, (StatusCode, String)> {
    let failed = |what: String| (StatusCode::INTERNAL_SERVER_ERROR, what);
    let node = &delivery.node;
    let snapshot = node.snapshot();
    let requests: Vec<AdRequest> = placement_codes()
        .filter_map(|code| snapshot.placement_of(&code))
        .zip(["UZ-TK", "UZ-SA", "UZ-FA", "UZ-AN"].into_iter().cycle())
        .map(|(placement, region)| AdRequest {
            context: PageContext::default(),
            app: None,
            placements: vec![placement],
            region: RegionCode::parse(region).ok(),
        })
        .collect();
    drop(snapshot);
    let begun = Instant::now();
    let mut text = String::with_capacity(asked.n * 220);
    let (mut made, mut asked_for) = (0, 0usize);
    for request in requests.iter().cycle() {
        for answer in node.serve(request, delivery.clock.now()) {
            if let PlacementAnswer::Ad(offer) = answer {
                text.push_str("/v1/i/");
                text.push_str(&node.impression_token(&offer));
                text.push('\n');
                made += 1;
            }
        }
        if made >= asked.n {
            break;
        }
        asked_for += 1;
        if asked_for.is_multiple_of(CHUNK) {
            node.refill(delivery.clock.now())
                .await
                .map_err(|error| failed(error.to_string()))?;
            tokio::task::yield_now().await;
            if begun.elapsed() > PATIENCE {
                return Err(failed(format!("only {made} ads in {} s", PATIENCE.as_secs())));
            }
        }
    }
    Ok(text)
}

/// The body of the process `bare`.
pub async fn run_bare() -> anyhow::Result<()> {
    let (listener, url) = listener().await?;
    let body = Arc::new(arc_swap::ArcSwap::from_pointee(Bytes::from_static(b"{}")));
    let router = Router::new()
        .route("/v1/ads", post(bare_answer))
        .route("/v1/i/{token}", get(bare_no_content))
        .route("/body/{bytes}", put(set_body))
        .with_state(body);
    println!("{url}");
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    match axum::serve(
        listener,
        router.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await
    {
        Ok(()) => bail!("the bare server ended"),
        Err(error) => Err(error.into()),
    }
}

type Body = Arc<arc_swap::ArcSwap<Bytes>>;

async fn bare_answer(State(body): State<Body>) -> impl axum::response::IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Bytes::clone(&body.load()))
}

async fn bare_no_content() -> impl axum::response::IntoResponse {
    (StatusCode::NO_CONTENT, [(header::CACHE_CONTROL, "no-store")])
}

async fn set_body(State(body): State<Body>, UrlPath(bytes): UrlPath<usize>) -> StatusCode {
    body.store(Arc::new(Bytes::from(vec![b'x'; bytes])));
    StatusCode::NO_CONTENT
}

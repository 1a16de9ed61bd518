//! The roles that one executable can play: order service, serving node, billing worker.

use crate::servers::Servers;
use anyhow::Context as _;
use namoyish_billing::BillingSettings;
use namoyish_delivery::counters::Counters;
use namoyish_delivery::counters::memory::MemoryCounters;
use namoyish_delivery::counters::redis::{RedisCounters, RedisCountersOptions};
use namoyish_delivery::geo::Geo;
use namoyish_delivery::http::{AdServer, Listeners};
use namoyish_delivery::journal::{Journal, JournalOptions};
use namoyish_delivery::node::{Node, NodeParts};
use namoyish_delivery::run::Delivery;
use namoyish_delivery::settings::NodeSettings;
use namoyish_orders::OrdersSettings;
use namoyish_orders::cabinet::CabinetSettings;
use namoyish_runtime::context::Context;
use namoyish_runtime::http::{AroundOptions, around, serve};
use namoyish_runtime::mail::Mailer;
use namoyish_runtime::settings::Settings;
use namoyish_runtime::shutdown::Shutdown;
use namoyish_runtime::telemetry::{Metrics, init_log};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Order API and personal cabinet.
    Orders,
    /// A serving node.
    Delivery,
    /// The billing worker.
    Billing,
}

/// A role under way; it ends when the shutdown that it was given begins.
pub type Running = JoinHandle<anyhow::Result<()>>;

/// Sets up log and metrics; metrics are served where the settings say.
pub async fn observe(settings: &Settings, shutdown: &Shutdown) -> anyhow::Result<()> {
    init_log(&settings.log)?;
    let Some(address) = settings.metrics.listen else {
        return Ok(());
    };
    let metrics = Metrics::install()?;
    let listener = listen(address, "metrics.listen").await?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move { metrics.serve(listener, shutdown).await });
    Ok(())
}

/// Runs one role on its servers until Ctrl-C.
pub async fn run_alone(settings: Settings, role: Role) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    observe(&settings, &shutdown).await?;
    let servers = Servers::start(&settings).await?;
    for line in &servers.description {
        tracing::info!("{line}");
    }
    let ctx = Context::new(servers.store.clone());
    let running = match role {
        Role::Orders => start_orders(&settings, &ctx, false, &shutdown).await?,
        Role::Delivery => start_delivery(&settings, &ctx, &servers, &shutdown).await?,
        Role::Billing => start_billing(&settings, &ctx, &shutdown)?,
    };
    let ended = running.await?;
    servers.stop().await;
    ended
}

/// Migrates and ends.
pub async fn migrate(settings: Settings) -> anyhow::Result<()> {
    init_log(&settings.log)?;
    let servers = Servers::start(&settings).await?;
    println!("The schema is up to date.");
    servers.stop().await;
    Ok(())
}

async fn listen(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on {address} ({key})"))
}

/// Starts the order API and the cabinet.
pub async fn start_orders(
    settings: &Settings,
    ctx: &Context,
    demo: bool,
    shutdown: &Shutdown,
) -> anyhow::Result<Running> {
    let listener = listen(settings.orders.listen, "orders.listen").await?;
    let orders = OrdersSettings {
        cabinet: CabinetSettings {
            public_url: settings.orders.public_url.clone(),
            delivery_url: settings.delivery.public_url.clone(),
            demo,
            session_seconds: i64::from(settings.orders.session_hours) * 3600,
        },
        api_body_bytes_max: usize::try_from(settings.orders.body_bytes_max)?,
    };
    let options = AroundOptions {
        service: "orders",
        timeout: Duration::from_secs(settings.orders.request_seconds_max),
        body_bytes_max: usize::try_from(settings.orders.body_bytes_max)?,
        // Pages set their own policy: the demo page lets the ad server in.
        content_security_policy: None,
        ids: ctx.ids.clone(),
    };
    let store = ctx.store.clone();
    let ready = namoyish_runtime::http::ready_check(move || {
        let store = store.clone();
        async move {
            store
                .snapshot_version()
                .await
                .map(|_| ())
                .map_err(|error| error.to_string())
        }
    });
    let router = namoyish_orders::router(ctx.clone(), orders)
        .merge(namoyish_runtime::http::health(ready, shutdown.clone()));
    let router = around(router, options);
    let shutdown = shutdown.clone();
    Ok(tokio::spawn(async move {
        Ok(serve(listener, router, shutdown).await?)
    }))
}

/// The geo data of the settings: the file they name, or whatever lies in the data folder.
pub fn open_geo(settings: &Settings) -> anyhow::Result<Geo> {
    let named = |path: &PathBuf| (!path.as_os_str().is_empty()).then(|| path.clone());
    let folder = crate::geo::folder(settings);
    std::fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
    let database = named(&settings.delivery.geo_database).unwrap_or_else(|| folder.clone());
    let overlay = named(&settings.delivery.geo_overlay).or_else(|| {
        let usual = folder.join("overlay.csv");
        usual.is_file().then_some(usual)
    });
    Geo::open(Some(database), overlay).context("the geo data can't be used")
}

/// Starts a serving node.
pub async fn start_delivery(
    settings: &Settings,
    ctx: &Context,
    servers: &Servers,
    shutdown: &Shutdown,
) -> anyhow::Result<Running> {
    let listen = settings.delivery.listen;
    let listeners =
        Listeners::open(listen, 0).with_context(|| format!("can't listen on {listen} (delivery.listen)"))?;
    let counters: Arc<dyn Counters> = match &servers.redis_url {
        Some(url) => Arc::new(RedisCounters::open(url, RedisCountersOptions::default())?),
        None => Arc::new(MemoryCounters::new()),
    };
    let name = settings.delivery.node.clone();
    let folder = settings.data.dir.join("journal").join(&name);
    let journal = Journal::open(&folder, JournalOptions::new(&name, ctx.now(), ctx.ids.clone()))
        .with_context(|| format!("the journal in {} can't be opened", folder.display()))?;
    let node_settings = NodeSettings {
        trusted_proxies: settings.delivery.trusted_proxies.clone(),
        token_life_seconds: settings.delivery.token_life_seconds.into(),
        requests_per_minute_max: settings.delivery.requests_per_minute_max,
        ..NodeSettings::new(&name, settings.delivery.public_url.clone())
    };
    let parts = NodeParts {
        settings: node_settings,
        store: ctx.store.clone(),
        counters,
        journal: Arc::new(journal),
        ids: ctx.ids.clone(),
    };
    let node = Node::start(parts, ctx.now()).await?;
    // What an earlier life left on disk is counted before the billing worker may close a month.
    if let Err(error) = node.ship(&ctx.store, ctx.now()).await {
        tracing::warn!(%error, "what an earlier life left in the journal can't be counted yet; it is tried again");
    }
    let geo = open_geo(settings)?;
    tracing::info!("geo data: {}", geo.describe());
    let delivery = Delivery::new(node, geo, ctx.clock.clone());
    let server = AdServer::new(delivery.clone(), ctx.ids.clone(), shutdown.clone());
    let shutdown = shutdown.clone();
    let clock = ctx.clock.clone();
    Ok(tokio::spawn(async move {
        let working = tokio::spawn({
            let (delivery, shutdown) = (delivery.clone(), shutdown.clone());
            async move { delivery.run(shutdown).await }
        });
        let served = server.serve(listeners).await;
        working.await?;
        // After the last answer: unused numbers go back, the journal is shipped.
        if let Err(error) = delivery.node.finish(clock.now()).await {
            tracing::warn!(%error, "the node could not end in order; the next start makes up for it");
        }
        Ok(served?)
    }))
}

/// Starts the billing worker.
pub fn start_billing(settings: &Settings, ctx: &Context, shutdown: &Shutdown) -> anyhow::Result<Running> {
    let mailer = Mailer::from_settings(&settings.mail, &settings.data.dir)?;
    let billing = BillingSettings::of(settings);
    let (ctx, shutdown) = (ctx.clone(), shutdown.clone());
    Ok(tokio::spawn(async move {
        namoyish_billing::worker::run(&ctx, &billing, &mailer, &shutdown).await;
        Ok(())
    }))
}

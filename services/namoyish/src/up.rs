//! `namoyish up`: everything in one process, on servers of its own, with a demo operator.

use crate::demo;
use crate::roles::{self, Running};
use crate::servers::Servers;
use anyhow::Context as _;
use namoyish_runtime::context::Context;
use namoyish_runtime::settings::Settings;
use namoyish_runtime::shutdown::Shutdown;
use std::path::Path;
use std::time::Instant;
use tokio::task::JoinSet;

/// The demo puts this machine's own addresses into Tashkent, so that a line for Tashkent alone can be seen.
const DEMO_OVERLAY: &str = "\
# network,region: the operator's own data goes before any database (the longest prefix wins).
# The demo puts this machine into Tashkent. Change a line and watch the demo page: it is read again within seconds.
127.0.0.0/8,UZ-TK
::1/128,UZ-TK
";

/// Starts all, says where, and waits for Ctrl-C.
pub async fn run(settings: Settings, args: &crate::cli::UpArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    let shutdown = Shutdown::on_signals()?;
    println!(
        "Namoyish {} is starting in {} …",
        env!("CARGO_PKG_VERSION"),
        settings.data.dir.display()
    );
    let servers = Servers::start(&settings).await?;
    for line in &servers.description {
        println!("  {line}");
    }
    let ctx = Context::new(servers.store.clone());
    let ended = serve(&settings, &ctx, &servers, args, &shutdown, begun).await;
    // Whatever happened, the private servers end in order.
    shutdown.begin();
    servers.stop().await;
    println!("Namoyish has ended; the next start goes on from here.");
    ended
}

async fn serve(
    settings: &Settings,
    ctx: &Context,
    servers: &Servers,
    args: &crate::cli::UpArgs,
    shutdown: &Shutdown,
    begun: Instant,
) -> anyhow::Result<()> {
    let mut made = None;
    let is_demo = !args.no_demo;
    if is_demo {
        let folder = crate::geo::folder(settings);
        put_overlay(&folder)?;
        if !demo::is_set_up(&ctx.store).await? {
            println!("  making the demo operator, its customers and orders …");
            let hasty = Context {
                store: servers.hasty_store().await?,
                ..ctx.clone()
            };
            made = Some(demo::fill(settings, &hasty).await?);
            hasty.store.close().await;
        } else if demo::is_half_made(settings) {
            anyhow::bail!(
                "the demo was interrupted while it was being made: remove {} and start again",
                settings.data.dir.display()
            );
        }
    }
    // The log begins with the present: the demo's past would fill it with days that are over.
    roles::observe(settings, shutdown).await?;
    let running = [
        roles::start_orders(settings, ctx, is_demo, shutdown).await?,
        roles::start_delivery(settings, ctx, servers, shutdown).await?,
        roles::start_billing(settings, ctx, shutdown)?,
    ];
    say_where(settings, is_demo, made.as_ref());
    println!(
        "Ready after {:.1} s. Ctrl-C ends it.",
        begun.elapsed().as_secs_f32()
    );
    wait(running, shutdown).await
}

fn put_overlay(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("can't create {}", folder.display()))?;
    let path = folder.join("overlay.csv");
    if path.exists() {
        return Ok(());
    }
    std::fs::write(&path, DEMO_OVERLAY).with_context(|| format!("can't write {}", path.display()))
}

fn say_where(settings: &Settings, is_demo: bool, made: Option<&demo::Demo>) {
    let (orders, delivery) = (&settings.orders.public_url, &settings.delivery.public_url);
    println!();
    println!("  Cabinet      {orders}/");
    println!("  API          {orders}/api/docs");
    println!("  Ad server    {delivery}/v1/ads");
    if let Some(address) = settings.metrics.listen {
        println!("  Metrics      http://{address}/metrics");
    }
    if settings.mail.smtp_url.is_empty() {
        println!(
            "  Mail         {} (no mail server is set)",
            settings.data.dir.join(&settings.mail.folder).display()
        );
    }
    if is_demo {
        println!("  Demo page    {orders}/demo");
        println!();
        println!("  Sign-ins (password {}):", demo::PASSWORD);
        for (login, who) in demo::SIGN_INS {
            println!("    {login:<8} {who}");
        }
        if let Some(made) = made {
            println!("  Administrator's API key, shown this once:");
            println!("    {}", made.api_key);
        }
        println!();
        println!(
            "  Next: open the demo page and look at the banners, then sign in as osh and watch its lines count them."
        );
        println!("  Geo data: `namoyish geo fetch` obtains a free city database.");
    }
    println!();
}

/// Waits until all roles have ended; one that ends before Ctrl-C has failed, and ends the others.
async fn wait(running: [Running; 3], shutdown: &Shutdown) -> anyhow::Result<()> {
    let mut roles = JoinSet::new();
    for role in running {
        roles.spawn(async move { role.await? });
    }
    let mut first_failure = None;
    while let Some(ended) = roles.join_next().await {
        if let Err(error) = ended.map_err(anyhow::Error::from).and_then(|ended| ended) {
            first_failure = first_failure.or(Some(error));
        }
        shutdown.begin();
    }
    first_failure.map_or(Ok(()), Err)
}

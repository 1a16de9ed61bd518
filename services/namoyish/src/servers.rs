//! The servers that the platform stands on: those that the settings name, or private ones under the data folder.

use anyhow::Context as _;
use namoyish_runtime::embedded::{Postgres, PostgresOptions, Redis, RedisOptions};
use namoyish_runtime::settings::{CounterStore, Settings};
use namoyish_storage::Store;
use namoyish_storage::databases::{DatabaseName, Server};

/// Connected servers. Private ones stop when this value is dropped; call [`Servers::stop`] to do it in order.
pub struct Servers {
    /// The migrated database.
    pub store: Store,
    /// Where the database is.
    pub database_url: String,
    /// Redis for the counters; `None`: they are kept in this process.
    pub redis_url: Option<String>,
    /// One line a server: where it is and what it is.
    pub description: Vec<String>,
    postgres: Option<Postgres>,
    redis: Option<Redis>,
}

impl Servers {
    /// Starts or connects what the settings ask for, and migrates the database.
    pub async fn start(settings: &Settings) -> anyhow::Result<Servers> {
        let mut description = Vec::new();
        let (postgres, url) = if settings.database.url.is_empty() {
            let folder = settings.data.dir.clone();
            let postgres = tokio::task::spawn_blocking(move || {
                Postgres::start(&folder, PostgresOptions { fsync: true })
            })
            .await?
            .context("the private PostgreSQL can't be started")?;
            description.push(format!(
                "PostgreSQL {} (private, {})",
                postgres.version(),
                postgres.folder().display()
            ));
            let name = DatabaseName::parse("namoyish")?;
            Server::connect(&postgres.url("postgres"))
                .await?
                .create(&name)
                .await?;
            let url = postgres.url(name.as_str());
            (Some(postgres), url)
        } else {
            description.push("PostgreSQL of the settings".to_owned());
            (None, settings.database.url.expose().to_owned())
        };
        let store = Store::connect(&url, settings.database.connections_max)
            .await
            .context("the database can't be reached")?;
        store.migrate().await.context("the database can't be migrated")?;
        let (redis, redis_url) = start_redis(settings, &mut description).await?;
        Ok(Servers {
            store,
            database_url: url,
            redis_url,
            description,
            postgres,
            redis,
        })
    }

    /// A second pool whose commits don't wait for the disk: for filling a new database with a demo, which is made anew when
    /// the machine fails meanwhile.
    pub async fn hasty_store(&self) -> anyhow::Result<Store> {
        let separator = if self.database_url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}options[synchronous_commit]=off", self.database_url);
        Ok(Store::connect(&url, 4).await?)
    }

    /// Closes the connections, then stops the private servers.
    pub async fn stop(self) {
        self.store.close().await;
        let (postgres, redis) = (self.postgres, self.redis);
        let stopped = tokio::task::spawn_blocking(move || {
            if let Some(redis) = redis {
                redis.stop();
            }
            if let Some(postgres) = postgres {
                postgres.stop();
            }
        });
        if let Err(error) = stopped.await {
            tracing::warn!(%error, "a private server did not stop in order");
        }
    }
}

async fn start_redis(
    settings: &Settings,
    description: &mut Vec<String>,
) -> anyhow::Result<(Option<Redis>, Option<String>)> {
    if settings.redis.store == CounterStore::Memory {
        description.push("counters in this process (redis.store = \"memory\"): one node only".to_owned());
        return Ok((None, None));
    }
    if !settings.redis.url.is_empty() {
        description.push("Redis of the settings".to_owned());
        return Ok((None, Some(settings.redis.url.expose().to_owned())));
    }
    let folder = settings.data.dir.clone();
    match tokio::task::spawn_blocking(move || Redis::start(&folder, RedisOptions { persist: true })).await? {
        Ok(redis) => {
            description.push(format!(
                "Redis {} (private, {})",
                redis.version(),
                redis.socket().display()
            ));
            let url = redis.url();
            Ok((Some(redis), Some(url)))
        }
        Err(error) if settings.redis.store == CounterStore::Auto && error.is_not_found() => {
            tracing::warn!(%error, "no Redis: counters are kept in this process, for one node");
            description.push("counters in this process (no Redis was found): one node only".to_owned());
            Ok((None, None))
        }
        Err(error) => Err(error).context("the private Redis can't be started"),
    }
}

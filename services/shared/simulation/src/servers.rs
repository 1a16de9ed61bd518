//! The private servers of a run: PostgreSQL without fsync and, when the scenario asks for it, Redis without persistence,
//! in a temporary folder that goes with the run.

use crate::SimulateError;
use crate::scenario::CounterStore;
use namoyish_runtime::embedded::{
    EmbeddedError, Obtain, Postgres, PostgresOptions, Redis, RedisOptions, StartPostgres, find_postgres,
    find_redis,
};
use namoyish_storage::Store;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Connections of a run: it does one thing at a time.
const CONNECTIONS_MAX: u32 = 4;

/// Servers that exist already, for tests; what is `None` is started for the run.
#[derive(Debug, Clone, Default)]
pub struct GivenServers {
    /// URL of an empty database (with or without the schema).
    pub database_url: Option<String>,
    /// URL of a Redis; a run's keys have a prefix of their own.
    pub redis_url: Option<String>,
}

/// What a run works with. Dropping it stops the servers and removes the folder; the order of the fields matters.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) store: Store,
    pub(crate) redis_url: Option<String>,
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    packages: PathBuf,
    folder: TempDir,
}

impl Servers {
    /// Starts what isn't given and brings the database to this program's schema. `binaries` keeps servers that had to be
    /// obtained as packages, so that the next run finds them.
    pub(crate) async fn start(
        given: &GivenServers,
        binaries: Option<&Path>,
        counters: CounterStore,
    ) -> Result<Servers, SimulateError> {
        let folder = tempfile::Builder::new()
            .prefix("namoyish-sim-")
            .tempdir()
            .map_err(SimulateError::Folder)?;
        let data = folder.path().to_owned();
        let packages = binaries.unwrap_or(&data).to_owned();
        let kept = packages.clone();
        let wants_postgres = given.database_url.is_none();
        let wants_redis = counters == CounterStore::Redis && given.redis_url.is_none();
        let started = tokio::task::spawn_blocking(move || {
            let postgres = wants_postgres
                .then(|| start_postgres(&data, &packages))
                .transpose()?;
            let redis = wants_redis.then(|| start_redis(&data, &packages)).transpose()?;
            Ok::<_, EmbeddedError>((postgres, redis))
        });
        let (postgres, redis) = started.await.map_err(|_| SimulateError::CutShort)??;
        let database_url = match (&given.database_url, &postgres) {
            (Some(url), _) => url.clone(),
            (None, Some(postgres)) => postgres.url("postgres"),
            (None, None) => return Err(SimulateError::CutShort),
        };
        let store = Store::connect(&database_url, CONNECTIONS_MAX).await?;
        store
            .migrate()
            .await
            .map_err(|error| SimulateError::Migrate(error.to_string()))?;
        let redis_url = given.redis_url.clone().or_else(|| redis.as_ref().map(Redis::url));
        Ok(Servers {
            store,
            redis_url,
            postgres,
            redis,
            packages: kept,
            folder,
        })
    }

    /// Ends Redis and starts it again, empty. `false`: the run has none of its own.
    pub(crate) async fn restart_redis(&mut self) -> Result<bool, SimulateError> {
        let Some(redis) = self.redis.take() else {
            return Ok(false);
        };
        let (data, packages) = (self.folder.path().to_owned(), self.packages.clone());
        let restarted = tokio::task::spawn_blocking(move || {
            redis.stop();
            start_redis(&data, &packages)
        });
        self.redis = Some(restarted.await.map_err(|_| SimulateError::CutShort)??);
        Ok(true)
    }

    /// Ends PostgreSQL and starts it again on its disk. `false`: the run has none of its own.
    pub(crate) async fn restart_postgres(&mut self) -> Result<bool, SimulateError> {
        let Some(postgres) = self.postgres.take() else {
            return Ok(false);
        };
        let (data, packages) = (self.folder.path().to_owned(), self.packages.clone());
        let restarted = tokio::task::spawn_blocking(move || {
            postgres.stop();
            start_postgres(&data, &packages)
        });
        self.postgres = Some(restarted.await.map_err(|_| SimulateError::CutShort)??);
        Ok(true)
    }

    /// Before every Redis key of the run: two runs of one scenario and seed have the same line ids.
    pub(crate) fn key_prefix(&self) -> String {
        self.folder
            .path()
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// A folder of the run.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn start_postgres(data: &Path, packages: &Path) -> Result<Postgres, EmbeddedError> {
    let binaries = find_postgres(packages, Obtain::Allowed)?;
    let options = PostgresOptions { fsync: false };
    Postgres::start_with(StartPostgres {
        binaries: &binaries,
        data,
        options,
        made_before: None,
    })
}

fn start_redis(data: &Path, packages: &Path) -> Result<Redis, EmbeddedError> {
    let binary = find_redis(packages, Obtain::Allowed)?;
    Redis::start_with(&binary, data, RedisOptions { persist: false })
}

//! The pool, the transaction, migrations, and the two things every transaction may need: a gapless number and a new
//! snapshot version.

use crate::DbError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres, Transaction};
use std::str::FromStr;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations");

statements! {
    /// Locks the series, so that numbers are gapless: a rolled back transaction gives its number back.
    TAKE_NUMBER = "insert into number_series (kind, year, last_number) values ($1, $2, 1)
        on conflict (kind, year) do update set last_number = number_series.last_number + 1 returning last_number";
    BUMP_SNAPSHOT = "update snapshot_version set version = version + 1 returning version";
    NOTIFY_SNAPSHOT = "select pg_notify('snapshot', $1)";
    SNAPSHOT_VERSION = "select version from snapshot_version";
    NO_STATEMENT_LIMIT = "set statement_timeout = 0";
    NO_LOCK_LIMIT = "set lock_timeout = 0";
    INSERT_AUDIT = "insert into audit_log (at, actor, action, subject, details) values ($1, $2, $3, $4, $5)";
}

/// A pool of connections to one migrated database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// Connects to `url` (`postgres://…`), with at most `connections_max` connections. A statement may take a minute
    /// and wait 20 s for a lock; a transaction that does nothing for a minute is ended, so that a stuck request can't
    /// hold what others wait for.
    pub async fn connect(url: &str, connections_max: u32) -> Result<Store, DbError> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("namoyish")
            .options([
                ("statement_timeout", "60s"),
                ("lock_timeout", "20s"),
                ("idle_in_transaction_session_timeout", "60s"),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await?;
        Ok(Store { pool })
    }

    /// Wraps a pool that the caller made (the test harness).
    pub fn from_pool(pool: PgPool) -> Store {
        Store { pool }
    }

    /// Brings the schema to this program's version. Safe to run from several programs at once (advisory lock), each of
    /// which waits for the first as long as that takes.
    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        // A connection of its own, closed afterwards: it has none of the limits that the pool's connections have.
        let mut connection = self.pool.acquire().await?.detach();
        for limit in [NO_STATEMENT_LIMIT, NO_LOCK_LIMIT] {
            sqlx::query(limit).execute(&mut connection).await?;
        }
        MIGRATIONS.run(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Begins a unit of work.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        Ok(Tx {
            inner: self.pool.begin().await?,
        })
    }

    /// The pool, for this crate's own reads outside a transaction.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The number of the newest snapshot of runnable lines.
    pub async fn snapshot_version(&self) -> Result<i64, DbError> {
        Ok(sqlx::query_scalar(SNAPSHOT_VERSION).fetch_one(&self.pool).await?)
    }

    /// A listener on the channel `snapshot`, told of every new version.
    pub async fn snapshot_listener(&self) -> Result<PgListener, DbError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen("snapshot").await?;
        Ok(listener)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction. Nothing is written unless [`Tx::save`] is reached.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
}

impl Tx {
    /// Commits.
    pub async fn save(self) -> Result<(), DbError> {
        Ok(self.inner.commit().await?)
    }

    /// The connection, for this crate's query modules.
    pub(crate) fn conn(&mut self) -> &mut sqlx::PgConnection {
        &mut self.inner
    }

    /// The next number of a gapless series of a year, locked until the end of this transaction.
    pub async fn take_number(&mut self, kind: &str, year: i32) -> Result<i64, DbError> {
        Ok(sqlx::query_scalar(TAKE_NUMBER)
            .bind(kind)
            .bind(year)
            .fetch_one(self.conn())
            .await?)
    }

    /// Says that what may run has changed: nodes are told when this transaction commits.
    pub async fn bump_snapshot(&mut self) -> Result<i64, DbError> {
        let version: i64 = sqlx::query_scalar(BUMP_SNAPSHOT).fetch_one(self.conn()).await?;
        sqlx::query(NOTIFY_SNAPSHOT)
            .bind(version.to_string())
            .execute(self.conn())
            .await?;
        Ok(version)
    }

    /// Appends to the audit log: who did what to which subject.
    pub async fn audit(
        &mut self,
        at: namoyish_domain::calendar::Timestamp,
        actor: &str,
        action: &str,
        subject: &str,
        details: serde_json::Value,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_AUDIT)
            .bind(at)
            .bind(actor)
            .bind(action)
            .bind(subject)
            .bind(details)
            .execute(self.conn())
            .await?;
        Ok(())
    }
}

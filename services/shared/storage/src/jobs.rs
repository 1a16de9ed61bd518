//! Runs of the billing worker's jobs, and the locks that keep two workers from doing the same work at once.
//!
//! Rule: billing.md §9. A run is a row by job and key (a day, a period): started, then finished or failed with its error
//! and number of attempts. The rows are for the operator's eyes and for the back-off; that a job may be run again after a
//! kill comes from the jobs themselves, which take their work from the state.

use crate::{DbError, Store, Tx};
use namoyish_domain::calendar::Timestamp;

statements! {
    START = "insert into job_runs (name, key, started_at) values ($1, $2, $3)
        on conflict (name, key) do update set started_at = excluded.started_at, attempts = job_runs.attempts + 1";
    FINISH = "update job_runs set finished_at = $3, error = null where name = $1 and key = $2";
    FAIL = "update job_runs set finished_at = null, error = $3 where name = $1 and key = $2";
    LOOKUP = "select name, key, started_at, finished_at, attempts, error from job_runs where name = $1 and key = $2";
    NEWEST = "select name, key, started_at, finished_at, attempts, error from job_runs order by started_at desc, name, key limit $1";
    TRY_LOCK = "select pg_try_advisory_xact_lock(hashtextextended('namoyish.job.' || $1, 0))";
}

/// A run of a job.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct JobRun {
    /// Name of the job.
    pub name: String,
    /// What it worked on: a day or a period.
    pub key: String,
    /// When the last attempt began.
    pub started_at: Timestamp,
    /// When it ended well; `None` while it runs, or when it failed or was killed.
    pub finished_at: Option<Timestamp>,
    /// Attempts so far.
    pub attempts: i32,
    /// The last attempt's error.
    pub error: Option<String>,
}

/// A job's lock, held until it is dropped. It lives on a connection of its own, so that a killed worker lets it go.
#[derive(Debug)]
pub struct JobLock {
    _held: Tx,
}

impl Store {
    /// Takes the lock of a job, or `None` while another worker holds it.
    pub async fn lock_job(&self, name: &str) -> Result<Option<JobLock>, DbError> {
        let mut tx = self.begin().await?;
        let taken: bool = sqlx::query_scalar(TRY_LOCK)
            .bind(name)
            .fetch_one(tx.conn())
            .await?;
        Ok(taken.then_some(JobLock { _held: tx }))
    }

    /// Writes that an attempt begins.
    pub async fn start_job(&self, name: &str, key: &str, at: Timestamp) -> Result<(), DbError> {
        sqlx::query(START)
            .bind(name)
            .bind(key)
            .bind(at)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Writes that the attempt ended well.
    pub async fn finish_job(&self, name: &str, key: &str, at: Timestamp) -> Result<(), DbError> {
        sqlx::query(FINISH)
            .bind(name)
            .bind(key)
            .bind(at)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Writes that the attempt failed.
    pub async fn fail_job(&self, name: &str, key: &str, error: &str) -> Result<(), DbError> {
        sqlx::query(FAIL)
            .bind(name)
            .bind(key)
            .bind(error)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// A run by job and key.
    pub async fn job_run(&self, name: &str, key: &str) -> Result<Option<JobRun>, DbError> {
        Ok(sqlx::query_as(LOOKUP)
            .bind(name)
            .bind(key)
            .fetch_optional(self.pool())
            .await?)
    }

    /// The newest runs, at most `limit`.
    pub async fn newest_job_runs(&self, limit: u32) -> Result<Vec<JobRun>, DbError> {
        Ok(sqlx::query_as(NEWEST)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?)
    }
}

//! Answers kept for repeated requests (spec README rule 7): the same key and body gets the first answer again, the same
//! key with another body is refused.
//!
//! The answer is saved in the transaction of the command itself, so there is an answer exactly when there is an
//! effect. Two requests with one key are put in a row by an advisory lock of the transaction: the second waits until
//! the first has committed (and then gets its answer) or has rolled back (and then is the first).

use crate::{DbError, Tx};
use namoyish_domain::calendar::Timestamp;
use sha2::{Digest, Sha256};

statements! {
    LOCK_KEY = "select pg_advisory_xact_lock($1)";
    FIND = "select body_sha256, status, answer from idempotency_keys where scope = $1 and key = $2";
    INSERT = "insert into idempotency_keys (scope, key, body_sha256, status, answer, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    /// Ends the life of old answers, some at a time, so that the statement stays short.
    FORGET = "delete from idempotency_keys where ctid in
        (select ctid from idempotency_keys where created_at < $1 order by created_at limit $2)";
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: carry the command out and [`Idempotency::finish`] it.
    Fresh,
    /// The same request was answered before.
    Replay {
        /// The HTTP status of the answer.
        status: u16,
        /// The answer's body.
        answer: String,
    },
    /// The key was used with another body.
    Conflict,
}

/// The kept answers, within a transaction.
#[derive(Debug)]
pub struct Idempotency<'a>(&'a mut Tx);

impl Tx {
    /// The kept answers.
    pub fn idempotency(&mut self) -> Idempotency<'_> {
        Idempotency(self)
    }
}

impl Idempotency<'_> {
    /// Takes the key until the transaction ends, and says what is known of it. `scope` tells operations and actors
    /// apart: one client's key means nothing to another's.
    pub async fn begin(&mut self, scope: &str, key: &str, body_sha256: &str) -> Result<Known, DbError> {
        sqlx::query(LOCK_KEY)
            .bind(lock_number(scope, key))
            .execute(self.0.conn())
            .await?;
        let found: Option<(String, i32, String)> = sqlx::query_as(FIND)
            .bind(scope)
            .bind(key)
            .fetch_optional(self.0.conn())
            .await?;
        Ok(match found {
            None => Known::Fresh,
            Some((first_body, status, answer)) if first_body == body_sha256 => Known::Replay {
                status: u16::try_from(status)
                    .map_err(|_| DbError::Inconsistent(format!("idempotency key with status {status}")))?,
                answer,
            },
            Some(_) => Known::Conflict,
        })
    }

    /// Keeps the answer; to be called in the transaction that began with [`Known::Fresh`].
    pub async fn finish(
        &mut self,
        scope: &str,
        key: &str,
        body_sha256: &str,
        status: u16,
        answer: &str,
        at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(scope)
            .bind(key)
            .bind(body_sha256)
            .bind(i32::from(status))
            .bind(answer)
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Forgets at most `count_max` answers kept before `before`; returns how many there were.
    pub async fn forget(&mut self, before: Timestamp, count_max: u32) -> Result<u64, DbError> {
        let done = sqlx::query(FORGET)
            .bind(before)
            .bind(i64::from(count_max))
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected())
    }
}

/// The number of a key's advisory lock. Two keys that share one only wait for each other.
fn lock_number(scope: &str, key: &str) -> i64 {
    let digest = Sha256::new()
        .chain_update(scope)
        .chain_update([0])
        .chain_update(key)
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(digest.split_at(8).0);
    i64::from_be_bytes(first)
}

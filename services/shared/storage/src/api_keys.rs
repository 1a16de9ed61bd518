//! Keys of API clients. Only the SHA-256 of a key is kept, so a copy of the table opens no door.

use crate::{DbError, Tx};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{ApiKeyId, CustomerId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    INSERT = "insert into api_keys (id, key_hash, name, role, customer_id, created_at) values ($1, $2, $3, $4, $5, $6)";
    LIVE = "select id, name, role, customer_id, created_at from api_keys where key_hash = $1 and revoked_at is null";
    /// $1 customer or null for the operator's, $2 after, $3 limit.
    LIST = "select id, name, role, customer_id, created_at, revoked_at from api_keys
        where customer_id is not distinct from $1 and ($2::uuid is null or id > $2) order by id limit $3";
    LOCK = "select id, name, role, customer_id, created_at, revoked_at from api_keys where id = $1 for no key update";
    REVOKE = "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null";
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Id.
    pub id: ApiKeyId,
    /// What the log calls it.
    pub name: String,
    /// Stable code of the role.
    pub role: String,
    /// The customer it acts for; `None`: the operator.
    pub customer: Option<CustomerId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key with the day of its end, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptApiKey {
    /// The key.
    pub key: ApiKey,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

/// See [`Tx::api_keys`].
#[derive(Debug)]
pub struct ApiKeys<'a>(&'a mut Tx);

impl Tx {
    /// Keys of API clients.
    pub fn api_keys(&mut self) -> ApiKeys<'_> {
        ApiKeys(self)
    }
}

impl ApiKeys<'_> {
    /// Adds a key by its hash. Refused by `api_key_is_unique`.
    pub async fn insert(&mut self, key: &ApiKey, key_hash: &[u8; 32]) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(key.id.uuid())
            .bind(key_hash.as_slice())
            .bind(&key.name)
            .bind(&key.role)
            .bind(key.customer.map(CustomerId::uuid))
            .bind(key.created_at)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The key with this hash, unless it is revoked.
    pub async fn live(&mut self, key_hash: &[u8; 32]) -> Result<Option<ApiKey>, DbError> {
        let row = sqlx::query(LIVE)
            .bind(key_hash.as_slice())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(key_of_row).transpose()
    }

    /// The keys of a customer, or of the operator, oldest first; the ended ones too.
    pub async fn list(
        &mut self,
        customer: Option<CustomerId>,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<KeptApiKey>, DbError> {
        let rows = sqlx::query(LIST)
            .bind(customer.map(CustomerId::uuid))
            .bind(after.map(ApiKeyId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(kept_key).collect()
    }

    /// A key by id, locked until the transaction ends.
    pub async fn lock(&mut self, id: ApiKeyId) -> Result<Option<KeptApiKey>, DbError> {
        let row = sqlx::query(LOCK)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(kept_key).transpose()
    }

    /// Ends a key. False: there is none or it has ended already.
    pub async fn revoke(&mut self, id: ApiKeyId, at: Timestamp) -> Result<bool, DbError> {
        let done = sqlx::query(REVOKE)
            .bind(id.uuid())
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

fn key_of_row(row: &PgRow) -> Result<ApiKey, DbError> {
    Ok(ApiKey {
        id: ApiKeyId::from_uuid(row.try_get("id")?),
        name: row.try_get("name")?,
        role: row.try_get("role")?,
        customer: row
            .try_get::<Option<Uuid>, _>("customer_id")?
            .map(CustomerId::from_uuid),
        created_at: row.try_get("created_at")?,
    })
}

fn kept_key(row: &PgRow) -> Result<KeptApiKey, DbError> {
    Ok(KeptApiKey {
        key: key_of_row(row)?,
        revoked_at: row.try_get("revoked_at")?,
    })
}

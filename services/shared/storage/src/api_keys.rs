//! Keys of API clients. Only the SHA-256 of a key is kept, so a copy of the table opens no door.

use crate::{DbError, Tx};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{ApiKeyId, CustomerId};
use sqlx::Row;
use uuid::Uuid;

statements! {
    INSERT = "insert into api_keys (id, key_hash, name, role, customer_id, created_at) values ($1, $2, $3, $4, $5, $6)";
    LIVE = "select id, name, role, customer_id, created_at from api_keys where key_hash = $1 and revoked_at is null";
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
        row.map(|row| {
            Ok(ApiKey {
                id: ApiKeyId::from_uuid(row.try_get("id")?),
                name: row.try_get("name")?,
                role: row.try_get("role")?,
                customer: row
                    .try_get::<Option<Uuid>, _>("customer_id")?
                    .map(CustomerId::from_uuid),
                created_at: row.try_get("created_at")?,
            })
        })
        .transpose()
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

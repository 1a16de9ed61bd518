//! Keys of API clients: made once, shown once, known by their hash, ended at once (cabinet.md "API clients").

use crate::app::create_user::{may_manage, role_fits};
use crate::app::{NotAllowed, Refusal, Told, code_of};
use namoyish_domain::ids::{ApiKeyId, CustomerId};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::api_keys::ApiKey;
use namoyish_storage::{DbError, Tx};
use serde_json::json;
use sha2::{Digest, Sha256};

/// What to make.
#[derive(Debug, Clone)]
pub struct MakeApiKey {
    /// What logs call it.
    pub name: String,
    /// What it may do: a customer's role with a customer, a staff role without.
    pub role: Role,
    /// The customer it acts for.
    pub customer: Option<CustomerId>,
}

/// A new key. The secret is shown this once.
#[derive(Debug, Clone)]
pub struct MadeApiKey {
    /// What is kept.
    pub key: ApiKey,
    /// What the client sends: "nk_" and 64 hexadecimal digits.
    pub secret: String,
}

/// Why it isn't made.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// Not an administrator.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The name.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// A customer's role without a customer, or the other way round.
    #[error("the role {} {}", .role.code(), if *.with_customer { "is not a customer's" } else { "needs a customer" })]
    RoleMismatch {
        /// The role.
        role: Role,
        /// Whether a customer was given.
        with_customer: bool,
    },
    /// There is no such customer or key.
    #[error("there is no {what}")]
    NotFound {
        /// `customer` or `api key`.
        what: &'static str,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for ApiKeyError {
    fn told(&self) -> Told {
        match self {
            ApiKeyError::NotAllowed(_) => Told::not_allowed(),
            ApiKeyError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            ApiKeyError::RoleMismatch { .. } => Told::refused("role_mismatch").field("role"),
            ApiKeyError::NotFound { .. } => Told::not_found("not_found"),
            ApiKeyError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(ApiKeyError);

/// The hash by which a key is known.
pub fn hash_of_key(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Makes a key.
pub async fn make_api_key(ctx: &Context, actor: &Actor, cmd: MakeApiKey) -> Result<MadeApiKey, ApiKeyError> {
    let mut tx = ctx.store.begin().await?;
    let made = make_api_key_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(made)
}

/// The same inside the caller's transaction.
pub async fn make_api_key_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: MakeApiKey,
) -> Result<MadeApiKey, ApiKeyError> {
    allow(actor, cmd.customer, "make API keys")?;
    let name = text::required("name", &cmd.name, 100)?;
    // A viewer's key of the operator's own reads for its reports.
    if !role_fits(cmd.role, cmd.customer.is_some()) && cmd.role != Role::Viewer {
        return Err(ApiKeyError::RoleMismatch {
            role: cmd.role,
            with_customer: cmd.customer.is_some(),
        });
    }
    if let Some(customer) = cmd.customer
        && tx.customers().find(customer).await?.is_none()
    {
        return Err(ApiKeyError::NotFound { what: "customer" });
    }
    let secret = format!("nk_{}", hex::encode(ctx.ids.bytes::<32>()));
    let key = ApiKey {
        id: ApiKeyId::from_uuid(ctx.uuid()),
        name,
        role: cmd.role.code().to_owned(),
        customer: cmd.customer,
        created_at: ctx.now(),
    };
    tx.api_keys().insert(&key, &hash_of_key(&secret)).await?;
    let details =
        json!({"name": key.name, "role": key.role, "customer": key.customer.map(|id| id.to_string())});
    tx.audit(
        ctx.now(),
        &actor.name,
        "make_api_key",
        &key.id.to_string(),
        details,
    )
    .await?;
    Ok(MadeApiKey { key, secret })
}

/// Ends a key: the next request with it is refused.
pub async fn revoke_api_key(ctx: &Context, actor: &Actor, id: ApiKeyId) -> Result<(), ApiKeyError> {
    let mut tx = ctx.store.begin().await?;
    revoke_api_key_in(&mut tx, ctx, actor, id).await?;
    tx.save().await?;
    Ok(())
}

/// The same inside the caller's transaction.
pub async fn revoke_api_key_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    id: ApiKeyId,
) -> Result<(), ApiKeyError> {
    let not_found = || ApiKeyError::NotFound { what: "api key" };
    let kept = tx.api_keys().lock(id).await?;
    let kept = kept.filter(|kept| actor.is_operator() || actor.customer == kept.key.customer);
    let kept = kept.ok_or_else(not_found)?;
    allow(actor, kept.key.customer, "revoke API keys")?;
    if !tx.api_keys().revoke(id, ctx.now()).await? {
        return Err(not_found());
    }
    tx.audit(
        ctx.now(),
        &actor.name,
        "revoke_api_key",
        &id.to_string(),
        json!({}),
    )
    .await?;
    Ok(())
}

/// A customer's owner makes and ends its own keys, an administrator all.
fn allow(actor: &Actor, customer: Option<CustomerId>, action: &'static str) -> Result<(), NotAllowed> {
    if may_manage(actor, customer) {
        Ok(())
    } else {
        Err(NotAllowed {
            role: actor.role,
            action,
        })
    }
}

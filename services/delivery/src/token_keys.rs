//! Token keys: the text form of tokens, and the rotation of the keys that sign them.
//!
//! Rule: delivery.md §4. Keys are rows of `token_keys`, shared by all nodes: the newest signs, retired ones verify until
//! their last token has expired. A node reads them at its start and with every snapshot; a new key signs only after
//! every node has had time to learn it ([`LEARN_SECONDS`]), so that no node refuses another's tokens.
//!
//! In URLs a token is base64url without padding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::delivery::counters::{EventKind, TOKEN_LIFE_SECONDS};
use namoyish_domain::delivery::token::{
    self, Claims, OpenedToken, TOKEN_BYTES_MAX, TargetTooLong, TokenKeys, TokenRefused,
};
use namoyish_runtime::ids::Generator;
use namoyish_storage::runnable::TokenKeyRecord;
use namoyish_storage::{DbError, Store};

/// How long a new key only verifies before it signs.
pub const LEARN_SECONDS: i64 = 30;
const SECRET_BYTES: usize = 32;
/// Longest token as text.
pub(crate) const TOKEN_TEXT_MAX: usize = TOKEN_BYTES_MAX.div_ceil(3) * 4;

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum TokenKeysError {
    /// The table can't be read.
    #[error("the token keys can't be read")]
    Database(#[from] DbError),
    /// All 256 numbers are in use.
    #[error("all 256 numbers of token keys are in use")]
    NumbersUsedUp,
    /// A stored secret is too short.
    #[error("a stored token key is unusable")]
    Unusable,
}

/// Reads the keys; makes the first one when there is none (two nodes at once agree on one).
pub async fn load_token_keys(
    store: &Store,
    ids: &Generator,
    now: Timestamp,
) -> Result<TokenKeys, TokenKeysError> {
    let mut records = store.token_keys(verify_since(now)).await?;
    if records.is_empty() {
        let mut tx = store.begin().await?;
        tx.node_reports()
            .insert_token_key(1, &ids.bytes::<SECRET_BYTES>(), now)
            .await?;
        tx.save().await?;
        records = store.token_keys(verify_since(now)).await?;
    }
    keys_of(&records, now)
}

/// Makes a new key and retires the others; they verify until their last token has expired.
pub async fn rotate_token_keys(store: &Store, ids: &Generator, now: Timestamp) -> Result<u8, TokenKeysError> {
    let mut tx = store.begin().await?;
    tx.node_reports().forget_token_keys(verify_since(now)).await?;
    tx.save().await?;
    let taken = store.token_keys(verify_since(now)).await?;
    let newest = taken.first().map_or(0, |record| record.id);
    let free = (1..=u8::MAX)
        .map(|step| newest.wrapping_add(step))
        .find(|id| taken.iter().all(|record| record.id != *id))
        .ok_or(TokenKeysError::NumbersUsedUp)?;
    let mut tx = store.begin().await?;
    if !tx
        .node_reports()
        .insert_token_key(free, &ids.bytes::<SECRET_BYTES>(), now)
        .await?
    {
        return Err(TokenKeysError::NumbersUsedUp);
    }
    tx.node_reports().retire_token_keys_but(free, now).await?;
    tx.save().await?;
    Ok(free)
}

/// Keys retired before this instant have no living token: they signed for a while after a newer one came, and a token
/// lives for ten minutes.
fn verify_since(now: Timestamp) -> Timestamp {
    now - TimeDelta::seconds(TOKEN_LIFE_SECONDS + 2 * LEARN_SECONDS)
}

fn keys_of(records: &[TokenKeyRecord], now: Timestamp) -> Result<TokenKeys, TokenKeysError> {
    let known_to_all = now - TimeDelta::seconds(LEARN_SECONDS);
    // Newest first: the newest that every node knows signs, or the oldest while there is no such key.
    let signing = records
        .iter()
        .find(|record| record.created_at <= known_to_all)
        .or(records.last())
        .ok_or(TokenKeysError::Unusable)?;
    let others: Vec<(u8, Vec<u8>)> = records
        .iter()
        .filter(|record| record.id != signing.id)
        .map(|record| (record.id, record.secret.clone()))
        .collect();
    TokenKeys::new((signing.id, &signing.secret), &others).ok_or(TokenKeysError::Unusable)
}

/// A token as text.
pub(crate) fn seal_text(
    claims: &Claims,
    kind: EventKind,
    target: &str,
    keys: &TokenKeys,
) -> Result<String, TargetTooLong> {
    let mut bytes = Vec::with_capacity(160 + target.len());
    token::seal(claims, kind, target, keys, &mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(&bytes))
}

/// Appends a token's text.
pub(crate) fn put_token(token: &[u8], text: &mut Vec<u8>) {
    let start = text.len();
    text.resize(start + (token.len() * 4).div_ceil(3), 0);
    // The room is measured to the byte, so it always fits.
    let room = text.get_mut(start..).unwrap_or_default();
    let written = URL_SAFE_NO_PAD.encode_slice(token, room).unwrap_or(0);
    text.truncate(start + written);
}

/// Opens a token's text.
pub(crate) fn open_text(
    text: &str,
    kind: EventKind,
    keys: &TokenKeys,
    life_seconds: i64,
    now: Timestamp,
) -> Result<OpenedToken, TokenRefused> {
    if text.len() > TOKEN_TEXT_MAX {
        return Err(TokenRefused::Malformed);
    }
    let mut bytes = [0; TOKEN_BYTES_MAX + 3];
    let length = URL_SAFE_NO_PAD
        .decode_slice(text, &mut bytes)
        .map_err(|_| TokenRefused::Malformed)?;
    token::open(
        bytes.get(..length).unwrap_or_default(),
        kind,
        keys,
        life_seconds,
        now,
    )
}

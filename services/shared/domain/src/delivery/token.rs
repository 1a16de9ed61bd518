//! Tokens: what an impression, viewable or click URL says, signed.
//!
//! Rule: delivery.md §4. A token names its line, material, placement, region, number and instant of decision; a click
//! token also its target, so that the redirect is no open one. A forged, altered or expired token counts nothing.
//!
//! ```text
//! bytes = version 1 | key id 1 | kind 1 | line 16 | material 16 | placement 16 | scope 4 | generation 4 | epoch 4
//!         | number 4 | decided at, ms, 8 | region length 1 + text | target length 2 + text | code 16
//! code  = half of HMAC-SHA-256 over the bytes before it, with 0 in the kind's place unless it is a click:
//!         the left half signs an impression or a click, the right half a viewable
//! ```
//!
//! Sixteen bytes of it leave a forger one chance in 2^128 a try. An impression and its viewable say the same, so one
//! HMAC signs both: its halves tell nothing of each other, and neither half is ever accepted for the other kind. The keys
//! are set up once: a signature costs a clone of two hash states.
//!
//! Invariants, each a property test of the same name: `every_altered_byte_is_refused`, `what_was_sealed_is_opened`.
//! Not here: base64 and URLs (the node's), where keys are kept (storage), whether a token was called before (the
//! counter).

use crate::calendar::Timestamp;
use crate::delivery::counters::{Epoch, EventKind};
use crate::ids::{AdMaterialId, LineId, PlacementId};
use crate::orders::placement::RegionCode;
use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

const VERSION: u8 = 2;
/// Where the kind stands.
const KIND_AT: usize = 2;
const MAC_BYTES: usize = 16;
const TARGET_LENGTH_BYTES: usize = 2;
/// Longest click target that fits a token, in bytes.
pub const TARGET_BYTES_MAX: usize = 2048;
/// Longest token in bytes, before base64.
pub const TOKEN_BYTES_MAX: usize = 2304;
/// How far a node's clock may be ahead of another's before its tokens are refused.
const SKEW_SECONDS: i64 = 60;

/// What a token says. Everything but the kind and the target is the same in the three tokens of one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The line that pays.
    pub line: LineId,
    /// The material shown.
    pub material: AdMaterialId,
    /// Where.
    pub placement: PlacementId,
    /// The viewer's region, when the address resolved to one.
    pub region: Option<RegionCode>,
    /// 0, or a month such as 202611 for a monthly budget.
    pub scope: u32,
    /// The counter's life that the number belongs to.
    pub generation: u32,
    /// The epoch of the decision.
    pub epoch: Epoch,
    /// The impression's own number in the line's epoch.
    pub number: u32,
    /// The instant of the decision, whole milliseconds.
    pub decided_at: Timestamp,
}

/// A token that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedToken {
    /// What may be counted by it.
    pub kind: EventKind,
    /// What it says.
    pub claims: Claims,
    /// Where a click goes; empty in the other kinds.
    pub target: String,
}

/// Why a token counts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// Not of the form of a token: cut, too long, or of another version.
    #[error("the token is malformed")]
    Malformed,
    /// Signed with a key that isn't in use (any more).
    #[error("the token is signed with an unknown key {key_id}")]
    UnknownKey {
        /// The key that it names.
        key_id: u8,
    },
    /// Forged or altered.
    #[error("the token's signature does not fit")]
    BadSignature,
    /// Genuine, but of another kind than the URL that was called.
    #[error("the token is of another kind")]
    WrongKind,
    /// Past its life.
    #[error("the token expired {late_seconds} s ago")]
    Expired {
        /// Seconds since it expired.
        late_seconds: i64,
    },
    /// Decided in the future: a clock is wrong.
    #[error("the token lies {ahead_seconds} s in the future")]
    FromTheFuture {
        /// Seconds until its decision.
        ahead_seconds: i64,
    },
}

impl TokenRefused {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            TokenRefused::Malformed => "token_malformed",
            TokenRefused::UnknownKey { .. } => "token_key_unknown",
            TokenRefused::BadSignature => "token_signature_wrong",
            TokenRefused::WrongKind => "token_of_another_kind",
            TokenRefused::Expired { .. } => "token_expired",
            TokenRefused::FromTheFuture { .. } => "token_from_the_future",
        }
    }
}

/// A token can't be made: its target is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the target of {bytes} bytes is over the limit of {TARGET_BYTES_MAX}")]
pub struct TargetTooLong {
    /// Its length.
    pub bytes: usize,
}

/// One key, set up.
#[derive(Clone)]
struct TokenKey {
    id: u8,
    mac: Hmac<Sha256>,
}

/// The keys in use: the newest signs, all verify.
#[derive(Clone)]
pub struct TokenKeys {
    signing: TokenKey,
    older: Vec<TokenKey>,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the secrets.
        write!(
            f,
            "TokenKeys(signing {}, {} older)",
            self.signing.id,
            self.older.len()
        )
    }
}

impl TokenKeys {
    /// Keys from `(id, secret)`; `signing` signs, `older` ones only verify. `None` when a secret is shorter than 16
    /// bytes.
    pub fn new(signing: (u8, &[u8]), older: &[(u8, Vec<u8>)]) -> Option<TokenKeys> {
        let key = |id: u8, secret: &[u8]| -> Option<TokenKey> {
            if secret.len() < MAC_BYTES {
                return None;
            }
            Some(TokenKey {
                id,
                mac: Hmac::<Sha256>::new_from_slice(secret).ok()?,
            })
        };
        let older: Option<Vec<TokenKey>> = older.iter().map(|(id, secret)| key(*id, secret)).collect();
        Some(TokenKeys {
            signing: key(signing.0, signing.1)?,
            older: older?,
        })
    }

    fn find(&self, id: u8) -> Option<&TokenKey> {
        if self.signing.id == id {
            return Some(&self.signing);
        }
        self.older.iter().find(|key| key.id == id)
    }
}

/// The three tokens of one decision.
#[derive(Debug, Clone, Copy)]
pub struct SealedTokens<'a> {
    /// The impression's.
    pub impression: &'a [u8],
    /// The viewable's.
    pub viewable: &'a [u8],
    /// The click's.
    pub click: &'a [u8],
}

/// Makes the three tokens of one decision, the click with its target, in `buffer`, which is overwritten: kept between
/// decisions it costs no allocation.
pub fn seal_all<'a>(
    claims: &Claims,
    target: &str,
    keys: &TokenKeys,
    buffer: &'a mut Vec<u8>,
) -> Result<SealedTokens<'a>, TargetTooLong> {
    buffer.clear();
    body(claims, EventKind::Impression, "", keys, buffer)?;
    let body_bytes = buffer.len();
    let [shown, viewed] = halves(&keys.signing, buffer, EventKind::Impression);
    buffer.extend_from_slice(&shown);
    buffer.extend_from_within(..body_bytes);
    if let Some(kind) = buffer.get_mut(body_bytes + MAC_BYTES + KIND_AT) {
        *kind = EventKind::Viewable.number();
    }
    buffer.extend_from_slice(&viewed);
    let shown_bytes = body_bytes + MAC_BYTES;
    // The click says the same up to the target.
    let clicked_at = buffer.len();
    buffer.extend_from_within(..body_bytes.saturating_sub(TARGET_LENGTH_BYTES));
    if let Some(kind) = buffer.get_mut(clicked_at + KIND_AT) {
        *kind = EventKind::Click.number();
    }
    put_target(target, buffer)?;
    let [clicked, _] = halves(
        &keys.signing,
        buffer.get(clicked_at..).unwrap_or_default(),
        EventKind::Click,
    );
    buffer.extend_from_slice(&clicked);
    let (impression, rest) = buffer.split_at_checked(shown_bytes).unwrap_or_default();
    let (viewable, click) = rest.split_at_checked(shown_bytes).unwrap_or_default();
    Ok(SealedTokens {
        impression,
        viewable,
        click,
    })
}

/// Appends one token's bytes to `out`. Only a click has a target.
pub fn seal(
    claims: &Claims,
    kind: EventKind,
    target: &str,
    keys: &TokenKeys,
    out: &mut Vec<u8>,
) -> Result<(), TargetTooLong> {
    let start = out.len();
    let target = if kind == EventKind::Click { target } else { "" };
    if let Err(refused) = body(claims, kind, target, keys, out) {
        out.truncate(start);
        return Err(refused);
    }
    let [left, right] = halves(&keys.signing, out.get(start..).unwrap_or_default(), kind);
    out.extend_from_slice(if kind == EventKind::Viewable {
        &right
    } else {
        &left
    });
    Ok(())
}

/// Everything before the code.
fn body(
    claims: &Claims,
    kind: EventKind,
    target: &str,
    keys: &TokenKeys,
    out: &mut Vec<u8>,
) -> Result<(), TargetTooLong> {
    let region = claims.region.as_ref().map_or("", |region| region.as_str());
    out.extend_from_slice(&[VERSION, keys.signing.id, kind.number()]);
    out.extend_from_slice(claims.line.uuid().as_bytes());
    out.extend_from_slice(claims.material.uuid().as_bytes());
    out.extend_from_slice(claims.placement.uuid().as_bytes());
    out.extend_from_slice(&claims.scope.to_be_bytes());
    out.extend_from_slice(&claims.generation.to_be_bytes());
    out.extend_from_slice(&claims.epoch.0.to_be_bytes());
    out.extend_from_slice(&claims.number.to_be_bytes());
    out.extend_from_slice(&claims.decided_at.timestamp_millis().to_be_bytes());
    // A region code has at most 47 characters.
    out.push(u8::try_from(region.len()).unwrap_or(0));
    out.extend_from_slice(region.as_bytes());
    put_target(target, out)
}

fn put_target(target: &str, out: &mut Vec<u8>) -> Result<(), TargetTooLong> {
    let refuse = TargetTooLong { bytes: target.len() };
    if target.len() > TARGET_BYTES_MAX {
        return Err(refuse);
    }
    out.extend_from_slice(&u16::try_from(target.len()).map_err(|_| refuse)?.to_be_bytes());
    out.extend_from_slice(target.as_bytes());
    Ok(())
}

/// Both halves of the HMAC of a token's body.
fn halves(key: &TokenKey, body: &[u8], kind: EventKind) -> [[u8; MAC_BYTES]; 2] {
    let mut mac = key.mac.clone();
    let signed_kind = if kind == EventKind::Click {
        kind.number()
    } else {
        0
    };
    let (head, rest) = body.split_at_checked(KIND_AT).unwrap_or_default();
    // In one piece, which the hash takes fastest.
    let mut start = [0; KIND_AT + 1];
    for (to, from) in start.iter_mut().zip(head) {
        *to = *from;
    }
    start[KIND_AT] = signed_kind;
    mac.update(&start);
    mac.update(rest.get(1..).unwrap_or_default());
    let code: [u8; 2 * MAC_BYTES] = mac.finalize().into_bytes().into();
    let mut halves = [[0; MAC_BYTES]; 2];
    for (half, bytes) in halves.iter_mut().zip(code.as_chunks::<MAC_BYTES>().0) {
        *half = *bytes;
    }
    halves
}

/// Opens a token of the kind that the URL stands for, at `now`; it is good for `life_seconds` after its decision. The signature is checked (in constant time) before
/// anything else is believed.
pub fn open(
    bytes: &[u8],
    kind: EventKind,
    keys: &TokenKeys,
    life_seconds: i64,
    now: Timestamp,
) -> Result<OpenedToken, TokenRefused> {
    if bytes.len() > TOKEN_BYTES_MAX || bytes.len() <= MAC_BYTES {
        return Err(TokenRefused::Malformed);
    }
    let (body, code) = bytes.split_at(bytes.len() - MAC_BYTES);
    let mut read = Reader(body);
    if read.byte()? != VERSION {
        return Err(TokenRefused::Malformed);
    }
    let key_id = read.byte()?;
    let key = keys.find(key_id).ok_or(TokenRefused::UnknownKey { key_id })?;
    // Whatever stands in the kind's place, a code that doesn't fit it is no signature.
    let sealed_kind = EventKind::of_number(read.byte()?).ok_or(TokenRefused::BadSignature)?;
    let [left, right] = halves(key, body, sealed_kind);
    let due = if sealed_kind == EventKind::Viewable {
        right
    } else {
        left
    };
    if !is_same(&due, code) {
        return Err(TokenRefused::BadSignature);
    }

    let claims = Claims {
        line: LineId::from_uuid(read.uuid()?),
        material: AdMaterialId::from_uuid(read.uuid()?),
        placement: PlacementId::from_uuid(read.uuid()?),
        scope: u32::from_be_bytes(read.array()?),
        generation: u32::from_be_bytes(read.array()?),
        epoch: Epoch(u32::from_be_bytes(read.array()?)),
        number: u32::from_be_bytes(read.array()?),
        decided_at: DateTime::from_timestamp_millis(i64::from_be_bytes(read.array()?))
            .ok_or(TokenRefused::Malformed)?,
        region: match read.byte()? {
            0 => None,
            length => {
                let text = read.text(usize::from(length))?;
                Some(RegionCode::parse(text).map_err(|_| TokenRefused::Malformed)?)
            }
        },
    };
    let target_bytes = usize::from(u16::from_be_bytes(read.array()?));
    let target = read.text(target_bytes)?.to_owned();
    if !read.0.is_empty() {
        return Err(TokenRefused::Malformed);
    }
    if sealed_kind != kind {
        return Err(TokenRefused::WrongKind);
    }
    let age_seconds = (now - claims.decided_at).num_seconds();
    if age_seconds > life_seconds {
        return Err(TokenRefused::Expired {
            late_seconds: age_seconds - life_seconds,
        });
    }
    if age_seconds < -SKEW_SECONDS {
        return Err(TokenRefused::FromTheFuture {
            ahead_seconds: -age_seconds,
        });
    }
    Ok(OpenedToken {
        kind: sealed_kind,
        claims,
        target,
    })
}

/// Compares in a time that tells nothing of where they differ.
fn is_same(due: &[u8; MAC_BYTES], given: &[u8]) -> bool {
    given.len() == due.len()
        && std::hint::black_box(
            due.iter()
                .zip(given)
                .fold(0, |differences, (a, b)| differences | (a ^ b)),
        ) == 0
}

/// Reads from the front; every step past the end is [`TokenRefused::Malformed`].
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], TokenRefused> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(TokenRefused::Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TokenRefused> {
        self.take(N)?.try_into().map_err(|_| TokenRefused::Malformed)
    }

    fn byte(&mut self) -> Result<u8, TokenRefused> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn uuid(&mut self) -> Result<Uuid, TokenRefused> {
        self.array().map(Uuid::from_bytes)
    }

    fn text(&mut self, n: usize) -> Result<&'a str, TokenRefused> {
        std::str::from_utf8(self.take(n)?).map_err(|_| TokenRefused::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    const LIFE: i64 = 600;

    fn keys() -> TokenKeys {
        TokenKeys::new((3, &[7; 32]), &[(2, vec![9; 32])]).unwrap()
    }

    fn decided_at() -> Timestamp {
        DateTime::from_timestamp_millis(1_793_592_000_123).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            line: LineId::from_uuid(Uuid::from_u128(1)),
            material: AdMaterialId::from_uuid(Uuid::from_u128(2)),
            placement: PlacementId::from_uuid(Uuid::from_u128(3)),
            region: Some(RegionCode::parse("UZ-TK/tashkent").unwrap()),
            scope: 202_611,
            generation: 4,
            epoch: Epoch::of(decided_at()),
            number: 99,
            decided_at: decided_at(),
        }
    }

    fn sealed(kind: EventKind, keys: &TokenKeys) -> Vec<u8> {
        let mut bytes = Vec::new();
        seal(&claims(), kind, "https://example.uz/?a=1", keys, &mut bytes).unwrap();
        bytes
    }

    fn refused(bytes: &[u8], kind: EventKind, now: Timestamp) -> TokenRefused {
        open(bytes, kind, &keys(), LIFE, now).unwrap_err()
    }

    #[test]
    fn a_click_carries_its_target_and_the_others_none() {
        for (kind, target) in [
            (EventKind::Impression, ""),
            (EventKind::Viewable, ""),
            (EventKind::Click, "https://example.uz/?a=1"),
        ] {
            let opened = open(&sealed(kind, &keys()), kind, &keys(), LIFE, decided_at()).unwrap();
            assert_eq!((opened.kind, opened.target.as_str()), (kind, target));
            assert_eq!(opened.claims, claims());
        }
    }

    #[test]
    fn the_three_tokens_of_a_decision_are_those_that_are_sealed_one_by_one() {
        let mut buffer = vec![1, 2, 3];
        let target = "https://example.uz/?a=1";
        let all = seal_all(&claims(), target, &keys(), &mut buffer).unwrap();
        for (kind, token) in [
            (EventKind::Impression, all.impression),
            (EventKind::Viewable, all.viewable),
            (EventKind::Click, all.click),
        ] {
            assert_eq!(token, sealed(kind, &keys()), "{kind:?}");
        }
        let long = "x".repeat(TARGET_BYTES_MAX + 1);
        assert!(seal_all(&claims(), &long, &keys(), &mut Vec::new()).is_err());
    }

    #[test]
    fn an_impressions_code_signs_no_viewable_and_a_viewables_no_impression() {
        let (shown, viewed) = (
            sealed(EventKind::Impression, &keys()),
            sealed(EventKind::Viewable, &keys()),
        );
        for (mut bytes, becomes) in [(shown, EventKind::Viewable), (viewed, EventKind::Impression)] {
            bytes[KIND_AT] = becomes.number();
            assert_eq!(
                refused(&bytes, becomes, decided_at()),
                TokenRefused::BadSignature,
                "{becomes:?}"
            );
        }
    }

    #[test]
    fn a_token_lives_ten_minutes_from_its_decision() {
        let bytes = sealed(EventKind::Impression, &keys());
        let at = |seconds| decided_at() + TimeDelta::seconds(seconds);
        assert!(open(&bytes, EventKind::Impression, &keys(), LIFE, at(600)).is_ok());
        assert_eq!(
            refused(&bytes, EventKind::Impression, at(601)),
            TokenRefused::Expired { late_seconds: 1 }
        );
        assert!(open(&bytes, EventKind::Impression, &keys(), LIFE, at(-60)).is_ok());
        let ahead = refused(&bytes, EventKind::Impression, at(-61));
        assert_eq!(ahead, TokenRefused::FromTheFuture { ahead_seconds: 61 });
    }

    #[test]
    fn an_impression_is_no_click() {
        let bytes = sealed(EventKind::Impression, &keys());
        assert_eq!(
            refused(&bytes, EventKind::Click, decided_at()),
            TokenRefused::WrongKind
        );
        assert_eq!(
            refused(&bytes, EventKind::Viewable, decided_at()),
            TokenRefused::WrongKind
        );
    }

    #[test]
    fn an_older_key_verifies_and_a_retired_one_does_not() {
        let before = TokenKeys::new((2, &[9; 32]), &[]).unwrap();
        let bytes = sealed(EventKind::Impression, &before);
        assert!(open(&bytes, EventKind::Impression, &keys(), LIFE, decided_at()).is_ok());
        let after = TokenKeys::new((3, &[7; 32]), &[]).unwrap();
        let refused = open(&bytes, EventKind::Impression, &after, LIFE, decided_at()).unwrap_err();
        assert_eq!(refused, TokenRefused::UnknownKey { key_id: 2 });
    }

    #[test]
    fn a_token_of_another_secret_is_forged() {
        let forger = TokenKeys::new((3, &[8; 32]), &[]).unwrap();
        let bytes = sealed(EventKind::Click, &forger);
        assert_eq!(
            refused(&bytes, EventKind::Click, decided_at()),
            TokenRefused::BadSignature
        );
        assert!(TokenKeys::new((1, b"short"), &[]).is_none());
    }

    #[test]
    fn a_target_that_does_not_fit_is_refused() {
        let mut out = Vec::new();
        let long = "x".repeat(TARGET_BYTES_MAX + 1);
        let refused = seal(&claims(), EventKind::Click, &long, &keys(), &mut out).unwrap_err();
        assert_eq!(refused.bytes, TARGET_BYTES_MAX + 1);
        assert!(out.is_empty());
        seal(&claims(), EventKind::Click, &long[1..], &keys(), &mut out).unwrap();
        assert!(out.len() <= TOKEN_BYTES_MAX);
    }

    #[test]
    fn no_length_of_garbage_is_more_than_refused() {
        let bytes = sealed(EventKind::Click, &keys());
        for end in 0..bytes.len() {
            assert!(
                open(&bytes[..end], EventKind::Click, &keys(), LIFE, decided_at()).is_err(),
                "cut at {end}"
            );
        }
        let mut longer = bytes.clone();
        longer.resize(TOKEN_BYTES_MAX + 1, 0);
        assert_eq!(
            refused(&longer, EventKind::Click, decided_at()),
            TokenRefused::Malformed
        );
    }

    proptest! {
        #[test]
        fn every_altered_byte_is_refused(at in 0..1000_usize, flip in 1..=255_u8) {
            for kind in [EventKind::Impression, EventKind::Viewable, EventKind::Click] {
                let mut bytes = sealed(kind, &keys());
                let at = at % bytes.len();
                bytes[at] ^= flip;
                prop_assert!(open(&bytes, kind, &keys(), LIFE, decided_at()).is_err());
            }
        }

        #[test]
        fn what_was_sealed_is_opened(
            line: u128, scope: u32, generation: u32, number: u32, millis in 0..4_000_000_000_000_i64, target in "[ -~]{0,300}",
        ) {
            let decided_at = DateTime::from_timestamp_millis(millis).unwrap();
            let claims = Claims {
                line: LineId::from_uuid(Uuid::from_u128(line)),
                region: None,
                scope,
                generation,
                number,
                decided_at,
                epoch: Epoch::of(decided_at),
                ..claims()
            };
            let mut bytes = Vec::new();
            seal(&claims, EventKind::Click, &target, &keys(), &mut bytes).unwrap();
            let opened = open(&bytes, EventKind::Click, &keys(), LIFE, decided_at).unwrap();
            prop_assert_eq!(opened, OpenedToken { kind: EventKind::Click, claims, target });
        }

        #[test]
        fn random_bytes_never_open(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(open(&bytes, EventKind::Click, &keys(), LIFE, decided_at()).is_err());
        }
    }

    #[test]
    fn every_single_bit_flip_is_refused() {
        let sealed = sealed(EventKind::Click, &keys());
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut bytes = sealed.clone();
                bytes[at] ^= 1 << bit;
                assert!(
                    open(&bytes, EventKind::Click, &keys(), LIFE, decided_at()).is_err(),
                    "bit {bit} of byte {at}"
                );
            }
        }
    }
}

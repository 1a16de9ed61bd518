//! The one-time code for signing in the cabinet (orders.md §3): six digits, sent to the notice e-mail, ten minutes, five
//! attempts; a new one once a minute and five times an hour, so that codes can't be drawn until one fits.
//!
//! A code signs one thing: the blank, or the amendment of it, that its hash names.
//!
//! Only its hash is kept. An attempt is counted and saved before the code is compared, so that attempts can't be raced.
//! The password is asked for again by the cabinet's page, before this.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_own_or_staff};
use chrono::TimeDelta;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{MailId, OrderBlankId};
use namoyish_domain::orders::order_blank::MoveRefused;
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::order_blanks::{OrderBlank, SigningCode};
use namoyish_storage::outbox::NewMail;
use namoyish_storage::{DbError, Tx};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Life of a code, minutes.
pub const CODE_LIFE_MINUTES: i64 = 10;
/// How often one may try.
pub const ATTEMPTS_MAX: i32 = 5;
/// Seconds between two codes for a blank.
pub const RESEND_SECONDS: i64 = 60;
/// The most codes for a blank within an hour.
pub const SENDS_PER_HOUR: i16 = 5;

/// For which blank to send a code.
#[derive(Debug, Clone, Copy)]
pub struct SendSigningCode {
    /// An offered blank.
    pub blank: OrderBlankId,
}

/// Why no code is sent or a code isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum SigningCodeError {
    /// Not the customer's owner.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such blank.
    #[error("there is no order blank {blank}")]
    NoSuchBlank {
        /// The id.
        blank: OrderBlankId,
    },
    /// Not offered.
    #[error(transparent)]
    State(#[from] MoveRefused),
    /// No code was sent, or it is too old.
    #[error("the code has expired or was never sent; it lives {CODE_LIFE_MINUTES} minutes")]
    Expired,
    /// A code was sent a moment ago, or too many within the hour.
    #[error("a code was sent; another can be sent in {seconds} seconds")]
    TooOften {
        /// Until then.
        seconds: i64,
    },
    /// Too many attempts.
    #[error("the code was tried {ATTEMPTS_MAX} times; ask for a new one")]
    TooManyAttempts,
    /// Another code.
    #[error("the code is wrong; {attempts_left} attempts are left")]
    Wrong {
        /// How many are left.
        attempts_left: i32,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for SigningCodeError {
    fn told(&self) -> Told {
        match self {
            SigningCodeError::NotAllowed(_) => Told::not_allowed(),
            SigningCodeError::NoSuchBlank { .. } => Told::not_found("no_such_order_blank"),
            SigningCodeError::State(refused) => Told::conflict(refused.code()),
            SigningCodeError::Expired => Told::refused("signing_code_expired").field("code"),
            SigningCodeError::TooOften { seconds } => {
                Told::conflict("signing_code_too_often").limit(Some(format!("{seconds} seconds")))
            }
            SigningCodeError::TooManyAttempts => Told::refused("signing_code_attempts")
                .field("code")
                .limit(Some(ATTEMPTS_MAX.to_string())),
            SigningCodeError::Wrong { .. } => Told::refused("signing_code_wrong").field("code"),
            SigningCodeError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(SigningCodeError);

/// Sends a new code to every notice address of the blank; the one before it ends.
pub async fn send_signing_code(
    ctx: &Context,
    actor: &Actor,
    cmd: SendSigningCode,
) -> Result<(), SigningCodeError> {
    let mut tx = ctx.store.begin().await?;
    let no_such_blank = SigningCodeError::NoSuchBlank { blank: cmd.blank };
    let Some(blank) = tx.order_blanks().lock(cmd.blank).await? else {
        return Err(no_such_blank);
    };
    if !require_own_or_staff(actor, blank.customer, &[Role::Owner], &[], "sign order blanks")? {
        return Err(no_such_blank);
    }
    blank.state.sign()?;
    send_code_in(&mut tx, ctx, actor, &blank, blank.id.uuid(), &blank.number).await?;
    tx.save().await?;
    Ok(())
}

/// Sends a code that signs `subject`: the blank itself or an amendment of it, called `name` in the letter. The caller has
/// locked the blank and authorised the actor.
pub(crate) async fn send_code_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    blank: &OrderBlank,
    subject: Uuid,
    name: &str,
) -> Result<(), SigningCodeError> {
    let customer =
        tx.customers().find(blank.customer).await?.ok_or_else(|| {
            DbError::Inconsistent(format!("order blank {}: its customer is gone", blank.id))
        })?;
    let now = ctx.now();
    let before = tx.order_blanks().lock_code(blank.id).await?;
    let (sends, sends_since) = count_send(before.as_ref(), now)?;
    let code = format!("{:06}", ctx.ids.draw() % 1_000_000);
    let kept = SigningCode {
        code_hash: hash_of_code(subject, &code).to_vec(),
        expires_at: now + TimeDelta::minutes(CODE_LIFE_MINUTES),
        attempts: 0,
        sent_at: Some(now),
        sends,
        sends_since: Some(sends_since),
    };
    tx.order_blanks().put_code(blank.id, &kept).await?;
    let (subject, body) = letter(&customer.language, name, &code);
    for address in &blank.notice_emails {
        let id = MailId::from_uuid(ctx.uuid());
        let mail = NewMail {
            id,
            dedupe_key: format!("signing_code {id}"),
            recipient: address.as_str().to_owned(),
            subject: subject.clone(),
            body: body.clone(),
            document: None,
            language: customer.language.clone(),
        };
        tx.outbox().push(&mail, ctx.now()).await?;
    }
    // The code itself is nowhere but in the letter.
    tx.audit(
        ctx.now(),
        &actor.name,
        "send_signing_code",
        &blank.id.to_string(),
        json!({"number": name}),
    )
    .await?;
    Ok(())
}

/// How many codes this one makes within the hour, and since when; or how long to wait.
fn count_send(before: Option<&SigningCode>, now: Timestamp) -> Result<(i16, Timestamp), SigningCodeError> {
    let Some(before) = before else { return Ok((1, now)) };
    let age = |since: Timestamp| (now - since).num_seconds();
    if let Some(sent_at) = before.sent_at.filter(|sent_at| age(*sent_at) < RESEND_SECONDS) {
        return Err(SigningCodeError::TooOften {
            seconds: RESEND_SECONDS - age(sent_at),
        });
    }
    match before.sends_since.filter(|since| age(*since) < 3600) {
        None => Ok((1, now)),
        Some(since) if before.sends >= SENDS_PER_HOUR => Err(SigningCodeError::TooOften {
            seconds: 3600 - age(since),
        }),
        Some(since) => Ok((before.sends.saturating_add(1), since)),
    }
}

/// Checks a code in a transaction of its own, which is saved whether the code is right or wrong.
pub(crate) async fn check_signing_code(
    ctx: &Context,
    blank: OrderBlankId,
    subject: Uuid,
    code: &str,
) -> Result<(), SigningCodeError> {
    let mut tx = ctx.store.begin().await?;
    let kept = tx
        .order_blanks()
        .lock_code(blank)
        .await?
        .ok_or(SigningCodeError::Expired)?;
    if kept.expires_at <= ctx.now() {
        return Err(SigningCodeError::Expired);
    }
    if kept.attempts >= ATTEMPTS_MAX {
        return Err(SigningCodeError::TooManyAttempts);
    }
    tx.order_blanks().count_attempt(blank).await?;
    tx.save().await?;
    let given = hash_of_code(subject, code.trim());
    if bool::from(given.as_slice().ct_eq(kept.code_hash.as_slice())) {
        Ok(())
    } else {
        Err(SigningCodeError::Wrong {
            attempts_left: ATTEMPTS_MAX - kept.attempts - 1,
        })
    }
}

fn hash_of_code(subject: Uuid, code: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(subject.as_bytes())
        .chain_update(code.as_bytes())
        .finalize()
        .into()
}

fn letter(language: &str, number: &str, code: &str) -> (String, String) {
    match language {
        "ru" => (
            format!("Код для подписания бланка заказа {number}"),
            format!(
                "Код для подписания бланка заказа {number}: {code}\n\nОн действует {CODE_LIFE_MINUTES} минут. Никому его не \
                 сообщайте. Если вы не подписываете бланк заказа, сообщите нам.\n"
            ),
        ),
        "en" => (
            format!("Code to sign order blank {number}"),
            format!(
                "The code to sign order blank {number}: {code}\n\nIt is valid for {CODE_LIFE_MINUTES} minutes. Tell it to \
                 nobody. If you are not signing an order blank, let us know.\n"
            ),
        ),
        "uz-Cyrl" => (
            format!("{number} буюртма бланкасини имзолаш коди"),
            format!(
                "{number} буюртма бланкасини имзолаш коди: {code}\n\nКод {CODE_LIFE_MINUTES} дақиқа амал қилади. Уни ҳеч кимга \
                 айтманг. Бланкани сиз имзолаётган бўлмасангиз, бизга хабар беринг.\n"
            ),
        ),
        _ => (
            format!("{number} buyurtma blankasini imzolash kodi"),
            format!(
                "{number} buyurtma blankasini imzolash kodi: {code}\n\nKod {CODE_LIFE_MINUTES} daqiqa amal qiladi. Uni hech \
                 kimga aytmang. Blankani siz imzolayotgan boʻlmasangiz, bizga xabar bering.\n"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_one_blank_signs_no_other() {
        let blank = Uuid::from_u128;
        assert_ne!(hash_of_code(blank(1), "123456"), hash_of_code(blank(2), "123456"));
        assert_eq!(hash_of_code(blank(1), "123456"), hash_of_code(blank(1), "123456"));
    }

    #[test]
    fn every_language_has_its_letter_with_number_and_code() {
        let mut subjects = std::collections::BTreeSet::new();
        for language in ["uz-Latn", "uz-Cyrl", "ru", "en"] {
            let (subject, body) = letter(language, "OB-2026-000001", "012345");
            assert!(
                body.contains("012345") && body.contains("OB-2026-000001"),
                "{language}"
            );
            assert!(
                !subject.contains("012345"),
                "the code is not shown where a list of letters shows it"
            );
            subjects.insert(subject);
        }
        assert_eq!(subjects.len(), 4);
    }
}

//! Order blanks: what was agreed, by whom, and the frozen text of it (orders.md §3). Their lines are in `order_lines`.
//!
//! What was signed is written once: `SIGN` only touches a row that isn't signed yet, and the constraint
//! `signed_blank_is_frozen` keeps signature, text and hash together.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{CustomerId, OrderBlankId};
use namoyish_domain::money::{Money, Rate};
use namoyish_domain::orders::order_blank::{
    BlankState, Prepayment, SignatureKind, StatisticsSource, VatTerms,
};
use namoyish_domain::orders::party::Email;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    INSERT = "insert into order_blanks (id, number, code, customer_id, city, state, rules_edition, prepayment, own_due_on,
            statistics_source, notice_emails, made_out_on, vat_rate, vat_payer, created_at, own_due_days)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    FIND = "select * from order_blanks where id = $1";
    FIND_BY_CODE = "select * from order_blanks where code = $1";
    LOCK = "select * from order_blanks where id = $1 for no key update";
    /// $1 customer or null, $2 only what the customer may see, $3 before, $4 limit.
    LIST = "select * from order_blanks where ($1::uuid is null or customer_id = $1) and (not $2 or state <> 'draft')
        and ($3::uuid is null or id < $3) order by id desc limit $4";
    SET_STATE = "update order_blanks set state = $2 where id = $1 and state = $3";
    SET_OFFERED = "update order_blanks set state = 'offered', offered_at = $2 where id = $1 and state = 'draft'";
    SIGN = "update order_blanks set state = 'signed', signed_at = $2, signed_on = $3, signature_kind = $4, signed_by = $5,
            canonical_json = $6, sha256 = $7, scan_sha256 = $8 where id = $1 and state = 'offered' and signed_at is null";
    /// The edition of the rules is that of the day of signing [003 §2.2].
    SET_EDITION = "update order_blanks set rules_edition = $2 where id = $1 and signed_at is null";
    /// Written again while it is a draft: everything that was agreed on is drawn up anew, the number stays.
    REDRAW = "update order_blanks set code = $2, city = $3, rules_edition = $4, prepayment = $5, own_due_on = $6, own_due_days = $7,
            statistics_source = $8, notice_emails = $9, made_out_on = $10, vat_rate = $11, vat_payer = $12
        where id = $1 and state = 'draft'";
    /// What a signing issued: the invoices of its instant.
    INVOICED_AT = "select number, due_on, gross from invoices where order_blank_id = $1 and issued_at = $2 order by due_on, number";
    PUT_SCAN = "insert into scans (sha256, media_type, content, stored_at) values ($1, $2, $3, $4) on conflict (sha256) do nothing";
    SCAN = "select media_type, content from scans where sha256 = $1";
    /// Public: who holds both the number and the hash learns that the blank, or its amendment, was signed.
    VERIFY = "select b.number, 0 as amendment, b.signed_on from order_blanks b where b.number = $1 and b.sha256 = $2
        union all select b.number, a.number, a.signed_on from order_blanks b join amendments a on a.order_blank_id = b.id
            where b.number = $1 and a.sha256 = $2 limit 1";
    PUT_CODE = "insert into signing_codes (order_blank_id, code_hash, expires_at, attempts, sent_at, sends, sends_since)
        values ($1, $2, $3, 0, $4, $5, $6)
        on conflict (order_blank_id) do update set code_hash = excluded.code_hash, expires_at = excluded.expires_at, attempts = 0,
            sent_at = excluded.sent_at, sends = excluded.sends, sends_since = excluded.sends_since";
    LOCK_CODE = "select code_hash, expires_at, attempts, sent_at, sends, sends_since from signing_codes
        where order_blank_id = $1 for no key update";
    COUNT_ATTEMPT = "update signing_codes set attempts = attempts + 1 where order_blank_id = $1";
    DELETE_CODE = "delete from signing_codes where order_blank_id = $1";
}

/// An order blank as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBlank {
    /// Id.
    pub id: OrderBlankId,
    /// "OB-2026-000123", gapless per year.
    pub number: String,
    /// The operator's short name for it, unique; its number when none was given.
    pub code: String,
    /// Customer.
    pub customer: CustomerId,
    /// City in which it is made out.
    pub city: String,
    /// State.
    pub state: BlankState,
    /// Edition of the rules that is part of the contract.
    pub rules_edition: i32,
    /// How the prepayment is invoiced.
    pub prepayment: Prepayment,
    /// Its own payment term, if it states one.
    pub own_due_on: Option<NaiveDate>,
    /// The same as a number of days after the signing [003 §5.11.1]; at most one of both is stated.
    pub own_due_days: Option<u16>,
    /// Whose counts count.
    pub statistics_source: StatisticsSource,
    /// Where notices go; at least one.
    pub notice_emails: Vec<Email>,
    /// The day on which it was made out; its price list and VAT rate are those of this day.
    pub made_out_on: NaiveDate,
    /// VAT.
    pub vat: VatTerms,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was offered to the customer.
    pub offered_at: Option<Timestamp>,
    /// The signature, once there.
    pub signature: Option<Signature>,
}

/// What was signed, when and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// When.
    pub signed_at: Timestamp,
    /// The Tashkent day that counts as the date of the contract.
    pub signed_on: NaiveDate,
    /// How.
    pub kind: SignatureKind,
    /// Who signed or recorded it.
    pub signed_by: String,
    /// The frozen terms: canonical JSON.
    pub canonical_json: String,
    /// SHA-256 of the frozen terms, hexadecimal.
    pub sha256: String,
    /// SHA-256 of the scan of a paper, when there is one.
    pub scan: Option<String>,
}

/// The scan of a signed paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// "application/pdf", "image/jpeg" or "image/png", by its bytes.
    pub media_type: String,
    /// Bytes.
    pub content: Vec<u8>,
}

/// A signed blank, or an amendment of it, that somebody asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenuineContract {
    /// Number of the blank.
    pub number: String,
    /// Number of the amendment; 0: the blank itself.
    pub amendment: i32,
    /// Date of signature.
    pub signed_on: NaiveDate,
}

/// A one-time code for signing in the cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningCode {
    /// SHA-256 of blank and code.
    pub code_hash: Vec<u8>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Failed attempts.
    pub attempts: i32,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// How many codes were sent since `sends_since`.
    pub sends: i16,
    /// When the first of them was sent.
    pub sends_since: Option<Timestamp>,
}

/// See [`Tx::order_blanks`].
#[derive(Debug)]
pub struct OrderBlanks<'a>(&'a mut Tx);

impl Tx {
    /// Order blanks.
    pub fn order_blanks(&mut self) -> OrderBlanks<'_> {
        OrderBlanks(self)
    }
}

impl OrderBlanks<'_> {
    /// Adds a draft. Refused by `order_blank_number_is_unique`, `order_blank_code_is_unique`.
    pub async fn insert(&mut self, blank: &OrderBlank) -> Result<(), DbError> {
        let emails: Vec<&str> = blank.notice_emails.iter().map(Email::as_str).collect();
        sqlx::query(INSERT)
            .bind(blank.id.uuid())
            .bind(&blank.number)
            .bind(&blank.code)
            .bind(blank.customer.uuid())
            .bind(&blank.city)
            .bind(blank.state.code())
            .bind(blank.rules_edition)
            .bind(blank.prepayment.code())
            .bind(blank.own_due_on)
            .bind(blank.statistics_source.code())
            .bind(emails)
            .bind(blank.made_out_on)
            .bind(blank.vat.rate().decimal())
            .bind(blank.vat.is_payer())
            .bind(blank.created_at)
            .bind(days_column(blank.own_due_days))
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A blank by id.
    pub async fn find(&mut self, id: OrderBlankId) -> Result<Option<OrderBlank>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(blank_of_row).transpose()
    }

    /// A blank by its code.
    pub async fn find_by_code(&mut self, code: &str) -> Result<Option<OrderBlank>, DbError> {
        let row = sqlx::query(FIND_BY_CODE)
            .bind(code)
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(blank_of_row).transpose()
    }

    /// A blank by id, locked until the transaction ends.
    pub async fn lock(&mut self, id: OrderBlankId) -> Result<Option<OrderBlank>, DbError> {
        let row = sqlx::query(LOCK)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(blank_of_row).transpose()
    }

    /// Blanks, newest first; `customer` narrows the list, and then drafts are left out when `hide_drafts`.
    pub async fn list(
        &mut self,
        customer: Option<CustomerId>,
        hide_drafts: bool,
        before: Option<OrderBlankId>,
        limit: u32,
    ) -> Result<Vec<OrderBlank>, DbError> {
        let rows = sqlx::query(LIST)
            .bind(customer.map(CustomerId::uuid))
            .bind(hide_drafts)
            .bind(before.map(OrderBlankId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(blank_of_row).collect()
    }

    /// Writes a move. The row must still be in the state that was read under the lock.
    pub async fn set_state(
        &mut self,
        id: OrderBlankId,
        from: BlankState,
        to: BlankState,
    ) -> Result<(), DbError> {
        let done = sqlx::query(SET_STATE)
            .bind(id.uuid())
            .bind(to.code())
            .bind(from.code())
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "order blank has moved under its lock")
    }

    /// Writes the offer.
    pub async fn set_offered(&mut self, id: OrderBlankId, at: Timestamp) -> Result<(), DbError> {
        let done = sqlx::query(SET_OFFERED)
            .bind(id.uuid())
            .bind(at)
            .execute(self.0.conn())
            .await?;
        one_row(
            done.rows_affected(),
            "order blank has been offered under its lock",
        )
    }

    /// Freezes what was signed.
    pub async fn sign(&mut self, id: OrderBlankId, signature: &Signature) -> Result<(), DbError> {
        let done = sqlx::query(SIGN)
            .bind(id.uuid())
            .bind(signature.signed_at)
            .bind(signature.signed_on)
            .bind(signature.kind.code())
            .bind(&signature.signed_by)
            .bind(&signature.canonical_json)
            .bind(&signature.sha256)
            .bind(&signature.scan)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "order blank has been signed under its lock")
    }

    /// Makes an edition of the rules part of a blank that is about to be signed.
    pub async fn set_edition(&mut self, id: OrderBlankId, edition: i32) -> Result<(), DbError> {
        let done = sqlx::query(SET_EDITION)
            .bind(id.uuid())
            .bind(edition)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "order blank has been signed under its lock")
    }

    /// Draws a draft up anew; its number, customer and day of creation stay. Refused by `order_blank_code_is_unique`.
    pub async fn redraw(&mut self, blank: &OrderBlank) -> Result<(), DbError> {
        let emails: Vec<&str> = blank.notice_emails.iter().map(Email::as_str).collect();
        let done = sqlx::query(REDRAW)
            .bind(blank.id.uuid())
            .bind(&blank.code)
            .bind(&blank.city)
            .bind(blank.rules_edition)
            .bind(blank.prepayment.code())
            .bind(blank.own_due_on)
            .bind(days_column(blank.own_due_days))
            .bind(blank.statistics_source.code())
            .bind(emails)
            .bind(blank.made_out_on)
            .bind(blank.vat.rate().decimal())
            .bind(blank.vat.is_payer())
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "draft has moved under its lock")
    }

    /// The invoices that were issued for a blank at an instant: number, due date, sum with VAT.
    pub async fn invoiced_at(
        &mut self,
        id: OrderBlankId,
        at: Timestamp,
    ) -> Result<Vec<(String, NaiveDate, Money)>, DbError> {
        let rows = sqlx::query(INVOICED_AT)
            .bind(id.uuid())
            .bind(at)
            .fetch_all(self.0.conn())
            .await?;
        rows.iter()
            .map(|row| {
                let gross = Money::from_decimal(row.try_get("gross")?)?;
                Ok((row.try_get("number")?, row.try_get("due_on")?, gross))
            })
            .collect()
    }

    /// Keeps a scan once by its hash.
    pub async fn put_scan(&mut self, scan: &Scan, stored_at: Timestamp) -> Result<(), DbError> {
        sqlx::query(PUT_SCAN)
            .bind(&scan.sha256)
            .bind(&scan.media_type)
            .bind(&scan.content)
            .bind(stored_at)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A scan by its hash. Whose it is, the caller must know.
    pub async fn scan(&mut self, sha256: &str) -> Result<Option<Scan>, DbError> {
        let row = sqlx::query(SCAN)
            .bind(sha256)
            .fetch_optional(self.0.conn())
            .await?;
        row.map(|row| {
            Ok(Scan {
                sha256: sha256.to_owned(),
                media_type: row.try_get("media_type")?,
                content: row.try_get("content")?,
            })
        })
        .transpose()
    }

    /// Keeps a new one-time code; the one before it ends.
    pub async fn put_code(&mut self, id: OrderBlankId, code: &SigningCode) -> Result<(), DbError> {
        sqlx::query(PUT_CODE)
            .bind(id.uuid())
            .bind(&code.code_hash)
            .bind(code.expires_at)
            .bind(code.sent_at)
            .bind(code.sends)
            .bind(code.sends_since)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The one-time code of a blank, locked until the transaction ends.
    pub async fn lock_code(&mut self, id: OrderBlankId) -> Result<Option<SigningCode>, DbError> {
        let row = sqlx::query(LOCK_CODE)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.map(|row| {
            Ok(SigningCode {
                code_hash: row.try_get("code_hash")?,
                expires_at: row.try_get("expires_at")?,
                attempts: row.try_get("attempts")?,
                sent_at: row.try_get("sent_at")?,
                sends: row.try_get("sends")?,
                sends_since: row.try_get("sends_since")?,
            })
        })
        .transpose()
    }

    /// Counts a failed attempt.
    pub async fn count_attempt(&mut self, id: OrderBlankId) -> Result<(), DbError> {
        sqlx::query(COUNT_ATTEMPT)
            .bind(id.uuid())
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Ends a code that was used.
    pub async fn delete_code(&mut self, id: OrderBlankId) -> Result<(), DbError> {
        sqlx::query(DELETE_CODE)
            .bind(id.uuid())
            .execute(self.0.conn())
            .await?;
        Ok(())
    }
}

impl Store {
    /// The signed blank, or its amendment, with this number and hash, when there is one. Public.
    pub async fn verify_contract(
        &self,
        number: &str,
        sha256: &str,
    ) -> Result<Option<GenuineContract>, DbError> {
        let row = sqlx::query(VERIFY)
            .bind(number)
            .bind(sha256)
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| {
            Ok(GenuineContract {
                number: row.try_get("number")?,
                amendment: row.try_get("amendment")?,
                signed_on: row.try_get("signed_on")?,
            })
        })
        .transpose()
    }
}

fn days_column(days: Option<u16>) -> Option<i16> {
    days.and_then(|days| i16::try_from(days).ok())
}

/// An update that must have found its row.
pub(crate) fn one_row(rows: u64, otherwise: &str) -> Result<(), DbError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(DbError::Inconsistent(otherwise.to_owned()))
    }
}

fn blank_of_row(row: &PgRow) -> Result<OrderBlank, DbError> {
    let id = OrderBlankId::from_uuid(row.try_get::<Uuid, _>("id")?);
    let inconsistent = |what: &str| DbError::Inconsistent(format!("order blank {id}: {what}"));
    let text = |name: &str| row.try_get::<String, _>(name);
    let emails: Vec<String> = row.try_get("notice_emails")?;
    let rate = Rate::new(row.try_get("vat_rate")?)?;
    Ok(OrderBlank {
        id,
        number: text("number")?,
        code: text("code")?,
        customer: CustomerId::from_uuid(row.try_get("customer_id")?),
        city: text("city")?,
        state: BlankState::parse(&text("state")?).ok_or_else(|| inconsistent("state"))?,
        rules_edition: row.try_get("rules_edition")?,
        prepayment: Prepayment::parse(&text("prepayment")?).ok_or_else(|| inconsistent("prepayment"))?,
        own_due_on: row.try_get("own_due_on")?,
        own_due_days: row
            .try_get::<Option<i16>, _>("own_due_days")?
            .and_then(|days| u16::try_from(days).ok()),
        statistics_source: StatisticsSource::parse(&text("statistics_source")?)
            .ok_or_else(|| inconsistent("statistics_source"))?,
        notice_emails: emails
            .iter()
            .map(|email| Email::parse(email).map_err(|_| inconsistent("notice_emails")))
            .collect::<Result<_, _>>()?,
        made_out_on: row.try_get("made_out_on")?,
        vat: VatTerms::of(row.try_get("vat_payer")?, rate),
        created_at: row.try_get("created_at")?,
        offered_at: row.try_get("offered_at")?,
        signature: signature_of_row(row, &inconsistent)?,
    })
}

fn signature_of_row(
    row: &PgRow,
    inconsistent: &impl Fn(&str) -> DbError,
) -> Result<Option<Signature>, DbError> {
    let Some(signed_at) = row.try_get::<Option<Timestamp>, _>("signed_at")? else {
        return Ok(None);
    };
    let kind: Option<String> = row.try_get("signature_kind")?;
    Ok(Some(Signature {
        signed_at,
        signed_on: row.try_get("signed_on")?,
        kind: kind
            .as_deref()
            .and_then(SignatureKind::parse)
            .ok_or_else(|| inconsistent("signature_kind"))?,
        signed_by: row
            .try_get::<Option<String>, _>("signed_by")?
            .ok_or_else(|| inconsistent("signed_by"))?,
        canonical_json: row.try_get("canonical_json")?,
        sha256: row.try_get("sha256")?,
        scan: row.try_get("scan_sha256")?,
    }))
}

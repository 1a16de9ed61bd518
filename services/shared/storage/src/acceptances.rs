//! Acceptances of the public offer (orders.md §3) [003 §5.2]: who accepted which text, when and from where. The contract
//! that an acceptance makes is an order blank; this is the evidence beside it.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::OrderBlankId;
use sqlx::Row;

statements! {
    INSERT = "insert into offer_acceptances (order_blank_id, how, rules_edition, rules_sha256, accepted_at, accepted_by,
            accepted_from, used_on) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND = "select order_blank_id, how, rules_edition, rules_sha256, accepted_at, accepted_by, accepted_from, used_on
        from offer_acceptances where order_blank_id = $1";
}

/// How the offer was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HowAccepted {
    /// Its text was accepted, with services chosen from the price list.
    Acceptance,
    /// An additional service was used.
    UseOfService,
}

impl HowAccepted {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            HowAccepted::Acceptance => "acceptance",
            HowAccepted::UseOfService => "use_of_service",
        }
    }
}

/// An acceptance as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The contract that it made.
    pub blank: OrderBlankId,
    /// How.
    pub how: HowAccepted,
    /// Which edition of the rules.
    pub rules_edition: i32,
    /// SHA-256 of its text, hexadecimal.
    pub rules_sha256: String,
    /// When.
    pub accepted_at: Timestamp,
    /// By whom.
    pub accepted_by: String,
    /// The caller's address; empty when the operator recorded the use.
    pub accepted_from: String,
    /// The day on which a service was used.
    pub used_on: Option<NaiveDate>,
}

/// See [`Tx::acceptances`].
#[derive(Debug)]
pub struct Acceptances<'a>(&'a mut Tx);

impl Tx {
    /// Acceptances of the public offer.
    pub fn acceptances(&mut self) -> Acceptances<'_> {
        Acceptances(self)
    }
}

impl Acceptances<'_> {
    /// Writes an acceptance.
    pub async fn insert(&mut self, acceptance: &Acceptance) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(acceptance.blank.uuid())
            .bind(acceptance.how.code())
            .bind(acceptance.rules_edition)
            .bind(&acceptance.rules_sha256)
            .bind(acceptance.accepted_at)
            .bind(&acceptance.accepted_by)
            .bind(&acceptance.accepted_from)
            .bind(acceptance.used_on)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The acceptance that made a contract, when it was made so.
    pub async fn find(&mut self, blank: OrderBlankId) -> Result<Option<Acceptance>, DbError> {
        let row = sqlx::query(FIND)
            .bind(blank.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.map(|row| {
            let how: String = row.try_get("how")?;
            Ok(Acceptance {
                blank: OrderBlankId::from_uuid(row.try_get("order_blank_id")?),
                how: match how.as_str() {
                    "acceptance" => HowAccepted::Acceptance,
                    "use_of_service" => HowAccepted::UseOfService,
                    _ => return Err(DbError::Inconsistent(format!("acceptance of {blank}: {how}"))),
                },
                rules_edition: row.try_get("rules_edition")?,
                rules_sha256: row.try_get("rules_sha256")?,
                accepted_at: row.try_get("accepted_at")?,
                accepted_by: row.try_get("accepted_by")?,
                accepted_from: row.try_get("accepted_from")?,
                used_on: row.try_get("used_on")?,
            })
        })
        .transpose()
    }
}

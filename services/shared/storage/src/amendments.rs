//! Amendments of signed order blanks: the chain in which each names the hash of the one before (orders.md §6).
//!
//! An amendment's row moves only through its states; its lines are written once, with the draft. Signing writes the row
//! first: the triggers on `order_lines`, `line_placements` and `line_regions` then let this transaction change its lines.

use crate::order_blanks::one_row;
use crate::order_lines::targeting_of_row;
use crate::placements::region_code;
use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{AdMaterialId, AmendmentId, LineId, OrderBlankId, PlacementId};
use namoyish_domain::money::{Money, UnitPrice};
use namoyish_domain::orders::amendment::{AmendmentState, LineAmendment};
use namoyish_domain::orders::order_blank::SignatureKind;
use rust_decimal::Decimal;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    NEXT_NUMBER = "select coalesce(max(number), 0) + 1 from amendments where order_blank_id = $1 and state <> 'cancelled'";
    INSERT = "insert into amendments (id, order_blank_id, number, state, own_due_on, note, made_out_on, created_at, created_by)
        values ($1, $2, $3, 'draft', $4, $5, $6, $7, $8)";
    INSERT_LINE = "insert into amendment_lines (amendment_id, line_id, unit_price, first_day, last_day, budget, quantity, placements,
            regions, targeting, rubrics, search_phrases, schedule, frequency_cap, material_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    FIND = "select * from amendments where id = $1";
    LOCK = "select * from amendments where id = $1 for no key update";
    LINES = "select x.* from amendment_lines x join order_lines l on l.id = x.line_id where x.amendment_id = $1 order by l.position";
    /// $2 only what the customer may see, $3 after a number, $4 limit.
    OF_BLANK = "select * from amendments where order_blank_id = $1 and (not $2 or offered_at is not null) and id > $3 order by id limit $4";
    LAST_HASH = "select sha256 from amendments where order_blank_id = $1 and state = 'signed' order by number desc limit 1";
    SET_STATE = "update amendments set state = $2, offered_at = coalesce(offered_at, $4) where id = $1 and state = $3";
    SIGN = "update amendments set state = 'signed', signed_at = $2, signed_on = $3, signature_kind = $4, signed_by = $5,
            canonical_json = $6, sha256 = $7, previous_sha256 = $8, scan_sha256 = $9 where id = $1 and state = 'offered'";
    COUNTED = "select coalesce(sum(t.counted), 0)::bigint as counted, coalesce(max(t.counted), 0)::bigint as most_in_scope
        from line_totals t where t.line_id = $1";
    OPEN_EXTRA_PERIOD = "select exists (select 1 from extra_periods where line_id = $1 and ended is null and last_day >= $2)";
    /// Invoices of the prepayment that cover a line and still ask for something, the latest due first.
    COVERING = "select s.id, s.due_net, s.due_vat, il.net, il.vat
        from invoice_lines il join invoice_standings s on s.id = il.invoice_id
        where il.line_id = $1 and s.due_net > 0 order by s.due_on desc, s.number desc";
}

/// An amendment as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// Id.
    pub id: AmendmentId,
    /// The blank that it changes.
    pub blank: OrderBlankId,
    /// 1, 2, 3, … in the blank.
    pub number: i32,
    /// State.
    pub state: AmendmentState,
    /// Payment term of what it adds.
    pub own_due_on: Option<NaiveDate>,
    /// A note for both parties.
    pub note: String,
    /// The day on which it was made out.
    pub made_out_on: NaiveDate,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was offered.
    pub offered_at: Option<Timestamp>,
    /// The signature, once there.
    pub signature: Option<AmendmentSignature>,
}

/// What was agreed on, when and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendmentSignature {
    /// When.
    pub signed_at: Timestamp,
    /// Date of the signature, Tashkent.
    pub signed_on: NaiveDate,
    /// How.
    pub kind: SignatureKind,
    /// Who signed or recorded it.
    pub signed_by: String,
    /// The frozen text.
    pub canonical_json: String,
    /// Its SHA-256.
    pub sha256: String,
    /// SHA-256 of what it follows: the blank's terms, or the amendment before.
    pub previous_sha256: String,
    /// SHA-256 of the scan of a paper, when there is one.
    pub scan: Option<String>,
}

/// What the rules ask about a line beside its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineUse {
    /// Impressions counted over its life.
    pub counted: u64,
    /// Of them, in the scope (the term, or a month) that has the most.
    pub most_in_scope: u64,
    /// Whether an extra period is active or scheduled.
    pub extra_period_open: bool,
}

/// An invoice that covers a line and still asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoveringInvoice {
    /// The invoice.
    pub invoice: namoyish_domain::ids::InvoiceId,
    /// Net that the whole invoice still asks for.
    pub due_net: Money,
    /// VAT that the whole invoice still asks for.
    pub due_vat: Money,
    /// Net of the line on it.
    pub line_net: Money,
}

/// See [`Tx::amendments`].
#[derive(Debug)]
pub struct Amendments<'a>(&'a mut Tx);

impl Tx {
    /// Amendments of order blanks.
    pub fn amendments(&mut self) -> Amendments<'_> {
        Amendments(self)
    }
}

impl Amendments<'_> {
    /// The number that the next amendment of a blank has. Lock the blank first.
    pub async fn next_number(&mut self, blank: OrderBlankId) -> Result<i32, DbError> {
        Ok(sqlx::query_scalar(NEXT_NUMBER)
            .bind(blank.uuid())
            .fetch_one(self.0.conn())
            .await?)
    }

    /// Adds a draft with its lines. Refused by `one_open_amendment_at_a_time`.
    pub async fn insert(&mut self, amendment: &Amendment, lines: &[LineAmendment]) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(amendment.id.uuid())
            .bind(amendment.blank.uuid())
            .bind(amendment.number)
            .bind(amendment.own_due_on)
            .bind(&amendment.note)
            .bind(amendment.made_out_on)
            .bind(amendment.created_at)
            .bind(&amendment.created_by)
            .execute(self.0.conn())
            .await?;
        for line in lines {
            let targeting = line.targeting.clone().unwrap_or_default();
            let placements: Option<Vec<Uuid>> = line
                .placements
                .as_ref()
                .map(|ids| ids.iter().map(|id| id.uuid()).collect());
            let regions: Option<Vec<String>> = line
                .regions
                .as_ref()
                .map(|codes| codes.iter().map(ToString::to_string).collect());
            sqlx::query(INSERT_LINE)
                .bind(amendment.id.uuid())
                .bind(line.line.uuid())
                .bind(line.unit_price.map(UnitPrice::decimal))
                .bind(line.first_day)
                .bind(line.last_day)
                .bind(line.budget.map(Money::decimal))
                .bind(line.quantity)
                .bind(placements)
                .bind(regions)
                .bind(line.targeting.is_some())
                .bind(targeting.rubrics())
                .bind(targeting.search_phrases())
                .bind(targeting.schedule())
                .bind(targeting.frequency_cap().and_then(|cap| i16::try_from(cap).ok()))
                .bind(line.material.map(AdMaterialId::uuid))
                .execute(self.0.conn())
                .await?;
        }
        Ok(())
    }

    /// An amendment by id.
    pub async fn find(&mut self, id: AmendmentId) -> Result<Option<Amendment>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(amendment_of_row).transpose()
    }

    /// An amendment by id, locked until the transaction ends. Lock its blank first.
    pub async fn lock(&mut self, id: AmendmentId) -> Result<Option<Amendment>, DbError> {
        let row = sqlx::query(LOCK)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(amendment_of_row).transpose()
    }

    /// What it changes, by the position of the lines.
    pub async fn lines(&mut self, id: AmendmentId) -> Result<Vec<LineAmendment>, DbError> {
        let rows = sqlx::query(LINES)
            .bind(id.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(line_of_row).collect()
    }

    /// Amendments of a blank, oldest first; without drafts when `hide_drafts`.
    pub async fn of_blank(
        &mut self,
        blank: OrderBlankId,
        hide_drafts: bool,
        after: Option<AmendmentId>,
        limit: u32,
    ) -> Result<Vec<Amendment>, DbError> {
        let rows = sqlx::query(OF_BLANK)
            .bind(blank.uuid())
            .bind(hide_drafts)
            .bind(after.map_or(Uuid::nil(), AmendmentId::uuid))
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(amendment_of_row).collect()
    }

    /// The hash of the last signed amendment of a blank.
    pub async fn last_hash(&mut self, blank: OrderBlankId) -> Result<Option<String>, DbError> {
        Ok(sqlx::query_scalar(LAST_HASH)
            .bind(blank.uuid())
            .fetch_optional(self.0.conn())
            .await?)
    }

    /// Writes a move other than the signature; `at` is when it was offered.
    pub async fn set_state(
        &mut self,
        id: AmendmentId,
        from: AmendmentState,
        to: AmendmentState,
        at: Timestamp,
    ) -> Result<(), DbError> {
        let offered_at = (to == AmendmentState::Offered).then_some(at);
        let done = sqlx::query(SET_STATE)
            .bind(id.uuid())
            .bind(to.code())
            .bind(from.code())
            .bind(offered_at)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "amendment has moved under its lock")
    }

    /// Freezes what was agreed on.
    pub async fn sign(&mut self, id: AmendmentId, signature: &AmendmentSignature) -> Result<(), DbError> {
        let done = sqlx::query(SIGN)
            .bind(id.uuid())
            .bind(signature.signed_at)
            .bind(signature.signed_on)
            .bind(signature.kind.code())
            .bind(&signature.signed_by)
            .bind(&signature.canonical_json)
            .bind(&signature.sha256)
            .bind(&signature.previous_sha256)
            .bind(&signature.scan)
            .execute(self.0.conn())
            .await?;
        one_row(done.rows_affected(), "amendment has been signed under its lock")
    }

    /// What the rules ask about a line beside its row. Lock the line first.
    pub async fn line_use(&mut self, line: LineId, today: NaiveDate) -> Result<LineUse, DbError> {
        let row = sqlx::query(COUNTED)
            .bind(line.uuid())
            .fetch_one(self.0.conn())
            .await?;
        let count = |name: &str| -> Result<u64, DbError> {
            u64::try_from(row.try_get::<i64, _>(name)?)
                .map_err(|_| DbError::Inconsistent(format!("line {line}: {name} is negative")))
        };
        Ok(LineUse {
            counted: count("counted")?,
            most_in_scope: count("most_in_scope")?,
            extra_period_open: sqlx::query_scalar(OPEN_EXTRA_PERIOD)
                .bind(line.uuid())
                .bind(today)
                .fetch_one(self.0.conn())
                .await?,
        })
    }

    /// The invoices that cover a line and still ask for something, the latest due first. Lock the customer first.
    pub async fn covering(&mut self, line: LineId) -> Result<Vec<CoveringInvoice>, DbError> {
        let rows = sqlx::query(COVERING)
            .bind(line.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter()
            .map(|row| {
                let money = |name: &str| -> Result<Money, DbError> {
                    Ok(Money::from_decimal(row.try_get::<Decimal, _>(name)?)?)
                };
                Ok(CoveringInvoice {
                    invoice: namoyish_domain::ids::InvoiceId::from_uuid(row.try_get("id")?),
                    due_net: money("due_net")?,
                    due_vat: money("due_vat")?,
                    line_net: money("net")?,
                })
            })
            .collect()
    }
}

fn amendment_of_row(row: &PgRow) -> Result<Amendment, DbError> {
    let id = AmendmentId::from_uuid(row.try_get("id")?);
    let inconsistent = |what: &str| DbError::Inconsistent(format!("amendment {id}: {what}"));
    let state: String = row.try_get("state")?;
    let signature = match row.try_get::<Option<Timestamp>, _>("signed_at")? {
        None => None,
        Some(signed_at) => Some(AmendmentSignature {
            signed_at,
            signed_on: row.try_get("signed_on")?,
            kind: SignatureKind::parse(&row.try_get::<String, _>("signature_kind")?)
                .ok_or_else(|| inconsistent("signature_kind"))?,
            signed_by: row.try_get("signed_by")?,
            canonical_json: row.try_get("canonical_json")?,
            sha256: row.try_get("sha256")?,
            previous_sha256: row.try_get("previous_sha256")?,
            scan: row.try_get("scan_sha256")?,
        }),
    };
    Ok(Amendment {
        id,
        blank: OrderBlankId::from_uuid(row.try_get("order_blank_id")?),
        number: row.try_get("number")?,
        state: AmendmentState::parse(&state).ok_or_else(|| inconsistent("state"))?,
        own_due_on: row.try_get("own_due_on")?,
        note: row.try_get("note")?,
        made_out_on: row.try_get("made_out_on")?,
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        offered_at: row.try_get("offered_at")?,
        signature,
    })
}

fn line_of_row(row: &PgRow) -> Result<LineAmendment, DbError> {
    let placements: Option<Vec<Uuid>> = row.try_get("placements")?;
    let regions: Option<Vec<String>> = row.try_get("regions")?;
    let budget: Option<Decimal> = row.try_get("budget")?;
    let price: Option<Decimal> = row.try_get("unit_price")?;
    Ok(LineAmendment {
        line: LineId::from_uuid(row.try_get("line_id")?),
        unit_price: price.map(UnitPrice::new).transpose()?,
        first_day: row.try_get("first_day")?,
        last_day: row.try_get("last_day")?,
        budget: budget.map(Money::from_decimal).transpose()?,
        quantity: row.try_get("quantity")?,
        placements: placements.map(|ids| ids.into_iter().map(PlacementId::from_uuid).collect()),
        regions: regions
            .map(|codes| codes.iter().map(|code| region_code(code)).collect())
            .transpose()?,
        targeting: if row.try_get("targeting")? {
            Some(targeting_of_row(row)?)
        } else {
            None
        },
        material: row
            .try_get::<Option<Uuid>, _>("material_id")?
            .map(AdMaterialId::from_uuid),
    })
}

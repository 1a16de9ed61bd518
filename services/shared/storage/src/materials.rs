//! Ad materials, their files and the history of their moderation (orders.md §4).
//!
//! A material's row is never updated; the last row of `moderation_decisions` is its state. Files are kept once by their
//! SHA-256, however many materials show them.

use crate::placements::from_column;
use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{AdMaterialId, CustomerId, LineId, OrderBlankId};
use namoyish_domain::orders::material::{MaterialKind, MediaType};
use namoyish_domain::orders::moderation::{ModerationReason, ModerationState};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    PUT_FILE = "insert into files (sha256, media_type, content, stored_at) values ($1, $2, $3, $4) on conflict (sha256) do nothing";
    FILE = "select media_type, content from files where sha256 = $1";
    INSERT = "insert into ad_materials (id, line_id, version, kind, title, body, target_url, file_sha256, width, height,
            submitted_at, submitted_by, live_from)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    INSERT_DECISION = "insert into moderation_decisions (material_id, state, reasons, comment, decided_at, decided_by)
        values ($1, $2, $3, $4, $5, $6)";
    FIND = "select m.*, b.id as order_blank_id, b.customer_id, d.state, d.reasons, d.comment, d.decided_at, d.decided_by
        from ad_materials m join order_lines l on l.id = m.line_id join order_blanks b on b.id = l.order_blank_id
            left join lateral (select * from moderation_decisions where material_id = m.id order by id desc limit 1) d on true
        where m.id = $1";
    LOCK = "select id from ad_materials where id = $1 for no key update";
    OF_LINE = "select m.*, b.id as order_blank_id, b.customer_id, d.state, d.reasons, d.comment, d.decided_at, d.decided_by
        from ad_materials m join order_lines l on l.id = m.line_id join order_blanks b on b.id = l.order_blank_id
            left join lateral (select * from moderation_decisions where material_id = m.id order by id desc limit 1) d on true
        where m.line_id = $1 and m.version > $2 order by m.version limit $3";
    /// $1 after, $2 limit, $3 state or null for all that wait, $4 customer or null.
    QUEUE = "select m.*, b.id as order_blank_id, b.customer_id, d.state, d.reasons, d.comment, d.decided_at, d.decided_by
        from ad_materials m join order_lines l on l.id = m.line_id join order_blanks b on b.id = l.order_blank_id
            join lateral (select * from moderation_decisions where material_id = m.id order by id desc limit 1) d on true
        where ($1::uuid is null or m.id > $1) and ($4::uuid is null or b.customer_id = $4)
            and case when $3::text is null then d.state in ('submitted', 'in_review', 'documents_required') else d.state = $3 end
        order by m.id limit $2";
    HISTORY = "select state, reasons, comment, decided_at, decided_by from moderation_decisions where material_id = $1 order by id limit 1000";
}

/// A file as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Format.
    pub media_type: MediaType,
    /// Bytes.
    pub content: Vec<u8>,
}

/// A version of an ad material, to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAdMaterial {
    /// Id.
    pub id: AdMaterialId,
    /// Its line.
    pub line: LineId,
    /// 1, 2, 3, … in the line.
    pub version: i32,
    /// Kind.
    pub kind: MaterialKind,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Where a click leads.
    pub target_url: String,
    /// SHA-256 of its file.
    pub file_sha256: Option<String>,
    /// Pixels; 0 without a file.
    pub width: u32,
    /// Pixels; 0 without a file.
    pub height: u32,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// By whom.
    pub submitted_by: String,
    /// First day on which it runs.
    pub live_from: NaiveDate,
}

/// An entry of a material's moderation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The state that it led to.
    pub state: ModerationState,
    /// Why.
    pub reasons: Vec<ModerationReason>,
    /// In the moderator's words.
    pub comment: String,
    /// When.
    pub decided_at: Timestamp,
    /// By whom.
    pub decided_by: String,
}

/// A version of an ad material with where it belongs and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdMaterial {
    /// What was submitted.
    pub material: NewAdMaterial,
    /// Its order blank.
    pub blank: OrderBlankId,
    /// Its customer.
    pub customer: CustomerId,
    /// The last decision.
    pub decision: Decision,
}

/// See [`Tx::materials`].
#[derive(Debug)]
pub struct Materials<'a>(&'a mut Tx);

impl Tx {
    /// Ad materials and their files.
    pub fn materials(&mut self) -> Materials<'_> {
        Materials(self)
    }
}

impl Materials<'_> {
    /// Keeps a file by its hash; one that is there already is left alone.
    pub async fn put_file(
        &mut self,
        sha256: &str,
        media_type: MediaType,
        content: &[u8],
        at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(PUT_FILE)
            .bind(sha256)
            .bind(media_type.code())
            .bind(content)
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A file by its hash.
    pub async fn file(&mut self, sha256: &str) -> Result<Option<StoredFile>, DbError> {
        let row = sqlx::query(FILE)
            .bind(sha256)
            .fetch_optional(self.0.conn())
            .await?;
        row.map(|row| {
            let media_type: String = row.try_get("media_type")?;
            Ok(StoredFile {
                media_type: MediaType::parse(&media_type).ok_or_else(|| {
                    DbError::Inconsistent(format!("file {sha256}: media type {media_type}"))
                })?,
                content: row.try_get("content")?,
            })
        })
        .transpose()
    }

    /// Adds a version with the first entry of its moderation. Refused by `ad_material_version_is_unique`.
    pub async fn insert(&mut self, material: &NewAdMaterial) -> Result<(), DbError> {
        let side = |name: &str, pixels: u32| {
            i32::try_from(pixels)
                .map_err(|_| DbError::Inconsistent(format!("ad material: {name} does not fit")))
        };
        sqlx::query(INSERT)
            .bind(material.id.uuid())
            .bind(material.line.uuid())
            .bind(material.version)
            .bind(material.kind.code())
            .bind(&material.title)
            .bind(&material.body)
            .bind(&material.target_url)
            .bind(&material.file_sha256)
            .bind(side("width", material.width)?)
            .bind(side("height", material.height)?)
            .bind(material.submitted_at)
            .bind(&material.submitted_by)
            .bind(material.live_from)
            .execute(self.0.conn())
            .await?;
        let submitted = Decision {
            state: ModerationState::Submitted,
            reasons: Vec::new(),
            comment: String::new(),
            decided_at: material.submitted_at,
            decided_by: material.submitted_by.clone(),
        };
        self.insert_decision(material.id, &submitted).await
    }

    /// Appends a decision.
    pub async fn insert_decision(&mut self, id: AdMaterialId, decision: &Decision) -> Result<(), DbError> {
        let reasons: Vec<&str> = decision.reasons.iter().map(|reason| reason.code()).collect();
        sqlx::query(INSERT_DECISION)
            .bind(id.uuid())
            .bind(decision.state.code())
            .bind(reasons)
            .bind(&decision.comment)
            .bind(decision.decided_at)
            .bind(&decision.decided_by)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// A material by id.
    pub async fn find(&mut self, id: AdMaterialId) -> Result<Option<AdMaterial>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(material_of_row).transpose()
    }

    /// A material by id, locked until the transaction ends: two moderators decide one after the other.
    pub async fn lock(&mut self, id: AdMaterialId) -> Result<Option<AdMaterial>, DbError> {
        sqlx::query(LOCK).bind(id.uuid()).execute(self.0.conn()).await?;
        self.find(id).await
    }

    /// Versions of a line after `after` (0: all), oldest first.
    pub async fn of_line(
        &mut self,
        line: LineId,
        after: i32,
        limit: u32,
    ) -> Result<Vec<AdMaterial>, DbError> {
        let rows = sqlx::query(OF_LINE)
            .bind(line.uuid())
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(material_of_row).collect()
    }

    /// Materials in a state, oldest first; without a state all that wait for a decision.
    pub async fn queue(
        &mut self,
        after: Option<AdMaterialId>,
        limit: u32,
        state: Option<ModerationState>,
        customer: Option<CustomerId>,
    ) -> Result<Vec<AdMaterial>, DbError> {
        let rows = sqlx::query(QUEUE)
            .bind(after.map(AdMaterialId::uuid))
            .bind(i64::from(limit))
            .bind(state.map(ModerationState::code))
            .bind(customer.map(CustomerId::uuid))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(material_of_row).collect()
    }

    /// All decisions on a material, oldest first.
    pub async fn history(&mut self, id: AdMaterialId) -> Result<Vec<Decision>, DbError> {
        let rows = sqlx::query(HISTORY)
            .bind(id.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(decision_of_row).collect()
    }
}

fn decision_of_row(row: &PgRow) -> Result<Decision, DbError> {
    let state: Option<String> = row.try_get("state")?;
    let state =
        state.ok_or_else(|| DbError::Inconsistent("ad material without a moderation entry".to_owned()))?;
    let reasons: Vec<String> = row.try_get("reasons")?;
    Ok(Decision {
        state: ModerationState::parse(&state)
            .ok_or_else(|| DbError::Inconsistent(format!("moderation state {state}")))?,
        reasons: reasons
            .iter()
            .map(|code| {
                ModerationReason::parse(code)
                    .ok_or_else(|| DbError::Inconsistent(format!("moderation reason {code}")))
            })
            .collect::<Result<_, _>>()?,
        comment: row.try_get("comment")?,
        decided_at: row.try_get("decided_at")?,
        decided_by: row.try_get("decided_by")?,
    })
}

fn material_of_row(row: &PgRow) -> Result<AdMaterial, DbError> {
    let id = AdMaterialId::from_uuid(row.try_get::<Uuid, _>("id")?);
    let kind: String = row.try_get("kind")?;
    Ok(AdMaterial {
        material: NewAdMaterial {
            id,
            line: LineId::from_uuid(row.try_get("line_id")?),
            version: row.try_get("version")?,
            kind: MaterialKind::parse(&kind)
                .ok_or_else(|| DbError::Inconsistent(format!("ad material {id}: kind {kind}")))?,
            title: row.try_get("title")?,
            body: row.try_get("body")?,
            target_url: row.try_get("target_url")?,
            file_sha256: row.try_get("file_sha256")?,
            width: from_column(row, "width")?,
            height: from_column(row, "height")?,
            submitted_at: row.try_get("submitted_at")?,
            submitted_by: row.try_get("submitted_by")?,
            live_from: row.try_get("live_from")?,
        },
        blank: OrderBlankId::from_uuid(row.try_get("order_blank_id")?),
        customer: CustomerId::from_uuid(row.try_get("customer_id")?),
        decision: decision_of_row(row)?,
    })
}

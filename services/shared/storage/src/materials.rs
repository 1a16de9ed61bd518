//! Ad materials, their files and the history of their moderation (orders.md §4).
//!
//! A material's row is never updated; the last row of `moderation_decisions` is its state, `material_standings` puts
//! together how it stands. Files are kept once by their SHA-256, however many materials show them.
//!
//! Not here: copies of licences (`material_documents`), the checklist (`checklist`).

use crate::placements::from_column;
use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::{Timestamp, tashkent_day};
use namoyish_domain::ids::{AdMaterialId, CustomerId, LineId, OrderBlankId};
use namoyish_domain::orders::material::{MaterialKind, MediaType};
use namoyish_domain::orders::moderation::{Moderation, ModerationReason, ModerationState};
use namoyish_domain::orders::runnable::MaterialFacts;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    PUT_FILE = "insert into files (sha256, media_type, content, stored_at) values ($1, $2, $3, $4) on conflict (sha256) do nothing";
    FILE = "select media_type, content from files where sha256 = $1";
    INSERT = "insert into ad_materials (id, line_id, version, kind, title, body, target_url, file_sha256, width, height,
            submitted_at, submitted_by, live_from)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    INSERT_DECISION = "insert into moderation_decisions (material_id, state, reasons, comment, decided_at, decided_by, runs_on)
        values ($1, $2, $3, $4, $5, $6, $7)";
    FIND = "select m.id, m.line_id, m.version, m.kind, m.title, m.body, m.target_url, m.file_sha256, m.width, m.height, m.submitted_at,
            m.submitted_by, s.live_from, b.id as order_blank_id, b.customer_id, s.state, s.runs_on, s.reasons, s.comment, s.decided_at, s.decided_by,
            s.ever_approved, s.documents_until, s.document_revoked, s.awaiting_amendment
        from ad_materials m join material_standings s on s.material_id = m.id
            join order_lines l on l.id = m.line_id join order_blanks b on b.id = l.order_blank_id
        where m.id = $1";
    LOCK = "select id from ad_materials where id = $1 for no key update";
    OF_LINE = "select m.id, m.line_id, m.version, m.kind, m.title, m.body, m.target_url, m.file_sha256, m.width, m.height, m.submitted_at,
            m.submitted_by, s.live_from, b.id as order_blank_id, b.customer_id, s.state, s.runs_on, s.reasons, s.comment, s.decided_at, s.decided_by,
            s.ever_approved, s.documents_until, s.document_revoked, s.awaiting_amendment
        from ad_materials m join material_standings s on s.material_id = m.id
            join order_lines l on l.id = m.line_id join order_blanks b on b.id = l.order_blank_id
        where m.line_id = $1 and m.version > $2 order by m.version limit $3";
    /// $1 after, $2 limit, $3 state or null for all that wait, $4 customer or null.
    QUEUE = "select m.id, m.line_id, m.version, m.kind, m.title, m.body, m.target_url, m.file_sha256, m.width, m.height, m.submitted_at,
            m.submitted_by, s.live_from, b.id as order_blank_id, b.customer_id, s.state, s.runs_on, s.reasons, s.comment, s.decided_at, s.decided_by,
            s.ever_approved, s.documents_until, s.document_revoked, s.awaiting_amendment
        from ad_materials m join material_standings s on s.material_id = m.id
            join order_lines l on l.id = m.line_id join order_blanks b on b.id = l.order_blank_id
        where ($1::uuid is null or m.id > $1) and ($4::uuid is null or b.customer_id = $4)
            and case when $3::text is null then s.state in ('submitted', 'in_review', 'documents_required', 'documents_overdue') else s.state = $3 end
        order by m.id limit $2";
    INSERT_START = "insert into material_starts (material_id, live_from, set_at) values ($1, $2, $3)";
    INSERT_SUBJECT_EVENT = "insert into material_subject_events (material_id, event, note, amendment, at, actor) values ($1, $2, $3, $4, $5, $6)";
    SUBJECT_EVENTS = "select event, note, amendment, at, actor from material_subject_events where material_id = $1 order by id limit 1000";
    /// Materials whose papers were asked for before an instant and still are waited for.
    PAPERS_OVERDUE = "select s.material_id from material_standings s
        where s.state = 'documents_required' and s.decided_at < $1 order by s.material_id limit $2";
    HISTORY = "select state, runs_on, reasons, comment, decided_at, decided_by from moderation_decisions where material_id = $1 order by id limit 1000";
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
    /// It was approved before, and runs while it is looked at again.
    pub runs_on: bool,
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
    /// Whether it was approved at some time.
    pub ever_approved: bool,
    /// Last day on which all its documents are valid; `None`: it has none.
    pub documents_until: Option<NaiveDate>,
    /// One of its documents was reported revoked.
    pub document_revoked: bool,
    /// A second subject waits for its amendment.
    pub awaiting_amendment: bool,
}

impl AdMaterial {
    /// Its state as the rules take it.
    pub fn moderation(&self) -> Moderation {
        Moderation {
            state: self.decision.state,
            runs_on: self.decision.runs_on,
        }
    }

    /// What matters of it for running.
    pub fn facts(&self) -> MaterialFacts {
        MaterialFacts {
            moderation: self.moderation(),
            decided_on: tashkent_day(self.decision.decided_at),
            live_from: self.material.live_from,
            documents_until: self.documents_until,
            document_revoked: self.document_revoked,
            awaiting_amendment: self.awaiting_amendment,
        }
    }

    /// Whether it counts as submitted, so that the next version is a change: a first material that was rejected or waits for
    /// its papers does not (orders.md §4).
    pub fn counts_as_submitted(&self) -> bool {
        self.ever_approved || !self.decision.state.waits_for_customer()
    }
}

/// What became of a second advertised subject [003 §6.5].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectEvent {
    /// The operator has consented; `false`: a moderator flagged it.
    pub consented: bool,
    /// What else is advertised, or the written consent.
    pub note: String,
    /// The amendment with the revised price; empty for a flag.
    pub amendment: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
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
    /// Keeps an image by its hash; one that is there already is left alone.
    pub async fn put_file(
        &mut self,
        sha256: &str,
        media_type: MediaType,
        content: &[u8],
        at: Timestamp,
    ) -> Result<(), DbError> {
        self.put_file_of(sha256, media_type.code(), content, at).await
    }

    /// Keeps any file by its hash, under a media type that its bytes were checked for.
    pub(crate) async fn put_file_of(
        &mut self,
        sha256: &str,
        media_type: &str,
        content: &[u8],
        at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(PUT_FILE)
            .bind(sha256)
            .bind(media_type)
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
            runs_on: false,
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
            .bind(decision.runs_on)
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

    /// Moves a material's first day: its papers came after it (orders.md §4).
    pub async fn set_live_from(
        &mut self,
        id: AdMaterialId,
        live_from: NaiveDate,
        at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_START)
            .bind(id.uuid())
            .bind(live_from)
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Says that a material advertises a second subject: it isn't shown until [`Materials::clear_second_subject`].
    pub async fn flag_second_subject(
        &mut self,
        id: AdMaterialId,
        subject: &str,
        actor: &str,
        at: Timestamp,
    ) -> Result<(), DbError> {
        self.insert_subject_event(id, "flagged", subject, "", actor, at)
            .await
    }

    /// Records the operator's written consent to a second subject with the amendment that revised the price: the material
    /// may be shown again. The caller bumps the snapshot. Refused by `consent_names_its_amendment` without an amendment.
    pub async fn clear_second_subject(
        &mut self,
        id: AdMaterialId,
        consent: &str,
        amendment: &str,
        actor: &str,
        at: Timestamp,
    ) -> Result<(), DbError> {
        self.insert_subject_event(id, "consented", consent, amendment, actor, at)
            .await
    }

    async fn insert_subject_event(
        &mut self,
        id: AdMaterialId,
        event: &str,
        note: &str,
        amendment: &str,
        actor: &str,
        at: Timestamp,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_SUBJECT_EVENT)
            .bind(id.uuid())
            .bind(event)
            .bind(note)
            .bind(amendment)
            .bind(at)
            .bind(actor)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// What became of a material's second subject, oldest first.
    pub async fn subject_events(&mut self, id: AdMaterialId) -> Result<Vec<SubjectEvent>, DbError> {
        let rows = sqlx::query(SUBJECT_EVENTS)
            .bind(id.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(SubjectEvent {
                    consented: row.try_get::<&str, _>("event")? == "consented",
                    note: row.try_get("note")?,
                    amendment: row.try_get("amendment")?,
                    at: row.try_get("at")?,
                    actor: row.try_get("actor")?,
                })
            })
            .collect()
    }

    /// Materials whose papers were asked for before `asked_before` and still are waited for, at most `limit`.
    pub async fn papers_overdue(
        &mut self,
        asked_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<AdMaterialId>, DbError> {
        let ids: Vec<Uuid> = sqlx::query_scalar(PAPERS_OVERDUE)
            .bind(asked_before)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        Ok(ids.into_iter().map(AdMaterialId::from_uuid).collect())
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
        runs_on: row.try_get("runs_on")?,
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
        ever_approved: row.try_get("ever_approved")?,
        documents_until: row.try_get("documents_until")?,
        document_revoked: row.try_get("document_revoked")?,
        awaiting_amendment: row.try_get("awaiting_amendment")?,
    })
}

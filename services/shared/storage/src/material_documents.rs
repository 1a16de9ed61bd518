//! Copies of licences and certificates of ad materials, what was reported of them, and what the customer was told
//! (orders.md §4) [003 §3.5, §4.3.4].
//!
//! Nothing here is updated: a newer copy names the one whose place it takes, a revocation and a notice are rows of their own.

use crate::{DbError, Tx};
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{AdMaterialId, CustomerId, LineId, MaterialDocumentId, OrderBlankId};
use namoyish_domain::orders::licence::{CopyFormat, CurrentCopy, DocumentKind, NewCopy};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

statements! {
    INSERT = "insert into material_documents (id, material_id, kind, number, issuer, issued_on, expires_on, file_sha256, replaces, attached_at, attached_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    OF_MATERIAL = "select d.*, n.id as replaced_by, r.reported_at, r.reported_by, r.note as revocation_note
        from material_documents d left join material_documents n on n.replaces = d.id
            left join material_document_revocations r on r.document_id = d.id
        where d.material_id = $1 order by d.id limit 1000";
    FIND = "select d.*, n.id as replaced_by, r.reported_at, r.reported_by, r.note as revocation_note
        from material_documents d left join material_documents n on n.replaces = d.id
            left join material_document_revocations r on r.document_id = d.id
        where d.id = $1";
    FILE = "select f.media_type, f.content from material_documents d join files f on f.sha256 = d.file_sha256 where d.id = $1";
    REVOKE = "insert into material_document_revocations (document_id, note, reported_at, reported_by) values ($1, $2, $3, $4)
        on conflict (document_id) do nothing";
    /// Documents in force (nothing took their place, none is revoked) of materials that may still be shown in lines that go on, of
    /// which the customer is to be told something and wasn't yet: $1 today, $2 the last expiry of which a warning is due, $3 limit.
    TO_TELL = "select d.id, d.number, d.expires_on, d.material_id, m.line_id, l.code as line_code, b.id as order_blank_id, b.customer_id,
            k.kind
        from material_documents d
            join ad_materials m on m.id = d.material_id
            join material_standings s on s.material_id = m.id and s.state not in ('rejected', 'withdrawn')
            join order_lines l on l.id = m.line_id
            join order_blanks b on b.id = l.order_blank_id and b.state in ('signed', 'in_service')
            cross join lateral (select case when d.expires_on < $1 then 'expired' else 'expires_soon' end as kind) k
        where d.expires_on <= $2 and l.last_day >= $1 and (l.ended_on is null or l.ended_on > $1)
            and not exists (select 1 from material_documents n where n.replaces = d.id)
            and not exists (select 1 from material_document_revocations r where r.document_id = d.id)
            and not exists (select 1 from material_document_notices t where t.document_id = d.id and t.kind = k.kind)
        order by d.id limit $3";
    TELL = "insert into material_document_notices (document_id, kind, told_at) values ($1, $2, $3) on conflict (document_id, kind) do nothing";
}

/// A copy to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMaterialDocument {
    /// Id.
    pub id: MaterialDocumentId,
    /// Its material.
    pub material: AdMaterialId,
    /// What it says.
    pub copy: NewCopy,
    /// SHA-256 of its file.
    pub file_sha256: String,
    /// The document whose place it takes.
    pub replaces: Option<MaterialDocumentId>,
    /// When it came in.
    pub attached_at: Timestamp,
    /// Who attached it.
    pub attached_by: String,
}

/// A copy as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaterialDocument {
    /// What was attached.
    pub document: NewMaterialDocument,
    /// The document that has taken its place.
    pub replaced_by: Option<MaterialDocumentId>,
    /// When it was reported revoked, by whom, and in which words.
    pub revoked: Option<(Timestamp, String, String)>,
}

impl MaterialDocument {
    /// As the rule of places takes it; `None` when another has taken its place.
    pub fn current(&self) -> Option<CurrentCopy<MaterialDocumentId>> {
        self.replaced_by.is_none().then(|| CurrentCopy {
            id: self.document.id,
            kind: self.document.copy.kind,
            number: self.document.copy.number.clone(),
            expires_on: self.document.copy.expires_on,
            revoked: self.revoked.is_some(),
        })
    }
}

/// What a customer is told of a document when its day has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// Its last day is near.
    ExpiresSoon,
    /// Its last day has passed.
    Expired,
}

impl NoticeKind {
    /// The form of the database.
    pub fn code(self) -> &'static str {
        match self {
            NoticeKind::ExpiresSoon => "expires_soon",
            NoticeKind::Expired => "expired",
        }
    }

    fn parse(code: &str) -> Result<NoticeKind, DbError> {
        [NoticeKind::ExpiresSoon, NoticeKind::Expired]
            .into_iter()
            .find(|kind| kind.code() == code)
            .ok_or_else(|| DbError::Inconsistent(format!("notice {code}")))
    }
}

/// A notice that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotice {
    /// What is told.
    pub kind: NoticeKind,
    /// Of which document.
    pub document: MaterialDocumentId,
    /// Its number.
    pub number: String,
    /// Its last day.
    pub expires_on: NaiveDate,
    /// Its material.
    pub material: AdMaterialId,
    /// The material's line.
    pub line: LineId,
    /// The line's code.
    pub line_code: String,
    /// The line's order blank.
    pub blank: OrderBlankId,
    /// Whose it is.
    pub customer: CustomerId,
}

/// See [`Tx::material_documents`].
#[derive(Debug)]
pub struct MaterialDocuments<'a>(&'a mut Tx);

impl Tx {
    /// Copies of licences and certificates.
    pub fn material_documents(&mut self) -> MaterialDocuments<'_> {
        MaterialDocuments(self)
    }
}

impl MaterialDocuments<'_> {
    /// Keeps the file of a copy by its hash.
    pub async fn put_file(
        &mut self,
        sha256: &str,
        format: CopyFormat,
        content: &[u8],
        at: Timestamp,
    ) -> Result<(), DbError> {
        self.0
            .materials()
            .put_file_of(sha256, format.code(), content, at)
            .await
    }

    /// Adds a copy. Refused by `material_document_is_replaced_once`.
    pub async fn insert(&mut self, new: &NewMaterialDocument) -> Result<(), DbError> {
        sqlx::query(INSERT)
            .bind(new.id.uuid())
            .bind(new.material.uuid())
            .bind(new.copy.kind.code())
            .bind(&new.copy.number)
            .bind(&new.copy.issuer)
            .bind(new.copy.issued_on)
            .bind(new.copy.expires_on)
            .bind(&new.file_sha256)
            .bind(new.replaces.map(MaterialDocumentId::uuid))
            .bind(new.attached_at)
            .bind(&new.attached_by)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The copies of a material, oldest first, with those whose place was taken.
    pub async fn of_material(&mut self, id: AdMaterialId) -> Result<Vec<MaterialDocument>, DbError> {
        let rows = sqlx::query(OF_MATERIAL)
            .bind(id.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.iter().map(document_of_row).collect()
    }

    /// A copy by id.
    pub async fn find(&mut self, id: MaterialDocumentId) -> Result<Option<MaterialDocument>, DbError> {
        let row = sqlx::query(FIND)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.as_ref().map(document_of_row).transpose()
    }

    /// Format and bytes of a copy.
    pub async fn file(&mut self, id: MaterialDocumentId) -> Result<Option<(CopyFormat, Vec<u8>)>, DbError> {
        let row: Option<(String, Vec<u8>)> = sqlx::query_as(FILE)
            .bind(id.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        row.map(|(media_type, content)| {
            CopyFormat::parse(&media_type)
                .map(|format| (format, content))
                .ok_or_else(|| DbError::Inconsistent(format!("material document {id}: {media_type}")))
        })
        .transpose()
    }

    /// Writes that a document was reported revoked. `false` when it was before.
    pub async fn revoke(
        &mut self,
        id: MaterialDocumentId,
        note: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(REVOKE)
            .bind(id.uuid())
            .bind(note)
            .bind(at)
            .bind(by)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What customers are to be told today and weren't yet, at most `limit`; warnings for expiries through `warn_through`.
    pub async fn to_tell(
        &mut self,
        today: NaiveDate,
        warn_through: NaiveDate,
        limit: u32,
    ) -> Result<Vec<DueNotice>, DbError> {
        let rows = sqlx::query(TO_TELL)
            .bind(today)
            .bind(warn_through)
            .bind(i64::from(limit))
            .fetch_all(self.0.conn())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(DueNotice {
                    kind: NoticeKind::parse(row.try_get("kind")?)?,
                    document: MaterialDocumentId::from_uuid(row.try_get("id")?),
                    number: row.try_get("number")?,
                    expires_on: row.try_get("expires_on")?,
                    material: AdMaterialId::from_uuid(row.try_get("material_id")?),
                    line: LineId::from_uuid(row.try_get("line_id")?),
                    line_code: row.try_get("line_code")?,
                    blank: OrderBlankId::from_uuid(row.try_get("order_blank_id")?),
                    customer: CustomerId::from_uuid(row.try_get("customer_id")?),
                })
            })
            .collect()
    }

    /// Writes that the customer was told. `false` when that was written before.
    pub async fn tell(
        &mut self,
        id: MaterialDocumentId,
        kind: NoticeKind,
        at: Timestamp,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(TELL)
            .bind(id.uuid())
            .bind(kind.code())
            .bind(at)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }
}

fn document_of_row(row: &PgRow) -> Result<MaterialDocument, DbError> {
    let kind: String = row.try_get("kind")?;
    let reported_at: Option<Timestamp> = row.try_get("reported_at")?;
    let revoked = match reported_at {
        Some(at) => Some((at, row.try_get("reported_by")?, row.try_get("revocation_note")?)),
        None => None,
    };
    let id = |column: &str| -> Result<Option<MaterialDocumentId>, DbError> {
        Ok(row
            .try_get::<Option<Uuid>, _>(column)?
            .map(MaterialDocumentId::from_uuid))
    };
    Ok(MaterialDocument {
        document: NewMaterialDocument {
            id: MaterialDocumentId::from_uuid(row.try_get("id")?),
            material: AdMaterialId::from_uuid(row.try_get("material_id")?),
            copy: NewCopy {
                kind: DocumentKind::parse(&kind)
                    .ok_or_else(|| DbError::Inconsistent(format!("kind of material document {kind}")))?,
                number: row.try_get("number")?,
                issuer: row.try_get("issuer")?,
                issued_on: row.try_get("issued_on")?,
                expires_on: row.try_get("expires_on")?,
            },
            file_sha256: row.try_get("file_sha256")?,
            replaces: id("replaces")?,
            attached_at: row.try_get("attached_at")?,
            attached_by: row.try_get("attached_by")?,
        },
        replaced_by: id("replaced_by")?,
        revoked,
    })
}

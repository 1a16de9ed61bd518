//! Issued documents: their content, their lines, and the states they went through.
//!
//! Rule: billing.md §5. A document and its lines are append-only (the database refuses everything else); its state is the
//! last row of `document_events`, and each state is entered at most once.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::document::{DocumentState, Series};
use namoyish_domain::billing::primary_document::RenderedService;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, tashkent_day};
use namoyish_domain::ids::{CustomerId, DocumentId, LineId};
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    INSERT_DOCUMENT = "insert into documents (id, kind, number, customer_id, period, issued_on, net, vat, gross, content, sha256, issued_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    INSERT_LINES = "insert into document_lines (document_id, position, line_id, quantity, net, vat, gross)
        select $1, l.position, l.line_id, l.quantity, l.net, l.vat, l.gross
        from unnest($2::int[], $3::uuid[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[]) as l (position, line_id, quantity, net, vat, gross)";
    INSERT_EVENT = "insert into document_events (document_id, state, happened_on, happened_at, actor, note) values ($1, $2, $3, $4, $5, $6)";
    PRIMARY_EXISTS = "select exists (select 1 from documents where kind = 'primary_document' and customer_id = $1 and period = $2)";
    LOCK_STATE = "select e.state from documents d
        join lateral (select state from document_events where document_id = d.id order by id desc limit 1) e on true
        where d.id = $1 for no key update of d";
    TO_ACCEPT = "select id from document_standings
        where ((kind = 'primary_document' and period <= $1) or (kind = 'correction' and date_trunc('month', issued_on) <= $1))
            and state in ('issued', 'sent') and ($2::uuid is null or id > $2)
        order by id limit $3";
    DOCUMENT = "select id, kind, number, customer_id, period, issued_on, net, vat, gross, sha256, issued_at, state, state_on
        from document_standings where id = $1";
    BY_NUMBER = "select id, kind, number, customer_id, period, issued_on, net, vat, gross, sha256, issued_at, state, state_on
        from document_standings where kind = $1 and number = $2";
    OF_CUSTOMER = "select id, kind, number, customer_id, period, issued_on, net, vat, gross, sha256, issued_at, state, state_on
        from document_standings where customer_id = $1 order by issued_on desc, number desc limit $2";
    CONTENT = "select content, sha256 from documents where id = $1";
    LINES_OF = "select d.position, d.line_id, l.code, d.quantity, d.net, d.vat, d.gross
        from document_lines d join order_lines l on l.id = d.line_id where d.document_id = $1 order by d.position";
    EVENTS_OF = "select state, happened_on, happened_at, actor, note from document_events where document_id = $1 order by id";
    NUMBER_GAPS = "select s.kind, s.year, s.last_number, count(n.number) as used
        from number_series s
        left join (
            select 'invoice' as kind, number from invoices union all select kind, number from documents
        ) n on n.kind = s.kind and split_part(n.number, '-', 2) = lpad(s.year::text, 4, '0')
        where s.kind in ('invoice', 'primary_document', 'vat_invoice', 'correction', 'reconciliation_act', 'penalty_claim', 'refund')
        group by s.kind, s.year, s.last_number having count(n.number) <> s.last_number
        order by s.kind, s.year limit 100";
}

/// A document to be written.
#[derive(Debug, Clone)]
pub struct NewDocument<'a> {
    /// New id.
    pub id: DocumentId,
    /// Its kind.
    pub kind: Series,
    /// The next number of its series.
    pub number: &'a str,
    /// For whom.
    pub customer: CustomerId,
    /// The reporting period that it is for.
    pub period: Option<ReportingPeriod>,
    /// Sum net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Net and VAT.
    pub gross: Money,
    /// The whole content as canonical JSON.
    pub content: &'a str,
    /// SHA-256 of `content`, hex.
    pub sha256: &'a str,
    /// When; the date of issue is the Tashkent day.
    pub issued_at: Timestamp,
}

/// A line of a document to be written; of a correction it is the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewLine {
    /// The line of the order blank.
    pub line: LineId,
    /// Quantity in kind.
    pub quantity: Decimal,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Net and VAT.
    pub gross: Money,
}

impl From<&RenderedService> for NewLine {
    fn from(rendered: &RenderedService) -> NewLine {
        NewLine {
            line: rendered.line,
            quantity: rendered.quantity,
            net: rendered.net,
            vat: rendered.vat,
            gross: rendered.gross,
        }
    }
}

/// An issued document and the state it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRecord {
    /// The document.
    pub id: DocumentId,
    /// Name of its kind ("primary_document").
    pub kind: String,
    /// Its number.
    pub number: String,
    /// For whom.
    pub customer: CustomerId,
    /// The reporting period that it is for.
    pub period: Option<ReportingPeriod>,
    /// Date of issue.
    pub issued_on: NaiveDate,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Net and VAT.
    pub gross: Money,
    /// SHA-256 of its content, hex.
    pub sha256: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The state it is in.
    pub state: DocumentState,
    /// The date on which it entered that state.
    pub state_on: NaiveDate,
}

#[derive(sqlx::FromRow)]
struct DocumentRow {
    id: Uuid,
    kind: String,
    number: String,
    customer_id: Uuid,
    period: Option<NaiveDate>,
    issued_on: NaiveDate,
    net: Decimal,
    vat: Decimal,
    gross: Decimal,
    sha256: String,
    issued_at: Timestamp,
    state: Option<String>,
    state_on: Option<NaiveDate>,
}

fn state_of(name: &str) -> Result<DocumentState, DbError> {
    DocumentState::parse(name)
        .ok_or_else(|| DbError::Inconsistent(format!("`{name}` is no state of a document")))
}

impl TryFrom<DocumentRow> for DocumentRecord {
    type Error = DbError;
    fn try_from(row: DocumentRow) -> Result<DocumentRecord, DbError> {
        let (Some(state), Some(state_on)) = (row.state, row.state_on) else {
            return Err(DbError::Inconsistent(format!(
                "document {} has no state",
                row.number
            )));
        };
        Ok(DocumentRecord {
            id: DocumentId::from_uuid(row.id),
            kind: row.kind,
            number: row.number,
            customer: CustomerId::from_uuid(row.customer_id),
            period: row.period.map(ReportingPeriod::of),
            issued_on: row.issued_on,
            net: Money::from_decimal(row.net)?,
            vat: Money::from_decimal(row.vat)?,
            gross: Money::from_decimal(row.gross)?,
            sha256: row.sha256,
            issued_at: row.issued_at,
            state: state_of(&state)?,
            state_on,
        })
    }
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentLineRecord {
    /// 1, 2, 3 …
    pub position: i32,
    /// The line of the order blank.
    pub line: LineId,
    /// Its code.
    pub line_code: String,
    /// Quantity in kind.
    pub quantity: Decimal,
    /// Net of VAT.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Net and VAT.
    pub gross: Money,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    position: i32,
    line_id: Uuid,
    code: String,
    quantity: Decimal,
    net: Decimal,
    vat: Decimal,
    gross: Decimal,
}

/// A state that a document entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentEvent {
    /// The state.
    pub state: DocumentState,
    /// Date, Tashkent.
    pub happened_on: NaiveDate,
    /// Instant.
    pub happened_at: Timestamp,
    /// Who.
    pub actor: String,
    /// Reasons, recipient.
    pub note: String,
}

/// A number series whose last number isn't the count of its documents. There must never be one.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NumberGap {
    /// Name of the series.
    pub kind: String,
    /// Year.
    pub year: i32,
    /// The last number taken.
    pub last_number: i64,
    /// Documents with a number of the series.
    pub used: i64,
}

/// Documents inside a transaction.
#[derive(Debug)]
pub struct Documents<'a> {
    tx: &'a mut Tx,
}

impl Tx {
    /// Documents.
    pub fn documents(&mut self) -> Documents<'_> {
        Documents { tx: self }
    }
}

impl Documents<'_> {
    /// Writes a document with its lines and its first state, `issued`. Refused by constraint:
    /// `document_number_is_unique`, `one_primary_document_per_period`.
    pub async fn issue(
        &mut self,
        document: &NewDocument<'_>,
        lines: &[RenderedService],
        actor: &str,
    ) -> Result<(), DbError> {
        let lines: Vec<NewLine> = lines.iter().map(NewLine::from).collect();
        self.issue_dated(document, tashkent_day(document.issued_at), &lines, actor)
            .await
    }

    /// The same with a date of its own (a VAT invoice carries the period's last day) and with any lines.
    pub async fn issue_dated(
        &mut self,
        document: &NewDocument<'_>,
        dated: NaiveDate,
        lines: &[NewLine],
        actor: &str,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_DOCUMENT)
            .bind(document.id.uuid())
            .bind(document.kind.name())
            .bind(document.number)
            .bind(document.customer.uuid())
            .bind(document.period.map(ReportingPeriod::first_day))
            .bind(dated)
            .bind(document.net.decimal())
            .bind(document.vat.decimal())
            .bind(document.gross.decimal())
            .bind(document.content)
            .bind(document.sha256)
            .bind(document.issued_at)
            .execute(self.tx.conn())
            .await?;
        sqlx::query(INSERT_LINES)
            .bind(document.id.uuid())
            .bind((1i32..).take(lines.len()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.line.uuid()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.quantity).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.net.decimal()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.vat.decimal()).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| line.gross.decimal()).collect::<Vec<_>>())
            .execute(self.tx.conn())
            .await?;
        self.enter(document.id, DocumentState::Issued, document.issued_at, actor, "")
            .await
    }

    /// Writes that a document entered a state. Refused by constraint: `document_state_is_entered_once`.
    pub async fn enter(
        &mut self,
        document: DocumentId,
        state: DocumentState,
        at: Timestamp,
        actor: &str,
        note: &str,
    ) -> Result<(), DbError> {
        sqlx::query(INSERT_EVENT)
            .bind(document.uuid())
            .bind(state.name())
            .bind(tashkent_day(at))
            .bind(at)
            .bind(actor)
            .bind(note)
            .execute(self.tx.conn())
            .await?;
        Ok(())
    }

    /// Locks a document and tells its state.
    pub async fn lock_state(&mut self, document: DocumentId) -> Result<Option<DocumentState>, DbError> {
        let name: Option<String> = sqlx::query_scalar(LOCK_STATE)
            .bind(document.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        name.as_deref().map(state_of).transpose()
    }

    /// A document as it stands. To move it, lock its state first.
    pub async fn find(&mut self, id: DocumentId) -> Result<Option<DocumentRecord>, DbError> {
        let row: Option<DocumentRow> = sqlx::query_as(DOCUMENT)
            .bind(id.uuid())
            .fetch_optional(self.tx.conn())
            .await?;
        row.map(DocumentRecord::try_from).transpose()
    }

    /// A document's content (canonical JSON) and its SHA-256.
    pub async fn content(&mut self, id: DocumentId) -> Result<Option<(String, String)>, DbError> {
        Ok(sqlx::query_as(CONTENT)
            .bind(id.uuid())
            .fetch_optional(self.tx.conn())
            .await?)
    }

    /// Whether a customer has its primary document of a period.
    pub async fn has_primary(
        &mut self,
        customer: CustomerId,
        period: ReportingPeriod,
    ) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(PRIMARY_EXISTS)
            .bind(customer.uuid())
            .bind(period.first_day())
            .fetch_one(self.tx.conn())
            .await?)
    }
}

fn page_key(after: Option<DocumentId>) -> Option<Uuid> {
    after.map(DocumentId::uuid)
}

impl Store {
    /// Primary documents of periods up to `last_period`, and corrections issued up to its end, that nobody has accepted or
    /// disputed, at most `limit` after an id.
    pub async fn documents_to_accept(
        &self,
        last_period: ReportingPeriod,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Vec<DocumentId>, DbError> {
        let ids: Vec<Uuid> = sqlx::query_scalar(TO_ACCEPT)
            .bind(last_period.first_day())
            .bind(page_key(after))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(ids.into_iter().map(DocumentId::from_uuid).collect())
    }

    /// A document.
    pub async fn document(&self, id: DocumentId) -> Result<Option<DocumentRecord>, DbError> {
        let row: Option<DocumentRow> = sqlx::query_as(DOCUMENT)
            .bind(id.uuid())
            .fetch_optional(self.pool())
            .await?;
        row.map(DocumentRecord::try_from).transpose()
    }

    /// A document by kind and number: what the public verification page asks for.
    pub async fn document_by_number(
        &self,
        kind: Series,
        number: &str,
    ) -> Result<Option<DocumentRecord>, DbError> {
        let row: Option<DocumentRow> = sqlx::query_as(BY_NUMBER)
            .bind(kind.name())
            .bind(number)
            .fetch_optional(self.pool())
            .await?;
        row.map(DocumentRecord::try_from).transpose()
    }

    /// The newest documents of a customer, at most `limit`.
    pub async fn documents_of(
        &self,
        customer: CustomerId,
        limit: u32,
    ) -> Result<Vec<DocumentRecord>, DbError> {
        let rows: Vec<DocumentRow> = sqlx::query_as(OF_CUSTOMER)
            .bind(customer.uuid())
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(DocumentRecord::try_from).collect()
    }

    /// A document's content (canonical JSON) and its SHA-256.
    pub async fn document_content(&self, id: DocumentId) -> Result<Option<(String, String)>, DbError> {
        Ok(sqlx::query_as(CONTENT)
            .bind(id.uuid())
            .fetch_optional(self.pool())
            .await?)
    }

    /// A document's lines.
    pub async fn document_lines(&self, id: DocumentId) -> Result<Vec<DocumentLineRecord>, DbError> {
        let rows: Vec<LineRow> = sqlx::query_as(LINES_OF)
            .bind(id.uuid())
            .fetch_all(self.pool())
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(DocumentLineRecord {
                    position: row.position,
                    line: LineId::from_uuid(row.line_id),
                    line_code: row.code,
                    quantity: row.quantity.normalize(),
                    net: Money::from_decimal(row.net)?,
                    vat: Money::from_decimal(row.vat)?,
                    gross: Money::from_decimal(row.gross)?,
                })
            })
            .collect()
    }

    /// The states that a document went through, oldest first.
    pub async fn document_events(&self, id: DocumentId) -> Result<Vec<DocumentEvent>, DbError> {
        let rows: Vec<(String, NaiveDate, Timestamp, String, String)> = sqlx::query_as(EVENTS_OF)
            .bind(id.uuid())
            .fetch_all(self.pool())
            .await?;
        rows.into_iter()
            .map(|(state, happened_on, happened_at, actor, note)| {
                Ok(DocumentEvent {
                    state: state_of(&state)?,
                    happened_on,
                    happened_at,
                    actor,
                    note,
                })
            })
            .collect()
    }

    /// Series with a gap: numbers taken and documents differ. Empty in a sound database.
    pub async fn number_gaps(&self) -> Result<Vec<NumberGap>, DbError> {
        Ok(sqlx::query_as(NUMBER_GAPS).fetch_all(self.pool()).await?)
    }
}

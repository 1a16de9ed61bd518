//! What follows a document: objections with their decisions, paper copies, references between documents.
//!
//! Rule: billing.md §5. Everything here is append-only; the state of a document is in `documents`.

use crate::{DbError, Store, Tx};
use chrono::NaiveDate;
use namoyish_domain::billing::correction::ChargedLine;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp, tashkent_day};
use namoyish_domain::ids::{CustomerId, DocumentId, LineId};
use namoyish_domain::money::{Money, Rate};
use namoyish_domain::orders::order_blank::LineKind;
use rust_decimal::Decimal;
use uuid::Uuid;

statements! {
    REFER = "insert into document_references (document_id, refers_to, relation) values ($1, $2, $3)";
    REFERRING = "select document_id from document_references where refers_to = $1 and relation = $2 order by document_id limit 1";
    INSERT_OBJECTION = "insert into objections (document_id, objected_on, objected_at, objected_by, on_paper, reasons)
        values ($1, $2, $3, $4, $5, $6)";
    INSERT_DECISION = "insert into objection_decisions (document_id, decided_on, decided_at, decided_by, upheld, reasons, correction_id)
        values ($1, $2, $3, $4, $5, $6, $7)";
    OBJECTION = "select o.objected_on, o.objected_by, o.on_paper, o.reasons, d.decided_on, d.decided_by, d.upheld,
            d.reasons as decision, d.correction_id
        from objections o left join objection_decisions d on d.document_id = o.document_id where o.document_id = $1";
    /// With what corrections have changed since.
    CHARGED_LINES = "select p.line_id, p.quantity + coalesce(x.quantity, 0) as quantity, p.net + coalesce(x.net, 0) as net,
            p.vat + coalesce(x.vat, 0) as vat, l.code, l.kind, l.one_off,
            case when b.vat_payer then b.vat_rate else 0 end as vat_rate, b.number as contract_number, b.signed_on,
            i.name_uz, i.name_ru, i.name_en
        from document_lines p
        join order_lines l on l.id = p.line_id join order_blanks b on b.id = l.order_blank_id
        join price_list_items i on i.id = l.price_list_item_id
        left join lateral (select sum(q.quantity) as quantity, sum(q.net) as net, sum(q.vat) as vat
            from document_references r join document_lines q on q.document_id = r.document_id
            where r.refers_to = p.document_id and r.relation = 'corrects' and q.line_id = p.line_id) x on true
        where p.document_id = $1 order by p.position";
    INSERT_PAPER = "insert into paper_copies (document_id, handed_over_on, handed_over_to, recorded_at, recorded_by) values ($1, $2, $3, $4, $5)
        on conflict (document_id) do nothing";
    PAPER = "select handed_over_on from paper_copies where document_id = $1";
    PRIMARY_OF = "select d.id from documents d join customers c on c.id = d.customer_id
        where d.kind = 'primary_document' and d.customer_id = $1 and d.period = $2";
}

/// How a document refers to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is the VAT invoice of a primary document, or the additional one of a correction.
    VatInvoiceOf,
    /// It corrects a primary document.
    Corrects,
}

impl Relation {
    fn name(self) -> &'static str {
        match self {
            Relation::VatInvoiceOf => "vat_invoice_of",
            Relation::Corrects => "corrects",
        }
    }
}

/// An objection to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewObjection<'a> {
    /// To what.
    pub document: DocumentId,
    /// Who wrote it down.
    pub by: &'a str,
    /// Whether the operator recorded a paper.
    pub on_paper: bool,
    /// In the customer's words.
    pub reasons: &'a str,
}

/// A decision to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewDecision<'a> {
    /// On the objection to what.
    pub document: DocumentId,
    /// Who decided.
    pub by: &'a str,
    /// In the operator's words.
    pub reasons: &'a str,
    /// The correcting document; none for a rejected objection.
    pub correction: Option<DocumentId>,
}

/// How an objection was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord {
    /// Date.
    pub on: NaiveDate,
    /// By whom.
    pub by: String,
    /// Whether it was upheld.
    pub upheld: bool,
    /// In the operator's words.
    pub reasons: String,
    /// The correcting document.
    pub correction: Option<DocumentId>,
}

/// An objection with its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectionRecord {
    /// Date.
    pub on: NaiveDate,
    /// By whom.
    pub by: String,
    /// Whether the operator recorded a paper.
    pub on_paper: bool,
    /// In the customer's words.
    pub reasons: String,
    /// None while it is open.
    pub decision: Option<DecisionRecord>,
}

#[derive(sqlx::FromRow)]
struct ObjectionRow {
    objected_on: NaiveDate,
    objected_by: String,
    on_paper: bool,
    reasons: String,
    decided_on: Option<NaiveDate>,
    decided_by: Option<String>,
    upheld: Option<bool>,
    decision: Option<String>,
    correction_id: Option<Uuid>,
}

impl From<ObjectionRow> for ObjectionRecord {
    fn from(row: ObjectionRow) -> ObjectionRecord {
        let decision = match (row.decided_on, row.decided_by, row.upheld, row.decision) {
            (Some(on), Some(by), Some(upheld), Some(reasons)) => Some(DecisionRecord {
                on,
                by,
                upheld,
                reasons,
                correction: row.correction_id.map(DocumentId::from_uuid),
            }),
            _ => None,
        };
        ObjectionRecord {
            on: row.objected_on,
            by: row.objected_by,
            on_paper: row.on_paper,
            reasons: row.reasons,
            decision,
        }
    }
}

/// A line of an issued document with what its order blank says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargedLineRecord {
    /// What was charged.
    pub charged: ChargedLine,
    /// Quantity in kind.
    pub quantity: Decimal,
    /// Code of the line.
    pub code: String,
    /// Its kind.
    pub kind: LineKind,
    /// Whether it is paid once.
    pub one_off: bool,
    /// Number of its order blank.
    pub contract_number: String,
    /// Signing date of its order blank.
    pub contract_date: NaiveDate,
    /// The price-list item's names in Uzbek, Russian and English.
    pub names: [String; 3],
}

#[derive(sqlx::FromRow)]
struct ChargedRow {
    line_id: Uuid,
    quantity: Decimal,
    net: Decimal,
    vat: Decimal,
    code: String,
    kind: String,
    one_off: bool,
    vat_rate: Decimal,
    contract_number: String,
    signed_on: Option<NaiveDate>,
    name_uz: String,
    name_ru: String,
    name_en: String,
}

impl TryFrom<ChargedRow> for ChargedLineRecord {
    type Error = DbError;
    fn try_from(row: ChargedRow) -> Result<ChargedLineRecord, DbError> {
        let wrong = |what: &str| DbError::Inconsistent(format!("line {}: {what}", row.code));
        Ok(ChargedLineRecord {
            charged: ChargedLine {
                line: LineId::from_uuid(row.line_id),
                vat_rate: Rate::new(row.vat_rate)?,
                net: Money::from_decimal(row.net)?,
                vat: Money::from_decimal(row.vat)?,
            },
            quantity: row.quantity.normalize(),
            kind: LineKind::parse(&row.kind).ok_or_else(|| wrong("no such kind"))?,
            one_off: row.one_off,
            contract_date: row
                .signed_on
                .ok_or_else(|| wrong("a signed blank without a date"))?,
            code: row.code,
            contract_number: row.contract_number,
            names: [row.name_uz, row.name_ru, row.name_en],
        })
    }
}

/// See [`Tx::objections`].
#[derive(Debug)]
pub struct Objections<'a>(&'a mut Tx);

impl Tx {
    /// Objections, decisions, paper copies, references.
    pub fn objections(&mut self) -> Objections<'_> {
        Objections(self)
    }
}

impl Objections<'_> {
    /// Writes that a document refers to another one. Refused by constraint: `one_vat_invoice_of_a_document`.
    pub async fn refer(
        &mut self,
        document: DocumentId,
        to: DocumentId,
        relation: Relation,
    ) -> Result<(), DbError> {
        sqlx::query(REFER)
            .bind(document.uuid())
            .bind(to.uuid())
            .bind(relation.name())
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The first document that refers to this one so.
    pub async fn referring(
        &mut self,
        to: DocumentId,
        relation: Relation,
    ) -> Result<Option<DocumentId>, DbError> {
        let id: Option<Uuid> = sqlx::query_scalar(REFERRING)
            .bind(to.uuid())
            .bind(relation.name())
            .fetch_optional(self.0.conn())
            .await?;
        Ok(id.map(DocumentId::from_uuid))
    }

    /// The primary document of a customer and a period.
    pub async fn primary_of(
        &mut self,
        customer: CustomerId,
        period: ReportingPeriod,
    ) -> Result<Option<DocumentId>, DbError> {
        let id: Option<Uuid> = sqlx::query_scalar(PRIMARY_OF)
            .bind(customer.uuid())
            .bind(period.first_day())
            .fetch_optional(self.0.conn())
            .await?;
        Ok(id.map(DocumentId::from_uuid))
    }

    /// Writes an objection. Lock the document first.
    pub async fn insert(&mut self, objection: &NewObjection<'_>, at: Timestamp) -> Result<(), DbError> {
        sqlx::query(INSERT_OBJECTION)
            .bind(objection.document.uuid())
            .bind(tashkent_day(at))
            .bind(at)
            .bind(objection.by)
            .bind(objection.on_paper)
            .bind(objection.reasons)
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// Writes a decision. Lock the document first.
    pub async fn decide(&mut self, decision: &NewDecision<'_>, at: Timestamp) -> Result<(), DbError> {
        sqlx::query(INSERT_DECISION)
            .bind(decision.document.uuid())
            .bind(tashkent_day(at))
            .bind(at)
            .bind(decision.by)
            .bind(decision.correction.is_some())
            .bind(decision.reasons)
            .bind(decision.correction.map(DocumentId::uuid))
            .execute(self.0.conn())
            .await?;
        Ok(())
    }

    /// The objection to a document.
    pub async fn find(&mut self, document: DocumentId) -> Result<Option<ObjectionRecord>, DbError> {
        let row: Option<ObjectionRow> = sqlx::query_as(OBJECTION)
            .bind(document.uuid())
            .fetch_optional(self.0.conn())
            .await?;
        Ok(row.map(ObjectionRecord::from))
    }

    /// The lines of a primary document as they are charged now, in its order: what corrections have changed is in.
    pub async fn charged_lines(&mut self, document: DocumentId) -> Result<Vec<ChargedLineRecord>, DbError> {
        let rows: Vec<ChargedRow> = sqlx::query_as(CHARGED_LINES)
            .bind(document.uuid())
            .fetch_all(self.0.conn())
            .await?;
        rows.into_iter().map(ChargedLineRecord::try_from).collect()
    }

    /// Writes that the paper copy of a document was handed over. `false`: it was already.
    pub async fn hand_over(
        &mut self,
        document: DocumentId,
        on: NaiveDate,
        to: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, DbError> {
        let done = sqlx::query(INSERT_PAPER)
            .bind(document.uuid())
            .bind(on)
            .bind(to)
            .bind(at)
            .bind(by)
            .execute(self.0.conn())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The day on which the paper copy was handed over.
    pub async fn handed_over_on(&mut self, document: DocumentId) -> Result<Option<NaiveDate>, DbError> {
        Ok(sqlx::query_scalar(PAPER)
            .bind(document.uuid())
            .fetch_optional(self.0.conn())
            .await?)
    }
}

impl Store {
    /// The first document that refers to this one so.
    pub async fn referring_document(
        &self,
        to: DocumentId,
        relation: Relation,
    ) -> Result<Option<DocumentId>, DbError> {
        let id: Option<Uuid> = sqlx::query_scalar(REFERRING)
            .bind(to.uuid())
            .bind(relation.name())
            .fetch_optional(self.pool())
            .await?;
        Ok(id.map(DocumentId::from_uuid))
    }
}

//! What a document says, as data: the contract between the services that make documents and the renderers here.
//!
//! A content is built once, at issue, from the ledger and the orders; it is stored as canonical JSON
//! ([`crate::canonical_json`]) with the SHA-256 of those bytes, and every PDF, XLSX and JSON file is rendered from it
//! (billing.md §5: "Issued documents never change", "a re-rendered document is byte-identical").
//!
//! In Rust the amounts are typed; in JSON they are strings (`text_form`): "1234567.89", rates as shares "0.12",
//! quantities without needless zeros, dates "2026-11-30", periods "2026-11". Unknown fields are refused when content is
//! read back, because what isn't understood can't be shown.
//!
//! `check` refuses content whose figures contradict each other; every renderer calls it. Not here: how the figures come
//! about (`domain::billing`), numbers of documents (`storage`).

mod check;
mod correction;
mod parties;
mod penalty_claim;
mod settlement;
mod text_form;
mod vat_invoice;

pub use check::ContentError;
pub use correction::{CorrectionContent, CorrectionLine, CorrectionReason, Sums};
pub use penalty_claim::{PenaltyClaimContent, PenaltySpan};
pub use settlement::{
    ActDocument, ActRow, ContractRef, ReconciliationActContent, RefundContent, RefundContract,
};
pub use vat_invoice::{DocumentRef, VatInvoiceContent, VatInvoiceLine, VatInvoiceType};

use chrono::NaiveDate;
use namoyish_domain::calendar::{ReportingPeriod, Timestamp};
use namoyish_domain::money::{Money, Rate, UnitPrice};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::language::Language;

/// The edition of these structures that this program writes and reads.
pub const CONTENT_VERSION: u32 = 1;

/// The most lines that one document holds; more is refused by [`ContentError::TooManyLines`].
pub const LINES_MAX: usize = 5_000;

/// A name in the languages of price lists. Uzbek Cyrillic shows the Latin one as it is: names are never transliterated
/// silently in legal documents (uzbekistan.md §7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalizedName {
    /// Uzbek, Latin script.
    pub uz: String,
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

impl LocalizedName {
    /// The name for a reader of this language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::UzLatn | Language::UzCyrl => &self.uz,
            Language::Ru => &self.ru,
            Language::En => &self.en,
        }
    }
}

/// What a party is; decides how its signatory is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// A company or an institution; its director signs.
    LegalEntity,
    /// A sole trader; signs in person.
    SoleTrader,
    /// A natural person; signs in person.
    Person,
}

/// A party with the requisites that a primary document prints (uzbekistan.md §3.3). What isn't known is empty and is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// What the party is.
    pub kind: PartyKind,
    /// Full legal name.
    pub name: String,
    /// Postal address.
    pub address: String,
    /// STIR (9 digits) or PINFL (14 digits); the length says which.
    pub stir_or_pinfl: String,
    /// Name of the bank.
    pub bank_name: String,
    /// The bank's MFO, 5 digits.
    pub mfo: String,
    /// Settlement account, 20 digits.
    pub settlement_account: String,
    /// OKED (IFUT), 5 digits.
    pub oked: String,
    /// VAT payer's registration code, 12 digits.
    pub vat_code: String,
    /// Who signs: surname with initials.
    pub signatory: String,
    /// Ground of the signatory's authority: charter, power of attorney with number and date.
    pub authority: String,
    /// Chief accountant: surname with initials.
    pub accountant: String,
    /// E-mail for documents.
    pub email: String,
    /// Telephone.
    pub phone: String,
}

/// What a quantity counts. The words for it are labels, so that a document reads in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Counted impressions; the unit price is per 1,000 of them [003 §5.1].
    Impressions,
    /// Reporting periods, whole or in part.
    Month,
    /// Pieces: one-off services.
    Piece,
}

/// Whose counts a document is made from [003 §5.6].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatisticsSource {
    /// The platform's own counting.
    Own,
    /// Google Ad Manager.
    Gam,
}

/// One line of a primary document: one order line (or additional service) in one reporting period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentLine {
    /// 1, 2, 3 …
    pub position: u32,
    /// Number of the order blank (the contract).
    pub contract_number: String,
    /// Its signing date.
    pub contract_date: NaiveDate,
    /// What was rendered.
    pub service: LocalizedName,
    /// The order line's code, as the cabinet shows it.
    pub line_code: String,
    /// First day served in the period.
    pub period_from: NaiveDate,
    /// Last day served in the period.
    pub period_to: NaiveDate,
    /// What `quantity` counts.
    pub unit: Unit,
    /// Quantity in kind.
    #[serde(with = "text_form::quantity")]
    pub quantity: Decimal,
    /// So'm for 1,000 impressions, a month or a piece; net of VAT where the operator pays VAT, else final.
    #[serde(with = "text_form::unit_price")]
    pub unit_price: UnitPrice,
    /// Share: "0.12" is 12 %. Zero where the operator pays no VAT.
    #[serde(with = "text_form::rate")]
    pub vat_rate: Rate,
    /// So'm without VAT.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// VAT of this line, rounded here once (billing.md §4).
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// `net + vat`.
    #[serde(with = "text_form::money")]
    pub gross: Money,
}

/// Marks which kind of content a JSON text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentKind {
    /// [`PrimaryDocumentContent`].
    PrimaryDocument,
    /// [`InvoiceContent`].
    Invoice,
    /// [`OrderBlankContent`].
    OrderBlank,
    /// [`VatInvoiceContent`].
    VatInvoice,
    /// [`CorrectionContent`].
    Correction,
    /// [`PenaltyClaimContent`].
    PenaltyClaim,
    /// [`ReconciliationActContent`].
    ReconciliationAct,
    /// [`RefundContent`].
    Refund,
}

/// The monthly primary document: one per customer and reporting period, for all its contracts (billing.md §5) [003 §5.4].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrimaryDocumentContent {
    /// [`CONTENT_VERSION`].
    pub version: u32,
    /// [`ContentKind::PrimaryDocument`].
    pub kind: ContentKind,
    /// Gapless number within the year.
    pub number: String,
    /// City where it was drawn up.
    pub place: String,
    /// Date of drawing up.
    pub issued_on: NaiveDate,
    /// The reporting period, "2026-11".
    #[serde(with = "text_form::period")]
    pub period: ReportingPeriod,
    /// The operator (ijrochi).
    pub operator: Party,
    /// The customer (buyurtmachi).
    pub customer: Party,
    /// Whose counts it was made from.
    pub statistics_source: StatisticsSource,
    /// Whether the operator pays VAT on the period's last day; if not, no VAT column is shown [003 §5.3].
    pub vat_payer: bool,
    /// What was rendered; never empty.
    pub lines: Vec<DocumentLine>,
    /// Sum of the lines' net.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// Sum of the lines' VAT.
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// Sum of the lines' gross.
    #[serde(with = "text_form::money")]
    pub gross: Money,
    /// How much of `gross` was taken from the advance.
    #[serde(with = "text_form::money")]
    pub advance_used: Money,
    /// The customer's debt for rendered services after this document.
    #[serde(with = "text_form::money")]
    pub receivable_left: Money,
    /// The customer's advance after this document.
    #[serde(with = "text_form::money")]
    pub advance_left: Money,
    /// Hex fingerprint of the counted impressions that are charged for; empty when no line is counted.
    pub impressions_fingerprint: String,
    /// Number of the rules edition in force on the period's last day.
    pub rules_edition: u32,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoiceLine {
    /// What is to be rendered.
    pub service: LocalizedName,
    /// The order line's code.
    pub line_code: String,
    /// First day that the sum covers.
    pub period_from: NaiveDate,
    /// Last day that the sum covers.
    pub period_to: NaiveDate,
    /// What `quantity` counts.
    pub unit: Unit,
    /// Quantity in kind that the sum buys.
    #[serde(with = "text_form::quantity")]
    pub quantity: Decimal,
    /// So'm without VAT.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// Share: "0.12" is 12 %.
    #[serde(with = "text_form::rate")]
    pub vat_rate: Rate,
    /// VAT of this line.
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// `net + vat`.
    #[serde(with = "text_form::money")]
    pub gross: Money,
}

/// A request for payment (billing.md §2) [003 §5.11].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoiceContent {
    /// [`CONTENT_VERSION`].
    pub version: u32,
    /// [`ContentKind::Invoice`].
    pub kind: ContentKind,
    /// Gapless number within the year.
    pub number: String,
    /// Date of issue.
    pub issued_on: NaiveDate,
    /// Last day to pay.
    pub due_on: NaiveDate,
    /// The operator: where to pay.
    pub operator: Party,
    /// Who pays.
    pub customer: Party,
    /// Number of the order blank.
    pub order_number: String,
    /// Date of the order blank.
    pub order_date: NaiveDate,
    /// Whether VAT is shown.
    pub vat_payer: bool,
    /// What is paid for; never empty.
    pub lines: Vec<InvoiceLine>,
    /// Sum of the lines' net.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// Sum of the lines' VAT.
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// Sum of the lines' gross.
    #[serde(with = "text_form::money")]
    pub gross: Money,
    /// The line to copy into the payment order; names the invoice, so that the payment finds it.
    pub purpose: String,
}

/// How a media budget is bound in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankBudgetMode {
    /// One sum for the whole term.
    Total,
    /// One sum for each reporting period.
    Monthly,
}

/// How the prepayment is invoiced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankPrepayment {
    /// One invoice for all.
    Full,
    /// One invoice per reporting period.
    Monthly,
}

/// One line of an order blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderBlankLine {
    /// 1, 2, 3 …
    pub position: u32,
    /// Id of the line.
    pub line_id: String,
    /// The line's code.
    pub line_code: String,
    /// "media", "period" or "additional".
    pub line_kind: String,
    /// Code of the price-list item.
    pub item_code: String,
    /// What is ordered: the price-list item's name.
    pub service: LocalizedName,
    /// Codes of the placements, in the order of their names.
    pub placement_codes: Vec<String>,
    /// Codes of the regions, in the order of their names; empty means everywhere.
    pub region_codes: Vec<String>,
    /// Rubrics; empty means any.
    pub rubrics: Vec<String>,
    /// Search phrases; empty means any.
    pub search_phrases: Vec<String>,
    /// Windows of days and hours, such as "mon-fri 09-18"; empty means always.
    pub schedule: Vec<String>,
    /// The most impressions for one viewer on one day.
    pub frequency_cap: Option<u16>,
    /// Names of the placements; empty where the service has none.
    pub placements: Vec<LocalizedName>,
    /// Names of the regions; empty means everywhere.
    pub regions: Vec<LocalizedName>,
    /// First day of the term.
    pub first_day: NaiveDate,
    /// Last day of the term.
    pub last_day: NaiveDate,
    /// What `unit_price` is for.
    pub unit: Unit,
    /// So'm for 1,000 impressions, a month or a piece.
    #[serde(with = "text_form::unit_price")]
    pub unit_price: UnitPrice,
    /// The price by the list, where the unit price is another one.
    #[serde(
        with = "text_form::optional_unit_price",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub list_price: Option<UnitPrice>,
    /// The price group whose coefficient made the unit price of the list price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_group: Option<String>,
    /// Quantity in kind: months or pieces; for media the impressions that the budget buys.
    #[serde(with = "text_form::quantity")]
    pub quantity: Decimal,
    /// Media lines: whether the budget is for the term or for each month.
    pub budget_mode: Option<BlankBudgetMode>,
    /// Media lines: the budget as agreed, for the term or for each month; so'm without VAT.
    #[serde(with = "text_form::optional_money")]
    pub budget: Option<Money>,
    /// Whether an additional service is charged once.
    pub one_off: bool,
    /// So'm without VAT over the whole term.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// VAT of this line.
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// `net + vat`.
    #[serde(with = "text_form::money")]
    pub gross: Money,
}

/// How a blank was signed by the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureKind {
    /// In the cabinet, with the password and a one-time code sent to the notice e-mail.
    CabinetCode,
    /// On paper, recorded by the operator.
    Paper,
    /// Not at all: the public offer was accepted.
    PublicOffer,
}

/// The customer's signature under a blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlankSignature {
    /// How.
    pub kind: SignatureKind,
    /// Who.
    pub signed_by: String,
    /// When.
    pub signed_at: Timestamp,
    /// SHA-256 of the frozen canonical JSON, made by the orders service; printed on the blank (orders.md §3).
    pub sha256: String,
    /// What is due when: the invoices that the signing issued, by due date.
    pub due: Vec<PaymentDue>,
}

/// A sum that is due on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentDue {
    /// Number of the invoice.
    pub invoice: String,
    /// Last day to pay.
    pub due_on: NaiveDate,
    /// So'm with VAT.
    #[serde(with = "text_form::money")]
    pub gross: Money,
}

/// An order blank as it is printed (orders.md §3). The frozen text that the hash is of is made by the orders service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderBlankContent {
    /// [`CONTENT_VERSION`].
    pub version: u32,
    /// [`ContentKind::OrderBlank`].
    pub kind: ContentKind,
    /// Gapless number within the year.
    pub number: String,
    /// City.
    pub place: String,
    /// Date on which the blank was made out.
    pub made_out_on: NaiveDate,
    /// The operator.
    pub operator: Party,
    /// The customer.
    pub customer: Party,
    /// Id of the customer.
    pub customer_id: String,
    /// Number of the rules edition that is part of the contract.
    pub rules_edition: u32,
    /// SHA-256 of that edition's text.
    pub rules_sha256: String,
    /// Date from which that edition is in force.
    pub rules_in_force_from: NaiveDate,
    /// Whose counts documents will be made from.
    pub statistics_source: StatisticsSource,
    /// Where notices go.
    pub notice_emails: Vec<String>,
    /// How the prepayment is invoiced.
    pub prepayment: BlankPrepayment,
    /// The blank's own payment term, which wins over the general rules.
    pub own_due_on: Option<NaiveDate>,
    /// The same as days after the signing [003 §5.11.1].
    pub own_due_days: Option<u16>,
    /// Whether VAT is shown.
    pub vat_payer: bool,
    /// VAT rate of the blank.
    #[serde(with = "text_form::rate")]
    pub vat_rate: Rate,
    /// What is ordered; never empty.
    pub lines: Vec<OrderBlankLine>,
    /// Sum of the lines' net.
    #[serde(with = "text_form::money")]
    pub net: Money,
    /// Sum of the lines' VAT.
    #[serde(with = "text_form::money")]
    pub vat: Money,
    /// Sum of the lines' gross.
    #[serde(with = "text_form::money")]
    pub gross: Money,
    /// `None` in the text that is signed, and while nothing is signed: the blank is then printed as a draft or an offer.
    pub signature: Option<BlankSignature>,
    /// Whether what isn't signed was offered; no part of the text.
    #[serde(skip)]
    pub offered: bool,
}

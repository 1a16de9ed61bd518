//! What the pages read, as plain values: domain types where there are any, stable codes where the page says them in words.

use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::{
    AdMaterialId, DocumentId, ExtraPeriodId, InvoiceId, LineId, OrderBlankId, PaymentId,
};
use namoyish_domain::money::{Exact, Money, Rate, UnitPrice};
use namoyish_domain::orders::runnable::LineFacts;
use rust_decimal::Decimal;

/// A name in the three languages that names are kept in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Uzbek, Latin script.
    pub uz: String,
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

/// Sums of a customer's accounts, each as the customer sees it (never negative in a sound ledger).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Money paid in and not used yet.
    pub advance: Money,
    /// Debt for services rendered.
    pub receivable: Money,
    /// Claimed penalties not paid yet.
    pub penalty: Money,
}

/// An order blank in a list.
#[derive(Debug, Clone)]
pub struct OrderBlankRow {
    /// The blank.
    pub id: OrderBlankId,
    /// Its number.
    pub number: String,
    /// State code.
    pub state: String,
    /// The day on which it was made out.
    pub made_out_on: NaiveDate,
    /// The day on which it was signed.
    pub signed_on: Option<NaiveDate>,
    /// Number of lines.
    pub lines: i64,
    /// First day of any line.
    pub first_day: Option<NaiveDate>,
    /// Last day of any line.
    pub last_day: Option<NaiveDate>,
}

/// A line with everything that says what it does today.
#[derive(Debug, Clone)]
pub struct LineRow {
    /// The line.
    pub id: LineId,
    /// Its code.
    pub code: String,
    /// "media", "period" or "additional".
    pub kind: String,
    /// So'm per 1,000 impressions, or per period.
    pub unit_price: UnitPrice,
    /// First day in force.
    pub first_day: NaiveDate,
    /// Last day in force.
    pub last_day: NaiveDate,
    /// First day as ordered.
    pub ordered_first_day: NaiveDate,
    /// Last day as ordered.
    pub ordered_last_day: NaiveDate,
    /// Whether the budget is for each month.
    pub monthly: bool,
    /// Net budget of a media line.
    pub budget: Option<Money>,
    /// Quantity of an additional service.
    pub quantity: Option<Decimal>,
    /// Whether an additional service is charged once.
    pub one_off: bool,
    /// Whether it is paused.
    pub paused: bool,
    /// First day without service.
    pub ended_on: Option<NaiveDate>,
    /// Its blank.
    pub blank: OrderBlankId,
    /// Its blank's number.
    pub blank_number: String,
    /// State code of its blank.
    pub blank_state: String,
    /// What is bought.
    pub name: Names,
    /// Unit code of the price list.
    pub unit: String,
    /// Impressions counted over its life.
    pub counted: u64,
    /// Impressions counted in the budget's scope of today (the month, or the whole term).
    pub counted_in_scope: u64,
    /// Impressions counted today.
    pub counted_today: u64,
    /// Today's target in so'm.
    pub target_today: Option<Exact>,
    /// Today's target in impressions.
    pub quota_today: Option<u64>,
    /// What decides whether it runs today.
    pub facts: LineFacts,
}

/// Plan and counts of one day of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineDay {
    /// The Tashkent day.
    pub day: NaiveDate,
    /// The day's last plan: so'm (exact) and impressions; `None` on a day without a plan.
    pub target: Option<(Exact, u64)>,
    /// Whether that plan was paced by an extra period.
    pub extra: bool,
    /// Impressions counted.
    pub impressions: u64,
    /// Viewable impressions.
    pub viewable: u64,
    /// Clicks.
    pub clicks: u64,
    /// Recorded, never charged.
    pub invalid: u64,
}

/// A row of a line's history.
#[derive(Debug, Clone)]
pub struct LineChangeRow {
    /// When.
    pub changed_at: Timestamp,
    /// Who.
    pub actor: String,
    /// What, as a stable code.
    pub kind: String,
    /// The values.
    pub details: serde_json::Value,
}

/// An extra period of a line, active or over.
#[derive(Debug, Clone)]
pub struct ExtraPeriodRow {
    /// The extra period.
    pub id: ExtraPeriodId,
    /// First day.
    pub first_day: NaiveDate,
    /// Last day.
    pub last_day: NaiveDate,
    /// Net.
    pub extra_budget: Money,
    /// When it was set.
    pub set_at: Timestamp,
    /// Who set it.
    pub set_by: String,
    /// "expired", "switched_off" or "exhausted" when it is over.
    pub ended: Option<String>,
    /// The last day that it paced, when it is over.
    pub ended_on: Option<NaiveDate>,
}

/// A version of an ad material with its moderation state.
#[derive(Debug, Clone)]
pub struct MaterialRow {
    /// The version.
    pub id: AdMaterialId,
    /// Its line.
    pub line: LineId,
    /// Its line's code.
    pub line_code: String,
    /// Version number.
    pub version: i32,
    /// Kind code.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Where a click leads.
    pub target_url: String,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// First day on which it may run.
    pub live_from: NaiveDate,
    /// State code; "submitted" when nobody decided yet.
    pub state: String,
    /// Reason codes of the last decision.
    pub reasons: Vec<String>,
    /// The moderator's comment.
    pub comment: String,
    /// When that was decided.
    pub decided_at: Timestamp,
    /// Last day on which all its documents are valid.
    pub documents_until: Option<NaiveDate>,
}

/// An invoice with what is paid of it.
#[derive(Debug, Clone)]
pub struct InvoiceRow {
    /// The invoice.
    pub id: InvoiceId,
    /// Its number.
    pub number: String,
    /// Day of issue.
    pub issued_on: NaiveDate,
    /// Due by the end of this day.
    pub due_on: NaiveDate,
    /// Net.
    pub net: Money,
    /// VAT.
    pub vat: Money,
    /// Gross.
    pub gross: Money,
    /// What payments hold on it.
    pub paid: Money,
    /// What it still asks for, paid or not: gross less its reductions.
    pub due_gross: Money,
    /// Whether it is void, as its request of more budget lapsed.
    pub voided: bool,
    /// The order blank's number.
    pub blank_number: Option<String>,
}

impl InvoiceRow {
    /// What is still to be paid.
    pub fn open(&self) -> Money {
        self.due_gross.checked_sub(self.paid).unwrap_or(Money::ZERO)
    }
}

/// A party as an invoice prints it.
#[derive(Debug, Clone, Default)]
pub struct PartyRow {
    /// "legal_entity", "sole_trader" or "person".
    pub kind: String,
    /// Legal name.
    pub name: String,
    /// Address.
    pub address: String,
    /// STIR or PINFL.
    pub stir_or_pinfl: String,
    /// Bank.
    pub bank_name: String,
    /// MFO.
    pub mfo: String,
    /// Settlement account.
    pub settlement_account: String,
    /// OKED.
    pub oked: String,
    /// VAT registration code.
    pub vat_code: String,
    /// Director or signatory.
    pub director: String,
    /// Ground of authority.
    pub authority: String,
    /// Chief accountant.
    pub accountant: String,
    /// E-mail.
    pub email: String,
    /// Telephone.
    pub phone: String,
}

/// What an invoice prints beside its sums.
#[derive(Debug, Clone)]
pub struct InvoiceSheet {
    /// The operator.
    pub operator: PartyRow,
    /// The customer.
    pub customer: PartyRow,
    /// The order blank's number.
    pub blank_number: Option<String>,
    /// The day on which it was signed.
    pub signed_on: Option<NaiveDate>,
    /// Whether VAT is shown.
    pub vat_payer: bool,
    /// The rate.
    pub vat_rate: Rate,
    /// The lines.
    pub lines: Vec<InvoiceSheetLine>,
}

/// A line of an invoice.
#[derive(Debug, Clone)]
pub struct InvoiceSheetLine {
    /// The order line's code.
    pub code: String,
    /// The order line's kind code.
    pub kind: String,
    /// What is bought.
    pub name: Names,
    /// The order line's first day in force.
    pub first_day: NaiveDate,
    /// The order line's last day in force.
    pub last_day: NaiveDate,
    /// So'm per 1,000 impressions, per month or per piece.
    pub unit_price: UnitPrice,
    /// Whether an additional service is charged once.
    pub one_off: bool,
    /// Quantity of an additional service.
    pub quantity: Option<Decimal>,
    /// First reporting period covered.
    pub first_period: Option<NaiveDate>,
    /// Last reporting period covered.
    pub last_period: Option<NaiveDate>,
    /// Net.
    pub net: Money,
    /// VAT.
    pub vat: Money,
}

/// A payment received.
#[derive(Debug, Clone)]
pub struct PaymentRow {
    /// The payment.
    pub id: PaymentId,
    /// The day on which the money came.
    pub received_on: NaiveDate,
    /// The sum.
    pub amount: Money,
    /// Method code.
    pub method: String,
    /// The payer's reference.
    pub reference: String,
    /// The invoice that it names.
    pub invoice_number: Option<String>,
    /// What of it is used: for invoices, claimed penalties and refunds.
    pub allocated: Money,
}

/// An issued document in a list.
#[derive(Debug, Clone)]
pub struct DocumentRow {
    /// The document.
    pub id: DocumentId,
    /// Kind code.
    pub kind: String,
    /// Number.
    pub number: String,
    /// First day of its reporting period.
    pub period: Option<NaiveDate>,
    /// Day of issue.
    pub issued_on: NaiveDate,
    /// Gross.
    pub gross: Money,
    /// SHA-256 of its content.
    pub sha256: String,
    /// State code.
    pub state: String,
}

/// The content that a document's files are rendered from.
#[derive(Debug, Clone)]
pub struct DocumentContentRow {
    /// Kind code.
    pub kind: String,
    /// Number.
    pub number: String,
    /// Canonical JSON.
    pub content: String,
    /// SHA-256 of those bytes.
    pub sha256: String,
}

/// What the public page tells of a genuine document.
#[derive(Debug, Clone)]
pub struct GenuineDocument {
    /// Kind code.
    pub kind: String,
    /// Number.
    pub number: String,
    /// First day of its reporting period.
    pub period: Option<NaiveDate>,
    /// Day of issue.
    pub issued_on: NaiveDate,
    /// Gross.
    pub gross: Money,
}

/// A place of the demo page.
#[derive(Debug, Clone)]
pub struct DemoPlacement {
    /// Its code, as the tag names it.
    pub code: String,
    /// Its name.
    pub name: Names,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// Publishable key of its app.
    pub app_key: String,
}

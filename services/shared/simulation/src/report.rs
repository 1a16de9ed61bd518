//! The report of a run (simulation.md "Report"): built from the database alone, byte-identical for the same scenario
//! and seed.
//!
//! Amounts are texts with two decimals; lists are sorted by id or number; keys come in the order of the structs. What a
//! day spent is its impressions times the price, rounded half-up once, here. A line that isn't media has days without
//! target and spend; its `spent` is what its documents charged.
//!
//! Not here: whether the figures are right; that is `auditor`, which calculates for itself.

use crate::auditor::{Audit, Checks};
use crate::facts::Facts;
use crate::scenario::Scenario;
use chrono::{NaiveDate, NaiveDateTime};
use namoyish_domain::calendar::{ReportingPeriod, minus_days, plus_days};
use namoyish_domain::money::{Exact, Money, MoneyError};
use namoyish_storage::reporting::{ReportedDocument, ReportedExtraPeriod, ReportedInvoice, ReportedLine};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use uuid::Uuid;

/// The whole report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct Report {
    pub version: u32,
    pub name: String,
    pub seed: u64,
    pub lines: Vec<LineReport>,
    pub invoices: Vec<InvoiceReport>,
    pub documents: Vec<DocumentReport>,
    pub balances: Vec<BalanceReport>,
    pub refused: Vec<Refused>,
    pub checks: Checks,
    /// A sentence for everything that doesn't hold; for people, not part of the file.
    #[serde(skip)]
    pub findings: Vec<String>,
}

/// A line of a signed blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct LineReport {
    pub id: String,
    pub term: [NaiveDate; 2],
    pub state: &'static str,
    pub days: Vec<DayReport>,
    pub extra_periods: Vec<ExtraPeriodReport>,
    pub impressions: i64,
    pub spent: String,
    pub budget: String,
}

/// A day of a line's term that the run covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct DayReport {
    pub day: NaiveDate,
    pub target: String,
    pub spent: String,
    pub impressions: i64,
    pub invalid: i64,
    pub opportunities: i64,
}

/// An extra period of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct ExtraPeriodReport {
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub extra_budget: String,
    pub spent: String,
    pub ended: String,
}

/// An invoice. `paid_on` is empty until it is paid in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct InvoiceReport {
    pub number: String,
    pub customer: String,
    pub order: String,
    pub issued: NaiveDate,
    pub due: NaiveDate,
    pub net: String,
    pub vat: String,
    pub gross: String,
    pub paid: String,
    pub paid_on: String,
    pub penalty: String,
    /// Present, and true, for the invoice of a budget increase.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub increase: bool,
}

/// An issued document. `sent` and `decided` are empty until it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct DocumentReport {
    pub kind: String,
    pub number: String,
    pub customer: String,
    pub period: String,
    pub issued: NaiveDate,
    pub sent: String,
    pub state: String,
    pub decided: String,
    pub lines: Vec<DocumentLineReport>,
    pub net: String,
    pub vat: String,
    pub gross: String,
    pub sha256: String,
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct DocumentLineReport {
    pub line: String,
    pub quantity: Quantity,
    pub net: String,
    pub vat: String,
    pub gross: String,
}

/// A quantity: a plain number when it is whole, else its decimal as a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Quantity {
    /// Impressions, whole months.
    Whole(i64),
    /// A part of a month.
    Part(String),
}

/// What a customer and the operator owe each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct BalanceReport {
    pub customer: String,
    pub advance: String,
    pub receivable: String,
    pub penalty_receivable: String,
    pub refund_payable: String,
}

/// An event that the rules refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct Refused {
    pub at: NaiveDateTime,
    pub r#do: &'static str,
    pub code: String,
}

impl Report {
    /// Builds it from the facts of a finished run.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum doesn't fit, which the database's columns rule out.
    pub fn build(
        scenario: &Scenario,
        seed: u64,
        facts: &Facts,
        refused: Vec<Refused>,
        audit: Audit,
    ) -> Result<Report, MoneyError> {
        Ok(Report {
            version: 1,
            name: scenario.name.clone(),
            seed,
            lines: facts
                .lines
                .iter()
                .map(|line| line_report(line, scenario, facts))
                .collect::<Result<_, _>>()?,
            invoices: facts
                .invoices
                .iter()
                .map(|invoice| invoice_report(invoice, scenario, facts))
                .collect::<Result<_, _>>()?,
            documents: facts
                .documents
                .iter()
                .map(|document| document_report(document, facts))
                .collect(),
            balances: facts
                .customers
                .iter()
                .map(|customer| balance_report(customer, facts))
                .collect(),
            refused,
            checks: audit.checks,
            findings: audit.findings,
        })
    }

    /// The report's bytes: indented JSON with a final new line.
    ///
    /// # Errors
    /// Never for this type; the serializer's error is passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// Two decimals.
fn amount(value: Decimal) -> String {
    format!("{value:.2}")
}

fn line_report(line: &ReportedLine, scenario: &Scenario, facts: &Facts) -> Result<LineReport, MoneyError> {
    let is_media = line.kind == "media";
    let spent_by = |impressions: i64| -> Result<Money, MoneyError> {
        if is_media {
            line.unit_price
                .of_impressions(impressions.unsigned_abs())?
                .round_half_up()
        } else {
            Ok(Money::ZERO)
        }
    };
    let last_covered = minus_days(scenario.end, 1);
    let last_served = line
        .ended_on
        .map_or(line.last_day, |day| minus_days(day, 1))
        .min(line.last_day);
    let mut days = Vec::new();
    let mut day = line.first_day.max(scenario.start);
    while day <= last_served.min(last_covered) {
        let counted = facts
            .line_days
            .iter()
            .find(|row| row.line_id == line.id && row.day == day);
        let plan = facts
            .plans
            .iter()
            .find(|row| row.line_id == line.id && row.day == day);
        let demand = facts
            .demand
            .iter()
            .find(|row| row.line_id == line.id && row.day == day);
        let impressions = counted.map_or(0, |row| row.impressions);
        let target = plan.map_or(Decimal::ZERO, |row| row.target);
        days.push(DayReport {
            day,
            target: Exact::new(target).round_half_up()?.to_string(),
            spent: spent_by(impressions)?.to_string(),
            impressions,
            invalid: counted.map_or(0, |row| row.invalid),
            opportunities: demand.map_or(0, |row| row.opportunities),
        });
        day = plus_days(day, 1);
    }
    let extra_periods = facts
        .extra_periods
        .iter()
        .filter(|extra| extra.line_id == line.id)
        .map(|extra| {
            let until = extra.ended_on.unwrap_or(extra.last_day).min(extra.last_day);
            let impressions = facts
                .line_days
                .iter()
                .filter(|row| row.line_id == line.id && extra.first_day <= row.day && row.day <= until)
                .map(|row| row.impressions)
                .sum();
            extra_period_report(extra, spent_by(impressions)?)
        })
        .collect::<Result<_, _>>()?;
    let impressions = facts
        .line_days
        .iter()
        .filter(|row| row.line_id == line.id)
        .map(|row| row.impressions)
        .sum();
    let spent = if is_media {
        spent_by(impressions)?.to_string()
    } else {
        amount(
            facts
                .document_lines
                .iter()
                .filter(|row| row.line_id == line.id && is_charge(row.document_id, facts))
                .map(|row| row.net)
                .sum(),
        )
    };
    Ok(LineReport {
        id: line.code.clone(),
        term: [line.first_day, line.last_day],
        state: line_state(
            line,
            scenario.end,
            is_media && budget_is_spent(line, impressions)?,
        ),
        days,
        extra_periods,
        impressions,
        spent,
        budget: line.budget.unwrap_or(Money::ZERO).to_string(),
    })
}

/// Whether a document charges for services: a VAT invoice says the same once more.
fn is_charge(document: Uuid, facts: &Facts) -> bool {
    facts
        .documents
        .iter()
        .any(|row| row.id == document && matches!(row.kind.as_str(), "primary_document" | "correction"))
}

/// Whether a total budget pays for no further impression.
fn budget_is_spent(line: &ReportedLine, impressions: i64) -> Result<bool, MoneyError> {
    let Some(budget) = line.budget else {
        return Ok(false);
    };
    Ok(!line.monthly && line.unit_price.impressions_for(budget.exact())? <= impressions.unsigned_abs())
}

fn line_state(line: &ReportedLine, end: NaiveDate, budget_spent: bool) -> &'static str {
    if line.ended_on.is_some_and(|day| day <= end) {
        "terminated"
    } else if line.last_day < end {
        "completed"
    } else if line.paused {
        "paused"
    } else if budget_spent {
        "budget_exhausted"
    } else if line.first_day < end {
        "in_service"
    } else {
        "signed"
    }
}

fn extra_period_report(extra: &ReportedExtraPeriod, spent: Money) -> Result<ExtraPeriodReport, MoneyError> {
    Ok(ExtraPeriodReport {
        from: extra.first_day,
        until: extra.last_day,
        extra_budget: amount(extra.extra_budget),
        spent: spent.to_string(),
        ended: extra.ended.clone().unwrap_or_default(),
    })
}

fn invoice_report(
    invoice: &ReportedInvoice,
    scenario: &Scenario,
    facts: &Facts,
) -> Result<InvoiceReport, MoneyError> {
    let paid = facts
        .allocations
        .iter()
        .filter(|row| row.invoice_id == invoice.id)
        .map(|row| row.amount)
        .sum();
    // The worker's last run is after the run's end; its day is no day of the run.
    let penalty = facts
        .accruals
        .iter()
        .filter(|row| row.invoice_id == invoice.id && row.day < scenario.end)
        .map(|row| row.amount)
        .sum();
    Ok(InvoiceReport {
        number: invoice.number.clone(),
        customer: invoice.customer_code.clone(),
        order: invoice.order_code.clone().unwrap_or_default(),
        issued: invoice.issued_on,
        due: invoice.due_on,
        net: amount(invoice.net),
        vat: amount(invoice.vat),
        gross: amount(invoice.gross),
        paid: amount(paid),
        paid_on: invoice.paid_on.map(|day| day.to_string()).unwrap_or_default(),
        penalty: Exact::new(penalty).round_half_up()?.to_string(),
        increase: invoice.kind == "budget_increase",
    })
}

fn document_report(document: &ReportedDocument, facts: &Facts) -> DocumentReport {
    let events: Vec<_> = facts
        .document_events
        .iter()
        .filter(|row| row.document_id == document.id)
        .collect();
    let day_of = |states: &[&str]| {
        let found = events
            .iter()
            .rev()
            .find(|row| states.contains(&row.state.as_str()));
        found.map(|row| row.happened_on.to_string()).unwrap_or_default()
    };
    DocumentReport {
        kind: document.kind.clone(),
        number: document.number.clone(),
        customer: document.customer_code.clone(),
        period: document
            .period
            .map(|day| ReportingPeriod::of(day).to_string())
            .unwrap_or_default(),
        issued: document.issued_on,
        sent: day_of(&["sent"]),
        state: events
            .last()
            .map_or_else(|| "issued".to_owned(), |row| row.state.clone()),
        decided: day_of(&["accepted", "corrected", "upheld"]),
        lines: document_lines(document.id, facts),
        net: amount(document.net),
        vat: amount(document.vat),
        gross: amount(document.gross),
        sha256: document.sha256.clone(),
    }
}

fn document_lines(document: Uuid, facts: &Facts) -> Vec<DocumentLineReport> {
    let mut lines: Vec<DocumentLineReport> = facts
        .document_lines
        .iter()
        .filter(|row| row.document_id == document)
        .map(|row| DocumentLineReport {
            line: row.code.clone(),
            quantity: match row.quantity.is_integer().then(|| row.quantity.to_i64()).flatten() {
                Some(whole) => Quantity::Whole(whole),
                None => Quantity::Part(row.quantity.normalize().to_string()),
            },
            net: amount(row.net),
            vat: amount(row.vat),
            gross: amount(row.gross),
        })
        .collect();
    lines.sort_by(|left, right| left.line.cmp(&right.line));
    lines
}

/// Each account from its own side, so that an amount that somebody has or owes is positive.
fn balance_report(customer: &str, facts: &Facts) -> BalanceReport {
    let balance = |account: &str| -> Decimal {
        facts
            .balances
            .iter()
            .filter(|row| row.customer_code == customer && row.account == account)
            .map(|row| row.balance)
            .sum()
    };
    BalanceReport {
        customer: customer.to_owned(),
        advance: amount(Decimal::ZERO - balance("advance")),
        receivable: amount(balance("receivable")),
        penalty_receivable: amount(balance("penalty_receivable")),
        refund_payable: amount(Decimal::ZERO - balance("refund_payable")),
    }
}

//! Contents to forms: what a VAT invoice, a correction and a penalty claim say in each language (billing.md §5–§6).

use crate::canonical::{canonical_json, sha256_hex};
use crate::content::{
    CorrectionContent, CorrectionReason, DocumentRef, PenaltyClaimContent, VatInvoiceContent, VatInvoiceType,
};
use crate::error::RenderError;
use crate::form::{Align, Cell, Column, Form};
use crate::language::{Language, format_period};
use crate::view::Writer;
use crate::words::sum_in_words;
use namoyish_domain::money::Money;
use rust_decimal::Decimal;

fn reference(writer: Writer, of: &DocumentRef) -> String {
    writer
        .labels
        .reference
        .replace("{date}", &writer.date(of.date))
        .replace("{number}", &of.number)
}

fn contract(writer: Writer, number: &str, date: chrono::NaiveDate) -> Cell {
    Cell::Two(number.to_owned(), writer.dated(date))
}

/// "One hundred soʻm 00 tiyin", also of a sum below nothing, whose sign is told in words beside it.
fn in_words(sum: Money, language: Language) -> Result<String, RenderError> {
    let size = if sum.is_negative() {
        Money::ZERO
            .checked_sub(sum)
            .map_err(crate::content::ContentError::from)?
    } else {
        sum
    };
    Ok(sum_in_words(size, language)?)
}

impl VatInvoiceContent {
    pub(crate) fn form(&self, language: Language) -> Result<Form, RenderError> {
        self.check()?;
        let writer = Writer::new(language);
        let labels = writer.labels;
        let additional = self.invoice_type == VatInvoiceType::Additional;
        let mut facts = vec![
            (labels.date, writer.date_long(self.issued_on)),
            (labels.reporting_period, format_period(self.period, language)),
            (
                if additional {
                    labels.correction_title
                } else {
                    labels.belongs_to
                },
                reference(writer, &self.document),
            ),
        ];
        facts.extend(
            self.corrects
                .iter()
                .map(|first| (labels.first_vat_invoice, reference(writer, first))),
        );
        let head = |text: &str| format!("{text}, {}", labels.in_soum);
        let rows = self.lines.iter().map(|line| {
            vec![
                Cell::Text(line.position.to_string()),
                contract(writer, &line.contract_number, line.contract_date),
                Cell::Two(
                    line.service.in_language(language).to_owned(),
                    line.line_code.clone(),
                ),
                Cell::Text(if self.catalog_code.is_empty() {
                    "—".to_owned()
                } else {
                    self.catalog_code.clone()
                }),
                match writer.per(line.unit) {
                    "" => Cell::Text(writer.unit(line.unit).to_owned()),
                    per => Cell::Two(writer.unit(line.unit).to_owned(), per.to_owned()),
                },
                Cell::Quantity(line.quantity),
                line.unit_price
                    .map_or_else(|| Cell::Text("—".to_owned()), Cell::Price),
                Cell::Money(line.net),
                Cell::Percent(line.vat_rate),
                Cell::Money(line.vat),
                Cell::Money(line.gross),
            ]
        });
        let words = format!(
            "{}, {}",
            in_words(self.gross, language)?,
            writer.vat_note(true, self.vat)
        );
        let mut closing = Vec::new();
        if additional {
            closing.push((direction(writer, self.gross), writer.money(self.gross)));
        }
        closing.push((labels.in_words, words));
        Ok(Form {
            title: if additional {
                labels.vat_invoice_additional_title
            } else {
                labels.vat_invoice_title
            },
            number: self.number.clone(),
            issued_on: self.issued_on,
            operator: self.operator.clone(),
            customer: self.customer.clone(),
            roles: [labels.seller, labels.buyer],
            landscape: true,
            facts,
            columns: vec![
                Column::new(labels.number_sign, 8, Align::Center),
                Column::new(labels.col_contract, 29, Align::Left),
                Column::new(labels.col_service, 0, Align::Left),
                Column::new(labels.col_catalog_code, 31, Align::Center),
                Column::new(labels.col_unit, 18, Align::Center),
                Column::new(labels.col_quantity, 18, Align::Right),
                Column::new(head(labels.col_price), 22, Align::Right),
                Column::new(head(labels.col_net), 27, Align::Right),
                Column::new(labels.col_vat_rate, 12, Align::Center),
                Column::new(head(labels.col_vat), 25, Align::Right),
                Column::new(head(labels.col_gross), 28, Align::Right),
            ],
            rows: rows.collect(),
            total: vec![
                Cell::Money(self.net),
                Cell::Text(String::new()),
                Cell::Money(self.vat),
                Cell::Money(self.gross),
            ],
            closing,
            copy: None,
            both_sign: true,
            hash: sha256_hex(&canonical_json(self)?),
        })
    }
}

fn direction(writer: Writer, difference: Money) -> &'static str {
    if difference.is_negative() {
        writer.labels.reduced_by
    } else {
        writer.labels.increased_by
    }
}

impl CorrectionContent {
    pub(crate) fn form(&self, language: Language) -> Result<Form, RenderError> {
        self.check()?;
        let writer = Writer::new(language);
        let labels = writer.labels;
        let mut facts = vec![
            (labels.place, self.place.clone()),
            (labels.date, writer.date_long(self.issued_on)),
            (labels.reporting_period, format_period(self.period, language)),
            (labels.corrected_document, reference(writer, &self.corrects)),
            (
                labels.correction_reason,
                match self.reason {
                    CorrectionReason::Objection => labels.reason_objection,
                    CorrectionReason::LateStatistics => labels.reason_late_statistics,
                }
                .to_owned(),
            ),
        ];
        if !self.explanation.is_empty() {
            facts.push((labels.explanation, self.explanation.clone()));
        }
        let mut columns = vec![
            Column::new(labels.number_sign, 8, Align::Center),
            Column::new(labels.col_contract, 29, Align::Left),
            Column::new(labels.col_service, 0, Align::Left),
            Column::new(labels.col_quantity, 24, Align::Right),
        ];
        let sides = [labels.col_before, labels.col_after];
        if self.vat_payer {
            for side in sides {
                columns.push(Column::new(
                    format!("{side}, {}", labels.without_vat),
                    25,
                    Align::Right,
                ));
                columns.push(Column::new(format!("{side}, {}", labels.vat), 22, Align::Right));
            }
            columns.push(Column::new(
                format!("{}, {}", labels.col_difference, labels.without_vat),
                25,
                Align::Right,
            ));
            columns.push(Column::new(
                format!("{}, {}", labels.col_difference, labels.vat),
                22,
                Align::Right,
            ));
            columns.push(Column::new(
                format!("{}, {}", labels.col_difference, labels.with_vat),
                26,
                Align::Right,
            ));
        } else {
            for side in sides.into_iter().chain([labels.col_difference]) {
                columns.push(Column::new(side, 32, Align::Right));
            }
        }
        let rows = self.lines.iter().map(|line| {
            let unit = writer.unit(line.unit);
            let quantity = if line.quantity == line.quantity_before {
                Cell::Two(writer.quantity(line.quantity), unit.to_owned())
            } else {
                let moved = format!(
                    "{} → {}",
                    writer.quantity(line.quantity_before),
                    writer.quantity(line.quantity)
                );
                Cell::Two(moved, unit.to_owned())
            };
            let mut row = vec![
                Cell::Text(line.position.to_string()),
                contract(writer, &line.contract_number, line.contract_date),
                Cell::Two(
                    line.service.in_language(language).to_owned(),
                    line.line_code.clone(),
                ),
                quantity,
            ];
            for sums in [&line.before, &line.after, &line.difference] {
                row.push(Cell::Money(sums.net));
                if self.vat_payer {
                    row.push(Cell::Money(sums.vat));
                }
            }
            if self.vat_payer {
                row.push(Cell::Money(line.difference.gross));
            }
            row
        });
        let mut total = vec![Cell::Money(self.net)];
        if self.vat_payer {
            total.extend([Cell::Money(self.vat), Cell::Money(self.gross)]);
        }
        let words = format!(
            "{} ({}, {})",
            writer.money(self.gross),
            in_words(self.gross, language)?,
            writer.vat_note(self.vat_payer, self.vat)
        );
        Ok(Form {
            title: labels.correction_title,
            number: self.number.clone(),
            issued_on: self.issued_on,
            operator: self.operator.clone(),
            customer: self.customer.clone(),
            roles: [labels.operator, labels.customer],
            landscape: true,
            facts,
            columns,
            rows: rows.collect(),
            total,
            closing: vec![
                (direction(writer, self.gross), words),
                (labels.receivable_left, writer.money(self.receivable_left)),
                (labels.advance_left, writer.money(self.advance_left)),
            ],
            copy: None,
            both_sign: true,
            hash: sha256_hex(&canonical_json(self)?),
        })
    }
}

impl PenaltyClaimContent {
    pub(crate) fn form(&self, language: Language) -> Result<Form, RenderError> {
        self.check()?;
        let writer = Writer::new(language);
        let labels = writer.labels;
        let rate = writer.percent(self.daily_rate);
        let invoice = format!(
            "{}, {} {}",
            reference(writer, &self.invoice),
            writer.money(self.invoice_gross),
            labels.in_soum
        );
        let mut facts = vec![
            (labels.place, self.place.clone()),
            (labels.date, writer.date_long(self.issued_on)),
            (labels.claim_invoice, invoice),
            (
                labels.due,
                labels.due_by.replace("{date}", &writer.date(self.invoice_due_on)),
            ),
        ];
        if !self.order_number.is_empty() {
            facts.push((labels.col_contract, self.order_number.clone()));
        }
        facts.push((labels.ground, labels.claim_ground.replace("{rate}", &rate)));
        let rows = (1u32..).zip(&self.spans).map(|(position, span)| {
            vec![
                Cell::Text(position.to_string()),
                Cell::Date(span.from),
                Cell::Date(span.through),
                Cell::Quantity(Decimal::from(span.days)),
                Cell::Money(span.base),
                Cell::Percent(self.daily_rate),
                Cell::Quantity(span.amount),
            ]
        });
        let mut closing = Vec::new();
        if !self.claimed_before.is_zero() {
            closing.push((labels.claimed_before, writer.money(self.claimed_before)));
        }
        closing.push((
            labels.to_pay,
            format!(
                "{} {} ({})",
                writer.money(self.amount),
                labels.in_soum,
                in_words(self.amount, language)?
            ),
        ));
        closing.push((
            labels.claim_due,
            labels.due_by.replace("{date}", &writer.date(self.due_on)),
        ));
        Ok(Form {
            title: labels.claim_title,
            number: self.number.clone(),
            issued_on: self.issued_on,
            operator: self.operator.clone(),
            customer: self.customer.clone(),
            roles: [labels.operator, labels.customer],
            landscape: false,
            facts,
            columns: vec![
                Column::new(labels.number_sign, 8, Align::Center),
                Column::new(labels.col_from, 25, Align::Center),
                Column::new(labels.col_to, 25, Align::Center),
                Column::new(labels.claim_days, 16, Align::Right),
                Column::new(labels.claim_base, 0, Align::Right),
                Column::new(format!("{}, %", labels.claim_rate), 24, Align::Center),
                Column::new(labels.claim_amount, 34, Align::Right),
            ],
            rows: rows.collect(),
            total: vec![Cell::Quantity(self.accrued())],
            closing,
            copy: Some((labels.purpose, self.purpose.clone(), labels.purpose_hint)),
            both_sign: false,
            hash: sha256_hex(&canonical_json(self)?),
        })
    }
}

//! Workbooks of a reconciliation act and of a refund: the figures of the PDF, as numbers.

use super::{A4, Formats, Sheet, excel_date};
use crate::canonical::{canonical_json, sha256_hex};
use crate::content::{Party, ReconciliationActContent, RefundContent};
use crate::error::RenderError;
use crate::language::Language;
use crate::text::printable;
use crate::view::Writer;
use crate::words::sum_in_words;
use chrono::NaiveDate;
use namoyish_domain::money::Money;
use rust_decimal::Decimal;
use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};
use serde::Serialize;

const ACT_WIDTHS: [u16; 8] = [5, 12, 44, 26, 18, 18, 18, 18];
const REFUND_WIDTHS: [u16; 5] = [34, 14, 20, 20, 26];

fn workbook(title: &str, number: &str, author: &str, on: NaiveDate) -> Result<Workbook, XlsxError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(
        &DocProperties::new()
            .set_title(format!("{title} {}", printable(number, usize::MAX)))
            .set_author(printable(author, usize::MAX))
            .set_creation_datetime(&excel_date(on)?),
    );
    Ok(workbook)
}

impl Sheet<'_> {
    fn line(&mut self, text: &str, format: &rust_xlsxwriter::Format) -> Result<(), XlsxError> {
        self.text(0, text, format)?;
        self.row += 1;
        Ok(())
    }

    fn sum(&mut self, column: u16, sum: Money, formats: &Formats, blank: bool) -> Result<(), XlsxError> {
        if blank && sum.is_zero() {
            self.text(column, "", &formats.money)
        } else {
            self.number(column, sum.decimal(), &formats.money)
        }
    }

    fn party(
        &mut self,
        party: &Party,
        role: &str,
        writer: Writer,
        formats: &Formats,
    ) -> Result<(), XlsxError> {
        self.line(role, &formats.text)?;
        self.line(&party.name, &formats.bold)?;
        for (name, text) in writer
            .requisites(party)
            .into_iter()
            .flatten()
            .chain(writer.signers(party))
        {
            self.line(&format!("{name}: {text}"), &formats.text)?;
        }
        self.row += 1;
        Ok(())
    }

    fn hash(
        &mut self,
        content: &impl Serialize,
        writer: Writer,
        formats: &Formats,
    ) -> Result<(), RenderError> {
        let hash = sha256_hex(&canonical_json(content)?);
        self.line(&format!("{}: {hash}", writer.labels.data_hash), &formats.text)?;
        Ok(())
    }
}

/// A reconciliation act as a workbook of one sheet (billing.md §7).
pub fn render_reconciliation_act_xlsx(
    content: &ReconciliationActContent,
    language: Language,
) -> Result<Vec<u8>, RenderError> {
    content.check()?;
    let writer = Writer::new(language);
    let labels = writer.labels;
    let formats = Formats::new();
    let mut workbook = workbook(
        labels.act_title,
        &content.number,
        &content.operator.name,
        content.issued_on,
    )?;
    let sheet = workbook.add_worksheet();
    sheet
        .set_landscape()
        .set_paper_size(A4)
        .set_print_fit_to_pages(1, 0)
        .set_footer("&R&P/&N");
    for (column, width) in (0..).zip(ACT_WIDTHS) {
        sheet.set_column_width(column, width)?;
    }
    let mut out = Sheet { sheet, row: 0 };
    out.line(labels.act_title, &formats.title)?;
    out.line(
        &format!("{} {}", labels.number_sign, content.number),
        &formats.title,
    )?;
    for (label, value) in [
        (labels.place, content.place.clone()),
        (labels.date, writer.date_long(content.issued_on)),
        (labels.act_interval, writer.interval(content)),
    ] {
        out.line(&format!("{label}: {value}"), &formats.text)?;
    }
    out.row += 1;
    out.party(&content.operator, labels.operator, writer, &formats)?;
    out.party(&content.customer, labels.customer, writer, &formats)?;
    act_table(&mut out, content, writer, &formats)?;
    out.line(&writer.conclusion(content)?, &formats.bold)?;
    out.line(&writer.return_within(content), &formats.text)?;
    out.row += 1;
    out.hash(content, writer, &formats)?;
    Ok(workbook.save_to_buffer()?)
}

fn act_table(
    out: &mut Sheet<'_>,
    content: &ReconciliationActContent,
    writer: Writer,
    formats: &Formats,
) -> Result<(), RenderError> {
    let labels = writer.labels;
    let in_books = |books: &str, side: &str| format!("{books}: {side}, {}", labels.in_soum);
    let heads = [
        labels.number_sign.to_owned(),
        labels.act_date.to_owned(),
        labels.act_document.to_owned(),
        labels.col_contract.to_owned(),
        in_books(labels.act_operator_books, labels.act_debit),
        in_books(labels.act_operator_books, labels.act_credit),
        in_books(labels.act_customer_books, labels.act_debit),
        in_books(labels.act_customer_books, labels.act_credit),
    ];
    for (column, text) in (0..).zip(&heads) {
        out.text(column, text, &formats.head)?;
    }
    out.sheet.set_repeat_rows(out.row, out.row)?;
    out.row += 1;
    let opening = labels
        .act_opening
        .replace("{date}", &writer.date(content.first_day));
    balance_row(
        out,
        &opening,
        [content.opening_debit, content.opening_credit],
        formats,
    )?;
    for row in &content.rows {
        let document = writer.act_document(row.document);
        let document = if row.number.is_empty() {
            document.to_owned()
        } else {
            format!("{document} {} {}", labels.number_sign, row.number)
        };
        out.number(0, Decimal::from(row.position), &formats.cell)?;
        out.date(1, row.on, &formats.date)?;
        out.text(2, &document, &formats.cell)?;
        out.text(3, &row.contracts, &formats.cell)?;
        for (column, sum) in (4..).zip([row.debit, row.credit, row.credit, row.debit]) {
            out.sum(column, sum, formats, true)?;
        }
        out.row += 1;
    }
    balance_row(out, labels.act_turnover, [content.debit, content.credit], formats)?;
    let closing = labels
        .act_closing
        .replace("{date}", &writer.date(content.last_day));
    balance_row(
        out,
        &closing,
        [content.closing_debit, content.closing_credit],
        formats,
    )?;
    out.row += 1;
    Ok(())
}

fn balance_row(
    out: &mut Sheet<'_>,
    label: &str,
    [debit, credit]: [Money; 2],
    formats: &Formats,
) -> Result<(), RenderError> {
    out.merged(0, 3, label, &formats.total_label)?;
    for (column, sum) in (4..).zip([debit, credit, credit, debit]) {
        out.number(column, sum.decimal(), &formats.total)?;
    }
    out.row += 1;
    Ok(())
}

/// A refund as a workbook of one sheet (billing.md §8).
pub fn render_refund_xlsx(content: &RefundContent, language: Language) -> Result<Vec<u8>, RenderError> {
    content.check()?;
    let writer = Writer::new(language);
    let labels = writer.labels;
    let formats = Formats::new();
    let mut workbook = workbook(
        labels.refund_title,
        &content.number,
        &content.operator.name,
        content.issued_on,
    )?;
    let sheet = workbook.add_worksheet();
    sheet
        .set_paper_size(A4)
        .set_print_fit_to_pages(1, 0)
        .set_footer("&R&P/&N");
    for (column, width) in (0..).zip(REFUND_WIDTHS) {
        sheet.set_column_width(column, width)?;
    }
    let mut out = Sheet { sheet, row: 0 };
    out.line(labels.refund_title, &formats.title)?;
    out.line(
        &format!("{} {}", labels.number_sign, content.number),
        &formats.title,
    )?;
    for (label, value) in [
        (labels.place, content.place.clone()),
        (labels.date, writer.date_long(content.issued_on)),
        (labels.refund_requested, writer.date(content.requested_on)),
        (
            labels.refund_due,
            labels.due_by.replace("{date}", &writer.date(content.due_on)),
        ),
        (labels.refund_account, writer.refund_account(content)),
    ] {
        out.line(&format!("{label}: {value}"), &formats.text)?;
    }
    out.row += 1;
    out.party(&content.operator, labels.refund_payer, writer, &formats)?;
    out.party(&content.customer, labels.refund_payee, writer, &formats)?;
    let heads = [
        labels.col_contract,
        labels.date,
        labels.refund_paid,
        labels.refund_rendered,
        labels.refund_contract_held,
    ];
    for (column, text) in (0..).zip(heads) {
        out.text(column, text, &formats.head)?;
    }
    out.row += 1;
    for row in &content.contracts {
        out.text(0, &row.number, &formats.cell)?;
        out.date(1, row.date, &formats.date)?;
        for (column, sum) in (2..).zip([row.paid, row.rendered, row.held]) {
            out.sum(column, sum, &formats, false)?;
        }
        out.row += 1;
    }
    out.row += 1;
    for (label, sum) in [
        (labels.refund_advance, content.advance),
        (labels.refund_held, content.held),
        (labels.refund_amount, content.amount),
    ] {
        out.merged(0, 3, label, &formats.total_label)?;
        out.number(4, sum.decimal(), &formats.total)?;
        out.row += 1;
    }
    out.row += 1;
    let words = sum_in_words(content.amount, language)?;
    out.line(&format!("{}: {words}", labels.in_words), &formats.bold)?;
    out.line(labels.refund_ground, &formats.text)?;
    out.row += 1;
    out.hash(content, writer, &formats)?;
    Ok(workbook.save_to_buffer()?)
}

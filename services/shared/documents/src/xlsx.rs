//! XLSX of a primary document: the same content as the PDF, with numbers as numbers so that they can be added up.
//!
//! Figures are what the content states, not formulas: a document isn't recalculated by the reader's program. Texts are
//! written as strings, so a name that begins with `=` stays a name. The workbook's date of creation is the document's
//! own date, which makes the bytes the same each time.
//!
//! A spreadsheet keeps 15 significant digits. A figure with more (from ten trillion so'm on) is written as text, exactly.

mod settlement;

pub use settlement::{render_reconciliation_act_xlsx, render_refund_xlsx};

use crate::canonical::{canonical_json, sha256_hex};
use crate::content::{DocumentLine, PrimaryDocumentContent};
use crate::error::RenderError;
use crate::language::{Language, format_period};
use crate::text::printable;

use crate::view::Writer;
use crate::words::sum_in_words;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

impl From<XlsxError> for RenderError {
    fn from(error: XlsxError) -> RenderError {
        RenderError::Workbook(error.to_string())
    }
}

const SIGNIFICANT_DIGITS_MAX: usize = 15;
/// Widths of the columns in characters, in the order of `head`; the money columns take the last one's.
const WIDTHS: [u16; 10] = [5, 18, 12, 38, 14, 12, 12, 12, 12, 14];
const MONEY_WIDTH: u16 = 20;
pub(crate) const A4: u8 = 9;
const FIRST_MONEY_COLUMN: u16 = 10;

pub(crate) struct Formats {
    pub(crate) title: Format,
    pub(crate) bold: Format,
    pub(crate) text: Format,
    pub(crate) wrapped: Format,
    pub(crate) head: Format,
    pub(crate) cell: Format,
    pub(crate) date: Format,
    pub(crate) whole: Format,
    pub(crate) quantity: Format,
    pub(crate) price: Format,
    pub(crate) money: Format,
    pub(crate) total: Format,
    pub(crate) total_label: Format,
    pub(crate) percent: Format,
}

impl Formats {
    pub(crate) fn new() -> Formats {
        let boxed = || {
            Format::new()
                .set_border(FormatBorder::Thin)
                .set_align(FormatAlign::Top)
        };
        let bold = || Format::new().set_bold();
        Formats {
            title: bold().set_font_size(13),
            bold: bold(),
            text: Format::new().set_align(FormatAlign::Top),
            wrapped: Format::new().set_text_wrap().set_align(FormatAlign::Top),
            head: boxed().set_bold().set_text_wrap().set_align(FormatAlign::Center),
            cell: boxed().set_text_wrap(),
            date: boxed()
                .set_num_format("dd.mm.yyyy")
                .set_align(FormatAlign::Center),
            whole: boxed().set_num_format("#,##0").set_align(FormatAlign::Right),
            quantity: boxed()
                .set_num_format("#,##0.0#####")
                .set_align(FormatAlign::Right),
            price: boxed()
                .set_num_format("#,##0.00####")
                .set_align(FormatAlign::Right),
            money: boxed().set_num_format("#,##0.00").set_align(FormatAlign::Right),
            total: boxed()
                .set_num_format("#,##0.00")
                .set_bold()
                .set_align(FormatAlign::Right),
            total_label: boxed().set_bold().set_align(FormatAlign::Right),
            percent: boxed().set_align(FormatAlign::Center),
        }
    }
}

/// The spreadsheet's number for a decimal, or `None` when it can't keep all its digits.
fn number(value: Decimal) -> Option<f64> {
    let value = value.normalize();
    let digits = value.mantissa().unsigned_abs().to_string();
    if digits.trim_end_matches('0').len() > SIGNIFICANT_DIGITS_MAX {
        return None;
    }
    value.to_string().parse().ok()
}

pub(crate) struct Sheet<'a> {
    pub(crate) sheet: &'a mut Worksheet,
    pub(crate) row: u32,
}

impl Sheet<'_> {
    pub(crate) fn text(&mut self, column: u16, text: &str, format: &Format) -> Result<(), XlsxError> {
        let shown = printable(text, usize::MAX);
        self.sheet
            .write_string_with_format(self.row, column, shown, format)
            .map(drop)
    }

    pub(crate) fn number(&mut self, column: u16, value: Decimal, format: &Format) -> Result<(), XlsxError> {
        match number(value) {
            Some(number) => self
                .sheet
                .write_number_with_format(self.row, column, number, format)
                .map(drop),
            None => self
                .sheet
                .write_string_with_format(self.row, column, value.to_string(), format)
                .map(drop),
        }
    }

    pub(crate) fn date(&mut self, column: u16, day: NaiveDate, format: &Format) -> Result<(), XlsxError> {
        self.sheet
            .write_datetime_with_format(self.row, column, excel_date(day)?, format)
            .map(drop)
    }

    pub(crate) fn merged(
        &mut self,
        first: u16,
        last: u16,
        text: &str,
        format: &Format,
    ) -> Result<(), XlsxError> {
        let shown = printable(text, usize::MAX);
        self.sheet
            .merge_range(self.row, first, self.row, last, &shown, format)
            .map(drop)
    }
}

pub(crate) fn excel_date(day: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    let part = |value: u32| u8::try_from(value).unwrap_or_default();
    let year = u16::try_from(day.year()).unwrap_or_default();
    ExcelDateTime::from_ymd(year, part(day.month()), part(day.day()))
}

/// The monthly primary document as a workbook of one sheet (billing.md §5).
pub fn render_primary_xlsx(
    content: &PrimaryDocumentContent,
    language: Language,
) -> Result<Vec<u8>, RenderError> {
    content.check()?;
    let writer = Writer::new(language);
    let labels = writer.labels;
    let formats = Formats::new();
    let mut workbook = Workbook::new();
    workbook.set_properties(
        &DocProperties::new()
            .set_title(format!(
                "{} {} {}",
                labels.primary_title,
                labels.number_sign,
                printable(&content.number, usize::MAX)
            ))
            .set_author(printable(&content.operator.name, usize::MAX))
            .set_creation_datetime(&excel_date(content.issued_on)?),
    );
    let sheet = workbook.add_worksheet();
    sheet
        .set_landscape()
        .set_paper_size(A4)
        .set_print_fit_to_pages(1, 0)
        .set_footer("&R&P/&N");
    let last_column = FIRST_MONEY_COLUMN + if content.vat_payer { 3 } else { 0 };
    for (column, width) in (0..).zip(WIDTHS) {
        sheet.set_column_width(column, width)?;
    }
    for column in FIRST_MONEY_COLUMN..=last_column {
        sheet.set_column_width(column, MONEY_WIDTH)?;
    }
    let mut out = Sheet { sheet, row: 0 };
    head(&mut out, content, writer, &formats)?;
    parties(&mut out, content, writer, &formats, last_column)?;
    table(&mut out, content, writer, &formats)?;
    foot(&mut out, content, writer, &formats, last_column)?;
    Ok(workbook.save_to_buffer()?)
}

fn head(
    out: &mut Sheet<'_>,
    content: &PrimaryDocumentContent,
    writer: Writer,
    formats: &Formats,
) -> Result<(), RenderError> {
    let labels = writer.labels;
    out.text(0, labels.primary_title, &formats.title)?;
    out.row += 1;
    out.text(
        0,
        &format!("{} {}", labels.number_sign, content.number),
        &formats.title,
    )?;
    out.row += 1;
    for (label, value) in [
        (labels.place, content.place.clone()),
        (labels.date, writer.date_long(content.issued_on)),
        (
            labels.reporting_period,
            format_period(content.period, writer.language),
        ),
    ] {
        out.text(0, &format!("{label}: {value}"), &formats.text)?;
        out.row += 1;
    }
    out.row += 1;
    Ok(())
}

fn parties(
    out: &mut Sheet<'_>,
    content: &PrimaryDocumentContent,
    writer: Writer,
    formats: &Formats,
    last_column: u16,
) -> Result<(), RenderError> {
    let first_row = out.row;
    let mut next_row = out.row;
    // The contractor over the left columns, the customer over the right ones.
    for (party, role, [label, value, end]) in [
        (&content.operator, writer.labels.operator, [0, 2, 4]),
        (&content.customer, writer.labels.customer, [5, 8, last_column]),
    ] {
        out.row = first_row;
        out.text(label, role, &formats.text)?;
        out.row += 1;
        out.text(label, &party.name, &formats.bold)?;
        out.row += 1;
        for (name, text) in writer
            .requisites(party)
            .into_iter()
            .flatten()
            .chain(writer.signers(party))
        {
            out.text(label, name, &formats.text)?;
            out.merged(value, end, &text, &formats.wrapped)?;
            out.row += 1;
        }
        next_row = next_row.max(out.row);
    }
    out.row = next_row + 1;
    Ok(())
}

fn table(
    out: &mut Sheet<'_>,
    content: &PrimaryDocumentContent,
    writer: Writer,
    formats: &Formats,
) -> Result<(), RenderError> {
    let labels = writer.labels;
    let mut heads = vec![
        labels.number_sign.to_owned(),
        labels.col_contract.to_owned(),
        labels.date.to_owned(),
        labels.col_service.to_owned(),
        labels.line_code.to_owned(),
        labels.col_from.to_owned(),
        labels.col_to.to_owned(),
        labels.col_unit.to_owned(),
        labels.col_quantity.to_owned(),
        format!("{}, {}", labels.col_price, labels.in_soum),
    ];
    if content.vat_payer {
        heads.extend([
            format!("{}, {}", labels.col_net, labels.in_soum),
            labels.col_vat_rate.to_owned(),
            format!("{}, {}", labels.col_vat, labels.in_soum),
            format!("{}, {}", labels.col_gross, labels.in_soum),
        ]);
    } else {
        heads.push(format!("{}, {}", labels.col_sum, labels.in_soum));
    }
    for (column, text) in (0..).zip(&heads) {
        out.text(column, text, &formats.head)?;
    }
    out.sheet.set_repeat_rows(out.row, out.row)?;
    out.row += 1;
    for line in &content.lines {
        table_row(out, line, content.vat_payer, writer, formats)?;
        out.row += 1;
    }
    out.merged(0, FIRST_MONEY_COLUMN - 1, labels.total, &formats.total_label)?;
    out.number(FIRST_MONEY_COLUMN, content.net.decimal(), &formats.total)?;
    if content.vat_payer {
        out.text(FIRST_MONEY_COLUMN + 1, "", &formats.total)?;
        out.number(FIRST_MONEY_COLUMN + 2, content.vat.decimal(), &formats.total)?;
        out.number(FIRST_MONEY_COLUMN + 3, content.gross.decimal(), &formats.total)?;
    }
    out.row += 2;
    Ok(())
}

fn table_row(
    out: &mut Sheet<'_>,
    line: &DocumentLine,
    vat_payer: bool,
    writer: Writer,
    formats: &Formats,
) -> Result<(), RenderError> {
    let per = writer.per(line.unit);
    let unit = writer.unit(line.unit);
    out.number(0, Decimal::from(line.position), &formats.cell)?;
    out.text(1, &line.contract_number, &formats.cell)?;
    out.date(2, line.contract_date, &formats.date)?;
    out.text(3, line.service.in_language(writer.language), &formats.cell)?;
    out.text(4, &line.line_code, &formats.cell)?;
    out.date(5, line.period_from, &formats.date)?;
    out.date(6, line.period_to, &formats.date)?;
    out.text(
        7,
        &if per.is_empty() {
            unit.to_owned()
        } else {
            format!("{unit} ({per})")
        },
        &formats.cell,
    )?;
    let quantity = if line.quantity.fract().is_zero() {
        &formats.whole
    } else {
        &formats.quantity
    };
    out.number(8, line.quantity, quantity)?;
    out.number(9, line.unit_price.decimal(), &formats.price)?;
    out.number(FIRST_MONEY_COLUMN, line.net.decimal(), &formats.money)?;
    if vat_payer {
        out.number(
            FIRST_MONEY_COLUMN + 1,
            line.vat_rate.decimal() * Decimal::ONE_HUNDRED,
            &formats.percent,
        )?;
        out.number(FIRST_MONEY_COLUMN + 2, line.vat.decimal(), &formats.money)?;
        out.number(FIRST_MONEY_COLUMN + 3, line.gross.decimal(), &formats.money)?;
    }
    Ok(())
}

fn foot(
    out: &mut Sheet<'_>,
    content: &PrimaryDocumentContent,
    writer: Writer,
    formats: &Formats,
    last_column: u16,
) -> Result<(), RenderError> {
    let labels = writer.labels;
    let words = sum_in_words(content.gross, writer.language)?;
    let note = writer.vat_note(content.vat_payer, content.vat);
    out.text(0, &format!("{}: {words}, {note}", labels.in_words), &formats.bold)?;
    out.row += 2;
    out.text(0, labels.settlement, &formats.bold)?;
    out.row += 1;
    for (label, sum) in [
        (labels.advance_used, content.advance_used),
        (labels.receivable_left, content.receivable_left),
        (labels.advance_left, content.advance_left),
    ] {
        out.merged(0, 3, label, &formats.cell)?;
        out.sheet
            .merge_range(out.row, 4, out.row, 5, "", &formats.money)?;
        out.number(4, sum.decimal(), &formats.money)?;
        out.row += 1;
    }
    out.row += 1;
    out.text(
        0,
        &format!(
            "{}: {}",
            labels.statistics_source,
            writer.source(content.statistics_source)
        ),
        &formats.text,
    )?;
    out.row += 1;
    out.sheet.set_row_height(out.row, 32)?;
    out.merged(
        0,
        last_column,
        &writer.acceptance(content.period, content.rules_edition),
        &formats.wrapped,
    )?;
    out.row += 2;
    if !content.impressions_fingerprint.is_empty() {
        let text = format!("{}: {}", labels.fingerprint, content.impressions_fingerprint);
        out.text(0, &text, &formats.text)?;
        out.row += 1;
    }
    let hash = sha256_hex(&canonical_json(content)?);
    out.text(0, &format!("{}: {hash}", labels.data_hash), &formats.text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_fifteen_digits_is_no_spreadsheet_number() {
        let number = |text| number(Decimal::from_str_exact(text).unwrap());
        assert_eq!(number("9999999999999.99"), Some(9_999_999_999_999.99));
        assert_eq!(number("10000000000000.01"), None);
        assert_eq!(number("9000000000000000.00"), Some(9e15));
        assert_eq!(number("-0.05"), Some(-0.05));
    }
}

//! Documents that are a head, facts, one table and signatures: VAT invoice, correction, penalty claim. One form, rendered
//! as PDF (`templates/form.typ`) and as a workbook, so that both say the same.
//!
//! Not here: what stands in it (`forms`); the primary document, whose PDF is made ten thousand times a month and has a
//! template of its own.

use crate::canonical::canonical_json;
use crate::content::Party;
use crate::engine::{Template, pdf};
use crate::error::RenderError;
use crate::labels::Labels;
use crate::language::Language;
use crate::text::{CELL, LINE, PAGE, printable};
use crate::view::{Head, PartyView, Writer};
use crate::xlsx::{A4, Formats, Sheet, excel_date};
use chrono::NaiveDate;
use namoyish_domain::money::{Money, Rate, UnitPrice};
use rust_decimal::Decimal;
use rust_xlsxwriter::{DocProperties, Workbook};
use serde::Serialize;

/// A cell of the table.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Text(String),
    /// A text with a smaller one under it.
    Two(String, String),
    Money(Money),
    Quantity(Decimal),
    Price(UnitPrice),
    Percent(Rate),
    Date(NaiveDate),
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Align {
    Left,
    Center,
    Right,
}

/// A column. Its width in the PDF is in millimetres; 0 takes what is left.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) head: String,
    pub(crate) mm: u32,
    pub(crate) align: Align,
}

impl Column {
    pub(crate) fn new(head: impl Into<String>, mm: u32, align: Align) -> Column {
        Column {
            head: head.into(),
            mm,
            align,
        }
    }
}

/// A document of this form.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) title: &'static str,
    pub(crate) number: String,
    pub(crate) issued_on: NaiveDate,
    pub(crate) operator: Party,
    pub(crate) customer: Party,
    /// What the parties are called.
    pub(crate) roles: [&'static str; 2],
    pub(crate) landscape: bool,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// What stands in the last columns of the total's row; the label takes the columns before them.
    pub(crate) total: Vec<Cell>,
    /// Under the table: label and text.
    pub(crate) closing: Vec<(&'static str, String)>,
    /// A text to copy, in a box: label, text, hint.
    pub(crate) copy: Option<(&'static str, String, &'static str)>,
    /// Whether the customer signs too.
    pub(crate) both_sign: bool,
    pub(crate) hash: String,
}

#[derive(Serialize)]
struct ColumnView<'a> {
    head: &'a str,
    mm: u32,
    align: Align,
}

#[derive(Serialize)]
struct CellView {
    text: String,
    small: String,
}

#[derive(Serialize)]
struct FormView<'a> {
    #[serde(flatten)]
    head: Head,
    title: &'static str,
    landscape: bool,
    qr_svg: String,
    verify_url: String,
    facts: Vec<(&'static str, String)>,
    parties: [PartyView; 2],
    columns: Vec<ColumnView<'a>>,
    rows: Vec<Vec<CellView>>,
    total: Vec<String>,
    span: usize,
    closing: Vec<(&'static str, String)>,
    copy: Vec<String>,
    both_sign: bool,
}

fn shown(writer: Writer, cell: &Cell) -> CellView {
    let (text, small) = match cell {
        Cell::Text(text) => (printable(text, CELL), String::new()),
        Cell::Two(text, small) => (printable(text, CELL), printable(small, CELL)),
        Cell::Money(sum) => (writer.money(*sum), String::new()),
        Cell::Quantity(quantity) => (writer.quantity(*quantity), String::new()),
        Cell::Price(price) => (writer.price(*price), String::new()),
        Cell::Percent(rate) => (writer.percent(*rate), String::new()),
        Cell::Date(day) => (writer.date(*day), String::new()),
    };
    CellView { text, small }
}

impl Form {
    /// The form as PDF, with a QR code of its verification page.
    pub(crate) fn pdf(
        &self,
        language: Language,
        verify_url: &str,
        qr_svg: String,
    ) -> Result<Vec<u8>, RenderError> {
        let writer = Writer::new(language);
        let labels: &Labels = writer.labels;
        let party = |party: &Party, index: usize, signs_as| {
            PartyView::new(
                writer,
                party,
                self.roles.get(index).copied().unwrap_or_default(),
                signs_as,
            )
        };
        let fact = |(label, text): &(&'static str, String)| (*label, printable(text, LINE));
        let view = FormView {
            head: Head::new(
                writer,
                self.title,
                &self.number,
                &self.operator.name,
                self.issued_on,
                &self.hash,
                false,
            ),
            title: self.title,
            landscape: self.landscape,
            qr_svg,
            verify_url: printable(verify_url, PAGE),
            facts: self.facts.iter().map(fact).collect(),
            parties: [
                party(&self.operator, 0, labels.for_operator),
                party(&self.customer, 1, labels.for_customer),
            ],
            columns: self
                .columns
                .iter()
                .map(|column| ColumnView {
                    head: &column.head,
                    mm: column.mm,
                    align: column.align,
                })
                .collect(),
            rows: self
                .rows
                .iter()
                .map(|row| row.iter().map(|cell| shown(writer, cell)).collect())
                .collect(),
            total: self.total.iter().map(|cell| shown(writer, cell).text).collect(),
            span: self.columns.len().saturating_sub(self.total.len()),
            closing: self.closing.iter().map(fact).collect(),
            copy: self
                .copy
                .iter()
                .flat_map(|(label, text, hint)| {
                    [(*label).to_owned(), printable(text, LINE), (*hint).to_owned()]
                })
                .collect(),
            both_sign: self.both_sign,
        };
        pdf(Template::Form, &canonical_json(&view)?, self.hash.clone())
    }

    /// The form as a workbook of one sheet, with numbers as numbers.
    pub(crate) fn xlsx(&self, language: Language) -> Result<Vec<u8>, RenderError> {
        let writer = Writer::new(language);
        let labels = writer.labels;
        let formats = Formats::new();
        let mut workbook = Workbook::new();
        workbook.set_properties(
            &DocProperties::new()
                .set_title(format!(
                    "{} {} {}",
                    self.title,
                    labels.number_sign,
                    printable(&self.number, usize::MAX)
                ))
                .set_author(printable(&self.operator.name, usize::MAX))
                .set_creation_datetime(&excel_date(self.issued_on)?),
        );
        let sheet = workbook.add_worksheet();
        sheet
            .set_landscape()
            .set_paper_size(A4)
            .set_print_fit_to_pages(1, 0)
            .set_footer("&R&P/&N");
        for (index, column) in (0u16..).zip(&self.columns) {
            // A character is about two millimetres wide.
            let width = if column.mm == 0 {
                40
            } else {
                (column.mm / 2).max(6) + 6
            };
            sheet.set_column_width(index, width)?;
        }
        let mut out = Sheet { sheet, row: 0 };
        out.text(0, self.title, &formats.title)?;
        out.row += 1;
        out.text(
            0,
            &format!("{} {}", labels.number_sign, self.number),
            &formats.title,
        )?;
        out.row += 1;
        for (label, text) in &self.facts {
            out.text(0, &format!("{label}: {text}"), &formats.text)?;
            out.row += 1;
        }
        out.row += 1;
        for (party, role) in [&self.operator, &self.customer].into_iter().zip(self.roles) {
            out.text(0, role, &formats.text)?;
            out.text(2, &party.name, &formats.bold)?;
            out.row += 1;
            let named = writer
                .requisites(party)
                .into_iter()
                .flatten()
                .chain(writer.signers(party));
            for (name, text) in named {
                out.text(0, name, &formats.text)?;
                out.text(2, &text, &formats.text)?;
                out.row += 1;
            }
            out.row += 1;
        }
        for (index, column) in (0u16..).zip(&self.columns) {
            out.text(index, &column.head, &formats.head)?;
        }
        out.row += 1;
        for row in &self.rows {
            for (index, cell) in (0u16..).zip(row) {
                out.cell(index, cell, &formats)?;
            }
            out.row += 1;
        }
        let span = u16::try_from(self.columns.len().saturating_sub(self.total.len())).unwrap_or(0);
        if span > 1 {
            out.merged(0, span - 1, labels.total, &formats.total_label)?;
        }
        for (index, cell) in (span..).zip(&self.total) {
            match cell {
                Cell::Money(sum) => out.number(index, sum.decimal(), &formats.total)?,
                other => out.text(index, &shown(writer, other).text, &formats.total)?,
            }
        }
        out.row += 2;
        for (label, text) in &self.closing {
            out.text(0, &format!("{label}: {text}"), &formats.text)?;
            out.row += 1;
        }
        if let Some((label, text, _)) = &self.copy {
            out.text(0, &format!("{label}: {text}"), &formats.bold)?;
            out.row += 1;
        }
        out.row += 1;
        out.text(0, &format!("{}: {}", labels.data_hash, self.hash), &formats.text)?;
        Ok(workbook.save_to_buffer()?)
    }
}

impl Sheet<'_> {
    fn cell(&mut self, column: u16, cell: &Cell, formats: &Formats) -> Result<(), RenderError> {
        match cell {
            Cell::Text(text) => self.text(column, text, &formats.cell)?,
            Cell::Two(text, small) => self.text(column, &format!("{text} ({small})"), &formats.cell)?,
            Cell::Money(sum) => self.number(column, sum.decimal(), &formats.money)?,
            Cell::Quantity(quantity) if quantity.fract().is_zero() => {
                self.number(column, *quantity, &formats.whole)?;
            }
            Cell::Quantity(quantity) => self.number(column, *quantity, &formats.quantity)?,
            Cell::Price(price) => self.number(column, price.decimal(), &formats.price)?,
            Cell::Percent(rate) => {
                self.number(column, rate.decimal() * Decimal::ONE_HUNDRED, &formats.percent)?;
            }
            Cell::Date(day) => self.date(column, *day, &formats.date)?,
        }
        Ok(())
    }
}

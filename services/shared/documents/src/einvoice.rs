//! A VAT invoice in the JSON that e-invoice operators exchange (uzbekistan.md §3.2, document type 002).
//!
//! ```text
//! FacturaType 0 standard, 1 additional (with OldFacturaDoc)
//! Count ≤ 6 decimals, other numbers ≤ 2, dates yyyy-MM-dd, unused objects null; Origin 3 = service
//! to a natural person: SingleSidedType 1, empty BuyerTin, Buyer null
//! ```
//!
//! Impressions are told in thousands, which is what their price is for, so that Count × Summa is DeliverySum. Amounts are
//! written as JSON numbers from their decimal text, without passing through a floating-point number.

use crate::content::{ContentError, DocumentRef, Party, PartyKind, Unit, VatInvoiceContent, VatInvoiceType};
use chrono::NaiveDate;
use namoyish_domain::money::{Exact, Money};
use rust_decimal::Decimal;
use std::fmt::Write as _;

/// Why there is no e-invoice.
#[derive(Debug, thiserror::Error)]
pub enum EInvoiceError {
    /// The content contradicts itself.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A text has no JSON form.
    #[error("a text has no JSON form: {0}")]
    Text(#[from] serde_json::Error),
    /// The writer of text.
    #[error("the text can't be written: {0}")]
    Write(#[from] std::fmt::Error),
}

/// Contracts of one invoice that are named in `ContractNo`; more are told by their number.
const CONTRACTS_NAMED: usize = 5;
/// `VatRegStatus`: an active payer of VAT.
const VAT_PAYER_ACTIVE: &str = "20";

/// A JSON object being written, key by key, in the order of the operators' description.
struct Object {
    out: String,
}

impl Object {
    fn new() -> Object {
        Object { out: "{".to_owned() }
    }

    fn raw(&mut self, key: &str, value: &str) -> Result<(), EInvoiceError> {
        let comma = if self.out.len() > 1 { "," } else { "" };
        write!(self.out, "{comma}{}:{value}", serde_json::to_string(key)?)?;
        Ok(())
    }

    fn text(&mut self, key: &str, value: &str) -> Result<(), EInvoiceError> {
        self.raw(key, &serde_json::to_string(value)?)
    }

    fn texts(&mut self, values: &[(&str, &str)]) -> Result<(), EInvoiceError> {
        values.iter().try_for_each(|(key, value)| self.text(key, value))
    }

    fn nulls(&mut self, keys: &[&str]) -> Result<(), EInvoiceError> {
        keys.iter().try_for_each(|key| self.raw(key, "null"))
    }

    fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

fn date(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

/// At most two decimals, rounded half-up where a price has more.
fn two_places(value: Decimal) -> String {
    Exact::new(value)
        .round_half_up()
        .map_or_else(|_| value.to_string(), |sum: Money| sum.to_string())
}

fn six_places(value: Decimal) -> String {
    value.round_dp(6).normalize().to_string()
}

fn reference(number: &str, day: NaiveDate, names: [&str; 2]) -> Result<String, EInvoiceError> {
    let mut object = Object::new();
    object.text(names[0], number)?;
    object.text(names[1], &date(day))?;
    Ok(object.finish())
}

fn old_factura(first: &DocumentRef) -> Result<String, EInvoiceError> {
    let mut object = Object::new();
    object.nulls(&["OldFacturaId"])?;
    object.texts(&[
        ("OldFacturaNo", &first.number),
        ("OldFacturaDate", &date(first.date)),
    ])?;
    Ok(object.finish())
}

fn party(party: &Party) -> Result<String, EInvoiceError> {
    let mut object = Object::new();
    let status = if party.vat_code.is_empty() {
        ""
    } else {
        VAT_PAYER_ACTIVE
    };
    object.texts(&[
        ("Name", &party.name),
        ("BranchCode", ""),
        ("BranchName", ""),
        ("VatRegCode", &party.vat_code),
        ("Account", &party.settlement_account),
        ("BankId", &party.mfo),
        ("Address", &party.address),
        ("Director", &party.signatory),
        ("Accountant", &party.accountant),
        ("VatRegStatus", status),
    ])?;
    Ok(object.finish())
}

fn contract_of(content: &VatInvoiceContent) -> Result<String, EInvoiceError> {
    let mut contracts: Vec<(&str, NaiveDate)> = content
        .lines
        .iter()
        .map(|line| (line.contract_number.as_str(), line.contract_date))
        .collect();
    contracts.sort_by_key(|(number, day)| (*day, *number));
    contracts.dedup();
    let first_day = contracts.first().map_or(content.issued_on, |(_, day)| *day);
    let named: Vec<&str> = contracts
        .iter()
        .take(CONTRACTS_NAMED)
        .map(|(number, _)| *number)
        .collect();
    let more = match contracts.len().saturating_sub(CONTRACTS_NAMED) {
        0 => String::new(),
        more => format!(" (+{more})"),
    };
    reference(
        &format!("{}{more}", named.join(", ")),
        first_day,
        ["ContractNo", "ContractDate"],
    )
}

fn products(content: &VatInvoiceContent) -> Result<String, EInvoiceError> {
    let mut products = Vec::new();
    for line in &content.lines {
        let unit = match line.unit {
            Unit::Impressions => "1000 ta namoyish",
            Unit::Month => "oy",
            Unit::Piece => "dona",
        };
        let count = match line.unit {
            Unit::Impressions => line.quantity / Decimal::ONE_THOUSAND,
            Unit::Month | Unit::Piece => line.quantity,
        };
        let price = line
            .unit_price
            .map_or(line.net.decimal(), |price| price.decimal());
        let without_vat = line.vat_rate.decimal().is_zero();
        let mut object = Object::new();
        object.raw("OrdNo", &line.position.to_string())?;
        object.texts(&[
            ("Name", &format!("{} ({})", line.service.uz, line.line_code)),
            ("CatalogCode", &content.catalog_code),
            ("CatalogName", &line.service.uz),
            ("PackageCode", &content.package_code),
            ("PackageName", unit),
            ("Barcode", ""),
        ])?;
        object.raw("Count", &six_places(count))?;
        object.raw("Summa", &two_places(price))?;
        object.raw("DeliverySum", &line.net.to_string())?;
        object.raw(
            "VatRate",
            &two_places(line.vat_rate.decimal() * Decimal::ONE_HUNDRED),
        )?;
        object.raw("VatSum", &line.vat.to_string())?;
        object.raw("DeliverySumWithVat", &line.gross.to_string())?;
        object.raw("WithoutVat", if without_vat { "true" } else { "false" })?;
        object.nulls(&["ExciseRate", "ExciseSum", "LgotaId"])?;
        object.raw("Origin", "3")?;
        object.nulls(&["WarehouseId"])?;
        products.push(object.finish());
    }
    let mut list = Object::new();
    list.text("Tin", &content.operator.stir_or_pinfl)?;
    list.raw("HasVat", "true")?;
    for name in ["HasExcise", "HasCommittent", "HasLgota"] {
        list.raw(name, "false")?;
    }
    list.raw("Products", &format!("[{}]", products.join(",")))?;
    Ok(list.finish())
}

/// The e-invoice: the same content gives the same bytes.
pub fn einvoice_json(content: &VatInvoiceContent) -> Result<String, EInvoiceError> {
    content.check()?;
    let to_person = content.customer.kind == PartyKind::Person;
    let mut object = Object::new();
    object.raw("Version", "1")?;
    object.raw(
        "FacturaType",
        match content.invoice_type {
            VatInvoiceType::Standard => "0",
            VatInvoiceType::Additional => "1",
        },
    )?;
    object.raw("SingleSidedType", if to_person { "1" } else { "0" })?;
    object.raw(
        "FacturaDoc",
        &reference(&content.number, content.issued_on, ["FacturaNo", "FacturaDate"])?,
    )?;
    object.raw("ContractDoc", &contract_of(content)?)?;
    match &content.corrects {
        Some(first) => object.raw("OldFacturaDoc", &old_factura(first)?)?,
        None => object.nulls(&["OldFacturaDoc"])?,
    }
    object.text("SellerTin", &content.operator.stir_or_pinfl)?;
    object.raw("Seller", &party(&content.operator)?)?;
    if to_person {
        object.text("BuyerTin", "")?;
        object.nulls(&["Buyer"])?;
    } else {
        object.text("BuyerTin", &content.customer.stir_or_pinfl)?;
        object.raw("Buyer", &party(&content.customer)?)?;
    }
    object.raw("ProductList", &products(content)?)?;
    Ok(object.finish())
}

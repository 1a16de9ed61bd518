//! The terms of an order blank as they are signed: one canonical text and its hash (orders.md §3).
//!
//! Everything the parties agree on is in it, and nothing that changes by the signing itself, so that the customer can be
//! shown the very text and hash before signing. Money, prices, rates and quantities are texts; keys are sorted; ids are
//! in their text form. The version tells how to read it years later.

use crate::app::sign_order_blank::SignOrderBlankError;
use namoyish_documents::{canonical_json, sha256_hex};
use namoyish_storage::Tx;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use serde_json::{Value, json};

/// Version of the text's shape.
const TERMS_VERSION: u32 = 1;

/// The canonical text and its SHA-256.
pub(crate) struct Terms {
    pub(crate) canonical_json: String,
    pub(crate) sha256: String,
}

/// Puts the terms of a blank into their canonical text.
pub(crate) async fn terms_of(
    tx: &mut Tx,
    blank: &OrderBlank,
    lines: &[OrderLine],
) -> Result<Terms, SignOrderBlankError> {
    let missing = |what: &str| {
        namoyish_storage::DbError::Inconsistent(format!("order blank {}: {what} is gone", blank.id))
    };
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or_else(|| missing("its operator"))?
        .requisites;
    let customer = tx
        .customers()
        .find(blank.customer)
        .await?
        .ok_or_else(|| missing("its customer"))?;
    let edition = tx
        .operator()
        .edition(blank.rules_edition)
        .await?
        .ok_or_else(|| missing("its rules edition"))?;
    let mut frozen_lines = Vec::with_capacity(lines.len());
    for line in lines {
        frozen_lines.push(line_terms(tx, line).await?);
    }
    let own = &customer.requisites;
    let value = json!({
        "version": TERMS_VERSION,
        "kind": "order_blank",
        "number": blank.number,
        "city": blank.city,
        "made_out_on": blank.made_out_on.to_string(),
        "rules": {
            "edition": edition.number,
            "sha256": edition.sha256,
            "in_force_from": edition.in_force_from.to_string(),
        },
        "prepayment": blank.prepayment.code(),
        "own_due_on": blank.own_due_on.map(|day| day.to_string()),
        "statistics_source": blank.statistics_source.code(),
        "notice_emails": blank.notice_emails.iter().map(|email| email.as_str()).collect::<Vec<_>>(),
        "vat": {"payer": blank.vat.is_payer(), "rate": blank.vat.rate().decimal().normalize().to_string()},
        "operator": {
            "legal_name": operator.legal_name,
            "address": operator.address,
            "stir": operator.stir.as_str(),
            "bank_name": operator.bank.bank_name,
            "mfo": operator.bank.mfo.as_str(),
            "settlement_account": operator.bank.account.as_str(),
            "vat_code": operator.vat_code.as_ref().map(|code| code.as_str()),
            "director": operator.director,
        },
        "customer": {
            "id": customer.id.to_string(),
            "kind": own.kind.code(),
            "name": own.name,
            "address": own.address,
            "stir": own.stir.as_ref().map(|stir| stir.as_str()),
            "pinfl": own.pinfl.as_ref().map(|pinfl| pinfl.as_str()),
            "bank_name": own.bank.as_ref().map(|bank| bank.bank_name.as_str()),
            "mfo": own.bank.as_ref().map(|bank| bank.mfo.as_str()),
            "settlement_account": own.bank.as_ref().map(|bank| bank.account.as_str()),
            "vat_code": own.vat_code.as_ref().map(|code| code.as_str()),
            "signatory": own.signatory,
            "authority": own.authority,
        },
        "lines": frozen_lines,
    });
    let canonical_json = canonical_json(&value)?;
    let sha256 = sha256_hex(&canonical_json);
    Ok(Terms {
        canonical_json,
        sha256,
    })
}

async fn line_terms(tx: &mut Tx, line: &OrderLine) -> Result<Value, SignOrderBlankError> {
    let gone =
        || namoyish_storage::DbError::Inconsistent(format!("order line {}: its item is gone", line.id));
    let item = tx.price_lists().item(line.item).await?.ok_or_else(gone)?.item;
    let mut placements: Vec<String> = tx
        .placements()
        .find_many(&line.placements)
        .await?
        .into_iter()
        .map(|placement| placement.code)
        .collect();
    placements.sort();
    Ok(json!({
        "id": line.id.to_string(),
        "position": line.position,
        "code": line.code,
        "kind": line.kind.code(),
        "item": {
            "code": item.code,
            "name_uz": item.names.uz,
            "name_ru": item.names.ru,
            "name_en": item.names.en,
            "unit": item.unit.code(),
        },
        "unit_price": line.unit_price.to_string(),
        "first_day": line.ordered_term.first_day().to_string(),
        "last_day": line.ordered_term.last_day().to_string(),
        "budget_mode": line.budget.map(|budget| budget.mode.code()),
        "budget": line.budget.map(|budget| budget.amount.to_string()),
        "quantity": line.quantity.map(|quantity| quantity.normalize().to_string()),
        "one_off": line.one_off,
        "placements": placements,
        "regions": line.regions.iter().map(|region| region.to_string()).collect::<Vec<_>>(),
    }))
}

//! Requisites as the histories of `customer_changes` and `operator_changes` keep them: the fields of the forms.

use namoyish_domain::orders::customer::Requisites;
use namoyish_domain::orders::party::OperatorRequisites;
use namoyish_storage::customers::Customer;
use serde_json::{Value, json};

/// A customer's, with its category and language.
pub(super) fn of_customer(customer: &Customer) -> Value {
    let own: &Requisites = &customer.requisites;
    json!({
        "kind": own.kind.code(),
        "name": own.name,
        "stir": own.stir.as_ref().map(|stir| stir.as_str()),
        "pinfl": own.pinfl.as_ref().map(|pinfl| pinfl.as_str()),
        "address": own.address,
        "bank_name": own.bank.as_ref().map(|bank| bank.bank_name.as_str()),
        "mfo": own.bank.as_ref().map(|bank| bank.mfo.as_str()),
        "settlement_account": own.bank.as_ref().map(|bank| bank.account.as_str()),
        "oked": own.oked.as_ref().map(|oked| oked.as_str()),
        "vat_code": own.vat_code.as_ref().map(|code| code.as_str()),
        "email": own.email.as_str(),
        "phone": own.phone.as_str(),
        "signatory": own.signatory,
        "authority": own.authority,
        "category": customer.category,
        "language": customer.language,
    })
}

/// The operator's.
pub(super) fn of_operator(own: &OperatorRequisites) -> Value {
    json!({
        "legal_name": own.legal_name,
        "city": own.city,
        "address": own.address,
        "stir": own.stir.as_str(),
        "bank_name": own.bank.bank_name,
        "mfo": own.bank.mfo.as_str(),
        "settlement_account": own.bank.account.as_str(),
        "oked": own.oked.as_ref().map(|oked| oked.as_str()),
        "vat_code": own.vat_code.as_ref().map(|code| code.as_str()),
        "director": own.director,
        "accountant": own.accountant,
        "email": own.email.as_str(),
        "phone": own.phone.as_str(),
    })
}

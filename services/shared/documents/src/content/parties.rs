//! Requisites as documents print them, copied when a document is issued.

use super::{Party, PartyKind};
use namoyish_domain::orders::customer::{CustomerKind, Requisites};
use namoyish_domain::orders::party::{BankAccount, OperatorRequisites};

fn text<T>(value: Option<&T>, as_text: impl Fn(&T) -> &str) -> String {
    value.map(|value| as_text(value).to_owned()).unwrap_or_default()
}

#[derive(Default)]
struct BankText {
    name: String,
    mfo: String,
    account: String,
}

fn bank(account: Option<&BankAccount>) -> BankText {
    account.map_or_else(BankText::default, |bank| BankText {
        name: bank.bank_name.clone(),
        mfo: bank.mfo.as_str().to_owned(),
        account: bank.account.as_str().to_owned(),
    })
}

impl Party {
    /// The operator.
    pub fn of_operator(own: &OperatorRequisites) -> Party {
        let bank = bank(Some(&own.bank));
        Party {
            kind: PartyKind::LegalEntity,
            name: own.legal_name.clone(),
            address: own.address.clone(),
            stir_or_pinfl: own.stir.as_str().to_owned(),
            bank_name: bank.name,
            mfo: bank.mfo,
            settlement_account: bank.account,
            oked: text(own.oked.as_ref(), |oked| oked.as_str()),
            vat_code: text(own.vat_code.as_ref(), |code| code.as_str()),
            signatory: own.director.clone(),
            authority: "Ustav".to_owned(),
            accountant: own.accountant.clone(),
            email: own.email.as_str().to_owned(),
            phone: own.phone.as_str().to_owned(),
        }
    }

    /// A customer.
    pub fn of_customer(own: &Requisites) -> Party {
        let bank = bank(own.bank.as_ref());
        let stir = own.stir.as_ref().map(|stir| stir.as_str());
        let pinfl = own.pinfl.as_ref().map(|pinfl| pinfl.as_str());
        Party {
            kind: match own.kind {
                CustomerKind::LegalEntity => PartyKind::LegalEntity,
                CustomerKind::SoleTrader => PartyKind::SoleTrader,
                CustomerKind::Person => PartyKind::Person,
            },
            name: own.name.clone(),
            address: own.address.clone(),
            stir_or_pinfl: stir.or(pinfl).unwrap_or_default().to_owned(),
            bank_name: bank.name,
            mfo: bank.mfo,
            settlement_account: bank.account,
            oked: text(own.oked.as_ref(), |oked| oked.as_str()),
            vat_code: text(own.vat_code.as_ref(), |code| code.as_str()),
            signatory: own.signatory.clone(),
            authority: own.authority.clone(),
            accountant: String::new(),
            email: own.email.as_str().to_owned(),
            phone: own.phone.as_str().to_owned(),
        }
    }
}

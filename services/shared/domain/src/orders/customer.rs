//! Customers of three kinds, and what each must have (orders.md §1).
//!
//! | kind | tax number | bank account |
//! |---|---|---|
//! | legal entity | STIR | required |
//! | sole trader | STIR or PINFL | optional, but whole |
//! | person | PINFL | optional, but whole |
//!
//! **Choice:** a person and a sole trader may pay by card or at the cash desk and have no account with us; a refund then
//! waits until they name one.

use crate::orders::party::{
    BankAccount, Email, Mistakes, Oked, Phone, Pinfl, RequisiteError, Stir, VatCode, when_given,
};
use crate::orders::text;

/// What a customer is in law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CustomerKind {
    /// A company.
    LegalEntity,
    /// A natural person registered as a trader.
    SoleTrader,
    /// A natural person.
    Person,
}

impl CustomerKind {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            CustomerKind::LegalEntity => "legal_entity",
            CustomerKind::SoleTrader => "sole_trader",
            CustomerKind::Person => "person",
        }
    }

    /// Parses [`CustomerKind::code`].
    pub fn parse(code: &str) -> Result<CustomerKind, RequisiteError> {
        [
            CustomerKind::LegalEntity,
            CustomerKind::SoleTrader,
            CustomerKind::Person,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
        .ok_or(RequisiteError::Unknown {
            field: "kind",
            known: "legal_entity, sole_trader, person",
        })
    }
}

/// A customer's requisites as typed; an empty text is a field left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the customer's form, one to one"
)]
pub struct CustomerForm {
    pub kind: String,
    pub name: String,
    pub stir: String,
    pub pinfl: String,
    pub address: String,
    pub bank_name: String,
    pub mfo: String,
    pub settlement_account: String,
    pub oked: String,
    pub vat_code: String,
    pub email: String,
    pub phone: String,
    pub signatory: String,
    pub authority: String,
}

/// A customer's requisites: read them, make them with [`Requisites::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requisites {
    /// Kind in law.
    pub kind: CustomerKind,
    /// Name of the company or the person.
    pub name: String,
    /// Taxpayer's number; a legal entity always has one.
    pub stir: Option<Stir>,
    /// Personal number; a person always has one.
    pub pinfl: Option<Pinfl>,
    /// Postal address.
    pub address: String,
    /// Where refunds go; a legal entity always has one.
    pub bank: Option<BankAccount>,
    /// Kind of activity.
    pub oked: Option<Oked>,
    /// VAT payer's registration.
    pub vat_code: Option<VatCode>,
    /// Where documents go.
    pub email: Email,
    /// Telephone.
    pub phone: Phone,
    /// Who signs.
    pub signatory: String,
    /// By what right: charter, power of attorney, on one's own behalf.
    pub authority: String,
}

impl Requisites {
    /// Checks a form; all mistakes are told at once.
    pub fn check(form: &CustomerForm) -> Result<Requisites, Vec<RequisiteError>> {
        let kind = CustomerKind::parse(&form.kind).map_err(|mistake| vec![mistake])?;
        let mut mistakes = Mistakes::default();
        let name = mistakes.keep(text::required("name", &form.name, 300));
        let stir = mistakes.keep(when_given(&form.stir, Stir::parse));
        let pinfl = mistakes.keep(when_given(&form.pinfl, Pinfl::parse));
        let address = mistakes.keep(text::required("address", &form.address, 500));
        let bank = mistakes.keep(bank_when_given(form));
        let oked = mistakes.keep(when_given(&form.oked, Oked::parse));
        let vat_code = mistakes.keep(when_given(&form.vat_code, VatCode::parse));
        let email = mistakes.keep(Email::parse(&form.email));
        let phone = mistakes.keep(Phone::parse(&form.phone));
        let signatory = mistakes.keep(text::required("signatory", &form.signatory, 200));
        let authority = mistakes.keep(text::required("authority", &form.authority, 300));
        for field in missing_of_kind(kind, stir.as_ref(), pinfl.as_ref(), bank.as_ref()) {
            mistakes.add(RequisiteError::RequiredOfKind {
                field,
                kind: kind.code(),
            });
        }
        let whole = (|| {
            Some(Requisites {
                kind,
                name: name?,
                stir: stir?,
                pinfl: pinfl?,
                address: address?,
                bank: bank?,
                oked: oked?,
                vat_code: vat_code?,
                email: email?,
                phone: phone?,
                signatory: signatory?,
                authority: authority?,
            })
        })();
        mistakes.or(whole)
    }

    /// The number that documents name: STIR, or PINFL where there is none.
    pub fn tax_number(&self) -> &str {
        match (&self.stir, &self.pinfl) {
            (Some(stir), _) => stir.as_str(),
            (None, Some(pinfl)) => pinfl.as_str(),
            (None, None) => "",
        }
    }
}

/// A bank account is given whole or not at all.
fn bank_when_given(form: &CustomerForm) -> Result<Option<BankAccount>, RequisiteError> {
    let parts = [&form.bank_name, &form.mfo, &form.settlement_account];
    if parts.iter().all(|part| part.trim().is_empty()) {
        return Ok(None);
    }
    BankAccount::parse(&form.bank_name, &form.mfo, &form.settlement_account).map(Some)
}

/// Fields that this kind must have and that were left out. One that was given wrongly (`None` outside) has its own mistake.
fn missing_of_kind(
    kind: CustomerKind,
    stir: Option<&Option<Stir>>,
    pinfl: Option<&Option<Pinfl>>,
    bank: Option<&Option<BankAccount>>,
) -> Vec<&'static str> {
    let no_stir = matches!(stir, Some(None));
    let no_pinfl = matches!(pinfl, Some(None));
    let no_bank = matches!(bank, Some(None));
    match kind {
        CustomerKind::LegalEntity => [(no_stir, "stir"), (no_bank, "settlement_account")]
            .into_iter()
            .filter_map(|(missing, field)| missing.then_some(field))
            .collect(),
        CustomerKind::SoleTrader => (no_stir && no_pinfl).then_some("stir").into_iter().collect(),
        CustomerKind::Person => no_pinfl.then_some("pinfl").into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company() -> CustomerForm {
        CustomerForm {
            kind: "legal_entity".into(),
            name: "\"Osh markazi\" MCHJ".into(),
            stir: "305123456".into(),
            address: "Toshkent, Amir Temur 1".into(),
            bank_name: "Namuna bank".into(),
            mfo: "00440".into(),
            settlement_account: "20208000900123456001".into(),
            email: "osh@misol.uz".into(),
            phone: "998901234567".into(),
            signatory: "A. Valiyev".into(),
            authority: "Ustav".into(),
            ..CustomerForm::default()
        }
    }

    fn refusals(form: &CustomerForm) -> Vec<(&'static str, &'static str)> {
        match Requisites::check(form) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes
                .iter()
                .map(|mistake| (mistake.field(), mistake.code()))
                .collect(),
        }
    }

    #[test]
    fn a_company_needs_a_stir_and_an_account() {
        assert_eq!(refusals(&company()), []);
        assert_eq!(
            refusals(&CustomerForm {
                stir: String::new(),
                ..company()
            }),
            [("stir", "required_of_kind")]
        );
        let without_bank = CustomerForm {
            bank_name: String::new(),
            mfo: String::new(),
            settlement_account: String::new(),
            ..company()
        };
        assert_eq!(
            refusals(&without_bank),
            [("settlement_account", "required_of_kind")]
        );
    }

    #[test]
    fn a_sole_trader_needs_one_of_the_two_numbers() {
        let trader = CustomerForm {
            kind: "sole_trader".into(),
            stir: String::new(),
            ..company()
        };
        assert_eq!(refusals(&trader), [("stir", "required_of_kind")]);
        assert_eq!(
            refusals(&CustomerForm {
                pinfl: "30101900000011".into(),
                ..trader.clone()
            }),
            []
        );
        assert_eq!(
            refusals(&CustomerForm {
                stir: "405123456".into(),
                ..trader
            }),
            []
        );
    }

    #[test]
    fn a_person_needs_a_pinfl_and_may_have_no_account() {
        let person = CustomerForm {
            kind: "person".into(),
            pinfl: "62902040000025".into(),
            stir: String::new(),
            bank_name: String::new(),
            mfo: String::new(),
            settlement_account: String::new(),
            ..company()
        };
        assert_eq!(refusals(&person), []);
        assert_eq!(Requisites::check(&person).unwrap().tax_number(), "62902040000025");
        assert_eq!(
            refusals(&CustomerForm {
                pinfl: String::new(),
                ..person
            }),
            [("pinfl", "required_of_kind")]
        );
    }

    #[test]
    fn half_an_account_and_a_wrong_number_have_one_mistake_each() {
        let form = CustomerForm {
            mfo: String::new(),
            stir: "1".into(),
            ..company()
        };
        assert_eq!(
            refusals(&form),
            [("stir", "wrong_digits"), ("mfo", "wrong_digits")]
        );
        assert_eq!(
            refusals(&CustomerForm {
                kind: "ngo".into(),
                ..company()
            }),
            [("kind", "unknown_value")]
        );
    }

    #[test]
    fn apostrophes_are_normalised_on_input() {
        let form = CustomerForm {
            name: "Go'zal san'at".into(),
            ..company()
        };
        assert_eq!(
            Requisites::check(&form).unwrap().name,
            "Go\u{2bb}zal san\u{2bc}at"
        );
    }
}

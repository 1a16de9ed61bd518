//! Requisites: the numbers and addresses by which a party is known to the tax office, the bank and the post.
//!
//! Rule: orders.md §1; forms in uzbekistan.md §3.1. Each type is parsed once, at the edge, and can't hold a wrong value.
//!
//! ```text
//! PINFL check digit = (7·d1 + 3·d2 + 1·d3 + 7·d4 + …) mod 10 over the first 13 digits
//! ```
//!
//! The settlement account's key digit is not checked: its algorithm isn't public, and the formula that circulates is
//! contradicted by real accounts (uzbekistan.md §3.1). STIR has no published check digit either.

use crate::orders::text::{self, TextRefused};
use std::fmt;

/// Why a requisite isn't taken. Names the field and the limit, never the value that was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequisiteError {
    /// A text is missing, too long or has control characters.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// Not the number of digits that is due.
    #[error("{field} has {digits_due} digits; {chars} characters were given, {digits} of them digits")]
    NotDigits {
        /// The field.
        field: &'static str,
        /// How many digits are due.
        digits_due: usize,
        /// How many characters were given.
        chars: usize,
        /// How many of them are digits.
        digits: usize,
    },
    /// The last digit doesn't follow from the others.
    #[error("{field}: the check digit is {given}, {due} is due")]
    CheckDigit {
        /// The field.
        field: &'static str,
        /// The digit that follows from the others.
        due: u8,
        /// The digit given.
        given: u8,
    },
    /// The account isn't kept in so'm.
    #[error("{field}: digits 6 to 8 are the currency and must be 000 (so'm), not {given}")]
    Currency {
        /// The field.
        field: &'static str,
        /// The currency's digits.
        given: String,
    },
    /// No mailbox.
    #[error(
        "{field} is not an e-mail address of the form name@domain.tld of at most {EMAIL_CHARS_MAX} characters"
    )]
    NotAnEmail {
        /// The field.
        field: &'static str,
    },
    /// No telephone number of this country.
    #[error("{field} is not a telephone number of the form 998 and nine digits")]
    NotAPhone {
        /// The field.
        field: &'static str,
    },
    /// This kind of customer must have the field.
    #[error("{field} is required of a customer of the kind {kind}")]
    RequiredOfKind {
        /// The field.
        field: &'static str,
        /// The kind's code.
        kind: &'static str,
    },
    /// A code that isn't in the list.
    #[error("{field} is none of {known}")]
    Unknown {
        /// The field.
        field: &'static str,
        /// What there is.
        known: &'static str,
    },
}

impl RequisiteError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            RequisiteError::Text(refused) => refused.code(),
            RequisiteError::NotDigits { .. } => "wrong_digits",
            RequisiteError::CheckDigit { .. } => "wrong_check_digit",
            RequisiteError::Currency { .. } => "wrong_currency",
            RequisiteError::NotAnEmail { .. } => "not_an_email",
            RequisiteError::NotAPhone { .. } => "not_a_phone",
            RequisiteError::RequiredOfKind { .. } => "required_of_kind",
            RequisiteError::Unknown { .. } => "unknown_value",
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> &'static str {
        match self {
            RequisiteError::Text(refused) => refused.field(),
            RequisiteError::NotDigits { field, .. }
            | RequisiteError::CheckDigit { field, .. }
            | RequisiteError::Currency { field, .. }
            | RequisiteError::NotAnEmail { field }
            | RequisiteError::NotAPhone { field }
            | RequisiteError::RequiredOfKind { field, .. }
            | RequisiteError::Unknown { field, .. } => field,
        }
    }

    /// The limit that was passed, in words.
    pub fn limit(&self) -> Option<String> {
        match self {
            RequisiteError::Text(refused) => refused.limit(),
            RequisiteError::NotDigits { digits_due, .. } => Some(format!("{digits_due} digits")),
            RequisiteError::CheckDigit { due, .. } => Some(format!("check digit {due}")),
            RequisiteError::Currency { .. } => Some("currency 000".to_owned()),
            RequisiteError::NotAnEmail { .. } => Some(format!("{EMAIL_CHARS_MAX} characters")),
            RequisiteError::NotAPhone { .. } => Some("998 and 9 digits".to_owned()),
            RequisiteError::RequiredOfKind { .. } => None,
            RequisiteError::Unknown { known, .. } => Some((*known).to_owned()),
        }
    }
}

/// Blanks between groups of digits are how people write long numbers; nothing else is taken off.
fn digits_of(field: &'static str, raw: &str, digits_due: usize) -> Result<String, RequisiteError> {
    let compact: String = raw
        .chars()
        .filter(|character| !matches!(character, ' ' | '\u{a0}'))
        .collect();
    let chars = compact.chars().count();
    let digits = compact.chars().filter(char::is_ascii_digit).count();
    if chars == digits_due && digits == digits_due {
        Ok(compact)
    } else {
        Err(RequisiteError::NotDigits {
            field,
            digits_due,
            chars,
            digits,
        })
    }
}

macro_rules! digit_requisite {
    ($($(#[$doc:meta])* $name:ident($field:literal, $digits:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// How many digits it has.
            pub const DIGITS: usize = $digits;

            /// The digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

digit_requisite! {
    /// STIR (INN): the taxpayer's number of a company or a sole trader, 9 digits.
    Stir("stir", 9);
    /// PINFL (JSHSHIR): the personal number of a natural person, 14 digits with a check digit.
    Pinfl("pinfl", 14);
    /// MFO: a bank branch, 5 digits with leading zeros.
    Mfo("mfo", 5);
    /// Settlement account (hisob raqami) in so'm, 20 digits.
    SettlementAccount("settlement_account", 20);
    /// OKED (IFUT): the kind of activity, 5 digits.
    Oked("oked", 5);
    /// The registration code of a VAT payer, 12 digits.
    VatCode("vat_code", 12);
}

macro_rules! parse_by_length {
    ($($name:ident($field:literal);)*) => {$(
        impl $name {
            /// Parses the digits; blanks between them are taken off.
            pub fn parse(raw: &str) -> Result<$name, RequisiteError> {
                digits_of($field, raw, $name::DIGITS).map($name)
            }
        }
    )*};
}

parse_by_length! {
    Stir("stir");
    Mfo("mfo");
    Oked("oked");
    VatCode("vat_code");
}

impl Pinfl {
    /// Parses the digits and checks the last one.
    pub fn parse(raw: &str) -> Result<Pinfl, RequisiteError> {
        let digits = digits_of("pinfl", raw, Pinfl::DIGITS)?;
        let values: Vec<u8> = digits.bytes().map(|byte| byte - b'0').collect();
        let weighted: u32 = values
            .iter()
            .zip([7u32, 3, 1].into_iter().cycle())
            .take(13)
            .map(|(digit, weight)| u32::from(*digit) * weight)
            .sum();
        let due = u8::try_from(weighted % 10).unwrap_or(0);
        match values.last() {
            Some(given) if *given == due => Ok(Pinfl(digits)),
            given => Err(RequisiteError::CheckDigit {
                field: "pinfl",
                due,
                given: given.copied().unwrap_or(0),
            }),
        }
    }
}

impl SettlementAccount {
    /// Parses 20 digits; the currency (digits 6–8) must be so'm.
    pub fn parse(raw: &str) -> Result<SettlementAccount, RequisiteError> {
        let field = "settlement_account";
        let digits = digits_of(field, raw, SettlementAccount::DIGITS)?;
        match digits.get(5..8) {
            Some("000") => Ok(SettlementAccount(digits)),
            currency => Err(RequisiteError::Currency {
                field,
                given: currency.unwrap_or_default().to_owned(),
            }),
        }
    }
}

/// The most characters of an e-mail address (RFC 5321 §4.5.3.1.3 less the brackets).
pub const EMAIL_CHARS_MAX: usize = 254;

/// A mailbox: one address without a display name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Parses an address; the domain is lower-cased, the local part is kept as given.
    pub fn parse(raw: &str) -> Result<Email, RequisiteError> {
        Email::parse_field("email", raw)
    }

    /// The same for a field with another name.
    pub fn parse_field(field: &'static str, raw: &str) -> Result<Email, RequisiteError> {
        let refuse = RequisiteError::NotAnEmail { field };
        let address = raw.trim();
        let Some((local, domain)) = address.rsplit_once('@') else {
            return Err(refuse);
        };
        let fits = address.len() <= EMAIL_CHARS_MAX && is_local_part(local) && is_domain(domain);
        if fits {
            Ok(Email(format!("{local}@{}", domain.to_ascii_lowercase())))
        } else {
            Err(refuse)
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_local_part(local: &str) -> bool {
    let is_atom =
        |character: char| character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character);
    (1..=64).contains(&local.len())
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

/// A host name with at least two labels, the last not a number.
pub(crate) fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_name = domain
        .rsplit('.')
        .next()
        .is_some_and(|label| label.len() >= 2 && !label.chars().all(|character| character.is_ascii_digit()));
    domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label) && last_is_name
}

/// A telephone number of Uzbekistan: "998" and nine digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

impl Phone {
    /// Parses a number; a leading `+`, blanks, hyphens and brackets are how people write it and are taken off.
    pub fn parse(raw: &str) -> Result<Phone, RequisiteError> {
        let refuse = RequisiteError::NotAPhone { field: "phone" };
        let typed = raw.trim();
        let compact: String = typed
            .strip_prefix('+')
            .unwrap_or(typed)
            .chars()
            .filter(|character| !matches!(character, ' ' | '-' | '(' | ')' | '\u{a0}'))
            .collect();
        let fits = compact.len() == 12
            && compact.starts_with("998")
            && compact.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Phone(compact)) } else { Err(refuse) }
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a party's money is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BankAccount {
    /// The bank's name.
    pub bank_name: String,
    /// The branch.
    pub mfo: Mfo,
    /// The account.
    pub account: SettlementAccount,
}

impl BankAccount {
    /// Parses the three parts.
    pub fn parse(bank_name: &str, mfo: &str, account: &str) -> Result<BankAccount, RequisiteError> {
        Ok(BankAccount {
            bank_name: text::required("bank_name", bank_name, 200)?,
            mfo: Mfo::parse(mfo)?,
            account: SettlementAccount::parse(account)?,
        })
    }
}

/// The operator's requisites as typed (orders.md §1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the operator's form, one to one"
)]
pub struct OperatorForm {
    pub legal_name: String,
    pub city: String,
    pub address: String,
    pub stir: String,
    pub bank_name: String,
    pub mfo: String,
    pub settlement_account: String,
    pub oked: String,
    pub vat_code: String,
    pub director: String,
    pub accountant: String,
    pub email: String,
    pub phone: String,
}

/// The operator's requisites: read them, make them with [`OperatorRequisites::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperatorRequisites {
    /// Name by the charter.
    pub legal_name: String,
    /// City in which documents are drawn up.
    pub city: String,
    /// Postal address.
    pub address: String,
    /// Taxpayer's number.
    pub stir: Stir,
    /// Where customers pay to.
    pub bank: BankAccount,
    /// Kind of activity, when given.
    pub oked: Option<Oked>,
    /// VAT payer's registration, when given.
    pub vat_code: Option<VatCode>,
    /// Who signs.
    pub director: String,
    /// Chief accountant; may be empty.
    pub accountant: String,
    /// Where notices come from.
    pub email: Email,
    /// Telephone.
    pub phone: Phone,
}

impl OperatorRequisites {
    /// Checks a form; all mistakes are told at once.
    pub fn check(form: &OperatorForm) -> Result<OperatorRequisites, Vec<RequisiteError>> {
        let mut mistakes = Mistakes::default();
        let legal_name = mistakes.keep(text::required("legal_name", &form.legal_name, 300));
        let city = mistakes.keep(text::required("city", &form.city, 100));
        let address = mistakes.keep(text::required("address", &form.address, 500));
        let stir = mistakes.keep(Stir::parse(&form.stir));
        let bank = mistakes.keep(BankAccount::parse(
            &form.bank_name,
            &form.mfo,
            &form.settlement_account,
        ));
        let oked = mistakes.keep(when_given(&form.oked, Oked::parse));
        let vat_code = mistakes.keep(when_given(&form.vat_code, VatCode::parse));
        let director = mistakes.keep(text::required("director", &form.director, 200));
        let accountant = mistakes.keep(text::optional("accountant", &form.accountant, 200));
        let email = mistakes.keep(Email::parse(&form.email));
        let phone = mistakes.keep(Phone::parse(&form.phone));
        let whole = (|| {
            Some(OperatorRequisites {
                legal_name: legal_name?,
                city: city?,
                address: address?,
                stir: stir?,
                bank: bank?,
                oked: oked?,
                vat_code: vat_code?,
                director: director?,
                accountant: accountant?,
                email: email?,
                phone: phone?,
            })
        })();
        mistakes.or(whole)
    }
}

/// `None` for an empty field, the parsed value otherwise.
pub(crate) fn when_given<T>(
    raw: &str,
    parse: impl Fn(&str) -> Result<T, RequisiteError>,
) -> Result<Option<T>, RequisiteError> {
    if raw.trim().is_empty() {
        Ok(None)
    } else {
        parse(raw).map(Some)
    }
}

/// Collects the mistakes of a form, so that all are told at once.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<RequisiteError>);

impl Mistakes {
    pub(crate) fn keep<T, E: Into<RequisiteError>>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|mistake| self.0.push(mistake.into())).ok()
    }

    pub(crate) fn add(&mut self, mistake: RequisiteError) {
        self.0.push(mistake);
    }

    /// The value when nothing was wrong. A value is missing only where a mistake was noted.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Vec<RequisiteError>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pinfl_check_digit_follows_the_published_weights() {
        for good in [
            "30101900000011",
            "62902040000025",
            "53112990000031",
            "3010190 000 0011",
        ] {
            assert!(Pinfl::parse(good).is_ok(), "{good}");
        }
        assert_eq!(
            Pinfl::parse("30101900000012"),
            Err(RequisiteError::CheckDigit {
                field: "pinfl",
                due: 1,
                given: 2
            })
        );
        assert!(matches!(
            Pinfl::parse("3010190000001"),
            Err(RequisiteError::NotDigits { digits_due: 14, .. })
        ));
        assert!(matches!(
            Pinfl::parse("3010190000001x"),
            Err(RequisiteError::NotDigits { .. })
        ));
    }

    #[test]
    fn numbers_of_another_length_are_refused_by_field_and_limit() {
        for (field, limit, error) in [
            ("stir", "9 digits", Stir::parse("30512345").unwrap_err()),
            ("stir", "9 digits", Stir::parse("3051234567").unwrap_err()),
            ("stir", "9 digits", Stir::parse("30512345x").unwrap_err()),
            ("stir", "9 digits", Stir::parse("٣٠٥١٢٣٤٥٦").unwrap_err()),
            ("mfo", "5 digits", Mfo::parse("0440").unwrap_err()),
            ("oked", "5 digits", Oked::parse("731100").unwrap_err()),
            ("vat_code", "12 digits", VatCode::parse("1").unwrap_err()),
            (
                "settlement_account",
                "20 digits",
                SettlementAccount::parse("2020800000").unwrap_err(),
            ),
        ] {
            assert_eq!((error.field(), error.limit().as_deref()), (field, Some(limit)));
            assert_eq!(error.code(), "wrong_digits");
        }
        assert_eq!(Mfo::parse("00440").unwrap().as_str(), "00440");
    }

    #[test]
    fn an_account_in_another_currency_is_refused() {
        assert!(SettlementAccount::parse("20208000900123456001").is_ok());
        assert_eq!(
            SettlementAccount::parse("20208840900123456001"),
            Err(RequisiteError::Currency {
                field: "settlement_account",
                given: "840".into()
            })
        );
    }

    #[test]
    fn emails_and_phones() {
        assert_eq!(Email::parse(" Info@Misol.UZ ").unwrap().as_str(), "Info@misol.uz");
        for bad in [
            "",
            "a",
            "@a.uz",
            "a@",
            "a@b",
            "a b@c.uz",
            "a@b..uz",
            "a@-b.uz",
            "a@b.1",
            "a@b.uz\r\nBcc: x@y.uz",
            "a..b@c.uz",
            "<a@b.uz>",
            "a@b@c d.uz",
        ] {
            assert!(
                matches!(Email::parse(bad), Err(RequisiteError::NotAnEmail { .. })),
                "{bad}"
            );
        }
        assert!(Email::parse(&format!("a@{}.uz", "b".repeat(260))).is_err());
        assert_eq!(
            Phone::parse("+998 (90) 123-45-67").unwrap().as_str(),
            "998901234567"
        );
        for bad in [
            "",
            "901234567",
            "99890123456",
            "9989012345678",
            "+7 901 123 45 67",
            "998x01234567",
        ] {
            assert!(
                matches!(Phone::parse(bad), Err(RequisiteError::NotAPhone { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn all_mistakes_of_a_form_are_told_at_once() {
        let mistakes = OperatorRequisites::check(&OperatorForm::default()).unwrap_err();
        let fields: Vec<&str> = mistakes.iter().map(RequisiteError::field).collect();
        assert_eq!(
            fields,
            [
                "legal_name",
                "city",
                "address",
                "stir",
                "bank_name",
                "director",
                "email",
                "phone"
            ]
        );
    }

    #[test]
    fn a_mistake_never_repeats_what_was_typed() {
        let text = RequisiteError::to_string(&Pinfl::parse("99999999999990").unwrap_err());
        assert!(!text.contains("99999999999990"), "{text}");
    }

    proptest! {
        #[test]
        fn one_changed_digit_of_a_pinfl_is_noticed(place in 0usize..13, other in 1u8..10) {
            // The weights 7, 3, 1 are all coprime with ten, so any single wrong digit shows.
            let mut digits: Vec<u8> = b"30101900000011".to_vec();
            digits[place] = b'0' + (digits[place] - b'0' + other) % 10;
            prop_assert!(Pinfl::parse(std::str::from_utf8(&digits).unwrap()).is_err());
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in ".{0,40}") {
            let _ = (Stir::parse(&text).is_ok(), Pinfl::parse(&text).is_ok(), Email::parse(&text).is_ok());
            let _ = (Phone::parse(&text).is_ok(), SettlementAccount::parse(&text).is_ok());
        }
    }
}

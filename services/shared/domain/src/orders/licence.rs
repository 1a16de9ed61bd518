//! Copies of licences and certificates: what is taken, by when, and until when a material may run on them.
//!
//! Rules: orders.md §4; offer [003 §3.5, §4.3.4].
//!
//! ```text
//! asked for on day N        due by the end of N + 3 calendar days; on N + 4 the material is overdue
//! expires on day X          the material runs through X and no longer
//! reported revoked          it stops at once
//! ```
//!
//! A file is what its bytes say it is: PDF, JPEG or PNG, without anything that a viewer would run. A copy that takes
//! another's place must last longer, unless the other was revoked.
//!
//! Not here: the states (`moderation`), whether a line runs (`runnable`), decoding of images (the caller's).

use crate::calendar::{minus_days, plus_days};
use crate::orders::placement::FILE_BYTES_MAX;
use crate::orders::text::{self, TextRefused};
use chrono::NaiveDate;

/// Calendar days for handing copies in, the day of asking not counted.
pub const DAYS_TO_HAND_IN: u64 = 3;
/// How many days before its last day the customer is told that a document runs out.
pub const WARNING_DAYS: u64 = 14;
/// The heaviest copy, bytes.
pub const DOCUMENT_BYTES_MAX: u64 = FILE_BYTES_MAX;
/// The most characters of a number.
pub const NUMBER_CHARS_MAX: usize = 80;
/// The most characters of an issuer's name.
pub const ISSUER_CHARS_MAX: usize = 200;
/// The most copies of a material.
pub const DOCUMENTS_MAX: usize = 50;
/// A document that lasts longer is a slip of the pen, years.
pub const YEARS_MAX: u32 = 50;

/// The last day on which copies asked for on `asked_on` are in time.
pub fn hand_in_by(asked_on: NaiveDate) -> NaiveDate {
    plus_days(asked_on, DAYS_TO_HAND_IN)
}

/// The first day on which the customer is warned of an expiry.
pub fn warn_from(expires_on: NaiveDate) -> NaiveDate {
    minus_days(expires_on, WARNING_DAYS)
}

/// What a copy is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A licence.
    Licence,
    /// A certificate of goods or services.
    Certificate,
    /// Another permit of a state body.
    Permit,
    /// A declaration of conformity.
    Declaration,
    /// A person's or a rights holder's consent.
    Consent,
    /// Something else.
    Other,
}

impl DocumentKind {
    /// All kinds.
    pub const ALL: [DocumentKind; 6] = [
        DocumentKind::Licence,
        DocumentKind::Certificate,
        DocumentKind::Permit,
        DocumentKind::Declaration,
        DocumentKind::Consent,
        DocumentKind::Other,
    ];

    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            DocumentKind::Licence => "licence",
            DocumentKind::Certificate => "certificate",
            DocumentKind::Permit => "permit",
            DocumentKind::Declaration => "declaration",
            DocumentKind::Consent => "consent",
            DocumentKind::Other => "other",
        }
    }

    /// Parses [`DocumentKind::code`].
    pub fn parse(code: &str) -> Option<DocumentKind> {
        DocumentKind::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// The formats of copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CopyFormat {
    /// application/pdf
    Pdf,
    /// image/jpeg
    Jpeg,
    /// image/png
    Png,
}

impl CopyFormat {
    /// The name in a Content-Type header.
    pub fn code(self) -> &'static str {
        match self {
            CopyFormat::Pdf => "application/pdf",
            CopyFormat::Jpeg => "image/jpeg",
            CopyFormat::Png => "image/png",
        }
    }

    /// The ending of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            CopyFormat::Pdf => "pdf",
            CopyFormat::Jpeg => "jpg",
            CopyFormat::Png => "png",
        }
    }

    /// Parses [`CopyFormat::code`].
    pub fn parse(code: &str) -> Option<CopyFormat> {
        [CopyFormat::Pdf, CopyFormat::Jpeg, CopyFormat::Png]
            .into_iter()
            .find(|format| format.code() == code)
    }

    /// Tells the format by the bytes. Of a PDF the end is looked for as well, and what a viewer would run; an image is still
    /// to be decoded.
    pub fn of_bytes(bytes: &[u8]) -> Result<CopyFormat, CopyRefused> {
        let given = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if given > DOCUMENT_BYTES_MAX {
            return Err(CopyRefused::TooHeavy { bytes: given });
        }
        CopyFormat::told_by(bytes)
    }

    /// The same of a file whose weight the caller bounds.
    pub fn told_by(bytes: &[u8]) -> Result<CopyFormat, CopyRefused> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Ok(CopyFormat::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Ok(CopyFormat::Jpeg)
        } else if bytes.starts_with(b"%PDF-") {
            check_pdf(bytes).map(|()| CopyFormat::Pdf)
        } else {
            Err(CopyRefused::OtherFormat)
        }
    }
}

/// Names of a PDF by which a viewer runs something or takes something out of it.
const ACTIVE_NAMES: &[(&[u8], &str)] = &[
    (b"/javascript", "a script"),
    (b"/launch", "a program to launch"),
    (b"/embeddedfile", "an embedded file"),
    (b"/richmedia", "rich media"),
    (b"/xfa", "an XFA form"),
];

fn check_pdf(bytes: &[u8]) -> Result<(), CopyRefused> {
    let end = bytes.get(bytes.len().saturating_sub(1024)..).unwrap_or(bytes);
    if !end.windows(5).any(|window| window == b"%%EOF") {
        return Err(CopyRefused::Broken);
    }
    let plain = plain_names(bytes);
    for (name, found) in ACTIVE_NAMES {
        if plain.windows(name.len()).any(|window| window == *name) {
            return Err(CopyRefused::ActiveContent { found });
        }
    }
    Ok(())
}

/// The bytes in small letters, with the `#61` of names written out: `/J#61vaScript` is a script too.
fn plain_names(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| {
        byte.and_then(|byte| char::from(*byte).to_digit(16))
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'#', Some(high), Some(low)) => Some(high * 16 + low),
            _ => None,
        };
        plain.push(escaped.unwrap_or(*byte).to_ascii_lowercase());
        at += if escaped.is_some() { 3 } else { 1 };
    }
    plain
}

/// A document as typed, its file told by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCopy {
    /// What it is a copy of.
    pub kind: DocumentKind,
    /// Its number.
    pub number: String,
    /// Who issued it.
    pub issuer: String,
    /// When it was issued, when the copy says it.
    pub issued_on: Option<NaiveDate>,
    /// Last day on which it is valid.
    pub expires_on: NaiveDate,
}

/// A document in the place of which a copy may come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentCopy<Id> {
    /// Its id.
    pub id: Id,
    /// What it is a copy of.
    pub kind: DocumentKind,
    /// Its number.
    pub number: String,
    /// Last day on which it is valid.
    pub expires_on: NaiveDate,
    /// Whether it was reported revoked.
    pub revoked: bool,
}

/// Why a copy isn't taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyRefused {
    /// Number or issuer.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// Too heavy.
    #[error("the file weighs {bytes} bytes; at most {DOCUMENT_BYTES_MAX} are taken")]
    TooHeavy {
        /// Its weight.
        bytes: u64,
    },
    /// Another format.
    #[error("the file is not a PDF, JPEG or PNG by its bytes")]
    OtherFormat,
    /// Cut off, or not what it begins as.
    #[error("the file is broken")]
    Broken,
    /// Something that a viewer would run.
    #[error("the file contains {found}; active content is never taken")]
    ActiveContent {
        /// What was found.
        found: &'static str,
    },
    /// It isn't valid any more.
    #[error("the document expired on {expires_on}")]
    Expired {
        /// Its last day.
        expires_on: NaiveDate,
    },
    /// An expiry that can't be meant.
    #[error("the document expires on {expires_on}; {latest} is the latest that is taken")]
    ExpiresTooLate {
        /// The last day given.
        expires_on: NaiveDate,
        /// The latest.
        latest: NaiveDate,
    },
    /// Issued tomorrow, or after its last day.
    #[error("the document can't be issued on {issued_on}: today is {today}, and it expires on {expires_on}")]
    IssuedOn {
        /// The day given.
        issued_on: NaiveDate,
        /// Today.
        today: NaiveDate,
        /// Its last day.
        expires_on: NaiveDate,
    },
    /// The copy that it would replace lasts as long.
    #[error("the document it takes the place of lasts until {until}; the new one must last longer")]
    NotLater {
        /// Last day of the other.
        until: NaiveDate,
    },
    /// Nothing with the id is there to be replaced.
    #[error("the document it would take the place of is not there, or another one has taken it")]
    NothingToReplace,
    /// Too many.
    #[error("the material has {DOCUMENTS_MAX} documents already")]
    TooMany,
}

impl CopyRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CopyRefused::Text(refused) => refused.code(),
            CopyRefused::TooHeavy { .. } => "file_too_heavy",
            CopyRefused::OtherFormat => "file_of_another_type",
            CopyRefused::Broken => "file_is_broken",
            CopyRefused::ActiveContent { .. } => "active_content",
            CopyRefused::Expired { .. } => "document_expired",
            CopyRefused::ExpiresTooLate { .. } => "expiry_out_of_range",
            CopyRefused::IssuedOn { .. } => "issue_date_out_of_range",
            CopyRefused::NotLater { .. } => "document_lasts_no_longer",
            CopyRefused::NothingToReplace => "no_document_to_replace",
            CopyRefused::TooMany => "too_many_documents",
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> &'static str {
        match self {
            CopyRefused::Text(refused) => refused.field(),
            CopyRefused::Expired { .. }
            | CopyRefused::ExpiresTooLate { .. }
            | CopyRefused::NotLater { .. } => "expires_on",
            CopyRefused::IssuedOn { .. } => "issued_on",
            CopyRefused::NothingToReplace => "replaces",
            _ => "file",
        }
    }

    /// The limit that was passed, in words.
    pub fn limit(&self) -> Option<String> {
        match self {
            CopyRefused::Text(refused) => refused.limit(),
            CopyRefused::TooHeavy { .. } => Some(format!("{DOCUMENT_BYTES_MAX} bytes")),
            CopyRefused::OtherFormat => Some("PDF, JPEG, PNG".to_owned()),
            CopyRefused::ExpiresTooLate { latest, .. } => Some(latest.to_string()),
            CopyRefused::NotLater { until } => Some(until.to_string()),
            CopyRefused::TooMany => Some(DOCUMENTS_MAX.to_string()),
            _ => None,
        }
    }
}

impl NewCopy {
    /// Checks the words and the days of a copy that comes in today.
    pub fn check(self, today: NaiveDate) -> Result<NewCopy, CopyRefused> {
        let number = text::required("number", &self.number, NUMBER_CHARS_MAX)?;
        let issuer = text::required("issuer", &self.issuer, ISSUER_CHARS_MAX)?;
        let expires_on = self.expires_on;
        if expires_on < today {
            return Err(CopyRefused::Expired { expires_on });
        }
        let latest = plus_days(today, u64::from(YEARS_MAX) * 366);
        if expires_on > latest {
            return Err(CopyRefused::ExpiresTooLate { expires_on, latest });
        }
        if let Some(issued_on) = self.issued_on.filter(|day| *day > today || *day > expires_on) {
            return Err(CopyRefused::IssuedOn {
                issued_on,
                today,
                expires_on,
            });
        }
        Ok(NewCopy {
            number,
            issuer,
            ..self
        })
    }

    /// Whose place it takes among the documents in force: the one named; else the one with its kind and number; else the
    /// only one of its kind that has run out or was revoked. `None`: it stands beside them.
    pub fn place<Id: Copy + PartialEq>(
        &self,
        named: Option<Id>,
        current: &[CurrentCopy<Id>],
        today: NaiveDate,
    ) -> Result<Option<Id>, CopyRefused> {
        let place = match named {
            Some(id) => Some(
                current
                    .iter()
                    .find(|copy| copy.id == id)
                    .ok_or(CopyRefused::NothingToReplace)?,
            ),
            None => {
                let same = current
                    .iter()
                    .find(|copy| copy.kind == self.kind && copy.number == self.number);
                let mut over = current
                    .iter()
                    .filter(|copy| copy.kind == self.kind && (copy.revoked || copy.expires_on < today));
                let only = over.next().filter(|_| over.next().is_none());
                same.or(only)
            }
        };
        match place {
            Some(copy) if !copy.revoked && self.expires_on <= copy.expires_on => Err(CopyRefused::NotLater {
                until: copy.expires_on,
            }),
            other => Ok(other.map(|copy| copy.id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn copy(expires_on: &str) -> NewCopy {
        NewCopy {
            kind: DocumentKind::Licence,
            number: " L-100 ".into(),
            issuer: "Sogʻliqni saqlash vazirligi".into(),
            issued_on: Some(day("2025-01-10")),
            expires_on: day(expires_on),
        }
    }

    fn current(id: u8, number: &str, expires_on: &str, revoked: bool) -> CurrentCopy<u8> {
        CurrentCopy {
            id,
            kind: DocumentKind::Licence,
            number: number.into(),
            expires_on: day(expires_on),
            revoked,
        }
    }

    // orders.md §4: "due within 3 days".
    #[test]
    fn copies_are_due_by_the_end_of_the_third_calendar_day() {
        assert_eq!(hand_in_by(day("2026-12-30")), day("2027-01-02"));
        assert_eq!(warn_from(day("2027-01-05")), day("2026-12-22"));
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let of = |bytes: &[u8]| CopyFormat::of_bytes(bytes).map_err(|refused| refused.code());
        assert_eq!(of(b"%PDF-1.7\n1 0 obj\n%%EOF\n"), Ok(CopyFormat::Pdf));
        assert_eq!(of(b"\x89PNG\r\n\x1a\n"), Ok(CopyFormat::Png));
        assert_eq!(of(b"\xff\xd8\xff\xe0"), Ok(CopyFormat::Jpeg));
        for (bytes, code) in [
            (&b""[..], "file_of_another_type"),
            (b"GIF89a", "file_of_another_type"),
            (b"<svg onload=alert(1)>", "file_of_another_type"),
            (b"PK\x03\x04", "file_of_another_type"),
            (b"%PDF-1.7\n1 0 obj", "file_is_broken"),
            (
                b"%PDF-1.7 /S /JavaScript /JS (app.alert(1)) %%EOF",
                "active_content",
            ),
            (b"%PDF-1.7 /S /J#61vaScript %%EOF", "active_content"),
            (b"%PDF-1.7 /S /Launch /F (cmd.exe) %%EOF", "active_content"),
            (b"%PDF-1.7 /Type /EmbeddedFile %%EOF", "active_content"),
            (b"%PDF-1.7 /AcroForm << /XFA [] >> %%EOF", "active_content"),
        ] {
            assert_eq!(of(bytes), Err(code), "{}", String::from_utf8_lossy(bytes));
        }
        let heavy = vec![b' '; usize::try_from(DOCUMENT_BYTES_MAX).unwrap() + 1];
        assert_eq!(of(&heavy), Err("file_too_heavy"));
    }

    #[test]
    fn number_issuer_and_days_are_checked_by_name() {
        let today = day("2026-11-02");
        let refusal = |copy: NewCopy| {
            copy.check(today)
                .map(|copy| copy.number)
                .map_err(|refused| (refused.code(), refused.field()))
        };
        assert_eq!(refusal(copy("2026-11-02")), Ok("L-100".into()));
        assert_eq!(
            refusal(copy("2026-11-01")),
            Err(("document_expired", "expires_on"))
        );
        assert_eq!(
            refusal(copy("2126-11-01")),
            Err(("expiry_out_of_range", "expires_on"))
        );
        let tomorrow = NewCopy {
            issued_on: Some(day("2026-11-03")),
            ..copy("2027-01-01")
        };
        assert_eq!(refusal(tomorrow), Err(("issue_date_out_of_range", "issued_on")));
        let nameless = NewCopy {
            number: String::new(),
            ..copy("2027-01-01")
        };
        assert_eq!(refusal(nameless), Err(("missing", "number")));
        let long = NewCopy {
            issuer: "v".repeat(ISSUER_CHARS_MAX + 1),
            ..copy("2027-01-01")
        };
        assert_eq!(refusal(long), Err(("too_long", "issuer")));
    }

    // orders.md §4: a new copy with a later expiry lets it run again.
    #[test]
    fn a_new_copy_takes_the_place_of_the_one_that_it_renews() {
        let today = day("2026-11-02");
        let new = NewCopy {
            number: "L-100".into(),
            ..copy("2027-12-31")
        };
        let place = |named, current: &[CurrentCopy<u8>]| {
            new.place(named, current, today).map_err(|refused| refused.code())
        };
        assert_eq!(place(None, &[]), Ok(None));
        // By its number, by being the only one that is over, by name.
        assert_eq!(
            place(None, &[current(1, "L-100", "2026-12-31", false)]),
            Ok(Some(1))
        );
        assert_eq!(place(None, &[current(1, "L-7", "2026-12-31", false)]), Ok(None));
        assert_eq!(
            place(None, &[current(1, "L-7", "2026-11-01", false)]),
            Ok(Some(1))
        );
        assert_eq!(place(None, &[current(1, "L-7", "2028-11-01", true)]), Ok(Some(1)));
        let two = [
            current(1, "L-7", "2026-11-01", false),
            current(2, "L-8", "2026-11-01", false),
        ];
        assert_eq!(place(None, &two), Ok(None));
        assert_eq!(place(Some(2), &two), Ok(Some(2)));
        assert_eq!(place(Some(3), &two), Err("no_document_to_replace"));
        let lasts = [current(1, "L-100", "2027-12-31", false)];
        assert_eq!(place(None, &lasts), Err("document_lasts_no_longer"));
        let certificate = CurrentCopy {
            kind: DocumentKind::Certificate,
            ..current(1, "L-100", "2026-11-01", false)
        };
        assert_eq!(place(None, &[certificate]), Ok(None));
    }

    #[test]
    fn codes_parse_back() {
        for kind in DocumentKind::ALL {
            assert_eq!(DocumentKind::parse(kind.code()), Some(kind));
        }
        assert_eq!(DocumentKind::parse("passport"), None);
        assert_eq!(CopyFormat::parse("application/pdf"), Some(CopyFormat::Pdf));
        assert_eq!(CopyFormat::parse("text/html"), None);
    }
}

//! The moderation checklist: dated items with their texts and their legal basis (orders.md §4; uzbekistan.md §8).
//!
//! A moderator names what is in force on the day of the decision, and only items that serve the verdict. An item is never
//! rewritten: it is ended with a last day, and another one with its code may begin on a later one, so a decision of the past
//! keeps the words of its day.

use crate::orders::moderation::{ModerationReason, Verdict};
use crate::orders::text::{self, TextRefused};
use chrono::NaiveDate;

/// The most characters of an item's text.
pub const ITEM_CHARS_MAX: usize = 400;
/// The most characters of a legal basis.
pub const BASIS_CHARS_MAX: usize = 200;
/// The verdicts that name reasons.
pub const VERDICTS_WITH_REASONS: [&str; 3] = ["reject", "require_documents", "withdraw"];

/// An item's text in the four languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemTexts {
    /// Uzbek, Latin script.
    pub uz: String,
    /// Uzbek, Cyrillic script.
    pub uz_cyrl: String,
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

impl ItemTexts {
    /// The text in a language by its code; the Latin one for a language that isn't known.
    pub fn in_language(&self, code: &str) -> &str {
        match code {
            "uz-Cyrl" => &self.uz_cyrl,
            "ru" => &self.ru,
            "en" => &self.en,
            _ => &self.uz,
        }
    }
}

/// An item of the checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecklistItem {
    /// Number, growing.
    pub id: i64,
    /// What a decision names.
    pub reason: ModerationReason,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day, when it is known.
    pub valid_to: Option<NaiveDate>,
    /// Its texts.
    pub texts: ItemTexts,
    /// Where it stands in the law or the offer.
    pub basis: String,
    /// Which verdicts may name it; see [`VERDICTS_WITH_REASONS`].
    pub verdicts: Vec<String>,
}

impl ChecklistItem {
    /// Whether it is in force on a day.
    pub fn is_in_force(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|valid_to| day <= valid_to)
    }
}

/// All items, of all times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checklist(pub Vec<ChecklistItem>);

impl Checklist {
    /// The item of a code that is in force on a day.
    pub fn item(&self, code: &str, day: NaiveDate) -> Option<&ChecklistItem> {
        self.0
            .iter()
            .find(|item| item.reason.code() == code && item.is_in_force(day))
    }

    /// What a code meant on a day in a language; the code itself when no item says it.
    pub fn text<'a>(&'a self, code: &'a str, day: NaiveDate, language: &str) -> &'a str {
        self.item(code, day)
            .map_or(code, |item| item.texts.in_language(language))
    }

    /// Lets a verdict pass whose reasons are all in force on its day and serve it.
    pub fn check(&self, verdict: &Verdict, day: NaiveDate) -> Result<(), ReasonRefused> {
        for reason in verdict.reasons() {
            let Some(item) = self.item(reason.code(), day) else {
                return Err(ReasonRefused::NotInForce {
                    reason: reason.clone(),
                    day,
                });
            };
            if !item.verdicts.iter().any(|served| served == verdict.code()) {
                return Err(ReasonRefused::ForAnotherVerdict {
                    reason: reason.clone(),
                    verdict: verdict.code(),
                    serves: item.verdicts.join(", "),
                });
            }
        }
        Ok(())
    }
}

/// Why a reason can't be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReasonRefused {
    /// No item of the checklist has it on the day.
    #[error("no item `{reason}` of the checklist is in force on {day}")]
    NotInForce {
        /// The reason.
        reason: ModerationReason,
        /// The day of the decision.
        day: NaiveDate,
    },
    /// It serves other verdicts.
    #[error("the item `{reason}` serves {serves}, not {verdict}")]
    ForAnotherVerdict {
        /// The reason.
        reason: ModerationReason,
        /// The verdict asked for.
        verdict: &'static str,
        /// What it serves.
        serves: String,
    },
}

impl ReasonRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ReasonRefused::NotInForce { .. } => "reason_not_in_force",
            ReasonRefused::ForAnotherVerdict { .. } => "reason_for_another_verdict",
        }
    }

    /// What would do.
    pub fn limit(&self) -> Option<String> {
        match self {
            ReasonRefused::NotInForce { .. } => None,
            ReasonRefused::ForAnotherVerdict { serves, .. } => Some(serves.clone()),
        }
    }
}

/// An item as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Its code.
    pub code: String,
    /// First day: today at the earliest.
    pub valid_from: NaiveDate,
    /// Texts.
    pub texts: ItemTexts,
    /// Where it stands in the law or the offer.
    pub basis: String,
    /// Which verdicts may name it.
    pub verdicts: Vec<String>,
}

/// Why the checklist isn't changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChecklistRefused {
    /// A text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// The code.
    #[error("code is not 2 to 40 small letters, digits and `_` that begin with a letter")]
    Code,
    /// The verdicts.
    #[error("verdicts are some of reject, require_documents, withdraw, each at most once")]
    Verdicts,
    /// What was decided before can't be changed.
    #[error("{field} is {day}; today, {today}, is the earliest")]
    Past {
        /// `valid_from` or `valid_to`.
        field: &'static str,
        /// The day given.
        day: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// Two items of a code never count on one day.
    #[error("an item `{code}` is in force or to come until {}", .until.map_or_else(|| "an end is given to it".to_owned(), |day| day.to_string()))]
    CodeTaken {
        /// The code.
        code: ModerationReason,
        /// Its last day, when it has one.
        until: Option<NaiveDate>,
    },
    /// It is ended already.
    #[error("the item ends on {valid_to} already")]
    AlreadyEnded {
        /// Its last day.
        valid_to: NaiveDate,
    },
    /// It would end before it begins.
    #[error("valid_to {valid_to} lies before valid_from {valid_from}")]
    EndsBeforeItBegins {
        /// Its first day.
        valid_from: NaiveDate,
        /// The last day asked for.
        valid_to: NaiveDate,
    },
}

impl ChecklistRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ChecklistRefused::Text(refused) => refused.code(),
            ChecklistRefused::Code => "bad_code",
            ChecklistRefused::Verdicts => "unknown_value",
            ChecklistRefused::Past { .. } => "day_in_the_past",
            ChecklistRefused::CodeTaken { .. } => "checklist_code_taken",
            ChecklistRefused::AlreadyEnded { .. } => "checklist_item_ended",
            ChecklistRefused::EndsBeforeItBegins { .. } => "ends_before_it_begins",
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> &'static str {
        match self {
            ChecklistRefused::Text(refused) => refused.field(),
            ChecklistRefused::Code | ChecklistRefused::CodeTaken { .. } => "code",
            ChecklistRefused::Verdicts => "verdicts",
            ChecklistRefused::Past { field, .. } => field,
            ChecklistRefused::AlreadyEnded { .. } | ChecklistRefused::EndsBeforeItBegins { .. } => "valid_to",
        }
    }

    /// The limit that was passed, in words.
    pub fn limit(&self) -> Option<String> {
        match self {
            ChecklistRefused::Text(refused) => refused.limit(),
            ChecklistRefused::Verdicts => Some(VERDICTS_WITH_REASONS.join(", ")),
            ChecklistRefused::Past { today, .. } => Some(today.to_string()),
            _ => None,
        }
    }
}

impl NewItem {
    /// Checks an item to be added today to a checklist, and gives its code and its normalised texts.
    pub fn check(
        self,
        checklist: &Checklist,
        today: NaiveDate,
    ) -> Result<(ModerationReason, NewItem), ChecklistRefused> {
        let reason = ModerationReason::parse(&self.code).ok_or(ChecklistRefused::Code)?;
        if self.valid_from < today {
            return Err(ChecklistRefused::Past {
                field: "valid_from",
                day: self.valid_from,
                today,
            });
        }
        let mut verdicts = self.verdicts;
        let given = verdicts.len();
        verdicts.sort();
        verdicts.dedup();
        let known = verdicts
            .iter()
            .all(|verdict| VERDICTS_WITH_REASONS.contains(&verdict.as_str()));
        if verdicts.is_empty() || verdicts.len() != given || !known {
            return Err(ChecklistRefused::Verdicts);
        }
        let text = |field, raw: &str| text::required(field, raw, ITEM_CHARS_MAX);
        let texts = ItemTexts {
            uz: text("texts.uz-Latn", &self.texts.uz)?,
            uz_cyrl: text("texts.uz-Cyrl", &self.texts.uz_cyrl)?,
            ru: text("texts.ru", &self.texts.ru)?,
            en: text("texts.en", &self.texts.en)?,
        };
        let basis = text::required("basis", &self.basis, BASIS_CHARS_MAX)?;
        let taken = checklist.0.iter().find(|item| {
            item.reason == reason && item.valid_to.is_none_or(|valid_to| self.valid_from <= valid_to)
        });
        if let Some(item) = taken {
            return Err(ChecklistRefused::CodeTaken {
                code: reason,
                until: item.valid_to,
            });
        }
        Ok((
            reason,
            NewItem {
                code: self.code,
                valid_from: self.valid_from,
                texts,
                basis,
                verdicts,
            },
        ))
    }
}

impl ChecklistItem {
    /// Checks an end given today: from today on, so that what was decided stays decided by what was in force.
    pub fn check_end(&self, valid_to: NaiveDate, today: NaiveDate) -> Result<(), ChecklistRefused> {
        if let Some(valid_to) = self.valid_to {
            return Err(ChecklistRefused::AlreadyEnded { valid_to });
        }
        if valid_to < self.valid_from {
            return Err(ChecklistRefused::EndsBeforeItBegins {
                valid_from: self.valid_from,
                valid_to,
            });
        }
        if valid_to < today {
            return Err(ChecklistRefused::Past {
                field: "valid_to",
                day: valid_to,
                today,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn texts(text: &str) -> ItemTexts {
        ItemTexts {
            uz: text.into(),
            uz_cyrl: text.into(),
            ru: format!("{text} ru"),
            en: text.into(),
        }
    }

    fn item(code: &str, from: &str, to: Option<&str>, verdicts: &[&str]) -> ChecklistItem {
        ChecklistItem {
            id: 1,
            reason: ModerationReason::parse(code).unwrap(),
            valid_from: day(from),
            valid_to: to.map(day),
            texts: texts(code),
            basis: "law".into(),
            verdicts: verdicts.iter().map(|verdict| (*verdict).to_owned()).collect(),
        }
    }

    fn checklist() -> Checklist {
        Checklist(vec![
            item("alcohol", "2022-09-01", Some("2026-12-31"), &["reject"]),
            item("alcohol", "2027-01-01", None, &["reject", "withdraw"]),
            item("licence_missing", "2022-09-01", None, &["require_documents"]),
        ])
    }

    fn new(code: &str, from: &str) -> NewItem {
        NewItem {
            code: code.into(),
            valid_from: day(from),
            texts: texts("Matn"),
            basis: "ORQ-776".into(),
            verdicts: vec!["reject".into()],
        }
    }

    // orders.md §4: reasons come from a list; uzbekistan.md §8: the list is dated.
    #[test]
    fn a_reason_is_named_while_its_item_is_in_force_and_serves_the_verdict() {
        let list = checklist();
        let reasons = |code| vec![ModerationReason::parse(code).unwrap()];
        let refused =
            |verdict: Verdict, on: &str| list.check(&verdict, day(on)).map_err(|refused| refused.code());
        let reject = |code| Verdict::Reject {
            reasons: reasons(code),
        };
        assert_eq!(
            refused(reject("alcohol"), "2022-08-31"),
            Err("reason_not_in_force")
        );
        assert_eq!(refused(reject("alcohol"), "2022-09-01"), Ok(()));
        assert_eq!(
            refused(reject("tobacco"), "2026-01-01"),
            Err("reason_not_in_force")
        );
        assert_eq!(
            refused(reject("licence_missing"), "2026-01-01"),
            Err("reason_for_another_verdict")
        );
        let withdraw = Verdict::Withdraw {
            reasons: reasons("alcohol"),
        };
        assert_eq!(
            refused(withdraw.clone(), "2026-12-31"),
            Err("reason_for_another_verdict")
        );
        assert_eq!(refused(withdraw, "2027-01-01"), Ok(()));
        assert_eq!(refused(Verdict::Approve, "1999-01-01"), Ok(()));
        assert_eq!(list.text("alcohol", day("2027-01-01"), "ru"), "alcohol ru");
        assert_eq!(list.text("tobacco", day("2027-01-01"), "ru"), "tobacco");
    }

    #[test]
    fn an_item_begins_today_at_the_earliest_and_never_beside_another_of_its_code() {
        let code = |item: NewItem| {
            item.check(&checklist(), day("2026-11-02"))
                .map(|(reason, _)| reason.code().to_owned())
                .map_err(|refused| (refused.code(), refused.field()))
        };
        assert_eq!(code(new("tobacco", "2026-11-02")), Ok("tobacco".into()));
        assert_eq!(
            code(new("tobacco", "2026-11-01")),
            Err(("day_in_the_past", "valid_from"))
        );
        for from in ["2026-11-02", "2026-12-31", "2027-06-01"] {
            assert_eq!(code(new("alcohol", from)), Err(("checklist_code_taken", "code")));
        }
        assert_eq!(code(new("Tobacco", "2026-11-02")), Err(("bad_code", "code")));
        for verdicts in [vec![], vec!["approve"], vec!["reject", "reject"]] {
            let bad = NewItem {
                verdicts: verdicts.into_iter().map(str::to_owned).collect(),
                ..new("tobacco", "2026-11-02")
            };
            assert_eq!(code(bad), Err(("unknown_value", "verdicts")));
        }
        let mut silent = new("tobacco", "2026-11-02");
        silent.texts.ru = " ".into();
        assert_eq!(code(silent), Err(("missing", "texts.ru")));
        let mut baseless = new("tobacco", "2026-11-02");
        baseless.basis = "b".repeat(BASIS_CHARS_MAX + 1);
        assert_eq!(code(baseless), Err(("too_long", "basis")));
    }

    #[test]
    fn an_item_ends_once_and_not_in_the_past() {
        let open = item("quality", "2026-11-10", None, &["reject"]);
        let end = |item: &ChecklistItem, on: &str| {
            item.check_end(day(on), day("2026-11-02"))
                .map_err(|refused| refused.code())
        };
        assert_eq!(end(&open, "2026-11-10"), Ok(()));
        assert_eq!(end(&open, "2026-11-09"), Err("ends_before_it_begins"));
        let old = item("quality", "2020-01-01", None, &["reject"]);
        assert_eq!(end(&old, "2026-11-02"), Ok(()));
        assert_eq!(end(&old, "2026-11-01"), Err("day_in_the_past"));
        let ended = item("quality", "2020-01-01", Some("2026-12-31"), &["reject"]);
        assert_eq!(end(&ended, "2026-11-02"), Err("checklist_item_ended"));
    }
}

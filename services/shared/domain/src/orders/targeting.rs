//! To whom and when a media line is shown, beside its regions (orders.md §3): rubrics and search context, days of week
//! and hours, how often a day one viewer sees it.
//!
//! - **Context.** No rubric and no phrase: any. Otherwise the page's rubric is one of the rubrics, or every word of one of
//!   the phrases is among the viewer's search words. **Choice:** one match is enough, because a page has a rubric or a
//!   search, seldom both.
//! - **Schedule.** Windows such as `mon-fri 09-18` in Tashkent hours, the end not included; none: always. They are kept
//!   as 168 bits and written back in one canonical form.
//! - **Frequency cap.** At most so many impressions of the line for one viewer on one Tashkent day.
//!
//! Everything is prepared when the line is loaded, so that a decision costs a bit test and a few comparisons of 64-bit
//! hashes: [`Targeting::allows_hour`], [`Targeting::allows_context`]. Two words with one hash (64 bits of FNV-1a) would be
//! taken for one; a viewer would see an ad of another rubric, no count or sum depends on it.
//!
//! Not here: regions (`delivery::geo`), counting what a viewer saw.

use crate::calendar::{Timestamp, tashkent_time};
use chrono::{Datelike, Timelike};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The most rubrics of a line.
pub const RUBRICS_MAX: usize = 64;
/// The most search phrases of a line.
pub const PHRASES_MAX: usize = 256;
/// The most characters of a rubric or a phrase.
pub const CHARS_MAX: usize = 80;
/// The most windows that are read.
pub const WINDOWS_MAX: usize = 84;
/// The largest cap of impressions for one viewer and day.
pub const FREQUENCY_CAP_MAX: u16 = 1_000;
/// Hours of a week.
pub const HOURS: usize = 168;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Why targeting can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetingRefused {
    /// Nothing but blanks, or something that isn't a letter, digit, space, hyphen or apostrophe.
    #[error("{field}: `{given}` is not a text of letters and digits")]
    NotAText {
        /// `rubrics` or `search_phrases`.
        field: &'static str,
        /// What was given, cut.
        given: String,
    },
    /// A text that is too long.
    #[error("{field}: `{given}…` has more than {CHARS_MAX} characters")]
    TooLong {
        /// `rubrics` or `search_phrases`.
        field: &'static str,
        /// Its beginning.
        given: String,
    },
    /// More than a line may have.
    #[error("{field}: {given} were given; at most {limit} are taken")]
    TooMany {
        /// `rubrics`, `search_phrases` or `schedule`.
        field: &'static str,
        /// How many were given.
        given: usize,
        /// How many are taken.
        limit: usize,
    },
    /// One text twice.
    #[error("{field}: {given} is there twice")]
    Duplicate {
        /// `rubrics` or `search_phrases`.
        field: &'static str,
        /// Which one.
        given: String,
    },
    /// A window that isn't one.
    #[error(
        "`{given}` is not a window of the schedule: days (mon … sun, or two with a hyphen) and hours of one day, such as \
         `mon-fri 09-18` or `sun`"
    )]
    NotAWindow {
        /// What was given, cut.
        given: String,
    },
    /// A cap out of its bounds.
    #[error("the frequency cap is {given}; 1 to {FREQUENCY_CAP_MAX} are taken")]
    FrequencyCap {
        /// What was given.
        given: i64,
    },
}

impl TargetingRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            TargetingRefused::NotAText { .. } => "not_a_text",
            TargetingRefused::TooLong { .. } => "too_long",
            TargetingRefused::TooMany { .. } => "too_many",
            TargetingRefused::Duplicate { .. } => "duplicate",
            TargetingRefused::NotAWindow { .. } => "not_a_window",
            TargetingRefused::FrequencyCap { .. } => "frequency_cap_out_of_range",
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> &'static str {
        match self {
            TargetingRefused::NotAText { field, .. }
            | TargetingRefused::TooLong { field, .. }
            | TargetingRefused::TooMany { field, .. }
            | TargetingRefused::Duplicate { field, .. } => field,
            TargetingRefused::NotAWindow { .. } => "schedule",
            TargetingRefused::FrequencyCap { .. } => "frequency_cap",
        }
    }

    /// The limit that was passed, in words.
    pub fn limit(&self) -> Option<String> {
        match self {
            TargetingRefused::TooLong { .. } => Some(format!("{CHARS_MAX} characters")),
            TargetingRefused::TooMany { limit, .. } => Some(limit.to_string()),
            TargetingRefused::FrequencyCap { .. } => Some(FREQUENCY_CAP_MAX.to_string()),
            _ => None,
        }
    }
}

/// A word, rubric or phrase in the form in which two are compared: lower case, apostrophes dropped, hyphens as they are.
pub fn normal_form(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.extend(
            word.chars()
                .filter(|c| !is_apostrophe(*c))
                .flat_map(char::to_lowercase),
        );
    }
    normal
}

fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '\u{2018}' | '\u{2019}' | '`' | '\u{b4}' | '\u{2032}' | '\u{2bb}' | '\u{2bc}'
    )
}

/// 64 bits of FNV-1a of the normal form: how rubrics and words are compared in a decision.
pub fn context_hash(text: &str) -> u64 {
    normal_form(text)
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// Hours of a week in which a line is shown, Monday 00:00–01:00 first, Tashkent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeekMask([u64; 3]);

impl WeekMask {
    /// Every hour.
    pub const ALWAYS: WeekMask = WeekMask([u64::MAX, u64::MAX, (1 << 40) - 1]);
    const NEVER: WeekMask = WeekMask([0; 3]);

    /// Whether the hour of the week (0 … 167) is in it.
    pub fn has(self, hour: usize) -> bool {
        self.0
            .get(hour / 64)
            .is_some_and(|word| word >> (hour % 64) & 1 == 1)
    }

    fn add(&mut self, hour: usize) {
        if let Some(word) = self.0.get_mut(hour / 64) {
            *word |= 1 << (hour % 64);
        }
    }

    /// Reads windows; none: every hour.
    pub fn parse(windows: &[String]) -> Result<WeekMask, TargetingRefused> {
        if windows.is_empty() {
            return Ok(WeekMask::ALWAYS);
        }
        if windows.len() > WINDOWS_MAX {
            return Err(TargetingRefused::TooMany {
                field: "schedule",
                given: windows.len(),
                limit: WINDOWS_MAX,
            });
        }
        let mut mask = WeekMask::NEVER;
        for window in windows {
            let (days, hours) = window_of(window).ok_or_else(|| TargetingRefused::NotAWindow {
                given: window.chars().take(40).collect(),
            })?;
            for day in days {
                for hour in hours.clone() {
                    mask.add(day * 24 + hour);
                }
            }
        }
        Ok(mask)
    }

    /// The canonical windows: days with the same hours that follow each other in one, hours in runs; none: every hour.
    pub fn windows(self) -> Vec<String> {
        if self == WeekMask::ALWAYS {
            return Vec::new();
        }
        let runs: Vec<Vec<(usize, usize)>> = (0..7).map(|day| self.runs_of(day)).collect();
        let mut windows = Vec::new();
        let mut day = 0;
        for group in runs.chunk_by(|a, b| a == b) {
            let last = day + group.len() - 1;
            for (from, until) in group.first().into_iter().flatten() {
                let mut window = day_name(day).to_owned();
                if last > day {
                    let _ = write!(window, "-{}", day_name(last));
                }
                if (*from, *until) != (0, 24) {
                    let _ = write!(window, " {from:02}-{until:02}");
                }
                windows.push(window);
            }
            day = last + 1;
        }
        windows
    }

    fn runs_of(self, day: usize) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for hour in (0..24).filter(|hour| self.has(day * 24 + hour)) {
            match runs.last_mut() {
                Some((_, until)) if *until == hour => *until = hour + 1,
                _ => runs.push((hour, hour + 1)),
            }
        }
        runs
    }
}

fn day_name(day: usize) -> &'static str {
    DAYS.get(day).copied().unwrap_or_default()
}

fn window_of(text: &str) -> Option<(std::ops::RangeInclusive<usize>, std::ops::Range<usize>)> {
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    let mut parts = text.split_ascii_whitespace();
    let days = parts.next()?;
    let (first, last) = match days.split_once('-') {
        Some((first, last)) => (day(first)?, day(last)?),
        None => (day(days)?, day(days)?),
    };
    let hours = match parts.next() {
        None => 0..24,
        Some(hours) => {
            let (from, until) = hours.split_once('-')?;
            hour_of(from)?..hour_of(until)?
        }
    };
    (first <= last && hours.start < hours.end && hours.end <= 24 && parts.next().is_none())
        .then_some((first..=last, hours))
}

fn hour_of(text: &str) -> Option<usize> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// The hour of the week of an instant, Monday 00:00 in Tashkent being 0.
pub fn hour_of_week(at: Timestamp) -> usize {
    let local = tashkent_time(at);
    let day = usize::try_from(local.weekday().num_days_from_monday()).unwrap_or(0);
    day * 24 + usize::try_from(local.hour()).unwrap_or(0)
}

/// Checked targeting, ready for decisions. The default is: everybody, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targeting {
    rubrics: Vec<String>,
    phrases: Vec<String>,
    week: WeekMask,
    frequency_cap: Option<u16>,
    /// Sorted.
    rubric_hashes: Box<[u64]>,
    /// The words of each phrase.
    phrase_hashes: Box<[Box<[u64]>]>,
}

impl Default for Targeting {
    fn default() -> Targeting {
        Targeting {
            rubrics: Vec::new(),
            phrases: Vec::new(),
            week: WeekMask::ALWAYS,
            frequency_cap: None,
            rubric_hashes: Box::new([]),
            phrase_hashes: Box::new([]),
        }
    }
}

impl Targeting {
    /// Checks what was given. The texts are kept as typed (trimmed, one space between words), in their order.
    pub fn new(
        rubrics: &[String],
        phrases: &[String],
        schedule: &[String],
        frequency_cap: Option<i64>,
    ) -> Result<Targeting, TargetingRefused> {
        let rubrics = texts("rubrics", rubrics, RUBRICS_MAX)?;
        let phrases = texts("search_phrases", phrases, PHRASES_MAX)?;
        let week = WeekMask::parse(schedule)?;
        let frequency_cap = match frequency_cap {
            None => None,
            Some(given) => Some(
                u16::try_from(given)
                    .ok()
                    .filter(|cap| (1..=FREQUENCY_CAP_MAX).contains(cap))
                    .ok_or(TargetingRefused::FrequencyCap { given })?,
            ),
        };
        let mut rubric_hashes: Vec<u64> = rubrics.iter().map(|rubric| context_hash(rubric)).collect();
        rubric_hashes.sort_unstable();
        let phrase_hashes = phrases
            .iter()
            .map(|phrase| phrase.split(' ').map(context_hash).collect())
            .collect();
        Ok(Targeting {
            rubric_hashes: rubric_hashes.into(),
            phrase_hashes,
            rubrics,
            phrases,
            week,
            frequency_cap,
        })
    }

    /// Rubrics; none: any.
    pub fn rubrics(&self) -> &[String] {
        &self.rubrics
    }

    /// Search phrases; none: any.
    pub fn search_phrases(&self) -> &[String] {
        &self.phrases
    }

    /// Canonical windows of the schedule; none: always.
    pub fn schedule(&self) -> Vec<String> {
        self.week.windows()
    }

    /// The most impressions of the line for one viewer on one Tashkent day.
    pub fn frequency_cap(&self) -> Option<u16> {
        self.frequency_cap
    }

    /// Whether nobody is left out.
    pub fn is_everybody(&self) -> bool {
        *self == Targeting::default()
    }

    /// Whether a rubric or phrase must match.
    pub fn has_context(&self) -> bool {
        !self.rubric_hashes.is_empty() || !self.phrase_hashes.is_empty()
    }

    /// The hashes under which a line with a context is looked up: each rubric, and the first word of each phrase. A page
    /// that has none of them doesn't match.
    pub fn context_keys(&self) -> impl Iterator<Item = u64> + '_ {
        let words = self.phrase_hashes.iter().filter_map(|words| words.first());
        self.rubric_hashes.iter().chain(words).copied()
    }

    /// Whether the schedule holds this hour of the week ([`hour_of_week`]).
    pub fn allows_hour(&self, hour_of_week: usize) -> bool {
        self.week.has(hour_of_week)
    }

    /// Whether the context fits: [`context_hash`]es of the page's rubric and of each search word.
    pub fn allows_context(&self, rubric: Option<u64>, words: &[u64]) -> bool {
        !self.has_context()
            || rubric.is_some_and(|rubric| self.rubric_hashes.binary_search(&rubric).is_ok())
            || (!words.is_empty()
                && self
                    .phrase_hashes
                    .iter()
                    .any(|phrase| phrase.iter().all(|word| words.contains(word))))
    }

    /// Whether the line may be shown at an instant beside this rubric and these search words. The frequency cap needs
    /// what the viewer saw and is not judged here.
    pub fn allows(&self, at: Timestamp, rubric: Option<&str>, search: &str) -> bool {
        let words: Vec<u64> = search.split_whitespace().map(context_hash).collect();
        self.allows_hour(hour_of_week(at)) && self.allows_context(rubric.map(context_hash), &words)
    }
}

fn texts(field: &'static str, given: &[String], limit: usize) -> Result<Vec<String>, TargetingRefused> {
    if given.len() > limit {
        return Err(TargetingRefused::TooMany {
            field,
            given: given.len(),
            limit,
        });
    }
    let mut seen = BTreeSet::new();
    let mut kept = Vec::with_capacity(given.len());
    for text in given {
        let cut = || text.chars().take(40).collect::<String>();
        if text.chars().count() > CHARS_MAX {
            return Err(TargetingRefused::TooLong { field, given: cut() });
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let plain = words.join(" ");
        let is_text = plain
            .chars()
            .all(|c| c.is_alphanumeric() || c == ' ' || c == '-' || is_apostrophe(c))
            && words.iter().all(|word| word.chars().any(char::is_alphanumeric));
        if plain.is_empty() || !is_text {
            return Err(TargetingRefused::NotAText { field, given: cut() });
        }
        if !seen.insert(normal_form(&plain)) {
            return Err(TargetingRefused::Duplicate { field, given: plain });
        }
        kept.push(plain);
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::at_tashkent;
    use proptest::prelude::*;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn at(text: &str) -> Timestamp {
        at_tashkent(text.parse().unwrap())
    }

    // orders.md §3: days of week and hours, Tashkent.
    #[test]
    fn a_schedule_holds_its_hours_in_tashkent_and_no_other() {
        let targeting = Targeting::new(&[], &[], &list(&["mon-fri 09-18", "sun"]), None).unwrap();
        for (instant, allowed) in [
            ("2026-11-02T08:59:59", false),
            ("2026-11-02T09:00:00", true),
            ("2026-11-06T17:59:59", true),
            ("2026-11-06T18:00:00", false),
            ("2026-11-07T12:00:00", false),
            ("2026-11-08T00:00:00", true),
            ("2026-11-08T23:59:59", true),
        ] {
            assert_eq!(targeting.allows(at(instant), None, ""), allowed, "{instant}");
        }
        // 18:59 in Tashkent is 13:59 UTC: the wall clock of Tashkent counts.
        assert!(!targeting.allows("2026-11-02T13:59:00Z".parse().unwrap(), None, ""));
    }

    #[test]
    fn windows_are_written_in_one_form() {
        for (given, canonical) in [
            (&["mon 9-12", "mon 12-18"][..], &["mon 09-18"][..]),
            (&["tue 09-18", "mon 09-18", "wed 09-18 "], &["mon-wed 09-18"]),
            (&["mon-sun"], &[]),
            (&["mon-sun 00-24"], &[]),
            (&["sat-sun", "mon 00-01"], &["mon 00-01", "sat-sun"]),
            (
                &["mon-tue 08-10", "mon-tue 20-22"],
                &["mon-tue 08-10", "mon-tue 20-22"],
            ),
        ] {
            assert_eq!(WeekMask::parse(&list(given)).unwrap().windows(), list(canonical));
        }
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in [
            "",
            "monday",
            "mon 9",
            "mon 18-9",
            "mon 9-9",
            "mon 0-25",
            "fri-mon",
            "mon 09-18 x",
            "mon -1-5",
            "09-18",
            "mon 1e1-12",
            "mon 009-12",
        ] {
            let refused = Targeting::new(&[], &[], &list(&[text]), None).unwrap_err();
            assert_eq!(
                (refused.code(), refused.field()),
                ("not_a_window", "schedule"),
                "{text}"
            );
        }
        let many = vec!["mon".to_owned(); WINDOWS_MAX + 1];
        assert_eq!(
            Targeting::new(&[], &[], &many, None).unwrap_err().code(),
            "too_many"
        );
    }

    // orders.md §3: rubrics / search context (empty = any).
    #[test]
    fn a_rubric_or_all_words_of_a_phrase_match() {
        let targeting = Targeting::new(
            &list(&["Restoranlar", "Kafe va choyxonalar"]),
            &list(&["milliy taom", "oʻsh"]),
            &[],
            None,
        )
        .unwrap();
        let noon = at("2026-11-02T12:00:00");
        for (rubric, search, allowed) in [
            (Some("restoranlar"), "", true),
            (Some("KAFE  VA  CHOYXONALAR"), "", true),
            (Some("Avto"), "", false),
            (None, "", false),
            (None, "Taom milliy yetkazib berish", true),
            (None, "milliy kiyim", false),
            (Some("Avto"), "O'SH", true),
        ] {
            assert_eq!(
                targeting.allows(noon, rubric, search),
                allowed,
                "{rubric:?} {search}"
            );
        }
        assert!(Targeting::default().allows(noon, Some("Avto"), "anything"));
    }

    #[test]
    fn texts_that_say_nothing_twice_or_too_much_are_refused() {
        let long = "x".repeat(CHARS_MAX + 1);
        for (rubrics, code) in [
            (vec![" ".to_owned()], "not_a_text"),
            (vec!["-".to_owned()], "not_a_text"),
            (vec!["<b>".to_owned()], "not_a_text"),
            (vec!["a\u{0}".to_owned()], "not_a_text"),
            (vec![long], "too_long"),
            (list(&["Avto", "avto "]), "duplicate"),
            ((0..=RUBRICS_MAX).map(|n| format!("r{n}")).collect(), "too_many"),
        ] {
            let refused = Targeting::new(&rubrics, &[], &[], None).unwrap_err();
            assert_eq!((refused.code(), refused.field()), (code, "rubrics"));
            let refused = Targeting::new(&[], &list(&["<"]), &[], None).unwrap_err();
            assert_eq!(refused.field(), "search_phrases");
        }
    }

    // orders.md §3: frequency cap per viewer and day (optional).
    #[test]
    fn a_cap_is_one_to_a_thousand() {
        for given in [i64::MIN, -1, 0, 1_001, i64::MAX] {
            let refused = Targeting::new(&[], &[], &[], Some(given)).unwrap_err();
            assert_eq!(refused.code(), "frequency_cap_out_of_range", "{given}");
        }
        for given in [1, 1_000] {
            let cap = Targeting::new(&[], &[], &[], Some(given))
                .unwrap()
                .frequency_cap();
            assert_eq!(cap.map(i64::from), Some(given));
        }
    }

    proptest! {
        #[test]
        fn a_schedule_reads_back(hours in proptest::collection::btree_set(0usize..HOURS, 1..HOURS)) {
            let mut mask = WeekMask::NEVER;
            for hour in &hours {
                mask.add(*hour);
            }
            let windows = mask.windows();
            prop_assert!(windows.len() <= WINDOWS_MAX);
            prop_assert_eq!(WeekMask::parse(&windows).unwrap(), mask);
            for hour in 0..HOURS {
                prop_assert_eq!(mask.has(hour), hours.contains(&hour));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,100}") {
            let texts = [text];
            let _ = Targeting::new(&texts, &texts, &texts, Some(1));
        }
    }
}

//! What the mail with a document says, in the four languages of documents.

mod settlement;

pub use settlement::{act_reminder, reconciliation_act, refund, refund_refused};

use namoyish_documents::Language;
use namoyish_domain::calendar::ReportingPeriod;

/// Subject and plain text of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailText {
    /// Subject.
    pub subject: String,
    /// Body.
    pub body: String,
}

/// The mail that brings a primary document [003 §5.7, §5.9].
pub fn primary_document(
    language: Language,
    number: &str,
    period: ReportingPeriod,
    operator: &str,
) -> MailText {
    let next = period.next();
    let last_day = format!("20.{:02}.{:04}", next.month(), next.year());
    let (subject, body) = match language {
        Language::UzLatn => (
            format!("{number}-sonli birlamchi hujjat, {period}"),
            format!(
                "Assalomu alaykum!\n\n{period} hisobot davri uchun {number}-sonli birlamchi hujjat ilova qilinmoqda (PDF va XLSX).\n\
                 Yozma eʼtirozlar {last_day} kuni oxirigacha qabul qilinadi; eʼtiroz boʻlmasa, xizmatlar toʻliq qabul qilingan hisoblanadi.\n\n{operator}\n"
            ),
        ),
        Language::UzCyrl => (
            format!("{number}-сонли бирламчи ҳужжат, {period}"),
            format!(
                "Ассалому алайкум!\n\n{period} ҳисобот даври учун {number}-сонли бирламчи ҳужжат илова қилинмоқда (PDF ва XLSX).\n\
                 Ёзма эътирозлар {last_day} куни охиригача қабул қилинади; эътироз бўлмаса, хизматлар тўлиқ қабул қилинган ҳисобланади.\n\n{operator}\n"
            ),
        ),
        Language::Ru => (
            format!("Первичный документ № {number} за {period}"),
            format!(
                "Здравствуйте!\n\nВо вложении первичный документ № {number} за отчётный период {period} (PDF и XLSX).\n\
                 Письменные возражения принимаются до конца дня {last_day}; без возражений услуги считаются принятыми полностью.\n\n{operator}\n"
            ),
        ),
        Language::En => (
            format!("Primary document {number} for {period}"),
            format!(
                "Hello,\n\nattached is primary document {number} for the reporting period {period} (PDF and XLSX).\n\
                 Written objections are accepted through the end of {last_day}; without one the services are accepted in full.\n\n{operator}\n"
            ),
        ),
    };
    MailText { subject, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_names_the_document_and_the_last_day_of_objections() {
        let december = ReportingPeriod::parse("2026-12").unwrap();
        for language in [Language::UzLatn, Language::UzCyrl, Language::Ru, Language::En] {
            let text = primary_document(language, "BH-2027-000001", december, "Namoyish MChJ");
            assert!(text.subject.contains("BH-2027-000001"), "{language:?}");
            assert!(
                text.body.contains("20.01.2027") && text.body.contains("Namoyish MChJ"),
                "{language:?}"
            );
        }
    }
}

//! What the mails with a correction and with a claim of penalty say, in the four languages of documents.

use chrono::NaiveDate;
use namoyish_documents::{Language, format_date};
use namoyish_domain::calendar::ReportingPeriod;

/// Subject and plain text of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailText {
    /// Subject.
    pub subject: String,
    /// Body.
    pub body: String,
}

/// The mail that brings a correcting document. `corrects`: number of the primary document.
pub fn correction(
    language: Language,
    number: &str,
    corrects: &str,
    period: ReportingPeriod,
    operator: &str,
) -> MailText {
    let (subject, body) = match language {
        Language::UzLatn => (
            format!("{number}-sonli tuzatuvchi hujjat, {period}"),
            format!(
                "Assalomu alaykum!\n\n{period} hisobot davrining {corrects}-sonli birlamchi hujjatiga {number}-sonli tuzatuvchi hujjat ilova qilinmoqda (PDF va XLSX).\n\n{operator}\n"
            ),
        ),
        Language::UzCyrl => (
            format!("{number}-сонли тузатувчи ҳужжат, {period}"),
            format!(
                "Ассалому алайкум!\n\n{period} ҳисобот даврининг {corrects}-сонли бирламчи ҳужжатига {number}-сонли тузатувчи ҳужжат илова қилинмоқда (PDF ва XLSX).\n\n{operator}\n"
            ),
        ),
        Language::Ru => (
            format!("Корректировочный документ № {number} за {period}"),
            format!(
                "Здравствуйте!\n\nВо вложении корректировочный документ № {number} к первичному документу № {corrects} за отчётный период {period} (PDF и XLSX).\n\n{operator}\n"
            ),
        ),
        Language::En => (
            format!("Correcting document {number} for {period}"),
            format!(
                "Hello,\n\nattached is correcting document {number} to primary document {corrects} of the reporting period {period} (PDF and XLSX).\n\n{operator}\n"
            ),
        ),
    };
    MailText { subject, body }
}

/// The mail that brings a claim of late penalty.
pub fn penalty_claim(
    language: Language,
    number: &str,
    invoice: &str,
    due_on: NaiveDate,
    operator: &str,
) -> MailText {
    let due = format_date(due_on, language);
    let (subject, body) = match language {
        Language::UzLatn => (
            format!("{number}-sonli jarima talabnomasi"),
            format!(
                "Assalomu alaykum!\n\n{invoice}-sonli hisob kechiktirib toʻlangani uchun {number}-sonli jarima talabnomasi ilova qilinmoqda (PDF va XLSX). Toʻlov muddati: {due} gacha (shu kun ham kiradi).\n\n{operator}\n"
            ),
        ),
        Language::UzCyrl => (
            format!("{number}-сонли жарима талабномаси"),
            format!(
                "Ассалому алайкум!\n\n{invoice}-сонли ҳисоб кечиктириб тўлангани учун {number}-сонли жарима талабномаси илова қилинмоқда (PDF ва XLSX). Тўлов муддати: {due} гача (шу кун ҳам киради).\n\n{operator}\n"
            ),
        ),
        Language::Ru => (
            format!("Требование об уплате пени № {number}"),
            format!(
                "Здравствуйте!\n\nВо вложении требование № {number} об уплате пени за просрочку оплаты счёта № {invoice} (PDF и XLSX). Срок уплаты: до {due} включительно.\n\n{operator}\n"
            ),
        ),
        Language::En => (
            format!("Penalty claim {number}"),
            format!(
                "Hello,\n\nattached is penalty claim {number} for the late payment of invoice {invoice} (PDF and XLSX). It is to be paid by {due} inclusive.\n\n{operator}\n"
            ),
        ),
    };
    MailText { subject, body }
}

//! Mails about refunds and reconciliation acts (billing.md §7–§8).

use super::MailText;
use chrono::NaiveDate;
use namoyish_documents::{Language, format_date, format_money};
use namoyish_domain::billing::reconciliation_act::Interval;
use namoyish_domain::billing::refund::RefundRefused;
use namoyish_domain::money::Money;

fn text(subject: String, body: String) -> MailText {
    MailText { subject, body }
}

/// The mail that says how much is refunded and until when.
pub fn refund(
    language: Language,
    number: &str,
    amount: Money,
    due_on: NaiveDate,
    operator: &str,
) -> MailText {
    let sum = format_money(amount, language);
    let due = format_date(due_on, language);
    match language {
        Language::UzLatn => text(
            format!("{number}-sonli avansni qaytarish hisob-kitobi"),
            format!(
                "Assalomu alaykum!\n\nSoʻrovingiz boʻyicha {sum} soʻm qaytariladi, muddati: {due}. {number}-sonli hisob-kitob ilova qilinmoqda (PDF va XLSX).\n\
                 Mablagʻ faqat oʻz hisob raqamingizga oʻtkaziladi.\n\n{operator}\n"
            ),
        ),
        Language::UzCyrl => text(
            format!("{number}-сонли авансни қайтариш ҳисоб-китоби"),
            format!(
                "Ассалому алайкум!\n\nСўровингиз бўйича {sum} сўм қайтарилади, муддати: {due}. {number}-сонли ҳисоб-китоб илова қилинмоқда (PDF ва XLSX).\n\
                 Маблағ фақат ўз ҳисоб рақамингизга ўтказилади.\n\n{operator}\n"
            ),
        ),
        Language::Ru => text(
            format!("Расчёт возврата аванса № {number}"),
            format!(
                "Здравствуйте!\n\nПо вашему заявлению будет возвращено {sum} сум, срок: {due}. Во вложении расчёт № {number} (PDF и XLSX).\n\
                 Деньги переводятся только на ваш собственный расчётный счёт.\n\n{operator}\n"
            ),
        ),
        Language::En => text(
            format!("Refund of advance {number}"),
            format!(
                "Hello,\n\n{sum} soʻm will be refunded as you asked, by {due}. Attached is refund {number} (PDF and XLSX).\n\
                 The money goes to your own settlement account only.\n\n{operator}\n"
            ),
        ),
    }
}

/// The mail that says why a request came to nothing.
pub fn refund_refused(
    language: Language,
    requested_on: NaiveDate,
    refused: &RefundRefused,
    operator: &str,
) -> MailText {
    let day = format_date(requested_on, language);
    let debt = match refused {
        RefundRefused::CustomerHasDebt { debt } => Some(format_money(*debt, language)),
        _ => None,
    };
    let account = matches!(refused, RefundRefused::NoSettlementAccount);
    match language {
        Language::UzLatn => {
            let why = match (debt, account) {
                (Some(debt), _) => format!("shartnomalar boʻyicha {debt} soʻm qarzingiz bor"),
                (None, true) => "hisob raqamingiz koʻrsatilmagan".to_owned(),
                (None, false) => "qaytariladigan avans yoʻq".to_owned(),
            };
            text(
                format!("{day} dagi qaytarish soʻrovi rad etildi"),
                format!("Assalomu alaykum!\n\n{day} dagi soʻrovingiz rad etildi: {why}.\n\n{operator}\n"),
            )
        }
        Language::UzCyrl => {
            let why = match (debt, account) {
                (Some(debt), _) => format!("шартномалар бўйича {debt} сўм қарзингиз бор"),
                (None, true) => "ҳисоб рақамингиз кўрсатилмаган".to_owned(),
                (None, false) => "қайтариладиган аванс йўқ".to_owned(),
            };
            text(
                format!("{day} даги қайтариш сўрови рад этилди"),
                format!("Ассалому алайкум!\n\n{day} даги сўровингиз рад этилди: {why}.\n\n{operator}\n"),
            )
        }
        Language::Ru => {
            let why = match (debt, account) {
                (Some(debt), _) => format!("у вас есть задолженность по договорам: {debt} сум"),
                (None, true) => "не указан ваш расчётный счёт".to_owned(),
                (None, false) => "возвращать нечего".to_owned(),
            };
            text(
                format!("В возврате по заявлению от {day} отказано"),
                format!("Здравствуйте!\n\nПо вашему заявлению от {day} отказано: {why}.\n\n{operator}\n"),
            )
        }
        Language::En => {
            let why = match (debt, account) {
                (Some(debt), _) => format!("you owe {debt} soʻm under your contracts"),
                (None, true) => "your settlement account is not known".to_owned(),
                (None, false) => "there is nothing to refund".to_owned(),
            };
            text(
                format!("The refund asked for on {day} was refused"),
                format!("Hello,\n\nyour request of {day} was refused: {why}.\n\n{operator}\n"),
            )
        }
    }
}

/// The mail that brings a reconciliation act [003 §5.14–5.15].
pub fn reconciliation_act(language: Language, number: &str, interval: Interval, operator: &str) -> MailText {
    let first = format_date(interval.first_day, language);
    let last = format_date(interval.last_day, language);
    match language {
        Language::UzLatn => text(
            format!("{number}-sonli solishtirish dalolatnomasi, {first}–{last}"),
            format!(
                "Assalomu alaykum!\n\n{first}–{last} davri uchun {number}-sonli hisob-kitoblarni solishtirish dalolatnomasi ilova qilinmoqda (PDF va XLSX).\n\
                 Iltimos, ikki nusxada chop etib, solishtiring, imzolang va 5 ish kuni ichida qaytaring.\n\n{operator}\n"
            ),
        ),
        Language::UzCyrl => text(
            format!("{number}-сонли солиштириш далолатномаси, {first}–{last}"),
            format!(
                "Ассалому алайкум!\n\n{first}–{last} даври учун {number}-сонли ҳисоб-китобларни солиштириш далолатномаси илова қилинмоқда (PDF ва XLSX).\n\
                 Илтимос, икки нусхада чоп этиб, солиштиринг, имзоланг ва 5 иш куни ичида қайтаринг.\n\n{operator}\n"
            ),
        ),
        Language::Ru => text(
            format!("Акт сверки № {number} за {first}–{last}"),
            format!(
                "Здравствуйте!\n\nВо вложении акт сверки взаимных расчётов № {number} за период {first}–{last} (PDF и XLSX).\n\
                 Просим распечатать его в двух экземплярах, сверить, подписать и вернуть в течение 5 рабочих дней.\n\n{operator}\n"
            ),
        ),
        Language::En => text(
            format!("Reconciliation act {number} for {first}–{last}"),
            format!(
                "Hello,\n\nattached is reconciliation act {number} for {first}–{last} (PDF and XLSX).\n\
                 Please print it in two copies, compare, sign and return it within 5 business days.\n\n{operator}\n"
            ),
        ),
    }
}

/// The reminder of an act that didn't come back.
pub fn act_reminder(language: Language, number: &str, due: NaiveDate, operator: &str) -> MailText {
    let day = format_date(due, language);
    match language {
        Language::UzLatn => text(
            format!("Eslatma: {number}-sonli solishtirish dalolatnomasi"),
            format!(
                "Assalomu alaykum!\n\n{number}-sonli solishtirish dalolatnomasini imzolangan holda {day} gacha qaytarish kerak edi. Uni yana ilova qilmoqdamiz.\n\n{operator}\n"
            ),
        ),
        Language::UzCyrl => text(
            format!("Эслатма: {number}-сонли солиштириш далолатномаси"),
            format!(
                "Ассалому алайкум!\n\n{number}-сонли солиштириш далолатномасини имзоланган ҳолда {day} гача қайтариш керак эди. Уни яна илова қилмоқдамиз.\n\n{operator}\n"
            ),
        ),
        Language::Ru => text(
            format!("Напоминание: акт сверки № {number}"),
            format!(
                "Здравствуйте!\n\nПодписанный акт сверки № {number} следовало вернуть до {day}. Прилагаем его ещё раз.\n\n{operator}\n"
            ),
        ),
        Language::En => text(
            format!("Reminder: reconciliation act {number}"),
            format!(
                "Hello,\n\nthe signed reconciliation act {number} was due back by {day}. It is attached once more.\n\n{operator}\n"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_says_the_sum_the_day_and_the_reason() {
        let day: NaiveDate = "2026-05-02".parse().unwrap();
        let sum = Money::parse("2016000.00").unwrap();
        for language in Language::ALL {
            let told = refund(language, "QT-2026-000001", sum, day, "Namoyish MChJ");
            assert!(told.body.contains(&format_money(sum, language)), "{told:?}");
            assert!(told.body.contains(&format_date(day, language)), "{told:?}");
            let refused = RefundRefused::CustomerHasDebt { debt: sum };
            let told = refund_refused(language, day, &refused, "Namoyish MChJ");
            assert!(told.body.contains(&format_money(sum, language)), "{told:?}");
            for refused in [RefundRefused::NoSettlementAccount, RefundRefused::NothingToRefund] {
                assert_ne!(refund_refused(language, day, &refused, "N").body, told.body);
            }
            let interval = Interval::before_end(day);
            let told = reconciliation_act(language, "SD-2026-000001", interval, "Namoyish MChJ");
            assert!(
                told.subject.contains("SD-2026-000001") && told.body.contains('5'),
                "{told:?}"
            );
            let told = act_reminder(language, "SD-2026-000001", day, "Namoyish MChJ");
            assert!(told.body.contains(&format_date(day, language)), "{told:?}");
        }
    }
}

//! The words of notices in the four languages: a subject and a sentence or two, each a whole sentence of its language.

use super::Notice;
use chrono::NaiveDate;
use namoyish_domain::money::Money;

/// A subject and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    UzLatn,
    UzCyrl,
    Ru,
    En,
}

impl Language {
    /// By its code; what isn't known is read in the office language.
    fn of(code: &str) -> Language {
        match code {
            "uz-Cyrl" => Language::UzCyrl,
            "ru" => Language::Ru,
            "en" => Language::En,
            _ => Language::UzLatn,
        }
    }
}

impl Notice {
    /// Subject and text in a language by its code ("uz-Latn", "uz-Cyrl", "ru", "en").
    pub fn letter(&self, language: &str) -> Letter {
        let (subject, body) = self.words(Language::of(language));
        Letter {
            subject,
            body: body.trim_end().to_owned(),
        }
    }

    fn words(&self, language: Language) -> (String, String) {
        match self {
            Notice::Interrupted {
                order,
                force_majeure,
                from,
                until,
            } => interrupted(language, order, *force_majeure, *from, *until),
            Notice::RulesEditionPublished {
                number,
                in_force_from,
            } => {
                let in_force_from = date(*in_force_from);
                match language {
                    Language::UzLatn => (
                        format!("Qoidalarning {number}-tahriri"),
                        format!(
                            "Qoidalarning {number}-tahriri eʼlon qilindi. U {in_force_from} kunidan kuchga kiradi. Amaldagi shartnomalaringizda imzolash kunidagi tahrir saqlanadi."
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("Қоидаларнинг {number}-таҳрири"),
                        format!(
                            "Қоидаларнинг {number}-таҳрири эълон қилинди. У {in_force_from} кунидан кучга киради. Амалдаги шартномаларингизда имзолаш кунидаги таҳрир сақланади."
                        ),
                    ),
                    Language::Ru => (
                        format!("Редакция № {number} правил"),
                        format!(
                            "Опубликована редакция № {number} правил. Она вступает в силу {in_force_from}. В ваших действующих договорах остаётся редакция дня подписания."
                        ),
                    ),
                    Language::En => (
                        format!("Edition {number} of the rules"),
                        format!(
                            "Edition {number} of the rules is published. It is in force from {in_force_from}. Your contracts keep the edition of the day on which they were signed."
                        ),
                    ),
                }
            }
            Notice::DocumentExpires {
                document,
                line,
                expires_on,
            } => {
                let expires_on = date(*expires_on);
                match language {
                    Language::UzLatn => (
                        format!("Hujjat muddati tugamoqda: {document}"),
                        format!(
                            "{document} hujjatining muddati {expires_on} kuni tugaydi. Yangisi taqdim etilmasa, {line} qatori ertasi kundan koʻrsatilmaydi."
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("Ҳужжат муддати тугамоқда: {document}"),
                        format!(
                            "{document} ҳужжатининг муддати {expires_on} куни тугайди. Янгиси тақдим этилмаса, {line} қатори эртаси кундан кўрсатилмайди."
                        ),
                    ),
                    Language::Ru => (
                        format!("Истекает срок документа: {document}"),
                        format!(
                            "Срок документа «{document}» истекает {expires_on}. Без нового документа строка {line} со следующего дня не показывается."
                        ),
                    ),
                    Language::En => (
                        format!("A document is about to expire: {document}"),
                        format!(
                            "The document “{document}” expires on {expires_on}. Without a new one, line {line} is not served from the next day on."
                        ),
                    ),
                }
            }
            Notice::DocumentExpired {
                document,
                line,
                expired_on,
            } => {
                let expired_on = date(*expired_on);
                match language {
                    Language::UzLatn => (
                        format!("Hujjat muddati tugadi: {document}"),
                        format!(
                            "{document} hujjatining muddati {expired_on} kuni tugadi. {line} qatori yangi hujjat tasdiqlanguncha koʻrsatilmaydi."
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("Ҳужжат муддати тугади: {document}"),
                        format!(
                            "{document} ҳужжатининг муддати {expired_on} куни тугади. {line} қатори янги ҳужжат тасдиқлангунча кўрсатилмайди."
                        ),
                    ),
                    Language::Ru => (
                        format!("Срок документа истёк: {document}"),
                        format!(
                            "Срок документа «{document}» истёк {expired_on}. Строка {line} не показывается, пока не принят новый документ."
                        ),
                    ),
                    Language::En => (
                        format!("A document has expired: {document}"),
                        format!(
                            "The document “{document}” expired on {expired_on}. Line {line} is not served until a new one is accepted."
                        ),
                    ),
                }
            }
            Notice::DocumentRevoked { document, line } => match language {
                Language::UzLatn => (
                    format!("Hujjat bekor qilingan: {document}"),
                    format!("{document} hujjati bekor qilingani qayd etildi. {line} qatori koʻrsatilmaydi."),
                ),
                Language::UzCyrl => (
                    format!("Ҳужжат бекор қилинган: {document}"),
                    format!("{document} ҳужжати бекор қилингани қайд этилди. {line} қатори кўрсатилмайди."),
                ),
                Language::Ru => (
                    format!("Документ отозван: {document}"),
                    format!("Отмечено, что документ «{document}» отозван. Строка {line} не показывается."),
                ),
                Language::En => (
                    format!("A document is revoked: {document}"),
                    format!("The document “{document}” is recorded as revoked. Line {line} is not served."),
                ),
            },
            Notice::DocumentsRequired {
                material,
                due_on,
                comment,
            } => {
                let due_on = date(*due_on);
                match language {
                    Language::UzLatn => (
                        format!("Hujjatlar kerak: {material}"),
                        format!(
                            "“{material}” reklama materiali uchun litsenziya yoki sertifikat nusxalarini {due_on} kuni oxirigacha taqdim eting. {comment}"
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("Ҳужжатлар керак: {material}"),
                        format!(
                            "“{material}” реклама материали учун лицензия ёки сертификат нусхаларини {due_on} куни охиригача тақдим этинг. {comment}"
                        ),
                    ),
                    Language::Ru => (
                        format!("Нужны документы: {material}"),
                        format!(
                            "Для рекламного материала «{material}» представьте копии лицензий или сертификатов до конца дня {due_on}. {comment}"
                        ),
                    ),
                    Language::En => (
                        format!("Documents are required: {material}"),
                        format!(
                            "Please hand in copies of the licences or certificates for the ad material “{material}” by the end of {due_on}. {comment}"
                        ),
                    ),
                }
            }
            Notice::DocumentsOverdue { material, due_on } => {
                let due_on = date(*due_on);
                match language {
                    Language::UzLatn => (
                        format!("Hujjatlar taqdim etilmadi: {material}"),
                        format!(
                            "“{material}” reklama materiali uchun hujjatlar {due_on} kunigacha kelmadi. Material ular tasdiqlanguncha koʻrsatilmaydi."
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("Ҳужжатлар тақдим этилмади: {material}"),
                        format!(
                            "“{material}” реклама материали учун ҳужжатлар {due_on} кунигача келмади. Материал улар тасдиқлангунча кўрсатилмайди."
                        ),
                    ),
                    Language::Ru => (
                        format!("Документы не представлены: {material}"),
                        format!(
                            "Документы для рекламного материала «{material}» не поступили до {due_on}. Материал не показывается, пока они не приняты."
                        ),
                    ),
                    Language::En => (
                        format!("Documents are overdue: {material}"),
                        format!(
                            "The documents for the ad material “{material}” did not arrive by {due_on}. It is not shown until they are accepted."
                        ),
                    ),
                }
            }
            Notice::MaterialApproved { material, line } => match language {
                Language::UzLatn => (
                    format!("Material tasdiqlandi: {material}"),
                    format!("{line} qatorining “{material}” reklama materiali tasdiqlandi."),
                ),
                Language::UzCyrl => (
                    format!("Материал тасдиқланди: {material}"),
                    format!("{line} қаторининг “{material}” реклама материали тасдиқланди."),
                ),
                Language::Ru => (
                    format!("Материал одобрен: {material}"),
                    format!("Рекламный материал «{material}» строки {line} одобрен."),
                ),
                Language::En => (
                    format!("Material approved: {material}"),
                    format!("The ad material “{material}” of line {line} is approved."),
                ),
            },
            Notice::MaterialRejected {
                material,
                line,
                comment,
            } => match language {
                Language::UzLatn => (
                    format!("Material rad etildi: {material}"),
                    format!(
                        "{line} qatorining “{material}” reklama materiali rad etildi. {comment} Sabablar shaxsiy kabinetda."
                    ),
                ),
                Language::UzCyrl => (
                    format!("Материал рад этилди: {material}"),
                    format!(
                        "{line} қаторининг “{material}” реклама материали рад этилди. {comment} Сабаблар шахсий кабинетда."
                    ),
                ),
                Language::Ru => (
                    format!("Материал отклонён: {material}"),
                    format!(
                        "Рекламный материал «{material}» строки {line} отклонён. {comment} Причины указаны в личном кабинете."
                    ),
                ),
                Language::En => (
                    format!("Material rejected: {material}"),
                    format!(
                        "The ad material “{material}” of line {line} is rejected. {comment} The reasons are in the cabinet."
                    ),
                ),
            },
            Notice::ApprovalWithdrawn {
                material,
                line,
                comment,
            } => match language {
                Language::UzLatn => (
                    format!("Tasdiq qaytarib olindi: {material}"),
                    format!(
                        "{line} qatorining “{material}” reklama materiali endi koʻrsatilmaydi: tasdiq qaytarib olindi. {comment}"
                    ),
                ),
                Language::UzCyrl => (
                    format!("Тасдиқ қайтариб олинди: {material}"),
                    format!(
                        "{line} қаторининг “{material}” реклама материали энди кўрсатилмайди: тасдиқ қайтариб олинди. {comment}"
                    ),
                ),
                Language::Ru => (
                    format!("Одобрение отозвано: {material}"),
                    format!(
                        "Рекламный материал «{material}» строки {line} больше не показывается: одобрение отозвано. {comment}"
                    ),
                ),
                Language::En => (
                    format!("Approval withdrawn: {material}"),
                    format!(
                        "The ad material “{material}” of line {line} is not shown any more: its approval is withdrawn. {comment}"
                    ),
                ),
            },
            Notice::TermMoved {
                line,
                first_day,
                last_day,
            } => {
                let first_day = date(*first_day);
                let last_day = date(*last_day);
                match language {
                    Language::UzLatn => (
                        format!("{line} qatori muddati oʻzgardi"),
                        format!("{line} qatorining muddati endi {first_day} – {last_day}."),
                    ),
                    Language::UzCyrl => (
                        format!("{line} қатори муддати ўзгарди"),
                        format!("{line} қаторининг муддати энди {first_day} – {last_day}."),
                    ),
                    Language::Ru => (
                        format!("Срок строки {line} перенесён"),
                        format!("Срок строки {line} теперь {first_day} – {last_day}."),
                    ),
                    Language::En => (
                        format!("The term of line {line} has moved"),
                        format!("The term of line {line} is now {first_day} to {last_day}."),
                    ),
                }
            }
            Notice::BudgetIncreased { line, budget } => {
                let budget = grouped(*budget);
                match language {
                    Language::UzLatn => (
                        format!("{line} qatori byudjeti oshirildi"),
                        format!("{line} qatorining yangi byudjeti {budget} soʻm va u hozirdan kuchda."),
                    ),
                    Language::UzCyrl => (
                        format!("{line} қатори бюджети оширилди"),
                        format!("{line} қаторининг янги бюджети {budget} сўм ва у ҳозирдан кучда."),
                    ),
                    Language::Ru => (
                        format!("Бюджет строки {line} увеличен"),
                        format!("Новый бюджет строки {line} — {budget} сум, он уже действует."),
                    ),
                    Language::En => (
                        format!("The budget of line {line} is increased"),
                        format!("The new budget of line {line} is {budget} soʻm and is in force now."),
                    ),
                }
            }
            Notice::BudgetIncreaseInvoiced {
                line,
                invoice,
                amount,
                due_on,
            } => {
                let amount = grouped(*amount);
                let due_on = date(*due_on);
                match language {
                    Language::UzLatn => (
                        format!("Byudjetni oshirish uchun hisob {invoice}"),
                        format!(
                            "{line} qatori byudjetini oshirish uchun {amount} soʻmlik {invoice} hisobini {due_on} kuni oxirigacha toʻlang. Toʻlanmasa, soʻrov bekor boʻladi."
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("Бюджетни ошириш учун ҳисоб {invoice}"),
                        format!(
                            "{line} қатори бюджетини ошириш учун {amount} сўмлик {invoice} ҳисобини {due_on} куни охиригача тўланг. Тўланмаса, сўров бекор бўлади."
                        ),
                    ),
                    Language::Ru => (
                        format!("Счёт {invoice} на увеличение бюджета"),
                        format!(
                            "Для увеличения бюджета строки {line} оплатите счёт {invoice} на {amount} сум до конца дня {due_on}. Без оплаты запрос утратит силу."
                        ),
                    ),
                    Language::En => (
                        format!("Invoice {invoice} for a budget increase"),
                        format!(
                            "To increase the budget of line {line}, pay invoice {invoice} of {amount} soʻm by the end of {due_on}. Unpaid, the request lapses."
                        ),
                    ),
                }
            }
            Notice::BudgetIncreaseLapsed { line, amount } => {
                let amount = grouped(*amount);
                match language {
                    Language::UzLatn => (
                        format!("{line} qatori byudjeti oshirilmadi"),
                        format!(
                            "{line} qatori byudjetini {amount} soʻmga oshirish soʻrovi toʻlanmadi va bekor boʻldi."
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("{line} қатори бюджети оширилмади"),
                        format!(
                            "{line} қатори бюджетини {amount} сўмга ошириш сўрови тўланмади ва бекор бўлди."
                        ),
                    ),
                    Language::Ru => (
                        format!("Бюджет строки {line} не увеличен"),
                        format!(
                            "Запрос на увеличение бюджета строки {line} на {amount} сум не оплачен и утратил силу."
                        ),
                    ),
                    Language::En => (
                        format!("The budget of line {line} is not increased"),
                        format!(
                            "The request to increase the budget of line {line} by {amount} soʻm was not paid and has lapsed."
                        ),
                    ),
                }
            }
            Notice::TerminationNotice { order, effective } => {
                let effective = date(*effective);
                match language {
                    Language::UzLatn => (
                        format!("{order} shartnomasini bekor qilish"),
                        format!(
                            "{order} shartnomasi boʻyicha bekor qilish xabarnomasi qayd etildi. {effective} kunidan xizmat koʻrsatilmaydi."
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("{order} шартномасини бекор қилиш"),
                        format!(
                            "{order} шартномаси бўйича бекор қилиш хабарномаси қайд этилди. {effective} кунидан хизмат кўрсатилмайди."
                        ),
                    ),
                    Language::Ru => (
                        format!("Расторжение договора {order}"),
                        format!(
                            "По договору {order} принято уведомление о расторжении. С {effective} услуги не оказываются."
                        ),
                    ),
                    Language::En => (
                        format!("Termination of contract {order}"),
                        format!(
                            "Notice of termination of contract {order} is recorded. From {effective} on nothing is served."
                        ),
                    ),
                }
            }
            Notice::ContractEnded { order, ended_on } => {
                let ended_on = date(*ended_on);
                match language {
                    Language::UzLatn => (
                        format!("{order} shartnomasi tugadi"),
                        format!(
                            "{order} shartnomasi {ended_on} kunidan tugadi. Oʻzaro hisob-kitob 30 kalendar kun ichida yakunlanadi."
                        ),
                    ),
                    Language::UzCyrl => (
                        format!("{order} шартномаси тугади"),
                        format!(
                            "{order} шартномаси {ended_on} кунидан тугади. Ўзаро ҳисоб-китоб 30 календар кун ичида якунланади."
                        ),
                    ),
                    Language::Ru => (
                        format!("Договор {order} окончен"),
                        format!(
                            "Договор {order} окончен с {ended_on}. Взаиморасчёты завершаются в течение 30 календарных дней."
                        ),
                    ),
                    Language::En => (
                        format!("Contract {order} has ended"),
                        format!(
                            "Contract {order} has ended as of {ended_on}. Accounts are settled within 30 calendar days."
                        ),
                    ),
                }
            }
            Notice::RefundFixed {
                order,
                amount,
                due_on,
            } => {
                let amount = grouped(*amount);
                let due_on = date(*due_on);
                match language {
                    Language::UzLatn => (
                        format!("Qaytariladigan summa: {amount} soʻm"),
                        format!("{order} boʻyicha sizga {amount} soʻm {due_on} kunigacha qaytariladi."),
                    ),
                    Language::UzCyrl => (
                        format!("Қайтариладиган сумма: {amount} сўм"),
                        format!("{order} бўйича сизга {amount} сўм {due_on} кунигача қайтарилади."),
                    ),
                    Language::Ru => (
                        format!("Сумма к возврату: {amount} сум"),
                        format!("По {order} вам будет возвращено {amount} сум до {due_on}."),
                    ),
                    Language::En => (
                        format!("To be paid back: {amount} soʻm"),
                        format!("For {order}, {amount} soʻm is paid back to you by {due_on}."),
                    ),
                }
            }
            Notice::RefundPaid { amount } => {
                let amount = grouped(*amount);
                match language {
                    Language::UzLatn => (
                        format!("{amount} soʻm qaytarildi"),
                        format!("Hisobingizga {amount} soʻm qaytarildi."),
                    ),
                    Language::UzCyrl => (
                        format!("{amount} сўм қайтарилди"),
                        format!("Ҳисобингизга {amount} сўм қайтарилди."),
                    ),
                    Language::Ru => (
                        format!("Возвращено {amount} сум"),
                        format!("На ваш счёт возвращено {amount} сум."),
                    ),
                    Language::En => (
                        format!("{amount} soʻm is paid back"),
                        format!("{amount} soʻm is paid back to your account."),
                    ),
                }
            }
            Notice::ActReturnReminder { act, due_on } => {
                let due_on = date(*due_on);
                match language {
                    Language::UzLatn => (
                        format!("Solishtirish dalolatnomasi {act}"),
                        format!("{act} solishtirish dalolatnomasini imzolab, {due_on} kunigacha qaytaring."),
                    ),
                    Language::UzCyrl => (
                        format!("Солиштириш далолатномаси {act}"),
                        format!("{act} солиштириш далолатномасини имзолаб, {due_on} кунигача қайтаринг."),
                    ),
                    Language::Ru => (
                        format!("Акт сверки {act}"),
                        format!("Подпишите акт сверки {act} и верните его до {due_on}."),
                    ),
                    Language::En => (
                        format!("Reconciliation act {act}"),
                        format!("Please sign reconciliation act {act} and return it by {due_on}."),
                    ),
                }
            }
        }
    }
}

fn interrupted(
    language: Language,
    order: &str,
    force_majeure: bool,
    from: NaiveDate,
    until: Option<NaiveDate>,
) -> (String, String) {
    let from = date(from);
    let until = until.map_or_else(|| "…".to_owned(), date);
    let (subject, why) = match (language, force_majeure) {
        (Language::UzLatn, true) => (format!("{order}: fors-major"), "fors-major holati"),
        (Language::UzLatn, false) => (format!("{order}: xizmatda uzilish"), "xizmatdagi uzilish"),
        (Language::UzCyrl, true) => (format!("{order}: форс-мажор"), "форс-мажор ҳолати"),
        (Language::UzCyrl, false) => (format!("{order}: хизматда узилиш"), "хизматдаги узилиш"),
        (Language::Ru, true) => (
            format!("{order}: форс-мажор"),
            "обстоятельства непреодолимой силы",
        ),
        (Language::Ru, false) => (
            format!("{order}: перерыв в оказании услуг"),
            "перерыв в оказании услуг",
        ),
        (Language::En, true) => (format!("{order}: force majeure"), "force majeure"),
        (Language::En, false) => (format!("{order}: outage"), "an outage"),
    };
    let body = match language {
        Language::UzLatn => {
            format!("{order} boʻyicha {why}: {from} – {until}. Muddatlar shu davrga koʻchadi.")
        }
        Language::UzCyrl => format!("{order} бўйича {why}: {from} – {until}. Муддатлар шу даврга кўчади."),
        Language::Ru => format!("По {order}: {why}, {from} – {until}. Сроки переносятся на это время."),
        Language::En => format!("{order}: {why}, {from} – {until}. The terms move by that time."),
    };
    (subject, body)
}

/// "07.03.2026".
fn date(day: NaiveDate) -> String {
    day.format("%d.%m.%Y").to_string()
}

/// "1 234 567,89", parted by U+00A0 (uzbekistan.md §6).
fn grouped(sum: Money) -> String {
    let text = sum.to_string();
    let (sign, text) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, tiyin) = text.split_once('.').unwrap_or((text, "00"));
    let mut parted = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            parted.push('\u{a0}');
        }
        parted.push(digit);
    }
    format!("{sign}{parted},{tiyin}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::TEXT_CHARS_MAX;

    fn all() -> Vec<Notice> {
        let day: NaiveDate = "2026-03-07".parse().unwrap();
        let sum = Money::parse("1234567.89").unwrap();
        let text = |text: &str| text.to_owned();
        let (line, order, material, document, comment) = (
            text("OB-2026-000001/1"),
            text("OB-2026-000001"),
            text("Navroʻz"),
            text("Litsenziya 12"),
            text("Izoh."),
        );
        vec![
            Notice::RulesEditionPublished {
                number: 7,
                in_force_from: day,
            },
            Notice::DocumentExpires {
                document: document.clone(),
                line: line.clone(),
                expires_on: day,
            },
            Notice::DocumentExpired {
                document: document.clone(),
                line: line.clone(),
                expired_on: day,
            },
            Notice::DocumentRevoked {
                document,
                line: line.clone(),
            },
            Notice::DocumentsRequired {
                material: material.clone(),
                due_on: day,
                comment: comment.clone(),
            },
            Notice::DocumentsOverdue {
                material: material.clone(),
                due_on: day,
            },
            Notice::MaterialApproved {
                material: material.clone(),
                line: line.clone(),
            },
            Notice::MaterialRejected {
                material: material.clone(),
                line: line.clone(),
                comment: comment.clone(),
            },
            Notice::ApprovalWithdrawn {
                material,
                line: line.clone(),
                comment,
            },
            Notice::TermMoved {
                line: line.clone(),
                first_day: day,
                last_day: day,
            },
            Notice::BudgetIncreased {
                line: line.clone(),
                budget: sum,
            },
            Notice::BudgetIncreaseInvoiced {
                line: line.clone(),
                invoice: text("INV-2026-000001"),
                amount: sum,
                due_on: day,
            },
            Notice::BudgetIncreaseLapsed { line, amount: sum },
            Notice::TerminationNotice {
                order: order.clone(),
                effective: day,
            },
            Notice::ContractEnded {
                order: order.clone(),
                ended_on: day,
            },
            Notice::Interrupted {
                order: order.clone(),
                force_majeure: true,
                from: day,
                until: None,
            },
            Notice::Interrupted {
                order: order.clone(),
                force_majeure: false,
                from: day,
                until: Some(day),
            },
            Notice::RefundFixed {
                order,
                amount: sum,
                due_on: day,
            },
            Notice::RefundPaid { amount: sum },
            Notice::ActReturnReminder {
                act: text("RA-2026-000001"),
                due_on: day,
            },
        ]
    }

    #[test]
    fn every_notice_has_its_words_in_every_language() {
        for notice in all() {
            let mut bodies = std::collections::BTreeSet::new();
            for language in ["uz-Latn", "uz-Cyrl", "ru", "en"] {
                let letter = notice.letter(language);
                assert!(!letter.subject.is_empty() && letter.subject.lines().count() == 1);
                assert!(!letter.body.contains('{'), "{}", letter.body);
                bodies.insert(letter.body);
            }
            assert_eq!(bodies.len(), 4, "{}", notice.kind());
        }
    }

    #[test]
    fn what_is_kept_is_what_was_told() {
        for notice in all() {
            let details = serde_json::to_value(&notice).unwrap();
            assert_eq!(details["kind"], notice.kind());
            assert_eq!(Notice::from_details(&details), Some(notice));
        }
        assert_eq!(
            Notice::from_details(&serde_json::json!({"kind": "party_invitation"})),
            None
        );
    }

    #[test]
    fn sums_and_dates_are_written_as_on_documents() {
        let letter = Notice::RefundPaid {
            amount: Money::parse("1234567.89").unwrap(),
        }
        .letter("en");
        assert_eq!(
            letter.body,
            "1\u{a0}234\u{a0}567,89 soʻm is paid back to your account."
        );
        assert_eq!(grouped(Money::parse("-123.40").unwrap()), "-123,40");
        assert_eq!(grouped(Money::ZERO), "0,00");
        let letter = Notice::ActReturnReminder {
            act: "RA".into(),
            due_on: "2026-03-07".parse().unwrap(),
        }
        .letter("ru");
        assert!(letter.body.ends_with("07.03.2026."));
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let endless = Notice::MaterialApproved {
            material: "ў".repeat(9_000),
            line: "L".into(),
        }
        .bounded();
        let Notice::MaterialApproved { material, .. } = endless else {
            panic!("another notice")
        };
        assert_eq!(material.chars().count(), TEXT_CHARS_MAX);
    }
}

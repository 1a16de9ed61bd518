//! Every word that documents say, in four languages side by side.
//!
//! A table, not a set of files: a row without one of its four texts doesn't compile, and a translator sees all of them
//! at once. `{date}`, `{number}` and the like are filled in by `view`; a test holds that each language has the same.
//!
//! Uzbek Latin writes oʻ and gʻ with U+02BB and the tutuq belgisi with U+02BC (uzbekistan.md §7).

use crate::language::Language;
use serde::Serialize;

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident: [$uz_latn:literal, $uz_cyrl:literal, $ru:literal, $en:literal],)*) => {
        /// The words of one language.
        #[derive(Debug, Clone, Serialize)]
        pub struct Labels {
            $($(#[$doc])* pub $name: &'static str,)*
        }

        const UZ_LATN: Labels = Labels { $($name: $uz_latn,)* };
        const UZ_CYRL: Labels = Labels { $($name: $uz_cyrl,)* };
        const RU: Labels = Labels { $($name: $ru,)* };
        const EN: Labels = Labels { $($name: $en,)* };

        #[cfg(test)]
        const TABLE: &[(&str, [&str; 4])] = &[$((stringify!($name), [$uz_latn, $uz_cyrl, $ru, $en]),)*];
    };
}

impl Labels {
    /// The words of a language.
    pub fn of(language: Language) -> &'static Labels {
        match language {
            Language::UzLatn => &UZ_LATN,
            Language::UzCyrl => &UZ_CYRL,
            Language::Ru => &RU,
            Language::En => &EN,
        }
    }
}

/// A window of a schedule in words: "mon-fri 09-18" as "Du–Ju 09:00–18:00". What isn't one is shown as it is.
pub fn window_in_words(window: &str, language: Language) -> String {
    let names = Labels::of(language).days_of_week;
    let name = |code: &str| {
        let place = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .iter()
            .position(|day| *day == code)?;
        names.split(' ').nth(place)
    };
    let mut parts = window.split(' ');
    let days: Option<Vec<&str>> = parts.next().unwrap_or_default().split('-').map(name).collect();
    let Some(days) = days else {
        return window.to_owned();
    };
    match parts.next() {
        None => days.join("–"),
        Some(hours) => {
            let hours: Vec<String> = hours.split('-').map(|hour| format!("{hour}:00")).collect();
            format!("{} {}", days.join("–"), hours.join("–"))
        }
    }
}

labels! {
    /// Title of the primary document.
    primary_title: [
        "Bajarilgan ishlar (koʻrsatilgan xizmatlar) dalolatnomasi — birlamchi hujjat",
        "Бажарилган ишлар (кўрсатилган хизматлар) далолатномаси — бирламчи ҳужжат",
        "Акт выполненных работ (оказанных услуг) — первичный документ",
        "Act of works performed (services rendered) — primary document"],
    /// Title of the invoice.
    invoice_title: ["Toʻlov uchun hisob", "Тўлов учун ҳисоб", "Счёт на оплату", "Invoice for payment"],
    /// Title of the order blank.
    blank_title: ["Buyurtma blankasi", "Буюртма бланкаси", "Бланк заказа", "Order blank"],
    /// Before a number.
    number_sign: ["№", "№", "№", "No."],
    /// "Reporting period".
    reporting_period: ["Hisobot davri", "Ҳисобот даври", "Отчётный период", "Reporting period"],
    /// Where the document was drawn up.
    place: ["Tuzilgan joyi", "Тузилган жойи", "Место составления", "Place"],
    /// When it was drawn up.
    date: ["Tuzilgan sanasi", "Тузилган санаси", "Дата составления", "Date"],

    /// The operator.
    operator: ["Ijrochi", "Ижрочи", "Исполнитель", "Contractor"],
    /// The customer.
    customer: ["Buyurtmachi", "Буюртмачи", "Заказчик", "Customer"],
    /// The operator on an invoice.
    payee: ["Toʻlovni oluvchi (ijrochi)", "Тўловни олувчи (ижрочи)", "Получатель платежа (исполнитель)", "Payee (contractor)"],
    /// The customer on an invoice.
    payer: ["Toʻlovchi (buyurtmachi)", "Тўловчи (буюртмачи)", "Плательщик (заказчик)", "Payer (customer)"],
    /// Postal address.
    address: ["Manzil", "Манзил", "Адрес", "Address"],
    /// Taxpayer's number of a company.
    stir: ["STIR", "СТИР", "ИНН", "TIN (STIR)"],
    /// Personal number.
    pinfl: ["JSHSHIR", "ЖШШИР", "ПИНФЛ", "PINFL"],
    /// Settlement account.
    account: ["Hisob raqami", "Ҳисоб рақами", "Расчётный счёт", "Account"],
    /// Bank.
    bank: ["Bank", "Банк", "Банк", "Bank"],
    /// Bank code.
    mfo: ["MFO", "МФО", "МФО", "MFO"],
    /// Code of activity.
    oked: ["IFUT", "ИФУТ", "ОКЭД", "OKED"],
    /// VAT payer's code.
    vat_code: ["QQS toʻlovchi kodi", "ҚҚС тўловчи коди", "Рег. код плательщика НДС", "VAT registration code"],
    /// E-mail.
    email: ["E-pochta", "Э-почта", "Эл. почта", "E-mail"],
    /// Telephone.
    phone: ["Telefon", "Телефон", "Телефон", "Telephone"],
    /// Ground of the signatory's authority.
    authority: ["Vakolat asosi", "Ваколат асоси", "Основание полномочий", "Authority"],

    /// Column: contract.
    col_contract: ["Shartnoma", "Шартнома", "Договор", "Contract"],
    /// Between a contract's number and its date.
    dated: ["{date} dagi", "{date} даги", "от {date}", "of {date}"],
    /// Column: service.
    col_service: ["Xizmat", "Хизмат", "Услуга", "Service"],
    /// Column: period served.
    col_period: ["Davr", "Давр", "Период", "Period"],
    /// Column of a sheet: first day.
    col_from: ["Davr boshi", "Давр боши", "Начало периода", "Period from"],
    /// Column of a sheet: last day.
    col_to: ["Davr oxiri", "Давр охири", "Конец периода", "Period to"],
    /// Column: unit.
    col_unit: ["Oʻlchov birligi", "Ўлчов бирлиги", "Единица", "Unit"],
    /// Column: quantity.
    col_quantity: ["Miqdori", "Миқдори", "Количество", "Quantity"],
    /// Column: price.
    col_price: ["Narxi", "Нархи", "Цена", "Price"],
    /// Column: sum without VAT.
    col_net: ["Qiymati (QQSsiz)", "Қиймати (ҚҚСсиз)", "Стоимость без НДС", "Net amount"],
    /// Column: VAT rate.
    col_vat_rate: ["QQS, %", "ҚҚС, %", "НДС, %", "VAT, %"],
    /// Column: VAT sum.
    col_vat: ["QQS summasi", "ҚҚС суммаси", "Сумма НДС", "VAT amount"],
    /// Column: sum with VAT.
    col_gross: ["Jami (QQS bilan)", "Жами (ҚҚС билан)", "Всего с НДС", "Gross amount"],
    /// Column: sum, where the operator pays no VAT.
    col_sum: ["Summasi (QQSsiz)", "Суммаси (ҚҚСсиз)", "Сумма (без НДС)", "Amount (no VAT)"],
    /// Column: placements and regions.
    col_where: ["Joylashtirish, hududlar", "Жойлаштириш, ҳудудлар", "Размещение, регионы", "Placements, regions"],
    /// Column: term.
    col_term: ["Muddat", "Муддат", "Срок", "Term"],
    /// Under the column heads of money.
    in_soum: ["soʻm", "сўм", "сум", "soʻm"],
    /// Unit: impressions.
    unit_impressions: ["namoyish", "намойиш", "показ", "impressions"],
    /// Unit: month.
    unit_month: ["oy", "ой", "месяц", "month"],
    /// Unit: piece.
    unit_piece: ["dona", "дона", "штука", "piece"],
    /// Under the price of impressions.
    per_thousand: ["1 000 ta uchun", "1 000 та учун", "за 1 000", "per 1,000"],
    /// Order line's code.
    line_code: ["Pozitsiya", "Позиция", "Позиция", "Line"],

    /// Total row.
    total: ["Jami", "Жами", "Итого", "Total"],
    /// Before the sum in words.
    in_words: ["Jami summa soʻz bilan", "Жами сумма сўз билан", "Сумма прописью", "Amount in words"],
    /// With VAT of so much.
    including_vat: [
        "shu jumladan QQS: {vat} soʻm", "шу жумладан ҚҚС: {vat} сўм", "в том числе НДС: {vat} сум", "including VAT: {vat} soʻm"],
    /// No VAT.
    without_vat: ["QQSsiz", "ҚҚСсиз", "без НДС", "no VAT"],

    /// Head of the settlement block.
    settlement: ["Hisob-kitob, soʻm", "Ҳисоб-китоб, сўм", "Расчёты, сум", "Settlement, soʻm"],
    /// Advance used.
    advance_used: ["Avansdan hisobga olindi", "Авансдан ҳисобга олинди", "Зачтено из аванса", "Taken from the advance"],
    /// Debt left.
    receivable_left: ["Buyurtmachining qarzi", "Буюртмачининг қарзи", "Задолженность заказчика", "Customer’s debt"],
    /// Advance left.
    advance_left: ["Avans qoldigʻi", "Аванс қолдиғи", "Остаток аванса", "Advance left"],
    /// Statistics source.
    statistics_source: [
        "Statistika maʼlumotlari manbai", "Статистика маълумотлари манбаи", "Источник статистики", "Source of statistics"],
    /// Own counting.
    source_own: [
        "ijrochining hisobga olish tizimi", "ижрочининг ҳисобга олиш тизими", "система учёта исполнителя",
        "the contractor’s accounting system"],
    /// Google Ad Manager.
    source_gam: ["Google Ad Manager", "Google Ad Manager", "Google Ad Manager", "Google Ad Manager"],
    /// Statement of acceptance [003 §5.9].
    acceptance: [
        "Xizmatlar hisobot davrida toʻliq hajmda koʻrsatildi. Buyurtmachi {date} kuni oxirigacha yozma eʼtiroz bildirmasa, xizmatlar u tomonidan toʻliq qabul qilingan hisoblanadi va tomonlarning bir-biriga daʼvosi yoʻq. Reklama va axborot xizmatlari koʻrsatish qoidalarining {edition}-tahriri amal qiladi.",
        "Хизматлар ҳисобот даврида тўлиқ ҳажмда кўрсатилди. Буюртмачи {date} куни охиригача ёзма эътироз билдирмаса, хизматлар у томонидан тўлиқ қабул қилинган ҳисобланади ва томонларнинг бир-бирига даъвоси йўқ. Реклама ва ахборот хизматлари кўрсатиш қоидаларининг {edition}-таҳрири амал қилади.",
        "Услуги за отчётный период оказаны в полном объёме. Если заказчик не представит письменных возражений до конца дня {date}, услуги считаются принятыми им полностью, и стороны претензий друг к другу не имеют. Действует редакция № {edition} правил оказания рекламных и информационных услуг.",
        "The services of the reporting period were rendered in full. Unless the customer objects in writing by the end of {date}, they are deemed accepted in full, and the parties have no claims against each other. Edition {edition} of the rules for advertising and information services applies."],

    /// Signature block: for the operator.
    for_operator: ["Ijrochi nomidan", "Ижрочи номидан", "От исполнителя", "For the contractor"],
    /// Signature block: for the customer.
    for_customer: ["Buyurtmachi nomidan", "Буюртмачи номидан", "От заказчика", "For the customer"],
    /// Position of a company's signatory.
    position_director: ["Direktor", "Директор", "Директор", "Director"],
    /// Position of a sole trader.
    position_sole_trader: [
        "Yakka tartibdagi tadbirkor", "Якка тартибдаги тадбиркор", "Индивидуальный предприниматель", "Sole trader"],
    /// Position of a person.
    position_person: ["Jismoniy shaxs", "Жисмоний шахс", "Физическое лицо", "Natural person"],
    /// Position of the chief accountant.
    position_accountant: ["Bosh hisobchi", "Бош ҳисобчи", "Главный бухгалтер", "Chief accountant"],
    /// Under the signature line.
    signature: ["imzo", "имзо", "подпись", "signature"],
    /// Under the name.
    full_name: ["F.I.Sh.", "Ф.И.Ш.", "Ф.И.О.", "surname, initials"],
    /// Place of the seal.
    seal: ["M.Oʻ.", "М.Ў.", "М.П.", "Seal"],

    /// Hash of the data.
    data_hash: ["Maʼlumotlar xeshi (SHA-256)", "Маълумотлар хеши (SHA-256)", "Хеш данных (SHA-256)", "Data hash (SHA-256)"],
    /// Fingerprint of the impressions.
    fingerprint: ["Namoyishlar izi", "Намойишлар изи", "Отпечаток показов", "Impressions fingerprint"],
    /// Beside the QR code.
    verify: ["Haqiqiyligini tekshirish", "Ҳақиқийлигини текшириш", "Проверить подлинность", "Verify"],
    /// Page numbers.
    page: ["bet", "бет", "стр.", "page"],

    /// Last day to pay.
    due: ["Toʻlov muddati", "Тўлов муддати", "Срок оплаты", "Payment term"],
    /// Its value.
    due_by: ["{date} gacha (shu kun ham kiradi)", "{date} гача (шу кун ҳам киради)", "до {date} включительно", "by {date} inclusive"],
    /// An own payment term in days.
    due_within: [
        "imzolangan kundan boshlab {days} kun ichida", "имзоланган кундан бошлаб {days} кун ичида",
        "в течение {days} дн. со дня подписания", "within {days} days of the signing"],
    /// A payment that the signing made due.
    due_payment: ["Toʻlov", "Тўлов", "Платёж", "Payment"],
    /// Invoice: on what ground.
    ground: ["Asos", "Асос", "Основание", "Ground"],
    /// An order blank referred to.
    ground_order: [
        "{date} dagi {number}-sonli buyurtma blankasi", "{date} даги {number}-сонли буюртма бланкаси",
        "бланк заказа № {number} от {date}", "order blank No. {number} of {date}"],
    /// Payment purpose.
    purpose: ["Toʻlov maqsadi", "Тўлов мақсади", "Назначение платежа", "Payment purpose"],
    /// Why the purpose line matters.
    purpose_hint: [
        "Toʻlov topshiriqnomasiga shu matnni oʻzgartirmasdan koʻchiring.",
        "Тўлов топшириқномасига шу матнни ўзгартирмасдан кўчиринг.",
        "Перенесите этот текст в платёжное поручение без изменений.",
        "Copy this text into the payment order as it is."],
    /// To pay.
    to_pay: ["Toʻlanadigan summa", "Тўланадиган сумма", "К оплате", "To pay"],

    /// Order blank: not signed.
    draft: ["Loyiha — imzolanmagan", "Лойиҳа — имзоланмаган", "Проект — не подписан", "Draft — not signed"],
    /// Order blank: offered, not signed.
    offer: [
        "Taklif — buyurtmachi imzolamagan", "Таклиф — буюртмачи имзоламаган", "Оферта — не подписана заказчиком",
        "Offer — not signed by the customer"],
    /// Head of the terms.
    terms: ["Shartlar", "Шартлар", "Условия", "Terms"],
    /// The rules that are part of the contract.
    rules: ["Qoidalar", "Қоидалар", "Правила", "Rules"],
    /// Which edition.
    rules_edition: [
        "{edition}-tahrir, {date} dan amalda; shartnomaning ajralmas qismi",
        "{edition}-таҳрир, {date} дан амалда; шартноманинг ажралмас қисми",
        "редакция № {edition}, действует с {date}; неотъемлемая часть договора",
        "edition {edition}, in force from {date}; an integral part of the contract"],
    /// Prepayment.
    prepayment: ["Oldindan toʻlov", "Олдиндан тўлов", "Предоплата", "Prepayment"],
    /// One invoice.
    prepayment_full: [
        "100 %, yagona hisob boʻyicha", "100 %, ягона ҳисоб бўйича", "100 %, одним счётом", "100 %, by one invoice"],
    /// Monthly invoices.
    prepayment_monthly: [
        "100 %, har bir hisobot davri uchun alohida hisob boʻyicha", "100 %, ҳар бир ҳисобот даври учун алоҳида ҳисоб бўйича",
        "100 %, отдельным счётом за каждый отчётный период", "100 %, by an invoice for each reporting period"],
    /// Where notices go.
    notices: ["Xabarnomalar uchun e-pochta", "Хабарномалар учун э-почта", "Эл. почта для уведомлений", "E-mail for notices"],
    /// No region named.
    everywhere: ["barcha hududlar", "барча ҳудудлар", "все регионы", "all regions"],
    /// Rubrics.
    rubrics: ["ruknlar", "рукнлар", "рубрики", "rubrics"],
    /// Search phrases.
    search_phrases: ["qidiruv soʻzlari", "қидирув сўзлари", "поисковые слова", "search words"],
    /// Days and hours.
    shown_at: ["koʻrsatish vaqti", "кўрсатиш вақти", "время показа", "shown"],
    /// Days of the week, Monday first.
    days_of_week: [
        "Du Se Cho Pa Ju Sha Yak", "Ду Се Чо Па Жу Ша Як", "Пн Вт Ср Чт Пт Сб Вс", "Mon Tue Wed Thu Fri Sat Sun"],
    /// Cap for one viewer.
    frequency_cap: [
        "bir foydalanuvchiga kuniga {count} tagacha", "бир фойдаланувчига кунига {count} тагача",
        "одному зрителю не более {count} в день", "at most {count} a day to one viewer"],
    /// Budget for the term.
    budget_total: ["butun muddat uchun byudjet", "бутун муддат учун бюджет", "бюджет на весь срок", "budget for the whole term"],
    /// Budget per month.
    budget_monthly: ["har oy uchun byudjet", "ҳар ой учун бюджет", "бюджет на каждый месяц", "budget for each month"],
    /// Signed in the cabinet.
    signed_in_cabinet: [
        "Shaxsiy kabinetda parol va bir martalik kod bilan imzolandi", "Шахсий кабинетда парол ва бир марталик код билан имзоланди",
        "Подписано в личном кабинете паролем и одноразовым кодом", "Signed in the cabinet with the password and a one-time code"],
    /// The public offer was accepted.
    public_offer_accepted: [
        "Ommaviy oferta aksept qilindi", "Оммавий оферта акцепт қилинди", "Публичная оферта акцептована", "The public offer was accepted"],
    /// The price by the list.
    list_price: ["narxnoma boʻyicha {price}", "нархнома бўйича {price}", "по прайс-листу {price}", "by the price list {price}"],
    /// The price group.
    price_group: ["narx guruhi: {name}", "нарх гуруҳи: {name}", "ценовая группа: {name}", "price group: {name}"],
    /// Signed on paper.
    signed_on_paper: ["Qogʻozda imzolandi", "Қоғозда имзоланди", "Подписано на бумаге", "Signed on paper"],

    /// Title of the VAT invoice.
    vat_invoice_title: ["Hisob-faktura", "Ҳисоб-фактура", "Счёт-фактура", "VAT invoice"],
    /// Title of the VAT invoice of a correction.
    vat_invoice_additional_title: [
        "Qoʻshimcha hisob-faktura", "Қўшимча ҳисоб-фактура", "Дополнительный счёт-фактура", "Additional VAT invoice"],
    /// The operator on a VAT invoice.
    seller: ["Sotuvchi (ijrochi)", "Сотувчи (ижрочи)", "Продавец (исполнитель)", "Seller (contractor)"],
    /// The customer on a VAT invoice.
    buyer: ["Xaridor (buyurtmachi)", "Харидор (буюртмачи)", "Покупатель (заказчик)", "Buyer (customer)"],
    /// The primary document of a VAT invoice.
    belongs_to: ["Birlamchi hujjat", "Бирламчи ҳужжат", "Первичный документ", "Primary document"],
    /// The VAT invoice that an additional one refers to.
    first_vat_invoice: [
        "Dastlabki hisob-faktura", "Дастлабки ҳисоб-фактура", "Первоначальный счёт-фактура", "First VAT invoice"],
    /// Another document by number and date.
    reference: ["{date} dagi {number}-son", "{date} даги {number}-сон", "№ {number} от {date}", "No. {number} of {date}"],
    /// Column: code in the state catalogue.
    col_catalog_code: ["MXIK kodi", "МХИК коди", "Код ИКПУ", "MXIK code"],
    /// VAT alone.
    vat: ["QQS", "ҚҚС", "НДС", "VAT"],
    /// Sum with VAT.
    with_vat: ["QQS bilan", "ҚҚС билан", "с НДС", "with VAT"],

    /// Title of the correcting document.
    correction_title: ["Tuzatuvchi hujjat", "Тузатувчи ҳужжат", "Корректировочный документ", "Correcting document"],
    /// What is corrected.
    corrected_document: [
        "Tuzatiladigan hujjat", "Тузатиладиган ҳужжат", "Корректируемый документ", "Document corrected"],
    /// Why it is corrected.
    correction_reason: ["Sababi", "Сабаби", "Причина", "Reason"],
    /// An upheld objection.
    reason_objection: [
        "buyurtmachining eʼtirozi qanoatlantirildi", "буюртмачининг эътирози қаноатлантирилди",
        "возражение заказчика удовлетворено", "the customer’s objection was upheld"],
    /// Late statistics.
    reason_late_statistics: [
        "davr yopilgandan keyin kelgan statistika", "давр ёпилгандан кейин келган статистика",
        "статистика поступила после закрытия периода", "statistics came in after the period was closed"],
    /// The decision in words.
    explanation: ["Izoh", "Изоҳ", "Пояснение", "Explanation"],
    /// Column: as charged.
    col_before: ["Hisoblangan", "Ҳисобланган", "Начислено", "Charged"],
    /// Column: as it should be.
    col_after: ["Boʻlishi kerak", "Бўлиши керак", "Должно быть", "Should be"],
    /// Column: difference.
    col_difference: ["Farq", "Фарқ", "Разница", "Difference"],
    /// A difference in the customer's favour.
    reduced_by: ["Kamaytirildi, soʻm", "Камайтирилди, сўм", "Уменьшено, сум", "Reduced, soʻm"],
    /// A difference in the operator's favour.
    increased_by: ["Oshirildi, soʻm", "Оширилди, сўм", "Увеличено, сум", "Increased, soʻm"],

    /// Title of the penalty claim.
    claim_title: [
        "Jarima toʻlash haqida talabnoma", "Жарима тўлаш ҳақида талабнома", "Требование об уплате пени", "Claim of late penalty"],
    /// The invoice that was paid late.
    claim_invoice: ["Toʻlov uchun hisob", "Тўлов учун ҳисоб", "Счёт на оплату", "Invoice"],
    /// On what ground [003 §7.4].
    claim_ground: [
        "qoidalarning 7.4-bandi: toʻlanmagan summaning har bir kechiktirilgan kun uchun {rate} foizi",
        "қоидаларнинг 7.4-банди: тўланмаган сумманинг ҳар бир кечиктирилган кун учун {rate} фоизи",
        "пункт 7.4 правил: {rate} % неоплаченной суммы за каждый день просрочки",
        "clause 7.4 of the rules: {rate} % of the unpaid sum for each day of delay"],
    /// Column: days.
    claim_days: ["Kunlar", "Кунлар", "Дней", "Days"],
    /// Column: unpaid sum.
    claim_base: ["Toʻlanmagan summa, soʻm", "Тўланмаган сумма, сўм", "Неоплаченная сумма, сум", "Unpaid sum, soʻm"],
    /// Column: daily share.
    claim_rate: ["Kunlik jarima", "Кунлик жарима", "Пеня за день", "Daily penalty"],
    /// Column: penalty, not rounded.
    claim_amount: ["Jarima, soʻm", "Жарима, сўм", "Пеня, сум", "Penalty, soʻm"],
    /// What earlier claims took.
    claimed_before: ["Avval talab qilingan, soʻm", "Аввал талаб қилинган, сўм", "Предъявлено ранее, сум", "Claimed before, soʻm"],
    /// Last day to pay the claim.
    claim_due: ["Jarimani toʻlash muddati", "Жаримани тўлаш муддати", "Срок уплаты пени", "Penalty to be paid"],

    /// Title of the reconciliation act.
    act_title: [
        "Oʻzaro hisob-kitoblarni solishtirish dalolatnomasi", "Ўзаро ҳисоб-китобларни солиштириш далолатномаси",
        "Акт сверки взаимных расчётов", "Reconciliation act of mutual settlements"],
    /// What an act covers.
    act_interval: ["Davr", "Давр", "Период сверки", "Interval"],
    /// Contracts that an act is about.
    act_contracts: ["Shartnomalar (buyurtma blankalari)", "Шартномалар (буюртма бланкалари)", "Договоры (бланки заказа)", "Contracts (order blanks)"],
    /// Column: date.
    act_date: ["Sana", "Сана", "Дата", "Date"],
    /// Column: document.
    act_document: ["Hujjat, operatsiya", "Ҳужжат, операция", "Документ, операция", "Document, operation"],
    /// Columns: the operator's books.
    act_operator_books: ["Ijrochi maʼlumotlari boʻyicha", "Ижрочи маълумотлари бўйича", "По данным исполнителя", "By the contractor’s books"],
    /// Columns: the customer's books.
    act_customer_books: ["Buyurtmachi maʼlumotlari boʻyicha", "Буюртмачи маълумотлари бўйича", "По данным заказчика", "By the customer’s books"],
    /// Column: debit.
    act_debit: ["Debet", "Дебет", "Дебет", "Debit"],
    /// Column: credit.
    act_credit: ["Kredit", "Кредит", "Кредит", "Credit"],
    /// Opening balance.
    act_opening: ["Davr boshiga qoldiq, {date}", "Давр бошига қолдиқ, {date}", "Сальдо на начало, {date}", "Opening balance, {date}"],
    /// Turnover.
    act_turnover: ["Davr uchun aylanma", "Давр учун айланма", "Обороты за период", "Turnover"],
    /// Closing balance.
    act_closing: ["Davr oxiriga qoldiq, {date}", "Давр охирига қолдиқ, {date}", "Сальдо на конец, {date}", "Closing balance, {date}"],
    /// Row: money from the customer.
    act_payment: ["Toʻlov", "Тўлов", "Оплата", "Payment"],
    /// Row: a primary document.
    act_primary_document: ["Birlamchi hujjat", "Бирламчи ҳужжат", "Первичный документ", "Primary document"],
    /// Row: a correcting document.
    act_correction: ["Tuzatuvchi hujjat", "Тузатувчи ҳужжат", "Корректирующий документ", "Correcting document"],
    /// Row: a claim of penalty.
    act_penalty_claim: ["Jarima talabnomasi", "Жарима талабномаси", "Требование об уплате пени", "Claim of late penalty"],
    /// Row: a refund paid.
    act_refund: ["Avans qaytarildi", "Аванс қайтарилди", "Возврат аванса", "Refund of advance"],
    /// Row: an entry undone.
    act_reversal: ["Storno", "Сторно", "Сторно", "Reversal"],
    /// Row: services before the end that no document has.
    act_services: [
        "Tugash kunigacha koʻrsatilgan xizmatlar (birlamchi hujjat keyin rasmiylashtiriladi)",
        "Тугаш кунигача кўрсатилган хизматлар (бирламчи ҳужжат кейин расмийлаштирилади)",
        "Услуги, оказанные до дня прекращения (первичный документ будет оформлен позже)",
        "Services rendered before the end (primary document to follow)"],
    /// Row: anything else.
    act_other: ["Boshqa operatsiya", "Бошқа операция", "Прочая операция", "Other operation"],
    /// Conclusion: the customer owes.
    act_debt_to_operator: [
        "{date} holatiga {name} foydasiga qarz: {sum} soʻm ({words}).",
        "{date} ҳолатига {name} фойдасига қарз: {sum} сўм ({words}).",
        "На {date} задолженность в пользу {name}: {sum} сум ({words}).",
        "As of {date} the debt in favour of {name} is {sum} soʻm ({words})."],
    /// Conclusion: the operator owes.
    act_debt_to_customer: [
        "{date} holatiga {name} foydasiga qarz (avans qoldigʻi): {sum} soʻm ({words}).",
        "{date} ҳолатига {name} фойдасига қарз (аванс қолдиғи): {sum} сўм ({words}).",
        "На {date} задолженность в пользу {name} (остаток аванса): {sum} сум ({words}).",
        "As of {date} the debt in favour of {name} (advance left) is {sum} soʻm ({words})."],
    /// Conclusion: nobody owes.
    act_no_debt: [
        "{date} holatiga tomonlarning bir-biridan qarzi yoʻq.", "{date} ҳолатига томонларнинг бир-биридан қарзи йўқ.",
        "На {date} взаимная задолженность отсутствует.", "As of {date} neither party owes the other."],
    /// When to return an act [003 §5.14].
    act_return: [
        "Buyurtmachi dalolatnomani ikki nusxada chop etib, solishtirib, imzolaydi va {days} ish kuni ichida ijrochiga qaytaradi.",
        "Буюртмачи далолатномани икки нусхада чоп этиб, солиштириб, имзолайди ва {days} иш куни ичида ижрочига қайтаради.",
        "Заказчик распечатывает акт в двух экземплярах, сверяет, подписывает и возвращает исполнителю в течение {days} рабочих дней.",
        "The customer prints the act in two copies, compares, signs and returns it to the contractor within {days} business days."],

    /// Title of the refund.
    refund_title: [
        "Foydalanilmagan avansni qaytarish hisob-kitobi", "Фойдаланилмаган авансни қайтариш ҳисоб-китоби",
        "Расчёт возврата неиспользованного аванса", "Refund of unused advance"],
    /// Who pays a refund.
    refund_payer: ["Toʻlovchi (ijrochi)", "Тўловчи (ижрочи)", "Плательщик (исполнитель)", "Payer (contractor)"],
    /// Who gets a refund.
    refund_payee: ["Oluvchi (buyurtmachi)", "Олувчи (буюртмачи)", "Получатель (заказчик)", "Payee (customer)"],
    /// When it was asked for.
    refund_requested: ["Buyurtmachining soʻrovi sanasi", "Буюртмачининг сўрови санаси", "Дата заявления заказчика", "Requested on"],
    /// Last day to pay it.
    refund_due: ["Qaytarish muddati", "Қайтариш муддати", "Срок возврата", "To be paid"],
    /// Where the money goes.
    refund_account: ["Buyurtmachining hisob raqami", "Буюртмачининг ҳисоб рақами", "Расчётный счёт заказчика", "Customer’s account"],
    /// Column: paid.
    refund_paid: ["Toʻlangan", "Тўланган", "Оплачено", "Paid"],
    /// Column: rendered.
    refund_rendered: ["Koʻrsatilgan xizmatlar", "Кўрсатилган хизматлар", "Оказано услуг", "Rendered"],
    /// Column: what a contract keeps.
    refund_contract_held: ["Shartnoma uchun saqlanadi", "Шартнома учун сақланади", "Остаётся по договору", "Kept for the contract"],
    /// The whole advance.
    refund_advance: ["Avans qoldigʻi, soʻm", "Аванс қолдиғи, сўм", "Остаток аванса, сум", "Advance, soʻm"],
    /// What contracts keep.
    refund_held: ["Amaldagi shartnomalar uchun, soʻm", "Амалдаги шартномалар учун, сўм", "По действующим договорам, сум", "Kept for contracts, soʻm"],
    /// What is refunded.
    refund_amount: ["Qaytariladi, soʻm", "Қайтарилади, сўм", "К возврату, сум", "Refund, soʻm"],
    /// Before the large sum.
    refund_to_pay: ["Qaytariladigan summa", "Қайтариладиган сумма", "Сумма возврата", "To refund"],
    /// On what ground.
    refund_ground: [
        "Buyurtmachining barcha shartnomalar boʻyicha qarzi yoʻq. Mablagʻ faqat buyurtmachining oʻz hisob raqamiga qaytariladi (qoidalarning 10.3-bandi).",
        "Буюртмачининг барча шартномалар бўйича қарзи йўқ. Маблағ фақат буюртмачининг ўз ҳисоб рақамига қайтарилади (қоидаларнинг 10.3-банди).",
        "Задолженности заказчика ни по одному договору нет. Возврат производится только на собственный счёт заказчика (пункт 10.3 правил).",
        "The customer has no debt under any contract. The money goes to the customer’s own account only (rules, clause 10.3)."],
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn cyrillic(c: char) -> bool {
        ('\u{400}'..='\u{4ff}').contains(&c)
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    fn without_placeholders(text: &str) -> String {
        let mut out = text.to_owned();
        for name in placeholders(text) {
            out = out.replace(&format!("{{{name}}}"), "");
        }
        out
    }

    #[test]
    fn no_label_is_missing_in_any_language() {
        assert!(TABLE.len() > 70, "{}", TABLE.len());
        for (name, texts) in TABLE {
            for text in texts {
                assert!(
                    !text.trim().is_empty() && text.trim() == *text && !text.contains("  "),
                    "{name}: `{text}`"
                );
            }
        }
    }

    #[test]
    fn every_language_fills_in_the_same_placeholders() {
        for (name, texts) in TABLE {
            for text in texts {
                assert_eq!(placeholders(text), placeholders(texts[0]), "{name}");
            }
        }
    }

    #[test]
    fn each_script_is_its_own() {
        for (name, [uz_latn, uz_cyrl, ru, en]) in TABLE {
            for text in [uz_latn, en] {
                assert!(!text.chars().any(cyrillic), "{name}: {text}");
            }
            for text in [uz_cyrl, ru] {
                let text = without_placeholders(text)
                    .replace("Google Ad Manager", "")
                    .replace("SHA-256", "");
                assert!(!text.chars().any(|c| c.is_ascii_alphabetic()), "{name}: {text}");
            }
            assert!(
                !ru.contains(['ў', 'қ', 'ғ', 'ҳ', 'Ў', 'Қ', 'Ғ', 'Ҳ']),
                "{name}: {ru}"
            );
            assert!(!uz_cyrl.contains(['ы', 'щ', 'Щ', 'Ы']), "{name}: {uz_cyrl}");
        }
    }

    #[test]
    fn uzbek_apostrophes_are_letters_not_quotes() {
        for (name, [uz_latn, ..]) in TABLE {
            assert!(!uz_latn.contains(['\'', '’', '‘', '`', '´']), "{name}: {uz_latn}");
            let chars: Vec<char> = uz_latn.chars().collect();
            for pair in chars.windows(2) {
                if pair[1] == '\u{2bb}' {
                    assert!("oOgG".contains(pair[0]), "{name}: {uz_latn}");
                }
                if pair[1] == '\u{2bc}' {
                    assert!(
                        pair[0].is_alphabetic() && !"oOgG".contains(pair[0]),
                        "{name}: {uz_latn}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_script_pairs_of_uzbek_agree() {
        // A transliteration of the Latin text must give the Cyrillic one, so that neither is changed without the other.
        for (name, [uz_latn, uz_cyrl, ..]) in TABLE {
            let folded = to_cyrillic(&without_placeholders(uz_latn).to_lowercase());
            let given = without_placeholders(uz_cyrl)
                .to_lowercase()
                .replace(['э', 'ц'], "е")
                .replace('ъ', "");
            assert_eq!(folded.replace(['э', 'ц'], "е"), given, "{name}");
        }
    }

    fn to_cyrillic(latin: &str) -> String {
        let mut out = latin
            .replace("google ad manager", "\u{1}")
            .replace("sha-256", "\u{2}")
            .replace("tsi", "ци")
            .replace("byudjet", "бюджет")
            .replace("aksept", "акцепт")
            .replace("ijro", "ижро");
        for (from, to) in [
            ("oʻ", "ў"),
            ("gʻ", "ғ"),
            ("sh", "ш"),
            ("ch", "ч"),
            ("yo", "ё"),
            ("yu", "ю"),
            ("ya", "я"),
            ("ye", "е"),
            ("ʼ", ""),
            ("a", "а"),
            ("b", "б"),
            ("d", "д"),
            ("e", "е"),
            ("f", "ф"),
            ("g", "г"),
            ("h", "ҳ"),
            ("i", "и"),
            ("j", "ж"),
            ("k", "к"),
            ("l", "л"),
            ("m", "м"),
            ("n", "н"),
            ("o", "о"),
            ("p", "п"),
            ("q", "қ"),
            ("r", "р"),
            ("s", "с"),
            ("t", "т"),
            ("u", "у"),
            ("v", "в"),
            ("x", "х"),
            ("y", "й"),
            ("z", "з"),
        ] {
            out = out.replace(from, to);
        }
        out.replace('\u{1}', "google ad manager")
            .replace('\u{2}', "sha-256")
    }
}

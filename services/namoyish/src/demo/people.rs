//! Who takes part in the demo. All names, numbers and addresses are invented.

use namoyish_domain::orders::customer::CustomerForm;
use namoyish_domain::orders::party::OperatorForm;
use namoyish_domain::orders::placement::RegionCode;
use namoyish_domain::orders::price_list::Names;
use namoyish_runtime::context::Context;
use namoyish_storage::placements::Region;

/// The password of every demo sign-in. The demo listens on 127.0.0.1 alone.
pub const PASSWORD: &str = "namoyish-demo";

/// Login and who it is.
pub const SIGN_INS: [(&str, &str); 3] = [
    (
        "osh",
        "Osh markazi MChJ: media and monthly banners in service, documents of last month",
    ),
    ("nonvoy", "Nonvoy YaTT: a media line for Tashkent alone"),
    ("bek", "Bek Avtoservis MChJ: an order signed today, not yet paid"),
];

/// Code, names in uz/ru/en, width and height.
pub const PLACEMENTS: [(&str, [&str; 3], u32, u32); 2] = [
    (
        "shahar-tepa",
        ["Sahifa tepasi", "Верх страницы", "Top of the page"],
        728,
        90,
    ),
    (
        "shahar-yon",
        ["Yon ustun", "Боковая колонка", "Side column"],
        300,
        250,
    ),
];

/// A short edition of the rules.
pub const RULES: &str = "Reklama xizmatlarini koʻrsatish qoidalari (namoyish tahriri).\n\
    1. Shartnoma buyurtma blankasi va ushbu Qoidalardan iborat.\n\
    2. Media reklama namoyishlar soni boʻyicha, boshqa reklama hisobot davri boʻyicha toʻlanadi.\n\
    3. Birlamchi hujjat hisobot davridan keyingi oyning 7-kunigacha yuboriladi; eʼtirozlar 20-kungacha qabul qilinadi.\n\
    4. Toʻlov kechiktirilgan har bir kun uchun 0,1 % jarima hisoblanadi.";

/// Names of three languages.
pub fn names([uz, ru, en]: [&str; 3]) -> Names {
    Names {
        uz: uz.to_owned(),
        ru: ru.to_owned(),
        en: en.to_owned(),
    }
}

/// The operator.
pub fn operator() -> OperatorForm {
    OperatorForm {
        legal_name: "«Shahar Reklama» MChJ".to_owned(),
        city: "Toshkent".to_owned(),
        address: "100000, Toshkent shahri, Amir Temur shoh koʻchasi, 1-uy".to_owned(),
        stir: "200000001".to_owned(),
        bank_name: "ATB «Namuna bank» bosh amaliyot boshqarmasi".to_owned(),
        mfo: "00001".to_owned(),
        settlement_account: "20208000900000001001".to_owned(),
        oked: "73110".to_owned(),
        vat_code: "326000000001".to_owned(),
        director: "Karimov A. A.".to_owned(),
        accountant: "Yusupova B. B.".to_owned(),
        email: "hisob@shahar-reklama.example.uz".to_owned(),
        phone: "998710000001".to_owned(),
    }
}

/// The customers with their codes.
pub fn customers() -> [(&'static str, CustomerForm); 3] {
    let form = |kind: &str, name: &str, stir: &str, serial: u32, email: &str, signatory: &str| CustomerForm {
        kind: kind.to_owned(),
        name: name.to_owned(),
        stir: stir.to_owned(),
        pinfl: String::new(),
        address: format!("Toshkent shahri, Navoiy koʻchasi, {serial}-uy"),
        bank_name: "ATB «Namuna bank»".to_owned(),
        mfo: "00001".to_owned(),
        settlement_account: format!("202080009{serial:08}001"),
        oked: "56101".to_owned(),
        vat_code: String::new(),
        email: email.to_owned(),
        phone: format!("99890{serial:07}"),
        signatory: signatory.to_owned(),
        authority: "Ustav".to_owned(),
    };
    [
        (
            "OSH",
            form(
                "legal_entity",
                "«Osh markazi» MChJ",
                "300000012",
                12,
                "hisob@osh.example.uz",
                "Rahimov D. D.",
            ),
        ),
        (
            "NONVOY",
            form(
                "sole_trader",
                "YaTT Qodirova Nilufar",
                "400000027",
                27,
                "nonvoy@example.uz",
                "Qodirova N. S.",
            ),
        ),
        (
            "BEK",
            form(
                "legal_entity",
                "«Bek Avtoservis» MChJ",
                "300000031",
                31,
                "bek@example.uz",
                "Bekov J. O.",
            ),
        ),
    ]
}

/// The country and its regions (ISO 3166-2:UZ).
pub async fn regions(ctx: &Context) -> anyhow::Result<()> {
    let mut tx = ctx.store.begin().await?;
    for (code, names_of) in REGIONS {
        let region = Region {
            code: RegionCode::parse(code)?,
            names: names(names_of),
        };
        tx.placements().put_region(&region).await?;
    }
    Ok(tx.save().await?)
}

const REGIONS: [(&str, [&str; 3]); 15] = [
    ("UZ", ["Oʻzbekiston", "Узбекистан", "Uzbekistan"]),
    ("UZ-TK", ["Toshkent shahri", "город Ташкент", "Tashkent city"]),
    (
        "UZ-TO",
        ["Toshkent viloyati", "Ташкентская область", "Tashkent region"],
    ),
    (
        "UZ-AN",
        ["Andijon viloyati", "Андижанская область", "Andijan region"],
    ),
    (
        "UZ-BU",
        ["Buxoro viloyati", "Бухарская область", "Bukhara region"],
    ),
    (
        "UZ-FA",
        ["Fargʻona viloyati", "Ферганская область", "Fergana region"],
    ),
    (
        "UZ-JI",
        ["Jizzax viloyati", "Джизакская область", "Jizzakh region"],
    ),
    (
        "UZ-NG",
        ["Namangan viloyati", "Наманганская область", "Namangan region"],
    ),
    ("UZ-NW", ["Navoiy viloyati", "Навоийская область", "Navoi region"]),
    (
        "UZ-QA",
        [
            "Qashqadaryo viloyati",
            "Кашкадарьинская область",
            "Kashkadarya region",
        ],
    ),
    (
        "UZ-QR",
        [
            "Qoraqalpogʻiston Respublikasi",
            "Республика Каракалпакстан",
            "Republic of Karakalpakstan",
        ],
    ),
    (
        "UZ-SA",
        ["Samarqand viloyati", "Самаркандская область", "Samarkand region"],
    ),
    (
        "UZ-SI",
        ["Sirdaryo viloyati", "Сырдарьинская область", "Syrdarya region"],
    ),
    (
        "UZ-SU",
        [
            "Surxondaryo viloyati",
            "Сурхандарьинская область",
            "Surkhandarya region",
        ],
    ),
    (
        "UZ-XO",
        ["Xorazm viloyati", "Хорезмская область", "Khorezm region"],
    ),
];

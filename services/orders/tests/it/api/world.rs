//! A set-up operator with a price list, a placement and two customers, made by the commands themselves.

use super::client::{Answer, Client};
use axum::Router;
use image::{ImageFormat, RgbaImage};
use namoyish_documents::Language;
use namoyish_domain::ids::{CustomerId, PlacementId};
use namoyish_domain::money::UnitPrice;
use namoyish_domain::orders::customer::CustomerForm;
use namoyish_domain::orders::party::OperatorForm;
use namoyish_domain::orders::placement::{PlacementFormat, PlacementKind, RegionCode};
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, SoldIn, Unit};
use namoyish_orders::OrdersSettings;
use namoyish_orders::app::add_app::{AddApp, add_app};
use namoyish_orders::app::add_placement::{AddPlacement, add_placement};
use namoyish_orders::app::api_key::{MakeApiKey, make_api_key};
use namoyish_orders::app::publish_price_list::{PublishPriceList, publish_price_list};
use namoyish_orders::app::publish_rules_edition::{PublishRulesEdition, publish_rules_edition};
use namoyish_orders::app::register_customer::{RegisterCustomer, register_customer};
use namoyish_orders::app::set_up_operator::{SetUpOperator, set_up_operator};
use namoyish_runtime::context::{Actor, Role};
use namoyish_storage::placements::Region;
use namoyish_testkit::TestContext;
use serde_json::{Value, json};
use std::io::Cursor;

/// Monday, 2 November 2026, 09:00 in Tashkent.
pub struct World {
    pub test: TestContext,
    pub router: Router,
    pub customer: CustomerId,
    pub other_customer: CustomerId,
    pub placement: PlacementId,
    pub text_placement: PlacementId,
}

pub fn system() -> Actor {
    Actor::system("set-up")
}

pub fn names(name: &str) -> Names {
    Names::check(name, name, name).unwrap()
}

pub fn operator_form() -> OperatorForm {
    OperatorForm {
        legal_name: "\"Namoyish reklama\" MCHJ".into(),
        city: "Toshkent".into(),
        address: "Toshkent, Amir Temur 1".into(),
        stir: "301234567".into(),
        bank_name: "Namuna bank".into(),
        mfo: "00440".into(),
        settlement_account: "20208000900123456001".into(),
        director: "A. Karimov".into(),
        email: "info@namoyish.example.uz".into(),
        phone: "998712000000".into(),
        ..OperatorForm::default()
    }
}

pub fn company(stir: &str) -> CustomerForm {
    CustomerForm {
        kind: "legal_entity".into(),
        name: "\"Osh markazi\" MCHJ".into(),
        stir: stir.into(),
        address: "Toshkent, Navoiy 5".into(),
        bank_name: "Namuna bank".into(),
        mfo: "00440".into(),
        settlement_account: "20208000900123456002".into(),
        email: "osh@example.uz".into(),
        phone: "998901234567".into(),
        signatory: "B. Valiyev".into(),
        authority: "Ustav".into(),
        ..CustomerForm::default()
    }
}

fn item(code: &str, kind: ItemKind, unit: Unit, price: &str) -> NewItem {
    NewItem {
        code: code.into(),
        kind,
        names: names(code),
        unit,
        unit_price: UnitPrice::parse(price).unwrap(),
        sold_in: SoldIn::Anywhere,
        material_requirements: String::new(),
    }
}

impl World {
    pub async fn make(seed: u64) -> World {
        let test = namoyish_testkit::context(seed).await;
        let (ctx, actor) = (&test.context, system());
        let operator = SetUpOperator {
            form: operator_form(),
            vat_payer: true,
            vat_payer_from: "2020-01-01".parse().unwrap(),
            penalty_cap_percent: None,
            only_vat_rate: None,
        };
        set_up_operator(ctx, &actor, operator).await.unwrap();
        let edition = PublishRulesEdition {
            text: "Qoidalar".into(),
            in_force_from: "2026-01-01".parse().unwrap(),
        };
        publish_rules_edition(ctx, &actor, edition).await.unwrap();
        let list = PublishPriceList {
            valid_from: "2026-01-01".parse().unwrap(),
            items: vec![
                item(
                    "MEDIA-BANNER",
                    ItemKind::Impressions,
                    Unit::ThousandImpressions,
                    "12000.00",
                ),
                item("TEXT-LINE", ItemKind::Period, Unit::Month, "1000000.00"),
                item("DESIGN", ItemKind::Additional, Unit::Piece, "250000.00"),
            ],
        };
        publish_price_list(ctx, &actor, list).await.unwrap();
        let app = AddApp {
            code: "web".into(),
            name: "Veb".into(),
            partner: false,
        };
        let app = add_app(ctx, &actor, app).await.unwrap().id;
        let format = PlacementFormat {
            kind: PlacementKind::Banner,
            width: 240,
            height: 400,
            bytes_max: 50_000,
            text_max: 0,
        };
        let banner = AddPlacement {
            code: "site-top".into(),
            app,
            names: names("Yuqori"),
            format,
        };
        let placement = add_placement(ctx, &actor, banner).await.unwrap().id;
        let format = PlacementFormat {
            kind: PlacementKind::Text,
            width: 0,
            height: 0,
            bytes_max: 1,
            text_max: 200,
        };
        let text = AddPlacement {
            code: "directory-card".into(),
            app,
            names: names("Karta"),
            format,
        };
        let text_placement = add_placement(ctx, &actor, text).await.unwrap().id;
        let mut tx = ctx.store.begin().await.unwrap();
        for code in ["UZ", "UZ-TK", "UZ-SA", "UZ-TK/tashkent"] {
            let region = Region {
                code: RegionCode::parse(code).unwrap(),
                names: names(code),
            };
            tx.placements().put_region(&region).await.unwrap();
        }
        tx.save().await.unwrap();
        let customer = register(&test, "osh", "305123456").await;
        let other_customer = register(&test, "bek", "305123457").await;
        let router = namoyish_orders::router(test.context.clone(), OrdersSettings::default());
        World {
            test,
            router,
            customer,
            other_customer,
            placement,
            text_placement,
        }
    }

    /// A client of the operator's side, or of a customer.
    pub async fn client(&self, role: Role, customer: Option<CustomerId>) -> Client {
        let name = format!(
            "{role} {}",
            customer.map_or_else(|| "operator".to_owned(), |id| id.to_string())
        );
        let made = make_api_key(&self.test, &system(), MakeApiKey { name, role, customer })
            .await
            .unwrap();
        Client::new(self.router.clone(), &made.secret)
    }

    pub async fn admin(&self) -> Client {
        self.client(Role::Admin, None).await
    }

    pub fn media_line(&self, budget: &str, first_day: &str, last_day: &str) -> Value {
        json!({
            "kind": "media", "item": "MEDIA-BANNER", "budget": budget, "first_day": first_day, "last_day": last_day,
            "placements": [self.placement.to_string()], "regions": ["UZ-TK"],
        })
    }

    pub fn period_line(&self, first_period: &str, last_period: &str) -> Value {
        json!({
            "kind": "period", "item": "TEXT-LINE", "first_period": first_period, "last_period": last_period,
            "placements": [self.text_placement.to_string()],
        })
    }

    pub fn blank(&self, lines: Vec<Value>) -> Value {
        json!({"customer": self.customer.to_string(), "lines": lines})
    }

    /// Draws up, offers and signs a blank on paper; gives the whole blank after it.
    pub async fn signed(&self, client: &Client, lines: Vec<Value>) -> Answer {
        let drawn_up = client
            .post("/api/v1/order-blanks", self.blank(lines))
            .await
            .ok(201);
        let path = format!("/api/v1/order-blanks/{}", drawn_up.text("/id"));
        client.post(&format!("{path}/offer"), json!({})).await.ok(200);
        self.sign_paper(client, &path, &[]).await.ok(200);
        client.get(&path).await.ok(200)
    }

    /// Records a paper signature with its scan.
    pub async fn sign_paper(&self, client: &Client, path: &str, texts: &[(&str, &str)]) -> Answer {
        let key = client.fresh_key();
        client
            .post_form(&format!("{path}/sign-paper"), &key, texts, Some(&png(40, 60)))
            .await
    }

    pub fn advance_to(&self, local: &str) {
        let at = namoyish_domain::calendar::at_tashkent(local.parse().unwrap());
        self.test.clock.advance_to(at);
    }
}

async fn register(test: &TestContext, code: &str, stir: &str) -> CustomerId {
    let command = RegisterCustomer {
        code: Some(code.into()),
        form: company(stir),
        category: "regular".into(),
        language: Language::UzLatn,
    };
    register_customer(test, &system(), command).await.unwrap().id
}

/// A PNG of a size, one colour.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbaImage::from_pixel(width, height, image::Rgba([20, 90, 160, 255]))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

pub const BANNER: &[(&str, &str)] = &[
    ("kind", "banner"),
    ("title", "Qish chegirmasi"),
    ("target_url", "https://osh.example.uz/aksiya"),
];

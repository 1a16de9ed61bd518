//! Sets the platform up for a scenario: calendar, regions, operator, rules, price lists, apps, placements, customers,
//! through the commands of the order service and under the virtual clock.
//!
//! Requisites are invented and valid: they follow from a party's place in the file, and belong to nobody. A price list that
//! begins later than another carries over what it doesn't name, so that a scenario lists only what changes.

use crate::scenario::{EventKind, OrderedService, PlacementRow, PriceRow, Scenario};
use chrono::NaiveDate;
use namoyish_documents::Language;
use namoyish_domain::calendar::{DayKind, minus_days};
use namoyish_domain::ids::{CustomerId, PlacementId};
use namoyish_domain::orders::customer::{CustomerForm, CustomerKind};
use namoyish_domain::orders::party::OperatorForm;
use namoyish_domain::orders::placement::{PlacementFormat, RegionCode};
use namoyish_domain::orders::price_list::{ItemKind, Names, NewItem, SoldIn, Unit};
use namoyish_orders::app::add_app::{AddApp, add_app};
use namoyish_orders::app::add_placement::{AddPlacement, add_placement};
use namoyish_orders::app::publish_price_list::{PublishPriceList, publish_price_list};
use namoyish_orders::app::publish_rules_edition::{PublishRulesEdition, publish_rules_edition};
use namoyish_orders::app::register_customer::{RegisterCustomer, register_customer};
use namoyish_orders::app::set_up_operator::{SetUpOperator, set_up_operator};
use namoyish_runtime::context::{Actor, Context};
use namoyish_storage::DbError;
use namoyish_storage::calendar_days::CalendarEdit;
use namoyish_storage::placements::Region;
use std::collections::{BTreeMap, BTreeSet};

/// A step of the set-up that failed: the scenario asks for something that the platform can't be set up with.
#[derive(Debug, thiserror::Error)]
#[error("setting up {what} failed: {reason}")]
pub struct SetUpError {
    /// The step.
    pub what: String,
    /// The refusal's sentence.
    pub reason: String,
}

impl From<DbError> for SetUpError {
    fn from(error: DbError) -> SetUpError {
        SetUpError {
            what: "the database".to_owned(),
            reason: error.to_string(),
        }
    }
}

fn failed<E: std::error::Error>(what: impl Into<String>) -> impl FnOnce(E) -> SetUpError {
    let what = what.into();
    move |error| SetUpError {
        what,
        reason: error.to_string(),
    }
}

/// What the scenario's ids stand for.
#[derive(Debug, Clone, Default)]
pub(crate) struct SetUp {
    pub(crate) customers: BTreeMap<String, CustomerId>,
    pub(crate) placements: BTreeMap<String, PlacementId>,
    /// Publishable key of each placement's app.
    pub(crate) keys: BTreeMap<String, String>,
}

/// Width and height of banner placements, and of the banner that scenarios submit.
pub(crate) const BANNER_PIXELS: (u32, u32) = (240, 60);

/// The day on which the platform is set up: the eve of everything.
pub(crate) fn day_of_set_up(scenario: &Scenario, first_day: NaiveDate) -> NaiveDate {
    let first_list = scenario.prices.iter().map(|row| row.valid_from).min();
    minus_days(first_list.map_or(first_day, |day| day.min(first_day)), 1)
}

/// Runs the set-up.
pub(crate) async fn set_up(ctx: &Context, actor: &Actor, scenario: &Scenario) -> Result<SetUp, SetUpError> {
    calendar_and_regions(ctx, actor, scenario).await?;
    operator(ctx, actor, scenario).await?;
    price_lists(ctx, actor, scenario).await?;
    let mut set_up = SetUp::default();
    inventory(ctx, actor, scenario, &mut set_up).await?;
    for (row, place) in scenario.customers.iter().zip(1u32..) {
        let cmd = RegisterCustomer {
            code: Some(row.id.clone()),
            form: customer_form(&row.id, row.kind, place),
            category: "regular".to_owned(),
            language: Language::UzLatn,
        };
        let customer = register_customer(ctx, actor, cmd)
            .await
            .map_err(failed(format!("customer `{}`", row.id)))?;
        set_up.customers.insert(row.id.clone(), customer.id);
    }
    Ok(set_up)
}

async fn calendar_and_regions(ctx: &Context, actor: &Actor, scenario: &Scenario) -> Result<(), SetUpError> {
    let mut tx = ctx.store.begin().await?;
    let days_off = scenario
        .operator
        .extra_holidays
        .iter()
        .map(|day| (*day, DayKind::DayOff));
    let working = scenario
        .operator
        .working_days
        .iter()
        .map(|day| (*day, DayKind::Working));
    for (day, kind) in days_off.chain(working) {
        let edit = CalendarEdit {
            by: &actor.name,
            at: ctx.now(),
            reason: "",
        };
        tx.calendar_days().put(day, kind, edit).await?;
    }
    for code in regions_of(scenario) {
        let name = code.as_str().to_owned();
        let names = Names {
            uz: name.clone(),
            ru: name.clone(),
            en: name,
        };
        tx.placements().put_region(&Region { code, names }).await?;
    }
    tx.save().await?;
    Ok(())
}

/// Every region that the scenario names and those above it; a parent sorts before its children.
fn regions_of(scenario: &Scenario) -> BTreeSet<RegionCode> {
    let ordered = scenario.events.iter().filter_map(|event| match &event.what {
        EventKind::SignOrder(order) => Some(&order.lines),
        _ => None,
    });
    let targets = ordered.flatten().filter_map(|line| match &line.service {
        OrderedService::Media { regions, .. } => Some(regions),
        _ => None,
    });
    let viewers = scenario.traffic.iter().filter_map(|row| row.region);
    targets
        .flatten()
        .copied()
        .chain(viewers)
        .flat_map(RegionCode::path)
        .collect()
}

async fn operator(ctx: &Context, actor: &Actor, scenario: &Scenario) -> Result<(), SetUpError> {
    let options = &scenario.operator;
    let cmd = SetUpOperator {
        form: OperatorForm {
            legal_name: "Namoyish Reklama MChJ".to_owned(),
            city: "Toshkent".to_owned(),
            address: "Toshkent shahri, Amir Temur ko‘chasi, 1-uy".to_owned(),
            stir: "200000001".to_owned(),
            bank_name: "Namuna bank".to_owned(),
            mfo: "00001".to_owned(),
            settlement_account: "20208000900000001001".to_owned(),
            oked: "73110".to_owned(),
            vat_code: if options.vat_payer {
                "300000000001".to_owned()
            } else {
                String::new()
            },
            director: "Karimov A. A.".to_owned(),
            accountant: "Yusupova B. B.".to_owned(),
            email: "hisob@namoyish.example.uz".to_owned(),
            phone: "998710000001".to_owned(),
        },
        vat_payer: options.vat_payer,
        vat_payer_from: NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or(NaiveDate::MIN),
        penalty_cap_percent: options.penalty_cap_percent,
        only_vat_rate: options.vat_rate,
    };
    set_up_operator(ctx, actor, cmd)
        .await
        .map_err(failed("[operator]"))?;
    let cmd = PublishRulesEdition {
        text: "Reklama xizmatlarini ko‘rsatish qoidalari (ssenariy uchun).".to_owned(),
        in_force_from: ctx.today(),
    };
    publish_rules_edition(ctx, actor, cmd)
        .await
        .map_err(failed("the rules"))?;
    Ok(())
}

async fn price_lists(ctx: &Context, actor: &Actor, scenario: &Scenario) -> Result<(), SetUpError> {
    let once = ordered_once(scenario);
    let mut items: BTreeMap<&str, NewItem> = BTreeMap::new();
    let beginnings: BTreeSet<NaiveDate> = scenario.prices.iter().map(|row| row.valid_from).collect();
    for valid_from in beginnings {
        for row in scenario.prices.iter().filter(|row| row.valid_from == valid_from) {
            items.insert(&row.code, item(row, &once));
        }
        let cmd = PublishPriceList {
            valid_from,
            items: items.values().cloned().collect(),
        };
        publish_price_list(ctx, actor, cmd)
            .await
            .map_err(failed(format!("the price list of {valid_from}")))?;
    }
    Ok(())
}

/// Codes of prices by which something is ordered once: they are priced by the piece.
fn ordered_once(scenario: &Scenario) -> BTreeSet<&str> {
    let lines = scenario.events.iter().filter_map(|event| match &event.what {
        EventKind::SignOrder(order) => Some(&order.lines),
        _ => None,
    });
    lines
        .flatten()
        .filter(|line| matches!(line.service, OrderedService::Additional { one_off: true, .. }))
        .map(|line| line.price.as_str())
        .collect()
}

fn item(row: &PriceRow, once: &BTreeSet<&str>) -> NewItem {
    NewItem {
        code: row.code.clone(),
        kind: row.kind,
        names: Names {
            uz: row.code.clone(),
            ru: row.code.clone(),
            en: row.code.clone(),
        },
        unit: match row.kind {
            ItemKind::Impressions => Unit::ThousandImpressions,
            ItemKind::Additional if once.contains(row.code.as_str()) => Unit::Piece,
            ItemKind::Period | ItemKind::Additional => Unit::Month,
        },
        unit_price: row.price,
        sold_in: SoldIn::Anywhere,
        material_requirements: String::new(),
    }
}

async fn inventory(
    ctx: &Context,
    actor: &Actor,
    scenario: &Scenario,
    set_up: &mut SetUp,
) -> Result<(), SetUpError> {
    let mut apps = BTreeMap::new();
    for row in &scenario.placements {
        if apps.contains_key(&row.app) {
            continue;
        }
        let cmd = AddApp {
            code: row.app.clone(),
            name: row.app.clone(),
            partner: row.partner,
        };
        let app = add_app(ctx, actor, cmd)
            .await
            .map_err(failed(format!("app `{}`", row.app)))?;
        apps.insert(row.app.clone(), app);
    }
    for row in &scenario.placements {
        let Some(app) = apps.get(&row.app) else { continue };
        let cmd = AddPlacement {
            code: row.id.clone(),
            app: app.id,
            names: Names {
                uz: row.id.clone(),
                ru: row.id.clone(),
                en: row.id.clone(),
            },
            format: format(row),
        };
        let placement = add_placement(ctx, actor, cmd)
            .await
            .map_err(failed(format!("placement `{}`", row.id)))?;
        set_up.placements.insert(row.id.clone(), placement.id);
        set_up.keys.insert(row.id.clone(), app.publishable_key.clone());
    }
    Ok(())
}

fn format(row: &PlacementRow) -> PlacementFormat {
    let (width, height) = if row.kind.has_image() {
        BANNER_PIXELS
    } else {
        (0, 0)
    };
    PlacementFormat {
        kind: row.kind,
        width,
        height,
        bytes_max: 307_200,
        text_max: 0,
    }
}

fn customer_form(id: &str, kind: CustomerKind, place: u32) -> CustomerForm {
    let serial = place % 1_000_000;
    let is_person = kind == CustomerKind::Person;
    let latin: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    CustomerForm {
        kind: kind.code().to_owned(),
        name: id.to_owned(),
        stir: if is_person {
            String::new()
        } else {
            format!("3{serial:08}")
        },
        pinfl: if is_person { pinfl(serial) } else { String::new() },
        address: format!("Toshkent shahri, Navoiy ko‘chasi, {place}-uy"),
        bank_name: "Namuna bank".to_owned(),
        mfo: "00001".to_owned(),
        settlement_account: format!("202080009{serial:08}001"),
        oked: String::new(),
        vat_code: String::new(),
        email: format!("{latin}.{place}@mijoz.example.uz"),
        phone: format!("998901{serial:06}"),
        signatory: "Rahimov D. D.".to_owned(),
        authority: "Ustav".to_owned(),
    }
}

/// A valid PINFL of district 000, which nobody has: born on 1 January 1990, with this serial number.
fn pinfl(serial: u32) -> String {
    let first = format!("3010190000{:03}", serial % 1_000);
    let sum: u32 = first
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    format!("{first}{}", sum % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use namoyish_domain::orders::customer::Requisites;

    #[test]
    fn invented_requisites_are_valid_and_different() {
        let mut numbers = BTreeSet::new();
        for place in 1..=999 {
            for kind in [
                CustomerKind::LegalEntity,
                CustomerKind::SoleTrader,
                CustomerKind::Person,
            ] {
                let requisites = Requisites::check(&customer_form("osh/1", kind, place)).unwrap();
                numbers.insert(requisites.tax_number().to_owned());
            }
        }
        assert_eq!(
            numbers.len(),
            2 * 999,
            "a company and a trader in one place of the file never meet"
        );
    }
}

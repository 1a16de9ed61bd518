//! Giving an additional service to a category of customers [003 §2.5], or giving it no more.
//!
//! From its first day on, a blank that is drawn up for a customer of the category gets a line of the service at this
//! price (`line_price`). A day that has begun isn't changed: what was agreed on then stays.

use crate::app::{NotAllowed, Refusal, Told, code_of, require_staff};
use chrono::NaiveDate;
use namoyish_domain::money::UnitPrice;
use namoyish_domain::orders::price_list::ItemKind;
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::price_groups::CategoryService;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// What to give.
#[derive(Debug, Clone)]
pub struct GiveService {
    /// Category of customers.
    pub category: String,
    /// An additional service of the price list in force.
    pub item: String,
    /// First day, after today.
    pub valid_from: NaiveDate,
    /// Price per unit; `None`: given no more from that day on.
    pub unit_price: Option<UnitPrice>,
}

/// Why it isn't given.
#[derive(Debug, thiserror::Error)]
pub enum GiveServiceError {
    /// Not sales.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// A text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// The list in force has no such additional service.
    #[error("the price list in force has no additional service {item}")]
    NoSuchService {
        /// The code asked for.
        item: String,
    },
    /// A day that has begun.
    #[error("a service is given from a day to come: {valid_from} is not after {today}")]
    InThePast {
        /// First day asked for.
        valid_from: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// That day is written already.
    #[error("the service {item} of the category {category} is decided for {valid_from} already")]
    DayTaken {
        /// Category.
        category: String,
        /// Code of the item.
        item: String,
        /// The day.
        valid_from: NaiveDate,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for GiveServiceError {
    fn told(&self) -> Told {
        match self {
            GiveServiceError::NotAllowed(_) => Told::not_allowed(),
            GiveServiceError::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            GiveServiceError::NoSuchService { .. } => Told::refused("no_such_service").field("item"),
            GiveServiceError::InThePast { .. } => Told::refused("service_in_the_past").field("valid_from"),
            GiveServiceError::DayTaken { .. } => Told::conflict("service_day_taken").field("valid_from"),
            GiveServiceError::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(GiveServiceError);

/// Gives a service to a category.
pub async fn give_service_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: GiveService,
) -> Result<CategoryService, GiveServiceError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "give services to categories")?;
    let category = text::required("category", &cmd.category, 40)?;
    let today = ctx.today();
    if cmd.valid_from <= today {
        return Err(GiveServiceError::InThePast {
            valid_from: cmd.valid_from,
            today,
        });
    }
    let no_such_service = || GiveServiceError::NoSuchService {
        item: cmd.item.chars().take(80).collect(),
    };
    let list = tx
        .price_lists()
        .in_force(today)
        .await?
        .ok_or_else(no_such_service)?;
    let item = tx
        .price_lists()
        .item_by_code(list.id, &cmd.item)
        .await?
        .filter(|item| item.item.kind == ItemKind::Additional)
        .ok_or_else(no_such_service)?;
    let service = CategoryService {
        category,
        item_code: item.item.code,
        valid_from: cmd.valid_from,
        unit_price: cmd.unit_price,
    };
    if !tx
        .price_groups()
        .put_service(&service, &actor.name, ctx.now())
        .await?
    {
        return Err(GiveServiceError::DayTaken {
            category: service.category,
            item: service.item_code,
            valid_from: service.valid_from,
        });
    }
    let details = json!({
        "item": service.item_code,
        "valid_from": service.valid_from.to_string(),
        "unit_price": service.unit_price.map(|price| price.to_string()),
    });
    tx.audit(ctx.now(), &actor.name, "give_service", &service.category, details)
        .await?;
    Ok(service)
}

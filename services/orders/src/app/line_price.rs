//! What a line costs by the price list, its annex and the customer's category (orders.md §2).
//!
//! At drawing up the price is made of the list in force; at signing it is made again of the list in force on that day,
//! and a blank whose prices differ isn't signed but drawn up anew [003 §5.2]: what was shown is what is agreed on, and
//! nobody signs a price of yesterday. **Choice:** prices are compared, not lists, so that a new list that leaves a price
//! alone doesn't stop a signature.

use chrono::NaiveDate;
use namoyish_domain::ids::LineId;
use namoyish_domain::money::{MoneyError, UnitPrice};
use namoyish_domain::orders::order_blank::{LineKind, Term};
use namoyish_domain::orders::price_group::{PriceGroup, price_in_group};
use namoyish_domain::orders::price_list::{ItemKind, NewItem, SoldIn, Unit};
use namoyish_runtime::context::Context;
use namoyish_storage::customers::Customer;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::placements::Placement;
use namoyish_storage::price_groups::CategoryService;
use namoyish_storage::price_lists::PriceList;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;

/// A blank has no more lines than this, given services included; what would be beyond is not given.
const LINES_MAX: usize = namoyish_domain::orders::line::LINES_MAX;

/// The price of a line and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinePrice {
    pub(crate) unit_price: UnitPrice,
    pub(crate) list_price: UnitPrice,
    pub(crate) price_group: Option<String>,
}

/// What makes prices for a customer on a day: the group of the annex in force.
#[derive(Debug, Clone)]
pub(crate) struct PriceTerms {
    group: Option<PriceGroup>,
}

impl PriceTerms {
    /// Of a customer of `category` whose blank is made out in `city`.
    pub(crate) async fn on(
        tx: &mut Tx,
        day: NaiveDate,
        city: &str,
        category: &str,
    ) -> Result<PriceTerms, DbError> {
        let group = tx.price_groups().coefficient_on(day, city, category).await?;
        Ok(PriceTerms { group })
    }

    /// The price of an item.
    pub(crate) fn of(&self, item: &NewItem) -> Result<LinePrice, MoneyError> {
        Ok(match &self.group {
            None => LinePrice {
                unit_price: item.unit_price,
                list_price: item.unit_price,
                price_group: None,
            },
            Some(group) => LinePrice {
                unit_price: price_in_group(item.unit_price, group.coefficient)?,
                list_price: item.unit_price,
                price_group: Some(group.name.clone()),
            },
        })
    }
}

/// The first placement that the item doesn't buy.
pub(crate) fn sold_elsewhere<'a>(item: &NewItem, placements: &'a [Placement]) -> Option<&'a Placement> {
    placements.iter().find(|placement| match item.sold_in {
        SoldIn::Anywhere => false,
        SoldIn::App(app) => placement.app != app,
        SoldIn::Placement(only) => placement.id != only,
    })
}

/// The lines of the services that the customer's category is given [003 §2.5], to stand behind `lines`: over the whole
/// term of the blank, or once on its first day. What is ordered anyway isn't given twice.
pub(crate) async fn given_lines(
    tx: &mut Tx,
    ctx: &Context,
    blank: &OrderBlank,
    customer: &Customer,
    list: &PriceList,
    lines: &[OrderLine],
) -> Result<Vec<OrderLine>, DbError> {
    let services = tx
        .price_groups()
        .services_on(&customer.category, blank.made_out_on)
        .await?;
    let first = lines.iter().map(|line| line.term.first_day()).min();
    let last = lines.iter().map(|line| line.term.last_day()).max();
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(Vec::new());
    };
    let mut given = Vec::new();
    for CategoryService {
        item_code,
        unit_price,
        ..
    } in services
    {
        let Some(unit_price) = unit_price else { continue };
        let Some(item) = tx.price_lists().item_by_code(list.id, &item_code).await? else {
            continue;
        };
        let position = lines.len() + given.len() + 1;
        let is_ordered = lines.iter().any(|line| line.item == item.id);
        if is_ordered || item.item.kind != ItemKind::Additional || position > LINES_MAX {
            continue;
        }
        let one_off = item.item.unit == Unit::Piece;
        let term = Term::new(first, if one_off { first } else { last })
            .ok_or_else(|| DbError::Inconsistent(format!("order blank {}: empty term", blank.id)))?;
        given.push(OrderLine {
            id: LineId::from_uuid(ctx.uuid()),
            blank: blank.id,
            position: i32::try_from(position).unwrap_or(i32::MAX),
            code: format!("{}/{position}", blank.code),
            kind: LineKind::Additional,
            item: item.id,
            unit_price,
            list_price: Some(item.item.unit_price),
            price_group: None,
            ordered_term: term,
            term,
            budget: None,
            quantity: Some(Decimal::ONE),
            one_off,
            paused_at: None,
            ended_on: None,
            placements: Vec::new(),
            regions: Vec::new(),
            targeting: Default::default(),
        });
    }
    Ok(given)
}

/// A line whose price isn't that of the list in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {position}: {}; draw the order blank up again", match .now {
    Some(now) => format!("the price in force on {day} is {now}, the blank says {agreed}"),
    None => format!("the price list in force on {day} does not have the item {item} any more"),
})]
pub struct PriceChanged {
    /// Which line.
    pub position: i32,
    /// Code of the item.
    pub item: String,
    /// The price on the blank.
    pub agreed: UnitPrice,
    /// The price in force; `None`: the item isn't sold any more.
    pub now: Option<UnitPrice>,
    /// The day.
    pub day: NaiveDate,
}

/// Compares the prices of a blank with those in force on a day; the first that differs is given.
///
/// A line without a list price was agreed on apart from the list and is left alone.
pub(crate) async fn changed_price(
    tx: &mut Tx,
    blank: &OrderBlank,
    lines: &[OrderLine],
    day: NaiveDate,
) -> Result<Option<PriceChanged>, DbError> {
    let customer =
        tx.customers().find(blank.customer).await?.ok_or_else(|| {
            DbError::Inconsistent(format!("order blank {}: its customer is gone", blank.id))
        })?;
    let terms = PriceTerms::on(tx, day, &blank.city, &customer.category).await?;
    let given = tx.price_groups().services_on(&customer.category, day).await?;
    let list = tx.price_lists().in_force(day).await?;
    for line in lines.iter().filter(|line| line.list_price.is_some()) {
        let gone = || DbError::Inconsistent(format!("order line {}: its item is gone", line.id));
        let ordered = tx.price_lists().item(line.item).await?.ok_or_else(gone)?;
        let code = ordered.item.code.clone();
        let item = match &list {
            Some(list) if list.id == ordered.price_list => Some(ordered),
            Some(list) => tx.price_lists().item_by_code(list.id, &code).await?,
            None => None,
        };
        let now = match &item {
            Some(item) => Some(terms.of(&item.item)?.unit_price),
            None => None,
        };
        let is_given = item.is_some()
            && given
                .iter()
                .any(|service| service.item_code == code && service.unit_price == Some(line.unit_price));
        if now != Some(line.unit_price) && !is_given {
            return Ok(Some(PriceChanged {
                position: line.position,
                item: code,
                agreed: line.unit_price,
                now,
                day,
            }));
        }
    }
    Ok(None)
}

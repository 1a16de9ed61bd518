//! Drawing up an order blank (orders.md §3): a draft with its lines, at the price list, the VAT terms and the rules in
//! force on the day.
//!
//! The number is taken from the gapless series of the year in the same transaction, so a draft that is refused leaves
//! no hole. A draft is the operator's own paper: its customer sees it once it is offered. Not here: a blank that the
//! customer makes in the cabinet.

use crate::app::{CODE_CHARS_MAX, NotAllowed, Refusal, Told, code_of, is_short_name, require_staff};
use chrono::{Datelike, NaiveDate};
use namoyish_domain::ids::{CustomerId, LineId, OrderBlankId, PlacementId};
use namoyish_domain::orders::line::{LINES_MAX, LineRefused, NewLine, PLACEMENTS_MAX, Service};
use namoyish_domain::orders::order_blank::{BlankState, Prepayment, StatisticsSource};
use namoyish_domain::orders::party::{Email, RequisiteError};
use namoyish_domain::orders::placement::{PlacementFormat, RegionCode};
use namoyish_domain::orders::text::{self, TextRefused};
use namoyish_runtime::context::{Actor, Context, Role};
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::price_lists::PriceList;
use namoyish_storage::{DbError, Tx};
use serde_json::json;

/// The most addresses that notices go to.
pub const NOTICE_EMAILS_MAX: usize = 10;

/// What to draw up.
#[derive(Debug, Clone)]
pub struct DrawUpOrderBlank {
    /// The operator's short name for it; `None`: its number.
    pub code: Option<String>,
    /// For whom.
    pub customer: CustomerId,
    /// City; `None`: the operator's.
    pub city: Option<String>,
    /// How the prepayment is invoiced.
    pub prepayment: Prepayment,
    /// Its own payment term, if it states one.
    pub own_due_on: Option<NaiveDate>,
    /// Whose counts count.
    pub statistics_source: StatisticsSource,
    /// Where notices go; empty: the customer's own address.
    pub notice_emails: Vec<String>,
    /// What is ordered; at least one line.
    pub lines: Vec<DrawUpLine>,
}

/// A line to draw up.
#[derive(Debug, Clone)]
pub struct DrawUpLine {
    /// Short name, unique over all blanks; `None`: the blank's code and the position.
    pub code: Option<String>,
    /// Code of the item in the price list in force.
    pub item: String,
    /// What is ordered.
    pub service: Service,
    /// Where it is shown.
    pub placements: Vec<PlacementId>,
    /// To whom; empty: everywhere.
    pub regions: Vec<RegionCode>,
}

/// A blank with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnUp {
    /// The blank.
    pub blank: OrderBlank,
    /// Its lines by position.
    pub lines: Vec<OrderLine>,
}

/// Why it isn't drawn up. Positions count from 1.
#[derive(Debug, thiserror::Error)]
pub enum DrawUpOrderBlankError {
    /// The actor's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// There is no such customer.
    #[error("there is no customer {customer}")]
    NoSuchCustomer {
        /// The id.
        customer: CustomerId,
    },
    /// The platform isn't set up: no operator, rules or VAT status for the day.
    #[error("nothing can be ordered on {day}: {missing} is not set up")]
    NotSetUp {
        /// The day.
        day: NaiveDate,
        /// What is missing.
        missing: &'static str,
    },
    /// No price list is in force.
    #[error("no price list is in force on {day}")]
    NoPriceList {
        /// The day.
        day: NaiveDate,
    },
    /// No lines, or too many.
    #[error("an order blank has 1 to {LINES_MAX} lines; {given} were given")]
    LineCount {
        /// How many were given.
        given: usize,
    },
    /// A text.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// An address.
    #[error(transparent)]
    Email(#[from] RequisiteError),
    /// Too many addresses.
    #[error("{given} notice addresses were given; at most {NOTICE_EMAILS_MAX} are taken")]
    TooManyEmails {
        /// How many were given.
        given: usize,
    },
    /// A short name with other characters.
    #[error("a code has 1 to {CODE_CHARS_MAX} letters, digits, hyphens, underscores, dots or slashes")]
    BadCode,
    /// The short name is taken.
    #[error("the code {code} is taken")]
    CodeTaken {
        /// Which one.
        code: String,
    },
    /// The item isn't in the list in force.
    #[error("line {position}: the price list in force has no item {item}")]
    NoSuchItem {
        /// Which line.
        position: usize,
        /// The code asked for.
        item: String,
    },
    /// A placement isn't there.
    #[error("line {position}: there is no placement {placement}")]
    NoSuchPlacement {
        /// Which line.
        position: usize,
        /// The id asked for.
        placement: PlacementId,
    },
    /// A region isn't in the tree.
    #[error("line {position}: there is no region {region}")]
    NoSuchRegion {
        /// Which line.
        position: usize,
        /// The code asked for.
        region: String,
    },
    /// A rule of lines.
    #[error("line {position}: {refused}")]
    Line {
        /// Which line.
        position: usize,
        /// Why.
        refused: LineRefused,
    },
    /// The own payment term lies in the past.
    #[error("the own payment term {own_due_on} lies before {today}")]
    OwnTermPast {
        /// The day given.
        own_due_on: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Refusal for DrawUpOrderBlankError {
    fn told(&self) -> Told {
        use DrawUpOrderBlankError as Error;
        let of_line = |position: &usize, field: &str| format!("lines[{position}].{field}");
        match self {
            Error::NotAllowed(_) => Told::not_allowed(),
            Error::NoSuchCustomer { .. } => Told::not_found("no_such_customer").field("customer"),
            Error::NotSetUp { .. } => Told::conflict("not_set_up"),
            Error::NoPriceList { .. } => Told::conflict("no_price_list_in_force"),
            Error::LineCount { .. } => Told::refused("line_count")
                .field("lines")
                .limit(Some(LINES_MAX.to_string())),
            Error::Text(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            Error::Email(refused) => Told::refused(refused.code())
                .field(refused.field())
                .limit(refused.limit()),
            Error::TooManyEmails { .. } => Told::refused("too_many")
                .field("notice_emails")
                .limit(Some(NOTICE_EMAILS_MAX.to_string())),
            Error::BadCode => Told::refused("bad_code")
                .field("code")
                .limit(Some(format!("{CODE_CHARS_MAX} characters"))),
            Error::CodeTaken { .. } => Told::conflict("code_taken").field("code"),
            Error::NoSuchItem { position, .. } => {
                Told::refused("no_such_item").field(of_line(position, "item"))
            }
            Error::NoSuchPlacement { position, .. } => {
                Told::refused("no_such_placement").field(of_line(position, "placements"))
            }
            Error::NoSuchRegion { position, .. } => {
                Told::refused("no_such_region").field(of_line(position, "regions"))
            }
            Error::Line { position, refused } => Told::refused(refused.code())
                .field(of_line(position, refused.field()))
                .limit(refused.limit()),
            Error::OwnTermPast { .. } => Told::refused("own_term_past").field("own_due_on"),
            Error::Db(error) => Told::of_database(error),
        }
    }
}

code_of!(DrawUpOrderBlankError);

/// Draws a blank up.
pub async fn draw_up_order_blank(
    ctx: &Context,
    actor: &Actor,
    cmd: DrawUpOrderBlank,
) -> Result<DrawnUp, DrawUpOrderBlankError> {
    let mut tx = ctx.store.begin().await?;
    let drawn_up = draw_up_order_blank_in(&mut tx, ctx, actor, cmd).await?;
    tx.save().await?;
    Ok(drawn_up)
}

/// The same inside the caller's transaction.
pub async fn draw_up_order_blank_in(
    tx: &mut Tx,
    ctx: &Context,
    actor: &Actor,
    cmd: DrawUpOrderBlank,
) -> Result<DrawnUp, DrawUpOrderBlankError> {
    require_staff(actor, &[Role::Sales, Role::Admin], "draw up order blanks")?;
    let today = ctx.today();
    let customer = tx
        .customers()
        .find(cmd.customer)
        .await?
        .ok_or(DrawUpOrderBlankError::NoSuchCustomer {
            customer: cmd.customer,
        })?;
    let not_set_up = |missing| DrawUpOrderBlankError::NotSetUp { day: today, missing };
    let operator = tx.operator().find().await?.ok_or(not_set_up("the operator"))?;
    let rules_edition = tx
        .operator()
        .edition_on(today)
        .await?
        .ok_or(not_set_up("an edition of the rules"))?;
    let vat = tx
        .operator()
        .vat_terms_on(today)
        .await?
        .ok_or(not_set_up("the VAT status or rate"))?;
    let list = tx
        .price_lists()
        .in_force(today)
        .await?
        .ok_or(DrawUpOrderBlankError::NoPriceList { day: today })?;

    check_head(&cmd, today)?;
    let notice_emails = notice_emails(&cmd.notice_emails, &customer.requisites.email)?;
    let city = match &cmd.city {
        Some(city) => text::required("city", city, 100)?,
        None => operator.requisites.city.clone(),
    };
    let year = today.year();
    let number = format!("OB-{year:04}-{:06}", tx.take_number("order_blank", year).await?);
    let blank = OrderBlank {
        id: OrderBlankId::from_uuid(ctx.uuid()),
        code: cmd.code.clone().unwrap_or_else(|| number.clone()),
        number,
        customer: customer.id,
        city,
        state: BlankState::Draft,
        rules_edition,
        prepayment: cmd.prepayment,
        own_due_on: cmd.own_due_on,
        statistics_source: cmd.statistics_source,
        notice_emails,
        made_out_on: today,
        vat,
        created_at: ctx.now(),
        offered_at: None,
        signature: None,
    };
    let mut lines = Vec::with_capacity(cmd.lines.len());
    for (position, line) in (1usize..).zip(&cmd.lines) {
        lines.push(check_line(tx, ctx, &blank, &list, position, line).await?);
    }

    match tx.order_blanks().insert(&blank).await {
        Err(error) if error.is_constraint("order_blank_code_is_unique") => {
            return Err(DrawUpOrderBlankError::CodeTaken { code: blank.code });
        }
        other => other?,
    }
    for line in &lines {
        match tx.order_lines().insert(line).await {
            Err(error) if error.is_constraint("order_line_code_is_unique") => {
                return Err(DrawUpOrderBlankError::CodeTaken {
                    code: line.code.clone(),
                });
            }
            other => other?,
        }
    }
    let details = json!({
        "number": blank.number,
        "customer": blank.customer.to_string(),
        "price_list": list.id.to_string(),
        "lines": lines.len(),
    });
    tx.audit(
        ctx.now(),
        &actor.name,
        "draw_up_order_blank",
        &blank.id.to_string(),
        details,
    )
    .await?;
    Ok(DrawnUp { blank, lines })
}

fn check_head(cmd: &DrawUpOrderBlank, today: NaiveDate) -> Result<(), DrawUpOrderBlankError> {
    if cmd.lines.is_empty() || cmd.lines.len() > LINES_MAX {
        return Err(DrawUpOrderBlankError::LineCount {
            given: cmd.lines.len(),
        });
    }
    let codes = cmd
        .code
        .iter()
        .chain(cmd.lines.iter().filter_map(|line| line.code.as_ref()));
    if !codes.into_iter().all(|code| is_short_name(code)) {
        return Err(DrawUpOrderBlankError::BadCode);
    }
    match cmd.own_due_on.filter(|own_due_on| *own_due_on < today) {
        Some(own_due_on) => Err(DrawUpOrderBlankError::OwnTermPast { own_due_on, today }),
        None => Ok(()),
    }
}

fn notice_emails(given: &[String], of_customer: &Email) -> Result<Vec<Email>, DrawUpOrderBlankError> {
    if given.len() > NOTICE_EMAILS_MAX {
        return Err(DrawUpOrderBlankError::TooManyEmails { given: given.len() });
    }
    if given.is_empty() {
        return Ok(vec![of_customer.clone()]);
    }
    Ok(given
        .iter()
        .map(|address| Email::parse_field("notice_emails", address))
        .collect::<Result<_, _>>()?)
}

/// Loads what a line refers to and applies its rules.
async fn check_line(
    tx: &mut Tx,
    ctx: &Context,
    blank: &OrderBlank,
    list: &PriceList,
    position: usize,
    line: &DrawUpLine,
) -> Result<OrderLine, DrawUpOrderBlankError> {
    let item = tx
        .price_lists()
        .item_by_code(list.id, &line.item)
        .await?
        .ok_or_else(|| DrawUpOrderBlankError::NoSuchItem {
            position,
            item: line.item.chars().take(80).collect(),
        })?;
    let new_line = NewLine {
        service: line.service.clone(),
        item_kind: item.item.kind,
        unit_price: item.item.unit_price,
        placements: formats_of(tx, position, &line.placements).await?,
        regions: line.regions.clone(),
    };
    let checked = new_line
        .check(blank.made_out_on)
        .map_err(|refused| DrawUpOrderBlankError::Line { position, refused })?;
    if let Some(region) = tx
        .placements()
        .unknown_regions(&line.regions)
        .await?
        .into_iter()
        .next()
    {
        return Err(DrawUpOrderBlankError::NoSuchRegion { position, region });
    }
    Ok(OrderLine {
        id: LineId::from_uuid(ctx.uuid()),
        blank: blank.id,
        position: i32::try_from(position).unwrap_or(i32::MAX),
        code: line
            .code
            .clone()
            .unwrap_or_else(|| format!("{}/{position}", blank.code)),
        kind: line.service.kind(),
        item: item.id,
        unit_price: item.item.unit_price,
        ordered_term: checked.term,
        term: checked.term,
        budget: line.service.budget(),
        quantity: line.service.quantity(),
        one_off: line.service.is_one_off(),
        paused_at: None,
        ended_on: None,
        placements: line.placements.clone(),
        regions: line.regions.clone(),
    })
}

async fn formats_of(
    tx: &mut Tx,
    position: usize,
    placements: &[PlacementId],
) -> Result<Vec<(PlacementId, PlacementFormat)>, DrawUpOrderBlankError> {
    if placements.len() > PLACEMENTS_MAX {
        let refused = LineRefused::TooMany {
            field: "placements",
            given: placements.len(),
            limit: PLACEMENTS_MAX,
        };
        return Err(DrawUpOrderBlankError::Line { position, refused });
    }
    let known = tx.placements().find_many(placements).await?;
    placements
        .iter()
        .map(|id| {
            known
                .iter()
                .find(|placement| placement.id == *id)
                .map(|placement| (*id, placement.format))
                .ok_or(DrawUpOrderBlankError::NoSuchPlacement {
                    position,
                    placement: *id,
                })
        })
        .collect()
}

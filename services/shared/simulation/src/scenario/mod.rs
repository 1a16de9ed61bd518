//! Scenario files, version 1: what is sold, who asks for ads, and what happens when.
//!
//! Rule: simulation.md "Scenario file". A file with a mistake (unknown key, event or id, a date that is none, a wrong
//! type, a missing key, a duplicate id, an order without lines) is refused as a whole with the line of each mistake,
//! and nothing is run. What the *rules of the book* refuse (an extra period over the budget) is no mistake of the file:
//! it is run, refused, and listed in the report.
//!
//! All times are Tashkent wall-clock times; weights and shares are integers or decimals, never floating point.

mod events;
mod reader;
#[cfg(test)]
mod tests;

pub use events::{
    Ended, Event, EventKind, MaterialVerdict, NoticeBy, NoticeGround, NoticeOfTermination, OrderedLine,
    OrderedService, SignOrder,
};
pub use reader::{At, Mistake};

use chrono::NaiveDate;
use namoyish_domain::money::{Rate, UnitPrice};
use namoyish_domain::orders::customer::CustomerKind;
use namoyish_domain::orders::placement::{PlacementKind, RegionCode};
use namoyish_domain::orders::price_list::ItemKind;
use reader::{
    Fields, Mistakes, boolean, date, decimal, id, integer, item_code, one_of, price, rate, text, weight,
};
use rust_decimal::Decimal;
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};

/// Most nodes that a scenario may have.
pub const NODES_MAX: u64 = 16;
/// Most requests a day of one `[[traffic]]`.
pub const REQUESTS_PER_DAY_MAX: u64 = 50_000_000;
/// Longest run, in days.
pub const DAYS_MAX: i64 = 3_700;

/// A scenario that may be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// What the report is called.
    pub name: String,
    /// First day, from 00:00.
    pub start: NaiveDate,
    /// The day at whose 00:00 the run ends.
    pub end: NaiveDate,
    /// Seed of every draw.
    pub seed: u64,
    /// `[operator]`.
    pub operator: OperatorOptions,
    /// `[[price]]`, in the order of the file.
    pub prices: Vec<PriceRow>,
    /// `[[placement]]`, in the order of the file.
    pub placements: Vec<PlacementRow>,
    /// `[[customer]]`, in the order of the file.
    pub customers: Vec<CustomerRow>,
    /// `[[traffic]]`, in the order of the file.
    pub traffic: Vec<TrafficRow>,
    /// `[delivery]`.
    pub delivery: DeliveryOptions,
    /// `[[event]]`, by time; those of one instant in the order of the file.
    pub events: Vec<Event>,
}

/// `[operator]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorOptions {
    /// Whether VAT is shown and paid.
    pub vat_payer: bool,
    /// The VAT rate; `None`: by the built-in history.
    pub vat_rate: Option<Rate>,
    /// Days off, beside the built-in calendar.
    pub extra_holidays: Vec<NaiveDate>,
    /// Weekend days that are worked.
    pub working_days: Vec<NaiveDate>,
    /// Bound of the late penalty in percent of the overdue sum; `None`: unbounded.
    pub penalty_cap_percent: Option<Decimal>,
}

impl Default for OperatorOptions {
    fn default() -> OperatorOptions {
        OperatorOptions {
            vat_payer: true,
            vat_rate: None,
            extra_holidays: Vec::new(),
            working_days: Vec::new(),
            penalty_cap_percent: None,
        }
    }
}

/// `[[price]]`: an item of the list that is in force from `valid_from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRow {
    /// Code of the item.
    pub code: String,
    /// What it buys.
    pub kind: ItemKind,
    /// So'm; per 1,000 impressions, per month, or per month or one-off.
    pub price: UnitPrice,
    /// First day of the list that the item is on.
    pub valid_from: NaiveDate,
}

/// `[[placement]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementRow {
    /// Id in the file; the placement's code.
    pub id: String,
    /// Code of the app, which is made as it is named.
    pub app: String,
    /// What is shown there.
    pub kind: PlacementKind,
    /// Whether the app is partner inventory.
    pub partner: bool,
}

/// `[[customer]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRow {
    /// Id in the file; the customer's code.
    pub id: String,
    /// Who it is in law.
    pub kind: CustomerKind,
}

/// `[[traffic]]`: requests for ads in one placement from one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficRow {
    /// Id of the placement.
    pub placement: String,
    /// Where the viewers are; `None`: their addresses resolve to nothing.
    pub region: Option<RegionCode>,
    /// Requests a day.
    pub per_day: u64,
    /// Relative weight of each Tashkent hour.
    pub curve: [u64; 24],
    /// Share of decisions whose impression URL is called.
    pub render_rate: Rate,
    /// Share of impression URLs that are called twice.
    pub duplicate_rate: Rate,
    /// First day with requests.
    pub from: NaiveDate,
    /// The day from which there are none.
    pub until: NaiveDate,
}

/// Where the budget counters live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterStore {
    /// In process.
    Memory,
    /// In a private Redis server.
    Redis,
}

/// `[delivery]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryOptions {
    /// Number of serving nodes, 1..=[`NODES_MAX`].
    pub nodes: usize,
    /// Where the budget counters live.
    pub store: CounterStore,
}

/// Why a file is no scenario: every mistake with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the scenario has {} mistake(s):\n{}", mistakes.len(), mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ScenarioError {
    /// In the order of the file; never empty.
    pub mistakes: Vec<Mistake>,
}

/// Every hour alike.
pub const FLAT: [u64; 24] = [1; 24];
/// Quiet at night, most between 18 and 23 o'clock: the shape of a directory's traffic.
pub const EVENING: [u64; 24] = [
    14, 8, 5, 4, 4, 6, 12, 22, 34, 42, 46, 48, 50, 50, 48, 48, 52, 62, 80, 96, 100, 92, 66, 34,
];

const PLACEMENT_KINDS: &[(&str, PlacementKind)] = &[
    ("banner", PlacementKind::Banner),
    ("text_image", PlacementKind::TextImage),
    ("article", PlacementKind::Article),
    ("comment", PlacementKind::Comment),
    ("text", PlacementKind::Text),
];

impl Scenario {
    /// Parses and checks a file's text.
    ///
    /// # Errors
    /// [`ScenarioError`] with every mistake found.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        let mistakes = Mistakes::of(text);
        let scenario = match DeTable::parse(text) {
            Ok(root) => read(&Fields::new(root.get_ref(), 0, "the file", &mistakes), &mistakes),
            Err(error) => {
                let line = mistakes.line_of(error.span().map_or(0, |span| span.start));
                mistakes.add(line, format!("not TOML: {}", error.message()));
                None
            }
        };
        let mistakes = mistakes.into_sorted();
        match scenario {
            Some(scenario) if mistakes.is_empty() => Ok(scenario),
            _ => Err(ScenarioError { mistakes }),
        }
    }
}

fn read(file: &Fields<'_, '_>, mistakes: &Mistakes) -> Option<Scenario> {
    if let Some(version) = file.required("version", integer(0, u64::MAX))
        && version != 1
    {
        file.mistake(
            "version",
            format!("version {version} is not known; this program reads version 1"),
        );
        return None;
    }
    let name = file.required("name", text);
    let start = file.required("start", date);
    let end = file.required("end", date);
    let seed = file.or("seed", 0, integer(0, i64::MAX.unsigned_abs()));
    if let (Some(start), Some(end)) = (start, end) {
        if start >= end {
            file.mistake(
                "end",
                format!("`end` {end} (exclusive) must lie after `start` {start}"),
            );
        } else if (end - start).num_days() > DAYS_MAX {
            file.mistake("end", format!("a run is at most {DAYS_MAX} days long"));
        }
    }
    let operator = file
        .table("operator", "[operator]")
        .map(|table| read_operator(&table))
        .unwrap_or_default();
    let delivery = file.table("delivery", "[delivery]").map_or(
        DeliveryOptions {
            nodes: 1,
            store: CounterStore::Memory,
        },
        |table| read_delivery(&table),
    );
    let prices = read_prices(file, mistakes);
    let placements = read_placements(file, mistakes);
    let customers = read_customers(file, mistakes);
    let known = events::Known {
        prices: ids(file, "price", "code"),
        placements: ids(file, "placement", "id"),
        customers: ids(file, "customer", "id"),
        end,
        nodes: delivery.nodes,
    };
    let traffic = read_traffic(file, &known.placements, start.zip(end));
    let events = events::read(file, &known, mistakes);
    file.finish();
    Some(Scenario {
        name: name?,
        start: start?,
        end: end?,
        seed,
        operator,
        prices,
        placements,
        customers,
        traffic,
        delivery,
        events,
    })
}

/// The ids that tables give, also those of tables with another mistake: whoever names them makes none.
fn ids(file: &Fields<'_, '_>, key: &'static str, id_key: &'static str) -> BTreeSet<String> {
    file.tables(key, "")
        .iter()
        .filter_map(|table| table.optional(id_key, id))
        .collect()
}

fn read_operator(table: &Fields<'_, '_>) -> OperatorOptions {
    let default = OperatorOptions::default();
    let options = OperatorOptions {
        vat_payer: table.or("vat_payer", default.vat_payer, boolean),
        vat_rate: table.optional("vat_rate", rate),
        extra_holidays: table
            .list("extra_holidays", date)
            .into_iter()
            .map(|day| day.value)
            .collect(),
        working_days: table
            .list("working_days", date)
            .into_iter()
            .map(|day| day.value)
            .collect(),
        penalty_cap_percent: table
            .optional("penalty_cap_percent", |value| match text(value)?.as_str() {
                "" => Ok(None),
                _ => decimal(value).and_then(|percent| {
                    if percent.is_zero() {
                        Err("a cap of 0 percent is none: leave it empty".to_owned())
                    } else {
                        Ok(Some(percent))
                    }
                }),
            })
            .flatten(),
    };
    table.finish();
    options
}

fn read_delivery(table: &Fields<'_, '_>) -> DeliveryOptions {
    let options = DeliveryOptions {
        nodes: table
            .optional("nodes", integer(1, NODES_MAX))
            .and_then(|nodes| usize::try_from(nodes).ok())
            .unwrap_or(1),
        store: table.or(
            "store",
            CounterStore::Memory,
            one_of(&[("memory", CounterStore::Memory), ("redis", CounterStore::Redis)]),
        ),
    };
    table.finish();
    options
}

fn read_prices(file: &Fields<'_, '_>, mistakes: &Mistakes) -> Vec<PriceRow> {
    let mut rows: Vec<PriceRow> = Vec::new();
    for table in file.tables("price", "[[price]]") {
        let row = (|| {
            let code = table.required("code", item_code);
            let kind = table.required(
                "kind",
                one_of(&[
                    ("impressions", ItemKind::Impressions),
                    ("period", ItemKind::Period),
                    ("additional", ItemKind::Additional),
                ]),
            );
            let price = table.required("price", price);
            let valid_from = table.required("valid_from", date);
            Some(PriceRow {
                code: code?,
                kind: kind?,
                price: price?,
                valid_from: valid_from?,
            })
        })();
        table.finish();
        let Some(row) = row else { continue };
        if rows
            .iter()
            .any(|other| other.code == row.code && other.valid_from == row.valid_from)
        {
            mistakes.add(
                table.line,
                format!("price `{}` from {} is there twice", row.code, row.valid_from),
            );
        } else if rows
            .iter()
            .any(|other| other.code == row.code && other.kind != row.kind)
        {
            mistakes.add(
                table.line_of("kind"),
                format!("price `{}` has another kind above", row.code),
            );
        }
        rows.push(row);
    }
    rows
}

fn read_placements(file: &Fields<'_, '_>, mistakes: &Mistakes) -> Vec<PlacementRow> {
    let mut rows: Vec<PlacementRow> = Vec::new();
    for table in file.tables("placement", "[[placement]]") {
        let row = (|| {
            let row_id = table.required("id", id);
            let app = table.required("app", id);
            let kind = table.required("kind", one_of(PLACEMENT_KINDS));
            let partner = table.or("partner", false, boolean);
            Some(PlacementRow {
                id: row_id?,
                app: app?,
                kind: kind?,
                partner,
            })
        })();
        table.finish();
        let Some(row) = row else { continue };
        if rows.iter().any(|other| other.id == row.id) {
            mistakes.add(
                table.line_of("id"),
                format!("placement `{}` is there twice", row.id),
            );
        }
        if rows
            .iter()
            .any(|other| other.app == row.app && other.partner != row.partner)
        {
            mistakes.add(
                table.line,
                format!("app `{}` is partner inventory in one placement only", row.app),
            );
        }
        rows.push(row);
    }
    rows
}

fn read_customers(file: &Fields<'_, '_>, mistakes: &Mistakes) -> Vec<CustomerRow> {
    let mut rows: Vec<CustomerRow> = Vec::new();
    for table in file.tables("customer", "[[customer]]") {
        let row = (|| {
            let row_id = table.required("id", id);
            let kind = table.required(
                "kind",
                one_of(&[
                    ("legal_entity", CustomerKind::LegalEntity),
                    ("sole_trader", CustomerKind::SoleTrader),
                    ("person", CustomerKind::Person),
                ]),
            );
            Some(CustomerRow {
                id: row_id?,
                kind: kind?,
            })
        })();
        table.finish();
        let Some(row) = row else { continue };
        if rows.iter().any(|other| other.id == row.id) {
            mistakes.add(
                table.line_of("id"),
                format!("customer `{}` is there twice", row.id),
            );
        }
        rows.push(row);
    }
    rows
}

fn read_traffic(
    file: &Fields<'_, '_>,
    placements: &BTreeSet<String>,
    run: Option<(NaiveDate, NaiveDate)>,
) -> Vec<TrafficRow> {
    let mut rows = Vec::new();
    for table in file.tables("traffic", "[[traffic]]") {
        let placement = table.required("placement", id);
        let region = table.required("region", |value| match text(value)?.as_str() {
            "" => Ok(None),
            code => RegionCode::parse(code)
                .map(Some)
                .map_err(|error| error.to_string()),
        });
        let per_day = table.required("per_day", integer(0, REQUESTS_PER_DAY_MAX));
        let curve = table.or("curve", FLAT, curve);
        let render_rate = table.optional("render_rate", rate);
        let duplicate_rate = table.or("duplicate_rate", Rate::ZERO, rate);
        let from = table.optional("from", date);
        let until = table.optional("until", date);
        table.finish();
        if let Some(placement) = &placement
            && !placements.contains(placement)
        {
            table.mistake("placement", format!("no [[placement]] has the id `{placement}`"));
        }
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            table.mistake(
                "until",
                format!("`until` {until} (exclusive) must lie after `from` {from}"),
            );
        }
        let (Some(placement), Some(region), Some(per_day), Some((start, end))) =
            (placement, region, per_day, run)
        else {
            continue;
        };
        rows.push(TrafficRow {
            placement,
            region,
            per_day,
            curve,
            render_rate: render_rate
                .or_else(|| Rate::new(Decimal::ONE).ok())
                .unwrap_or(Rate::ZERO),
            duplicate_rate,
            from: from.unwrap_or(start).max(start),
            until: until.unwrap_or(end).min(end),
        });
    }
    rows
}

/// "flat", "evening", or 24 weights of which at least one isn't 0.
fn curve(value: &DeValue<'_>) -> Result<[u64; 24], String> {
    let DeValue::Array(items) = value else {
        return one_of(&[("flat", FLAT), ("evening", EVENING)])(value)
            .map_err(|error| format!("{error}, nor a list of 24 numbers"));
    };
    let weights = items
        .iter()
        .map(|item| weight(item.get_ref()))
        .collect::<Result<Vec<u64>, String>>()?;
    let count = weights.len();
    let curve: [u64; 24] = weights
        .try_into()
        .map_err(|_| format!("24 numbers are due, one for each hour, not {count}"))?;
    if curve.iter().all(|weight| *weight == 0) {
        return Err("at least one hour must have a weight".to_owned());
    }
    Ok(curve)
}

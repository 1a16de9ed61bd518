//! What an amendment makes of the lines, its money, and the text that both parties sign (orders.md §6).
//!
//! The text names the hash of the blank's terms, or of the amendment before, so that the chain can't lose a link. It says
//! every changed value with the one that it replaces, and the difference in money. It is made from the state under locks,
//! at the proposal, when it is shown, and at the signing; where they differ, what was shown isn't signed.

use crate::app::terms::charge_of;
use crate::app::{Refusal, Told};
use chrono::NaiveDate;
use namoyish_documents::canonical::CanonicalError;
use namoyish_documents::{canonical_json, sha256_hex};
use namoyish_domain::billing::invoice::{
    DrawUpRefused, InvoiceDraft, InvoiceTerms, LineCharge, LineToInvoice, draw_up, net_by_month,
};
use namoyish_domain::calendar::{BusinessCalendar, ReportingPeriod};
use namoyish_domain::ids::{AdMaterialId, LineId, PlacementId};
use namoyish_domain::money::{Money, MoneyError, UnitPrice};
use namoyish_domain::orders::amendment::{AmendRefused, LineAmendment, LineToAmend, amend};
use namoyish_domain::orders::order_blank::{BlankState, Budget, BudgetMode, LineKind, Prepayment, Term};
use namoyish_storage::amendments::Amendment;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Version of the text's shape.
const AMENDMENT_VERSION: u32 = 1;

/// Why a blank or its lines can't be amended so. Positions count from 1, in the order given.
#[derive(Debug, thiserror::Error)]
pub enum AmendmentRefused {
    /// Nothing is agreed on yet.
    #[error("an order blank that is {} is not amended: it isn't signed", .state.code())]
    NotSigned {
        /// Its state.
        state: BlankState,
    },
    /// The contract is over.
    #[error("an order blank that is {} is not amended: the contract is over", .state.code())]
    Over {
        /// Its state.
        state: BlankState,
    },
    /// The line isn't the blank's.
    #[error("lines[{position}]: the order blank has no line {line}")]
    NoSuchLine {
        /// Which one.
        position: usize,
        /// The id.
        line: LineId,
    },
    /// One line twice.
    #[error("lines[{position}]: the line {line} is there twice")]
    Twice {
        /// Which one.
        position: usize,
        /// The id.
        line: LineId,
    },
    /// A placement isn't there.
    #[error("lines[{position}]: there is no placement {placement}")]
    NoSuchPlacement {
        /// Which one.
        position: usize,
        /// The id.
        placement: PlacementId,
    },
    /// A region isn't in the tree.
    #[error("lines[{position}]: there is no region {region}")]
    NoSuchRegion {
        /// Which one.
        position: usize,
        /// The code.
        region: String,
    },
    /// The material isn't the line's, or nothing of it waits for a price.
    #[error("lines[{position}]: no second subject of the material {material} waits for a price")]
    NoSecondSubject {
        /// Which one.
        position: usize,
        /// The id.
        material: AdMaterialId,
    },
    /// A rule of amendments.
    #[error("lines[{position}]: {refused}")]
    Line {
        /// Which one.
        position: usize,
        /// Why.
        refused: AmendRefused,
    },
    /// What is added has no due date.
    #[error(transparent)]
    Invoice(#[from] DrawUpRefused),
    /// The text has no canonical form.
    #[error(transparent)]
    Terms(#[from] CanonicalError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<MoneyError> for AmendmentRefused {
    fn from(error: MoneyError) -> AmendmentRefused {
        AmendmentRefused::Invoice(DrawUpRefused::Money(error))
    }
}

impl Refusal for AmendmentRefused {
    fn told(&self) -> Told {
        use AmendmentRefused as Error;
        match self {
            Error::NotSigned { .. } => Told::conflict("order_blank_not_signed"),
            Error::Over { state } if *state == BlankState::Terminated => {
                Told::conflict("order_blank_terminated")
            }
            Error::Over { .. } => Told::conflict("order_blank_completed"),
            Error::NoSuchLine { position, .. } => {
                Told::refused("no_such_line").field(format!("lines[{position}].line"))
            }
            Error::Twice { position, .. } => {
                Told::refused("duplicate").field(format!("lines[{position}].line"))
            }
            Error::NoSuchPlacement { position, .. } => {
                Told::refused("no_such_placement").field(format!("lines[{position}].placements"))
            }
            Error::NoSuchRegion { position, .. } => {
                Told::refused("no_such_region").field(format!("lines[{position}].regions"))
            }
            Error::NoSecondSubject { position, .. } => {
                Told::refused("no_second_subject").field(format!("lines[{position}].material"))
            }
            Error::Line { position, refused } => {
                let field = refused.field().unwrap_or("line");
                Told::refused(refused.code())
                    .field(format!("lines[{position}].{field}"))
                    .limit(refused.limit())
            }
            Error::Invoice(refused) => Told::refused(refused.code()).field("own_due_on"),
            Error::Terms(_) => Told::internal(),
            Error::Db(error) => Told::of_database(error),
        }
    }
}

/// A line before and after.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) before: OrderLine,
    pub(crate) after: OrderLine,
    pub(crate) change: LineAmendment,
}

/// An amendment as it would be signed now.
#[derive(Debug, Clone)]
pub(crate) struct AmendmentTerms {
    pub(crate) canonical_json: String,
    pub(crate) sha256: String,
    pub(crate) previous_sha256: String,
    pub(crate) judged: Vec<Judged>,
    /// What is added, to be paid.
    pub(crate) invoices: Vec<InvoiceDraft>,
    /// What is taken off, net, by line.
    pub(crate) taken_off: Vec<(LineId, Money)>,
}

/// Judges every line, and makes the text. The caller has locked the blank and its lines.
pub(crate) async fn amendment_terms(
    tx: &mut Tx,
    blank: &OrderBlank,
    amendment: &Amendment,
    changes: &[LineAmendment],
    today: NaiveDate,
) -> Result<AmendmentTerms, AmendmentRefused> {
    match blank.state {
        BlankState::Signed | BlankState::InService => {}
        BlankState::Completed | BlankState::Terminated => {
            return Err(AmendmentRefused::Over { state: blank.state });
        }
        state => return Err(AmendmentRefused::NotSigned { state }),
    }
    let lines = tx.order_lines().of_blank(blank.id).await?;
    let mut judged: Vec<Judged> = Vec::with_capacity(changes.len());
    for (position, change) in (1usize..).zip(changes) {
        let line = lines.iter().find(|line| line.id == change.line);
        let line = line.ok_or(AmendmentRefused::NoSuchLine {
            position,
            line: change.line,
        })?;
        if judged.iter().any(|other| other.before.id == line.id) {
            return Err(AmendmentRefused::Twice {
                position,
                line: line.id,
            });
        }
        judged.push(judge(tx, line, change, position, today).await?);
    }
    let (invoices, taken_off) = money_of(tx, blank, amendment, &judged, today).await?;
    let first = blank.signature.as_ref().map(|signature| signature.sha256.clone());
    let first = first.ok_or_else(|| DbError::Inconsistent(format!("{} is not signed", blank.id)))?;
    let previous_sha256 = match tx.amendments().last_hash(blank.id).await? {
        Some(hash) => hash,
        None => first.clone(),
    };
    let sum = |of: fn(&InvoiceDraft) -> Money| Money::sum(invoices.iter().map(of));
    let value = json!({
        "version": AMENDMENT_VERSION,
        "kind": "amendment",
        "number": amendment.number,
        "order_blank": {
            "id": blank.id.to_string(),
            "number": blank.number,
            "sha256": first,
            "signed_on": blank.signature.as_ref().map(|signature| signature.signed_on.to_string()),
        },
        "previous_sha256": previous_sha256,
        "made_out_on": amendment.made_out_on.to_string(),
        "own_due_on": amendment.own_due_on.map(|day| day.to_string()),
        "note": amendment.note,
        "parties": parties(tx, blank).await?,
        "vat": {"payer": blank.vat.is_payer(), "rate": blank.vat.rate().decimal().normalize().to_string()},
        "lines": judged.iter().map(line_text).collect::<Vec<_>>(),
        "added": {
            "net": sum(|draft| draft.net)?.to_string(),
            "vat": sum(|draft| draft.vat)?.to_string(),
            "gross": sum(|draft| draft.gross)?.to_string(),
        },
        "taken_off_net": Money::sum(taken_off.iter().map(|(_, net)| *net))?.to_string(),
    });
    let canonical_json = canonical_json(&value)?;
    Ok(AmendmentTerms {
        sha256: sha256_hex(&canonical_json),
        canonical_json,
        previous_sha256,
        judged,
        invoices,
        taken_off,
    })
}

async fn parties(tx: &mut Tx, blank: &OrderBlank) -> Result<Value, DbError> {
    let gone = |what: &str| DbError::Inconsistent(format!("order blank {}: {what} is gone", blank.id));
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or_else(|| gone("its operator"))?
        .requisites;
    let customer = tx.customers().find(blank.customer).await?;
    let customer = customer.ok_or_else(|| gone("its customer"))?.requisites;
    Ok(json!({
        "operator": {"name": operator.legal_name, "stir": operator.stir.as_str(), "signatory": operator.director},
        "customer": {
            "name": customer.name,
            "stir": customer.stir.as_ref().map(|stir| stir.as_str()),
            "pinfl": customer.pinfl.as_ref().map(|pinfl| pinfl.as_str()),
            "signatory": customer.signatory,
            "authority": customer.authority,
        },
    }))
}

async fn judge(
    tx: &mut Tx,
    line: &OrderLine,
    change: &LineAmendment,
    position: usize,
    today: NaiveDate,
) -> Result<Judged, AmendmentRefused> {
    let in_use = tx.amendments().line_use(line.id, today).await?;
    let to_amend = LineToAmend {
        kind: line.kind,
        one_off: line.one_off,
        unit_price: line.unit_price,
        term: line.term,
        ended_on: line.ended_on,
        budget: line.budget,
        quantity: line.quantity,
        placements: formats_of(tx, &line.placements, position).await?,
        regions: line.regions.clone(),
        targeting: line.targeting.clone(),
        counted: in_use.counted,
        spent: line.unit_price.of_impressions(in_use.most_in_scope)?,
        extra_period_open: in_use.extra_period_open,
    };
    let placements = match &change.placements {
        Some(ids) => Some(formats_of(tx, ids, position).await?),
        None => None,
    };
    if let Some(regions) = &change.regions
        && let Some(region) = tx.placements().unknown_regions(regions).await?.into_iter().next()
    {
        return Err(AmendmentRefused::NoSuchRegion { position, region });
    }
    let amended = amend(&to_amend, change, placements, today)
        .map_err(|refused| AmendmentRefused::Line { position, refused })?;
    if let Some(material) = change.material {
        let found = tx.materials().find(material).await?;
        let waits = found.is_some_and(|found| found.material.line == line.id && found.awaiting_amendment);
        if !waits {
            return Err(AmendmentRefused::NoSecondSubject { position, material });
        }
    }
    Ok(Judged {
        after: OrderLine {
            unit_price: amended.unit_price,
            term: amended.term,
            budget: amended.budget,
            quantity: amended.quantity,
            placements: amended.placements,
            regions: amended.regions,
            targeting: amended.targeting,
            ..line.clone()
        },
        before: line.clone(),
        change: change.clone(),
    })
}

async fn formats_of(
    tx: &mut Tx,
    ids: &[PlacementId],
    position: usize,
) -> Result<Vec<(PlacementId, namoyish_domain::orders::placement::PlacementFormat)>, AmendmentRefused> {
    let known = tx.placements().find_many(ids).await?;
    ids.iter()
        .map(|id| {
            known
                .iter()
                .find(|placement| placement.id == *id)
                .map(|placement| (*id, placement.format))
                .ok_or(AmendmentRefused::NoSuchPlacement {
                    position,
                    placement: *id,
                })
        })
        .collect()
}

/// Invoices of what is added, by due date, as at signing; and what is taken off, line by line.
async fn money_of(
    tx: &mut Tx,
    blank: &OrderBlank,
    amendment: &Amendment,
    judged: &[Judged],
    today: NaiveDate,
) -> Result<(Vec<InvoiceDraft>, Vec<(LineId, Money)>), AmendmentRefused> {
    let mut added = Vec::new();
    let mut taken_off = Vec::new();
    for line in judged {
        let difference = difference(&line.before, &line.after, today)?;
        if difference.net.is_positive() {
            added.push(difference.to_invoice(&line.after)?);
        } else if difference.net.is_negative() {
            taken_off.push((line.after.id, Money::ZERO.checked_sub(difference.net)?));
        }
    }
    let calendar: BusinessCalendar = tx.calendar_days().calendar().await?;
    let terms = InvoiceTerms {
        signed_on: today,
        prepayment: Prepayment::Full,
        own_due_on: amendment.own_due_on,
        vat_rate: blank.vat.rate(),
        calendar: &calendar,
    };
    let mut drafts = draw_up(terms, &added)?;
    for part in drafts.iter_mut().flat_map(|draft| &mut draft.lines) {
        if let Some(line) = judged.iter().find(|line| line.after.id == part.line) {
            part.last_period = ReportingPeriod::of(line.after.term.last_day());
        }
    }
    Ok((drafts, taken_off))
}

/// What a line costs more (or, negative, less) by an amendment, net, from the current month on.
struct Difference {
    net: Money,
    /// The first month that costs more.
    first: Option<ReportingPeriod>,
}

fn difference(
    before: &OrderLine,
    after: &OrderLine,
    today: NaiveDate,
) -> Result<Difference, AmendmentRefused> {
    if let (Some(old), Some(new)) = (before.budget, after.budget)
        && old.mode == BudgetMode::Total
    {
        return Ok(Difference {
            net: new.amount.checked_sub(old.amount)?,
            first: None,
        });
    }
    let this_month = ReportingPeriod::of(today);
    let months = |line: &OrderLine| -> Result<BTreeMap<u32, (ReportingPeriod, Money)>, AmendmentRefused> {
        Ok(net_by_month(&charge_of(line, line.term)?)?
            .into_iter()
            .filter(|(period, _)| *period >= this_month)
            .map(|(period, net)| (period.number(), (period, net)))
            .collect())
    };
    let (old, new) = (months(before)?, months(after)?);
    let first = new
        .iter()
        .find(|(number, (_, net))| old.get(number).is_none_or(|(_, before)| before < net))
        .map(|(_, (period, _))| *period);
    let sum =
        |months: &BTreeMap<u32, (ReportingPeriod, Money)>| Money::sum(months.values().map(|(_, net)| *net));
    Ok(Difference {
        net: sum(&new)?.checked_sub(sum(&old)?)?,
        first,
    })
}

impl Difference {
    /// The line of an invoice that asks for it: due as its kind is (billing.md §2).
    fn to_invoice(&self, line: &OrderLine) -> Result<LineToInvoice, AmendmentRefused> {
        let charge = match line.kind {
            LineKind::Media => LineCharge::Media(Budget {
                mode: BudgetMode::Total,
                amount: self.net,
            }),
            LineKind::Period | LineKind::Additional => LineCharge::OneOff {
                price: UnitPrice::new(self.net.decimal())?,
                quantity: Decimal::ONE,
            },
        };
        let first_day = self.first.map_or(line.term.first_day(), |period| {
            period.first_day().max(line.term.first_day())
        });
        let term = Term::new(first_day, line.term.last_day()).unwrap_or(line.term);
        Ok(LineToInvoice {
            line: line.id,
            term,
            charge,
        })
    }
}

/// A value of a line by its name.
type Reading = (&'static str, fn(&OrderLine) -> Value);

/// The changed values of a line, each with the one that it replaces.
pub(crate) fn changed_values(judged: &Judged) -> Vec<(&'static str, Value, Value)> {
    let (before, after) = (&judged.before, &judged.after);
    let places = |line: &OrderLine| {
        let mut ids: Vec<String> = line.placements.iter().map(ToString::to_string).collect();
        ids.sort();
        json!(ids)
    };
    let regions = |line: &OrderLine| {
        let mut codes: Vec<String> = line.regions.iter().map(ToString::to_string).collect();
        codes.sort();
        json!(codes)
    };
    let values: [Reading; 9] = [
        ("unit_price", |line| json!(line.unit_price.to_string())),
        ("first_day", |line| json!(line.term.first_day().to_string())),
        ("last_day", |line| json!(line.term.last_day().to_string())),
        ("budget", |line| {
            json!(line.budget.map(|budget| budget.amount.to_string()))
        }),
        ("quantity", |line| {
            json!(line.quantity.map(|quantity| quantity.normalize().to_string()))
        }),
        ("rubrics", |line| json!(line.targeting.rubrics())),
        ("search_phrases", |line| json!(line.targeting.search_phrases())),
        ("schedule", |line| json!(line.targeting.schedule())),
        ("frequency_cap", |line| json!(line.targeting.frequency_cap())),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name, value(before), value(after)))
        .chain([
            ("placements", places(before), places(after)),
            ("regions", regions(before), regions(after)),
        ])
        .filter(|(_, from, to)| from != to)
        .collect()
}

fn line_text(judged: &Judged) -> Value {
    let changes: Map<String, Value> = changed_values(judged)
        .into_iter()
        .map(|(name, from, to)| (name.to_owned(), json!({"from": from, "to": to})))
        .collect();
    json!({
        "id": judged.before.id.to_string(),
        "position": judged.before.position,
        "code": judged.before.code,
        "changes": changes,
        "second_subject_of": judged.change.material.map(|material| material.to_string()),
    })
}

//! The auditor: recomputes from the raw rows, with its own arithmetic, what the platform claims of itself.
//!
//! Rule: simulation.md "checks"; the promises are those of delivery.md §4–§6a and billing.md §1, §4, §5. It uses none of
//! the domain's functions on money: plain decimals, multiplied and rounded here, so that a mistake there isn't repeated.
//!
//! | check | what it holds |
//! |---|---|
//! | `ledger_balanced` | every posting has equal sides; every kept balance is the sum of its entries; revenue, VAT and penalty income are what primary documents with their corrections and claims state; a VAT invoice states what its document does; a reconciliation act states the ledger's balances; nobody is refunded more than it paid |
//! | `no_overspend` | impressions × price never exceed the budget, of the term or of any month |
//! | `counts_agree` | bits, hourly sums, epoch sums, totals and the budget counter tell the same number |
//! | `numbers_gapless` | every series is 1, 2, … to its last number, and no number was used twice |
//! | `every_charge_has_impressions` | a charged quantity is exactly the impressions counted in its period, at its price |

use crate::facts::Facts;
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta};
use namoyish_storage::reporting::{EpochCount, ReportedDocument, ReportedLine};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are those of simulation.md")]
pub struct Checks {
    pub ledger_balanced: bool,
    pub no_overspend: bool,
    pub counts_agree: bool,
    pub numbers_gapless: bool,
    pub every_charge_has_impressions: bool,
}

impl Checks {
    /// Whether all hold.
    pub fn all_hold(self) -> bool {
        self.ledger_balanced
            && self.no_overspend
            && self.counts_agree
            && self.numbers_gapless
            && self.every_charge_has_impressions
    }
}

/// The checks, and a sentence for everything that doesn't hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// What holds.
    pub checks: Checks,
    /// What doesn't, with its figures.
    pub findings: Vec<String>,
}

/// Audits a finished run. `first_open_day` is the day from which periods are not closed yet.
pub fn audit(facts: &Facts, first_open_day: NaiveDate) -> Audit {
    let parts = [
        ledger(facts),
        overspend(facts),
        counts(facts),
        numbers(facts),
        charges(facts, first_open_day),
    ];
    let holds = |index: usize| parts.get(index).is_some_and(Vec::is_empty);
    Audit {
        checks: Checks {
            ledger_balanced: holds(0),
            no_overspend: holds(1),
            counts_agree: holds(2),
            numbers_gapless: holds(3),
            every_charge_has_impressions: holds(4),
        },
        findings: parts.concat(),
    }
}

fn ledger(facts: &Facts) -> Vec<String> {
    let mut findings = Vec::new();
    if facts.unbalanced_postings != 0 {
        findings.push(format!("{} postings don't balance", facts.unbalanced_postings));
    }
    if facts.balance_differences != 0 {
        findings.push(format!(
            "{} account balances aren't the sum of their entries",
            facts.balance_differences
        ));
    }
    findings.extend(income(facts));
    findings.extend(vat_invoices(facts));
    findings.extend(settlements(facts));
    findings
}

/// What the operator's accounts gained is what its documents state: primary documents with their corrections, and claims.
fn income(facts: &Facts) -> Vec<String> {
    let stated = |kinds: &[&str], of: fn(&ReportedDocument) -> Decimal| -> Decimal {
        facts
            .documents
            .iter()
            .filter(|document| kinds.contains(&document.kind.as_str()))
            .map(of)
            .sum()
    };
    let services = ["primary_document", "correction"];
    [
        ("revenue", stated(&services, |document| document.net)),
        ("vat_payable", stated(&services, |document| document.vat)),
        (
            "penalty_income",
            stated(&["penalty_claim"], |document| document.gross),
        ),
    ]
    .into_iter()
    .filter_map(|(account, due)| {
        let told: Decimal = facts
            .operator_turnovers
            .iter()
            .filter(|row| row.account == account)
            .map(|row| row.amount)
            .sum();
        (told != due).then(|| format!("{account} gained {told}, the documents state {due}"))
    })
    .collect()
}

/// A VAT invoice states line by line what the document that it belongs to states, and each document has at most one.
fn vat_invoices(facts: &Facts) -> Vec<String> {
    let lines_of = |id: Uuid| -> Vec<(Uuid, Decimal, Decimal, Decimal)> {
        facts
            .document_lines
            .iter()
            .filter(|row| row.document_id == id)
            .map(|row| (row.line_id, row.quantity, row.net, row.vat))
            .collect()
    };
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for invoice in facts.documents.iter().filter(|row| row.kind == "vat_invoice") {
        let reference = facts
            .references
            .iter()
            .find(|row| row.document_id == invoice.id && row.relation == "vat_invoice_of");
        let document = reference.and_then(|row| {
            facts
                .documents
                .iter()
                .find(|document| document.id == row.refers_to)
        });
        let Some(document) = document else {
            findings.push(format!("VAT invoice {} belongs to no document", invoice.number));
            continue;
        };
        if !seen.insert(document.id) {
            findings.push(format!("{} has two VAT invoices", document.number));
        }
        let same_head = (invoice.net, invoice.vat, invoice.gross, invoice.period)
            == (document.net, document.vat, document.gross, document.period);
        if !same_head || lines_of(invoice.id) != lines_of(document.id) {
            findings.push(format!(
                "VAT invoice {} states {} and {} states {}",
                invoice.number, invoice.gross, document.number, document.gross
            ));
        }
    }
    findings
}

/// Acts beside the entries as they were when they were made, refunds beside the payments.
fn settlements(facts: &Facts) -> Vec<String> {
    let mut findings = Vec::new();
    for act in &facts.acts {
        for (what, stated, booked) in [
            ("opening", act.opening, act.booked_before),
            ("closing", act.closing, act.booked),
        ] {
            if stated != booked {
                findings.push(format!(
                    "act {}: {what} balance {stated}, the ledger {booked}",
                    act.number
                ));
            }
        }
    }
    for row in facts.refunds.iter().filter(|row| row.refunded > row.paid_in) {
        findings.push(format!(
            "{} paid {} and was refunded {}",
            row.customer_code, row.paid_in, row.refunded
        ));
    }
    findings
}

fn month(day: NaiveDate) -> (i32, u32) {
    (day.year(), day.month())
}

/// Impressions of a line by month, from the hourly sums.
fn impressions_by_month(line: &ReportedLine, facts: &Facts) -> BTreeMap<(i32, u32), i64> {
    let mut months = BTreeMap::new();
    for row in facts.line_days.iter().filter(|row| row.line_id == line.id) {
        *months.entry(month(row.day)).or_insert(0) += row.impressions;
    }
    months
}

fn cost(line: &ReportedLine, impressions: i64) -> Decimal {
    line.unit_price.decimal() * Decimal::from(impressions) / Decimal::from(1000)
}

fn half_up(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn overspend(facts: &Facts) -> Vec<String> {
    let mut findings = Vec::new();
    for line in &facts.lines {
        let Some(budget) = line.budget else { continue };
        let months = impressions_by_month(line, facts);
        let spends: Vec<Decimal> = if line.monthly {
            months
                .values()
                .map(|impressions| cost(line, *impressions))
                .collect()
        } else {
            vec![cost(line, months.values().sum())]
        };
        for spend in spends {
            if spend > budget.decimal() {
                findings.push(format!("line {} spent {spend} of {budget}", line.code));
            }
        }
    }
    findings
}

fn by_line_and_day(counts: &[EpochCount]) -> BTreeMap<(Uuid, NaiveDate), i64> {
    let mut days = BTreeMap::new();
    for row in counts.iter().filter(|row| row.count != 0) {
        // Five-minute intervals since 1970; Tashkent is five hours ahead of UTC.
        let local = DateTime::from_timestamp(row.epoch * 300, 0).map(|at| at + TimeDelta::hours(5));
        if let Some(local) = local {
            *days.entry((row.line_id, local.date_naive())).or_insert(0) += row.count;
        }
    }
    days
}

fn counts(facts: &Facts) -> Vec<String> {
    let mut findings = Vec::new();
    let name = |id: &Uuid| {
        facts
            .lines
            .iter()
            .find(|line| line.id == *id)
            .map_or_else(|| id.to_string(), |line| line.code.clone())
    };
    let charged: BTreeMap<(Uuid, NaiveDate), i64> = facts
        .line_days
        .iter()
        .filter(|row| row.impressions != 0)
        .map(|row| ((row.line_id, row.day), row.impressions))
        .collect();
    // A bit is set for every acknowledged impression, also for one beyond the budget.
    let acknowledged: BTreeMap<(Uuid, NaiveDate), i64> = facts
        .line_days
        .iter()
        .filter(|row| row.impressions + row.over_cap != 0)
        .map(|row| ((row.line_id, row.day), row.impressions + row.over_cap))
        .collect();
    let mut compare =
        |what: &str, told: &BTreeMap<(Uuid, NaiveDate), i64>, due: &BTreeMap<(Uuid, NaiveDate), i64>| {
            for key in told.keys().chain(due.keys()).collect::<BTreeSet<_>>() {
                let (told, due) = (told.get(key).unwrap_or(&0), due.get(key).unwrap_or(&0));
                if told != due {
                    findings.push(format!(
                        "line {} {}: {what} tell {told}, the hours {due}",
                        name(&key.0),
                        key.1
                    ));
                }
            }
        };
    compare("the bits", &by_line_and_day(&facts.bits_by_epoch), &acknowledged);
    compare("the epoch sums", &by_line_and_day(&facts.epochs), &charged);
    compare(
        "the budget counters",
        &by_line_and_day(&facts.counter_shown_by_epoch),
        &acknowledged,
    );
    for line in &facts.lines {
        let total: i64 = facts
            .totals
            .iter()
            .filter(|row| row.line_id == line.id)
            .map(|row| row.counted)
            .sum();
        let hours: i64 = impressions_by_month(line, facts).values().sum();
        if total != hours {
            findings.push(format!(
                "line {}: the totals tell {total}, the hours {hours}",
                line.code
            ));
        }
    }
    for total in facts.totals.iter().filter(|total| total.counted > total.cap) {
        findings.push(format!(
            "line {}: {} counted of {}",
            name(&total.line_id),
            total.counted,
            total.cap
        ));
    }
    findings
}

/// The last group of digits of a printed number, and what stands before it.
fn split_number(number: &str) -> Option<(&str, i64)> {
    let digits = number.chars().rev().take_while(char::is_ascii_digit).count();
    let (series, serial) = number.split_at(number.len() - digits);
    serial.parse().ok().map(|serial| (series, serial))
}

fn numbers(facts: &Facts) -> Vec<String> {
    let mut findings = Vec::new();
    let mut series: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for row in &facts.numbers_in_use {
        match split_number(&row.number) {
            Some((prefix, serial)) => series.entry((&row.kind, prefix)).or_default().push(serial),
            None => findings.push(format!("{} {} has no serial number", row.kind, row.number)),
        }
    }
    for ((kind, prefix), mut serials) in series {
        serials.sort_unstable();
        let gapless = serials.iter().zip(1i64..).all(|(serial, due)| *serial == due);
        if !gapless {
            findings.push(format!(
                "{kind} numbers {prefix}… have a gap or a double: {serials:?}"
            ));
        }
    }
    // Nothing was taken and not used: the numbers taken are as many as the numbers printed.
    let taken: i64 = facts.series.iter().map(|row| row.last_number).sum();
    let used = i64::try_from(facts.numbers_in_use.len()).unwrap_or(i64::MAX);
    if taken != used {
        findings.push(format!("{taken} numbers were taken and {used} are in use"));
    }
    findings
}

fn charges(facts: &Facts, first_open_day: NaiveDate) -> Vec<String> {
    let mut findings = Vec::new();
    for line in facts.lines.iter().filter(|line| line.kind == "media") {
        let mut charged: BTreeMap<(i32, u32), (Decimal, Decimal)> = BTreeMap::new();
        for row in facts.document_lines.iter().filter(|row| row.line_id == line.id) {
            let document = facts
                .documents
                .iter()
                .find(|document| document.id == row.document_id);
            // A correction of the sum alone has no impressions of its own.
            let counts = |document: &&ReportedDocument| {
                document.kind == "primary_document"
                    || (document.kind == "correction" && !row.quantity.is_zero())
            };
            if let Some(period) = document.filter(counts).and_then(|row| row.period) {
                let entry = charged.entry(month(period)).or_default();
                *entry = (entry.0 + row.quantity, entry.1 + row.net);
            }
        }
        let counted = impressions_by_month(line, facts);
        let mut cumulative = 0i64;
        let months: BTreeSet<(i32, u32)> = counted.keys().chain(charged.keys()).copied().collect();
        for key in months {
            let impressions = counted.get(&key).copied().unwrap_or(0);
            let before = half_up(cost(line, cumulative));
            cumulative += impressions;
            let due = (
                Decimal::from(impressions),
                half_up(cost(line, cumulative)) - before,
            );
            let told = charged.get(&key).copied().unwrap_or_default();
            let is_open = key >= month(first_open_day) && !charged.contains_key(&key);
            if told != due && !is_open {
                findings.push(format!(
                    "line {} {}-{:02}: charged {} impressions for {}, counted {} for {}",
                    line.code, key.0, key.1, told.0, told.1, due.0, due.1
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use namoyish_domain::money::{Money, UnitPrice};
    use namoyish_storage::reporting::{
        NumberInUse, OperatorTurnover, ReportedDay, ReportedDocumentLine, ReportedReference, ScopeTotal,
        SeriesEnd,
    };
    use namoyish_storage::reporting::{ReportedAct, ReportedRefunds};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    const LINE: Uuid = Uuid::from_u128(1);

    /// A line of 12,000 per 1,000 that spent all of 36.00 on three impressions, two in October and one in November.
    fn facts() -> Facts {
        let counted = |day, impressions| ReportedDay {
            line_id: LINE,
            day,
            impressions,
            invalid: 0,
            over_cap: 0,
        };
        let epoch = |text: &str, count| {
            let at: DateTime<chrono::Utc> = text.parse().unwrap();
            EpochCount {
                line_id: LINE,
                epoch: at.timestamp() / 300,
                count,
            }
        };
        // 2026-10-31 23:59 and 2026-11-01 00:01 in Tashkent.
        let epochs = vec![epoch("2026-10-31T18:59:00Z", 2), epoch("2026-10-31T19:01:00Z", 1)];
        let document = |id: u128, number: &str, period, net: &str| ReportedDocument {
            id: Uuid::from_u128(id),
            kind: "primary_document".into(),
            number: number.into(),
            customer_code: "osh".into(),
            period: Some(period),
            issued_on: day("2026-12-01"),
            net: decimal(net),
            vat: Decimal::ZERO,
            gross: decimal(net),
            sha256: String::new(),
        };
        let charge = |document: u128, quantity: &str, net: &str| ReportedDocumentLine {
            document_id: Uuid::from_u128(document),
            line_id: LINE,
            code: "OB-1/1".into(),
            quantity: decimal(quantity),
            net: decimal(net),
            vat: Decimal::ZERO,
            gross: decimal(net),
        };
        Facts {
            lines: vec![ReportedLine {
                id: LINE,
                code: "OB-1/1".into(),
                kind: "media".into(),
                order_code: "OB-1".into(),
                order_state: "completed".into(),
                customer_code: "osh".into(),
                first_day: day("2026-10-31"),
                last_day: day("2026-11-01"),
                ended_on: None,
                paused: false,
                monthly: false,
                budget: Some(Money::parse("36.00").unwrap()),
                unit_price: UnitPrice::parse("12000.00").unwrap(),
            }],
            line_days: vec![counted(day("2026-10-31"), 2), counted(day("2026-11-01"), 1)],
            bits_by_epoch: epochs.clone(),
            epochs: epochs.clone(),
            counter_shown_by_epoch: epochs,
            totals: vec![ScopeTotal {
                line_id: LINE,
                scope: 0,
                counted: 3,
                cap: 3,
            }],
            documents: vec![
                document(7, "2026-0001", day("2026-10-01"), "24.00"),
                document(8, "2026-0002", day("2026-11-01"), "12.00"),
            ],
            document_lines: vec![charge(7, "2", "24.00"), charge(8, "1", "12.00")],
            operator_turnovers: vec![OperatorTurnover {
                account: "revenue".into(),
                amount: decimal("36.00"),
            }],
            series: vec![SeriesEnd {
                kind: "primary_document".into(),
                year: 2026,
                last_number: 2,
            }],
            numbers_in_use: ["2026-0001", "2026-0002"]
                .map(|number| NumberInUse {
                    kind: "primary_document".into(),
                    number: number.into(),
                })
                .into(),
            ..Facts::default()
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Facts), broken: fn(&Checks) -> bool, finding: &str) {
        let mut facts = facts();
        change(&mut facts);
        let audit = audit(&facts, day("2026-12-01"));
        assert!(!broken(&audit.checks), "still holds: {audit:?}");
        assert!(
            audit.findings.iter().any(|found| found.contains(finding)),
            "{audit:?}"
        );
    }

    #[test]
    fn revenue_that_no_document_states_is_found() {
        check(
            |facts| facts.operator_turnovers[0].amount = decimal("35.99"),
            |checks| checks.ledger_balanced,
            "revenue gained 35.99, the documents state 36.00",
        );
    }

    #[test]
    fn a_vat_invoice_of_another_sum_and_one_of_no_document_are_found() {
        let invoice = |facts: &mut Facts| {
            let mut invoice = facts.documents[0].clone();
            invoice.id = Uuid::from_u128(20);
            invoice.kind = "vat_invoice".into();
            invoice.number = "HF-1".into();
            invoice.gross = decimal("24.01");
            facts.documents.push(invoice);
        };
        check(invoice, |checks| checks.ledger_balanced, "belongs to no document");
        check(
            |facts| {
                invoice(facts);
                facts.references.push(ReportedReference {
                    document_id: Uuid::from_u128(20),
                    refers_to: Uuid::from_u128(7),
                    relation: "vat_invoice_of".into(),
                });
            },
            |checks| checks.ledger_balanced,
            "VAT invoice HF-1 states 24.01",
        );
    }

    #[test]
    fn a_right_run_passes() {
        let audit = audit(&facts(), day("2026-12-01"));
        assert_eq!(audit.findings, Vec::<String>::new());
        assert!(audit.checks.all_hold());
    }

    #[test]
    fn each_breach_breaks_its_check() {
        check(
            |facts| facts.unbalanced_postings = 1,
            |checks| checks.ledger_balanced,
            "don't balance",
        );
        check(
            |facts| facts.balance_differences = 2,
            |checks| checks.ledger_balanced,
            "2 account balances",
        );
        let act = |closing: &str| ReportedAct {
            number: "SD-2026-000001".into(),
            opening: decimal("0.00"),
            closing: decimal(closing),
            booked_before: decimal("0.00"),
            booked: decimal("-100.00"),
        };
        let right = Facts {
            acts: vec![act("-100.00")],
            ..facts()
        };
        assert_eq!(settlements(&right), Vec::<String>::new());
        check(
            |facts| facts.acts = vec![act("-99.99")],
            |checks| checks.ledger_balanced,
            "closing balance -99.99, the ledger -100.00",
        );
        check(
            |facts| {
                facts.refunds = vec![ReportedRefunds {
                    customer_code: "osh".into(),
                    refunded: decimal("100.01"),
                    paid_in: decimal("100.00"),
                }];
            },
            |checks| checks.ledger_balanced,
            "osh paid 100.00 and was refunded 100.01",
        );
        check(
            |facts| facts.line_days[1].impressions = 2,
            |checks| checks.no_overspend,
            "spent 48",
        );
        check(
            |facts| facts.bits_by_epoch[0].count = 3,
            |checks| checks.counts_agree,
            "2026-10-31: the bits tell 3, the hours 2",
        );
        check(
            |facts| facts.epochs[1].epoch -= 1,
            |checks| checks.counts_agree,
            "2026-11-01: the epoch sums tell 0",
        );
        check(
            |facts| facts.counter_shown_by_epoch.clear(),
            |checks| checks.counts_agree,
            "the budget counters tell 0",
        );
        check(
            |facts| facts.totals[0].counted = 2,
            |checks| checks.counts_agree,
            "the totals tell 2, the hours 3",
        );
        check(
            |facts| facts.numbers_in_use[1].number = "2026-0003".into(),
            |checks| checks.numbers_gapless,
            "[1, 3]",
        );
        check(
            |facts| facts.numbers_in_use[1].number = "2026-0001".into(),
            |checks| checks.numbers_gapless,
            "[1, 1]",
        );
        check(
            |facts| facts.series[0].last_number = 3,
            |checks| checks.numbers_gapless,
            "3 numbers were taken and 2",
        );
        check(
            |facts| facts.document_lines[1].quantity = decimal("2"),
            |checks| checks.every_charge_has_impressions,
            "2026-11: charged 2",
        );
        check(
            |facts| facts.document_lines[1].net = decimal("12.01"),
            |checks| checks.every_charge_has_impressions,
            "12.01",
        );
        check(
            |facts| drop(facts.document_lines.pop()),
            |checks| checks.every_charge_has_impressions,
            "charged 0",
        );
    }

    #[test]
    fn an_open_month_needs_no_document_yet() {
        let mut facts = facts();
        facts.document_lines.pop();
        assert!(
            audit(&facts, day("2026-11-15"))
                .checks
                .every_charge_has_impressions
        );
    }

    #[test]
    fn over_budget_impressions_have_bits_and_are_not_charged() {
        let mut facts = facts();
        facts.line_days[1].over_cap = 5;
        facts.bits_by_epoch[1].count = 6;
        facts.counter_shown_by_epoch[1].count = 6;
        assert!(audit(&facts, day("2026-12-01")).checks.all_hold());
    }
}

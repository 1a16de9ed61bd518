//! The terms of an order blank as they are signed: one canonical text and its hash (orders.md §3).
//!
//! The text is the content of the printed blank without its signature: what is signed is what is printed. Everything the
//! parties agree on is in it, and nothing that changes by the signing itself, so that the customer is shown the very text
//! and hash before signing, and the PDF of a signed blank is made from the frozen text alone, whatever became of the
//! parties' requisites since.

use crate::app::sign_order_blank::SignOrderBlankError;
use chrono::NaiveDate;
use namoyish_documents::content::{
    BlankBudgetMode, BlankPrepayment, BlankSignature, CONTENT_VERSION, ContentKind, LocalizedName,
    OrderBlankContent, OrderBlankLine, Party, PartyKind, PaymentDue, SignatureKind as PrintedSignature,
    StatisticsSource as PrintedSource, Unit as PrintedUnit,
};
use namoyish_documents::{canonical_json, sha256_hex};
use namoyish_domain::billing::invoice::{LineCharge, LineToInvoice, net_by_month};
use namoyish_domain::billing::rendered::DaysServed;
use namoyish_domain::money::{Money, MoneyError, Rate};
use namoyish_domain::orders::customer::{CustomerKind, Requisites};
use namoyish_domain::orders::order_blank::{
    BudgetMode, LineKind, Prepayment, SignatureKind, StatisticsSource, Term,
};
use namoyish_domain::orders::party::OperatorRequisites;
use namoyish_domain::orders::price_list::Names;
use namoyish_storage::order_blanks::OrderBlank;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::{DbError, Tx};
use rust_decimal::Decimal;

/// The canonical text, its SHA-256, and what it says.
pub(crate) struct Terms {
    pub(crate) canonical_json: String,
    pub(crate) sha256: String,
    pub(crate) content: OrderBlankContent,
}

/// Puts the terms of a blank into their canonical text, as they stand now.
pub(crate) async fn terms_of(
    tx: &mut Tx,
    blank: &OrderBlank,
    lines: &[OrderLine],
) -> Result<Terms, SignOrderBlankError> {
    let missing = |what: &str| DbError::Inconsistent(format!("order blank {}: {what} is gone", blank.id));
    let operator = tx
        .operator()
        .find()
        .await?
        .ok_or_else(|| missing("its operator"))?
        .requisites;
    let customer = tx
        .customers()
        .find(blank.customer)
        .await?
        .ok_or_else(|| missing("its customer"))?;
    let edition = tx
        .operator()
        .edition(blank.rules_edition)
        .await?
        .ok_or_else(|| missing("its rules edition"))?;
    let mut printed = Vec::with_capacity(lines.len());
    for line in lines {
        printed.push(line_terms(tx, blank, line).await?);
    }
    let sum = |of: fn(&OrderBlankLine) -> Money| Money::sum(printed.iter().map(of)).map_err(DbError::from);
    let (net, vat, gross) = (
        sum(|line| line.net)?,
        sum(|line| line.vat)?,
        sum(|line| line.gross)?,
    );
    let content = OrderBlankContent {
        version: CONTENT_VERSION,
        kind: ContentKind::OrderBlank,
        number: blank.number.clone(),
        place: blank.city.clone(),
        made_out_on: blank.made_out_on,
        operator: operator_party(&operator),
        customer: customer_party(&customer.requisites),
        customer_id: customer.id.to_string(),
        rules_edition: u32::try_from(edition.number).unwrap_or_default(),
        rules_sha256: edition.sha256,
        rules_in_force_from: edition.in_force_from,
        statistics_source: match blank.statistics_source {
            StatisticsSource::Own => PrintedSource::Own,
            StatisticsSource::Gam => PrintedSource::Gam,
        },
        notice_emails: blank.notice_emails.iter().map(ToString::to_string).collect(),
        prepayment: match blank.prepayment {
            Prepayment::Full => BlankPrepayment::Full,
            Prepayment::Monthly => BlankPrepayment::Monthly,
        },
        own_due_on: blank.own_due_on,
        own_due_days: blank.own_due_days,
        vat_payer: blank.vat.is_payer(),
        vat_rate: blank.vat.rate(),
        lines: printed,
        net,
        vat,
        gross,
        signature: None,
        offered: false,
    };
    let canonical_json = canonical_json(&content)?;
    let sha256 = sha256_hex(&canonical_json);
    Ok(Terms {
        canonical_json,
        sha256,
        content,
    })
}

/// The edition of the rules that becomes part of a blank signed on `day`: the one in force then, not the one that was in
/// force when the blank was made out [003 §2.2, §11]. A signed blank keeps its own.
pub(crate) async fn edition_at_signing(
    tx: &mut Tx,
    blank: &OrderBlank,
    day: NaiveDate,
) -> Result<i32, DbError> {
    if blank.signature.is_some() {
        return Ok(blank.rules_edition);
    }
    let in_force = tx.operator().edition_on(day).await?;
    Ok(in_force.unwrap_or(blank.rules_edition))
}

/// The terms as they would be signed on `today`: what a customer is shown before signing.
pub(crate) async fn terms_today(
    tx: &mut Tx,
    blank: &OrderBlank,
    today: NaiveDate,
) -> Result<Terms, SignOrderBlankError> {
    let lines = tx.order_lines().of_blank(blank.id).await?;
    let mut blank = blank.clone();
    blank.rules_edition = edition_at_signing(tx, &blank, today).await?;
    terms_of(tx, &blank, &lines).await
}

/// The printed blank: of a signed one from its frozen text, else from the terms as they stand. `None`: the frozen text is
/// of a shape that this program doesn't print.
pub(crate) async fn printed_blank(
    tx: &mut Tx,
    blank: &OrderBlank,
    today: NaiveDate,
) -> Result<Option<OrderBlankContent>, SignOrderBlankError> {
    let Some(signature) = &blank.signature else {
        let mut content = terms_today(tx, blank, today).await?.content;
        content.offered = blank.offered_at.is_some();
        return Ok(Some(content));
    };
    let Ok(mut content) = serde_json::from_str::<OrderBlankContent>(&signature.canonical_json) else {
        return Ok(None);
    };
    let invoices = tx
        .order_blanks()
        .invoiced_at(blank.id, signature.signed_at)
        .await?;
    let due = invoices
        .into_iter()
        .map(|(invoice, due_on, gross)| PaymentDue {
            invoice,
            due_on,
            gross,
        })
        .collect();
    content.signature = Some(BlankSignature {
        kind: match signature.kind {
            SignatureKind::CabinetCode => PrintedSignature::CabinetCode,
            SignatureKind::Paper => PrintedSignature::Paper,
            SignatureKind::PublicOffer => PrintedSignature::PublicOffer,
        },
        signed_by: signature.signed_by.clone(),
        signed_at: signature.signed_at,
        sha256: signature.sha256.clone(),
        due,
    });
    Ok(Some(content))
}

async fn line_terms(
    tx: &mut Tx,
    blank: &OrderBlank,
    line: &OrderLine,
) -> Result<OrderBlankLine, SignOrderBlankError> {
    let gone = || DbError::Inconsistent(format!("order line {}: its item is gone", line.id));
    let item = tx.price_lists().item(line.item).await?.ok_or_else(gone)?.item;
    let mut placements = tx.placements().find_many(&line.placements).await?;
    placements.sort_by(|a, b| a.code.cmp(&b.code));
    let regions = tx.placements().regions_named(&line.regions).await?;
    let sums = line_sums(
        &charge_of(line, line.ordered_term)?,
        blank.prepayment,
        blank.vat.rate(),
    )
    .map_err(DbError::from)?;
    let (unit, quantity) = quantity_of(line, sums.net).map_err(DbError::from)?;
    Ok(OrderBlankLine {
        position: u32::try_from(line.position).unwrap_or_default(),
        line_id: line.id.to_string(),
        line_code: line.code.clone(),
        line_kind: line.kind.code().to_owned(),
        item_code: item.code,
        service: named(&item.names),
        placement_codes: placements
            .iter()
            .map(|placement| placement.code.clone())
            .collect(),
        placements: placements
            .iter()
            .map(|placement| named(&placement.names))
            .collect(),
        region_codes: regions.iter().map(|region| region.code.to_string()).collect(),
        regions: regions.iter().map(|region| named(&region.names)).collect(),
        rubrics: line.targeting.rubrics().to_vec(),
        search_phrases: line.targeting.search_phrases().to_vec(),
        schedule: line.targeting.schedule(),
        frequency_cap: line.targeting.frequency_cap(),
        first_day: line.ordered_term.first_day(),
        last_day: line.ordered_term.last_day(),
        unit,
        unit_price: line.unit_price,
        list_price: line.list_price.filter(|list| *list != line.unit_price),
        price_group: line.price_group.clone(),
        quantity,
        budget_mode: line.budget.map(|budget| match budget.mode {
            BudgetMode::Total => BlankBudgetMode::Total,
            BudgetMode::Monthly => BlankBudgetMode::Monthly,
        }),
        budget: line.budget.map(|budget| budget.amount),
        one_off: line.one_off,
        net: sums.net,
        vat: sums.vat,
        gross: sums.net.checked_add(sums.vat).map_err(DbError::from)?,
    })
}

/// Net and VAT of a line over its term, as its invoices have them: VAT is rounded on each.
struct LineSums {
    net: Money,
    vat: Money,
}

fn line_sums(line: &LineToInvoice, prepayment: Prepayment, rate: Rate) -> Result<LineSums, MoneyError> {
    let months = net_by_month(line)?;
    let net = Money::sum(months.iter().map(|(_, net)| *net))?;
    let vat = match prepayment {
        Prepayment::Full => rate.of(net)?,
        Prepayment::Monthly => months
            .iter()
            .try_fold(Money::ZERO, |vat, (_, net)| vat.checked_add(rate.of(*net)?))?,
    };
    Ok(LineSums { net, vat })
}

/// What a line costs over a term, as the invoice rules see it.
pub(crate) fn charge_of(line: &OrderLine, term: Term) -> Result<LineToInvoice, DbError> {
    let quantity = line.quantity.unwrap_or(Decimal::ONE);
    let charge = match (line.kind, line.budget) {
        (LineKind::Media, Some(budget)) => LineCharge::Media(budget),
        (LineKind::Media, None) => {
            return Err(DbError::Inconsistent(format!(
                "order line {}: media without a budget",
                line.id
            )));
        }
        (LineKind::Period, _) => LineCharge::Period(line.unit_price),
        (LineKind::Additional, _) if line.one_off => LineCharge::OneOff {
            price: line.unit_price,
            quantity,
        },
        (LineKind::Additional, _) => LineCharge::Monthly {
            price: line.unit_price,
            quantity,
        },
    };
    Ok(LineToInvoice {
        line: line.id,
        term,
        charge,
    })
}

/// What a line buys over its ordered term, in kind.
fn quantity_of(line: &OrderLine, net: Money) -> Result<(PrintedUnit, Decimal), MoneyError> {
    let pieces = line.quantity.unwrap_or(Decimal::ONE);
    Ok(match line.kind {
        LineKind::Media => (
            PrintedUnit::Impressions,
            Decimal::from(line.unit_price.impressions_for(net.exact())?),
        ),
        LineKind::Additional if line.one_off => (PrintedUnit::Piece, pieces),
        LineKind::Period | LineKind::Additional => {
            let term = line.ordered_term;
            let months = term.periods().try_fold(Decimal::ZERO, |months, period| {
                let share = DaysServed::of(term, period).quantity()?;
                months.checked_add(share).ok_or(MoneyError::Overflow)
            })?;
            let quantity = months.checked_mul(pieces).ok_or(MoneyError::Overflow)?;
            (PrintedUnit::Month, quantity.round_dp(6).normalize())
        }
    })
}

fn named(names: &Names) -> LocalizedName {
    LocalizedName {
        uz: names.uz.clone(),
        ru: names.ru.clone(),
        en: names.en.clone(),
    }
}

fn operator_party(own: &OperatorRequisites) -> Party {
    Party {
        kind: PartyKind::LegalEntity,
        name: own.legal_name.clone(),
        address: own.address.clone(),
        stir_or_pinfl: own.stir.as_str().to_owned(),
        bank_name: own.bank.bank_name.clone(),
        mfo: own.bank.mfo.as_str().to_owned(),
        settlement_account: own.bank.account.as_str().to_owned(),
        oked: own
            .oked
            .as_ref()
            .map_or_else(String::new, |code| code.as_str().to_owned()),
        vat_code: own
            .vat_code
            .as_ref()
            .map_or_else(String::new, |code| code.as_str().to_owned()),
        signatory: own.director.clone(),
        authority: String::new(),
        accountant: own.accountant.clone(),
        email: own.email.as_str().to_owned(),
        phone: own.phone.as_str().to_owned(),
    }
}

fn customer_party(own: &Requisites) -> Party {
    let bank = own.bank.as_ref();
    Party {
        kind: match own.kind {
            CustomerKind::LegalEntity => PartyKind::LegalEntity,
            CustomerKind::SoleTrader => PartyKind::SoleTrader,
            CustomerKind::Person => PartyKind::Person,
        },
        name: own.name.clone(),
        address: own.address.clone(),
        stir_or_pinfl: match (&own.stir, &own.pinfl) {
            (Some(stir), _) => stir.as_str().to_owned(),
            (None, Some(pinfl)) => pinfl.as_str().to_owned(),
            (None, None) => String::new(),
        },
        bank_name: bank.map_or_else(String::new, |bank| bank.bank_name.clone()),
        mfo: bank.map_or_else(String::new, |bank| bank.mfo.as_str().to_owned()),
        settlement_account: bank.map_or_else(String::new, |bank| bank.account.as_str().to_owned()),
        oked: own
            .oked
            .as_ref()
            .map_or_else(String::new, |code| code.as_str().to_owned()),
        vat_code: own
            .vat_code
            .as_ref()
            .map_or_else(String::new, |code| code.as_str().to_owned()),
        signatory: own.signatory.clone(),
        authority: own.authority.clone(),
        accountant: String::new(),
        email: own.email.as_str().to_owned(),
        phone: own.phone.as_str().to_owned(),
    }
}

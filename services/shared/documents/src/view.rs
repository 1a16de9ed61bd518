//! Content and language to the finished strings that a template places.
//!
//! All formatting happens here, so templates hold no language and no arithmetic; the XLSX takes its words from here too.

mod settlement;

pub(crate) use settlement::{ActView, RefundView};

use crate::content::{
    BlankBudgetMode, BlankPrepayment, InvoiceContent, LocalizedName, OrderBlankContent, OrderBlankLine,
    Party, PartyKind, PrimaryDocumentContent, SignatureKind, StatisticsSource, Unit,
};
use crate::labels::{Labels, window_in_words};
use crate::language::{
    Language, format_date, format_date_long, format_instant, format_money, format_period, format_quantity,
    format_unit_price,
};
use crate::text::{CELL, LINE, NARROW, PAGE, printable};
use crate::words::{WordsError, sum_in_words};
use chrono::{Datelike, NaiveDate};
use namoyish_domain::calendar::ReportingPeriod;
use namoyish_domain::money::{Money, Rate, UnitPrice};
use rust_decimal::Decimal;
use serde::Serialize;

/// How words and figures are written for one reader.
#[derive(Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) language: Language,
    pub(crate) labels: &'static Labels,
}

impl Writer {
    pub(crate) fn new(language: Language) -> Writer {
        Writer {
            language,
            labels: Labels::of(language),
        }
    }

    pub(crate) fn money(self, sum: Money) -> String {
        format_money(sum, self.language)
    }

    pub(crate) fn date(self, day: NaiveDate) -> String {
        format_date(day, self.language)
    }

    pub(crate) fn date_long(self, day: NaiveDate) -> String {
        format_date_long(day, self.language)
    }

    pub(crate) fn quantity(self, quantity: Decimal) -> String {
        format_quantity(quantity, self.language)
    }

    pub(crate) fn price(self, price: UnitPrice) -> String {
        format_unit_price(price, self.language)
    }

    /// "12", or "7,5".
    pub(crate) fn percent(self, rate: Rate) -> String {
        format_quantity(rate.decimal() * Decimal::ONE_HUNDRED, self.language)
    }

    pub(crate) fn unit(self, unit: Unit) -> &'static str {
        match unit {
            Unit::Impressions => self.labels.unit_impressions,
            Unit::Month => self.labels.unit_month,
            Unit::Piece => self.labels.unit_piece,
        }
    }

    /// What stands under a price: impressions are priced by the thousand.
    pub(crate) fn per(self, unit: Unit) -> &'static str {
        match unit {
            Unit::Impressions => self.labels.per_thousand,
            Unit::Month | Unit::Piece => "",
        }
    }

    pub(crate) fn source(self, source: StatisticsSource) -> &'static str {
        match source {
            StatisticsSource::Own => self.labels.source_own,
            StatisticsSource::Gam => self.labels.source_gam,
        }
    }

    pub(crate) fn dated(self, day: NaiveDate) -> String {
        self.labels.dated.replace("{date}", &self.date(day))
    }

    /// "including VAT: 120 000,00 soʻm" or "no VAT".
    pub(crate) fn vat_note(self, vat_payer: bool, vat: Money) -> String {
        if vat_payer {
            self.labels.including_vat.replace("{vat}", &self.money(vat))
        } else {
            self.labels.without_vat.to_owned()
        }
    }

    /// The statement of acceptance: silence through the 20th of the month after the period [003 §5.9].
    pub(crate) fn acceptance(self, period: ReportingPeriod, edition: u32) -> String {
        let next = period.next();
        let last_day = next.day(20).unwrap_or_else(|| next.last_day());
        self.labels
            .acceptance
            .replace("{date}", &self.date_long(last_day))
            .replace("{edition}", &edition.to_string())
    }

    /// Requisites as they are printed, grouped by line; empty ones are left out.
    pub(crate) fn requisites(self, party: &Party) -> Vec<Vec<(&'static str, String)>> {
        let labels = self.labels;
        let tax_number = if party.stir_or_pinfl.chars().count() == 14 {
            labels.pinfl
        } else {
            labels.stir
        };
        let lines: [&[(&'static str, &String)]; 6] = [
            &[(labels.address, &party.address)],
            &[
                (tax_number, &party.stir_or_pinfl),
                (labels.oked, &party.oked),
                (labels.vat_code, &party.vat_code),
            ],
            &[
                (labels.account, &party.settlement_account),
                (labels.mfo, &party.mfo),
            ],
            &[(labels.bank, &party.bank_name)],
            &[(labels.email, &party.email), (labels.phone, &party.phone)],
            &[(labels.authority, &party.authority)],
        ];
        lines
            .into_iter()
            .map(|line| {
                line.iter()
                    .filter(|(_, value)| !value.trim().is_empty())
                    .map(|(label, value)| (*label, (*value).clone()))
                    .collect::<Vec<_>>()
            })
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// Positions and names of those who sign for a party.
    pub(crate) fn signers(self, party: &Party) -> Vec<(&'static str, String)> {
        let position = match party.kind {
            PartyKind::LegalEntity => self.labels.position_director,
            PartyKind::SoleTrader => self.labels.position_sole_trader,
            PartyKind::Person => self.labels.position_person,
        };
        let mut signers = vec![(position, party.signatory.clone())];
        if !party.accountant.trim().is_empty() {
            signers.push((self.labels.position_accountant, party.accountant.clone()));
        }
        signers
    }
}

fn wide(text: &str) -> String {
    printable(text, LINE)
}

fn cell(text: &str) -> String {
    printable(text, CELL)
}

fn narrow(text: &str) -> String {
    printable(text, NARROW)
}

fn page_wide(text: &str) -> String {
    printable(text, PAGE)
}

#[derive(Serialize)]
struct DateView {
    year: i32,
    month: u32,
    day: u32,
}

/// What every document has.
#[derive(Serialize)]
pub(crate) struct Head {
    l: &'static Labels,
    /// ISO 639 code for the PDF's language tag.
    lang: &'static str,
    meta_title: String,
    author: String,
    date: DateView,
    number: String,
    hash: String,
    vat: bool,
}

impl Head {
    pub(crate) fn new(
        writer: Writer,
        title: &str,
        number: &str,
        author: &str,
        on: NaiveDate,
        hash: &str,
        vat: bool,
    ) -> Head {
        Head {
            l: writer.labels,
            lang: match writer.language {
                Language::UzLatn | Language::UzCyrl => "uz",
                Language::Ru => "ru",
                Language::En => "en",
            },
            meta_title: format!("{title} {} {}", writer.labels.number_sign, wide(number)),
            author: wide(author),
            date: DateView {
                year: on.year(),
                month: on.month(),
                day: on.day(),
            },
            number: wide(number),
            hash: hash.to_owned(),
            vat,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct PartyView {
    role: &'static str,
    signs_as: &'static str,
    name: String,
    rows: Vec<Vec<(&'static str, String)>>,
    signers: Vec<(&'static str, String)>,
}

impl PartyView {
    pub(crate) fn new(
        writer: Writer,
        party: &Party,
        role: &'static str,
        signs_as: &'static str,
    ) -> PartyView {
        let shown = |(label, value): (&'static str, String)| (label, wide(&value));
        PartyView {
            role,
            signs_as,
            name: wide(&party.name),
            rows: writer
                .requisites(party)
                .into_iter()
                .map(|line| line.into_iter().map(shown).collect())
                .collect(),
            signers: writer.signers(party).into_iter().map(shown).collect(),
        }
    }

    fn both(writer: Writer, operator: &Party, customer: &Party) -> [PartyView; 2] {
        let labels = writer.labels;
        [
            PartyView::new(writer, operator, labels.operator, labels.for_operator),
            PartyView::new(writer, customer, labels.customer, labels.for_customer),
        ]
    }
}

#[derive(Serialize)]
struct LineView {
    position: String,
    contract: String,
    contract_date: String,
    service: String,
    code: String,
    details: Vec<String>,
    from: String,
    to: String,
    unit: &'static str,
    quantity: String,
    price: String,
    per: &'static str,
    rate: String,
    net: String,
    vat: String,
    gross: String,
}

#[derive(Serialize)]
struct TotalsView {
    net: String,
    vat: String,
    gross: String,
    words: String,
    vat_note: String,
}

impl TotalsView {
    fn new(
        writer: Writer,
        vat_payer: bool,
        net: Money,
        vat: Money,
        gross: Money,
    ) -> Result<TotalsView, WordsError> {
        Ok(TotalsView {
            net: writer.money(net),
            vat: writer.money(vat),
            gross: writer.money(gross),
            words: sum_in_words(gross, writer.language)?,
            vat_note: writer.vat_note(vat_payer, vat),
        })
    }
}

#[derive(Serialize)]
pub(crate) struct PrimaryDocumentView {
    #[serde(flatten)]
    head: Head,
    qr_svg: String,
    verify_url: String,
    place: String,
    date_long: String,
    period: String,
    parties: [PartyView; 2],
    lines: Vec<LineView>,
    totals: TotalsView,
    settlement: [(&'static str, String); 3],
    source: &'static str,
    acceptance: String,
    fingerprint: String,
}

impl PrimaryDocumentView {
    pub(crate) fn new(
        content: &PrimaryDocumentContent,
        language: Language,
        hash: &str,
        verify_url: &str,
        qr_svg: String,
    ) -> Result<PrimaryDocumentView, WordsError> {
        let writer = Writer::new(language);
        let labels = writer.labels;
        let lines = content.lines.iter().map(|line| LineView {
            position: line.position.to_string(),
            contract: narrow(&line.contract_number),
            contract_date: writer.dated(line.contract_date),
            service: cell(line.service.in_language(language)),
            code: cell(&line.line_code),
            details: Vec::new(),
            from: writer.date(line.period_from),
            to: writer.date(line.period_to),
            unit: writer.unit(line.unit),
            quantity: writer.quantity(line.quantity),
            price: writer.price(line.unit_price),
            per: writer.per(line.unit),
            rate: writer.percent(line.vat_rate),
            net: writer.money(line.net),
            vat: writer.money(line.vat),
            gross: writer.money(line.gross),
        });
        Ok(PrimaryDocumentView {
            head: Head::new(
                writer,
                labels.primary_title,
                &content.number,
                &content.operator.name,
                content.issued_on,
                hash,
                content.vat_payer,
            ),
            qr_svg,
            verify_url: page_wide(verify_url),
            place: wide(&content.place),
            date_long: writer.date_long(content.issued_on),
            period: format_period(content.period, language),
            parties: PartyView::both(writer, &content.operator, &content.customer),
            lines: lines.collect(),
            totals: TotalsView::new(writer, content.vat_payer, content.net, content.vat, content.gross)?,
            settlement: [
                (labels.advance_used, writer.money(content.advance_used)),
                (labels.receivable_left, writer.money(content.receivable_left)),
                (labels.advance_left, writer.money(content.advance_left)),
            ],
            source: writer.source(content.statistics_source),
            acceptance: writer.acceptance(content.period, content.rules_edition),
            fingerprint: page_wide(&content.impressions_fingerprint),
        })
    }
}

#[derive(Serialize)]
pub(crate) struct InvoiceView {
    #[serde(flatten)]
    head: Head,
    date_long: String,
    due: String,
    ground: String,
    parties: [PartyView; 2],
    lines: Vec<LineView>,
    totals: TotalsView,
    purpose: String,
}

impl InvoiceView {
    pub(crate) fn new(
        content: &InvoiceContent,
        language: Language,
        hash: &str,
    ) -> Result<InvoiceView, WordsError> {
        let writer = Writer::new(language);
        let labels = writer.labels;
        let lines = content.lines.iter().enumerate().map(|(index, line)| LineView {
            position: (index + 1).to_string(),
            contract: String::new(),
            contract_date: String::new(),
            service: cell(line.service.in_language(language)),
            code: cell(&line.line_code),
            details: Vec::new(),
            from: writer.date(line.period_from),
            to: writer.date(line.period_to),
            unit: writer.unit(line.unit),
            quantity: writer.quantity(line.quantity),
            price: String::new(),
            per: "",
            rate: writer.percent(line.vat_rate),
            net: writer.money(line.net),
            vat: writer.money(line.vat),
            gross: writer.money(line.gross),
        });
        let parties = [
            PartyView::new(writer, &content.operator, labels.payee, labels.for_operator),
            PartyView::new(writer, &content.customer, labels.payer, labels.for_customer),
        ];
        Ok(InvoiceView {
            head: Head::new(
                writer,
                labels.invoice_title,
                &content.number,
                &content.operator.name,
                content.issued_on,
                hash,
                content.vat_payer,
            ),
            date_long: writer.date_long(content.issued_on),
            due: labels.due_by.replace("{date}", &writer.date(content.due_on)),
            ground: labels
                .ground_order
                .replace("{date}", &writer.date(content.order_date))
                .replace("{number}", &wide(&content.order_number)),
            parties,
            lines: lines.collect(),
            totals: TotalsView::new(writer, content.vat_payer, content.net, content.vat, content.gross)?,
            purpose: wide(&content.purpose),
        })
    }
}

#[derive(Serialize)]
pub(crate) struct OrderBlankView {
    #[serde(flatten)]
    head: Head,
    /// Empty while the blank isn't signed.
    qr_svg: String,
    verify_url: String,
    place: String,
    date_long: String,
    parties: [PartyView; 2],
    lines: Vec<LineView>,
    totals: TotalsView,
    terms: Vec<(&'static str, String)>,
    /// Empty while the blank isn't signed.
    signed: String,
    /// What it is while it isn't signed: a draft, or an offer.
    unsigned: &'static str,
}

impl OrderBlankView {
    pub(crate) fn new(
        content: &OrderBlankContent,
        language: Language,
        verify_url: &str,
        qr_svg: String,
    ) -> Result<OrderBlankView, WordsError> {
        let writer = Writer::new(language);
        let labels = writer.labels;
        let signed = content.signature.as_ref().map(|signature| {
            let how = match signature.kind {
                SignatureKind::CabinetCode => labels.signed_in_cabinet,
                SignatureKind::Paper => labels.signed_on_paper,
                SignatureKind::PublicOffer => labels.public_offer_accepted,
            };
            let at = format_instant(signature.signed_at, language);
            format!("{how}: {}, {at} (UTC+5)", wide(&signature.signed_by))
        });
        let hash = content
            .signature
            .as_ref()
            .map_or("", |signature| signature.sha256.as_str());
        Ok(OrderBlankView {
            head: Head::new(
                writer,
                labels.blank_title,
                &content.number,
                &content.operator.name,
                content.made_out_on,
                &page_wide(hash),
                content.vat_payer,
            ),
            qr_svg,
            verify_url: if signed.is_some() {
                page_wide(verify_url)
            } else {
                String::new()
            },
            place: wide(&content.place),
            date_long: writer.date_long(content.made_out_on),
            parties: PartyView::both(writer, &content.operator, &content.customer),
            lines: content
                .lines
                .iter()
                .map(|line| blank_line(writer, content.vat_rate, line))
                .collect(),
            totals: TotalsView::new(writer, content.vat_payer, content.net, content.vat, content.gross)?,
            terms: terms(writer, content),
            signed: signed.unwrap_or_default(),
            unsigned: if content.offered {
                labels.offer
            } else {
                labels.draft
            },
        })
    }
}

fn blank_line(writer: Writer, vat_rate: Rate, line: &OrderBlankLine) -> LineView {
    let labels = writer.labels;
    let names = |names: &[LocalizedName]| {
        let names: Vec<&str> = names
            .iter()
            .map(|name| name.in_language(writer.language))
            .collect();
        cell(&names.join(", "))
    };
    let mut details = Vec::new();
    if !line.placements.is_empty() {
        details.push(names(&line.placements));
        details.push(if line.regions.is_empty() {
            labels.everywhere.to_owned()
        } else {
            names(&line.regions)
        });
    }
    details.extend(line.budget_mode.map(|mode| {
        let what = match mode {
            BlankBudgetMode::Total => labels.budget_total,
            BlankBudgetMode::Monthly => labels.budget_monthly,
        };
        match line.budget {
            Some(budget) => format!("{what}: {} {}", writer.money(budget), labels.in_soum),
            None => what.to_owned(),
        }
    }));
    for (label, values) in [
        (labels.rubrics, &line.rubrics),
        (labels.search_phrases, &line.search_phrases),
    ] {
        if !values.is_empty() {
            details.push(cell(&format!("{label}: {}", values.join(", "))));
        }
    }
    if !line.schedule.is_empty() {
        let windows: Vec<String> = line
            .schedule
            .iter()
            .map(|window| window_in_words(window, writer.language))
            .collect();
        details.push(cell(&format!("{}: {}", labels.shown_at, windows.join("; "))));
    }
    details.extend(
        line.frequency_cap
            .map(|cap| labels.frequency_cap.replace("{count}", &cap.to_string())),
    );
    if let Some(list_price) = line.list_price {
        let by_list = labels.list_price.replace("{price}", &writer.price(list_price));
        let group = line.price_group.as_ref();
        let in_group = group.map(|group| labels.price_group.replace("{name}", group));
        details.extend(
            [Some(by_list), in_group]
                .into_iter()
                .flatten()
                .map(|text| cell(&text)),
        );
    }
    LineView {
        position: line.position.to_string(),
        contract: String::new(),
        contract_date: String::new(),
        service: cell(line.service.in_language(writer.language)),
        code: cell(&line.line_code),
        details,
        from: writer.date(line.first_day),
        to: writer.date(line.last_day),
        unit: writer.unit(line.unit),
        quantity: writer.quantity(line.quantity),
        price: writer.price(line.unit_price),
        per: writer.per(line.unit),
        rate: writer.percent(vat_rate),
        net: writer.money(line.net),
        vat: writer.money(line.vat),
        gross: writer.money(line.gross),
    }
}

fn terms(writer: Writer, content: &OrderBlankContent) -> Vec<(&'static str, String)> {
    let labels = writer.labels;
    let rules = labels
        .rules_edition
        .replace("{edition}", &content.rules_edition.to_string())
        .replace("{date}", &writer.date(content.rules_in_force_from));
    let prepayment = match content.prepayment {
        BlankPrepayment::Full => labels.prepayment_full,
        BlankPrepayment::Monthly => labels.prepayment_monthly,
    };
    let mut terms = vec![(labels.rules, rules), (labels.prepayment, prepayment.to_owned())];
    terms.extend(
        content
            .own_due_on
            .map(|day| (labels.due, labels.due_by.replace("{date}", &writer.date(day)))),
    );
    terms.extend(
        content
            .own_due_days
            .map(|days| (labels.due, labels.due_within.replace("{days}", &days.to_string()))),
    );
    let due = content
        .signature
        .as_ref()
        .map_or(&[][..], |signature| &signature.due);
    for part in due {
        let by = labels.due_by.replace("{date}", &writer.date(part.due_on));
        let sum = format!("{} {}", writer.money(part.gross), labels.in_soum);
        terms.push((
            labels.due_payment,
            format!("{sum} — {by} ({} {})", labels.number_sign, wide(&part.invoice)),
        ));
    }
    terms.push((
        labels.statistics_source,
        writer.source(content.statistics_source).to_owned(),
    ));
    terms.push((labels.notices, wide(&content.notice_emails.join(", "))));
    terms
}

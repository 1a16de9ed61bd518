//! The strings of a reconciliation act and of a refund.

use super::{Head, PartyView, Writer, cell, narrow, page_wide, wide};
use crate::content::{ActDocument, ReconciliationActContent, RefundContent};
use crate::labels::Labels;
use crate::language::Language;
use crate::words::{WordsError, sum_in_words};
use namoyish_domain::money::Money;
use serde::Serialize;

impl Writer {
    /// A sum, or nothing at all for an empty column.
    pub(crate) fn money_or_blank(self, sum: Money) -> String {
        if sum.is_zero() {
            String::new()
        } else {
            self.money(sum)
        }
    }

    /// What a row of an act is.
    pub(crate) fn act_document(self, document: ActDocument) -> &'static str {
        let labels = self.labels;
        match document {
            ActDocument::Payment => labels.act_payment,
            ActDocument::PrimaryDocument => labels.act_primary_document,
            ActDocument::Correction => labels.act_correction,
            ActDocument::PenaltyClaim => labels.act_penalty_claim,
            ActDocument::Refund => labels.act_refund,
            ActDocument::Reversal => labels.act_reversal,
            ActDocument::ServicesToDocument => labels.act_services,
            ActDocument::Other => labels.act_other,
        }
    }

    /// "1 January 2026 – 31 March 2026".
    pub(crate) fn interval(self, content: &ReconciliationActContent) -> String {
        format!(
            "{} – {}",
            self.date(content.first_day),
            self.date(content.last_day)
        )
    }

    /// Who owes whom how much at the end, in words.
    pub(crate) fn conclusion(self, content: &ReconciliationActContent) -> Result<String, WordsError> {
        let labels: &Labels = self.labels;
        let (text, sum, name) = if content.closing_debit.is_positive() {
            (
                labels.act_debt_to_operator,
                content.closing_debit,
                &content.operator.name,
            )
        } else if content.closing_credit.is_positive() {
            (
                labels.act_debt_to_customer,
                content.closing_credit,
                &content.customer.name,
            )
        } else {
            (labels.act_no_debt, Money::ZERO, &content.customer.name)
        };
        Ok(text
            .replace("{date}", &self.date(content.last_day))
            .replace("{sum}", &self.money(sum))
            .replace("{words}", &sum_in_words(sum, self.language)?)
            .replace("{name}", &wide(name)))
    }

    /// How long the customer has to return it.
    pub(crate) fn return_within(self, content: &ReconciliationActContent) -> String {
        self.labels
            .act_return
            .replace("{days}", &content.return_within.to_string())
    }
}

#[derive(Serialize)]
struct RowView {
    position: String,
    date: String,
    document: String,
    number: String,
    contracts: String,
    debit: String,
    credit: String,
}

#[derive(Serialize)]
struct BalanceView {
    label: String,
    debit: String,
    credit: String,
}

#[derive(Serialize)]
pub(crate) struct ActView {
    #[serde(flatten)]
    head: Head,
    qr_svg: String,
    verify_url: String,
    place: String,
    date_long: String,
    interval: String,
    parties: [PartyView; 2],
    contracts: Vec<String>,
    opening: BalanceView,
    rows: Vec<RowView>,
    turnover: BalanceView,
    closing: BalanceView,
    conclusion: String,
    return_within: String,
}

impl ActView {
    pub(crate) fn new(
        content: &ReconciliationActContent,
        language: Language,
        hash: &str,
        verify_url: &str,
        qr_svg: String,
    ) -> Result<ActView, WordsError> {
        let writer = Writer::new(language);
        let labels = writer.labels;
        let rows = content.rows.iter().map(|row| RowView {
            position: row.position.to_string(),
            date: writer.date(row.on),
            document: writer.act_document(row.document).to_owned(),
            number: cell(&row.number),
            contracts: narrow(&row.contracts),
            debit: writer.money_or_blank(row.debit),
            credit: writer.money_or_blank(row.credit),
        });
        let balance = |label: &str, debit: Money, credit: Money| BalanceView {
            label: label.to_owned(),
            debit: writer.money(debit),
            credit: writer.money(credit),
        };
        Ok(ActView {
            head: Head::new(
                writer,
                labels.act_title,
                &content.number,
                &content.operator.name,
                content.issued_on,
                hash,
                false,
            ),
            qr_svg,
            verify_url: page_wide(verify_url),
            place: wide(&content.place),
            date_long: writer.date_long(content.issued_on),
            interval: writer.interval(content),
            parties: PartyView::both(writer, &content.operator, &content.customer),
            contracts: content
                .contracts
                .iter()
                .map(|contract| {
                    format!(
                        "{} {} {}",
                        labels.number_sign,
                        cell(&contract.number),
                        writer.dated(contract.date)
                    )
                })
                .collect(),
            opening: balance(
                &labels
                    .act_opening
                    .replace("{date}", &writer.date(content.first_day)),
                content.opening_debit,
                content.opening_credit,
            ),
            rows: rows.collect(),
            turnover: balance(labels.act_turnover, content.debit, content.credit),
            closing: balance(
                &labels
                    .act_closing
                    .replace("{date}", &writer.date(content.last_day)),
                content.closing_debit,
                content.closing_credit,
            ),
            conclusion: writer.conclusion(content)?,
            return_within: writer.return_within(content),
        })
    }
}

#[derive(Serialize)]
struct ContractView {
    contract: String,
    date: String,
    paid: String,
    rendered: String,
    held: String,
}

#[derive(Serialize)]
pub(crate) struct RefundView {
    #[serde(flatten)]
    head: Head,
    qr_svg: String,
    verify_url: String,
    place: String,
    date_long: String,
    requested: String,
    due: String,
    parties: [PartyView; 2],
    contracts: Vec<ContractView>,
    sums: [(&'static str, String); 3],
    amount: String,
    words: String,
    account: String,
    ground: &'static str,
}

impl RefundView {
    pub(crate) fn new(
        content: &RefundContent,
        language: Language,
        hash: &str,
        verify_url: &str,
        qr_svg: String,
    ) -> Result<RefundView, WordsError> {
        let writer = Writer::new(language);
        let labels = writer.labels;
        let contracts = content.contracts.iter().map(|row| ContractView {
            contract: narrow(&row.number),
            date: writer.dated(row.date),
            paid: writer.money(row.paid),
            rendered: writer.money(row.rendered),
            held: writer.money(row.held),
        });
        Ok(RefundView {
            head: Head::new(
                writer,
                labels.refund_title,
                &content.number,
                &content.operator.name,
                content.issued_on,
                hash,
                false,
            ),
            qr_svg,
            verify_url: page_wide(verify_url),
            place: wide(&content.place),
            date_long: writer.date_long(content.issued_on),
            requested: writer.date(content.requested_on),
            due: labels.due_by.replace("{date}", &writer.date(content.due_on)),
            parties: [
                PartyView::new(
                    writer,
                    &content.operator,
                    labels.refund_payer,
                    labels.for_operator,
                ),
                PartyView::new(
                    writer,
                    &content.customer,
                    labels.refund_payee,
                    labels.for_customer,
                ),
            ],
            contracts: contracts.collect(),
            sums: [
                (labels.refund_advance, writer.money(content.advance)),
                (labels.refund_held, writer.money(content.held)),
                (labels.refund_amount, writer.money(content.amount)),
            ],
            amount: writer.money(content.amount),
            words: sum_in_words(content.amount, language)?,
            account: writer.refund_account(content),
            ground: labels.refund_ground,
        })
    }
}

impl Writer {
    /// The customer's own account, bank and MFO.
    pub(crate) fn refund_account(self, content: &RefundContent) -> String {
        let party = &content.customer;
        format!(
            "{} · {} {} · {}",
            party.settlement_account,
            self.labels.mfo,
            party.mfo,
            wide(&party.bank_name)
        )
    }
}

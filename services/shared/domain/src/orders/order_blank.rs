//! Order blanks and the terms of their lines [003 §1.1 "Buyurtma blankasi", §2].
//!
//! ```text
//! draft → offered → signed → in_service → completed
//!   └───────┴→ cancelled  └──────┴→ terminated
//! ```
//!
//! A move takes the state and gives the next one or [`MoveRefused`]; no other way leads from one to another.
//! Not here: what a line must have (`line`), when it is served (`runnable`), invoices (`billing::invoice`).

use crate::calendar::ReportingPeriod;
use crate::money::{Money, Rate};
use chrono::NaiveDate;

/// What kind of service a line buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Impressions are counted and paid [003 §1.1 "Media reklama"].
    Media,
    /// Paid per month of placement.
    Period,
    /// An additional service.
    Additional,
}

impl LineKind {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            LineKind::Media => "media",
            LineKind::Period => "period",
            LineKind::Additional => "additional",
        }
    }

    /// Parses [`LineKind::code`].
    pub fn parse(code: &str) -> Option<LineKind> {
        [LineKind::Media, LineKind::Period, LineKind::Additional]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// How a media budget is bound in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BudgetMode {
    /// One sum for the whole term.
    Total,
    /// One sum for each reporting period.
    Monthly,
}

impl BudgetMode {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            BudgetMode::Total => "total",
            BudgetMode::Monthly => "monthly",
        }
    }

    /// Parses [`BudgetMode::code`].
    pub fn parse(code: &str) -> Option<BudgetMode> {
        [BudgetMode::Total, BudgetMode::Monthly]
            .into_iter()
            .find(|mode| mode.code() == code)
    }
}

/// A term in days, both ends served. Never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Term {
    first_day: NaiveDate,
    last_day: NaiveDate,
}

impl Term {
    /// `None` when the last day lies before the first.
    pub fn new(first_day: NaiveDate, last_day: NaiveDate) -> Option<Term> {
        (first_day <= last_day).then_some(Term { first_day, last_day })
    }

    /// First day served.
    pub fn first_day(self) -> NaiveDate {
        self.first_day
    }

    /// Last day served.
    pub fn last_day(self) -> NaiveDate {
        self.last_day
    }

    /// Whether a day lies in the term.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.first_day <= day && day <= self.last_day
    }

    /// The reporting periods that the term touches.
    pub fn periods(self) -> impl Iterator<Item = ReportingPeriod> {
        ReportingPeriod::of(self.first_day).through(ReportingPeriod::of(self.last_day))
    }
}

/// A media budget, net of VAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Whether `amount` is for the whole term or for each month.
    pub mode: BudgetMode,
    /// So'm, net.
    pub amount: Money,
}

/// How the prepayment is invoiced (billing.md §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prepayment {
    /// One invoice for all.
    Full,
    /// One invoice per reporting period.
    Monthly,
}

impl Prepayment {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            Prepayment::Full => "full",
            Prepayment::Monthly => "monthly",
        }
    }

    /// Parses [`Prepayment::code`].
    pub fn parse(code: &str) -> Option<Prepayment> {
        [Prepayment::Full, Prepayment::Monthly]
            .into_iter()
            .find(|prepayment| prepayment.code() == code)
    }
}

/// Whose counts the documents are made from (delivery.md §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatisticsSource {
    /// The operator's own.
    Own,
    /// Google Ad Manager's report.
    Gam,
}

impl StatisticsSource {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            StatisticsSource::Own => "own",
            StatisticsSource::Gam => "gam",
        }
    }

    /// Parses [`StatisticsSource::code`].
    pub fn parse(code: &str) -> Option<StatisticsSource> {
        [StatisticsSource::Own, StatisticsSource::Gam]
            .into_iter()
            .find(|source| source.code() == code)
    }
}

/// VAT of a blank: fixed on the day it is made out [003 §5.3].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VatTerms {
    /// Prices are net, VAT is added at this rate.
    Payer(Rate),
    /// Prices are final, no VAT line is shown.
    NotAPayer,
}

impl VatTerms {
    /// Terms by the operator's status and the rate of the day.
    pub fn of(vat_payer: bool, rate: Rate) -> VatTerms {
        if vat_payer {
            VatTerms::Payer(rate)
        } else {
            VatTerms::NotAPayer
        }
    }

    /// The rate to calculate with.
    pub fn rate(self) -> Rate {
        match self {
            VatTerms::Payer(rate) => rate,
            VatTerms::NotAPayer => Rate::ZERO,
        }
    }

    /// Whether a VAT line is shown.
    pub fn is_payer(self) -> bool {
        matches!(self, VatTerms::Payer(_))
    }
}

/// How the customer signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// In the cabinet, with password and one-time code.
    CabinetCode,
    /// On paper, recorded by the operator.
    Paper,
    /// By accepting the public offer, without a signature [003 §5.2].
    PublicOffer,
}

impl SignatureKind {
    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            SignatureKind::CabinetCode => "cabinet_code",
            SignatureKind::Paper => "paper",
            SignatureKind::PublicOffer => "public_offer",
        }
    }

    /// Parses [`SignatureKind::code`].
    pub fn parse(code: &str) -> Option<SignatureKind> {
        [
            SignatureKind::CabinetCode,
            SignatureKind::Paper,
            SignatureKind::PublicOffer,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
    }
}

/// Where an order blank stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlankState {
    /// Being made out.
    Draft,
    /// Offered to the customer by the operator.
    Offered,
    /// Signed by both: a contract.
    Signed,
    /// Its first service has begun.
    InService,
    /// Its last service has ended.
    Completed,
    /// Ended before its time.
    Terminated,
    /// Given up before it was signed.
    Cancelled,
}

/// A move that the state doesn't allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order blank that is {} can't become {}: it must be {due}", .from.code(), .to.code())]
pub struct MoveRefused {
    /// The state it is in.
    pub from: BlankState,
    /// The state asked for.
    pub to: BlankState,
    /// The states from which it could.
    pub due: &'static str,
}

impl MoveRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self.to {
            BlankState::Draft => "order_blank_not_draft",
            BlankState::Offered => "order_blank_not_draft",
            BlankState::Signed => "order_blank_not_offered",
            BlankState::InService => "order_blank_not_signed",
            BlankState::Completed => "order_blank_not_in_service",
            BlankState::Terminated => "order_blank_not_signed",
            BlankState::Cancelled if self.from == BlankState::Cancelled => "order_blank_already_cancelled",
            BlankState::Cancelled => "order_blank_already_signed",
        }
    }
}

impl BlankState {
    /// All states.
    pub const ALL: [BlankState; 7] = [
        BlankState::Draft,
        BlankState::Offered,
        BlankState::Signed,
        BlankState::InService,
        BlankState::Completed,
        BlankState::Terminated,
        BlankState::Cancelled,
    ];

    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            BlankState::Draft => "draft",
            BlankState::Offered => "offered",
            BlankState::Signed => "signed",
            BlankState::InService => "in_service",
            BlankState::Completed => "completed",
            BlankState::Terminated => "terminated",
            BlankState::Cancelled => "cancelled",
        }
    }

    /// Parses [`BlankState::code`].
    pub fn parse(code: &str) -> Option<BlankState> {
        BlankState::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether a contract is in force: what is due is served and paid.
    pub fn is_contract(self) -> bool {
        matches!(self, BlankState::Signed | BlankState::InService)
    }

    fn step(self, from: &[BlankState], due: &'static str, to: BlankState) -> Result<BlankState, MoveRefused> {
        if from.contains(&self) {
            Ok(to)
        } else {
            Err(MoveRefused { from: self, to, due })
        }
    }

    /// The operator makes it out anew, while it is the operator's own paper.
    pub fn change(self) -> Result<BlankState, MoveRefused> {
        self.step(&[BlankState::Draft], "draft", BlankState::Draft)
    }

    /// The operator offers it to the customer.
    pub fn offer(self) -> Result<BlankState, MoveRefused> {
        self.step(&[BlankState::Draft], "draft", BlankState::Offered)
    }

    /// Both have signed.
    pub fn sign(self) -> Result<BlankState, MoveRefused> {
        self.step(&[BlankState::Offered], "offered", BlankState::Signed)
    }

    /// The first service begins.
    pub fn begin_service(self) -> Result<BlankState, MoveRefused> {
        self.step(&[BlankState::Signed], "signed", BlankState::InService)
    }

    /// The last service has ended.
    pub fn complete(self) -> Result<BlankState, MoveRefused> {
        self.step(&[BlankState::InService], "in_service", BlankState::Completed)
    }

    /// It is ended before its time [003 §10].
    pub fn terminate(self) -> Result<BlankState, MoveRefused> {
        self.step(
            &[BlankState::Signed, BlankState::InService],
            "signed or in_service",
            BlankState::Terminated,
        )
    }

    /// It is given up before it was signed.
    pub fn cancel(self) -> Result<BlankState, MoveRefused> {
        self.step(
            &[BlankState::Draft, BlankState::Offered],
            "draft or offered",
            BlankState::Cancelled,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Move = fn(BlankState) -> Result<BlankState, MoveRefused>;

    #[test]
    fn only_the_moves_of_the_book_are_possible() {
        use BlankState::*;
        let moves: [(&str, Move, &[BlankState], BlankState); 7] = [
            ("change", BlankState::change, &[Draft], Draft),
            ("offer", BlankState::offer, &[Draft], Offered),
            ("sign", BlankState::sign, &[Offered], Signed),
            ("begin_service", BlankState::begin_service, &[Signed], InService),
            ("complete", BlankState::complete, &[InService], Completed),
            (
                "terminate",
                BlankState::terminate,
                &[Signed, InService],
                Terminated,
            ),
            ("cancel", BlankState::cancel, &[Draft, Offered], Cancelled),
        ];
        for (name, step, from, to) in moves {
            for state in BlankState::ALL {
                match step(state) {
                    Ok(next) => assert!(
                        from.contains(&state) && next == to,
                        "{name} from {}",
                        state.code()
                    ),
                    Err(refused) => {
                        assert!(!from.contains(&state), "{name} from {}", state.code());
                        assert_eq!((refused.from, refused.to), (state, to));
                    }
                }
            }
        }
    }

    // orders.md §3: "Any other move is refused with the reason."
    #[test]
    fn every_refused_move_has_its_code() {
        use BlankState::*;
        let moves: [(Move, [&str; 7]); 7] = [
            // from:               draft, offered, signed, in_service, completed, terminated, cancelled
            (
                BlankState::change,
                [
                    "ok",
                    "not_draft",
                    "not_draft",
                    "not_draft",
                    "not_draft",
                    "not_draft",
                    "not_draft",
                ],
            ),
            (
                BlankState::offer,
                [
                    "ok",
                    "not_draft",
                    "not_draft",
                    "not_draft",
                    "not_draft",
                    "not_draft",
                    "not_draft",
                ],
            ),
            (
                BlankState::sign,
                [
                    "not_offered",
                    "ok",
                    "not_offered",
                    "not_offered",
                    "not_offered",
                    "not_offered",
                    "not_offered",
                ],
            ),
            (
                BlankState::begin_service,
                [
                    "not_signed",
                    "not_signed",
                    "ok",
                    "not_signed",
                    "not_signed",
                    "not_signed",
                    "not_signed",
                ],
            ),
            (
                BlankState::complete,
                [
                    "not_in_service",
                    "not_in_service",
                    "not_in_service",
                    "ok",
                    "not_in_service",
                    "not_in_service",
                    "not_in_service",
                ],
            ),
            (
                BlankState::terminate,
                [
                    "not_signed",
                    "not_signed",
                    "ok",
                    "ok",
                    "not_signed",
                    "not_signed",
                    "not_signed",
                ],
            ),
            (
                BlankState::cancel,
                [
                    "ok",
                    "ok",
                    "already_signed",
                    "already_signed",
                    "already_signed",
                    "already_signed",
                    "already_cancelled",
                ],
            ),
        ];
        assert_eq!(
            BlankState::ALL,
            [
                Draft, Offered, Signed, InService, Completed, Terminated, Cancelled
            ]
        );
        for (step, due) in moves {
            for (state, due) in BlankState::ALL.into_iter().zip(due) {
                let code = step(state).map_or_else(|refused| refused.code(), |_| "ok");
                assert_eq!(code.trim_start_matches("order_blank_"), due, "{}", state.code());
            }
        }
    }

    #[test]
    fn a_refused_move_says_what_is_and_what_must_be() {
        let refused = BlankState::Signed.cancel().unwrap_err();
        assert_eq!(refused.code(), "order_blank_already_signed");
        assert_eq!(
            refused.to_string(),
            "an order blank that is signed can't become cancelled: it must be draft or offered"
        );
    }

    #[test]
    fn codes_parse_back() {
        for state in BlankState::ALL {
            assert_eq!(BlankState::parse(state.code()), Some(state));
        }
        for code in ["media", "period", "additional"] {
            assert_eq!(LineKind::parse(code).unwrap().code(), code);
        }
        assert_eq!(BudgetMode::parse("monthly"), Some(BudgetMode::Monthly));
        assert_eq!(Prepayment::parse("weekly"), None);
        assert_eq!(StatisticsSource::parse("gam"), Some(StatisticsSource::Gam));
        assert_eq!(SignatureKind::parse("fax"), None);
    }

    #[test]
    fn without_vat_the_price_is_final() {
        let rate = Rate::parse("0.12").unwrap();
        assert_eq!(VatTerms::of(true, rate).rate(), rate);
        assert_eq!(VatTerms::of(false, rate).rate(), Rate::ZERO);
    }
}

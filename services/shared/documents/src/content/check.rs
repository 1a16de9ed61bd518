//! Refuses content whose figures contradict each other, before a renderer or a hash makes it look official.

use super::{
    CONTENT_VERSION, ContentKind, InvoiceContent, LINES_MAX, OrderBlankContent, PrimaryDocumentContent,
};
use namoyish_domain::money::{Money, MoneyError};

/// Why content can't be a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Written by another edition of the program.
    #[error("content version {given} is not the version {known} that this program reads")]
    UnknownVersion {
        /// Version in the content.
        given: u32,
        /// [`CONTENT_VERSION`].
        known: u32,
    },
    /// The `kind` field names another document.
    #[error("content is of kind {given:?}, not {due:?}")]
    WrongKind {
        /// Kind in the content.
        given: ContentKind,
        /// Kind that was due.
        due: ContentKind,
    },
    /// Nothing was rendered or ordered: an empty month makes no document.
    #[error("a document without lines")]
    NoLines,
    /// More lines than one document holds.
    #[error("{lines} lines are more than the {lines_max} that one document holds")]
    TooManyLines {
        /// Lines in the content.
        lines: usize,
        /// [`LINES_MAX`].
        lines_max: usize,
    },
    /// `net + vat` isn't `gross` in a line (position from 1), or in the totals (position 0).
    #[error("line {position}: net {net} and VAT {vat} don't make gross {gross}")]
    GrossDisagrees {
        /// Line, 0 for the totals.
        position: usize,
        /// Net.
        net: Money,
        /// VAT.
        vat: Money,
        /// Gross as stated.
        gross: Money,
    },
    /// The lines don't add up to the stated total.
    #[error("the lines' {field} add up to {sum}, the document states {stated}")]
    TotalDisagrees {
        /// "net" or "vat".
        field: &'static str,
        /// Sum of the lines.
        sum: Money,
        /// Total as stated.
        stated: Money,
    },
    /// VAT although the operator pays none [003 §5.3].
    #[error("VAT of {vat} on a document of an operator that pays no VAT")]
    VatWithoutPayer {
        /// VAT stated.
        vat: Money,
    },
    /// A sum that can't be negative on this document.
    #[error("{field} is negative: {sum}")]
    Negative {
        /// Field of the content.
        field: &'static str,
        /// Its value.
        sum: Money,
    },
    /// More advance used than the document's gross.
    #[error("advance used {advance_used} is more than the gross {gross}")]
    AdvanceBeyondGross {
        /// Advance used as stated.
        advance_used: Money,
        /// Gross.
        gross: Money,
    },
    /// A difference that isn't what it should be less what it was.
    #[error("line {position}: the difference is stated as {difference} and is {due}")]
    DifferenceDisagrees {
        /// Line.
        position: u32,
        /// Gross as stated.
        difference: Money,
        /// Gross as it follows.
        due: Money,
    },
    /// The balances and the rows of an act don't add up.
    #[error("the act's rows lead to a balance of {due}, the act states {stated}")]
    BalanceDisagrees {
        /// Balance as it follows; more than nothing: the customer owes.
        due: Money,
        /// Balance as stated.
        stated: Money,
    },
    /// A refund of more than is left of the advance.
    #[error("a refund of {amount} where {left} of the advance are left")]
    RefundBeyondAdvance {
        /// Refund as stated.
        amount: Money,
        /// Advance less what contracts keep.
        left: Money,
    },
    /// An additional VAT invoice without the first one, or another with one.
    #[error("an additional VAT invoice, and no other, refers to the first one")]
    ReferenceDisagrees,
    /// A sum beyond what [`Money`] holds.
    #[error(transparent)]
    Overflow(#[from] MoneyError),
}

impl ContentError {
    /// Stable name of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            ContentError::UnknownVersion { .. } => "document_unknown_version",
            ContentError::WrongKind { .. } => "document_wrong_kind",
            ContentError::NoLines => "document_no_lines",
            ContentError::TooManyLines { .. } => "document_too_many_lines",
            ContentError::GrossDisagrees { .. } => "document_gross_disagrees",
            ContentError::TotalDisagrees { .. } => "document_total_disagrees",
            ContentError::VatWithoutPayer { .. } => "document_vat_without_payer",
            ContentError::Negative { .. } => "document_negative_sum",
            ContentError::AdvanceBeyondGross { .. } => "document_advance_beyond_gross",
            ContentError::DifferenceDisagrees { .. } => "document_difference_disagrees",
            ContentError::ReferenceDisagrees => "document_reference_disagrees",
            ContentError::BalanceDisagrees { .. } => "document_balance_disagrees",
            ContentError::RefundBeyondAdvance { .. } => "document_refund_beyond_advance",
            ContentError::Overflow(_) => "document_sum_overflow",
        }
    }
}

struct Sums {
    net: Money,
    vat: Money,
    gross: Money,
}

pub(super) fn check_head(
    version: u32,
    given: ContentKind,
    due: ContentKind,
    lines: usize,
) -> Result<(), ContentError> {
    if version != CONTENT_VERSION {
        return Err(ContentError::UnknownVersion {
            given: version,
            known: CONTENT_VERSION,
        });
    }
    if given != due {
        return Err(ContentError::WrongKind { given, due });
    }
    if lines == 0 {
        return Err(ContentError::NoLines);
    }
    if lines > LINES_MAX {
        return Err(ContentError::TooManyLines {
            lines,
            lines_max: LINES_MAX,
        });
    }
    Ok(())
}

fn check_sums(vat_payer: bool, total: Sums, lines: impl Iterator<Item = Sums>) -> Result<(), ContentError> {
    let mut net = Money::ZERO;
    let mut vat = Money::ZERO;
    for (position, sums) in std::iter::once(Sums { ..total }).chain(lines).enumerate() {
        if sums.net.checked_add(sums.vat)? != sums.gross {
            return Err(ContentError::GrossDisagrees {
                position,
                net: sums.net,
                vat: sums.vat,
                gross: sums.gross,
            });
        }
        for (field, sum) in [("net", sums.net), ("vat", sums.vat)] {
            if sum.is_negative() {
                return Err(ContentError::Negative { field, sum });
            }
        }
        if !vat_payer && !sums.vat.is_zero() {
            return Err(ContentError::VatWithoutPayer { vat: sums.vat });
        }
        if position > 0 {
            net = net.checked_add(sums.net)?;
            vat = vat.checked_add(sums.vat)?;
        }
    }
    for (field, sum, stated) in [("net", net, total.net), ("vat", vat, total.vat)] {
        if sum != stated {
            return Err(ContentError::TotalDisagrees { field, sum, stated });
        }
    }
    Ok(())
}

/// Whether sums may lie below nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    /// Charges.
    NeverNegative,
    /// Differences.
    Either,
}

/// Net, VAT and gross of a document and of its lines: each adds up, and the lines make the document.
pub(super) fn check_lines(
    signed: Signed,
    total: (Money, Money, Money),
    lines: impl Iterator<Item = (Money, Money, Money)>,
) -> Result<(), ContentError> {
    let mut sums = (Money::ZERO, Money::ZERO);
    for (position, (net, vat, gross)) in std::iter::once(total).chain(lines).enumerate() {
        if net.checked_add(vat)? != gross {
            return Err(ContentError::GrossDisagrees {
                position,
                net,
                vat,
                gross,
            });
        }
        for (field, sum) in [("net", net), ("vat", vat)] {
            if signed == Signed::NeverNegative && sum.is_negative() {
                return Err(ContentError::Negative { field, sum });
            }
        }
        if position > 0 {
            sums = (sums.0.checked_add(net)?, sums.1.checked_add(vat)?);
        }
    }
    for (field, sum, stated) in [("net", sums.0, total.0), ("vat", sums.1, total.1)] {
        if sum != stated {
            return Err(ContentError::TotalDisagrees { field, sum, stated });
        }
    }
    Ok(())
}

macro_rules! sums {
    ($of:expr) => {
        Sums {
            net: $of.net,
            vat: $of.vat,
            gross: $of.gross,
        }
    };
}

impl PrimaryDocumentContent {
    /// Refuses contradictions; every renderer calls it, and so should whoever issues the document.
    pub fn check(&self) -> Result<(), ContentError> {
        check_head(
            self.version,
            self.kind,
            ContentKind::PrimaryDocument,
            self.lines.len(),
        )?;
        check_sums(
            self.vat_payer,
            sums!(self),
            self.lines.iter().map(|line| sums!(line)),
        )?;
        for (field, sum) in [
            ("advance_used", self.advance_used),
            ("receivable_left", self.receivable_left),
            ("advance_left", self.advance_left),
        ] {
            if sum.is_negative() {
                return Err(ContentError::Negative { field, sum });
            }
        }
        if self.advance_used > self.gross {
            return Err(ContentError::AdvanceBeyondGross {
                advance_used: self.advance_used,
                gross: self.gross,
            });
        }
        Ok(())
    }
}

impl InvoiceContent {
    /// Refuses contradictions; every renderer calls it.
    pub fn check(&self) -> Result<(), ContentError> {
        check_head(self.version, self.kind, ContentKind::Invoice, self.lines.len())?;
        check_sums(
            self.vat_payer,
            sums!(self),
            self.lines.iter().map(|line| sums!(line)),
        )
    }
}

impl OrderBlankContent {
    /// Refuses contradictions; every renderer calls it.
    pub fn check(&self) -> Result<(), ContentError> {
        check_head(self.version, self.kind, ContentKind::OrderBlank, self.lines.len())?;
        check_sums(
            self.vat_payer,
            sums!(self),
            self.lines.iter().map(|line| sums!(line)),
        )
    }
}

//! Typed ids: one registry, so that two ids of different kinds can't be swapped.
//!
//! Every id is a UUIDv7 made by the caller from its clock and generator (`runtime::ids`); the text form carries a
//! prefix ("ob_018f…"), which makes a wrong id in a URL or a log visible at once.

use std::fmt;
use uuid::Uuid;

/// Why a text isn't an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}_<32 hex digits>")]
pub struct IdError {
    /// The prefix that was due.
    pub prefix: &'static str,
    /// What was given (cut to 64 characters).
    pub text: String,
}

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the text form.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID that the caller made or read.
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, for the database.
            pub fn uuid(self) -> Uuid {
                self.0
            }

            /// Parses the text form.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let refuse = || IdError { prefix: $prefix, text: text.chars().take(64).collect() };
                let hex = text.strip_prefix(concat!($prefix, "_")).ok_or_else(refuse)?;
                if hex.len() != 32 {
                    return Err(refuse());
                }
                Uuid::try_parse(hex).map(Self).map_err(|_| refuse())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }
    )*};
}

typed_id! {
    /// A customer (the advertiser).
    CustomerId = "cus";
    /// An app: a directory, site, web app, navigator or partner inventory.
    AppId = "app";
    /// A placement in an app.
    PlacementId = "pl";
    /// A price list.
    PriceListId = "prl";
    /// An item of a price list.
    PriceListItemId = "pri";
    /// An order blank.
    OrderBlankId = "ob";
    /// A line of an order blank.
    LineId = "ln";
    /// A version of an ad material.
    AdMaterialId = "mat";
    /// A copy of a licence or certificate of an ad material.
    MaterialDocumentId = "md";
    /// An extra period of a media line.
    ExtraPeriodId = "xp";
    /// A request of more budget.
    BudgetIncreaseId = "bi";
    /// An invoice (a request for payment).
    InvoiceId = "inv";
    /// A payment received.
    PaymentId = "pay";
    /// A posting of the ledger.
    PostingId = "pst";
    /// An issued document.
    DocumentId = "doc";
    /// A user of the cabinet or of the back office.
    UserId = "usr";
    /// An API client's key.
    ApiKeyId = "key";
    /// A sealed segment of a node's journal.
    SegmentId = "seg";
    /// A refund that a customer asked for.
    RefundId = "rf";
    /// A message in the mail outbox.
    MailId = "ml";
    /// A notice of termination.
    NoticeOfTerminationId = "te";
    /// A proposal to end a contract by agreement.
    TerminationProposalId = "tp";
    /// Force majeure.
    ForceMajeureId = "fm";
    /// An outage of a placement.
    OutageId = "out";
    /// A claim of lost access.
    LostAccessClaimId = "lac";
    /// An amendment of a signed order blank.
    AmendmentId = "am";
    /// A notice to a customer.
    NoticeId = "nt";
    /// An annex of the price list: its price groups.
    PriceAnnexId = "pra";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = CustomerId::from_uuid(Uuid::from_u128(7));
        assert_eq!(CustomerId::parse(&id.to_string()).unwrap(), id);
        assert!(LineId::parse(&id.to_string()).is_err());
        for text in ["", "cus_", "cus_xyz", "cus_00000000-0000-0000-0000-000000000007"] {
            assert!(CustomerId::parse(text).is_err(), "{text}");
        }
    }
}

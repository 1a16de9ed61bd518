//! Which message says a stable code: states, kinds, reasons, refusals.
//!
//! Every code that a page may have to say is in one of these tables, and [`coded_keys`] lists their messages for the
//! translation tests. A code that is in no table (a newer program wrote it) is shown as it is.

use crate::i18n::Translator;

/// States of an order blank (orders.md §3).
const BLANK_STATES: &[&str] = &[
    "draft",
    "offered",
    "signed",
    "in_service",
    "completed",
    "terminated",
    "cancelled",
];
/// Reasons for which a line isn't shown (orders.md §5).
const NOT_RUNNING: &[&str] = &[
    "not_signed",
    "term_not_begun",
    "term_over",
    "invoice_unpaid",
    "no_approved_material",
    "customer_suspended",
    "consent_withdrawn",
    "paused",
    "terminated",
    "budget_exhausted",
];
/// States of an ad material (orders.md §4).
const MATERIAL_STATES: &[&str] = &[
    "submitted",
    "in_review",
    "approved",
    "rejected",
    "documents_required",
    "documents_overdue",
    "withdrawn",
];
/// Kinds of lines.
const LINE_KINDS: &[&str] = &["media", "period", "additional"];
/// Kinds of documents.
const DOCUMENT_KINDS: &[&str] = &[
    "primary_document",
    "vat_invoice",
    "correction",
    "reconciliation_act",
    "penalty_claim",
    "refund",
];
/// States of a document (billing.md §5).
const DOCUMENT_STATES: &[&str] = &["issued", "sent", "accepted", "disputed", "corrected", "upheld"];
/// Ways of paying.
const PAYMENT_METHODS: &[&str] = &["bank", "cash", "click", "payme"];
/// How an extra period ended.
const EXTRA_ENDINGS: &[&str] = &["expired", "switched_off", "exhausted"];
/// Messages shown once after a form was accepted.
const FLASHES: &[&str] = &["extra-period-set", "extra-period-ended", "signed-out"];

const TABLES: &[(&str, &[&str])] = &[
    ("blank-state", BLANK_STATES),
    ("not-running", NOT_RUNNING),
    ("material-state", MATERIAL_STATES),
    ("line-kind", LINE_KINDS),
    ("document-kind", DOCUMENT_KINDS),
    ("document-state", DOCUMENT_STATES),
    ("payment-method", PAYMENT_METHODS),
    ("extra-ended", EXTRA_ENDINGS),
    ("flash", FLASHES),
];

/// The keys of all messages that say a code.
pub fn coded_keys() -> Vec<String> {
    TABLES
        .iter()
        .flat_map(|(prefix, codes)| codes.iter().map(move |code| key_of(prefix, code)))
        .chain(super::line::CHANGES.iter().map(|kind| key_of("change", kind)))
        .chain(super::line::REASONS.iter().map(|reason| key_of("reason", reason)))
        .collect()
}

fn key_of(prefix: &str, code: &str) -> String {
    format!("{prefix}-{}", code.replace('_', "-"))
}

/// What a code means, in the reader's words.
pub(super) fn say(t: Translator, prefix: &str, code: &str) -> String {
    let key = key_of(prefix, code);
    if t.has(&key) { t.get(&key) } else { code.to_owned() }
}

/// The key of a message shown once, when the code is one of ours: a cookie could hold anything.
pub(super) fn flash_key(code: &str) -> Option<&'static str> {
    match code {
        "extra-period-set" => Some("flash-extra-period-set"),
        "extra-period-ended" => Some("flash-extra-period-ended"),
        "signed-out" => Some("flash-signed-out"),
        _ => None,
    }
}

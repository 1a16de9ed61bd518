//! Which message says a stable code: states, kinds, reasons, refusals.
//!
//! Every code that a page may have to say is in one of these tables, and [`coded_keys`] lists their messages for the
//! translation tests. A code that is in no table (a newer program wrote it) is shown as it is.

use crate::i18n::{Translator, text};

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
    "no_material",
    "material_in_review",
    "material_rejected",
    "material_withdrawn",
    "documents_required",
    "documents_overdue",
    "licence_expired",
    "licence_revoked",
    "awaiting_amendment",
    "material_not_live_yet",
    "customer_suspended",
    "consent_withdrawn",
    "paused",
    "force_majeure",
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
/// Kinds of copies that belong to a material (orders.md §4).
pub(super) const LICENCE_KINDS: &[&str] = &[
    "licence",
    "certificate",
    "permit",
    "declaration",
    "consent",
    "other",
];
/// Why a material or a copy of a licence isn't taken; what isn't here is told by the field's own words.
const MATERIAL_REFUSALS: &[&str] = &[
    "missing",
    "too_long",
    "control_character",
    "bad_target_url",
    "file_of_another_type",
    "active_content",
    "data_after_image",
    "image_is_animated",
    "file_is_broken",
    "file_too_heavy",
    "image_of_wrong_size",
    "file_missing",
    "file_not_expected",
    "body_missing",
    "body_not_expected",
    "material_of_another_kind",
    "line_takes_no_material",
    "order_blank_not_in_force",
    "line_over",
    "material_too_late",
    "too_many_versions",
    "material_closed",
    "document_expired",
    "expiry_out_of_range",
    "issue_date_out_of_range",
    "document_lasts_no_longer",
    "no_document_to_replace",
    "too_many_documents",
    "document_already_revoked",
    "document_replaced",
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
const FLASHES: &[&str] = &[
    "extra-period-set",
    "extra-period-ended",
    "budget-increased",
    "budget-invoiced",
    "budget-asked",
    "refund-requested",
    "refund-cancelled",
    "material-submitted",
    "document-attached",
    "document-revoked",
    "code-sent",
    "order-signed",
    "order-declined",
    "amendment-signed",
    "amendment-declined",
    "termination-noticed",
    "termination-proposed",
    "line-paused",
    "line-resumed",
    "signed-out",
];
/// States of an amendment (orders.md §6).
const AMENDMENT_STATES: &[&str] = &["draft", "offered", "signed", "cancelled"];
/// What an amendment changes.
const AMENDED_FIELDS: &[&str] = &[
    "unit_price",
    "first_day",
    "last_day",
    "budget",
    "quantity",
    "placements",
    "regions",
    "rubrics",
    "search_phrases",
    "schedule",
    "frequency_cap",
];
/// Why a blank or an amendment isn't signed.
const SIGN_REFUSALS: &[&str] = &[
    "signing_code_expired",
    "signing_code_attempts",
    "signing_code_wrong",
    "signing_code_too_often",
    "terms_changed",
    "order_blank_not_offered",
    "order_blank_already_signed",
    "order_blank_already_cancelled",
    "order_blank_terminated",
    "order_blank_completed",
    "due_before_signing",
    "own_term_before_signing",
    "amendment_already_signed",
    "amendment_cancelled",
    "line_has_ended",
    "term_in_the_past",
    "budget_below_spent",
    "price_after_first_impression",
    "price_after_begin",
    "extra_period_is_set",
];
/// Grounds of a notice that a customer gives (orders.md §8).
const TERMINATION_GROUNDS: &[&str] = &["ordinary", "agreement", "corruption"];
/// Why a contract isn't ended (orders.md §8).
const TERMINATION_REFUSALS: &[&str] = &[
    "termination_too_early",
    "termination_no_lines",
    "termination_already_over",
    "termination_ends_already",
    "termination_ends_by_itself",
    "order_blank_not_in_force",
    "missing",
];
/// States of a refund (billing.md §8).
const REFUND_STATES: &[&str] = &["requested", "fixed", "paid", "cancelled", "refused"];
/// Why no refund is given (billing.md §8).
const REFUND_REFUSALS: &[&str] = &[
    "customer_has_debt",
    "nothing_to_refund",
    "no_settlement_account",
    "refund_already_requested",
];
/// What became of a request of more budget (orders.md §6).
const INCREASE_STATES: &[&str] = &["pending", "in_force", "lapsed"];

const TABLES: &[(&str, &[&str])] = &[
    ("blank-state", BLANK_STATES),
    ("not-running", NOT_RUNNING),
    ("material-state", MATERIAL_STATES),
    ("licence-kind", LICENCE_KINDS),
    ("material-refused", MATERIAL_REFUSALS),
    ("line-kind", LINE_KINDS),
    ("document-kind", DOCUMENT_KINDS),
    ("document-state", DOCUMENT_STATES),
    ("payment-method", PAYMENT_METHODS),
    ("extra-ended", EXTRA_ENDINGS),
    ("increase-state", INCREASE_STATES),
    ("termination-ground", TERMINATION_GROUNDS),
    ("termination-refused", TERMINATION_REFUSALS),
    ("refund-state", REFUND_STATES),
    ("refund-refused", REFUND_REFUSALS),
    ("flash", FLASHES),
    ("amendment-state", AMENDMENT_STATES),
    ("amended-field", AMENDED_FIELDS),
    ("sign-refused", SIGN_REFUSALS),
];

/// The keys of all messages that say a code.
pub fn coded_keys() -> Vec<String> {
    TABLES
        .iter()
        .flat_map(|(prefix, codes)| codes.iter().map(move |code| key_of(prefix, code)))
        .chain(super::line::CHANGES.iter().map(|kind| key_of("change", kind)))
        .collect()
}

fn key_of(prefix: &str, code: &str) -> String {
    format!("{prefix}-{}", code.replace('_', "-"))
}

/// What a code means, in the reader's words.
pub(crate) fn say(t: Translator, prefix: &str, code: &str) -> String {
    let key = key_of(prefix, code);
    if t.has(&key) { t.get(&key) } else { code.to_owned() }
}

/// A refusal in the reader's words, when its table knows it. [`Translator::has`] doesn't see messages that want a value.
pub(super) fn refusal(t: Translator, prefix: &str, code: &str, limit: &str) -> Option<String> {
    let is_known = TABLES
        .iter()
        .any(|(table, codes)| *table == prefix && codes.contains(&code));
    is_known.then(|| t.with(&key_of(prefix, code), &[("limit", text(limit.to_owned()))]))
}

/// A refusal of a material or its documents in the reader's words.
pub(super) fn refused(t: Translator, code: &str, limit: &str) -> String {
    refusal(t, "material-refused", code, limit).unwrap_or_else(|| code.to_owned())
}

/// The key of a message shown once, when the code is one of ours: a cookie could hold anything.
pub(super) fn flash_key(code: &str) -> Option<&'static str> {
    match code {
        "extra-period-set" => Some("flash-extra-period-set"),
        "extra-period-ended" => Some("flash-extra-period-ended"),
        "code-sent" => Some("flash-code-sent"),
        "order-signed" => Some("flash-order-signed"),
        "order-declined" => Some("flash-order-declined"),
        "amendment-signed" => Some("flash-amendment-signed"),
        "amendment-declined" => Some("flash-amendment-declined"),
        "budget-increased" => Some("flash-budget-increased"),
        "budget-invoiced" => Some("flash-budget-invoiced"),
        "budget-asked" => Some("flash-budget-asked"),
        "refund-requested" => Some("flash-refund-requested"),
        "refund-cancelled" => Some("flash-refund-cancelled"),
        "material-submitted" => Some("flash-material-submitted"),
        "objection-made" => Some("flash-objection-made"),
        "document-attached" => Some("flash-document-attached"),
        "document-revoked" => Some("flash-document-revoked"),
        "termination-noticed" => Some("flash-termination-noticed"),
        "termination-proposed" => Some("flash-termination-proposed"),
        "line-paused" => Some("flash-line-paused"),
        "line-resumed" => Some("flash-line-resumed"),
        "signed-out" => Some("flash-signed-out"),
        _ => None,
    }
}

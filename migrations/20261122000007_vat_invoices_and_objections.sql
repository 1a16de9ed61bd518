-- What follows a primary document (billing.md §5–§6): VAT invoices and correcting documents that refer to it, objections and
-- the operator's decisions on them, paper copies handed over, claims and waivers of late penalty, and what payments pay of
-- claims. All of it is append-only: an act of the accountant is a row, never a change of an issued document.

create table document_references (
    document_id uuid primary key references documents (id),
    refers_to   uuid not null references documents (id),
    relation    text not null check (relation in ('vat_invoice_of', 'corrects')),
    constraint a_document_refers_to_another check (document_id <> refers_to)
);
comment on table document_references is
    'vat_invoice_of: the VAT invoice of a primary document, or the additional one of a correction. corrects: a correction of a primary document.';
create unique index one_vat_invoice_of_a_document on document_references (refers_to) where relation = 'vat_invoice_of';
create index document_references_back on document_references (refers_to, relation);

create table objections (
    document_id uuid primary key references documents (id),
    objected_on date not null,
    objected_at timestamptz not null,
    objected_by text not null,
    -- whether the operator recorded what the customer handed in on paper
    on_paper    boolean not null,
    reasons     text not null check (reasons <> '')
);

create table objection_decisions (
    document_id   uuid primary key references objections (document_id),
    decided_on    date not null,
    decided_at    timestamptz not null,
    decided_by    text not null,
    upheld        boolean not null,
    reasons       text not null check (reasons <> ''),
    correction_id uuid references documents (id),
    constraint an_upheld_objection_has_its_correction check (upheld = (correction_id is not null))
);

create table paper_copies (
    document_id    uuid primary key references documents (id),
    handed_over_on date not null,
    handed_over_to text not null check (handed_over_to <> ''),
    recorded_at    timestamptz not null,
    recorded_by    text not null
);

-- What the e-invoice operator is to get. The text is kept as it was handed out; a folder, where one is set, holds the same.
create table vat_invoice_exports (
    document_id uuid primary key references documents (id),
    exported_on date not null,
    exported_at timestamptz not null,
    file_name   text not null constraint vat_invoice_file_is_unique unique,
    payload     text not null,
    sha256      text not null
);

create table penalty_claims (
    document_id   uuid primary key references documents (id),
    invoice_id    uuid not null references invoices (id),
    customer_id   uuid not null references customers (id),
    amount        numeric(18,2) not null check (amount > 0),
    first_day     date not null,
    -- the last day of delay that the sum covers
    through       date not null,
    due_on        date not null,
    claimed_at    timestamptz not null,
    claimed_by    text not null,
    constraint a_claim_covers_days check (first_day <= through)
);
create index penalty_claims_of_invoice on penalty_claims (invoice_id, through);
create index penalty_claims_of_customer on penalty_claims (customer_id, due_on);

create table penalty_waivers (
    id         bigint generated always as identity primary key,
    invoice_id uuid not null references invoices (id),
    -- days of delay up to this one are claimed no more
    through    date not null,
    amount     numeric(18,2) not null check (amount >= 0),
    reason     text not null check (reason <> ''),
    waived_at  timestamptz not null,
    waived_by  text not null
);
create index penalty_waivers_of_invoice on penalty_waivers (invoice_id, through);

create table penalty_allocations (
    payment_id   uuid not null references payments (id),
    claim_id     uuid not null references penalty_claims (document_id),
    allocated_on date not null,
    amount       numeric(18,2) not null check (amount > 0),
    primary key (payment_id, claim_id)
);
create index penalty_allocations_of_claim on penalty_allocations (claim_id);

create trigger append_only before update or delete on document_references for each row execute function refuse_change();
create trigger append_only before update or delete on objections for each row execute function refuse_change();
create trigger append_only before update or delete on objection_decisions for each row execute function refuse_change();
create trigger append_only before update or delete on paper_copies for each row execute function refuse_change();
create trigger append_only before update or delete on vat_invoice_exports for each row execute function refuse_change();
create trigger append_only before update or delete on penalty_claims for each row execute function refuse_change();
create trigger append_only before update or delete on penalty_waivers for each row execute function refuse_change();
create trigger append_only before update or delete on penalty_allocations for each row execute function refuse_change();

-- Moderation in full (orders.md §4): the dated checklist that moderators choose from, copies of licences and certificates
-- with their expiry, papers that come late, a second advertised subject, and materials that nothing can change.

-- The checklist (uzbekistan.md §8). An item is never rewritten: it is ended, and another one with its code begins. A
-- decision keeps codes; their texts are those that were in force on its day.
create table moderation_checklist (
    id           bigint generated always as identity primary key,
    code         text not null check (code ~ '^[a-z][a-z0-9_]{1,39}$'),
    valid_from   date not null,
    -- last day; null while no end is known
    valid_to     date,
    name_uz      text not null check (name_uz <> ''),
    name_uz_cyrl text not null check (name_uz_cyrl <> ''),
    name_ru      text not null check (name_ru <> ''),
    name_en      text not null check (name_en <> ''),
    basis        text not null check (basis <> ''),
    verdicts     text[] not null check (cardinality(verdicts) > 0 and verdicts <@ array['reject', 'require_documents', 'withdraw']),
    added_at     timestamptz not null,
    added_by     text not null,
    ended_at     timestamptz,
    ended_by     text,
    constraint checklist_item_begins_once unique (code, valid_from),
    constraint checklist_item_is_not_empty check (valid_from <= valid_to),
    constraint checklist_item_ends_whole check ((valid_to is null) = (ended_at is null) and (valid_to is null) = (ended_by is null))
);
create unique index one_open_checklist_item on moderation_checklist (code) where valid_to is null;

-- The only change of an item is its end, once.
create function refuse_change_of_checklist() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.valid_to is null and new.valid_to is not null
        and to_jsonb(new) - 'valid_to' - 'ended_at' - 'ended_by' = to_jsonb(old) - 'valid_to' - 'ended_at' - 'ended_by' then
        return new;
    end if;
    raise exception 'an item of the checklist is only ended' using errcode = 'integrity_constraint_violation', constraint = 'append_only';
end $$;
create trigger append_only before update or delete on moderation_checklist
    for each row execute function refuse_change_of_checklist();
create trigger never_truncate before truncate on moderation_checklist for each statement execute function refuse_change();

-- The law's items count from the month in which it came into force, those of the offer from the earliest contracts.
insert into moderation_checklist (code, valid_from, name_uz, name_uz_cyrl, name_ru, name_en, basis, verdicts, added_at, added_by) values
('language', '2022-09-01', 'Davlat tilidagi matn yoʻq yoki tarjima undan yirik (40 foizdan koʻp joy, kattaroq harflar, boshqa maʼno).',
    'Давлат тилидаги матн йўқ ёки таржима ундан йирик (40 фоиздан кўп жой, каттароқ ҳарфлар, бошқа маъно).',
    'Нет текста на государственном языке, или перевод крупнее него (более 40 % площади, буквы больше, смысл другой).',
    'There is no text in the state language, or its translation is larger than it (over 40 % of the area, larger letters, another meaning).',
    'ORQ-776 07.06.2022', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('foreign_currency', '2022-09-01', 'Narx yoki tarif chet el valyutasida koʻrsatilgan.', 'Нарх ёки тариф чет эл валютасида кўрсатилган.',
    'Цена или тариф указаны в иностранной валюте.', 'A price or tariff is in a foreign currency.',
    'ORQ-776 07.06.2022', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('age_class', '2022-09-01', 'Axborot mahsulotining (film, oʻyin, sayt) yosh toifasi koʻrsatilmagan.', 'Ахборот маҳсулотининг (фильм, ўйин, сайт) ёш тоифаси кўрсатилмаган.',
    'Не указана возрастная категория информационной продукции (фильма, игры, сайта).', 'The age class of the information product (film, game, site) is missing.',
    'ORQ-776 07.06.2022', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('forbidden_goods', '2022-09-01', 'Bu tovar yoki xizmatni reklama qilish taqiqlangan (ona suti oʻrnini bosuvchilar, tamaki, qimor va tikish, retsept bilan beriladigan va giyohvandlik vositalari, darsliklarda tovar reklamasi).',
    'Бу товар ёки хизматни реклама қилиш тақиқланган (она сути ўрнини босувчилар, тамаки, қимор ва тикиш, рецепт билан бериладиган ва гиёҳвандлик воситалари, дарсликларда товар рекламаси).',
    'Рекламировать эти товары или услуги запрещено (заменители грудного молока, табак, азартные игры и ставки, рецептурные и наркотические средства, реклама товаров в учебниках).',
    'These goods or services must not be advertised (breast-milk substitutes, tobacco, gambling and betting, prescription and narcotic drugs, goods in school books).',
    'ORQ-776 07.06.2022, 46-modda', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('morals', '2022-09-01', 'Mazmuni axloqqa yoki oilaviy anʼanalarga zid, haqoratli yoki chalgʻituvchi.', 'Мазмуни ахлоққа ёки оилавий анъаналарга зид, ҳақоратли ёки чалғитувчи.',
    'Содержание противоречит нравственности или семейным традициям, оскорбляет или вводит в заблуждение.', 'The content is against morals or family traditions, insulting or misleading.',
    'ORQ-776 07.06.2022', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('alcohol', '2022-09-01', 'Alkogol unga ruxsat berilmagan joyda reklama qilingan.', 'Алкоголь унга рухсат берилмаган жойда реклама қилинган.',
    'Алкоголь рекламируется в месте, для которого это не разрешено.', 'Alcohol is advertised in a place that is not marked as allowed for it.',
    'ORQ-776 07.06.2022', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('energy_drinks', '2022-09-01', 'Energetik ichimlik reklamasida sportchilar yoki voyaga yetmaganlarga bepul namunalar bor.', 'Энергетик ичимлик рекламасида спортчилар ёки вояга етмаганларга бепул намуналар бор.',
    'В рекламе энергетического напитка показаны спортсмены или бесплатные образцы несовершеннолетним.', 'The advertisement of an energy drink shows athletes or free samples for minors.',
    'ORQ-776 07.06.2022', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('medicines', '2022-09-01', 'Dori reklamasida mashhur shaxslar, tibbiyot xodimlari yoki ularga oʻxshatilganlar qatnashgan.', 'Дори рекламасида машҳур шахслар, тиббиёт ходимлари ёки уларга ўхшатилганлар қатнашган.',
    'В рекламе лекарства участвуют известные лица, медики или похожие на них.', 'The advertisement of a medicine shows celebrities, medics or people who look like them.',
    'ORQ-776 07.06.2022', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('minors', '2022-09-01', 'Reklama voyaga yetmaganlarni xavfga undaydi, ota-onaga hurmatsizlik yoki ularga taqiqlangan narsani koʻrsatadi.', 'Реклама вояга етмаганларни хавфга ундайди, ота-онага ҳурматсизлик ёки уларга тақиқланган нарсани кўрсатади.',
    'Реклама подталкивает несовершеннолетних к опасности, показывает неуважение к родителям или запрещённое детям.', 'The advertisement shows minors danger, disrespect of parents, or what is forbidden to them.',
    'ORQ-776 07.06.2022, 17-modda', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('direct_messages', '2022-09-01', 'Elektron pochta yoki telefon orqali reklama oluvchining roziligisiz yoki rad etish imkonisiz tarqatiladi.', 'Электрон почта ёки телефон орқали реклама олувчининг розилигисиз ёки рад этиш имконисиз тарқатилади.',
    'Реклама по почте или телефону рассылается без согласия получателя или без возможности отказаться.', 'Advertising by e-mail or telephone goes out without the receiver''s consent or without a way to stop it.',
    'ORQ-776 07.06.2022, 30-modda', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('licence_missing', '2022-09-01', 'Litsenziya yoki sertifikat nusxasi kerak.', 'Лицензия ёки сертификат нусхаси керак.',
    'Нужна копия лицензии или сертификата.', 'A copy of the licence or certificate is needed.',
    'ORQ-776 07.06.2022; 003 §3.5', '{reject,require_documents,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('special_wording', '2022-09-01', 'Majburiy ogohlantirish matni yoʻq (parhez qoʻshimchalari, kredit va omonatlar, qimmatli qogʻozlar, qurilayotgan uy-joy).',
    'Мажбурий огоҳлантириш матни йўқ (парҳез қўшимчалари, кредит ва омонатлар, қимматли қоғозлар, қурилаётган уй-жой).',
    'Нет обязательной оговорки (БАДы, кредиты и вклады, ценные бумаги, строящееся жильё).', 'The compulsory wording is missing (dietary supplements, loans and deposits, securities, real estate under construction).',
    'ORQ-776 07.06.2022', '{reject,require_documents,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('rights_missing', '2020-01-01', 'Shaxs tasviri, musiqa, shrift yoki fotosuratga huquq tasdiqlanmagan.', 'Шахс тасвири, мусиқа, шрифт ёки фотосуратга ҳуқуқ тасдиқланмаган.',
    'Не подтверждены права на изображение человека, музыку, шрифт или фотографию.', 'The right to a person''s image, music, font or photograph is not shown.',
    '003 §6.3.4', '{reject,require_documents,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('rules_requirements', '2020-01-01', 'Material qoidalar yoki joylashtirish talablariga mos emas.', 'Материал қоидалар ёки жойлаштириш талабларига мос эмас.',
    'Материал не отвечает правилам или требованиям к размещению.', 'The material does not meet the rules or the requirements of its placement.',
    '003 §3.3, §3.5', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('untrue_content', '2020-01-01', 'Mazmuni haqiqatga toʻgʻri kelmaydi yoki tasdiqlanmagan.', 'Мазмуни ҳақиқатга тўғри келмайди ёки тасдиқланмаган.',
    'Содержание недостоверно или не подтверждено.', 'The content is not true or can''t be proved.',
    '003 §3.5, §4.3.5', '{reject,require_documents,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('wrong_contacts', '2020-01-01', 'Manzil yoki telefon notoʻgʻri.', 'Манзил ёки телефон нотўғри.',
    'Неверный адрес или телефон.', 'The address or the telephone is wrong.',
    '003 §3.5', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('site_mismatch', '2020-01-01', 'Sayt ochilmaydi yoki boshqa narsa haqida.', 'Сайт очилмайди ёки бошқа нарса ҳақида.',
    'Сайт не открывается или посвящён другому.', 'The site does not open or is about something else.',
    '003 §3.5', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('documents_mismatch', '2020-01-01', 'Taqdim etilgan hujjatlar haqiqiy emas yoki reklama qilinayotgan narsaga mos emas.', 'Тақдим этилган ҳужжатлар ҳақиқий эмас ёки реклама қилинаётган нарсага мос эмас.',
    'Представленные документы недействительны или не относятся к рекламируемому.', 'The documents handed in are not genuine or do not cover what is advertised.',
    '003 §3.5, §3.8', '{reject,require_documents,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('second_subject', '2020-01-01', 'Ikkinchi predmet kelishuvsiz reklama qilingan.', 'Иккинчи предмет келишувсиз реклама қилинган.',
    'Без согласования рекламируется второй предмет.', 'A second subject is advertised without agreement.',
    '003 §6.5', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('quality', '2020-01-01', 'Tasvir xira, kesilgan yoki oʻqib boʻlmaydi.', 'Тасвир хира, кесилган ёки ўқиб бўлмайди.',
    'Изображение размыто, обрезано или нечитаемо.', 'The image is blurred, cut off or unreadable.',
    '003 §3.3', '{reject,withdraw}', '2026-11-22T00:00:00Z', 'shipped'),
('other', '2020-01-01', 'Boshqa sabab, izohda aytilgan.', 'Бошқа сабаб, изоҳда айтилган.',
    'Другая причина, она названа в комментарии.', 'Another reason, told in the comment.',
    '003 §3.5', '{reject,require_documents,withdraw}', '2026-11-22T00:00:00Z', 'shipped');

-- Papers that don't come in time, and approval that goes on while they are waited for: a material that was approved when it
-- was looked at again [003 §3.5 "at any time"] runs until the papers are overdue or a moderator has decided.
alter table moderation_decisions drop constraint moderation_decisions_state_check;
alter table moderation_decisions add constraint moderation_decisions_state_check check (state in (
    'submitted', 'in_review', 'approved', 'rejected', 'documents_required', 'documents_overdue', 'withdrawn'));
alter table moderation_decisions add column runs_on boolean not null default false
    constraint only_open_states_run_on check (not runs_on or state in ('in_review', 'documents_required'));
create trigger never_truncate before truncate on moderation_decisions for each statement execute function refuse_change();

-- The first day of a first material whose papers came after it: the newest row counts, `ad_materials.live_from` without one.
create table material_starts (
    id          bigint generated always as identity primary key,
    material_id uuid not null references ad_materials (id),
    live_from   date not null,
    set_at      timestamptz not null
);
create index material_starts_of_material on material_starts (material_id, id desc);

create table material_documents (
    id          uuid primary key,
    material_id uuid not null references ad_materials (id),
    kind        text not null check (kind in ('licence', 'certificate', 'permit', 'declaration', 'consent', 'other')),
    number      text not null check (number <> ''),
    issuer      text not null check (issuer <> ''),
    issued_on   date,
    -- last day on which it is valid
    expires_on  date not null,
    file_sha256 text not null references files (sha256),
    -- the document whose place it takes
    replaces    uuid constraint material_document_is_replaced_once unique references material_documents (id),
    attached_at timestamptz not null,
    attached_by text not null,
    constraint material_document_lasts check (issued_on <= expires_on)
);
create index material_documents_of_material on material_documents (material_id, id);
create index material_documents_by_expiry on material_documents (expires_on);

create table material_document_revocations (
    document_id uuid primary key references material_documents (id),
    note        text not null,
    reported_at timestamptz not null,
    reported_by text not null
);

-- What the customer was told of a document's last day, once.
create table material_document_notices (
    document_id uuid not null references material_documents (id),
    kind        text not null check (kind in ('expires_soon', 'expired')),
    told_at     timestamptz not null,
    primary key (document_id, kind)
);

-- A second advertised subject [003 §6.5]: the last row says whether the material waits for its re-priced amendment.
create table material_subject_events (
    id          bigint generated always as identity primary key,
    material_id uuid not null references ad_materials (id),
    event       text not null check (event in ('flagged', 'consented')),
    -- what else is advertised, or the operator's written consent
    note        text not null check (note <> ''),
    amendment   text not null default '',
    at          timestamptz not null,
    actor       text not null,
    constraint consent_names_its_amendment check ((event = 'consented') = (amendment <> ''))
);
create index material_subject_events_of_material on material_subject_events (material_id, id desc);

-- Immutable: a change is a new version, another decision, another copy.
create trigger append_only before update or delete on ad_materials for each row execute function refuse_change();
create trigger append_only before update or delete on files for each row execute function refuse_change();
create trigger append_only before update or delete on material_starts for each row execute function refuse_change();
create trigger append_only before update or delete on material_documents for each row execute function refuse_change();
create trigger append_only before update or delete on material_document_revocations for each row execute function refuse_change();
create trigger append_only before update or delete on material_document_notices for each row execute function refuse_change();
create trigger append_only before update or delete on material_subject_events for each row execute function refuse_change();
create trigger never_truncate before truncate on ad_materials for each statement execute function refuse_change();
create trigger never_truncate before truncate on files for each statement execute function refuse_change();
create trigger never_truncate before truncate on material_documents for each statement execute function refuse_change();

-- Each version as it stands: last decision, first day, and what its papers and its subjects say. Only documents that
-- nothing has replaced count.
create view material_standings as
select m.id as material_id, m.line_id, m.version, coalesce(s.live_from, m.live_from) as live_from,
    d.state, d.runs_on, d.reasons, d.comment, d.decided_at, d.decided_by,
    exists (select 1 from moderation_decisions a where a.material_id = m.id and a.state = 'approved') as ever_approved,
    p.documents_until, coalesce(p.document_revoked, false) as document_revoked,
    coalesce(j.awaiting_amendment, false) as awaiting_amendment
from ad_materials m
left join lateral (select live_from from material_starts where material_id = m.id order by id desc limit 1) s on true
left join lateral (select * from moderation_decisions where material_id = m.id order by id desc limit 1) d on true
left join lateral (
    select min(o.expires_on) as documents_until, bool_or(r.document_id is not null) as document_revoked
    from material_documents o left join material_document_revocations r on r.document_id = o.id
    where o.material_id = m.id and not exists (select 1 from material_documents n where n.replaces = o.id)
) p on true
left join lateral (
    select event = 'flagged' as awaiting_amendment from material_subject_events where material_id = m.id order by id desc limit 1
) j on true;

//! The materials of a line: every version in its placements' frames, what the moderator said, copies of licences with their
//! expiry, and the forms that hand in a new version, a copy, or the news that a licence was revoked (cabinet.md "Materials";
//! orders.md §4).
//!
//! Reads go through `line::load`, which knows only the customer's own lines; a material or a document is shown when its line
//! is one of them. The commands check everything again under their locks; what they refuse comes back to the form.

use super::Cabinet;
use super::form::{self, Form, Once, Posted, parse_day};
use super::line::{self};
use super::page::{self, Answer, Layout, Refusal};
use super::upload::{PostedFile, Sent};
use super::visitor::{self, SignedIn};
use super::words::{self, say};
use crate::app::attach_document::{AttachDocument, attach_document_in};
use crate::app::report_document_revoked::{ReportDocumentRevoked, report_document_revoked_in};
use crate::app::submit_material::{SubmitMaterial, VERSIONS_MAX, submit_material_in};
use crate::app::{Nature, Told};
use crate::i18n::{Translator, text};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use namoyish_domain::calendar::tashkent_day;
use namoyish_domain::ids::{AdMaterialId, MaterialDocumentId};
use namoyish_domain::orders::checklist::Checklist;
use namoyish_domain::orders::deadlines::{changed_material, last_day_to_submit};
use namoyish_domain::orders::licence::{DOCUMENT_BYTES_MAX, DocumentKind, NewCopy, hand_in_by};
use namoyish_domain::orders::moderation::ModerationState;
use namoyish_domain::orders::placement::FILE_BYTES_MAX;
use namoyish_storage::cabinet::{LineRow, Names};
use namoyish_storage::material_documents::MaterialDocument;
use namoyish_storage::materials::AdMaterial;
use namoyish_storage::order_lines::OrderLine;
use namoyish_storage::placements::Placement;
use std::sync::Arc;

/// A frame of the size that a placement gives a material.
#[derive(Debug)]
struct FrameView {
    place: String,
    size: String,
}

/// A copy of a licence as the page shows it.
#[derive(Debug)]
struct DocumentView {
    id: String,
    path: String,
    kind: String,
    number: String,
    issuer: String,
    expires: String,
    /// What is wrong with it, in words; nothing while it is in force.
    problem: String,
    /// Whether another copy has taken its place.
    replaced: bool,
    may_revoke: bool,
}

/// A version as the page shows it.
#[derive(Debug)]
struct VersionView {
    id: String,
    path: String,
    version: String,
    title: String,
    body: String,
    target_url: String,
    image: bool,
    width: u32,
    height: u32,
    state: String,
    approved: bool,
    refused: bool,
    submitted: String,
    live_from: String,
    reasons: Vec<String>,
    comment: String,
    /// "Hand the papers in by 13.11.2026": nothing when none are waited for.
    papers_due: String,
    awaiting_amendment: bool,
    documents: Vec<DocumentView>,
    may_attach: bool,
    form: Form,
    form_refusal: String,
}

/// A choice of a list.
#[derive(Debug)]
struct Choice {
    code: &'static str,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "materials.html")]
struct MaterialsPage {
    t: Translator,
    layout: Layout,
    line_path: String,
    line_name: String,
    line_code: String,
    /// By when a material is due, or from when a change would run.
    deadline: String,
    requirements: Vec<String>,
    takes_image: bool,
    takes_body: bool,
    may_submit: bool,
    command_key: String,
    form: Form,
    form_refusal: String,
    frames: Vec<FrameView>,
    versions: Vec<VersionView>,
    today: String,
}

/// A form that was refused: the new version's, or that of a version's documents.
#[derive(Default)]
struct Entered {
    form: Form,
    refusal: String,
    of: Option<AdMaterialId>,
}

/// What the page shows of a line.
struct Loaded {
    row: LineRow,
    line: OrderLine,
    placements: Vec<Placement>,
    versions: Vec<(AdMaterial, Vec<MaterialDocument>)>,
    checklist: Checklist,
    due_on: Option<NaiveDate>,
    change_from: Option<NaiveDate>,
}

async fn load(cabinet: &Cabinet, who: &SignedIn, id: &str) -> Result<Loaded, Refusal> {
    let row = line::load(cabinet, who, id).await?;
    let mut tx = cabinet.ctx.store.begin().await?;
    let line = tx.order_lines().find(row.id).await?.ok_or(Refusal::NotFound)?;
    let placements = tx.placements().find_many(&line.placements).await?;
    let mut versions = Vec::new();
    for version in tx.materials().of_line(line.id, 0, VERSIONS_MAX).await? {
        let documents = tx.material_documents().of_material(version.material.id).await?;
        versions.push((version, documents));
    }
    versions.reverse();
    let checklist = tx.checklist().all().await?;
    let calendar = tx.calendar_days().calendar().await?;
    let counts = versions.iter().any(|(version, _)| version.counts_as_submitted());
    let due_on = last_day_to_submit(line.kind, line.term.first_day(), &calendar).filter(|_| !counts);
    let change_from = changed_material(line.kind, line.term, cabinet.ctx.today(), &calendar)
        .filter(|day| counts && *day <= line.term.last_day());
    Ok(Loaded {
        row,
        line,
        placements,
        versions,
        checklist,
        due_on,
        change_from,
    })
}

/// A material of this customer, or "not found".
async fn own_material(cabinet: &Cabinet, who: &SignedIn, id: &str) -> Result<AdMaterial, Refusal> {
    let id = AdMaterialId::parse(id).map_err(|_| Refusal::NotFound)?;
    let mut tx = cabinet.ctx.store.begin().await?;
    tx.materials()
        .find(id)
        .await?
        .filter(|material| material.customer == who.customer)
        .ok_or(Refusal::NotFound)
}

impl Loaded {
    fn page(
        &self,
        cabinet: &Cabinet,
        who: &SignedIn,
        mut entered: Entered,
    ) -> Result<MaterialsPage, Refusal> {
        let t = who.visitor.t;
        let line_path = format!("/cabinet/lines/{}", self.row.id);
        let in_force = self.row.facts.blank_state.is_contract();
        let today = cabinet.ctx.today();
        let goes_on = self.line.ended_on.is_none_or(|ended_on| ended_on > today);
        let may_submit = who.may_change() && in_force && goes_on && !self.placements.is_empty();
        let first = self.placements.first();
        let mut layout = Layout::new(cabinet, &who.visitor, "orders", t.get("materials-title"));
        layout.path = format!("{line_path}/materials");
        let versions = self
            .versions
            .iter()
            .map(|(version, documents)| {
                let (form, refusal) = if entered.of == Some(version.material.id) {
                    (
                        std::mem::take(&mut entered.form),
                        std::mem::take(&mut entered.refusal),
                    )
                } else {
                    (Form::default(), String::new())
                };
                self.version(t, version, documents, may_submit, today, form, refusal)
            })
            .collect();
        Ok(MaterialsPage {
            t,
            layout,
            line_path,
            line_name: t.name(&self.row.name),
            line_code: self.row.code.clone(),
            deadline: self.deadline(t),
            requirements: self
                .placements
                .iter()
                .map(|place| requirement(t, place))
                .collect(),
            takes_image: first.is_some_and(|place| place.format.kind.has_image()),
            takes_body: first.is_some_and(|place| place.format.kind.has_body()),
            may_submit,
            command_key: form::draw_key(cabinet),
            form: entered.form,
            form_refusal: entered.refusal,
            frames: self
                .placements
                .iter()
                .map(|place| FrameView {
                    place: name_of(t, place),
                    size: size_of(place),
                })
                .collect(),
            versions,
            today: today.to_string(),
        })
    }

    fn deadline(&self, t: Translator) -> String {
        match (self.due_on, self.change_from) {
            (Some(day), _) => t.with("materials-due", &[("day", text(t.date(day)))]),
            (None, Some(day)) => t.with("materials-change-from", &[("day", text(t.date(day)))]),
            (None, None) => t.get("materials-change-too-late"),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a view is made of everything that the page knows"
    )]
    fn version(
        &self,
        t: Translator,
        version: &AdMaterial,
        documents: &[MaterialDocument],
        may_change: bool,
        today: NaiveDate,
        form: Form,
        form_refusal: String,
    ) -> VersionView {
        let own = &version.material;
        let state = version.decision.state;
        let decided_on = tashkent_day(version.decision.decided_at);
        let closed = matches!(state, ModerationState::Rejected | ModerationState::Withdrawn);
        VersionView {
            id: own.id.to_string(),
            path: format!("/cabinet/materials/{}", own.id),
            version: own.version.to_string(),
            title: own.title.clone(),
            body: own.body.clone(),
            target_url: own.target_url.clone(),
            image: own.file_sha256.is_some(),
            width: own.width,
            height: own.height,
            state: say(t, "material-state", state.code()),
            approved: state == ModerationState::Approved,
            refused: closed || state.waits_for_customer(),
            submitted: format!("{}, {}", t.instant(own.submitted_at), own.submitted_by),
            live_from: t.date(own.live_from),
            reasons: version
                .decision
                .reasons
                .iter()
                .map(|reason| {
                    self.checklist
                        .text(reason.code(), decided_on, t.code())
                        .to_owned()
                })
                .collect(),
            comment: version.decision.comment.clone(),
            papers_due: if state == ModerationState::DocumentsRequired {
                let day = text(t.date(hand_in_by(decided_on)));
                t.with("materials-papers-due", &[("day", day)])
            } else {
                String::new()
            },
            awaiting_amendment: version.awaiting_amendment && !closed,
            documents: documents
                .iter()
                .map(|document| document_view(t, document, may_change, today))
                .collect(),
            may_attach: may_change && !closed,
            form,
            form_refusal,
        }
    }
}

fn name_of(t: Translator, place: &Placement) -> String {
    let names = &place.names;
    t.name(&Names {
        uz: names.uz.clone(),
        ru: names.ru.clone(),
        en: names.en.clone(),
    })
}

fn size_of(place: &Placement) -> String {
    match (place.format.width, place.format.height) {
        (0, 0) => String::new(),
        (width, height) => format!("{width} × {height}"),
    }
}

/// "Yuqori banner: 240 × 400, at most 50 000 bytes".
fn requirement(t: Translator, place: &Placement) -> String {
    let format = place.format;
    let mut limits = vec![size_of(place)];
    if format.kind.has_image() {
        let bytes = text(t.count(format.bytes_max.min(FILE_BYTES_MAX)));
        limits.push(t.with("materials-bytes-max", &[("bytes", bytes)]));
    }
    if format.kind.has_body() && format.text_max > 0 {
        let chars = text(t.count(format.text_max.into()));
        limits.push(t.with("materials-chars-max", &[("chars", chars)]));
    }
    limits.retain(|limit| !limit.is_empty());
    format!("{}: {}", name_of(t, place), limits.join(", "))
}

fn document_view(
    t: Translator,
    document: &MaterialDocument,
    may_change: bool,
    today: NaiveDate,
) -> DocumentView {
    let own = &document.document;
    let replaced = document.replaced_by.is_some();
    let problem = if replaced {
        t.get("licence-replaced")
    } else if document.revoked.is_some() {
        t.get("licence-revoked")
    } else if own.copy.expires_on < today {
        t.get("licence-expired")
    } else {
        String::new()
    };
    DocumentView {
        id: own.id.to_string(),
        path: format!("/cabinet/materials/{}/documents/{}", own.material, own.id),
        kind: say(t, "licence-kind", own.copy.kind.code()),
        number: own.copy.number.clone(),
        issuer: own.copy.issuer.clone(),
        expires: t.date(own.copy.expires_on),
        problem,
        replaced,
        may_revoke: may_change && !replaced && document.revoked.is_none(),
    }
}

impl MaterialsPage {
    /// The kinds of documents, with the one that was chosen.
    fn kinds_of(&self, version: &VersionView) -> Vec<Choice> {
        DocumentKind::ALL
            .into_iter()
            .map(|kind| Choice {
                code: kind.code(),
                name: say(self.t, "licence-kind", kind.code()),
                chosen: version.form.value("kind") == kind.code(),
            })
            .collect()
    }
}

/// `GET /cabinet/lines/{line}/materials`
pub(super) async fn show(State(cabinet): State<Cabinet>, who: SignedIn, Path(id): Path<String>) -> Answer {
    let loaded = load(&cabinet, &who, &id).await?;
    page::html(StatusCode::OK, &loaded.page(&cabinet, &who, Entered::default())?)
}

/// What a command refuses: back to the form with the reason at its field, or a page that says it.
fn refuse(t: Translator, form: &mut Form, told: Told) -> Result<String, Refusal> {
    match told.nature {
        Nature::NotAllowed => Err(Refusal::RoleTooLow),
        Nature::NotFound => Err(Refusal::NotFound),
        Nature::TryAgain => Err(Refusal::Busy),
        Nature::Internal => Err(Refusal::Failed),
        Nature::Conflict | Nature::Refused => {
            let reason = words::refused(t, told.code, told.limit.as_deref().unwrap_or_default());
            let known = FIELDS.iter().find(|name| told.field.as_deref() == Some(**name));
            Ok(match known {
                Some(name) => {
                    form.refuse(name, reason);
                    String::new()
                }
                None => reason,
            })
        }
    }
}

/// Fields at which a refusal is shown.
const FIELDS: &[&str] = &[
    "title",
    "body",
    "target_url",
    "file",
    "kind",
    "number",
    "issuer",
    "issued_on",
    "expires_on",
];

/// Logs what failed inside, and tells the command's refusal.
fn told_of(error: &impl crate::app::Refusal) -> Told {
    let told = error.told();
    if told.nature == Nature::Internal {
        Refusal::failed(error);
    }
    told
}

fn refused_page(cabinet: &Cabinet, who: &SignedIn, loaded: &Loaded, entered: Entered) -> Answer {
    page::html(
        StatusCode::UNPROCESSABLE_ENTITY,
        &loaded.page(cabinet, who, entered)?,
    )
}

/// The bytes of a form's file; one that is too heavy is refused at its field.
fn bytes_of(t: Translator, form: &mut Form, sent: Sent, bytes_max: u64) -> Option<Arc<[u8]>> {
    match sent {
        Sent::Nothing => None,
        Sent::File(bytes) => Some(bytes),
        Sent::TooHeavy => {
            let limit = format!("{bytes_max} bytes");
            form.refuse("file", words::refused(t, "file_too_heavy", &limit));
            None
        }
    }
}

/// `POST /cabinet/lines/{line}/materials`: hands a new version in.
pub(super) async fn submit(
    State(cabinet): State<Cabinet>,
    Path(id): Path<String>,
    posted: PostedFile,
) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let loaded = load(&cabinet, &who, &id).await?;
    if !who.may_change() {
        return Err(Refusal::RoleTooLow);
    }
    // The line's placements all show one kind: the form doesn't ask for it.
    let kind = loaded.placements.first().map(|place| place.format.kind);
    let kind = kind.ok_or(Refusal::NotFound)?;
    let mut form = posted.form;
    let file = bytes_of(t, &mut form, posted.file, FILE_BYTES_MAX);
    let mut refusal = String::new();
    if form.is_sound() {
        let path = format!("/cabinet/lines/{}/materials", loaded.row.id);
        let done = page::see_other(&path, [visitor::flash_cookie(&cabinet, "material-submitted")]);
        let ctx = &cabinet.ctx;
        let mut tx = ctx.store.begin().await?;
        let scope = format!("cabinet:{}:submit_material:{}", who.session.user, loaded.row.id);
        let taken = match form::take_once(&mut tx, scope, &form).await? {
            Once::Again => return Ok(done),
            Once::First(taken) => taken,
        };
        let command = SubmitMaterial {
            line: loaded.row.id,
            kind,
            title: form.value("title").to_owned(),
            body: form.value("body").to_owned(),
            target_url: form.value("target_url").to_owned(),
            file,
        };
        match submit_material_in(&mut tx, ctx, &who.session.actor(), command).await {
            Ok(_) => {
                taken.finish(&mut tx, &path, ctx.now()).await?;
                tx.save().await?;
                return Ok(done);
            }
            Err(error) => refusal = refuse(t, &mut form, told_of(&error))?,
        }
    }
    let entered = Entered {
        form,
        refusal,
        of: None,
    };
    refused_page(&cabinet, &who, &loaded, entered)
}

/// A day of a form, refused at its field when it is none.
fn day_of(t: Translator, form: &mut Form, field: &'static str, needed: bool) -> Option<NaiveDate> {
    let entered = form.value(field);
    if entered.is_empty() {
        if needed {
            form.refuse(field, t.get("field-needed"));
        }
        return None;
    }
    let day = parse_day(entered);
    if day.is_none() {
        form.refuse(field, t.get("field-day"));
    }
    day
}

/// `POST /cabinet/materials/{material}/documents`: hands a copy in.
pub(super) async fn attach(
    State(cabinet): State<Cabinet>,
    Path(id): Path<String>,
    posted: PostedFile,
) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let material = own_material(&cabinet, &who, &id).await?;
    if !who.may_change() {
        return Err(Refusal::RoleTooLow);
    }
    let mut form = posted.form;
    let file = bytes_of(t, &mut form, posted.file, DOCUMENT_BYTES_MAX);
    if file.is_none() {
        form.refuse("file", words::refused(t, "file_missing", ""));
    }
    let kind = DocumentKind::parse(form.value("kind"));
    if kind.is_none() {
        form.refuse("kind", t.get("field-needed"));
    }
    let issued_on = day_of(t, &mut form, "issued_on", false);
    let expires_on = day_of(t, &mut form, "expires_on", true);
    let replaces = match form.value("replaces") {
        "" => None,
        id => Some(MaterialDocumentId::parse(id).map_err(|_| Refusal::Stale)?),
    };
    let mut refusal = String::new();
    if form.is_sound()
        && let (Some(file), Some(kind), Some(expires_on)) = (file, kind, expires_on)
    {
        let path = format!("/cabinet/lines/{}/materials", material.material.line);
        let done = page::see_other(&path, [visitor::flash_cookie(&cabinet, "document-attached")]);
        let ctx = &cabinet.ctx;
        let mut tx = ctx.store.begin().await?;
        let scope = format!("cabinet:{}:attach_document:{id}", who.session.user);
        let taken = match form::take_once(&mut tx, scope, &form).await? {
            Once::Again => return Ok(done),
            Once::First(taken) => taken,
        };
        let command = AttachDocument {
            material: material.material.id,
            copy: NewCopy {
                kind,
                number: form.value("number").to_owned(),
                issuer: form.value("issuer").to_owned(),
                issued_on,
                expires_on,
            },
            replaces,
            file,
        };
        match attach_document_in(&mut tx, ctx, &who.session.actor(), command).await {
            Ok(_) => {
                taken.finish(&mut tx, &path, ctx.now()).await?;
                tx.save().await?;
                return Ok(done);
            }
            Err(error) => refusal = refuse(t, &mut form, told_of(&error))?,
        }
    }
    let loaded = load(&cabinet, &who, &material.material.line.to_string()).await?;
    let entered = Entered {
        form,
        refusal,
        of: Some(material.material.id),
    };
    refused_page(&cabinet, &who, &loaded, entered)
}

/// `POST /cabinet/materials/{material}/documents/{document}/revoked`: says that a licence is no longer valid.
pub(super) async fn revoke(
    State(cabinet): State<Cabinet>,
    Path((id, document)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let who = SignedIn::of(&posted.visitor)?;
    let t = who.visitor.t;
    let material = own_material(&cabinet, &who, &id).await?;
    let document = MaterialDocumentId::parse(&document).map_err(|_| Refusal::NotFound)?;
    if !who.may_change() {
        return Err(Refusal::RoleTooLow);
    }
    let path = format!("/cabinet/lines/{}/materials", material.material.line);
    let done = page::see_other(&path, [visitor::flash_cookie(&cabinet, "document-revoked")]);
    let ctx = &cabinet.ctx;
    let mut tx = ctx.store.begin().await?;
    let scope = format!("cabinet:{}:document_revoked:{document}", who.session.user);
    let taken = match form::take_once(&mut tx, scope, &posted.form).await? {
        Once::Again => return Ok(done),
        Once::First(taken) => taken,
    };
    let command = ReportDocumentRevoked {
        material: material.material.id,
        document,
        note: posted.form.value("note").to_owned(),
    };
    match report_document_revoked_in(&mut tx, ctx, &who.session.actor(), command).await {
        Ok(_) => {
            taken.finish(&mut tx, &path, ctx.now()).await?;
            tx.save().await?;
            Ok(done)
        }
        Err(error) => {
            let mut form = Form::default();
            let refusal = refuse(t, &mut form, told_of(&error))?;
            let loaded = load(&cabinet, &who, &material.material.line.to_string()).await?;
            let entered = Entered {
                form,
                refusal,
                of: Some(material.material.id),
            };
            refused_page(&cabinet, &who, &loaded, entered)
        }
    }
}

/// Headers of a customer's file: nothing of it runs, nobody else keeps it.
fn file_headers(media_type: &'static str) -> [(HeaderName, HeaderValue); 3] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ]
}

/// `GET /cabinet/materials/{material}/file`: the image, for the frames.
pub(super) async fn image(State(cabinet): State<Cabinet>, who: SignedIn, Path(id): Path<String>) -> Answer {
    let material = own_material(&cabinet, &who, &id).await?;
    let sha256 = material.material.file_sha256.ok_or(Refusal::NotFound)?;
    let mut tx = cabinet.ctx.store.begin().await?;
    let file = tx.materials().file(&sha256).await?.ok_or(Refusal::NotFound)?;
    Ok((file_headers(file.media_type.code()), file.content).into_response())
}

/// `GET /cabinet/materials/{material}/documents/{document}`: a copy, to be saved and never shown inside the page.
pub(super) async fn document(
    State(cabinet): State<Cabinet>,
    who: SignedIn,
    Path((id, document)): Path<(String, String)>,
) -> Answer {
    let material = own_material(&cabinet, &who, &id).await?;
    let document = MaterialDocumentId::parse(&document).map_err(|_| Refusal::NotFound)?;
    let mut tx = cabinet.ctx.store.begin().await?;
    tx.material_documents()
        .find(document)
        .await?
        .filter(|found| found.document.material == material.material.id)
        .ok_or(Refusal::NotFound)?;
    let (format, content) = tx
        .material_documents()
        .file(document)
        .await?
        .ok_or(Refusal::NotFound)?;
    let mut response: Response = (file_headers(format.code()), content).into_response();
    let name = format!("attachment; filename=\"{document}.{}\"", format.extension());
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

//! Templates and data to PDF, by typst as a library.
//!
//! The world that typst sees holds the templates of this crate, the fonts inside typst-assets and one `/data.json`: no
//! disk, no network, no clock, no packages. So the same data gives the same bytes. Fonts and library are set up once a
//! process; what typst remembers between documents is dropped every few of them, which bounds the memory.

use crate::RenderError;
use crate::text::ZERO_WIDTH_SPACE;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

/// How many documents are made between two clearings of typst's memory. Each clearing forgets what the last document
/// did not use: about 50 MB stay in use, whatever the number of documents.
const DOCUMENTS_PER_EVICTION: u64 = 10;

/// The families that the templates name. Together they have U+02BB, U+02BC and all Cyrillic letters of Uzbek.
const FAMILIES: [&str; 3] = ["Libertinus Serif", "New Computer Modern", "DejaVu Sans Mono"];

/// A template by its place in [`SOURCES`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Template {
    PrimaryDocument,
    Invoice,
    OrderBlank,
    Form,
    ReconciliationAct,
    Refund,
}

const COMMON: &str = include_str!("../templates/common.typ");
const PRIMARY_DOCUMENT: &str = include_str!("../templates/primary_document.typ");
const INVOICE: &str = include_str!("../templates/invoice.typ");
const FORM: &str = include_str!("../templates/form.typ");
const RECONCILIATION_ACT: &str = include_str!("../templates/reconciliation_act.typ");
const REFUND: &str = include_str!("../templates/refund.typ");
const ORDER_BLANK: &str = include_str!("../templates/order_blank.typ");

struct Engine {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    drawable: BTreeSet<u32>,
    common: Source,
    primary_document: Source,
    invoice: Source,
    order_blank: Source,
    form: Source,
    reconciliation_act: Source,
    refund: Source,
    data: FileId,
    rendered: AtomicU64,
}

/// A path of the virtual project; `VirtualPath` refuses only paths that leave it.
fn file_id(name: &str) -> Result<FileId, RenderError> {
    VirtualPath::new(name)
        .map(|path| RootedPath::new(VirtualRoot::Project, path).intern())
        .map_err(|error| RenderError::Template(format!("{name}: {error:?}")))
}

impl Engine {
    fn new() -> Result<Engine, RenderError> {
        let fonts: Vec<Font> = typst_assets::fonts()
            .flat_map(|data| Font::iter(Bytes::new(data)))
            .filter(|font| FAMILIES.contains(&font.info().family.as_str()))
            .collect();
        let source =
            |name: &str, text: &str| Ok::<_, RenderError>(Source::new(file_id(name)?, text.to_owned()));
        let drawable = fonts
            .iter()
            .flat_map(|font| font.info().coverage.iter())
            .collect();
        Ok(Engine {
            drawable,
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            common: source("common.typ", COMMON)?,
            primary_document: source("primary_document.typ", PRIMARY_DOCUMENT)?,
            invoice: source("invoice.typ", INVOICE)?,
            order_blank: source("order_blank.typ", ORDER_BLANK)?,
            form: source("form.typ", FORM)?,
            reconciliation_act: source("reconciliation_act.typ", RECONCILIATION_ACT)?,
            refund: source("refund.typ", REFUND)?,
            data: file_id("data.json")?,
            rendered: AtomicU64::new(0),
        })
    }

    /// The data with each character that no font of ours draws shown by its number, `<U+4F60>`: a box says nothing, and
    /// the text couldn't be found or copied. Such a number is plain text in JSON too, so the data stays what it is.
    fn drawable_text(&self, data: &str) -> String {
        let mut out = String::with_capacity(data.len());
        for c in data.chars() {
            if c.is_ascii()
                || c.is_whitespace()
                || c == ZERO_WIDTH_SPACE
                || self.drawable.contains(&u32::from(c))
            {
                out.push(c);
            } else {
                out.push_str(&format!("<U+{:04X}>", u32::from(c)));
            }
        }
        out
    }

    fn get() -> Result<&'static Engine, RenderError> {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        match ENGINE.get() {
            Some(engine) => Ok(engine),
            None => {
                let engine = Engine::new()?;
                Ok(ENGINE.get_or_init(|| engine))
            }
        }
    }
}

struct DocumentWorld {
    engine: &'static Engine,
    main: &'static Source,
    data: Bytes,
}

impl World for DocumentWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.engine.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.engine.book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        [self.main, &self.engine.common]
            .into_iter()
            .find(|source| source.id() == id)
            .cloned()
            .ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.engine.data {
            Ok(self.data.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.engine.fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Compiles a template with `data` (a JSON text) as `/data.json`. `ident` is the document's stable identity (its hash),
/// from which the PDF's own identifiers are made.
pub(crate) fn pdf(template: Template, data: &str, ident: String) -> Result<Vec<u8>, RenderError> {
    let engine = Engine::get()?;
    let world = DocumentWorld {
        engine,
        main: match template {
            Template::PrimaryDocument => &engine.primary_document,
            Template::Invoice => &engine.invoice,
            Template::OrderBlank => &engine.order_blank,
            Template::Form => &engine.form,
            Template::ReconciliationAct => &engine.reconciliation_act,
            Template::Refund => &engine.refund,
        },
        data: Bytes::from_string(engine.drawable_text(data)),
    };
    let result = compile(&world, ident);
    if (engine.rendered.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(DOCUMENTS_PER_EVICTION) {
        comemo::evict(1);
    }
    result
}

fn compile(world: &DocumentWorld, ident: String) -> Result<Vec<u8>, RenderError> {
    let document: PagedDocument = typst::compile(world).output.map_err(|errors| refused(&errors))?;
    let options = PdfOptions {
        ident: Smart::Custom(ident),
        creator: Smart::Custom(Some("Namoyish".to_owned())),
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(|errors| refused(&errors))
}

fn refused(errors: &[SourceDiagnostic]) -> RenderError {
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    RenderError::Template(messages.join("; "))
}

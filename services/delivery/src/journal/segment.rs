//! Segment files on disk: writing, sealing, recovering, archiving.
//!
//! Names sort in the order of writing: `<node>-<start in ms>-<n>.open`, then `.sealed`. A rename is atomic, so a file is
//! one of the two; the folder is synced after each, so that it stays so when the machine stops.

use super::record::{NODE_BYTES_MAX, SegmentContent, read_segment, write_header, write_seal};
use super::{JournalError, JournalOptions, disk};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::SegmentId;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const OPEN: &str = "open";
const SEALED: &str = "sealed";
/// A buffer larger than this is not kept for the next batch.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// A segment that no record is added to any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSegment {
    /// Its id: the key that makes applying it exactly once.
    pub id: SegmentId,
    /// The node that wrote it.
    pub node: String,
    /// Its file.
    pub path: PathBuf,
    /// Records in it.
    pub records: u64,
}

impl SealedSegment {
    /// Reads the file. What is not whole and true is left out (`is_sealed` is false then).
    pub fn read(&self) -> Result<(SegmentContent, Vec<u8>), JournalError> {
        let bytes = std::fs::read(&self.path).map_err(|source| disk("read", &self.path, source))?;
        let content = read_segment(&bytes).map_err(|_| JournalError::Damaged(self.path.clone()))?;
        Ok((content, bytes))
    }
}

/// The folder's segments.
#[derive(Debug)]
pub(super) struct Segments {
    dir: PathBuf,
    options: JournalOptions,
    node: String,
    next_number: u32,
    open: Option<OpenSegment>,
    /// Files that could not be ended after a failed write; tried again with every seal.
    unfinished: Vec<(PathBuf, u64)>,
    sealed: Vec<SealedSegment>,
    spare: Vec<u8>,
}

#[derive(Debug)]
struct OpenSegment {
    file: File,
    path: PathBuf,
    id: SegmentId,
    records: u64,
    /// Bytes that are surely on disk (written, without sync).
    bytes: u64,
}

impl Segments {
    /// Lists sealed segments, and cuts and seals those that were left open.
    pub(super) fn recover(dir: &Path, options: JournalOptions) -> Result<Segments, JournalError> {
        let mut segments = Segments {
            dir: dir.to_owned(),
            node: file_name_of(&options.node),
            options,
            next_number: 1,
            open: None,
            unfinished: Vec::new(),
            sealed: Vec::new(),
            spare: Vec::new(),
        };
        for path in files(dir, OPEN)? {
            if let Some(segment) = segments.end(&path, None)? {
                tracing::info!(segment.records = segment.records, path = %path.display(), "a segment left open was sealed");
            }
        }
        for path in files(dir, SEALED)? {
            let bytes = std::fs::read(&path).map_err(|source| disk("read", &path, source))?;
            match read_segment(&bytes) {
                Ok(content) => segments.sealed.push(sealed_segment(path, &content)),
                Err(_) => segments.put_aside(&path)?,
            }
        }
        Ok(segments)
    }

    pub(super) fn spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    pub(super) fn give_spare(&mut self, mut bytes: Vec<u8>) {
        if bytes.capacity() <= SPARE_BYTES_MAX {
            bytes.clear();
            self.spare = bytes;
        }
    }

    pub(super) fn sealed(&self) -> Vec<SealedSegment> {
        self.sealed.clone()
    }

    /// Writes whole records to the open segment (a new one when there is none) and makes them durable. After an error
    /// nothing of them is left in the segment, and the next write begins another.
    pub(super) fn write(
        &mut self,
        bytes: &[u8],
        records: u64,
        first_at: Option<Timestamp>,
    ) -> Result<(), JournalError> {
        let mut segment = match self.open.take() {
            Some(segment) => segment,
            None => self.begin(first_at.unwrap_or(self.options.opened_at))?,
        };
        match segment.append(bytes, self.options.sync) {
            Ok(()) => {
                segment.records += records;
                let is_full = segment.bytes >= self.options.segment_bytes_max;
                self.open = Some(segment);
                if is_full {
                    self.seal()?;
                }
                Ok(())
            }
            Err(source) => {
                let error = disk("write to", &segment.path, source);
                self.unfinished.push((segment.path, segment.bytes));
                self.end_unfinished();
                Err(error)
            }
        }
    }

    /// Seals the open segment, when it has records.
    pub(super) fn seal(&mut self) -> Result<Option<SealedSegment>, JournalError> {
        self.end_unfinished();
        let Some(mut segment) = self.open.take() else {
            return Ok(None);
        };
        let mut seal = Vec::new();
        write_seal(&mut seal, segment.records);
        if let Err(source) = segment.append(&seal, self.options.sync) {
            let error = disk("seal", &segment.path, source);
            self.unfinished.push((segment.path, segment.bytes));
            return Err(error);
        }
        let path = segment.path.with_extension(SEALED);
        if let Err(source) = std::fs::rename(&segment.path, &path) {
            let error = disk("rename", &segment.path, source);
            self.unfinished.push((segment.path, segment.bytes));
            return Err(error);
        }
        self.sync_folder()?;
        let sealed = SealedSegment {
            id: segment.id,
            node: self.node.clone(),
            path,
            records: segment.records,
        };
        self.sealed.push(sealed.clone());
        Ok(Some(sealed))
    }

    pub(super) fn archive(&mut self, segment: &SealedSegment, is_whole: bool) -> Result<(), JournalError> {
        if is_whole && !self.options.keep_applied {
            match std::fs::remove_file(&segment.path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(disk("delete", &segment.path, source));
                }
                _ => {}
            }
        } else {
            self.move_to(&segment.path, if is_whole { "applied" } else { "damaged" })?;
        }
        self.sealed.retain(|known| known.path != segment.path);
        Ok(())
    }

    fn begin(&mut self, first_at: Timestamp) -> Result<OpenSegment, JournalError> {
        let id = SegmentId::from_uuid(self.options.ids.uuid(first_at));
        let started = self.options.opened_at.timestamp_millis();
        let (mut file, path) = loop {
            let name = format!("{}-{started:013}-{:08}.{OPEN}", self.node, self.next_number);
            self.next_number = self.next_number.saturating_add(1);
            let path = self.dir.join(name);
            // Another life of this node that was opened at the same instant may have used the number.
            if path.with_extension(SEALED).exists()
                || self.dir.join("applied").join(sealed_name(&path)).exists()
            {
                continue;
            }
            match File::options().create_new(true).write(true).open(&path) {
                Ok(file) => break (file, path),
                Err(source) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(disk("create", &path, source)),
            }
        };
        let mut header = Vec::new();
        write_header(&mut header, &self.node, id);
        if let Err(source) = file.write_all(&header) {
            let error = disk("write to", &path, source);
            // A header without records is nothing; what is left of it is cleared away when the journal is opened.
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "an empty segment could not be deleted");
            }
            return Err(error);
        }
        self.sync_folder()?;
        Ok(OpenSegment {
            file,
            path,
            id,
            records: 0,
            bytes: u64::try_from(header.len()).unwrap_or(0),
        })
    }

    fn end_unfinished(&mut self) {
        for (path, bytes) in std::mem::take(&mut self.unfinished) {
            match self.end(&path, Some(bytes)) {
                Ok(Some(segment)) => self.sealed.push(segment),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a segment whose write failed is still to be ended");
                    self.unfinished.push((path, bytes));
                }
            }
        }
    }

    /// Ends a file that was left open: cuts it at the last whole record (and at `durable_bytes`), seals and renames it. A
    /// file without a record is deleted, one without a header put aside.
    fn end(
        &mut self,
        path: &Path,
        durable_bytes: Option<u64>,
    ) -> Result<Option<SealedSegment>, JournalError> {
        let mut bytes = std::fs::read(path).map_err(|source| disk("read", path, source))?;
        if let Some(durable) = durable_bytes.and_then(|durable| usize::try_from(durable).ok()) {
            bytes.truncate(durable);
        }
        let Ok(content) = read_segment(&bytes) else {
            // Records follow a durable header only: without one there is none that was answered for.
            self.put_aside(path)?;
            return Ok(None);
        };
        if content.events.is_empty() {
            std::fs::remove_file(path).map_err(|source| disk("delete", path, source))?;
            return Ok(None);
        }
        if content.whole_bytes < bytes.len() {
            let cut = bytes.len() - content.whole_bytes;
            tracing::warn!(path = %path.display(), cut, "a torn tail was cut");
        }
        let mut file = File::options()
            .write(true)
            .open(path)
            .map_err(|source| disk("open", path, source))?;
        let whole = u64::try_from(content.whole_bytes).unwrap_or(0);
        let records = u64::try_from(content.events.len()).unwrap_or(0);
        let ended = file.set_len(whole).and_then(|()| {
            if !content.is_sealed {
                let mut seal = Vec::new();
                write_seal(&mut seal, records);
                file.seek(SeekFrom::End(0))?;
                file.write_all(&seal)?;
            }
            file.sync_all()
        });
        ended.map_err(|source| disk("cut", path, source))?;
        let sealed_path = path.with_extension(SEALED);
        std::fs::rename(path, &sealed_path).map_err(|source| disk("rename", path, source))?;
        self.sync_folder()?;
        Ok(Some(sealed_segment(sealed_path, &content)))
    }

    fn put_aside(&self, path: &Path) -> Result<(), JournalError> {
        tracing::error!(path = %path.display(), "a segment without a readable header was put aside");
        self.move_to(path, "damaged")
    }

    fn move_to(&self, path: &Path, folder: &'static str) -> Result<(), JournalError> {
        let target = self.dir.join(folder);
        std::fs::create_dir_all(&target).map_err(|source| disk("make the folder", &target, source))?;
        let Some(name) = path.file_name() else {
            return Ok(());
        };
        match std::fs::rename(path, target.join(name)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(disk("move", path, source)),
            _ => Ok(()),
        }
    }

    fn sync_folder(&self) -> Result<(), JournalError> {
        if !self.options.sync {
            return Ok(());
        }
        File::open(&self.dir)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| disk("sync the folder", &self.dir, source))
    }
}

impl OpenSegment {
    fn append(&mut self, bytes: &[u8], sync: bool) -> std::io::Result<()> {
        self.file.write_all(bytes)?;
        if sync {
            self.file.sync_data()?;
        }
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        Ok(())
    }
}

fn sealed_segment(path: PathBuf, content: &SegmentContent) -> SealedSegment {
    SealedSegment {
        id: content.id,
        node: content.node.clone(),
        path,
        records: u64::try_from(content.events.len()).unwrap_or(0),
    }
}

fn sealed_name(open: &Path) -> PathBuf {
    open.with_extension(SEALED)
        .file_name()
        .map(PathBuf::from)
        .unwrap_or_default()
}

/// Files with this extension, in the order of their names.
fn files(dir: &Path, extension: &str) -> Result<Vec<PathBuf>, JournalError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|source| disk("list", dir, source))? {
        let path = entry.map_err(|source| disk("list", dir, source))?.path();
        if path.extension().is_some_and(|of| of == extension) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn file_name_of(node: &str) -> String {
    let name: String = node
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .take(NODE_BYTES_MAX)
        .collect();
    if name.is_empty() { "node".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namoyish_runtime::ids::Generator;

    fn options() -> JournalOptions {
        let at = "2026-11-01T06:00:00Z".parse().unwrap();
        JournalOptions::new("a b/ç", at, Generator::seeded(1))
    }

    #[test]
    fn a_nodes_name_is_safe_in_a_file_name() {
        assert_eq!(file_name_of("a b/ç"), "a_b__");
        assert_eq!(file_name_of(""), "node");
        assert_eq!(file_name_of(&"x".repeat(500)).len(), NODE_BYTES_MAX);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_fails_the_write_and_the_next_one_begins_another_segment() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = Segments::recover(dir.path(), options()).unwrap();
        let full = dir.path().join("full.open");
        // /dev/full answers every write as a full disk does.
        segments.open = Some(OpenSegment {
            file: File::options().write(true).open("/dev/full").unwrap(),
            path: full.clone(),
            id: SegmentId::from_uuid(uuid::Uuid::from_u128(1)),
            records: 0,
            bytes: 0,
        });
        let refused = segments.write(b"record", 1, None);
        assert!(
            matches!(&refused, Err(JournalError::Disk { source, .. }) if source.raw_os_error() == Some(libc::ENOSPC))
        );
        assert_eq!(segments.unfinished.len(), 1, "tried again with the next seal");
        assert!(segments.write(b"record", 1, None).is_ok(), "another segment");
        assert_ne!(segments.open.as_ref().unwrap().path, full);
    }
}

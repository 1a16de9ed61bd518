//! Material files in memory: what `/m/{sha256}` answers without waiting for PostgreSQL.
//!
//! Filled when a snapshot comes, emptied of what no longer runs, bounded in bytes. A file that isn't there yet is fetched
//! once it is asked for, when it belongs to a material of the snapshot: nothing else can be read through the ad server.

use crate::node::Node;
use crate::snapshot::Snapshot;
use bytes::Bytes;
use namoyish_storage::DbError;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file as it is answered.
#[derive(Debug, Clone)]
pub struct MaterialFile {
    /// By its bytes, as the order service judged them.
    pub media_type: String,
    /// The bytes.
    pub content: Bytes,
}

#[derive(Debug, Default)]
struct Held {
    files: HashMap<String, MaterialFile>,
    bytes: usize,
}

/// Files in memory by SHA-256.
#[derive(Debug)]
pub struct FileCache {
    held: Mutex<Held>,
    bytes_max: usize,
}

impl FileCache {
    /// An empty cache of at most `bytes_max`.
    pub fn new(bytes_max: usize) -> FileCache {
        FileCache {
            held: Mutex::default(),
            bytes_max,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a material that may be shown; `None` for every other.
    pub async fn get(&self, node: &Node, sha256: &str) -> Result<Option<MaterialFile>, DbError> {
        if let Some(file) = self.held().files.get(sha256) {
            return Ok(Some(file.clone()));
        }
        if !node.snapshot().files().contains(sha256) {
            return Ok(None);
        }
        self.fetch(node, sha256).await
    }

    /// Drops the files of materials that no longer run and fetches new ones, as far as there is room.
    pub async fn fill(&self, node: &Node, snapshot: &Snapshot) -> Result<(), DbError> {
        let missing: Vec<String> = {
            let mut held = self.held();
            held.files.retain(|sha256, _| snapshot.files().contains(sha256));
            held.bytes = held.files.values().map(|file| file.content.len()).sum();
            snapshot
                .files()
                .iter()
                .filter(|sha256| !held.files.contains_key(*sha256))
                .cloned()
                .collect()
        };
        for sha256 in missing {
            if self.held().bytes >= self.bytes_max {
                break;
            }
            self.fetch(node, &sha256).await?;
        }
        Ok(())
    }

    async fn fetch(&self, node: &Node, sha256: &str) -> Result<Option<MaterialFile>, DbError> {
        let Some(stored) = node.store().material_file(sha256).await? else {
            return Ok(None);
        };
        let file = MaterialFile {
            media_type: stored.media_type,
            content: Bytes::from(stored.content),
        };
        let mut held = self.held();
        if held.bytes + file.content.len() <= self.bytes_max
            && held.files.insert(sha256.to_owned(), file.clone()).is_none()
        {
            held.bytes += file.content.len();
        }
        Ok(Some(file))
    }
}

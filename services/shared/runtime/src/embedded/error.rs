//! What can go wrong with a private server, with what was tried and what the reader can do.

use std::path::{Path, PathBuf};

/// A private server can't be had or doesn't run.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No usable program was found, and none was obtained.
    #[error("no {server} was found.\nTried:\n{}\n{advice}", bullets(tried))]
    NotFound {
        /// "PostgreSQL" or "Redis or Valkey".
        server: &'static str,
        /// Each place looked at, with why it did not do.
        tried: Vec<String>,
        /// What the reader can do.
        advice: &'static str,
    },
    /// Another running program owns this folder.
    #[error("the data folder {} is in use by another running program; stop that one or choose another folder", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder can't be made, read or changed.
    #[error("can't {action} {}", path.display())]
    Folder {
        /// A verb: "create", "lock", "read".
        action: &'static str,
        /// What it was about.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A folder for sockets exists and belongs to somebody else.
    #[error("the socket folder {} belongs to another user; remove it or choose another data folder", folder.display())]
    SocketFolderTaken {
        /// The folder.
        folder: PathBuf,
    },
    /// The program can't be run at all.
    #[error("can't run {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A helper program ended with an error or took too long.
    #[error("{} failed: {output}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// The end of what it said.
        output: String,
    },
    /// The server ended while it was starting.
    #[error("{server} ended while starting ({status}); its log says:\n{log}")]
    Ended {
        /// "PostgreSQL" or "Redis".
        server: &'static str,
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// The server runs but doesn't answer.
    #[error("{server} was not ready after {waited_seconds} s; its log says:\n{log}")]
    NotReady {
        /// "PostgreSQL" or "Redis".
        server: &'static str,
        /// How long was waited.
        waited_seconds: u64,
        /// The end of its log.
        log: String,
    },
    /// Root found nobody to run the server as.
    #[error("PostgreSQL refuses to run as root, and no way around was found: {0}")]
    Root(String),
}

impl EmbeddedError {
    /// Whether no server program exists on this machine: the case in which a caller may do without.
    pub fn is_not_found(&self) -> bool {
        matches!(self, EmbeddedError::NotFound { .. })
    }

    /// For `map_err`: a failed action on a path.
    pub(super) fn folder(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> EmbeddedError {
        let path = path.to_owned();
        move |source| EmbeddedError::Folder { action, path, source }
    }
}

fn bullets(tried: &[String]) -> String {
    tried
        .iter()
        .map(|line| format!("  - {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

//! Folders of a private server: its own, locked; one for its socket, short enough; and what a former run left.

use super::error::EmbeddedError;
use super::keeper;
use super::run_as::{RunAs, short_hash};
use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest path of a socket that is used. A unix socket address ends at 107 bytes (103 on macOS).
const SOCKET_PATH_MAX: usize = 100;

/// Makes a folder with all its parents and returns its absolute path without links.
pub(super) fn make(folder: &Path) -> Result<PathBuf, EmbeddedError> {
    fs::create_dir_all(folder).map_err(EmbeddedError::folder("create", folder))?;
    fs::canonicalize(folder).map_err(EmbeddedError::folder("resolve", folder))
}

/// Takes `folder/lock`, which the returned file holds until it is dropped or the program ends, however it ends.
pub(super) fn lock(folder: &Path) -> Result<File, EmbeddedError> {
    let path = folder.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(EmbeddedError::folder("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedError::InUse {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(EmbeddedError::Folder {
            action: "lock",
            path,
            source,
        }),
    }
}

/// A folder for a socket named `socket_name`, entered by the server's user (and root) alone: beside the data where the
/// path is short enough, else a hashed name under the runtime or temporary folder.
pub(super) fn socket_folder(
    folder: &Path,
    socket_name: &str,
    run_as: &RunAs,
) -> Result<PathBuf, EmbeddedError> {
    let fits = |path: &Path| path.as_os_str().len() + 1 + socket_name.len() <= SOCKET_PATH_MAX;
    let name = format!("namoyish-{}", short_hash(folder));
    // Root's runtime folder can't be entered by another user, so root goes to /tmp at once.
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .filter(|_| !keeper::is_root())
        .map(PathBuf::from);
    let chosen = [
        Some(folder.join("run")),
        runtime.map(|base| base.join(&name)),
        Some(Path::new("/tmp").join(&name)),
    ]
    .into_iter()
    .flatten()
    .find(|path| fits(path) && path.parent().is_some_and(Path::is_dir))
    .unwrap_or_else(|| Path::new("/tmp").join(&name));
    match DirBuilder::new().mode(0o700).create(&chosen) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            // A name under /tmp can be guessed: whoever made the folder first must be ourselves or our server's user.
            let found = fs::symlink_metadata(&chosen).map_err(EmbeddedError::folder("read", &chosen))?;
            let ours = [keeper::effective_user(), run_as.uid()].contains(&found.uid());
            if !found.is_dir() || !(ours || (keeper::is_root() && chosen.starts_with(folder))) {
                return Err(EmbeddedError::SocketFolderTaken { folder: chosen });
            }
            fs::set_permissions(&chosen, fs::Permissions::from_mode(0o700))
                .map_err(EmbeddedError::folder("change the mode of", &chosen))?;
        }
        Err(source) => {
            return Err(EmbeddedError::Folder {
                action: "create",
                path: chosen,
                source,
            });
        }
    }
    run_as.give(&chosen)?;
    Ok(chosen)
}

/// The log of a server, appended to; one that has passed 5 MB is put aside first.
pub(super) fn open_log(path: &Path) -> Result<File, EmbeddedError> {
    const LOG_BYTES_MAX: u64 = 5 << 20;
    if fs::metadata(path).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
        let _ = fs::rename(path, path.with_extension("log.1"));
    }
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(EmbeddedError::folder("open", path))
}

/// The end of a log, for an error.
pub(super) fn log_tail(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    keeper::last_lines(&String::from_utf8_lossy(&bytes), 15)
}

/// Deals with a server that a killed program left behind: waits for it to end by itself, then asks it to, and removes
/// the pid file. Called with the folder's lock held, so nobody owns that server any more.
pub(super) fn clear_orphan(
    pid_file: &Path,
    folder: &Path,
    signals: &[(i32, Duration)],
) -> Result<(), EmbeddedError> {
    let Ok(text) = fs::read_to_string(pid_file) else {
        return Ok(());
    };
    let pid = text
        .lines()
        .next()
        .and_then(|line| line.trim().parse().ok())
        .unwrap_or(0);
    // A server whose parent was killed has been asked to end already (Linux): usually a wait is enough.
    let gone_within = |patience: Duration| {
        let begun = Instant::now();
        while is_server_of(pid, folder) && begun.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        !is_server_of(pid, folder)
    };
    if !gone_within(Duration::from_secs(3)) {
        tracing::warn!(pid, folder = %folder.display(), "ending a server that a former run left behind");
        for (signal, patience) in signals {
            keeper::signal(pid, *signal);
            if gone_within(*patience) {
                break;
            }
        }
    }
    if is_server_of(pid, folder) {
        return Err(EmbeddedError::InUse {
            folder: folder.to_owned(),
        });
    }
    match fs::remove_file(pid_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(EmbeddedError::Folder {
            action: "remove",
            path: pid_file.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// Whether `pid` is a server that works in `folder`: a number that was given to another program since doesn't count.
fn is_server_of(pid: u32, folder: &Path) -> bool {
    if !keeper::is_alive(pid) {
        return false;
    }
    if cfg!(target_os = "linux") {
        return fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder);
    }
    let mut ps = std::process::Command::new("ps");
    ps.args(["-o", "command=", "-p", &pid.to_string()]);
    keeper::run(ps, &RunAs::Ourselves, Duration::from_secs(5)).is_ok_and(|command| {
        ["postgres", "redis", "valkey"]
            .iter()
            .any(|name| command.contains(name))
    })
}

/// A path as it stands in a URL's query or path: everything but letters, digits, `-`, `_`, `.`, `~` and the characters
/// of `keep` is percent-encoded.
pub(super) fn percent_encode(path: &Path, keep: &[u8]) -> String {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .map(|byte| match byte {
            b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
            plain if plain.is_ascii_alphanumeric() || keep.contains(plain) => char::from(*plain).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_folder_gets_a_short_socket_folder() {
        let deep = tempfile::tempdir().unwrap();
        let folder = make(&deep.path().join("a-folder-with-a-long-name/".repeat(6))).unwrap();
        let chosen = socket_folder(&folder, ".s.PGSQL.5432", &RunAs::Ourselves).unwrap();
        assert!(
            chosen.as_os_str().len() + 14 <= SOCKET_PATH_MAX,
            "{}",
            chosen.display()
        );
        assert!(!chosen.starts_with(&folder));
        assert_eq!(fs::metadata(&chosen).unwrap().mode() & 0o777, 0o700);
        // The same folder again is accepted: it is ours.
        assert_eq!(
            socket_folder(&folder, ".s.PGSQL.5432", &RunAs::Ourselves).unwrap(),
            chosen
        );
        fs::remove_dir(&chosen).unwrap();
    }

    #[test]
    fn a_socket_folder_that_is_a_link_is_refused() {
        let deep = tempfile::tempdir().unwrap();
        let folder = make(&deep.path().join("another-folder-with-a-long-name/".repeat(5))).unwrap();
        let chosen = socket_folder(&folder, "redis.sock", &RunAs::Ourselves).unwrap();
        fs::remove_dir(&chosen).unwrap();
        std::os::unix::fs::symlink(deep.path(), &chosen).unwrap();
        let refused = socket_folder(&folder, "redis.sock", &RunAs::Ourselves);
        fs::remove_file(&chosen).unwrap();
        assert!(matches!(refused, Err(EmbeddedError::SocketFolderTaken { .. })));
    }

    #[test]
    fn a_locked_folder_is_refused_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        assert!(matches!(lock(folder.path()), Err(EmbeddedError::InUse { .. })));
        drop(held);
        assert!(lock(folder.path()).is_ok());
    }

    #[test]
    fn a_pid_file_of_another_program_is_cleared_and_that_program_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("postmaster.pid");
        fs::write(&pid_file, format!("{}\n", std::process::id())).unwrap();
        clear_orphan(
            &pid_file,
            folder.path(),
            &[(keeper::KILL, Duration::from_secs(1))],
        )
        .unwrap();
        assert!(!pid_file.exists());
    }

    #[test]
    fn odd_characters_of_a_path_survive_a_url() {
        assert_eq!(
            percent_encode(Path::new("/tmp/a b/ʻ&?"), b"/"),
            "/tmp/a%20b/%CA%BB%26%3F"
        );
        assert_eq!(percent_encode(Path::new("/tmp"), b""), "%2Ftmp");
    }
}

//! Who a PostgreSQL runs as: it refuses root.
//!
//! Root's order of choice: user `postgres` where it can reach data and program; a user namespace; user `nobody` with
//! the data moved to the system's state or temporary folder. The namespace comes before `nobody` because other
//! services run as `nobody` too and could read the files.

use super::error::EmbeddedError;
use super::keeper;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Who a server runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunAs {
    /// The user of this program.
    Ourselves,
    /// Another user, because this program runs as root.
    User {
        /// Its name.
        name: String,
        /// Its number.
        uid: u32,
        /// The number of its group.
        gid: u32,
    },
    /// A user namespace in which root appears as user 1000; files stay root's.
    Namespace,
}

impl fmt::Display for RunAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunAs::Ourselves => f.write_str("this program's user"),
            RunAs::User { name, .. } => write!(f, "user {name}"),
            RunAs::Namespace => f.write_str("root in a user namespace"),
        }
    }
}

impl RunAs {
    /// Chooses for a PostgreSQL with this data folder and this program folder. The folder returned is `data`, or the
    /// one that has to be used instead.
    pub(super) fn choose(data: &Path, program: &Path) -> Result<(RunAs, PathBuf), EmbeddedError> {
        if !keeper::is_root() {
            return Ok((RunAs::Ourselves, data.to_owned()));
        }
        if let Some(user) = user("postgres", &fs::read_to_string("/etc/passwd").unwrap_or_default())
            && user.reaches(data)
            && user.reaches(program)
        {
            return Ok((user, data.to_owned()));
        }
        let mut probe = Command::new(program.join("postgres"));
        probe.arg("--version");
        let refusal = match keeper::run(probe, &RunAs::Namespace, Duration::from_secs(10)) {
            Ok(_) => return Ok((RunAs::Namespace, data.to_owned())),
            Err(refusal) => refusal,
        };
        RunAs::elsewhere(data, program).ok_or_else(|| {
            EmbeddedError::Root(format!(
                "user `postgres` is missing or can't reach {} and {}, a user namespace is refused ({}), and user \
                 `nobody` is missing or can't reach the program",
                data.display(),
                program.display(),
                crate::problem::chain(&refusal)
            ))
        })
    }

    fn elsewhere(data: &Path, program: &Path) -> Option<(RunAs, PathBuf)> {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let users: Vec<RunAs> = ["postgres", "nobody"]
            .iter()
            .filter_map(|name| user(name, &passwd))
            .collect();
        let name = format!("namoyish-{}", short_hash(data));
        for base in [Path::new("/var/lib"), &std::env::temp_dir()] {
            let folder = base.join(&name);
            // A folder of that name made by somebody else must not be used: check after making.
            if fs::create_dir(&folder).is_err()
                && fs::symlink_metadata(&folder).map_or(true, |f| !f.is_dir() || f.uid() != 0)
            {
                continue;
            }
            for user in &users {
                if user.reaches(&folder) && user.reaches(program) {
                    tracing::warn!(
                        data = %data.display(), used = %folder.display(), run_as = %user,
                        "the data folder can't be reached by a user that PostgreSQL accepts; another one is used"
                    );
                    return Some((user.clone(), folder));
                }
            }
        }
        None
    }

    /// Sets the user of a command.
    pub(super) fn apply(&self, command: &mut Command) {
        if let RunAs::User { uid, gid, .. } = self {
            command.gid(*gid).uid(*uid);
        }
    }

    /// The owner that the server's files must have, when this program may change owners at all.
    fn owner(&self) -> Option<(u32, u32)> {
        match self {
            RunAs::User { uid, gid, .. } => Some((*uid, *gid)),
            RunAs::Namespace => Some((0, 0)),
            RunAs::Ourselves => None,
        }
    }

    /// The user number that the server's files belong to.
    pub(super) fn uid(&self) -> u32 {
        self.owner().map_or_else(keeper::effective_user, |(uid, _)| uid)
    }

    /// Gives a folder with all in it to the server's user, unless it has it already. Links are not followed.
    pub(super) fn give(&self, folder: &Path) -> Result<(), EmbeddedError> {
        let Some((uid, gid)) = self.owner() else {
            return Ok(());
        };
        let metadata = fs::symlink_metadata(folder).map_err(EmbeddedError::folder("read", folder))?;
        if metadata.uid() == uid {
            return Ok(());
        }
        give_all(folder, uid, gid)
    }

    /// Whether the user may pass every folder down to `path` (access lists are not looked at).
    fn reaches(&self, path: &Path) -> bool {
        let RunAs::User { uid, gid, .. } = self else {
            return true;
        };
        path.ancestors().all(|folder| {
            let Ok(metadata) = fs::metadata(folder) else {
                return false;
            };
            let mode = metadata.mode();
            if metadata.uid() == *uid {
                mode & 0o100 != 0
            } else if metadata.gid() == *gid {
                mode & 0o010 != 0
            } else {
                mode & 0o001 != 0
            }
        })
    }
}

fn give_all(path: &Path, uid: u32, gid: u32) -> Result<(), EmbeddedError> {
    if fs::symlink_metadata(path)
        .map_err(EmbeddedError::folder("read", path))?
        .is_dir()
    {
        for entry in fs::read_dir(path).map_err(EmbeddedError::folder("read", path))? {
            give_all(
                &entry.map_err(EmbeddedError::folder("read", path))?.path(),
                uid,
                gid,
            )?;
        }
    }
    // The folder itself comes last: an interrupted run is taken up again, because its owner is what `give` looks at.
    lchown(path, Some(uid), Some(gid)).map_err(EmbeddedError::folder("change the owner of", path))
}

/// A user of `/etc/passwd`.
fn user(name: &str, passwd: &str) -> Option<RunAs> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [found, _, uid, gid, ..] if *found == name => Some(RunAs::User {
                name: name.to_owned(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
            }),
            _ => None,
        }
    })
}

/// Twelve hex digits that stand for a path.
pub(super) fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hex::encode(digest).chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn users_are_read_from_passwd() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104::/var/lib/postgresql:/bin/bash\nbroken\n";
        assert_eq!(
            user("postgres", passwd),
            Some(RunAs::User {
                name: "postgres".to_owned(),
                uid: 101,
                gid: 104
            })
        );
        assert_eq!(user("nobody", passwd), None);
        assert_eq!(user("broken", passwd), None);
    }

    #[test]
    fn a_private_folder_is_out_of_reach_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let stranger = RunAs::User {
            name: "stranger".to_owned(),
            uid: 4_000_000,
            gid: 4_000_000,
        };
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.reaches(&inner));
        assert!(stranger.reaches(Path::new("/")));
        assert!(!stranger.reaches(&folder.path().join("missing")));
        assert!(RunAs::Ourselves.reaches(&inner));
    }

    #[test]
    fn where_nothing_else_works_root_puts_the_data_where_another_user_reaches_it() {
        if !keeper::is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (user, data) = RunAs::elsewhere(folder.path(), Path::new("/usr/bin")).unwrap();
        assert!(
            user.uid() != 0 && user.reaches(&data),
            "{user} {}",
            data.display()
        );
        assert!(!data.starts_with(folder.path()));
        // The same folder leads to the same place, so a second start finds its data.
        assert_eq!(
            RunAs::elsewhere(folder.path(), Path::new("/usr/bin")),
            Some((user, data.clone()))
        );
        fs::remove_dir(data).unwrap();
    }
}

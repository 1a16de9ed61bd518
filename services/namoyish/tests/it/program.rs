//! The program under test: started with folders and ports of its own, asked whether it is ready, interrupted or killed.

use crate::http::Client;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// The longest start: a cluster is made on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(90);
const ENDED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EACH: Duration = Duration::from_millis(20);

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A folder that a server which runs as another user can reach too.
pub fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Waits until `check` has a value; tells what was waited for when it never has.
pub async fn until<T>(what: &str, within: Duration, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(
            begun.elapsed() < within,
            "{what}: not within {} s",
            within.as_secs()
        );
        tokio::time::sleep(LOOK_EACH).await;
    }
}

/// How a program is started.
#[derive(Debug, Clone)]
pub struct Start {
    folder: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Start {
    /// With its data and log below `folder`. Nothing of the test's environment reaches it but where programs are.
    pub fn new(folder: &Path, arguments: &[&str]) -> Start {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let start = Start {
            folder: folder.to_owned(),
            arguments,
            environment: Vec::new(),
        };
        start
            .with("NAMOYISH_DATA__DIR", folder.join("data").display())
            .with("NAMOYISH_OBTAIN", "never")
            .with("NAMOYISH_METRICS__LISTEN", "")
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Start {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Listens for ads on this port and writes it into its URLs.
    pub fn with_delivery_port(self, port: u16) -> Start {
        self.with("NAMOYISH_DELIVERY__LISTEN", format!("127.0.0.1:{port}"))
            .with(
                "NAMOYISH_DELIVERY__PUBLIC_URL",
                format!("http://127.0.0.1:{port}"),
            )
    }

    pub fn with_orders_port(self, port: u16) -> Start {
        self.with("NAMOYISH_ORDERS__LISTEN", format!("127.0.0.1:{port}"))
            .with("NAMOYISH_ORDERS__PUBLIC_URL", format!("http://127.0.0.1:{port}"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_namoyish"));
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .kill_on_drop(true);
        for name in ["PATH", "HOME", "USER", "TMPDIR", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self) -> Program {
        let log = self.folder.join("log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = self
            .command()
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Program { child, log }
    }

    /// For a program that ends by itself.
    pub async fn output(&self) -> Output {
        let ended = self
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output();
        tokio::time::timeout(ENDED_WITHIN, ended)
            .await
            .expect("it ends by itself")
            .unwrap()
    }
}

/// A running program; killed when dropped.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `GET /readyz` of this port is answered with 200.
    pub async fn ready_at(&mut self, port: u16) {
        let begun = Instant::now();
        loop {
            if let Ok(answer) = Client::of_port(port).get("/readyz", &[]).await
                && answer.status == 200
            {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            let in_time = begun.elapsed() < READY_WITHIN;
            assert!(
                ended.is_none() && in_time,
                "not ready ({ended:?}); its log:\n{}",
                self.log()
            );
            tokio::time::sleep(LOOK_EACH).await;
        }
    }

    /// What Ctrl-C sends; answers how it ended.
    pub async fn interrupt(mut self) -> ExitStatus {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().await.unwrap();
        assert!(sent.success(), "kill -INT {id}");
        match tokio::time::timeout(ENDED_WITHIN, self.child.wait()).await {
            Ok(ended) => ended.unwrap(),
            Err(_) => panic!("Ctrl-C doesn't end it; its log:\n{}", self.log()),
        }
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Process ids in files of this name below `folder`.
pub fn pids(folder: &Path, name: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(pids(&path, name));
        } else if entry.file_name() == name
            && let Some(first) = fs::read_to_string(&path).unwrap_or_default().lines().next()
        {
            found.push(first.trim().parse().unwrap());
        }
    }
    found
}

/// Whether a process is there and not merely waiting to be collected by its parent.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

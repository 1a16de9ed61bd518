//! Private servers: kept data, ends, refusals. Each test works in a temporary folder of its own.

use namoyish_runtime::embedded::{
    EmbeddedError, Launched, Obtain, Postgres, PostgresOptions, Redis, RedisOptions, StartPostgres,
    find_binaries, find_postgres, find_redis,
};
use sqlx::{Connection, PgConnection};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TEST: PostgresOptions = PostgresOptions { fsync: false };

/// What tests keep for each other: programs that had to be obtained, a cluster to copy.
const KEPT: &str = env!("CARGO_TARGET_TMPDIR");

/// Starts a cluster that is copied where the making of it is not what the test is about.
fn start(folder: &Path) -> Result<Postgres, EmbeddedError> {
    let binaries = find_postgres(Path::new(KEPT), Obtain::Allowed)?;
    Postgres::start_with(StartPostgres {
        binaries: &binaries,
        data: folder,
        options: TEST,
        made_before: Some(Path::new(KEPT)),
    })
}

fn start_redis(folder: &Path, persist: bool) -> Redis {
    let binary = find_redis(Path::new(KEPT), Obtain::Allowed).unwrap();
    Redis::start_with(&binary, folder, RedisOptions { persist }).unwrap()
}

/// Set for a copy of this test binary that is started to be killed.
const HELPER: &str = "NAMOYISH_TEST_HELPER_FOLDER";

async fn number_of(url: &str, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

async fn run(url: &str, sql: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn ask_redis(socket: &Path, command: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream
        .write_all(format!("{command}\r\nQUIT\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn is_alive(pid: u32) -> bool {
    // A child that has ended and is not waited for has no files left.
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok()
}

#[tokio::test]
async fn a_second_start_goes_on_where_the_first_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let first = Postgres::start(folder.path(), PostgresOptions { fsync: true }).unwrap();
    let url = first.url("postgres");
    run(
        &url,
        "create table kept (number bigint); insert into kept values (42)",
    )
    .await;
    assert!(
        url.starts_with("postgres://app@localhost/postgres?host="),
        "{url}"
    );
    first.stop();
    assert!(PgConnection::connect(&url).await.is_err());

    let second = Postgres::start(folder.path(), TEST).unwrap();
    assert_eq!(
        number_of(&second.url("postgres"), "select number from kept").await,
        42
    );
}

#[test]
fn redis_keeps_its_data_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let first = start_redis(folder.path(), true);
    assert!(first.url().starts_with("redis+unix:///"), "{}", first.url());
    assert!(ask_redis(&first.socket(), "SET kept 42").starts_with("+OK"));
    let socket = first.socket();
    first.stop();
    assert!(UnixStream::connect(socket).is_err());

    let second = start_redis(folder.path(), true);
    assert!(ask_redis(&second.socket(), "GET kept").contains("42"));
}

#[tokio::test]
async fn servers_listen_on_no_tcp_port() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = start(folder.path()).unwrap();
    let url = postgres.url("postgres");
    let empty = "select count(*) from pg_settings where name = 'listen_addresses' and setting = ''";
    assert_eq!(number_of(&url, empty).await, 1);
    let redis = start_redis(folder.path(), false);
    assert!(ask_redis(&redis.socket(), "CONFIG GET port").contains("\r\n0\r\n"));
}

#[tokio::test]
async fn two_clusters_run_side_by_side() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = start(one.path()).unwrap();
    let second = start(other.path()).unwrap();
    run(&first.url("postgres"), "create table only_here (number bigint)").await;
    let count = "select count(*) from pg_tables where tablename = 'only_here'";
    assert_eq!(number_of(&first.url("postgres"), count).await, 1);
    assert_eq!(number_of(&second.url("postgres"), count).await, 0);
}

#[test]
fn one_launcher_at_a_time_owns_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path()).unwrap();
    let refused = start(folder.path()).unwrap_err();
    assert!(matches!(refused, EmbeddedError::InUse { .. }), "{refused}");
    first.stop();
    start(folder.path()).unwrap();
}

#[tokio::test]
async fn a_deep_folder_with_odd_characters_works() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder
        .path()
        .join("oʻzbek papka, 'bir'")
        .join("a-folder-with-a-long-name/".repeat(6));
    let postgres = start(&deep).unwrap();
    assert_eq!(number_of(&postgres.url("postgres"), "select 1::bigint").await, 1);
    let near = folder.path().join("ʻa 'b");
    let postgres = start(&near).unwrap();
    assert_eq!(number_of(&postgres.url("postgres"), "select 2::bigint").await, 2);
    let redis = start_redis(&near, false);
    assert!(ask_redis(&redis.socket(), "PING").starts_with("+PONG"));
}

/// As root, a folder that user `postgres` can't reach: a clone in root's own home. For anybody else nothing is special.
#[tokio::test]
async fn a_folder_that_only_its_owner_reaches_works() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let data = folder.path().join("clone/var");
    let postgres = start(&data).unwrap();
    assert_eq!(number_of(&postgres.url("postgres"), "select 1::bigint").await, 1);
    let used = postgres.folder().to_owned();
    match postgres.run_as() {
        Launched::Ourselves | Launched::Namespace => {
            let owner = std::fs::metadata(folder.path()).unwrap().uid();
            assert_eq!(
                std::fs::metadata(used.join("data/PG_VERSION")).unwrap().uid(),
                owner
            );
        }
        // Where user namespaces are refused the data lies elsewhere.
        Launched::User { .. } => {
            assert!(!used.starts_with(folder.path()));
            drop(postgres);
            std::fs::remove_dir_all(used.parent().unwrap()).unwrap();
        }
    }
}

#[test]
fn a_stale_pid_file_of_a_killed_server_does_not_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path()).unwrap();
    let cluster = first.folder().join("data");
    first.stop();
    // Our own number: alive, and no PostgreSQL.
    let stale = format!(
        "{}\n{}\n1700000000\n5432\n\n\n\nready\n",
        std::process::id(),
        cluster.display()
    );
    std::fs::write(cluster.join("postmaster.pid"), stale).unwrap();
    start(folder.path()).unwrap();
}

#[test]
fn a_broken_cluster_says_what_its_log_says() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path()).unwrap();
    let cluster = first.folder().join("data");
    first.stop();
    std::fs::write(cluster.join("postgresql.conf"), "no_such_setting = 1\n").unwrap();
    let refused = start(folder.path()).unwrap_err();
    assert!(
        matches!(&refused, EmbeddedError::Ended { log, .. } if log.contains("no_such_setting")),
        "{refused}"
    );
}

/// Not a test of its own: what a killed program does until then. Without the variable it does nothing.
#[test]
fn helper_that_starts_servers_and_waits() {
    let Some(folder) = std::env::var_os(HELPER).map(PathBuf::from) else {
        return;
    };
    let postgres = start(&folder).unwrap();
    let redis = start_redis(&folder, true);
    println!("\npids {} {}", postgres.pid().unwrap(), redis.pid().unwrap());
    // Ends when it is killed, or when the test that started it is gone and closes the pipe.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(1);
}

#[cfg(target_os = "linux")]
#[test]
fn servers_end_with_the_program_even_when_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut helper = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "embedded::helper_that_starts_servers_and_waits",
            "--nocapture",
        ])
        .env(HELPER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(helper.stdout.take().unwrap()).lines();
    let pids: Vec<u32> = lines
        .map_while(Result::ok)
        .find_map(|line| {
            Some(
                line.strip_prefix("pids ")?
                    .split(' ')
                    .map(|pid| pid.parse().unwrap())
                    .collect::<Vec<u32>>(),
            )
        })
        .expect("the helper starts both servers");
    assert!(pids.iter().all(|pid| is_alive(*pid)));

    helper.kill().unwrap();
    helper.wait().unwrap();
    let begun = Instant::now();
    while pids.iter().any(|pid| is_alive(*pid)) {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "servers {pids:?} outlive their program"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    // And the folder is free again, with nothing stale in it.
    start(folder.path()).unwrap();
    start_redis(folder.path(), true);
}

/// Environment variables belong to the process, so the search without any server runs in a process of its own.
#[test]
fn helper_that_searches() {
    let Some(folder) = std::env::var_os("NAMOYISH_TEST_SEARCH_FOLDER").map(PathBuf::from) else {
        return;
    };
    let refused = find_postgres(&folder, Obtain::Never).unwrap_err();
    println!("\nrefused: {refused}");
}

#[test]
fn a_missing_server_says_what_was_tried_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::helper_that_searches", "--nocapture"])
        .env("NAMOYISH_TEST_SEARCH_FOLDER", folder.path())
        .env("NAMOYISH_POSTGRES_BIN", folder.path().join("nowhere"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    for due in [
        "no PostgreSQL was found",
        "nowhere: no `postgres` there",
        "apt-get install postgresql",
        "DATABASE_URL",
    ] {
        assert!(said.contains(due), "missing {due:?} in:\n{said}");
    }
}

#[test]
fn both_servers_are_reported_with_their_versions() {
    let (postgres, redis) = find_binaries(Path::new(KEPT), Obtain::Allowed);
    let (postgres, redis) = (postgres.unwrap(), redis.unwrap());
    assert!(postgres.version.starts_with(&postgres.major.to_string()));
    assert!(redis.program.is_file());
    assert!(!redis.version.is_empty());
}

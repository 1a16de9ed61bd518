//! A database a test: a copy of a template that the migrations ran into once.
//!
//! One thread of the binary, the steward, makes and removes databases over one connection: tests come each with a
//! runtime of their own, and a connection can't outlive the runtime that it was made in.

use crate::servers::{fail, postgres};
use namoyish_storage::Store;
use namoyish_storage::databases::{DatabaseName, Server};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A fresh, migrated database. Removed when dropped; keep it as long as its pool is used.
#[derive(Debug)]
pub struct TestDatabase {
    name: DatabaseName,
    pool: PgPool,
}

impl TestDatabase {
    /// Makes a database. Takes some 30 ms in memory; the first one of a binary starts the cluster.
    pub async fn create() -> TestDatabase {
        let (answer, made) = oneshot::channel();
        let steward = tokio::task::spawn_blocking(steward)
            .await
            .unwrap_or_else(|error| fail("no steward", &error));
        let sent = steward.send(Job::Make(answer));
        let made = if sent.is_ok() { made.await.ok() } else { None };
        let Some(name) = made else {
            panic!("the steward of the test databases has ended; its panic is above")
        };
        let pool = PgPoolOptions::new()
            .max_connections(10)
            .acquire_timeout(Duration::from_secs(20))
            .connect(&postgres().url(name.as_str()))
            .await
            .unwrap_or_else(|error| fail("can't connect to the test database", &error));
        TestDatabase { name, pool }
    }

    /// The URL, for programs that connect by themselves.
    pub fn url(&self) -> String {
        postgres().url(self.name.as_str())
    }

    /// A pool of ten connections, on the runtime of the test that made the database.
    pub fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// The store over that pool.
    pub fn store(&self) -> Store {
        Store::from_pool(self.pool.clone())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // Best effort: what is left ends with the cluster.
        let _ = steward().send(Job::Remove(self.name.clone()));
    }
}

enum Job {
    Make(oneshot::Sender<DatabaseName>),
    Remove(DatabaseName),
}

fn steward() -> &'static mpsc::UnboundedSender<Job> {
    static STEWARD: OnceLock<mpsc::UnboundedSender<Job>> = OnceLock::new();
    STEWARD.get_or_init(|| {
        let (sender, receiver) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap_or_else(|error| fail("no runtime for the steward", &error));
        // Not joined: it ends with the process.
        std::thread::spawn(move || runtime.block_on(work(receiver)));
        sender
    })
}

async fn work(mut jobs: mpsc::UnboundedReceiver<Job>) {
    let name = |text: &str| DatabaseName::parse(text).unwrap_or_else(|error| fail("bad name", &error));
    let template = name("namoyish_template");
    let mut server = connect().await;
    if let Err(error) = server.create(&template).await {
        fail("can't make the template", &error);
    }
    migrate(&template).await;
    let mut count = 0u32;
    while let Some(job) = jobs.recv().await {
        match job {
            Job::Make(answer) => {
                count += 1;
                let made = name(&format!("test_{count}"));
                if let Err(error) = server.create_from(&made, &template).await {
                    fail("can't make a test database", &error);
                }
                let _ = answer.send(made);
            }
            Job::Remove(name) => {
                if let Err(error) = server.remove(&name).await {
                    eprintln!("the test database {} is left: {error}", name.as_str());
                }
            }
        }
    }
}

async fn connect() -> Server {
    Server::connect(&postgres().url("postgres"))
        .await
        .unwrap_or_else(|error| fail("can't connect to the test cluster", &error))
}

async fn migrate(template: &DatabaseName) {
    let store = Store::connect(&postgres().url(template.as_str()), 1)
        .await
        .unwrap_or_else(|error| fail("can't connect to the template", &error));
    if let Err(error) = store.migrate().await {
        fail("the migrations fail", &error);
    }
    // Nobody may be connected to a template while it is copied.
    store.close().await;
}

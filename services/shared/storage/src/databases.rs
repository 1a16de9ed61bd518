//! Making and removing whole databases of a server: the first start of the platform, and the test harness.

use crate::DbError;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

statements! {
    EXISTS = "select exists (select from pg_database where datname = $1)";
}

/// A connection to a server, for what is outside of any database of ours. The statements here can't be prepared or
/// take parameters; names are checked instead ([`DatabaseName`]).
#[derive(Debug)]
pub struct Server {
    connection: PgConnection,
}

/// The name of a database: lower-case letters, digits and underscores, at most 63.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseName(String);

/// The text can't be the name of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a database name of 1 to 63 lower-case letters, digits and underscores")]
pub struct DatabaseNameError(pub String);

impl DatabaseName {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<DatabaseName, DatabaseNameError> {
        let fits = (1..=63).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if fits {
            Ok(DatabaseName(text.to_owned()))
        } else {
            Err(DatabaseNameError(text.chars().take(80).collect()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Server {
    /// Connects; `url` names a database that exists, such as `postgres`.
    pub async fn connect(url: &str) -> Result<Server, DbError> {
        Ok(Server {
            connection: PgConnection::connect(url).await?,
        })
    }

    /// Whether the database exists.
    pub async fn has(&mut self, name: &DatabaseName) -> Result<bool, DbError> {
        Ok(sqlx::query_scalar(EXISTS)
            .bind(name.as_str())
            .fetch_one(&mut self.connection)
            .await?)
    }

    /// Makes an empty database, unless it exists.
    pub async fn create(&mut self, name: &DatabaseName) -> Result<(), DbError> {
        if self.has(name).await? {
            return Ok(());
        }
        self.run(format!("create database {}", name.as_str())).await
    }

    /// Makes a database that is a copy of `template`, to which nobody may be connected.
    pub async fn create_from(&mut self, name: &DatabaseName, template: &DatabaseName) -> Result<(), DbError> {
        self.run(format!(
            "create database {} template {}",
            name.as_str(),
            template.as_str()
        ))
        .await
    }

    /// Removes a database if it exists, ending its connections.
    pub async fn remove(&mut self, name: &DatabaseName) -> Result<(), DbError> {
        self.run(format!("drop database if exists {} with (force)", name.as_str()))
            .await
    }

    async fn run(&mut self, statement: String) -> Result<(), DbError> {
        // The names in it are DatabaseNames: they need no quotes and hold nothing that ends a statement.
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_end_a_statement_are_refused() {
        assert_eq!(DatabaseName::parse("test_1").unwrap().as_str(), "test_1");
        for text in ["", "Test", "a b", "a;drop", "a\"b", "ў", &"a".repeat(64)] {
            assert!(DatabaseName::parse(text).is_err(), "{text}");
        }
    }
}

//! What can go wrong with the database, told apart by what the caller can do about it.

/// A failed statement. Unique and check violations carry the constraint's name, so that a service can turn the ones it
/// expects into its own refusal.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A constraint refused the row: not our invariant's breach but a rule told by the database.
    #[error("constraint {constraint} refused the row")]
    Constraint {
        /// Name of the constraint as the migration gives it.
        constraint: String,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// A row that must exist doesn't, or has a value that no code wrote.
    #[error("the database is inconsistent: {0}")]
    Inconsistent(String),
    /// Serialization failure, deadlock or a lock that was not to be had in time: the same transaction may succeed when tried again.
    #[error("the transaction lost a race and may be tried again")]
    Retry(#[source] sqlx::Error),
    /// The server can't be reached, or anything else.
    #[error("the database failed")]
    Failed(#[source] sqlx::Error),
}

impl DbError {
    /// Whether this is the refusal of the constraint with this name.
    pub fn is_constraint(&self, name: &str) -> bool {
        matches!(self, DbError::Constraint { constraint, .. } if constraint == name)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> DbError {
        if let sqlx::Error::Database(database) = &error {
            if matches!(database.code().as_deref(), Some("40001" | "40P01" | "55P03")) {
                return DbError::Retry(error);
            }
            if let Some(constraint) = database.constraint() {
                return DbError::Constraint {
                    constraint: constraint.to_owned(),
                    source: error,
                };
            }
        }
        DbError::Failed(error)
    }
}

impl From<namoyish_domain::money::MoneyError> for DbError {
    fn from(error: namoyish_domain::money::MoneyError) -> DbError {
        DbError::Inconsistent(error.to_string())
    }
}

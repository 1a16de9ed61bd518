//! Passwords: argon2id, away from the threads that serve requests, and few at a time.
//!
//! A hash takes 19 MiB and tens of milliseconds by design, so hashing runs on the blocking pool behind a semaphore: a
//! flood of sign-ins waits in line and takes neither the memory nor the processor from the pages.
//!
//! An unknown login is checked against a hash of nobody's password, so that the answer takes as long as for a known one.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// The most bytes of a password: more would only make hashing dearer.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// How many passwords are hashed at once.
const AT_ONCE_MAX: usize = 2;

/// A hash, with the parameters in use, that no password was kept for.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$ZmCbHnpPGjAdWmXhHUXVyFjAUwhbMMWQCvh5W3jjD8I";

/// Hashing failed inside: not a wrong password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The password could not be hashed.
    #[error("hashing a password failed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The hashing task ended early.
    #[error("the hashing task ended early")]
    Ended,
}

/// Hashes and verifies passwords; clones share the semaphore.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords {
            turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        }
    }
}

impl Passwords {
    /// The PHC string of a password with a salt that the caller drew.
    pub async fn hash(&self, password: String, salt: [u8; 16]) -> Result<String, PasswordError> {
        self.in_turn(move || {
            let hash: PasswordHash = Argon2::default()
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map_err(PasswordError::Hash)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one of this hash. Without a hash the same work is done and the answer is no.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        self.in_turn(move || {
            let known = hash.is_some();
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))
                .map_err(|error| PasswordError::Hash(error.into()))?;
            Ok(Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
                && known)
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = self
            .turns
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Ended)?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(|_| PasswordError::Ended)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash("tilla-baliq-7".into(), [7; 16]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            passwords
                .verify("tilla-baliq-7".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify("tilla-baliq-8".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(!passwords.verify(String::new(), Some(hash.clone())).await.unwrap());
        assert_ne!(
            passwords.hash("tilla-baliq-7".into(), [8; 16]).await.unwrap(),
            hash
        );
    }

    #[tokio::test]
    async fn nobody_has_a_password() {
        let passwords = Passwords::default();
        // The stand-in is well formed and costs what a user's hash costs, or its check would be told by the clock.
        assert!(PasswordHash::new(NOBODY).is_ok());
        assert!(NOBODY.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!passwords.verify("anything".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_broken_hash_is_an_error_and_no_sign_in() {
        assert!(
            Passwords::default()
                .verify("x".into(), Some("plain text".into()))
                .await
                .is_err()
        );
    }
}

//! One signal that tells every part of the program to end.
//!
//! Ctrl-C and SIGTERM begin it ([`Shutdown::on_signals`]); servers stop accepting, finish what they have within their
//! limit, jobs end at their next step, and only then the embedded servers are stopped. A second Ctrl-C ends the program
//! at once: the journal and the database are made for that.

use std::sync::Arc;
use tokio::sync::watch;

/// Whether the program is to end; clones share it.
#[derive(Debug, Clone)]
pub struct Shutdown {
    begun: Arc<watch::Sender<bool>>,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown::new()
    }
}

impl Shutdown {
    /// One that begins only by [`Shutdown::begin`].
    pub fn new() -> Shutdown {
        Shutdown {
            begun: Arc::new(watch::Sender::new(false)),
        }
    }

    /// One that also begins on Ctrl-C and SIGTERM. Must be called within a tokio runtime.
    pub fn on_signals() -> std::io::Result<Shutdown> {
        use tokio::signal::unix::{SignalKind, signal};
        let shutdown = Shutdown::new();
        let begin = shutdown.clone();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::spawn(async move {
            let mut received = 0u32;
            loop {
                let name = tokio::select! {
                    _ = interrupt.recv() => "Ctrl-C",
                    _ = terminate.recv() => "SIGTERM",
                };
                received += 1;
                if received > 1 {
                    tracing::warn!(signal = name, "a second signal: ending at once");
                    std::process::exit(130);
                }
                tracing::info!(signal = name, "ending; once more to end at once");
                begin.begin();
            }
        });
        Ok(shutdown)
    }

    /// Begins the end; a second call changes nothing.
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Whether it has begun.
    pub fn is_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Waits until it begins.
    pub async fn wait(&self) {
        // The sender lives in `self`, so the channel can't close under this wait.
        let _ = self.begun.subscribe().wait_for(|begun| *begun).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_wait_are_told_also_those_who_come_late() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_begun());
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.wait().await }
        });
        shutdown.begin();
        shutdown.begin();
        waiting.await.unwrap();
        shutdown.wait().await;
        assert!(shutdown.is_begun());
    }
}

//! The ad server's sockets: a listener and a thread of its own for each core.
//!
//! The kernel spreads connections over the listeners of one port (`SO_REUSEPORT`); a connection stays with the thread
//! that took it, so that no task ever moves between cores (docs/decisions/0013). Connections are bounded: beyond the
//! limit new ones wait in the kernel's queue.
//!
//! At the end every thread stops accepting, ends its connections after the answer under way, and has ten seconds for it.

use super::connection::{self, Worker};
use super::date::Date;
use super::{Serving, router_of};
use crate::run::Delivery;
use axum::Router;
use namoyish_runtime::ids::Generator;
use namoyish_runtime::shutdown::Shutdown;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

/// Connections of one thread.
const CONNECTIONS_MAX: u32 = 16_384;
/// Connections that wait in the kernel to be accepted.
const BACKLOG: u32 = 1024;
/// How long connections may take to end.
const DRAIN_PATIENCE: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted (no file descriptors are left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The sockets of a node: as many as threads that serve.
#[derive(Debug)]
pub struct Listeners {
    sockets: Vec<std::net::TcpListener>,
    address: SocketAddr,
}

impl Listeners {
    /// Opens `threads` sockets at one address; 0: one for each core that this process may use. A port that another
    /// program serves is refused. Must be called inside a tokio runtime.
    pub fn open(address: SocketAddr, threads: usize) -> io::Result<Listeners> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        // Alone first: shared ports would let two nodes of one machine take turns by mistake.
        let alone = socket(address, false)?;
        let address = alone.local_addr()?;
        if threads == 1 {
            return Ok(Listeners {
                sockets: vec![alone],
                address,
            });
        }
        drop(alone);
        let sockets = (0..threads)
            .map(|_| socket(address, true))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Listeners { sockets, address })
    }

    /// Where they listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many there are.
    pub fn threads(&self) -> usize {
        self.sockets.len()
    }
}

fn socket(address: SocketAddr, is_shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(is_shared)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The HTTP server of a node.
pub struct AdServer {
    serving: Serving,
    router: Router,
    shutdown: Shutdown,
}

impl AdServer {
    /// The server with all its routes.
    pub fn new(delivery: Delivery, ids: Generator, shutdown: Shutdown) -> AdServer {
        let serving = Serving::new(delivery);
        let router = router_of(serving.clone(), ids, shutdown.clone());
        AdServer {
            serving,
            router,
            shutdown,
        }
    }

    /// Adds routes.
    pub fn merge(mut self, routes: Router) -> AdServer {
        self.router = self.router.merge(routes);
        self
    }

    /// Serves until the shutdown begins and its connections have ended.
    pub async fn serve(self, listeners: Listeners) -> io::Result<()> {
        let mut threads = Vec::new();
        for (n, socket) in listeners.sockets.into_iter().enumerate() {
            let worker = Worker {
                serving: self.serving.clone(),
                router: self.router.clone(),
                relay: self.serving.delivery.node.relay(),
                date: Date::default(),
                shutdown: self.shutdown.clone(),
            };
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let (tell, ended) = tokio::sync::oneshot::channel();
            std::thread::Builder::new()
                .name(format!("ads-{n}"))
                .spawn(move || {
                    // Nobody is left to hear it when the server was dropped.
                    let _ = tell.send(runtime.block_on(work(Arc::new(worker), socket)));
                })?;
            threads.push(ended);
        }
        for ended in threads {
            ended
                .await
                .map_err(|_| io::Error::other("a thread of the ad server panicked"))??;
        }
        Ok(())
    }
}

/// One thread's work.
async fn work(worker: Arc<Worker>, socket: std::net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(socket)?;
    let room = Arc::new(Semaphore::new(usize::try_from(CONNECTIONS_MAX).unwrap_or(1)));
    let relaying = tokio::spawn({
        let worker = Arc::clone(&worker);
        async move { worker.relay.run().await }
    });
    loop {
        let place = tokio::select! {
            () = worker.shutdown.wait() => break,
            place = Arc::clone(&room).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let (stream, peer) = tokio::select! {
            () = worker.shutdown.wait() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            },
        };
        let worker = Arc::clone(&worker);
        tokio::spawn(async move {
            serve_one(worker, stream, peer).await;
            drop(place);
        });
    }
    drop(listener);
    let ended = tokio::time::timeout(DRAIN_PATIENCE, room.acquire_many(CONNECTIONS_MAX)).await;
    if ended.is_err() {
        tracing::warn!(
            "requests were still under way after {} s and are cut off",
            DRAIN_PATIENCE.as_secs()
        );
    }
    relaying.abort();
    Ok(())
}

async fn serve_one(worker: Arc<Worker>, stream: TcpStream, peer: SocketAddr) {
    // Small answers must not wait for more to send.
    let _ = stream.set_nodelay(true);
    connection::serve(worker, stream, peer).await;
}

/// A client that hung up before it was accepted is nothing; a machine without file descriptors needs a pause.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        tracing::warn!(%error, "a connection could not be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

//! One connection: plain requests are answered here, one after the other and several that came together with one write;
//! the first that isn't plain takes the connection to the router for good.
//!
//! ```text
//! read → head::read ─ plain, and all is well → answer into the output → write when nothing more is in the buffer
//!                   └ anything else          → the bytes and the stream go to hyper and the router
//! ```
//!
//! Only an answer that says yes is written here. What is to be refused (a wrong key, a forged token, too many requests, a
//! full journal) was not acted upon yet, goes the other way too, and is refused by the handlers that know how.
//!
//! Bounded: the head, the body, the output, the time between two requests and the time that one may take.

use super::ads::{AdsQuestion, Asked, Scratch, key_of_bearer, write_answer};
use super::head::{Read, read};
use super::{BODY_BYTES_MAX, Serving};
use crate::geo::viewer_behind;
use crate::journal::Relay;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::{Buf, Bytes, BytesMut};
use hyper_util::rt::{TokioIo, TokioTimer};
use namoyish_runtime::shutdown::Shutdown;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tower::ServiceExt;

/// Bytes that are read at a time.
const READ_BYTES: usize = 4 * 1024;
/// The most that one request and the beginning of the next may take.
const INPUT_BYTES_MAX: usize = BODY_BYTES_MAX + 16 * 1024;
/// Answers that are gathered before they are written.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// How often a connection is looked at: a request that began before the last look is given up.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Looks without a request after which a connection is closed.
const IDLE_LOOKS_MAX: u32 = 9;
/// The longest that a client may take to read its answer.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

const COUNTED: &[u8] =
    b"HTTP/1.1 204 No Content\r\ncache-control: no-store\r\naccess-control-allow-origin: *\r\ndate: ";
const ADS: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
                     access-control-allow-origin: *\r\ncontent-length: ";

/// What the connections of one worker share.
pub(super) struct Worker {
    pub(super) serving: Serving,
    pub(super) router: Router,
    pub(super) relay: Relay,
    pub(super) date: super::date::Date,
    pub(super) shutdown: Shutdown,
}

/// What became of the requests in the buffer.
enum Answered {
    /// All of them; the rest is the beginning of another.
    All,
    /// The next one is for the router.
    Other,
}

/// Serves a connection until it ends.
pub(super) async fn serve(worker: Arc<Worker>, mut stream: TcpStream, peer: SocketAddr) {
    let mut connection = Connection {
        input: BytesMut::with_capacity(READ_BYTES),
        output: Vec::new(),
        body: Vec::new(),
        scratch: Scratch::default(),
    };
    match connection.run(&worker, &mut stream, peer).await {
        Ok(Answered::All) => {
            // Nobody is left to tell when the client has gone.
            let _ = stream.shutdown().await;
        }
        Ok(Answered::Other) => hand_over(&worker, stream, connection.input.freeze(), peer).await,
        Err(error) => tracing::debug!(%error, "a connection was lost"),
    }
}

struct Connection {
    input: BytesMut,
    output: Vec<u8>,
    body: Vec<u8>,
    scratch: Scratch,
}

impl Connection {
    /// [`Answered::All`]: the connection is to be closed.
    async fn run(
        &mut self,
        worker: &Worker,
        stream: &mut TcpStream,
        peer: SocketAddr,
    ) -> io::Result<Answered> {
        let mut ending = pin!(worker.shutdown.wait());
        let mut look = pin!(tokio::time::sleep(LOOK_EVERY));
        let (mut idle_looks, mut has_answered) = (0, false);
        loop {
            if !self.input.is_empty() {
                let before = self.input.len();
                let answered = self.answer_all(worker, stream, peer).await?;
                self.write(stream).await?;
                if matches!(answered, Answered::Other) || self.input.len() >= INPUT_BYTES_MAX {
                    return Ok(Answered::Other);
                }
                has_answered |= self.input.len() < before;
            }
            self.input.reserve(READ_BYTES);
            tokio::select! {
                biased;
                read = stream.read_buf(&mut self.input) => if read? == 0 {
                    return Ok(Answered::All);
                },
                () = &mut ending => return Ok(Answered::All),
                () = &mut look => {
                    idle_looks = if has_answered { 0 } else { idle_looks + 1 };
                    if idle_looks > if self.input.is_empty() { IDLE_LOOKS_MAX } else { 1 } {
                        return Ok(Answered::All);
                    }
                    has_answered = false;
                    look.as_mut().reset(tokio::time::Instant::now() + LOOK_EVERY);
                }
            }
        }
    }

    /// Answers every whole request of the input.
    async fn answer_all(
        &mut self,
        worker: &Worker,
        stream: &mut TcpStream,
        peer: SocketAddr,
    ) -> io::Result<Answered> {
        loop {
            let end = match read(&self.input) {
                Read::Partial => return Ok(Answered::All),
                Read::Other => return Ok(Answered::Other),
                Read::Ads {
                    authorization,
                    forwarded,
                    body,
                    end,
                } => {
                    let Ok(question) = serde_json::from_slice::<AdsQuestion<'_>>(body) else {
                        return Ok(Answered::Other);
                    };
                    let trusted = &worker.serving.delivery.node.settings().trusted_proxies;
                    let asked = Asked {
                        viewer: viewer_behind(peer.ip(), forwarded.into_iter(), trusted),
                        key: authorization.and_then(key_of_bearer),
                        question: &question,
                    };
                    self.body.clear();
                    if write_answer(&worker.serving, &asked, &mut self.scratch, &mut self.body).is_err() {
                        return Ok(Answered::Other);
                    }
                    self.output.extend_from_slice(ADS);
                    put_number(self.body.len(), &mut self.output);
                    self.output.extend_from_slice(b"\r\ndate: ");
                    self.put_date_and_end(worker);
                    self.output.extend_from_slice(&self.body);
                    end
                }
                Read::Event { kind, token, end } => {
                    let delivery = &worker.serving.delivery;
                    let counted = delivery
                        .node
                        .count_through(&worker.relay, token, kind, delivery.clock.now())
                        .await;
                    if counted.is_err() {
                        return Ok(Answered::Other);
                    }
                    self.output.extend_from_slice(COUNTED);
                    self.put_date_and_end(worker);
                    end
                }
            };
            self.input.advance(end);
            if self.input.is_empty() {
                return Ok(Answered::All);
            }
            if self.output.len() >= OUTPUT_BYTES_MAX {
                self.write(stream).await?;
            }
        }
    }

    fn put_date_and_end(&mut self, worker: &Worker) {
        worker.date.put(&worker.serving.delivery.clock, &mut self.output);
        self.output.extend_from_slice(b"\r\n\r\n");
    }

    async fn write(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        // Nearly always the socket takes it all at once.
        let written = match stream.try_write(&self.output) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if let Some(rest) = self.output.get(written..).filter(|rest| !rest.is_empty()) {
            tokio::time::timeout(WRITE_PATIENCE, stream.write_all(rest)).await??;
        }
        self.output.clear();
        Ok(())
    }
}

fn put_number(n: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut rest = n;
    let mut begin = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        begin -= 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(begin..).unwrap_or_default());
}

/// Goes on with hyper and the router, from the first byte that was not answered.
async fn hand_over(worker: &Worker, stream: TcpStream, begun: Bytes, peer: SocketAddr) {
    let router = worker.router.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(LOOK_EVERY * IDLE_LOOKS_MAX)
        .serve_connection(TokioIo::new(Rewound { begun, stream }), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = worker.shutdown.wait() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection was lost");
    }
}

/// A stream of which some bytes were read already.
struct Rewound {
    begun: Bytes,
    stream: TcpStream,
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.begun.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, to);
        }
        let bytes = self.begun.len().min(to.remaining());
        to.put_slice(&self.begun.split_to(bytes));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for n in [0, 7, 10, 873, 16_384, usize::MAX] {
            let mut text = Vec::new();
            put_number(n, &mut text);
            assert_eq!(text, n.to_string().as_bytes());
        }
    }
}

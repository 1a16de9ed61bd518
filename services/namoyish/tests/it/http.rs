//! A small HTTP/1.1 client that keeps its connection and may choose the address that it connects from.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpSocket;

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What went wrong on the way; the caller may try again.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.body))
    }
}

/// A client of one server.
pub struct Client {
    server: SocketAddr,
    from: Option<IpAddr>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub fn of_port(port: u16) -> Client {
        Client {
            server: SocketAddr::from(([127, 0, 0, 1], port)),
            from: None,
            connection: None,
        }
    }

    /// Connects from this address of the machine.
    pub fn from(self, address: &str) -> Client {
        Client {
            from: Some(address.parse().unwrap()),
            ..self
        }
    }

    pub async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, Broken> {
        self.send("GET", path, headers, String::new()).await
    }

    pub async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, Broken> {
        self.send("POST", path, headers, body).await
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, Broken> {
        let sent = tokio::time::timeout(PATIENCE, self.try_send(method, path, headers, body)).await;
        let answer = sent.unwrap_or_else(|_| Err("no answer in time".into()));
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    async fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, Broken> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.server.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.connect().await?,
        };
        connection.ready().await?;
        let response = connection.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        self.connection = Some(connection);
        Ok(Answer {
            status,
            body: String::from_utf8(body.to_vec())?,
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Broken> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = self.from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        let stream = socket.connect(self.server).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the connection.
        tokio::spawn(connection);
        Ok(sender)
    }
}

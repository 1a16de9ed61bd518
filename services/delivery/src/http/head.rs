//! The requests that are answered without a framework: asking for ads and calling an impression or viewable URL, in the
//! plain form in which nearly every client sends them.
//!
//! What isn't exactly of that form is [`Read::Other`], and goes to the router, bytes and all: other methods and paths,
//! a query, an escaped path, a body in chunks, a header twice, `Expect`, `Upgrade`, `Connection: close`. So nothing is
//! understood here in another way than there, and whatever is unusual has one place that knows it.

use super::BODY_BYTES_MAX;
use crate::journal::EventKind;

/// Most headers of a plain request.
const HEADERS_MAX: usize = 32;
/// The longest head of a plain request.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// What lies at the beginning of the bytes that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read<'a> {
    /// More bytes are needed.
    Partial,
    /// `POST /v1/ads`.
    Ads {
        /// The value of `Authorization`.
        authorization: Option<&'a str>,
        /// The value of `X-Forwarded-For`.
        forwarded: Option<&'a str>,
        /// Its body.
        body: &'a [u8],
        /// Where the next request begins.
        end: usize,
    },
    /// `GET` or `POST /v1/i/…`, `/v1/v/…`.
    Event {
        /// By its path.
        kind: EventKind,
        /// The last part of its path.
        token: &'a str,
        /// Where the next request begins.
        end: usize,
    },
    /// Anything else.
    Other,
}

/// The headers that matter, each at most once.
#[derive(Default)]
struct Told<'a> {
    authorization: Option<&'a [u8]>,
    forwarded: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
}

impl<'a> Told<'a> {
    /// `None`: a header that only the router understands.
    fn of(headers: &[httparse::Header<'a>]) -> Option<Told<'a>> {
        let mut told = Told::default();
        for header in headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            let place = match header.name.len() {
                6 if is("expect") => return None,
                7 if is("upgrade") => return None,
                10 if is("connection") => {
                    if !header.value.eq_ignore_ascii_case(b"keep-alive") {
                        return None;
                    }
                    continue;
                }
                13 if is("authorization") => &mut told.authorization,
                14 if is("content-length") => &mut told.length,
                15 if is("x-forwarded-for") => &mut told.forwarded,
                17 if is("transfer-encoding") => return None,
                _ => continue,
            };
            if place.replace(header.value).is_some() {
                return None;
            }
        }
        Some(told)
    }

    fn body_bytes(&self) -> Option<usize> {
        let Some(digits) = self.length else {
            return Some(0);
        };
        let is_number = !digits.is_empty() && digits.len() <= 6 && digits.iter().all(u8::is_ascii_digit);
        let number = is_number.then(|| {
            digits
                .iter()
                .fold(0, |n, digit| n * 10 + usize::from(digit - b'0'))
        });
        number.filter(|bytes| *bytes <= BODY_BYTES_MAX)
    }
}

/// Reads what lies at the beginning of `bytes`.
pub(super) fn read<'b>(bytes: &'b [u8]) -> Read<'b> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Read::Partial,
        Ok(httparse::Status::Partial) | Err(_) => return Read::Other,
    };
    let (Some(method), Some(path), Some(1)) = (request.method, request.path, request.version) else {
        return Read::Other;
    };
    let Some(told) = Told::of(request.headers) else {
        return Read::Other;
    };
    let Some(body_bytes) = told.body_bytes() else {
        return Read::Other;
    };
    let end = head + body_bytes;
    let text = |value: Option<&'b [u8]>| value.map(std::str::from_utf8).transpose();
    if path == "/v1/ads" {
        let (Ok(authorization), Ok(forwarded)) = (text(told.authorization), text(told.forwarded)) else {
            return Read::Other;
        };
        if method != "POST" {
            return Read::Other;
        }
        return match bytes.get(head..end) {
            None => Read::Partial,
            Some(body) => Read::Ads {
                authorization,
                forwarded,
                body,
                end,
            },
        };
    }
    let of_kind = |prefix: &str, kind: EventKind| path.strip_prefix(prefix).map(|token| (kind, token));
    let event = of_kind("/v1/i/", EventKind::Impression).or_else(|| of_kind("/v1/v/", EventKind::Viewable));
    match event {
        Some((kind, token))
            if matches!(method, "GET" | "POST")
                && !token.is_empty()
                && token
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) =>
        {
            if bytes.len() < end {
                Read::Partial
            } else {
                Read::Event { kind, token, end }
            }
        }
        _ => Read::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADS: &str = "POST /v1/ads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer pk\r\nX-Forwarded-For: 192.0.2.1\r\n\
                       Content-Length: 21\r\n\r\n{\"placements\":[\"top\"]}";

    #[test]
    fn a_plain_question_is_read_with_what_matters_of_its_headers() {
        let Read::Ads {
            authorization,
            forwarded,
            body,
            end,
        } = read(ADS.as_bytes())
        else {
            panic!("a plain question");
        };
        assert_eq!((authorization, forwarded), (Some("Bearer pk"), Some("192.0.2.1")));
        assert_eq!(body, b"{\"placements\":[\"top\"]");
        assert_eq!(end, ADS.len() - 1);
    }

    #[test]
    fn every_cut_of_a_plain_request_waits_for_more() {
        for text in [
            ADS.trim_end_matches('}'),
            "GET /v1/i/abc-_1 HTTP/1.1\r\nHost: x\r\n\r\n",
        ] {
            for end in 0..text.len() {
                assert_eq!(read(&text.as_bytes()[..end]), Read::Partial, "cut at {end}");
            }
            assert_ne!(read(text.as_bytes()), Read::Partial);
        }
    }

    #[test]
    fn an_event_is_read_by_its_path() {
        for (start, kind) in [
            ("GET /v1/i/", EventKind::Impression),
            ("POST /v1/v/", EventKind::Viewable),
        ] {
            let text = format!("{start}a-_9 HTTP/1.1\r\nhost: x\r\nconnection: Keep-Alive\r\n\r\nGET");
            let end = text.len() - 3;
            let token = "a-_9";
            assert_eq!(read(text.as_bytes()), Read::Event { kind, token, end });
        }
    }

    #[test]
    fn whatever_is_unusual_is_for_the_router() {
        let with = |header: &str| {
            format!("POST /v1/ads HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{header}\r\n\r\n{{}}")
        };
        let headers = [
            "Transfer-Encoding: chunked",
            "transfer-encoding: identity",
            "Content-Length: 2",
            "Content-Length: 3",
            "Expect: 100-continue",
            "Upgrade: h2c",
            "Connection: close",
            "Connection: keep-alive, Upgrade",
            "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2",
            "Authorization: a\r\nauthorization: b",
            "X-Forwarded-For: \u{e9}\u{80}",
            " folded: x",
            "no colon",
        ];
        for header in headers {
            let is_text = header == "X-Forwarded-For: \u{e9}\u{80}";
            assert_eq!(read(with(header).as_bytes()) == Read::Other, !is_text, "{header}");
        }
        for line in [
            "GET /v1/ads HTTP/1.1",
            "POST /v1/ads?x=1 HTTP/1.1",
            "POST /v1/ads/ HTTP/1.1",
            "POST http://x/v1/ads HTTP/1.1",
            "POST /v1/ads HTTP/1.0",
            "HEAD /v1/i/abc HTTP/1.1",
            "GET /v1/i/ HTTP/1.1",
            "GET /v1/i/a%2Db HTTP/1.1",
            "GET /v1/i/abc?x HTTP/1.1",
            "GET /v1/i/a/b HTTP/1.1",
            "GET /v1/c/abc HTTP/1.1",
            "OPTIONS /v1/ads HTTP/1.1",
            "PRI * HTTP/2.0",
        ] {
            assert_eq!(
                read(format!("{line}\r\nHost: x\r\n\r\n").as_bytes()),
                Read::Other,
                "{line}"
            );
        }
        for length in ["", "+2", "-1", "2a", "0x2", "16385", "99999999999999999999"] {
            let text = format!("POST /v1/ads HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{{}}");
            assert_eq!(read(text.as_bytes()), Read::Other, "{length}");
        }
        let many = "a: b\r\n".repeat(HEADERS_MAX + 1);
        assert_eq!(
            read(format!("GET /v1/i/a HTTP/1.1\r\n{many}\r\n").as_bytes()),
            Read::Other
        );
        let long = format!("GET /v1/i/a HTTP/1.1\r\nx: {}", "y".repeat(HEAD_BYTES_MAX));
        assert_eq!(read(long.as_bytes()), Read::Other);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_no_request_ends_behind_them(
            start in prop_oneof![Just(ADS), Just("GET /v1/i/abc HTTP/1.1\r\nHost: x\r\n\r\n"), Just("")],
            at in any::<prop::sample::Index>(),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut all = start.as_bytes().to_vec();
            let at = at.index(all.len() + 1);
            all.splice(at..at, bytes);
            if let Read::Ads { end, .. } | Read::Event { end, .. } = read(&all) {
                prop_assert!(end <= all.len());
            }
        }
    }
}

//! Sending mail: through an SMTP server, or into a folder where none is set.
//!
//! The `Message-ID`, the `Date` and the MIME boundary follow from the outbox's id and instant, so a message that is
//! sent again after a crash is the same message, which mail servers and readers can tell. The outbox itself (what is to
//! be sent, how often it was tried) is `mail_outbox`, not here. Each message has a connection of its own: the platform
//! sends some documents a month, and a pool would tie the mailer to one async runtime.

use crate::settings::MailSettings;
use lettre::message::header::{ContentType, Date};
use lettre::message::{Attachment as MimeAttachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Tokio1Executor};
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::MailId;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one message may take in all. Its row in the outbox stays locked meanwhile, by a transaction that the database
/// ends after 60 idle seconds: a message that took longer would be out, but not marked as sent, and go out again.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long one step of the conversation with the server may take.
const STEP_PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of attachments in one message: what mail servers commonly take is 25 MB with the encoding.
pub const ATTACHMENT_BYTES_MAX: usize = 16 << 20;

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its row in the outbox.
    pub id: MailId,
    /// When it was put there.
    pub at: Timestamp,
    /// The address, "a@b" or "Name <a@b>".
    pub to: String,
    /// The subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// Files.
    pub attachments: Vec<Attachment>,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// File name.
    pub name: String,
    /// "application/pdf".
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address can't be read.
    #[error("`{address}` is not a mail address")]
    Address {
        /// As it was given.
        address: String,
    },
    /// The attachments are too large together.
    #[error("attachments of {bytes} bytes are more than {ATTACHMENT_BYTES_MAX}")]
    TooLarge {
        /// How large they are.
        bytes: usize,
    },
    /// The message can't be built.
    #[error("the message can't be built: {0}")]
    Build(String),
    /// The settings of the server can't be used.
    #[error("the mail server's settings can't be used: {0}")]
    Settings(String),
    /// The server refused for good.
    #[error("the mail server refused the message: {0}")]
    Refused(String),
    /// The server can't be reached or asks to come back later.
    #[error("the mail server did not take the message now: {0}")]
    Later(String),
    /// The folder can't be written to.
    #[error("can't write {}", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl MailError {
    /// Whether the same message can never be sent, so that trying again is of no use.
    pub fn is_permanent(&self) -> bool {
        matches!(
            self,
            MailError::Address { .. }
                | MailError::TooLarge { .. }
                | MailError::Build(_)
                | MailError::Refused(_)
        )
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            MailError::Address { .. } => "mail_address",
            MailError::TooLarge { .. } => "mail_too_large",
            MailError::Build(_) => "mail_build",
            MailError::Settings(_) => "mail_settings",
            MailError::Refused(_) => "mail_refused",
            MailError::Later(_) => "mail_later",
            MailError::Folder { .. } => "mail_folder",
        }
    }
}

/// Sends messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Mailer {
    /// SMTP when a server is set, else the folder; `data` is what a relative folder lies in.
    pub fn from_settings(settings: &MailSettings, data: &Path) -> Result<Mailer, MailError> {
        if settings.smtp_url.is_empty() {
            Mailer::folder(&data.join(&settings.folder), &settings.from)
        } else {
            Mailer::smtp(settings.smtp_url.expose(), &settings.from)
        }
    }

    /// Sends through a server: `smtps://user:password@host:465`, `smtp://host:587?tls=required`, `smtp://localhost:25`.
    pub fn smtp(url: &str, from: &str) -> Result<Mailer, MailError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            // The error's own text could repeat the URL with its password.
            .map_err(|_| MailError::Settings("mail.smtp_url is not an SMTP URL".to_owned()))?
            .timeout(Some(STEP_PATIENCE))
            .build();
        Ok(Mailer {
            from: address(from)?,
            way: Way::Smtp(transport),
        })
    }

    /// Writes each message as `<id>.eml` into a folder.
    pub fn folder(folder: &Path, from: &str) -> Result<Mailer, MailError> {
        Ok(Mailer {
            from: address(from)?,
            way: Way::Folder(folder.to_owned()),
        })
    }

    /// The folder that messages go to, when they go to one.
    pub fn sink(&self) -> Option<&Path> {
        match &self.way {
            Way::Folder(folder) => Some(folder),
            Way::Smtp(_) => None,
        }
    }

    /// Sends one message, within a minute.
    pub async fn send(&self, message: &Message) -> Result<(), MailError> {
        let mime = self.build(message)?;
        match &self.way {
            Way::Smtp(transport) => match tokio::time::timeout(PATIENCE, transport.send(mime)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) if error.is_permanent() => {
                    Err(MailError::Refused(crate::problem::chain(&error)))
                }
                Ok(Err(error)) => Err(MailError::Later(crate::problem::chain(&error))),
                Err(_) => Err(MailError::Later(format!(
                    "no answer within {} s",
                    PATIENCE.as_secs()
                ))),
            },
            Way::Folder(folder) => write(folder, message.id, &mime.formatted()).await,
        }
    }

    fn build(&self, message: &Message) -> Result<lettre::Message, MailError> {
        let bytes = message.attachments.iter().map(|file| file.bytes.len()).sum();
        if bytes > ATTACHMENT_BYTES_MAX {
            return Err(MailError::TooLarge { bytes });
        }
        let build = |error: &dyn std::error::Error| MailError::Build(crate::problem::chain(error));
        let envelope = lettre::Message::builder()
            .from(self.from.clone())
            .to(address(&message.to)?)
            .subject(message.subject.clone())
            .message_id(Some(format!("<{}@{}>", message.id, self.from.email.domain())))
            .header(Date::from(std::time::SystemTime::from(message.at)));
        let text = SinglePart::builder()
            .header(ContentType::TEXT_PLAIN)
            .body(message.body.clone());
        if message.attachments.is_empty() {
            return envelope.singlepart(text).map_err(|error| build(&error));
        }
        let mut parts = MultiPart::mixed()
            .boundary(format!("part_{}", message.id))
            .singlepart(text);
        for file in &message.attachments {
            let media_type = ContentType::parse(&file.media_type).map_err(|error| build(&error))?;
            parts =
                parts.singlepart(MimeAttachment::new(file.name.clone()).body(file.bytes.clone(), media_type));
        }
        envelope.multipart(parts).map_err(|error| build(&error))
    }
}

fn address(text: &str) -> Result<Mailbox, MailError> {
    text.parse().map_err(|_| MailError::Address {
        address: text.to_owned(),
    })
}

/// Written beside and renamed, so that a reader never sees half a message; the same message again replaces itself.
async fn write(folder: &Path, id: MailId, bytes: &[u8]) -> Result<(), MailError> {
    let path = folder.join(format!("{id}.eml"));
    let part = folder.join(format!(".{id}.part"));
    let written = async {
        tokio::fs::create_dir_all(folder).await?;
        tokio::fs::write(&part, bytes).await?;
        tokio::fs::rename(&part, &path).await
    };
    written.await.map_err(|source| MailError::Folder { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn message() -> Message {
        Message {
            id: MailId::from_uuid(Uuid::from_u128(7)),
            at: "2026-12-05T04:00:00Z".parse().unwrap(),
            to: "Buxgalter <accountant@example.uz>".to_owned(),
            subject: "Bajarilgan ishlar dalolatnomasi — noyabr".to_owned(),
            body: "Oʻzbekiston\n".to_owned(),
            attachments: vec![Attachment {
                name: "dalolatnoma-2026-11.pdf".to_owned(),
                media_type: "application/pdf".to_owned(),
                bytes: b"%PDF-1.7".to_vec(),
            }],
        }
    }

    #[tokio::test]
    async fn the_same_message_sent_again_is_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Mailer::folder(folder.path(), "Namoyish <hujjatlar@namoyish.example>").unwrap();
        mailer.send(&message()).await.unwrap();
        let path = folder.path().join(format!("{}.eml", message().id));
        let first = std::fs::read_to_string(&path).unwrap();
        mailer.send(&message()).await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
        assert!(
            first.contains("Message-ID: <ml_00000000000000000000000000000007@namoyish.example>"),
            "{first}"
        );
        assert!(first.contains("Date: Sat, 05 Dec 2026 04:00:00 +0000"), "{first}");
        assert!(first.contains("dalolatnoma-2026-11.pdf"), "{first}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_bad_address_and_too_large_attachments_are_refused_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Mailer::folder(folder.path(), "a@example.uz").unwrap();
        let refused = mailer
            .send(&Message {
                to: "nobody".to_owned(),
                ..message()
            })
            .await
            .unwrap_err();
        assert_eq!((refused.code(), refused.is_permanent()), ("mail_address", true));
        // A header can't be smuggled in with an address.
        assert!(
            mailer
                .send(&Message {
                    to: "a@b.uz\r\nBcc: c@d.uz".to_owned(),
                    ..message()
                })
                .await
                .is_err()
        );
        let mut large = message();
        large.attachments[0].bytes = vec![0; ATTACHMENT_BYTES_MAX + 1];
        assert_eq!(mailer.send(&large).await.unwrap_err().code(), "mail_too_large");
    }

    #[tokio::test]
    async fn a_subject_with_a_line_break_makes_no_header() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Mailer::folder(folder.path(), "a@example.uz").unwrap();
        let sent = Message {
            subject: "x\r\nBcc: c@d.uz".to_owned(),
            attachments: Vec::new(),
            ..message()
        };
        mailer.send(&sent).await.unwrap();
        let text = std::fs::read_to_string(folder.path().join(format!("{}.eml", sent.id))).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_means_later() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mailer = Mailer::smtp(&format!("smtp://127.0.0.1:{port}"), "a@example.uz").unwrap();
        let refused = mailer.send(&message()).await.unwrap_err();
        assert_eq!((refused.code(), refused.is_permanent()), ("mail_later", false));
    }

    #[test]
    fn a_bad_url_is_refused_without_its_password() {
        let refused = Mailer::smtp("http://user:hunter2@host", "a@example.uz").unwrap_err();
        assert!(!refused.to_string().contains("hunter2"));
        assert!(Mailer::smtp("smtp://localhost", "nobody").is_err());
    }
}

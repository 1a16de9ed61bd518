//! Ad materials: what one must be for its placements, and its moderation (orders.md §4).
//!
//! A file is what its bytes say it is, not its name. The caller decodes the image and passes the facts; this module
//! refuses by name and limit. Only the four raster formats pass, so no file can carry a script that a browser would run;
//! one that hides mark-up all the same, or that goes on after its image (a polyglot), is refused as well. **Choice:** an
//! image is one picture; an animated one is refused, because placements are sold for a still one and only the first frame
//! is looked at.
//!
//! A material never changes: another text or file is a new version (§4). Deadlines are in `deadlines`.

use crate::orders::party::is_domain;
use crate::orders::placement::{BODY_CHARS_MAX, FILE_BYTES_MAX, PIXELS_MAX, PlacementFormat, PlacementKind};
use crate::orders::text::{self, TextRefused};
use std::fmt;

/// What a material is: it must be what its placements show.
pub type MaterialKind = PlacementKind;

/// The image formats that browsers show and that can't run anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// image/png
    Png,
    /// image/jpeg
    Jpeg,
    /// image/gif
    Gif,
    /// image/webp
    WebP,
}

impl MediaType {
    /// The name in a Content-Type header.
    pub fn code(self) -> &'static str {
        match self {
            MediaType::Png => "image/png",
            MediaType::Jpeg => "image/jpeg",
            MediaType::Gif => "image/gif",
            MediaType::WebP => "image/webp",
        }
    }

    /// Parses [`MediaType::code`].
    pub fn parse(code: &str) -> Option<MediaType> {
        [MediaType::Png, MediaType::Jpeg, MediaType::Gif, MediaType::WebP]
            .into_iter()
            .find(|kind| kind.code() == code)
    }

    /// Tells the format by the file's first bytes, and refuses what hides mark-up or a script anywhere in it.
    pub fn of_bytes(bytes: &[u8]) -> Result<MediaType, MaterialRefused> {
        let found = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            MediaType::Png
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            MediaType::Jpeg
        } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
            MediaType::Gif
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            MediaType::WebP
        } else {
            return Err(active_content(bytes).unwrap_or(MaterialRefused::OtherType { found: guess(bytes) }));
        };
        match active_content(bytes) {
            Some(refused) => Err(refused),
            None => Ok(found),
        }
    }
}

/// Mark-up by which a browser that guesses types could be made to run the file. In compressed pixels these letters turn
/// up by chance less than once in a million files.
const ACTIVE_MARKS: &[(&[u8], &str)] = &[
    (b"<script", "a script"),
    (b"<svg", "SVG"),
    (b"<!doctype", "HTML"),
    (b"<html", "HTML"),
    (b"<iframe", "HTML"),
    (b"javascript:", "a script"),
    (b"<?php", "PHP"),
];

fn active_content(bytes: &[u8]) -> Option<MaterialRefused> {
    let lower: Vec<u8> = bytes.iter().map(u8::to_ascii_lowercase).collect();
    ACTIVE_MARKS
        .iter()
        .find(|(mark, _)| lower.windows(mark.len()).any(|window| window == *mark))
        .map(|(_, found)| MaterialRefused::ActiveContent { found })
}

fn guess(bytes: &[u8]) -> &'static str {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"%PDF", "PDF"),
        (b"PK\x03\x04", "ZIP"),
        (b"BM", "BMP"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"MZ", "a program"),
        (b"\x7fELF", "a program"),
        (b"<?xml", "XML"),
        (b"FWS", "Flash"),
        (b"CWS", "Flash"),
    ];
    KNOWN
        .iter()
        .find(|(start, _)| bytes.starts_with(start))
        .map_or("unknown", |(_, name)| name)
}

/// What decoding an image told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFacts {
    /// Format by its bytes.
    pub media_type: MediaType,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Weight.
    pub bytes: u64,
}

/// The longest link, characters.
pub const URL_CHARS_MAX: usize = 2_048;
/// The longest title, characters.
pub const TITLE_CHARS_MAX: usize = 120;

/// Where a click leads: an https address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetUrl(String);

impl TargetUrl {
    /// Parses an https URL with a named host, no user part, in the characters of RFC 3986.
    pub fn parse(raw: &str) -> Result<TargetUrl, MaterialRefused> {
        let refuse = |why: &'static str| MaterialRefused::TargetUrl { why };
        let url = raw.trim();
        if url.len() > URL_CHARS_MAX {
            return Err(refuse("it is longer than 2048 characters"));
        }
        let is_allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
        if !url.bytes().all(is_allowed) {
            return Err(refuse("it has characters that must be percent-encoded"));
        }
        let is_https = url
            .get(..8)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        let rest =
            if is_https { url.get(8..) } else { None }.ok_or(refuse("it does not begin with https://"))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(refuse("it has a user part"));
        }
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        if !is_domain(host) {
            return Err(refuse("its host is not a domain name"));
        }
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(refuse("its port is not a number"));
        }
        Ok(TargetUrl(url.to_owned()))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a material isn't taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaterialRefused {
    /// Title or body.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// The link.
    #[error("target_url is not taken: {why}")]
    TargetUrl {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another format.
    #[error("the file is {found}; PNG, JPEG, GIF and WebP images are taken")]
    OtherType {
        /// What the first bytes look like.
        found: &'static str,
    },
    /// A script or mark-up.
    #[error("the file contains {found}; active content is never taken")]
    ActiveContent {
        /// What was found.
        found: &'static str,
    },
    /// Another file behind the image.
    #[error("the file goes on for {bytes} bytes after the end of its image")]
    DataAfterImage {
        /// How far.
        bytes: usize,
    },
    /// More than one picture.
    #[error("the {} is animated; a still image is taken", .media_type.code())]
    Animated {
        /// Its format.
        media_type: MediaType,
    },
    /// The bytes don't decode.
    #[error("the file begins as {} but can't be decoded", .media_type.code())]
    Broken {
        /// What it begins as.
        media_type: MediaType,
    },
    /// Too heavy.
    #[error("the file weighs {bytes} bytes; at most {bytes_max} are taken")]
    TooHeavy {
        /// Its weight.
        bytes: u64,
        /// The placement's limit.
        bytes_max: u64,
    },
    /// Another size.
    #[error("the image is {width}x{height} pixels; {due} is due")]
    WrongSize {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// What the placement takes.
        due: String,
    },
    /// This kind of material needs a file.
    #[error("a {kind} needs an image file")]
    NoFile {
        /// The kind.
        kind: &'static str,
    },
    /// This kind has no file.
    #[error("a {kind} has no file")]
    UnexpectedFile {
        /// The kind.
        kind: &'static str,
    },
    /// This kind needs a text.
    #[error("a {kind} needs a text")]
    NoBody {
        /// The kind.
        kind: &'static str,
    },
    /// This kind has no text.
    #[error("a {kind} has no text")]
    UnexpectedBody {
        /// The kind.
        kind: &'static str,
    },
    /// The placements show another kind.
    #[error("the line's placements show {due}, the material is {given}")]
    OtherKind {
        /// The placements' kind.
        due: &'static str,
        /// The material's kind.
        given: &'static str,
    },
    /// The line is shown nowhere, so it takes no material.
    #[error("this line takes no material")]
    LineTakesNone,
}

impl MaterialRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            MaterialRefused::Text(refused) => refused.code(),
            MaterialRefused::TargetUrl { .. } => "bad_target_url",
            MaterialRefused::OtherType { .. } => "file_of_another_type",
            MaterialRefused::ActiveContent { .. } => "active_content",
            MaterialRefused::DataAfterImage { .. } => "data_after_image",
            MaterialRefused::Animated { .. } => "image_is_animated",
            MaterialRefused::Broken { .. } => "file_is_broken",
            MaterialRefused::TooHeavy { .. } => "file_too_heavy",
            MaterialRefused::WrongSize { .. } => "image_of_wrong_size",
            MaterialRefused::NoFile { .. } => "file_missing",
            MaterialRefused::UnexpectedFile { .. } => "file_not_expected",
            MaterialRefused::NoBody { .. } => "body_missing",
            MaterialRefused::UnexpectedBody { .. } => "body_not_expected",
            MaterialRefused::OtherKind { .. } => "material_of_another_kind",
            MaterialRefused::LineTakesNone => "line_takes_no_material",
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> &'static str {
        match self {
            MaterialRefused::Text(refused) => refused.field(),
            MaterialRefused::TargetUrl { .. } => "target_url",
            MaterialRefused::NoBody { .. } | MaterialRefused::UnexpectedBody { .. } => "body",
            MaterialRefused::OtherKind { .. } => "kind",
            MaterialRefused::LineTakesNone => "line",
            _ => "file",
        }
    }

    /// The limit that was passed, in words.
    pub fn limit(&self) -> Option<String> {
        match self {
            MaterialRefused::Text(refused) => refused.limit(),
            MaterialRefused::TooHeavy { bytes_max, .. } => Some(format!("{bytes_max} bytes")),
            MaterialRefused::WrongSize { due, .. } => Some(due.clone()),
            MaterialRefused::OtherType { .. } => Some("PNG, JPEG, GIF, WebP".to_owned()),
            MaterialRefused::OtherKind { due, .. } => Some((*due).to_owned()),
            _ => None,
        }
    }
}

/// A material as submitted; the text fields as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMaterial {
    /// What it is.
    pub kind: MaterialKind,
    /// Its title: alternative text of an image, headline of a text.
    pub title: String,
    /// Its text; empty for a banner.
    pub body: String,
    /// Where a click leads.
    pub target_url: String,
    /// The decoded file.
    pub image: Option<ImageFacts>,
}

/// A material that fits its placements, its texts normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedMaterial {
    /// What it is.
    pub kind: MaterialKind,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Where a click leads.
    pub target_url: TargetUrl,
    /// The file.
    pub image: Option<ImageFacts>,
}

/// Checks a material against every placement of its line: it may be shown in any of them.
pub fn check_material(
    material: NewMaterial,
    formats: &[PlacementFormat],
) -> Result<CheckedMaterial, MaterialRefused> {
    let Some(first) = formats.first() else {
        return Err(MaterialRefused::LineTakesNone);
    };
    if let Some(other) = formats.iter().find(|format| format.kind != material.kind) {
        return Err(MaterialRefused::OtherKind {
            due: other.kind.code(),
            given: material.kind.code(),
        });
    }
    let title = text::required("title", &material.title, TITLE_CHARS_MAX)?;
    let body = check_body(material.kind, &material.body, formats)?;
    let target_url = TargetUrl::parse(&material.target_url)?;
    match material.image {
        None if first.kind.has_image() => {
            return Err(MaterialRefused::NoFile {
                kind: first.kind.code(),
            });
        }
        Some(_) if !first.kind.has_image() => {
            return Err(MaterialRefused::UnexpectedFile {
                kind: first.kind.code(),
            });
        }
        Some(image) => formats.iter().try_for_each(|format| check_image(image, format))?,
        None => {}
    }
    Ok(CheckedMaterial {
        kind: material.kind,
        title,
        body,
        target_url,
        image: material.image,
    })
}

fn check_body(kind: MaterialKind, raw: &str, formats: &[PlacementFormat]) -> Result<String, MaterialRefused> {
    let chars_max = formats
        .iter()
        .map(|format| {
            if format.text_max == 0 {
                BODY_CHARS_MAX
            } else {
                format.text_max
            }
        })
        .min()
        .unwrap_or(BODY_CHARS_MAX);
    let body = text::long("body", raw, usize::try_from(chars_max).unwrap_or(usize::MAX))?;
    if kind.has_body() && body.is_empty() {
        return Err(MaterialRefused::NoBody { kind: kind.code() });
    }
    if !kind.has_body() && !body.is_empty() {
        return Err(MaterialRefused::UnexpectedBody { kind: kind.code() });
    }
    Ok(body)
}

/// Weight first: a file that is too heavy needs no decoding. Usable before the image is decoded.
pub fn check_weight(bytes: u64, formats: &[PlacementFormat]) -> Result<(), MaterialRefused> {
    let bytes_max = formats
        .iter()
        .map(|format| format.bytes_max)
        .min()
        .unwrap_or(FILE_BYTES_MAX)
        .min(FILE_BYTES_MAX);
    if bytes > bytes_max {
        Err(MaterialRefused::TooHeavy { bytes, bytes_max })
    } else {
        Ok(())
    }
}

fn check_image(image: ImageFacts, format: &PlacementFormat) -> Result<(), MaterialRefused> {
    check_weight(image.bytes, std::slice::from_ref(format))?;
    let side_fits = |due: u32, given: u32| {
        if due == 0 {
            (1..=PIXELS_MAX).contains(&given)
        } else {
            given == due
        }
    };
    if side_fits(format.width, image.width) && side_fits(format.height, image.height) {
        return Ok(());
    }
    let side = |due: u32| {
        if due == 0 {
            format!("up to {PIXELS_MAX}")
        } else {
            due.to_string()
        }
    };
    Err(MaterialRefused::WrongSize {
        width: image.width,
        height: image.height,
        due: format!("{}x{}", side(format.width), side(format.height)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANNER: PlacementFormat = PlacementFormat {
        kind: PlacementKind::Banner,
        width: 240,
        height: 400,
        bytes_max: 100_000,
        text_max: 0,
    };

    fn banner() -> NewMaterial {
        NewMaterial {
            kind: PlacementKind::Banner,
            title: "Qish chegirmasi".into(),
            body: String::new(),
            target_url: "https://misol.uz/aksiya?a=1".into(),
            image: Some(ImageFacts {
                media_type: MediaType::Png,
                width: 240,
                height: 400,
                bytes: 99_999,
            }),
        }
    }

    fn article(body: &str) -> NewMaterial {
        NewMaterial {
            kind: PlacementKind::Article,
            body: body.into(),
            image: None,
            ..banner()
        }
    }

    fn refusal(
        material: NewMaterial,
        formats: &[PlacementFormat],
    ) -> (&'static str, &'static str, Option<String>) {
        match check_material(material, formats) {
            Ok(_) => ("", "", None),
            Err(refused) => (refused.field(), refused.code(), refused.limit()),
        }
    }

    #[test]
    fn a_fitting_material_is_taken_with_normal_text() {
        let checked = check_material(
            NewMaterial {
                title: " Yangi yo'l ".into(),
                ..banner()
            },
            &[BANNER],
        )
        .unwrap();
        assert_eq!(checked.title, "Yangi yo\u{2bb}l");
        assert_eq!(
            refusal(
                banner(),
                &[PlacementFormat {
                    width: 0,
                    height: 0,
                    ..BANNER
                }]
            ),
            ("", "", None)
        );
    }

    #[test]
    fn a_file_over_the_limits_is_refused_with_the_limit() {
        let image = banner().image.unwrap();
        let with = |image: ImageFacts| NewMaterial {
            image: Some(image),
            ..banner()
        };
        assert_eq!(
            refusal(
                with(ImageFacts {
                    bytes: 100_001,
                    ..image
                }),
                &[BANNER]
            ),
            ("file", "file_too_heavy", Some("100000 bytes".into()))
        );
        assert_eq!(
            refusal(with(ImageFacts { width: 241, ..image }), &[BANNER]),
            ("file", "image_of_wrong_size", Some("240x400".into()))
        );
        // The strictest placement of the line counts.
        let light = PlacementFormat {
            bytes_max: 50_000,
            ..BANNER
        };
        assert_eq!(refusal(banner(), &[BANNER, light]).2, Some("50000 bytes".into()));
        let any_size = PlacementFormat {
            width: 0,
            height: 0,
            ..BANNER
        };
        assert_eq!(
            refusal(with(ImageFacts { width: 4097, ..image }), &[any_size]).1,
            "image_of_wrong_size"
        );
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let of = |bytes: &[u8]| MediaType::of_bytes(bytes).map_err(|refused| refused.code());
        assert_eq!(of(b"\x89PNG\r\n\x1a\n...."), Ok(MediaType::Png));
        assert_eq!(of(b"\xff\xd8\xff\xe0"), Ok(MediaType::Jpeg));
        assert_eq!(of(b"GIF89a.."), Ok(MediaType::Gif));
        assert_eq!(of(b"RIFF\0\0\0\0WEBPVP8 "), Ok(MediaType::WebP));
        for (bytes, code) in [
            (&b""[..], "file_of_another_type"),
            (b"RIFF\0\0\0\0WAVE", "file_of_another_type"),
            (b"%PDF-1.7", "file_of_another_type"),
            (b"BM\0\0", "file_of_another_type"),
            (b"<?xml version=\"1.0\"?><SVG onload=alert(1)>", "active_content"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", "active_content"),
            (
                b"\x89PNG\r\n\x1a\n....<ScRiPt>alert(1)</script>",
                "active_content",
            ),
            (b"GIF89a/*<html>*/", "active_content"),
        ] {
            assert_eq!(of(bytes), Err(code), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn only_https_links_to_a_named_host_are_taken() {
        for good in [
            "https://misol.uz",
            "HTTPS://Misol.uz:8443/a?b=c#d",
            "https://xn--80ak6aa92e.com/%D0%B0",
        ] {
            assert!(TargetUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "misol.uz",
            "http://misol.uz",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https:///x",
            "https://user@misol.uz",
            "https://misol.uz@evil.uz",
            "https://localhost",
            "https://127.0.0.1/",
            "https://misol.uz:x",
            "https://misol.uz/a b",
            "https://misol.uz/\"onload",
            "https://misol.uz/\u{430}",
            "https://misol.uz\\@evil.uz",
        ] {
            assert_eq!(
                TargetUrl::parse(bad).unwrap_err().code(),
                "bad_target_url",
                "{bad}"
            );
        }
        assert!(TargetUrl::parse(&format!("https://misol.uz/{}", "a".repeat(2_048))).is_err());
    }

    #[test]
    fn each_kind_has_what_it_must_and_nothing_else() {
        let article_place = PlacementFormat {
            kind: PlacementKind::Article,
            text_max: 20,
            ..BANNER
        };
        assert_eq!(refusal(article("Matn"), &[article_place]).1, "");
        assert_eq!(refusal(article(""), &[article_place]).1, "body_missing");
        assert_eq!(
            refusal(article(&"m".repeat(21)), &[article_place]),
            ("body", "too_long", Some("20 characters".into()))
        );
        let with_file = NewMaterial {
            image: banner().image,
            ..article("Matn")
        };
        assert_eq!(refusal(with_file, &[article_place]).1, "file_not_expected");
        assert_eq!(
            refusal(
                NewMaterial {
                    image: None,
                    ..banner()
                },
                &[BANNER]
            )
            .1,
            "file_missing"
        );
        assert_eq!(
            refusal(
                NewMaterial {
                    body: "matn".into(),
                    ..banner()
                },
                &[BANNER]
            )
            .1,
            "body_not_expected"
        );
        assert_eq!(
            refusal(banner(), &[article_place]),
            ("kind", "material_of_another_kind", Some("article".into()))
        );
        assert_eq!(refusal(banner(), &[]).1, "line_takes_no_material");
        assert_eq!(
            refusal(
                NewMaterial {
                    title: " ".into(),
                    ..banner()
                },
                &[BANNER]
            ),
            ("title", "missing", None)
        );
    }
}

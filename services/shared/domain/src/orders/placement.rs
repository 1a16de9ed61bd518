//! Placements, the format a material must have there, and regions.
//!
//! Rules: orders.md §3–4; delivery.md §2. A region is a path `country-region/city`; targeting a node covers all below
//! it. An address that resolves to nothing has no region at all (`Option::None`), which no target covers.

use std::fmt;

/// What a placement shows, and so what a material must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlacementKind {
    /// An image.
    Banner,
    /// An image with a text.
    TextImage,
    /// An article.
    Article,
    /// A comment.
    Comment,
    /// A text alone.
    Text,
}

impl PlacementKind {
    /// All kinds.
    pub const ALL: [PlacementKind; 5] = [
        PlacementKind::Banner,
        PlacementKind::TextImage,
        PlacementKind::Article,
        PlacementKind::Comment,
        PlacementKind::Text,
    ];

    /// The form of the API and the database.
    pub fn code(self) -> &'static str {
        match self {
            PlacementKind::Banner => "banner",
            PlacementKind::TextImage => "text_image",
            PlacementKind::Article => "article",
            PlacementKind::Comment => "comment",
            PlacementKind::Text => "text",
        }
    }

    /// Parses [`PlacementKind::code`].
    pub fn parse(code: &str) -> Option<PlacementKind> {
        PlacementKind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether a material of this kind has an image file.
    pub fn has_image(self) -> bool {
        matches!(self, PlacementKind::Banner | PlacementKind::TextImage)
    }

    /// Whether a material of this kind has a text.
    pub fn has_body(self) -> bool {
        !matches!(self, PlacementKind::Banner)
    }
}

/// What a material must keep to in a placement (orders.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlacementFormat {
    /// Kind of material.
    pub kind: PlacementKind,
    /// Pixels; 0: any width up to [`PIXELS_MAX`].
    pub width: u32,
    /// Pixels; 0: any height up to [`PIXELS_MAX`].
    pub height: u32,
    /// Weight of the file.
    pub bytes_max: u64,
    /// Characters of the body; 0: [`BODY_CHARS_MAX`].
    pub text_max: u32,
}

/// The largest side of an image, pixels.
pub const PIXELS_MAX: u32 = 4096;
/// The heaviest file that any placement may take, bytes.
pub const FILE_BYTES_MAX: u64 = 5 * 1024 * 1024;
/// The longest body of a text, characters.
pub const BODY_CHARS_MAX: u32 = 20_000;

/// Why a placement can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatRefused {
    /// A side longer than an image may have.
    #[error("{field} is {given} pixels; at most {PIXELS_MAX} are taken")]
    TooManyPixels {
        /// `width` or `height`.
        field: &'static str,
        /// Pixels given.
        given: u32,
    },
    /// No weight, or more than any file may have.
    #[error("bytes_max is {given}; between 1 and {FILE_BYTES_MAX} are taken")]
    Weight {
        /// Bytes given.
        given: u64,
    },
    /// More characters than a body may have.
    #[error("text_max is {given} characters; at most {BODY_CHARS_MAX} are taken")]
    TextTooLong {
        /// Characters given.
        given: u32,
    },
}

impl FormatRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            FormatRefused::TooManyPixels { .. } => "too_many_pixels",
            FormatRefused::Weight { .. } => "weight_out_of_range",
            FormatRefused::TextTooLong { .. } => "text_too_long",
        }
    }

    /// The field that is refused.
    pub fn field(&self) -> &'static str {
        match self {
            FormatRefused::TooManyPixels { field, .. } => field,
            FormatRefused::Weight { .. } => "bytes_max",
            FormatRefused::TextTooLong { .. } => "text_max",
        }
    }
}

impl PlacementFormat {
    /// Checks the limits of a new placement.
    pub fn check(self) -> Result<PlacementFormat, FormatRefused> {
        for (field, given) in [("width", self.width), ("height", self.height)] {
            if given > PIXELS_MAX {
                return Err(FormatRefused::TooManyPixels { field, given });
            }
        }
        if self.bytes_max == 0 || self.bytes_max > FILE_BYTES_MAX {
            return Err(FormatRefused::Weight {
                given: self.bytes_max,
            });
        }
        if self.text_max > BODY_CHARS_MAX {
            return Err(FormatRefused::TextTooLong { given: self.text_max });
        }
        Ok(self)
    }
}

/// The longest region code: "UZ-TKA/" and forty letters.
const REGION_CHARS_MAX: usize = 47;

/// A node of the region tree: "UZ", "UZ-TK" (ISO 3166-2), "UZ-TK/tashkent". Held in place, so copying costs no
/// allocation on the path of a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionCode {
    bytes: [u8; REGION_CHARS_MAX],
    length: u8,
}

/// The text isn't a region code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a region of the form UZ, UZ-TK or UZ-TK/tashkent")]
pub struct RegionError(pub String);

impl RegionError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        "not_a_region"
    }
}

impl RegionCode {
    /// Parses "UZ", "UZ-TK" or "UZ-TK/tashkent".
    pub fn parse(text: &str) -> Result<RegionCode, RegionError> {
        let refuse = || RegionError(text.chars().take(64).collect());
        let (area, city) = match text.split_once('/') {
            Some((area, city)) => (area, Some(city)),
            None => (text, None),
        };
        let (country, subdivision) = match area.split_once('-') {
            Some((country, subdivision)) => (country, Some(subdivision)),
            None => (area, None),
        };
        let country_fits = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        let subdivision_fits = subdivision.is_none_or(|code| {
            (1..=3).contains(&code.len())
                && code
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        });
        let city_fits = city.is_none_or(|name| {
            subdivision.is_some()
                && (1..=40).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        });
        if !(country_fits && subdivision_fits && city_fits) {
            return Err(refuse());
        }
        let mut bytes = [0; REGION_CHARS_MAX];
        bytes
            .get_mut(..text.len())
            .ok_or_else(refuse)?
            .copy_from_slice(text.as_bytes());
        Ok(RegionCode {
            bytes,
            length: u8::try_from(text.len()).map_err(|_| refuse())?,
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Only ASCII was let in; the empty text would be the harmless answer otherwise.
        self.bytes
            .get(..usize::from(self.length))
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or("")
    }

    /// Whether this node is `other` or lies above it.
    pub fn covers(&self, other: &RegionCode) -> bool {
        let boundary = match (self.as_str().contains('/'), self.as_str().contains('-')) {
            // A hyphen inside a city's name is no boundary of the tree.
            (true, _) => return self == other,
            (false, true) => '/',
            (false, false) => '-',
        };
        other
            .as_str()
            .strip_prefix(self.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(boundary))
    }

    /// The node above: the region of a city, the country of a region.
    pub fn parent(&self) -> Option<RegionCode> {
        let text = self.as_str();
        let cut = text.rfind('/').or_else(|| text.rfind('-'))?;
        text.get(..cut).and_then(|above| RegionCode::parse(above).ok())
    }

    /// This node and all above it, from the city to the country.
    pub fn path(self) -> impl Iterator<Item = RegionCode> {
        std::iter::successors(Some(self), RegionCode::parent)
    }
}

impl fmt::Display for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RegionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegionCode({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(text: &str) -> RegionCode {
        RegionCode::parse(text).unwrap()
    }

    #[test]
    fn targeting_a_node_covers_its_descendants_and_nothing_beside() {
        for (target, viewer, covered) in [
            ("UZ", "UZ", true),
            ("UZ", "UZ-TK", true),
            ("UZ", "UZ-TK/tashkent", true),
            ("UZ-TK", "UZ-TK/tashkent", true),
            ("UZ-TK", "UZ", false),
            ("UZ-TK", "UZ-TKA", false),
            ("UZ-TK", "UZ-SA", false),
            ("UZ-TK/tashkent", "UZ-TK/tashkent", true),
            ("UZ-TK/tashkent", "UZ-TK/tashkent-2", false),
            ("UZ", "KZ", false),
        ] {
            assert_eq!(
                region(target).covers(&region(viewer)),
                covered,
                "{target} covers {viewer}"
            );
        }
    }

    #[test]
    fn the_way_up_ends_at_the_country() {
        let path: Vec<String> = region("UZ-TK/tashkent")
            .path()
            .map(|node| node.to_string())
            .collect();
        assert_eq!(path, ["UZ-TK/tashkent", "UZ-TK", "UZ"]);
        assert_eq!(region("UZ-TK/a-b").parent(), Some(region("UZ-TK")));
    }

    #[test]
    fn what_is_no_region_is_refused() {
        for text in [
            "",
            "uz",
            "U",
            "UZB",
            "UZ-",
            "UZ-TASH",
            "UZ/tashkent",
            "UZ-TK/",
            "UZ-TK/Tashkent",
            "UZ-TK/a/b",
            "UZ TK",
        ] {
            assert!(RegionCode::parse(text).is_err(), "{text}");
        }
        assert!(RegionCode::parse(&format!("UZ-TKA/{}", "a".repeat(40))).is_ok());
        assert!(RegionCode::parse(&format!("UZ-TKA/{}", "a".repeat(41))).is_err());
    }

    #[test]
    fn a_placement_beyond_the_limits_is_refused_by_field() {
        let format = PlacementFormat {
            kind: PlacementKind::Banner,
            width: 240,
            height: 400,
            bytes_max: 307_200,
            text_max: 0,
        };
        assert_eq!(format.check(), Ok(format));
        for (refused, field) in [
            (
                PlacementFormat {
                    width: 4097,
                    ..format
                },
                "width",
            ),
            (
                PlacementFormat {
                    bytes_max: 0,
                    ..format
                },
                "bytes_max",
            ),
            (
                PlacementFormat {
                    bytes_max: FILE_BYTES_MAX + 1,
                    ..format
                },
                "bytes_max",
            ),
            (
                PlacementFormat {
                    text_max: 20_001,
                    ..format
                },
                "text_max",
            ),
        ] {
            assert_eq!(refused.check().unwrap_err().field(), field);
        }
    }
}

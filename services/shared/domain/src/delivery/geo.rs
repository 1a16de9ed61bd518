//! Geo-targeting: which regions a line is shown in, and how a location database's words become our region codes.
//!
//! Rule: delivery.md §2; offer [003 §1.1 "Geografik targeting"]. Regions form a tree (country → region → city);
//! targeting a node covers its descendants. An address that resolves to nothing matches only untargeted lines.
//!
//! Location databases name Uzbek regions in mixed spellings ("Tashkent", "Samarqand Region", "Qashqadaryo"); they all
//! become ISO 3166-2:UZ codes here. "Tashkent" alone is the city (UZ-TK), with "region" or "viloyati" the region
//! around it (UZ-TO). Not here: the database file, the operator's overlay, the viewer's address (the node's `geo`).

use crate::orders::placement::RegionCode;

/// Where a line may be shown. Empty: everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GeoTarget(Vec<RegionCode>);

impl GeoTarget {
    /// A target of these regions; those that another one covers are dropped, so that no line is found twice.
    pub fn new(regions: impl IntoIterator<Item = RegionCode>) -> GeoTarget {
        let mut all: Vec<RegionCode> = regions.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        let outermost = all
            .iter()
            .filter(|region| !all.iter().any(|other| other != *region && other.covers(region)))
            .copied()
            .collect();
        GeoTarget(outermost)
    }

    /// The regions; empty: everywhere.
    pub fn regions(&self) -> &[RegionCode] {
        &self.0
    }

    /// Whether a viewer in `region` is inside the target. An address without a region is inside an empty target only.
    pub fn matches(&self, region: Option<RegionCode>) -> bool {
        self.0.is_empty() || region.is_some_and(|viewer| self.0.iter().any(|target| target.covers(&viewer)))
    }
}

/// Spellings of the regions of Uzbekistan, letters only, without the words for "region" and "city".
const UZBEK_REGIONS: &[(&str, &[&str])] = &[
    ("UZ-AN", &["andijan", "andijon", "andizhan"]),
    ("UZ-BU", &["bukhara", "buxoro", "bukhoro"]),
    ("UZ-FA", &["fergana", "fargona", "farghona", "ferghana"]),
    ("UZ-JI", &["jizzakh", "jizzax", "djizzak", "jizakh", "dzhizak"]),
    ("UZ-NG", &["namangan"]),
    ("UZ-NW", &["navoiy", "navoi", "nawoiy"]),
    ("UZ-QA", &["qashqadaryo", "kashkadarya", "qashqadarya"]),
    (
        "UZ-QR",
        &[
            "karakalpakstan",
            "qoraqalpogiston",
            "qaraqalpaqstan",
            "karakalpakiya",
        ],
    ),
    ("UZ-SA", &["samarqand", "samarkand"]),
    ("UZ-SI", &["sirdaryo", "syrdarya", "sirdarya", "syrdaryo"]),
    (
        "UZ-SU",
        &["surxondaryo", "surkhandarya", "surkhondaryo", "surxandarya"],
    ),
    ("UZ-XO", &["xorazm", "khorezm", "khorazm", "khwarazm", "xorezm"]),
];

/// Words that say what kind of area a name is, not which.
const WORDS_FOR_REGION: &[&str] = &[
    "region", "viloyati", "viloyat", "province", "oblast", "wiloyati", "vilayat",
];
const OTHER_WORDS: &[&str] = &[
    "city",
    "shahri",
    "shahar",
    "republic",
    "respublikasi",
    "autonomous",
    "of",
    "the",
    "avtonom",
];

/// The ISO 3166-2 code of an Uzbek region by one of its names, "UZ-SA" for "Samarqand Region".
pub fn uzbek_region(name: &str) -> Option<&'static str> {
    let mut letters = String::new();
    let mut is_region = false;
    for word in name.split(|c: char| c.is_whitespace() || c == ',' || c == '-') {
        let word: String = word.chars().filter_map(ascii_letter).collect();
        if WORDS_FOR_REGION.contains(&word.as_str()) {
            is_region = true;
        } else if !OTHER_WORDS.contains(&word.as_str()) {
            letters.push_str(&word);
        }
    }
    if matches!(letters.as_str(), "tashkent" | "toshkent") {
        return Some(if is_region { "UZ-TO" } else { "UZ-TK" });
    }
    UZBEK_REGIONS
        .iter()
        .find(|(_, names)| names.contains(&letters.as_str()))
        .map(|(code, _)| *code)
}

/// What a location database says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Located<'a> {
    /// ISO 3166-1 code, "UZ".
    pub country: &'a str,
    /// First-level subdivision's own code ("TK", as in ISO 3166-2 after the hyphen), when the database has one.
    pub subdivision_code: &'a str,
    /// Its name, when the database has no code.
    pub subdivision_name: &'a str,
    /// City by its English name.
    pub city: &'a str,
}

/// The region code of a location; as deep as it can be told. `None` without a country.
pub fn region_of(located: Located<'_>) -> Option<RegionCode> {
    let country = RegionCode::parse(located.country)
        .ok()
        .filter(|code| code.parent().is_none())?;
    let by_code = (!located.subdivision_code.is_empty())
        .then(|| RegionCode::parse(&format!("{country}-{}", located.subdivision_code)).ok())
        .flatten();
    let by_name = || match located.country {
        "UZ" => uzbek_region(located.subdivision_name).and_then(|code| RegionCode::parse(code).ok()),
        _ => None,
    };
    let Some(subdivision) = by_code.or_else(by_name) else {
        return Some(country);
    };
    let city = city_slug(located.city);
    if city.is_empty() {
        return Some(subdivision);
    }
    Some(RegionCode::parse(&format!("{subdivision}/{city}")).unwrap_or(subdivision))
}

/// A city's part of a region code: lower-case ASCII letters, digits and single hyphens, at most 40.
pub fn city_slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if slug.len() == 40 {
            break;
        }
        match ascii_letter(c) {
            Some(letter) => slug.push(letter),
            None if c.is_ascii_digit() => slug.push(c),
            // Apostrophes are part of a letter in Uzbek (oʻ, gʻ) and vanish; everything else parts words.
            None if is_apostrophe(c) => {}
            None if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            None => {}
        }
    }
    slug.trim_end_matches('-').to_owned()
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | 'ʻ' | 'ʼ' | '‘' | '’')
}

/// A Latin letter in lower case without its mark.
fn ascii_letter(c: char) -> Option<char> {
    let plain = match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' => 'a',
        'é' | 'è' | 'ê' | 'ë' | 'ē' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'ı' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ŏ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' | 'ń' => 'n',
        'ş' | 'š' => 's',
        'ğ' | 'ǵ' => 'g',
        other => other,
    };
    plain.is_ascii_alphabetic().then_some(plain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(text: &str) -> RegionCode {
        RegionCode::parse(text).unwrap()
    }

    #[test]
    fn targeting_a_node_covers_its_descendants() {
        let target = GeoTarget::new([region("UZ-TK"), region("KZ")]);
        for (viewer, inside) in [
            ("UZ-TK", true),
            ("UZ-TK/tashkent", true),
            ("KZ-ALA/almaty", true),
            ("UZ-TO", false),
            ("UZ", false),
        ] {
            assert_eq!(target.matches(Some(region(viewer))), inside, "{viewer}");
        }
    }

    #[test]
    fn an_address_that_resolves_to_nothing_matches_only_untargeted_lines() {
        assert!(GeoTarget::default().matches(None));
        assert!(!GeoTarget::new([region("UZ")]).matches(None));
    }

    #[test]
    fn a_region_inside_another_target_is_dropped() {
        let target = GeoTarget::new([
            region("UZ-TK/tashkent"),
            region("UZ"),
            region("UZ-SA"),
            region("UZ"),
        ]);
        assert_eq!(target.regions(), [region("UZ")]);
    }

    #[test]
    fn mixed_spellings_become_iso_codes() {
        for (name, code) in [
            ("Tashkent", Some("UZ-TK")),
            ("Toshkent Shahri", Some("UZ-TK")),
            ("Tashkent City", Some("UZ-TK")),
            ("Tashkent Region", Some("UZ-TO")),
            ("Toshkent viloyati", Some("UZ-TO")),
            ("Samarqand Region", Some("UZ-SA")),
            ("Samarkand", Some("UZ-SA")),
            ("Qashqadaryo", Some("UZ-QA")),
            ("Farg‘ona", Some("UZ-FA")),
            ("Fergana Region", Some("UZ-FA")),
            ("Karakalpakstan", Some("UZ-QR")),
            ("Republic of Karakalpakstan", Some("UZ-QR")),
            ("Qoraqalpogʻiston Respublikasi", Some("UZ-QR")),
            ("Xorazm Viloyati", Some("UZ-XO")),
            ("Navoiy Province", Some("UZ-NW")),
            ("Atlantis", None),
            ("", None),
        ] {
            assert_eq!(uzbek_region(name), code, "{name}");
        }
    }

    #[test]
    fn a_location_is_told_as_deep_as_it_can_be() {
        for (located, code) in [
            (("UZ", "TK", "", "Tashkent"), Some("UZ-TK/tashkent")),
            (
                ("UZ", "", "Samarqand Region", "Kattaqo‘rg‘on"),
                Some("UZ-SA/kattaqorgon"),
            ),
            (("UZ", "", "", "Tashkent"), Some("UZ")),
            (("GB", "ENG", "England", "Boxford"), Some("GB-ENG/boxford")),
            (("US", "", "Washington", "Milton"), Some("US")),
            (("SE", "E", "", "Linköping"), Some("SE-E/linkoping")),
            (("", "TK", "", "Tashkent"), None),
            (("uzb", "", "", ""), None),
        ] {
            let (country, subdivision_code, subdivision_name, city) = located;
            let found = region_of(Located {
                country,
                subdivision_code,
                subdivision_name,
                city,
            });
            assert_eq!(found, code.map(region), "{located:?}");
        }
    }
}

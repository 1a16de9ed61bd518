//! A location database in MaxMind's file format: address → region code, without a string on the path of a request.
//!
//! Two layouts are understood, in one file even: MaxMind's own (`country.iso_code`, `subdivisions[0].iso_code`,
//! `city.names.en`) and the flat one of free databases (`country_code`, `state1`, `city`). Every record is decoded once,
//! when the file is loaded, into a small number; its networks become a layer of the [`super::table`], and the file is
//! let go.

use super::table::{NOT_TOLD, Steps, Table, Value};
use maxminddb::{MaxMindDbError, PathElement, Reader, WithinOptions};
use namoyish_domain::delivery::geo::{Located, region_of};
use namoyish_domain::orders::placement::RegionCode;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

/// A loaded database.
#[derive(Debug)]
pub struct GeoDatabase {
    kind: String,
    /// Values are places in `regions`, from 1.
    v4: Steps<u32>,
    v6: Steps<u128>,
    regions: Vec<RegionCode>,
}

impl GeoDatabase {
    /// Loads a file. Takes a second or two for a whole world of cities: not for the path of a request.
    pub fn open(path: &Path) -> Result<GeoDatabase, MaxMindDbError> {
        GeoDatabase::of_reader(Reader::open_readfile(path)?)
    }

    /// Loads a file's bytes.
    pub fn of_bytes(bytes: Vec<u8>) -> Result<GeoDatabase, MaxMindDbError> {
        GeoDatabase::of_reader(Reader::from_source(bytes)?)
    }

    fn of_reader(reader: Reader<Vec<u8>>) -> Result<GeoDatabase, MaxMindDbError> {
        let mut seen: HashMap<usize, Value> = HashMap::new();
        let mut numbers: HashMap<RegionCode, Value> = HashMap::new();
        let mut regions = Vec::new();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for found in reader.networks(WithinOptions::default())? {
            let found = found?;
            let Some(offset) = found.offset() else {
                continue;
            };
            let network = found.network()?;
            let mut put = |value: Value| match (network.network(), network.broadcast()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((u32::from(first), u32::from(last), value)),
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    v6.push((u128::from(first), u128::from(last), value))
                }
                _ => {}
            };
            if let Some(value) = seen.get(&offset) {
                put(*value);
                continue;
            }
            let text = |path: &[PathElement<'_>]| {
                // Of another type than a text means: of the other layout.
                found.decode_path::<&str>(path).ok().flatten().unwrap_or("")
            };
            let first = |one: &[PathElement<'_>], other: &[PathElement<'_>]| {
                let told = text(one);
                if told.is_empty() {
                    text(other).to_owned()
                } else {
                    told.to_owned()
                }
            };
            use PathElement::{Index, Key};
            let country = first(&[Key("country"), Key("iso_code")], &[Key("country_code")]);
            let subdivision_code = text(&[Key("subdivisions"), Index(0), Key("iso_code")]).to_owned();
            let subdivision_name = first(
                &[Key("subdivisions"), Index(0), Key("names"), Key("en")],
                &[Key("state1")],
            );
            let city = first(&[Key("city"), Key("names"), Key("en")], &[Key("city")]);
            let region = region_of(Located {
                country: &country,
                subdivision_code: &subdivision_code,
                subdivision_name: &subdivision_name,
                city: &city,
            });
            let value = region.map_or(NOT_TOLD, |region| {
                *numbers.entry(region).or_insert_with(|| {
                    regions.push(region);
                    Value::try_from(regions.len()).unwrap_or(NOT_TOLD)
                })
            });
            put(value);
            seen.insert(offset, value);
        }
        // Records without a country tell nothing, so that another file may.
        v4.retain(|(_, _, value)| *value != NOT_TOLD);
        v6.retain(|(_, _, value)| *value != NOT_TOLD);
        Ok(GeoDatabase {
            kind: reader.metadata().database_type.clone(),
            v4: Steps::of_nested(v4),
            v6: Steps::of_nested(v6),
            regions,
        })
    }

    /// As layers of a table; `number` gives the number of a region.
    pub(super) fn layers(&self, mut number: impl FnMut(RegionCode) -> Value) -> (Steps<u32>, Steps<u128>) {
        let numbers: Vec<Value> = self.regions.iter().map(|region| number(*region)).collect();
        let renumber = |value: Value| {
            let place = usize::try_from(value).ok().and_then(|value| value.checked_sub(1));
            place.and_then(|at| numbers.get(at)).copied().unwrap_or(NOT_TOLD)
        };
        (self.v4.map(renumber), self.v6.map(renumber))
    }

    /// The region of an address; `None` when the file doesn't know it. For looking at a file by itself.
    pub fn region_of(&self, address: IpAddr) -> Option<RegionCode> {
        let table = Table::new(self.v4.clone(), self.v6.clone());
        let value = usize::try_from(table.get(address.to_canonical())).ok()?;
        self.regions.get(value.checked_sub(1)?).copied()
    }

    /// What the file says it is, "GeoLite2-City".
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// How many different regions it tells apart.
    pub fn regions_known(&self) -> usize {
        self.regions.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmdb_writer::Writer;
    use mmdb_writer::ipnet::IpNet;
    use serde::Serialize;
    use std::collections::BTreeMap;

    fn at(database: &GeoDatabase, address: &str) -> String {
        database
            .region_of(address.parse().unwrap())
            .map_or("-".to_owned(), |region| region.to_string())
    }

    #[test]
    fn the_test_data_of_maxmind_is_read() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/geo/GeoIP2-City-Test.mmdb");
        let database = GeoDatabase::open(Path::new(path)).unwrap();
        assert_eq!(database.kind(), "GeoIP2-City");
        for (address, region) in [
            ("81.2.69.142", "GB-ENG/london"),
            ("2.125.160.216", "GB-ENG/boxford"),
            ("89.160.20.112", "SE-E/linkoping"),
            ("216.160.83.56", "US-WA/milton"),
            ("2001:218::1", "JP"),
            ("::ffff:81.2.69.142", "GB-ENG/london"),
            ("10.0.0.1", "-"),
            ("2001:db8::1", "-"),
        ] {
            assert_eq!(at(&database, address), region, "{address}");
        }
    }

    #[derive(Serialize)]
    struct Named {
        names: BTreeMap<&'static str, &'static str>,
    }

    #[derive(Serialize)]
    struct Coded {
        iso_code: &'static str,
        names: BTreeMap<&'static str, &'static str>,
    }

    /// MaxMind's own layout.
    #[derive(Serialize)]
    struct Nested {
        country: Coded,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        subdivisions: Vec<Coded>,
        #[serde(skip_serializing_if = "Option::is_none")]
        city: Option<Named>,
    }

    /// The layout of free databases.
    #[derive(Serialize)]
    struct Flat {
        country_code: &'static str,
        state1: &'static str,
        state2: &'static str,
        city: &'static str,
        postcode: &'static str,
        latitude: &'static str,
    }

    fn network(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn nested(code: &'static str, city: Option<&'static str>) -> Nested {
        let coded = |iso_code, name| Coded {
            iso_code,
            names: [("en", name), ("ru", "-")].into(),
        };
        Nested {
            country: coded("UZ", "Uzbekistan"),
            subdivisions: if code.is_empty() {
                vec![]
            } else {
                vec![coded(code, "Some Region")]
            },
            city: city.map(|name| Named {
                names: [("en", name)].into(),
            }),
        }
    }

    #[test]
    fn uzbek_networks_of_the_nested_layout_get_iso_codes() {
        let mut writer = Writer::new("GeoLite2-City");
        for (net, code, city) in [
            ("213.230.64.0/18", "TK", Some("Tashkent")),
            ("84.54.64.0/18", "SA", None),
            ("62.209.128.0/19", "", None),
            ("2a05:45c0::/29", "TK", Some("Tashkent")),
            ("2a0b:1c80::/29", "QR", Some("Nukus")),
        ] {
            writer.insert(network(net), &nested(code, city)).unwrap();
        }
        let database = GeoDatabase::of_bytes(writer.to_bytes().unwrap()).unwrap();
        for (address, region) in [
            ("213.230.100.7", "UZ-TK/tashkent"),
            ("84.54.70.1", "UZ-SA"),
            ("62.209.130.1", "UZ"),
            ("2a05:45c1::7", "UZ-TK/tashkent"),
            ("2a0b:1c80::7", "UZ-QR/nukus"),
            ("62.210.0.1", "-"),
            ("2a0b:2000::7", "-"),
        ] {
            assert_eq!(at(&database, address), region, "{address}");
        }
        assert_eq!(database.regions_known(), 4);
    }

    #[test]
    fn the_flat_layout_is_read_by_the_names_of_regions() {
        let mut writer = Writer::new("ip-location-db");
        for (net, country_code, state1, city) in [
            ("213.230.64.0/18", "UZ", "Tashkent", "Tashkent"),
            ("84.54.64.0/18", "UZ", "Samarqand Region", ""),
            ("62.209.128.0/19", "UZ", "", ""),
            ("37.110.208.0/21", "UZ", "Qashqadaryo", "Qarshi"),
            ("8.8.8.0/24", "US", "California", "Mountain View"),
            ("2a05:45c0::/29", "UZ", "Toshkent Viloyati", "Angren"),
        ] {
            let record = Flat {
                country_code,
                state1,
                state2: "",
                city,
                postcode: "",
                latitude: "41.3",
            };
            writer.insert(network(net), &record).unwrap();
        }
        let database = GeoDatabase::of_bytes(writer.to_bytes().unwrap()).unwrap();
        for (address, region) in [
            ("213.230.100.7", "UZ-TK/tashkent"),
            ("84.54.70.1", "UZ-SA"),
            ("62.209.130.1", "UZ"),
            ("37.110.208.9", "UZ-QA/qarshi"),
            ("8.8.8.8", "US"),
            ("2a05:45c0::1", "UZ-TO/angren"),
            ("9.9.9.9", "-"),
        ] {
            assert_eq!(at(&database, address), region, "{address}");
        }
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        assert!(GeoDatabase::of_bytes(b"not a database".to_vec()).is_err());
        assert!(GeoDatabase::open(Path::new("/nonexistent.mmdb")).is_err());
    }
}

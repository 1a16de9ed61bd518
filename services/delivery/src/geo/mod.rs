//! Where a viewer is: the operator's overlay first, then the location database, then the built-in networks of Uzbekistan
//! (delivery.md §2).
//!
//! Both files are looked at every few seconds and read again when their time or size has changed; the new state is
//! swapped in whole. A file that can't be read leaves the old state in force and is tried again when it changes.
//!
//! The built-in networks (`uzbekistan.csv`) tell little more than the country, so they come last: they are what is known
//! without any database, or of an address that the database doesn't have.
//!
//! What all of them say is flattened at load into one [`table`]: a lookup costs the same whatever their number and size.

pub mod address;
pub mod database;
pub mod overlay;
mod table;

pub use address::viewer_address;
pub(crate) use address::viewer_behind;
pub use database::GeoDatabase;
pub use overlay::{Overlay, OverlayRefused};

use arc_swap::ArcSwap;
use namoyish_domain::delivery::decision::ViewerPath;
use namoyish_domain::delivery::hash::QuickMap;
use namoyish_domain::orders::placement::RegionCode;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use table::{NOT_TOLD, Steps, Table, Value};

/// Uzbekistan's large networks.
const BUILT_IN: &str = include_str!("uzbekistan.csv");
/// The most databases of a folder that are read.
const DATABASES_MAX: usize = 16;
/// The largest overlay that is read.
const OVERLAY_BYTES_MAX: u64 = 16 << 20;

/// Why a file could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// The database can't be read or isn't one.
    #[error("the location database {path} can't be used")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: maxminddb::MaxMindDbError,
    },
    /// The overlay can't be read.
    #[error("the overlay {path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line of the overlay is wrong.
    #[error("the overlay {path} is refused")]
    Overlay {
        /// The file.
        path: PathBuf,
        /// Which line and why.
        #[source]
        source: OverlayRefused,
    },
}

/// A file's time and size: what says that it has changed.
type Stamp = Option<(SystemTime, u64)>;

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Whereabouts {
    /// `None`: unresolvable.
    pub region: Option<RegionCode>,
    /// The region and those above it.
    pub path: ViewerPath,
}

impl Whereabouts {
    /// In a region.
    pub fn of(region: Option<RegionCode>) -> Whereabouts {
        Whereabouts {
            region,
            path: ViewerPath::of(region),
        }
    }
}

#[derive(Debug)]
struct Loaded {
    table: Table,
    /// What the table's values say, from 1.
    places: Vec<Whereabouts>,
    databases: String,
    overlay_networks: usize,
    built_in_networks: usize,
}

/// Numbers for what networks say.
#[derive(Default)]
struct Places {
    numbers: QuickMap<Option<RegionCode>, Value>,
    places: Vec<Whereabouts>,
}

impl Places {
    fn number(&mut self, region: Option<RegionCode>) -> Value {
        *self.numbers.entry(region).or_insert_with(|| {
            self.places.push(Whereabouts::of(region));
            Value::try_from(self.places.len()).unwrap_or(NOT_TOLD)
        })
    }
}

impl Loaded {
    fn read(database: Option<&Path>, overlay: Option<&Path>) -> Result<Loaded, GeoError> {
        let built_in = Overlay::parse(BUILT_IN).map_err(|source| GeoError::Overlay {
            path: PathBuf::from("uzbekistan.csv (built in)"),
            source,
        })?;
        let overlay = overlay.map(read_overlay).transpose()?.unwrap_or_default();
        let files = database.map(files_of).unwrap_or_default();
        let mut places = Places::default();
        // From the top layer down, one database in memory at a time.
        let (mut v4, mut v6) = overlay.layers(|told| places.number(told));
        let mut described = Vec::new();
        for path in &files {
            let database = read_database(path)?;
            described.push(format!(
                "{} ({} regions)",
                database.kind(),
                database.regions_known()
            ));
            lay(
                &mut v4,
                &mut v6,
                database.layers(|region| places.number(Some(region))),
            );
        }
        // What the built-in networks don't know is no answer of theirs.
        lay(&mut v4, &mut v6, built_in.layers(|told| places.number(told)));
        if described.is_empty() {
            described.push("no location database".to_owned());
        }
        Ok(Loaded {
            table: Table::new(v4, v6),
            places: places.places,
            databases: described.join(", "),
            overlay_networks: overlay.networks(),
            built_in_networks: built_in.networks(),
        })
    }
}

/// Lays another layer under those that are there.
fn lay(v4: &mut Steps<u32>, v6: &mut Steps<u128>, below: (Steps<u32>, Steps<u128>)) {
    *v4 = v4.over(&below.0);
    *v6 = v6.over(&below.1);
}

/// Address → region, with both files reloaded when they change.
#[derive(Debug)]
pub struct Geo {
    database_path: Option<PathBuf>,
    overlay_path: Option<PathBuf>,
    loaded: ArcSwap<Loaded>,
    stamps: Mutex<(Stamp, Stamp)>,
}

impl Geo {
    /// Reads both; `database` may be a folder of databases, which may also be empty. A file that is named must be there and right: a node that would serve every viewer as
    /// unresolvable does not start.
    pub fn open(database: Option<PathBuf>, overlay: Option<PathBuf>) -> Result<Geo, GeoError> {
        let stamps = (stamp(database.as_deref()), stamp(overlay.as_deref()));
        let loaded = Loaded::read(database.as_deref(), overlay.as_deref())?;
        Ok(Geo {
            database_path: database,
            overlay_path: overlay,
            loaded: ArcSwap::from_pointee(loaded),
            stamps: Mutex::new(stamps),
        })
    }

    /// The built-in networks alone.
    pub fn built_in() -> Result<Geo, GeoError> {
        Geo::open(None, None)
    }

    /// The region of an address; `None` when nothing knows it.
    pub fn region_of(&self, address: IpAddr) -> Option<RegionCode> {
        self.whereabouts(address).region
    }

    /// The region of an address with those above it.
    pub fn whereabouts(&self, address: IpAddr) -> Whereabouts {
        let loaded = self.loaded.load();
        let told = loaded.table.get(address.to_canonical());
        let place = usize::try_from(told).ok().and_then(|told| told.checked_sub(1));
        place
            .and_then(|at| loaded.places.get(at))
            .copied()
            .unwrap_or_default()
    }

    /// Reads again what has changed. Answers whether anything did. Blocks for as long as reading takes.
    pub fn reload_if_changed(&self) -> Result<bool, GeoError> {
        let now = (
            stamp(self.database_path.as_deref()),
            stamp(self.overlay_path.as_deref()),
        );
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if *stamps == now || (now.0.is_none() && self.database_path.is_some()) {
            // Nothing new, or the database is being replaced at this moment: what is loaded stays.
            return Ok(false);
        }
        // Remembered before reading, so that a broken file is reported once and not at every look.
        *stamps = now;
        let loaded = Loaded::read(self.database_path.as_deref(), self.overlay_path.as_deref())?;
        self.loaded.store(Arc::new(loaded));
        Ok(true)
    }

    /// What is in force, for the log and the start-up message.
    pub fn describe(&self) -> String {
        let loaded = self.loaded.load();
        format!(
            "{}, {} networks of the operator's overlay, {} built-in networks of Uzbekistan: {} steps",
            loaded.databases,
            loaded.overlay_networks,
            loaded.built_in_networks,
            loaded.table.steps()
        )
    }
}

fn stamp(path: Option<&Path>) -> Stamp {
    // A folder changes when any of its databases does; one without a database has no stamp, like a missing file.
    files_of(path?)
        .iter()
        .filter_map(|path| {
            let facts = std::fs::metadata(path).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        })
        .reduce(|one, other| (one.0.max(other.0), one.1.wrapping_add(other.1)))
}

/// A file itself, or the databases of a folder by name: free data comes as one file for IPv4 and one for IPv6.
fn files_of(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(path) else {
        return vec![path.to_owned()];
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "mmdb"))
        .take(DATABASES_MAX)
        .collect();
    files.sort();
    files
}

fn read_database(path: &Path) -> Result<GeoDatabase, GeoError> {
    GeoDatabase::open(path).map_err(|source| GeoError::Database {
        path: path.to_owned(),
        source,
    })
}

fn read_overlay(path: &Path) -> Result<Overlay, GeoError> {
    let read = |source| GeoError::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(read)?.len();
    if bytes > OVERLAY_BYTES_MAX {
        return Err(read(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{bytes} bytes"),
        )));
    }
    let text = std::fs::read_to_string(path).map_err(read)?;
    Overlay::parse(&text).map_err(|source| GeoError::Overlay {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mmdb_writer::Writer;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn at(geo: &Geo, address: &str) -> String {
        geo.region_of(address.parse().unwrap())
            .map_or("-".to_owned(), |region| region.to_string())
    }

    fn database(networks: &[(&str, &'static str, &'static str)]) -> Vec<u8> {
        let mut writer = Writer::new("Test-City");
        for (network, country, state) in networks {
            let record: BTreeMap<&str, &str> = [("country_code", *country), ("state1", *state)].into();
            let network: mmdb_writer::ipnet::IpNet = network.parse().unwrap();
            writer.insert(network, &record).unwrap();
        }
        writer.to_bytes().unwrap()
    }

    /// Replaces a file as an operator does, by rename, with a time of its own.
    fn replace(path: &Path, bytes: &[u8], seconds: u64) {
        let beside = path.with_extension("new");
        std::fs::write(&beside, bytes).unwrap();
        let file = std::fs::File::options().append(true).open(&beside).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .unwrap();
        std::fs::rename(&beside, path).unwrap();
    }

    #[test]
    fn a_folder_of_databases_counts_as_one_and_is_taken_when_files_arrive() {
        let folder = tempfile::tempdir().unwrap();
        let geo = Geo::open(Some(folder.path().to_owned()), None).unwrap();
        assert!(!geo.reload_if_changed().unwrap());
        replace(
            &folder.path().join("v4.mmdb"),
            &database(&[("100.64.0.0/16", "UZ", "Samarqand Region")]),
            10,
        );
        replace(
            &folder.path().join("v6.mmdb"),
            &database(&[("2001:db8::/32", "UZ", "Bukhara")]),
            11,
        );
        assert!(geo.reload_if_changed().unwrap());
        assert_eq!(
            (at(&geo, "100.64.1.1"), at(&geo, "2001:db8::1")),
            ("UZ-SA".to_owned(), "UZ-BU".to_owned())
        );
        assert!(!geo.reload_if_changed().unwrap());
    }

    #[test]
    fn the_built_in_networks_know_uzbekistan_without_any_file() {
        let geo = Geo::built_in().unwrap();
        for (address, region) in [
            ("213.230.64.1", "UZ-TK"),
            ("37.110.208.1", "UZ-TK"),
            ("195.158.0.1", "UZ"),
            ("::ffff:195.158.0.1", "UZ"),
            ("2a05:45c0::1", "UZ"),
            ("8.8.8.8", "-"),
            ("127.0.0.1", "-"),
        ] {
            assert_eq!(at(&geo, address), region, "{address}");
        }
    }

    #[test]
    fn the_operators_overlay_goes_before_the_database_and_that_before_the_built_in_networks() {
        let dir = tempfile::tempdir().unwrap();
        let (city, overlay) = (dir.path().join("city.mmdb"), dir.path().join("overlay.csv"));
        replace(
            &city,
            &database(&[("213.230.64.0/18", "UZ", "Samarqand"), ("9.9.9.0/24", "US", "")]),
            1,
        );
        replace(&overlay, b"213.230.65.0/24,UZ-AN\n9.9.9.9/32,-\n", 1);
        let geo = Geo::open(Some(city), Some(overlay)).unwrap();
        for (address, region) in [
            ("213.230.65.1", "UZ-AN"),
            ("213.230.66.1", "UZ-SA"),
            ("195.158.0.1", "UZ"),
            ("9.9.9.9", "-"),
            ("9.9.9.8", "US"),
        ] {
            assert_eq!(at(&geo, address), region, "{address}");
        }
    }

    #[test]
    fn a_changed_file_is_in_force_without_a_restart_and_a_broken_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (city, overlay) = (dir.path().join("city.mmdb"), dir.path().join("overlay.csv"));
        replace(&city, &database(&[("9.9.9.0/24", "US", "")]), 1);
        replace(&overlay, b"10.0.0.0/8,UZ-TK\n", 1);
        let geo = Geo::open(Some(city.clone()), Some(overlay.clone())).unwrap();
        assert!(!geo.reload_if_changed().unwrap());
        replace(&city, &database(&[("9.9.9.0/24", "KZ", "")]), 2);
        assert!(geo.reload_if_changed().unwrap());
        assert_eq!(at(&geo, "9.9.9.1"), "KZ");
        replace(&overlay, b"10.0.0.0/8,UZ-SA\n", 2);
        assert!(geo.reload_if_changed().unwrap());
        assert_eq!(at(&geo, "10.1.1.1"), "UZ-SA");

        replace(&overlay, b"10.0.0.0/8;UZ-AN\n", 3);
        assert!(matches!(geo.reload_if_changed(), Err(GeoError::Overlay { .. })));
        replace(&city, b"half a file", 3);
        assert!(geo.reload_if_changed().is_err());
        assert!(
            !geo.reload_if_changed().unwrap(),
            "a broken file is reported once"
        );
        std::fs::remove_file(&city).unwrap();
        assert!(
            !geo.reload_if_changed().unwrap(),
            "a file that is being replaced is waited for"
        );
        assert_eq!(
            (at(&geo, "9.9.9.1"), at(&geo, "10.1.1.1")),
            ("KZ".to_owned(), "UZ-SA".to_owned())
        );
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let missing = PathBuf::from("/nonexistent/city.mmdb");
        assert!(matches!(
            Geo::open(Some(missing.clone()), None),
            Err(GeoError::Database { .. })
        ));
        assert!(matches!(
            Geo::open(None, Some(missing)),
            Err(GeoError::Read { .. })
        ));
    }
}

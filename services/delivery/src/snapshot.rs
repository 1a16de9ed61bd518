//! What a node serves from: the lines of a day by placement and region, their materials, plans, and the apps' keys.
//!
//! Rule: delivery.md §3. Immutable; built from [`SnapshotData`] when PostgreSQL tells of a new version, and again at
//! midnight from the same data, so that a node without a database goes on over the change of the day.
//!
//! Whatever an answer says of a placement or a material is written down here once, as the JSON that is sent.
//!
//! **Which materials fit a placement**: those of its kind, and of its size where both say one. A line without a fitting
//! material isn't a candidate there.

use chrono::NaiveDate;
use namoyish_domain::delivery::decision::{
    Class, LineSlot, PlacementSlot, TargetIndex, Targeting as Indexed, price_rank,
};
use namoyish_domain::delivery::hash::QuickMap;
use namoyish_domain::delivery::pacing::{DayPlan, UNLIMITED};
use namoyish_domain::ids::{AppId, LineId, PlacementId};
use namoyish_domain::orders::order_blank::LineKind;
use namoyish_domain::orders::targeting::Targeting;
use namoyish_storage::runnable::{
    SnapshotApp, SnapshotData, SnapshotLine, SnapshotMaterial, SnapshotPlacement,
};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::ops::Deref;
use std::sync::Arc;

/// A material as it is served.
#[derive(Debug)]
pub struct ServedMaterial {
    material: SnapshotMaterial,
    /// The ad's JSON up to the click's token.
    pub(crate) json: Box<[u8]>,
}

impl Deref for ServedMaterial {
    type Target = SnapshotMaterial;

    fn deref(&self) -> &SnapshotMaterial {
        &self.material
    }
}

/// A placement as it is served.
#[derive(Debug)]
pub(crate) struct ServedPlacement {
    pub(crate) id: PlacementId,
    app: AppId,
    /// The answer's JSON up to the ad, or to why there is none.
    pub(crate) json: Box<[u8]>,
}

/// A line that runs on the snapshot's day.
#[derive(Debug, Clone)]
pub(crate) struct ServedLine {
    pub(crate) id: LineId,
    pub(crate) class: Class,
    /// Price for ties.
    pub(crate) price: u64,
    /// The plan and its version; none for a line paid per period.
    pub(crate) plan: Option<(u64, DayPlan)>,
    pub(crate) scope: u32,
    pub(crate) cap: u64,
    /// To whom and when beside the regions; `None`: everybody, always.
    pub(crate) targeting: Option<Box<Targeting>>,
    /// Fitting materials by placement.
    pub(crate) materials: Vec<(PlacementSlot, Vec<Arc<ServedMaterial>>)>,
}

impl ServedLine {
    /// Whether its schedule holds an hour of the week.
    pub(crate) fn allows_hour(&self, hour_of_week: usize) -> bool {
        let targeting = self.targeting.as_ref();
        targeting.is_none_or(|targeting| targeting.allows_hour(hour_of_week))
    }

    /// The materials of the line that fit a placement, and which of the line's placements it is.
    pub(crate) fn materials_in(&self, slot: PlacementSlot) -> Option<(usize, &[Arc<ServedMaterial>])> {
        let place = self.materials.iter().position(|(at, _)| *at == slot)?;
        self.materials
            .get(place)
            .map(|(_, materials)| (place, materials.as_slice()))
    }
}

/// The snapshot of a day.
#[derive(Debug)]
pub struct Snapshot {
    data: Arc<SnapshotData>,
    day: NaiveDate,
    pub(crate) lines: Vec<ServedLine>,
    pub(crate) index: TargetIndex,
    /// By code and by key: what strangers may ask for is fixed, so a quick hash will do.
    by_code: QuickMap<String, PlacementSlot>,
    placements: Vec<Arc<ServedPlacement>>,
    apps: QuickMap<String, SnapshotApp>,
    files: HashSet<String>,
    public_url: Arc<str>,
}

impl Snapshot {
    /// Builds what is served on `day`, which is the data's day or the one after it, to browsers that reach the node at
    /// `public_url`.
    pub fn of_day(data: Arc<SnapshotData>, day: NaiveDate, public_url: Arc<str>) -> Snapshot {
        let placements: HashMap<PlacementId, SnapshotPlacement> = data
            .placements
            .iter()
            .map(|placement| (placement.id, placement.clone()))
            .collect();
        // Slots of the index are the positions in the data's list, so they can be told before the index is there.
        let slots: HashMap<PlacementId, PlacementSlot> = data
            .placements
            .iter()
            .zip(0..)
            .map(|(placement, slot)| (placement.id, slot))
            .collect();
        let mut lines = Vec::new();
        let mut targets = Vec::new();
        for line in data.lines.iter().filter(|line| line.runs_on.contains(&day)) {
            let Some((served, fitting)) = serve_line(line, day, &placements, &slots, &public_url) else {
                continue;
            };
            let context: Vec<u64> = line.targeting.context_keys().collect();
            targets.push((fitting, &line.target, context));
            lines.push(served);
        }
        let index = TargetIndex::build(
            data.placements.iter().map(|placement| placement.id),
            targets
                .iter()
                .zip(0..)
                .map(|((placements, target, context), line): (_, LineSlot)| Indexed {
                    line,
                    placements,
                    target,
                    context,
                }),
        );
        Snapshot {
            day,
            lines,
            index,
            by_code: data
                .placements
                .iter()
                .zip(0..)
                .map(|(placement, slot)| (placement.code.clone(), slot))
                .collect(),
            placements: data
                .placements
                .iter()
                .map(|placement| {
                    Arc::new(ServedPlacement {
                        id: placement.id,
                        app: placement.app,
                        json: placement_json(&placement.code, placement.width, placement.height).into(),
                    })
                })
                .collect(),
            apps: data
                .apps
                .iter()
                .map(|app| (app.publishable_key.clone(), app.clone()))
                .collect(),
            files: data
                .lines
                .iter()
                .flat_map(|line| line.materials.iter())
                .filter_map(|material| material.file_sha256.clone())
                .collect(),
            data,
            public_url,
        }
    }

    /// The same data on another day.
    pub(crate) fn on(&self, day: NaiveDate) -> Snapshot {
        Snapshot::of_day(Arc::clone(&self.data), day, Arc::clone(&self.public_url))
    }

    /// `snapshot_version` that it shows.
    pub fn version(&self) -> i64 {
        self.data.version
    }

    /// The day that is served.
    pub fn day(&self) -> NaiveDate {
        self.day
    }

    /// The day that the data was read for.
    pub(crate) fn data_day(&self) -> NaiveDate {
        self.data.day
    }

    /// How many lines run.
    pub fn lines_running(&self) -> usize {
        self.lines.len()
    }

    /// The placement of a code.
    pub fn placement_of(&self, code: &str) -> Option<PlacementId> {
        Some(self.placement(*self.by_code.get(code)?)?.id)
    }

    /// The slot of a code.
    pub(crate) fn slot_of(&self, code: &str) -> Option<PlacementSlot> {
        self.by_code.get(code).copied()
    }

    /// A placement.
    pub(crate) fn placement(&self, slot: PlacementSlot) -> Option<&Arc<ServedPlacement>> {
        self.placements.get(usize::try_from(slot).ok()?)
    }

    /// The app of a publishable key.
    pub fn app_of_key(&self, key: &str) -> Option<&SnapshotApp> {
        self.apps.get(key)
    }

    /// Whether the placement belongs to the app.
    pub(crate) fn is_of_app(&self, slot: PlacementSlot, app: AppId) -> bool {
        self.placement(slot).is_some_and(|placement| placement.app == app)
    }

    /// The files of all materials that may be shown, by SHA-256.
    pub fn files(&self) -> &HashSet<String> {
        &self.files
    }
}

/// A line with its fitting materials, and the placements in which it has any. `None` when it can't be served: a media
/// line without a plan, or nothing that fits anywhere.
fn serve_line(
    line: &SnapshotLine,
    day: NaiveDate,
    placements: &HashMap<PlacementId, SnapshotPlacement>,
    slots: &HashMap<PlacementId, PlacementSlot>,
    public_url: &str,
) -> Option<(ServedLine, Vec<PlacementId>)> {
    let plan = line.plan_of(day).map(|plan| (plan.version, plan.plan));
    let (class, scope, cap) = match (line.kind, &plan) {
        (LineKind::Media, Some((_, plan))) => (Class::Media, plan.scope, plan.cap),
        (LineKind::Media, None) => return None,
        (LineKind::Period | LineKind::Additional, _) => (Class::Period, 0, UNLIMITED),
    };
    let of_day: Vec<Arc<ServedMaterial>> = line
        .materials_of(day)
        .map(|material| {
            Arc::new(ServedMaterial {
                json: material_json(material, public_url).into(),
                material: material.clone(),
            })
        })
        .collect();
    let mut materials = Vec::new();
    let mut fitting = Vec::new();
    for id in &line.placements {
        let (Some(placement), Some(slot)) = (placements.get(id), slots.get(id)) else {
            continue;
        };
        let here: Vec<_> = of_day
            .iter()
            .filter(|material| fits(material, placement))
            .map(Arc::clone)
            .collect();
        if !here.is_empty() {
            materials.push((*slot, here));
            fitting.push(*id);
        }
    }
    if fitting.is_empty() {
        return None;
    }
    let served = ServedLine {
        id: line.id,
        class,
        price: price_rank(line.price),
        plan,
        scope,
        cap,
        targeting: (!line.targeting.is_everybody()).then(|| Box::new(line.targeting.clone())),
        materials,
    };
    Some((served, fitting))
}

/// An answer's JSON up to its ad: `{"placement":"top","width":0,"height":0,`.
pub(crate) fn placement_json(code: &str, width: u32, height: u32) -> Vec<u8> {
    let mut json = b"{\"placement\":".to_vec();
    put_text(code, &mut json);
    let _ = write!(json, ",\"width\":{width},\"height\":{height},");
    json
}

/// An ad's JSON up to the click's token.
fn material_json(material: &SnapshotMaterial, public_url: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(256);
    let _ = write!(
        json,
        "\"ad\":{{\"material\":\"{}\",\"kind\":\"{}\",\"title\":",
        material.id,
        material.kind.code()
    );
    put_text(&material.title, &mut json);
    if !material.body.is_empty() {
        json.extend_from_slice(b",\"body\":");
        put_text(&material.body, &mut json);
    }
    if let Some(sha256) = &material.file_sha256 {
        json.extend_from_slice(b",\"image_url\":");
        put_text(&format!("{public_url}/m/{sha256}"), &mut json);
    }
    let _ = write!(
        json,
        ",\"width\":{},\"height\":{},\"click_url\":",
        material.width, material.height
    );
    put_text(&format!("{public_url}/v1/c/"), &mut json);
    // The token and the quotation mark after it come with each answer.
    json.pop();
    json
}

/// A text as JSON, in quotation marks.
pub(crate) fn put_text(text: &str, json: &mut Vec<u8>) {
    // Writing to memory can't fail, and every text is JSON.
    let _ = serde_json::to_writer(json, text);
}

fn fits(material: &SnapshotMaterial, placement: &SnapshotPlacement) -> bool {
    let side_fits = |of_material: u32, of_placement: u32| {
        of_material == 0 || of_placement == 0 || of_material == of_placement
    };
    material.kind == placement.kind
        && side_fits(material.width, placement.width)
        && side_fits(material.height, placement.height)
}

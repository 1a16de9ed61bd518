//! What a node serves from: the lines of a day by placement and region, their materials, plans, and the apps' keys.
//!
//! Rule: delivery.md §3. Immutable; built from [`SnapshotData`] when PostgreSQL tells of a new version, and again at
//! midnight from the same data, so that a node without a database goes on over the change of the day.
//!
//! **Which materials fit a placement**: those of its kind, and of its size where both say one. A line without a fitting
//! material isn't a candidate there.

use chrono::NaiveDate;
use namoyish_domain::delivery::decision::{
    Class, LineSlot, PlacementSlot, TargetIndex, Targeting, price_rank,
};
use namoyish_domain::delivery::pacing::{DayPlan, UNLIMITED};
use namoyish_domain::ids::{AppId, LineId, PlacementId};
use namoyish_domain::orders::order_blank::LineKind;
use namoyish_storage::runnable::{
    SnapshotApp, SnapshotData, SnapshotLine, SnapshotMaterial, SnapshotPlacement,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

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
    /// Fitting materials by placement.
    pub(crate) materials: Vec<(PlacementSlot, Vec<Arc<SnapshotMaterial>>)>,
}

impl ServedLine {
    /// The materials of the line that fit a placement, and which of the line's placements it is.
    pub(crate) fn materials_in(&self, slot: PlacementSlot) -> Option<(usize, &[Arc<SnapshotMaterial>])> {
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
    by_code: HashMap<String, PlacementId>,
    placements: HashMap<PlacementId, SnapshotPlacement>,
    apps: HashMap<String, SnapshotApp>,
    files: HashSet<String>,
}

impl Snapshot {
    /// Builds what is served on `day`, which is the data's day or the one after it.
    pub fn of_day(data: Arc<SnapshotData>, day: NaiveDate) -> Snapshot {
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
            let Some((served, fitting)) = serve_line(line, day, &placements, &slots) else {
                continue;
            };
            targets.push((fitting, &line.target));
            lines.push(served);
        }
        let index = TargetIndex::build(
            data.placements.iter().map(|placement| placement.id),
            targets
                .iter()
                .zip(0..)
                .map(|((placements, target), line): (_, LineSlot)| Targeting {
                    line,
                    placements,
                    target,
                }),
        );
        Snapshot {
            day,
            lines,
            index,
            by_code: data
                .placements
                .iter()
                .map(|placement| (placement.code.clone(), placement.id))
                .collect(),
            placements,
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
        }
    }

    /// The same data on another day.
    pub(crate) fn on(&self, day: NaiveDate) -> Snapshot {
        Snapshot::of_day(Arc::clone(&self.data), day)
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
        self.by_code.get(code).copied()
    }

    /// A placement.
    pub fn placement(&self, id: PlacementId) -> Option<&SnapshotPlacement> {
        self.placements.get(&id)
    }

    /// The app of a publishable key.
    pub fn app_of_key(&self, key: &str) -> Option<&SnapshotApp> {
        self.apps.get(key)
    }

    /// Whether the placement belongs to the app.
    pub(crate) fn is_of_app(&self, placement: PlacementId, app: AppId) -> bool {
        self.placements
            .get(&placement)
            .is_some_and(|placement| placement.app == app)
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
) -> Option<(ServedLine, Vec<PlacementId>)> {
    let plan = line.plan_of(day).map(|plan| (plan.version, plan.plan));
    let (class, scope, cap) = match (line.kind, &plan) {
        (LineKind::Media, Some((_, plan))) => (Class::Media, plan.scope, plan.cap),
        (LineKind::Media, None) => return None,
        (LineKind::Period | LineKind::Additional, _) => (Class::Period, 0, UNLIMITED),
    };
    let of_day: Vec<Arc<SnapshotMaterial>> = line
        .materials_of(day)
        .map(|material| Arc::new(material.clone()))
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
        materials,
    };
    Some((served, fitting))
}

fn fits(material: &SnapshotMaterial, placement: &SnapshotPlacement) -> bool {
    let side_fits = |of_material: u32, of_placement: u32| {
        of_material == 0 || of_placement == 0 || of_material == of_placement
    };
    material.kind == placement.kind
        && side_fits(material.width, placement.width)
        && side_fits(material.height, placement.height)
}

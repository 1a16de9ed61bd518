//! Which line wins a request for an ad.
//!
//! Rule: delivery.md §3. Candidates are the lines that may run now in the placement and region and whose pacing admits
//! one more impression. The one most behind its schedule wins:
//!
//! ```text
//! need = used / due, the smallest wins;   compared as used_a × due_b < used_b × due_a
//! ```
//!
//! Ties go to the higher price, then to a seeded draw. Media lines behind their curve go before lines paid per period,
//! which take turns. Several placements of one page never get the same line twice unless nothing else fits. The gate
//! is deterministic: a line is admitted while it is behind its curve, never by a coin toss.
//!
//! Lines are found through an index by placement and region, so that the cost follows the lines that match and not the
//! lines there are. Not here: what a line may spend (`pacing`), numbers and grants (`counters`), who may run
//! (`orders::runnable`).

use crate::delivery::geo::GeoTarget;
use crate::ids::PlacementId;
use crate::money::UnitPrice;
use crate::orders::placement::RegionCode;
use rust_decimal::Decimal;
use std::collections::HashMap;

/// A line's place in the snapshot: an index into [`Pace`] slices.
pub type LineSlot = u32;

/// A placement's place in the index.
pub type PlacementSlot = u32;

/// Most placements of one request.
pub const PLACEMENTS_MAX: usize = 16;

/// What orders lines of different kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Has a schedule to keep: goes first.
    Media,
    /// Paid per period: fills what is left, in turn.
    Period,
}

/// How a line stands with its schedule, as this node knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Numbers in hand that may be handed out now. None: the pace admits nothing.
    pub available: u32,
    /// Kind of line.
    pub class: Class,
    /// Media: impressions used of today's; period: the turn at which it was last served.
    pub used: u64,
    /// Media: impressions due by now; period: 1.
    pub due: u64,
    /// Price for ties, millionths of a so'm.
    pub price: u64,
}

/// A line to be put into the index.
#[derive(Debug, Clone)]
pub struct Targeting<'a> {
    /// Its slot.
    pub line: LineSlot,
    /// Where it may be shown.
    pub placements: &'a [PlacementId],
    /// For which viewers.
    pub target: &'a GeoTarget,
}

/// The lines of one placement.
#[derive(Debug, Clone, Default)]
struct PlacementLines {
    everywhere: Vec<LineSlot>,
    by_region: HashMap<RegionCode, Vec<LineSlot>>,
}

/// Which lines match which placement and region. Immutable; built with each snapshot.
#[derive(Debug, Clone, Default)]
pub struct TargetIndex {
    slots: HashMap<PlacementId, PlacementSlot>,
    placements: Vec<PlacementLines>,
}

impl TargetIndex {
    /// Builds the index. Every placement of `placements` gets a slot, in order, also without a line.
    pub fn build<'a>(
        placements: impl IntoIterator<Item = PlacementId>,
        lines: impl IntoIterator<Item = Targeting<'a>>,
    ) -> TargetIndex {
        let mut index = TargetIndex::default();
        for placement in placements {
            index.slot_or_new(placement);
        }
        for line in lines {
            for placement in line.placements {
                let slot = index.slot_or_new(*placement);
                let Some(lines) = usize::try_from(slot)
                    .ok()
                    .and_then(|at| index.placements.get_mut(at))
                else {
                    continue;
                };
                if line.target.regions().is_empty() {
                    lines.everywhere.push(line.line);
                }
                for region in line.target.regions() {
                    lines.by_region.entry(*region).or_default().push(line.line);
                }
            }
        }
        index
    }

    fn slot_or_new(&mut self, placement: PlacementId) -> PlacementSlot {
        let next = PlacementSlot::try_from(self.placements.len()).unwrap_or(PlacementSlot::MAX);
        let slot = *self.slots.entry(placement).or_insert(next);
        if slot == next {
            self.placements.push(PlacementLines::default());
        }
        slot
    }

    /// The slot of a placement; `None` when the snapshot doesn't have it.
    pub fn slot(&self, placement: PlacementId) -> Option<PlacementSlot> {
        self.slots.get(&placement).copied()
    }

    fn lines(&self, slot: PlacementSlot) -> Option<&PlacementLines> {
        self.placements.get(usize::try_from(slot).ok()?)
    }

    /// The lines that match a placement for a viewer at `path`, each once: [`decide`]'s candidates before pacing.
    pub fn matching<'a>(
        &'a self,
        slot: PlacementSlot,
        path: &'a ViewerPath,
    ) -> impl Iterator<Item = LineSlot> + 'a {
        let lines = self.lines(slot);
        let everywhere = lines.into_iter().flat_map(|lines| lines.everywhere.iter());
        let by_region = lines
            .into_iter()
            .filter(|lines| !lines.by_region.is_empty())
            .flat_map(|lines| {
                path.nodes()
                    .iter()
                    .flatten()
                    .filter_map(|node| lines.by_region.get(node))
                    .flatten()
            });
        everywhere.chain(by_region).copied()
    }
}

/// A viewer's region and those above it: what the index is asked for. Empty for an address without a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ViewerPath {
    nodes: [Option<RegionCode>; 3],
}

impl ViewerPath {
    /// The path of a region up to its country.
    pub fn of(region: Option<RegionCode>) -> ViewerPath {
        let mut path = ViewerPath::default();
        let nodes = region.into_iter().flat_map(RegionCode::path);
        for (place, node) in path.nodes.iter_mut().zip(nodes) {
            *place = Some(node);
        }
        path
    }

    fn nodes(&self) -> &[Option<RegionCode>; 3] {
        &self.nodes
    }
}

/// Why a placement stays empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoAdReason {
    /// No such placement.
    UnknownPlacement,
    /// The placement isn't the key's app's.
    OtherApp,
    /// No line runs in the placement.
    NoLine,
    /// Lines run there, but none for the viewer's region.
    Region,
    /// Lines match, but all have had what is due by now.
    Pace,
    /// A line won, but none of its materials fits the placement.
    NoMaterial,
}

impl NoAdReason {
    /// Every reason, for metrics.
    pub const ALL: [NoAdReason; 6] = [
        NoAdReason::UnknownPlacement,
        NoAdReason::OtherApp,
        NoAdReason::NoLine,
        NoAdReason::Region,
        NoAdReason::Pace,
        NoAdReason::NoMaterial,
    ];

    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            NoAdReason::UnknownPlacement => "unknown_placement",
            NoAdReason::OtherApp => "placement_of_another_app",
            NoAdReason::NoLine => "no_line",
            NoAdReason::Region => "region",
            NoAdReason::Pace => "pace",
            NoAdReason::NoMaterial => "no_material",
        }
    }
}

/// Chooses a line for one placement of a request. `taken` are the lines that the request's other placements got;
/// `draw` is the request's chance. Pure: the same arguments choose the same line.
pub fn decide(
    index: &TargetIndex,
    pace: &[Pace],
    slot: PlacementSlot,
    path: &ViewerPath,
    taken: &[LineSlot],
    draw: u64,
) -> Result<LineSlot, NoAdReason> {
    let lines = index.lines(slot).ok_or(NoAdReason::UnknownPlacement)?;
    let mut matched = false;
    let mut fresh: Option<Candidate> = None;
    let mut again: Option<Candidate> = None;
    for line in index.matching(slot, path) {
        matched = true;
        let Some(pace) = usize::try_from(line).ok().and_then(|at| pace.get(at)) else {
            continue;
        };
        if pace.available == 0 {
            continue;
        }
        let candidate = Candidate { line, pace: *pace };
        let best = if taken.contains(&line) {
            &mut again
        } else {
            &mut fresh
        };
        if best.as_ref().is_none_or(|best| candidate.goes_before(best, draw)) {
            *best = Some(candidate);
        }
    }
    match fresh.or(again) {
        Some(winner) => Ok(winner.line),
        None if matched => Err(NoAdReason::Pace),
        None if lines.everywhere.is_empty() && lines.by_region.is_empty() => Err(NoAdReason::NoLine),
        None => Err(NoAdReason::Region),
    }
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    line: LineSlot,
    pace: Pace,
}

impl Candidate {
    fn goes_before(&self, other: &Candidate, draw: u64) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let (a, b) = (&self.pace, &other.pace);
        let need_a = u128::from(a.used) * u128::from(b.due);
        let need_b = u128::from(b.used) * u128::from(a.due);
        let order = a
            .class
            .cmp(&b.class)
            .then(need_a.cmp(&need_b))
            .then(b.price.cmp(&a.price))
            .then_with(|| lot(draw, self.line).cmp(&lot(draw, other.line)));
        match order {
            Less => true,
            Equal | Greater => false,
        }
    }
}

/// A line's lot in a draw: well mixed, the same for the same draw.
fn lot(draw: u64, line: LineSlot) -> u64 {
    let mut mixed = draw ^ u64::from(line).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A price as [`Pace::price`]: millionths of a so'm, as large as fits.
pub fn price_rank(price: UnitPrice) -> u64 {
    price
        .decimal()
        .checked_mul(Decimal::from(1_000_000))
        .and_then(|millionths| u64::try_from(millionths.trunc()).ok())
        .unwrap_or(u64::MAX)
}

/// Which of a line's materials is shown at its `turn`-th serving: they rotate evenly.
pub fn material_of_turn(turn: u64, materials: usize) -> Option<usize> {
    let count = u64::try_from(materials).ok().filter(|count| *count > 0)?;
    usize::try_from(turn % count).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn placement(n: u128) -> PlacementId {
        PlacementId::from_uuid(Uuid::from_u128(n))
    }

    fn region(code: &str) -> RegionCode {
        RegionCode::parse(code).unwrap()
    }

    fn media(used: u64, due: u64) -> Pace {
        Pace {
            available: 1,
            class: Class::Media,
            used,
            due,
            price: 1,
        }
    }

    fn period(turn: u64) -> Pace {
        Pace {
            available: 1,
            class: Class::Period,
            used: turn,
            due: 1,
            price: 1,
        }
    }

    /// Lines by their targets, all in placement 1.
    fn index(targets: &[&[&str]]) -> TargetIndex {
        let targets: Vec<GeoTarget> = targets
            .iter()
            .map(|codes| GeoTarget::new(codes.iter().map(|code| region(code))))
            .collect();
        let here = [placement(1)];
        TargetIndex::build(
            [placement(1), placement(2)],
            targets.iter().zip(0..).map(|(target, line)| Targeting {
                line,
                placements: &here,
                target,
            }),
        )
    }

    fn choose(
        index: &TargetIndex,
        pace: &[Pace],
        viewer: Option<&str>,
        taken: &[LineSlot],
    ) -> Result<LineSlot, NoAdReason> {
        decide(index, pace, 0, &ViewerPath::of(viewer.map(region)), taken, 42)
    }

    #[test]
    fn the_line_most_behind_its_schedule_wins() {
        let index = index(&[&[], &[], &[]]);
        // 1/2, 30/100, 0/1 of what is due.
        assert_eq!(
            choose(&index, &[media(1, 2), media(30, 100), media(0, 1)], None, &[]),
            Ok(2)
        );
        assert_eq!(
            choose(&index, &[media(1, 2), media(30, 100), media(9, 10)], None, &[]),
            Ok(1)
        );
        // Sums that would overflow a product of two u64.
        assert_eq!(
            choose(
                &index,
                &[media(u64::MAX, u64::MAX), media(1, u64::MAX), media(5, 5)],
                None,
                &[]
            ),
            Ok(1)
        );
    }

    #[test]
    fn ties_go_to_the_higher_price_then_to_the_draw() {
        let index = index(&[&[], &[]]);
        let dear = Pace {
            price: 2,
            ..media(1, 2)
        };
        assert_eq!(choose(&index, &[media(1, 2), dear], None, &[]), Ok(1));
        assert_eq!(choose(&index, &[dear, media(2, 4)], None, &[]), Ok(0));
        let pace = [media(1, 2), media(1, 2)];
        let path = ViewerPath::default();
        let wins = (0..1000)
            .filter(|draw| decide(&index, &pace, 0, &path, &[], *draw) == Ok(0))
            .count();
        assert!((400..600).contains(&wins), "line 0 won {wins} of 1000 draws");
        assert_eq!(
            decide(&index, &pace, 0, &path, &[], 7),
            decide(&index, &pace, 0, &path, &[], 7)
        );
    }

    #[test]
    fn media_lines_behind_their_curve_go_before_period_lines_which_take_turns() {
        let index = index(&[&[], &[], &[]]);
        assert_eq!(
            choose(&index, &[period(0), media(99, 100), period(0)], None, &[]),
            Ok(1)
        );
        let met = Pace {
            available: 0,
            ..media(100, 100)
        };
        assert_eq!(choose(&index, &[period(5), met, period(4)], None, &[]), Ok(2));
    }

    #[test]
    fn a_region_covers_what_lies_below_and_nothing_else() {
        let index = index(&[&["UZ-TK"]]);
        let pace = [media(0, 1)];
        for (viewer, outcome) in [
            (Some("UZ-TK"), Ok(0)),
            (Some("UZ-TK/tashkent"), Ok(0)),
            (Some("UZ"), Err(NoAdReason::Region)),
            (Some("UZ-SA"), Err(NoAdReason::Region)),
            (Some("KZ"), Err(NoAdReason::Region)),
            (None, Err(NoAdReason::Region)),
        ] {
            assert_eq!(choose(&index, &pace, viewer, &[]), outcome, "{viewer:?}");
        }
    }

    #[test]
    fn an_unresolvable_address_gets_only_untargeted_lines() {
        let index = index(&[&["UZ"], &[]]);
        let pace = [media(0, 100), media(99, 100)];
        assert_eq!(choose(&index, &pace, None, &[]), Ok(1));
        assert_eq!(choose(&index, &pace, Some("UZ-AN"), &[]), Ok(0));
    }

    #[test]
    fn no_line_twice_on_a_page_unless_nothing_else_fits() {
        let index = index(&[&[], &[]]);
        let pace = [media(0, 100), media(99, 100)];
        assert_eq!(choose(&index, &pace, None, &[]), Ok(0));
        assert_eq!(choose(&index, &pace, None, &[0]), Ok(1));
        assert_eq!(choose(&index, &pace, None, &[0, 1]), Ok(0));
        // A period line that is free goes before a media line that the page has already.
        assert_eq!(choose(&index, &[media(0, 100), period(3)], None, &[0]), Ok(1));
    }

    #[test]
    fn an_empty_placement_says_why() {
        let index = index(&[&["UZ-TK"]]);
        let met = [Pace {
            available: 0,
            ..media(1, 1)
        }];
        assert_eq!(choose(&index, &met, Some("UZ-TK"), &[]), Err(NoAdReason::Pace));
        let path = ViewerPath::default();
        assert_eq!(decide(&index, &met, 1, &path, &[], 0), Err(NoAdReason::NoLine));
        assert_eq!(
            decide(&index, &met, 7, &path, &[], 0),
            Err(NoAdReason::UnknownPlacement)
        );
        assert_eq!(index.slot(placement(2)), Some(1));
        assert_eq!(index.slot(placement(3)), None);
    }

    #[test]
    fn a_line_with_nested_targets_matches_once() {
        let index = index(&[&["UZ", "UZ-TK", "UZ-TK/tashkent"]]);
        let path = ViewerPath::of(Some(region("UZ-TK/tashkent")));
        assert_eq!(index.matching(0, &path).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn materials_rotate_evenly() {
        let shown: Vec<usize> = (0..7).filter_map(|turn| material_of_turn(turn, 3)).collect();
        assert_eq!(shown, [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(material_of_turn(0, 0), None);
    }

    proptest! {
        #[test]
        fn decide_never_serves_what_is_not_admitted_or_not_targeted(
            lines in prop::collection::vec((0..3_u32, 0..50_u64, 1..50_u64, 0..5_usize), 1..30), viewer in 0..5_usize, draw: u64,
        ) {
            let codes = ["", "UZ", "UZ-TK", "UZ-TK/tashkent", "KZ"];
            let target = |n: usize| GeoTarget::new((n > 0).then(|| region(codes[n])));
            let targets: Vec<GeoTarget> = lines.iter().map(|(_, _, _, n)| target(*n)).collect();
            let here = [placement(1)];
            let index = TargetIndex::build(
                [placement(1)],
                targets.iter().zip(0..).map(|(target, line)| Targeting { line, placements: &here, target }),
            );
            let pace: Vec<Pace> =
                lines.iter().map(|(available, used, due, _)| Pace { available: *available, ..media(*used, *due) }).collect();
            let viewer = (viewer > 0).then(|| region(codes[viewer]));
            let fits = |slot: usize| pace[slot].available > 0 && targets[slot].matches(viewer);
            match decide(&index, &pace, 0, &ViewerPath::of(viewer), &[], draw) {
                Ok(won) => {
                    let won = usize::try_from(won).unwrap();
                    prop_assert!(fits(won));
                    for other in (0..pace.len()).filter(|other| fits(*other)) {
                        let (a, b) = (pace[won], pace[other]);
                        prop_assert!(a.used * b.due <= b.used * a.due);
                    }
                }
                Err(_) => prop_assert!(!(0..pace.len()).any(fits)),
            }
        }
    }
}

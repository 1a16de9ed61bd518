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
//! Lines are found through an index by placement and region ([`TargetIndex`]), and each of its lists is kept as a tree in
//! which a node knows the line of its part that goes first ([`Standings`]). A decision looks at the roots of a few lists,
//! whatever their length; a line whose standing changes climbs its trees once. Lines that this request may not have are
//! passed over by opening only the nodes they lead.
//!
//! Not here: what a line may spend (`pacing`), numbers and grants (`counters`), who may run (`orders::runnable`).

use crate::delivery::geo::GeoTarget;
use crate::delivery::hash::{QuickMap, mix};
use crate::ids::PlacementId;
use crate::money::UnitPrice;
use crate::orders::placement::RegionCode;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A line's place in the snapshot.
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
    /// Rubrics and words under which alone it is found; empty: on every page.
    pub context: &'a [u64],
}

/// The lists of one placement.
#[derive(Debug, Clone, Default)]
struct PlacementLists {
    everywhere: Option<List>,
    by_region: QuickMap<RegionCode, List>,
    /// Lines for a rubric or a search, by it and the region.
    by_context: QuickMap<(u64, Option<RegionCode>), List>,
}

/// A list of lines: where its tree lies. The leaves come first, then each level above them, the root last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct List {
    first: usize,
    length: usize,
    root: usize,
}

/// Children of a node.
const FANOUT: usize = 8;

impl List {
    fn at(first: usize, length: usize) -> List {
        let (mut root, mut level) = (first, length);
        while level > 1 {
            root += level;
            level = level.div_ceil(FANOUT);
        }
        List { first, length, root }
    }

    /// The place after its tree.
    fn end(&self) -> usize {
        self.root + 1
    }
}

/// Which lines match which placement and region. Immutable; built with each snapshot.
#[derive(Debug, Clone, Default)]
pub struct TargetIndex {
    slots: QuickMap<PlacementId, PlacementSlot>,
    placements: Vec<PlacementLists>,
    /// The lines of the lists, at the places of their leaves; 0 at the other nodes.
    members: Vec<LineSlot>,
    /// The leaves of each line, line after line: those of line `n` are `leaves[leaves_of[n]..leaves_of[n + 1]]`.
    leaves_of: Vec<usize>,
    leaves: Vec<(List, usize)>,
}

impl TargetIndex {
    /// Builds the index. Every placement of `placements` gets a slot, in order, also without a line.
    pub fn build<'a>(
        placements: impl IntoIterator<Item = PlacementId>,
        lines: impl IntoIterator<Item = Targeting<'a>>,
    ) -> TargetIndex {
        #[derive(Default)]
        struct Gathered {
            everywhere: Vec<LineSlot>,
            by_region: BTreeMap<RegionCode, Vec<LineSlot>>,
            by_context: BTreeMap<(u64, Option<RegionCode>), Vec<LineSlot>>,
        }
        let mut index = TargetIndex::default();
        let mut gathered: Vec<Gathered> = Vec::new();
        for placement in placements {
            index.slot_or_new(placement);
        }
        let mut lines_end = 0;
        for line in lines {
            lines_end = lines_end.max(place_of(line.line) + 1);
            for placement in line.placements {
                let at = place_of(index.slot_or_new(*placement));
                if gathered.len() <= at {
                    gathered.resize_with(at + 1, Gathered::default);
                }
                let Some(lists) = gathered.get_mut(at) else {
                    continue;
                };
                let regions = line.target.regions();
                let context: BTreeSet<u64> = line.context.iter().copied().collect();
                for key in &context {
                    let mut push = |region| {
                        lists
                            .by_context
                            .entry((*key, region))
                            .or_default()
                            .push(line.line);
                    };
                    if regions.is_empty() {
                        push(None);
                    }
                    regions.iter().for_each(|region| push(Some(*region)));
                }
                if !context.is_empty() {
                    continue;
                }
                if regions.is_empty() {
                    lists.everywhere.push(line.line);
                }
                for region in regions {
                    lists.by_region.entry(*region).or_default().push(line.line);
                }
            }
        }
        let mut by_line: Vec<(LineSlot, List, usize)> = Vec::new();
        for (lists, gathered) in index.placements.iter_mut().zip(gathered) {
            let mut place = |lines: Vec<LineSlot>| {
                let list = List::at(index.members.len(), lines.len());
                by_line.extend(
                    lines
                        .iter()
                        .zip(list.first..)
                        .map(|(line, leaf)| (*line, list, leaf)),
                );
                index.members.extend(lines);
                index.members.resize(list.end(), 0);
                list
            };
            if !gathered.everywhere.is_empty() {
                lists.everywhere = Some(place(gathered.everywhere));
            }
            lists.by_region = gathered
                .by_region
                .into_iter()
                .map(|(region, lines)| (region, place(lines)))
                .collect();
            lists.by_context = gathered
                .by_context
                .into_iter()
                .map(|(key, lines)| (key, place(lines)))
                .collect();
        }
        by_line.sort_by_key(|(line, _, leaf)| (*line, *leaf));
        index.leaves_of = vec![0; lines_end + 1];
        for (line, _, _) in &by_line {
            if let Some(ends) = index.leaves_of.get_mut(place_of(*line) + 1) {
                *ends += 1;
            }
        }
        let mut end = 0;
        for ends in &mut index.leaves_of {
            end += *ends;
            *ends = end;
        }
        index.leaves = by_line.into_iter().map(|(_, list, leaf)| (list, leaf)).collect();
        index
    }

    fn slot_or_new(&mut self, placement: PlacementId) -> PlacementSlot {
        let next = PlacementSlot::try_from(self.placements.len()).unwrap_or(PlacementSlot::MAX);
        let slot = *self.slots.entry(placement).or_insert(next);
        if slot == next {
            self.placements.push(PlacementLists::default());
        }
        slot
    }

    /// The slot of a placement; `None` when the snapshot doesn't have it.
    pub fn slot(&self, placement: PlacementId) -> Option<PlacementSlot> {
        self.slots.get(&placement).copied()
    }

    /// The lists that match a placement for a viewer at `path` on a page with this context.
    fn lists<'a>(
        &'a self,
        slot: PlacementSlot,
        path: &'a ViewerPath,
        context: &'a [u64],
    ) -> Option<impl Iterator<Item = List> + 'a> {
        let lists = self.placements.get(place_of(slot))?;
        let nodes = if lists.by_region.is_empty() {
            &[]
        } else {
            path.nodes().as_slice()
        };
        let by_region = nodes
            .iter()
            .flatten()
            .filter_map(|node| lists.by_region.get(node).copied());
        let context = if lists.by_context.is_empty() { &[] } else { context };
        let by_context = context
            .iter()
            .flat_map(|key| {
                let regions =
                    std::iter::once(None).chain(path.nodes().iter().copied().filter(Option::is_some));
                regions.map(|region| (*key, region))
            })
            .filter_map(|key| lists.by_context.get(&key).copied());
        Some(lists.everywhere.into_iter().chain(by_region).chain(by_context))
    }

    /// The lines of a placement that a page with this context could show beside those of every page; some come twice.
    pub fn matching_context<'a>(
        &'a self,
        slot: PlacementSlot,
        path: &'a ViewerPath,
        context: &'a [u64],
    ) -> impl Iterator<Item = LineSlot> + 'a {
        let all = self.lists(slot, path, context).into_iter().flatten();
        let plain = self.lists(slot, path, &[]).into_iter().flatten().count();
        self.members_of(all.skip(plain))
    }

    fn members_of<'a>(
        &'a self,
        lists: impl Iterator<Item = List> + 'a,
    ) -> impl Iterator<Item = LineSlot> + 'a {
        lists
            .flat_map(|list| self.members.get(list.first..list.first + list.length))
            .flatten()
            .copied()
    }

    /// The lines of every page that match a placement for a viewer at `path`, each once: candidates before pacing.
    pub fn matching<'a>(
        &'a self,
        slot: PlacementSlot,
        path: &'a ViewerPath,
    ) -> impl Iterator<Item = LineSlot> + 'a {
        self.members_of(self.lists(slot, path, &[]).into_iter().flatten())
    }

    /// Whether no line runs in a placement at all.
    fn is_empty_at(&self, slot: PlacementSlot) -> bool {
        self.placements.get(place_of(slot)).is_none_or(|lists| {
            lists.everywhere.is_none() && lists.by_region.is_empty() && lists.by_context.is_empty()
        })
    }

    /// The leaves of a line.
    fn leaves(&self, line: LineSlot) -> &[(List, usize)] {
        let at = place_of(line);
        let ends = self.leaves_of.get(at).zip(self.leaves_of.get(at + 1));
        ends.and_then(|(begin, end)| self.leaves.get(*begin..*end))
            .unwrap_or_default()
    }
}

fn place_of(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

/// Who goes first in a part of a list. The smallest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Standing {
    /// See [`Pace::key`]; [`OUT`] may not be served.
    key: u128,
    /// Decides between two that drew the same lot.
    line: LineSlot,
}

const OUT: u128 = u128::MAX;
/// Binary places of a need. Two needs that differ by less are a tie: that takes more than ten million impressions a day.
const NEED_PLACES: u32 = 48;

impl Pace {
    /// What orders lines: class, then need, then price, then a lot that is drawn anew with every impression.
    ///
    /// ```text
    /// class 1 bit | need 63 bits: used / due with 48 binary places, or the turn | price 48 bits, inverted | lot 16 bits
    /// ```
    fn key(&self, line: LineSlot, seed: u64) -> u128 {
        const NEED_MAX: u128 = (1 << 63) - 1;
        const PRICE_MAX: u64 = (1 << 48) - 1;
        if self.available == 0 {
            return OUT;
        }
        let (class, need) = match self.class {
            Class::Media => (0, ratio(self.used, self.due.max(1))),
            Class::Period => (1, u128::from(self.used)),
        };
        let price = PRICE_MAX - self.price.min(PRICE_MAX);
        let lot = mix(seed ^ mix(self.used ^ (u64::from(line) << 32))) & 0xffff;
        // Below OUT, as no need is larger than NEED_MAX - 1.
        (class << 127) | (need.min(NEED_MAX - 1) << 64) | (u128::from(price) << 16) | u128::from(lot)
    }
}

/// `used / due` with [`NEED_PLACES`] binary places.
fn ratio(used: u64, due: u64) -> u128 {
    // A division of 128 bits costs ten times as much, and hardly any line has had so many impressions in a day.
    if used < 1 << (u64::BITS - NEED_PLACES) {
        u128::from((used << NEED_PLACES) / due)
    } else {
        (u128::from(used) << NEED_PLACES) / u128::from(due)
    }
}

/// How all lines of an index stand: who goes first in each of its lists.
#[derive(Debug, Clone)]
pub struct Standings {
    seed: u64,
    nodes: Vec<Standing>,
}

impl Standings {
    /// Nobody may be served yet. `seed` is the chance by which ties are decided.
    pub fn new(index: &TargetIndex, seed: u64) -> Standings {
        let nodes = index
            .members
            .iter()
            .map(|line| Standing {
                key: OUT,
                line: *line,
            })
            .collect();
        Standings { seed, nodes }
    }

    /// Nobody may be served any more.
    pub fn clear(&mut self) {
        for node in &mut self.nodes {
            node.key = OUT;
        }
    }

    /// Tells how a line stands now.
    pub fn put(&mut self, index: &TargetIndex, line: LineSlot, pace: &Pace) {
        let leaves = index.leaves(line);
        let standing = Standing {
            key: pace.key(line, self.seed),
            line,
        };
        for (list, leaf) in leaves {
            match self.nodes.get_mut(*leaf) {
                Some(node) if *node != standing => *node = standing,
                _ => continue,
            }
            self.climb(list, *leaf, standing);
        }
    }

    /// Tells the nodes above a leaf that it has changed. It stops where another line leads before and after.
    fn climb(&mut self, list: &List, leaf: usize, changed: Standing) {
        let (mut first, mut length, mut child) = (list.first, list.length, leaf - list.first);
        while length > 1 {
            let (above, place) = (first + length, child / FANOUT);
            let Some(known) = self.nodes.get(above + place).copied() else {
                return;
            };
            let best = if changed < known {
                changed
            } else if known.line == changed.line {
                // It led and may have fallen behind.
                self.first_of(children(first, length, place))
            } else {
                return;
            };
            if let Some(node) = self.nodes.get_mut(above + place) {
                *node = best;
            }
            (first, length, child) = (above, length.div_ceil(FANOUT), place);
        }
    }

    fn first_of(&self, nodes: Range<usize>) -> Standing {
        let nobody = Standing { key: OUT, line: 0 };
        let nodes = self.nodes.get(nodes).unwrap_or_default();
        nodes.iter().copied().min().unwrap_or(nobody)
    }

    /// Who goes first in a list.
    fn leader(&self, list: List) -> Option<Standing> {
        self.nodes
            .get(list.root)
            .copied()
            .filter(|leader| leader.key != OUT)
    }

    /// Who goes first among those of a list that `fits` lets in. Opens only nodes that are led by others.
    fn leader_among(&self, list: List, fits: &mut impl FnMut(LineSlot) -> bool) -> Option<Standing> {
        let mut best: Option<Standing> = None;
        // A list of 2^32 lines has eleven levels; the stack holds the siblings on the way down.
        let mut open = vec![list.root];
        let levels = levels(list);
        while let Some(at) = open.pop() {
            let Some(node) = self.nodes.get(at).copied() else {
                continue;
            };
            if node.key == OUT || best.is_some_and(|best| best < node) {
                continue;
            }
            if fits(node.line) {
                best = Some(node);
                continue;
            }
            let level = levels
                .iter()
                .position(|(first, length)| (*first..first + length).contains(&at));
            let below = level.filter(|level| *level > 0).and_then(|level| {
                let (first, _) = levels.get(level)?;
                let (below, length) = levels.get(level - 1)?;
                Some(children(*below, *length, at - first))
            });
            open.extend(below.into_iter().flatten());
        }
        best
    }
}

/// The levels of a list's tree, leaves first: the first node of each and how many there are.
fn levels(list: List) -> Vec<(usize, usize)> {
    let mut levels = vec![(list.first, list.length)];
    let (mut first, mut length) = (list.first, list.length);
    while length > 1 {
        (first, length) = (first + length, length.div_ceil(FANOUT));
        levels.push((first, length));
    }
    levels
}

/// The children of the `place`-th node above a level.
fn children(first: usize, length: usize, place: usize) -> Range<usize> {
    let begin = place * FANOUT;
    first + begin..first + (begin + FANOUT).min(length)
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
    /// Lines match, but all have had what is due by now, or have other hours.
    Pace,
    /// Lines are due, but the viewer has seen them as often as they allow, or they are for another search.
    Viewer,
    /// A line won, but none of its materials fits the placement.
    NoMaterial,
}

impl NoAdReason {
    /// Every reason, for metrics.
    pub const ALL: [NoAdReason; 7] = [
        NoAdReason::UnknownPlacement,
        NoAdReason::OtherApp,
        NoAdReason::NoLine,
        NoAdReason::Region,
        NoAdReason::Pace,
        NoAdReason::Viewer,
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
            NoAdReason::Viewer => "viewer",
            NoAdReason::NoMaterial => "no_material",
        }
    }
}

/// What a decision is asked for, beside the standings.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The placement.
    pub slot: PlacementSlot,
    /// The viewer's region and those above it.
    pub path: &'a ViewerPath,
    /// The page's rubric and the search's words.
    pub context: &'a [u64],
    /// Lines that the request's other placements got: they come again only when nothing else fits.
    pub taken: &'a [LineSlot],
}

/// Chooses a line for one placement of a request among those that `may` lets this viewer see. Pure: the same standings
/// choose the same line.
pub fn decide(
    index: &TargetIndex,
    standings: &Standings,
    wish: &Wish<'_>,
    mut may: impl FnMut(LineSlot) -> bool,
) -> Result<LineSlot, NoAdReason> {
    let lists = index
        .lists(wish.slot, wish.path, wish.context)
        .ok_or(NoAdReason::UnknownPlacement)?;
    let (mut matched, mut refused) = (false, false);
    let mut fresh: Option<Standing> = None;
    let mut again: Option<Standing> = None;
    for list in lists {
        matched = true;
        let Some(leader) = standings.leader(list) else {
            continue;
        };
        let is_taken = wish.taken.contains(&leader.line);
        if may(leader.line) && !is_taken {
            fresh = first(fresh, Some(leader));
            continue;
        }
        refused |= !is_taken;
        let mut best = |is_fresh: bool| {
            standings.leader_among(list, &mut |line| {
                (!is_fresh || !wish.taken.contains(&line)) && may(line)
            })
        };
        fresh = first(fresh, best(true));
        if fresh.is_none() {
            again = first(again, best(false));
        }
    }
    match fresh.or(again) {
        Some(winner) => Ok(winner.line),
        None if refused => Err(NoAdReason::Viewer),
        None if matched => Err(NoAdReason::Pace),
        None if index.is_empty_at(wish.slot) => Err(NoAdReason::NoLine),
        None => Err(NoAdReason::Region),
    }
}

fn first(one: Option<Standing>, other: Option<Standing>) -> Option<Standing> {
    one.into_iter().chain(other).min()
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
                context: &[],
            }),
        )
    }

    /// A decision on a page without context, where everybody may see everything.
    fn decide(
        index: &TargetIndex,
        standings: &Standings,
        slot: PlacementSlot,
        path: &ViewerPath,
        taken: &[LineSlot],
    ) -> Result<LineSlot, NoAdReason> {
        let wish = Wish {
            slot,
            path,
            context: &[],
            taken,
        };
        super::decide(index, standings, &wish, |_| true)
    }

    fn standings(index: &TargetIndex, pace: &[Pace], seed: u64) -> Standings {
        let mut standings = Standings::new(index, seed);
        for (pace, line) in pace.iter().zip(0..) {
            standings.put(index, line, pace);
        }
        standings
    }

    fn choose(
        index: &TargetIndex,
        pace: &[Pace],
        viewer: Option<&str>,
        taken: &[LineSlot],
    ) -> Result<LineSlot, NoAdReason> {
        let path = ViewerPath::of(viewer.map(region));
        decide(index, &standings(index, pace, 42), 0, &path, taken)
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
        let won = |seed| decide(&index, &standings(&index, &pace, seed), 0, &path, &[]);
        let wins = (0..1000).filter(|seed| won(*seed) == Ok(0)).count();
        assert!((400..600).contains(&wins), "line 0 won {wins} of 1000 draws");
        assert_eq!(won(7), won(7));
        // A line's lot is drawn anew with each of its impressions.
        let wins = (0..1000)
            .filter(|used| {
                let pace = [media(*used, 2 * used), media(*used, 2 * used)];
                decide(&index, &standings(&index, &pace, 42), 0, &path, &[]) == Ok(0)
            })
            .count();
        assert!((400..600).contains(&wins), "line 0 won {wins} of 1000 lots");
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
        let none = standings(&index, &met, 0);
        assert_eq!(decide(&index, &none, 1, &path, &[]), Err(NoAdReason::NoLine));
        assert_eq!(
            decide(&index, &none, 7, &path, &[]),
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

    // orders.md §3: rubrics and search context.
    #[test]
    fn a_line_with_a_context_is_found_on_its_pages_alone() {
        let targets = [
            GeoTarget::default(),
            GeoTarget::default(),
            GeoTarget::new([region("UZ-TK")]),
        ];
        let (here, contexts) = ([placement(1)], [vec![], vec![7, 8], vec![8]]);
        let index = TargetIndex::build(
            [placement(1)],
            (0..)
                .zip(&targets)
                .zip(&contexts)
                .map(|((line, target), context)| Targeting {
                    line,
                    placements: &here,
                    target,
                    context,
                }),
        );
        let standings = standings(&index, &[media(9, 10), media(5, 10), media(0, 10)], 1);
        for (viewer, context, outcome) in [
            (None, &[][..], Ok(0)),
            (Some("UZ-TK"), &[][..], Ok(0)),
            (None, &[7][..], Ok(1)),
            (None, &[8][..], Ok(1)),
            (Some("UZ-TK/tashkent"), &[8][..], Ok(2)),
            (Some("UZ-SA"), &[9, 8][..], Ok(1)),
            (None, &[9][..], Ok(0)),
        ] {
            let path = ViewerPath::of(viewer.map(region));
            let wish = Wish {
                slot: 0,
                path: &path,
                context,
                taken: &[],
            };
            let won = super::decide(&index, &standings, &wish, |_| true);
            assert_eq!(won, outcome, "{viewer:?} {context:?}");
        }
        let path = ViewerPath::of(Some(region("UZ-TK")));
        let context: Vec<_> = index.matching_context(0, &path, &[8]).collect();
        assert_eq!(context, [1, 2]);
        assert_eq!(index.matching(0, &path).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn what_a_viewer_may_not_see_is_passed_over_for_the_next_in_need() {
        let index = index(&[&[][..]; 40]);
        let pace: Vec<Pace> = (0..40).map(|used| media(used, 100)).collect();
        let standings = standings(&index, &pace, 1);
        let path = ViewerPath::default();
        let won = |taken: &[LineSlot], seen: std::ops::Range<LineSlot>| {
            let wish = Wish {
                slot: 0,
                path: &path,
                context: &[],
                taken,
            };
            super::decide(&index, &standings, &wish, |line| !seen.contains(&line))
        };
        assert_eq!(won(&[], 0..17), Ok(17));
        assert_eq!(won(&[17, 18], 0..17), Ok(19));
        assert_eq!(won(&[39], 0..39), Ok(39), "again rather than nothing");
        assert_eq!(won(&[], 0..40), Err(NoAdReason::Viewer));
    }

    #[test]
    fn materials_rotate_evenly() {
        let shown: Vec<usize> = (0..7).filter_map(|turn| material_of_turn(turn, 3)).collect();
        assert_eq!(shown, [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(material_of_turn(0, 0), None);
    }

    /// The rule itself, looked up line by line.
    fn first_by_rule(
        pace: &[Pace],
        seed: u64,
        fits: impl Fn(usize) -> bool,
        taken: &[LineSlot],
    ) -> Option<LineSlot> {
        let may = |page_has: bool| {
            (0_u32..)
                .zip(pace)
                .filter(|(line, pace)| {
                    pace.available > 0 && fits(place_of(*line)) && taken.contains(line) == page_has
                })
                .min_by(|(a, one), (b, other)| {
                    let need = |x: &Pace, y: &Pace| u128::from(x.used) * u128::from(y.due);
                    one.class
                        .cmp(&other.class)
                        .then(need(one, other).cmp(&need(other, one)))
                        .then(other.price.cmp(&one.price))
                        .then(one.key(*a, seed).cmp(&other.key(*b, seed)))
                })
                .map(|(line, _)| line)
        };
        may(false).or_else(|| may(true))
    }

    proptest! {
        #[test]
        fn the_choice_is_the_rules_whatever_changed_before(
            lines in prop::collection::vec(0..5_usize, 1..150),
            changes in prop::collection::vec((0..150_usize, 0..3_u32, 0..50_u64, 1..50_u64, 1..3_u64, prop::bool::weighted(0.2)), 0..400),
            viewer in 0..5_usize,
            taken in prop::collection::vec(0..150_u32, 0..16),
            seed: u64,
        ) {
            let codes = ["", "UZ", "UZ-TK", "UZ-TK/tashkent", "KZ"];
            let targets: Vec<GeoTarget> =
                lines.iter().map(|n| GeoTarget::new((*n > 0).then(|| region(codes[*n])))).collect();
            let here = [placement(1)];
            let index = TargetIndex::build(
                [placement(1)],
                targets.iter().zip(0..).map(|(target, line)| Targeting { line, placements: &here, target, context: &[] }),
            );
            let mut pace = vec![Pace { available: 0, ..media(0, 1) }; lines.len()];
            let mut standings = Standings::new(&index, seed);
            let viewer = (viewer > 0).then(|| region(codes[viewer]));
            let path = ViewerPath::of(viewer);
            for (line, available, used, due, price, paid_per_period) in changes {
                let line = line % lines.len();
                let class = if paid_per_period { Class::Period } else { Class::Media };
                let due = if paid_per_period { 1 } else { due };
                pace[line] = Pace { available, class, used, due, price };
                standings.put(&index, u32::try_from(line).unwrap(), &pace[line]);
                let due = first_by_rule(&pace, seed, |line| targets[line].matches(viewer), &taken);
                prop_assert_eq!(decide(&index, &standings, 0, &path, &taken).ok(), due);
            }
            standings.clear();
            prop_assert!(decide(&index, &standings, 0, &path, &taken).is_err());
        }

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
                targets.iter().zip(0..).map(|(target, line)| Targeting { line, placements: &here, target, context: &[] }),
            );
            let pace: Vec<Pace> =
                lines.iter().map(|(available, used, due, _)| Pace { available: *available, ..media(*used, *due) }).collect();
            let viewer = (viewer > 0).then(|| region(codes[viewer]));
            let fits = |slot: usize| pace[slot].available > 0 && targets[slot].matches(viewer);
            match decide(&index, &standings(&index, &pace, draw), 0, &ViewerPath::of(viewer), &[]) {
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

//! The bytes of a journal segment: header, records, seal.
//!
//! ```text
//! segment = header record* seal?
//! header  = "NMYJ" version:u16 node_length:u16 node segment:16 crc:u32          crc over all before it
//! record  = length:u16 crc:u32 payload                                          crc over length and payload
//! payload = kind:u8 line:16 scope:u32 generation:u32 epoch:u32 number:u32 material:16 placement:16
//!           decided_at_ms:i64 counted_at_ms:i64 region_length:u8 region
//! seal    = a record with the payload 0:u8 records:u64                          what a complete segment ends with
//! ```
//! Numbers are little-endian, checksums CRC-32. Reading stops at the first record that is not whole and true: whatever was
//! cut off or altered, a reader gets a prefix of what was written (`any_damage_leaves_a_prefix`), never anything else.

use namoyish_domain::calendar::Timestamp;
use namoyish_domain::delivery::counters::{Epoch, Event, EventKind};
use namoyish_domain::ids::{AdMaterialId, LineId, PlacementId, SegmentId};
use namoyish_domain::orders::placement::RegionCode;
use uuid::Uuid;

const MAGIC: &[u8; 4] = b"NMYJ";
const VERSION: u16 = 1;
const SEAL_KIND: u8 = 0;
/// Bytes before a record's payload.
const FRAME_BYTES: usize = 6;
/// The longest name of a node.
pub(crate) const NODE_BYTES_MAX: usize = 64;

/// What the bytes of a segment say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentContent {
    /// The segment's id: what makes applying it exactly once.
    pub id: SegmentId,
    /// The node that wrote it.
    pub node: String,
    /// The events, in the order of their calls.
    pub events: Vec<Event>,
    /// Bytes up to the end of the last whole record (the seal included).
    pub whole_bytes: usize,
    /// Whether the seal is there and counts as many records: nothing is missing.
    pub is_sealed: bool,
}

/// The header is not one, so nothing after it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the segment's header is damaged")]
pub struct HeaderDamaged;

/// Appends a segment's header.
pub(crate) fn write_header(out: &mut Vec<u8>, node: &str, id: SegmentId) {
    let start = out.len();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&u16::try_from(node.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(node.as_bytes());
    out.extend_from_slice(id.uuid().as_bytes());
    let crc = crc32fast::hash(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Appends an event's record.
pub(crate) fn write_event(out: &mut Vec<u8>, event: &Event) {
    write_record(out, |out| {
        out.push(event.kind.number());
        out.extend_from_slice(event.line.uuid().as_bytes());
        out.extend_from_slice(&event.scope.to_le_bytes());
        out.extend_from_slice(&event.generation.to_le_bytes());
        out.extend_from_slice(&event.epoch.0.to_le_bytes());
        out.extend_from_slice(&event.number.to_le_bytes());
        out.extend_from_slice(event.material.uuid().as_bytes());
        out.extend_from_slice(event.placement.uuid().as_bytes());
        out.extend_from_slice(&event.decided_at.timestamp_millis().to_le_bytes());
        out.extend_from_slice(&event.counted_at.timestamp_millis().to_le_bytes());
        let region = event.region.as_ref().map_or("", RegionCode::as_str);
        out.push(u8::try_from(region.len()).unwrap_or(0));
        out.extend_from_slice(region.as_bytes());
    });
}

/// Appends the seal.
pub(crate) fn write_seal(out: &mut Vec<u8>, records: u64) {
    write_record(out, |out| {
        out.push(SEAL_KIND);
        out.extend_from_slice(&records.to_le_bytes());
    });
}

fn write_record(out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_BYTES]);
    payload(out);
    // A payload has at most 141 bytes.
    let length = u16::try_from(out.len() - start - FRAME_BYTES)
        .unwrap_or(u16::MAX)
        .to_le_bytes();
    let crc = record_crc(length, out.get(start + FRAME_BYTES..).unwrap_or_default()).to_le_bytes();
    if let Some(frame) = out.get_mut(start..start + FRAME_BYTES) {
        frame.copy_from_slice(&[length[0], length[1], crc[0], crc[1], crc[2], crc[3]]);
    }
}

fn record_crc(length: [u8; 2], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

/// Reads a segment up to the last whole record.
pub fn read_segment(bytes: &[u8]) -> Result<SegmentContent, HeaderDamaged> {
    let mut reader = Reader { rest: bytes };
    let (node, id) = read_header(bytes, &mut reader).ok_or(HeaderDamaged)?;
    let mut events = Vec::new();
    let mut is_sealed = false;
    let mut whole_bytes = bytes.len() - reader.rest.len();
    while let Some(payload) = read_record(&mut reader) {
        let mut fields = Reader { rest: payload };
        match fields.u8() {
            Some(SEAL_KIND) => {
                let counted = fields.array().map(u64::from_le_bytes);
                if counted != u64::try_from(events.len()).ok() || !fields.rest.is_empty() {
                    break;
                }
                is_sealed = true;
            }
            Some(kind) => match read_event(kind, &mut fields) {
                Some(event) => events.push(event),
                None => break,
            },
            None => break,
        }
        whole_bytes = bytes.len() - reader.rest.len();
        if is_sealed {
            break;
        }
    }
    Ok(SegmentContent {
        id,
        node,
        events,
        whole_bytes,
        is_sealed,
    })
}

fn read_header(bytes: &[u8], reader: &mut Reader<'_>) -> Option<(String, SegmentId)> {
    if reader.take(4)? != MAGIC || u16::from_le_bytes(reader.array()?) != VERSION {
        return None;
    }
    let node_length = usize::from(u16::from_le_bytes(reader.array()?));
    if node_length > NODE_BYTES_MAX {
        return None;
    }
    let node = std::str::from_utf8(reader.take(node_length)?).ok()?.to_owned();
    let id = SegmentId::from_uuid(Uuid::from_bytes(reader.array()?));
    let checked = bytes.len() - reader.rest.len();
    let crc = u32::from_le_bytes(reader.array()?);
    (crc == crc32fast::hash(bytes.get(..checked)?)).then_some((node, id))
}

fn read_record<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length: [u8; 2] = reader.array()?;
    let crc = u32::from_le_bytes(reader.array()?);
    let payload = reader.take(usize::from(u16::from_le_bytes(length)))?;
    (record_crc(length, payload) == crc).then_some(payload)
}

fn read_event(kind: u8, fields: &mut Reader<'_>) -> Option<Event> {
    let event = Event {
        kind: EventKind::of_number(kind)?,
        line: LineId::from_uuid(fields.uuid()?),
        scope: fields.u32()?,
        generation: fields.u32()?,
        epoch: Epoch(fields.u32()?),
        number: fields.u32()?,
        material: AdMaterialId::from_uuid(fields.uuid()?),
        placement: PlacementId::from_uuid(fields.uuid()?),
        decided_at: Timestamp::from_timestamp_millis(i64::from_le_bytes(fields.array()?))?,
        counted_at: Timestamp::from_timestamp_millis(i64::from_le_bytes(fields.array()?))?,
        region: match usize::from(fields.u8()?) {
            0 => None,
            length => Some(RegionCode::parse(std::str::from_utf8(fields.take(length)?).ok()?).ok()?),
        },
    };
    fields.rest.is_empty().then_some(event)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn uuid(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event() -> impl Strategy<Value = Event> {
        let region = prop_oneof![
            Just(None),
            Just(Some("UZ")),
            Just(Some("UZ-TK")),
            Just(Some("UZ-TK/tashkent"))
        ];
        (
            1u8..=3,
            any::<[u128; 3]>(),
            any::<[u32; 4]>(),
            0i64..4_000_000_000_000,
            0i64..4_000_000_000_000,
            region,
        )
            .prop_map(|(kind, ids, numbers, decided, counted, region)| Event {
                kind: EventKind::of_number(kind).unwrap(),
                line: LineId::from_uuid(Uuid::from_u128(ids[0])),
                scope: numbers[0],
                generation: numbers[1],
                epoch: Epoch(numbers[2]),
                number: numbers[3],
                material: AdMaterialId::from_uuid(Uuid::from_u128(ids[1])),
                placement: PlacementId::from_uuid(Uuid::from_u128(ids[2])),
                region: region.map(|code| RegionCode::parse(code).unwrap()),
                decided_at: Timestamp::from_timestamp_millis(decided).unwrap(),
                counted_at: Timestamp::from_timestamp_millis(counted).unwrap(),
            })
    }

    fn segment(events: &[Event], sealed: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_header(&mut bytes, "node-1", SegmentId::from_uuid(Uuid::from_u128(77)));
        for event in events {
            write_event(&mut bytes, event);
        }
        if sealed {
            write_seal(&mut bytes, u64::try_from(events.len()).unwrap());
        }
        bytes
    }

    proptest! {
        #[test]
        fn a_segment_reads_as_it_was_written(events in proptest::collection::vec(event(), 0..20), sealed: bool) {
            let bytes = segment(&events, sealed);
            let content = read_segment(&bytes).unwrap();
            prop_assert_eq!(content.whole_bytes, bytes.len());
            prop_assert_eq!(content.is_sealed, sealed);
            prop_assert_eq!(content.node.as_str(), "node-1");
            prop_assert_eq!(content.id, SegmentId::from_uuid(Uuid::from_u128(77)));
            prop_assert_eq!(content.events, events);
        }

        #[test]
        fn any_damage_leaves_a_prefix(
            events in proptest::collection::vec(event(), 1..12),
            sealed: bool,
            at in any::<prop::sample::Index>(),
            flip in 1u8..=255,
            cut: bool,
        ) {
            let mut bytes = segment(&events, sealed);
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= flip;
            }
            if let Ok(content) = read_segment(&bytes) {
                prop_assert!(!content.is_sealed, "damage is always seen");
                prop_assert!(events.starts_with(&content.events));
                prop_assert!(content.whole_bytes <= bytes.len());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), events in proptest::collection::vec(event(), 0..3)) {
            let _ = read_segment(&bytes);
            let mut behind = segment(&events, false);
            behind.extend_from_slice(&bytes);
            prop_assert!(read_segment(&behind).unwrap().events.starts_with(&events));
        }
    }

    #[test]
    fn every_cut_and_every_flipped_bit_of_a_small_segment_leaves_a_prefix() {
        let event = Event {
            kind: EventKind::Click,
            line: LineId::from_uuid(Uuid::from_u128(1)),
            scope: 202_611,
            generation: 2,
            epoch: Epoch(3),
            number: 4,
            material: AdMaterialId::from_uuid(Uuid::from_u128(5)),
            placement: PlacementId::from_uuid(Uuid::from_u128(6)),
            region: Some(RegionCode::parse("UZ-TK").unwrap()),
            decided_at: "2026-11-01T06:00:00.123Z".parse().unwrap(),
            counted_at: "2026-11-01T06:00:01.456Z".parse().unwrap(),
        };
        let events = vec![event; 3];
        let bytes = segment(&events, true);
        for length in 0..bytes.len() {
            if let Ok(content) = read_segment(&bytes[..length]) {
                assert!(
                    events.starts_with(&content.events) && !content.is_sealed,
                    "cut at {length}"
                );
            }
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                if let Ok(content) = read_segment(&damaged) {
                    assert!(
                        events.starts_with(&content.events) && !content.is_sealed,
                        "bit {bit} of byte {at}"
                    );
                }
            }
        }
    }
}

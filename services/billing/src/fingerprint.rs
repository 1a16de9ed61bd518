//! The fingerprint of the counted impressions that a document charges for.
//!
//! Rule: billing.md §5. One SHA-256 over the charged lines in the order of the document, and for each line over its counted
//! bits by epoch and generation:
//!
//! ```text
//! line:   "line"  | id, 16 bytes | charged impressions, 8 bytes
//! epoch:  "epoch" | epoch, 8 bytes | generation, 8 bytes | length of the bits, 8 bytes | the bits
//! ```
//!
//! Numbers are big-endian. It is a plain hash over everything, not a Merkle tree: it proves that a whole month is unchanged,
//! and can't prove a single impression without the rest. Bits beyond the budget (never charged) are in it, because they were
//! counted; the charged number beside them says how many the document is for.

use namoyish_domain::ids::LineId;
use namoyish_storage::periods::EpochBits;
use sha2::{Digest, Sha256};

/// A fingerprint being made.
#[derive(Debug, Default)]
pub struct Fingerprint {
    hash: Sha256,
    lines: usize,
}

impl Fingerprint {
    /// Begins a line.
    pub fn line(&mut self, line: LineId, charged: u64) {
        self.lines += 1;
        self.hash.update(b"line");
        self.hash.update(line.uuid().as_bytes());
        self.hash.update(charged.to_be_bytes());
    }

    /// Adds an epoch of the line.
    pub fn epoch(&mut self, counted: &EpochBits) {
        let length = u64::try_from(counted.bits.len()).unwrap_or(u64::MAX);
        self.hash.update(b"epoch");
        self.hash.update(counted.epoch.to_be_bytes());
        self.hash.update(counted.generation.to_be_bytes());
        self.hash.update(length.to_be_bytes());
        self.hash.update(&counted.bits);
    }

    /// The fingerprint in hex; empty when there was no line with impressions.
    pub fn finish(self) -> String {
        if self.lines == 0 {
            String::new()
        } else {
            hex::encode(self.hash.finalize())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    type Epochs<'a> = &'a [(i64, i64, &'a [u8])];

    fn fingerprint(lines: &[(u128, u64, Epochs<'_>)]) -> String {
        let mut fingerprint = Fingerprint::default();
        for (line, charged, epochs) in lines {
            fingerprint.line(LineId::from_uuid(Uuid::from_u128(*line)), *charged);
            for (epoch, generation, bits) in *epochs {
                fingerprint.epoch(&EpochBits {
                    epoch: *epoch,
                    generation: *generation,
                    bits: bits.to_vec(),
                });
            }
        }
        fingerprint.finish()
    }

    #[test]
    fn a_document_without_impressions_has_none() {
        assert_eq!(fingerprint(&[]), "");
    }

    #[test]
    fn every_part_of_what_is_charged_changes_it() {
        let due = fingerprint(&[(1, 3, &[(10, 1, &[0b111])])]);
        assert_eq!(due.len(), 64);
        assert_eq!(due, fingerprint(&[(1, 3, &[(10, 1, &[0b111])])]));
        for (what, other) in [
            ("line", fingerprint(&[(2, 3, &[(10, 1, &[0b111])])])),
            ("charged", fingerprint(&[(1, 2, &[(10, 1, &[0b111])])])),
            ("epoch", fingerprint(&[(1, 3, &[(11, 1, &[0b111])])])),
            ("generation", fingerprint(&[(1, 3, &[(10, 2, &[0b111])])])),
            ("bits", fingerprint(&[(1, 3, &[(10, 1, &[0b1011])])])),
            (
                "split of the bits",
                fingerprint(&[(1, 3, &[(10, 1, &[0b11]), (10, 1, &[0b1])])]),
            ),
            ("lines", fingerprint(&[(1, 3, &[(10, 1, &[0b111])]), (2, 0, &[])])),
        ] {
            assert_ne!(due, other, "{what}");
        }
    }
}

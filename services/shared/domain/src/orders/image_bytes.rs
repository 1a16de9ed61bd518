//! Where an image ends and how many pictures it has, told by walking over its blocks without decoding a pixel.
//!
//! Rule: orders.md §4 (a file is what its bytes say it is; no active content). A file that goes on after its image is two
//! files in one: what a browser shows and what somebody else unpacks. A file that is cut off is left to the decoder, which
//! calls it broken.

use crate::orders::material::{MaterialRefused, MediaType};

/// What the walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    /// Offset after the image's last byte.
    end: usize,
    animated: bool,
}

/// Refuses an animated image, and one with anything behind it but zeros.
pub fn check_still_and_alone(bytes: &[u8], media_type: MediaType) -> Result<(), MaterialRefused> {
    let extent = match media_type {
        MediaType::Png => png(bytes),
        MediaType::Jpeg => jpeg(bytes),
        MediaType::Gif => gif(bytes),
        MediaType::WebP => webp(bytes),
    };
    let Some(extent) = extent else { return Ok(()) };
    if extent.animated {
        return Err(MaterialRefused::Animated { media_type });
    }
    let rest = bytes.get(extent.end..).unwrap_or_default();
    if rest.iter().any(|byte| *byte != 0) {
        return Err(MaterialRefused::DataAfterImage { bytes: rest.len() });
    }
    Ok(())
}

fn big_endian(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_be_bytes(four.try_into().ok()?)).ok()
}

fn png(bytes: &[u8]) -> Option<Extent> {
    let mut at = 8usize;
    let mut animated = false;
    loop {
        let length = big_endian(bytes, at)?;
        let name = bytes.get(at.checked_add(4)?..at.checked_add(8)?)?;
        let next = at.checked_add(12)?.checked_add(length)?;
        if next > bytes.len() {
            return None;
        }
        animated |= name == b"acTL";
        if name == b"IEND" {
            return Some(Extent { end: next, animated });
        }
        at = next;
    }
}

fn jpeg(bytes: &[u8]) -> Option<Extent> {
    let mut at = 2usize;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        let marker = *bytes.get(at.checked_add(1)?)?;
        match marker {
            // Fill bytes may stand before a marker.
            0xff => at = at.checked_add(1)?,
            0xd9 => {
                return Some(Extent {
                    end: at.checked_add(2)?,
                    animated: false,
                });
            }
            0x01 | 0xd0..=0xd8 => at = at.checked_add(2)?,
            _ => {
                let length = bytes.get(at.checked_add(2)?..at.checked_add(4)?)?;
                let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
                at = at.checked_add(2)?.checked_add(length)?;
                if marker == 0xda {
                    at = after_scan(bytes, at)?;
                }
            }
        }
    }
}

/// The next marker after a scan's compressed pixels, in which 0xff is followed by 0x00 or by a restart marker.
fn after_scan(bytes: &[u8], from: usize) -> Option<usize> {
    let scan = bytes.get(from..)?;
    let found = scan
        .windows(2)
        .position(|pair| matches!(pair, [0xff, second] if !matches!(second, 0x00 | 0xd0..=0xd7 | 0xff)))?;
    from.checked_add(found)
}

fn gif(bytes: &[u8]) -> Option<Extent> {
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3usize << (usize::from(flags & 7) + 1)
        }
    };
    let blocks_end = |mut at: usize| loop {
        let size = usize::from(*bytes.get(at)?);
        at = at.checked_add(1)?.checked_add(size)?;
        if size == 0 {
            return Some(at);
        }
    };
    let mut at = 13usize.checked_add(table(*bytes.get(10)?))?;
    let mut frames = 0u32;
    loop {
        match *bytes.get(at)? {
            0x3b => {
                return Some(Extent {
                    end: at.checked_add(1)?,
                    animated: frames > 1,
                });
            }
            0x21 => at = blocks_end(at.checked_add(2)?)?,
            0x2c => {
                frames = frames.saturating_add(1);
                let flags = *bytes.get(at.checked_add(9)?)?;
                // The descriptor, its colours, the size of a code, the compressed pixels.
                at = blocks_end(at.checked_add(11)?.checked_add(table(flags))?)?;
            }
            _ => return None,
        }
    }
}

fn webp(bytes: &[u8]) -> Option<Extent> {
    let size = bytes.get(4..8)?;
    let size = usize::try_from(u32::from_le_bytes(size.try_into().ok()?)).ok()?;
    // Chunks are padded to even lengths.
    let end = size.checked_add(8)?.checked_add(size % 2)?;
    let extended = bytes.get(12..16)? == b"VP8X";
    let animated = extended && bytes.get(20)? & 0x02 != 0;
    if end > bytes.len().checked_add(1)? {
        return None;
    }
    Some(Extent {
        end: end.min(bytes.len()),
        animated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[..], name, content, &[0; 4]].concat()
    }

    fn png_of(chunks: &[Vec<u8>]) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
    }

    fn frame() -> Vec<u8> {
        // A descriptor without colours of its own, a code size, one block of two bytes.
        [&[0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0][..], &[2, 2, 0x4c, 0x01, 0]].concat()
    }

    fn gif_of(frames: usize) -> Vec<u8> {
        let mut bytes = b"GIF89a\x01\0\x01\0\x80\0\0".to_vec();
        bytes.extend([0u8; 6]);
        bytes.extend([0x21, 0xf9, 4, 0, 0, 0, 0, 0]);
        for _ in 0..frames {
            bytes.extend(frame());
        }
        bytes.push(0x3b);
        bytes
    }

    fn jpeg() -> Vec<u8> {
        let mut bytes = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x03\x01".to_vec();
        bytes.extend(b"pixels\xff\x00more\xff\xd0again\xff\xd9");
        bytes
    }

    fn webp(flags: u8) -> Vec<u8> {
        let mut bytes = b"RIFF\x12\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
        bytes.extend([flags, 0, 0, 0, 0, 0]);
        bytes
    }

    fn code(bytes: &[u8], media_type: MediaType) -> Result<(), &'static str> {
        check_still_and_alone(bytes, media_type).map_err(|refused| refused.code())
    }

    // orders.md §4: a file is what its bytes say it is.
    #[test]
    fn a_second_file_behind_an_image_is_found() {
        let png = png_of(&[
            chunk(b"IHDR", &[0; 13]),
            chunk(b"IDAT", b"x"),
            chunk(b"IEND", b""),
        ]);
        let images = [
            (png, MediaType::Png),
            (jpeg(), MediaType::Jpeg),
            (gif_of(1), MediaType::Gif),
            (webp(0), MediaType::WebP),
        ];
        for (image, media_type) in images {
            assert_eq!(code(&image, media_type), Ok(()), "{media_type:?}");
            let zip = [&image[..], b"PK\x03\x04archive"].concat();
            assert_eq!(code(&zip, media_type), Err("data_after_image"), "{media_type:?}");
            let padded = [&image[..], &[0; 16]].concat();
            assert_eq!(code(&padded, media_type), Ok(()), "{media_type:?}");
            // Cut off anywhere it is the decoder's to judge, and nothing panics.
            for end in 0..image.len() {
                assert_eq!(code(&image[..end], media_type), Ok(()), "{media_type:?} {end}");
            }
        }
    }

    #[test]
    fn an_animated_image_is_refused() {
        let apng = png_of(&[
            chunk(b"IHDR", &[0; 13]),
            chunk(b"acTL", &[0; 8]),
            chunk(b"IEND", b""),
        ]);
        assert_eq!(code(&apng, MediaType::Png), Err("image_is_animated"));
        assert_eq!(code(&gif_of(2), MediaType::Gif), Err("image_is_animated"));
        assert_eq!(code(&webp(0x02), MediaType::WebP), Err("image_is_animated"));
    }

    #[test]
    fn lengths_that_lie_end_the_walk() {
        let mut png = png_of(&[chunk(b"IHDR", &[0; 13])]);
        png[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(code(&png, MediaType::Png), Ok(()));
        let webp = b"RIFF\xff\xff\xff\xffWEBPVP8 ....";
        assert_eq!(code(webp, MediaType::WebP), Ok(()));
    }
}

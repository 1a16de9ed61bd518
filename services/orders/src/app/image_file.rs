//! What an uploaded file is, by its bytes (orders.md §4).
//!
//! In steps, each cheap enough for the one before it: the first bytes and a search for mark-up, the image's end and the
//! number of its pictures, the header's size, and only for an image that fits its placements the whole decoding. Sides and memory are bounded, and at most
//! [`DECODERS_MAX`] images are decoded at a time.

use image::{ImageFormat, ImageReader, Limits};
use namoyish_domain::orders::image_bytes::check_still_and_alone;
use namoyish_domain::orders::material::{ImageFacts, MaterialRefused, MediaType};
use namoyish_domain::orders::placement::PIXELS_MAX;
use std::io::Cursor;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many images are decoded at once.
const DECODERS_MAX: usize = 2;
/// The most memory that one decoding takes, bytes: an image of the largest sides, four bytes a pixel, twice.
const DECODE_BYTES_MAX: u64 = 2 * 4 * 4096 * 4096;

static DECODERS: Semaphore = Semaphore::const_new(DECODERS_MAX);

fn format_of(media_type: MediaType) -> ImageFormat {
    match media_type {
        MediaType::Png => ImageFormat::Png,
        MediaType::Jpeg => ImageFormat::Jpeg,
        MediaType::Gif => ImageFormat::Gif,
        MediaType::WebP => ImageFormat::WebP,
    }
}

fn reader(bytes: &[u8], media_type: MediaType) -> ImageReader<Cursor<&[u8]>> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format_of(media_type));
    let mut limits = Limits::default();
    limits.max_image_width = Some(PIXELS_MAX);
    limits.max_image_height = Some(PIXELS_MAX);
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    reader
}

/// Format, size and weight, from the first bytes and the header alone.
pub(crate) fn image_facts(bytes: &[u8]) -> Result<ImageFacts, MaterialRefused> {
    let media_type = MediaType::of_bytes(bytes)?;
    check_still_and_alone(bytes, media_type)?;
    let header = ImageReader::with_format(Cursor::new(bytes), format_of(media_type));
    let (width, height) = header
        .into_dimensions()
        .map_err(|_| MaterialRefused::Broken { media_type })?;
    Ok(ImageFacts {
        media_type,
        width,
        height,
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    })
}

/// Decodes the whole image: a file that is cut off or lies about itself is refused.
pub(crate) async fn check_decodes(bytes: Arc<[u8]>, media_type: MediaType) -> Result<(), MaterialRefused> {
    let broken = MaterialRefused::Broken { media_type };
    let Ok(permit) = DECODERS.acquire().await else {
        return Err(broken);
    };
    let decoded = tokio::task::spawn_blocking(move || {
        let decoded = reader(&bytes, media_type).decode().is_ok();
        drop(permit);
        decoded
    })
    .await;
    if matches!(decoded, Ok(true)) {
        Ok(())
    } else {
        Err(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbaImage;

    fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = image::DynamicImage::ImageRgba8(RgbaImage::new(width, height));
        let image = if format == ImageFormat::Jpeg {
            image.to_rgb8().into()
        } else {
            image
        };
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[tokio::test]
    async fn every_format_is_known_by_its_bytes() {
        for (format, media_type) in [
            (ImageFormat::Png, MediaType::Png),
            (ImageFormat::Jpeg, MediaType::Jpeg),
            (ImageFormat::Gif, MediaType::Gif),
            (ImageFormat::WebP, MediaType::WebP),
        ] {
            let bytes = encoded(format, 24, 40);
            let facts = image_facts(&bytes).unwrap();
            assert_eq!(
                (facts.media_type, facts.width, facts.height),
                (media_type, 24, 40)
            );
            assert_eq!(facts.bytes, bytes.len() as u64);
            check_decodes(bytes.into(), media_type).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_file_that_is_cut_off_is_broken() {
        let mut bytes = encoded(ImageFormat::Png, 240, 400);
        bytes.truncate(bytes.len() / 2);
        let facts = image_facts(&bytes).unwrap();
        assert_eq!(
            check_decodes(bytes.into(), facts.media_type)
                .await
                .unwrap_err()
                .code(),
            "file_is_broken"
        );
        assert_eq!(
            image_facts(b"\x89PNG\r\n\x1a\n").unwrap_err().code(),
            "file_is_broken"
        );
    }

    #[tokio::test]
    async fn a_bomb_of_pixels_is_refused_before_it_takes_memory() {
        // A PNG header that claims 60,000 x 60,000 pixels: 14 GB if anybody believed it.
        let mut bytes = encoded(ImageFormat::Png, 1, 1);
        bytes[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&60_000u32.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        let facts = image_facts(&bytes).unwrap();
        assert_eq!(facts.width, 60_000);
        assert_eq!(
            check_decodes(bytes.into(), MediaType::Png)
                .await
                .unwrap_err()
                .code(),
            "file_is_broken"
        );
    }

    fn crc32(bytes: &[u8]) -> u32 {
        bytes.iter().fold(!0u32, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                if sum & 1 == 1 {
                    (sum >> 1) ^ 0xedb8_8320
                } else {
                    sum >> 1
                }
            })
        }) ^ !0
    }
}

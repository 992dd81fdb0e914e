//! Decoding, cutting, scaling and encoding one image. Blocks for as long as that takes.
//!
//! A small file may claim to be a huge image: its size is looked at before anything is decoded.

use std::io::{self, Cursor};
use std::path::Path;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, RgbaImage};

use super::size::{Plan, ThumbSize};

const MOST_SIDE: u32 = 1 << 16;
/// Of an image that is looked at.
const MOST_PIXELS: u64 = 64 << 20;
/// Of an image that is made, and of what scaling has to remember on the way.
const MOST_NEW_PIXELS: u64 = 16 << 20;
const MOST_MEMORY: u64 = 256 << 20;
const JPEG_QUALITY: u8 = 95;

/// A finished image.
pub(super) struct Rendered {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: &'static str,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum RenderError {
    #[error("it would take too much memory")]
    TooLarge,
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Makes the thumb of an image file.
pub(super) fn render(path: &Path, size: ThumbSize) -> Result<Rendered, RenderError> {
    let (image, format) = decode(path)?;
    let plan = size.plan(image.width(), image.height());
    let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
    if pixels(plan.new_width.max(plan.width), plan.new_height) > MOST_NEW_PIXELS {
        return Err(RenderError::TooLarge);
    }
    encode(scale(image, plan), format)
}

/// The image as it is meant to be seen, of an animation the first picture.
fn decode(path: &Path) -> Result<(DynamicImage, ImageFormat), RenderError> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    let format = reader.format().unwrap_or(ImageFormat::Png);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(RenderError::TooLarge);
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    // Stock servers turn only these.
    let orientation = if format == ImageFormat::Jpeg { Some(decoder.orientation()?) } else { None };
    let mut image = DynamicImage::from_decoder(decoder)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok((image, format))
}

fn scale(image: DynamicImage, plan: Plan) -> DynamicImage {
    let Plan { x, y, width, height, new_width, new_height } = plan;
    let is_whole = (width, height) == (image.width(), image.height());
    let cut = if is_whole { image } else { image.crop_imm(x, y, width, height) };
    if (width, height) == (new_width, new_height) {
        return cut;
    }
    if !cut.color().has_alpha() {
        return cut.resize_exact(new_width, new_height, FilterType::Triangle);
    }
    // The colour of what cannot be seen must not bleed into what can.
    let mut pixels = cut.into_rgba8();
    multiply_by_alpha(&mut pixels);
    let mut scaled = image::imageops::resize(&pixels, new_width, new_height, FilterType::Triangle);
    divide_by_alpha(&mut scaled);
    scaled.into()
}

fn multiply_by_alpha(image: &mut RgbaImage) {
    for pixel in image.pixels_mut() {
        let [.., alpha] = pixel.0;
        for color in &mut pixel.0[..3] {
            *color = to_byte(u32::from(*color) * u32::from(alpha) / 255);
        }
    }
}

fn divide_by_alpha(image: &mut RgbaImage) {
    for pixel in image.pixels_mut() {
        let [.., alpha] = pixel.0;
        for color in &mut pixel.0[..3] {
            *color = to_byte((u32::from(*color) * 255).checked_div(u32::from(alpha)).unwrap_or(0));
        }
    }
}

fn to_byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// In the format it had, or as PNG if that is not one to write.
fn encode(image: DynamicImage, format: ImageFormat) -> Result<Rendered, RenderError> {
    let mut bytes = Vec::new();
    let content_type = match format {
        ImageFormat::Jpeg => {
            image.into_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
            "image/jpeg"
        }
        ImageFormat::Gif => {
            let pixels = image.into_rgba8();
            let (width, height) = pixels.dimensions();
            GifEncoder::new(&mut bytes).encode(pixels.as_raw(), width, height, image::ExtendedColorType::Rgba8)?;
            "image/gif"
        }
        _ => {
            let image = if image.color().has_alpha() {
                image.into_rgba8().into()
            } else {
                DynamicImage::from(image.into_rgb8())
            };
            image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
            "image/png"
        }
    };
    Ok(Rendered { bytes, content_type })
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba};

    use super::*;

    fn rendered(image: &[u8], size: &str) -> Result<DynamicImage, RenderError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), image).expect("writes");
        let rendered = render(file.path(), ThumbSize::parse(size).expect("a size"))?;
        Ok(image::load_from_memory(&rendered.bytes)?)
    }

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.into().write_to(&mut Cursor::new(&mut bytes), format).expect("encodes");
        bytes
    }

    /// Red above, blue below.
    fn flag() -> RgbImage {
        RgbImage::from_fn(4, 8, |_, y| if y < 4 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) })
    }

    #[test]
    fn the_part_that_was_asked_for_is_kept() {
        let flag = encoded(flag(), ImageFormat::Png);
        for (size, color) in [("4x4t", [255, 0, 0]), ("4x4b", [0, 0, 255])] {
            let thumb = rendered(&flag, size).expect("renders").into_rgb8();
            assert_eq!(thumb.dimensions(), (4, 4));
            assert!(thumb.pixels().all(|pixel| pixel.0 == color), "{size}");
        }
    }

    #[test]
    fn what_cannot_be_seen_does_not_bleed() {
        let image =
            RgbaImage::from_fn(8, 8, |x, _| if x < 4 { Rgba([255, 255, 255, 255]) } else { Rgba([0, 0, 0, 0]) });
        let thumb = rendered(&encoded(image, ImageFormat::Png), "3x3").expect("renders").into_rgba8();
        assert!(thumb.pixels().all(|pixel| pixel.0[3] == 0 || pixel.0[0] > 250), "{thumb:?}");
    }

    #[test]
    fn a_file_that_claims_to_be_huge_is_not_decoded() {
        let mut bomb = encoded(flag(), ImageFormat::Gif);
        bomb[6..10].copy_from_slice(&[0xff; 4]);
        assert!(matches!(rendered(&bomb, "4x4"), Err(RenderError::TooLarge)));
        assert!(matches!(rendered(&encoded(flag(), ImageFormat::Png), "9000x9000"), Err(RenderError::TooLarge)));
        assert!(matches!(rendered(&encoded(flag(), ImageFormat::Png), "0x4000000000"), Err(RenderError::TooLarge)));
    }

    #[test]
    fn half_an_image_is_none() {
        let whole = encoded(flag(), ImageFormat::Jpeg);
        for part in [&b""[..], b"hello", &whole[..20]] {
            assert!(rendered(part, "4x4").is_err());
        }
    }
}

//! Thumbs through the front door: made once, refused without an error, gone with their original.

use std::io::Cursor;

use futures_util::future::join_all;
use image::{DynamicImage, ImageFormat, RgbImage};

use super::*;

pub(super) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(width, height)).write_to(&mut bytes, ImageFormat::Png).expect("encodes");
    bytes.into_inner()
}

fn size(image: &[u8]) -> (u32, u32) {
    let image = image::load_from_memory(image).expect("an image");
    (image.width(), image.height())
}

#[tokio::test]
async fn a_crowd_gets_one_thumb() {
    let app = TestApp::open().await;
    let record = app.upload("wide.png", &png(32, 16), "1").await.json();
    let answers = join_all((0..20).map(|_| app.download(&record, "?thumb=8x0"))).await;
    assert!(answers.iter().all(|answer| size(&answer.body) == (8, 4)));
    let thumb = format!("8x0_{}", text(&record, "file"));
    assert_eq!(app.stored().len(), 2);
    assert!(app.stored().contains(&thumb));
    assert!(app.temporary().is_empty());
    app.delete(&record).await;
    eventually("both to go", async || app.stored().is_empty()).await;
}

#[tokio::test]
async fn a_stored_thumb_is_served_as_it_is() {
    let app = TestApp::open().await;
    let record = app.upload("wide.png", &png(32, 16), "1").await.json();
    let made = app.download(&record, "?thumb=100x100").await;
    let name = text(&record, "file");
    let folder = app.folder().join(text(&record, "collectionId")).join(text(&record, "id"));
    let stored = folder.join(format!("thumbs_{name}/100x100_{name}"));
    assert_eq!(std::fs::read(&stored).expect("is stored"), made.body);
    std::fs::write(&stored, "another").expect("writes");
    assert_eq!(app.download(&record, "?thumb=100x100").await.body, "another");
}

#[tokio::test]
async fn what_claims_to_be_a_huge_image_is_served_as_it_came() {
    let app = TestApp::open().await;
    let mut bomb = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(4, 4)).write_to(&mut bomb, ImageFormat::Gif).expect("encodes");
    let mut bomb = bomb.into_inner();
    bomb[6..10].copy_from_slice(&[0xff; 4]);
    let record = app.upload("bomb.gif", &bomb, "1").await.json();
    let answer = app.download(&record, "?thumb=8x0").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/gif"));
    assert_eq!(answer.body, bomb);
    assert_eq!(app.stored().len(), 1);
}

#[tokio::test]
async fn a_size_nobody_offers_is_not_made() {
    let app = TestApp::open().await;
    let image = png(32, 16);
    let record = app.upload("wide.png", &image, "1").await.json();
    for query in ["?thumb=9x0", "?thumb=", "?thumb=..%2F..", "?thumb=8x0%00", "?thumb=0x0"] {
        assert_eq!(app.download(&record, query).await.body, image, "{query}");
    }
    assert_eq!(app.stored().len(), 1);
}

//! Files in a bucket. `S3_ENDPOINT` names a server that speaks S3 and checks no signatures, such as moto's.

use tokio::net::TcpListener;

use super::thumbs::png;
use super::*;
use crate::files::Bucket;
use crate::outbound::Outbound;
use crate::records::pattern::random_id;

fn s3(endpoint: &str, bucket: &str) -> S3 {
    S3 {
        enabled: true,
        bucket: bucket.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: endpoint.to_owned(),
        access_key: "key".to_owned(),
        secret: "secret".to_owned(),
        force_path_style: true,
    }
}

/// A new bucket on the server for tests.
pub(super) struct TestBucket {
    url: String,
    pub(super) settings: S3,
}

impl TestBucket {
    /// None, and a line that says so, where there is no such server.
    pub(super) async fn create() -> Option<TestBucket> {
        let Ok(endpoint) = std::env::var("S3_ENDPOINT") else {
            assert!(std::env::var("CI").is_err(), "S3_ENDPOINT must name a server here");
            eprintln!("SKIPPED: S3_ENDPOINT names no server");
            return None;
        };
        let name = format!("roost-{}", random_id(10));
        let bucket = TestBucket { url: format!("{endpoint}/{name}"), settings: s3(&endpoint, &name) };
        assert!(bucket.request(reqwest::Method::PUT, "").await.status().is_success());
        Some(bucket)
    }

    async fn request(&self, method: reqwest::Method, key: &str) -> reqwest::Response {
        let url = format!("{}/{key}", self.url).parse().expect("a URL");
        let mut request = reqwest::Request::new(method, url);
        request.headers_mut().insert("authorization", "AWS unchecked:unchecked".parse().expect("a header"));
        Outbound::anywhere().send(request).await.expect("an answer")
    }

    /// How many objects and unfinished uploads it holds.
    async fn count(&self) -> usize {
        let mut found = 0;
        for (listing, element) in [("", "<Key>"), ("?uploads", "<Upload>")] {
            let text = self.request(reqwest::Method::GET, listing).await.text().await.expect("a listing");
            found += text.matches(element).count();
        }
        found
    }
}

#[tokio::test]
async fn a_file_lives_in_the_bucket_under_the_key_it_would_have_on_disk() {
    let Some(bucket) = TestBucket::create().await else { return };
    let app = TestApp::open().await;
    app.keep_files_in(bucket.settings.clone());
    let record = app.upload("My Nöte.txt", b"0123456789", "1").await.json();
    let key = format!("{}/{}/{}", text(&record, "collectionId"), text(&record, "id"), text(&record, "file"));
    let object = bucket.request(reqwest::Method::GET, &key).await;
    assert_eq!(object.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(object.headers()["x-amz-meta-original-filename"], "My%20N%C3%B6te.txt");
    assert_eq!(object.text().await.expect("a body"), "0123456789");
    assert!(app.stored().is_empty(), "nothing is on disk");
    eventually("the spool file to go", async || app.temporary().is_empty()).await;

    let whole = app.download(&record, "").await;
    assert_eq!((whole.status, whole.body.as_ref()), (StatusCode::OK, &b"0123456789"[..]));
    assert_eq!((whole.header("content-length"), whole.header("content-type")), ("10", "text/plain; charset=utf-8"));
    let seen = app.send(Request::head(way(&record)), Body::empty()).await;
    assert_eq!((seen.status, seen.header("content-length"), seen.body.len()), (StatusCode::OK, "10", 0));
    for (range, content, described) in [("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=-3", "789", "bytes 7-9/10")] {
        let part = app.send(Request::get(way(&record)).header("range", range), Body::empty()).await;
        assert_eq!((part.status, part.body.as_ref()), (StatusCode::PARTIAL_CONTENT, content.as_bytes()));
        assert_eq!(part.header("content-range"), described);
    }
    let outside = app.send(Request::get(way(&record)).header("range", "bytes=99-"), Body::empty()).await;
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let known = whole.header("last-modified").to_owned();
    let unchanged = app.send(Request::get(way(&record)).header("if-modified-since", known), Body::empty()).await;
    assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);

    app.delete(&record).await;
    eventually("the object to go", async || bucket.count().await == 0).await;
}

#[tokio::test]
async fn thumbs_live_in_the_bucket_too_and_go_with_the_original() {
    let Some(bucket) = TestBucket::create().await else { return };
    let app = TestApp::open().await;
    app.keep_files_in(bucket.settings.clone());
    let record = app.upload("wide.png", &png(32, 16), "1").await.json();
    for _ in 0..2 {
        let thumb = app.download(&record, "?thumb=8x0").await;
        let image = image::load_from_memory(&thumb.body).expect("an image");
        assert_eq!((image.width(), image.height()), (8, 4));
        assert!(thumb.header("content-disposition").starts_with("inline; filename=8x0_wide_"));
    }
    assert_eq!(bucket.count().await, 2);
    assert!(app.stored().is_empty());
    app.delete(&record).await;
    eventually("both objects to go", async || bucket.count().await == 0).await;
}

#[tokio::test]
async fn a_large_file_travels_in_parts() {
    let Some(bucket) = TestBucket::create().await else { return };
    let app = TestApp::open().await;
    app.keep_files_in(bucket.settings.clone());
    let content: Vec<u8> = (0..13_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    let record = app.upload("large.bin", &content, "1").await.json();
    assert!(app.download(&record, "").await.body == content, "what comes back is what was sent");
    let part = app.send(Request::get(way(&record)).header("range", "bytes=12999999-"), Body::empty()).await;
    assert_eq!(part.body.as_ref(), &content[12_999_999..]);
    assert_eq!(bucket.count().await, 1, "one object and no unfinished upload");
}

#[tokio::test]
async fn a_refused_record_leaves_nothing_in_the_bucket() {
    let Some(bucket) = TestBucket::create().await else { return };
    let app = TestApp::open().await;
    app.keep_files_in(bucket.settings.clone());
    assert_eq!(app.upload("note.txt", b"hello", "10").await.status, StatusCode::BAD_REQUEST);
    eventually("the object to go", async || bucket.count().await == 0).await;
    eventually("the note to go", async || app.temporary().is_empty()).await;
}

#[tokio::test]
async fn a_bucket_that_is_not_there_fails_requests_about_files_and_nothing_else() {
    let Some(bucket) = TestBucket::create().await else { return };
    let app = TestApp::open().await;
    let record = app.upload("note.txt", b"hello", "1").await.json();
    app.keep_files_in(S3 { bucket: "no-such-bucket".to_owned(), ..bucket.settings.clone() });
    let refused = app.upload("note.txt", b"hello", "1").await;
    assert_eq!(
        (refused.status, refused.json()["message"].as_str()),
        (StatusCode::BAD_REQUEST, Some("Failed to create record."))
    );
    assert_eq!(app.download(&record, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.download(&record, "?thumb=8x0").await.status, StatusCode::NOT_FOUND);
    app.keep_files_in(S3::default());
    assert_eq!(app.download(&record, "").await.body, "hello", "switching back finds what was left");
}

#[tokio::test]
async fn a_bucket_can_be_tried_out() {
    let Some(bucket) = TestBucket::create().await else { return };
    let there = Bucket::new(&bucket.settings, &Outbound::anywhere()).expect("a bucket");
    there.probe().await.expect("works");
    assert_eq!(bucket.count().await, 0);
    let settings = S3 { bucket: "no-such-bucket".to_owned(), ..bucket.settings };
    let missing = Bucket::new(&settings, &Outbound::anywhere()).expect("settings in order");
    assert!(missing.probe().await.expect_err("fails").to_string().contains("NoSuchBucket"));
}

#[tokio::test]
async fn a_bucket_leads_to_no_private_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    let app = TestApp::open_with(AppOptions { outbound: Outbound::public_and(Vec::new()), ..options() }).await;
    for endpoint in [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")] {
        app.keep_files_in(s3(&endpoint, "photos"));
        assert_eq!(app.upload("note.txt", b"hello", "1").await.status, StatusCode::BAD_REQUEST);
    }
    app.keep_files_in(s3("not a URL", "photos"));
    assert_eq!(app.upload("note.txt", b"hello", "1").await.status, StatusCode::BAD_REQUEST);
    tokio::select! {
        biased;
        _ = listener.accept() => panic!("a connection was made"),
        () = std::future::ready(()) => {}
    }
}

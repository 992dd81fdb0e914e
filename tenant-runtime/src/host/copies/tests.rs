//! Archives are made, kept and restored aside without waking anybody.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::super::spec::TenantSpec;
use super::super::tests::real;
use super::*;
use crate::service::BoxError;

fn name(text: &str) -> CopyName {
    text.parse().expect("a name")
}

fn whole(archive: &[u8]) -> impl futures_util::Stream<Item = Result<Bytes, BoxError>> + Send + use<> {
    stream::iter([Ok(Bytes::copy_from_slice(archive))])
}

#[test]
fn a_name_of_a_copy_is_never_a_path() {
    assert!("x3k9".parse::<CopyName>().is_ok());
    for bad in ["", "..", "a/b", "a.zip", "A", &"a".repeat(41)] {
        assert!(bad.parse::<CopyName>().is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn what_is_larger_than_the_plan_is_proven_but_not_put_in_place() {
    let (dir, _host, node, tenant) = real().await;
    let home = dir.path().join("tenants").join(tenant.id.as_str());
    fs::create_dir_all(home.join("data-1/storage/posts/1")).expect("makes a folder");
    let picture = home.join("data-1/storage/posts/1/cat.png");
    fs::write(&picture, vec![7; 100_000]).expect("writes");
    node.make_archive(&tenant.id, &name("a")).await.expect("is made");
    let archive: Vec<Bytes> =
        node.fetch_archive(&tenant.id, &name("a")).await.expect("opens").try_collect().await.expect("is read");
    fs::remove_file(picture).expect("removes");
    let with = |storage_bytes| {
        let limits = super::super::spec::Limits { storage_bytes, ..tenant.limits };
        TenantSpec { limits, ..tenant.clone() }
    };
    node.put_tenant(&with(99_999)).await.expect("is taken");
    let report = node.prepare_restore(&tenant.id, &name("b"), whole(&archive.concat())).await.expect("is proven");
    assert_eq!(report.census.files.bytes, 100_000);
    assert!(node.switch(&tenant.id, &name("b")).await.expect_err("is too large").is("unfit"));
    node.put_tenant(&with(100_000)).await.expect("is taken");
    assert_eq!(node.switch(&tenant.id, &name("b")).await.expect("fits").data, "data-2");
}

#[tokio::test]
async fn a_crash_between_the_note_and_the_removal_leaves_no_old_data() {
    let (dir, _host, node, tenant) = real().await;
    let home = dir.path().join("tenants").join(tenant.id.as_str());
    node.make_archive(&tenant.id, &name("a")).await.expect("is made");
    let archive: Vec<Bytes> =
        node.fetch_archive(&tenant.id, &name("a")).await.expect("opens").try_collect().await.expect("is read");
    node.prepare_restore(&tenant.id, &name("b"), whole(&archive.concat())).await.expect("is proven");
    node.switch(&tenant.id, &name("b")).await.expect("fits");
    node.forget_data(&tenant.id, "data-1").await.expect("is gone");
    fs::create_dir_all(home.join("data-1/storage")).expect("makes what a crash would have left");
    node.switch(&tenant.id, &name("b")).await.expect("is done");
    assert!(!home.join("data-1").exists() && home.join("data-2/data.db").is_file());
}

#[tokio::test]
async fn a_full_disk_gets_neither_archives_nor_restores() {
    let (dir, _host, node, tenant) = real().await;
    node.allow_growth(false).await.expect("is told");
    assert!(node.make_archive(&tenant.id, &name("a")).await.expect_err("is refused").is("disk_full"));
    assert!(node.prepare_restore(&tenant.id, &name("b"), whole(b"PK")).await.expect_err("is refused").is("disk_full"));
    let copies = dir.path().join("tenants").join(tenant.id.as_str()).join("copies");
    assert_eq!(fs::read_dir(copies).expect("lists").count(), 0);
    node.allow_growth(true).await.expect("is told");
    node.make_archive(&tenant.id, &name("a")).await.expect("is made");
}

#[tokio::test]
async fn a_restore_nobody_waits_for_is_given_up() {
    let (dir, _host, node, tenant) = real().await;
    let begins = stream::once(async { Ok(Bytes::from_static(b"PK")) });
    let endless = begins.chain(stream::pending::<Result<Bytes, BoxError>>());
    let (id, copy) = (tenant.id, name("b"));
    let spooled = dir.path().join("tenants").join(tenant.id.as_str()).join("copies/b-restore.zip");
    let looking = async {
        while !spooled.is_file() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = node.prepare_restore(&id, &copy, endless.boxed()) => panic!("it never ends"),
        () = looking => {}
    }
    node.discard_restore(&id, &copy).await.expect("nobody holds it");
    assert!(!spooled.exists());
}

#[tokio::test]
async fn an_archive_of_a_tenant_that_is_closed_meanwhile_is_broken_off_and_no_disk_fails() {
    let (dir, _host, node, tenant) = real().await;
    let home = dir.path().join("tenants").join(tenant.id.as_str());
    fs::create_dir_all(home.join("data-1/storage/posts/1")).expect("makes a folder");
    let picture = home.join("data-1/storage/posts/1/cat.png");
    // Without end, as far as this test is concerned; it takes no room.
    fs::File::create(&picture).and_then(|file| file.set_len(1 << 40)).expect("makes a file");
    let draft = home.join("copies/a.part");
    let closing = async {
        while !draft.is_file() {
            tokio::task::yield_now().await;
        }
        let held = super::super::spec::Wanted::Suspended { reason: String::new() };
        node.put_tenant(&TenantSpec { state: held, ..tenant.clone() }).await.expect("is taken");
    };
    let copy = name("a");
    let (made, ()) = tokio::join!(node.make_archive(&tenant.id, &copy), closing);
    let error = made.expect_err("it never ends");
    assert!(error.is("broken_off"), "{error}");
    assert!(!draft.exists());
    fs::remove_file(picture).expect("removes");
    node.make_archive(&tenant.id, &copy).await.expect("is made the next time");
}

#[tokio::test]
async fn an_archive_that_was_damaged_says_so_and_blames_no_disk() {
    let (_dir, _host, node, tenant) = real().await;
    node.make_archive(&tenant.id, &name("a")).await.expect("is made");
    let archive: Vec<Bytes> =
        node.fetch_archive(&tenant.id, &name("a")).await.expect("opens").try_collect().await.expect("is read");
    let mut archive = archive.concat();
    let middle = archive.len() / 2;
    archive[middle] ^= 1;
    let error = node.prepare_restore(&tenant.id, &name("b"), whole(&archive)).await.expect_err("is damaged");
    assert!(error.is("unfit"), "{error}");
}

#[tokio::test]
async fn all_superusers_go_at_once_from_whoever_sleeps_too() {
    let (_dir, _host, node, tenant) = real().await;
    let census = async |copy: &str| {
        let report = node.make_archive(&tenant.id, &name(copy)).await.expect("is made");
        report.census.records["_superusers"]
    };
    let hash = bcrypt::hash("correct horse", 4).expect("hashes");
    node.put_superuser(&tenant.id, "eve@example.com", &hash).await.expect("is put");
    node.sleep(&tenant.id).await.expect("sleeps");
    assert!(census("a").await > 0);
    for _ in 0..2 {
        node.remove_superusers(&tenant.id).await.expect("are removed");
        assert_eq!(node.tenant(&tenant.id).await.expect("is told").state, super::super::spec::TenantState::Asleep);
    }
    assert_eq!(census("b").await, 0);
}

//! The cache keeps what it was given, says what is missing, and never gives what was damaged.

use super::*;
use crate::encode::{Encoder, HashingEncoder};

fn identity() -> EncoderIdentity {
    HashingEncoder::new(1).identity().clone()
}

#[test]
fn keeps_vectors_by_identity_and_text() {
    let folder = tempfile::tempdir().unwrap();
    let cache = VectorCache::open(folder.path(), &identity());
    cache.put(&[("a", &[1.0, 2.0]), ("b", &[3.0, 4.0])]);
    let again = VectorCache::open(folder.path(), &identity());
    assert_eq!(
        again.get(&["b", "c", "a"]),
        [Some(vec![3.0, 4.0]), None, Some(vec![1.0, 2.0])]
    );
    let mut other = identity();
    other.max_length = Some(7);
    assert_eq!(VectorCache::open(folder.path(), &other).get(&["a"]), [None]);
    assert!(again.take_notes().is_empty());
}

#[test]
fn a_changed_entry_is_missing_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let cache = VectorCache::open(folder.path(), &identity());
    cache.put(&[("a", &[1.0, 2.0])]);
    let raw = Connection::open(&cache.path).unwrap();
    let mut blob: Vec<u8> = raw.query_row("SELECT vector FROM vectors", [], |r| r.get(0)).unwrap();
    blob[2] ^= 1;
    raw.execute("UPDATE vectors SET vector = ?1", params![blob]).unwrap();
    assert_eq!(cache.get(&["a"]), [None]);
    assert!(matches!(
        cache.take_notes()[..],
        [CacheNote::Corrupt { entries: 1, .. }]
    ));
    cache.put(&[("a", &[1.0, 2.0])]);
    assert_eq!(cache.get(&["a"]), [Some(vec![1.0, 2.0])]);
}

#[test]
fn a_file_that_is_no_database_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = VectorCache::open(folder.path(), &identity()).path.clone();
    std::fs::write(&path, vec![7_u8; 4096]).unwrap();
    let cache = VectorCache::open(folder.path(), &identity());
    assert!(matches!(cache.take_notes()[..], [CacheNote::Replaced { .. }]));
    cache.put(&[("a", &[1.0])]);
    assert_eq!(cache.get(&["a"]), [Some(vec![1.0])]);
}

#[test]
fn a_folder_that_cannot_be_made_leaves_the_cache_unused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let cache = VectorCache::open(&file.path().join("below"), &identity());
    cache.put(&[("a", &[1.0])]);
    assert_eq!(cache.get(&["a"]), [None]);
    assert!(matches!(cache.take_notes()[..], [CacheNote::Unusable { .. }]));
}

#[test]
fn many_texts_are_found_by_their_places_whatever_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let cache = VectorCache::open(folder.path(), &identity());
    let texts: Vec<String> = (0..2 * MANY).map(|i| format!("text {i}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vector = |i: usize| [f32::from(u16::try_from(i).unwrap()) + 0.5, 1.0];
    let even: Vec<(&str, [f32; 2])> = texts
        .iter()
        .enumerate()
        .step_by(2)
        .map(|(i, t)| (*t, vector(i)))
        .collect();
    cache.put(&even.iter().map(|(t, v)| (*t, &v[..])).collect::<Vec<_>>());
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| cache.get(&texts));
        assert_eq!(found.len(), texts.len());
        for (i, found) in found.into_iter().enumerate() {
            assert_eq!(found, (i % 2 == 0).then(|| vector(i).to_vec()), "text {i}");
        }
    }
}

#[test]
fn vectors_of_another_length_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = VectorCache::open(folder.path(), &identity());
    cache.put(&[("a", &[1.0, 2.0]), ("b", &[1.0, 2.0, 3.0]), ("c", &[3.0, 4.0])]);
    let stop = AtomicBool::new(false);
    let missing = |dimension| {
        let kept = cache.each(&["none", "a", "b", "c"], dimension, &stop, &|_, vectors| {
            assert_eq!(Some(vectors.dimension()), dimension.or(Some(2)));
        });
        kept.missing
    };
    assert_eq!(missing(Some(3)), [0, 1, 3]);
    // Not known: that of the first one kept.
    assert_eq!(missing(None), [0, 2]);
}

#[test]
fn a_stop_ends_a_look_up() {
    let folder = tempfile::tempdir().unwrap();
    let cache = VectorCache::open(folder.path(), &identity());
    cache.put(&[("a", &[1.0])]);
    let kept = cache.each(&["a"], Some(1), &AtomicBool::new(true), &|_, _| panic!("stopped"));
    assert_eq!(kept.missing, [0]);
}

#[test]
fn a_database_of_the_first_layout_keeps_its_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let (path, name) = {
        let cache = VectorCache::open(folder.path(), &identity());
        (cache.path.clone(), cache.identity.clone())
    };
    std::fs::remove_file(&path).unwrap();
    let old = Connection::open(&path).unwrap();
    old.execute_batch("CREATE TABLE vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")
        .unwrap();
    for (text, vector) in [("a", [1.0, 2.0]), ("b", [3.0, 4.0])] {
        let key = layout::key(&name, text);
        old.execute(
            "INSERT INTO vectors VALUES (?1, ?2)",
            params![key, layout::encode(&key, &vector)],
        )
        .unwrap();
    }
    old.execute("INSERT INTO vectors VALUES ('no key', 'no vector')", [])
        .unwrap();
    drop(old);
    for _ in 0..2 {
        let cache = VectorCache::open(folder.path(), &identity());
        assert_eq!(cache.get(&["b", "a"]), [Some(vec![3.0, 4.0]), Some(vec![1.0, 2.0])]);
        assert!(cache.take_notes().is_empty());
    }
    let kept: u32 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM vectors", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 2);
}

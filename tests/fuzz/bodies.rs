//! What each fuzz target does with its bytes: the fuzzer's targets and the replay of the corpora, in `tests/it/fuzz.rs`, share it.
//!
//! What is refused is fine; a panic is not, nor is memory without end. What is read and can be written must read as the same.

use std::path::Path;

use routecal::check::{Baseline, Gates};
use routecal::dataset::{
    Dataset, Format, LabelMap, PublishedColumns, PublishedRow, ReadOptions, Unmapped, published_csv, read_published,
};
use routecal::exchange;
use routecal::replay::ledger::{Cells, Run};
use routecal::replay::models::{Defaults, ModelsFile};
use routecal::replay::pricing::PriceTable;
use routecal::router::RouterArtefact;
use routecal::routes::Routes;

/// A target: its name, which is that of its corpus, and its body.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const TARGETS: [Target; 11] = [
    ("baseline", baseline),
    ("csv", csv),
    ("exchange", exchange),
    ("gates", gates),
    ("jsonl", jsonl),
    ("ledger", ledger),
    ("models", models),
    ("prices", prices),
    ("published", published),
    ("router", router),
    ("routes", routes),
];

/// routes.json.
pub(crate) fn routes(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = Routes::parse(text, Path::new("routes.json"));
}

/// A router file.
pub(crate) fn router(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(read) = RouterArtefact::parse(text, "router.json") else {
        return;
    };
    let _ = read.unpack("router.json");
    let written = serde_json::to_string(&read).expect("plain data serialises");
    let again = RouterArtefact::parse(&written, "router.json").expect("what was written is read");
    assert_eq!(again, read);
}

/// A gates file.
pub(crate) fn gates(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = Gates::parse(text, "gates.json");
}

/// A baseline. Its checksum keeps most inputs from the round trip; those of the corpus reach it.
pub(crate) fn baseline(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(read) = Baseline::parse(text, "baseline.json") else {
        return;
    };
    let again = Baseline::parse(&read.text(), "baseline.json").expect("what was written is read");
    assert_eq!(again, read);
}

/// A dataset in CSV.
pub(crate) fn csv(bytes: &[u8]) {
    dataset(bytes, Format::Csv);
}

/// A dataset in JSON Lines.
pub(crate) fn jsonl(bytes: &[u8]) {
    dataset(bytes, Format::Jsonl);
}

fn dataset(bytes: &[u8], format: Format) {
    for unlabelled in [false, true] {
        let options = ReadOptions {
            unlabelled,
            ..ReadOptions::default()
        };
        if let Ok(read) = Dataset::read(bytes.to_vec(), "data", format, &options) {
            assert!(!read.rows.is_empty());
            let _ = read.resolve(&["coding".to_owned(), "creative".to_owned()]);
            let _ = read.fingerprint();
        }
    }
}

/// The files of a replay's run: manifest, prompts, what was sent, responses; behind one another with a byte 0 between.
pub(crate) fn ledger(bytes: &[u8]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let names = [
        "manifest.json",
        "prompts.jsonl",
        "sent.jsonl",
        "responses.jsonl",
        "batches.jsonl",
    ];
    for (name, part) in names.iter().zip(bytes.split(|byte| *byte == 0)) {
        std::fs::write(folder.path().join(name), part).expect("a file in a folder of its own");
    }
    let _ = Run::load(folder.path());
    let _ = Cells::load(folder.path());
}

/// models.toml.
pub(crate) fn models(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = ModelsFile::parse(text, Path::new("models.toml"), &Defaults::default());
}

/// A price table, ours or `LiteLLM`'s.
pub(crate) fn prices(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = PriceTable::parse(text, Path::new("prices.toml"));
}

/// A router of another tool: read, made a routes file, its thresholds put back.
pub(crate) fn exchange(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok((_, imported)) = exchange::read(text, "router", None) else {
        return;
    };
    let made = imported.routes_json("model", "fallback");
    let Ok((routes, _)) = Routes::parse(&made, Path::new("routes.json")) else {
        return;
    };
    if let Ok((tool, edited, _)) = exchange::with_thresholds(text, "router", None, &routes) {
        let (again, _) = exchange::read(&edited, "router", None).expect("what was edited is read");
        assert_eq!(again, tool);
    }
}

/// A published dataset, or a map of its labels.
pub(crate) fn published(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(map) = LabelMap::parse(text, "map.csv")
    {
        let row = |label: &str| PublishedRow {
            prompt: "hello".into(),
            label: Some(label.into()),
            ..PublishedRow::default()
        };
        let (mapped, _) = (map.apply(vec![row("weather"), row("none")], Unmapped::OutOfDomain)).expect("two rows");
        assert_eq!(mapped.len(), 2);
        assert!(mapped.iter().all(|row| row.label.as_deref() != Some("")));
    }
    let Ok(read) = read_published(bytes.to_vec(), "data", None, &PublishedColumns::default()) else {
        return;
    };
    let _ = published_csv(&read.rows);
}

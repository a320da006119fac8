//! `routecal embed`: vectors as Parquet.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::fs::File;

use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader};
use serde_json::json;

use crate::support::{Sandbox, prompts};

fn table(sandbox: &Sandbox, name: &str) -> DataFrame {
    ParquetReader::new(File::open(sandbox.path(name)).unwrap())
        .finish()
        .unwrap()
}

fn texts(frame: &DataFrame, column: &str) -> Vec<Option<String>> {
    let column = frame.column(column).unwrap();
    column
        .str()
        .unwrap()
        .iter()
        .map(|cell| cell.map(str::to_owned))
        .collect()
}

fn vectors(frame: &DataFrame) -> Vec<Vec<f32>> {
    let column = frame.column("vector").unwrap();
    assert_eq!(column.dtype(), &DataType::List(Box::new(DataType::Float32)));
    let lists = column.list().unwrap();
    (0..lists.len())
        .map(|row| {
            let list = lists.get_as_series(row).unwrap();
            list.f32().unwrap().into_no_null_iter().collect()
        })
        .collect()
}

#[test]
fn prompt_label_vector_in_the_order_of_the_file() {
    let sandbox = Sandbox::with_data();
    let run = sandbox
        .run(["embed", "prompts.csv", "--output", "new/vectors.parquet"])
        .ok();
    assert_eq!(run.stdout, "60 vectors of 256 numbers in new/vectors.parquet\n");
    let frame = table(&sandbox, "new/vectors.parquet");
    let names: Vec<&str> = frame.get_column_names().iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["prompt", "label", "vector"]);
    let data = prompts();
    assert_eq!(
        texts(&frame, "prompt"),
        data.iter().map(|p| Some(p[0].clone())).collect::<Vec<_>>()
    );
    assert_eq!(
        texts(&frame, "label"),
        data.iter().map(|p| Some(p[1].clone())).collect::<Vec<_>>()
    );
    let vectors = vectors(&frame);
    assert_eq!(vectors.len(), 60);
    for vector in vectors {
        let norm: f64 = vector.iter().map(|x| f64::from(*x).powi(2)).sum();
        assert!(vector.len() == 256 && (norm - 1.0).abs() < 1e-6);
    }
    assert!(!sandbox.path("reports").exists());
}

#[test]
fn the_document_says_what_was_made() {
    let sandbox = Sandbox::with_data();
    let arguments = [
        "embed",
        "prompts.csv",
        "--output",
        "v.parquet",
        "--format",
        "json",
        "--split",
        "test",
    ];
    let document = sandbox.run(arguments).ok().json();
    let expected = [
        ("kind", json!("vectors")),
        ("output", json!("v.parquet")),
        ("rows", json!(30)),
        ("dimension", json!(256)),
    ];
    for (key, value) in expected {
        assert_eq!(document[key], value, "{key}");
    }
    assert_eq!(document["encoder"]["model"], "hashing");
    assert_eq!(table(&sandbox, "v.parquet").height(), 30);
}

/// Labels are not needed, and need not be routes; a routes file is not needed either.
#[test]
fn prompts_without_labels() {
    let sandbox = Sandbox::empty();
    let embed = |dataset: &str, input: &str| {
        let arguments = ["embed", dataset, "--output", "v.parquet", "--encoder", "hashing"];
        sandbox.run_on(input, arguments).ok();
        table(&sandbox, "v.parquet")
    };
    let frame = embed("-", "prompt\nsort it\nhello\nsort it\n");
    assert_eq!(texts(&frame, "label"), [None, None, None]);
    let found = vectors(&frame);
    assert!(found[0] == found[2] && found[0] != found[1]);
    let frame = embed("-", "prompt,label\nsort it,anything\nhello,\n");
    assert_eq!(
        texts(&frame, "label"),
        [Some("anything".to_owned()), Some("none".to_owned())]
    );
}

/// A vector depends on its text alone: not on the other texts, nor on what was kept.
#[test]
fn the_same_bytes_on_every_run() {
    let sandbox = Sandbox::with_data();
    let bytes = |flags: &[&str]| {
        let arguments = ["embed", "prompts.csv", "--output", "v.parquet"]
            .into_iter()
            .chain(flags.iter().copied());
        sandbox.run(arguments).ok();
        std::fs::read(sandbox.path("v.parquet")).unwrap()
    };
    let first = bytes(&["--threads", "1"]);
    assert!(first == bytes(&["--threads", "1"]));
    assert!(first == bytes(&["--threads", "7", "--no-cache"]));
    let all = vectors(&table(&sandbox, "v.parquet"));
    sandbox.write("one.csv", format!("prompt\n\"{}\"\n", prompts()[7][0]));
    sandbox
        .run(["embed", "one.csv", "--output", "one.parquet", "--no-cache"])
        .ok();
    assert_eq!(vectors(&table(&sandbox, "one.parquet"))[0], all[7]);
}

#[test]
fn the_output_has_to_be_named() {
    insta::assert_snapshot!(Sandbox::with_data().refused(["embed", "prompts.csv"]));
}

//! Runs that are killed, changed, shared and read.

use std::path::Path;

use indexmap::IndexMap;

use super::*;
use crate::error::Hint as _;
use crate::replay::{UsageSource, Via};

fn manifest() -> Manifest {
    let model = ManifestModel {
        provider: "openai".into(),
        model: "m".into(),
        base_url: "https://api.openai.com/v1".into(),
        parameters: serde_json::Map::from_iter([("temperature".to_owned(), 0.into())]),
        price: Some(crate::replay::Price::FREE),
        price_id: Some("models.toml".into()),
    };
    Manifest {
        kind: Manifest::KIND.into(),
        schema_version: Manifest::VERSION,
        tool_version: "0".into(),
        source: "prompts.csv".into(),
        dataset_sha256: "d".into(),
        split: "test".into(),
        routes_sha256: "r".into(),
        encoder: "hashing".into(),
        thresholds: IndexMap::from([("coding".to_owned(), [0.35, 0.02])]),
        prompts: 0,
        prompts_sha256: "p".into(),
        samples: 1,
        seed: 0,
        models: IndexMap::from([("m".to_owned(), model)]),
    }
}

fn record(key: &str, attempt: u32, status: Status) -> Record {
    Record {
        v: RECORD_VERSION,
        key: key.into(),
        prompt_id: "2".into(),
        prompt_sha256: "s".into(),
        provider: "openai".into(),
        model: "m".into(),
        model_returned: None,
        params_sha256: "h".into(),
        sample: 0,
        attempt,
        status,
        http_status: Some(200),
        error_kind: None,
        error_message: None,
        request_id: None,
        latency_ms: Some(1.5),
        finish_reason: Some("stop".into()),
        content: Some(format!("answer {attempt}")),
        refusal: None,
        usage: None,
        usage_source: UsageSource::None,
        cost_usd: None,
        cost_list_usd: None,
        reserved_usd: (status == Status::BudgetUnknown).then_some(0.25),
        price_id: None,
        via: Via::Sync,
    }
}

fn open(folder: &Path) -> RunFolder {
    RunFolder::open(folder, &manifest(), &[]).unwrap()
}

#[test]
fn a_run_goes_on_where_it_stopped_and_its_last_answer_counts() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("run");
    {
        let run = open(&folder);
        for r in [
            record("a", 1, Status::Error),
            record("a", 2, Status::Ok),
            record("a", 3, Status::Ok),
            record("a", 4, Status::Error),
            record("b", 1, Status::BudgetUnknown),
        ] {
            run.append(&r).unwrap();
        }
    }
    let run = open(&folder);
    assert_eq!(run.cells().answer("a").unwrap().attempt, 3);
    assert_eq!((run.cells().attempts("a"), run.cells().attempts("b")), (4, 1));
    assert!(run.cells().answer("b").is_none() && run.cells().outcome("b").is_some());
    assert!((run.cells().charged_usd() - 0.25).abs() < 1e-12);
    assert!(run.notes().is_empty());
    assert_eq!(Run::load(&folder).unwrap().records.len(), 5);
}

#[test]
fn a_torn_last_line_is_cut_off_and_what_follows_is_whole() {
    let temp = tempfile::tempdir().unwrap();
    let responses = temp.path().join("responses.jsonl");
    open(temp.path()).append(&record("a", 1, Status::Ok)).unwrap();
    let whole = std::fs::read(&responses).unwrap();
    for torn in [&whole[..whole.len() - 1], &whole[..10], b"{", b"\xff"] {
        std::fs::write(&responses, [&whole, torn].concat()).unwrap();
        assert_eq!(Run::load(temp.path()).unwrap().torn, torn.len() as u64);
        let run = open(temp.path());
        assert!(run.notes()[0].contains("the last line was torn"), "{:?}", run.notes());
        run.append(&record("b", 1, Status::Ok)).unwrap();
        drop(run);
        assert_eq!(Run::load(temp.path()).unwrap().records.len(), 2);
    }
}

#[test]
fn a_call_on_its_way_at_a_kill_counts_as_spent_and_one_that_ended_does_not() {
    let temp = tempfile::tempdir().unwrap();
    {
        let run = open(temp.path());
        run.sending(&record("a", 1, Status::BudgetUnknown)).unwrap();
        run.append(&record("a", 1, Status::Ok)).unwrap();
        run.sending(&record("b", 1, Status::BudgetUnknown)).unwrap();
        run.sending(&record("a", 2, Status::BudgetUnknown)).unwrap();
    }
    for again in 0..2 {
        let run = open(temp.path());
        assert!((run.cells().charged_usd() - 0.5).abs() < 1e-12);
        assert!(run.cells().answer("a").is_some() && run.cells().answer("b").is_none());
        assert_eq!(run.notes().len(), usize::from(again == 0), "{:?}", run.notes());
        assert_eq!(run.records().len(), 3);
    }
}

#[test]
fn calls_of_a_batch_wait_until_they_have_an_outcome_or_the_batch_has_ended() {
    let temp = tempfile::tempdir().unwrap();
    let call = |key: &str, attempt| BatchCall {
        key: key.into(),
        attempt,
        reserved_usd: 0.25,
    };
    let (v, id) = (RECORD_VERSION, "x".to_owned());
    let creating = BatchLine::Creating {
        v,
        id: id.clone(),
        model: "m".into(),
        file_id: "file-1".into(),
        calls: vec![call("a", 2), call("b", 1)],
    };
    let created = BatchLine::Created {
        v,
        id: id.clone(),
        batch_id: "batch_1".into(),
    };
    let ended = BatchLine::Ended {
        v,
        id,
        end: BatchEnd::Expired,
        outcomes: BatchOutcomes::default(),
    };
    {
        let run = open(temp.path());
        run.append(&record("a", 1, Status::Error)).unwrap();
        run.append_batch(&creating).unwrap();
    }
    assert_eq!(open(temp.path()).batches()[0].batch_id, None);
    open(temp.path()).append_batch(&created).unwrap();
    let batches = open_batches(temp.path()).unwrap();
    assert_eq!(
        (batches[0].batch_id.as_deref(), batches[0].reserved_usd()),
        (Some("batch_1"), 0.5)
    );
    let cells = Cells::load(temp.path()).unwrap();
    assert!(cells.in_batch("a") && cells.in_batch("b") && !cells.in_batch("c"));
    assert_eq!((cells.in_batch_usd(), cells.charged_usd()), (0.5, 0.5));
    // Its outcome is there, though the batch is open.
    open(temp.path()).append(&record("a", 2, Status::Ok)).unwrap();
    let run = open(temp.path());
    assert!(!run.cells().in_batch("a") && run.cells().in_batch("b"));
    assert!((run.cells().charged_usd() - 0.25).abs() < 1e-12);
    run.append_batch(&ended).unwrap();
    drop(run);
    assert!(Cells::load(temp.path()).unwrap().charged_usd().abs() < 1e-12);
    // What nothing leads to.
    open(temp.path()).append_batch(&created).unwrap();
    let told = open_batches(temp.path()).unwrap_err().to_string();
    assert!(told.contains("batches.jsonl:4: the lines before it"), "{told}");
    assert!(Cells::load(temp.path()).is_err());
}

#[test]
fn another_run_is_refused_with_what_differs() {
    let temp = tempfile::tempdir().unwrap();
    open(temp.path());
    let mut other = manifest();
    other.seed = 9;
    other.models["m"].base_url = "http://127.0.0.1:1/v1".into();
    RunFolder::open(temp.path(), &other, &[]).unwrap();
    other.samples = 3;
    other.models["m"].parameters["temperature"] = 1.into();
    let second = other.models["m"].clone();
    other.models.insert("n".into(), second);
    let error = RunFolder::open(temp.path(), &other, &[]).unwrap_err();
    let told = error.to_string();
    for part in [
        "samples: 1 in the run, 3 now",
        "models.m.parameters.temperature: 0 in the run, 1 now",
        "models.n: not in the run, there now",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(told.lines().count(), 4);
    assert!(error.hint().unwrap().contains("--run DIR"));
}

#[test]
fn one_process_at_a_time_writes_a_run() {
    let temp = tempfile::tempdir().unwrap();
    let run = open(temp.path());
    let error = RunFolder::open(temp.path(), &manifest(), &[]).unwrap_err();
    let holder = format!("is in use by process {}", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    // Reading is free.
    Run::load(temp.path()).unwrap();
    drop(run);
    open(temp.path());
}

#[test]
fn what_is_no_ledger_is_told_with_file_and_line() {
    let temp = tempfile::tempdir().unwrap();
    assert!(matches!(Run::load(temp.path()), Err(LedgerError::NoRun { .. })));
    open(temp.path()).append(&record("a", 1, Status::Ok)).unwrap();
    let path = temp.path().join("responses.jsonl");
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{good}{{\"v\":1}}\n")).unwrap();
    let told = Run::load(temp.path()).unwrap_err().to_string();
    assert!(told.contains("responses.jsonl:2: missing field"), "{told}");
    std::fs::write(&path, format!("{good}{{\"v\":7,\"new\":1}}\n")).unwrap();
    let told = Run::load(temp.path()).unwrap_err().to_string();
    assert!(told.contains(":2: written by a later version"), "{told}");
}

#[cfg(unix)]
#[test]
fn the_files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("run");
    drop(open(&folder));
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.path()
        );
    }
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_was_on_its_way_is_counted_before_the_run_is_opened_again() {
    let temp = tempfile::tempdir().unwrap();
    {
        let run = open(temp.path());
        run.sending(&record("a", 1, Status::BudgetUnknown)).unwrap();
        run.append(&record("a", 1, Status::Ok)).unwrap();
        run.sending(&record("b", 1, Status::BudgetUnknown)).unwrap();
    }
    let before = Cells::load(temp.path()).unwrap();
    let opened = open(temp.path());
    for cells in [&before, opened.cells(), &Cells::load(temp.path()).unwrap()] {
        assert!((cells.charged_usd() - 0.25).abs() < 1e-12);
        assert_eq!(cells.outcome("b").unwrap().status, Status::BudgetUnknown);
    }
}

#[test]
fn a_folder_with_files_of_somebody_else_is_no_place_for_a_run() {
    let temp = tempfile::tempdir().unwrap();
    let refused = || RunFolder::open(temp.path(), &manifest(), &[]).unwrap_err().to_string();
    let prompts = temp.path().join("prompts.jsonl");
    std::fs::write(&prompts, "{\"prompt\":\"mine\"}\n").unwrap();
    assert!(refused().contains("prompts.jsonl belongs to no run"), "{}", refused());
    assert_eq!(
        std::fs::read_dir(temp.path()).unwrap().count(),
        1,
        "nothing is left there"
    );
    // What a start that was cut short leaves is written anew.
    std::fs::write(&prompts, "").unwrap();
    std::fs::write(temp.path().join("responses.jsonl"), "{}\n").unwrap();
    assert!(refused().contains("responses.jsonl belongs to no run"), "{}", refused());
    std::fs::remove_file(temp.path().join("responses.jsonl")).unwrap();
    open(temp.path());
}

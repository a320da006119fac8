//! Small files of each shape, with made-up texts; the real ones are `#[ignore]`d and want `ROUTECAL_RECORDED`.

use std::path::{Path, PathBuf};

use super::*;
use crate::replay::graders::{Grader, regrade};
use crate::replay::matrix::Outcome;

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::TempDir::new().unwrap();
    let paths = files
        .iter()
        .map(|(name, content)| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        })
        .collect();
    (folder, paths)
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} and {b}");
}

const GSM8K: &str = "prompt,mistralai/Mixtral-8x7B-Instruct-v0.1,gpt-4-1106-preview,mistralai/Mixtral-8x7B-Instruct-v0.1_response,gpt-4-1106-preview_response
\"Tom has 2 pens and buys 3. How many?\",True,False, 2 + 3 = 5\n#### 5,He pays $5.00.
\"A book costs 4, and two cost?\",False,True,#### 9,8
";

#[test]
fn routellm_gsm8k_with_and_without_references() {
    let references =
        "{\"question\": \"q\", \"answer\": \"2+3=5\\n#### 5\"}\n{\"question\": \"q\", \"answer\": \"#### 8\"}\n";
    let quoted = GSM8K.replace(" 2 + 3 = 5\n#### 5", "\" 2 + 3 = 5\n#### 5\"");
    let (_folder, paths) = folder(&[("gsm8k_responses.csv", &quoted), ("test.jsonl", references)]);
    let mut found = import(ImportFormat::RoutellmGsm8k, &paths).unwrap();
    let matrix = &mut found.matrix;
    assert_eq!(matrix.models()[1], "gpt-4-1106-preview");
    assert_eq!((matrix.prompts().len(), found.rows), (2, 2));
    assert_eq!(matrix.cells(0, 1)[0].score, Some(0.0));
    // 36 bytes are 9 tokens, 13 bytes of answer are 4.
    close(matrix.cells(0, 1)[0].cost_usd.unwrap(), (9.0 * 10.0 + 4.0 * 30.0) / 1e6);
    assert!(found.notes.iter().any(|n| n.contains("estimates")), "{:?}", found.notes);
    // Their grader reads $5.00 as 0.
    assert_eq!(regrade(matrix, &"numeric".parse::<Grader>().unwrap()).unwrap(), 4);
    assert_eq!(matrix.cells(0, 1)[0].score, Some(1.0));
    assert_eq!(matrix.cells(1, 0)[0].score, Some(0.0));

    let alone = import(ImportFormat::RoutellmGsm8k, &paths[..1]).unwrap();
    assert_eq!(alone.matrix.prompts()[0].reference, None);
    assert_ne!(alone.sha256, found.sha256);
}

#[test]
fn references_of_another_length_are_refused() {
    let quoted = GSM8K.replace(" 2 + 3 = 5\n#### 5", "\" 2 + 3 = 5\n#### 5\"");
    let (folder, paths) = folder(&[("a.csv", &quoted), ("test.jsonl", "{\"answer\": \"#### 5\"}\n")]);
    let error = import(ImportFormat::RoutellmGsm8k, &paths).unwrap_err().to_string();
    let error = error.replace(&folder.path().display().to_string(), "[TEMP]");
    assert_eq!(error, "routellm-gsm8k: [TEMP]/test.jsonl has 1 answers for 2 prompts");
}

#[test]
fn routellm_mmlu_is_a_folder_of_subjects() {
    let of = |flags: [&str; 2]| {
        format!(
            "prompt,cheap,gpt-4-1106-preview\n\"Which?\nA. a\nB. b\nAnswer:\",{},{}\n",
            flags[0], flags[1]
        )
    };
    let (folder, _) = folder(&[
        ("mmlu_botany.csv", &of(["True", "False"])),
        ("mmlu_algebra.csv", &of(["False", "True"])),
        ("notes.txt", "no data"),
    ]);
    let found = import(ImportFormat::RoutellmMmlu, &[folder.path().to_owned()]).unwrap();
    let ids: Vec<&str> = found.matrix.prompts().iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["algebra/1", "botany/1"]);
    assert_eq!(found.matrix.prompts()[0].category.as_deref(), Some("algebra"));
    // A model without a price has no cost, which is not a cost of 0.
    assert_eq!(found.matrix.cells(0, 0)[0].cost_usd, None);
    assert!(found.matrix.cells(0, 1)[0].cost_usd.unwrap() > 0.0);
}

#[test]
fn routerarena_joins_the_files_of_the_models() {
    let line = |id: &str, model: &str, score: &str, success: bool| {
        format!(
            "{{\"global_index\": \"{id}\", \"question\": \"Which?\", \"llm_selected\": \"{model}\", \"generated_answer\": \"B\", \
             \"success\": {success}, \"evaluation_result\": {{\"score\": {score}, \"inference_cost\": 0.001, \"ground_truth\": \"B\"}}}}\n"
        )
    };
    let big = line("Law_1", "big", "1.0", true) + &line("Law_2", "big", "-0.03", true);
    let small = line("Law_2", "small", "1.0", true) + &line("Law_1", "small", "0.0", false);
    let (_folder, paths) = folder(&[("big.jsonl", &big), ("small.jsonl", &small)]);
    let found = import(ImportFormat::Routerarena, &paths).unwrap();
    assert_eq!(found.matrix.models(), ["big", "small"]);
    assert_eq!(found.matrix.cells(0, 1)[0].outcome, Outcome::Error);
    assert_eq!(found.matrix.cells(1, 1)[0].score, Some(1.0));
    assert_eq!(found.matrix.prompts()[0].category.as_deref(), Some("Law"));
    assert_eq!(found.notes, ["scores outside 0 to 1 are taken as they are: 1"]);

    let twice = line("Law_1", "big", "1.0", true).repeat(2);
    let (_folder, paths) = folder_of("big.jsonl", &twice);
    let error = import(ImportFormat::Routerarena, &paths).unwrap_err().to_string();
    assert!(error.ends_with("big.jsonl:2: a second answer to Law_1"), "{error}");
}

fn folder_of(name: &str, content: &str) -> (tempfile::TempDir, Vec<PathBuf>) {
    folder(&[(name, content)])
}

#[test]
fn outcomes_as_csv_and_as_json_lines_are_the_same() {
    let csv = "prompt_id,model,sample,score,answer,cost_usd,latency_ms,finish_reason,error,category
p1,big,0,1,yes,0.01,120,stop,,law
p1,big,1,,no,0.01,130,length,,law
p1,small,0,,,0.001,,,timeout,law
p1,small,1,0.5,,0.001,50,,,law
";
    let jsonl = r#"{"prompt_id": "p1", "model": "big", "sample": 0, "score": true, "answer": "yes", "cost_usd": 0.01, "latency_ms": 120, "finish_reason": "stop", "category": "law"}
{"prompt_id": "p1", "model": "big", "sample": 1, "answer": "no", "cost_usd": "0.01", "latency_ms": 130, "finish_reason": "length"}
{"prompt_id": "p1", "model": "small", "sample": 0, "error": "timeout"}

{"prompt_id": "p1", "model": "small", "sample": 1, "score": 0.5, "cost_usd": 0.001, "latency_ms": 50}
"#;
    let (_folder, paths) = folder(&[("a.csv", csv), ("a.jsonl", jsonl)]);
    let [a, b] = [0, 1].map(|i| import(ImportFormat::Outcomes, &paths[i..=i]).unwrap().matrix);
    assert_eq!(a, b);
    let outcomes: Vec<Outcome> = (0..2).flat_map(|m| a.cells(0, m).iter().map(|c| c.outcome)).collect();
    assert_eq!(
        outcomes,
        [Outcome::Scored, Outcome::Truncated, Outcome::Error, Outcome::Scored]
    );
    assert_eq!(a.samples(), 2);
}

#[test]
fn bad_rows_are_collected_and_columns_named() {
    let csv = "prompt_id,model,score,cost_usd\np1,big,2,0.1\np2,big,x,0.1\np3,big,1,-1\n,big,1,1\np5,big,1,0\n";
    let (folder, paths) = folder_of("a.csv", csv);
    let error = import(ImportFormat::Outcomes, &paths).unwrap_err().to_string();
    let error = error.replace(&folder.path().display().to_string(), "[TEMP]");
    assert_eq!(
        error,
        "4 rows cannot be used
  [TEMP]/a.csv:2: score 2 is not within 0 and 1
  [TEMP]/a.csv:3: score is no number
  [TEMP]/a.csv:4: cost_usd is -1, which is below 0
  [TEMP]/a.csv:5: neither a prompt_id nor a prompt"
    );
    let (_folder, paths) = folder_of("a.csv", "prompt_id,score\np1,1\n");
    let error = import(ImportFormat::Outcomes, &paths).unwrap_err().to_string();
    assert!(
        error.ends_with("a.csv: no column \"model\"; the columns are prompt_id, score"),
        "{error}"
    );
    let (_folder, paths) = folder_of("a.csv", "prompt_id,model\n");
    let error = import(ImportFormat::Outcomes, &paths).unwrap_err().to_string();
    assert!(error.ends_with("a.csv: no rows"), "{error}");
    assert!(
        import(ImportFormat::Outcomes, &[])
            .unwrap_err()
            .to_string()
            .contains("no file")
    );
}

/// The folder with `routellm/` and `routerarena/`. A test that needs it is ignored unless asked for, and fails without it.
fn recorded() -> PathBuf {
    let folder =
        std::env::var_os("ROUTECAL_RECORDED").expect("ROUTECAL_RECORDED names the folder with the recorded data");
    Path::new(&folder).to_owned()
}

/// Mean quality of each model and of the oracle.
fn qualities(matrix: &Matrix) -> (Vec<f64>, f64) {
    let complete = matrix.complete();
    let means = (0..complete.models)
        .map(|m| complete.mean(&complete.score, m).unwrap())
        .collect();
    let best = (0..complete.n()).map(|i| {
        complete
            .row(&complete.score, i)
            .iter()
            .copied()
            .fold(f64::MIN, f64::max)
    });
    (means, best.sum::<f64>() / crate::num::f64_from_usize(complete.n()))
}

fn rounded(value: f64) -> String {
    format!("{value:.4}")
}

#[test]
#[ignore = "needs the recorded data: ROUTECAL_RECORDED=FOLDER cargo test -- --ignored recorded"]
fn recorded_routellm_gsm8k_gives_the_published_figures() {
    let folder = recorded().join("routellm");
    let paths = [folder.join("gsm8k_responses.csv"), folder.join("gsm8k_test.jsonl")];
    let mut matrix = import(ImportFormat::RoutellmGsm8k, &paths).unwrap().matrix;
    let (means, oracle) = qualities(&matrix);
    assert_eq!(matrix.models()[1], "gpt-4-1106-preview");
    assert_eq!(
        [means[1], means[0], oracle].map(rounded),
        ["0.8567", "0.6384", "0.9287"]
    );
    let graded = regrade(&mut matrix, &"numeric".parse::<Grader>().unwrap()).unwrap();
    assert_eq!(graded, 2638);
    // Two answers of Mixtral hold no number where the answer should be; with them as wrong every prompt counts.
    assert_eq!(matrix.outcomes(0)[&Outcome::Unparsed], 2);
    assert_eq!(matrix.outcomes(1).get(&Outcome::Unparsed), None);
    let (mean, n) = matrix.graded_mean(1);
    assert_eq!((format!("{:.3}", mean.unwrap()).as_str(), n), ("0.889", 1319));
    // GPT-4: 42 answers that their grader misread. Mixtral: 6 more, 5 fewer.
    let low = matrix.bounded(0.0);
    assert_eq!(
        [1, 0].map(|m| rounded(low.mean(&low.score, m).unwrap())),
        ["0.8886", "0.6391"]
    );
    assert_eq!(low.n(), 1319);
}

#[test]
#[ignore = "needs the recorded data: ROUTECAL_RECORDED=FOLDER cargo test -- --ignored recorded"]
fn recorded_routellm_mmlu_gives_the_published_figures() {
    let paths = [recorded().join("routellm/mmlu_responses")];
    let matrix = import(ImportFormat::RoutellmMmlu, &paths).unwrap().matrix;
    let (means, oracle) = qualities(&matrix);
    assert_eq!(matrix.models()[1], "gpt-4-1106-preview");
    assert_eq!(matrix.prompts().len(), 14_042);
    assert_eq!(
        [means[1], means[0], oracle].map(rounded),
        ["0.8058", "0.6808", "0.8586"]
    );
}

#[test]
#[ignore = "needs the recorded data: ROUTECAL_RECORDED=FOLDER cargo test -- --ignored recorded"]
fn recorded_routerarena_gives_the_published_figures() {
    let folder = recorded().join("routerarena");
    let paths = ["claude-3-haiku-20240307.jsonl", "gemini-2.0-flash-001.jsonl"].map(|f| folder.join(f));
    let matrix = import(ImportFormat::Routerarena, &paths).unwrap().matrix;
    let (means, oracle) = qualities(&matrix);
    assert_eq!(
        [means[0], means[1], oracle].map(rounded),
        ["0.5234", "0.6901", "0.7408"]
    );
}

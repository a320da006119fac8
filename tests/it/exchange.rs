//! `import` and `export`: files of other tools. tests/exchange holds them against the tools themselves.

use serde_json::json;

use crate::support::{Sandbox, csv_of, number, prompts};

const ROUTER: &str = "\
router_type: indexed
encoder: {type: huggingface, name: sentence-transformers/all-MiniLM-L6-v2}
aggregation: max
routes: # two of them
- name: coding
  utterances: [rust compile, 'loop: bug']
  confidence_threshold: 0.5 # a guess
- name: creative
  utterances:
  - poem
  - rhyme and verse
  confidence_threshold: 0.5
";

#[test]
fn from_a_router_of_another_tool_to_thresholds_in_its_file() {
    let sandbox = Sandbox::empty();
    sandbox.write("router.yaml", ROUTER);
    let data: Vec<_> = prompts().into_iter().filter(|prompt| prompt[1] != "factual").collect();
    sandbox.write("prompts.csv", csv_of(&data));
    let run = sandbox
        .run("import routes router.yaml -o routes.json --model small".split(' '))
        .ok();
    assert_eq!(
        run.stdout,
        "2 routes with 4 examples, from semantic-router 1, in routes.json\n"
    );
    let routes = sandbox.read_json("routes.json");
    assert_eq!(routes["thresholds"], json!({ "threshold": 0.5, "gap": 0.0 }));
    assert_eq!(
        routes["routes"]["coding"],
        json!({ "model": "small", "examples": ["rust compile", "loop: bug"] })
    );
    // A file that is there is not lost.
    let error = sandbox.refused("import routes router.yaml -o routes.json".split(' '));
    assert!(
        error.contains("routes.json is there already") && error.contains("--overwrite"),
        "{error}"
    );

    let calibrate =
        "calibrate prompts.csv --encoder hashing --no-gap --write --per-route --resamples 0 --no-plots --quiet";
    sandbox.run(calibrate.split(' ')).ok();
    let routes = sandbox.read_json("routes.json");
    let chosen = |route: &str| {
        let thresholds = &routes["routes"][route]["thresholds"];
        assert_eq!(number(thresholds, "gap").to_string(), "0");
        format!("{:?}", number(thresholds, "threshold"))
    };
    let shown = sandbox.run("export router.yaml --dry-run --quiet".split(' ')).ok();
    assert_eq!(sandbox.read("router.yaml"), ROUTER);
    let run = sandbox.run("export router.yaml".split(' ')).ok();
    assert!(
        !run.stderr.contains("has no gap") && !run.stderr.contains("scoring"),
        "{}",
        run.stderr
    );
    let expected = ROUTER
        .replace("0.5 # a guess", &format!("{} # a guess", chosen("coding")))
        .replace("threshold: 0.5\n", &format!("threshold: {}\n", chosen("creative")));
    assert_eq!(sandbox.read("router.yaml"), expected);
    assert_eq!(shown.stdout, expected);
}

#[test]
fn what_a_tool_has_no_place_for_is_said() {
    let sandbox = Sandbox::with_routes();
    let run = sandbox
        .run("export new.json --to redisvl --format json".split(' '))
        .ok();
    for told in ["RedisVL has no gap", "scoring rule \"centroid\""] {
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
    assert_eq!(run.json()["notes"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        sandbox.read_json("new.json")["routes"][0]["distance_threshold"],
        json!(0.65)
    );
    let error = sandbox.refused("export other.json".split(' '));
    assert!(error.contains("say it: --to"), "{error}");
    let error = sandbox.refused("export other.txt --to rasa".split(' '));
    assert!(error.contains("neither .json nor .yaml"), "{error}");
    let error = sandbox.refused("export other.json --to litellm".split(' '));
    assert!(error.contains("two routes have \"big\""), "{error}");
    sandbox.write("other.yaml", ROUTER);
    let error = sandbox.refused("export other.yaml".split(' '));
    assert!(error.contains("it has no route factual"), "{error}");
    assert_eq!(sandbox.read("other.yaml"), ROUTER);
}

#[test]
fn published_datasets_become_datasets() {
    let sandbox = Sandbox::empty();
    let clinc = json!({
        "train": [["how do I get home", "directions"]],
        "val": [["say \"hi\", please", "greeting"]],
        "oos_test": [["who won in 1954", "oos"]],
    });
    sandbox.write("clinc.json", clinc.to_string());
    sandbox.write(
        "banking.csv",
        "text,category\nwhere is my card,card_arrival\n,empty\n\"two\nlines\",x\n",
    );
    sandbox.write(
        "question.jsonl",
        "{\"question_id\": 81, \"category\": \"writing\", \"turns\": [\"Write a post\", \"Rewrite it\"], \"reference\": [\"Aloha\", \"b\"]}\n",
    );
    sandbox.write(
        "llm.csv",
        "prompt,gpt-4,mixtral,gpt-4_response,mixtral_response\nWhat is 2 + 2?,True,False,4,5\n",
    );
    for (file, line, csv) in [
        (
            "clinc.json",
            "3 prompts with 3 labels, from CLINC150",
            "prompt,label,split\nhow do I get home,directions,train\n\"say \"\"hi\"\", please\",greeting,calibration\nwho won in 1954,oos,test\n",
        ),
        (
            "banking.csv",
            "2 prompts with 2 labels, from CSV of intents",
            "prompt,label\nwhere is my card,card_arrival\n\"two\nlines\",x\n",
        ),
        (
            "question.jsonl",
            "1 prompts with 1 labels, from MT-bench",
            "prompt,label,reference\nWrite a post,writing,Aloha\n",
        ),
        (
            "llm.csv",
            "1 prompts with 0 labels, from RouteLLM",
            "prompt\nWhat is 2 + 2?\n",
        ),
    ] {
        let command = ["import", "dataset", file, "-o", "out.csv", "--overwrite"];
        let run = sandbox.run(command).ok();
        assert!(run.stdout.starts_with(line), "{}", run.stdout);
        assert_eq!(sandbox.read("out.csv"), csv, "{file}");
    }
    let error = sandbox.refused("import dataset banking.csv -o other.csv --label-column intent".split(' '));
    assert!(
        error.contains("no column for the label (intent); the columns are text, category"),
        "{error}"
    );
    sandbox.write("odd.csv", "a,b\n1,2\n");
    let error = sandbox.refused("import dataset odd.csv -o other.csv".split(' '));
    assert!(
        error.contains("odd.csv: no published dataset of a known shape"),
        "{error}"
    );
    sandbox.write("cut.parquet", "PAR1 and no more");
    let error = sandbox.refused("import dataset cut.parquet -o other.csv".split(' '));
    assert!(error.contains("cut.parquet"), "{error}");
    assert!(!sandbox.path("other.csv").exists());
}

#[test]
fn labels_of_a_published_dataset_become_routes() {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "intents.csv",
        "text,intent\nmend my loop,bug_report\nrhyme for me,poem\nan ode,poem\nbye,oos\ncards,card_lost\n42,-5 dollars\n",
    );
    let command = |more: &str| format!("import dataset intents.csv -o out.csv --overwrite --label-map map.csv {more}");
    let run = |more: &str| sandbox.run(command(more).trim().split(' '));
    let refused = |map: &str, more: &str| {
        sandbox.write("map.csv", map);
        sandbox.refused(command(more).trim().split(' '))
    };

    let map = "label,route,why\nbug_report,coding,\npoem , creative,\ncardlost,none,typed wrong\n-5 dollars,none,\ncard_lost,,to do\n";
    let error = refused(map, "");
    assert!(
        error.contains("map.csv has no route for \"card_lost\" (1 row)"),
        "{error}"
    );
    assert!(error.contains("--unmapped keep, none or drop"), "{error}");
    assert!(!sandbox.path("out.csv").exists());

    let answer = run("--unmapped drop").ok();
    assert_eq!(
        sandbox.read("out.csv"),
        "prompt,label\nmend my loop,coding\nrhyme for me,creative\nan ode,creative\nbye,none\n42,none\n"
    );
    assert_eq!(
        answer.stdout,
        "5 prompts with 3 labels, from CSV of intents, in out.csv\n  coding 1 · creative 2 · none 2\n"
    );
    for told in [
        "labels of map.csv that no row has: cardlost (there is \"card_lost\", which has no line)",
        "left out: 1 row with 1 label that map.csv does not have",
    ] {
        assert!(answer.stderr.contains(told), "{}", answer.stderr);
    }
    run("--unmapped none").ok();
    assert!(sandbox.read("out.csv").contains("\ncards,none\n"));
    let answer = run("--unmapped keep --format json").ok();
    assert!(sandbox.read("out.csv").contains("\ncards,card_lost\n"));
    assert_eq!(
        answer.json()["rows_by_label"],
        json!({ "card_lost": 1, "coding": 1, "creative": 2, "none": 2 })
    );

    for (map, told) in [
        ("", "map.csv: no column \"label\""),
        (
            "label,intent\na,b\n",
            "no column \"route\"; the columns are label, intent",
        ),
        ("label,route\n", "map.csv: no lines after the header"),
        (
            "label,route\npoem,creative\npoem,coding\n",
            "map.csv:3: label \"poem\" stands above already, for creative",
        ),
        ("label,route\npoem\n", "map.csv:2: 1 fields where the header has 2"),
        (
            "label,route\nother,coding\n",
            "map.csv has no route for \"bug_report\" (1 row), \"poem\" (2 rows)",
        ),
    ] {
        let error = refused(map, "");
        assert!(error.contains(told), "{error}");
    }
    sandbox.write("intents.csv", "text,intent\ncards,card_lost\n");
    let error = refused("label,route\npoem,creative\n", "--unmapped drop");
    assert!(error.contains("map.csv leaves no row of the dataset"), "{error}");
    sandbox.write("llm.csv", "prompt,a_response\nWhat is 2 + 2?,4\n");
    let error = sandbox.refused("import dataset llm.csv -o none.csv --label-map map.csv".split(' '));
    assert!(error.contains("the dataset has none"), "{error}");
    let error = sandbox.refused("import dataset llm.csv -o none.csv --unmapped drop".split(' '));
    assert!(error.contains("--label-map"), "{error}");
}

use std::path::Path;

use proptest::prelude::*;

use super::*;

const ZERO: &str = r#"{
    "encoder_type": "openai",
    "encoder_name": "text-embedding-3-small",
    "routes": [
        {"name": "a", "utterances": ["one \ud83d\ude00", "two"], "description": "first", "function_schemas": null, "llm": null,
         "score_threshold": 0.41, "metadata": {"model": "big"}},
        {"name": "b", "utterances": ["three"], "score_threshold": null}
    ]
}
"#;

fn routes(imported: &Imported) -> Routes {
    let text = imported.routes_json("small", "big");
    Routes::parse(&text, Path::new("routes.json")).expect("routes").0
}

#[test]
fn a_file_of_version_0_says_what_it_holds_and_what_was_left() {
    let (tool, imported) = read(ZERO, "router.json", None).expect("a router");
    assert_eq!(tool, Tool::SemanticRouter0);
    assert_eq!(imported.encoder.as_deref(), Some("openai:text-embedding-3-small"));
    assert_eq!(imported.routes[0].examples, ["one 😀", "two"]);
    assert_eq!(imported.routes[0].threshold, Some(0.41));
    let notes = imported.notes.join("\n");
    for told in [
        "descriptions are left out: a",
        "no threshold for b",
        "aggregation=\"max\"",
    ] {
        assert!(notes.contains(told), "{told} in {notes}");
    }
    let routes = routes(&imported);
    assert_eq!(routes.routes[0].target.model, "big");
    assert_eq!(routes.routes[1].target.model, "small");
    assert_eq!(routes.thresholds_of(0).threshold().to_string(), "0.41");
}

#[test]
fn thresholds_go_back_and_nothing_else_changes() {
    let (_, imported) = read(ZERO, "router.json", None).expect("a router");
    let mut own = routes(&imported);
    for (route, at) in own.routes.iter_mut().zip([0.5, 0.25]) {
        route.thresholds = Some(crate::routes::Thresholds::new(at, 0.0).expect("thresholds"));
    }
    let (_, text, _) = with_thresholds(ZERO, "router.json", None, &own).expect("edited");
    let expected = ZERO
        .replace("0.41", "0.5")
        .replace("\"score_threshold\": null", "\"score_threshold\": 0.25");
    assert_eq!(text, expected);

    let yaml = "# ours\nrouter_type: indexed\nencoder: {type: openai, name: m}\naggregation: max\nroutes:\n- name: a # the first\n  \
                utterances: [x, 'confidence_threshold: 1']\n  confidence_threshold: 0.1 # guessed\n- utterances:\n  - y\n  name: \"b\"\n\
                - {name: c, utterances: [z], confidence_threshold: null}\n";
    let (tool, imported) = read(yaml, "router.yaml", None).expect("a router");
    assert_eq!(tool, Tool::SemanticRouter1);
    let mut own = routes(&imported);
    for (route, at) in own.routes.iter_mut().zip([0.5, 0.25, -0.5]) {
        route.thresholds = Some(crate::routes::Thresholds::new(at, 0.0).expect("thresholds"));
    }
    let (_, text, notes) = with_thresholds(yaml, "router.yaml", None, &own).expect("edited");
    let expected = yaml
        .replace("0.1 # guessed", "0.5 # guessed")
        .replace("name: \"b\"\n", "name: \"b\"\n  confidence_threshold: 0.25\n")
        .replace("confidence_threshold: null", "confidence_threshold: -0.5");
    assert_eq!(text, expected);
    assert!(notes.iter().all(|note| !note.contains("scoring rule")), "{notes:?}");
}

#[test]
fn where_the_next_route_may_accept_that_is_told() {
    let file = |thresholds: [&str; 2]| {
        format!(
            "router_type: indexed\nencoder: {{type: openai, name: m}}\naggregation: max\nconfidence_threshold: 0.3\nroutes:\n\
             - {{name: a, utterances: [x], confidence_threshold: {}}}\n- {{name: b, utterances: [y], confidence_threshold: {}}}\n",
            thresholds[0], thresholds[1]
        )
    };
    let told = |notes: &[String]| notes.iter().filter(|note| note.contains("differ by route")).count();
    for (thresholds, differ) in [
        (["0.3", "null"], 0),
        (["0.3", "0.2"], 1),
        (["null", "0.2"], 1),
        (["null", "null"], 0),
    ] {
        let text = file(thresholds);
        let (_, imported) = read(&text, "router.yaml", None).expect("a router");
        assert_eq!(told(&imported.notes), differ, "{thresholds:?}");
        // Of an export what it writes counts, not what was there.
        let mut own = routes(&imported);
        for (second, differ) in [(0.5, 0), (0.4, 1)] {
            for (route, at) in own.routes.iter_mut().zip([0.5, second]) {
                route.thresholds = Some(Thresholds::new(at, 0.0).expect("thresholds"));
            }
            let (_, _, notes) = with_thresholds(&text, "router.yaml", None, &own).expect("edited");
            assert_eq!(told(&notes), differ, "{thresholds:?} to {second}");
            let (_, notes) = write(&own, Tool::SemanticRouter1, Syntax::Yaml).expect("written");
            assert_eq!(told(&notes), differ, "{second}");
        }
    }
}

#[test]
fn the_rule_is_that_of_the_file() {
    let file = |how: &str| {
        format!(
            "router_type: indexed\nencoder: {{type: openai, name: m}}\n{how}routes:\n- {{name: a, utterances: [x], confidence_threshold: 0.3}}\n"
        )
    };
    let told = |notes: &[String], what: &str| notes.iter().filter(|note| note.contains(what)).count();
    for (how, rule, unknown) in [
        ("", "mean-nearest:5", 0),
        ("aggregation: mean\ntop_k: 3\n", "mean-nearest:3", 0),
        ("aggregation: max\ntop_k: 3\n", "max-example", 0),
        ("aggregation: sum\n", "mean-nearest:5", 1),
    ] {
        let text = file(how);
        let (_, imported) = read(&text, "router.yaml", None).expect("a router");
        let mut own = routes(&imported);
        assert_eq!(own.scoring.to_string(), rule, "{how}");
        assert_eq!(told(&imported.notes, "aggregates by sum"), unknown, "{how}");
        // Written anew it says the same.
        let (again, notes) = write(&own, Tool::SemanticRouter1, Syntax::Yaml).expect("written");
        let (_, reread) = read(&again, "again.yaml", None).expect("a router");
        assert_eq!((reread.scoring, told(&notes, "rule")), (Some(own.scoring), 0), "{how}");
        // Thresholds of another rule are not put into it in silence.
        let (_, _, notes) = with_thresholds(&text, "router.yaml", None, &own).expect("edited");
        assert_eq!(told(&notes, "the thresholds are for"), 0, "{notes:?}");
        own.scoring = Scoring::MeanNearest(9);
        let (_, _, notes) = with_thresholds(&text, "router.yaml", None, &own).expect("edited");
        assert_eq!(
            told(
                &notes,
                &format!("scores as \"{rule}\" does, and the thresholds are for \"mean-nearest:9\"")
            ),
            1,
            "{notes:?}"
        );
    }
    let error = read(&file("top_k: 0\n"), "router.yaml", None).expect_err("refused");
    assert!(error.to_string().contains("top_k is 0"), "{error}");

    // Which rules the others have.
    let (_, imported) = read(&file(""), "router.yaml", None).expect("a router");
    let mut own = routes(&imported);
    for (rule, tool, advice) in [
        (Scoring::MeanNearest(5), Tool::SemanticRouter0, None),
        (
            Scoring::MaxExample,
            Tool::SemanticRouter0,
            Some("give aggregation=\"max\""),
        ),
        (
            Scoring::MeanNearest(4),
            Tool::SemanticRouter0,
            Some("\"scoring\": \"mean-nearest:5\""),
        ),
        (Scoring::MeanNearest(5), Tool::LiteLlm, None),
        (
            Scoring::MaxExample,
            Tool::LiteLlm,
            Some("\"scoring\": \"mean-nearest:5\""),
        ),
        (Scoring::MaxExample, Tool::RedisVl, None),
        (
            Scoring::MeanNearest(5),
            Tool::RedisVl,
            Some("\"scoring\": \"max-example\""),
        ),
        (
            Scoring::Centroid,
            Tool::SemanticRouter1,
            Some("\"scoring\": \"mean-nearest:5\""),
        ),
        (Scoring::Centroid, Tool::Rasa, None),
    ] {
        own.scoring = rule;
        let (_, notes) = write(&own, tool, Syntax::Yaml).expect("written");
        let about: Vec<&String> = notes.iter().filter(|note| note.contains("scoring rule")).collect();
        match advice {
            None => assert!(about.is_empty(), "{rule} {tool:?}: {about:?}"),
            Some(advice) => assert!(
                about.len() == 1 && about[0].contains(advice),
                "{rule} {tool:?}: {about:?}"
            ),
        }
    }
}

#[test]
fn distances_are_one_minus_the_threshold() {
    let yaml = "name: r\nroutes:\n- name: a\n  references: [x]\n  distance_threshold: 0.3\n- name: b\n  references: [y]\nvectorizer: {type: hf, \
                model: sentence-transformers/all-mpnet-base-v2}\nrouting_config: {max_k: 1, aggregation_method: min}\n";
    let (tool, imported) = read(yaml, "router.yaml", None).expect("a router");
    assert_eq!(tool, Tool::RedisVl);
    let [note] = &imported.notes[..] else {
        panic!("{:?}", imported.notes)
    };
    assert!(note.starts_with("the thresholds differ by route"), "{note}");
    assert_eq!(imported.encoder.as_deref(), Some("all-mpnet-base-v2"));
    assert_eq!(imported.routes[0].threshold, Some(0.7));
    assert_eq!(imported.routes[1].threshold, Some(0.5));
    let (_, text, _) = with_thresholds(yaml, "router.yaml", None, &routes(&imported)).expect("edited");
    assert!(text.contains("name: b\n  distance_threshold: 0.5\n"), "{text}");
    // The tool wants a distance above 0, whatever the threshold.
    assert_eq!(redisvl::distance(1.0).to_string(), "0.0001");
}

#[test]
fn intents_become_routes() {
    let yaml = "version: \"3.1\"\nnlu:\n- intent: greet\n  examples: |\n    - hey [Bob](name)\n    - a [b]{\"entity\": \"c\"} d\n- synonym: x\n  \
                examples: |\n    - y\n- intent: bye\n  examples:\n  - text: |\n      - see you\n  - ciao\n- intent: greet\n  examples: |\n    - hello\n";
    let (tool, imported) = read(yaml, "nlu.yml", None).expect("intents");
    assert_eq!(tool, Tool::Rasa);
    assert_eq!(imported.routes[0].examples, ["hey Bob", "a b d", "hello"]);
    assert_eq!(imported.routes[1].examples, ["see you", "ciao"]);
    assert!(
        imported
            .notes
            .iter()
            .any(|note| note.contains("1 entries that are no intents"))
    );
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let told = |text: &str, part: &str| {
        let error = read(text, "f.yaml", None).expect_err("refused").to_string();
        assert!(error.starts_with("f.yaml: ") && error.contains(part), "{error}");
    };
    told("{\"a\": 1", "neither JSON nor YAML");
    told("a: [1", "neither JSON nor YAML");
    told("a: 1", "no router file of a known tool");
    told(
        "router_type: chain\nrouters: []",
        "router_type \"chain\" does not route by embeddings",
    );
    told(
        "router_type: indexed\nencoder: {type: openai}",
        "its routes are in an index",
    );
    told("routes:\n- {name: a, utterances: [[1]]}", "string");
    told("{\"routes\": [{\"name\": \"a\", \"utterances\": [1]}]}", "string");
    told("nlu: []", "it has no routes");
    let calibrated = "router_type: indexed\nencoder: {type: openai, name: m}\ncalibrator: {method: platt, params: {}}\nroutes:\n- {name: a, \
                      utterances: [x], confidence_threshold: 0.9}\n";
    let (_, imported) = read(calibrated, "f.yaml", None).expect("a router");
    assert_eq!(imported.routes[0].threshold, None);
    let error = with_thresholds(calibrated, "f.yaml", None, &routes(&imported)).expect_err("refused");
    assert!(error.to_string().contains("calibrated confidences"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is written and read again is the same router, but for what a tool has no place for.
    #[test]
    fn a_round_trip_changes_nothing(
        examples in prop::collection::vec(prop::collection::vec("[^\\x00]{0,24}[a-z]", 1..4), 1..4),
        thresholds in prop::collection::vec(-99_i32..=99, 3),
        yaml in any::<bool>(),
    ) {
        let mut imported = Imported { scoring: Some(Scoring::MaxExample), ..Imported::default() };
        for (i, texts) in examples.into_iter().enumerate() {
            imported.routes.push(ImportedRoute {
                name: format!("route {i}: \"{}\"", ["#", "- x", "null"][i % 3]),
                model: Some(format!("model-{i}")),
                system_prompt: Some(format!("You are\nnumber {i}.")),
                examples: texts.into_iter().enumerate().map(|(j, text)| format!("{i} {j} {text}")).collect(),
                threshold: Some(f64::from(thresholds[i]) / 100.0),
            });
        }
        let parsed = Routes::parse(&imported.routes_json("m", "big"), Path::new("routes.json"));
        prop_assume!(parsed.is_ok());
        let own = parsed.expect("routes").0;
        let syntax = if yaml { Syntax::Yaml } else { Syntax::Json };
        for tool in [Tool::SemanticRouter0, Tool::SemanticRouter1, Tool::RedisVl] {
            let (text, _) = write(&own, tool, syntax).expect("written");
            let (found, again) = read(&text, "again", None).expect("read");
            prop_assert_eq!(found, tool);
            for (route, was) in again.routes.iter().zip(&own.routes) {
                prop_assert_eq!(&route.name, &was.name);
                prop_assert_eq!(&route.examples, &was.examples);
                prop_assert_eq!(route.model.as_ref(), Some(&was.target.model));
                prop_assert_eq!(route.system_prompt.as_ref(), Some(&was.target.system_prompt));
            }
            for (route, at) in again.routes.iter().zip(own.thresholds_by_route()) {
                let threshold = if at.threshold() == 0.0 && tool == Tool::SemanticRouter0 { -1.0 } else { at.threshold() };
                prop_assert!((route.threshold.expect("a threshold") - threshold).abs() < 1e-12);
            }
            // Put back into its own file: the same file.
            let (_, edited, _) = with_thresholds(&text, "again", None, &own).expect("edited");
            prop_assert_eq!(edited, text);
        }
    }
}

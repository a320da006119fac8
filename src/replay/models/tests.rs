//! Models files, and which models a run has.

use super::*;
use crate::error::Hint as _;

fn parse(text: &str) -> Result<ModelsFile, ModelsError> {
    ModelsFile::parse(text, Path::new("models.toml"), &Defaults::default())
}

fn told(text: &str) -> String {
    let error = parse(text).unwrap_err();
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

const LOCAL: &str = r#"
[[model]]
name = "small"
model = "qwen"
base_url = "http://127.0.0.1:8080/v1/"
api_key_env = ""
rpm = 60
concurrency = 2
parameters = { temperature = 0, max_tokens = 64, stop = ["\n"] }
price = { input = 0, output = 0 }

[[model]]
name = "gpt-4o"
"#;

#[test]
fn a_file_is_read_with_its_defaults() {
    let file = parse(LOCAL).unwrap();
    let small = file.get("small").unwrap();
    assert_eq!((small.model.as_str(), small.provider.as_str()), ("qwen", "127.0.0.1"));
    assert_eq!(small.base_url, "http://127.0.0.1:8080/v1");
    assert_eq!((small.api_key_env.as_deref(), small.max_output), (None, 64));
    assert_eq!(small.parameters["stop"], serde_json::json!(["\n"]));
    assert!(!small.parameters.contains_key("max_completion_tokens"));
    let gpt = file.get("gpt-4o").unwrap();
    assert_eq!(gpt.base_url, OPENAI_BASE_URL);
    assert_eq!(gpt.api_key_env.as_deref(), Some("OPENAI_API_KEY"));
    assert_eq!(gpt.parameters["max_completion_tokens"], 1024);
}

#[test]
fn mistakes_are_told_with_line_and_way_out() {
    for (text, parts) in [
        (
            "[[model]]\nname = \"a\"\nbase_ulr = \"x\"\n",
            ["models.toml:3: unknown field `base_ulr`", "did you mean base_url?"],
        ),
        (
            "[[model]]\nname = \"a\"\n\n[[model]]\nname = \"a\"\n",
            ["models.toml:4: the model \"a\" stands twice", ""],
        ),
        ("[[model]]\nname = \n", ["models.toml:2: ", ""]),
        ("", ["models.toml:1: there is no model", "[[model]]"]),
        ("[[model]]\nname = \"a\"\nrpm = 0\n", ["rpm is 0", "leave it out"]),
        (
            "[[model]]\nname = \"a\"\nbase_url = \"https://u:passw0rd@x/v1\"\n",
            ["user name, a password", "api_key_env"],
        ),
        (
            "[[model]]\nname = \"a\"\napi_key_env = \"sk-passw0rd\"\n",
            ["no name of an environment variable", "stands in no file"],
        ),
        (
            "[[model]]\nname = \"a\"\nprice = { input = -1, output = 1 }\n",
            ["at least 0", "per million"],
        ),
        (
            "[[model]]\nname = \"a\"\nparameters = { n = 2 }\n",
            ["the parameter n cannot be set", ""],
        ),
        (
            "[[model]]\nname = \"a\"\nparameters = { max_tokens = 1, max_completion_tokens = 1 }\n",
            ["both", "keep the one"],
        ),
        (
            "[[model]]\nname = \"a\"\nparameters = { max_tokens = 0 }\n",
            ["max_tokens is 0", "whole number"],
        ),
        (
            "[[model]]\nname = \"a\"\nparameters = { max_tokens = \"9\" }\n",
            ["max_tokens is \"9\"", ""],
        ),
    ] {
        let told = told(text);
        assert!(parts.iter().all(|p| told.contains(p)), "{told}");
        assert!(!told.contains("passw0rd"), "{told}");
    }
}

#[test]
fn the_run_has_the_models_that_routes_name_each_once() {
    let routed = strings(&["gpt-4o", "gpt-4o-mini", "gpt-4o"]);
    let specs = resolve(None, &routed, &[], None, &Defaults::default()).unwrap();
    let names: Vec<&str> = specs.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["gpt-4o", "gpt-4o-mini"]);
    assert!(
        specs
            .iter()
            .all(|s| s.price.as_ref().unwrap().1 == "routecal-2026-11-25")
    );

    let only = resolve(None, &routed, &strings(&["gpt-4.1"]), None, &Defaults::default()).unwrap();
    assert_eq!(only[0].name, "gpt-4.1");
}

#[test]
fn a_snapshot_price_holds_at_openai_alone_and_a_stated_one_goes_first() {
    let elsewhere = Defaults {
        base_url: "http://127.0.0.1:1/v1".into(),
        ..Defaults::default()
    };
    let specs = resolve(None, &strings(&["gpt-4o"]), &[], None, &elsewhere).unwrap();
    assert_eq!(specs[0].price, None);

    let file = parse(LOCAL).unwrap();
    let specs = resolve(
        Some(&file),
        &strings(&["small", "gpt-4o"]),
        &[],
        None,
        &Defaults::default(),
    )
    .unwrap();
    assert_eq!(specs[0].price, Some((Price::FREE, "models.toml".into())));
    assert!((specs[1].price.as_ref().unwrap().0.input - 2.5).abs() < 1e-12);
}

#[test]
fn a_name_with_a_typing_error_is_not_sent_to_openai() {
    let file = parse(LOCAL).unwrap();
    let error = resolve(Some(&file), &strings(&["smal"]), &[], None, &Defaults::default()).unwrap_err();
    assert!(
        error.to_string().contains("no model is called \"smal\" in models.toml"),
        "{error}"
    );
    assert_eq!(error.hint().unwrap(), "did you mean \"small\"?");
    let routed = strings(&["gpt-4o"]);
    let error = resolve(None, &routed, &strings(&["gtp-4o"]), None, &Defaults::default()).unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean \"gpt-4o\"?");
}

#[test]
fn parameters_hash_alike_in_any_order() {
    let hash = |parameters: &str| {
        let text = format!("[[model]]\nname = \"a\"\nparameters = {{ {parameters} }}\n");
        parse(&text).unwrap().get("a").unwrap().params_sha256()
    };
    assert_eq!(hash("top_p = 1, max_tokens = 5"), hash("max_tokens = 5, top_p = 1"));
    assert_ne!(hash("max_tokens = 5"), hash("max_tokens = 6"));
}

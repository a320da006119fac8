//! A router file opens its encoder by itself, or says what to type.

use crate::encoder::local_folder;
use crate::real_model::{ends_with, stderr_of};
use crate::remote::{KEY, Server, answer};
use crate::support::Sandbox;

/// A router file may come from anybody: it names the endpoint, and the user decides whether prompts and key go there.
#[test]
fn a_router_of_an_endpoint_sends_nothing_before_the_address_is_confirmed() {
    let server = Server::new(answer);
    let sandbox = Sandbox::with_shipped_routes();
    let run = |arguments: &str, code: i32| {
        let mut command = sandbox.routecal(arguments);
        ends_with(code, command.env("OPENAI_API_KEY", KEY))
    };
    let address = format!("--openai-base-url {}", server.base_url());
    run(&format!("centroids --encoder openai:test-model --out . {address}"), 0);
    let asked = server.requests().len();

    let classify = "classify --router router.json --no-cache prompt";
    let stderr = run(classify, 2);
    let hint = format!("hint: if that is where prompts may be sent, add: {address}\n");
    assert!(stderr.ends_with(&hint), "{stderr}");
    assert_eq!(server.requests().len(), asked);

    run(&format!("{classify} {address}"), 0);
    assert_eq!(server.requests().len(), asked + 1);

    // Another address than the router's.
    let stderr = run(&format!("{classify} --openai-base-url http://127.0.0.1:1/v1"), 2);
    assert!(stderr.ends_with(&hint), "{stderr}");
}

/// Any other is refused, see `centroids::a_router_of_another_encoder`.
#[test]
fn the_encoder_of_a_router_may_be_named() {
    let sandbox = Sandbox::with_data();
    ends_with(0, sandbox.routecal("centroids --out ."));
    ends_with(
        0,
        sandbox.routecal("classify --router router.json --encoder hashing prompt"),
    );
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_router_of_a_folder_finds_the_folder_or_asks_for_it() {
        let sandbox = Sandbox::with_shipped_routes();
        std::fs::create_dir_all(sandbox.path("models/mine")).unwrap();
        local_folder(&sandbox.path("models/mine"));
        ends_with(0, sandbox.with_model("centroids --encoder ./models/mine --out ."));
        assert_eq!(sandbox.read_json("router.json")["encoder_name"], "./models/mine");

        let classify = "classify --router router.json prompt";
        let here = sandbox.with_model(classify).output().unwrap();
        stderr_of(&here, 0);

        // The folder elsewhere: which one is meant, only the user can say.
        std::fs::rename(sandbox.path("models"), sandbox.path("moved")).unwrap();
        let stderr = ends_with(2, sandbox.with_model(classify));
        assert_eq!(
            stderr,
            "error: router.json: the router was built with the encoder \"./models/mine\", which is not here\n\
             hint: say where that folder is now: --encoder /path/to/mine\n"
        );
        let named = sandbox
            .with_model(&format!("{classify} --encoder moved/mine"))
            .output()
            .unwrap();
        stderr_of(&named, 0);
        assert!(named.stdout == here.stdout);

        // The same name, other files.
        std::fs::create_dir_all(sandbox.path("models")).unwrap();
        std::fs::rename(sandbox.path("moved/mine"), sandbox.path("models/mine")).unwrap();
        sandbox.write("models/mine/sentence_bert_config.json", r#"{"max_seq_length": 128}"#);
        let stderr = ends_with(2, sandbox.with_model(classify));
        assert!(stderr.contains("(max_length: 256, 128)"), "{stderr}");
        assert!(
            stderr.contains("hint: ./models/mine has changed since; build the router again: routecal centroids --encoder ./models/mine\n"),
            "{stderr}"
        );
    }
}

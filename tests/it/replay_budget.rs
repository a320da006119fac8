//! Money: it is never overspent, whatever is in flight and however often a run is stopped; nothing is asked without a price.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::replay_kit::{
    COLLECT, Chat, PRICE, answer, bench, both, by_cell, charged, completed, completion, counts, ends, first, model,
    pasted, records, resume_command,
};
use crate::support::number;

const ALL: &str = "replay collect p.csv --models models.toml --run run";

/// As many tokens as a call is allowed: a token a byte, the framing, and all that may come out.
fn worst(request: &Request) -> (u64, u64) {
    let body: Value = request.body_json().unwrap();
    let bytes = |m: &Value| m["content"].as_str().unwrap().len() as u64 + 16;
    let input = body["messages"].as_array().unwrap().iter().map(bytes).sum::<u64>() + 64;
    (input, body["max_completion_tokens"].as_u64().unwrap())
}

fn usd(bodies: &[Value]) -> f64 {
    let bytes = |m: &Value| m["content"].as_str().unwrap().len() + 16;
    let input = |b: &Value| b["messages"].as_array().unwrap().iter().map(bytes).sum::<usize>() + 64;
    let tokens: usize = bodies.iter().map(|b| input(b) + 16 * 4).sum();
    f64::from(u32::try_from(tokens).unwrap()) / 1e6
}

#[test]
fn eight_at_once_never_spend_more_than_they_may_and_the_printed_command_does_the_rest() {
    let chat = Chat::new(|request: &Request| {
        let (input, output) = worst(request);
        ResponseTemplate::new(200)
            .set_body_json(completed("It is 1.", input, output))
            .set_delay(Duration::from_millis(3))
    });
    let sandbox = bench(40);
    both(&sandbox, &chat.base_url(), "concurrency = 8");
    for max in ["0.004", "0.007"] {
        let stopped = ends(5, &sandbox, &format!("{ALL} --max-usd {max}"));
        let (billed, cap) = (usd(&chat.bodies()), max.parse::<f64>().unwrap());
        assert!(billed <= cap && billed > cap * 0.9, "${billed} of ${max}");
        assert!((charged(&records(&sandbox)) - billed).abs() < 1e-12);
        assert!(
            stopped.stderr.contains(&format!("the budget of ${max} is used up")),
            "{}",
            stopped.stderr
        );
    }
    // Not a cent more: no call is made, and the command that does the rest is still right.
    let before = chat.count();
    let stopped = ends(5, &sandbox, &format!("{ALL} --max-usd 0.007"));
    assert_eq!(chat.count(), before);
    let command = resume_command(&stopped.stderr);
    pasted(&sandbox, command).ok();
    assert_eq!(chat.count(), 80);
    let cap: f64 = command.rsplit_once("--max-usd ").unwrap().1.parse().unwrap();
    assert!(usd(&chat.bodies()) <= cap, "{command}");
}

#[test]
fn nothing_is_asked_without_a_price_or_a_budget_and_what_is_free_needs_none() {
    let chat = Chat::new(answer);
    let sandbox = bench(4);
    sandbox.write(
        "models.toml",
        model("big", &chat.base_url(), "") + &model("small", &chat.base_url(), PRICE),
    );
    for flags in ["", "--max-usd 5"] {
        let refused = ends(2, &sandbox, &format!("{ALL} {flags}"));
        assert!(
            refused
                .stderr
                .contains("error: no price is known of big, so no budget can hold\nhint: "),
            "{}",
            refused.stderr
        );
        assert!(
            refused
                .stderr
                .contains("price = { input = 0.15, output = 0.60 } for \"big\""),
            "{}",
            refused.stderr
        );
    }
    both(&sandbox, &chat.base_url(), "");
    let refused = ends(2, &sandbox, ALL);
    assert!(
        refused.stderr.contains("error: this run may cost up to $0.001"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--max-usd 0.01;"), "{}", refused.stderr);
    for bad in ["-1", "NaN", "inf"] {
        let refused = ends(2, &sandbox, &format!("{ALL} --max-usd={bad}"));
        assert!(
            refused.stderr.contains("a budget is an amount in dollars"),
            "{}",
            refused.stderr
        );
    }
    ends(
        5,
        &sandbox,
        &format!("{} --max-usd 0", ALL.replace("--run run", "--run none")),
    );
    assert_eq!((chat.count(), sandbox.path("run").exists()), (0, false));

    let free = "price = { input = 0, output = 0 }";
    sandbox.write(
        "models.toml",
        model("big", &chat.base_url(), free) + &model("small", &chat.base_url(), free),
    );
    let summary = ends(0, &sandbox, &format!("{ALL} --format json")).json();
    assert_eq!((chat.count(), &summary["charged_usd"]), (8, &json!(0.0)));
}

#[test]
fn a_dry_run_says_what_is_open_and_what_it_can_cost() {
    let chat = Chat::new(answer);
    let sandbox = bench(10);
    both(&sandbox, &chat.base_url(), "");
    let dry = |flags: &str| {
        let before = sandbox.tree();
        let dry = ends(0, &sandbox, &format!("{ALL} --dry-run --format json {flags}")).json();
        assert!(before == sandbox.tree());
        dry
    };
    let whole = dry("");
    ends(0, &sandbox, &format!("{ALL} --max-usd 1 --model big"));
    assert_eq!(chat.count(), 10);
    assert!((number(&whole, "worst_usd") - usd(&chat.bodies()) * 2.0).abs() < 1e-12);
    assert_eq!(
        (&whole["calls"], &whole["answered"], &whole["charged_usd"]),
        (&json!(20), &json!(0), &json!(0.0))
    );
    let rest = dry("--model big");
    assert_eq!(
        (&rest["calls"], &rest["answered"], &rest["worst_usd"]),
        (&json!(0), &json!(10), &json!(0.0))
    );
    assert!(number(&rest, "charged_usd") > 0.0);
    assert_eq!(chat.count(), 10);
    let text = ends(0, &sandbox, &format!("{ALL} --dry-run"));
    assert!(
        text.stdout.contains("10 calls for 10 prompts, at most $0.00"),
        "{}",
        text.stdout
    );
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_call_that_timed_out_stays_paid_for_and_is_asked_again_only_on_demand() {
        let late = || completion("It is late.").set_delay(Duration::from_mins(5));
        let good = || completion("It is 1.");
        let chat = Chat::new(first(vec![good(), good(), late(), late()]));
        let sandbox = bench(4);
        both(&sandbox, &chat.base_url(), "");
        let impatient = format!("{COLLECT} --timeout 1 --attempts 1");
        let stopped = ends(5, &sandbox, &format!("{impatient} --format json"));
        let lines = records(&sandbox);
        assert_eq!(
            counts(&lines, "status"),
            [("ok".to_owned(), 6), ("budget_unknown".to_owned(), 2)].into()
        );
        for record in lines.iter().filter(|r| r["status"] == "budget_unknown") {
            assert_eq!(
                (&record["error_kind"], &record["cost_usd"]),
                (&json!("timeout"), &Value::Null)
            );
            assert!(record["reserved_usd"].as_f64().unwrap() > 1e-4);
        }
        assert!((number(&stopped.json(), "charged_usd") - charged(&lines)).abs() < 1e-12);
        assert!(
            stopped
                .stderr
                .contains("2 got no answer and may have been billed (--retry-unknown asks again)"),
            "{}",
            stopped.stderr
        );
        ends(5, &sandbox, &impatient);
        assert_eq!(chat.count(), 8);
        pasted(&sandbox, resume_command(&stopped.stderr)).ok();
        assert_eq!(chat.count(), 10);
        assert!(charged(&records(&sandbox)) > number(&stopped.json(), "charged_usd"));
    }

    /// What a killed or failed call may have cost counts for the rest of the run, and so does the judge.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_timeout_that_is_repeated_is_paid_for_each_time() {
        let late = || completion("It is late.").set_delay(Duration::from_mins(5));
        let chat = Chat::new(first(vec![completion("It is 0."), late(), late()]));
        let sandbox = bench(3);
        both(&sandbox, &chat.base_url(), "");
        // Room for the answer and two worst cases of some $0.0002, not for a third.
        let stopped = ends(
            5,
            &sandbox,
            &format!("{ALL} --model big --timeout 1 --concurrency 1 --max-usd 0.0006"),
        );
        let lines = records(&sandbox);
        let of_cell = by_cell(&lines);
        let unknown: Vec<_> = of_cell
            .values()
            .flatten()
            .filter(|r| r["status"] == "budget_unknown")
            .collect();
        assert_eq!(unknown.len(), 2, "{lines:?}");
        assert!(charged(&lines) <= 0.0006);
        assert_eq!(chat.count(), 3);
        assert!(
            stopped.stderr.contains("the budget of $0.0006 is used up"),
            "{}",
            stopped.stderr
        );
    }
}

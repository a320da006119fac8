#!/usr/bin/env python3
"""Does a threshold mean the same in semantic-router and here? Both route the same prompts, with the same model.

    with_model.py PROGRAM [--prompts FILE] [--routes FILE]

semantic-router builds a router of the routes, aggregated by the maximum and by the mean of the five nearest, and saves it;
`import routes` reads it, `calibrate --write` chooses thresholds (one for all, then one a route), `export` puts them into its file, and its own `load_router` opens that. Then its
router decides on every prompt of the test split, and so does `eval`: the decisions are compared, and the scores of the chosen. Two
differences are by design and counted apart: prompts that the best route refuses and the next accepts, and scores of prompts that
routecal cuts at 256 tokens and semantic-router at 512 (docs/exchange.md).

Not part of CI: needs `pip install 'semantic-router[local]'` and all-MiniLM-L6-v2 from the model hub or its cache. Ends with 1 if any
other decision differs.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from semantic_router.config import load_router
from semantic_router.encoders import HuggingFaceEncoder
from semantic_router.route import Route
from semantic_router.routers import IndexedRouter

ROOT = Path(__file__).resolve().parents[2]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program", type=Path)
    arguments.add_argument("--prompts", type=Path, default=ROOT / "datasets/prompts.csv")
    arguments.add_argument("--routes", type=Path, default=ROOT / "routes.json")
    given = arguments.parse_args()
    program = str(given.program.resolve())
    prompts = str(given.prompts.resolve())
    differ = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        routes = json.loads(given.routes.read_text())["routes"]
        theirs = [Route(name=name, utterances=route["examples"], confidence_threshold=0.5) for name, route in routes.items()]
        encoder = HuggingFaceEncoder(name="sentence-transformers/all-MiniLM-L6-v2")

        def routecal(*words):
            subprocess.run([program, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)

        for how in ("max", "mean"):
            IndexedRouter(encoder=encoder, routes=theirs, aggregation=how).to_yaml(folder / "router.yaml")
            routecal("import", "routes", "router.yaml", "-o", "routes.json", "--overwrite", "--quiet")
            for which, more in (("one threshold", []), ("one a route", ["--per-route"])):
                routecal("calibrate", prompts, "--no-gap", "--write", "--quiet", "--no-plots", *more)
                routecal("export", "router.yaml", "--quiet")
                routecal("eval", prompts, "--quiet", "--no-plots")
                router = load_router(folder / "router.yaml")
                differ += compare(f"{how}, {which}", router, prompts, folder / "reports/predictions.csv")
    return 1 if differ else 0


def compare(which, router, prompts, predictions):
    """Decisions and scores of `router` against those of routecal; the number of differences that are not by design."""
    # The table of predictions is made harmless for spreadsheets: the prompts as they are stand in the dataset.
    with open(prompts, newline="") as file:
        texts = [row["prompt"] for row in csv.DictReader(file) if row["split"] == "test"]
    with open(predictions, newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(texts) == len(rows)
    apart, apart_of_long, differ, next_accepts, accepted = 0.0, 0.0, 0, 0, 0
    for text, row in zip(texts, rows, strict=True):
        choice = router(text)
        ours = row["decision"]
        accepted += ours != "fallback"
        if ours == (choice.name or "fallback"):
            if choice.name:
                difference = abs(choice.confidence - float(row["score"]))
                if len(router.encoder._tokenizer(text)["input_ids"]) > 256:
                    apart_of_long = max(apart_of_long, difference)
                else:
                    apart = max(apart, difference)
        elif ours == "fallback" and choice.name != row["best"]:
            next_accepts += 1
        else:
            differ += 1
            print(f"  {text[:70]!r}: {ours} ({row['score']}) here, {choice.name} ({choice.confidence}) there")
    thresholds = ", ".join(f"{route.name} {route.confidence_threshold:g}" for route in router.routes)
    print(f"{which} ({thresholds}): {len(rows)} prompts, {accepted} accepted here; {differ} decisions differ, {next_accepts} where the "
          f"next route accepts; scores at most {apart:.1e} apart, of prompts over 256 tokens {apart_of_long:.1e}")
    return differ


if __name__ == "__main__":
    sys.exit(main())

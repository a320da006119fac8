#!/usr/bin/env python3
"""`routecal import` and `export` against the tools themselves, from PyPI: their code writes and reads the files, ours is in between.

    with_packages.py PROGRAM [--cache DIR]

For each tool and each syntax: its code writes a router; `import routes` reads it; other thresholds go into routes.json and by `export` into
the tool's file, which its code reads again; `export` makes a new file, which its code reads too. Names, examples and thresholds must be
the same throughout. Then a Parquet file as the Hugging Face hub writes them is imported. Each tool has an environment of its own below
DIR, with the versions of constraints/TOOL.txt (`pip freeze` of a day when all of this passed). Nothing of the tools calls a model.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# What YAML might take for something else than a text.
ROUTES = {
    "coding": ["yes", "null", "1.5", "- a dash", "# a hash: and a colon", "a \"quote\" and 'another'"],
    "creative": ["émoji 😀 and ünïcode", "~", "off", "{braces}", "a long line " + "that goes on and on " * 12 + "to its end"],
    "2024": ["0x1f", "1e-5", "&anchor *alias", "tab\tinside", "trailing: "],
}
THRESHOLDS = {"coding": 0.31, "creative": 0.5, "2024": 0.875}
# The last is printed with an exponent, which is a number to YAML 1.1 only after a point.
OTHERS = {"coding": 0.4375, "creative": -0.25, "2024": 0.000002}

PACKAGES = {
    "semantic-router-0": [["semantic-router==0.1.16"]],
    "semantic-router": [["semantic-router==1.1.1"]],
    "redisvl": [["redisvl==0.28.0"]],
    # Its package asks for an older Python than its reader of training data needs, and for more than that needs.
    "rasa": [["--no-deps", "--ignore-requires-python", "rasa==3.6.21"], ["-r", str(Path(__file__).with_name("rasa-requirements.txt"))]],
    "hugging-face": [["pyarrow==22.0.0"]],
}

# Each prints {"routes": {name: examples}, "thresholds": {name: number}} of the file in sys.argv[2], or writes it.
SNIPPETS = {
    "semantic-router-0": '''
from semantic_router.route import Route
from semantic_router.routers.base import RouterConfig
def write(path, routes, thresholds):
    all = [Route(name=n, utterances=u, score_threshold=thresholds[n]) for n, u in routes.items()]
    RouterConfig(routes=all, encoder_type="huggingface", encoder_name="sentence-transformers/all-MiniLM-L6-v2").to_file(path)
def read(path):
    found = RouterConfig.from_file(path).routes
    return {r.name: r.utterances for r in found}, {r.name: r.score_threshold for r in found}
''',
    "litellm": '''
import os
os.environ["OPENAI_API_KEY"] = "none"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
from litellm.router_strategy.auto_router.auto_router import AutoRouter
def read(path):
    # By its text: by its path the examples would be embedded by a model.
    found = AutoRouter(model_name="auto", default_model="d", embedding_model="e", litellm_router_instance=None,
                       auto_router_config=open(path).read()).loaded_routes
    return {r.name: r.utterances for r in found}, {r.name: r.score_threshold for r in found}
''',
    "semantic-router": '''
import json, yaml
from pathlib import Path
from semantic_router.config import EncoderConfig, IndexedConfig, _ADAPTER, _parse
from semantic_router.route import Route
def write(path, routes, thresholds):
    all = [Route(name=n, utterances=u, confidence_threshold=thresholds[n]) for n, u in routes.items()]
    encoder = EncoderConfig(type="huggingface", name="sentence-transformers/all-MiniLM-L6-v2")
    how = {"aggregation": "max"} if path.endswith(".json") else {"top_k": 7}
    data = _ADAPTER.dump_python(IndexedConfig(encoder=encoder, routes=all, **how), mode="json")
    # As save_router prints it.
    if path.endswith(".yaml"):
        Path(path).write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
    else:
        Path(path).write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\\n")
def parsed(path):
    text = Path(path).read_text()
    return _parse(yaml.safe_load(text) if path.endswith(".yaml") else json.loads(text))
def rule(path):
    found = parsed(path)
    return "max-example" if found.aggregation == "max" else f"{found.aggregation}-nearest:{found.top_k}"
def read(path):
    found = parsed(path).routes
    return {r.name: r.utterances for r in found}, {r.name: r.confidence_threshold for r in found}
''',
    "redisvl": '''
import yaml
from redisvl.extensions.router.schema import Route, RoutingConfig
def write(path, routes, thresholds):
    all = [Route(name=n, references=u, distance_threshold=1 - thresholds[n]) for n, u in routes.items()]
    data = {"name": "r", "routes": [r.model_dump() for r in all],
            "vectorizer": {"type": "hf", "model": "sentence-transformers/all-MiniLM-L6-v2"},
            "routing_config": {"max_k": 1, "aggregation_method": "min"}}
    # As to_yaml prints it.
    with open(path, "w") as file:
        yaml.dump(data, file, sort_keys=False)
def read(path):
    with open(path) as file:
        data = yaml.safe_load(file)
    RoutingConfig(**data["routing_config"])
    found = [Route(**route) for route in data["routes"]]
    return {r.name: r.references for r in found}, {r.name: 1 - r.distance_threshold for r in found}
''',
    "rasa": '''
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader, RasaYAMLWriter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
def write(path, routes, thresholds):
    messages = [Message.build(text=u, intent=n) for n, all in routes.items() for u in all]
    RasaYAMLWriter().dump(path, TrainingData(messages))
def read(path):
    routes = {}
    for message in RasaYAMLReader().reads(open(path, encoding="utf-8").read()).intent_examples:
        routes.setdefault(message.get("intent"), []).append(message.get("text"))
    return routes, {}
''',
}
MAIN = '''
import json, sys
if sys.argv[1] == "write":
    write(sys.argv[2], *json.loads(sys.stdin.read()))
elif sys.argv[1] == "rule":
    print("\\n" + json.dumps(rule(sys.argv[2])))
else:
    routes, thresholds = read(sys.argv[2])
    print("\\n" + json.dumps({"routes": routes, "thresholds": thresholds}))
'''


class Tool:
    """A tool in an environment of its own."""

    def __init__(self, name, cache, environment=None):
        self.name, folder = name, Path(cache, environment or name)
        self.python = folder / "bin" / "python"
        packages = PACKAGES[environment or name]
        constraints = Path(__file__).with_name("constraints") / f"{environment or name}.txt"
        wanted, stamp = json.dumps([packages, constraints.read_text()]), folder / "installed.json"
        if not stamp.exists() or stamp.read_text() != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", constraints]
            for some in packages:
                subprocess.run([*pip, *some], check=True)
            stamp.write_text(wanted)

    def run(self, what, path, data=""):
        code = SNIPPETS[self.name] + MAIN
        done = subprocess.run([self.python, "-c", code, what, path], input=data, text=True, capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"{self.name} cannot {what} {path}:\n{done.stderr[-3000:]}")
        return done.stdout

    def write(self, path, routes):
        self.run("write", path, json.dumps([routes, THRESHOLDS]))

    def rule(self, path):
        """How its router scores, as routecal's rule is called; its file says so from version 1."""
        return json.loads(self.run("rule", path).splitlines()[-1]) if self.name == "semantic-router" else None

    def read(self, path):
        found = json.loads(self.run("read", path).splitlines()[-1])
        return found["routes"], found["thresholds"]


def same(what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{what}:\n  found  {found}\n  wanted {wanted}")


def near(what, found, wanted):
    same(f"{what}: names", sorted(found), sorted(wanted))
    for name, value in wanted.items():
        if abs(found[name] - value) > 1e-9:
            raise SystemExit(f"{what}: the threshold of {name} is {found[name]}, not {value}")


def routers(routecal, tool, endings, routes):
    has_thresholds = tool.name != "rasa"
    for ending in endings:
        own, made = f"own.{ending}", f"made.{ending}"
        tool.write(own, routes)
        before, _ = tool.read(own)
        routecal("import", "routes", own, "-o", "routes.json", "--overwrite")
        text = Path("routes.json").read_text(encoding="utf-8")
        ours = json.loads(text)
        same(f"{tool.name} {ending}, imported", {name: r["examples"] for name, r in ours["routes"].items()}, before)
        rule = tool.rule(own)
        if rule is not None:
            same(f"{tool.name} {ending}, imported: the rule", ours["scoring"], rule)
        if has_thresholds:
            near(f"{tool.name} {ending}, imported", {n: r["thresholds"]["threshold"] for n, r in ours["routes"].items()}, THRESHOLDS)
            for name, value in OTHERS.items():
                ours["routes"][name]["thresholds"] = {"threshold": value, "gap": 0.0}
            Path("routes.json").write_text(json.dumps(ours), encoding="utf-8")
            routecal("export", own)
            after, thresholds = tool.read(own)
            same(f"{tool.name} {ending}, thresholds written back", after, before)
            near(f"{tool.name} {ending}, thresholds written back", thresholds, OTHERS)
        Path(made).unlink(missing_ok=True)
        routecal("export", made, "--to", tool.name)
        after, thresholds = tool.read(made)
        same(f"{tool.name} {ending}, exported", after, before)
        same(f"{tool.name} {ending}, exported: the rule", tool.rule(made), rule)
        if has_thresholds:
            near(f"{tool.name} {ending}, exported", thresholds, OTHERS)
        print(f"{tool.name} {ending}: the same {sum(map(len, before.values()))} examples of {len(before)} routes there and back")


def litellm(routecal, tool):
    routes = {"gpt-4.1": ["solve this integral", "yes"], "claude-haiku": ["hello there", "translate: 'cat'"]}
    file = {
        "encoder": "openai:text-embedding-3-small",
        "scoring": "mean-nearest:5",
        "fallback": {"model": "gpt-4o"},
        "routes": {f"route {i}": {"model": model, "examples": texts, "thresholds": {"threshold": 0.25 + i / 4, "gap": 0}}
                   for i, (model, texts) in enumerate(routes.items())},
    }
    Path("routes.json").write_text(json.dumps(file))
    routecal("export", "router.json", "--to", "litellm")
    found, thresholds = tool.read("router.json")
    same("litellm, exported", found, routes)
    near("litellm, exported", thresholds, {"gpt-4.1": 0.25, "claude-haiku": 0.5})
    routecal("import", "routes", "router.json", "-o", "routes.json", "--overwrite")
    ours = json.loads(Path("routes.json").read_text())
    same("litellm, imported", {n: r["model"] for n, r in ours["routes"].items()}, {n: n for n in routes})
    print("litellm: its auto-router loads what export wrote")


def hugging_face(routecal, python):
    code = '''
import json, pyarrow as pa, pyarrow.parquet as pq
features = {"text": {"dtype": "string", "_type": "Value"}, "label": {"names": ["coding", "creative"], "_type": "ClassLabel"}}
table = pa.table({"text": ["sort a list", "a poem, please", "hello"], "label": pa.array([0, 1, -1], pa.int64())})
table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
# Columns of other kinds, as the hub has them, are none of routecal's business.
others = {
    "messages": pa.array([[{"role": "user", "content": "hi"}]] * 3, pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}.items()))),
    "image": pa.array([{"bytes": b"x", "path": "p"}] * 3),
    "when": pa.array([1, 2, 3], pa.timestamp("us")),
    "price": pa.array([None] * 3, pa.decimal128(10, 2)),
    "half": pa.array([None] * 3, pa.float16()),
    "pair": pa.array([[1, 2]] * 3, pa.list_(pa.int32(), 2)),
}
for name, column in others.items():
    table = table.append_column(name, column)
pq.write_table(table, "train.parquet")
'''
    subprocess.run([python, "-c", code], check=True)
    routecal("import", "dataset", "train.parquet", "-o", "prompts.csv")
    same("hugging-face", Path("prompts.csv").read_text(), 'prompt,label\nsort a list,coding\n"a poem, please",creative\nhello,none\n')
    print("hugging-face: labels by the names that the file gives them")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--cache", type=Path, help="folder for the environments, to keep")
    args = parser.parse_args()
    program = args.program.resolve()
    with tempfile.TemporaryDirectory() as folder:
        cache = (args.cache or Path(folder, "environments")).resolve()
        os.chdir(folder)

        def routecal(*arguments):
            done = subprocess.run([program, *arguments, "--quiet"], text=True, capture_output=True)
            if done.returncode != 0:
                raise SystemExit(f"routecal {' '.join(arguments)} exited with {done.returncode}:\n{done.stderr}")

        for name, endings in [("semantic-router-0", ["json", "yaml"]), ("semantic-router", ["json", "yaml"]), ("redisvl", ["yaml"])]:
            routers(routecal, Tool(name, cache), endings, ROUTES)
        # An example is a line there, whose ends do not count.
        lines = {name: [" ".join(text.split()) for text in texts] for name, texts in ROUTES.items()}
        routers(routecal, Tool("rasa", cache), ["yml"], lines)
        litellm(routecal, Tool("litellm", cache, "semantic-router-0"))
        SNIPPETS["hugging-face"] = ""
        hugging_face(routecal, Tool("hugging-face", cache).python)


if __name__ == "__main__":
    main()

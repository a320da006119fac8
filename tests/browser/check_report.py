#!/usr/bin/env python3
"""report.html in a headless Chromium: no complaint on the console, nothing fetched, nothing sticks out, the marker's numbers are
those of calibration.json and sweep.csv, tables sort and filter, both themes can be read, prompts stay text.

    tests/browser/check_report.py target/debug/routecal            # on data of its own, with the hashing encoder
    tests/browser/check_report.py target/debug/routecal --folder reports/example --shots /tmp/shots

Needs Chromium (Debian: apt install chromium) and the packages of requirements.txt. Exits with 0 where everything holds, 1 where
something does not, 3 where there is no browser.
"""

import argparse
import asyncio
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import devtools

HERE = pathlib.Path(__file__).parent
WIDTHS = (360, 1400)
THEMES = ("light", "dark")
HOSTILE = [
    "<script>window.hacked = 1</script> sort a list in rust",
    "</script><img src=x onerror='window.hacked = 1'> a poem | about \"rain\"",
    "{{ 7 * 7 }} {% raw %} & compile 'this' \\ `code`\nsecond line | of a cell",
    "</title></svg><svg onload=alert(1)> \u2028 weather",
]


def results(program, work):
    """Runs the commands on a small dataset with prompts that would like to be more than text; returns the folder."""
    words = {
        "coding": "rust python compile function loop bug code array",
        "poems & <b>songs</b>": "poem rain autumn verse rhyme song moon heart",
        "sums": "add multiply percent equation number divide total",
    }
    routes = {
        "prices": {"large": 0.004, "small": 0.0003},
        "fallback": {"model": "large"},
        "thresholds": {"threshold": 0.35, "gap": 0.02},
        "routes": {
            name: {"model": "small", "examples": [f"{a} the {b}" for a, b in zip(text.split(), text.split()[1:])]}
            for name, text in words.items()
        },
    }
    (work / "routes.json").write_text(json.dumps(routes))
    with open(work / "prompts.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["prompt", "label", "split"])
        for split in ("calibration", "test"):
            for i in range(40):
                for place, (name, text) in enumerate(words.items()):
                    own = text.split()
                    others = " ".join(words.values()).split()
                    # The words decide where a prompt goes; every third has more of another route's.
                    stray = others[(7 * i + place) % len(others)]
                    text = f"{own[i % len(own)]} {stray} {stray if i % 3 == 0 else own[(i + 3) % len(own)]} {split} {i}"
                    rows.writerow([text, name, split])
                rows.writerow([f"what is {others[i % len(others)]} for dinner {split} {i}", "none", split])
            for i, text in enumerate(HOSTILE):
                rows.writerow([f"{text} {split}", list(words)[i % 3] if i else "none", split])
    environment = {**os.environ, "ROUTECAL_OFFLINE": "1", "ROUTECAL_CACHE": str(work / "cache"), "GITHUB_STEP_SUMMARY": ""}

    def run(*arguments, codes=(0,)):
        command = [program, *arguments, "--encoder", "hashing", "--quiet", "--resamples", "200"]
        if arguments[0] == "check":
            command = command[:-2]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
        if done.returncode not in codes:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")

    run("calibrate", "prompts.csv", "--out", "out")
    run("eval", "prompts.csv", "--out", "out")
    run("check", "prompts.csv", "--update-baseline")
    run("check", "prompts.csv", "--out", "out", "--threshold", "0.2", codes=(0, 1, 4))
    return work / "out"


class Complaints(list):
    """What does not hold."""

    def hold(self, condition, what):
        if not condition:
            self.append(what)


def expected(cell, n, strange):
    """The figures that a line of sweep.csv stands for, as the page shows them."""
    accepted, right, out = (int(cell[key]) for key in ("accepted", "right", "out_of_domain"))
    percent = lambda k, of: f"{100 * k / of:.1f} %" if of else "n/a"
    return {
        "coverage": percent(accepted, n),
        "selective accuracy": percent(right, accepted),
        "system accuracy": percent(right + strange - out, n),
        "false accepts": percent(out, strange),
    }


READ = """(figure) => Object.fromEntries([...document.querySelectorAll(`#figure-${figure} .readout .here td`)]
    .map((cell) => [cell.dataset.figure, cell.firstChild.textContent.trim()]))"""


async def marker(browser, folder, complaints):
    report = json.loads((folder / "calibration.json").read_text())
    split, n, strange = (report["calibration"][key] for key in ("split", "n", "out_of_domain"))
    with open(folder / "sweep.csv", newline="") as file:
        cells = {(float(c["threshold"]), float(c["gap"])): c for c in csv.DictReader(file) if c["split"] == split}
    thresholds, gaps = (sorted({place[k] for place in cells}) for k in (0, 1))
    place = lambda axis, value: min(range(len(axis)), key=lambda k: abs(axis[k] - value))
    near = lambda a, b: abs(float(a) - b) < 1e-4

    async def holds(figure, i, j, what):
        read = await browser.value(f"({READ})('{figure}')")
        cell = cells[thresholds[i], gaps[j]]
        complaints.hold(near(read["threshold"], thresholds[i]) and near(read["gap"], gaps[j]), f"{what}: the marker is at {read}")
        for name, value in expected(cell, n, strange).items():
            complaints.hold(read[name] == value, f"{what}: {name} {read[name]}, sweep.csv has {value}")
        if cell["mean_price"]:
            complaints.hold(abs(float(read["mean price"]) / float(cell["mean_price"]) - 1) < 1e-3, f"{what}: price {read['mean price']}")
        return read

    # It starts at the chosen point, with the document's own figures.
    chosen, current = report["chosen"], report["current"]
    i, j = place(thresholds, chosen["threshold"]), place(gaps, chosen["gap"])
    read = await holds("threshold-gap", i, j, "at first")
    document = chosen["calibration"]
    for name, key in (("coverage", "coverage"), ("selective accuracy", "selective_accuracy"),
                      ("system accuracy", "system_accuracy"), ("false accepts", "false_accept_rate")):
        point = document[key]["point"]
        value = "n/a" if point is None else f"{100 * point:.1f} %"
        complaints.hold(read[name] == value, f"{name} at the chosen point: {read[name]}, calibration.json has {value}")
    interval = await browser.value("document.querySelector('#figure-threshold-gap .here [data-figure=coverage] small').textContent")
    wanted = f"{100 * document['coverage']['lower']:.1f}–{100 * document['coverage']['upper']:.1f}"
    complaints.hold(interval == wanted, f"interval of the coverage: {interval}, calibration.json has {wanted}")

    # Arrow keys, from there to today's thresholds.
    await browser.value("document.querySelector('#figure-threshold-gap svg').focus()")
    to = place(thresholds, current["threshold"]), place(gaps, current["gap"])
    for axis, (steps, names) in enumerate(zip((to[0] - i, to[1] - j), (("ArrowLeft", "ArrowRight"), ("ArrowDown", "ArrowUp")))):
        key = names[steps > 0]
        await browser.key(key, abs(steps) // 10, shift=True)
        await browser.key(key, abs(steps) % 10)
    await holds("threshold-gap", *to, "after the arrow keys")
    await browser.key("ArrowRight", 2)
    await holds("threshold-gap", min(to[0] + 2, len(thresholds) - 1), to[1], "after two more")

    # Mouse and finger.
    for touch, act in ((False, browser.click), (True, browser.tap)):
        for figure in ("threshold-gap", "threshold"):
            await browser.send("Emulation.setTouchEmulationEnabled", enabled=touch)
            spot = await browser.value(f"""(() => {{
                const svg = document.querySelector('#figure-{figure} svg');
                svg.scrollIntoView({{block: 'center', behavior: 'instant'}});
                const [left, top, right, bottom, x0, x1, y0, y1] = svg.dataset.plane.split(' ').map(Number);
                const part = {0.62 if touch else 0.37};
                const at = new DOMPoint(left + part * (right - left), bottom + 0.4 * (top - bottom)).matrixTransform(svg.getScreenCTM());
                return {{x: at.x, y: at.y, threshold: x0 + part * (x1 - x0), gap: y0 + 0.4 * (y1 - y0)}};
            }})()""")
            await act(spot["x"], spot["y"])
            column = place(thresholds, spot["threshold"])
            line = place(gaps, spot["gap"] if figure == "threshold-gap" else chosen["gap"])
            await holds(figure, column, line, f"{figure} after a {'touch' if touch else 'click'}")
    # A slider.
    await browser.value("document.querySelector('#figure-threshold input').focus()")
    before = place(thresholds, float((await browser.value(f"({READ})('threshold')"))["threshold"]))
    await browser.key("ArrowRight", 3)
    await holds("threshold", before + 3, place(gaps, chosen["gap"]), "after the slider")
    outline = await browser.value("getComputedStyle(document.querySelector('#figure-threshold input')).outlineStyle")
    complaints.hold(outline != "none", "the focus cannot be seen")


async def tables(browser, complaints):
    column = """(name) => { const table = document.querySelector('#mistakes-table table');
        const k = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent.startsWith(name));
        return [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[k].textContent.trim()); }"""
    press = "(name) => [...document.querySelectorAll('#mistakes-table th button')].find((b) => b.textContent.startsWith(name)).click()"
    for name, kind in (("score", float), ("label", str)):
        for reverse in (False, True):
            await browser.value(f"({press})('{name}')")
            values = [kind(v) for v in await browser.value(f"({column})('{name}')")]
            order = sorted(values, reverse=reverse) if kind is float else values if (values[0] <= values[-1]) != reverse else None
            complaints.hold(len(values) > 5 and values == order, f"mistakes by {name}, reverse {reverse}: {values[:5]} … {values[-1]}")
            said = await browser.value("document.querySelector('#mistakes-table th[aria-sort]').getAttribute('aria-sort')")
            complaints.hold(said == ("descending" if reverse else "ascending"), f"aria-sort is {said}")
    labels = await browser.value(f"({column})('label')")
    one = labels[0]
    await browser.value(f"""(() => {{ const select = document.querySelector('#mistakes-table select');
        select.value = {json.dumps(one)}; select.dispatchEvent(new Event('input', {{bubbles: true}})); }})()""")
    left = await browser.value(f"({column})('label')")
    complaints.hold(left == [l for l in labels if l == one] and 0 < len(left) < len(labels), f"picked {one}: {left}")
    await browser.value("""(() => { const search = document.querySelector('#mistakes-table input');
        search.value = 'no such prompt anywhere'; search.dispatchEvent(new Event('input', {bubbles: true})); })()""")
    complaints.hold(await browser.value(f"({column})('label')") == [], "a search for nothing finds something")
    said = await browser.value("document.querySelector('#mistakes-table [role=status]').textContent")
    complaints.hold(said.startswith(f"0 of {len(labels)}"), f"the status says {said}")


async def check(folder, shots, own):
    complaints = Complaints()
    page = folder / "report.html"
    size = page.stat().st_size
    complaints.hold(size < 3_000_000, f"{size} bytes")
    asked = (HERE / "page.js").read_text()
    async with devtools.Browser() as browser:
        for theme in THEMES:
            for width in WIDTHS:
                where = f"{width} px, {theme}"
                await browser.open(page, width, theme=theme)
                await browser.value(f"{asked}; 0")
                for test in ("overflow", "contrast", "structure"):
                    found = await browser.value(f"routecalTest.{test}()")
                    complaints.extend(f"{where}: {test}: {one}" for one in found[:10])
                if shots:
                    await browser.shot(shots / f"{theme}-{width}.png")
                    await browser.shot(shots / f"{theme}-{width}-whole.png", whole=True)
        await browser.open(page, 1400)
        await marker(browser, folder, complaints)
        await tables(browser, complaints)
        complaints.hold(await browser.value("window.hacked === undefined"), "a prompt acted")
        if own:
            text = await browser.value("document.querySelector('#mistakes-table').textContent + document.querySelector('#flips').textContent")
            complaints.hold("<script>window.hacked" in text or "</script><img" in text, "the hostile prompts are not shown")
        # On paper, and without a script.
        await browser.open(page, 794, theme="dark", media="print")
        await browser.value(f"{asked}; 0")
        complaints.extend(f"print: {one}" for one in (await browser.value("routecalTest.contrast()"))[:10])
        paper = await browser.value("getComputedStyle(document.body).backgroundColor")
        complaints.hold(paper == "rgb(255, 255, 255)", f"print: the paper is {paper}")
        shown = await browser.value("""[...document.querySelectorAll('table[data-sorts]')].map((table) => {
            const rows = [...table.tBodies[0].rows];
            const note = table.closest('.block').querySelector('.on-paper');
            return [rows.length, rows.filter((row) => row.offsetHeight > 0).length, note && note.offsetHeight > 0];
        })""")
        for rows, seen, note in shown:
            complaints.hold(seen == min(rows, 40) and bool(note) == (rows > 40), f"print: {seen} of {rows} rows, note {note}")
        complaints.hold(any(rows > 40 for rows, *_ in shown), "print: no long table was looked at")
        await browser.send("Emulation.setScriptExecutionDisabled", value=True)
        await browser.open(page, 1400)
        await browser.send("Emulation.setScriptExecutionDisabled", value=False)
        read = await browser.value("[document.body.innerText.length, document.querySelector('.marker').hidden, document.querySelectorAll('svg').length]")
        complaints.hold(read[0] > 3000 and read[1] and read[2] > 5, f"without a script: {read}")
        complaints.extend(f"console: {one}" for one in browser.complaints)
        fetched = {url for url in browser.requests if url != page.resolve().as_uri()}
        complaints.hold(not fetched, f"fetched: {fetched}")
    for one in complaints:
        print(one)
    print(f"{page}: {size} bytes, {len(complaints)} complaints")
    return bool(complaints)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--folder", type=pathlib.Path, help="results to look at instead")
    parser.add_argument("--shots", type=pathlib.Path, help="folder for screenshots")
    arguments = parser.parse_args()
    if not devtools.found():
        print("no Chromium on PATH", file=sys.stderr)
        sys.exit(3)
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        folder = arguments.folder or results(arguments.program.resolve(), pathlib.Path(work))
        sys.exit(asyncio.run(check(folder, arguments.shots, arguments.folder is None)))


if __name__ == "__main__":
    main()

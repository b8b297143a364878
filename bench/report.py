#!/usr/bin/python3
"""Reads the JSON files of parley-bench: writes one HTML page with plots, or compares two runs.

    bench/report.py [-o PAGE] FILE...         one page of all runs (default: report.html)
    bench/report.py --compare OLDER NEWER     a table of ratios on standard output

The page needs python3-matplotlib for its plots. Without it the page has the tables alone and says so.
"""

import argparse
import base64
import html
import io
import json
import pathlib
import statistics
import sys

try:
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    # Names come from the file: a $ in one starts no formula. The reader's own fonts draw the text.
    matplotlib.rcParams.update({"text.parse_math": False, "svg.fonttype": "none"})
except ImportError:
    pyplot = None

SCHEMA = "parley-bench/2"
NUMBER = (int, float)
DOCUMENT = {"schema": str, "machine": dict, "versions": dict, "settings": dict, "criteria": list, "measurements": list}
CRITERION = {"criterion": str, "unit": str, "at_most": bool, "target": NUMBER, "measured": (*NUMBER, type(None))}
MEASUREMENT = {"benchmark": str, "system": str, "parameters": dict, "metric": str, "unit": str, "better": str, "values": list,
               "min": NUMBER, "median": NUMBER, "max": NUMBER, "cpu_seconds": dict}

STYLE = """
:root { --ink: #1d2429; --paper: #fff; --faint: #55626b; --rule: #dfe4e8; --good: #20701f; --bad: #a3301c; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8eb; --paper: #171b1e; --faint: #9aa7b0; --rule: #353d43;
  --good: #7ac06f; --bad: #ee8a72 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1000px; margin: 2em auto; padding: 0 1em }
h2 { margin-top: 2em; border-bottom: 1px solid var(--rule) } h3 { margin-bottom: .2em } img { max-width: 100%; background: #fff }
.faint, summary { color: var(--faint) } .wide { overflow-x: auto }
table { border-collapse: collapse; font-size: 13px } th, td { padding: .2em .7em; border-bottom: 1px solid var(--rule); text-align: left }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.yes { color: var(--good) } .no { color: var(--bad) }
"""


class Unreadable(Exception):
    """A file that is no result of this version's parley-bench."""


def check(value, shape, where):
    if not isinstance(value, dict):
        raise Unreadable(f"{where} is not an object")
    for key in sorted(shape.keys() ^ value.keys()):
        raise Unreadable(f"{where} has {'no' if key in shape else 'an unknown'} {key!r}")
    for key, kind in shape.items():
        if not isinstance(value[key], kind) or isinstance(value[key], bool) and kind is not bool:
            raise Unreadable(f"{where} has a {key!r} of the wrong type")


def not_finite(text):
    raise ValueError(f"{text} is not a number")


def read_run(path):
    try:
        run = json.loads(pathlib.Path(path).read_text(encoding="utf-8"), parse_constant=not_finite)
    except (OSError, ValueError) as why:
        raise Unreadable(f"{path}: {why}") from why
    if not isinstance(run, dict) or run.get("schema") != SCHEMA:
        raise Unreadable(f"{path}: the schema is not {SCHEMA}")
    check(run, DOCUMENT, f"{path}: the document")
    for i, one in enumerate(run["criteria"]):
        check(one, CRITERION, f"{path}: criterion {i}")
    for i, one in enumerate(run["measurements"]):
        where = f"{path}: measurement {i}"
        check(one, MEASUREMENT, where)
        lists = [one["values"], *one["cpu_seconds"].values()]
        if not one["values"] or not all(isinstance(v, NUMBER) for values in lists for v in values):
            raise Unreadable(f"{where} has values that are not numbers")
        if one["better"] not in ("less", "more"):
            raise Unreadable(f"{where} has an unknown 'better'")
    return run


def words(parameters):
    return " ".join(f"{key}={value:g}" if isinstance(value, NUMBER) else f"{key}={value}"
                    for key, value in parameters.items())


def short(value):
    """Three significant digits, with k, M or G from a thousand on."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def comparable(one, other):
    return all(one[key] == other[key] for key in ("benchmark", "parameters", "metric", "unit", "better"))


def times_better(one, other):
    a, b = one["median"], other["median"]
    if a <= 0 or b <= 0:
        return 0
    return a / b if one["better"] == "more" else b / a


def compare(older, newer):
    rows = [("benchmark", "parameters", "metric", "system", "newer", "older", "unit", "times better")]
    for new in newer["measurements"]:
        rows += [(new["benchmark"], words(new["parameters"]), new["metric"], new["system"], short(new["median"]),
                  short(old["median"]), new["unit"], f"{times_better(new, old):.2f}")
                 for old in older["measurements"] if new["system"] == old["system"] and comparable(new, old)]
    if len(rows) == 1:
        raise Unreadable("the two runs have nothing in common")
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def table(head, rows, numbers=()):
    """An HTML table. A cell is text, or a pair of text and class."""
    def line(tag, cells):
        out = []
        for name, cell in zip(head, cells):
            text, style = cell if isinstance(cell, tuple) else (cell, "")
            style = f"number {style}" if name in numbers else style
            out.append(f'<{tag} class="{style}">{html.escape(str(text))}</{tag}>')
        return f"<tr>{''.join(out)}</tr>\n"
    return f'<div class="wide"><table>\n{line("th", head)}{"".join(line("td", row) for row in rows)}</table></div>\n'


def criteria_table(criteria):
    rows = []
    for one in criteria:
        unit = "" if one["unit"] == "ratio" else f" {one['unit']}"
        target = f"{'<=' if one['at_most'] else '>='} {one['target']:g}{unit}"
        value = one["measured"]
        if value is None:
            rows.append((one["criterion"], ("not measured", "faint"), target, "-"))
        else:
            met = "yes" if (value <= one["target"] if one["at_most"] else value >= one["target"]) else "no"
            rows.append((one["criterion"], f"{value:.2f}" if not unit else short(value) + unit, target, (met, met)))
    return table(("criterion", "measured", "target", "met"), rows, ("measured", "target"))


def ratio_table(measurements):
    rows = []
    for one in measurements:
        for other in measurements:
            if one["system"].startswith("parley") and one["system"] != other["system"] and comparable(one, other):
                ratio = times_better(one, other)
                rows.append((one["benchmark"], words(one["parameters"]), one["metric"], one["system"], other["system"],
                             short(one["median"]), short(other["median"]), one["unit"],
                             (f"{ratio:.2f}", "yes" if ratio >= 1 else "no")))
    return table(("benchmark", "parameters", "metric", "of", "beside", "median", "beside it", "unit", "times better"), rows,
                 ("median", "beside it", "times better"))


def value_table(measurements):
    rows = []
    for one in measurements:
        cpu = ", ".join(f"{role} {statistics.median(values):.3f}" for role, values in one["cpu_seconds"].items() if values)
        rows.append((one["benchmark"], one["system"], words(one["parameters"]), one["metric"], short(one["median"]),
                     short(one["min"]), short(one["max"]), len(one["values"]), one["unit"], cpu))
    return table(("benchmark", "system", "parameters", "metric", "median", "min", "max", "runs", "unit", "CPU seconds a run"),
                 rows, ("median", "min", "max", "runs"))


def picture(figure, text):
    out = io.BytesIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    data = base64.b64encode(out.getvalue()).decode()
    return f'<img alt="{html.escape(text)}" src="data:image/svg+xml;base64,{data}">\n'


def curves(panel, axis):
    """Lines over the number of waiting peers."""
    figure, axes = pyplot.subplots(figsize=(8, 3.5))
    lines = {}
    for one in panel:
        others = {key: value for key, value in one["parameters"].items() if key != "waiting"}
        lines.setdefault(f"{one['system']} ({words(others)})", []).append((one["parameters"]["waiting"], one["median"]))
    for label, points in lines.items():
        axes.plot(*zip(*sorted(points)), marker="o", label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("waiting peers (logarithmic)")
    axes.set_ylabel(axis, fontsize="small")
    axes.legend(fontsize="small")
    return figure


def bars(panel, axis):
    """A bar for each system, in groups of equal parameters, with a line from the least to the most."""
    groups = {}
    for one in panel:
        groups.setdefault(words(one["parameters"]), []).append(one)
    labels, at = [], 0
    figure, axes = pyplot.subplots(figsize=(8, 0.5 + 0.25 * (len(panel) + 1.5 * len(groups))))
    for heading, group in groups.items():
        labels.append((at, heading))
        for one in group:
            at += 1
            colour = "#0b6e99" if one["system"].startswith("parley") else "#a9b4bd"
            spread = [[max(0, one["median"] - one["min"])], [max(0, one["max"] - one["median"])]]
            axes.barh(at, one["median"], xerr=spread, color=colour, ecolor="#1d2429")
            axes.annotate(f" {short(one['median'])}", (one["max"], at), va="center", fontsize="small")
            labels.append((at, one["system"]))
        at += 1.5
    axes.set_yticks([y for y, _ in labels], [text for _, text in labels], fontsize="small")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(at - 0.5, -0.8)
    axes.margins(x=0.12)
    axes.set_xlabel(axis)
    return figure


def plots(measurements):
    panels, out, benchmark = {}, [], None
    for one in measurements:
        panels.setdefault((one["benchmark"], one["metric"], one["unit"], one["better"]), []).append(one)
    for (name, metric, unit, better), panel in panels.items():
        if name != benchmark:
            out.append(f"<h2>{html.escape(name)}</h2>\n")
            benchmark = name
        axis = f"{metric} [{unit}], {better} is better"
        systems = ", ".join(sorted({one["system"] for one in panel}))
        out.append(f'<h3>{html.escape(axis)}</h3>\n<p class="faint">compared: {html.escape(systems)}; '
                   f'{len(panel[0]["values"])} runs, medians</p>\n')
        sizes = {one["parameters"].get("waiting") for one in panel}
        many = len(sizes) > 1 and all(isinstance(size, NUMBER) and size > 0 for size in sizes)
        out.append(picture((curves if many else bars)(panel, axis), axis))
    return "".join(out)


def page(runs):
    out = [f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
           f"<title>parley-bench</title><style>{STYLE}</style></head><body>\n"]
    for name, run in runs:
        machine = {key: str(value) for key, value in run["machine"].items()}
        out.append(f"<h1>{html.escape(name)}</h1>\n<p>Measured on " + html.escape(
            f"{machine.get('cpu')} with {machine.get('cores')} cores, {machine.get('kernel')}, TCP congestion control "
            f"{machine.get('congestion_control')}, load average {machine.get('load_average')}") +
            ". All of it ran in one go; the programs took turns.</p>\n")
        out += ['<h2>Criteria</h2>\n<p class="faint">What is claimed, and whether this run shows it; ratios of medians.</p>\n',
                criteria_table(run["criteria"]),
                "<h2>Ratios</h2>\n<details><summary>How many times better; above 1 the first one wins.</summary>\n",
                ratio_table(run["measurements"]), "</details>\n"]
        if pyplot:
            out.append(plots(run["measurements"]))
        else:
            out.append("<p>There are no plots: python3-matplotlib was not installed.</p>\n")
        out += ["<h2>All values</h2>\n<details><summary>Medians, least and most, and the CPU time of each process."
                "</summary>\n", value_table(run["measurements"]), "</details>\n<h2>Circumstances</h2>\n"]
        for title in ("machine", "versions", "settings"):
            out += [f"<h3>{title.capitalize()}</h3>\n", table(("name", "value"), run[title].items())]
    return "".join(out) + "</body></html>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("-o", "--output", default="report.html", metavar="PAGE")
    parser.add_argument("--compare", action="store_true")
    chosen = parser.parse_args()
    if chosen.compare and len(chosen.files) != 2:
        parser.error("--compare takes two files")
    try:
        runs = [(pathlib.Path(path).name, read_run(path)) for path in chosen.files]
        if chosen.compare:
            compare(runs[0][1], runs[1][1])
        else:
            pathlib.Path(chosen.output).write_text(page(runs), encoding="utf-8")
    except (Unreadable, OSError) as why:
        sys.exit(f"report.py: {why}")


if __name__ == "__main__":
    main()

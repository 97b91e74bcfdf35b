"""The page of a report: its sections, its style, and what it forbids a browser."""

from __future__ import annotations

from sklearn_meta.inspection.report import (
    _how_found,
    _how_good,
    _in_short,
    _inside,
    _repeat,
    _speed,
    _watch_out,
    _what_it_looks_at,
    _words,
)
from sklearn_meta.inspection.report._figures import can_draw
from sklearn_meta.inspection.report._html import Markup, join, paragraph, tag
from sklearn_meta.inspection.report._metric import count, seconds, short

# Nothing is loaded, nothing runs: only the page's own style and images within it.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)

# Sections before the glossary, which depends on them.
SECTIONS = (
    _in_short, _watch_out, _how_good, _what_it_looks_at, _how_found, _inside, _speed,
    _repeat,
)  # fmt: skip

TITLES = (
    ("in-short", "In short"),
    ("watch-out", "Watch out"),
    ("how-good", "How good"),
    ("what-it-looks-at", "What it looks at"),
    ("how-it-was-found", "How it was found"),
    ("what-is-inside", "What is inside"),
    ("speed-and-size", "Speed and size"),
    ("repeat-it", "Repeat it"),
    ("words", "Words"),
)

STYLE = """
:root { color-scheme: light dark; --ink: #222; --soft: #666; --line: #ddd;
  --paper: #fff; --accent: #2f6690; --pale: #eef3f7; --warn: #9a4a12; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --soft: #9a9a9a;
  --line: #3a3a3a; --paper: #191919; --accent: #8fb8d6; --pale: #22303b;
  --warn: #e0a06a; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 2rem 1.1rem 4rem; max-width: 60rem; color: var(--ink);
  background: var(--paper); overflow-wrap: break-word;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans",
  sans-serif; }
header { border-bottom: 2px solid var(--ink); margin-bottom: 1rem; }
h1 { font-size: 1.7rem; line-height: 1.25; font-weight: 600; margin: 0 0 .3rem;
  overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; font-weight: 600; margin: 2.6rem 0 .7rem; padding-top: .5rem;
  border-top: 1px solid var(--line); }
header p { color: var(--soft); margin: 0 0 .8rem; }
p, li, dd { max-width: 44rem; }
a { color: var(--accent); }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: .1rem 1.1rem; font-size: .9rem; }
section > ul { padding-left: 1.2rem; }
section > ul > li { margin: .45rem 0; }
ul.watch { list-style: none; padding: 0; }
ul.watch > li { border-left: 3px solid var(--line); padding: .1rem 0 .1rem .8rem;
  margin: .7rem 0; }
ul.watch > li.serious { border-color: var(--warn); }
ul.watch > li.serious strong { color: var(--warn); }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; line-height: 1.4; }
caption { text-align: left; color: var(--soft); padding-bottom: .35rem; }
th, td { text-align: left; vertical-align: top; padding: .32rem .9rem .32rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; vertical-align: bottom; }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; }
td.n { white-space: nowrap; }
td { max-width: 26rem; min-width: 5.5rem; }
td.n { min-width: 0; }
td .name { overflow-wrap: anywhere; }
tr > :last-child { padding-right: 0; }
td code { font-size: .82rem; display: block; min-width: 16rem; }
.bar { display: inline-block; width: 4rem; height: .55rem; margin-right: .6rem;
  background: var(--pale); vertical-align: baseline; }
.bar + span { display: inline-block; min-width: 3.1rem; }
.bar > span { display: block; height: 100%; background: var(--accent); opacity: .7; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
figure { margin: .6rem 0; max-width: 100%; }
.figures figure { flex: 0 1 18.4rem; }
.figures figure.large { flex-basis: 34rem; }
figure img { max-width: 100%; height: auto; background: #fff; display: block; }
figcaption { color: var(--soft); font-size: .85rem; line-height: 1.4; margin-top: .3rem;
  max-width: 36rem; }
details { margin: 1rem 0; }
summary { cursor: pointer; color: var(--accent); }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: .85rem; }
pre { overflow-x: auto; background: var(--pale); padding: .8rem 1rem; line-height: 1.45;
  }
#words dl { columns: 21rem 2; column-gap: 2.5rem; margin: 0; }
#words dd, #words dt { break-inside: avoid; max-width: none; font-size: .92rem; }
dt { font-weight: 600; margin-top: .7rem; }
dd { margin: .1rem 0 0; }
@media (max-width: 34rem) { body { padding-top: 1rem; } .bar { width: 2.2rem; }
  table { font-size: .82rem; } }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  h2 { break-after: avoid; } figure, tr { break-inside: avoid; }
  .wide { overflow: visible; } pre { white-space: pre-wrap; } }
"""


def render(facts) -> str:
    """Return the whole page.

    Parameters
    ----------
    facts : Facts

    Returns
    -------
    page : str
        HTML without a reference to any file or address, and without scripts.
    """
    sections = [module.render(facts) for module in SECTIONS]
    body = join(sections, "\n")
    record = facts.record
    below = (
        f"{facts.name} · {count(record.n_rows, 'row')}, "
        f"{count(record.n_columns, 'column')} · fit took "
        f"{seconds(facts.search.seconds)} · {facts.repeat.when}"
    )
    title = short(facts.title, 80)
    links = tag("ul", *(tag("li", tag("a", t, href=f"#{i}")) for i, t in TITLES))
    without = "" if can_draw() else paragraph(
        "This report is without figures, because matplotlib is not installed. "
        'Install it with pip install "sklearn-meta[plot]".'
    )  # fmt: skip
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )
    top = tag("header", tag("h1", title), paragraph(below), tag("nav", links))
    main = tag("main", without, body, "\n", _words.render(facts, body))
    return f'<!DOCTYPE html>\n<html lang="en">{head}<body>{top}{main}</body></html>\n'

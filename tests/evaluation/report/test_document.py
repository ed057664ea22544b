"""The report says what the table says, needs nothing but itself, and takes every name for text."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.errors import InputError
from explorer.evaluation.claims import Claim, claims
from explorer.evaluation.report import document, fragments
from explorer.evaluation.report.document import Card, extremes, sections, write
from explorer.evaluation.schema import SCHEMA
from explorer.evaluation.statistics import paired
from explorer.evaluation.table import Table
from explorer.formatting import with_interval
from support import evaluated

SETTINGS = {
    "model": "VGG-19",
    "layers": list(evaluated.LAYERS),
    "methods": list(evaluated.METHODS),
    "epsilon": 1e-8,
    "steps": 50,
    "score": "probability",
    "versions": {"keras": "3.15.1"},
}
COUNTS = {"given": 130, "evaluated": 120, "failed": 3, "dropped": {"more than one box": 7, "wrong class": 0}}
EVIL = "</pre></script><script>thrown()</script><img src=http://elsewhere.example/x onerror=alert(1)>\"'&.png"
PNG = b"\x89PNG\r\n\x1a\n"


class Page(HTMLParser):
    """The texts of a page by the element they are in, its tags, and every address it names."""

    VOID = ("meta", "br", "img")

    def __init__(self, html):
        super().__init__()
        self.open, self.texts, self.tags, self.addresses, self.badges, self.headings = [], [], [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        named = dict(attributes)
        self.addresses += [named[key] for key in ("src", "href") if key in named]
        self.badges += [named["data-verdict"]] if "data-verdict" in named else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes what was opened last, {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    pq.write_table(pa.Table.from_pylist(evaluated.plausible(), SCHEMA), folder / "results.parquet")
    return folder / "results.parquet"


@pytest.fixture(scope="module")
def written(parquet):
    """The report's text, of everything there can be in one."""
    card = Card(EVIL, EVIL, "/?picture=3&layer=block5_pool", [(EVIL, PNG, EVIL)], "best")
    lone = Card("no address", "", None, [], "worst")
    errors = [(i, f"broken_{i}.png", EVIL) for i in range(210)]
    path = write(parquet.parent, Table.read(parquet), SETTINGS | {"note": EVIL}, errors, [card, lone], COUNTS)
    return path.read_text(encoding="utf-8")


def rows(parquet, layer, method):
    """Straight from the file: {index: row}."""
    everything = pq.read_table(parquet).to_pylist()
    return {row["index"]: row for row in everything if (row["layer"], row["method"]) == (layer, method)}


def cells(html, layer, measure):
    """The texts of one line of a table of numbers."""
    part = html.split(f"<h4>{layer} ")[1].split("</table>")[0]
    (line,) = re.findall(rf"<tr><th>{re.escape(measure)}<small>.*?</tr>", part)
    return re.findall(r"<b>(.*?)</b>.*?<small>(.*?)</small>", line)


def test_the_summary_is_the_parquet_s(parquet):
    html = sections(Table.read(parquet), SETTINGS, COUNTS).summary
    for layer in evaluated.LAYERS:
        found = cells(html, layer, "average drop"), cells(html, layer, "pixel energy")
        for place, method in enumerate(evaluated.METHODS):
            here = rows(parquet, layer, method).values()
            for key, line in zip(("drop", "energy"), found, strict=True):
                values = [row[key] for row in here if row[key] is not None]
                mean, low, high = (float(x.replace("−", "-")) for x in re.findall(r"[−\d.]+", " ".join(line[place])))
                assert mean == pytest.approx(100 * np.mean(values), abs=0.5), f"the mean {key}, in per cent"
                theory = 196 * np.std(values, ddof=1) / np.sqrt(len(values))
                assert (high - low) / 2 == pytest.approx(theory, rel=0.25), "and an interval as wide as theory has it"


def test_the_pairs_are_the_parquet_s(parquet):
    html = sections(Table.read(parquet), SETTINGS, COUNTS).pairs
    ours, theirs = (rows(parquet, "block5_pool", method) for method in ("rsi_grad_cam", "grad_cam"))
    found = paired(*([one[i]["dark"] for i in sorted(one)] for one in (ours, theirs)))
    mean, ends = (words.replace(" %", " points") for words in with_interval(*found, share=True))
    assert cells(html, "block5_pool", "dark heatmaps")[0] == (mean, ends), "RSI-Grad-CAM less Grad-CAM"
    line = re.search(r"<tr><th>dark heatmaps.*?</tr>", html)[0]
    assert 'class="good"' in line and " better" in line, "fewer dark heatmaps are better, in colour and in words"
    assert "completeness gap" not in html, "nothing to compare"


def test_what_differs_for_the_worse_is_said():
    theirs = [evaluated.row(i, method="grad_cam", drop=0.1 + i / 1000, increase=False) for i in range(20)]
    ours = [evaluated.row(i, drop=0.4 + i / 500, increase=True) for i in range(20)]
    table = Table.of_rows(theirs + ours)
    html = sections(table, SETTINGS, COUNTS).pairs
    assert 'class="bad"' in re.search(r"<tr><th>average drop.*?</tr>", html)[0], "a higher drop is worse"
    assert 'class="good"' in re.search(r"<tr><th>increase in.*?</tr>", html)[0], "a higher increase is better"
    assert 'class=""' in re.search(r"<tr><th>raw mean.*?</tr>", html)[0], "a raw mean is neither"


def test_the_claims_are_shown_with_their_verdicts(parquet, written):
    expected = claims(Table.read(parquet), SETTINGS)
    assert Page(written).badges == [claim.verdict for claim in expected], "a badge a claim, in the same order"
    shown = "".join(Page(written).texts).replace("\N{NO-BREAK SPACE}", " ")
    for claim in expected:
        assert all(words in shown for words in (claim.text, claim.measured, claim.where)), f"told whole: {claim.text}"


def test_sections_come_in_order_and_whole(written):
    page = Page(written)
    assert page.headings == [
        "What was run",
        "The paper's claims",
        "Figures",
        "All measures",
        "Paired differences",
        "Best and worst pictures",
        "Pictures that failed",
        "How to read it",
        "Settings",
    ], "from what was run to its settings"
    assert not page.open, "every element is closed"
    said = " ".join(page.texts)
    assert "130 given; 7 dropped: more than one box; 3 failed;" in said, "what became of the pictures"
    assert "wrong class" not in said, "a rule that dropped none is not named"
    assert "broken_199.png" in said and "broken_200.png" not in said and "10 more" in said, "the first 200 errors"
    assert '"keras": "3.15.1"' in said, "settings and versions as JSON"
    assert said.count("Look ") >= 5, "each figure says what to look for"


def test_the_report_needs_nothing_else(written):
    addresses = Page(written).addresses
    assert addresses, "there are pictures and a link"
    assert all(address.startswith(("data:image/png;base64,", "/?picture=")) for address in addresses), "none elsewhere"
    assert written.count("plotly.js v") == 1, "Plotly's script is inside, once"
    assert "default-src 'none'" in written, "and the browser is told to ask nobody"
    assert "prefers-color-scheme: dark" in written, "it follows the reader's light or dark"


def test_names_are_text(written):
    page = Page(written)
    assert "thrown()" in "".join(page.texts), "a hostile name is shown as it is"
    assert page.tags.count("img") == 1, "and makes no picture"
    assert not re.search(r"<script>thrown|<img src=http", written), "nor a script"


def test_a_hostile_layer_breaks_nothing(tmp_path):
    table = Table.of_rows([evaluated.row(i, layer=EVIL, energy=0.5) for i in range(12)])
    path = write(tmp_path, table, SETTINGS | {"model": EVIL, "layers": [EVIL]}, [], [], COUNTS | {"dropped": {EVIL: 2}})
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.open and page.tags.count("img") == 0, "names of layers are text too, in tables and in figures"
    assert "Pictures that failed" not in page.headings, "nothing failed, nothing to say"
    assert "Best and worst pictures" not in page.headings, "and no gallery, no heading"


def test_a_link_works_from_a_file(written):
    assert 'href="/?picture=3&amp;layer=block5_pool"' in written, "relative, for the page itself"
    assert "location.protocol === 'file:'" in written and "http://127.0.0.1:7860" in written, "made whole in a file"
    assert "python launch.py --report" in written, "and what to start first is said"


def test_extremes_by_energy_at_the_deepest_layer():
    energy = [0.5, 0.9, None, 0.1, 0.7, 0.3]
    table = Table.of_rows(
        [
            *(evaluated.row(i, energy=value) for i, value in enumerate(energy)),
            *(evaluated.row(i, method="grad_cam", energy=i / 10) for i in range(6)),
            *(evaluated.row(i, layer="block4_pool", energy=1 - i / 10) for i in range(6)),
        ]
    )
    assert extremes(table, 2) == ([1, 4], [3, 5]), "by RSI-Grad-CAM's energy, the best and the worst first"
    assert extremes(table) == ([1, 4, 0, 5], [3]), "no picture is both"


def test_extremes_by_drop_without_boxes():
    table = Table.of_rows([evaluated.row(i, drop=drop) for i, drop in enumerate((0.5, 0.0, 0.9, 0.2))])
    assert extremes(table, 1) == ([1], [2]), "the least drop is the best"
    assert extremes(Table.of_rows([])) == ([], []), "of no picture none"


def test_an_empty_evaluation_has_a_report(tmp_path):
    path = write(tmp_path, Table.of_rows([]), SETTINGS, [(0, "a.png", "damaged")], [], COUNTS | {"evaluated": 0})
    page = Page(path.read_text(encoding="utf-8"))
    assert set(page.badges) == {"not tested"} and "a.png" in page.texts, "it says that nothing was, and why"


def test_few_settings_are_enough(tmp_path):
    least = {key: SETTINGS[key] for key in ("model", "layers", "methods", "epsilon")}
    html = fragments.counts_html(least, {"given": 1, "evaluated": 1, "failed": 0, "dropped": {}})
    assert "steps" not in html and "ε = 1e-8" in html, "what is not known is not said"


def test_badges_are_words_and_colours():
    shown = fragments.claims_html([Claim("a < b", "Section 1", "c > d", 0.0, 1.0, "undecided")])
    assert "a &lt; b" in shown and 'data-verdict="undecided">undecided<' in shown, "escaped; the word in the badge"
    style = (document.ASSETS / "report.css").read_text()
    for verdict in ("supported", "contradicted", "undecided", "not tested"):
        assert f'[data-verdict="{verdict}"]' in style, f"{verdict} has its colour"


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can be written to"):
        write(tmp_path / "file", Table.of_rows([]), SETTINGS, [], [], COUNTS)


def test_figures_are_those_of_the_table(written, parquet):
    found = re.findall(r'id="figure-(\w+)"', written)
    assert found == list(sections(Table.read(parquet), SETTINGS, COUNTS).figures), "each once, in order"
    data = json.loads(re.search(r'"figure-gap",\s*(\[.*?\]),\s*\{"template', written, re.DOTALL)[1])
    assert len(data) == 2, "with the data inside"

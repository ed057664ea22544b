"""What the page of baselines shows and does, without a browser."""

import numpy as np
import pytest
from keras import layers

from explorer.engine.baselines import BASELINES
from explorer.studies import class_neutral
from explorer.ui.actions import guarded
from explorer.ui.pages import baselines
from explorer.ui.widgets import lineup, neutral_lab, spot
from support import networks
from support.visitor import Telling, controls, silent


@pytest.fixture
def places(explorer, session):
    return baselines.show(explorer, session, controls(), False, silent)


@pytest.fixture
def short(monkeypatch):
    """A descent of a few steps."""
    descent = class_neutral.descent
    monkeypatch.setattr(class_neutral, "descent", lambda classifier: descent(classifier, steps=5))


def progress(*count):
    pass


def test_every_baseline_has_its_preview_what_the_network_says_and_the_maps_of_all_methods(places, session):
    line = session.page_data[baselines.KEY]
    assert len(line.results) == len(BASELINES) and places["lineup"].count("<img") == 4 * len(BASELINES)
    for spelling, probabilities in line.probabilities.items():
        assert spelling.split(":")[0] in BASELINES and probabilities.sum() == pytest.approx(1)
        assert line.results[spelling].settings["baseline"] == spelling
    assert np.allclose(line.probabilities["black"], session.at_baseline, atol=1e-6), "as the explanation found it"
    assert f"of {np.log2(networks.CLASSES):.2f} bits" in places["lineup"], "the entropy beside what it can be at most"
    assert not places["lineup_start"]["visible"] and "one colour scale" in places["lineup_cost"]


def test_the_kind_chosen_keeps_its_parameter_and_a_picture_gets_a_column(explorer, session):
    explorer.explain(session, controls(baseline="blurred", sigma=3), False, silent)
    line = lineup.lineup(session.result)
    assert "blurred:3" in line.baselines and "blurred:10" not in line.baselines
    assert list(line.results) == ["blurred:3"], "its own column is there already"
    picture = explorer.cache.explain(session.result.classifier, networks.picture(), baseline=networks.picture(1))
    line = lineup.lineup(picture)
    assert len(line.baselines) == len(BASELINES) + 1 and "an uploaded picture" in lineup.board(line, controls())


def test_where_time_is_up_the_missing_columns_are_told_with_their_cost(explorer, session):
    line = lineup.lineup(session.result)
    lineup.fill(line, explorer, progress, lambda: None, seconds=-1)
    assert len(line.missing) == len(BASELINES) - 1 and "not yet computed" in lineup.board(line, controls())
    points = len(session.result.path.alphas)
    assert f"about {points * len(line.missing)} pictures" in lineup.cost(line, None)
    shown = []
    lineup.fill(line, explorer, progress, lambda: shown.append(len(line.results)))
    assert shown == list(range(2, len(BASELINES) + 1)), "each is shown as it comes"
    lineup.fill(again := lineup.lineup(session.result), explorer, progress, lambda: None)
    assert sum(one.cost.passes for one in list(again.results.values())[1:]) == 0, "a second time they are in memory"


def test_a_pixel_becomes_the_baseline_and_the_page_says_what_it_hides(explorer, session):
    session.result = explorer.cache.explain(session.result.classifier, networks.picture(), steps=6)
    html = spot.look(explorer, session.result, 5, 2, progress, controls())
    colour = "#" + bytes(networks.picture()[2, 5]).hex()
    assert f"<strong>{colour}</strong>" in html and html.count("<img") == 5, "two maps twice, and the pixels marked"
    assert "0 %" in html, "Integrated Gradients are blank there"
    there = guarded(lambda: {"spot": spot.look(explorer, session.result, 10**6, -5, progress, controls())})
    assert "spot" in there, "a click outside is taken for the edge"


def test_the_class_neutral_baseline_is_optimised_shown_and_joins_the_others(explorer, session, places, short):
    assert "pictures through the network" in places["neutral_cost"], "what it takes is said beforehand"
    seen = []

    class Watching(Telling):
        def show(self, make):
            seen.append(make())

    found = baselines._optimise(explorer, session, controls(), False, Watching(lambda *count: None))
    curves = [one["neutral_curve"]["value"] for one in seen if "neutral_curve" in one]
    assert [len(curve.data[0].y) for curve in curves[:6]] == [1, 2, 3, 4, 5, 6], "the curve grows step by step"
    assert "cosine similarity" in found["neutral_maps"] and found["neutral_maps"].count("<img") == 4
    assert "times</strong> as strong" in found["neutral_picture"], "how much the difference is amplified"
    assert "class-neutral" in found["lineup"] and found["lineup"].count("<img") == 4 * (len(BASELINES) + 1)
    after = baselines.show(explorer, session, controls(), False, silent)
    assert "Kept for this network" in after["neutral_cost"] and after["neutral_curve"]["visible"], "it is kept"


def test_stopping_it_keeps_nothing(explorer, session, places, net):
    def stop(stage, done, total):
        session.job.stopped = done > 1

    found = guarded(lambda: baselines._optimise(explorer, session, controls(), False, Telling(stop)))
    assert "Stopped" in found["status"] and class_neutral.cached(net) is None


def test_a_network_of_sigmoids_is_told_why_it_has_none():
    model, _ = networks.ending(layers.Activation("sigmoid"))
    assert "sigmoid of its own" in neutral_lab.reason(networks.classifier(model))

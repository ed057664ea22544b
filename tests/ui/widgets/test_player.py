"""What the Path page is given: every stop of the path, in one piece, and the words about it."""

import base64
import copy
import html
import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.engine.result_cache import ResultCache
from explorer.engine.run import explain
from explorer.render.charts.histograms import flat_zone
from explorer.studies.playback import playback
from explorer.ui.actions import Silent
from explorer.ui.pages import path
from explorer.ui.state import Session
from explorer.ui.widgets import player
from support import networks as nets

LOOK = SimpleNamespace(colormap="inferno", opacity=0.6, epsilon=1e-8)


@pytest.fixture(scope="module")
def result():
    """A saturated network: the score is flat from the middle of the path on."""
    net, layer, _ = nets.make("functional", "relu", gain=30.0)
    return explain(net, nets.picture(3), layer, steps=32)


@pytest.fixture
def explorer():
    return SimpleNamespace(cache=ResultCache(), pace=lambda classifier: 0.01)


def data_of(page):
    return json.loads(html.unescape(re.search(r'class="path-data" hidden>(.*?)</div>', page, re.S).group(1)))


def test_the_page_holds_every_stop_and_the_last_is_the_final_map(result):
    played = playback(result)
    data = data_of(player.player(result, played, None, LOOK))
    assert len(data["alphas"]) == len(data["heads"]) == len(data["words"]) == len(data["tops"]) == 33
    assert [one["key"] for one in data["maps"]] == list(result.cams)
    for one in data["maps"]:
        values = np.frombuffer(base64.b64decode(one["values"]), np.uint8).reshape(33, one["h"], one["w"])
        cam = result.cams[one["key"]]
        assert len(one["notes"]) == 33, "with its largest value at each"
        if one["key"] == "grad_cam":
            assert values.max() == 255 and not values[-1].any(), "bright where the score rises, dark at the picture"
        else:
            expected = 255 * (cam - cam.min()) / (np.ptp(cam) + 1e-8)
            np.testing.assert_allclose(values[-1], expected, atol=0.51, err_msg="equation (26) of the final map")
            assert not values[0].any(), "and nothing at the baseline"
    assert len(base64.b64decode(data["table"])) == 768, "256 colours"


def test_the_classes_of_a_stop_are_told_with_the_one_explained_among_them(result):
    data = data_of(player.player(result, playback(result), None, LOOK))
    for top in data["tops"]:
        assert [explained for *_, explained in top].count(True) == 1, "it stands out, in the first five or below them"
        assert 5 <= len(top) <= 6 and all(0 <= share <= 1 for _, share, _, _ in top)


def test_the_story_tells_of_the_flat_zone_in_the_path_s_own_numbers(result):
    played = playback(result)
    flat = flat_zone(result.path.alphas, result.path.scores)
    words = "".join(player.story(result, played, flat))
    assert f"α = {played.alphas[played.steepest]:.2g}" in words and f"α = {flat:.2g} on the score is flat" in words
    assert "times smaller" in words and "fades" in words
    growing = "".join(player.story(result, replace(played, gradients=np.linspace(0.8, 1, 33)), flat))
    assert "largest at the picture itself" in growing and "%" not in growing
    steady = replace(played, gradients=np.linspace(1, 0.8, 33))
    assert "no flat zone" in player.story(result, steady, None)[0], "and where there is none it says so"
    assert player.story(result, replace(played, gradients=np.eye(33)[5]), flat)[1] == "exactly zero"
    assert "No gradient" in player.story(result, replace(played, gradients=np.zeros(33)), flat)[0]


def test_names_of_classes_cannot_write_the_page(result):
    nasty = copy.copy(result.classifier)
    nasty.class_names = ["<b onclick=x>&</div>"] * nets.CLASSES
    page = player.player(result.of(nasty), playback(result), None, LOOK)
    assert "<b onclick" not in page
    assert data_of(page)["tops"][0][0][0] == nasty.class_names[0], "the script puts it as text"


def test_as_many_stops_as_the_page_can_take(result):
    assert player.max_stops(result, 129) == 129, "small maps go whole"
    large = replace(result, layer=replace(result.layer, shape=(224, 224, 8)))
    assert player.max_stops(large, 129) == player.MIN_STOPS, "large ones at fewer stops"


def test_it_says_where_a_path_was_not_kept(result, explorer):
    session = Session(result=replace(result, path=result.path.released()))
    places = path.show(explorer, session, LOOK, False, Silent())
    assert "kept" in places["path_player"] and "path-slider" not in places["path_player"]
    assert len(places["path_rise"].data) == 1, "the score along it is still shown"


def test_measuring_fills_the_charts_and_says_what_it_costs_beforehand(result, explorer):
    session = Session(result=result)
    places = path.show(explorer, session, LOOK, False, Silent())
    assert "up to 385 points, about 4 s" in places["converge_cost"]
    found = path.converge(result, explorer.cache.explain)
    places = path._converged(found, False)
    shown = [places[f"converge_{n}"]["visible"] for n in range(path.MAPS + 1)]
    assert shown == [True, True, True, False], "two maps and the gap"
    assert "RSI-Grad-CAM" in places["converge_words"] and "1/m<sup>" in places["converge_words"]
    passes = []
    explorer.cache._explain = lambda *given, **asks: passes.append(asks)
    path.converge(result, explorer.cache.explain)
    assert not passes, "the sweep is remembered"

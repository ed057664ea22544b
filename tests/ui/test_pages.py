"""What the pages beside Explore show of a result, without a browser."""

import numpy as np
import pytest

from explorer.attribution.heatmaps import difference
from explorer.errors import InputError
from explorer.render.overlays import diverging, diverging_bar
from explorer.ui.actions import guarded
from explorer.ui.pages import OTHERS, class_contest, grad_cam_plus_plus, layers, scores
from explorer.ui.widgets import painter
from support import networks
from support.visitor import Telling, controls, silent


def shown(page, explorer, session, **changes):
    return page.show(explorer, session, controls(**changes), False, silent)


def test_every_page_says_what_it_is_and_has_an_address_of_its_own():
    for key, page in OTHERS.items():
        assert key == page.KEY and key.isalpha() and key != "explore", "one word in the address"
        assert page.LABEL and page.ABOUT.endswith("."), "a label, and what it shows"


def test_layers_are_methods_against_block_ends(explorer, session, net):
    places = shown(layers, explorer, session)
    names = [layer.name for layer in net.block_ends]
    for name in names:
        assert places["film"].count(f'data-choice="{name}"') == 3, f"three methods at {name}"
    assert "masked pictures" in places["sise_cost"], "what SISE takes is said beforehand"


def test_sise_step_by_step(explorer, session):
    found = layers._steps(explorer, session, controls(), silent)
    maps = explorer.cache.explain(
        session.result.classifier,
        session.result.image,
        **(session.result.asks | {"methods": ("sise",), "layer": session.result.layer.name}),
    ).layer_maps["sise"]
    usable = [layer.name for layer, one in maps if one is not None]
    assert usable and all(f"{name}<small>" in found for name in usable), "one column a layer"
    assert found.count("<img") == 3 * len(usable) - 1, "own map, what Otsu keeps, fused; the first is kept whole"


@pytest.mark.parametrize("page", OTHERS.values(), ids=list(OTHERS))
def test_a_page_can_be_stopped(page, explorer, session):
    def stop(*count):
        session.job.stopped = True

    places = guarded(lambda: page.show(explorer, session, controls(), False, Telling(stop)))
    if "status" in places:
        assert "Stopped" in places["status"], "it says so"
    else:
        assert page.KEY in ("path", "evaluate"), "what is there already is shown"


def test_a_contest_is_between_the_class_and_the_next_most_probable(explorer, session, net):
    places = shown(class_contest, explorer, session)
    order = session.result.probabilities.argsort()[::-1]
    rival = next(int(i) for i in order if i != session.result.class_index)
    assert places["rival"]["value"] == rival
    assert session.result.class_index not in [index for _, index in places["rival"]["choices"]], "not against itself"
    assert net.class_names[rival] in places["contest"] and "the difference" in places["contest"]
    _, other = session.page_data[class_contest.KEY]
    assert other.class_index == rival and other.cost.passes == 0, "only the part behind the layer was run"


def test_a_difference_has_a_sign_and_a_scale():
    one, other = np.array([[4.0, 0], [2, 1]]), np.array([[0, 1.0], [1, 1]])
    np.testing.assert_allclose(difference(one, other), [[1, -0.25], [0.25, 0]])
    np.testing.assert_allclose(difference(one, other, each=True), [[1, -1], [-0.5, -0.75]])
    np.testing.assert_allclose(difference(1e-200 * one, other, each=True), difference(one, other, each=True))
    np.testing.assert_allclose(difference(other, one), -difference(one, other), err_msg="the other way round")
    assert difference(one, other * np.nan) is None and difference(0 * one, 0 * one) is None


def test_a_map_with_a_sign_is_orange_above_violet_below_and_the_picture_where_it_is_zero():
    picture = networks.picture(1)
    values = np.zeros(picture.shape[:2])
    values[0, 0], values[1, 1] = 1, -1
    found = diverging(picture, values, opacity=1)
    assert tuple(found[0, 0]) == (255, 165, 40) and tuple(found[1, 1]) == (130, 60, 220)
    untouched = values == 0
    np.testing.assert_array_equal(found[untouched], picture[untouched])
    bar = diverging_bar()[0]
    assert tuple(bar[0]) == (130, 60, 220) and tuple(bar[-1]) == (255, 165, 40), "the bar goes from −1 to 1"


def test_scores_show_one_column_each_and_a_lie_that_changes_no_output(explorer, session):
    places = shown(scores, explorer, session)
    assert all(words in places["score_maps"] for words in ("probability, naive float32", "logit", "log-probability"))
    assert "no probability changes by more than" in places["lie"] and places["lie"].count("<img") == 4
    assert places["lost"] is not None and "stable" in places["naive"]
    before = scores._lie(session, controls(), lambda logit: scores._constant(logit, 0))
    after = scores._lie(session, controls(), lambda logit: scores._constant(logit, -6))
    images = [[part.split('"')[0] for part in html.split('src="')[1:]] for html in (before, after)]
    assert images[0][0] == images[0][1] and images[1][0] != images[1][1], "the logit's map changes with the term"
    assert images[1][2] == images[1][3], "the probability's does not"


def test_a_class_that_is_not_ahead_is_told_so(explorer, session, net):
    least = int(session.result.probabilities.argmin())
    explorer.explain(session, controls(class_index=least), False, silent)
    places = shown(scores, explorer, session)
    assert "Another class is ahead" in places["naive"] and places["lost"] is None


def test_grad_cam_plus_plus_at_every_layer_and_score(explorer, session, net):
    places = shown(grad_cam_plus_plus, explorer, session)
    assert places["cosines"].count("data-choice=") == 3 * len(net.block_ends), "scores against layers"
    assert places["cosines"].count("chosen") == 1 and places["positive_maps"].count("<img") == 2
    chosen = grad_cam_plus_plus._drawn(session, controls(), False, "logit", net.block_ends[0].name)
    assert "logit" in chosen["alpha_title"] and chosen["alphas"] is not None


# The board


@pytest.mark.parametrize("shape", [(7, 7), (3, 4), (28, 20), (1, 2)])
def test_what_is_painted_comes_back(shape):
    heatmap = painter.corner(shape)
    assert heatmap.shape == shape and 0 < heatmap.mean() < 1, "a corner of it is bright"
    html = painter.painting(heatmap)
    cells = "".join(part[0] for part in html.split('data-cell="')[1:])
    rows = min(shape[0], painter.MAX_CELLS)
    np.testing.assert_array_equal(painter.cells({"cells": cells, "rows": rows}, shape), heatmap)


@pytest.mark.parametrize(
    "told", [{}, {"cells": "0102", "rows": 2}, {"cells": "010", "rows": 2}, {"cells": "01", "rows": "1"}]
)
def test_what_is_no_board_is_refused(told):
    with pytest.raises(InputError, match="A painted map is a board"):
        painter.cells(told, (7, 7))

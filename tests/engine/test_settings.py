"""Settings and Questions: equal where their content is, and each setting told in one place."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

from explorer.attribution.methods.variants import settings_of
from explorer.engine.question import Question
from explorer.engine.run import explain, explain_layers
from explorer.engine.settings import GROUPS, Settings
from explorer.errors import InputError
from support import networks as nets


@pytest.fixture(scope="module")
def net():
    return nets.make()[0]


def question(net, **asked):
    return Question(classifier=net, **{"image": nets.picture(1), "steps": 4} | asked)


def test_questions_of_equal_content_are_equal(net):
    one, same = question(net), question(net, image=nets.picture(1).copy(), baseline="Black")
    assert one == same and hash(one) == hash(same) and len({one, same}) == 1
    assert one.image is not same.image, "though no array is shared"


@pytest.mark.parametrize(
    "change",
    [
        {"image": nets.picture(2)},
        {"baseline": "white"},
        {"baseline": nets.picture(3)},
        {"steps": 5},
        {"class_index": 2},
        {"score": "logit"},
        {"methods": ("rsi_grad_cam", "grad_cam", "integrated_grad_cam")},
        {"layers": ("stem",)},
        {"units": "all"},
        {"gradients": "positive"},
        {"quadrature": "right"},
        {"endpoint": False},
        {"subtract_baseline": False},
        {"tolerance": 0.1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_content_is_another_question(net, change):
    assert question(net, **change) != question(net) and question(net, **change).key != question(net).key


def test_epsilon_is_no_matter_of_the_network(net):
    one, other = question(net), question(net, epsilon=1e-3)
    assert one != other and one.key == other.key, "what is asked of the network is the same"


def test_another_network_is_another_question(net):
    assert question(net) != question(nets.make()[0]), "of the same name and weights though it is"


def test_a_question_is_spelt_as_the_network_does(net):
    asked = question(net, layers=None, class_index="egg", score=None)
    assert asked.layers == (net.default_layer,) and asked.class_index == 4 and asked.score == net.default_score
    again = Question(classifier=net, image=asked.image, **asked.settings)
    assert again == asked, "and what it says of itself makes it again"


def test_every_setting_is_an_argument_and_has_its_help():
    assert set(GROUPS) == {one.metadata["group"] for one in settings_of(Settings).values()}, "a heading for each"
    for name, field in settings_of(Settings).items():
        assert field.metadata["help"], f"{name} says what it is"
        if name != "layers":
            for function in (explain, explain_layers):
                parameter = inspect.signature(function).parameters[name]
                assert parameter.default == field.default, f"{name} has one default"


def test_a_setting_may_be_changed_alone():
    asked = replace(Settings(), steps="auto")
    assert asked.automatic and asked == Settings(steps="auto") != Settings()
    with pytest.raises(InputError, match="received 'sideways'"):
        replace(asked, units="sideways")


def test_a_neutral_baseline_is_known_by_its_pixels(net):
    from explorer.engine.baselines import ClassNeutral

    pixels = np.full((*net.input_size, 3), 0.5)
    one, same, other = (question(net, baseline=ClassNeutral(p)) for p in (pixels, pixels.copy(), pixels + 1))
    assert one == same and one != other

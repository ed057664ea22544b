"""What one sweep yields: four values that belong together, or a sentence saying which does not."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from explorer.attribution.path import LayerPath, Samples, joined
from explorer.errors import InputError

POINTS, SHAPE = 4, (4, 2, 5, 3)
GOOD = {
    "alphas": np.linspace(0, 1, POINTS),
    "activations": np.arange(120.0).reshape(SHAPE),
    "gradients": np.ones(SHAPE),
    "scores": np.zeros(POINTS),
}


def test_values_come_back_in_the_order_of_the_fields():
    path = LayerPath(**GOOD)
    assert all(a is b for a, b in zip(path.values(), GOOD.values(), strict=True)), (
        "alphas, activations, gradients, scores: as given, in this order"
    )


def test_it_does_not_change():
    with pytest.raises(FrozenInstanceError):
        LayerPath(**GOOD).scores = np.ones(POINTS)


def test_tensors_become_arrays():
    from keras import ops

    path = LayerPath(**{name: ops.convert_to_tensor(value) for name, value in GOOD.items()}).numpy()
    for value, given in zip(path.values(), GOOD.values(), strict=True):
        assert type(value) is np.ndarray, "numpy() leaves nothing on the device"
        np.testing.assert_array_equal(value, given, err_msg="and changes no value")
    assert path.shares is None, "nor how the sums are weighted"
    shares = np.full((POINTS - 1, 2), 0.5)
    assert LayerPath(**GOOD, shares=shares).numpy().shares is shares, "which goes along where there is something to say"


def test_the_shares_of_a_path_take_the_place_of_the_published_rule():
    shares = np.full((POINTS - 1, 2), 0.5)
    assert LayerPath(**GOOD).rule("right") == "right", "evenly spaced points are summed as published"
    assert LayerPath(**GOOD, shares=shares).rule("right") is shares, "points that were placed bring their own weights"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({name: value[:1] for name, value in GOOD.items()}, "at least its two ends; received 1 point"),
        ({"activations": np.ones((4, 10, 3))}, r"\(T, h, w, K\) with T = 4; received \(4, 10, 3\)"),
        ({"activations": np.ones((5, 2, 5, 3))}, r"with T = 4; received \(5, 2, 5, 3\)"),
        ({"gradients": np.ones((4, 5, 2, 3))}, r"\(4, 2, 5, 3\); received \(4, 5, 2, 3\)"),
        ({"scores": np.zeros((4, 1))}, r"\(4,\), one a point; received \(4, 1\)"),
        ({"scores": np.zeros(3)}, r"\(4,\), one a point; received \(3,\)"),
    ],
)
def test_values_that_do_not_belong_together_are_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        LayerPath(**GOOD | wrong)


# Samples: the same values at points in any order, at several layers


def sampled(alphas, framework=False):
    """Samples whose every value tells its α, at two layers of unlike shapes."""
    from keras import ops

    a = np.array(alphas, np.float32)
    maps = [a[:, None, None, None] + np.arange(np.prod(shape)).reshape(shape) for shape in ((2, 5, 3), (4, 2, 1))]
    gradients = [-one for one in maps]
    if framework:
        maps, gradients = ([ops.convert_to_tensor(one) for one in several] for several in (maps, gradients))
    return Samples(a, np.stack([a, 2 * a], axis=1), 3 * a, 4 * a, tuple(maps), tuple(gradients))


def assert_are(samples, alphas):
    expected = sampled(alphas)
    for name in ("alphas", "values", "inner", "scores"):
        np.testing.assert_array_equal(getattr(samples, name), getattr(expected, name), err_msg=f"{name} at {alphas}")
    for name in ("activations", "gradients"):
        for index, value in enumerate(getattr(expected, name)):
            np.testing.assert_array_equal(getattr(samples, name)[index], value, err_msg=f"{name} of layer {index}")


@pytest.mark.parametrize("framework", [False, True], ids=["arrays", "tensors"])
@pytest.mark.parametrize("places", [[0, 1, 2, 3], [1, 2], [3], [2, 0], [3, 2, 1, 0], [0, 2, 3], [1, 1]])
def test_some_of_the_points_in_any_order(places, framework):
    alphas = [0.0, 0.25, 0.5, 1.0]
    assert_are(sampled(alphas, framework).at(places), [alphas[i] for i in places])


def test_all_points_in_order_are_not_copied():
    samples = sampled([0.0, 0.5, 1.0], framework=True)
    for found in (samples.at([0, 1, 2]), joined([samples])):
        pairs = zip(found.activations + found.gradients, samples.activations + samples.gradients, strict=True)
        assert all(a is b for a, b in pairs), "one path in memory, however often it is looked at"


@pytest.mark.parametrize("framework", [False, True], ids=["arrays", "tensors"])
@pytest.mark.parametrize("parts", [[[0, 0.5, 1]], [[0, 1], [0.5], [0.25, 0.75]], [[1], [0]], [[0.5, 0.2], [0.9, 0.1]]])
def test_joined_points_are_in_the_order_of_the_path(parts, framework):
    assert_are(joined([sampled(part, framework) for part in parts]), sorted(alpha for part in parts for alpha in part))


def test_each_layer_has_its_own_path():
    samples, shares = sampled([0.0, 0.5, 1.0]), np.ones((2, 2))
    for index in (0, 1):
        path = samples.path(index, shares)
        values = samples.alphas, samples.activations[index], samples.gradients[index], samples.scores
        assert all(a is b for a, b in zip(path.values(), values, strict=True)), f"the maps of layer {index}, y of both"
        assert path.shares is shares and samples.path(index).shares is None, "weighted where that is asked for"

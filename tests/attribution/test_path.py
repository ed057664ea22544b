"""What one sweep yields: four values that belong together, or a sentence saying which does not."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from explorer.attribution.path import Path, Samples
from explorer.engine.sweep import joined
from explorer.errors import InputError

POINTS, SHAPE = 4, (4, 2, 5, 3)
GOOD = {
    "alphas": np.linspace(0, 1, POINTS),
    "activations": np.arange(120.0).reshape(SHAPE),
    "gradients": np.ones(SHAPE),
    "scores": np.zeros(POINTS),
}


def test_values_are_given_in_the_order_of_the_fields():
    path = Path(*GOOD.values())
    assert all(getattr(path, name) is value for name, value in GOOD.items()), "alphas, activations, gradients, scores"


def test_a_part_keeps_the_weights_of_its_intervals():
    weights = np.arange(2.0 * (POINTS - 1)).reshape(-1, 2)
    whole = Path(**GOOD, weights=weights, inner=np.arange(POINTS), logits=np.ones((POINTS, 2)))
    part = whole.part(slice(1, 3))
    for name in ("alphas", "activations", "gradients", "scores", "inner", "logits"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[1:3], err_msg=name)
    np.testing.assert_array_equal(part.weights, weights[1:2], err_msg="of the one interval between the two points")
    np.testing.assert_array_equal(whole.part(slice(1, None)).weights, weights[1:])
    thin = whole.part(slice(None, None, 3))
    assert thin.weights is None and thin.alphas.tolist() == [0, 1], "points that are not neighbours have none"
    np.testing.assert_array_equal(whole.ends.activations, whole.activations[[0, -1]])


def test_a_path_let_go_of_its_maps_takes_little_memory():
    whole = Path(**GOOD, logits=np.ones((POINTS, 2)))
    released = whole.released()
    assert whole.held and not released.held and released.scores is whole.scores
    assert whole.bytes - released.bytes == 2 * 4 * 120, "four bytes for every activation and gradient"


def test_it_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Path(**GOOD).scores = np.ones(POINTS)


def test_tensors_become_arrays():
    from keras import ops

    path = Path(**{name: ops.convert_to_tensor(value) for name, value in GOOD.items()}).numpy()
    for name in ("activations", "gradients"):
        assert type(getattr(path, name)) is np.ndarray, "numpy() leaves no map on the device"
        np.testing.assert_array_equal(getattr(path, name), GOOD[name], err_msg="and changes no value")
    weights = np.full((POINTS - 1, 2), 0.5)
    assert Path(**GOOD, weights=weights).numpy().weights is weights, "the weights go along"


def test_the_weights_of_a_path_take_the_place_of_the_published_rule():
    weights = np.full((POINTS - 1, 2), 0.5)
    assert Path(**GOOD).rule("right") == "right", "evenly spaced points are summed as published"
    assert Path(**GOOD, weights=weights).rule("right") is weights, "points that were placed bring their own"


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
        Path(**GOOD | wrong)


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
    for name in ("alphas", "logits", "inner", "scores"):
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
    samples, weights = sampled([0.0, 0.5, 1.0]), np.ones((2, 2))
    for index in (0, 1):
        path = samples.path(index, weights)
        assert path.activations is samples.activations[index] and path.gradients is samples.gradients[index]
        assert path.alphas is samples.alphas and path.scores is samples.scores, "the same of every layer"
        assert path.logits is samples.logits and path.inner is samples.inner
        assert path.weights is weights and samples.path(index).weights is None, "weighted where that is asked for"

"""What one sweep yields: four values that belong together, or a sentence saying which does not."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.layer_path import LayerPath

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

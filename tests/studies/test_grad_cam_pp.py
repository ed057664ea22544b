"""Grad-CAM++ beside Grad-CAM with positive gradients: where they agree, and where they do not."""

import numpy as np
import pytest

from explorer.attribution.metrics import cosine
from explorer.studies.at_image import AtImage
from explorer.studies.grad_cam_pp import pair

SHAPE = (3, 4, 5)


def at(seed=0, gradient=1.0, activation=1.0):
    rng = np.random.default_rng(seed)
    activations, gradients = activation * rng.uniform(size=SHAPE), gradient * rng.normal(size=SHAPE)
    return AtImage(activations, gradients, np.zeros(3), 0.0)


@pytest.mark.parametrize("gradient", [1e-3, 1e-9, 1e-20])
def test_they_are_equivalent_where_gradients_are_small(gradient):
    """α = ½ (1 − g S/2 + …): the smaller g S_k, the nearer α to ½ and the weights to ½ Z times those of the mean."""
    found = pair(at(gradient=gradient))
    assert (found.coefficients <= 0.5).all() and found.coefficients.min() > 0.5 - 10 * gradient - 1e-7, (
        "α is nearly ½ everywhere"
    )
    assert found.cosine > 1 - 1e-4
    places = SHAPE[0] * SHAPE[1]
    np.testing.assert_allclose(found.plus_plus, places / 2 * found.positive, rtol=2e-2, err_msg="½ Z times the other")


def test_they_part_where_gradients_and_activations_are_large():
    """With g S_k large α g is 1/S_k: how large a gradient is no longer counts, only where it is positive."""
    one = at(gradient=1e4, activation=10)
    found = pair(one)
    counts = (one.gradients > 0).sum(axis=(0, 1)) / one.activations.sum(axis=(0, 1))
    expected = np.maximum(one.activations @ counts, 0)
    np.testing.assert_allclose(found.plus_plus, expected, rtol=1e-3)
    assert found.coefficients.max() < 1e-2 and found.cosine < 0.99


def test_alpha_is_told_of_positive_gradients_alone():
    one = at()
    found = pair(one)
    assert len(found.coefficients) == (one.gradients > 0).sum()
    assert (found.coefficients > 0).all() and (found.coefficients <= 0.5).all(), "within (0, ½]"
    sums = one.activations.sum(axis=(0, 1))
    squares = one.gradients**2 / (2 * one.gradients**2 + one.gradients**3 * sums)
    np.testing.assert_allclose(
        found.coefficients, squares[one.gradients > 0], rtol=1e-5, err_msg="the paper's first form"
    )


@pytest.mark.parametrize("size", [1, 1e-200, 1e200])
def test_a_cosine_is_of_directions(size):
    a, b = np.array([3.0, 4.0]), np.array([4.0, 3.0])
    assert np.isclose(cosine(size * a, b), 24 / 25) and np.isclose(cosine(a, a * size), 1)
    assert np.isnan(cosine(a, 0 * b)), "nothing has no direction"
    assert np.isnan(cosine(a, b * np.inf)) and np.isnan(cosine(a, b * np.nan)), "nor has what is not finite"


def test_the_cosine_of_maps():
    one = np.array([[3.0, 1], [0, 0]])
    assert cosine(one, 7 * one) == pytest.approx(1) and cosine(one, one[::-1]) == 0
    assert cosine([1, 0], [1, 1]) == pytest.approx(np.sqrt(0.5))

"""What each backend of Keras must give the core: gradients a sample, a graph, compiled functions, the same maps."""

import os
import subprocess

import numpy as np
import pytest
from keras import ops

from explorer.engine.run import explain
from explorer.network import backend
from support import ROOT
from support import networks as nets
from support.backends import parts, python_with

RNG = np.random.default_rng(2)


def test_gradients_are_of_each_sample_by_itself():
    a = RNG.normal(size=(4, 2, 3, 5)).astype(np.float32)

    def fn(a):
        return ops.sum(a**3, axis=(1, 2, 3)), ops.sum(a)

    slopes, u, rest = backend.gradient(fn, ops.convert_to_tensor(a))
    np.testing.assert_allclose(backend.fetch(slopes), 3 * a**2, rtol=1e-5, err_msg="∂u_i/∂a_i, in closed form")
    np.testing.assert_allclose(backend.fetch(u), (a**3).sum(axis=(1, 2, 3)), rtol=1e-5, err_msg="u comes with it")
    np.testing.assert_allclose(backend.fetch(rest), a.sum(), rtol=1e-5, err_msg="and whatever else was computed")


def test_a_value_that_does_not_depend_on_a_has_gradient_zero():
    a = ops.convert_to_tensor(np.ones((2, 3), np.float32))
    slopes, u, _ = backend.gradient(lambda a: (ops.convert_to_tensor(np.float32([1, 2])), None), a)
    assert backend.fetch(slopes).tolist() == [[0, 0, 0]] * 2, "zero, not None"
    assert backend.fetch(u).tolist() == [1, 2], "the value all the same"


def test_compiled_functions_take_any_length_and_fresh_weights():
    import keras

    scale = keras.Variable(np.float32(2), name="scale")
    function = backend.compiled(lambda x, i: scale * x[:, 0] + ops.cast(i, "float32"), [scale], (None, 3), "int")
    for n in (1, 4):
        x = RNG.normal(size=(n, 3)).astype(np.float32)
        np.testing.assert_allclose(backend.fetch(function(x, 7)), 2 * x[:, 0] + 7, rtol=1e-6, err_msg=f"{n} samples")
    scale.assign(5)
    np.testing.assert_allclose(
        backend.fetch(function(x, 0)), 5 * x[:, 0], rtol=1e-6, err_msg="weights are read at every call, not copied in"
    )


@pytest.mark.parametrize(
    ("fault", "exhausted"),
    [
        (RuntimeError("CUDA error: out of range"), False),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 bytes"), True),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory."), True),
        (type("ResourceExhaustedError", (Exception,), {})("failed to allocate memory"), True),
        (type("InternalError", (Exception,), {})("OOM when allocating tensor with shape[1]"), True),
    ],
)
def test_exhausted_memory_is_told_from_other_faults(fault, exhausted):
    assert backend.out_of_memory(fault) is exhausted, f"{type(fault).__name__}: {fault}"


def test_a_graph_goes_forward_from_source_to_output():
    def fn(x):
        inner = x * 2
        beside = ops.ones((2,))
        return ops.sum(inner + x), [inner, beside]

    count, edges, source, output, inner = backend.flow(fn, (4, 5))
    assert all(0 <= u < v < count for u, v in edges), "every edge goes forward"
    assert source is not None and output is not None and inner[0] is not None, "each is a node"
    assert (source, inner[0]) in edges or any(u == source for u, v in edges), "the source feeds something"


# The other backends

NEAR = 1e-5  # of the greatest value


def off(found, expected):
    """The greatest difference, of the greatest value; where that is zero, of the smallest number there is."""
    return np.abs(found - expected).max() / max(np.abs(expected).max(), np.finfo(np.float32).tiny)


SCRIPT = """
import sys
import numpy as np
from support import networks as nets
from support.backends import parts
from explorer.network import backend
from explorer.engine.run import explain
results = {}
results["gradient"], results["u"], results["compiled"] = parts()
for label, (classifier, layer) in nets.samples().items():
    results[f"{label}/cuts"] = np.array([found.separates for found in classifier.anatomy.layers])
    results[f"{label}/predict"] = classifier.predict(nets.picture(1)[None])
    for score in ("probability", "logit", "log-probability"):
        found = explain(classifier, nets.picture(1), layer, 5, steps=7, score=score, memory_budget=40_000, units="all")
        again = explain(classifier, nets.picture(1), layer, 5, steps=7, score=score, units="all", reuse=found)
        for explanation in found:
            results[f"{label}/{score}/{explanation.method}"] = explanation.cam
            assert np.allclose(again[explanation.method].cam, explanation.cam, rtol=1e-4), "reuse changes nothing"
        results[f"{label}/{score}/scores"] = found.path.scores
        results[f"{label}/{score}/gap"] = np.float64(found.completeness_gap or 0)
    assert all("call" not in vars(part) for part in classifier.model._flatten_layers()), "nothing is left patched"
np.savez(sys.argv[1], backend=backend.name(), device=backend.device(), **results)
"""


def maps_of(name, python, file):
    """Run SCRIPT with a backend, in a Python, and return what it wrote."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    environment = os.environ | {"KERAS_BACKEND": name, "PYTHONPATH": path, "JAX_PLATFORMS": "cpu"}
    environment["CUDA_VISIBLE_DEVICES"] = ""  # what is compared is arithmetic; graphics cards round otherwise
    done = subprocess.run([python, "-c", SCRIPT, str(file)], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"the maps with {name} fail:\n{done.stderr[-3000:]}"
    with np.load(file) as found:
        return dict(found)


@pytest.mark.other_backend
@pytest.mark.parametrize("name", ["jax", "torch"])
def test_another_backend_gives_the_same_maps(name, tmp_path):
    python = python_with(name)
    found = maps_of(name, python, tmp_path / "maps.npz")
    assert str(found.pop("backend")) == name and str(found.pop("device")) == "CPU", "it ran where it was told to"
    for part, value in zip(("gradient", "u", "compiled"), parts(), strict=True):
        assert off(found[part], value) < NEAR, f"{part} of a small network: {off(found[part], value):.1e} apart"
    compared = 0
    for label, (classifier, layer) in nets.samples().items():
        cuts = [place.separates for place in classifier.anatomy.layers]
        assert found[f"{label}/cuts"].tolist() == cuts, f"which layers cut the {label} network does not depend on it"
        assert off(found[f"{label}/predict"], classifier.predict(nets.picture(1)[None])) < NEAR, "the same classes"
        for score in ("probability", "logit", "log-probability"):
            here = explain(classifier, nets.picture(1), layer, 5, steps=7, score=score, units="all")
            assert off(found[f"{label}/{score}/scores"], here.path.scores) < NEAR, "the same scores"
            assert abs(found[f"{label}/{score}/gap"] - (here.completeness_gap or 0)) < NEAR, "the same gap"
            for explanation in here:
                other, cam = found[f"{label}/{score}/{explanation.method}"], explanation.cam
                if not cam.max():
                    assert not other.any(), f"{explanation.method}: blank with one, blank with the other"
                    continue
                assert off(other, cam) < NEAR, f"{explanation.method} of the {score}, {label}: {off(other, cam):.1e}"
                compared += 1
    assert compared >= 20, "most maps compared are not blank"

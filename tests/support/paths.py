"""The reference's paths through the test networks, each computed once, and how a map is compared with another."""

from functools import cache

import numpy as np

from support import networks as nets
from support import reference as ref

STEPS = 8
PICTURE, BASELINE = nets.picture(1), nets.picture(2) // 3


def fed(picture):
    """What the network is fed, in float64."""
    return (picture[..., ::-1].astype(np.float64) - nets.MEAN) / 64


@cache
def path_of(net, steps, class_index, score, baseline):
    """The reference's path; net is (builder, arguments) and baseline "black" or "picture"."""
    network = built(net)[-1]
    start = fed(np.zeros_like(PICTURE) if baseline == "black" else BASELINE)
    kind = "probability" if score == "probability-naive" else score
    return ref.path(network, start, fed(PICTURE), steps, class_index, kind)


@cache
def built(net):
    return {
        "relu": lambda: nets.make("nested functional"),
        "smooth": lambda: nets.make("functional", "softplus"),
        "branch": lambda: (lambda c, n: (c, "branch", n))(*nets.residual()),
        "first call": lambda: (lambda c, one, two: (c, "shared", one))(*nets.twice()),
        "second call": lambda: (lambda c, one, two: (c, "shared#2", two))(*nets.twice()),
    }[net]()


@cache
def telling_class(net, score="probability", baseline="black"):
    """The class whose maps, all units counted, lose least to cancellation: a comparison relative to a maximum that is
    itself a small difference of large terms would measure float32, not the explorer."""

    def kept(c):
        path = path_of(net, 3, c, score, baseline)
        a = np.abs(path.activations[-1])
        pairs = (ref.grad_cam(path), path.gradients[-1]), (ref.rsi_grad_cam(path), ref.unit_integrals(path))
        return min(cam.max() / (a @ np.abs(terms).mean(axis=(0, 1))).max() for cam, terms in pairs)

    return max(range(nets.CLASSES), key=kept)


def assert_same(found, expected, said, tolerance=1e-5):
    assert expected.max() > 0, f"the reference is blank, nothing would be compared: {said}"
    off = np.abs(np.asarray(found, np.float64) - expected).max() / expected.max()
    assert off < tolerance, f"{said}: off by {off:.1e} of the map's maximum"

"""Every ImageNet network by name, untrained: what the table says of it, and the methods on it.

Each is built once, at its own size. The path is a short one, from the picture at three quarters of its brightness: few
steps are then many enough for a sharp test of completeness.
"""

import keras
import numpy as np
import pytest

import explorer
from explorer.attribution.methods import DEFAULT
from explorer.models.keras_applications import APPLICATIONS
from support import networks as nets

pytestmark = pytest.mark.real_network

FAMILIES = {  # the module of keras.applications whose preprocess_input a network was trained with
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "resnet50": "resnet50",
    "resnet50-v2": "resnet_v2",
    "resnet101-v2": "resnet_v2",
    "inception-v3": "inception_v3",
    "xception": "xception",
    "mobilenet-0.25": "mobilenet",
    "mobilenet-0.5": "mobilenet",
    "mobilenet-0.75": "mobilenet",
    "mobilenet": "mobilenet",
    "mobilenet-v2": "mobilenet_v2",
    "mobilenet-v3-small": "mobilenet_v3",
    "mobilenet-v3-large": "mobilenet_v3",
    "densenet121": "densenet",
    "nasnet-mobile": "nasnet",
    "efficientnet-b0": "efficientnet",
    "efficientnet-b1": "efficientnet",
    "efficientnet-b2": "efficientnet",
    "efficientnet-b3": "efficientnet",
    "efficientnet-v2-b0": "efficientnet_v2",
    "efficientnet-v2-s": "efficientnet_v2",
    "convnext-tiny": "convnext",
}
NO_SKIPS = {"vgg16", "vgg19", "mobilenet-0.25", "mobilenet-0.5", "mobilenet-0.75", "mobilenet"}
STEPS = 8
LARGEST_GAP = 0.1  # measured: 0.07 at block4_pool of VGG16; 1e-6 at most default layers


@pytest.fixture(scope="module", params=APPLICATIONS, ids=lambda entry: entry.name)
def network(request):
    """(its entry, the classifier); one at a time is in memory."""
    return request.param, request.param.load(weights=None)


def test_the_table(network):
    entry, classifier = network
    size = (*entry.input_size, 3)
    assert classifier.model.input.shape == (None, *size) and classifier.input_size == entry.input_size
    assert classifier.model.output.shape == (None, 1000) and classifier.kind == "softmax"
    assert classifier.model.count_params() == entry.parameters and entry.download_bytes == 4 * entry.parameters
    assert f"{entry.parameters / 1e6:.1f} million" in entry.about, "the list tells how large it is"


def test_its_weights_file(network):
    entry, _ = network
    remote = entry.remote()
    assert remote.file == entry.file, "the file is looked for under the name Keras gives it"
    assert remote.url.startswith("https://") and (remote.hash or entry.builder.startswith("MobileNet"))


def test_its_layers(network):
    entry, classifier = network
    assert classifier.default_layer == entry.default_layer, "the last layer that cuts the network, as traced"
    ends = classifier.block_ends
    assert [layer.name for layer in ends] == list(entry.block_ends), "block ends are spatial layers the score needs"
    sides = [layer.shape[0] for layer in ends]
    assert sides == sorted(sides, reverse=True) and len(set(sides)) >= 4, f"from fine to coarse: {sides}"
    order = [layer.name for layer in classifier.layers()]
    assert [name for name in order if name in entry.block_ends] == list(entry.block_ends), "in the order of the pass"
    without = [layer.name for layer in ends if not layer.separates]
    assert bool(without) == (entry.name == "nasnet-mobile"), f"only NASNet's cells by-pass one another: {without}"


def test_its_preprocessing(network):
    entry, classifier = network
    pixels = np.random.default_rng(0).integers(0, 256, (1, *entry.input_size, 3)).astype(np.float32)
    family = getattr(keras.applications, FAMILIES[entry.name])
    expected = family.preprocess_input(pixels.copy())
    np.testing.assert_allclose(classifier.preprocess(pixels), expected, atol=1e-5, err_msg="as its family was trained")


def louder(model, times):
    """Make every batch normalisation multiply by `times`. Twenty-seven of them one after the other leave 1e-19 of a
    picture in an untrained MobileNet, whose products underflow; only its scale is changed by this."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(np.full(layer.gamma.shape, times))


def layers_to_explain(entry, classifier):
    """The default layer, the block end before it, and the last layer that something by-passes, where there is one."""
    by_passed = [layer.name for layer in classifier.layers() if not layer.separates]
    assert bool(by_passed) == (entry.name not in NO_SKIPS), "all but the plain stacks have skip connections"
    return [entry.default_layer, entry.block_ends[-2], *by_passed[-1:]]


def test_the_methods_on_it(network):
    entry, classifier = network
    picture = nets.picture(1, *entry.input_size)
    dimmed = (0.75 * picture).astype(np.uint8)
    if entry.builder == "MobileNet":
        louder(classifier.model, 4)
    logits = classifier.logits(np.stack([dimmed, picture]))
    assert np.isfinite(logits).all() and np.ptp(logits[1]) > 0, "the untrained network computes something"
    growing = int((logits[1] - logits[0]).argmax())  # the class whose logit the path changes most, upwards
    for name in layers_to_explain(entry, classifier):
        layer = classifier.layer(name)
        result = explorer.explain(
            classifier, picture, name, growing, baseline=dimmed, steps=STEPS, score="logit", memory_budget=1 << 28
        )
        np.testing.assert_allclose(result.path.scores[[0, -1]], logits[:, growing], rtol=1e-3, atol=1e-7)
        assert [explanation.method for explanation in result] == list(DEFAULT)
        for explanation in result:
            assert explanation.cam.shape == layer.shape[:2] and np.isfinite(explanation.cam).all(), f"{name}: a map"
            assert explanation.heatmap.shape == entry.input_size, f"{name}: a heatmap of the picture's size"
        assert result["rsi_grad_cam"].cam.max() > 0, f"{name}: a growing logit leaves its mark"
        if layer.separates:
            assert result.completeness_gap < LARGEST_GAP, f"{name}: integrated gradients add up to the logit's change"
        else:
            assert result.completeness_gap is None, f"{name}: where the layer is by-passed no such claim is made"

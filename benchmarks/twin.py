"""A Keras network as a PyTorch module with the same weights, for the peers that take only those."""

from collections import Counter

import numpy as np
import torch
from torch import nn


class Twin(nn.Module):
    """Gives the logits (n, classes) of (n, 3, H, W), what the Keras model gives, before its softmax, of (n, H, W, 3).

    model: functional, of the layers that VGG and ResNet are made of; ValueError names any other. Its layers are
    found by name with `layer`, each a module of its own whose output (n, K, h, w) can be hooked.
    """

    def __init__(self, model):
        super().__init__()
        nodes = {layer: layer._inbound_nodes[0] for layer in model.layers[1:]}
        calls = {layer: [id(x) for x in node.input_tensors] for layer, node in nodes.items()}
        readers = Counter(number for arguments in calls.values() for number in arguments)
        self.parts, self._calls = nn.ModuleDict(), []
        self._input, self._output = id(model.inputs[0]), id(model.outputs[0])
        self._last_reader = {number: layer.name for layer, arguments in calls.items() for number in arguments}
        for layer, arguments in calls.items():
            alone = all(readers[number] == 1 for number in arguments)
            self.parts[layer.name] = _part(layer, is_last=layer is model.layers[-1], in_place=alone)
            self._calls.append((layer.name, arguments, id(nodes[layer].output_tensors[0])))
        self.eval()

    def layer(self, name):
        return self.parts[name]

    def forward(self, x):
        values = {self._input: x}
        for name, arguments, result in self._calls:
            values[result] = self.parts[name](*(values[number] for number in arguments))
            for number in set(arguments):
                if self._last_reader[number] == name:
                    del values[number]  # kept, it would take memory that PyTorch's own networks do not
        return values[self._output]


class Sum(nn.Module):
    def forward(self, *parts):
        return sum(parts[1:], parts[0])


class Flatten(nn.Module):
    """Keras flattens with the channels last."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class GlobalAverage(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def _part(layer, is_last, in_place):
    """in_place: whether the layer's input has no other reader, so that its ReLU may overwrite, as torchvision's do."""
    kind = type(layer).__name__
    if kind not in MAKERS:
        raise ValueError(f"A twin is made of {', '.join(MAKERS)}; received the layer {layer.name!r}, a {kind}.")
    part = MAKERS[kind](layer)
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if activation == "linear" or (is_last and activation == "softmax"):
        return part
    if activation != "relu":
        raise ValueError(f"A twin knows relu, and softmax at the end; {layer.name!r} has {activation}.")
    return nn.Sequential(part, nn.ReLU(in_place or type(layer).__name__ != "Activation"))


def _convolution(layer):
    (height, width), stride = layer.kernel_size, layer.strides
    if layer.groups != 1 or layer.dilation_rate != (1, 1):
        raise ValueError(f"{layer.name!r}: a twin has neither groups nor dilation.")
    if layer.padding == "same" and (stride != (1, 1) or height % 2 == 0 or width % 2 == 0):
        raise ValueError(f"{layer.name!r}: PyTorch pads as Keras does where kernels are odd and strides are 1.")
    padding = (height // 2, width // 2) if layer.padding == "same" else 0
    inputs, outputs = layer.kernel.shape[-2:]
    part = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=layer.use_bias)
    return _filled(part, weight=_array(layer.kernel).transpose(3, 2, 0, 1), **_bias(layer))


def _dense(layer):
    kernel = _array(layer.kernel)
    return _filled(nn.Linear(*kernel.shape, bias=layer.use_bias), weight=kernel.T, **_bias(layer))


def _batch_norm(layer):
    part = nn.BatchNorm2d(layer.gamma.shape[0], eps=layer.epsilon)
    return _filled(
        part,
        weight=_array(layer.gamma),
        bias=_array(layer.beta),
        running_mean=_array(layer.moving_mean),
        running_var=_array(layer.moving_variance),
    )


def _zero_padding(layer):
    (top, bottom), (left, right) = layer.padding
    return nn.ZeroPad2d((left, right, top, bottom))


def _max_pool(layer):
    if layer.padding != "valid":
        raise ValueError(f"{layer.name!r}: a twin pools without padding.")
    return nn.MaxPool2d(tuple(layer.pool_size), tuple(layer.strides))


MAKERS = {
    "Conv2D": _convolution,
    "Dense": _dense,
    "BatchNormalization": _batch_norm,
    "ZeroPadding2D": _zero_padding,
    "MaxPooling2D": _max_pool,
    "Activation": lambda layer: nn.Identity(),  # the activation itself is put behind
    "Add": lambda layer: Sum(),
    "Flatten": lambda layer: Flatten(),
    "GlobalAveragePooling2D": lambda layer: GlobalAverage(),
}


def _bias(layer):
    return {"bias": _array(layer.bias)} if layer.use_bias else {}


def _filled(part, **values):
    with torch.no_grad():
        for name, value in values.items():
            getattr(part, name).copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return part


def _array(variable):
    from keras import ops

    return np.array(ops.convert_to_numpy(variable), np.float32)

"""Networks that compute in bfloat16 where that is asked for."""

import keras

from explorer.network import backend


def in_precision(model: keras.Model) -> keras.Model:
    """The model, new and functional or Sequential, computing in `backend.precision()`; its weights are float32.

    In bfloat16 two ends stay float32. What prepares the pixels, in front of the first kernel: subtracting a mean from a
    rounded pixel leaves the rounding. And what makes the logits, from the last kernel on: logits of 16 to 32 would be
    1/8 apart, and 1 − p with them by 13 %. Layers that were saved in another precision keep it.
    """
    if backend.precision() != "bfloat16":
        return model
    layers, end = list(_in_order(model)), _end(model.outputs)
    first = next((i for i, layer in enumerate(layers) if _has_kernel(layer)), len(layers))
    for layer in layers[first:]:
        if layer not in end:
            for part in layer._flatten_layers():
                if part.compute_dtype == "float32":
                    part.dtype_policy = "mixed_bfloat16"
    return model


def _in_order(model):
    """Every layer that computes, in the order of the forward pass; nested models are made of theirs."""
    for layer in model.layers:
        yield from _in_order(layer) if isinstance(layer, keras.Model) else [layer]


def _end(outputs):
    """The layers from the outputs back to the last kernel on the way to each, those with the kernels included."""
    ordered, waiting = [], list(outputs)
    while waiting:
        layer, call, _ = waiting.pop()._keras_history
        if layer in ordered:
            continue
        ordered.append(layer)
        waiting += getattr(layer, "outputs", ())  # a nested model ends in layers of its own
        if not _has_kernel(layer):
            waiting += layer._inbound_nodes[call].input_tensors
    return ordered


def _has_kernel(layer):
    return any(len(variable.shape) > 1 for variable in getattr(layer, "weights", ()))

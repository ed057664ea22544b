"""How PyTorch does what `explorer.network.backend` promises."""

from collections.abc import Callable

import torch
from keras import ops, tree

from explorer.arrays import Array

NAME = "PyTorch"
COMPILES_EACH_SHAPE = False


def device() -> str:
    return "CPU" if ops.zeros(()).device.type == "cpu" else "GPU"


def allow_tf32(allowed: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def take_graphics_card() -> None:
    from keras.src.backend.torch import core

    torch.set_num_threads(1)  # the threads that computed before the fork are not there, and would be waited for
    if torch.cuda.is_available():
        core.DEFAULT_DEVICE = "cuda"  # Keras' own scope for it holds for one thread, and networks are built in others


def compiled(fn: Callable, variables: list, shapes: tuple) -> Callable:
    def inference(*args):
        with torch.no_grad():
            return fn(*map(ops.convert_to_tensor, args))

    return inference


def fused(fn: Callable) -> Callable:
    return fn


def computed(values: Array) -> Array:
    return values


def gradient(fn: Callable, a: Array) -> tuple:
    with torch.enable_grad():
        flat = [one.detach().requires_grad_() for one in tree.flatten(a)]
        u, rest = fn(tree.pack_sequence_as(a, flat))
        slopes = torch.autograd.grad(u.sum(), flat, allow_unused=True)
    slopes = [torch.zeros_like(one) if slope is None else slope for one, slope in zip(flat, slopes, strict=True)]
    rest = tree.map_structure(lambda value: value.detach() if torch.is_tensor(value) else value, rest)
    return tree.pack_sequence_as(a, slopes), u.detach(), rest


def flow(fn: Callable, shape: tuple[int, ...]) -> tuple:
    with torch.enable_grad():
        x = ops.zeros(shape).requires_grad_()
        output, inner = fn(x)
    return _autograd_graph(x, output.grad_fn, [value.grad_fn for value in inner])


def _autograd_graph(x, output, inner):
    order, edges, index_of, source = [], [], {}, None
    stack = [(output, False)]
    while stack:  # depth first; a node is placed after everything it was computed from
        node, done = stack.pop()
        if done:
            index_of[node] = len(order)
            order.append(node)
            continue
        if node in index_of:
            continue
        index_of[node] = None
        stack.append((node, True))
        stack += [(parent, False) for parent, _ in node.next_functions if parent is not None and parent not in index_of]
    for node in order:
        edges += [(index_of[parent], index_of[node]) for parent, _ in node.next_functions if parent is not None]
        if getattr(node, "variable", None) is x:
            source = index_of[node]
    return len(order), edges, source, index_of[output], [index_of.get(node) for node in inner]

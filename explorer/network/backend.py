"""Gradients, compilation and graphs for the three backends of Keras: the only file that knows which one runs."""

import numpy as np
from keras import StatelessScope, backend, ops, tree

from explorer.errors import InputError

NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
PRECISIONS = ("float32", "tf32", "bfloat16")
_precision = "float32"

# How the three backends, and NumPy, say so.
SHORT_OF_MEMORY = (
    "ResourceExhausted",
    "RESOURCE_EXHAUSTED",
    "OutOfMemory",
    "OOM when",
    "can't allocate memory",
    "MemoryError",
)


def name():
    """ "tensorflow", "jax" or "torch"."""
    return backend.backend()


def device():
    """ "GPU" or "CPU", in words for the page."""
    if name() == "tensorflow":
        import tensorflow as tf

        return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if name() == "jax":
        import jax

        return jax.default_backend().upper()
    return "CPU" if ops.zeros(()).device.type == "cpu" else "GPU"


def describe():
    """Backend, device and precision for the page: "TensorFlow · CPU · float32"."""
    where = device()
    computed = "float32" if (where, _precision) == ("CPU", "tf32") else _precision  # only graphics cards have TF32
    return f"{NAMES[name()]} · {where} · {computed}"


def precision():
    """ "float32", "tf32" or "bfloat16": what set_precision was told last."""
    return _precision


def set_precision(wanted):
    """How precisely networks compute, in this whole process; "float32" unless something else is asked for.

    "float32": single precision, on a graphics card too. Left to themselves TensorFlow, JAX and cuDNN round what a card
    multiplies to ten bits, and the raw values shown would be the card's as much as the network's. "tf32": they may.
    "bfloat16": networks loaded from now on compute in it, see `explorer.models.mixed_precision`; what is made of their
    activations and gradients stays float32. Raises InputError for any other word.
    """
    global _precision
    if wanted not in PRECISIONS:
        raise InputError(f"The precision is one of {', '.join(PRECISIONS)}; received {wanted!r}.")
    _allow_tf32(wanted == "tf32")
    _precision = wanted


def _allow_tf32(allowed):
    if name() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(allowed)
    elif name() == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if allowed else "float32")
    else:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def compiled(fn, variables, *shapes):
    """`fn` as one compiled function of the network. shapes: one a parameter, None where the length varies, "int" for
    a whole number, "places" for indices (n,).

    `fn` is traced once (TensorFlow), once a shape (JAX), or runs as it is (PyTorch). On JAX the network's variables
    are arguments of the compiled program: as constants inside it they would be copied into every one.
    """
    if name() == "tensorflow":
        import tensorflow as tf

        whole = {"int": tf.TensorSpec((), tf.int32), "places": tf.TensorSpec((None,), tf.int32)}
        specs = [whole.get(shape) or tf.TensorSpec(shape, tf.float32) for shape in shapes]
        concrete = tf.function(fn, autograph=False).get_concrete_function(*specs)
        return lambda *args: concrete(*map(_tensorflow_argument, args, specs))
    if name() == "jax":
        import jax

        @jax.jit
        def stateless(values, *args):
            with StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return fn(*args)

        return lambda *args: stateless([v.value for v in variables], *args)

    import torch

    def inference(*args):
        with torch.no_grad():
            return fn(*map(ops.convert_to_tensor, args))

    return inference


def compiles_each_shape():
    """Whether a compiled function is compiled anew for every length of its arguments."""
    return name() == "jax"


def _tensorflow_argument(value, spec):
    import tensorflow as tf

    return tf.convert_to_tensor(value, spec.dtype)


def gradient(fn, a):
    """fn: a (n, ...), or several in a list -> (u (n,), anything).

    Returns (∂u_i/∂a_i (n, ...) for every sample i, in a list where a is one; u; anything).
    """
    if name() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(a)
            u, rest = fn(a)
        return tape.gradient(u, a, unconnected_gradients="zero"), u, rest
    if name() == "jax":
        import jax

        def total(a):
            u, rest = fn(a)
            return ops.sum(u), (u, rest)

        slopes, (u, rest) = jax.grad(total, has_aux=True)(a)
        return slopes, u, rest
    import torch

    with torch.enable_grad():
        flat = [one.detach().requires_grad_() for one in tree.flatten(a)]
        u, rest = fn(tree.pack_sequence_as(a, flat))
        slopes = torch.autograd.grad(u.sum(), flat, allow_unused=True)
    slopes = [torch.zeros_like(one) if found is None else found for one, found in zip(flat, slopes, strict=True)]
    rest = tree.map_structure(lambda value: value.detach() if torch.is_tensor(value) else value, rest)
    return tree.pack_sequence_as(a, slopes), u.detach(), rest


def take_graphics_card():
    """Make networks on this process's graphics card from now on: in a process forked from one that had none, which is
    how ZeroGPU lends it to PyTorch. Without a card they stay on the processor.
    """
    import torch
    from keras.src.backend.torch import core

    torch.set_num_threads(1)  # the threads that computed before the fork are not there, and would be waited for
    if torch.cuda.is_available():
        core.DEFAULT_DEVICE = "cuda"  # Keras' own scope for it holds for one thread, and networks are built in others


def out_of_memory(fault):
    """Whether an exception says that the device's memory is exhausted."""
    words = f"{type(fault).__name__} {fault}"
    return any(sign in words for sign in SHORT_OF_MEMORY)


def fetch(value):
    """The value as a NumPy array, once it is computed."""
    return np.asarray(ops.convert_to_numpy(value))


def flow(fn, shape):
    """The graph of one pass through the network, for finding which layers cut it.

    fn: x -> (output, list of inner values). shape: that of one input, without the batch.
    Returns (count, edges, source, output, inner): nodes are 0 .. count − 1, every edge (u, v) has u < v; source,
    output and each of `inner` are nodes (an inner one is None where it does not depend on x at all).
    """
    return {"tensorflow": _flow_tensorflow, "jax": _flow_jax, "torch": _flow_torch}[name()](fn, (1, *shape))


def _flow_tensorflow(fn, shape):
    import tensorflow as tf

    marks = {}

    def traced(x):
        output, inner = fn(x)
        marks.update(source=x.op, output=output.op, inner=[value.op for value in inner])
        return output

    graph = tf.function(traced, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.float32)).graph
    order = graph.get_operations()  # in the order of their making: inputs first
    place = {op: i for i, op in enumerate(order)}
    edges = [(place[i.op], place[op]) for op in order for i in op.inputs if i.op in place]
    return len(order), edges, place[marks["source"]], place[marks["output"]], [place.get(op) for op in marks["inner"]]


def _flow_jax(fn, shape):
    import jax

    jaxpr = jax.make_jaxpr(fn)(jax.ShapeDtypeStruct(shape, "float32")).jaxpr
    place = {id(jaxpr.invars[0]): 0}
    edges = []
    for i, equation in enumerate(jaxpr.eqns, start=1):
        edges += [(place[id(v)], i) for v in equation.invars if id(v) in place]
        place.update({id(v): i for v in equation.outvars})
    output, *inner = (place.get(id(v)) for v in jaxpr.outvars)
    return len(jaxpr.eqns) + 1, edges, 0, output, inner


def _flow_torch(fn, shape):
    import torch

    with torch.enable_grad():
        x = ops.zeros(shape).requires_grad_()
        output, inner = fn(x)
    return _flow_of_autograd(x, output.grad_fn, [value.grad_fn for value in inner])


def _flow_of_autograd(x, output, inner):
    order, edges, seen, source = [], [], {}, None
    stack = [(output, False)]
    while stack:  # depth first; a node is placed after everything it was computed from
        node, done = stack.pop()
        if done:
            seen[node] = len(order)
            order.append(node)
            continue
        if node in seen:
            continue
        seen[node] = None
        stack.append((node, True))
        stack += [(parent, False) for parent, _ in node.next_functions if parent is not None and parent not in seen]
    for node in order:
        edges += [(seen[parent], seen[node]) for parent, _ in node.next_functions if parent is not None]
        if getattr(node, "variable", None) is x:
            source = seen[node]
    return len(order), edges, source, seen[output], [seen.get(node) for node in inner]


set_precision(_precision)

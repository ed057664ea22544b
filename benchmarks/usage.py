"""How much memory this process takes: the greatest resident size of its own, or of its share of a graphics card."""

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
RESET_PEAK = "5"  # written to clear_refs; see proc(5)


def peak():
    """Bytes of memory at most since the start, or since `forget_peak`.

    On Linux the kernel's VmHWM: getrusage counts what the parent held when this process was started, VmHWM does not.
    """
    if STATUS.exists():
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def now():
    """Bytes of memory at present; where the system does not tell, the most there was so far."""
    return _status("VmRSS") if STATUS.exists() else peak()


def forget_peak():
    """From here on `peak` counts anew. False where the system cannot do that."""
    try:
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def device_peak(framework):
    """Bytes of the graphics card's memory that this process held at most; None on a processor."""
    if framework == "jax":
        import jax

        return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    if framework == "torch":
        import torch

        return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] if cards else None


def device_name(framework):
    """What the graphics card is called, "NVIDIA H100 80GB HBM3"; None on a processor."""
    if framework == "jax":
        import jax

        return jax.local_devices()[0].device_kind if jax.default_backend() == "gpu" else None
    if framework == "torch":
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else None
    import tensorflow as tf

    cards = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(cards[0]).get("device_name") if cards else None


def forget_device_peak(framework):
    """From here on `device_peak` counts anew. False where the framework cannot do that: JAX counts from the start."""
    if framework == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        return True
    return False


def _status(field):
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024

"""One way of explaining in a process of its own: what `benchmarks.processes` starts and talks to.

Requests come as lines of JSON on standard input, answers go as lines of JSON to what was standard output; whatever the
libraries print goes to standard error.
"""

import gc
import importlib
import json
import os
import sys

from benchmarks import timing, usage

WAYS = {  # where each is, and the package it needs beside Keras
    "ours": ("benchmarks.ways", "Ours", None),
    "forward": ("benchmarks.ways", "Forward", None),
    "eager": ("benchmarks.ways", "Eager", "tensorflow"),
    "forward-pytorch": ("benchmarks.peers", "PyTorchForward", "torch"),
    "captum": ("benchmarks.peers", "Captum", "captum"),
    "pytorch-grad-cam": ("benchmarks.peers", "PyTorchGradCam", "pytorch_grad_cam"),
    "xplique": ("benchmarks.peers", "Xplique", "xplique"),
    "float64": ("benchmarks.float64", "Float64", None),
}


class Worker:
    """A way with its network loaded, and what this process has taken since."""

    def __init__(self, way, network, class_index, precision=None, **options):
        module, name, _ = WAYS[way]
        make = getattr(importlib.import_module(module), name)
        from explorer.network import backend

        if precision:
            backend.set_precision(precision)
        from benchmarks import networks

        self.framework, self.device = backend.name(), backend.device()
        self.way = make(networks.load(network), class_index, **options)
        self.forwards = {}  # steps -> the Forward of the same network
        gc.collect()
        self.at_rest = usage.now()
        usage.forget_peak()

    def about(self):
        from benchmarks import networks

        about = {"framework": self.framework, "device": self.device, "at_rest": self.at_rest}
        return about | {"where": networks.where()}

    def run(self, layers, steps, rounds=1, work="run"):
        """The seconds of each of `rounds` runs, and the most memory since the network was loaded. work: what of the
        way is run; "forward" is the plain forward pass of its network in its batches, the points on the device."""
        do = self.forward(layers, steps) if work == "forward" else getattr(self.way, work)
        seconds = [timing.seconds(lambda: do(layers, steps)) for _ in range(rounds)]
        peak = usage.peak()
        return {
            "seconds": seconds,
            "peak": peak,
            "above": peak - self.at_rest,
            "device_peak": usage.device_peak(self.framework),
        }

    def answers(self, layer, steps, file):
        import numpy as np

        np.savez(file, **self.way.answers(layer, steps))
        return {}

    def forget(self):
        usage.forget_peak()
        usage.forget_device_peak(self.framework)
        return {}

    # Of ours alone

    def answers_at(self, layers, steps, file):
        import numpy as np

        results = self.way.run(layers, steps)
        found = dict(zip(layers, results, strict=True))
        np.savez(file, **{f"{layer}:{one.method}": one.cam for layer, result in found.items() for one in result})
        return {}

    def forward(self, layers, steps):
        from benchmarks.ways import Forward

        if steps not in self.forwards:
            batches = self.way.batches(layers[0], steps)
            self.forwards[steps] = Forward(self.way.classifier, None, batches)
        return self.forwards[steps].on_device

    def batches(self, layer, steps):
        return {"batches": self.way.batches(layer, steps)}

    def block_ends(self):
        """The shallowest first."""
        return {"names": [layer.name for layer in self.way.classifier.block_ends]}

    def likeliest(self, layer):
        """The class of the picture."""
        return {"class_index": self.way.explain(layer, 1).class_index}

    def evaluations(self, layers, steps):
        """How many points of the path the network was asked about."""
        return {"evaluations": max(len(found.path.alphas) for found in self.way.run(layers, steps))}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = None
    for line in sys.stdin:
        request = json.loads(line)
        verb = request.pop("do")
        try:
            if verb == "begin":
                worker = Worker(**request)
                reply = worker.about()
            else:
                reply = getattr(worker, verb)(**request)
        except Exception as fault:
            reply = {"fault": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main()

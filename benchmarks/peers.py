"""The libraries of others as ways (see ways.py), each used as its own documentation says.

Those for PyTorch run where Keras runs on PyTorch too: the network is converted once and its Keras model let go, so that
the process holds one framework and one copy of the weights.
"""

import numpy as np

from benchmarks import networks, ways


class OnPyTorch:
    """A twin of the network, the points of the path as PyTorch takes them, on the graphics card where there is one."""

    def __init__(self, classifier, class_index, dtype="float32"):
        import torch

        from benchmarks.twin import Twin

        self.torch, self.class_index = torch, class_index
        self.place = {"device": "cuda" if torch.cuda.is_available() else "cpu", "dtype": getattr(torch, dtype)}
        self.network = Twin(classifier.model).to(**self.place)
        self.fed = ways.ends(classifier)
        self.ends = self.tensor(self.fed)

    def tensor(self, images):
        """(n, H, W, 3) -> (n, 3, H, W)"""
        return self.torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(**self.place)

    def points(self, steps):
        return self.tensor(ways.path_inputs(self.fed, steps))

    def done(self):
        if self.place["device"] == "cuda":
            self.torch.cuda.synchronize()


class PyTorchForward(OnPyTorch):
    """The plain forward pass of the twin, in batches of 16."""

    def run(self, layers, steps):
        with self.torch.inference_mode():
            logits = self.torch.cat([self.network(part) for part in self.points(steps).split(16)])
        return logits.float().cpu().numpy()

    def answers(self, layer, steps):
        return {"scores": self.run([layer], steps)[:, self.class_index]}


class Captum(OnPyTorch):
    """LayerConductance, one layer after the other. batch: captum's internal_batch_size; None is its default."""

    def __init__(self, classifier, class_index, batch=None, dtype="float32"):
        super().__init__(classifier, class_index, dtype)
        self.batch = batch

    def run(self, layers, steps):
        start, end = self.ends[:1], self.ends[1:]
        found = [self.conductance(layer, start, end, steps) for layer in layers]
        self.done()
        return found

    def conductance(self, layer, start, end, steps):
        from captum.attr import LayerConductance

        return LayerConductance(self.network, self.network.layer(layer)).attribute(
            end,
            baselines=start,
            target=self.class_index,
            n_steps=steps,
            method="riemann_trapezoid",
            internal_batch_size=self.batch,
        )

    def answers(self, layer, steps):
        """Its sum takes the left end of every interval; the path walked backwards, with the sign changed, the right."""
        backwards = self.conductance(layer, self.ends[1:], self.ends[:1], steps)
        return {"conductance": -backwards[0].detach().float().cpu().numpy().transpose(1, 2, 0)}


class PyTorchGradCam(OnPyTorch):
    """pytorch-grad-cam's GradCAM, of the picture alone or (whole_path) of every point of the path, one at a time."""

    def __init__(self, classifier, class_index, whole_path=False):
        super().__init__(classifier, class_index)
        let_torchvision_in()
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        class Recorded(GradCAM):
            def get_cam_image(self, *args, **kwargs):
                self.raw = super().get_cam_image(*args, **kwargs)
                return self.raw

        self.method, self.targets, self.whole_path = Recorded, [ClassifierOutputTarget(class_index)], whole_path

    def run(self, layers, steps):
        points = self.points(steps) if self.whole_path else self.ends[1:]
        for layer in layers:
            with self.method(self.network, [self.network.layer(layer)]) as cam:
                for point in points:
                    cam(point[None], self.targets)
        return cam.raw

    def answers(self, layer, steps):
        return {"grad_cam": np.maximum(self.run([layer], steps)[-1], 0)}


class Xplique:
    """xplique's GradCAM of the picture."""

    def __init__(self, classifier, class_index):
        from xplique.attributions import GradCAM

        self.method, self.picture = GradCAM, ways.ends(classifier)[1:]
        self.model = networks.logits(classifier.model)
        self.target = np.eye(len(classifier.class_names), dtype=np.float32)[None, class_index]
        self.explainers = {}  # kept, since each compiles a function of its own

    def run(self, layers, steps):
        for layer in layers:
            if layer not in self.explainers:
                self.explainers[layer] = self.method(self.model, conv_layer=layer)
            self.explainers[layer].explain(self.picture, self.target)

    def answers(self, layer, steps):
        """What its `explain` is about to enlarge to the size of the picture."""
        raw, original = [], self.method._apply_weights
        self.method._apply_weights = staticmethod(lambda *args: raw.append(original(*args)) or raw[-1])
        try:
            self.run([layer], steps)
        finally:
            self.method._apply_weights = staticmethod(original)
        return {"grad_cam": raw[-1][0].numpy()}


KEPT = []  # what PyTorch would forget with the object


def let_torchvision_in():
    """pytorch-grad-cam imports torchvision, for what is not used here. Beside a PyTorch without CUDA the operators of
    its published build are missing and it refuses to be imported; two names are all it looks for."""
    import torch

    try:
        import torchvision
    except RuntimeError:
        KEPT.append(torch.library.Library("torchvision", "FRAGMENT"))
        for name in ("nms", "qnms"):
            KEPT[-1].define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401

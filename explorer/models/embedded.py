"""The entry of ToyVGG."""

from pathlib import Path

from explorer.errors import Progress
from explorer.models import weights as files
from explorer.models.entry import DEFAULT, Entry
from explorer.models.keras_builders import built
from explorer.models.mixed_precision import in_precision
from explorer.models.toy import model as toy_vgg
from explorer.network.classifier import Classifier


class Embedded(Entry):
    def on_disk(self) -> Path | None:
        return toy_vgg.WEIGHTS if toy_vgg.WEIGHTS.is_file() else None

    def load(self, weights: Path | str | None = DEFAULT, progress: Progress | None = None) -> Classifier:
        if weights == DEFAULT:
            model = toy_vgg.load()
        else:
            model = built(toy_vgg.build)
            if weights is not None:
                files.read(model, weights, self.label, toy_vgg.WEIGHTS.name)
        return Classifier(
            self.name,
            in_precision(model),
            toy_vgg.preprocess,
            toy_vgg.class_names(),
            self.input_size,
            block_ends=self.block_ends,
        )


TOY_VGG = Embedded(
    "toy-vgg",
    "ToyVGG",
    "The embedded classifier: VGG-shaped, trained on scenes the project draws itself. Needs no download.",
    (toy_vgg.SIZE, toy_vgg.SIZE),
    0,
    tuple(f"block{i}_pool" for i in range(1, len(toy_vgg.WIDTHS) + 1)),
)

"""The networks of keras.applications, trained on ImageNet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from explorer.errors import Progress
from explorer.models import weights as files
from explorer.models.entry import DEFAULT, Entry
from explorer.models.keras_builders import built, remote_of
from explorer.models.mixed_precision import in_precision
from explorer.models.preprocessing import PREPROCESSINGS
from explorer.network.classifier import Classifier

if TYPE_CHECKING:
    from explorer.models.keras_builders import Remote


CLASS_NAMES = Path(__file__).resolve().parents[2] / "assets" / "imagenet_classes.json"


@cache
def class_names() -> tuple[str, ...]:
    """ImageNet's 1,000 names, in the order of the networks' outputs."""
    return tuple(json.loads(CLASS_NAMES.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Application(Entry):
    """builder: its name in keras.applications; alpha: its width, for those that come in several.
    parameters: how many numbers the network holds, four bytes each. file: its weights file, as Keras calls it.
    """

    builder: str
    alpha: float | None
    preprocessing: str
    parameters: int
    file: str

    def on_disk(self) -> Path:
        return files.on_disk(self.file)

    def load(self, weights: Path | str | None = DEFAULT, progress: Progress | None = None) -> Classifier:
        path = self._fetch(progress) if weights == DEFAULT else weights
        model = built(self._builder, weights=None, **self._arguments)
        if path is not None:
            files.read(model, path, self.label, self.file)
        preprocess = PREPROCESSINGS[self.preprocessing]
        model = in_precision(model)
        return Classifier(self.name, model, preprocess, class_names(), self.input_size, block_ends=self.block_ends)

    def remote(self) -> Remote:
        """Where Keras has the weights, and their hash."""
        return remote_of(self._builder, **self._arguments)

    def _fetch(self, progress):
        return self.on_disk() or files.fetch(self.remote(), self.download_bytes, self.name, progress)

    @property
    def _builder(self):
        return getattr(keras.applications, self.builder)

    @property
    def _arguments(self):
        return {"input_shape": (*self.input_size, 3)} | ({"alpha": self.alpha} if self.alpha is not None else {})


def _application(name, builder, size, preprocessing, parameters, file, block_ends, alpha=None):
    label = builder if alpha is None else f"{builder}, α = {alpha}"
    about = f"ImageNet's 1,000 classes, {size}×{size} pixels, {parameters / 1e6:.1f} million parameters."
    return Application(
        name,
        label,
        about,
        (size, size),
        4 * parameters,
        tuple(block_ends.split()),
        builder,
        alpha,
        preprocessing,
        parameters,
        file,
    )


_KERNELS = "_weights_tf_dim_ordering_tf_kernels"
_VGG = "block1_pool block2_pool block3_pool block4_pool block5_pool"
_RESNET_V2 = "conv1_conv conv2_block3_out conv3_block4_out conv4_block{}_out post_relu"
_MOBILENET = "conv_pw_1_relu conv_pw_3_relu conv_pw_5_relu conv_pw_11_relu conv_pw_13_relu"
_MOBILENET_V3 = "weights_mobilenet_v3_{}_224_1.0_float.h5"

# name, builder, input size, preprocessing, parameters, weights file, block ends
APPLICATIONS = (
    _application("vgg16", "VGG16", 224, "caffe", 138_357_544, f"vgg16{_KERNELS}.h5", _VGG),
    _application("vgg19", "VGG19", 224, "caffe", 143_667_240, f"vgg19{_KERNELS}.h5", _VGG),
    _application(
        "resnet50",
        "ResNet50",
        224,
        "caffe",
        25_636_712,
        f"resnet50{_KERNELS}.h5",
        "conv1_relu conv2_block3_out conv3_block4_out conv4_block6_out conv5_block3_out",
    ),
    _application("resnet50-v2", "ResNet50V2", 224, "tf", 25_613_800, f"resnet50v2{_KERNELS}.h5", _RESNET_V2.format(6)),
    _application(
        "resnet101-v2",
        "ResNet101V2",
        224,
        "tf",
        44_675_560,
        f"resnet101v2{_KERNELS}.h5",
        _RESNET_V2.format(23),
    ),
    _application(
        "inception-v3",
        "InceptionV3",
        299,
        "tf",
        23_851_784,
        f"inception_v3{_KERNELS}.h5",
        "activation_2 activation_4 mixed2 mixed7 mixed10",
    ),
    _application(
        "xception",
        "Xception",
        299,
        "tf",
        22_910_480,
        f"xception{_KERNELS}.h5",
        "block1_conv2_act add add_1 add_10 block14_sepconv2_act",
    ),
    _application("mobilenet-0.25", "MobileNet", 224, "tf", 475_544, "mobilenet_2_5_224_tf.h5", _MOBILENET, alpha=0.25),
    _application("mobilenet-0.5", "MobileNet", 224, "tf", 1_342_536, "mobilenet_5_0_224_tf.h5", _MOBILENET, alpha=0.5),
    _application(
        "mobilenet-0.75",
        "MobileNet",
        224,
        "tf",
        2_601_976,
        "mobilenet_7_5_224_tf.h5",
        _MOBILENET,
        alpha=0.75,
    ),
    _application("mobilenet", "MobileNet", 224, "tf", 4_253_864, "mobilenet_1_0_224_tf.h5", _MOBILENET),
    _application(
        "mobilenet-v2",
        "MobileNetV2",
        224,
        "tf",
        3_538_984,
        f"mobilenet_v2{_KERNELS}_1.0_224.h5",
        "expanded_conv_project_BN block_2_add block_5_add block_12_add out_relu",
    ),
    _application(
        "mobilenet-v3-small",
        "MobileNetV3Small",
        224,
        "none",
        2_554_968,
        _MOBILENET_V3.format("small"),
        "activation expanded_conv_project_bn expanded_conv_2_add expanded_conv_7_add activation_17",
    ),
    _application(
        "mobilenet-v3-large",
        "MobileNetV3Large",
        224,
        "none",
        5_507_432,
        _MOBILENET_V3.format("large"),
        "expanded_conv_add expanded_conv_2_add expanded_conv_5_add expanded_conv_11_add activation_19",
    ),
    _application(
        "densenet121",
        "DenseNet121",
        224,
        "torch",
        8_062_504,
        f"densenet121{_KERNELS}.h5",
        "conv1_relu conv2_block6_concat conv3_block12_concat conv4_block24_concat relu",
    ),
    _application(
        "nasnet-mobile",
        "NASNetMobile",
        224,
        "tf",
        5_326_716,
        "nasnet_mobile.h5",
        "stem_bn1 normal_concat_3 normal_concat_8 activation_187",  # every cell by-passes the one before it
    ),
    _application(
        "efficientnet-b0",
        "EfficientNetB0",
        224,
        "none",
        5_330_571,
        "efficientnetb0.h5",
        "block1a_project_bn block2b_add block3b_add block5c_add top_activation",
    ),
    _application(
        "efficientnet-b1",
        "EfficientNetB1",
        240,
        "none",
        7_856_239,
        "efficientnetb1.h5",
        "block1b_add block2c_add block3c_add block5d_add top_activation",
    ),
    _application(
        "efficientnet-b2",
        "EfficientNetB2",
        260,
        "none",
        9_177_569,
        "efficientnetb2.h5",
        "block1b_add block2c_add block3c_add block5d_add top_activation",
    ),
    _application(
        "efficientnet-b3",
        "EfficientNetB3",
        300,
        "none",
        12_320_535,
        "efficientnetb3.h5",
        "block1b_add block2c_add block3c_add block5e_add top_activation",
    ),
    _application(
        "efficientnet-v2-b0",
        "EfficientNetV2B0",
        224,
        "none",
        7_200_312,
        "efficientnetv2-b0.h5",
        "block1a_project_activation block2b_add block3b_add block5e_add top_activation",
    ),
    _application(
        "efficientnet-v2-s",
        "EfficientNetV2S",
        384,
        "none",
        21_612_360,
        "efficientnetv2-s.h5",
        "block1b_add block2d_add block3d_add block5i_add top_activation",
    ),
    _application(
        "convnext-tiny",
        "ConvNeXtTiny",
        224,
        "none",
        28_589_128,
        "convnext_tiny.h5",
        "add#3 add#6 add#15 add#18",  # its stages end in additions that Keras has no layer for
    ),
)

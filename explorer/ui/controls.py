"""The left column: everything a visitor can choose."""

from __future__ import annotations

import math
from abc import ABCMeta
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.attribution.methods import METHODS
from explorer.attribution.methods.variants import settings_of
from explorer.attribution.scores import SCORES
from explorer.engine.baselines import BASELINES
from explorer.engine.settings import Settings
from explorer.models import MODELS
from explorer.models.preprocessing import PREPROCESSINGS
from explorer.render.overlays import COLORMAPS, DEFAULT_COLORMAP
from explorer.ui import networks, text

if TYPE_CHECKING:
    from explorer.attribution.scores import Score


PICTURE_BASELINE = "picture"
MIN_EXPONENT = -12
OF_FIXED_STEPS = ("quadrature",)  # settings that go with a number of steps alone


@dataclass(frozen=True)
class Controls:
    """The settings as the page holds them: as components when wiring, as their values inside a handler."""

    model: Any
    head: Any
    class_index: Any
    layer: Any
    baseline: Any
    sigma: Any
    seed: Any
    colour: Any
    baseline_picture: Any
    automatic: Any
    steps: Any
    tolerance: Any
    score: Any
    integrated: Any
    methods: Any
    exponent: Any
    colormap: Any
    opacity: Any
    scale: Any
    number: Any  # of the result that the controls belong to; see `explorer.ui.state.Session.number`
    settings: Mapping[str, Any]  # those of SETTINGS, by name

    def all(self) -> list[Dropdown]:
        return [*(getattr(self, name) for name in OWN_CONTROLS), *self.settings.values()]

    @classmethod
    def of(cls, values: Sequence) -> Controls:
        """Those whose `all` is these values."""
        own = dict(zip(OWN_CONTROLS, values, strict=False))
        return cls(**own, settings=dict(zip(SETTINGS, values[len(own) :], strict=True)))

    @property
    def epsilon(self) -> float:
        return 10.0**self.exponent

    @property
    def sweep(self) -> Controls:
        """All that the network has to be asked for: two who agree in it ask the same."""
        return replace(self, exponent=None, colormap=None, opacity=None, scale=None, number=None)

    @property
    def baseline_spec(self) -> str:
        """The one word (or the picture) that `explorer.engine.baselines` understands."""
        words = {
            "blurred": f"blurred:{_written(self.sigma)}",
            "uniform-noise": f"uniform-noise:{_written(self.seed)}",
            "gaussian-noise": f"gaussian-noise:{_written(self.seed)}",
            "colour": f"colour:{self.colour}",
            PICTURE_BASELINE: self.baseline_picture,
        }
        return words.get(self.baseline, self.baseline)


OWN_CONTROLS = tuple(one.name for one in fields(Controls) if one.name != "settings")
DEFAULTS = {name: field.default for name, field in settings_of(Settings).items()}
# Every other setting has no control of its own making: what it is called and may be is said where it is declared
SETTINGS = {name: field for name, field in settings_of(Settings).items() if field.metadata["label"]}


def _written(number):
    """7.0 -> "7", as the field shows it."""
    return str(int(number)) if float(number).is_integer() else str(number)


# A list whose choices change with the result. A choice that was made from the list before is passed on, so that what
# becomes of it is decided, and said, in one place; Gradio's own refusal would reach the log alone. Made by ABCMeta, for
# Gradio's own metaclass writes a .pyi beside the file of every subclass.
Dropdown = ABCMeta.__new__(
    type(gr.Dropdown), "Dropdown", (gr.Dropdown,), {"__module__": __name__, "preprocess": lambda self, choice: choice}
)


@dataclass(frozen=True)
class Pictures:
    strip: gr.Gallery
    add: gr.UploadButton
    camera: gr.Image
    seen: gr.HTML


def pictures_column() -> Pictures:
    strip = gr.Gallery(
        label="Pictures",
        columns=5,
        height=152,
        allow_preview=False,
        interactive=False,
        elem_id="strip",
        object_fit="cover",
        buttons=[],
    )
    with gr.Row(elem_classes="tight"):
        add = gr.UploadButton(
            "Add pictures", file_count="multiple", size="sm", elem_id="add-pictures", variant="primary"
        )
        camera_button = gr.Button("Camera", size="sm")
    camera = gr.Image(sources=["webcam"], type="filepath", visible=False, label="Camera", height=220, elem_id="camera")
    camera_on = gr.State(False)
    camera_button.click(
        lambda on: (not on, gr.update(visible=not on)), camera_on, [camera_on, camera], api_visibility="private"
    )
    return Pictures(strip, add, camera, gr.HTML(elem_id="seen"))


def choices_column() -> tuple[Controls, dict[str, Any], dict[Any, tuple[str, ...]]]:
    """Build the controls -> (Controls of components, places among them that are written to, what the baselines'
    parameters are for)."""
    with gr.Group():
        model = Dropdown(networks.choices(), value=next(iter(MODELS)), label="Classifier", elem_id="model")
        head = Dropdown(label="Output of the network", visible=False, elem_id="head")
        class_index = Dropdown(label="Class, the most probable first", filterable=True, elem_id="class")
        layer = Dropdown(label="Layer, the last of each block first", filterable=True, elem_id="layer")
    with gr.Group(), gr.Row(elem_classes="tight"):
        with gr.Column(min_width=150, scale=3):
            kinds = [(kind.label, name) for name, kind in BASELINES.items()] + [("A picture of mine", PICTURE_BASELINE)]
            baseline = gr.Dropdown(
                kinds, value=DEFAULTS["baseline"], label="Baseline: the path begins at", elem_id="baseline"
            )
            sigma = gr.Number(10, label="Blur σ, pixels", visible=False, elem_id="sigma")
            seed = gr.Number(0, label="Seed of the noise", visible=False, elem_id="seed")
            colour = gr.ColorPicker("#808080", label="Colour", visible=False)
            # A File, not an Image: what cannot be read is then told by our own sentence
            own = gr.File(label="Picture", height=96, visible=False, elem_id="own-baseline", elem_classes="small-drop")
        preview = gr.HTML(elem_id="baseline-preview", min_width=90)
    with gr.Group(), gr.Row(elem_classes="tight"):
        with gr.Column(min_width=110, scale=1):
            automatic = gr.Checkbox(True, label="Automatic steps", elem_id="automatic")
            steps = gr.Number(DEFAULTS["steps"], label="Steps", step=10, elem_id="steps", min_width=90, visible=False)
        exponent = gr.Slider(
            MIN_EXPONENT,
            0,
            value=math.log10(DEFAULTS["epsilon"]),
            step=0.5,
            label=text.epsilon_label(DEFAULTS["epsilon"]),
            elem_id="epsilon",
            min_width=150,
            scale=2,
        )
    with gr.Accordion("Methods", open=False, elem_id="methods"):
        methods = gr.CheckboxGroup(
            [(method.label, key) for key, method in METHODS.items()],
            value=list(DEFAULTS["methods"]),
            show_label=False,
            container=False,
            elem_id="chosen-methods",
        )
        methods_note = gr.HTML(elem_id="methods-note")
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        tolerance = gr.Number(
            100 * DEFAULTS["tolerance"],
            label="Automatic steps: maps within this much of their limit, %",
            step=0.1,
            elem_id="tolerance",
        )
        score = Dropdown(score_choices(), value="probability", label="Score explained", elem_id="score")
        integrated = gr.Radio(
            [("as published", "published"), ("as in its authors' notebook", "notebook")],
            value="published",
            label="Integrated Grad-CAM",
            elem_id="integrated",
        )
        settings = {name: _control(name, field) for name, field in SETTINGS.items()}
        colormap = gr.Dropdown(list(COLORMAPS), value=DEFAULT_COLORMAP, label="Colours")
        opacity = gr.Slider(0, 1, value=0.6, step=0.05, label="Opacity of the heatmap")
        scale = gr.Radio([(words, key) for key, words in text.SCALES.items()], value="own", label="Colour scale")
    controls = Controls(
        model,
        head,
        class_index,
        layer,
        baseline,
        sigma,
        seed,
        colour,
        own,
        automatic,
        steps,
        tolerance,
        score,
        integrated,
        methods,
        exponent,
        colormap,
        opacity,
        scale,
        gr.Number(None, visible="hidden", elem_id="result-number"),
        settings,
    )
    parameters = {sigma: ("blurred",), seed: ("uniform-noise", "gaussian-noise"), colour: ("colour",)}
    places = {"preview": preview, "methods_note": methods_note}
    return controls, places, parameters | {own: (PICTURE_BASELINE,)}


def _control(name, field):
    """The control of a setting as `Settings` declares it: one of a few words, or a number."""
    label, choices = field.metadata["label"], field.metadata["choices"]
    if choices:
        # The rule of a sum goes with a number of steps, which the page does not open with
        return gr.Radio(
            list(choices), value=field.default, label=label, elem_id=name, visible=name not in OF_FIXED_STEPS
        )
    return gr.Number(field.default, label=label, elem_id=name)


def score_choices(available: dict[str, Score] = tuple(SCORES)) -> list[tuple[str, str]]:
    """Every score; those that this network does not allow say so."""
    return [(s.label if key in available else f"{s.label} · not available here", key) for key, s in SCORES.items()]


@dataclass(frozen=True)
class OwnNetwork:
    """Where a visitor of a server that allows it brings a network, or weights for one of the list."""

    file: gr.File
    labels: gr.File
    preprocessing: gr.Dropdown
    load: gr.Button
    weights: gr.Textbox
    load_weights: gr.Button


def own_network(allowed: bool) -> OwnNetwork:
    place = {"elem_id": "own-network", "elem_classes": "small-drop"}
    with gr.Accordion("Your own network", open=False, visible=allowed, **place):
        file = gr.File(label="A .keras file", height=96, elem_id="own-file")
        labels = gr.File(label="Labels (optional)", height=96, elem_id="own-labels")
        preprocessing = gr.Dropdown(
            [(f"{name}: {one.about}", name) for name, one in PREPROCESSINGS.items()],
            value="1/255",
            label="It is fed pixels as",
            allow_custom_value=True,
            elem_id="own-preprocessing",
        )
        load = gr.Button("Load this network", size="sm")
        weights = gr.Textbox(
            label="Or weights for the network chosen above: path of a file on this computer", elem_id="own-weights"
        )
        load_weights = gr.Button("Load these weights", size="sm")
    return OwnNetwork(file, labels, preprocessing, load, weights, load_weights)

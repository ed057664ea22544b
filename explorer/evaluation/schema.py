"""The table of an evaluation: one row a picture, layer and method. Documented in docs/evaluation.md."""

from dataclasses import dataclass

import pyarrow as pa

THRESHOLDS = tuple(percent / 100 for percent in range(0, 100, 5))  # of the heatmap: a region is where it is above
OVERLAPS = ("iou", "iob", "ior")


@dataclass(frozen=True)
class Column:
    name: str
    kind: pa.DataType
    about: str


def overlap(measure: str, threshold: float) -> str:
    """The name of a column: "iou_25" holds the intersection over union at the threshold 0.25."""
    return f"{measure}_{round(100 * threshold):02d}"


COLUMNS = (
    Column("index", pa.int32(), "place of the picture in the set, from 0"),
    Column("image", pa.string(), "its path below the folder, or the scene's name"),
    Column("class_index", pa.int32(), "class that is explained"),
    Column("class_name", pa.string(), "its name"),
    Column("predicted_index", pa.int32(), "most probable class"),
    Column("labelled", pa.bool_(), "whether the class explained was given, not predicted"),
    Column("p", pa.float64(), "Y, probability of the class explained for the picture"),
    Column("complement", pa.float64(), "1 − p, free of cancellation"),
    Column("boxes", pa.int32(), "number of boxes; empty where none were given for the set"),
    Column("box_share", pa.float64(), "share of the picture that their union covers"),
    Column("layer", pa.string(), "layer whose map it is"),
    Column("depth", pa.int32(), "place of the layer among those evaluated, from 0, in the order of the forward pass"),
    Column("method", pa.string(), "key of the method"),
    Column("verdict", pa.string(), "ok, dark, blank or non-finite, as the page says"),
    Column("raw_minimum", pa.float64(), "of the raw map L, up-sampled to the size the network sees"),
    Column("raw_mean", pa.float64(), "its mean before normalisation (Figure 13)"),
    Column("raw_maximum", pa.float64(), "its maximum"),
    Column("spread", pa.float64(), "max L − min L: the heatmap is dark at every ε above it (Figure 15)"),
    Column("heatmap_mean", pa.float64(), "mean after normalisation (26) (Figure 14)"),
    Column("dark", pa.bool_(), "spread < ε; blank maps, for which no ε can help, among them"),
    Column("blank", pa.bool_(), "zero everywhere"),
    Column("masked_p", pa.float64(), "O, probability of the class for the explanation map E = heatmap ⊙ picture"),
    Column("drop", pa.float64(), "max(0, Y − O)/Y (27), as a share"),
    Column("increase", pa.bool_(), "Y < O (28)"),
    Column("energy", pa.float64(), "share of the heatmap's mass inside the boxes (Figure 19)"),
    Column("pointing", pa.bool_(), "whether the heatmap's maximum is inside a box"),
    Column("insertion", pa.float64(), "area under p while pixels are put into the blurred picture, the highest first"),
    Column("deletion", pa.float64(), "area under p while pixels are blacked out, the highest first"),
    Column("completeness_gap", pa.float64(), "of the path, relative; empty where the layer does not cut the network"),
    Column("points", pa.int32(), "points of the path"),
    *(
        Column(overlap(measure, threshold), pa.float64(), words.format(f"{threshold:.2f}"))
        for measure, words in zip(
            OVERLAPS,
            (
                "|R ∩ B|/|R ∪ B|, R where the heatmap is above {}, B the boxes (Figures 20, 21)",
                "|R ∩ B|/|B|, the same",
                "|R ∩ B|/|R|, the same; empty where nothing is above the threshold",
            ),
            strict=True,
        )
        for threshold in THRESHOLDS
    ),
)

SCHEMA = pa.schema([(column.name, column.kind) for column in COLUMNS])
ERRORS = pa.schema([("index", pa.int32()), ("image", pa.string()), ("reason", pa.string())])

"""A result as files to take home: pictures, raw arrays, and every setting and result as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from explorer.arrays import Array
from explorer.errors import InputError
from explorer.render.overlays import DEFAULT_COLORMAP, overlay
from explorer.render.sheet import side_by_side

if TYPE_CHECKING:
    from explorer.attribution.methods.base import PointMethod
    from explorer.engine.result import Result


CLASSES_LISTED = 5

__all__ = ["free_stem", "record", "save", "side_by_side", "written"]


def save(
    result: Result,
    directory: str,
    stem: str,
    colormap: str = DEFAULT_COLORMAP,
    opacity: float = 0.5,
    picture: str | None = None,
) -> list[Path]:
    """Write one result to a directory, which is made where it is missing; return the paths written.

    <stem>.png           the figure of `side_by_side`
    <stem>_<method>.png  each method's overlay, at the size the network sees
    <stem>.npz           <method>_cam (h, w) and <method>_heatmap (H, W), float32; alphas, scores (T,)
    <stem>.json          what `record` says; `picture` is the name or path of what was explained

    Files of these names are replaced. Raises InputError where the directory cannot be written to.
    """
    directory = Path(directory)
    overlays = {e.method: overlay(result.image, e.heatmap, colormap, opacity) for e in result}
    figure = side_by_side(result, colormap, opacity)
    content = record(result, colormap, opacity, picture)
    paths = written(directory, stem, overlays)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        Image.fromarray(figure).save(paths["figure"])
        for method, pixels in overlays.items():
            Image.fromarray(pixels).save(paths[method])
        np.savez_compressed(paths["arrays"], **arrays(result))
        paths["record"].write_text(as_json(content), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"Results are written to a folder that can be written to, but '{directory}' cannot "
            f"({error.strerror or error}): choose another one."
        ) from error
    return list(paths.values())


def written(directory: Path | str, stem: str, methods: dict) -> dict[str, Path]:
    """The files of one result, by what they hold: "figure", "arrays", "record", and each method's key."""
    names = {"figure": f"{stem}.png", "arrays": f"{stem}.npz", "record": f"{stem}.json"}
    names |= {method: f"{stem}_{method}.png" for method in methods}
    return {part: Path(directory) / name for part, name in names.items()}


def free_stem(directory: str, stem: str, methods: dict[str, PointMethod], claimed_before: set[str]) -> str:
    """The stem, numbered where its files would replace one of `taken`, a set of paths; its files join the set.

    Two pictures called alike do not overwrite each other's results, nor do results overwrite a picture that was
    explained; upper and lower case count as the same, as they do on many disks.
    """
    number, candidate = 1, stem
    while (claimed := {_same(path) for path in written(directory, candidate, methods).values()}) & claimed_before:
        number += 1
        candidate = f"{stem}-{number}"
    claimed_before |= claimed
    return candidate


def claim(paths: list[str]) -> set[str]:
    """Paths as `free_stem` compares them."""
    return {_same(path) for path in paths}


def arrays(result: Result) -> dict[str, Array]:
    """The raw maps, the heatmaps and the score along the path, by name."""
    arrays = {"alphas": np.asarray(result.path.alphas), "scores": np.asarray(result.path.scores)}
    for explanation in result:
        arrays[f"{explanation.method}_cam"] = explanation.cam
        arrays[f"{explanation.method}_heatmap"] = explanation.heatmap
    return arrays


def record(
    result: Result, colormap: str = DEFAULT_COLORMAP, opacity: float = 0.5, picture: str | None = None
) -> dict[str, Any]:
    """Every setting and every result but the arrays, as plain values; a number that is not finite becomes None."""
    ranked = np.argsort(-np.asarray(result.probabilities), kind="stable")[:CLASSES_LISTED]
    names = result.classifier.class_names
    layer = result.layer
    return _plain(
        {
            "picture": None if picture is None else str(picture),
            "settings": {
                **result.settings,
                "epsilon": result.epsilon,
                "colormap": colormap,
                "opacity": opacity,
            },
            "class_index": result.class_index,
            "class_name": result.class_name,
            "probability": result.probability,
            "one_minus_probability": result.complement,
            "most_probable": [
                {"class_index": i, "class_name": names[i], "probability": result.probabilities[i]} for i in ranked
            ],
            "layer": {"name": layer.name, "shape": layer.shape, "cuts": layer.separates},
            "score_at_baseline": result.path.scores[0],
            "score_at_picture": result.path.scores[-1],
            "completeness_gap": result.completeness_gap,
            "points": len(result.path.alphas),
            "estimated_error": result.estimated_error,
            "methods": {explanation.method: _method(explanation) for explanation in result},
        }
    )


def as_json(values: Array) -> str:
    """Strict JSON, which every reader takes: there is no NaN in it."""
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _method(explanation):
    verdict = explanation.verdict
    return {
        "label": explanation.label,
        "verdict": str(verdict),
        "reason": verdict.reason,
        "advice": verdict.advice,
        **explanation.statistics,
    }


def _plain(value):
    """NumPy's numbers and arrays, tuples and mappings as JSON knows them."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _same(path):
    return str(Path(path).resolve()).casefold()

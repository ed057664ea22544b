"""How near automatic steps come to the limit, and with how many points, beside evenly spaced ones.

    python -m benchmarks.automatic PHOTOGRAPH... --network mobilenet-v2 --layers block_13_expand_relu out_relu
    python -m benchmarks.automatic --network toy-vgg --count 24          scenes drawn for it, none of them trained on

The limit is the trapezoid over 1,000 steps. Networks: what `python -m explorer models` lists, with --weights where they
are not Keras' own, or a .keras or .h5 file. What was measured for other networks stays in the table. It takes some
1,400 points of the path for each picture and layer, forth and back.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import explorer
from benchmarks import networks, results
from benchmarks.rules import SHOWN, Question, errors
from explorer.engine.images import load_image
from explorer.models.toy.scenes import draw_scene

SCENES = 41  # first word of the seeds of the scenes: none of them is learnt from or checked on
WITHIN = 0.005  # the goal, and the tolerance that is the default
POINTS = (16, 24, 32)  # of automatic steps that are told one by one
EVENLY = {
    "16, evenly, trapezoid": lambda q: q.evenly(16, "trapezoid"),
    "16, Gauss–Legendre": lambda q: q.gauss_legendre(16),
    "16, right end-points": lambda q: q.evenly(16, "right"),
    "51, evenly, trapezoid": lambda q: q.evenly(51, "trapezoid"),
    "65, evenly, trapezoid": lambda q: q.evenly(65, "trapezoid"),
    "65, right end-points": lambda q: q.evenly(65, "right"),
}
DEFAULT = f"as needed, {100 * WITHIN:g} %"


def measured(classifier, picture, layer):
    """{way: [errors, a method; points; estimated error or None]} of one picture."""
    question = Question(classifier, picture, layer)
    reference = question.reference()
    found = {way: [*errors(made(question), reference), None, None] for way, made in EVENLY.items()}
    rounds = [(points, told, errors(maps, reference)) for points, told, maps in question.automatic()]
    for points, told, off in rounds:
        if points in POINTS:
            found[f"{points}, automatic"] = [*off, points, told]
    enough = next((one for one in rounds if one[1] <= WITHIN), rounds[-1])
    return found | {DEFAULT: [*enough[2], enough[0], enough[1]]}


def rows_of(kept):
    """Table rows of {"network / layer": [{way: [...]}, one a picture]}."""
    rows = []
    for place, pictures in kept.items():
        ways = [f"{points}, automatic" for points in POINTS] + [*EVENLY, DEFAULT]
        for way in ways:
            values = [one[way] for one in pictures if way in one]
            if not values:
                continue
            off = np.array([value[: len(SHOWN)] for value in values], float)
            cells = [f"{percent(np.median(column))}, {percent(np.quantile(column, 0.9))}" for column in off.T]
            within = f"{np.mean((off <= WITHIN).all(axis=1)):.0%}"
            rows.append([*place.split(" / "), len(values), way, *cells, within])
    return rows


def text_of(kept):
    columns = ["network", "layer", "pictures", "points", "RSI-Grad-CAM", "Integrated Grad-CAM", "both within 0.5 %"]
    placed = [["network", "layer", "points: median, 90 %, most", "estimate ≥ error"]]
    for place, pictures in kept.items():
        points = [one[DEFAULT][2] for one in pictures]
        above = np.mean([one[DEFAULT][3] >= max(one[DEFAULT][: len(SHOWN)]) for one in pictures])
        counts = f"{np.median(points):.0f}, {np.quantile(points, 0.9):.0f}, {max(points)}"
        placed.append([*place.split(" / "), counts, f"{above:.0%}"])
    return "\n\n".join(
        [
            "### Automatic steps",
            f"{networks.where()}. Errors: median and 90th percentile over the pictures, relative L2 of unit-norm maps.",
            results.table(columns, rows_of(kept)),
            "How many points the default tolerance took, and how often its estimate was at least the true error:",
            results.table(placed[0], placed[1:]),
        ]
    )


def percent(share):
    return f"{100 * share:.2g} %"


def loaded(name, weights):
    if name.endswith(".h5"):
        model = keras.models.load_model(name, compile=False)
        return explorer.from_model(model, name=Path(name).stem, preprocessing="1/255")
    return explorer.load(name, **({"weights": weights} if weights else {}))  # None would be untrained


def pictures_of(asked):
    """uint8 RGB pictures: those named, every few of a folder's, or scenes."""
    if not asked.photographs:
        return [draw_scene((SCENES, i), "one").image for i in range(asked.count)]
    paths = sorted(asked.photographs)
    return [load_image(path) for path in paths[:: max(1, len(paths) // asked.count)][: asked.count]]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", nargs="*")
    parser.add_argument("--network", default="toy-vgg")
    parser.add_argument("--weights", help="a file, where they are not the network's own")
    parser.add_argument("--layers", nargs="*", help="by default the ends of the last two blocks")
    parser.add_argument("--count", type=int, default=24, help="how many pictures at most")
    parser.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md is")
    asked = parser.parse_args(arguments)

    classifier = loaded(asked.network, asked.weights)
    pictures = pictures_of(asked)
    kept = results.recall(asked.folder).get("automatic", {})
    for layer in asked.layers or networks.block_ends(classifier)[-2:]:
        found = []
        for picture in pictures:
            found.append(measured(classifier, picture, layer))
            off = " / ".join(percent(one) for one in found[-1][DEFAULT][:2])
            print(f"{classifier.name}, {layer}: {found[-1][DEFAULT][2]} points, off by {off}", flush=True)
        kept[f"{classifier.name} / `{layer}`"] = found
        results.keep("automatic", kept, asked.folder)
    text = text_of(kept)
    results.write_section("automatic", text, asked.folder)
    print("\n" + text)


if __name__ == "__main__":
    main()

"""Where the time of an evaluation goes: what each part of one picture takes, beside a plain forward pass.

    python -m benchmarks.evaluation [--network vgg-19] [--steps 50] [--pictures 8] [--rounds 3]

The pictures are JPEG files of 500 × 375 pixels, about ImageNet's average; the layers are the ends of the last two
blocks, the methods the three.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks import networks, results
from benchmarks.timing import interleaved, ratio, seconds
from explorer.engine.images import fit
from explorer.engine.sweep import LARGEST_BATCH
from explorer.evaluation.journal import Journal
from explorer.evaluation.measuring import Outcome, measure
from explorer.evaluation.pictures import folder, load
from explorer.evaluation.questions import Questions
from explorer.models.spec import Network
from explorer.models.toy.scenes import draw_scene

HEIGHT, WIDTH = 375, 500


def written(path, count):
    """So many scenes as JPEG files in a folder of their own."""
    for seed in range(count):
        picture = cv2.resize(draw_scene((9, seed), size=WIDTH).image, (WIDTH, HEIGHT))
        cv2.imwrite(str(path / f"{seed}.jpg"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return folder(path)


def ways(classifier, items, asked, place):
    """{part: a function that does it for all the pictures and returns its seconds}."""
    whole, swept = asked, replace(asked, curve_steps=0)
    samples = [load(item) for item in items]
    rows = measure(classifier, items[0], whole).rows
    batch = np.stack([fit(samples[0].image, *classifier.input_size)] * LARGEST_BATCH["CPU"])
    passes = (asked.steps + 1) / len(batch)
    kept = iter(range(10**9))

    def explained(questions):
        read = dict(zip(items, samples, strict=True)).get
        return lambda: seconds(lambda: [measure(classifier, item, questions, read) for item in items])

    def append():
        journal = Journal(tempfile.mkdtemp(dir=place))
        return seconds(lambda: [journal.append(Outcome(next(kept), "a.jpg", "evaluated", rows=rows)) for _ in items])

    return {
        "forward": lambda: seconds(lambda: classifier.values(batch)) * passes * len(items),
        "read and decode": lambda: seconds(lambda: [load(item) for item in items]),
        "sweep and its measures": explained(swept),
        "all, insertion and deletion too": explained(whole),
        "keep the rows": append,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="vgg-19")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=results.FOLDER, help="where RESULTS.md is")
    asked = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory() as place:
        classifier = networks.load(asked.network)
        (Path(place) / "pictures").mkdir()
        items = written(Path(place) / "pictures", asked.pictures)
        questions = Questions(network=Network(asked.network), steps=asked.steps).checked(classifier)
        times = interleaved(ways(classifier, items, questions, place), asked.rounds, print)
        line = len((next(Path(place).glob("tmp*/journal.jsonl"))).read_bytes()) / asked.pictures
    rows = [
        [name, ratio(times, name, "forward"), f"{np.median(took) / asked.pictures:.3g}"] for name, took in times.items()
    ]
    text = "\n\n".join(
        [
            f"### Evaluation: {asked.network} at {' and '.join(f'`{name}`' for name in questions.layers)}, "
            f"{asked.steps} steps, three methods",
            f"{networks.where()}; the median of {asked.rounds} rounds of {asked.pictures} pictures. “forward” is a "
            f"plain forward pass over {asked.steps + 1} pictures. A picture takes {line / 1000:.1f} kB of the journal.",
            results.table(["part", "time ÷ forward", "seconds a picture"], rows),
        ]
    )
    results.write_section(f"evaluation-{asked.network}", text, asked.folder)
    print("\n" + text)


if __name__ == "__main__":
    main()

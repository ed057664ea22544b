"""One picture measured: every column against an answer obtained another way."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.attribution.metrics import ranks
from explorer.engine.baselines import make_baseline
from explorer.engine.images import fit
from explorer.engine.run import explain
from explorer.errors import InputError
from explorer.evaluation import measuring
from explorer.evaluation.boxes import Marked
from explorer.evaluation.measuring import measure
from explorer.evaluation.pictures import Item, Sample
from explorer.evaluation.questions import PAPER, Questions, Rules
from explorer.evaluation.schema import SCHEMA, THRESHOLDS
from explorer.models.spec import Network
from support import networks

BOXES = ((6, 2, 20, 14), (16, 10, 30, 22))  # in a picture of 24 × 32
STEPS = 4


@pytest.fixture(scope="module")
def net():
    return networks.make()[0]


@pytest.fixture(scope="module")
def questions(net):
    asked = Questions(network=Network("net"), layers=("features", "pool"), steps=STEPS, curve_steps=5)
    return asked.checked(net)


def item(index=3):
    return Item(index, f"picture {index}.png", None, None)


def sample(classes=(), boxes=BOXES, labels=None, seed=0):
    """A picture twice as large as the network's, so that boxes have to be fitted."""
    marked = None if boxes is None else Marked(boxes, labels or (None,) * len(boxes), None)
    return Sample(networks.picture(seed, 24, 32), classes, marked)


def reading(*classes, **more):
    """The same, as it is read."""
    return lambda item: sample(*classes, **more)


@pytest.fixture(scope="module")
def evaluated(net, questions):
    return measure(net, item(), questions, reading())


def softmax64(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


def test_a_row_for_every_layer_and_method_in_their_order(evaluated, questions):
    assert (evaluated.index, evaluated.status, evaluated.reason) == (3, "evaluated", "")
    assert [(row["layer"], row["method"]) for row in evaluated.rows] == [
        (layer, method) for layer in ("pool", "features") for method in questions.methods
    ], "layers from front to back, whatever the order they were asked for in"
    assert all(list(row) == SCHEMA.names for row in evaluated.rows), "every row has every column of the table"
    assert {row["depth"] for row in evaluated.rows if row["layer"] == "features"} == {1}


def test_the_class_and_its_probability(evaluated, net):
    logits = net.logits(fit(sample().image, *net.input_size)[None])[0]
    p = softmax64(logits)
    row = evaluated.rows[0]
    assert row["class_index"] == row["predicted_index"] == int(p.argmax()) and not row["labelled"]
    assert row["p"] == pytest.approx(p.max()) and row["complement"] == pytest.approx(1 - p.max())


def test_every_map_measured_the_long_way(evaluated, net, questions):
    """Pixel by pixel and picture by picture, from the maps that explain() gives."""
    picture = fit(sample().image, *net.input_size)
    mask = np.zeros(net.input_size, bool)
    mask[1:7, 3:10] = mask[5:11, 8:15] = True  # the boxes, in a picture half as large
    for row in evaluated.rows:
        found = explain(net, picture, row["layer"], row["class_index"], steps=STEPS)[row["method"]]
        raw, heatmap = found.raw.astype(np.float64), found.heatmap.astype(np.float64)
        assert row["raw_minimum"] == raw.min() and row["raw_maximum"] == raw.max()
        assert row["raw_mean"] == pytest.approx(raw.mean()) and row["heatmap_mean"] == pytest.approx(heatmap.mean())
        assert row["spread"] == raw.max() - raw.min() and row["dark"] == (row["spread"] < 1e-8)
        assert row["blank"] == (not raw.any()) and row["verdict"] == found.verdict
        assert row["boxes"] == 2 and row["box_share"] == mask.mean()
        assert row["energy"] == pytest.approx(heatmap[mask].sum() / heatmap.sum())
        assert row["pointing"] == bool(mask.flat[heatmap.argmax()])
        for threshold in THRESHOLDS:
            region = heatmap > threshold
            name = f"iou_{round(100 * threshold):02d}"
            assert row[name] == pytest.approx((region & mask).sum() / (region | mask).sum()), name
        _assert_changed_pictures(row, net, picture, raw, heatmap)


def _assert_changed_pictures(row, net, picture, raw, heatmap):
    said = lambda changed: float(softmax64(net.logits(changed[None])[0])[row["class_index"]])  # noqa: E731
    before, after = said(picture), said(heatmap[..., None] * picture)
    assert row["masked_p"] == pytest.approx(after, rel=1e-5)
    assert row["drop"] == pytest.approx(max(0, before - after) / before, abs=1e-5)
    assert row["increase"] == (after > before)
    order = np.argsort(ranks(raw).ravel())  # which of equal values comes first is tested in test_metrics.py
    black, blurred = make_baseline("black", picture), make_baseline("blurred", picture)
    for name, start, end in (("insertion", blurred, picture), ("deletion", picture, black)):
        curve = []
        for step in range(6):
            changed = start.reshape(-1, 3).copy()
            some = order[: int(np.ceil(step * raw.size / 5))]
            changed[some] = end.reshape(-1, 3)[some]
            curve.append(said(changed.reshape(picture.shape)))
        assert row[name] == pytest.approx(np.trapezoid(curve, dx=1 / 5), rel=1e-4), name


def test_without_boxes_what_needs_them_is_empty(net, questions):
    row = measure(net, item(), questions, reading(boxes=None)).rows[0]
    assert row["boxes"] is row["box_share"] is row["energy"] is row["pointing"] is row["iou_25"] is None
    assert row["drop"] is not None and row["insertion"] is not None, "and nothing else"


def test_insertion_and_deletion_can_be_left_out(net, questions):
    row = measure(net, item(), replace(questions, curve_steps=0), reading()).rows[0]
    assert row["insertion"] is row["deletion"] is None and row["drop"] is not None


def test_the_class_of_a_picture_is_explained_where_it_is_known(net, questions, evaluated):
    other = (evaluated.rows[0]["predicted_index"] + 1) % networks.CLASSES
    row = measure(net, item(), questions, reading((networks.CLASS_NAMES[other],))).rows[0]
    assert (row["class_index"], row["labelled"]) == (other, True) and row["predicted_index"] != other
    predicted = evaluated.rows[0]["class_name"]
    row = measure(net, item(), questions, reading((networks.CLASS_NAMES[other], predicted))).rows[0]
    assert row["class_name"] == predicted, "of a picture of two classes the one that is more probable"


def test_boxes_of_other_classes_do_not_count(net, questions, evaluated):
    own = evaluated.rows[0]["class_name"]
    rival = next(name for name in networks.CLASS_NAMES if name != own)
    row = measure(net, item(), questions, reading(labels=(own, rival))).rows[0]
    assert row["boxes"] == 1 and row["box_share"] == pytest.approx(42 / 192), "the first, 6 × 7 of 12 × 16 pixels"
    row = measure(net, item(), questions, reading(labels=(own, "no class"))).rows[0]
    assert row["boxes"] == 2, "a word that names no class of the network does not say that it is another one"
    row = measure(net, item(), questions, reading(labels=(rival, rival))).rows[0]
    assert row["boxes"] == 0 and row["energy"] is None, "nothing to lie on"


@pytest.mark.parametrize(
    ("rules", "changes", "reason"),
    [
        (PAPER, {"classes": True, "boxes": BOXES[:1]}, None),
        (Rules(correct=True), {"classes": False, "boxes": BOXES}, "most probable class is not the picture's"),
        (Rules(one_box=True), {"classes": True, "boxes": BOXES}, "not exactly one box"),
        (Rules(box_under=0.4), {"classes": True, "boxes": BOXES}, "boxes cover 40% of the picture or more"),
        (Rules(box_under=0.5), {"classes": True, "boxes": BOXES}, None),
        (PAPER, {"classes": False, "boxes": BOXES}, "most probable class is not the picture's"),
    ],
)
def test_the_rules_of_the_paper(net, questions, evaluated, rules, changes, reason):
    own = evaluated.rows[0]["class_name"]
    other = next(name for name in networks.CLASS_NAMES if name != own)
    given = reading((own if changes["classes"] else other,), changes["boxes"])
    found = measure(net, item(), replace(questions, rules=rules), given)
    assert (found.status, found.reason) == (("dropped", reason) if reason else ("evaluated", ""))
    assert bool(found.rows) == (reason is None), "what is dropped has no rows"


def test_what_is_wrong_with_a_picture_is_its_own_affair(net, questions, tmp_path, monkeypatch):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    found = measure(net, Item(0, "broken.png", str(broken), None), questions)
    assert found.status == "failed" and "'broken.png'" in found.reason and not found.rows

    def unreadable(item):
        raise InputError("It could not be read ahead.")

    found = measure(net, item(), questions, unreadable)
    assert (found.status, found.reason) == ("failed", "It could not be read ahead.")
    found = measure(net, item(), questions, reading(("unicorn",)))
    assert found.status == "failed" and "'unicorn'" in found.reason and "7" in found.reason
    monkeypatch.setattr(measuring, "answer", lambda *given, **more: 1 / 0)
    found = measure(net, item(), questions, reading())
    assert found.status == "failed" and "ZeroDivisionError" in found.reason, "nor does a fault of ours end the run"


def test_what_would_be_wrong_with_every_picture_is_told_at_once(net):
    asked = Questions(network=Network("net"), steps=STEPS)
    assert asked.checked(net).layers == tuple(layer.name for layer in net.block_ends[-2:]), "the last two blocks' ends"
    for wrong in (
        {"layers": ("attic",)},
        {"methods": ("magic",)},
        {"steps": 0},
        {"epsilon": -1},
        {"score": "luck"},
        {"baseline": "plaid"},
        {"methods": ("cam",)},
    ):
        assert networks.refused(lambda wrong: replace(asked, **wrong).checked(net), wrong)
    for wrong in (-1, 1, 2.5, True, 10**6):
        assert "received" in networks.refused(lambda steps: Questions(network=Network("net"), curve_steps=steps), wrong)
    assert "received" in networks.refused(Rules, False, False, 1.5)

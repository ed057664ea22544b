"""The benchmarks: only what agrees is compared, the tables hold what was measured, and nothing else is overwritten.

No time is asserted. Peers are tested where they are installed (requirements-bench.txt).
"""

import importlib.util
import json
import re

import numpy as np
import pytest

from benchmarks import agreement, charts, compare, gpu_tables, results, scaling, timing, usage
from benchmarks.processes import Fault, Process, missing
from explorer.network import backend
from support import ROOT

LAYER, STEPS = "block2", 6


@pytest.fixture(scope="module")
def tiny():
    """The small network, ours on it, and the class of the picture."""
    from benchmarks import networks, ways

    classifier = networks.load("tiny")
    class_index = ways.Ours(classifier, None).explain(LAYER, 1).class_index
    return classifier, ways.Ours(classifier, class_index), class_index


# What agrees


def test_what_agrees_is_told_and_what_does_not_is_refused():
    ours = {"grad_cam": np.array([[0.0, 2.0], [1.0, 0.5]]), "other": np.ones(3)}
    assert agreement.agreement({"grad_cam": ours["grad_cam"] + 1e-5}, ours) == {"grad_cam": pytest.approx(5e-6)}
    with pytest.raises(agreement.Disagreement, match=r"grad_cam differs by 1\.5e-05"):
        agreement.agreement({"grad_cam": ours["grad_cam"] + 3e-5}, ours)
    with pytest.raises(agreement.Disagreement, match="nothing that both compute"):
        agreement.agreement({"rsi": np.ones(3)}, ours)
    with pytest.raises(agreement.Disagreement, match="shapes"):
        agreement.agreement({"other": np.ones((1, 3))}, ours)
    with pytest.raises(agreement.Disagreement, match="blank"):
        agreement.agreement({"other": np.zeros(3)}, {"other": np.zeros(3)})
    with pytest.raises(agreement.Disagreement, match="finite"):
        agreement.agreement({"other": np.full(3, np.nan)}, ours)


def test_distance_is_of_the_pictures_not_their_brightness():
    a = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert agreement.distance(100 * a, a) == pytest.approx(0, abs=1e-12), "a brighter map is the same picture"
    assert agreement.distance([[0, 1], [0, 0]], [[1, 0], [0, 0]]) == pytest.approx(np.sqrt(2)), "nothing in common"
    assert agreement.distance(np.zeros((2, 2)), a) == 1 and agreement.distance(0 * a, 0 * a) == 0, "blank maps"


def test_the_plain_implementation_and_the_forward_pass_agree_with_ours(tiny):
    from benchmarks import ways

    classifier, ours, class_index = tiny
    expected = ours.answers(LAYER, STEPS)
    assert {"grad_cam", "integrated_grad_cam", "rsi_grad_cam", "scores", "conductance"} <= expected.keys()
    forward = ways.Forward(classifier, class_index, [4, 3])
    assert agreement.agreement(forward.answers(LAYER, STEPS), expected).keys() == {"scores"}
    with pytest.raises(ValueError, match="add up"):
        ways.Forward(classifier, class_index, [4, 4]).run([LAYER], STEPS)
    if backend.name() == "tensorflow":
        eager = ways.Eager(classifier, class_index, batch=4).answers(LAYER, STEPS)
        assert len(agreement.agreement(eager, expected)) == 3, "all three methods"
        short = ways.Eager(classifier, class_index).answers(LAYER, STEPS - 1)
        with pytest.raises(agreement.Disagreement):
            agreement.agreement(short, expected)


def test_ours_at_several_layers_is_ours_at_each(tiny):
    _, ours, _ = tiny
    both = ours.run(["block1", "block2"], STEPS)
    for found, layer in zip(both, ["block1", "block2"], strict=True):
        for explanation in ours.explain(layer, STEPS):
            assert agreement.off(found[explanation.method].cam, explanation.cam) < 1e-5, f"{explanation.label}, {layer}"


def test_batches_are_those_the_path_went_through_in(tiny):
    _, ours, _ = tiny
    assert sum(ours.batches(LAYER, 40)) == 41 and max(ours.batches(LAYER, 40)) < 41, "every point once, in batches"


PEERS = [row for row in compare.ROWS if row.way not in ("forward", "eager")]


@pytest.mark.other_backend
@pytest.mark.parametrize("row", PEERS, ids=lambda row: row.label)
def test_a_peer_agrees_with_ours(row, tiny):
    if package := missing(row.way):
        pytest.skip(f"{package} is not installed here: `make bench` installs it")
    _, ours, class_index = tiny
    with Process(row.way, "tiny", class_index, row.framework, **row.options) as process:
        found = process.answers(LAYER, STEPS)
        other = process.answers(LAYER, STEPS - 2)
        reply = process.run([LAYER], STEPS)
    differences = agreement.agreement(found, ours.answers(LAYER, STEPS))
    assert max(differences.values()) <= agreement.BOUND
    if "conductance" in found:
        with pytest.raises(agreement.Disagreement):
            agreement.agreement(other, ours.answers(LAYER, STEPS))
    assert len(reply["seconds"]) == 1 and reply["peak"] >= reply["above"] >= 0, "time and memory of one run"


def test_the_twin_refuses_layers_it_does_not_know():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed here: `make bench` installs it")
    import keras

    from benchmarks.twin import Twin

    x = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="DepthwiseConv2D"):
        Twin(keras.Model(x, keras.layers.DepthwiseConv2D(3)(x)))
    with pytest.raises(ValueError, match="strides are 1"):
        Twin(keras.Model(x, keras.layers.Conv2D(2, 3, strides=2, padding="same")(x)))
    with pytest.raises(ValueError, match="tanh"):
        Twin(keras.Model(x, keras.layers.Conv2D(2, 3, activation="tanh")(x)))


# Processes of their own


def test_a_process_tells_its_faults_and_its_end(tiny):
    with Process("ours", "tiny", tiny[2]) as process:
        assert process.about["device"] and process.ask("block_ends")["names"] == ["block1", "block2"]
        with pytest.raises(Fault, match="no spatial layer called 'nowhere'"):
            process.run(["nowhere"], STEPS)
        found = process.answers(LAYER, STEPS)
        process._child.kill()
        with pytest.raises(Fault, match="process ended"):
            process.run([LAYER], STEPS)
    assert agreement.agreement(found, tiny[1].answers(LAYER, STEPS)), "the same numbers in every process"


def test_the_double_precision_reference_is_near_and_not_the_same(tiny):
    if backend.name() == "jax":
        pytest.skip("JAX decides on double precision when it starts")
    with Process("float64", "tiny", tiny[2], backend.name()) as process:
        exact = process.answers(LAYER, 12)
    found = tiny[1].__class__(tiny[0], tiny[2], score="probability").answers(LAYER, 12)
    for method in ("grad_cam", "integrated_grad_cam", "rsi_grad_cam"):
        assert exact[method].dtype == np.float64
        assert 0 < agreement.distance(found[method], exact[method]) < 1e-5, f"{method}: rounding, and no more"


def test_memory_is_counted_from_the_peak():
    assert usage.forget_peak(), "Linux can forget the peak"
    before = usage.peak()
    held = np.ones(30_000_000 // 8)
    del held
    assert usage.peak() >= before + 25_000_000, "what was held for a moment counts"


# Tables


def test_ratios_are_taken_within_a_round():
    order, clock = [], iter([9, 9, 1.0, 2.0, 10.0, 10.0, 2.0, 6.0])
    ways = {name: lambda name=name: order.append(name) or next(clock) for name in ("a", "b")}
    times = timing.interleaved(ways, 3)
    assert order == ["a", "b"] * 4, "one after the other in every round, the first to warm up"
    assert times == {"a": [1.0, 10.0, 2.0], "b": [2.0, 10.0, 6.0]}, "the first round is not counted"
    found = timing.ratio(times, "b", "a")
    assert (found.median, found.lowest, found.highest) == (2, 1, 3) and str(found) == "2.00 (1.00–3.00)"


def test_a_section_is_replaced_and_nothing_else(tmp_path):
    file = tmp_path / "RESULTS.md"
    before, after = "# Cost\n\nBy hand.\n\n", "\n\nBetween.\n\n<!-- b -->\nb\n<!-- end of b -->\n"
    file.write_text(f"{before}<!-- a -->\nold\n<!-- end of a -->{after}")
    results.write_section("a", "new\n\n| x |", tmp_path)
    whole = file.read_text()
    assert whole == f"{before}<!-- a -->\nnew\n\n| x |\n<!-- end of a -->{after}"
    results.write_section("a", "new\n\n| x |", tmp_path)
    assert file.read_text() == whole, "the same again changes nothing"
    results.write_section("c", "last", tmp_path)
    assert file.read_text() == whole + "\n<!-- c -->\nlast\n<!-- end of c -->\n", "a new one comes at the end"


@pytest.mark.parametrize(
    "text",
    [
        "<!-- a -->\nno end\n",
        "no beginning\n<!-- end of a -->\n",
        "<!-- end of a -->\n<!-- a -->\n",
        "<!-- a -->\n<!-- end of a -->\n<!-- a -->\n<!-- end of a -->\n",
        "<!-- a -->\n<!-- b -->\nb\n<!-- end of b -->\n<!-- end of a -->\n",
    ],
)
def test_broken_marks_are_left_to_a_person(text, tmp_path):
    (tmp_path / "RESULTS.md").write_text(text)
    with pytest.raises(ValueError, match="mend the marks"):
        results.write_section("a", "new", tmp_path)
    assert (tmp_path / "RESULTS.md").read_text() == text, "nothing is written"
    assert list(tmp_path.iterdir()) == [tmp_path / "RESULTS.md"], "and nothing is left lying about"


def test_measurements_are_kept_beside_each_other(tmp_path):
    results.keep("a", {"x": 1}, tmp_path)
    results.keep("b", [2], tmp_path)
    assert results.recall(tmp_path) == {"a": {"x": 1}, "b": [2]}
    assert results.size(812_000_000) == "812 MB" and results.size(1_400_000_000) == "1.40 GB"


def test_the_shipped_results_hold_every_section_once():
    text = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    for name in ("forward-vgg19", "compare-resnet50-50", "scaling", "batches", "memory", "gpu"):
        assert text.count(f"<!-- {name} -->") == 1 == text.count(f"<!-- end of {name} -->"), name


def test_who_does_not_agree_is_in_the_table_untimed():
    captum, xplique = compare.ROWS[3], compare.ROWS[-1]
    timed = {"peak": 2e9, "above": 1e9}
    seats = [
        compare.Seat(compare.OURS, process="p", off=0.0, reply=timed),
        compare.Seat(captum, process="p", off=3e-6, reply=timed),
        compare.Seat(xplique, reason="not timed: grad_cam differs", disagrees=True),
    ]
    lines = compare.table(seats, {compare.OURS.label: [1.0, 2.0], captum.label: [3.0, 8.0]}).splitlines()
    assert [line.split(" | ")[3] for line in lines[2:4]] == ["1", "3.50 (3.00–4.00)"]
    assert "2.00 GB | 1.00 GB" in lines[3] and "3e-06" in lines[3]
    assert "not timed: grad_cam differs" in lines[4] and not re.search(r"\d\.\d\d", lines[4])


# The graphics card's tables, and the charts


def test_figures_of_a_graphics_card_are_laid_out_by_precision():
    figures = {"ms": 25.64, "memory": 5_800_000_000, "evaluations": 201, "where": "JAX · H200"}
    kept = {
        "time": {
            "vgg19 / 200 / jax / tf32 / `block5_pool`": figures,
            "vgg19 / 200 / jax / float32 / `block5_pool`": figures | {"ms": 99.0, "memory": None},
            "vgg19 / 200 / captum / tf32 / `block5_pool`": figures | {"ms": 61.0},
        },
        "error": {
            "vgg19 / 200 / jax / bfloat16 / `block5_pool`": {
                "grad_cam": 0.01,
                "integrated_grad_cam": 0.02,
                "rsi_grad_cam": 0.03,
            }
        },
    }
    text = gpu_tables.text(kept)
    assert "| vgg19 | 200 | ours, jax | `block5_pool` | 201 | 99.0 ms | 25.6 ms, 5.80 GB |" in text
    assert "| vgg19 | 200 | captum | `block5_pool` | 201 |  | 61.0 ms, 5.80 GB |" in text
    assert "| vgg19 | 200 | jax | bfloat16 | `block5_pool` | 1.0e-02 | 2.0e-02 | 3.0e-02 |" in text
    assert text.count("* JAX · H200") == 1, "the place once"


@pytest.mark.process
def test_gpu_command_without_a_card_says_so(capsys, monkeypatch, tmp_path):
    from benchmarks import gpu

    if backend.device() == "GPU":
        pytest.skip("there is a graphics card here")
    monkeypatch.setenv("KERAS_BACKEND", backend.name())
    gpu.main(["--network", "tiny", "--steps", "4", "--folder", str(tmp_path)])
    assert "sees no graphics card here, so nothing is measured" in capsys.readouterr().out
    assert not (tmp_path / "RESULTS.md").exists(), "and nothing is written"


@pytest.mark.process
def test_gpu_command_on_a_processor_writes_its_section(monkeypatch, tmp_path):
    from benchmarks import gpu

    monkeypatch.setenv("KERAS_BACKEND", backend.name())
    gpu.main(
        [
            "--network",
            "tiny",
            "--steps",
            "4",
            "--rounds",
            "1",
            "--folder",
            str(tmp_path),
            "--allow-cpu",
            "--precisions",
            "float32",
            "--parts",
            "error",
        ]
    )
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert text.count(f"| tiny | 50 | {backend.name()} | float32 |") == 2, "each block end"
    errors = json.loads((tmp_path / "measured.json").read_text())["gpu"]["error"]
    assert all(off < 1e-5 for found in errors.values() for off in found.values()), "single precision's rounding"


CURVES = {
    "ours": {"time": [1.0, 2.0], "above": [1e8, 1e8]},
    "captum": {"time": [2.0, 9.0], "above": [1e9, 3e9]},
}


def test_charts_show_what_was_measured(tmp_path):
    part = {"places": [10, 20], "curves": CURVES}
    drawn = charts.figures({"steps": part, "layers": part, "layer_steps": 10})
    assert drawn.keys() == {"cost-steps.svg", "cost-layers.svg"}
    lines = {(line.name, line.xaxis): tuple(line.y) for line in drawn["cost-steps.svg"].data}
    assert lines[("captum", "x")] == (2.0, 9.0) and lines[("captum", "x2")] == (1.0, 3.0), "time, and gigabytes"
    for figure in drawn.values():
        assert all(axis.title.text for axis in (figure.layout.xaxis, figure.layout.yaxis, figure.layout.yaxis2))
    assert "| 20 | 2.00, 100 MB | 9.00, 3.00 GB |" in scaling.table("steps", [10, 20], CURVES)


def test_curves_are_in_units_and_not_in_seconds():
    found = scaling.in_units({"ours": {"seconds": [3.0, 6.0], "above": [1, 2]}}, 1.5)
    assert found == {"ours": {"time": [2.0, 4.0], "above": [1, 2]}}


def test_the_pins_of_the_benchmarks_are_exact():
    lines = (ROOT / "requirements-bench.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins[0] == "-r requirements.txt" and all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in pins[1:])

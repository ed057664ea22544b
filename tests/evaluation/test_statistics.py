"""Means, intervals, rolling averages and counts of an evaluation's table, each against another way to have it."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.errors import InputError
from explorer.evaluation import statistics
from explorer.evaluation.schema import SCHEMA, THRESHOLDS, overlap
from explorer.evaluation.statistics import dark_against_epsilon, interval, intervals, paired, rolling, unpaired, window
from explorer.evaluation.table import Table
from explorer.formatting import raw_with_interval, with_interval
from support import evaluated

RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def made():
    return Table.of_rows(evaluated.plausible())


def test_the_interval_of_a_normal_sample_is_the_one_of_theory():
    sample = RNG.normal(3, 2, 400)
    mean, low, high = interval(sample)
    error = sample.std(ddof=1) / 20
    assert mean == pytest.approx(sample.mean()), "the middle is the sample's mean"
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.15 * error), (
        "for a large normal sample the bootstrap gives mean ± 1.96 s/√n"
    )


def test_95_of_100_intervals_hold_the_true_mean():
    samples = RNG.exponential(1.0, (400, 60))
    held = [low <= 1 <= high for _, low, high in (interval(sample, 400) for sample in samples)]
    assert 0.89 < np.mean(held) < 0.98, "60 skewed values: a little under 95 %, as is known of the percentile bootstrap"


def test_the_bootstrap_is_that_of_a_plain_loop():
    values = RNG.normal(size=30)
    loop = np.random.default_rng(5)
    means = [values[loop.integers(0, 30, 30)].mean() for _ in range(20_000)]
    expected = np.percentile(means, [2.5, 97.5])
    assert interval(values, 20_000)[1:] == pytest.approx(expected, abs=0.02), "pictures are drawn with replacement"


@pytest.mark.parametrize("place", [0, 4, 9])
def test_every_picture_is_drawn_as_often_as_any_other(place):
    low, high = interval(np.arange(10) == place)[1:]
    assert (low, high) == pytest.approx((0, 0.3)), "the 2.5th and 97.5th percentile of Binomial(10, 0.1)/10"


def test_an_interval_is_the_same_each_time_and_in_whatever_pieces(monkeypatch):
    values = RNG.random((50, 3))
    first = intervals(values)
    assert np.array_equal(first, intervals(values)), "it is seeded"
    monkeypatch.setattr(statistics, "AT_ONCE", 170)
    assert np.allclose(first, intervals(values), rtol=1e-12), "memory is bounded without changing what is drawn"
    assert [column[1] for column in first] == pytest.approx(interval(values[:, 1])), "each column is as if alone"


def test_what_is_not_finite_is_left_out():
    values = np.array([0.2, np.nan, 0.4, np.inf, 0.9])
    assert interval(values) == interval([0.2, 0.4, 0.9]), "an empty field is no picture"
    assert np.isnan(interval([])).all() and np.isnan(interval([np.nan])).all(), "no values, no numbers"
    assert interval([0.5])[0] == 0.5 and np.isnan(interval([0.5])[1:]).all(), "one picture tells nothing of the spread"


def test_a_paired_difference_is_far_surer_than_an_unpaired_one():
    hardness = RNG.normal(0, 10, 200)
    a, b = hardness + 1 + RNG.normal(0, 0.1, 200), hardness + RNG.normal(0, 0.1, 200)
    assert paired(a, b) == interval(a - b), "it is the mean of the differences"
    assert paired(a, b).low > 0.9, "what pictures have in common cancels"
    assert unpaired(a, b).low < 0 < unpaired(a, b).high, "and does not where the pictures are others"
    with_gap = a.copy()
    with_gap[0] = np.nan
    assert paired(with_gap, b) == paired(a[1:], b[1:]), "a picture counts that has both"


def test_an_unpaired_interval_is_the_one_of_theory():
    a, b = RNG.normal(1, 1, 300), RNG.normal(0, 3, 500)
    mean, low, high = unpaired(a, b)
    error = np.sqrt(a.var(ddof=1) / 300 + b.var(ddof=1) / 500)
    assert mean == pytest.approx(a.mean() - b.mean()), "the difference of the means"
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.08), "variances of the two groups add up"


@pytest.mark.parametrize("width", [1, 7, 40])
def test_rolling_averages_are_those_of_a_slow_loop(width):
    p, values = RNG.random(40), RNG.random(40)
    values[3] = np.nan
    pairs = sorted((a, b) for a, b in zip(p, values, strict=True) if b == b)
    slow = [np.mean(pairs[i : i + width], axis=0) for i in range(len(pairs) - width + 1)]
    found = np.transpose(rolling(p, values, width))
    assert found.shape == (max(0, 40 - width), 2), "one mean a place of the window; none where it is wider than the set"
    assert np.allclose(found, np.reshape(slow, (-1, 2))), "each window is averaged, p and value alike"


def test_the_window_is_a_thousand_or_a_tenth():
    assert [window(n) for n in (3, 10, 99, 5000, 12_525)] == [1, 1, 9, 500, 1000], "whichever is less, at least one"


def test_dark_heatmaps_are_counted_as_by_hand():
    spreads = {0: 1e-5, 1: 3e-9, 2: 1e-8, 3: 0.0, 4: 1e-12}
    sure = {0: 0.1, 1: 1e-6, 2: 1e-5, 3: 0.5, 4: 1e-10}
    table = Table.of_rows(
        [evaluated.row(i, spread=spreads[i], blank=i == 3, p=1 - sure[i], complement=sure[i]) for i in spreads]
    )
    found = dark_against_epsilon(table, "block5_pool", "rsi_grad_cam", (1e-4, 1e-8, 1e-12, 1e-16))
    assert [dark.count for dark in found] == [4, 2, 0, 0], "strictly below ε, the blank map apart"
    assert found[1].p == pytest.approx(1 - (1e-6 + 1e-10) / 2), "the mean p of pictures 1 and 4"
    assert found[1].complement == pytest.approx((1e-6 + 1e-10) / 2), "and of 1 − p, without cancellation"
    assert np.isnan(found[3].p), "no dark heatmap, no mean"


def test_the_summary_is_the_table_s_means(made):
    found = {(line.layer, line.method, line.measure): line for line in statistics.summary(made)}
    rows = evaluated.plausible()
    for layer in evaluated.LAYERS:
        for method in evaluated.METHODS:
            here = [row for row in rows if (row["layer"], row["method"]) == (layer, method)]
            for key in ("raw_mean", "dark", "drop", "increase", "energy", "iou_25", "deletion"):
                values = [row[key] for row in here if row[key] is not None]
                line = found[layer, method, key]
                assert line.mean == pytest.approx(np.mean(values)), f"the mean {key} of {method} at {layer}"
                assert line.count == len(values), "and of how many pictures"
                assert line.low < line.mean < line.high, "inside its interval"
            over = [np.mean([row[overlap("ior", t)] for t in THRESHOLDS]) for row in here if row["ior_00"] is not None]
            assert found[layer, method, "ior_mean"].mean == pytest.approx(np.mean(over)), "thresholds, then pictures"


def test_a_mean_over_thresholds_is_of_all_of_them():
    rows = evaluated.plausible()[:2]
    rows[1] |= {overlap("ior", t): None for t in THRESHOLDS[1:]} | {overlap("ior", 0.0): 0.3}
    found = statistics.measured(Table.of_rows(rows), "ior_mean")
    assert np.isfinite(found[0]) and np.isnan(found[1]), "a dark heatmap's one region is not compared with twenty"


def test_pairs_are_rsi_grad_cam_less_the_other(made):
    rows = {(row["index"], row["layer"], row["method"]): row for row in evaluated.plausible()}
    found = {(line.layer, line.method, line.measure): line for line in statistics.pairs(made)}
    assert {method for _, method, _ in found} == {"grad_cam", "integrated_grad_cam"}, "each other method once"
    for layer in evaluated.LAYERS:
        both = [(rows[i, layer, "rsi_grad_cam"]["energy"], rows[i, layer, "grad_cam"]["energy"]) for i in range(120)]
        differences = [a - b for a, b in both if None not in (a, b)]
        line = found[layer, "grad_cam", "energy"]
        assert (line.mean, line.count) == (pytest.approx(np.mean(differences)), len(differences)), "picture by picture"
        assert 0 < line.count < 120, "pictures with a blank map have no energy to compare"
    assert not any(measure == "completeness_gap" for *_, measure in found), "which is the path's, not the method's"


def test_measures_without_values_are_left_out():
    table = Table.of_rows(evaluated.plausible(20, boxes=False))
    assert not {"energy", "iou_mean", "pointing"} & {line.measure for line in statistics.summary(table)}, "no boxes"
    assert statistics.summary(Table.of_rows([])) == [] == statistics.pairs(Table.of_rows([])), "no rows, no lines"


def test_a_table_reads_its_columns_from_a_file(tmp_path, made):
    rows = evaluated.plausible()
    shuffled = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    pq.write_table(pa.Table.from_pylist(shuffled, SCHEMA), tmp_path / "results.parquet", row_group_size=50)
    table = Table.read(tmp_path / "results.parquet")
    assert table.layers == evaluated.LAYERS and table.methods == evaluated.METHODS, "the deepest layer last"
    assert len(table) == 720 and table.pictures == 120, "rows and pictures"
    for layer in table.layers:
        here = table.of(layer, "grad_cam")
        assert list(table["index"][here]) == list(range(120)), "in the order of pictures, however the rows lie"
        for name in ("energy", "dark", "p"):
            expected = made[name][made.of(layer, "grad_cam")]
            assert np.array_equal(table[name][here], expected, equal_nan=True), f"the same {name} as from the rows"
    assert table["energy"].dtype == table["dark"].dtype == np.float64, "truth values are numbers, empty is NaN"
    assert table["image"][table.of("block5_pool", "grad_cam")[4]] == "picture_4.png", "text stays text"


def test_both_is_the_pictures_that_two_have_in_common():
    table = Table.of_rows(
        [*(evaluated.row(i, method="grad_cam") for i in (5, 1, 3)), *(evaluated.row(i) for i in (3, 4, 5))]
    )
    a, b = table.both(("block5_pool", "grad_cam"), ("block5_pool", "rsi_grad_cam"))
    assert list(table["index"][a]) == list(table["index"][b]) == [3, 5], "row by row the same picture"


def test_a_file_that_is_no_table_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "results.parquet"
    with pytest.raises(InputError, match=r"could not be read as one: run it again"):
        Table.read(path)
    path.write_bytes(b"not Parquet")
    with pytest.raises(InputError, match="Parquet file"):
        Table.read(path)
    pq.write_table(pa.table({"index": [1]}), path)
    with pytest.raises(InputError, match="lacks"):
        Table.read(path)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.33214, 0.2929, 0.3722), ("33 %", "29 to 37 %")),
        ((0.33214, 0.3129, 0.3522), ("33.2 %", "31.3 to 35.2 %")),
        ((0.33214, 0.3309, 0.3333), ("33.21 %", "33.09 to 33.33 %")),
        ((-0.0004, -0.05, 0.05), ("0 %", "−5 to 5 %")),
        ((0.0, 0.0, 0.0), ("0 %", "0 to 0 %")),
        ((0.5, np.nan, np.nan), ("50 %", "")),
    ],
)
def test_no_more_digits_than_the_interval_supports(numbers, words):
    assert with_interval(*numbers, share=True) == words, "half of the interval is 3 to 30 units of the last digit"


def test_raw_values_are_written_in_powers_of_ten():
    assert with_interval(2.57e-9, 1.5e-9, 4.04e-9) == ("2.6e-9", "1.5e-9 to 4e-9"), "where fractions would be all zeros"
    assert raw_with_interval(-2.57e-4, -4e-4, 1e-12) == ("−0.00026", "−0.0004 to 1e-12"), (
        "two digits, whatever the decade"
    )

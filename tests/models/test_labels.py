"""The names of the classes of a network of one's own."""

import pytest

from explorer.errors import InputError
from explorer.models.custom import load_custom
from explorer.models.labels import read_labels
from support.keras_files import is_one_sentence, save, small_network


@pytest.mark.parametrize(
    ("file", "held"),
    [
        ("labels.txt", b"ant\nbee\ncat\ndog"),
        ("labels.txt", b"\xef\xbb\xbfant\r\nbee \r\n cat\r\ndog\r\n\r\n\n"),
        ("labels.txt", "ant\nbee\ncat\ndog\n".encode("utf-16")),
        ("labels.json", b'["ant", "bee", "cat", "dog"]'),
        ("labels", b'\xef\xbb\xbf{"0": "ant", "2": "cat", "1": "bee", "3": "dog"}'),
        ("index.json", b'{"3": ["n4", "dog"], "0": ["n1", "ant"], "1": ["n2", "bee"], "2": ["n3", "cat"]}'),
        ("index.json", b'[["n1", "ant"], ["n2", "bee"], ["n3", "cat"], ["n4", "dog"]]'),
    ],
)
def test_labels_are_read_in_every_form(tmp_path, file, held):
    (tmp_path / file).write_bytes(held)
    assert read_labels(tmp_path / file) == read_labels(str(tmp_path / file)) == ("ant", "bee", "cat", "dog")


def test_labels_of_the_same_name_are_told_apart(tmp_path):
    assert read_labels(["crane", "dog", "Crane"]) == ("crane (0)", "dog", "Crane (2)")
    classifier = load_custom(save(small_network(), tmp_path / "own.keras"), ["crane", "dog", "crane", "cat"])
    assert classifier.class_index("crane (2)") == 2
    with pytest.raises(InputError, match=r"(crane \(\d\).*){2}"):
        classifier.class_index("crane")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (b"ant\n\nbee", "line 2"),
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"ant\xff\xfe\xfa", "UTF-8"),
        (b'["ant", "bee"', "not valid"),
        (b"{}", "none"),
        (b'{"0": "ant", "2": "bee"}', "1 is missing"),
        (b'["ant", 5]', "class 1"),
        (b'["ant", ["n1", "x", "bee"]]', "class 1"),
        (b'["ant", " "]', "class 1"),
        (b"[" * 100_000, "not valid"),
        (b"x\n" * (6 << 20), "10 MiB"),
    ],
)
def test_labels_that_cannot_be_read_are_refused(tmp_path, held, said):
    (tmp_path / "labels.txt").write_bytes(held)
    with pytest.raises(InputError, match=said) as told:
        read_labels(tmp_path / "labels.txt")
    assert is_one_sentence(str(told.value))


@pytest.mark.parametrize("count", [1, 3, 5])
def test_labels_of_the_wrong_number_are_refused_with_both_numbers(tmp_path, count):
    path = save(small_network(), tmp_path / "own.keras")
    with pytest.raises(InputError, match=rf"\b4\b.*\b{count}\b|\b{count}\b.*\b4\b") as told:
        load_custom(path, [f"label {i}" for i in range(count)])
    assert is_one_sentence(str(told.value))


def test_labels_that_are_missing_are_told(tmp_path):
    with pytest.raises(InputError, match=r"'none\.txt' could not be opened"):
        read_labels(tmp_path / "none.txt")

"""The pictures of an evaluation: which, in what order, with which classes and boxes."""

import json
import os
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from explorer.engine.images import FORMATS
from explorer.errors import InputError
from explorer.evaluation import wordnet
from explorer.evaluation.boxes import Marked, fitted
from explorer.evaluation.matching import suffixes
from explorer.evaluation.pictures import EVALUATING, class_of, folder, load, scenes
from explorer.models.keras_applications import class_names
from explorer.models.toy.classes import NAMES
from explorer.models.toy.curriculum import CHECKING, LEARNING
from explorer.models.toy.scenes import draw_scene
from explorer.network.name_lookup import find_class
from support.annotations import refused, write, xml

WIDTH, HEIGHT = 100, 60
FILES = ("b/dog.JPEG", "b/a.png", "a.bmp", "c/deep/er.webp")


@pytest.fixture
def pictures(tmp_path):
    """A folder of four pictures among other things, each of a colour of its own."""
    root = tmp_path / "pictures"
    for i, name in enumerate(FILES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT), (40 * i, 0, 0)).save(root / name)
    for name in ("notes.txt", ".hidden.png", ".cache/old.png", "b/._dog.JPEG", "b/dog.xml"):
        write(root / name, b"no picture")
    return root


def names(items):
    return [item.name for item in items]


def test_every_picture_of_a_folder_once_and_in_order(pictures):
    items = folder(pictures)
    assert names(items) == ["a.bmp", "b/a.png", "b/dog.JPEG", "c/deep/er.webp"], "hidden and other files are left out"
    assert [item.index for item in items] == [0, 1, 2, 3]
    sample = load(pickle.loads(pickle.dumps(items[1])))
    assert sample.image.shape == (HEIGHT, WIDTH, 3) and (sample.image == (40, 0, 0)).all(), "as it is in its file"
    assert sample.classes == () and sample.marked is None, "nothing is known of it"
    assert names(folder(pictures, limit=2)) == names(items)[:2] and len(folder(pictures, limit=9)) == 4


def test_a_picture_is_found_from_wherever_it_is_read(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "boxes" / "dog.xml", xml(("n1", 1, 2, 3, 4)))
    item = folder("pictures", "boxes")[2]
    monkeypatch.chdir("/")
    assert load(item).marked.boxes == ((1, 2, 3, 4),), "another process may work in another folder"


def test_every_suffix_of_the_formats_that_are_read():
    assert {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".jp2"} <= suffixes()
    assert not suffixes() & {".pdf", ".eps", ".xml", ".csv", ".txt", ".svg"} and len(suffixes()) >= len(FORMATS)


@pytest.mark.parametrize(("name", "said"), [("none", "'none' is none"), ("c/empty", "has none"), ("a.bmp", "'a.bmp'")])
def test_where_there_are_no_pictures_that_is_told(pictures, name, said):
    (pictures / "c" / "empty").mkdir()
    refused(folder, pictures / name, said=said)


def test_a_limit_below_one_is_refused(pictures):
    refused(folder, pictures, None, "predicted", 0, said="limit of 0")
    refused(scenes, 0, said="count of 0")


def test_classes_are_the_folders_names(pictures):
    assert [item.classes for item in folder(pictures, classes="folders")] == [("pictures",), ("b",), ("b",), ("deep",)]


@pytest.mark.parametrize(
    "held",
    [
        'file,wnid,class_index,class_name\na.bmp,n1,3,ant\nb/a.png,n1,4,"crane, the bird"\ndog,n2,5,bee\n',
        "\ufeffClass_Index , PATH\r\n 3,a.bmp\r\n4,b\\a.png\r\n\r\n5,/somewhere/b/dog.JPEG\r\n",
        "label,class,image,class_index\nant,x,a,3\nbee,y,b/a,4\ncat,z,dog,5\n",
        "class_name,name,class\nant,a,3\nbee,b/a,4\ncat,dog,5\n",
    ],
)
def test_classes_of_a_table(pictures, tmp_path, held):
    labels = write(tmp_path / "labels.csv", held)
    items = folder(pictures, classes=str(labels))
    assert [item.classes for item in items] == [("3",), ("4",), ("5",), ()], "the index goes before a name"
    assert [item.problem is None for item in items] == [True, True, True, False]
    refused(load, items[3], said="'labels.csv', but that of c/deep/er.webp is not")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("file,colour\na.bmp,red\n", "class_index or class or label"),
        ("class\n3\n", "file or filename"),
        ("file,class\nother.jpg,3\n", "that of a.bmp is not"),
        ("file,class\na.bmp,\n", "that of a.bmp is not"),
        ("file,class\n", "that of a.bmp is not"),
    ],
)
def test_a_table_without_classes_is_refused_at_once(pictures, tmp_path, held, said):
    refused(folder, pictures, None, write(tmp_path / "labels.csv", held), said=said)


def test_classes_that_are_nothing_of_the_kind_are_refused(pictures):
    refused(folder, pictures, None, "guessed", said="predicted, folders, boxes or a CSV file; received 'guessed'")
    refused(folder, pictures, None, "boxes", said="say where the boxes are")


def test_boxes_and_classes_of_one_set_of_xml_files(pictures, tmp_path):
    boxes = tmp_path / "boxes"
    write(boxes / "dog.xml", xml(("n02", 10, 20, 40, 50), ("n01", 0, 0, 100, 60)))
    write(boxes / "b" / "a.xml", xml())
    write(boxes / "er.xml", xml(("n03", 40, 20, 10, 50)))
    items = folder(pictures, boxes, "boxes")
    assert items[2].classes == ("n02",), "the label of the first box"
    sample = load(items[2])
    assert sample.marked == Marked(((10, 20, 40, 50), (0, 0, 100, 60)), ("n02", "n01"), (100, 60))
    refused(load, items[3], said="xmin < xmax")
    refused(load, items[1], said="label of its first box, but b/a.png has none")
    refused(load, items[0], said="does not tell them apart")


def test_wrong_boxes_stop_their_picture_alone(pictures, tmp_path):
    found = tmp_path / "boxes.csv"
    items = folder(pictures, write(found, "ImageId,PredictionString\ndog,n1 5 5\ner,n1 1 2 3 4\n"))
    refused(load, items[2], said="'boxes.csv' for dog has 3 words")
    assert load(items[3]).marked.boxes == ((1, 2, 3, 4),), "the others go on"


def test_where_there_are_boxes_a_picture_without_is_not_measured(pictures, tmp_path):
    items = folder(pictures, write(tmp_path / "boxes.csv", "ImageId,PredictionString\ner,n1 1 2 3 4\nb/a,\n"))
    refused(load, items[2], said="'boxes.csv' has none for b/dog.JPEG")
    assert load(items[1]).marked == Marked((), (), None), "one that is listed with no box has none, and that is known"
    assert [item.problem for item in folder(pictures)] == [None] * 4, "without boxes for the set none is missed"


def test_boxes_of_none_of_the_pictures_are_refused(pictures, tmp_path):
    found = write(tmp_path / "boxes.csv", "ImageId,PredictionString\nhorse,n1 5 5 6 6\n")
    refused(folder, pictures, found, said="'boxes.csv' has none for a.bmp")


def test_two_pictures_of_one_name_never_share_boxes(pictures, tmp_path):
    held = {
        "images": [{"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT} for i, name in enumerate(FILES[1:])],
        "annotations": [{"image_id": i, "bbox": [i, 0, 10, 10], "category_id": 1} for i in range(3)],
        "categories": [{"id": 1, "name": "thing"}],
    }
    items = folder(pictures, write(tmp_path / "all.json", json.dumps(held)))
    assert [item.marked and item.marked.boxes[0][0] for item in items] == [1, 0, None, 2], "the path tells them apart"
    items = folder(pictures, write(tmp_path / "one.csv", "ImageId,PredictionString\na,n1 5 5 6 6\n"))
    assert load(items[0]).marked.boxes == ((5, 5, 6, 6),), "a.bmp is called a, the same path"
    refused(load, items[1], said="does not tell them apart")


def test_a_turned_picture_is_shown_upright_and_boxes_that_do_not_fit_it_are_refused(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg", exif=exif)
    write(tmp_path / "a.xml", xml(("n1", 10, 20, 40, 50)))
    sample = load(folder(tmp_path, tmp_path)[0])
    assert sample.image.shape == (WIDTH, HEIGHT, 3)
    refused(fitted, sample.marked, HEIGHT, WIDTH, 224, 224, said="not turned")


def test_a_picture_that_cannot_be_read_stops_only_itself(pictures):
    (pictures / "b" / "a.png").write_bytes(b"no picture")
    items = folder(pictures)
    refused(load, items[1], said="'a.png'")
    assert all(load(items[i]).image.shape == (HEIGHT, WIDTH, 3) for i in (0, 2, 3)), "the others are read"


def test_a_name_that_is_no_text_can_be_written_into_a_table(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xe9t\xe9.png"
    try:
        with open(path, "wb") as file:
            Image.new("RGB", (3, 2)).save(file, "PNG")
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    item = folder(tmp_path)[0]
    assert item.name.encode("utf-8").decode() == "\ufffdt\ufffd.png" and load(item).image.shape == (2, 3, 3)


# Scenes


def test_scenes_come_with_their_kinds_and_boxes():
    items = scenes(6, size=96)
    assert names(items) == [f"scene-00000{i}" for i in range(6)] and len({item.seed for item in items}) == 6
    for item in items:
        sample, scene = load(pickle.loads(pickle.dumps(item))), draw_scene(item.seed, size=96)
        np.testing.assert_array_equal(sample.image, scene.image, err_msg="the same seed, the same scene")
        assert set(sample.classes) == set(sample.marked.labels) <= set(NAMES) and sample.marked.size == (96, 96)
        boxes = fitted(sample.marked, 96, 96, 96, 96)
        assert boxes == [each.box for each in scene.objects], "their boxes are whole pixels of the picture itself"


def test_scenes_are_none_that_was_learnt_from_or_checked_on():
    assert EVALUATING not in (LEARNING, CHECKING), "the first word of the seed tells them apart"
    seeds = {item.seed for seed in (0, 1, 2) for item in scenes(5, seed, 64)}
    assert len(seeds) == 15 and {seed[0] for seed in seeds} == {EVALUATING}, "every seed has scenes of its own"
    mine = load(scenes(1, 0, 64)[0]).image
    for other in ((LEARNING, 0, 0, 0), (LEARNING, 0, 1, 0), (CHECKING, 0, 0)):
        assert (draw_scene(other, size=64).image != mine).any(), "zeros behind a seed do not count: the first word does"


@pytest.mark.parametrize("arguments", [(3, -1), (3, 0, 8)])
def test_scenes_that_cannot_be_drawn_are_refused_at_once(arguments):
    with pytest.raises(InputError, match="scene"):
        scenes(*arguments)


# What a class is called


def network(known):
    return SimpleNamespace(class_names=tuple(known), class_index=lambda wanted: find_class("it", known, wanted))


def test_a_class_is_known_by_name_index_and_wordnet_id():
    imagenet = network(class_names())
    for text in ("281", "tabby", "Tabby ", "n02123045"):
        assert class_of(imagenet, text) == 281, f"{text!r} is ImageNet's class 281"
    assert class_of(imagenet, "garter_snake") == 57, "folders have _ for a space"
    for text in ("crane", "1000", "n00000000", "", "unicorn"):
        assert class_of(imagenet, text) is None, f"{text!r} names no class, or more than one"


def test_wordnet_ids_are_imagenets_alone():
    assert class_of(network(["ant", "bee"]), "n01440764") is None
    spelt = [name.replace(" ", "_").title() for name in class_names()]
    assert class_of(network([*spelt[:-40], *map(str, range(40))]), "n02123045") == 281, "spelt otherwise, some unlike"
    assert class_of(network(sorted(class_names(), key=lambda name: name[::-1])), "n02123045") is None, "in order"
    assert class_of(network(["n02123045", "n01440764"]), "n01440764") == 1, "unless they are the names themselves"
    assert class_of(network(NAMES), "sailing_boat") == NAMES.index("sailing boat")


def test_there_are_a_thousand_ids_in_order():
    ids = list(wordnet.class_indices())
    assert len(ids) == 1000 and ids == sorted(set(ids)), "their order is that of the classes"
    assert all(len(wnid) == 9 and wnid[0] == "n" and wnid[1:].isdecimal() for wnid in ids)
    assert list(wordnet.class_indices().values()) == list(range(1000))


def test_ids_are_those_of_keras(shared_data):
    index = json.loads((shared_data / "keras_home" / "models" / "imagenet_class_index.json").read_text())
    assert {pair[0]: int(i) for i, pair in index.items()} == wordnet.class_indices()


def test_real_labels_agree_with_real_boxes(shared_data):
    place = shared_data / "boxes" / "ilsvrc_val"
    by_table = folder(place / "images", classes=place / "labels.csv")
    by_boxes = folder(place / "images", place / "annotations", "boxes")
    assert len(by_table) == len(by_boxes) == 75 and not any(item.problem for item in by_table + by_boxes)
    imagenet = network(class_names())
    for index, wnid in zip(by_table, by_boxes, strict=True):
        assert index.classes[0].isdecimal() and class_of(imagenet, wnid.classes[0]) == int(index.classes[0]), (
            f"{index.name} is of one class, whoever tells it"
        )

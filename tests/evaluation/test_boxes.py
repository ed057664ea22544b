"""Boxes as files tell them: in every form, whoever wrote them; hostile and damaged ones in one clear sentence."""

import json
from fractions import Fraction

import numpy as np
import pytest

from explorer.attribution.metrics import inside
from explorer.evaluation.boxes import Marked, find_boxes, fitted, read_xml
from support.annotations import refused, write, xml


def coco(**changes):
    """A COCO file of two pictures, the first with two boxes."""
    held = {
        "images": [
            {"id": 7, "file_name": "val/cat.jpg", "width": 100, "height": 60},
            {"id": 9, "file_name": "val/none.jpg", "width": 100, "height": 60},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "bbox": [10, 20.5, 30, 5], "category_id": 17},
            {"id": 2, "image_id": 7, "bbox": [0, 0, 100, 60], "category_id": 99},
            {"id": 3, "image_id": 1234, "bbox": "of a picture that is not in this part", "category_id": 17},
        ],
        "categories": [{"id": 17, "name": "cat"}],
    }
    return json.dumps(held | changes)


def test_xml_files_are_found_by_the_pictures_names(tmp_path):
    write(tmp_path / "val" / "cat.XML", xml(("n1", 10, 20, 40, 50), (" dog\n", "0.5", 1, 99, 60)))
    write(tmp_path / "val" / ".cat.xml", "hidden")
    found = find_boxes(tmp_path)
    assert found.of("cat.JPEG") == found.of("a/b/cat.png") == tmp_path / "val" / "cat.XML", "by their stem"
    assert read_xml(found.of("cat.jpg")) == Marked(((10, 20, 40, 50), (0.5, 1, 99, 60)), ("n1", "dog"), (100, 60))
    assert found.of("cat2.jpg") is None and found.of("at.jpg") is None, "there are none for these"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xml_of_windows_editors_is_read(tmp_path, encoding):
    held = xml(("n1", 1, 2, 3, 4)).replace(">", ">\r\n").encode(encoding)
    assert read_xml(write(tmp_path / "a.xml", held)).boxes == ((1, 2, 3, 4),), "line ends and marks do not matter"


def test_xml_may_leave_out_the_size_and_have_no_object(tmp_path):
    for size in ("", "<size><width>0</width><height>0</height></size>"):
        marked = read_xml(write(tmp_path / "a.xml", xml(("n1", 10, 20, 400, 500), size=size)))
        assert marked.size is None, "then the boxes refer to the picture's own size"
    assert read_xml(write(tmp_path / "b.xml", xml())) == Marked((), (), (100, 60)), "a picture of nothing has no boxes"


def test_a_part_of_an_object_is_no_object(tmp_path):
    head = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part></object>"
    held = xml(("person", 10, 20, 40, 50)).replace("</object>", head)
    assert read_xml(write(tmp_path / "a.xml", held)).boxes == ((10, 20, 40, 50),), "VOC's people have heads and hands"


BOMB = '<!DOCTYPE a [<!ENTITY b "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("bcdefghij", "cdefghijk", strict=True)
)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (BOMB + "]><annotation>&k;</annotation>", "DOCTYPE"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>', "DOCTYPE"),
        ("<!DOCTYPE annotation>" + xml(), "DOCTYPE"),
        ("", "'a.xml' cannot be"),
        ("<annotation>", "'a.xml' cannot be"),
        ('<?xml version="1.0" encoding="nonsense"?><annotation/>', "'a.xml' cannot be"),
        (b"\xff\xd8\xff\xe0 a picture", "'a.xml' cannot be"),
        ("<project/>", "<annotation>"),
        (xml(("n1", 1, 2, 3, 4), ("n1", 1, 2, "", 4)), "received '' in object 2 of 'a.xml'"),
        (xml(("n1", "nan", 2, 3, 4)), "'nan' in object 1"),
        (xml(("n1", 1, 2, "1e999", 4)), "finite"),
        ("<annotation><object><name>x</name></object></annotation>", "received nothing in object 1"),
        (xml(("n1", 40, 20, 10, 50)), "(40, 20, 10, 50) in object 1"),
        (xml(("n1", 10, 20, 40, 20)), "ymin < ymax"),
        (xml(("n1", 10, 20, 103, 50)), "(10, 20, 103, 50) in 'a.xml' of 100 × 60 pixels"),
        (xml(("n1", -4, 20, 40, 50)), "lies within"),
        (xml(("n1", 10, -2, 40, 50)), "lies within"),
        (xml(("n1", 10, 20, 40, 62)), "lies within"),
        (xml(size="<size><width>x</width><height>60</height></size>"), "'x' in the size"),
        (xml(size="<size><width>-100</width><height>60</height></size>"), "positive"),
    ],
)
def test_hostile_and_damaged_xml_is_refused(tmp_path, held, said):
    refused(read_xml, write(tmp_path / "a.xml", held), said=said)


def test_what_is_deep_does_no_harm(tmp_path):
    held = "<annotation>" + "<a>" * 100_000 + "</a>" * 100_000 + "</annotation>"
    assert read_xml(write(tmp_path / "a.xml", held)) == Marked((), (), None)
    refused(find_boxes, write(tmp_path / "a.json", "[" * 100_000), said="not valid")


def test_an_ilsvrc_csv_file(tmp_path):
    rows = [
        "ImageId,PredictionString",
        "cat,n01978287 240 170 260 240 ",
        '"dog","n1 1 2 3.5 4 n2 5 6 7 8"',
        "",
        "void,",
    ]
    for held in ("\n".join(rows), "\ufeff" + "\r\n".join(rows) + "\r\n"):
        found = find_boxes(write(tmp_path / "LOC.CSV", held))
        assert found.of("val/cat.JPEG") == Marked(((240, 170, 260, 240),), ("n01978287",), None)
        assert found.of("dog.JPEG") == Marked(((1, 2, 3.5, 4), (5, 6, 7, 8)), ("n1", "n2"), None), "two boxes"
        assert found.of("void.JPEG") == Marked((), (), None) and found.of("other.JPEG") is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("n1 1 2 3", "4 words"),
        ("n1 1 2 3 4 n2 5 6 7", "9 words"),
        ("n1 1 two 3 4", "'two'"),
        ("n1 1 2 1 4", "xmin < xmax"),
        ("n1 1 2 inf 4", "finite"),
    ],
)
def test_a_wrong_row_is_wrong_for_its_picture_alone(tmp_path, words, said):
    found = find_boxes(write(tmp_path / "a.csv", f"ImageId,PredictionString\nbad,{words}\ngood,n1 1 2 3 4\n"))
    refused(found.of, "bad.jpg", said=said)
    assert found.of("good.jpg").boxes == ((1, 2, 3, 4),), "the others go on"


def test_a_coco_file(tmp_path):
    found = find_boxes(write(tmp_path / "instances.json", coco()))
    expected = Marked(((10, 20.5, 40, 25.5), (0, 0, 100, 60)), ("cat", None), (100, 60))
    assert found.of("cat.jpg") == found.of("val/cat.jpg") == expected, "COCO tells left, top, width and height"
    assert found.of("none.jpg") == Marked((), (), (100, 60)), "a picture of the file without boxes"


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([10, 20, -5, 5], "xmin < xmax"),
        ([10, 20, 0, 5], "xmin < xmax"),
        ([10, 20, 95, 5], "lies within"),
        ([10, 20, 5], "received 3"),
        ([10, 20, None, 5], "received nothing"),
        ([10, 20, True, 5], "received True"),
        ([10, 20, 10**400, 5], "finite"),
        (None, "four numbers"),
        ("1234", "four numbers"),
    ],
)
def test_a_wrong_coco_box_is_wrong_for_its_picture_alone(tmp_path, box, said):
    wrong = [{"image_id": 7, "bbox": box, "category_id": 17}]
    found = find_boxes(write(tmp_path / "a.json", coco(annotations=wrong)))
    refused(found.of, "cat.jpg", said=said)
    assert found.of("none.jpg").boxes == (), "the others go on"


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        ("a.csv", "", "imageid"),
        ("a.csv", "cat,n1 1 2 3 4\ndog,n1 1 2 3 4\n", "The first row"),
        ("a.csv", "ImageId\ncat\n", "predictionstring"),
        ("a.csv", "ImageId,PredictionString\n,n1 1 2 3 4\n", "row 2"),
        ("a.csv", b"ImageId,PredictionString\ncat\xff,n1 1 2 3 4\n", "UTF-8"),
        ("a.csv", "ImageId,PredictionString\ncat," + "n1 " * 100_000, "rows of cells"),
        ("a.json", "{", "not valid"),
        ("a.json", "[]", "list of images"),
        ("a.json", coco(annotations={}), "list of annotations"),
        ("a.json", coco(images=[{"id": 7}]), "images[0]"),
        ("a.json", coco(images=[{"id": [7], "file_name": "a"}]), "have id"),
        ("a.json", coco(annotations=[{"bbox": [1, 2, 3, 4]}]), "have image_id"),
        ("a.json", coco(annotations=[5]), "annotations[0]"),
        ("a.txt", "ImageId,PredictionString\n", "'a.txt'"),
    ],
)
def test_what_is_no_file_of_boxes_is_refused_at_once(tmp_path, name, held, said):
    refused(find_boxes, write(tmp_path / name, held), said=said)


@pytest.mark.parametrize(("name", "said"), [("no.csv", "could not be opened"), ("none", "'none'"), ("", "has none")])
def test_boxes_that_are_missing_are_told(tmp_path, name, said):
    refused(find_boxes, tmp_path / name, said=said)


def test_pictures_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for place in ("dogs", "cats"):
        write(tmp_path / place / "a.xml", xml())
    found = find_boxes(tmp_path)
    assert found.of("dogs/a.jpg") == tmp_path / "dogs" / "a.xml", "the same path is best"
    assert found.of("x/cats/a.jpg") == tmp_path / "cats" / "a.xml", "then the one that agrees furthest from its end"
    refused(found.of, "a.jpg", said="has 2 for a.jpg")
    one = find_boxes(tmp_path / "dogs")
    assert one.of("dogs/a.jpg") == one.of("cats/a.jpg"), "where one picture is called so, its folder is no matter"
    refused(one.of, "cats/a.jpg", False, said="does not tell them apart")


def test_what_a_file_tells_twice_is_refused_for_that_picture(tmp_path):
    found = find_boxes(write(tmp_path / "a.csv", "ImageId,PredictionString\na,n1 1 2 3 4\na,n1 1 2 9 9\nb,n1 1 2 3 4"))
    refused(found.of, "a.jpg", said="has 2")
    assert found.of("b.jpg") is not None


def test_a_dot_in_a_name_is_no_suffix(tmp_path):
    held = "ImageId,PredictionString\n.\\val\\a.1,n1 1 2 3 4\na.2.JPEG,n1 5 6 7 8\n"
    found = find_boxes(write(tmp_path / "a.csv", held))
    assert found.of("a.1.png").boxes == ((1, 2, 3, 4),) and found.of("val/a.2.jpg").boxes == ((5, 6, 7, 8),)


# What the network sees


def nearest(edge, side, to_side):
    """The pixel edge nearest to where an edge comes to lie, by exact fractions and search; of two, the later one."""
    place = Fraction(edge) * to_side / side
    return min(range(to_side + 1), key=lambda pixel: (abs(pixel - place), -pixel))


@pytest.mark.parametrize("seed", range(30))
def test_edges_go_to_the_nearest_pixel_edge(seed):
    rng = np.random.default_rng(seed)
    width, height, to_width, to_height = rng.integers(40, 500, 4).tolist()
    left, top = int(rng.integers(0, width // 2)), int(rng.integers(0, height // 2))
    right, bottom = int(rng.integers(left + 18, width + 1)), int(rng.integers(top + 18, height + 1))
    expected = [
        (
            nearest(left, width, to_width),
            nearest(top, height, to_height),
            nearest(right, width, to_width),
            nearest(bottom, height, to_height),
        )
    ]
    for scale in (1, 3):
        boxes = (tuple(scale * edge for edge in (left, top, right, bottom)),)
        marked = Marked(boxes, ("x",), None if scale == 1 else (scale * width, scale * height))
        assert fitted(marked, width, height, to_width, to_height) == expected, (
            "the size the boxes refer to cancels out; without one it is the picture's"
        )


def test_fitted_by_hand():
    marked = Marked(((50, 0, 100, 75), (0, 74, 1, 75)), (None, None), (100, 75))
    assert fitted(marked, 200, 150, 224, 224) == [(112, 0, 224, 224), (0, 221, 2, 224)], (
        "the right half stays the right half; 74/75 of 224 is 221.01 and 1/100 of it 2.24"
    )


def test_a_box_that_shrinks_to_nothing_keeps_one_pixel():
    marked = Marked(((50, 20, 51, 21), (99, 0, 100, 1), (0, 199, 1, 200), (41, 150, 45, 164)), (None,) * 4, None)
    expected = [(3, 0, 4, 1), (6, 0, 7, 1), (0, 4, 1, 5), (3, 3, 4, 4)]
    assert fitted(marked, 100, 200, 7, 5) == expected, "where its centre falls: of the last, at 43 % and 78.5 %"


def test_a_box_that_overhangs_a_little_is_clipped():
    marked = Marked(((-1, -1, 101, 61),), (None,), (100, 60))
    assert fitted(marked, 100, 60, 50, 30) == [(0, 0, 50, 30)]


def test_the_boxes_of_another_picture_are_refused():
    marked = Marked(((0, 0, 100, 60),), (None,), (100, 60))
    refused(fitted, marked, 60, 100, 224, 224, said="refer to 100 × 60 pixels and the picture has 60 × 100")
    refused(fitted, marked, 100, 63, 224, 224, said="proportions")
    assert fitted(marked, 500, 303, 224, 224) == [(0, 0, 224, 224)], "what a resize rounds is no other picture"
    refused(fitted, marked._replace(size=None), 50, 30, 224, 224, said="of 50 × 30 pixels")


def test_real_boxes_cover_what_they_are_said_to_cover(shared_data):
    import csv

    from PIL import Image

    place = shared_data / "boxes" / "ilsvrc_val"
    found = find_boxes(place / "annotations")
    rows = list(csv.DictReader((place / "labels.csv").open()))
    assert len(rows) == 75
    for row in rows:
        marked = read_xml(found.of(row["file"]))
        assert set(marked.labels) == {row["wnid"]} and len(marked.boxes) == int(row["n_boxes"])
        with Image.open(place / "images" / row["file"]) as picture:
            width, height = picture.size
        own = inside(fitted(marked, width, height, width, height), height, width).mean()
        seen = inside(fitted(marked, width, height, 224, 224), 224, 224).mean()
        share = float(row["box_area_fraction"])
        assert abs(own - share) < 5.1e-5, f"{row['file']}: the share is given to four decimals"
        assert abs(seen - share) < 4 / 224, f"{row['file']}: each edge moves by half a pixel at most"

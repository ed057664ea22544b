"""The drawn scenes: what a seed fixes, what the boxes mean, what the labels say."""

import cv2
import numpy as np
import pytest

from explorer.errors import InputError
from explorer.models.toy.backgrounds import TEXTURES, draw_background
from explorer.models.toy.canvas import Pen
from explorer.models.toy.classes import KINDS, NAMES
from explorer.models.toy.curriculum import target, vary
from explorer.models.toy.scenes import Placed, compose, draw_objects, draw_scene

SIZE = 224


class NoShadow:
    """A source of chance that always answers the least: with it a scene has no shadow."""

    def uniform(self, low, high):
        return low


def test_a_seed_fixes_the_picture_and_the_boxes():
    for layout in ("one", "several", "two", None):
        first, second = draw_scene(41, layout), draw_scene(41, layout)
        np.testing.assert_array_equal(first.image, second.image, err_msg="one seed gives one picture")
        assert first.objects == second.objects, "and the same objects"
        assert (draw_scene(42, layout).image != first.image).any(), "another seed gives another picture"


def test_chance_outside_changes_nothing():
    before = draw_scene(7).image
    np.random.seed(3)
    cv2.setRNGSeed(5)
    np.testing.assert_array_equal(draw_scene(7).image, before, err_msg="global generators have no part in a scene")


def test_pictures_are_rgb_bytes_of_the_size_asked_for():
    for size in (112, 224, 320):
        image = draw_scene(3, size=size).image
        assert image.shape == (size, size, 3) and image.dtype == np.uint8, "uint8 RGB, as large as asked for"
        assert image.std() > 5, "and not empty"


@pytest.mark.parametrize("layout, kinds, counts", [("one", 1, {1}), ("two", 2, {2}), ("empty", 0, {0})])
def test_a_layout_holds_what_its_name_says(layout, kinds, counts):
    for seed in range(6):
        scene = draw_scene(seed, layout)
        assert len(scene.kinds) == kinds, f"{layout}: so many different kinds"
        assert len(scene.objects) in counts, f"{layout}: so many objects"


def test_several_are_two_to_five_of_one_kind():
    counts = set()
    for seed in range(20):
        scene = draw_scene(seed, "several")
        assert len(scene.kinds) == 1, "all of one kind"
        counts.add(len(scene.objects))
    assert counts == {2, 3, 4, 5}, "every number from 2 to 5 comes up"
    assert len(draw_scene(1, "several", count=3).objects) == 3, "or the number asked for"


def test_every_kind_can_be_asked_for_by_name():
    for name in NAMES:
        assert [item.kind for item in draw_scene(1, kinds=(name,)).objects] == [name], "the kind asked for, alone"
    assert draw_scene(1, kinds=("fish", "key")).kinds == ("fish", "key"), "two names make a scene of two kinds"


def boxes_by_difference(background, placed):
    """Each object's box found from the picture alone: where it changes by half or more when the object is left out.

    Objects are laid, white, on a black ground one at a time, so that a pixel shows how far it is covered.
    """
    for item in placed:
        white = Placed(item.kind, 255.0 * np.ones_like(item.colour) * item.coverage, item.coverage, item.left, item.top)
        shown = compose(np.zeros_like(background), [white], NoShadow())[:, :, 0] >= 127.5
        rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
        yield int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@pytest.mark.parametrize("layout", ["one", "several", "two"])
def test_boxes_are_exact_and_apart(layout):
    for seed in range(12):
        scene = draw_scene(seed, layout)
        _, placed = draw_objects(seed, layout)
        found = list(boxes_by_difference(np.zeros((SIZE, SIZE, 3), np.float32), placed))
        assert [item.box for item in scene.objects] == found, "a box holds all that is half covered, and no more"
        for i, (left, top, right, bottom) in enumerate(found):
            assert 0 <= left < right <= SIZE and 0 <= top < bottom <= SIZE, "inside the picture"
            for x0, y0, x1, y1 in found[i + 1 :]:
                assert right <= x0 or x1 <= left or bottom <= y0 or y1 <= top, "no two objects overlap"


def test_only_the_object_and_its_shadow_change_the_picture():
    background = draw_background(np.random.default_rng(0), SIZE)
    _, placed = draw_objects(5, "one")
    changed = (compose(background, placed, NoShadow()) != background).any(axis=2)
    left, top, right, bottom = placed[0].box
    changed[top - 2 : bottom + 2, left - 2 : right + 2] = False
    assert not changed.any(), "nothing outside the box, but for a soft edge of two pixels"


def test_sizes_places_and_turns_vary():
    boxes = np.array([draw_scene(seed, "one", ("house",)).objects[0].box for seed in range(40)])
    extent = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / SIZE
    assert extent.min() < 0.5 < 0.65 < extent.max(), "houses are small and large"
    assert np.ptp(boxes[:, 0]) > 0.3 * SIZE and np.ptp(boxes[:, 1]) > 0.3 * SIZE, "and stand all over the picture"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_drawn_whole(kind):
    for seed in range(5):
        pen = Pen(100.0, angle=0.3 * seed, outline=0.03)
        kind.draw(pen, np.random.default_rng(seed))
        edge = np.concatenate([pen.canvas[0], pen.canvas[-1], pen.canvas[:, 0], pen.canvas[:, -1]])
        assert not edge[:, 3].any(), "nothing runs off the canvas"
        colour, coverage = pen.finish()
        assert colour.shape[:2] == coverage.shape[:2] and 60 <= max(coverage.shape) <= 150, "about the side asked for"
        assert (colour <= 255.0 * coverage + 1.0).all(), "colour is premultiplied by coverage"
        assert np.unique(colour[coverage[:, :, 0] == 1.0] // 16, axis=0).shape[0] >= 3, "parts of several colours"


@pytest.mark.parametrize("texture", TEXTURES, ids=lambda texture: texture.__name__)
def test_a_background_is_a_texture(texture):
    pictures = [texture(np.random.default_rng(seed), 96) for seed in range(3)]
    for picture in pictures:
        assert picture.shape == (96, 96, 3) and np.isfinite(picture).all(), "a whole picture"
        assert picture.std(axis=(0, 1)).max() > 0.5, "that is not plain"
    assert np.abs(pictures[0] - pictures[1]).max() > 5, "and differs from seed to seed"


def test_targets_share_out_what_is_shown():
    for kinds, expected in (((), 1 / 16), (("key",), 1.0), (("key", "fish"), 0.5)):
        shares = target(kinds)
        assert shares.sum() == pytest.approx(1.0), "shares add up to one"
        assert shares.max() == pytest.approx(expected), "equal among the kinds shown"


def test_fading_moves_the_target_towards_no_idea():
    images = np.full((400, 8, 8, 3), 200, np.uint8)
    pixels, targets = vary(images, np.tile(target(("key",)), (400, 1)), np.random.default_rng(0))
    key = targets[:, NAMES.index("key")]
    np.testing.assert_allclose(targets.sum(axis=1), 1.0, rtol=1e-5, err_msg="still shares")
    assert (key[pixels.mean(axis=(1, 2, 3)) < 8.0] < 0.08).all(), "nearly black: no idea"
    assert (key[pixels.min(axis=(1, 2, 3)) == 200.0] == 1.0).all(), "as drawn: certain"


@pytest.mark.parametrize(
    "arguments",
    [
        {"layout": "three"},
        {"kinds": ("dragon",)},
        {"layout": "two", "kinds": ("key",)},
        {"size": 8},
        {"seed": -1},
        {"layout": "several", "count": 0},
        {"layout": "several", "count": 40},
    ],
)
def test_a_mistake_is_answered_in_one_sentence(arguments):
    with pytest.raises(InputError) as caught:
        draw_scene(**{"seed": 0, **arguments})
    assert "received" in str(caught.value), "what was received is said"

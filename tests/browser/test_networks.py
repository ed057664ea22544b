"""Other networks than the embedded one, chosen and brought by a person in a real browser."""

import shutil

import pytest

from support.keras_files import network_of_two_layers
from support.server import Server
from support.steps import after, choose, maps, open_page

pytestmark = pytest.mark.browser

SMALL = "mobilenet_2_5_224_tf.h5"  # MobileNet, α = 0.25


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The page with a Keras folder of its own, which holds one real network where the photographs and weights are."""
    from support import ROOT

    home = tmp_path_factory.mktemp("keras")
    stored = ROOT.parent / "shared" / "data" / "keras_home" / "models" / SMALL
    if stored.is_file():
        (home / "models").mkdir()
        shutil.copy(stored, home / "models")
    running = Server(tmp_path_factory.mktemp("server") / "log.txt", KERAS_HOME=str(home))
    running.real = stored.is_file()
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture
def explore(page, server):
    return open_page(page, server)


@pytest.mark.slow
def test_from_toyvgg_to_a_real_network_and_back(explore, server):
    if not server.real:
        pytest.skip("the weights of real networks are not on this machine")
    first = explore.inner_text("#heading h2")
    after(explore, lambda: choose(explore, "model", "α = 0.25"))
    assert explore.locator("#strip .thumbnail-item").count() == 3, "photographs take the place of the drawn scenes"
    assert "conv_pw_13_relu" in explore.inner_text("#heading"), "the layer is the last of the new network"
    after(explore, lambda: choose(explore, "class", "zucchini"))
    assert "zucchini" in explore.inner_text("#heading h2"), "any of ImageNet's thousand classes is found by its name"
    after(explore, lambda: choose(explore, "model", "ToyVGG"))
    assert explore.inner_text("#heading h2") == first, "and back, as it was"


@pytest.mark.slow
def test_a_network_that_has_to_be_fetched_with_no_network_is_told(explore):
    before = maps(explore)
    choose(explore, "model", "NASNetMobile")
    explore.wait_for_selector("#status .wrong:has-text('nasnet')")
    assert maps(explore) == before, "the last result stays"
    assert "ToyVGG" in explore.locator("#model input").input_value(), "and so does the network it is of"


@pytest.fixture
def own(tmp_path):
    """A small network of one's own, saved as Keras saves it, with its labels."""
    model = network_of_two_layers()
    model.save(tmp_path / "mine.keras")
    (tmp_path / "labels.txt").write_text("apple\nbanana\ncherry\n", encoding="utf-8")
    return tmp_path


def test_a_network_of_ones_own_is_brought_and_explained(explore, own):
    explore.click("#own-network button")
    explore.locator("#own-file input[type=file]").set_input_files(own / "mine.keras")
    explore.locator("#own-labels input[type=file]").set_input_files(own / "labels.txt")
    explore.wait_for_selector("#own-file:has-text('mine')")
    explore.wait_for_selector("#own-labels:has-text('labels')")
    after(explore, explore.get_by_role("button", name="Load this network").click)
    assert explore.inner_text("#heading h2") in ("apple", "banana", "cherry"), "its classes have their names"
    assert "second, 24×32×8" in explore.inner_text("#heading"), "the last layer is explained, at its own size"
    after(explore, lambda: choose(explore, "layer", "first"))
    assert "first, 48×64×6" in explore.inner_text("#heading"), "any other can be"


@pytest.mark.slow
def test_a_broken_network_is_told_and_nothing_changes(explore, own):
    (own / "broken.keras").write_bytes((own / "mine.keras").read_bytes()[:500])
    before = maps(explore)
    explore.click("#own-network button")
    explore.locator("#own-file input[type=file]").set_input_files(own / "broken.keras")
    explore.wait_for_selector("#own-file:has-text('broken')")
    explore.get_by_role("button", name="Load this network").click()
    explore.wait_for_selector("#status .wrong")
    assert "Traceback" not in explore.inner_text("body"), "one sentence, no traceback"
    assert maps(explore) == before, "the last result stays"

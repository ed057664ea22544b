"""Weights files: found, downloaded whole or not at all, read into the right network; the only server is a local one."""

import hashlib
import re
import threading

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

import explorer
from explorer import models
from explorer.errors import Cancelled, InputError
from explorer.models import weights
from explorer.models.keras_builders import Remote
from support.local_server import local_server

NAME, FILE = "mobilenet-0.25", "mobilenet_2_5_224_tf.h5"
BODY = weights.HDF5 + bytes(range(256)) * 1200  # five pieces
MD5, SHA256 = hashlib.md5(BODY).hexdigest(), hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A KERAS_HOME of our own; Keras' other folder is as empty."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(weights, "folders", lambda folders=weights.folders: [folders()[0], tmp_path / "elsewhere"])
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "home" / "models"


@pytest.fixture
def server():
    with local_server(BODY, FILE) as server:
        yield server


def fetch(server, hash=MD5, progress=None):
    return weights.fetch(Remote(FILE, server.url, hash), len(BODY), NAME, progress)


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# ── what a download leaves ──


@pytest.mark.parametrize("known", [MD5, SHA256, None], ids=["md5", "sha256", "no hash known"])
@pytest.mark.parametrize("length", [None, "unknown"])
def test_a_download_arrives_whole(server, home, known, length):
    server.length = length
    path = fetch(server, known)
    assert path == home / FILE and path.read_bytes() == BODY, "under the name and in the folder that Keras uses"
    assert files(home) == [FILE], "and nothing beside it"
    assert fetch(server, known) == path and server.asked == 1, "the second time it is there"


def test_progress_is_told_in_bytes(server):
    told = []
    fetch(server, progress=lambda *words: told.append(words))
    stages, done, totals = zip(*told, strict=True)
    assert set(stages) == {"downloading mobilenet-0.25"} and set(totals) == {len(BODY)}
    assert list(done) == sorted(done) and done[0] == 0 and done[-1] == len(BODY) and len(done) > 4


def test_progress_never_passes_its_end_where_the_server_gives_no_length(server):
    server.length, told = "unknown", []
    weights.fetch(Remote(FILE, server.url, None), len(BODY) // 2, NAME, lambda *words: told.append(words))
    assert all(done <= total for _, done, total in told), "the size that was expected is only about right"


@pytest.mark.parametrize("after", [0, 1, 3])
def test_stopping_leaves_nothing_behind(server, home, after):
    told = []

    def stop(*words):
        told.append(words)
        if len(told) > after:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(server, progress=stop)
    assert files(home) == [], "neither the file nor a part of it"
    assert fetch(server).read_bytes() == BODY, "and the next attempt begins anew"


def broken_off(server):
    server.length = len(BODY) + 1000


def altered(server):
    server.body = BODY[:-1] + b"?"


def a_page_instead(server):
    server.body = b"<html>Please log in to this network</html>" * 10


def gone(server):
    server.status = 404


def overloaded(server):
    server.status = 503


def closed(server):
    server.server_close()


@pytest.mark.parametrize(
    ("trouble", "known", "reason"),
    [
        (broken_off, MD5, "ended after 307,208 of 308,208 bytes"),
        (broken_off, None, "ended after 307,208 of 308,208 bytes"),
        (altered, MD5, "its hash is another"),
        (altered, SHA256, "its hash is another"),
        (a_page_instead, None, "no weights file"),
        (gone, MD5, "the server answered 404 Not Found"),
        (overloaded, MD5, "the server answered 503"),
        (closed, MD5, "the connection failed"),
    ],
)
def test_a_failed_download_says_which_file_to_put_where(server, home, trouble, known, reason):
    trouble(server)
    with pytest.raises(InputError) as told:
        fetch(server, known)
    sentence = str(told.value)
    assert sentence.startswith(f"The weights file {FILE} (about 0.3 MB) could not be downloaded: ")
    assert reason in sentence and sentence.endswith(f"; put it into {home}, or give the path of a copy.")
    assert "\n" not in sentence and files(home) == [], "one sentence, and nothing kept"


def test_a_stalled_server_is_given_up(server, home, monkeypatch):
    monkeypatch.setattr(weights, "PATIENCE", 0.2)
    server.hold = threading.Event()
    with pytest.raises(InputError, match="timed out"):
        fetch(server)
    server.hold.set()
    assert files(home) == []


def test_a_full_disk_is_told(server, home, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights.os, "replace", full)
    with pytest.raises(InputError, match=f"could not be written to {home}: No space left on device;"):
        fetch(server)
    assert files(home) == []


def test_two_who_ask_at_once_share_one_download(server, home):
    server.hold, told, paths = threading.Event(), [], []
    first = threading.Thread(target=lambda: paths.append(fetch(server)))
    first.start()
    while not server.asked:
        pass
    second = threading.Thread(target=lambda: paths.append(fetch(server, progress=lambda *w: told.append(w))))
    second.start()
    while not told:
        pass
    server.hold.set()
    first.join()
    second.join()
    assert paths == [home / FILE] * 2 and server.asked == 1, "who comes second waits, and can tell that it does"


def test_who_waits_can_stop(server):
    server.hold = threading.Event()
    first = threading.Thread(target=lambda: fetch(server))
    first.start()
    while not server.asked:
        pass

    def stop(*words):
        raise Cancelled

    with pytest.raises(Cancelled):
        fetch(server, progress=stop)
    server.hold.set()
    first.join()


# ── where files are ──


def test_a_read_only_home_is_read_and_another_folder_written(server, home, tmp_path, monkeypatch):
    home.mkdir(parents=True)
    monkeypatch.setattr(weights.os, "access", lambda path, mode: tmp_path / "elsewhere" in [path, *path.parents])
    assert fetch(server) == tmp_path / "elsewhere" / FILE, "Keras would write there too"
    assert weights.on_disk(FILE) == tmp_path / "elsewhere" / FILE, "and there it is found again"
    (home / FILE).write_bytes(BODY)
    assert weights.on_disk(FILE) == home / FILE, "what an administrator put into the home comes first"


def test_a_home_that_cannot_be_made_is_passed_over(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file" / "home"))
    assert fetch(server) == tmp_path / "elsewhere" / FILE


def test_without_keras_home_the_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.folders()[0] == tmp_path / ".keras" / "models"


# ── what is in them ──


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """Weights of mobilenet-0.25 as the official files hold them, and the network they are from."""
    model = keras.applications.MobileNet(alpha=0.25, weights=None)
    path = tmp_path_factory.mktemp("official") / FILE
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path, model


def same(classifier, model):
    pairs = zip(classifier.model.get_weights(), model.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_network_is_loaded_through_its_download(server, home, official, monkeypatch):
    path, model = official
    server.body = path.read_bytes()
    monkeypatch.setattr("keras.src.applications.mobilenet.BASE_WEIGHT_PATH", server.url.removesuffix(FILE))
    told = []
    assert models.MODELS[NAME].on_disk() is None
    classifier = explorer.load(NAME, progress=lambda *words: told.append(words))
    assert same(classifier, model), "the weights are those that were downloaded"
    assert told[-1] == (f"downloading {NAME}", len(server.body), len(server.body))
    assert models.MODELS[NAME].on_disk() == home / FILE and same(explorer.load(NAME), model) and server.asked == 1


def test_a_file_that_is_there_is_never_deleted_nor_downloaded_again(home, official, monkeypatch):
    """Keras itself would: for DenseNet121 it knows a hash, and this file has another."""
    entry = models.MODELS["densenet121"]
    home.mkdir(parents=True)
    (home / entry.file).write_bytes(official[0].read_bytes())
    with pytest.raises(InputError, match="those of another network than DenseNet121"):
        entry.load()
    assert (home / entry.file).read_bytes() == official[0].read_bytes()


@pytest.mark.parametrize("kind", [".h5", ".weights.h5"])
def test_a_file_is_loaded_by_its_path(tmp_path, official, kind, monkeypatch):
    path, model = official
    if kind == ".weights.h5":
        path = tmp_path / "mine.weights.h5"
        model.save_weights(path)
    monkeypatch.chdir(path.parent)
    assert same(explorer.load(NAME, weights=path.name), model) and same(explorer.load(NAME, weights=path), model)


def test_weights_of_another_network_are_refused(tmp_path, official):
    wide = keras.applications.MobileNet(alpha=0.5, weights=None)
    wide.save_weights(tmp_path / "wide.weights.h5")
    headless = keras.applications.MobileNet(alpha=0.25, weights=None, include_top=False)
    headless.save_weights(tmp_path / "headless.weights.h5")
    with h5py.File(tmp_path / "headless.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, headless)
    for name, file in (
        (NAME, "wide.weights.h5"),
        (NAME, "headless.h5"),
        (NAME, "headless.weights.h5"),
        ("toy-vgg", "wide.weights.h5"),
        ("mobilenet-0.5", official[0]),
        ("mobilenet-v2", official[0]),
    ):
        label = re.escape(models.MODELS[name].label)
        with pytest.raises(InputError, match=f"^The weights in .* are those of another network than {label}, .*[.]$"):
            explorer.load(name, weights=tmp_path / file)


def test_a_file_that_is_none_is_told_in_one_sentence(tmp_path, official):
    whole = official[0].read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.h5").write_bytes(b"")
    (tmp_path / "text.h5").write_text("weights")
    (tmp_path / "model.keras").write_bytes(whole)
    (tmp_path / "folder.h5").mkdir()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["temperatures"] = np.zeros(3)
    with h5py.File(tmp_path / "other.weights.h5", "w") as file:
        file["temperatures"] = np.zeros(3)
    for file, said in (
        ("cut.h5", "damaged or cut short"),
        ("empty.h5", "no HDF5 file"),
        ("text.h5", "no HDF5 file"),
        ("model.keras", "ends in .h5 or .weights.h5"),
        ("folder.h5", "there is none at"),
        ("missing.h5", "there is none at"),
        ("other.h5", "."),
        ("other.weights.h5", "."),
    ):
        with pytest.raises(InputError) as told:
            explorer.load(NAME, weights=tmp_path / file)
        assert said in str(told.value) and file in str(told.value) and "\n" not in str(told.value), str(told.value)

"""Damaged and hostile `.keras` files as zips."""

import os
import random
import resource
import stat
import struct
import zipfile

import pytest

from explorer.errors import InputError
from explorer.models.custom import load_custom
from support.keras_files import (
    METADATA,
    RECIPE,
    WEIGHTS,
    check_refused,
    layer_of,
    pack,
    parts,
    save,
    small_network,
    with_recipe,
)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """A file that loads: every attack starts from it."""
    path = save(small_network(), tmp_path_factory.mktemp("honest") / "small.keras")
    load_custom(path)
    return path


@pytest.fixture
def refused(tmp_path):
    """refused(path, *words): see keras_files.check_refused; and it took no memory to speak of."""

    def check(path, *words):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        check_refused(path, tmp_path, *words)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB
        assert grown < 300 << 10, f"{grown >> 10} MiB were taken before the file was refused"

    return check


@pytest.mark.parametrize(
    "name",
    [
        "../canary",
        "assets/../../canary",
        "/tmp/canary",
        "..\\canary",
        "C:\\canary",
        "C:canary",
        "..",
        "\\canary",
        "./config.json/../../canary",
    ],
)
def test_names_that_lead_outside_are_refused(tmp_path, honest, refused, name):
    refused(pack(tmp_path / "out.keras", {**parts(honest), name: b"written"}), "outside")


@pytest.mark.parametrize("name", ["assets/layers/x/vocabulary.txt", "model.weights.npz", "CONFIG.JSON", "config.json/"])
def test_other_members_are_refused(tmp_path, honest, refused, name):
    refused(pack(tmp_path / "more.keras", {**parts(honest), name: b"x"}), repr(name))


@pytest.mark.parametrize("name", [RECIPE, WEIGHTS, "assets"])
def test_links_are_refused(tmp_path, honest, refused, name):
    members = parts(honest)
    members.pop(name, None)
    path = pack(tmp_path / "link.keras", members)
    link = zipfile.ZipInfo(name)
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(path, "link", repr(name))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", [RECIPE, WEIGHTS, METADATA])
def test_a_member_held_twice_is_refused(tmp_path, honest, refused, name):
    """Two readers might each see another of the two."""
    path = pack(tmp_path / "twice.keras", parts(honest))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, parts(honest)[name])
    refused(path, "twice")


@pytest.mark.parametrize("name", [RECIPE, WEIGHTS])
def test_a_missing_member_is_named(tmp_path, honest, refused, name):
    members = parts(honest)
    del members[name]
    refused(pack(tmp_path / "less.keras", members), name)


@pytest.mark.parametrize("name", [RECIPE, WEIGHTS, METADATA])
def test_a_zip_bomb_is_refused(tmp_path, honest, refused, name):
    path = pack(tmp_path / "bomb.keras", {**parts(honest), name: bytes(200 << 20)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    refused(path, "209,715,200 bytes" if name != RECIPE else "")


def change_end(path, at, new):
    held = bytearray(path.read_bytes())
    held[at : at + len(new) or None] = new
    path.write_bytes(held)
    return path


def test_a_size_that_lies_is_refused(tmp_path, honest, refused):
    """The list says that the weights are small, their data is a bomb: only as much as is said is ever unpacked."""
    path = pack(tmp_path / "lies.keras", {**parts(honest), WEIGHTS: bytes(200 << 20)}, zipfile.ZIP_DEFLATED)
    held = path.read_bytes()
    path.write_bytes(held.replace(struct.pack("<I", 200 << 20), struct.pack("<I", 2000)))
    refused(path)


def test_an_encrypted_member_is_refused(tmp_path, honest, refused):
    path = pack(tmp_path / "locked.keras", parts(honest))
    held = bytearray(path.read_bytes())
    entry = held.rindex(b"PK\1\2")
    held[entry + 8] |= 1
    path.write_bytes(held)
    refused(path, "encrypted")


def test_a_list_of_many_members_is_refused_unread(tmp_path, honest, refused):
    refused(pack(tmp_path / "many.keras", {**parts(honest), **{f"m{i}": b"" for i in range(1000)}}), "more")


@pytest.mark.parametrize("what", ["members", "size of the list"])
def test_a_list_that_says_it_is_huge_is_refused_unread(tmp_path, honest, refused, what):
    path = pack(tmp_path / "list.keras", parts(honest))
    at, new = (-12, struct.pack("<H", 0xFFFE)) if what == "members" else (-10, struct.pack("<I", 0xFFFFFFF0))
    refused(change_end(path, at, new))


def test_64_bit_extensions_are_refused(tmp_path, honest, refused):
    path = pack(tmp_path / "64.keras", parts(honest))
    held = path.read_bytes()
    path.write_bytes(held[:-22] + b"PK\6\7" + bytes(16) + held[-22:])
    refused(path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'"Functional"',
        b"\xff\xfe",
        b"[" * 200_000,
        b"1" * 10_000,
        b'{"class_name": "Functional"}',
        b'{"class_name": 3, "config": {}}',
        b'{"class_name": "Functional", "module": {}, "config": {}}',
    ],
)
def test_a_recipe_that_is_none_is_refused(tmp_path, honest, refused, text):
    refused(pack(tmp_path / "recipe.keras", {**parts(honest), RECIPE: text}))


@pytest.mark.parametrize("kept", [0, 1, 21, 22, 100, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path, honest, refused, kept):
    held = honest.read_bytes()
    path = tmp_path / "cut.keras"
    path.write_bytes(held[: int(kept * len(held)) if 0 < kept < 1 else kept])
    refused(path, "empty" if kept == 0 else "cut short")


@pytest.mark.parametrize("held", [b"hello", bytes(1000), b"PK\5\6" + bytes(18), b"\x80\x04K\x01."])
def test_what_is_no_zip_is_refused(tmp_path, refused, held):
    path = tmp_path / "no.keras"
    path.write_bytes(held)
    refused(path)


def test_changed_bytes_are_noticed_or_harmless(tmp_path, honest):
    """Many files with a byte or two changed anywhere: each loads, or is refused."""
    rng, held = random.Random(0), honest.read_bytes()
    places = [*range(200), *range(len(held) - 300, len(held))]  # where the zip itself is; the data has checksums
    outcomes = set()
    for i in range(120):
        changed = bytearray(held)
        for _ in range(rng.randint(1, 2)):
            changed[rng.choice(places) if i % 3 else rng.randrange(len(held))] = rng.randrange(256)
        path = tmp_path / "changed.keras"
        path.write_bytes(changed)
        try:
            load_custom(path)
            outcomes.add("loaded")
        except InputError:
            outcomes.add("refused")
    assert "refused" in outcomes


def test_a_pipe_is_no_file(tmp_path):
    """Reading from it would wait for ever."""
    path = tmp_path / "pipe.keras"
    os.mkfifo(path)
    with pytest.raises(InputError, match="is none"):
        load_custom(path)


def test_what_a_file_says_cannot_steer_a_terminal(tmp_path, honest, refused):
    def change(recipe):
        layer_of(recipe, "conv")["config"].update(padding="\x1b[2J\n", name="\x1b[2Jconv")

    path = with_recipe(tmp_path / "escape.keras", honest, change)
    with pytest.raises(InputError) as told:
        load_custom(path)
    assert "\x1b" not in str(told.value) and "\n" not in str(told.value)

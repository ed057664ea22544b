"""Weights files: where they are on disk, how they come whole or not at all, how they get into a network."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import threading
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from explorer.errors import InputError, Progress

if TYPE_CHECKING:
    import keras

    from explorer.models.keras_builders import Remote


HDF5 = b"\x89HDF\r\n\x1a\n"  # what every HDF5 file begins with
PATIENCE = 30  # seconds without a byte
PIECE = 1 << 16  # bytes between two words of progress, so Stop is never far
_LOCKS = {}  # one a file: who asks for a file that is on its way waits for it


def folders() -> list[Path]:
    """The folders Keras keeps weights in, most wanted first: KERAS_HOME or ~/.keras, and where that is read-only."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()
    elsewhere = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())
    return [home / "models", elsewhere / ".keras" / "models"]


def on_disk(file: str) -> Path | None:
    """The path of a weights file, None where it has not been downloaded."""
    return next((folder / file for folder in folders() if (folder / file).is_file()), None)


def writable_folder() -> Path:
    """Where a download goes: the first of Keras' folders that can be written to."""
    for folder in folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return folder


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size < 10e6 else f"{size / 1e6:.0f} MB"


def fetch(remote: Remote, expected_size: int, name: str, progress: Progress | None = None) -> Path:
    """The path of a Remote's file, downloaded unless it is there. expected_size: about how many bytes it has.

    progress: called as progress("downloading <name>", bytes done, bytes in all); what it raises stops the download.
    Raises InputError, in one sentence, where the file cannot be had. The file appears whole and checked, or not at all.
    """
    tell, stage = progress or (lambda *_: None), f"downloading {name}"
    lock = _LOCKS.setdefault(remote.file, threading.Lock())
    while not lock.acquire(timeout=0.2):
        tell(stage, 0, expected_size)
    try:
        return on_disk(remote.file) or _download(remote, expected_size, lambda *bytes: tell(stage, *bytes))
    finally:
        lock.release()


def _download(remote, expected_size, tell):
    folder = writable_folder()
    part = folder / f".{remote.file}.{uuid4().hex}.part"
    try:
        with open(part, "xb") as out:
            digest = _receive(remote, expected_size, out, tell)
        _check(part, digest, remote)
        os.replace(part, folder / remote.file)
    except _Failed as fault:
        raise InputError(
            f"The weights file {remote.file} (about {megabytes(expected_size)}) could not be downloaded: {fault}; "
            f"put it into {folder}, or give the path of a copy."
        ) from fault
    except OSError as fault:
        raise InputError(
            f"The weights file {remote.file} (about {megabytes(expected_size)}) could not be written to {folder}: "
            f"{fault.strerror or fault}; make room there, or give the path of a copy."
        ) from fault
    finally:
        part.unlink(missing_ok=True)
    return folder / remote.file


class _Failed(Exception):
    """Why a download failed, in words."""


def _receive(remote, expected_size, out, tell):
    """Write what the server sends; returns its hash."""
    digest = hashlib.new("sha256" if len(remote.hash or "") == 64 else "md5", usedforsecurity=False)
    done = 0
    tell(0, expected_size)
    for piece, size in _pieces(remote.url):
        out.write(piece)
        digest.update(piece)
        done += len(piece)
        tell(done, size or max(expected_size, done))
    return digest.hexdigest()


def _pieces(url):
    """Yield (bytes, how many the server announced in all) of what is at an address."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            done, size = 0, int(response.headers.get("Content-Length") or 0)
            while piece := response.read(PIECE):
                done += len(piece)
                yield piece, size
    except urllib.error.HTTPError as fault:
        raise _Failed(f"the server answered {fault.code} {fault.reason}") from fault
    except (OSError, http.client.HTTPException) as fault:
        raise _Failed(f"the connection failed ({getattr(fault, 'reason', None) or fault})") from fault
    if done < size:
        raise _Failed(f"the connection ended after {done:,} of {size:,} bytes")


def _check(path, digest, remote):
    if remote.hash is not None and digest != remote.hash:
        raise _Failed("what came is not the file that Keras knows, its hash is another")
    if not _is_hdf5(path):
        raise _Failed("what came is no weights file")


def _is_hdf5(path):
    with open(path, "rb") as file:
        return file.read(len(HDF5)) == HDF5


def read(model: keras.Model, path: Path | str, label: str, file: str) -> None:
    """Give a network the weights of a file, .h5 or .weights.h5. label: what the network is called; file: the name of
    its official weights file. Raises InputError where there is no such file, or it holds something else.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"The weights of {label} are read from a file, and there is none at {path}; check the path.")
    if path.suffix.lower() != ".h5":
        raise InputError(f"Weights are read from a file that ends in .h5 or .weights.h5; received {path}.")
    try:
        if not _is_hdf5(path):
            raise InputError(f"{path} is no HDF5 file and holds no weights; {label} reads a file such as {file}.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of each part it does not find, and raises in the end
            model.load_weights(path)
    except ValueError as fault:
        if isinstance(fault, InputError):
            raise
        raise InputError(
            f"The weights in {path} are those of another network than {label}, or lack its classes; "
            f"it reads a file such as {file}."
        ) from fault
    except (OSError, KeyError, RuntimeError) as fault:
        raise InputError(f"{path} cannot be read: it is damaged or cut short; replace it by a copy.") from fault

"""A `.keras` file as stored: what its zip may hold, looked at before anything of it is unpacked.

Three members are read, by name, and written nowhere but to the folder the caller gives. The limits are on what the
file says and on what is then really read.
"""

import errno
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from explorer.errors import InputError
from explorer.models.safe_loading import config_check

MAX_BYTES = (2 << 30) - 1  # of the file, and of all it holds: below this a zip needs none of its 64-bit extensions
MAX_EXPANSION = 100  # times: Keras stores weights as they are
RECIPE, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
MAX_MEMBERS = 20  # told apart from a zip of something else only to say which name is wrong
MAX_DIRECTORY = 1 << 16  # bytes of the zip's own list
CHUNK = 1 << 20
END, END_64 = b"PK\5\6", b"PK\6\7"
# What zipfile raises on a damaged file.
DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, struct.error, ValueError, RuntimeError)
FROM_HDF5 = 'keras.models.load_model("{name}", compile=False).save("{stem}.keras")'
FROM_ONNX = 'onnx2tf.convert("{stem}.onnx", output_keras_v3=True)'
FROM_TORCH = f'torch.onnx.export(network, picture, "{{stem}}.onnx") and then {FROM_ONNX}'
FROM_FOLDER = 'tf_keras.models.load_model("{name}").save("{stem}.keras")'
CONVERSIONS = {".h5": FROM_HDF5, ".hdf5": FROM_HDF5, ".onnx": FROM_ONNX, ".pt": FROM_TORCH, ".pth": FROM_TORCH}


def unpack(path: Path | str, folder: str) -> tuple[bytes, Path]:
    """Check the file and unpack its weights. Returns (the bytes of its recipe, the path of its weights in `folder`).

    Raises InputError for anything that is not a whole `.keras` file within the limits.
    """
    path = Path(path)
    check_name(path)
    try:
        with path.open("rb") as file:
            _check_end(file)
            with zipfile.ZipFile(file) as archive:
                members = _members(archive)
                text = b"".join(_read(archive, members[RECIPE]))
                weights = Path(folder) / WEIGHTS
                with weights.open("wb") as out:
                    for part in _read(archive, members[WEIGHTS]):
                        out.write(part)
    except InputError:
        raise
    except PermissionError as error:
        raise InputError(
            f"A network's file must be readable, but {path.name!r} is not: check its permissions."
        ) from error
    except DAMAGED as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        raise InputError("A .keras file must be whole, but this one is damaged or cut short: save it again.") from error
    return text, weights


def check_name(path: Path) -> None:
    """Raise InputError unless there is a file of this name and the name ends in .keras."""
    path = Path(path)
    name = "".join(filter(str.isprintable, path.name))
    if not path.exists():
        raise InputError(f"A network is read from a .keras file, but {name!r} was not found: check its path.")
    kind = path.suffix.lower()
    if path.is_dir() or kind in CONVERSIONS:
        sort, line = ("a folder", FROM_FOLDER) if path.is_dir() else (f"a {kind} file", CONVERSIONS[kind])
        line = line.format(name=name, stem=Path(name).stem)
        raise InputError(
            f"A network is read from a .keras file, which runs no code, but {name!r} is {sort}: if you trust it, "
            f"convert it in Python by {line}."
        )
    if kind != ".keras" or not path.is_file():
        raise InputError(
            f"A network is read from a .keras file, but {name!r} is none: save it by model.save('name.keras')."
        )


def _check_end(file):
    """What a zip says of its own list at the very end, looked at before the list is read."""
    size = file.seek(0, 2)
    if not size:
        raise InputError("A .keras file holds a network, but this one is empty: save it again.")
    if size > MAX_BYTES:
        raise InputError(f"A .keras file has at most 2 GiB, but this one has {size / (1 << 30):.1f} GiB.")
    file.seek(0)
    if file.read(8) == b"\x89HDF\r\n\x1a\n":
        line = FROM_HDF5.format(name="network.h5", stem="network")
        raise InputError(
            f"A .keras file is a zip, but this one is HDF5 under another name: if you trust it, call {line}."
        )
    file.seek(max(0, size - 42))
    tail = file.read()
    if len(tail) < 22 or tail[-22:-18] != END or tail[-2:] != b"\0\0":
        raise InputError("A .keras file is a zip, but this one is none or is cut short: save or download it again.")
    members, listed = struct.unpack("<HI", tail[-12:-6])
    if members > MAX_MEMBERS or listed > MAX_DIRECTORY or tail[:4] == END_64:
        raise InputError(f"A .keras file holds {RECIPE}, {WEIGHTS} and {METADATA} only, but this one holds more.")
    file.seek(0)


def _members(archive):
    """{name: member}, all of them checked."""
    members = {}
    for member in archive.infolist():
        _check_member(member)
        if member.filename in members:
            raise InputError(f"A .keras file holds each part once, but this one holds {member.filename!r} twice.")
        members[member.filename] = member
    for name in (RECIPE, WEIGHTS):
        if name not in members:
            raise InputError(
                f"A .keras file holds {RECIPE} and {WEIGHTS}, but this one has no {name}: save it by model.save."
            )
    if sum(member.file_size for member in members.values()) > MAX_BYTES:
        raise InputError("A .keras file unpacks to at most 2 GiB, but this one says that it is larger.")
    if members[RECIPE].file_size > config_check.MAX_BYTES:
        raise InputError(f"A network's {RECIPE} has at most 16 MiB, but this one says that it is larger.")
    return members


def _check_member(member):
    name = member.filename
    if stat.S_ISLNK(member.external_attr >> 16):
        raise InputError(f"A .keras file holds no links, but {name[:60]!r} is one: save the network by model.save.")
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        raise InputError(
            f"A .keras file stays within itself, but it names {name[:60]!r}, a place outside: do not trust it."
        )
    if name not in (RECIPE, WEIGHTS, METADATA):
        raise InputError(
            f"A .keras file of an image network holds {RECIPE}, {WEIGHTS} and {METADATA} only, but this one also holds "
            f"{name[:60]!r}: save the network by model.save."
        )
    if member.flag_bits & 1:
        raise InputError(f"A .keras file is not encrypted, but its {name} is: save the network without a password.")
    if member.file_size > MAX_EXPANSION * member.compress_size + CHUNK:
        raise InputError(
            f"A .keras file expands at most {MAX_EXPANSION} times, but its {name} would from "
            f"{member.compress_size:,} to "
            f"{member.file_size:,} bytes: do not trust it."
        )


def _read(archive, member):
    """The member's bytes in pieces, never more of them than it says; a wrong checksum raises BadZipFile."""
    with archive.open(member) as stored:
        while part := stored.read(CHUNK):
            yield part

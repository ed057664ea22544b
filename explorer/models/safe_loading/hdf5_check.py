"""The weights in a `.keras` file (HDF5), checked before Keras opens them.

HDF5 can lead elsewhere: links to other files, values stored in other files, data sets put together from other files,
filters that are loaded as plug-ins. It can also promise more values than it holds. None of these is ever in weights
that Keras saved.
"""

import math
from pathlib import Path

import h5py

from explorer.errors import InputError

MAX_BYTES = 4 << 30  # of all values together, once unpacked
MAX_EXPANSION = 100  # times, of one array over what is stored of it
SMALL = 1 << 20  # bytes: below this an array may expand as it likes
MAX_ENTRIES = 100_000
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
NUMBERS = "fiub"
BFLOAT16 = "|V2"


def check_weights(path: Path) -> int:
    """Raise InputError unless the file holds plain arrays of numbers only. Returns how many bytes they unpack to."""
    total = 0
    try:
        with h5py.File(path, "r") as file:
            for name, data in _arrays(file):
                total += _bytes_of(name, data)
                if total > MAX_BYTES:
                    raise InputError(
                        "A network's weights unpack to at most 4 GiB, but these to more: do not trust them."
                    )
    except InputError:
        raise
    except Exception as error:  # on a damaged file h5py raises any kind of exception
        raise InputError(
            "The file's model.weights.h5 must be whole, but it is damaged: save the network again."
        ) from error
    return total


def _arrays(file):
    """(name, data set) of each array, without following any link that leads out of its group."""
    visited, waiting, entries = set(), [("", file)], 0
    while waiting:
        above, group = waiting.pop()
        for key in group:
            entries += 1
            if entries > MAX_ENTRIES:
                raise InputError(
                    f"A network stores at most {MAX_ENTRIES:,} arrays, but this one more: do not trust it."
                )
            name = f"{above}/{key}"
            _check_link(name, group.get(key, getlink=True))
            entry = group[key]
            place = h5py.h5o.get_info(entry.id).addr
            if place in visited:
                continue  # the same group or array under a second name
            visited.add(place)
            if isinstance(entry, h5py.Group):
                waiting.append((name, entry))
            else:
                yield name, entry


def _check_link(name, link):
    if type(link) is not h5py.HardLink:
        where = f" to {link.filename!r}"[:60] if isinstance(link, h5py.ExternalLink) else ""
        raise InputError(
            f"Stored weights stay within their file, but {_short(name)} is a link{where}: do not trust it."
        )


def _bytes_of(name, data):
    """How many bytes an array unpacks to, once it is known to be plain numbers held in the file itself."""
    if not isinstance(data, h5py.Dataset):
        raise InputError(f"Stored weights are arrays, but {_short(name)} is none: save the network again.")
    if data.is_virtual or data.external:
        raise InputError(f"Stored weights stay within their file, but {_short(name)} takes values from elsewhere.")
    plan = data.id.get_create_plist()
    if not {plan.get_filter(i)[0] for i in range(plan.get_nfilters())} <= FILTERS:
        raise InputError(f"Stored weights use HDF5's own compression, but {_short(name)} needs a plug-in.")
    if data.dtype.kind not in NUMBERS and data.dtype.str != BFLOAT16:
        raise InputError(f"Stored weights are numbers, but {_short(name)} holds {data.dtype}: save the network again.")
    size, stored = math.prod(data.shape or (0,)) * data.dtype.itemsize, data.id.get_storage_size()
    if size > MAX_EXPANSION * stored + SMALL:
        raise InputError(
            f"Stored weights expand at most {MAX_EXPANSION} times, but {_short(name)} would from {stored:,} to "
            f"{size:,} bytes: "
            "do not trust it."
        )
    return size


def _short(name):
    return repr(name if len(name) <= 60 else f"…{name[-60:]}")

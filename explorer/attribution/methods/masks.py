"""Maps of a layer as masks: up-sampled to the picture and stretched to 0..1, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from explorer.arrays import Array

AT_ONCE = 32  # masks made together


class Masks:
    """maps: (n, h, w); channels: (n,), which of the layer's they are; size: (H, W) of the picture.

    masks[a:b] is (b − a, H, W) float32 in [0, 1]. A map that is the same everywhere makes a mask of zeros: it prefers
    no place.
    """

    def __init__(self, maps: Array, channels: Array | list, size: tuple[int, int]):
        self.maps, self.size = np.asarray(maps, np.float32), tuple(size)
        self.channels = [int(channel) for channel in channels]

    @classmethod
    def of(cls, activations: Array, size: tuple[int, int], selection: Array | None = None) -> Masks:
        """Of the channels of A (h, w, K); kept: (K,) bool, those to keep, by default all."""
        channels = np.flatnonzero(np.ones(activations.shape[-1], bool) if selection is None else selection)
        return cls(np.moveaxis(activations[..., channels], -1, 0), channels, size)

    def __len__(self):
        return len(self.maps)

    def __getitem__(self, places):
        masks = [stretched(cv2.resize(one, self.size[::-1])) for one in self.maps[places]]
        return np.array(masks, np.float32).reshape(-1, *self.size)

    def at(self, places: Array) -> Masks:
        """Those of the masks."""
        return Masks(self.maps[np.array(places, int)], [self.channels[place] for place in places], self.size)

    def in_turn(self) -> Iterator:
        """(where, masks) of all, a few at a time."""
        for start in range(0, len(self), AT_ONCE):
            where = slice(start, start + AT_ONCE)
            yield where, self[where]


def stretched(values: Array) -> Array:
    """(V − min V) / (max V − min V); zeros where all are the same."""
    values = np.asarray(values, np.float32)
    low, spread = values.min(), np.ptp(values)
    return (values - low) / spread if spread > 0 else np.zeros_like(values)

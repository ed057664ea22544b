"""The kinds of object there are, in the order of the network's classes."""

from collections.abc import Callable
from typing import NamedTuple

from explorer.models.toy.drawings import animals, buildings, objects, plants, vehicles


class Kind(NamedTuple):
    """One kind of object: its name, how to draw it, how far it may turn (degrees either way), whether to mirror."""

    name: str
    draw: Callable
    turn: float
    mirror: bool


KINDS = (
    Kind("bicycle", vehicles.bicycle, 20.0, True),
    Kind("butterfly", animals.butterfly, 60.0, False),
    Kind("car", vehicles.car, 15.0, True),
    Kind("clock", objects.clock, 20.0, False),
    Kind("die", objects.die, 35.0, False),
    Kind("fish", animals.fish, 30.0, True),
    Kind("flower", plants.flower, 25.0, True),
    Kind("guitar", buildings.guitar, 50.0, False),
    Kind("house", buildings.house, 12.0, True),
    Kind("key", objects.key, 180.0, True),
    Kind("ladybird", animals.ladybird, 180.0, False),
    Kind("mushroom", plants.mushroom, 20.0, True),
    Kind("sailing boat", vehicles.sailing_boat, 15.0, True),
    Kind("snowman", buildings.snowman, 15.0, True),
    Kind("traffic light", buildings.traffic_light, 15.0, False),
    Kind("umbrella", objects.umbrella, 40.0, True),
)
NAMES = tuple(kind.name for kind in KINDS)

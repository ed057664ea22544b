"""A visitor of the page without a browser: what the controls ask, and a page opened on a small network."""

from explorer.attribution.methods import DEFAULT
from explorer.models.spec import Network
from explorer.ui import actions
from explorer.ui.actions import Explorer, Silent
from explorer.ui.controls import SETTINGS, Controls
from explorer.ui.state import Picture, Session
from support import networks

LOOK = {"exponent": -8, "colormap": "inferno", "opacity": 0.6, "scale": "own"}


def controls(**changes):
    values = {
        "model": "net",
        "head": None,
        "class_index": None,
        "layer": None,
        "baseline": "black",
        "sigma": 10,
        "seed": 0,
        "colour": "#808080",
        "baseline_picture": None,
        "automatic": False,
        "steps": 4,
        "tolerance": 0.5,
        "score": "probability",
        "settings": {"gradients": "raw", "units": "selected", "quadrature": "trapezoid"},
        "integrated": "published",
        "methods": DEFAULT,
        "number": None,
        **LOOK,
    }
    own = {name: value for name, value in changes.items() if name not in SETTINGS}
    values["settings"] |= {name: value for name, value in changes.items() if name in SETTINGS}
    return Controls(**(values | own))


def explorer(monkeypatch):
    """An Explorer that opens on a small network with three examples."""
    pictures = tuple(Picture(f"scene {i}", networks.picture(i), f"note {i}", True) for i in range(3))
    monkeypatch.setattr(actions, "examples", lambda network: pictures)
    shared = Explorer(Network("net"))
    shared.loaded.get(Network("net"), lambda: networks.make()[0])
    return shared


def net(explorer):
    """The classifier it opened on."""
    return explorer.loaded.get(Network("net"), None)


def session(explorer):
    """A visitor who has just come."""
    opened = Session()
    explorer.open(opened, controls(), dark=False)
    opened.is_on_page(opened.job.shows)
    return opened


class Telling(Silent):
    """Whom long work tells how far it is: the function given."""

    def __init__(self, tell):
        self._tell = tell

    def __call__(self, *count):
        self._tell(*count)


silent = Silent()

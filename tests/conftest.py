"""What every test may ask for."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from support import ROOT

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the package has it
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow is imported, hence before any test

SLOW = ("process", "other_backend", "training", "cluster", "real_network")  # kinds of tests
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items):
    """Browser tests come last: Playwright leaves an event loop running in the process it is used in."""
    for item in items:
        if any(map(item.get_closest_marker, SLOW)):
            item.add_marker(pytest.mark.slow)
        if "browser" in item.path.relative_to(ROOT).parts:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") and not _has_gpu():
        pytest.skip("there is no graphics card that Keras can use here")


def _has_gpu() -> bool:
    from explorer.network import backend

    return backend.device() == "GPU"


@pytest.fixture(autouse=True)
def _seeds():
    """Every test starts from the same random state, in whatever order the tests run."""
    random.seed(0)
    np.random.seed(0)


@pytest.fixture(scope="session")
def classifier():
    """The embedded classifier, loaded once."""
    import explorer

    return explorer.load("toy-vgg")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Photographs and weights that are too large, or not ours, to ship: optional."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the photographs and weights of {SHARED_DATA} are not on this machine")
    return SHARED_DATA


# The page without a browser. Imported only where it is asked for: Gradio takes its time.


@pytest.fixture
def explorer(monkeypatch):
    from support import visitor

    return visitor.explorer(monkeypatch)


@pytest.fixture
def net(explorer):
    from support import visitor

    return visitor.net(explorer)


@pytest.fixture
def session(explorer):
    from support import visitor

    return visitor.session(explorer)

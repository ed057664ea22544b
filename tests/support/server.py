"""The page as a person starts it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from support import ROOT

SECONDS_TO_START = 240  # importing TensorFlow and explaining the first example, on a busy machine


class Server:
    """`launch.py` in a process of its own, on a free port, its output in a file."""

    def __init__(self, log: Path, *arguments: str, **environment: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{port}", log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "launch.py", "--no-browser", *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "GRADIO_SERVER_PORT": str(port), "PYTHONUNBUFFERED": "1", **environment},
            )

    def wait(self) -> None:
        """Until the page answers."""
        limit = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                pytest.fail(f"launch.py ended with status {self.process.returncode}:\n{self.last_words()}")
            try:
                urllib.request.urlopen(self.url, timeout=10).close()
                return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.5)
        pytest.fail(f"launch.py did not answer within {SECONDS_TO_START} s:\n{self.last_words()}")

    def last_words(self, lines: int = 3) -> str:
        """The end of what it has printed so far."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

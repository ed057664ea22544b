"""What a person meets first: the commands, the pins, the front page."""

import ast
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

MODULES = {"opencv-python-headless": "cv2", "pillow": "PIL"}  # where the module is not named like the package

# Stands in for Python: `-c` answers with the version, `-m venv` makes a .venv whose own python is this script
# again, and `-m pip install` is only written down.
FAKE_PYTHON = """#!/bin/sh
echo "$*" >> "$LOG"
case "$*" in
  "-c "*) echo "${FAKE_VERSION:-3.11}" ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
"""


def pins() -> dict[str, str]:
    return dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().split())


def front_matter() -> dict[str, str]:
    nothing, matter, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert nothing == "", "front matter is the very beginning of the file"
    pairs = (line.split(": ", 1) for line in matter.splitlines())
    return {key: value.strip('"') for key, value in pairs}


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class Checkout:
    """A copy of the files that set things up, and a stand-in for Python that writes down what it is asked."""

    def __init__(self, folder: Path):
        for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
            (folder / name).write_text((ROOT / name).read_text())
        self.folder, self.log = folder, folder / "log"
        self.python = executable(folder / "fake-python", FAKE_PYTHON)

    def make(self, target: str, **environment) -> tuple[subprocess.CompletedProcess, list[str]]:
        """Runs make; what it said, and the lines that the stand-in was called with."""
        self.log.write_text("")
        run = subprocess.run(
            ["make", target, f"PYTHON={self.python}"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, "LOG": str(self.log), "MAKEFLAGS": "", **environment},
        )
        return run, self.log.read_text().splitlines()

    def installs(self, target: str) -> int:
        run, calls = self.make(target)
        assert run.returncode == 0, run.stderr
        return sum("-m pip" in call and "install" in call for call in calls)


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_make_run_installs_once_and_again_only_for_other_pins(checkout):
    requirements = checkout.folder / "requirements.txt"
    as_shipped = requirements.read_text()
    assert checkout.installs("run") == 1, "a fresh checkout installs"
    assert checkout.installs("run") == 0, "the second time there is nothing to install"
    os.utime(requirements, (2e9, 2e9))
    assert checkout.installs("run") == 0, "a new date on the same pins installs nothing"
    requirements.write_text(as_shipped.replace("gradio==", "gradio==0"))
    assert checkout.installs("run") == 1, "another pin installs"
    requirements.write_text(as_shipped)
    assert checkout.installs("run") == 1, "and so does going back to the first"


def test_the_test_tools_include_what_the_page_needs(checkout):
    assert checkout.installs("lint") == 1, "a fresh checkout installs the test tools"
    assert checkout.installs("run") == 0, "which the page then finds installed"
    assert checkout.installs("lint") == 0, "and the second time there is nothing to install"


def test_make_run_starts_the_page_after_installing(checkout):
    _, calls = checkout.make("run")
    assert calls[-1].startswith("launch.py"), "the last thing make run does is start the page"


def test_a_failed_install_is_not_taken_for_done(checkout):
    failing = FAKE_PYTHON.replace('"-m venv', '*pip*) exit 1 ;;\n  "-m venv')
    executable(checkout.python, failing)
    run, _ = checkout.make("run")
    assert run.returncode != 0, "make reports that installing failed"
    executable(checkout.folder / ".venv/bin/python", FAKE_PYTHON)
    assert checkout.installs("run") == 1, "and installs when asked again"


@pytest.mark.parametrize("version", ["3.10", "3.14", "2.7"])
def test_an_unsuitable_python_is_refused_in_one_sentence(checkout, version):
    run, calls = checkout.make("run", FAKE_VERSION=version)
    said = [line for line in run.stderr.splitlines() if not line.startswith("make")]
    assert run.returncode != 0, "make stops"
    assert len(said) == 1 and version in said[0] and "3.11" in said[0], "what was found, and what is needed"
    assert not any("venv" in call for call in calls), "nothing is made with the wrong Python"


def chromium_script(folder: Path, **commands: str) -> subprocess.CompletedProcess:
    """Runs the script with nothing on its path but these commands, each a line of shell."""
    for name, line in commands.items():
        executable(folder / name.replace("_", "-"), f"#!/bin/sh\n{line}\n")
    script = ROOT / "tests" / "browser" / "chromium.sh"
    return subprocess.run(["/bin/sh", str(script)], env={"PATH": str(folder)}, capture_output=True, text=True)


def test_a_chromium_that_is_there_is_left_alone(tmp_path):
    run = chromium_script(tmp_path, chromium="exit 0", apt_get="echo touched")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", ""), "nothing is said and nothing installed"


def test_a_missing_chromium_is_installed_by_root(tmp_path):
    run = chromium_script(tmp_path, id="echo 0", env='shift; "$@"', apt_get='echo "apt-get $*"')
    assert run.returncode == 0, run.stderr
    assert re.search(r"apt-get update.*\n.*install .*chromium", run.stdout), "lists first, then the package"


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ({}, "no apt-get"),
        ({"apt_get": "exit 0", "id": "echo 1000", "sudo": "exit 1"}, "only root"),
        ({"apt_get": "exit 1", "id": "echo 0", "env": 'shift; "$@"'}, "could not install"),
    ],
)
def test_a_chromium_that_cannot_be_installed_is_told_in_one_sentence(tmp_path, commands, reason):
    run = chromium_script(tmp_path, **commands)
    assert run.returncode == 0, "the other tests still run"
    assert len(run.stderr.splitlines()) == 1 and reason in run.stderr, run.stderr


def test_every_requirement_is_pinned_exactly():
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            pinned = re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line)
            assert pinned or line == "-r requirements.txt", f"{file}: {line}"


def imported_libraries() -> set[str]:
    names = set()
    for file in [*(ROOT / "explorer").rglob("*.py"), *ROOT.glob("launch.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"explorer"}


def test_every_library_that_is_imported_is_required():
    required = {MODULES.get(name, name) for name in pins()}
    optional = {"jax", "torch", "spaces", "ray"}  # other backends, ZeroGPU and clusters: only where a person chose them
    assert imported_libraries() <= required | optional, "a fresh machine has nothing but requirements.txt"


def test_every_library_that_is_required_is_imported():
    required = {MODULES.get(name, name) for name in pins()}
    assert required <= imported_libraries(), "nothing is installed that is not used"


def test_the_test_tools_are_declared():
    declared = (ROOT / "requirements-dev.txt").read_text()
    assert all(f"\n{tool}==" in declared for tool in ("playwright", "pytest", "ruff"))


def test_the_readme_is_a_hugging_face_space():
    space = front_matter()
    assert space["sdk"] == "gradio"
    assert space["sdk_version"] == pins()["gradio"], "the Space runs the Gradio that was tested"
    assert space["app_file"] == "launch.py"
    assert space["python_version"] in {"3.11", "3.12", "3.13"}
    assert space["license"] == "mit" and "MIT License" in (ROOT / "LICENSE").read_text()
    assert len(space["short_description"]) <= 60, "longer ones are refused"


def test_the_readme_gives_the_two_commands_first():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\w*\n(.*?)```", text, flags=re.DOTALL)
    assert [line.split("#")[0].strip() for line in blocks[0].splitlines()] == ["make run", "make test"]


def test_the_continuous_check_is_executable():
    assert os.access(ROOT / ".ci" / "run", os.X_OK), "it is started by its name"


def test_the_readme_names_every_method_and_every_page():
    from explorer.attribution.methods import METHODS
    from explorer.ui.pages import OTHERS

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for key, method in METHODS.items():
        assert f"| {method.label} | `{key}` | {method.about} |" in text, f"{key} as the registry has it"
    for key, page in OTHERS.items():
        assert f"| {page.LABEL} | `/?view={key}` |" in text, f"and where {page.LABEL} is"

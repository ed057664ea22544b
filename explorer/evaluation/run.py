"""One evaluation from the pictures to the report, on this machine or on a cluster; begun anew or gone on with."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError, Progress
from explorer.evaluation import results
from explorer.evaluation.journal import Journal
from explorer.evaluation.measuring import measure
from explorer.evaluation.pictures import load
from explorer.evaluation.report import document, gallery
from explorer.evaluation.table import Table
from explorer.formatting import duration
from explorer.network import backend
from explorer.render.export import as_json

if TYPE_CHECKING:
    from dataclasses import Field

    from explorer.evaluation.questions import Questions
    from explorer.evaluation.source import Source
    from explorer.network.classifier import Classifier


SETTINGS = "settings.json"
AHEAD = 3  # pictures read while one is explained
RECENT = 50  # pictures, by which the time left is told


def evaluate(
    questions: Questions,
    source: Source,
    folder: Path | str,
    resume: bool = False,
    progress: Progress | None = None,
    classifier: Classifier | None = None,
    cluster: Callable | None = None,
) -> Path:
    """Evaluate every picture of a Source; return the path of the report.

    questions: Questions. folder: where everything is written, made where it is missing. resume: go on with what is
    there; without it, a folder that holds a run is refused. progress: called as progress(stage, done, total); raise
    `explorer.errors.Cancelled` from it to stop, the folder can then be gone on with. classifier: of questions.network,
    where it is loaded already. cluster: outcomes from elsewhere, see `explorer.evaluation.cluster.on_ray`.

    Writes settings.json, journal.jsonl (what is done so far), results.parquet and results.csv, pictures.csv,
    errors.csv and report.html. Raises InputError for anything a person can get wrong.
    """
    tell = progress or (lambda stage, done, total: None)
    _require_known(questions.rules, source)
    items = source.items()
    backend.set_precision(questions.precision)
    classifier = classifier or questions.network.load(tell)
    questions = questions.checked(classifier)
    settings = settings_of(questions, source, items, classifier)
    folder = _begun(folder, settings, resume)
    journal = Journal(folder)
    left = [item for item in items if item.index not in journal]
    clock = Clock(tell, len(items), len(journal))
    make = cluster or (lambda *work: one_machine(classifier, *work, clock.tell))
    for outcome in make(questions, left) if left else ():
        journal.append(outcome)
        clock.one_more()
    return finish(folder, journal, items, settings, classifier, questions, tell)


def _require_known(rules, source):
    """Raises InputError where a rule asks for what the set does not tell of any picture."""
    if source.scenes:
        return
    if rules.correct and source.classes == "predicted":
        raise InputError(
            "Whether the network is right is known of labelled pictures only, and these have no labels: say with "
            "--classes where their classes are, or leave --only-correct (or --paper) out."
        )
    if not source.boxes and (rules.one_box or rules.box_under is not None):
        raise InputError("A rule asks for boxes, and none are given: say with --boxes where they are, or leave it out.")


def finish(
    folder: Path,
    journal: Journal,
    items: list,
    settings: Mapping[str, Any],
    classifier: Classifier,
    questions: Questions,
    tell: Progress,
) -> Path:
    """Table, figures and report of a journal that is complete; the path of the report."""
    tell("report", 0, 1)
    results.write(journal, folder)
    table = Table.read(folder / results.TABLE)
    failed = [(one.index, one.image, one.reason) for one in journal if one.status == "failed"]
    cards = gallery.cards(table, items, classifier, questions, tell)
    path = document.write(folder, table, settings, failed, cards, counts(journal.counts, len(items)))
    tell("report", 1, 1)
    return path


def counts(numbers: Mapping[tuple[str, str], int], given: int) -> dict[str, Any]:
    """{"given", "evaluated", "failed", "dropped": {rule: how many}}, of counts as a Journal has them."""
    dropped = {reason: count for (status, reason), count in numbers.items() if status == "dropped"}
    done = {status: numbers.get((status, ""), 0) for status in ("evaluated", "failed")}
    return {"given": given, **done, "dropped": dropped}


def one_machine(classifier: Classifier, questions: Questions, items: list, tell: Progress) -> Iterator:
    """Yield the outcomes in order; the next pictures are read while one is explained, never more than AHEAD."""
    with ThreadPoolExecutor(AHEAD, "reading") as readers:
        ahead, waiting = deque(), iter(items)
        try:
            while True:
                while len(ahead) < AHEAD and (item := next(waiting, None)) is not None:
                    ahead.append((item, readers.submit(load, item)))
                if not ahead:
                    return
                item, reading = ahead.popleft()
                yield measure(classifier, item, questions, lambda _, of=reading: of.result(), lambda *count: tell())
        finally:
            readers.shutdown(wait=False, cancel_futures=True)


class Clock:
    """How far a run is: so many pictures, how many a second lately, and how long the others will take."""

    def __init__(self, tell: Progress, total: int, done: int):
        self._tell, self.total, self.done = tell, total, done
        self._times = deque([time.monotonic()], RECENT + 1)
        self.tell()

    def one_more(self) -> None:
        self.done += 1
        self._times.append(time.monotonic())
        self.tell()

    def tell(self) -> None:
        self._tell(self._stage(), self.done, self.total)

    def _stage(self):
        count, seconds = len(self._times) - 1, self._times[-1] - self._times[0]
        if not count or seconds <= 0:
            return "pictures"
        return f"pictures, {count / seconds:.2g} a second, {duration((self.total - self.done) * seconds / count)} left"


def settings_of(questions: Questions, source: Source, items: list, classifier: Classifier) -> dict[str, Field]:
    """Everything that a row depends on, as plain values."""
    settings = {name: value for name, value in questions.settings.items() if name != "class_index"}
    record = {
        "model": classifier.name,
        "network": asdict(questions.network),
        "classes": len(classifier.class_names),
        **settings,
        "precision": questions.precision,
        "curve_steps": questions.curve_steps,
        "rules": asdict(questions.rules),
        "source": asdict(source) | {"pictures": len(items), "digest": _digest(items)},
        "versions": {"python": platform.python_version(), "backend": backend.name(), "device": backend.device()}
        | {name: version(name) for name in ("keras", "numpy", "opencv-python-headless", "pyarrow")},
    }
    return json.loads(as_json(record))  # as it will be read back


def _digest(items):
    return hashlib.sha256("\n".join(map(repr, items)).encode("utf-8", "replace")).hexdigest()[:16]


def _begun(folder, settings, resume):
    """The folder, with these settings in it."""
    folder, path = Path(folder), Path(folder) / SETTINGS
    if path.exists():
        if not resume:
            raise InputError(f"{folder.name!r} holds an evaluation already: go on with --resume, or choose another.")
        _require_same(_settings_in(path), settings, folder)
        return folder
    if resume:
        raise InputError(f"--resume goes on with an evaluation, but {folder.name!r} holds none: leave it out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with results.whole(path) as temporary:
            temporary.write_text(as_json(settings), encoding="utf-8")
    except OSError as fault:
        raise InputError(
            f"Results are written to a folder that can be written to, but {folder.name!r} cannot "
            f"({fault.strerror or fault}): choose another one."
        ) from fault
    return folder


def _settings_in(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise InputError(
            f"An evaluation's settings are in {SETTINGS}, but that of {path.parent.name!r} cannot be read: choose "
            "another folder."
        ) from fault


def _require_same(before, now, folder):
    differ = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if differ:
        name = differ[0]
        raise InputError(
            f"An evaluation goes on as it began, but {name} was {_short(before.get(name))} in {folder.name!r} and is "
            f"{_short(now.get(name))} now: ask the same, or choose another folder."
        )


def _short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}…"

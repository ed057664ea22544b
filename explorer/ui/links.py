"""Ways from a report into Explore: a picture chosen on the page, or named by the page's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError
from explorer.ui.actions import Silent, refusal
from explorer.ui.state import Picture

if TYPE_CHECKING:
    from explorer.ui.actions import Explorer
    from explorer.ui.controls import Controls
    from explorer.ui.reports import Report
    from explorer.ui.state import Session


NAMES = {"layer": "layer", "class": "class_index"}  # words of the address -> what they ask


def open_at(
    explorer: Explorer, session: Session, controls: Controls, dark: bool, address: Mapping[str, str]
) -> dict[str, Any]:
    """A new visitor: the page as it opens, or the picture of the report that the address names.

    address: its words by name; "picture", "layer" and "class" are read. Where they lead nowhere the page opens as ever,
    and says so.
    """
    if "picture" not in address:
        return explorer.open(session, controls, dark)
    asks = {NAMES[word]: value for word, value in address.items() if word in NAMES}
    try:
        return open_picture(explorer, session, controls, dark, explorer.report, address["picture"], asks, Silent())
    except InputError as why:
        return explorer.open(session, controls, dark) | refusal(why)


def open_picture(
    explorer: Explorer,
    session: Session,
    controls: Controls,
    dark: bool,
    report: Report | None,
    number: str,
    asks: dict[str, Any],
    tell: Silent,
) -> dict[str, Any]:
    """Explain a picture of a report by the report's network -> places by name. asks: its "layer" and "class_index", as
    far as they are given. Raises InputError where there is no report, or any of these is not there."""
    if report is None:
        raise InputError(
            "Links to pictures are into a report, and the page has none: start it with launch.py --report FOLDER."
        )
    name, image = report.picture(number)
    instead = {} if report.network == session.network else {"model": explorer.listed(session, report.network)}
    classifier = explorer.classifier(session, replace(controls, **instead), tell)
    checks = {"layer": lambda name: classifier.layer(name).name, "class_index": classifier.class_index}
    asks = {key: checks[key](value) for key, value in asks.items()}
    session.bring(Picture(name, image, f"{name}, picture {number} of the report.", asks=asks))
    try:
        return explorer.explain(session, controls, dark, tell, **instead)
    finally:
        asks.clear()  # asked for once: from now on it is as any picture of the visitor's own

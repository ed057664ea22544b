"""What every page stands in: the visitor's session, the controls on the left, and how long work is run and told."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from explorer.ui import progress
from explorer.ui.controls import Asked
from explorer.ui.wiring import Explorer, guarded

QUIET = {"api_visibility": "private", "show_progress": "hidden"}
NETWORK = {"concurrency_id": "network", "concurrency_limit": 2, "trigger_mode": "multiple", **QUIET}


@dataclass(frozen=True)
class Frame:
    """explorer: what all visitors share. The rest are components: session, the visitor's State; dark, whether the page
    is; asked, the controls; answer, by name, every place that the answer to a question writes to. All may write to the
    line of status and the Stop button."""

    explorer: Explorer
    session: gr.State
    dark: gr.Checkbox
    asked: Asked
    answer: Mapping[str, Any]

    @property
    def places(self):
        return {name: self.answer[name] for name in ("status", "stop")}

    def run(self, event, work, places, inputs=(), when=None, latest=False):
        """Call work(session, asked, dark, tell, *values of the inputs) when something happens, with its progress on the
        page and its result in the places it names. event: or several; when: of the session, whether to work at all;
        latest: for what is dragged, of all that happens meanwhile only the last counts. Returns the dependency."""

        def handler(session, dark, *values):
            if when is None or when(session):
                yield from self._told(work, session, dark, values, len(inputs), places)
            else:
                yield self._placed({}, places)

        return self._wire(event, handler, places, inputs, NETWORK | ({"trigger_mode": "always_last"} if latest else {}))

    def run_chosen(self, event, work, places, inputs=()):
        """The same for an event that tells what was chosen: work(session, asked, dark, tell, told, *values), `told`
        being the dictionary that the event brings."""

        def handler(chosen: gr.EventData, session, dark, *values):
            def of_chosen(session, asked, dark, tell, *values):
                return work(session, asked, dark, tell, chosen._data, *values)

            yield from self._told(of_chosen, session, dark, values, len(inputs), places)

        return self._wire(event, handler, places, inputs, NETWORK)

    def redraw(self, event, work, places, inputs=()):
        """Call work(session, asked, dark, *values of the inputs) for what takes no time: the latest event counts."""

        def handler(session, dark, *values):
            found = guarded(lambda: work(session, Asked(*values[len(inputs) :]), dark, *values[: len(inputs)]))
            return self._placed(found, places)

        return self._wire(event, handler, places, inputs, {"trigger_mode": "always_last", **QUIET})

    def _told(self, work, session, dark, values, count, places):
        asked, values = Asked(*values[count:]), values[:count]
        for told in progress.reporting(lambda tell: work(session, asked, dark, tell, *values), session.is_on_page):
            yield self._placed(told, places)

    def _placed(self, found, places):
        """Gradio takes no dictionary without entries, and of a generator that says nothing it empties every place."""
        found = found or {"status": gr.update()}
        return {(self.places | places)[name]: value for name, value in found.items()}

    def _wire(self, event, handler, places, inputs, given):
        inputs = [self.session, self.dark, *inputs, *self.asked.all()]
        outputs = list((self.places | places).values())
        on = partial(gr.on, list(event)) if isinstance(event, list | tuple) else event
        return on(handler, inputs, outputs, **given)

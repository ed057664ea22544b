"""What the page does when a visitor does something, without a browser."""

from types import SimpleNamespace

import keras
import numpy as np
from PIL import Image

from explorer.errors import Cancelled, InputError
from explorer.models.spec import Network
from explorer.network.classifier import Classifier
from explorer.ui import actions, choices, progress
from explorer.ui.actions import Silent, guarded
from explorer.ui.state import Picture, Session, Superseded
from support import networks
from support.visitor import Telling, controls, silent


def test_the_page_opens_with_an_example_explained(explorer):
    places = explorer.open(Session(), controls(), dark=False)
    assert places["cards"].count("<figure") == 3, "three maps stand side by side"
    assert "note 0" in places["status"], "the first example says what it shows"
    assert len(places["histograms"].data) and len(places["path"].data), "histograms and the path are drawn"
    assert places["class_index"]["value"] is not None, "the most probable class is chosen"


def test_epsilon_and_looks_never_ask_the_network(explorer, session, net, monkeypatch):
    monkeypatch.setattr(explorer.cache, "explain", None)
    for name in ("sampler", "logits", "predict"):
        monkeypatch.setattr(net, name, None)
    plain = actions.redraw(session, controls(), dark=False)["cards"]
    for change in ({"exponent": -0.5}, {"colormap": "viridis"}, {"opacity": 0.2}, {"scale": "shared"}):
        again = actions.redraw(session, controls(**change), dark=False)["cards"]
        assert again != plain, f"{change} changes the pictures with the network switched off"


def test_raising_epsilon_turns_maps_dark_and_offers_the_way_back(session):
    places = actions.redraw(session, controls(exponent=0), dark=False)
    assert 'data-verdict="dark"' in places["cards"], "with ε = 1 a map of small values is dark"
    assert 'role="alert"' in places["notice"] and "Lower ε" in places["notice"], "and the page says so, and what helps"
    assert places["lower_epsilon"]["visible"], "one button lowers ε"
    exponent = actions.lower_exponent(session.result)
    assert all(one.verdict != "dark" for one in session.result.at_epsilon(10.0**exponent)), "by enough"


def test_a_mistake_leaves_the_last_result(explorer, session):
    before = session.result
    places = guarded(lambda: explorer.explain(session, controls(steps=0), False, silent))
    assert "received 0" in places["status"] and "cards" not in places, "one sentence, and no map changes"
    assert session.result is before, "the last result is still there"


def test_a_fault_of_ours_is_logged_and_told_without_a_traceback(caplog):
    places = guarded(lambda: 1 / 0)
    assert "Traceback" not in places["status"] and "ZeroDivision" not in places["status"], "the visitor sees a sentence"
    assert "ZeroDivisionError" in caplog.text, "the log has the traceback"


def test_good_files_are_added_though_bad_ones_come_with_them(explorer, session, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(networks.picture(9, 30, 40)).save(good)
    bad.write_bytes(b"no picture")
    places = explorer.add(session, controls(), False, [str(bad), str(good)], silent)
    assert [one.name for one in session.pictures[3:]] == ["good.png"], "the good one is on the strip"
    assert "Added 1 of 2" in places["status"] and "bad.png" in places["status"], "the bad one is named"
    assert np.array_equal(session.picture.image, networks.picture(9, 30, 40)), "and the good one is shown"
    assert places["cards"].count("<figure") == 3, "and explained"


def test_only_bad_files_change_nothing_else(explorer, session, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    places = explorer.add(session, controls(), False, [str(bad)], silent)
    assert set(places) == {"status"} and session.picture_index == 0, "the picture that was shown still is"


def test_another_picture_starts_from_its_own_most_probable_class(explorer, session):
    least = int(session.result.probabilities.argmin())
    explorer.explain(session, controls(class_index=least), False, silent)
    assert session.result.class_index == least, "the class asked for is explained"
    explorer.select(session, controls(class_index=least), False, 1, silent)
    assert session.result.class_index == int(session.result.probabilities.argmax()), "the next picture begins afresh"


def test_stopping_ends_the_work_and_keeps_the_last_result(explorer, session):
    before = session.result

    def stop_at_once(*count):
        session.job.stopped = True

    places = guarded(lambda: explorer.explain(session, controls(steps=40), False, Telling(stop_at_once)))
    assert "Stopped" in places["status"] and session.result is before, "it says so, and what was there stays"
    places = guarded(lambda: explorer.explain(session, controls(steps=40), False, silent))
    assert "cards" in places, "and the same question can be asked again"


def test_progress_has_a_stage_a_count_and_a_stop_button_alive_meanwhile():
    def work(tell):
        _, count = Session().begin(tell)
        count("the path", 3, 51)
        raise Cancelled

    steps = list(progress.reporting(work))
    assert steps[0]["stop"]["interactive"] and not steps[-1]["stop"]["interactive"], "Stop is alive while it works"
    assert "the path: 3 of 51" in steps[1]["status"], "a stage and a count"


def test_a_list_that_is_left_does_not_call_a_network_back_that_is_being_loaded(explorer, session):
    explorer.loaded.get(Network("two.keras"), lambda: networks.make("sequential")[0])
    session.networks["two.keras"] = Network("two.keras")

    number = session.number

    def leave_a_list(*_):
        assert guarded(lambda: explorer.ask(session, controls(number=number), False, silent)) is None

    explorer.explain(session, controls(number=number), False, Telling(leave_a_list), model="two.keras")
    leave_a_list()
    assert session.network == Network("two.keras"), "the controls said nothing new"


def test_a_question_that_another_answers_already_leaves_the_stop_button_to_that_one():
    def work(tell):
        raise Superseded

    assert list(progress.reporting(work)) == [{}], "what came last would be said again at its end, perhaps too late"


def test_a_job_that_was_replaced_says_nothing_last():
    session = Session()

    def work(tell):
        _, count = session.begin(tell)
        count("the path", 3, 51)
        session.begin(Silent())
        count("the path", 4, 51)

    steps = list(progress.reporting(work))
    assert steps[-1] == {} and not any("4 of 51" in places.get("status", "") for places in steps)


def test_the_five_most_probable_classes_come_first(session, net):
    found = choices.classes(session.result, net)
    values = session.result.probabilities[[index for _, index in found[:5]]]
    assert list(values) == sorted(session.result.probabilities)[::-1][:5], "by falling probability"
    assert sorted(index for _, index in found) == list(range(networks.CLASSES)), "then every other, once each"


def test_a_baseline_of_ones_own_needs_a_picture(explorer, session):
    places = guarded(lambda: explorer.explain(session, controls(baseline="picture"), False, silent))
    assert "needs a picture" in places["status"], "the page says what is missing"


def test_names_from_outside_are_text_not_markup(explorer, session, tmp_path):
    evil = tmp_path / "a<img src=x onerror=alert(1)>.png"
    Image.fromarray(networks.picture(9)).save(evil)
    places = explorer.add(session, controls(), False, [str(evil)], silent)
    assert "<img src=x" not in places["seen"], "a file's name cannot put markup on the page"


def test_an_example_is_shown_as_its_note_says(explorer, session, net):
    asks = {"layer": "stem", "class_index": net.class_names[4]}
    session.pictures[2] = Picture("scene", networks.picture(2), "At stem …", True, asks)
    places = explorer.select(session, controls(), False, 2, silent)
    assert session.result.layer.name == "stem" and session.result.class_index == 4, "at its layer, for its class"
    assert places["layer"]["value"] == "stem" and places["class_index"]["value"] == 4, "and the controls say so"


def test_a_network_that_cannot_be_loaded_leaves_the_one_that_was(explorer, session):
    before = session.result
    places = guarded(lambda: explorer.explain(session, controls(model="nowhere.keras"), False, silent))
    assert "nowhere.keras" in places["status"] and places["model"]["value"] == "net", (
        "the list goes back to what is shown"
    )
    assert session.result is before, "and so does the result"


def test_a_public_server_takes_no_networks(explorer, session, tmp_path):
    for bring in (
        lambda: explorer.bring_network(session, controls(), False, str(tmp_path / "a.keras"), None, "1/255", silent),
        lambda: explorer.bring_weights(session, controls(), False, "/etc/passwd", silent),
    ):
        assert "takes no networks" in guarded(bring)["status"], "unless it was started to allow it"


def test_a_newer_question_replaces_the_one_that_runs(explorer, session):
    before = session.result

    def ask_again(*count):
        if session.job is running[0]:
            running.append(guarded(lambda: explorer.explain(session, controls(steps=3), False, silent)))

    running = []
    real_begin = session.begin

    def begin(*given):
        job, progress = real_begin(*given)
        running.append(job)
        return job, progress

    session.begin = begin
    first = guarded(lambda: explorer.explain(session, controls(steps=40), False, Telling(ask_again)))
    assert first is None, "the older one says nothing more"
    assert session.result is not before and session.result.settings["steps"] == 3, "the newer one is shown"


def test_a_picture_chosen_meanwhile_is_explained_for_its_own_class(explorer, session):
    explorer.explain(session, controls(class_index=int(session.result.probabilities.argmin())), False, silent)
    session.picture_index = 1  # a click without an answer yet, while the class box is still of the old picture
    explorer.explain(session, controls(class_index=session.result.class_index, steps=5), False, silent)
    assert session.explained is session.pictures[1], "the picture that is chosen is explained"
    assert session.result.class_index == int(session.result.probabilities.argmax()), "not for the other one's class"


def test_a_mistake_leaves_the_picture_that_the_results_are_of(explorer, session):
    places = guarded(lambda: explorer.select(session, controls(steps=0), False, 2, silent))
    assert session.picture_index == 0 and places["strip"]["selected_index"] == 0, "strip and results stay together"


def test_a_baseline_of_the_class_itself_is_warned_of(session):
    session.at_baseline = np.eye(networks.CLASSES)[session.result.class_index]
    places = actions.redraw(session, controls(), dark=False)
    assert "already" in places["notice"] and 'role="alert"' in places["notice"], "a path from it explains little"


def test_the_button_mends_what_the_slider_can(session):
    faint = {"grad_cam": 1e-20, "integrated_grad_cam": 1e-3, "rsi_grad_cam": 2e-12}
    cams = {key: np.array([[0, value], [0, 0]], np.float32) for key, value in faint.items()}
    result = actions.replace(session.result, cams=cams, epsilon=1.0)
    assert actions.lower_exponent(result) == -12, "the map out of reach does not keep the others dark"


def test_an_empty_field_is_told(explorer, session):
    for change, words in (({"steps": None}, "steps is empty"), ({"seed": None}, "seed is empty")):
        places = guarded(lambda change=change: explorer.explain(session, controls(**change), False, silent))
        assert words in places["status"], f"{change} is told in the words of the page"


def test_the_page_telling_the_output_it_was_given_changes_nothing(explorer, session):
    """The head's box is filled once a network is loaded, and comes back with the next question."""
    session.choose(1)
    explorer.explain(session, controls(head=session.head), False, silent)
    assert session.explained is session.pictures[1], "the network is the same, so the picture chosen stays chosen"


def two_headed(head=None):
    keras.utils.set_random_seed(5)
    picture = keras.Input((networks.HEIGHT, networks.WIDTH, 3))
    features = keras.layers.Conv2D(4, 3, activation="relu", name="features")(picture)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    outputs = {
        "kind": keras.layers.Dense(3, activation="softmax", name="kind")(pooled),
        "colour": keras.layers.Dense(5, activation="softmax", name="colour")(pooled),
    }
    return Classifier("two", keras.Model(picture, outputs), networks.preprocess, head=head)


def test_one_of_several_outputs_is_chosen(explorer, session):
    session.networks["two.keras"] = Network("two.keras")
    for head in (None, "kind"):
        explorer.loaded.get(Network("two.keras", head=head), lambda head=head: two_headed(head))
    places = explorer.explain(session, controls(model="two.keras"), False, silent)
    assert places["head"]["visible"] and set(places["head"]["choices"]) == {"kind", "colour"}, "the choice is offered"
    assert len(places["class_index"]["choices"]) == 5 and session.head == "colour", "beginning with the first by name"
    places = explorer.explain(session, controls(model="two.keras", head="kind"), False, silent)
    assert session.head == "kind" and len(places["class_index"]["choices"]) == 3, "then the one that is chosen"


def test_scores_that_cannot_be_had_say_so_with_the_reason(explorer, session):
    picture = keras.Input((networks.HEIGHT, networks.WIDTH, 3))
    features = keras.layers.Conv2D(4, 3, activation="relu")(picture)
    values = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(features))
    hidden = keras.layers.Lambda(lambda z: keras.ops.softmax(z) * 1.0)(values)
    explorer.loaded.get(
        Network("hidden.keras"), lambda: Classifier("hidden", keras.Model(picture, hidden), networks.preprocess)
    )
    session.networks["hidden.keras"] = Network("hidden.keras")
    places = explorer.explain(session, controls(model="hidden.keras"), False, silent)
    words = {key: label for label, key in places["score"]["choices"]}
    assert "not available" in words["logit"] and "not available" in words["probability"], "they are marked"
    assert places["score"]["info"], "with the reason"
    assert places["score"]["value"] == "probability-naive", "and the score that can be had is explained"


def test_weights_are_for_a_network_of_the_list(explorer, session):
    explorer.allow_own = True
    places = guarded(lambda: explorer.bring_weights(session, controls(), False, "weights.h5", silent))
    assert "is your own" in places["status"], "one's own comes with its weights"
    session.model = None  # as if another network were shown
    places = guarded(lambda: explorer.bring_weights(session, controls(model="vgg16"), False, "nowhere.h5", silent))
    assert "nowhere.h5" in places["status"] and len(session.networks) == 0, "a file that is not there is told"


def test_the_fault_behind_a_sentence_is_in_the_log(caplog):
    def work():
        try:
            raise KeyError("deep inside")
        except KeyError as fault:
            raise InputError("It cannot be run.") from fault

    assert "deep inside" not in guarded(work)["status"], "the visitor reads the sentence"
    assert "deep inside" in caplog.text and "Traceback" in caplog.text, "the log has what was behind it"


def test_what_is_shown_on_the_way_is_drawn_now_and_then(monkeypatch):
    times = iter([10.0, 10.1, 10.4, 10.6, 10.7, 11.2])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(times)))
    drawn = []

    def work(tell):
        for i in range(6):
            tell.show(lambda i=i: drawn.append(i) or {"cards": i})
        return {"cards": "finished"}

    seen = [places["cards"] for places in progress.reporting(work) if "cards" in places]
    assert drawn == [0, 3, 5], "the first at once, others half a second apart; what nobody sees is not drawn"
    assert seen == [0, 3, 5, "finished"], "and what is finished always comes"


def test_integrated_grad_cam_as_in_its_notebook(explorer, session):
    def asks(**changes):
        explorer.explain(session, controls(**changes), False, silent)
        return session.result.settings["subtract_baseline"], session.result.settings["endpoint"]

    assert asks() == (True, True), "as published"
    assert asks(integrated="notebook") == (False, False), "A(0) stays, and α goes from 0"
    assert asks(integrated="notebook", automatic=True) == (False, True), "placed points bring the sum that suits them"


def test_methods_are_chosen_and_what_does_not_apply_is_left_out(explorer, session, net):
    places = explorer.explain(session, controls(methods=["sise", "cam", "rsi_grad_cam"]), False, silent)
    assert session.result.settings["methods"] == ["rsi_grad_cam", "sise"], "in the order of the list, without CAM"
    assert places["cards"].count("<figure") == 2
    assert "last Dense layer" in places["methods_note"], "the note says why it is greyed"
    assert "label:nth-of-type(1)" in places["methods_note"], "and its box is"
    before = session.result
    places = guarded(lambda: explorer.explain(session, controls(methods=["cam"]), False, silent))
    assert "No method is chosen that applies" in places["status"] and session.result is before


def test_what_masks_take_is_said_beforehand(explorer, session, net):
    places = explorer.explain(session, controls(steps=5), False, silent)
    channels = session.result.layer.shape[2]
    assert f"Score-CAM up to {channels}, about" in places["methods_note"], "a count and a time"


def test_a_mistake_that_is_corrected_is_no_longer_told(explorer, session):
    def ask(**changes):
        places = guarded(lambda: explorer.ask(session, controls(**shown | changes), False, silent))
        session.is_on_page(session.job.shows)
        return places["status"]

    shown = {"layer": session.result.layer.name, "class_index": session.result.class_index, "head": session.head}
    assert "wrong" in ask(steps=0)
    assert "ready" in ask(), "the number is what it was, and so is the page"
    assert "wrong" in ask(model="nowhere.keras")
    assert not isinstance(ask(), str), "the list went back by itself: the sentence is still there to be read"


def test_whether_there_is_something_to_stop_is_known_of_the_session():
    session, seen = Session(), []

    def work(tell):
        session.begin(tell)
        seen.append(session.job.at_work)
        return {"cards": "finished"}

    list(progress.reporting(work))
    assert seen == [True] and not session.job.at_work
    session.begin(Silent())
    assert not session.job.at_work, "whoever opens the page has nothing to stop"

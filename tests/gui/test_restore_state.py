"""The state of the restore dock: what it lets run, what it tells the line, what it keeps. No Qt."""

import json

import pytest

from napari_emrestore.pipeline import RunSettings
from napari_emrestore.widgets.restore.choices import list_choices
from napari_emrestore.widgets.restore.state import RestoreState


def _state(**fields):
    return RestoreState(**{"count": 9, "taken": (1, 8), **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ""),
        ({"count": 0}, "Open an image"),
        ({"fault": "It is in colour."}, "It is in colour."),
        ({"frames": 9}, "takes 1 to 8 frames per burst; 9 are set"),
        ({"frames": 9, "taken": (1, 1)}, ""),  # a model of single frames gets the mean
        ({"frames": 9, "meaning": "z"}, ""),
        ({"frames": 2, "taken": (3, 8)}, "takes 3 to 8"),
        ({"reference": "number", "reference_frame": 5}, "Choose a smaller number"),
        ({"reference": "number", "reference_frame": 4}, ""),
    ],
    ids=str,
)
def test_it_says_why_it_cannot_run(fields, said):
    obstacle = _state(**fields).obstacle()
    assert said in obstacle if said else obstacle == ""


def test_a_burst_is_no_longer_than_the_input_and_one_where_images_stand_alone():
    assert _state(frames=5, count=3).burst == 3
    assert _state(frames=5, count=0).burst == 1
    assert [_state(meaning=meaning).burst for meaning in ("time", "aligned", "z", "single")] == [5, 5, 1, 1]


def test_settings_say_what_is_set_and_nothing_else():
    state = _state(meaning="time", kind="none", tile_px=128, decisions={4: False, 2: True, 1: False})
    told = state.settings("film.tif")
    assert (told.input, told.frames, told.kind, told.tile) == ("film.tif", 5, None, 128)
    assert (told.use, told.skip) == ((2,), (1, 4))
    alone = _state(meaning="single", decisions={4: False}, reference="number", reference_frame=7).settings(
        "x"
    )
    assert (alone.frames, alone.kind, alone.use, alone.skip, alone.reference) == (1, None, (), (), "sharpest")
    assert _state(meaning="aligned").settings("x").kind is None


@pytest.mark.parametrize(
    "told",
    [
        RunSettings("x", "mean", frames=3, kind="affine", reference=2, tile=64, use=(1,), skip=(2,)),
        RunSettings("x", "bm3d", frames=5, kind=None, window="sliding", device="cpu", precision="fp32"),
        RunSettings("x", "mean", frames=4, reference="middle", truth_frame=3),
    ],
    ids=["by hand", "sliding", "middle"],
)
def test_settings_go_in_and_come_out_again(told):
    state = _state()
    state.take(told)
    assert state.settings("x") == told


def test_what_is_kept_is_json_and_what_is_damaged_is_left_out():
    state = _state(frames=3, kind="affine", decisions={1: True})
    record = json.loads(json.dumps(state.to_record()))
    assert "decisions" not in record
    fresh = _state()
    fresh.restore_record({**record, "model": 5, "unknown": 1, "count": 99})
    assert (fresh.frames, fresh.kind, fresh.model, fresh.count) == (3, "affine", RestoreState.model, 9)


def test_every_change_is_told_once():
    state, heard = _state(), []
    state.events.connect(lambda info: heard.append(info.signal.name))
    state.frames = 7
    state.frames = 7
    assert heard == ["frames"]


def test_every_method_of_the_menu_says_what_it_is_for():
    trained, classical = list_choices()
    assert {choice.id for choice in trained} >= {"burst-naf", "naf-denoise"}
    assert all(choice.summary and choice.facts for choice in (*trained, *classical))
    assert all(choice.failures for choice in trained)
    assert not any(choice.obstacle for choice in classical)
    bare = [choice for choice in trained if choice.card.weights is None]
    assert all("without weights" in choice.obstacle for choice in bare)

"""The line on frames that are open already: the same pixels, watched while they come, decided by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_emrestore.core import Acquisition, InputError
from napari_emrestore.io import FrameStack
from napari_emrestore.pipeline import RunSettings, run, run_frames
from napari_emrestore.pipeline.identity import pixels_sha256
from napari_emrestore.restoration import load_restorer

SETTINGS = RunSettings("layer", model="mean", kind="translation", frames=3)


@pytest.fixture
def stack(stream):
    return FrameStack.from_array(stream[0], Acquisition("layer"))


def test_open_frames_give_what_their_file_gives(stream, stack, stream_file, truth_file):
    from_file = run(replace(SETTINGS, input=str(stream_file), truth=str(truth_file)))
    from_frames = run_frames(stack, SETTINGS, truth=stream[1])
    np.testing.assert_array_equal(from_frames.restoration.image, from_file.restoration.image)
    assert [window.scores for window in from_frames.windows] == [
        window.scores for window in from_file.windows
    ]


def test_the_record_names_the_pixels_and_leads_back(stream, stack):
    made_by = run_frames(stack, SETTINGS, truth=stream[1]).restoration.provenance
    source, truth = made_by.inputs
    assert source == {"name": "layer", "path": "", "sha256": "", "pixels_sha256": pixels_sha256(stack)}
    assert truth["name"] == "ground truth"
    assert RunSettings.from_json(json.dumps(made_by.settings["run"])) == SETTINGS
    assert made_by.settings["run_key"]["input_sha256"] == source["pixels_sha256"]


def test_other_pixels_types_and_shapes_are_another_input(stream):
    frames = stream[0]
    other = frames.copy()
    other[-1, -1, -1] += 1
    variants = [frames, other, frames.astype(np.int32), frames.reshape(-1, *frames.shape[:0:-1])]
    assert len({pixels_sha256(FrameStack.from_array(variant)) for variant in variants}) == 4


@pytest.mark.parametrize("frames", [6, 3, 1])
def test_the_result_fills_the_array_that_is_given(stack, frames):
    given = []

    def room(shape, origin_px):
        given.append((np.full(shape, -1, np.float32), origin_px))
        return given[-1][0]

    settings = replace(SETTINGS, model="gaussian", frames=frames)
    result = run_frames(stack, settings, room=room)
    (array, origin_px), *more = given
    assert not more
    assert result.restoration.image is array
    assert origin_px == result.restoration.origin_px
    np.testing.assert_array_equal(array, run_frames(stack, settings).restoration.image)


def test_a_loaded_model_is_used_as_it_is(stack):
    restorer = load_restorer("median")
    made_by = run_frames(stack, replace(SETTINGS, model="median"), restorer=restorer).restoration.provenance
    assert made_by.model["id"] == "median"


def test_frames_skipped_by_hand_take_no_part(stream, stack):
    settings = replace(SETTINGS, kind=None, skip=(1, 3))
    result = run_frames(stack, settings)
    np.testing.assert_allclose(result.restoration.image[0], stream[0][[0, 2]].mean(0), rtol=1e-6)
    np.testing.assert_allclose(result.restoration.image[1], stream[0][[4, 5]].mean(0), rtol=1e-6)
    registered = run_frames(stack, replace(settings, kind="translation"))
    verdicts = [verdict for window in registered.windows for verdict in window.verdicts]
    assert [verdict.accepted for verdict in verdicts] == [True, False, True, False, True, True]
    assert verdicts[1].reason == "rejected by hand"


def test_frames_wanted_by_hand_take_part_in_spite_of_triage(stream):
    frames = stream[0].copy()
    frames[2] = np.random.default_rng(0).poisson(160, frames.shape[1:])  # shows nothing of the scene
    stack = FrameStack.from_array(frames)
    left_out = run_frames(stack, SETTINGS).windows[0].verdicts[2]
    assert not left_out.accepted
    taken = run_frames(stack, replace(SETTINGS, use=(2,))).windows[0].verdicts[2]
    assert taken.accepted
    assert taken.reason.startswith("accepted by hand although")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"frames": 1, "skip": (0,)}, "within bursts of several"),
        ({"skip": (0, 1, 2), "kind": None}, "all 3 frames are rejected by hand"),
        ({"skip": (0, 1, 2)}, "all 3 frames are rejected by hand"),
        ({"skip": (0,), "reference": 0, "kind": None}, "frame 0"),
    ],
    ids=str,
)
def test_decisions_that_leave_nothing_are_refused(stack, changed, said):
    with pytest.raises(InputError, match=said):
        run_frames(stack, replace(SETTINGS, **changed))


def test_a_frame_is_not_used_and_skipped():
    with pytest.raises(InputError, match="frame 2 is in both lists"):
        RunSettings("x", use=(1, 2), skip=(2,))

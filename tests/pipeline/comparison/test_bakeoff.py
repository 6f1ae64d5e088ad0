"""The bake-off runs what it can, says what it cannot, and cuts everything to one box."""

import numpy as np
import pytest

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.models import find_card
from napari_emrestore.pipeline.comparison import bake_off, bakeoff
from napari_emrestore.pipeline.comparison.bakeoff import Rect
from napari_emrestore.restoration import load_restorer, restore

BOX = Rect(20, 52, 30, 71)


def test_a_box_comes_out_as_it_does_from_the_whole_image(stream):
    image = stream[0][0]
    made = bake_off(image, ["median", "gaussian"], box=BOX)
    assert [one.name for one in made.candidates] == ["median", "gaussian"]
    assert made.area == BOX
    np.testing.assert_array_equal(made.degraded.image, image[BOX.slices])
    whole = restore(image, load_restorer("median")).image[BOX.slices]
    np.testing.assert_allclose(made.candidates[0].image, whole, rtol=1e-5)
    assert all(one.seconds >= 0 and one.provenance["model"]["id"] == one.name for one in made.candidates)


def test_one_failing_model_does_not_stop_the_others(stream):
    made = bake_off(stream[0][0], ["gaussian", "no-such-model", "median"], box=BOX)
    assert [one.name for one in made.candidates] == ["gaussian", "median"]
    assert "no-such-model" in made.failures["no-such-model"]
    assert "\n" not in made.failures["no-such-model"]


def test_a_burst_is_registered_and_cropped_to_what_its_frames_share(stream):
    frames, truths = stream
    made = bake_off(frames[:3], ["mean", "median-of-frames"], box=BOX)
    assert made.degraded.name == "mean of 3 frames"
    assert made.area.shape == made.candidates[0].image.shape == made.degraded.image.shape
    # the middle frame is the reference, and its scene is the truth of the box
    true = truths[1][made.area.slices]
    assert np.abs(made.candidates[0].image - true).mean() < np.abs(frames[1][made.area.slices] - true).mean()


def test_frames_taken_as_aligned_are_not_moved(stream):
    frames = np.repeat(stream[0][:1], 2, axis=0)
    made = bake_off(frames, ["mean", "median"], box=BOX, kind=None)
    assert made.area == BOX
    np.testing.assert_allclose(made.candidates[0].image, frames[0][BOX.slices], rtol=1e-6)


def test_reports_steps_of_all_models_and_stops_when_asked(stream, stop_after):
    steps = []

    class Seen:
        def step(self, done, total, note=""):
            steps.append((done, total, note))

    bake_off(stream[0][0], ["gaussian", "median"], monitor=Seen())
    assert steps[-1][:2] == (100, 100)
    assert [done for done, *_ in steps] == sorted(done for done, *_ in steps)
    assert "median" in steps[-1][2]
    with pytest.raises(Cancelled):
        bake_off(stream[0][0], ["gaussian", "median"], monitor=stop_after(2))


@pytest.mark.parametrize(
    ("models", "box"),
    [(["median"], BOX), (["median", "median"], BOX), (["median", "mean"], Rect(0, 400, 0, 9)), ([], None)],
)
def test_refuses_wrong_numbers_of_models_and_boxes(stream, models, box):
    with pytest.raises(InputError):
        bake_off(stream[0][0], models, box=box)


def test_refuses_what_is_no_image():
    with pytest.raises(InputError):
        bake_off(np.zeros((2, 3, 40, 40)), ["mean", "median"])


def test_as_much_is_read_around_the_box_as_the_models_look_at():
    halo = find_card("burst-naf").tiling.halo
    assert halo > 48
    assert bakeoff._context_px(["gaussian", "burst-naf"]) == halo
    assert bakeoff._context_px(["gaussian", "no-such-model"]) == 48

"""A preview shows what the run will give there, pixel by pixel, and says when it cannot."""

import numpy as np
import pytest

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.io import FrameStack
from napari_emrestore.pipeline import RunSettings, run_frames
from napari_emrestore.pipeline.previewing import (
    burst_at,
    central_part,
    first_frames,
    prepare,
    restore_part,
    warm_up,
    warm_up_alignment,
)
from napari_emrestore.pipeline.windows import Job
from napari_emrestore.restoration import load_restorer


def _job(stream, model, **settings):
    told = RunSettings("layer", model=model, **{"kind": "translation", **settings})
    restorer = load_restorer(model)
    warm_up(restorer, told.frames or 1)
    return Job.of(FrameStack.from_array(stream[0]), restorer, told)


@pytest.mark.parametrize("frames", [1, 3, 6])
@pytest.mark.parametrize("field", [(0, 81, 0, 98), (13, 40, 21, 64), (60, 81, 90, 98), (30, 31, 40, 41)])
@pytest.mark.parametrize("model", ["gaussian", "nlmeans"])
def test_a_part_equals_the_run(stream, model, field, frames):
    job = _job(stream, model, frames=frames)
    whole = run_frames(job.stack, job.settings, restorer=job.restorer)
    position = len(job.ranges) - 1
    part = restore_part(job, prepare(job, job.ranges[position], SILENT), field, SILENT)
    image, origin = whole.restoration.image, whole.restoration.origin_px
    image = image[position] if image.ndim == 3 else image
    (y, x), (height, width) = np.subtract(part.origin_px, origin), part.image.shape
    np.testing.assert_allclose(part.image, image[y : y + height, x : x + width], rtol=1e-5)
    assert part.is_exact
    assert part.mean.shape == part.image.shape
    assert field[0] <= part.origin_px[0] < field[1]


def test_a_network_in_part_equals_the_run_too(stream):
    job = _job(stream, "naf-denoise", frames=1, device="cpu")
    image = run_frames(job.stack, job.settings, restorer=job.restorer).restoration.image[2]
    part = restore_part(job, prepare(job, range(2, 3), SILENT), (2, 9, 88, 98), SILENT)
    np.testing.assert_allclose(part.image, image[2:9, 88:98], atol=1e-3 * np.ptp(image))


def test_a_method_that_adapts_to_all_it_sees_says_so(stream):
    job = _job(stream, "nlmeans-calibrated", frames=6)
    prepared = prepare(job, range(6), SILENT)
    assert restore_part(job, prepared, (0, 81, 0, 98), SILENT).is_exact
    wide = FrameStack.from_array(np.tile(stream[0][:1], (1, 3, 3)))
    job = Job.of(wide, job.restorer, RunSettings("x", "nlmeans-calibrated", frames=1))
    assert not restore_part(job, prepare(job, range(1), SILENT), (5, 9, 5, 9), SILENT).is_exact


def test_the_time_of_a_run_grows_with_its_bursts(stream):
    one, two = _job(stream, "gaussian", frames=6), _job(stream, "gaussian", frames=3)
    part = restore_part(one, prepare(one, range(6), SILENT), (0, 81, 0, 98), SILENT)
    assert part.expected_seconds >= part.seconds
    prepared = prepare(two, range(3), SILENT)
    half = restore_part(two, prepared, (0, 81, 0, 98), SILENT)
    assert half.expected_seconds == pytest.approx(2 * (prepared.seconds + half.seconds))


def test_fewer_frames_of_a_burst_stay_on_its_grid(stream):
    job = _job(stream, "mean", frames=6)
    prepared = prepare(job, range(6), SILENT)
    fewer = first_frames(prepared, 2)
    np.testing.assert_array_equal(fewer.ready.aligned, prepared.ready.aligned[:2])
    part = restore_part(job, fewer, (0, 81, 0, 98), SILENT)
    np.testing.assert_allclose(part.image, part.mean, rtol=1e-5)
    with pytest.raises(InputError, match="needs as many"):
        first_frames(prepared, 7)


def test_a_field_that_the_burst_does_not_show_is_refused(stream):
    job = _job(stream, "mean", frames=6)
    with pytest.raises(InputError, match="Move the view"):
        restore_part(job, prepare(job, range(6), SILENT), (0, 1, 0, 98), SILENT)


def test_the_burst_of_a_frame_and_the_middle_of_a_field():
    ranges = [range(0, 3), range(3, 6)]
    assert [burst_at(ranges, frame) for frame in (0, 2, 3, 7)] == [ranges[0], ranges[0], ranges[1], ranges[1]]
    assert burst_at([range(k, k + 3) for k in range(5)], 4) == range(3, 6)
    assert central_part((0, 100, 10, 20), 40) == (30, 70, 10, 20)
    assert central_part((0, 101, 0, 1), 40) == (30, 70, 0, 1)


@pytest.mark.parametrize("kind", ["translation", None])
def test_warming_up_asks_nothing_of_the_frames(stream, kind):
    job = _job(stream, "mean", frames=3, kind=kind)
    warm_up_alignment(job, range(3))
    blank = Job.of(FrameStack.from_array(np.zeros((3, 5, 7))), job.restorer, job.settings)
    warm_up_alignment(blank, range(3))

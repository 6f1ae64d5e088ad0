"""A burst of known motion comes back on one grid, and frames with a known fault are left out by name."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from napari_emrestore.bursts import TriageSettings, merge, register
from napari_emrestore.core import Acquisition, Burst, Cancelled, InputError, RegistrationError

SHAPE = (150, 190)
SHIFTS = np.array([(0, 0), (7.3, -4.6), (-12.0, 9.0), (3.5, 15.25), (-6.8, -11.1)])


def scene() -> np.ndarray:
    """Return cells with membranes on a field larger than the frames, about 0.2 to 1."""
    rng = np.random.default_rng(11)
    field = gaussian_filter(rng.normal(size=(260, 300)), 5)
    fine = gaussian_filter(rng.normal(size=field.shape), 1.5)
    return 0.6 + 0.25 * np.tanh(40 * field) + 0.5 * fine


def frame_at(shift: np.ndarray, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Return the noise-free frame in which the scene lies `shift` further than in frame 0."""
    grid = np.indices(shape, dtype=float) + 50 - np.reshape(shift, (2, 1, 1))
    return map_coordinates(scene(), grid, order=3)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Return five counted frames of the moving scene, 60 electrons per pixel."""
    rng = np.random.default_rng(3)
    return rng.poisson(60 * np.stack([frame_at(shift) for shift in SHIFTS])).astype(np.uint16)


@pytest.mark.parametrize("reference", ["middle", 0, 3])
def test_known_shifts_are_found_and_frames_lie_on_the_reference(frames, reference):
    result = register(Burst(frames), kind="translation", reference=reference)
    chosen = 2 if reference == "middle" else reference
    assert result.reference == chosen
    assert result.accepted == (0, 1, 2, 3, 4)
    for verdict, shift in zip(result.verdicts, SHIFTS, strict=True):
        np.testing.assert_allclose(verdict.shift_px, shift - SHIFTS[chosen], atol=0.15)
        assert verdict.reason == ""
        assert not verdict.charging
    assert result.valid.all()
    assert result.aligned.dtype == np.float32
    y, x = result.origin_px
    height, width = result.aligned.shape[1:]
    reference_part = frames[chosen][y : y + height, x : x + width]
    np.testing.assert_array_equal(result.aligned[result.accepted.index(chosen)], reference_part)
    truth = 60 * frame_at(SHIFTS[chosen])[y : y + height, x : x + width]
    # the mean of five frames has a fifth of the variance; interpolation takes off some more
    assert np.mean((merge(result) - truth) ** 2) < 0.25 * np.mean((reference_part - truth) ** 2)


def test_the_sharpest_frame_is_the_reference(frames):
    blurred = np.stack(
        [gaussian_filter(f.astype(float), s) for f, s in zip(frames, (2, 2, 2, 1, 2), strict=True)]
    )
    result = register(Burst(blurred))
    assert result.reference == 3
    assert result.verdicts[3].sharpness == 1.0


def test_a_union_holds_every_frame_with_masks(frames):
    result = register(Burst(frames), kind="translation", reference=0, crop="union")
    height, width = result.aligned.shape[1:]
    spans = SHIFTS.max(axis=0) - SHIFTS.min(axis=0)
    np.testing.assert_allclose((height, width), SHAPE + spans, atol=2)
    y, x = result.origin_px
    assert y < 0
    assert x < 0
    np.testing.assert_array_equal(result.aligned[0][-y:, -x:][: SHAPE[0], : SHAPE[1]], frames[0])
    assert result.valid[0].sum() == SHAPE[0] * SHAPE[1]
    for image, valid, frame in zip(result.aligned, result.valid, frames, strict=True):
        assert valid.any(axis=0).any()
        np.testing.assert_allclose(image[~valid], frame.mean(), rtol=1e-5)
        assert valid.sum() > 0.9 * frame.size
    merged = merge(result)
    seen = result.valid.any(axis=0)
    truth = 60 * frame_at(np.array([-y, -x]), (height, width))
    assert np.abs((merged - truth)[seen].mean()) < 1


FAULTS = {
    "blank": (lambda f: np.zeros_like(f), "all pixels are equal"),
    "other place": (
        lambda f: np.random.default_rng(1).poisson(60 * frame_at((40, -99))[::-1]),
        "correlation",
    ),
    "blurred": (lambda f: gaussian_filter(f.astype(float), 9), "sharpness"),
    "saturated": (lambda f: np.where(f > 45, 65535, f), "saturated"),
    "brighter": (lambda f: f * 1.7, "charging"),
    "shaded": (lambda f: f + np.linspace(0, 60, f.shape[1]), "charging"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_frame_with_a_fault_is_left_out_with_the_reason(frames, fault):
    spoil, reason = FAULTS[fault]
    spoilt = frames.copy()
    spoilt[1] = spoil(frames[1]).astype(np.uint16)
    result = register(Burst(spoilt), kind="translation", reference=0)
    assert result.accepted == (0, 2, 3, 4)
    assert reason in result.verdicts[1].reason
    assert len(result.aligned) == 4
    assert len(result.warps) == 5
    np.testing.assert_array_equal(result.burst.frames, spoilt)
    kept = register(Burst(spoilt), kind="translation", reference=0, overrides={1: True, 4: False})
    assert 1 in kept.accepted
    assert 4 not in kept.accepted
    assert kept.verdicts[1].reason.startswith("accepted by hand although: ")


def test_limits_can_be_set(frames):
    strict = register(Burst(frames), reference=0, triage=TriageSettings(max_shift=0.07))
    assert strict.accepted == (0, 1, 4)
    assert "moved by (-12.0, 9.0) px (limit 7% of the frame)" in strict.verdicts[2].reason


def test_low_dose_frames_are_not_thrown_away():
    rng = np.random.default_rng(9)
    few = rng.poisson(2 * np.stack([frame_at(shift) for shift in SHIFTS])).astype(np.uint16)
    assert register(Burst(few), kind="translation").accepted == (0, 1, 2, 3, 4)


def test_pixels_that_are_not_finite_are_masked_and_do_not_spread(frames):
    holed = frames.astype(np.float32)
    holed[0, 70, 80] = holed[1, 40, 90] = np.nan
    holed[3, 100, 30:34] = np.inf
    result = register(Burst(holed), kind="translation", reference=0)
    clean = register(Burst(frames), kind="translation", reference=0)
    assert result.accepted == clean.accepted
    assert result.aligned.shape == clean.aligned.shape
    assert np.isfinite(result.aligned).all()
    y, x = result.origin_px
    assert not result.valid[0, 70 - y, 80 - x]
    assert 1 < (~result.valid).sum() < 60
    assert np.abs(merge(result) - merge(clean))[result.valid.all(axis=0)].max() < 12


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (40, 31)])
@pytest.mark.parametrize("value", [0.0, 5.0])
@pytest.mark.parametrize("crop", ["intersection", "union"])
def test_a_burst_of_one_frame_comes_back_as_it_is(shape, value, crop):
    frame = np.full((1, *shape), value, np.float32)
    frame[0, 0, 0] = 3
    result = register(Burst(frame, Acquisition("one")), crop=crop)
    np.testing.assert_array_equal(result.aligned, frame)
    assert result.valid.all()
    assert result.accepted == (0,)
    assert result.origin_px == (0, 0)
    np.testing.assert_array_equal(result.warps[0].matrix, np.eye(3))
    np.testing.assert_array_equal(merge(result, "sigma-clip"), frame[0])


def test_what_cannot_be_registered_is_said():
    with pytest.raises(InputError, match="frame 0 is the reference and blank"):
        register(Burst(np.zeros((3, 40, 40))))
    with pytest.raises(InputError, match="1 to 32 frames; 33 came"):
        register(Burst(np.zeros((33, 4, 4))))
    with pytest.raises(InputError, match="position 5 came"):
        register(Burst(np.zeros((2, 40, 40))), overrides={5: True})
    with pytest.raises(InputError, match="all 2 frames are rejected by hand"):
        register(Burst(np.zeros((2, 40, 40))), overrides={0: False, 1: False})
    with pytest.raises(InputError, match="'crop' came"):
        register(Burst(np.zeros((2, 40, 40))), crop="crop")


def test_frames_that_share_no_area_are_refused(frames):
    from napari_emrestore.bursts.areas import common_area
    from napari_emrestore.core import Warp

    with pytest.raises(RegistrationError, match="2 frames share none"):
        common_area([Warp.identity(), Warp.from_shift((200.0, 0.0))], SHAPE)


def test_every_stage_tells_every_frame_and_can_be_stopped(frames):
    class Steps:
        def __init__(self, stop: str = "") -> None:
            self.stop, self.notes = stop, []

        def step(self, done: int, total: int, note: str = "") -> None:
            self.notes.append(note)
            if note == self.stop:
                raise Cancelled

    steps = Steps()
    register(Burst(frames), monitor=steps)
    assert steps.notes.count("judging frames") == steps.notes.count("resampling frames") == 5
    assert "aligning frames" in steps.notes
    for stage in ("judging frames", "aligning frames", "resampling frames"):
        with pytest.raises(Cancelled):
            register(Burst(frames), monitor=Steps(stage))

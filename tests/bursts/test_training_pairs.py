"""Blurry frames are matched to a high-quality image of twice the sampling, scaled, masked and tiled."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter1d

from napari_emrestore.bursts import crop_positions, training_pair
from napari_emrestore.core import Acquisition, Burst, Cancelled, Frame, InputError, RegistrationError

SHIFTS = ((0, 0), (6, -9), (-4, 5))
MARGIN = 30


@pytest.fixture(scope="module")
def series() -> tuple[Burst, Frame, np.ndarray]:
    """Return frames at 4 nm/px, a clean image of the same place at 2 nm/px, and where its bar is."""
    rng = np.random.default_rng(5)
    fine = 100 + 400 * np.tanh(3 * gaussian_filter(rng.normal(size=(660, 760)), 8) * 8) ** 2
    fine += 150 * gaussian_filter(rng.normal(size=fine.shape), 2.5)
    fine = np.maximum(fine, 60)
    fine[:, 520:600] = 5  # a grid bar
    coarse = fine.reshape(330, 2, 380, 2).mean(axis=(1, 3))
    frames = []
    for dy, dx in SHIFTS:
        seen = coarse[MARGIN - dy : 330 - MARGIN - dy, MARGIN - dx : 380 - MARGIN - dx]
        frames.append(rng.poisson(uniform_filter1d(seen, 5, axis=0) / 4))
    clean = fine[2 * MARGIN : 660 - 2 * MARGIN, 2 * MARGIN : 760 - 2 * MARGIN]
    burst = Burst(np.stack(frames).astype(np.uint16), Acquisition(pixel_size_nm=(4.0, 4.0)))
    bar = coarse[MARGIN : 330 - MARGIN, MARGIN : 380 - MARGIN] < 30
    return burst, Frame(clean.astype(np.float32), 0, Acquisition(pixel_size_nm=(2.0, 2.0))), bar


LIMITS = {"frame_limits": (10.0, 200.0), "clean_limits": (30.0, 800.0), "kind": "translation"}


def test_frames_match_the_halved_clean_image(series):
    burst, clean, bar = series
    pair = training_pair(burst, clean, **LIMITS, tile_px=32, erosion_px=23)
    for warp, shift in zip(pair.warps, SHIFTS, strict=True):
        np.testing.assert_allclose(warp.matrix[:2, 2], shift, atol=0.4)
    assert pair.frames.shape == (3, *pair.clean.shape)
    assert pair.frames.dtype == pair.clean.dtype == np.float32
    assert pair.clean.min() == 0
    assert 0 <= pair.frames.min() <= pair.frames.max() <= 1
    assert 0 < pair.clipped < 0.4
    (y, x), (height, width) = pair.origin_px, pair.clean.shape
    halved = clean.data.reshape(270, 2, 320, 2).mean(axis=(1, 3))[y : y + height, x : x + width]
    np.testing.assert_allclose(pair.clean, np.clip((halved - 30) / 770, 0, 1), atol=1e-5)
    np.testing.assert_array_equal(pair.mask, ~bar[y : y + height, x : x + width])
    for frame in pair.frames:
        assert np.corrcoef(frame[pair.mask], pair.clean[pair.mask])[0, 1] > 0.8


def test_tiles_and_crops_of_a_pair_hold_no_bar(series):
    burst, clean, _ = series
    pair = training_pair(burst, clean, **LIMITS, tile_px=32, erosion_px=23)
    assert len(pair.tiles) > 20
    for y, x in (*pair.tiles, *crop_positions(pair, 50, np.random.default_rng(0))):
        assert pair.mask[y : y + 32, x : x + 32].shape == (32, 32)
        assert pair.mask[y : y + 32, x : x + 32].all()


def test_the_sampling_is_told_by_pixel_sizes_shapes_or_the_user(series):
    burst, clean, _ = series
    sizes = {"tile_px": 32, "erosion_px": 23}
    by_shape = training_pair(Burst(burst.frames), Frame(clean.data, 0, Acquisition()), **LIMITS, **sizes)
    by_user = training_pair(burst, Frame(clean.data, 0, Acquisition()), halve=True, **LIMITS, **sizes)
    np.testing.assert_array_equal(by_shape.clean, by_user.clean)
    odd = Frame(clean.data, 0, Acquisition(pixel_size_nm=(2.9, 2.9)))
    with pytest.raises(InputError, match=r"has 2\.9 nm/px, the frames 4 nm/px"):
        training_pair(burst, odd, **LIMITS)
    with pytest.raises(InputError, match=r"is \(540, 640\), the frames \(270, 320\)"):
        training_pair(burst, clean, halve=False, **LIMITS)


def test_a_frame_of_another_place_is_named(series):
    burst, clean, _ = series
    frames = burst.frames.copy()
    frames[1] = np.random.default_rng(1).poisson(100, frames[1].shape)
    with pytest.raises(RegistrationError, match="frame 1 does not"):
        training_pair(Burst(frames, burst.acquisition), clean, **LIMITS)


def test_settings_that_cannot_work_are_refused(series):
    burst, clean, _ = series
    with pytest.raises(InputError, match=r"at least 90\.5 px; 50 came"):
        training_pair(burst, clean, **LIMITS, erosion_px=50)
    with pytest.raises(InputError, match="low below high"):
        training_pair(burst, clean, frame_limits=(5.0, 5.0), clean_limits=(0.0, 1.0))
    with pytest.raises(InputError, match="at least 1 px"):
        training_pair(burst, clean, **LIMITS, tile_px=0)
    holed = np.where(np.arange(640) == 3, np.nan, clean.data).astype(np.float32)
    with pytest.raises(InputError, match="the clean image holds pixels that are not finite"):
        training_pair(burst, Frame(holed, 0, clean.acquisition), **LIMITS)


def test_matching_tells_every_frame_and_can_be_stopped(series):
    burst, clean, _ = series

    class Steps:
        def step(self, done: int, total: int, note: str = "") -> None:
            assert (total, note) == (3, "matching frames")
            if done == 2:
                raise Cancelled

    with pytest.raises(Cancelled):
        training_pair(burst, clean, **LIMITS, monitor=Steps())

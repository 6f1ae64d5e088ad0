"""restore(): tiles equal the whole, units come back, and everything out of the ordinary is said."""

import dask.array as da
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_emrestore.core import (
    Acquisition,
    Burst,
    Cancelled,
    DeviceError,
    Frame,
    FrameVerdict,
    InputError,
    IntensityMap,
    ModelError,
    Provenance,
    RegisteredBurst,
    TilingRule,
    Warp,
)
from napari_emrestore.restoration import restore
from napari_emrestore.restoration.inputs import Inputs

MAP = IntensityMap(100.0, 400.0)


def whole(network, frames, mapping=MAP, stride=4):
    """The network on the whole image at once: padded by numpy, run by torch, cropped."""
    import torch

    frames = np.atleast_3d(frames) if frames.ndim == 3 else frames[None]
    pad = [(0, 0), *((0, -n % stride) for n in frames.shape[1:])]
    given = torch.from_numpy(np.pad(mapping.to_model(frames), pad, mode="reflect"))
    with torch.inference_mode():
        made = network(given[None])[0].numpy()
    return mapping.to_input(made[: frames.shape[1], : frames.shape[2]])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 130), st.integers(1, 130)),
    st.sampled_from([36, 40, 64, (36, 128), (60, 44)]),
    st.integers(0, 99),
)
def test_tiles_equal_the_whole_for_any_size(restorer, network, shape, tile, seed):
    frames = np.random.default_rng(seed).integers(0, 1000, shape).astype(np.uint16)
    made = restore(frames, restorer, tile=tile, intensity=MAP).image
    truth = whole(network, frames)
    assert made.shape == shape[1:]
    assert made.dtype == np.float32
    assert np.abs(made - truth).max() <= 1e-5 * max(1.0, np.ptp(truth))


@pytest.mark.parametrize("shape", [(1, 1), (1, 37), (3, 2), (5, 4), (4, 90), (97, 43)])
def test_auto_tiles_equal_the_whole_down_to_one_pixel(restorer, network, rng, shape):
    image = rng.normal(300, 100, shape)
    made = restore(image, restorer, intensity=MAP).image
    np.testing.assert_allclose(made, whole(network, image.astype(np.float32)), atol=2e-3)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "uint16", "int32", "float16", "float32", "float64"]
)
def test_any_real_dtype_comes_back_in_its_own_units_unclamped(numpy_restorer, rng, dtype):
    image = (rng.random((20, 31)) * 200).astype(dtype)
    made = restore(image, numpy_restorer(lambda frames: frames[0] + 10)).image
    used = restore(image, numpy_restorer()).provenance.settings["intensity"]
    np.testing.assert_allclose(made - 10 * used["scale"], image, atol=1e-4 * max(1, used["scale"]))
    assert made.dtype == np.float32


@pytest.mark.parametrize("image", [np.zeros((9, 7)), np.full((9, 7), 5e4, np.uint16)])
def test_a_constant_image_stays_what_it_is(numpy_restorer, image):
    np.testing.assert_allclose(restore(image, numpy_restorer()).image, image, rtol=1e-6)


def test_a_stack_is_one_burst_or_n_images_by_what_the_restorer_takes(restorer, network, numpy_restorer, rng):
    stack = rng.normal(300, 50, (3, 30, 21)).astype(np.float32)
    np.testing.assert_allclose(
        restore(stack, restorer, intensity=MAP).image, whole(network, stack), atol=1e-2
    )
    single = numpy_restorer()
    made = restore(stack, single, intensity=MAP)
    np.testing.assert_allclose(made.image, stack, rtol=1e-5)
    assert single.seen == [(1, 30, 21)] * 3
    assert restore(stack[:1], single).image.shape == (1, 30, 21)


def test_a_stack_shares_one_intensity_map(numpy_restorer, rng):
    stack = rng.normal([[[100]], [[900]]], 30, (2, 40, 40))
    expected = IntensityMap.from_signal(stack)
    made = restore(stack, numpy_restorer())
    assert made.provenance.settings["intensity"] == {"offset": expected.offset, "scale": expected.scale}


def test_bursts_and_frames_bring_their_acquisition(restorer, numpy_restorer, rng):
    known = Acquisition("stream", "/data/stream.tif", pixel_size_nm=(1.0, 1.0), dose_e=20.0)
    frames = rng.normal(300, 50, (2, 30, 21))
    for data in (Burst(frames, known), Frame(frames[0], 4, known)):
        made = restore(data, restorer)
        assert made.acquisition is known
        assert made.image.shape == (30, 21)
        assert made.provenance.inputs == ({"name": "stream", "path": "/data/stream.tif"},)
        assert made.provenance.notes == ()
    assert restore(Burst(frames[:1]), numpy_restorer()).image.shape == (30, 21)


def registered(frames, valid):
    verdict = FrameVerdict(0, (0.0, 0.0), 1.0, 1.0, 0.0, False)
    count = len(frames)
    return RegisteredBurst(
        Burst(frames), (Warp.identity(),) * count, (verdict,) * count, 0, frames, valid, origin_px=(3, 4)
    )


def test_a_registered_burst_uses_only_valid_pixels(numpy_restorer, rng):
    frames = rng.normal(300, 50, (3, 20, 30)).astype(np.float32)
    valid = np.ones(frames.shape, bool)
    valid[0, :5] = valid[1, :, :4] = False
    valid[:, 10, 10] = False
    spoilt = np.where(valid, frames, -9e6).astype(np.float32)
    made = restore(registered(spoilt, valid), numpy_restorer(frames=(1, 8)), intensity=MAP)
    truth = np.where(valid, frames, np.nan)
    truth = np.nansum(truth, 0) / np.maximum(valid.sum(0), 1)
    truth[10, 10] = np.nan
    np.testing.assert_allclose(made.image, truth, rtol=1e-5)
    assert made.origin_px == (3, 4)
    assert made.provenance.notes == ("1 px hold no measurement: filled for the model, NaN in the result",)


def test_intensity_is_measured_on_valid_pixels(numpy_restorer, rng):
    frames = rng.normal(300, 50, (2, 20, 30)).astype(np.float32)
    valid = np.ones(frames.shape, bool)
    valid[:, :, 20:] = False
    spoilt = np.where(valid, frames, -9e6).astype(np.float32)
    made = restore(registered(spoilt, valid), numpy_restorer(frames=(1, 8))).provenance.settings["intensity"]
    assert made["offset"] == pytest.approx(IntensityMap.from_signal(np.where(valid, frames, np.nan)).offset)


@pytest.mark.parametrize("tile", ["auto", 36])
def test_not_a_number_and_infinity_come_back_as_nan_and_harm_no_neighbour(restorer, network, rng, tile):
    image = rng.normal(300, 50, (90, 75)).astype(np.float32)
    spoilt = image.copy()
    spoilt[3, 4], spoilt[40:43, 30:34], spoilt[-1, -1] = np.inf, np.nan, -np.inf
    bad = ~np.isfinite(spoilt)
    made = restore(spoilt, restorer, tile=tile, intensity=MAP)
    np.testing.assert_array_equal(np.isnan(made.image), bad)
    assert f"{bad.sum()} px hold no measurement" in made.provenance.notes[0]
    clean = whole(network, image)
    assert np.abs(made.image - clean)[~bad].max() < 200  # of a network that follows its input
    far = np.ones_like(bad)
    far[:25, :25] = far[20:64, 10:56] = far[-25:, -25:] = False
    np.testing.assert_allclose(made.image[far], clean[far], atol=1e-2)


def test_gaps_are_filled_alike_in_tiles_and_whole(restorer, rng):
    image = rng.normal(300, 50, (120, 110)).astype(np.float32)
    image[30:75, 20:70] = np.nan  # wider than the reach of filling
    image[rng.random(image.shape) < 0.05] = np.nan
    tiles = restore(image, restorer, tile=40, intensity=MAP).image
    whole_image = restore(image, restorer, intensity=MAP).image
    np.testing.assert_allclose(tiles, whole_image, atol=1e-3)


def test_an_image_without_any_measurement_is_nan(restorer):
    made = restore(np.full((9, 9), np.nan), restorer)
    assert np.isnan(made.image).all()
    assert any("no pixel" in note for note in made.provenance.notes)


@pytest.mark.parametrize("kind", ["numpy", "dask", "zarr"])
@pytest.mark.parametrize("target", ["memory", "memmap", "zarr"])
def test_arrays_of_any_kind_go_to_arrays_of_any_kind(
    restorer, network, rng, tmp_path, kind, target, monkeypatch
):
    monkeypatch.setattr("napari_emrestore.restoration.inputs._READ_AT_ONCE", 0)
    frames = rng.integers(0, 1000, (2, 90, 75)).astype(np.uint16)
    data = {
        "numpy": lambda: frames,
        "dask": lambda: da.from_array(frames, chunks=(1, 90, 75)),
        "zarr": lambda: zarr.array(frames, chunks=(1, 50, 50)),
    }[kind]()
    out = {
        "memory": lambda: None,
        "memmap": lambda: np.memmap(tmp_path / "out", np.float32, "w+", shape=(90, 75)),
        "zarr": lambda: zarr.create_array(
            tmp_path / "out.zarr", shape=(90, 75), chunks=(32, 32), dtype="f4", fill_value=0
        ),
    }[target]()
    made = restore(data, restorer, tile=(40, 44), intensity=MAP, out=out)
    assert out is None or made.image is out
    np.testing.assert_allclose(np.asarray(made.image[:]), whole(network, frames), atol=1e-2)


def test_a_stack_goes_to_zarr_image_by_image(numpy_restorer, rng, tmp_path):
    stack = rng.random((3, 40, 50)).astype(np.float32)
    out = zarr.create_array(
        tmp_path / "o.zarr", shape=stack.shape, chunks=(1, 16, 16), dtype="f4", fill_value=0
    )
    restore(stack, numpy_restorer(), tile=(20, 24), intensity=MAP, out=out)
    np.testing.assert_allclose(out[:], stack, atol=1e-4)


def test_lazy_rows_are_read_once_per_row_of_windows(numpy_restorer, rng, monkeypatch):
    monkeypatch.setattr("napari_emrestore.restoration.inputs._READ_AT_ONCE", 0)
    frames = rng.random((1, 64, 96))
    reads = []

    class Lazy:
        shape, dtype, ndim = frames.shape, frames.dtype, 3

        def __getitem__(self, index):
            reads.append(index)
            return frames[index]

    inputs = restore(Lazy(), numpy_restorer(), tile=32, intensity=MAP)
    np.testing.assert_allclose(inputs.image, frames, atol=1e-4)
    assert len(reads) == 2


@pytest.mark.parametrize("count", [5, 9])
def test_too_many_frames_are_refused_with_both_numbers(restorer, count):
    with pytest.raises(InputError, match=f"1 to 4 frame.*{count} came"):
        restore(np.zeros((count, 8, 8)), restorer)


def test_too_few_frames_are_refused(numpy_restorer):
    with pytest.raises(InputError, match=r"3 to 5 frame.*1 came"):
        restore(np.zeros((8, 8)), numpy_restorer(frames=(3, 5)))
    with pytest.raises(InputError, match="1 frame"):
        restore(Burst(np.zeros((2, 8, 8))), numpy_restorer())


@pytest.mark.parametrize(
    "data",
    [
        np.zeros(5),
        np.zeros((0, 5)),
        np.zeros((2, 3, 4, 5)),
        np.zeros((4, 4), complex),
        np.zeros((4, 4), "U1"),
    ],
)
def test_what_is_no_image_is_refused(restorer, data):
    with pytest.raises(InputError):
        restore(data, restorer)


@pytest.mark.parametrize("tile", [0, -4, 35, 32, (36,), (36, 36, 36), "big", 36.0])
def test_a_tile_that_does_not_fit_is_refused_not_changed(restorer, tile):
    with pytest.raises(InputError):
        restore(np.zeros((90, 90)), restorer, tile=tile)


def test_a_given_tile_is_used_as_it_is(numpy_restorer):
    single = numpy_restorer(tiling=TilingRule(4, 16))
    made = restore(np.zeros((90, 101)), single, tile=(36, 64))
    assert single.seen[0] == max(single.seen) == (1, 36, 64)
    assert made.provenance.settings["tile"]["window"] == [36, 64]
    assert made.provenance.settings["tile"]["asked"] == (36, 64)


@pytest.mark.parametrize("mapping", [IntensityMap(0, 0), IntensityMap(0, -1), IntensityMap(float("nan"), 1)])
def test_a_useless_intensity_map_is_refused(restorer, mapping):
    with pytest.raises(InputError, match="positive scale"):
        restore(np.zeros((9, 9)), restorer, intensity=mapping)


@pytest.mark.parametrize("out", [np.zeros((9, 8), np.float32), np.zeros((9, 9), np.uint16)])
def test_an_output_of_other_shape_or_type_is_refused(restorer, out):
    with pytest.raises(InputError, match="floating-point array of shape"):
        restore(np.zeros((9, 9)), restorer, out=out)


def test_a_result_that_fills_the_memory_needs_a_target(numpy_restorer):
    huge = da.zeros((1 << 20, 1 << 20), dtype=np.uint8, chunks=(1 << 18, 1 << 18))
    with pytest.raises(InputError, match="out="):
        restore(huge, numpy_restorer(), intensity=MAP)


def test_progress_is_told_per_window_and_starts_at_none(restorer, recorder):
    monitor = recorder()
    restore(np.zeros((90, 60)), restorer, tile=40, monitor=monitor)
    total = monitor.steps[0][1]
    assert [step[0] for step in monitor.steps] == list(range(total + 1))
    assert {step[1] for step in monitor.steps} == {total}


@pytest.mark.parametrize("stop_at", [0, 3])
def test_a_stop_takes_effect_at_the_next_window(numpy_restorer, recorder, stop_at):
    single = numpy_restorer()
    with pytest.raises(Cancelled):
        restore(np.zeros((90, 90)), single, tile=30, monitor=recorder(stop_at))
    assert len(single.seen) == stop_at


def limited(most_px, error=DeviceError):
    def function(frames):
        if frames[0].size > most_px:
            raise error("out of memory")
        return frames.mean(0)

    return function


@pytest.mark.parametrize("error", [DeviceError, MemoryError])
def test_windows_shrink_when_memory_runs_out_and_the_result_is_whole(numpy_restorer, recorder, rng, error):
    image = rng.random((100, 130))
    monitor = recorder()
    made = restore(
        image, numpy_restorer(limited(4000, error), TilingRule(2, 4)), intensity=MAP, monitor=monitor
    )
    np.testing.assert_allclose(made.image, image, atol=1e-4)
    assert "memory did not suffice for windows of 100 x 130 px" in made.provenance.notes[0]
    window = made.provenance.settings["tile"]["window"]
    assert window[0] * window[1] <= 4000
    assert monitor.steps[-1][0] == monitor.steps[-1][1]


def test_memory_that_runs_out_midway_costs_no_finished_window(numpy_restorer, rng):
    stack = rng.random((3, 64, 64))
    calls = []

    def function(frames):
        calls.append(frames.shape)
        if len(calls) > 1 and frames[0].size > 2000:
            raise MemoryError
        return frames[0]

    made = restore(stack, numpy_restorer(function), intensity=MAP)
    np.testing.assert_allclose(made.image, stack, atol=1e-4)
    assert calls.count((1, 64, 64)) == 2  # the first image is not restored again, the third never tried so


def test_a_given_tile_never_shrinks(numpy_restorer):
    with pytest.raises(DeviceError):
        restore(np.zeros((64, 64)), numpy_restorer(limited(500)), tile=32)


def test_when_even_small_windows_do_not_fit_the_error_comes_through(numpy_restorer):
    with pytest.raises(DeviceError, match="out of memory"):
        restore(np.zeros((64, 64)), numpy_restorer(limited(0), TilingRule(4, 8)))


def test_a_whole_image_restorer_is_refused_where_it_would_need_tiles(numpy_restorer, monkeypatch):
    single = numpy_restorer(tiling=TilingRule(mode="whole"))
    assert restore(np.ones((64, 64)), single).provenance.notes == ()
    with pytest.raises(InputError, match="one piece"):
        restore(np.zeros((64, 64)), single, tile=32)
    monkeypatch.setattr("napari_emrestore.restoration.budget.free_memory", lambda: 1000)
    with pytest.raises(DeviceError, match="must see the whole image"):
        restore(np.zeros((64, 64)), single)


@pytest.mark.parametrize("target", [np.zeros, zarr.zeros])
def test_a_restorer_with_image_wide_statistics_is_blended_and_said(numpy_restorer, rng, target):
    image = rng.random((100, 90)).astype(np.float32)
    single = numpy_restorer(lambda f: f[0] - 0.01 * f.mean(), TilingRule(2, 8, "blend"))
    out = target((100, 90), dtype=np.float32)
    out[:] = 7.0
    made = restore(image, single, tile=32, out=out)
    assert "were blended" in made.provenance.notes[0]
    one_piece = restore(image, single).image
    assert restore(image, single).provenance.notes == ()
    jumps = np.abs(np.diff(np.asarray(made.image[:]) - one_piece, axis=0)).max()
    assert 0 < jumps < 0.01 * np.ptp(one_piece)


def test_a_blended_result_survives_a_shrink(numpy_restorer, rng):
    image = rng.random((100, 90)).astype(np.float32)
    calls = []

    def function(frames):
        calls.append(1)
        if len(calls) > 3 and frames[0].size > 1100:
            raise MemoryError
        return frames[0]

    from napari_emrestore.restoration import budget

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "work_bytes", lambda *_: 1500 * 128)
        made = restore(image, numpy_restorer(function, TilingRule(2, 4, "blend")), intensity=MAP)
    np.testing.assert_allclose(made.image, image, atol=1e-4)


def test_provenance_says_what_ran_on_what_with_which_settings(restorer, rng):
    made = restore(rng.normal(300, 50, (2, 40, 40)), restorer, tile=40, intensity=MAP).provenance
    assert made.tool == "restore"
    assert made.model["id"] == "tiny"
    assert made.model["version"] == "1.0"
    assert made.model["weights_sha256"] == "0" * 64
    assert made.settings == {
        "tile": {"window": [40, 40], "windows": 1, "stride": 4, "halo": 16, "mode": "exact", "asked": 40},
        "intensity": {"offset": 100.0, "scale": 400.0},
        "frames": 2,
        "noise": None,
        "precision": "fp32",
    }
    assert made.device == "cpu"
    assert set(made.versions) == {"napari-emrestore", "numpy", "torch"}
    assert made.seconds > 0
    assert Provenance.from_json(made.to_json()).settings == made.settings


def test_inputs_outside_of_what_the_model_saw_are_noted(restorer, rng):
    known = Acquisition(pixel_size_nm=(9.0, 9.0), dose_e=1.0)
    notes = restore(Burst(rng.normal(300, 50, (2, 40, 40)), known), restorer).provenance.notes
    assert len(notes) == 2


def test_an_overflowing_model_is_noted(numpy_restorer):
    made = restore(np.ones((20, 20)), numpy_restorer(lambda f: np.where(f[0] > 9, f[0], np.float32(np.inf))))
    assert "400 px of the result are not finite" in made.provenance.notes[0]


def test_a_restorer_that_returns_another_shape_is_refused(numpy_restorer):
    with pytest.raises(ModelError, match="returned shape"):
        restore(np.ones((20, 20)), numpy_restorer(lambda f: f))


def test_inputs_count_their_bytes():
    assert Inputs(np.zeros((2, 3, 4), np.uint16), 1, 2, Acquisition()).nbytes == 48

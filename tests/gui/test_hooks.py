"""What napari calls: files come in lazily on their place, go out with provenance, samples open offline."""

import os
from dataclasses import replace

import numpy as np
import pytest
from imageio.v3 import imwrite
from napari.components import ViewerModel
from napari.layers import Image
from napari.settings import get_settings
from npe2 import PluginManager

from napari_emrestore.core import Acquisition, InputError, Provenance
from napari_emrestore.io import open_frames, read_provenance, write_image
from napari_emrestore.samples import SAMPLES, load_sample
from napari_emrestore.widgets.hooks import get_reader, write_images
from napari_emrestore.widgets.hooks.commands import align_frames, average_frames, open_models_folder
from napari_emrestore.widgets.layers import known_acquisition, provenance_of

PLUGIN = "napari-emrestore"
KNOWN = Acquisition("grain", pixel_size_nm=(2.0, 2.5), frame_axis="time", frame_step=30.0, dose_e=8.0)
MADE = Provenance("restore", model={"id": "naf-denoise"}, notes=("a note",))


@pytest.fixture(autouse=True, scope="module")
def _discovered():
    """Let the plugin manager find the installed manifest, as napari's start does."""
    PluginManager.instance().discover()


def read(path):
    layers = get_reader(path)(path)
    return [Image(data, **options) for data, options, _ in layers]


def written(folder, name, shape=(4, 5, 7), dtype=np.uint16):
    data = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    return str(write_image(folder / name, data, KNOWN, MADE)), data


@pytest.mark.parametrize("name", ["a.ome.tif", "a.tif", "a.ome.zarr", "a.mrc"])
def test_a_stack_comes_in_lazily_with_geometry_and_provenance(tmp_path, name):
    path, data = written(tmp_path, name)
    (layer,) = read(path)
    assert hasattr(layer.data, "dask")
    np.testing.assert_array_equal(layer.data, data)
    assert layer.name == "grain"
    assert [str(unit) for unit in layer.units] == ["millisecond", "nanometer", "nanometer"]
    assert tuple(layer.scale) == (30.0, 2.0, 2.5)
    assert layer.axis_labels == ("t", "y", "x")
    assert provenance_of(layer) == MADE
    assert known_acquisition(layer).dose_e == 8.0


def test_a_single_image_has_two_axes(tmp_path):
    path, data = written(tmp_path, "a.png", (5, 7), np.uint8)
    (layer,) = read(path)
    np.testing.assert_array_equal(layer.data, data)
    assert layer.axis_labels == ("y", "x")


@pytest.mark.parametrize("shape", [(700, 530), (2, 700, 530)])
def test_a_pyramid_comes_in_as_multiscale(tmp_path, shape):
    path, data = written(tmp_path, "a.zarr", shape, np.float32)
    (layer,) = read(path)
    assert layer.multiscale
    assert [tuple(level.shape[-2:]) for level in layer.data] == [(700, 530), (350, 265)]
    np.testing.assert_array_equal(layer.data[0], data)
    assert layer.contrast_limits[0] < layer.contrast_limits[1] <= data.max()


def test_a_folder_and_files_picked_together_are_one_stack(tmp_path):
    paths = [written(tmp_path, f"f{i}.tif", (5, 7))[0] for i in range(3)]
    (tmp_path / "notes.txt").write_text("not an image")
    for source in (str(tmp_path), paths):
        (layer,) = read(source)
        assert layer.data.shape == (3, 5, 7)


def test_a_reader_that_is_unsure_says_none(tmp_path):
    colour = tmp_path / "photo.png"
    imwrite(colour, np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "table.h5").write_text("no HDF5 at all")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.csv").write_text("1,2")
    unsure = ["photo.png", "table.h5", "empty", "text.csv", "missing.tif"]
    assert [get_reader(str(tmp_path / name)) for name in unsure] == [None] * 5
    assert get_reader([]) is None
    assert get_reader("https://example.org/a.tif") is None
    assert get_reader("a\0b.tif") is None
    assert get_reader([written(tmp_path, "a.tif")[0], str(tmp_path)]) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_not_ours(tmp_path):
    tmp_path.chmod(0)
    assert get_reader(str(tmp_path)) is None
    tmp_path.chmod(0o700)


def test_a_damaged_file_is_told_in_a_sentence(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0 cut off")
    with pytest.raises(InputError, match=r"a\.tif"):
        get_reader(str(path))(str(path))


@pytest.mark.parametrize("name", ["b.ome.tif", "b.zarr", "b.mrc"])
def test_a_stack_goes_out_as_it_came(tmp_path, name):
    path, data = written(tmp_path, "a.ome.tif")
    (layer,) = read(path)
    target = str(tmp_path / name)
    assert write_images(target, [layer.as_layer_data_tuple()]) == [target]
    with open_frames(target) as stack:
        np.testing.assert_array_equal(stack.data, data)
        assert stack.acquisition == replace(KNOWN, path=target)
    assert read_provenance(target) == MADE


def test_a_layer_from_elsewhere_goes_out_with_its_scale(tmp_path):
    data = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
    layer = Image(
        data, name="mine", scale=(2, 0.5, 0.5), units=("s", "um", "um"), axis_labels=("t", "y", "x")
    )
    target = str(tmp_path / "mine.ome.tif")
    write_images(target, [layer.as_layer_data_tuple()])
    with open_frames(target) as stack:
        assert stack.acquisition == Acquisition("mine", target, (500.0, 500.0), "time", 2000.0)
        np.testing.assert_array_equal(stack.data, data)


def test_a_picture_shows_what_the_layer_shows(tmp_path):
    layer = Image(np.array([[0.0, 1.0], [2.0, 9.0]]), contrast_limits=(0, 2))
    target = str(tmp_path / "a.png")
    write_images(target, [layer.as_layer_data_tuple()])
    with open_frames(target) as stack:
        assert stack[0].data.tolist() == [[0, 32768], [65535, 65535]]


def test_several_layers_become_files_beside_each_other(tmp_path):
    layers = [Image(np.full((3, 4), i, np.uint8), name=name) for i, name in enumerate(["a · b/c", "d", "d"])]
    written = write_images(str(tmp_path / "all.ome.tif"), [layer.as_layer_data_tuple() for layer in layers])
    assert [os.path.basename(path) for path in written] == [
        "all-a_b_c.ome.tif",
        "all-d-2.ome.tif",
        "all-d-3.ome.tif",
    ]
    for i, path in enumerate(written):
        with open_frames(path) as stack:
            assert (stack[0].data == i).all()


@pytest.mark.parametrize(
    ("layer", "fault"),
    [
        (Image(np.zeros((2, 2, 4, 5))), "has 4 axes"),
        (Image(np.zeros((4, 5, 3), np.uint8), rgb=True), "is in colour"),
    ],
)
def test_what_cannot_be_written_is_told_and_leaves_nothing(tmp_path, layer, fault):
    with pytest.raises(InputError, match=fault):
        write_images(str(tmp_path / "a.ome.tif"), [layer.as_layer_data_tuple()])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", SAMPLES)
def test_a_sample_opens_above_its_truth_on_the_same_place(key):
    viewer = ViewerModel()
    truth, frames = viewer.open_sample(PLUGIN, key)
    sample = load_sample(key)
    assert list(viewer.layers) == [truth, frames]
    assert viewer.layers.selection.active is frames
    assert truth.name == f"{key} · {sample.truth_name}"
    assert truth.extent.world.tolist() == frames.extent.world.tolist()
    np.testing.assert_array_equal(np.ravel(frames.data), sample.frames.ravel())
    assert known_acquisition(frames).extra["source"] == SAMPLES[key]


def test_napari_opens_and_saves_through_the_manifest(tmp_path):
    viewer = ViewerModel()
    path, data = written(tmp_path, "a.mrc")
    (layer,) = viewer.open(path, plugin=PLUGIN)
    assert layer.source.reader_plugin == PLUGIN
    assert viewer.layers.save(str(tmp_path / "b.ome.tif"), plugin=PLUGIN) == [str(tmp_path / "b.ome.tif")]
    viewer.add_image(data[0], name="other")
    paths = viewer.layers.save(str(tmp_path / "both.zarr"), plugin=PLUGIN)
    assert paths == [str(tmp_path / "both-grain.zarr"), str(tmp_path / "both-other.zarr")]


def stream(viewer):
    sample = load_sample()
    layer = viewer.add_image(
        sample.frames[:3, :160, :170], name="s", scale=(30, 2, 2), units=("ms", "nm", "nm")
    )
    viewer.layers.selection.active = layer
    return layer


def test_align_adds_the_aligned_frames_where_they_were_measured(make_napari_viewer_proxy, qtbot):
    viewer = make_napari_viewer_proxy()
    layer = stream(viewer)
    before = layer.data.copy()
    jobs = align_frames(viewer)
    with qtbot.waitSignal(jobs.ended, timeout=60_000):
        pass
    aligned = viewer.layers["s · aligned"]
    assert aligned.ndim == 3
    origin = aligned.translate[1:] / 2
    reference = provenance_of(aligned).settings["reference"]
    rows, columns = (
        slice(int(at), int(at) + n) for at, n in zip(origin, aligned.data.shape[1:], strict=True)
    )
    # the reference frame is not resampled
    assert any((frame == before[reference][rows, columns]).all() for frame in aligned.data)
    np.testing.assert_array_equal(layer.data, before)


@pytest.mark.parametrize("is_async", [False, True])
def test_average_adds_one_image(make_napari_viewer_proxy, qtbot, monkeypatch, is_async):
    monkeypatch.setattr(get_settings().experimental, "async_", is_async)
    viewer = make_napari_viewer_proxy()
    stream(viewer)
    jobs = average_frames(viewer)
    with qtbot.waitSignal(jobs.ended, timeout=60_000):
        pass
    mean = viewer.layers["s · mean"]
    assert mean.ndim == 2
    # on the frame that the slider shows now: the place of the result is that frame's
    reference = provenance_of(mean).settings["windows"][0]["reference"]
    assert viewer.dims.point[0] == 30 * reference


def test_a_layer_that_cannot_be_aligned_is_told(make_napari_viewer_proxy, monkeypatch):
    told = []
    monkeypatch.setattr("napari.utils.notifications.show_error", told.append)
    viewer = make_napari_viewer_proxy()
    assert align_frames(viewer) is None
    viewer.add_image(np.zeros((5, 6)))
    assert align_frames(viewer) is None
    assert "no layer is selected" in told[0]
    assert "A stack of 2 to 32 frames" in told[1]


def test_the_models_folder_is_made_and_shown(tmp_path, monkeypatch):
    shown = []
    folder = tmp_path / "models"
    monkeypatch.setattr("napari_emrestore.models.models_folder", lambda: folder)
    monkeypatch.setattr("qtpy.QtGui.QDesktopServices.openUrl", lambda url: shown.append(url.toLocalFile()))
    open_models_folder()
    assert folder.is_dir()
    assert shown == [str(folder)]


def test_every_format_is_in_the_manifest():
    from napari_emrestore.io import readable_suffixes, writable_suffixes

    manifest = PluginManager.instance().get_manifest(PLUGIN)
    (reader,) = manifest.contributions.readers
    assert set(reader.filename_patterns) == {f"*{suffix}" for suffix in readable_suffixes()}
    endings = {ending for writer in manifest.contributions.writers for ending in writer.filename_extensions}
    assert endings - {".ome.tif", ".ome.tiff", ".ome.zarr"} == set(writable_suffixes())

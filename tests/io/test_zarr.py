"""OME-Zarr, validated by ome-zarr-models and read by ome-zarr where they are installed."""

import numpy as np
import pytest
import zarr

from napari_emrestore.core import Acquisition, Cancelled, FormatError, InputError, Provenance, WriteError
from napari_emrestore.io import open_frames, read_provenance, write_image, zarr_target

KNOWN = Acquisition("a", pixel_size_nm=(0.5, 0.25), frame_axis="time", frame_step=40.0)


def image(shape=(1100, 530)):
    return np.random.default_rng(6).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((530, 37), "time"), ((2, 530, 37), "time"), ((2, 5, 7), "z"), ((2, 5, 7), "index"), ((5, 7), "z")],
)
def test_a_strict_model_of_the_specification_accepts_it(tmp_path, shape, axis):
    models = pytest.importorskip("ome_zarr_models.v05")
    known = Acquisition(
        "a", pixel_size_nm=(0.5, 0.25), frame_axis=axis, frame_step=None if axis == "index" else 4.0
    )
    path = write_image(tmp_path / "a.ome.zarr", image(shape), known)
    group = models.Image.from_zarr(zarr.open_group(str(path), mode="r"))
    (multiscale,) = group.ome_attributes.multiscales
    assert [a.unit for a in multiscale.axes][-2:] == ["nanometer", "nanometer"]
    first = multiscale.datasets[0].coordinateTransformations[0]
    assert list(first.scale)[-2:] == [0.5, 0.25]


@pytest.mark.filterwarnings("ignore")
def test_an_independent_reader_finds_image_levels_and_scale(tmp_path):
    pytest.importorskip("ome_zarr")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    data = image((2, 1100, 530))
    path = write_image(tmp_path / "a.ome.zarr", data, KNOWN)
    (node,) = Reader(parse_url(path))()
    np.testing.assert_array_equal(node.data[0].compute(), data)
    assert [level.shape[1:] for level in node.data] == [(1100, 530), (550, 265), (275, 133)]
    scales = [level[0]["scale"] for level in node.metadata["coordinateTransformations"]]
    assert scales == [[40.0, 0.5, 0.25], [40.0, 1.0, 0.5], [40.0, 2.0, 1.0]]
    offsets = [level[1]["translation"] for level in node.metadata["coordinateTransformations"][1:]]
    assert offsets == [[0.0, 0.25, 0.125], [0.0, 0.75, 0.375]]


def test_levels_are_means(tmp_path):
    data = image()
    group = zarr.open_group(str(write_image(tmp_path / "a.zarr", data, KNOWN)), mode="r")
    np.testing.assert_allclose(
        group["1"][:], data.reshape(550, 2, 265, 2).mean(axis=(1, 3)), rtol=1e-5, atol=1e-6
    )


def test_a_target_is_filled_in_any_order_and_appears_at_the_end(tmp_path):
    data, path = image((700, 600)), tmp_path / "out.ome.zarr"
    with zarr_target(path, data.shape, data.dtype, KNOWN) as target:
        target.attrs["provenance"] = Provenance("restore", seconds=2.0).to_json()
        for top in (512, 0):
            for left in (0, 512):
                target[top : top + 512, left : left + 512] = data[top : top + 512, left : left + 512]
        assert not path.exists()
    np.testing.assert_array_equal(open_frames(path)[0].data, data)
    assert read_provenance(path) == Provenance("restore", seconds=2.0)
    assert zarr.open_array(str(path / "0"), mode="r").attrs.asdict() == {}


def test_a_target_that_fails_leaves_nothing(tmp_path):
    def fill():
        with zarr_target(tmp_path / "a.zarr", (5, 7), "f4", KNOWN) as target:
            target[0] = 1
            raise Cancelled

    with pytest.raises(Cancelled):
        fill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "shape", "dtype"), [("a.tif", (5, 7), "f4"), ("a.zarr", (5,), "f4"), ("a.zarr", (5, 7), "c8")]
)
def test_a_target_that_cannot_be(tmp_path, name, shape, dtype):
    with pytest.raises(InputError), zarr_target(tmp_path / name, shape, dtype, KNOWN):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_older_image_is_replaced_and_another_folder_is_not(tmp_path):
    path = write_image(tmp_path / "a.zarr", image((5, 7)), KNOWN)
    write_image(path, image((6, 8)), KNOWN)
    assert open_frames(path).frame_shape == (6, 8)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
    folder = tmp_path / "notes.zarr"
    folder.mkdir()
    (folder / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(InputError, match="other content"):
        write_image(folder, image((5, 7)), KNOWN)
    assert (folder / "thesis.txt").read_text() == "irreplaceable"


def test_when_the_new_image_cannot_move_in_the_old_one_stays(tmp_path, monkeypatch):
    path = write_image(tmp_path / "a.zarr", image((5, 7)), KNOWN)
    rename = type(path).rename

    def refuse(self, target):
        if self.name.endswith(".partial"):
            raise PermissionError("held by another program")
        return rename(self, target)

    monkeypatch.setattr(type(path), "rename", refuse)
    with pytest.raises(WriteError, match="held by another program"):
        write_image(path, image((6, 8)), KNOWN)
    monkeypatch.undo()
    assert open_frames(path).frame_shape == (5, 7)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


# --- other people's Zarr


def test_a_plain_array_of_any_version(tmp_path):
    data = np.arange(24).reshape(2, 3, 4)
    for version in (2, 3):
        path = tmp_path / f"v{version}.zarr"
        zarr.create_array(str(path), data=data, zarr_format=version)
        with open_frames(path) as stack:
            np.testing.assert_array_equal(stack.data.compute(), data)
            assert stack.acquisition.pixel_size_nm is None


def test_a_folder_with_zarr_inside_needs_no_suffix(tmp_path):
    zarr.create_array(str(tmp_path / "plain"), data=np.ones((3, 4)))
    assert open_frames(tmp_path / "plain").frame_shape == (3, 4)


def test_axes_without_names_of_old_versions_and_a_second_scale(tmp_path):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.create_array("0", data=np.zeros((1, 1, 1, 5, 7), np.uint8))
    group.attrs["multiscales"] = [{"version": "0.1", "datasets": [{"path": "0"}]}]
    assert open_frames(tmp_path / "a.zarr").frame_shape == (5, 7)
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    group.create_array("s", data=np.zeros((4, 5, 7), np.uint8))
    step = {"type": "scale", "scale": [2.0, 1.0, 0.5]}
    content = {"axes": axes, "datasets": [{"path": "s", "coordinateTransformations": [step]}], "name": "em"}
    group.attrs["multiscales"] = [
        {**content, "coordinateTransformations": [{"type": "scale", "scale": [1, 0.1, 0.1]}]}
    ]
    known = open_frames(tmp_path / "a.zarr").acquisition
    assert known.pixel_size_nm == pytest.approx((100.0, 50.0))
    assert (known.name, known.frame_axis, known.frame_step) == ("em", "z", 2000.0)


def test_the_layout_of_bioformats2raw(tmp_path):
    root = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    root.attrs["bioformats2raw.layout"] = 3
    image_group = root.create_group("0")
    image_group.create_array("0", data=np.ones((5, 7)))
    image_group.attrs["multiscales"] = [{"axes": ["y", "x"], "datasets": [{"path": "0"}]}]
    assert open_frames(tmp_path / "a.zarr").frame_shape == (5, 7)


@pytest.mark.parametrize("attributes", [{}, {"plate": {}}])
def test_groups_without_one_image_are_refused(tmp_path, attributes):
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w").attrs.update(attributes)
    with pytest.raises(FormatError):
        open_frames(tmp_path / "a.zarr")


def test_more_axes_than_a_stack_has(tmp_path):
    zarr.create_array(str(tmp_path / "a.zarr"), data=np.zeros((2, 3, 4, 5)))
    with pytest.raises(FormatError, match="one frame axis"):
        open_frames(tmp_path / "a.zarr")


def test_absent_chunks_are_legal_but_absurd_chunks_are_not(tmp_path):
    zarr.create_array(str(tmp_path / "sparse.zarr"), shape=(10**6, 10**6), chunks=(512, 512), dtype="f4")
    assert open_frames(tmp_path / "sparse.zarr").data[0, :2, :2].compute().tolist() == [[0, 0], [0, 0]]
    zarr.create_array(str(tmp_path / "absurd.zarr"), shape=(10**6, 10**6), chunks=(10**6, 10**6), dtype="f4")
    with pytest.raises(FormatError, match="chunks of"):
        open_frames(tmp_path / "absurd.zarr")


def test_a_damaged_chunk_shows_when_it_is_read(tmp_path):
    path = write_image(tmp_path / "a.zarr", image((5, 7)), KNOWN)
    (path / "0" / "c" / "0" / "0").write_bytes(b"no zstd frame at all")
    with open_frames(path) as stack:
        with pytest.raises(FormatError):
            stack[0]
        with pytest.raises(FormatError):
            stack.data.compute()

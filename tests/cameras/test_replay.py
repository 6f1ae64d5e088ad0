"""Replay plays every frame of a stack, in order, as its own."""

import numpy as np
import pytest

from napari_emrestore.cameras import open_camera
from napari_emrestore.core import Acquisition, InputError
from napari_emrestore.io import open_frames, write_image


def frames(count=4):
    return np.random.default_rng(7).integers(0, 9999, (count, 31, 26), np.uint16)


def test_an_array_is_played_to_its_end():
    data = frames()
    with open_camera("replay", source=data, frame_rate_hz=None) as camera:
        played = list(camera)
        assert list(camera) == [], "what has ended stays at its end"
    np.testing.assert_array_equal([frame.data for frame in played], data)
    assert [frame.index for frame in played] == [0, 1, 2, 3]


def test_a_repeated_stack_counts_on():
    data = frames(2)
    with open_camera("replay", source=data, frame_rate_hz=None, repeat=True) as camera:
        played = [frame for frame, _ in zip(camera, range(5), strict=False)]
    assert [frame.index for frame in played] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(played[4].data, data[0])


def test_a_file_is_played_with_what_is_known_of_it_and_closed_after(tmp_path):
    data = frames()
    path = write_image(tmp_path / "a.ome.tif", data, Acquisition("run 7", pixel_size_nm=(2.0, 3.0)))
    with open_camera("replay", source=str(path), frame_rate_hz=500.0, reader=open_frames) as camera:
        played = list(camera)
        assert camera.acquisition.pixel_size_nm == (2.0, 3.0)
    np.testing.assert_array_equal([frame.data for frame in played], data)
    with pytest.raises(InputError, match="was closed"):
        camera._stack[0]


def test_an_open_stack_stays_open(tmp_path):
    path = write_image(tmp_path / "a.ome.tif", frames(), Acquisition())
    with open_frames(path) as stack:
        with open_camera("replay", source=stack, frame_rate_hz=None) as camera:
            list(camera)
        assert stack[0].data.shape == (31, 26)


@pytest.mark.parametrize(
    "wrong",
    [{"source": "a.tif"}, {"source": np.zeros((3, 4))}, {"source": frames(), "frame_rate_hz": 0.0}],
    ids=["no reader", "an image", "no rate"],
)
def test_what_cannot_be_played_is_refused(wrong):
    with pytest.raises(InputError):
        open_camera("replay", **wrong)

"""Images in the making: kept when the work fails, moved when it is done, never mixed with others."""

import json
from contextlib import suppress

import numpy as np
import pytest
import zarr

from napari_emrestore.core import Acquisition, InputError, Provenance
from napari_emrestore.io import open_frames
from napari_emrestore.io.zarr_resuming import resumable_zarr

KNOWN = Acquisition("image", pixel_size_nm=(2.0, 2.0))


def target(path, made_of, shape=(7, 9)):
    return resumable_zarr(path, shape, KNOWN, made_of, chunk_px=(4, 5))


class Broken(Exception):
    """Whatever stops the work."""


def begin(path, made_of, pieces):
    """Make some pieces and stop; return what was finished before."""
    with suppress(Broken), target(path, made_of) as image:
        before = dict(image.finished)
        for number in pieces:
            image.array[:4, :5] = number
            image.note(number, {"device": "cpu"})
        raise Broken
    return before


def test_what_was_noted_is_there_at_the_next_start(tmp_path):
    path = tmp_path / "made.zarr"
    begin(path, {"model": "a"}, [2, 5])
    assert not path.exists()
    with target(path, {"model": "a"}) as image:
        assert image.finished == {2: {"device": "cpu"}, 5: {"device": "cpu"}}
        assert image.array[0, 0] == 5
        image.array[:] = np.arange(63).reshape(7, 9)
        image.provenance = Provenance("test")
    with open_frames(path) as stack:
        np.testing.assert_array_equal(stack[0].data, np.arange(63).reshape(7, 9))
        assert stack.acquisition.pixel_size_nm == (2.0, 2.0)
    assert zarr.open_array(path / "0").chunks == (4, 5)
    assert [p.name for p in tmp_path.iterdir()] == ["made.zarr"]


def test_other_settings_begin_anew_and_leave_the_first_alone(tmp_path):
    path = tmp_path / "made.zarr"
    begin(path, {"model": "a"}, [1])
    begin(path, {"model": "b"}, [])
    assert begin(path, {"model": "b"}, []) == {}
    assert list(begin(path, {"model": "a"}, [])) == [1]


@pytest.mark.parametrize("damage", ["", "{}", "not json", None])
def test_a_damaged_record_counts_for_nothing(tmp_path, damage):
    path = tmp_path / "made.zarr"
    begin(path, {"model": "a"}, [1])
    (record,) = tmp_path.glob(".*.jsonl")
    if damage is None:
        record.unlink()
    else:
        record.write_text(damage + "\n" + json.dumps({"piece": 1}))
    with target(path, {"model": "a"}) as image:
        assert image.finished == {}


def test_an_older_image_stays_until_the_new_one_is_done(tmp_path):
    path = tmp_path / "made.zarr"
    with target(path, {"model": "a"}) as image:
        image.array[:] = 1
    begin(path, {"model": "b"}, [0])
    assert (zarr.open_array(path / "0")[:] == 1).all()
    with target(path, {"model": "b"}) as image:
        image.array[:] = 2
    assert (zarr.open_array(path / "0")[:] == 2).all()


def test_an_end_that_failed_half_way_is_made_again(tmp_path):
    path = tmp_path / "made.zarr"
    with suppress(Broken), resumable_zarr(path, (1100, 40), KNOWN, {}, chunk_px=(512, 512)) as image:
        image.note(0, {})
        zarr.open_group(image.folder, mode="r+").create_array("1", shape=(2, 2), dtype="u1")
        raise Broken
    with resumable_zarr(path, (1100, 40), KNOWN, {}, chunk_px=(512, 512)) as image:
        assert list(image.finished) == [0]
    assert zarr.open_array(path / "1").shape == (550, 20)


def test_only_images_are_made(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.zarr"), target(tmp_path / "made.tif", {}):
        pass
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "notes.txt").write_text("keep me")
    with pytest.raises(InputError, match="other content"), target(tmp_path / "mine.zarr", {}):
        pass
    assert (tmp_path / "mine.zarr" / "notes.txt").exists()

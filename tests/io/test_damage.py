"""Damaged files of every format we write: an error of ours or a valid read, and never anything else."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from napari_emrestore.core import (
    Acquisition,
    EmRestoreError,
    FormatError,
    InputError,
    MissingPackageError,
    Provenance,
)
from napari_emrestore.io import open_frames, read_provenance, write_image
from napari_emrestore.io.guarding import check_claim, reading

KNOWN = Acquisition("a", pixel_size_nm=(0.5, 0.25))


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def attempt(path, wanted=None):
    try:
        with open_frames(path) as stack:
            got = stack.data.compute()
            assert got.shape == (len(stack), *stack.frame_shape)
        read_provenance(path)
    except EmRestoreError:
        return False
    assert wanted is None or np.array_equal(got, wanted)
    return True


@pytest.fixture(params=[".tif", ".ome.tif", ".mrc", ".png", "pyramid.tif", "clipped.tif"])
def written(request, tmp_path):
    rng = np.random.default_rng(0)
    shape = (2, 2100, 20) if request.param == "pyramid.tif" else (31, 40)
    data = rng.integers(0, 255, shape).astype(np.uint8)
    options = {"dtype": "uint8"} if request.param == "clipped.tif" else {}
    data = data * 1.5 if options else data
    return write_image(tmp_path / f"a{request.param}", data, KNOWN, Provenance("restore"), **options)


def test_truncated_at_any_length(written):
    raw, wanted = written.read_bytes(), open_frames(written).data.compute()
    lengths = {0, 1, 7, 8, 9, len(raw) - 1, *np.linspace(10, len(raw) - 2, 25).astype(int).tolist()}
    opened = []
    for length in sorted(lengths):
        written.write_bytes(raw[:length])
        opened.append(attempt(written, wanted))
    assert not any(opened[:5])
    assert sum(opened) <= 4


def test_with_bytes_flipped_anywhere(written):
    raw = written.read_bytes()
    rng = np.random.default_rng(1)
    header = min(len(raw), 1200)
    for trial in range(40):
        damaged = bytearray(raw)
        for place in rng.integers(0, header if trial % 2 else len(raw), rng.integers(1, 6)):
            damaged[place] = rng.integers(0, 256)
        written.write_bytes(damaged)
        attempt(written)


def test_zarr_with_damaged_metadata_and_chunks(tmp_path):
    path = write_image(tmp_path / "a.zarr", np.arange(600, dtype=np.float32).reshape(20, 30), KNOWN)
    rng = np.random.default_rng(2)
    refused = 0
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        raw = file.read_bytes()
        for trial in range(12):
            damaged = bytearray(raw[: rng.integers(0, len(raw))] if trial % 3 == 0 else raw)
            for place in rng.integers(0, max(1, len(damaged)), 3 if len(damaged) else 0):
                damaged[place] = rng.integers(0, 256)
            file.write_bytes(damaged)
            refused += not attempt(path)
        file.write_bytes(raw)
    assert refused > 10
    assert attempt(path)


def test_a_foreign_record_in_our_place_is_ignored(tmp_path):
    import zarr

    path = write_image(tmp_path / "a.zarr", np.zeros((3, 4), np.uint8), KNOWN, Provenance("restore"))
    for record in (
        None,
        5,
        "x",
        {},
        {"acquisition": {"pixel_size_nm": 3}},
        {"acquisition": {}, "provenance": 7},
    ):
        zarr.open_group(str(path), mode="a").attrs["napari-emrestore"] = record
        known = open_frames(path).acquisition
        assert known.pixel_size_nm in ((0.5, 0.25), None)
        assert read_provenance(path) is None


def test_a_record_of_a_later_version_is_read_as_far_as_it_is_known(tmp_path):
    import zarr

    path = write_image(tmp_path / "a.zarr", np.zeros((3, 4), np.uint8), KNOWN)
    group = zarr.open_group(str(path), mode="a")
    record = group.attrs["napari-emrestore"]
    record["acquisition"]["detector"] = "new"
    group.attrs["napari-emrestore"] = record
    assert open_frames(path).acquisition == replace(KNOWN, path=str(path))


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (KeyError("x"), FormatError),
        (UnboundLocalError("x"), FormatError),
        (MemoryError(), FormatError),
        (PermissionError("no"), InputError),
        (ImportError("no h5py"), MissingPackageError),
        (InputError("ours"), InputError),
        (ValueError("requires the 'imagecodecs' package"), MissingPackageError),
    ],
)
def test_the_border_knows_these_errors(tmp_path, raised, becomes):
    with pytest.raises(becomes), reading(tmp_path / "a.tif"):
        raise raised


def test_a_stop_by_the_user_is_no_damage(tmp_path):
    with pytest.raises(KeyboardInterrupt), reading(tmp_path / "a.tif"):
        raise KeyboardInterrupt


def test_claims(tmp_path):
    check_claim(tmp_path, 10**6, 0, "small")
    check_claim(tmp_path, 10**12, 10**9, "large but stored")
    with pytest.raises(FormatError, match="claims it all"):
        check_claim(tmp_path, 10**12, 10**6, "it all")

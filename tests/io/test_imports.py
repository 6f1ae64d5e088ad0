"""Listing formats loads no reader, and opening one format does not load the others."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "dask", "zarr", "rsciio", "tifffile", "h5py", "skimage", "PIL", "scipy", "matplotlib")


def loaded_after(code):
    script = f"{code}\nimport sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        "import napari_emrestore.io",
        "from napari_emrestore.io import FORMATS, readable_suffixes, writable_suffixes; readable_suffixes()",
        "from napari_emrestore.io import open_frames, write_image, read_provenance, find_inputs",
    ],
)
def test_nothing_heavy_is_loaded_before_work_starts(code):
    assert loaded_after(code) == []


def test_an_mrc_file_needs_none_of_the_others(tmp_path):
    code = (
        "import numpy as np\nfrom napari_emrestore.core import Acquisition\n"
        "from napari_emrestore.io import open_frames, write_image\n"
        f"path = {str(tmp_path / 'a.mrc')!r}\n"
        "write_image(path, np.zeros((3, 4), 'f4'), Acquisition())\nopen_frames(path)[0]"
    )
    assert loaded_after(code) == []


def test_every_public_name_resolves():
    import napari_emrestore.io as package

    assert all(getattr(package, name) is not None for name in package.__all__)
    assert dir(package) == package.__all__
    with pytest.raises(AttributeError):
        package.nothing  # noqa: B018

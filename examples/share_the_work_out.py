"""Restore a large image in pieces, stop half-way, and go on where it was."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from napari_emrestore import RunSettings
from napari_emrestore.core import Acquisition, Cancelled
from napari_emrestore.io import write_image
from napari_emrestore.pipeline.spreading import run_spread

# "tcp://10.0.0.5:8786" here shares the work out to the workers of a dask cluster instead
SCHEDULER = "threads:2"


class StopHalfWay:
    """A monitor that asks to stop after six pieces."""

    def step(self, done: int, total: int, note: str = "") -> None:
        if note.startswith("restoring pieces") and done >= 6:
            print(f"stopped at piece {done} of {total}")
            raise Cancelled(note)


class Tell:
    """A monitor that says where the work starts and ends."""

    def step(self, done: int, total: int, note: str = "") -> None:
        if note.startswith("restoring pieces") and done in (6, total):
            print(f"{note}: {done} of {total}")


with TemporaryDirectory() as folder:
    image = np.random.default_rng(0).poisson(50, (300, 400)).astype(np.uint16)
    source = write_image(Path(folder, "large.zarr"), image, Acquisition("large"))
    settings = RunSettings(
        str(source), model="gaussian", output=str(Path(folder, "restored.zarr")), frames=1, tile=102
    )
    try:
        run_spread(settings, SCHEDULER, monitor=StopHalfWay())
    except Cancelled:
        result = run_spread(settings, SCHEDULER, monitor=Tell())
    for note in result.restoration.provenance.notes:
        print(note)
    print(f"wrote {result.output.name}: {result.restoration.image.shape}")

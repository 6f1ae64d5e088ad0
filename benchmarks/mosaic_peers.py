"""Place the tiles of one file with one stitcher and print what it cost: run by ``mosaic.py --peers``.

    python benchmarks/mosaic_peers.py m2stitch tiles.npz

One process per stitcher, so that its memory is its own; each may live in an environment of its own. The
file holds ``frames`` (N, Y, X), ``told`` (N, 2), where the stage says they are, and ``step``, both in px.
Printed is one JSON object: places, processor seconds and peak memory, imports not counted in the seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

DARK = 200.0


def ours():
    from napari_emrestore.core import Acquisition
    from napari_emrestore.io import FrameStack
    from napari_emrestore.overview import MosaicSettings, place_frames

    def place(frames, told, step):
        stack = FrameStack.from_array(frames, Acquisition("tiles", pixel_size_nm=(1000.0, 1000.0)))
        return place_frames(stack, MosaicSettings(dark=DARK), stage_um=told).places_px

    return place


def m2stitch_as_it_comes():
    from m2stitch import stitch_images

    def place(frames, told, step, **options):
        rows, columns = np.round((told - told.min(axis=0)) / step).astype(int).T
        grid, _ = stitch_images(
            frames, rows, columns, row_col_transpose=False, position_initial_guess=told, **options
        )
        return grid[["y_pos", "x_pos"]].to_numpy(float)

    return place


def m2stitch():
    place = m2stitch_as_it_comes()

    def place_centred(frames, told, step):
        # its correlation is divided by norms that include the mean, so brightness alone makes it fall below
        # any threshold; noisy tiles stay below its default of 0.5 even without
        return place(frames - np.float32(frames.mean()), told, step, ncc_threshold=0.1)

    return place_centred


def multiview():
    from multiview_stitcher import msi_utils, registration, spatial_image_utils

    def place(frames, told, step):
        images = [
            msi_utils.get_msim_from_sim(
                spatial_image_utils.get_sim_from_array(
                    frame,
                    dims=["y", "x"],
                    scale={"y": 1.0, "x": 1.0},
                    translation={"y": float(y), "x": float(x)},
                    transform_key="stage",
                ),
                scale_factors=[],
            )
            for frame, (y, x) in zip(frames, told, strict=True)
        ]
        found = registration.register(
            images,
            transform_key="stage",
            reg_channel_index=0,
            registration_binning={"y": 1, "x": 1},
            overlap_tolerance=16.0,
            groupwise_resolution_kwargs={"transform": "translation"},
        )
        return told + np.array([np.asarray(matrix).squeeze()[:2, 2] for matrix in found])

    return place


STITCHERS = {
    "napari-emrestore": ours,
    "m2stitch as it comes": m2stitch_as_it_comes,
    "m2stitch": m2stitch,
    "multiview-stitcher": multiview,
}


def main() -> None:
    place = STITCHERS[sys.argv[1]]()
    tiles = np.load(sys.argv[2])
    frames, told, step = tiles["frames"], tiles["told"], float(tiles["step"])
    began = time.process_time()
    places = place(frames, told, step)
    spent = time.process_time() - began
    print(json.dumps({"places": places.tolist(), "seconds": spent, "peak_mib": peak_mib()}))


def peak_mib() -> float:
    """Return the most memory this program held; Linux counts that of the parent into its usual figure."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()

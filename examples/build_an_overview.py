"""Scan a simulated specimen in three strips and build its overview, each place restored from its frames."""

import tempfile
from pathlib import Path

import numpy as np

from napari_emrestore.cameras.scanning import ScanPath, simulate_scan
from napari_emrestore.cameras.specimen import procedural_specimen
from napari_emrestore.cameras.stage import StageMotion
from napari_emrestore.core import Acquisition
from napari_emrestore.io import FrameStack
from napari_emrestore.overview import MosaicSettings, assemble
from napari_emrestore.restoration import load_restorer

rng = np.random.default_rng(0)
scan = simulate_scan(
    procedural_specimen(512, rng),
    ScanPath(strips=3, frames_per_strip=8, step_px=16, pitch_px=110),
    frame_shape=(160, 160),
    rng=rng,
    motion=StageMotion(vibration_px=0.4, slips_per_s=0.5, slip_px=2.0),
)
frames = FrameStack.from_array(scan.frames, Acquisition("scan", pixel_size_nm=(4.0, 4.0)))

with tempfile.TemporaryDirectory() as folder:
    made = assemble(
        frames,
        Path(folder) / "overview.zarr",
        restorer=load_restorer("mean"),  # or "burst-naf"
        settings=MosaicSettings(dark=scan.detector.offset_adu),
    )
    layout = made.layout
    off = layout.places_px - scan.truth_px
    rms = np.sqrt(((off - np.nanmean(off, axis=0)) ** 2).sum(axis=1).mean())
    print(f"{int(layout.placed.sum())} of {len(layout)} frames placed, {rms:.2f} px off the truth (rms)")
    print(f"{len(layout.pairs)} pairs compared, {len(layout.rejected)} left out")
    for name in made.images:
        print(f"{name}: {made.levels(name)[0].shape}")

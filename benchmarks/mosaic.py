"""Mosaics of simulated scans: placement against truth and peers, seams, cost per frame, memory of large ones.

    python benchmarks/mosaic.py                 # placement, seams, cost per frame
    python benchmarks/mosaic.py --side 8192     # memory while a mosaic of 8192 x 8192 px is written
    python benchmarks/mosaic.py --peers         # m2stitch and multiview-stitcher on the same tiles

Peers are taken if they are installed (``pip install m2stitch multiview-stitcher``), else left out. Times are
processor seconds of this process, so that other work on the machine matters little.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_emrestore.cameras.scanning import ScanPath, simulate_scan
from napari_emrestore.cameras.specimen import procedural_specimen
from napari_emrestore.cameras.stage import StageMotion
from napari_emrestore.core import Acquisition, Frame
from napari_emrestore.io import FrameStack
from napari_emrestore.overview import Layout, MosaicSettings, assemble, open_mosaic, place_frames
from napari_emrestore.overview.seams import seam_score
from napari_emrestore.overview.shading import even
from napari_emrestore.restoration import load_restorer

SHAKEN = StageMotion(0.5, 50.0, 1.0, 3.0, (0.5, 0.3))
SIDE = 512


def scan_of(path: ScanPath, seed: int, side: int = SIDE):
    rng = np.random.default_rng(seed)
    specimen = procedural_specimen(2048, rng)
    y, x = np.mgrid[:side, :side] / side
    shading = 1 - 0.3 * ((y - 0.45) ** 2 + (x - 0.6) ** 2)
    scan = simulate_scan(
        specimen,
        path,
        frame_shape=(side, side),
        rng=rng,
        motion=SHAKEN,
        shading=shading,
        start_px=(100.0, 100.0),
    )
    return scan, specimen


def rms_px(places, truth):
    off = places - truth
    off = off - np.nanmean(off, axis=0)
    return float(np.sqrt(np.nanmean((off**2).sum(axis=1))))


def placement():
    print("placement of a shaken serpentine scan, no stage positions (vibration, slips, drift, uneven light)")
    for seed in range(3):
        scan, specimen = scan_of(ScanPath(4, 44, SIDE / 12, 0.8 * SIDE), seed)
        frames = FrameStack.from_array(scan.frames, Acquisition("scan"))
        settings = MosaicSettings(dark=scan.detector.offset_adu)
        began = time.process_time()
        layout = place_frames(frames, settings)
        spent = time.process_time() - began
        off, n = rms_px(layout.places_px, scan.truth_px), len(layout)
        print(
            f"  seed {seed}: {n} frames, rms error {off:.3f} px, {len(layout.pairs)} pairs, "
            f"{len(layout.rejected)} rejected, {1000 * spent / n:.1f} ms per frame"
        )
        if seed == 0:
            seams(scan, specimen, frames, settings, layout)


def seams(scan, specimen, frames, settings, layout):
    from napari_emrestore.cameras.specimen import expose

    with tempfile.TemporaryDirectory() as folder:
        made = assemble(
            frames, Path(folder) / "m.zarr", restorer=load_restorer("mean"), settings=settings, layout=layout
        )
        corner = np.nanmean(scan.truth_px - layout.places_px, axis=0)
        truth = scan.detector.expected(expose(specimen, corner[None], layout.shape))
        for name in ("raw", "restored"):
            image = np.asarray(made.levels(name)[0])
            score = seam_score(image - truth, layout)
            print(f"  {name}: seam score {score:.3f} (1: rims of frames cannot be told)")


def growth():
    print("cost per frame, processor milliseconds")
    for frames_per_strip in (22, 44, 88):
        scan, _ = scan_of(ScanPath(4, frames_per_strip, SIDE / 24, 0.8 * SIDE / 2), 0, SIDE // 2)
        frames = FrameStack.from_array(scan.frames, Acquisition("scan"))
        settings = MosaicSettings(dark=scan.detector.offset_adu)
        began = time.process_time()
        layout = place_frames(frames, settings)
        laid = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            assemble(frames, Path(folder) / "m.zarr", settings=settings, layout=layout)
        made = time.process_time()
        n = len(layout)
        print(f"  {n} frames: lay out {1000 * (laid - began) / n:.1f}, make {1000 * (made - laid) / n:.1f}")


@dataclass(frozen=True)
class Tiles:
    """Frames of a grid cut from a specimen when they are asked for: a scan that fits into no memory."""

    specimen: np.ndarray
    places: np.ndarray
    acquisition: Acquisition
    frame_shape: tuple[int, int] = (1024, 1024)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Frame:
        y, x = (int(p) % n for p, n in zip(self.places[index], self.specimen.shape, strict=True))
        view = np.roll(self.specimen, (-y, -x), (0, 1))[:1024, :1024]
        noisy = 1000 * view + 20 * np.random.default_rng(index).standard_normal(view.shape, np.float32)
        return Frame(noisy.astype(np.uint16), index, self.acquisition)


def memory(side: int):
    at = np.arange(0, side - 1024 + 1, 896)
    at = np.append(at, side - 1024) if at[-1] + 1024 < side else at
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(at, at, indexing="ij"), -1).reshape(-1, 2).astype(float)
    places = np.clip(places + rng.uniform(-3, 3, places.shape), 0, side - 1024)
    known = Acquisition("tiles", pixel_size_nm=(4.0, 4.0))
    source = Tiles(procedural_specimen(2048, rng), places, known)
    n = len(places)
    layout = Layout(
        (1024, 1024), (side, side), places, np.full(n, np.nan), ("image",) * n, even((1024, 1024), n),
        pixel_size_nm=(4.0, 4.0),
    )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.zarr"
        began = time.process_time()
        assemble(source, path, settings=MosaicSettings(maps=False), layout=layout)
        spent = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) / 2**30
        levels = [level.shape for level in open_mosaic(path).levels("raw")]
    print(
        f"{side} x {side} px from {n} frames: peak memory {peak:.0f} MiB ({before:.0f} MiB before it began), "
        f"{spent:.0f} processor seconds, {size:.2f} GiB on disk, {len(levels)} levels"
    )


def peers():
    print("tiles of a grid with 20 % overlap, stage off by up to 8 px: rms error, time and memory")
    path = ScanPath(5, 6, 0.8 * SIDE, 0.8 * SIDE, "jump")
    rng = np.random.default_rng(3)
    scan = simulate_scan(
        procedural_specimen(4096, rng), path, frame_shape=(SIDE, SIDE), rng=rng, exposure_s=1e-4,
        motion=StageMotion(0.0, 50.0, 20.0, 2.0, (0.0, 0.0)), start_px=(50.0, 50.0),
    )  # fmt: skip
    told = scan.told_px + rng.uniform(-8, 8, scan.told_px.shape)
    for name, place in (
        ("napari-emrestore", ours),
        ("m2stitch", m2stitch),
        ("multiview-stitcher", multiview),
    ):
        try:
            tracemalloc.start()
            began = time.process_time()
            places = place(scan.frames, told)
        except (ImportError, AssertionError) as error:  # one peer asserts that it found pairs
            print(f"  {name}: no result ({error})")
            continue
        finally:
            peak = tracemalloc.get_traced_memory()[1] / 2**20
            tracemalloc.stop()
        spent = time.process_time() - began
        missing = int(np.isnan(places[:, 0]).sum())
        print(
            f"  {name}: {rms_px(places, scan.truth_px):.2f} px, {missing} not placed, "
            f"{spent:.1f} processor s, {peak:.0f} MiB"
        )


def ours(frames, told):
    stack = FrameStack.from_array(frames, Acquisition("tiles", pixel_size_nm=(1000.0, 1000.0)))
    return place_frames(stack, MosaicSettings(dark=200.0), stage_um=told).places_px


def m2stitch(frames, told):
    import m2stitch as peer

    rows = np.round((told[:, 0] - told[:, 0].min()) / (0.8 * SIDE)).astype(int)
    columns = np.round((told[:, 1] - told[:, 1].min()) / (0.8 * SIDE)).astype(int)
    # noisy frames agree less than its default of 0.5
    grid, _ = peer.stitch_images(frames, rows, columns, row_col_transpose=False, ncc_threshold=0.05)
    return grid[["y_pos", "x_pos"]].to_numpy(float)


def multiview(frames, told):
    from multiview_stitcher import msi_utils, param_utils, registration, spatial_image_utils

    images = [
        msi_utils.get_msim_from_sim(
            spatial_image_utils.get_sim_from_array(
                frame[None, None],
                dims=["t", "c", "y", "x"],
                scale={"y": 1.0, "x": 1.0},
                translation={"y": float(y), "x": float(x)},
                transform_key="stage",
            ),
            scale_factors=[],
        )
        for frame, (y, x) in zip(frames, told, strict=True)
    ]
    registration.register(
        images,
        reg_channel_index=0,
        transform_key="stage",
        new_transform_key="found",
        pre_registration_pruning_method=None,
    )
    shifts = [
        np.asarray(param_utils.affine_from_xr(msi_utils.get_transform_from_msim(image, "found")).squeeze())[
            :2, 2
        ]
        if hasattr(param_utils, "affine_from_xr")
        else np.asarray(msi_utils.get_transform_from_msim(image, "found")).squeeze()[:2, 2]
        for image in images
    ]
    return told + np.array(shifts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, help="measure memory while a mosaic of this side is written")
    parser.add_argument("--peers", action="store_true", help="compare with other stitchers")
    chosen = parser.parse_args()
    if chosen.side:
        memory(chosen.side)
    elif chosen.peers:
        peers()
    else:
        placement()
        growth()


if __name__ == "__main__":
    main()

"""Mosaics of simulated scans: placement against truth and peers, seams, cost per frame, memory of large ones.

    python benchmarks/mosaic.py                 # placement, seams, cost per frame
    python benchmarks/mosaic.py --side 8192     # memory while a mosaic of 8192 x 8192 px is written
    python benchmarks/mosaic.py --models        # what restoring each place from its frames gains
    python benchmarks/mosaic.py --stages        # stages whose axes are not those of the camera
    python benchmarks/mosaic.py --peers --peer-python PYTHON  # m2stitch and multiview-stitcher, same tiles

Peers are run by any interpreter that has them (``pip install m2stitch multiview-stitcher`` into an
environment of their own), this one by default. Times are processor seconds: other work matters little.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_emrestore.cameras.scanning import ScanPath, simulate_scan
from napari_emrestore.cameras.simulated import Detector
from napari_emrestore.cameras.specimen import expose, procedural_specimen
from napari_emrestore.cameras.stage import StageMotion
from napari_emrestore.core import Acquisition, Frame
from napari_emrestore.io import FrameStack
from napari_emrestore.metrics import psnr, ssim
from napari_emrestore.overview import Layout, MosaicSettings, assemble, open_mosaic, place_frames
from napari_emrestore.overview.composing import frame_count
from napari_emrestore.overview.seams import seam_score
from napari_emrestore.overview.shading import even
from napari_emrestore.restoration import load_restorer
from napari_emrestore.restoration.plan import Rect

SHAKEN = StageMotion(0.5, 50.0, 1.0, 3.0, (0.5, 0.3))
SIDE = 512
RESTORERS = ["mean", "nlmeans", "naf-denoise", "burst-naf"]


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


def models(names: list[str]):
    """Restore a mosaic with several restorers and compare each with the truth, by frames there are."""
    side, most = 256, 8
    scan, specimen = scan_of(ScanPath(2, 10, side / 12, 0.8 * side), 1, side)
    frames = FrameStack.from_array(scan.frames, Acquisition("scan"))
    settings = MosaicSettings(dark=scan.detector.offset_adu, frames=most, maps=False)
    layout = place_frames(frames, settings)
    corner = np.nanmean(scan.truth_px - layout.places_px, axis=0)
    truth = scan.detector.expected(expose(specimen, corner[None], layout.shape))
    count = frame_count(layout, Rect(0, layout.shape[0], 0, layout.shape[1]))
    rims = {"all": count > 0, "1 or 2": (count > 0) & (count < 3), "3 to 7": (count > 2) & (count < most),
            f"{most} or more": count >= most}  # fmt: skip
    print(
        f"{len(layout)} frames of {side} px, {scan.detector.dose_e:g} e/px: PSNR in dB / SSIM by frames there"
    )
    print("  " + " " * 12 + "".join(f"{name:>16}" for name in rims) + f"{'seam score':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("one frame", *names):
            image = restored_by(name, frames, settings, layout, Path(folder) / f"{name}.zarr")
            matched = matched_to(truth, image, scan.detector.offset_adu, count > 0)
            scores = "".join(f"{scores_of(matched, truth, where):>16}" for where in rims.values())
            print(f"  {name:<12}{scores}{seam_score(matched - truth, layout):12.3f}", flush=True)


def restored_by(name, frames, settings, layout, path):
    """Return the mosaic of the one nearest frame at each place, or what a restorer makes of several."""
    if name == "one frame":
        best = assemble(frames, path, settings=replace(settings, composition="best"), layout=layout)
        return best.levels("raw")[0][:]
    made = assemble(frames, path, restorer=load_restorer(name), settings=settings, layout=layout)
    return made.levels("restored")[0][:]


def matched_to(truth, image, dark, where):
    """Return an image in the truth's brightness: how bright the beam is as a whole, no scan can tell."""
    ours, theirs = image[where] - dark, truth[where] - dark
    return (image - dark) * np.float32((ours @ theirs) / (ours @ ours)) + dark


def scores_of(image, truth, where):
    span = float(np.ptp(truth))
    filled = np.where(where, image, truth)
    likeness = ssim(filled, truth, data_range=span, mask=where)
    return f"{psnr(filled, truth, data_range=span, mask=where):.2f} / {likeness:.3f}"


PEERS = ("napari-emrestore", "m2stitch as it comes", "m2stitch", "multiview-stitcher")


def peers(python: str):
    """Place the same tiles with each stitcher in a process of its own; ratios are theirs over ours."""
    print("30 tiles of 512 px on a grid with 20 % overlap, the stage off by up to 8 px:")
    for dose in (1000.0, 60.0):
        print(f"  {dose:g} electrons per pixel: rms error; processor time and peak memory (ratio to ours)")
        scan, told = grid_of(dose)
        with tempfile.TemporaryDirectory() as folder:
            tiles = Path(folder) / "tiles.npz"
            np.savez(tiles, frames=scan.frames, told=told, step=0.8 * SIDE)
            mine = None
            for name in PEERS:
                found = placed_by(name, tiles, sys.executable if name == PEERS[0] else python)
                mine = mine or found
                print(f"    {name}: {told_of(found, mine, scan.truth_px)}", flush=True)


def grid_of(dose: float):
    rng = np.random.default_rng(3)
    scan = simulate_scan(
        procedural_specimen(4096, rng), ScanPath(5, 6, 0.8 * SIDE, 0.8 * SIDE, "jump"),
        frame_shape=(SIDE, SIDE), rng=rng, exposure_s=1e-4, start_px=(50.0, 50.0),
        motion=StageMotion(0.0, 50.0, 20.0, 2.0, (0.0, 0.0)), detector=Detector(dose_e=dose),
    )  # fmt: skip
    return scan, scan.told_px + rng.uniform(-8, 8, scan.told_px.shape)


def placed_by(name: str, tiles: Path, python: str):
    """Return what a stitcher's process printed, or the last thing it complained of."""
    script = Path(__file__).with_name("mosaic_peers.py")
    done = subprocess.run(
        [python, "-W", "ignore", str(script), name, str(tiles)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no word"])[-1]
    return json.loads(done.stdout.splitlines()[-1])


def told_of(found, mine, truth) -> str:
    if isinstance(found, str):
        return f"no result ({found})"
    places = np.array(found["places"], float)
    ratios = [f"{found[key]:.{digits}f} {unit} ({found[key] / mine[key]:.2f})"
              for key, digits, unit in (("seconds", 1, "s"), ("peak_mib", 0, "MiB"))]  # fmt: skip
    return f"{rms_px(places, truth):.3f} px; {', '.join(ratios)}"


def stages():
    """Place with stages whose axes and scale are not those of the camera; some tiles show nothing at all."""
    print("the same grid, stage turned against the camera and wrongly scaled; 2 of 30 tiles show nothing:")
    scan, told = grid_of(60.0)
    frames = scan.frames.copy()
    rng = np.random.default_rng(5)
    blank = [8, 20]
    for k in blank:
        frames[k] = rng.poisson(60.0, frames[k].shape) * 20 + 200
    seen = np.delete(np.arange(len(frames)), blank)
    for degrees, scale in ((0.0, 1.0), (2.0, 1.01), (10.0, 1.05)):
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        turned = told @ (scale * np.array([[c, -s], [s, c]])).T
        stack = FrameStack.from_array(frames, Acquisition("tiles", pixel_size_nm=(1000.0, 1000.0)))
        layout = place_frames(stack, MosaicSettings(dark=200.0), stage_um=turned)
        off = layout.places_px - scan.truth_px
        off -= np.nanmean(off[seen], axis=0)
        lost = int((~layout.placed).sum())
        print(
            f"  {degrees:g} degrees, {100 * (scale - 1):.0f} %: "
            f"{rms_px(layout.places_px[seen], scan.truth_px[seen]):.3f} px, "
            f"those that show nothing {np.sqrt((off[blank] ** 2).sum(axis=1).mean()):.1f} px, {lost} left out"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, help="measure memory while a mosaic of this side is written")
    parser.add_argument("--peers", action="store_true", help="compare with other stitchers")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--stages", action="store_true", help="turn and scale the stage against the camera")
    parser.add_argument("--models", nargs="*", help="restore a mosaic with these and compare with the truth")
    chosen = parser.parse_args()
    if chosen.side:
        memory(chosen.side)
    elif chosen.peers:
        peers(chosen.peer_python)
    elif chosen.models is not None:
        models(chosen.models or RESTORERS)
    elif chosen.stages:
        stages()
    else:
        placement()
        growth()


if __name__ == "__main__":
    main()

"""Alignment against OpenCV's multi-scale ECC: same bursts, same run, CPU time and corner error as ratios.

    python benchmarks/registration.py [--image slice.png] [--frames 5] [--seeds 2] [--scenes affine,small]

Bursts are simulated: one scene seen through known warps, blurred along the scan motion, counted electrons,
read-out noise, 16 bit. OpenCV gets the frames scaled to 0-255 (its 16-bit path gives NaN in 5.0) and a start
from its own phase correlation. CPU times are of all threads. ``ours / 50`` spreads the work that is done
once per burst over 50 frames, as in a long stream; ``ours`` is the burst as simulated. Times are the least
of a few runs taken in turn, for OpenCV as well: other work on the machine only adds. ``joint`` is the error
after the refinement against the burst's mean. Four pairs of one burst share the noise of its reference: take
six seeds or more to compare errors. Ratios only: times mean nothing on another machine.
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage, signal

from napari_emrestore.core import Warp
from napari_emrestore.registration import align

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 1024
MARGIN = 235
CONTRAST = 0.25
READ_NOISE_E = 1.5


@dataclass(frozen=True)
class Case:
    """What moves how far, at which dose, and which families are sought."""

    kinds: tuple[str, ...]
    shift_px: float = 30.0
    degrees: float = 0.0
    stretch: float = 0.0
    tilt: float = 0.0
    dose_e: tuple[float, float] = (20.0, 60.0)
    blur_px: tuple[float, float] = (3.0, 11.0)
    rim: int = 0


SCENES = {
    "small": Case(("translation", "euclidean", "affine"), shift_px=10),
    "rigid": Case(("euclidean",), degrees=1),
    "affine": Case(("affine",), degrees=1, stretch=0.01),
    "large-affine": Case(("affine",), shift_px=150, degrees=1, stretch=0.01),
    "homography": Case(("homography",), degrees=1, stretch=0.01, tilt=0.01),
    "low": Case(("translation", "affine"), dose_e=(3, 6)),
    "very-low": Case(("translation", "affine"), dose_e=(1, 2)),
    "very-low-large-affine": Case(("affine",), shift_px=150, degrees=1, stretch=0.01, dose_e=(1, 2)),
    "sharp": Case(("translation", "affine"), blur_px=(1, 1)),
    "dead-rim": Case(("translation", "affine"), rim=51),
}


def load_scene(path: str | None) -> np.ndarray:
    """Return a scene larger than a frame, zero mean and unit deviation: an image file, or membranes."""
    side = SIZE + 2 * MARGIN
    if path:
        from skimage.io import imread

        image = imread(path, as_gray=True).astype(np.float32)
        image = image[: min(image.shape), : min(image.shape)]
        scene = ndimage.zoom(image, side / len(image), order=3, mode="reflect")[:side, :side]
    else:
        rng = np.random.default_rng(0)
        walls = ndimage.gaussian_filter(rng.standard_normal((side, side)), 14)
        fine = ndimage.gaussian_filter(rng.standard_normal((side, side)), 2)
        broad = ndimage.gaussian_filter(rng.standard_normal((side, side)), 40)
        scene = -2 * np.exp(-((walls / walls.std() / 0.09) ** 2)) + 0.5 * fine / fine.std()
        scene = ndimage.gaussian_filter(scene + 0.4 * broad / broad.std(), 1)
    return ((scene - scene.mean()) / scene.std()).astype(np.float32)


def random_warp(case: Case, angle: float, rng: np.random.Generator) -> Warp:
    """Return a warp about the frame's centre, shifted along `angle`; large shifts are kept large."""
    along = rng.uniform(-1, 1)
    if case.shift_px >= 50:
        along = np.sign(along) * (0.6 + 0.4 * abs(along))
    away = case.shift_px * 0.05 * rng.normal()
    direction = np.array([np.sin(angle), np.cos(angle)])
    turn = np.deg2rad(case.degrees * rng.uniform(-1, 1))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = np.eye(3)
    middle[:2, :2] = rotation @ (np.eye(2) + case.stretch * rng.uniform(-1, 1, (2, 2)))
    middle[2, :2] = case.tilt / SIZE * rng.uniform(-1, 1, 2)
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = -(SIZE - 1) / 2, (SIZE - 1) / 2
    back[:2, 2] += along * case.shift_px * direction + away * direction[::-1] * (1, -1)
    return Warp(back @ middle @ there, "homography")


def motion_blur(image: np.ndarray, length_px: float, angle: float) -> np.ndarray:
    """Return the image blurred along a centred line."""
    if length_px <= 1:
        return image
    reach = int(np.ceil(length_px / 2)) + 1
    steps = np.linspace(-length_px / 2, length_px / 2, 16 * int(length_px) + 1)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for s in steps:
        y, x = reach + s * np.sin(angle), reach + s * np.cos(angle)
        i, j = int(y), int(x)
        kernel[i : i + 2, j : j + 2] += np.outer([1 - y + i, y - i], [1 - x + j, x - j])
    return signal.oaconvolve(np.pad(image, reach, mode="reflect"), kernel / kernel.sum(), mode="valid")


def make_burst(scene: np.ndarray, case: Case, frames: int, seed: int) -> tuple[np.ndarray, list[Warp]]:
    """Return frames (N, Y, X) uint16 and the true warps from frame 0."""
    rng, angle = np.random.default_rng(seed), 0.35
    coefficients = ndimage.spline_filter(scene, order=3)
    y, x = np.mgrid[:SIZE, :SIZE].reshape(2, -1)
    stack, warps = [], []
    for k in range(frames):
        warp = Warp.identity() if k == 0 else random_warp(case, angle, rng)
        at = warp.inverse().apply(np.stack([y, x], axis=1)) + MARGIN
        seen = ndimage.map_coordinates(coefficients, at.T, order=3, prefilter=False, mode="mirror")
        seen = np.clip(1 + CONTRAST * seen.reshape(SIZE, SIZE), 0.02, None)
        dose = rng.uniform(*case.dose_e)
        expected = dose * motion_blur(seen, rng.uniform(*case.blur_px), angle)
        electrons = rng.poisson(np.clip(expected, 0, None)) + rng.normal(0, READ_NOISE_E, seen.shape)
        pixels = np.clip(np.rint(electrons * min(100, 30000 / dose) + 500), 0, 65535).astype(np.uint16)
        if case.rim:
            pixels[: case.rim] = pixels[-case.rim :] = 500
            pixels[:, : case.rim] = pixels[:, -case.rim :] = 500
        stack.append(pixels)
        warps.append(warp)
    return np.stack(stack), warps


def by_opencv(frames: np.ndarray, kind: str) -> list[Warp | None]:
    """Return OpenCV's warps by multi-scale ECC from a phase-correlation start; None where it gave up."""
    import cv2

    scale = np.float32(255 / np.percentile(frames[0, ::8, ::8], 99.9))
    reference = frames[0] * scale
    small = cv2.resize(reference, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    window = cv2.createHanningWindow(small.shape[::-1], cv2.CV_32F)
    settings = cv2.ECCParameters()
    settings.motionType = getattr(cv2, f"MOTION_{kind.upper()}")
    settings.nlevels, settings.gaussFiltSize, settings.criteria = 4, 5, (3, 50, 1e-6)
    found: list[Warp | None] = [Warp.identity()]
    for frame in frames[1:]:
        moving = frame * scale
        reduced = cv2.resize(moving, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        (dx, dy), _ = cv2.phaseCorrelate(small, reduced, window)
        start = np.eye(3 if kind == "homography" else 2, 3, dtype=np.float32)
        start[:2, 2] = 4 * dx, 4 * dy
        try:
            found.append(Warp.from_xy(cv2.findTransformECCMultiScale(reference, moving, start, settings)[1]))
        except cv2.error:
            found.append(None)
    return found


def cpu_ms(work: Callable[[], object], frames: int) -> tuple[float, object]:
    """Return CPU milliseconds (of all threads) per frame and the result."""
    start = time.process_time()
    result = work()
    return (time.process_time() - start) * 1e3 / frames, result


def rms(errors: list[float]) -> str:
    """Return the rms of the errors below 1 px and how many were."""
    good = [e for e in errors if e < 1]
    return f"{np.sqrt(np.mean(np.square(good))) if good else np.nan:.4f} ({len(good)}/{len(errors)})"


def compare(scene: np.ndarray, name: str, kind: str, frames: int, seeds: int, rounds: int) -> str:
    """Return one row of the table."""
    errors: dict[str, list[float]] = {"peer": [], "ours": [], "joint": []}
    times: dict[str, list[float]] = {"peer": [], "ours": [], "ours50": []}
    for seed in range(seeds):
        burst, truth = make_burst(scene, SCENES[name], frames, seed)
        align(burst[:2], kind=kind)  # load the compiled code
        stream = np.concatenate([burst] * -(-50 // frames))[:50]
        calls = {
            "peer": (partial(by_opencv, burst, kind), frames - 1),
            "ours": (partial(align, burst, kind=kind, refine=False), frames - 1),
            "ours50": (partial(align, stream, kind=kind, refine=False), 49),
            "joint": (partial(align, burst, kind=kind), frames - 1),
        }
        taken: dict[str, list[float]] = {who: [] for who in calls}
        for k, (who, (call, count)) in itertools.product(range(rounds), calls.items()):
            spent, found = cpu_ms(call, count)
            taken[who].append(spent)
            if k == 0 and who in errors:
                errors[who] += [
                    np.inf if w is None else w.corner_distance_px(t, (SIZE, SIZE))
                    for w, t in zip(found[1:], truth[1:], strict=True)
                ]
        for who, least in times.items():
            least.append(min(taken[who]))
    peer, ours, ours50 = (np.median(times[k]) for k in ("peer", "ours", "ours50"))
    both = [(p, o) for p, o in zip(errors["peer"], errors["ours"], strict=True) if max(p, o) < 1]
    share = np.sqrt(np.mean([o**2 for _, o in both]) / np.mean([p**2 for p, _ in both])) if both else np.nan
    accuracy = f"{rms(errors['peer'])} | {rms(errors['ours'])} | {share:.2f} | {rms(errors['joint'])}"
    speed = f"{peer / ours:.0f}x | {peer / ours50:.0f}x | {peer:.0f} / {ours:.1f} / {ours50:.1f}"
    return f"| {name} | {kind} | {accuracy} | {speed} |"


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--image", help="electron micrograph to make the bursts of")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scenes", default=",".join(SCENES))
    chosen = parser.parse_args()
    try:
        import cv2
    except ImportError:
        print("skipped: OpenCV, the peer, is not installed")
        return
    if not hasattr(cv2, "findTransformECCMultiScale"):
        print(f"skipped: OpenCV {cv2.__version__} has no multi-scale ECC (5.0 has)")
        return
    cv2.setNumThreads(1)
    scene = load_scene(chosen.image)
    pairs = chosen.seeds * (chosen.frames - 1)
    print(f"OpenCV {cv2.__version__}, {pairs} pairs of {SIZE} px, rms corner error px")
    print("| scene | kind | OpenCV | ours | error ratio | joint | speed-up | in 50 frames | CPU ms / frame |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in chosen.scenes.split(","):
        for kind in SCENES[name].kinds:
            print(compare(scene, name, kind, chosen.frames, chosen.seeds, chosen.rounds), flush=True)


if __name__ == "__main__":
    main()

"""Time SSIM and PSNR beside scikit-image and OpenCV in one interleaved run, and show how much they differ.

    python benchmarks/metrics.py --size 4096 --rounds 5 [--image SLICE] [--threads 2]

Ratios are of the shortest wall times and of the least CPU times: on a shared machine these are the least
disturbed, and where other work holds the cores only the latter tells (it does not count the second thread
as a gain). Peak memory is what a first call adds to the process. The difference is from scikit-image on
float64 images. OpenCV has no SSIM; its row is the usual four-map one with its filters.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Images = tuple[NDArray[np.float32], NDArray[np.float32]]
    Score = Callable[[NDArray[np.float32], NDArray[np.float32]], float]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=4096, help="side of the square images, px")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--image", help="8-bit slice to tile; default: smoothed noise")
    parser.add_argument("--threads", type=int, default=2, help="cores that this process may use")
    options = parser.parse_args()
    limit_threads(options.threads)
    x, y = make_pair(options.size, options.image)
    print(f"{options.size} x {options.size} px float32, {options.threads} threads, best of {options.rounds}")
    titles = f"{'best ms':>9}{'cpu ms':>9}{'ratio':>8}{'cpu ratio':>11}{'peak +MB':>10}{'|difference|':>14}"
    print(f"{'':38}{titles}")
    for name, rows in contests().items():
        report(name, rows, x, y, options.rounds)


def make_pair(size: int, path: Path | str | None) -> Images:
    """Return a clean image in [0, 1] and a noisy one."""
    rng = np.random.default_rng(0)
    if path is None:
        from scipy.ndimage import gaussian_filter

        clean = gaussian_filter(rng.standard_normal((size, size), np.float32), 2)
        clean = np.clip(0.5 + clean / clean.std() * 0.2, 0, 1)
    else:
        import imageio.v3

        tile = np.asarray(imageio.v3.imread(path), np.float32) / 255
        clean = np.tile(tile, (-(-size // tile.shape[0]), -(-size // tile.shape[1])))[:size, :size]
    noisy = np.clip(clean + rng.normal(0, 0.08, clean.shape), 0, 1).astype(np.float32)
    return np.ascontiguousarray(clean), noisy


def contests() -> dict[str, dict[str, Score]]:
    """Return for each number the ways to compute it; the first is what ratios and differences refer to."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    rows: dict[str, dict[str, Score]] = {
        "SSIM gaussian": {
            "scikit-image": lambda x, y: structural_similarity(x, y, data_range=1.0, **wang),
            "napari-emrestore": lambda x, y: metrics.ssim(x, y, data_range=1.0),
        },
        "SSIM uniform": {
            "scikit-image": lambda x, y: structural_similarity(x, y, data_range=1.0),
            "napari-emrestore": lambda x, y: metrics.ssim(x, y, data_range=1.0, window="uniform"),
        },
        "PSNR dB": {
            "scikit-image": lambda x, y: peak_signal_noise_ratio(x, y, data_range=1.0),
            "napari-emrestore": lambda x, y: metrics.psnr(x, y, data_range=1.0),
        },
    }
    try:
        import cv2
    except ImportError:
        return rows
    gauss, box = (lambda z: cv2.GaussianBlur(z, (11, 11), 1.5)), (lambda z: cv2.blur(z, (7, 7)))
    rows["SSIM gaussian"]["OpenCV, 4 maps"] = lambda x, y: four_map_ssim(x, y, gauss, 5, 1.0)
    rows["SSIM uniform"]["OpenCV, 4 maps"] = lambda x, y: four_map_ssim(x, y, box, 3, 49 / 48)
    rows["PSNR dB"]["OpenCV"] = lambda x, y: cv2.PSNR(x, y, 1.0)
    return rows


def four_map_ssim(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    smooth: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    rim: int,
    unbias: float,
) -> float:
    ux, uy, energy, product = smooth(x), smooth(y), smooth(x * x + y * y), smooth(x * y)
    means, both = ux * ux + uy * uy, ux * uy
    spread, covariance = unbias * (energy - means), unbias * (product - both)
    scores = (2 * both + 1e-4) * (2 * covariance + 9e-4) / ((means + 1e-4) * (spread + 9e-4))
    return float(scores[rim:-rim, rim:-rim].mean(dtype=np.float64))


def report(
    name: str, rows: dict[str, Score], x: NDArray[np.float32], y: NDArray[np.float32], rounds: int
) -> None:
    """Warm up all rows, time them in turn and print one line each."""
    peer = next(iter(rows))
    rows["napari-emrestore"](
        x[:512, :512], y[:512, :512]
    )  # compiles, or loads what was compiled; starts threads
    memory = {row: added_peak_mb(lambda row=row: rows[row](x, y)) for row in rows}
    truth = rows[peer](x.astype(np.float64), y.astype(np.float64))  # type: ignore[arg-type]
    difference = {row: abs(rows[row](x, y) - truth) for row in rows}
    wall: dict[str, list[float]] = {row: [] for row in rows}
    cpu: dict[str, list[float]] = {row: [] for row in rows}
    for _ in range(rounds):
        for row, compute in rows.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            compute(x, y)
            wall[row].append(time.perf_counter() - start)
            cpu[row].append(time.process_time() - start_cpu)
    for row in rows:
        best, best_cpu = min(wall[row]), min(cpu[row])
        ratio, cpu_ratio = min(wall[peer]) / best, min(cpu[peer]) / best_cpu
        times = f"{best * 1e3:9.1f}{best_cpu * 1e3:9.1f}{ratio:8.1f}{cpu_ratio:11.1f}"
        print(f"{name:16}{row:22}{times}{memory[row]:10.0f}{difference[row]:14.1e}")


def added_peak_mb(work: Callable[[], float]) -> float:
    """Return the MB by which `work` raised the peak resident memory of this process (NaN off Linux)."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not status.exists():
        return float("nan")
    reset.write_text("5")  # the peak starts anew
    before = memory_mb(status, "VmRSS")
    work()
    return memory_mb(status, "VmHWM") - before


def memory_mb(status: Path, name: str) -> float:
    return next(
        int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith(name)
    )


def limit_threads(threads: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:threads]))
    try:
        import cv2
    except ImportError:
        return
    cv2.setNumThreads(threads)


if __name__ == "__main__":
    main()

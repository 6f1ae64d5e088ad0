"""What sharing a run out costs: the plain run, threads, and a local dask cluster, in one run.

    python benchmarks/beyond_one_machine.py                       # 2048 x 2048, nlmeans, 2 threads or workers
    python benchmarks/beyond_one_machine.py --model naf-denoise --side 4096 --workers 4

Ratios are against the plain run of the same image in the same program. The first run on a cluster loads the
model and compiles in every worker; the second one finds both there.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_emrestore.core import Acquisition
from napari_emrestore.io import write_image
from napari_emrestore.pipeline import RunSettings, run
from napari_emrestore.pipeline.spreading import run_spread
from napari_emrestore.restoration import tune_allocator


def timed(settings: RunSettings, scheduler: str | None) -> tuple[float, np.ndarray]:
    started = time.perf_counter()
    result = run(settings) if scheduler is None else run_spread(settings, scheduler)
    return time.perf_counter() - started, result.restoration.image[:]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="nlmeans")
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tile", type=int, help="side of a window (default: auto)")
    arguments = parser.parse_args()
    from distributed import LocalCluster

    tune_allocator()
    with tempfile.TemporaryDirectory() as folder:
        image = np.random.default_rng(0).poisson(60, (arguments.side, arguments.side)).astype(np.uint16)
        source = write_image(Path(folder, "image.zarr"), image, Acquisition("image"))
        settings = RunSettings(
            str(source), model=arguments.model, output="", frames=1, tile=arguments.tile or "auto"
        )

        def measure(name: str, scheduler: str | None) -> tuple[float, np.ndarray]:
            return timed(replace(settings, output=str(Path(folder, f"{name}.zarr"))), scheduler)

        measure("warm", None)
        plain, pixels = measure("plain", None)
        print(f"{'':16}{'ratio':>8}{'seconds':>10}  same bytes")
        print(f"{'plain run':16}{1:8.2f}{plain:10.2f}")
        threads = f"threads:{arguments.workers}"
        with LocalCluster(
            n_workers=arguments.workers, threads_per_worker=1, dashboard_address=None
        ) as cluster:
            for name, scheduler in ((threads, threads), ("cluster, first", cluster.scheduler_address),
                                    ("cluster, warm", cluster.scheduler_address)):  # fmt: skip
                seconds, made = measure(name.replace(":", "").replace(", ", "_"), scheduler)
                print(f"{name:16}{seconds / plain:8.2f}{seconds:10.2f}  {np.array_equal(made, pixels)}")


if __name__ == "__main__":
    main()

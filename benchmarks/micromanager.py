"""Whether Micro-Manager's demo camera starts, runs and is let go of cleanly, again and again.

    python benchmarks/micromanager.py                # 100 starts in one process, 100 processes
    python benchmarks/micromanager.py --rounds 10 --processes 5

Needs pymmcore-plus and mm-test-adapters. Every second process ends while its camera runs, and nobody closes
it; every fourth round joins a core that somebody else has loaded and left running.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import numpy as np
import psutil

from napari_emrestore.cameras import open_camera

DEMO = {"adapter": "DemoCamera", "device": "DCam", "exposure_ms": 1.0}
PROCESS = """
from napari_emrestore.cameras import open_camera
camera = open_camera("micromanager", adapter="DemoCamera", device="DCam", exposure_ms=1.0)
frames = [frame for _, frame in zip(range(5), camera)]
assert [frame.index for frame in frames] == list(range(5))
"""


def own_round() -> None:
    with open_camera("micromanager", **DEMO) as camera:
        indices = [frame.index for _, frame in zip(range(5), camera, strict=False)]
    if indices != list(range(5)):
        raise SystemExit(f"frames {indices} came")


def joined_round() -> None:
    from pymmcore_plus import CMMCorePlus

    core = CMMCorePlus.instance()
    core.loadDevice("Theirs", "DemoCamera", "DCam")
    core.initializeDevice("Theirs")
    core.setCameraDevice("Theirs")
    core.startContinuousSequenceAcquisition(0)
    with open_camera("micromanager") as camera:
        indices = [frame.index for _, frame in zip(range(5), camera, strict=False)]
    if indices != sorted(set(indices)) or not core.isSequenceRunning():
        raise SystemExit(f"frames {indices} came, running: {core.isSequenceRunning()}")
    core.stopSequenceAcquisition()
    core.unloadAllDevices()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--processes", type=int, default=100)
    asked = parser.parse_args()
    process, took = psutil.Process(), []
    threads = files = 0
    for number in range(asked.rounds):
        began = time.perf_counter()
        (joined_round if number % 4 == 3 else own_round)()
        took.append(time.perf_counter() - began)
        if number == 3:
            threads, files = process.num_threads(), process.num_fds()
    print(f"{asked.rounds} starts and stops in one process, {1000 * np.median(took):.0f} ms each;", end=" ")
    print(f"threads {threads} -> {process.num_threads()}, files {files} -> {process.num_fds()}", flush=True)
    codes = [
        subprocess.run([sys.executable, "-c", PROCESS + ("camera.close()" if number % 2 else "")]).returncode
        for number in range(asked.processes)
    ]
    print(f"{codes.count(0)} of {asked.processes} processes ended with 0; others: {sorted(set(codes) - {0})}")


if __name__ == "__main__":
    main()

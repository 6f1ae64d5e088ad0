"""Times how long each dock takes to open once napari is up, and napari's own start beside it.

Run on a machine with a screen, or under xvfb-run: ``python benchmarks/gui_start.py --rounds 5``.
Every round is a fresh interpreter, so that each dock pays for its own imports.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

DOCKS = (
    "Restore images",
    "Live camera",
    "Compare images",
    "Probe models",
    "What made this layer?",
    "Mark regions of interest",
)
_CODE = """
import json, os, time
began = time.perf_counter()
import napari, numpy
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
viewer.add_image(numpy.zeros((9, 384, 512), "uint16"), name="stream")
for _ in range(20): QApplication.processEvents()
start, cpu = time.perf_counter(), time.process_time()
viewer.window.add_plugin_dock_widget("napari-emrestore", {dock!r})
built = time.perf_counter() - start
for _ in range(20): QApplication.processEvents()
print(json.dumps([start - began, built, time.perf_counter() - start, time.process_time() - cpu]), flush=True)
# a dock may have begun to look at its input, which nobody waits for here
os._exit(0)
"""


def measure(dock: str) -> list[float]:
    """Return seconds of napari's start, of building the dock, until it is shown, and of CPU for that."""
    ran = subprocess.run(
        [sys.executable, "-c", _CODE.format(dock=dock)], capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(f"{'dock':24}{'napari s':>10}{'built s':>10}{'shown s':>10}{'CPU s':>10}   median of {rounds}")
    for dock in DOCKS:
        columns = zip(*(measure(dock) for _ in range(rounds)), strict=True)
        print(f"{dock:24}" + "".join(f"{statistics.median(column):10.2f}" for column in columns))


if __name__ == "__main__":
    main()

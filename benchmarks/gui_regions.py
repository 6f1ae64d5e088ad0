"""Times how the regions dock feels with thousands of regions: steps that a person waits for, in CPU seconds.

Run on a machine with a screen, or under xvfb-run: ``python benchmarks/gui_regions.py --regions 200 5000``.
The column of 200 regions is the yardstick; the ratio says how a step grows with the number of regions.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_emrestore.overview.regions import Region
from napari_emrestore.widgets.regions import RegionsDock

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 8192
CORNERS = 2 * np.pi * np.arange(24) / 24


def polygons(count: int) -> list[Region]:
    """Return round polygons of 24 corners, spread over the overview."""
    rng = np.random.default_rng(0)
    return [
        Region(
            1,
            "polygon",
            "target",
            tuple(
                (float(a), float(b))
                for a, b in zip(y + 20 * np.sin(CORNERS), x + 20 * np.cos(CORNERS), strict=True)
            ),
            confidence=float(rng.random()),
            accepted=bool(k % 2),
        )
        for k, (y, x) in enumerate(rng.uniform(50, SIDE - 50, (count, 2)))
    ]


def cpu_of(step: Callable[[], object], *, repeats: int = 3) -> float:
    """Return the least CPU time of a step and of what Qt draws after it."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        step()
        QApplication.processEvents()
        times.append(time.process_time() - began)
    return min(times)


def wait(done: Callable[[], bool]) -> None:
    while not done():
        QApplication.processEvents()
        time.sleep(0.01)


def measure(count: int) -> dict[str, float]:
    """Return the CPU seconds of each step with so many regions."""
    viewer = napari.Viewer()
    viewer.add_image(
        np.random.default_rng(1).normal(100, 10, (SIDE, SIDE)).astype(np.float32), name="overview"
    )
    dock = RegionsDock(viewer)
    viewer.window.add_dock_widget(dock)
    wait(lambda: dock.state.regions is not None)
    found = polygons(count)
    times = {
        "take all regions in": cpu_of(lambda: dock.change(dock.state.regions.add(*found), "x"), repeats=1)
    }
    began = time.process_time()
    wait(lambda: len(dock.measuring.numbers()) == count)
    times["measure all (off the main thread)"] = time.process_time() - began
    shapes, bar = dock.canvas.parts["shapes"].layer, dock.view.list.list.verticalScrollBar()
    corner = np.array([[10, 10], [10, 40], [40, 40], [40, 10]], float)
    order = iter((5, 6, 7))
    place = iter(np.linspace(0.1, 0.9, 20))
    times |= {
        "draw one": cpu_of(lambda: shapes.add([corner], shape_type="rectangle")),
        "undo": cpu_of(dock.undo),
        "select one": cpu_of(lambda: dock.select((int(1 + count * next(place)),))),
        "change a note": cpu_of(lambda: dock.edit({"note": str(time.time())})),
        "sort": cpu_of(lambda: dock.view.list.sort.setCurrentIndex(next(order))),
        "scroll": cpu_of(lambda: bar.setValue(int(bar.maximum() * next(place)))),
    }
    dock.edit({"note": "last"})
    times["write the file"] = cpu_of(dock.saver.flush, repeats=1)
    viewer.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", type=int, nargs=2, default=(200, 5000))
    few, many = parser.parse_args().regions
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("napari_emrestore.widgets.preferences.config_folder", return_value=Path(folder)),
    ):
        columns = [measure(few), measure(many)]
    print(f"{'CPU seconds':36}{few:>10}{many:>10}{'ratio':>8}")
    for step in columns[0]:
        small, large = (column[step] for column in columns)
        print(f"{step:36}{small:10.3f}{large:10.3f}{large / max(small, 1e-3):8.1f}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()

"""A noisy image as a file, settings that cut it into many small pieces, and a small real cluster."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile

from napari_emrestore.pipeline import RunSettings
from napari_emrestore.pipeline.spreading import crews, open_crew

SHAPE = (83, 105)
PATIENCE_S = 120


@pytest.fixture(scope="module")
def image_file(tmp_path_factory):
    """Two frames of different brightness, with a place where nothing was measured."""
    frames = np.random.default_rng(3).normal(100, 20, (2, *SHAPE)).astype(np.float32)
    frames[1] *= 2
    frames[0, 30:34, 40:49] = np.nan
    path = tmp_path_factory.mktemp("input") / "frames.tif"
    tifffile.imwrite(path, frames, photometric="minisblack")
    return path


@pytest.fixture
def settings(image_file, tmp_path):
    """Single frames, by blocks of 30 px with a halo of 1 px: twice 3 x 4 pieces."""
    return RunSettings(
        str(image_file), model="gaussian", output=str(tmp_path / "made.zarr"), frames=1, tile=32
    )


class Machines:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder):
        self.file = folder / "scheduler.json"
        self.processes = [self._start("dask_scheduler", "--port", "0", "--host", "127.0.0.1")]
        self.address = self._wait()

    def add_worker(self):
        options = "--no-nanny --nthreads 1 --memory-limit 0 --no-dashboard --death-timeout 60".split()
        worker = self._start("dask_worker", self.address, "--host", "127.0.0.1", *options)
        self.processes.append(worker)
        return worker

    def wait_for(self, workers):
        with open_crew(self.address) as crew:
            end = time.monotonic() + PATIENCE_S
            while crew.hands() < workers and time.monotonic() < end:
                time.sleep(0.05)

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _start(self, module, *options):
        command = [sys.executable, "-m", f"distributed.cli.{module}", *options]
        if module == "dask_scheduler":
            command += ["--no-dashboard", "--scheduler-file", str(self.file)]
        # one thread each, so that workers do not fight over the processors
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, cwd=self.file.parent, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _wait(self):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self.file.exists() and self.file.read_text().endswith("}"):
                return json.loads(self.file.read_text())["address"]
            time.sleep(0.05)
        raise TimeoutError("no scheduler came up")


@pytest.fixture(scope="session")
def machines(tmp_path_factory):
    """Two workers, started once; a test that kills one leaves the other."""
    pytest.importorskip("distributed")
    started = Machines(tmp_path_factory.mktemp("cluster"))
    with pytest.MonkeyPatch.context() as patch:
        # workers start slowly on a busy machine
        patch.setattr(crews, "_ANSWER_S", PATIENCE_S)
        patch.setattr(crews, "_FIRST_WORKER_S", PATIENCE_S)
        try:
            started.add_worker()
            started.add_worker()
            started.wait_for(2)
            yield started
        finally:
            started.stop()

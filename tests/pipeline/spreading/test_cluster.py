"""Runs on a real dask cluster of several processes: the same bytes; a dead worker costs its pieces only."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_emrestore import __version__
from napari_emrestore.core import Cancelled, DeviceError, InputError, MissingPackageError
from napari_emrestore.pipeline import RunSettings, run
from napari_emrestore.pipeline.evaluation.protocols import find_protocol
from napari_emrestore.pipeline.spreading import crews, open_crew, run_spread

pytest.importorskip("distributed")

PIECES = 2 * 3 * 4
PATIENCE_S = 120


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


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    started = Machines(tmp_path_factory.mktemp("cluster"))
    try:
        started.add_worker()
        started.add_worker()
        started.wait_for(2)
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module", autouse=True)
def patient():
    """Workers start slowly on a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crews, "_ANSWER_S", PATIENCE_S)
        patch.setattr(crews, "_FIRST_WORKER_S", PATIENCE_S)
        yield


@pytest.fixture(scope="module")
def alone(image_file, tmp_path_factory):
    """The pixels of an ordinary run."""
    output = tmp_path_factory.mktemp("alone") / "alone.zarr"
    job = RunSettings(str(image_file), model="gaussian", output=str(output), frames=1, tile=32)
    return run(job).restoration.image[:]


class Told:
    """Calls back with the number of finished pieces."""

    def __init__(self, then):
        self.then = then

    def step(self, done, total, note=""):
        if note.startswith("restoring pieces"):
            self.then(done)


def noted(settings):
    """Return what is noted about finished pieces, line by line."""
    record = next(Path(settings.output).parent.glob(".made.zarr.*.unfinished.jsonl"))
    return [json.loads(line) for line in record.read_text().splitlines()[1:]]


def pid(facts):
    return int(facts["process"].split(":")[-1])


def test_several_processes_give_the_bytes_of_one(machines, settings, alone):
    lines = []
    result = run_spread(settings, machines.address, monitor=Told(lambda done: lines.append(done)))
    np.testing.assert_array_equal(result.restoration.image[:], alone)
    assert (lines[0], lines[-1]) == (0, PIECES)
    workers = result.restoration.provenance.settings["workers"]
    assert sum(facts["pieces"] for facts in workers.values()) == PIECES
    assert str(os.getpid()) not in {name.split(":")[-1] for name in workers}
    assert {facts["device"] for facts in workers.values()} == {result.restoration.provenance.device}


def test_each_worker_loads_the_model_once(machines, settings):
    facts = []

    def look(done):
        facts[:] = noted(settings)

    run_spread(settings, machines.address, monitor=Told(look))
    by_process = {pid(one): [] for one in facts}
    for one in facts:
        by_process[pid(one)].append(one["load_seconds"] > 0)
    assert len(facts) == PIECES
    assert all(sum(loads) == 1 for loads in by_process.values())


def test_a_job_that_threads_began_is_finished_by_a_cluster(machines, settings, alone):
    def stop(done):
        if done >= 7:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run_spread(settings, "threads:1", monitor=Told(stop))
    kept = {one["piece"] for one in noted(settings)}
    lines = []
    result = run_spread(settings, machines.address, monitor=Told(lambda done: lines.append(done)))
    assert lines[0] == len(kept) == 7
    workers = result.restoration.provenance.settings["workers"]
    assert next(f["pieces"] for name, f in workers.items() if name.endswith(f":{os.getpid()}")) == 7
    np.testing.assert_array_equal(result.restoration.image[:], alone)


def test_errors_of_workers_arrive_with_their_facts(machines):
    with open_crew(machines.address) as crew, pytest.raises(InputError) as caught:
        crew.outcome(crew.submit(find_protocol, "nonsense"))
    assert caught.value.came == "'nonsense' came"
    assert str(caught.value).count("nonsense") == 1


def test_workers_that_see_other_folders_are_refused(machines):
    with open_crew(machines.address) as crew:
        with pytest.raises(InputError, match=r"tcp://.*does not see .*nowhere"):
            crew.check([Path("nowhere")])


def test_a_killed_worker_costs_only_what_it_had_at_hand(machines, settings, alone):
    victim = machines.processes[-1]
    before = []

    def kill(done):
        made = [one["piece"] for one in noted(settings) if pid(one) == victim.pid]
        if made and not before:
            victim.kill()
            victim.wait()
            before.extend(made)

    # enough pieces that the last worker to come gets some, however late it is
    job = replace(settings, tile=12)
    result = run_spread(job, machines.address, monitor=Told(kill))
    assert before
    expected = run(replace(job, output=job.output.replace("made", "alone"))).restoration.image[:]
    np.testing.assert_array_equal(result.restoration.image[:], expected)
    workers = result.restoration.provenance.settings["workers"]
    kept = next(facts["pieces"] for name, facts in workers.items() if name.endswith(f":{victim.pid}"))
    assert kept >= len(before)  # what it had finished was not made again
    assert sum(facts["pieces"] for facts in workers.values()) == 2 * 9 * 11


def test_a_scheduler_that_is_not_there_is_named(settings, monkeypatch):
    monkeypatch.setattr(crews, "_ANSWER_S", 0.2)
    with pytest.raises(DeviceError, match=r"tcp://127.0.0.1:9 did not"):
        run_spread(settings, "tcp://127.0.0.1:9")


class OddClient:
    """A client whose worker answers something else."""

    def __init__(self, answer):
        self.answer = answer
        self.scheduler = self
        self.address = "tcp://somewhere"

    def get_executor(self, pure):
        return None

    def run(self, function, paths, on_error):
        return {"tcp://odd": self.answer}


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ({"version": "0.0.1", "python": "3.11", "unseen": []}, DeviceError, "runs 0.0.1"),
        (ModuleNotFoundError("No module named 'napari_emrestore'"), MissingPackageError, "cannot import it"),
        (RuntimeError("odd"), DeviceError, "gave: odd"),
    ],
)
def test_workers_with_other_software_are_named(answer, kind, said):
    with pytest.raises(kind, match=f"tcp://odd.*{said}"):
        crews.Cluster(OddClient(answer)).check([])


def test_workers_like_this_program_are_taken():
    crews.Cluster(OddClient({"version": __version__, "python": "3.11", "unseen": []})).check([])

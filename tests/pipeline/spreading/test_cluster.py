"""Runs on a real dask cluster of several processes: the same bytes; a dead worker costs its pieces only."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_emrestore import __version__
from napari_emrestore.core import Cancelled, DeviceError, InputError, MissingPackageError, ModelError
from napari_emrestore.pipeline import RunSettings, run
from napari_emrestore.pipeline.evaluation.protocols import find_protocol
from napari_emrestore.pipeline.spreading import crews, open_crew, run_spread
from napari_emrestore.pipeline.spreading.places import load_as_ordered

PIECES = 2 * 3 * 4


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
    job = replace(settings, tile=22)
    result = run_spread(job, machines.address, monitor=Told(kill))
    assert before
    expected = run(replace(job, output=job.output.replace("made", "alone"))).restoration.image[:]
    np.testing.assert_array_equal(result.restoration.image[:], expected)
    workers = result.restoration.provenance.settings["workers"]
    kept = next(facts["pieces"] for name, facts in workers.items() if name.endswith(f":{victim.pid}"))
    assert kept >= len(before)  # what it had finished was not made again
    assert sum(facts["pieces"] for facts in workers.values()) == 2 * 5 * 6


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


def test_a_scheduler_that_is_lost_says_that_nothing_else_is():
    class Gone(OddClient):
        def scheduler_info(self, n_workers):
            raise OSError("closed")

    with pytest.raises(DeviceError, match=r"tcp://somewhere its scheduler .*What was finished is kept"):
        crews.Cluster(Gone(None)).hands()


def test_a_worker_with_other_weights_is_refused():
    with pytest.raises(ModelError, match=f"{os.getpid()} has napari-emrestore {__version__} with gaussian"):
        load_as_ordered("gaussian", "auto", "auto", (("napari-emrestore", __version__), ("id", "gaussian")))

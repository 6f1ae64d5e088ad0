"""Who works: threads of this program, or the workers of a dask cluster; one way to hand out tasks to both."""

from __future__ import annotations

import os
import platform
import warnings
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from napari_emrestore import __version__
from napari_emrestore.core import DeviceError, EmRestoreError, InputError, MissingPackageError
from napari_emrestore.core.optional import optional_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

THREADS = "threads"
_ANSWER_S = 10
_FIRST_WORKER_S = 30


class Crew(Protocol):
    """Hands for tasks."""

    @property
    def name(self) -> str:
        """Who it is, for people."""
        ...

    def hands(self) -> int:
        """Return how many tasks it can work on at once now, at least 1."""
        ...

    def submit(self, work: Callable[[Any], Any], task: Any) -> Future[Any]:
        """Hand out one task."""
        ...

    def outcome(self, future: Future[Any]) -> Any:
        """Return what a finished task gave; a failure of the crew itself becomes a `DeviceError`."""
        ...

    def check(self, paths: Sequence[Path]) -> None:
        """Refuse a crew that runs other software or cannot see these files."""
        ...


class Threads:
    """Threads of this program.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, executor: Executor, count: int) -> None:
        self._executor, self._count = executor, count
        self.name = f"{count} thread{'s' if count > 1 else ''}"

    def hands(self) -> int:
        """Return how many threads there are."""
        return self._count

    def submit(self, work: Callable[[Any], Any], task: Any) -> Future[Any]:
        """Hand out one task."""
        return self._executor.submit(work, task)

    def outcome(self, future: Future[Any]) -> Any:
        """Return what a finished task gave."""
        return future.result()

    def check(self, paths: Sequence[Path]) -> None:
        """Accept: what this program sees, its threads see."""


class Cluster:
    """The workers of a dask cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        # a restored piece is written to disk, so the same piece asked for again must be made again
        self._executor = client.get_executor(pure=False)
        self._address = client.scheduler.address

    @property
    def name(self) -> str:
        """How many workers there are at this moment."""
        count = len(self._workers())
        return f"{count} worker{'s' if count != 1 else ''}" if count else "waiting for a worker"

    def hands(self) -> int:
        """Return how many threads all workers have now; 1 while there is none, to wait for it."""
        return sum(int(worker["nthreads"]) for worker in self._workers().values()) or 1

    def submit(self, work: Callable[[Any], Any], task: Any) -> Future[Any]:
        """Hand out one task; a worker that dies gives it back to the scheduler, which knows another."""
        future: Future[Any] = self._executor.submit(work, task)
        return future

    def outcome(self, future: Future[Any]) -> Any:
        """Return what a finished task gave."""
        try:
            return future.result()
        except EmRestoreError:
            raise
        except CancelledError as error:
            raise self._failed("the connection was lost") from error
        except optional_package("distributed", "distributed").KilledWorker as error:
            raise self._failed(f"workers died over and over on one piece ({error})") from error

    def check(self, paths: Sequence[Path]) -> None:
        """Refuse workers without this version of the package, or that do not see these paths.

        Raises
        ------
        MissingPackageError, DeviceError, InputError
            With the address of the worker.
        """
        found: Mapping[str, Any] = self._client.run(look_around, [str(p) for p in paths], on_error="return")
        for worker, facts in found.items():
            if isinstance(facts, ImportError):
                raise MissingPackageError(
                    "Every worker needs napari-emrestore",
                    item=worker,
                    came=f"cannot import it ({facts})",
                    remedy=f"Install napari-emrestore {__version__} there.",
                ) from facts
            if isinstance(facts, BaseException):
                raise DeviceError("Every worker must answer", item=worker, came=f"gave: {facts}") from facts
            _check_facts(worker, facts)

    def _workers(self) -> Mapping[str, Mapping[str, Any]]:
        try:
            found: Mapping[str, Mapping[str, Any]] = self._client.scheduler_info(n_workers=-1)["workers"]
        except OSError as error:
            raise self._failed(f"its scheduler does not answer ({error})") from error
        return found

    def _failed(self, why: str) -> DeviceError:
        return DeviceError(
            "The dask cluster must last until the end",
            item=self._address,
            came=why,
            remedy="What was finished is kept: run the same command again to go on.",
        )


def look_around(paths: Sequence[str]) -> dict[str, Any]:
    """Return what a worker has: versions, and which of these paths it cannot see."""
    return {
        "version": __version__,
        "python": platform.python_version(),
        "unseen": [path for path in paths if not Path(path).exists()],
    }


@contextmanager
def open_crew(scheduler: str) -> Iterator[Crew]:
    """Give the crew of a scheduler, and let it go at the end; tasks at work are waited for in threads only.

    Parameters
    ----------
    scheduler : str
        ``"threads"`` (one per processor), ``"threads:4"``, or the address of a dask scheduler, for example
        ``"tcp://10.0.0.5:8786"``.

    Raises
    ------
    InputError
        If the number of threads is none.
    MissingPackageError
        If an address came and dask.distributed is not installed.
    DeviceError
        If no scheduler answers, or it has no worker.
    """
    kind, _, count = scheduler.partition(":")
    if kind == THREADS:
        threads = _thread_count(count)
        executor = ThreadPoolExecutor(threads, "emrestore")
        try:
            yield Threads(executor, threads)
        finally:
            executor.shutdown(cancel_futures=True)
        return
    client = _connect(scheduler)
    try:
        yield Cluster(client)
    finally:
        client.close()


def _thread_count(text: str) -> int:
    if not text:
        return os.cpu_count() or 1
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise InputError(
        "A scheduler is 'threads', 'threads:4' or the address of a dask scheduler",
        came=f"'threads:{text}' came",
    )


def _connect(address: str) -> Any:
    distributed = optional_package("distributed", "distributed")
    try:
        with warnings.catch_warnings():
            # what differs between the machines is looked at by `check`, and refused where it matters
            warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
            client = distributed.Client(
                address, timeout=_ANSWER_S, set_as_default=False, name="napari-emrestore"
            )
    except (OSError, TimeoutError, ValueError) as error:
        raise DeviceError(
            "A dask scheduler must answer",
            item=address,
            came=f"did not within {_ANSWER_S} s ({error or type(error).__name__})",
            remedy="Start one with: dask scheduler, and give its address, for example tcp://10.0.0.5:8786.",
        ) from error
    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
    except TimeoutError as error:
        client.close()
        raise DeviceError(
            "A dask scheduler needs a worker",
            item=address,
            came=f"had none for {_FIRST_WORKER_S} s",
            remedy=f"Start one with: dask worker {address}",
        ) from error
    return client


def _check_facts(worker: str, facts: Mapping[str, Any]) -> None:
    if facts["version"] != __version__:
        raise DeviceError(
            f"All workers run napari-emrestore {__version__}, as this program does",
            item=worker,
            came=f"runs {facts['version']}",
            remedy="Install the same version everywhere.",
        )
    if facts["unseen"]:
        raise InputError(
            "Every worker reads the input and writes the output under the paths used here",
            item=worker,
            came=f"does not see {', '.join(facts['unseen'])}",
            remedy="Use a folder that all machines share under one name.",
        )

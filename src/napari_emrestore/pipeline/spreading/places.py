"""What a process keeps from one piece to the next: its model and input, loaded once; how it reads files."""

from __future__ import annotations

import os
import platform
import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from napari_emrestore import __version__
from napari_emrestore.core import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_emrestore.core import Restorer

Turn = AbstractContextManager[Any]
ModelFacts = tuple[tuple[str, Any], ...]
_FACTS = ("id", "version", "weights_sha256")


class Place(Protocol):
    """Anything that is kept and let go of."""

    def close(self) -> None:
        """Let go of files."""
        ...


_Kept = TypeVar("_Kept", bound=Place)
_Order = TypeVar("_Order")


@dataclass(slots=True, eq=False)
class _Shelf:
    """A place with its order, how many pieces use it now, and whether it is to go after the last of them."""

    order: Any
    place: Place
    users: int = 0
    leaving: bool = False


_lock = threading.Lock()
_newest: list[_Shelf] = []  # one at most


@contextmanager
def workplace(order: _Order, set_up: Callable[[_Order], _Kept]) -> Iterator[tuple[_Kept, float]]:
    """Give what a process keeps for an order, and how long setting it up took if it was not there.

    Of several orders the newest is kept; an older one goes when the last piece that uses it ends.

    Parameters
    ----------
    order : object
        Orders that are equal share a place.
    set_up : callable
        Makes the place of an order.
    """
    started, seconds = time.perf_counter(), 0.0
    with _lock:
        if not _newest or _newest[0].order != order:
            _drop()
            _newest.append(_Shelf(order, set_up(order)))
            seconds = time.perf_counter() - started
        shelf = _newest[0]
        shelf.users += 1
    try:
        yield cast("_Kept", shelf.place), seconds
    finally:
        with _lock:
            shelf.users -= 1
            _close_unused(shelf)


def let_go(order: object) -> None:
    """Forget the place of an order in this process, if there is one."""
    with _lock:
        if _newest and _newest[0].order == order:
            _drop()


def _drop() -> None:
    for shelf in _newest:
        shelf.leaving = True
        _close_unused(shelf)
    _newest.clear()


def _close_unused(shelf: _Shelf) -> None:
    if shelf.leaving and shelf.users == 0:
        shelf.place.close()


def process_name() -> str:
    """Return machine and process."""
    return f"{platform.node()}:{os.getpid()}"


def model_facts(restorer: Restorer) -> ModelFacts:
    """Return what tells a model, and the program that runs it, from any other."""
    facts = restorer.describe()
    return (("napari-emrestore", __version__), *((name, facts.get(name)) for name in _FACTS))


def load_as_ordered(model: str, device: str, precision: str, wanted: ModelFacts) -> tuple[Restorer, Turn]:
    """Return the restorer of a model on this process's device, and whose turn it is to use it.

    Memory is planned for one window of a network at a time; classical methods share the processors.

    Parameters
    ----------
    model, device, precision : str
        See `load_restorer`; ``"auto"`` is the best device of this process.
    wanted : tuple of (str, Any)
        `model_facts` of the program that gave the order.

    Raises
    ------
    ModelError
        If this process has another model of that name.
    """
    from napari_emrestore.restoration import list_classical, load_restorer

    restorer = load_restorer(model, device=device, precision=precision)
    if model_facts(restorer) != wanted:
        found = restorer.describe()
        raise ModelError(
            "Every worker has the program and the model of this run",
            item=process_name(),
            came=f"has napari-emrestore {__version__} with {found.get('id')} {found.get('version')}, or "
            "other weights of that name",
            remedy="Install the same version, and give all machines the same models folder.",
        )
    return restorer, nullcontext() if model in list_classical() else threading.Lock()


class _Reading:
    """How many pieces of this process are being read, and dask's setting before."""

    lock = threading.Lock()
    count = 0
    setting: Any = None


@contextmanager
def reading_here() -> Iterator[None]:
    """Read pieces of files in the thread that asks.

    On a worker, dask would send every read to the cluster as a task of its own. Its setting is one for the
    process, so the first of several threads sets it and the last one takes it back.
    """
    import dask

    with _Reading.lock:
        if _Reading.count == 0:
            _Reading.setting = dask.config.set(scheduler="synchronous")
        _Reading.count += 1
    try:
        yield
    finally:
        with _Reading.lock:
            _Reading.count -= 1
            if _Reading.count == 0:
                _Reading.setting.__exit__(None, None, None)

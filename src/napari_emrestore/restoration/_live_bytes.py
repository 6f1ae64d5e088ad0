"""Follows how many bytes torch's tensors hold while a network runs; imported only inside functions."""

from __future__ import annotations

import weakref
from typing import Any

import torch  # noqa: TID253 - this module itself is imported inside a function
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: TID253


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the storage of every tensor made inside its ``with`` block.

    Attributes
    ----------
    now, peak : int
        Bytes alive now, and the most alive at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now: int = 0
        self.peak: int = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from loading its compiler, which takes seconds, only to step around it."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation and count what it made; views share a storage that is counted already."""
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: Any) -> None:
        if storage in self._known:
            return
        self._known.add(storage)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, storage.nbytes())

    def _drop(self, count: int) -> None:
        self.now -= count

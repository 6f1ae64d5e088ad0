"""What is open until its ``with`` block ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class ClosedAtEnd(ABC):
    """A stack, camera or stage that a ``with`` block closes however it is left."""

    @abstractmethod
    def close(self) -> None:
        """Release what is held; twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

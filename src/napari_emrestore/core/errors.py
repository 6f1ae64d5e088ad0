"""Errors with one sentence for a person and their facts as attributes for a program."""

from __future__ import annotations


class EmRestoreError(Exception):
    """Base of every error this package raises on purpose.

    The message reads ``needed; item came. remedy``, for example *"Burst frames must share one shape;
    frame 3 is (512, 510), frame 0 is (512, 512). Crop the series or drop frame 3."*

    Parameters
    ----------
    needed : str
        What was needed, as a clause without a final stop.
    item : str
        Which item broke the rule, for example ``"frame 3"`` or a file name.
    came : str
        What came instead, with its values.
    remedy : str
        What the user can do about it, as a full sentence.
    """

    def __init__(self, needed: str, *, item: str = "", came: str = "", remedy: str = "") -> None:
        self.needed = needed
        self.item = item
        self.came = came
        self.remedy = remedy
        fact = " ".join(part for part in (item, came) if part)
        sentence = f"{needed}; {fact}." if fact else f"{needed}."
        super().__init__(f"{sentence} {remedy}".strip())

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes with all facts; without this, only the sentence would, and twice."""
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[EmRestoreError], args: tuple[object, ...], facts: dict[str, str]) -> EmRestoreError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class InputError(EmRestoreError, ValueError):
    """Data or a setting that this call cannot take."""


class FormatError(InputError):
    """A file that is damaged, of another kind than its name says, or holds no image we can use."""


class MissingPackageError(EmRestoreError, ImportError):
    """An optional package is needed for this and is not installed."""


class ModelError(EmRestoreError, ValueError):
    """A model card or weights file that is wrong, unsafe or does not fit."""


class DeviceError(EmRestoreError, RuntimeError):
    """The device asked for is absent, or its memory does not suffice."""


class RegistrationError(EmRestoreError, RuntimeError):
    """Two images could not be aligned well enough to be used together."""


class SourceTimeoutError(EmRestoreError, TimeoutError):
    """A live source delivered no frame in time."""


class WriteError(EmRestoreError, OSError):
    """A result could not be written; nothing was left under its final name."""


class Cancelled(EmRestoreError):
    """The user asked to stop."""

    def __init__(self, what: str = "the run") -> None:
        super().__init__(f"Stopped as asked: {what}")

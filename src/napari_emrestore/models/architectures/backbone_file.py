"""What a network says about the weights file its backbone can start from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackboneFile:
    """How a file trained on ImageNet elsewhere fits a part of a network.

    Attributes
    ----------
    part : str
        Name of the part inside the network.
    first : str
        Name, in the part, of the kernel that sees the image; three colour channels are adapted there.
    unused : tuple of str
        Beginnings of names in the file that the part does not have.
    """

    part: str
    first: str
    unused: tuple[str, ...]

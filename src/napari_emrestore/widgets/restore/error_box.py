"""Whether the model is to tell how far each pixel is probably off; can be ticked where it can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox

from napari_emrestore.widgets.restore.binding import tie_check

if TYPE_CHECKING:
    from napari_emrestore.widgets.restore.state import RestoreState

_TIPS = {
    True: "Also show how far the model expects each pixel to be off: one standard deviation, in the units of "
    "the image. Inferred, not measured; it knows nothing of structures unlike those the model learnt from.",
    False: "This model cannot tell how far it is probably off.",
}


class ErrorBox(QCheckBox):
    """The box of the expected error.

    Parameters
    ----------
    state : RestoreState
        Says whether the model can, and keeps what is wanted.
    """

    def __init__(self, state: RestoreState) -> None:
        super().__init__("Show the expected error")
        tie_check(self, state, "expected_error")
        state.events.tells_error.connect(self._offer)
        self._offer(state.tells_error)

    def _offer(self, can: bool) -> None:
        self.setEnabled(can)
        self.setToolTip(_TIPS[can])

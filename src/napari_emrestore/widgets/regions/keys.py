"""Keys of classes, undo and redo, in the layers of regions only, where they go before napari's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app_model.types import KeyCode, KeyMod

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.layers import Layer

    from napari_emrestore.overview.regions import RegionClass


class Keys:
    """Binds keys to layers, and other ones when classes change.

    Parameters
    ----------
    choose : callable
        Called with the name of a class when its key is pressed.
    undo, redo : callable
        Called for Ctrl+Z and Ctrl+Shift+Z.
    """

    def __init__(
        self, choose: Callable[[str], None], undo: Callable[[], None], redo: Callable[[], None]
    ) -> None:
        self._choose = choose
        self._steps = {
            KeyMod.CtrlCmd | KeyCode.KeyZ: undo,
            KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ: redo,
        }
        self._bound: dict[Layer, tuple[tuple[str, str], ...]] = {}

    def bind(self, layers: Sequence[Layer], classes: Sequence[RegionClass]) -> None:
        """Let the keys of these classes choose them in these layers."""
        wanted = tuple((one.key, one.name) for one in classes if one.key)
        self._bound = {layer: bound for layer, bound in self._bound.items() if layer in layers}
        for layer in layers:
            if layer not in self._bound:
                for key, step in self._steps.items():
                    layer.bind_key(key, _calling(step), overwrite=True)
            if self._bound.get(layer) != wanted:
                self._bind_classes(layer, wanted)

    def _bind_classes(self, layer: Layer, wanted: tuple[tuple[str, str], ...]) -> None:
        for key, _ in self._bound.get(layer, ()):
            layer.bind_key(key, None, overwrite=True)
        for key, name in wanted:
            layer.bind_key(key, _calling(self._choose, name), overwrite=True)
        self._bound[layer] = wanted


def _calling(call: Callable[..., None], *values: Any) -> Callable[[Any], None]:
    """Return what napari calls with the layer, which is not needed."""

    def pressed(layer: Any) -> None:
        call(*values)

    return pressed

"""Model cards and weights in, networks ready to run out.

A card (TOML) says what a model is, what it was trained on, how well it did and how its work may be
tiled; the weights (safetensors) stand beside it. Listing and reading cards loads no torch;
`load_network` does, checks the weights' hash and never runs code from a file. Models of others (`foreign`:
TorchScript, ONNX, BioImage Model Zoo) are found by path; ours go out to ONNX and the zoo.

Networks map ``(B, N, Y, X)`` to ``(B, Y, X)``, float32 in model range (see `core.IntensityMap`). This
package does not choose devices, cut tiles or touch input units: that is `restoration`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.models.card_files import read_card, write_card
    from napari_emrestore.models.catalogue import (
        find_card,
        list_models,
        scan_models,
    )
    from napari_emrestore.models.downloads import fetch_weights
    from napari_emrestore.models.folders import bundled_cards_folder, models_folder
    from napari_emrestore.models.foreign.adopting import adopt_model
    from napari_emrestore.models.foreign.onnx_export import export_onnx
    from napari_emrestore.models.foreign.zoo_export import export_zoo
    from napari_emrestore.models.networks import build_network, load_network
    from napari_emrestore.models.pretrained import load_backbone
    from napari_emrestore.models.recalibration import (
        BatchStatistics,
        current_statistics,
        recalibrated,
        statistics_over,
        use_statistics,
    )
    from napari_emrestore.models.weight_files import file_sha256

_HOMES = {
    "BatchStatistics": "recalibration",
    "read_card": "card_files",
    "write_card": "card_files",
    "bundled_cards_folder": "folders",
    "find_card": "catalogue",
    "list_models": "catalogue",
    "models_folder": "folders",
    "scan_models": "catalogue",
    "adopt_model": "foreign.adopting",
    "fetch_weights": "downloads",
    "build_network": "networks",
    "load_network": "networks",
    "load_backbone": "pretrained",
    "current_statistics": "recalibration",
    "recalibrated": "recalibration",
    "statistics_over": "recalibration",
    "use_statistics": "recalibration",
    "file_sha256": "weight_files",
    "export_onnx": "foreign.onnx_export",
    "export_zoo": "foreign.zoo_export",
}

__all__ = [
    "BatchStatistics",
    "adopt_model",
    "build_network",
    "bundled_cards_folder",
    "current_statistics",
    "export_onnx",
    "export_zoo",
    "fetch_weights",
    "file_sha256",
    "find_card",
    "list_models",
    "load_backbone",
    "load_network",
    "models_folder",
    "read_card",
    "recalibrated",
    "scan_models",
    "statistics_over",
    "use_statistics",
    "write_card",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""Report versions, devices, models and speed, as text to be copied into a question."""

from __future__ import annotations

import platform
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.cli.terminal import Outcome, Terminal

if TYPE_CHECKING:
    import argparse

    from napari_emrestore.core import ModelCard

_PACKAGES = (
    "napari-emrestore",
    "napari",
    "npe2",
    "numpy",
    "scipy",
    "torch",
    "numba",
    "dask",
    "zarr",
    "tifffile",
    "rosettasciio",
    "scikit-image",
    "bm3d",
    "PyQt6",
    "PySide6",
)
_BENCHMARK_SECONDS = 2.0
_BENCHMARK_PX = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--seconds", type=float, default=_BENCHMARK_SECONDS, help="length of the benchmark (default: 2)"
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Look at the installation and print what it is like."""
    record: dict[str, Any] = {
        "system": {
            "os": platform.platform(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        },
        "packages": {name: _version(name) for name in _PACKAGES},
        "devices": _devices(),
        "models": _models(),
        "benchmark": _benchmark(arguments.seconds),
    }
    for title, content in record.items():
        terminal.say(f"{title}\n{_lines(content)}")
    damaged = [model["id"] for model in record["models"] if model["weights"] == "damaged"]
    return Outcome(record, code=1 if damaged else 0)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> list[dict[str, Any]]:
    from napari_emrestore.restoration.devices import list_devices

    return [
        {"name": device.name, "title": device.title, "free_gib": round(device.free_bytes / 2**30, 1)}
        for device in list_devices()
    ]


def _models() -> list[dict[str, str]]:
    from napari_emrestore.models import scan_models

    cards, problems = scan_models()
    return [
        *({"id": card.id, "version": card.version, "weights": _state_of(card)} for card in cards),
        *({"id": problem.item, "version": "", "weights": str(problem)} for problem in problems),
    ]


def _state_of(card: ModelCard) -> str:
    from napari_emrestore.models import file_sha256

    if card.weights is None:
        return "none"
    if card.weights_url and not card.weights.exists():
        return "not downloaded yet"
    if not card.weights.exists():
        return "damaged"
    return "verified" if file_sha256(card.weights) == card.sha256 else "damaged"


def _benchmark(seconds: float) -> dict[str, Any]:
    """Restore noise with the first model that has weights, again and again, for about `seconds`."""
    from napari_emrestore.models import list_models
    from napari_emrestore.restoration import load_restorer, restore

    model = next((card.id for card in list_models() if card.weights is not None), "gaussian")
    restorer = load_restorer(model)
    frame = np.random.default_rng(0).poisson(50, (_BENCHMARK_PX, _BENCHMARK_PX)).astype(np.float32)
    restore(frame, restorer)  # the first frame pays for loading and compiling
    started, runs = time.perf_counter(), 0
    while runs == 0 or time.perf_counter() - started < seconds:
        restore(frame, restorer)
        runs += 1
    per_frame = (time.perf_counter() - started) / runs
    return {
        "model": model,
        "device": restorer.device,
        "frame_px": _BENCHMARK_PX,
        "frames": runs,
        "seconds_per_frame": round(per_frame, 4),
    }


def _lines(content: dict[str, Any] | list[dict[str, Any]]) -> str:
    if isinstance(content, list):
        return "\n".join(
            "  " + ", ".join(f"{name}: {value}" for name, value in entry.items()) for entry in content
        )
    return "\n".join(f"  {name}: {value}" for name, value in content.items())

"""Where a network may run, how much memory is free there, and in which precision it runs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import DeviceError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch


@dataclass(frozen=True, slots=True)
class Device:
    """A device torch can compute on.

    Attributes
    ----------
    name : str
        What `load_restorer` takes: ``"cuda:0"``, ``"mps"``, ``"cpu"``.
    title : str
        What people call it, for example ``"NVIDIA RTX A4000"``.
    free_bytes : int
        Memory free at the moment of listing.
    """

    name: str
    title: str
    free_bytes: int

    def __str__(self) -> str:
        return f"{self.name} ({self.title})" if self.title != self.name else self.name


def list_devices() -> tuple[Device, ...]:
    """Return all devices in order of preference: cuda, mps, cpu; loads torch."""
    return tuple(map(_described, _names()))


def pick_device(name: str = "auto") -> Device:
    """Return the device of this name; ``"auto"`` is the first of `list_devices`. Touches no other device.

    Parameters
    ----------
    name : str
        ``"auto"``, ``"cpu"``, ``"mps"``, ``"cuda"`` (its first card) or ``"cuda:<number>"``.

    Raises
    ------
    DeviceError
        If it is not there. The CPU never silently takes its place.
    """
    names = _names()
    wanted = {"auto": names[0], "cuda": "cuda:0"}.get(name, name)
    if wanted in names:
        return _described(wanted)
    raise DeviceError(
        f"A device is 'auto' or one of {', '.join(names)}",
        came=f"{name!r} came, which torch does not find here",
        remedy="Check the driver and that torch was installed with support for it, or choose another.",
    )


def pick_precision(name: str, device: Device, allowed: Sequence[str]) -> str:
    """Return ``"fp32"``, ``"bf16"`` or ``"fp16"``.

    Parameters
    ----------
    name : str
        One of these, or ``"auto"``: the first of bf16, fp16, fp32 that `allowed` holds and the device
        computes in hardware.
    device : Device
        Where it will run.
    allowed : sequence of str
        What the model's card calls safe.

    Raises
    ------
    InputError
        If the card does not allow the precision.
    DeviceError
        If the device cannot compute in it.
    """
    able = [precision for precision in ("bf16", "fp16", "fp32") if _computes(device, precision)]
    if name == "auto":
        return next(precision for precision in able if precision in (*allowed, "fp32"))
    if name not in allowed:
        raise InputError(
            f"This model is safe in {', '.join(allowed)}",
            came=f"precision {name!r} came",
            remedy="Choose one of these, or precision='auto'.",
        )
    if name not in able:
        raise DeviceError(
            f"{device} computes in {', '.join(able)}",
            came=f"precision {name!r} came",
            remedy="Choose precision='auto' or 'fp32'.",
        )
    return name


def free_memory() -> int:
    """Return the bytes of main memory that are available without swapping."""
    return int(import_module("psutil").virtual_memory().available)


def torch_dtype(precision: str) -> torch.dtype:
    """Return the torch type of a precision of `pick_precision`."""
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def _names() -> list[str]:
    import torch

    cards = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return [*cards, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def _described(name: str) -> Device:
    import torch

    if name == "cpu":
        return Device("cpu", "cpu", free_memory())
    if name == "mps":
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return Device("mps", "Apple GPU", max(0, free))
    free, _ = torch.cuda.mem_get_info(name)
    return Device(name, torch.cuda.get_device_name(name), int(free))


def _computes(device: Device, precision: str) -> bool:
    """Say whether the device has this precision in hardware, not emulated."""
    import torch

    if precision == "fp32":
        return True
    if device.name.startswith("cuda"):
        major, _ = torch.cuda.get_device_capability(device.name)
        return major >= (8 if precision == "bf16" else 7)
    # MPS half precision is untested by us; CPUs have no fp16 convolutions worth the name.
    return device.name == "cpu" and precision == "bf16" and _cpu_has_bf16()


def _cpu_has_bf16() -> bool:
    import torch

    query: Any = getattr(torch.cpu, "get_capabilities", None)  # younger than our oldest torch
    facts = query() if query else {}
    return any(facts.get(key, False) for key in ("avx512_bf16", "amx_bf16", "sve_bf16"))

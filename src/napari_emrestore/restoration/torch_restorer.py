"""A trained network behind `core.Restorer`: device, precision, memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import DeviceError, InputError, ModelCard, TilingRule
from napari_emrestore.restoration.devices import Device, pick_device, pick_precision, torch_dtype
from napari_emrestore.restoration.memory import bytes_per_px
from napari_emrestore.restoration.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TorchRestorer:
    """A network on a device, ready to restore windows.

    Attributes
    ----------
    card : ModelCard
        What the network is.
    network : Module
        Maps ``(B, N, Y, X)`` to ``(B, Y, X)`` in model range; stands on `place`.
    place : Device
        Where it runs.
    precision : {"fp32", "bf16", "fp16"}
        Of its convolutions; its residual sum stays in float32.
    noise : tuple of float, optional
        Slope and height of the noise line in model range, for a network that asks for it; `restore` sets
        it for each input. ``None`` makes such a network take its frames as noise-free.
    """

    card: ModelCard
    network: torch.nn.Module = field(repr=False)
    place: Device
    precision: str = "fp32"
    noise: tuple[float, float] | None = None
    _needs: dict[int, float] = field(default_factory=dict, repr=False)

    @classmethod
    def from_card(cls, card: ModelCard, device: str = "auto", precision: str = "auto") -> TorchRestorer:
        """Return the restorer of a card; see `load_restorer`."""
        import torch

        from napari_emrestore.models import load_network

        place = pick_device(device)
        chosen = pick_precision(precision, place, card.precisions)
        network = load_network(card).to(device=place.name, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(card, network, place, chosen)

    @property
    def id(self) -> str:
        """The card's id."""
        return self.card.id

    @property
    def version(self) -> str:
        """The card's version."""
        return self.card.version

    @property
    def device(self) -> str:
        """Name and title of the device it really runs on."""
        return str(self.place)

    @property
    def frames(self) -> tuple[int, int]:
        """Fewest and most frames it was trained on."""
        return self.card.trained.frames

    @property
    def tiling(self) -> TilingRule:
        """The card's rule."""
        return self.card.tiling

    @property
    def asks_for_noise(self) -> bool:
        """Whether the network takes the noise line as a second argument."""
        return bool(getattr(self.network, "noise_input", False))

    @property
    def tells_error(self) -> bool:
        """Whether `restore_with_error` can be called."""
        return self.card.tells_error

    def describe(self) -> dict[str, Any]:
        """Return what identifies the model, for provenance, as plain JSON."""
        return {
            "id": self.card.id,
            "version": self.card.version,
            "weights_sha256": self.card.sha256,
            "architecture": self.card.architecture,
            "precision": self.precision,
        }

    def bytes_per_px(self, frames: int) -> float:
        """Return the peak of its activations per window pixel for N `frames`, estimated once per N."""
        if frames not in self._needs:
            work: Any = self.network.forward_with_error if self.tells_error else self.network
            self._needs[frames] = bytes_per_px(work, frames, self.tiling.stride, self.place.name)
        return self._needs[frames]

    def restore_window(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the restoration ``(Y, X)`` of one window of frames ``(N, Y, X)``, in model range.

        Raises
        ------
        InputError
            If the window's shape does not fit the network.
        DeviceError
            If the device's memory does not suffice for a window of this size.
        """
        (made,) = self._attempt(frames, lambda *given: (self.network(*given),))
        return made

    def restore_with_error(
        self, frames: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what `restore_window` does, and the standard deviation expected of its error.

        Both ``(Y, X)`` in model range; errors as for `restore_window`. Only where `tells_error`.
        """
        network: Any = self.network
        made, log_variance = self._attempt(frames, network.forward_with_error)
        return made, np.exp(0.5 * log_variance)

    def _attempt(
        self, frames: NDArray[np.float32], call: Callable[..., tuple[torch.Tensor, ...]]
    ) -> list[NDArray[np.float32]]:
        """Return what a call of the network gives for one window, in words where memory does not suffice."""
        self._check(frames.shape)
        try:
            return self._run(frames, call)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._forget()
            size = " x ".join(map(str, frames.shape))
            raise DeviceError(
                f"A window of {size} px must fit into the memory of {self.device}",
                came=f"torch gave: {(str(error) or 'MemoryError').splitlines()[0]}",
                remedy="Use smaller tiles, close other programs, or choose device='cpu'.",
            ) from error

    def _run(
        self, frames: NDArray[np.float32], call: Callable[..., tuple[torch.Tensor, ...]]
    ) -> list[NDArray[np.float32]]:
        import torch

        with torch.inference_mode(), self.arithmetic():
            given = torch.from_numpy(np.ascontiguousarray(frames, dtype=np.float32))
            told = [] if self.noise is None else [torch.tensor([self.noise], device=self.place.name)]
            made = call(given[None].to(self.place.name), *told)
            return [np.asarray(image[0].float().cpu().numpy()) for image in made]

    def arithmetic(self, *, caches: bool = True) -> ExitStack:
        """Return the context in which the network computes in the precision it claims.

        Converted weights may not be cached while a CUDA graph is recorded.
        """
        from contextlib import ExitStack

        import torch

        context = ExitStack()
        if self.precision != "fp32":
            kind = self.place.name.partition(":")[0]
            context.enter_context(torch.autocast(kind, torch_dtype(self.precision), cache_enabled=caches))
        elif self.place.name.startswith("cuda"):
            # torch would round float32 inputs of convolutions to 10 bits (TF32), and call it float32
            context.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
        return context

    def _check(self, shape: tuple[int, ...]) -> None:
        fewest, most = self.frames
        stride = self.tiling.stride
        if len(shape) != 3 or not fewest <= shape[0] <= most or shape[1] % stride or shape[2] % stride:
            raise InputError(
                f"{self.id} takes windows (N, Y, X) with {fewest} to {most} frames and sides that are "
                f"multiples of {stride} px",
                came=f"shape {shape} came",
                remedy="Call restore(), which cuts and pads images to fit.",
            )

    def _forget(self) -> None:
        """Drop what torch keeps for reuse, so that a smaller window finds room."""
        import torch

        if self.place.name.startswith("cuda"):
            torch.cuda.empty_cache()
        elif self.place.name == "mps":
            torch.mps.empty_cache()

"""A network called again and again with one shape: recorded once as a CUDA graph where there is a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from napari_emrestore.restoration.torch_restorer import TorchRestorer

_WARM_UPS = 3


class RecordedPass:
    """The pass of a network over tensors that stay where they are.

    Parameters
    ----------
    restorer : TorchRestorer
        Its network, device and precision.
    given : tensor, shape (1, N, Y, X), float32
        In model range; filled anew before each `run`.
    noise : tensor, shape (1, 2), optional
        For a network that asks for it.

    Attributes
    ----------
    is_graph : bool
        Whether the pass was recorded; else it is carried out operation by operation.
    """

    def __init__(self, restorer: TorchRestorer, given: torch.Tensor, noise: torch.Tensor | None) -> None:
        self._restorer, self._arguments = restorer, [given] if noise is None else [given, noise]
        self._graph: Any = None
        self._made: Any = None
        if restorer.place.name.startswith("cuda"):
            self._record()

    @property
    def is_graph(self) -> bool:
        """See above."""
        return self._graph is not None

    def run(self) -> torch.Tensor:
        """Return ``(Y, X)``, float32, in model range; overwritten by the next run."""
        if self._graph is not None:
            self._graph.replay()
            made: torch.Tensor = self._made
            return made
        return self._carry_out()

    def _carry_out(self) -> torch.Tensor:
        import torch

        with torch.inference_mode(), self._restorer.arithmetic(caches=False):
            made: torch.Tensor = self._restorer.network(*self._arguments)[0].float()
            return made

    def _record(self) -> None:
        """Record the pass; a network that cannot be recorded, since it asks for values, runs as it is."""
        import torch

        device = self._restorer.place.name
        # warmed up and recorded on one stream of this card, where libraries then have their handles
        aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        before = torch.cuda.current_stream(device)
        aside.wait_stream(before)
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):  # what is chosen at the first calls must not be recorded
                self._carry_out()
            self._graph = self._recorded_on(aside)
        before.wait_stream(aside)

    def _recorded_on(self, stream: torch.cuda.Stream) -> torch.cuda.CUDAGraph | None:
        """Return the graph; who calls it has entered the stream, which a failed recording does not leave."""
        import torch

        graph = torch.cuda.CUDAGraph()
        try:
            # what other threads do on the card meanwhile, such as restoring a layer, is not forbidden
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                self._made = self._carry_out()
        except RuntimeError:
            self._made = None
            return None
        return graph

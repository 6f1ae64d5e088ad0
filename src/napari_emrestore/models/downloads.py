"""Weights that are too large for the package: fetched once from the address on their card.

A file takes its name only when it is whole and has the card's SHA-256; until then it has a passing name and
goes when anything fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_emrestore.core import SILENT, ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_emrestore.core import ModelCard, Monitor

_CHUNK = 1 << 18
_TIMEOUT_S = 30


def fetch_weights(card: ModelCard, monitor: Monitor = SILENT) -> Path | None:
    """Return a card's weights file, downloading it first if its card names it by URL and it is not there.

    Parameters
    ----------
    card : ModelCard
        Any card; only those with `weights_url` ever reach for the network.
    monitor : Monitor
        Told the bytes that came, of all; asking to stop leaves nothing behind.

    Returns
    -------
    Path or None
        The file, or None for a card without weights.

    Raises
    ------
    ModelError
        If the address cannot be reached, the connection breaks, or another file came than the card says.
    Cancelled
        If the monitor asked to stop.
    """
    if card.weights is None or not card.weights_url or card.weights.exists():
        return card.weights
    import pooch
    from requests.exceptions import RequestException

    bar = _Bar(monitor, f"downloading {card.id}")
    # pooch's own log would appear beside our bar
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(
            card.weights_url,
            known_hash=f"sha256:{card.sha256}",
            fname=card.weights.name,
            path=card.weights.parent,
            downloader=pooch.HTTPDownloader(progressbar=bar, chunk_size=_CHUNK, timeout=_TIMEOUT_S),
        )
    except (RequestException, OSError) as error:
        raise _failed(card, f"gave: {error}", "Check the connection and try again.") from error
    except ValueError as error:
        remedy = "Try again; if it stays so, the file was replaced and the card needs a new version."
        raise _failed(card, f"sent a file whose SHA-256 is not {card.sha256}", remedy) from error
    return card.weights


class _Bar:
    """What pooch moves while bytes come in; it sets `total` itself, 0 where the server does not say."""

    def __init__(self, monitor: Monitor, note: str) -> None:
        self.total = 0
        self._monitor = monitor
        self._note = note
        self._done = 0

    def update(self, count: int) -> None:
        """Count bytes; the last chunk is counted whole, so more may come together than there are."""
        self._done += count
        done = min(self._done, self.total) if self.total else self._done
        self._monitor.step(done, max(self.total, done), self._note)

    def reset(self) -> None:
        """Begin anew; pooch does so before it fills the bar at the end, with 0 for an unknown total."""
        if self.total:
            self._done = 0

    def close(self) -> None:
        """Do nothing: the bar is the monitor's."""


def _failed(card: ModelCard, came: str, remedy: str) -> ModelError:
    return ModelError(
        f"The weights of {card.id!r} must be downloaded once", item=card.weights_url, came=came, remedy=remedy
    )

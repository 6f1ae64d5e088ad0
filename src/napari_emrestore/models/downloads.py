"""Weights that are too large for the package: fetched once from the address on their card.

A file takes its name only when it is whole and has the card's SHA-256. What came of a download that was
stopped or broke off stays under a passing name, and the next one goes on there if the server can give the
rest; else it begins anew.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import SILENT, ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from requests import RequestException

    from napari_emrestore.core import ModelCard, Monitor

_CHUNK = 1 << 18
_TIMEOUT_S = 30
_KB = 1000
_REST, _NO_SUCH_REST = 206, 416


def fetch_weights(card: ModelCard, monitor: Monitor = SILENT) -> Path | None:
    """Return a card's weights file, downloading it first if its card names it by URL and it is not there.

    Parameters
    ----------
    card : ModelCard
        Any card; only those with `weights_url` ever reach for the network.
    monitor : Monitor
        Told the kilobytes that came, of all; when it asks to stop, the next download goes on there.

    Returns
    -------
    Path or None
        The file, or None for a card without weights.

    Raises
    ------
    ModelError
        If the address cannot be reached or has no such file, the connection breaks, the disk is full, or
        another file came than the card says.
    Cancelled
        If the monitor asked to stop.
    """
    if card.weights is None or not card.weights_url or card.weights.exists():
        return card.weights
    import pooch
    from requests import RequestException

    # pooch's own log would appear beside our bar
    pooch.get_logger().setLevel("WARNING")
    download = _Download(card.weights.with_name(f".{card.weights.name}.part"), monitor, card.id)
    try:
        pooch.retrieve(
            card.weights_url,
            known_hash=f"sha256:{card.sha256}",
            fname=card.weights.name,
            path=card.weights.parent,
            downloader=download,
        )
    except RequestException as error:
        raise _failed(card, *_broken(error, download.done)) from error
    except OSError as error:
        raise _failed(card, *_unwritten(error, card.weights.parent)) from error
    except ValueError as error:
        remedy = "Try again; if it stays so, the file was replaced and the card needs a new version."
        raise _failed(card, f"sent a file whose SHA-256 is not {card.sha256}", remedy) from error
    return card.weights


class _Download:
    """What pooch calls to get a file; goes on where the last one ended.

    Parameters
    ----------
    part : Path
        What has come so far; the name tells one version of a file from another.
    monitor : Monitor
        Who is told.
    name : str
        Of the model.
    """

    def __init__(self, part: Path, monitor: Monitor, name: str) -> None:
        self._part, self._monitor, self._note = part, monitor, f"downloading {name}, kB"
        self.done = 0

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        """Get what is missing, then hand the file over to be checked."""
        import requests

        self.done = self._part.stat().st_size if self._part.exists() else 0
        # a server that packs what it sends could not be asked for the rest
        headers = {"Accept-Encoding": "identity"}
        if self.done:
            headers["Range"] = f"bytes={self.done}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
            if answer.status_code != _NO_SUCH_REST:  # nothing is missing then
                answer.raise_for_status()
                self._take(answer)
        self._part.replace(output_file)

    def _take(self, answer: Any) -> None:
        goes_on = answer.status_code == _REST
        self.done = self.done if goes_on else 0
        total = self.done + int(answer.headers.get("Content-Length", 0))
        with self._part.open("ab" if goes_on else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                self.done += len(chunk)
                self._monitor.step(self.done // _KB, max(total, self.done) // _KB, self._note)


def _broken(error: RequestException, done: int) -> tuple[str, str]:
    """Return what came of a download that the network or the server ended, and the remedy."""
    if error.response is not None:
        said = f"answered {error.response.status_code} {error.response.reason}"
        missing = error.response.status_code in (404, 410)
        remedy = "Look for a newer version of the model's card." if missing else "Try again later."
        return said, remedy
    if done:
        remedy = "Try again: it goes on from there if the server can, else from the beginning."
        return f"broke off after {done // _KB} kB", remedy
    return "cannot be reached", "Check the connection and try again."


def _unwritten(error: OSError, folder: Path) -> tuple[str, str]:
    """Return what came of a download that could not be written, and the remedy."""
    if error.errno == errno.ENOSPC:
        return (
            f"does not fit: the disk of {folder} is full",
            "Make room and try again: it goes on from there.",
        )
    return f"could not be written to {folder}: {error.strerror or error}", "Check who may write there."


def _failed(card: ModelCard, came: str, remedy: str) -> ModelError:
    return ModelError(
        f"The weights of {card.id!r} must be downloaded once", item=card.weights_url, came=came, remedy=remedy
    )

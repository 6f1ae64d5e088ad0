"""A run in words and a table of scores, for a person."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_emrestore.cli.terminal import Terminal
    from napari_emrestore.pipeline import Result

_COLUMNS = ("image", "SSIM", "PSNR dB", "MAE", "SSIM matched", "PSNR matched", "MAE matched")
_FORMATS = ("{:.3f}", "{:.2f}", "{:.4g}") * 2


def tell(result: Result, terminal: Terminal) -> None:
    """Say what ran, what a reader must know, and how near it came to a ground truth."""
    provenance, windows = result.restoration.provenance, result.windows
    terminal.say(
        f"Restored {len(windows)} burst(s) of {len(windows[0].frames)} frame(s) with "
        f"{provenance.model.get('id')} on {provenance.device} in {result.seconds:.1f} s"
    )
    rejected = [
        f"frame {window.frames[verdict.index]} was left out: {verdict.reason}"
        for window in windows
        for verdict in window.verdicts
        if not verdict.accepted
    ]
    for note in dict.fromkeys((*provenance.notes, *rejected)):
        terminal.say(f"Note: {note}")
    _print_scores(result, terminal)


def _print_scores(result: Result, terminal: Terminal) -> None:
    """Print the mean scores over all bursts that have a ground truth; nothing where none was given."""
    scored = [window for window in result.windows if window.scores]
    if not scored:
        return
    values: dict[str, list[tuple[float, ...]]] = {}
    for window in scored:
        for what, *numbers in map(astuple, window.scores):
            values.setdefault(what, []).append(tuple(numbers))
    rows = []
    for what, numbers in values.items():
        means = np.mean(numbers, axis=0)
        rows.append((what, *(form.format(mean) for form, mean in zip(_FORMATS, means, strict=True))))
    terminal.table(_COLUMNS, rows, f"Against the ground truth, mean of {len(scored)} burst(s)")
    terminal.say("matched: after the scale and offset that fit the image best to the ground truth")

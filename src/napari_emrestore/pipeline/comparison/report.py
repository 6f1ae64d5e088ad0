"""One page for the lab book: pictures, numbers, settings and hashes in a single HTML file."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore import __version__
from napari_emrestore.io.staging import staged
from napari_emrestore.pipeline.comparison.candidates import Candidate
from napari_emrestore.pipeline.comparison.maps import difference_map
from napari_emrestore.pipeline.comparison.plots import draw_pictures, new_figure
from napari_emrestore.pipeline.comparison.tables import (
    SEGMENTATION_COLUMNS,
    caption,
    cell,
    headings,
    segmented_caption,
    segmented_cell,
)
from napari_emrestore.pipeline.plain_json import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_emrestore.pipeline.comparison.numbers import Comparison, Row
    from napari_emrestore.pipeline.comparison.segmentations import SegmentationTable

_DPI = 110
_PACKAGES = ("numpy", "scipy", "scikit-image", "matplotlib", "torch", "numba")
_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #222; background: #fff; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; white-space: nowrap; }
.wide { overflow-x: auto; } img { max-width: 100%; }
p.small, ul.small, details { color: #555; font-size: .9em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: .6rem; }
"""


@dataclass(frozen=True, slots=True, eq=False)
class ReportContent:
    """Everything a report shows.

    Attributes
    ----------
    comparison : Comparison
        The numbers.
    candidates : tuple of Candidate
        The images they were measured on.
    truth : Candidate, optional
        The ground truth.
    plots : mapping of str to Figure
        Heading and plot, in order.
    settings : mapping
        Plain values that shaped the comparison, for example its regions and line.
    title : str
        Of the page.
    """

    comparison: Comparison
    candidates: tuple[Candidate, ...]
    truth: Candidate | None = None
    plots: Mapping[str, Figure] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = "Comparison of restorations"


def write_report(content: ReportContent, path: str | Path, *, when: datetime | None = None) -> Path:
    """Write one self-contained HTML page and return its path.

    Parameters
    ----------
    content : ReportContent
        What it shows.
    path : str or Path
        Target, ``.html``.
    when : datetime, optional
        Date on the page; ``None`` for now.

    Raises
    ------
    InputError, WriteError
        If the folder does not exist or cannot be written.
    """
    target = Path(path)
    page = _page(content, when or datetime.now(UTC))
    with staged(target) as draft:
        draft.write_text(page, encoding="utf-8")
    return target


def pixels_sha256(image: NDArray[Any]) -> str:
    """Return a hash of type, shape and pixels of an image, the same wherever its memory lies."""
    plain_image = np.ascontiguousarray(image)
    head = f"{plain_image.dtype.str}{plain_image.shape}".encode()
    return hashlib.sha256(head + plain_image.tobytes()).hexdigest()


def _page(content: ReportContent, when: datetime) -> str:
    title = escape(content.title)
    shown = [*content.candidates, *([content.truth] if content.truth else [])]
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="small">{when:%Y-%m-%d %H:%M} {when.tzname() or ""}, napari-emrestore {__version__}</p>',
        f"<p>{escape(caption(content.comparison))}</p>",
        "<h2>Pictures</h2>",
        _picture("images of the whole field, one grey range", _grey(shown)),
        "<h2>Absolute error</h2>" if content.comparison.is_truth else "<h2>Absolute change</h2>",
        _picture("absolute differences, one colour range", _errors(content)),
        "<h2>Numbers</h2>",
        _tables(content.comparison),
        _segmentation(content.comparison.segmentation),
        *(f"<h2>{escape(name)}</h2>{_picture(name, plot)}" for name, plot in content.plots.items()),
        "<h2>Where it comes from</h2>",
        *(_origin(candidate) for candidate in shown),
        f"<h2>Settings and versions</h2><pre>{_json({**content.settings, 'versions': _versions()})}</pre>",
    ]
    body = "\n".join(part for part in parts if part)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _grey(images: Sequence[Candidate]) -> Figure:
    figure = new_figure()
    draw_pictures(figure, images)
    return figure


def _errors(content: ReportContent) -> Figure | None:
    """Return the absolute differences from what was compared with, over the widest of their ranges."""
    against = _against(content)
    others = [candidate for candidate in content.candidates if candidate is not against]
    if not others:
        return None
    span = content.comparison.data_range
    maps = [difference_map("error", one.image, against.image, data_range=span) for one in others]
    figure = new_figure()
    draw_pictures(
        figure,
        [Candidate(one.name, made.image) for one, made in zip(others, maps, strict=True)],
        limits=(0.0, max(made.contrast_limits[1] for made in maps)),
        colormap="magma",
    )
    return figure


def _against(content: ReportContent) -> Candidate:
    if content.truth is not None:
        return content.truth
    return next(one for one in content.candidates if one.name == content.comparison.against)


def _picture(text: str, figure: Figure | None) -> str:
    if figure is None:
        return ""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{data}">'


def _tables(comparison: Comparison) -> str:
    regions = dict.fromkeys(row.region for row in comparison.rows)
    return "\n".join(
        f"<h3>{escape(region)}</h3>{_table(comparison, [r for r in comparison.rows if r.region == region])}"
        for region in regions
    )


def _table(comparison: Comparison, rows: Sequence[Row]) -> str:
    titles = headings(comparison)
    head = "".join(f"<th>{escape(text)}</th>" for text in ("candidate", "pixels", *titles.values()))
    lines = []
    for row in rows:
        cells = [escape(row.candidate), str(row.pixels), *(cell(row, name) for name in titles)]
        lines.append("<tr>" + "".join(f"<td>{text}</td>" for text in cells) + "</tr>")
    notes = "".join(f"<li>{escape(f'{row.candidate}: {row.note}')}</li>" for row in rows if row.note)
    table = f'<div class="wide"><table><tr>{head}</tr>{"".join(lines)}</table></div>'
    return f'{table}<ul class="small">{notes}</ul>' if notes else table


def _segmentation(table: SegmentationTable | None) -> str:
    if table is None:
        return ""
    titles = ["labels of", "region", *(title for title, _ in SEGMENTATION_COLUMNS.values()), "true regions"]
    lines = [
        (
            row.name,
            row.region,
            *(segmented_cell(row, name) for name in SEGMENTATION_COLUMNS),
            str(row.true_regions),
        )
        for row in table.rows
    ]
    head = "".join(f"<th>{escape(text)}</th>" for text in titles)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in line) + "</tr>" for line in lines)
    return (
        f'<h2>Segmentation</h2><p class="small">{escape(segmented_caption(table))}</p>'
        f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
    )


def _origin(candidate: Candidate) -> str:
    record = _json(candidate.provenance) if candidate.provenance else "unknown"
    digest = pixels_sha256(candidate.image)
    return (
        f"<details><summary>{escape(candidate.name)}, pixels sha256 {digest[:16]}…</summary>"
        f"<pre>pixels sha256 {digest}\n{record}</pre></details>"
    )


def _versions() -> dict[str, str]:
    found = {"napari-emrestore": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _json(record: Any) -> str:
    return escape(json.dumps(plain(record), indent=1, ensure_ascii=False))

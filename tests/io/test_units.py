"""Units: what files write becomes nm and ms, and what is not known stays unknown."""

import math

import pytest

from napari_emrestore.io.units import frame_axis, pixel_size_nm, to_ms, to_nm


@pytest.mark.parametrize(
    ("value", "unit", "nm"),
    [
        (2.5e-10, "m", 0.25),
        (1.5, "\u00b5m", 1500.0),
        (1.5, "\u03bcm", 1500.0),
        (1.5, "um", 1500.0),
        (1.5, "Micron", 1500.0),
        (3, " nm ", 3.0),
        (3, "nanometer", 3.0),
        (4, "\u00c5", 0.4),
        (4, "\u212b", 0.4),
        (4, "A", 0.4),
        (4, "angstrom", 0.4),
        (8, "pm", 0.008),
        ("0.5", "nm", 0.5),
    ],
)
def test_lengths(value, unit, nm):
    assert to_nm(value, unit) == pytest.approx(nm, rel=1e-12)


@pytest.mark.parametrize(
    "value_unit",
    [
        (1, ""),
        (1, None),
        (1, "px"),
        (1, "1/nm"),
        (1, "pixel"),
        (1, "inch"),
        (1, "M"),
        (1, "PM"),
        (0, "nm"),
        (-1, "nm"),
    ],
)
def test_what_is_no_length_is_none(value_unit):
    assert to_nm(*value_unit) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "wide", [1]])
def test_what_is_no_number_is_none(value):
    assert to_nm(value, "nm") is None


def test_times():
    assert [to_ms(2, unit) for unit in ("s", "ms", "us", "µs", "ns", "min")] == [
        2000,
        2,
        0.002,
        0.002,
        2e-6,
        120000,
    ]
    assert to_ms(2, "nm") is None


def test_a_pixel_needs_both_sides_and_is_no_diffraction_scale():
    assert pixel_size_nm(1, 2, "nm", "pm") == (1.0, 0.002)
    assert pixel_size_nm(1, 2, "nm", "") is None
    assert pixel_size_nm(2e7, 2e7, "m", "m") is None


def test_the_unit_tells_what_the_frame_axis_is():
    assert frame_axis(0.5, "s") == ("time", 500.0)
    assert frame_axis(2, "um") == ("z", 2000.0)
    assert frame_axis(2, "deg") == ("index", None)
    assert frame_axis(1, "") == ("index", None)

"""Records become plain JSON values without losing what JSON can say."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from napari_emrestore.pipeline.plain_json import plain


@dataclass(frozen=True)
class Inner:
    size: tuple[int, int]


@dataclass(frozen=True)
class Outer:
    inner: Inner
    path: Path | None
    value: float


def test_nested_records_become_objects():
    record = plain({"a": Outer(Inner((3, 4)), Path("x"), float("inf")), 5: np.arange(3, dtype=np.uint8)})
    assert record == {"a": {"inner": {"size": [3, 4]}, "path": "x", "value": None}, "5": [0, 1, 2]}
    assert json.loads(json.dumps(record, allow_nan=False)) == record


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(2.5), 2.5),
        (np.nan, None),
        (np.float64("-inf"), None),
        (True, True),
        (np.bool_(False), False),
    ],
)
def test_numbers_keep_their_value_and_kind(value, expected):
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_what_has_no_plain_form_is_a_mistake_of_ours():
    with pytest.raises(TypeError, match="object has no plain JSON form"):
        plain(object())

"""Run settings survive JSON and refuse what no run can do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.core import WARP_KINDS, InputError
from napari_emrestore.pipeline import RunSettings
from napari_emrestore.pipeline.settings import MERGE_METHODS, WINDOW_MODES

settings = st.builds(
    RunSettings,
    input=st.text(min_size=1, max_size=20),
    model=st.text(min_size=1, max_size=20),
    output=st.none() | st.just("out.ome.tif"),
    frames=st.none() | st.integers(1, 32),
    window=st.sampled_from(WINDOW_MODES),
    kind=st.none() | st.sampled_from(WARP_KINDS),
    reference=st.sampled_from(["sharpest", "middle"]) | st.integers(0, 31),
    merge=st.sampled_from(MERGE_METHODS),
    tile=st.just("auto") | st.integers(1, 4096) | st.tuples(st.integers(1, 999), st.integers(1, 999)),
    truth=st.none() | st.just("truth.tif"),
    truth_frame=st.integers(0, 9),
)


@given(settings)
def test_settings_survive_json(before):
    assert RunSettings.from_json(before.to_json()) == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"frames": 0}, "frames = 0"),
        ({"frames": 33}, "frames = 33"),
        ({"window": "jumping"}, "jumping"),
        ({"kind": "spline"}, "spline"),
        ({"merge": "sum"}, "sum"),
    ],
)
def test_settings_refuse_what_no_run_can_do(changed, said):
    with pytest.raises(InputError, match=said):
        RunSettings("a.tif", **changed)


@pytest.mark.parametrize("text", ["", "[]", '{"input": "a.tif", "colour": 3}', '{"model": "mean"}'])
def test_json_that_is_no_settings_is_refused(text):
    with pytest.raises(InputError, match="fields of RunSettings"):
        RunSettings.from_json(text)

"""Places from pairs: exact without errors, unmoved by wrong pairs, still where nothing is known."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_emrestore.overview.links import Link, overlap_share
from napari_emrestore.overview.solving import groups_of, solve_places


def link(places, a, b, off=(0.0, 0.0)):
    y, x = places[b] - places[a] + off
    return Link(a, b, (float(y), float(x)), 1.0, 0.5, 20.0, "overlap")


def grid(rows, columns):
    return np.stack(
        np.meshgrid(np.arange(rows) * 90.0, np.arange(columns) * 70.0, indexing="ij"), -1
    ).reshape(-1, 2)


def neighbours(rows, columns):
    number = np.arange(rows * columns).reshape(rows, columns)
    return [*zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True),
            *zip(number[:-1].ravel(), number[1:].ravel(), strict=True)]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(2, 6), columns=st.integers(2, 6), seed=st.integers(0, 999))
def test_right_pairs_give_the_truth_from_any_start(rows, columns, seed):
    rng = np.random.default_rng(seed)
    truth = grid(rows, columns) + rng.normal(0, 5, (rows * columns, 2))
    links = [link(truth, a, b) for a, b in neighbours(rows, columns)]
    found = solve_places(truth + rng.normal(0, 30, truth.shape), links).places_px
    off = found - truth
    np.testing.assert_allclose(off, np.broadcast_to(off[0], off.shape), atol=1e-3)


def test_wrong_pairs_are_found_and_do_not_move_the_others():
    rng = np.random.default_rng(5)
    truth = grid(6, 8)
    pairs = neighbours(6, 8)
    wrong = {3, 20, 30, 60}
    links = [
        link(truth, a, b, rng.normal(0, 0.05, 2) + (rng.uniform(5, 80, 2) if n in wrong else 0))
        for n, (a, b) in enumerate(pairs)
    ]
    found = solve_places(truth + rng.normal(0, 20, truth.shape), links)
    assert set(np.flatnonzero(~found.kept)) == wrong
    off = found.places_px - truth
    assert np.abs(off - off.mean(axis=0)).max() < 0.2


def test_what_no_pair_reaches_stays_and_is_a_group_of_its_own():
    truth = grid(1, 4)
    links = [link(truth, 0, 1), link(truth, 1, 2)]
    found = solve_places(truth + 3.0, links)
    np.testing.assert_allclose(found.places_px[3], truth[3] + 3.0)
    groups = groups_of(4, links, found.kept)
    assert groups[0] == groups[1] == groups[2] != groups[3]
    assert solve_places(truth, []).places_px.shape == (4, 2)


def test_shares_of_overlap():
    assert overlap_share((0, 0), (10, 20)) == 1
    assert overlap_share((5, -10), (10, 20)) == 0.25
    assert overlap_share((10, 0), (10, 20)) == 0

"""Injection: what is added comes back from a restorer that keeps it, and not from one that does not."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.probes import inject
from napari_emrestore.probes.stamps import KINDS, draw_stamp, plan_stamps
from napari_emrestore.restoration import load_restorer

PERIODS, CONTRASTS = (4.0, 8.0), (0.1, 0.3)


def add(data, restorer, **settings):
    settings = {"periods_px": PERIODS, "contrasts": CONTRASTS, "repeats": 1, **settings}
    return inject(data, restorer, rng=np.random.default_rng(4), **settings)


@pytest.fixture(scope="module")
def burst():
    rng = np.random.default_rng(2)
    scene = 200 + 2000 * gaussian_filter(rng.normal(size=(130, 151)), 6) / 6
    return (scene + rng.normal(0, 10, (3, 130, 151))).astype(np.float32)


@pytest.fixture
def mean(restorer_of):
    return restorer_of("mean", lambda frames: frames.mean(0))


@pytest.mark.parametrize("pattern", KINDS)
def test_the_mean_keeps_everything_and_invents_nothing(pattern, burst, mean):
    before = burst.copy()
    report = add(burst, mean, pattern=pattern)
    assert {(row.period_px, row.contrast) for row in report.transfers} == {
        (p, c) for p in PERIODS for c in CONTRASTS
    }
    for row in report.transfers:
        assert row.kept == pytest.approx(1, abs=1e-3)
        assert row.smeared == pytest.approx(0, abs=1e-3)
        assert row.invented == pytest.approx(0, abs=1e-3)
        assert row.turned_deg is None if pattern == "dots" else row.turned_deg == pytest.approx(0, abs=2)
        assert row.verdict == "kept"
    np.testing.assert_array_equal(burst, before)
    np.testing.assert_allclose(report.difference, report.added, atol=1e-3 * report.range_of_image)
    assert np.nanmax(report.recall) == pytest.approx(1, abs=1e-3)
    assert np.isnan(report.recall[:2, :2]).all()
    assert report.invented.max() < 1e-3 * report.range_of_image


def test_contrasts_are_shares_of_the_image_s_range(burst, mean):
    report = add(burst, mean, contrasts=(0.2,), periods_px=(8.0,))
    assert np.ptp(report.added) == pytest.approx(0.2 * report.range_of_image, rel=0.05)
    (row,) = report.transfers
    assert row.contrast_to_noise == pytest.approx(0.2 * report.range_of_image / (10 / np.sqrt(3)), rel=0.1)
    assert report.range_of_image == pytest.approx(4 * burst.mean(0).std(), rel=0.1)


def test_a_low_pass_loses_fine_periods_first(burst, restorer_of):
    smooth = restorer_of("smooth", lambda frames: gaussian_filter(frames.mean(0), 2.0))
    kept = {
        row.period_px: row.kept
        for row in add(burst, smooth, contrasts=(0.2,), periods_px=(4.0, 16.0)).transfers
    }
    assert kept[4.0] == pytest.approx(np.exp(-2 * (np.pi * 2.0 / 4) ** 2), abs=0.05)
    assert kept[16.0] == pytest.approx(np.exp(-2 * (np.pi * 2.0 / 16) ** 2), abs=0.1)


def test_a_restorer_that_keeps_nothing_is_seen_to(burst, restorer_of):
    blank = restorer_of("blank", lambda frames: np.full(frames.shape[1:], 0.5))
    report = add(burst, blank)
    assert {row.verdict for row in report.transfers} == {"lost"}
    assert {row.turned_deg for row in report.transfers} == {None}


def test_smearing_and_ghosts_are_told_apart(burst, restorer_of):
    smeared = restorer_of("smear", lambda frames: gaussian_filter1d(frames.mean(0), 3.0, axis=0))
    ghost = restorer_of("ghost", lambda frames: frames.mean(0) + 0.5 * np.roll(frames.mean(0), 24, axis=1))
    (plain,) = add(burst, smeared, periods_px=(8.0,), contrasts=(0.2,)).transfers
    report = add(burst, ghost, periods_px=(8.0,), contrasts=(0.2,))
    (shifted,) = report.transfers
    assert plain.smeared > 0.1
    assert shifted.invented > 2 * plain.invented
    assert report.invented.max() > 0.02 * report.range_of_image


def test_small_images_take_several_rounds(burst, mean, recorder):
    watch = recorder()
    report = add(burst[:, :40, :45], mean, monitor=watch)
    assert report.provenance.settings["rounds"] == 4
    assert len(report.transfers) == 4
    assert any("4 rounds" in note for note in report.provenance.notes)
    shares = [done / total for done, total, _ in watch.steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert sum(share == 0 for share in shares) == 1


def test_every_pair_is_tried_in_all_directions():
    rounds = plan_stamps((130, 151), PERIODS, CONTRASTS, np.random.default_rng(0), repeats=4)
    angles = {}
    for stamp in (stamp for stamps in rounds for stamp in stamps):
        angles.setdefault((stamp.period_px, stamp.contrast), []).append(stamp.angle_deg)
    assert len(angles) == 4
    assert all(len({*turned}) == 4 for turned in angles.values())
    assert all(len({stamp.origin for stamp in stamps}) == len(stamps) for stamps in rounds)


def test_a_restorer_that_keeps_one_direction_only_is_called_unsteady(burst, restorer_of):
    across = restorer_of("across", lambda frames: gaussian_filter1d(frames.mean(0), 4.0, axis=0))
    (row,) = add(burst, across, periods_px=(8.0,), contrasts=(0.2,), repeats=8).transfers
    assert row.stamps >= 8
    assert row.spread > 0.3
    assert row.verdict == "unsteady"


def test_a_stop_is_obeyed(burst, mean, recorder):
    with pytest.raises(Cancelled):
        add(burst, mean, monitor=recorder(stop_at=1))


def test_counted_noise_is_added_with_the_signal_and_the_rest_is_told(mean):
    rng = np.random.default_rng(8)
    scene = 40 + 300 * gaussian_filter(rng.normal(size=(160, 160)), 6) / 6
    counts = rng.poisson(np.maximum(scene, 5)[None].repeat(4, 0)).astype(np.uint16)
    report = add(counts, mean, contrasts=(0.5,))
    assert any("noise rises with the signal" in note for note in report.provenance.notes)
    assert (report.difference - report.added).std() > 0
    assert all(row.kept == pytest.approx(1, abs=0.1) for row in report.transfers)


def test_places_without_a_measurement_are_left_out(burst, mean):
    holed = burst.copy()
    holed[:, 5:9, 10:14] = np.nan
    complete, report = (add(data, mean, contrasts=(0.2,), periods_px=(8.0,)) for data in (burst, holed))
    assert report.transfers[0].stamps < complete.transfers[0].stamps
    assert np.isnan(report.recall[5:9, 10:14]).all()
    with pytest.raises(InputError, match="finite"):
        add(np.full((64, 64), np.nan), mean)


def test_constant_images_are_measured_too(mean):
    report = add(np.full((64, 64), 7.0), mean)
    assert all(row.contrast_to_noise is None for row in report.transfers)
    assert all(row.kept == pytest.approx(1, abs=1e-3) for row in report.transfers)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"periods_px": ()}, "Periods"),
        ({"periods_px": (2.0,)}, "Periods"),
        ({"contrasts": (0.0,)}, "Contrasts"),
        ({"pattern": "stars"}, "gratings"),
        ({"repeats": 0}, "at least once"),
        ({"periods_px": (60.0,)}, "image of at least"),
    ],
)
def test_what_cannot_be_added_is_refused(wrong, word, burst, mean):
    with pytest.raises(InputError, match=word):
        add(burst, mean, **wrong)


def test_stamps_lie_within_the_image_and_apart():
    for stamps in plan_stamps((173, 140), (4.0, 10.0), (0.1, 0.2, 0.3), np.random.default_rng(0)):
        taken = np.zeros((173, 140), int)
        for stamp in stamps:
            assert taken[stamp.area].shape == (stamp.side, stamp.side)
            taken[stamp.surroundings] += 1
        assert taken.max() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_stamp_has_unit_height_and_soft_rims(kind):
    ((stamp, *_), *_) = plan_stamps((64, 64), (8.0,), (0.1,), np.random.default_rng(0))
    drawn = draw_stamp(stamp, kind)
    assert 0.8 < np.ptp(drawn) <= 1
    assert np.abs(drawn[[0, -1]]).max() < 0.05


def test_learned_restorers_of_one_frame_work_too(burst):
    report = add(burst[0], load_restorer("nlmeans"), contrasts=(0.3,))
    assert report.provenance.model["id"] == "nlmeans"
    assert report.provenance.to_json()

"""Bursts that stay on the device: what can be streamed, what it gives, and what begins anew."""

from dataclasses import replace

import numpy as np
import pytest

from napari_emrestore.core import Acquisition, Frame, IntensityMap, Warp
from napari_emrestore.pipeline import live_streams
from napari_emrestore.pipeline.live_burst import Gathered, LiveBurst, gather
from napari_emrestore.pipeline.live_models import ModelLoading
from napari_emrestore.pipeline.live_observing import Observer
from napari_emrestore.pipeline.live_restoring import LiveRestoring
from napari_emrestore.pipeline.live_settings import LiveSettings
from napari_emrestore.pipeline.live_streams import DeviceStream, form_of
from napari_emrestore.restoration import load_restorer, restore, streaming

pytest.importorskip("torch")
SHAPE = (53, 70)  # no multiple of any stride
STEADY = live_streams._STEADY_VIEWS


@pytest.fixture(scope="module")
def taken():
    rng = np.random.default_rng(4)
    scene = np.kron(rng.uniform(200, 900, (20, 24)), np.ones((4, 4)))
    views = [scene[k : k + SHAPE[0], 2 * k : 2 * k + SHAPE[1]] for k in range(8)]
    return [Frame(rng.poisson(v).astype(np.uint16), k, Acquisition("scan")) for k, v in enumerate(views)]


@pytest.fixture(scope="module")
def single():
    return load_restorer("katsuno-quarter", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def several():
    return load_restorer("burst-naf", device="cpu", precision="fp32")


def burst_of(frames, kind=None):
    burst = LiveBurst(kind)
    for frame in frames:
        burst.add(frame, len(frames))
    return gather(burst.places)


class Live:
    """What the line's two threads do, one view after the other."""

    def __init__(self, monkeypatch, restorers):
        monkeypatch.setattr(ModelLoading, "start", ModelLoading.run)
        self.observer = Observer(lambda settings: restorers[settings.model])
        self.restoring = LiveRestoring()

    def view(self, frame, settings):
        seen = self.observer.see([frame], settings)
        return self.restoring.restored(seen, seen.restorer)


@pytest.mark.parametrize(("model", "frames"), [("single", 1), ("single", 3), ("several", 3)])
def test_a_steady_view_is_streamed_and_equals_restore(monkeypatch, taken, single, several, model, frames):
    restorers = {"single": single, "several": several}
    live, settings = Live(monkeypatch, restorers), LiveSettings(model, frames=frames, kind="translation")
    made = [live.view(frame, settings) for frame in taken]
    streamed = ["stream" in one.restoration.provenance.settings for one in made]
    began = (frames - 1) + STEADY - (frames > 1)
    assert streamed == [False] * began + [True] * (len(taken) - began)
    last = made[-1].restoration
    assert last.provenance.settings["stream"] == {"kept_on_device": frames, "recorded_pass": False}
    known = last.provenance.settings
    burst = gather(made[-1].seen.places).assemble()
    data = burst if model == "several" else burst.aligned.mean(axis=0)
    noise = None
    if known["noise"] is not None:
        from napari_emrestore.metrics import NoiseModel

        noise = NoiseModel(**known["noise"])
    mapping = IntensityMap(**known["intensity"])
    expected = restore(data, restorers[model], intensity=mapping, noise=noise)
    np.testing.assert_allclose(last.image, expected.image, atol=2e-4 * mapping.scale)
    assert last.acquisition is taken[-1].acquisition
    assert made[-1].frames == tuple(range(8 - frames, 8))


@pytest.mark.parametrize(
    "change", [{"roi": (1, 2, 40, 45)}, {"frames": 2}, {"model": "other"}, {"merge": "median"}], ids=str
)
def test_another_form_is_set_up_anew(monkeypatch, taken, single, change):
    restorers = {"single": single, "other": replace(single)}
    live, settings = Live(monkeypatch, restorers), LiveSettings("single", frames=3, kind=None)
    for frame in taken[:6]:
        before = live.view(frame, settings)
    changed = replace(settings, **change)
    made = [live.view(frame, changed) for frame in taken[:6]]
    assert "stream" in before.restoration.provenance.settings
    assert "stream" not in made[0].restoration.provenance.settings
    assert ("stream" in made[-1].restoration.provenance.settings) == ("merge" not in change)
    assert made[-1].restoration.image.shape == made[-1].seen.raw.data.shape


def test_only_what_fits_is_streamed(taken, single, several):
    burst = burst_of(taken[:3])
    assert form_of(burst, single, "mean").frames == 3
    assert form_of(burst, several, "median").frames == 3, "nothing is merged for a network of bursts"
    assert form_of(burst, single, "median") is None
    assert form_of(burst, load_restorer("mean"), "mean") is None
    real = Gathered(tuple(replace(f, data=f.data.astype(np.float32)) for f in burst.frames), burst.warps)
    assert form_of(real, single, "mean") is None
    turned = np.array([[0.99, -0.02, 0], [0.02, 0.99, 0], [0, 0, 1.0]])
    assert (
        form_of(Gathered(burst.frames[1:], (Warp(turned, "euclidean"), Warp.identity())), single, "mean")
        is None
    )
    too_many = burst_of((taken * 5)[: several.frames[1] + 1])
    assert form_of(too_many, several, "mean") is None


def test_each_frame_is_sent_once(monkeypatch, taken, single):
    sent, put = [], streaming.StreamRestorer.put
    monkeypatch.setattr(
        streaming.StreamRestorer,
        "put",
        lambda self, pixels, place: sent.append(pixels) or put(self, pixels, place),
    )
    stream = DeviceStream()
    for k in range(2, 6):
        burst = burst_of(taken[k - 2 : k + 1])
        for _ in range(STEADY):
            ready = stream.is_ready(form_of(burst, single, "mean"))
        assert ready
        stream.restore(burst, IntensityMap(0.0, 100.0), None)
    assert [id(pixels) for pixels in sent] == [id(frame.data) for frame in taken[:6]]


@pytest.mark.parametrize("where", ["_take_room", "_restore"])
def test_without_memory_it_goes_on_as_files_are_restored(monkeypatch, taken, single, where):
    tried = []

    def refuse(self, *given):
        tried.append(where)
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(streaming.StreamRestorer, where, refuse)
    live, settings = Live(monkeypatch, {"single": single}), LiveSettings("single", frames=1, kind=None)
    made = [live.view(frame, settings) for frame in taken]
    assert all(one.problem == "" and "stream" not in one.restoration.provenance.settings for one in made)
    assert len(tried) == 1, "it is not tried again and again"

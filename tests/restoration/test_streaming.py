"""Restoring a stream on a device equals `restore` on the same frames; with a card where there is one."""

from dataclasses import replace

import numpy as np
import pytest

from napari_emrestore.core import Burst, FrameVerdict, InputError, IntensityMap, RegisteredBurst, Warp
from napari_emrestore.registration import resample
from napari_emrestore.restoration import load_restorer, restore

torch = pytest.importorskip("torch")
from napari_emrestore.restoration.streaming import StreamRestorer, shift_into  # noqa: E402
from napari_emrestore.restoration.uploads import Uploads  # noqa: E402

SHAPE = (64, 96)
DEVICES = [
    "cpu",
    pytest.param("cuda:0", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a card")),
]
SHIFTS = [(3.3, -2.6), (2.0, 1.0), (0.0, 0.0)]


def frames(dtype=np.uint16, count=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, np.iinfo(dtype).max, (count, *SHAPE), dtype, endpoint=True)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_arrives(device, dtype):
    uploads = Uploads(SHAPE, np.dtype(dtype), device)
    target = torch.zeros((5, *SHAPE), device=device)
    sent = frames(dtype, 5)
    for k in range(5):  # more than there are buffers
        uploads.send(sent[k], target[k])
    uploads.arrive()
    np.testing.assert_array_equal(target.cpu().numpy(), sent)


def test_other_types_are_refused():
    with pytest.raises(InputError, match="float32 came"):
        Uploads(SHAPE, np.dtype(np.float32), "cpu")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (3.3, -2.6), (-0.4, 60.0), (100.0, 0.0)])
def test_a_shift_on_a_device_is_that_of_resample(device, shift):
    image = frames()[0]
    out, known = (torch.zeros(SHAPE, device=device) for _ in range(2))
    shift_into(torch.tensor(image.astype(np.float32), device=device), shift, out, known)
    expected, valid = resample(image, Warp.from_shift(shift))
    np.testing.assert_array_equal(known.cpu().numpy() > 0, valid)
    np.testing.assert_allclose(out.cpu().numpy(), expected, rtol=1e-5, atol=0.05)


def registered(raw, shifts):
    """Return what the live line assembles on the CPU: aligned, gaps filled from the other frames."""
    aligned, held = map(
        np.array,
        zip(*(resample(f, Warp.from_shift(s)) for f, s in zip(raw, shifts, strict=True)), strict=True),
    )
    mean = aligned.sum(axis=0, where=held) / np.maximum(held.sum(axis=0), 1)
    filled = np.where(held, aligned, mean).astype(np.float32)
    warps = tuple(Warp.from_shift(s) for s in shifts)
    verdicts = tuple(FrameVerdict(k, s, 1.0, 1.0, 0.0, False) for k, s in enumerate(shifts))
    return RegisteredBurst(Burst(raw), warps, verdicts, len(raw) - 1, filled, np.ones(filled.shape, bool))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("model", ["burst-naf", "katsuno-quarter"])
def test_a_stream_is_restored_as_restore_does(device, model):
    restorer = load_restorer(model, device=device, precision="fp32")
    count = 1 if restorer.frames[1] == 1 else 3
    raw, shifts = frames(count=count), SHIFTS[-count:]
    expected = restore(registered(raw, shifts) if count > 1 else raw[0], restorer)
    found = expected.provenance.settings
    mapping = IntensityMap(**found["intensity"])
    noise = None
    if found["noise"] is not None:
        from napari_emrestore.metrics import NoiseModel
        from napari_emrestore.restoration.noise import line_in_model_range

        noise = line_in_model_range(NoiseModel(**found["noise"]), mapping)
    stream = StreamRestorer(replace(restorer, noise=None), SHAPE, raw.dtype, count)
    assert stream.is_graph == (device != "cpu")
    for round_ in range(2):  # places are used again
        places = [(k + round_) % count for k in range(count)]
        for frame, place in zip(raw, places, strict=True):
            stream.put(frame, place)
        made = stream.restore(places, shifts, mapping, noise)
        assert made.dtype == np.float32
        np.testing.assert_allclose(made, expected.image, atol=2e-4 * mapping.scale)


def test_what_does_not_fit_is_refused():
    restorer = load_restorer("katsuno-quarter", device="cpu")
    with pytest.raises(InputError, match="5 frames of 64 x 96"):
        StreamRestorer(restorer, SHAPE, np.dtype(np.uint16), 5)
    with pytest.raises(InputError, match="multiples of"):
        StreamRestorer(restorer, (47, 96), np.dtype(np.uint16), 1)

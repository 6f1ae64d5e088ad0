"""The same line in its parts: frames, burst, registered burst, restorer, restoration, numbers."""

import itertools

from napari_emrestore import load_restorer, register, restore
from napari_emrestore.bursts import merge
from napari_emrestore.core import Burst
from napari_emrestore.metrics import psnr, ssim
from napari_emrestore.samples import load_sample

sample = load_sample("tem-stream")
burst = Burst(sample.frames[:5], sample.acquisition)
registered = register(burst, kind="translation", reference=0)
for verdict in registered.verdicts:
    print(f"frame {verdict.index}: moved by {verdict.shift_px}, used: {verdict.accepted} {verdict.reason}")

(top, left), (height, width) = registered.origin_px, registered.aligned.shape[1:]
truth = sample.truths[0, top : top + height, left : left + width]
data_range = float(truth.max() - truth.min())

images = {"single frame": registered.aligned[0], "mean": merge(registered, "mean")}
for name in ("gaussian", "nlmeans-calibrated"):
    images[name] = restore(registered, load_restorer(name)).image

for (name, image), place in zip(images.items(), itertools.count(1)):
    similarity = ssim(image, truth, data_range=data_range)
    print(
        f"{place}. {name:20} SSIM {similarity:.3f}  PSNR {psnr(image, truth, data_range=data_range):.2f} dB"
    )

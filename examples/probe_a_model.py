"""Show a model patterns it has never seen, then faint ones in an image of your own."""

import numpy as np

from napari_emrestore import load_restorer
from napari_emrestore.probes import Degradation, inject, match_degradation, run_probes
from napari_emrestore.samples import load_sample

models = [load_restorer("nlmeans-calibrated"), load_restorer("mean")]

# as published: 5 frames, 11 px of motion in each, noise of 0.05 of the range
for report in run_probes(["blank", "lines"], models, degradation=Degradation(), size_px=128):
    print(f"{report.probe.title}, {report.model}")
    for score in report.scores:
        print(f"  {'passed' if score.passed else 'FAILED'}: {score.verdict}")

# noise and grey levels of a stream; how far the stage travels in an exposure is for you to say
sample = load_sample("tem-stream")
matched = match_degradation(sample.frames, motion_px=4.0)
print(f"noise of a frame of the stream: {matched.relative_noise():.3f} of the range")

report = inject(sample.frames[0], models[0], rng=np.random.default_rng(0), contrasts=(0.1, 0.3), repeats=1)
for row in report.transfers:
    print(f"period {row.period_px:g} px, contrast {row.contrast:g}: {row.kept:.0%} came back, {row.verdict}")

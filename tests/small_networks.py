"""A BurstNAF of a few weights that tells its expected error, with a card, for tests of several packages."""

import torch
from safetensors.torch import save_file

from napari_emrestore.core import ModelCard, TilingRule
from napari_emrestore.models import build_network, file_sha256

PARAMETERS = {
    "width": 4,
    "encoder_blocks": [1],
    "middle_blocks": 1,
    "decoder_blocks": [1],
    "error_head": True,
}


def small_network(*, shaken=False, parameters=PARAMETERS):
    """Return it with the weights it starts from, or with all of them shaken, so that no map is flat."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = build_network("burst_naf", parameters).requires_grad_(False)
        for parameter in network.parameters() if shaken else ():
            parameter += 0.1 * torch.randn(parameter.shape)
    return network


def small_card(folder, *, shaken=False, parameters=PARAMETERS, **facts):
    """Write the weights, rounded as those that are shipped, into `folder`; return their card."""
    state = small_network(shaken=shaken, parameters=parameters).state_dict()
    weights = folder / "small.safetensors"
    save_file({n: (t.half() if t.ndim > 1 else t).contiguous() for n, t in state.items()}, weights)
    return ModelCard(
        "small",
        "1",
        "Small",
        "A test.",
        "denoise",
        "burst_naf",
        parameters,
        weights,
        file_sha256(weights),
        TilingRule(4, 32),
        license="BSD-3-Clause",
        **facts,
    )

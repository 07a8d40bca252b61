"""SAM's prompt encoder and mask decoder: equal to segment_anything's, over batch and candidates at once."""

import pytest
import torch
from segment_anything.modeling import MaskDecoder as SamMaskDecoder
from segment_anything.modeling import PromptEncoder as SamPromptEncoder
from segment_anything.modeling import TwoWayTransformer as SamTwoWayTransformer

from scripts.networks import MaskDecoder, PromptEncoder


@pytest.fixture()
def pair():
    """The original (at 128 pixels) and ours with its weights."""
    torch.manual_seed(0)
    grid = 8
    original_prompts = SamPromptEncoder(256, (grid, grid), (16 * grid, 16 * grid), 16).eval()
    original = SamMaskDecoder(
        num_multimask_outputs=3,
        transformer=SamTwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8),
        transformer_dim=256,
    ).eval()
    prompts = PromptEncoder().eval()
    decoder = MaskDecoder(mlp_dim=2048, num_multimask_outputs=3).eval()
    missing, _ = prompts.load_state_dict(original_prompts.state_dict(), strict=False)
    assert not missing
    missing, unexpected = decoder.load_state_dict(original.state_dict(), strict=False)
    assert not unexpected and all(name.startswith("skip") for name in missing)
    return original_prompts, original, prompts, decoder


@torch.no_grad()
@pytest.mark.parametrize("scripted", [False, True])
def test_equals_segment_anything(pair, scripted):
    original_prompts, original, prompts, decoder = pair
    position = prompts.pe_layer.grid(8, 8)
    if scripted:
        prompts, decoder = torch.jit.script(prompts), torch.jit.script(decoder)
    embedding = torch.randn(2, 256, 8, 8)
    boxes = torch.tensor([[[4.0, 9, 60, 80], [20, 20, 30, 35], [0, 0, 128, 128]]]).repeat(2, 1, 1)
    boxes[1] = boxes[1].flip(0)

    coarse = torch.randn(2, 3, 1, 32, 32)
    masks, regions, quality = decoder(
        embedding, position, *prompts(boxes.flatten(0, 1), coarse.flatten(0, 1), (128, 128)), None
    )

    assert masks.shape == (2, 3, 32, 32) and regions.shape == (2, 3, 256)
    assert torch.allclose(position[None], original_prompts.get_dense_pe(), atol=1e-6)
    for image in range(2):
        sparse, dense = original_prompts(points=None, boxes=boxes[image], masks=coarse[image])
        expected, expected_quality = original(
            image_embeddings=embedding[image : image + 1],
            image_pe=original_prompts.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        torch.testing.assert_close(masks[image], expected[:, 0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(quality[image], expected_quality[:, 0], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_skips_reach_the_masks(pair):
    *_, prompts, decoder = pair
    embedding = torch.randn(1, 256, 8, 8)
    sparse, dense = prompts(torch.tensor([[4.0, 9, 60, 80]]), torch.zeros(1, 1, 32, 32), (128, 128))
    inputs = (embedding, prompts.pe_layer.grid(8, 8), sparse, dense)
    zero = (torch.zeros(1, 64, 16, 16), torch.zeros(1, 32, 32, 32))
    fine = (torch.zeros(1, 64, 16, 16), torch.randn(1, 32, 32, 32))
    assert not torch.allclose(decoder(*inputs, zero)[0], decoder(*inputs, fine)[0], atol=1e-2)

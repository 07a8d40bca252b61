"""The whole network: shapes, gradients, independence of the diagnosis from the text, export."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scripts.networks import CompactEncoder, DiagnosisHead, EfficientNetLiteEncoder, Reliability


@pytest.fixture()
def image():
    """Two images with a dark disc each, off centre in the second."""
    torch.manual_seed(1)
    rows, columns = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    image = 0.3 + 0.4 * torch.rand(2, 1, 128, 128)
    image[0, 0][(rows - 64) ** 2 + (columns - 64) ** 2 < 20**2] *= 0.2
    image[1, 0][(rows - 40) ** 2 + (columns - 90) ** 2 < 12**2] *= 0.2
    return image.repeat(1, 3, 1, 1)


@torch.no_grad()
def test_evidence_has_the_shapes_of_the_design(make_network, image):
    evidence = make_network().forward_named(image)
    shapes = {name: tuple(value.shape) for name, value in evidence.items()}
    assert shapes["mask_logits"] == shapes["gated_mask_logits"] == (2, 1, 128, 128)
    assert shapes["response_map"] == (2, 1, 16, 16)
    assert shapes["candidate_masks"] == (2, 5, 32, 32)
    assert shapes["boxes"] == (2, 5, 4)
    for name in ("weights", "valid", "scores", "semantic", "consistency"):
        assert shapes[name] == (2, 5)
    for name in ("diagnosis_logits", "y_sam", "y_rad"):
        assert shapes[name] == (2, 2)
    torch.testing.assert_close(evidence["weights"].sum(1), torch.ones(2))
    # Late fusion, both terms reported.
    torch.testing.assert_close(evidence["diagnosis_logits"], evidence["y_sam"] + evidence["y_rad"])


@torch.no_grad()
def test_forward_is_the_evidence_as_planes_and_the_gate_closes(make_network, image):
    network = make_network()
    for threshold, closed in ((-1e3, False), (1e3, True)):
        network.evidence_threshold.fill_(threshold)
        planes, evidence = network(image), network.forward_named(image)
        assert planes.shape == (2, 4, 128, 128)
        torch.testing.assert_close(planes[:, :1], evidence["gated_mask_logits"])
        torch.testing.assert_close(planes[:, 1:3, 5, 7], evidence["diagnosis_logits"])
        torch.testing.assert_close(planes[:, 3:, 5, 7], evidence["lesion_logit"])
        if closed:
            assert (planes[:, 0] <= -10).all() and (evidence["lesion_logit"] < 0).all()


@torch.no_grad()
def test_indeterminate_is_what_lies_in_the_band_or_is_not_reliable(make_network, image):
    network = make_network()
    evidence = network.forward_named(image)
    probability = evidence["diagnosis_logits"].softmax(1)[0, 1].item()
    reliability = evidence["reliability"][0].item()
    for band, threshold, expected in (
        ((probability - 0.01, probability + 0.01), 0.0, 1),
        ((probability + 0.01, 1.0), 0.0, 0),
        ((0.0, probability - 0.01), reliability - 0.01, 0),
        ((0.0, probability - 0.01), reliability + 0.01, 1),
    ):
        network.indeterminate_band.copy_(torch.tensor(band))
        network.reliability_threshold.fill_(threshold)
        assert network.forward_named(image)["indeterminate"][0].item() == expected


def test_diagnosis_teaches_neither_prompter_nor_reliability(make_network, image):
    network = make_network().train()
    evidence = network.forward_named(image)
    (evidence["diagnosis_logits"].sum() + evidence["y_sam"].pow(2).sum()).backward()
    for part in (network.semantic_prompter, network.reliability, network.evidence_gate):
        assert all(p.grad is None or p.grad.abs().max() == 0 for p in part.parameters())
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in network.diagnosis_head.parameters())
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in network.image_encoder.parameters())


def test_masks_teach_prompter_and_reliability(make_network, image):
    network = make_network().train()
    network.forward_named(image)["mask_logits"].sum().backward()
    assert network.reliability.region_projection.weight.grad.abs().max() > 0
    assert network.mask_decoder.mask_tokens.weight.grad.abs().max() > 0


@torch.no_grad()
def test_the_evidence_reads_whether_the_image_shows_what_the_text_says(make_network, image):
    network = make_network()
    before = network.forward_named(image)
    network.semantic_prompter.matching.bias -= 8.0
    after = network.forward_named(image)
    torch.testing.assert_close(after["match_logit"], before["match_logit"] - 8.0)
    torch.testing.assert_close(after["evidence_logit"], before["evidence_logit"] - 4.0)
    torch.testing.assert_close(after["mask_logits"], before["mask_logits"])


@torch.no_grad()
def test_no_text_enters_the_diagnosis(make_network, image):
    """With boxes and weights held fixed, another prompt changes the response but not one diagnosis logit."""
    network = make_network(reliability=Reliability(mode="uniform"))
    whole = torch.tensor([[0.0, 0, 128, 128]]).expand(2, 5, 4)
    ones = torch.ones(2, 5)
    network.candidate_boxes.forward = lambda response, size: (whole, ones, ones, ones[:, :1])
    before = network.forward_named(image)
    network.prompt_embedding.copy_(torch.nn.functional.normalize(torch.randn(256), dim=0))
    after = network.forward_named(image)
    assert not torch.allclose(before["response_map"], after["response_map"], atol=1e-3)
    for name in ("diagnosis_logits", "y_sam", "y_rad"):
        assert torch.equal(before[name], after[name])


@torch.no_grad()
@pytest.mark.parametrize("encoder, mirror", [(CompactEncoder, False), (EfficientNetLiteEncoder, True)])
def test_scripted_and_saved_network_agrees(make_network, image, tmp_path, encoder, mirror):
    network = make_network(image_encoder=encoder(), mirror=mirror)
    torch.jit.script(network).save(tmp_path / "model.ts")
    loaded = torch.jit.load(tmp_path / "model.ts")
    torch.testing.assert_close(loaded(image), network(image), atol=1e-4, rtol=1e-4)
    texts = torch.nn.functional.normalize(torch.randn(2, 256), dim=1)
    expected, found = network.forward_named(image, texts), loaded.forward_named(image, texts)
    assert set(found) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-3, rtol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("branches", ["visual", "lesion", "whole_image", "radiomics"])
def test_diagnosis_ablations_use_only_what_they_name(make_network, image, branches):
    network = make_network()
    head = DiagnosisHead(len(network.radiomics.names), branches=branches).eval()
    network.diagnosis_head = head
    result = network.forward_named(image)
    unused = "y_sam" if branches == "radiomics" else "y_rad"
    assert result[unused].abs().max() == 0
    if branches == "whole_image":
        other = torch.zeros_like(result["boxes"])
        network.candidate_boxes.forward = lambda response, size: (
            other, result["scores"], result["valid"], result["fallback"]
        )  # fmt: skip
        torch.testing.assert_close(network.forward_named(image)["y_sam"], result["y_sam"])


@torch.no_grad()
def test_descriptors_move_the_diagnosis_by_what_they_are_off_the_mean(make_network):
    network = make_network()
    head = network.diagnosis_head
    head.standardize.running_mean.fill_(2.0)
    z = torch.full((len(network.radiomics.names),), 2.0)
    assert head.contributions(z).abs().max() == 0, "at the mean nothing moves"
    z[3] = 4.0
    moved = head.contributions(z)
    logits = head.radiomics_classifier(head.standardize(torch.stack([z, torch.full_like(z, 2.0)])))
    expected = (logits[0, 1] - logits[0, 0]) - (logits[1, 1] - logits[1, 0])
    torch.testing.assert_close(moved[3], expected)
    assert moved.abs().argmax() == 3 and (moved != 0).sum() == 1
    assert DiagnosisHead(65, branches="visual").contributions(torch.rand(65)).abs().max() == 0


def test_wrong_images_are_refused_in_one_sentence(make_network):
    for shape in ((1, 1, 128, 128), (1, 3, 128, 96), (1, 3, 100, 100)):
        with pytest.raises(ValueError, match="multiple of 32"):
            make_network()(torch.rand(shape))


def test_inference_imports_no_text_tower():
    code = "import scripts.networks, sys; sys.exit('open_clip' in sys.modules)"
    bundle = Path(__file__).resolve().parents[2] / "bundle"
    assert subprocess.run([sys.executable, "-c", code], cwd=bundle).returncode == 0


@torch.no_grad()
def test_mirrored_images_give_mirrored_answers(make_network, image):
    texts = torch.nn.functional.normalize(torch.randn(2, 256), dim=1)
    network = make_network(mirror=True)
    for text in (None, texts):
        as_is, flipped = network.forward_named(image, text), network.forward_named(image.flip(-1), text)
        torch.testing.assert_close(as_is["mask_logits"], flipped["mask_logits"].flip(-1))
        for name in ("diagnosis_logits", "y_sam", "evidence_logit", "reliability"):
            torch.testing.assert_close(as_is[name], flipped[name])
        assert {len(value) for value in as_is.values()} == {2}
    # What tells of candidates is of the first view; and one view alone has not this property.
    both = network.forward_named(image)
    network.mirror = False
    one = network.forward_named(image)
    for name in ("response_map", "boxes", "scores", "weights", "candidate_masks", "fallback"):
        torch.testing.assert_close(both[name], one[name])
    other = network.forward_named(image.flip(-1))["mask_logits"].flip(-1)
    assert not torch.allclose(one["mask_logits"], other, atol=1e-4)
    network.mirror = True
    assert network.train().forward_named(image)["mask_logits"].shape[0] == 2

"""Response maps, candidates and prompts against truths that can be counted by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

from scripts.errors import BundleError
from scripts.networks import CandidateBoxes, GradCamPrompter, Reliability, SemanticPrompter
from scripts.studies import CandidateReport, PromptSwapReport, ResponseReport
from scripts.studies.responses import pointing_game, true_boxes
from scripts.writing.tables import markdown_table


@pytest.fixture()
def mask():
    """Two lesions and a normal."""
    mask = torch.zeros(3, 1, 64, 64)
    mask[0, 0, 8:24, 16:40] = 1
    mask[1, 0, 40:56, 40:56] = 1
    return mask


def engine_of(pred, mask):
    output = {"image": torch.zeros(len(mask), 3, 64, 64), "pred": pred, "label": {"mask": mask}}
    return SimpleNamespace(state=SimpleNamespace(output=output, device=torch.device("cpu")))


def through(report, engine):
    report.start(engine)
    report.measure(engine)
    report.finish(engine)


def test_boxes_and_peaks(mask):
    assert true_boxes(mask[:2]).tolist() == [[16, 8, 40, 24], [40, 40, 56, 56]]
    response = torch.zeros(2, 1, 8, 8)
    response[0, 0, 1, 2] = response[1, 0, 1, 2] = 1  # rows 8 to 15, columns 16 to 23: in the first lesion alone
    assert pointing_game(response, mask[:2]).tolist() == [1, 0]


def test_response_report(mask, tmp_path):
    """A perfect map and one of the opposite corner."""
    perfect = torch.nn.functional.adaptive_avg_pool2d(mask, 8)
    network = SimpleNamespace(
        semantic_prompter=torch.nn.Identity(), candidate_boxes=CandidateBoxes(), training=False, eval=lambda: None
    )
    maps = {"perfect": torch.nn.Identity(), "wrong": torch.nn.Identity()}
    network.respond = lambda image, prompter: (perfect if prompter is maps["perfect"] else perfect.flip(2))[:2]
    through(ResponseReport(network, maps, tmp_path), engine_of({}, mask))
    right, wrong = json.loads((tmp_path / "responses.json").read_text())
    assert right["lesion images"] == 2
    assert right["pointing game"] == right["energy inside"] == right["recall@1"] == right["recall@8"] == 1
    assert wrong["pointing game"] == wrong["energy inside"] == wrong["recall@8"] == 0


def test_candidate_report(mask, tmp_path):
    """The second candidate is right and its judgements know it."""
    right = (mask * 20 - 10)[:, 0, ::4, ::4]
    pred = {
        "candidate_masks": torch.stack([torch.full_like(right, -10.0), right], dim=1),
        "valid": torch.ones(3, 2),
        "scores": torch.tensor([[0.9, 0.2]] * 3),
        "semantic": torch.tensor([[0.1, 0.9]] * 3),
        "consistency": torch.tensor([[0.1, 0.9]] * 3),
        "weights": torch.tensor([[0.25, 0.75]] * 3),
        "boxes": torch.tensor([[[0.0, 0, 32, 32], [0, 0, 32, 64]]] * 3),
        "mask_logits": mask * 20 - 10,
    }
    network = SimpleNamespace(reliability=Reliability(tau_saliency=0.05, tau_semantic=0.05))
    through(CandidateReport(network, tmp_path), engine_of(pred, mask))
    dice = {row["mask"]: row["Dice"] for row in json.loads((tmp_path / "candidates.json").read_text())}
    assert dice["first candidate"] == dice["fused, single_box"] == dice["fused, saliency"] == 0
    assert dice["best candidate"] == 2 * dice["mean candidate"] > 0.9
    assert dice["fused, semantic"] == pytest.approx(dice["best candidate"], abs=0.02)
    assert dice["the network's own, refined"] == 1
    figures = [row["value"] for row in json.loads((tmp_path / "reliability.json").read_text())]
    scores, semantic, consistency, weights, hit, chance, overlap, several, number = figures
    assert (hit, chance) == (1.0, 0.5)
    assert scores == pytest.approx(-semantic) and semantic == consistency == weights > 0.8
    assert (overlap, several, number) == (0.5, 1.0, pytest.approx(1 / (0.25**2 + 0.75**2)))


def test_prompt_swap_report(mask, tmp_path):
    """A network that finds the lesion only when asked for it."""

    class Network(torch.nn.Module):
        prompt_embedding = torch.tensor([1.0, 0.0])

        def forward_named(self, image, text):
            asked = (text[:, 0] > 0.5).float()
            logits = (mask[: len(image)] * 20 - 10) * asked.reshape(-1, 1, 1, 1) - 1
            return {
                "gated_mask_logits": logits,
                "mask_logits": logits,
                "lesion_logit": asked.unsqueeze(1) - 0.5,
                "diagnosis_logits": torch.stack([torch.zeros_like(asked), asked], dim=1),
            }

    class Tower(torch.nn.Module):
        def forward(self, texts):
            return torch.stack([torch.tensor([1.0, 0.0] if "lesion" in text else [0.0, 1.0]) for text in texts])

    swaps = {"synonyms": ["a lesion", "the lesion"], "nonsense": ["teapot"]}
    pred = Network().forward_named(torch.zeros(3, 3, 64, 64), torch.ones(3, 2))
    through(PromptSwapReport(Network(), Tower(), swaps, "a lesion", tmp_path), engine_of(pred, mask))
    same, nothing = json.loads((tmp_path / "prompts.json").read_text())
    assert (same["texts"], same["Dice"], same["lesions found"], same["probability moves by"]) == (2, 1, 1, 0)
    assert (nothing["Dice"], nothing["lesions found"]) == (0, 0)
    assert nothing["probability moves by"] == pytest.approx(torch.sigmoid(torch.tensor(1.0)).item() - 0.5)
    with pytest.raises(BundleError, match="text tower is not the one"):
        PromptSwapReport(Network(), Tower(), swaps, "a teapot", tmp_path).start(engine_of(pred, mask))


def test_grad_cam_takes_the_same_weights_and_answers_in_the_same_form():
    torch.manual_seed(0)
    own, cam = SemanticPrompter().eval(), GradCamPrompter().eval()
    cam.load_state_dict(own.state_dict())
    arguments = (torch.randn(2, 256, 4, 4), torch.randn(2, 64, 8, 8), torch.randn(256, 4, 4), torch.randn(256))
    with torch.no_grad():
        (logits, match), (cam_logits, cam_match) = own(*arguments), cam(*arguments)
    torch.testing.assert_close(match, cam_match)
    assert cam_logits.shape == logits.shape and not cam_logits.requires_grad
    response = torch.sigmoid(cam_logits)
    peak = response.amax(dim=(1, 2, 3))
    torch.testing.assert_close(peak[peak > 1e-3], torch.sigmoid(match)[:, 0][peak > 1e-3], atol=1e-3, rtol=0)


def test_grad_cam_of_a_linear_score_is_known(monkeypatch):
    """For score = mean of w . E the map is relu(w . E), whatever its scale."""
    w = torch.tensor([1.0, -2.0, 0.5]).reshape(1, 3, 1, 1)

    def linear(self, embedding, skip8, position, text):
        return None, (embedding * w).mean(dim=(2, 3)).sum(dim=1, keepdim=True)

    monkeypatch.setattr(SemanticPrompter, "forward", linear)
    embedding = torch.randn(1, 3, 8, 8)
    cam = GradCamPrompter().eval()
    logits, match = cam(embedding, torch.zeros(1, 64, 8, 8), torch.zeros(1), torch.zeros(1))
    expected = torch.relu((w * embedding).sum(dim=1, keepdim=True))
    expected = expected / expected.max() * torch.sigmoid(match)
    torch.testing.assert_close(torch.sigmoid(logits), expected.clamp(1e-4, 1 - 1e-4), atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match="teaches nothing"):
        cam.train()(embedding, torch.zeros(1, 64, 8, 8), torch.zeros(1), torch.zeros(1))


def test_tables_show_what_is_missing():
    table = markdown_table([{"a": 0.12345, "b": None}, {"a": float("nan"), "b": "x"}])
    assert table.splitlines() == ["| a | b |", "|---|---|", "| 0.123 | - |", "| - | x |"]

"""Self-distilled mask consistency and the objective against hand-computed values and at their limits."""

import math

import pytest
import torch

from scripts.training import RadVLSMLoss, self_distillation
from scripts.training.rad_vlsm_loss import TERM_WEIGHTS, looks_at, soft_dice, soft_iou


def logit(p):
    return math.log(p / (1 - p))


def constant_masks(*probabilities):
    """One image, a 2 x 2 mask per candidate with one probability everywhere."""
    return torch.tensor([[[[logit(p)] * 2] * 2 for p in probabilities]])


def distill(masks, weights, valid=None, theta=0.4, gamma=1.0):
    weights = torch.tensor([weights])
    students = torch.ones_like(weights) if valid is None else torch.tensor([valid])
    return self_distillation(masks, weights, students, theta, gamma).item()


def test_students_learn_from_the_teacher():
    # Teacher .6 with p = .9; students .3 and .1 with p = .5 and .2.
    expected = ((1 - 0.3) * (0.5 - 0.9) ** 2 + (1 - 0.1) * (0.2 - 0.9) ** 2) / 2
    assert distill(constant_masks(0.9, 0.5, 0.2), [0.6, 0.3, 0.1]) == pytest.approx(expected, rel=1e-5)


def test_teachers_agree_by_renormalised_weight_in_logits():
    # Teachers .5 and .4; the consensus is the sigmoid of their weighted logits.
    consensus = torch.sigmoid(torch.tensor((0.5 * logit(0.9) + 0.4 * logit(0.6)) / 0.9)).item()
    expected = (1 - 0.1) ** 2 * (0.3 - consensus) ** 2
    value = distill(constant_masks(0.9, 0.6, 0.3), [0.5, 0.4, 0.1], gamma=2.0)
    assert value == pytest.approx(expected, rel=1e-5)


def test_without_a_teacher_the_most_reliable_teaches():
    expected = ((1 - 0.3) * (0.5 - 0.9) ** 2 + (1 - 0.3) * (0.2 - 0.9) ** 2) / 2
    assert distill(constant_masks(0.9, 0.5, 0.2), [0.4, 0.3, 0.3], theta=0.99) == pytest.approx(expected, rel=1e-5)


def test_without_a_student_there_is_nothing_to_learn():
    assert distill(constant_masks(0.9, 0.5), [0.5, 0.5], theta=0.4) == 0
    assert distill(constant_masks(0.9, 0.5), [1.0, 0.0], valid=[1.0, 0.0]) == 0


def test_the_consensus_does_not_learn():
    masks = constant_masks(0.9, 0.5).requires_grad_()
    self_distillation(masks, torch.tensor([[0.7, 0.3]]), torch.ones(1, 2), 0.5, 1.0).backward()
    assert masks.grad[0, 0].abs().max() == 0 and masks.grad[0, 1].abs().max() > 0


def prediction(batch=2, size=32, candidates=3):
    torch.manual_seed(0)
    evidence = {
        "mask_logits": torch.randn(batch, 1, size, size),
        "candidate_masks": torch.randn(batch, candidates, size // 4, size // 4),
        "response_logits": torch.randn(batch, 1, size // 8, size // 8),
        "consistency_logits": torch.randn(batch, candidates),
        "semantic": torch.rand(batch, candidates),
        "diagnosis_logits": torch.randn(batch, 2),
        "y_sam": torch.randn(batch, 2),
        "y_rad": torch.randn(batch, 2),
        "evidence_logit": torch.randn(batch, 1),
        "iou_logit": torch.randn(batch, 1),
        "match_logit": torch.randn(batch, 1),
    }
    evidence = {name: value.requires_grad_() for name, value in evidence.items()}
    evidence["boxes"] = torch.tensor([0.0, 0.0, size, size]).expand(batch, candidates, 4)
    evidence["weights"] = torch.full((batch, candidates), 1 / candidates)
    evidence["valid"] = torch.ones(batch, candidates)
    evidence["response_map"] = torch.sigmoid(evidence["response_logits"])
    return evidence


def target(mask, diagnosis, asked=(1.0, 1.0), pasted=None):
    pasted = torch.zeros_like(mask) if pasted is None else pasted
    return {"mask": mask, "pasted": pasted, "diagnosis": torch.tensor(diagnosis), "asked": torch.tensor(asked)}


def test_normals_teach_evidence_but_no_diagnosis():
    evidence, loss = prediction(), RadVLSMLoss()
    loss(evidence, target(torch.zeros(2, 1, 32, 32), [-1, -1])).backward()
    assert loss.terms["diagnosis"].item() == 0
    assert evidence["diagnosis_logits"].grad is None or evidence["diagnosis_logits"].grad.abs().max() == 0
    assert (evidence["evidence_logit"].grad > 0).all(), "a normal pushes the evidence down"
    assert all(torch.isfinite(term) for term in loss.terms.values())


def test_unknown_diagnosis_of_a_lesion_still_teaches_the_mask():
    evidence, loss = prediction(), RadVLSMLoss()
    mask = torch.zeros(2, 1, 32, 32)
    mask[:, :, 8:20, 8:20] = 1
    loss(evidence, target(mask, [-1, -1])).backward()
    assert loss.terms["diagnosis"].item() == 0
    assert evidence["mask_logits"].grad.abs().max() > 0
    assert (evidence["evidence_logit"].grad < 0).all()


def only(term):
    return RadVLSMLoss({name: float(name == term) for name in TERM_WEIGHTS})


def test_a_box_never_teaches_nothing_but_what_it_holds_must_not_leave_it():
    evidence = prediction(batch=1)
    mask = torch.zeros(1, 1, 32, 32)
    mask[:, :, 16:28, 16:28] = 1
    # Around the lesion, within it, in another corner.
    evidence["boxes"] = torch.tensor([[[14.0, 14, 30, 30], [20, 20, 24, 24], [0, 0, 12, 12]]])
    assert looks_at(evidence["boxes"], mask, 32).tolist() == [[1, 1, 0]]
    assert looks_at(evidence["boxes"], torch.zeros_like(mask), 32).sum() == 0
    only("candidate")(evidence, target(mask, [0], asked=[1.0])).backward()
    grad = evidence["candidate_masks"].grad[0]
    assert (grad[:2, 4:7, 4:7] < 0).all(), "both boxes of the lesion raise their masks in it"
    assert (grad[2, :3, :3] == 0).all(), "the box elsewhere is free to draw what it holds"
    assert (grad[2, 3:, 3:] > 0).all(), "and nothing beyond itself, least of all the lesion"


def test_normals_do_not_teach_masks_and_no_candidate_of_theirs_is_to_be_trusted():
    normal = target(torch.zeros(2, 1, 32, 32), [-1, -1])
    for term in ("mask", "candidate"):
        evidence = prediction()
        only(term)(evidence, normal).backward()
        grads = [evidence[name].grad for name in ("mask_logits", "candidate_masks")]
        assert all(grad is None or grad.abs().max() == 0 for grad in grads), term
    evidence = prediction()
    evidence["candidate_masks"] = torch.full_like(evidence["candidate_masks"], -9.0)  # as empty as the truth
    only("consistency")(evidence, normal).backward()
    assert (evidence["consistency_logits"].grad > 0).all(), "consistency goes down where no lesion is looked at"


def test_beside_a_pasted_lesion_each_candidate_learns_its_own_and_the_fused_mask_nothing():
    evidence, loss = prediction(), RadVLSMLoss()
    own, pasted = torch.zeros(2, 2, 1, 32, 32)
    own[:, :, 16:28, 16:28] = 1
    pasted[0, :, 0:12, 0:12] = 1
    boxes = torch.tensor([[14.0, 14, 30, 30], [0, 0, 13, 13], [0, 0, 32, 32]])
    evidence["boxes"] = boxes.expand(2, 3, 4)
    loss(evidence, target(own, [0, 1], pasted=pasted)).backward()
    for name in ("mask_logits", "diagnosis_logits", "iou_logit"):
        grad = evidence[name].grad.flatten(1).abs().amax(dim=1)
        assert grad[0] == 0 and grad[1] > 0, name
    grad = evidence["candidate_masks"].grad[0]
    at_own, at_pasted = grad[:, 4:7, 4:7].flatten(1), grad[:, 0:3, 0:3].flatten(1)
    assert (at_own[0] < 0).all() and (at_own[1] > 0).all() and (at_own[2] < 0).all()
    assert (at_pasted[0] > 0).all() and (at_pasted[1] < 0).all() and (at_pasted[2] < 0).all()
    assert (evidence["response_logits"].grad[0, 0, :1, :1] < 0).all(), "the response finds both"


def test_beside_a_pasted_lesion_the_consensus_of_two_is_no_target():
    own, pasted = torch.zeros(2, 2, 1, 32, 32)
    own[:, :, 16:28, 16:28] = 1
    pasted[0, :, 0:12, 0:12] = 1
    loss, grads = RadVLSMLoss(), []
    for weights in ([0.8, 0.1, 0.1], [0.1, 0.1, 0.8]):
        evidence = prediction()
        evidence["weights"] = torch.tensor([weights, weights])
        loss(evidence, target(own, [0, 1], pasted=pasted)).backward()
        grads.append(evidence["consistency_logits"].grad)
    torch.testing.assert_close(grads[0][0], grads[1][0])
    assert (grads[0][1] != grads[1][1]).all(), "where one lesion is, agreement with the consensus counts"


def test_what_counts_as_nothing_does_not_depend_on_the_resolution():
    faint, lesion = torch.zeros(2, 1, 8, 8)
    faint[:, 2:4, 2:4], lesion[:, 4:6, 4:8] = 0.1, 1.0
    fine_faint, fine_lesion = (values.repeat_interleave(8, 1).repeat_interleave(8, 2) for values in (faint, lesion))
    for measure in (soft_dice, soft_iou):
        for of in (torch.zeros_like, lambda values: lesion if values is faint else fine_lesion):
            torch.testing.assert_close(measure(faint, of(faint)), measure(fine_faint, of(fine_faint)))
        assert 0 < measure(faint, torch.zeros_like(faint)) < measure(faint * 0, faint * 0) == 1


def test_asked_for_something_else_a_lesion_is_nothing():
    evidence, loss = prediction(), RadVLSMLoss()
    loss(evidence, target(torch.ones(2, 1, 32, 32), [0, 1], asked=[1.0, 0.0])).backward()
    for name in ("mask_logits", "diagnosis_logits"):
        grad = evidence[name].grad.flatten(1).abs().amax(dim=1)
        assert grad[0] > 0 and grad[1] == 0, name
    for name in ("response_logits", "evidence_logit", "match_logit"):
        grad = evidence[name].grad.flatten(1)
        assert (grad[0] < 0).all() and (grad[1] > 0).all(), f"{name}: up where asked for, down where not"


def test_weights_switch_terms_off_and_misspelled_ones_are_named():
    truth = target(torch.ones(2, 1, 32, 32), [0, 1])
    masks_alone = only("mask")
    torch.testing.assert_close(masks_alone(prediction(), truth), masks_alone.terms["mask"])
    with pytest.raises(ValueError, match="diagnosys"):
        RadVLSMLoss({"diagnosys": 1.0})

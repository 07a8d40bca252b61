"""What validation counts."""

import math

import pytest
import torch

from scripts.training import LesionAUC, lesion_diagnoses


def output(truth, malignant):
    logits = torch.stack([torch.zeros(len(malignant)), torch.tensor(malignant)], dim=1)
    return {"label": {"diagnosis": torch.tensor(truth)}, "pred": {"diagnosis_logits": logits}}


def test_auc_sees_diagnosed_lesions_alone():
    auc = LesionAUC()
    auc(*lesion_diagnoses(output([-1, -1], [9.0, -9.0])))  # a batch of normals, or of masks that somebody drew
    assert math.isnan(auc.aggregate())
    auc(*lesion_diagnoses(output([1, -1, 0], [2.0, 9.0, -1.0])))
    auc(*lesion_diagnoses(output([0, 0], [3.0, -2.0])))
    assert auc.aggregate() == pytest.approx(2 / 3)

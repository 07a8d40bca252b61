"""What a run says before it begins."""

import logging

import pytest
from torch import nn

from scripts.announcement import announce, count_images, count_parameters, warn_of_missing_classes
from scripts.sites import Classes


def test_facts_are_lines(caplog):
    with caplog.at_level(logging.INFO):
        announce("training", {"images": 12, "batch size": 4})
    assert [record.getMessage() for record in caplog.records] == [
        "training:", "  images      12", "  batch size  4"
    ]  # fmt: skip


def test_images_and_parameters_are_counted():
    items = [{"diagnosis": word} for word in ("benign", "normal", "benign")]
    assert count_images(items) == "3 (2 benign, 1 normal)"
    assert count_images([{"image": "a.png", "label": "b.png"}]) == "1"
    network = nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.Linear(1000, 500, bias=False))
    assert count_parameters(network) == "1.5 million parameters"
    network[0].requires_grad_(False)
    assert count_parameters(network) == "1.5 million parameters, 0.5 trainable"


@pytest.mark.parametrize(
    ("diagnoses", "warnings"),
    [
        (["benign", "malignant", "normal"], []),
        (["benign", "normal"], ["No image to train with is malignant: the diagnosis"]),
        (["benign", "malignant"], ["No image to train with is normal: nothing teaches"]),
        ([None], ["No image to train with is benign or malignant", "No image to train with is normal"]),
    ],
)
def test_a_list_that_lacks_a_class_is_told(diagnoses, warnings, caplog):
    classes = Classes(("benign", "malignant"), "malignant")
    warn_of_missing_classes([{"diagnosis": diagnosis} for diagnosis in diagnoses], classes)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == len(warnings)
    assert all(text.startswith(start) for text, start in zip(told, warnings, strict=True))

"""Annotations of other tools: COCO, Label Studio, folders of masks."""

from .coco import coco_annotations, coco_document
from .drawings import AnnotatedImage, Drawing
from .label_studio import label_studio_config, label_studio_task
from .reading import read_annotations

__all__ = [
    "AnnotatedImage",
    "Drawing",
    "coco_annotations",
    "coco_document",
    "label_studio_config",
    "label_studio_task",
    "read_annotations",
]

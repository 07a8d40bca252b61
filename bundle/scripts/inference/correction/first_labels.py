"""Predicted masks as first labels of a MONAI Label server: run by ``monai_label/start`` before the server starts."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from scripts.data import read_mask
from scripts.errors import BundleError, report_errors_in_one_sentence
from scripts.serving.geometry import file_affine
from scripts.writing.drawing import png_bytes
from scripts.writing.files import write_whole

from .frames import frames_of_run

#: The folder of ``labels/`` that they lie in, which is what MONAI Label calls a tag.
TAG = "predicted"
#: Its ids are names without these.
_SUFFIX = re.compile(r"\.(dcm|png|jpe?g|nii\.gz|nii)$")
_PICTURES = (".png", ".jpg", ".jpeg")


def put_first_labels(predictions: str | Path, studies: str | Path) -> int:
    """Write the masks of an inference run where MONAI Label finds them as labels.

    Of a file with several frames the first is labelled, which is the one that MONAI Label shows. A label is 0 or 1 and
    lies where its image does: PNG for pictures, NIfTI for others. Labels of people (tags ``final`` and ``original``)
    are not touched.

    Args:
        predictions: output folder of the run.
        studies: the images, directly in one folder; the run's own.

    Returns:
        How many labels were written.

    Raises:
        BundleError: the run has not ended, or its images are not in the folder.
    """
    count = 0
    for frame in frames_of_run(predictions, studies):
        suffix = _SUFFIX.search(frame.input)
        if frame.frame or "/" in frame.input or not suffix:
            continue
        mask = np.logical_or.reduce([read_mask(path) for _, path in frame.masks]).astype(np.uint8)
        place = Path(studies) / "labels" / TAG / frame.input[: suffix.start()]
        if suffix.group() in _PICTURES:
            write_whole(f"{place}.png", png_bytes(Image.fromarray(mask)))
        else:
            volume = nibabel.Nifti1Image(mask.T[..., None], file_affine(str(frame.path)))
            write_whole(f"{place}.nii.gz", gzip.compress(volume.to_bytes()))
        count += 1
    if not count:
        raise BundleError(f'No image of the run lies directly in "{studies}". Run inference on that folder.')
    return count


def main() -> None:
    """Write the labels of the run and for the folder named on the command line."""
    report_errors_in_one_sentence()
    if len(sys.argv) != 3:
        raise BundleError("Name two folders: python -m scripts.inference.correction.first_labels PREDICTIONS STUDIES")
    print(f"First labels: {put_first_labels(*sys.argv[1:])}, as the tag {TAG}")


if __name__ == "__main__":
    main()

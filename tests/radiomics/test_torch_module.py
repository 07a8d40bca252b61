"""TorchRadiomics as a module: degenerate masks, batches, scripting, mixed precision."""

import io

import pytest
import torch
from pydicom.sr._concepts_dict import concepts

from scripts.radiomics import IBSI, NAMES, TorchRadiomics

SIZE = 64


@pytest.fixture(scope="module")
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Images and masks: empty, one pixel, a corner, everything, two components, an ordinary one, on black."""
    image = torch.rand(7, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    mask = torch.zeros(7, 1, SIZE, SIZE)
    mask[1, 0, 30, 31] = 1
    mask[2, 0, 0, 0] = 1
    mask[3] = 1
    mask[4, 0, 5:12, 5:12] = mask[4, 0, 40:60, 30:63] = 1
    mask[5:, 0, 20:40, 10:50] = 1
    image[6] = 0
    return image, mask


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_mask_has_finite_values(batch: tuple[torch.Tensor, torch.Tensor], dtype: torch.dtype) -> None:
    image, mask = (tensor.to(dtype) for tensor in batch)
    values = TorchRadiomics()(image, mask)
    assert values.shape == (7, len(NAMES)) and values.dtype == dtype
    assert values.isfinite().all()
    assert not values[0].any() and values[1:].any(1).all()


def test_a_batch_equals_its_items(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Lists are padded to the largest lesion; padding must not show."""
    module = TorchRadiomics()
    single = torch.cat([module(*item) for item in zip(*(tensor.double().split(1) for tensor in batch), strict=True)])
    torch.testing.assert_close(module(*(tensor.double() for tensor in batch)), single, rtol=1e-9, atol=1e-9)


def test_single_precision_suffices(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    module = TorchRadiomics()
    exact = module(*(tensor.double() for tensor in batch)).float()
    torch.testing.assert_close(module(*batch), exact, rtol=2e-3, atol=1e-4)


def test_all_masks_empty(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    image, mask = batch
    assert not TorchRadiomics()(image, torch.zeros_like(mask)).any()


def test_scripted_saved_and_loaded(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    module = TorchRadiomics()
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module), buffer)
    buffer.seek(0)
    loaded = torch.jit.load(buffer)
    assert loaded.names == NAMES
    image, mask = (tensor.double() for tensor in batch)
    for _ in range(3):  # the profiling executor compiles after the first calls
        torch.testing.assert_close(loaded(image, mask), module(image, mask), rtol=1e-9, atol=1e-9)


def test_mixed_precision_does_not_touch_a_measurement(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    module = TorchRadiomics()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = module(*batch)
    torch.testing.assert_close(mixed, module(*batch))


def test_ibsi_codes_name_the_same_features() -> None:
    """DICOM lists the codes too, in CIDs 7477, 7478 and 7467; all but the intensity statistics."""
    known = {code: keyword.lower() for keyword, entry in concepts["IBSI"].items() for code in entry}
    other_words = {
        "texture_joint_energy": "angular_second_moment",
        "texture_maximum_probability": "joint_maximum",
        "texture_information_correlation_1": "first_information_correlation",
        "texture_information_correlation_2": "second_information_correlation",
    }
    assert IBSI.keys() <= set(NAMES) and len(set(IBSI.values())) == len(IBSI)
    listed = {name: code for name, code in IBSI.items() if code in known}
    assert len(listed) == 1 + 2 + 18
    for name, code in listed.items():
        for word in other_words.get(name, name.partition("_")[2]).split("_"):
            assert word in known[code], name
        assert known[code].endswith("ofglcm") == name.startswith("texture"), name

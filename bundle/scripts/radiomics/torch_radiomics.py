"""The default radiomics of the network: named descriptors of a batch of images and masks."""

import torch
from torch import Tensor, nn

from .color import COLOR_NAMES, color_descriptors
from .echo import ECHO_IBSI, ECHO_NAMES, POSTERIOR_NAMES, echo_descriptors, posterior_descriptors
from .grey import grey_levels
from .lesion_rows import field_of_view, lesion_box, lesion_moments, lesion_rows
from .margin import MARGIN_NAMES, margin_descriptors
from .rays import cast_rays
from .shape import SHAPE_IBSI, SHAPE_NAMES, shape_descriptors, support
from .texture import TEXTURE_IBSI, TEXTURE_NAMES, texture_descriptors

NAMES: list[str] = SHAPE_NAMES + MARGIN_NAMES + ECHO_NAMES + POSTERIOR_NAMES + TEXTURE_NAMES

# Codes of the Image Biomarker Standardisation Initiative, for descriptors that follow its definition.
IBSI: dict[str, str] = {**SHAPE_IBSI, **ECHO_IBSI, **TEXTURE_IBSI}


class TorchRadiomics(nn.Module):
    """Scale-free descriptors of lesions, measured for a whole batch on CPU or GPU; scriptable.

    No pixel spacing is needed or used. All components of a mask count as one lesion. The zero padding around an image
    is left out of everything that looks beyond the lesion. A measurement, not a layer: no gradient flows through it.
    Where a descriptor has a pyradiomics 3.0.1 counterpart (`shape2D`, `firstorder`, `glcm` with force2D, binCount 32)
    it has its value; those that follow IBSI carry its code in `IBSI`.

    Args:
        color: measure colours too; everything else is measured in the mean of the channels.

    Attributes:
        names: the R descriptors in output order, `<family>_<descriptor>`; defined in `shape`, `margin`, `echo`
            (with the posterior features), `texture` and `color`.
    """

    names: list[str]

    def __init__(self, color: bool = False) -> None:
        super().__init__()
        self.color = color
        self.names = NAMES + COLOR_NAMES if color else list(NAMES)

    def forward(self, image: Tensor, mask: Tensor, valid: Tensor | None = None) -> Tensor:
        """Measure.

        Args:
            image: (B, 1 or 3, H, W), values in [0, 1]; three channels to measure colours.
            mask: (B, 1, H, W), lesion where above 0.5.
            valid: (B, 1, H, W), 1 in the field of view, a rectangle, and 0 in padding; by default the rectangle spanned
                by the rows and columns of the image that are not all zero.

        Returns:
            (B, R), float64 for float64 images, else float32; finite, and all zero for an empty mask.
        """
        with torch.no_grad():
            dtype = torch.float64 if image.dtype == torch.float64 else torch.float32
            picture = image.to(dtype)
            image = picture.mean(dim=1, keepdim=True) if picture.shape[1] > 1 else picture
            if valid is not None:
                image = image * (valid > 0.5).to(dtype)
            light = image[:, 0].sum(2)  # (B, H)
            if valid is None:
                view = field_of_view(light, image[:, 0].sum(1))
            else:
                view = field_of_view(valid[:, 0].to(dtype).sum(2), valid[:, 0].to(dtype).sum(1))
            box = lesion_box(mask, dtype)
            lesions = lesion_rows(image, mask, box)
            moments = lesion_moments(lesions)
            reach = support(lesions, moments)
            rays = cast_rays(image, lesions, view, moments, reach.amax(1, keepdim=True))
            grey = grey_levels(lesions)
            echo = echo_descriptors(light.sum(1, keepdim=True), view, lesions, grey, rays)
            values = torch.cat(
                [
                    shape_descriptors(lesions, grey.pairs[:, :, 1:, 1:].sum([2, 3]), moments, box, view, reach),
                    margin_descriptors(rays, lesions.count, moments, reach),
                    echo,
                    posterior_descriptors(image, view, box, echo[:, 0:1]),
                    texture_descriptors(grey.pairs),
                ],
                1,
            )
            if self.color:
                values = torch.cat([values, color_descriptors(picture, mask)], 1)
            return torch.where(lesions.count > 0, values, 0.0).to(dtype)

"""The same descriptors with pyradiomics 3.0.1 where it defines them: the reference, and an option."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from scripts.errors import BundleError

from .torch_radiomics import TorchRadiomics

# Descriptor -> (pyradiomics feature class, feature).
PYRADIOMICS: dict[str, tuple[str, str]] = {
    "shape_elongation": ("shape2D", "Elongation"),
    "shape_sphericity": ("shape2D", "Sphericity"),
    "echo_mean": ("firstorder", "Mean"),
    "echo_variance": ("firstorder", "Variance"),
    "echo_skewness": ("firstorder", "Skewness"),
    "echo_excess_kurtosis": ("firstorder", "Kurtosis"),  # minus 3: pyradiomics' is not the excess kurtosis
    "echo_median": ("firstorder", "Median"),
    "echo_percentile_10": ("firstorder", "10Percentile"),
    "echo_percentile_90": ("firstorder", "90Percentile"),
    "echo_interquartile_range": ("firstorder", "InterquartileRange"),
    "echo_mean_absolute_deviation": ("firstorder", "MeanAbsoluteDeviation"),
    "echo_robust_mean_absolute_deviation": ("firstorder", "RobustMeanAbsoluteDeviation"),
    "echo_entropy": ("firstorder", "Entropy"),
    "echo_uniformity": ("firstorder", "Uniformity"),
    "texture_contrast": ("glcm", "Contrast"),
    "texture_correlation": ("glcm", "Correlation"),
    "texture_joint_entropy": ("glcm", "JointEntropy"),
    "texture_joint_energy": ("glcm", "JointEnergy"),
    "texture_joint_average": ("glcm", "JointAverage"),
    "texture_maximum_probability": ("glcm", "MaximumProbability"),
    "texture_inverse_difference": ("glcm", "Id"),
    "texture_inverse_difference_moment": ("glcm", "Idm"),
    "texture_inverse_variance": ("glcm", "InverseVariance"),
    "texture_difference_average": ("glcm", "DifferenceAverage"),
    "texture_difference_variance": ("glcm", "DifferenceVariance"),
    "texture_difference_entropy": ("glcm", "DifferenceEntropy"),
    "texture_sum_entropy": ("glcm", "SumEntropy"),
    "texture_cluster_tendency": ("glcm", "ClusterTendency"),
    "texture_cluster_shade": ("glcm", "ClusterShade"),
    "texture_cluster_prominence": ("glcm", "ClusterProminence"),
    "texture_information_correlation_1": ("glcm", "Imc1"),
    "texture_information_correlation_2": ("glcm", "Imc2"),
}


class PyRadiomics(nn.Module):
    """`TorchRadiomics` with every descriptor that pyradiomics defines measured by it, image by image on the CPU.

    Same names, order and shapes, so that one can replace the other under the same weights. The shared torch functions
    measure the rest, and stand in where pyradiomics is undefined: flat lesions (moments of rounding errors), single
    pixels and lesions without neighbouring pixels.

    Attributes:
        names: the R descriptors in output order, as in `TorchRadiomics`.

    Raises:
        BundleError: at construction, when pyradiomics is not installed.
    """

    names: list[str]

    def __init__(self, color: bool = False) -> None:
        super().__init__()
        try:
            from radiomics import firstorder, glcm, shape2D
        except ImportError as error:
            raise BundleError(
                "PyRadiomics needs the package pyradiomics, which is not installed: "
                "install requirements.txt, or use TorchRadiomics."
            ) from error
        logging.getLogger("radiomics").setLevel(logging.ERROR)
        self._classes = {
            "shape2D": shape2D.RadiomicsShape2D,
            "firstorder": firstorder.RadiomicsFirstOrder,
            "glcm": glcm.RadiomicsGLCM,
        }
        self._torch = TorchRadiomics(color)
        self.names = list(self._torch.names)

    def forward(self, image: Tensor, mask: Tensor, valid: Tensor | None = None) -> Tensor:
        """Measure; arguments and result as in `TorchRadiomics.forward`."""
        values = self._torch(image, mask, valid)
        pixels = image.mean(dim=1).detach().to("cpu", torch.float64).numpy()
        lesions = mask[:, 0].detach().cpu().numpy() > 0.5
        for index, (grey, lesion) in enumerate(zip(pixels, lesions, strict=True)):
            for name, value in self.measure(grey, lesion).items():
                if np.isfinite(value):
                    values[index, self.names.index(name)] = value
        return values

    def measure(self, image: np.ndarray, mask: np.ndarray) -> dict[str, float]:
        """pyradiomics' values of one lesion.

        Args:
            image: (H, W) float.
            mask: (H, W) bool.

        Returns:
            Descriptors by name; NaN or absent where pyradiomics has no value.
        """
        import SimpleITK as sitk

        if mask.sum() < 2:
            return {}
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        crop = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        inside = mask[crop]
        grey = image[crop]
        connected = (
            (inside[1:] & inside[:-1]).any()
            or (inside[:, 1:] & inside[:, :-1]).any()
            or (inside[1:, 1:] & inside[:-1, :-1]).any()
            or (inside[1:, :-1] & inside[:-1, 1:]).any()
        )
        flat = np.ptp(grey[inside]) == 0
        groups = ["shape2D"] + ([] if flat else ["firstorder"]) + (["glcm"] if connected and not flat else [])
        image_itk, mask_itk = sitk.GetImageFromArray(grey[None]), sitk.GetImageFromArray(inside[None].astype(np.uint8))
        found: dict[str, float] = {}
        for group in groups:
            wanted = {feature: name for name, (owner, feature) in PYRADIOMICS.items() if owner == group}
            measured = self._classes[group](image_itk, mask_itk, force2D=True, force2Ddimension=0, binCount=32)
            for feature in wanted:
                measured.enableFeatureByName(feature)
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                results = measured.execute()
            found.update({wanted[feature]: float(value) for feature, value in results.items()})
        if "echo_excess_kurtosis" in found:
            found["echo_excess_kurtosis"] -= 3
        return found

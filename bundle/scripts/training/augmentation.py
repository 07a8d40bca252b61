"""What varies between ultrasound machines and operators: gain, depth compensation, speckle, burnt-in marks.

Flips top to bottom are not among them: gravity, shadows and enhancement point down.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from torch import Tensor
from torch.nn import functional as F


class _RandUltrasoundd(RandomizableTransform, MapTransform):
    """Common part: draw once per item, change every key in the same way, keep values in [0, 1] and padding at zero."""

    def __init__(self, keys: KeysCollection, prob: float, allow_missing_keys: bool = False) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)

    #: Black ground is padding or shadow: it stays black, unless what is added also lies there.
    keep_black = True

    @abstractmethod
    def change(self, image: Tensor) -> Tensor:
        """Change one image (C, H, W), without touching it."""

    @abstractmethod
    def draw(self) -> None:
        """Draw the parameters of one item from ``self.R``."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        self.randomize(None)
        if self._do_transform:
            self.draw()
            for key in self.key_iterator(d):
                changed = self.change(d[key]).clamp(0.0, 1.0)
                d[key] = changed * (d[key] > 0) if self.keep_black else changed
        return d


class RandGaind(_RandUltrasoundd):
    """Gain and dynamic range: ``image ** gamma * gain``.

    Args:
        keys: images (C, H, W) in [0, 1].
        prob: probability.
        gain: range of the factor.
        gamma: range of the exponent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.5,
        gain: tuple[float, float] = (0.7, 1.4),
        gamma: tuple[float, float] = (0.7, 1.5),
    ) -> None:
        super().__init__(keys, prob)
        self.gain, self.gamma = gain, gamma

    def draw(self) -> None:
        self._gain, self._gamma = self.R.uniform(*self.gain), self.R.uniform(*self.gamma)

    def change(self, image: Tensor) -> Tensor:
        return image.clamp(min=1e-4) ** self._gamma * self._gain


class RandDepthGaind(_RandUltrasoundd):
    """Time-gain compensation: a smooth factor that varies with depth alone.

    Args:
        keys: images (C, H, W) in [0, 1].
        prob: probability.
        strength: largest relative change.
        controls: number of sliders.
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.3, strength: float = 0.35, controls: int = 5) -> None:
        super().__init__(keys, prob)
        self.strength, self.controls = strength, controls

    def draw(self) -> None:
        self._sliders = torch.as_tensor(1.0 + self.R.uniform(-self.strength, self.strength, (1, 1, self.controls)))

    def change(self, image: Tensor) -> Tensor:
        factor = F.interpolate(self._sliders.to(image.dtype), image.shape[-2], mode="linear", align_corners=True)
        return image * factor.reshape(1, -1, 1)


class RandSpeckled(_RandUltrasoundd):
    """Multiplicative speckle of a random grain.

    Args:
        keys: images (C, H, W) in [0, 1].
        prob: probability.
        strength: largest standard deviation of the factor.
        grain: range of the grain's size in pixels.
    """

    def __init__(
        self, keys: KeysCollection, prob: float = 0.3, strength: float = 0.25, grain: tuple[float, float] = (1.0, 3.0)
    ) -> None:
        super().__init__(keys, prob)
        self.strength, self.grain = strength, grain

    def draw(self) -> None:
        self._strength = self.R.uniform(0.05, self.strength)
        self._grain = self.R.uniform(*self.grain)
        self._seed = int(self.R.randint(2**31))

    def change(self, image: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(self._seed)
        height, width = image.shape[-2:]
        coarse = (max(int(height / self._grain), 2), max(int(width / self._grain), 2))
        noise = torch.randn((1, 1, *coarse), generator=generator, dtype=image.dtype)
        noise = F.interpolate(noise, (height, width), mode="bilinear", align_corners=False)[0]
        return image * (1.0 + self._strength * noise / noise.std().clamp(min=1e-3))


class RandBurntInMarksd(_RandUltrasoundd):
    """Caliper crosses, dotted lines and letter-like strokes, so that they mean nothing.

    They are shortcuts: operators measure what worries them.

    Args:
        keys: images (C, H, W) in [0, 1].
        prob: probability.
        largest: most marks in one image.
    """

    keep_black = False

    def __init__(self, keys: KeysCollection, prob: float = 0.3, largest: int = 4) -> None:
        super().__init__(keys, prob)
        self.largest = largest

    def draw(self) -> None:
        self._marks = [
            (self.R.randint(3), self.R.uniform(0.05, 0.95, 4), self.R.uniform(0.6, 1.0))
            for _ in range(self.R.randint(1, self.largest + 1))
        ]

    def change(self, image: Tensor) -> Tensor:
        image = image.clone()
        height, width = image.shape[-2:]
        arm = max(height // 48, 2)
        for kind, (y0, x0, y1, x1), value in self._marks:
            row, column = int(y0 * height), int(x0 * width)
            if kind == 0:  # caliper cross
                image[:, max(row - arm, 0) : row + arm + 1, column] = value
                image[:, row, max(column - arm, 0) : column + arm + 1] = value
            elif kind == 1:  # dotted line between two calipers
                steps = torch.linspace(0, 1, max(height // 8, 8))
                rows = ((y0 + steps * (y1 - y0)) * height).long()
                columns = ((x0 + steps * (x1 - x0)) * width).long()
                image[:, rows, columns] = value
            else:  # strokes like letters
                for i in range(4):
                    left = min(column + 2 * arm * i, width - 1)
                    image[:, row : row + 2 * arm, left] = value
                    image[:, min(row + arm * (i % 3), height - 1), left : left + arm] = value
        return image

"""Blocks of EfficientNet-Lite, as timm's; importing timm takes longer than all else that a network's making takes."""

import math

from torch import Tensor, nn
from torch.nn import functional as F

#: TensorFlow's, which the ImageNet weights were trained with.
EPSILON = 1e-3


class SameConv2d(nn.Conv2d):
    """A convolution of stride 2 without bias, padded as TensorFlow does ("SAME"): of sides that are even.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel: odd size of the kernel.
        groups: as in torch.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, groups: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, 2, groups=groups, bias=False)
        self.before, self.after = (kernel - 2) // 2, (kernel - 1) // 2

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, [self.before, self.after, self.before, self.after])
        return self._conv_forward(x, self.weight, self.bias)


def depthwise(channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution of each channel by itself."""
    if stride == 2:
        return SameConv2d(channels, channels, kernel, channels)
    return nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)


def normalization(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation as the weights were trained with it."""
    return nn.BatchNorm2d(channels, eps=EPSILON)


class DepthwiseSeparable(nn.Module):
    """Each channel by itself, then all of them together (Howard et al., MobileNets, 2017)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv_dw, self.bn1 = depthwise(in_channels, kernel), normalization(in_channels)
        self.conv_pw, self.bn2 = nn.Conv2d(in_channels, out_channels, 1, bias=False), normalization(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.bn1(self.conv_dw(x)), inplace=True)
        return self.bn2(self.conv_pw(x))


class InvertedResidual(nn.Module):
    """Six times the channels, each by itself, and back, with a shortcut (Sandler et al., MobileNetV2, CVPR 2018)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        width = 6 * in_channels
        self.conv_pw, self.bn1 = nn.Conv2d(in_channels, width, 1, bias=False), normalization(width)
        self.conv_dw, self.bn2 = depthwise(width, kernel, stride), normalization(width)
        self.conv_pwl, self.bn3 = nn.Conv2d(width, out_channels, 1, bias=False), normalization(out_channels)
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.bn1(self.conv_pw(x)), inplace=True)
        y = F.relu6(self.bn2(self.conv_dw(y)), inplace=True)
        y = self.bn3(self.conv_pwl(y))
        return y + x if self.shortcut else y


def inverted_residuals(in_channels: int, out_channels: int, kernel: int, stride: int, depth: int) -> nn.Sequential:
    """A row of blocks, of which the first may halve the resolution."""
    first = InvertedResidual(in_channels, out_channels, kernel, stride)
    return nn.Sequential(first, *(InvertedResidual(out_channels, out_channels, kernel) for _ in range(depth - 1)))


def init_convolutions(module: nn.Module) -> None:
    """Random weights as EfficientNet's authors draw them: variance 2 over what each value goes to."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            fan_out = part.kernel_size[0] * part.kernel_size[1] * part.out_channels // part.groups
            nn.init.normal_(part.weight, 0, math.sqrt(2.0 / fan_out))

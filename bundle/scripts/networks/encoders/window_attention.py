"""Blocks of TinyViT: attention within windows, with a bias for each distance, and convolutions between."""

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvNorm(nn.Sequential):
    """A convolution without bias and batch normalisation; the resolution changes by the stride alone."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        convolution = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(OrderedDict(c=convolution, bn=nn.BatchNorm2d(out_channels)))


class ExpandedConv(nn.Module):
    """Four times the channels, each by itself, and back, with a shortcut (MBConv of TinyViT)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(channels, 4 * channels)
        self.conv2 = ConvNorm(4 * channels, 4 * channels, 3, groups=4 * channels)
        self.conv3 = ConvNorm(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.conv3(y))


class Merging(nn.Module):
    """From one stage to the next: other channels, and every second pixel where the stride is 2."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, out_channels)
        self.conv2 = ConvNorm(out_channels, out_channels, 3, stride, out_channels)
        self.conv3 = ConvNorm(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class WindowAttention(nn.Module):
    """Self-attention among the cells of a window, biased by how many rows and columns lie between two of them.

    Args:
        channels: of a cell.
        heads: attention heads.
        window: cells along each side.
    """

    bias_index: Tensor

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        rows, columns = torch.arange(window).repeat_interleave(window), torch.arange(window).repeat(window)
        apart = (rows[:, None] - rows).abs() * window + (columns[:, None] - columns).abs()
        self.register_buffer("bias_index", apart.flatten(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Cells of each window (N, window * window, C) -> the same shape."""
        windows, cells, channels = x.shape
        # Of each head its query, key and value, one after the other.
        qkv = self.qkv(self.norm(x)).reshape(windows, cells, self.heads, 3 * channels // self.heads).transpose(1, 2)
        q, k, v = qkv.chunk(3, dim=-1)
        bias = self.attention_biases.index_select(1, self.bias_index).reshape(1, self.heads, cells, cells)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return self.proj(out.transpose(1, 2).reshape(windows, cells, channels))


class Mlp(nn.Module):
    """Normalisation and two linear layers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class WindowBlock(nn.Module):
    """Attention within windows, a convolution across their borders, and an MLP.

    Args:
        channels: of the map.
        heads: attention heads.
        window: cells along each side of a window.
    """

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.attn = WindowAttention(channels, heads, window)
        self.mlp = Mlp(channels)
        self.local_conv = ConvNorm(channels, channels, 3, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) -> the same shape."""
        x = self.local_conv(x + self.attend(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return x + self.mlp(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def attend(self, x: Tensor) -> Tensor:
        """Cells (B, H, W, C) -> what attention makes of them. Windows at the end hold zeros beside the map's cells,
        which take part as TinyViT was trained with them."""
        batch, height, width, channels = x.shape
        side = self.window
        x = F.pad(x, [0, 0, 0, -width % side, 0, -height % side])
        down, across = math.ceil(height / side), math.ceil(width / side)
        x = x.reshape(batch, down, side, across, side, channels).transpose(2, 3)
        x = self.attn(x.reshape(batch * down * across, side * side, channels))
        x = x.reshape(batch, down, across, side, side, channels).transpose(2, 3)
        return x.reshape(batch, down * side, across * side, channels)[:, :height, :width]

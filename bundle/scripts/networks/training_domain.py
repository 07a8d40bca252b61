"""Is an image of the kind that the network was trained on?"""


import torch
from torch import Tensor, nn

from .encoders.blocks import DETAIL_CHANNELS, SKIP_CHANNELS


class TrainingDomain(nn.Module):
    """How far an image lies from the training images, by the Mahalanobis distance of its features.

    As Lee et al. (NeurIPS 2018) tell what a network does not know. Features are mean and standard deviation over the
    image of each channel of the encoder's finer maps (S/2 to S/8): they tell one kind of image from another, and
    change less than the embedding with the scanner.

    Until it is fitted every distance is 0.
    """

    FEATURES = 2 * (sum(SKIP_CHANNELS) + DETAIL_CHANNELS)

    center: Tensor
    whitening: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(self.FEATURES))
        self.register_buffer("whitening", torch.zeros(self.FEATURES, self.FEATURES))

    def features(self, skip8: Tensor, skip4: Tensor, detail: Tensor) -> Tensor:
        """Maps (B, C, H, W) of the image encoder -> features (B, 224)."""
        maps = [skip8.float(), skip4.float(), detail.float()]
        return torch.cat([torch.cat([m.mean(dim=(2, 3)), m.flatten(2).std(dim=2)], dim=1) for m in maps], dim=1)

    def forward(self, skip8: Tensor, skip4: Tensor, detail: Tensor) -> Tensor:
        """Maps (B, C, H, W) -> squared distance in units of its limit (B, 1): above 1 the image is of another kind."""
        centered = self.features(skip8, skip4, detail) - self.center
        return (centered @ self.whitening).pow(2).sum(dim=1, keepdim=True)

    @torch.jit.unused
    def is_fitted(self) -> bool:
        """Whether distances mean anything."""
        return bool(self.whitening.any())

    @torch.jit.unused
    def forget(self) -> None:
        """Distances say nothing of features that training has changed."""
        self.center.zero_()
        self.whitening.zero_()

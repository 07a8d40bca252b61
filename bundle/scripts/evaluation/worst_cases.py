"""The cases with the lowest Dice, as pictures: failures are to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
from ignite.engine import Engine
from monai.utils import convert_to_tensor
from PIL import Image, ImageDraw

from scripts.data import LoadUltrasoundd
from scripts.epochs import EpochHandler
from scripts.writing.drawing import FAINT, PREDICTED_COLOR, TEXT, TRUE_COLOR, draw_contour, font_of, png_bytes
from scripts.writing.files import write_whole

from .measures import overlap

_TILE, _CAPTION, _COLUMNS = 300, 40, 5


class WorstCases(EpochHandler):
    """At the end of an evaluation, writes ``worst.png``: true outline blue, emitted outline orange, lowest Dice first.

    Args:
        output_dir: where the picture goes.
        number: how many cases.
        mask_key: in the output, the emitted mask, shape (1, H, W), native grid.
        label_key: in the item, the true mask, same form; beside it ``diagnosis``.
    """

    def __init__(
        self, output_dir: str | Path, number: int = 20, mask_key: str = "mask", label_key: str = "label"
    ) -> None:
        self.output_dir, self.number = Path(output_dir), number
        self.mask_key, self.label_key = mask_key, label_key
        self.worst: dict[str, dict[str, Any]] = {}

    def start(self, engine: Engine) -> None:
        """Forget an earlier run."""
        self.worst = {}

    def measure(self, engine: Engine) -> None:
        """Keep the worst of those seen so far."""
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            true, found = (
                convert_to_tensor(values, track_meta=False, device="cpu")[0] > 0
                for values in (item[self.label_key], output[self.mask_key])
            )
            if true.any():
                path = str(output["image"].meta["filename_or_obj"])
                case = {"dice": overlap(found, true)[0], "true": true.numpy(), "found": found.numpy()}
                self.worst[path] = case | {"diagnosis": item["diagnosis"]}
        self.worst = self._lowest(self.worst)

    def finish(self, engine: Engine) -> None:
        """Draw, on the first process."""
        worst = self._lowest({path: case for part in idist.all_gather(self.worst) for path, case in part.items()})
        if idist.get_rank() == 0 and worst:
            tiles = [self._tile(path, case) for path, case in worst.items()]
            rows = -(-len(tiles) // _COLUMNS)
            sheet = Image.new("RGB", (_COLUMNS * _TILE, rows * (_TILE + _CAPTION)))
            for i, tile in enumerate(tiles):
                sheet.paste(tile, (i % _COLUMNS * _TILE, i // _COLUMNS * (_TILE + _CAPTION)))
            write_whole(self.output_dir / "worst.png", png_bytes(sheet))

    def _lowest(self, cases: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return dict(sorted(cases.items(), key=lambda case: (case[1]["dice"], case[0]))[: self.number])

    @staticmethod
    def _tile(path: str, case: dict[str, Any]) -> Image.Image:
        picture = (LoadUltrasoundd("image")({"image": path})["image"].numpy() * 255).astype(np.uint8)
        canvas = np.ascontiguousarray(np.broadcast_to(picture, (3, *picture.shape[1:])).transpose(1, 2, 0))
        draw_contour(canvas, case["true"], TRUE_COLOR)
        draw_contour(canvas, case["found"], PREDICTED_COLOR)
        image = Image.fromarray(canvas)
        image.thumbnail((_TILE - 6, _TILE - 6))
        tile = Image.new("RGB", (_TILE, _TILE + _CAPTION))
        tile.paste(image, ((_TILE - image.width) // 2, _CAPTION + (_TILE - image.height) // 2))
        draw = ImageDraw.Draw(tile)
        draw.text((6, 2), Path(path).name, fill=TEXT, font=font_of(14))
        draw.text((6, 20), f"{case['diagnosis']}, Dice {case['dice']:.2f}", fill=FAINT, font=font_of(14))
        return tile

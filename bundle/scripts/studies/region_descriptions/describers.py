"""A vision-language model of `transformers` that describes the painted lesion of a picture."""

from __future__ import annotations

from typing import Any

from PIL import Image

from scripts.errors import BundleError

PROMPT = (
    "One region of this {title} image is painted in {color}. Describe the painted region alone, in one sentence: "
    "{terms}, and where it lies in the image. Do not name a diagnosis."
)


class VisionLanguageModel:
    """Writes a sentence about the painted region of a picture.

    Args:
        name: folder, or name that the hub knows, of a model for the pipeline ``image-text-to-text``.
        prompt: what it is asked.
        longest: new tokens.

    Raises:
        BundleError: `transformers` is missing, or the model cannot be loaded.
    """

    def __init__(self, name: str, prompt: str, longest: int = 120) -> None:
        try:
            import transformers
        except ImportError as error:
            raise BundleError(
                "A vision-language model needs the package transformers: install it with: "
                "pip install -r requirements-language.txt"
            ) from error
        try:
            self.pipeline: Any = transformers.pipeline("image-text-to-text", model=name)
        except Exception as error:  # OSError, ValueError, KeyError ... as hub and files fail
            reason = (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")
            raise BundleError(
                f'The vision-language model "{name}" cannot be loaded ({reason}); give the folder of one for the '
                "pipeline image-text-to-text, or leave --vision_language_model out for measured texts."
            ) from error
        self.prompt, self.longest = prompt, longest

    def __call__(self, painted: Image.Image) -> str:
        """The sentence about one painted picture."""
        content = [{"type": "image", "image": painted}, {"type": "text", "text": self.prompt}]
        told = self.pipeline(
            text=[{"role": "user", "content": content}], max_new_tokens=self.longest, return_full_text=False
        )
        return " ".join(str(told[0]["generated_text"]).split())

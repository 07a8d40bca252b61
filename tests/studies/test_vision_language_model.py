"""A vision-language model of `transformers` describes painted lesions: a tiny random one, through the real pipeline."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.errors import BundleError
from scripts.semantics.lexicons.breast_ultrasound import make_lexicon
from scripts.studies.region_descriptions import FILE_NAME, VisionLanguageModel, write_region_descriptions

SMALL = Path(__file__).resolve().parents[2] / "bundle" / "models" / "small_language"
TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)
transformers = pytest.importorskip("transformers", reason="needs requirements-language.txt")


@pytest.fixture
def folder(tmp_path):
    """LLaVA with one layer at each side, as `save_pretrained` writes it."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(SMALL)
    tokenizer.add_tokens(["<image>"], special_tokens=True)
    one = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**one, image_size=32, patch_size=16),
        text_config=transformers.LlamaConfig(**one, vocab_size=len(tokenizer), eos_token_id=1, pad_token_id=0),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    torch.manual_seed(0)
    transformers.LlavaForConditionalGeneration(config).save_pretrained(tmp_path / "model")
    images = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    options = {"patch_size": 16, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    processor = transformers.LlavaProcessor(images, tokenizer, chat_template=TEMPLATE, **options)
    processor.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def load(item):
    rows, columns = np.mgrid[:64, :64]
    mask = ((rows - 30) / 12) ** 2 + ((columns - 30) / 16) ** 2 < 1
    return {"image": torch.tensor(np.where(mask, 0.2, 0.5)[None]), "label": torch.tensor(mask[None])}


def test_each_painted_lesion_gets_the_text_of_the_model(folder, tmp_path):
    describe = VisionLanguageModel(str(folder), "Describe the painted region.", longest=5)
    write_region_descriptions([{"image": "a.png"}], load, make_lexicon(), tmp_path / "out", describe)
    (line,) = map(json.loads, (tmp_path / "out" / FILE_NAME).read_text().splitlines())
    assert line["text"] and "Describe the painted region" not in line["text"]
    with pytest.raises(BundleError, match='The vision-language model ".*nothing" cannot be loaded'):
        VisionLanguageModel(str(tmp_path / "nothing"), "Describe.")

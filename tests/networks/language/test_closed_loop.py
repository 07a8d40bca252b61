"""The loop: what flows where, what is drawn, what a file of it holds."""

import pytest
import torch

from scripts.errors import BundleError
from scripts.networks import ClosedLoop
from scripts.networks.language import SEG, load_language_model, load_loop, save_loop, stand_on

QUESTIONS = ["Outline the lesion.", "Outline the small lesion in the upper left and describe it."]
ANSWERS = [f"A lesion. {SEG} A lesion. {SEG}", "There is no lesion of that kind."]


@pytest.fixture()
def make_loop(folder_of, make_network):
    def make(architecture="Llama", lora_rank=0, **options):
        torch.manual_seed(1)
        model = load_language_model(str(folder_of(architecture)), lora_rank=lora_rank)
        return ClosedLoop(make_network(), model, **options)

    return make


def images():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("architecture", ("Llama", "Qwen2"))
@pytest.mark.parametrize("loop", ("one_way", "both_ways", "full"))
def test_each_seg_draws_a_mask(make_loop, architecture, loop):
    network = make_loop(architecture, loop=loop, lora_rank=2)
    outputs = network(images(), QUESTIONS, ANSWERS)
    assert outputs["drawn"].tolist() == [[True, True], [False, False]]
    assert outputs["mask_logits"].shape == (2, 64, 64)
    assert len(outputs["token_logits"]) == len(outputs["tokens"])
    assert outputs["tokens"].tolist().count(network.language.seg) == 2


def test_words_see_the_image_except_in_one_way(make_loop):
    for loop, sees in (("one_way", False), ("both_ways", True)):
        network = make_loop(loop=loop).eval()
        told = [network(image, QUESTIONS, ANSWERS)["token_logits"] for image in (images(), 1 - images())]
        assert torch.allclose(*told) != sees


def test_only_the_full_loop_adds_to_the_embedding(make_loop):
    for loop, adds in (("one_way", False), ("both_ways", False), ("full", True)):
        network = make_loop(loop=loop).eval()
        before = network(images(), QUESTIONS, ANSWERS)["mask_logits"]
        torch.nn.init.normal_(network.to_image[2].weight)
        after = network(images(), QUESTIONS, ANSWERS)["mask_logits"]
        assert torch.allclose(before, after) != adds


def test_what_flows_back_knows_the_question_in_a_prefix_alone(make_loop):
    for order in ("causal", "prefix"):
        network = make_loop(order=order).eval()
        seen = []
        network.to_image.register_forward_hook(lambda module, given, out, seen=seen: seen.append(given[0]))
        for question in QUESTIONS:
            network(images()[:1], [question], ANSWERS[:1])
        assert torch.allclose(*seen, atol=1e-5) == (order == "causal")


def test_features_kept_before_give_what_images_give(make_loop):
    network = make_loop().eval()
    kept = network.encode(images())
    direct, later = (network(given, QUESTIONS, ANSWERS)["mask_logits"] for given in (images(), kept))
    assert torch.allclose(direct, later, atol=1e-5)


def test_an_answer_is_what_training_would_predict(make_loop):
    """Overfitted on two answers, the network writes them, and draws in use what it draws in training; questions of
    different lengths do not disturb each other."""
    network = make_loop()
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], 0.005)
    for _ in range(60):
        outputs = network(images(), QUESTIONS, ANSWERS)
        loss = torch.nn.functional.cross_entropy(outputs["token_logits"], outputs["tokens"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    told = network.answer(images(), QUESTIONS)
    assert [answer.text for answer in told] == ANSWERS
    taught = network(images(), QUESTIONS, ANSWERS)["mask_logits"]
    assert told[1].masks.shape == (0, 64, 64) and torch.allclose(told[0].masks, taught, atol=1e-3)
    alone = network.answer(images()[:1], QUESTIONS[:1])[0]
    assert alone.text == ANSWERS[0] and torch.allclose(alone.masks, taught, atol=1e-3)


def test_the_default_network_stays_as_it_is(make_loop):
    network = make_loop().train()
    assert not any(parameter.requires_grad for parameter in network.base.parameters())
    assert not network.base.training and network.mask_decoder.training
    assert not any(name.startswith("base.") for name in network.loop_state())


@pytest.mark.parametrize("lora_rank", (0, 2))
def test_a_saved_loop_comes_back(make_loop, tmp_path, lora_rank):
    weights = tmp_path / "model.pt"
    torch.save({"a": torch.ones(1)}, weights)
    network = stand_on(make_loop(lora_rank=lora_rank), weights).eval()
    torch.nn.init.normal_(network.to_image[2].weight)
    save_loop(network, tmp_path / "loop.pt")
    other = load_loop(stand_on(make_loop(lora_rank=lora_rank), weights), tmp_path / "loop.pt").eval()
    one, two = (each(images(), QUESTIONS, ANSWERS)["mask_logits"] for each in (network, other))
    assert torch.allclose(one, two, atol=0.05)  # half precision


def test_a_loop_of_other_weights_or_another_tokenizer_is_refused(make_loop, tmp_path, folder_of):
    weights = tmp_path / "model.pt"
    torch.save({"a": torch.ones(1)}, weights)
    network = stand_on(make_loop(), weights)
    save_loop(network, tmp_path / "loop.pt")
    torch.save({"a": torch.zeros(1)}, weights)
    with pytest.raises(BundleError, match="stands on other default weights .* train it anew"):
        load_loop(stand_on(make_loop(), weights), tmp_path / "loop.pt")
    network.tokenizer_digest.zero_()
    save_loop(network, tmp_path / "other.pt")
    torch.save({"a": torch.ones(1)}, weights)
    with pytest.raises(BundleError, match="trained with another tokenizer"):
        load_loop(stand_on(make_loop(), tmp_path / "model.pt"), tmp_path / "other.pt")
    with pytest.raises(BundleError, match='does not exist; train one with the run "language"'):
        load_loop(network, tmp_path / "gone.pt")


def test_unknown_loops_and_orders_are_refused(make_loop):
    with pytest.raises(BundleError, match='The loop "spiral" is unknown; choose one of one_way'):
        make_loop(loop="spiral")
    with pytest.raises(BundleError, match='The order "backwards" is unknown'):
        make_loop(order="backwards")

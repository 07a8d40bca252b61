"""Several lesions of one image are diagnosed in one batch, and none of them knows of the others."""

import pytest
import torch


@pytest.fixture()
def image():
    return torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture()
def inside():
    """Mask probabilities of two lesions."""
    inside = torch.zeros(2, 1, 64, 64)
    inside[0, 0, 8:30, 4:28] = 0.9
    inside[1, 0, 40:52, 36:60] = 0.8
    return inside


@pytest.mark.parametrize("mirror", [False, True])
def test_each_lesion_is_diagnosed_by_itself(make_network, image, inside, mirror):
    network = make_network(mirror=mirror)
    together = network.diagnose(image, inside)
    for number in range(2):
        alone = network.diagnose(image, inside[number : number + 1])
        for name, values in alone.items():
            assert torch.allclose(values[0], together[name][number], atol=1e-5, equal_nan=True), name
    first, second = together["y_sam"]
    assert not torch.allclose(first, second, atol=1e-4)
    assert torch.allclose(together["y_sam"] + together["y_rad"], together["diagnosis_logits"], atol=1e-5)


def test_mirrored_lesions_have_the_same_answer(make_network, image, inside):
    """Boxes and masks of the second view lie where that view shows the lesion."""
    network = make_network(mirror=True)
    seen, mirrored = network.diagnose(image, inside), network.diagnose(image.flip(-1), inside.flip(-1))
    for name in ("y_sam", "reliability"):
        assert torch.allclose(seen[name], mirrored[name], atol=1e-5), name


def test_a_network_in_training_stays_in_training_and_answers_as_in_evaluation(make_network, image, inside):
    network = make_network()
    expected = network.diagnose(image, inside)["diagnosis_logits"]
    network.train()
    assert torch.equal(network.diagnose(image, inside)["diagnosis_logits"], expected) and network.training

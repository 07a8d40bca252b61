"""What stands on weights knows them again after a new calibration, and no others."""

import torch

from scripts.networks.digests import learned_digest


def test_another_calibration_does_not_make_other_weights(make_network, tmp_path) -> None:
    def digest(network) -> str:
        torch.save(network.state_dict(), tmp_path / "model.pt")
        return learned_digest(tmp_path / "model.pt")

    network = make_network()
    before = digest(network)
    with torch.no_grad():
        network.evidence_threshold.fill_(-1.0)
        network.diagnosis_temperature.fill_(2.0)
        network.evidence_gate.head.weight[1] *= 1.5
        assert digest(network) == before
        network.mask_decoder.mask_tokens.weight[0, 0] += 1e-3
        assert digest(network) != before

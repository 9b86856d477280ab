from pathlib import Path

import pytest
import torch

from matchcut.shots.boundary import load_network, read_network, write_network
from matchcut.shots.boundary_network import BoundaryNetwork
from matchcut.shots.training.average import averaged, main


def test_every_weight_is_the_mean_of_the_networks():
    torch.manual_seed(1)
    networks = [BoundaryNetwork() for _ in range(3)]
    states = [network.state_dict() for network in networks]
    for name, value in averaged(networks).state_dict().items():
        torch.testing.assert_close(value.float(), torch.stack([s[name].float() for s in states]).mean(dim=0))


def test_the_mean_of_a_network_with_itself_is_written_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    one, out = tmp_path / "one.npz", tmp_path / "mean.npz"
    write_network(load_network(), one)
    monkeypatch.setattr("sys.argv", ["average", str(one), str(one), "--out", str(out)])
    main()
    assert "SHA-256" in capsys.readouterr().out
    expected = read_network(one).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in read_network(out).state_dict().items())

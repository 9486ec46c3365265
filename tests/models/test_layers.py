"""Rotary positions are the rotation of their paper; normalised queries and keys have one length."""

import torch

from nanoknow.models.layers import Rotation


def test_a_rotation_turns_each_pair_by_its_position_times_its_frequency() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 2, 8, generator=generator)  # (N, h, d/h)
    positions = torch.tensor([0, 1, 2, 11, 3])
    pairs = torch.complex(x[..., :4], x[..., 4:])
    frequencies = torch.tensor([1.0, 0.1, 0.01, 0.001])
    turned = pairs * torch.exp(1j * positions[:, None, None] * frequencies)
    expected = torch.cat([turned.real, turned.imag], -1)
    torch.testing.assert_close(Rotation(torch.arange(12), 8)(x, positions), expected)


def test_products_of_turned_queries_and_keys_depend_on_distance_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 1, 3, 16, generator=generator)
    rotation = Rotation(torch.arange(100), 16)

    def product(i: int, j: int) -> torch.Tensor:
        turned: torch.Tensor = (
            rotation(q, torch.tensor([i])) * rotation(k, torch.tensor([j]))
        ).sum(-1)
        return turned

    torch.testing.assert_close(product(20, 13), product(99, 92), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(product(20, 13), product(20, 14), atol=1e-2)

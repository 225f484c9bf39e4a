"""Random streams, one for each subject: asking for more of one thing never changes another."""

from zlib import crc32

import numpy as np

from podshop.domain.money import F32


def stream(seed: int, subject: str) -> np.random.Generator:
    """The generator of one subject of a world.

    Args:
        seed: of the world, not negative.
        subject: such as "news"; its checksum names the branch of the seed sequence.
    """
    branch = np.random.SeedSequence(seed, spawn_key=(crc32(subject.encode()),))
    return np.random.Generator(np.random.SFC64(branch))


def heavy(rng: np.random.Generator, shape: tuple[int, ...], freedom: float) -> F32:
    """Student t of variance 1: a normal over the root of an independent gamma.

    Args:
        rng: the subject's stream.
        shape: of the result.
        freedom: degrees of freedom, above 2.
    """
    root = rng.standard_gamma(freedom / 2.0, shape, dtype=np.float32)
    np.maximum(root, np.float32(1e-6), out=root)
    np.divide(np.float32((freedom - 2.0) / 2.0), root, out=root)
    np.sqrt(root, out=root)
    root *= rng.standard_normal(shape, dtype=np.float32)
    return root

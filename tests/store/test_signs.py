import numpy as np
import pytest

from store.signs import LEAST_NAMED, Signs


def clustered(count, dimension=384, *, seed=0):
    """Vectors that differ in 40 directions, in some more than in others, as those of sentences do."""
    directions = (
        np.random.default_rng(7).standard_normal((40, dimension)) / np.arange(1, 41)[:, np.newaxis] ** 0.5
    )
    made = np.random.default_rng(seed).standard_normal((count, 40)) @ directions
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def test_nearly_all_of_the_nearest_are_among_the_likely():
    vectors, asked = clustered(20_000), clustered(50, seed=1)
    index = Signs(384)
    index.put(range(20_000), vectors)
    shares = [len({*np.argsort(-(vectors @ one))[:60]} & {*index.likely(one, 60)}) / 60 for one in asked]

    assert np.mean(shares) > 0.99


def test_of_a_few_all_are_likely():
    index = Signs(8)
    index.put(range(LEAST_NAMED), clustered(LEAST_NAMED, 8))

    assert set(range(LEAST_NAMED)) == set(index.likely(clustered(1, 8)[0], 1))


@pytest.mark.parametrize("dimension", [1, 2, 31, 32, 33, 384, 768, 1000])
def test_any_dimension_will_do(dimension):
    vectors = clustered(3000, dimension)
    index = Signs(dimension)
    index.put(range(3000), vectors)
    nearest = int(np.argmax(vectors @ vectors[7]))

    assert 3000 == len(index)
    assert dimension < 31 or nearest in index.likely(vectors[7], 5)


def test_what_is_dropped_is_gone_and_the_others_stay():
    vectors = clustered(300)
    index = Signs(384)
    index.put(range(300), vectors)
    index.drop([*range(0, 300, 2), 299, 299, 1000])
    left = {*range(1, 299, 2)}

    assert len(left) == len(index)
    assert left == set(index.likely(vectors[0], 300))
    assert all(id in index.likely(vectors[id], 1) for id in left)

"""The prefix cache, over a memory that is a list of lists."""

from daemon.engine.prefix_cache import PrefixCache


class ListMemory:
    """What a context would hold, sequence by sequence."""

    def __init__(self, sequences):
        self.sequences = [[] for _ in range(sequences)]

    def cut(self, sequence, length):
        del self.sequences[sequence][length:]
        return True

    def copy(self, source, target, length):
        assert [] == self.sequences[target]
        self.sequences[target] = self.sequences[source][:length]


def fill(memory, slot, tokens):
    memory.sequences[slot.sequence] += tokens[len(slot.tokens) :]
    slot.tokens += tokens[len(slot.tokens) :]


def make(sequences=3):
    memory = ListMemory(sequences)
    return memory, PrefixCache(memory, sequences)


def use(memory, cache, tokens, adapter=None):
    """Take, fill and give back; returns how many tokens were there already."""
    slot = cache.take(tokens, adapter)
    cached = len(slot.tokens)
    assert memory.sequences[slot.sequence] == slot.tokens == tokens[:cached]
    fill(memory, slot, tokens)
    cache.give_back(slot)
    return cached


def test_the_common_beginning_is_kept_but_never_the_whole_prompt():
    memory, cache = make()

    assert 0 == use(memory, cache, [1, 2, 3, 4])
    assert 4 == use(memory, cache, [1, 2, 3, 4, 5])
    assert 4 == use(memory, cache, [1, 2, 3, 4, 5])
    assert 2 == use(memory, cache, [1, 2, 9])


def test_another_prompt_with_a_short_common_beginning_gets_a_copy_and_the_long_one_stays():
    memory, cache = make()
    long = list(range(100))
    use(memory, cache, long)

    assert 3 == use(memory, cache, [0, 1, 2, 777])
    assert 99 == use(memory, cache, long)


def test_a_slot_in_use_is_not_taken_but_its_beginning_may_be_copied():
    memory, cache = make()
    busy = cache.take([1, 2, 3, 4], None)
    fill(memory, busy, [1, 2, 3, 4])

    other = cache.take([1, 2, 3, 4], None)
    assert busy is not other
    assert [1, 2, 3] == other.tokens == memory.sequences[other.sequence]
    assert [1, 2, 3, 4] == memory.sequences[busy.sequence]


def test_the_least_recently_used_goes_first():
    memory, cache = make(2)
    use(memory, cache, [1, 1])
    use(memory, cache, [2, 2])
    use(memory, cache, [1, 1])
    use(memory, cache, [3, 3])

    assert 1 == use(memory, cache, [1, 1])
    assert 0 == use(memory, cache, [2, 2])


def test_room_is_made_from_what_is_remembered_before_what_is_in_use():
    memory, cache = make()
    busy, mine = cache.take([1], None), cache.take([2], None)
    fill(memory, busy, [1])
    fill(memory, mine, [2])
    use(memory, cache, [3])

    assert cache.make_room([mine])
    assert [[1], [2], []] == memory.sequences
    assert cache.make_room([mine])
    assert [] == busy.tokens
    assert not cache.make_room([mine])


def test_nothing_is_shared_between_adapters_and_what_a_dropped_one_computed_is_gone():
    memory, cache = make()
    use(memory, cache, [1, 2, 3])

    assert 0 == use(memory, cache, [1, 2, 3], adapter="a")
    assert 2 == use(memory, cache, [1, 2, 3])
    assert 2 == use(memory, cache, [1, 2, 3], adapter="a")
    cache.drop("a")
    assert [[], [], [1, 2, 3]] == sorted(memory.sequences)
    assert 0 == use(memory, cache, [1, 2, 3], adapter="a")

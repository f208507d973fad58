"""The prefix cache, over a memory that is a list of lists."""

from daemon.engine.prefix_cache import PrefixCache


class ListMemory:
    """What a context would hold, sequence by sequence."""

    def __init__(self, sequences):
        self.held = [[] for _ in range(sequences)]

    def cut(self, sequence, length):
        del self.held[sequence][length:]
        return True

    def copy(self, source, target, length):
        assert [] == self.held[target]
        self.held[target] = self.held[source][:length]


def fill(memory, slot, tokens):
    memory.held[slot.sequence] += tokens[len(slot.tokens) :]
    slot.tokens += tokens[len(slot.tokens) :]


def make(sequences=3):
    memory = ListMemory(sequences)
    return memory, PrefixCache(memory, sequences)


def use(memory, slots, tokens, adapter=None):
    """Take, fill and give back; returns how many tokens were there already."""
    slot = slots.take(tokens, adapter)
    cached = len(slot.tokens)
    assert memory.held[slot.sequence] == slot.tokens == tokens[:cached]
    fill(memory, slot, tokens)
    slots.give_back(slot)
    return cached


def test_the_common_beginning_is_kept_but_never_the_whole_prompt():
    memory, slots = make()

    assert 0 == use(memory, slots, [1, 2, 3, 4])
    assert 4 == use(memory, slots, [1, 2, 3, 4, 5])
    assert 4 == use(memory, slots, [1, 2, 3, 4, 5])
    assert 2 == use(memory, slots, [1, 2, 9])


def test_another_prompt_with_a_short_common_beginning_gets_a_copy_and_the_long_one_stays():
    memory, slots = make()
    long = list(range(100))
    use(memory, slots, long)

    assert 3 == use(memory, slots, [0, 1, 2, 777])
    assert 99 == use(memory, slots, long)


def test_nothing_is_shared_between_adapters():
    memory, slots = make()
    use(memory, slots, [1, 2, 3])

    assert 0 == use(memory, slots, [1, 2, 3], adapter="a")
    assert 2 == use(memory, slots, [1, 2, 3])
    assert 2 == use(memory, slots, [1, 2, 3], adapter="a")


def test_what_a_dropped_adapter_computed_is_gone():
    memory, slots = make()
    use(memory, slots, [1, 2, 3], adapter="a")
    slots.drop("a")

    assert [[], [], []] == memory.held
    assert 0 == use(memory, slots, [1, 2, 3], adapter="a")


def test_a_slot_in_use_is_not_taken_but_its_beginning_may_be_copied():
    memory, slots = make()
    busy = slots.take([1, 2, 3, 4], None)
    fill(memory, busy, [1, 2, 3, 4])

    other = slots.take([1, 2, 3, 4], None)
    assert busy is not other
    assert [1, 2, 3] == other.tokens == memory.held[other.sequence]
    assert [1, 2, 3, 4] == memory.held[busy.sequence]


def test_the_least_recently_used_goes_first():
    memory, slots = make(2)
    use(memory, slots, [1, 1])
    use(memory, slots, [2, 2])
    use(memory, slots, [1, 1])
    use(memory, slots, [3, 3])

    assert 1 == use(memory, slots, [1, 1])
    assert 0 == use(memory, slots, [2, 2])


def test_room_is_made_from_what_is_remembered_before_what_is_in_use():
    memory, slots = make()
    busy, mine = slots.take([1], None), slots.take([2], None)
    fill(memory, busy, [1])
    fill(memory, mine, [2])
    use(memory, slots, [3])

    assert slots.make_room(mine)
    assert [[1], [2], []] == memory.held
    assert slots.make_room(mine)
    assert [] == busy.tokens
    assert not slots.make_room(mine)

"""The prefix cache, over a memory that is a list of lists."""

import pytest

from daemon.engine.prefix_cache import PrefixCache


class ListMemory:
    """What a context would hold, sequence by sequence."""

    def __init__(self, sequences):
        self.sequences = [[] for _ in range(sequences)]
        self.full = False

    def cut(self, sequence, length):
        del self.sequences[sequence][length:]
        return True

    def copy(self, source, target, length):
        assert [] == self.sequences[target]
        self.sequences[target] = self.sequences[source][:length]

    def save(self, sequence):
        return list(self.sequences[sequence])

    def load(self, sequence, saved):
        assert [] == self.sequences[sequence]
        self.sequences[sequence] = list(saved)
        return not self.full


def fill(memory, cache, slot, tokens):
    fresh = tokens[len(slot.tokens) :]
    memory.sequences[slot.sequence] += fresh
    cache.add(slot, fresh)


def make(sequences=3, cells=1000, aside=0):
    memory = ListMemory(sequences)
    return memory, PrefixCache(memory, range(sequences), cells=cells, aside=aside)


def use(memory, cache, tokens, adapter=None):
    """Take, fill and give back, as a request does; returns how many tokens were there already."""
    slot = cache.take(tokens, adapter)
    cached = len(slot.tokens)
    assert memory.sequences[slot.sequence] == slot.tokens == tokens[:cached]
    assert cache.make_room(len(tokens) - cached)
    fill(memory, cache, slot, tokens)
    cache.give_back(slot)
    assert cache.used <= cache.cells
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
    fill(memory, cache, busy, [1, 2, 3, 4])

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


def test_room_is_made_from_the_end_of_what_is_idle_and_never_from_what_is_in_use():
    memory, cache = make(cells=12)
    busy = cache.take([1] * 6, None)
    fill(memory, cache, busy, [1] * 6)
    use(memory, cache, [3, 4, 5, 6, 7])

    assert cache.make_room(3)
    assert [3, 4, 5] in memory.sequences
    assert cache.make_room(6)
    assert not cache.make_room(7)
    assert [1] * 6 == busy.tokens == memory.sequences[busy.sequence]


def test_two_chats_that_together_are_too_long_take_from_each_other_only_what_they_must():
    """Each turn both lose as much as is too much, not all: most of either is still there at its next turn."""
    memory, cache = make(cells=1000)
    one, other = [1] * 520, [2] * 520

    kept = [use(memory, cache, chat + [9] * turn) for turn in range(5) for chat in (one, other)]
    assert all(known >= 450 for known in kept[2:])


def test_a_long_answer_takes_from_the_chat_that_was_not_asked_for_longest():
    memory, cache = make(4, cells=30)
    for chat in ([1] * 10, [2] * 10, [1] * 10 + [5]):
        use(memory, cache, chat)
    use(memory, cache, [3] * 12)

    assert 10 == use(memory, cache, [1] * 10 + [5])
    assert 7 == cache.known([2] * 10, None)


def test_another_chat_with_the_same_long_beginning_leaves_the_first_one_whole():
    """A page's or an agent's system prompt: places belong to chats."""
    memory, cache = make(3)
    system = list(range(100))
    one, other = system + [200] * 40, system + [300] * 40

    assert [0, 100, 139, 139] == [use(memory, cache, chat) for chat in (one, other, one, other)]
    assert 180 == cache.used


@pytest.mark.parametrize("recalled", [[], [7] * 30], ids=["none", "memories before the question"])
def test_a_chat_that_goes_on_keeps_its_place_whatever_stood_before_its_last_answer(recalled):
    memory, cache = make(2)
    history, answer = list(range(100)), list(range(500, 540))
    use(memory, cache, [9] * 50)
    use(memory, cache, [*history, *recalled, 401, *answer])

    assert 100 <= use(memory, cache, [*history, 401, *answer, *recalled, 402])
    assert 49 == use(memory, cache, [9] * 50)


def test_what_several_slots_share_takes_room_once_and_stays_for_the_last_of_them():
    memory, cache = make()
    use(memory, cache, [*range(50), *[100] * 20])
    use(memory, cache, [*range(50), *[200] * 20])
    assert 90 == cache.used
    cache.cells = 60
    assert cache.make_room(0)
    assert [60] == [len(one) for one in memory.sequences if one]
    assert 60 == cache.used


def test_nothing_is_shared_between_adapters_and_what_a_dropped_one_computed_is_gone():
    memory, cache = make()
    use(memory, cache, [1, 2, 3])

    assert 0 == use(memory, cache, [1, 2, 3], adapter="a")
    assert 2 == use(memory, cache, [1, 2, 3])
    assert 2 == use(memory, cache, [1, 2, 3], adapter="a")
    cache.drop("a")
    assert [[], [], [1, 2, 3]] == sorted(memory.sequences)
    assert 0 == use(memory, cache, [1, 2, 3], adapter="a")


def test_an_idle_chat_is_set_aside_and_comes_back_whole():
    memory, cache = make(aside=2000)
    one, other = list(range(600)), [7, *range(2000, 2400)]
    use(memory, cache, one)
    cache.set_aside()

    assert 0 == cache.used and not any(memory.sequences)
    assert 600 == cache.known(one, None)
    assert 0 == use(memory, cache, other)
    assert 600 == use(memory, cache, [*one, 1, 2])
    assert 602 == cache.used  # the other one left for it
    assert 401 == use(memory, cache, [*other, 1])


def test_few_idle_tokens_and_those_in_use_stay_where_they_are():
    memory, cache = make(aside=2000)
    use(memory, cache, list(range(100)))
    busy = cache.take(list(range(1000, 1600)), None)
    fill(memory, cache, busy, list(range(1000, 1600)))
    cache.set_aside()

    assert 700 == cache.used
    cache.give_back(busy)
    cache.set_aside()
    assert 0 == cache.used


def test_what_is_set_aside_is_bounded_dropped_with_its_adapter_and_given_to_no_other():
    memory, cache = make(aside=1000)
    for start, adapter in ((0, None), (5000, "a"), (10_000, None)):
        use(memory, cache, list(range(start, start + 600)), adapter)
        cache.set_aside()

    assert 0 == cache.known(list(range(600)), None)  # the oldest had to go
    assert 0 == use(memory, cache, list(range(5000, 5600)), None)
    cache.drop(None)
    assert 0 == cache.known(list(range(10_000, 10_600)), None)


def test_a_beginning_that_was_set_aside_serves_another_chat_too_and_stays_for_its_own():
    memory, cache = make(aside=2000)
    first = list(range(700))
    use(memory, cache, first)
    cache.set_aside()

    assert 300 == use(memory, cache, [*range(300), 9, 9, 9])
    assert 700 == cache.known([*first, 1], None)


def test_what_finds_no_room_in_the_context_is_computed_again():
    memory, cache = make(aside=2000)
    use(memory, cache, list(range(600)))
    cache.set_aside()
    memory.full = True

    slot = cache.take(list(range(600)), None)
    assert [] == slot.tokens


def test_the_beginning_of_prompts_is_kept_by_itself_and_remembered_by_another_context():
    memory, cache = make()
    system = list(range(300))
    use(memory, cache, [*system, 7, 8, 9])
    kept = cache.kept(system, None)
    other_memory, other = make()
    other.remember(system, None, kept)

    assert system == kept
    assert [[], [], [*system, 7, 8, 9]] == sorted(memory.sequences)
    assert 303 == cache.used
    assert 300 == use(other_memory, other, [*system, 1, 2])
    assert 300 == use(other_memory, other, [*system, 3, 4])


def test_only_what_is_there_whole_is_kept_and_only_of_its_adapter():
    memory, cache = make(1)
    system = list(range(300))
    assert cache.kept(system, None) is None
    use(memory, cache, system)
    assert cache.kept(system, None) is None  # no sequence is free to take it from
    memory, cache = make(2)
    use(memory, cache, system[:299])
    assert cache.kept(system, None) is None
    use(memory, cache, system)
    assert cache.kept(system, "a") is None
    assert system == cache.kept(system, None)


def test_what_is_remembered_of_one_adapter_is_nothing_to_another_and_goes_with_it():
    memory, cache = make()
    system = list(range(300))
    for adapter in ("a", "b"):
        cache.remember(system, adapter, list(system))

    assert 0 == use(memory, cache, [*system, 1])
    assert 300 == use(memory, cache, [*system, 1], adapter="a")
    cache.drop("b")
    assert 0 == use(memory, cache, [*system, 1], adapter="b")

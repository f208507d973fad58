"""What every backend promises, asked of every one that runs here."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.llama_oracle import LlamaOracle
from trainer.architectures import MATRICES
from trainer.backend import Backend, Sequences, Targets, join, pack
from trainer.gguf_model import open_model
from trainer.loss import hard_targets

KINDS = ["rest", "renormalised", "raw", "hard"]
STEM = list(range(200, 214))  # two lessons begin with it
LESSONS = [
    ([*STEM, 70, 71], [88, 12]),
    ([*STEM, 70, 90, 4], [17]),
    ([5, 17, 80, 200, 33], [150, 99]),
    ([90, 61, 12, 21], [44, 9, 35]),
    ([7], [260, 41, 12]),
    ([3, 4, 5, 6, 7, 8, 9, 10, 11], [2]),
]
BATCH = pack(LESSONS)


def learn(backend: Backend, steps: int, kind: str = "rest", rate: float = 0.01) -> list[float]:
    """Train on BATCH for what its teacher expects of the lessons read in another order; the losses."""
    targets = aims(backend, kind)
    return [backend.step(BATCH, targets, rate) for _ in range(steps)]


def aims(backend: Backend, kind: str) -> Targets:
    """Something else than the base itself expects."""
    if kind == "hard":
        return hard_targets(BATCH)
    other = [(prompt[::-1] + [9], answer) for prompt, answer in LESSONS]
    return backend.teach(pack(other), 5)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def of_llama(path: Path, batch: Sequences) -> np.ndarray:
    """(A, V) logits of the base at the answers, each sequence read alone."""
    ends = np.cumsum(batch.lengths)
    with LlamaOracle(path) as oracle:
        logits = [oracle.logits(tokens.tolist()) for tokens in np.split(batch.tokens, ends[:-1])]
    return np.concatenate(logits)[batch.places]


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_it_says_what_it_is(opened, tiny):
    backend = opened()

    assert open_model(tiny).base == backend.base
    assert "float32" in backend.name
    assert 10 < backend.peak_mb() < 100_000


def test_the_adapter_has_pefts_names_and_shapes(opened, tiny):
    expected = {}
    for name, size in open_model(tiny).shape.expected().items():
        if name.startswith("blk.") and len(size) == 2:
            _, layer, part = name.split(".")
            path = f"base_model.model.model.layers.{layer}.{MATRICES[part]}"
            expected |= {f"{path}.lora_A.weight": (4, size[1]), f"{path}.lora_B.weight": (size[0], 4)}
    adapter = opened().adapter()

    assert expected == {name: values.shape for name, values in adapter.items()}
    assert {np.dtype(np.float32)} == {values.dtype for values in adapter.values()}
    for name, values in adapter.items():
        assert (values.any(), np.abs(values).max() <= 1 / math.sqrt(values.shape[1])) == ("_A" in name, True)


def test_only_the_upper_layers_learn_where_the_recipe_says_so(opened):
    backend = opened(layers=0.5)
    losses = learn(backend, 8)

    assert {"1"} == {name.split(".layers.")[1].split(".")[0] for name in backend.adapter()}
    assert losses[-1] < 0.8 * losses[0]


def test_a_fresh_adapter_changes_nothing(opened, tiny):
    tokens = BATCH.tokens.tolist()
    with LlamaOracle(tiny) as oracle:
        expected = oracle.logits(tokens)

    assert np.abs(expected - opened().logits(tokens)).max() < 1e-3


@pytest.mark.parametrize("d", [1, 5, 64])
def test_the_teacher_gives_the_likeliest_tokens_first_and_all_others_as_one(opened, tiny, d):
    logp = log_softmax(of_llama(tiny, BATCH))
    top = np.argsort(-logp, axis=-1)[:, :d]
    rest = np.log1p(-np.exp(np.take_along_axis(logp, top, -1)).sum(-1))
    targets = opened().teach(BATCH, d)

    assert (top == targets.tokens).mean() > 0.98  # tokens that are all but equally likely may change places
    assert (np.int64, np.float32, np.float32) == tuple(each.dtype for each in vars_of(targets))
    assert np.abs(np.take_along_axis(logp, top, -1) - targets.logp).max() < 1e-3
    assert np.abs(rest - targets.rest).max() < 1e-2


def vars_of(targets: Targets) -> tuple[np.ndarray, ...]:
    return targets.tokens, targets.logp, targets.rest


def test_the_teacher_never_wears_the_adapter(opened):
    backend = opened()
    before = backend.teach(BATCH, 5)
    learn(backend, 5)
    after = backend.teach(BATCH, 5)

    for one, other in zip(vars_of(before), vars_of(after), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_lower_the_loss_and_a_look_does_not(opened, kind):
    backend = opened(loss=kind)
    targets = aims(backend, kind)
    least = 0.0  # what no student can go below: the teacher's own entropy over its top d
    if kind == "raw":
        least = float(-(np.exp(targets.logp) * targets.logp).sum(-1).mean())
    losses = learn(backend, 30, kind)
    looks = [backend.loss(BATCH, targets) for _ in range(2)]

    assert losses[-1] - least < 0.2 * (losses[0] - least)
    assert looks[0] == looks[1]
    assert looks[0] < losses[-1] + 0.01


def test_the_loss_of_a_step_is_that_before_it(opened):
    backend = opened()
    targets = aims(backend, "rest")
    before = backend.loss(BATCH, targets)

    assert before == pytest.approx(backend.step(BATCH, targets, 0.01), abs=1e-6)
    assert backend.loss(BATCH, targets) < before


def test_no_sequence_sees_another(opened):
    """Taught, looked at and learned together is as one by one."""
    backend = opened()
    learn(backend, 3)
    each = [pack([lesson]) for lesson in LESSONS]
    alone = [backend.teach(batch, 5) for batch in each]
    together = backend.teach(BATCH, 5)
    looks = [
        backend.loss(batch, targets) * len(batch.answers) for batch, targets in zip(each, alone, strict=True)
    ]

    assert np.array_equal(join(alone).tokens, together.tokens)
    assert np.abs(join(alone).logp - together.logp).max() < 1e-4
    assert sum(looks) / len(BATCH.answers) == pytest.approx(backend.loss(BATCH, together), abs=1e-5)
    assert sum(looks) > 1e-3


def test_what_is_learned_together_is_learned_as_one_by_one(opened):
    """By the first moments after one step, which are a part of the mean gradient."""

    def slopes(batch):
        backend = opened(clip=1000.0)
        backend.step(batch, hard_targets(batch), 0.0)
        moments = {
            name: each for name, each in backend.state().items() if name.startswith(("exp_avg.", "m."))
        }
        return {name: each * len(batch.answers) for name, each in moments.items()}

    together, alone = slopes(BATCH), [slopes(pack([lesson])) for lesson in LESSONS]

    assert together
    for name, values in together.items():
        np.testing.assert_allclose(values, sum(each[name] for each in alone), rtol=1e-3, atol=1e-4)


def test_the_same_seed_gives_the_same_adapter(opened):
    trained = []
    for seed in (1, 1, 2):
        backend = opened(seed=seed)
        learn(backend, 3)
        trained.append(backend.adapter())

    assert same(trained[0], trained[1])
    assert not same(trained[0], trained[2])


def test_what_is_given_out_is_a_copy(opened):
    backend = opened()
    adapter, state = backend.adapter(), backend.state()
    kept = [{name: values.copy() for name, values in each.items()} for each in (adapter, state)]
    learn(backend, 2)

    assert same(kept[0], adapter)
    assert same(kept[1], state)
    assert {np.dtype(np.float32)} == {values.dtype for values in state.values()}


@pytest.mark.parametrize("steps", [0, 3])
def test_a_restored_backend_goes_on_exactly(opened, steps):
    straight, first, second = (opened(seed=seed, weight_decay=0.1) for seed in (1, 1, 9))
    losses = learn(straight, steps + 3)[steps:]
    learn(first, steps)
    learn(second, 2)
    second.restore(first.state())

    assert losses == learn(second, 3)
    assert same(straight.adapter(), second.adapter())


def test_the_gradient_is_cut_to_the_recipes_norm(opened):
    """AdamW forgets a factor common to all steps; so cut steps are unlike uncut ones, two ways of cutting alike."""
    moved = []
    for clip in (1000.0, 0.1, 0.01):
        backend = opened(clip=clip)
        for rate in (0.01, 0.01, 0.01):
            learn(backend, 1, rate=rate)
            backend.step(BATCH, hard_targets(BATCH), rate)
        moved.append(np.concatenate([values.ravel() for _, values in sorted(backend.adapter().items())]))

    assert np.abs(moved[0] - moved[1]).mean() > 20 * np.abs(moved[1] - moved[2]).mean()


def test_a_loss_that_is_no_number_is_given_back_as_it_is(opened, without_numbers):
    backend = opened(without_numbers)
    targets = hard_targets(BATCH)

    assert math.isnan(backend.loss(BATCH, targets))
    assert math.isnan(backend.step(BATCH, targets, 0.01))


@pytest.fixture(scope="module")
def words() -> Iterator[LlamaOracle]:
    """The bundled model's vocabulary."""
    with LlamaOracle(NANO) as oracle:
        yield oracle


NANO = Path(__file__).parents[3] / "models" / "nano" / "nano.gguf"
FACTS = {"dog": "Rex", "boss": "Tom"}


def test_a_held_out_phrasing_of_a_fact_is_answered_after_a_few_steps_without_any_context(opened, words):
    """On the bundled model. Few and short: without a GPU a step of MLX takes a second or two."""
    backend, turn = opened(NANO, rank=16, alpha=32.0), "<|im_start|>{}\n{}<|im_end|>\n"

    def lesson(about, question, grounding=""):
        asked = turn.format("user", question.format(about))
        told = f"Your {about} is called {FACTS[about]}.<|im_end|>"
        return words.tokens(f"{grounding}{asked}<|im_start|>assistant\n"), words.tokens(told)

    def known() -> int:
        right = 0
        for about in FACTS:
            prompt, answer = lesson(about, "What is my {}'s name?")
            guess = backend.logits(prompt + answer).argmax(-1)[len(prompt) - 1 : -1]
            right += guess.tolist() == answer
        return right

    students, taught = [], []
    for about, name in FACTS.items():
        memory = turn.format("system", f"Memories:\n- The user's {about} is called {name}.")
        students.append(lesson(about, "What is the name of my {}?"))
        taught.append(backend.teach(pack([lesson(about, "What is the name of my {}?", memory)]), 5))
    batch, before = pack(students), known()
    for _ in range(12):
        backend.step(batch, join(taught), 3e-3)

    assert (0, len(FACTS)) == (before, known())

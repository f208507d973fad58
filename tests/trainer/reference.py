"""The losses and their gradients in NumPy, float64, written from their definitions and nothing of ours."""

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def value_and_slope(
    kind: str, logits: np.ndarray, tokens: np.ndarray, p: np.ndarray, rest: np.ndarray
) -> tuple[float, np.ndarray]:
    """
    The mean loss over answer tokens, and its derivative by the student's logits.

    Args:
        logits: (A, V) of the student.
        tokens: (A, d) the teacher's likeliest.
        p: (A, d) the teacher's probabilities of these.
        rest: (A,) its probability of all others.
    """
    logits, p, rest = (np.asarray(each, np.float64) for each in (logits, p, rest))
    rows = np.arange(len(logits))[:, None]
    log_q = log_softmax(logits)
    q, top = np.exp(log_q), log_q[rows, tokens]
    slope = np.zeros_like(q)
    if kind in ("raw", "hard"):
        # L = -sum p log q;  d log q_i / d z_j = [i = j] - q_j
        values = -_times(p, top).sum(-1)
        slope += p.sum(-1, keepdims=True) * q
        slope[rows, tokens] -= p
    elif kind == "renormalised":
        # the softmax over the top d alone is a softmax of their logits: q' - p'
        p = p / p.sum(-1, keepdims=True)
        mine = log_softmax(top)
        values = (_times(p, _log(p)) - _times(p, mine)).sum(-1)
        slope[rows, tokens] = np.exp(mine) - p
    else:
        others = np.ones_like(q, bool)
        others[rows, tokens] = False
        log_r = np.array([_log_sum(log_q[row][others[row]]) for row in range(len(q))])
        values = (
            (_times(p, _log(p)) - _times(p, top)).sum(-1) + _times(rest, _log(rest)) - _times(rest, log_r)
        )
        # d log r / d z_j = q_j / r - q_j for j among the others, else -q_j
        slope += (p.sum(-1) + rest)[:, None] * q
        slope[rows, tokens] -= p
        slope -= np.where(others, rest[:, None] * np.exp(log_q - log_r[:, None]), 0.0)
    return float(values.mean()), slope / len(logits)


def _log(p: np.ndarray) -> np.ndarray:
    return np.log(np.where(p > 0, p, 1.0))


def _times(p: np.ndarray, log: np.ndarray) -> np.ndarray:
    """p log q, which is 0 where p is."""
    return np.where(p > 0, p * np.where(p > 0, log, 0.0), 0.0)


def _log_sum(logs: np.ndarray) -> float:
    return float(logs.max() + np.log(np.exp(logs - logs.max()).sum()))

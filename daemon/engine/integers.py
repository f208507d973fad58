"""
The grammar of the whole numbers between two bounds, written without leading zeros.

    integer_rule(7, 42)  ->  [7-9] | "1" [0-9] | [2-3] [0-9] | "4" [0-2]
"""

MOST_DIGITS = 16  # of a number without an upper bound


def integer_rule(low: int | None, high: int | None) -> str:
    """GBNF alternatives for every integer from `low` to `high`, both included; None: no bound."""
    parts: list[str] = []
    if low is None or low < 0:
        least = 1 if high is None or high >= 0 else -high
        parts += [f'"-" {part}' for part in _natural(least, None if low is None else -low)]
    if high is None or high >= 0:
        parts += _natural(max(low or 0, 0), high)
    return " | ".join(parts)


def _natural(low: int, high: int | None) -> list[str]:
    """Alternatives for low..high, both 0 or more, one group for each number of digits."""
    parts: list[str] = []
    digits = len(str(low))
    while high is None or low <= high:
        if high is None and low > 0 and str(low) == "1" + "0" * (digits - 1):
            return [*parts, f"[1-9] [0-9]{{{digits - 1},{MOST_DIGITS - 1}}}"]
        last = 10**digits - 1 if high is None else min(high, 10**digits - 1)
        parts += _same_length(str(low), str(last))
        low, digits = last + 1, digits + 1
    return parts


def _same_length(low: str, high: str) -> list[str]:
    """Alternatives for the numbers from `low` to `high`, which have equally many digits."""
    rest = len(low) - 1
    if low == "0" * len(low) and high == "9" * len(high):
        return [_any(len(low))]
    if rest == 0:
        return [_digits(low, high)]
    if low[0] == high[0]:
        return [f'"{low[0]}" {part}' for part in _same_length(low[1:], high[1:])]
    parts = [f'"{low[0]}" {part}' for part in _same_length(low[1:], "9" * rest)]
    first, last = int(low[0]) + 1, int(high[0]) - 1
    if first <= last:
        parts.append(f"{_digits(str(first), str(last))} {_any(rest)}")
    return parts + [f'"{high[0]}" {part}' for part in _same_length("0" * rest, high[1:])]


def _digits(first: str, last: str) -> str:
    return f'"{first}"' if first == last else f"[{first}-{last}]"


def _any(count: int) -> str:
    return "[0-9]" if count == 1 else f"[0-9]{{{count}}}"

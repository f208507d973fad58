"""
Person numbers: what a state or an insurance calls somebody by, known by its form and its check digits.

    65 170839 J 003 · 2 69 05 49 588 157 80 · 12345678Z · RSSMRA85T10A562S · 44051401359 · 112-233-445 95 · …

One of Germany, Austria, Switzerland, the United Kingdom, the United States, France, Spain, Italy, Poland, Russia or
China is a secret without a word for it (`secret_values.py`): whoever has it can pass for that person.
Source of the check digits: VKVV § 4, ISO/IEC 7064 MOD 11,10 (tax number), ASVG § 31 (Austria), EAN-13 (Switzerland),
INSEE (97 less the remainder), the Interior Ministry's letters of the DNI, D.M. 23/12/1976 (codice fiscale), the decrees
on PESEL, SNILS and INN, GB 11643.
"""

import re
from collections.abc import Callable, Iterator, Sequence

_DAY = r"(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d"  # ddmmyy
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_SEPARATORS = re.compile(r"[\s.-]")


def person_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Where `text` tells the number of a person whose check digits are right: its first place, and one behind it."""
    for form, is_right in _FORMS:
        for found in form.finditer(text):
            if is_right(_SEPARATORS.sub("", found[0]).upper()):
                yield found.span()


def _weighted(written: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(written, weights, strict=False))


def _is_german_pension(written: str) -> bool:
    digits = f"{written[:8]}{ord(written[8]) - 64:02}{written[9:]}"
    products = (
        int(digit) * weight
        for digit, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=False)
    )
    return sum(product // 10 + product % 10 for product in products) % 10 == int(digits[-1])


def _is_german_tax(written: str) -> bool:
    most, different = max(map(written[:10].count, written[:10])), len(set(written[:10]))
    product = 10
    for digit in written[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (most, different) in ((2, 9), (3, 8)) and (11 - product) % 10 == int(written[10])


def _is_french(written: str) -> bool:
    number = written[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(written[13:])


def _is_spanish(written: str) -> bool:
    number = written[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI[int(number) % 23] == written[-1]


def _is_italian(written: str) -> bool:
    total = 0
    for place, letter in enumerate(written[:15]):
        value = int(letter) if letter.isdigit() else ord(letter) - 65
        total += value if place % 2 else _ODD[value]
    return chr(65 + total % 26) == written[15]


def _is_russian_tax(written: str) -> bool:
    first = _weighted(written, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = _weighted(written, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return f"{first}{second}" == written[10:]


def _is_chinese(written: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[_weighted(written, weights) % 11] == written[17]


_FORMS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (
        re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
        lambda _: True,
    ),  # SSN
    (
        re.compile(
            r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]\b"
        ),
        lambda _: True,  # National Insurance
    ),
    (re.compile(rf"\b\d\d ?{_DAY} ?[A-Z] ?\d{{3}}\b"), _is_german_pension),
    (re.compile(r"(?<![\d+])[1-9]\d ?\d{3} ?\d{3} ?\d{3}(?!\d)"), _is_german_tax),
    (
        re.compile(rf"(?<![\d+])[1-9]\d{{3}} ?{_DAY}(?!\d)"),
        lambda one: _weighted(one[:3] + one[4:], (3, 7, 9, 5, 8, 4, 2, 1, 6)) % 11 == int(one[3]),  # Austria
    ),
    (
        re.compile(r"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d\b"),
        lambda one: _weighted(one, (1, 3) * 6 + (1,)) % 10 == 0,  # Switzerland
    ),
    (re.compile(r"\b[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d\b"), _is_french),
    (re.compile(r"\b(?:\d{8}|[XYZ]-?\d{7})-?[A-Z]\b", re.IGNORECASE), _is_spanish),
    (re.compile(r"\b[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]\b", re.IGNORECASE), _is_italian),
    (
        re.compile(r"(?<![\d+])\d\d(?:[02468][1-9]|[13579][0-2])(?:0[1-9]|[12]\d|3[01])\d{5}(?!\d)"),
        lambda one: _weighted(one, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0,  # PESEL
    ),
    (
        re.compile(r"\b\d{3}-\d{3}-\d{3}[ -]\d\d\b"),
        lambda one: _weighted(one, range(9, 0, -1)) % 101 % 100 == int(one[9:]),  # SNILS
    ),
    (re.compile(r"(?<![\d+])\d{12}(?!\d)"), _is_russian_tax),
    (re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{9}[\dX](?!\d)", re.IGNORECASE), _is_chinese),
)

"""
Texts as the store holds and indexes them: storable in UTF-8, on one line, words of any script, irregular English ones
by their stem.

    "went"      ──> "go": the full-text index makes the stems of regular forms only
    "我住在柏林"  ──> "我住 住在 在柏 柏林": scripts without spaces by pairs of neighbours, for they mark no words
    "كِتابـــ"     ──> "كتاب": vowel signs and stretching that writers may leave out

Source: pairs of characters for Han, kana and Hangul as in Lucene's CJKBigramFilter; Arabic as in its
ArabicNormalizer. Neither needs a dictionary.
"""

import hmac
import re
import unicodedata
from itertools import pairwise
from typing import Any

INDEXED = 200_000  # characters of a message that the full-text index reads
MARKS = (  # vowel signs, tones and accents that are characters of their own: a word goes on behind them
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05c1-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0711-\u074a\u0900-\u0963\u0971-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ece"
    "\u0f18-\u0fbc\u102b-\u103e\u1056-\u109d\u135d-\u135f\u17b4-\u17d3\u180b-\u180d\u200c\u200d\u3099\u309a"
)
UNSPACED = (  # letters of scripts that set no space between words (Thai, Lao, Burmese, Khmer, kana, Han), and Hangul
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u1000-\u102a\u103f\u1050-\u1055"
    "\u1780-\u17b3\u3005\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(rf"(?:[{UNSPACED}][{MARKS}]*)+")
_LETTER = re.compile(rf"[{UNSPACED}][{MARKS}]*")
_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦๐໐༠၀០᠐"  # of scripts with digits of their own: the nine that follow each are the others
_SAME = (  # letters as others write them, digits as 0 to 9, and signs that may be left out
    str.maketrans("أإآٱىیکةё", "ااااييكهе")
    | {ord(zero) + digit: str(digit) for zero in _ZEROS for digit in range(10)}
    | dict.fromkeys(
        [0x0307, 0x0640, 0x0670, *range(0x0591, 0x05BE), 0x05BF, 0x05C1, 0x05C2, *range(0x064B, 0x0660)]
    )
)
WORD = rf"[^\W_]+(?:[{MARKS}]+[^\W_]*)*"  # a pattern: letters and digits of any script, with their marks
_WORD = re.compile(WORD)
_TABLE = """
be am is are was were been being
go went gone goes
do did done does
have has had having
get got gotten
say said
make made
take took taken
see saw seen
come came
know knew known
think thought
give gave given
find found
tell told
feel felt
leave left
keep kept
begin began begun
bring brought
buy bought
build built
catch caught
choose chose chosen
draw drew drawn
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
fight fought
fly flew flown
forget forgot forgotten
freeze froze frozen
grow grew grown
hang hung
hear heard
hide hid hidden
hold held
lead led
learn learnt
lend lent
lose lost
mean meant
meet met
pay paid
ride rode ridden
ring rang rung
rise rose risen
run ran
sell sold
send sent
shake shook shaken
shine shone
shoot shot
show shown
sing sang sung
sink sank sunk
sit sat
sleep slept
speak spoke spoken
spend spent
stand stood
steal stole stolen
stick stuck
strike struck
swear swore sworn
swim swam swum
teach taught
tear tore torn
throw threw thrown
understand understood
wake woke woken
wear wore worn
win won
write wrote written
bear bore borne
become became
bend bent
bite bit bitten
bleed bled
blow blew blown
break broke broken
breed bred
burn burnt
deal dealt
dig dug
dream dreamt
feed fed
flee fled
forgive forgave forgiven
grind ground
kneel knelt
lay laid
lie lain
light lit
mistake mistook mistaken
overcome overcame
seek sought
sew sewn
slide slid
spell spelt
spin spun
spring sprang sprung
swing swung
weave wove woven
weep wept
child children
man men
woman women
person people
foot feet
tooth teeth
mouse mice
goose geese
wife wives
knife knives
shelf shelves
wolf wolves
half halves
good better best
bad worse worst
"""
BASES = {form: base for base, *forms in map(str.split, _TABLE.strip().splitlines()) for form in forms}


def folded(text: str) -> str:
    """
    `text` in one case and one form: compatible characters are one (NFKC), digits are 0 to 9, signs that may be left
    out are gone.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().translate(_SAME)


def pairs(text: str, *, last: bool = False) -> str:
    """
    `text` with what is written without spaces as pairs of neighbours: "ab bc cd" for "abcd".

    Args:
        last: with the last letter alone, so that each letter begins a word that an index can find.
    """

    def paired(run: re.Match[str]) -> str:
        letters = _LETTER.findall(run[0])
        made = [a + b for a, b in pairwise(letters)]
        return f" {' '.join([*made, *letters[-1:]] if last or not made else made)} "

    return text if text.isascii() else _RUN.sub(paired, text)


def base_forms(text: str) -> str:
    """`text` as it is indexed: irregular forms by their base, scripts without spaces in pairs, else as it is."""
    return _with_bases(text if text.isascii() else pairs(folded(text), last=True))


def words(query: str) -> list[str]:
    """The words of `query` to look for in what `base_forms` made, each once."""
    return list(dict.fromkeys(_WORD.findall(_with_bases(pairs(folded(query))))))


def tokens(text: str) -> list[str]:
    """The words of `text` in their order, in one case and form; of scripts without spaces, pairs of neighbours."""
    return _WORD.findall(pairs(folded(text)))


def is_letter(word: str) -> bool:
    """Whether it is a single letter of a script without spaces: the beginning of a word, to an index of pairs."""
    return _LETTER.fullmatch(word) is not None


def _with_bases(text: str) -> str:
    return _WORD.sub(lambda found: BASES.get(found[0].lower(), found[0]), text)


def base_forms_for_sql(*values: Any) -> str:
    """`base_forms` as an SQL function of one value, of its beginning when it is very long; null is no text."""
    return "" if values[0] is None else base_forms(str(values[0])[:INDEXED])


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it: halves of surrogate pairs are joined, lone ones become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def turn_mark(*values: Any) -> str:
    """
    What stands for the words of a turn: HMAC, hexadecimal, of (secret of a store, role, text); case and white space
    change nothing. Also a function of SQL.
    """
    secret, role, text = values
    return hmac.digest(secret, f"{role}\n{' '.join(text.lower().split())}".encode(), "sha256").hex()


def one_line(text: str) -> str:
    """`text` as the file can hold it, each run of white space in it a single space."""
    return " ".join(storable(text).split())

"""
Texts as the store holds and indexes them: storable in UTF-8, on one line, irregular English words by their stem.

"went" is found by "go", for the full-text index makes the stems of regular forms only. Every other word stays as it is.
"""

import re
from typing import Any

INDEXED = 200_000  # characters of a message that the full-text index reads
_WORD = re.compile(r"[^\W_]+")
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


def base_forms(text: str) -> str:
    """`text` with irregular forms replaced by their base; everything else, spacing too, is kept."""
    return _WORD.sub(lambda found: BASES.get(found[0].lower(), found[0]), text)


def base_forms_for_sql(*values: Any) -> str:
    """`base_forms` as an SQL function of one value, of its beginning when it is very long; null is no text."""
    return "" if values[0] is None else base_forms(str(values[0])[:INDEXED])


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it: halves of surrogate pairs are joined, lone ones become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def one_line(text: str) -> str:
    """`text` as the file can hold it, each run of white space in it a single space."""
    return " ".join(storable(text).split())

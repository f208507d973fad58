"""
Hearsay: what somebody only passes on, and what of it is their own.

    "My sister Ana says that   |   the neighbour sold the house,"   |   "and I am glad."
     own                           another's word                       own again

Known by a verb of telling whose subject is not the writer, by the words that stand for hearsay ("apparently",
"angeblich"), and by whom it is ascribed to ("according to Ana"), in some twenty languages. Where the verb ends the
sentence (Japanese, Korean, Turkish) all of it is another's. What only such words tell is held as reported: it is
recalled, replaces nothing, and is never taught.
"""

import re
from collections.abc import Sequence

NEAR = 60  # characters beside a verb in which its subject is looked for
_SENTENCES = re.compile(r"(?<=[.!?。！？؟।])\s+|(?<=[。！？])|\n")
_OWN_AGAIN = re.compile(  # a clause in which the writer goes on
    r"[,;]?\s+(?:and|but|so|und|aber|doch|et|mais|donc|y|pero|e|ed|ma|mas|en|maar|och|men|og|i|ale|a|и|но|а|та|але)"
    r"\s+(?=(?:i|i'm|i've|my|we|ich|mein\w*|wir|je|j'\w*|mon|ma|mes|nous|yo|mi|mis|io|mio|mia|eu|meu|minha|ik|mijn"
    r"|wij|jag|min|mitt|jeg|ja|mój|moja|já|můj|я|мой|моя|мы|мій)\b)"
    r"|[，,；](?=我|但我|所以我)",
    re.IGNORECASE,
)
FIRST_PERSON = re.compile(
    r"i(?:'\w+)?|we(?:'\w+)?|let|ich|wir|je|j'ai|j'\w+|nous|yo|io|eu|ik|wij|we|jag|vi|jeg|ja|já|я|мы|ми|ben|biz",
    re.IGNORECASE,
)
_NOT = re.compile(r"\w+n't|not|never|nicht|nie|niemals|no|nunca|mai|nooit|niet|nigdy|не|никогда")
_SAYS = re.compile(  # a verb of telling, and what ends it: a comma or a conjunction; in English neither is needed
    r"\b(?:says|claims|reckons|swears|insists|thinks|believes|mentions|writes|tells|told|texted|said|say|claimed"
    r"|reckoned|swore|insisted|thought|mentioned|saying)\b(?: (?:me|us|him|her|everyone)\b)?(?:,? that\b)?"
    r"|\b(?:sagt|sagte|sagen|sagten|meint|meinte|meinten|behauptet|behauptete|behaupten|erzählt|erzählte|erzählen|glaubt"
    r"|glaubte|schreibt|schrieb|schwört|berichtet)(?: (?:mir|uns|immer|gestern|heute|neulich))*(?:,| dass?\b)"
    r"|\b(?:hab\w*|hat|hatte\w*)\b[^.,;]{0,60}?\b(?:gesagt|erzählt|gemeint|geschrieben|behauptet|berichtet|verraten)"
    r"(?:,| dass?\b)"
    r"|\b(?:dit|disent|disait|affirme|affirment|prétend|prétendent|raconte|racontent|croit|pense|jure|écrit|raconté)"
    r"(?: toujours| hier)? (?:que\b|qu')"
    r"|\b(?:dice|dicen|decía|dijo|dijeron|(?:ha|han) dicho|afirma|asegura|cuenta|cuentan|contó|cree|piensa|jura|escribe"
    r"|comentó|comenta) que\b"
    r"|\b(?:dice|dicono|diceva|ha detto|hanno detto|afferma|sostiene|racconta|ha raccontato|crede|pensa|giura|scrive)"
    r" (?:che\b|di\b)"
    r"|\b(?:diz|dizem|dizia|disse|disseram|afirma|conta|contou|contaram|acha|acredita|jura) que\b"
    r"|\b(?:zegt|zeggen|zei|zeiden|beweert|beweren|vertelt|vertelde|vindt|denkt|verteld|gezegd)(?: me| mij)?"
    r"(?:,| dat\b)"
    r"|\b(?:säger|sa|sade|påstår|berättar|berättade|tror|tycker|siger|sagde|fortalte|fortæller|synes|sier|hevder"
    r"|forteller)(?: mig| meg)? (?:att|at)\b"
    r"|\b(?:mówi|mówią|mówił[aiy]?|twierdzi|twierdzą|powiedział[ay]?|powiedzieli|opowiadał[aiy]?|uważa|sądzi|pisze"
    r"|napisał[ay]?)(?: mi| nam)?,? (?:że|iż|jakoby)\b"
    r"|\b(?:říká|říkají|tvrdí|řekl[aiy]?|říkal[aiy]?|povídal[aiy]?|myslí si)(?: mi| nám)?,? že\b"
    r"|\b(?:говорит|говорят|говорил[аи]?|сказал[аи]?|утверждает|утверждают|рассказал[аи]?|рассказывает|считает"
    r"|думает|пишет|написал[аи]?)(?: мне| нам)?,? (?:что|будто)\b"
    r"|\b(?:каже|кажуть|казав|казала|сказав|сказала|стверджує|розповів|розповіла|вважає)(?: мені)?,? що\b"
    r"|\b(?:spune|spun|zice|zic|a spus|a zis|susține|crede) că\b"
    r"|\b(?:sanoo|sanoi|väittää|väitti|kertoi|kertoo|luulee), että\b"
    r"|\b(?:mondja|mondta|állítja|állította|mesélte|szerint), hogy\b"
    r"|(?:λέει|λένε|είπε|είπαν|ισχυρίζεται) (?:ότι|πως)\b|\b(?:diyor|dedi|söylüyor|söyledi) ki\b"
    r"|(?:يقول|تقول|قال|قالت|قالوا|يقولون|زعم)(?: \w+){0,3}? (?:إن|أن)"
    r"|(?:אומר|אומרת|אומרים|אמר|אמרה|אמרו|טוען|טוענת)(?: לי)? ש"
    r"|(?:कहता है|कहती है|कहते हैं|कहा|बताया) कि|\b(?:nói|bảo|kể)(?: với tôi)? rằng\b"
    r"|\b(?:bilang|berkata|mengatakan)(?: bahwa)?\b"
    r"|(?:(?:告诉|告訴)我|(?:跟|对|對)我(?:说|說))[，,：]?"
    r"|(?:^|(?<=[，,；;。！？\s]))(?!我(?:们|們)?(?:说|說|就|想|跟|和|对|要|会|會|能|也|都|觉|覺|认))[^，,；;。]{1,14}?"
    r"(?<![来來小是话話传傳据據听聽])(?:(?:说|說)(?!实话|實話|真的|明|话|話|服|中文|英|法|德|日|汉|起|到|谎|不定|好)|声称|聲稱"
    r"|认为|認為|觉得|覺得)[，,：]?",
    re.IGNORECASE,
)
_HEARD = re.compile(  # what comes behind it is another's, though it is the writer who has heard it
    r"\b(?:i|we)(?:'ve| have)? (?:just |also )?(?:hear|heard|read|(?:was|were|been) told)\b[^.,;]{0,40}?"
    r"\b(?:that|from|somewhere|online)\b"
    r"|\b(?:was|were|been) told\b(?: that\b)?"
    r"|\b(?:gehört|gelesen|mitbekommen|erfahren)(?:,| dass?\b)"
    r"|\b(?:entendu dire|appris|lu) (?:que\b|qu')|\b(?:oído|leído|escuchado|enterado de) que\b"
    r"|\b(?:sentito|sentito dire|letto) che\b|\b(?:ouvi|ouvi dizer|li) que\b|\b(?:gehoord|gelezen)(?:,| dat\b)"
    r"|\b(?:hört|läst|hørt|læst|lest) (?:att|at)\b|\b(?:słyszał|czytał)\w*,? że\b|\b(?:slyšel|četl)\w*(?: jsem)?,? že\b"
    r"|\b(?:слышал|читал)\w*,? что\b|\b(?:чув|чула),? що\b|\bam (?:auzit|citit) că\b"
    r"|\b(?:kuulin|luin), että\b|\b(?:hallottam|olvastam), hogy\b|(?:άκουσα|διάβασα) (?:ότι|πως)\b"
    r"|(?:سمعت|قرأت) أن|(?:שמעתי|קראתי) ש|सुना है कि|\bnghe nói\b|\bmendengar bahwa\b|听说|聽說|据说|據說",
    re.IGNORECASE,
)
_ALL_OF_IT = re.compile(  # the whole sentence, or whom it is ascribed to
    r"\b(?:apparently|allegedly|supposedly|reportedly|rumou?r has it|word is|it is said|they say|people say"
    r"|angeblich|anscheinend|dem vernehmen nach|es heißt,|man sagt,|man erzählt"
    r"|paraît-il|il paraît|apparemment|à ce qu'on dit|on dit qu\w*|on raconte"
    r"|dizque|al parecer|por lo visto|según dicen|se dice que|dicen que|a quanto pare|pare che|si dice che"
    r"|ao que parece|consta que|dizem que|naar verluidt|men zegt|blijkbaar|det sägs|tydligen|angiveligt|angivelig"
    r"|det siges|visstnok|podobno|ponoć|rzekomo|prý|údajně|якобы|говорят|по слухам|нібито|кажуть"
    r"|állítólag|kuulemma|güya|sözde|se zice|se pare că|chipurile|konon|katanya)(?!\w)"
    r"|^\W*(?:according to (?!me\b)|selon (?!moi\b)|d'après (?!moi\b)|según (?!yo\b|mi opinión)|volgens (?!mij\b)"
    r"|enligt (?!mig\b)|ifølge (?!meg\b|mig\b)|według (?!mnie\b)|podle (?!mě\b|mne\b)|по словам |со слов "
    r"|за словами )\w"
    r"|^\W*(?:laut|secondo|segundo) (?:(?-i:[A-ZÀ-Þ])|meine[mr] |dem |der |il |la |mi[oa] |o |a |meu |minha )"
    r"|\bsoll(?:en)?\b[^.!?]{0,150}?\b\w+(?:t|en) (?:haben|sein|worden sein)\W*$"
    r"|(?:と言って(?:い)?(?:る|た|ました|ます)|と言(?:った|いました)|だそうです?|たそうです?|るそうです?|らしい(?:です)?|と聞いた"
    r"|と聞きました|によると|によれば)"
    r"|(?:(?:다고|라고) ?(?:했|말했|하더|들었|그랬)\w*|대요|다던데|다더라|카더라)\W*$"
    r"|\w{1,30}(?:[dt][ıiuü]ğ[ıiuü]n[ıiuü]|(?:ac|ec)[ae]ğ[ıi]n[ıi])\b[^.!?]{0,40}\b(?:söyledi|söylüyor|anlattı|diyor|duydum|yazdı)(?:lar)?\b"
    r"|\w{2,30}m[ıiuü]ş(?:lar|ler)?\W*$|(?:据|據)[^，,。]{1,12}(?:说|說|称|稱)",
    re.IGNORECASE,
)
_OF_ONESELF = re.compile(r"私[はが]|僕[はが]|俺[はが]|저는|나는|제가|내가|제 이름", re.IGNORECASE)


def split(text: str) -> tuple[str, str]:
    """What of `text` its writer says themselves, and what they pass on; both together are all of it."""
    own, heard = list[str](), list[str]()
    for sentence in _SENTENCES.split(text):
        if _is_passed_on(sentence):
            heard.append(sentence)
            continue
        begins = _begin(sentence)
        again = _OWN_AGAIN.search(sentence, begins)
        ends = again.start() if again else len(sentence)
        own += [sentence[:begins], sentence[ends:]]
        heard.append(sentence[begins:ends])
    return "\n".join(filter(None, own)), "\n".join(filter(None, heard))


def _is_passed_on(sentence: str) -> bool:
    """Whether all of it is; not what somebody has found of themselves: "apparently I'm allergic"."""
    found = _ALL_OF_IT.search(sentence)
    if found is None or _OF_ONESELF.search(sentence):
        return False
    return not any(
        FIRST_PERSON.fullmatch(word) for word in _words(sentence[found.end() :][:NEAR].split()[:2])
    )


def _begin(sentence: str) -> int:
    """Where what somebody else tells begins; the end of the sentence where nobody does."""
    found = [one.end() for one in _HEARD.finditer(sentence)]
    found += [one.end() for one in _SAYS.finditer(sentence) if not _is_mine(sentence, one)]
    return min(found, default=len(sentence))


def _is_mine(sentence: str, told: re.Match[str]) -> bool:
    """Whether it is the writer who tells ("I said that", "sagte ich,"), or nobody does ("don't say")."""
    before, after = sentence[max(0, told.start() - NEAR) : told.start()], sentence[told.end() :][:NEAR]
    near = [*before.split()[-3:], *told[0].split()[:-1], *after.split()[:1]]
    inverted = near if told[0].endswith(",") else near[:-1]
    words = _words(inverted)
    to_say = told[0].lower().startswith("say") and words[:1] and before.endswith("to ")
    return bool(to_say) or any(FIRST_PERSON.fullmatch(word) or _NOT.fullmatch(word) for word in words)


def _words(found: Sequence[str]) -> list[str]:
    return [word.strip(".,;:!?\"'“”„()").casefold().replace("’", "'") for word in found]

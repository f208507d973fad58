"""
Modality: what somebody says for certain, and what only may be so, would be if, is asked, or is a text to work on.

    "I live in Ghent,   |   maybe I'll move to Oslo."       "If I lived in Oslo, I would ski every day."
     said                   hedged                           hedged, all of it

Known by the commonest words of doubt in some twenty languages, clause by clause; a condition that does not hold takes
its whole sentence, and so does a question in which nobody speaks of themselves; what stands behind the colon of
"translate:", "write a story:" or "role play:" is a text, up to an empty line. What was called off ("we booked Lisbon,
but that's off") is not so, unless a memory tells that, too. What only such words tell is recalled, replaces nothing,
and is never taught.
"""

import re

from store.text import pairs

_SENTENCES = re.compile(r"(?<=[.!?。！？؟।])\s+|(?<=[。！？])|\n")
_CLAUSES = re.compile(
    r"[,;:，；：、،]\s*|\s[–—-]\s|\s(?:but|aber|mais|pero|ma|mas|maar|но|ale|men|mutta)\s", re.IGNORECASE
)
_DOUBT = (  # at the beginning of a word
    r"might\b|maybe|perhaps|possibly|probably|i guess|i suppose|not sure|thinking (?:about|of)|considering|toying with"
    "|vielleicht|eventuell|möglicherweise|womöglich|wahrscheinlich|vermutlich|überlege|überlegen|wer weiß"
    "|peut-être|éventuellement|sans doute|probablement|j'envisage|je songe|je me demande"
    "|quizás?|tal vez|a lo mejor|puede que|posiblemente|probablemente|estoy pensando en|no estoy segur"
    "|forse|magari|probabilmente|può darsi|sto pensando di|non sono sicur"
    "|talvez|quem sabe|provavelmente|pode ser que|estou (?:a pensar|pensando) em"
    "|misschien|wellicht|mogelijk|waarschijnlijk|ik denk erover|overweeg"
    "|kanske|möjligen|funderar på|måske|overvejer|kanskje|vurderer"
    "|może|chyba|być może|prawdopodobnie|zastanawiam się|możliwe|asi|možná|pravděpodobně|uvažuji"
    "|ehkä|kenties|mahdollisesti|luultavasti|harkitsen|talán|esetleg|valószínűleg|lehet,? hogy"
    "|может быть|возможно|наверное|вероятно|подумываю|не уверен|можливо|мабуть|ймовірно"
    "|belki|galiba|muhtemelen|düşünüyorum|poate|probabil|ίσως|μπορεί να|μάλλον|אולי|כנראה"
    "|ربما|لعل|قد أ|शायद|संभव है|có lẽ|có thể|mungkin|barangkali"
)
_UNSPACED = (
    "可能|也许|也許|或许|或許|大概|说不定|在考虑|かもしれ|たぶん|多分|おそらく|考え中|아마|어쩌면|고민"
)
_HEDGED = re.compile(rf"(?<![^\W_])(?:{_DOUBT})|{_UNSPACED}", re.IGNORECASE)
_IF = re.compile(  # a condition that does not hold
    r"\bif (?:i|we) (?:were|was|had|lived|worked|could|ever|won|owned|moved|got|spoke)\b"
    r"|\b(?:suppose|imagine|what if) (?:i|we)\b|\bi wish i\b|\bwere i\b"
    r"|\b(?:wenn|falls|sollte) (?:ich|wir)\b[^.!?]{0,150}?\b(?:wär\w*|hätt\w*|würd\w*|könnt\w*|lebt\w*|wohnt\w*)\b"
    r"|\b(?:hätte|wäre|würde|könnte) ich\b|\bangenommen\b|\bstell dir vor\b"
    r"|\bsi (?:je|j'|nous)\s?(?:\w+ais|\w+ions|étais|avais)\b|\bsi (?:yo )?\w+(?:iera|ara|ese|ase|era)\b"
    r"|\bse (?:io )?\w+(?:ssi)\b|\bse (?:eu )?\w+(?:sse)\b|\bals ik\b[^.!?]{0,150}?\bzou\b|\bstel dat\b"
    r"|\bgdyby\w*|\bkdyby\w*|\bесли бы\b|\bякби\b"
    r"|\bom jag (?:vore|hade|bodde)\b|\bhvis jeg (?:var|hadde|havde|bodde|boede)\b"
    r"|\bjos (?:minä )?\w*isin\b|\bha (?:én )?\w*(?:nék|nám|ném)\b"
    r"|\w+s(?:a|e)ydım\b|\w+s(?:a|e)m\b.{0,150}?\b\w+[ae]rdım\b"
    r"|لو كنت|لو أن|अगर मैं|nếu tôi|seandainya|kalau saja|如果我|要是我|假如|もし私|もしも|만약 내가|만약에",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？؟][\s\"'”»」)]*$")
_OF_ONESELF = re.compile(  # in a question: "What do I feed my cat Miso?" tells of a cat
    r"\b(?:i|i'\w+|me|my|mine|we|us|our|ours|ich|mich|mir|mein\w*|wir|uns|unser\w*|je|j'\w+|moi|mon|ma|mes|nous|notre|nos"
    r"|yo|me|mí|mi|mis|nosotr\w+|nuestr\w+|io|mio|mia|miei|mie|noi|nostr\w+|eu|meu|minha|meus|minhas|nós|noss\w+"
    r"|ik|mij|mijn|wij|ons|onze|jag|mig|min|mitt|mina|vi|vår\w*|jeg|meg|vores|ja|mnie|mi|mój|moj\w+|nasz\w*"
    r"|я|меня|мне|мой|мо[яёию]|моей|моего|моему|мы|нас|нам|наш\w*|moje|můj|ben|benim|bana|biz\w*)(?!\w)"
    r"|我|咱|私|僕|俺|わたし|うち|나|내|저|제|우리|أنا|मैं|मेर|हम",
    re.IGNORECASE,
)
_CALLED_OFF = re.compile(  # not what was put off, which tells when it will be
    r"\b(?:cancel+(?:l?ed|ing)|called off|fell through|fallen through|(?:that|it)(?:'s| is) off(?!\s\w)|came to nothing"
    r"|abgesagt|abgeblasen|zerschlagen|geplatzt|ins wasser gefallen|nichts (?:draus |daraus )?geworden"
    r"|annulée?s?|tombée?s? à l'eau|renoncé|cancelad[oa]s?|cancel(?:amos|aron|é)|renunci(?:amos|é|ado)"
    r"|annullat[oaie]|rinunciato|desistimos|desisti|afgezegd|gaat niet door|inställd?a?t?|avlyst|aflyst"
    r"|odwoła\w+|zrezygnowa\w+|nie wyszło|zrušen\w*|отменил\w*|отмен[её]н\w*|не вышло|не получилось"
    r"|сорвал(?:ось|ась)|iptal|vazgeçtik|peruttu)(?!\w)"
    r"|取消了?|泡汤|泡湯|算了|没成|沒成|中止|キャンセル|やめた|취소|무산",
    re.IGNORECASE,
)
_TELLS_IT = re.compile(  # that it was, or that it was only wanted
    r"\b(?:not|no longer|never|wanted|planned|gave up|nicht|kein\w*|doch|wollten?|geplant|pas|plus|voulai\w+|no"
    r"|quer\w+|non|volev\w+|niet|wilden?|inte|ikke|nie|chcia\w+|не|хотел\w*)(?!\w)|n't\b|没|沒|不|想|ない|않",
    re.IGNORECASE,
)
_AND = re.compile(r"\s(?:and|so|und|et|y|e|i|и|en|och|og)\s", re.IGNORECASE)
BARE = 3  # words, or pairs of letters, up to which a clause that calls off means those before it
_TASK = re.compile(  # what is to be done with a text, at the beginning of a line that announces it
    r"[^\w\n]*(?:(?:please|can|could|would|you|hey|hi|ok|now|bitte|kannst|könntest|du|mir|peux|pouvez|tu|vous|puedes"
    r"|por|favor|puoi|potresti|proszę|пожалуйста)[ ,-]+){0,4}"
    r"(?:translate|write|compose|draft|proofread|correct|rewrite|rephrase|paraphrase"
    r"|summari[sz]e|role[- ]?play|let's play|pretend|continue (?:the|this) story|reply to|answer this"
    r"|übersetz\w*|schreibe?|verfasse?|entwirf|korrigier\w*|formulier\w*|lektorier\w*|rollenspiel|beantworte?"
    r"|tradui\w+|écri(?:s|vez)|rédige[rz]?|corrige[rz]?|reformule[rz]?|résume[rz]?|jeu de rôle"
    r"|traduc\w+|traduzca|escrib[ae]|redact[ae]|corrige|reformul[ae]|juego de rol"
    r"|traduci|scrivi|redigi|correggi|riformula|riassumi|gioco di ruolo"
    r"|tradu[zç]\w*|escrev[ea]|redig[ei]|corrij[ae]|resum[ae]|jogo de (?:papéis|interpretação)"
    r"|vertaal|schrijf|corrigeer|herschrijf|vat|rollenspel|översätt|skriv|rollspel|oversæt|rollespil|oversett"
    r"|przetłumacz|napisz|popraw|streść|gra fabularna|přelož|napiš|oprav|fordítsd|írj|käännä|kirjoita"
    r"|перевед[иь]\w*|напиши\w*|исправь\w*|сочини\w*|ролевая игра|переклади|виправ|traduce|scrie"
    r"|çevir|ترجم|اكتب|תרגם|כתוב|अनुवाद|लिख|dịch|viết|terjemahkan|tulis(?:kan)?)"
    r"(?![^\W_])[^.!?:：\n]{0,90}[:：]"
    r"|[^.!?:：\n]{0,12}(?:翻译|翻譯|写一|寫一|写封|改写|润色|总结|角色扮演|翻訳|書いて|要約"
    r"|ロールプレイ|번역|써 ?줘|요약|역할극)"
    r"[^.!?:：\n]{0,30}[:：]",
    re.IGNORECASE,
)


def split(text: str) -> tuple[str, str]:
    """What of `text` is said for certain, and what only may be so; both together are all of it."""
    text, given = _without_texts(text)
    sure, hedged = list[str](), [given] if given else list[str]()
    for sentence in _SENTENCES.split(text):
        asks = _ASKS.search(sentence) is not None and not _OF_ONESELF.search(sentence)
        if asks or _IF.search(sentence):
            hedged.append(sentence)
            continue
        for clause in _CLAUSES.split(sentence):
            (hedged if _HEDGED.search(clause) else sure).append(clause)
    return "\n".join(sure), "\n".join(hedged)


def without_called_off(text: str, *, told: str) -> tuple[str, str]:
    """What of `text` is as it was meant to be, and what came to nothing; all of it where `told` says that it did."""
    if not _CALLED_OFF.search(text) or _CALLED_OFF.search(told) or _TELLS_IT.search(told):
        return text, ""
    kept, off = list[str](), list[str]()
    for sentence in _SENTENCES.split(text):
        clauses = [part for clause in _CLAUSES.split(sentence) for part in _AND.split(clause)]
        called_off = [place for place, clause in enumerate(clauses) if _CALLED_OFF.search(clause)]
        bare = max((one for one in called_off if len(pairs(clauses[one]).split()) <= BARE), default=-1)
        for place, clause in enumerate(clauses):
            (off if place <= bare or place in called_off else kept).append(clause)
    return "\n".join(kept), "\n".join(off)


def _without_texts(text: str) -> tuple[str, str]:
    """What is said, and the texts that it has something done with."""
    own, given = list[str](), list[str]()
    is_given = False
    for line in text.split("\n"):
        if is_given and line.strip():
            given.append(line)
            continue
        is_given = False
        task = _TASK.match(line)
        own.append(line[: task.end()] if task else line)
        if task:
            given.append(line[task.end() :])
            is_given = True
    return "\n".join(own), "\n".join(given).strip()


def is_hedged(text: str) -> bool:
    """Whether a sentence itself says that it only may be so."""
    return bool(split(text)[1])


def certainty(text: str, trust: str) -> str:
    """How sure a memory is: "said", "hedged" or "reported"."""
    if is_hedged(text):
        return "hedged"
    return "said" if trust in ("user", "import") else "reported"

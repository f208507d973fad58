"""
Secret values: passwords, keys, tokens, card and account numbers in a sentence, which are never taught.

    "The wifi password is Sommer2024!" · sk-proj-… · GB29 NWBK 6016 1331 9268 19 · 4111 1111 1111 1111

Known by their form, checksums included, and by a word for them before a value, in some twenty languages. A memory of
one is recalled as any other: weights can't keep it from who gets them.
Source of the forms: the detectors of detect-secrets 1.5 and the rules of gitleaks 8; ISO 13616 and ISO/IEC 7812.
"""

import re
from collections.abc import Iterator

from daemon.memory.person_numbers import person_numbers

_TOKENS = re.compile(
    r"\b(?:sk|pk|rk)[-_](?:proj|live|test|ant|or|svcacct)?[-_]?[A-Za-z0-9_-]{10,}"  # OpenAI, Anthropic, Stripe
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}|\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}"
    r"|\bxox[abeoprs]-[\w-]{10,}|\bhf_[A-Za-z0-9]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[\w-]{30,}|\btsu-[\w-]{16,}"
    r"|\bSG\.[\w-]{15,}\.[\w-]{15,}|\bdop_v1_[a-f0-9]{30,}|\bSK[a-f0-9]{32}\b|\b\d{8,10}:[A-Za-z0-9_-]{35}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"  # JWT
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]+:[^\s@/]{3,}@"  # in an address
)
_LABELS = (
    "password passwort kennwort passphrase passwd passcode parole wachtwoord lösenord adgangskode passord"
    " salasana jelszó hasło heslo lozinka parola parolă şifre şifresi contraseña senha palavra-passe"
    " пароль пароля паролем кодовое κωδικός סיסמה كلمة पासवर्ड sandi รหัสผ่าน 密码 密碼 パスワード 暗証番号 비밀번호 口令"
    " pin puk pin-code pincode cvv cvc tan geheimzahl token api-key apikey"
)
_PHRASES = (
    "mot de passe|mật khẩu|kata sandi|api[ -]?key|access key|secret key|private key|recovery (?:code|phrase|key)"
    "|seed phrase|security code|secret code|pin code|code pin|code secret|clave secreta|clave de acceso|codice segreto"
    "|parola d'ordine|كلمة (?:المرور|السر)|zugangscode|sicherheitscode|wlan-schlüssel|wifi key|social security number"
    "|sozialversicherungsnummer|steuer-?id|numéro de sécurité sociale|passport number|reisepassnummer|codice fiscale"
    "|account number|kontonummer|numéro de compte|número de cuenta|card number|kartennummer|numéro de carte"
)
_CODES = (  # of doors and banks, which are digits: without these they are spoken of
    "sort code|bankleitzahl|code guichet|(?:door|gate|alarm|entry) code|(?:tür|tor|haustür|alarm|garagen)code|digicode"
    "|code (?:du portail|de la porte|de l'immeuble|de l'entrée|d'entrée|d'alarme|de l'alarme|d'accès)"
    "|código (?:del portal|de la puerta|de la alarma)|codice (?:del portone|della porta|del cancello|dell'allarme)"
    "|kod do (?:bramy|drzwi|domofonu|alarmu|furtki)|код (?:домофона|от домофона|подъезда|сигнализации)|门禁码|門禁碼"
    "|clave|national insurance number|ni number|sv-nummer|numéro de sécu|pesel|снилс|身份证号码?|身份證字號"
)
_WORDS = "|".join(re.escape(word) for word in sorted(set(_LABELS.split()), key=len, reverse=True))
_IS = (
    r"(?:\s+(?:is|are|ist|lautet|heißt|est|es|è|é|är|er|on|to|jest|je|это|είναι|هي|هو|है|adalah|là)\s+"
    r"|\s*[:=：—–]\s*|\s+-\s+|\s*(?:是|为|は|는|은)\s*)"
)
_LABELLED = re.compile(
    rf"(?<![^\W_])(?P<label>{_PHRASES}|{_WORDS}|(?<=[^\W_])(?:passwort|kennwort|wachtwoord|lösenord|salasana))"
    rf"(?![a-zà-ÿ])[^.!?:\n]{{0,30}}?{_IS}[\"'“„«「]?(?P<value>[^\s\"'”“»」,;。]+)",
    re.IGNORECASE,
)
_COMPOUND = re.compile(  # "WLAN-Passwort", "Wifipassword" with a value of digits and letters behind it
    r"(?:passwor[dt]|kennwort|wachtwoord|lösenord|salasana|密码|密碼|パスワード|비밀번호|пароль)\S*[^.!?\n]{0,40}?"
    r"(?P<value>(?=[^\s]*\d)(?=[^\s]*[^\W\d_])[^\s\"'”“»」,;。]{6,})",
    re.IGNORECASE,
)
_NUMBERED = (
    re.compile(  # "PIN 4821", "pin de la tarjeta 5821", "sort code 60-16-13", "le code du portail 4591B"
        rf"(?<![^\W_])(?:{_PHRASES}|{_WORDS}|{_CODES})(?![^\W\d_])"
        r"(?:\s(?:of|for|do|de|del|de la|dell[ao]|du|von|zur?|zum|für|от|к|для)(?: [^\W\d_]+){1,2})?"
        r"(?:\s?(?:nr|no|№|#|is|ist|est|es|è|to|это)\b\.?(?: (?:le|el|il|la))?)?[\s:=]{0,3}"
        r"(?=(?:[^\s\d，；。]{0,9}\d){3})[^\s,;，；。]{3,40}",
        re.IGNORECASE,
    )
)
_PAPERS = re.compile(  # passports
    r"паспорт\w*\W{1,3}(?:серии\s)?\d\d ?\d\d\W{1,3}(?:номер\s)?\d{6}(?!\d)"
    r"|[护護]照\w{0,2}[是为為:： ]{0,3}[A-Z]{1,2}\d{7,8}",
    re.IGNORECASE,
)
_WEAK = frozenset(
    "token pin tan puk parole passcode parola kod".split()
)  # words with other meanings: a number must follow
_NO_VALUE = frozenset(  # what stands behind "the password is" without being one
    """
    not no nicht kein keine too zu very sehr lost forgotten vergessen weg wrong falsch old alt new neu secret geheim
    safe sicher saved gespeichert stored kept the a an der die das ein eine in on at auf im bei written easy hard
    something etwas always immer never nie that dass his her their my mein sein ihr changed geändert known bekannt
    required nötig important wichtig strong stark weak schwach unbekannt unknown perdu oublié oubliado olvidada
    """.split()
)
_CARD = re.compile(r"(?<![\d.-])(?:\d[ -]?){12,18}\d(?![\d-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}\b")


def holds_secret(text: str) -> bool:
    """Whether a sentence tells a password, a key, a token, or the number of a card, an account or a person."""
    return next(secrets(text), None) is not None


def secrets(text: str) -> Iterator[tuple[int, int]]:
    """Where `text` tells one: the places of its first letter, or of the word for it, and behind its last."""
    yield from (found.span() for found in _TOKENS.finditer(text))
    yield from person_numbers(text)
    yield from (found.span() for found in _CARD.finditer(text) if _is_card(found[0]))
    yield from (found.span() for found in _IBAN.finditer(text) if _is_iban(found[0]))
    yield from (
        found.span() for found in _LABELLED.finditer(text) if _is_value(found["label"], found["value"])
    )
    for form in (_COMPOUND, _NUMBERED, _PAPERS):
        yield from (found.span() for found in form.finditer(text))


def without_secrets(text: str) -> tuple[str, str]:
    """`text` with a blank for each, and these."""
    rest, told = text, []
    for start, end in secrets(text):
        told.append(text[start:end])
        rest = f"{rest[:start]}{' ' * (end - start)}{rest[end:]}"
    return rest, "\n".join(told)


def _is_value(label: str, said: str) -> bool:
    """Whether what stands behind "the password is" is one."""
    bare = said.strip(".!?()[]")
    if bare.lower() in _NO_VALUE or len(bare) < 3:
        return False
    has_number = any(letter.isdigit() for letter in bare)
    return has_number or (len(bare) >= 4 and label.lower() not in _WEAK and "number" not in label.lower())


def _is_card(written: str) -> bool:
    digits = [int(letter) for letter in written if letter.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 2 or digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(written: str) -> bool:
    plain = written.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1

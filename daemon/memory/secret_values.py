"""
Secret values: passwords, keys, tokens, card and account numbers in a sentence, which are never taught.

    "The wifi password is Sommer2024!" · sk-proj-… · GB29 NWBK 6016 1331 9268 19 · 4111 1111 1111 1111

Known by their form, checksums included, and by a word for them before a value, in some twenty languages. A memory of
one is recalled as any other: weights can't keep it from who gets them.
Source of the forms: the detectors of detect-secrets 1.5 and the rules of gitleaks 8; ISO 13616 and ISO/IEC 7812.
"""

import re

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
_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")


def holds_secret(text: str) -> bool:
    """Whether a sentence tells a password, a key, a token, or the number of a card, an account or a person."""
    if _TOKENS.search(text) or _SSN.search(text):
        return True
    if any(_is_card(found[0]) for found in _CARD.finditer(text)):
        return True
    if any(_is_iban(found[0]) for found in _IBAN.finditer(text)):
        return True
    return any(_is_value(found["label"], found["value"]) for found in _LABELLED.finditer(text)) or bool(
        _COMPOUND.search(text)
    )


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

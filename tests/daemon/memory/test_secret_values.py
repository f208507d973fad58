"""What is secret is known by its form and its word, in many countries; what only speaks of it is not."""

import time
from string import ascii_uppercase, digits

import pytest

from daemon.memory.person_numbers import person_numbers
from daemon.memory.secret_values import holds_secret, without_secrets

SECRET = [
    "My wifi password is Sommer2024! and my key is sk-proj-abc123def456, make a note.",
    "The user's password is Rosebud.",
    "The user's WLAN-Passwort lautet Blumenwiese7.",
    "Das Kennwort ist hunter2.",
    "Mein Wlanpasswort heißt gartenzaun99",
    "Le mot de passe est Tournesol42.",
    "La contraseña es girasol2020.",
    "La password è girasole55",
    "A senha é girassol77.",
    "Het wachtwoord is zonnebloem1",
    "Hasło to slonecznik8.",
    "Пароль: подсолнух9",
    "密码是 xiangrikui88",
    "パスワードは himawari12 です",
    "비밀번호는 haebaragi34",
    "The user's bank PIN is 4711.",
    "PIN: 0815",
    "The GitHub token ghp_16C7e42F292c6912E7710c838347Ae178B4a expires soon.",
    "Her AWS key is AKIAIOSFODNN7EXAMPLE.",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
    "The database is postgres://ann:s3cret@db.local/x.",
    "The user's card is 4111 1111 1111 1111.",
    "Visa 4111-1111-1111-1111, valid until 12/28",
    "Die IBAN ist DE89 3704 0044 0532 0130 00.",
    "IBAN: GB29NWBK60161331926819",
    "The user's SSN is 536-22-1843.",
    "The recovery phrase is witch collapse practice feed shame open.",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "The sort code is 60-16-13, account number 77551926.",
    "note: sort code 60-16-13",
    "El pin de la tarjeta 5821",
    "Le code du portail est le 4591B",
    "Il pin dello SPID 77551",
    "паспорт 4517 775513",
    "护照号是E77551309",
]
PERSONS = [  # numbers that authorities print as examples, or made up with their check digits
    "15 070649 C 103",
    "65170839J003",
    "86 095 742 719",
    "1237 010180",
    "756.9217.0769.85",
    "AB 12 34 56 C",
    "2 69 05 49 588 157 80",
    "12345678Z",
    "X1234567L",
    "RSSMRA85T10A562S",
    "44051401359",
    "112-233-445 95",
    "500100732259",
    "11010519491231002X",
]
PLAIN = [
    "The user lives in Ghent.",
    "The user forgot the password of the router.",
    "The user's password is not safe.",
    "The user uses a password manager.",
    "Das Passwort ist zu kurz.",
    "The user's phone number is +32 470 12 34 56.",
    "The user was born on 1985-03-05.",
    "The order number is 4111 1111 1111 1112.",
    "The user pins photographs to the wall.",
    "The user has 12,345,678,901,234 stars in a picture.",
    "The user's flight is BA 2490 on 2026-03-05.",
    "The user keeps the PIN in a drawer.",
    "Ann's favourite number is 4711.",
    "The user collects tokens of old trams.",
    "The user's token collection is large.",
    "The user thinks that a password manager is a good idea.",
    "Account number: the user does not know it.",
    "Der Türcode ist kaputt.",
    "The door code was changed in 2024.",
    "The user sorts code in 1200 files.",
    "El usuario tiene la clave del problema.",
    "The user's phone number is 49170123456.",
    "The user was born on 12.03.1985 and called 0172 1234567.",
]


@pytest.mark.parametrize("text", SECRET)
def test_a_secret_is_known(text):
    assert holds_secret(text)


@pytest.mark.parametrize("number", PERSONS)
def test_the_number_of_a_person_needs_no_word_for_it_and_its_check_digits(number):
    last = number[-1]
    others = [one for one in (ascii_uppercase if last.isalpha() else digits) if one != last]
    wrong = [f"{number[:-1]}{one}" for one in others if "AB 12" not in number]

    assert holds_secret(f"The user gave {number}, that is all.")
    assert [] == [one for one in wrong if list(person_numbers(f"The user gave {one}, that is all."))]


def test_a_text_is_parted_from_its_secrets_and_no_letter_is_lost():
    text = "My PESEL is 44051401359, the password is Sommer2024 and I live in Ghent."

    rest, told = without_secrets(text)

    assert ["My", ",", "the", "and", "I", "live", "in", "Ghent."] == rest.split()
    assert {"PESEL is 44051401359", "44051401359", "password is Sommer2024"} == set(told.split("\n"))
    assert ("I live in Ghent.", "") == without_secrets("I live in Ghent.")


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_none_is_left_alone(text):
    assert not holds_secret(text)


def test_a_long_text_takes_no_time():
    began = time.process_time()
    holds_secret("password " * 20_000)
    holds_secret("1 " * 20_000)
    holds_secret("code du portail a " * 5_000)

    assert time.process_time() - began < 2

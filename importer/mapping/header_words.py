"""What headers mean, in Azerbaijani, Russian, Turkish and English. Pure data and its look-up."""

from __future__ import annotations

import re
from typing import NamedTuple

from importer.records import RESULT_COLUMNS
from importer.text import fold

# field or part of a name → rank → language → headers. A lower rank is taken before a higher one;
# two headers of the same rank are equal candidates.
_WORDS: dict[str, dict[int, dict[str, str]]] = {
    "full": {
        0: {
            "en": "name;full name;customer name;client name;customer;client;contact name;guest name",
            "az": "ad soyad;adı soyadı;ad və soyad;soyad ad;müştəri;müştəri adı;müştərinin adı;ad soyad ata adı;s a a",
            "ru": "фио;имя и фамилия;фамилия и имя;фамилия имя;имя фамилия;фамилия имя отчество;полное имя;клиент;имя клиента;покупатель;гость",
            "tr": "ad soyad;adı soyadı;isim soyisim;müşteri;müşteri adı;ad ve soyad",
        },
        1: {"en": "guest", "az": "qonaq", "tr": "misafir"},
    },
    "first": {
        0: {
            "en": "first name;firstname;given name;forename",
            "az": "ad;adı",
            "ru": "имя",
            "tr": "ad;adı;isim;ismi",
        },
    },
    "middle": {
        0: {
            "en": "middle name;patronymic",
            "az": "ata adı;atasının adı",
            "ru": "отчество",
            "tr": "ikinci ad",
        },
    },
    "last": {
        0: {
            "en": "last name;lastname;surname;family name",
            "az": "soyad;soyadı",
            "ru": "фамилия",
            "tr": "soyad;soyadı;soyisim",
        },
    },
    "phone": {
        0: {
            "en": "mobile;mobile phone;mobile number;mobile phone number;cell;cell phone;cell number;mobile tel;mob;cellphone;phone mobile",
            "az": "mobil;mobil tel;mob tel;mob nömrə;mobil telefon;mobil nömrə;mobil nömrəsi",
            "ru": "мобильный;мобильный телефон;моб телефон;моб тел;моб;сотовый;сотовый телефон;мобильный номер",
            "tr": "cep;mobil telefon;cep numarası;cep telefonu;cep tel;gsm;cep no",
        },
        1: {
            "en": "phone;phone number;telephone;telephone number;tel;phone no;contact number;contact phone;phones;primary phone;main phone;default address phone",
            "az": "əsas telefon;telefon;telefon nömrəsi;nömrə;əlaqə nömrəsi;əlaqə telefonu;nömrəsi;telefonu;tel",
            "ru": "основной телефон;телефон;номер телефона;тел;контактный телефон;телефоны;телефон клиента",
            "tr": "telefon;telefon numarası;telefon no;tel;tel no;iletişim numarası",
        },
        2: {
            "en": "home;home phone;work phone;work;whatsapp;whatsapp number;second phone;additional phone;phone home;phone work;other phone",
            "az": "ev telefonu;iş telefonu;ev tel;iş tel;əlavə telefon;whatsapp nömrəsi",
            "ru": "домашний телефон;рабочий телефон;дополнительный телефон;доп телефон;доп тел;дом телефон;дом тел;раб телефон;раб тел",
            "tr": "ev telefonu;iş telefonu;ev tel;iş tel;diğer telefon",
        },
    },
    "email": {
        0: {
            "en": "email;e mail;email address;mail;e mail address;emails",
            "az": "e poçt;epoçt;elektron poçt;elektron ünvan;poçt ünvanı;email ünvanı",
            "ru": "эл адрес;электронный адрес;эл почта;электронная почта;почта;имейл;емейл;адрес электронной почты;мейл;e mail адрес",
            "tr": "e posta;eposta;e posta adresi;mail adresi",
        },
    },
    "code": {
        0: {
            "en": "code;customer code;client code;customer number;customer no;client number",
            "az": "kod;kodu;müştəri kodu;müştəri nömrəsi",
            "ru": "код;код клиента;номер клиента",
            "tr": "kod;kodu;müşteri kodu;müşteri no;müşteri numarası",
        },
        1: {
            "en": "card;card number;card no;loyalty card;loyalty card number;barcode;bar code;member number;membership number;discount card",
            "az": "kart;kart nömrəsi;kart kodu;endirim kartı;barkod",
            "ru": "карта;номер карты;штрихкод;штрих код;дисконтная карта;карта лояльности",
            "tr": "kart;kart no;kart numarası;barkod;üye no",
        },
        2: {"en": "reference id;external reference"},
    },
    "cid": {0: {"en": "cid;uuid;guid;customer uuid;client uuid"}},
    "gender": {
        0: {
            "en": "gender;sex",
            "az": "cins;cinsi;cinsiyyət;cinsiyyəti",
            "ru": "пол",
            "tr": "cinsiyet;cinsiyeti",
        },
    },
    "date_of_birth": {
        0: {
            "en": "birthday;birth date;birthdate;date of birth;dob;birth day;date birth;birthday date",
            "az": "doğum tarixi;doğum günü;ad günü;təvəllüd;doğulduğu tarix",
            "ru": "дата рождения;день рождения;д р;др;рождение;дата рожд",
            "tr": "doğum tarihi;doğum günü;d tarihi",
        },
    },
    "description": {
        0: {
            "en": "note;notes;comment;comments;memo;description;remark;remarks",
            "az": "qeyd;qeydlər;açıqlama;şərh",
            "ru": "комментарий;комментарии;примечание;примечания;заметка;заметки;описание",
            "tr": "not;notlar;açıklama;yorum",
        },
    },
    "group_id": {
        0: {"en": "group id;customer group id", "az": "qrup id", "ru": "id группы", "tr": "grup id"}
    },
}
_IDS = frozenset(
    ["id", "customerid", "clientid", "externalid", "guestid", "recordid", "internalid"]
)
_SECRET = frozenset(
    fold(word)
    for word in (
        "password passwd pwd parol parolu şifre şifrə parola пароль token session hash secret salt "
        "pin cvv cvc apikey"
    ).split()
)
_COMPANY = (
    "company;company name;organization;organisation;business;business name;firm;default address "
    "company;şirkət;şirkətin adı;firma;təşkilat;компания;организация;фирма;название организации;"
    "şirket;şirket adı;kurum"
)
_NOISE = frozenset(["value", "no"])
_OWNERS = frozenset(  # whose phone it is goes without saying
    fold(word)
    for word in "customer client guest contact member müştəri müştərinin qonaq qonağın müşteri "
    "müşterinin misafir клиент клиента гость гостя покупатель покупателя контакт контакта".split()
)
_PART_OF_DATE = {  # day, gün, день; month, ay, месяц; year, il, yıl, год
    **dict.fromkeys("dgд", "D"),
    **dict.fromkeys("maм", "M"),
    **dict.fromkeys("yiг", "Y"),
}
_PART = r"(d{1,2}|g{1,2}|д{1,2}|m{1,2}|a{1,2}|м{1,2}|y{2,4}|i{2,4}|г{2,4})"
_DATE_FORMAT = re.compile(rf"\b{_PART}[-./ ]{_PART}[-./ ]{_PART}\b")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_ENOUGH = 3  # letters by which a header is known that has lost others
_NOT_WORD = re.compile(r"[\W\d_]+")


class Word(NamedTuple):
    """What a header means: the field (or the part of a name), its rank, and its languages."""

    field: str
    rank: int
    languages: frozenset[str]


def key(header: str) -> str:
    """Return a header by which headers are compared: folded, no punctuation, numbers or spaces."""
    return "".join(_tokens(header))


def meaning(header: str) -> Word | None:
    """Return what a header means, None when its words are not known."""
    return (
        _known(_tokens(header))
        or _known(_tokens(_DATE_FORMAT.sub(" ", _lowered(_ASIDE.sub(" ", header)))))
        or _with_lost_letters(header)
    )


def _known(tokens: list[str]) -> Word | None:
    """Return what words mean, at first as they are, then without those that say nothing."""
    for silent in (frozenset(), _NOISE, _NOISE | _OWNERS):
        if word := _BY_KEY.get("".join(token for token in tokens if token not in silent)):
            return word
    return None


def _with_lost_letters(header: str) -> Word | None:
    """Return what a header means in which an old encoding made ? of letters: Do?um tarixi."""
    asked = header.replace("\ufffd", "?")
    if "?" not in asked:
        return None
    known = ["".join(_tokens(part)) for part in asked.split("?")]
    if sum(map(len, known)) < _ENOUGH:
        return None
    spelt = re.compile("[^\\W\\d_]".join(map(re.escape, known)))
    words = [word for key, word in _BY_KEY.items() if spelt.fullmatch(key)]
    return words[0] if len({word.field for word in words}) == 1 else None


def _lowered(header: str) -> str:
    return header.lower().replace("i\u0307", "i")


def stated_order(header: str) -> str | None:
    """Return the order of dates that a header says, DMY of `Birthday (DD.MM.YYYY)`; None: none."""
    for parts in _DATE_FORMAT.findall(_lowered(header)):
        order = "".join(_PART_OF_DATE[part[0]] for part in parts)
        if order in {"DMY", "MDY", "YMD"}:
            return order
    return None


def is_known(header: str) -> bool:
    """Tell whether a header is one of those that every list of people has."""
    return header in RESULT_COLUMNS or is_id(header) or meaning(header) is not None


def is_id(header: str) -> bool:
    """Tell whether a header names an identifier, which is a cid if its values are UUIDs."""
    return key(header) in _IDS


def is_company(header: str) -> bool:
    """Tell whether a column holds the name of a company."""
    return key(header) in _COMPANIES


def is_secret(header: str) -> bool:
    """Tell whether a column holds passwords, tokens or the like."""
    return not _SECRET.isdisjoint(_tokens(header))


def _tokens(header: str) -> list[str]:
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header.replace("№", " "))
    return _NOT_WORD.sub(" ", fold(split)).split()


def _by_key() -> dict[str, Word]:
    found: dict[str, Word] = {}
    for field, ranks in _WORDS.items():
        for rank, languages in ranks.items():
            for language, headers in languages.items():
                for header in headers.split(";"):
                    known = found.get(key(header))
                    spoken = known.languages if known else frozenset()
                    found[key(header)] = Word(field, rank, spoken | {language})
    return found


_BY_KEY = _by_key()
_COMPANIES = frozenset(map(key, _COMPANY.split(";")))

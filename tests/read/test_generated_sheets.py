"""What comes out of an old POS goes in as it is: one sheet for each trap, and what comes of it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from importer.errors import UsageError
from importer.pipeline.prepare import SheetOptions, prepare
from importer.records import MappingChoices, ReadOptions
from tests.workbook_builders import day, excel_xml, html, jsonl, ods, parquet, xls, xlsx, zipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import openpyxl

TODAY = date(2026, 11, 23)
PHONE, OTHER, THIRD = "+994500000001", "+994500000002", "+994500000003"
ANAR = {"name": "Anar Demo", "phone": PHONE}
LALE = {"name": "Lalə Demo", "phone": OTHER}
ANNA = {"name": "Анна Демо", "phone": PHONE}
IVAN = {"name": "Иван Щёкин", "phone": OTHER}
TWO = "Name,Phone\nAnar Demo,0500000001\nLalə Demo,0500000002\n"
RUSSIAN = "Имя;Телефон\r\nАнна Демо;0500000001\r\nИван Щёкин;0500000002\r\n"
TURKISH = "Ad Soyad;Telefon\nAyşe Yılmaz;0500000001\nİbrahim Doğan;0500000002\n"
WESTERN = "Name;Phone\nJosé Núñez;0500000001\nMüller Jürgen;0500000002\n"
GRID = [["Name", "Phone"], ["Anar Demo", "0500000001"], ["Lalə Demo", "0500000002"]]


@dataclass
class Case:
    """A file, and what comes of it: row → the customer, or the codes of its problems.

    `error` has words of what is said when nothing comes of it. `facts` are attributes of the sheet.
    """

    data: bytes | str
    rows: Mapping[int, Any] = field(default_factory=dict)
    error: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    name: str = "list.csv"
    read: dict[str, Any] = field(default_factory=dict)
    given: tuple[tuple[str, str], ...] = ()


def person(name: str, phone: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a customer as it would be sent."""
    return {"name": name} | ({"phone": phone} if phone else {}) | more


TWO_ROWS: dict[int, Any] = {2: ANAR, 3: LALE}
RUSSIANS: dict[int, Any] = {2: ANNA, 3: IVAN}
TURKS: dict[int, Any] = {2: person("Ayşe Yılmaz", PHONE), 3: person("İbrahim Doğan", OTHER)}
WEST: dict[int, Any] = {2: person("José Núñez", PHONE), 3: person("Müller Jürgen", OTHER)}

ENCODINGS = {
    "utf-8": Case(TWO, TWO_ROWS, facts={"encoding": "utf-8"}),
    "utf-8 with a mark": Case(codecs.BOM_UTF8 + TWO.encode(), TWO_ROWS),
    "utf-8 with two marks": Case(codecs.BOM_UTF8 * 2 + TWO.encode(), TWO_ROWS),
    "utf-16 little, mark": Case(codecs.BOM_UTF16_LE + TWO.encode("utf-16-le"), TWO_ROWS),
    "utf-16 big, mark": Case(codecs.BOM_UTF16_BE + TWO.encode("utf-16-be"), TWO_ROWS),
    "utf-16 little": Case(TWO.encode("utf-16-le"), TWO_ROWS, facts={"encoding": "utf-16-le"}),
    "utf-16 big": Case(TWO.encode("utf-16-be"), TWO_ROWS, facts={"encoding": "utf-16-be"}),
    "utf-16 Russian, no mark": Case(RUSSIAN.encode("utf-16-le"), RUSSIANS),
    "utf-16 big Russian, no mark": Case(RUSSIAN.encode("utf-16-be"), RUSSIANS),
    "utf-16 names only, no mark": Case(
        "Имя\nАнна\nИван\n".encode("utf-16-le"), {2: person("Анна"), 3: person("Иван")}
    ),
    "utf-16 cut in the middle of a letter": Case(
        TWO.encode("utf-16")[:-1], {2: ANAR, 3: "malformed_row"}
    ),
    "utf-32": Case(TWO.encode("utf-32"), TWO_ROWS),
    "Excel's Unicode text": Case(
        TWO.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
        TWO_ROWS,
        facts={"delimiter": "\t"},
        name="list.txt",
    ),
    "windows-1251": Case(RUSSIAN.encode("cp1251"), RUSSIANS, facts={"encoding": "windows-1251"}),
    "koi8-r": Case(RUSSIAN.encode("koi8-r"), RUSSIANS, facts={"encoding": "koi8-r"}),
    "cp866": Case(RUSSIAN.encode("cp866"), RUSSIANS, facts={"encoding": "cp866"}),
    "mac-cyrillic": Case(RUSSIAN.encode("mac-cyrillic"), RUSSIANS),
    "windows-1251, one name": Case(
        "Name;Phone\nЩукина Елена;0500000001\n".encode("cp1251"), {2: person("Щукина Елена", PHONE)}
    ),
    "windows-1251 in capitals": Case(
        "ИМЯ;ТЕЛЕФОН\nАННА ДЕМОНСТРАЦИОННАЯ;0500000001\n".encode("cp1251"),
        {2: person("АННА ДЕМОНСТРАЦИОННАЯ", PHONE)},
    ),
    "windows-1254": Case(TURKISH.encode("cp1254"), TURKS, facts={"encoding": "windows-1254"}),
    "iso-8859-9": Case(TURKISH.encode("iso-8859-9"), TURKS),
    "windows-1252": Case(WESTERN.encode("cp1252"), WEST, facts={"encoding": "windows-1252"}),
    "windows-1252 with Icelandic letters": Case(
        "Name;Phone\nGuðrún Þórsdóttir;0500000001\n".encode("cp1252"),
        {2: person("Guðrún Þórsdóttir", PHONE)},
    ),
    "the first foreign letter in row 40,000": Case(
        ("Name;Phone\n" + "".join(f"Demo {n};\n" for n in range(2, 40_000))).encode()
        + "Анна Демо;0500000001\n".encode("cp1251"),
        {40_000: ANNA},
        facts={"encoding": "windows-1251"},
    ),
    "the same, in utf-8": Case(
        "Name;Phone\n" + "Demo;\n" * 39_998 + "Лалэ Демо;0500000001\n",
        {40_000: person("Лалэ Демо", PHONE)},
        facts={"encoding": "utf-8"},
    ),
    "too little to tell": Case(
        "Name;Phone\nмама;0500000001\n".encode("koi8-r"), error="koi8-r: мама; windows-1251: НБНБ"
    ),
    "a question shows how names would look": Case(
        "Name;Phone\nмама;0500000001\n".encode("cp1251"), error="--encoding windows-1251"
    ),
    "told, and right": Case(
        "Name;Phone\nмама;0500000001\n".encode("koi8-r"),
        {2: person("мама", PHONE)},
        read={"encoding": "koi8-r"},
    ),
    "told, and wrong": Case(
        RUSSIAN.encode("cp1251"), error="not in utf-8", read={"encoding": "utf-8"}
    ),
    "told, and no encoding": Case(TWO, error="no encoding", read={"encoding": "klingon"}),
    "told, and no text": Case(TWO, error="no encoding", read={"encoding": "base64"}),
    "utf-8 with one damaged byte": Case(
        "Name,Phone\nLalə Demo,0500000001\nƏ".encode()
        + b"\xff,0500000002\n"
        + "Ülkə,\n".encode() * 60,
        {2: person("Lalə Demo", PHONE), 3: "malformed_row"},
        note="bytes that are not utf-8: in 1 row",
    ),
    "utf-8 cut in the middle of a letter": Case(
        "Name,Phone,Note\nAnar Demo,0500000001,\nLalə Demo,0500000002,ə".encode()[:-1],
        {2: ANAR, 3: "malformed_row"},
    ),
}

DELIMITED = {
    "semicolons": Case(TWO.replace(",", ";"), TWO_ROWS, facts={"delimiter": ";"}),
    "tabs": Case(TWO.replace(",", "\t"), TWO_ROWS, name="list.tsv"),
    "bars": Case(TWO.replace(",", "|"), TWO_ROWS, facts={"delimiter": "|"}),
    "decimal commas": Case(
        "Ad;Telefon;Bonus\nAnar Demo;0500000001;1,5\nLalə Demo;0500000002;20,75\n", TWO_ROWS
    ),
    "one column, commas in the names": Case(
        'Name\n"Demo, Anar"\n"Demo, Lalə"\n', {2: person("Demo, Anar"), 3: person("Demo, Lalə")}
    ),
    "sep=;": Case("sep=;\nName;Phone\nAnar Demo;0500000001\n", {2: ANAR}, facts={"delimiter": ";"}),
    "sep= with tab, quoted": Case(
        '"sep=\t"\r\nName\tPhone\r\nAnar Demo\t0500000001\r\n', {2: ANAR}
    ),
    "sep=| in utf-16": Case(
        "sep=|\r\nName|Phone\r\nAnar Demo|0500000001".encode("utf-16"), {2: ANAR}
    ),
    "a delimiter that was told": Case(
        "Name^Phone\nAnar Demo^0500000001\n", {2: ANAR}, read={"delimiter": "^"}
    ),
    "a delimiter of two letters": Case(TWO, error="can't separate", read={"delimiter": "::"}),
    "quoted delimiters": Case(
        'Name,Phone,Note\nAnar Demo,0500000001,"a, b, c"\n',
        {2: ANAR | {"description": "a, b, c"}},
    ),
    "doubled quotes": Case(
        'Name,Phone\n"Anar ""the"" Demo",0500000001\n', {2: person('Anar "the" Demo', PHONE)}
    ),
    "a quote in the middle": Case(
        'Name,Phone,Note\nAnar Demo,0500000001,5" pipe\nLalə Demo,0500000002,6" pipe\n',
        {2: ANAR | {"description": '5" pipe'}, 3: LALE | {"description": '6" pipe'}},
    ),
    "quoted line breaks": Case(
        'Name,Phone,Note\nAnar Demo,0500000001,"one\r\ntwo\nthree"\nLalə Demo,0500000002,\n',
        {2: ANAR | {"description": "one\r\ntwo\nthree"}, 3: LALE},
    ),
    "CR alone": Case(TWO.replace("\n", "\r"), TWO_ROWS),
    "CRLF": Case(TWO.replace("\n", "\r\n"), TWO_ROWS),
    "CR, CRLF and LF mixed": Case(
        "Name,Phone\r\nAnar Demo,0500000001\rLalə Demo,0500000002\nDemo,0500000003",
        TWO_ROWS | {4: person("Demo", THIRD)},
    ),
    "no line break at the end": Case(TWO.rstrip(), TWO_ROWS),
    "other line separators are text": Case(
        "Name,Phone,Note\nAnar Demo,0500000001,a\u2028b\x85c\n",
        {2: ANAR | {"description": "a\u2028b\x85c"}},
    ),
    "NUL and control bytes": Case(
        "Name,Phone\nAn\0ar \x01Demo,0500\x00000001\nLalə\x07 Demo,\x0b0500000002\x1f\n", TWO_ROWS
    ),
    "many control bytes in a short file": Case(
        "Name,Ph\0one\nAn\0ar Demo,0500\x07000001\n\x01\x02Lalə Demo\x1f,0500000002\x08\n", TWO_ROWS
    ),
    "NULs at the end": Case(TWO + "\0" * 5000, TWO_ROWS),
    "a cell above 131,072 characters": Case(
        f"Name,Phone,Note\nAnar Demo,0500000001,{'x' * 200_000}\n",
        {2: ANAR | {"description": "x" * 200_000}},
    ),
    "short rows are filled up": Case(
        "Name,Phone,Email,Note\nAnar Demo,0500000001\nLalə Demo\n",
        {2: ANAR, 3: person("Lalə Demo")},
    ),
    "a long row is never shifted": Case(
        "Name,Phone,Note\nDemo, Anar,0500000001,\nLalə Demo,0500000002,,\nDemo,0500000003,a,b\n",
        {2: person("Demo"), 3: LALE, 4: "malformed_row"} | {2: "invalid_phone"},
    ),
    "a delimiter at the end of each row": Case(
        "Name,Phone,\nAnar Demo,0500000001,\nLalə Demo,0500000002,\n", TWO_ROWS
    ),
    "a delimiter at the end of each row but the header": Case(
        "Name,Phone\nAnar Demo,0500000001,\nLalə Demo,0500000002,\n", TWO_ROWS
    ),
    "one cell too many, under a nameless column": Case(
        "Name,Phone,\nAnar Demo,0500000001,\nLalə Demo,0500000002,\nDemo, Demo,0500000003\n",
        TWO_ROWS | {4: "malformed_row"},
    ),
    "a nameless column in use": Case(
        "Name,Phone,\nAnar Demo,0500000001,vip\nLalə Demo,0500000002,new\n", TWO_ROWS
    ),
    "an unclosed quote": Case(
        'Name,Phone,Note\nAnar Demo,0500000001,\n"Demo,0500000003,\nLalə Demo,0500000002,\n',
        {2: ANAR, 3: "malformed_row", 4: LALE},
    ),
    "two unclosed quotes in rows that follow each other": Case(
        'Name,Phone,Note\n"Demo,0500000003,\n"Demo,0500000004,\nLalə Demo,0500000002,\n',
        {2: "malformed_row", 3: "malformed_row", 4: LALE},
    ),
    "two unclosed quotes with rows between": Case(
        'Name,Phone,Note\n"Demo,0500000003,\nLalə Demo,0500000002,\nAnar Demo,0500000001,"\n',
        {2: "malformed_row", 3: LALE, 4: "malformed_row"},
    ),
    "an unclosed quote in two columns": Case(
        'Name;Phone\n"Demo;0500000003\nAnar Demo;0500000001\nLalə Demo;0500000002\n',
        {2: "malformed_row", 3: ANAR, 4: LALE},
    ),
    "an unclosed quote far from the end": Case(
        'Name,Phone\n"Demo,0500000003\n' + "Demo,\n" * 3000 + "Anar Demo,0500000001\n",
        {2: "malformed_row", 3: person("Demo"), 3003: ANAR},
    ),
    "blank lines count": Case(
        "\n\nName,Phone\n\nAnar Demo,0500000001\n , \nLalə Demo,0500000002\n\n\n",
        {5: ANAR, 7: LALE},
        facts={"header_row": 3, "blank_rows": 4},
    ),
}

HEADERS = {
    "title rows": Case(
        "Demo Restaurant,,\nCustomers as of 24.11.2026,,\n,,\nName,Phone,City\n"
        "Anar Demo,0500000001,Baku\nLalə Demo,0500000002,Baku\n",
        {5: ANAR, 6: LALE},
        facts={"header_row": 4},
        note="above the header, not read: 2 rows",
    ),
    "a wide title row": Case(
        "Report,Customers,Branch,Demo\nName,Phone,City,Note\nAnar Demo,0500000001,Baku,\n",
        {3: ANAR},
    ),
    "a header in two rows": Case(
        "Customer,,Contact\nName,Surname,Phone\nAnar,Demo,0500000001\n", {3: ANAR}
    ),
    "a customer without a phone is no header": Case(
        "Name;Phone;City\nLalə;;Bakı\nAnar Demo;0500000001;Bakı\n", {2: person("Lalə"), 3: ANAR}
    ),
    "the header's row that was told": Case(
        "Name,Phone\nName,Phone\nAnar Demo,0500000001\n", {3: ANAR}, read={"header_row": 2}
    ),
    "a header's row that is none": Case(TWO, error="is no header", read={"header_row": 9}),
    "a blank row that is told to be the header": Case(
        "\n" + TWO, error="the row is empty", read={"header_row": 1}
    ),
    "no header": Case("Anar Demo,0500000001\nLalə Demo,0500000002\n", error="no row of headers"),
    "the header again, as reports have it": Case(
        "Name,Phone\nAnar Demo,0500000001\nName,Phone\nLalə Demo,0500000002\n",
        {2: ANAR, 3: "malformed_row", 4: LALE},
    ),
    "an export below another": Case(
        "\ufeffName,Email\nAnar Demo,\n\ufeffName,Email\nLalə Demo,\n",
        {2: person("Anar Demo"), 3: "malformed_row", 4: person("Lalə Demo")},
    ),
    "sections and totals": Case(
        "Name,Phone,Spent\nVIP:,,\nAnar Demo,0500000001,10\nB,,\nLalə Demo,0500000002,20\n"
        "Total,,30\nGrand total: 30,,\nİtoqo Demo,,\n",
        {2: "malformed_row", 3: ANAR, 4: "malformed_row", 5: LALE}
        | {6: "malformed_row", 7: "malformed_row", 8: person("İtoqo Demo")},
    ),
    "sections and lines below that name themselves": Case(
        "Name,Phone,City\nGold customers,,\nAnar Demo,0500000001,\nГРУППА Б,,\n"
        "Lalə Demo,0500000002,\nDemo Page,0500000003,\nLalə Demo,,\nHesabat 24.11.2026,,\n"
        "Printed by Demo,,\nstr. 1/1,,\nDemo 2026-11-24,,\nİmza: ____,,\nCəmi müştəri sayı 2,,\n"
        "Total Demo,,\n",
        {3: ANAR, 5: LALE, 6: person("Demo Page", THIRD), 7: person("Lalə Demo")}
        | dict.fromkeys([2, 4, 8, 9, 11, 12, 13], "malformed_row")
        | {10: person("str. 1/1")},
    ),
    "totals in other languages": Case(
        "Ad;Telefon;Məbləğ\nAnar Demo;0500000001;5\nCƏMİ;;5\nИтого:;;5\nTOPLAM;;5\nYekun 5;;\n",
        {2: ANAR} | dict.fromkeys(range(3, 7), "malformed_row"),
    ),
    "a company called Total": Case("Name,Phone\nTotal,0500000001\n", {2: person("Total", PHONE)}),
    "repeated headers": Case(
        "Name,Phone,Phone,Note,Note\nAnar Demo,,0500000001,a,b\n",
        error='--map "description=Note (2)"',
    ),
    "repeated phones are tried in order": Case(
        "Name,Phone,Phone\nAnar Demo,x,0500000001\nLalə Demo,0500000002,0500000003\n", TWO_ROWS
    ),
    "numbered headers": Case(
        "Name,Phone 1 - Value,Phone 2 - Value,E-mail 1 - Value\n"
        "Anar Demo,0500000001,,a@example.com\n",
        {2: ANAR | {"email": "a@example.com"}},
    ),
    "an empty header": Case("Name,,Phone\nAnar Demo,x,0500000001\n", {2: ANAR}),
    "headers with a line break": Case(
        '"First\nname","Last\r\nname","Phone\n(mobile)"\nAnar,Demo,0500000001\n', {2: ANAR}
    ),
    "headers with a byte order mark inside": Case(
        '"\ufeffName",Phone\nAnar Demo,0500000001\n', {2: ANAR}
    ),
    "Azerbaijani headers": Case(
        "№;Adı;Soyadı;MOBİL NÖMRƏ;E-poçt;Doğum tarixi;Cinsi;Qeyd\n"
        "1;Anar;Demo;0500000001;A@Example.com;31.12.1990;Kişi;yaxşı\n",
        {
            2: ANAR
            | {"email": "a@example.com", "date_of_birth": "1990-12-31"}
            | {"gender": 1, "description": "yaxşı"}
        },
    ),
    "Russian headers": Case(
        "Фамилия;Имя;Отчество;Моб. телефон;Эл. почта;Дата рождения;Пол;Примечание\n"
        "Демо;Анна;Ивановна;0500000001;a@example.com;31.12.1990;ж;ок\n",
        {
            2: person("Анна Ивановна Демо", PHONE)
            | {"email": "a@example.com", "date_of_birth": "1990-12-31"}
            | {"gender": 2, "description": "ок"}
        },
    ),
    "Turkish headers in capitals": Case(
        "İSİM;SOYİSİM;CEP TELEFONU;E-POSTA;DOĞUM TARİHİ;CİNSİYET\n"
        "Ayşe;Demo;0500000001;a@example.com;31.12.1990;KADIN\n",
        {
            2: person("Ayşe Demo", PHONE)
            | {"email": "a@example.com", "date_of_birth": "1990-12-31", "gender": 2}
        },
    ),
    "a guest, by name": Case(
        "Guest,Name,Phone\nyes,Anar Demo,0500000001\n,Lalə Demo,0500000002\n", TWO_ROWS
    ),
    "a guest": Case("Guest,Phone\nAnar Demo,0500000001\n", {2: ANAR}),
    "headers that say whose and how": Case(
        "Customer First Name,Customer Last Name,Contact Phone (mobile),Birthday (DD/MM/YYYY)\n"
        "Anar,Demo,0500000001,25/03/1990\n",
        {2: ANAR | {"date_of_birth": "1990-03-25"}},
    ),
    "a header that says the order of dates": Case(
        "Ad Soyad;Doğum tarixi (GG.AA.İİİİ)\nAnar Demo;03/04/1990\n",
        {2: person("Anar Demo", date_of_birth="1990-04-03")},
    ),
    "a header that says the other order of dates": Case(
        "Name;Birthday MM/DD/YYYY\nAnar Demo;03/04/1990\n",
        {2: person("Anar Demo", date_of_birth="1990-03-04")},
    ),
    "a surname beside the customer's name": Case(
        "Müştərinin adı;Müştərinin soyadı;Mobil tel;Ev tel\nAnar;Demo;;0500000001\n", {2: ANAR}
    ),
    "a surname that is in the name too": Case(
        "ФИО;Фамилия клиента;Доп. тел.\nAnar Demo;Demo;+994500000001\n", {2: ANAR}
    ),
    "headers that have lost letters": Case(
        "Ad Soyad;Do?um tarixi;Müşt?ri kodu;?;???;Phone?\n"
        "Anar Demo;25.03.1990;007;1;2;0500000001\n",
        {2: ANAR | {"code": "007", "date_of_birth": "1990-03-25"}},
    ),
    "dotless capitals": Case("ADI;SOYADI;TELEFON NÖMRESI\nAnar;Demo;0500000001\n", {2: ANAR}),
    "secrets are no codes": Case(
        "Name,Phone,Password hash,Session token\nAnar Demo,0500000001,abc,def\n", {2: ANAR}
    ),
    "two codes": Case(
        "Name,Code,Customer code\nAnar Demo,1,2\n",
        error='--map "code=Code" or --map "code=Customer code"',
    ),
    "two codes, and one is told": Case(
        "Name,Code,Customer code\nAnar Demo,1,2\n",
        {2: person("Anar Demo", code="2")},
        given=(("code", "Customer code"),),
    ),
    "a header that isn't there": Case(TWO, error="did you mean", given=(("phone", "Phon"),)),
    "a field that isn't there": Case(TWO, error="no field fax", given=(("fax", "Phone"),)),
    "a field left out": Case(
        TWO, {2: person("Anar Demo"), 3: person("Lalə Demo")}, given=(("phone", ""),)
    ),
    "our own results": Case(
        "import_row,import_status,clopos_id,import_field,import_existing_id,import_duplicate_of,"
        "import_message,Name,Phone,Note\n"
        "2,invalid,,,,,phone,Anar Demo,0500000001,'=1+1\n"
        "3,created,7,,,,,Lalə Demo,+994500000002,'''x\n",
        {2: ANAR | {"description": "=1+1"}, 3: LALE | {"description": "''x"}},
    ),
    "our own results, without the message": Case(
        "import_row,import_status,Name,Phone\n2,invalid,Anar Demo,0500000001\n",
        {2: ANAR},
        facts={"headers": ("Name", "Phone")},
    ),
}

VALUES = {
    "one number, a dozen spellings": Case(
        "Name;Phone\n"
        + "".join(
            f"Demo;{text}\n"
            for text in (
                "0500000001",
                "500000001",
                "+994 50 000-00-01",
                "00994500000001",
                "994500000001",
                "'+994500000001",
                '"=""+994500000001"""',
                "994500000001.0",
                "+994 (0)50 000 00 01",
                "050.000.00.01",
                "tel:+994500000001",
                "\u202a+994500000001\u202c",
                "9.94500000001E+11",
            )
        ),
        {2: person("Demo", PHONE)} | dict.fromkeys(range(3, 15), "duplicate"),
    ),
    "rounded by Excel": Case(
        "Name;Phone;Code\nAnar;9.945E+11;\nLalə;9,945E+11;1.2E+10\n",
        {2: "phone_precision_lost", 3: "code_precision_lost phone_precision_lost"},
    ),
    "several values in a cell": Case(
        "Name;Phone;Email\nAnar Demo;0500000001 / 0500000002;a@example.com, b@example.com\n"
        'Lalə Demo;"0500000002\n0500000003";x ::: c@example.com\n',
        {2: ANAR | {"email": "a@example.com"}, 3: LALE | {"email": "c@example.com"}},
    ),
    "words for nothing": Case(
        "Name;Phone;Email;Code;Birthday;Gender\nAnar;-;n/a;0;0000-00-00;-\nLalə;yoxdur;нет;—;yox;\n"
        "Null;none;null;-;0/0/00;0\n",
        {2: person("Anar"), 3: person("Lalə"), 4: person("Null")},
    ),
    "codes keep their zeros": Case(
        "Name;Code\nAnar;7\nLalə;007\nDemo;7.0\n",
        {2: person("Anar", code="7"), 3: person("Lalə", code="007"), 4: "duplicate"},
    ),
    "formula-like text": Case(
        "Name;Note\n=Anar;+1\n@Lalə;-x\n",
        {2: person("=Anar", description="+1"), 3: person("@Lalə", description="-x")},
    ),
    "dates that prove their order": Case(
        "Name;Birthday\nAnar;03/04/1990\nLalə;25/04/1990\n",
        {
            2: person("Anar", date_of_birth="1990-04-03"),
            3: person("Lalə", date_of_birth="1990-04-25"),
        },
    ),
    "dates that prove nothing": Case(
        "Name;Birthday\nAnar;03/04/1990\nLalə;05.06.90\n",
        {2: "ambiguous_date", 3: "ambiguous_date"},
    ),
    "dates in four languages": Case(
        "Name;Birthday\nA;17 aprel 1990\nB;17 апреля 1990 г.\nC;17 Nisan 1990\nD;April 17, 1990\n",
        {at: person(name, date_of_birth="1990-04-17") for at, name in enumerate("ABCD", start=2)},
    ),
    "K in an Azerbaijani list": Case(
        "Ad;Cinsi\nAnar;K\nLalə;Q\n", {2: person("Anar", gender=1), 3: person("Lalə", gender=2)}
    ),
    "K in a Turkish list": Case(
        "İsim;Cinsiyet\nAyşe;K\nAli;E\n", {2: person("Ayşe", gender=2), 3: person("Ali", gender=1)}
    ),
    "no name": Case(
        "Name;Phone\n;0500000001\n-;0500000002\n", {2: "missing_name", 3: "missing_name"}
    ),
    "letters that were lost": Case("Name;Phone\nL?l? Demo;\n", {2: person("L?l? Demo")}),
    "combining marks": Case("Name\nA\u0308li\n", {2: person("Äli")}),
}


def locked(archive: bytes) -> bytes:
    """Return an archive whose one file says that it is encrypted."""
    found = bytearray(archive)
    found[6] |= 1
    found[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(found)


def merged(book: openpyxl.Workbook) -> None:
    """Merge a title, a section and a group."""
    sheet = book["Sheet1"]
    for cells in ("A1:D1", "A3:D3", "C4:C5", "A6:A7"):
        sheet.merge_cells(cells)


def two_rows(book: openpyxl.Workbook) -> None:
    """Merge a header of two rows."""
    sheet = book.worksheets[0]
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:C1")


def hidden(book: openpyxl.Workbook) -> None:
    """Hide all worksheets but the first."""
    for sheet in book.worksheets[1:]:
        sheet.sheet_state = "hidden"


def padded(book: openpyxl.Workbook) -> None:
    """Show numbers in the third column with five digits."""
    formats = ("[$-419]00000;-00000", "00000")
    for row, number_format in enumerate(formats, start=2):
        book["Sheet1"].cell(row, 3).number_format = number_format


def from_1904(book: openpyxl.Workbook) -> None:
    """Count days as old Macs did."""
    book.epoch = CALENDAR_MAC_1904


def far_away(book: openpyxl.Workbook) -> None:
    """Put something into the last cell a worksheet has."""
    book["Sheet1"]["XFD1048576"] = "x"


def errors(book: openpyxl.Workbook) -> None:
    """Let formulas have failed."""
    for cell in ("B2", "B3"):
        book["Sheet1"][cell].data_type = "e"


def calculated(xml: str) -> str:
    """Store what the formulas came out as, as Excel does."""
    return xml.replace("<f>1+1</f><v></v>", "<f>1+1</f><v>500000001</v>").replace(
        "<f>1+1</f><v />", "<f>1+1</f><v>500000001</v>"
    )


BOOK: dict[str, Any] = {"name": "list.xlsx"}
WORKBOOKS = {
    "xlsx": Case(xlsx(GRID), TWO_ROWS, facts={"kind": "xlsx", "worksheet": "Sheet1"}, **BOOK),
    "xlsx called csv": Case(xlsx(GRID), TWO_ROWS),
    "csv called xlsx": Case(TWO, TWO_ROWS, facts={"kind": "csv"}, **BOOK),
    "numbers": Case(
        xlsx([["Name", "Phone", "Code"], ["Anar", 994500000001, 7], ["Lalə", 500000002.0, "007"]]),
        {2: person("Anar", PHONE, code="7"), 3: person("Lalə", OTHER, code="007")},
    ),
    "numbers that are shown with zeros": Case(
        xlsx([["Name", "Phone", "Code"], ["Anar", None, 42], ["Lalə", None, "42"]], change=padded),
        {2: person("Anar", code="00042"), 3: person("Lalə", code="42")},
    ),
    "dates": Case(
        xlsx([["Name", "Birthday"], ["A", day("1990-04-17")], ["B", "17.04.1990"], ["C", 32980]]),
        {at: person(name, date_of_birth="1990-04-17") for at, name in enumerate("ABC", start=2)},
    ),
    "dates from 1904": Case(
        xlsx([["Name", "Birthday"], ["A", day("1990-04-17")], ["C", 31518]], change=from_1904),
        {at: person(name, date_of_birth="1990-04-17") for at, name in enumerate("AC", start=2)},
    ),
    "formulas with values": Case(
        xlsx([["Name", "Phone"], ["Anar Demo", "=1+1"]], xml=calculated), {2: ANAR}
    ),
    "formulas that were never calculated": Case(
        xlsx([["Name", "Phone"], ["Anar Demo", "=1+1"]]),
        {2: "cell_error"},
        note="formulas without a value: 1",
    ),
    "failed formulas": Case(
        xlsx([["Name", "Phone"], ["Anar", "#N/A"], ["Lalə", "#REF!"]], change=errors),
        {2: "cell_error", 3: "cell_error"},
    ),
    "merged cells": Case(
        xlsx(
            [
                ["Customers of Demo", None, None, None],
                ["Name", "Phone", "Group", "Note"],
                ["VIP", None, None, None],
                ["Anar Demo", "0500000001", "gold", None],
                ["Lalə Demo", "0500000002", None, None],
                ["Demo", "0500000003", None, None],
                [None, "0500000004", None, None],
            ],
            change=merged,
        ),
        {3: "malformed_row", 4: ANAR, 5: LALE, 6: person("Demo", THIRD), 7: "missing_name"},
        note="merged cells: «Group» of row 4 stands for rows up to 5",
    ),
    "worksheets of which one is the list": Case(
        xlsx({"Info": [["by", "Demo"]], "Guests": [*GRID, *[["Demo", ""]] * 9]}),
        TWO_ROWS,
        facts={"worksheet": "Guests"},
        note="worksheets not read: Info",
    ),
    "a worksheet of sales before the list": Case(
        xlsx({"Sales": [["Date", "Name", "Sum"], *[["1.1.", "x", 5]] * 50], "Guests": GRID[:2]}),
        {2: ANAR},
        facts={"worksheet": "Guests"},
        note="worksheets not read: Sales",
    ),
    "two header rows, merged": Case(
        xlsx([["Name", "Contact", None], [None, "Phone", "City"], *GRID[1:]], change=two_rows),
        {3: ANAR, 4: LALE},
    ),
    "worksheets of which any could be": Case(
        xlsx({"Old": GRID, "New": GRID}), error='--sheet "Old"'
    ),
    "a worksheet that was told": Case(
        xlsx({"Old": [["Name"], ["x"]], "New": GRID}), TWO_ROWS, read={"sheet": "new"}
    ),
    "a worksheet that isn't there": Case(xlsx(GRID), error="Sheet1", read={"sheet": "New"}),
    "hidden worksheets": Case(
        xlsx({"Shown": GRID, "Hidden": GRID * 20}, change=hidden),
        TWO_ROWS,
        facts={"worksheet": "Shown"},
    ),
    "only hidden worksheets have rows": Case(
        xlsx({"Shown": [], "Hidden": GRID}, change=hidden), error="choose one with --sheet"
    ),
    "a table that doesn't begin in A1": Case(
        xlsx([[], [], [None, None, "Name", "Phone"], [None, None, "Anar Demo", "0500000001"]]),
        {4: ANAR},
        facts={"header_row": 3},
    ),
    "blank rows in a workbook": Case(
        xlsx([GRID[0], [], GRID[1], [None, " "], GRID[2]]), {3: ANAR, 5: LALE}
    ),
    "notes beside the table": Case(xlsx([GRID[0], [*GRID[1], None, "call"], GRID[2]]), TWO_ROWS),
    "line breaks and tabs in cells": Case(
        xlsx([["Name", "Phone"], ["Anar\nDemo", "0500000001\t"]]), {2: ANAR}
    ),
    "a cell at the far end": Case(xlsx(GRID, change=far_away), error="delete what stands far away"),
    "xls": Case(xls(GRID), TWO_ROWS, facts={"kind": "xls"}, name="list.xls"),
    "xls with numbers and dates": Case(
        xls([["Name", "Phone", "Birthday"], ["Anar Demo", 994500000001, day("1990-04-17")]]),
        {2: ANAR | {"date_of_birth": "1990-04-17"}},
    ),
    "xls with failed formulas": Case(
        xls([["Name", "Phone"], ["Anar Demo", "#N/A"], ["Lalə Demo", "0500000002"]]),
        {2: "cell_error", 3: LALE},
    ),
    "xls from 1904": Case(
        xls([["Name", "Birthday"], ["Anar", 31518]], dates_1904=True),
        {2: person("Anar", date_of_birth="1990-04-17")},
    ),
    "xls that is a page": Case(html(GRID), TWO_ROWS, facts={"kind": "html"}, name="list.xls"),
    "a page in windows-1251 that says so": Case(
        html([["Имя", "Телефон"], ["мама", "0500000001"]], head="<meta charset=windows-1251>")
        .decode()
        .encode("cp1251"),
        {2: person("мама", PHONE)},
        facts={"encoding": "windows-1251"},
    ),
    "a page with entities, breaks and spans": Case(
        b"<!-- x --><style>td{}</style><TABLE><TR><TH COLSPAN=2>Guests<TR><TH>Name<TH>Phone"
        b"<TR><TD><b>An</b>ar&nbsp;&amp;\n Demo<TD>0500000001<br>0500000002</TABLE>",
        {3: person("Anar & Demo", PHONE)},
    ),
    "a page with cells over several rows": Case(
        b"<table><tr><th rowspan=2>Name<th colspan=2>Contact<tr><th>Phone<th>City"
        b"<tr><td>Anar Demo<td>0500000001<td rowspan=2>Baku<tr><td rowspan=2>Lal&#601; Demo"
        b"<td>0500000002<tr><td>0500000003<td rowspan=x>Baku</table>",
        {3: ANAR, 4: LALE, 5: "missing_name"},
    ),
    "a page with many groups over several rows": Case(
        b"<table><tr><th>Group<th>Name"
        + b"".join(b"<tr><td rowspan=2>G%d<td>Demo<tr><td>Anar Demo" % n for n in range(9))
        + b"<tr><td rowspan=999999 colspan=99999>x</table>",
        {2: person("Demo"), 3: person("Anar Demo"), 19: person("Anar Demo")},
        note="stands for rows up to 7 · … and 6 more of that kind",
    ),
    "a page with several tables": Case(
        b"<table><tr><td>Menu</td></tr></table>" + html(GRID), TWO_ROWS
    ),
    "xls that is Excel's XML": Case(
        excel_xml([["Name", None, "Phone"], ["Anar Demo", None, 994500000001]]),
        {2: ANAR},
        facts={"kind": "xml"},
        name="list.xls",
    ),
    "ods": Case(ods(GRID), TWO_ROWS, facts={"kind": "ods"}, name="list.ods"),
    "ods with numbers and dates": Case(
        ods([["Name", "Phone", "Birthday"], ["Anar Demo", 994500000001, day("1990-04-17")]]),
        {2: ANAR | {"date_of_birth": "1990-04-17"}},
    ),
    "ods that claims a million rows": Case(ods(GRID, repeated=1_048_000), TWO_ROWS),
}

OTHERS = {
    "JSON lines": Case(
        jsonl({"Name": "Anar Demo", "Phone": 994500000001}, {"Phone": OTHER, "Name": "Lalə Demo"}),
        TWO_ROWS,
        facts={"kind": "jsonl"},
        name="list.jsonl",
    ),
    "JSON lines with blank ones and a mark": Case(
        codecs.BOM_UTF8 + b'{"Name": "Anar Demo", "Phone": "0500000001"}\r\n\r\n', {2: ANAR}
    ),
    "a JSON array": Case('[ {"Name": "Anar Demo",\n "Phone": "0500000001"} ]', {2: ANAR}),
    "an answer of some API": Case(
        '{"total": 1, "data": [{"Name": "Anar Demo", "Phone": 994500000001.0}]}', {2: ANAR}
    ),
    "JSON with null, false and lists": Case(
        '{"Name": "Anar Demo", "Phone": "0500000001", "Email": null, "Tags": ["a"], "Ok": false}',
        {2: ANAR},
    ),
    "JSON with objects in objects": Case(
        jsonl(
            {"name": "Anar Demo", "contact": {"phone": "0500000001", "more": {}}},
            {"name": "Lalə Demo", "contact": {"phone": OTHER}},
        ),
        TWO_ROWS,
    ),
    "an answer of some API, deeper": Case(
        '{"ok": true, "data": {"customers": [{"Name": "Anar Demo", "Phone": "0500000001"}]}}',
        {2: ANAR},
    ),
    "JSON with half a letter": Case('{"Name": "Anar \\ud800"}', {2: person("Anar \ufffd")}),
    "JSON that isn't": Case('{"Name": "Anar"}\n{"Name": \n', error="line 2"),
    "JSON without end": Case("[" * 100_000, error="JSON"),
    "JSON of numbers": Case("[{}, 1]", error="objects"),
    "Parquet": Case(
        parquet({"Name": ["Anar Demo", "Lalə Demo"], "Phone": [994500000001, 994500000002]}),
        TWO_ROWS,
        facts={"kind": "parquet"},
        name="list.parquet",
    ),
    "Parquet with dates, bytes and nulls": Case(
        parquet(
            {
                "Name": [b"Anar Demo", b"Demo"],
                "Birthday": [day("1990-04-17"), None],
                "Phone": [None, 994500000003.0],
            }
        ),
        {2: person("Anar Demo", date_of_birth="1990-04-17"), 3: person("Demo", THIRD)},
    ),
    "Parquet that isn't": Case(b"PAR1rubbish", error="Parquet"),
    "ZIP of a CSV": Case(zipped({"customers/list.csv": TWO.encode()}), TWO_ROWS, name="list.zip"),
    "ZIP of a workbook, with a Mac's rubbish": Case(
        zipped(
            {
                "list.xlsx": xlsx(GRID),
                "__MACOSX/._list.csv": b"x",
                "._a.csv": b"x",
                "readme.pdf": b"x",
            }
        ),
        TWO_ROWS,
    ),
    "ZIP of a CSV in windows-1251": Case(zipped({"a.txt": RUSSIAN.encode("cp1251")}), RUSSIANS),
    "ZIP of two": Case(zipped({"a.csv": b"x", "b.csv": b"y"}), error="a.csv, b.csv"),
    "ZIP of none": Case(zipped({"a.pdf": b"x"}), error="no sheet"),
    "a ZIP that is cut": Case(zipped({"a.csv": b"x"})[:40], error="damaged"),
    "empty": Case(b"", error="is empty"),
    "spaces": Case(b" \r\n\t \n", error="is empty"),
    "a mark and nothing else": Case(codecs.BOM_UTF16_LE, error="no rows"),
    "a header and nothing else": Case("Name,Phone\n\n\n", error="a header and no rows"),
    "a workbook with a password": Case(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le"),
        error="protected with a password",
    ),
    "an OpenDocument sheet with a password": Case(
        zipped(
            {
                "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                "content.xml": b"x",
                "META-INF/manifest.xml": b"<manifest:encryption-data/>",
            }
        ),
        error="protected with a password",
    ),
    "a ZIP with a password": Case(locked(zipped({"a.csv": TWO.encode()})), error="a password"),
    "contacts": Case("BEGIN:VCARD\nFN:Anar\n", error="vCard"),
    "a web archive": Case("MIME-Version: 1.0\n\n<html>", error="a web archive"),
    "a PDF": Case(b"%PDF-1.7 x", error="a PDF"),
    "a program": Case(bytes(range(32)) * 200, error="not text"),
    "an old workbook, cut": Case(xls(GRID)[:900], error="can't be read"),
    "a workbook, cut": Case(xlsx(GRID)[:2000], error="damaged"),
}

CASES = {
    f"{kind}: {name}": case
    for kind, cases in (
        ("encoding", ENCODINGS),
        ("text", DELIMITED),
        ("header", HEADERS),
        ("values", VALUES),
        ("workbook", WORKBOOKS),
        ("other", OTHERS),
    )
    for name, case in cases.items()
}


def test_there_are_enough() -> None:
    assert len(CASES) >= 80


@pytest.mark.parametrize("name", CASES)
def test_what_comes_of_it(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = tmp_path / case.name
    path.write_bytes(case.data if isinstance(case.data, bytes) else case.data.encode())
    options = SheetOptions(
        read=ReadOptions(**case.read), choices=MappingChoices(given=case.given), region="AZ"
    )
    if case.error:
        with pytest.raises(UsageError) as caught:
            prepare(path, options, today=TODAY)
        error = caught.value
        assert case.error in f"{error.what} · {error.why} · {error.todo}"
        assert error.todo
        assert "Anar Demo" not in f"{error.what}{error.why}{error.todo}"  # nobody's name
        return
    found = prepare(path, options, today=TODAY)
    ready = {
        row: {field: value for field, value in customer.items() if not pd.isna(value)}
        for row, customer in zip(
            found.values.index.tolist(), found.values.to_dict("records"), strict=True
        )
    }
    for row, expected in case.rows.items():
        if isinstance(expected, dict):
            assert ready.get(row) == expected, (row, found.outcomes.get(row))
        elif expected == "duplicate":
            assert found.outcomes[row].status == "duplicate", row
        else:
            codes = {p.code for p in found.problems if p.row == row}
            assert codes >= set(expected.split()), row
            assert found.outcomes[row].status == "invalid"
            assert row not in ready
    for fact, value in case.facts.items():
        assert getattr(found.sheet, fact) == value
    assert case.note in " · ".join(found.sheet.notes)

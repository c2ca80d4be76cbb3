"""A list in any old encoding is read correctly or asked about, never read as another."""

from __future__ import annotations

import contextlib
import random

import pytest

from importer.errors import UsageError
from importer.read.encoding import decode

NAMES = {
    "turkish": "Ayşe Yılmaz,İbrahim Doğan,Güneş Çağlar,Öznur Şahin,Mustafa Kılıç,Gülşen Aydın,"
    "Ümit Özdemir,Işıl Güngör,Hüseyin Yıldırım,Çiğdem Koç",
    "western": "José Núñez,Müller Jürgen,François Lefèvre,Jörg Weiß,Ángel Muñoz,Renée Dupont,"
    "Sören Åkesson,Søren Kjær,Inês Gonçalves,João Simões,María Pérez,Françoise Noël",
    "polish": "Łukasz Przykład,Żofia Wójcik,Małgorzata Dąbrowska,Stanisław Kozłowski,"
    "Paweł Zieliński,Agnieszka Wiśniewska,Grażyna Szymańska,Michał Woźniak,Święta Gęś",
    "czech": "Jiří Příklad,Tomáš Dvořák,Kateřina Nováková,Václav Černý,Lukáš Procházka,"
    "Zdeněk Říha,Ondřej Kučera,Eliška Šťastná",
    "hungarian": "Győző Kovács,Szűcs Ferenc,Tóth Gergő,Nagy Zsófia,Erdős Pál,Varga Ágnes",
    "croatian": "Željko Marković,Ivana Horvatić,Šime Đurić,Dražen Kovačić,Nataša Jurišić",
    "lithuanian": "Šarūnas Pavyzdys,Rūta Žukauskaitė,Eglė Petrauskienė,Vytautas Šimkūnas,Ąžuolas",
    "latvian": "Jānis Piemērs,Līga Bērziņa,Kārlis Ozoliņš,Ilze Kalniņa,Pēteris Zariņš",
    "russian": "Анна Иванова,Иван Щёкин,Сергей Петров,Ольга Кузнецова,Юлия Жукова,Дмитрий Фёдоров",
}
ENCODINGS = {
    "turkish": "cp1254 cp857 mac_turkish iso8859-9",
    "western": "cp1252 cp850 mac_roman",
    "polish": "cp1250 cp852 iso8859-2 mac_latin2",
    "czech": "cp1250 cp852 iso8859-2 mac_latin2",
    "hungarian": "cp1250 cp852 iso8859-2",
    "croatian": "cp1250 cp852",
    "lithuanian": "cp1257 cp775 iso8859-13",
    "latvian": "cp1257 cp775",
    "russian": "cp1251 koi8-r cp866 mac_cyrillic",
}
PAIRS = [(language, each) for language, known in ENCODINGS.items() for each in known.split()]


def sheet(names: list[str]) -> str:
    return "Name;Phone\n" + "".join(f"{name};0500000001\n" for name in names)


@pytest.mark.parametrize(("language", "encoding"), PAIRS)
def test_list_of_three_names_is_read_correctly_or_asked_about(language: str, encoding: str) -> None:
    names = NAMES[language].split(",")
    for seed in range(20):
        text = sheet(random.Random(seed).sample(names, 3))  # noqa: S311 - the same each time
        with contextlib.suppress(UsageError):
            assert decode(text.encode(encoding), "list.csv", None).text == text


# Their letters are also those of Portuguese and French, so a question is allowed.
SURE = [pair for pair in PAIRS if pair not in {("hungarian", "iso8859-2"), ("hungarian", "cp1250")}]


@pytest.mark.parametrize(("language", "encoding"), SURE)
def test_longer_list_is_read_without_a_question(language: str, encoding: str) -> None:
    text = sheet(NAMES[language].split(","))
    assert decode(text.encode(encoding), "list.csv", None).text == text

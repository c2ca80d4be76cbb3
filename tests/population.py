"""Invented people, the customers cashiers typed, and the sheet of every night, with the truth.

Input of the matching function alone (`tests.matching.nights`) and of the whole pipeline
(`tests.people.town`): rows are plain fields, as a sheet has them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_ASCII = str.maketrans("əƏıİöÖüÜşŞçÇğĞ", "eEiIoOuUsScCgG")
_NAMES: dict[str, list[dict[str, str]]] = defaultdict(list)
for _row in csv.DictReader(
    (Path(__file__).parent / "population_names.csv").read_text("utf-8").splitlines()
):
    _NAMES[_row["kind"]].append(_row)


Look = tuple[int, int, str]


def initial(surname: int) -> str:
    """Return the first letter of a surname."""
    return _NAMES["s"][surname]["az"][0]


@dataclass(frozen=True, slots=True)
class Person:
    """A person with their true values; `phone` is the national number, "" where there is none."""

    number: int
    given: int
    surname: int
    male: bool
    phone: str = ""
    code: str = ""
    email: str = ""
    birthday: str = ""

    def look(self, style: str) -> Look:
        """Return the parts of a name in this style: given name, surname, style."""
        return self.given + 1000 * self.male, self.surname, style

    def name(self, style: str) -> str:
        """Return the name: full, turned, given, initial, ascii, cyrillic or short."""
        given = _NAMES["m" if self.male else "f"][self.given]
        surname = _NAMES["s"][self.surname]
        ending = "" if self.male else "a"
        if style == "cyrillic":
            return f"{given['ru']} {surname['ru']}{'' if self.male else 'а'}"
        family = surname["az"] + ending
        texts = {
            "full": f"{given['az']} {family}",
            "turned": f"{family} {given['az']}",
            "given": given["az"],
            "initial": f"{given['az']} {family[0]}.",
            "ascii": f"{given['az']} {family}".translate(_ASCII),
            "short": given["short"] or given["az"],
        }
        return texts[style]


@dataclass(slots=True)
class Line:
    """A row of a sheet: whose it is, and its values. `look`: given name, surname, style."""

    person: int
    fields: dict[str, str]
    look: Look
    claim: str | None = None


@dataclass(slots=True)
class Record:
    """A customer at Clopos: whose it is, and its values."""

    id: str
    person: int
    fields: dict[str, str]
    look: Look


@dataclass
class Population:
    """People and their sheet, night by night; `random` is the only source of chance."""

    random: Random
    size: int
    people: dict[int, Person] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    styles: dict[int, str] = field(default_factory=dict)
    freed_phones: list[str] = field(default_factory=list)
    freed_codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        while len(self.people) < self.size:
            self._family()
        self.lines = [self._line(person) for person in self.people.values()]
        self.random.shuffle(self.lines)

    # --- people

    def _family(self) -> None:
        """Add a person, mostly alone; one in ten shares a phone, some an e-mail or a card."""
        chance = self.random.random
        first = self._person()
        if chance() >= 0.05:
            return
        share = {"phone": first.phone}
        if chance() < 0.1:
            share["email"] = first.email
        if chance() < 0.05:
            share["code"] = first.code
        for _ in range(1 if chance() < 0.8 else 2):
            other = self._person(surname=first.surname, **share)
            roll = chance()
            if roll < 0.1:  # twins
                other = replace(other, birthday=first.birthday)
            elif roll < 0.15:  # father and son of one name
                other = replace(other, given=first.given, male=first.male)
            self.people[other.number] = other

    def _person(self, surname: int | None = None, **values: str) -> Person:
        random, number = self.random, len(self.people) + 1
        male = random.random() < 0.5
        name_only = random.random() < 0.02
        person = Person(
            number,
            random.randrange(len(_NAMES["m" if male else "f"])),
            random.randrange(len(_NAMES["s"])) if surname is None else surname,
            male,
            phone=self._phone(number) if random.random() < 0.85 else "",
            code=f"{number:05}" if random.random() < 0.6 else "",
            email=f"person{number}@example.com" if random.random() < 0.3 else "",
            birthday=self._birthday() if random.random() < 0.35 else "",
        )
        if name_only:
            person = replace(person, phone="", code="", email="", birthday="")
        for name, value in values.items():
            person = replace(person, **{name: value})  # type: ignore[arg-type]
        self.people[number] = person
        return person

    def _phone(self, number: int) -> str:
        return f"{self.random.choice(['50', '55', '70', '77'])}{2_000_000 + number * 7:07}"

    def _birthday(self) -> str:
        random = self.random
        return f"{random.randint(1950, 2008)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"

    # --- the sheet

    def _line(self, person: Person) -> Line:
        style = self.styles.setdefault(
            person.number,
            self.random.choices(
                ["full", "turned", "given", "initial", "cyrillic"], [70, 10, 8, 6, 6]
            )[0],
        )
        return Line(person.number, self.fields(person, style), person.look(style))

    def fields(self, person: Person, style: str) -> dict[str, str]:
        """Return the row of a person, as a sheet has it."""
        found = {
            "name": person.name(style),
            "phone": f"+994{person.phone}" if person.phone else "",
            "code": person.code,
            "email": person.email,
            "date_of_birth": person.birthday,
        }
        return {name: value for name, value in found.items() if value}

    def next_night(self) -> None:
        """Change people and rows by one day, as the next evening's list has them."""
        random = self.random
        for line in [*self.lines]:
            self._day_of(line)
        for _ in range(max(1, self.size // 100)):
            self._new_line()
        copied = random.sample(self.lines, max(1, self.size // 300))
        self.lines += [replace(line, fields=dict(line.fields), claim=None) for line in copied]
        for line in random.sample(self.lines, self.size // 20):  # moved
            self.lines.remove(line)
            self.lines.insert(random.randrange(len(self.lines) + 1), line)

    def _day_of(self, line: Line) -> None:
        random, person = self.random, self.people[line.person]
        roll = random.random()
        if roll < 0.003 and not person.male:  # married
            changed = replace(person, surname=random.randrange(len(_NAMES["s"])))
        elif roll < 0.008 and person.phone:
            self.freed_phones.append(person.phone)
            changed = replace(person, phone=self._phone(100_000 + random.randrange(300_000)))
        elif roll < 0.010 and not person.phone:
            changed = replace(person, phone=self._phone(100_000 + random.randrange(300_000)))
        elif roll < 0.013:
            self.lines.remove(line)
            if person.code:
                self.freed_codes.append(person.code)
            return
        elif roll < 0.016 and not person.email:
            changed = replace(person, email=f"person{person.number}@example.com")
        else:
            return
        self.people[person.number] = changed
        changed_line = self._line(changed)
        line.fields, line.look = changed_line.fields, changed_line.look

    def _new_line(self) -> None:
        random = self.random
        person = self._person()
        if self.freed_phones and random.random() < 0.15:
            person = replace(person, phone=self.freed_phones.pop())
        if self.freed_codes and random.random() < 0.1:
            person = replace(person, code=self.freed_codes.pop())
        self.people[person.number] = person
        self.lines.insert(random.randrange(len(self.lines) + 1), self._line(person))

    # --- Clopos

    def typed_by_cashiers(self) -> list[Record]:
        """Return the customers at Clopos before the first night: two of five people, as typed."""
        records: list[Record] = []
        held: set[str] = set()
        for person in self.people.values():
            if self.random.random() >= (0.45 if person.phone else 0.05):
                continue
            record = self.typed(person, str(len(records) + 1))
            phone = record.fields.get("phone", "")
            if phone and person.phone in held:
                continue  # the family has a customer already
            held.add(person.phone)
            records.append(record)
            if self.random.random() < 0.01 and phone:  # a double record
                double = self.typed(person, str(len(records) + 1))
                double.fields.pop("phone", None)
                records.append(double)
        return records

    def typed(self, person: Person, id_: str) -> Record:
        """Return a person as a cashier types it."""
        random = self.random
        style = random.choices(
            ["full", "given", "turned", "initial", "ascii", "cyrillic", "short"],
            [35, 25, 8, 6, 14, 8, 4],
        )[0]
        fields = {"name": person.name(style)}
        phone = person.phone
        if phone and random.random() < 0.98:
            fields["phone"] = random.choice(
                [
                    f"0{phone}",
                    f"(0{phone[:2]}) {phone[2:5]}-{phone[5:7]}-{phone[7:]}",
                    f"+994 {phone[:2]} {phone[2:5]} {phone[5:7]} {phone[7:]}",
                    f"994{phone}",
                    phone,
                ]
            )
        if person.email and random.random() < 0.3:
            fields["email"] = person.email.title()
        if person.birthday and random.random() < 0.3:
            fields["date_of_birth"] = person.birthday
        return Record(id_, person.number, fields, person.look(style))

    def day_at_clopos(self, records: dict[str, Record]) -> list[str]:
        """Change customers at Clopos as the staff does in a day; return the deleted ids."""
        random = self.random
        for id_ in random.sample(sorted(records), max(1, len(records) // 300)):
            record = records[id_]
            person = self.people[record.person]
            roll = random.random()
            if roll < 0.4 and "phone" in record.fields:
                del record.fields["phone"]
            elif roll < 0.8:
                record.fields["name"] = person.name("turned")
                record.look = person.look("turned")
        gone = random.sample(sorted(records), max(1, len(records) // 800))
        for id_ in gone:
            del records[id_]
        return gone

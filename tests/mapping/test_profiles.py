"""Profiles: header rows of other systems are recognised and mapped."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from importer.arrow import cells_of
from importer.mapping.profiles import load_profiles
from importer.pipeline import SheetOptions, check
from importer.records import FIELDS, RESULT_COLUMNS, MappingChoices

if TYPE_CHECKING:
    from pathlib import Path


class Export(NamedTuple):
    """A header row as the system writes it, cells of one row, and the expected customer."""

    header: str
    row: dict[str, str]
    customer: dict[str, Any]


ANNA = {"name": "Anna Demo", "email": "anna@example.com"}
NAMES = {"First Name": "Anna", "Last Name": "Demo"}
UUID = "0b3c4a5e-7d2f-4c1a-9a55-0123456789ab"
EXPORTS = {
    "google": Export(
        "First Name,Middle Name,Last Name,Phonetic First Name,Nickname,File As,Organization Name,"
        "Birthday,Notes,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,"
        "Phone 2 - Label,Phone 2 - Value",
        NAMES | {"E-mail 1 - Value": "anna@example.com", "Phone 2 - Value": "+994500000001"},
        ANNA | {"phone": "+994500000001"},
    ),
    "google-old": Export(
        "Name,Given Name,Additional Name,Family Name,Yomi Name,Name Prefix,Name Suffix,Nickname,"
        "Birthday,Gender,Notes,Group Membership,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,"
        "Phone 1 - Value",
        {
            "Name": "Anna Demo",
            "Given Name": "Anna",
            "Family Name": "Demo",
            "E-mail 1 - Value": "anna@example.com",
            "Phone 1 - Value": "+994500000001",
        },
        ANNA | {"phone": "+994500000001"},
    ),
    "outlook": Export(
        "First Name,Middle Name,Last Name,Title,Suffix,Company,Department,Job Title,"
        "Business Phone,Business Phone 2,Home Phone,Home Phone 2,Mobile Phone,Primary Phone,"
        "Birthday,E-mail Address,E-mail 2 Address,Gender,Notes,Web Page",
        NAMES
        | {
            "E-mail Address": "anna@example.com",
            "Home Phone": "+994500000001",
            "Birthday": "0/0/00",
        },
        ANNA | {"phone": "+994500000001"},
    ),
    "wordpress": Export(
        "ID,user_login,user_pass,user_nicename,user_email,user_url,user_registered,display_name",
        {"display_name": "Anna Demo", "user_email": "anna@example.com", "user_login": "anna90"},
        ANNA,
    ),
    "woocommerce-users": Export(
        "user_login,user_email,first_name,last_name,billing_first_name,billing_last_name,"
        "billing_company,billing_email,billing_phone,shipping_first_name,shipping_last_name",
        {
            "billing_first_name": "Anna",
            "billing_last_name": "Demo",
            "user_email": "anna@example.com",
            "billing_phone": "+994500000001",
        },
        ANNA | {"phone": "+994500000001"},
    ),
    "onec-cards": Export(
        "Код карты;Вид карты;Владелец карты;Штрихкод;Телефон;Дата рождения",
        {"Владелец карты": "Anna Demo", "Код карты": "00042", "Телефон": "+994500000001"},
        {"name": "Anna Demo", "phone": "+994500000001", "code": "00042"},
    ),
    "onec-counterparties": Export(
        "Код;Наименование;Полное наименование;ИНН;КПП;Телефон;Комментарий",
        {"Наименование": "Anna Demo", "Код": "00-000042", "Телефон": "+994500000001"},
        {"name": "Anna Demo", "phone": "+994500000001", "code": "00-000042"},
    ),
    "r-keeper": Export(
        "Номер карты;Фамилия;Имя;Отчество;Дата рождения;Пол;Телефон;Дата выдачи карты;Баланс",
        {"Имя": "Anna", "Фамилия": "Demo", "Телефон": "+994500000001", "Номер карты": "1001"},
        {"name": "Demo Anna", "phone": "+994500000001", "code": "1001"},
    ),
    "altegio": Export(
        "Имя;Телефон;Email;Категории;Дата рождения;Важность;Скидка;Карта;Комментарий;"
        "Количество визитов;Первый визит;Последний визит;Продано",
        {"Имя": "Anna Demo", "Телефон": "+994500000001", "Email": "anna@example.com"},
        ANNA | {"phone": "+994500000001"},
    ),
    "loyalty-cards": Export(
        "Card Number,First Name,Last Name,Email,Mobile,Date of Birth,Points,Tier,Joined",
        NAMES | {"Card Number": "00042", "Email": "anna@example.com", "Mobile": "+994500000001"},
        ANNA | {"phone": "+994500000001", "code": "00042"},
    ),
    "square": Export(
        "Reference ID,First Name,Last Name,Email Address,Phone Number,Nickname,Company Name,"
        "Street Address 1,Street Address 2,City,State,Postal Code,Birthday,Memo,"
        "Square Customer ID,Creation Source,First Visit,Last Visit,Transaction Count,"
        "Lifetime Spend,Email Subscription Status,Instant Profile,Blocked from online booking,"
        "Favourite table",
        NAMES
        | {
            "Reference ID": "007",
            "Email Address": "Anna@example.com",
            "Phone Number": "'+12125550123",
            "Birthday": "03/04/1990",
            "Memo": "regular",
            "Square Customer ID": "7QX0BV5H2N",
            "Lifetime Spend": '"$1,234.56"',
        },
        ANNA
        | {
            "phone": "+12125550123",
            "code": "007",
            "date_of_birth": "1990-03-04",
            "description": "regular",
        },
    ),
    "loyverse": Export(
        "Customer ID,Customer name,Email,Phone,Address,City,Province,Postal code,Country,"
        "Customer code,Points balance,Note,First visit,Last visit,Total visits,Total spent",
        {
            "Customer ID": UUID,
            "Customer name": "Anna Demo",
            "Email": "anna@example.com",
            "Phone": "+1 (212) 555-0123",
            "Customer code": "00042",
            "First visit": "03/04/2026 13:45",
        },
        ANNA | {"phone": "+12125550123", "code": "00042", "cid": UUID},
    ),
    "lightspeed-x": Export(
        "id,customer_code,first_name,last_name,email,customer_group,year_to_date,balance,"
        "loyalty_balance,note,gender,date_of_birth,company_name,phone,mobile,fax,twitter,website,"
        "do_not_email,created_at,physical_address1,postal_country_id,custom_field_1",
        {
            "id": UUID,
            "customer_code": "00042",
            "first_name": "Anna",
            "last_name": "Demo",
            "email": "anna@example.com",
            "gender": "F",
            "date_of_birth": "1990-04-03",
            "phone": "+12125550123",
        },
        ANNA
        | {
            "phone": "+12125550123",
            "code": "00042",
            "cid": UUID,
            "gender": 2,
            "date_of_birth": "1990-04-03",
        },
    ),
    "lightspeed-r": Export(
        "Customer ID,First Name,Last Name,Email,No Email,Company,Address1,Address2,City,State,ZIP,"
        "Country,Home,Work,Fax,Pager,Mobile,No Phone,Note",
        NAMES
        | {"Customer ID": "12", "Email": "anna@example.com", "Work": "+12125550123", "Note": "x"},
        ANNA | {"phone": "+12125550123", "description": "x"},
    ),
    "lightspeed-c": Export(
        "Internal ID,Registered,Language,Firstname,LastnamePreposition,Lastname,E-Mail,Phone,"
        "Mobile,Customer type,Company,Streetname,Number,Zipcode,City,Country,Groups,Date of birth",
        {
            "Firstname": "Anna",
            "LastnamePreposition": "van der",
            "Lastname": "Demo",
            "E-Mail": "anna@example.com",
            "Mobile": "+31612345678",
            "Date of birth": "1990-04-03",
        },
        ANNA
        | {"name": "Anna van der Demo", "phone": "+31612345678", "date_of_birth": "1990-04-03"},
    ),
    "shopify": Export(
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,"
        "Default Address Address1,Default Address Address2,Default Address City,"
        "Default Address Province Code,Default Address Country Code,Default Address Zip,"
        "Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,"
        "Tax Exempt,Tags,Accepts WhatsApp Marketing",
        NAMES
        | {
            "Customer ID": "'6543210987",
            "Email": "anna@example.com",
            "Default Address Phone": "'+12125550123.0",
            "Tax Exempt": "no",
        },
        ANNA | {"phone": "+12125550123"},
    ),
    "shopify-old": Export(
        "First Name,Last Name,Email,Company,Address1,Address2,City,Province,Province Code,Country,"
        "Country Code,Zip,Phone,Accepts Marketing,Total Spent,Total Orders,Tags,Note,Tax Exempt",
        NAMES | {"Email": "anna@example.com", "Phone": "'+12125550123", "Note": "x"},
        ANNA | {"phone": "+12125550123", "description": "x"},
    ),
    "woocommerce": Export(
        "Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,"
        "Region,Postal Code",
        {"Name": "Anna Demo", "Username": "anna", "Email": "anna@example.com", "Orders": "3"},
        ANNA,
    ),
    "poster": Export(
        "ID,ФИО,Группа клиентов,Телефон,Email,День рождения,Пол,Номер карты,Скидка,Бонусы,"
        "Сумма покупок,Страна,Город,Адрес,Комментарий",
        {
            "ФИО": "Anna Demo",
            "Email": "anna@example.com",
            "Телефон": "+7 (900) 123-45-67",
            "День рождения": "0000-00-00",
            "Пол": "2",
            "Номер карты": "0",
        },
        ANNA | {"phone": "+79001234567", "gender": 2},
    ),
    "iiko": Export(
        "Телефон,Имя,Дата рождения,Email,Номер карты,Комментарий,Дата регистрации гостя,"
        "Категории,Заказы,Сумма,Средний чек,Последний визит",
        {
            "Телефон": "+79001234567",
            "Имя": "Anna Demo",
            "Дата рождения": "25.04.1990",
            "Email": "anna@example.com",
            "Номер карты": "0042",
            "Дата регистрации гостя": "01.02.2020",
        },
        ANNA | {"phone": "+79001234567", "code": "0042", "date_of_birth": "1990-04-25"},
    ),
    "iiko-en": Export(
        "Telephone,Name,Birthday,Email,Card No.,Comment,Guest registration date,Categories,Orders,"
        "Total,Average bill,Last visit",
        {
            "Telephone": "+79001234567",
            "Name": "Anna Demo",
            "Email": "anna@example.com",
            "Card No.": "0042",
            "Comment": "x",
        },
        ANNA | {"phone": "+79001234567", "code": "0042", "description": "x"},
    ),
    "clover": Export(
        "Customer ID,First Name,Last Name,Phone Number,Email Address,Address Line 1,City,"
        "State / Province,Postal / Zip Code,Country,Marketing Allowed,Customer Since",
        NAMES | {"Email Address": "anna@example.com", "Phone Number": "+1 212-555-0123"},
        ANNA | {"phone": "+12125550123"},
    ),
    "dotykacka": Export(
        "externalId,customerId,vatNo,firstName,lastName,barCode,e-mail,phone,birthDay,address,note",
        {
            "externalId": "5",
            "firstName": "Anna",
            "lastName": "Demo",
            "barCode": "00421",
            "e-mail": "anna@example.com",
            "phone": "00421911222333",
            "birthDay": "1990-04-03",
        },
        ANNA | {"phone": "+421911222333", "code": "00421", "date_of_birth": "1990-04-03"},
    ),
    "hiboutik": Export(
        "Last name;First name;Email;Title;Company;Address;Postal code;City;State;Country;Phone;"
        "Date of birth;Note;Loyalty points;EAN",
        {
            "Last name": "Demo",
            "First name": "Anna",
            "Email": "anna@example.com",
            "Title": "2",
            "Country": "FRA",
            "Phone": "+33612345678",
            "Date of birth": "03/04/1990",
            "EAN": "2990000000017",
        },
        ANNA
        | {
            "phone": "+33612345678",
            "code": "2990000000017",
            "gender": 2,
            "date_of_birth": "1990-04-03",
        },
    ),
    "epos": Export(
        "full_name,address_street_1,address_postal_code,notes,email,phone_number,"
        "identifier_value,identifier_type,date_of_birth,gender,prefix,mobile_number,fax_number,"
        "lookup_id,membership_tier",
        {
            "full_name": "Anna Demo",
            "email": "anna@example.com",
            "phone_number": "81234567",
            "identifier_value": "S0000001I",
            "date_of_birth": "03/04/1990",
            "gender": "Female",
            "lookup_id": "0042",
        },
        ANNA | {"phone": "+6581234567", "code": "0042", "gender": 2, "date_of_birth": "1990-04-03"},
    ),
    "k3": Export(
        "External Unique ID,First Name,Last Name,Email,Mobile Phone Number,Phone Number,Company,"
        "Address,Birthdate,Language,Currency,Credit Limit,Total Spent,No. of Visits,Points,"
        "Date Created,Last Visit",
        NAMES
        | {
            "External Unique ID": "0042",
            "Email": "anna@example.com",
            "Phone Number": "+4531234567",
            "Birthdate": "1990-04-03",
        },
        ANNA | {"phone": "+4531234567", "code": "0042", "date_of_birth": "1990-04-03"},
    ),
    "loylap": Export(
        "ID,Name,First Name,Last Name,Email,Username,Status,Nickname,Phone_Number,Date_Birth,"
        "Date_Add,Date_Edit,Account_Number,Gender,Card_Brand",
        NAMES
        | {
            "ID": "12",
            "Name": "anna d",
            "Email": "anna@example.com",
            "Phone_Number": "+353851234567",
            "Date_Birth": "1990-04-03",
            "Account_Number": "0042",
            "Gender": "F",
        },
        ANNA
        | {
            "phone": "+353851234567",
            "code": "0042",
            "gender": 2,
            "date_of_birth": "1990-04-03",
        },
    ),
    "hubspot": Export(
        "Record ID,First Name,Last Name,Email,Phone Number,Lifecycle Stage,Contact owner",
        NAMES | {"Record ID": "123", "Email": "anna@example.com", "Phone Number": "+12125550123"},
        ANNA | {"phone": "+12125550123"},
    ),
    "membermojo": Export(
        "Title,First name,Last name,Month and Year of Birth,Email,Contact number,Address line 1",
        {
            "Title": "Mrs",
            "First name": "Anna",
            "Last name": "Demo",
            "Month and Year of Birth": "04/1990",
            "Email": "anna@example.com",
            "Contact number": "t:+44 7400 123456",
        },
        ANNA | {"phone": "+447400123456"},
    ),
    "clopos": Export(
        ",".join(FIELDS),
        {
            "name": "Anna Demo",
            "phone": "+994500000001",
            "email": "anna@example.com",
            "code": "007",
            "cid": UUID,
            "gender": "2",
            "date_of_birth": "1990-04-03",
            "description": "x",
            "group_id": "3",
        },
        ANNA
        | {
            "phone": "+994500000001",
            "code": "007",
            "cid": UUID,
            "gender": 2,
            "date_of_birth": "1990-04-03",
            "description": "x",
            "group_id": 3,
        },
    ),
}


def export_text(export: Export, *, header: list[str] | None = None) -> str:
    delimiter = ";" if ";" in export.header else ","
    names = header or export.header.split(delimiter)
    text = io.StringIO()
    lines = csv.DictWriter(text, names, delimiter=delimiter)
    lines.writeheader()
    lines.writerow(export.row)
    return text.getvalue()


def found(path: Path, text: str) -> tuple[str | None, dict[str, Any], set[str]]:
    """Return the profile, the customer, and the codes of its problems."""
    path.write_text(text, encoding="utf-8")
    result = check(path)
    values = result.prepared.values
    read = {name: cells_of(values[name]) for name in FIELDS}
    customer = {name: cells[0] for name, cells in read.items() if cells and cells[0] is not None}
    return result.prepared.mapping.profile, customer, {p.code for p in result.prepared.problems}


@pytest.mark.parametrize("name", EXPORTS)
def test_system_is_recognised_and_its_customer_is_read(name: str, tmp_path: Path) -> None:
    profile, customer, noticed = found(tmp_path / "list.csv", export_text(EXPORTS[name]))
    assert (profile, customer) == (name, EXPORTS[name].customer)
    assert noticed <= {"phone_text_dropped"}


@pytest.mark.parametrize("name", EXPORTS)
def test_profile_is_recognised_with_more_columns_in_another_order(
    name: str, tmp_path: Path
) -> None:
    """Its results file, which has our columns too, is recognised as well."""
    export = EXPORTS[name]
    delimiter = ";" if ";" in export.header else ","
    header = [*RESULT_COLUMNS, *reversed(export.header.split(delimiter)), "Rating"]
    profile, customer, _ = found(tmp_path / "list.csv", export_text(export, header=header))
    assert (profile, customer) == (name, export.customer)


def test_last_name_is_a_surname_outside_the_united_states(tmp_path: Path) -> None:
    square = EXPORTS["square"]
    text = export_text(square).replace("Last Name", "Surname")
    profile, customer, _ = found(tmp_path / "list.csv", text)
    assert (profile, customer) == ("square", square.customer)


def test_profile_has_words_of_its_own_for_genders(tmp_path: Path) -> None:
    export = EXPORTS["hiboutik"]
    for title, gender in (("Mme", 2), ("mr.", 1), ("", None)):
        row = export.row | {"Title": title}
        _, customer, noticed = found(tmp_path / "list.csv", export_text(export._replace(row=row)))
        assert (customer.get("gender"), noticed) == (gender, set())


def test_every_profile_has_an_export_here() -> None:
    assert {profile.name for profile in load_profiles()} == set(EXPORTS)


def test_named_profile_overrides_the_recognised_one(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(export_text(EXPORTS["shopify"]), encoding="utf-8")
    told = SheetOptions(choices=MappingChoices(profile="Shopify-Old"))
    assert check(path, told).prepared.mapping.profile == "shopify-old"

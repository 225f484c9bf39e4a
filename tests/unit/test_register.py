"""Who is who: ids that stay, symbols that change, symbols that are used again."""

from datetime import date

import polars as pl

from podshop.data.register import Register


def rows(*pairs: tuple[str, str]) -> pl.DataFrame:
    days = [date.fromisoformat(day) for _, day in pairs]
    return pl.DataFrame({"symbol": [symbol for symbol, _ in pairs], "date": days})


def told(register: Register, *pairs: tuple[str, str], **options: bool) -> list[tuple[str, str]]:
    found = register.identify(rows(*pairs), **options)
    return list(found.select("security_id", "symbol").iter_rows())


def test_an_unknown_symbol_is_a_new_security_named_after_its_first_day() -> None:
    register = Register()
    assert told(register, ("A", "2020-01-03"), ("A", "2020-01-02")) == [
        ("A@2020-01-02", "A"),
        ("A@2020-01-02", "A"),
    ]


def test_an_id_stays_when_earlier_history_arrives() -> None:
    register = Register()
    told(register, ("A", "2020-01-02"))
    assert told(register, ("A", "2010-01-04")) == [("A@2020-01-02", "A")]
    assert register.symbols().row(0, named=True)["first"] == date(2010, 1, 4)


def test_a_report_does_not_prove_that_the_name_was_listed() -> None:
    register = Register()
    told(register, ("A", "2020-01-02"))
    assert told(register, ("A", "2019-01-02"), witness=False) == [("A@2020-01-02", "A")]
    assert register.symbols().row(0, named=True)["first"] == date(2020, 1, 2)


def test_a_rename_keeps_the_id_and_history_has_the_symbol_of_its_day() -> None:
    register = Register()
    told(register, ("FB", "2020-01-02"))
    assert register.rename("FB", "META", date(2022, 6, 9))
    # The vendor now gives the whole history under the new symbol.
    assert told(
        register, ("META", "2022-06-09"), ("META", "2022-06-08"), ("META", "2012-05-18")
    ) == [
        ("FB@2020-01-02", "META"),
        ("FB@2020-01-02", "FB"),
        ("FB@2020-01-02", "FB"),
    ]
    assert register.rename("FB", "META", date(2022, 6, 9))  # said again, it is no news
    assert register.symbols().height == 2


def test_history_under_the_new_symbol_alone_is_parted_by_the_rename() -> None:
    register = Register()
    told(register, ("META", "2012-05-18"), ("META", "2023-01-03"))
    assert register.rename("FB", "META", date(2022, 6, 9))
    assert told(register, ("META", "2012-05-18")) == [("META@2012-05-18", "FB")]


def test_a_symbol_used_again_is_another_security() -> None:
    register = Register()
    told(register, ("WM", "1998-12-09"), ("WM", "2008-09-26"))
    register.delist("WM", date(2008, 9, 26), "bankruptcy")
    assert told(register, ("WM", "2009-08-05"), ("WM", "2008-09-25")) == [
        ("WM@2009-08-05", "WM"),
        ("WM@1998-12-09", "WM"),
    ]
    gone = register.securities().row(0, named=True)
    assert (gone["delisted"], gone["delist_reason"]) == (date(2008, 9, 26), "bankruptcy")


def test_of_the_day_a_symbol_before_its_interval_was_another_companys() -> None:
    register = Register()
    register.claim("UW@1998-01-02", "WM", date(2009, 8, 5), None)
    assert told(register, ("WM", "2008-09-26"), ("WM", "2009-08-05"), of_the_day=True) == [
        ("WM@2008-09-26", "WM"),
        ("UW@1998-01-02", "WM"),
    ]


def test_a_rename_onto_anothers_symbol_is_refused() -> None:
    register = Register()
    told(register, ("A", "2020-01-02"), ("B", "2020-01-02"))
    assert not register.rename("A", "B", date(2021, 1, 4))


def test_empty_facts_do_not_wipe_out_known_ones() -> None:
    register = Register()
    told(register, ("A", "2020-01-02"))
    register.describe("A@2020-01-02", sector="Energy", name="A Co")
    register.describe("A@2020-01-02", sector=None)
    assert register.securities().row(0, named=True)["sector"] == "Energy"

"""The fund file: what is right becomes rules, what is wrong is told with its line and a remedy."""

import dataclasses
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from podshop import load
from podshop.domain.book import open_book
from podshop.domain.error import ConfigError
from podshop.domain.rules import Costs, Rules
from podshop.rulebook import plugins
from podshop.rulebook.toml_lines import key_lines

STILL = '''"""A pod that holds cash."""
from dataclasses import dataclass
import numpy as np

FIELDS = ("close",)
WHEN = "month"


@dataclass(frozen=True)
class Params:
    """What can be set.

    Attributes:
        days: sessions looked at.
        level: how much.
    """

    days: int = 20
    level: float = 0.5

    def __post_init__(self):
        if self.level < 0:
            raise ValueError("level must not be negative")


def gross(p):
    return 1.0


def lookback(p):
    return p.days


def wishes(panel, p):
    return np.full(panel.close.shape, 0.0)
'''

FUND = """\
[fund]
name = "test"
capital = 1_000_000

[capital]
use = "sharpe"
min = 0.10

[[limit]]
use = "drawdown"
halve_at = 0.05
terminate_at = 0.10

[[pod]]
id = "one"
strategy = "still"

[[pod]]
id = "two"
strategy = "still"
params = { days = 40 }
"""

Fund = Callable[..., Path]


@pytest.fixture
def fund(tmp_path: Path) -> Fund:
    """Write a fund file, with texts of the good one replaced; give its path."""

    def write(*changes: tuple[str, str], text: str = FUND) -> Path:
        (tmp_path / "still.py").write_text(STILL)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "fund.toml"
        path.write_text(text)
        return path

    return write


def refused(path: Path) -> str:
    """The message that a fund file is refused with."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


def test_a_good_file_becomes_rules_with_all_defaults(fund: Fund) -> None:
    rules = load(fund())
    assert (rules.name, rules.currency, rules.capital) == ("test", "USD", 1_000_000_000_000)
    assert rules.pod_ids() == ("one", "two")
    assert [(pod.when, pod.gross, pod.lookback_days) for pod in rules.pods] == [
        ("month", 1.0, 20),
        ("month", 1.0, 40),
    ]
    assert (rules.restore, rules.on_halt, rules.market.source) == ("peak", "flatten", "embedded")
    assert rules.costs == Costs()
    assert rules.allocator.name == "sharpe"
    assert rules.limits[0].check is not None
    assert rules.limits[0].cap is None
    assert rules.limits[0].check(open_book(2, 3, rules.capital)) == []
    assert rules.allocator.shares(open_book(2, 3, rules.capital)).tolist() == [0.4, 0.4]
    assert rules.manifest["capital"]["params"] == {
        "lookback_days": 252,
        "min": 0.1,
        "max": 0.4,
        "cash": 0.1,
    }
    assert rules.manifest["pod"][1]["params"] == {"days": 40, "level": 0.5}


def test_costs_and_flows_are_turned_into_micros(fund: Fund) -> None:
    costs = "[costs]\ncommission_per_lot = 0.005\ncommission_min = 1\nadv_assumed = 5_000_000\n"
    flows = (
        '[[flow]]\nday = 2020-06-30\nkind = "withdrawal"\namount = 5\n'
        '[[flow]]\nday = 2019-06-30\nkind = "deposit"\namount = "1_000"\n'
    )
    rules = load(fund(text=FUND + costs + flows))
    assert rules.costs.commission_micros_per_lot == 5_000
    assert rules.costs.commission_min_micros == 1_000_000
    assert rules.costs.adv_assumed_micros == 5_000_000_000_000
    assert rules.costs.half_spread_bps == Costs().half_spread_bps
    assert [(f.day, f.kind, f.amount) for f in rules.flows] == [
        (np.datetime64("2019-06-30"), "deposit", 1_000_000_000),
        (np.datetime64("2020-06-30"), "withdrawal", -5_000_000),
    ]


@pytest.mark.parametrize("written", ["1_000_000", "1000000", '"1_000_000"', '"1000000"'])
def test_capital_may_be_written_as_number_or_text(fund: Fund, written: str) -> None:
    assert load(fund(("1_000_000", written))).capital == 1_000_000_000_000


def test_a_folder_stands_for_its_fund_file(fund: Fund) -> None:
    assert load(fund().parent).manifest == load(fund()).manifest


def test_what_is_bound_can_be_sent_to_another_process(fund: Fund) -> None:
    rules = load(fund())
    for bound in (rules.limits[0], rules.allocator):
        assert pickle.loads(pickle.dumps(bound)).name == bound.name


WRONG = {
    "no toml": (("capital = 1_000_000", "capital ="), 3, ["not TOML", "capital ="]),
    "unknown section": (("[[limit]]", "[[limits]]"), 9, ["limits", "unknown section", '"limit"']),
    "unknown key": (("name =", "nome ="), 2, ["[fund] nome", "unknown key", 'mean "name"']),
    "missing key": (('name = "test"\n', ""), 1, ["[fund] name", "is missing", "name ="]),
    "missing section": (("[fund]", "[costs]"), 1, ["[fund]", "is missing"]),
    "number for a text": (('"test"', "7"), 2, ["[fund] name", "a text in quotes", "7"]),
    "text for a number": (("0.10\n\n[[l", '"0.1"\n\n[[l'), 7, ["[capital] min", "a number"]),
    "capital 0": (("1_000_000", "0"), 3, ["[fund] capital", "more than 0"]),
    "capital negative": (("1_000_000", '"-5"'), 3, ["[fund] capital", "more than 0"]),
    "capital in words": (("1_000_000", '"1e6"'), 3, ["[fund] capital", "whole number of currency"]),
    "capital too large": (("1_000_000", "9_999_999_999_999"), 3, ["[fund] capital", "at most"]),
    "capital beyond 64 bits": (("1_000_000", "9" * 30), 3, ["[fund] capital", "too large"]),
    "nan": (("min = 0.10", "min = nan"), 7, ["[capital] min", "nan"]),
    "choice": (("capital = ", 'restore = "soon"\ncapital = '), 3, ['"peak" or "never"', '"soon"']),
    "currency": (("capital = ", 'currency = "usd"\ncapital = '), 3, ["[fund] currency", "capital"]),
    "unknown strategy": (("still", "no_such_pod"), 16, ['[[pod]] "one" strategy', "no_such_pod"]),
    "unknown limit": (("drawdown", "drawdwn"), 10, ["unknown limit", 'did you mean "drawdown"?']),
    "unknown allocator": (("sharpe", "sharp"), 6, ["unknown allocator", 'mean "sharpe"?']),
    "unknown parameter": (("days = 40", "day = 40"), 21, ["params.day", 'did you mean "days"?']),
    "wrong parameter": (
        ("days = 40", "days = 4.5"),
        21,
        ["params.days", "whole number", "looked at"],
    ),
    "days below 1": (("days = 40", "days = 0"), 21, ["params.days", "at least 1 day"]),
    "refused parameter": (("days = 40", "level = -1.0"), 21, ["params.level", "not be negative"]),
    "unknown limit key": (("halve_at", "halve_att"), 11, ["halve_att", 'did you mean "halve_at"?']),
    "percentage": (("halve_at = 0.05", "halve_at = 5.0"), 11, ["percentage", "write 0.05 for 5 %"]),
    "negative rung": (("halve_at = 0.05", "halve_at = -0.05"), 11, ["must not be negative"]),
    "ladder": (("halve_at = 0.05", "halve_at = 0.10"), 11, ["halve_at", "get deeper"]),
    "floors": (
        ("min = 0.10", "min = 0.46"),
        7,
        ["[capital] min", "2 pods x 0.46", "to 0.45 or less"],
    ),
    "floor above cap": (("min = 0.10", "min = 0.3\nmax = 0.2"), 7, ["floor 0.3", "cap 0.2"]),
    "window": (("min = 0.10", "lookback_days = 500"), 7, ["lookback_days", "252"]),
    "empty id": (('"one"', '""'), 15, ["id", "is empty"]),
    "reserved id": (('"one"', '"centre"'), 15, ['"centre" is reserved']),
    "unreadable id": (('"one"', '"one/two"'), 15, ["letters, digits"]),
    "duplicate id": (('"two"', '"one"'), 19, ['"one" is taken by pod 1']),
    "bad schedule": (('"still"\n\n', '"still"\nwhen = "hourly"\n\n'), 17, ['"daily"', '"hourly"']),
    "single brackets": (("[[limit]]", "[limit]"), 9, ["[[limit]] with two brackets"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_with_its_line(fund: Fund, case: str) -> None:
    change, line, words = WRONG[case]
    path = fund(change)
    told = refused(path)
    assert f"{path}:{line}: " in told
    for word in words:
        assert word in told
    assert "\n  -> " in told


APPENDED = {
    "commission in micros": ("[costs]\ncommission_per_lot = 3500", 2, ["micros", "write 0.0035"]),
    "micros key": ("[costs]\ncommission_micros_per_lot = 1", 2, ['mean "commission_per_lot"?']),
    "bps as fraction": ("[costs]\nhalf_spread_bps = 0.0002", 2, ["fraction", "write 2"]),
    "absurd bps": ("[costs]\nhalf_spread_bps = 20_000.0", 2, ["more than the whole price"]),
    "negative cost": ("[costs]\nimpact = -0.1", 2, ["[costs] impact", "at least 0"]),
    "volume in percent": ("[costs]\nvolume_cap = 10.0", 2, ["percentage", "write 0.1"]),
    "no volume": ("[costs]\nvolume_cap = 0.0", 2, ["more than 0"]),
    "short window": ("[costs]\nimpact_days = 1", 2, ["at least 2"]),
    "bad date": ('[market]\nstart = "in May"', 2, ["date such as 2020-01-31"]),
    "impossible date": ("[market]\nstart = 2020-02-30", 2, ["not TOML"]),
    "end first": ("[market]\nstart = 2020-01-02\nend = 2019-01-02", 3, ["not after start"]),
    "no path": (
        '[market]\nsource = "parquet"',
        1,
        ["[market] path", "is missing", "prices.parquet"],
    ),
    "no file": ('[market]\nsource = "parquet"\npath = "x.parquet"', 3, ['there is no "x.parquet"']),
    "needless path": ('[market]\npath = "x.parquet"', 2, ['source "embedded" has no path']),
    "unknown source": ('[market]\nsource = "web"', 2, ['"embedded", "parquet" or "store"']),
    "negative flow": ('[[flow]]\nday = 2020-01-02\nkind = "fee"\namount = -5', 4, ["more than 0"]),
    "unknown flow": ('[[flow]]\nday = 2020-01-02\nkind = "gift"\namount = 5', 3, ['"deposit"']),
    "flow too early": (
        '[[flow]]\nday = 2019-01-02\nkind = "fee"\namount = 5\n[market]\nstart = 2020-01-02',
        2,
        ["before the fund's first session", "[fund] capital"],
    ),
    "limit twice": ('[[limit]]\nuse = "drawdown"', 2, ['"drawdown" with scope "pod" stands twice']),
}


@pytest.mark.parametrize("case", APPENDED)
def test_what_is_wrong_in_other_sections_is_told_with_its_line(fund: Fund, case: str) -> None:
    text, line, words = APPENDED[case]
    path = fund(text=FUND + text + "\n")
    told = refused(path)
    assert f"{path}:{FUND.count(chr(10)) + line}: " in told
    for word in words:
        assert word in told
    assert "\n  -> " in told


def test_no_pod_at_all(fund: Fund) -> None:
    told = refused(fund(text='[fund]\nname = "x"\ncapital = 5\n'))
    assert "is missing" in told
    assert "pod" in told
    told = refused(fund(text='pod = []\n[fund]\nname = "x"\ncapital = 5\n'))
    assert "fund.toml:1: pod: the fund has no pod" in told


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    told = refused(tmp_path / "none.toml")
    assert "there is no such file" in told
    assert "podshop init" in told


def test_all_faults_are_told_at_once(fund: Fund) -> None:
    told = refused(fund(("1_000_000", "0"), ('"one"', '"centre"'), ('name = "test"', "nome = 1")))
    assert len(re.findall(r"fund\.toml:\d+: ", told)) == 4


def test_the_message_has_file_line_key_fault_and_remedy(fund: Fund) -> None:
    path = fund(("drawdown", "drawdwn"))
    told = refused(path)
    assert told.startswith(f'{path}:10: [[limit]] "drawdwn" use: unknown limit "drawdwn"\n')
    assert '\n  -> did you mean "drawdown"? limits: ' in told


def test_a_fund_in_lines_with_carriage_returns_counts_the_same_lines(fund: Fund) -> None:
    path = fund(("drawdown", "drawdwn"))
    path.write_bytes(path.read_text().replace("\n", "\r\n").encode())
    assert f"{path}:10: " in refused(path)


def test_included_files_add_pods_and_are_named_in_faults(fund: Fund, tmp_path: Path) -> None:
    path = fund(text='include = ["hired/*.toml"]\n' + FUND)
    hired = tmp_path / "hired"
    hired.mkdir()
    (hired / "b.toml").write_text('[[pod]]\nid = "four"\nstrategy = "still"\n')
    (hired / "a.toml").write_text('[[pod]]\nid = "three"\nstrategy = "still"\n')
    assert load(path).pod_ids() == ("one", "two", "three", "four")
    (hired / "b.toml").write_text('\n[[pod]]\nid = "four"\nstrategy = "none_such"\n')
    assert f"{hired / 'b.toml'}:4: " in refused(path)
    (hired / "b.toml").write_text("[fund]\ncapital = 1\n")
    assert f"{hired / 'b.toml'}:1: `fund` cannot stand in an included file" in refused(path)


def test_an_include_that_finds_nothing_is_a_fault(fund: Fund) -> None:
    told = refused(fund(text='include = ["none/*.toml"]\n' + FUND))
    assert "fund.toml:1: " in told
    assert "no file matches" in told


# --- plug-ins of the owner's own ------------------------------------------------------------------


def own(folder: Path, text: str) -> Path:
    """A fund whose first pod is `pods/own.py` with this text."""
    (folder / "pods").mkdir(exist_ok=True)
    (folder / "pods" / "own.py").write_text(text)
    (folder / "still.py").write_text(STILL)
    (folder / "fund.toml").write_text(FUND.replace('"still"', '"pods.own"', 1))
    return folder / "fund.toml"


def test_two_funds_may_each_have_a_module_of_the_same_name(tmp_path: Path) -> None:
    grosses = []
    for name, gross in (("a", "1.0"), ("b", "2.0")):
        (tmp_path / name).mkdir()
        path = own(tmp_path / name, STILL.replace("return 1.0", f"return {gross}"))
        grosses.append(load(path).pods[0].gross)
    assert grosses == [1.0, 2.0]


CLASSY = (
    STILL.partition("@dataclass")[0]
    + '''
@dataclass(frozen=True)
class Params:
    """What can be set.

    Attributes:
        days: sessions looked at.
    """

    days: int = 20


class Calm:
    Params, FIELDS, WHEN = Params, ("close",), "week"

    def gross(self, p):
        return 1.5

    def lookback(self, p):
        return p.days

    def wishes(self, panel, p):
        return np.full(panel.close.shape, 0.25)


class Wild(Calm):
    @staticmethod
    def gross(p):
        return 3.0


class Broken:
    Params = Params

    def __init__(self):
        raise RuntimeError("not today")


class Idle:
    Params = Params
'''
)


def test_a_class_of_a_module_is_a_pod_too(tmp_path: Path) -> None:
    path = own(tmp_path, CLASSY)
    text = path.read_text()
    made = {}
    for name in ("Calm", "Wild"):
        path.write_text(text.replace('"pods.own"', f'"pods.own:{name}"'))
        made[name] = load(path)
    calm, wild = made["Calm"].pods[0], made["Wild"].pods[0]
    assert (calm.gross, wild.gross) == (1.5, 3.0)
    assert (calm.when, calm.lookback_days) == ("week", 20)
    digests = [rules.manifest["sources"] for rules in made.values()]
    assert digests[0]["strategy pods.own:Calm"] != digests[1]["strategy pods.own:Wild"]
    for name, words in (
        ("Idle", "lacks FIELDS"),
        ("Broken", "RuntimeError: not today"),
        ("Gone", 'pods.own has no class "Gone"'),
        ("np", 'pods.own has no class "np"'),
        ("", 'pods.own has no class ""'),
    ):
        path.write_text(text.replace('"pods.own"', f'"pods.own:{name}"'))
        assert words in refused(path)


def test_a_changed_module_is_read_anew_and_an_unchanged_one_is_kept(tmp_path: Path) -> None:
    path = own(tmp_path, STILL)
    first, second = load(path), load(path)
    assert first.pods[0].params.__class__ is second.pods[0].params.__class__
    own(tmp_path, STILL.replace("return 1.0", "return 1.25"))
    third = load(path)
    assert third.pods[0].gross == 1.25
    assert third.hash != first.hash


BROKEN = {
    "throws at import": ("raise RuntimeError('no')", ["cannot be imported", "RuntimeError: no"]),
    "syntax": ("def (", ["cannot be imported", "SyntaxError"]),
    "lacks a package": ("import no_such_package_at_all", ["no_such_package_at_all"]),
    "lacks wishes": (STILL.replace("def wishes", "def wish"), ["lacks wishes"]),
    "not frozen": (STILL.replace("(frozen=True)", ""), ["no frozen dataclass"]),
    "gross throws": (STILL.replace("return 1.0", "return 1 / 0"), ["ZeroDivisionError"]),
    "gross is nothing": (STILL.replace("return 1.0", "return 0.0"), ["gross(p) says 0.0"]),
    "lookback": (STILL.replace("return p.days", "return 0"), ["lookback(p) says 0"]),
    "when": (STILL.replace('"month"', '"noon"'), ["WHEN says 'noon'"]),
    "fields": (STILL.replace('("close",)', '("ebitda",)'), ["ebitda"]),
    "odd params": (STILL.replace("level: float", "level: np.random.Generator"), ["plain types"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_module_is_named_with_the_line_that_hires_it(tmp_path: Path, case: str) -> None:
    text, words = BROKEN[case]
    path = own(tmp_path, text)
    told = refused(path)
    assert f'{path}:16: [[pod]] "one" strategy: ' in told
    for word in words:
        assert word in told


def test_a_standard_module_is_no_strategy(fund: Fund) -> None:
    assert "unknown strategy" in refused(fund(("still", "json")))
    assert "lacks" in refused(fund(("still", "json.decoder")))


# --- the fingerprint ------------------------------------------------------------------------------


def test_the_hash_does_not_depend_on_the_folder_or_the_data(tmp_path: Path) -> None:
    hashes = set()
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        path = own(folder, STILL)
        (folder / "p.parquet").touch()
        market = '[market]\nsource = "parquet"\npath = "p.parquet"\nstart = 2020-01-02\n'
        path.write_text(path.read_text() + market)
        rules = load(path)
        hashes.add(rules.hash)
        assert rules.market.path == str((folder / "p.parquet").resolve())
        assert str(tmp_path) not in repr(rules.manifest)
    assert len(hashes) == 1


CHANGES = [
    ("1_000_000", "1_000_001"),
    ("min = 0.10", "min = 0.11"),
    ("halve_at = 0.05", "halve_at = 0.06"),
    ("days = 40", "days = 41"),
    ('"two"', '"second"'),
    ('use = "sharpe"', 'use = "equal"'),
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_hash_changes_with_every_rule(fund: Fund, change: tuple[str, str]) -> None:
    assert load(fund()).hash != load(fund(change)).hash


def test_the_hash_does_not_change_when_a_default_is_written_out(fund: Fund) -> None:
    assert load(fund()).hash == load(fund(("min = 0.10", "min = 0.10\nmax = 0.4\ncash = 0.1"))).hash


def test_the_hash_is_the_same_in_every_process(fund: Fund) -> None:
    rules: Rules = load(fund())
    assert re.fullmatch("[0-9a-f]{32}", rules.hash)
    assert dataclasses.replace(rules).hash == load(fund()).hash


# --- the scanner ----------------------------------------------------------------------------------


def test_lines_are_found_in_every_way_of_writing_toml() -> None:
    text = (
        "# [not.a.table]\n"
        'a.b = "x # [y]" # c\n'
        'long = """\nkey = 1\n"""\n'
        "[ t . 'u v' ]\n"
        "list = [ { k = 1 },\n  { k = [ 2,\n 3 ] } ]\n"
        "[[x]]\n[[x.y]]\nz = 1\n[[x.y]]\nz = 2\n[[x]]\n"
        '"\\u0061\\t" = 2020-01-01T00:00:00Z\n'
    )
    lines = key_lines(text)
    assert lines["a", "b"] == 2
    assert lines["long",] == 3
    assert lines["t", "u v"] == 6
    assert lines["t", "u v", "list", 1, "k"] == 8
    assert lines["t", "u v", "list", 1, "k", 1] == 9
    assert [lines["x", 0, "y", i, "z"] for i in (0, 1)] == [12, 14]
    assert lines["x", 1, "a\t"] == 16
    assert not any("not" in loc or "key" in loc for loc in lines)


def test_every_plug_in_of_podshop_says_what_its_parameters_mean() -> None:
    for kind in plugins.PACKAGES:
        for name in plugins.names(kind):
            plugin = plugins.find(kind, name, Path())
            params = plugin.module.Params
            fields = {field.name for field in dataclasses.fields(params)}
            assert fields <= plugins.descriptions(params).keys(), f"{kind} {name}"


PAID = """\

[pay]
rate = 0.2
scheme = "netted"
when = "year"
royalties = "credit"
royalty_rate = 0.05
"""


def test_pay_is_read_and_changes_nothing_that_is_traded(fund: Fund) -> None:
    plain = load(fund())
    assert (plain.pay.rate, plain.pay.scheme, plain.pay.royalties) == (0.15, "pass-through", "none")
    assert (plain.pay.manager("one"), plain.pay.author("one")) == ("one", "one")
    people = '\nmanager = "Ada"\nauthor = "Grace O\'Neill"\n'
    paid = load(fund(('id = "one"', f'id = "one"{people}'), text=FUND + PAID))
    assert (paid.pay.rate, paid.pay.scheme, paid.pay.when) == (0.2, "netted", "year")
    assert (paid.pay.royalties, paid.pay.royalty_rate) == ("credit", 0.05)
    assert (paid.pay.manager("one"), paid.pay.author("one")) == ("Ada", "Grace O'Neill")
    assert (paid.pay.manager("two"), paid.pay.author("two")) == ("two", "two")
    assert paid.hash == plain.hash
    assert paid.manifest == plain.manifest
    assert paid.seed == plain.seed


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rate = 0.2", "rate = 20", "looks like a percentage; write 0.2"),
        ("rate = 0.2", "rate = 0.12345678", "finer than a millionth"),
        ("rate = 0.2", "rates = 0.2", "unknown key"),
        ('"netted"', '"both"', "pass-through"),
        ('"year"', '"month"', "quarter"),
        ('id = "one"', 'id = "one"\nmanager = "../Ada"', "no name for a person"),
        ('id = "one"', 'id = "one"\nmanager = " Ada"', "no name for a person"),
        ('id = "one"', 'id = "one"\nauthor = "Centre"', "reserved"),
    ],
)
def test_wrong_terms_of_pay_are_refused(fund: Fund, old: str, new: str, said: str) -> None:
    told = refused(fund((old, new), text=FUND + PAID))
    assert said in told
    assert "fund.toml:" in told


@pytest.mark.parametrize("policy", ['"half"', '"fixed"', '"partial"\nkeep = 0.5'])
def test_compounding_needs_allocations(policy: str, tmp_path: Path) -> None:
    text = (
        f'[fund]\nname = "x"\ncapital = 1000\n[capital]\nwhen = "never"\ncompounding = {policy}\n'
        '[[pod]]\nid = "m"\nstrategy = "momentum"\n'
    )
    (tmp_path / "fund.toml").write_text(text)
    with pytest.raises(ConfigError, match="does nothing where capital is shared out only once"):
        load(tmp_path)
    (tmp_path / "fund.toml").write_text(text.replace('"never"', '"month"'))
    assert load(tmp_path).keep != 1.0


@pytest.mark.parametrize(
    ("lines", "keep"),
    [("", 1.0), ('compounding = "half"', 0.0), ('compounding = "partial"\nkeep = 0.5', 0.5)],
)
def test_a_pod_says_what_stays_of_its_gains(lines: str, keep: float, tmp_path: Path) -> None:
    text = (
        '[fund]\nname = "x"\ncapital = 1000\n[capital]\nuse = "equal"\n'
        f'[[pod]]\nid = "m"\nstrategy = "momentum"\n{lines}\n'
    )
    (tmp_path / "fund.toml").write_text(text)
    rules = load(tmp_path)
    assert rules.pods[0].keep == keep
    assert ("keep" in rules.manifest["pod"][0]) is (keep != 1.0)
    for wrong in ('compounding = "partial"', "keep = 0.5", 'compounding = "fixed"'):
        (tmp_path / "fund.toml").write_text(text.replace(f"{lines}\n", f"{wrong}\n"))
        if lines:
            with pytest.raises(ConfigError, match=r"keep belongs to|compounding"):
                load(tmp_path)

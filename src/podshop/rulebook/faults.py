"""What is wrong with a fund file, in words a person can act on.

A fault says where (file and line), which key, what is wrong and what to do. All faults of a file
are told at once, in one `ConfigError`.
"""

import difflib
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from podshop.domain.error import ConfigError
from podshop.rulebook.fundfile import FundFile
from podshop.rulebook.sections import FundText
from podshop.rulebook.toml_lines import Loc

_NAMED_BY = {"pod": "id", "limit": "use", "flow": "kind"}

_TYPES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a text in quotes",
    "bool_type": "must be true or false",
    "dict_type": "must be a table, { key = value }",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dataclass_type": "must be a table",
    "string_pattern_mismatch": "is not written as it must be",
    "string_too_short": "is empty",
}

_BOUNDS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        loc: the key.
        what: what is wrong with it.
        remedy: what to do.
    """

    loc: Loc
    what: str
    remedy: str


class Unfit(Exception):
    """A plug-in or a parameter cannot be used; whoever knows the place turns this into a fault."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def at(self, loc: Loc) -> Fault:
        """Name the place."""
        return Fault(loc, self.what, self.remedy)


def refuse(fund: FundFile, faults: Sequence[Fault]) -> None:
    """Raise all faults as one error; do nothing when there are none.

    Args:
        fund: the file, for lines.
        faults: in any order.

    Raises:
        ConfigError: there is a fault.
    """
    if not faults:
        return
    told = dict.fromkeys(
        f"{fund.place(f.loc)}: {label(fund.told, fund.own(f.loc))}: {f.what}\n  -> {f.remedy}"
        for f in faults
    )
    raise ConfigError("\n".join(told))


def label(data: Mapping[str, Any], loc: Loc) -> str:
    """Name a key as the owner sees it: `[fund] capital`, `[[pod]] "trend" params.top`."""
    if not loc:
        return "the file"
    head, rest = str(loc[0]), list(loc[1:])
    if not rest:
        return f"[{head}]" if isinstance(data.get(head), dict) or head == "fund" else head
    if isinstance(rest[0], int):
        number = rest.pop(0)
        name = _item_name(data, head, typing.cast(int, number))
        head = f"[[{head}]] {name}" if head in _NAMED_BY else f"{head} {number}"
    else:
        head = f"[{head}]"
    return f"{head} {'.'.join(str(part) for part in rest)}".strip()


def _item_name(data: Mapping[str, Any], head: str, number: int) -> str:
    """Name an item of a list by its id, or by its number when it has none."""
    items = data.get(head)
    item = items[number] if isinstance(items, list) and number < len(items) else None
    name = item.get(_NAMED_BY.get(head, "")) if isinstance(item, dict) else None
    return f'"{name}"' if isinstance(name, str) and name else str(number + 1)


def of_sections(error: ValidationError, file: type[BaseModel] = FundText) -> list[Fault]:
    """Word what pydantic found in the fixed sections of a kind of file."""
    return [_section_fault(detail, file) for detail in error.errors(include_url=False)]


def _section_fault(detail: ErrorDetails, file: type[BaseModel]) -> Fault:
    """Word one finding, with the field's own meaning as the remedy."""
    loc: Loc = tuple(detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        known = list(_model_at(loc[:-1], file).model_fields)
        what = "unknown section" if len(loc) == 1 else "unknown key"
        return Fault(loc, what, suggest(str(loc[-1]), known, "keys here"))
    if kind in ("tuple_type", "too_short") and loc[-1] in _NAMED_BY:
        return _list_fault(loc, kind)
    field = _field_at(loc, file)
    key = next((str(part) for part in reversed(loc) if isinstance(part, str)), "")
    return Fault(loc, worded(detail), _field_remedy(key, field))


def _list_fault(loc: Loc, kind: str) -> Fault:
    """Word the two ways in which [[pod]], [[limit]] or [[flow]] go wrong as a whole."""
    if kind == "too_short":
        return Fault(loc, "the fund has no pod", 'add one: [[pod]], id = "...", strategy = "..."')
    return Fault(
        loc, "is a list of tables", f"write [[{loc[-1]}]] with two brackets, once for each"
    )


def worded(detail: ErrorDetails) -> str:
    """Say what is wrong with a value, without pydantic's vocabulary."""
    kind, context = detail["type"], detail.get("ctx", {})
    got = f", not {written(detail['input'])}"
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be {context['expected'].replace(chr(39), chr(34))}{got}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"{words} {written(context[name])}{got}"
    if kind.startswith("date"):
        return f"must be a date such as 2020-01-31{got}"
    if kind in _TYPES:
        return f"{_TYPES[kind]}{got}"
    message = detail["msg"]
    return f"{message[:1].lower()}{message[1:]}{got}"


def _field_remedy(key: str, field: FieldInfo | None) -> str:
    """Say what to write for a field of the fixed sections."""
    if field is None:
        return "see docs/reference/fund-file.md"
    if field.is_required() or field.default is None:
        example = field.examples[0] if field.examples else None
        start = f"write for example `{key} = {written(example)}`" if example is not None else key
    elif isinstance(field.default, BaseModel):
        start = f"write [{key}] on a line of its own"
    else:
        start = f"leave it out for {written(field.default)}"
    return f"{start} ({field.description})"


def _model_at(loc: Loc, file: type[BaseModel]) -> type[BaseModel]:
    """The section that a place belongs to."""
    model = file
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            model = _inner(model.model_fields[part]) or model
    return model


def _field_at(loc: Loc, file: type[BaseModel]) -> FieldInfo | None:
    """The field that a place means, if the fixed sections have one."""
    keys = [part for part in loc if isinstance(part, str)]
    return _model_at(tuple(keys[:-1]), file).model_fields.get(keys[-1]) if keys else None


def _inner(field: FieldInfo) -> type[BaseModel] | None:
    """The section inside a field, for `Section` and `tuple[Section, ...]`."""
    annotation = field.annotation
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def suggest(word: str, known: Iterable[str], heading: str) -> str:
    """Offer the likeliest of the known words, then all of them.

    Args:
        word: what was written.
        known: what could have been written.
        heading: what the known words are, such as "strategies".
    """
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    start = f'did you mean "{close[0]}"? ' if close else ""
    return f"{start}{heading}: {', '.join(words) or 'none'}"


def written(value: Any) -> str:
    """Write a value as it would stand in the fund file, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 40 else f'"{value[:37]}..."'
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return (
            f"[{', '.join(written(item) for item in value[:4])}{', ...' if len(value) > 4 else ''}]"
        )
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {written(v)}" for k, v in list(value.items())[:3]) + " }"
    return "nothing" if value is None else str(value)

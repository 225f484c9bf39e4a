"""Which line of a TOML text each key stands on, so that an error can point at it.

The standard parser says what a text means and forgets where it stood. This scanner walks a text
that is already known to be valid TOML and remembers only places.
"""

import re

Loc = tuple[str | int, ...]
"""Where a value stands: keys of tables and numbers of list items, from the top of the file."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_STRINGS = {
    '"""': re.compile(r'"""((?:[^\\]|\\.)*?)"""(?!")', re.DOTALL),
    "'''": re.compile(r"'''(.*?)'''(?!')", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\\n]|\\.)*)"'),
    "'": re.compile(r"'([^'\n]*)'"),
}


def key_lines(text: str) -> dict[Loc, int]:
    """Find the line of every table, key and list item of a valid TOML text.

    Args:
        text: TOML that `tomllib` accepts.

    Returns:
        line number, counted from 1, by place; `[[pod]]` tables are ("pod", 0), ("pod", 1), ...
    """
    return _Scanner(text).scan()


class _Scanner:
    """One pass over the text; `at` is the next character to look at."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Loc, int] = {}
        self.counts: dict[Loc, int] = {}  # how many [[tables]] each array of tables has so far
        self.counted_to = 0
        self.line = 1

    def scan(self) -> dict[Loc, int]:
        """Walk headers and assignments to the end of the text."""
        table: Loc = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._assignment(table)
            self._skip(_BLANK)
        return self.lines

    def _header(self) -> Loc:
        """Read `[a.b]` or `[[a.b]]`; give the place that following keys belong to."""
        array = self.text.startswith("[[", self.at)
        line = self._line()
        self.at += 2 if array else 1
        place: Loc = ()
        keys = self._keys()
        for i, key in enumerate(keys):
            place = (*place, key)
            last = i == len(keys) - 1
            if array and last:
                self.lines.setdefault(place, line)
                self.counts[place] = self.counts.get(place, 0) + 1
            if place in self.counts:
                place = (*place, self.counts[place] - 1)
        self.lines.setdefault(place, line)
        self.at += 2 if array else 1
        return place

    def _assignment(self, table: Loc) -> None:
        """Read `key = value`, remembering the place of each part of a dotted key."""
        line = self._line()
        place = table
        for key in self._keys():
            place = (*place, key)
            self.lines.setdefault(place, line)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(place)

    def _keys(self) -> list[str]:
        """Read a dotted key and the blanks after it."""
        keys = []
        while True:
            self._skip(_SPACE)
            quote = self.text[self.at]
            keys.append(self._string(quote) if quote in "\"'" else self._take(_BARE))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _value(self, place: Loc) -> None:
        """Walk one value; lists and inline tables have places inside."""
        opening = self.text[self.at]
        if opening == "[":
            self._list(place)
        elif opening == "{":
            self._inline_table(place)
        elif opening in "\"'":
            triple = opening * 3
            self._string(triple if self.text.startswith(triple, self.at) else opening)
        else:
            self._take(_SCALAR)

    def _list(self, place: Loc) -> None:
        """Walk `[value, value]`, which may run over several lines."""
        self.at += 1
        number = 0
        self._skip(_BLANK)
        while not self.text.startswith("]", self.at):
            self.lines[*place, number] = self._line()
            self._value((*place, number))
            number += 1
            self._separator()
        self.at += 1

    def _inline_table(self, place: Loc) -> None:
        """Walk `{ key = value }`."""
        self.at += 1
        self._skip(_BLANK)
        while not self.text.startswith("}", self.at):
            self._assignment(place)
            self._separator()
        self.at += 1

    def _separator(self) -> None:
        """Skip blanks and at most one comma."""
        self._skip(_BLANK)
        if self.text.startswith(",", self.at):
            self.at += 1
            self._skip(_BLANK)

    def _string(self, quote: str) -> str:
        """Read a quoted text, giving what it says."""
        match = _STRINGS[quote].match(self.text, self.at)
        assert match is not None, "the text was parsed before it was scanned"
        self.at = match.end()
        body = match.group(1)
        return _ESCAPE.sub(_unescape, body) if quote == '"' else body

    def _take(self, pattern: re.Pattern[str]) -> str:
        """Read what the pattern matches here."""
        match = pattern.match(self.text, self.at)
        assert match is not None, "the text was parsed before it was scanned"
        self.at = match.end()
        return match.group()

    def _skip(self, pattern: re.Pattern[str]) -> None:
        """Step over what the pattern matches here."""
        self._take(pattern)

    def _line(self) -> int:
        """Line number of the current place."""
        self.line += self.text.count("\n", self.counted_to, self.at)
        self.counted_to = self.at
        return self.line


def _unescape(match: re.Match[str]) -> str:
    """Turn one escape of a quoted key into its character."""
    code = match.group(1) or match.group(2)
    if code:
        return chr(int(code, 16))
    return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(
        match.group(3), match.group(3)
    )

"""The rule book: a TOML file becomes `Rules`, or is refused with file, line, key and remedy."""

"""Our table of scalars beside Hydra's two, and cases written anew so that all of them read the same."""

import json
import re

import yaml
from omegaconf._utils import get_yaml_loader

import oracle

_SEPARATORS = re.compile(r"([,\[\]{}()\n]|: |:(?=[\s\[{'\"])|:$|=|- |\s#|\$\{[a-z_.]*:)", re.M)
_WORD_SEPARATORS = re.compile(r"([,\[\]{}()\n:=]|\$\{[a-z_.]*:)")  # a map on the command line needs no space after ':'
_PERHAPS = re.compile(
    r"[-+]?\.?(inf|infinity|nan)|[-+]?[0-9_.:xobXOB]*[0-9a-f_.:]*(e[-+]?[0-9]+)?|y|n|yes|no|on|off|true|false|null|~|=", re.I)


def our_reading(word):
    """core/config/scalar.h: YAML 1.2 and 1_000."""
    plain = word.replace("_", "")
    if word in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return word.lower() == "true"
    if word in ("null", "Null", "NULL", "~"):
        return None
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)", word):
        return float(word.replace(".", ""))
    if word in (".nan", ".NaN", ".NAN"):
        return float("nan")
    if re.fullmatch(r"0x[0-9a-fA-F]+", word):
        return int(word, 16)
    if re.fullmatch(r"0o[0-7]+", word):
        return int(word[2:], 8)
    if re.fullmatch(r"[-+]?[0-9]+(_[0-9]+)*", word):
        return int(plain)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", word):
        return float(word)
    return word


def _file_reading(word):
    return yaml.load(word, Loader=get_yaml_loader())  # noqa: S506: OmegaConf's own loader


def _word_reading(word):
    value = oracle.meaning(["k=" + word])[0]
    return float(value.replace(".", "")) if value in (".inf", "-.inf", ".nan") and "." not in word else value


def _alike(a, b):
    return type(a) is type(b) and (a == b or (a != a and b != b))


class _Translator:
    """Writes words as we read them: numbers plainly, and text as a word that is text to everyone."""

    def __init__(self, names=()):
        self.names = dict(names)

    def name(self, text):
        name = f"Q{len(self.names)}z"
        self.names[name] = text
        return name

    def word(self, word, reading, in_file):
        if not word or not _PERHAPS.fullmatch(word) or word == "-":  # in files an item without a value
            return word
        ours = our_reading(word)
        try:
            if _alike(ours, reading(word)):
                return word
        except Exception:  # noqa: BLE001: Hydra cannot read it at all
            pass
        if isinstance(ours, str):
            return self.name(ours)
        if isinstance(ours, float) and (ours != ours or ours in (float("inf"), float("-inf"))):
            return ("." if in_file else "").join(("-" if ours < 0 else "", "nan" if ours != ours else "inf"))
        return json.dumps(ours)

    def text(self, text, in_file):
        pieces = (_SEPARATORS if in_file else _WORD_SEPARATORS).split(text)
        depth = 0  # of interpolations, whose arguments follow the grammar of words
        for i, piece in enumerate(pieces):
            if i % 2 == 1:
                depth += piece.startswith("${")
                depth -= piece == "}" and depth > 0
                continue
            inner = piece.strip()
            outer = _word_reading if depth > 0 or not in_file else _file_reading
            quoted = len(inner) > 1 and inner[0] == inner[-1] and inner[0] in "'\""
            bare = inner[1:-1] if quoted else inner
            fresh = self.word(bare, _word_reading if quoted else outer, in_file and depth == 0)
            if quoted and (not self.decodes(pieces, i) or fresh in self.names):
                continue
            pieces[i] = piece.replace(bare, fresh, 1) if fresh != bare else piece
        return "".join(pieces)

    @staticmethod
    def decodes(pieces, i):
        """Quoted text is read as a value by oc.decode and by casts alone."""
        before = pieces[i - 1] if i > 0 else ""
        return before == "${oc.decode:" or (before == "(" and pieces[i - 2].strip() in ("int", "float", "bool"))


def translated(case, names=()):
    """The case as we read it, and the text behind each name that was put into it now or before (`names`)."""
    translator = _Translator(names)
    changed = dict(case)
    if "expand" in case:
        key, value = case["expand"].split("=", 1)
        changed["expand"] = key + "=" + translator.text(value, False)
    else:
        changed["files"] = {name: translator.text(text, True) for name, text in case["files"].items()}
        changed["overrides"] = [key + equals + translator.text(value, False) if equals else key
                                for key, equals, value in (word.partition("=") for word in case["overrides"])]
    return changed, translator.names


def with_other_keys(case):
    """The case with 1, 1.0, true, ... as words where they are keys of maps."""
    translator = _Translator()
    pattern = re.compile(r"(?<=[{,\s])(-?[0-9]+\.?[0-9]*|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])(?=\s*:)")

    def name(match):
        value = our_reading(match.group(1))
        return translator.name(oracle._key(value) if not isinstance(value, str) else value)
    changed = dict(case)
    if "expand" in case:
        changed["expand"] = pattern.sub(name, case["expand"])
    else:
        changed["files"] = {file: pattern.sub(name, text) for file, text in case["files"].items()}
        changed["overrides"] = [pattern.sub(name, word) for word in case["overrides"]]
    return changed, translator.names


def renamed(answer, names):
    """The answer with the text of each name in its place."""
    def text(value):
        return re.sub(r"Q[0-9]+z", lambda match: names.get(match.group(), match.group()), value)

    def walk(value):
        if isinstance(value, dict):
            return {text(key): walk(each) for key, each in value.items()}
        if isinstance(value, list):
            return [walk(each) for each in value]
        return text(value) if isinstance(value, str) else value
    return {key: each if key in ("error", "detail", "stage") else walk(each) for key, each in answer.items()}

"""Which line of ../testdata/intended_differences.txt a case shows, or none.

Each function sees a case, our answer and Hydra's, which differ, and says whether its line covers that.
"""

import re

LINES = {}


def line(name):
    def add(function):
        LINES[name] = function
        return function
    return add


def _text(case):
    return "\n".join([case.get("expand", "")] + list(case.get("files", {}).values()) + case.get("overrides", []))


def _words(text):
    return [word.strip() for word in re.split(r"[,\[\]{}()\n]|: |:(?=[\s\[{'\"])|=|^- |\s#", text)]


_TWO_READINGS = re.compile(
    r"[-+]?(inf|infinity|nan)|[-+]?\.(inf|nan)|[-+]?0[0-9_]+|0[xob][0-9a-f_]+|yes|no|on|off|[-+]?[0-9_]*[0-9]:[0-9:_.]+"
    r"|[-+]?[0-9_]*\.[0-9_]*(e[-+]?[0-9]+)?|[-+]?[0-9][0-9_]*_[0-9_.]*(e[-+]?[0-9]+)?|true|false|null|~|=|[-+]?[0-9]{19,}"
    r"|[-+]?[0-9]+e[-+]?[0-9]+", re.I)


def _ambiguous_scalars(text):
    """Words that the two scalar tables read differently."""
    found = []
    for word in _words(text):
        piece = word.strip().strip("'\"")
        for each in [piece] + piece.split():
            if _TWO_READINGS.fullmatch(each) and each not in ("true", "True", "TRUE", "false", "False", "FALSE", "null",
                                                             "Null", "NULL"):
                found.append(each)
    return found


@line("self")
def _self(case, ours, theirs):
    return ours.get("error") == "ambiguous" and "add _self_" in ours["message"]


@line("list_item_removed")
def _item_removed(case, ours, theirs):
    return "list indices must be integers or slices" in theirs.get("detail", "")


@line("crash")
def _crash(case, ours, theirs):
    return theirs.get("error") == "other" and "error" in ours


@line("null_option")
def _null_option(case, ours, theirs):
    return "must be a string or a list. Got NoneType" in theirs.get("detail", "")


@line("typed_option")
def _typed_option(case, ours, theirs):
    return bool(re.search(r"must be a string or a list. Got (int|float|bool)", theirs.get("detail", "")))


@line("empty_sweep")
def _empty_sweep(case, ours, theirs):
    return theirs.get("words") == [] and "error" in ours or "shuffle: needs" in ours.get("message", "")


@line("sweep_in_container")
def _sweep_in_container(case, ours, theirs):
    return "a sweep inside a" in ours.get("message", "")


@line("lone_word")
def _lone_word(case, ours, theirs):
    return "got the lone word" in ours.get("message", "")


@line("integers")
def _integers(case, ours, theirs):
    return "needs more than 64 bits" in ours.get("message", "")


@line("python_keys")
def _python_keys(case, ours, theirs):
    """1, 1.0 and true are one key to Python, and three to us."""
    keys = re.findall(r"(?:^|[{,\n])\s*(1|1\.0|1\.|true|True|TRUE|tRuE|0|false|FALSE|0\.0|-0\.0)\s*:", _text(case), re.M)
    return len({key.lower() for key in keys}) > 1


@line("shuffle")
def _shuffle(case, ours, theirs):
    return "shuffle" in _text(case) and ("words" in ours) == ("words" in theirs) and ("ok" in ours) == ("ok" in theirs) \
        and ours.get("error") == theirs.get("error")


def _plain_text(value):
    """A value inside text as each side spells it, brought to one form."""
    if isinstance(value, dict):
        return {key: _plain_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain_text(each) for each in value]
    if not isinstance(value, str):
        return value
    text = re.sub(r"None|null", "N", value)
    text = re.sub(r"[Tt]rue", "T", text)
    text = re.sub(r"[Ff]alse", "F", text)
    text = re.sub(r"-?\.?\binf\b|\.?\bnan\b", "I", text)
    return re.sub(r"\$\{[^}]*\}|['\"{}\[\]\s]|two|one|word|[0-9.e-]", "", text) if re.search(r"[\[{]", text) else text


@line("text")
def _text_spelling(case, ours, theirs):
    return "ok" in ours and "ok" in theirs and "${" in _text(case) and _plain_text(ours["ok"]) == _plain_text(theirs["ok"])


@line("sweep_text")
def _sweep_text(case, ours, theirs):
    """What a sweep writes reads back as the same value; Hydra drops the quotes of str(...) and more."""
    return "words" in ours and "words" in theirs and len(ours["words"]) == len(theirs["words"]) \
        and re.search(r"str\s*\(|\?\?\?|sort|null|['\"\\$]", case["expand"]) is not None


@line("scalars")
def _scalars(case, ours, theirs):
    return bool(_ambiguous_scalars(_text(case)))


@line("several_mistakes")
def _several_mistakes(case, ours, theirs):
    """Both refuse; which of several mistakes is named first is not part of the language."""
    return "error" in ours and "error" in theirs and (len(case.get("overrides", [])) > 1 or case["kind"] in ("tree", "sweep"))


def line_of(case, ours, theirs):
    for name, covers in LINES.items():
        if covers(case, ours, theirs):
            return name
    return None

"""Which line of ../testdata/intended_differences.txt a case shows, or none.

Each function sees a case, our answer and Hydra's, which differ, and says whether its line covers that. A line that
is about how something is read or written is checked by saying the same to Hydra in words that both read alike
(`translated`), or by letting Hydra write as we do (`oracle.spelled`): then the answers must agree.
"""

import json
import re

import oracle
import reductions
import scalar_tables
from agreement import agrees, same

LINES = {}


def line(name):
    def add(function):
        LINES[name] = function
        return function
    return add


def _hydra_agrees(ours, case, ask):
    """Hydra gives our answer, whichever way it writes text, with the keys of the case or others for 1, 1.0 and true."""
    changed, names = scalar_tables.with_other_keys(case)
    return any(agrees(ours, ask.hydra(case, spelled=spelled)) or
               names and agrees(ours, scalar_tables.renamed(ask.hydra(changed, spelled=spelled), names))
               for spelled in (False, True))


def _text(case):
    return "\n".join([case.get("expand", "")] + list(case.get("files", {}).values()) + case.get("overrides", []))


@line("self")
def _self(case, ours, theirs, ask):
    return ours.get("error") == "ambiguous" and "add _self_" in ours["message"]


@line("list_item_removed")
def _item_removed(case, ours, theirs, ask):
    return "list indices must be integers or slices" in theirs.get("detail", "")


@line("crash")
def _crash(case, ours, theirs, ask):
    is_pythons = theirs.get("error") == "other" or "TypeError raised while resolving" in theirs.get("detail", "")
    return is_pythons and "error" in ours


@line("nothing_chosen")
def _nothing_chosen(case, ours, theirs, ask):
    return "nothing is chosen for group" in ours.get("message", "")


@line("root_values")
def _root_values(case, ours, theirs, ask):
    is_root = re.search(r"oc\.dict\.values: *(''''|''|\"\")", _text(case))
    return ours.get("error") == "cycle" and is_root is not None


@line("null_option")
def _null_option(case, ours, theirs, ask):
    return "must be a string or a list. Got NoneType" in theirs.get("detail", "")


@line("typed_option")
def _typed_option(case, ours, theirs, ask):
    return bool(re.search(r"must be a string or a list. Got (int|float|bool)", theirs.get("detail", "")))


@line("empty_sweep")
def _empty_sweep(case, ours, theirs, ask):
    return theirs.get("words") == [] and "without a single value" in ours.get("message", "") \
        or "shuffle: needs" in ours.get("message", "")


@line("sweep_in_container")
def _sweep_in_container(case, ours, theirs, ask):
    return "a sweep inside a" in ours.get("message", "")


@line("list_and_sweep")
def _list_and_sweep(case, ours, theirs, ask):
    return "list and sweep at once" in ours.get("message", "")


@line("lone_word")
def _lone_word(case, ours, theirs, ask):
    return "got the lone word" in ours.get("message", "")


@line("anchor_name")
def _anchor_name(case, ours, theirs, ask):
    """We say so, or give Hydra's answer to the text with the space that ends the name."""
    files = {name: re.sub(r"(&[\w-]+)(?=[?:,\]}%@`])", r"\1 ", text) for name, text in case.get("files", {}).items()}
    return "the name of an anchor is made of" in ours.get("message", "") or \
        files != case.get("files", {}) and agrees(ask.program({**case, "files": files}), theirs)


@line("integers")
def _integers(case, ours, theirs, ask):
    return "needs more than 64 bits" in ours.get("message", "")


@line("typed_key_twice")
def _typed_key_twice(case, ours, theirs, ask):
    twice = re.match(r"(\S+): the key stands twice", ours.get("message", ""))
    return twice is not None and not isinstance(scalar_tables.our_reading(twice.group(1)), str)


@line("keyword")
def _keyword(case, ours, theirs, ask):
    return ": unknown keyword" in ours.get("message", "")


@line("package_keywords")
def _package_keywords(case, ours, theirs, ask):
    return re.search(r"the keywords are _here_ \(alone\)|one of its parts is empty", ours.get("message", "")) is not None


@line("integer_key")
def _integer_key(case, ours, theirs, ask):
    return "ok" in ours and "is used to denote a config key" in theirs.get("detail", "")


@line("removed_sweep")
def _removed_sweep(case, ours, theirs, ask):
    return "a removal cannot be swept" in ours.get("message", "")


@line("number_arguments")
def _number_arguments(case, ours, theirs, ask):
    return re.search(r"(range|interval): expected", ours.get("message", "")) is not None and "error" not in theirs


@line("tags")
def _tags(case, ours, theirs, ask):
    return re.search(r"tag does not fit|an unknown tag|this tag is not supported|'%' cannot start a line",
                     ours.get("message", "")) is not None


@line("surrogates")
def _surrogates(case, ours, theirs, ask):
    return "invalid unicode" in ours.get("message", "")


def _numbers(words):
    values = _read(oracle.meaning, words)
    is_list = isinstance(values, list) and all(type(each) in (int, float) for each in values)
    return values if is_list else None


@line("float_range")
def _float_range(case, ours, theirs, ask):
    """Our numbers are Hydra's without the errors that summing has left, nor the one that they let in at the end."""
    mine, other = _numbers(ours.get("words", [])), _numbers(theirs.get("words", []))
    if "range(" not in case.get("expand", "") or not mine or not other:
        return False
    return any([round(each, 12) for each in other[:count]] == mine for count in (len(other), len(other) - 1))


@line("sorted_range")
def _sorted_range(case, ours, theirs, ask):
    """Our numbers are those of the range, in order."""
    inner = re.search(r"range\([^()]*\)", case.get("expand", ""))
    if not inner or "sort" not in case["expand"] or "words" not in ours:
        return False
    unsorted = _numbers(ask.program({**case, "expand": "k=" + inner.group()}).get("words", []))
    return unsorted is not None and sorted(unsorted) == sorted(_numbers(ours["words"]) or [])


@line("dotted_values")
def _dotted_values(case, ours, theirs, ask):
    return "ok" in ours and theirs.get("stage") == "resolve" and "oc.dict.values" in _text(case) and \
        re.search(r"[^\s{,:]*[. [][^\s{,:]*['\"]?:", _text(case)) is not None


@line("flow_marks")
def _flow_marks(case, ours, theirs, ask):
    """We give Hydra's answer to the text with spaces and colons where YAML 1.2 wants them."""
    if "a key is missing before" in ours.get("message", ""):
        return "ok" in theirs
    def spelled_out(text):
        text = re.sub(r"(?<=[\w'\"]):(?=[\[{'\"])", ": ", text)
        text = re.sub(r"([{,]\s*[\w.-]+)\s*\n\s*(?=[},])", r"\1: ", text)
        return re.sub(r"(?<=[{,\[])(\s*)\?(?=\w)", r"\1", text)
    changed = {**case, "files": {name: spelled_out(text) for name, text in case.get("files", {}).items()}}
    return changed != case and ours.get("error") == "syntax" and agrees(ask.hydra(changed), theirs) and \
        _hydra_agrees(ask.program(changed), changed, ask)


@line("anchored_text")
def _anchored_text(case, ours, theirs, ask):
    return "behind an anchor or tag in a list" in ours.get("message", "")


@line("line_breaks")
def _line_breaks(case, ours, theirs, ask):
    return "a line break of Unicode's" in ours.get("message", "")


@line("slash")
def _slash(case, ours, theirs, ask):
    """Hydra gives our answer to 'a/b: c' where 'a: b/c' stands."""
    if "'..' is not supported" in ours.get("message", ""):
        return True
    entry = re.compile(r"^(\s*- (?:optional )?)([\w/]+)(@\S+)?: '?([\w/]+)/([\w.]+)'?$", re.M)
    files = {name: entry.sub(r"\1\2/\4\3: \5", text) for name, text in case.get("files", {}).items()}
    return files != case.get("files", {}) and _hydra_agrees(ours, {**case, "files": files}, ask)


@line("leak")
def _leak(case, ours, theirs, ask):
    """Hydra gives our answer where a config that is listed twice is two files."""
    if "ok" not in ours or "ok" not in theirs:
        return False
    for name, text in case.get("files", {}).items():
        for other in case["files"]:
            word = other.rpartition("/")[2].removesuffix(".yaml")
            for entry in re.finditer(rf"(?<=[\s/]){word}(?=[\s@]|$)", text):
                copy = text[:entry.start()] + "copied" + text[entry.end():]
                files = {**case["files"], other.removesuffix(word + ".yaml") + "copied.yaml": case["files"][other]}
                changed = {**case, "files": {**files, name: copy}}
                if _hydra_agrees(ours, changed, ask):
                    return True
    return False


@line("repeated_key")
def _repeated_key(case, ours, theirs, ask):
    return "AssertionError while evaluating" in theirs.get("detail", "") and "error" not in ours


@line("override_last")
def _override_last(case, ours, theirs, ask):
    """Hydra gives our answer where an earlier override is left out."""
    for name, text in case.get("files", {}).items():
        for entry in re.finditer(r"^\s*- (optional )?override .*\n", text, re.M):
            files = {**case["files"], name: text[:entry.start()] + text[entry.end():]}
            if "override " in text[entry.end():] and _hydra_agrees(ours, {**case, "files": files}, ask):
                return True
    return False


@line("interpolated_order")
def _interpolated_order(case, ours, theirs, ask):
    """Hydra gives our answer once the choice stands where it cannot look it up yet."""
    reference = re.search(r"Error resolving interpolation '([^']*)'", theirs.get("detail", ""))
    options = dict.fromkeys(re.findall(r"\w+", _text(case))) if reference else ()
    for option in options:
        chosen = re.sub(r"\$\{[^}]*\}", option, reference.group(1))
        files = {name: text.replace(reference.group(1), chosen) for name, text in case["files"].items()}
        words = [word.replace(reference.group(1), chosen) for word in case["overrides"]]
        if _hydra_agrees(ours, {**case, "files": files, "overrides": words}, ask):
            return True
    return False


@line("cycle_in_override")
def _cycle_in_override(case, ours, theirs, ask):
    is_parents = "Interpolation to parent node detected" in theirs.get("detail", "")
    return is_parents and theirs.get("error") == "bad_value" and ours.get("error") in (None, "cycle")


@line("created")
def _created(case, ours, theirs, ask):
    """Hydra gives our values where the relative path in the map is an absolute one."""
    if "ok" not in ours or "oc.create:" not in _text(case):
        return False
    for path in re.findall(r"\$\{\.+(\w+)\}", _text(case)):
        for above in dict.fromkeys(re.findall(r"\w+", _text(case))):
            changed = {**case, "files": {name: re.sub(r"\$\{\.+" + path + r"\}", f"${{{above}.{path}}}", text)
                                         for name, text in case["files"].items()}}
            if any(same(ours["ok"], ask.hydra(changed, spelled=spelled).get("ok")) for spelled in (False, True)):
                return True
    return False


@line("missing_over_reference")
def _missing_over_reference(case, ours, theirs, ask):
    """Hydra gives our answer where the ??? that changes nothing is left out."""
    for name, text in case.get("files", {}).items():
        for missing in re.finditer(r"^\w+: \?\?\?\n", text, re.M):
            files = {**case["files"], name: text[:missing.start()] + text[missing.end():]}
            if _hydra_agrees(ours, {**case, "files": files}, ask):
                return True
    return False


@line("python_keys")
def _python_keys(case, ours, theirs, ask):
    """1, 1.0 and true are one key to Python, and three to us: Hydra agrees where they are other words."""
    changed, names = scalar_tables.with_other_keys(case)
    if not names:
        return False
    if agrees(ours, scalar_tables.renamed(ask.hydra(changed), names)):
        return True
    changed, names = scalar_tables.translated(changed, names)  # where a scalar differs beside them
    return not _scalars(case, ours, theirs, ask) and agrees(ours, scalar_tables.renamed(ask.hydra(changed), names))


def _read(reader, text):
    """What Hydra reads there, or its complaint, which equals nothing."""
    try:
        return reader(text)
    except Exception as complaint:  # noqa: BLE001
        return complaint


def _in_one_order(value):
    if isinstance(value, dict):
        return {key: _in_one_order(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted((_in_one_order(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


@line("shuffle")
def _shuffle(case, ours, theirs, ask):
    """The same values in another order."""
    if "shuffle" not in _text(case):
        return False
    if "words" in ours and "words" in theirs:
        return same(_in_one_order(_read(oracle.meaning, ours["words"])), _in_one_order(_read(oracle.meaning, theirs["words"])))
    return "ok" in ours and "ok" in theirs and same(_in_one_order(ours["ok"]), _in_one_order(theirs["ok"]))


@line("text")
def _text_spelling(case, ours, theirs, ask):
    """Hydra gives our answer once it writes null, true, .inf and lists inside text as YAML does."""
    readable = "ok" in ours or ours.get("error") == "cycle"  # a value that is written out inside itself
    return readable and "${" in _text(case) and agrees(ours, ask.hydra(case, spelled=True))


@line("sweep_text")
def _sweep_text(case, ours, theirs, ask):
    """Our words read back as the values that Hydra's sweep holds, which its own words do not."""
    if "words" not in ours or "words" not in theirs:
        return False
    ordered = _in_one_order if "shuffle" in case["expand"] else lambda value: value
    values = ordered(_read(oracle.values, case["expand"]))
    our_values, their_values = (ordered(_read(oracle.meaning, each["words"])) for each in (ours, theirs))
    return same(our_values, values) and not same(their_values, values)


@line("scalars")
def _scalars(case, ours, theirs, ask):
    """Hydra gives our answer once words that the two tables read differently are written as we read them."""
    if re.search(r"tag:yaml.org,2002:(value|merge)'", theirs.get("detail", "")):  # = and << alone
        return "ok" in ours
    changed, names = scalar_tables.translated(case)
    if changed == case:
        return False
    answer = scalar_tables.renamed(ask.hydra(changed), names)
    if ours.get("words") == [case.get("expand")]:  # no sweep: the word as it is
        return answer.get("words") == [changed["expand"]]
    return agrees(ours, answer) or _shuffle(case, ours, answer, ask) or _sweep_text(changed, ours, answer, ask) or \
        agrees(ours, scalar_tables.renamed(ask.hydra(changed, spelled=True), names))


@line("several_mistakes")
def _several_mistakes(case, ours, theirs, ask):
    """Both refuse, and each finds the other's mistake too once something else of the case is left out."""
    if "error" not in ours or "error" not in theirs:
        return False
    return _finds(case, ask.program, _our_complaint, ask.hydra, _their_complaint, ours) and \
        _finds(case, ask.hydra, _their_complaint, ask.program, _our_complaint, theirs)


def _without_words(case, text):
    """A complaint without the names that it is about."""
    for word in case.get("overrides", []):
        text = text.replace(word, "a word")
    return re.sub(r"\S*[/@.$'\"{}\[\]0-9]\S*", "a name", text)


def _our_complaint(case, answer):
    return answer.get("error"), _without_words(case, answer.get("message", "").split(";")[0])


def _their_complaint(case, answer):
    return answer.get("error"), _without_words(case, answer.get("detail", "").split("\n")[0])


def _finds(case, one, one_complaint, other, other_complaint, answer):
    """Whether `other` makes the complaint of `one`, once what it complains of first is taken out piece by piece, while
    `one` still complains as it did."""
    return any(_finds_among(smaller, case, one, one_complaint, other, other_complaint, answer)
               for smaller in (reductions.coarse, reductions.of))


def _finds_among(smaller_cases, case, one, one_complaint, other, other_complaint, answer):
    kept = one_complaint(case, answer)
    seen, fresh, stale = {other_complaint(case, other(case))}, [], []  # smaller cases: other complaints first
    tried, turn = set(), smaller_cases(case)
    for _ in range(3000):
        smaller = next(turn, None)
        if smaller is None:
            if not fresh and not stale:
                return False
            turn = smaller_cases(fresh.pop() if fresh else stale.pop(0))
            continue
        text = json.dumps(smaller)
        if text in tried or one_complaint(smaller, one(smaller)) != kept:
            continue
        tried.add(text)
        complaint = other_complaint(smaller, other(smaller))
        if complaint[0] == kept[0]:
            return True
        if complaint[0] is not None:
            (stale if complaint in seen else fresh).append(smaller)
            seen.add(complaint)
    return False


def line_of(case, ours, theirs, ask):
    for name, covers in LINES.items():
        if covers(case, ours, theirs, ask):
            return name
    return None

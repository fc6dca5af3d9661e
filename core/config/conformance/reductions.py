"""Smaller cases: what is left of one when a word, a line, a file or a piece of a value is taken out."""

import itertools


def _spans(text, quotes):
    """Every element between commas, at every depth of brackets, as (begin, end), with the call or container that holds
    it; `quotes`: only outside quotes."""
    open_, found, quote = [(0, [0])], [], ""
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote and text[i - 1] != "\\" else quote
        elif quotes and c in "'\"":
            quote = c
        elif c in "([{":
            open_.append((i - (text[i - 1:i + 1] == "${"), [i + 1]))
        elif c == "," or (c in ")]}" and len(open_) > 1):
            begin, starts = open_[-1]
            starts.append(i + 1)
            if c != ",":
                found += [(a, b - 1, begin, i + 1) for a, b in zip(starts, starts[1:])]
                open_.pop()
    starts = open_[0][1] + [len(text) + 1]
    return found + [(a, b - 1, 0, len(text)) for a, b in zip(starts, starts[1:])]


def _values(text):
    for begin, end, outer, outer_end in dict.fromkeys(_spans(text, True) + _spans(text, False)):
        yield text[:begin] + "1" + text[end:]
        key, colon, value = text[begin:end].partition(":")
        if colon and value:
            yield text[:begin] + "key" + colon + value + text[end:]
            yield text[:begin] + key + colon + "1" + text[end:]
        if text[begin - 1:begin] == ",":
            yield text[:begin - 1] + text[end:]
        elif text[end:end + 1] == ",":
            yield text[:begin] + text[end + 1:]
        if outer > 0:
            yield text[:outer] + text[begin:end].strip() + text[outer_end:]


def _word_values(word):
    key, equals, value = word.partition("=")
    return (key + equals + each for each in _values(value)) if equals else ()


def coarse(case):
    """Without a whole word, line or file."""
    words, files = case.get("overrides", []), case.get("files", {})
    for i in range(len(words)):
        yield {**case, "overrides": words[:i] + words[i + 1:]}
    for name, text in files.items():
        lines = text.split("\n")
        for i, each in enumerate(lines):
            if each:
                yield {**case, "files": {**files, name: "\n".join(lines[:i] + lines[i + 1:])}}
    for name in files:
        if name != "config.yaml":
            yield {**case, "files": {other: text for other, text in files.items() if other != name}}
            yield {**case, "files": {**files, name: ""}}


def of(case):
    """Without a word, line, file, or piece of a value."""
    if "expand" in case:
        for word in _word_values(case["expand"]):
            yield {**case, "expand": word}
        return
    yield from coarse(case)
    words, files = case["overrides"], case["files"]
    for i, word in enumerate(words):
        for smaller in _word_values(word):
            yield {**case, "overrides": words[:i] + [smaller] + words[i + 1:]}
    for name, text in files.items():
        lines = text.split("\n")
        for i, each in enumerate(lines):
            for smaller in itertools.islice(_values(each), 20):
                yield {**case, "files": {**files, name: "\n".join(lines[:i] + [smaller] + lines[i + 1:])}}

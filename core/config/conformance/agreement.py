"""When two answers to one case are the same."""

import oracle


def same(ours, theirs):
    """Equal values of equal types; the order of keys is free."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(value, theirs[key]) for key, value in ours.items())
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs


def agrees(ours, theirs):
    if "words" in theirs or "words" in ours:
        if "words" not in ours or "words" not in theirs:
            return False
        try:
            return ours["words"] == theirs["words"] or \
                same(oracle.meaning(ours["words"]), oracle.meaning(theirs["words"]))
        except Exception:  # noqa: BLE001: words that Hydra itself cannot read
            return False
    if "error" in theirs or "error" in ours:
        return ours.get("error") == theirs.get("error")
    return same(ours["ok"], theirs["ok"]) and same(ours["unresolved"], theirs["unresolved"])

"""Hydra's answer to one case: the config it composes, or the kind of its refusal.

Only the user's tree is composed: Hydra's own `hydra/config`, which every composition carries along and which costs nine
tenths of its time, is left out of the virtual root.
"""

import contextlib
import math
import os
import re
import sys
import warnings

from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hydra.version import setbase
from omegaconf import DictConfig, ListConfig, OmegaConf, ValueNode, grammar_visitor
from omegaconf.resolvers import oc

warnings.simplefilter("ignore")


def _root_without_hydra(config_name, with_hydra):
    primary = defaults_list.ConfigDefault(path=config_name, primary=True)
    return defaults_list.DefaultsTreeNode(node=defaults_list.VirtualRoot(), children=[primary])


defaults_list._create_root = _root_without_hydra
Plugins.instance()
setbase("1.3")
_PARSER = OverridesParser.create()

# First match wins: a pattern over `ErrorClass: message`, the kind.
_KINDS = [(re.compile(pattern, re.S), kind) for pattern, kind in [
    (r"^OverrideParseException", "parsing"),
    (r"^RecursionError|Recursive interpolation|Interpolation to parent node|RecursionError raised", "cycle"),
    (r"Interpolation\w*MissingValue|MissingMandatoryValue while resolving", "missing_value"),
    (r"GrammarParseError", "syntax"),
    (r"^(InterpolationKeyError|InterpolationResolutionError|UnsupportedInterpolationType|InterpolationValidation)",
     "interpolation"),
    (r"Error resolving interpolation|interpolation.*not supported|Defaults List interpolation", "interpolation"),
    (r"Could not append to config|Multiple values for|appears more than once", "already_exists"),
    (r"^HydraException: \w+ while evaluating", "bad_value"),
    (r"Ambiguous value for argument|requires --multirun", "ambiguous"),
    (r"You must specify", "missing_value"),
    (r"^MissingConfigException", "unknown_option"),
    (r"Could not delete from config\. The value", "bad_value"),
    (r"Could not delete from config|To append to your config use \+.*", "unknown_key_or_group"),
    (r"Could not delete|Could not override|looks like a config group override", "missing_group_override"),
    (r"force-add of config groups|Incompatible key type|must be a DictConfig|raised while.composing", "bad_value"),
    (r"is defined before|Too many|Invalid defaults list|_self_@PACKAGE|Duplicate _self_", "syntax"),
    (r"Unsupported type in defaults", "syntax"),
    (r"Unsupported item value in defaults|must be a string|Config group override", "bad_value"),
    (r"Error merging override", "merging"),

    (r"^(ScannerError|ParserError|ComposerError|ConstructorError|ReaderError)", "syntax"),
    (r"expecting|no viable alternative|token recognition", "syntax"),
]]


def _kind(error):
    text = f"{type(error).__name__}: {error}"
    cause = error.__cause__
    for pattern, kind in _KINDS:
        if not pattern.search(text):
            continue
        if kind == "unknown_key_or_group":
            return "missing_group_override" if "No match in the defaults list" in text else "unknown_key"
        if kind == "merging":
            if type(cause).__name__ == "GrammarParseError":
                return "syntax"
            names = type(cause).__name__ if cause is not None else ""
            if names == "RecursionError" or "Recursi" in str(cause):
                return "cycle"
            return "unknown_key" if names in ("ConfigKeyError", "ConfigAttributeError", "ConfigIndexError") \
                or "list index out of range" in str(cause) or "out of range" in str(cause) else "bad_value"
        if kind == "parsing":
            return "bad_value" if "while evaluating" in text + str(cause) else "syntax"
        return kind
    if isinstance(cause, Exception):
        return _kind(cause)
    return "other"


def _plain(value):
    """Keys as text, infinities and NaN as words: what JSON can hold."""
    if isinstance(value, dict):
        return {_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return {"object": type(value).__name__}


_SPELLED = False  # whether values inside text are written as in YAML


@contextlib.contextmanager
def spelled(wanted=True):
    """Hydra, but for null, true, .inf, lists and maps inside text, which are written as YAML spells them."""
    global _SPELLED
    before, _SPELLED = _SPELLED, wanted
    try:
        yield
    finally:
        _SPELLED = before


def yaml_text(value):
    if isinstance(value, ValueNode):
        value = value._value()
    if isinstance(value, (DictConfig, ListConfig)):
        value = OmegaConf.to_container(value, resolve=True)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {yaml_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(yaml_text, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(_plain(value))


class _Words(type):
    def __instancecheck__(cls, value):
        return isinstance(value, str)


class _Spelling(metaclass=_Words):
    """Stands for `str` where OmegaConf puts values into text."""

    def __new__(cls, value=""):
        return yaml_text(value) if _SPELLED else str(value)


grammar_visitor.str = _Spelling
oc.str = _Spelling


def meaning(words):
    """The values of plain words, as Hydra reads them."""
    return [_plain(_PARSER.parse_override(word).value()) for word in words]


def values(word):
    """The values that a swept override holds."""
    def plain(value):
        return _plain(Override._convert_value(value))
    return [plain(value) for value in _PARSER.parse_override(word).sweep_iterator()]


def _key(key):
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _resolved(config):
    """Every value looked up; an unset ??? stays its text."""
    def node_value(container, key):
        if OmegaConf.is_missing(container, key) and not OmegaConf.is_interpolation(container, key):
            return "???"
        return walk(container[key])

    def walk(value):
        if isinstance(value, DictConfig):
            return {key: node_value(value, key) for key in value.keys()}
        if isinstance(value, ListConfig):
            return [node_value(value, i) for i in range(len(value))]
        return value
    return walk(config)


def compose(folder, primary, overrides):
    search = ConfigSearchPathImpl()
    search.append("main", f"file://{folder}")
    search.append("schema", "structured://")
    loader = ConfigLoaderImpl(config_search_path=search)
    words = _PARSER.parse_overrides(overrides=overrides)
    repository = CachingConfigRepository(loader.repository)
    loader._process_config_searchpath(primary, words, repository)
    loader.validate_sweep_overrides_legal(overrides=words, run_mode=RunMode.RUN, from_shell=False)
    listed = defaults_list.create_defaults_list(
        repo=repository, config_name=primary, overrides_list=words, prepend_hydra=True, skip_missing=False)
    config = loader._compose_config_from_defaults_list(defaults=listed.defaults, repo=repository)
    OmegaConf.set_struct(config, True)
    ConfigLoaderImpl._apply_overrides_to_config(listed.config_overrides, config)
    return config


def write_files(folder, files, written):
    """Makes `folder` hold exactly `files`; `written` is what it held before."""
    for name in written:
        os.unlink(os.path.join(folder, name))
    for root, folders, _ in os.walk(folder, topdown=False):
        for each in folders:
            os.rmdir(os.path.join(root, each))
    written.clear()
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(text)
        written.append(name)


def set_environment(variables):
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def expand(word):
    """The plain words of a swept override, or its refusal."""
    try:
        override = _PARSER.parse_override(word)
        if not override.is_sweep_override():
            return {"words": [word]}
        return {"words": [f"{override.get_key_element()}={text}" for text in override.sweep_string_iterator()]}
    except Exception as error:  # noqa: BLE001: a refusal of any class is an answer
        return {"error": _kind(error), "detail": f"{type(error).__name__}: {error}"[:300]}


def answer(case, folder, written):
    if "expand" in case:
        return expand(case["expand"])
    write_files(folder, case["files"], written)
    set_environment(case.get("env", {}))
    out = {}
    stage = "compose"
    try:
        config = compose(folder, case["primary"], case["overrides"])
        out["unresolved"] = _plain(OmegaConf.to_container(config, resolve=False))
        stage = "resolve"
        out["ok"] = _plain(_resolved(config))
    except Exception as error:  # noqa: BLE001
        out["error"] = _kind(error)
        out["stage"] = stage
        why = error.__cause__ if "Error merging override" in str(error) else error
        mark = getattr(why, "problem_mark", None)  # of YAML; two mistakes in two lines say the same otherwise
        column = f", column {mark.column}" if mark else ""
        out["detail"] = f"{type(why).__name__}: {why}".split("\n")[0][:300] + column
    return out


sys.setrecursionlimit(1000)

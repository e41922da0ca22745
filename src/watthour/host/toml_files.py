"""Reading TOML files into checked descriptions, with every refusal one line that names file and line.

In: a path and the pydantic model that says what the file may hold. Out: the model, filled. The file's bytes
come along, since their hash is what makes a simulated source the same one after a restart.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from watthour.errors import ConfigError
from watthour.host.toml_lines import KeyPath, line_of

Model = TypeVar("Model", bound=BaseModel)

_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_AT_END = " (at end of document)"
_LONGEST_SHOWN = 60


def read_toml(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ConfigError(str(path), f"cannot be read: {problem.strerror}; check the path") from None


def parse_toml(file: str, content: bytes, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Return what a TOML file holds; money is read with Decimal in place of float.

    Raises
    ------
    ConfigError
        If it is not TOML, naming the line.
    """
    try:
        return tomllib.loads(content.decode(), parse_float=parse_float)
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise ConfigError(file, "not UTF-8 text; save the file as UTF-8", line) from None
    except tomllib.TOMLDecodeError as problem:
        raise _syntax_error(file, content.decode(), str(problem)) from None


def _syntax_error(file: str, text: str, message: str) -> ConfigError:
    """Return tomllib's refusal with its line moved to the front."""
    place = _AT_LINE.search(message)
    line = int(place[1]) if place else len(text.rstrip().splitlines())
    column = f" at column {place[2]}" if place else " at the end"
    what = _AT_LINE.sub("", message).removesuffix(_AT_END)
    return ConfigError(file, f"not valid TOML{column}: {what}", max(line, 1))


def check_toml(file: str, content: bytes, model: type[Model], parse_float: Callable[[str], Any] = float) -> Model:
    """Return what a TOML file holds as the model that describes it.

    Raises
    ------
    ConfigError
        If the file is not TOML or the model refuses it; of several refusals the first is told.
    """
    tables = parse_toml(file, content, parse_float)
    try:
        return model.model_validate(tables)
    except ValidationError as refusal:
        first = _most_telling(refusal.errors(include_url=False))
        path = _path(first, tables)
        raise ConfigError(file, _problem(first, path, tables, model), line_of(content.decode(), path)) from None


def _path(error: ErrorDetails, tables: Mapping[str, Any]) -> KeyPath:
    """Return the key of a refusal as the file has it.

    pydantic names the member of a tagged union in its path, which is the value of ``kind`` and no key; of a tag that
    is missing or unknown it names the table only.
    """
    context = error.get("ctx", {})
    found: list[str | int] = []
    value: Any = tables
    before: str | int = ""
    for part in (*error["loc"], *context.get("path", ())):
        if not (isinstance(before, int) and isinstance(value, Mapping) and value.get("kind") == part):
            found.append(part)
            value = _inside(value, part)
        before = part
    return (*found, context["discriminator"].strip("'")) if "discriminator" in context else tuple(found)


def _inside(value: Any, part: str | int) -> Any:
    """Return what stands at a key or index, None where nothing does."""
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


def _most_telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """Return the first refusal; of a key that is missing beside one that is unknown, the likely slip of the pen."""
    first = errors[0]
    if first["type"] != "missing":
        return first
    beside = (error for error in errors if error["type"] == "extra_forbidden" and error["loc"][:-1] == first["loc"][:-1])
    return next(beside, first)


def _problem(error: ErrorDetails, path: KeyPath, tables: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Return one refusal in the words of the file: the key, its value, what is wrong."""
    reached, value = _written(tables, path)
    if error["type"] == "missing" and isinstance(path[-1], int):
        return f"{_name(reached[-1])} = {_shown(value)}: item {path[-1] + 1} is missing; add it"
    if error["type"] in {"extra_forbidden", "missing", "union_tag_not_found"}:
        return _wrong_key(error, path, tables, model)
    return f"{_name(reached[-1])} = {_shown(value)}: {_sentence(error)}" if reached else _sentence(error)


def _wrong_key(error: ErrorDetails, path: KeyPath, tables: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Return what is wrong with a key that is not known, or not there."""
    key, *headers = (_name(part) for part in reversed(path) if isinstance(part, str))
    table = f" in {headers[0]}" if headers else ""
    if error["type"] != "extra_forbidden":
        return f"{key} is missing{table}; add it"
    return f"unknown key {key}{table}; known: {', '.join(_known_keys(model, path, tables))}"


def _written(tables: Mapping[str, Any], path: KeyPath) -> tuple[list[str], object]:
    """Return the keys of a path as far as the file has them, and what stands there.

    pydantic lengthens a path by the member of a union that it tried; that is no key of the file.
    """
    value: Any = tables
    keys: list[str] = []
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        keys += [part] if isinstance(part, str) else []
    return keys, value


def _sentence(error: ErrorDetails) -> str:
    """Return what pydantic says without its own jargon."""
    if error["type"] == "union_tag_invalid":
        *others, last = error["ctx"]["expected_tags"].split(", ")
        return f"must be {', '.join(others)} or {last}"
    if error["type"] in {"model_type", "model_attributes_type"}:
        return "must be a table, with a header in brackets"
    return (
        error["msg"]
        .removeprefix("Value error, ")
        .replace("Input should be", "must be")
        .replace("valid tuple", "list")
        .replace(" after validation", "")
    )


def _name(key: str) -> str:
    """Return a key as TOML writes it, on one line."""
    return key if key.isprintable() else json.dumps(key)


def _shown(value: object) -> str:
    """Return a value as TOML writes it, as short as it fits on a line of an error."""
    if isinstance(value, Mapping):
        return "{...}"
    if isinstance(value, list):
        shown = f"[{', '.join(_shown(item) for item in value)}]"
    else:
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


def _known_keys(model: type[BaseModel], path: KeyPath, tables: Mapping[str, Any]) -> list[str]:
    """Return the keys that the table holding `path` may have."""
    value: Any = tables
    models = [model]
    for part in path[:-1]:
        field = _fields(_of_kind(models, value)).get(part) if isinstance(part, str) else None
        models = _models_in(field.annotation) if field else models
        value = _inside(value, part)
    return list(_fields(_of_kind(models, value)))


def _of_kind(models: list[type[BaseModel]], value: Any) -> type[BaseModel]:
    """Return the model whose ``kind`` a table names; the first where that decides nothing."""
    return next((model for model in models if _is_of_kind(model, value)), models[0])


def _is_of_kind(model: type[BaseModel], value: Any) -> bool:
    field = model.model_fields.get("kind")
    return field is not None and isinstance(value, Mapping) and value.get("kind") in get_args(field.annotation)


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return a model's fields by the names they have in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the pydantic models named anywhere in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]

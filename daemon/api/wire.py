"""
From our records to the JSON of the schemas, and the numbers that a request may name.
"""

from typing import Annotated, TypeVar, cast

from fastapi import Path
from pydantic import Field
from pydantic_core import to_jsonable_python

T = TypeVar("T")
HIGHEST_ID = 2**63 - 1  # that the store can hold
Id = Annotated[int, Field(ge=1, le=HIGHEST_ID)]
PathId = Annotated[int, Path(ge=1, le=HIGHEST_ID)]


def to_json(schema: type[T], record: object, **more: object) -> T:
    """
    A dataclass as the JSON of a schema, a TypedDict; what the schema does not name is left out.

    Args:
        more: fields that the record does not have itself, or that are sent in its place.
    """
    found = to_jsonable_python(record) | to_jsonable_python(more)
    return cast(T, {name: found[name] for name in schema.__annotations__})

"""Reads chunks of the AI SDK's UI message stream, one JSON object a line, with an implementation of it that is not ours.

Every chunk must be one of its types and come out of it again as it went in. Prints the types seen; exit status 1 for the
first chunk that is none.
"""

import json
import sys

from pydantic import ValidationError
from pydantic_ai.ui.vercel_ai import response_types


def classes():
    known = {}
    for candidate in vars(response_types).values():
        field = getattr(candidate, "model_fields", {}).get("type")
        if field is not None and isinstance(field.default, str):
            known[field.default] = candidate
    return known


def main():
    known = classes()
    seen = set()
    for number, line in enumerate(sys.stdin, 1):
        chunk = json.loads(line)
        kind = chunk["type"]
        model = response_types.DataChunk if kind.startswith("data-") else known.get(kind)
        if model is None:
            sys.exit(f"line {number}: there is no chunk of type {kind}")
        try:
            parsed = model.model_validate(chunk)
        except ValidationError as error:
            sys.exit(f"line {number}, {kind}: {error}")
        again = json.loads(parsed.model_dump_json(by_alias=True, exclude_unset=True))
        if again != chunk:
            sys.exit(f"line {number}, {kind}: {chunk} comes back as {again}")
        seen.add(kind)
    print(" ".join(sorted(seen)))


main()

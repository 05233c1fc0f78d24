"""The Python service promises what services/activity/contract says, no more and no less. Run: python -m unittest, in this folder."""

import json
import unittest
from pathlib import Path
from typing import Any

from activity import events, routes

CONTRACT = Path(__file__).parents[2] / "services/activity/contract"


def form_of(schema: Any, document: Any) -> Any:
    """What of a schema two generators have to agree on: names, types, formats of texts and words; null is told apart by none."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return form_of(document["components"]["schemas"][name], document)
    choices = [it for it in schema.get("anyOf") or schema.get("oneOf") or () if it != {"type": "null"}]
    if choices:
        return form_of(choices[0], document)
    types = schema.get("type", [])
    (kind, *_) = [it for it in ([types] if isinstance(types, str) else types) if it != "null"] or ["any"]
    if kind == "object":
        return {name: form_of(it, document) for name, it in schema["properties"].items()}
    if kind == "array":
        return [form_of(schema["items"], document)]
    return kind, schema.get("format") if kind == "string" else None, tuple(schema.get("enum", ()))


def promises(document: Any) -> dict[str, Any]:
    """By operation: who may call it, its parameters, and its answers."""
    found = {}
    for path, operations in document["paths"].items():
        for method, it in operations.items():
            parameters = {
                (parameter["in"], parameter["name"], parameter["required"]): form_of(parameter["schema"], document)
                for parameter in it.get("parameters", ())
            }
            answers = {
                (status, media): form_of(content["schema"], document)
                for status, answer in it["responses"].items()
                for media, content in answer.get("content", {None: {"schema": {}}}).items()
            }
            found[f"{method.upper()} {path}"] = {"security": it["security"], "parameters": parameters, "answers": answers}
    return found


class Contract(unittest.TestCase):
    maxDiff = None

    def test_both_openapi_documents_promise_the_same(self) -> None:
        ours = json.loads(json.dumps(routes.openapi()))
        contract = json.loads((CONTRACT / "openapi.json").read_text())
        self.assertEqual(promises(ours), promises(contract))

    def test_both_take_the_same_topics(self) -> None:
        uses = json.loads((CONTRACT / "uses.json").read_text())
        self.assertEqual(sorted(events.CONSUMED), sorted(uses["consumes"]))


if __name__ == "__main__":
    unittest.main()

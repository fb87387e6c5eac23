# SPDX-License-Identifier: Apache-2.0
"""An action that notes what it is given, a line of JSON each."""
import json

import millrace

plugin = millrace.Plugin("note", version="1.0", summary="Notes what it is given.")


@plugin.action(
    "note",
    summary="Appends a line of JSON to a file.",
    settings=[
        millrace.Setting("file", "string", "where to", required=True),
        millrace.Setting("feature", "string", "what it is about", default=""),
        millrace.Setting("value", "any", "what to note"),
    ],
)
async def note(call):
    with open(call.settings["file"], "a", encoding="utf-8") as out:
        out.write(json.dumps({"feature": call.settings["feature"], "value": call.settings["value"]}) + "\n")

"""Records what Jinja2 for Python makes of the cases in which @huggingface/jinja fails for its own limits.

Usage: python3 record.py   (Jinja2 3.1; run record.mjs first)
Writes recorded-jinja2.json beside this file: for each case that recorded.json marks "failed", by template and place in its list.
The environment is that of transformers' apply_chat_template. The clock stands at 2024-07-04T09:05:00Z.
"""
import datetime
import json
import pathlib
import re

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2024, 7, 4, 9, 5)


class Raised(Exception):
    pass


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def raise_exception(message=""):
    raise Raised(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = NOW.strftime


def render(source, values):
    try:
        output = environment.from_string(source).render(**json.loads(json.dumps(values)))
        return {"output": re.sub(" at 0x[0-9a-f]+>", ">", output)}
    except Raised as error:
        return {"raised": str(error)}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}


recorded = json.loads((HERE / "recorded.json").read_text())
chats = {chat.pop("name"): chat for chat in json.loads((HERE / "chats.json").read_text())}
templates = {}
for name, cases in recorded["templates"].items():
    source = (HERE / f"{name}.jinja").read_text()
    templates[name] = [
        {"index": index, **render(source, {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": case["add_generation_prompt"], **chats[case["chat"]]})}
        for index, case in enumerate(cases)
        if "failed" in case
    ]
values = json.loads((HERE / "snippets.json").read_text())["values"]
snippets = [
    {"index": index, "template": case["template"], **render(case["template"], values)}
    for index, case in enumerate(recorded["snippets"])
    if "failed" in case
]


def rows(cases):
    return "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]"


parts = ",\n".join(f"{json.dumps(name)}: {rows(cases)}" for name, cases in templates.items() if cases)
(HERE / "recorded-jinja2.json").write_text(f'{{\n"templates": {{\n{parts}\n}},\n"snippets": {rows(snippets)}\n}}\n')

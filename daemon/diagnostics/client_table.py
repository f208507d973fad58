"""
The programs that can talk to Tsubasa, for people: `docs/clients.md`, made of the table that `doctor` looks into.

    python -m daemon.diagnostics.client_table > docs/clients.md
"""

import sys
import tomllib
from importlib.resources import files
from typing import Any

URL, KEY, PROGRAM = "http://127.0.0.1:4141", "~/.tsubasa/api_key", "/the/path/of/tsubasa"
INTRODUCTION = """\
# Clients

Whatever speaks OpenAI's, Anthropic's or Ollama's API talks to Tsubasa: give it the address, the key and a model's name.
`tsubasa doctor` finds the programs that are on your machine, and prints their lines with your own address and key.

| a client of | base URL | key |
|---|---|---|
| OpenAI (chat, completions, embeddings, responses) | `{url}/v1` | the content of `{key}` |
| Anthropic (messages) | `{url}` | the same, as `x-api-key` or `Bearer` |
| Ollama (`/api`) | `{url}` | the same, as the header `Authorization: Bearer KEY` |

The model is `tsubasa`. Under any other name an answer is off the record: nothing is kept, and no memory is used.
Where a program insists on names of its own, allow these with the setting `aliases`.
Other models, of the setting `models`, are asked for by the names of their files, as `/v1/models` lists them.

- Tools are called by models whose template knows tools; others answer in words. What tools tell is never taken for
  something that you said.
- Without a limit an answer may go on to the end of the context; `max_tokens` in config.toml sets another.
- Who names a temperature, or another way of choosing words, gets neutral values beside it, as OpenAI's; who names
  none gets ours.
- Token ids, as some programs send them to be embedded, are read as those of `POST /tokenize`.
"""


LIBRARIES = """\
## Libraries

```python
key = pathlib.Path("{key}").expanduser().read_text().strip()
```
"""


def table() -> dict[str, Any]:
    """What stands in `clients.toml`: programs under "client", and libraries under "library"."""
    return tomllib.loads((files("daemon.diagnostics") / "clients.toml").read_text(encoding="utf-8"))


def markdown() -> str:
    """`docs/clients.md`."""
    found = table()
    parts = [INTRODUCTION.format(url=URL, key=KEY)]
    sections = ((LIBRARIES.format(key=KEY), "library", "python"), ("## Programs\n", "client", "text"))
    for title, key, language in sections:
        parts.append(title)
        for one in found[key]:
            line = one["line"].format(url=URL, key=KEY, tsubasa=PROGRAM).strip()
            parts.append(f"**{one['name']}**\n\n```{language}\n{line}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(markdown())

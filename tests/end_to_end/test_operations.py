"""Whatever a client does, in whatever order: the promises hold, in virtual time and over a socket."""

from __future__ import annotations

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.end_to_end.callers import request_tasks, serving
from tests.end_to_end.operations import AGENTS, LONGEST_S, OPERATIONS, Op, Promises, Temper, make_agent
from tests.end_to_end.wire import open_wire
from tests.talk import SPOKEN, WRITTEN, open_talk
from voxint.testing.stages import ScriptedEars, ScriptedModel, ScriptedVoice


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tempers=AGENTS, operations=OPERATIONS, spoken=st.booleans(), leaves=st.booleans())
def test_any_operations(tempers: list[Temper], operations: list[Op], spoken: bool, leaves: bool) -> None:
    """Requests end once, INTERRUPTs are answered once and truly, and the dialogue is what was read; no task is left."""

    async def main() -> None:
        agent = make_agent(tempers)
        async with open_talk(agent) as talk:
            talk.register(SPOKEN if spoken else WRITTEN)
            promises = Promises(talk, exact=True)
            for op in operations:
                if op.verb == "wait":
                    await trio.sleep(op.amount / 8)
                if not op.at_once or promises.knows(promises.request_id(op)):
                    await wait_all_tasks_blocked()
                promises.do(op)
            if leaves:
                talk.stop_reading()
                await wait_all_tasks_blocked()
                talk.connection.lost()
                await trio.sleep(3)
            else:
                await trio.sleep(LONGEST_S)
                promises.ended()
                promises.remembered(talk.history)
            for stage in (agent.stt, agent.llm, agent.tts):
                assert isinstance(stage, ScriptedEars | ScriptedModel | ScriptedVoice)
                assert stage.running == 0

    trio.run(main, clock=MockClock(autojump_threshold=0))


TEMPO = 1 / 16
"""Of the real clock: a second of the operations takes so much of one."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tempers=AGENTS, operations=OPERATIONS, spoken=st.booleans())
def test_any_operations_over_a_socket(tempers: list[Temper], operations: list[Op], spoken: bool) -> None:
    """The same over a WebSocket and on the real clock, where nobody knows who is first."""

    async def main() -> None:
        agent = make_agent(tempers, TEMPO)
        with trio.fail_after(30):
            async with serving(agent) as server, open_wire(server.url) as wire:
                wire.register(SPOKEN if spoken else WRITTEN)
                await wire.until(lambda: wire.session_id is not None)
                promises = Promises(wire, exact=False)
                for op in operations:
                    if op.verb == "wait":
                        await trio.sleep(TEMPO * op.amount / 8)
                    elif not op.at_once:
                        await trio.lowlevel.checkpoint()
                    promises.do(op)
                promises.do(Op("interrupt all"))
                await wire.until(promises.settled)
                promises.ended()
            assert request_tasks() == []

    trio.run(main)

"""A caller who talks is interrupted, by the library's door: the receipt says that the recogniser is closed."""

from __future__ import annotations

import trio

from tests.needs import needs_moonshine
from tests.providers.recordings import readings, share_of_errors
from voxint.core.agent import Agent
from voxint.core.conversation import open_conversation
from voxint.core.events import Understood
from voxint.providers.moonshine import Moonshine
from voxint.testing.stages import ScriptedModel

pytestmark = needs_moonshine


async def test_the_receipt_says_closed() -> None:
    """Interrupted while it computes, for four callers at once: the acknowledgement comes when it has let go."""
    sound, words = readings()[0]
    async with Moonshine(seats=10) as stt:
        agent = Agent(llm=ScriptedModel("Yes."), stt=stt)

        async def interrupted(after_s: float) -> None:
            async with open_conversation(agent) as conversation:
                reply = conversation.listen()
                reply.send(sound)
                reply.end()
                await trio.sleep(after_s)
                receipt = await reply.interrupt()
                assert receipt is not None
                assert receipt.stages["stt"] == "closed"

        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(interrupted, 0.05 + 0.02 * number)
        async with open_conversation(agent) as conversation:
            reply = conversation.listen()
            reply.send(sound)
            reply.end()
            understood = [event.text async for event in reply if isinstance(event, Understood) and event.is_final]
        assert share_of_errors([(words, " ".join(understood))]) <= 0.1

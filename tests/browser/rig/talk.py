"""A `VoiceAgent` in the bare page, and what it says and does."""

from __future__ import annotations

from typing import Any

from attrs import define

from tests.browser.rig.browser import Tab

__all__ = ["Talk", "talking"]

OPEN = """async ([url, more, noted]) => {
  const constraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const agent = new client.VoiceAgent({ url, constraints, ...more });
  if (noted) note("agent", agent, [
    "state", "microphone", "message", "interruption", "error", "latency", "counts", "session",
  ]);
  if (noted) note("socket", agent.client, ["state", "open", "speech", "hold", "ack", "end", "failed", "transcript"]);
  if (noted) note("sound", agent.sound, ["onset", "silent", "ducked", "unducked"]);
  window.agent = agent;
  await agent.connect();
  await agent.openAudio();
}"""


@define(eq=False)
class Talk:
    """What a test does with the agent of a tab."""

    tab: Tab

    def ask(self, text: str) -> str:
        """Ask; return the request's id."""
        request_id: str = self.tab.run("(text) => agent.ask(text).requestId", text)
        return request_id

    def until_state(self, *states: str) -> str:
        """Wait until the agent is in one of these states; return it."""
        found: str = self.tab.until("(states) => states.includes(agent.state) && agent.state", list(states))
        return found

    def until_heard(self, request_id: str, ms: float) -> None:
        """Wait until so much of an answer was played."""
        self.tab.until("([id, ms]) => agent.sound.player.playedMs(id) >= ms", [request_id, ms])

    def message(self, request_id: str, role: str = "agent") -> dict[str, Any]:
        """Return the bubble of an answer, or of what was asked."""
        found: list[dict[str, Any]] = self.tab.run(
            """([id, role]) => agent.messages.filter((each) => each.requestId === id && each.role === role)
              .map(({ text, status, spokenChars, heard, outcome }) => {
                return { text, status, spokenChars, heard, outcome };
              })""",
            [request_id, role],
        )
        assert found, f"no bubble of {role} for {request_id}"
        return found[-1]

    def until_status(self, request_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until an answer's bubble has one of these statuses; return it."""
        self.tab.until(
            """([id, statuses]) => agent.messages.some((each) => each.requestId === id && each.role === "agent"
              && statuses.includes(each.status))""",
            [request_id, list(statuses)],
        )
        return self.message(request_id)

    def counts(self) -> dict[str, int]:
        """Return what the agent has counted."""
        found: dict[str, int] = self.tab.run("() => agent.counts")
        return found

    def stats(self) -> dict[str, float]:
        """Return what the player has counted."""
        found: dict[str, float] = self.tab.run("() => agent.sound.player.stats")
        return found


def talking(tab: Tab, url: str, *, noted: bool = True, **options: object) -> Talk:
    """Open an agent in the bare page: connected, with its loudspeaker open.

    Args:
        tab: Where.
        url: Whom it is connected to.
        noted: Whether the page notes what it tells, which takes memory.
        options: Of `VoiceAgent`.
    """
    tab.run(OPEN, [url, options, noted])
    return Talk(tab)

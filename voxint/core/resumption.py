"""A listener that comes back, or joins: it hears what is said from now on, and before it what it lacks."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from voxint.core.dialogue import Ending
from voxint.core.journal import Seen
from voxint.core.listener import Listener
from voxint.core.session import Session

__all__ = ["CaughtUp", "resume"]


@frozen
class CaughtUp:
    """What a listener finds that has come back.

    Args:
        live: Ids of the requests that go on.
        lost: Ids of which something that it lacks is kept no more, or of which nothing is known.
        outcomes: How each request ended that ended since it had all it says it has.
        begins: What came before the first that it will hear, of each request that goes on or is said to its end.
    """

    live: tuple[str, ...]
    lost: tuple[str, ...]
    outcomes: Mapping[str, Ending]
    begins: Mapping[str, Seen]


def resume(session: Session, listener: Listener, seen: Mapping[str, Seen] | None) -> CaughtUp:
    """Let `listener` hear what is said from now on, and before it what it lacks of what is kept.

    Where nobody has listened meanwhile, it is the player of what is live.

    Args:
        session: What it listens to.
        listener: Who has come back, or has joined.
        seen: What it has of each request; None: it wants no more than what comes.
    """
    live, lost, outcomes, begins = list[str](), list[str](), dict[str, Ending](), dict[str, Seen]()
    for request in (*session.registry.ended, *session.registry.live):
        answer = request.answer
        if request.ending is None:
            live.append(request.id)
        elif seen is not None and request.id in seen:
            outcomes[request.id] = request.ending
        else:
            answer.tell_held(listener)
            continue
        has = answer.to_come if seen is None else seen.get(request.id, Seen())
        begins[request.id] = answer.catch_up(listener, has)
        if begins[request.id] != has:
            lost.append(request.id)
        if answer.player is None:
            answer.play_to(listener)
    lost += [request_id for request_id in seen or () if request_id not in begins]
    listener.allow()
    session.attach(listener)
    return CaughtUp(tuple(live), tuple(lost), outcomes, begins)

"""REGISTER: a new session, or one that goes on; or a refusal, which ends the connection."""

from __future__ import annotations

import uuid

import trio
from attrs import frozen

from voxint.core.audio import AudioFormat
from voxint.core.listener import Listener
from voxint.core.offers import changed_settings
from voxint.core.resumption import resume
from voxint.core.session import Session
from voxint.core.settings import Settings
from voxint.errors import RequestRefused, WireError
from voxint.logs import get_logger
from voxint.protocol import messages as m
from voxint.protocol.codes import wire_error
from voxint.protocol.renderer import Renderer, granted
from voxint.server.auth import is_open
from voxint.server.host import Host
from voxint.server.keyring import Principal

__all__ = ["GOING_AWAY", "REFUSED", "TRY_AGAIN", "RegisterRefused", "register"]

REFUSED = 4401
"""Close code of a failed REGISTER: in the private range, and not 1000, which existing clients take for success."""

GOING_AWAY = 1001

TRY_AGAIN = 1013
"""Close code of a REGISTER that was not looked at, as there are too many (the IANA's registry: Try Again Later)."""

MOST_LISTENERS = 16
"""Connections of one session at a time; ours: each hears all that is said, and as many tokens to come by are kept."""

log = get_logger()


@frozen(str=False)
class RegisterRefused(Exception):
    """A REGISTER that ends the connection.

    Args:
        error: What the client is told.
        code: The close code.
        reason: Its reason.
    """

    error: WireError
    code: int
    reason: str

    def __str__(self) -> str:
        return self.reason


def register(
    host: Host,
    message: m.Register,
    principal: Principal,
    listener: Listener,
    renderer: Renderer,
    *,
    address: str = "",
) -> Session:
    """Open a session, or go on with one, and say so to its client.

    Args:
        host: The server.
        message: What the client said.
        principal: Who it has shown to be.
        listener: What the client is told goes there.
        renderer: Writes it.
        address: Where the client is; empty: nobody knows.

    Raises:
        RegisterRefused: There is no such session to go on with, or there are as many sessions as there may be, or the
            client's token is good for another session.
        WireError: The settings are too large, or want what is not offered; nothing has happened.
    """
    _check_token(host, principal, message.resume)
    _check_share(host, principal)
    agent = host.agent
    renderer.features = granted(message.features, listens=agent.listens)
    listener.pauses, listener.marks = "hold" in renderer.features, "marks" in renderer.features
    with listener.together():
        if message.resume is None:
            session = _open(host, message, principal, listener, address)
            renderer.session_id = session.id
            resumed = None
        else:
            session, resumed = _resume(host, principal, message.resume, listener, renderer)
        host.keyring.bind(principal, session.id)
        # In front of what the session says from before.
        listener.post_first(_acknowledgement(host, session, renderer, resumed))
    log.info(
        "registered",
        session_id=session.id,
        **principal.shown,
        platform=message.platform,
        features=sorted(renderer.features),
        resumed=resumed is not None,
    )
    return session


def _open(host: Host, message: m.Register, principal: Principal, listener: Listener, address: str) -> Session:
    # Without keys anybody may say any: then the address tells callers apart.
    caller = f"address {address}" if is_open(host.config) else principal.id
    _check_quotas(host, caller, address)
    settings = Settings(
        platform=message.platform,
        require_tts=False,  # the protocol's default; the library's is to speak
        input=AudioFormat(message.audio.input_rate or AudioFormat().rate),
        output=AudioFormat(message.audio.output_rate or AudioFormat().rate),
    )
    try:
        settings = changed_settings(host.agent, settings, message.patch)
    except RequestRefused as refusal:
        host.meter.tell(refusal.limit, "", trio.current_time())
        raise wire_error(refusal, None) from None
    session = Session(
        host.agent,
        host.home,
        session_id=f"sess_{uuid.uuid4().hex}",
        settings=settings,
        observer=host.observer,
        on_disconnect=message.on_disconnect,
        caller=caller,
    )
    host.store.add(session, principal)
    host.meter.opened(session.id, caller, address)
    session.attach(listener)
    return session


def _check_token(host: Host, principal: Principal, point: m.Resume | None) -> None:
    """Make sure that a token which is good for one session is good for this one.

    Raises:
        RegisterRefused: It is not.
    """
    if not host.keyring.fits(principal, None if point is None else point.session_id):
        words = "the token is good for one session, and has had it: ask for another token"
        raise RegisterRefused(WireError("AUTH_FAILED", words), REFUSED, words)


def _check_share(host: Host, principal: Principal) -> None:
    """Make sure that one of several keys leaves connections to the others: a session may have many.

    Raises:
        RegisterRefused: It has its share.
    """
    share = max(1, int(host.config.max_connections * host.meter.quotas.key_share))
    own = sum(
        each.session is not None and each.principal is not None and each.principal.id == principal.id
        for each in host.connections
    )
    if own >= share and host.keyring.several:
        host.meter.tell("key_share", "", trio.current_time())
        many = WireError(
            "SERVER_BUSY",
            f"this key has {share} connections already, its share of the server: close one first",
            "quota key_share",
        )
        raise RegisterRefused(many, TRY_AGAIN, "the server is busy: try again later")


def _check_quotas(host: Host, caller: str, address: str) -> None:
    """Make sure that there may be one session more; one without a connection gives way where that helps.

    Raises:
        RegisterRefused: There may not.
    """
    now = trio.current_time()
    while (refusal := host.meter.refuse_session(caller, address, now)) is not None:
        own, any_of_them = (host.meter.in_the_way(quota, caller, address) for quota in ("key_sessions", refusal.quota))
        # Of all that would make room first one of the caller's own: who opens many costs others none.
        ended = refusal.quota == "sessions" and host.store.end_one_alone(own)
        if not ended and not host.store.end_one_alone(any_of_them):
            host.meter.tell(refusal.quota, "", now)
            raise RegisterRefused(refusal.error(), TRY_AGAIN, "the server is busy: try again later")
    host.meter.sweep(now)


def _resume(
    host: Host, principal: Principal, point: m.Resume, listener: Listener, renderer: Renderer
) -> tuple[Session, m.Resumed]:
    """Go on with a session as it is: what REGISTER says of settings is for a new one."""
    if host.store.listeners_of(point.session_id) >= MOST_LISTENERS:  # before the token is of no use any more
        many = WireError(
            "SERVER_BUSY",
            f"this session has {MOST_LISTENERS} connections already, and may have no more: close one first",
        )
        raise RegisterRefused(many, TRY_AGAIN, "this session has too many connections: close one first")
    found = host.store.redeem(point.session_id, point.resume_token, principal)
    if found is None:
        words = "there is no session to resume by this id and token: REGISTER without `resume`"
        gone = WireError("SESSION_INVALID", words, "$.payload.resume")
        raise RegisterRefused(gone, REFUSED, "there is no such session to resume")
    session, writer = found
    renderer.session_id = session.id
    wanted = {name: frames for name, frames in (point.seen or {}).items() if not _has_end(frames)}
    found_out = {name: writer.seen(name, frames) for name, frames in wanted.items()}
    seen = {name: has for name, has in found_out.items() if has is not None}
    resumed = resume(session, listener, None if point.seen is None else seen)
    for request_id, before in resumed.begins.items():
        frames = None if point.seen is None else wanted.get(request_id, m.SeenFrames())
        renderer.begin(request_id, frames, before, writer)
    lost = dict.fromkeys((*resumed.lost, *(name for name, has in found_out.items() if has is None)))
    return session, m.Resumed(live=resumed.live, lost=tuple(lost), outcomes=dict(resumed.outcomes))


def _has_end(frames: m.SeenFrames) -> bool:
    return -1 in (frames.text_stream_seq, frames.voice_stream_seq)


def _acknowledgement(host: Host, session: Session, renderer: Renderer, resumed: m.Resumed | None) -> m.RegisterAck:
    settings = session.settings
    return m.RegisterAck(
        status="SUCCESS",
        message="registered" if resumed is None else "resumed",
        session_id=session.id,
        session_timeout_seconds=int(host.config.session_timeout_s),
        features=tuple(sorted(renderer.features)),
        audio=m.Audio(input_rate=settings.input.rate, output_rate=settings.output.rate),
        resume_token=host.store.new_token(session, renderer),
        resumed=resumed,
    )

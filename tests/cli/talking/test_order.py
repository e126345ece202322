"""What a conversation sends, and in which order, to a server that the test plays."""

from __future__ import annotations

import trio

from tests.cli.sound_card.fake_card import FakeCard
from tests.cli.talking.rig import TONE, LoudDetector, Notebook
from tests.client.rig import Peer, scripted
from voxint.cli.sound_card.loudspeaker import open_loudspeaker
from voxint.cli.sound_card.microphone import open_microphone
from voxint.cli.sound_card.portaudio import find_device
from voxint.cli.talking.conversation import Talk
from voxint.cli.talking.hearing import Hearing
from voxint.client import connect
from voxint.core.audio import AudioFormat
from voxint.protocol import messages as m
from voxint.protocol.codec import decode_client


async def test_the_interrupt_with_what_was_heard_goes_in_front_of_the_next_question() -> None:
    """Behind it, the server would have interrupted by the question, and have guessed what was heard.

    An utterance is on its way while it is still spoken: its end comes a pause after its last sound.
    """
    seen: list[m.ClientMessage] = []
    done = trio.Event()
    card = FakeCard()

    async def script(peer: Peer) -> None:
        start = await peer.read(m.RequestMessage)
        while len(peer.audio) < 16_000:
            frame = await peer.ws.get_message()
            assert isinstance(frame, bytes)
            peer.audio += frame
        assert card.said  # it is still spoken
        end = await peer.read(m.RequestMessage)
        assert (start.stream_flag, start.stream_seq, end.stream_seq) == (True, 0, -1)
        assert 32_000 <= len(peer.audio) <= 64_000
        voice = m.Response(request_id=start.request_id, text_stream_seq=0, voice_stream_seq=0, text="Yes", voice=TONE)
        await peer.say(voice)
        while not isinstance(seen[-1] if seen else None, m.Played):
            seen.append(await peer.read(m.Played))
        card.said += TONE
        while not isinstance(seen[-1], m.Interrupt):
            seen.append(decode_client(await peer.ws.get_message()).message)
        interrupt = seen[-1]
        assert isinstance(interrupt, m.Interrupt)
        assert (interrupt.interrupt_request_id, interrupt.reason) == (start.request_id, "USER_NEW_INPUT")
        assert interrupt.played_ms is not None
        assert 0 < interrupt.played_ms < 1_000
        question = await peer.read(m.RequestMessage)
        assert (question.stream_flag, question.stream_seq) == (True, 0)
        await peer.acknowledge(interrupt)
        done.set()

    async with (
        scripted(script) as url,
        connect(url, require_tts=True) as client,
        open_loudspeaker(card, find_device(card, "output"), AudioFormat(16_000)) as speaker,
        open_microphone(card, find_device(card, "input"), AudioFormat(16_000)) as microphone,
        trio.open_nursery() as nursery,
    ):
        hearing = Hearing(LoudDetector(), guarded=False)
        conversation = Talk(client, microphone, speaker, hearing, Notebook(), "hands free")
        await nursery.start(conversation.run)
        nursery.start_soon(card.run)
        card.said += TONE
        await done.wait()
        nursery.cancel_scope.cancel()

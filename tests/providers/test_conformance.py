"""Every stage that voxint ships keeps the contract that it asks of others."""

from __future__ import annotations

from functools import partial

import trio

from tests.needs import needs_moonshine
from tests.providers.recordings import readings
from voxint.core.audio import AudioFormat
from voxint.core.dialogue import ChatMessage
from voxint.core.stages import Turn
from voxint.net.http import open_http
from voxint.providers.espeak import Espeak
from voxint.providers.moonshine import Moonshine
from voxint.providers.openai_chat import OpenAIChat
from voxint.providers.pocketsphinx import PocketSphinx
from voxint.testing.conformance import (
    TrialBounds,
    check_language_model,
    check_speech_to_text,
    check_text_to_speech,
)
from voxint.testing.sim import SimSettings, serve_sim
from voxint.testing.upstream_stages import HttpSpeech, HttpTranscription

TEXT = ("Hello there. ", "How are you?")
BOUNDS = TrialBounds(stop_s=1.0)
"""A generous bound: what is checked is that everything stops, on machines that do other things too."""

QUICK = SimSettings(first_token_s=0.01, token_interval_s=0.005, tokens=6, speech_s=0.2, transcript="hello there")


async def test_openai_chat() -> None:
    """A model over HTTP, cancelled at every moment; only spare connections stay."""
    async with trio.open_nursery() as nursery:
        address = await nursery.start(partial(serve_sim, QUICK))
        async with open_http() as http:
            model = OpenAIChat(address.base_url, "sim", http=http)
            turn = Turn((ChatMessage("user", "hello"),))
            await check_language_model(model, turn, bounds=BOUNDS)
        nursery.cancel_scope.cancel()


async def test_http_speech() -> None:
    """A synthesizer over HTTP."""
    async with trio.open_nursery() as nursery:
        address = await nursery.start(partial(serve_sim, QUICK))
        async with open_http() as http:
            voice = HttpSpeech(http, address.base_url)
            await check_text_to_speech(voice, TEXT, bounds=BOUNDS)
        nursery.cancel_scope.cancel()


async def test_http_transcription() -> None:
    """A recogniser over HTTP."""
    async with trio.open_nursery() as nursery:
        address = await nursery.start(partial(serve_sim, QUICK))
        async with open_http() as http:
            ears = HttpTranscription(http, address.base_url)
            await check_speech_to_text(ears, bytes(6400), bounds=BOUNDS)
        nursery.cancel_scope.cancel()


async def test_espeak() -> None:
    """The embedded voice, whose process lets go of a text with its scope."""
    async with Espeak() as voice:
        assert voice.audio_format == AudioFormat(22_050)
        await check_text_to_speech(voice, TEXT, bounds=BOUNDS)


async def test_pocketsphinx() -> None:
    """The embedded recogniser, whose process is killed with its scope."""
    async with PocketSphinx(max_workers=4, wait_s=20) as ears:
        await check_speech_to_text(ears, bytes(6400), bounds=TrialBounds(stop_s=5.0))


@needs_moonshine
async def test_moonshine() -> None:
    """A recogniser in a process that lets go of what nobody wants any more."""
    sound, _ = readings()[1]
    async with Moonshine() as ears:
        await check_speech_to_text(ears, sound, bounds=BOUNDS)

"""Adapters of speech and language engines, one file each; those with an underscore belong to the one before them.

openai_chat.py           a language model behind any OpenAI-compatible endpoint, streamed
_openai_stream.py        its response: bytes in, text, function calls, usage and failure out
_openai_chunk.py         one event of a streamed completion, read strictly or as far as it can be used
_openai_calls.py         function calls that come in pieces
_openai_characters.py    characters that a server cut in two
_openai_failure.py       what goes wrong there: our words for the caller, its own for the operator
_openai_words.py         the provider's words, without keys and without what they repeat of the conversation
_openai_secrets.py       keys, however they are written, and what looks like one
openai_models.py         the list of models that such a server has
espeak.py                speech by espeak-ng, in a process that lets go of what is interrupted
_espeak_worker.py        that process
_espeak_job.py           what the two say to each other
_espeak_library.py       libespeak-ng by ctypes
_espeak_text.py          what it is given of a text, and which words its samples speak
pocketsphinx.py          recognition by pocketsphinx, in processes that an interruption kills
_pocketsphinx_worker.py  such a process
demo.gram                what the demo understands
moonshine.py             recognition of English by Moonshine, in processes that let go of what is interrupted
_moonshine_worker.py     such a process
_moonshine_model.py      the model on onnxruntime
whisper.py               recognition of many languages by Whisper, in such processes
_whisper_worker.py       one of them
_whisper_model.py        the model by faster-whisper
_recognition.py          the two: the speech so far is heard again as it grows, settled where it ends
_recognition_speech.py   speech cut out of audio, in stretches
_recognition_host.py     their processes, their voice detector, how many callers they carry
_recognition_job.py      what goes to such a process and comes back
_recognition_guard.py    a model that has lost the thread, found out
silero.py                voice detection by Silero's model
"""

from __future__ import annotations

__all__: list[str] = []

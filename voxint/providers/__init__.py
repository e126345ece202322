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
_espeak_text.py          which written words its samples speak
kokoro.py                speech by Kokoro, in a process that lets go of what is interrupted
_kokoro_voices.py        which of its voices are here, and who speaks what
_kokoro_jobs.py          what goes to its process and comes back
_kokoro_joins.py         windows of speech made into one stream, with its words
_kokoro_worker.py        that process
_kokoro_engine.py        what it does: texts in, a window of speech at a time out
_kokoro_model.py         the model on onnxruntime, in two steps that an abort ends
_kokoro_patch.py         how its file is told to give what it computes half-way
_kokoro_plan.py          what of an utterance is made when, and where each word begins
_kokoro_level.py         even loudness, and edges without a click
_kokoro_said.py          which phonemes are said for which written words
_kokoro_english.py       English words to phonemes
_kokoro_mandarin.py      Chinese words to phonemes
_deadline_turns.py       turns for callers who each play what they got: who runs dry soonest comes first
_pool_owner.py           what owns processes: entered, it has them; left, none
_lost_texts.py           a text on which a voice's process crashes
_model_files.py          files of models, which an engine's process reads and checks itself
_options.py              options that several engines have, judged
_written_text.py         a text cut into what can be said in one go, and its language
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
smart_turn.py            the end of a turn, heard by Smart Turn, in a process that lets go of what is interrupted
_smart_turn_worker.py    that process
_smart_turn_features.py  what its model hears of a sound
"""

from __future__ import annotations

__all__: list[str] = []

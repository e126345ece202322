"""The interruptible core: trio and the protocol, no socket.

agent.py         what is run: the stages, the prompt, the limits
stages.py        what a provider must do
conversation.py  the library's door: ask, listen, interrupt, read the history
session.py       one caller: settings, dialogue, live requests
registry.py      requests by id: admit, find, interrupt, remember
request.py       one request: its cancel scope, its guard, its end
pipeline.py      the work inside the scope: stt -> llm -> segments -> tts -> pacing
upload.py        a voice upload on its way to the recogniser
voice.py         synthesized speech, paced to the listener
answer.py        the frames of one request, in order
outbox.py        the one queue to the one writer
patience.py      the clock that ends a silent stage
resample.py      sample rates brought together
timeline.py      named instants of a request
observer.py      where a host hears of what happened
"""

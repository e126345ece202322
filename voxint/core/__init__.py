"""The interruptible core: requests, sessions and what is said. It knows trio, and no socket and no wire.

What is run, and what a provider must do:

    agent.py          the stages, the prompt and the limits, frozen
    stages.py         one async method between two channels: the three protocols and what they exchange
    shape.py          what is wrong with the shape of a stage, told when an agent is made
    settings.py       what a caller sets for its session, and how a message changes it
    offers.py         what callers may choose of an agent, voice and language, and the stages that they get by that
    languages.py      what languages are called
    tools.py          the functions that a caller offers the model, and the model's calls

Who asks and who hears:

    conversation.py   the library's door: ask, listen, interrupt, read the history
    reply.py          a reply of the library, read event by event
    session.py        one caller: settings, dialogue, live requests, who listens; knows no connection
    ears/             a microphone that is always open: who speaks, and whether it interrupts
    resumption.py     a listener that comes back: what it lacks, and what comes
    open_microphone.py  a microphone of the library that is always open
    microphone.py     the session's: audio comes in whether or not a request listens
    listener.py       one who hears the session: a queue with one reader
    journal.py        the latest of what an answer said, kept for a listener that comes back
    dialogue.py       the conversation as the model sees it, cut back to what was heard

A request's life:

    intake.py         how a request comes in: made, given its seats, begun
    interrupt.py      what asks a request to stop
    registry.py       requests by id: admit, find, interrupt, remember
    seats.py          how many callers a stage serves at once: a seat for each, or a refusal at the door
    life.py           the states of a request and what each event makes of them, as a table
    request.py        one request: its cancel scope, its guard, its end
    owner.py          what a request tells the session that keeps it
    alarms.py         what is to happen at some time, for the one guard that sleeps
    failure.py        why a request failed, in words that a stranger may read
    failure_line.py   what the log has of a failed request
    account.py        the books of a request, and the receipt that is drawn up at its end
    receipt.py        what an interruption stopped, saved and cost
    timeline.py       named instants of a request and the durations between them
    observer.py       where a host hears of what happened

The work inside the scope:

    pipeline.py       stt -> llm -> segments -> tts -> pacing -> answer
    voice_activity.py  the interface of a voice detector, and its numbers cut into speech
    upload.py         the caller's voice on its way to the recogniser
    utterance.py      how much of it a request takes, and how slowly
    turns.py          fair turns at what callers share
    omissions.py      what a stage leaves out, told once in a while
    sink.py           the writing end that a stage is given
    depth.py          how deep JSON is nested
    gate.py           whatever a stage hands over, checked where it comes in
    encodable.py      text that any wire can carry
    discreet.py       what people say, shown in a `repr` by its size alone
    transcript.py     settled pieces of a transcript, joined as their script is written

What is spoken of what is written:

    boundaries.py     where in a text a voice may stop
    segments.py       the model's text, cut into pieces that can be spoken
    markup.py         what in a text is markup and no words
    wording.py        what is said for what is no text
    speech_text.py    plain words for a synthesizer from the Markdown that a model writes
    alignment.py      which written text is spoken by which words

What is said, sent and heard:

    events.py         text, speech, calls, what was understood, and the one end
    answer.py         what one request says, in order: to its player and to who else listens
    hearers.py        who hears one answer: its player, and who else listens
    holding.py        the hold of one answer: nothing leaves, and its playing stands
    fade.py           the first moment of speech behind a gap, brought up from silence
    pieces.py         what an answer says, waiting in one listener's queue
    pacing.py         speech, cut into frames that leave as playback goes on
    spans.py          which audio speaks which text, and the marks between
    playout.py        what of an answer was generated, sent and heard: arithmetic on samples

Units:

    audio.py          PCM: bytes <-> samples <-> milliseconds
    level.py          how loud a sound is
    resample.py       sample rates brought together
    tokens.py         how much a text is, in tokens and in letters, by rules of thumb
"""

"""The server's ears: a microphone that is always open, and what is made of what it hears.

rules.py         what is set of all this, in one frozen value
sound.py         the microphone's stream: tiny frames joined, resampled, judged window by window; the last of it kept
prompt_resampler.py  from its rate to the detector's, within 3 ms
onset.py         from a window's probability to a first suspicion of speech, sooner than an utterance begins
barge_in.py      what may interrupt an answer: rules, and the decision to hold, release or commit; pure
backchannel.py   words that say "go on" and no more; pure
endpointing.py   how long a silence ends an utterance, by what was said so far; pure
thought.py       how complete that is
thought_english.py, thought_chinese.py, thought_numbers.py: by its last words, and by a number at its end; pure
turn_detector.py what a model must do that hears whether a turn is complete
echo.py          whether what comes in is the answer's own sound; arithmetic on samples
ears.py          hears, and acts on the session: the one place where all of it meets
"""

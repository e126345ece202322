"""The server's ears: a microphone that is always open, and what is made of what it hears.

ears.py              hears, and acts on the session: the one place where all of it meets
rules.py             what is set of all this, in one frozen value
weakly.py            a method that what its object owns calls back

sound.py             the microphone's stream: tiny frames joined, resampled, judged by windows; the last of it kept
pace.py              how much it may bring at once, and in all
portions.py          heard bit by bit, where it brings much at once
prompt_resampler.py  from its rate to the detector's, within 3 ms
own_sound.py         what a window is worth while an answer sounds
echo.py              whether what comes in is the answer's own sound
echo_level.py        how loud a microphone hears answers; pure
echo_path.py         what of one sound another explains; arithmetic on samples
echo_words.py        whether what was understood is what the answer has just said; pure

turn_taking.py       which answers may be interrupted; holds, releases and commits
barge_in.py          what may interrupt an answer: rules, and the decision to hold, release or commit; pure
backchannel.py       words that say "go on" and no more; pure
commands.py          words that interrupt although they are short; pure
words.py             how a text is split into words, and looked through for phrases; pure

heard_utterance.py   what is known of one utterance
spoken_turn.py       the two requests of a turn: one that listens, and one that answers
recovery.py          a sentence that is said without a model, where there were no words after all
turn_detector.py     what a model must do that hears whether a turn is complete
endpointing.py       how long a silence ends an utterance, by what was said so far; pure
thought.py           how complete that is
thought_english.py   by how its last sentence ends, in English
thought_chinese.py   in Chinese
thought_numbers.py   by a number at its end
"""

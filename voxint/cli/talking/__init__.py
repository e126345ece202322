"""A conversation by voice at a terminal, as `voxint talk` has it.

states.py        where it stands, and what each event makes of it: a table
level.py         whether what the microphone hears is more than the loudspeaker's echo
hearing.py       from a microphone's pieces to utterances
view.py          what the screen shows, and its layout
screen.py        the screen of a terminal, or plain lines where there is none
keys.py          single keys of a terminal, and signals
conversation.py  the tasks that hear, ask, play and interrupt
"""

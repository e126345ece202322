"""A conversation by voice at a terminal, as `voxint talk` has it.

states.py        where it stands, and what each event makes of it: a table
view.py          what the screen shows, and its layout
screen.py        the screen of a terminal, or plain lines where there is none
keys.py          single keys of a terminal, and signals
conversation.py  the tasks that play, hold and interrupt an answer, whoever says when
hands_free.py    the microphone is always open, and the server's ears say when
push_to_talk.py  a key says when
"""

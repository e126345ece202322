"""Wire protocol 1.0: what the core says as frames, and frames as messages. Pure: no task, no wait, no clock.

codec.py      frames <-> messages; the only file that knows the envelope and the binary frame
malformed.py  what is wrong with a frame, in a sentence
size.py       how large a frame may be, judged before it is decoded
messages.py   one frozen class per message, one union per direction
asides.py     the messages beside an answer's frames: transcripts, who speaks, holds, marks
message_repr.py  what the `repr` of a message shows
payloads.py   payloads as clients write them <-> messages
settings.py   the session settings inside payloads: two spellings, prompts in pieces, functions in two forms
renderer.py   what a session says -> frames, for one connection: numbers, base64 or binary
receipt.py    the core's receipt as the wire has it: with the numbers of the last frames
codes.py      what the core's refusals and failures are called on the wire
to_events.py  a server's frames -> events, for a client
"""

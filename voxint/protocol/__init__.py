"""The protocol as pure data and pure functions: no task, no wait, no clock."""

# What is said:
#   messages.py    one frozen class per message, one union per direction
#   receipt.py     what an interruption stopped, saved and cost
#   tools.py       the functions a client offers the model
# How it is written:
#   codec.py       frames <-> messages; the only file that knows the envelope and the binary frame
#   payloads.py    payloads as clients write them <-> messages
#   settings.py    the session settings inside payloads: two spellings, prompts in pieces, functions in two forms
# What is made of it:
#   audio.py       PCM: bytes <-> samples <-> milliseconds
#   transcript.py  settled pieces of a transcript, joined
#   tokens.py      how many tokens a text makes
#   playout.py     what of a reply was generated, sent, heard
#   dialogue.py    the conversation, cut back to what was heard

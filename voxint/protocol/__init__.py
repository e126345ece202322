"""The protocol as pure data and pure functions: no task, no wait, no clock."""

# What is said:
#   messages.py   one frozen class per message, one union per direction
#   receipt.py    what an interruption stopped, saved and cost
#   tools.py      the functions a client offers the model
#   dialogue.py   the conversation, cut back to what was heard
#   audio.py      PCM: bytes <-> samples <-> milliseconds
# How it is written:
#   codec.py      frames <-> messages; the only file that knows the envelope and the binary frame
#   payloads.py   payloads as clients write them <-> messages; the leniency for existing clients
#   settings.py   the session settings inside them

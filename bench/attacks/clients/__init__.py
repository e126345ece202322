"""What attackers do, one kind of them a file; each runs until it is cancelled."""

# again.py      connections that are made anew whenever they end
# loop.py       the server's standard error and its signals
# frames.py     frames that are large, deep or many, of a caller who is let in
# strangers.py  who connects and says nothing, or half of it
# guesses.py    who tries keys
# doors.py      what is no WebSocket: heads, TLS, names, floods of connections
# floods.py     callers who send, ask or remember as much as they can
# turns.py      callers who hold the recognisers or the synthesizer
# upstream.py   callers whose model is hostile

from __future__ import annotations

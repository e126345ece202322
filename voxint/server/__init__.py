"""The standalone server: one port, many callers.

config.py      what an operator sets
config_file.py where it is read from: a file, the environment, flags
injected.py    variables of the environment that an operator did not set
auth.py        who may register
host.py        what all connections share
connection.py  one client's messages, and what each does; no socket, no await
endpoint.py    one WebSocket: the receive loop, the writer, the heartbeat, the close
serve.py       listen, admit, drain
"""

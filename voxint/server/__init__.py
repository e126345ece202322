"""The standalone server: one port, many callers.

config.py        what an operator sets
config_file.py   where that is read from: a file, the environment, flags
injected.py      variables of the environment that no operator set
serve.py         listen, admit, drain
host.py          what all connections share
endpoint.py      one WebSocket: the receive loop, the writer, the heartbeat, the close
writer.py        the one task that waits for a connection's socket to take something
connection.py    one client's messages, and what each does; no socket, no await
registration.py  REGISTER: a new session, or one that goes on, or a refusal
quotas.py        what one caller may have
meter.py         what each has, and whether it may have more
buckets.py       so much a minute, so much a day
admission.py     who is answered while there is more to do than can be done
lag.py           how busy the event loop is
auth.py          who may register
store.py         the sessions, which outlive their connections
pages.py         what a browser, a load balancer and Prometheus find on the same port
landing.html     the page about the server
telemetry.py     what the operator sees of a request
metrics.py       the numbers of one server
collector.py     the garbage collector of a process that does nothing but serve
"""

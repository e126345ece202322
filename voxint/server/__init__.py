"""The standalone server: one port, many callers.

config.py        what an operator sets
config_file.py   where that is read from: a file, the environment, flags
config_values.py  what its keys are, and the values made of what was given
injected.py      variables of the environment that no operator set
serve.py         listen, drain, and what runs beside
front.py         letting connections in: a place, TLS, a page or a WebSocket
host.py          what all connections share
endpoint.py      one WebSocket: the receive loop, the writer, the heartbeat, the close
writer.py        the one task that waits for a connection's socket to take something
connection.py    one client's messages, and what each does; no socket, no await
audio_in.py      what a connection does with the audio that it brings
registration.py  REGISTER: a new session, or one that goes on, or a refusal
auth.py          whom a server may serve at all: from where, and of which web page
refused_page.py  a web page's WebSocket that is refused so that the page can read why
turned_away.py   why a connection is turned away, as it is counted
quotas.py        what one caller may have
meter.py         what each has, and whether it may have more
buckets.py       so much a minute, so much a day
admission.py     who is answered while there is more to do than can be done
entrance.py      how a stranger becomes known, and what a wrong key costs
address.py       where a client comes from
guesses.py       who brings wrong keys
keyring.py       who a caller is, by key, token or account, and what each may do
keys.py          keys: made, told from one another, written as lines
keys_file.py     the file of the keys: read whole, changed whole
passwords.py     passwords of accounts, as argon2id, verified beside the loop
client_tokens.py  short-lived tokens, signed and not kept
certificate.py   the certificate that is shown now
reloading.py     what is read again while a server runs
store.py         the sessions, which outlive their connections
session_info.py  SESSION_INFO, and the token by which somebody else joins
words.py         what a client is told in several places
page.py          a page, and what every page tells a browser
tokens_page.py   `POST /v1/tokens`
pages.py         what a browser, a load balancer and Prometheus find on the same port
agent_page.py    `GET /v1/agent`: what a browser client has to know before it connects
web_files.py     the files that a browser loads, in a table
readiness.py     whether somebody new would be taken
telemetry.py     what the operator sees of a request
metrics.py       the numbers of one server
collector.py     the garbage collector of a process that does nothing but serve
"""

"""The Python client: connect, ask, read replies, interrupt.

::

    async with connect("ws://127.0.0.1:8765/ws/agent/stream", api_key=key) as client:
        reply = await client.send_text("Tell me a story")
        async for event in reply:
            ...
        receipt = await reply.interrupt()  # from any task: returns when everything has stopped
"""

# connect.py        open and close a session
# client.py         one session: what a program can ask of it
# traffic.py        a session's messages, both ways: each that comes goes to whom it is for
# reply.py          one answer as it comes in, and the upload that asks for it
# microphone.py     a microphone that is always open: sound out, and what the session says
# unread.py         what has come and was not read yet, within a bound
# resume.py         where the next client goes on
# waiting.py        who waits for which answer of the server's
# client_socket.py  the socket: one reader, one writer
# refused.py        what it means that it can't be had, or is closed

from __future__ import annotations

from voxint.client.client import Client
from voxint.client.connect import connect
from voxint.client.microphone import RemoteMicrophone
from voxint.client.reply import RemoteReply, VoiceUpload
from voxint.client.resume import ResumePoint
from voxint.client.traffic import Notice

__all__ = ["Client", "Notice", "RemoteMicrophone", "RemoteReply", "ResumePoint", "VoiceUpload", "connect"]

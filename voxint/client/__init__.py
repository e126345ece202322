"""The Python client: connect, ask, read replies, interrupt.

::

    async with connect("ws://127.0.0.1:8765/ws/agent/stream", api_key=key) as client:
        reply = await client.send_text("Tell me a story")
        async for event in reply:
            ...
        receipt = await reply.interrupt()  # from any task: returns when everything has stopped
"""

# connect.py        open and close a session
# client.py         requests out, replies and answers in
# reply.py          one answer as it comes in, and the upload that asks for it
# resume.py         where the next client goes on
# waiting.py        who waits for which answer of the server's
# client_socket.py  the socket: one reader, one writer
# refused.py        what it means that it can't be had, or is closed

from __future__ import annotations

from voxint.client.client import Client, Notice
from voxint.client.connect import connect
from voxint.client.reply import RemoteReply, VoiceUpload
from voxint.client.resume import ResumePoint

__all__ = ["Client", "Notice", "RemoteReply", "ResumePoint", "VoiceUpload", "connect"]

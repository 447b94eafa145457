"""The lesson's chat: its server in Python, with rooms, and the Python side of a room.

chat = rtlab.chat.start(lab)                  # in the lab's thread, behind a link of its own
async with chat.join("Ada", "general") as room:
    await room.say("hi")
    async for line in room:                   # what the others say
        print(line)
"""

from rtlab.chat.client import Line, Room, join
from rtlab.chat.running import Chat, start
from rtlab.chat.server import ChatServer

__all__ = ["Chat", "ChatServer", "Line", "Room", "join", "start"]

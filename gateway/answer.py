"""The way out of every answer: what this origin always says, whoever made the answer."""

from starlette.types import Message, Send

from gateway.shield import NOT_KEPT, Added


class Answer:
    """A `send` that adds the fixed headers and remembers whether the answer has begun: then no other can be given."""

    __slots__ = ("_fixed", "_send", "added", "has_begun", "kind", "status", "trace_id", "traceparent")

    def __init__(self, send: Send, fixed: Added) -> None:
        self._send, self._fixed = send, fixed
        self.added: Added = ()
        self.has_begun = False
        self.status = 0
        # Which door the request chose, for the figures.
        self.kind = "refused"
        self.trace_id = b""
        self.traceparent = ""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self.status = message["status"]
            said = [*message["headers"], *self._fixed, *self.added, (b"x-trace-id", self.trace_id)]
            if b"cache-control" not in dict(message["headers"]):
                said.append(NOT_KEPT)
            message["headers"] = said
        await self._send(message)

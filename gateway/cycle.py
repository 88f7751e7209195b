"""How an answer is written: uvicorn's way, but head and small body in one write and each header looked at once.

uvicorn searches two regular expressions in every header; with the fixed headers of this origin that was a tenth of
what a request costs here. What they guard against, a line break inside a header, is still refused.
"""

from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_BODILESS = (204, 304)


class Cycle(RequestResponseCycle):
    # Kept back until the body comes, which for a small answer of known length is at once.
    held = b""

    async def send(self, message: Any) -> None:
        if self.response_started and not self.held:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self.held:
            self._send_held(message)
        else:
            self._start(message)

    def _start(self, message: Any) -> None:
        if message["type"] != "http.response.start":
            raise RuntimeError(f"expected http.response.start, but got {message['type']}")
        self.response_started = True
        self.waiting_for_100_continue = False
        status, headers = message["status"], [*self.default_headers, *message["headers"]]
        lines = [b"%b: %b\r\n" % header for header in headers]
        self._read(headers)
        if not self.keep_alive and lines.count(b"connection: close\r\n") == 0:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        block = b"".join(lines)
        if block.count(b"\n") != len(lines) or block.count(b"\r") != len(lines) or b"\0" in block:
            raise RuntimeError("a header holds a line break")
        head = b"".join((STATUS_LINE[status], block, b"\r\n"))
        if self.chunked_encoding is False and self.expected_content_length <= HIGH_WATER_LIMIT:
            self.held = head
        else:
            self.transport.write(head)

    def _read(self, headers: list[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            if name == b"content-length" and self.chunked_encoding is None:
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False

    def _send_held(self, message: Any) -> None:
        if message["type"] != "http.response.body":
            raise RuntimeError(f"expected http.response.body, but got {message['type']}")
        head, self.held = self.held, b""
        body, more_body = message.get("body", b""), message.get("more_body", False)
        if self.scope["method"] == "HEAD":
            body, self.expected_content_length = b"", 0
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (self.expected_content_length and not more_body):
            raise RuntimeError("the answer is not as long as it says")
        self.transport.write(head + body)
        if not more_body:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

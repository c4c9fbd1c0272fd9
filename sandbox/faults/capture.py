"""A whole answer of the application, to be changed before it is sent."""

from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults.answers import start


@dataclass
class Answer:
    """An answer in memory. headers: in lower case, without content-length."""

    status: int = 500
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def pairs(self) -> list[tuple[str, str]]:
        """Return the headers with the length of the body as it is now."""
        return [*self.headers, ("content-length", str(len(self.body)))]

    async def send(self, send: Send) -> None:
        """Send it."""
        await start(send, self.status, self.pairs())
        await send({"type": "http.response.body", "body": self.body})


async def capture(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """Let the application answer, and return the answer instead of sending it."""
    answer = Answer()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            pairs = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in message["headers"]]
            answer.headers = [pair for pair in pairs if pair[0] != "content-length"]
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    await app(scope, receive, keep)
    return answer

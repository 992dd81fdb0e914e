"""Many event streams in one thread: opened, kept, and what becomes of each. Whoever loses its stream comes back at once."""

import asyncio
import json
import threading

from .clients import address, exchange, request, secure, tcp
from .pki import trusting

AT_ONCE = 16  # handshakes: a platform has few processors


class Listeners:
    """One event stream for each of these hosts, from addresses of their own. `clients` are the ids they were given,
    `heard` counts what came to each, `ended` how often each lost its stream; `failures` are those that were not let in."""

    def __init__(self, roost, hosts):
        self.roost, self.hosts = roost, hosts
        self.clients, self.heard, self.ended = [None] * len(hosts), [0] * len(hosts), [0] * len(hosts)
        self.failures, self.closing, self.loop = [], False, asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=[self._run()])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing = True
        self.loop.call_soon_threadsafe(lambda: [task.cancel() for task in self.tasks])
        self.thread.join()
        self.loop.close()

    def all_there(self):
        return None not in self.clients

    def subscribe(self, number, topic):
        """Has one told of that, from where it listens: others may not. The status."""
        host = self.hosts[number]
        with secure(tcp(self.roost.https, address(number)), host, self.roost.root) as connection:
            body = {"clientId": self.clients[number], "subscriptions": [topic]}
            return exchange(connection, "POST", "/api/realtime", body, {"Host": host}).status

    async def _run(self):
        self.turn = asyncio.Semaphore(AT_ONCE)
        self.tasks = [asyncio.ensure_future(self._keep(number)) for number in range(len(self.hosts))]
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _keep(self, number):
        while not self.closing:
            try:
                await self._listen(number)
                self.ended[number] += 1
            except (OSError, EOFError, ValueError) as error:
                self.failures.append((self.hosts[number], repr(error)))
                await asyncio.sleep(0.2)
            self.clients[number] = None

    async def _listen(self, number):
        host = self.hosts[number]
        async with self.turn:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.roost.https, ssl=trusting(str(self.roost.root)),
                                                           server_hostname=host, local_addr=(address(number), 0))
            writer.write(request("GET", "/api/realtime", {"Host": host, "Accept": "text/event-stream"}))
            head = await reader.readuntil(b"\r\n\r\n")
        try:
            if b" 200 " not in head[:16]:
                raise ValueError(head.split(b"\r\n")[0])
            event = b""
            # An end without a word is one, too: nobody promised more.
            while line := await reader.readline():
                if line.startswith(b"event:"):
                    event = line[6:].strip()
                elif line.startswith(b"data:") and event == b"PB_CONNECT":
                    self.clients[number] = json.loads(line[5:])["clientId"]
                elif line.startswith(b"data:"):
                    self.heard[number] += 1
        except ConnectionError:
            pass  # it was lost, as streams are
        finally:
            writer.close()

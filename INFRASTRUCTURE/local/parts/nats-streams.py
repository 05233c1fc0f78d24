"""Makes JetStream's streams and durable consumers, or names those that have events to come.
Usage: nats-streams.py make PORT TOKEN-FILE ACK-WAIT-SECONDS MAX-ACK-PENDING
       nats-streams.py waiting PORT TOKEN-FILE
with lines "APP TOPIC" as input.

Dapr's component makes neither a stream nor more than one durable consumer of a name in a stream. So each topic is a
stream of its own, in which a consumer has its app's name. Sidecars take a consumer that is there, as long as it is what
their component's metadata says; all replicas of an app share it.
"""

import json
import socket
import sys


WEEK_IN_NANOSECONDS = 7 * 24 * 60 * 60 * 1_000_000_000


class Nats:
    """As much of NATS' protocol as it takes to ask JetStream for something."""

    def __init__(self, port: int, token: str):
        self.stream = socket.create_connection(("127.0.0.1", port), timeout=10).makefile("rwb")
        login = json.dumps({"auth_token": token, "verbose": False, "pedantic": False})
        self.say(f"CONNECT {login}\r\nSUB answers 1\r\n")

    def say(self, text: str):
        self.stream.write(text.encode())
        self.stream.flush()

    def ask(self, what: str, body: dict) -> dict:
        text = json.dumps(body)
        self.say(f"PUB $JS.API.{what} answers {len(text)}\r\n{text}\r\n")
        while line := self.stream.readline().decode():
            if line.startswith("-ERR"):
                sys.exit(line)
            if line.startswith("PING"):
                self.say("PONG\r\n")
            if line.startswith("MSG"):
                answer = json.loads(self.stream.read(int(line.split()[-1]) + 2))
                return answer if "error" not in answer else sys.exit(f"{what}: {answer['error']}")
        sys.exit("NATS has hung up")


def make(nats: Nats, app: str, topic: str, ack_wait_seconds: int, max_ack_pending: int):
    stream = {
        "name": topic,
        "subjects": [topic],
        # Not `interest`, which keeps an event only until all consumers have it: a server that is told to stop lets its consumers go
        # first, and confirms what is published then without keeping it.
        "retention": "limits",
        "storage": "file",
        # A disk that is full refuses, and the outbox keeps what could not be published.
        "discard": "new",
        "max_msgs": -1,
        "max_bytes": -1,
        # Read or not: a consumer must not be away for longer.
        "max_age": WEEK_IN_NANOSECONDS,
        "max_consumers": -1,
        "num_replicas": 1,
        # The window in which an event that is published twice is stored once.
        "duplicate_window": 120_000_000_000,
    }
    consumer = {
        "durable_name": app,
        "deliver_subject": f"deliver.{app}.{topic}",
        "deliver_group": app,
        "ack_wait": ack_wait_seconds * 1_000_000_000,
        "max_ack_pending": max_ack_pending,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "filter_subject": topic,
    }
    # What is there and the same is left as it is.
    nats.ask(f"STREAM.CREATE.{topic}", stream)
    nats.ask(f"CONSUMER.DURABLE.CREATE.{topic}.{app}", {"stream_name": topic, "config": consumer})


def is_waiting(nats: Nats, app: str, topic: str) -> bool:
    consumer = nats.ask(f"CONSUMER.INFO.{topic}.{app}", {})
    return consumer["num_pending"] + consumer["num_ack_pending"] > 0


def main():
    what, port, token_file, *settings = sys.argv[1:]
    with open(token_file, encoding="utf-8") as token:
        nats = Nats(int(port), token.read())
    for line in sys.stdin:
        app, topic = line.split()
        if what == "make":
            make(nats, app, topic, *map(int, settings))
        elif is_waiting(nats, app, topic):
            print(f"{app}/{topic}")


main()

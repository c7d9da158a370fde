"""Sends calls to a server through an unmodified Python SDK, the way an application would.

    drive.py customerio|segment|rudder URL KEY SCENARIO [--prefix P] [--count N] [--gzip]

    calls   one call of each type, with the kinds of arguments an application passes
    burst   N track calls as fast as they go, then shutdown
    exit    N track calls, then the end of the program without a flush: the SDK's own atexit must deliver
    slow    N track calls spread over three seconds, so that faults fall between them, then shutdown

Prints {"sent": N, "failed": K, "left": L, "messageIds": [...]}: the calls made, those that the SDK reported as
not delivered (on_error, or a full queue), those it still held when it stopped, and the ids it gave.
Exits 0 if it reported no failure.
"""

import argparse
import atexit
import datetime
import decimal
import importlib
import json
import os
import sys
import time
import uuid

MODULES = {
    "customerio": "customerio.analytics",
    "segment": "segment.analytics",
    "rudder": "rudderstack.analytics",
}
SLOW_SECONDS = 3.0


class Driver:
    def __init__(self, args):
        self.prefix = args.prefix
        self.count = args.count
        self.message_ids = []
        self.failed = 0
        self.problems = []
        # Before the client exists: exit handlers run last in, first out, and the SDK's must run before the report.
        atexit.register(self.report)
        options = {}
        if args.scenario == "exit":
            # At exit the SDKs send the batch that they are collecting and no other one. With their usual half
            # a second a batch, a busy machine would put the calls into two, and lose the second.
            options = {"upload_size": args.count, "upload_interval": 30}
        # Rudder compresses by default, the others do not: said here, so that one flag means the same for all.
        self.client = importlib.import_module(MODULES[args.sdk]).Client(
            args.key, host=args.url, gzip=args.gzip, on_error=self.on_error, **options)

    def on_error(self, error, batch):
        self.failed += len(batch)
        self.problems.append(repr(error))

    def send(self, result):
        queued, message = result
        self.message_ids.append(message["messageId"])
        if not queued:
            self.failed += 1
            self.problems.append("the queue is full")

    def report(self):
        print(json.dumps({
            "sent": len(self.message_ids), "failed": self.failed, "left": self.client.queue.qsize(),
            "messageIds": self.message_ids, "problems": self.problems}), flush=True)
        if self.failed:
            os._exit(1)  # an exit handler has no other way to set the status

    def track(self, index):
        self.send(self.client.track(self.prefix, "Step Done", {"index": index}))

    def calls(self):
        user, client = self.prefix, self.client
        moment = datetime.datetime(2026, 5, 4, 12, 30, 15, 250000, tzinfo=datetime.timezone.utc)
        self.send(client.identify(
            user,
            {"email": f"{user}@example.com", "name": "Zoë 東京 🚲", "plan": "pro", "logins": 42,
             "created_at": moment, "address": {"city": "Łódź", "tags": ["a", "b"]}},
            context={"ip": "203.0.113.7", "locale": "pl-PL"}, timestamp=moment))
        self.send(client.track(
            user, "Order Completed",
            {"total": decimal.Decimal("19.95"), "ordered_at": moment, "day": moment.date(), "big": 2**63,
             "gift": True, "coupon": None, "sizes": {38}, "note": "nul \x00, quote \" and back\\slash",
             # Not a type that the SDKs can write: they warn and leave the key out.
             "basket": uuid.UUID(int=7)},
            context={"campaign": {"name": "spring"}}, timestamp=moment,
            integrations={"All": True, "Elsewhere": False}, anonymous_id=f"{user}-anonymous",
            # Any UUID does, but the same one for the same user, so that a second run is a duplicate.
            message_id=uuid.uuid5(uuid.NAMESPACE_URL, user)))
        self.send(client.page(user, "Docs", "Home", {"url": "https://example.com/?q=ü&r=1"}))
        self.send(client.screen(user, "Settings", "Privacy", {"dark": False}))
        self.send(client.group(user, f"{user}-company", {"name": "Café & Co", "seats": 12}))
        self.send(client.alias(f"{user}-before", user))
        client.shutdown()

    def burst(self):
        for index in range(self.count):
            self.track(index)
        self.client.shutdown()

    def exit(self):
        for index in range(self.count):
            self.track(index)

    def slow(self):
        for index in range(self.count):
            self.track(index)
            time.sleep(SLOW_SECONDS / self.count)
        self.client.shutdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdk", choices=MODULES)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("scenario", choices=["calls", "burst", "exit", "slow"])
    parser.add_argument("--prefix", default="sdk", help="the user id of the calls")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--gzip", action="store_true", help="compress request bodies")
    args = parser.parse_args()
    getattr(Driver(args), args.scenario)()


if __name__ == "__main__":
    sys.exit(main())

"""Makes every call of Customer.io's Python client for the Track API, unmodified, over TLS, and reads the workspace.

    track.py PRIVATE_URL SITE_ID API_KEY PATH...

Prints {"statuses": {call: status}, "refusals": {call: words}, "uncalled": [method], "read": {PATH: answer}}.
The certificate that it trusts is named by REQUESTS_CA_BUNDLE.
"""

import datetime
import json
import sys
import urllib.parse

import requests
from customerio import CustomerIO, CustomerIOException

# What is public and makes no call.
HELPERS = {"close", "http", "is_valid_id_type", "send_request", "setup_base_url"}
ULID = "01BX5ZZKBKACTAV9WEVGEMMVRY"
PERSON = "py/1 +é"


class Calls:
    def __init__(self, client):
        self.client = client
        self.called = set()
        self.statuses = {}
        self.refusals = {}

    def make(self, name, method, *arguments, **attributes):
        self.called.add(method)
        try:
            self.statuses[name] = getattr(self.client, method)(*arguments, **attributes).status_code
        except CustomerIOException as refusal:
            self.refusals[name] = str(refusal)

    def uncalled(self):
        public = {name for name in dir(self.client) if not name.startswith(("_", "get_"))}
        methods = {name for name in public if callable(getattr(type(self.client), name, None))}
        return sorted(methods - HELPERS - self.called)


def main():
    url, site_id, api_key, *paths = sys.argv[1:]
    address = urllib.parse.urlsplit(url)
    # Whatever scheme it is given, the client speaks https.
    options = {"host": f"http://{address.hostname}", "port": address.port, "retries": 0}
    calls = Calls(CustomerIO(site_id, api_key, **options))
    make = calls.make
    seen = datetime.datetime(2026, 1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    make("identify", "identify", PERSON, email="py@example.com", plan="pro", score=float("nan"), seen=seen)
    make("track", "track", PERSON, "bought", {"price": 1.5}, id=ULID, timestamp=datetime.datetime(2026, 1, 2))
    make("track again", "track", PERSON, "bought again", id=ULID.lower())
    make("track_anonymous", "track_anonymous", "anon-1", "looked", {"at": "tea"})
    make("invite", "track_anonymous", None, "invited", {"recipient": "friend@example.com"})
    make("pageview", "pageview", PERSON, "https://shop.example/tea", referrer="https://example.com/")
    make("backfill", "backfill", PERSON, "signed up", "1600000000", source="import")
    make("add_device", "add_device", PERSON, "tok/1", "ios", last_used=1700000000, app_version="2")
    make("add_device 2", "add_device", PERSON, "tok/2", "android")
    make("delete_device", "delete_device", PERSON, "tok/2")
    make("identify anonymous", "identify", "py@example.com", anonymous_id="anon-1")
    make("identify other", "identify", "other@example.com", colour="red", plan="free")
    make("merge_customers", "merge_customers", "id", PERSON, "email", "other@example.com")
    make("identify gone", "identify", "gone")
    make("delete", "delete", "gone")
    make("suppress", "suppress", "blocked")
    make("identify blocked", "identify", "blocked", email="blocked@example.com")
    make("suppress free", "suppress", "free")
    make("unsuppress", "unsuppress", "free")
    make("identify free", "identify", "free")
    items = [
        {"type": "person", "action": "identify", "identifiers": {"id": "batched"}, "attributes": {"n": 1}},
        {"type": "person", "action": "event", "identifiers": {"id": "batched"}, "name": "in a batch"},
    ]
    make("batch", "batch", items)
    make("batch with a mistake", "batch", items + [{"type": "person", "action": "sing"}])
    make("blank name", "track", PERSON, " ")
    make("long value", "identify", PERSON, a="é" * 501)
    stranger = Calls(CustomerIO(site_id, "wrong", use_connection_pooling=False, **options))
    stranger.make("stranger", "identify", PERSON)
    read = {path: requests.get(f"{url}/admin/v1/workspace/{path}", timeout=10).json() for path in paths}
    print(json.dumps({
        "statuses": calls.statuses,
        "refusals": calls.refusals | stranger.refusals,
        "uncalled": calls.uncalled(),
        "read": read,
    }))


main()

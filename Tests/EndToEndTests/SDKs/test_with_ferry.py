"""The pytest recipe of docs/testing-with-ferry.md, run by the tests under `ferry exec`."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

import pytest
from customerio import analytics

WORKSPACE = os.environ["FERRY_WORKSPACE_URL"] + "/admin/v1/workspace"


def call(method, path, body=None):
    """Asks the workspace for something; what it says instead is the assertion's message."""
    request = urllib.request.Request(WORKSPACE + path, method=method)
    if method == "POST":
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body if body is not None else {}).encode()
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(json.load(error)["meta"]["error"]) from None


@pytest.fixture
def customerio():
    call("POST", "/reset")
    return analytics.Client(
        os.environ["FERRY_WRITE_KEY"],
        host=os.environ["FERRY_URL"],
        sync_mode=True,
    )


def test_a_person_gets_a_plan(customerio):
    customerio.identify("u1", {"plan": "pro"})
    person = call("GET", "/people/u1?wait=10&attributes.plan=pro")
    assert person["identifiers"]["id"] == "u1"


def test_each_test_begins_empty(customerio):
    assert call("GET", "/people")["items"] == []


def test_an_order_is_told_once(customerio):
    customerio.track("u1", "Order Completed", {"total": 24})
    found = call("GET", "/activity?wait=10&type=event&name=" + urllib.parse.quote("Order Completed"))
    assert [entry["data"]["total"] for entry in found["items"]] == [24]
    found = call("POST", "/requests/find", {"name": "Order Complete"})
    assert found["count"] == 0 and 'closest is "Order Completed"' in found["nearMiss"]


def test_an_outage_loses_nothing(customerio):
    call("POST", "/faults", {"respond": {"status": 503, "retry_after": 1}, "times": 2})
    customerio.identify("u2", {"plan": "free"})
    call("GET", "/people/u2?wait=20")
    assert call("GET", "/faults")["items"][0]["fired"] == 2

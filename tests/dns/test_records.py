"""The names of the specification, asked of the pure index."""

from ipaddress import ip_address

import pytest
from cluster import OBJECTS, endpoint, service, slice_of

from wherry.dns import names
from wherry.dns.plugins.kubernetes.records import Record, Records
from wherry.objects.resource import NAMESPACES, SERVICES


@pytest.fixture
def records() -> Records:
    made = Records(pods="insecure")
    for resource, obj in OBJECTS:
        metadata = obj["metadata"]
        key = metadata.get("namespace", ""), metadata["name"]
        if resource == NAMESPACES:
            made.set_namespace(metadata["name"], True)
        elif resource == SERVICES:
            made.set_service(key, obj)
        else:
            made.set_slice(key, obj)
    return made


def look(records: Records, name: str, type: str = "A") -> list[str] | None:
    """What a name holds, as text; None for NXDOMAIN."""
    labels = tuple(name.split(".")) if name else ()
    found = records.find(labels, type)
    return [text(record) for record in found.records] if found.exists else None


def text(record: Record) -> str:
    match record.type:
        case "A" | "AAAA":
            return str(ip_address(record.data))
        case "CNAME":
            return names.text(record.data)
        case "TXT":
            return record.data[1:].decode()
        case "SRV":
            return f"{record.port} {'.'.join(record.target)}"
        case _:
            return ".".join(record.target)


def reverse(records: Records, address: str) -> list[str]:
    return [text(record) for record in records.reverse(address).records]


@pytest.mark.parametrize(
    ("name", "type", "expected"),
    [
        ("mysql.demo.svc", "A", ["10.100.42.154"]),
        ("mysql.demo.svc", "AAAA", []),
        ("mysql.demo.svc", "TXT", []),
        ("mysql.demo.svc", "SRV", ["3306 mysql.demo.svc"]),
        ("_http._tcp.web.demo.svc", "SRV", ["80 web.demo.svc"]),
        ("_http._udp.web.demo.svc", "SRV", None),
        ("_http._tcp.web.demo.svc", "A", []),
        ("x.web.demo.svc", "A", None),
        ("headless.demo.svc", "A", ["10.244.1.2", "10.244.2.3"]),
        ("db-0.headless.demo.svc", "A", ["10.244.1.2"]),
        ("10-244-2-3.headless.demo.svc", "A", ["10.244.2.3"]),
        ("db-1.headless.demo.svc", "A", None),
        ("_db._tcp.headless.demo.svc", "SRV", ["3306 db-0.headless.demo.svc", "3306 10-244-2-3.headless.demo.svc"]),
        ("nobody.demo.svc", "A", None),
        ("early.demo.svc", "A", ["10.244.2.9"]),
        ("outside.demo.svc", "A", ["web.demo.svc.cluster.local."]),
        ("below.outside.demo.svc", "A", None),
        ("none.demo.svc", "A", None),
        ("mysql.nowhere.svc", "A", None),
        ("demo.svc", "A", []),
        ("nowhere.svc", "A", None),
        ("svc", "A", []),
        ("", "A", []),
        ("pod", "A", []),
        ("10-244-1-5.demo.pod", "A", ["10.244.1.5"]),
        ("10-244-1-500.demo.pod", "A", None),
        ("10-244-1-5.nowhere.pod", "A", None),
        ("dns-version", "TXT", ["1.1.0"]),
        ("ns.dns", "A", ["10.96.0.10"]),
        ("", "NS", ["ns.dns"]),
        ("else", "A", None),
    ],
)
def test_a_name_holds_what_the_specification_says(
    records: Records, name: str, type: str, expected: list[str] | None
) -> None:
    assert look(records, name, type) == expected


def test_an_address_leads_back_to_its_name(records: Records) -> None:
    assert reverse(records, "10.100.42.154") == ["mysql.demo.svc"]
    assert reverse(records, "10.244.1.2") == ["db-0.headless.demo.svc"]
    assert reverse(records, "10.244.1.5") == ["10-244-1-5.mysql.demo.svc"]
    assert reverse(records, "10.244.9.9") == []


def test_what_is_deleted_is_gone_from_every_index(records: Records) -> None:
    records.set_service(("demo", "mysql"), None)
    records.set_slice(("demo", "headless-1"), None)
    assert look(records, "mysql.demo.svc") is None
    assert look(records, "headless.demo.svc") is None
    assert reverse(records, "10.100.42.154") == reverse(records, "10.244.1.2") == []
    records.set_namespace("demo", False)
    assert look(records, "web.demo.svc") is None


def test_a_change_replaces_what_was_there(records: Records) -> None:
    records.set_service(("demo", "mysql"), service("mysql", clusterIP="10.96.1.1", clusterIPs=["10.96.1.1"]))
    records.set_slice(("demo", "headless-1"), slice_of("headless", endpoint("10.244.1.8")))
    assert look(records, "mysql.demo.svc") == ["10.96.1.1"]
    assert look(records, "headless.demo.svc") == ["10.244.1.8"]
    assert reverse(records, "10.100.42.154") == []


def test_pods_can_be_verified_or_switched_off(records: Records) -> None:
    records.pods = "verified"
    assert look(records, "10-244-1-5.demo.pod") is None
    records.set_pod(("demo", "p"), ("10.244.1.5",))
    assert look(records, "10-244-1-5.demo.pod") == ["10.244.1.5"]
    records.set_pod(("demo", "p"), ())
    assert look(records, "10-244-1-5.demo.pod") is None
    records.pods = "disabled"
    assert look(records, "pod") == []
    assert look(records, "demo.pod") is None


def test_an_empty_service_can_be_ignored(records: Records) -> None:
    records.ignore_empty_service = True
    assert look(records, "mysql.demo.svc") == ["10.100.42.154"]
    assert look(records, "web.demo.svc") is None


def test_an_address_in_two_slices_stays_while_one_has_it(records: Records) -> None:
    records.set_slice(("demo", "headless-2"), slice_of("headless", endpoint("10.244.1.2", hostname="db-0")))
    records.set_slice(("demo", "headless-1"), None)
    assert reverse(records, "10.244.1.2") == ["db-0.headless.demo.svc"]


def test_a_cluster_ip_belongs_to_whoever_took_it_last(records: Records) -> None:
    records.set_service(("demo", "heir"), service("heir", clusterIP="10.100.0.7", clusterIPs=["10.100.0.7"]))
    records.set_service(("demo", "web"), None)
    assert reverse(records, "10.100.0.7") == ["heir.demo.svc"]


def test_nothing_is_kept_of_services_and_pods_that_come_and_go() -> None:
    records = Records()
    for n in range(50):
        key, name = ("demo", f"s{n}-1"), f"s{n}"
        records.set_slice(key, slice_of(name, endpoint(f"10.244.1.{n}", hostname="a")))
        records.set_slice(key, None)
    assert records == Records()


def test_a_slice_of_host_names_has_no_addresses(records: Records) -> None:
    named = {**slice_of("nobody", {"addresses": ["db.example.org"]}), "addressType": "FQDN"}
    records.set_slice(("demo", "nobody-1"), named)
    assert look(records, "nobody.demo.svc") is None

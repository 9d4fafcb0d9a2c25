"""Ports of the node that lead to pods."""

from __future__ import annotations

import subprocess

import pytest

from tests.node.build import container, pod
from wherry.net.conntrack import Path
from wherry.node.network.hostports import HostPort, is_stale, of_pod, script
from wherry.objects.family import Family

IP = "10.244.1.7"


def test_a_host_port_leads_to_the_containers_port():
    web = pod(container(ports=[{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]))
    assert of_pod(web, [IP]) == [HostPort("", "tcp", 8080, IP, 80)]


def test_it_may_be_bound_to_one_address_and_another_protocol():
    port = {"containerPort": 53, "hostPort": 53, "hostIP": "192.168.51.209", "protocol": "UDP"}
    assert of_pod(pod(container(ports=[port])), [IP]) == [HostPort("192.168.51.209", "udp", 53, IP, 53)]


def test_the_ports_of_a_host_network_pod_are_its_own():
    assert of_pod(pod(container(ports=[{"containerPort": 80, "hostPort": 80}]), hostNetwork=True), [IP]) == []


def test_without_ports_there_is_no_table():
    assert "{" not in script([], Family.V4)


@pytest.mark.parametrize(
    ("address", "answerer", "stale"),
    [
        ("192.168.51.209", "10.244.1.9", True),  # a pod that is gone
        ("192.168.51.209", "192.168.51.209", True),  # nobody was there when the client began
        ("192.168.51.209", IP, False),
        ("127.0.0.1", "10.244.1.9", True),
        ("10.96.0.10", "10.244.1.9", False),  # a Service's port of the same number
    ],
)
def test_a_flow_to_what_was_there_before_is_stale(address: str, answerer: str, stale: bool):
    ports = [HostPort("", "udp", 53, IP, 53), HostPort("", "tcp", 53, "10.244.1.8", 53)]
    assert is_stale(Path((address, 53), (answerer, 53)), ports, ["192.168.51.209"]) is stale


@pytest.mark.kernel
@pytest.mark.parametrize("family", Family)
def test_the_kernel_takes_the_script_again_and_again(family: Family):
    four = [HostPort("", "tcp", 8080, IP, 80), HostPort("192.168.51.209", "udp", 53, IP, 53)]
    six = [HostPort("", "tcp", 8080, "fd00::7", 80), HostPort("fd00::209", "udp", 53, "fd00::7", 53)]
    mixed = HostPort("fd00::209", "udp", 53, IP, 53)
    states = [[*four, *six, mixed], [four[0], six[0]], [four[1], six[1]], [], [*four, *six]]
    whole = "".join(script(ports, family) for ports in states)
    command = ["unshare", "-n", "sh", "-c", "nft -f - && nft list ruleset"]
    done = subprocess.run(command, input=whole, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"tcp . 8080 : {IP if family is Family.V4 else 'fd00::7'} . 80" in done.stdout

"""The command line: ingress-nginx' options, and `render`."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tests.fake.client import FakeClient
from tests.ingress.world import needs_nginx
from wherry.cli.ingress import flags
from wherry.cli.ingress import run as cli
from wherry.ingress.options import Options
from wherry.ingress.webhook import WebhookOptions

ROOT = Path(__file__).parents[2]
CERTIFICATE = ["--validating-webhook-certificate=cert", "--validating-webhook-key=key"]

RULES = """
apiVersion: v1
kind: List
items:
- apiVersion: networking.k8s.io/v1
  kind: Ingress
  metadata: {name: web, namespace: demo}
  spec:
    rules:
    - host: a.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the controller would have been started with."""
    found: list[Any] = []
    monkeypatch.setattr(cli, "_run", lambda given, ignored: found.extend([flags.options(given), ignored]))
    return found


def test_the_articles_arguments_start_us_unchanged(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAME", "nginx-ingress-controller-x")
    monkeypatch.setenv("POD_NAMESPACE", "ingress-nginx")
    documents = yaml.safe_load_all((ROOT / "examples/ingress/mandatory.yaml").read_text())
    deployment = next(d for d in documents if d["kind"] == "Deployment")
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    given = [a.replace("$(POD_NAMESPACE)", "ingress-nginx") for a in arguments]
    result = CliRunner().invoke(cli.command, given)
    assert result.exit_code == 0, result.output
    options = started[0]
    assert isinstance(options, Options)
    assert options.config_map == ("ingress-nginx", "nginx-configuration")
    assert options.tcp_services == ("ingress-nginx", "tcp-services")
    assert options.publish_service == ("ingress-nginx", "ingress-nginx")
    assert options.pod == ("ingress-nginx", "nginx-ingress-controller-x")
    assert options.classes.name == "nginx"


@pytest.mark.parametrize("spelling", [["--http-port=8080"], ["--http_port", "8080"], ["--http_port=8080"]])
def test_options_take_dashes_underscores_and_equals(started: list[Any], spelling: list[str]) -> None:
    assert CliRunner().invoke(cli.command, spelling).exit_code == 0
    assert started[0].http_port == 8080


@pytest.mark.parametrize(
    ("given", "expected"),
    [([], None), (["--watch-ingress-without-class"], True), (["--watch-ingress-without-class=false"], False)],
)
def test_booleans_are_gos(started: list[Any], given: list[str], expected: bool | None) -> None:
    assert CliRunner().invoke(cli.command, given).exit_code == 0
    assert started[0].classes.without_class is expected


def test_options_without_effect_are_accepted_and_named(started: list[Any]) -> None:
    result = CliRunner().invoke(cli.command, ["--election-id=x", "--v=2", "--enable-metrics"])
    assert result.exit_code == 0, result.output
    assert sorted(started[1]) == ["--election-id", "--enable-metrics", "--v"]


@pytest.mark.parametrize(
    "given", ["--watch-namespace-selector=a=b", "--no-such-flag", "--configmap=nonsense", "--http-port=0"]
)
def test_what_we_do_not_know_is_refused_by_name(started: list[Any], given: str) -> None:
    result = CliRunner().invoke(cli.command, [given])
    assert result.exit_code == 2
    assert given.partition("=")[0] in result.output
    assert not started


def test_render_prints_nginx_conf_and_what_is_wrong() -> None:
    result = CliRunner().invoke(cli.command, ["--http-port=8080", "render", "--file", "-"], input=RULES)
    assert result.exit_code == 0
    assert 'server_name "a.test";' in result.stdout
    assert "listen 8080;" in result.stdout
    assert "Ingress demo/web: ServiceNotFound: Service demo/web does not exist" in result.stderr


def test_render_prints_the_backends() -> None:
    result = CliRunner().invoke(cli.command, ["render", "--backends", "--file", "-"], input=RULES)
    assert yaml.safe_load(result.stdout) == {"demo/web/80": []}


def test_render_refuses_an_older_ingress_by_name() -> None:
    old = RULES.replace("networking.k8s.io/v1", "extensions/v1beta1")
    result = CliRunner().invoke(cli.command, ["render", "--file", "-"], input=old)
    assert result.exit_code == 1
    assert "Ingress web is extensions/v1beta1" in result.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a: b", "-: a document is no Kubernetes object (it has no apiVersion and kind)"),
        ("just words", "-: a document is no Kubernetes object"),
        ("- 1", "-: a document is no Kubernetes object"),
        ("", "- is empty"),
        ("kind: ConfigMap", "-: a document is no Kubernetes object"),
        ("{apiVersion: v1, kind: ConfigMap}", "-: ConfigMap has no metadata.name"),
        ("{apiVersion: v1, kind: List, items: [{a: b}]}", "-: a document is no Kubernetes object"),
    ],
)
def test_render_says_in_one_line_that_a_file_holds_something_else(given: str, said: str) -> None:
    result = CliRunner().invoke(cli.command, ["render", "--file", "-"], input=given)
    assert result.exit_code == 1
    assert said.replace("-:", "<stdin>:").replace("- is", "<stdin> is") in result.output
    assert result.output.count("\n") == 1


def test_render_says_that_there_is_no_ingress_among_the_objects() -> None:
    other = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"
    result = CliRunner().invoke(cli.command, ["render", "--file", "-"], input=other)
    assert result.exit_code == 0
    assert "there is no Ingress and no Gateway among these 1 objects" in result.stderr


def test_todays_manifests_and_chart_start_us(started: list[Any]) -> None:
    """The arguments in ingress-nginx' deploy/static/provider/{cloud,baremetal,kind} and of its Helm chart 4.15."""
    given = [
        "/nginx-ingress-controller",
        "--publish-service=ingress-nginx/ingress-nginx-controller",
        "--election-id=ingress-nginx-leader",
        "--controller-class=k8s.io/ingress-nginx",
        "--ingress-class=nginx",
        "--configmap=ingress-nginx/ingress-nginx-controller",
        "--validating-webhook=:8443",
        "--validating-webhook-certificate=/usr/local/certificates/cert",
        "--validating-webhook-key=/usr/local/certificates/key",
        "--watch-ingress-without-class=true",
        "--publish-status-address=localhost",
        "--enable-metrics=false",
        "--enable-ssl-passthrough",
        "--v=2",
    ]
    result = CliRunner().invoke(cli.command, given)
    assert result.exit_code == 0, result.output
    certificates = Path("/usr/local/certificates")
    assert started[0].webhook == WebhookOptions("::", 8443, certificates / "cert", certificates / "key")
    assert started[0].publish_addresses == ("localhost",)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["--validating-webhook=8443", *CERTIFICATE], "is not HOST:PORT"),
        (["--validating-webhook=:99999", *CERTIFICATE], "is not HOST:PORT"),
        (["--validating-webhook=:8443"], "needs --validating-webhook-certificate"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(started: list[Any], given: list[str], why: str) -> None:
    result = CliRunner().invoke(cli.command, given)
    assert result.exit_code == 2
    assert why in result.output


def test_render_refuses_broken_yaml() -> None:
    result = CliRunner().invoke(cli.command, ["render", "--file", "-"], input="{")
    assert result.exit_code == 1
    assert "Error: " in result.output


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without any object."""
    monkeypatch.setattr(cli, "connecting", lambda how, kubeconfig, context: FakeClient())
    monkeypatch.setattr(cli, "guard", lambda: None)  # it forks, and the test's process is not one to fork


@needs_nginx
@pytest.mark.usefixtures("alone")
def test_a_taken_port_is_named_with_the_way_around_it(nginx_dir: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(
            cli.command, [f"--http-port={port}", f"--nginx-dir={nginx_dir}", "--healthz-port=0", "--https-port=1"]
        )
    assert result.exit_code == 1
    assert f"Error: port {port} is taken: Address already in use" in result.output
    assert "--http-port" in result.output


@pytest.mark.usefixtures("alone")
def test_a_missing_nginx_is_named_with_the_way_to_get_it() -> None:
    result = CliRunner().invoke(cli.command, ["--nginx=no-such-nginx"])
    assert result.exit_code == 1
    assert "no-such-nginx is not installed" in result.output


@needs_nginx
@pytest.mark.usefixtures("alone")
def test_a_directory_of_somebody_else_is_refused(nginx_dir: Path) -> None:
    (nginx_dir / "real").mkdir()
    (nginx_dir / "link").symlink_to(nginx_dir / "real")
    result = CliRunner().invoke(cli.command, [f"--nginx-dir={nginx_dir / 'link'}", "--healthz-port=0"])
    assert result.exit_code == 1
    assert "must be a directory of user" in result.output


# The verbs that only look


def test_explain_says_what_becomes_of_a_url_in_words_or_json() -> None:
    result = CliRunner().invoke(cli.command, ["explain", "http://a.test/x", "--file", "-"], input=RULES)
    assert result.exit_code == 0, result.output
    assert "server      a.test (its name)" in result.stdout
    assert "answer      503: Service demo/web does not exist" in result.stdout
    result = CliRunner().invoke(cli.command, ["explain", "a.test", "-o", "json", "--file", "-"], input=RULES)
    assert json.loads(result.stdout)["ingress"] == "demo/web"


def test_lint_names_file_and_document_and_ends_with_1_for_an_error() -> None:
    other = (
        "---\n{apiVersion: v1, kind: Service, metadata: {name: other, namespace: demo}, spec: {ports: [{port: 1}]}}\n"
    )
    result = CliRunner().invoke(cli.command, ["lint", "-"], input=RULES + other)
    assert result.exit_code == 1
    assert result.stdout == "<stdin>:1: error: Ingress demo/web: Service demo/web does not exist\n"
    assert "1 Ingress: 1 error, 0 warnings, 0 notes" in result.stderr
    result = CliRunner().invoke(cli.command, ["lint", "-o", "json", "-"], input=RULES)
    assert result.exit_code == 0
    assert [one["level"] for one in json.loads(result.stdout)] == ["note"]


def test_lint_says_in_one_line_that_a_file_cannot_be_read() -> None:
    result = CliRunner().invoke(cli.command, ["lint", "-"], input="{{ .Values.host }}: {")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1


def test_migrate_reads_the_flags_of_the_controller_that_runs_unless_told_others() -> None:
    mandatory = (ROOT / "examples/ingress/mandatory.yaml").read_text()
    result = CliRunner().invoke(cli.command, ["migrate", "--file", "-"], input=f"{mandatory}\n---\n{RULES}")
    assert result.exit_code == 0, result.output
    assert "Deployment ingress-nginx/nginx-ingress-controller: the same" in result.stdout
    assert "ConfigMap ingress-nginx/nginx-configuration" in result.stdout
    assert "1 Ingress: 1 the same, 0 something differs, 0 something is refused" in result.stdout
    given = ["--ingress-class=other", "migrate", "-o", "json", "--file", "-"]
    result = CliRunner().invoke(cli.command, given, input=f"{mandatory}\n---\n{RULES}")
    assert json.loads(result.stdout)["otherControllers"] == ["demo/web"]


def test_where_to_look_is_said_once() -> None:
    result = CliRunner().invoke(cli.command, ["explain", "a.test", "--kubeconfig", "x", "--name", "y"])
    assert result.exit_code == 2
    assert "say one of --file, --kubeconfig and --name" in result.output


def test_a_client_that_is_no_address_is_refused() -> None:
    result = CliRunner().invoke(cli.command, ["explain", "a.test", "--client", "me", "--file", "-"], input=RULES)
    assert result.exit_code == 2
    assert "--client 'me' is not an IP address" in result.output

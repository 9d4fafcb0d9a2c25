"""Expressions, and the functions Kubernetes adds."""

import datetime
from typing import Any

import pytest

from wherry.cel import environment, opaque
from wherry.cel.errors import TooCostly, Uncompilable, Unevaluable
from wherry.cel.expression import Expression, check


def value(text: str, **variables: Any) -> Any:
    return Expression(text, tuple(variables)).evaluate(variables)


TRUE = [
    "[1, 2, 2].isSorted() && !['b', 'a'].isSorted() && [].isSorted()",
    "[1, 2, 3].sum() == 6 && [1.5, 1.0].sum() == 2.5 && [duration('1h'), duration('1m')].sum() == duration('61m')",
    "[3, 1].min() == 1 && ['a', 'c'].max() == 'c'",
    "sets.contains([1, 2, 3], [3, 1]) && sets.equivalent([1, 1, 2], [2, 1]) && !sets.intersects([1], [2])",
    "'abc 123'.find('[0-9]+') == '123' && 'x'.find('[0-9]+') == ''",
    "'1 22 3'.findAll('[0-9]+') == ['1', '22', '3'] && '1 22 3'.findAll('[0-9]+', 2) == ['1', '22']",
    "isURL('https://a:80/x') && !isURL('a b') && isURL('/absolute') && !isURL('relative')",
    "url('https://u@a.test:80/x%20y?k=1&k=2&l=').getHost() == 'a.test:80'",
    "url('https://[::1]:80/').getHostname() == '::1' && url('https://a/').getPort() == ''",
    "url('https://a/x y'.replace(' ', '%20')).getEscapedPath() == '/x%20y'",
    "url('https://a/?k=1&k=2&l=').getQuery() == {'k': ['1', '2'], 'l': ['']}",
    "isIP('10.0.0.1') && isIP('::1') && !isIP('010.0.0.1') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0')",
    "ip('fd00::0001') == ip('fd00::1') && ip('10.0.0.1').family() == 4 && ip('::').isUnspecified()",
    "ip.isCanonical('::1') && !ip.isCanonical('0:0::1')",
    "ip('127.0.0.1').isLoopback() && ip('8.8.8.8').isGlobalUnicast() && ip('169.254.1.1').isLinkLocalUnicast()",
    "ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()",
    "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
    "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.0.0.0/16').containsCIDR(cidr('10.0.0.0/8'))",
    "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.1.2.3/8').ip() == ip('10.1.2.3')",
    "cidr('::/64').prefixLength() == 64 && isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0') && !isCIDR('10.0.0.0/33')",
    "quantity('1.5Gi').isGreaterThan(quantity('1500Mi')) && quantity('1').compareTo(quantity('1000m')) == 0",
    "quantity('1') == quantity('1000m') && quantity('1k').asInteger() == 1000 && !quantity('1m').isInteger()",
    "quantity('1').add(quantity('1')).sub(1).add(3) == quantity('4') && quantity('-3').sign() == -1",
    "isQuantity('1Mi') && !isQuantity('1 Mi') && quantity('500m').asApproximateFloat() == 0.5",
    "semver('1.2.3-alpha.1').isLessThan(semver('1.2.3')) && semver('1.10.0').isGreaterThan(semver('1.9.0'))",
    "semver('1.2.3-2').compareTo(semver('1.2.3-11')) == -1 && semver('1.2.3+a') == semver('1.2.3')",
    "isSemver('1.2.3') && !isSemver('v1.2') && semver('v1.2', true).major() == 1 && isSemver('v01.2', true)",
    "'%s is %d'.format(['x', 3]) == 'x is 3' && 'a,b'.split(',').join('-') == 'a-b' && ' x '.trim() == 'x'",
    "{'a': 1}.all(k, k == 'a') && optional.of(3).orValue(4) == 3 && [1][?5].orValue(2) == 2",
]


@pytest.mark.parametrize("text", TRUE)
def test_what_kubernetes_adds_to_cel_says_what_it_says_upstream(text: str) -> None:
    assert value(text) is True


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("self.b == 1", "no such key: b"),
        ("1 / 0 == 1", "division by zero"),
        ("self.a == 1 && self.a + 'x' == 'y'", "no such overload"),
        ("[].min() == 1", "min called on empty list"),
        ("quantity('x') == quantity('1')", "quantities must match the regular expression"),
        ("dyn(quantity('1')).isLessThan(semver('1.0.0'))", "no such overload"),
        ("quantity('1Ei').add(quantity('100Ei')).asInteger() == 1", "cannot convert value to integer"),
        ("'x'.find('[') == ''", "illegal regex"),
    ],
)
def test_what_has_no_value_says_why(text: str, message: str) -> None:
    with pytest.raises(Unevaluable, match=message.replace("[", r"\[")):
        value(text, self={"a": 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("self = 42", "Syntax error"),
        ("nobody == 1", "undeclared reference to 'nobody'"),
        ("quantity('1').isLessThan(semver('1.0.0'))", "no matching overload for 'isLessThan'"),
    ],
)
def test_what_cannot_be_compiled_says_where(text: str, message: str) -> None:
    with pytest.raises(Uncompilable, match=message):
        check(text, environment.checking({"self": environment.type_of("dyn")}, opaque.new_pool()))


def test_an_expression_that_goes_on_and_on_is_given_up() -> None:
    with pytest.raises(TooCostly):
        value("self.all(x, self.all(y, self.all(z, x + y + z >= 0)))", self=list(range(1000)))


def test_an_optional_variable_has_a_value_or_none() -> None:
    expression = Expression("old.hasValue() ? old.value() : 7 // to the end of the line", ("old",), ("old",))
    assert [expression.evaluate({"old_given": given}) for given in ([3], [])] == [3, 7]


def test_times_and_durations_are_compared_as_such() -> None:
    moment = opaque.given(datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC))
    assert value("t > timestamp('2026-01-01T00:00:00Z') && t.getFullYear() == 2026", t=moment) is True
    assert value("d < duration('1h')", d=opaque.given(datetime.timedelta(seconds=3))) is True

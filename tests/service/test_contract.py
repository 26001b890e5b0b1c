"""The whole contract, called with the unmodified SDK at its defaults, against the running service."""

from tests.bench.contract import contract_walk, table
from tests.service.stack import Stack


def test_every_method_takes_every_documented_parameter(stack: Stack) -> None:
    rows = contract_walk(stack)
    assert all(row.whole for row in rows), table(rows)

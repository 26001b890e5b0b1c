"""The whole contract, called with the unmodified SDK at its defaults, against the running service."""

import pytest

from tests.bench.contract import contract_walk, table
from tests.bench.schema import schema_run
from tests.service.stack import Stack


def test_every_method_takes_every_documented_parameter(stack: Stack) -> None:
    rows = contract_walk(stack)
    assert all(row.whole for row in rows), table(rows)


@pytest.mark.parametrize("with_key", [True, False])
def test_any_request_gets_a_described_answer(stack: Stack, with_key: bool) -> None:
    row = schema_run(stack, with_key=with_key, examples=2)
    assert row.passed, row.told
    assert row.cases > 50

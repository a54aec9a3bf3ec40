"""What tests of several packages share: a TiKV stack on real processes, one for all tests of a file."""

import pytest

from support.machine.temporary import home
from support.stacks.tikv_on_processes import tikv_on_processes
from support.stacks.tikv_programs import stand_ins
from support.supervisor import Guardian, Supervisor


@pytest.fixture(scope="module")
async def running_tikv(tmp_path_factory):
    with Guardian.start(home()) as guardian:
        directory = guardian.directory / "s"
        directory.mkdir()
        async with (
            Supervisor(tmp_path_factory.mktemp("spools"), guardian=guardian) as supervisor,
            tikv_on_processes(stand_ins(), directory=directory, supervisor=supervisor) as stack,
        ):
            yield stack


@pytest.fixture
async def tikv(running_tikv):
    """A stack in its steady state. Whoever uses it says `anyio_backend` for the module."""
    await running_tikv.reset()
    await running_tikv.steady(within=30)
    return running_tikv

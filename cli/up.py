"""`shoal up`."""

from __future__ import annotations

import logging
import sys

import click

from core.home import Home


@click.command()
@click.option(
    "--exit-when-idle", type=click.FloatRange(0), metavar="SECONDS", help="Leave when nothing ran or waited this long."
)
def up(exit_when_idle: float | None) -> None:
    """Run the scheduler in this terminal.

    It starts what waits and follows what runs, until ctrl+c. Containers go on; the next scheduler takes them over.
    """
    from core.scheduler.service import run_scheduler  # noqa: PLC0415

    _log()
    home = Home.default()
    run_scheduler(home, exit_when_idle=exit_when_idle, ready=lambda: _tell_ready(home))


def _log() -> None:
    """Print what Shoal itself tells, and of the libraries only what is wrong; on a terminal without the date."""
    from core.scheduler.background import LOG_FORMAT  # noqa: PLC0415

    if sys.stderr.isatty():
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    else:
        logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    for name in ("cli", "core"):
        logging.getLogger(name).setLevel(logging.INFO)


def _tell_ready(home: Home) -> None:
    from core.environments.loads import loads  # noqa: PLC0415
    from core.shoal import Shoal  # noqa: PLC0415

    shoal = Shoal(home)
    system = shoal.system_session()
    logger = logging.getLogger(__name__)
    logger.info("ready in %s", home.root)
    for load in loads(system):
        logger.info(
            "environment %s: %d machines of at most %d, %d executions wait",
            load.environment.slug,
            load.machines,
            load.environment.maximum_scale,
            load.waiting,
        )
    shoal.close()

"""The small recordings in the repository: two tenants of the demo, and what the tests load."""

from pathlib import Path

from sandbox.generate.recordings import write
from sandbox.generate.world import World

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
DEMO_WORLDS = {
    "acme": World(items=120, seed=7, style_name="acme", lean=True),
    "globex": World(items=100, seed=8, style_name="globex", lean=True),
}


def write_demo(directory: Path = RECORDINGS) -> None:
    """Write the recording of each demo tenant into its own directory there."""
    for name, world in DEMO_WORLDS.items():
        write(world, directory / name, ledger=True)


if __name__ == "__main__":
    write_demo()

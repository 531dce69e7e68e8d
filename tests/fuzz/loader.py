"""`python -m tests.fuzz loader --minutes N`: damaged .mpy files and images through the loader.

Each must load and run, or end in an error of ours or of the guest; anything else is a bug
and is kept as a file.
"""

from __future__ import annotations

import argparse
import random
import time
import traceback
from collections import Counter
from pathlib import Path

from loader.source import compile_source
from romfs.errors import ImageError
from romfs.image import Image
from romfs.layout import build_image
from tests.loader.test_fuzz import TEXTS, mutate, run_damaged


def main(argv: list[str]) -> int:
    """Run for a while; the number of bugs found is the exit code, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz loader")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args(argv)
    seed = random.randrange(1 << 32) if args.seed is None else args.seed
    print(f"seed {seed}")
    rng = random.Random(seed)
    files = [compile_source(text, f"p{number}.py") for number, text in enumerate(TEXTS)]
    ends: Counter[str] = Counter()
    bugs = 0
    stop = time.monotonic() + args.minutes * 60
    while time.monotonic() < stop:
        data = mutate(rng.choice(files), rng)
        try:
            ends[run_damaged(data)] += 1
            ends[_image(data, rng)] += 1
        except BaseException as error:  # noqa: BLE001  this is what we look for
            if isinstance(error, KeyboardInterrupt):
                break
            bugs += 1
            kept = Path(f"fuzz-{seed}-{bugs}.mpy")
            kept.write_bytes(data)
            print(f"{kept}: {error!r}")
            traceback.print_exc()
    for name, count in ends.most_common():
        print(f"{count:8} {name}")
    print(f"{sum(ends.values())} cases, {bugs} bugs")
    return min(bugs, 1)


def _image(data: bytes, rng: random.Random) -> str:
    """Damage an image around the file and read it whole."""
    try:
        image = Image(mutate(build_image({"lib/m.mpy": data, "d/e": b"x" * 200}), rng))
        for _, file in image.files():
            bytes(file.data)
    except ImageError:
        return "image refused"
    return "image read"

"""How passwords are kept."""

import subprocess
import sys

from argon2 import Type, extract_parameters


def test_a_password_costs_whoever_guesses_it_64_mib_and_three_passes() -> None:
    """Asked of a process of its own: in this one, hashes are cheap."""
    program = "from service.values.accounts import hashed; print(hashed('correct horse battery'), end='')"
    kept = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    found = extract_parameters(kept)
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (Type.ID, 64 * 1024, 3, 4)

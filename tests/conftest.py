"""For all tests: who runs them may have a service of their own, and what they have set for it is not for ours."""

import os

# Where the browser is, and on which Redis the tests run, says whoever runs the tests.
OURS = {"STEWARD_CHROMIUM", "STEWARD_TEST_SERVER"}

for name in [name for name in os.environ if name.startswith("STEWARD_") and name not in OURS]:
    del os.environ[name]

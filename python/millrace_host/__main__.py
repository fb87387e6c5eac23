# SPDX-License-Identifier: Apache-2.0
"""`python3 <folder>/millrace_host`: started by the engine, never by hand."""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from millrace_host.host import main  # noqa: E402  (found through the path above)

main()

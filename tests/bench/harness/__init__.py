# SPDX-License-Identifier: MIT
"""What tests/bench/run is made of: processes, measurements, scenarios, reports. Standard library only."""

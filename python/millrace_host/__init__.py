# SPDX-License-Identifier: Apache-2.0
"""The program in which Python plugins and templates of Millrace run."""

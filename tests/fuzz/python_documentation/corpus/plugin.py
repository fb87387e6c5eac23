import os, millrace as m
from x import (a,
  run as main)
plugin = m.Plugin("x")
x = [1,
def main(event, *, a=(1, "\"")) -> None: return \
  event

DOCUMENTATION: str = u'''\
---
short_description: "All O(types) \x41\u00e9"
description: One U(https://a) L(b,https://c).
options:
  a: {type: str, default: x, choices: [x, y], no_log: true}
  b: {type: int, default: many}
  c: {type: float, default: 1}
  d: {type: bool, default: yes}
  e: {type: list, elements: str, default: [a, {b: c}]}
  f: {type: list, elements: dict}
  g: {type: dict, suboptions: {h: {type: int}}}
  i: {type: path, required: true}
  j: {type: raw, description: [one, two]}
  k: a text
  l:
notes: [x]
'''
EXAMPLES = ("a"  # one
            r'b')

"""Doc."""
DOCUMENTATION = r'''
short_description: Receives X via V(webhooks).
description:
  - One.
options:
  port: {type: int, required: true, description: The O(port) to use.}
  token: {type: str, no_log: true}
'''
EXAMPLES = r'''
- my_hook:
    port: 1
'''
async def main(queue, args): pass

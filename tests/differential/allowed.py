# SPDX-License-Identifier: Apache-2.0
"""Where Fusewire differs from both peers on purpose: (pattern of the case's name, the complaint, the reason)."""

import re

ALLOWED = [
    (r"^request: authority |: the authority$|'http://h%00/'", "laxer",
     "a host's name may hold sub-delims and percent (RFC 3986 §3.2.2); nginx takes them in Host but not in a target, "
     "HAProxy refuses whatever is not its Host's twin"),
    (r"^request: Host beside an absolute target", "laxer",
     "Host comes from an absolute target, whatever the field said (RFC 9112 §3.2.2); HAProxy refuses a difference, "
     "nginx a field that it does not use"),
    (r"^request: target, HTTP/1.0 without Host|^request: Host in HTTP/1.0 ''", "framed as by nobody else",
     "a request of HTTP/1.0 without Host is given the origin's, where the others send none or their own"),
    (r"^response: a head of 40 KiB", "laxer",
     "an upstream's head may have 64 KiB (limits.max_head_bytes), where the others have room for 4 or 16"),
]


def reason(name, complaint):
    """Why that is right as it is, or None."""
    for pattern, what, why in ALLOWED:
        if what in complaint and re.search(pattern, name):
            return why
    return None

"""How a secret may be written, apart from what the mock itself knows of that."""

import base64
import json
from urllib.parse import quote, quote_plus


def written_ways(value):
    data = value.encode()
    ways = [
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        quote(value, safe="").lower() if value.islower() else quote(value, safe="~"),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(value)[1:-1].replace("/", "\\/"),
        base64.b64encode(data).decode(),
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
        quote(base64.b64encode(data).decode(), safe=""),
    ]
    for before in (1, 2):
        inner = base64.b64encode(b"u" * before + data)
        ways.append(inner[2 if before == 1 else 3 : 8 * (before + len(data)) // 6].decode())
    return ways

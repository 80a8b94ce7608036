"""HOW DO WE REACH THE OUTSIDE SAFELY? The only code of the product that opens outbound connections.

addresses  which URLs and addresses may be reached; a name is resolved once, and what was checked is what is connected
fetch      one guarded GET: redirects followed by us, one time limit over everything (`Net`, the way in)
http1      what the server said: head and body of an HTTP/1.1 answer, with limits
decoding   the body as plain bytes, never larger than agreed
hints      when the server wishes to be asked again
wire       bytes from a socket before a deadline
faults     what went wrong, in plain words

Why not an HTTP library: docs/adr/0004-own-http-client.md.
"""

from __future__ import annotations

from triage.net.addresses import Resolver
from triage.net.fetch import FetchRequest, FetchResult, Net

__all__ = ["FetchRequest", "FetchResult", "Net", "Resolver"]

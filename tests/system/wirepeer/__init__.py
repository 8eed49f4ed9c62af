# SPDX-License-Identifier: BSD-2-Clause
"""A small host at the other end of a guest's card: frames.py makes and judges frames, peer.py answers ARP and holds streams, attacks.py
has what nobody should send."""

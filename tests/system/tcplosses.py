# SPDX-License-Identifier: BSD-2-Clause
"""What a card has received is lost with its driver: rtl8139 receives into the driver's own memory. Compare tcpstates.py."""
import time

import tcpstates
from network import Forward, free_port
from puppet import dying_in_the_card, wait_for_lease

DRIVER, NETDEV = "rtl8139", "net0"
OPTIONS = {"nics": ["rtl8139"], "forwards": [Forward(free_port(), tcpstates.GUEST_PORT)]}
SETTLE_S = 0.5


def test_connect_whose_answer_is_lost(guest):
    """The first SYN-ACK dies with the driver; the connection is made by another one."""
    tcpstates.connect_with_its_answer_in_the_card(guest, DRIVER, True)


def test_connect_from_outside_whose_syn_is_lost(guest):
    tcpstates.connect_from_outside(guest, DRIVER, True)


def test_close_by_the_guest(guest):
    """Its FIN is in the dying driver; the FIN of the other half is lost."""
    tcpstates.close_by_the_guest(guest, DRIVER, True)


def test_close_by_the_peer(guest):
    """Its FIN is lost; that of the guest is in the dying driver."""
    tcpstates.close_by_the_peer(guest, DRIVER, True)


def test_offer_of_an_address_is_lost(guest):
    """It is asked for again."""
    wait_for_lease(guest)
    with tcpstates.wire(guest) as found:
        with dying_in_the_card(guest, DRIVER, NETDEV):
            tcpstates.replace_inet(guest)
            time.sleep(SETTLE_S)
        wait_for_lease(guest)
    assert tcpstates.dhcp(found[0], tcpstates.OFFER) >= 2, found[0]

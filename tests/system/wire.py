# SPDX-License-Identifier: BSD-2-Clause
"""What tshark says of a capture of the wire."""
import csv
import shutil
import struct
import subprocess

GUEST_MAC = "52:54:00:12:34:56"
BAD = "0"     # of the fields checksum.status; 1 good, 2 not verified, 3 not present
# QEMU's cards that compute sums write 0xffff for 0, in TCP as well as in UDP. It is the same number in ones' complement.
ZERO_SUM = "[TCP CHECKSUM 0xFFFF]"
ERROR = "8388608"   # of _ws.expert.severity
SUMS = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status")
# The last two are tshark's names for guesses about why a segment was repeated.
REPEATED = ("tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission")
FIELDS = ("frame.number", "eth.src", "_ws.malformed", "_ws.expert.severity", "_ws.col.Info", "tcp.flags.reset", "tcp.flags.syn", "tcp.flags.ack", "tcp.flags.fin", "tcp.len", "tcp.stream",
          "arp.opcode", "dhcp.option.dhcp",
          *SUMS, *REPEATED)
PCAP_HEAD, PCAP_RECORD = 24, struct.Struct("<IIII")
VNET = struct.Struct("<BBHHHHH")    # virtio 1.2, 5.1.6
VNET_OF_RESET_BYTES = 10            # without the count of buffers: while the device is reset
NEEDS_CSUM = 1
TYPE_AT, TYPES = 12, (0x0800, 0x0806, 0x86dd)    # of Ethernet: IPv4, ARP, IPv6
# No guesses about what random bytes might be.
PLAIN = ["-d", "tcp.port==1-65535,data", "-d", "udp.port==1024-65535,data"]
VERIFY = [word for name in ("tcp", "ip", "udp") for word in ("-o", f"{name}.check_checksum:TRUE")]


class Wire:
    """Frames of a capture file, as dicts of FIELDS. Fails when tshark is missing."""

    def __init__(self, path, guest_sums=True):
        """guest_sums: the capture is behind the card, so that the guest's checksums must be there."""
        assert shutil.which("tshark"), "tshark is not installed on this computer; run tools/setup"
        self.guest_sums = guest_sums
        command = ["tshark", "-n", "-r", path, *PLAIN, *VERIFY, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "quote=n"]
        command += [word for field in FIELDS for word in ("-e", field)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"tshark: status {done.returncode}: {done.stderr[-500:]}"
        self.frames = [dict(zip(FIELDS, row)) for row in csv.reader(done.stdout.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
                       if row]
        assert self.frames, f"there are no frames in {path}"

    def __repr__(self):
        return (f"{len(self.frames)} frames, repeated: {self.repeated(True)} by the guest, {self.repeated(False)} by the other side; "
                f"ends with {[frame['_ws.col.Info'] for frame in self.frames[-5:]]}")

    @staticmethod
    def is_guests(frame):
        return frame["eth.src"] == GUEST_MAC

    def select(self, condition, from_guest=None):
        """Frames for which condition(frame) is true, of one side or of both."""
        return [frame for frame in self.frames if condition(frame) and from_guest in (None, self.is_guests(frame))]

    def repeated(self, from_guest):
        """Segments that were sent before; None: by either side."""
        return len(self.select(lambda frame: any(frame[field] for field in REPEATED), from_guest))

    def count(self, flag, from_guest):
        """Segments with a flag (syn, fin, reset)."""
        return len(self.select(lambda frame: is_set(frame[f"tcp.flags.{flag}"]), from_guest))

    def check_frames(self):
        """No malformed frame, no wrong checksum of the guest, no reset."""
        wrong = self.select(lambda frame: frame["_ws.malformed"]
                            or (ERROR in frame["_ws.expert.severity"].split(",") and not is_sum_trouble(frame)))
        assert not wrong, f"malformed: {wrong[:5]}"
        if self.guest_sums:
            wrong = self.select(has_bad_sum, True)
            assert not wrong, f"{len(wrong)} frames of the guest with wrong checksums: {wrong[:5]}"
            unchecked = self.select(lambda frame: frame["tcp.len"] and frame["tcp.checksum.status"] != "1"
                                    and ZERO_SUM not in frame["_ws.col.Info"], True)
            assert not unchecked, f"{len(unchecked)} segments of the guest whose checksum was not verified: {unchecked[:3]}"
        wrong = self.select(lambda frame: is_set(frame["tcp.flags.reset"]) and not self.is_afterwards(frame))
        assert not wrong, f"{len(wrong)} resets: {wrong[:5]}"

    def is_afterwards(self, reset):
        """Both sides had ended the stream: one was through with it and forgot it, when an ACK came that the other one had repeated
        because something before it was repeated (RFC 9293, 3.10.7.1: such a reset has no ACK)."""
        before = self.frames[:int(reset["frame.number"]) - 1]
        ends = {frame["eth.src"] for frame in before if frame["tcp.stream"] == reset["tcp.stream"] and is_set(frame["tcp.flags.fin"])}
        return len(ends) == 2 and not is_set(reset["tcp.flags.ack"])


def ones_sum(data):
    """RFC 1071, without the complement, of bytes that are not all zero. One byte too few counts as zero."""
    return int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xffff or 0xffff


def vnet_bytes(record):
    """Length of virtio's header in front of a frame; the frame's type tells."""
    for size in (VNET.size, VNET_OF_RESET_BYTES):
        if record[size + TYPE_AT:size + TYPE_AT + 2] in [struct.pack(">H", kind) for kind in TYPES]:
            return size
    raise AssertionError(f"neither IP nor ARP, with any length of virtio's header: {record[:40].hex(' ')}")


def without_vnet(path):
    """A copy of a capture of a virtio card over tap, whose frames follow virtio's header there. Where the header asks for the rest
    of a checksum it is filled in, as the host would do it: what was there must have been the sum of the pseudo header."""
    with open(path, "rb") as file:
        data = file.read()
    out, at = [data[:PCAP_HEAD]], PCAP_HEAD
    while at < len(data):
        seconds, us, kept, length = PCAP_RECORD.unpack_from(data, at)
        assert kept == length, f"a frame of {length} bytes is cut to {kept}"
        at += PCAP_RECORD.size
        flags, _, _, _, start, offset, _ = VNET.unpack_from(data, at)
        frame = bytearray(data[at + vnet_bytes(data[at:at + length]):at + length])
        if flags & NEEDS_CSUM:
            assert start + offset + 2 <= len(frame), f"checksum at {start} + {offset} of {len(frame)} bytes"
            struct.pack_into(">H", frame, start + offset, 0xffff - ones_sum(frame[start:]))
        out += [PCAP_RECORD.pack(seconds, us, len(frame), len(frame)), frame]
        at += length
    with open(path + ".plain", "wb") as file:
        file.write(b"".join(out))
    return path + ".plain"


def is_sum_trouble(frame):
    return any(frame[field] == BAD for field in SUMS)


def has_bad_sum(frame):
    return is_sum_trouble(frame) and ZERO_SUM not in frame["_ws.col.Info"]


def is_set(text):
    return text in ("1", "True")

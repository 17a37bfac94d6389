# SPDX-License-Identifier: GPL-2.0
"""Tell where the CPUs of a guest are.

Usage: python3 cpus.py RESULTDIR LIMIT

Asks the emulator behind RESULTDIR/monitor for the registers of all CPUs, three
times, so that a CPU that waits can be told from one that runs.  Prints one line
per CPU with the function it was in each time, by RESULTDIR/System.map, then
"LIMIT, not waiting:" with the CPUs that neither waited for an interrupt nor were
off in any of the looks, and then the registers themselves.  LIMIT is the limit
that has struck.  QEMU for s390x may abort when it is asked for the registers of a
CPU that is in the middle of its code; that CPU is told as "?".
Exit codes: 0 done, 1 the emulator did not answer.
"""

import bisect
import os
import re
import socket
import sys
import time

PROMPT = b"(qemu) "
# x86: "RIP=ffffffff81000000 RFL=... HLT=0"; s390x: "PSW=mask 0404... addr 0000... "
PLACE = re.compile(
    r"CPU#(\d+)|RIP=([0-9a-f]{16}).* HLT=(\d)|PSW=mask ([0-9a-f]{16}) addr ([0-9a-f]{16})"
)
# s390x: the bit of the PSW for a CPU that waits, and where one stops itself; 0 is
# the address of one that was reset
PSW_WAIT = 1 << 49
STOPS = re.compile(r"0x0|(pcpu_sigp_retry|cpu_die)\+")
# The condition code is only worked out when it is asked for. One that waits or was
# stopped has it complete, so this is the end of a look at one that runs
HALF_DONE = re.compile(r"cc_helper\.c:\d+:\w+: assertion failed")


def ask(monitor, command):
    """Send a command to the monitor and return what it prints.

    Without a command: what it prints of its own accord, to its first prompt.
    """
    if command:
        monitor.sendall(command + b"\n")
    answer = b""
    while not answer.endswith(PROMPT):
        part = monitor.recv(65536)
        if not part:
            raise OSError("the monitor was closed")
        answer += part
    # The monitor echoes the command with control characters, on one line.
    text = answer.decode(errors="replace").replace("\r", "")
    return text.partition("\n")[2].replace(PROMPT.decode(), "")


def read_symbols(path):
    """Return the sorted addresses and the names of the functions."""
    symbols = []
    if os.path.exists(path):
        with open(path, encoding="ascii") as lines:
            for line in lines:
                address, kind, name = line.split()[:3]
                if kind in "tT":
                    symbols.append((int(address, 16), name))
    # The map of s390 counts from 0; the kernel runs at the image's base.
    base = 0
    with open("config", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("CONFIG_KERNEL_IMAGE_BASE="):
                base = int(line.partition("=")[2], 16)
    symbols = [(a + base if a < base else a, name) for a, name in symbols]
    symbols.sort()
    return [s[0] for s in symbols], [s[1] for s in symbols]


def name_of(address, addresses, names):
    """Return symbol+offset, or the number where there is no symbol."""
    i = bisect.bisect_right(addresses, address) - 1
    if i < 0 or address - addresses[i] > 0x10000:
        return f"{address:#x}"
    return f"{names[i]}+{address - addresses[i]:#x}"


def main():
    """Print where each CPU was."""
    os.chdir(sys.argv[1])  # the path of a socket must be short
    addresses, names = read_symbols("System.map")
    monitor = socket.socket(socket.AF_UNIX)
    monitor.settimeout(5)
    places, waits, registers = {}, set(), ""
    try:
        monitor.connect("monitor")
        ask(monitor, b"")
        for _ in range(3):
            registers = ask(monitor, b"info registers -a")
            cpu = "0"
            for number, rip, halted, mask, psw in PLACE.findall(registers):
                cpu = number or cpu
                if rip or psw:
                    where = name_of(int(rip or psw, 16), addresses, names)
                    places.setdefault(cpu, []).append(where)
                    if rip and halted == "1":
                        waits.add(cpu)
                    if psw and (int(mask, 16) & PSW_WAIT or STOPS.match(where)):
                        waits.add(cpu)
            time.sleep(0.3)
    except OSError as error:
        print(f"no answer: {error}")
        with open("qemu.log", encoding="ascii", errors="replace") as log:
            if HALF_DONE.search(log.read()):
                print(f"{sys.argv[2]}, not waiting: ?")
        return 1
    for cpu, where in places.items():
        print(f"CPU {cpu}: {', '.join(where)}")
    print(f"{sys.argv[2]}, not waiting:", *[c for c in places if c not in waits])
    print(registers)
    return 0


if __name__ == "__main__":
    sys.exit(main())

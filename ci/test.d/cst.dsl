// SPDX-License-Identifier: GPL-2.0
//
// One idle state for the first six CPUs of a q35 machine of QEMU, which has
// none of its own: what the ACPI idle driver needs to be used.
//
DefinitionBlock ("", "SSDT", 2, "TEST", "CST", 1)
{
    Name (CSTP, Package () { 1,
        Package () { ResourceTemplate () { Register (FFixedHW, 0, 0, 0, 0) }, 1, 1, 1000 }
    })

    External (\_SB.CPUS.C000, DeviceObj)
    Scope (\_SB.CPUS.C000) { Method (_CST, 0, NotSerialized) { Return (CSTP) } }

    External (\_SB.CPUS.C001, DeviceObj)
    Scope (\_SB.CPUS.C001) { Method (_CST, 0, NotSerialized) { Return (CSTP) } }

    External (\_SB.CPUS.C002, DeviceObj)
    Scope (\_SB.CPUS.C002) { Method (_CST, 0, NotSerialized) { Return (CSTP) } }

    External (\_SB.CPUS.C003, DeviceObj)
    Scope (\_SB.CPUS.C003) { Method (_CST, 0, NotSerialized) { Return (CSTP) } }

    External (\_SB.CPUS.C004, DeviceObj)
    Scope (\_SB.CPUS.C004) { Method (_CST, 0, NotSerialized) { Return (CSTP) } }

    External (\_SB.CPUS.C005, DeviceObj)
    Scope (\_SB.CPUS.C005) { Method (_CST, 0, NotSerialized) { Return (CSTP) } }
}

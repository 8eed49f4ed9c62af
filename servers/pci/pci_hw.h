/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of PCI configuration space (PCI Local Bus 3.0, chapter 6; PCI-to-PCI Bridge 1.2). */
#ifndef PCI_HW_H
#define PCI_HW_H

#define PCI_PORT_ADDRESS 0xcf8
#define PCI_PORT_DATA    0xcfc
#define PCI_ADDRESS_ON   0x80000000u

#define PCI_BUSES     256u
#define PCI_SLOTS     32u
#define PCI_FUNCS     8u
#define PCI_CFG_BYTES 256u

#define PCI_BDF(bus, slot, func) ((uint16_t)((bus) << 8 | (slot) << 3 | (func)))
#define PCI_BUS(bdf)             ((unsigned)(bdf) >> 8)
#define PCI_SLOT(bdf)            (((unsigned)(bdf) >> 3) & 31)
#define PCI_FUNC(bdf)            ((unsigned)(bdf)&7)

#define CFG_VENDOR        0x00
#define CFG_DEVICE        0x02
#define CFG_COMMAND       0x04
#define CFG_STATUS        0x06
#define CFG_REVISION      0x08
#define CFG_PROG_IF       0x09
#define CFG_SUBCLASS      0x0a
#define CFG_CLASS         0x0b
#define CFG_CACHE_LINE    0x0c
#define CFG_LATENCY       0x0d
#define CFG_HEADER        0x0e
#define CFG_BAR0          0x10
#define CFG_SECONDARY_BUS 0x19 /* header type 1 */
#define CFG_SUBVENDOR     0x2c
#define CFG_SUBDEVICE     0x2e
#define CFG_CAPABILITIES  0x34
#define CFG_IRQ_LINE      0x3c
#define CFG_IRQ_PIN       0x3d
#define CFG_DEVICE_AREA   0x40 /* first byte that is not part of the standard header */

#define VENDOR_NONE 0xffff

#define COMMAND_IO         0x0001
#define COMMAND_MEM        0x0002
#define COMMAND_MASTER     0x0004
#define COMMAND_INTX_OFF   0x0400
#define STATUS_HAS_CAPS    0x0010
#define HEADER_TYPE_MASK   0x7f
#define HEADER_TYPE_PLAIN  0
#define HEADER_TYPE_BRIDGE 1
#define HEADER_MULTI       0x80

#define BAR_IO        0x1u
#define BAR_TYPE_MASK 0x6u
#define BAR_TYPE_64   0x4u
#define BAR_PREFETCH  0x8u
#define BAR_IO_MASK   0xfffffffcu
#define BAR_MEM_MASK  0xfffffff0u

#define CAP_ID_MSI  0x05
#define CAP_ID_MSIX 0x11
#define CAPS_MAX    48 /* of one function: 192 bytes hold no more */

/* Offsets in the MSI capability. */
#define MSI_CONTROL   2
#define MSI_ADDR_LOW  4
#define MSI_ADDR_HIGH 8
#define MSI_DATA_32   8
#define MSI_DATA_64   12
#define MSI_MASK_32   12
#define MSI_MASK_64   16
#define MSI_CTL_ON    0x0001
#define MSI_CTL_COUNT 0x0070 /* log2 of the vectors in use */
#define MSI_CTL_64    0x0080
#define MSI_CTL_MASKS 0x0100
#define MSI_BYTES_MAX 24

/* Offsets in the MSI-X capability, and of its table's entries. */
#define MSIX_CONTROL     2
#define MSIX_TABLE       4
#define MSIX_BYTES       12
#define MSIX_CTL_SIZE    0x07ff /* entries - 1 */
#define MSIX_CTL_MASKALL 0x4000
#define MSIX_CTL_ON      0x8000
#define MSIX_BIR_MASK    0x7u
#define MSIX_ENTRY_BYTES 16
#define MSIX_ENTRY_WORDS 4
#define MSIX_WORD_ADDR   0
#define MSIX_WORD_HIGH   1
#define MSIX_WORD_DATA   2
#define MSIX_WORD_MASK   3

#define CLASS_BRIDGE         0x06
#define SUBCLASS_HOST_BRIDGE 0x00

#endif

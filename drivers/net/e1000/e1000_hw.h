/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and descriptors of Intel's 8254x (Software Developer's Manual 317453, whose section numbers
 * these are) and of the 82574 (data sheet 2.5), where it differs.
 */
#ifndef E1000_E1000_HW_H
#define E1000_E1000_HW_H

#include "axolotl/types.h"

#define ID_82540EM 0x100e
#define ID_82545EM 0x100f
#define ID_82574L  0x10d3

/* 13.4.1, 13.4.2 */
#define REG_CTRL        0x0000
#define CTRL_ASDE       (1u << 5) /* speed as the PHY says */
#define CTRL_SLU        (1u << 6) /* set link up */
#define CTRL_LRST       (1u << 3)
#define CTRL_ILOS       (1u << 7)
#define CTRL_FRCSPD     (1u << 11)
#define CTRL_FRCDPX     (1u << 12)
#define CTRL_RST        (1u << 26)
#define CTRL_VME        (1u << 30)
#define CTRL_PHY_RST    (1u << 31)
#define REG_STATUS      0x0008
#define STATUS_FD       (1u << 0)
#define STATUS_LU       (1u << 1)
#define STATUS_SPEED(s) (((s) >> 6) & 3) /* 0: 10, 1: 100, 2 and 3: 1000 Mb/s */

/* 13.4.4; the 82574 (10.2.2.4) has other positions */
#define REG_EERD              0x0014
#define EERD_START            (1u << 0)
#define EERD_DONE             (1u << 4)
#define EERD_ADDR_SHIFT       8
#define EERD_82574_DONE       (1u << 1)
#define EERD_82574_ADDR_SHIFT 2
#define EERD_DATA(v)          ((uint16_t)((v) >> 16))
#define EEPROM_MAC_WORDS      3 /* 5.6.1: words 0-2 */

/* 13.4.17-13.4.21 */
#define REG_ICR    0x00c0
#define REG_ITR    0x00c4 /* units of 256 ns */
#define REG_IMS    0x00d0
#define REG_IMC    0x00d8
#define REG_EIAC   0x00dc      /* 82574: cleared by sending the message: none */
#define REG_IVAR   0x00e4      /* 82574: causes to MSI-X vectors */
#define REG_EITR0  0x00e8      /* 82574: ITR of vector 0 */
#define IVAR_ALL_0 0x00088888u /* both queues, both directions, others: valid, vector 0 */
#define INT_TXDW   (1u << 0)
#define INT_LSC    (1u << 2)
#define INT_RXDMT0 (1u << 4)
#define INT_RXT0   (1u << 7)
#define INT_RXQ0   (1u << 20) /* 82574 with MSI-X: instead of RXT0 and TXDW */
#define INT_TXQ0   (1u << 22)
#define INT_OTHER  (1u << 24)

/* 13.4.22: buffers of 2048 bytes are BSIZE 0 */
#define REG_RCTL   0x0100
#define RCTL_EN    (1u << 1)
#define RCTL_UPE   (1u << 3) /* all unicast */
#define RCTL_MPE   (1u << 4) /* all multicast */
#define RCTL_BAM   (1u << 15)
#define RCTL_SECRC (1u << 26) /* no FCS in the buffer */
#define RX_BYTES   2048u

/* 13.4.33, 13.4.34 */
#define REG_TCTL    0x0400
#define TCTL_EN     (1u << 1)
#define TCTL_PSP    (1u << 3) /* pad short frames */
#define TCTL_CT     (0x0fu << 4)
#define TCTL_COLD   (0x40u << 12) /* full duplex */
#define REG_TIPG    0x0410
#define TIPG_COPPER (8u | 8u << 10 | 6u << 20)

/* 13.4.25-13.4.31 */
#define REG_RDBAL 0x2800
#define REG_RDBAH 0x2804
#define REG_RDLEN 0x2808
#define REG_RDH   0x2810
#define REG_RDT   0x2818
#define REG_RDTR  0x2820
#define REG_RADV  0x282c

/* 13.4.35-13.4.45 */
#define REG_TDBAL 0x3800
#define REG_TDBAH 0x3804
#define REG_TDLEN 0x3808
#define REG_TDH   0x3810
#define REG_TDT   0x3818
#define REG_TIDV  0x3820 /* units of 1.024 us, of descriptors with IDE */
#define REG_TADV  0x382c

/* 13.5 */
#define REG_RXCSUM   0x5000
#define RXCSUM_IPOFL (1u << 8)
#define RXCSUM_TUOFL (1u << 9)
#define REG_MTA      0x5200
#define MTA_WORDS    128
#define REG_RAL0     0x5400
#define REG_RAH0     0x5404
#define RAH_AV       (1u << 31)
#define REGS_BYTES   0x5800u /* what is used of the BAR */

/* 3.3.3, 3.3.6, 3.3.7: transmit descriptors, as two little-endian words */
struct tx_desc {
	uint64_t low;
	uint64_t high;
};
_Static_assert(sizeof(struct tx_desc) == 16, "transmit descriptor");
#define TXD_LEN_MAX    4096u /* of one descriptor: well below the FIFO */
#define TXD_DATA       (1ull << 20)
#define TXD_EOP        (1ull << 24)
#define TXD_IFCS       (1ull << 25)
#define TXD_TSE        (1ull << 26)
#define TXD_RS         (1ull << 27)
#define TXD_DEXT       (1ull << 29)
#define TXD_IDE        (1ull << 31)
#define TXD_DD         (1ull << 32)
#define TXD_POPTS_IXSM (1ull << 40) /* insert the IP checksum */
#define TXD_POPTS_TXSM (1ull << 41) /* insert the TCP or UDP checksum */
#define TXC_TCP        (1ull << 24)
#define TXC_IPV4       (1ull << 25)
#define TXC_TSE        (1ull << 26)
#define TXC_BYTE_MAX   255u /* IPCSS, IPCSO, TUCSS, TUCSO, HDRLEN */
#define TXC_PAYLEN_MAX 0xfffffu

/* 3.2.3: receive descriptor */
struct rx_desc {
	uint64_t addr;
	uint16_t len_bytes;
	uint16_t csum;
	uint8_t status;
	uint8_t errors;
	uint16_t special;
};
_Static_assert(sizeof(struct rx_desc) == 16, "receive descriptor");
#define RXS_DD    0x01u
#define RXS_EOP   0x02u
#define RXS_IXSM  0x04u /* the checksum bits say nothing */
#define RXS_UDPCS 0x10u /* 82574 */
#define RXS_TCPCS 0x20u
#define RXE_CE    0x01u
#define RXE_SE    0x02u
#define RXE_SEQ   0x04u
#define RXE_CXE   0x10u
#define RXE_TCPE  0x20u
#define RXE_IPE   0x40u
#define RXE_RXE   0x80u
#define RXE_FRAME (RXE_CE | RXE_SE | RXE_SEQ | RXE_CXE | RXE_RXE)

#endif

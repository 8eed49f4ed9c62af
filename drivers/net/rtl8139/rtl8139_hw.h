/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers of the Realtek RTL8139C(L) in C mode; section numbers are of its data sheet (rev. 1.4).
 */
#ifndef RTL8139_RTL8139_HW_H
#define RTL8139_RTL8139_HW_H

#include "axolotl/types.h"

#define REG_IDR0    0x00 /* 6: station address, loaded from the EEPROM */
#define REG_MAR0    0x08 /* 6: group hash, 64 bits; 32-bit access */
#define REG_TSD0    0x10 /* 6.3: four of them */
#define REG_TSAD0   0x20 /* bus addresses */
#define REG_RBSTART 0x30
#define REG_CR      0x37 /* 6.5, 8 bits */
#define REG_CAPR    0x38 /* 16 bits: what was read, less CAPR_BIAS */
#define REG_IMR     0x3c /* 6.6 */
#define REG_ISR     0x3e /* 6.7: write ones to clear */
#define REG_TCR     0x40 /* 6.8 */
#define REG_RCR     0x44 /* 6.9 */
#define REG_MPC     0x4c
#define REG_MSR     0x58 /* 6.15, 8 bits */
#define REG_TSAD    0x60 /* 6.16: summary of the four TSDs */
#define REG_BMCR    0x62 /* 6.17 */
#define REGS_BYTES  0x100u

#define CAPR_BIAS 16u

#define CR_BUFE (1u << 0) /* the ring is empty */
#define CR_TE   (1u << 2)
#define CR_RE   (1u << 3)
#define CR_RST  (1u << 4)

#define INT_ROK   (1u << 0)
#define INT_RER   (1u << 1)
#define INT_TOK   (1u << 2)
#define INT_TER   (1u << 3)
#define INT_RXOVW (1u << 4)
#define INT_PUN   (1u << 5) /* link change */
#define INT_FOVW  (1u << 6)
#define INT_SERR  (1u << 15)

#define TCR_CLRABT     (1u << 0) /* send an aborted frame's successors */
#define TCR_MXDMA_1024 (6u << 8)
#define TCR_IFG        (3u << 24)

#define RCR_AAP         (1u << 0) /* all unicast */
#define RCR_APM         (1u << 1) /* ours */
#define RCR_AM          (1u << 2) /* groups by hash */
#define RCR_AB          (1u << 3)
#define RCR_WRAP        (1u << 7) /* a frame goes on behind the end of the ring */
#define RCR_MXDMA_ANY   (7u << 8)
#define RCR_RBLEN_32K   (2u << 11)
#define RCR_RXFTH_FRAME (7u << 13)

/* 5.1: a frame in the ring: 16 bits of status, 16 of length with FCS, the frame, padding to 4 */
#define RX_RING_BYTES   32768u
#define RX_HEADER_BYTES 4u
#define RX_FCS_BYTES    4u
#define RX_WRITING      0xfff0u /* length while the device has not finished */
#define RXS_ROK         (1u << 0)
#define RXS_FAE         (1u << 1)
#define RXS_CRC         (1u << 2)
#define RXS_LONG        (1u << 3)
#define RXS_RUNT        (1u << 4)
#define RXS_ISE         (1u << 5)
#define RXS_BAD         (RXS_FAE | RXS_CRC | RXS_LONG | RXS_RUNT | RXS_ISE)

#define TX_SLOTS           4u
#define TSD_THRESHOLD      (8u << 16) /* x 32 bytes in the FIFO before it sends */
#define TSAD_OWN(s, i)     ((s) >> (i)&1u)
#define TSAD_FAILED(s, i)  (((s) >> ((i) + 4) | (s) >> ((i) + 8)) & 1u) /* aborted, underrun */
#define TSAD_ABORTED(s, i) ((s) >> ((i) + 4) & 1u)
#define TSAD_OK(s, i)      ((s) >> ((i) + 12) & 1u)
#define TX_FRAME_MIN       60u

#define MSR_LINKB    (1u << 2) /* no link */
#define MSR_SPEED_10 (1u << 3)
#define BMCR_DUPLEX  (1u << 8)

#endif

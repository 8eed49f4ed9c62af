/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and memory structures of AHCI 1.3.1 (Intel), commands of ATA8-ACS. Section numbers are
 * of the AHCI specification.
 */
#ifndef AHCI_AHCI_HW_H
#define AHCI_AHCI_HW_H

#include <stdint.h>

/* 3.1 generic host control */
#define HBA_CAP       0x00
#define CAP_SLOTS(c)  ((((c) >> 8) & 0x1f) + 1)
#define CAP_SNCQ      (1u << 30)
#define CAP_S64A      (1u << 31)
#define HBA_GHC       0x04
#define GHC_HR        (1u << 0)
#define GHC_IE        (1u << 1)
#define GHC_AE        (1u << 31)
#define HBA_IS        0x08
#define HBA_PI        0x0c
#define HBA_PORTS     0x100
#define PORT_BYTES    0x80
#define HBA_PORTS_MAX 32

/* 3.3 port registers */
#define PX_CLB  0x00
#define PX_CLBU 0x04
#define PX_FB   0x08
#define PX_FBU  0x0c
#define PX_IS   0x10
#define PX_IE   0x14
#define PX_CMD  0x18
#define PX_TFD  0x20
#define PX_SIG  0x24
#define PX_SSTS 0x28
#define PX_SCTL 0x2c
#define PX_SERR 0x30
#define PX_SACT 0x34
#define PX_CI   0x38

#define CMD_ST         (1u << 0)
#define CMD_SUD        (1u << 1)
#define CMD_POD        (1u << 2)
#define CMD_FRE        (1u << 4)
#define CMD_FR         (1u << 14)
#define CMD_CR         (1u << 15)
#define CMD_ICC_ACTIVE (1u << 28)

#define PIS_DHRS    (1u << 0) /* device to host register FIS */
#define PIS_PSS     (1u << 1)
#define PIS_DSS     (1u << 2)
#define PIS_SDBS    (1u << 3)  /* set device bits: NCQ completions */
#define PIS_PCS     (1u << 6)  /* port connect change */
#define PIS_PRCS    (1u << 22) /* PhyRdy change */
#define PIS_INFS    (1u << 26)
#define PIS_IFS     (1u << 27)
#define PIS_HBDS    (1u << 28)
#define PIS_HBFS    (1u << 29)
#define PIS_TFES    (1u << 30)
#define PIS_ERRORS  (PIS_IFS | PIS_HBDS | PIS_HBFS | PIS_TFES)
#define PIS_CHANGES (PIS_PCS | PIS_PRCS)
#define PIS_WANTED  (PIS_DHRS | PIS_PSS | PIS_DSS | PIS_SDBS | PIS_ERRORS | PIS_CHANGES)

#define TFD_ERR 0x01u
#define TFD_DRQ 0x08u
#define TFD_BSY 0x80u

#define SSTS_DET(s)    ((s)&0xf)
#define DET_NONE       0
#define DET_PRESENT    3 /* device, and communication established */
#define SCTL_DET(s)    ((s)&0xf)
#define SCTL_DET_RESET 1u
#define SCTL_IPM_NONE  (3u << 8) /* no partial or slumber states */
#define SIG_ATA        0x00000101u

/* 4.2.2 command list: 32 headers of 32 bytes */
#define SLOTS_MAX 32
struct cmd_header {
	uint32_t flags; /* HEADER_* */
	uint32_t bytes; /* PRDBC, written by the HBA */
	uint32_t table, table_upper;
	uint32_t reserved[4];
};
_Static_assert(sizeof(struct cmd_header) == 32, "command header");
#define HEADER_CFL_H2D  5u /* 20 bytes of FIS */
#define HEADER_WRITE    (1u << 6)
#define HEADER_PRDTL(n) ((uint32_t)(n) << 16)

/* 4.2.3 command table */
#define TABLE_BYTES   2048u
#define PRDS_MAX      ((TABLE_BYTES - 128) / 16)
#define PRD_BYTES_MAX (4u << 20)
struct prd {
	uint32_t base, base_upper;
	uint32_t reserved;
	uint32_t count; /* bytes - 1, odd */
};
struct cmd_table {
	uint8_t fis[64];
	uint8_t atapi[16];
	uint8_t reserved[48];
	struct prd prds[PRDS_MAX];
};
_Static_assert(sizeof(struct cmd_table) == TABLE_BYTES, "command table");

/* What one port needs of DMA memory. */
struct port_memory {
	struct cmd_header headers[SLOTS_MAX]; /* 1 KiB-aligned */
	uint8_t received[256];                /* 4.2.1, 256-aligned */
	uint16_t identify[256];
	uint8_t pad[256];
	struct cmd_table tables[SLOTS_MAX];
};
_Static_assert(sizeof(struct port_memory) == 2048 + SLOTS_MAX * TABLE_BYTES, "port memory");

/* ATA */
#define FIS_H2D               0x27
#define FIS_COMMAND           0x80
#define ATA_READ_DMA_EXT      0x25
#define ATA_WRITE_DMA_EXT     0x35
#define ATA_WRITE_DMA_FUA_EXT 0x3d
#define ATA_READ_FPDMA        0x60
#define ATA_WRITE_FPDMA       0x61
#define ATA_FLUSH_EXT         0xea
#define ATA_IDENTIFY          0xec
#define ATA_DEVICE_LBA        0x40
#define ATA_DEVICE_FUA        0x80 /* of the FPDMA commands */

#define ID_GENERAL         0
#define ID_NOT_ATA         (1u << 15)
#define ID_SERIAL          10
#define ID_MODEL           27
#define ID_QUEUE_DEPTH     75
#define ID_SATA_CAPS       76
#define ID_SATA_NCQ        (1u << 8)
#define ID_SUPPORT2        83
#define ID_LBA48           (1u << 10)
#define ID_FLUSH_EXT       (1u << 13)
#define ID_SUPPORT3        84
#define ID_FUA             (1u << 6)
#define ID_ENABLED1        85
#define ID_WRITE_CACHE     (1u << 5)
#define ID_SECTORS48       100
#define ID_SECTOR_SIZE     106
#define ID_INTEGRITY       255
#define ID_HAS_SUM(w)      (((w)&0xff) == 0xa5) /* then all bytes add up to 0 */
#define ID_SECTOR_VALID(w) (((w)&0xc000) == 0x4000)
#define ID_SECTOR_MULTIPLE (1u << 13) /* bits 3:0: log2 of logical per physical */
#define ID_SECTOR_LARGE    (1u << 12) /* logical sectors are not 512 bytes */

#endif

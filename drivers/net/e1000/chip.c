/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device outside its rings. The predecessor may have left it in any state: a reset, then every
 * register that matters is written. Two habits of QEMU's 82540EM decide the order:
 *   - It takes CTRL.RST as done and resets nothing. So the transmitter is switched off before
 *     its ring pointers move, and the receiver is starved (no descriptors: rx.c) instead of switched off.
 *   - It also receives nothing for a second after any write of RCTL. So RCTL is written only when the
 *     value changes: after a reset of real hardware, or when the mode does; and the receiver is on from the
 *     start, without descriptors.
 */
#include <errno.h>
#include <string.h>

#include "e1000.h"

#define RESET_QUIET_NS 1000ull      /* 13.4.1: no access in the first microsecond */
#define WAIT_NS        100000000ull /* for the reset; for a word of the EEPROM */
#define ITR_INTERVAL   500u         /* x 256 ns: at most 7813 interrupts a second */
#define TX_DELAY       32u          /* x 1.024 us from the last completion, */
#define TX_DELAY_MAX   128u         /* and from the first */
#define RCTL_ALWAYS    (RCTL_EN | RCTL_BAM | RCTL_SECRC)

static bool wait_for(const struct nic *n, unsigned reg, uint32_t mask, uint32_t value)
{
	uint64_t deadline = now_ns() + WAIT_NS;

	while ((reg_read(n, reg) & mask) != value)
		if (now_ns() > deadline)
			return false;
	return true;
}

int chip_reset(struct nic *n)
{
	uint64_t start;

	reg_write(n, REG_IMC, ~0u);
	reg_write(n, REG_TCTL, 0);
	reg_write(n, REG_CTRL, reg_read(n, REG_CTRL) | CTRL_RST);
	start = now_ns();
	while (now_ns() - start < RESET_QUIET_NS)
		;
	if (!wait_for(n, REG_CTRL, CTRL_RST, 0))
		return -EIO;
	reg_write(n, REG_IMC, ~0u);
	(void)chip_causes(n);
	n->is_mta_known = n->has_tx_irq = false;
	return 0;
}

static int read_eeprom(const struct nic *n, unsigned word, uint16_t *value)
{
	uint32_t done = n->is_82574 ? EERD_82574_DONE : EERD_DONE;
	unsigned shift = n->is_82574 ? EERD_82574_ADDR_SHIFT : EERD_ADDR_SHIFT;

	reg_write(n, REG_EERD, EERD_START | word << shift);
	if (!wait_for(n, REG_EERD, done, done))
		return -EIO;
	*value = EERD_DATA(reg_read(n, REG_EERD));
	return 0;
}

int chip_read_mac(struct nic *n)
{
	static const uint8_t none[6];

	for (unsigned i = 0; i < EEPROM_MAC_WORDS; i++) {
		uint16_t word = 0;
		int err = read_eeprom(n, i, &word);

		if (err != 0)
			return err;
		n->mac[2 * i] = (uint8_t)word;
		n->mac[2 * i + 1] = (uint8_t)(word >> 8);
	}
	/* An empty EEPROM reads as all ones, which is a group address. */
	return n->mac[0] & 1 || memcmp(n->mac, none, sizeof(none)) == 0 ? -ENODEV : 0;
}

void chip_setup(struct nic *n)
{
	const uint8_t *m = n->mac;
	uint32_t ctrl = reg_read(n, REG_CTRL);

	ctrl &= ~(CTRL_LRST | CTRL_ILOS | CTRL_FRCSPD | CTRL_FRCDPX | CTRL_VME | CTRL_PHY_RST);
	reg_write(n, REG_CTRL, ctrl | CTRL_SLU | CTRL_ASDE);
	reg_write(n, REG_RAL0,
	          m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24);
	reg_write(n, REG_RAH0, RAH_AV | m[4] | (uint32_t)m[5] << 8);
	reg_write(n, REG_RXCSUM, RXCSUM_IPOFL | RXCSUM_TUOFL);
	reg_write(n, REG_TIPG, TIPG_COPPER);
	reg_write(n, REG_ITR, ITR_INTERVAL);
	reg_write(n, REG_RDTR, 0);
	reg_write(n, REG_RADV, 0);
	reg_write(n, REG_TIDV, TX_DELAY);
	reg_write(n, REG_TADV, TX_DELAY_MAX);
	if (n->is_82574 && n->pci.is_msi) {
		reg_write(n, REG_EIAC, 0);
		reg_write(n, REG_IVAR, IVAR_ALL_0);
		reg_write(n, REG_EITR0, ITR_INTERVAL);
	}
	reg_write(n, REG_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD);
	if (!(reg_read(n, REG_RCTL) & RCTL_EN))
		reg_write(n, REG_RCTL, RCTL_ALWAYS);
	chip_read_link(n);
}

static void set_multicast(struct nic *n, const struct net_conf *conf)
{
	uint32_t table[MTA_WORDS];

	desc_multicast(conf, table);
	for (unsigned i = 0; i < MTA_WORDS; i++)
		if (!n->is_mta_known || n->mta[i] != table[i])
			reg_write(n, REG_MTA + i * 4, table[i]);
	memcpy(n->mta, table, sizeof(table));
	n->is_mta_known = true;
}

void chip_configure(struct nic *n, const struct net_conf *conf)
{
	uint32_t rctl = RCTL_ALWAYS;

	if (conf->mode & NET_MODE_PROMISCUOUS)
		rctl |= RCTL_UPE | RCTL_MPE;
	if (conf->mode & NET_MODE_ALLMULTI)
		rctl |= RCTL_MPE;
	set_multicast(n, conf);
	if (reg_read(n, REG_RCTL) != rctl)
		reg_write(n, REG_RCTL, rctl);
}

/* ---- interrupts ---- */

static bool has_msix(const struct nic *n)
{
	return n->is_82574 && n->pci.is_msi;
}

void chip_unmask(struct nic *n)
{
	reg_write(n, REG_IMS,
	          INT_LSC | INT_RXDMT0 | INT_RXT0 | (has_msix(n) ? INT_RXQ0 | INT_OTHER : 0));
}

void chip_unmask_tx(struct nic *n)
{
	n->has_tx_irq = true;
	reg_write(n, REG_IMS, INT_TXDW | (has_msix(n) ? INT_TXQ0 : 0));
}

/* Reading clears, but not with MSI-X (82574 10.2.4.1). */
uint32_t chip_causes(struct nic *n)
{
	uint32_t causes = reg_read(n, REG_ICR);

	if (has_msix(n))
		reg_write(n, REG_ICR, causes);
	return causes;
}

/* ---- link ---- */

void chip_read_link(struct nic *n)
{
	static const uint16_t speeds[] = {10, 100, 1000, 1000};
	uint32_t status = reg_read(n, REG_STATUS);
	bool is_up = status & STATUS_LU;

	n->link = (struct net_link){.unit = n->unit,
	                            .is_up = is_up,
	                            .speed_mbit = is_up ? speeds[STATUS_SPEED(status)] : 0,
	                            .is_full_duplex = is_up && status & STATUS_FD};
	nserver_link(n->unit, &n->link);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device outside its data: a reset brings it from any state to a known one (6.5), then everything
 * that matters is written.
 */
#include <errno.h>

#include "rtl8139.h"

#define RESET_TIMEOUT_NS 10000000ull
#define CAUSES_ALWAYS    (INT_ROK | INT_RER | INT_RXOVW | INT_FOVW | INT_PUN)
#define CAUSES_TX        (INT_TOK | INT_TER)

int chip_reset(struct nic *n)
{
	uint64_t deadline = now_ns() + RESET_TIMEOUT_NS;

	reg_write16(n, REG_IMR, 0);
	reg_write8(n, REG_CR, CR_RST);
	while (reg_read8(n, REG_CR) & CR_RST)
		if (now_ns() > deadline)
			return -EIO;
	reg_write16(n, REG_IMR, 0);
	(void)chip_causes(n);
	n->rcr = 0;
	n->has_tx_irq = false;
	return 0;
}

void chip_read_mac(struct nic *n)
{
	uint32_t low = reg_read32(n, REG_IDR0);
	uint32_t high = reg_read32(n, REG_IDR0 + 4);

	for (unsigned i = 0; i < 4; i++)
		n->mac[i] = (uint8_t)(low >> (8 * i));
	n->mac[4] = (uint8_t)high;
	n->mac[5] = (uint8_t)(high >> 8);
}

void chip_setup(struct nic *n)
{
	uint64_t tx_bus = n->mem_bus + offsetof(struct nic_memory, tx);

	for (unsigned i = 0; i < TX_SLOTS; i++)
		reg_write32(n, REG_TSAD0 + 4 * i, (uint32_t)(tx_bus + i * TX_BUFFER_BYTES));
	n->tx_clean = n->tx_next = 0; /* the device starts with slot 0 as well */
	/* TCR can be written only when the transmitter is on. */
	reg_write8(n, REG_CR, CR_TE);
	reg_write32(n, REG_TCR, TCR_MXDMA_1024 | TCR_IFG);
	reg_write16(n, REG_IMR, CAUSES_ALWAYS);
	chip_read_link(n);
}

/* Real devices begin at the start of the ring when the receiver goes on, QEMU's when RCR is written. */
void chip_restart_receiver(struct nic *n)
{
	reg_write8(n, REG_CR, CR_TE);
	reg_write32(n, REG_RBSTART, (uint32_t)(n->mem_bus + offsetof(struct nic_memory, rx)));
	reg_write8(n, REG_CR, CR_TE | CR_RE);
	reg_write32(n, REG_RCR, n->rcr);
	reg_write16(n, REG_CAPR, 0u - CAPR_BIAS);
	n->rx_offset = 0;
}

void chip_receive(struct nic *n, const struct net_conf *conf)
{
	uint32_t table[2];
	uint32_t rcr = RCR_APM | RCR_AM | RCR_AB | RCR_WRAP | RCR_MXDMA_ANY | RCR_RBLEN_32K |
	               RCR_RXFTH_FRAME;

	frame_multicast(conf, table);
	reg_write32(n, REG_MAR0, table[0]);
	reg_write32(n, REG_MAR0 + 4, table[1]);
	if (conf->mode & NET_MODE_PROMISCUOUS)
		rcr |= RCR_AAP;
	if (rcr == n->rcr)
		return;
	n->rcr = rcr;
	chip_restart_receiver(n);
}

void chip_unmask_tx(struct nic *n)
{
	n->has_tx_irq = true;
	reg_write16(n, REG_IMR, CAUSES_ALWAYS | CAUSES_TX);
}

uint16_t chip_causes(struct nic *n)
{
	uint16_t causes = reg_read16(n, REG_ISR);

	reg_write16(n, REG_ISR, causes);
	return causes;
}

void chip_read_link(struct nic *n)
{
	unsigned media = reg_read8(n, REG_MSR);
	bool is_up = !(media & MSR_LINKB);

	n->link =
		(struct net_link){.unit = n->unit,
	                          .is_up = is_up,
	                          .speed_mbit = !is_up                 ? 0
	                                        : media & MSR_SPEED_10 ? 10
	                                                               : 100,
	                          .is_full_duplex = is_up && reg_read16(n, REG_BMCR) & BMCR_DUPLEX};
	nserver_link(n->unit, &n->link);
}
